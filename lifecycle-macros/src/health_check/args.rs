//! The keys as given.

use proc_macro2::{Ident, TokenStream};

use crate::diag::ErrorSink;
use crate::keys::{CHECK, Given, Spanned, Time};
use crate::paths::Krate;

pub(super) struct Raw {
    pub(super) krate: Krate,
    pub(super) interval: Option<Spanned<Time>>,
    pub(super) timeout: Option<Spanned<Time>>,
    pub(super) retry: Option<Spanned<TokenStream>>,
    pub(super) delay: Option<Spanned<Time>>,
    pub(super) recover: Option<Spanned<syn::ExprPath>>,
    pub(super) when: Option<Spanned<TokenStream>>,
    pub(super) label: Option<Spanned<Ident>>,
}

pub(super) fn parse(tokens: TokenStream, errors: &ErrorSink<'_>) -> Raw {
    let mut given = Given::parse(tokens, CHECK, errors);
    Raw {
        krate: given.krate(),
        interval: given.time("interval"),
        timeout: given.time("timeout"),
        retry: given.tokens("retry"),
        delay: given.time("delay"),
        recover: given.function("recover"),
        when: given.tokens("when"),
        label: given.ident("label"),
    }
}
