//! From what was written to a program that can be generated.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

use super::args::Raw;
use crate::arguments::{self, Argument};
use crate::diag::ErrorSink;
use crate::item::{Item, bare, focus, mentions};
use crate::keys::{Spanned, Time, Within};
use crate::paths::Krate;

pub(super) struct Main {
    pub(super) krate: Krate,
    pub(super) vis: TokenStream,
    /// The async function, as it was.
    pub(super) item: TokenStream,
    pub(super) function: syn::Ident,
    /// Where its return type is written.
    pub(super) output: Span,
    pub(super) setup: Option<syn::Path>,
    pub(super) settings: Vec<Setting>,
    pub(super) arguments: Vec<Argument>,
}

/// One call of a setter on `Settings`, which has the key's name.
pub(crate) struct Setting {
    pub(super) name: &'static str,
    pub(super) value: SettingValue,
}

pub(crate) enum SettingValue {
    Limit(Within),
    Time(Time),
    Signals(TokenStream),
    Signal(TokenStream),
    /// A type and one of its variants.
    Variant(&'static str, String),
    /// As it was written.
    Written(TokenStream),
}

/// What stays of a `main` that cannot be generated.
pub(super) enum Kept {
    /// Inside a plain `fn main`, so that rustc does not complain of that too.
    Inside(TokenStream),
    Itself(TokenStream),
}

pub(super) fn check(mut raw: Raw, item: &Item, errors: &ErrorSink<'_>) -> Result<Main, Kept> {
    if item.sig.ident != "main" {
        let name = &item.sig.ident;
        errors.at(
            name,
            format!(
                "`#[lifecycle::main]` goes on `async fn main`, not on `{name}`: rename it; inside a runtime that \
                 exists already, call `lifecycle::run`"
            ),
        );
    }
    if item.sig.asyncness.is_none() {
        errors.at(
            &item.sig.fn_token,
            "`#[lifecycle::main]` starts the runtime for an async function: write `async fn main`",
        );
    }
    if let Some(syn::Type::ImplTrait(ty)) = item.output().map(bare) {
        errors.at(ty, "`main` has to name what it returns: `()`, `ExitCode`, or a `Result` of one of them");
    }
    if item.body.is_none() {
        errors.at(&item.sig, "`main` needs a body");
    }
    if let (Some(Spanned { value: "current_thread", .. }), Some(threads)) = (&raw.flavor, &raw.worker_threads)
    {
        errors.at(
            &threads.key,
            "`worker_threads` needs `flavor = \"multi_thread\"`: a `current_thread` runtime has none",
        );
    }
    signals_apart(&raw, errors);
    let arguments = arguments::check(item, "`main`", errors);
    if errors.failed() {
        let free = item.sig.ident == "main" && item.sig.receiver().is_none() && item.body.is_some();
        let tokens = item.tokens.clone();
        return Err(if free { Kept::Inside(tokens) } else { Kept::Itself(tokens) });
    }
    Ok(Main {
        krate: std::mem::take(&mut raw.krate),
        vis: item.vis.to_token_stream(),
        item: item.tokens.clone(),
        function: item.sig.ident.clone(),
        output: item.output().map_or_else(|| item.sig.ident.span(), focus),
        arguments,
        setup: raw.setup.take().map(|setup| setup.value),
        settings: settings(raw),
    })
}

/// One signal has one meaning, as far as the names tell.
pub(crate) fn signals_apart(raw: &Raw, errors: &ErrorSink<'_>) {
    let name = |given: &Option<Spanned<TokenStream>>| given.as_ref().map(|given| given.value.to_string());
    for (given, other) in [(&raw.pause, None), (&raw.resume, name(&raw.pause))] {
        let Some(Spanned { key, value }) = given else { continue };
        let written = value.to_string();
        let shuts_down = raw
            .signals
            .as_ref()
            .is_some_and(|signals| mentions(signals.value.clone(), &[&written]).is_some());
        let why = if shuts_down {
            "begins the shutdown"
        } else if other.is_some_and(|other| other == written) {
            "is what pauses"
        } else {
            continue;
        };
        errors.at(
            value,
            format!("`{written}` {why}: write a signal that nothing else uses, such as `{key} = SIGUSR2`"),
        );
    }
}

pub(crate) fn settings(raw: Raw) -> Vec<Setting> {
    let limit = |given: Option<Spanned<Within>>| given.map(|given| SettingValue::Limit(given.value));
    let time = |given: Option<Spanned<Time>>| given.map(|given| SettingValue::Time(given.value));
    let variant = |ty: &'static str, given: Option<Spanned<&'static str>>| {
        given.map(|given| SettingValue::Variant(ty, variant(given.value)))
    };
    [
        ("grace", limit(raw.grace)),
        ("drain", limit(raw.drain)),
        ("cut", time(raw.cut)),
        ("lameduck", time(raw.lameduck)),
        ("reserve", time(raw.reserve)),
        ("signals", raw.signals.map(|given| SettingValue::Signals(given.value))),
        ("exit", variant("Exit", raw.exit)),
        ("budget", variant("Budget", raw.budget)),
        ("report", variant("ReportFormat", raw.report)),
        ("ready", variant("Ready", raw.ready)),
        ("flavor", variant("Flavor", raw.flavor)),
        ("worker_threads", raw.worker_threads.map(|given| SettingValue::Written(given.value))),
        ("pause", raw.pause.map(|given| SettingValue::Signal(given.value))),
        ("resume", raw.resume.map(|given| SettingValue::Signal(given.value))),
        ("journal", raw.journal.map(|given| SettingValue::Written(given.value))),
    ]
    .into_iter()
    .filter_map(|(name, value)| value.map(|value| Setting { name, value }))
    .collect()
}

/// `multi_thread` names the variant `MultiThread`.
fn variant(word: &str) -> String {
    let capital = |part: &str| {
        let mut chars = part.chars();
        chars.next().map(|first| first.to_uppercase().chain(chars).collect::<String>()).unwrap_or_default()
    };
    word.split('_').map(capital).collect()
}
