//! Steps in few words, and what came of them by name.

use super::super::graph::Node;
use std::any::TypeId;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use super::super::*;
use crate::edge::{At, Target};
use crate::gate::Gate;
use crate::hook::{Begin, Need, StepKeys, Task, Use};
use crate::rare::Rare;
use crate::worker::Restart;

pub(super) struct Config;
pub(super) struct Db;
pub(super) struct Venue;
pub(super) struct Cache;
pub(super) struct Queue;

/// A resource type.
#[derive(Clone, Copy)]
pub(super) struct Type {
    need: fn(Use) -> Need,
    plain: fn() -> Gift,
    arc: fn() -> Gift,
    mutex: fn() -> Gift,
}

const fn of<T: 'static>() -> Type {
    fn gift<T: 'static>() -> Gift {
        Gift { key: TypeId::of::<T>(), type_name: std::any::type_name::<T>() }
    }
    fn need<T: 'static>(usage: Use) -> Need {
        match usage {
            Use::Share => Need::share::<T>(),
            Use::Take => Need::take::<T>(),
        }
    }
    Type { need: need::<T>, plain: gift::<T>, arc: gift::<Arc<T>>, mutex: gift::<Mutex<T>> }
}

pub(super) const TYPES: [Type; 5] = [of::<Config>(), of::<Db>(), of::<Venue>(), of::<Cache>(), of::<Queue>()];
pub(super) const CONFIG: usize = 0;
pub(super) const DB: usize = 1;
pub(super) const VENUE: usize = 2;

/// What a need of the type is looked up under.
pub(super) fn key(of: usize) -> TypeId {
    (TYPES[of].plain)().key
}

/// Which of [`TYPES`] a need means.
pub(super) fn index_of(need: &Need) -> usize {
    (0..TYPES.len()).find(|&index| key(index) == need.keys[0]).unwrap()
}

#[derive(Clone)]
pub(super) struct Draft(pub(super) StepSpec);

fn draft(name: &str, phase: Phase) -> Draft {
    Draft(StepSpec {
        name: name.to_owned().into(),
        module: "app".into(),
        file: format!("src/{name}.rs").into(),
        line: 1,
        id: None,
        phase,
        keys: StepKeys::default(),
        extra: Rare::default(),
        edges: crate::edge::Edges::default(),
        signature: Rare::default(),
        off: None,
        task: Task::Hook(Begin::new(|_| unreachable!("a plan calls nothing"))),
    })
}

/// A plan asks a group for nothing but its keys, so all share one gate.
static GATE: Gate = Gate::new("Test");

pub(super) fn group(name: &str) -> Draft {
    let mut draft = draft(name, Phase::Shutdown);
    draft.0.task = Task::Group(&GATE);
    draft
}

pub(super) fn worker(name: &str) -> Draft {
    let mut draft = draft(name, Phase::Shutdown);
    draft.0.task = Task::Worker(Begin::new(|_| unreachable!("a plan begins nothing")));
    draft
}

pub(super) fn start(name: &str) -> Draft {
    draft(name, Phase::Start)
}

pub(super) fn stop(name: &str) -> Draft {
    draft(name, Phase::Shutdown)
}

impl Draft {
    pub(super) fn order(mut self, order: i32) -> Self {
        self.0.keys.order = Some(order);
        self
    }
    pub(super) fn timeout(mut self, timeout: Duration) -> Self {
        self.0.keys.timeout = Some(timeout);
        self
    }
    pub(super) fn last(mut self) -> Self {
        self.0.keys.last = true;
        self
    }
    pub(super) fn after(mut self, name: &str) -> Self {
        self.0.edges.after.push(target(name, self.at()));
        self
    }
    pub(super) fn before(mut self, name: &str) -> Self {
        self.0.edges.before.push(target(name, self.at()));
        self
    }
    /// By somebody else than the step itself.
    pub(super) fn after_at(mut self, name: &str, file: &'static str, line: u32) -> Self {
        self.0.edges.after.push(target(name, at(file, line)));
        self
    }
    pub(super) fn before_at(mut self, name: &str, file: &'static str, line: u32) -> Self {
        self.0.edges.before.push(target(name, at(file, line)));
        self
    }
    /// Where its attribute stands.
    fn at(&self) -> At {
        at(for_ever(&self.0.file), self.0.line)
    }
    pub(super) fn off(mut self, why: &str) -> Self {
        self.0.off = Some(why.into());
        self
    }
    pub(super) fn off_if(self, off: bool) -> Self {
        if off { self.off("not here") } else { self }
    }
    pub(super) fn module(mut self, module: &str) -> Self {
        self.0.module = module.to_owned().into();
        self
    }
    pub(super) fn report(mut self) -> Self {
        self.0.signature.takes_report = true;
        self
    }
    pub(super) fn needs(mut self, need: Need) -> Self {
        self.0.signature.takes.push(need);
        self
    }
    pub(super) fn shares(self, of: usize) -> Self {
        self.needs(need(of, Use::Share))
    }
    pub(super) fn takes(self, of: usize) -> Self {
        self.needs(need(of, Use::Take))
    }
    pub(super) fn restart(mut self, restart: Restart) -> Self {
        self.0.extra.restart = Some(restart);
        self
    }
    pub(super) fn maybe(self, of: usize) -> Self {
        self.needs(need(of, Use::Share).optional())
    }
    pub(super) fn gives(mut self, of: usize) -> Self {
        self.0.signature.gives.push((TYPES[of].plain)());
        self
    }
    pub(super) fn gives_arc(mut self, of: usize) -> Self {
        self.0.signature.gives.push((TYPES[of].arc)());
        self
    }
    pub(super) fn gives_mutex(mut self, of: usize) -> Self {
        self.0.signature.gives.push((TYPES[of].mutex)());
        self
    }
}

