//! Workers in the plan: their stops, and what they use and take.

use super::super::*;
use super::world::{DB, VENUE, World, start, stop, worker};
use crate::worker::Restart;

#[test]
fn a_worker_is_stopped_right_after_requests_or_at_its_order() {
    let world = World::new([
        worker("consume"),
        worker("listen").order(-1),
        worker("publish").order(0),
        stop("close"),
        stop("early").order(-1),
        stop("late").order(1),
    ]);
    let plan = world.plan();
    assert_eq!(
        world.relation(&plan.shutdown).text(),
        "Requests after early listen; close after Requests consume early listen; \
         consume after Requests early listen; late after Requests close consume early listen publish; \
         publish after Requests consume early listen"
    );
    assert_eq!(plan.steps[0].limit, SHUTDOWN_TIMEOUT);
}

#[test]
fn who_takes_what_a_worker_uses_comes_after_its_stop() {
    let world =
        World::new([start("open").gives(DB), stop("close").takes(DB), worker("query").shares(DB).order(3)]);
    let plan = world.plan();
    assert_eq!(world.relation(&plan.shutdown).text(), "close after Requests query; query after Requests");
    assert!(matches!(&plan.steps[1].place, Place::Ranked(rank) if rank.value == 3));
}

#[test]
fn what_a_worker_takes_is_gone_before_the_service_begins() {
    let once = || worker("read").restart(Restart::Never);
    drop(World::new([start("open").gives(DB), once().takes(DB)]).plan());
    assert_eq!(
        World::new([start("open").gives(DB), once().takes(DB), stop("close").shares(DB)]).errors(),
        "1. `close` (src/close.rs:1) uses Db, but `read` (src/read.rs:1) has taken it away by then: let `read` borrow \
         it (&Db), or let `close` take an Option of it"
    );
    assert_eq!(
        World::new([start("open").gives(DB), once().takes(DB)]).main_shares(DB).errors(),
        "1. `main` uses Db, but `read` (src/read.rs:1) has taken it away by then: let `read` borrow it (&Db), or let \
         `main` take an Option of it"
    );
    // It can still be provided by hand.
    drop(World::new([once().takes(DB), worker("venue").shares(VENUE)]).plan());
}

#[test]
fn what_is_begun_again_takes_nothing_away() {
    let again =
        |restart: Restart| World::new([start("open").gives(DB), worker("read").restart(restart).takes(DB)]);
    for (restart, word) in [(Restart::OnFailure, "on_failure"), (Restart::Always, "always")] {
        assert_eq!(
            again(restart).errors(),
            format!(
                "1. `read` (src/read.rs:1) takes Db away, and would find nothing when it is begun again (restart = \
                 {word}): let it borrow (&Db), or write restart = never"
            )
        );
    }
}

#[test]
fn a_worker_is_not_last() {
    assert_eq!(
        World::new([worker("consume").last()]).errors(),
        "1. `consume` (src/consume.rs:1) is a worker and cannot be `last`: it needs its time to end, give it a high \
         order instead"
    );
}
