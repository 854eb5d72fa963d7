//! What knows of other people's crates: each module behind the feature of its name, none of them known to the rest.

#[cfg(feature = "axum")]
mod axum;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "rmcp")]
mod rmcp;
#[cfg(feature = "tonic")]
mod tonic;
