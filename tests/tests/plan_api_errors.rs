//! `lifecycle::plan()` where there is none: every fault at once, as an ordinary error.

use lifecycle::on_start;

struct Config;
struct Venue;

#[on_start]
async fn connect(_: &Venue) {}

#[on_start]
async fn load(_: &Config) {}

#[on_start(order = 3)]
async fn warm(_: &Config) {}

#[test]
fn it_is_an_error_with_all_of_them() {
    let before = lifecycle::plan().unwrap_err();
    let error: &dyn std::error::Error = &before;
    let lines: Vec<String> = error.to_string().lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 3, "{lines:#?}");
    for (index, (line, name)) in lines.iter().zip(["connect", "load", "warm"]).enumerate() {
        assert!(
            line.starts_with(&format!("{}. `{name}` (tests/tests/plan_api_errors.rs:", index + 1)),
            "{line}"
        );
    }
    assert_eq!(before.messages().count(), 3);
    assert!(before.messages().next().unwrap().starts_with("`connect` "));

    // Without a #[lifecycle::main], what is provided by hand counts.
    lifecycle::provide(Config).unwrap();
    let after = lifecycle::plan().unwrap_err();
    assert_eq!(after.messages().count(), 1, "{after}");
    lifecycle::provide(Venue).unwrap();
    let plan = lifecycle::plan().unwrap();
    assert_eq!(plan.steps.len(), 4);
}
