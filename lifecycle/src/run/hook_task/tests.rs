//! The attempts, with the clock in the test's hand: real calls on a real runtime, but no instant that the test has not
//! made up.

use std::any::{Any, TypeId};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, OnceLock};

use tokio::runtime::Runtime;

use super::*;
use crate::context::{item, note, time_left};
use crate::edge::Edges;
use crate::hook::{Extra, Need, Phase, StepKeys, Task};
use crate::report::Item;
use crate::resource::{Resource, Take};
use crate::run::executor::SETTLE;
use crate::run::mailbox::{Inbox, on_a_thread};

const SECOND: Duration = Duration::from_secs(1);
const AT: Address = Address { graph: 3, node: 5, turn: 0 };
/// How long the real calls of a test may take before it gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// What one call does.
type Act = Box<dyn FnOnce() -> Result<(), String> + Send>;

struct Rig {
    task: HookTask,
    facts: Shared<Facts>,
    inbox: Inbox,
    resources: &'static Resources,
    zero: Instant,
    runtime: Runtime,
}

fn resources(all: Vec<Resource>) -> &'static Resources {
    let resources: &Resources = Box::leak(Box::default());
    all.into_iter().for_each(|one| resources.insert(one).unwrap());
    resources
}

fn shared<T: Any + Send + Sync>(value: T) -> Resource {
    Resource::shared(Arc::new(value))
}

/// Each call does the next of these, and then none is left.
fn acts(acts: Vec<Act>) -> Begin {
    let acts = Mutex::new(VecDeque::from(acts));
    Begin::new(move |_| {
        let act = acts.lock().unwrap().pop_front().expect("it is not called more often");
        Ok(Call::Async(Box::pin(async move { act().map(|()| Vec::new()) })))
    })
}

fn fails(why: &'static str) -> Act {
    Box::new(move || Err(why.to_owned()))
}

fn succeeds() -> Act {
    Box::new(|| Ok(()))
}

/// A call that ends only by being dropped.
fn hangs() -> Begin {
    Begin::new(|_| Ok(Call::Async(Box::pin(std::future::pending()))))
}

fn fallback(begin: Begin) -> Option<Box<Function>> {
    Some(Box::new(Function { signature: Signature::default(), begin }))
}

impl Rig {
    /// With a timeout of 10 seconds.
    fn new(begin: Begin, extra: Extra) -> Self {
        Self::with(begin, Signature::default(), extra, resources(Vec::new()))
    }

    fn with(begin: Begin, signature: Signature, extra: Extra, resources: &'static Resources) -> Self {
        Self::recorded(begin, signature, extra, resources, None)
    }

    fn recorded(
        begin: Begin,
        signature: Signature,
        extra: Extra,
        resources: &'static Resources,
        record: Option<(Journal, Event)>,
    ) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let (mailbox, inbox) = on_a_thread();
        let hooks = Hooks {
            mailbox,
            runtime: runtime.handle().clone(),
            rescue: Arc::default(),
            crew: Arc::default(),
            resources,
            report: None,
            narrator: Narrator::spawn().unwrap(),
            id: "".into(),
            excuse: Arc::new(|_| None),
        };
        let spec = StepSpec {
            name: "close".into(),
            module: "app".into(),
            file: "src/it.rs".into(),
            line: 1,
            id: None,
            phase: Phase::Shutdown,
            keys: StepKeys::default(),
            extra: extra.into(),
            edges: Edges::default(),
            signature: signature.into(),
            off: None,
            task: Task::Hook(begin.clone()),
        };
        let (task, facts) = HookTask::new(spec, begin, AT, 10 * SECOND, record, &Arc::new(hooks));
        Rig { task, facts, inbox, resources, zero: Instant::now(), runtime }
    }

    fn at(&self, seconds: f64) -> Instant {
        self.zero + Duration::from_secs_f64(seconds)
    }

    fn begin(&mut self) -> Progress {
        self.task.begin(self.zero)
    }

    fn wake(&mut self, seconds: f64) -> Progress {
        self.task.wake(self.at(seconds))
    }

    fn wait_until_begun(&self) {
        while self.task.running.as_ref().unwrap().is_unbegun() {
            std::thread::yield_now();
        }
    }

    /// Waits for the real end of the call that runs, which then counts as of that instant.
    fn hear(&mut self, seconds: f64) -> Progress {
        let end = self.end_of(self.facts.borrow().turn);
        self.task.told(end, self.at(seconds))
    }

    fn end_of(&self, turn: u32) -> End {
        loop {
            match self.inbox.within(PATIENCE).expect("the call tells its end") {
                Message::Ended { at, end, .. } if at == (Address { turn, ..AT }) => return end,
                _ => {}
            }
        }
    }

    /// Outcomes and errors of the attempts that failed.
    fn failed(&self) -> Vec<(Outcome, Option<String>)> {
        let facts = self.facts.borrow();
        facts.attempts.iter().map(|attempt| (attempt.outcome, attempt.error.clone())).collect()
    }

    #[track_caller]
    fn assert_pause(&self, progress: &Progress, from: f64, longest: f64) {
        let Progress::Until(until) = *progress else { panic!("a pause: {progress:?}") };
        let pause = until.duration_since(self.at(from)).as_secs_f64();
        assert!((longest / 2.0 - 1e-6..=longest + 1e-6).contains(&pause), "{pause}");
    }
}

