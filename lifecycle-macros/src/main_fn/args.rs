//! The keys as given.

use proc_macro2::TokenStream;

use crate::diag::ErrorSink;
use crate::keys::{Given, MAIN, Spanned, Time, Within};
use crate::paths::Krate;

pub(super) struct Raw {
    pub(super) krate: Krate,
    pub(super) setup: Option<Spanned<syn::Path>>,
    pub(super) grace: Option<Spanned<Within>>,
    pub(super) drain: Option<Spanned<Within>>,
    pub(super) cut: Option<Spanned<Time>>,
    pub(super) lameduck: Option<Spanned<Time>>,
    pub(super) reserve: Option<Spanned<Time>>,
    pub(super) signals: Option<Spanned<TokenStream>>,
    pub(super) exit: Option<Spanned<&'static str>>,
    pub(super) budget: Option<Spanned<&'static str>>,
    pub(super) report: Option<Spanned<&'static str>>,
    pub(super) ready: Option<Spanned<&'static str>>,
    pub(super) flavor: Option<Spanned<&'static str>>,
    pub(super) worker_threads: Option<Spanned<TokenStream>>,
    pub(super) pause: Option<Spanned<TokenStream>>,
    pub(super) resume: Option<Spanned<TokenStream>>,
    pub(super) journal: Option<Spanned<TokenStream>>,
}

pub(super) fn parse(tokens: TokenStream, errors: &ErrorSink<'_>) -> Raw {
    let mut given = Given::parse(tokens, MAIN, errors);
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
