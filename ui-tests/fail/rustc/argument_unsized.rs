use lifecycle::on_shutdown;

trait Exchange {}

#[on_shutdown]
fn not_sync(exchange: &dyn Exchange) {
    let _ = exchange;
}

fn main() {}
