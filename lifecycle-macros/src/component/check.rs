//! From a block to methods that can be generated as functions are.

use proc_macro2::{Group, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{FnArg, ReceiverKind, Signature, Type};

use super::Owner;
use super::parse::{Attr, Block, Member, Method};
use crate::called::Function;
use crate::diag::ErrorSink;
use crate::item::{Item, cfgs_of, mentions};
use crate::keys::{CHECK, Given, On, WORKER};
use crate::paths::Krate;
use crate::{attribute, health_check, step, worker};

pub(super) struct Component {
    /// The `impl` block, its methods' attributes told that they are done.
    pub(super) block: TokenStream,
    /// What stands beside it.
    pub(super) steps: Vec<Step>,
    pub(super) owner: Owner,
}

pub(super) struct Step {
    pub(super) cfgs: TokenStream,
    /// Whether its type has a name that others may use.
    pub(super) named: bool,
    pub(super) tokens: TokenStream,
}

pub(super) fn check(block: Block, krate: Krate, errors: &ErrorSink<'_>) -> Component {
    let Block { header, generics, ty, body, members } = block;
    let owner = Owner { ty, krate };
    let generic = !generics.params.is_empty() || generics.where_clause.is_some();
    if generic {
        let culprit = match generics.params.is_empty() {
            true => generics.where_clause.to_token_stream(),
            false => generics.params.to_token_stream(),
        };
        errors.at(
            &culprit,
            "a component cannot be generic: its steps are called by the library, which knows one type. Write the type \
             itself, as in `impl Pool<Postgres>`",
        );
    }
    let (mut inside, mut steps) = (TokenStream::new(), Vec::new());
    for member in members {
        match member {
            Member::Kept(tokens) => inside.extend(tokens),
            Member::Method(method) => {
                inside.extend(kept(&method));
                if !generic {
                    steps.extend(of_method(&method, &owner, errors));
                }
            }
        }
    }
    let mut whole = Group::new(body.delimiter(), inside);
    whole.set_span(body.span());
    Component { block: quote!(#header #whole), steps, owner }
}

/// The method itself.
fn kept(method: &Method) -> TokenStream {
    let mut tokens = TokenStream::new();
    for attr in &method.attrs {
        match attr {
            Attr::Other(attribute) => attribute.to_tokens(&mut tokens),
            Attr::Step { attribute, .. } => {
                // Its import is used.
                let (path, done) = (attribute.path(), attribute::done());
                let pound = &attribute.pound_token;
                tokens.extend(quote!(#pound [#path(#done)]));
            }
        }
    }
    tokens.extend(method.item.tokens.clone());
    tokens
}

fn of_method(method: &Method, owner: &Owner, errors: &ErrorSink<'_>) -> Vec<Step> {
    let cfgs: TokenStream = method.attrs.iter().filter_map(cfg).collect();
    let attributes = method.attrs.iter().filter_map(|attr| match attr {
        Attr::Step { on, keys, .. } => Some((*on, keys)),
        Attr::Other(_) => None,
    });
    attributes
        .map(|(on, keys)| {
            let errors = errors.child();
            let function = as_function(&method.item, owner, &errors);
            let function = function.as_ref().unwrap_or(&method.item);
            let keys = without_self(keys.clone(), &owner.ty);
            let named = Given::parse(keys.clone(), on, &crate::diag::ErrorStore::default().sink())
                .ident("label")
                .is_some();
            Step { cfgs: cfgs.clone(), named, tokens: generate(on, keys, function, owner, &errors) }
        })
        .collect()
}

fn generate(on: On, keys: TokenStream, item: &Item, owner: &Owner, errors: &ErrorSink<'_>) -> TokenStream {
    let function = &Function::Parsed(item);
    match on {
        WORKER => worker::generate(keys, function, Some(owner), errors),
        CHECK => health_check::generate(keys, item, Some(owner), errors),
        _ => step::generate(on, keys, function, Some(owner), errors),
    }
}

/// What is generated for a method must be there only where the method is.
fn cfg(attr: &Attr) -> Option<TokenStream> {
    let Attr::Other(attribute) = attr else { return None };
    cfgs_of(attribute).then(|| attribute.to_token_stream())
}

/// The method as the function that it is when called by its path: no `self`, no `Self`.
fn as_function(item: &Item, owner: &Owner, errors: &ErrorSink<'_>) -> Option<Item> {
    // Anew, since what is parsed cannot be cloned without a feature of syn's that costs every build.
    let mut item = Item::parse(item.tokens.clone(), "").ok()?;
    if let Some(FnArg::Receiver(receiver)) = item.sig.inputs.first() {
        let (shown, at) = (owner.ty(), receiver.self_token.span);
        let ty = shown_at(shown.clone(), at);
        let receiver_ty = match &receiver.kind {
            ReceiverKind::Reference(_, lifetime, mutability) => {
                if mutability.is_some() {
                    errors.push(syn::Error::new(
                        at,
                        "a component is shared, so its steps cannot have `&mut self`: write `&self`, and put what changes \
                         behind a lock",
                    ));
                }
                quote_spanned!(at=> &#lifetime #ty)
            }
            ReceiverKind::Typed(_, ty) => ty.to_token_stream(),
            _ => {
                errors.push(syn::Error::new(
                    at,
                    format!(
                        "a component is shared, so a step cannot consume `self`: write `&self` or `self: Arc<Self>`; to move \
                         it out, write a free function that takes `Take<{shown}>`"
                    ),
                ));
                quote_spanned!(at=> &#ty)
            }
        };
        let typed = quote_spanned!(at=> this: #receiver_ty);
        if let (Ok(typed), Some(first)) = (syn::parse2(typed), item.sig.inputs.first_mut()) {
            *first = typed;
        }
    }
    let sig = item.sig.to_token_stream();
    if mentions(sig.clone(), &["Self"]).is_some() {
        if let Ok(sig) = syn::parse2::<Signature>(without_self(sig, &owner.ty)) {
            item.sig = sig;
        }
    }
    Some(item)
}

/// With the type in the place of `Self`.
fn without_self(tokens: TokenStream, ty: &Type) -> TokenStream {
    let mut trees = tokens.into_iter().peekable();
    let mut replaced = TokenStream::new();
    while let Some(tree) = trees.next() {
        match tree {
            TokenTree::Ident(word) if word == "Self" => {
                let own = shown_at(ty.to_token_stream(), word.span());
                let leads_on = matches!(
                    trees.peek(),
                    Some(TokenTree::Punct(punct)) if punct.as_char() == ':' && punct.spacing() == Spacing::Joint
                );
                let plain = syn::parse::Parser::parse2(syn::Path::parse_mod_style, own.clone()).is_ok();
                replaced.extend(match leads_on && !plain {
                    true => quote_spanned!(word.span()=> <#own>),
                    false => own,
                });
            }
            TokenTree::Group(group) => {
                let mut inside = Group::new(group.delimiter(), without_self(group.stream(), ty));
                inside.set_span(group.span());
                replaced.extend([TokenTree::Group(inside)]);
            }
            other => replaced.extend([other]),
        }
    }
    replaced
}

/// The same tokens, of which an error is shown there.
fn shown_at(tokens: TokenStream, place: Span) -> TokenStream {
    let moved = |mut tree: TokenTree| {
        if let TokenTree::Group(group) = &tree {
            tree = Group::new(group.delimiter(), shown_at(group.stream(), place)).into();
        }
        tree.set_span(tree.span().located_at(place));
        tree
    };
    tokens.into_iter().map(moved).collect()
}
