//! From a group to what is added after its struct. Cannot fail.

use proc_macro2::TokenStream;
use quote::{format_ident, quote_spanned};
use syn::ext::IdentExt;

use super::check::{Group, Name};
use crate::attempts::option;
use crate::paths::site;
use crate::place::{self, Edges};

/// What makes the struct a group's name, whose attribute is in error.
pub(super) fn name(name: &Name) -> TokenStream {
    let p = name.krate.private();
    let unknown = quote_spanned!(site()=> #p::PlaceDef::Unknown);
    named(name, &unknown, &Edges::default(), &TokenStream::new())
}

fn named(name: &Name, place: &TokenStream, edges: &Edges, registration: &TokenStream) -> TokenStream {
    let Name { krate, ident } = name;
    let p = krate.private();
    let text = name.text();
    let node = place::node(&text);
    let gate = format_ident!("GATE_OF_{text}", span = site());
    let Edges { after, before, statics, checks } = edges;
    quote_spanned!(site()=>
        #[allow(deprecated, non_upper_case_globals)]
        const _: () = {
            #p::items! {
                static #gate: #p::Gate = #p::Gate::new(#text);
                static #node: #p::NodeDef = #p::NodeDef {
                    name: #text,
                    phase: #p::Phase::Shutdown,
                    id: #p::TypeId::of::<#ident>,
                    place: #place,
                    after: &[#after],
                    before: &[#before],
                };
                impl #p::Step for #ident {}
                #[allow(unreachable_pub)]
                impl #ident {
                    #[doc(hidden)]
                    pub const fn lifecycle_node() -> &'static #p::NodeDef {
                        &#node
                    }
                }
                impl #p::Group for #ident {
                    fn gate() -> &'static #p::Gate {
                        &#gate
                    }
                }
                #statics
                #checks
                #registration
            }
        };
    )
}

pub(super) fn group(group: &Group) -> TokenStream {
    let Name { krate, ident } = &group.name;
    let p = krate.private();
    let text = group.name.text();
    let node = place::node(&text);
    let timeout = option(&p, group.timeout.as_ref().map(|time| time.expand(&p)));
    let place = match &group.place.order {
        Some(order) => quote_spanned!(site()=> #p::PlaceDef::Order(#order)),
        None => quote_spanned!(site()=> #p::PlaceDef::Early),
    };
    let registration = quote_spanned!(site()=>
        impl #p::Collected for #ident {
            const LEFT: #p::Left = #p::Left::Group(&#p::GroupDef {
                module: #p::module_path!(),
                file: #p::file!(),
                line: #p::line!(),
                node: &#node,
                timeout: #timeout,
                gate: <#ident as #p::Group>::gate,
            });
        }
        #p::collected!(#ident);
    );
    named(&group.name, &place, &group.place.edges(&text, krate), &registration)
}

impl Name {
    /// As reported.
    fn text(&self) -> String {
        self.ident.unraw().to_string()
    }
}
