use expect_test::expect;
use quote::quote;

use super::attribute;
use crate::testing::{errors, expands};

#[test]
fn a_group() {
    expands(
        attribute(
            quote!(order = -2, timeout = "1m 30s", crate = mine),
            quote! {
                /// What the consumers do.
                pub struct r#Jobs;
            },
        ),
        &expect![[r#"
            /// What the consumers do.
            pub struct r#Jobs;
            #[allow(deprecated, non_upper_case_globals)]
            const _: () = {
                static GATE_OF_Jobs: mine::__private::Gate = mine::__private::Gate::new("Jobs");
                static NODE_OF_Jobs: mine::__private::NodeDef = mine::__private::NodeDef {
                    name: "Jobs",
                    phase: mine::__private::Phase::Shutdown,
                    id: mine::__private::TypeId::of::<r#Jobs>,
                    place: mine::__private::PlaceDef::Order(-2),
                    after: &[],
                    before: &[],
                };
                impl mine::__private::Step for r#Jobs {}
                #[allow(unreachable_pub)]
                impl r#Jobs {
                    #[doc(hidden)]
                    pub const fn lifecycle_node() -> &'static mine::__private::NodeDef {
                        &NODE_OF_Jobs
                    }
                }
                impl mine::__private::Group for r#Jobs {
                    fn gate() -> &'static mine::__private::Gate {
                        &GATE_OF_Jobs
                    }
                }
                impl mine::__private::Collected for r#Jobs {
                    const LEFT: mine::__private::Left = mine::__private::Left::Group(
                        &mine::__private::GroupDef {
                            module: mine::__private::module_path!(),
                            file: mine::__private::file!(),
                            line: mine::__private::line!(),
                            node: &NODE_OF_Jobs,
                            timeout: mine::__private::Some(
                                mine::__private::Duration::new(90u64, 0u32),
                            ),
                            gate: <r#Jobs as mine::__private::Group>::gate,
                        },
                    );
                }
                mine::__private::collected!(r#Jobs);
            };
        "#]],
    );
}

#[test]
fn a_group_with_edges() {
    expands(
        attribute(quote!(after = queue::is_empty, before = [Mails, r#move]), quote! { struct Jobs; }),
        &expect![[r#"
            struct Jobs;
            #[allow(deprecated, non_upper_case_globals)]
            const _: () = {
                static GATE_OF_Jobs: ::lifecycle::__private::Gate = ::lifecycle::__private::Gate::new(
                    "Jobs",
                );
                static NODE_OF_Jobs: ::lifecycle::__private::NodeDef = ::lifecycle::__private::NodeDef {
                    name: "Jobs",
                    phase: ::lifecycle::__private::Phase::Shutdown,
                    id: ::lifecycle::__private::TypeId::of::<Jobs>,
                    place: ::lifecycle::__private::PlaceDef::Early,
                    after: &[&Jobs_AFTER_is_empty],
                    before: &[&Jobs_BEFORE_Mails, &Jobs_BEFORE_move],
                };
                impl ::lifecycle::__private::Step for Jobs {}
                #[allow(unreachable_pub)]
                impl Jobs {
                    #[doc(hidden)]
                    pub const fn lifecycle_node() -> &'static ::lifecycle::__private::NodeDef {
                        &NODE_OF_Jobs
                    }
                }
                impl ::lifecycle::__private::Group for Jobs {
                    fn gate() -> &'static ::lifecycle::__private::Gate {
                        &GATE_OF_Jobs
                    }
                }
                static Jobs_AFTER_is_empty: ::lifecycle::__private::EdgeDef = {
                    use ::lifecycle::__private::AnyNode as _;
                    <queue::is_empty>::lifecycle_node().after("queue::is_empty")
                };
                static Jobs_BEFORE_Mails: ::lifecycle::__private::EdgeDef = {
                    use ::lifecycle::__private::AnyNode as _;
                    <Mails>::lifecycle_node().before("Mails")
                };
                static Jobs_BEFORE_move: ::lifecycle::__private::EdgeDef = {
                    use ::lifecycle::__private::AnyNode as _;
                    <r#move>::lifecycle_node().before("r#move")
                };
                const _: () = ::lifecycle::__private::order::after(
                    &NODE_OF_Jobs,
                    &Jobs_AFTER_is_empty,
                );
                const _: () = ::lifecycle::__private::order::before(
                    &NODE_OF_Jobs,
                    &Jobs_BEFORE_Mails,
                );
                const _: () = ::lifecycle::__private::order::before(
                    &NODE_OF_Jobs,
                    &Jobs_BEFORE_move,
                );
                impl ::lifecycle::__private::Collected for Jobs {
                    const LEFT: ::lifecycle::__private::Left = ::lifecycle::__private::Left::Group(
                        &::lifecycle::__private::GroupDef {
                            module: ::lifecycle::__private::module_path!(),
                            file: ::lifecycle::__private::file!(),
                            line: ::lifecycle::__private::line!(),
                            node: &NODE_OF_Jobs,
                            timeout: ::lifecycle::__private::None,
                            gate: <Jobs as ::lifecycle::__private::Group>::gate,
                        },
                    );
                }
                ::lifecycle::__private::collected!(Jobs);
            };
        "#]],
    );
}

#[test]
fn a_mistake_keeps_the_struct_and_its_name() {
    for (keys, item, says, named) in [
        (
            quote!(),
            quote! { struct Jobs { a: u8 } },
            "a group is a name and holds nothing: write `struct Jobs;`",
            true,
        ),
        (
            quote!(),
            quote! { struct Jobs(); },
            "a group is a name and holds nothing: write `struct Jobs;`",
            true,
        ),
        (
            quote!(),
            quote! { pub struct Jobs<T>; },
            "a group cannot be generic, since its calls are counted in one place: write `struct Jobs;`",
            false,
        ),
        (
            quote!(),
            quote! { struct Jobs where u8: Copy; },
            "a group cannot be generic, since its calls are counted in one place: write `struct Jobs;`",
            false,
        ),
        (
            quote!(),
            quote! { enum Jobs {} },
            "`#[lifecycle::group]` goes on a unit struct: `struct Jobs;`",
            false,
        ),
        (
            quote!(),
            quote! { fn jobs() {} },
            "`#[lifecycle::group]` goes on a unit struct: `struct Jobs;`",
            false,
        ),
        (quote!(), quote! {}, "`#[lifecycle::group]` goes on a unit struct: `struct Jobs;`", false),
        (quote!(timeout = 15s), quote! { struct Jobs; }, "a duration is a string: write \"15s\"", true),
        (
            quote!(last),
            quote! { struct Jobs; },
            "`last` belongs to `#[on_shutdown]`\n`#[lifecycle::group]` knows `order`, `after`, `before`, `timeout`, `crate`",
            true,
        ),
        (quote!(after = Jobs), quote! { struct Jobs; }, "`Jobs` cannot come after itself", true),
        (
            quote!(after = "close"),
            quote! { struct Jobs; },
            "write the name without quotes: `after = close`",
            true,
        ),
    ] {
        let tokens = attribute(keys, item.clone());
        let text = tokens.to_string();
        assert!(text.starts_with(&item.to_string()), "{text}");
        assert_eq!(text.contains("Group for Jobs"), named, "{text}");
        assert!(!text.contains("GroupDef"), "{text}");
        assert_eq!(errors(tokens), [says], "{item}");
    }
}

#[test]
fn every_mistake_is_found_at_once() {
    let found = errors(attribute(quote!(order = "1", tiemout = "1s"), quote! { struct Jobs<T>(T); }));
    assert_eq!(found.len(), 4, "{found:#?}");
}
