//! The coordinator's thread: start, serve, shut down. It decides which graph runs when and on what time.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::drain::{DrainWork, Stage};
use super::executor::{AfterFailure, Change, End, Execution, MaybeWork};
use super::hook_task::{Excuse, HookTask, Hooks, Rescue, drop_elsewhere};
use super::message::{Address, Message};
use super::requests::{Seen, Service, Tallies};
use super::service::ServiceEnd;
use super::track::{Track, TrackedNode, draft};
use crate::events::{Event, State};
use crate::gate::{Gate, REQUESTS};
use crate::hook::{Begin, Gift, Phase, Signature, StepSpec, Task};
use crate::narrator::{LINE_PATIENCE, Narrator, Say};
use crate::plan::{Graph, NodeKind, Place, Plan};
use crate::process::{Lifecycle, Trigger};
use crate::report::{Outcome, Reason, Report, StepKind, StepReport};
use crate::resource::Resource;
use crate::settings::{Ready, Settings};
use crate::sys;
use crate::watchdog::Watchdog;

/// What a lifecycle is run with.
pub(super) struct Order {
    pub(super) life: &'static Lifecycle,
    pub(super) settings: Settings,
    pub(super) steps: Vec<StepSpec>,
    pub(super) plan: Plan,
    pub(super) main: Signature,
    /// What was there before the first step.
    pub(super) given: Vec<Gift>,
    pub(super) narrator: Narrator,
    pub(super) watchdog: Option<Watchdog>,
}

/// Why resources may be absent without that being a fault of who takes them.
#[derive(Default)]
struct Fates {
    /// Of each start step that gave nothing.
    steps: HashMap<usize, String>,
    /// What was not provided by then may have been still to come.
    start_was_cut_short: bool,
}

impl Fates {
    /// A provider without a fate has provided: if its resource cannot be had all the same, something else is wrong.
    fn excuse(&self, provider: Option<usize>) -> Option<String> {
        match provider {
            Some(step) => self.steps.get(&step).cloned(),
            None => self.start_was_cut_short.then(|| "the start did not get that far".to_owned()),
        }
    }
}

/// See the module's words.
pub(super) struct Coordinator {
    pub(super) order: Order,
    inbox: Receiver<Message>,
    mailbox: Sender<Message>,
    let_go: Option<oneshot::Sender<()>>,
    runtime: Option<Handle>,
    pub(super) rescue: Arc<Rescue>,
    /// The shutdown's name in every event.
    pub(super) id: String,
    pub(super) seen: Rc<RefCell<Seen>>,
    pub(super) tallies: RefCell<Tallies>,
    fates: Rc<RefCell<Fates>>,
    graphs: u32,
    /// The watchdog's last words name steps that have changed since.
    stale: Cell<bool>,
    /// Of the steps that have ended.
    pub(super) reports: Vec<StepReport>,
}

impl Coordinator {
    pub(super) fn new(
        order: Order,
        inbox: Receiver<Message>,
        mailbox: Sender<Message>,
        let_go: oneshot::Sender<()>,
    ) -> Self {
        Coordinator {
            order,
            inbox,
            mailbox,
            let_go: Some(let_go),
            runtime: None,
            rescue: Arc::default(),
            id: shutdown_id(),
            seen: Rc::default(),
            tallies: RefCell::default(),
            fates: Rc::default(),
            graphs: 0,
            stale: Cell::new(true),
            reports: Vec::new(),
        }
    }

    /// From the start to the report.
    pub(super) fn run(mut self) {
        self.announce();
        while self.runtime.is_none() {
            match self.hear(None) {
                Some(heard) => heard.ignore(),
                None => return,
            }
        }
        if self.start() {
            self.serve();
        }
        self.shut_down();
    }

