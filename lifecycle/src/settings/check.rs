//! What cannot be, all of it at once.

use std::fmt;
use std::time::Duration;

use super::{Flavor, Limit, Setting, Settings, duration, signals};

/// Nothing waits this long; adding it to a clock must not overflow.
pub(crate) const TOO_LONG: Duration = Duration::from_secs(10 * 365 * 86_400);

/// A setting that stops the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SettingError {
    text: String,
}

impl SettingError {
    pub(crate) fn new(text: String) -> Self {
        SettingError { text }
    }
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for SettingError {}

impl Settings {
    /// Every fault, each with its source and what to write.
    pub(crate) fn check(&self) -> Vec<SettingError> {
        let mut errors = Vec::new();
        let mut error = |text: String| errors.push(SettingError::new(text));

        for (key, limit) in [("grace", &self.grace), ("drain", &self.drain)] {
            if limit.value.within().is_some_and(|limit| limit > TOO_LONG) {
                error(format!("{}: too long, write never", shown(key, limit)));
            }
        }
        for (key, time) in [("cut", &self.cut), ("lameduck", &self.lameduck), ("reserve", &self.reserve)] {
            if time.value > TOO_LONG {
                error(format!(
                    "{key} = {} ({}): too long, write a shorter one",
                    duration::spell(time.value),
                    time.origin
                ));
            }
        }
        if let Limit::Within(grace) = self.grace.value {
            let reserve = duration::spell(self.reserve.value);
            if grace.is_zero() {
                error(format!(
                    "{}: the shutdown would have no time at all, write a longer one such as 25s",
                    shown("grace", &self.grace)
                ));
            } else if self.reserve.value >= grace {
                error(format!(
                    "reserve = {reserve} ({}) leaves nothing of {}: write a reserve below grace, or a longer grace",
                    self.reserve.origin,
                    shown("grace", &self.grace)
                ));
            }
        }
        if self.signals.value.is_empty() {
            error(format!(
                "signals = [] ({}): no signal could end the service, write [SIGTERM, SIGINT]",
                self.signals.origin
            ));
        }
        for &signal in &self.signals.value {
            if let Some(why) = signals::refused(signal) {
                let name = signals::name(signal).map_or_else(|| signal.to_string(), str::to_owned);
                error(format!(
                    "signals contains {name} ({}): {why}. Write signals that ask a process to end, such as \
                     SIGTERM, SIGINT, SIGHUP",
                    self.signals.origin
                ));
            }
        }
        for (key, setting, other) in [("pause", self.pause, None), ("resume", self.resume, self.pause.value)]
        {
            let Some(signal) = setting.value else { continue };
            let name = signals::name(signal).map_or_else(|| signal.to_string(), str::to_owned);
            let why = match signals::refused(signal) {
                Some(why) => why,
                None if self.signals.value.contains(&signal) => "it begins the shutdown",
                None if other == Some(signal) => "it is what pauses",
                None => continue,
            };
            error(format!(
                "{key} = {name} ({}): {why}. Write a signal that nothing else uses, such as SIGUSR1 or SIGUSR2",
                setting.origin
            ));
        }
        if let Some(path) = self.journal.value.as_ref().filter(|_| !cfg!(feature = "journal")) {
            error(format!(
                "journal = {path:?} ({}): this program was built without it. Build lifecycle with the feature `journal`, \
                 which is a default one, or leave this setting out",
                self.journal.origin
            ));
        }
        match self.worker_threads.value {
            Some(0) => error(format!(
                "worker_threads = 0 ({}): a runtime needs at least one, write 1 or flavor = current_thread",
                self.worker_threads.origin
            )),
            Some(count) if self.flavor.value == Flavor::CurrentThread => error(format!(
                "worker_threads = {count} ({}) has no meaning with flavor = current_thread ({}): leave one of them \
                 out",
                self.worker_threads.origin, self.flavor.origin
            )),
            _ => {}
        }
        errors
    }
}

fn shown(key: &str, limit: &Setting<Limit>) -> String {
    format!("{key} = {} ({})", limit.value, limit.origin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Origin;

    #[test]
    fn a_journal_needs_its_feature() {
        let errors = check(|settings| _ = settings.journal("/var/lib/shop/journal"));
        if cfg!(feature = "journal") {
            return assert_eq!(errors, [""; 0]);
        }
        assert_eq!(
            errors,
            [
                "journal = \"/var/lib/shop/journal\" (from setup): this program was built without it. Build lifecycle with \
              the feature `journal`, which is a default one, or leave this setting out"
            ]
        );
    }

    fn check(change: impl FnOnce(&mut Settings)) -> Vec<String> {
        let mut settings = Settings::default();
        settings.set_layer(Origin::Setup);
        change(&mut settings);
        settings.check().iter().map(ToString::to_string).collect()
    }

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn the_defaults_are_valid_and_so_is_never() {
        assert_eq!(check(|_| ()), [""; 0]);
        assert_eq!(
            check(|s| {
                s.grace(Limit::Never).drain(Limit::Never).reserve(seconds(99));
            }),
            [""; 0]
        );
    }

    #[test]
    fn each_fault_says_what_whence_and_what_to_write() {
        assert_eq!(
            check(|s| {
                s.grace(seconds(2));
            }),
            [
                "reserve = 2s (the default) leaves nothing of grace = 2s (from setup): write a reserve below grace, or \
              a longer grace"
            ]
        );
        assert_eq!(
            check(|s| {
                s.grace(Duration::ZERO);
            }),
            [
                "grace = 0s (from setup): the shutdown would have no time at all, write a longer one such as 25s"
            ]
        );
        assert_eq!(
            check(|s| {
                s.signals(&[]);
            }),
            ["signals = [] (from setup): no signal could end the service, write [SIGTERM, SIGINT]"]
        );
        assert_eq!(
            check(|s| {
                s.signals(&[libc::SIGKILL, signals::SIGTERM, 4711]);
            }),
            [
                "signals contains SIGKILL (from setup): no process can catch it. Write signals that ask a process to \
                 end, such as SIGTERM, SIGINT, SIGHUP",
                "signals contains 4711 (from setup): there is no such signal. Write signals that ask a process to \
                 end, such as SIGTERM, SIGINT, SIGHUP",
            ]
        );
        assert_eq!(
            check(|s| {
                s.worker_threads(0);
            }),
            [
                "worker_threads = 0 (from setup): a runtime needs at least one, write 1 or flavor = current_thread"
            ]
        );
        assert_eq!(
            check(|s| {
                s.worker_threads(2).flavor(Flavor::CurrentThread);
            }),
            [
                "worker_threads = 2 (from setup) has no meaning with flavor = current_thread (from setup): leave one of \
              them out"
            ]
        );
    }

    #[test]
    fn a_signal_has_one_meaning() {
        let fine = check(|s| {
            let _ = s.pause(signals::SIGUSR1).resume(signals::SIGUSR2);
        });
        assert_eq!(fine, [""; 0]);
        let errors = check(|s| {
            let _ = s.pause(signals::SIGTERM).resume(signals::SIGTERM);
        });
        let write = "Write a signal that nothing else uses, such as SIGUSR1 or SIGUSR2";
        assert_eq!(
            errors,
            ["pause", "resume"]
                .map(|key| format!("{key} = SIGTERM (from setup): it begins the shutdown. {write}"))
        );
        let errors = check(|s| {
            let _ = s.pause(signals::SIGUSR1).resume(signals::SIGUSR1);
        });
        assert_eq!(errors, [format!("resume = SIGUSR1 (from setup): it is what pauses. {write}")]);
        let errors = check(|s| {
            s.pause(libc::SIGKILL);
        });
        assert_eq!(errors, [format!("pause = SIGKILL (from setup): no process can catch it. {write}")]);
    }

    #[test]
    fn no_duration_can_overflow_a_clock() {
        let errors = check(|s| {
            let _ = s.grace(Duration::MAX).drain(TOO_LONG * 2).lameduck(Duration::MAX).cut(TOO_LONG);
        });
        assert_eq!(errors.len(), 3, "{errors:?}");
        assert!(errors[1].starts_with("drain = 7300d (from setup): too long, write never"), "{errors:?}");
    }

    #[test]
    fn all_faults_come_at_once() {
        let errors = check(|s| {
            let _ = s.grace(seconds(1)).signals(&[]).worker_threads(0);
        });
        assert_eq!(errors.len(), 3, "{errors:?}");
    }
}
