//! What a step's fallback and `when` take counts as its own; and what cannot be of its attempts.

use std::sync::Arc;

use super::super::*;
use super::seconds;
use super::world::{CONFIG, DB, Draft, VENUE, World, group, need, start, stop};
use crate::compensation;
use crate::hook::{Ask, Begin, Extra, Function, Need, Use, When};

impl Draft {
    fn extra(mut self, change: impl FnOnce(&mut Extra)) -> Self {
        change(&mut self.0.extra);
        self
    }

    fn retry(self, retry: u32) -> Self {
        self.extra(|extra| extra.retry = Some(retry))
    }

    fn fallback(self, takes: impl IntoIterator<Item = Need>) -> Self {
        let signature = Signature { takes: takes.into_iter().collect(), ..Signature::default() };
        let begin = Begin::new(|_| unreachable!("a plan calls nothing"));
        self.extra(|extra| extra.fallback = Some(Box::new(Function { signature, begin })))
    }

    fn compensate(self, takes: impl IntoIterator<Item = Need>) -> Self {
        let signature = Signature { takes: takes.into_iter().collect(), ..Signature::default() };
        let begin = Begin::new(|_| unreachable!("a plan calls nothing"));
        self.extra(|extra| extra.compensate = Some(Box::new(Function { signature, begin })))
    }

    fn when(self, takes: impl IntoIterator<Item = Need>) -> Self {
        let signature = Signature { takes: takes.into_iter().collect(), ..Signature::default() };
        let ask: Ask = Arc::new(|_| unreachable!("a plan asks nothing"));
        self.extra(|extra| extra.when = Some(Box::new(When { signature, ask })))
    }
}

fn share(of: usize) -> Need {
    need(of, Use::Share)
}

fn take(of: usize) -> Need {
    need(of, Use::Take)
}

/// The words for the one thing that is wrong.
#[track_caller]
fn fault(step: Draft) -> String {
    let given = start("open").gives(DB).gives(CONFIG);
    match World::new([given, step]).try_plan() {
        Ok(_) => String::new(),
        Err(errors) => {
            assert_eq!(errors.0.len(), 1, "{errors}");
            errors.to_string().strip_prefix("1. `close` (src/close.rs:1) ").unwrap_or_default().to_owned()
        }
    }
}

#[test]
fn who_takes_a_resource_follows_those_whose_when_or_fallback_uses_it() {
    let world = World::new([
        start("open").gives(DB).gives(VENUE),
        stop("a_close").takes(DB),
        stop("a_leave").shares(VENUE).fallback([take(VENUE)]),
        stop("b_ask").when([share(DB)]),
        stop("c_save").fallback([share(DB), share(VENUE)]),
    ]);
    let plan = world.plan();
    assert_eq!(
        world.relation(&plan.shutdown).text(),
        "a_close after Requests b_ask c_save; a_leave after Requests c_save; b_ask after Requests; \
         c_save after Requests"
    );
}

#[test]
fn a_start_step_follows_the_provider_of_what_its_when_looks_at() {
    let world = World::new([start("a_migrate").when([share(CONFIG)]), start("read").gives(CONFIG)]);
    assert_eq!(world.relation(&world.plan().start).text(), "a_migrate after read");
    let errors = World::new([start("a_migrate").when([share(CONFIG)])]).errors();
    assert!(errors.contains("`a_migrate` (src/a_migrate.rs:1): no "), "{errors}");
    // A fallback that misses what nobody provides is found out when it is needed.
    World::new([stop("close").fallback([share(CONFIG)])]).plan();
}

#[test]
fn a_fallback_cannot_use_what_is_gone_before_its_turn() {
    let world = |uses: Need| {
        World::new([start("open").gives(DB), stop("close").takes(DB), stop("tell").last().fallback([uses])])
    };
    let errors = world(share(DB)).errors();
    assert!(errors.contains("but `close` (src/close.rs:1) has taken it away by then"), "{errors}");
    world(share(DB).optional()).plan();
}

#[test]
fn one_resource_in_several_places_of_a_step_is_one() {
    assert_eq!(fault(stop("close").takes(DB).when([share(DB)])), "", "it is asked before it takes");
    assert_eq!(fault(stop("close").shares(DB).fallback([take(DB)]).retry(2)), "");
    assert_eq!(fault(stop("close").takes(DB).fallback([share(DB).optional()])), "");
    assert_eq!(fault(stop("close").needs(take(DB).optional()).retry(2)), "");
}

#[test]
fn a_fallback_that_takes_the_report_makes_it_a_last_step_with_the_report() {
    let mut alert = stop("alert").last().fallback([]);
    if let Some(fallback) = &mut alert.0.extra.fallback {
        fallback.signature.takes_report = true;
    }
    let world = World::new([alert.clone()]);
    assert_eq!(world.plan().steps[0].place, Place::LastWithReport);
    alert.0.keys.last = false;
    let errors = World::new([alert]).errors();
    assert!(errors.contains("takes &Report"), "{errors}");
}

