//! What `Settings` says about single steps.

use std::any::{TypeId, type_name};
use std::future::Future;
use std::time::Duration;

use super::{Origin, SettingError, Settings};
use crate::edge::{Edges, Node, Target};
use crate::hook::{Extra, Step, StepSpec};
use crate::register::{self, HookResult, WhenResult};
use crate::worker::Restart;

/// What was said about one step; what was not said stays as the attribute has it.
#[derive(Clone, Debug)]
pub(crate) struct StepOverride {
    id: TypeId,
    type_name: &'static str,
    order: Option<i32>,
    timeout: Option<Duration>,
    last: bool,
    extra: Extra,
    after: Option<Vec<Target>>,
    before: Option<Vec<Target>>,
    off: Option<String>,
    origin: Origin,
}

/// The keys of one step, see [`Settings::step`].
#[derive(Debug)]
pub struct StepSettings<'a> {
    step: &'a mut StepOverride,
}

impl Settings {
    /// Overrides the keys of one step, by the type of the function's name.
    ///
    /// ```no_run
    /// # #[allow(non_camel_case_types)] struct close_db; impl lifecycle::Step for close_db {}
    /// # let mut settings = lifecycle::Settings::default();
    /// settings.step::<close_db>().timeout(std::time::Duration::from_secs(9));
    /// settings.step::<close_db>().off("this binary has no database");
    /// ```
    pub fn step<S: Step>(&mut self) -> StepSettings<'_> {
        let id = TypeId::of::<S>();
        let index = self.steps.iter().position(|step| step.id == id).unwrap_or_else(|| {
            self.steps.push(StepOverride {
                id,
                type_name: type_name::<S>(),
                order: None,
                timeout: None,
                last: false,
                extra: Extra::default(),
                after: None,
                before: None,
                off: None,
                origin: self.layer,
            });
            self.steps.len() - 1
        });
        StepSettings { step: &mut self.steps[index] }
    }

    /// Writes the overrides into the steps. One for a step that is not there is an error.
    pub(crate) fn apply_steps(&self, steps: &mut [StepSpec]) -> Vec<SettingError> {
        self.steps.iter().filter_map(|over| over.apply(steps).err()).collect()
    }
}