fn ended(outcome: Outcome) -> Progress {
    Progress::Ended(End::bare(outcome))
}

fn why(progress: Progress) -> (Outcome, String) {
    match progress {
        Progress::Ended(End { outcome, why }) => (outcome, why.unwrap_or_default()),
        going_on => panic!("it has ended: {going_on:?}"),
    }
}

fn retry(retry: u32) -> Extra {
    Extra { retry: Some(retry), backoff: Some(SECOND), ..Extra::default() }
}

#[test]
fn without_retry_the_first_failure_is_the_end() {
    let mut rig = Rig::new(acts(vec![fails("no")]), Extra::default());
    rig.begin();
    assert_eq!(rig.hear(1.0), Progress::Ended(End::new(Outcome::Failed, "no")));
    assert!(rig.failed().is_empty());
}

#[test]
fn a_retry_that_succeeds_is_done_and_what_failed_is_kept_with_what_it_noted() {
    let first: Act = Box::new(|| {
        note("rows", 1);
        item("order 1", Err("no"));
        Err("busy".into())
    });
    let panics: Act = Box::new(|| panic!("worse"));
    let last: Act = Box::new(|| {
        note("rows", 9);
        Ok(())
    });
    let mut rig = Rig::new(acts(vec![first, panics, last]), retry(2));
    rig.begin();
    let pause = rig.hear(1.0);
    rig.assert_pause(&pause, 1.0, 1.0);
    assert!(rig.facts.borrow().context.record().notes.is_empty(), "they are the attempt's");
    rig.wake(2.0);
    let pause = rig.hear(3.0);
    rig.assert_pause(&pause, 3.0, 2.0);
    assert_eq!(rig.wake(3.5), pause, "not before the pause is over");
    rig.wake(5.0);
    assert_eq!(rig.hear(5.5), ended(Outcome::Done));
    let facts = rig.facts.borrow();
    let [first, second] = facts.attempts.as_slice() else { panic!("two failed: {facts:?}") };
    assert_eq!((first.outcome, first.error.as_deref(), first.ran), (Outcome::Failed, Some("busy"), SECOND));
    assert_eq!(first.notes, [("rows".into(), "1".into())]);
    assert_eq!(first.items, [Item { name: "order 1".into(), error: Some("no".into()) }]);
    assert_eq!((second.outcome, second.error.as_deref()), (Outcome::Panicked, Some("worse")));
    assert_eq!(facts.context.record().notes, [("rows".into(), "9".into())]);
    assert!(!facts.fallback);
}

#[test]
fn after_the_last_attempt_its_outcome_is_the_steps() {
    let mut rig = Rig::new(acts(vec![fails("one"), fails("two"), fails("three")]), retry(2));
    rig.begin();
    rig.hear(0.0);
    rig.wake(1.0);
    rig.hear(1.0);
    rig.wake(3.0);
    assert_eq!(rig.hear(3.0), Progress::Ended(End::new(Outcome::Failed, "three")));
    assert_eq!(rig.failed().len(), 2);
}

