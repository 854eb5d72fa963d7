//! The free functions. They act on the process's one lifecycle; where none runs, each says what it does then.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::clock;
use crate::context::{self, Place};
use crate::events::State;
use crate::gate::{CallStats, Gate, REQUESTS};
use crate::group;
use crate::health::Health;
use crate::journal::{DeadLetter, Journal, PreviousRun};
use crate::process::lifecycle;
use crate::report::{Reason, Report};
use crate::resource::{ProvideError, Resource};
use crate::run::message::Message;

/// A moment of the shutdown to wait for. `Send`, `'static`, and cheap to make.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Moment {
    inner: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Future for Moment {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.inner.as_mut().poll(cx)
    }
}

fn moment(token: &CancellationToken) -> Moment {
    lifecycle().service.note_aware();
    Moment { inner: Box::pin(token.clone().cancelled_owned()) }
}

/// Resolves when new requests are about to be refused: give it to a server as its shutdown signal.
///
/// Called while `main` is polled, it also says that `main` knows of the shutdown, and is therefore awaited within the
/// drain. Where no lifecycle runs it never resolves.
///
/// ```no_run
/// # async fn serve_until(_: impl Future<Output = ()>) {}
/// # async fn example() {
/// serve_until(lifecycle::stopping()).await;
/// # }
/// ```
pub fn stopping() -> Moment {
    moment(&lifecycle().stopping)
}

/// Resolves when the last call of [`Requests`](crate::Requests) has ended, or the drain's time is up. As [`stopping`]
/// otherwise.
pub fn drained() -> Moment {
    moment(&lifecycle().drained)
}

/// Resolves when the drain's time is up and something still runs, `cut` before it is dropped: the moment for an
/// endless stream to end itself. Never, if the drain ends in time.
///
/// Called in a tracked call of another group, it is that group's: `cut` before the group's own calls are dropped.
pub fn cut_off() -> Moment {
    let gate = match context::place() {
        Place::Call(site) => site.gate(),
        Place::Outside | Place::Step => &REQUESTS,
    };
    Moment { inner: Box::pin(gate.cut_off().clone().cancelled_owned()) }
}

/// A token that is cancelled when [`stopping`] resolves. Cancelling it changes nothing but itself.
pub fn stop_token() -> CancellationToken {
    lifecycle().service.note_aware();
    lifecycle().stopping.child_token()
}

/// Starts the shutdown, at the call and not only when it is awaited, and resolves to its report. The first trigger
/// wins; a later one only waits.
///
/// A `main` that awaits the report is dropped once the tracked calls are done, since the report comes after it.
/// Where no lifecycle runs, nothing is shut down and the report says so.
pub fn shutdown(reason: impl Into<String>) -> Shutdown {
    let life = lifecycle();
    life.trigger(Reason::Requested(reason.into()));
    Shutdown::to_come()
}

