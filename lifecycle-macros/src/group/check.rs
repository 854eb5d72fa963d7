//! From what was written to a group that can be generated.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Fields, Generics, ItemStruct, Token, Visibility};

use super::args::Raw;
use crate::diag::ErrorSink;
use crate::keys::{GROUP, Time};
use crate::paths::Krate;
use crate::place::Place;

pub(super) struct Group {
    pub(super) name: Name,
    pub(super) place: Place,
    pub(super) timeout: Option<Time>,
}

/// The type that stands for the group.
pub(super) struct Name {
    pub(super) krate: Krate,
    pub(super) ident: Ident,
}

/// An `Err` holds the name, where it can stand for a group.
pub(super) fn check(raw: Raw, item: TokenStream, errors: &ErrorSink<'_>) -> Result<Group, Option<Name>> {
    let item = match parse(item) {
        Ok(item) => item,
        Err(error) => {
            errors.push(error);
            return Err(None);
        }
    };
    let name = item.ident.to_string();
    let write = format!("write `struct {name};`");
    if !matches!(item.fields, Fields::Unit) {
        let what = "a group is a name and holds nothing";
        errors.at(&item.fields, format!("{what}: {write}"));
    }
    let generic = generics(&item.generics);
    if let Some(generics) = &generic {
        errors.at(
            generics,
            format!("a group cannot be generic, since its calls are counted in one place: {write}"),
        );
    }
    let place = raw.place.check(&item.ident, errors);
    let name = Name { krate: raw.krate, ident: item.ident };
    if errors.failed() {
        return Err(generic.is_none().then_some(name));
    }
    Ok(Group { name, place, timeout: raw.timeout.map(|timeout| timeout.value) })
}

fn parse(tokens: TokenStream) -> syn::Result<ItemStruct> {
    let parser = |input: ParseStream<'_>| {
        let ahead = input.fork();
        ahead.call(Attribute::parse_outer)?;
        ahead.parse::<Visibility>()?;
        if ahead.peek(Token![struct]) {
            return input.parse();
        }
        let found =
            ahead.parse::<TokenTree>().map_or_else(|_| TokenStream::new(), TokenTree::into_token_stream);
        while input.parse::<TokenTree>().is_ok() {}
        let what = GROUP.name();
        Err(syn::Error::new_spanned(found, format!("`#[{what}]` goes on a unit struct: `struct Jobs;`")))
    };
    parser.parse2(tokens)
}

/// What makes a struct generic, as it was written.
fn generics(generics: &Generics) -> Option<TokenStream> {
    if generics.lt_token.is_some() {
        return Some(generics.to_token_stream());
    }
    generics.where_clause.as_ref().map(ToTokens::to_token_stream)
}
