use expect_test::expect;
use proc_macro2::{Delimiter, Group, TokenStream};
use quote::quote;

use super::attribute;
use crate::testing::{errors, expands};

fn found(item: TokenStream) -> Vec<String> {
    errors(attribute(quote!(), item))
}

#[test]
fn a_component() {
    let item = quote! {
        impl Pool<u8> {
            const SIZE: u8 = { 3 };
            /// Opens it.
            #[on_start(timeout = "1s")]
            pub async fn open(config: &Config) -> Result<Self, Error> {}
            fn plain(&self) {}
            #[cfg(unix)]
            #[on_shutdown(label = ClosePool, fallback = Self::drop_all)]
            fn close(self: Arc<Self>) {}
            #[tracked]
            fn get(&self) {}
        }
    };
    expands(
        attribute(quote!(), item),
        &expect![[r#"
            impl Pool<u8> {
                const SIZE: u8 = { 3 };
                /// Opens it.
                #[on_start(__of_a_component)]
                pub async fn open(config: &Config) -> Result<Self, Error> {}
                fn plain(&self) {}
                #[cfg(unix)]
                #[on_shutdown(__of_a_component)]
                fn close(self: Arc<Self>) {}
                #[tracked]
                fn get(&self) {}
            }
            const _: () = {
                ::lifecycle::__private::step! {
                    lifecycle_method_open(asynchronous end { ::lifecycle::__private::pending(< Pool <
                    u8 > > ::open(argument0,), end) } [.line(::lifecycle::__private::Here.line())
                    .timeout(::lifecycle::__private::Duration::new(1u64, 0u32))]
                    [argument0(::lifecycle::__private::arg:: < & Config > ().lifecycle_kind()
                    .lifecycle_kind())] = { let opened = ::lifecycle::__private::outcome::Return:: <
                    Result < Pool < u8 >, Error > > ::NEW.lifecycle_open(); opened.ending(opened
                    .lifecycle_give()) }) "Pool::open" Start[Free] [struct lifecycle_method_open {}]
                }
            };
            #[cfg(unix)]
            ::lifecycle::__private::step! {
                ClosePool(synchronous end { ::lifecycle::__private::ended(< Pool < u8 > >
                ::close(argument0,), end) } [.line(::lifecycle::__private::Here.line()).extra(const {
                & ::lifecycle::__private::StepExtra { fallback : ::lifecycle::__private::Some(| query
                | { let function = < Pool < u8 > > ::drop_all; let tags =
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
                }), .. ::lifecycle::__private::StepExtra::NONE } })]
                [argument0(::lifecycle::__private::arg:: < Arc < Pool < u8 > > > ().lifecycle_kind()
                .lifecycle_kind())] : end[()]) "ClosePool" Shutdown[Free] [struct ClosePool {}]
            }
        "#]],
    );
}

#[test]
fn the_block_stays_but_for_the_keys() {
    let item = quote! {
        #[doc = "x"]
        impl Pool {
            #![allow(x)]
            #[worker(restart = never)] #[inline] pub(crate) fn poll(&self) { not rust => @ }
            any! { #[on_start] fn f() {} }
        }
    };
    let text = attribute(quote!(), item).to_string();
    let block = quote! {
        #[doc = "x"]
        impl Pool {
            #![allow(x)]
            #[worker(__of_a_component)] #[inline] pub(crate) fn poll(&self) { not rust => @ }
            any! { #[on_start] fn f() {} }
        }
    };
    assert!(text.starts_with(&block.to_string()), "{text}");
    let method = quote! { fn poll(&self) {} };
    assert_eq!(
        crate::worker::attribute(quote!(__of_a_component), method.clone()).to_string(),
        method.to_string(),
        "the method's own attribute adds nothing"
    );
}

#[test]
fn by_whose_path_the_attribute_is_written() {
    let with = |keys: TokenStream, path: TokenStream| {
        attribute(keys, quote! { impl Pool { #[#path] fn open(&self) {} } }).to_string().contains("step !")
    };
    assert!(with(quote!(), quote!(on_start)) && with(quote!(), quote!(::lifecycle::on_start)));
    assert!(!with(quote!(), quote!(other::on_start)) && !with(quote!(), quote!(start)));
    assert!(with(quote!(crate = my::other), quote!(my::other::on_start)));
}

#[test]
fn what_no_component_is() {
    let write = "`#[lifecycle::component]` goes on an `impl` block: `impl Pool { … }`";
    for item in [quote! { struct Pool; }, quote! { fn f() {} }, quote! {}] {
        assert_eq!(found(item), [write]);
    }
    let generic = "a component cannot be generic: its steps are called by the library, which knows one type. Write the type \
                   itself, as in `impl Pool<Postgres>`";
    for item in [
        quote! { impl<T: X> Pool<T> { #[on_start] fn f(&self) {} } },
        quote! { impl<'a> Pool<'a> { #[on_start] fn f(&mut self) {} } },
        quote! { impl Pool<u8> where u8: X { #[on_start] fn f(&self) {} } },
    ] {
        assert_eq!(found(item), [generic]);
    }
    assert_eq!(
        found(quote! { impl Close for Pool { #[on_shutdown] fn close(&self) {} } }),
        [
            "a component is the `impl` block of a type itself, not of a trait: move these steps to an `impl Type { … }`"
        ]
    );
}

#[test]
fn receivers() {
    let write = |receiver: TokenStream| {
        found(quote! { impl Pool { #[on_shutdown(label = Close)] fn close(#receiver, x: &X) {} } })
    };
    for good in
        [quote!(&self), quote!(&'a self), quote!(self: Arc<Self>), quote!(self: &Self), quote!(_: &u8)]
    {
        assert_eq!(write(good), [""; 0]);
    }
    assert_eq!(
        write(quote!(&mut self)),
        [
            "a component is shared, so its steps cannot have `&mut self`: write `&self`, and put what changes behind a lock"
        ]
    );
    for moved in [quote!(self), quote!(mut self)] {
        assert_eq!(
            write(moved),
            [
                "a component is shared, so a step cannot consume `self`: write `&self` or `self: Arc<Self>`; to move it out, \
                 write a free function that takes `Take<Pool>`"
            ]
        );
    }
    assert_eq!(
        write(quote!(self: &mut Self)),
        [
            "a resource is shared, so it cannot be borrowed with `&mut`: write `&Pool` with a lock inside, or `Take<Pool>` to \
             move it out"
        ]
    );
}

#[test]
fn mistakes_of_methods_are_told_where_functions_are() {
    let item = quote! {
        impl Pool {
            #[on_start(ordr = 1)] fn a(&self) {}
            #[worker] fn b<T>(&self, t: T) {}
            #[health_check = "x"] fn c(&self) {}
            #[on_start] const X: u8 = 1;
        }
    };
    let found = found(item);
    assert_eq!(found.len(), 4, "{found:?}");
    assert_eq!(found[0], "keys stand in parentheses: `#[health_check(…)]`");
    assert_eq!(found[1], "`#[on_start]` goes on a function");
    assert!(found[2].starts_with("unknown key `ordr`"), "{found:?}");
    assert_eq!(found[3], "a worker is called by the library, which cannot choose `T`: write the type itself");
}

#[test]
fn a_block_from_a_macro() {
    let block = quote! { impl Pool { #[on_start] fn open(&self) {} } };
    let group = Group::new(Delimiter::None, block);
    let text = attribute(quote!(), proc_macro2::TokenTree::from(group).into()).to_string();
    assert!(text.contains("step !"), "{text}");
}
