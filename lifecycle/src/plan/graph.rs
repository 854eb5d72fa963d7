//! What the executor runs: nodes, and who waits for whom.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::lists::Lists;
use super::rank::Rank;
use super::resources::Edge;
use super::visits;

/// Nodes without a cycle, in an order in which they could run one by one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Graph {
    kinds: Vec<NodeKind>,
    after: Lists<usize>,
    next: Lists<usize>,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Node<'a> {
    pub(crate) kind: NodeKind,
    /// The nodes that end before it begins.
    pub(crate) after: &'a [usize],
    /// The nodes that wait for it.
    pub(crate) next: &'a [usize],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NodeKind {
    /// A step by its index.
    Step(usize),
    /// The tracked calls: closed, then awaited.
    Requests,
    /// Nothing to do: it stands between two ranks, so that n steps before m do not need n × m edges.
    Barrier,
}

impl Graph {
    /// `steps` are canonical indices in ascending order. Those that are `silent` do not run, but what their edges put on
    /// both sides of them stays in order.
    pub(super) fn build(
        steps: &[usize],
        silent: &[usize],
        ranks: &[Rank],
        edges: &[Edge],
        requests: bool,
    ) -> Self {
        let mut by_rank: Vec<usize> = steps.to_vec();
        by_rank.sort_by_key(|&step| (ranks[step].level(), step));
        let mut draft = Draft {
            kinds: Vec::with_capacity(steps.len() + 1),
            links: Vec::with_capacity(steps.len() + edges.len()),
        };
        let mut node_of = vec![None; ranks.len()];
        let mut divided = !requests;
        let mut before: Vec<usize> = Vec::new();
        for level in by_rank.chunk_by(|&a, &b| ranks[a].level() == ranks[b].level()) {
            if !divided && ranks[level[0]].value >= 0 {
                divided = true;
                before = vec![draft.add(NodeKind::Requests, &before)];
            } else if before.len() > 1 && level.len() > 1 {
                before = vec![draft.add(NodeKind::Barrier, &before)];
            }
            before = level
                .iter()
                .map(|&step| {
                    let node = draft.add(NodeKind::Step(step), &before);
                    node_of[step] = Some(node);
                    node
                })
                .collect();
        }
        if !divided {
            draft.add(NodeKind::Requests, &before);
        }
        // Those between two ranks hold already.
        let level: Vec<&Edge> =
            edges.iter().filter(|edge| ranks[edge.from].level() == ranks[edge.to].level()).collect();
        let (mut follows, mut precedes) = (vec![false; ranks.len()], vec![false; ranks.len()]);
        for edge in &level {
            (follows[edge.to], precedes[edge.from]) = (true, true);
        }
        for &step in silent.iter().filter(|&&step| follows[step] && precedes[step]) {
            node_of[step] = Some(draft.add(NodeKind::Barrier, &[]));
        }
        for edge in level {
            if let (Some(from), Some(to)) = (node_of[edge.from], node_of[edge.to]) {
                draft.link(from, to);
            }
        }
        draft.in_order()
    }

    pub(crate) fn len(&self) -> usize {
        self.kinds.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    pub(crate) fn node(&self, node: usize) -> Node<'_> {
        Node { kind: self.kinds[node], after: self.after.of(node), next: self.next.of(node) }
    }

    pub(crate) fn nodes(&self) -> impl Iterator<Item = Node<'_>> {
        (0..self.len()).map(|node| self.node(node))
    }

    /// Whether a step runs in it.
    #[cfg(test)]
    pub(super) fn holds(&self, step: usize) -> bool {
        self.kinds.contains(&NodeKind::Step(step))
    }

    /// From canonical to the caller's indices.
    pub(super) fn rename(&mut self, original: &[usize]) {
        for kind in &mut self.kinds {
            if let NodeKind::Step(step) = kind {
                *step = original[*step];
            }
        }
    }
}

/// A graph in the order in which it is thought of.
struct Draft {
    kinds: Vec<NodeKind>,
    /// The second waits for the first.
    links: Vec<(usize, usize)>,
}

impl Draft {
    fn add(&mut self, kind: NodeKind, after: &[usize]) -> usize {
        let node = self.kinds.len();
        self.kinds.push(kind);
        for &from in after {
            self.link(from, node);
        }
        node
    }

    fn link(&mut self, from: usize, to: usize) {
        visits::add(1);
        self.links.push((from, to));
    }

    fn next(&self) -> Lists<usize> {
        Lists::group(self.kinds.len(), self.links.iter().copied())
    }

    /// Numbers the nodes as [`Graph`] says. Of those that could come next, the first does.
    fn in_order(mut self) -> Graph {
        let mut next = self.next();
        if self.links.iter().any(|(from, to)| from > to) {
            let order = self.order(&next);
            let mut number = vec![0; order.len()];
            for (new, &old) in order.iter().enumerate() {
                number[old] = new;
            }
            self.kinds = order.into_iter().map(|node| self.kinds[node]).collect();
            for (from, to) in &mut self.links {
                (*from, *to) = (number[*from], number[*to]);
            }
            next = self.next();
        }
        let after = Lists::group(self.kinds.len(), self.links.iter().map(|&(from, to)| (to, from)));
        Graph { kinds: self.kinds, after, next }
    }

    fn order(&self, next: &Lists<usize>) -> Vec<usize> {
        let mut waits = vec![0_usize; self.kinds.len()];
        for &(_, to) in &self.links {
            waits[to] += 1;
        }
        let free = (0..waits.len()).filter(|&node| waits[node] == 0);
        let mut free: BinaryHeap<Reverse<usize>> = free.map(Reverse).collect();
        let mut order = Vec::with_capacity(waits.len());
        while let Some(Reverse(node)) = free.pop() {
            let next = next.of(node);
            visits::add(1 + next.len());
            order.push(node);
            for &next in next {
                waits[next] -= 1;
                if waits[next] == 0 {
                    free.push(Reverse(next));
                }
            }
        }
        order
    }
}
