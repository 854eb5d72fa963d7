//! From a call to its function. Cannot fail.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::Signature;

use super::check::{Identity, Refusal, Tracked};
use crate::item::Item;
use crate::paths::{site, site_at};

pub(super) fn tracked(item: &Item, tracked: &Tracked) -> TokenStream {
    let (inner_attrs, body) = split_inner_attributes(&tracked.body);
    let body = block(tracked, &body);
    let inside =
        if item.sig.asyncness.is_some() { async_body(tracked, &body) } else { sync_body(tracked, &body) };
    let mut function = TokenStream::new();
    let Item { attrs, vis, .. } = item;
    function.extend(quote!(#(#attrs)* #vis));
    signature(&item.sig, tracked).to_tokens(&mut function);
    let mut group = Group::new(Delimiter::Brace, quote!(#inner_attrs #inside));
    group.set_span(tracked.body.span());
    function.extend([TokenTree::Group(group)]);
    function
}

/// The same signature with the parameters as they are handed on.
fn signature(sig: &Signature, tracked: &Tracked) -> TokenStream {
    let Signature { asyncness, safety, abi, fn_token, ident, generics, output, .. } = sig;
    let inputs = &tracked.parameters.inputs;
    let where_clause = &generics.where_clause;
    let mut parameters = Group::new(Delimiter::Parenthesis, inputs.clone());
    parameters.set_span(sig.paren_token.span.join());
    quote!(#asyncness #safety #abi #fn_token #ident #generics #parameters #output #where_clause)
}

/// `#![…]` at the body's beginning belongs to the function.
fn split_inner_attributes(body: &Group) -> (TokenStream, Group) {
    let mut attrs = TokenStream::new();
    let mut rest: std::collections::VecDeque<TokenTree> = body.stream().into_iter().collect();
    let is = |tree: Option<&TokenTree>, c| matches!(tree, Some(TokenTree::Punct(p)) if p.as_char() == c);
    while is(rest.front(), '#')
        && is(rest.get(1), '!')
        && matches!(rest.get(2), Some(TokenTree::Group(g)) if g.delimiter() == Delimiter::Bracket)
    {
        attrs.extend(rest.drain(..3));
    }
    let mut group = Group::new(Delimiter::Brace, rest.into_iter().collect());
    group.set_span(body.span());
    (attrs, group)
}

/// What the block holds: the parameters, then the body.
///
/// The body is a match arm because rustc would warn of needless braces elsewhere, and because an arm drops the
/// temporaries of the body's tail where a function does: after the body's locals, before the parameters.
fn block(tracked: &Tracked, body: &Group) -> TokenStream {
    let prologue = &tracked.parameters.prologue;
    quote_spanned!(site()=> #prologue match () { () => #body })
}

/// What the function leaves behind, and `found` as the value of it, in a block of its own, so that the body does not see it.
fn static_site(tracked: &Tracked, found: &TokenStream) -> TokenStream {
    let p = tracked.krate.private();
    let name = &tracked.name;
    let always = matches!(tracked.refusal, Refusal::Never);
    let of_group =
        tracked.group.as_ref().map(|group| quote_spanned!(site()=> .of(<#group as #p::Group>::gate)));
    quote_spanned!(site()=>
        {
            static SITE: #p::Site =
                #p::Site::here(#name, #p::module_path!(), #always) #of_group;
            #found
        }
    )
}

/// What a call is known by, as a variable of the function's: its arguments have not moved yet.
fn identity(tracked: &Tracked) -> TokenStream {
    let Some(Identity { id, span }) = &tracked.identity else { return TokenStream::new() };
    let p = tracked.krate.private();
    let name = &tracked.name;
    let known = match id {
        Some(id) => {
            // An error in its type is shown at it.
            let at = site_at(id.clone().into_iter().next().map_or_else(site, |tree| tree.span()));
            let p_at = tracked.krate.private_at(at);
            let of = quote_spanned!(at=> #p_at::tracked::Identity::of);
            let text = quote_spanned!(at=> &(#id));
            quote_spanned!(site()=>
                #of({ static IDS: #p::CallIds = #p::CallIds::here(#name); &IDS }, #text)
            )
        }
        None => quote_spanned!(site()=> #p::tracked::Identity::NONE),
    };
    let in_span = span.then(|| match id {
        Some(_) => quote_spanned!(site()=> .in_span(|id| #p::info_span!(#name, id))),
        None => quote_spanned!(site()=> .in_span(|_| #p::info_span!(#name))),
    });
    let names = id.as_ref().map(|_| &tracked.parameters.names);
    quote_spanned!(site()=> let identity = { #names #known #in_span };)
}

fn async_body(tracked: &Tracked, block: &TokenStream) -> TokenStream {
    let p = tracked.krate.private();
    // A function, whose type is all that the future keeps of it.
    let site_of = static_site(tracked, &quote_spanned!(site()=> || &SITE));
    let at = site_at(tracked.output.span);
    let p_at = tracked.krate.private_at(at);
    let written = &tracked.output.written;
    // Without it the block's type would be inferred from the body alone: no `?`, no coercions.
    let hint =
        written.as_ref().map(|ty| quote_spanned!(site()=> if false { return #p::tracked::hint::<#ty>(); }));
    let body = quote_spanned!(site()=> async move { #hint #block });
    let identity = identity(tracked);
    let body = match tracked.identity {
        Some(_) => quote_spanned!(site()=> identity.future(#body)),
        None => body,
    };
    let refused = match &tracked.refusal {
        Refusal::ByType => {
            let ty = written.clone().unwrap_or_else(|| quote!(_));
            let refused = quote_spanned!(at=> #p_at::tracked::refuse::<#ty>(rejected));
            quote_spanned!(site()=>
                if let #p::tracked::Entry::Refused(rejected) = entry {
                    return #refused;
                }
            )
        }
        Refusal::With(value) => quote_spanned!(site()=>
            if let #p::tracked::Entry::Refused(_) = entry {
                #[allow(clippy::unused_unit)]
                return #value;
            }
        ),
        Refusal::Never => TokenStream::new(),
    };
    quote_spanned!(site()=>
        #identity
        let entry = #p::tracked::enter(#site_of);
        #refused
        #p::tracked::run(entry, #body).await
    )
}

fn sync_body(tracked: &Tracked, block: &TokenStream) -> TokenStream {
    let p = tracked.krate.private();
    let site_of = static_site(tracked, &quote_spanned!(site()=> &SITE));
    let at = site_at(tracked.output.span);
    let method = |name| Ident::new(name, at);
    let call = match &tracked.refusal {
        Refusal::ByType => {
            let method = method("refuse_by_type");
            quote_spanned!(at=> shape.#method(#site_of, body))
        }
        Refusal::With(value) => {
            let method = method("refuse_with");
            quote_spanned!(at=> shape.#method(#site_of, || #value, body))
        }
        Refusal::Never => {
            let method = method("never_refuse");
            quote_spanned!(at=> shape.#method(#site_of, body))
        }
    };
    let output = &tracked.output;
    let returns = output.written.as_ref().map(|ty| quote_spanned!(site()=> -> #ty));
    let p_at = tracked.krate.private_at(at);
    let tag = match &output.written {
        Some(ty) if output.nameable => quote_spanned!(at=> #p_at::tracked::Returned::<#ty>::NEW),
        Some(_) => quote_spanned!(at=> #p_at::tracked::returned_by(&body)),
        None => quote_spanned!(at=> #p_at::tracked::hidden_by(&body)),
    };
    let shape = quote_spanned!(at=> #tag.lifecycle_shape());
    let identity = identity(tracked);
    let identified = tracked
        .identity
        .as_ref()
        .map(|_| quote_spanned!(site()=> let (shape, body) = shape.identified(identity, body);));
    quote_spanned!(site()=>
        #identity
        let body = #p::tracked::once(move || #returns { #block });
        let shape = #shape;
        #identified
        #call
    )
}
