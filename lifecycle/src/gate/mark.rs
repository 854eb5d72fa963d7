//! Which call or step a thread is in, and of which task that is.

use std::cell::Cell;

use tokio::task::Id;

use super::Site;

/// Set around each poll of a call, and restored after it. It holds for the task alone that was polled when it was set:
/// others that the same poll drives are not inside.
pub(crate) struct Mark {
    site: Cell<Option<&'static Site>>,
    /// Of no meaning without a site.
    task: Cell<Option<Id>>,
}

/// A mark that another one stands in place of.
#[derive(Clone, Copy)]
#[must_use = "to be restored"]
pub(crate) struct Before(Option<(&'static Site, Option<Id>)>);

impl Before {
    /// There was none.
    pub(crate) const NONE: Self = Before(None);

    /// Whether there was no mark.
    #[inline]
    pub(crate) fn is_none(&self) -> bool {
        self.0.is_none()
    }
}

impl Mark {
    pub(super) const fn new() -> Self {
        Mark { site: Cell::new(None), task: Cell::new(None) }
    }

    /// Whether the thread is in no call and no step, of whatever task.
    #[inline(always)]
    pub(crate) fn is_clear(&self) -> bool {
        self.site.get().is_none()
    }

    /// The call or step that the caller is in.
    #[inline]
    pub(crate) fn here(&self) -> Option<&'static Site> {
        self.site.get().filter(|_| self.task.get() == tokio::task::try_id())
    }

    #[inline(always)]
    pub(crate) fn set(&self, site: &'static Site) {
        self.task.set(tokio::task::try_id());
        self.site.set(Some(site));
    }

    #[inline(always)]
    pub(crate) fn clear(&self) {
        self.site.set(None);
    }

    #[inline(always)]
    pub(crate) fn replace(&self, site: &'static Site) -> Before {
        let before = self.site.get().map(|site| (site, self.task.get()));
        self.set(site);
        Before(before)
    }

    #[inline(always)]
    pub(crate) fn restore(&self, before: Before) {
        // What is written back does not depend on what was read, so that one call need not wait for another's stores.
        match before.0 {
            None => self.clear(),
            Some((site, task)) => {
                self.task.set(task);
                self.site.set(Some(site));
            }
        }
    }
}
