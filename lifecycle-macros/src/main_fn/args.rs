//! The keys as given.

use proc_macro2::TokenStream;

use crate::diag::ErrorSink;
use crate::keys::{Given, MAIN, Spanned, Time, Within};
use crate::paths::Krate;

pub(crate) struct Raw {
    pub(crate) krate: Krate,
    pub(crate) setup: Option<Spanned<syn::Path>>,
    pub(crate) grace: Option<Spanned<Within>>,
    pub(crate) drain: Option<Spanned<Within>>,
    pub(crate) cut: Option<Spanned<Time>>,
    pub(crate) lameduck: Option<Spanned<Time>>,
    pub(crate) reserve: Option<Spanned<Time>>,
    pub(crate) signals: Option<Spanned<TokenStream>>,
    pub(crate) exit: Option<Spanned<&'static str>>,
    pub(crate) budget: Option<Spanned<&'static str>>,
    pub(crate) report: Option<Spanned<&'static str>>,
    pub(crate) ready: Option<Spanned<&'static str>>,
    pub(crate) flavor: Option<Spanned<&'static str>>,
    pub(crate) worker_threads: Option<Spanned<TokenStream>>,
    pub(crate) pause: Option<Spanned<TokenStream>>,
    pub(crate) resume: Option<Spanned<TokenStream>>,
    pub(crate) journal: Option<Spanned<TokenStream>>,
}

pub(super) fn parse(tokens: TokenStream, errors: &ErrorSink<'_>) -> Raw {
    Raw::take(&mut Given::parse(tokens, MAIN, errors))
}

impl Raw {
    /// An attribute that has not all of the keys leaves out the others.
    pub(crate) fn take(given: &mut Given) -> Self {
        Raw {
            krate: given.krate(),
            setup: given.path("setup"),
            grace: given.limit("grace"),
            drain: given.limit("drain"),
            cut: given.time("cut"),
            lameduck: given.time("lameduck"),
            reserve: given.time("reserve"),
            signals: given.tokens("signals"),
            exit: given.choice("exit"),
            budget: given.choice("budget"),
            report: given.choice("report"),
            ready: given.choice("ready"),
            flavor: given.choice("flavor"),
            worker_threads: given.tokens("worker_threads"),
            pause: given.tokens("pause"),
            resume: given.tokens("resume"),
            journal: given.tokens("journal"),
        }
    }
}
