//! A key's value, read by its kind.

use std::time::Duration;

use proc_macro2::{Ident, Literal, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Expr, Lit, LitInt, Token};

use super::{Key, Kind, SIGNALS, near, until_end_of_value};
use crate::duration;
use crate::paths::site_at;

/// A value and the key it was given under.
pub(crate) struct Spanned<T> {
    pub(crate) key: Ident,
    pub(crate) value: T,
}

pub(crate) enum Value {
    Flag(()),
    /// A rank, a count, an expression, a text: checked here, typed by rustc.
    Tokens(TokenStream),
    Time(Time),
    Limit(Within),
    Choice(&'static str),
    Name(Ident),
    Path(syn::Path),
    Function(syn::ExprPath),
    Paths(Paths),
}

/// A duration known now, or a path to a `const Duration`.
pub(crate) enum Time {
    Literal(Duration),
    Path(syn::Path),
}

/// One path, or several in brackets.
pub(crate) struct Paths {
    pub(crate) paths: Vec<syn::Path>,
}

/// `"never"` or a time.
pub(crate) enum Within {
    Never,
    Time(Time),
}

impl Time {
    /// The `Duration`, by way of `p`, the path to the private module.
    pub(crate) fn expand(&self, p: &impl ToTokens) -> TokenStream {
        match self {
            Time::Literal(duration) => {
                let seconds = Literal::u64_suffixed(duration.as_secs());
                let nanos = Literal::u32_suffixed(duration.subsec_nanos());
                quote_spanned!(crate::paths::site()=> #p::Duration::new(#seconds, #nanos))
            }
            Time::Path(path) => path.to_token_stream(),
        }
    }
}

pub(super) fn parse(key: &Key, input: ParseStream<'_>) -> syn::Result<Value> {
    match key.kind {
        Kind::Expr => return expr(key, input),
        Kind::Path | Kind::Function if !input.peek(Lit) => {
            let wanted = |error: syn::Error| {
                syn::Error::new(error.span(), format!("expected a path: `{} = {}`", key.name, key.example))
            };
            let value = match key.kind {
                Kind::Function => input.parse().map(Value::Function),
                _ => input.call(syn::Path::parse_mod_style).map(Value::Path),
            };
            return value.map_err(wanted);
        }
        _ => {}
    }
    let tokens = until_end_of_value(input);
    let fail = |message: String| Err(syn::Error::new_spanned(&tokens, message));
    let written = || tokens.to_string();
    match key.kind {
        Kind::Rank => rank(&tokens),
        Kind::Time { zero } => match time(&tokens)? {
            Time::Literal(Duration::ZERO) if !zero => {
                fail(format!("`{} = {}` leaves no time at all", key.name, written()))
            }
            time => Ok(Value::Time(time)),
        },
        Kind::Limit => limit(key, &tokens),
        Kind::Choice(words) => match words.iter().find(|word| **word == written()) {
            Some(word) => Ok(Value::Choice(word)),
            None => fail(choice(key, words, &unquoted(&tokens), "")),
        },
        Kind::Quoted(words) => match words.iter().find(|word| **word == unquoted(&tokens)) {
            Some(word) if literal(&tokens).is_some() => Ok(Value::Choice(word)),
            _ => fail(choice(key, words, &unquoted(&tokens), "\"")),
        },
        Kind::Paths => paths(key, &tokens).map(Value::Paths),
        Kind::Signals => signals(&tokens),
        Kind::Signal => signal(key, &tokens),
        Kind::Number => number(key, &tokens),
        Kind::Count => count(key, &tokens),
        Kind::Name => match syn::parse2::<Ident>(tokens.clone()) {
            Ok(ident) => Ok(Value::Name(ident)),
            Err(_) => match literal(&tokens) {
                Some(Lit::Str(text)) if syn::parse_str::<Ident>(&text.value()).is_ok() => {
                    fail(format!("write the name without quotes: `{} = {}`", key.name, text.value()))
                }
                _ => fail(format!("expected a type's name: `{} = {}`", key.name, key.example)),
            },
        },
        Kind::Text => match literal(&tokens) {
            Some(Lit::Str(text)) if !text.value().trim().is_empty() => Ok(Value::Tokens(tokens)),
            _ => fail(format!("expected a string: write for example `{} = {}`", key.name, key.example)),
        },
        Kind::Path | Kind::Function => match literal(&tokens) {
            Some(Lit::Str(text)) => {
                fail(format!("write the path without quotes: `{} = {}`", key.name, text.value()))
            }
            _ => fail(format!("expected a path: `{} = {}`", key.name, key.example)),
        },
        Kind::Flag | Kind::Expr => fail(format!("`{}` takes no such value", key.name)),
    }
}

fn expr(key: &Key, input: ParseStream<'_>) -> syn::Result<Value> {
    let written = until_end_of_value(&input.fork());
    input.parse::<Expr>().map(|expr| Value::Tokens(expr.into_token_stream())).map_err(|error| {
        // syn has the better place, except where all it can say is that there is no more.
        let message = format!("expected an expression: write for example `{} = {}`", key.name, key.example);
        match error.to_string().starts_with("unexpected end of input") {
            true => syn::Error::new_spanned(written, message),
            false => error,
        }
    })
}

fn literal(tokens: &TokenStream) -> Option<Lit> {
    syn::parse2(tokens.clone()).ok()
}

fn path(tokens: &TokenStream) -> Option<syn::Path> {
    syn::parse2(tokens.clone()).ok()
}

fn unquoted(tokens: &TokenStream) -> String {
    match literal(tokens) {
        Some(Lit::Str(text)) => text.value(),
        _ => tokens.to_string(),
    }
}

fn rank(tokens: &TokenStream) -> syn::Result<Value> {
    let fail = |message: String| Err(syn::Error::new_spanned(tokens, message));
    if path(tokens).is_some() {
        return Ok(Value::Tokens(tokens.clone()));
    }
    let mut digits = tokens.clone().into_iter().peekable();
    let negative = matches!(digits.peek(), Some(TokenTree::Punct(p)) if p.as_char() == '-');
    if negative {
        digits.next();
    }
    match literal(&digits.collect()) {
        Some(Lit::Int(int)) => {
            let sign = if negative { "-" } else { "" };
            if !matches!(int.suffix(), "" | "i32") {
                return fail(format!("an order is an `i32`: write `order = {sign}{}`", int.base10_digits()));
            }
            match format!("{sign}{}", int.base10_digits()).parse::<i32>() {
                Ok(_) => Ok(Value::Tokens(tokens.clone())),
                Err(_) => fail(format!("an order lies between {} and {}", i32::MIN, i32::MAX)),
            }
        }
        Some(Lit::Str(text)) if text.value().parse::<i32>().is_ok() => {
            fail(format!("an order is a number: write `order = {}`", text.value()))
        }
        _ => fail("expected a whole number such as `-10`, or a path to a `const` of type `i32`".to_owned()),
    }
}

fn time(tokens: &TokenStream) -> syn::Result<Time> {
    let fail = |message: String| Err(syn::Error::new_spanned(tokens, message));
    let number = |digits: &str, suffix: &str| {
        fail(match duration::parse(&format!("{digits}{suffix}")) {
            Ok(_) => format!("a duration is a string: write \"{digits}{suffix}\""),
            Err(_) => format!("a duration is a string with a unit: write \"{digits}s\" or \"{digits}ms\""),
        })
    };
    if matches!(tokens.clone().into_iter().next(), Some(TokenTree::Punct(p)) if p.as_char() == '-') {
        return fail("a duration cannot be negative".to_owned());
    }
    if unquoted(tokens) == "never" {
        return fail("only `grace` and `drain` can be \"never\": write for example \"5s\"".to_owned());
    }
    match literal(tokens) {
        Some(Lit::Str(text)) => return duration::parse(&text.value()).map(Time::Literal).or_else(fail),
        Some(Lit::Int(int)) => return number(int.base10_digits(), int.suffix()),
        Some(Lit::Float(float)) => {
            return match duration::parse(&format!("{}{}", float.base10_digits(), float.suffix())) {
                Err(message) if !float.suffix().is_empty() => fail(message),
                _ => fail("a duration is a string: write for example \"1s 500ms\"".to_owned()),
            };
        }
        _ => {}
    }
    if let Some(path) = path(tokens) {
        return Ok(Time::Path(path));
    }
    fail("expected a duration: a string such as \"5s\", or a path to a `const` of type `Duration`".to_owned())
}

fn limit(key: &Key, tokens: &TokenStream) -> syn::Result<Value> {
    let fail = |message: String| Err(syn::Error::new_spanned(tokens, message));
    if unquoted(tokens) == "never" {
        return match literal(tokens) {
            Some(_) => Ok(Value::Limit(Within::Never)),
            None => fail(format!("write `{} = \"never\"`", key.name)),
        };
    }
    match time(tokens)? {
        Time::Literal(Duration::ZERO) if key.name == "grace" => {
            fail("`grace = \"0s\"` leaves no time at all; for no limit write `grace = \"never\"`".to_owned())
        }
        time => Ok(Value::Limit(Within::Time(time))),
    }
}

fn choice(key: &Key, words: &[&str], found: &str, quote: &str) -> String {
    let key = key.name;
    if let Some(word) = words.iter().find(|word| **word == found) {
        let how = if quote.is_empty() { "without" } else { "with" };
        return format!("write it {how} quotes: `{key} = {quote}{word}{quote}`");
    }
    let known: Vec<String> = words.iter().map(|word| format!("`{quote}{word}{quote}`")).collect();
    let known = match known.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => known.concat(),
    };
    match near::nearest(found, words.iter().copied()) {
        Some(near) if words.len() > 1 => format!("`{key}` is {known}: did you mean `{quote}{near}{quote}`?"),
        _ => format!("`{key}` is {known}"),
    }
}

fn paths(key: &Key, tokens: &TokenStream) -> syn::Result<Paths> {
    let name = key.name;
    let fail = |culprit: &TokenStream, message: String| Err(syn::Error::new_spanned(culprit, message));
    let list = match tokens.clone().into_iter().collect::<Vec<_>>().as_slice() {
        [TokenTree::Group(group)] if group.delimiter() == proc_macro2::Delimiter::Bracket => group.stream(),
        _ => {
            return match (syn::Path::parse_mod_style.parse2(tokens.clone()), literal(tokens)) {
                (Ok(path), _) => Ok(Paths { paths: vec![path] }),
                (_, Some(Lit::Str(text))) => {
                    fail(tokens, format!("write the name without quotes: `{name} = {}`", text.value()))
                }
                _ => fail(
                    tokens,
                    format!(
                        "expected a step's name or a list: `{name} = {0}` or `{name} = [{0}]`",
                        key.example
                    ),
                ),
            };
        }
    };
    let mut paths: Vec<syn::Path> = Vec::new();
    for (index, entry) in split(list).into_iter().enumerate() {
        match (syn::Path::parse_mod_style.parse2(entry.clone()), literal(&entry)) {
            (Ok(path), _) if paths.iter().any(|other| spelled(other) == spelled(&path)) => {
                return fail(&entry, format!("`{}` is listed twice", spelled(&path)));
            }
            (Ok(path), _) => paths.push(path),
            (_, Some(Lit::Str(text))) => {
                return fail(&entry, format!("write the name without quotes: `{}`", text.value()));
            }
            _ if entry.is_empty() => {
                let place = if index == 0 {
                    "an empty list orders nothing: name a step in it, or remove"
                } else {
                    "an empty place in"
                };
                return fail(tokens, format!("{place} `{name}`"));
            }
            _ => return fail(&entry, "expected the name of a step".to_owned()),
        }
    }
    Ok(Paths { paths })
}

/// At commas; one at the end is allowed. Of nothing, one empty entry.
fn split(tokens: TokenStream) -> Vec<TokenStream> {
    let mut entries = vec![TokenStream::new()];
    let mut trees = tokens.into_iter().peekable();
    while let Some(tree) = trees.next() {
        match &tree {
            TokenTree::Punct(punct) if punct.as_char() == ',' => {
                if trees.peek().is_some() {
                    entries.push(TokenStream::new());
                }
            }
            _ => {
                if let Some(entry) = entries.last_mut() {
                    entry.extend([tree]);
                }
            }
        }
    }
    entries
}

/// A path as it was written.
pub(crate) fn spelled(path: &syn::Path) -> String {
    let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    format!("{}{}", if path.leading_colon.is_some() { "::" } else { "" }, names.join("::"))
}

/// `&[p::signals::SIGTERM, …]`; the `p::signals` is put before each name by [`expand_signals`].
fn signals(tokens: &TokenStream) -> syn::Result<Value> {
    let expected = "expected a list such as `[SIGTERM, SIGINT]`, or a path to a `const` array of signals";
    let mut trees = tokens.clone().into_iter();
    let list = match (trees.next(), trees.next()) {
        (Some(TokenTree::Group(group)), None) if group.delimiter() == proc_macro2::Delimiter::Bracket => {
            group
        }
        _ if path(tokens).is_some() => return Ok(Value::Tokens(tokens.clone())),
        _ => return Err(syn::Error::new_spanned(tokens, expected)),
    };
    let parser = Punctuated::<syn::Path, Token![,]>::parse_terminated;
    let Ok(names) = syn::parse::Parser::parse2(parser, list.stream()) else {
        return Err(syn::Error::new_spanned(tokens, expected));
    };
    let mut wrong: Option<syn::Error> = None;
    let mut seen: Vec<String> = Vec::new();
    for name in names.iter().filter_map(syn::Path::get_ident) {
        let written = name.unraw().to_string();
        let error = if seen.contains(&written) {
            format!("`{written}` is listed twice")
        } else if let Some(error) = no_signal(&written, "begin a shutdown") {
            error
        } else {
            seen.push(written);
            continue;
        };
        let error = syn::Error::new_spanned(name, error);
        match &mut wrong {
            Some(errors) => errors.combine(error),
            None => wrong = Some(error),
        }
    }
    match wrong {
        Some(error) => Err(error),
        None => Ok(Value::Tokens(tokens.clone())),
    }
}

/// `SIGUSR1`, which is found in `p::signals` by [`expand_signal`], or a path.
fn signal(key: &Key, tokens: &TokenStream) -> syn::Result<Value> {
    let fail = |message: String| Err(syn::Error::new_spanned(tokens, message));
    let Some(path) = path(tokens) else {
        return fail(match literal(tokens) {
            Some(Lit::Str(text)) => {
                format!("write the signal without quotes: `{} = {}`", key.name, text.value())
            }
            _ => format!("expected one signal: `{} = {}`, or a path to a constant", key.name, key.example),
        });
    };
    let error = path
        .get_ident()
        .and_then(|name| no_signal(&name.unraw().to_string(), &format!("{} the service", key.name)));
    match error {
        Some(error) => fail(error),
        None => Ok(Value::Tokens(tokens.clone())),
    }
}

/// Why a bare name cannot stand for a signal that does this.
fn no_signal(name: &str, what: &str) -> Option<String> {
    if let Some(why) = unfit(name) {
        return Some(format!("`{name}` cannot {what}: {why}"));
    }
    (!SIGNALS.contains(&name)).then(|| unknown_signal(name))
}

/// What the library refuses at run time as well.
fn unfit(signal: &str) -> Option<&'static str> {
    match signal {
        "SIGKILL" | "SIGSTOP" => Some("no process can catch it"),
        "SIGSEGV" | "SIGBUS" | "SIGFPE" | "SIGILL" | "SIGTRAP" | "SIGSYS" | "SIGABRT" => {
            Some("it means that the program itself is at fault")
        }
        "SIGCHLD" | "SIGURG" | "SIGCONT" | "SIGPROF" => {
            Some("the system sends it in the course of ordinary work")
        }
        _ => None,
    }
}

