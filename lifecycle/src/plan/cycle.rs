//! Steps in an order that their edges allow, and the cycles that allow none.

use std::collections::HashSet;

use super::error::{CycleLink, PlanError};
use super::resources::Edge;
use super::{Model, visits};

/// The steps in topological order, along the edges that are in no cycle.
pub(super) struct Sorted {
    pub(super) steps: Vec<usize>,
    /// By step, whether it is in a cycle.
    pub(super) cyclic: Vec<bool>,
}

/// Edges by the step that they lead from.
pub(super) struct Network<'a> {
    edges: &'a [Edge],
    /// By step, where its edges begin.
    first: Vec<usize>,
}

impl<'a> Network<'a> {
    /// `edges` are sorted.
    pub(super) fn new(count: usize, edges: &'a [Edge]) -> Self {
        let mut first = vec![0; count + 1];
        for edge in edges {
            first[edge.from + 1] += 1;
        }
        for step in 0..count {
            first[step + 1] += first[step];
        }
        Network { edges, first }
    }

    fn steps(&self) -> usize {
        self.first.len() - 1
    }

    pub(super) fn from(&self, step: usize) -> &'a [Edge] {
        let edges = &self.edges[self.first[step]..self.first[step + 1]];
        visits::add(1 + edges.len());
        edges
    }
}

/// Takes out of `edges`, which are sorted, those that are in a cycle. One of steps that are off alone keeps nobody waiting
/// and is no error.
pub(super) fn sort(model: &Model<'_>, edges: &mut Vec<Edge>, errors: &mut Vec<PlanError>) -> Sorted {
    let count = model.steps.len();
    let mut cyclic = vec![false; count];
    let steps = topological(&Network::new(count, edges));
    if steps.len() == count {
        return Sorted { steps, cyclic };
    }
    let component = components(&Network::new(count, edges));
    let mut silent = vec![true; count];
    for step in (0..count).filter(|&step| model.is_on(step)) {
        silent[component[step]] = false;
    }
    edges.retain(|edge| component[edge.from] != component[edge.to] || !silent[component[edge.from]]);
    errors.extend(cycles(count, edges).into_iter().map(|cycle| {
        let link = |edge: Edge| CycleLink {
            step: model.who(edge.to),
            follows: model.who(edge.from),
            why: edge.source,
        };
        PlanError::Cycle { links: cycle.into_iter().map(link).collect() }
    }));
    edges.retain(|edge| {
        let inside = component[edge.from] == component[edge.to];
        cyclic[edge.to] |= inside;
        !inside
    });
    Sorted { steps: topological(&Network::new(count, edges)), cyclic }
}

/// Without the steps that are in a cycle, or behind one.
fn topological(network: &Network<'_>) -> Vec<usize> {
    let mut waits = vec![0; network.steps()];
    for edge in network.edges {
        waits[edge.to] += 1;
    }
    let mut sorted: Vec<usize> = (0..waits.len()).filter(|&step| waits[step] == 0).collect();
    let mut done = 0;
    while let Some(&step) = sorted.get(done) {
        done += 1;
        for edge in network.from(step) {
            waits[edge.to] -= 1;
            if waits[edge.to] == 0 {
                sorted.push(edge.to);
            }
        }
    }
    sorted
}

/// Cycles that share no edge and without whose edges none is left. Naming all there are could take exponentially many;
/// of these, each must be broken.
fn cycles(count: usize, edges: &[Edge]) -> Vec<Vec<Edge>> {
    let mut edges = edges.to_vec();
    let mut found = Vec::new();
    loop {
        let component = components(&Network::new(count, &edges));
        edges.retain(|edge| component[edge.from] == component[edge.to]);
        let network = Network::new(count, &edges);
        let mut seen = vec![false; count];
        let mut fresh = Vec::new();
        for step in 0..count {
            if !network.from(step).is_empty() && !std::mem::replace(&mut seen[component[step]], true) {
                fresh.push(shortest_cycle(step, &network));
            }
        }
        if fresh.is_empty() {
            return found;
        }
        let used: HashSet<(usize, usize)> = fresh.iter().flatten().map(|edge| (edge.from, edge.to)).collect();
        edges.retain(|edge| !used.contains(&(edge.from, edge.to)));
        found.append(&mut fresh);
    }
}

/// The edges of a shortest way from a step back to itself, within its component.
fn shortest_cycle(start: usize, network: &Network<'_>) -> Vec<Edge> {
    let mut came_by: Vec<Option<Edge>> = vec![None; network.steps()];
    let mut queue = std::collections::VecDeque::from([start]);
    while let Some(step) = queue.pop_front() {
        for edge in network.from(step) {
            if came_by[edge.to].is_none() {
                came_by[edge.to] = Some(*edge);
                queue.push_back(edge.to);
            }
        }
        if came_by[start].is_some() {
            break;
        }
    }
    let mut cycle = Vec::new();
    let mut step = start;
    while let Some(edge) = came_by[step] {
        cycle.push(edge);
        step = edge.from;
        if step == start {
            break;
        }
    }
    cycle.reverse();
    cycle
}

/// The strongly connected component of each step (Tarjan, without recursion).
fn components(network: &Network<'_>) -> Vec<usize> {
    const NEW: usize = usize::MAX;
    let count = network.steps();
    let (mut index, mut low, mut component) = (vec![NEW; count], vec![0; count], vec![NEW; count]);
    let (mut next_index, mut next_component) = (0, 0);
    let mut open = Vec::new();
    for root in 0..count {
        if index[root] != NEW {
            continue;
        }
        let mut path = vec![(root, 0)];
        while let Some((step, at)) = path.last_mut() {
            let step = *step;
            if *at == 0 {
                index[step] = next_index;
                low[step] = next_index;
                next_index += 1;
                open.push(step);
            }
            if let Some(&Edge { to, .. }) =
                network.edges[network.first[step]..network.first[step + 1]].get(*at)
            {
                *at += 1;
                if index[to] == NEW {
                    path.push((to, 0));
                } else if component[to] == NEW {
                    low[step] = low[step].min(index[to]);
                }
                continue;
            }
            path.pop();
            if let Some(&(parent, _)) = path.last() {
                low[parent] = low[parent].min(low[step]);
            }
            if low[step] == index[step] {
                while let Some(member) = open.pop() {
                    component[member] = next_component;
                    if member == step {
                        break;
                    }
                }
                next_component += 1;
            }
        }
    }
    component
}
