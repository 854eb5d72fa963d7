#[lifecycle::main]
struct Service;

fn main() {}
