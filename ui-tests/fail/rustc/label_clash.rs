use lifecycle::on_shutdown;

struct CloseDb;

#[on_shutdown(label = CloseDb)]
fn close() {}

fn main() {
    let _ = CloseDb;
}
