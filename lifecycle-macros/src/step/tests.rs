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
            mine::__private::step! {
                close_db query { match mine::__private::asynchronous(query
                .timeout(mine::__private::Duration::new(90u64, 0u32)), { let rest = (); #[cfg(unix)]
                let rest = (mine::__private::arg:: < & '_ Cache < '_ > > ().lifecycle_kind()
                .lifecycle_kind(), rest); let rest = (mine::__private::arg:: < Take < Pool > > ()
                .lifecycle_kind().lifecycle_kind(), rest); rest }, mine::__private::end:: < Result <
                (), Error >, _, _ > ()) { mine::__private::Ok((end, rest)) => { let (argument0, rest)
                = rest; #[cfg(unix)] let (argument1, rest) = rest; let () = rest;
                mine::__private::pending(close_db(argument0, #[cfg(unix)] argument1,), end) },
                mine::__private::Err(answer) => answer, } } "close_db" Shutdown[Order(- 5)] [pub
                (crate) struct close_db {}]
            }
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
            ::lifecycle::__private::step! {
                OpenDb(synchronous end { ::lifecycle::__private::ended(r#type(), end) }
                [.timeout(limits::OPEN)] [] = { let opened =
                ::lifecycle::__private::outcome::Return:: < Pool > ::NEW.lifecycle_open(); opened
                .ending(opened.lifecycle_give()) }) "OpenDb" Start[Free] [struct OpenDb {}]
            }
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
            #[allow(
                non_camel_case_types,
                dead_code,
                missing_copy_implementations,
                missing_debug_implementations
            )]
            #[allow(clippy::restriction)]
            struct Close {}
            #[allow(non_upper_case_globals)]
            const _: () = {
                static NODE_OF_Close: ::lifecycle::__private::NodeDef = ::lifecycle::__private::NodeDef {
                    name: "Close",
                    phase: ::lifecycle::__private::Phase::Shutdown,
                    id: ::lifecycle::__private::type_id::<Close>,
                    place: ::lifecycle::__private::PlaceDef::Free,
                    after: &[&Close_AFTER_flush, &Close_AFTER_move],
                    before: &[&Close_BEFORE_flush],
                };
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
                ::lifecycle::__private::step! {
                    Close(synchronous end { ::lifecycle::__private::ended(close(), end) } [] [] :
                    end[()]) = NODE_OF_Close
                }
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
            ::lifecycle::__private::step! {
                alert query { match ::lifecycle::__private::asynchronous(query,
                (::lifecycle::__private::last_arg:: < & Report > ().lifecycle_kind()
                .lifecycle_kind(), ()), ::lifecycle::__private::end:: < (), _, _ > ()) {
                ::lifecycle::__private::Ok((end, (argument0, ()))) =>
                ::lifecycle::__private::pending(alert(argument0,), end),
                ::lifecycle::__private::Err(answer) => answer, } } "alert" Shutdown[Last] [struct
                alert {}]
            }
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
    assert!(text.contains("step ! { close query"), "{text}");
    assert!(text.contains("strange"), "{text}");
    assert_eq!(errors(tokens).len(), 2);
}

#[test]
fn a_label_names_the_type_after_a_mistake_too() {
    let tokens = attribute(START, quote!(label = Opened, order = "x"), quote! { fn open() {} });
    assert!(tokens.to_string().contains("step ! { Opened query"), "{tokens}");
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
            "put `#[lifecycle::component]` on the `impl` block, which says what `self` is; or make a step a free function \
             that takes the value, as in `fn close(db: &Db)`. Where it is on the block already, write this attribute by its \
             own name: the component finds it by that",
        ),
        (
            quote!(
                fn f(db: &Self) {}
            ),
            "put `#[lifecycle::component]` on the `impl` block, which says what `Self` is; or make a step a free function \
             that takes the value, as in `fn close(db: &Db)`. Where it is on the block already, write this attribute by its \
             own name: the component finds it by that",
        ),
        (
            quote!(
                fn f() -> Self {}
            ),
            "put `#[lifecycle::component]` on the `impl` block, which says what `Self` is; or make a step a free function \
             that takes the value, as in `fn close(db: &Db)`. Where it is on the block already, write this attribute by its \
             own name: the component finds it by that",
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

#[test]
fn the_rare_keys() {
    expands_to(
        SHUTDOWN,
        quote!(
            attempt = "1s",
            retry = 2,
            backoff = PAUSE,
            fallback = files::write,
            when = |config: &Config, _: Arc<Db>| config.flush
        ),
        quote! { fn flush() {} },
        expect![[r#"
            fn flush() {}
            ::lifecycle::__private::step! {
                flush(synchronous end { ::lifecycle::__private::ended(flush(), end) } [.extra(const {
                & ::lifecycle::__private::StepExtra { attempt :
                ::lifecycle::__private::Some(::lifecycle::__private::Duration::new(1u64, 0u32)),
                retry : ::lifecycle::__private::Some(2), backoff :
                ::lifecycle::__private::Some(PAUSE), fallback : ::lifecycle::__private::Some(| query
                | { let function = files::write; let tags =
                ::lifecycle::__private::path::look(function); let _ = || { use
                ::lifecycle::__private::path::Known as _; ::lifecycle::__private::path::parameter(&
                tags.0).lifecycle_known(); ::lifecycle::__private::path::parameter(& tags.1)
                .lifecycle_known(); ::lifecycle::__private::path::parameter(& tags.2)
                .lifecycle_known(); ::lifecycle::__private::path::parameter(& tags.3)
                .lifecycle_known(); ::lifecycle::__private::path::parameter(& tags.4)
                .lifecycle_known(); ::lifecycle::__private::path::parameter(& tags.5)
                .lifecycle_known(); ::lifecycle::__private::path::parameter(& tags.6)
                .lifecycle_known(); ::lifecycle::__private::path::parameter(& tags.7)
                .lifecycle_known(); }; let (called, returned) = tags.8.lifecycle_called(); match
                called.ask(query, { use ::lifecycle::__private::Otherwise as _;
                ::lifecycle::__private::path::list(tags.0.usual().lifecycle_kind().lifecycle_kind(),
                ::lifecycle::__private::path::list(tags.1.usual().lifecycle_kind().lifecycle_kind(),
                ::lifecycle::__private::path::list(tags.2.usual().lifecycle_kind().lifecycle_kind(),
                ::lifecycle::__private::path::list(tags.3.usual().lifecycle_kind().lifecycle_kind(),
                ::lifecycle::__private::path::list(tags.4.usual().lifecycle_kind().lifecycle_kind(),
                ::lifecycle::__private::path::list(tags.5.usual().lifecycle_kind().lifecycle_kind(),
                ::lifecycle::__private::path::list(tags.6.usual().lifecycle_kind().lifecycle_kind(),
                ::lifecycle::__private::path::list(tags.7.usual().lifecycle_kind().lifecycle_kind(),
                ())))))))) }, returned.lifecycle_end()) { ::lifecycle::__private::Ok((end, lent)) =>
                called.call(function, lent, end), ::lifecycle::__private::Err(answer) => answer, }
                }), when : ::lifecycle::__private::Some(||
                ::lifecycle::__private::function::condition({ use ::lifecycle::__private::Otherwise
                as _; (::lifecycle::__private::arg:: < & Config > ().lifecycle_kind()
                .lifecycle_kind(), (::lifecycle::__private::arg:: < Arc < Db > > ().lifecycle_kind()
                .lifecycle_kind(), ())) }, | held | { let (argument0, (argument1, ())) =
                ::lifecycle::__private::function::lend(held); let ask = | config : & Config, _ : Arc
                < Db > | config.flush; ::lifecycle::__private::function::answer(ask(argument0,
                argument1,)) })), .. ::lifecycle::__private::StepExtra::NONE } })] [] : end[()])
                "flush" Shutdown[Free] [struct flush {}]
            }
        "#]],
    );
}

#[test]
fn what_contradicts_itself() {
    for (keys, says) in [
        (
            quote!(attempt = "6s", timeout = "5s", retry = 1),
            "an attempt cannot take longer than `timeout`, which bounds all attempts together: write a shorter `attempt`, or \
             a longer `timeout`",
        ),
        (
            quote!(backoff = "6s"),
            "`backoff` is the pause before another attempt, and there is none: write `retry = 2` too",
        ),
        (quote!(fallback = f), "`f` cannot stand in for itself: to try it again, write `retry = 2`"),
        (quote!(fallback = self::f), "`f` cannot stand in for itself: to try it again, write `retry = 2`"),
        (
            quote!(when = async |db: &Db| true),
            "`when` is answered at once, before the step begins: remove `async`",
        ),
        (
            quote!(when = |config| config.flush),
            "a resource is found by its type: write it, as in `|config: &Config|`",
        ),
        (
            quote!(when = |config: _| config.flush),
            "a resource is found by its type: write it, as in `|config: &Config|`",
        ),
        (
            quote!(when = |config: &mut Config| config.flush()),
            "a resource is shared, so it cannot be borrowed with `&mut`: write `&Config` with a lock inside, or \
             `Take<Config>` to move it out",
        ),
    ] {
        let item = quote!(
            fn f() {}
        );
        assert_eq!(errors(attribute(SHUTDOWN, keys.clone(), item)), [says], "{keys}");
    }
}
