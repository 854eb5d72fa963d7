//! `#[lifecycle::group]`.

mod args;
mod check;
mod expand;

use proc_macro2::TokenStream;

use crate::diag::ErrorStore;

pub(crate) fn attribute(keys: TokenStream, item: TokenStream) -> TokenStream {
    let store = ErrorStore::default();
    let mut output = item.clone();
    {
        let errors = store.sink();
        let raw = args::parse(keys, &errors);
        match check::check(raw, item, &errors) {
            Ok(group) => output.extend(expand::group(&group)),
            // Whoever names the group finds it: one mistake, one error.
            Err(stand_in) => output.extend(stand_in.map(|name| expand::name(&name))),
        }
    }
    output.extend(store.into_tokens());
    output
}

#[cfg(test)]
mod tests;
