//! An `impl` block as it was written: its header parsed, and of its members those alone that are steps.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Attribute, Generics, Meta, Path, Token, Type, WhereClause};

use crate::diag::{ErrorSink, ErrorStore};
use crate::item::Item;
use crate::keys::{CHECK, COMPONENT, On, SHUTDOWN, START, WORKER};
use crate::paths::Krate;

pub(super) struct Block {
    /// All before the braces.
    pub(super) header: TokenStream,
    pub(super) generics: Generics,
    pub(super) ty: Type,
    pub(super) body: Group,
    pub(super) members: Vec<Member>,
}

pub(super) enum Member {
    Kept(TokenStream),
    Method(Box<Method>),
}

/// A function with at least one attribute of ours.
pub(super) struct Method {
    pub(super) attrs: Vec<Attr>,
    pub(super) item: Item,
}

pub(super) enum Attr {
    Other(Attribute),
    Step { on: On, attribute: Attribute, keys: TokenStream },
}

pub(super) fn parse(tokens: TokenStream, krate: &Krate, errors: &ErrorSink<'_>) -> syn::Result<Block> {
    let tokens = unwrapped(tokens);
    let mut header: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let parser = |input: ParseStream<'_>| {
        let attrs = input.call(Attribute::parse_outer)?;
        if !input.peek(Token![impl]) {
            let found =
                input.parse::<TokenTree>().map_or_else(|_| TokenStream::new(), TokenTree::into_token_stream);
            skip(input);
            let what = COMPONENT.name();
            let message = format!("`#[{what}]` goes on an `impl` block: `impl Pool {{ … }}`");
            return Err(syn::Error::new_spanned(found, message));
        }
        drop(attrs);
        input.parse::<Token![impl]>()?;
        let generic = input.peek(Token![<]);
        let mut generics: Generics = if generic { input.parse()? } else { Generics::default() };
        let ty: Type = input.parse()?;
        if input.peek(Token![for]) {
            skip(input);
            return Err(syn::Error::new_spanned(
                ty,
                "a component is the `impl` block of a type itself, not of a trait: move these steps to an `impl Type { … }`",
            ));
        }
        generics.where_clause = input.parse::<Option<WhereClause>>()?;
        skip(input);
        Ok((generics, ty))
    };
    let (generics, ty) = parser.parse2(tokens)?;
    let body = match header.pop() {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => group,
        other => {
            let what = COMPONENT.name();
            let message = format!("`#[{what}]` goes on an `impl` block with braces");
            return Err(syn::Error::new_spanned(other.into_token_stream(), message));
        }
    };
    let members = members(body.stream(), krate, errors)?;
    Ok(Block { header: header.into_iter().collect(), generics, ty, body, members })
}

/// A `macro_rules!` caller hands an item in an invisible group.
fn unwrapped(tokens: TokenStream) -> TokenStream {
    let mut trees = tokens.clone().into_iter();
    match (trees.next(), trees.next()) {
        (Some(TokenTree::Group(group)), None) if group.delimiter() == Delimiter::None => {
            unwrapped(group.stream())
        }
        _ => tokens,
    }
}

/// Attributes stand before members and nowhere else between them, so the rest can stay tokens.
fn members(body: TokenStream, krate: &Krate, errors: &ErrorSink<'_>) -> syn::Result<Vec<Member>> {
    let parser = |input: ParseStream<'_>| {
        let (mut members, mut kept) = (Vec::new(), TokenStream::new());
        while !input.is_empty() {
            if !input.peek(Token![#]) || input.peek2(Token![!]) {
                kept.extend([input.parse::<TokenTree>()?]);
                continue;
            }
            let mut attrs = input.call(Attribute::parse_outer)?;
            attrs.retain(|attr| !is_hidden(attr, krate, errors));
            let Some(on) = attrs.iter().find_map(|attr| step(attr.path(), krate)) else {
                kept.extend(attrs.iter().map(Attribute::to_token_stream));
                continue;
            };
            let attrs = attrs.into_iter().filter_map(|attr| Attr::new(attr, krate, errors));
            let attrs: Vec<Attr> = attrs.collect();
            match Item::parse_next(&input.fork(), on.name()) {
                Ok(_) => {
                    let item = Item::parse_next(input, on.name())?;
                    members.push(Member::Kept(std::mem::take(&mut kept)));
                    members.push(Member::Method(Box::new(Method { attrs, item })));
                }
                Err(error) => {
                    errors.push(error);
                    kept.extend(attrs.iter().filter_map(Attr::other));
                }
            }
        }
        members.push(Member::Kept(kept));
        Ok(members)
    };
    parser.parse2(body)
}

