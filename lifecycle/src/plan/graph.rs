//! What the executor runs: nodes, and who waits for whom.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::rank::Rank;
use super::resources::Edge;
use super::visits;

/// Nodes without a cycle, in an order in which they could run one by one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) kind: NodeKind,
    /// The nodes that end before it begins.
    pub(crate) after: Vec<usize>,
    /// The nodes that wait for it.
    pub(crate) next: Vec<usize>,
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
        let mut graph = Graph { nodes: Vec::with_capacity(steps.len() + 1) };
        let mut node_of = vec![None; ranks.len()];
        let mut divided = !requests;
        let mut before: Vec<usize> = Vec::new();
        for level in by_rank.chunk_by(|&a, &b| ranks[a].level() == ranks[b].level()) {
            if !divided && ranks[level[0]].value >= 0 {
                divided = true;
                before = vec![graph.add(NodeKind::Requests, &before)];
            } else if before.len() > 1 && level.len() > 1 {
                before = vec![graph.add(NodeKind::Barrier, &before)];
            }
            before = level
                .iter()
                .map(|&step| {
                    let node = graph.add(NodeKind::Step(step), &before);
                    node_of[step] = Some(node);
                    node
                })
                .collect();
        }
        if !divided {
            graph.add(NodeKind::Requests, &before);
        }
        // Those between two ranks hold already.
        let level: Vec<&Edge> =
            edges.iter().filter(|edge| ranks[edge.from].level() == ranks[edge.to].level()).collect();
        let (mut follows, mut precedes) = (vec![false; ranks.len()], vec![false; ranks.len()]);
        for edge in &level {
            (follows[edge.to], precedes[edge.from]) = (true, true);
        }
        for &step in silent.iter().filter(|&&step| follows[step] && precedes[step]) {
            node_of[step] = Some(graph.add(NodeKind::Barrier, &[]));
        }
        for edge in level {
            if let (Some(from), Some(to)) = (node_of[edge.from], node_of[edge.to]) {
                graph.link(from, to);
            }
        }
        graph.in_order()
    }

    fn add(&mut self, kind: NodeKind, after: &[usize]) -> usize {
        let node = self.nodes.len();
        self.nodes.push(Node { kind, after: Vec::new(), next: Vec::new() });
        for &from in after {
            self.link(from, node);
        }
        node
    }

    fn link(&mut self, from: usize, to: usize) {
        visits::add(1);
        self.nodes[from].next.push(to);
        self.nodes[to].after.push(from);
    }

    /// Whether a step runs in it.
    #[cfg(test)]
    pub(super) fn holds(&self, step: usize) -> bool {
        self.nodes.iter().any(|node| node.kind == NodeKind::Step(step))
    }

    /// Numbers the nodes as [`Graph`] says. Of those that could come next, the first does.
    fn in_order(self) -> Self {
        if self.nodes.iter().enumerate().all(|(at, node)| node.after.iter().all(|&before| before < at)) {
            return self;
        }
        let mut waits: Vec<usize> = self.nodes.iter().map(|node| node.after.len()).collect();
        let free = (0..waits.len()).filter(|&node| waits[node] == 0);
        let mut free: BinaryHeap<Reverse<usize>> = free.map(Reverse).collect();
        let mut order = Vec::with_capacity(waits.len());
        let mut number = vec![0; waits.len()];
        while let Some(Reverse(node)) = free.pop() {
            visits::add(1 + self.nodes[node].next.len());
            number[node] = order.len();
            order.push(node);
            for &next in &self.nodes[node].next {
                waits[next] -= 1;
                if waits[next] == 0 {
                    free.push(Reverse(next));
                }
            }
        }
        let numbers = |nodes: &[usize]| nodes.iter().map(|&node| number[node]).collect();
        let node = |old: usize| {
            let Node { kind, after, next } = &self.nodes[old];
            Node { kind: *kind, after: numbers(after), next: numbers(next) }
        };
        Graph { nodes: order.into_iter().map(node).collect() }
    }

    /// From canonical to the caller's indices.
    pub(super) fn rename(&mut self, original: &[usize]) {
        for node in &mut self.nodes {
            if let NodeKind::Step(step) = &mut node.kind {
                *step = original[*step];
            }
        }
    }
}
