//! `#[health_check]`.

mod args;
mod check;
mod expand;

use proc_macro2::TokenStream;

use crate::attribute;
use crate::component::Owner;
use crate::diag::ErrorSink;
use crate::item::Item;
use crate::keys::CHECK;

pub(crate) fn attribute(keys: TokenStream, item: TokenStream) -> TokenStream {
    attribute::on_function(CHECK, keys, item, |keys, item, errors| generate(keys, item, None, errors))
}

/// What is added for a function, or for a method of `owner`.
pub(crate) fn generate(
    keys: TokenStream,
    item: &Item,
    owner: Option<&Owner>,
    errors: &ErrorSink<'_>,
) -> TokenStream {
    let raw = args::parse(keys, errors);
    match check::check(raw, item, owner, errors) {
        Ok(check) => expand::check(&check),
        // Whoever names the check finds it: one mistake, one error.
        Err(stand_in) => stand_in.map(|name| expand::marker(&name)).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests;