impl Attr {
    /// `None` of one of ours that is not written as it should be, which is said.
    fn new(attribute: Attribute, krate: &Krate, errors: &ErrorSink<'_>) -> Option<Self> {
        let Some(on) = step(attribute.path(), krate) else { return Some(Attr::Other(attribute)) };
        let keys = match &attribute.meta {
            Meta::Path(_) => TokenStream::new(),
            Meta::List(list) => list.tokens.clone(),
            meta => {
                errors.at(meta, format!("keys stand in parentheses: `#[{}(…)]`", on.name()));
                return None;
            }
        };
        Some(Attr::Step { on, attribute, keys })
    }

    fn other(&self) -> Option<TokenStream> {
        match self {
            Attr::Other(attribute) => Some(attribute.to_token_stream()),
            Attr::Step { .. } => None,
        }
    }
}

/// Whether it is one of ours behind a `cfg_attr`, which the compiler resolves only after the component; that is said.
fn is_hidden(attr: &Attribute, krate: &Krate, errors: &ErrorSink<'_>) -> bool {
    if !attr.path().is_ident("cfg_attr") {
        return false;
    }
    let Ok(metas) = attr.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated) else {
        return false;
    };
    let hidden = metas.iter().skip(1).find_map(|meta| Some((meta.path(), step(meta.path(), krate)?)));
    if let Some((path, on)) = hidden {
        let name = on.name();
        errors.at(
            path,
            format!(
                "the component is read before `cfg_attr` is resolved, so it cannot see this: write `#[{name}]` itself, and \
                 `#[cfg(…)]` on a method that is there only then"
            ),
        );
    }
    hidden.is_some()
}

/// The attribute of ours that it is: by its name, which is all that can be known here.
fn step(path: &Path, krate: &Krate) -> Option<On> {
    let segments = &path.segments;
    let name = &segments.last()?.ident;
    let on = [START, SHUTDOWN, WORKER, CHECK].into_iter().find(|on| name == on.name())?;
    let before = segments.iter().rev().nth(1).map(|segment| segment.ident.to_string());
    before.is_none_or(|before| before == "lifecycle" || krate.ends_with(&before)).then_some(on)
}

fn skip(input: ParseStream<'_>) {
    while input.parse::<TokenTree>().is_ok() {}
}

/// A block that is no component, without the attributes that it would give a meaning to: one mistake, one error.
pub(super) fn without_steps(tokens: TokenStream, krate: &Krate) -> TokenStream {
    let mut trees: Vec<TokenTree> = unwrapped(tokens).into_iter().collect();
    let Some(TokenTree::Group(body)) = trees.last() else { return trees.into_iter().collect() };
    let ignored = ErrorStore::default();
    let Ok(members) = members(body.stream(), krate, &ignored.sink()) else {
        return trees.into_iter().collect();
    };
    let inside = members.iter().map(|member| match member {
        Member::Kept(tokens) => tokens.clone(),
        Member::Method(method) => {
            let attrs = method.attrs.iter().filter_map(Attr::other);
            attrs.chain([method.item.tokens.clone()]).collect()
        }
    });
    let mut group = Group::new(body.delimiter(), inside.collect());
    group.set_span(body.span());
    trees.pop();
    trees.push(group.into());
    trees.into_iter().collect()
}
