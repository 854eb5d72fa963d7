//! How a listener is told: a queue whose reader is woken as seldom as can be.
//!
//! A thousand steps that end within a millisecond say two thousand things. To wake a thread for each would cost more than the
//! steps. So a reader that has just heard something looks again by itself after a moment, and is woken for words only once it
//! sleeps soundly.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// How soon a reader that has heard something looks again.
const PACE: Duration = Duration::from_millis(1);

/// A queue.
pub(super) fn queue<T>() -> (Sender<T>, Reader<T>) {
    let queue = Arc::new(Queue {
        state: Mutex::new(State { messages: VecDeque::new(), sleeper: None, held: false, over: false }),
    });
    (Sender(Arc::new(Line(Arc::clone(&queue)))), Reader { queue, has_heard: false })
}

struct Queue<T> {
    state: Mutex<State<T>>,
}

struct State<T> {
    messages: VecDeque<T>,
    /// Who takes it away wakes it.
    sleeper: Option<(Thread, Sleep)>,
    /// It is not woken for words.
    held: bool,
    /// Nobody is left to speak.
    over: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sleep {
    /// For a moment.
    Paced,
    Sound,
}

/// What to wake the reader for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Urgency {
    /// It hears it within a moment.
    Words,
    Now,
}

/// Where messages go in.
pub(super) struct Sender<T>(Arc<Line<T>>);

struct Line<T>(Arc<Queue<T>>);

/// Where they come out.
pub(super) struct Reader<T> {
    queue: Arc<Queue<T>>,
    has_heard: bool,
}

/// What a reader waited for.
pub(super) enum Next<T> {
    Message(T),
    /// The time has come.
    Due,
    /// Nobody is left to speak.
    Over,
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Sender(Arc::clone(&self.0))
    }
}

impl<T> Sender<T> {
    pub(super) fn send(&self, messages: impl IntoIterator<Item = T>, urgency: Urgency) {
        self.0.0.change(urgency, |state| state.messages.extend(messages));
    }

    /// Wakes nobody for words until [`release`](Self::release).
    pub(super) fn hold(&self) {
        self.0.0.state().held = true;
    }

    pub(super) fn release(&self) {
        self.0.0.change(Urgency::Words, |state| state.held = false);
    }
}

impl<T> Drop for Line<T> {
    fn drop(&mut self) {
        self.0.change(Urgency::Now, |state| state.over = true);
    }
}

impl<T> Queue<T> {
    /// Never held while anything is told.
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, urgency: Urgency, change: impl FnOnce(&mut State<T>)) {
        let woken = {
            let mut state = self.state();
            change(&mut state);
            let held = state.held;
            let wakes = |sleeper: &mut (Thread, Sleep)| {
                urgency == Urgency::Now || (sleeper.1 == Sleep::Sound && !held)
            };
            state.sleeper.take_if(wakes)
        };
        if let Some((sleeper, _)) = woken {
            sleeper.unpark();
        }
    }
}

impl<T> Reader<T> {
    /// Waits for a message, or until then.
    pub(super) fn next(&mut self, due: Option<Instant>) -> Next<T> {
        loop {
            let mut state = self.queue.state();
            if let Some(message) = state.messages.pop_front() {
                self.has_heard = true;
                return Next::Message(message);
            }
            if state.over {
                return Next::Over;
            }
            let now = Instant::now();
            if due.is_some_and(|due| due <= now) {
                return Next::Due;
            }
            let paced = std::mem::take(&mut self.has_heard);
            let sleep = if paced { Sleep::Paced } else { Sleep::Sound };
            let until = due.into_iter().chain(paced.then(|| now + PACE)).min();
            state.sleeper = Some((thread::current(), sleep));
            drop(state);
            match until {
                Some(until) => thread::park_timeout(until - now),
                None => thread::park(),
            }
            self.queue.state().sleeper = None;
        }
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    fn heard(reader: &mut Reader<u32>) -> Option<u32> {
        match reader.next(Some(Instant::now() + PATIENCE)) {
            Next::Message(message) => Some(message),
            Next::Due => panic!("nobody has woken it"),
            Next::Over => None,
        }
    }

    /// A reader that sleeps, as soundly as that, and then hears something.
    fn asleep(sleep: Sleep, tell: impl FnOnce(&Sender<u32>)) -> Duration {
        let (sender, mut reader) = queue();
        reader.has_heard = sleep == Sleep::Paced;
        let queue = Arc::clone(&reader.queue);
        let began = Instant::now();
        let thread = thread::spawn(move || heard(&mut reader));
        while !matches!(queue.state().sleeper, Some((_, how)) if how == sleep) {
            // A paced sleep may be over before it was seen.
            if thread.is_finished() || (sleep == Sleep::Paced && began.elapsed() > PACE) {
                break;
            }
            thread::yield_now();
        }
        tell(&sender);
        assert_eq!(thread.join().unwrap(), Some(7));
        began.elapsed()
    }

    #[test]
    fn who_sleeps_soundly_is_woken_for_words_and_who_does_not_hears_them_soon() {
        assert!(asleep(Sleep::Sound, |sender| sender.send([7], Urgency::Words)) < PATIENCE);
        assert!(asleep(Sleep::Paced, |sender| sender.send([7], Urgency::Words)) < PATIENCE);
        assert!(asleep(Sleep::Paced, |sender| sender.send([7], Urgency::Now)) < PATIENCE);
    }

    #[test]
    fn what_is_held_back_is_heard_when_it_is_released() {
        asleep(Sleep::Sound, |sender| {
            sender.hold();
            sender.send([7], Urgency::Words);
            assert!(sender.0.0.state().sleeper.is_some(), "nobody is woken");
            sender.release();
        });
        asleep(Sleep::Sound, |sender| {
            sender.hold();
            sender.send([7], Urgency::Now);
        });
    }

    #[test]
    fn all_is_heard_in_order_before_the_end() {
        let (sender, mut reader) = queue();
        sender.send([1, 2], Urgency::Words);
        sender.clone().send([3], Urgency::Now);
        drop(sender);
        assert_eq!([(); 4].map(|()| heard(&mut reader)), [Some(1), Some(2), Some(3), None]);
    }

    #[test]
    fn its_time_comes_whatever_is_held_back() {
        let (sender, mut reader) = queue::<u32>();
        sender.hold();
        assert!(matches!(reader.next(Some(Instant::now())), Next::Due));
        assert!(matches!(reader.next(Some(Instant::now() + PACE)), Next::Due));
    }
}
