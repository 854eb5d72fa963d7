//! Parameters, handed on to the block that the body moves into, so that they are dropped in the order in which the
//! function itself would drop them.
//!
//! A block drops what it captured in the order in which it mentions it first. It therefore begins by mentioning every
//! binding, the last one first, and captures them in that order. A `_` has to be named for that. Where a pattern leaves
//! something of its argument unbound, that rest could not be mentioned: then every parameter is renamed, and rebound
//! inside the block as rustc itself does for an `async fn`, which costs a larger future.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{FnArg, Pat, PatType, Token};

use crate::item::cfgs;
use crate::paths::{site, site_at};

pub(super) struct Parameters {
    /// What stands between the function's parentheses.
    pub(super) inputs: TokenStream,
    /// The statements that the block begins with.
    pub(super) prologue: TokenStream,
    /// Statements that give the bindings to what stands before the block, as references: where they are rebound inside it.
    pub(super) names: TokenStream,
}

pub(super) fn read(inputs: &Punctuated<FnArg, Token![,]>) -> Parameters {
    let rebound =
        inputs.iter().any(|arg| matches!(arg, FnArg::Typed(typed) if bindings(&typed.pat).is_none()));
    let mut handed: Vec<Handed> =
        inputs.iter().enumerate().map(|(index, arg)| hand(index, arg, rebound)).collect();
    let inputs = handed.iter().map(|one| &one.input);
    let inputs = quote_spanned!(site()=> #(#inputs),*);
    let names = handed.iter_mut().map(|one| std::mem::take(&mut one.name)).collect();
    let rebinds: TokenStream = handed.iter_mut().map(|one| std::mem::take(&mut one.rebind)).collect();
    let mentions = handed.iter().rev().flat_map(|one| {
        let cfgs = &one.cfgs;
        one.bindings.iter().rev().map(move |binding| quote_spanned!(site()=> #cfgs &#binding,))
    });
    let mentions: TokenStream = mentions.collect();
    let mut prologue = if mentions.is_empty() {
        TokenStream::new()
    } else {
        quote_spanned!(site()=> #[allow(clippy::used_underscore_binding)] let _ = (#mentions);)
    };
    prologue.extend(rebinds);
    Parameters { inputs, prologue, names }
}

struct Handed {
    cfgs: TokenStream,
    input: TokenStream,
    /// In the order of the pattern.
    bindings: Vec<TokenStream>,
    rebind: TokenStream,
    name: TokenStream,
}

fn hand(index: usize, arg: &FnArg, rebound: bool) -> Handed {
    let cfgs: TokenStream = cfgs(arg).into_iter().map(ToTokens::to_token_stream).collect();
    match arg {
        FnArg::Receiver(receiver) => Handed {
            cfgs,
            input: receiver.to_token_stream(),
            bindings: vec![receiver.self_token.to_token_stream()],
            rebind: TokenStream::new(),
            name: TokenStream::new(),
        },
        FnArg::Typed(typed) => {
            let wild = matches!(&*typed.pat, Pat::Wild(_));
            if !rebound && !wild {
                let bindings = bindings(&typed.pat).unwrap_or_default();
                let input = typed.to_token_stream();
                return Handed {
                    cfgs,
                    input,
                    bindings,
                    rebind: TokenStream::new(),
                    name: TokenStream::new(),
                };
            }
            let name = format_ident!("argument{index}", span = site_at(typed.pat.span()));
            let PatType { attrs, pat, colon_token, ty } = typed;
            let (rebind, known) = if rebound {
                let by_reference = by_reference(pat);
                (
                    quote_spanned!(site()=>
                        #cfgs let mut #name = #name;
                        #cfgs #[allow(clippy::toplevel_ref_arg)] let #pat = #name;
                    ),
                    quote_spanned!(site()=>
                        #cfgs #[allow(unused_variables, clippy::toplevel_ref_arg)] let #by_reference = #name;
                    ),
                )
            } else {
                (TokenStream::new(), TokenStream::new())
            };
            Handed {
                input: quote_spanned!(site()=> #(#attrs)* #name #colon_token #ty),
                bindings: vec![name.to_token_stream()],
                rebind,
                name: known,
                cfgs,
            }
        }
    }
}

/// What a pattern binds, if that is all of its argument.
fn bindings(pat: &Pat) -> Option<Vec<TokenStream>> {
    fn collect(pat: &Pat, found: &mut Vec<TokenStream>) -> Option<()> {
        match pat {
            Pat::Ident(pat)
                if pat.by_ref.is_none() && pat.subpat.is_none() && !may_be_a_constant(&pat.ident) =>
            {
                found.push(pat.ident.to_token_stream());
                Some(())
            }
            Pat::Tuple(pat) => pat.elems.iter().try_for_each(|pat| collect(pat, found)),
            Pat::TupleStruct(pat) => pat.elems.iter().try_for_each(|pat| collect(pat, found)),
            Pat::Struct(pat) if pat.rest.is_none() => {
                pat.fields.iter().try_for_each(|field| collect(&field.pat, found))
            }
            Pat::Paren(pat) => collect(&pat.pat, found),
            Pat::Reference(pat) => collect(&pat.pat, found),
            _ => None,
        }
    }
    if matches!(pat, Pat::Wild(_)) {
        return Some(Vec::new());
    }
    let mut found = Vec::new();
    collect(pat, &mut found)?;
    Some(found)
}

/// The pattern with `ref` before each name: it moves nothing out of its argument.
fn by_reference(pat: &Pat) -> TokenStream {
    fn refer(pat: &mut Pat) {
        match pat {
            Pat::Ident(pat) => {
                if pat.subpat.is_some() || !may_be_a_constant(&pat.ident) {
                    pat.by_ref.get_or_insert(Token![ref](pat.ident.span()));
                    pat.mutability = None;
                }
                if let Some((_, pat)) = &mut pat.subpat {
                    refer(pat);
                }
            }
            Pat::Or(pat) => pat.cases.iter_mut().for_each(refer),
            Pat::Paren(pat) => refer(&mut pat.pat),
            Pat::Reference(pat) => refer(&mut pat.pat),
            Pat::Slice(pat) => pat.elems.iter_mut().for_each(refer),
            Pat::Struct(pat) => pat.fields.iter_mut().for_each(|field| refer(&mut field.pat)),
            Pat::Tuple(pat) => pat.elems.iter_mut().for_each(refer),
            Pat::TupleStruct(pat) => pat.elems.iter_mut().for_each(refer),
            _ => {}
        }
    }
    // Anew, since what is parsed cannot be cloned without a feature of syn's that costs every build.
    let tokens = pat.to_token_stream();
    match Pat::parse_multi.parse2(tokens.clone()) {
        Ok(mut pat) => {
            refer(&mut pat);
            pat.into_token_stream()
        }
        Err(_) => tokens,
    }
}

/// `fn f(Unit: Unit)` matches a unit struct, and binds nothing.
fn may_be_a_constant(ident: &Ident) -> bool {
    ident.unraw().to_string().starts_with(char::is_uppercase)
}

/// The type's tokens with `_` for each `impl Trait`.
pub(super) fn with_holes(tokens: TokenStream) -> TokenStream {
    let mut holed = TokenStream::new();
    let mut trees = tokens.into_iter().peekable();
    while let Some(tree) = trees.next() {
        match tree {
            TokenTree::Ident(word) if word == "impl" => {
                holed.extend([TokenTree::Ident(Ident::new("_", word.span()))]);
                let (mut depth, mut after_minus) = (0u32, false);
                while let Some(next) = trees.peek() {
                    if let TokenTree::Punct(punct) = next {
                        match punct.as_char() {
                            '<' => depth += 1,
                            // The arrow of `impl Fn() -> T`.
                            '>' if after_minus => {}
                            '>' | ',' | ';' if depth == 0 => break,
                            '>' => depth -= 1,
                            _ => {}
                        }
                        after_minus = punct.as_char() == '-';
                    }
                    trees.next();
                }
            }
            TokenTree::Group(group) => {
                let mut inside = proc_macro2::Group::new(group.delimiter(), with_holes(group.stream()));
                inside.set_span(group.span());
                holed.extend([TokenTree::Group(inside)]);
            }
            other => holed.extend([other]),
        }
    }
    holed
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;

    fn parameters(tokens: TokenStream) -> Parameters {
        read(&Punctuated::parse_terminated.parse2(tokens).unwrap())
    }

    #[test]
    fn bindings_are_mentioned_last_first() {
        let read = parameters(
            quote!(self, mut a: A, (b, Take(c)): (B, Take<C>), _: D, Point { x, y: z }: Point, &e: &E),
        );
        let mentions = quote! {
            #[allow(clippy::used_underscore_binding)]
            let _ = (&e, &z, &x, &argument3, &c, &b, &a, &self,);
        };
        assert_eq!(read.prologue.to_string(), mentions.to_string());
        assert_eq!(
            read.inputs.to_string(),
            quote!(self, mut a: A, (b, Take(c)): (B, Take<C>), argument3: D, Point { x, y: z }: Point, &e: &E).to_string()
        );
    }

    #[test]
    fn a_pattern_that_leaves_something_rebinds_all() {
        for pattern in [
            quote!((a, _)),
            quote!((a, ..)),
            quote!(P { a, .. }),
            quote!(ref a),
            quote!(a @ B(..)),
            quote!(Unit),
        ] {
            let read = parameters(quote!(self, mut x: X, #pattern: T));
            let rebinds = quote! {
                let mut argument1 = argument1; #[allow(clippy::toplevel_ref_arg)] let mut x = argument1;
                let mut argument2 = argument2; #[allow(clippy::toplevel_ref_arg)] let #pattern = argument2;
            }
            .to_string();
            assert!(read.prologue.to_string().ends_with(&rebinds), "{}", read.prologue);
            assert_eq!(read.inputs.to_string(), quote!(self, argument1: X, argument2: T).to_string());
        }
    }

    #[test]
    fn names_before_the_block_move_nothing() {
        let read = parameters(
            quote!(a: A, (b, _): B, C { mut d, e: Some(ref mut f), .. }: C, g @ H(..): H, [i, J, ..]: I),
        );
        let names = quote! {
            #[allow(unused_variables, clippy::toplevel_ref_arg)] let ref a = argument0;
            #[allow(unused_variables, clippy::toplevel_ref_arg)] let (ref b, _) = argument1;
            #[allow(unused_variables, clippy::toplevel_ref_arg)] let C { ref d, e: Some(ref f), .. } = argument2;
            #[allow(unused_variables, clippy::toplevel_ref_arg)] let ref g @ H(..) = argument3;
            #[allow(unused_variables, clippy::toplevel_ref_arg)] let [ref i, J, ..] = argument4;
        };
        assert_eq!(read.names.to_string(), names.to_string());
        // What keeps its name needs none of it.
        assert!(parameters(quote!(self, a: A, (b, c): B)).names.is_empty());
    }

    #[test]
    fn everything_about_a_parameter_carries_its_cfg() {
        let read = parameters(quote!(#[cfg(unix)] a: A, #[cfg(windows)] _: B));
        assert_eq!(read.prologue.to_string().matches("cfg (windows)").count(), 1);
        assert_eq!(read.prologue.to_string().matches("cfg (unix)").count(), 1);
        assert_eq!(read.inputs.to_string().matches("cfg").count(), 2);
    }

    #[test]
    fn holes_for_impl_trait() {
        for (ty, holed) in [
            (quote!(Result<impl Iterator<Item = (u8, impl A)> + 'a, E>), quote!(Result<_, E>)),
            (quote!((impl Fn(u8) -> Vec<u8>, B<impl A>)), quote!((_, B<_>))),
            (quote!([impl A; 3]), quote!([_; 3])),
            (quote!(Box<dyn Fn() -> u8>), quote!(Box<dyn Fn() -> u8>)),
        ] {
            assert_eq!(with_holes(ty).to_string(), holed.to_string());
        }
    }
}
