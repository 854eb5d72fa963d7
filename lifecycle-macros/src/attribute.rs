//! What the attributes of functions do alike: the function stays, something is added after it, every mistake is told.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};

use crate::diag::{ErrorSink, ErrorStore};
use crate::item::Item;
use crate::keys::On;

/// Stands for the keys of a method's attribute that `#[lifecycle::component]` has dealt with. The attribute stays where
/// it is, so that its import is used.
const DONE: &str = "__of_a_component";

pub(crate) fn done() -> TokenStream {
    TokenTree::Ident(Ident::new(DONE, Span::call_site())).into()
}

pub(crate) fn on_function(
    on: On,
    keys: TokenStream,
    item: TokenStream,
    generate: impl FnOnce(TokenStream, &Item, &ErrorSink<'_>) -> TokenStream,
) -> TokenStream {
    if !keys.is_empty() && keys.to_string() == DONE {
        return item;
    }
    let store = ErrorStore::default();
    let mut output = item.clone();
    {
        let errors = store.sink();
        match Item::parse(item, on.name()) {
            Ok(item) => output.extend(generate(keys, &item, &errors)),
            Err(error) => {
                // The keys' own mistakes are told as well.
                drop(crate::keys::Given::parse(keys, on, &errors));
                errors.push(error);
            }
        }
    }
    output.extend(store.into_tokens());
    output
}
