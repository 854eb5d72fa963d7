//! x
use crate::Plan;
pub(crate) fn kubernetes(_: &Plan) -> String {
    String::new()
}
pub(crate) fn systemd(_: &Plan) -> String {
    String::new()
}
pub(crate) fn compose(_: &Plan) -> String {
    String::new()
}
