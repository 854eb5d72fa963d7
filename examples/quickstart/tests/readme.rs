//! The README's code is code that compiles, also where it is not a doctest since it needs other crates or is a test itself.

const README: &str = include_str!("../../../README.md");
const COMPILED: [&str; 3] = [
    include_str!("../examples/readme.rs"),
    include_str!("../../../tests/tests/testing_guide.rs"),
    include_str!("../../../tests/stacks/examples/readme.rs"),
];

#[test]
fn every_block_that_is_no_doctest_is_compiled_as_it_stands() {
    let blocks: Vec<&str> = README
        .split("```rust,ignore\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap().trim_end())
        .collect();
    assert_eq!(blocks.len(), 5);
    for block in blocks {
        assert!(
            COMPILED.iter().any(|file| file.contains(block)),
            "no examples/readme.rs and no testing_guide.rs contains this block of README.md:\n{block}"
        );
    }
}

const QUICKSTART: &str = include_str!("../src/main.rs");

#[test]
fn the_report_it_shows_is_of_the_example_as_it_stands() {
    let (_, rest) = README.split_once("```text\nshutdown: SIGINT").unwrap();
    let lines: Vec<&str> = rest.split("```").next().unwrap().lines().collect();
    let mut steps = Vec::new();
    for (above, place) in lines.iter().zip(&lines[1..]) {
        let Some(line) = place.trim().strip_prefix("at examples/quickstart/src/main.rs:") else { continue };
        let name = above.split_whitespace().next().unwrap();
        steps.push(name);
        let mut from = QUICKSTART.lines().skip(line.parse::<usize>().unwrap() - 1);
        assert!(from.next().unwrap().starts_with("#[on_"), "{name} is not at line {line}");
        assert!(from.next().unwrap().contains(&format!("fn {name}(")), "{name} is not at line {line}");
    }
    assert_eq!(steps, ["open_db", "close_db", "back_up"]);
    assert!(QUICKSTART.lines().count() < 120, "as the README says");
}
