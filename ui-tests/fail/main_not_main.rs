#[lifecycle::main]
async fn serve() {}

fn main() {}
