//! From a step to what is added after its function. Cannot fail.

use proc_macro2::{Ident, TokenStream};
use quote::quote_spanned;

use super::check::{Marker, Step};
use crate::paths::site;
use crate::place::{self, Edges};

/// The type with the step's name.
pub(crate) fn marker(marker: &Marker) -> TokenStream {
    let p = marker.krate.private();
    let answer = quote_spanned!(site()=> query { #p::strange(query) });
    named(marker, &quote_spanned!(site()=> Unknown), &Edges::default(), &answer)
}

/// Every item and every body that is generated costs the user's compiler, so there are as few as can be: the node is a
/// constant in a function, and only edges make it a static.
fn named(marker: &Marker, place: &TokenStream, edges: &Edges, answer: &TokenStream) -> TokenStream {
    let Marker { name, krate, .. } = marker;
    let p = krate.private();
    let text = marker.text();
    let phase = Ident::new(if marker.starts { "Start" } else { "Shutdown" }, site());
    if !edges.any() {
        let item = item(marker);
        let all = quote_spanned!(site()=> #p::step! { #name #answer #text #phase [#place] [#item] });
        return krate.items(all);
    }
    let Edges { after, before, statics, checks } = edges;
    let node = place::node(&marker.ident());
    let beside = krate.items(quote_spanned!(site()=>
        #[allow(non_upper_case_globals)]
        const _: () = {
            static #node: #p::NodeDef = #p::NodeDef {
                name: #text,
                phase: #p::Phase::#phase,
                id: #p::type_id::<#name>,
                place: #p::PlaceDef::#place,
                after: &[#after],
                before: &[#before],
            };
            #statics
            #checks
            #p::step! { #name #answer = #node }
        };
    ));
    let declared = declared(marker);
    quote_spanned!(site()=> #declared #beside)
}

/// The type itself, where its name is written: if there is something else of that name, rustc shows this place.
fn item(marker: &Marker) -> TokenStream {
    let Marker { vis, name, .. } = marker;
    quote_spanned!(name.span()=> #vis struct #name {})
}

/// The type, of which nobody hears where it is not named.
pub(crate) fn declared(marker: &Marker) -> TokenStream {
    let item = item(marker);
    quote_spanned!(site()=>
        #[doc(hidden)]
        #[allow(non_camel_case_types, dead_code, missing_copy_implementations, missing_debug_implementations)]
        #[allow(clippy::restriction)]
        #item
    )
}

pub(crate) fn step(step: &Step) -> TokenStream {
    let Step { marker, place, timeout, called, extra } = step;
    let krate = &marker.krate;
    let p = krate.private();
    let said = match (&place.order, place.last) {
        (Some(order), _) => quote_spanned!(site()=> Order(#order)),
        (None, true) => quote_spanned!(site()=> Last),
        (None, false) if extra.worker.is_some() => quote_spanned!(site()=> Early),
        (None, false) => quote_spanned!(site()=> Free),
    };
    let timeout = timeout.as_ref().map(|time| time.expand(&p));
    let extra = extra.expand(krate, place.last);
    let keys = [("line", marker.line()), ("timeout", timeout), ("extra", extra)];
    let keys = keys.into_iter().filter_map(|(name, value)| {
        let (name, value) = (Ident::new(name, site()), value?);
        Some(quote_spanned!(site()=> .#name(#value)))
    });
    let keys: TokenStream = keys.collect();
    let answer = called.answer(krate, &keys, place.last);
    named(marker, &said, &place.edges(&marker.ident(), krate), &answer)
}
