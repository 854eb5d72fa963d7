//! A function: its signature parsed, its body left as it is.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{ParseBuffer, ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Attribute, FnArg, ReturnType, Signature, Token, Type, Visibility};

/// A function item as it was written.
pub(crate) struct Item {
    /// All of it, for when it is kept untouched.
    pub(crate) tokens: TokenStream,
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    /// `None` for a trait's method that ends with `;`.
    pub(crate) body: Option<Group>,
    /// Whether `Self` or `impl` may stand in the signature. Looking for them means to hand its tokens to the compiler and
    /// back, so it is done once for all.
    pub(crate) unusual: bool,
}

impl Item {
    pub(crate) fn parse(tokens: TokenStream, attribute: &str) -> syn::Result<Self> {
        let (bodiless, left_out) = without_body(tokens.clone());
        let unusual = mentions(bodiless.clone(), &["Self", "impl"]).is_some();
        let parser = |input: ParseStream<'_>| match Self::parse_parts(input, attribute) {
            Ok(item) => {
                let body = item.body.map(|empty| left_out.unwrap_or(empty));
                Ok(Item { tokens, body, unusual, ..item })
            }
            Err(error) => {
                skip(input);
                Err(error)
            }
        };
        parser.parse2(bodiless)
    }

    /// The function that comes next, and no more.
    pub(crate) fn parse_next(input: ParseStream<'_>, attribute: &str) -> syn::Result<Self> {
        let mut all = input.fork();
        let item = Self::parse_parts(input, attribute)?;
        Ok(Item { tokens: up_to(&mut all, input), ..item })
    }

    /// Without its tokens.
    fn parse_parts(input: ParseStream<'_>, attribute: &str) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        if !starts_a_function(input) {
            let found =
                input.parse::<TokenTree>().map_or_else(|_| TokenStream::new(), TokenTree::into_token_stream);
            return Err(syn::Error::new_spanned(found, format!("`#[{attribute}]` goes on a function")));
        }
        let sig: Signature = input.parse()?;
        let body = if input.parse::<Option<Token![;]>>()?.is_some() { None } else { Some(body(input)?) };
        Ok(Item { tokens: TokenStream::new(), attrs, vis, sig, body, unusual: true })
    }

    /// The name, without `r#`.
    pub(crate) fn name(&self) -> String {
        self.sig.ident.unraw().to_string()
    }

    /// The lifetimes that the function is generic over.
    pub(crate) fn lifetimes(&self) -> Vec<Ident> {
        self.sig.generics.lifetimes().map(|param| param.lifetime.ident.clone()).collect()
    }

    /// What follows `->`.
    pub(crate) fn output(&self) -> Option<&Type> {
        match &self.sig.output {
            ReturnType::Default => None,
            ReturnType::Type(_, ty) => Some(ty),
        }
    }
}

/// The last braces, emptied, and what they were: a parser copies every token that it is given, in the user's compiler and
/// without optimisation, and most of a function is its body.
fn without_body(tokens: TokenStream) -> (TokenStream, Option<Group>) {
    let mut trees: Vec<TokenTree> = tokens.into_iter().collect();
    let body = match trees.last_mut() {
        Some(TokenTree::Group(last)) if last.delimiter() == Delimiter::Brace => {
            let mut empty = Group::new(Delimiter::Brace, TokenStream::new());
            empty.set_span(last.span());
            Some(std::mem::replace(last, empty))
        }
        _ => None,
    };
    (trees.into_iter().collect(), body)
}

/// What one cursor passes until it is where the other is.
fn up_to(from: &mut ParseBuffer<'_>, to: ParseStream<'_>) -> TokenStream {
    let mut tokens = TokenStream::new();
    while from.cursor() != to.cursor() {
        match from.parse::<TokenTree>() {
            Ok(tree) => tokens.extend([tree]),
            Err(_) => break,
        }
    }
    tokens
}

fn starts_a_function(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    loop {
        if ahead.peek(Token![fn]) {
            return true;
        }
        let qualifier = ahead.peek(Token![const])
            || ahead.peek(Token![async])
            || ahead.peek(Token![unsafe])
            || ahead.peek(Token![extern])
            || ahead.peek(syn::LitStr);
        if !qualifier || ahead.parse::<TokenTree>().is_err() {
            return false;
        }
    }
}

/// A body that a `macro_rules!` caller captured as `$body:block` comes in an invisible group.
fn body(input: ParseStream<'_>) -> syn::Result<Group> {
    let mut tree: TokenTree = input.parse()?;
    loop {
        match tree {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => return Ok(group),
            TokenTree::Group(ref group) if group.delimiter() == Delimiter::None => {
                let mut inside = group.stream().into_iter();
                match (inside.next(), inside.next()) {
                    (Some(only), None) => tree = only,
                    _ => return Err(syn::Error::new_spanned(tree, "expected a function's body")),
                }
            }
            _ => return Err(syn::Error::new_spanned(tree, "expected a function's body")),
        }
    }
}

fn skip(input: ParseStream<'_>) {
    while input.parse::<TokenTree>().is_ok() {}
}

/// A type in an invisible group or in parentheses, bare.
pub(crate) fn bare(mut ty: &Type) -> &Type {
    loop {
        ty = match ty {
            Type::Group(group) => &group.elem,
            Type::Paren(paren) => &paren.elem,
            other => return other,
        };
    }
}

