//! From what was written to a health check that can be generated.

use proc_macro2::TokenStream;

use super::args::Raw;
use crate::called::{self, Called, Function};
use crate::component::Owner;
use crate::condition::When;
use crate::diag::ErrorSink;
use crate::item::Item;
use crate::keys::{CHECK, Spanned, Time};
use crate::step::check::Marker;

pub(super) struct Check {
    pub(super) marker: Marker,
    pub(super) interval: Option<Time>,
    pub(super) timeout: Option<Time>,
    pub(super) retry: Option<TokenStream>,
    pub(super) delay: Option<Time>,
    pub(super) recover: Option<syn::ExprPath>,
    pub(super) when: Option<When>,
    pub(super) called: Called,
}

/// An `Err` holds the marker, where one can stand.
pub(super) fn check(
    raw: Raw,
    item: &Item,
    owner: Option<&Owner>,
    errors: &ErrorSink<'_>,
) -> Result<Check, Option<Marker>> {
    let function = Function::Parsed(item);
    let marker = Marker::new(raw.krate, raw.label.map(|label| label.value), &function, owner, false);
    let called = function.check(owner.map(Owner::ty), CHECK.subject(), false, errors);
    if let Some(Spanned { value: path, .. }) = &raw.recover {
        let own = &item.sig.ident;
        if called::is_itself(path, own) {
            errors.at(
                path,
                format!("`{own}` cannot recover by itself: it is run again after `recover` anyway; name another function"),
            );
        }
    }
    let when = When::check(raw.when, errors);
    if errors.failed() {
        return Err((!function.is_inside()).then_some(marker));
    }
    let value = |time: Option<Spanned<Time>>| time.map(|time| time.value);
    Ok(Check {
        marker,
        interval: value(raw.interval),
        timeout: value(raw.timeout),
        retry: raw.retry.map(|retry| retry.value),
        delay: value(raw.delay),
        recover: raw.recover.map(|recover| recover.value),
        when,
        called,
    })
}
