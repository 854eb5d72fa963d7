//! Expects a step whose registration is not in the program.

use std::any::TypeId;

use lifecycle::__private::{Node, NodeDef, PlaceDef};
use lifecycle::{Phase, on_shutdown, on_start};

mod plug {
    #[expect(non_camel_case_types, reason = "a step's own name")]
    pub(crate) struct ghost;
}

static GHOST: NodeDef = NodeDef {
    name: "ghost",
    phase: Phase::Shutdown,
    id: TypeId::of::<plug::ghost>,
    place: PlaceDef::Free,
    after: &[],
    before: &[],
};

impl Node for plug::ghost {
    const NODE: &'static NodeDef = &GHOST;
}

#[on_start]
fn booted() {
    println!("booted");
}

#[on_shutdown]
fn here() {}

lifecycle::expect_hooks![here, plug::ghost];

#[lifecycle::main]
async fn main() {
    println!("serving");
}
