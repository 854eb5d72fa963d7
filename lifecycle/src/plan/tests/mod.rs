//! Each promise of the plan by example; `property` holds it against an oracle.

mod attempts;
mod budget;
mod cost;
mod edges;
mod oracle;
mod property;
mod workers;
mod world;

use super::graph::Node;
use std::time::Duration;

use super::*;
use world::{CONFIG, DB, VENUE, World, group, start, stop};

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[test]
fn a_step_waits_for_lower_ranks_and_for_nothing_else() {
    let world = World::new([
        stop("a").order(-2),
        stop("b").order(-2),
        stop("c"),
        stop("d"),
        stop("e").order(7),
        stop("f").order(7),
    ]);
    let plan = world.plan();
    let order = world.relation(&plan.shutdown);
    assert_eq!(
        order.text(),
        "Requests after a b; c after Requests a b; d after Requests a b; \
         e after Requests a b c d; f after Requests a b c d"
    );
    assert!(plan.start.is_empty());
}

#[test]
fn requests_are_there_without_any_step() {
    let plan = World::new([]).plan();
    let nodes: Vec<Node<'_>> = plan.shutdown.nodes().collect();
    assert_eq!(nodes, [Node { kind: NodeKind::Requests, after: &[], next: &[] }]);
}

#[test]
fn a_group_comes_right_after_requests_or_at_its_order() {
    let world = World::new([
        group("Jobs"),
        group("Mails"),
        group("Sessions").order(-1),
        group("Uploads").order(0),
        stop("early").order(-1),
        stop("close"),
        stop("late").order(1),
    ]);
    let plan = world.plan();
    assert_eq!(
        world.relation(&plan.shutdown).text(),
        "Jobs after Requests Sessions early; Mails after Requests Sessions early; Requests after Sessions early; \
         Uploads after Jobs Mails Requests Sessions early; close after Jobs Mails Requests Sessions early; \
         late after Jobs Mails Requests Sessions Uploads close early"
    );
}

#[test]
fn what_a_group_cannot_be_is_said() {
    assert_eq!(
        World::new([group("Jobs").last()]).errors(),
        "1. `Jobs` (src/Jobs.rs:1) is a group and cannot be `last`: its calls need their time, give it a high order \
         instead"
    );
    assert_eq!(
        World::new([group("Jobs"), group("Jobs")]).errors(),
        "1. several steps of app have one name: `Jobs` (src/Jobs.rs:1), `Jobs` (src/Jobs.rs:1). Rename all but one of \
         them"
    );
    let plan = World::new([group("Jobs").off("not here").last()]).plan();
    assert_eq!(plan.steps[0].place, Place::Off("not here".into()));
    assert_eq!(plan.shutdown.len(), 1, "Requests alone");
}

#[test]
fn many_beside_many_take_few_edges() {
    let steps = (0..200).map(|n| stop(&format!("s{n}")).order(n / 100 + 1));
    let plan = World::new(steps).plan();
    let edges: usize = plan.shutdown.nodes().map(|node| node.after.len()).sum();
    assert_eq!(edges, 300);
}

#[test]
fn a_start_step_follows_what_provides_for_it() {
    let world = World::new([
        start("serve").shares(VENUE),
        start("connect").shares(CONFIG).gives(VENUE),
        start("load").gives(CONFIG),
        start("alone"),
    ]);
    let plan = world.plan();
    assert_eq!(world.relation(&plan.start).text(), "connect after load; serve after connect load");
}

#[test]
fn who_takes_comes_after_who_uses() {
    let world = World::new([
        stop("close").takes(DB),
        stop("report").shares(DB),
        stop("archive").maybe(DB),
        stop("alone"),
        start("open").gives(DB),
        start("migrate").shares(DB),
        start("wrap").takes(CONFIG),
        start("read").shares(CONFIG),
        start("load").gives(CONFIG),
    ]);
    let plan = world.plan();
    assert_eq!(
        world.relation(&plan.shutdown).text(),
        "alone after Requests; archive after Requests; close after Requests archive report; report after Requests"
    );
    assert_eq!(
        world.relation(&plan.start).text(),
        "migrate after open; read after load; wrap after load read"
    );
}

#[test]
fn ranks_are_derived_from_edges() {
    let world = World::new([
        stop("late_user").order(4).shares(DB),
        stop("close").takes(DB),
        stop("early_close").order(-3).takes(VENUE),
        stop("early_user").shares(VENUE),
        stop("negative_user").order(-5).shares(CONFIG),
        stop("close_config").takes(CONFIG),
        start("open").order(2).gives(DB),
        start("connect").shares(DB).gives(VENUE),
        start("warm").shares(VENUE),
    ]);
    let plan = world.plan();
    let rank = |name: &str| match plan.steps[world.index(name)].place {
        Place::Ranked(rank) => (rank.value, rank.source),
        ref other => panic!("{other:?}"),
    };
    assert_eq!(rank("late_user"), (4, RankSource::Order));
    assert_eq!(rank("close"), (4, RankSource::After(world.index("late_user"))));
    assert_eq!(rank("early_user"), (-3, RankSource::Before(world.index("early_close"))));
    assert_eq!(rank("close_config"), (0, RankSource::Default));
    assert_eq!(rank("warm"), (2, RankSource::After(world.index("open"))));
}

