//! The keys as given.

use proc_macro2::TokenStream;

use crate::diag::ErrorSink;
use crate::keys::{GROUP, Given, Spanned, Time};
use crate::paths::Krate;
use crate::place;

pub(super) struct Raw {
    pub(super) krate: Krate,
    pub(super) place: place::Raw,
    pub(super) timeout: Option<Spanned<Time>>,
}

pub(super) fn parse(tokens: TokenStream, errors: &ErrorSink<'_>) -> Raw {
    let mut given = Given::parse(tokens, GROUP, errors);
    Raw { krate: given.krate(), place: place::Raw::take(&mut given), timeout: given.time("timeout") }
}
