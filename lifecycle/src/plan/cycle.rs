//! Steps in an order that their edges allow, and the cycles that allow none.

use super::Model;
use super::error::{CycleLink, PlanError};
use super::resources::Edge;

/// The steps in topological order, along the edges that are in no cycle.
pub(super) struct Sorted {
    pub(super) steps: Vec<usize>,
    /// By step, the indices of those edges.
    pub(super) outgoing: Vec<Vec<usize>>,
    /// By step, whether it is in a cycle.
    pub(super) cyclic: Vec<bool>,
}

/// Takes out of `edges` those that are in a cycle of steps that are off alone, which keeps nobody waiting.
pub(super) fn sort(model: &Model<'_>, edges: &mut Vec<Edge>, errors: &mut Vec<PlanError>) -> Sorted {
    let count = model.steps.len();
    let mut outgoing = by_start(count, edges);
    if topological(&outgoing, edges).len() < count {
        let component = components(&outgoing, edges);
        let mut silent = vec![true; count];
        for step in (0..count).filter(|&step| model.is_on(step)) {
            silent[component[step]] = false;
        }
        edges.retain(|edge| component[edge.from] != component[edge.to] || !silent[component[edge.from]]);
        outgoing = by_start(count, edges);
    }
    let mut sorted = Sorted { steps: topological(&outgoing, edges), outgoing, cyclic: vec![false; count] };
    if sorted.steps.len() == count {
        return sorted;
    }
    errors.extend(cycles(&sorted.outgoing, edges).into_iter().map(|cycle| {
        PlanError::Cycle {
            links: cycle
                .into_iter()
                .map(|edge| CycleLink {
                    step: model.who(edges[edge].to),
                    follows: model.who(edges[edge].from),
                    why: edges[edge].source,
                })
                .collect(),
        }
    }));
    let component = components(&sorted.outgoing, edges);
    let Sorted { outgoing, cyclic, .. } = &mut sorted;
    for outgoing in outgoing {
        outgoing.retain(|&edge| {
            let inside = component[edges[edge].from] == component[edges[edge].to];
            cyclic[edges[edge].to] |= inside;
            !inside
        });
    }
    sorted.steps = topological(&sorted.outgoing, edges);
    sorted
}

fn by_start(count: usize, edges: &[Edge]) -> Vec<Vec<usize>> {
    let mut outgoing = vec![Vec::new(); count];
    for (index, edge) in edges.iter().enumerate() {
        outgoing[edge.from].push(index);
    }
    outgoing
}

/// Without the steps that are in a cycle, or behind one.
fn topological(outgoing: &[Vec<usize>], edges: &[Edge]) -> Vec<usize> {
    let mut waits = vec![0; outgoing.len()];
    for &edge in outgoing.iter().flatten() {
        waits[edges[edge].to] += 1;
    }
    let mut sorted: Vec<usize> = (0..outgoing.len()).filter(|&step| waits[step] == 0).collect();
    let mut done = 0;
    while let Some(&step) = sorted.get(done) {
        done += 1;
        for &edge in &outgoing[step] {
            let to = edges[edge].to;
            waits[to] -= 1;
            if waits[to] == 0 {
                sorted.push(to);
            }
        }
    }
    sorted
}

/// Cycles that share no edge and without whose edges none is left. Naming all there are could take exponentially many;
/// of these, each must be broken.
fn cycles(outgoing: &[Vec<usize>], edges: &[Edge]) -> Vec<Vec<usize>> {
    let mut outgoing = outgoing.to_vec();
    let mut found = Vec::new();
    loop {
        let component = components(&outgoing, edges);
        for outgoing in &mut outgoing {
            outgoing.retain(|&edge| component[edges[edge].from] == component[edges[edge].to]);
        }
        let mut seen = vec![false; outgoing.len()];
        let mut fresh = Vec::new();
        for step in 0..outgoing.len() {
            if !outgoing[step].is_empty() && !std::mem::replace(&mut seen[component[step]], true) {
                fresh.push(shortest_cycle(step, &outgoing, edges));
            }
        }
        if fresh.is_empty() {
            return found;
        }
        for &edge in fresh.iter().flatten() {
            outgoing[edges[edge].from].retain(|&other| other != edge);
        }
        found.append(&mut fresh);
    }
}

/// The edges of a shortest way from a step back to itself, within its component.
fn shortest_cycle(start: usize, outgoing: &[Vec<usize>], edges: &[Edge]) -> Vec<usize> {
    let mut came_by = vec![None; outgoing.len()];
    let mut queue = std::collections::VecDeque::from([start]);
    while let Some(step) = queue.pop_front() {
        for &edge in &outgoing[step] {
            let to = edges[edge].to;
            if came_by[to].is_none() {
                came_by[to] = Some(edge);
                queue.push_back(to);
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
        step = edges[edge].from;
        if step == start {
            break;
        }
    }
    cycle.reverse();
    cycle
}

/// The strongly connected component of each step (Tarjan, without recursion).
fn components(outgoing: &[Vec<usize>], edges: &[Edge]) -> Vec<usize> {
    const NEW: usize = usize::MAX;
    let count = outgoing.len();
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
            if let Some(&edge) = outgoing[step].get(*at) {
                *at += 1;
                let to = edges[edge].to;
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
