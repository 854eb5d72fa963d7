//! What README.md and docs/ORDER.md show of the compiler's words is what it says, in `fail/`.
#![expect(clippy::unwrap_used, reason = "a failure here is the test's failure")]

use std::fs;
use std::path::Path;

const README: &str = include_str!("../../README.md");
const ORDER: &str = include_str!("../../docs/ORDER.md");

fn said() -> Vec<String> {
    let fail = Path::new(env!("CARGO_MANIFEST_DIR")).join("fail");
    let files =
        [fail.clone(), fail.join("rustc")].into_iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let files = files.map(|file| file.unwrap().path());
    files
        .filter(|file| file.extension().is_some_and(|it| it == "stderr"))
        .map(|file| fs::read_to_string(file).unwrap())
        .collect()
}

#[test]
fn the_readme_shows_each_message_word_by_word() {
    let blocks = README.split("```text\n").skip(1).map(|rest| rest.split("```").next().unwrap().trim_end());
    let errors: Vec<&str> = blocks.filter(|block| block.starts_with("error")).collect();
    let said = said();
    for error in &errors {
        assert!(said.iter().any(|text| text.contains(error)), "no .stderr has this:\n{error}");
    }
    for code in ["E0425", "E0391", "E0080", "E0433", "E0223", "E0428"] {
        let head = format!("error[{code}]");
        assert!(errors.iter().any(|error| error.starts_with(&head)), "README.md shows no {head}");
    }
}

/// There, `…` stands for what is left out.
#[test]
fn the_table_of_refusals_shows_what_is_said() {
    let (_, section) = ORDER.split_once("## What the compiler refuses").unwrap();
    let rows: Vec<&str> = section.lines().skip_while(|line| !line.starts_with("|---")).skip(1).collect();
    let rows: Vec<&str> = rows.into_iter().take_while(|line| line.starts_with('|')).collect();
    assert!(rows.len() > 8);
    let said = said();
    for row in rows {
        let words = row.split_once("``").unwrap().1.rsplit_once("``").unwrap().0.trim();
        let parts: Vec<&str> = words.split('…').map(str::trim).collect();
        let holds = |text: &str| {
            let find = |from: Option<usize>, part: &&str| {
                let from = from?;
                Some(from + text[from..].find(*part)? + part.len())
            };
            parts.iter().fold(Some(0), find).is_some()
        };
        assert!(said.iter().any(|text| holds(text)), "no .stderr has this: {words}");
    }
}
