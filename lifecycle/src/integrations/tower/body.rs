//! A response's body, in which its request is still counted.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::context;
use crate::tracked::Admitted;

/// When a stream that has no end of its own is to end.
pub(super) type Ends = Pin<Box<WaitForCancellationFutureOwned>>;

pin_project! {
    /// The body of a tracked request's response: the request counts until its last frame, or until it is dropped.
    pub struct TrackBody<B> {
        #[pin]
        content: Content<B>,
        // After the content.
        call: Option<Admitted>,
        ends: Option<Ends>,
    }

    impl<B> PinnedDrop for TrackBody<B> {
        fn drop(this: Pin<&mut Self>) {
            this.end();
        }
    }
}

pin_project! {
    #[project = ContentProjection]
    enum Content<B> {
        Body { #[pin] body: B },
        Text { text: &'static [u8] },
        Gone,
        // Never told to be complete, since it is not.
        Cut,
    }
}

impl<B> TrackBody<B> {
    pub(super) fn new(body: B, call: Option<Admitted>, ends: Option<Ends>) -> Self {
        TrackBody { content: Content::Body { body }, call, ends }
    }

    pub(super) fn untracked(body: B) -> Self {
        Self::new(body, None, None)
    }

    pub(super) fn text(text: &'static [u8]) -> Self {
        TrackBody { content: Content::Text { text }, call: None, ends: None }
    }

    pub(super) fn empty() -> Self {
        TrackBody { content: Content::Gone, call: None, ends: None }
    }

    /// Drops the body inside the call, then ends the call.
    fn end(self: Pin<&mut Self>) {
        let mut this = self.project();
        {
            let _marked = this.call.as_ref().map(|call| context::enter(call.0));
            this.content.set(Content::Gone);
        }
        *this.call = None;
    }
}

impl<B> Body for TrackBody<B>
where
    B: Body<Data: From<&'static [u8]>>,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.as_mut().project();
        let frame = match this.content.project() {
            ContentProjection::Gone => return Poll::Ready(None),
            ContentProjection::Cut => return Poll::Pending,
            ContentProjection::Text { text } => {
                let frame = Frame::data(B::Data::from(text));
                self.end();
                return Poll::Ready(Some(Ok(frame)));
            }
            ContentProjection::Body { body } => {
                if this.call.as_ref().is_some_and(|call| call.0.is_frozen()) {
                    self.as_mut().end();
                    self.project().content.set(Content::Cut);
                    return Poll::Pending;
                }
                if this.ends.as_mut().is_some_and(|ends| ends.as_mut().poll(cx).is_ready()) {
                    None
                } else {
                    let _marked = this.call.as_ref().map(|call| context::enter(call.0));
                    ready!(body.poll_frame(cx))
                }
            }
        };
        if frame.is_none() {
            self.end();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Body { body } => body.is_end_stream(),
            Content::Text { .. } | Content::Cut => false,
            Content::Gone => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Body { body } => body.size_hint(),
            Content::Text { text } => SizeHint::with_exact(text.len() as u64),
            Content::Gone => SizeHint::with_exact(0),
            Content::Cut => SizeHint::default(),
        }
    }
}

impl<B> fmt::Debug for TrackBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrackBody").finish_non_exhaustive()
    }
}
