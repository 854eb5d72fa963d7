//! What an attribute leaves behind in the binary, and the same thing built at run time.
//!
//! An annotated function can be [`Asked`] for its [`StepDef`], and to be called; [`StepSpec`] is what the registry, the
//! plan and the executor work with.

mod function;

use std::any::{Any, TypeId};
use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

pub use function::CallResult;
pub(crate) use function::{Begin, Call, Function};

use crate::compensation::Compensates;
use crate::edge::{Edges, NodeDef, PlaceDef};
use crate::gate::Gate;
use crate::rare::{Absent, Rare};
use crate::report::StepKind;
use crate::resource::Inputs;
use crate::worker::{Restart, WorkerDef};

/// The type that stands for an annotated function: `Settings::step::<close_db>()`.
///
/// `#[on_start]`, `#[on_shutdown]` and `#[worker]` implement it for a type with the function's own name (or the
/// `label`); there is no reason to implement it by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a step",
    label = "no `#[on_start]`, `#[on_shutdown]` or `#[worker]` function has this name",
    note = "name a function that carries one of these attributes, or its `label`"
)]
pub trait Step: 'static {
    #[doc(hidden)]
    fn lifecycle_answer<'a>(query: Query<'a, '_>) -> Answer<'a> {
        strange(query)
    }
}

/// The answer of what is no step.
pub fn strange<'a>(_: Query<'a, '_>) -> Answer<'a> {
    Answer::Strange
}

/// Which of the two orders a step belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Phase {
    /// `#[on_start]`: before the service.
    Start,
    /// `#[on_shutdown]`: after it.
    Shutdown,
}

/// What the attribute said; every key is optional and has its default in the plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StepKeys {
    /// `order = N`.
    pub order: Option<i32>,
    /// `timeout = "…"`.
    pub timeout: Option<Duration>,
    /// `last`.
    pub last: bool,
}

/// A step as the macros write it down.
pub struct StepDef {
    /// Its name and its place among the others, as the compiler knows them.
    pub node: &'static NodeDef,
    /// `module_path!()`.
    pub module: &'static str,
    /// Where its attribute is.
    pub file: &'static str,
    /// The line in it.
    pub line: u32,
    /// `timeout = "…"`.
    pub timeout: Option<Duration>,
    /// The keys that few steps have; so those without pay nothing for them.
    pub extra: Option<&'static StepExtra>,
}

/// What the library asks of an annotated function.
pub(crate) type Asked = for<'a, 'i> fn(Query<'a, 'i>) -> Answer<'a>;

/// A question to an annotated function.
pub enum Query<'a, 'i> {
    /// To describe itself.
    Describe(&'a mut Description),
    /// To fetch its arguments.
    Hold(&'a mut Inputs<'i>),
    /// To be called with what has been fetched.
    Call(&'a mut Holding),
}

/// An annotated function, as it describes itself.
#[derive(Default)]
pub struct Description {
    pub(crate) signature: Signature,
    /// What it is a step of, if it is the function of one.
    pub(crate) step: Option<StepDef>,
}

impl Description {
    fn of(asked: Asked) -> Self {
        let mut description = Description::default();
        asked(Query::Describe(&mut description));
        description
    }
}

/// A step as its attribute says, written into what describes its function.
impl Query<'_, '_> {
    /// It is this step's, whose attribute is where this is called: `file!()` and `line!()` would each be a macro to expand
    /// for every step.
    #[track_caller]
    pub fn of(mut self, node: &'static NodeDef, module: &'static str) -> Self {
        if let Query::Describe(description) = &mut self {
            let at = Location::caller();
            let (file, line) = (at.file(), at.line());
            description.step = Some(StepDef { node, module, file, line, timeout: None, extra: None });
        }
        self
    }

    fn with(mut self, set: impl FnOnce(&mut StepDef)) -> Self {
        if let Query::Describe(Description { step: Some(step), .. }) = &mut self {
            set(step);
        }
        self
    }

    /// The line of a method in its block.
    pub fn line(self, line: u32) -> Self {
        self.with(|step| step.line = line)
    }

    /// `timeout = "…"`.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.with(|step| step.timeout = Some(timeout))
    }

    /// The keys that few steps have.
    pub fn extra(self, extra: &'static StepExtra) -> Self {
        self.with(|step| step.extra = Some(extra))
    }
}

/// A function's arguments until its call.
pub(crate) type Holding = dyn Any + Send;

/// What it answers.
pub enum Answer<'a> {
    /// To [`Query::Describe`].
    Described,
    /// To [`Query::Hold`]; and whether its call is awaited.
    Held(Result<Box<Holding>, Missing>, bool),
    /// To [`Query::Call`], of an async function.
    Pending(Pin<Box<dyn Future<Output = CallResult> + Send + 'a>>),
    /// To [`Query::Call`], of a plain function.
    Ended(CallResult),
    /// To what makes no sense.
    Strange,
}

impl fmt::Debug for Query<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Query")
    }
}
impl fmt::Debug for Answer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer")
    }
}

