//! From a step to what is added after its function. Cannot fail.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote_spanned};

use super::check::{Marker, Step};
use crate::attempts::option;
use crate::paths::site;
use crate::place::{self, Edges, Place};

/// The type with the step's name.
pub(crate) fn marker(marker: &Marker) -> TokenStream {
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
                #[inline(never)]
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
    place::node(&marker.ident())
}

fn phase(marker: &Marker) -> TokenStream {
    let p = marker.krate.private();
    match marker.starts {
        true => quote_spanned!(site()=> #p::Phase::Start),
        false => quote_spanned!(site()=> #p::Phase::Shutdown),
    }
}

fn edges(marker: &Marker, place: &Place) -> Edges {
    place.edges(&marker.ident(), &marker.krate)
}

pub(crate) fn step(step: &Step) -> TokenStream {
    let krate = &step.marker.krate;
    let p = krate.private();
    let place = &step.place;
    let said = match (&place.order, place.last) {
        (Some(order), _) => quote_spanned!(site()=> #p::PlaceDef::Order(#order)),
        (None, true) => quote_spanned!(site()=> #p::PlaceDef::Last),
        (None, false) if step.extra.worker.is_some() => quote_spanned!(site()=> #p::PlaceDef::Early),
        (None, false) => quote_spanned!(site()=> #p::PlaceDef::Free),
    };
    let timeout = option(&p, step.timeout.as_ref().map(|time| time.expand(&p)));
    let call = step.called.expand(krate, place.last);
    let extra = step.extra.expand(krate, place.last);
    let line = step.marker.line();
    let edges = edges(&step.marker, place);
    let node = reference(&step.marker, &edges);
    let registration = quote_spanned!(site()=>
        #p::inventory::submit! {
            #p::StepDef {
                node: #node,
                module: #p::module_path!(),
                file: #p::file!(),
                line: #line,
                timeout: #timeout,
                function: || #call,
                extra: #extra,
            }
        }
    );
    named(&step.marker, &said, &edges, &registration)
}
