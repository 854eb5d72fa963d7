//! The keys as given.

use proc_macro2::{Ident, TokenStream};

use crate::diag::ErrorSink;
use crate::keys::{Given, On, Paths, Spanned, Time};
use crate::paths::Krate;

pub(super) struct Raw {
    pub(super) krate: Krate,
    pub(super) order: Option<Spanned<TokenStream>>,
    pub(super) after: Option<Spanned<Paths>>,
    pub(super) before: Option<Spanned<Paths>>,
    pub(super) timeout: Option<Spanned<Time>>,
    pub(super) last: Option<Spanned<()>>,
    pub(super) label: Option<Spanned<Ident>>,
}

pub(super) fn parse(tokens: TokenStream, on: On, errors: &ErrorSink<'_>) -> Raw {
    let mut given = Given::parse(tokens, on, errors);
    Raw {
        krate: given.krate(),
        order: given.tokens("order"),
        after: given.paths("after"),
        before: given.paths("before"),
        timeout: given.time("timeout"),
        last: given.flag("last"),
        label: given.ident("label"),
    }
}