#[test]
fn last_steps_come_in_two_sets_and_take_in_order() {
    let world = World::new([
        stop("alert").last().report(),
        stop("flush").last().takes(DB),
        stop("count").last().shares(DB),
        stop("ordinary").shares(DB),
    ]);
    let plan = world.plan();
    assert_eq!(world.names(&plan.last_with_report), ["alert"]);
    assert_eq!(world.names(&plan.last), ["count", "flush"]);
    assert_eq!(world.relation(&plan.last).text(), "flush after count");
    assert_eq!(world.relation(&plan.shutdown).text(), "ordinary after Requests");
    assert_eq!(plan.steps[world.index("alert")].place, Place::LastWithReport);
    assert_eq!(plan.steps[world.index("flush")].place, Place::Last);
}

#[test]
fn timeouts_have_a_default_for_each_phase() {
    let world = World::new([start("a"), stop("b"), stop("c").last(), stop("d").timeout(seconds(9))]);
    let plan = world.plan();
    let limits: Vec<_> = plan.steps.iter().map(|step| step.limit.as_secs()).collect();
    assert_eq!(limits, [30, 5, 5, 9]);
}

#[test]
fn an_order_that_contradicts_an_edge_names_both() {
    let world = World::new([stop("close").order(1).takes(DB), stop("flush").order(2).shares(DB)]);
    assert_eq!(
        world.errors(),
        "1. `close` (src/close.rs:1) has order = 1, but takes away the Db that `flush` (src/flush.rs:1) uses, and \
         that has order = 2: give `close` an order of 2 or more, or none, since it follows by itself"
    );
    let world = World::new([
        start("use_venue").order(-1).shares(VENUE),
        start("connect").shares(DB).gives(VENUE),
        start("open").order(3).gives(DB),
    ]);
    assert_eq!(
        world.errors(),
        "1. `use_venue` (src/use_venue.rs:1) has order = -1, but needs the Venue that `connect` (src/connect.rs:1) \
         provides, and that follows `open` (src/open.rs:1) of order = 3: give `use_venue` an order of 3 or more, or \
         none, since it follows by itself"
    );
}

#[test]
fn a_cycle_is_named_once_with_its_reasons() {
    let world = World::new([
        stop("a").takes(DB).shares(VENUE),
        stop("b").takes(VENUE).shares(DB),
        stop("behind").order(9),
    ]);
    assert_eq!(
        world.errors(),
        "1. these steps wait for each other: `b` (src/b.rs:1) takes away the Venue that `a` (src/a.rs:1) uses; `a` \
         (src/a.rs:1) takes away the Db that `b` (src/b.rs:1) uses. Break the circle: borrow (&T) in place of one \
         Take<T>, or split one of the steps"
    );
    let itself = World::new([start("wrap").takes(DB).gives(DB)]);
    assert_eq!(
        itself.errors(),
        "1. `wrap` (src/wrap.rs:1) takes Db and is the only one to provide it: let another step provide it, or \
         return a type of its own"
    );
}

#[test]
fn a_resource_has_one_provider_under_all_its_names() {
    let world = World::new([start("a").gives(DB), start("b").gives_arc(DB), start("c").shares(DB)]);
    assert_eq!(
        world.errors(),
        "1. a resource is provided twice: Db by `a` (src/a.rs:1), Arc<Db> by `b` (src/b.rs:1). Whoever takes it could \
         get either (T and Arc<T> count as one): wrap one of them in a type of its own, or switch a step off"
    );
    let mut by_hand = World::new([start("c").shares(DB)]).given(DB).given_arc(DB);
    let errors = by_hand.errors();
    assert!(errors.contains("Arc<Db> by setup or the builder, Db by setup or the builder"), "{errors}");
    by_hand.given.reverse();
    assert_eq!(by_hand.errors(), errors);
    let given = World::new([start("a").gives(DB)]).given(DB);
    assert!(
        given.errors().starts_with("1. a resource is provided twice: Db by `a` (src/a.rs:1), Db by setup")
    );
    World::new([start("a").gives(DB).off("a fake is given")]).given(DB).plan();
}

