use lifecycle::{Report, on_shutdown, on_start};

#[on_shutdown]
async fn alert(report: &Report) {
    let _ = report;
}

#[on_start]
fn early(report: &Report) {
    let _ = report;
}

fn main() {}
