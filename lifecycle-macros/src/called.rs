//! A function that the library calls: its arguments and its outcome by type, its body untouched.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{GenericArgument, PathArguments, Type, TypeReference};

use crate::arguments::{self, Argument, Lent};
use crate::diag::ErrorSink;
use crate::item::{Item, bare, focus, mentions, without_lifetimes};
use crate::paths::{Krate, site, site_at};

pub(crate) struct Called {
    function: Ident,
    /// The type whose method it is.
    owner: Option<TokenStream>,
    is_async: bool,
    /// Whether what it returns becomes a resource.
    gives: bool,
    arguments: Vec<Argument>,
    output: Output,
}

struct Output {
    ty: TokenStream,
    span: Span,
}

/// `who` is the subject of the errors: "a step".
pub(crate) fn check(
    item: &Item,
    owner: Option<TokenStream>,
    who: &str,
    gives: bool,
    errors: &ErrorSink<'_>,
) -> Called {
    let (function, is_async) = (item.sig.ident.clone(), item.sig.asyncness.is_some());
    if let Some(word) = of_an_impl(item) {
        errors.at(
            &word,
            format!(
                "put `#[lifecycle::component]` on the `impl` block, which says what `{word}` is; or make {who} a free \
                 function that takes the value, as in `fn close(db: &Db)`. Where it is on the block already, write this attribute \
                 by its own name: the component finds it by that"
            ),
        );
        let output = Output { ty: quote!(()), span: function.span() };
        return Called { function, owner, is_async, gives, arguments: Vec::new(), output };
    }
    let arguments = arguments::check(item, who, errors);
    let output = output(gives, item, who, errors);
    if item.body.is_none() {
        errors.at(&item.sig, format!("{who} needs a body: it is a function that the library calls"));
    }
    Called { function, owner, is_async, gives, arguments, output }
}

/// The word that tells that the function stands in an `impl`.
fn of_an_impl(item: &Item) -> Option<Ident> {
    let receiver = item.sig.receiver().map(|receiver| Ident::new("self", receiver.self_token.span));
    receiver.or_else(|| mentions(item.sig.to_token_stream(), "Self"))
}

fn output(gives: bool, item: &Item, who: &str, errors: &ErrorSink<'_>) -> Output {
    let Some(ty) = item.output() else {
        return Output { ty: quote!(()), span: item.sig.ident.span() };
    };
    let tokens = ty.to_token_stream();
    if let Some(word) = mentions(tokens.clone(), "impl") {
        errors.at(
            &word,
            format!(
                "the library has to know what {who} returns: write the type itself instead of `impl Trait`"
            ),
        );
    }
    if let (true, Some(reference)) = (gives, borrowed(ty)) {
        errors.at(
            reference,
            "a resource outlives the call, so it cannot be a reference: return a value of its own, such as `String` or \
             `Arc<str>` for `&str`",
        );
    }
    Output { ty: without_lifetimes(tokens, &item.lifetimes()), span: focus(ty) }
}

/// A reference that is, or is part of, the value that a function returns. An error may be one.
fn borrowed(ty: &Type) -> Option<&TypeReference> {
    match bare(ty) {
        Type::Reference(reference) => {
            let for_ever = matches!(&reference.lifetime, Some(lifetime) if lifetime.ident == "static");
            (!for_ever).then_some(reference)
        }
        Type::Tuple(tuple) => tuple.elems.iter().find_map(borrowed),
        Type::Path(path) => match &path.path.segments.last()?.arguments {
            PathArguments::AngleBracketed(inside) => match inside.args.first()? {
                GenericArgument::Type(ty) => borrowed(ty),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

/// Whether it stands inside an `impl` that the attribute does not see, where no type can be declared.
pub(crate) fn is_inside(item: &Item) -> bool {
    item.body.is_none() || of_an_impl(item).is_some()
}

impl Called {
    /// The arguments' kinds, what becomes of the outcome, and the call between them. `last`: it may take the report.
    pub(crate) fn expand(&self, krate: &Krate, last: bool) -> TokenStream {
        let function = &self.function;
        let at = site_at(function.span());
        let p = krate.private_at(at);
        let kinds = arguments::kinds(&self.arguments, krate, last);
        let Lent { pattern, apart, arguments } = arguments::lent(&self.arguments);
        let ending = self.ending(krate);
        let (kind, ends) = if self.is_async { ("asynchronous", "pending") } else { ("synchronous", "ended") };
        let (kind, ends) = (Ident::new(kind, at), Ident::new(ends, at));
        let owner = self.owner.as_ref().map(|owner| quote_spanned!(at=> <#owner>::));
        quote_spanned!(at=>
            #p::function::#kind(#kinds, #ending, |held, end| {
                let #pattern = #p::function::lend(held);
                #apart
                #p::function::#ends(#owner #function(#arguments), end)
            })
        )
    }

    /// The classified return type, to be looked at where it was written.
    fn ending(&self, krate: &Krate) -> TokenStream {
        let at = site_at(self.output.span);
        let p = krate.private_at(at);
        let ty = &self.output.ty;
        if self.gives {
            quote_spanned!(at=>
                {
                    let opened = #p::outcome::Return::<#ty>::NEW.lifecycle_open();
                    opened.ending(opened.lifecycle_give())
                }
            )
        } else {
            quote_spanned!(at=> #p::outcome::Return::<#ty>::NEW.lifecycle_end())
        }
    }
}

/// Whether a path names the function that it is a key of.
pub(crate) fn is_itself(path: &syn::ExprPath, own: &Ident) -> bool {
    let names: Vec<String> = path.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    match &*names {
        [name] => own == name,
        [module, name] => module == "self" && own == name,
        _ => false,
    }
}

/// `|| -> Function`, of a function whose signature no macro sees.
pub(crate) fn by_path(path: &syn::ExprPath, krate: &Krate, last: bool) -> TokenStream {
    let at = site_at(path.path.segments.last().map_or_else(site, |last| last.ident.span()));
    let p = krate.private_at(at);
    let known: TokenStream = (0..8)
        .map(syn::Index::from)
        .map(|index| quote_spanned!(at=> #p::path::parameter(&tags.#index).lifecycle_known();))
        .collect();
    let kinds = (0..8).rev().fold(quote_spanned!(at=> ()), |rest, index| {
        let index = syn::Index { index, span: at };
        // The tag is that of a step which may take the report; behind it is that of any other.
        let tag = if last { quote_spanned!(at=> tags.#index) } else { quote_spanned!(at=> (*tags.#index)) };
        quote_spanned!(at=> #p::path::list(#tag.lifecycle_kind(), #rest))
    });
    quote_spanned!(at=>
        || {
            let function = #path;
            let tags = #p::path::look(function);
            let _ = || {
                use #p::path::Known as _;
                #known
            };
            let (called, returned) = tags.8.lifecycle_called();
            called.function(#kinds, returned.lifecycle_end(), move |held, end| {
                called.call(function, #p::function::lend(held), end)
            })
        }
    )
}
