//! The README's code is code that compiles.

const README: &str = include_str!("../../../README.md");
const COMPILED: &str = include_str!("../examples/readme.rs");

#[test]
fn every_block_of_rust_is_compiled_as_it_stands() {
    let blocks: Vec<&str> =
        README.split("```rust\n").skip(1).map(|rest| rest.split("```").next().unwrap().trim_end()).collect();
    assert!(!blocks.is_empty());
    for block in blocks {
        assert!(
            COMPILED.contains(block),
            "examples/readme.rs does not contain this block of README.md:\n{block}"
        );
    }
}
