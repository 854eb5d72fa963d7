//! What `after` and `before` name, and what the compiler knows of it.
//!
//! Each step has a [`NodeDef`] that const evaluation can read. An [`EdgeDef`] of `after` holds the rank of what it names,
//! and that rank is computed from the edges of what it names: so a circle is a static whose value needs itself, which
//! rustc refuses (E0391) with every link of it.

use std::any::{TypeId, type_name};
use std::fmt;
use std::panic::Location;

use crate::group::Requests;
use crate::hook::{Phase, Step};

/// What `after` and `before` may name: a step, a group, or [`Requests`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a step, so nothing can come after or before it",
    label = "no step has this name",
    note = "name a function that carries `#[on_start]`, `#[on_shutdown]` or `#[worker]`, its `label`, a `#[lifecycle::group]`, \
            or `lifecycle::Requests`"
)]
pub trait Node: 'static {}

#[diagnostic::do_not_recommend]
impl<T: Step> Node for T {}

static REQUESTS: NodeDef = NodeDef {
    name: "Requests",
    phase: Phase::Shutdown,
    id: TypeId::of::<Requests>,
    place: PlaceDef::Requests,
    after: &[],
    before: &[],
};

impl Node for Requests {}

impl Requests {
    #[doc(hidden)]
    pub const fn lifecycle_node() -> &'static NodeDef {
        &REQUESTS
    }
}

/// Found for a path that names no step, which has no function of that name of its own: then rustc says that it is no
/// [`Node`].
pub trait AnyNode {
    /// Never called.
    fn lifecycle_node() -> &'static NodeDef
    where
        Self: Node;
}

impl<T: ?Sized> AnyNode for T {
    fn lifecycle_node() -> &'static NodeDef
    where
        Self: Node,
    {
        &NodeDef {
            name: "a step that no attribute has made",
            phase: Phase::Shutdown,
            id: TypeId::of::<Self>,
            place: PlaceDef::Unknown,
            after: &[],
            before: &[],
        }
    }
}

/// A step as const evaluation sees it.
#[derive(Debug)]
pub struct NodeDef {
    /// As reported.
    pub name: &'static str,
    /// Start or shutdown.
    pub phase: Phase,
    /// `TypeId::of` the type that stands for it.
    pub id: fn() -> TypeId,
    /// What it says of its place.
    pub place: PlaceDef,
    /// What it names in `after`.
    pub after: &'static [&'static EdgeDef],
    /// What it names in `before`.
    pub before: &'static [&'static EdgeDef],
}

/// What a step says of its place, edges apart.
#[derive(Clone, Copy, Debug)]
pub enum PlaceDef {
    /// Nothing.
    Free,
    /// Nothing, and by itself it comes right after [`Requests`], as groups do.
    Early,
    /// `order = N`.
    Order(i32),
    /// `last`.
    Last,
    /// It is [`Requests`].
    Requests,
    /// Its attribute is in error, which has been said.
    Unknown,
}

/// A path in `after` or `before`.
#[derive(Debug)]
pub struct EdgeDef {
    /// As it was written.
    pub path: &'static str,
    /// What it leads to.
    pub to: &'static NodeDef,
    /// Where it was written.
    pub(crate) at: At,
    /// Of `after`: the rank of what it leads to, where that is known.
    rank: Option<Known>,
}

/// Where an edge was written: no larger than a reference, for it goes wherever the edge does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum At {
    Code(&'static Location<'static>),
    /// Nobody but the compiler makes a [`Location`].
    #[cfg(test)]
    Test(&'static (&'static str, u32)),
}

impl At {
    #[track_caller]
    pub(crate) const fn caller() -> Self {
        At::Code(Location::caller())
    }

    pub(crate) fn file(self) -> &'static str {
        match self {
            At::Code(location) => location.file(),
            #[cfg(test)]
            At::Test((file, _)) => file,
        }
    }

    pub(crate) fn line(self) -> u32 {
        match self {
            At::Code(location) => location.line(),
            #[cfg(test)]
            At::Test((_, line)) => *line,
        }
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file(), self.line())
    }
}

/// A rank that is known when the program is compiled, and whose it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(crate) value: i32,
    pub(crate) of: &'static str,
    pub(crate) source: KnownBy,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum KnownBy {
    Order,
    Default,
    /// Nothing is said, and it comes right after the requests.
    Early,
    Requests,
}

impl EdgeDef {
    pub(crate) const fn rank(&self) -> Option<Known> {
        self.rank
    }
}

impl NodeDef {
    /// An edge of `after` to it. Called where the path is written.
    #[track_caller]
    pub const fn after(&'static self, path: &'static str) -> EdgeDef {
        EdgeDef { path, to: self, at: At::caller(), rank: self.rank() }
    }

    /// An edge of `before` to it. Circles through it are found at start, since a step need not know who comes before it.
    #[track_caller]
    pub const fn before(&'static self, path: &'static str) -> EdgeDef {
        EdgeDef { path, to: self, at: At::caller(), rank: None }
    }

    /// The written order.
    pub const fn order(&self) -> Option<i32> {
        match self.place {
            PlaceDef::Order(order) => Some(order),
            _ => None,
        }
    }

    /// Its rank, as far as it follows from what is written: its order, else the highest among what it comes after, else
    /// 0, unless it only says what it comes before.
    pub(crate) const fn rank(&self) -> Option<Known> {
        // Looked at whatever the order says, so that every circle is found.
        let mut highest: Option<Known> = None;
        let mut index = 0;
        while index < self.after.len() {
            highest = match (highest, self.after[index].rank) {
                (Some(highest), Some(rank)) if rank.value <= highest.value => Some(highest),
                (highest, None) => highest,
                (_, rank) => rank,
            };
            index += 1;
        }
        match self.place {
            PlaceDef::Order(value) => Some(Known { value, of: self.name, source: KnownBy::Order }),
            PlaceDef::Requests => Some(Known { value: 0, of: self.name, source: KnownBy::Requests }),
            PlaceDef::Free if self.after.is_empty() && self.before.is_empty() => {
                Some(Known { value: 0, of: self.name, source: KnownBy::Default })
            }
            PlaceDef::Early if self.after.is_empty() && self.before.is_empty() => {
                Some(Known { value: 0, of: self.name, source: KnownBy::Early })
            }
            PlaceDef::Free | PlaceDef::Early => highest,
            PlaceDef::Last | PlaceDef::Unknown => None,
        }
    }
}

/// The edges that a step has by its own keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Edges {
    pub(crate) after: Vec<Target>,
    pub(crate) before: Vec<Target>,
}

/// What an edge leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) id: TypeId,
    /// As it was written.
    pub(crate) path: &'static str,
    pub(crate) at: At,
}

impl Target {
    /// Called where the edge is written.
    #[track_caller]
    pub(crate) fn of<N: Node>() -> Self {
        let path = type_name::<N>().rsplit("::").next().unwrap_or_default();
        Target { id: TypeId::of::<N>(), path: path.trim_start_matches("r#"), at: At::caller() }
    }

    fn list(edges: &[&EdgeDef]) -> Vec<Self> {
        edges.iter().map(|edge| Target { id: (edge.to.id)(), path: edge.path, at: edge.at }).collect()
    }
}

impl From<&NodeDef> for Edges {
    fn from(node: &NodeDef) -> Self {
        Edges { after: Target::list(node.after), before: Target::list(node.before) }
    }
}
