//! What a call adds to a future. Bytes on a 64-bit machine: a body becomes 8 larger by [`run`]; a whole annotated function
//! with a 64-byte argument has 184 where the bare one has 152.

use super::*;

async fn bare(arg: [u8; 64]) -> Result<usize, Rejected> {
    tokio::task::yield_now().await;
    Ok(arg.len())
}

/// As the macro writes it.
async fn annotated(arg: [u8; 64]) -> Result<usize, Rejected> {
    static SITE: Site = Site::new("annotated", module_path!(), file!(), line!(), false);
    match admit(&SITE) {
        Ok(admitted) => {
            run(admitted, async move {
                let _ = (&arg,);
                tokio::task::yield_now().await;
                Ok(arg.len())
            })
            .await
        }
        Err(rejected) => Err(rejected),
    }
}

#[test]
fn a_call_is_a_pointer_larger_than_its_body() {
    let body = async { tokio::task::yield_now().await };
    let bare = size_of_val(&body);
    let inside = size_of_val(&run(Admitted::uncounted(), body));
    assert!(inside <= bare + size_of::<usize>(), "{bare} bytes became {inside}");
}

#[test]
fn an_annotated_function_is_little_larger_than_the_bare_one() {
    let (bare, annotated) = (size_of_val(&bare([0; 64])), size_of_val(&annotated([0; 64])));
    assert!(annotated <= bare + 4 * size_of::<usize>(), "{bare} bytes became {annotated}");
}
