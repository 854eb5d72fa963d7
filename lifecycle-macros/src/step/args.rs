//! The keys as given.

use proc_macro2::{Ident, TokenStream};

use crate::attempts;
use crate::diag::ErrorSink;
use crate::keys::{Given, On, Spanned, Time};
use crate::paths::Krate;
use crate::place;

pub(crate) struct Raw {
    pub(crate) krate: Krate,
    pub(crate) place: place::Raw,
    pub(crate) timeout: Option<Spanned<Time>>,
    pub(crate) extra: attempts::Raw,
    pub(crate) label: Option<Spanned<Ident>>,
}

pub(super) fn parse(tokens: TokenStream, on: On, errors: &ErrorSink<'_>) -> Raw {
    take(&mut Given::parse(tokens, on, errors))
}

/// What every step may say.
pub(crate) fn take(given: &mut Given) -> Raw {
    Raw {
        krate: given.krate(),
        place: place::Raw::take(given),
        timeout: given.time("timeout"),
        extra: attempts::Raw::take(given),
        label: given.ident("label"),
    }
}
