//! The path by which generated code reaches the library.

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
#[derive(Default)]
pub(crate) struct Krate(Option<syn::Path>);

impl Krate {
    pub(crate) fn new(path: Option<syn::Path>) -> Self {
        Krate(path)
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
