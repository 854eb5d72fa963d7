//! A function as most steps are, read without a parser.
//!
//! A procedural macro runs in the user's compiler without optimisation, at every check, and a parser takes each token through
//! many calls: half of what a plain step's attribute took. So this reads by its tokens what is written most often,
//! `pub async fn name(pattern: &path::To<Type>, …) -> Path<Type> { … }`. Of whatever else there may be it knows nothing and
//! says nothing: that is parsed, and there the mistakes are told.

use proc_macro2::{Delimiter, Group, Ident, Spacing, Span, TokenStream, TokenTree};

/// The function.
#[cfg_attr(test, derive(Clone))]
pub(crate) struct Plain {
    pub(crate) vis: TokenStream,
    pub(crate) name: Ident,
    pub(crate) is_async: bool,
    pub(crate) parameters: Vec<Typed>,
    /// What follows `->`.
    pub(crate) output: Option<Typed>,
}

/// A type, and where a caret under it says most: see [`focus`](crate::item::focus).
#[cfg_attr(test, derive(Clone))]
pub(crate) struct Typed {
    pub(crate) tokens: TokenStream,
    pub(crate) focus: Span,
}

impl Plain {
    pub(crate) fn read(item: &TokenStream) -> Option<Self> {
        let trees: Vec<TokenTree> = item.clone().into_iter().collect();
        let (last, mut rest) = trees.split_last()?;
        group(last, Delimiter::Brace)?;
        while let [TokenTree::Punct(hash), TokenTree::Group(attribute), after @ ..] = rest {
            if hash.as_char() != '#' || attribute.delimiter() != Delimiter::Bracket {
                return None;
            }
            rest = after;
        }
        let (mut word, mut vis) = (ident(rest.first()?)?, TokenStream::new());
        if word == "pub" {
            let within = matches!(rest.get(1), Some(TokenTree::Group(_)));
            let (public, after) = rest.split_at(if within { 2 } else { 1 });
            vis = public.iter().cloned().collect();
            rest = after;
            word = ident(rest.first()?)?;
        }
        let is_async = word == "async";
        if is_async {
            rest = &rest[1..];
            word = ident(rest.first()?)?;
        }
        let [_, TokenTree::Ident(name), parameters, rest @ ..] = rest else { return None };
        if word != "fn" {
            return None;
        }
        let parameters = parameters_of(group(parameters, Delimiter::Parenthesis)?)?;
        let output = match rest {
            [] => None,
            // A reference may be no resource.
            [TokenTree::Punct(_), TokenTree::Punct(_), ty @ ..] if !ty.iter().any(|tree| is(tree, '&')) => {
                Some(typed(ty)?)
            }
            _ => return None,
        };
        Some(Plain { vis, name: name.clone(), is_async, parameters, output })
    }
}

fn parameters_of(group: &Group) -> Option<Vec<Typed>> {
    let trees: Vec<TokenTree> = group.stream().into_iter().collect();
    let mut depth = 0;
    let mut parameters = Vec::new();
    let outside = |tree: &TokenTree| {
        depth += i32::from(is(tree, '<')) - i32::from(is(tree, '>'));
        depth == 0 && is(tree, ',')
    };
    // A pattern, and not the first name of a path in one.
    let ends = |colon: &TokenTree| matches!(colon, TokenTree::Punct(punct) if punct.as_char() == ':' && punct.spacing() == Spacing::Alone);
    for parameter in trees.split(outside).filter(|parameter| !parameter.is_empty()) {
        let ty = match parameter {
            [TokenTree::Ident(_), TokenTree::Group(_), colon, ty @ ..] if ends(colon) => ty,
            [TokenTree::Ident(_), TokenTree::Ident(name), colon, ty @ ..]
                if ends(colon) && name != "self" =>
            {
                ty
            }
            [TokenTree::Ident(name), colon, ty @ ..] if ends(colon) && name != "self" => ty,
            _ => return None,
        };
        parameters.push(typed(ty)?);
    }
    Some(parameters)
}

