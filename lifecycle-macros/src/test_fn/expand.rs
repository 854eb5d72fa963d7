//! From a test to the function that libtest calls. Cannot fail.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote_spanned};

use super::check::Test;
use crate::main_fn::expand::{Served, served};
use crate::paths::{site, site_at};

pub(super) fn test(test: &Test) -> TokenStream {
    let Test { krate, vis, item, function, .. } = test;
    let p = krate.private();
    let libtest: TokenStream = test.libtest.iter().map(ToTokens::to_token_stream).collect();
    let Served { call, def } = served(function, &test.arguments, test.setup.as_ref(), &test.settings, krate);
    let limit = match &test.timeout {
        Some(time) => time.expand(&p),
        None => quote_spanned!(site()=> #p::TEST_TIMEOUT),
    };
    let clock = match test.real_clock {
        true => quote_spanned!(site()=> #p::Clock::Real),
        false => quote_spanned!(site()=> #p::Clock::Paused),
    };
    // A return type that is no test's result is shown where it was written.
    let at = site_at(test.output);
    let p_at = krate.private_at(at);
    let arguments = quote_spanned!(site()=>
        &__LIFECYCLE_TEST,
        #p::concat!(#p::module_path!(), "::", #p::stringify!(#function)),
        #limit,
        #clock,
        #call,
    );
    let run = quote_spanned!(at=> #p_at::test(#arguments));
    quote_spanned!(site()=>
        #[::core::prelude::v1::test]
        #libtest
        #vis fn #function() {
            #item

            static __LIFECYCLE_TEST: #p::MainDef = #def;
            #run
        }
    )
}
