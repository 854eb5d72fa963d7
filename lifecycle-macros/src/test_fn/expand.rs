//! From a test to the function that libtest calls. Cannot fail.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote_spanned};

use super::check::Test;
use crate::arguments::{self, Lent};
use crate::main_fn::expand::{settings, setup};
use crate::paths::{site, site_at};

pub(super) fn test(test: &Test) -> TokenStream {
    let Test { krate, vis, item, function, .. } = test;
    let p = krate.private();
    let libtest: TokenStream = test.libtest.iter().map(ToTokens::to_token_stream).collect();
    let setup = setup(test.setup.as_ref(), krate);
    let settings = settings(&test.settings, krate);
    let limit = match &test.timeout {
        Some(time) => time.expand(&p),
        None => quote_spanned!(site()=> #p::TEST_TIMEOUT),
    };
    let clock = match test.real_clock {
        true => quote_spanned!(site()=> #p::Clock::Real),
        false => quote_spanned!(site()=> #p::Clock::Paused),
    };
    let kinds = arguments::kinds(&test.arguments, krate, false);
    let Lent { pattern, apart, arguments: passed } = arguments::lent(&test.arguments);
    // A return type that is no test's result is shown where it was written.
    let at = site_at(test.output);
    let p_at = krate.private_at(at);
    let arguments = quote_spanned!(site()=>
        &__LIFECYCLE_TEST,
        #p::concat!(#p::module_path!(), "::", #p::stringify!(#function)),
        #limit,
        #clock,
        |inputs: &mut #p::Inputs<'_>| -> #p::Result<_, #p::Missing> {
            let mut held = #p::function::hold(#kinds, inputs)?;
            #p::Ok(async move {
                let #pattern = #p::function::lend(&mut held);
                #apart
                #function(#passed).await
            })
        },
    );
    let run = quote_spanned!(at=> #p_at::test(#arguments));
    quote_spanned!(site()=>
        #[::core::prelude::v1::test]
        #libtest
        #vis fn #function() {
            #item

            static __LIFECYCLE_TEST: #p::MainDef = #p::MainDef {
                file: #p::file!(),
                line: #p::line!(),
                signature: |signature| #p::function::note(#kinds, signature),
                keys: |settings: &mut #p::Settings| { #settings },
                setup: #setup,
            };
            #run
        }
    )
}
