//! The keys as given.

use proc_macro2::TokenStream;

use crate::diag::ErrorSink;
use crate::keys::{Given, Spanned, WORKER};
use crate::step;

pub(super) struct Raw {
    pub(super) step: step::args::Raw,
    pub(super) restart: Option<Spanned<&'static str>>,
}

pub(super) fn parse(tokens: TokenStream, errors: &ErrorSink<'_>) -> Raw {
    let mut given = Given::parse(tokens, WORKER, errors);
    Raw { restart: given.choice("restart"), step: step::args::take(&mut given) }
}