    fn announce(&mut self) {
        let plan = &self.order.plan;
        for warning in &plan.warnings {
            self.order.narrator.say(Say::Warning(warning.clone()));
        }
        let count =
            |phase| self.order.steps.iter().filter(|step| step.phase == phase && step.off.is_none()).count();
        let shutdown_steps = count(Phase::Shutdown);
        self.order.life.set_shutdown_steps(shutdown_steps);
        self.order.narrator.say(Say::Starting {
            steps: count(Phase::Start),
            shutdown_steps,
            worst: format!("at worst {} of {}", plan.worst.total, self.order.settings.grace.value),
        });
        for (index, step) in self.order.steps.iter().enumerate() {
            let (outcome, why) = match &plan.steps[index].place {
                Place::Off(why) => (Outcome::Off, why.clone()),
                Place::Skipped(why) => (Outcome::Skipped, why.clone()),
                Place::Ranked(_) | Place::LastWithReport | Place::Last => continue,
            };
            let fate = format!("`{}` is {}: {why}", step.name, outcome.as_str());
            self.fates.borrow_mut().steps.insert(index, fate);
            self.reports.push(StepReport { outcome, error: Some(why), ..step_draft(step) });
        }
    }

    /// Runs the start hooks. Returns whether the service may begin.
    fn start(&mut self) -> bool {
        let life = self.order.life;
        life.set_state(State::Starting);
        let graph = self.order.plan.start.clone();
        if life.triggered().is_some() {
            self.reach_none(&graph);
        } else {
            let mut track = self.launch(&graph, None, AfterFailure::BeginNothing, None);
            let mut stopped = false;
            loop {
                if self.narrate(&mut track) == Went::Wrong {
                    life.trigger(Reason::StartFailed);
                }
                if track.execution.is_done() {
                    break;
                }
                if !stopped && life.triggered().is_some() {
                    stopped = true;
                    track.execution.stop(Instant::now(), Outcome::CutOff);
                } else {
                    self.turn(&mut track);
                }
            }
            self.conclude(&track);
        }
        if life.triggered().is_some() {
            self.fates.borrow_mut().start_was_cut_short = true;
            return false;
        }
        true
    }

    /// Lets the service run until something triggers the shutdown.
    fn serve(&mut self) {
        let life = self.order.life;
        life.set_state(State::Running);
        self.seen.borrow_mut().service = Service::Running;
        let gone = self.let_go.take().is_none_or(|let_go| let_go.send(()).is_err());
        if gone {
            self.service_ended(ServiceEnd::Dropped);
        }
        while life.triggered().is_none() {
            match self.hear(None) {
                Some(heard) => heard.ignore(),
                None => return,
            }
        }
    }

    fn service_ended(&mut self, end: ServiceEnd) {
        let reason = match &end {
            ServiceEnd::Failed(error) => {
                // As plain Rust prints what `main` returns, whoever else is told.
                sys::write_stderr(format!("Error: {error}\n").as_bytes(), Instant::now() + LINE_PATIENCE);
                self.order.narrator.say(Say::ServiceFailed { error: error.clone() });
                Reason::ServiceFailed
            }
            // The panic's own message is on stderr already.
            ServiceEnd::Panicked(error) => {
                self.order.narrator.say(Say::ServiceFailed { error: error.clone() });
                Reason::ServiceFailed
            }
            ServiceEnd::Ended | ServiceEnd::Dropped => Reason::ServiceEnded,
        };
        self.seen.borrow_mut().service_ended(end);
        self.order.life.trigger(reason);
    }

