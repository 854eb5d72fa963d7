//! An unknown key, a near one, and one that belongs to another attribute.

#[lifecycle::main(drian = "5s", priority = 1, order = 5, last)]
async fn main() {}
