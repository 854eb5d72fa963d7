//! How often a step is tried, what is done in its place or at the next start, and whether it runs at all.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote_spanned};

use crate::called;
use crate::condition::When;
use crate::diag::ErrorSink;
use crate::keys::{Given, Spanned, Time};
use crate::paths::{Krate, site};

/// The keys as given.
pub(crate) struct Raw {
    attempt: Option<Spanned<Time>>,
    pub(crate) retry: Option<Spanned<TokenStream>>,
    pub(crate) backoff: Option<Spanned<Time>>,
    fallback: Option<Spanned<syn::ExprPath>>,
    compensate: Option<Spanned<syn::ExprPath>>,
    when: Option<Spanned<TokenStream>>,
}

/// What few steps say: the plain ones are to cost nothing.
#[derive(Default)]
pub(crate) struct Extra {
    attempt: Option<Time>,
    retry: Option<TokenStream>,
    backoff: Option<Time>,
    fallback: Option<syn::ExprPath>,
    compensate: Option<syn::ExprPath>,
    when: Option<When>,
    /// A worker, and its `restart`.
    pub(crate) worker: Option<Option<&'static str>>,
}

impl Raw {
    pub(crate) fn take(given: &mut Given) -> Self {
        Raw {
            attempt: given.time("attempt"),
            retry: given.tokens("retry"),
            backoff: given.time("backoff"),
            fallback: given.function("fallback"),
            compensate: given.function("compensate"),
            when: given.tokens("when"),
        }
    }

    /// `own` is the function's name, `timeout` what is said of all attempts together.
    pub(crate) fn check(self, own: &Ident, timeout: Option<&Time>, errors: &ErrorSink<'_>) -> Extra {
        if let (Some(Spanned { key, value: Time::Literal(attempt) }), Some(Time::Literal(timeout))) =
            (&self.attempt, timeout)
        {
            if attempt > timeout {
                errors.at(
                    key,
                    "an attempt cannot take longer than `timeout`, which bounds all attempts together: write a shorter \
                     `attempt`, or a longer `timeout`",
                );
            }
        }
        if let Some(Spanned { value: path, .. }) = &self.fallback {
            if called::is_itself(path, own) {
                errors.at(
                    path,
                    format!("`{own}` cannot stand in for itself: to try it again, write `retry = 2`"),
                );
            }
        }
        Extra {
            attempt: self.attempt.map(|given| given.value),
            retry: self.retry.map(|given| given.value),
            backoff: self.backoff.map(|given| given.value),
            fallback: self.fallback.map(|given| given.value),
            compensate: self.compensate.map(|given| given.value),
            when: When::check(self.when, errors),
            worker: None,
        }
    }

    /// What means nothing where a function is not called a second time.
    pub(crate) fn only_once(&self, errors: &ErrorSink<'_>, why: &str) {
        let keys = [self.retry.as_ref().map(|it| &it.key), self.backoff.as_ref().map(|it| &it.key)];
        for key in keys.into_iter().flatten() {
            errors.at(key, format!("`{key}` {why}"));
        }
    }

    /// A pause between attempts of which there is only one.
    pub(crate) fn backoff_alone(&self, errors: &ErrorSink<'_>) {
        if let (Some(backoff), None) = (&self.backoff, &self.retry) {
            errors.at(
                &backoff.key,
                "`backoff` is the pause before another attempt, and there is none: write `retry = 2` too",
            );
        }
    }
}

impl Extra {
    /// `&'static StepExtra`, if anything is said. `last`: the fallback may take the report.
    pub(crate) fn expand(&self, krate: &Krate, last: bool) -> Option<TokenStream> {
        if self.is_empty() {
            return None;
        }
        let p = krate.private();
        let Extra { attempt, retry, backoff, fallback, compensate, when, worker } = self;
        let time = |time: &Option<Time>| time.as_ref().map(|time| time.expand(&p));
        let restart = worker.map(|restart| {
            let restart = restart.map(|word| {
                let variant = Ident::new(
                    match word {
                        "never" => "Never",
                        "always" => "Always",
                        _ => "OnFailure",
                    },
                    site(),
                );
                quote_spanned!(site()=> #p::Restart::#variant)
            });
            let restart = option(&p, restart);
            quote_spanned!(site()=> #p::WorkerDef { restart: #restart })
        });
        let fields = [
            ("attempt", time(attempt)),
            ("retry", retry.clone()),
            ("backoff", time(backoff)),
            ("fallback", fallback.as_ref().map(|path| called::by_path(path, krate, last))),
            // It runs at a start, where there is no report yet.
            ("compensate", compensate.as_ref().map(|path| called::by_path(path, krate, false))),
            ("when", when.as_ref().map(|when| when.expand(krate))),
            ("worker", restart),
        ];
        let fields = fields.into_iter().filter_map(|(name, value)| value.map(|value| (name, value)));
        let fields: TokenStream = fields
            .map(|(name, value)| {
                let name = Ident::new(name, site());
                quote_spanned!(site()=> #name: #p::Some(#value),)
            })
            .collect();
        Some(quote_spanned!(site()=> const { &#p::StepExtra { #fields ..#p::StepExtra::NONE } }))
    }

    fn is_empty(&self) -> bool {
        let Extra { attempt, retry, backoff, fallback, compensate, when, worker } = self;
        let none = attempt.is_none() && retry.is_none() && backoff.is_none() && fallback.is_none();
        none && compensate.is_none() && when.is_none() && worker.is_none()
    }
}

/// `Some` or `None`, by way of `p`, the path to the private module.
pub(crate) fn option(p: &impl ToTokens, value: Option<impl ToTokens>) -> TokenStream {
    match value {
        Some(value) => quote_spanned!(site()=> #p::Some(#value)),
        None => quote_spanned!(site()=> #p::None),
    }
}
