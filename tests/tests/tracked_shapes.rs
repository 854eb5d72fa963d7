//! Every shape of function that `#[tracked]` promises to leave as it was: same types, same borrows, same result.

#![allow(
    clippy::needless_lifetimes,
    clippy::manual_async_fn,
    clippy::non_minimal_cfg,
    reason = "the shapes are the point"
)]

mod support;

use std::fmt::Display;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use lifecycle::{Rejected, tracked};
use support::{block_on, pause};

#[derive(Debug, PartialEq)]
struct Failed(&'static str);
impl From<Rejected> for Failed {
    fn from(_: Rejected) -> Self {
        Failed("refused")
    }
}
impl From<std::num::ParseIntError> for Failed {
    fn from(_: std::num::ParseIntError) -> Self {
        Failed("not a number")
    }
}
type Answer<T> = Result<T, Failed>;

/// Nothing here is from the prelude, and `Result` is another.
mod spelled {
    #![allow(dead_code)]
    pub(super) enum Result {}
    pub(super) enum Option {}

    #[lifecycle::tracked]
    pub(super) fn qualified(x: u8) -> ::core::result::Result<u8, super::Failed> {
        ::core::result::Result::Ok(x)
    }
    #[lifecycle::tracked]
    pub(super) async fn qualified_async(x: u8) -> ::std::result::Result<u8, super::Failed> {
        ::core::result::Result::Ok(x)
    }
    #[lifecycle::tracked]
    pub(super) async fn aliased(x: u8) -> super::Answer<u8> {
        ::core::result::Result::Ok(x)
    }
}

#[tracked]
fn parse(text: &str) -> Answer<u8> {
    if text.is_empty() {
        return Err(Failed("empty"));
    }
    Ok(text.parse::<u8>()?)
}
#[tracked]
async fn parse_async(text: &str) -> Answer<u8> {
    if text.is_empty() {
        return Err(Failed("empty"));
    }
    pause().await;
    Ok(text.parse::<u8>()?)
}
#[tracked(reject = Box::new("refused"))]
async fn coerced(x: bool) -> Box<dyn Display + Send> {
    if x { Box::new(1) } else { Box::new("one") }
}
#[tracked(reject = Box::new("refused"))]
fn coerced_sync(x: bool) -> Box<dyn Display> {
    if x { Box::new(1) } else { Box::new("one") }
}
#[tracked(reject = ())]
async fn nothing(x: &mut u8) {
    *x += 1;
}
#[tracked(reject = ())]
fn nothing_sync(x: &mut u8) {
    *x += 1;
}
#[tracked(reject = Err("refused".into()), name = "boxed error")]
async fn boxed_error() -> Result<impl Iterator<Item = u8>, Box<dyn std::error::Error>> {
    Ok([1, 2].into_iter())
}
#[tracked]
fn hidden_inside() -> Result<impl Iterator<Item = u8> + Clone, Failed> {
    Ok([1, 2].into_iter())
}
#[tracked]
async fn hidden_inside_async() -> Result<impl Iterator<Item = u8> + Clone, Failed> {
    if false {
        return Err(Failed("never"));
    }
    Ok([1, 2].into_iter())
}
#[tracked(reject = vec![].into_iter())]
fn hidden(x: u8) -> impl Iterator<Item = u8> {
    vec![x].into_iter()
}
#[tracked(reject = 0)]
async fn hidden_async(x: u8) -> impl Display {
    x
}
#[tracked(reject = &[])]
fn longest<'a, 'b: 'a, T, const N: usize>(a: &'a [T; N], b: &'b [T]) -> &'a [T]
where
    T: Clone,
{
    if a.len() > b.len() { a } else { b }
}
#[tracked(reject = &[])]
async fn longest_async<'a, 'b: 'a, T, const N: usize>(a: &'a [T; N], b: &'b [T]) -> &'a [T]
where
    T: Clone,
{
    if a.len() > b.len() { a } else { b }
}
#[tracked(reject = 0)]
fn applied(mut f: impl FnMut(u8) -> u8, x: u8) -> u8 {
    f(x) + f(x)
}
#[tracked(reject = 0)]
async fn applied_async(mut f: impl AsyncFnMut(u8) -> u8, x: u8) -> u8 {
    f(x).await + f(x).await
}
#[tracked(reject = 0)]
extern "C" fn foreign(x: u8) -> u8 {
    x
}
#[tracked(reject = 0)]
fn r#type(r#in: u8, #[cfg(any())] missing: Missing, #[cfg(all())] here: u8, #[cfg(any())] _: u8) -> u8 {
    r#in + here
}
#[tracked(reject = 0)]
async fn cfgs(#[cfg(any())] missing: Missing, #[cfg(all())] (here, _): (u8, u8), #[cfg(any())] _: u8) -> u8 {
    here
}
#[tracked(reject = 0)]
fn inner_attributes(x: u8) -> u8 {
    #![allow(unused_variables, non_snake_case)]
    //! And a word of documentation.
    let NotSnake = 1;
    x
}
#[tracked(reject = 0)]
fn sees_its_own_names(site: u8, body: u8, shape: u8, admitted: u8) -> u8 {
    const SITE: u8 = 1;
    SITE + site + body + shape + admitted
}
const SITE: u8 = 7;
#[tracked(reject = 0)]
async fn sees_the_modules_names() -> u8 {
    SITE
}

