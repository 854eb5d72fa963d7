//! Pausing: the groups' gates are closed for a while, and workers wait before they take anything new.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::events::State;
use crate::gate::Gate;
use crate::group;
use crate::narrator::Say;
use crate::process::Lifecycle;

/// Whether the service is paused.
#[derive(Default)]
pub(crate) struct Pauses {
    /// Held while gates and state change, so that no resume opens a gate that a shutdown has closed.
    now: Mutex<Now>,
    paused: watch::Sender<bool>,
}

#[derive(Default)]
struct Now {
    paused: bool,
    /// A shutdown has begun: what is closed stays closed.
    over: bool,
}

impl Pauses {
    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees whether the service is paused, now and when it changes.
    pub(crate) fn watch(&self) -> watch::Receiver<bool> {
        self.paused.subscribe()
    }
}

impl Lifecycle {
    /// Refuses new calls until it is resumed. Returns whether the service is paused now.
    pub(crate) fn pause(&self) -> bool {
        let mut now = self.pauses.now();
        let Some(running) = self.running() else { return false };
        if now.over || self.triggered().is_some() {
            return false;
        }
        if !std::mem::replace(&mut now.paused, true) {
            group::gates().for_each(Gate::pause);
            self.pauses.paused.send_replace(true);
            if self.state() == State::Running {
                self.set_state(State::Paused);
            }
            running.narrator.say(Say::Paused);
        }
        true
    }

    /// Undoes it. Returns whether the service takes what is new now.
    pub(crate) fn resume(&self) -> bool {
        let mut now = self.pauses.now();
        let Some(running) = self.running() else { return false };
        if now.over || self.triggered().is_some() {
            return false;
        }
        if std::mem::take(&mut now.paused) {
            group::gates().for_each(Gate::open);
            if self.state() == State::Paused {
                self.set_state(State::Running);
            }
            self.pauses.paused.send_replace(false);
            running.narrator.say(Say::Resumed);
        }
        true
    }

    /// The start is over: from here on the state tells of a pause, also of one that has begun before.
    pub(crate) fn set_serving(&self) {
        let now = self.pauses.now();
        self.set_state(if now.paused { State::Paused } else { State::Running });
    }

    /// A shutdown has begun. When this returns, nothing is paused or resumed any more: what was paused stays closed.
    pub(crate) fn end_pauses(&self) {
        let mut now = self.pauses.now();
        now.over = true;
        if now.paused {
            group::gates().for_each(Gate::end_pause);
        }
    }
}
