use super::*;
use crate::diag::ErrorStore;
use quote::quote;

fn errors(attribute: On, tokens: TokenStream) -> Vec<String> {
    let store = ErrorStore::default();
    Given::parse(tokens, attribute, &store.sink());
    messages(store)
}

fn messages(store: ErrorStore) -> Vec<String> {
    let mut found = Vec::new();
    for tree in store.into_tokens() {
        if let TokenTree::Group(group) = tree {
            let text: syn::LitStr = syn::parse2(group.stream()).unwrap();
            found.push(text.value());
        }
    }
    found
}

#[test]
fn every_key_accepts_its_own_example_and_only_where_it_belongs() {
    for key in TABLE {
        let text = match key.kind {
            Kind::Flag => key.name.to_owned(),
            _ => format!("{} = {}", key.name, key.example),
        };
        let tokens: TokenStream = text.parse().unwrap();
        for on in ATTRIBUTES {
            let found = errors(on, tokens.clone());
            if key.on.holds(on) {
                assert!(found.is_empty(), "{text} on {}: {found:?}", on.name());
            } else {
                assert!(found[0].starts_with(&format!("`{}` belongs to `#[", key.name)), "{text}: {found:?}");
            }
        }
    }
}

#[test]
fn an_unknown_key_lists_the_known_and_suggests_the_near_one() {
    assert_eq!(
        errors(SHUTDOWN, quote!(ordr = 1)),
        [
            "unknown key `ordr`: did you mean `order`?\n`#[on_shutdown]` knows `order`, `after`, `before`, `timeout`, `last`, `attempt`, `retry`, `backoff`, `fallback`, `when`, `compensate`, `label`, `crate`"
        ]
    );
    assert_eq!(
        errors(START, quote!(colour = red)),
        [
            "unknown key `colour`\n`#[on_start]` knows `order`, `after`, `before`, `timeout`, `attempt`, `retry`, `backoff`, `when`, `label`, `crate`"
        ]
    );
    assert_eq!(
        errors(START, quote!(last)),
        [
            "`last` belongs to `#[on_shutdown]`\n`#[on_start]` knows `order`, `after`, `before`, `timeout`, `attempt`, `retry`, `backoff`, `when`, `label`, `crate`"
        ]
    );
}

#[test]
fn every_mistake_is_found_at_once() {
    let found = errors(SHUTDOWN, quote!(order = "5", timeout = 30s, last = true, label("X"), "x", order = 1));
    assert_eq!(
        found,
        [
            "an order is a number: write `order = 5`",
            "a duration is a string: write \"30s\"",
            "`last` takes no value: write `last`",
            "expected `=`: write for example `label = CloseDb`",
            "expected a key; `#[on_shutdown]` knows `order`, `after`, `before`, `timeout`, `last`, `attempt`, `retry`, `backoff`, `fallback`, `when`, `compensate`, `label`, `crate`",
            "`order` is given twice",
        ]
    );
}

