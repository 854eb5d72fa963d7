//! The drawing, read back as a tree.

use std::time::Duration;

use roxmltree::{Document, Node};

use crate::plan_view::{Plan, PlanStep, example};
use crate::report::StepKind;

/// Places are written to a tenth.
pub(super) const NEAR: f64 = 0.11;

pub(super) fn number(node: Node<'_, '_>, name: &str) -> f64 {
    node.attribute(name).and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name}: {node:?}"))
}

pub(super) fn has(node: &Node<'_, '_>, class: &str) -> bool {
    node.attribute("class").is_some_and(|classes| classes.split(' ').any(|it| it == class))
}

pub(super) fn tip<'a>(node: Node<'a, '_>) -> &'a str {
    node.children()
        .find(|child| child.has_tag_name("title"))
        .and_then(|title| title.text())
        .unwrap_or_default()
}

pub(super) fn rows<'a, 'i>(document: &'a Document<'i>) -> Vec<Node<'a, 'i>> {
    document.descendants().filter(|node| node.has_tag_name("g") && has(node, "step")).collect()
}

pub(super) fn bar<'a, 'i>(row: Node<'a, 'i>) -> Option<Node<'a, 'i>> {
    row.children().find(|node| has(node, "bar"))
}

fn with(plan: &Plan, test: impl FnOnce(&Document<'_>)) {
    let text = plan.to_svg();
    test(&Document::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}")));
}

#[test]
fn every_step_has_its_row_in_order_whatever_it_is_called() {
    for (name, plan) in example::all() {
        with(&plan, |svg| {
            let rows = rows(svg);
            assert_eq!(rows.len(), plan.steps.len(), "{name}");
            for (row, step) in rows.iter().zip(&plan.steps) {
                let title = crate::render::line(&step.title());
                assert!(tip(*row).starts_with(&format!("{title}: ")), "{name}: {}", tip(*row));
                let policy = step.policy.to_string();
                assert!(
                    tip(*row).contains(&policy) && plan.to_dot().contains(&policy),
                    "{name}: {}",
                    tip(*row)
                );
                assert!(step.file.is_empty() || tip(*row).contains(&step.file));
            }
            let names: Vec<f64> =
                svg.descendants().filter(|node| has(node, "name")).map(|it| number(it, "y")).collect();
            assert!(
                names.windows(2).all(|two| two[1] - two[0] >= 25.9),
                "{name}: rows do not overlap: {names:?}"
            );
        });
    }
}

#[test]
fn bars_are_to_scale() {
    for (name, plan) in [("small", example::small()), ("large", example::large())] {
        with(&plan, |svg| {
            let rows = rows(svg);
            for kinds in [&[StepKind::Start][..], &[StepKind::Shutdown, StepKind::Group, StepKind::Last]] {
                let drawn: Vec<(&PlanStep, f64, f64)> = rows
                    .iter()
                    .zip(&plan.steps)
                    .filter(|(_, step)| kinds.contains(&step.kind))
                    .map(|(row, step)| {
                        let bar = bar(*row).unwrap();
                        (step, number(bar, "x"), number(bar, "x") + number(bar, "width"))
                    })
                    .collect();
                // The scale, from the two ends of the longest bar there is.
                let span = |step: &PlanStep| (step.ends.unwrap() - step.begins.unwrap()).as_secs_f64();
                let longest = drawn.iter().max_by(|a, b| span(a.0).total_cmp(&span(b.0))).unwrap();
                let pixels = (longest.2 - longest.1) / span(longest.0);
                let zero = longest.1 - pixels * longest.0.begins.unwrap().as_secs_f64();
                for (step, left, right) in &drawn {
                    let place = |time: Option<Duration>| zero + pixels * time.unwrap().as_secs_f64();
                    assert!((place(step.begins) - left).abs() < 3.0 * NEAR, "{name}: {} begins", step.id);
                    assert!((place(step.ends) - right).abs() < 3.0 * NEAR, "{name}: {} ends", step.id);
                }
                if !kinds.contains(&StepKind::Group) {
                    continue;
                }
                for (class, time) in [("grace", plan.grace), ("reserve", plan.worst.available)] {
                    let line = svg
                        .descendants()
                        .rfind(|node| node.has_tag_name("line") && has(node, class))
                        .unwrap();
                    let x = zero + pixels * time.unwrap().as_secs_f64();
                    assert!((number(line, "x1") - x).abs() < 3.0 * NEAR, "{name}: {class}");
                }
            }
        });
    }
}

#[test]
fn the_longest_way_is_marked_by_more_than_a_colour() {
    for (name, plan) in [("small", example::small()), ("large", example::large())] {
        with(&plan, |svg| {
            let rows = rows(svg);
            for (row, step) in rows.iter().zip(&plan.steps) {
                let label = row.children().find(|node| has(node, "name")).unwrap();
                assert_eq!(has(&label, "critical"), step.critical, "{name}: {}", step.id);
                assert_eq!(label.text().unwrap().starts_with('◆'), step.critical, "{name}: {}", step.id);
                let thick = number(bar(*row).unwrap(), "stroke-width") > 1.0;
                assert_eq!(thick, step.critical, "{name}: {}", step.id);
            }
            let critical = plan.steps.iter().filter(|step| step.critical).count();
            let links = svg.descendants().filter(|node| has(node, "path")).count();
            let lameduck = usize::from(plan.phases.lameduck > Duration::ZERO);
            assert_eq!(links, critical - 1 + lameduck, "{name}");
        });
    }
}

#[test]
fn what_comes_too_late_is_hatched_and_nothing_else() {
    for (name, plan) in [("small", example::small()), ("large", example::large())] {
        with(&plan, |svg| {
            for (row, step) in rows(svg).iter().zip(&plan.steps) {
                let late = row.children().any(|node| has(&node, "late"));
                let over = step.kind == StepKind::Shutdown && step.ends > plan.worst.available;
                assert_eq!(late, over, "{name}: {}", step.id);
            }
        });
    }
}

#[test]
fn ranks_have_a_ground_and_a_label_each() {
    with(&example::large(), |svg| {
        let labels: Vec<&str> =
            svg.descendants().filter(|node| has(node, "band")).filter_map(|node| node.text()).collect();
        assert_eq!(
            labels,
            [
                "order 0",
                "order 1",
                "order 2",
                "order −1",
                "drain",
                "order 0",
                "order 1",
                "order 2",
                "order 4",
                "last"
            ]
        );
    });
}

#[test]
fn nothing_is_drawn_beside_the_paper() {
    for (name, plan) in example::all() {
        with(&plan, |svg| on_the_paper(name, svg));
    }
}

pub(super) fn on_the_paper(name: &str, svg: &Document<'_>) {
    let (width, height) = (number(svg.root_element(), "width"), number(svg.root_element(), "height"));
    for node in svg.descendants().filter(|node| node.attribute("x").is_some()) {
        let (x, y) = (number(node, "x"), number(node, "y"));
        let long = node.attribute("width").map_or(0.0, |width| width.parse().unwrap());
        let text = node.text().unwrap_or_default().chars().count() as f64 * 6.0;
        let (left, right) = match node.attribute("text-anchor") {
            Some("end") => (x - text, x),
            Some("middle") => (x - text / 2.0, x + text / 2.0),
            Some(_) => (x, x + text),
            None => (x, x + long),
        };
        assert!(left >= 0.0 && right <= width && y <= height, "{name}: {node:?} {left} {right} of {width}");
    }
}

/// A name never runs into the bars: it is cut before.
#[test]
fn names_stay_left_of_the_bars() {
    for (name, plan) in example::all() {
        with(&plan, |svg| {
            assert!(number(svg.root_element(), "width") < 1_250.0, "{name} fits a screen");
            let axis = svg.descendants().find(|node| has(node, "axis")).unwrap();
            let left = number(axis, "x1");
            for label in svg.descendants().filter(|node| has(node, "name")) {
                let end = number(label, "x") + label.text().unwrap().chars().count() as f64 * 7.3;
                assert!(end <= left, "{name}: {:?} ends at {end} of {left}", label.text());
            }
        });
    }
}
