//! `#[tracked(id = …, span)]`: calls that can be told apart, in every shape of function, by the report and by events.
#![expect(clippy::unwrap_used, reason = "a failure here is the test's failure")]

use std::collections::BTreeMap;
use std::fmt::Display;
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use lifecycle::signals::SIGTERM;
use lifecycle::{CallSite, Event, Rejected, Report, testing, tracked};
use tokio::task::yield_now;

type Answer = Result<(), Rejected>;

struct Order {
    id: u32,
    owner: String,
}

fn order(id: u32) -> Order {
    Order { id, owner: format!("owner {id}") }
}

#[tracked(id = order.id)]
async fn moved(order: Order) -> Answer {
    let order = order;
    pending::<()>().await;
    drop(order);
    Ok(())
}

#[tracked(id = format_args!("order={}", order.id), span)]
async fn formatted(order: &Order) -> Answer {
    pending().await
}

#[tracked(id = id, name = "orders.generic")]
async fn generic<T: Display>(id: T) -> Answer {
    pending().await
}

// What a pattern leaves unbound is dropped with the call, and its names are there all the same.
#[tracked(id = format_args!("{id}/{owner}"), span)]
async fn in_part(Order { id, ref owner, .. }: Order, (_, mut x): (u8, u8)) -> Answer {
    x += 1;
    let _ = (id, owner, x);
    pending().await
}

#[tracked(id = order.owner)]
fn boxed(order: Order) -> Pin<Box<dyn Future<Output = Answer> + Send>> {
    Box::pin(async move {
        let _order = order;
        pending().await
    })
}

#[tracked(id = a, span)]
fn boxed_in_part((a, ..): (u8, String)) -> Pin<Box<dyn Future<Output = Answer> + Send>> {
    Box::pin(async move {
        let _ = a;
        pending().await
    })
}

#[tracked(id = order.id, reject = Ok(()), span)]
fn hidden(order: Order) -> impl Future<Output = Answer> + Send {
    async move {
        let _order = order;
        pending().await
    }
}

#[tracked(id = "batch ".to_owned() + name, admit = always)]
async fn always(name: &str) {
    pending().await
}

struct Desk {
    number: u32,
}

#[lifecycle::component]
impl Desk {
    #[tracked(id = self.number)]
    async fn by_method(&self) -> Answer {
        pending().await
    }

    #[tracked(id = self.number + 1)]
    async fn by_owner(self: Arc<Self>) -> Answer {
        pending().await
    }
}

trait Served {
    fn number(&self) -> u32;

    #[tracked(id = self.number(), reject = ())]
    async fn serve(&self) {
        pending().await
    }
}

impl Served for Desk {
    fn number(&self) -> u32 {
        self.number
    }
}

#[tracked]
async fn request() -> Answer {
    let _ = formatted(&order(50)).await;
    Ok(())
}

#[lifecycle::group]
struct Jobs;

#[tracked(group = Jobs, id = number)]
async fn job(number: u8) -> Answer {
    pending().await
}

/// Lets every task have its turn, until so many calls run.
async fn running(calls: usize) {
    while lifecycle::in_flight() < calls {
        yield_now().await;
    }
}

/// By function: how many calls of it were cut off, and which.
fn cut_off(calls: &[CallSite]) -> BTreeMap<&str, (usize, Vec<String>)> {
    let of_site = |site: &CallSite| {
        let ids = site.running.iter().map(|call| format!("{} {}", call.name, call.id));
        (site.count, ids.collect())
    };
    calls.iter().map(|site| (&*site.name, of_site(site))).collect()
}

