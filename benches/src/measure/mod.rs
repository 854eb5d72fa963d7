//! What is measured, each in a file of its own: `child` runs in a process of its own and prints samples, `measure`
//! starts such children and makes claims of what they say.

pub mod building;
pub mod calls;
pub mod drain;
pub mod guards;
pub mod hooks;
pub mod instructions;
pub mod refusal;
pub mod signal;
pub mod start;
pub mod tasks;

use std::time::Duration;

use anyhow::Result;

use crate::child;
use crate::figures::Figures;
use crate::report::Section;

/// How much is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Enough for a claim.
    Full,
    /// Enough to see that it works.
    Smoke,
}

impl Scale {
    /// The one or the other.
    pub fn pick<T>(self, full: T, smoke: T) -> T {
        match self {
            Scale::Full => full,
            Scale::Smoke => smoke,
        }
    }

    fn word(self) -> &'static str {
        self.pick("full", "smoke")
    }

    /// As a child is told it.
    pub fn of(word: Option<&String>) -> Self {
        if word.is_some_and(|word| word == "smoke") { Scale::Smoke } else { Scale::Full }
    }
}

/// One of the measurements.
pub struct Measurement {
    pub name: &'static str,
    pub measure: fn(Scale) -> Result<Section>,
    /// Whether it is worth its time where nobody reads the figures.
    pub in_smoke: bool,
}

/// All of them, in the order of the page.
pub const ALL: &[Measurement] = &[
    Measurement { name: "guards", measure: guards::measure, in_smoke: true },
    Measurement { name: "calls", measure: calls::measure, in_smoke: true },
    Measurement { name: "tasks", measure: tasks::measure, in_smoke: true },
    Measurement { name: "refusal", measure: refusal::measure, in_smoke: true },
    Measurement { name: "drain", measure: drain::measure, in_smoke: true },
    Measurement { name: "signal", measure: signal::measure, in_smoke: true },
    Measurement { name: "hooks", measure: hooks::measure, in_smoke: true },
    Measurement { name: "start", measure: start::measure, in_smoke: true },
    Measurement { name: "instructions", measure: instructions::measure, in_smoke: false },
    Measurement { name: "functions", measure: building::functions, in_smoke: false },
    Measurement { name: "dependencies", measure: building::dependencies, in_smoke: false },
];

/// The figures of one child that measures everything of its kind.
fn of_one_child(name: &str, scale: Scale) -> Result<Figures> {
    let mut figures = Figures::default();
    figures.read(&child::output(&[name, scale.word()], Duration::from_secs(240))?)?;
    sane(&figures)?;
    Ok(figures)
}

/// A time is above zero; a minute is none of anything here.
fn sane(figures: &Figures) -> Result<()> {
    for (group, variant, samples) in figures.all() {
        let median = crate::stats::median(samples);
        let at_least =
            if [calls::SIZES, calls::ALIGNED_SIZES].contains(&group) { 0.0 } else { f64::MIN_POSITIVE };
        anyhow::ensure!(
            median.is_finite() && (at_least..6e10).contains(&median),
            "{variant:?} in {group:?} has a median of {median}"
        );
    }
    Ok(())
}
