//! The path by which generated code reaches the library.

use std::rc::Rc;

use proc_macro2::{Ident, Punct, Spacing, Span, TokenStream};
use quote::{ToTokens, TokenStreamExt, quote_spanned};

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
    pub(crate) fn private_at(&self, place: Span) -> Private<'_> {
        Private { krate: self, at: place }
    }

    pub(crate) fn private(&self) -> Private<'_> {
        self.private_at(site())
    }

    /// These items, and where `crate = path` leads nowhere, one error in place of one for each path. Only for a path that
    /// was given: it has all of them expanded once more.
    pub(crate) fn items(&self, items: TokenStream) -> TokenStream {
        if self.0.is_none() {
            return items;
        }
        let p = self.private();
        quote_spanned!(site()=> #p::items! { #items })
    }
}

/// Where the library keeps what generated code names.
///
/// Its tokens are pushed one by one: every stream that is put into another one is a call to the compiler, and this is in
/// every path of the generated code.
#[derive(Clone, Copy)]
pub(crate) struct Private<'a> {
    krate: &'a Krate,
    at: Span,
}

impl ToTokens for Private<'_> {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let word = |name| Ident::new(name, self.at);
        let colons = |tokens: &mut TokenStream| {
            for spacing in [Spacing::Joint, Spacing::Alone] {
                let mut colon = Punct::new(':', spacing);
                colon.set_span(self.at);
                tokens.append(colon);
            }
        };
        match &self.krate.0 {
            Some(path) => path.to_tokens(tokens),
            None => {
                colons(tokens);
                tokens.append(word("lifecycle"));
            }
        }
        colons(tokens);
        tokens.append(word("__private"));
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