#[test]
fn one_that_returned_is_not_tried_again_though_an_item_failed() {
    let partly: Act = Box::new(|| {
        item("order 1", Err("no"));
        Ok(())
    });
    let mut rig = Rig::new(acts(vec![partly]), retry(2));
    rig.begin();
    assert_eq!(why(rig.hear(0.0)), (Outcome::Partial, "1 of 1 items failed".into()));
}

#[test]
fn where_a_pause_would_leave_no_time_there_is_no_further_attempt() {
    let mut rig = Rig::new(acts(vec![fails("late")]), retry(2));
    rig.begin();
    // At least half a second of pause, at most a second.
    assert_eq!(why(rig.hear(9.6)), (Outcome::Failed, "late; not tried again, for want of time".into()));
    let mut rig = Rig::new(acts(vec![fails("in time")]), retry(2));
    rig.begin();
    let pause = rig.hear(8.9);
    rig.assert_pause(&pause, 8.9, 1.0);
}

#[test]
fn without_backoff_the_first_pause_is_100ms_at_most() {
    let extra = Extra { retry: Some(1), ..Extra::default() };
    let mut rig = Rig::new(acts(vec![fails("no")]), extra);
    rig.begin();
    let pause = rig.hear(0.0);
    rig.assert_pause(&pause, 0.0, 0.1);
}

/// Says so to the coordinator when it is dropped, once it knows where that is.
struct SaysWhenItGoes(Arc<OnceLock<Mailbox>>);

impl Drop for SaysWhenItGoes {
    fn drop(&mut self) {
        self.0.get().unwrap().send(Message::Provided);
    }
}

#[test]
fn the_values_of_a_call_are_gone_before_its_end_is_told_also_if_it_is_stopped_or_panics() {
    type Awaited = fn() -> Pin<Box<dyn Future<Output = ()> + Send>>;
    let ways: [Awaited; 3] = [
        || Box::pin(async {}),
        || Box::pin(std::future::pending()),
        || Box::pin(async { panic!("of the test's") }),
    ];
    for (way, awaited) in ways.into_iter().enumerate() {
        let there = Arc::<OnceLock<Mailbox>>::default();
        let value = Mutex::new(Some(SaysWhenItGoes(Arc::clone(&there))));
        let begin = Begin::new(move |_| {
            let value = value.lock().unwrap().take();
            Ok(Call::Async(Box::pin(async move {
                let _value = value;
                awaited().await;
                Ok(Vec::new())
            })))
        });
        let mut rig = Rig::new(begin, Extra { attempt: Some(2 * SECOND), ..Extra::default() });
        assert!(there.set(rig.task.hooks.mailbox.clone()).is_ok());
        rig.begin();
        rig.wait_until_begun();
        if way == 1 {
            rig.wake(2.0);
        }
        let told = [(); 2].map(|()| rig.inbox.within(PATIENCE).expect("it is told"));
        assert!(matches!(told, [Message::Provided, Message::Ended { .. }]), "way {way}");
    }
}

#[test]
fn an_attempt_is_stopped_when_its_time_is_up_and_tried_again() {
    let told: Arc<Mutex<Vec<Option<Duration>>>> = Arc::default();
    let seen = Arc::clone(&told);
    let begin = Begin::new(move |inputs| {
        let (token, seen) = (inputs.stop_token(), Arc::clone(&seen));
        Ok(Call::Async(Box::pin(async move {
            seen.lock().unwrap().push(time_left());
            token.cancelled().await;
            Err("told to stop".to_owned())
        })))
    });
    let extra = Extra { attempt: Some(2 * SECOND), ..retry(1) };
    let mut rig = Rig::new(begin, extra);
    rig.begin();
    rig.wait_until_begun();
    assert_eq!(rig.wake(0.25), Progress::Until(rig.at(2.0)));
    assert_eq!(rig.wake(2.0), Progress::Until(rig.at(2.0) + SETTLE));
    assert!(rig.facts.borrow().stopping, "what it gives now is not wanted");
    let pause = rig.hear(2.05);
    rig.assert_pause(&pause, 2.05, 1.0);
    assert_eq!(rig.failed()[0].0, Outcome::TimedOut);
    rig.wake(3.1);
    assert!(!rig.facts.borrow().stopping);
    rig.wait_until_begun();
    rig.wake(5.1);
    assert_eq!(why(rig.hear(5.1)).0, Outcome::TimedOut);
    // The first until 2 s after the begin, the second until 5.1 s.
    let left: Vec<Duration> = told.lock().unwrap().iter().map(|left| left.unwrap()).collect();
    let most = [rig.at(2.0), rig.at(5.1)].map(|until| until - rig.zero);
    assert!(left.len() == 2 && left[0] <= most[0] && left[1] <= most[1], "{left:?}");
}

