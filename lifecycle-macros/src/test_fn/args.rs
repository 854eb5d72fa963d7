//! The keys as given.

use proc_macro2::TokenStream;

use crate::diag::ErrorSink;
use crate::keys::{Given, Spanned, TEST, Time};
use crate::main_fn::args::Raw as Lifecycle;

pub(super) struct Raw {
    pub(super) timeout: Option<Spanned<Time>>,
    pub(super) clock: Option<Spanned<&'static str>>,
    /// Those that `#[lifecycle::main]` has too.
    pub(super) lifecycle: Lifecycle,
}

pub(super) fn parse(tokens: TokenStream, errors: &ErrorSink<'_>) -> Raw {
    let mut given = Given::parse(tokens, TEST, errors);
    Raw {
        timeout: given.time("timeout"),
        clock: given.choice("clock"),
        lifecycle: Lifecycle::take(&mut given),
    }
}