struct Store {
    items: Vec<String>,
}
impl Store {
    #[tracked(reject = "")]
    fn first(&self) -> &str {
        &self.items[0]
    }
    #[tracked(admit = always)]
    fn first_mut(&mut self) -> &mut String {
        &mut self.items[0]
    }
    #[tracked(reject = None)]
    fn find(&mut self, name: &str) -> Option<&mut String> {
        for item in &mut self.items {
            if item == name {
                return Some(item);
            }
        }
        None
    }
    #[tracked(admit = always)]
    async fn first_async(&mut self) -> &mut String {
        pause().await;
        &mut self.items[0]
    }
    #[tracked(reject = 0)]
    fn shared(self: Arc<Self>) -> usize {
        self.items.len()
    }
    #[tracked(reject = 0)]
    async fn boxed(self: Box<Self>) -> usize {
        self.items.len()
    }
    #[tracked(reject = 0)]
    fn pinned(mut self: Pin<&mut Self>) -> usize {
        self.items.push(String::from("more"));
        self.items.len()
    }
    #[tracked(admit = always)]
    fn chained(mut self, item: &str) -> Self {
        self.items.push(item.to_owned());
        self
    }
    #[tracked(reject = Vec::new())]
    async fn into_items(mut self) -> Vec<String> {
        self.items.truncate(1);
        self.items
    }
    #[tracked(reject = 0)]
    fn by_ref(ref items: Vec<u8>, _: u8) -> usize {
        items.len()
    }
}

trait Given {
    fn name(&self) -> String;
    #[tracked(reject = String::new())]
    fn given(&self) -> String {
        self.name()
    }
    #[tracked(reject = String::new())]
    async fn given_async(&self) -> String {
        pause().await;
        self.name()
    }
    #[tracked(reject = String::new())]
    fn consumed(self) -> String
    where
        Self: Sized,
    {
        self.name()
    }
    async fn declared(&self) -> String;
}
impl Given for str {
    fn name(&self) -> String {
        self.to_owned()
    }
    #[tracked(reject = String::new())]
    async fn declared(&self) -> String {
        self.to_owned()
    }
}
impl Given for u8 {
    fn name(&self) -> String {
        self.to_string()
    }
    #[tracked(reject = String::new())]
    async fn declared(&self) -> String {
        self.to_string()
    }
}

