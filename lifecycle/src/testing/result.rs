//! What a test may return.

use std::fmt::Debug;
use std::process::ExitCode;

/// What a `#[lifecycle::test]` may return: `()`, an [`ExitCode`], or a `Result` of one of them.
#[diagnostic::on_unimplemented(
    message = "a test cannot return `{Self}`",
    label = "not a test's result",
    note = "return `()`, `Result<(), E>` with `E: Debug`, or `std::process::ExitCode`"
)]
pub trait TestResult {
    /// The error as libtest would print it.
    #[doc(hidden)]
    fn conclude(self) -> Result<(), String>;
}

impl TestResult for () {
    fn conclude(self) -> Result<(), String> {
        Ok(())
    }
}

impl TestResult for ExitCode {
    fn conclude(self) -> Result<(), String> {
        match self == ExitCode::SUCCESS {
            true => Ok(()),
            false => Err("it returned a failing exit code".to_owned()),
        }
    }
}

impl<T: TestResult, E: Debug> TestResult for Result<T, E> {
    fn conclude(self) -> Result<(), String> {
        match self {
            Ok(value) => value.conclude(),
            Err(error) => Err(format!("{error:?}")),
        }
    }
}