/// Where a caret under a type says most: stable Rust shows one token of it, so not the `&`, nor the path's beginning.
pub(crate) fn focus(ty: &Type) -> Span {
    match bare(ty) {
        Type::Reference(reference) => focus(&reference.elem),
        Type::Path(path) => path.path.segments.last().map_or_else(|| ty.span(), |last| last.ident.span()),
        other => other.span(),
    }
}

/// The `#[cfg]`s (and `#[cfg_attr]`s, which may hold some) of a parameter. They are not resolved yet when an attribute
/// macro sees the function, so whatever is generated for the parameter must carry them too.
pub(crate) fn cfgs(arg: &FnArg) -> Vec<&Attribute> {
    let attrs = match arg {
        FnArg::Receiver(receiver) => &receiver.attrs,
        FnArg::Typed(typed) => &typed.attrs,
    };
    attrs.iter().filter(|attr| attr.path().is_ident("cfg") || attr.path().is_ident("cfg_attr")).collect()
}

/// Whether an attribute is, or may hold, a `#[cfg]`.
pub(crate) fn cfgs_of(attr: &Attribute) -> bool {
    let path = attr.path();
    path.is_ident("cfg")
        || path.is_ident("cfg_attr") && mentions(attr.meta.to_token_stream(), &["cfg"]).is_some()
}

/// Replaces the lifetimes that only the function's own generics declare by `'_`.
pub(crate) fn without_lifetimes(tokens: TokenStream, declared: &[Ident]) -> TokenStream {
    if declared.is_empty() {
        return tokens;
    }
    let mut after_quote = false;
    tokens
        .into_iter()
        .map(|tree| {
            let is_name = std::mem::replace(
                &mut after_quote,
                matches!(&tree, TokenTree::Punct(p) if p.as_char() == '\''),
            );
            match tree {
                TokenTree::Ident(ident) if is_name && declared.contains(&ident) => {
                    TokenTree::Ident(Ident::new("_", ident.span()))
                }
                TokenTree::Group(group) => {
                    let inside = without_lifetimes(group.stream(), declared);
                    let mut replaced = Group::new(group.delimiter(), inside);
                    replaced.set_span(group.span());
                    TokenTree::Group(replaced)
                }
                other => other,
            }
        })
        .collect()
}

/// The first of these words that stands anywhere in the tokens.
pub(crate) fn mentions(tokens: TokenStream, words: &[&str]) -> Option<Ident> {
    tokens.into_iter().find_map(|tree| match tree {
        TokenTree::Ident(ident) => words.iter().any(|word| ident == word).then_some(ident),
        TokenTree::Group(group) => mentions(group.stream(), words),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;

    fn parse(tokens: TokenStream) -> Item {
        Item::parse(tokens, "on_start").unwrap()
    }

    #[test]
    fn the_body_is_never_parsed() {
        let item = parse(quote! { pub async fn f(x: u8) -> u8 { not rust at all => @ } });
        assert_eq!(item.name(), "f");
        assert_eq!(item.body.unwrap().stream().to_string(), "not rust at all => @");
    }

    #[test]
    fn bodies_and_types_in_invisible_groups() {
        let none = |tokens| Group::new(Delimiter::None, tokens);
        let (ty, body) = (none(quote!(&Db)), none(quote!({ body })));
        let item = parse(quote! { fn f(x: #ty) #body });
        assert_eq!(item.body.unwrap().stream().to_string(), "body");
        let Some(FnArg::Typed(arg)) = item.sig.inputs.first() else { panic!("an argument") };
        assert!(matches!(bare(&arg.ty), Type::Reference(_)));
    }

    #[test]
    fn methods_raw_names_and_qualifiers() {
        assert_eq!(parse(quote! { unsafe extern "C" fn r#type(&self) {} }).name(), "type");
        assert!(parse(quote! { fn declared(self: Box<Self>); }).body.is_none());
    }

    #[test]
    fn only_functions() {
        for tokens in [
            quote!(
                struct S;
            ),
            quote!(impl S {}),
            quote!(
                const X: u8 = 1;
            ),
            quote!(
                static S: u8 = 1;
            ),
            quote!(),
        ] {
            let error = Item::parse(tokens, "on_start").err().unwrap();
            assert_eq!(error.to_string(), "`#[on_start]` goes on a function");
        }
    }

    #[test]
    fn only_declared_lifetimes_go() {
        let declared = [Ident::new("a", proc_macro2::Span::call_site())];
        let ty = without_lifetimes(quote!(Pair<&'a T, (&'b U, &'static a)>), &declared);
        assert_eq!(ty.to_string(), quote!(Pair<&'_ T, (&'b U, &'static a)>).to_string());
    }

    #[test]
    fn cfgs_of_a_parameter_are_found() {
        let item =
            parse(quote! { fn f(#[cfg(unix)] #[allow(unused)] a: u8, #[cfg_attr(x, cfg(y))] b: u8) {} });
        let found: Vec<usize> = item.sig.inputs.iter().map(|arg| cfgs(arg).len()).collect();
        assert_eq!(found, [1, 1]);
    }
}
