//! Everything that generated code names. No part of it is a promise to anyone else.

pub mod argument;
pub mod outcome;

pub use core::any::TypeId;
pub use core::option::Option::{self, None, Some};
pub use core::result::Result::{self, Err, Ok};
pub use core::time::Duration;
pub use core::{file, line, module_path};
pub use std::boxed::Box;

pub use inventory;

pub use crate::hook::{Call, CallResult, Missing, Phase, Signature, StepDef, StepKeys};
pub use crate::rejected::Rejected;
pub use crate::resource::Inputs;
pub use crate::tracked::{Admitted, Inside, Scope, Site, admit, run};
