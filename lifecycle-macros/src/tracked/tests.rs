use expect_test::expect;
use quote::quote;

use super::attribute;
use crate::testing::{errors, expands};

#[test]
fn an_async_fn() {
    let item = quote! {
        #[before]
        pub async fn create<T: Clone>(State(db): State<Db>, _: u8, mut order: T) -> Result<impl Sized, Error>
        where
            T: Send,
        {
            #![allow(unused)]
            body
        }
    };
    expands(
        attribute(quote!(), item),
        &expect![[r##"
            #[before]
            pub async fn create<T: Clone>(
                State(db): State<Db>,
                argument1: u8,
                mut order: T,
            ) -> Result<impl Sized, Error>
            where
                T: Send,
            {
                #![allow(unused)]
                let entry = ::lifecycle::__private::tracked::enter({
                    static SITE: ::lifecycle::__private::Site = ::lifecycle::__private::Site::here(
                        "create",
                        ::lifecycle::__private::module_path!(),
                        false,
                    );
                    || &SITE
                });
                if let ::lifecycle::__private::tracked::Entry::Refused(rejected) = entry {
                    return ::lifecycle::__private::tracked::refuse::<Result<_, Error>>(rejected);
                }
                ::lifecycle::__private::tracked::run(
                        entry,
                        async move {
                            if false {
                                return ::lifecycle::__private::tracked::hint::<Result<_, Error>>();
                            }
                            #[allow(clippy::used_underscore_binding)]
                            let _ = (&order, &argument1, &db);
                            match () {
                                () => body,
                            }
                        },
                    )
                    .await
            }
        "##]],
    );
}

#[test]
fn a_sync_method() {
    let method = attribute(
        quote!(reject = 0, name = "desk.count"),
        quote! { fn count(&mut self, (a, ..): Pair) -> u8 { a } },
    );
    expands(
        quote! { impl Desk { #method } },
        &expect![[r#"
            impl Desk {
                fn count(&mut self, argument1: Pair) -> u8 {
                    let body = ::lifecycle::__private::tracked::once(move || -> u8 {
                        #[allow(clippy::used_underscore_binding)]
                        let _ = (&argument1, &self);
                        let mut argument1 = argument1;
                        #[allow(clippy::toplevel_ref_arg)]
                        let (a, ..) = argument1;
                        match () {
                            () => a,
                        }
                    });
                    let shape = ::lifecycle::__private::tracked::Returned::<u8>::NEW
                        .lifecycle_shape();
                    shape
                        .refuse_with(
                            {
                                static SITE: ::lifecycle::__private::Site = ::lifecycle::__private::Site::here(
                                    "desk.count",
                                    ::lifecycle::__private::module_path!(),
                                    false,
                                );
                                &SITE
                            },
                            || 0,
                            body,
                        )
                }
            }
        "#]],
    );
}

#[test]
fn an_id_and_a_span_of_an_async_fn() {
    let item = quote! { async fn checkout(order: Order) -> Answer { body } };
    expands(
        attribute(quote!(id = order.id, span, name = "shop.checkout"), item),
        &expect![[r#"
            async fn checkout(order: Order) -> Answer {
                let identity = {
                    ::lifecycle::__private::tracked::Identity::of(
                            {
                                static IDS: ::lifecycle::__private::CallIds = ::lifecycle::__private::CallIds::here(
                                    "shop.checkout",
                                );
                                &IDS
                            },
                            &(order.id),
                        )
                        .in_span(|id| ::lifecycle::__private::info_span!("shop.checkout", id))
                };
                let entry = ::lifecycle::__private::tracked::enter({
                    static SITE: ::lifecycle::__private::Site = ::lifecycle::__private::Site::here(
                        "shop.checkout",
                        ::lifecycle::__private::module_path!(),
                        false,
                    );
                    || &SITE
                });
                if let ::lifecycle::__private::tracked::Entry::Refused(rejected) = entry {
                    return ::lifecycle::__private::tracked::refuse::<Answer>(rejected);
                }
                ::lifecycle::__private::tracked::run(
                        entry,
                        identity
                            .future(async move {
                                if false {
                                    return ::lifecycle::__private::tracked::hint::<Answer>();
                                }
                                #[allow(clippy::used_underscore_binding)]
                                let _ = (&order,);
                                match () {
                                    () => body,
                                }
                            }),
                    )
                    .await
            }
        "#]],
    );
}

#[test]
fn an_id_in_part_of_a_sync_fn() {
    let item = quote! { fn count((a, ..): Pair) -> u8 { a } };
    expands(
        attribute(quote!(id = a, reject = 0), item),
        &expect![[r#"
        fn count(argument0: Pair) -> u8 {
            let identity = {
                #[allow(unused_variables, clippy::toplevel_ref_arg)]
                let (ref a, ..) = argument0;
                ::lifecycle::__private::tracked::Identity::of(
                    {
                        static IDS: ::lifecycle::__private::CallIds = ::lifecycle::__private::CallIds::here(
                            "count",
                        );
                        &IDS
                    },
                    &(a),
                )
            };
            let body = ::lifecycle::__private::tracked::once(move || -> u8 {
                #[allow(clippy::used_underscore_binding)]
                let _ = (&argument0,);
                let mut argument0 = argument0;
                #[allow(clippy::toplevel_ref_arg)]
                let (a, ..) = argument0;
                match () {
                    () => a,
                }
            });
            let shape = ::lifecycle::__private::tracked::Returned::<u8>::NEW.lifecycle_shape();
            let (shape, body) = shape.identified(identity, body);
            shape
                .refuse_with(
                    {
                        static SITE: ::lifecycle::__private::Site = ::lifecycle::__private::Site::here(
                            "count",
                            ::lifecycle::__private::module_path!(),
                            false,
                        );
                        &SITE
                    },
                    || 0,
                    body,
                )
        }
    "#]],
    );
}

#[test]
fn a_span_alone() {
    let item = quote! { async fn checkout() { body } };
    expands(
        attribute(quote!(span, admit = always), item),
        &expect![[r#"
            async fn checkout() {
                let identity = {
                    ::lifecycle::__private::tracked::Identity::NONE
                        .in_span(|_| ::lifecycle::__private::info_span!("checkout"))
                };
                let entry = ::lifecycle::__private::tracked::enter({
                    static SITE: ::lifecycle::__private::Site = ::lifecycle::__private::Site::here(
                        "checkout",
                        ::lifecycle::__private::module_path!(),
                        true,
                    );
                    || &SITE
                });
                ::lifecycle::__private::tracked::run(
                        entry,
                        identity
                            .future(async move {
                                if false {
                                    return ::lifecycle::__private::tracked::hint::<()>();
                                }
                                match () {
                                    () => body,
                                }
                            }),
                    )
                    .await
            }
        "#]],
    );
}

#[test]
fn a_hidden_type() {
    let item = quote! { fn hidden(x: &u8) -> impl Future<Output = u8> { async move { *x } } };
    expands(
        attribute(quote!(admit = always, crate = mine), item),
        &expect![[r#"
            fn hidden(x: &u8) -> impl Future<Output = u8> {
                let body = mine::__private::tracked::once(move || {
                    #[allow(clippy::used_underscore_binding)]
                    let _ = (&x,);
                    match () {
                        () => async move { *x },
                    }
                });
                let shape = mine::__private::tracked::hidden_by(&body).lifecycle_shape();
                shape
                    .never_refuse(
                        {
                            static SITE: mine::__private::Site = mine::__private::Site::here(
                                "hidden",
                                mine::__private::module_path!(),
                                true,
                            );
                            &SITE
                        },
                        body,
                    )
            }
        "#]],
    );
}

#[test]
fn a_group_is_asked_for_its_gate() {
    let keys = quote!(group = jobs::Jobs, crate = mine);
    for item in [
        quote!(
            fn f() -> Answer {
                x
            }
        ),
        quote!(
            async fn f() -> Answer {
                x
            }
        ),
    ] {
        let text = attribute(keys.clone(), item).to_string();
        let of = quote!(false).to_string()
            + ") "
            + &quote!(.of(<jobs::Jobs as mine::__private::Group>::gate)).to_string();
        assert!(text.contains(&of), "{text}");
    }
}

#[test]
fn a_mistake_keeps_the_function() {
    for (keys, item, says) in [
        (
            quote!(reject = 1, admit = always),
            quote!(
                fn f() -> u8 {
                    x
                }
            ),
            "with `admit = always` no call is refused: remove `reject`, or `admit`",
        ),
        (
            quote!(),
            quote!(
                const fn f() -> u8 {
                    x
                }
            ),
            "a `const fn` cannot be tracked: its calls are counted at run time; remove `const`, or track what calls it",
        ),
        (
            quote!(reject = 1),
            quote!(
                unsafe extern "C" fn f(x: u8, ...) -> u8 {
                    x
                }
            ),
            "a variadic function cannot be tracked: track the function that it hands its arguments to",
        ),
        (
            quote!(reject = 1),
            quote!(
                fn f();
            ),
            "`#[tracked]` needs a body: put it on the functions that implement this one",
        ),
        (
            quote!(admit = always),
            quote!(
                fn f() -> ! {
                    x
                }
            ),
            "a call that never returns would hold up every shutdown until its drain times out: track the functions that it calls",
        ),
        (
            quote!(),
            quote!(
                async fn f() {
                    x
                }
            ),
            "`f` returns nothing, so a refused call would look like a finished one\nwrite `#[tracked(reject = ())]` if that \
             is what you want, or return a `Result` whose error is `From<lifecycle::Rejected>`, or never refuse a call: \
             `#[tracked(admit = always)]`",
        ),
        (
            quote!(),
            quote!(
                async fn f() -> impl Sized {
                    x
                }
            ),
            "a refused call of `f` has nothing to return: the library cannot make a value of `impl Trait`\nwrite the value \
             of a refused call: `#[tracked(reject = expr)]`, or name the type, a `Result` whose error is \
             `From<lifecycle::Rejected>`, or never refuse a call: `#[tracked(admit = always)]`",
        ),
        (
            quote!(reject),
            quote!(
                fn f() {
                    x
                }
            ),
            "`reject` lacks its value: write for example `reject = ()`",
        ),
        (
            quote!(),
            quote!(
                static F: u8 = 1;
            ),
            "`#[tracked]` goes on a function",
        ),
    ] {
        let tokens = attribute(keys, item.clone());
        assert!(tokens.to_string().starts_with(&item.to_string()), "{tokens}");
        assert_eq!(errors(tokens), [says], "{item}");
    }
}
