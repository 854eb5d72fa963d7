//! From a step to what is added after its function. Cannot fail.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote_spanned};

use super::check::{Marker, Step};
use crate::arguments::{self, Lent};
use crate::paths::{site, site_at};
use crate::place::{self, Edges, Place};

/// The type with the step's name.
pub(super) fn marker(marker: &Marker) -> TokenStream {
    let p = marker.krate.private();
    let unknown = quote_spanned!(site()=> #p::PlaceDef::Unknown);
    named(marker, &unknown, &Edges::default(), &TokenStream::new())
}

/// Every item and every body that is generated costs the user's compiler, so there are as few as can be: only edges make
/// the node a static.
fn named(marker: &Marker, place: &TokenStream, edges: &Edges, registration: &TokenStream) -> TokenStream {
    let Marker { vis, name, krate, .. } = marker;
    let p = krate.private();
    let (text, phase) = (marker.text(), phase(marker));
    let Edges { after, before, statics, checks } = edges;
    let def = quote_spanned!(site()=>
        #p::NodeDef {
            name: #text,
            phase: #phase,
            id: #p::TypeId::of::<#name>,
            place: #place,
            after: &[#after],
            before: &[#before],
        }
    );
    let returned = reference(marker, edges);
    let items = |constant: &TokenStream| {
        quote_spanned!(site()=>
            impl #p::Node for #name {
                const NODE: &'static #p::NodeDef = &#constant;
            }
            #[allow(deprecated, unreachable_pub, dead_code)]
            impl #name {
                #[doc(hidden)]
                pub const fn lifecycle_node() -> &'static #p::NodeDef {
                    #registration
                    #returned
                }
            }
        )
    };
    let items = if edges.any() {
        let node = node(marker);
        let items = items(&node.to_token_stream());
        quote_spanned!(site()=>
            #[allow(non_upper_case_globals)]
            const _: () = {
                static #node: #p::NodeDef = #def;
                #statics
                #checks
                #items
            };
        )
    } else {
        items(&def)
    };
    quote_spanned!(site()=>
        #[doc(hidden)]
        #[allow(non_camel_case_types, dead_code)]
        #vis struct #name {}
        #p::items! {
            impl #p::Step for #name {}
            #items
        }
    )
}

/// A reference to the step's node. Not by way of its trait, where a circle may lead through it: rustc would name that
/// constant too.
fn reference(marker: &Marker, edges: &Edges) -> TokenStream {
    if edges.any() {
        let node = node(marker);
        return quote_spanned!(site()=> &#node);
    }
    let (p, name) = (marker.krate.private(), &marker.name);
    quote_spanned!(site()=> <#name as #p::Node>::NODE)
}

fn node(marker: &Marker) -> Ident {
    place::node(&marker.text())
}

fn phase(marker: &Marker) -> TokenStream {
    let p = marker.krate.private();
    match marker.starts {
        true => quote_spanned!(site()=> #p::Phase::Start),
        false => quote_spanned!(site()=> #p::Phase::Shutdown),
    }
}

fn edges(marker: &Marker, place: &Place) -> Edges {
    place.edges(&marker.text(), &marker.krate)
}

pub(super) fn step(step: &Step) -> TokenStream {
    let krate = &step.marker.krate;
    let p = krate.private();
    let place = &step.place;
    let said = match (&place.order, place.last) {
        (Some(order), _) => quote_spanned!(site()=> #p::PlaceDef::Order(#order)),
        (None, true) => quote_spanned!(site()=> #p::PlaceDef::Last),
        (None, false) => quote_spanned!(site()=> #p::PlaceDef::Free),
    };
    let timeout = option(&p, step.timeout.as_ref().map(|time| time.expand(&p)));
    let call = call(step);
    let edges = edges(&step.marker, place);
    let node = reference(&step.marker, &edges);
    let registration = quote_spanned!(site()=>
        #p::inventory::submit! {
            #p::StepDef {
                node: #node,
                module: #p::module_path!(),
                file: #p::file!(),
                line: #p::line!(),
                timeout: #timeout,
                function: || #call,
                extra: #p::None,
            }
        }
    );
    named(&step.marker, &said, &edges, &registration)
}

fn option(p: &TokenStream, value: Option<TokenStream>) -> TokenStream {
    match value {
        Some(value) => quote_spanned!(site()=> #p::Some(#value)),
        None => quote_spanned!(site()=> #p::None),
    }
}

/// The arguments' kinds, what becomes of the outcome, and the call between them.
fn call(step: &Step) -> TokenStream {
    let krate = &step.marker.krate;
    let function = &step.function;
    let at = site_at(function.span());
    let p = krate.private_at(at);
    let kinds = arguments::kinds(&step.arguments, krate, step.place.last);
    let Lent { pattern, apart, arguments } = arguments::lent(&step.arguments);
    let ending = ending(step);
    let (kind, ends) = if step.is_async { ("asynchronous", "pending") } else { ("synchronous", "ended") };
    let (kind, ends) = (Ident::new(kind, at), Ident::new(ends, at));
    quote_spanned!(at=>
        #p::function::#kind(#kinds, #ending, |held, end| {
            let #pattern = #p::function::lend(held);
            #apart
            #p::function::#ends(#function(#arguments), end)
        })
    )
}

/// The classified return type, to be looked at where it was written.
fn ending(step: &Step) -> TokenStream {
    let at = site_at(step.output.span);
    let p = step.marker.krate.private_at(at);
    let ty = &step.output.ty;
    if step.starts {
        quote_spanned!(at=>
            {
                let opened = #p::outcome::Return::<#ty>::NEW.lifecycle_open();
                opened.ending(opened.lifecycle_give())
            }
        )
    } else {
        quote_spanned!(at=> #p::outcome::Return::<#ty>::NEW.lifecycle_end())
    }
}
