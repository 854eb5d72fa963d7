//! No input makes an attribute panic: valid ones are mangled, token by token.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::quote;

use crate::called::Function;
use crate::diag::ErrorStore;
use crate::item::Item;
use crate::keys::{SHUTDOWN, START};
use crate::plain::Plain;
use crate::{component, group, health_check, main_fn, step, test_fn, tracked, worker};

fn every_attribute(keys: &TokenStream, item: &TokenStream) {
    let none = Group::new(Delimiter::None, item.clone());
    for item in [item.clone(), TokenTree::Group(none).into()] {
        drop(step::attribute(START, keys.clone(), item.clone()));
        drop(step::attribute(SHUTDOWN, keys.clone(), item.clone()));
        drop(main_fn::attribute(keys.clone(), item.clone()));
        drop(group::attribute(keys.clone(), item.clone()));
        drop(worker::attribute(keys.clone(), item.clone()));
        drop(health_check::attribute(keys.clone(), item.clone()));
        drop(component::attribute(keys.clone(), item.clone()));
        drop(test_fn::attribute(keys.clone(), item.clone()));
        drop(tracked::attribute(keys.clone(), item));
    }
}

/// The tokens with each one removed, doubled, swapped with the next, put in an invisible group, or replaced; inside of
/// groups too.
fn mangled(tokens: &TokenStream) -> Vec<TokenStream> {
    let trees: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let mut all = Vec::new();
    for at in 0..trees.len() {
        let mut with = |replaced: Vec<TokenTree>| {
            let (before, after) = (&trees[..at], &trees[at + 1..]);
            all.push(before.iter().cloned().chain(replaced).chain(after.iter().cloned()).collect());
        };
        let tree = trees[at].clone();
        with(vec![]);
        with(vec![tree.clone(), tree.clone()]);
        with(vec![TokenTree::Group(Group::new(Delimiter::None, tree.clone().into()))]);
        for other in quote!(, = "x" -1 r#fn _ impl '_ #) {
            with(vec![other]);
        }
        if let TokenTree::Group(group) = &tree {
            for inside in mangled(&group.stream()) {
                with(vec![TokenTree::Group(Group::new(group.delimiter(), inside))]);
            }
        }
        if let Some(next) = trees.get(at + 1) {
            let mut swapped = trees.clone();
            swapped[at] = next.clone();
            swapped[at + 1] = tree;
            all.push(swapped.into_iter().collect());
        }
    }
    all
}

#[test]
fn no_input_makes_an_attribute_panic() {
    let keys = [
        quote!(order = -5, timeout = "1m 30s", last, label = Close, crate = mine::lifecycle),
        quote!(group = a::Jobs, reject = Err::<u8, _>(1), admit = always, name = "x"),
        quote!(after = db::close, before = [a::b, ::c, Requests]),
        quote!(
            retry = 2,
            fallback = <A<b>>::c,
            compensate = self::undo,
            when = |a: &A| a.b,
            restart = never,
            recover = a,
            pause = SIGINT
        ),
        quote!(
            setup = a::b,
            grace = "never",
            cut = CUT,
            signals = [SIGTERM, r#SIGINT],
            exit = zero,
            worker_threads = 1
        ),
    ];
    let items = [
        quote! { #[a] pub(crate) async fn main<'a, T: B<C>>(self: Box<Self>, #[cfg(x)] (a, _): &'a (T, u8)) -> Result<impl D<E>, F> where T: G { #![h] body } },
        quote! { const unsafe extern "C" fn r#type(&mut self, _: &'static [u8; 3], ...) -> impl Fn(u8) -> u8; },
        quote! { fn f(ref a: A, b @ C { d, .. }: &dyn E) {} },
        quote! { async fn main(a: &A) {} },
        quote! { #[a] pub(in b) struct S<'a, T: B<C>>(T) where T: D; },
        quote! { struct S; },
        quote! {},
        quote! { #[a] impl<'a> B<C> where D: E { #![f] #[on_start(order = 1)] pub async fn g(&'a self, h: &Self) -> Self {} } },
    ];
    for key in &keys {
        for item in &items {
            every_attribute(key, item);
        }
        for key in mangled(key) {
            every_attribute(&key, &items[2]);
            every_attribute(&key, &items[3]);
            every_attribute(&key, &items[5]);
        }
    }
    for item in &items {
        for item in mangled(item) {
            every_attribute(&quote!(), &item);
            every_attribute(&quote!(admit = always), &item);
        }
    }
}

/// Of a valid function, and in the same words.
#[test]
fn what_is_read_without_a_parser_is_what_a_parser_reads() {
    let items = [
        quote! { #[a] pub(in b) async fn close(mut a: A, Take(b): Take<c::D<E>>, _: &&::F<G, H>) -> Result<(), I<J>> { body } },
        quote! { pub fn r#open(a: A<dyn B>) -> A::B<C>::D {} },
    ];
    let mut compared = 0;
    for item in items.iter().flat_map(mangled).chain(items.clone()) {
        let (Some(plain), Ok(parsed)) = (Plain::read(&item), Item::parse(item.clone(), "on_start")) else {
            continue;
        };
        let store = ErrorStore::default();
        for on in [START, SHUTDOWN] {
            let said = |function: &Function<'_>| {
                let tokens = step::generate(on, quote!(order = 1), function, None, &store.sink());
                // A parser does not keep `>>` together.
                tokens.to_string().replace(' ', "")
            };
            assert_eq!(said(&Function::Parsed(&parsed)), said(&Function::Plain(plain.clone())), "{item}");
        }
        assert!(store.into_tokens().is_empty(), "{item}");
        compared += 1;
    }
    assert!(compared > 50, "only {compared} were both");
}
