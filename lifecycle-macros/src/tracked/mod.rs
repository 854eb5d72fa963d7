//! `#[tracked]`.
use proc_macro2::TokenStream;
pub(crate) fn attribute(_: TokenStream, item: TokenStream) -> TokenStream {
    item
}
