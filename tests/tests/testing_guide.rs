//! The first example of docs/TESTING.md.

use std::time::Duration;

use lifecycle::signals::SIGTERM;
use lifecycle::{Rejected, Settings, Take, on_shutdown, on_start, testing, tracked};

#[derive(Clone)]
struct Db {
    url: &'static str,
}

#[on_start]
async fn open_db() -> std::io::Result<Db> {
    Ok(Db { url: "postgres://db.example" })
}

#[tracked]
async fn create_order(db: &Db) -> Result<&'static str, Rejected> {
    tokio::time::sleep(Duration::from_secs(30)).await;
    Ok(db.url)
}

#[on_shutdown(timeout = "10s")]
async fn close_db(Take(db): Take<Db>) {
    println!("closed {}", db.url);
}

fn fakes(_: &mut Settings) {
    testing::provide(Db { url: "memory" }); // `open_db` does not run
}

#[lifecycle::test(setup = fakes, grace = "1m", drain = "40s")]
async fn running_orders_are_awaited(db: Db) {
    let order = tokio::spawn(async move { create_order(&db).await });
    tokio::time::sleep(Duration::from_secs(1)).await; // of the test's clock: no time at all

    let report = testing::signal(SIGTERM).await;

    assert_eq!(order.await.unwrap().unwrap(), "memory");
    assert_eq!(report.exit_code, 0, "{report}");
    let steps: Vec<&str> = report.steps.iter().map(|step| &*step.name).collect();
    assert_eq!(steps, ["open_db", "Requests", "close_db"]); // the first of them `off`
}

#[test]
fn the_page_shows_this() {
    let page = include_str!("../../docs/TESTING.md");
    let shown: Vec<&str> =
        page.split("```rust\n").skip(1).map(|rest| rest.split_once("```").unwrap().0).collect();
    let [first, of_sync_hooks] = shown[..] else { panic!("{shown:?}") };
    assert!(include_str!("testing_guide.rs").contains(first), "{first}");
    assert!(include_str!("testing_sync.rs").contains(of_sync_hooks), "{of_sync_hooks}");
}
