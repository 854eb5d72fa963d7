use expect_test::expect;
use proc_macro2::TokenStream;
use quote::quote;

use super::attribute;
use crate::keys::{SHUTDOWN, START};
use crate::testing::{errors, expands};

#[test]
fn a_shutdown_step() {
    let item = quote! {
        /// Closes it.
        pub(crate) async fn close_db<'a>(Take(db): Take<Pool>, #[cfg(unix)] cache: &'a Cache<'a>) -> Result<(), Error> {
            not parsed
        }
    };
    expands_to(
        SHUTDOWN,
        quote!(timeout = "1m 30s", order = -5, crate = mine),
        item,
        expect![[r#"
            /// Closes it.
            pub(crate) async fn close_db<'a>(
                Take(db): Take<Pool>,
                #[cfg(unix)]
                cache: &'a Cache<'a>,
            ) -> Result<(), Error> {}
            #[doc(hidden)]
            #[allow(non_camel_case_types, dead_code)]
            pub(crate) struct close_db {}
            #[allow(deprecated, non_upper_case_globals)]
            const _: () = {
                impl mine::__private::Step for close_db {}
                static NODE_OF_close_db: mine::__private::NodeDef = mine::__private::NodeDef {
                    name: "close_db",
                    phase: mine::__private::Phase::Shutdown,
                    id: mine::__private::TypeId::of::<close_db>,
                    place: mine::__private::PlaceDef::Order(-5),
                    after: &[],
                    before: &[],
                };
                impl mine::__private::Node for close_db {
                    const NODE: &'static mine::__private::NodeDef = &NODE_OF_close_db;
                }
                #[allow(unreachable_pub)]
                impl close_db {
                    #[doc(hidden)]
                    pub const fn lifecycle_node() -> &'static mine::__private::NodeDef {
                        &NODE_OF_close_db
                    }
                }
                mine::__private::inventory::submit(mine::__private::StepDef {
                    name: "close_db",
                    module: mine::__private::module_path!(),
                    file: mine::__private::file!(),
                    line: mine::__private::line!(),
                    id: mine::__private::TypeId::of::<close_db>,
                    phase: mine::__private::Phase::Shutdown,
                    node: &NODE_OF_close_db,
                    keys: mine::__private::StepKeys {
                        order: NODE_OF_close_db.order(),
                        timeout: mine::__private::Some(mine::__private::Duration::new(90u64, 0u32)),
                        last: false,
                    },
                    signature: |signature: &mut mine::__private::Signature| {
                        use mine::__private::argument::{
                            ByClone as _, ByNothing as _, ByOption as _, BySpecial as _,
                            ByWrapper as _,
                        };
                        signature
                            .takes((&&&&&mine::__private::argument::Arg::<Take<Pool>>::NEW).kind());
                        #[cfg(unix)]
                        signature
                            .takes(
                                (&&&&&mine::__private::argument::Arg::<&'_ Cache<'_>>::NEW).kind(),
                            );
                    },
                    call: |
                        inputs: &mut mine::__private::Inputs<'_>,
                    | -> mine::__private::Result<mine::__private::Call, mine::__private::Missing> {
                        use mine::__private::argument::{
                            ByClone as _, ByNothing as _, ByOption as _, BySpecial as _,
                            ByWrapper as _,
                        };
                        let mut argument0 = mine::__private::argument::hold(
                            (&&&&&mine::__private::argument::Arg::<Take<Pool>>::NEW).kind(),
                            inputs,
                        )?;
                        #[cfg(unix)]
                        let mut argument1 = mine::__private::argument::hold(
                            (&&&&&mine::__private::argument::Arg::<&'_ Cache<'_>>::NEW).kind(),
                            inputs,
                        )?;
                        mine::__private::Ok(
                            mine::__private::Call::Async(
                                mine::__private::Box::pin(async move {
                                    let returned = close_db(
                                            argument0.lend(),
                                            #[cfg(unix)]
                                            argument1.lend(),
                                        )
                                        .await;
                                    use mine::__private::outcome::{OpenPlain as _, OpenResult as _};
                                    let opened = (&&mine::__private::outcome::Return::<
                                        Result<(), Error>,
                                    >::NEW)
                                        .open();
                                    opened.value().end(opened.split(returned))
                                }),
                            ),
                        )
                    },
                    extra: mine::__private::None,
                });
            };
        "#]],
    );
}

