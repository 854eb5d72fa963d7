//! The instruction counts of the hot paths, as `.ci/instructions` finds them.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::Scale;
use crate::child::output_of;
use crate::report::{Section, table};

pub fn measure(_: Scale) -> Result<Section> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/instructions");
    // It builds what it counts.
    let printed = output_of(Command::new(script).arg("--table"), Duration::from_secs(900))?;
    let rows: Vec<Vec<String>> = printed
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(path, count)| vec![path.replace('_', " "), count.to_owned()])
        .collect();
    ensure!(!rows.is_empty(), "no counts in {printed:?}");
    let text = format!(
        "Counted by callgrind, so the same on a busy machine; `.ci/instructions` holds them to the limits in \
         `benches/instructions/limits`.\n{}",
        table(&["path", "instructions"], rows)
    );
    Ok(Section { title: "Instructions", claims: Vec::new(), text })
}
