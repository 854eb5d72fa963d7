//! The types we know, by their full paths.
use lifecycle::{on_shutdown, on_start};

#[on_start]
fn number() -> ::core::result::Result<::std::sync::Arc<u8>, ::std::string::String> {
    Ok(std::sync::Arc::new(8))
}

#[on_start]
fn another() -> ::std::option::Option<u16> {
    Some(16)
}

#[on_start]
fn fails_later() -> std::io::Result<u32> {
    Ok(32)
}

#[on_shutdown]
fn shared(
    a: core::option::Option<&u8>,
    b: ::std::sync::Arc<u8>,
    c: ::std::option::Option<::std::sync::Arc<u8>>,
    d: ::core::option::Option<u64>,
    stop: ::lifecycle::CancellationToken,
    the_same: tokio_util::sync::CancellationToken,
) {
    assert_eq!((a, *b, c.as_deref(), d), (Some(&8), 8, Some(&8), None));
    assert!(!stop.is_cancelled());
    stop.cancel();
    assert!(the_same.is_cancelled());
}

#[on_shutdown]
async fn taken(
    number: ::lifecycle::Take<u16>,
    other: ::core::option::Option<lifecycle::Take<u32>>,
) -> ::core::result::Result<(), ::std::string::String> {
    match (number.0, other) {
        (16, Some(lifecycle::Take(32))) => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

#[on_shutdown(last)]
fn alert(report: &::lifecycle::Report) {
    let done = report.steps.iter().filter(|step| step.outcome == lifecycle::Outcome::Done).count();
    assert_eq!((done, report.steps.len()), (6, 6), "{report}");
}

#[::lifecycle::main]
async fn main() -> ::core::result::Result<(), ::std::string::String> {
    Ok(())
}
