//! The arguments of functions that the library calls: steps and `main`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::{FnArg, GenericParam, Type};

use crate::diag::ErrorSink;
use crate::item::{Item, bare, cfgs, focus, mentions, without_lifetimes};
use crate::paths::{Krate, site, site_at};
use crate::plain::Typed;

/// One argument, to be found by its type.
pub(crate) struct Argument {
    cfgs: TokenStream,
    ty: TokenStream,
    span: Span,
}

/// Reads a function's arguments; `who` is the subject of the errors: "a step", "`main`".
pub(crate) fn check(item: &Item, who: &str, errors: &ErrorSink<'_>) -> Vec<Argument> {
    let sig = &item.sig;
    for param in &sig.generics.params {
        match param {
            GenericParam::Lifetime(_) => {}
            GenericParam::Type(param) => errors.at(
                &param.ident,
                format!(
                    "{who} is called by the library, which cannot choose `{}`: write the type itself",
                    param.ident
                ),
            ),
            GenericParam::Const(param) => errors.at(
                &param.ident,
                format!(
                    "{who} is called by the library, which cannot choose `{}`: write the number itself",
                    param.ident
                ),
            ),
        }
    }
    qualifiers(item, who, errors);
    let declared = item.lifetimes();
    sig.inputs.iter().filter_map(|arg| argument(arg, item.unusual, &declared, who, errors)).collect()
}

fn qualifiers(item: &Item, who: &str, errors: &ErrorSink<'_>) {
    let sig = &item.sig;
    if let Some(token) = &sig.constness {
        errors.at(token, format!("{who} cannot be a `const fn`: remove `const`"));
    }
    if !matches!(sig.safety, syn::Safety::Default) {
        errors.at(
            &sig.safety,
            format!(
                "{who} is called by the library, which cannot promise what an `unsafe fn` asks for: wrap it in a \
                 safe function"
            ),
        );
    }
    if let Some(abi) = &sig.abi {
        errors.at(
            abi,
            format!("{who} is a Rust function: remove `extern`, or call this function from another one"),
        );
    }
    if let Some(variadic) = &sig.variadic {
        errors.at(variadic, format!("{who} cannot be variadic: every argument is found by its type"));
    }
    if let Some(Type::Never(never)) = item.output().map(bare) {
        errors.at(never, format!("{who} has to return: its end is what comes next"));
    }
}

fn argument(
    arg: &FnArg,
    unusual: bool,
    declared: &[Ident],
    who: &str,
    errors: &ErrorSink<'_>,
) -> Option<Argument> {
    let typed = match arg {
        FnArg::Typed(typed) => typed,
        FnArg::Receiver(receiver) => {
            errors.at(
                &receiver.self_token,
                format!(
                    "{who} is a free function, which has no `self`: take the value as an argument, as in \
                     `fn close(db: &Db)`"
                ),
            );
            return None;
        }
    };
    let cfgs = cfgs(arg).into_iter().map(ToTokens::to_token_stream).collect();
    of_type(&typed.ty, cfgs, unusual, declared, who, errors)
}

/// An argument of this type, in which `unusual` words may stand.
pub(crate) fn of_type(
    ty: &Type,
    cfgs: TokenStream,
    unusual: bool,
    declared: &[Ident],
    who: &str,
    errors: &ErrorSink<'_>,
) -> Option<Argument> {
    let found = errors.child();
    fits(ty, unusual, who, &found);
    let span = focus(ty);
    let ty = without_lifetimes(ty.to_token_stream(), declared);
    (!found.failed()).then_some(Argument { cfgs, ty, span })
}

/// What the tokens alone can tell of a type; the rest is looked up by type.
fn fits(ty: &Type, unusual: bool, who: &str, errors: &ErrorSink<'_>) {
    if let Type::Reference(reference) = bare(ty) {
        let inner = || reference.elem.to_token_stream();
        if reference.mutability.is_some() {
            errors.at(
                ty,
                {
                    let inner = inner();
                    format!(
                    "a resource is shared, so it cannot be borrowed with `&mut`: write `&{inner}` with a lock inside, \
                     or `Take<{inner}>` to move it out"
                )},
            );
        } else if matches!(&reference.lifetime, Some(lifetime) if lifetime.ident == "static") {
            errors.at(ty, {
                let inner = inner();
                format!(
                    "a resource is borrowed for the call only: write `&{inner}`, or `Arc<{inner}>` to keep it"
                )
            });
        }
    }
    if !unusual {
        return;
    }
    let tokens = ty.to_token_stream();
    if let Some(word) = mentions(tokens.clone(), &["impl"]) {
        errors.at(
            &word,
            format!(
                "{who} is called by the library, which cannot choose a type for `impl Trait`: write the type itself"
            ),
        );
    }
    if let Some(word) = mentions(tokens, &["Self"]) {
        errors.at(&word, format!("{who} has no `Self`: write the type's name"));
    }
}

