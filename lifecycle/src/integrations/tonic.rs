//! tonic: `Rejected` as a status.

use ::tonic::Status;

use crate::rejected::Rejected;

/// `UNAVAILABLE`, upon which clients try elsewhere.
impl From<Rejected> for Status {
    fn from(rejected: Rejected) -> Self {
        Status::unavailable(rejected.to_string())
    }
}
