//! The lifecycle of one `#[lifecycle::test]`: all of it on one runtime whose clock stands still while anything can run.

use std::any::TypeId;
use std::cell::OnceCell;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use super::call::panicked;
use super::coordinator::{self, Coordinator, Order};
use super::entry::MainDef;
use super::executor::{AfterFailure, Change, Execution};
use super::hook_task::{Facts, HookTask, Hooks};
use super::inline;
use super::launch::step_draft;
use super::mailbox::{self, Mailbox};
use super::message::{Address, Message};
use super::rescue::Rescue;
use super::service::ServiceEnd;
use super::shared::Shared;
use super::track::{Kind, Track, TrackedNode};
use super::{Prepared, prepare};
use crate::clock;
use crate::events::Event;
use crate::hook::{Missing, Phase, StepSpec, Task};
use crate::narrator::Narrator;
use crate::process::{Lifecycle, Running, lifecycle};
use crate::report::{Outcome, StepReport};
use crate::resource::{Inputs, Resource};
use crate::settings::ReportFormat;
use crate::signal::Wanted;
use crate::testing::{self, Clock, Stage, TestResult};

/// How often the others have their turn before the test's body has its first: workers have begun by then, and a service
/// that is ready by itself is.
const TURNS: u32 = 4;

/// What to do about a start that the clock has run away from.
const PAUSED: &str = "\
the test's clock is paused: it jumps to the next timer, here the step's timeout, whenever everything waits. What waits
for the network or for a thread of its own cannot be told from that: put a fake in its place (`testing::provide` in
`setup`), or write #[lifecycle::test(clock = real)]
";

/// What became of the test's body.
enum Body {
    /// The start came to nothing.
    NeverBegan,
    Ended,
    /// It returned an error.
    Failed(String),
    Panicked(String),
}

/// What a test failed by.
pub(crate) struct Failure {
    pub(crate) message: String,
    /// It was printed when it happened.
    pub(crate) said: bool,
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Failure { message, said: false }
    }
}

