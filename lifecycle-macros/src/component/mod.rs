//! `#[lifecycle::component]`: the attributes of steps, on the methods of one `impl` block.
//!
//! Only the block knows what `self` is, and only beside it can a step's type be declared. So the block's attribute does
//! what its methods' attributes do for functions, with the receiver as an argument like any other.

mod check;
mod expand;
mod parse;

use proc_macro2::{Ident, TokenStream};
use quote::format_ident;
use syn::ext::IdentExt;

use crate::diag::ErrorStore;
use crate::keys::{COMPONENT, Given};
use crate::paths::{Krate, site_at};

/// The type whose methods are steps.
pub(crate) struct Owner {
    ty: syn::Type,
    krate: Krate,
}

impl Owner {
    pub(crate) fn ty(&self) -> TokenStream {
        quote::ToTokens::to_token_stream(&self.ty)
    }

    pub(crate) fn krate(&self) -> &Krate {
        &self.krate
    }

    /// Of a method without a label, a type's name that nobody else has, and the name that is reported.
    pub(crate) fn unnamed(&self, name: &Ident) -> (Ident, String) {
        let method = name.unraw();
        let own = match crate::item::bare(&self.ty) {
            syn::Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
            _ => None,
        };
        let own = own.unwrap_or_else(|| self.ty().to_string());
        let at = site_at(name.span());
        (format_ident!("lifecycle_method_{method}", span = at), format!("{own}::{method}"))
    }
}

pub(crate) fn attribute(keys: TokenStream, item: TokenStream) -> TokenStream {
    let store = ErrorStore::default();
    let mut output = TokenStream::new();
    {
        let errors = store.sink();
        let krate = Given::parse(keys, COMPONENT, &errors).krate();
        match parse::parse(item.clone(), &krate, &errors) {
            Ok(block) => output.extend(expand::component(&check::check(block, krate, &errors))),
            Err(error) => {
                errors.push(error);
                output.extend(parse::without_steps(item, &krate));
            }
        }
    }
    output.extend(store.into_tokens());
    output
}

#[cfg(test)]
mod tests;
