//! From what was written to a step that can be generated.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::ext::IdentExt;

use super::args::Raw;
use crate::attempts::Extra;
use crate::called::{Called, Function};
use crate::component::Owner;
use crate::diag::ErrorSink;
use crate::keys::{On, START, Time};
use crate::paths::{Krate, site};
use crate::place::Place;

pub(crate) struct Step {
    pub(crate) marker: Marker,
    pub(crate) place: Place,
    pub(crate) timeout: Option<Time>,
    pub(crate) called: Called,
    pub(crate) extra: Extra,
}

/// The type that stands for the step.
pub(crate) struct Marker {
    pub(crate) krate: Krate,
    pub(crate) vis: TokenStream,
    pub(crate) name: Ident,
    /// As reported, where it is not the type's name.
    pub(crate) shown: Option<String>,
    /// Where its method is.
    method: Option<Span>,
    pub(crate) starts: bool,
}

impl Marker {
    /// Of a function, or of a method of `owner`.
    pub(crate) fn new(
        krate: Krate,
        label: Option<Ident>,
        function: &Function<'_>,
        owner: Option<&Owner>,
        starts: bool,
    ) -> Self {
        let vis = function.vis();
        let method = owner.map(|_| function.name().span());
        let krate = owner.map_or(krate.clone(), |owner| krate.or(owner.krate()));
        match (label, owner) {
            (None, Some(owner)) => {
                let (name, shown) = owner.unnamed(function.name());
                Marker { krate, vis: TokenStream::new(), name, shown: Some(shown), method, starts }
            }
            (label, _) => {
                let name = label.unwrap_or_else(|| function.name().clone());
                Marker { krate, vis, name, shown: None, method, starts }
            }
        }
    }

    /// As reported.
    pub(crate) fn text(&self) -> String {
        self.shown.clone().unwrap_or_else(|| self.ident())
    }

    /// The line it is reported at, where it is not the attribute's.
    pub(crate) fn line(&self) -> Option<TokenStream> {
        let p = self.krate.private();
        // Of the user's own span: whatever is called there is called on the method's line.
        let line = quote_spanned!(self.method?=> .line());
        Some(quote_spanned!(site()=> #p::Here #line))
    }

    /// As part of other names.
    pub(crate) fn ident(&self) -> String {
        self.name.unraw().to_string()
    }
}

/// An `Err` holds the marker, where one can stand.
pub(crate) fn check(
    on: On,
    raw: Raw,
    function: &Function<'_>,
    owner: Option<&Owner>,
    errors: &ErrorSink<'_>,
) -> Result<Step, Option<Marker>> {
    let marker = Marker::new(raw.krate, raw.label.map(|label| label.value), function, owner, on == START);
    let place = raw.place.check(&marker.name, errors);
    let called = function.check(owner.map(Owner::ty), on.subject(), on == START, errors);
    let timeout = raw.timeout.map(|timeout| timeout.value);
    let extra = raw.extra.check(function.name(), timeout.as_ref(), errors);
    if errors.failed() {
        return Err((!function.is_inside()).then_some(marker));
    }
    Ok(Step { marker, place, timeout, called, extra })
}