/// How often a step is tried, what is done in its place, and whether it runs at all.
pub struct StepExtra {
    /// `retry = N`.
    pub retry: Option<u32>,
    /// `attempt = "…"`.
    pub attempt: Option<Duration>,
    /// `backoff = "…"`.
    pub backoff: Option<Duration>,
    /// `fallback = path`.
    pub fallback: Option<Asked>,
    /// `when = …`.
    pub when: Option<fn() -> When>,
    /// `compensate = path`.
    pub compensate: Option<Asked>,
    /// It is a worker: its phase is that of its stop.
    pub worker: Option<WorkerDef>,
}

impl StepExtra {
    /// Nothing said: `StepExtra { retry: Some(2), ..StepExtra::NONE }`.
    pub const NONE: Self = StepExtra {
        retry: None,
        attempt: None,
        backoff: None,
        fallback: None,
        when: None,
        compensate: None,
        worker: None,
    };
}

/// Whether a step runs; if not, why not.
pub(crate) type Question = Box<dyn FnOnce() -> Result<(), String> + Send>;

/// The types that a step takes and gives.
#[derive(Clone, Debug, Default)]
pub struct Signature {
    pub(crate) takes: Vec<Need>,
    pub(crate) gives: Vec<Gift>,
    /// It takes `&Report`, which exists only for `last` steps.
    pub(crate) takes_report: bool,
}

impl Signature {
    fn is_empty(&self) -> bool {
        self.takes.is_empty() && self.gives.is_empty() && !self.takes_report
    }
}

impl Absent for Signature {
    const NONE: &'static Self = &Signature { takes: Vec::new(), gives: Vec::new(), takes_report: false };
}

/// How an argument uses its resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// `&T`, `Arc<T>`, `T: Clone`: the resource stays.
    Share,
    /// `Take<T>`: it is moved out.
    Take,
}

/// One argument: a resource by type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need {
    /// The type it is provided under, or `Arc` of it.
    pub(crate) keys: [TypeId; 2],
    /// `std::any::type_name` of the first key.
    pub(crate) type_name: &'static str,
    pub(crate) usage: Use,
    /// `Option<…>`: may be absent.
    pub(crate) optional: bool,
}

/// One resource that a start hook returns.
#[derive(Clone, Copy, Debug)]
pub struct Gift {
    pub(crate) key: TypeId,
    pub(crate) type_name: &'static str,
}

/// Why a step cannot be called: a resource that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    pub(crate) key: TypeId,
    pub(crate) type_name: &'static str,
    /// A provided type that looks like the one meant, or who still holds it.
    pub(crate) hint: Option<String>,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no {} was provided", crate::render::type_name(self.type_name))?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

