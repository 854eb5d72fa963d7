//! A function that the library calls: its arguments and its outcome by type, its body untouched.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{GenericArgument, PathArguments, Type, TypeReference};

use crate::arguments::{self, Argument, Lent, Parts};
use crate::diag::ErrorSink;
use crate::item::{Item, bare, focus, mentions, without_lifetimes};
use crate::paths::{Krate, site, site_at};
use crate::plain::{Plain, Typed};

/// A function, read as far as it has to be.
pub(crate) enum Function<'a> {
    Plain(Plain),
    Parsed(&'a Item),
}

impl Function<'_> {
    pub(crate) fn name(&self) -> &Ident {
        match self {
            Function::Plain(plain) => &plain.name,
            Function::Parsed(item) => &item.sig.ident,
        }
    }

    pub(crate) fn vis(&self) -> TokenStream {
        match self {
            Function::Plain(plain) => plain.vis.clone(),
            Function::Parsed(item) => item.vis.to_token_stream(),
        }
    }

    /// Whether it stands inside an `impl` that the attribute does not see, where no type can be declared.
    pub(crate) fn is_inside(&self) -> bool {
        match self {
            Function::Plain(_) => false,
            Function::Parsed(item) => item.body.is_none() || of_an_impl(item).is_some(),
        }
    }

    /// `who` is the subject of the errors: "a step".
    pub(crate) fn check(
        &self,
        owner: Option<TokenStream>,
        who: &str,
        gives: bool,
        errors: &ErrorSink<'_>,
    ) -> Called {
        match self {
            Function::Plain(plain) => Called::plain(plain, gives),
            Function::Parsed(item) => check(item, owner, who, gives, errors),
        }
    }
}

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

impl Output {
    /// Of which nothing is ever wrong that would have to be shown.
    fn nothing() -> Self {
        Output { ty: quote!(()), span: site() }
    }
}

fn check(item: &Item, owner: Option<TokenStream>, who: &str, gives: bool, errors: &ErrorSink<'_>) -> Called {
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
        let output = Output::nothing();
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
    receiver.or_else(|| if item.unusual { mentions(item.sig.to_token_stream(), &["Self"]) } else { None })
}

fn output(gives: bool, item: &Item, who: &str, errors: &ErrorSink<'_>) -> Output {
    let Some(ty) = item.output() else {
        return Output::nothing();
    };
    let tokens = ty.to_token_stream();
    let word = if item.unusual { mentions(tokens.clone(), &["impl"]) } else { None };
    if let Some(word) = word {
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

impl Called {
    fn plain(plain: &Plain, gives: bool) -> Self {
        let output = match &plain.output {
            Some(Typed { tokens, focus }) => Output { ty: tokens.clone(), span: *focus },
            None => Output::nothing(),
        };
        let arguments = plain.parameters.iter().map(Argument::plain).collect();
        let (function, is_async) = (plain.name.clone(), plain.is_async);
        Called { function, owner: None, is_async, gives, arguments, output }
    }

    /// What `step!` is told of it, which answers: by the function's parts, where they say it.
    pub(crate) fn answer(&self, krate: &Krate, keys: &TokenStream, last: bool) -> TokenStream {
        if last || !arguments::are_plain(&self.arguments) {
            let answer = self.expand(krate, keys, last);
            return quote_spanned!(site()=> query { #answer });
        }
        let at = site_at(self.function.span());
        // No word that `step!` matches stands where one in the call does: rustc would show neither.
        let ((asks, _), (_, calls)) = (self.by(site()), self.by(at));
        let (function, owner, p) = (&self.function, self.owner(at), krate.private_at(at));
        let Parts { named, passed } = arguments::parts(&self.arguments, krate);
        let call = quote_spanned!(at=> #p::#calls(#owner #function(#passed), end));
        let returned = if self.gives {
            let ending = self.ending(krate);
            quote_spanned!(site()=> = #ending)
        } else {
            let (end, ty) = (Ident::new("end", site_at(self.output.span)), &self.output.ty);
            quote_spanned!(site()=> : #end [#ty])
        };
        quote_spanned!(site()=> (#asks end { #call } [#keys] [#named] #returned))
    }

    fn by(&self, at: Span) -> (Ident, Ident) {
        let (asks, calls) =
            if self.is_async { ("asynchronous", "pending") } else { ("synchronous", "ended") };
        (Ident::new(asks, at), Ident::new(calls, at))
    }

    fn owner(&self, at: Span) -> Option<TokenStream> {
        self.owner.as_ref().map(|owner| quote_spanned!(at=> <#owner>::))
    }

    /// What answers the library's `query`: by the arguments' kinds and what becomes of the outcome, or with the call. `keys`
    /// are calls that tell it a step's keys; `last`: it may take the report.
    pub(crate) fn expand(&self, krate: &Krate, keys: &TokenStream, last: bool) -> TokenStream {
        let function = &self.function;
        let at = site_at(function.span());
        let p = krate.private_at(at);
        let kinds = arguments::kinds(&self.arguments, krate, last);
        let Lent { pattern, apart, arguments } = arguments::lent(&self.arguments);
        let ending = self.ending(krate);
        let (asks, calls) = self.by(at);
        let owner = self.owner(at);
        let call = quote_spanned!(at=> #p::#calls(#owner #function(#arguments), end));
        let call = if apart.is_empty() { call } else { quote_spanned!(at=> { #apart #call }) };
        quote_spanned!(at=>
            match #p::#asks(query #keys, #kinds, #ending) {
                #p::Ok((end, #pattern)) => #call,
                #p::Err(answer) => answer,
            }
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
            quote_spanned!(at=> #p::end::<#ty, _, _>())
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

/// `|query| -> Answer`, of a function whose signature no macro sees.
pub(crate) fn by_path(path: &syn::ExprPath, krate: &Krate, last: bool) -> TokenStream {
    let at = site_at(path.path.segments.last().map_or_else(site, |last| last.ident.span()));
    let p = krate.private_at(at);
    let known: TokenStream = (0..8)
        .map(syn::Index::from)
        .map(|index| quote_spanned!(at=> #p::path::parameter(&tags.#index).lifecycle_known();))
        .collect();
    let kinds = (0..8).rev().fold(quote_spanned!(at=> ()), |rest, index| {
        let index = syn::Index { index, span: at };
        // The tag is that of a step which may take the report.
        let tag =
            if last { quote_spanned!(at=> tags.#index) } else { quote_spanned!(at=> tags.#index.usual()) };
        quote_spanned!(at=> #p::path::list(#tag.lifecycle_kind().lifecycle_kind(), #rest))
    });
    let kinds = arguments::looked_up(&kinds, krate);
    quote_spanned!(at=>
        |query| {
            let function = #path;
            let tags = #p::path::look(function);
            let _ = || {
                use #p::path::Known as _;
                #known
            };
            let (called, returned) = tags.8.lifecycle_called();
            match called.ask(query, #kinds, returned.lifecycle_end()) {
                #p::Ok((end, lent)) => called.call(function, lent, end),
                #p::Err(answer) => answer,
            }
        }
    )
}
