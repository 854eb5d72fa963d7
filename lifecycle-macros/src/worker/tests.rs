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
            ::lifecycle::__private::step! {
                consume(asynchronous end { ::lifecycle::__private::pending(consume(argument0,), end)
                } [.timeout(::lifecycle::__private::Duration::new(1u64, 0u32)).extra(const { &
                ::lifecycle::__private::StepExtra { retry : ::lifecycle::__private::Some(3), worker :
                ::lifecycle::__private::Some(::lifecycle::__private::WorkerDef { restart :
                ::lifecycle::__private::Some(::lifecycle::__private::Restart::Always) }), ..
                ::lifecycle::__private::StepExtra::NONE } })]
                [argument0(::lifecycle::__private::arg:: < & Queue > ().lifecycle_kind()
                .lifecycle_kind())] : end[Result < (), Error >]) "consume" Shutdown[Early] [pub
                struct consume {}]
            }
        "#]],
    );
}

#[test]
fn it_comes_right_after_the_requests_unless_it_says_otherwise() {
    let text = |keys| attribute(keys, quote! { fn poll() {} }).to_string();
    assert!(text(quote!()).contains("Early"));
    assert!(text(quote!(after = close)).contains("Early"));
    assert!(text(quote!(order = 2)).contains("Order (2)"));
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
