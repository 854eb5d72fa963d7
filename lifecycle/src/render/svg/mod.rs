//! Drawings over time: a row for each step.

mod axis;
mod canvas;
mod parts;
mod plan;
#[cfg(test)]
mod plan_tests;
mod report;
#[cfg(test)]
mod report_tests;

pub(crate) use plan::plan;
pub(crate) use report::report;
