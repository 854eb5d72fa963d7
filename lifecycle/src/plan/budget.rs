//! The longest that the shutdown can take, against the time it has.

use std::cmp::Reverse;
use std::time::Duration;

use super::graph::{Graph, Node, NodeKind};
use super::{Model, visits};
use crate::settings::duration::spell;
use crate::settings::{Limit, Settings};

/// The longest that the ordered shutdown can take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Worst {
    pub(crate) total: Limit,
    /// What takes that long, one after the other.
    pub(crate) chain: Vec<Link>,
}

/// A part of the longest way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) name: String,
    pub(crate) cost: Limit,
    /// Whose it is, of the shutdown's nodes.
    pub(crate) node: Option<usize>,
}

/// `shutdown` still speaks of canonical indices.
pub(super) fn worst(shutdown: &Graph, model: &Model<'_>, settings: &Settings) -> Worst {
    let (longest, end) = ways(shutdown, |step| model.cost(step, settings));
    let mut chain = Vec::new();
    let mut at = end;
    while let Some(node) = at {
        // Backwards: the cut before the drain that it follows.
        match shutdown.node(node).kind {
            NodeKind::Step(step) => {
                if model.steps[step].is_group() {
                    chain.push(Link::new("cut", settings.cut.value, at));
                }
                chain.push(Link::new(&model.steps[step].name, model.limit(step), at));
            }
            NodeKind::Requests => {
                chain.push(Link::new("cut", settings.cut.value, at));
                chain.push(Link::new("drain", settings.drain.value, at));
            }
            NodeKind::Barrier => {}
        }
        at = longest[node].1;
    }
    chain.push(Link::new("lameduck", settings.lameduck.value, None));
    chain.retain(|link| link.cost != Limit::Within(Duration::ZERO));
    chain.reverse();
    let total =
        chain.iter().try_fold(Duration::ZERO, |sum, link| Some(sum.saturating_add(link.cost.within()?)));
    Worst { total: total.map_or(Limit::Never, Limit::Within), chain }
}

/// By node, the longest way to its end and the node before it on that way; and the node that ends last.
///
/// Every step comes before or after the requests, so they are on every way and need not be weighed.
fn ways(
    shutdown: &Graph,
    cost: impl Fn(usize) -> Duration,
) -> (Vec<(Duration, Option<usize>)>, Option<usize>) {
    let mut longest: Vec<(Duration, Option<usize>)> = vec![(Duration::ZERO, None); shutdown.len()];
    let mut end = None;
    for (node, Node { kind, after, .. }) in shutdown.nodes().enumerate() {
        visits::add(1 + after.len());
        let slowest = after.iter().copied().reduce(|a, b| if longest[b].0 > longest[a].0 { b } else { a });
        let begins = slowest.map_or(Duration::ZERO, |before| longest[before].0);
        let takes = match kind {
            NodeKind::Step(step) => cost(step),
            NodeKind::Requests | NodeKind::Barrier => Duration::ZERO,
        };
        longest[node] = (begins.saturating_add(takes), slowest);
        // The later of two equals, so that no way ends before the drain. A barrier may stand apart from everything.
        let ends = kind != NodeKind::Barrier;
        if ends && end.is_none_or(|end: usize| longest[node].0 >= longest[end].0) {
            end = Some(node);
        }
    }
    (longest, end)
}

impl Link {
    fn new(name: &str, cost: impl Into<Limit>, node: Option<usize>) -> Self {
        Link { name: name.to_owned(), cost: cost.into(), node }
    }
}

/// What is said of a worst case that does not fit.
pub(super) fn over(
    worst: &Worst,
    shutdown: &Graph,
    model: &Model<'_>,
    settings: &Settings,
) -> Option<String> {
    let (grace, reserve) = (settings.grace.value.within()?, &settings.reserve);
    let left = grace.saturating_sub(reserve.value);
    let longest = match worst.total {
        Limit::Within(total) if total <= left => return None,
        Limit::Within(total) => format!("may take {}", spell(total)),
        Limit::Never => String::from("may take for ever"),
    };
    let chain: Vec<String> = worst.chain.iter().map(|link| format!("{} {}", link.name, link.cost)).collect();
    Some(format!(
        "the shutdown {longest}, but grace = {} ({}) less reserve = {} ({}) leaves {}; what then still runs is cut off. \
         The longest way is {}. {}",
        spell(grace),
        settings.grace.origin,
        spell(reserve.value),
        reserve.origin,
        spell(left),
        chain.join(", then "),
        advice(worst, left, shutdown, model, settings)
    ))
}

