//! Calls that still run, in one line.

use super::{duration, line};
use crate::report::{CallSite, RunningCall};

/// Of so many calls of one function each is named.
const NAMED: usize = 5;

/// `checkout order=42 (7.1s, src/orders.rs:31), create_order ×2 (src/web.rs:7)`. The calls with ids that were made within
/// others stand behind those, in brackets.
pub(crate) fn in_words(sites: &[CallSite]) -> String {
    let words: Vec<String> = sites.iter().map(site).collect();
    words.join(", ")
}

/// A line for each call with an id, as a report shows them: `checkout order=42, 7.1s, src/orders.rs:31`, at most so many of
/// them and one more that counts the others.
pub(crate) fn rows(site: &CallSite, most: usize) -> impl Iterator<Item = String> {
    let row = |RunningCall { name, id, file, line: at, ran }: &RunningCall| {
        format!("{name} {}, {}, {file}:{at}", line(id), duration(*ran))
    };
    let more = site.running.len().saturating_sub(most);
    let more = (more > 0).then(|| format!("and {more} more"));
    site.running.iter().take(most).map(row).chain(more)
}

fn site(site: &CallSite) -> String {
    let CallSite { name, file, line, count, running, .. } = site;
    let counted = || format!("{name} ×{count} ({file}:{line})");
    let is_own = |call: &RunningCall| (&call.name, &call.file, call.line) == (name, file, *line);
    if running.is_empty() {
        counted()
    } else if running.len() == *count && running.iter().all(is_own) {
        named(running)
    } else {
        format!("{} [{}]", counted(), named(running))
    }
}

fn named(running: &[RunningCall]) -> String {
    let words = running.iter().take(NAMED).map(|RunningCall { name, id, file, line: at, ran }| {
        format!("{name} {} ({}, {file}:{at})", line(id), duration(*ran))
    });
    let mut words: Vec<String> = words.collect();
    match running.len().saturating_sub(NAMED) {
        0 => {}
        more => words.push(format!("{more} more")),
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    #[test]
    fn calls_are_named_by_their_ids_or_counted() {
        let [both] = &*example::degraded().calls.cut_off else { panic!("one function") };
        let (own, inner) = (both.running[0].clone(), both.running[1].clone());
        let of = |count, running: &[RunningCall]| {
            in_words(&[CallSite { count, running: running.to_vec(), ..both.clone() }])
        };
        assert_eq!(of(2, &[]), "create_order ×2 (src/web.rs:7)");
        assert_eq!(of(1, std::slice::from_ref(&own)), "create_order order=\"42\" (22.1s, src/web.rs:7)");
        assert_eq!(
            of(2, std::slice::from_ref(&own)),
            "create_order ×2 (src/web.rs:7) [create_order order=\"42\" (22.1s, src/web.rs:7)]",
            "one of them has no id: it was spawned"
        );
        assert_eq!(
            of(1, &[inner]),
            "create_order ×1 (src/web.rs:7) [charge card\\n\\u{1b}[2J (7.1s, src/cards.rs:40)]"
        );
        let many = of(9, &vec![own; 9]);
        assert_eq!((many.matches("order=").count(), many.ends_with(", 4 more")), (5, true), "{many}");
        let two = [
            CallSite { running: Vec::new(), ..both.clone() },
            CallSite { running: Vec::new(), ..both.clone() },
        ];
        assert_eq!(in_words(&two), "create_order ×2 (src/web.rs:7), create_order ×2 (src/web.rs:7)");
    }
}
