//! Plans to test with.

use std::time::Duration;

use super::Plan;
use crate::compensation;
use crate::edge::Edges;
use crate::gate::Gate;
use crate::health::{Check, CheckSpec};
use crate::hook::{Begin, Gift, Need, Phase, Signature, StepKeys, StepSpec, Task};
use crate::plan::{self as planner, Input};
use crate::rare::Rare;
use crate::register::Hook;
use crate::settings::{Exit, Limit, Settings, signals};
use crate::worker::{Restart, Worker};

/// A resource.
pub(crate) struct Db;
struct Venue;

#[derive(Clone)]
pub(crate) struct Draft(StepSpec);

fn draft(name: &str, phase: Phase) -> Draft {
    Draft(StepSpec {
        name: name.to_owned().into(),
        module: "shop::orders".into(),
        file: "src/orders.rs".into(),
        line: u32::try_from(name.len()).unwrap(),
        id: None,
        phase,
        keys: StepKeys::default(),
        extra: Rare::default(),
        signature: Rare::default(),
        edges: Edges::default(),
        off: None,
        task: Task::Hook(Begin::new(|_| unreachable!("a plan calls nothing"))),
    })
}

pub(crate) fn start(name: &str) -> Draft {
    draft(name, Phase::Start)
}

pub(crate) fn stop(name: &str) -> Draft {
    draft(name, Phase::Shutdown)
}

pub(crate) fn group(name: &str, gate: &'static Gate) -> Draft {
    stop(name).with(|spec| spec.task = Task::Group(gate))
}

impl Draft {
    fn with(mut self, change: impl FnOnce(&mut StepSpec)) -> Self {
        change(&mut self.0);
        self
    }
    pub(crate) fn order(self, order: i32) -> Self {
        self.with(|step| step.keys.order = Some(order))
    }
    pub(crate) fn millis(self, millis: u64) -> Self {
        self.with(|step| step.keys.timeout = Some(Duration::from_millis(millis)))
    }
    pub(crate) fn last(self) -> Self {
        self.with(|step| step.keys.last = true)
    }
    pub(crate) fn off(self, why: &str) -> Self {
        self.with(|step| step.off = Some(why.into()))
    }
    pub(crate) fn module(self, module: &str) -> Self {
        self.with(|step| step.module = module.to_owned().into())
    }
    pub(crate) fn report(self) -> Self {
        self.with(|step| step.signature.takes_report = true)
    }
    pub(crate) fn shares<T: 'static>(self) -> Self {
        self.with(|step| step.signature.takes.push(Need::share::<T>()))
    }
    pub(crate) fn takes<T: 'static>(self) -> Self {
        self.with(|step| step.signature.takes.push(Need::take::<T>()))
    }
    pub(crate) fn gives<T: 'static>(self) -> Self {
        let gift = Gift { key: std::any::TypeId::of::<T>(), type_name: std::any::type_name::<T>() };
        self.with(|step| step.signature.gives.push(gift))
    }
}

pub(crate) fn planned(
    steps: impl IntoIterator<Item = Draft>,
    change: impl FnOnce(&mut Settings),
) -> (planner::Plan, Vec<StepSpec>, Settings) {
    let steps: Vec<StepSpec> = steps.into_iter().map(|draft| draft.0).collect();
    let mut settings = Settings::default();
    change(&mut settings);
    let input = Input { steps: &steps, given: &[], main: &Signature::default(), settings: &settings };
    let plan = planner::plan(&input).unwrap_or_else(|errors| panic!("{errors}"));
    (plan, steps, settings)
}

/// With checks of every kind.
pub(crate) fn checked() -> Plan {
    let (plan, steps, settings) = planned(small_steps(), small_settings);
    Plan::new(&plan, &steps, &checks(), &settings)
}

fn checks() -> Vec<CheckSpec> {
    let leader = Check::new("leader", || async {}).recover(|| async {}).when(|| true).retry(1);
    let checks = [
        Check::new("db", || async {}),
        leader.interval(seconds(60)).timeout(Duration::from_millis(1_500)),
        Check::new("quick", || async {}).retry(0).interval(seconds(5)),
        Check::new("mail", || async {}),
    ];
    let mut checks: Vec<CheckSpec> = checks.into_iter().map(|check| placed(check.spec)).collect();
    checks[3].off = Some("no mail here".into());
    checks
}

fn placed(mut check: CheckSpec) -> CheckSpec {
    (check.file, check.line) = ("src/checks.rs".into(), u32::try_from(check.name.len()).unwrap());
    check
}

