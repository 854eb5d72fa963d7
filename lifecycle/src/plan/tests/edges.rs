//! `after` and `before` by example.

use super::super::rank::RankSource;
use super::super::*;
use super::world::{DB, World, group, start, stop};

fn ranks(world: &World) -> String {
    let plan = world.plan();
    let name = |step: usize| &world.steps[step].name;
    let text = |(step, placed): (&crate::hook::StepSpec, &Placed)| match &placed.place {
        Place::Ranked(rank) => {
            let source = match rank.source {
                RankSource::Order => "by order".to_owned(),
                RankSource::Default => "by default".to_owned(),
                RankSource::After(by) => format!("after {}", name(by)),
                RankSource::Before(by) => format!("before {}", name(by)),
                RankSource::Requests => "by Requests".to_owned(),
            };
            format!("{} {} {source}", step.name, rank.value)
        }
        other => format!("{} {other:?}", step.name),
    };
    world.steps.iter().zip(&plan.steps).map(text).collect::<Vec<_>>().join("; ")
}

#[test]
fn written_edges_order_steps_of_one_rank() {
    let world = World::new([
        stop("a_close").after("flush").after("stop_workers"),
        stop("flush"),
        stop("stop_workers").before("flush"),
        stop("alone"),
        start("a_migrate").after("open"),
        start("open"),
    ]);
    let plan = world.plan();
    assert_eq!(
        world.relation(&plan.shutdown).text(),
        "a_close after Requests flush stop_workers; alone after Requests; flush after Requests stop_workers; \
         stop_workers after Requests"
    );
    assert_eq!(world.relation(&plan.start).text(), "a_migrate after open");
}

#[test]
fn a_rank_comes_from_what_a_step_names() {
    let world = World::new([
        stop("early").order(-5),
        stop("late").order(7),
        stop("follows_early").after("early"),
        stop("follows_both").after("late").after("early"),
        stop("precedes_late").before("late"),
        stop("precedes_both").before("late").before("early"),
        stop("both").after("early").before("late"),
        stop("chain").after("follows_early"),
        stop("last_call").before("Requests"),
        stop("first_stop").after("Requests"),
        stop("of_default").after("plain"),
        stop("plain"),
        stop("precedes_plain").before("plain"),
        stop("own").order(3).after("early").before("late"),
        stop("named").order(4).before("raised"),
        stop("raised"),
    ]);
    assert_eq!(
        ranks(&world),
        "early -5 by order; late 7 by order; follows_early -5 after early; follows_both 7 after late; \
         precedes_late 7 before late; precedes_both -5 before early; both -5 after early; chain -5 after early; \
         last_call -1 by Requests; first_stop 0 by Requests; of_default 0 after plain; plain 0 by default; \
         precedes_plain 0 before plain; own 3 by order; named 4 by order; raised 4 after named"
    );
}

#[test]
fn nobody_moves_a_step_before_the_requests_but_itself() {
    let world = World::new([stop("early").order(-1).before("plain"), stop("plain")]);
    assert_eq!(ranks(&world), "early -1 by order; plain 0 by default");
    let world = World::new([stop("deregister").order(-1).after("plain"), stop("plain")]);
    assert_eq!(
        world.errors(),
        "1. `deregister` (src/deregister.rs:1) has order = -1, but comes after `plain` (src/plain.rs:1), and that has \
         no order and so comes at 0: give `deregister` an order of 0 or more, or none, since it follows by itself; or \
         give `plain` an order of -1 or less"
    );
}

