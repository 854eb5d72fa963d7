#[lifecycle::main(exit = zeros, budget = "deny", report = xml, ready = true)]
async fn main() {}
