//! The attributes of the `lifecycle` crate, which re-exports and documents them.
