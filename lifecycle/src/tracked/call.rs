//! A sync call.

use std::mem;

use crate::gate::{Before, Counts, Site, on_thread};
use crate::rejected::Rejected;

/// Runs a sync call.
///
/// Inlined, so that the site is a constant and the counts are looked up once for the begin and the end.
#[inline(always)]
pub(crate) fn call<R>(
    site: &'static Site,
    refused: impl FnOnce(Rejected) -> R,
    body: impl FnOnce() -> R,
) -> R {
    let begun = on_thread(|thread| {
        if thread.mark.is_clear() {
            let counts = site.count(thread)?;
            thread.mark.set(site);
            Some(Begun::Counted(counts))
        } else {
            thread.mark.here().map(|_| Begun::Nested)
        }
    });
    let begun = match begun {
        Some(begun) => begun,
        None => match begin_slowly(site) {
            Ok(before) => Begun::Slowly(before),
            Err(rejected) => return refused(rejected),
        },
    };
    let running = Running { site, begun };
    // The body owns the arguments: they are gone when the call ends.
    let output = body();
    running.end();
    output
}

enum Begun {
    /// On this thread, which was in no call.
    Counted(&'static Counts),
    /// In another call or a step, and not counted.
    Nested,
    /// Otherwise, in place of what another task on this thread is in, if it is in anything.
    Slowly(Option<Box<Before>>),
}

struct Running {
    site: &'static Site,
    begun: Begun,
}

impl Running {
    /// As its drop does, which is left to panics: a destructor would be called, and all that it needs be in memory for it.
    #[inline(always)]
    fn end(mut self) {
        let (site, begun) = (self.site, mem::replace(&mut self.begun, Begun::Nested));
        mem::forget(self);
        match begun {
            Begun::Counted(counts) => {
                on_thread(|thread| thread.mark.clear());
                site.leave_here(counts);
            }
            Begun::Nested => {}
            Begun::Slowly(before) => end_slowly(site, before),
        }
    }
}

impl Drop for Running {
    #[inline(always)]
    fn drop(&mut self) {
        match mem::replace(&mut self.begun, Begun::Nested) {
            Begun::Counted(_) => end_slowly(self.site, None),
            Begun::Nested => {}
            Begun::Slowly(before) => end_slowly(self.site, before),
        }
    }
}

#[cold]
#[inline(never)]
fn begin_slowly(site: &'static Site) -> Result<Option<Box<Before>>, Rejected> {
    match site.refuse_at_once() {
        Some(rejected) => Err(rejected),
        None => begin_anew(site),
    }
}

#[inline(never)]
fn begin_anew(site: &'static Site) -> Result<Option<Box<Before>>, Rejected> {
    site.count_slowly()?;
    let before = on_thread(|thread| thread.mark.replace(site));
    Ok(if before.is_none() { None } else { Some(Box::new(before)) })
}

#[cold]
#[inline(never)]
fn end_slowly(site: &'static Site, before: Option<Box<Before>>) {
    on_thread(|thread| {
        thread.mark.restore(before.map_or(Before::NONE, |before| *before));
        site.leave(thread);
    });
}
