//! What `Settings` says about single health checks.

use std::any::{TypeId, type_name};
use std::time::Duration;

use super::{Origin, SettingError, Settings};
use crate::health::{CheckKeys, CheckSpec, HealthCheck};

/// What was said about one check; what was not said stays as the attribute has it.
#[derive(Clone, Debug)]
pub(crate) struct CheckOverride {
    id: TypeId,
    type_name: &'static str,
    keys: CheckKeys,
    off: Option<String>,
    origin: Origin,
}

/// The keys of one health check, see [`Settings::health_check`].
#[derive(Debug)]
pub struct CheckSettings<'a> {
    check: &'a mut CheckOverride,
}

impl Settings {
    /// Overrides the keys of one health check, by the type of the function's name.
    ///
    /// ```no_run
    /// # #[allow(non_camel_case_types)] struct db_answers; impl lifecycle::HealthCheck for db_answers {}
    /// # let mut settings = lifecycle::Settings::default();
    /// settings.health_check::<db_answers>().interval(std::time::Duration::from_secs(5)).retry(1);
    /// settings.health_check::<db_answers>().off("this binary has no database");
    /// ```
    pub fn health_check<C: HealthCheck>(&mut self) -> CheckSettings<'_> {
        let id = TypeId::of::<C>();
        let index = self.checks.iter().position(|check| check.id == id).unwrap_or_else(|| {
            self.checks.push(CheckOverride {
                id,
                type_name: type_name::<C>(),
                keys: CheckKeys::default(),
                off: None,
                origin: self.layer,
            });
            self.checks.len() - 1
        });
        CheckSettings { check: &mut self.checks[index] }
    }

    /// Writes the overrides into the checks. One for a check that is not there is an error.
    pub(crate) fn apply_checks(&self, checks: &mut [CheckSpec]) -> Vec<SettingError> {
        self.checks.iter().filter_map(|over| over.apply(checks).err()).collect()
    }
}

impl CheckSettings<'_> {
    /// From the end of one run to the next.
    pub fn interval(self, interval: Duration) -> Self {
        self.check.keys.interval = Some(interval);
        self
    }

    /// How long each run of it may take, and each of `recover`.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.check.keys.timeout = Some(timeout);
        self
    }

    /// How many attempts to recover it has.
    pub fn retry(self, retry: u32) -> Self {
        self.check.keys.retry = Some(retry);
        self
    }

    /// From the end of `recover` to the next run.
    pub fn delay(self, delay: Duration) -> Self {
        self.check.keys.delay = Some(delay);
        self
    }

    /// Leaves the check out.
    pub fn off(self, why: impl Into<String>) -> Self {
        self.check.off = Some(why.into());
        self
    }
}

impl CheckOverride {
    fn apply(&self, checks: &mut [CheckSpec]) -> Result<(), SettingError> {
        let mut found = false;
        for check in checks.iter_mut().filter(|check| check.id == Some(self.id)) {
            found = true;
            let keys = &mut check.keys;
            keys.interval = self.keys.interval.or(keys.interval);
            keys.timeout = self.keys.timeout.or(keys.timeout);
            keys.retry = self.keys.retry.or(keys.retry);
            keys.delay = self.keys.delay.or(keys.delay);
            check.off = self.off.clone().or(check.off.take());
        }
        match found {
            true => Ok(()),
            false => Err(SettingError::new(format!(
                "health_check::<{}>() ({}): no such health check is in this program. Its crate may not be linked: write \
                 `use the_crate as _;`, or leave this setting out",
                self.type_name, self.origin
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::Check;

    struct DbAnswers;
    impl HealthCheck for DbAnswers {}
    struct Other;
    impl HealthCheck for Other {}

    fn check() -> CheckSpec {
        let mut spec = Check::new("db_answers", || async {}).retry(7).delay(SECOND).spec;
        spec.id = Some(TypeId::of::<DbAnswers>());
        spec
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn only_what_was_said_changes() {
        let mut settings = Settings::default();
        settings.health_check::<DbAnswers>().interval(SECOND).timeout(SECOND * 2);
        settings.health_check::<DbAnswers>().retry(1).off("no database");
        let mut checks = [check()];
        assert!(settings.apply_checks(&mut checks).is_empty());
        let keys = CheckKeys {
            interval: Some(SECOND),
            timeout: Some(SECOND * 2),
            retry: Some(1),
            delay: Some(SECOND),
        };
        assert_eq!((checks[0].keys, checks[0].off.as_deref()), (keys, Some("no database")));
    }

    #[test]
    fn a_check_that_is_not_there_is_named() {
        let mut settings = Settings::default();
        settings.set_layer(Origin::Setup);
        settings.health_check::<Other>().retry(1);
        let errors = settings.apply_checks(&mut [check()]);
        assert_eq!(errors.len(), 1);
        let text = errors[0].to_string();
        assert!(text.contains("Other>() (from setup): no such health check is in this program"), "{text}");
    }
}
