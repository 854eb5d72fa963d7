//! `#[lifecycle::test]`.

mod args;
mod check;
mod expand;

use proc_macro2::TokenStream;

use crate::diag::ErrorStore;
use crate::item::Item;
use crate::keys::TEST;

pub(crate) fn attribute(keys: TokenStream, item: TokenStream) -> TokenStream {
    let store = ErrorStore::default();
    let mut output = TokenStream::new();
    {
        let errors = store.sink();
        let raw = args::parse(keys, &errors);
        match Item::parse(item.clone(), TEST.name()) {
            Err(error) => {
                errors.push(error);
                output.extend(item);
            }
            Ok(item) => match check::check(raw, item, &errors) {
                Ok(test) => output.extend(expand::test(&test)),
                Err(item) => output.extend(item),
            },
        }
    }
    output.extend(store.into_tokens());
    output
}

#[cfg(test)]
mod tests;
