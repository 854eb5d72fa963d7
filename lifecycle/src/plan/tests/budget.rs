//! The longest that the shutdown can take, and what is said if that is too long.

use std::time::Duration;

use super::super::*;
use super::seconds;
use super::world::{DB, World, group, stop};
use crate::settings::{Limit, Origin};

#[test]
fn a_group_takes_its_timeout_and_the_cut() {
    let world =
        World::new([group("Jobs").timeout(seconds(3)), group("Mails"), stop("close").timeout(seconds(1))])
            .settings(|settings| {
                settings.drain(seconds(2)).cut(seconds(4));
            });
    let plan = world.plan();
    let limits: Vec<_> = plan.steps.iter().map(|step| step.limit.as_secs()).collect();
    assert_eq!(limits, [3, 15, 1]);
    // drain 2s, cut 4s, Mails 15s, cut 4s, close 1s
    assert_eq!(plan.worst.total, Limit::Within(seconds(26)));
    let chain: Vec<_> = plan.worst.chain.iter().map(|link| &*link.name).collect();
    assert_eq!(chain, ["drain", "cut", "Mails", "cut", "close"]);
}

#[test]
fn the_worst_case_is_the_longest_way() {
    let world = World::new([
        stop("early").order(-1).timeout(seconds(1)),
        stop("earlier").order(-2).timeout(seconds(2)),
        stop("slow").timeout(seconds(3)).takes(DB),
        stop("user").timeout(seconds(2)).shares(DB),
        stop("fast").timeout(seconds(4)),
        stop("ignored").last().timeout(seconds(99)),
    ])
    .settings(|settings| {
        settings.lameduck(seconds(1)).drain(seconds(10)).cut(seconds(1));
    });
    let plan = world.plan();
    let chain: Vec<_> = plan.worst.chain.iter().map(|link| format!("{} {}", link.name, link.cost)).collect();
    assert_eq!(chain, ["lameduck 1s", "earlier 2s", "early 1s", "drain 10s", "cut 1s", "user 2s", "slow 3s"]);
    assert_eq!(plan.worst.total, Limit::Within(seconds(20)));
    assert_eq!(plan.warnings, [""; 0]);
}

#[test]
fn a_worst_case_over_the_time_there_is_warns_or_denies() {
    let world = World::new([stop("a").order(1), stop("b").order(2)]);
    let text = "the shutdown may take 25s 500ms, but grace = 25s (the default) less reserve = 2s (the default) leaves \
                23s; what then still runs is cut off. The longest way is drain 15s, then cut 500ms, then a 5s, then b \
                5s. It fits with grace = \"28s\", if the platform gives as much, or with timeout = \"2s\" of `a`, or with \
                drain = \"12s\"";
    assert_eq!(world.plan().warnings, [text]);
    let world = world.settings(|settings| {
        settings.budget(crate::Budget::Deny);
    });
    assert_eq!(world.errors(), format!("1. {text}"));
    let world = world.settings(|settings| {
        settings.set_layer(Origin::Setup);
        settings.grace(Duration::from_millis(27_500));
    });
    assert_eq!(world.plan().warnings, [""; 0]);
}

#[test]
fn a_group_without_a_time_of_its_own_is_told_which_fits() {
    let says = |world: World| world.plan().warnings[0].split_once("It fits with ").unwrap().1.to_owned();
    let jobs = || group("Jobs");
    let warning = World::new([jobs()]).plan().warnings.remove(0);
    for text in [include_str!("../../../../docs/GROUPS.md"), include_str!("../../../../README.md")] {
        assert!(text.contains(&warning), "README.md and docs/GROUPS.md show this: {warning}");
    }
    assert_eq!(
        says(World::new([jobs()])),
        "grace = \"33s\", if the platform gives as much, or with timeout = \"7s\" of `Jobs`, or with drain = \"7s\""
    );
    assert_eq!(
        says(World::new([jobs(), stop("slow").order(1).timeout(seconds(14))])),
        "grace = \"47s\", if the platform gives as much, or with lower times on this way"
    );
    // Beside another as long, shorter is no help.
    assert_eq!(
        says(World::new([jobs(), group("Mails"), stop("close")])),
        "grace = \"38s\", if the platform gives as much, or with drain = \"2s\""
    );
    // Nobody chose the group's time.
    assert_eq!(
        says(World::new([jobs(), stop("slow").timeout(seconds(20)).order(1)]).settings(|settings| {
            settings.drain(seconds(1)).cut(Duration::from_millis(1));
        })),
        "grace = \"39s\", if the platform gives as much, or with timeout = \"1s\" of `Jobs`"
    );
}

#[test]
fn a_drain_without_end_is_over_any_grace_but_never() {
    let endless = |settings: &mut Settings| {
        settings.drain(Limit::Never).cut(Duration::ZERO);
    };
    let world = World::new([stop("early").order(-1)]).settings(endless);
    let plan = world.plan();
    assert_eq!(plan.worst.total, Limit::Never);
    let text = &plan.warnings[0];
    assert!(
        text.contains("early 5s, then drain never. It fits with drain = \"18s\", or with grace = \"never\""),
        "{text}"
    );
    let world = world.settings(|settings| {
        settings.grace(Limit::Never);
    });
    assert_eq!(world.plan().warnings, [""; 0]);
}
