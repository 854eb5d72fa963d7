//! The drawing of a report, read back as a tree.

use std::time::Duration;

use roxmltree::{Document, Node};

use super::plan_tests::{NEAR, bar, has, number, rows, tip};
use crate::report::{Outcome, Report, StepKind, StepReport, example};

fn reports() -> [(&'static str, Report); 4] {
    [
        ("clean", example::clean()),
        ("degraded", example::degraded()),
        ("short", example::short()),
        ("long", example::long()),
    ]
}

fn with(report: &Report, test: impl FnOnce(&Document<'_>)) {
    let text = report.to_svg();
    test(&Document::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}")));
}

/// The rows with their steps: those of the start first, each part in the report's order.
fn both<'a, 'i>(svg: &'a Document<'i>, report: &'a Report) -> Vec<(Node<'a, 'i>, &'a StepReport)> {
    let (mut steps, rest): (Vec<_>, Vec<_>) =
        report.steps.iter().partition(|step| step.kind.section() == StepKind::Start);
    steps.extend(rest);
    let rows = rows(svg);
    assert_eq!(rows.len(), steps.len());
    rows.into_iter().zip(steps).collect()
}

fn began(outcome: Outcome) -> bool {
    !matches!(outcome, Outcome::Skipped | Outcome::Missing | Outcome::NotReached | Outcome::Off)
}

#[test]
fn every_step_has_its_row_and_says_in_words_how_it_ended() {
    for (name, report) in reports() {
        with(&report, |svg| {
            for (row, step) in both(svg, &report) {
                assert!(tip(row).starts_with(&format!("{}::{}: {}", step.module, step.name, step.outcome)));
                let outcome = row.children().find(|node| has(node, "outcome")).unwrap();
                let (mark, words) = outcome.text().unwrap().split_once(' ').unwrap();
                assert_eq!(words, step.outcome.as_str(), "{name}: {}", step.name);
                assert_eq!(mark == "✗", step.outcome.is_degraded(), "{name}: {}", step.name);
                assert_eq!(has(&outcome, "bad"), step.outcome.is_degraded());
            }
        });
    }
}

#[test]
fn a_bar_shows_by_its_pattern_that_something_went_wrong() {
    with(&example::long(), |svg| {
        for (row, step) in both(svg, &example::long()) {
            let bar = bar(row);
            assert_eq!(bar.is_some(), began(step.outcome), "{}", step.name);
            if let Some(bar) = bar {
                let fill = bar.attribute("fill").unwrap();
                assert_eq!(fill.starts_with("url(#"), step.outcome.is_degraded(), "{}", step.name);
            }
        }
    });
}

#[test]
fn waiting_running_and_limits_are_to_scale() {
    for (name, report) in [("short", example::short()), ("long", example::long())] {
        with(&report, |svg| {
            let both = both(svg, &report);
            for start in [true, false] {
                let part: Vec<_> = both
                    .iter()
                    .filter(|(_, step)| (step.kind.section() == StepKind::Start) == start)
                    .collect();
                let drawn: Vec<_> = part.iter().filter_map(|(row, step)| Some((bar(*row)?, step))).collect();
                // The scale, from the longest bar there is.
                let (longest, step) = drawn.iter().max_by_key(|(_, step)| step.ran).unwrap();
                let pixels = number(*longest, "width") / step.ran.as_secs_f64();
                let zero = number(*longest, "x") - pixels * step.began.as_secs_f64();
                let place = |time: Duration| zero + pixels * time.as_secs_f64();
                let near = |found: f64, time: Duration, what: &str, step: &StepReport| {
                    assert!(
                        (found - place(time)).abs() < 5.0 * NEAR,
                        "{name}: {} {what}: {found}",
                        step.name
                    );
                };
                for (bar, step) in &drawn {
                    near(number(*bar, "x"), step.began, "begins", step);
                    let width = number(*bar, "width");
                    assert!(width >= 1.4, "{name}: {} can be seen", step.name);
                    if width > 2.0 {
                        near(number(*bar, "x") + width, step.began + step.ran, "ends", step);
                    }
                }
                for (row, step) in &part {
                    let line = |class: &str| row.children().find(|node| has(node, class));
                    if let Some(waited) = line("waited") {
                        near(number(waited, "x1"), step.began - step.waited, "waits from", step);
                        near(number(waited, "x2"), step.began, "waits until", step);
                    } else {
                        assert!(pixels * step.waited.as_secs_f64() < 2.0 || step.outcome == Outcome::Off);
                    }
                    if let (Some(limit), Some(time)) = (line("limit"), step.limit) {
                        near(number(limit, "x1"), step.began + time, "may run until", step);
                    }
                }
            }
            let timed_out = both.iter().find(|(_, step)| step.outcome == Outcome::TimedOut);
            if let Some((row, _)) = timed_out {
                assert!(row.children().any(|node| has(&node, "limit")), "{name}: what it exceeded is drawn");
            }
        });
    }
}

#[test]
fn the_end_of_the_drain_stands_in_the_groups_bar() {
    with(&example::long(), |svg| {
        let all = example::long();
        let both = both(svg, &all);
        let (row, step) = both.iter().find(|(_, step)| step.kind == StepKind::Group).unwrap();
        let bar = bar(*row).unwrap();
        let line = row.children().find(|node| has(node, "drained")).unwrap();
        let part = step.calls.as_ref().unwrap().drained_in.as_secs_f64() / step.ran.as_secs_f64();
        let expected = number(bar, "x") + part * number(bar, "width");
        assert!((number(line, "x1") - expected).abs() < 3.0 * NEAR);
    });
}

#[test]
fn grace_is_drawn_where_it_is_near() {
    let count = |report: &Report| {
        let mut lines = 0;
        with(report, |svg| lines = svg.descendants().filter(|node| has(node, "grace")).count());
        lines
    };
    assert_eq!(count(&example::long()), 2, "24.7s of 25s");
    assert_eq!(count(&example::short()), 0, "8.6s of 25s would be squeezed");
}

#[test]
fn no_line_goes_through_a_caption() {
    for (name, report) in [("short", example::short()), ("long", example::long())] {
        with(&report, |svg| {
            for (row, step) in both(svg, &report) {
                let Some(caption) = row.children().find(|node| has(node, "caption")) else { continue };
                let (x, width) = (number(caption, "x"), caption.text().unwrap().chars().count() as f64 * 6.0);
                let (from, to) = match caption.attribute("text-anchor") {
                    Some("end") => (x - width, x),
                    _ => (x, x + width),
                };
                let own = row.children().filter(|node| has(node, "limit"));
                let lines = own.chain(svg.descendants().filter(|node| has(node, "grace")));
                for line in lines.filter(|_| step.kind.section() != StepKind::Start) {
                    let x = number(line, "x1");
                    assert!(x < from || x > to, "{name}: {}: {x} in {from} to {to}", step.name);
                }
            }
        });
    }
}

#[test]
fn what_is_no_steps_stands_above() {
    with(&example::degraded(), |svg| {
        let said: Vec<&str> =
            svg.descendants().filter(|node| has(node, "verdict")).filter_map(|node| node.text()).collect();
        assert_eq!(
            said,
            [
                "shutdown(\"deploy \\\"42\\\"\"): took 1.2s of 25s, exit 1; 3 of 7 steps went wrong: \
                 cancel_open_orders, Requests, close_db",
                "the service failed: address in use\\n(os error 98)",
                "cut off: create_order ×2 (src/web.rs:7)",
                "of these: create_order order=\"42\", 22.1s, src/web.rs:7",
                "of these: charge card\\n\\u{1b}[2J, 7.1s, src/cards.rs:40",
                "unhealthy when it began: venue: recovery failed: connection refused",
            ]
        );
    });
}

#[test]
fn a_report_without_steps_is_a_drawing_too() {
    with(&Report::invalid(vec!["no <db> & no \"venue\"".into()]), |svg| {
        assert!(svg.descendants().any(|node| node.text() == Some("no <db> & no \"venue\"")));
    });
}

#[test]
fn nothing_is_drawn_beside_the_paper() {
    for (name, report) in reports() {
        with(&report, |svg| super::plan_tests::on_the_paper(name, svg));
    }
}
