//! A call whose future is there before it is admitted.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::inside::{Found, Running, counted_by, end, poll};
use super::{Admission, admit};
use crate::__private::tracked::Refusal;
use crate::gate::{Admitted, Site};

pin_project! {
    /// A future that is admitted at its first poll.
    #[must_use = "futures do nothing unless polled"]
    pub struct Gated<F: Future, K> {
        // `None` once it has ended, or was refused or cut.
        #[pin]
        body: Option<F>,
        stage: Stage<K>,
    }

    impl<F: Future, K> PinnedDrop for Gated<F, K> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let (Stage::Counted(site), true) = (this.stage, this.body.is_some()) {
                end(*site, || this.body.set(None));
            }
        }
    }
}

enum Stage<K> {
    Waiting(&'static Site, K),
    Refused,
    Nested,
    Counted(&'static Site),
}

impl<F: Future, K> Gated<F, K> {
    pub(crate) fn new(site: &'static Site, refusal: K, body: F) -> Self {
        Gated { body: Some(body), stage: Stage::Waiting(site, refusal) }
    }

    /// It was admitted already, if it is counted at all.
    pub(super) fn begun(admitted: Option<Admitted>, body: F) -> Self {
        let stage = admitted.map_or(Stage::Nested, |admitted| Stage::Counted(counted_by(admitted)));
        Gated { body: Some(body), stage }
    }
}

impl<F: Future, K: Refusal<F::Output>> Future for Gated<F, K> {
    type Output = F::Output;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.as_mut().project();
        if let Stage::Waiting(site, _) = *this.stage {
            let (stage, rejected) = match admit(site) {
                Admission::Counted(admitted) => (Stage::Counted(counted_by(admitted)), None),
                Admission::Nested => (Stage::Nested, None),
                Admission::Refused(rejected) => (Stage::Refused, Some(rejected)),
            };
            let before = std::mem::replace(this.stage, stage);
            if let (Some(rejected), Stage::Waiting(_, refusal)) = (rejected, before) {
                let answer = refusal.answer(rejected);
                this.body.set(None);
                return Poll::Ready(answer);
            }
        }
        poll(self, cx)
    }
}

impl<F: Future, K> Running for Gated<F, K> {
    type Site = &'static Site;
    type Body = F;

    #[inline(always)]
    fn running(self: Pin<&mut Self>) -> Found<'_, &'static Site, F> {
        let this = self.project();
        let counted = match *this.stage {
            Stage::Counted(site) => Some(site),
            _ => None,
        };
        this.body.as_pin_mut().map(|body| (counted, body))
    }

    #[inline(always)]
    fn drop_body(self: Pin<&mut Self>) {
        self.project().body.set(None);
    }
}