    /// Waits for a message and does what does not concern a graph. `None`: the time is up, or nobody is left to speak.
    pub(super) fn hear(&mut self, until: Option<Instant>) -> Option<Heard> {
        let message = match until {
            Some(until) => match self.inbox.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(message) => message,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
            },
            None => self.inbox.recv().ok()?,
        };
        Some(match message {
            Message::Ended { at, end, gifts } => Heard::Ended(at, end, gifts),
            Message::Poked(at) => Heard::Poked(at),
            Message::Trigger => Heard::Other,
            Message::Service(end) => {
                self.service_ended(end);
                Heard::ServiceChanged
            }
            Message::ServiceAwaitsReport => Heard::ServiceChanged,
            Message::ServiceWaits => {
                if self.order.settings.ready.value == Ready::Auto {
                    self.order.life.mark_ready();
                }
                Heard::Other
            }
            Message::Runtime(runtime) => {
                self.runtime = Some(runtime);
                Heard::Other
            }
        })
    }

    /// Waits for whatever comes next in a graph, and lets it happen.
    pub(super) fn turn(&mut self, track: &mut Track) {
        self.prepare_last_words(track);
        let heard = self.hear(track.execution.next_timer());
        let now = Instant::now();
        match heard {
            Some(Heard::Ended(at, end, gifts)) => {
                let end = self.accept(track, at, end, gifts);
                if at.graph == track.graph {
                    track.execution.ended(at.node, end, now);
                }
            }
            Some(Heard::Poked(at)) if at.graph == track.graph => track.execution.poked(at.node, now),
            Some(Heard::ServiceChanged) => {
                let requests = track.nodes.iter().position(TrackedNode::is_requests);
                if let Some(node) = requests {
                    track.execution.poked(node, now);
                }
            }
            Some(Heard::Poked(_) | Heard::Other) | None => {}
        }
        track.execution.on_time(now);
    }

    /// Puts what a start hook gives into the store, before anyone who takes it begins.
    fn accept(&self, track: &Track, at: Address, end: End, gifts: Vec<Resource>) -> End {
        let expected = at.graph == track.graph && track.execution.record(at.node).is_none();
        if !expected {
            // Of a hook that nobody waits for any more: what it gives came too late.
            if !gifts.is_empty() {
                drop_elsewhere(gifts);
            }
            return end;
        }
        let refused: Vec<String> = gifts
            .into_iter()
            .filter_map(|gift| self.order.life.resources.insert(gift).err())
            .map(|error| error.to_string())
            .collect();
        if refused.is_empty() { end } else { End::new(Outcome::Failed, refused.join("; ")) }
    }

    /// Begins a graph, which is cut at `deadline`.
    pub(super) fn launch(
        &mut self,
        graph: &Graph,
        deadline: Option<Instant>,
        after_failure: AfterFailure,
        report: Option<&Arc<Report>>,
    ) -> Track {
        self.graphs += 1;
        let number = self.graphs;
        let mut nodes = Vec::with_capacity(graph.nodes.len());
        let mut works: Vec<(MaybeWork, Vec<usize>)> = Vec::with_capacity(graph.nodes.len());
        for (index, node) in graph.nodes.iter().enumerate() {
            let at = Address { graph: number, node: index };
            let (tracked, work) = match node.kind {
                NodeKind::Step(step) => match &self.order.steps[step].task {
                    Task::Hook(begin) => self.hook(step, begin, at, deadline, report),
                    Task::Group(gate) => self.group(step, gate, at, deadline),
                },
                NodeKind::Requests => self.requests(at, deadline),
                NodeKind::Barrier => (TrackedNode { draft: None, facts: None, step: None, gate: None }, None),
            };
            nodes.push(tracked);
            works.push((work, node.next.clone()));
        }
        let began = Instant::now();
        let execution = Execution::begin(works, deadline, after_failure, began);
        Track { graph: number, execution, nodes, began }
    }

    /// The trigger came before the graph's first step.
    fn reach_none(&mut self, graph: &Graph) {
        for node in &graph.nodes {
            let NodeKind::Step(step) = node.kind else { continue };
            let report = self.placed_draft(step);
            self.excuse_takers_of(step, &report);
            self.reports.push(report);
        }
    }

    fn hook(
        &self,
        index: usize,
        begin: &Begin,
        at: Address,
        deadline: Option<Instant>,
        report: Option<&Arc<Report>>,
    ) -> (TrackedNode, MaybeWork) {
        let spec = &self.order.steps[index];
        let placed = &self.order.plan.steps[index];
        let limit = placed.limit;
        let hooks = Hooks {
            mailbox: self.mailbox.clone(),
            runtime: self.runtime(),
            rescue: Arc::clone(&self.rescue),
            resources: &self.order.life.resources,
            report: report.cloned(),
            deadline,
        };
        let fates = Rc::clone(&self.fates);
        let provider = self.order.plan.providers();
        let excuse: Excuse =
            Rc::new(move |missing| fates.borrow().excuse(provider.get(&missing.key).copied()));
        let (task, facts) = HookTask::new(spec.clone(), Arc::clone(begin), at, limit, hooks, excuse);
        let draft = self.placed_draft(index);
        let tracked = TrackedNode { draft: Some(draft), facts: Some(facts), step: Some(index), gate: None };
        (tracked, Some(Box::new(task)))
    }

    /// What is known of a step before it has run.
    fn placed_draft(&self, step: usize) -> StepReport {
        let placed = &self.order.plan.steps[step];
        let order = match &placed.place {
            // None of the numbers says when an early one has its turn.
            Place::Ranked(rank) => Some(rank.value).filter(|_| !rank.early),
            _ => None,
        };
        StepReport { order, limit: Some(placed.limit), ..step_draft(&self.order.steps[step]) }
    }

    /// A step's gate, or that of `Requests`.
    pub(super) fn drain_work(
        &self,
        gate: &'static Gate,
        step: Option<usize>,
        at: Address,
        deadline: Option<Instant>,
    ) -> DrainWork {
        let settings = &self.order.settings;
        DrainWork {
            life: self.order.life,
            gate,
            tally: self.tallies.borrow_mut().of(gate),
            service: step.is_none().then(|| Rc::clone(&self.seen)),
            mailbox: self.mailbox.clone(),
            at,
            within: match step {
                Some(step) => Some(self.order.plan.steps[step].limit),
                None => settings.drain.value.within(),
            },
            cut: settings.cut.value,
            deadline,
            stage: Stage::NotBegun,
        }
    }

    fn requests(&self, at: Address, deadline: Option<Instant>) -> (TrackedNode, MaybeWork) {
        let work = self.drain_work(&REQUESTS, None, at, deadline);
        let limit = work.within;
        let draft = StepReport { limit, ..draft("Requests", "lifecycle", StepKind::Group, ("", 0)) };
        let tracked = TrackedNode { draft: Some(draft), facts: None, step: None, gate: Some(&REQUESTS) };
        (tracked, Some(Box::new(work)))
    }

    fn group(
        &self,
        index: usize,
        gate: &'static Gate,
        at: Address,
        deadline: Option<Instant>,
    ) -> (TrackedNode, MaybeWork) {
        let work = self.drain_work(gate, Some(index), at, deadline);
        let draft = self.placed_draft(index);
        let tracked = TrackedNode { draft: Some(draft), facts: None, step: Some(index), gate: Some(gate) };
        (tracked, Some(Box::new(work)))
    }

    /// Says what has begun and ended since the last call, and whether anything went wrong.
    pub(super) fn narrate(&self, track: &mut Track) -> Went {
        let life = self.order.life;
        let mut went = Went::Well;
        for (node, change) in track.execution.take_changes() {
            self.stale.set(true);
            let Some(report) = track.report(node) else { continue };
            let phase = if report.kind == StepKind::Start { Phase::Start } else { Phase::Shutdown };
            let (id, step) = (self.id.clone(), report.name);
            let requests = track.nodes[node].is_requests();
            match change {
                Change::Began => {
                    if requests {
                        life.tell(Event::State(State::Draining));
                    }
                    self.order.narrator.say(match track.nodes[node].gate {
                        Some(gate) => {
                            let calls = self.tallies.borrow().calls(gate);
                            let in_flight = calls.map_or(0, |calls| calls.awaited);
                            Say::Draining { id, group: gate.name(), in_flight, limit: report.limit }
                        }
                        None => Say::StepBegan { id, phase, step: step.clone(), limit: report.limit },
                    });
                    life.tell(Event::StepBegan { step });
                }
                Change::Ended => {
                    let (outcome, error, ran) = (report.outcome, report.error, report.ran);
                    if outcome.is_degraded() {
                        went = Went::Wrong;
                    }
                    let told = Event::StepEnded { step: step.clone(), outcome, error: error.clone() };
                    self.order.narrator.say(Say::StepEnded { id, phase, step, outcome, error, ran });
                    life.tell(told);
                    if requests {
                        life.tell(Event::State(State::Stopping));
                    }
                }
            }
        }
        went
    }

    /// Tells the watchdog what runs, for it to say should it come to that. Asked for before each wait, and so once for
    /// many changes.
    fn prepare_last_words(&self, track: &Track) {
        let triggered = self.order.life.triggered().is_some();
        if self.order.watchdog.is_none() || !triggered || !self.stale.replace(false) {
            return;
        }
        let running: Vec<String> = track
            .execution
            .running()
            .filter_map(|(node, _)| track.nodes[node].draft.as_ref())
            .map(|step| match step.line {
                0 => step.name.clone(),
                line => format!("{} ({}:{line})", step.name, step.file),
            })
            .collect();
        let running = running.join(", ");
        self.last_words(if running.is_empty() { "no step" } else { &running });
    }

    /// What the watchdog says should it come to that.
    pub(super) fn last_words(&self, running: &str) {
        let grace = self.order.settings.grace.value;
        if let Some(watchdog) = &self.order.watchdog {
            watchdog.prepare(format!(
                "lifecycle: {grace} have passed, the watchdog ends the process, exit 124; still running: {running}\n"
            ));
        }
    }

    /// Keeps what became of a graph's steps, and excuses who takes what a failed one should have given.
    pub(super) fn conclude(&mut self, track: &Track) {
        for (node, tracked) in track.nodes.iter().enumerate() {
            let (Some(step), Some(report)) = (tracked.step, track.report(node)) else { continue };
            if report.outcome == Outcome::Done {
                continue;
            }
            self.excuse_takers_of(step, &report);
        }
        self.reports.extend(track.reports());
    }

    fn excuse_takers_of(&self, step: usize, report: &StepReport) {
        let fate = format!("`{}` {}", report.name, report.outcome.as_str());
        self.fates.borrow_mut().steps.insert(step, fate);
    }
}