#[test]
fn a_step_that_is_off_still_keeps_the_others_in_order() {
    let world = World::new([
        stop("a_last").after("middle"),
        stop("middle").after("z_first").after("beside").off("not here"),
        stop("z_first"),
        stop("beside").off("not here"),
        stop("bound").after("early").off("not here"),
        stop("early").order(-2),
        stop("follower").after("bound"),
    ]);
    let plan = world.plan();
    assert_eq!(
        world.relation(&plan.shutdown).text(),
        "Requests after early follower; a_last after Requests early follower z_first; follower after early; \
         z_first after Requests early follower"
    );
    let world = World::new([
        start("a_serve").after("warm"),
        start("warm").after("open").shares(DB),
        start("open"),
        start("load").gives(DB).off("not here"),
    ]);
    assert_eq!(world.relation(&world.plan().start).text(), "a_serve after open");
    let circle = World::new([
        stop("a").before("b").off("not here"),
        stop("b").before("a").after("c").off("not here"),
        stop("c").order(2),
        stop("d").after("b"),
    ]);
    assert_eq!(circle.relation(&circle.plan().shutdown).text(), "c after Requests; d after Requests c");
    let freed =
        World::new([stop("a").after("a").off("not here"), stop("b").after("a").before("c"), stop("c")]);
    assert_eq!(ranks(&freed), "a Off(\"not here\"); b 0 after a; c 0 by default");
    let bound = World::new([
        stop("a").after("a").off("not here"),
        stop("b").after("a"),
        stop("c").order(-3).after("b"),
    ]);
    assert_eq!(
        bound.errors(),
        "1. `c` (src/c.rs:1) has order = -3, but comes after `b` (src/b.rs:1), and that follows `a` (src/a.rs:1), which \
         has no order and so comes at 0: give `c` an order of 0 or more, or none, since it follows by itself; or give \
         `a` an order of -3 or less"
    );
    let apart = World::new([
        stop("a").off("not here"),
        stop("b").after("a").off("not here"),
        stop("c").after("b").off("not here"),
    ]);
    assert_eq!(apart.plan().worst.chain.len(), 2, "drain and cut");
    let wrong =
        World::new([stop("a").order(1).after("b").off("not here"), stop("b").order(2), stop("c").after("a")]);
    assert_eq!(ranks(&wrong), "a Off(\"not here\"); b 2 by order; c 2 after b");
}

#[test]
fn an_order_that_contradicts_a_written_edge_names_both() {
    let world = World::new([
        stop("close").order(1).after("flush"),
        stop("flush").order(2),
        stop("far").order(3).after("between"),
        stop("between").after("early").after("origin"),
        stop("early").order(-1),
        stop("origin").order(9),
        stop("target").order(-4),
        stop("named").order(5).before("target"),
        stop("too_early").order(-3).after("Requests"),
        stop("too_late").order(2).before("Requests"),
        stop("torn").after("plain").before("Requests"),
        stop("plain"),
        stop("lowered").before("early"),
        stop("under").order(-8).after("lowered"),
        stop("served").after("Requests"),
        stop("behind").order(-2).after("served"),
    ]);
    let expected = "\
1. `too_early` (src/too_early.rs:1) has order = -3, but comes after `Requests`, and they count as 0 for what follows \
         them: give `too_early` an order of 0 or more, or none, since it follows by itself
2. `too_late` (src/too_late.rs:1) has order = 2, but comes before the requests. They count as -1 for what precedes \
         them: give `too_late` an order of -1 or less, or none
3. `torn` (src/torn.rs:1) comes before the requests, but follows `plain` (src/plain.rs:1), which has no order and so \
         comes at 0. They count as -1 for what precedes them: give `plain` an order of -1 or less, or remove one of the \
         two edges
4. `far` (src/far.rs:1) has order = 3, but comes after `between` (src/between.rs:1), and that follows `origin` \
         (src/origin.rs:1) of order = 9: give `far` an order of 9 or more, or none, since it follows by itself
5. `close` (src/close.rs:1) has order = 1, but comes after `flush` (src/flush.rs:1), and that has order = 2: give \
         `close` an order of 2 or more, or none, since it follows by itself
6. `under` (src/under.rs:1) has order = -8, but comes after `lowered` (src/lowered.rs:1), and that comes at -1, before \
         `early` (src/early.rs:1): give `under` an order of -1 or more, or none, since it follows by itself
7. `target` (src/target.rs:1) has order = -4, but is named in `before` by `named` (src/named.rs:1), and that has \
         order = 5: give `target` an order of 5 or more, or none, since it follows by itself
8. `behind` (src/behind.rs:1) has order = -2, but comes after `served` (src/served.rs:1), and that follows `Requests`, \
         and they count as 0 for what follows them: give `behind` an order of 0 or more, or none, since it follows by \
         itself";
    assert_eq!(world.errors(), expected);
}

