use super::*;
static SITE: Site = Site::new("m", module_path!(), file!(), line!(), false);
async fn bare(arg: [u8; 64]) -> Result<usize, Rejected> {
    tokio::task::yield_now().await;
    Ok(arg.len())
}
async fn annotated(arg: [u8; 64]) -> Result<usize, Rejected> {
    let admitted = admit(&SITE)?;
    run(admitted, async move {
        let arg = arg;
        tokio::task::yield_now().await;
        Ok(arg.len())
    })
    .await
}
async fn annotated2(arg: [u8; 64]) -> Result<usize, Rejected> {
    let body = async move {
        let _ = (&arg,);
        tokio::task::yield_now().await;
        Ok(arg.len())
    };
    match admit(&SITE) {
        Ok(a) => run(a, body).await,
        Err(e) => Err(e.into()),
    }
}
async fn annotated3(arg: [u8; 64]) -> Result<usize, Rejected> {
    match admit(&SITE) {
        Ok(a) => {
            run(a, async move {
                let _ = (&arg,);
                tokio::task::yield_now().await;
                Ok(arg.len())
            })
            .await
        }
        Err(e) => Err(e.into()),
    }
}
async fn guard(arg: [u8; 64]) -> Result<usize, Rejected> {
    let g = match SITE.enter() {
        Ok(a) => a,
        Err(e) => return Err(e),
    };
    tokio::task::yield_now().await;
    let r = Ok(arg.len());
    drop(g);
    r
}
#[test]
fn sizes() {
    let inner = async {
        tokio::task::yield_now().await;
        1
    };
    let sz = size_of_val(&inner);
    eprintln!("block {} option {} inside {}", sz, size_of_val(&Some(inner)), 0);
    let inner = async {
        tokio::task::yield_now().await;
        1
    };
    eprintln!("inside {}", size_of_val(&run(Admitted(None), inner)));
    eprintln!(
        "bare {} a1 {} a2 {} a3 {} guard {}",
        size_of_val(&bare([0; 64])),
        size_of_val(&annotated([0; 64])),
        size_of_val(&annotated2([0; 64])),
        size_of_val(&annotated3([0; 64])),
        size_of_val(&guard([0; 64]))
    );
}
