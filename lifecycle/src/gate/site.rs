//! One annotated function, as the gate knows it.

use std::ptr;
use std::sync::{Once, OnceLock};

use super::sync::{AtomicUsize, Ordering};
use super::{Gate, REQUESTS};
use crate::rejected::Rejected;

/// The `static` that `#[tracked]` leaves behind for its function: what it is called, and how many calls of it run.
pub struct Site {
    name: &'static str,
    module: &'static str,
    file: &'static str,
    line: u32,
    /// `admit = always`.
    always: bool,
    home: Home,
    in_flight: AtomicUsize,
    refused: AtomicUsize,
    listed: Once,
    next: OnceLock<&'static Site>,
}

/// Where a site's calls are counted.
#[derive(Clone, Copy)]
enum Home {
    Gate(&'static Gate),
    /// By its group's word: a type cannot name a `static` where the site is made.
    Group(fn() -> &'static Gate),
}

/// A tracked function and its calls.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct CallStats {
    /// The function's name, or what `name = "…"` says.
    pub name: &'static str,
    /// The module it is in.
    pub module: &'static str,
    /// The file it is in.
    pub file: &'static str,
    /// The line of its attribute.
    pub line: u32,
    /// The group that its calls belong to.
    pub group: &'static str,
    /// How many calls of it are running.
    pub in_flight: usize,
    /// How many calls of it were refused.
    pub refused: u64,
}

impl Site {
    /// A function whose calls belong to `lifecycle::Requests`.
    pub const fn new(
        name: &'static str,
        module: &'static str,
        file: &'static str,
        line: u32,
        always: bool,
    ) -> Self {
        Site {
            name,
            module,
            file,
            line,
            always,
            home: Home::Gate(&REQUESTS),
            in_flight: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            listed: Once::new(),
            next: OnceLock::new(),
        }
    }

    /// The same function, its calls belonging to another group.
    pub const fn of(mut self, group: fn() -> &'static Gate) -> Self {
        self.home = Home::Group(group);
        self
    }

    /// The same at a gate that is no group's.
    #[cfg(test)]
    pub(crate) fn at(mut self, gate: &'static Gate) -> Self {
        self.home = Home::Gate(gate);
        self
    }

    #[inline]
    pub(crate) fn gate(&self) -> &'static Gate {
        match self.home {
            Home::Gate(gate) => gate,
            Home::Group(gate) => gate(),
        }
    }

    /// Counts a call from outside, unless it is refused.
    #[inline]
    pub(crate) fn enter(&'static self) -> Result<Admitted, Rejected> {
        self.list();
        if self.always {
            return Ok(self.enter_always());
        }
        match self.gate().enter() {
            Ok(()) => Ok(self.counted()),
            Err(rejected) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                Err(rejected)
            }
        }
    }

    /// Counts work that belongs to a call which is still counted itself.
    #[inline]
    pub(crate) fn enter_always(&'static self) -> Admitted {
        self.gate().enter_always();
        self.counted()
    }

    #[inline]
    fn counted(&'static self) -> Admitted {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        Admitted(self)
    }

    /// Whether a running call must not go on. What may always be called is not cut either.
    #[inline]
    pub(crate) fn is_frozen(&self) -> bool {
        self.gate().is_frozen() && !self.always
    }

    /// Appends the site to its gate's list, once.
    #[inline]
    fn list(&'static self) {
        self.listed.call_once(|| {
            let mut end = &self.gate().first_site;
            while end.set(self).is_err() {
                match end.get() {
                    Some(site) => end = &site.next,
                    None => unreachable!("a cell that refuses a value has one"),
                }
            }
        });
    }

    pub(super) fn next(&self) -> Option<&'static Site> {
        self.next.get().copied()
    }

    pub(crate) fn snapshot(&self) -> CallStats {
        CallStats {
            name: self.name,
            module: self.module,
            file: self.file,
            line: self.line,
            group: self.gate().name(),
            in_flight: self.in_flight.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed) as u64,
        }
    }
}

/// Stands where a call that nobody counts would name its site: an `Admitted` is then one pointer that is never null, and
/// the future around it is a pointer larger than its body, not two.
static UNCOUNTED: Site = Site::new("", "", "", 0, true);

/// The right to run a call. Admitted, unless it is inside another call or a step.
#[must_use = "a call runs in `scope()` or in `run(…)`, and ends when this is dropped"]
pub struct Admitted(&'static Site);

impl Admitted {
    pub(crate) const fn uncounted() -> Self {
        Admitted(&UNCOUNTED)
    }

    /// The site that counts it.
    #[inline]
    pub(crate) fn site(&self) -> Option<&'static Site> {
        if ptr::eq(self.0, &UNCOUNTED) { None } else { Some(self.0) }
    }
}

impl Drop for Admitted {
    #[inline]
    fn drop(&mut self) {
        if let Some(site) = self.site() {
            // Before the gate, whose emptiness promises that no site has a call either.
            site.in_flight.fetch_sub(1, Ordering::Relaxed);
            site.gate().leave();
        }
    }
}
