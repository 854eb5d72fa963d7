//! `#[on_start]` and `#[on_shutdown]`; what every step has in common.

pub(crate) mod args;
pub(crate) mod check;
pub(crate) mod expand;

use proc_macro2::TokenStream;

use crate::attribute;
use crate::called::Function;
use crate::component::Owner;
use crate::diag::ErrorSink;
use crate::keys::On;

pub(crate) fn attribute(on: On, keys: TokenStream, item: TokenStream) -> TokenStream {
    attribute::on_step(on, keys, item, |keys, function, errors| generate(on, keys, function, None, errors))
}

/// What is added for a function, or for a method of `owner`.
pub(crate) fn generate(
    on: On,
    keys: TokenStream,
    function: &Function<'_>,
    owner: Option<&Owner>,
    errors: &ErrorSink<'_>,
) -> TokenStream {
    let raw = args::parse(keys, on, errors);
    raw.extra.backoff_alone(errors);
    match check::check(on, raw, function, owner, errors) {
        Ok(step) => expand::step(&step),
        // Whoever names the step finds it: one mistake, one error.
        Err(stand_in) => stand_in.map(|name| expand::marker(&name)).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests;
