//! `#[worker]`: a step of the shutdown, whose place is that of its stop.

mod args;
mod check;

use proc_macro2::TokenStream;

use crate::attribute;
use crate::called::Function;
use crate::component::Owner;
use crate::diag::ErrorSink;
use crate::keys::WORKER;
use crate::step::expand;

pub(crate) fn attribute(keys: TokenStream, item: TokenStream) -> TokenStream {
    attribute::on_step(WORKER, keys, item, |keys, function, errors| generate(keys, function, None, errors))
}

/// What is added for a function, or for a method of `owner`.
pub(crate) fn generate(
    keys: TokenStream,
    function: &Function<'_>,
    owner: Option<&Owner>,
    errors: &ErrorSink<'_>,
) -> TokenStream {
    let raw = args::parse(keys, errors);
    match check::check(raw, function, owner, errors) {
        Ok(step) => expand::step(&step),
        Err(stand_in) => stand_in.map(|name| expand::marker(&name)).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests;
