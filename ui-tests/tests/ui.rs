//! What the attributes refuse, word by word, and what they accept.
//!
//! `fail/` holds our own words, `fail/rustc/` those of rustc, which change with the compiler: it is pinned. After a
//! change of either, `TRYBUILD=overwrite cargo test -p lifecycle-ui-tests` writes them anew; read every line of the
//! difference as the user who made the mistake. Programs in `pass/` are run as well.

#[test]
fn ui() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("fail/*.rs");
    cases.compile_fail("fail/rustc/*.rs");
    cases.pass("pass/*.rs");
}