#[test]
fn the_next_attempt_has_a_token_of_its_own() {
    let tokens: Arc<Mutex<Vec<CancellationToken>>> = Arc::default();
    let seen = Arc::clone(&tokens);
    let begin = Begin::new(move |inputs| {
        seen.lock().unwrap().push(inputs.stop_token());
        Ok(Call::Async(Box::pin(std::future::pending())))
    });
    let mut rig = Rig::new(begin, Extra { attempt: Some(SECOND), ..retry(1) });
    rig.begin();
    rig.wake(1.0);
    rig.hear(1.0);
    rig.wake(2.5);
    let cancelled: Vec<bool> = tokens.lock().unwrap().iter().map(CancellationToken::is_cancelled).collect();
    assert_eq!(cancelled, [true, false]);
}

/// A sync call that ends when the sender is dropped.
fn stuck(release: Receiver<()>) -> Begin {
    let release = Mutex::new(Some(release));
    Begin::new(move |_| {
        let release = release.lock().unwrap().take().expect("it is not called again while it is stuck");
        Ok(Call::Sync(Box::new(move || {
            let _ = release.recv();
            Ok(Vec::new())
        })))
    })
}

#[test]
fn one_that_does_not_stop_is_abandoned_and_not_tried_beside_itself() {
    let (release, wait) = channel();
    let mut rig = Rig::new(stuck(wait), Extra { attempt: Some(SECOND), ..retry(3) });
    assert_eq!(rig.begin(), Progress::Until(rig.at(1.0)));
    rig.wake(1.0);
    let settled = rig.at(1.0) + SETTLE;
    assert_eq!(rig.wake(1.05), Progress::Until(settled));
    let end = rig.task.wake(settled);
    let not_again = "not tried again, since it still runs: two attempts must not run at once";
    assert_eq!(why(end), (Outcome::Abandoned, not_again.into()));
    drop(release);
}

#[test]
fn its_fallback_runs_all_the_same_and_a_late_end_is_not_taken_for_the_fallbacks() {
    let (release, wait) = channel();
    let extra = Extra { fallback: fallback(acts(vec![succeeds()])), ..retry(3) };
    let mut rig = Rig::new(stuck(wait), extra);
    assert_eq!(rig.begin(), Progress::Until(rig.at(5.0)), "half of the time is the fallback's");
    rig.wake(5.0);
    let settled = rig.at(5.0) + SETTLE;
    rig.task.wake(settled);
    let turn = rig.facts.borrow().turn;
    drop(release);
    rig.end_of(turn);
    assert_eq!(rig.task.told(End::bare(Outcome::Done), rig.at(6.0)), ended(Outcome::Done));
    assert!(rig.facts.borrow().fallback);
    assert_eq!(rig.failed()[0].0, Outcome::Abandoned);
}

#[test]
fn when_all_attempts_have_failed_the_fallback_saves_it() {
    let saves: Act = Box::new(|| {
        note("saved", time_left().is_some());
        Ok(())
    });
    let extra = Extra { fallback: fallback(acts(vec![saves])), ..retry(1) };
    let mut rig = Rig::new(acts(vec![fails("one"), fails("two")]), extra);
    rig.begin();
    let pause = rig.hear(0.0);
    rig.assert_pause(&pause, 0.0, 1.0);
    rig.wake(1.0);
    rig.hear(1.0);
    assert_eq!(rig.hear(1.5), ended(Outcome::Done));
    let failed = |why: &str| (Outcome::Failed, Some(why.to_owned()));
    assert_eq!(rig.failed(), [failed("one"), failed("two")]);
    let facts = rig.facts.borrow();
    assert!(facts.fallback);
    assert_eq!(facts.context.record().notes, [("saved".into(), "true".into())]);
}

