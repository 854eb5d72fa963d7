//! OS threads for the steps' sync calls.
//!
//! Each call has a thread for itself while it runs: it may block, and the blocking threads of a runtime may never run what
//! they are given during a shutdown. But an order of ten thousand sync hooks is no reason to have ten thousand threads. Beyond
//! some, and where the system gives no more, a call waits for the thread of one that ends.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use super::call::{drop_elsewhere, on_a_thread};
#[cfg(feature = "testing")]
use super::inline;

/// How many calls run at once: as many as tokio has blocking threads.
const AT_ONCE: usize = 512;

/// How long the system may still count a thread that has nothing left to do.
const LEAVES: Duration = Duration::from_millis(100);

type Call = Box<dyn FnOnce() + Send>;

/// See the module's words.
pub(crate) struct Crew {
    at_once: usize,
    state: Mutex<State>,
}

impl Default for Crew {
    fn default() -> Self {
        Crew { at_once: at_once(), state: Mutex::default() }
    }
}

fn at_once() -> usize {
    // They wait for the test's one thread, in their order.
    #[cfg(feature = "testing")]
    if inline::queue().is_some() {
        return usize::MAX;
    }
    AT_ONCE
}

#[derive(Default)]
struct State {
    /// Calls that run, without those that nobody waits for any more: they may never end.
    running: usize,
    waiting: VecDeque<Arc<Turn>>,
    /// When a thread last found nothing more to do.
    left: Option<Instant>,
}

/// A call's turn, which has come or is to come.
struct Turn {
    name: String,
    runtime: Handle,
    stage: Mutex<Stage>,
}

enum Stage {
    Waits(Call),
    Runs,
    /// It runs, and nobody waits for it.
    WrittenOff,
    Over,
}

/// A call that was handed over.
pub(super) struct Handed {
    crew: Arc<Crew>,
    turn: Arc<Turn>,
}

impl Crew {
    /// Has a thread make the call, which must not panic.
    ///
    /// # Errors
    /// The system gives no more threads, and there is none for which the call could wait.
    pub(super) fn hand(self: &Arc<Self>, name: &str, runtime: &Handle, call: Call) -> io::Result<Handed> {
        let stage = Mutex::new(Stage::Waits(call));
        let turn = Arc::new(Turn { name: name.to_owned(), runtime: runtime.clone(), stage });
        let handed = Handed { crew: Arc::clone(self), turn: Arc::clone(&turn) };
        let mut state = self.state();
        while state.running < self.at_once {
            match self.begin(&mut state, &turn) {
                Ok(()) => return Ok(handed),
                Err(_) if state.running > 0 => break,
                Err(error) if state.left.is_none_or(|left| left.elapsed() > LEAVES) => return Err(error),
                // There is room once that thread is gone, which nobody is told of.
                Err(_) => {
                    drop(state);
                    thread::sleep(Duration::from_micros(100));
                    state = self.state();
                }
            }
        }
        state.waiting.push_back(turn);
        Ok(handed)
    }

    /// Gives the turn a thread, which then goes on with those that wait.
    fn begin(self: &Arc<Self>, state: &mut State, turn: &Arc<Turn>) -> io::Result<()> {
        let (crew, first) = (Arc::clone(self), Arc::clone(turn));
        on_a_thread(&turn.name, &turn.runtime, move || {
            let mut turn = Some(first);
            while let Some(this) = turn {
                this.make();
                turn = crew.next_after(&this);
            }
        })?;
        state.running += 1;
        Ok(())
    }

    /// The call of a thread has ended. Who has been written off has been replaced.
    fn next_after(&self, turn: &Turn) -> Option<Arc<Turn>> {
        let mut state = self.state();
        let was_running = matches!(std::mem::replace(&mut *turn.stage(), Stage::Over), Stage::Runs);
        state.running -= usize::from(was_running);
        let next = if state.running < self.at_once { state.waiting.pop_front() } else { None };
        match next {
            Some(_) => state.running += 1,
            None => state.left = Some(Instant::now()),
        }
        next
    }