/// The report to come: see [`shutdown`].
#[derive(Debug)]
pub struct Shutdown {
    over: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Shutdown {
    /// Of a shutdown that somebody has triggered.
    pub(crate) fn to_come() -> Self {
        Shutdown { over: Box::pin(lifecycle().over.clone().cancelled_owned()) }
    }
}

impl Future for Shutdown {
    type Output = Report;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Report> {
        let life = lifecycle();
        let Some(running) = life.running() else {
            return Poll::Ready(Report::invalid(vec!["no lifecycle runs in this process".to_owned()]));
        };
        if life.service.note_awaits_report() {
            running.mailbox.send(Message::ServiceAwaitsReport);
        }
        match (self.over.as_mut().poll(cx), life.report()) {
            (Poll::Ready(()), Some(report)) => {
                #[cfg(feature = "testing")]
                crate::testing::note_report_taken();
                Poll::Ready(Report::clone(report))
            }
            _ => Poll::Pending,
        }
    }
}

/// Where the process is in its life.
pub fn state() -> State {
    lifecycle().state()
}

/// Marks the service as ready, where `ready = manual`. Has no effect once a shutdown has begun.
pub fn ready() {
    lifecycle().mark_ready();
}

/// Stops taking anything new, without stopping: new tracked calls of every group are refused
/// ([`RejectReason::Paused`](crate::RejectReason::Paused)), [`is_ready`] is false, [`admitting`] waits. What runs goes on,
/// and calls inside it are admitted.
///
/// Returns whether the service is paused now: not where no lifecycle runs, nor once a shutdown has begun. A shutdown ends
/// a pause without opening anything again. A signal can do the same: [`Settings::pause`](crate::Settings::pause).
///
/// ```no_run
/// # async fn compact() {}
/// # async fn example() {
/// lifecycle::pause();
/// compact().await;
/// lifecycle::resume();
/// # }
/// ```
pub fn pause() -> bool {
    lifecycle().pause()
}

/// Takes what is new again, after [`pause`]. Returns whether the service does so now.
pub fn resume() -> bool {
    lifecycle().resume()
}

/// Resolves at once, or, while the service is [paused](pause), when it is resumed: await it before taking something new.
///
/// In a worker that is told to stop it resolves as well, elsewhere once [`stopping`] has, so that a loop around it always
/// ends. For items that are waited for there is [`Admitting::next`], which takes none while the service is paused.
///
/// ```
/// # fn rows() -> impl Iterator<Item = u32> { 0..3 }
/// # async fn import(_: u32) {}
/// # async fn example() {
/// for row in rows() {
///     lifecycle::admitting().await;
///     import(row).await;
/// }
/// # }
/// ```
pub fn admitting() -> Admitting {
    let life = lifecycle();
    let told = context::current_step().and_then(|step| step.told().cloned());
    let told = told.unwrap_or_else(|| life.stopping.clone());
    Admitting { intake: Intake { paused: life.pauses.watch(), told }, waits: None }
}

/// The next moment at which something new may be taken: see [`admitting`]. Cancel safe.
#[must_use = "futures do nothing unless awaited"]
pub struct Admitting {
    intake: Intake,
    /// Made when there is something to wait for.
    waits: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

#[derive(Clone)]
struct Intake {
    paused: watch::Receiver<bool>,
    /// Nothing new is taken any more.
    told: CancellationToken,
}

impl Intake {
    async fn wait(mut self) {
        let resumed = self.paused.wait_for(|paused| !paused);
        // An error would say that the sender is gone, and that is a static; so below.
        drop(self.told.run_until_cancelled(resumed).await);
    }
}

impl Admitting {
    /// Takes what `item` resolves to, which is polled only while the service is not paused; `None` once the worker was
    /// told to stop (elsewhere: once [`stopping`] has resolved). `item` must be cancel safe, as a queue's `recv` is.
    ///
    /// ```
    /// use lifecycle::admitting;
    /// use tokio::sync::mpsc;
    /// # struct Job; impl Job { async fn run(self) {} }
    ///
    /// async fn jobs(queue: &mut mpsc::Receiver<Job>) {
    ///     while let Some(Some(job)) = admitting().next(queue.recv()).await {
    ///         job.run().await;
    ///     }
    /// }
    /// ```
    pub async fn next<F: Future>(self, item: F) -> Option<F::Output> {
        let Intake { mut paused, told } = self.intake.clone();
        let mut item = pin!(item);
        let mut stopped = pin!(told.cancelled());
        loop {
            self.intake.clone().wait().await;
            let mut pausing = pin!(paused.wait_for(|paused| *paused));
            let taken = poll_fn(|cx| {
                if stopped.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(Some(None));
                }
                if pausing.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(None);
                }
                item.as_mut().poll(cx).map(|item| Some(Some(item)))
            });
            if let Some(taken) = taken.await {
                return taken;
            }
        }
    }
}

impl Future for Admitting {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if !*self.intake.paused.borrow() {
            return Poll::Ready(());
        }
        let this = &mut *self;
        this.waits.get_or_insert_with(|| Box::pin(this.intake.clone().wait())).as_mut().poll(cx)
    }
}

impl fmt::Debug for Admitting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admitting").finish_non_exhaustive()
    }
}

/// Whether requests should be sent here: the start is done, the service waits for something (or, with
/// `ready = manual`, has called [`ready`]), it is not paused, no health check is failing, and no shutdown has begun.
pub fn is_ready() -> bool {
    lifecycle().is_ready()
}

