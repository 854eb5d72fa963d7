//! `#[on_start]` and `#[on_shutdown]`.

mod args;
mod check;
mod expand;

use proc_macro2::TokenStream;

use crate::diag::ErrorStore;
use crate::item::Item;
use crate::keys::On;

pub(crate) fn attribute(on: On, keys: TokenStream, item: TokenStream) -> TokenStream {
    let store = ErrorStore::default();
    let mut output = item.clone();
    {
        let errors = store.sink();
        let raw = args::parse(keys, on, &errors);
        match Item::parse(item, on.name()) {
            Err(error) => errors.push(error),
            Ok(item) => match check::check(on, raw, &item, &errors) {
                Ok(step) => output.extend(expand::step(&step)),
                // Whoever names the step finds it: one mistake, one error.
                Err(stand_in) => output.extend(stand_in.map(|name| expand::marker(&name))),
            },
        }
    }
    output.extend(store.into_tokens());
    output
}

#[cfg(test)]
mod tests;
