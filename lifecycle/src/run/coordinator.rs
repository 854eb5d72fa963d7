//! The coordinator: start, serve, shut down. It decides which graph runs when and on what time.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Instant;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::background::Background;
use super::crew::Crew;
use super::executor::AfterFailure;
use super::fates::Fates;
use super::journal::Owing;
use super::launch::{Made, step_draft};
use super::mailbox::{Inbox, Mailbox};
use super::narrate::{LastWords, Went};
use super::requests::{Seen, Service, Tallies};
use super::rescue::Rescue;
use super::service::ServiceEnd;
use super::shared::Shared;
use crate::clock;
use crate::events::State;
use crate::health::Monitor;
use crate::hook::{Gift, Phase, Signature, StepSpec};
use crate::journal::{DeadLetter, Journal};
use crate::narrator::{Narrator, Say};
use crate::plan::{Place, Plan};
use crate::process::Lifecycle;
use crate::report::{Outcome, Reason, StepReport};
use crate::settings::{Limit, Settings};
use crate::watchdog::Watchdog;

/// What a lifecycle is run with.
pub(super) struct Order {
    /// The run's name: the shutdown's in every event, and the run's in the journal.
    pub(super) id: String,
    pub(super) life: &'static Lifecycle,
    pub(super) settings: Settings,
    pub(super) steps: Vec<StepSpec>,
    pub(super) plan: Plan,
    pub(super) main: Signature,
    /// What was there before the first step.
    pub(super) given: Vec<Gift>,
    pub(super) narrator: Narrator,
    pub(super) watchdog: Option<Watchdog>,
    pub(super) journal: Option<Journal>,
    /// What was owed of earlier runs when this one began.
    pub(super) debts: Vec<DeadLetter>,
    /// What is to be said before anything else.
    pub(super) warnings: Vec<String>,
}

/// See the module's words.
pub(super) struct Coordinator {
    pub(super) order: Order,
    pub(super) inbox: Inbox,
    pub(super) mailbox: Mailbox,
    pub(super) let_go: Option<oneshot::Sender<()>>,
    pub(super) runtime: Option<Handle>,
    pub(super) rescue: Arc<Rescue>,
    pub(super) crew: Arc<Crew>,
    /// The shutdown's name in every event.
    pub(super) id: Arc<str>,
    /// The shutdown's time in words, for when there is none to find them.
    pub(super) grace: String,
    pub(super) seen: Shared<Seen>,
    pub(super) tallies: RefCell<Tallies>,
    pub(super) fates: Shared<Fates>,
    pub(super) background: Background,
    pub(super) graphs: u32,
    pub(super) last_words: LastWords,
    /// The shutdown's graph, as long as nothing changes it.
    pub(super) ready: Option<Made>,
    /// How often registrations had changed when they were last taken into the plan.
    pub(super) registered: u64,
    /// Of the steps that have ended.
    pub(super) reports: Vec<StepReport>,
    pub(super) owing: RefCell<Vec<Owing>>,
    /// The journal's disk did not answer in time.
    pub(super) disk_is_late: Cell<bool>,
}

impl Coordinator {
    pub(super) fn new(order: Order, inbox: Inbox, mailbox: Mailbox, let_go: oneshot::Sender<()>) -> Self {
        let monitor = Monitor::new(order.life, mailbox.clone(), order.narrator.clone());
        let owing = RefCell::new(Owing::of(&order.steps));
        Coordinator {
            id: order.id.as_str().into(),
            grace: match order.settings.grace.value {
                Limit::Never => "without a deadline".to_owned(),
                grace => format!("within {grace}"),
            },
            order,
            inbox,
            mailbox,
            let_go: Some(let_go),
            runtime: None,
            rescue: Arc::default(),
            crew: Arc::default(),
            seen: Shared::default(),
            tallies: RefCell::default(),
            fates: Shared::default(),
            background: Background::new(monitor),
            graphs: 0,
            last_words: LastWords::default(),
            ready: None,
            registered: 0,
            reports: Vec::new(),
            owing,
            disk_is_late: Cell::new(false),
        }
    }

    /// From the start to the report.
    pub(super) async fn run(mut self) {
        // Before any user's code, which may keep this thread as it is the one to clone arguments.
        self.prepare_to_say("what keeps the library's own thread, perhaps a `Clone` of an argument");
        self.announce();
        while self.runtime.is_none() {
            match self.hear(None).await {
                Some(heard) => heard.ignore(),
                None => return,
            }
        }
        if self.start().await {
            self.serve().await;
        }
        self.shut_down().await;
    }

    fn announce(&mut self) {
        let plan = &self.order.plan;
        for warning in &self.order.warnings {
            self.order.narrator.say(Say::Alarm(warning.clone()));
        }
        for warning in &plan.warnings {
            self.order.narrator.say(Say::Warning(warning.clone()));
        }
        self.announce_debts();
        let on = |step: &&StepSpec| step.off.is_none() && !self.owes_nothing(step);
        let count = |phase| self.order.steps.iter().filter(on).filter(|step| step.phase == phase).count();
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
            if self.owes_nothing(step) {
                continue;
            }
            let fate = format!("`{}` is {}: {why}", step.name, outcome.as_str());
            self.fates.borrow_mut().steps.insert(index, fate);
            self.reports.push(StepReport { outcome, error: Some(why), ..step_draft(step) });
        }
    }

    /// Runs the start hooks. Returns whether the service may begin.
    async fn start(&mut self) -> bool {
        let life = self.order.life;
        life.set_state(State::Starting);
        self.owe_unplanned();
        // For what `setup` gave.
        self.arm();
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
                    track.execution.stop(clock::now(), Outcome::CutOff);
                } else {
                    self.turn(&mut track).await;
                }
            }
            self.conclude(&mut track);
            self.settle_records().await;
        }
        if life.triggered().is_some() {
            self.fates.borrow_mut().start_was_cut_short = true;
            return false;
        }
        true
    }

    /// Lets the service run until something triggers the shutdown.
    async fn serve(&mut self) {
        let life = self.order.life;
        life.set_serving();
        self.seen.borrow_mut().service = Service::Running;
        self.take_registrations();
        self.open_workers();
        let runtime = self.runtime();
        self.background.monitor.begin(runtime, clock::now());
        let gone = self.let_go.take().is_none_or(|let_go| let_go.send(()).is_err());
        if gone {
            self.service_ended(ServiceEnd::Dropped);
        }
        self.make_ready();
        while life.triggered().is_none() {
            match self.hear(None).await {
                Some(heard) => heard.ignore(),
                None => return,
            }
        }
    }

    /// Lets the service go on until then, or until it ends by itself.
    pub(super) async fn serve_until(&mut self, until: Instant) {
        while clock::now() < until && self.seen.borrow().service == Service::Running {
            if let Some(heard) = self.hear(Some(until)).await {
                heard.ignore();
            }
        }
    }

    pub(super) fn runtime(&self) -> Handle {
        match &self.runtime {
            Some(runtime) => runtime.clone(),
            None => unreachable!("`run` begins nothing before the runtime is there"),
        }
    }
}

/// Short, and different in every process of a rollout.
pub(super) fn shutdown_id() -> String {
    use std::hash::{BuildHasher, RandomState};
    let random = RandomState::new().hash_one(std::process::id());
    format!("{:08x}", random & 0xffff_ffff)
}