#[test]
fn a_written_cycle_is_named_with_its_edges() {
    let world = World::new([
        stop("a").after("b"),
        stop("b").after("c").off("even so"),
        stop("c").before("itself").after("a"),
        stop("itself").before("itself"),
        stop("behind").after("a").order(-5),
        stop("taker").takes(DB).before("user"),
        stop("user").shares(DB),
    ]);
    assert_eq!(
        world.errors(),
        "1. these steps wait for each other: `c` (src/c.rs:1) comes after `a` (src/a.rs:1); `b` (src/b.rs:1) comes \
         after `c` (src/c.rs:1); `a` (src/a.rs:1) comes after `b` (src/b.rs:1). Break the circle: remove one `after` or \
         `before`, or split one of the steps\n\
         2. these steps wait for each other: `itself` (src/itself.rs:1) is named in `before` by `itself` \
         (src/itself.rs:1). Break the circle: remove one `after` or `before`, or split one of the steps\n\
         3. these steps wait for each other: `user` (src/user.rs:1) is named in `before` by `taker` (src/taker.rs:1); \
         `taker` (src/taker.rs:1) takes away the Db that `user` (src/user.rs:1) uses. Break the circle: remove one \
         `after` or `before`, borrow (&T) in place of one Take<T>, or split one of the steps"
    );
}

#[test]
fn edges_that_cannot_be_are_all_named_at_once() {
    let world = World::new([
        start("open").before("close").after("Requests"),
        stop("close").after("alert").after("gone").before("flush"),
        stop("alert").last().after("close"),
        stop("flush").last(),
        stop("unused").after("gone").after("open").after("alert").off("errs"),
        stop("beyond").order(i32::MIN).after("open"),
    ]);
    let expected = [
        "`open` (src/open.rs:1) cannot come before `close` (src/close.rs:1): one runs at the start",
        "`open` (src/open.rs:1) runs at the start and cannot come after the requests",
        "`alert` (src/alert.rs:1) is `last` and has `after` or `before` too",
        "`beyond` (src/beyond.rs:1) cannot come after `open` (src/open.rs:1): one runs at the start",
        "`close` (src/close.rs:1) cannot come after `alert` (src/alert.rs:1), which is `last`",
        "`close` (src/close.rs:1) has after = gone, and there is no such step in this program",
    ];
    let errors = world.errors();
    assert_eq!(errors.lines().count(), expected.len(), "{errors}");
    for start in expected {
        assert!(errors.contains(start), "{start} is not in\n{errors}");
    }
}

#[test]
fn an_edge_that_is_written_elsewhere_says_where() {
    let at = ("src/setup.rs", 30);
    let world = World::new([
        stop("a").after_at("b", at.0, at.1),
        stop("b").before("a").after("c"),
        stop("c").before_at("b", "src/c.rs", 4).after_at("a", "src/a.rs", 1),
    ]);
    assert_eq!(
        world.errors(),
        "1. these steps wait for each other: `c` (src/c.rs:1) comes after `a` (src/a.rs:1), said at src/a.rs:1; `b` \
         (src/b.rs:1) comes after `c` (src/c.rs:1); `a` (src/a.rs:1) comes after `b` (src/b.rs:1), said at \
         src/setup.rs:30. Break the circle: remove one `after` or `before`, or split one of the steps"
    );
    let world = World::new([
        start("open").before_at("close", at.0, at.1).after_at("Requests", at.0, at.1 + 1),
        stop("close").after_at("alert", at.0, at.1 + 2).after_at("gone", at.0, at.1 + 3),
        stop("alert").last().after_at("close", at.0, at.1 + 4),
        stop("late").order(2).before_at("Requests", at.0, at.1 + 5),
        stop("early").order(-2).after_at("Requests", at.0, at.1 + 6),
        stop("torn").after("late").before_at("Requests", at.0, at.1 + 7),
        stop("named").order(5).before_at("late", at.0, at.1 + 8),
    ]);
    let errors = world.errors();
    for says in [
        "`open` (src/open.rs:1) cannot come before `close` (src/close.rs:1), said at src/setup.rs:30: one runs",
        "the requests, which are drained at the shutdown, said at src/setup.rs:31. Name another start step",
        "`close` (src/close.rs:1) cannot come after `alert` (src/alert.rs:1), which is `last`, said at src/setup.rs:32:",
        "`close` (src/close.rs:1) has after = gone, said at src/setup.rs:33, and there is no such step",
        "`alert` (src/alert.rs:1) is `last` and has `after` or `before` too, said at src/setup.rs:34: a last step",
        "`late` (src/late.rs:1) has order = 2, but comes before the requests, said at src/setup.rs:35. They count",
        "`early` (src/early.rs:1) has order = -2, but comes after `Requests`, said at src/setup.rs:36, and they count",
        "`torn` (src/torn.rs:1) comes before the requests, said at src/setup.rs:37, but follows `late`",
        "`late` (src/late.rs:1) has order = 2, but is named in `before` by `named` (src/named.rs:1), said at \
         src/setup.rs:38, and that has order = 5",
    ] {
        assert!(errors.contains(says), "{says} is not in\n{errors}");
    }
    assert_eq!(errors.lines().count(), 9, "{errors}");
}

