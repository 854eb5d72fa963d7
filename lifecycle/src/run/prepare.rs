//! From settings and steps to a verified plan, or to all that is wrong with it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::call::panicked;
use super::entry::Setup;
use super::print_plan::{self, View};
use crate::__private::outcome::Asked;
use crate::hook::{Gift, Phase, Signature, StepSpec};
use crate::plan::{self, Plan};
use crate::process::{Lifecycle, lifecycle};
use crate::settings::Settings;
use crate::{clock, compensation, expect, health, registry};

/// A verified plan, nothing started.
pub(super) struct Prepared {
    pub(super) settings: Settings,
    pub(super) steps: Vec<StepSpec>,
    pub(super) plan: Plan,
    pub(super) main: Signature,
    pub(super) given: Vec<Gift>,
    /// What to print instead of starting.
    pub(super) view: Option<View>,
}

impl Prepared {
    pub(super) fn plan(&self) -> crate::Plan {
        crate::Plan::new(&self.plan, &self.steps, &lifecycle().health.specs(), &self.settings)
    }
}

pub(super) fn prepare(
    life: &'static Lifecycle,
    mut settings: Settings,
    setup: Option<Setup>,
    main: &Signature,
) -> Result<Prepared, Vec<String>> {
    if !life.claim() {
        return Err(vec![
            "a lifecycle runs in this process already, or has run: there is one for the whole process, so call run once"
                .to_owned(),
        ]);
    }
    let mut errors = Vec::new();
    if let Some(setup) = setup {
        settings.set_layer(crate::settings::Origin::Setup);
        let given = match catch_unwind(AssertUnwindSafe(|| setup(Asked::Values(&mut settings)))) {
            Ok(given) => given,
            Err(payload) => Err(format!("it panicked: {}", panicked(payload).why.unwrap_or_default())),
        };
        match given {
            Ok(resources) => errors.extend(
                resources
                    .into_iter()
                    .filter_map(|resource| life.resources.insert(resource).err())
                    .map(|e| e.to_string()),
            ),
            // What it would have provided is missing everywhere: nothing that follows says anything new.
            Err(error) => return Err(vec![format!("setup failed: {error}")]),
        }
    }
    // What a test does must not depend on who runs it.
    let variable = |name: &str| if clock::in_test() { None } else { std::env::var_os(name) };
    errors.extend(settings.read_environment(variable).iter().map(ToString::to_string));
    let view = View::asked(variable(print_plan::VARIABLE)).unwrap_or_else(|error| {
        errors.push(error);
        None
    });
    errors.extend(settings.check().iter().map(ToString::to_string));
    errors.extend(registry::fault());
    let mut steps = registry::collect();
    errors.extend(expect::missing(&steps));
    {
        let mut registrations = life.registrations();
        registrations.started = true;
        steps.extend(registrations.of(Phase::Start).chain(registrations.of(Phase::Shutdown)));
    }
    errors.extend(settings.apply_steps(&mut steps).iter().map(ToString::to_string));
    #[cfg(feature = "testing")]
    errors.extend(crate::testing::replace(&mut steps, main));
    compensation::add_to(&mut steps);
    let mut checks = registry::checks();
    errors.extend(settings.apply_checks(&mut checks).iter().map(ToString::to_string));
    for check in checks {
        life.health.add(check);
    }
    errors.extend(health::faults(&life.health.specs()));
    let given = life.resources.provided();
    match plan::plan(&plan::Input { steps: &steps, given: &given, main, settings: &settings }) {
        Ok(plan) if errors.is_empty() => {
            Ok(Prepared { settings, steps, plan, main: main.clone(), given, view })
        }
        Ok(_) => Err(errors),
        Err(more) => {
            errors.extend(more.messages());
            Err(errors)
        }
    }
}
