use lifecycle::tracked;

#[tracked]
async fn hidden() -> impl Clone {
    5
}

fn main() {
    drop(hidden());
}