#[test]
fn values_say_what_to_write() {
    for (attribute, tokens, says) in [
        (START, quote!(order), "`order` lacks its value: write for example `order = -10`"),
        (START, quote!(order =), "`order` lacks its value: write for example `order = -10`"),
        (
            START,
            quote!(order = 1 2),
            "expected a whole number such as `-10`, or a path to a `const` of type `i32`",
        ),
        (
            START,
            quote!(order = 1.5),
            "expected a whole number such as `-10`, or a path to a `const` of type `i32`",
        ),
        (START, quote!(order = 3u8), "an order is an `i32`: write `order = 3`"),
        (START, quote!(order = -2147483649), "an order lies between -2147483648 and 2147483647"),
        (START, quote!(timeout = 30), "a duration is a string with a unit: write \"30s\" or \"30ms\""),
        (START, quote!(timeout = 250ms), "a duration is a string: write \"250ms\""),
        (START, quote!(timeout = 3u32), "a duration is a string with a unit: write \"3s\" or \"3ms\""),
        (START, quote!(timeout = 1.5), "a duration is a string: write for example \"1s 500ms\""),
        (START, quote!(timeout = 1.5s), "no fractions: write \"1s 500ms\" for one and a half seconds"),
        (START, quote!(timeout = -5s), "a duration cannot be negative"),
        (START, quote!(timeout = "-5s"), "a duration cannot be negative"),
        (START, quote!(timeout = ""), "an empty duration: write for example \"5s\""),
        (START, quote!(timeout = "0s"), "`timeout = \"0s\"` leaves no time at all"),
        (
            START,
            quote!(timeout = "5parsecs"),
            "unknown unit `parsecs`: the units are `d`, `h`, `m`, `s`, `ms`, `us` and `ns`",
        ),
        (
            START,
            quote!(timeout = Duration::from_secs(5)),
            "expected a duration: a string such as \"5s\", or a path to a `const` of type `Duration`",
        ),
        (
            START,
            quote!(timeout = "never"),
            "only `grace` and `drain` can be \"never\": write for example \"5s\"",
        ),
        (
            START,
            quote!(timeout = never),
            "only `grace` and `drain` can be \"never\": write for example \"5s\"",
        ),
        (START, quote!(order = 1 timeout = "5s"), "expected `,` before this"),
        (START, quote!(label = "OpenDb"), "write the name without quotes: `label = OpenDb`"),
        (START, quote!(label = 3), "expected a type's name: `label = CloseDb`"),
        (START, quote!(timeout("5s")), "expected `=`: write for example `timeout = \"5s\"`"),
        (START, quote!(crate = "x"), "write the path without quotes: `crate = x`"),
        (MAIN, quote!(setup = |s| 1), "expected a path: `setup = setup`"),
        (MAIN, quote!(setup = setup()), "`setup` takes a path alone: remove this"),
        (MAIN, quote!(grace = never), "write `grace = \"never\"`"),
        (
            MAIN,
            quote!(grace = "0s"),
            "`grace = \"0s\"` leaves no time at all; for no limit write `grace = \"never\"`",
        ),
        (MAIN, quote!(exit = "reraise"), "write it without quotes: `exit = reraise`"),
        (MAIN, quote!(exit = rerais), "`exit` is `zero` or `reraise`: did you mean `reraise`?"),
        (MAIN, quote!(report = xml), "`report` is `table`, `json` or `off`"),
        (MAIN, quote!(flavor = current_thread), "write it with quotes: `flavor = \"current_thread\"`"),
        (MAIN, quote!(flavor = "single"), "`flavor` is `\"multi_thread\"` or `\"current_thread\"`"),
        (MAIN, quote!(worker_threads = 0), "expected a number from 1 on: `worker_threads = 4`"),
        (
            MAIN,
            quote!(signals = SIGTERM + 1),
            "expected a list such as `[SIGTERM, SIGINT]`, or a path to a `const` array of signals",
        ),
        (
            MAIN,
            quote!(signals = [SIGTREM]),
            "unknown signal `SIGTREM`: did you mean `SIGTERM`?\nthe known ones are `SIGTERM`, `SIGINT`, `SIGQUIT`, \
             `SIGHUP`, `SIGUSR1`, `SIGUSR2`, `SIGALRM`, `SIGPIPE`, `SIGTSTP`, `SIGTTIN`, `SIGTTOU`, `SIGVTALRM`, \
             `SIGWINCH`, `SIGXCPU`, `SIGXFSZ`; any other by the path to a constant",
        ),
        (MAIN, quote!(signals = [SIGKILL]), "`SIGKILL` cannot begin a shutdown: no process can catch it"),
        (MAIN, quote!(signals = [SIGINT, SIGINT]), "`SIGINT` is listed twice"),
        (MAIN, quote!(pause = [SIGUSR1]), "expected one signal: `pause = SIGUSR1`, or a path to a constant"),
        (MAIN, quote!(pause = "SIGUSR1"), "write the signal without quotes: `pause = SIGUSR1`"),
        (MAIN, quote!(resume = SIGSTOP), "`SIGSTOP` cannot resume the service: no process can catch it"),
        (
            MAIN,
            quote!(pause = SIGUSR),
            "unknown signal `SIGUSR`: did you mean `SIGUSR1`?\nthe known ones are `SIGTERM`, `SIGINT`, `SIGQUIT`, \
             `SIGHUP`, `SIGUSR1`, `SIGUSR2`, `SIGALRM`, `SIGPIPE`, `SIGTSTP`, `SIGTTIN`, `SIGTTOU`, `SIGVTALRM`, \
             `SIGWINCH`, `SIGXCPU`, `SIGXFSZ`; any other by the path to a constant",
        ),
        (
            START,
            quote!(retry = -1),
            "expected a whole number such as `2`, or a path to a `const` of type `u32`: `retry = 2`",
        ),
        (
            START,
            quote!(retry = "2"),
            "expected a whole number such as `2`, or a path to a `const` of type `u32`: `retry = 2`",
        ),
        (START, quote!(attempt = "0s"), "`attempt = \"0s\"` leaves no time at all"),
        (
            START,
            quote!(when),
            "`when` lacks its value: write for example `when = |config: &Config| config.flush`",
        ),
        (
            MAIN,
            quote!(journal = shop),
            "expected a string: write for example `journal = \"/var/lib/shop/journal\"`",
        ),
        (
            MAIN,
            quote!(journal = ""),
            "expected a string: write for example `journal = \"/var/lib/shop/journal\"`",
        ),
        (SHUTDOWN, quote!(compensate = "undo"), "write the path without quotes: `compensate = undo`"),
        (SHUTDOWN, quote!(fallback = "write"), "write the path without quotes: `fallback = write`"),
        (SHUTDOWN, quote!(fallback = write()), "`fallback` takes a path alone: remove this"),
        (SHUTDOWN, quote!(fallback = |db: &Db| db.write()), "expected a path: `fallback = write_to_disk`"),
        (
            WORKER,
            quote!(restart = on_falure),
            "`restart` is `never`, `on_failure` or `always`: did you mean `on_failure`?",
        ),
        (WORKER, quote!(restart = "never"), "write it without quotes: `restart = never`"),
        (CHECK, quote!(interval = "0s"), "`interval = \"0s\"` leaves no time at all"),
        (TRACKED, quote!(admit = never), "`admit` is `always`"),
        (TRACKED, quote!(name = create), "expected a string: write for example `name = \"orders.create\"`"),
        (TRACKED, quote!(name = " "), "expected a string: write for example `name = \"orders.create\"`"),
    ] {
        assert_eq!(errors(attribute, tokens.clone()), [says], "{tokens}");
    }
}

