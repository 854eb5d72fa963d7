//! What the checks of the process have to say, for whoever asks, on whatever thread.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::def::CheckSpec;
use super::machine::Machine;
use super::{CheckHealth, CheckStatus, Health};
use crate::register::free_name;

/// A check, in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CheckId(u64);

/// See the module's words.
#[derive(Default)]
pub(crate) struct Board {
    entries: Mutex<Entries>,
    /// How many are unhealthy: what `is_ready` asks, without a lock.
    unhealthy: AtomicUsize,
}

#[derive(Default)]
struct Entries {
    next: u64,
    all: Vec<Entry>,
}

struct Entry {
    id: CheckId,
    spec: CheckSpec,
    health: CheckHealth,
    /// The monitor has it.
    watched: bool,
}

impl Board {
    /// Puts a check up, under a name that no other has.
    pub(crate) fn add(&self, mut spec: CheckSpec) -> CheckId {
        let mut entries = self.entries();
        let id = CheckId(entries.next);
        entries.next += 1;
        spec.name = free_name(spec.name, |name| entries.all.iter().any(|entry| entry.spec.name == name));
        let status = if spec.off.is_some() { CheckStatus::Off } else { CheckStatus::Waiting };
        let health = CheckHealth {
            name: spec.name.clone(),
            status,
            error: spec.off.clone(),
            since: SystemTime::now(),
            attempts: 0,
        };
        entries.all.push(Entry { id, spec, health, watched: false });
        id
    }

    /// Takes one down. Returns whether it was there.
    pub(crate) fn remove(&self, id: CheckId) -> bool {
        let mut entries = self.entries();
        let Some(index) = entries.all.iter().position(|entry| entry.id == id) else { return false };
        let entry = entries.all.remove(index);
        self.count(&entries);
        drop(entries);
        // With it a user's closure goes.
        drop(entry);
        true
    }

    /// All of them, for the plan.
    pub(crate) fn specs(&self) -> Vec<CheckSpec> {
        self.entries().all.iter().map(|entry| entry.spec.clone()).collect()
    }

    /// Those that the monitor does not have yet.
    pub(super) fn take_new(&self) -> Vec<(CheckId, CheckSpec)> {
        let mut entries = self.entries();
        let new = entries.all.iter_mut().filter(|entry| !entry.watched && entry.spec.off.is_none());
        new.map(|entry| {
            entry.watched = true;
            (entry.id, entry.spec.clone())
        })
        .collect()
    }

    /// What a check has to say from now on. One that was taken down stays down.
    pub(super) fn publish(&self, id: CheckId, machine: &Machine) {
        let mut entries = self.entries();
        let Some(entry) = entries.all.iter_mut().find(|entry| entry.id == id) else { return };
        let health = &mut entry.health;
        if health.status != machine.status() {
            health.status = machine.status();
            health.since = SystemTime::now();
        }
        health.error = machine.error().map(str::to_owned);
        health.attempts = machine.attempts();
        self.count(&entries);
    }

    pub(crate) fn health(&self) -> Health {
        let checks: Vec<CheckHealth> = self.entries().all.iter().map(|entry| entry.health.clone()).collect();
        Health { healthy: !checks.iter().any(|check| check.status.is_unhealthy()), checks }
    }

    /// Those that keep the service from being ready.
    pub(crate) fn unhealthy(&self) -> Vec<CheckHealth> {
        self.health().checks.into_iter().filter(|check| check.status.is_unhealthy()).collect()
    }

    pub(crate) fn is_healthy(&self) -> bool {
        self.unhealthy.load(Ordering::Acquire) == 0
    }

    fn count(&self, entries: &Entries) {
        let unhealthy = entries.all.iter().filter(|entry| entry.health.status.is_unhealthy()).count();
        self.unhealthy.store(unhealthy, Ordering::Release);
    }

    /// Held for a look-up only, never while a user's code runs.
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
