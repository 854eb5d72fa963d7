//! What the narrator says of checks: changes alone, never that one was good again.

use crate::events::Event;

/// The line for a person.
pub(crate) fn line(event: &Event) -> Option<String> {
    Some(match event {
        Event::Healthy { check } => format!("check {check} is healthy"),
        Event::Recovering { check, attempt, of, error } => {
            format!("check {check} failed, recovering ({attempt} of {of}): {error}")
        }
        Event::Recovered { check } => format!("check {check} has recovered"),
        Event::RecoveryFailed { check, error } => format!("check {check} did not recover: {error}"),
        Event::CheckSkipped { check, why } => format!("check {check} is skipped: {why}"),
        _ => return None,
    })
}

/// The tracing event.
pub(crate) fn emit(event: &Event) {
    match event {
        Event::Healthy { check } => {
            tracing::info!(target: "lifecycle", check = check.as_str(), "healthy");
        }
        Event::Recovering { check, attempt, of, error } => {
            let (check, error) = (check.as_str(), error.as_str());
            tracing::warn!(target: "lifecycle", check, attempt, of, error, "unhealthy, recovering");
        }
        Event::Recovered { check } => {
            tracing::info!(target: "lifecycle", check = check.as_str(), "recovered");
        }
        Event::RecoveryFailed { check, error } => {
            let (check, error) = (check.as_str(), error.as_str());
            tracing::error!(target: "lifecycle", check, error, "recovery failed");
        }
        Event::CheckSkipped { check, why } => {
            let (check, why) = (check.as_str(), why.as_str());
            tracing::info!(target: "lifecycle", check, why, "check skipped");
        }
        _ => {}
    }
}