/// What a batch of changes came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Went {
    Well,
    Wrong,
}

/// What was heard that concerns a graph.
pub(super) enum Heard {
    Ended(Address, End, Vec<Resource>),
    Poked(Address),
    ServiceChanged,
    Other,
}

impl Heard {
    /// Of a graph that is over, or of none.
    pub(super) fn ignore(self) {
        match self {
            Heard::Ended(_, _, gifts) if !gifts.is_empty() => drop_elsewhere(gifts),
            Heard::Ended(..) | Heard::Poked(_) | Heard::ServiceChanged | Heard::Other => {}
        }
    }
}

pub(super) fn step_draft(spec: &StepSpec) -> StepReport {
    draft(&spec.name, &spec.module, spec.kind(), (&spec.file, spec.line))
}

/// Short, and different in every process of a rollout.
fn shutdown_id() -> String {
    use std::hash::{BuildHasher, RandomState};
    let random = RandomState::new().hash_one(std::process::id());
    format!("{:08x}", random & 0xffff_ffff)
}

impl Coordinator {
    pub(super) fn runtime(&self) -> Handle {
        match &self.runtime {
            Some(runtime) => runtime.clone(),
            None => unreachable!("`run` begins nothing before the runtime is there"),
        }
    }

    /// Lets the service go on until then, or until it ends by itself.
    pub(super) fn serve_until(&mut self, until: Instant) {
        while Instant::now() < until && self.seen.borrow().service == Service::Running {
            if let Some(heard) = self.hear(Some(until)) {
                heard.ignore();
            }
        }
    }

    /// When `reserve` begins; never without a `grace`.
    pub(super) fn end_of_ordered(&self, trigger: &Trigger) -> Option<Instant> {
        trigger.deadline.map(|deadline| {
            deadline.checked_sub(self.order.settings.reserve.value).unwrap_or(trigger.at).max(trigger.at)
        })
    }
}

/// How long before the deadline the last steps' time is over: what comes after them still needs this much.
pub(crate) fn exit_margin(reserve: Duration) -> Duration {
    EXIT_MARGIN.min(reserve / 4)
}

const EXIT_MARGIN: Duration = Duration::from_millis(250);