#[test]
fn a_fallback_that_fails_is_not_tried_again_and_its_outcome_is_the_steps() {
    let extra = Extra { fallback: fallback(acts(vec![fails("no either")])), ..retry(0) };
    let mut rig = Rig::new(acts(vec![fails("no")]), extra);
    rig.begin();
    rig.hear(0.0);
    assert_eq!(rig.hear(0.0), Progress::Ended(End::new(Outcome::Failed, "no either")));
    assert!(rig.facts.borrow().fallback);
    assert_eq!(rig.failed(), [(Outcome::Failed, Some("no".into()))]);
}

#[test]
fn with_a_fallback_attempts_end_at_half_and_with_attempt_as_it_says() {
    let with = |attempt| Extra { attempt, fallback: fallback(hangs()), ..retry(0) };
    for (attempt, ends) in [(None, 5.0), (Some(SECOND), 1.0), (Some(8 * SECOND), 8.0)] {
        let mut rig = Rig::new(hangs(), with(attempt));
        rig.begin();
        rig.wait_until_begun();
        assert_eq!(rig.wake(0.3), Progress::Until(rig.at(ends)), "{attempt:?}");
        rig.wake(ends);
        rig.hear(ends);
        assert!(rig.facts.borrow().fallback);
    }
    // No pause reaches into the fallback's half.
    let extra = Extra { fallback: fallback(hangs()), ..retry(3) };
    let mut rig = Rig::new(acts(vec![fails("no")]), extra);
    rig.begin();
    rig.hear(4.6);
    assert_eq!(rig.failed()[0].1.as_deref(), Some("no; not tried again, for want of time"));
    assert!(rig.facts.borrow().fallback);
}

#[test]
fn a_nearer_end_of_everything_is_halved_as_well() {
    let mut rig = Rig::new(hangs(), Extra { fallback: fallback(hangs()), ..Extra::default() });
    rig.task.deadline = Some(rig.at(4.0));
    rig.begin();
    rig.wait_until_begun();
    assert_eq!(rig.wake(0.3), Progress::Until(rig.at(2.0)));
}

#[test]
fn a_fallback_without_its_resource_leaves_the_failure_as_it_was() {
    let fallback = Function {
        signature: Signature { takes: vec![Need::share::<u64>()], ..Signature::default() },
        begin: acts(Vec::new()),
    };
    let noted: Act = Box::new(|| {
        note("rows", 3);
        Err("no".into())
    });
    let mut rig =
        Rig::new(acts(vec![noted]), Extra { fallback: Some(Box::new(fallback)), ..Extra::default() });
    rig.begin();
    let why = why(rig.hear(0.0));
    assert_eq!(why, (Outcome::Failed, "no; its fallback could not be called: no u64 was provided".into()));
    let facts = rig.facts.borrow();
    assert!(!facts.fallback && facts.attempts.is_empty());
    assert_eq!(facts.context.record().notes.len(), 1);
}

#[test]
fn a_fallback_takes_what_the_attempts_have_borrowed() {
    let borrows = Begin::new(|inputs| {
        let db = inputs.resources.share::<String>().unwrap();
        Ok(Call::Async(Box::pin(async move { Err(format!("{db} is busy")) })))
    });
    let takes = Function {
        signature: Signature { takes: vec![Need::take::<String>()], ..Signature::default() },
        begin: Begin::new(|inputs| {
            let db = inputs.resources.take::<String>(inputs.step).unwrap();
            let db = Take(db.expect("nobody holds it any more"));
            Ok(Call::Async(Box::pin(async move {
                note("closed", db.as_str());
                Ok(Vec::new())
            })))
        }),
    };
    let signature = Signature { takes: vec![Need::share::<String>()], ..Signature::default() };
    let extra = Extra { fallback: Some(Box::new(takes)), ..retry(1) };
    let mut rig = Rig::with(borrows, signature, extra, resources(vec![shared(String::from("db"))]));
    rig.begin();
    rig.hear(0.0);
    rig.wake(1.0);
    rig.hear(1.0);
    assert_eq!(rig.hear(1.0), ended(Outcome::Done));
    assert_eq!(rig.facts.borrow().context.record().notes, [("closed".into(), "db".into())]);
    assert!(rig.resources.share::<String>().is_none());
}

