//! Every key of a group with every form of value, and every way to name one.
#![deny(warnings, missing_docs)]
use std::time::Duration;

use async_trait::async_trait;
use lifecycle::{Outcome, Rejected, Report, on_shutdown, tracked};

/// Of the first group.
pub const SOON: Duration = Duration::from_secs(5);

/// Groups that others use.
pub mod groups {
    /// In a library it would be public.
    #[lifecycle::group(order = -3, timeout = "1m 30s", crate = lifecycle)]
    #[derive(Clone, Copy, Debug, Default)]
    pub struct Public;

    #[lifecycle::group(order = EARLY, timeout = super::SOON,)]
    pub(in crate) struct ByPath;

    const EARLY: i32 = -2;

    pub(crate) use self::ByPath as Renamed;
}

#[lifecycle::group]
struct r#Jobs;

#[lifecycle::group(order = i32::MAX, r#timeout = "5ms")]
struct Last;

macro_rules! make {
    ($vis:vis $name:ident, $order:expr) => {
        #[lifecycle::group(order = $order)]
        $vis struct $name;
    };
}
make!(pub(crate) Made, 7);

/// As a library would alias one.
type Alias = groups::Public;

#[tracked(group = groups::Public)]
async fn asynchronous() -> Result<&'static str, Rejected> {
    Ok(busy())
}

#[tracked(group = Alias, name = "aliased")]
fn aliased() -> Result<&'static str, Rejected> {
    Ok(busy())
}

#[tracked(group = crate::groups::Renamed, reject = "")]
fn generic<T: Default>(_: T) -> &'static str {
    busy()
}

#[tracked(admit = always, group = r#Jobs)]
fn hidden() -> impl Future<Output = &'static str> {
    async { busy() }
}

#[tracked(group = ::lifecycle::Requests)]
fn of_requests() -> Result<&'static str, Rejected> {
    Ok(busy())
}

struct Desk;

#[async_trait]
trait Work {
    async fn work(&self) -> Result<&'static str, Rejected>;
}

#[async_trait]
impl Work for Desk {
    #[tracked(group = Made)]
    async fn work(&self) -> Result<&'static str, Rejected> {
        Ok(busy())
    }
}

impl Desk {
    #[tracked(group = self::Last)]
    fn method(&mut self) -> Result<&'static str, Rejected> {
        Ok(busy())
    }
}

fn inside() -> Result<&'static str, Rejected> {
    #[lifecycle::group(order = 9)]
    struct Inside;

    #[tracked(group = Inside)]
    fn call() -> Result<&'static str, Rejected> {
        Ok(busy())
    }
    call()
}

/// The group that has a call.
fn busy() -> &'static str {
    let stats = lifecycle::stats();
    let mut busy = stats.groups.iter().filter(|group| group.in_flight > 0);
    let found = busy.next().expect("a call is counted").name;
    assert!(busy.next().is_none() && lifecycle::in_flight() == 1, "once");
    found
}

#[on_shutdown(last)]
fn check(report: &Report) {
    let groups: Vec<_> = report.steps.iter().map(|step| (&*step.name, step.order, step.outcome)).collect();
    let expected = [
        ("Public", Some(-3)),
        ("ByPath", Some(-2)),
        ("Requests", None),
        ("Jobs", None),
        ("Made", Some(7)),
        ("Inside", Some(9)),
        ("Last", Some(i32::MAX)),
    ];
    assert_eq!(groups, expected.map(|(name, order)| (name, order, Outcome::Done)), "{report}");
    let limits: Vec<_> = report.steps.iter().map(|step| step.limit.expect("a limit").as_millis()).collect();
    assert_eq!(limits, [90_000, 5_000, 15_000, 15_000, 15_000, 15_000, 5]);
}

#[lifecycle::main(report = off)]
async fn main() {
    assert_eq!(asynchronous().await.ok(), Some("Public"));
    assert_eq!(aliased().ok(), Some("Public"));
    assert_eq!(generic(1), "ByPath");
    assert_eq!(hidden().await, "Jobs");
    assert_eq!(of_requests().ok(), Some("Requests"));
    assert_eq!(Desk.work().await.ok(), Some("Made"));
    assert_eq!(Desk.method().ok(), Some("Last"));
    assert_eq!(inside().ok(), Some("Inside"));
    let _ = groups::Public;
}
