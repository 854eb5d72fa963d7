//! Every form of return.
use std::fmt;
use std::sync::Arc;

use lifecycle::{Outcome, Report, on_shutdown, on_start};

/// Neither `Debug` nor `Error` nor `Send`.
struct Failed(std::rc::Rc<str>);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[on_start]
fn nothing() {}

#[on_start]
fn unit() -> () {}

#[on_start]
fn value() -> u8 {
    8
}

#[on_start]
async fn result() -> Result<u16, Failed> {
    Ok(16)
}

#[on_start]
fn result_of_nothing() -> Result<(), Failed> {
    Ok(())
}

#[on_start]
fn tuple() -> Result<(u32, String), std::io::Error> {
    Ok((32, "text".to_owned()))
}

#[on_start]
fn option() -> Result<Option<u64>, Box<dyn std::error::Error>> {
    Ok(Some(64))
}

#[on_start]
async fn arc() -> Arc<[u8]> {
    Arc::from([1, 2, 3])
}

#[on_shutdown]
async fn ends() {}

#[on_shutdown]
fn ends_with_a_unit() -> () {}

#[on_shutdown]
fn ends_well() -> Result<(), Failed> {
    Ok(())
}

#[on_shutdown]
async fn ends_well_later() -> Result<(), Box<dyn std::error::Error>> {
    Ok(())
}

#[on_shutdown(last)]
fn alert(report: &Report) {
    let done = report.steps.iter().filter(|step| step.outcome == Outcome::Done).count();
    assert_eq!((done, report.steps.len()), (13, 13), "{report}");
}

#[lifecycle::main]
async fn main(a: &u8, b: &u16, c: &u32, d: &u64, text: String, list: &[u8]) -> Result<(), std::rc::Rc<str>> {
    assert_eq!((a, b, c, d, &*text, list), (&8, &16, &32, &64, "text", &[1, 2, 3][..]));
    Ok(())
}