/// A path, behind any number of `&`. In its angles there may be anything of which nothing has to be looked at.
fn typed(ty: &[TokenTree]) -> Option<Typed> {
    let referred = ty.iter().position(|tree| !is(tree, '&'))?;
    let (mut depth, mut focus, mut is_name) = (0, None, true);
    for tree in &ty[referred..] {
        match tree {
            TokenTree::Ident(word) => {
                // A word before another one is no path's.
                if !is_name && depth == 0 || is_keyword(word, depth > 0) {
                    return None;
                }
                if depth == 0 {
                    (focus, is_name) = (Some(word.span()), false);
                }
            }
            TokenTree::Punct(punct) => match punct.as_char() {
                ':' => is_name = punct.spacing() == Spacing::Alone,
                '<' => depth += 1,
                '>' if depth > 0 => depth -= 1,
                '&' | ',' if depth > 0 => {}
                _ => return None,
            },
            TokenTree::Group(unit) if depth > 0 && unit.delimiter() == Delimiter::Parenthesis => {
                if !unit.stream().is_empty() {
                    return None;
                }
            }
            _ => return None,
        }
    }
    (depth == 0).then_some(())?;
    Some(Typed { tokens: ty.iter().cloned().collect(), focus: focus? })
}

/// Whether a word means something of its own where a type is written.
fn is_keyword(word: &Ident, inside: bool) -> bool {
    let word = word.to_string();
    match &*word {
        "dyn" => !inside,
        "impl" | "Self" | "mut" | "fn" | "for" | "unsafe" | "extern" | "const" | "where" | "_" => true,
        _ => false,
    }
}

fn is(tree: &TokenTree, char: char) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == char)
}

fn ident(tree: &TokenTree) -> Option<&Ident> {
    match tree {
        TokenTree::Ident(ident) => Some(ident),
        _ => None,
    }
}

fn group(tree: &TokenTree, delimiter: Delimiter) -> Option<&Group> {
    match tree {
        TokenTree::Group(group) if group.delimiter() == delimiter => Some(group),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_steps_are_plain() {
        for item in [
            "fn f() {}",
            "/** It. */ #[inline] pub(crate) async fn r#type(mut a: u8, _: &str) { body }",
            "pub fn f(Take(db): Take<a::Pool<B>>, c: &&::d::E, G { h, .. }: G,) -> Result<(), i::J> {}",
            "async fn f(a: Arc<dyn B>, b: A<B, C<D>>::E) -> A<B<C>>::D {}",
        ] {
            let item: TokenStream = item.parse().unwrap();
            assert!(Plain::read(&item).is_some(), "{item}");
        }
    }

    #[test]
    fn whatever_has_to_be_looked_at_is_parsed() {
        for item in [
            "fn f();",
            "fn f<T>() {}",
            "const fn f() {}",
            "unsafe fn f() {}",
            "extern \"C\" fn f() {}",
            "fn f(self: Arc<Db>) {}",
            "fn f(mut self: Arc<Db>) {}",
            "fn f(&self) {}",
            "fn f(#[cfg(unix)] a: A) {}",
            "fn f(a: &mut A) {}",
            "fn f(a: &'static A) {}",
            "fn f(a: &dyn A) {}",
            "fn f(a: Vec<impl A>) {}",
            "fn f(a: Vec<(Self,)>) {}",
            "fn f(A::B: A) {}",
            "fn f(a: u8, ...) {}",
            "fn f() -> ! {}",
            "fn f() -> Option<&str> {}",
            "fn f() -> Result<(Self,), ()> {}",
            "fn f() where A: B {}",
            "struct S {}",
            "async",
            "",
        ] {
            let item: TokenStream = item.parse().unwrap();
            assert!(Plain::read(&item).is_none(), "{item}");
        }
    }
}
