//! A library with a step, for the cases in `fail/` and `pass/`, see `tests/ui.rs`.

/// Steps that other crates name.
pub mod steps {
    pub use self::inner::reexported as renamed;

    /// Calls of this library.
    #[lifecycle::group(order = 3)]
    pub struct Later;

    mod inner {
        /// Of no order: it comes after whoever says so.
        #[lifecycle::on_shutdown(order = 1)]
        pub fn reexported() {}
    }
}