    /// Never held while a call is made or dropped.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn make(&self) {
        let call = std::mem::replace(&mut *self.stage(), Stage::Runs);
        if let Stage::Waits(call) = call {
            call();
        }
    }
}

impl Handed {
    /// Nobody waits for it any more: if it has not begun, it will not, and if it never ends, another one has its place.
    pub(super) fn write_off(&self) {
        let mut state = self.crew.state();
        let mut stage = self.turn.stage();
        match std::mem::replace(&mut *stage, Stage::Over) {
            Stage::Waits(call) => {
                state.waiting.retain(|turn| !Arc::ptr_eq(turn, &self.turn));
                drop((stage, state));
                drop_elsewhere(call);
            }
            Stage::Runs => {
                *stage = Stage::WrittenOff;
                drop(stage);
                state.running -= 1;
                let Some(next) = state.waiting.pop_front() else { return };
                // Without a thread it waits on: for the next that ends, or until its own time is up.
                if self.crew.begin(&mut state, &next).is_err() {
                    state.waiting.push_front(next);
                }
            }
            over => *stage = over,
        }
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::time::Duration;

    use tokio::runtime::{Builder, Runtime};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    /// One call at a time.
    fn alone() -> (Arc<Crew>, Runtime) {
        let crew = Arc::new(Crew { at_once: 1, state: Mutex::default() });
        (crew, Builder::new_current_thread().build().unwrap())
    }

    struct Blocking {
        handed: Handed,
        began: Receiver<()>,
        release: Sender<()>,
    }

    impl Blocking {
        fn new(crew: &Arc<Crew>, runtime: &Runtime) -> Self {
            let ((begins, began), (release, released)) = (channel(), channel::<()>());
            let call = move || {
                begins.send(()).unwrap();
                let _ = released.recv();
            };
            let handed = crew.hand("blocks", runtime.handle(), Box::new(call)).unwrap();
            Blocking { handed, began, release }
        }

        fn waits(&self) -> bool {
            matches!(*self.handed.turn.stage(), Stage::Waits(_))
        }

        fn wait_until_begun(&self) {
            self.began.recv_timeout(PATIENCE).expect("its turn comes");
        }
    }

    #[test]
    fn beyond_some_a_call_waits_for_one_that_ends_and_those_behind_it_in_their_order() {
        let (crew, runtime) = alone();
        let [first, second, third] = [(); 3].map(|()| Blocking::new(&crew, &runtime));
        first.wait_until_begun();
        assert!(second.waits() && third.waits());
        first.release.send(()).unwrap();
        second.wait_until_begun();
        assert!(third.waits());
        second.release.send(()).unwrap();
        third.wait_until_begun();
    }

    #[test]
    fn one_that_is_written_off_keeps_nobody_waiting() {
        let (crew, runtime) = alone();
        let [stuck, next, last] = [(); 3].map(|()| Blocking::new(&crew, &runtime));
        stuck.wait_until_begun();
        stuck.handed.write_off();
        next.wait_until_begun();
        assert!(last.waits());
        // When it comes back after all, there is no place for it.
        stuck.release.send(()).unwrap();
        while !matches!(*stuck.handed.turn.stage(), Stage::Over) {
            std::thread::yield_now();
        }
        assert_eq!(crew.state().running, 1);
        assert!(last.waits());
        next.release.send(()).unwrap();
        last.wait_until_begun();
    }

    #[test]
    fn one_that_is_written_off_before_its_turn_is_dropped_and_never_made() {
        let (crew, runtime) = alone();
        let [first, never, last] = [(); 3].map(|()| Blocking::new(&crew, &runtime));
        first.wait_until_begun();
        never.handed.write_off();
        first.release.send(()).unwrap();
        last.wait_until_begun();
        assert!(never.began.recv_timeout(PATIENCE).is_err(), "its sender is gone with the call");
    }
}