/// The type that stands for the step of this name.
fn id(name: &str) -> TypeId {
    NAMED.with_borrow_mut(|named| {
        let next = named.len();
        IDS[*named.entry(name.to_owned()).or_insert(next)]
    })
}

struct Marker<const N: usize>;

/// More than any test has names.
static IDS: LazyLock<Vec<TypeId>> = LazyLock::new(|| {
    macro_rules! each {
        ($do:ident) => { $do!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31) };
    }
    fn row<A: 'static>() -> [TypeId; 32] {
        macro_rules! row {
            ($($n:literal)*) => { [$(TypeId::of::<(A, Marker<$n>)>()),*] };
        }
        each!(row)
    }
    macro_rules! rows {
        ($($n:literal)*) => { [$(row::<Marker<$n>>()),*] };
    }
    each!(rows).concat()
});

thread_local! {
    /// The steps that an edge names. The others need no type.
    static NAMED: RefCell<HashMap<String, usize>> = RefCell::default();
}

thread_local! {
    static PLACES: RefCell<HashSet<&'static (&'static str, u32)>> = RefCell::default();
}

fn at(file: &'static str, line: u32) -> At {
    At::Test(PLACES.with_borrow_mut(|places| match places.get(&(file, line)) {
        Some(known) => known,
        None => {
            let place: &'static _ = Box::leak(Box::new((file, line)));
            places.insert(place);
            place
        }
    }))
}

fn target(name: &str, at: At) -> Target {
    let id = if name == "Requests" { TypeId::of::<crate::Requests>() } else { id(name) };
    Target { id, path: for_ever(name), at }
}

thread_local! {
    static WORDS: RefCell<HashSet<&'static str>> = RefCell::default();
}

/// As the texts that an attribute leaves behind.
fn for_ever(text: &str) -> &'static str {
    WORDS.with_borrow_mut(|words| match words.get(text) {
        Some(known) => known,
        None => {
            let text: &'static str = text.to_owned().leak();
            words.insert(text);
            text
        }
    })
}

pub(super) fn need(of: usize, usage: Use) -> Need {
    (TYPES[of].need)(usage)
}

#[derive(Clone)]
pub(super) struct World {
    pub(super) steps: Vec<StepSpec>,
    pub(super) given: Vec<Gift>,
    pub(super) main: Signature,
    pub(super) settings: Settings,
}

impl World {
    pub(super) fn new(steps: impl IntoIterator<Item = Draft>) -> Self {
        let mut steps: Vec<StepSpec> = steps.into_iter().map(|draft| draft.0).collect();
        for step in &mut steps {
            let named = NAMED.with_borrow(|named| named.contains_key(&*step.name));
            step.id = named.then(|| id(&step.name));
        }
        World { steps, given: Vec::new(), main: Signature::default(), settings: Settings::default() }
    }
    pub(super) fn given(mut self, of: usize) -> Self {
        self.given.push((TYPES[of].plain)());
        self
    }
    pub(super) fn given_arc(mut self, of: usize) -> Self {
        self.given.push((TYPES[of].arc)());
        self
    }
    pub(super) fn main_needs(mut self, need: Need) -> Self {
        self.main.takes.push(need);
        self
    }
    pub(super) fn main_shares(self, of: usize) -> Self {
        self.main_needs(need(of, Use::Share))
    }
    pub(super) fn settings(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    pub(super) fn try_plan(&self) -> Result<Plan, PlanErrors> {
        let World { steps, given, main, settings } = self;
        plan(&Input { steps, given, main, settings })
    }
    #[track_caller]
    pub(super) fn plan(&self) -> Plan {
        self.try_plan().unwrap_or_else(|errors| panic!("{errors}"))
    }
    #[track_caller]
    pub(super) fn errors(&self) -> String {
        match self.try_plan() {
            Ok(_) => panic!("there is a plan"),
            Err(errors) => errors.to_string(),
        }
    }

    pub(super) fn index(&self, name: &str) -> usize {
        self.steps.iter().position(|step| step.name == name).unwrap()
    }

    /// The steps of a graph, sorted.
    pub(super) fn names(&self, graph: &Graph) -> Vec<&str> {
        let mut names: Vec<&str> = graph.nodes().filter_map(|node| self.name(node)).collect();
        names.sort_unstable();
        names
    }

    fn name(&self, node: Node<'_>) -> Option<&str> {
        match node.kind {
            NodeKind::Step(step) => Some(&self.steps[step].name),
            NodeKind::Requests => Some("Requests"),
            NodeKind::Barrier => None,
        }
    }

    /// What comes before what, through barriers and by way of others.
    pub(super) fn relation(&self, graph: &Graph) -> Relation {
        let mut relation = Relation::default();
        for node in graph.nodes() {
            let Some(name) = self.name(node) else { continue };
            let mut seen = BTreeSet::new();
            let mut open = node.after.to_vec();
            while let Some(before) = open.pop() {
                if seen.insert(before) {
                    open.extend(graph.node(before).after);
                }
            }
            let before = seen.into_iter().filter_map(|node| self.name(graph.node(node))).map(str::to_owned);
            relation.0.insert(name.to_owned(), before.collect());
        }
        relation
    }
}

/// By name, the names before it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Relation(pub(super) BTreeMap<String, BTreeSet<String>>);

impl Relation {
    /// Those that wait for any.
    pub(super) fn text(&self) -> String {
        let waits = self.0.iter().filter(|(_, before)| !before.is_empty());
        let lines = waits.map(|(name, before)| {
            let before: Vec<&str> = before.iter().map(String::as_str).collect();
            format!("{name} after {}", before.join(" "))
        });
        lines.collect::<Vec<_>>().join("; ")
    }
}