pub(crate) fn plan(steps: impl IntoIterator<Item = Draft>, change: impl FnOnce(&mut Settings)) -> Plan {
    let (plan, steps, settings) = planned(steps, change);
    Plan::new(&plan, &steps, &[], &settings)
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// One of everything, within its time.
pub(crate) fn small() -> Plan {
    plan(small_steps(), small_settings)
}

fn small_settings(settings: &mut Settings) {
    settings.grace(seconds(40)).lameduck(seconds(3));
}

pub(crate) fn small_steps() -> Vec<Draft> {
    vec![
        start("open_db").gives::<Db>().millis(10_000),
        start("connect").gives::<Venue>(),
        start("migrate").shares::<Db>().order(1),
        start("warm_cache").shares::<Db>().millis(2_500),
        stop("deregister").order(-1).millis(1_500),
        stop("cancel_open_orders").shares::<Venue>().millis(3_000),
        stop("flush").shares::<Db>().millis(4_000),
        stop("archive").order(2).shares::<Db>().millis(2_000),
        stop("close_db").takes::<Db>().millis(5_000),
        stop("disconnect").takes::<Venue>().millis(1_000),
        stop("alert").last().report().millis(2_000),
        stop("flush_telemetry").last().millis(1_000),
        stop("notify").order(3).off("not in this binary"),
    ]
}

/// Steps of which each does something else if it fails.
pub(crate) fn careful() -> Plan {
    let hook = |spec: StepSpec| {
        Draft(StepSpec { module: "shop::orders".into(), file: "src/orders.rs".into(), line: 7, ..spec })
    };
    let idle = |name: &str| Worker::new(name, |token| async move { token.cancelled().await });
    let cancel = Hook::on_shutdown("cancel_orders", || async {}).attempt(seconds(1)).retry(2);
    let mut steps = vec![
        hook(Hook::on_start("connect", || async {}).retry(10).backoff(Duration::from_millis(250)).spec),
        hook(idle("consume").spec),
        hook(idle("heartbeat").restart(Restart::Never).order(-1).spec),
        hook(idle("poll").restart(Restart::Always).retry(1).backoff(seconds(2)).spec),
        hook(cancel.fallback(|| async {}).when(|| true).compensate(|| async {}).spec),
        stop("plain"),
    ];
    let mut specs: Vec<StepSpec> = steps.iter().map(|draft| draft.0.clone()).collect();
    compensation::add_to(&mut specs);
    steps.extend(specs.drain(steps.len()..).map(hook));
    plan(steps, |_| ())
}

/// Sixty steps in six ranks, too long for the time there is.
pub(crate) fn large() -> Plan {
    let steps = (0..60).map(|n: u64| {
        let name = |what: &str| format!("{what}_{:02}", n % 12 + 1);
        let draft = match n / 12 {
            0 => start(&name("start_worker")).order(i32::try_from(n % 3).unwrap()),
            1 => stop(&name("deregister_from_balancer")).order(-1),
            2 => stop(&name("flush_partition")).order(0),
            3 => stop(&name("close_connection")).order(i32::try_from(n % 2 + 1).unwrap()),
            _ => stop(&name("archive_segment")).order(4),
        };
        draft.millis(700 + (n * 397) % 3_100)
    });
    let last = [stop("alert").last().report(), stop("flush_telemetry").last()];
    plan(steps.chain(last), |_| ())
}

/// Names, files and whys that would break any format that did not escape them.
pub(crate) fn hostile() -> Plan {
    const NASTY: &str = "a\"b'c<d>&e\\f{g}|h\n#: %i\u{1b}[31mé🦀]]>--";
    let (plan, steps, settings) = planned(
        [
            start(NASTY),
            stop(NASTY).module("other"),
            stop("Requests").module("other"),
            stop("off").off(NASTY),
            stop("a_name_that_is_far_longer_than_any_column_that_one_would_like_to_draw_it_in"),
        ],
        |settings| {
            settings.signals(&[signals::SIGUSR1, signals::SIGTERM]).exit(Exit::Reraise);
        },
    );
    let mut check = placed(Check::new(NASTY, || async {}).spec);
    check.off = Some(NASTY.into());
    Plan::new(&plan, &steps, &[check], &settings)
}

/// Nothing ends by itself.
pub(crate) fn endless() -> Plan {
    plan([stop("early").order(-1), stop("close"), stop("flush").last()], |settings| {
        settings.grace(Limit::Never).drain(Limit::Never);
    })
}

/// A drain without end within a grace.
pub(crate) fn endless_drain() -> Plan {
    plan([stop("early").order(-1), stop("close"), stop("flush").last()], |settings| {
        settings.drain(Limit::Never);
    })
}

pub(crate) fn empty() -> Plan {
    plan([], |_| ())
}

pub(crate) fn all() -> [(&'static str, Plan); 8] {
    [
        ("careful", careful()),
        ("small", small()),
        ("checked", checked()),
        ("large", large()),
        ("hostile", hostile()),
        ("endless", endless()),
        ("endless_drain", endless_drain()),
        ("empty", empty()),
    ]
}
