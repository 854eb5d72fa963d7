//! From what was written to a call that can be generated.

use proc_macro2::{Group, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Expr, Type};

use super::args::Raw;
use super::parameters::{self, Parameters};
use crate::diag::ErrorSink;
use crate::item::{Item, bare, focus, mentions};
use crate::keys::Spanned;
use crate::paths::Krate;

pub(super) struct Tracked {
    pub(super) krate: Krate,
    /// Where the calls are counted, if not with the requests.
    pub(super) group: Option<syn::Path>,
    /// As reported, a literal.
    pub(super) name: TokenStream,
    pub(super) identity: Option<Identity>,
    pub(super) refusal: Refusal,
    pub(super) parameters: Parameters,
    pub(super) output: Output,
    pub(super) body: Group,
}

/// What is known of each call beside its function: an id, a span, or both.
pub(super) struct Identity {
    pub(super) id: Option<TokenStream>,
    pub(super) span: bool,
}

/// What a refused call returns.
pub(super) enum Refusal {
    ByType,
    With(TokenStream),
    /// No call is refused.
    Never,
}

/// The return type.
pub(super) struct Output {
    /// With `_` for every `impl Trait` inside it; `None` if it is one itself.
    pub(super) written: Option<TokenStream>,
    /// Whether the type can be named, which it cannot be with an `impl Trait` in it.
    pub(super) nameable: bool,
    pub(super) span: Span,
}

pub(super) fn check(raw: Raw, item: &Item, errors: &ErrorSink<'_>) -> Option<Tracked> {
    let sig = &item.sig;
    if let Some(token) = &sig.constness {
        errors.at(token, "a `const fn` cannot be tracked: its calls are counted at run time; remove `const`, or track what calls it");
    }
    if let Some(variadic) = &sig.variadic {
        errors.at(
            variadic,
            "a variadic function cannot be tracked: track the function that it hands its arguments to",
        );
    }
    if let Some(Type::Never(never)) = item.output().map(bare) {
        errors.at(never, "a call that never returns would hold up every shutdown until its drain times out: track the functions that it calls");
    }
    if let Some(id) = &raw.id {
        differs_by_call(id, errors);
    }
    let refusal = refusal(&raw, item, errors);
    let name = raw.name.map_or_else(|| item.name().to_token_stream(), |name| name.value);
    let Some(body) = &item.body else {
        errors.at(sig, "`#[tracked]` needs a body: put it on the functions that implement this one");
        return None;
    };
    let (Some(refusal), false) = (refusal, errors.failed()) else { return None };
    let id = raw.id.map(|id| id.value);
    Some(Tracked {
        krate: raw.krate,
        group: raw.group.map(|group| group.value),
        name,
        identity: (id.is_some() || raw.span).then_some(Identity { id, span: raw.span }),
        refusal,
        parameters: parameters::read(&sig.inputs),
        output: output(item),
        body: body.clone(),
    })
}

/// What rustc would take for an id, or complain of in words that do not help.
fn differs_by_call(id: &Spanned<TokenStream>, errors: &ErrorSink<'_>) {
    let expr = &id.value;
    match syn::parse2::<Expr>(expr.clone()) {
        Ok(Expr::Lit(_)) => errors.at(
            expr,
            "every call would have this id: write what tells them apart, such as `id = order.id` or `id = \
             format_args!(\"order={}\", order.id)`; what the function is called is `name = \"…\"`",
        ),
        Ok(Expr::Closure(_)) => errors.at(
            expr,
            "an id is no closure: it has the function's arguments already. Write for example `id = order.id`",
        ),
        _ => {
            if let Some(wait) = mentions(expr.clone(), &["await"]) {
                errors.at(
                    &wait,
                    "an id is told when the call begins, so it cannot wait for anything: take it from the arguments",
                );
            }
        }
    }
}

fn refusal(raw: &Raw, item: &Item, errors: &ErrorSink<'_>) -> Option<Refusal> {
    match (&raw.reject, &raw.admit) {
        (Some(reject), Some(_)) => {
            errors.at(&reject.key, "with `admit = always` no call is refused: remove `reject`, or `admit`");
            None
        }
        (Some(reject), None) => Some(Refusal::With(reject.value.clone())),
        (None, Some(_)) => Some(Refusal::Never),
        // A mistaken `reject` has been pointed out already.
        (None, None) if errors.failed() => None,
        (None, None) => {
            let name = item.name();
            match item.output().map(bare) {
                None => errors.at(
                    &item.sig.ident,
                    format!(
                        "`{name}` returns nothing, so a refused call would look like a finished one\nwrite \
                         `#[tracked(reject = ())]` if that is what you want, or return a `Result` whose error is \
                         `From<lifecycle::Rejected>`, or never refuse a call: `#[tracked(admit = always)]`"
                    ),
                ),
                Some(ty @ Type::ImplTrait(_)) if item.sig.asyncness.is_some() => errors.at(
                    ty,
                    format!(
                        "a refused call of `{name}` has nothing to return: the library cannot make a value of `impl \
                         Trait`\nwrite the value of a refused call: `#[tracked(reject = expr)]`, or name the type, a \
                         `Result` whose error is `From<lifecycle::Rejected>`, or never refuse a call: \
                         `#[tracked(admit = always)]`"
                    ),
                ),
                Some(_) => return Some(Refusal::ByType),
            }
            None
        }
    }
}

fn output(item: &Item) -> Output {
    match item.output() {
        None => Output { written: Some(quote!(())), nameable: true, span: item.sig.ident.span() },
        Some(ty) => Output {
            written: holes(ty),
            nameable: !item.unusual || mentions(ty.to_token_stream(), &["impl"]).is_none(),
            span: focus(ty),
        },
    }
}

/// The type with `_` for each `impl Trait`, unless nothing but one is left.
fn holes(ty: &Type) -> Option<TokenStream> {
    match bare(ty) {
        Type::ImplTrait(_) => None,
        _ => Some(parameters::with_holes(ty.to_token_stream())),
    }
}
