#[lifecycle::group(ordr = 1, timeout = 5)]
struct Jobs<T>(T);

fn main() {}