/// Asks `when` of a number.
fn when(holds: fn(u64) -> Result<(), String>) -> Option<Box<When>> {
    Some(Box::new(When {
        signature: Signature { takes: vec![Need::share::<u64>()], ..Signature::default() },
        ask: Arc::new(move |inputs| {
            let need = Need::share::<u64>();
            let number = inputs.resources.share::<u64>().ok_or_else(|| inputs.missing::<u64>(&need))?;
            Ok(Box::new(move || holds(*number)))
        }),
    }))
}

#[test]
fn when_looks_at_resources_and_skips_with_its_reason() {
    let is_odd = |number: u64| if number % 2 == 1 { Ok(()) } else { Err(format!("{number} is even")) };
    let rig = |number: u64| {
        let extra = Extra { when: when(is_odd), ..retry(1) };
        let begin = acts(vec![succeeds()]);
        Rig::with(begin, Signature::default(), extra, resources(vec![shared(number)]))
    };
    let mut even = rig(4);
    assert_eq!(even.begin(), Progress::Running);
    assert_eq!(even.hear(0.0), Progress::Ended(End::new(Outcome::Skipped, "4 is even")));
    assert!(even.failed().is_empty());
    let mut odd = rig(5);
    odd.begin();
    assert!(!matches!(odd.hear(0.0), Progress::Ended(_)), "now it is called");
    assert_eq!(odd.hear(0.0), ended(Outcome::Done));
}

#[test]
fn when_is_asked_before_anything_is_taken() {
    let takes = Begin::new(|_| unreachable!("it is skipped"));
    let signature = Signature { takes: vec![Need::take::<String>()], ..Signature::default() };
    let extra = Extra { when: when(|_| Err("not today".into())), ..Extra::default() };
    let resources = resources(vec![shared(1_u64), shared(String::from("db"))]);
    let mut rig = Rig::with(takes, signature, extra, resources);
    rig.begin();
    assert_eq!(rig.hear(0.0), Progress::Ended(End::new(Outcome::Skipped, "not today")));
    assert_eq!(rig.resources.share::<String>().as_deref().map(String::as_str), Some("db"));
}

#[test]
fn when_that_panics_or_lacks_what_it_looks_at_is_no_skip() {
    let extra = Extra { when: when(|_| panic!("no idea")), ..retry(1) };
    let mut rig = Rig::with(acts(Vec::new()), Signature::default(), extra, resources(vec![shared(1_u64)]));
    rig.begin();
    assert_eq!(why(rig.hear(0.0)), (Outcome::Panicked, "its `when`: no idea".into()));
    let mut rig = Rig::new(acts(Vec::new()), Extra { when: when(|_| Ok(())), ..Extra::default() });
    assert_eq!(why(rig.begin()), (Outcome::Missing, "no u64 was provided".into()));
}

#[test]
fn cut_in_a_pause_it_tells_its_end_itself() {
    let mut rig = Rig::new(acts(vec![fails("no")]), retry(1));
    rig.begin();
    rig.hear(0.0);
    rig.task.cut();
    let end = rig.end_of(rig.facts.borrow().turn);
    assert_eq!(end, End::new(Outcome::CutOff, "it was waiting for its next attempt"));
}

#[test]
fn an_attempt_that_is_shorter_than_the_patience_with_the_runtime_is_rescued_all_the_same() {
    let begin = Begin::new(|_| Ok(Call::Async(Box::pin(async { Ok(Vec::new()) }))));
    let extra = Extra {
        retry: Some(9),
        attempt: Some(Duration::from_millis(200)),
        backoff: Some(Duration::ZERO),
        ..Extra::default()
    };
    let mut rig = Rig::new(begin, extra);
    // The only thread of its runtime is taken.
    let (release, wait) = channel::<()>();
    rig.runtime.spawn(async move { wait.recv() });
    rig.begin();
    rig.wake(0.2);
    assert!(matches!(rig.hear(0.2), Progress::Until(_)));
    rig.wake(0.2);
    // Of the second attempt only 50 ms have passed, but of the runtime's silence 250.
    rig.wake(0.25);
    loop {
        if let Message::Poked(at) = rig.inbox.within(PATIENCE).expect("the rescue runtime is built") {
            assert_eq!(at, AT);
            break;
        }
    }
    rig.wake(0.26);
    assert_eq!(rig.hear(0.3), ended(Outcome::Done));
    assert!(rig.facts.borrow().rescued);
    drop(release);
}

