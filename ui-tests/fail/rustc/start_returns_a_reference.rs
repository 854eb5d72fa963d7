use lifecycle::on_start;

struct Config {
    name: String,
}

#[on_start]
fn name(config: &Config) -> &str {
    &config.name
}

fn main() {}
