//! What the attributes of functions do alike: the function stays, something is added after it, every mistake is told.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};

use crate::called::Function;
use crate::diag::{ErrorSink, ErrorStore};
use crate::item::Item;
use crate::keys::On;
use crate::plain::Plain;

/// Stands for the keys of a method's attribute that `#[lifecycle::component]` has dealt with. The attribute stays where
/// it is, so that its import is used.
const DONE: &str = "__of_a_component";

pub(crate) fn done() -> TokenStream {
    TokenTree::Ident(Ident::new(DONE, Span::call_site())).into()
}

/// A step's function, which in most cases need not be parsed.
pub(crate) fn on_step(
    on: On,
    keys: TokenStream,
    item: TokenStream,
    generate: impl FnOnce(TokenStream, &Function<'_>, &ErrorSink<'_>) -> TokenStream,
) -> TokenStream {
    if let (false, Some(plain)) = (is_done(&keys), Plain::read(&item)) {
        let store = ErrorStore::default();
        let mut output = item;
        output.extend(generate(keys, &Function::Plain(plain), &store.sink()));
        output.extend(store.into_tokens());
        return output;
    }
    on_function(on, keys, item, |keys, item, errors| generate(keys, &Function::Parsed(item), errors))
}

fn is_done(keys: &TokenStream) -> bool {
    !keys.is_empty() && keys.to_string() == DONE
}

pub(crate) fn on_function(
    on: On,
    keys: TokenStream,
    item: TokenStream,
    generate: impl FnOnce(TokenStream, &Item, &ErrorSink<'_>) -> TokenStream,
) -> TokenStream {
    if is_done(&keys) {
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