#[test]
fn what_is_moved_out_is_not_there_for_the_next_attempt_or_the_fallback() {
    let text = fault(stop("close").takes(DB).retry(1));
    assert!(text.starts_with("has retry and takes "), "{text}");
    assert!(text.contains("take an Option of it, which later attempts find empty"), "{text}");
    assert_eq!(fault(stop("close").takes(DB).retry(0)), "");
    for usage in [share(DB), take(DB)] {
        let text = fault(stop("close").takes(DB).fallback([usage]));
        assert!(text.contains("and its fallback needs it too"), "{text}");
    }
    let text = fault(stop("close").when([take(DB)]));
    assert!(text.contains("away in its `when`, which only looks: borrow it there (&"), "{text}");
}

#[test]
fn times_that_cannot_be_say_what_to_write() {
    let attempt = |of: Duration| stop("close").extra(|extra| extra.attempt = Some(of));
    assert_eq!(
        fault(attempt(Duration::ZERO)),
        "has attempt = 0s, so no attempt could end in time: write a longer one"
    );
    assert_eq!(
        fault(attempt(seconds(6))),
        "has attempt = 6s, but timeout = 5s, which bounds all attempts together: write a shorter attempt, or a longer \
         timeout"
    );
    assert_eq!(fault(attempt(seconds(5))), "");
    assert_eq!(
        fault(attempt(Duration::MAX).timeout(TOO_LONG)).split(':').nth(1),
        Some(" too long, write a shorter one")
    );
    let backoff = |of: Duration| stop("close").extra(|extra| extra.backoff = Some(of));
    assert!(fault(backoff(seconds(1))).starts_with("has backoff, the pause between attempts, but no retry"));
    assert_eq!(fault(backoff(seconds(1)).retry(0)), "");
    assert!(fault(backoff(Duration::MAX).retry(1)).ends_with("too long, write a shorter one"));
}

#[test]
fn a_start_step_has_no_fallback_and_a_group_none_of_it() {
    let errors = World::new([start("open").fallback([])]).errors();
    assert!(errors.contains("is a start step and cannot have a fallback"), "{errors}");
    for jobs in [group("Jobs").retry(1), group("Jobs").when([]), group("Jobs").fallback([])] {
        let errors = World::new([jobs]).errors();
        assert!(errors.contains("is a group and cannot have retry"), "{errors}");
    }
    // What is off is asked nothing.
    World::new([group("Jobs").retry(1).off("not here")]).plan();
}

/// With the compensations of those that have one.
fn with_compensations<const N: usize>(steps: [Draft; N]) -> World {
    let mut steps: Vec<StepSpec> = steps.into_iter().map(|draft| draft.0).collect();
    compensation::add_to(&mut steps);
    World::new(steps.into_iter().map(Draft))
}

#[test]
fn a_compensation_is_a_start_step_that_follows_who_provides_what_it_takes() {
    let steps = [
        start("z_open").gives(DB),
        start("late").order(3),
        stop("close").shares(DB).retry(1).timeout(seconds(3)).when([share(DB)]).compensate([share(DB)]),
        stop("plain"),
        stop("gone").compensate([]).off("not here"),
        // It may need what nobody takes at the shutdown.
        stop("flush").compensate([share(DB)]),
    ];
    let world = with_compensations(steps);
    let plan = world.plan();
    assert_eq!(
        world.relation(&plan.start).text(),
        "compensate close after z_open; compensate flush after z_open; \
         late after compensate close compensate flush z_open"
    );
    let names: Vec<&str> = world.steps.iter().map(|step| &*step.name).collect();
    let close = names.iter().position(|name| *name == "compensate close").unwrap();
    assert_eq!(plan.steps[close].limit, seconds(3), "it has the time of its step");
    let extra = &world.steps[close].extra;
    assert!(
        extra.when.is_some() && extra.retry.is_none(),
        "which is asked first, and tried again by the next start"
    );
}

#[test]
fn what_is_wrong_with_a_compensation_is_said_before_the_first_crash_and_once() {
    let errors = with_compensations([stop("close").compensate([share(DB)])]).errors();
    assert!(errors.contains("`compensate close` (src/close.rs:1): no "), "{errors}");
    let errors = with_compensations([start("open").compensate([])]).errors();
    assert!(errors.contains("is a start step and cannot have a compensate"), "{errors}");
    let errors = with_compensations([group("Jobs").compensate([])]).errors();
    assert!(errors.contains("is a group and cannot have retry"), "{errors}");
    for wrong in
        [stop("close").timeout(Duration::ZERO), stop("close").extra(|it| it.attempt = Some(Duration::ZERO))]
    {
        let errors = with_compensations([wrong.compensate([])]).try_plan().unwrap_err();
        assert_eq!(errors.0.len(), 1, "{errors}");
    }
    let twice = with_compensations([stop("close").compensate([]), stop("close").compensate([])]);
    assert_eq!(twice.try_plan().unwrap_err().0.len(), 1);
}

#[test]
fn the_worst_case_is_the_timeout_however_often_it_is_tried() {
    let plain = World::new([stop("close")]).plan();
    let often = World::new([stop("close").retry(100).fallback([])]).plan();
    assert_eq!(plain.worst, often.worst);
}
