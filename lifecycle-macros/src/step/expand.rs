//! From a step to what is added after its function. Cannot fail.

use proc_macro2::{Ident, TokenStream};
use quote::quote_spanned;

use super::check::{Marker, Step};
use crate::arguments;
use crate::paths::{site, site_at};
use crate::place::{self, Edges, Place};

/// The type with the step's name.
pub(super) fn marker(marker: &Marker) -> TokenStream {
    let p = marker.krate.private();
    let unknown = quote_spanned!(site()=> #p::PlaceDef::Unknown);
    named(marker, &unknown, &Edges::default(), &TokenStream::new())
}

fn named(marker: &Marker, place: &TokenStream, edges: &Edges, registration: &TokenStream) -> TokenStream {
    let Marker { vis, name, krate, .. } = marker;
    let p = krate.private();
    let (text, phase) = (marker.text(), phase(marker));
    let Edges { after, before, statics, checks } = edges;
    let node = node(marker);
    quote_spanned!(site()=>
        #[doc(hidden)]
        #[allow(non_camel_case_types, dead_code)]
        #vis struct #name {}
        #[allow(deprecated, non_upper_case_globals)]
        const _: () = {
            impl #p::Step for #name {}
            #p::items! {
                static #node: #p::NodeDef = #p::NodeDef {
                    name: #text,
                    phase: #phase,
                    id: #p::TypeId::of::<#name>,
                    place: #place,
                    after: &[#after],
                    before: &[#before],
                };
                impl #p::Node for #name {
                    const NODE: &'static #p::NodeDef = &#node;
                }
                #[allow(unreachable_pub)]
                impl #name {
                    #[doc(hidden)]
                    pub const fn lifecycle_node() -> &'static #p::NodeDef {
                        &#node
                    }
                }
                #statics
                #checks
            }
            #registration
        };
    )
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
    let id = &step.marker.name;
    let name = step.marker.text();
    let phase = phase(&step.marker);
    let timeout = option(&p, step.timeout.as_ref().map(|time| time.expand(&p)));
    let last = place.last;
    let takes = arguments::signature(&step.arguments, krate, last);
    let gives = gives(step);
    let call = call(step);
    let node = node(&step.marker);
    let registration = quote_spanned!(site()=>
        #p::inventory::submit! {
            #p::StepDef {
                name: #name,
                module: #p::module_path!(),
                file: #p::file!(),
                line: #p::line!(),
                id: #p::TypeId::of::<#id>,
                phase: #phase,
                node: &#node,
                keys: #p::StepKeys { order: #node.order(), timeout: #timeout, last: #last },
                signature: |signature: &mut #p::Signature| { #takes #gives },
                call: |inputs: &mut #p::Inputs<'_>| -> #p::Result<#p::Call, #p::Missing> { #call },
                extra: #p::None,
            }
        }
    );
    named(&step.marker, &said, &edges(&step.marker, place), &registration)
}

fn option(p: &TokenStream, value: Option<TokenStream>) -> TokenStream {
    match value {
        Some(value) => quote_spanned!(site()=> #p::Some(#value)),
        None => quote_spanned!(site()=> #p::None),
    }
}

/// The classified return type, to be looked at where it was written.
fn open(step: &Step) -> TokenStream {
    let at = site_at(step.output.span);
    let p = step.marker.krate.private_at(at);
    let ty = &step.output.ty;
    quote_spanned!(at=> (&&#p::outcome::Return::<#ty>::NEW).open())
}

fn gives(step: &Step) -> TokenStream {
    if !step.starts {
        return TokenStream::new();
    }
    let at = site_at(step.output.span);
    let p = step.marker.krate.private();
    let open = open(step);
    quote_spanned!(at=>
        {
            use #p::outcome::{
                GiveFuture as _, GiveItself as _, GiveNothing as _, GiveResult as _, GiveShareable as _,
                GiveTakeOnly as _, OpenPlain as _, OpenResult as _,
            };
            let value = #open.value();
            signature.gives((&&&&value).give(), value);
        }
    )
}

fn call(step: &Step) -> TokenStream {
    let krate = &step.marker.krate;
    let p = krate.private();
    let (holds, lends) = arguments::gather(&step.arguments, krate);
    let function = &step.function;
    let outcome = outcome(step);
    let at = site_at(function.span());
    let p_at = krate.private_at(at);
    if step.is_async {
        quote_spanned!(at=>
            #holds
            #p::Ok(#p_at::Call::Async(#p_at::Box::pin(async move {
                let returned = #function(#lends).await;
                #outcome
            })))
        )
    } else {
        quote_spanned!(at=>
            #holds
            #p::Ok(#p_at::Call::Sync(#p_at::Box::new(move || {
                let returned = #function(#lends);
                #outcome
            })))
        )
    }
}

fn outcome(step: &Step) -> TokenStream {
    let at = site_at(step.output.span);
    let p = step.marker.krate.private();
    let open = open(step);
    if step.starts {
        quote_spanned!(at=>
            use #p::outcome::{
                GiveFuture as _, GiveItself as _, GiveNothing as _, GiveResult as _, GiveShareable as _,
                GiveTakeOnly as _, OpenPlain as _, OpenResult as _,
            };
            let opened = #open;
            #p::outcome::given((&&&&opened.value()).give(), opened.split(returned))
        )
    } else {
        quote_spanned!(at=>
            use #p::outcome::{OpenPlain as _, OpenResult as _};
            let opened = #open;
            opened.value().end(opened.split(returned))
        )
    }
}
