//! The keys as given.

use proc_macro2::{Ident, TokenStream};

use crate::diag::ErrorSink;
use crate::keys::{Given, On, Spanned, Time};
use crate::paths::Krate;
use crate::place;

pub(super) struct Raw {
    pub(super) krate: Krate,
    pub(super) place: place::Raw,
    pub(super) timeout: Option<Spanned<Time>>,
    pub(super) label: Option<Spanned<Ident>>,
}

pub(super) fn parse(tokens: TokenStream, on: On, errors: &ErrorSink<'_>) -> Raw {
    let mut given = Given::parse(tokens, on, errors);
    Raw {
        krate: given.krate(),
        place: place::Raw::take(&mut given),
        timeout: given.time("timeout"),
        label: given.ident("label"),
    }
}
