//! A service without the attribute: the first argument says by which function it runs. It says how many threads there
//! are after that.

use lifecycle::{Hook, on_start};
use std::process::ExitCode;
use std::time::Duration;

#[on_start]
async fn begin() {
    println!("STARTED");
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

fn main() -> ExitCode {
    lifecycle::register(Hook::on_shutdown("by_hand", || async {}).order(7));
    let service = || async { println!("SERVED") };
    let code = match std::env::args().nth(1).as_deref() {
        Some("builder") => lifecycle::builder().grace(Duration::from_secs(33)).run(service),
        _ => {
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else {
                return ExitCode::FAILURE;
            };
            let report = runtime.block_on(lifecycle::run(service));
            eprintln!("reason: {}, exit {}", report.reason, report.exit_code);
            ExitCode::from(report.exit_code)
        }
    };
    eprintln!("threads: {}", threads());
    code
}
