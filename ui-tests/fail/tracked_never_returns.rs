use lifecycle::tracked;

#[tracked]
async fn serve() -> ! {
    loop {
        lifecycle::stopping().await;
    }
}

fn main() {
    drop(serve());
}
