//! What knows of other people's crates: each module behind the feature of its name, none of them known to the rest.

#[cfg(feature = "axum")]
pub mod axum;
#[cfg(feature = "hyper-util")]
mod connection;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "hyper-util")]
pub mod hyper;
#[cfg(feature = "rmcp")]
mod rmcp;
#[cfg(feature = "tonic")]
pub mod tonic;
#[cfg(feature = "tower")]
pub mod tower;