fn unknown_signal(name: &str) -> String {
    let known = SIGNALS.join("`, `");
    let hint = match near::nearest(name, SIGNALS.iter().copied()) {
        Some(near) => format!(": did you mean `{near}`?"),
        None => String::new(),
    };
    format!(
        "unknown signal `{name}`{hint}\nthe known ones are `{known}`; any other by the path to a constant"
    )
}

/// The checked list with the bare names found in `p::signals`.
pub(crate) fn expand_signals(value: &TokenStream, p: &impl ToTokens) -> TokenStream {
    let mut trees = value.clone().into_iter();
    let Some(TokenTree::Group(list)) = trees.next() else {
        // Shown where the path was written, should it be of another type.
        let at =
            site_at(value.clone().into_iter().next().map_or_else(crate::paths::site, |tree| tree.span()));
        return quote_spanned!(at=> &#value);
    };
    let parser = Punctuated::<syn::Path, Token![,]>::parse_terminated;
    let names = syn::parse::Parser::parse2(parser, list.stream()).unwrap_or_default();
    let names = names.iter().map(|name| named_signal(name, p));
    quote_spanned!(crate::paths::site()=> &[#(#names),*])
}

/// The checked signal, found in `p::signals` if it is a bare name.
pub(crate) fn expand_signal(value: &TokenStream, p: &impl ToTokens) -> TokenStream {
    path(value).map_or_else(|| value.clone(), |path| named_signal(&path, p))
}

fn named_signal(name: &syn::Path, p: &impl ToTokens) -> TokenStream {
    match name.get_ident() {
        Some(ident) => {
            let mut ident = ident.unraw();
            ident.set_span(site_at(ident.span()));
            quote_spanned!(ident.span()=> #p::signals::#ident)
        }
        None => name.to_token_stream(),
    }
}

fn number(key: &Key, tokens: &TokenStream) -> syn::Result<Value> {
    let good = match literal(tokens) {
        Some(Lit::Int(int)) => matches!(int.suffix(), "" | "u32") && int.base10_parse::<u32>().is_ok(),
        Some(_) => false,
        None => path(tokens).is_some(),
    };
    if good {
        return Ok(Value::Tokens(tokens.clone()));
    }
    let message = format!(
        "expected a whole number such as `{}`, or a path to a `const` of type `u32`: `{} = {0}`",
        key.example, key.name
    );
    Err(syn::Error::new_spanned(tokens, message))
}

fn count(key: &Key, tokens: &TokenStream) -> syn::Result<Value> {
    let good = match literal(tokens) {
        Some(Lit::Int(int)) => positive(&int),
        Some(_) => false,
        None => path(tokens).is_some(),
    };
    if good {
        return Ok(Value::Tokens(tokens.clone()));
    }
    let message = format!("expected a number from 1 on: `{} = {}`", key.name, key.example);
    Err(syn::Error::new_spanned(tokens, message))
}

fn positive(int: &LitInt) -> bool {
    matches!(int.suffix(), "" | "usize") && int.base10_parse::<usize>().is_ok_and(|n| n > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;

    #[test]
    fn signals_by_name_and_by_path() {
        let p = quote!(p);
        let expanded = expand_signals(&quote!([SIGTERM, my::SIG]), &p);
        assert_eq!(expanded.to_string(), quote!(&[p::signals::SIGTERM, my::SIG]).to_string());
        assert_eq!(expand_signals(&quote!(my::ALL), &p).to_string(), quote!(&my::ALL).to_string());
    }

    #[test]
    fn a_literal_duration_is_exact() {
        let time = Time::Literal(Duration::from_millis(90_500));
        assert_eq!(
            time.expand(&quote!(p)).to_string(),
            quote!(p::Duration::new(90u64, 500000000u32)).to_string()
        );
    }
}