/// Gathers what a step's `when` looks at.
pub(crate) type Ask = Arc<dyn Fn(&mut Inputs<'_>) -> Result<Question, Missing> + Send + Sync>;

/// [`StepExtra`], owned.
#[derive(Clone, Default)]
pub(crate) struct Extra {
    pub(crate) retry: Option<u32>,
    pub(crate) attempt: Option<Duration>,
    pub(crate) backoff: Option<Duration>,
    /// These are large and rare.
    pub(crate) fallback: Option<Box<Function>>,
    pub(crate) when: Option<Box<When>>,
    /// What the next start does for a run that has not done the step.
    pub(crate) compensate: Option<Box<Function>>,
    /// It is such a compensation itself.
    pub(crate) compensates: Option<Box<Compensates>>,
    /// Of a worker.
    pub(crate) restart: Option<Restart>,
}

/// What decides whether a step runs, with its arguments classified.
#[derive(Clone)]
pub struct When {
    pub(crate) signature: Signature,
    pub(crate) ask: Ask,
}

impl From<&'static StepExtra> for Extra {
    fn from(def: &'static StepExtra) -> Self {
        Extra {
            retry: def.retry,
            attempt: def.attempt,
            backoff: def.backoff,
            fallback: def.fallback.map(|function| Box::new(Function::from(function))),
            when: def.when.map(|when| Box::new(when())),
            compensate: def.compensate.map(|function| Box::new(Function::from(function))),
            compensates: None,
            restart: def.worker.as_ref().and_then(|worker| worker.restart),
        }
    }
}

impl Absent for Extra {
    const NONE: &'static Self = &Extra {
        retry: None,
        attempt: None,
        backoff: None,
        fallback: None,
        when: None,
        compensate: None,
        compensates: None,
        restart: None,
    };
}

impl Extra {
    /// Takes over what the other one says.
    pub(crate) fn replace_with(&mut self, other: &Extra) {
        let Extra { retry, attempt, backoff, fallback, when, compensate, compensates: _, restart } = other;
        self.retry = retry.or(self.retry);
        self.attempt = attempt.or(self.attempt);
        self.backoff = backoff.or(self.backoff);
        self.fallback = fallback.clone().or(self.fallback.take());
        self.when = when.clone().or(self.when.take());
        self.compensate = compensate.clone().or(self.compensate.take());
        self.restart = restart.or(self.restart);
    }
}

impl fmt::Debug for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extra")
            .field("retry", &self.retry)
            .field("attempt", &self.attempt)
            .field("backoff", &self.backoff)
            .field("fallback", &self.fallback.is_some())
            .field("when", &self.when.is_some())
            .field("compensate", &self.compensate.is_some())
            .field("compensates", &self.compensates)
            .field("restart", &self.restart)
            .finish()
    }
}

/// What a step does when its turn has come.
#[derive(Clone)]
pub(crate) enum Task {
    /// Runs a function.
    Hook(Begin),
    /// Stops what has been running since the start, or since its last resource came.
    Worker(Begin),
    /// Closes the gate and waits for the calls.
    Group(&'static Gate),
}

impl Task {
    /// Whether both are of the same registration.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Task::Hook(this), Task::Hook(other)) | (Task::Worker(this), Task::Worker(other)) => {
                this.is(other)
            }
            (Task::Group(this), Task::Group(other)) => ptr::eq(*this, *other),
            (Task::Hook(_) | Task::Worker(_) | Task::Group(_), _) => false,
        }
    }
}

/// A step as the registry, the plan and the executor know it.
#[derive(Clone)]
pub(crate) struct StepSpec {
    pub(crate) name: Cow<'static, str>,
    pub(crate) module: Cow<'static, str>,
    pub(crate) file: Cow<'static, str>,
    pub(crate) line: u32,
    pub(crate) id: Option<TypeId>,
    pub(crate) phase: Phase,
    pub(crate) keys: StepKeys,
    pub(crate) extra: Rare<Extra>,
    pub(crate) edges: Edges,
    pub(crate) signature: Rare<Signature>,
    /// Why the step was switched off, if it was.
    pub(crate) off: Option<String>,
    pub(crate) task: Task,
}

