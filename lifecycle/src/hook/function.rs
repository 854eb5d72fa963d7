//! A function that the library calls: an annotated one, or one that was made at run time.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::{Answer, Asked, Description, Missing, Query, Signature};
use crate::resource::{Inputs, Resource};

/// What a step's call came to: the resources it gives, or its error as text (`{:#}`).
pub type CallResult = Result<Vec<Resource>, String>;

/// A call with its arguments gathered, not yet begun.
pub(crate) enum Call {
    /// An async function: polled on the service's runtime.
    Async(Pin<Box<dyn Future<Output = CallResult> + Send>>),
    /// A sync function: run on an OS thread of its own.
    Sync(Box<dyn FnOnce() -> CallResult + Send>),
}

type Gather = dyn Fn(&mut Inputs<'_>) -> Result<Call, Missing> + Send + Sync;

/// Gathers a function's arguments into a call.
#[derive(Clone)]
pub(crate) enum Begin {
    /// Of an annotated function. Of these there are many, so nothing is allocated for them.
    Annotated(Asked),
    /// Of one that was made at run time.
    Made(Arc<Gather>),
}

impl Begin {
    pub(crate) fn new(
        begin: impl Fn(&mut Inputs<'_>) -> Result<Call, Missing> + Send + Sync + 'static,
    ) -> Self {
        Begin::Made(Arc::new(begin))
    }

    pub(crate) fn begin(&self, inputs: &mut Inputs<'_>) -> Result<Call, Missing> {
        match self {
            Begin::Annotated(asked) => annotated(*asked, inputs),
            Begin::Made(begin) => begin(inputs),
        }
    }

    /// Whether both were made as one. Pointers to annotated functions say nothing: the compiler may merge two of these.
    pub(super) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Begin::Made(this), Begin::Made(other)) => Arc::ptr_eq(this, other),
            (Begin::Annotated(_) | Begin::Made(_), _) => false,
        }
    }
}

fn annotated(asked: Asked, inputs: &mut Inputs<'_>) -> Result<Call, Missing> {
    let (mut held, is_async) = match asked(Query::Hold(inputs)) {
        Answer::Held(held, is_async) => (held?, is_async),
        _ => (Box::new(()) as Box<_>, false),
    };
    Ok(match is_async {
        true => Call::Async(Box::pin(async move {
            match asked(Query::Call(&mut *held)) {
                Answer::Pending(call) => call.await,
                answer => answer.ended(),
            }
        })),
        false => Call::Sync(Box::new(move || asked(Query::Call(&mut *held)).ended())),
    })
}

impl Answer<'_> {
    fn ended(self) -> CallResult {
        match self {
            Answer::Ended(result) => result,
            _ => Err("this is no function that the attributes have made".to_owned()),
        }
    }
}

/// A function, with its arguments classified.
#[derive(Clone)]
pub(crate) struct Function {
    pub(crate) signature: Signature,
    pub(crate) begin: Begin,
}

/// An annotated one, which need not be a step's.
impl From<Asked> for Function {
    fn from(asked: Asked) -> Self {
        Function { signature: Description::of(asked).signature, begin: Begin::Annotated(asked) }
    }
}
