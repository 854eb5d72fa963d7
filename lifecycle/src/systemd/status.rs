//! The one line that `systemctl status` shows.

use std::fmt;
use std::time::Instant;

use crate::events::Event;
use crate::narrator::Say;
use crate::render::{duration, line};

/// More running steps than these are only counted.
const NAMED: usize = 4;

/// See the module's words.
#[derive(Debug, Default)]
pub(super) struct Status {
    what: String,
    unhealthy: Vec<(String, String)>,
    running: Vec<Running>,
}

#[derive(Debug)]
struct Running {
    step: String,
    shown: String,
    until: Option<Instant>,
}

impl Status {
    /// Returns whether it may have changed.
    pub(super) fn hear(&mut self, say: &Say, now: Instant) -> bool {
        match say {
            Say::Starting { .. } => self.what = "starting".to_owned(),
            Say::Ready { .. } | Say::Resumed => self.what = "ready".to_owned(),
            Say::Paused => self.what = "paused: nothing new is taken".to_owned(),
            Say::Triggered { reason, grace, .. } => {
                self.unhealthy.clear();
                self.what = format!("{reason}: shutting down, {grace}");
            }
            Say::Over { exit_code, took, .. } => {
                self.what = format!("shut down in {}, exit {exit_code}", duration(*took));
            }
            Say::StepBegan { step, limit, .. } => {
                let limit_text =
                    limit.map_or_else(String::new, |limit| format!(" (up to {})", duration(limit)));
                let until = limit.and_then(|limit| now.checked_add(limit));
                self.running.push(Running {
                    step: step.to_string(),
                    shown: format!("{step}{limit_text}"),
                    until,
                });
            }
            Say::Draining { gate, in_flight, limit, .. } => {
                let until = limit.and_then(|limit| now.checked_add(limit));
                let group = gate.name();
                let shown = format!("draining {group}, {in_flight} call(s)");
                self.running.push(Running { step: group.to_owned(), shown, until });
            }
            Say::StepEnded { step, .. } => {
                if let Some(ended) = self.running.iter().position(|running| *running.step == **step) {
                    self.running.remove(ended);
                }
            }
            Say::Health(event) => self.health(event),
            #[cfg(feature = "metrics")]
            Say::Forced { .. } => return false,
            Say::Warning(_)
            | Say::Alarm(_)
            | Say::AttemptFailed { .. }
            | Say::StillRunning { .. }
            | Say::CutOff { .. }
            | Say::Worker { .. }
            | Say::ServiceFailed { .. } => return false,
        }
        true
    }

    fn health(&mut self, event: &Event) {
        let (Event::Healthy { check }
        | Event::Recovering { check, .. }
        | Event::Recovered { check }
        | Event::RecoveryFailed { check, .. }
        | Event::CheckSkipped { check, .. }) = event
        else {
            return;
        };
        self.unhealthy.retain(|(unhealthy, _)| unhealthy != check);
        if let Event::Recovering { error, .. } | Event::RecoveryFailed { error, .. } = event {
            self.unhealthy.push((check.clone(), error.clone()));
        }
    }

    /// When the last of the running steps has ended, if all of them have a limit and there are any.
    pub(super) fn latest(&self) -> Option<Instant> {
        let untils: Option<Vec<Instant>> = self.running.iter().map(|running| running.until).collect();
        untils?.into_iter().max()
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Before anything is said of it, a start hook may already run.
        let what = if self.what.is_empty() { "starting" } else { &self.what };
        let mut text = what.to_owned();
        for (check, error) in &self.unhealthy {
            text.push_str(&format!("; not ready, the check {check} fails: {error}"));
        }
        for (index, running) in self.running.iter().take(NAMED).enumerate() {
            text.push_str(if index == 0 { ": " } else { ", " });
            text.push_str(&running.shown);
        }
        if self.running.len() > NAMED {
            text.push_str(&format!(" and {} more", self.running.len() - NAMED));
        }
        f.write_str(&line(&text))
    }
}
