//! The relay in a process of its own, on a clock that does not wait.

use std::sync::Arc;

use lifecycle::signals::SIGTERM;
use lifecycle::testing;
use tempfile::TempDir;

use super::*;

/// A home that goes when the test does, and a venue in the place of the one that `connect` would wait for.
fn at_home(_: &mut Settings) -> io::Result<(Config, TempDir)> {
    let folder = TempDir::new()?;
    let home = folder.path().to_owned();
    for folder in ["inbox", "venue"] {
        fs::create_dir(home.join(folder))?;
    }
    fs::write(home.join("venue/up"), "")?;
    testing::provide(Venue { orders: home.join("venue"), connected: AtomicBool::new(true) });
    Ok((Config { home, keep_orders: false }, folder))
}

#[lifecycle::test(setup = at_home)]
async fn what_was_placed_is_cancelled_at_the_end(home: Arc<TempDir>, venue: &Venue) {
    fs::write(home.path().join("inbox/tea"), "").unwrap();
    // The body stands in for `main`, which opens the inbox.
    lifecycle::provide(Inbox(home.path().join("inbox"))).unwrap();
    while venue.open_orders().unwrap() != ["tea"] {
        tokio::time::sleep(Duration::from_millis(50)).await; // no time at all
    }

    let report = testing::signal(SIGTERM).await;

    assert_eq!(report.exit_code, 0, "{report}");
    let cancelled = &report.step("CancelOrders").unwrap().items;
    assert_eq!(cancelled.iter().map(|item| &*item.name).collect::<Vec<_>>(), ["tea"], "{report}");
    assert!(venue.open_orders().unwrap().is_empty());
}
