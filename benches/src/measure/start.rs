//! What many steps cost at the start: each number of them is a program of its own (`steps/`).

use std::env;
use std::process::Command;
use std::time::Duration;
use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result, ensure};

use super::{Scale, sane};
use crate::child::output_of;
use crate::figures::Figures;
use crate::report::{Claim, Section, Verdict, number, table};
use crate::stats::Shuffle;

/// A program, its steps, its edges.
struct Program {
    name: &'static str,
    steps: usize,
    edges: usize,
    what: &'static str,
    /// Its build takes long.
    large: bool,
}

const PROGRAMS: [Program; 6] = [
    Program { name: "steps_0", steps: 0, edges: 0, what: "no step", large: false },
    Program { name: "steps_100", steps: 100, edges: 50, what: "100 steps", large: false },
    Program { name: "steps_1000", steps: 1_000, edges: 500, what: "1,000 steps", large: false },
    Program { name: "steps_10000", steps: 10_000, edges: 5_000, what: "10,000 steps", large: true },
    Program {
        name: "into_one_after",
        steps: 10_001,
        edges: 10_000,
        what: "10,000 steps, one after all",
        large: true,
    },
    Program {
        name: "into_one_before",
        steps: 10_001,
        edges: 10_000,
        what: "10,000 steps before one",
        large: true,
    },
];

const START: &str = "start";
const PLAN: &str = "plan";

impl Program {
    fn size(&self) -> usize {
        self.steps + self.edges
    }
}

/// A program that was built with this one.
fn beside(name: &str) -> Result<PathBuf> {
    let path = env::current_exe()?.with_file_name(name);
    ensure!(path.exists(), "{} is not built: run this by benches/run", path.display());
    Ok(path)
}

pub fn measure(scale: Scale) -> Result<Section> {
    let programs: Vec<&Program> =
        PROGRAMS.iter().filter(|program| scale == Scale::Full || !program.large).collect();
    let mut figures = Figures::default();
    let mut jobs: Vec<(&str, &Program)> =
        programs.iter().flat_map(|program| [(START, *program), (PLAN, *program)]).collect();
    let mut shuffle = Shuffle::new();
    for _ in 0..scale.pick(31, 3) {
        shuffle.shuffle(&mut jobs);
        for (what, program) in &jobs {
            let printed = output_of(Command::new(beside(program.name)?).arg(what), Duration::from_secs(60))?;
            let mut words = printed.split_whitespace();
            let (Some(took), Some(steps)) = (words.next(), words.next()) else {
                anyhow::bail!("{} printed {printed:?}", program.name)
            };
            ensure!(steps.parse() == Ok(program.steps), "{} has {steps} steps", program.name);
            let ns: f64 = took.parse().with_context(|| format!("{} printed {printed:?}", program.name))?;
            figures.add(what, program.name, ns / 1e6);
        }
    }
    sane(&figures)?;

    let none = PROGRAMS[0].name;
    let mut claims = Vec::new();
    for program in programs.iter().filter(|program| program.large) {
        let took = figures.median(START, program.name)?;
        let without = format!("without a step: {} ms", number(figures.median(START, none)?));
        claims.push(Claim::within(&format!("start with {}", program.what), took, 10.0, "ms", without, None));
    }
    let cost = |program: &Program| -> Result<f64> {
        Ok(figures.added(START, program.name, none)? * 1e6 / program.size() as f64)
    };
    if scale == Scale::Full {
        let (hundreds, thousands) = (cost(&PROGRAMS[2])?, cost(&PROGRAMS[3])?);
        claims.push(Claim {
            target: "linear: ≤ 1.5×".to_owned(),
            ..Claim::at_most(
                "ns a step or edge, of 10,000 against 1,000 of our own",
                format!("{} ns", number(thousands)),
                format!("{} ns", number(hundreds)),
                thousands / hundreds,
                1.5,
            )
        });
    }
    claims.push(size_per_hook()?);
    let rows = programs.iter().map(|program| {
        let median = |what| figures.median(what, program.name).map_or_else(|_| "?".to_owned(), number);
        let each = if program.size() == 0 { Ok(f64::NAN) } else { cost(program) };
        let each = each.ok().filter(|each| each.is_finite()).map_or_else(|| "-".to_owned(), number);
        vec![program.what.to_owned(), program.edges.to_string(), median(START), each, median(PLAN)]
    });
    let text = format!(
        "Annotated functions, in a process for each sample. Start: from the call of `run` to the first line of the service, \
         with the threads and the runtime in it: everything collected, verified, sorted. `plan()`: the same with names, \
         times and the chain that a person reads, but no thread.\n{}",
        table(&["", "edges", "start, ms", "ns a step or edge", "`plan()`, ms"], rows)
    );
    Ok(Section { title: "Many steps at the start", claims, text })
}

/// By how much a program grows with each hook, without its symbols.
fn size_per_hook() -> Result<Claim> {
    const HOOKS: f64 = 1000.0;
    let size = |name: &str| -> Result<f64> {
        let stripped = env::temp_dir().join(format!("{name}-{}-stripped", std::process::id()));
        let mut strip = Command::new("strip");
        strip.arg("-o").arg(&stripped).arg(beside(name)?);
        let size =
            output_of(&mut strip, Duration::from_secs(30)).and_then(|_| Ok(fs::metadata(&stripped)?.len()));
        // It is not there if it could not be made.
        let _ = fs::remove_file(&stripped);
        Ok(size? as f64)
    };
    let each = (size("size_1000")? - size("size_0")?) / HOOKS;
    Ok(Claim {
        what: "binary size of an empty async hook, release, stripped".to_owned(),
        ours: format!("{} bytes", number(each)),
        theirs: "-".to_owned(),
        ratio: "-".to_owned(),
        target: "-".to_owned(),
        verdict: Verdict::NoTarget,
    })
}