/// Starts, runs the body, shuts down.
pub(crate) fn run<F>(
    def: &'static MainDef,
    clock: Clock,
    body: impl FnOnce(&mut Inputs<'_>) -> Result<F, Missing>,
) -> Result<(), Failure>
where
    F: Future,
    F::Output: TestResult,
{
    let life = lifecycle();
    let mut prepared = prepare(life, def.settings(), def.setup, &def.takes())
        .map_err(|errors| format!("nothing was started:\n  - {}", errors.join("\n  - ")))?;
    // It is a part of what the test says.
    prepared.settings.report(ReportFormat::Off);
    testing::set_stage(stage(&prepared));
    let runtime = Builder::new_current_thread().enable_all().start_paused(clock == Clock::Paused).build();
    let runtime = runtime.map_err(|error| format!("the runtime cannot be built: {error}"))?;
    let runtime = Arc::new(runtime);
    let live = live(life, prepared, body);
    let ended = match clock {
        Clock::Paused => inline::block_on(&runtime, live),
        Clock::Real => runtime.block_on(live),
    };
    // Without waiting: a blocking task of the test's may never end.
    if let Some(runtime) = Arc::into_inner(runtime) {
        runtime.shutdown_background();
    }
    verdict(life, ended, clock)
}

fn stage(prepared: &Prepared) -> Stage {
    let Prepared { settings, steps, plan, .. } = prepared;
    let limits = plan.steps.iter().map(|placed| placed.limit);
    Stage {
        signals: Wanted {
            shutdown: settings.signals.value.clone(),
            pause: settings.pause.value,
            resume: settings.resume.value,
        },
        steps: steps.iter().cloned().zip(limits).collect(),
    }
}

async fn live<F>(
    life: &'static Lifecycle,
    prepared: Prepared,
    body: impl FnOnce(&mut Inputs<'_>) -> Result<F, Missing>,
) -> Body
where
    F: Future,
    F::Output: TestResult,
{
    let (mailbox, inbox) = mailbox::on_a_runtime();
    let (let_go, go) = oneshot::channel();
    let narrator = Narrator::inline();
    let Prepared { settings, steps, plan, main, given, view: _ } = prepared;
    life.set_running(Running {
        mailbox: mailbox.clone(),
        watchdog: None,
        narrator: narrator.clone(),
        grace: settings.grace.value.within(),
        began: clock::now(),
        journal: None,
        previous: None,
    });
    mailbox.send(Message::Runtime(Handle::current()));
    let order = Order {
        id: coordinator::shutdown_id(),
        life,
        settings,
        steps,
        plan,
        main,
        given,
        narrator,
        watchdog: None,
        // Nothing of a test is for the next run to know.
        journal: None,
        debts: Vec::new(),
        warnings: Vec::new(),
    };
    // A task, so that it goes on beside a sync call that keeps this thread.
    let coordinator = tokio::spawn(Coordinator::new(order, inbox, mailbox.clone(), let_go).run());
    let (mut coordinator, mut body) = (pin!(coordinator), pin!(drive(life, mailbox, go, body)));
    let (mut over, mut ended) = (false, None);
    poll_fn(|cx| {
        if ended.is_none() {
            if let Poll::Ready(body) = body.as_mut().poll(cx) {
                ended = Some(body);
            }
        }
        if !over {
            if let Poll::Ready(result) = coordinator.as_mut().poll(cx) {
                over = true;
                result.unwrap_or_else(|error| resume_unwind(error.into_panic()));
            }
        }
        if over { ended.take().map_or(Poll::Pending, Poll::Ready) } else { Poll::Pending }
    })
    .await
}

/// Runs the test's body once the start is done. For the coordinator it is a service that knows of the shutdown and ends
/// when it is told to, whatever the body goes on to look at.
async fn drive<F>(
    life: &'static Lifecycle,
    mailbox: Mailbox,
    go: oneshot::Receiver<()>,
    body: impl FnOnce(&mut Inputs<'_>) -> Result<F, Missing>,
) -> Body
where
    F: Future,
    F::Output: TestResult,
{
    if go.await.is_err() {
        return Body::NeverBegan;
    }
    let tell = |end: ServiceEnd| mailbox.send(Message::Service(end));
    mailbox.send(Message::ServiceWaits);
    for _ in 0..TURNS {
        tokio::task::yield_now().await;
    }
    testing::body_begins();
    let token = OnceCell::from(life.stopping.child_token());
    let mut inputs = Inputs {
        resources: &life.resources,
        token: &token,
        token_given: false,
        report: None,
        step: "the test",
    };
    let gathered = catch_unwind(AssertUnwindSafe(|| body(&mut inputs)));
    let mut body = match gathered {
        Ok(Ok(body)) => Some(Box::pin(body)),
        Ok(Err(missing)) => {
            tell(ServiceEnd::Failed(missing.to_string()));
            return Body::Failed(missing.to_string());
        }
        Err(payload) => {
            let why = panicked(payload).why.unwrap_or_default();
            tell(ServiceEnd::Panicked(why.clone()));
            return Body::Panicked(why);
        }
    };
    let (mut told, mut stopping) = (false, pin!(life.stopping.clone().cancelled_owned()));
    let ended = poll_fn(|cx| {
        if !told && stopping.as_mut().poll(cx).is_ready() {
            told = true;
            tell(ServiceEnd::Ended);
        }
        let Some(running) = body.as_mut() else { return Poll::Pending };
        let polled = catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(cx)));
        let ended = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(result)) => result.conclude().map_or_else(Body::Failed, |()| Body::Ended),
            Err(payload) => Body::Panicked(panicked(payload).why.unwrap_or_default()),
        };
        match catch_unwind(AssertUnwindSafe(|| body = None)) {
            Ok(()) => Poll::Ready(ended),
            Err(payload) => Poll::Ready(Body::Panicked(panicked(payload).why.unwrap_or_default())),
        }
    })
    .await;
    testing::body_ended();
    match &ended {
        Body::Failed(error) if told => eprintln!("Error: {error}"),
        Body::Failed(error) => tell(ServiceEnd::Failed(error.clone())),
        Body::Panicked(error) if !told => tell(ServiceEnd::Panicked(error.clone())),
        Body::Ended if !told => tell(ServiceEnd::Ended),
        Body::NeverBegan | Body::Ended | Body::Panicked(_) => {}
    }
    ended
}