impl Argument {
    pub(crate) fn plain(Typed { tokens, focus }: &Typed) -> Self {
        Argument { cfgs: TokenStream::new(), ty: tokens.clone(), span: *focus }
    }

    /// `arg::<P>().lifecycle_kind().lifecycle_kind()`, to be looked at where the type was written.
    fn kind(&self, krate: &Krate, last: bool) -> TokenStream {
        let at = site_at(self.span);
        let p = krate.private_at(at);
        let ty = &self.ty;
        let tag = Ident::new(if last { "last_arg" } else { "arg" }, at);
        quote_spanned!(at=> #p::#tag::<#ty>().lifecycle_kind().lifecycle_kind())
    }
}

/// The arguments' kinds, one in another: `(first, (second, ()))`, to be [`looked_up`].
pub(crate) fn kinds(arguments: &[Argument], krate: &Krate, last: bool) -> TokenStream {
    if conditional(arguments) {
        // Only of a statement can a `#[cfg]` take away what is around the others.
        let kinds = arguments.iter().rev().map(|argument| {
            let (cfgs, kind) = (&argument.cfgs, argument.kind(krate, last));
            quote_spanned!(site()=> #cfgs let rest = (#kind, rest);)
        });
        return quote_spanned!(site()=> { let rest = (); #(#kinds)* rest });
    }
    let nest = |rest: TokenStream, argument: &Argument| {
        let kind = argument.kind(krate, last);
        quote_spanned!(site()=> (#kind, #rest))
    };
    arguments.iter().rev().fold(quote_spanned!(site()=> ()), nest)
}

/// With what the look-up of kinds needs in scope.
pub(crate) fn looked_up(kinds: &TokenStream, krate: &Krate) -> TokenStream {
    // Without arguments there is nothing to look up, and clippy finds a block for that odd.
    if kinds.to_string() == "()" {
        return kinds.clone();
    }
    let p = krate.private();
    quote_spanned!(site()=> { use #p::Otherwise as _; #kinds })
}

/// What is lent for these kinds: a pattern that takes it, statements that take it apart, and the arguments of the call.
pub(crate) struct Lent {
    pub(crate) pattern: TokenStream,
    pub(crate) apart: TokenStream,
    pub(crate) arguments: TokenStream,
}

pub(crate) fn lent(arguments: &[Argument]) -> Lent {
    let names = |index: usize| format_ident!("argument{index}", span = site());
    let named = || arguments.iter().enumerate().map(|(index, argument)| (names(index), argument));
    let passed = named().map(|(name, argument)| {
        let (cfgs, at) = (&argument.cfgs, site_at(argument.span));
        let name = Ident::new(&name.to_string(), at);
        quote_spanned!(at=> #cfgs #name,)
    });
    let passed = passed.collect();
    if conditional(arguments) {
        let apart = named()
            .map(|(name, Argument { cfgs, .. })| quote_spanned!(site()=> #cfgs let (#name, rest) = rest;));
        let apart: TokenStream = apart.collect();
        let apart = quote_spanned!(site()=> #apart let () = rest;);
        return Lent { pattern: quote_spanned!(site()=> rest), apart, arguments: passed };
    }
    let nest = |rest: TokenStream, index: usize| {
        let name = names(index);
        quote_spanned!(site()=> (#name, #rest))
    };
    let pattern = (0..arguments.len()).rev().fold(quote_spanned!(site()=> ()), nest);
    Lent { pattern, apart: TokenStream::new(), arguments: passed }
}

/// Whether [`parts`] say all of them.
pub(crate) fn are_plain(arguments: &[Argument]) -> bool {
    arguments.len() <= 8 && !conditional(arguments)
}

/// What `step!` is told of plain arguments.
pub(crate) struct Parts {
    /// For each its name and its kind: `argument0 (arg::<&Db>().lifecycle_kind().lifecycle_kind())`.
    pub(crate) named: TokenStream,
    /// To be called with.
    pub(crate) passed: TokenStream,
}

pub(crate) fn parts(arguments: &[Argument], krate: &Krate) -> Parts {
    let (mut named, mut passed) = (TokenStream::new(), TokenStream::new());
    for (index, argument) in arguments.iter().enumerate() {
        let name = Ident::new(&format!("argument{index}"), site());
        let (kind, mut shown) = (argument.kind(krate, false), name.clone());
        shown.set_span(site_at(argument.span));
        passed.extend(quote_spanned!(site()=> #shown,));
        named.extend(quote_spanned!(site()=> #name (#kind)));
    }
    Parts { named, passed }
}

fn conditional(arguments: &[Argument]) -> bool {
    arguments.iter().any(|argument| !argument.cfgs.is_empty())
}
