//! From a component to its block and what stands beside it. Cannot fail.

use proc_macro2::TokenStream;
use quote::quote_spanned;

use super::check::{Component, Step};
use crate::paths::site;

pub(super) fn component(component: &Component) -> TokenStream {
    let p = component.owner.krate().private();
    let beside = component.steps.iter().map(|Step { cfgs, named, tokens }| {
        if *named {
            return quote_spanned!(site()=> #cfgs #p::items! { #tokens });
        }
        // In a place of its own, where its type's name is nobody else's.
        quote_spanned!(site()=> #cfgs const _: () = { #tokens };)
    });
    component.block.clone().into_iter().chain(beside.flatten()).collect()
}
