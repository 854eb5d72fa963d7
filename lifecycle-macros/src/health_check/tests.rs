use expect_test::expect;
use quote::quote;

use super::attribute;
use crate::testing::{errors, expands};

#[test]
fn a_check() {
    expands(
        attribute(
            quote!(
                interval = "10s",
                retry = 3,
                delay = "0s",
                recover = Db::reconnect,
                when = CHECKED,
                label = Answers
            ),
            quote! { pub async fn answers(db: &Db) -> Result<(), Error> {} },
        ),
        &expect![[r#"
            pub async fn answers(db: &Db) -> Result<(), Error> {}
            #[doc(hidden)]
            #[allow(
                non_camel_case_types,
                dead_code,
                missing_copy_implementations,
                missing_debug_implementations
            )]
            #[allow(clippy::restriction)]
            pub struct Answers {}
            impl ::lifecycle::__private::HealthCheck for Answers {}
            #[allow(deprecated)]
            const _: () = {
                impl ::lifecycle::__private::Collected for Answers {
                    const LEFT: ::lifecycle::__private::Left = ::lifecycle::__private::Left::Check(
                        &::lifecycle::__private::CheckDef {
                            name: "Answers",
                            module: ::lifecycle::__private::module_path!(),
                            file: ::lifecycle::__private::file!(),
                            line: ::lifecycle::__private::line!(),
                            id: ::lifecycle::__private::TypeId::of::<Answers>,
                            keys: ::lifecycle::__private::CheckKeys {
                                interval: ::lifecycle::__private::Some(
                                    ::lifecycle::__private::Duration::new(10u64, 0u32),
                                ),
                                timeout: ::lifecycle::__private::None,
                                retry: ::lifecycle::__private::Some(3),
                                delay: ::lifecycle::__private::Some(
                                    ::lifecycle::__private::Duration::new(0u64, 0u32),
                                ),
                            },
                            function: |query| {
                                use ::lifecycle::__private::Otherwise as _;
                                match ::lifecycle::__private::asynchronous(
                                    query,
                                    (
                                        ::lifecycle::__private::arg::<&Db>()
                                            .lifecycle_kind()
                                            .lifecycle_kind(),
                                        (),
                                    ),
                                    ::lifecycle::__private::end::<Result<(), Error>, _, _>(),
                                ) {
                                    ::lifecycle::__private::Ok((end, (argument0, ()))) => {
                                        ::lifecycle::__private::pending(answers(argument0), end)
                                    }
                                    ::lifecycle::__private::Err(answer) => answer,
                                }
                            },
                            recover: ::lifecycle::__private::Some(|query| {
                                let function = Db::reconnect;
                                let tags = ::lifecycle::__private::path::look(function);
                                let _ = || {
                                    use ::lifecycle::__private::path::Known as _;
                                    ::lifecycle::__private::path::parameter(&tags.0)
                                        .lifecycle_known();
                                    ::lifecycle::__private::path::parameter(&tags.1)
                                        .lifecycle_known();
                                    ::lifecycle::__private::path::parameter(&tags.2)
                                        .lifecycle_known();
                                    ::lifecycle::__private::path::parameter(&tags.3)
                                        .lifecycle_known();
                                    ::lifecycle::__private::path::parameter(&tags.4)
                                        .lifecycle_known();
                                    ::lifecycle::__private::path::parameter(&tags.5)
                                        .lifecycle_known();
                                    ::lifecycle::__private::path::parameter(&tags.6)
                                        .lifecycle_known();
                                    ::lifecycle::__private::path::parameter(&tags.7)
                                        .lifecycle_known();
                                };
                                let (called, returned) = tags.8.lifecycle_called();
                                match called
                                    .ask(
                                        query,
                                        {
                                            use ::lifecycle::__private::Otherwise as _;
                                            ::lifecycle::__private::path::list(
                                                tags.0.usual().lifecycle_kind().lifecycle_kind(),
                                                ::lifecycle::__private::path::list(
                                                    tags.1.usual().lifecycle_kind().lifecycle_kind(),
                                                    ::lifecycle::__private::path::list(
                                                        tags.2.usual().lifecycle_kind().lifecycle_kind(),
                                                        ::lifecycle::__private::path::list(
                                                            tags.3.usual().lifecycle_kind().lifecycle_kind(),
                                                            ::lifecycle::__private::path::list(
                                                                tags.4.usual().lifecycle_kind().lifecycle_kind(),
                                                                ::lifecycle::__private::path::list(
                                                                    tags.5.usual().lifecycle_kind().lifecycle_kind(),
                                                                    ::lifecycle::__private::path::list(
                                                                        tags.6.usual().lifecycle_kind().lifecycle_kind(),
                                                                        ::lifecycle::__private::path::list(
                                                                            tags.7.usual().lifecycle_kind().lifecycle_kind(),
                                                                            (),
                                                                        ),
                                                                    ),
                                                                ),
                                                            ),
                                                        ),
                                                    ),
                                                ),
                                            )
                                        },
                                        returned.lifecycle_end(),
                                    )
                                {
                                    ::lifecycle::__private::Ok((end, lent)) => {
                                        called.call(function, lent, end)
                                    }
                                    ::lifecycle::__private::Err(answer) => answer,
                                }
                            }),
                            when: ::lifecycle::__private::Some(|| ::lifecycle::__private::function::condition(
                                (),
                                |held| {
                                    let () = ::lifecycle::__private::function::lend(held);
                                    ::lifecycle::__private::function::answer(CHECKED)
                                },
                            )),
                        },
                    );
                }
                ::lifecycle::__private::collected!(Answers);
            };
        "#]],
    );
}

#[test]
fn a_mistake_keeps_the_function_and_its_name() {
    let tokens = attribute(quote!(interval = 10), quote! { fn answers(db: &mut Db) {} });
    let text = tokens.to_string();
    assert!(text.contains("struct answers { }") && !text.contains("collected"), "{text}");
    assert_eq!(errors(tokens).len(), 2);
}

#[test]
fn it_does_not_recover_by_itself() {
    let found = errors(attribute(quote!(recover = answers), quote! { fn answers() {} }));
    assert_eq!(
        found,
        ["`answers` cannot recover by itself: it is run again after `recover` anyway; name another function"]
    );
}

#[test]
fn it_has_no_place_in_the_order() {
    let found = errors(attribute(quote!(order = 1), quote! { fn answers() {} }));
    assert!(found[0].starts_with("`order` belongs to `#[on_start]`, `#[on_shutdown]`"), "{found:?}");
}
