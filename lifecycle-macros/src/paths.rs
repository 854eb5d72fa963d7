//! The path by which generated code reaches the library.

use std::rc::Rc;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};

/// The span of generated tokens: local variables and labels are invisible to the user's code, and the edition is this
/// crate's, whatever the caller's is.
pub(crate) fn site() -> Span {
    Span::mixed_site()
}

/// The same, but an error found in the tokens is shown at `place`.
pub(crate) fn site_at(place: Span) -> Span {
    Span::mixed_site().located_at(place)
}

/// `::lifecycle`, or what `crate = path` says.
#[derive(Clone, Default)]
pub(crate) struct Krate(Option<Rc<syn::Path>>);

impl Krate {
    pub(crate) fn new(path: Option<syn::Path>) -> Self {
        Krate(path.map(Rc::new))
    }

    /// This one, or else the other.
    pub(crate) fn or(self, other: &Krate) -> Self {
        if self.0.is_some() { self } else { other.clone() }
    }

    /// Whether its path's last name is this one.
    pub(crate) fn ends_with(&self, name: &str) -> bool {
        self.0.as_ref().and_then(|path| path.segments.last()).is_some_and(|last| last.ident == name)
    }

    /// `::lifecycle::__private`, its own tokens shown at `place`.
    pub(crate) fn private_at(&self, place: Span) -> TokenStream {
        match &self.0 {
            Some(path) => quote_spanned!(place=> #path::__private),
            None => quote_spanned!(place=> ::lifecycle::__private),
        }
    }

    pub(crate) fn private(&self) -> TokenStream {
        self.private_at(site())
    }
}

impl ToTokens for Krate {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match &self.0 {
            Some(path) => path.to_tokens(tokens),
            None => quote_spanned!(site()=> ::lifecycle).to_tokens(tokens),
        }
    }
}
