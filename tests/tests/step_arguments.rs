//! Every form of a step's argument and of what it returns, in one real run: aliased, fully qualified, and beside types
//! of the same names that are the user's own.

#![expect(clippy::needless_pass_by_value, clippy::non_minimal_cfg, reason = "the forms are the point")]

use std::cell::Cell;
use std::sync::{Arc, Mutex, PoisonError};

use lifecycle::{CancellationToken, Outcome, Report, Take, on_shutdown, on_start};

static SEEN: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());

fn saw(what: &'static str, right: bool) {
    assert!(right, "{what}");
    SEEN.lock().unwrap_or_else(PoisonError::into_inner).push(what);
}

trait Venue: Send + Sync {
    fn code(&self) -> u32;
}
struct Fix;
impl Venue for Fix {
    fn code(&self) -> u32 {
        35
    }
}
/// Shared, not `Clone`.
struct Config(u32);
#[derive(Clone)]
struct Pool(u32);
struct Taken(u32);
struct TakenTwice(u32);
struct Absent;
#[derive(Clone)]
struct Maybe(u32);
struct First(u32);
struct Second(u32);
struct InArc(u32);
struct Unsync(Cell<u32>);
#[derive(Clone)]
struct ByHand(u32);

type Borrowed<'a> = &'a Config;
type Moved = Take<TakenTwice>;
type Perhaps<T> = Option<T>;
type Stop = CancellationToken;
type Fallible<T> = Result<T, std::fmt::Error>;

/// Types that only share a name with ours; they are resources like any other.
mod own {
    #[derive(Clone)]
    pub(crate) struct Take<T>(pub(crate) T);
    #[derive(Clone)]
    pub(crate) enum Option<T> {
        Some(T),
    }
    #[derive(Clone)]
    pub(crate) struct Arc<T>(pub(crate) T);
    #[derive(Clone)]
    pub(crate) struct CancellationToken(pub(crate) u32);
    #[derive(Clone)]
    pub(crate) enum Result<T, E> {
        Ok(T),
        #[expect(dead_code, reason = "shaped like the other one")]
        Err(E),
    }
}

#[on_start]
fn a_value() -> Config {
    Config(1)
}
#[on_start]
async fn a_result(config: &Config) -> Fallible<Pool> {
    Ok(Pool(config.0 + 1))
}
#[on_start]
fn a_tuple() -> ::core::result::Result<(First, Second), String> {
    Ok((First(1), Second(2)))
}
#[on_start]
fn an_arc() -> Arc<dyn Venue> {
    Arc::new(Fix)
}
#[on_start]
async fn a_result_of_an_arc() -> Result<::std::sync::Arc<InArc>, Box<dyn std::error::Error + Send + Sync>> {
    Ok(Arc::new(InArc(9)))
}
#[on_start]
fn an_option() -> Perhaps<Maybe> {
    Some(Maybe(4))
}
#[on_start]
fn an_empty_option() -> Option<Absent> {
    None
}
#[on_start]
fn nothing() {}
#[on_start]
fn to_be_taken() -> (Taken, TakenTwice) {
    (Taken(5), TakenTwice(6))
}
#[on_start]
fn not_sync() -> Unsync {
    Unsync(Cell::new(7))
}
#[on_start]
fn owns() -> (own::Take<u8>, own::Option<u8>, own::Arc<u8>, own::CancellationToken) {
    (own::Take(1), own::Option::Some(1), own::Arc(1), own::CancellationToken(1))
}
/// Not a `Result`: it is the resource.
#[on_start]
fn own_result() -> own::Result<u8, u8> {
    own::Result::Ok(3)
}
#[on_start(label = Labelled)]
fn labelled() -> ByHand {
    ByHand(8)
}