#[cfg(feature = "journal")]
mod with_a_journal {
    use super::*;
    use crate::journal::tests::Disk;

    fn begun() -> Event {
        Event::Begun { step: "app::close".into() }
    }

    /// A step that takes a number, of which there may be one.
    fn rig(acts: Vec<Act>, extra: Extra, number: Option<u32>) -> (Rig, Disk) {
        let (journal, disk) = Disk::new();
        let need = Need {
            keys: [TypeId::of::<u32>(), TypeId::of::<Arc<u32>>()],
            type_name: "u32",
            usage: crate::hook::Use::Share,
            optional: false,
        };
        let signature = Signature { takes: vec![need], ..Signature::default() };
        let resources = resources(number.into_iter().map(shared).collect());
        (Rig::recorded(self::acts(acts), signature, extra, resources, Some((journal, begun()))), disk)
    }

    #[test]
    fn nothing_is_called_before_its_begin_is_durable_and_a_retry_needs_no_other() {
        let (mut rig, disk) = rig(vec![fails("busy"), succeeds()], retry(1), Some(1));
        let patience = rig.begin();
        assert_eq!(patience, Progress::Until(rig.at(1.0)));
        assert_eq!(rig.wake(0.9), patience, "whoever else has poked it");
        assert!(rig.task.running.is_none(), "the call is not made");
        assert_eq!(disk.answer(Ok(())), Some(begun()));
        assert!(matches!(rig.inbox.waiting(), Some(Message::Poked(AT))));
        assert!(matches!(rig.wake(0.95), Progress::Running | Progress::Until(_)));
        let pause = rig.hear(1.0);
        rig.assert_pause(&pause, 1.0, 1.0);
        rig.wake(2.0);
        assert_eq!(rig.hear(2.0), ended(Outcome::Done));
        assert_eq!(disk.answer(Ok(())), None);
    }

    #[test]
    fn a_disk_that_does_not_answer_is_not_waited_for_longer() {
        let (mut rig, _disk) = rig(vec![succeeds()], Extra::default(), Some(1));
        rig.begin();
        rig.wake(1.0);
        assert_eq!(rig.hear(1.0), ended(Outcome::Done));
    }

    #[test]
    fn a_record_that_cannot_be_written_keeps_nobody_from_it() {
        let (mut rig, disk) = rig(vec![succeeds()], Extra::default(), Some(1));
        rig.begin();
        disk.answer(Err("no space"));
        rig.wake(0.1);
        assert_eq!(rig.hear(0.1), ended(Outcome::Done));
    }

    #[test]
    fn what_cannot_begin_or_is_declined_is_not_recorded_as_begun() {
        let (mut without, disk) = rig(vec![], Extra::default(), None);
        assert_eq!(why(without.begin()).0, Outcome::Missing);
        assert_eq!(disk.answer(Ok(())), None);

        let when = Some(Box::new(crate::register::when(|| false)));
        let (mut declined, disk) = rig(vec![], Extra { when, ..Extra::default() }, Some(1));
        declined.begin();
        assert_eq!(why(declined.hear(0.1)).0, Outcome::Skipped);
        assert!(declined.facts.borrow().declined);
        assert_eq!(disk.answer(Ok(())), None);
    }

    #[test]
    fn cut_while_it_waits_for_the_disk_it_says_so() {
        let (mut rig, _disk) = rig(vec![], Extra::default(), Some(1));
        rig.begin();
        rig.task.cut();
        let end = rig.end_of(0);
        assert_eq!(end, End::new(Outcome::CutOff, "it was waiting for the journal"));
    }
}
