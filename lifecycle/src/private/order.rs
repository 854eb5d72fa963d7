//! What the compiler checks of `after` and `before`.
//!
//! Generated code evaluates [`after`] and [`before`] once for each path, at the path: a fault is a panic in a constant,
//! which rustc shows there with these words.

use crate::edge::{EdgeDef, Known, KnownBy, NodeDef, PlaceDef};
use crate::hook::Phase;

/// Refuses what an edge of `after` cannot be.
#[track_caller]
pub const fn after(step: &NodeDef, edge: &EdgeDef) {
    phases(step, edge, " come after ");
    if matches!(edge.to.place, PlaceDef::Last) {
        let text = Text::new().name(step.name).and(" cannot come after ").name(edge.to.name);
        text.and(", which is `last`: everything else comes before it. Turn the edge round, or remove it")
            .fail();
    }
    if let (Some(order), Some(bound)) = (step.order(), edge.rank()) {
        if bound.value > order {
            let text =
                Text::new().name(step.name).and(" has order = ").number(order).and(", but comes after ");
            let text = text.holder(edge.to.name, bound, "0 for what follows them");
            let text = text.and(": give ").name(step.name).and(" an order of ").number(bound.value);
            let text = text.and(" or more, or none, since it follows by itself");
            let text = match bound.source {
                KnownBy::Default | KnownBy::Early => {
                    text.and("; or give ").name(bound.of).and(" an order of ").number(order).and(" or less")
                }
                _ => text,
            };
            text.fail();
        }
    }
}

/// Refuses what an edge of `before` cannot be.
#[track_caller]
pub const fn before(step: &NodeDef, edge: &EdgeDef) {
    phases(step, edge, " come before ");
    // One without an order follows by itself.
    let (limit, of) = match edge.to.place {
        PlaceDef::Order(order) => (order, KnownBy::Order),
        PlaceDef::Requests => (-1, KnownBy::Requests),
        _ => return,
    };
    let Some(rank) = step.rank() else { return };
    if rank.value <= limit {
        return;
    }
    let ordered = step.order().is_some();
    let text = Text::new().name(step.name);
    let text = if ordered {
        text.and(" has order = ").number(rank.value)
    } else {
        text.and(" has no order and comes at ").number(rank.value).and(", as it comes after ").name(rank.of)
    };
    let limit = Known { value: limit, of: edge.to.name, source: of };
    let text = text.and(", but comes before ").holder(edge.to.name, limit, "-1 for what precedes them");
    let text = if ordered {
        text.and(": give ").name(step.name).and(" an order of ").number(limit.value).and(" or less, or none")
    } else {
        let text = text.and(": give ").name(rank.of).and(" an order of ").number(limit.value);
        text.and(" or less, or remove one of the two edges")
    };
    text.fail();
}

#[track_caller]
const fn phases(step: &NodeDef, edge: &EdgeDef, relation: &str) {
    let text = Text::new().name(step.name);
    let text = match (step.phase, edge.to.phase, edge.to.place) {
        (Phase::Start, Phase::Start, _) | (Phase::Shutdown, Phase::Shutdown, _) => return,
        (.., PlaceDef::Requests) => text
            .and(" runs at the start and cannot")
            .and(relation)
            .and("the requests, which are drained at the shutdown"),
        (phase, ..) => {
            let (one, other) = match phase {
                Phase::Start => (" runs at the start and ", " at the shutdown"),
                Phase::Shutdown => (" runs at the shutdown and ", " at the start"),
            };
            text.and(one)
                .name(edge.to.name)
                .and(other)
                .and(": the two have separate orders, so neither can")
                .and(relation)
                .and("the other")
        }
    };
    let another = match step.phase {
        Phase::Start => ". Name another start step, or remove this",
        Phase::Shutdown => ". Name another shutdown step, or remove this",
    };
    text.and(another).fail();
}

const EARLY: &str = ", which has no order and so comes right after `Requests`, at 0";

/// A message made in a constant.
struct Text {
    bytes: [u8; 1024],
    used: usize,
}

impl Text {
    const fn new() -> Self {
        Text { bytes: [0; 1024], used: 0 }
    }

    /// What does not fit is left out, by whole characters.
    const fn and(mut self, text: &str) -> Self {
        let text = text.as_bytes();
        let mut fits = text.len();
        if fits > self.bytes.len() - self.used {
            fits = self.bytes.len() - self.used;
            while fits > 0 && text[fits] & 0b1100_0000 == 0b1000_0000 {
                fits -= 1;
            }
        }
        let mut index = 0;
        while index < fits {
            self.bytes[self.used] = text[index];
            self.used += 1;
            index += 1;
        }
        self
    }

    const fn name(self, name: &str) -> Self {
        self.and("`").and(name).and("`")
    }

    const fn number(self, number: i32) -> Self {
        let text = if number < 0 { self.and("-") } else { self };
        text.digits(number.unsigned_abs())
    }

    const fn digits(self, number: u32) -> Self {
        let text = if number > 9 { self.digits(number / 10) } else { self };
        let digit = [b'0' + (number % 10) as u8];
        match std::str::from_utf8(&digit) {
            Ok(digit) => text.and(digit),
            Err(_) => text,
        }
    }

    /// What an edge names, and why it is bound to its rank.
    const fn holder(self, name: &str, rank: Known, requests: &str) -> Self {
        let direct = same(name, rank.of);
        match (rank.source, direct) {
            (KnownBy::Requests, true) => self.name(name).and(", which count as ").and(requests),
            (KnownBy::Order, true) => self.name(name).and(", which has order = ").number(rank.value),
            (KnownBy::Default, true) => self.name(name).and(", which has no order and so comes at 0"),
            (KnownBy::Early, true) => self.name(name).and(EARLY),
            (source, false) => {
                let text = self.name(name).and(", which follows ").name(rank.of);
                match source {
                    KnownBy::Order => text.and(" of order = ").number(rank.value),
                    KnownBy::Default => text.and(", which has no order and so comes at 0"),
                    KnownBy::Early => text.and(EARLY),
                    KnownBy::Requests => text.and(", which count as ").and(requests),
                }
            }
        }
    }

    #[track_caller]
    const fn fail(&self) -> ! {
        let (used, _) = self.bytes.split_at(self.used);
        match std::str::from_utf8(used) {
            Ok(text) => panic!("{}", text),
            Err(_) => panic!("this edge cannot be"),
        }
    }
}

/// `==` of strings is not const.
const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut index = 0;
    while index < a.len() && index < b.len() {
        if a[index] != b[index] {
            return false;
        }
        index += 1;
    }
    a.len() == b.len()
}
