use expect_test::expect;
use quote::quote;

use super::attribute;
use crate::testing::{errors, expands};

#[test]
fn a_test_with_every_key() {
    let keys = quote! {
        setup = fakes, timeout = "5s", grace = "1m", drain = "never", cut = CUT, lameduck = "3s", reserve = "1s",
        signals = [SIGTERM], ready = manual, pause = SIGUSR1, clock = real,
    };
    let item = quote! {
        #[ignore = "slow"] #[allow(unused)] pub async fn closes(db: &Db) -> Result<(), Error> { body }
    };
    expands(
        attribute(keys, item),
        &expect![[r##"
            #[::core::prelude::v1::test]
            #[ignore = "slow"]
            pub fn closes() {
                #[allow(unused)]
                async fn closes(db: &Db) -> Result<(), Error> {
                    body
                }
                static __LIFECYCLE_TEST: ::lifecycle::__private::MainDef = ::lifecycle::__private::MainDef {
                    file: ::lifecycle::__private::file!(),
                    line: ::lifecycle::__private::line!(),
                    signature: |signature| ::lifecycle::__private::function::note(
                        {
                            use ::lifecycle::__private::Otherwise as _;
                            (
                                ::lifecycle::__private::arg::<&Db>()
                                    .lifecycle_kind()
                                    .lifecycle_kind(),
                                (),
                            )
                        },
                        signature,
                    ),
                    keys: |settings: &mut ::lifecycle::__private::Settings| {
                        settings
                            .grace(
                                ::lifecycle::__private::Limit::Within(
                                    ::lifecycle::__private::Duration::new(60u64, 0u32),
                                ),
                            );
                        settings.drain(::lifecycle::__private::Limit::Never);
                        settings.cut(CUT);
                        settings.lameduck(::lifecycle::__private::Duration::new(3u64, 0u32));
                        settings.reserve(::lifecycle::__private::Duration::new(1u64, 0u32));
                        settings.signals(&[::lifecycle::__private::signals::SIGTERM]);
                        settings.ready(::lifecycle::__private::Ready::Manual);
                        settings.pause(::lifecycle::__private::signals::SIGUSR1);
                    },
                    setup: ::lifecycle::__private::Some(|
                        asked: ::lifecycle::__private::outcome::Asked<'_>,
                    | -> ::lifecycle::__private::CallResult {
                        let setup = |settings: &mut ::lifecycle::__private::Settings| fakes(
                            settings,
                        );
                        let opened = ::lifecycle::__private::outcome::given_by(&setup)
                            .lifecycle_open();
                        ::lifecycle::__private::outcome::set_up(
                            asked,
                            opened.ending(opened.lifecycle_give()),
                            setup,
                        )
                    }),
                };
                ::lifecycle::__private::test(
                    &__LIFECYCLE_TEST,
                    ::lifecycle::__private::concat!(
                        ::lifecycle::__private::module_path!(), "::",
                        ::lifecycle::__private::stringify!(closes)
                    ),
                    ::lifecycle::__private::Duration::new(5u64, 0u32),
                    ::lifecycle::__private::Clock::Real,
                    |
                        inputs: &mut ::lifecycle::__private::Inputs<'_>,
                    | -> ::lifecycle::__private::Result<_, ::lifecycle::__private::Missing> {
                        let mut held = ::lifecycle::__private::function::hold(
                            {
                                use ::lifecycle::__private::Otherwise as _;
                                (
                                    ::lifecycle::__private::arg::<&Db>()
                                        .lifecycle_kind()
                                        .lifecycle_kind(),
                                    (),
                                )
                            },
                            inputs,
                        )?;
                        ::lifecycle::__private::Ok(async move {
                            let (argument0, ()) = ::lifecycle::__private::function::lend(&mut held);
                            closes(argument0).await
                        })
                    },
                )
            }
        "##]],
    );
}

#[test]
fn a_bare_test_that_panics() {
    let item = quote! { #[should_panic(expected = "no")] async fn fails() -> () { body } };
    expands(
        attribute(quote!(crate = mine::lifecycle), item),
        &expect![[r##"
            #[::core::prelude::v1::test]
            #[should_panic(expected = "no")]
            fn fails() {
                async fn fails() -> () {
                    body
                }
                static __LIFECYCLE_TEST: mine::lifecycle::__private::MainDef = mine::lifecycle::__private::MainDef {
                    file: mine::lifecycle::__private::file!(),
                    line: mine::lifecycle::__private::line!(),
                    signature: |signature| mine::lifecycle::__private::function::note((), signature),
                    keys: |settings: &mut mine::lifecycle::__private::Settings| {},
                    setup: mine::lifecycle::__private::None,
                };
                mine::lifecycle::__private::test(
                    &__LIFECYCLE_TEST,
                    mine::lifecycle::__private::concat!(
                        mine::lifecycle::__private::module_path!(), "::",
                        mine::lifecycle::__private::stringify!(fails)
                    ),
                    mine::lifecycle::__private::TEST_TIMEOUT,
                    mine::lifecycle::__private::Clock::Paused,
                    |
                        inputs: &mut mine::lifecycle::__private::Inputs<'_>,
                    | -> mine::lifecycle::__private::Result<_, mine::lifecycle::__private::Missing> {
                        let mut held = mine::lifecycle::__private::function::hold((), inputs)?;
                        mine::lifecycle::__private::Ok(async move {
                            let () = mine::lifecycle::__private::function::lend(&mut held);
                            fails().await
                        })
                    },
                )
            }
        "##]],
    );
}

#[test]
fn only_what_can_be_a_test() {
    for (item, says) in [
        (
            quote!(
                fn t() {}
            ),
            "`#[lifecycle::test]` runs an async function: write `async fn`, or `#[test]` for a plain one",
        ),
        (
            quote!(
                #[tokio::test]
                async fn t() {}
            ),
            "`#[lifecycle::test]` makes it a test already, in a process and on a runtime of its own: remove this",
        ),
        (
            quote!(
                #[should_panic]
                async fn t() -> Result<(), E> {}
            ),
            "a test that should panic returns `()`: an error would be taken for the panic",
        ),
        (
            quote!(
                async fn t<T>() {}
            ),
            "a test is called by the library, which cannot choose `T`: write the type itself",
        ),
        (
            quote!(
                async fn t() -> impl Sized {}
            ),
            "a test has to name what it returns: `()`, `ExitCode`, or a `Result` of one of them",
        ),
        (
            quote!(
                async fn t();
            ),
            "a test needs a body",
        ),
        (
            quote!(
                mod t {}
            ),
            "`#[lifecycle::test]` goes on a function",
        ),
    ] {
        let tokens = attribute(quote!(), item.clone());
        assert!(tokens.to_string().starts_with(&item.to_string()), "it is kept: {tokens}");
        assert_eq!(errors(tokens), [says], "{item}");
    }
}
