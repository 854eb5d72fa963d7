//! Ids and spans, without a warning and whatever else is there under the names that the library uses.
#![deny(warnings, clippy::all)]
#![expect(dead_code, reason = "nobody calls what is only to compile")]

use std::future::Future;

use lifecycle::{Rejected, tracked};

mod tracing {}
mod core {}

type Answer<T = ()> = Result<T, Rejected>;

struct Order {
    id: u32,
    lines: Vec<String>,
}

#[tracked(id = order.id, span)]
async fn moved(order: Order) -> Answer<usize> {
    Ok(order.lines.len())
}

#[tracked(id = if identity > 1 { identity } else { site }, span)]
async fn names_of_ours(identity: u8, site: u8, body: u8, id: u8, span: u8) -> Answer<u8> {
    Ok(identity + site + body + id + span)
}

#[tracked(id = id, span)]
fn an_argument_called_id(id: &str) -> Answer<String> {
    Ok(id.to_owned())
}

#[tracked(span)]
fn a_span_alone() -> Answer {
    Ok(())
}

#[tracked(id = 1 + { number }, name = "orders.sum", admit = always)]
fn an_expression(number: u8) -> u8 {
    number
}

#[tracked(id = format_args!("{}/{}", id, lines.len()), span)]
async fn in_part(Order { id, lines, .. }: Order, _: u8) -> Answer<u32> {
    drop(lines);
    Ok(id)
}

#[tracked(id = text, span)]
async fn borrows<'a, T: AsRef<str> + ?Sized>(text: &'a str, other: &'a T) -> Answer<&'a str> {
    Ok(if text.is_empty() { other.as_ref() } else { text })
}

#[tracked(id = order.id, reject = Vec::new().into_iter())]
fn hidden(order: Order) -> impl Iterator<Item = String> {
    order.lines.into_iter()
}

#[tracked(id = order.id, reject = None)]
fn hidden_future(order: &Order) -> impl Future<Output = Option<usize>> + Send + '_ {
    async move { Some(order.lines.len()) }
}

fn main() {}
