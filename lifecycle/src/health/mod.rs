//! Health checks: run while the service does, each with its own interval; what they say is in [`health`](crate::health),
//! in events, and decides whether the service is ready.
//!
//! A check is no step: it has no place in the order. [`machine`] decides what is due, [`monitor`] lets it happen.

mod board;
mod check;
mod def;
mod machine;
mod monitor;
pub(crate) mod narrate;
mod run;
#[cfg(test)]
mod tests;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/HEALTH.md")]
mod guide {}

use std::fmt;
use std::time::SystemTime;

pub(crate) use board::Board;
pub use check::Check;
pub use def::{CheckDef, CheckKeys};
pub(crate) use def::{CheckSpec, Timing, faults};
pub(crate) use monitor::{Monitor, SETTLE, Told};

/// The type that stands for a health check: `settings.health_check::<db_answers>()`.
///
/// `#[health_check]` implements it for a type with the function's own name (or the `label`); there is no reason to
/// implement it by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a health check",
    label = "no `#[health_check]` function has this name",
    note = "name a function that carries this attribute, or its `label`"
)]
pub trait HealthCheck: 'static {}

/// What every health check has to say now.
///
/// ```
/// // At /ready: 503 and the reason, or 200.
/// fn ready() -> (u16, String) {
///     match lifecycle::is_ready() {
///         true => (200, String::new()),
///         false => (503, lifecycle::health().to_string()),
///     }
/// }
/// # assert_eq!(ready(), (503, String::new()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Health {
    /// Whether no check is unhealthy. One that has not run yet is not.
    pub healthy: bool,
    /// Each check.
    pub checks: Vec<CheckHealth>,
}

impl Health {
    /// The check of that name.
    pub fn check(&self, name: &str) -> Option<&CheckHealth> {
        self.checks.iter().find(|check| check.name == name)
    }
}

impl fmt::Display for Health {
    /// A line for each check.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, check) in self.checks.iter().enumerate() {
            let line = if index > 0 { "\n" } else { "" };
            write!(f, "{line}{check}")?;
        }
        Ok(())
    }
}

/// What one health check has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct CheckHealth {
    /// The function's name, its label, or what it was registered as. No two checks have the same.
    pub name: String,
    /// How it stands.
    pub status: CheckStatus,
    /// What went wrong, what it waits for, or why it is not asked.
    pub error: Option<String>,
    /// Since when it has stood like this.
    #[cfg_attr(feature = "serde", serde(rename = "since_ms", with = "crate::report::epoch_ms"))]
    pub since: SystemTime,
    /// Attempts to recover in this round of them. After a round that has not helped, the next begins at the next run that
    /// fails.
    pub attempts: u32,
}

impl fmt::Display for CheckHealth {
    /// `db: recovering (attempt 2): connection refused`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", crate::render::line(&self.name), self.status)?;
        if self.status == CheckStatus::Recovering {
            write!(f, " (attempt {})", self.attempts)?;
        }
        match &self.error {
            Some(error) => write!(f, ": {}", crate::render::line(error)),
            None => Ok(()),
        }
    }
}

/// How a health check stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum CheckStatus {
    /// It has not run: the start is not over, or a resource that it takes is not there yet.
    Waiting,
    /// Its last run was good.
    Healthy,
    /// It failed, and may recover yet: the service is not ready.
    Recovering,
    /// No attempt to recover has helped. It is still run at its interval, and if it fails then, `recover` is called for it
    /// again. The service is not ready.
    RecoveryFailed,
    /// Its `when` says that it does not apply now.
    Skipped,
    /// It was switched off.
    Off,
}

impl CheckStatus {
    /// The status in words.
    pub fn as_str(self) -> &'static str {
        match self {
            CheckStatus::Waiting => "waiting",
            CheckStatus::Healthy => "healthy",
            CheckStatus::Recovering => "recovering",
            CheckStatus::RecoveryFailed => "recovery failed",
            CheckStatus::Skipped => "skipped",
            CheckStatus::Off => "off",
        }
    }

    /// Whether it keeps the service from being ready.
    pub fn is_unhealthy(self) -> bool {
        match self {
            CheckStatus::Recovering | CheckStatus::RecoveryFailed => true,
            CheckStatus::Waiting | CheckStatus::Healthy | CheckStatus::Skipped | CheckStatus::Off => false,
        }
    }
}

impl fmt::Display for CheckStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
