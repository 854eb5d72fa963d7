//! What was measured, as `BENCHMARKS.md`.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use crate::pool::cores;

/// Whether a target is met.
pub enum Verdict {
    Kept,
    Missed,
    /// Nobody has set one.
    NoTarget,
    NotMeasured,
}

/// One row of the table of targets.
pub struct Claim {
    pub what: String,
    pub ours: String,
    /// Who, and how much.
    pub theirs: String,
    pub ratio: String,
    pub target: String,
    pub verdict: Verdict,
}

impl Claim {
    /// Ours over theirs, at most this.
    pub fn at_most(what: &str, ours: String, theirs: String, ratio: f64, limit: f64) -> Self {
        let target = format!("≤ {}×", number(limit));
        Claim {
            what: what.to_owned(),
            ours,
            theirs,
            ratio: times(ratio),
            target,
            verdict: verdict(ratio <= limit),
        }
    }

    /// A figure of ours, at most this; the ratio is told beside it.
    pub fn within(
        what: &str,
        value: f64,
        limit: f64,
        unit: &str,
        theirs: String,
        ratio: Option<f64>,
    ) -> Self {
        Claim {
            what: what.to_owned(),
            ours: format!("{} {unit}", number(value)),
            theirs,
            // Over next to nothing it says nothing.
            ratio: ratio.filter(|ratio| (0.0..1e3).contains(ratio)).map_or_else(|| "-".to_owned(), times),
            target: format!("≤ {} {unit}", number(limit)),
            verdict: verdict(value <= limit),
        }
    }

    /// To be known, without a target.
    pub fn told(what: &str, ours: String, theirs: String, ratio: f64) -> Self {
        let (what, target) = (what.to_owned(), "-".to_owned());
        Claim { what, ours, theirs, ratio: times(ratio), target, verdict: Verdict::NoTarget }
    }

    /// What stands where a measurement failed.
    pub fn not_measured(what: &str, why: &str) -> Self {
        let why = why.replace('|', "/").replace('\n', " ");
        let none = || "-".to_owned();
        let what = format!("{what}: {why}");
        Claim {
            what,
            ours: none(),
            theirs: none(),
            ratio: none(),
            target: none(),
            verdict: Verdict::NotMeasured,
        }
    }

    fn row(&self) -> String {
        let Claim { what, ours, theirs, ratio, target, verdict } = self;
        let verdict = match verdict {
            Verdict::Kept => "kept",
            Verdict::Missed => "**missed**",
            Verdict::NoTarget => "-",
            Verdict::NotMeasured => "**not measured**",
        };
        format!("| {what} | {ours} | {theirs} | {ratio} | {target} | {verdict} |")
    }
}

fn verdict(kept: bool) -> Verdict {
    if kept { Verdict::Kept } else { Verdict::Missed }
}

/// About three figures.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return "?".to_owned();
    }
    // A difference of two times may come out below nothing.
    let magnitude = value.abs();
    match magnitude {
        0.0 => "0".to_owned(),
        _ if magnitude >= 100.0 => format!("{value:.0}"),
        _ if magnitude >= 10.0 => trimmed(format!("{value:.1}")),
        _ if magnitude >= 0.1 => trimmed(format!("{value:.2}")),
        _ => trimmed(format!("{value:.3}")),
    }
}

fn trimmed(text: String) -> String {
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

fn times(ratio: f64) -> String {
    format!("{}×", number(ratio))
}

/// What belongs together.
pub struct Section {
    pub title: &'static str,
    pub claims: Vec<Claim>,
    /// What and how, in a sentence or two; then tables.
    pub text: String,
}

/// A table of Markdown.
pub fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut text = format!("\n| {} |\n|---|{}\n", head.join(" | "), "--:|".repeat(head.len() - 1));
    for row in rows {
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
    text
}

const HEAD: &str = "# Benchmarks

Written by `benches/run`; not to be edited. This library beside its peers, all in one run on one machine, in turns and in an
order that changes every round. The ratio is the claim: figures in ns or ms move with the machine, and on a busy one a
lot. A ratio that compares times is the median over the rounds of what both took in the same round. What was lost stands
here as well.
";

/// The whole page.
pub fn page(sections: &[Section]) -> String {
    let mut page = format!("{HEAD}\n{}\n## Targets\n\n", machine());
    page.push_str("| what | ours | theirs | ratio | target | |\n|---|--:|--:|--:|--:|---|\n");
    for claim in sections.iter().flat_map(|section| &section.claims) {
        let _ = writeln!(page, "{}", claim.row());
    }
    for section in sections.iter().filter(|section| !section.text.is_empty()) {
        let _ = write!(page, "\n## {}\n\n{}", section.title, section.text);
    }
    page
}

fn machine() -> String {
    let lines = |path: &str, key: &str| -> Option<String> {
        let text = fs::read_to_string(path).ok()?;
        text.lines()
            .find_map(|line| line.strip_prefix(key))
            .map(|rest| rest.trim_matches([' ', '\t', ':']).to_owned())
    };
    let said = |program: &str, argument: &str| -> Option<String> {
        let output = Command::new(program).arg(argument).output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let unknown = || "unknown".to_owned();
    let cpu = lines("/proc/cpuinfo", "model name").or_else(|| said("uname", "-m")).unwrap_or_else(unknown);
    let kernel = said("uname", "-sr").unwrap_or_else(unknown);
    let rustc = said("rustc", "--version").unwrap_or_else(unknown);
    let date = said("date", "-u").unwrap_or_else(unknown);
    let load = lines("/proc/loadavg", "").unwrap_or_else(unknown);
    let load = load.split(' ').take(3).collect::<Vec<_>>().join(" ");
    let rows = [
        ["machine", &format!("{} cores, {cpu}, {}", cores(), std::env::consts::ARCH)],
        ["kernel", &kernel],
        ["compiler", &rustc],
        ["date", &date],
        ["load (1, 5, 15 min) at the end", &load],
        ["peers", &peers()],
    ];
    let rows = rows.into_iter().map(|row| row.map(str::to_owned).to_vec());
    let mut text = String::from("| | |\n|---|---|\n");
    for row in rows {
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
    text
}

/// With their versions, as they are locked.
fn peers() -> String {
    let lock = include_str!("../Cargo.lock");
    let version = |name: &str| {
        let (_, rest) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
        let (version, _) = rest.split_once('"')?;
        Some(format!("{name} {version}"))
    };
    let names = [
        "tokio",
        "tokio-util",
        "tokio-graceful",
        "async-shutdown",
        "hyper-util",
        "swansong",
        "tokio-graceful-shutdown",
    ];
    names.into_iter().filter_map(version).collect::<Vec<_>>().join(", ")
}
