//! From what was written to a step that can be generated.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{GenericArgument, PathArguments, Type, TypeReference};

use super::args::Raw;
use crate::arguments::{self, Argument};
use crate::diag::ErrorSink;
use crate::item::{Item, bare, focus, mentions, without_lifetimes};
use crate::keys::{On, START, Time};
use crate::paths::Krate;
use crate::place::Place;

pub(super) struct Step {
    pub(super) marker: Marker,
    pub(super) place: Place,
    pub(super) function: Ident,
    pub(super) is_async: bool,
    pub(super) starts: bool,
    pub(super) timeout: Option<Time>,
    pub(super) arguments: Vec<Argument>,
    pub(super) output: Output,
}

/// The type that stands for the step.
pub(super) struct Marker {
    pub(super) krate: Krate,
    pub(super) vis: TokenStream,
    pub(super) name: Ident,
    pub(super) starts: bool,
}

impl Marker {
    /// As reported.
    pub(super) fn text(&self) -> String {
        self.name.unraw().to_string()
    }
}

pub(super) struct Output {
    pub(super) ty: TokenStream,
    pub(super) span: Span,
}

/// An `Err` holds the marker, where one can stand.
pub(super) fn check(on: On, raw: Raw, item: &Item, errors: &ErrorSink<'_>) -> Result<Step, Option<Marker>> {
    let name = raw.label.map_or_else(|| item.sig.ident.clone(), |label| label.value);
    let place = raw.place.check(&name, errors);
    let arguments = arguments::check(item, "a step", errors);
    let output = output(on, item, errors);
    if item.body.is_none() {
        errors.at(&item.sig, "a step needs a body: it is a function that the library calls");
    }
    let marker = Marker { name, krate: raw.krate, vis: item.vis.to_token_stream(), starts: on == START };
    if errors.failed() {
        // Inside an `impl`, where a method is, no type can be declared.
        let method = item.sig.receiver().is_some()
            || item.body.is_none()
            || mentions(item.sig.to_token_stream(), "Self").is_some();
        return Err((!method).then_some(marker));
    }
    Ok(Step {
        marker,
        place,
        function: item.sig.ident.clone(),
        is_async: item.sig.asyncness.is_some(),
        starts: on == START,
        timeout: raw.timeout.map(|timeout| timeout.value),
        arguments,
        output,
    })
}

fn output(on: On, item: &Item, errors: &ErrorSink<'_>) -> Output {
    let Some(ty) = item.output() else {
        return Output { ty: quote!(()), span: item.sig.ident.span() };
    };
    let tokens = ty.to_token_stream();
    if let Some(word) = mentions(tokens.clone(), "impl") {
        errors.at(
            &word,
            "the library has to know what a step returns: write the type itself instead of `impl Trait`",
        );
    }
    if let Some(word) = mentions(tokens.clone(), "Self") {
        errors.at(&word, "a step is a free function, which has no `Self`: write the type's name");
    }
    if let (START, Some(reference)) = (on, borrowed(ty)) {
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
