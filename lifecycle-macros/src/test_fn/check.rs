//! From what was written to a test that can be generated.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::{Attribute, Type};

use super::args::Raw;
use crate::arguments::{self, Argument};
use crate::diag::ErrorSink;
use crate::item::{Item, bare, focus};
use crate::keys::Time;
use crate::main_fn::check::{Setting, settings, signals_apart};
use crate::paths::Krate;

pub(super) struct Test {
    pub(super) krate: Krate,
    /// What libtest reads, which goes on the function that it calls.
    pub(super) libtest: Vec<Attribute>,
    pub(super) vis: TokenStream,
    /// The async function without those.
    pub(super) item: TokenStream,
    pub(super) function: syn::Ident,
    /// Where its return type is written.
    pub(super) output: Span,
    pub(super) timeout: Option<Time>,
    pub(super) real_clock: bool,
    pub(super) setup: Option<syn::Path>,
    pub(super) settings: Vec<Setting>,
    pub(super) arguments: Vec<Argument>,
}

/// The error is what stays of the item.
pub(super) fn check(mut raw: Raw, item: Item, errors: &ErrorSink<'_>) -> Result<Test, TokenStream> {
    if item.sig.asyncness.is_none() {
        errors.at(
            &item.sig.fn_token,
            "`#[lifecycle::test]` runs an async function: write `async fn`, or `#[test]` for a plain one",
        );
    }
    if let Some(Type::ImplTrait(ty)) = item.output().map(bare) {
        errors.at(ty, "a test has to name what it returns: `()`, `ExitCode`, or a `Result` of one of them");
    }
    if item.body.is_none() {
        errors.at(&item.sig, "a test needs a body");
    }
    for attr in item.attrs.iter().filter(|attr| is_test(attr)) {
        errors.at(
            attr,
            "`#[lifecycle::test]` makes it a test already, in a process and on a runtime of its own: remove this",
        );
    }
    if let (Some(panics), Some(returns)) =
        (item.attrs.iter().find(|attr| is(attr, "should_panic")), item.output())
    {
        if !matches!(bare(returns), Type::Tuple(tuple) if tuple.elems.is_empty()) {
            errors.at(panics, "a test that should panic returns `()`: an error would be taken for the panic");
        }
    }
    signals_apart(&raw.lifecycle, errors);
    let arguments = arguments::check(&item, "a test", errors);
    if errors.failed() {
        return Err(item.tokens);
    }
    let (libtest, others): (Vec<_>, Vec<_>) =
        item.attrs.into_iter().partition(|attr| is(attr, "ignore") || is(attr, "should_panic"));
    let output = match &item.sig.output {
        syn::ReturnType::Default => item.sig.ident.span(),
        syn::ReturnType::Type(_, ty) => focus(ty),
    };
    let mut inner: TokenStream = others.iter().map(ToTokens::to_token_stream).collect();
    item.sig.to_tokens(&mut inner);
    item.body.to_tokens(&mut inner);
    Ok(Test {
        krate: std::mem::take(&mut raw.lifecycle.krate),
        libtest,
        vis: item.vis.to_token_stream(),
        item: inner,
        function: item.sig.ident,
        output,
        timeout: raw.timeout.map(|given| given.value),
        real_clock: raw.clock.is_some_and(|given| given.value == "real"),
        setup: raw.lifecycle.setup.take().map(|setup| setup.value),
        settings: settings(raw.lifecycle),
        arguments,
    })
}

fn is(attr: &Attribute, name: &str) -> bool {
    attr.path().is_ident(name)
}

/// `#[test]`, `#[tokio::test]`, and whatever else ends like that.
fn is_test(attr: &Attribute) -> bool {
    attr.path().segments.last().is_some_and(|last| last.ident == "test")
}