fn verdict(life: &Lifecycle, ended: Body, clock: Clock) -> Result<(), Failure> {
    let Some(report) = life.report() else {
        return Err("the lifecycle has failed, please report it".to_owned().into());
    };
    let degraded = report.exit_code != 0;
    match ended {
        Body::Panicked(message) => Err(Failure { message, said: true }),
        Body::Failed(error) => Err(Failure { message: format!("Error: {error}"), said: true }),
        Body::NeverBegan => {
            let late = report.steps.iter().any(|step| step.outcome == Outcome::TimedOut);
            let hint = if late && clock == Clock::Paused { PAUSED } else { "" };
            Err(format!("the start failed, so the test's body was not run:\n{report}{hint}").into())
        }
        Body::Ended if degraded && !testing::is_report_taken() => {
            Err(format!("the shutdown after the test was degraded:\n{report}").into())
        }
        Body::Ended => Ok(()),
    }
}

/// Runs one step as the graph would: asked whether it runs, tried, tried again, replaced by its fallback.
pub(crate) async fn run_step(id: TypeId, type_name: &str, stage: &'static Stage) -> StepReport {
    let life = lifecycle();
    let found = stage.steps.iter().find(|(spec, _)| spec.id == Some(id));
    let Some((spec, limit)) = found else {
        panic!("testing::run::<{type_name}>(): no such step is in this program");
    };
    let Task::Hook(begin) = &spec.task else {
        panic!(
            "testing::run::<{type_name}>(): it is no hook; a worker or a group runs beside the test already"
        );
    };
    if spec.phase == Phase::Shutdown {
        testing::note_run(id);
    }
    let (mailbox, inbox) = mailbox::on_a_runtime();
    let at = Address { graph: 1, node: 0, turn: 0 };
    let hooks = Hooks {
        mailbox,
        runtime: Handle::current(),
        rescue: Arc::<Rescue>::default(),
        crew: Arc::default(),
        resources: &life.resources,
        report: life.report().cloned(),
        narrator: Narrator::inline(),
        id: "test".into(),
        excuse: Arc::new(|_| None),
    };
    let (task, facts) = HookTask::new(spec.clone(), begin.clone(), at, *limit, None, &Arc::new(hooks));
    let mut track = track(spec, *limit, task, facts);
    loop {
        tell(life, &mut track);
        if let (true, Some(report)) = (track.execution.is_done(), track.report(0)) {
            return report;
        }
        let heard = inbox.next(track.execution.next_timer()).await;
        let now = clock::now();
        match heard {
            Some(Message::Ended { at, end, gifts }) if track.awaits(at) => {
                give(life, gifts);
                track.execution.ended(at.node, end, now);
            }
            Some(Message::Poked(_)) => track.execution.poked(0, now),
            _ => {}
        }
        track.execution.on_time(now);
    }
}

fn track(spec: &StepSpec, limit: Duration, task: HookTask, facts: Shared<Facts>) -> Track {
    let draft = StepReport { limit: Some(limit), ..step_draft(spec) };
    let began = clock::now();
    let mut execution = Execution::new([(Some(Box::new(task) as _), Vec::new())]);
    execution.begin(None, AfterFailure::GoOn, began);
    let name = (&*draft.name).into();
    Track {
        graph: 1,
        execution,
        nodes: vec![TrackedNode { draft: Some(0), name, step: None, kind: Kind::Hook(facts) }],
        drafts: vec![draft],
        began,
        before: Duration::ZERO,
    }
}

fn tell(life: &Lifecycle, track: &mut Track) {
    for (node, change) in track.execution.take_changes() {
        let Some(StepReport { name: step, outcome, error, .. }) = track.report(node) else { continue };
        life.tell(match change {
            Change::Began => Event::StepBegan { step },
            Change::Ended => Event::StepEnded { step, outcome, error },
        });
    }
}

/// What the start has given already, it keeps.
fn give(life: &Lifecycle, gifts: Vec<Resource>) {
    for gift in gifts {
        drop(life.resources.insert(gift));
    }
}

impl Coordinator {
    /// Each step has one turn, and theirs was in the test.
    pub(super) fn leave_out_what_the_test_has_run(&mut self) {
        if !clock::in_test() {
            return;
        }
        let mut steps = self.order.steps.clone();
        let mut left_out = Vec::new();
        for step in steps.iter_mut().filter(|step| step.off.is_none() && testing::has_run(step.id)) {
            let why = "the test has run it".to_owned();
            left_out.push(StepReport { outcome: Outcome::Off, error: Some(why.clone()), ..step_draft(step) });
            step.off = Some(why);
        }
        if left_out.is_empty() {
            return;
        }
        // Without these steps it is as valid as before.
        if let Ok(plan) = self.plan_of(&steps) {
            (self.order.plan, self.order.steps) = (plan, steps);
            self.reports.extend(left_out);
        }
    }
}
