//! What a README says of the lines of its system.

use std::fs;
use std::path::Path;

/// Lines that are neither empty nor comments.
fn code(folder: &Path, files: &[&str]) -> Vec<String> {
    let text: String = files.iter().map(|file| fs::read_to_string(folder.join(file)).unwrap()).collect();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
    lines.map(str::to_owned).collect()
}

/// How many of them are attributes, or name something of the library.
fn of_the_library(lines: &[String], names: &[&str]) -> usize {
    let mut inside = false;
    let mut counted = 0;
    for line in lines {
        inside |= line.starts_with("#[");
        counted += usize::from(inside || names.iter().any(|name| line.contains(name)));
        inside &= !line.ends_with(']');
    }
    counted
}

/// Asserts that the README in this folder (`env!("CARGO_MANIFEST_DIR")`) has the right counts: of the lines with the
/// library, of those among them that are attributes or have one of these names, and of the lines without it.
pub fn assert_readme_counts(folder: &str, with: &[&str], names: &[&str], by_hand: &[&str]) {
    let folder = Path::new(folder);
    let (with, by_hand) = (code(folder, with), code(folder, by_hand));
    let [all, of_it, without] = [with.len(), of_the_library(&with, names), by_hand.len()];
    let counts = format!("{all} lines, {of_it} of which mention the library; without it {without} lines");
    let readme = fs::read_to_string(folder.join("README.md")).unwrap();
    assert!(readme.contains(&counts), "README.md does not say: {counts}");
}
