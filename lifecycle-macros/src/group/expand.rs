//! From a group to what is added after its struct. Cannot fail.

use proc_macro2::TokenStream;
use quote::quote_spanned;
use syn::ext::IdentExt;

use super::check::{Group, Name};
use crate::paths::site;

/// What makes the struct a group's name, whose attribute is in error.
pub(super) fn name(name: &Name) -> TokenStream {
    let p = name.krate.private();
    named(name, &quote_spanned!(site()=> #p::PlaceDef::Unknown), &TokenStream::new())
}

fn named(name: &Name, place: &TokenStream, registration: &TokenStream) -> TokenStream {
    let Name { krate, ident } = name;
    let p = krate.private();
    let text = ident.unraw().to_string();
    quote_spanned!(site()=>
        #[allow(deprecated)]
        const _: () = {
            static GATE: #p::Gate = #p::Gate::new(#text);
            static NODE: #p::NodeDef = #p::NodeDef {
                name: #text,
                phase: #p::Phase::Shutdown,
                id: #p::TypeId::of::<#ident>,
                place: #place,
                after: &[],
                before: &[],
            };
            impl #p::Step for #ident {}
            impl #p::Node for #ident {
                const NODE: &'static #p::NodeDef = &NODE;
            }
            #[allow(unreachable_pub)]
            impl #ident {
                #[doc(hidden)]
                pub const fn lifecycle_node() -> &'static #p::NodeDef {
                    &NODE
                }
            }
            impl #p::Group for #ident {
                fn gate() -> &'static #p::Gate {
                    &GATE
                }
            }
            #registration
        };
    )
}

pub(super) fn group(group: &Group) -> TokenStream {
    let Name { krate, ident } = &group.name;
    let p = krate.private();
    let text = ident.unraw().to_string();
    let timeout = option(&p, group.timeout.as_ref().map(|time| time.expand(&p)));
    let place = match &group.order {
        Some(order) => quote_spanned!(site()=> #p::PlaceDef::Order(#order)),
        None => quote_spanned!(site()=> #p::PlaceDef::Free),
    };
    let registration = quote_spanned!(site()=>
        #p::inventory::submit! {
            #p::GroupDef {
                name: #text,
                module: #p::module_path!(),
                file: #p::file!(),
                line: #p::line!(),
                id: #p::TypeId::of::<#ident>,
                keys: #p::StepKeys { order: NODE.order(), timeout: #timeout, last: false },
                gate: <#ident as #p::Group>::gate,
            }
        }
    );
    named(&group.name, &place, &registration)
}

fn option(p: &TokenStream, value: Option<TokenStream>) -> TokenStream {
    match value {
        Some(value) => quote_spanned!(site()=> #p::Some(#value)),
        None => quote_spanned!(site()=> #p::None),
    }
}
