//! From a health check to what is added after its function. Cannot fail.

use proc_macro2::TokenStream;
use quote::quote_spanned;

use super::check::Check;
use crate::arguments;
use crate::attempts::option;
use crate::called;
use crate::paths::site;
use crate::step::{self, check::Marker};

/// The type with the check's name.
pub(super) fn marker(marker: &Marker) -> TokenStream {
    named(marker, &TokenStream::new())
}

fn named(marker: &Marker, registration: &TokenStream) -> TokenStream {
    let (krate, name, declared) = (&marker.krate, &marker.name, step::expand::declared(marker));
    let p = krate.private();
    quote_spanned!(site()=>
        #declared
        #p::items! {
            impl #p::HealthCheck for #name {}
            #[allow(deprecated)]
            const _: () = { #registration };
        }
    )
}

pub(super) fn check(check: &Check) -> TokenStream {
    let (krate, name) = (&check.marker.krate, &check.marker.name);
    let p = krate.private();
    let text = check.marker.text();
    let line = check.marker.line().unwrap_or_else(|| quote_spanned!(site()=> #p::line!()));
    let time = |time: &Option<crate::keys::Time>| option(&p, time.as_ref().map(|time| time.expand(&p)));
    let (interval, timeout, delay) = (time(&check.interval), time(&check.timeout), time(&check.delay));
    let retry = option(&p, check.retry.clone());
    let recover = check.recover.as_ref().map(|path| called::by_path(path, krate, false));
    let recover = option(&p, recover);
    let when = option(&p, check.when.as_ref().map(|when| when.expand(krate)));
    let call = arguments::looked_up(&check.called.expand(krate, &TokenStream::new(), false), krate);
    let registration = quote_spanned!(site()=>
        impl #p::Collected for #name {
            const LEFT: #p::Left = #p::Left::Check(&#p::CheckDef {
                name: #text,
                module: #p::module_path!(),
                file: #p::file!(),
                line: #line,
                id: #p::TypeId::of::<#name>,
                keys: #p::CheckKeys {
                    interval: #interval,
                    timeout: #timeout,
                    retry: #retry,
                    delay: #delay,
                },
                function: |query| #call,
                recover: #recover,
                when: #when,
            });
        }
        #p::collected!(#name);
    );
    named(&check.marker, &registration)
}
