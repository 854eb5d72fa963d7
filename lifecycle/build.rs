//! Cargo accepts `links` (see Cargo.toml) only beside a build script; nothing is built here.
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
}
