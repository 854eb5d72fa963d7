//! Measures this library and its peers side by side, and writes what came out.

mod child;
mod figures;
mod measure;
mod pool;
mod report;
mod service;
mod stats;

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use measure::{Scale, calls, drain, guards, hooks, refusal, signal, tasks};
use report::{Claim, Section};

const USAGE: &str = "benches/run [--smoke] [--only NAME[,NAME…]] [--out FILE]

Without arguments everything is measured, and BENCHMARKS.md written. Otherwise the page is printed.
  --smoke   as little as possible, to see that everything builds and gives sane numbers
  --only    some of the measurements: ";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let Some(("child", rest)) = arguments.split_first().map(|(first, rest)| (&**first, rest)) {
        return child_of(rest);
    }
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What a child measures is decided by its arguments.
fn child_of(arguments: &[String]) -> ExitCode {
    let number = |index: usize| arguments[index].parse().expect("the parent gives a number");
    match &*arguments[0] {
        "guards" => guards::child(Scale::of(arguments.get(1))),
        "calls" => calls::child(Scale::of(arguments.get(1))),
        "tasks" => tasks::child(Scale::of(arguments.get(1))),
        "refusal" => refusal::child(Scale::of(arguments.get(1))),
        "drain" => drain::child(&arguments[1], number(2)),
        "signal" => signal::child(&arguments[1], &arguments[2]),
        "hooks" => hooks::child(&arguments[1], &arguments[2], number(3)),
        other => panic!("{other} is no child"),
    }
}

struct Options {
    scale: Scale,
    only: Option<Vec<String>>,
    out: Option<PathBuf>,
}

fn options(arguments: &[String]) -> Result<Options> {
    let names = || measure::ALL.iter().map(|measurement| measurement.name).collect::<Vec<_>>().join(", ");
    let mut options = Options { scale: Scale::Full, only: None, out: None };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().with_context(|| format!("{argument} needs a value"));
        match &**argument {
            "--smoke" => options.scale = Scale::Smoke,
            "--only" => options.only = Some(value()?.split(',').map(str::to_owned).collect()),
            "--out" => options.out = Some(value()?.into()),
            _ => bail!("{USAGE}{}", names()),
        }
    }
    for name in options.only.iter().flatten() {
        if !measure::ALL.iter().any(|measurement| measurement.name == name) {
            bail!("there is no measurement {name:?}, but {}", names());
        }
    }
    Ok(options)
}

fn run(arguments: &[String]) -> Result<()> {
    let Options { scale, only, out } = options(arguments)?;
    let mut sections = Vec::new();
    let mut failed = Vec::new();
    for measurement in measure::ALL {
        let wanted = match &only {
            Some(only) => only.iter().any(|name| name == measurement.name),
            None => scale == Scale::Full || measurement.in_smoke,
        };
        if !wanted {
            continue;
        }
        let began = Instant::now();
        eprint!("{:12} ", measurement.name);
        // One that fails must not take the others with it.
        match (measurement.measure)(scale) {
            Ok(section) => {
                eprintln!("{:6.1} s", began.elapsed().as_secs_f64());
                sections.push(section);
            }
            Err(error) => {
                eprintln!("{:6.1} s: {error:#}", began.elapsed().as_secs_f64());
                failed.push(measurement.name);
                let claims = vec![Claim::not_measured(measurement.name, &format!("{error:#}"))];
                sections.push(Section { title: measurement.name, claims, text: String::new() });
            }
        }
        if let Some(path) = &out {
            // Each time, so that a run which is broken off has not been for nothing.
            fs::write(path, report::page(&sections))
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    match out {
        Some(path) => eprintln!("written: {}", path.display()),
        None => print!("{}", report::page(&sections)),
    }
    if !failed.is_empty() {
        bail!("not measured: {}", failed.join(", "));
    }
    Ok(())
}