#[on_shutdown(order = 1)]
async fn borrowed(a: &Config, b: Borrowed<'_>, c: &'_ crate::Config) {
    saw("borrowed", a.0 + b.0 + c.0 == 3);
}
#[on_shutdown(order = 1)]
fn borrowed_by_name<'a, 'b: 'a>(a: &'a Config, b: Borrowed<'b>) -> Result<(), String> {
    saw("borrowed_by_name", a.0 + b.0 == 2);
    Ok(())
}
#[on_shutdown(order = 1)]
async fn cloned(pool: Pool, again: crate::Pool, mut more: Pool) -> Fallible<()> {
    more.0 += 1;
    saw("cloned", pool.0 + again.0 + more.0 == 7);
    Ok(())
}
#[on_shutdown(order = 1)]
async fn shared(config: Arc<Config>, venue: &dyn Venue, same: ::std::sync::Arc<dyn Venue>, arc: &InArc) {
    saw("shared", config.0 + venue.code() + same.code() + arc.0 == 80);
}
#[on_shutdown(order = 1)]
async fn optional(
    a: Option<&Config>,
    b: Perhaps<Pool>,
    c: ::core::option::Option<Arc<Config>>,
    d: Option<&Absent>,
) {
    saw("optional", a.is_some() && b.is_some() && c.is_some() && d.is_none());
}
#[on_shutdown(order = 1)]
fn members(First(first): &First, second: &Second, maybe: Maybe) {
    saw("members", first + second.0 + maybe.0 == 7);
}
#[on_shutdown(order = 1)]
async fn tokens(a: CancellationToken, b: Stop, c: ::lifecycle::CancellationToken) {
    saw("tokens", !a.is_cancelled() && !b.is_cancelled() && !c.is_cancelled());
}
#[on_shutdown(order = 1)]
fn users_own(
    own::Take(a): own::Take<u8>,
    own::Option::Some(b): own::Option<u8>,
    c: &own::Arc<u8>,
    d: own::CancellationToken,
    e: &own::Result<u8, u8>,
    by_hand: ByHand,
) {
    saw("users_own", a + b + c.0 == 3 && d.0 == 1 && matches!(e, own::Result::Ok(3)) && by_hand.0 == 8);
}
#[on_shutdown(order = 1)]
fn cfgs(#[cfg(any())] missing: Missing, #[cfg(all())] config: &Config, #[cfg(any())] other: &Missing) {
    saw("cfgs", config.0 == 1);
}
#[on_shutdown(order = 1)]
fn r#type(r#in: &Config) {
    saw("type", r#in.0 == 1);
}
#[on_shutdown(order = 2)]
async fn takes(Take(a): Take<Taken>, b: Moved, c: ::lifecycle::Take<Unsync>, d: Option<Take<Absent>>) {
    saw("takes", a.0 + b.0.0 + c.0.0.get() == 18 && d.is_none());
}
#[on_shutdown(order = 2)]
fn takes_arcs(Take(venue): Take<Arc<dyn Venue>>, config: Option<Take<Arc<Config>>>) {
    saw("takes_arcs", venue.code() == 35 && config.is_some());
}
#[on_shutdown(last)]
async fn reports(report: &Report, again: &lifecycle::Report, pool: &Pool) -> Result<(), String> {
    saw("reports", report.steps.len() > 10 && again.steps.len() > 10 && pool.0 == 2);
    Ok(())
}
macro_rules! step {
    ($(#[$attr:meta])* $name:ident, $ty:ty, $body:block) => {
        $(#[$attr])* fn $name(_config: $ty) $body
    };
}
step! { #[on_shutdown(order = 1, timeout = "1s")] made_by_a_macro, &Config, { saw("made_by_a_macro", true) } }

#[tokio::test(flavor = "current_thread")]
async fn every_form_gets_what_it_asks_for() {
    let report = lifecycle::run(async {}).await;
    let mut seen = SEEN.lock().unwrap().clone();
    seen.sort_unstable();
    assert_eq!(
        seen,
        [
            "borrowed",
            "borrowed_by_name",
            "cfgs",
            "cloned",
            "made_by_a_macro",
            "members",
            "optional",
            "reports",
            "shared",
            "takes",
            "takes_arcs",
            "tokens",
            "type",
            "users_own",
        ],
        "{report}"
    );
    let mut steps: Vec<(&str, Outcome)> = report.steps.iter().map(|s| (s.name.as_str(), s.outcome)).collect();
    steps.sort_unstable_by_key(|(name, _)| *name);
    let expected = [
        "Labelled",
        "Requests",
        "a_result",
        "a_result_of_an_arc",
        "a_tuple",
        "a_value",
        "an_arc",
        "an_empty_option",
        "an_option",
        "borrowed",
        "borrowed_by_name",
        "cfgs",
        "cloned",
        "made_by_a_macro",
        "members",
        "not_sync",
        "nothing",
        "optional",
        "own_result",
        "owns",
        "reports",
        "shared",
        "takes",
        "takes_arcs",
        "to_be_taken",
        "tokens",
        "type",
        "users_own",
    ];
    assert_eq!(steps, expected.map(|name| (name, Outcome::Done)), "{report}");
    // The functions are still what they were.
    assert_eq!(labelled().0, 8);
    assert_eq!(a_value().0, 1);
}

#[test]
fn a_step_is_a_type() {
    fn is_step<S: lifecycle::Step>() {}
    is_step::<borrowed>();
    is_step::<Labelled>();
    is_step::<r#type>();
}
