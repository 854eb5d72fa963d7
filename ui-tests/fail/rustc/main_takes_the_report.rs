#[lifecycle::main]
async fn main(report: &lifecycle::Report) {
    let _ = report;
}
