//! `#[tracked]`.

mod args;
mod check;
mod expand;
mod parameters;

use proc_macro2::TokenStream;

use crate::diag::ErrorStore;
use crate::item::Item;
use crate::keys::TRACKED;

pub(crate) fn attribute(keys: TokenStream, item: TokenStream) -> TokenStream {
    let store = ErrorStore::default();
    let mut output = item.clone();
    {
        let errors = store.sink();
        let raw = args::parse(keys, &errors);
        match Item::parse(item, TRACKED.name()) {
            Err(error) => errors.push(error),
            Ok(item) => {
                if let Some(tracked) = check::check(raw, &item, &errors) {
                    output = expand::tracked(&item, &tracked);
                }
            }
        }
    }
    output.extend(store.into_tokens());
    output
}

#[cfg(test)]
mod tests;