macro_rules! made {
    ($(#[$attr:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),*) -> $ret:ty $body:block) => {
        $(#[$attr])* $vis fn $name($($arg: $ty,)* (one, _): ($ret, u8)) -> $ret {
            let first: $ret = $body;
            first + one
        }
    };
}
made! { #[tracked(reject = 0)] pub(crate) fn made(a: u8, b: u8) -> u8 { a + b } }

macro_rules! whole_body {
    ($name:ident, $me:ident, $pattern:pat, $ret:ty, $body:block) => {
        impl Failed {
            #[tracked]
            async fn $name(&$me, $pattern: (u8, u8)) -> $ret $body
        }
    };
}
whole_body! { whole, self, (a, b), Answer<usize>, { Ok(self.0.len() + usize::from(a + b)) } }

#[tracked]
#[tracing::instrument(skip_all)]
async fn above(x: u8) -> Answer<u8> {
    pause().await;
    Ok(x)
}
#[tracing::instrument(skip_all, err(Debug))]
#[tracked]
async fn below(x: u8) -> Answer<u8> {
    pause().await;
    Ok(x)
}
#[tracked]
#[tracing::instrument]
fn above_sync(x: u8) -> Answer<u8> {
    Ok(x)
}
#[tracing::instrument]
#[tracked]
fn below_sync(x: u8) -> Answer<u8> {
    Ok(x)
}

#[test]
fn results_and_coercions() {
    assert_eq!(parse("7"), Ok(7));
    assert_eq!(parse(""), Err(Failed("empty")));
    assert_eq!(parse("x"), Err(Failed("not a number")));
    assert_eq!(block_on(parse_async("7")), Ok(7));
    assert_eq!(block_on(parse_async("")), Err(Failed("empty")));
    assert_eq!(block_on(parse_async("x")), Err(Failed("not a number")));
    assert_eq!(spelled::qualified(1), Ok(1));
    assert_eq!(block_on(spelled::qualified_async(1)), Ok(1));
    assert_eq!(block_on(spelled::aliased(1)), Ok(1));
    assert_eq!(block_on(coerced(true)).to_string() + &coerced_sync(false).to_string(), "1one");
    let mut x = 0;
    block_on(nothing(&mut x));
    nothing_sync(&mut x);
    assert_eq!(x, 2);
}

#[test]
fn hidden_types() {
    assert_eq!(block_on(boxed_error()).unwrap().sum::<u8>(), 3);
    assert_eq!(hidden_inside().unwrap().clone().sum::<u8>(), 3);
    assert_eq!(block_on(hidden_inside_async()).unwrap().clone().sum::<u8>(), 3);
    assert_eq!(hidden(3).sum::<u8>(), 3);
    assert_eq!(block_on(hidden_async(3)).to_string(), "3");
}

#[test]
fn generics_and_names() {
    assert_eq!(longest(&[1, 2], &[3]), [1, 2]);
    assert_eq!(block_on(longest_async(&[1], &[2, 3])), [2, 3]);
    let mut calls = 0;
    let counted = |x| {
        calls += 1;
        x
    };
    assert_eq!(applied(counted, 2), 4);
    assert_eq!(block_on(applied_async(async |x| x, 2)), 4);
    assert_eq!(calls, 2);
    assert_eq!(foreign(3) + r#type(1, 2) + block_on(cfgs((4, 0))) + inner_attributes(1), 11);
    assert_eq!(sees_its_own_names(1, 1, 1, 1) + block_on(sees_the_modules_names()), 12);
}

#[test]
fn receivers() {
    let store = |item: &str| Store { items: vec![item.to_owned()] };
    let mut one = store("a");
    one.first_mut().push('b');
    block_on(one.first_async()).push('c');
    one.find("abc").unwrap().push('d');
    assert_eq!(one.first(), "abcd");
    assert!(one.find("x").is_none());
    assert_eq!(Arc::new(store("x")).shared() + block_on(Box::new(store("x")).boxed()), 2);
    assert_eq!(Pin::new(&mut one).pinned(), 2);
    assert_eq!(block_on(one.chained("z").into_items()), ["abcd"]);
    assert_eq!(Store::by_ref(vec![1, 2], 0), 2);
    assert_eq!("a".given() + &block_on("b".given_async()) + &7u8.consumed(), "ab7");
    assert_eq!(block_on("a".declared()) + &block_on(7u8.declared()), "a7");
}

#[test]
fn from_macros_and_beside_others() {
    assert_eq!(made(1, 2, (3, 4)), 6);
    assert_eq!(block_on(Failed("four").whole((1, 2))), Ok(7));
    assert_eq!(block_on(above(1)).unwrap() + block_on(below(2)).unwrap(), 3);
    assert_eq!(above_sync(1).unwrap() + below_sync(2).unwrap(), 3);
}

#[test]
fn the_future_is_send_when_the_body_is() {
    fn is_send<T: Send>(future: T) -> T {
        future
    }
    assert_eq!(block_on(is_send(parse_async("7"))), Ok(7));
    fn spawned<'a>(x: &'a mut u8) -> impl Future<Output = ()> + Send + 'a {
        nothing(x)
    }
    let mut x = 1;
    block_on(spawned(&mut x));
    assert_eq!(x, 2);
}