/// What to write, each of which is enough by itself.
fn advice(worst: &Worst, left: Duration, shutdown: &Graph, model: &Model<'_>, settings: &Settings) -> String {
    let Some(total) = worst.total.within() else {
        let others = worst.chain.iter().filter_map(|link| link.cost.within());
        let others = others.fold(Duration::ZERO, Duration::saturating_add);
        return match left.checked_sub(others).and_then(down) {
            Some(drain) => format!("It fits with drain = \"{}\", or with grace = \"never\"", spell(drain)),
            None => String::from("It fits with grace = \"never\""),
        };
    };
    let excess = total.saturating_sub(left);
    let grace = up(total.saturating_add(settings.reserve.value));
    let mut ways = vec![format!("grace = \"{}\", if the platform gives as much", spell(grace))];
    if let Some((step, timeout)) = shorter(worst, excess, left, shutdown, model, settings) {
        ways.push(format!("timeout = \"{}\" of `{}`", spell(timeout), model.steps[step].name));
    }
    let drain = settings.drain.value.within().and_then(|drain| drain.checked_sub(excess)).and_then(down);
    ways.extend(drain.map(|drain| format!("drain = \"{}\"", spell(drain))));
    if ways.len() == 1 {
        ways.push(String::from("lower times on this way"));
    }
    format!("It fits with {}", ways.join(", or with "))
}

/// A step on the longest way whose time, lowered, is enough alone: first a group whose time nobody chose.
fn shorter(
    worst: &Worst,
    excess: Duration,
    left: Duration,
    shutdown: &Graph,
    model: &Model<'_>,
    settings: &Settings,
) -> Option<(usize, Duration)> {
    // Each of them is tried, so they must be few.
    const TRIED: usize = 3;
    let mut steps: Vec<usize> = worst
        .chain
        .iter()
        .filter_map(|link| match shutdown.node(link.node?).kind {
            NodeKind::Step(step) => Some(step),
            NodeKind::Requests | NodeKind::Barrier => None,
        })
        .collect();
    steps.dedup();
    let chosen = |step: usize| !model.steps[step].is_group() || model.steps[step].keys.timeout.is_some();
    steps.sort_by_key(|&step| (chosen(step), Reverse(model.limit(step))));
    let beside: Duration = worst
        .chain
        .iter()
        .filter(|link| link.node.is_none_or(|node| shutdown.node(node).kind == NodeKind::Requests))
        .filter_map(|link| link.cost.within())
        .fold(Duration::ZERO, Duration::saturating_add);
    steps.into_iter().take(TRIED).find_map(|step| {
        let timeout = down(model.limit(step).checked_sub(excess)?)?;
        let saved = model.limit(step).saturating_sub(timeout);
        let cost = |other: usize| {
            let cost = model.cost(other, settings);
            if other == step { cost.saturating_sub(saved) } else { cost }
        };
        // Another way may be as long.
        let (longest, end) = ways(shutdown, cost);
        let fits = end.is_none_or(|end| longest[end].0.saturating_add(beside) <= left);
        fits.then_some((step, timeout))
    })
}

/// To a time as people write it, no longer; `None` if nothing is left.
fn down(time: Duration) -> Option<Duration> {
    let (seconds, millis) = (time.as_secs(), time.subsec_millis());
    match (seconds, millis) {
        (0, 0) => None,
        (0, millis) => Some(Duration::from_millis(millis.into())),
        (seconds, _) => Some(Duration::from_secs(seconds)),
    }
}

/// The same, no shorter.
fn up(time: Duration) -> Duration {
    match time.subsec_nanos() {
        0 => time,
        _ => Duration::from_secs(time.as_secs().saturating_add(1)),
    }
}
