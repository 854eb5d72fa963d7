//! From what was written to a worker that can be generated.

use super::args::Raw;
use crate::called::Function;
use crate::component::Owner;
use crate::diag::ErrorSink;
use crate::keys::{Spanned, WORKER};
use crate::step::check::{self, Marker, Step};

/// An `Err` holds the marker, where one can stand.
pub(super) fn check(
    raw: Raw,
    function: &Function<'_>,
    owner: Option<&Owner>,
    errors: &ErrorSink<'_>,
) -> Result<Step, Option<Marker>> {
    if let Some(Spanned { value: "never", .. }) = raw.restart {
        raw.step.extra.only_once(errors, "says how it is begun again, and `restart = never` that it is not");
    }
    let mut step = check::check(WORKER, raw.step, function, owner, errors)?;
    step.extra.worker = Some(raw.restart.map(|restart| restart.value));
    Ok(step)
}
