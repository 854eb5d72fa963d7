//! `when = …`: an expression, or a closure that takes resources.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Expr, Pat, Type};

use crate::arguments::{self, Argument, Lent};
use crate::diag::ErrorSink;
use crate::item::bare;
use crate::keys::Spanned;
use crate::paths::{Krate, site, site_at};

/// What decides whether something runs.
pub(crate) struct When {
    expr: TokenStream,
    /// Those of the closure, if it is one.
    arguments: Option<Vec<Argument>>,
    /// Where the answer is given.
    answer: proc_macro2::Span,
}

impl When {
    pub(crate) fn check(given: Option<Spanned<TokenStream>>, errors: &ErrorSink<'_>) -> Option<Self> {
        let expr = given?.value;
        let parsed: Expr = syn::parse2(expr.clone()).ok()?;
        let Expr::Closure(closure) = peeled(&parsed) else {
            return Some(When { expr, arguments: None, answer: last_token(&parsed) });
        };
        if let Some(token) = &closure.asyncness {
            errors.at(token, "`when` is answered at once, before the step begins: remove `async`");
        }
        let arguments = closure.inputs.iter().filter_map(|input| {
            match input {
                Pat::Type(typed) if !matches!(bare(&typed.ty), Type::Infer(_)) => {
                    return arguments::of_type(&typed.ty, TokenStream::new(), true, &[], "`when`", errors);
                }
                Pat::Type(typed) => untyped(&typed.pat, errors),
                pat => untyped(pat, errors),
            }
            None
        });
        let arguments = Some(arguments.collect());
        Some(When { expr, arguments, answer: last_token(&closure.body) })
    }

    /// `|| -> When`.
    pub(crate) fn expand(&self, krate: &Krate) -> TokenStream {
        let at = site_at(self.answer);
        let p = krate.private_at(at);
        let expr = &self.expr;
        let none = Vec::new();
        let taken = self.arguments.as_ref().unwrap_or(&none);
        let kinds = arguments::looked_up(&arguments::kinds(taken, krate, false), krate);
        let Lent { pattern, apart, arguments } = arguments::lent(taken);
        let (ask, asked) = match self.arguments {
            Some(_) => (quote_spanned!(site()=> let ask = #expr;), quote_spanned!(at=> ask(#arguments))),
            None => (TokenStream::new(), expr.clone()),
        };
        quote_spanned!(at=>
            || #p::function::condition(#kinds, |held| {
                let #pattern = #p::function::lend(held);
                #apart
                #ask
                #p::function::answer(#asked)
            })
        )
    }
}

fn untyped(pat: &Pat, errors: &ErrorSink<'_>) {
    let name = pat.to_token_stream();
    errors.at(pat, format!("a resource is found by its type: write it, as in `|{name}: &Config|`"));
}

/// Out of parentheses and invisible groups.
fn peeled(mut expr: &Expr) -> &Expr {
    loop {
        expr = match expr {
            Expr::Paren(paren) => &paren.expr,
            Expr::Group(group) => &group.expr,
            other => return other,
        };
    }
}

/// Stable Rust shows one token of a span; the last one is most of all the answer.
fn last_token(expr: &Expr) -> proc_macro2::Span {
    expr.to_token_stream().into_iter().last().map_or_else(|| expr.span(), |tree| tree.span())
}