impl StepSpec {
    /// Every resource that it may use: its own, those of its `when` and of its fallback. One of a type, of the strongest
    /// use.
    pub(crate) fn needs(&self) -> Cow<'_, [Need]> {
        if self.extra.when.is_none() && self.extra.fallback.is_none() {
            return Cow::Borrowed(&self.signature.takes);
        }
        let mut needs = self.signature.takes.clone();
        let when = self.extra.when.iter().flat_map(|when| when.signature.takes.iter().copied());
        let fallback = self.extra.fallback.iter().flat_map(|fallback| &fallback.signature.takes);
        for need in when.chain(fallback.copied()) {
            let same = needs.iter_mut().find(|known| known.keys == need.keys);
            match same {
                Some(known) => {
                    known.optional &= need.optional;
                    if need.usage == Use::Take {
                        known.usage = Use::Take;
                    }
                }
                None => needs.push(need),
            }
        }
        Cow::Owned(needs)
    }

    /// Whether anything of it takes `&Report`.
    pub(crate) fn takes_report(&self) -> bool {
        let Extra { fallback, when, .. } = &*self.extra;
        self.signature.takes_report
            || fallback.as_ref().is_some_and(|fallback| fallback.signature.takes_report)
            || when.as_ref().is_some_and(|when| when.signature.takes_report)
    }

    /// What the journal calls it: the same from build to build.
    pub(crate) fn identity(&self) -> String {
        format!("{}::{}", self.module, self.name)
    }

    /// Whether both are the step of one annotation, or of one registration.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (self.id, other.id) {
            (Some(this), Some(other)) => this == other,
            _ => self.task.is(&other.task),
        }
    }

    pub(crate) fn is_group(&self) -> bool {
        matches!(self.task, Task::Group(_))
    }

    pub(crate) fn is_worker(&self) -> bool {
        matches!(self.task, Task::Worker(_))
    }

    /// Where nothing moves it, it comes right after the requests, before order 0.
    pub(crate) fn is_early(&self) -> bool {
        self.is_group() || self.is_worker()
    }

    /// Where it belongs, whether or not it runs.
    pub(crate) fn kind(&self) -> StepKind {
        match (self.phase, self.keys.last) {
            _ if self.is_group() => StepKind::Group,
            _ if self.is_worker() => StepKind::Worker,
            _ if self.extra.compensates.is_some() => StepKind::Compensation,
            (Phase::Start, _) => StepKind::Start,
            (Phase::Shutdown, false) => StepKind::Shutdown,
            (Phase::Shutdown, true) => StepKind::Last,
        }
    }
}

impl StepSpec {
    /// Of an annotated function.
    pub(crate) fn of(asked: Asked) -> Option<Self> {
        let Description { signature, step } = Description::of(asked);
        let def = step?;
        let node = def.node;
        let begin = Begin::Annotated(asked);
        Some(StepSpec {
            name: node.name.into(),
            module: def.module.into(),
            file: def.file.into(),
            line: def.line,
            id: Some((node.id)()),
            phase: node.phase,
            keys: StepKeys {
                order: node.order(),
                timeout: def.timeout,
                last: matches!(node.place, PlaceDef::Last),
            },
            extra: def.extra.map(|extra| Extra::from(extra).into()).unwrap_or_default(),
            edges: Edges::from(node),
            signature: if signature.is_empty() { Rare::default() } else { signature.into() },
            off: None,
            task: match def.extra.and_then(|extra| extra.worker.as_ref()) {
                Some(_) => Task::Worker(begin),
                None => Task::Hook(begin),
            },
        })
    }
}

impl fmt::Debug for StepSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepSpec")
            .field("name", &self.name)
            .field("module", &self.module)
            .field("phase", &self.phase)
            .field("keys", &self.keys)
            .field("extra", &*self.extra)
            .field("off", &self.off)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;
    use crate::register;

    #[test]
    fn two_annotations_are_two_steps_also_where_the_compiler_has_made_their_functions_one() {
        fn merged<'a>(_: Query<'a, '_>) -> Answer<'a> {
            Answer::Ended(Ok(Vec::new()))
        }
        let step = |begin: Begin, id| StepSpec {
            id,
            ..register::step("stop".into(), "here".into(), Phase::Shutdown, Task::Worker(begin))
        };
        let annotated = |id| step(Begin::Annotated(merged), Some(id));
        let (this, other) = (annotated(TypeId::of::<u8>()), annotated(TypeId::of::<u16>()));
        assert!(this.is(&this.clone()) && !this.is(&other));
        let registered = || step(Begin::new(|_| unreachable!("it is not begun")), None);
        let made = registered();
        assert!(made.is(&made.clone()) && !made.is(&registered()) && !made.is(&this) && !this.is(&made));
    }
}
