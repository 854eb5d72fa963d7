//! The keys as given.

use proc_macro2::TokenStream;

use crate::diag::ErrorSink;
use crate::keys::{Given, Spanned, TRACKED};
use crate::paths::Krate;

pub(super) struct Raw {
    pub(super) krate: Krate,
    pub(super) group: Option<Spanned<syn::Path>>,
    pub(super) reject: Option<Spanned<TokenStream>>,
    /// Its only value is `always`.
    pub(super) admit: Option<Spanned<&'static str>>,
    pub(super) id: Option<Spanned<TokenStream>>,
    pub(super) span: bool,
    pub(super) name: Option<Spanned<TokenStream>>,
}

pub(super) fn parse(tokens: TokenStream, errors: &ErrorSink<'_>) -> Raw {
    let mut given = Given::parse(tokens, TRACKED, errors);
    Raw {
        krate: given.krate(),
        group: given.path("group"),
        reject: given.tokens("reject"),
        admit: given.choice("admit"),
        id: given.tokens("id"),
        span: given.flag("span").is_some(),
        name: given.tokens("name"),
    }
}