#[test]
fn the_guide_shows_what_the_start_refuses() {
    let world = World::new([
        stop("a").before("b"),
        stop("b").before_at("a", "src/setup.rs", 9),
        stop("torn").after("plain").before("Requests"),
        stop("plain"),
        stop("close").after("ghost"),
    ]);
    let errors = world.try_plan().unwrap_err().messages();
    let shown: String = errors.iter().map(|error| format!("  - {error}\n")).collect();
    let guide = include_str!("../../../../docs/ORDER.md");
    let what = format!("lifecycle: nothing was started:\n{shown}```");
    assert!(guide.contains(&what), "docs/ORDER.md shows this:\n{what}");
}

#[test]
fn a_group_has_its_place_by_its_edges() {
    let world = World::new([
        group("Jobs").after("queue_is_empty"),
        stop("queue_is_empty").after("Requests"),
        stop("close_db").after("Jobs"),
        stop("of_default"),
        group("Mails"),
        stop("after_mails").after("Mails"),
        group("Uploads").before("late"),
        stop("late").order(3),
        group("Sessions").before("Requests"),
        group("Both").after("late").before("of_order_9"),
        stop("of_order_9").order(9),
    ]);
    assert_eq!(
        ranks(&world),
        "Jobs 0 by Requests; queue_is_empty 0 by Requests; close_db 0 by Requests; of_default 0 by \
         default; Mails 0 by default; after_mails 0 after Mails; Uploads 3 before late; late 3 by order; Sessions -1 by \
         Requests; Both 3 after late; of_order_9 9 by order"
    );
    assert_eq!(
        world.relation(&world.plan().shutdown).text(),
        "Both after Jobs Mails Requests Sessions Uploads after_mails close_db late of_default queue_is_empty; \
         Jobs after Mails Requests Sessions after_mails queue_is_empty; \
         Mails after Requests Sessions; Requests after Sessions; \
         Uploads after Jobs Mails Requests Sessions after_mails close_db of_default queue_is_empty; \
         after_mails after Mails Requests Sessions; \
         close_db after Jobs Mails Requests Sessions after_mails queue_is_empty; \
         late after Jobs Mails Requests Sessions Uploads after_mails close_db of_default queue_is_empty; \
         of_default after Mails Requests Sessions after_mails; \
         of_order_9 after Both Jobs Mails Requests Sessions Uploads after_mails close_db late of_default queue_is_empty; \
         queue_is_empty after Mails Requests Sessions after_mails"
    );
    let early = World::new([group("Jobs"), stop("deregister").order(-1).after("Jobs")]);
    assert_eq!(
        early.errors(),
        "1. `deregister` (src/deregister.rs:1) has order = -1, but comes after `Jobs` (src/Jobs.rs:1), and that \
         has no order and so comes right after `Requests`, at 0: give `deregister` an order of 0 or more, or \
         none, since it follows by itself; or give `Jobs` an order of -1 or less"
    );
}
