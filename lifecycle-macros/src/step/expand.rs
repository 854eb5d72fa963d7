//! From a step to what is added after its function. Cannot fail.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::ext::IdentExt;

use super::check::{Edge, Marker, Place, Step};
use crate::arguments::{self, Lent};
use crate::paths::{site, site_at};

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
    let returned = edges.node(marker);
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
        impl #p::Step for #name {}
        #p::items! { #items }
    )
}

/// Of a name that no path in the keys can mean.
fn node(marker: &Marker) -> Ident {
    format_ident!("NODE_OF_{}", marker.text(), span = site())
}

fn phase(marker: &Marker) -> TokenStream {
    let p = marker.krate.private();
    match marker.starts {
        true => quote_spanned!(site()=> #p::Phase::Start),
        false => quote_spanned!(site()=> #p::Phase::Shutdown),
    }
}

/// What a step's edges come to.
#[derive(Default)]
struct Edges {
    /// References to the statics.
    after: TokenStream,
    before: TokenStream,
    /// One for each edge, so that rustc's words about a circle name each of its edges, at its path.
    statics: TokenStream,
    /// What the compiler makes sure of, at the path.
    checks: TokenStream,
}

impl Edges {
    fn any(&self) -> bool {
        !self.statics.is_empty()
    }

    /// A reference to the step's node. Not by way of its trait, where a circle may lead through it: rustc would name that
    /// constant too.
    fn node(&self, marker: &Marker) -> TokenStream {
        if self.any() {
            let node = node(marker);
            return quote_spanned!(site()=> &#node);
        }
        let (p, name) = (marker.krate.private(), &marker.name);
        quote_spanned!(site()=> <#name as #p::Node>::NODE)
    }
}

fn edges(marker: &Marker, place: &Place) -> Edges {
    let mut edges = Edges::default();
    let node = node(marker);
    let mut used: Vec<Ident> = Vec::new();
    let mut one = |edge: &Edge, word: &str, function: &str| {
        let Some(last) = edge.path.segments.last() else { return TokenStream::new() };
        let at = site_at(last.ident.span());
        let p = marker.krate.private_at(at);
        let mut name = format_ident!("{}_{word}_{}", marker.text(), last.ident.unraw(), span = at);
        while used.contains(&name) {
            name = format_ident!("{name}_", span = at);
        }
        used.push(name.clone());
        let function = format_ident!("{function}", span = at);
        let (path, text) = (edge.path.to_token_stream(), &edge.text);
        edges.statics.extend(quote_spanned!(at=>
            static #name: #p::EdgeDef = {
                use #p::AnyNode as _;
                #p::EdgeDef::#function(#text, <#path>::lifecycle_node())
            };
        ));
        edges.checks.extend(quote_spanned!(at=>
            const _: () = #p::order::#function(&#node, &#name);
        ));
        quote_spanned!(at=> &#name,)
    };
    let after: TokenStream = place.after.iter().map(|edge| one(edge, "AFTER", "after")).collect();
    let before: TokenStream = place.before.iter().map(|edge| one(edge, "BEFORE", "before")).collect();
    Edges { after, before, ..edges }
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
    let node = edges.node(&step.marker);
    let registration = quote_spanned!(site()=>
        #p::inventory::submit! {
            #p::StepDef {
                node: #node,
                module: #p::module_path!(),
                file: #p::file!(),
                line: #p::line!(),
                timeout: #timeout,
                function: || #call,
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