/// What the health checks have to say. Where no lifecycle runs, they wait.
pub fn health() -> Health {
    lifecycle().health.health()
}

/// Whether new requests are refused and running ones awaited.
pub fn is_draining() -> bool {
    lifecycle().state() == State::Draining
}

/// Whether a shutdown has begun.
pub fn is_shutting_down() -> bool {
    lifecycle().triggered().is_some()
}

/// Adds a resource by hand; an `Arc<T>` provides `T`.
///
/// # Errors
/// A value of this type is there already, or it is a tuple, which is to be provided member by member.
pub fn provide<T: Send + Sync + 'static>(value: T) -> Result<(), ProvideError> {
    let life = lifecycle();
    life.resources.insert(Resource::from_hand(value)?)?;
    if let Some(running) = life.running() {
        running.mailbox.send(Message::Provided);
    }
    Ok(())
}

/// The resource of this type, if it is there and was not taken.
pub fn resource<T: ?Sized + Send + Sync + 'static>() -> Option<Arc<T>> {
    lifecycle().resources.share()
}

/// How the run before this one ended, as the journal tells: `None` without a [`journal`](crate::Builder::journal), or
/// where no lifecycle runs. Known before the first start hook begins.
///
/// ```
/// use lifecycle::PreviousRun;
///
/// # #[lifecycle::on_start]
/// async fn look_back() {
///     match lifecycle::previous_run() {
///         Some(PreviousRun::Unclean(run)) => {
///             println!("run {} was killed: {}", run.id, run.killed);
///             for left in &run.unfinished {
///                 println!("not done: {}", left.step);
///             }
///         }
///         Some(PreviousRun::Clean { report }) => println!("all was done in {:?}", report.took),
///         _ => {}
///     }
/// }
/// ```
pub fn previous_run() -> Option<PreviousRun> {
    lifecycle().running()?.previous.clone()
}

/// What runs before this one have not done and nobody has made up for yet: steps with a `compensate` whose compensation
/// has not succeeded. Empty without a [`journal`](crate::Builder::journal).
///
/// ```
/// for letter in lifecycle::dead_letters() {
///     if letter.needs_person {
///         eprintln!("{} is owed since {:?}, tried {} times", letter.step, letter.since, letter.attempts);
///     }
/// }
/// ```
pub fn dead_letters() -> Vec<DeadLetter> {
    let journal = lifecycle().running().and_then(|running| running.journal.as_ref());
    journal.map(Journal::dead_letters).unwrap_or_default()
}

/// Figures of the moment.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Stats {
    /// Where the process is in its life.
    pub state: State,
    /// Tracked calls that run now, of all groups.
    pub in_flight: usize,
    /// Tracked calls refused so far, of all groups.
    pub refused: u64,
    /// The same by group, `Requests` first.
    pub groups: Vec<GroupStats>,
    /// The tracked functions called so far.
    pub calls: Vec<CallStats>,
    /// Shutdown steps that are registered, and on.
    pub shutdown_steps: usize,
    /// How long the shutdown has been going on.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "shutting_down_ms", serialize_with = "crate::report::millis_opt")
    )]
    pub shutting_down_for: Option<Duration>,
}

/// A group's figures of the moment.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct GroupStats {
    /// The struct's name.
    pub name: &'static str,
    /// Whether its new calls are refused.
    pub closed: bool,
    /// Its calls that run now.
    pub in_flight: usize,
    /// Its calls refused so far.
    pub refused: u64,
}

/// Figures of the moment.
pub fn stats() -> Stats {
    let life = lifecycle();
    let groups: Vec<GroupStats> = group::gates()
        .map(|gate| GroupStats {
            name: gate.name(),
            closed: gate.is_closed(),
            in_flight: gate.in_flight(),
            refused: gate.refused(),
        })
        .collect();
    Stats {
        state: life.state(),
        in_flight: groups.iter().map(|group| group.in_flight).sum(),
        refused: groups.iter().map(|group| group.refused).sum(),
        groups,
        calls: group::gates().flat_map(Gate::sites).collect(),
        shutdown_steps: life.shutdown_steps(),
        shutting_down_for: life.triggered().map(|trigger| clock::now().saturating_duration_since(trigger.at)),
    }
}
