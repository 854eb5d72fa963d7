//! Groups of tracked calls: each closes and drains at its own place in the shutdown.

use std::time::Duration;

use crate::edge::{Edges, NodeDef};
use crate::gate::{Gate, REQUESTS};
use crate::hook::{Phase, StepKeys, StepSpec, Task};
use crate::rare::Rare;
use crate::registry;

/// The group of every tracked call that names no other.
///
/// It closes after the steps of negative order and before everything else, and drains within `drain`; the service
/// future is awaited with it. In `after` and `before` it counts as 0 for what follows it, as -1 for what precedes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Requests;

/// The type that stands for a group: `#[tracked(group = Jobs)]`.
///
/// `#[lifecycle::group]` implements it; there is no reason to implement it by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a group",
    label = "no `#[lifecycle::group]` struct",
    note = "name a unit struct that carries this attribute, or leave `group` out: the call then belongs to \
            `lifecycle::Requests`"
)]
pub trait Group: 'static {
    /// Where its calls are counted.
    #[doc(hidden)]
    fn gate() -> &'static Gate;
}

impl Group for Requests {
    fn gate() -> &'static Gate {
        &REQUESTS
    }
}

/// A group as the macro writes it down.
pub struct GroupDef {
    /// `module_path!()`.
    pub module: &'static str,
    /// `file!()`.
    pub file: &'static str,
    /// `line!()`.
    pub line: u32,
    /// Its name, and its place among the steps, as the compiler knows it.
    pub node: &'static NodeDef,
    /// `timeout = "…"`.
    pub timeout: Option<Duration>,
    /// Its [`Group::gate`].
    pub gate: fn() -> &'static Gate,
}

impl GroupDef {
    /// What groups are sorted by, whatever order the linker delivers them in.
    pub(crate) fn place(&self) -> (&'static str, &'static str, &'static str, u32) {
        (self.module, self.node.name, self.file, self.line)
    }
}

impl From<&'static GroupDef> for StepSpec {
    fn from(def: &'static GroupDef) -> Self {
        StepSpec {
            name: def.node.name.into(),
            module: def.module.into(),
            file: def.file.into(),
            line: def.line,
            id: Some((def.node.id)()),
            phase: Phase::Shutdown,
            keys: StepKeys { order: def.node.order(), timeout: def.timeout, ..StepKeys::default() },
            extra: Rare::default(),
            signature: Rare::default(),
            edges: Edges::from(def.node),
            off: None,
            task: Task::Group((def.gate)()),
        }
    }
}

/// The gates of all groups in this program, `Requests` first.
pub(crate) fn gates() -> impl Iterator<Item = &'static Gate> {
    let groups = registry::groups();
    std::iter::once(&REQUESTS).chain(groups.into_iter().map(|group| (group.gate)()))
}
