use expect_test::expect;
use quote::quote;

use super::attribute;
use crate::testing::{errors, expands};

#[test]
fn a_worker() {
    expands(
        attribute(
            quote!(restart = always, retry = 3, timeout = "1s"),
            quote! { pub async fn consume(queue: &Queue) -> Result<(), Error> {} },
        ),
        &expect![[r#"
            pub async fn consume(queue: &Queue) -> Result<(), Error> {}
            #[doc(hidden)]
            #[allow(non_camel_case_types, dead_code)]
            pub struct consume {}
            impl ::lifecycle::__private::Step for consume {}
            impl ::lifecycle::__private::Node for consume {
                const NODE: &'static ::lifecycle::__private::NodeDef = &::lifecycle::__private::NodeDef {
                    name: "consume",
                    phase: ::lifecycle::__private::Phase::Shutdown,
                    id: ::lifecycle::__private::TypeId::of::<consume>,
                    place: ::lifecycle::__private::PlaceDef::Early,
                    after: &[],
                    before: &[],
                };
            }
            #[allow(deprecated, unreachable_pub, dead_code)]
            impl consume {
                #[doc(hidden)]
                #[inline(never)]
                pub const fn lifecycle_node() -> &'static ::lifecycle::__private::NodeDef {
                    ::lifecycle::__private::inventory::submit(::lifecycle::__private::StepDef {
                        node: <consume as ::lifecycle::__private::Node>::NODE,
                        module: ::lifecycle::__private::module_path!(),
                        file: ::lifecycle::__private::file!(),
                        line: ::lifecycle::__private::line!(),
                        timeout: ::lifecycle::__private::Some(
                            ::lifecycle::__private::Duration::new(1u64, 0u32),
                        ),
                        function: || ::lifecycle::__private::function::asynchronous(
                            (
                                ::lifecycle::__private::argument::Arg::<&Queue>::NEW
                                    .lifecycle_kind(),
                                (),
                            ),
                            ::lifecycle::__private::outcome::Return::<Result<(), Error>>::NEW
                                .lifecycle_end(),
                            |held, end| {
                                let (argument0, ()) = ::lifecycle::__private::function::lend(held);
                                ::lifecycle::__private::function::pending(consume(argument0), end)
                            },
                        ),
                        extra: ::lifecycle::__private::Some(
                            &::lifecycle::__private::StepExtra {
                                retry: ::lifecycle::__private::Some(3),
                                worker: ::lifecycle::__private::Some(::lifecycle::__private::WorkerDef {
                                    restart: ::lifecycle::__private::Some(
                                        ::lifecycle::__private::Restart::Always,
                                    ),
                                }),
                                ..::lifecycle::__private::StepExtra::NONE
                            },
                        ),
                    });
                    <consume as ::lifecycle::__private::Node>::NODE
                }
            }
        "#]],
    );
}

#[test]
fn it_comes_right_after_the_requests_unless_it_says_otherwise() {
    let text = |keys| attribute(keys, quote! { fn poll() {} }).to_string();
    assert!(text(quote!()).contains("PlaceDef :: Early"));
    assert!(text(quote!(after = close)).contains("PlaceDef :: Early"));
    assert!(text(quote!(order = 2)).contains("PlaceDef :: Order (2)"));
}

#[test]
fn one_that_is_never_begun_again_has_no_keys_for_that() {
    let attribute = |keys| attribute(keys, quote! { fn poll() {} });
    assert_eq!(
        errors(attribute(quote!(restart = never, retry = 1, backoff = "1s"))),
        [
            "`retry` says how it is begun again, and `restart = never` that it is not",
            "`backoff` says how it is begun again, and `restart = never` that it is not"
        ]
    );
    let found = errors(attribute(quote!(attempt = "1s")));
    assert!(found[0].starts_with("`attempt` belongs to `#[on_start]` and `#[on_shutdown]`\n"), "{found:?}");
}

#[test]
fn its_errors_are_of_a_worker() {
    let found = errors(attribute(quote!(), quote! { fn poll() -> ! {} }));
    assert_eq!(found, ["a worker has to return: its end is what comes next"]);
}
