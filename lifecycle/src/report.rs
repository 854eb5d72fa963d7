//! What really happened, step by step.

/// What a shutdown did.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {}
