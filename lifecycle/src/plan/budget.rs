//! The longest that the shutdown can take, against the time it has.

use std::time::Duration;

use super::Model;
use super::graph::{Graph, Node, NodeKind};
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
    let cost = |node: usize| match shutdown.nodes[node].kind {
        NodeKind::Step(step) => model.cost(step, settings),
        // Every step comes before or after the requests, so they are on every way and need not be weighed.
        NodeKind::Requests | NodeKind::Barrier => Duration::ZERO,
    };
    let mut longest: Vec<(Duration, Option<usize>)> = vec![(Duration::ZERO, None); shutdown.nodes.len()];
    let mut end = None;
    for (node, Node { kind, after, .. }) in shutdown.nodes.iter().enumerate() {
        let before = after.iter().copied();
        let slowest = before.reduce(|a, b| if longest[b].0 > longest[a].0 { b } else { a });
        let begins = slowest.map_or(Duration::ZERO, |before| longest[before].0);
        longest[node] = (begins.saturating_add(cost(node)), slowest);
        // The later of two equals, so that no way ends before the drain. A barrier may stand apart from everything.
        let ends = *kind != NodeKind::Barrier;
        if ends && end.is_none_or(|end: usize| longest[node].0 >= longest[end].0) {
            end = Some(node);
        }
    }
    let mut chain = Vec::new();
    let mut at = end;
    while let Some(node) = at {
        // Backwards: the cut before the drain that it follows.
        match shutdown.nodes[node].kind {
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

impl Link {
    fn new(name: &str, cost: impl Into<Limit>, node: Option<usize>) -> Self {
        Link { name: name.to_owned(), cost: cost.into(), node }
    }
}

impl Worst {
    /// The words for a worst case that does not fit.
    pub(super) fn over(&self, settings: &Settings) -> Option<String> {
        let (grace, reserve) = (settings.grace.value.within()?, &settings.reserve);
        let left = grace.saturating_sub(reserve.value);
        let longest = match self.total {
            Limit::Within(total) if total <= left => return None,
            Limit::Within(total) => format!("may take {}", spell(total)),
            Limit::Never => String::from("may take for ever"),
        };
        let chain: Vec<String> =
            self.chain.iter().map(|link| format!("{} {}", link.name, link.cost)).collect();
        Some(format!(
            "the shutdown {longest}, but grace = {} ({}) less reserve = {} ({}) leaves {}; what then still runs is cut \
             off. The longest way is {}: lower one of these, or raise grace, and with it the time that the platform \
             gives",
            spell(grace),
            settings.grace.origin,
            spell(reserve.value),
            reserve.origin,
            spell(left),
            chain.join(", then ")
        ))
    }
}
