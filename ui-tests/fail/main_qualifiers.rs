#[lifecycle::main]
async unsafe extern "C" fn main() {}
