//! What a call adds to a future: a tag beside the body, and the function's own state around both. Each takes as much room as the
//! body's alignment, 8 bytes where there is a pointer in it.

use super::*;

async fn bare(arg: [u8; 64]) -> Result<usize, Rejected> {
    tokio::task::yield_now().await;
    Ok(arg.len())
}

/// As the macro writes it.
async fn annotated(arg: [u8; 64]) -> Result<usize, Rejected> {
    let entry = enter({
        static SITE: Site = Site::here("annotated", module_path!(), false);
        || &SITE
    });
    if let Entry::Refused(rejected) = entry {
        return Err(rejected);
    }
    run(entry, async move {
        let _ = (&arg,);
        tokio::task::yield_now().await;
        Ok(arg.len())
    })
    .await
}

#[test]
fn a_call_is_a_tag_larger_than_its_body() {
    static SITE: Site = Site::here("call", module_path!(), false);
    let body = async { tokio::task::yield_now().await };
    let bare = (size_of_val(&body), align_of_val(&body));
    let inside = size_of_val(&run(enter(|| &SITE), body));
    assert!(inside <= bare.0 + bare.1, "{bare:?} bytes became {inside}");
}

#[test]
fn an_annotated_function_is_a_tag_and_a_state_larger_than_the_bare_one() {
    let (bare, annotated) = (size_of_val(&bare([0; 64])), size_of_val(&annotated([0; 64])));
    assert!(annotated <= bare + 16, "{bare} bytes became {annotated}");
}

#[test]
fn an_empty_function_stays_small() {
    async fn empty() -> Result<(), Rejected> {
        static SITE: Site = Site::here("empty", module_path!(), false);
        run(enter(|| &SITE), async move { Ok(()) }).await
    }
    assert!(size_of_val(&empty()) <= 8, "{}", size_of_val(&empty()));
}
