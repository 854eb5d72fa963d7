//! From a program to its `fn main`. Cannot fail.

use proc_macro2::{Ident, TokenStream};
use quote::quote_spanned;
use syn::spanned::Spanned;

use super::check::{Kept, Main, Setting, SettingValue};
use crate::arguments::{self, Argument, Lent};
use crate::keys::{Within, expand_signal, expand_signals};
use crate::paths::{Krate, site, site_at};

pub(super) fn kept(kept: &Kept) -> TokenStream {
    match kept {
        Kept::Itself(item) => item.clone(),
        Kept::Inside(item) => quote_spanned!(site()=>
            #[allow(dead_code)]
            fn main() {
                #item
            }
        ),
    }
}

pub(super) fn main(main: &Main) -> TokenStream {
    let Main { krate, vis, item, function, .. } = main;
    let p = krate.private();
    let Served { call, def } = served(function, &main.arguments, main.setup.as_ref(), &main.settings, krate);
    // A return type that is no service's result is shown where it was written.
    let at = site_at(main.output);
    let p_at = krate.private_at(at);
    let arguments = quote_spanned!(site()=> &__LIFECYCLE_MAIN, #call,);
    let run = quote_spanned!(at=> #p_at::main(#arguments));
    quote_spanned!(site()=>
        #vis fn #function() -> #p::ExitCode {
            #item

            static __LIFECYCLE_MAIN: #p::MainDef = #def;
            const _: () = {
                #p::inventory::submit! { #p::MainEntry(&__LIFECYCLE_MAIN) }
            };
            #run
        }
    )
}

/// A program's function, or a test's, as the library runs it.
pub(crate) struct Served {
    /// Calls it with its resources.
    pub(crate) call: TokenStream,
    /// What is known of it before.
    pub(crate) def: TokenStream,
}

pub(crate) fn served(
    function: &Ident,
    arguments: &[Argument],
    setup: Option<&syn::Path>,
    settings: &[Setting],
    krate: &Krate,
) -> Served {
    let p = krate.private();
    let (setup, settings) = (self::setup(setup, krate), self::settings(settings, krate));
    let kinds = arguments::kinds(arguments, krate, false);
    let Lent { pattern, apart, arguments: passed } = arguments::lent(arguments);
    let call = quote_spanned!(site()=>
        |inputs: &mut #p::Inputs<'_>| -> #p::Result<_, #p::Missing> {
            let mut held = #p::function::hold(#kinds, inputs)?;
            #p::Ok(async move {
                let #pattern = #p::function::lend(&mut held);
                #apart
                #function(#passed).await
            })
        }
    );
    let def = quote_spanned!(site()=>
        #p::MainDef {
            file: #p::file!(),
            line: #p::line!(),
            signature: |signature| #p::function::note(#kinds, signature),
            keys: |settings: &mut #p::Settings| { #settings },
            setup: #setup,
        }
    );
    Served { call, def }
}

/// A setup function as the library calls it.
fn setup(path: Option<&syn::Path>, krate: &Krate) -> TokenStream {
    let p = krate.private();
    let Some(path) = path else { return quote_spanned!(site()=> #p::None) };
    let at = site_at(path.segments.last().map_or_else(|| path.span(), |last| last.ident.span()));
    let p_at = krate.private_at(at);
    quote_spanned!(at=>
        #p::Some(|asked: #p_at::outcome::Asked<'_>| -> #p_at::CallResult {
            let setup = |settings: &mut #p_at::Settings| #path(settings);
            let opened = #p_at::outcome::given_by(&setup).lifecycle_open();
            #p_at::outcome::set_up(asked, opened.ending(opened.lifecycle_give()), setup)
        })
    )
}

/// The statements that write the keys into `settings`.
fn settings(settings: &[Setting], krate: &Krate) -> TokenStream {
    let p = krate.private();
    settings.iter().map(|setting| set(setting, &p)).collect()
}

fn set(setting: &Setting, p: &TokenStream) -> TokenStream {
    let name = Ident::new(setting.name, site());
    let value = match &setting.value {
        SettingValue::Limit(Within::Never) => quote_spanned!(site()=> #p::Limit::Never),
        SettingValue::Limit(Within::Time(time)) => {
            let time = time.expand(p);
            quote_spanned!(site()=> #p::Limit::Within(#time))
        }
        SettingValue::Time(time) => time.expand(p),
        SettingValue::Signals(signals) => expand_signals(signals, p),
        SettingValue::Signal(signal) => expand_signal(signal, p),
        SettingValue::Variant(ty, variant) => {
            let (ty, variant) = (Ident::new(ty, site()), Ident::new(variant, site()));
            quote_spanned!(site()=> #p::#ty::#variant)
        }
        SettingValue::Written(value) => value.clone(),
    };
    quote_spanned!(site()=> settings.#name(#value);)
}
