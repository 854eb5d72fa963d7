//! Writes the annotated functions of each program in `src/bin`.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

const MANY: usize = 10_000;

fn step(text: &mut String, name: &str, keys: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "#[lifecycle::on_shutdown({keys})]\nfn {name}() {{}}");
}

/// Every second one comes after the one before it.
fn pairs(steps: usize) -> String {
    let mut text = String::new();
    for index in 0..steps {
        let keys = if index % 2 == 1 { format!("after = step_{}", index - 1) } else { String::new() };
        step(&mut text, &format!("step_{index}"), &keys);
    }
    text
}

/// One comes after all others.
fn one_after_all() -> String {
    let mut text = String::new();
    (0..MANY).for_each(|index| step(&mut text, &format!("step_{index}"), ""));
    let others: Vec<String> = (0..MANY).map(|index| format!("step_{index}")).collect();
    step(&mut text, "the_one", &format!("after = [{}]", others.join(", ")));
    text
}

/// All others say that they come before one.
fn all_before_one() -> String {
    let mut text = String::new();
    (0..MANY).for_each(|index| step(&mut text, &format!("step_{index}"), "before = the_one"));
    step(&mut text, "the_one", "");
    text
}

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    let write = |name: &str, text: String| fs::write(Path::new(&out).join(name), text);
    for steps in [0, 100, 1_000, MANY] {
        write(&format!("steps_{steps}.rs"), pairs(steps))?;
    }
    write("into_one_after.rs", one_after_all())?;
    write("into_one_before.rs", all_before_one())
}
