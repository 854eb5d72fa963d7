use lifecycle::on_start;

#[on_start(after = load_config)]
fn open_db() {}

#[on_start(after = open_db)]
fn migrate() {}

#[on_start(after = migrate)]
fn load_config() {}

fn main() {}
