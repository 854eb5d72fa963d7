//! What the library costs those who compile with it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::Scale;
use crate::child::output_of;
use crate::figures::Figures;
use crate::report::{Claim, Section, number, table};
use crate::stats::Shuffle;

const LONG: Duration = Duration::from_secs(600);

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Of 200 functions: `benches/compile_time.py` measures, this reads what it prints.
pub fn functions(_: Scale) -> Result<Section> {
    let printed = output_of(Command::new("python3").arg(here().join("compile_time.py")).arg("5"), LONG)?;
    let mut figures = Figures::default();
    for line in printed.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let [kind @ ("clean" | "incremental"), variant, seconds, "s", ..] = words[..] {
            figures.add(kind, variant, seconds.parse().with_context(|| format!("in {line:?}"))?);
        }
    }
    let mut claims = Vec::new();
    for (kind, limit) in [("clean", 1.25), ("incremental", 1.4)] {
        let median = |variant: &str| figures.median(kind, variant);
        let ratio = |variant: &str| -> Result<f64> { Ok(median(variant)? / median("bare")?) };
        claims.push(Claim::at_most(
            &format!("200 `#[tracked]` functions, {kind} check, over bare"),
            format!("{} s", number(median("tracked")?)),
            format!("bare {} s; `#[instrument]` {}×", number(median("bare")?), number(ratio("instrument")?)),
            ratio("tracked")?,
            limit,
        ));
        let added = |variant: &str| -> Result<f64> { Ok(median(variant)? - median("bare")?) };
        let (our, their) = (added("on_shutdown")?, added("instrument")?);
        claims.push(Claim {
            target: "≤ 1/3".to_owned(),
            ..Claim::at_most(
                &format!("200 hooks, {kind} check: what they add, of what `#[instrument]` adds"),
                format!("{} s", number(our)),
                format!("{} s", number(their)),
                our / their,
                1.0 / 3.0,
            )
        });
        // Whoever has a first one, or uses the library at all, pays for the rest of them.
        let further =
            |variant: &str| -> Result<f64> { Ok(median(variant)? - median(&format!("{variant}_once"))?) };
        let (our, their) = (further("on_shutdown")?, further("instrument")?);
        claims.push(Claim::told(
            &format!("199 hooks more than one, {kind} check: what they add, of what `#[instrument]` adds"),
            format!("{} s", number(our)),
            format!("{} s", number(their)),
            our / their,
        ));
    }
    let text = format!(
        "The same 200 functions in each crate, as `benches/compile_time.py` prints it:\n\n```\n{printed}```\n"
    );
    Ok(Section { title: "Compile time", claims, text })
}

const OURS: &str = "**lifecycle**";
const SUBSYSTEMS: &str = "tokio-graceful-shutdown";
const TOKIO: &str = "tokio alone, with what lifecycle uses of it";
const ROWS: [&str; 3] = [OURS, SUBSYSTEMS, TOKIO];

fn dependency(of: &str) -> String {
    match of {
        OURS => format!("lifecycle = {{ path = {:?} }}", here().join("../lifecycle")),
        SUBSYSTEMS => "tokio-graceful-shutdown = \"0.20\"".to_owned(),
        _ => "tokio = { version = \"1.54\", default-features = false, features = [\"rt-multi-thread\", \"sync\", \"time\"] }"
            .to_owned(),
    }
}

/// The folder of the crates that are built, gone with this.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left of it is in the temporary folder.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Of an empty crate that depends on it.
pub fn dependencies(scale: Scale) -> Result<Section> {
    let folder = Folder(std::env::temp_dir().join(format!("lifecycle-benches-{}", std::process::id())));
    let mut counts = Vec::new();
    for (index, name) in ROWS.iter().enumerate() {
        let package = folder.0.join(index.to_string());
        fs::create_dir_all(package.join("src"))?;
        fs::write(package.join("src/lib.rs"), "")?;
        let manifest = format!(
            "[package]\nname = \"user\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\nresolver = \"3\"\n\
             [dependencies]\n{}\n",
            dependency(name)
        );
        fs::write(package.join("Cargo.toml"), manifest)?;
        // The versions that the other measurements have used.
        fs::copy(here().join("Cargo.lock"), package.join("Cargo.lock"))?;
        output_of(cargo(&package).arg("fetch"), LONG)?;
        let tree =
            output_of(cargo(&package).args(["tree", "--prefix", "none", "--edges", "normal,build"]), LONG)?;
        let mut crates: Vec<&str> = tree.lines().filter_map(|line| line.split(" (").next()).collect();
        crates.sort_unstable();
        crates.dedup();
        // Without the user's own.
        counts.push(crates.len() - 1);
    }
    let mut figures = Figures::default();
    let mut shuffle = Shuffle::new();
    let mut order = [0, 1, 2];
    for _ in 0..scale.pick(3, 1) {
        shuffle.shuffle(&mut order);
        for index in order {
            let package = folder.0.join(index.to_string());
            output_of(cargo(&package).arg("clean"), LONG)?;
            let began = Instant::now();
            output_of(cargo(&package).args(["build", "--offline"]), LONG)?;
            figures.add("build", ROWS[index], began.elapsed().as_secs_f64());
        }
    }
    let seconds = |name| figures.median("build", name);
    ensure!(seconds(OURS)? > 0.1, "nothing was built");
    let claims = vec![
        Claim::told(
            "clean debug build of the dependencies",
            format!("{} s", number(seconds(OURS)?)),
            format!("{SUBSYSTEMS} {} s", number(seconds(SUBSYSTEMS)?)),
            seconds(OURS)? / seconds(SUBSYSTEMS)?,
        ),
        Claim::told(
            "crates in that build",
            counts[0].to_string(),
            format!("{SUBSYSTEMS} {}", counts[1]),
            counts[0] as f64 / counts[1] as f64,
        ),
    ];
    let rows = ROWS.iter().zip(&counts).map(|(name, count)| {
        let seconds = seconds(name).map_or_else(|_| "?".to_owned(), number);
        vec![(*name).to_owned(), seconds, count.to_string()]
    });
    let text = format!(
        "An empty crate with one dependency, built from nothing.\n{}",
        table(&["", "clean debug build, s", "crates"], rows)
    );
    Ok(Section { title: "Dependencies", claims, text })
}

fn cargo(package: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(package).env("CARGO_TARGET_DIR", package.join("target"));
    command
}
