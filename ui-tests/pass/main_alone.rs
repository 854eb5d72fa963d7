//! The smallest service, and the keys in their other forms.
use std::process::ExitCode;
use std::time::Duration;

const GRACE: Duration = Duration::from_secs(5);
const SIGNALS: [i32; 1] = [lifecycle::signals::SIGTERM];

mod set {
    pub struct Config;
    pub(super) fn up(_: &mut lifecycle::Settings) -> Result<Config, String> {
        Ok(Config)
    }
}

#[lifecycle::main(
    setup = set::up,
    grace = GRACE,
    drain = "1s",
    signals = SIGNALS,
    exit = zero,
    budget = deny,
    report = json,
    ready = auto,
    flavor = "current_thread"
)]
async fn main(_config: &set::Config) -> ExitCode {
    ExitCode::SUCCESS
}
