//! The arguments of functions that the library calls: steps and `main`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::{FnArg, GenericParam, Type};

use crate::diag::ErrorSink;
use crate::item::{Item, bare, cfgs, focus, mentions, without_lifetimes};
use crate::paths::{Krate, site, site_at};

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
    sig.inputs.iter().filter_map(|arg| argument(arg, &declared, who, errors)).collect()
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

fn argument(arg: &FnArg, declared: &[Ident], who: &str, errors: &ErrorSink<'_>) -> Option<Argument> {
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
    let found = errors.child();
    fits(&typed.ty, who, &found);
    let cfgs = cfgs(arg).into_iter().map(ToTokens::to_token_stream).collect();
    let span = focus(&typed.ty);
    let ty = without_lifetimes(typed.ty.to_token_stream(), declared);
    (!found.failed()).then_some(Argument { cfgs, ty, span })
}

/// What the tokens alone can tell of a type; the rest is looked up by type.
fn fits(ty: &Type, who: &str, errors: &ErrorSink<'_>) {
    let tokens = ty.to_token_stream();
    if let Type::Reference(reference) = bare(ty) {
        let inner = reference.elem.to_token_stream();
        if reference.mutability.is_some() {
            errors.at(
                ty,
                format!(
                    "a resource is shared, so it cannot be borrowed with `&mut`: write `&{inner}` with a lock inside, \
                     or `Take<{inner}>` to move it out"
                ),
            );
        } else if matches!(&reference.lifetime, Some(lifetime) if lifetime.ident == "static") {
            errors.at(
                ty,
                format!(
                    "a resource is borrowed for the call only: write `&{inner}`, or `Arc<{inner}>` to keep it"
                ),
            );
        }
    }
    if let Some(word) = mentions(tokens.clone(), "impl") {
        errors.at(
            &word,
            format!(
                "{who} is called by the library, which cannot choose a type for `impl Trait`: write the type itself"
            ),
        );
    }
    if let Some(word) = mentions(tokens, "Self") {
        errors.at(&word, format!("{who} is a free function, which has no `Self`: write the type's name"));
    }
}

impl Argument {
    /// `(&&&&&Arg::<P>::NEW).kind()`, to be looked at where the type was written.
    fn kind(&self, krate: &Krate) -> TokenStream {
        let p = krate.private_at(site_at(self.span));
        let ty = &self.ty;
        quote_spanned!(site_at(self.span)=> (&&&&&#p::argument::Arg::<#ty>::NEW).kind())
    }
}

/// The statements that name every argument to `signature`.
pub(crate) fn signature(arguments: &[Argument], krate: &Krate, last: bool) -> TokenStream {
    let mut all = imports(arguments, krate);
    for argument in arguments {
        let Argument { cfgs, span, .. } = argument;
        let kind = argument.kind(krate);
        let takes = Ident::new(if last { "takes_last" } else { "takes" }, site_at(*span));
        all.extend(quote_spanned!(site_at(*span)=> #cfgs signature.#takes(#kind);));
    }
    all
}

/// The statements that fetch every argument from `inputs`, and what the call takes then.
pub(crate) fn gather(arguments: &[Argument], krate: &Krate) -> (TokenStream, TokenStream) {
    let p = krate.private();
    let mut holds = imports(arguments, krate);
    let mut lends = TokenStream::new();
    for (index, argument) in arguments.iter().enumerate() {
        let Argument { cfgs, .. } = argument;
        let name = format_ident!("argument{index}", span = site());
        let kind = argument.kind(krate);
        holds.extend(quote_spanned!(site()=> #cfgs let mut #name = #p::argument::hold(#kind, inputs)?;));
        let lend_site = site_at(argument.span);
        lends.extend(quote_spanned!(lend_site=> #cfgs #name.lend(),));
    }
    (holds, lends)
}

fn imports(arguments: &[Argument], krate: &Krate) -> TokenStream {
    let p = krate.private();
    if arguments.is_empty() {
        return TokenStream::new();
    }
    quote_spanned!(site()=>
        use #p::argument::{ByClone as _, ByNothing as _, ByOption as _, BySpecial as _, ByWrapper as _};
    )
}
