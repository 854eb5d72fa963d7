use lifecycle::on_start;

struct Config {
    name: String,
    file: Option<String>,
}

#[on_start]
fn name(config: &Config) -> &str {
    &config.name
}

#[on_start]
fn parts(config: &Config) -> Result<(usize, Option<&String>), std::io::Error> {
    Ok((1, config.file.as_ref()))
}

fn main() {}
