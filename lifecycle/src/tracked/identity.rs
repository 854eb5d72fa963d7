//! What a call is known by beside its function: `id = expr`, and the span of `span`.
//!
//! The gate counts calls and tells none of them from another. A call with an id also stands, while it runs, in a list of its
//! function's, under a lock of that function's. Only who wants to know what runs goes through the lists (see [`awaited`]), so
//! a function without an id knows nothing of them.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::future::Future;
use std::mem;
use std::panic::Location;
use std::pin::Pin;
use std::ptr;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use pin_project_lite::pin_project;
use tracing::Span;

use crate::clock;
use crate::context::{self, Place};
use crate::gate::{Gate, Site};
use crate::report::{CallSite, RunningCall};

/// The lists of all functions that had a call with an id.
static LISTS: Mutex<Vec<&'static CallIds>> = Mutex::new(Vec::new());

/// The `static` that `#[tracked(id = …)]` leaves behind for its function: those of its calls that run.
pub struct CallIds {
    name: &'static str,
    file: &'static str,
    line: u32,
    listed: Once,
    running: Mutex<Running>,
}

#[derive(Default)]
struct Running {
    next: u64,
    /// By their numbers, so in the order in which they began.
    calls: BTreeMap<u64, Call>,
}

struct Call {
    id: String,
    since: Instant,
    /// The function whose call the gate has counted: this one, or the one that it is a part of.
    counted_by: &'static Site,
}

/// Never held while a user's code runs.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl CallIds {
    /// Of the function that has this name in reports, and its attribute here.
    #[track_caller]
    pub const fn here(name: &'static str) -> Self {
        let at = Location::caller();
        CallIds {
            name,
            file: at.file(),
            line: at.line(),
            listed: Once::new(),
            running: Mutex::new(Running { next: 0, calls: BTreeMap::new() }),
        }
    }

    fn enter(&'static self, id: String) -> Option<Listed> {
        // A step is waited for by itself, and reported.
        let Place::Call(counted_by) = context::place() else { return None };
        self.listed.call_once(|| lock(&LISTS).push(self));
        let call = Call { id, since: clock::now(), counted_by };
        let mut running = lock(&self.running);
        let number = running.next;
        running.next += 1;
        running.calls.insert(number, call);
        Some(Listed { ids: self, number })
    }

    /// The ids in it, whoever has counted the calls.
    #[cfg(test)]
    #[cfg(not(loom))]
    pub(super) fn listed(&self) -> Vec<String> {
        lock(&self.running).calls.values().map(|call| call.id.clone()).collect()
    }
}

/// A call that is in its function's list until this is dropped.
struct Listed {
    ids: &'static CallIds,
    number: u64,
}

impl Drop for Listed {
    fn drop(&mut self) {
        let call = lock(&self.ids.running).calls.remove(&self.number);
        drop(call);
    }
}

/// What a drain waits for: the functions of which calls are counted at this gate, and the calls with ids among or within
/// those, of each function the oldest first.
pub(crate) fn awaited(gate: &'static Gate) -> Vec<CallSite> {
    let mut running = running_at(gate);
    let sites = gate.listed().into_iter().map(|site| (site, site.snapshot()));
    let sites = sites.filter(|(_, stats)| stats.in_flight > 0);
    sites
        .map(|(site, stats)| {
            let of_site = |(counted_by, _): &(&'static Site, RunningCall)| ptr::eq(*counted_by, site);
            let (own, others) = mem::take(&mut running).into_iter().partition(of_site);
            running = others;
            CallSite {
                name: stats.name.to_owned(),
                module: stats.module.to_owned(),
                file: stats.file.to_owned(),
                line: stats.line,
                group: stats.group.to_owned(),
                count: stats.in_flight,
                running: Vec::from_iter(own.into_iter().map(|(_, call)| call)),
            }
        })
        .collect()
}

/// The calls with ids that are counted at this gate, by who has counted them.
fn running_at(gate: &'static Gate) -> Vec<(&'static Site, RunningCall)> {
    let now = clock::now();
    let mut found = Vec::new();
    for ids in lock(&LISTS).iter() {
        let running = lock(&ids.running);
        let of_gate = running.calls.values().filter(|call| ptr::eq(call.counted_by.gate(), gate));
        found.extend(of_gate.map(|call| {
            let running = RunningCall {
                name: ids.name.to_owned(),
                id: call.id.clone(),
                file: ids.file.to_owned(),
                line: ids.line,
                ran: now.saturating_duration_since(call.since),
            };
            (call.counted_by, running)
        }));
    }
    found
}

/// What a call is known by, made before it has begun: the function's arguments are still there then.
pub struct Identity {
    id: Option<(&'static CallIds, String)>,
    span: Option<fn(&str) -> Span>,
}

impl Identity {
    /// By nothing.
    pub const NONE: Self = Identity { id: None, span: None };

    /// By an id.
    pub fn of(ids: &'static CallIds, id: impl Display) -> Self {
        let mut text = String::new();
        // Whoever cannot say all of it has said a part.
        let _ = write!(text, "{id}");
        Identity { id: Some((ids, text)), span: None }
    }

    /// By a span as well, which is made of the id when the call begins.
    pub fn in_span(mut self, span: fn(&str) -> Span) -> Self {
        self.span = Some(span);
        self
    }

    fn begin(self) -> Begun {
        let id = self.id.as_ref().map_or("", |(_, id)| id);
        let span = self.span.map_or_else(Span::none, |span| span(id));
        Begun { span, _listed: self.id.and_then(|(ids, id)| ids.enter(id)) }
    }

    /// Runs a sync call.
    pub fn call<R>(self, body: impl FnOnce() -> R) -> R {
        let begun = self.begin();
        begun.span.in_scope(body)
    }

    /// The future of an async call, which begins at its first poll.
    pub fn future<F: Future>(self, body: F) -> Identified<F> {
        Identified { body: Some(body), stage: Stage::Waiting(self) }
    }
}

/// A call that runs.
struct Begun {
    span: Span,
    _listed: Option<Listed>,
}

enum Stage {
    Waiting(Identity),
    Begun(Begun),
}

pin_project! {
    /// The body of a call that is known by something. It is polled and dropped in its span.
    #[must_use = "futures do nothing unless polled"]
    pub struct Identified<F> {
        #[pin]
        body: Option<F>,
        stage: Stage,
    }

    impl<F> PinnedDrop for Identified<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let Stage::Begun(begun) = this.stage {
                begun.span.in_scope(|| this.body.set(None));
            }
        }
    }
}

impl<F: Future> Future for Identified<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if let Stage::Waiting(identity) = this.stage {
            let identity = mem::replace(identity, Identity::NONE);
            *this.stage = Stage::Begun(identity.begin());
        }
        match (this.stage, this.body.as_pin_mut()) {
            (Stage::Begun(begun), Some(body)) => begun.span.in_scope(|| body.poll(cx)),
            _ => Poll::Pending,
        }
    }
}
