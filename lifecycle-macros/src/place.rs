//! A step's place among the others: its order and its edges, as written, checked, and generated.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::ext::IdentExt;

use crate::diag::ErrorSink;
use crate::keys::{Given, Paths, Spanned, spelled};
use crate::paths::{Krate, site, site_at};

/// The keys as given.
pub(crate) struct Raw {
    order: Option<Spanned<TokenStream>>,
    after: Option<Spanned<Paths>>,
    before: Option<Spanned<Paths>>,
    last: Option<Spanned<()>>,
}

/// What they come to.
pub(crate) struct Place {
    pub(crate) order: Option<TokenStream>,
    pub(crate) last: bool,
    after: Vec<Edge>,
    before: Vec<Edge>,
}

/// A path to another step.
struct Edge {
    path: syn::Path,
    /// As it was written.
    text: String,
}

impl Raw {
    pub(crate) fn take(given: &mut Given) -> Self {
        Raw {
            order: given.tokens("order"),
            after: given.paths("after"),
            before: given.paths("before"),
            last: given.flag("last"),
        }
    }

    /// `own` is the name that stands for the step.
    pub(crate) fn check(self, own: &Ident, errors: &ErrorSink<'_>) -> Place {
        let last = self.last.is_some();
        if let (true, Some(order)) = (last, &self.order) {
            errors.at(&order.key, "a `last` step comes after every order: remove `order`, or `last`");
        }
        let edges = |given: Option<Spanned<Paths>>| -> Vec<Edge> {
            let Some(Spanned { key, value }) = given else { return Vec::new() };
            if last {
                errors.at(
                    &key,
                    format!("a `last` step comes after everything else: remove `{key}`, or `last`"),
                );
            }
            let edge = |path: syn::Path| Edge { text: spelled(&path), path };
            let edges: Vec<Edge> = value.paths.into_iter().map(edge).collect();
            let itself = |edge: &&Edge| edge.path.is_ident(own) || edge.text == format!("self::{own}");
            for edge in edges.iter().filter(|edge| is_method(&edge.path)) {
                errors.at(
                    &edge.path,
                    format!(
                        "`{}` reads as a method, which has no type that could be named here: give it a label, as in `label = \
                         Close`, and write `{key} = Close`",
                        edge.text
                    ),
                );
            }
            for edge in edges.iter().filter(itself) {
                errors.at(&edge.path, format!("`{}` cannot come {key} itself", edge.text));
            }
            edges
        };
        let (after, before) = (edges(self.after), edges(self.before));
        for edge in before.iter().filter(|edge| after.iter().any(|other| other.text == edge.text)) {
            errors.at(&edge.path, format!("`{}` is in `after` too: it cannot be on both sides", edge.text));
        }
        Place { order: self.order.map(|order| order.value), last, after, before }
    }
}

/// Whether a path is spelled as a type's function. Of that rustc says that it might be an associated type.
fn is_method(path: &syn::Path) -> bool {
    let begins = |ident: &Ident, with: fn(char) -> bool| ident.unraw().to_string().starts_with(with);
    let mut from_last = path.segments.iter().rev().map(|segment| &segment.ident);
    match (from_last.next(), from_last.next()) {
        (Some(last), Some(owner)) => begins(last, char::is_lowercase) && begins(owner, char::is_uppercase),
        _ => false,
    }
}

/// What a step's edges come to.
#[derive(Default)]
pub(crate) struct Edges {
    /// References to the statics.
    pub(crate) after: TokenStream,
    pub(crate) before: TokenStream,
    /// One for each edge, so that rustc's words about a circle name each of its edges, at its path.
    pub(crate) statics: TokenStream,
    /// What the compiler makes sure of, at the path.
    pub(crate) checks: TokenStream,
}

impl Edges {
    pub(crate) fn any(&self) -> bool {
        !self.statics.is_empty()
    }
}

/// A step's `NodeDef`, of a name that no path in the keys can mean.
pub(crate) fn node(step: &str) -> Ident {
    format_ident!("NODE_OF_{step}", span = site())
}

impl Place {
    /// Of the step that is reported under this name.
    pub(crate) fn edges(&self, step: &str, krate: &Krate) -> Edges {
        let mut edges = Edges::default();
        let node = node(step);
        let mut used: Vec<Ident> = Vec::new();
        let mut one = |edge: &Edge, word: &str, function: &str| {
            let Some(last) = edge.path.segments.last() else { return TokenStream::new() };
            let at = site_at(last.ident.span());
            let p = krate.private_at(at);
            let mut name = format_ident!("{step}_{word}_{}", last.ident.unraw(), span = at);
            while used.contains(&name) {
                name = format_ident!("{name}_", span = at);
            }
            used.push(name.clone());
            let check = format_ident!("{function}", span = at);
            // Of the user's own span, so that the place that the edge says it is called from is the path's.
            let function = Ident::new(function, last.ident.span());
            let (path, text) = (edge.path.to_token_stream(), &edge.text);
            let call = quote_spanned!(last.ident.span()=> .#function(#text));
            edges.statics.extend(quote_spanned!(at=>
                static #name: #p::EdgeDef = {
                    use #p::AnyNode as _;
                    <#path>::lifecycle_node()#call
                };
            ));
            edges.checks.extend(quote_spanned!(at=>
                const _: () = #p::order::#check(&#node, &#name);
            ));
            quote_spanned!(at=> &#name,)
        };
        let after: TokenStream = self.after.iter().map(|edge| one(edge, "AFTER", "after")).collect();
        let before: TokenStream = self.before.iter().map(|edge| one(edge, "BEFORE", "before")).collect();
        Edges { after, before, ..edges }
    }
}
