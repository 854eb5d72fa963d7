use expect_test::expect;
use quote::quote;

use super::attribute;
use crate::testing::{errors, expands};

#[test]
fn a_main_with_every_key() {
    let keys = quote! {
        setup = app::setup, grace = "1m", drain = "never", cut = CUT, lameduck = "3s", reserve = "1s 500ms",
        signals = [SIGTERM, my::SIG], exit = reraise, budget = deny, report = json, ready = manual,
        flavor = "multi_thread", worker_threads = 3,
    };
    let item = quote! { async fn main(db: &Db, config: Arc<Config>) -> Result<(), Error> { body } };
    expands(
        attribute(keys, item),
        &expect![[r#"
            fn main() -> ::lifecycle::__private::ExitCode {
                async fn main(db: &Db, config: Arc<Config>) -> Result<(), Error> {
                    body
                }
                static __LIFECYCLE_MAIN: ::lifecycle::__private::MainDef = ::lifecycle::__private::MainDef {
                    file: ::lifecycle::__private::file!(),
                    line: ::lifecycle::__private::line!(),
                    signature: |signature| ::lifecycle::__private::function::note(
                        {
                            use ::lifecycle::__private::Otherwise as _;
                            (
                                ::lifecycle::__private::arg::<&Db>()
                                    .lifecycle_kind()
                                    .lifecycle_kind(),
                                (
                                    ::lifecycle::__private::arg::<Arc<Config>>()
                                        .lifecycle_kind()
                                        .lifecycle_kind(),
                                    (),
                                ),
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
                        settings.reserve(::lifecycle::__private::Duration::new(1u64, 500000000u32));
                        settings.signals(&[::lifecycle::__private::signals::SIGTERM, my::SIG]);
                        settings.exit(::lifecycle::__private::Exit::Reraise);
                        settings.budget(::lifecycle::__private::Budget::Deny);
                        settings.report(::lifecycle::__private::ReportFormat::Json);
                        settings.ready(::lifecycle::__private::Ready::Manual);
                        settings.flavor(::lifecycle::__private::Flavor::MultiThread);
                        settings.worker_threads(3);
                    },
                    setup: ::lifecycle::__private::Some(|
                        asked: ::lifecycle::__private::outcome::Asked<'_>,
                    | -> ::lifecycle::__private::CallResult {
                        let setup = |settings: &mut ::lifecycle::__private::Settings| app::setup(
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
                const _: () = {
                    struct Main;
                    impl ::lifecycle::__private::Collected for Main {
                        const LEFT: ::lifecycle::__private::Left = ::lifecycle::__private::Left::Main(
                            &__LIFECYCLE_MAIN,
                        );
                    }
                    ::lifecycle::__private::collected!(Main);
                };
                ::lifecycle::__private::main(
                    &__LIFECYCLE_MAIN,
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
                                    (
                                        ::lifecycle::__private::arg::<Arc<Config>>()
                                            .lifecycle_kind()
                                            .lifecycle_kind(),
                                        (),
                                    ),
                                )
                            },
                            inputs,
                        )?;
                        ::lifecycle::__private::Ok(async move {
                            let (argument0, (argument1, ())) = ::lifecycle::__private::function::lend(
                                &mut held,
                            );
                            main(argument0, argument1).await
                        })
                    },
                )
            }
        "#]],
    );
}

#[test]
fn a_bare_main() {
    let item = quote! { #[allow(unused)] pub async fn main() { body } };
    expands(
        attribute(quote!(flavor = "current_thread", signals = MINE), item),
        &expect![[r#"
            pub fn main() -> ::lifecycle::__private::ExitCode {
                #[allow(unused)]
                pub async fn main() {
                    body
                }
                static __LIFECYCLE_MAIN: ::lifecycle::__private::MainDef = ::lifecycle::__private::MainDef {
                    file: ::lifecycle::__private::file!(),
                    line: ::lifecycle::__private::line!(),
                    signature: |signature| ::lifecycle::__private::function::note((), signature),
                    keys: |settings: &mut ::lifecycle::__private::Settings| {
                        settings.signals(&MINE);
                        settings.flavor(::lifecycle::__private::Flavor::CurrentThread);
                    },
                    setup: ::lifecycle::__private::None,
                };
                const _: () = {
                    struct Main;
                    impl ::lifecycle::__private::Collected for Main {
                        const LEFT: ::lifecycle::__private::Left = ::lifecycle::__private::Left::Main(
                            &__LIFECYCLE_MAIN,
                        );
                    }
                    ::lifecycle::__private::collected!(Main);
                };
                ::lifecycle::__private::main(
                    &__LIFECYCLE_MAIN,
                    |
                        inputs: &mut ::lifecycle::__private::Inputs<'_>,
                    | -> ::lifecycle::__private::Result<_, ::lifecycle::__private::Missing> {
                        let mut held = ::lifecycle::__private::function::hold((), inputs)?;
                        ::lifecycle::__private::Ok(async move {
                            let () = ::lifecycle::__private::function::lend(&mut held);
                            main().await
                        })
                    },
                )
            }
        "#]],
    );
}

#[test]
fn a_mistake_leaves_a_plain_main_around_the_function() {
    let item = quote! { async fn main() { body } };
    let tokens = attribute(quote!(grace = 25s), item.clone());
    let text = tokens.to_string();
    assert!(text.contains(&format!("fn main () {{ {item} }}")), "{text}");
    assert_eq!(errors(tokens), ["a duration is a string: write \"25s\""]);
}

#[test]
fn only_an_async_fn_main() {
    for (item, says) in [
        (
            quote!(
                fn main() {}
            ),
            "`#[lifecycle::main]` starts the runtime for an async function: write `async fn main`",
        ),
        (
            quote!(
                async fn run() {}
            ),
            "`#[lifecycle::main]` goes on `async fn main`, not on `run`: rename it; inside a runtime that exists already, \
             call `lifecycle::run`",
        ),
        (
            quote!(
                async fn main<T>() {}
            ),
            "`main` is called by the library, which cannot choose `T`: write the type itself",
        ),
        (
            quote!(
                async fn main(&self) {}
            ),
            "`main` is a free function, which has no `self`: take the value as an argument, as in `fn close(db: &Db)`",
        ),
        (
            quote!(
                async fn main() -> impl Sized {}
            ),
            "`main` has to name what it returns: `()`, `ExitCode`, or a `Result` of one of them",
        ),
        (
            quote!(
                async fn main();
            ),
            "`main` needs a body",
        ),
        (
            quote!(
                mod main {}
            ),
            "`#[lifecycle::main]` goes on a function",
        ),
    ] {
        assert_eq!(errors(attribute(quote!(), item.clone())), [says], "{item}");
    }
}

#[test]
fn worker_threads_need_a_runtime_that_has_them() {
    let tokens = attribute(
        quote!(worker_threads = 2, flavor = "current_thread"),
        quote!(
            async fn main() {}
        ),
    );
    assert_eq!(
        errors(tokens),
        ["`worker_threads` needs `flavor = \"multi_thread\"`: a `current_thread` runtime has none"]
    );
}
