//! rmcp: `Rejected` as an error of the Model Context Protocol.

use ::rmcp::ErrorData;
use ::rmcp::model::ErrorCode;

use crate::rejected::Rejected;

/// Of those that JSON-RPC leaves to servers. The protocol's clients take it for a connection that is closed, which in a
/// moment it is; `INTERNAL_ERROR` would be a fault of the tool's.
const SERVER_GOES: ErrorCode = ErrorCode(-32000);

/// The code -32000, and why.
impl From<Rejected> for ErrorData {
    fn from(rejected: Rejected) -> Self {
        ErrorData::new(SERVER_GOES, rejected.to_string(), None)
    }
}