#[lifecycle::test(drain = "5s", cut = "1s")]
async fn every_shape_is_named_with_its_id_and_how_long_it_ran() {
    let desk = Arc::new(Desk { number: 20 });
    let calls: Vec<Pin<Box<dyn Future<Output = ()> + Send>>> = {
        let (one, other, third) = (Arc::clone(&desk), Arc::clone(&desk), Arc::clone(&desk));
        vec![
            Box::pin(async {
                let _ = moved(order(1)).await;
            }),
            Box::pin(async {
                let _ = formatted(&order(2)).await;
            }),
            Box::pin(async {
                let _ = generic("three").await;
            }),
            Box::pin(async {
                let _ = generic(3.5).await;
            }),
            Box::pin(async {
                let _ = in_part(order(4), (0, 0)).await;
            }),
            Box::pin(async {
                let _ = boxed(order(5)).await;
            }),
            Box::pin(async {
                let _ = boxed_in_part((6, String::new())).await;
            }),
            Box::pin(async {
                let _ = hidden(order(7)).await;
            }),
            Box::pin(always("8")),
            Box::pin(async move {
                let _ = one.by_method().await;
            }),
            Box::pin(async move {
                let _ = other.by_owner().await;
            }),
            Box::pin(async move { third.serve().await }),
            Box::pin(async {
                let _ = request().await;
            }),
            Box::pin(async {
                let _ = job(9).await;
            }),
        ]
    };
    let count = calls.len();
    for call in calls {
        tokio::spawn(call);
    }
    running(count).await;
    tokio::time::sleep(Duration::from_secs(2)).await;

    let report = testing::signal(SIGTERM).await;
    let found = cut_off(&report.calls.cut_off);
    let is = |count, ids: &[&str]| (count, ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>());
    let expected = BTreeMap::from([
        ("moved", is(1, &["moved 1"])),
        ("formatted", is(1, &["formatted order=2"])),
        ("orders.generic", is(2, &["orders.generic three", "orders.generic 3.5"])),
        ("in_part", is(1, &["in_part 4/owner 4"])),
        ("boxed", is(1, &["boxed owner 5"])),
        ("boxed_in_part", is(1, &["boxed_in_part 6"])),
        ("hidden", is(1, &["hidden 7"])),
        ("always", is(1, &["always batch 8"])),
        ("by_method", is(1, &["by_method 20"])),
        ("by_owner", is(1, &["by_owner 21"])),
        ("serve", is(1, &["serve 20"])),
        ("request", is(1, &["formatted order=50"])),
        ("job", is(1, &["job 9"])),
    ]);
    assert_eq!(found, expected, "{report}");
    assert_tells_how_long(&report);

    let told = testing::events().into_iter().find_map(|event| match event {
        Event::CutOff { group, calls } if group == "Requests" => Some(calls),
        _ => None,
    });
    let told = told.unwrap();
    assert_eq!(cut_off(&told)["moved"], is(1, &["moved 1"]));
    let moved = told.iter().find(|site| site.name == "moved").unwrap();
    assert_eq!(moved.running[0].ran, Duration::from_secs(2 + 5), "told before the cut");
}

fn assert_tells_how_long(report: &Report) {
    let site = report.calls.cut_off.iter().find(|site| site.name == "moved").unwrap();
    let call = &site.running[0];
    assert_eq!(call.ran, Duration::from_secs(2 + 5 + 1), "{report}");
    assert_eq!((&*call.file, call.line), (file!(), site.line));
    let lines =
        format!("\n      cut off: 1 moved, {0}:{1}\n        moved 1, 8s, {0}:{1}\n", site.file, site.line);
    assert!(report.to_string().contains(&lines), "{lines}\nin {report}");
    let error = report.step("Requests").unwrap().error.as_deref().unwrap();
    let words = format!("moved 1 (8s, {}:{})", site.file, site.line);
    assert!(error.contains(&words), "{words} in {error}");
    let row = format!("of these: moved 1, 8s, {}:{}<", site.file, site.line);
    assert!(report.to_svg().contains(&row), "{row} in {}", report.to_svg());
}

#[lifecycle::test(drain = "5s")]
async fn calls_that_ended_or_were_dropped_are_not_named() {
    let ended = tokio::spawn(async { generic_that_ends("ended").await });
    ended.await.unwrap().unwrap();
    let dropped = tokio::spawn(async {
        let _ = generic("dropped").await;
    });
    running(1).await;
    dropped.abort();
    assert!(dropped.await.unwrap_err().is_cancelled());
    tokio::spawn(async {
        let _ = generic("left").await;
    });
    running(1).await;
    let report = testing::signal(SIGTERM).await;
    let found = cut_off(&report.calls.cut_off);
    assert_eq!(found, BTreeMap::from([("orders.generic", (1, vec!["orders.generic left".to_owned()]))]));
}

#[tracked(id = id)]
async fn generic_that_ends<T: Display>(id: T) -> Answer {
    yield_now().await;
    Ok(())
}

#[lifecycle::test]
async fn a_refused_call_does_not_run_and_is_not_named() {
    let report = testing::signal(SIGTERM).await;
    assert_eq!(report.exit_code, 0, "{report}");
    assert!(moved(order(1)).await.is_err());
    assert!(boxed(order(1)).await.is_err());
    assert!(hidden(order(1)).await.is_ok(), "what `reject` says");
    assert!(refused_sync(1).is_err());
}

#[tracked(id = number, span)]
fn refused_sync(number: u8) -> Result<u8, Rejected> {
    panic!("{number} runs after all");
}
