//! What `#[lifecycle::main]` leaves behind.

use crate::__private::outcome::Asked;
use crate::hook::{CallResult, Signature};
use crate::settings::{Origin, Settings};

/// What the macros know of `main`.
pub struct MainDef {
    /// `file!()`.
    pub file: &'static str,
    /// `line!()`.
    pub line: u32,
    /// What it takes.
    pub signature: fn(&mut Signature),
    /// Writes the attribute's keys.
    pub keys: fn(&mut Settings),
    /// Runs before anything else; its value is a resource.
    pub setup: Option<Setup>,
}

/// A setup function, which also tells what it gives without being run.
pub type Setup = fn(Asked<'_>) -> CallResult;

impl MainDef {
    /// What the attribute says.
    pub(crate) fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        settings.set_layer(Origin::Attribute);
        (self.keys)(&mut settings);
        settings
    }

    /// What it takes.
    pub(crate) fn takes(&self) -> Signature {
        let mut signature = Signature::default();
        (self.signature)(&mut signature);
        signature
    }
}
