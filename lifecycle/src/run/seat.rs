//! The place from which the coordinator acts, one thread at a time.
//!
//! It has a thread of its own, which sees to it that limits and deadlines are kept whatever else is stuck. But whoever tells
//! it that a step has ended need not wait for that thread to wake up: it has the coordinator act where it stands, and so
//! begins what follows itself. If another thread is acting just then, that one looks for letters again after it.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::task::{Context, Poll, Waker};
use std::thread::{self, Thread};

use super::mailbox::{Asleep, Post, State};
use crate::clock;

/// A coordinator; polled when there is something to do, so that it needs no waker.
pub(super) type Acting = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What becomes of the own thread when there is something for it to do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Home {
    IsWoken,
    Sleeps,
}

/// See the module's words.
#[derive(Default)]
pub(super) struct Seat {
    /// Until it is over.
    coordinator: Mutex<Option<Acting>>,
    home: OnceLock<Thread>,
}

impl Seat {
    pub(super) fn take(&self, coordinator: Acting) {
        *self.coordinator.lock().unwrap_or_else(PoisonError::into_inner) = Some(coordinator);
    }

    /// Has the coordinator act until it is over, from this thread, its own.
    pub(super) fn stay(&self, post: &Post) {
        self.make_home();
        loop {
            let over = act(&mut self.coordinator.lock().unwrap_or_else(PoisonError::into_inner));
            if over {
                return;
            }
            self.sleep(post);
        }
    }

    pub(super) fn make_home(&self) {
        self.home.get_or_init(thread::current);
    }

    pub(super) fn is_home(&self) -> bool {
        self.home.get().is_some_and(|home| home.id() == thread::current().id())
    }

    /// Until there is something to do.
    pub(super) fn sleep(&self, post: &Post) {
        loop {
            let mut state = post.state();
            let left = state.waits_until.map(|until| until.saturating_duration_since(clock::now()));
            let called = std::mem::take(&mut state.called_home);
            if called || !state.letters.is_empty() || left.is_some_and(|left| left.is_zero()) {
                state.asleep = None;
                return;
            }
            state.asleep = Some(Asleep { until: state.waits_until });
            drop(state);
            match left {
                None => thread::park(),
                Some(left) => thread::park_timeout(left),
            }
        }
    }

    /// Wakes the own thread.
    pub(super) fn ring(&self, mut state: MutexGuard<'_, State>) {
        let asleep = state.asleep.take().is_some();
        drop(state);
        if let Some(home) = self.home.get().filter(|_| asleep) {
            home.unpark();
        }
    }

    /// Has the coordinator act on its letters, unless somebody does.
    pub(super) fn act(&self, post: &Post, home: Home) {
        loop {
            let over = match self.coordinator.try_lock() {
                Err(TryLockError::WouldBlock) => return,
                Ok(mut coordinator) => act(&mut coordinator),
                Err(TryLockError::Poisoned(coordinator)) => act(&mut coordinator.into_inner()),
            };
            let state = post.state();
            if over || state.letters.is_empty() || state.stays_home {
                if state.wants_home() && home == Home::IsWoken {
                    self.ring(state);
                }
                return;
            }
        }
    }
}

/// Returns whether that was all.
fn act(coordinator: &mut Option<Acting>) -> bool {
    let Some(acting) = coordinator else { return true };
    let over = acting.as_mut().poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(());
    if over {
        *coordinator = None;
    }
    over
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::thread::ThreadId;
    use std::time::{Duration, Instant};

    use super::super::mailbox::{Mailbox, on_a_thread};
    use super::super::message::Message;

    const PATIENCE: Duration = Duration::from_secs(30);

    /// A coordinator that tells which thread it acts on: at each message, then when its time has come.
    fn acting(limit: Duration) -> (Mailbox, Receiver<ThreadId>, ThreadId) {
        let (mailbox, inbox) = on_a_thread();
        let (acts, acted): (Sender<ThreadId>, _) = channel();
        let here = move || acts.send(std::thread::current().id());
        let coordinator = async move {
            loop {
                let message = inbox.next(None).await;
                if here().is_err() {
                    return;
                }
                match message {
                    Some(Message::Provided) => {
                        let until = Instant::now() + limit;
                        while Instant::now() < until {
                            let _ = inbox.next(Some(until)).await;
                        }
                    }
                    Some(Message::Registered) => inbox.go_home().await,
                    _ => continue,
                }
                let _ = here();
            }
        };
        let there = mailbox.clone();
        let home = std::thread::spawn(move || there.coordinate(coordinator, |_| {}));
        (mailbox, acted, home.thread().id())
    }

    fn wait_until_asleep(mailbox: &Mailbox) {
        while !mailbox.home_sleeps() {
            std::thread::yield_now();
        }
    }

    #[test]
    fn who_tells_it_something_acts_for_it_or_lets_its_own_thread() {
        let (mailbox, acted, home) = acting(Duration::ZERO);
        let me = std::thread::current().id();
        wait_until_asleep(&mailbox);
        mailbox.send_and_act(Message::Trigger);
        assert_eq!(acted.try_recv(), Ok(me));
        mailbox.send(Message::Trigger);
        assert_eq!(acted.recv_timeout(PATIENCE), Ok(home));
    }

    #[test]
    fn a_limit_that_another_thread_has_set_is_kept_by_its_own() {
        let (mailbox, acted, home) = acting(Duration::from_millis(1));
        wait_until_asleep(&mailbox);
        mailbox.send_and_act(Message::Provided);
        assert_eq!(acted.recv_timeout(PATIENCE), Ok(std::thread::current().id()));
        assert_eq!(acted.recv_timeout(PATIENCE), Ok(home));
    }

    #[test]
    fn one_that_nobody_was_woken_for_is_kept_once_somebody_speaks() {
        let (mailbox, acted, home) = acting(Duration::from_millis(1));
        wait_until_asleep(&mailbox);
        mailbox.send_and_act_alone(Message::Provided);
        assert_eq!(acted.recv_timeout(PATIENCE), Ok(std::thread::current().id()));
        assert!(mailbox.home_sleeps());
        mailbox.send(Message::Trigger);
        assert_eq!(acted.recv_timeout(PATIENCE), Ok(home));
    }

    #[test]
    fn once_home_it_stays_there() {
        let (mailbox, acted, home) = acting(Duration::ZERO);
        wait_until_asleep(&mailbox);
        mailbox.send_and_act(Message::Registered);
        assert_eq!(acted.recv_timeout(PATIENCE), Ok(std::thread::current().id()));
        assert_eq!(acted.recv_timeout(PATIENCE), Ok(home));
        mailbox.send_and_act(Message::Trigger);
        assert_eq!(acted.recv_timeout(PATIENCE), Ok(home));
    }

    #[test]
    fn told_by_many_at_once_it_hears_all_and_ends_once() {
        let (mailbox, acted, _) = acting(Duration::ZERO);
        let told = |each: u32| {
            let mailbox = mailbox.clone();
            std::thread::spawn(move || (0..each).for_each(|_| mailbox.send_and_act(Message::Trigger)))
        };
        let threads = [told(1000), told(1000), told(1000)];
        for _ in 0..3000 {
            acted.recv_timeout(PATIENCE).expect("each is heard");
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert!(acted.try_recv().is_err());
    }
}