#[test]
fn a_start_step() {
    let item = quote! { fn r#type() -> Pool { body } };
    expands_to(
        START,
        quote!(timeout = limits::OPEN, label = OpenDb),
        item,
        expect![[r#"
            fn r#type() -> Pool {
                body
            }
            #[doc(hidden)]
            #[allow(non_camel_case_types, dead_code)]
            struct OpenDb {}
            #[allow(deprecated, non_upper_case_globals)]
            const _: () = {
                impl ::lifecycle::__private::Step for OpenDb {}
                static NODE_OF_OpenDb: ::lifecycle::__private::NodeDef = ::lifecycle::__private::NodeDef {
                    name: "OpenDb",
                    phase: ::lifecycle::__private::Phase::Start,
                    id: ::lifecycle::__private::TypeId::of::<OpenDb>,
                    place: ::lifecycle::__private::PlaceDef::Free,
                    after: &[],
                    before: &[],
                };
                impl ::lifecycle::__private::Node for OpenDb {
                    const NODE: &'static ::lifecycle::__private::NodeDef = &NODE_OF_OpenDb;
                }
                #[allow(unreachable_pub)]
                impl OpenDb {
                    #[doc(hidden)]
                    pub const fn lifecycle_node() -> &'static ::lifecycle::__private::NodeDef {
                        &NODE_OF_OpenDb
                    }
                }
                ::lifecycle::__private::inventory::submit(::lifecycle::__private::StepDef {
                    name: "OpenDb",
                    module: ::lifecycle::__private::module_path!(),
                    file: ::lifecycle::__private::file!(),
                    line: ::lifecycle::__private::line!(),
                    id: ::lifecycle::__private::TypeId::of::<OpenDb>,
                    phase: ::lifecycle::__private::Phase::Start,
                    node: &NODE_OF_OpenDb,
                    keys: ::lifecycle::__private::StepKeys {
                        order: NODE_OF_OpenDb.order(),
                        timeout: ::lifecycle::__private::Some(limits::OPEN),
                        last: false,
                    },
                    signature: |signature: &mut ::lifecycle::__private::Signature| {
                        {
                            use ::lifecycle::__private::outcome::{
                                GiveFuture as _, GiveItself as _, GiveNothing as _, GiveResult as _,
                                GiveShareable as _, GiveTakeOnly as _, OpenPlain as _,
                                OpenResult as _,
                            };
                            let value = (&&::lifecycle::__private::outcome::Return::<Pool>::NEW)
                                .open()
                                .value();
                            signature.gives((&&&&value).give(), value);
                        }
                    },
                    call: |
                        inputs: &mut ::lifecycle::__private::Inputs<'_>,
                    | -> ::lifecycle::__private::Result<
                        ::lifecycle::__private::Call,
                        ::lifecycle::__private::Missing,
                    > {
                        ::lifecycle::__private::Ok(
                            ::lifecycle::__private::Call::Sync(
                                ::lifecycle::__private::Box::new(move || {
                                    let returned = r#type();
                                    use ::lifecycle::__private::outcome::{
                                        GiveFuture as _, GiveItself as _, GiveNothing as _,
                                        GiveResult as _, GiveShareable as _, GiveTakeOnly as _,
                                        OpenPlain as _, OpenResult as _,
                                    };
                                    let opened = (&&::lifecycle::__private::outcome::Return::<
                                        Pool,
                                    >::NEW)
                                        .open();
                                    ::lifecycle::__private::outcome::given(
                                        (&&&&opened.value()).give(),
                                        opened.split(returned),
                                    )
                                }),
                            ),
                        )
                    },
                    extra: ::lifecycle::__private::None,
                });
            };
        "#]],
    );
}

#[test]
fn a_step_with_edges() {
    expands_to(
        SHUTDOWN,
        quote!(after = [db::flush, r#move], before = ::other::flush, label = Close),
        quote! { fn close() {} },
        expect![[r#"
            fn close() {}
            #[doc(hidden)]
            #[allow(non_camel_case_types, dead_code)]
            struct Close {}
            #[allow(deprecated, non_upper_case_globals)]
            const _: () = {
                impl ::lifecycle::__private::Step for Close {}
                static NODE_OF_Close: ::lifecycle::__private::NodeDef = ::lifecycle::__private::NodeDef {
                    name: "Close",
                    phase: ::lifecycle::__private::Phase::Shutdown,
                    id: ::lifecycle::__private::TypeId::of::<Close>,
                    place: ::lifecycle::__private::PlaceDef::Free,
                    after: &[&Close_AFTER_flush, &Close_AFTER_move],
                    before: &[&Close_BEFORE_flush],
                };
                impl ::lifecycle::__private::Node for Close {
                    const NODE: &'static ::lifecycle::__private::NodeDef = &NODE_OF_Close;
                }
                #[allow(unreachable_pub)]
                impl Close {
                    #[doc(hidden)]
                    pub const fn lifecycle_node() -> &'static ::lifecycle::__private::NodeDef {
                        &NODE_OF_Close
                    }
                }
                static Close_AFTER_flush: ::lifecycle::__private::EdgeDef = {
                    use ::lifecycle::__private::AnyNode as _;
                    <db::flush>::lifecycle_node().after("db::flush")
                };
                static Close_AFTER_move: ::lifecycle::__private::EdgeDef = {
                    use ::lifecycle::__private::AnyNode as _;
                    <r#move>::lifecycle_node().after("r#move")
                };
                static Close_BEFORE_flush: ::lifecycle::__private::EdgeDef = {
                    use ::lifecycle::__private::AnyNode as _;
                    <::other::flush>::lifecycle_node().before("::other::flush")
                };
                const _: () = ::lifecycle::__private::order::after(
                    &NODE_OF_Close,
                    &Close_AFTER_flush,
                );
                const _: () = ::lifecycle::__private::order::after(
                    &NODE_OF_Close,
                    &Close_AFTER_move,
                );
                const _: () = ::lifecycle::__private::order::before(
                    &NODE_OF_Close,
                    &Close_BEFORE_flush,
                );
                ::lifecycle::__private::inventory::submit(::lifecycle::__private::StepDef {
                    name: "Close",
                    module: ::lifecycle::__private::module_path!(),
                    file: ::lifecycle::__private::file!(),
                    line: ::lifecycle::__private::line!(),
                    id: ::lifecycle::__private::TypeId::of::<Close>,
                    phase: ::lifecycle::__private::Phase::Shutdown,
                    node: &NODE_OF_Close,
                    keys: ::lifecycle::__private::StepKeys {
                        order: NODE_OF_Close.order(),
                        timeout: ::lifecycle::__private::None,
                        last: false,
                    },
                    signature: |signature: &mut ::lifecycle::__private::Signature| {},
                    call: |
                        inputs: &mut ::lifecycle::__private::Inputs<'_>,
                    | -> ::lifecycle::__private::Result<
                        ::lifecycle::__private::Call,
                        ::lifecycle::__private::Missing,
                    > {
                        ::lifecycle::__private::Ok(
                            ::lifecycle::__private::Call::Sync(
                                ::lifecycle::__private::Box::new(move || {
                                    let returned = close();
                                    use ::lifecycle::__private::outcome::{
                                        OpenPlain as _, OpenResult as _,
                                    };
                                    let opened = (&&::lifecycle::__private::outcome::Return::<
                                        (),
                                    >::NEW)
                                        .open();
                                    opened.value().end(opened.split(returned))
                                }),
                            ),
                        )
                    },
                    extra: ::lifecycle::__private::None,
                });
            };
        "#]],
    );
}

#[test]
fn a_last_step() {
    expands_to(
        SHUTDOWN,
        quote!(last),
        quote! { async fn alert(report: &Report) { body } },
        expect![[r#"
            async fn alert(report: &Report) {
                body
            }
            #[doc(hidden)]
            #[allow(non_camel_case_types, dead_code)]
            struct alert {}
            #[allow(deprecated, non_upper_case_globals)]
            const _: () = {
                impl ::lifecycle::__private::Step for alert {}
                static NODE_OF_alert: ::lifecycle::__private::NodeDef = ::lifecycle::__private::NodeDef {
                    name: "alert",
                    phase: ::lifecycle::__private::Phase::Shutdown,
                    id: ::lifecycle::__private::TypeId::of::<alert>,
                    place: ::lifecycle::__private::PlaceDef::Last,
                    after: &[],
                    before: &[],
                };
                impl ::lifecycle::__private::Node for alert {
                    const NODE: &'static ::lifecycle::__private::NodeDef = &NODE_OF_alert;
                }
                #[allow(unreachable_pub)]
                impl alert {
                    #[doc(hidden)]
                    pub const fn lifecycle_node() -> &'static ::lifecycle::__private::NodeDef {
                        &NODE_OF_alert
                    }
                }
                ::lifecycle::__private::inventory::submit(::lifecycle::__private::StepDef {
                    name: "alert",
                    module: ::lifecycle::__private::module_path!(),
                    file: ::lifecycle::__private::file!(),
                    line: ::lifecycle::__private::line!(),
                    id: ::lifecycle::__private::TypeId::of::<alert>,
                    phase: ::lifecycle::__private::Phase::Shutdown,
                    node: &NODE_OF_alert,
                    keys: ::lifecycle::__private::StepKeys {
                        order: NODE_OF_alert.order(),
                        timeout: ::lifecycle::__private::None,
                        last: true,
                    },
                    signature: |signature: &mut ::lifecycle::__private::Signature| {
                        use ::lifecycle::__private::argument::{
                            ByClone as _, ByNothing as _, ByOption as _, BySpecial as _,
                            ByWrapper as _,
                        };
                        signature
                            .takes_last(
                                (&&&&&::lifecycle::__private::argument::Arg::<&Report>::NEW).kind(),
                            );
                    },
                    call: |
                        inputs: &mut ::lifecycle::__private::Inputs<'_>,
                    | -> ::lifecycle::__private::Result<
                        ::lifecycle::__private::Call,
                        ::lifecycle::__private::Missing,
                    > {
                        use ::lifecycle::__private::argument::{
                            ByClone as _, ByNothing as _, ByOption as _, BySpecial as _,
                            ByWrapper as _,
                        };
                        let mut argument0 = ::lifecycle::__private::argument::hold(
                            (&&&&&::lifecycle::__private::argument::Arg::<&Report>::NEW).kind(),
                            inputs,
                        )?;
                        ::lifecycle::__private::Ok(
                            ::lifecycle::__private::Call::Async(
                                ::lifecycle::__private::Box::pin(async move {
                                    let returned = alert(argument0.lend()).await;
                                    use ::lifecycle::__private::outcome::{
                                        OpenPlain as _, OpenResult as _,
                                    };
                                    let opened = (&&::lifecycle::__private::outcome::Return::<
                                        (),
                                    >::NEW)
                                        .open();
                                    opened.value().end(opened.split(returned))
                                }),
                            ),
                        )
                    },
                    extra: ::lifecycle::__private::None,
                });
            };
        "#]],
    );
}

fn expands_to(on: crate::keys::On, keys: TokenStream, item: TokenStream, expected: expect_test::Expect) {
    let function = item.clone();
    let tokens = attribute(on, keys, item);
    assert!(tokens.to_string().starts_with(&function.to_string()), "the function stays as it is");
    // The body is no Rust, on purpose; the formatter wants some.
    let tokens: TokenStream = tokens.to_string().replace("not parsed", "").parse().unwrap();
    expands(tokens, &expected);
}

#[test]
fn a_mistake_keeps_the_function_and_its_name() {
    let item = quote! { pub async fn close(x: &mut Db) {} };
    let tokens = attribute(SHUTDOWN, quote!(ordr = 1), item.clone());
    let text = tokens.to_string();
    assert!(text.starts_with(&item.to_string()));
    assert!(text.contains("pub struct close { }"), "{text}");
    assert!(!text.contains("inventory"), "{text}");
    assert_eq!(errors(tokens).len(), 2);
}

#[test]
fn a_label_names_the_type_after_a_mistake_too() {
    let tokens = attribute(START, quote!(label = Opened, order = "x"), quote! { fn open() {} });
    assert!(tokens.to_string().contains("struct Opened"), "{tokens}");
}

#[test]
fn a_method_gets_no_type_which_could_not_stand_there() {
    for item in [quote! { fn close(&self) {} }, quote! { fn close(); }] {
        let tokens = attribute(SHUTDOWN, quote!(), item);
        assert!(!tokens.to_string().contains("struct"), "{tokens}");
        assert_eq!(errors(tokens).len(), 1);
    }
}

#[test]
fn what_is_no_function_stays_too() {
    let tokens = attribute(START, quote!(), quote! { struct Db; });
    assert!(tokens.to_string().starts_with("struct Db ;"));
    assert_eq!(errors(tokens), ["`#[on_start]` goes on a function"]);
}

#[test]
fn signatures_that_no_library_can_call() {
    for (item, says) in [
        (
            quote!(
                fn f<T>(t: T) {}
            ),
            "a step is called by the library, which cannot choose `T`: write the type itself",
        ),
        (
            quote!(
                fn f<const N: usize>() {}
            ),
            "a step is called by the library, which cannot choose `N`: write the number itself",
        ),
        (
            quote!(
                fn f(t: &impl Sized) {}
            ),
            "a step is called by the library, which cannot choose a type for `impl Trait`: write the type itself",
        ),
        (
            quote!(
                fn f(db: &mut Db) {}
            ),
            "a resource is shared, so it cannot be borrowed with `&mut`: write `&Db` with a lock inside, or `Take<Db>` to \
             move it out",
        ),
        (
            quote!(
                fn f(db: &'static Db) {}
            ),
            "a resource is borrowed for the call only: write `&Db`, or `Arc<Db>` to keep it",
        ),
        (
            quote!(
                fn f(self) {}
            ),
            "a step is a free function, which has no `self`: take the value as an argument, as in `fn close(db: &Db)`",
        ),
        (
            quote!(
                fn f(db: &Self) {}
            ),
            "a step is a free function, which has no `Self`: write the type's name",
        ),
        (
            quote!(
                fn f() -> Self {}
            ),
            "a step is a free function, which has no `Self`: write the type's name",
        ),
        (
            quote!(
                fn f() -> Vec<impl Sized> {}
            ),
            "the library has to know what a step returns: write the type itself instead of `impl Trait`",
        ),
        (
            quote!(
                fn f() -> ! {}
            ),
            "a step has to return: its end is what comes next",
        ),
        (
            quote!(
                const fn f() {}
            ),
            "a step cannot be a `const fn`: remove `const`",
        ),
        (
            quote!(
                unsafe fn f() {}
            ),
            "a step is called by the library, which cannot promise what an `unsafe fn` asks for: wrap it in a safe function",
        ),
        (
            quote!(
                extern "C" fn f() {}
            ),
            "a step is a Rust function: remove `extern`, or call this function from another one",
        ),
        (
            quote!(
                fn f(x: &u8, ...) {}
            ),
            "a step cannot be variadic: every argument is found by its type",
        ),
    ] {
        assert_eq!(errors(attribute(SHUTDOWN, quote!(), item.clone())), [says], "{item}");
    }
    let both = attribute(
        SHUTDOWN,
        quote!(last, order = 1),
        quote!(
            fn f() {}
        ),
    );
    assert_eq!(errors(both), ["a `last` step comes after every order: remove `order`, or `last`"]);
}
