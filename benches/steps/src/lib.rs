//! What every program of `src/bin` does with the steps that are linked into it.

use std::env;
use std::process::{self, ExitCode};
use std::time::Instant;

/// Prints the nanoseconds from here to the service's first line, or those of `plan()`, and how many steps there are.
pub fn main() -> ExitCode {
    let began = Instant::now();
    match env::args().nth(1).as_deref() {
        Some("start") => lifecycle::builder().report(lifecycle::ReportFormat::Off).run(async move {
            let took = began.elapsed();
            println!("{} {}", took.as_nanos(), lifecycle::stats().shutdown_steps);
            leave();
        }),
        Some("plan") => match lifecycle::plan() {
            Ok(plan) => {
                let took = began.elapsed();
                let shutdown = plan.steps.iter().filter(|step| step.kind == lifecycle::StepKind::Shutdown);
                println!("{} {}", took.as_nanos(), shutdown.count());
                ExitCode::SUCCESS
            }
            Err(errors) => {
                eprintln!("{errors}");
                ExitCode::FAILURE
            }
        },
        _ => {
            eprintln!("start or plan?");
            ExitCode::FAILURE
        }
    }
}

/// What would follow is not measured here.
fn leave() {
    process::exit(0);
}
