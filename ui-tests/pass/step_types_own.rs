//! Types of the user's own with names we know are ordinary values: resources, keyed by their types.
use lifecycle::{on_shutdown, on_start};

mod own {
    #[derive(Clone, Debug, PartialEq)]
    pub enum Option<T> {
        Some(T),
        None,
    }
    #[derive(Clone, Debug, PartialEq)]
    pub enum Result<T, E> {
        Ok(T),
        Err(E),
    }
    #[derive(Clone, Debug, PartialEq)]
    pub struct Arc<T>(pub T);
    #[derive(Clone, Debug, PartialEq)]
    pub struct Take<T>(pub T);
    #[derive(Clone, Debug, PartialEq)]
    pub struct CancellationToken(pub u8);
    #[derive(Clone, Debug, PartialEq)]
    pub struct Report(pub u8);
    #[derive(Clone, Debug, PartialEq)]
    pub struct Pin<T>(pub T);
}
use own::{Arc, CancellationToken, Option, Pin, Report, Result, Take};

#[on_start]
fn option() -> Option<u8> {
    Option::None
}

#[on_start]
fn result() -> Result<u8, u8> {
    Result::Err(1)
}

#[on_start]
fn arc() -> Arc<u8> {
    Arc(2)
}

#[on_start]
fn take() -> Take<u8> {
    Take(3)
}

#[on_start]
fn token() -> std::sync::Arc<CancellationToken> {
    std::sync::Arc::new(CancellationToken(4))
}

#[on_start]
fn report() -> Report {
    Report(5)
}

#[on_start]
fn pin() -> Pin<Box<u8>> {
    Pin(Box::new(6))
}

#[on_shutdown]
async fn by_value(a: Option<u8>, b: Result<u8, u8>, c: Arc<u8>, d: Take<u8>, e: CancellationToken, f: Pin<Box<u8>>) {
    assert_eq!((a, b, c), (Option::None, Result::Err(1), Arc(2)));
    assert_eq!((d, e, f), (Take(3), CancellationToken(4), Pin(Box::new(6))));
}

#[on_shutdown]
fn by_reference(a: &Option<u8>, d: &Take<u8>, report: &Report, e: std::option::Option<&CancellationToken>) {
    assert_eq!((a, d, report, e), (&Option::None, &Take(3), &Report(5), Some(&CancellationToken(4))));
}

#[on_shutdown(last)]
fn alert(report: &lifecycle::Report) {
    let done = report.steps.iter().filter(|step| step.outcome == lifecycle::Outcome::Done).count();
    assert_eq!((done, report.steps.len()), (10, 10), "{report}");
}

#[lifecycle::main]
async fn main(option: Option<u8>) {
    assert_ne!((option, Result::<u8, u8>::Err(1)), (Option::Some(1), Result::Ok(1)));
}