impl StepSettings<'_> {
    /// Its rank; a `last` of the attribute no longer counts.
    pub fn order(self, order: i32) -> Self {
        self.step.order = Some(order);
        self
    }

    /// How long it may take, all attempts and the fallback together.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.step.timeout = Some(timeout);
        self
    }

    /// How often it is tried again; 0 for not at all. As [`Hook::retry`](crate::Hook::retry).
    pub fn retry(self, retry: u32) -> Self {
        self.step.extra.retry = Some(retry);
        self
    }

    /// How long each attempt may take. As [`Hook::attempt`](crate::Hook::attempt).
    pub fn attempt(self, attempt: Duration) -> Self {
        self.step.extra.attempt = Some(attempt);
        self
    }

    /// The pause before the first retry. As [`Hook::backoff`](crate::Hook::backoff).
    pub fn backoff(self, backoff: Duration) -> Self {
        self.step.extra.backoff = Some(backoff);
        self
    }

    /// What is done in its place once every attempt has failed, instead of what the attribute says. As
    /// [`Hook::fallback`](crate::Hook::fallback).
    pub fn fallback<F, R>(self, fallback: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = R> + Send + 'static,
        R: HookResult,
    {
        self.step.extra.fallback = Some(Box::new(register::function(fallback)));
        self
    }

    /// Whether it runs at all, instead of what the attribute says. As [`Hook::when`](crate::Hook::when).
    pub fn when<R: WhenResult>(self, when: impl Fn() -> R + Send + Sync + 'static) -> Self {
        self.step.extra.when = Some(Box::new(register::when(when)));
        self
    }

    /// What the next start does if it was not done, instead of what the attribute says. As
    /// [`Hook::compensate`](crate::Hook::compensate).
    pub fn compensate<F, R>(self, compensate: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = R> + Send + 'static,
        R: HookResult,
    {
        self.step.extra.compensate = Some(Box::new(register::function(compensate)));
        self
    }

    /// Of a worker: when it is begun again.
    ///
    /// ```no_run
    /// # #[allow(non_camel_case_types)] struct consume; impl lifecycle::Step for consume {}
    /// # let mut settings = lifecycle::Settings::default();
    /// settings.step::<consume>().restart(lifecycle::Restart::Always).retry(20);
    /// ```
    pub fn restart(self, restart: Restart) -> Self {
        self.step.extra.restart = Some(restart);
        self
    }

    /// It runs after this step, or after [`Requests`](crate::Requests), instead of after what the attribute says. Can be
    /// said several times.
    #[track_caller]
    pub fn after<N: Node>(self) -> Self {
        self.step.after.get_or_insert_default().push(Target::of::<N>());
        self
    }

    /// It runs before this step, or before [`Requests`](crate::Requests), instead of before what the attribute says. Can
    /// be said several times.
    #[track_caller]
    pub fn before<N: Node>(self) -> Self {
        self.step.before.get_or_insert_default().push(Target::of::<N>());
        self
    }

    /// After everything else; an `order`, `after` or `before` of the attribute no longer counts. A group cannot be `last`.
    pub fn last(self) -> Self {
        self.step.last = true;
        self
    }

    /// Leaves the step out. The report says why.
    pub fn off(self, why: impl Into<String>) -> Self {
        self.step.off = Some(why.into());
        self
    }
}

impl StepOverride {
    fn apply(&self, steps: &mut [StepSpec]) -> Result<(), SettingError> {
        let mut found = false;
        for step in steps.iter_mut().filter(|step| step.id == Some(self.id)) {
            found = true;
            match (self.order, self.last) {
                (None, false) => {}
                // Both at once is a contradiction that the plan reports.
                (order, last) => (step.keys.order, step.keys.last) = (order, last),
            }
            if self.last {
                step.edges = Edges::default();
            }
            if let Some(after) = &self.after {
                step.edges.after.clone_from(after);
            }
            if let Some(before) = &self.before {
                step.edges.before.clone_from(before);
            }
            step.keys.timeout = self.timeout.or(step.keys.timeout);
            if self.extra.restart.is_some() && !step.is_worker() {
                return Err(SettingError::new(format!(
                    "step::<{}>().restart(…) ({}): it is no worker, and has nothing to begin again. Leave this setting out",
                    self.type_name, self.origin
                )));
            }
            step.extra.replace_with(&self.extra);
            step.off = self.off.clone().or(step.off.take());
        }
        match found {
            true => Ok(()),
            false => Err(SettingError::new(format!(
                "step::<{}>() ({}): no such step is in this program. Its crate may not be linked: write \
                 `use the_crate as _;`, or leave this setting out",
                self.type_name, self.origin
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook::{Begin, Extra, Phase, StepKeys, Task};
    use crate::rare::Rare;

    struct CloseDb;
    impl Step for CloseDb {}
    struct Flush;
    impl Step for Flush {}

    fn spec(keys: StepKeys) -> StepSpec {
        StepSpec {
            name: "close_db".into(),
            module: "app".into(),
            file: "src/db.rs".into(),
            line: 7,
            id: Some(TypeId::of::<CloseDb>()),
            phase: Phase::Shutdown,
            keys,
            extra: Rare::default(),
            edges: Edges::default(),
            signature: Rare::default(),
            off: None,
            task: Task::Hook(Begin::new(|_| unreachable!("never called"))),
        }
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn only_what_was_said_changes() {
        let mut settings = Settings::default();
        settings.step::<CloseDb>().timeout(SECOND);
        settings.step::<CloseDb>().off("no database");
        let mut steps = [spec(StepKeys { order: Some(4), timeout: None, last: false })];
        assert!(settings.apply_steps(&mut steps).is_empty());
        assert_eq!(steps[0].keys, StepKeys { order: Some(4), timeout: Some(SECOND), last: false });
        assert_eq!(steps[0].off.as_deref(), Some("no database"));
    }

    #[test]
    fn how_it_is_tried_is_replaced_key_by_key() {
        let mut settings = Settings::default();
        settings.step::<CloseDb>().retry(0).when(|| false);
        let written = Extra {
            retry: Some(2),
            attempt: Some(SECOND),
            fallback: Some(Box::new(register::function(|| async {}))),
            ..Extra::default()
        };
        let mut steps = [StepSpec { extra: written.into(), ..spec(StepKeys::default()) }];
        assert!(settings.apply_steps(&mut steps).is_empty());
        let Extra { retry, attempt, backoff, fallback, when, .. } = &*steps[0].extra;
        assert_eq!((*retry, *attempt, *backoff), (Some(0), Some(SECOND), None));
        assert!(fallback.is_some() && when.is_some());

        let mut settings = Settings::default();
        settings.step::<CloseDb>().attempt(2 * SECOND).backoff(SECOND).fallback(|| async { Err("no") });
        assert!(settings.apply_steps(&mut steps).is_empty());
        let Extra { retry, attempt, backoff, .. } = &*steps[0].extra;
        assert_eq!((*retry, *attempt, *backoff), (Some(0), Some(2 * SECOND), Some(SECOND)));
    }

    #[test]
    fn how_often_and_when_it_is_begun_again() {
        let mut settings = Settings::default();
        settings.step::<CloseDb>().restart(Restart::Always).retry(7);
        let written = Extra { retry: Some(2), backoff: Some(SECOND), ..Extra::default() };
        let hook = StepSpec { extra: written.clone().into(), ..spec(StepKeys::default()) };
        let Task::Hook(begin) = hook.task.clone() else { panic!("it is a hook") };
        let mut steps = [StepSpec { task: Task::Worker(begin), ..hook.clone() }];
        assert!(settings.apply_steps(&mut steps).is_empty());
        let Extra { retry, backoff, restart, .. } = &*steps[0].extra;
        assert_eq!((*retry, *backoff, *restart), (Some(7), Some(SECOND), Some(Restart::Always)));
        let errors = settings.apply_steps(&mut [hook]);
        assert!(
            errors[0].to_string().contains("CloseDb>().restart(…) (from the builder): it is no worker"),
            "{errors:?}"
        );
    }

    #[test]
    fn a_place_replaces_the_attributes_place() {
        let mut settings = Settings::default();
        settings.step::<CloseDb>().last();
        let mut steps = [spec(StepKeys { order: Some(4), timeout: Some(SECOND), last: false })];
        assert!(settings.apply_steps(&mut steps).is_empty());
        assert_eq!(steps[0].keys, StepKeys { order: None, timeout: Some(SECOND), last: true });

        let mut settings = Settings::default();
        settings.step::<CloseDb>().order(-2);
        assert!(settings.apply_steps(&mut steps).is_empty());
        assert_eq!(steps[0].keys, StepKeys { order: Some(-2), timeout: Some(SECOND), last: false });
    }

    #[test]
    fn edges_replace_the_attributes_and_last_removes_them() {
        use crate::Requests;
        let attribute = || Target::of::<Requests>();
        let lines =
            |targets: &[Target]| -> Vec<u32> { targets.iter().map(|target| target.at.line()).collect() };
        let with = |say: fn(StepSettings<'_>)| {
            let mut settings = Settings::default();
            say(settings.step::<CloseDb>());
            let edges = Edges { after: vec![attribute()], before: vec![attribute()] };
            let mut steps = [StepSpec { edges, ..spec(StepKeys::default()) }];
            assert!(settings.apply_steps(&mut steps).is_empty());
            (lines(&steps[0].edges.after), lines(&steps[0].edges.before))
        };
        let written = vec![attribute().at.line()];
        assert_eq!(with(|step| _ = step.timeout(SECOND)), (written.clone(), written.clone()));
        let twice = (with(|step| _ = step.after::<Requests>().after::<Requests>()), line!());
        assert_eq!(twice.0, (vec![twice.1; 2], written), "it says where the setting is");
        assert_eq!(with(|step| _ = step.last()), (vec![], vec![]));
        let contradiction = (with(|step| _ = step.last().before::<Requests>()), line!());
        assert_eq!(contradiction.0, (vec![], vec![contradiction.1]), "which the plan reports");
    }

    #[test]
    fn a_step_that_is_not_there_is_named() {
        let mut settings = Settings::default();
        settings.set_layer(Origin::Setup);
        settings.step::<Flush>().off("not wanted");
        let errors = settings.apply_steps(&mut [spec(StepKeys::default())]);
        assert_eq!(errors.len(), 1);
        let text = errors[0].to_string();
        assert!(text.contains("Flush>() (from setup): no such step is in this program"), "{text}");
    }
}