#[test]
fn an_expression_may_hold_commas() {
    let store = ErrorStore::default();
    let mut given =
        Given::parse(quote!(reject = Map::<u8, u8>::of(1, 2), name = "x"), TRACKED, &store.sink());
    assert!(given.tokens("reject").is_some() && given.tokens("name").is_some());
    assert!(store.into_tokens().is_empty());
}

#[test]
fn paths_to_constants_are_taken() {
    for tokens in [quote!(order = ranks::DB, timeout = crate::LIMIT), quote!(order = -5i32), quote!()] {
        assert!(errors(START, tokens).is_empty());
    }
    assert!(
        errors(MAIN, quote!(signals = SIGNALS, worker_threads = N, grace = LIMIT, drain = "never",))
            .is_empty()
    );
}

#[test]
fn steps_are_named_alone_or_in_a_list() {
    let paths = |tokens: TokenStream| -> Vec<String> {
        let store = ErrorStore::default();
        let given = Given::parse(tokens, START, &store.sink()).paths("after");
        assert_eq!(messages(store), [""; 0]);
        given.into_iter().flat_map(|given| given.value.paths).map(|path| spelled(&path)).collect()
    };
    assert_eq!(paths(quote!(after = close)), ["close"]);
    assert_eq!(paths(quote!(after = [::a::b, self::r#move,], order = 1)), ["::a::b", "self::r#move"]);
    let by_macro = proc_macro2::Group::new(proc_macro2::Delimiter::None, quote!(db::close));
    assert_eq!(paths(quote!(after = [#by_macro])), ["db::close"]);
    assert_eq!(paths(quote!(after = #by_macro)), ["db::close"]);
}

#[test]
fn each_key_of_each_attribute_has_a_case_among_the_compile_errors() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../ui-tests/fail");
    let read = |folder: &str| std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let files = read(folder).chain(read(&format!("{folder}/rustc")));
    let files = files.filter(|path| path.extension().is_some_and(|end| end == "rs"));
    let cases: Vec<String> = files.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    for on in ATTRIBUTES {
        // What stands between the parentheses of the attribute, here and there over several lines.
        let begins = [format!("#[{}(", on.name()), format!("#[lifecycle::{}(", on.name())];
        let uses =
            begins.iter().flat_map(|begin| cases.iter().flat_map(move |case| case.split(&**begin).skip(1)));
        let keys: Vec<&str> = uses.map(|rest| rest.split(")]").next().unwrap()).collect();
        for key in TABLE.iter().filter(|key| key.on.holds(on)) {
            let named = |given: &str| {
                given.split(|c: char| c != '_' && !c.is_alphanumeric()).any(|word| word == key.name)
            };
            let is_there = keys.iter().any(|given| named(given));
            assert!(is_there, "no case under ui-tests/fail has `{}` on #[{}]", key.name, on.name());
        }
    }
}

#[test]
fn the_readme_has_a_section_for_each_attribute_with_all_of_its_keys() {
    let readme = include_str!("../../../README.md");
    for on in ATTRIBUTES {
        let attribute = format!("`#[{}]`", on.name());
        let sections = readme.split("\n### ").skip(1).map(|section| section.split("\n## ").next().unwrap());
        let mut of_it = sections.filter(|section| section.lines().next().unwrap().contains(&attribute));
        let section = of_it.next().unwrap_or_else(|| panic!("README.md has no section for {attribute}"));
        for key in TABLE.iter().filter(|key| key.on.holds(on)) {
            let named = [format!("`{}`", key.name), format!("`{} = ", key.name)];
            let is_there = key.name == "crate" || named.iter().any(|name| section.contains(name));
            assert!(is_there, "README.md does not say what `{}` of {attribute} is", key.name);
        }
    }
}
