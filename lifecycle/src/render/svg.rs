//! x
use crate::Plan;
pub(crate) fn plan(_: &Plan) -> String {
    String::new()
}