#[test]
fn a_start_step_or_main_cannot_take_what_nothing_provides() {
    let world = World::new([
        start("connect").shares(VENUE),
        start("maybe").maybe(VENUE),
        start("lock").gives_mutex(VENUE),
        stop("later").shares(VENUE),
    ])
    .main_shares(CONFIG);
    assert_eq!(
        world.errors(),
        "1. `connect` (src/connect.rs:1): no Venue was provided (Mutex<Venue> was). Return one from setup or from an \
         #[on_start] function, or take an Option of it\n\
         2. `main`: no Config was provided. Return one from setup or from an #[on_start] function, or take an Option \
         of it"
    );
}

#[test]
fn what_needs_a_step_that_is_off_is_skipped_with_it() {
    let world = World::new([
        start("connect").shares(CONFIG).gives(VENUE),
        start("load").gives(CONFIG).off("no file here"),
        start("warm").shares(VENUE),
        start("other").maybe(VENUE),
        stop("close").takes(VENUE),
    ]);
    let plan = world.plan();
    let place = |name: &str| plan.steps[world.index(name)].place.clone();
    assert_eq!(world.names(&plan.start), ["other"]);
    assert_eq!(place("load"), Place::Off("no file here".into()));
    assert_eq!(
        place("connect"),
        Place::Skipped("takes Config from `load` (src/load.rs:1), and that is off: no file here".into())
    );
    assert_eq!(
        place("warm"),
        Place::Skipped(
            "takes Venue from `connect` (src/connect.rs:1), and that is skipped, as `load` (src/load.rs:1) is off: no \
             file here"
                .into()
        )
    );
    assert!(matches!(place("close"), Place::Ranked(_)));
    assert_eq!(plan.providers().get(&world::key(VENUE)), Some(&world.index("connect")));
    assert_eq!(plan.providers().get(&world::key(DB)).copied(), None);

    assert_eq!(
        world.main_shares(VENUE).errors(),
        "1. `main` takes Venue from `connect` (src/connect.rs:1), and that is skipped: it takes Config from `load` \
         (src/load.rs:1), and that is off: no file here. Leave it on, provide another, or take an Option of it"
    );
}

#[test]
fn one_takes_and_nobody_uses_it_later() {
    let two = World::new([stop("a").takes(DB), stop("b").last().takes(DB), stop("c").shares(DB)]);
    assert_eq!(
        two.errors(),
        "1. several take Db away: `a` (src/a.rs:1), `b` (src/b.rs:1). Only the first would get it: let all but one \
         borrow it (&Db)"
    );
    let late = World::new([stop("a").takes(DB), stop("b").last().shares(DB), stop("c").last().maybe(DB)]);
    assert_eq!(
        late.errors(),
        "1. `b` (src/b.rs:1) uses Db, but `a` (src/a.rs:1) has taken it away by then: let `a` borrow it (&Db), or let \
         `b` take an Option of it"
    );
    let start = World::new([start("open").gives(DB), start("wrap").takes(DB), stop("close").shares(DB)]);
    assert!(start.main_shares(DB).errors().lines().count() == 2, "main and close");
    let alert = World::new([stop("alert").last().report().takes(DB), stop("flush").last().shares(DB)]);
    assert_eq!(alert.errors().lines().count(), 1);
    let twice = World::new([stop("a").takes(DB).shares(DB)]);
    assert!(twice.errors().contains("takes Db away and uses it beside that"), "{}", twice.errors());
}

#[test]
fn names_are_single() {
    let world = World::new([stop("a"), start("a"), stop("a").module("other"), stop("a").off("x")]);
    assert_eq!(
        world.errors(),
        "1. several steps of app have one name: `a` (src/a.rs:1), `a` (src/a.rs:1). Give each of them a name of its \
         own with `label = Name`"
    );
}

#[test]
fn keys_that_cannot_be_are_all_named_at_once() {
    let world = World::new([
        stop("a").last().order(3),
        start("b").last(),
        stop("c").report(),
        stop("d").timeout(Duration::ZERO),
        stop("e").timeout(Duration::MAX),
        stop("f").timeout(Duration::ZERO).off("not used"),
        stop("g").last().order(2).shares(DB),
        stop("h").last().order(1).takes(DB),
    ]);
    let errors = world.errors();
    let starts = [
        "1. `b` (src/b.rs:1) is a start step and cannot be `last`",
        "2. `a` (src/a.rs:1) has both `last` and order = 3",
        "3. `c` (src/c.rs:1) takes &Report, which exists only once",
        "4. `d` (src/d.rs:1) has timeout = 0s",
        "5. `e` (src/e.rs:1) has timeout = 213503982334601d",
        "6. `g` (src/g.rs:1) has both `last` and order = 2",
        "7. `h` (src/h.rs:1) has both `last` and order = 1",
    ];
    assert_eq!(errors.lines().count(), starts.len(), "{errors}");
    for (line, start) in errors.lines().zip(starts) {
        assert!(line.starts_with(start), "{line}");
    }
}
