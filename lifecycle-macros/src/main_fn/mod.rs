//! `#[lifecycle::main]`.

pub(crate) mod args;
pub(crate) mod check;
pub(crate) mod expand;

use proc_macro2::TokenStream;

use crate::diag::ErrorStore;
use crate::item::Item;
use crate::keys::MAIN;

pub(crate) fn attribute(keys: TokenStream, item: TokenStream) -> TokenStream {
    let store = ErrorStore::default();
    let mut output = TokenStream::new();
    {
        let errors = store.sink();
        let raw = args::parse(keys, &errors);
        match Item::parse(item.clone(), MAIN.name()) {
            Err(error) => {
                errors.push(error);
                output.extend(item);
            }
            Ok(item) => match check::check(raw, &item, &errors) {
                Ok(main) => output.extend(expand::main(&main)),
                Err(kept) => output.extend(expand::kept(&kept)),
            },
        }
    }
    output.extend(store.into_tokens());
    output
}

#[cfg(test)]
mod tests;
