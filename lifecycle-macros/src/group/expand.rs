//! From a group to what is added after its struct. Cannot fail.

use proc_macro2::TokenStream;
use quote::quote_spanned;
use syn::ext::IdentExt;

use super::check::{Group, Name};
use crate::paths::site;

/// What makes the struct a group's name.
pub(super) fn name(name: &Name) -> TokenStream {
    let Name { krate, ident } = name;
    let p = krate.private();
    let text = ident.unraw().to_string();
    quote_spanned!(site()=>
        const _: () = {
            static GATE: #p::Gate = #p::Gate::new(#text);
            impl #p::Step for #ident {}
            impl #p::Group for #ident {
                fn gate() -> &'static #p::Gate {
                    &GATE
                }
            }
        };
    )
}

pub(super) fn group(group: &Group) -> TokenStream {
    let Name { krate, ident } = &group.name;
    let p = krate.private();
    let text = ident.unraw().to_string();
    let order = option(&p, group.order.clone());
    let timeout = option(&p, group.timeout.as_ref().map(|time| time.expand(&p)));
    let mut tokens = name(&group.name);
    tokens.extend(quote_spanned!(site()=>
        #[allow(deprecated)]
        const _: () = {
            #p::inventory::submit! {
                #p::GroupDef {
                    name: #text,
                    module: #p::module_path!(),
                    file: #p::file!(),
                    line: #p::line!(),
                    id: #p::TypeId::of::<#ident>,
                    keys: #p::StepKeys { order: #order, timeout: #timeout, last: false },
                    gate: <#ident as #p::Group>::gate,
                }
            }
        };
    ));
    tokens
}

fn option(p: &TokenStream, value: Option<TokenStream>) -> TokenStream {
    match value {
        Some(value) => quote_spanned!(site()=> #p::Some(#value)),
        None => quote_spanned!(site()=> #p::None),
    }
}
