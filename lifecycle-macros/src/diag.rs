//! Errors, collected rather than returned: a user sees every mistake at once.

use std::cell::{Cell, RefCell};
use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::ToTokens;

/// Owns every error of one expansion.
#[derive(Default)]
pub(crate) struct ErrorStore {
    errors: RefCell<Vec<syn::Error>>,
}

impl ErrorStore {
    /// A handle that also knows whether anything went wrong under itself.
    pub(crate) fn sink(&self) -> ErrorSink<'_> {
        ErrorSink { store: self, parent: None, failed: Cell::new(false) }
    }

    /// One `compile_error!` for each error, in the order in which they were found.
    pub(crate) fn into_tokens(self) -> TokenStream {
        self.errors.into_inner().iter().map(syn::Error::to_compile_error).collect()
    }
}

/// Takes errors; knows whether it, or a child, was given any.
pub(crate) struct ErrorSink<'a> {
    store: &'a ErrorStore,
    parent: Option<&'a ErrorSink<'a>>,
    failed: Cell<bool>,
}

impl ErrorSink<'_> {
    /// A part whose failure is asked for separately.
    pub(crate) fn child(&self) -> ErrorSink<'_> {
        ErrorSink { store: self.store, parent: Some(self), failed: Cell::new(false) }
    }

    /// Notes an error with its caret under `culprit`.
    pub(crate) fn at(&self, culprit: &impl ToTokens, message: impl Display) {
        self.push(syn::Error::new_spanned(culprit, message));
    }

    pub(crate) fn push(&self, error: syn::Error) {
        self.store.errors.borrow_mut().push(error);
        self.fail();
    }

    fn fail(&self) {
        self.failed.set(true);
        if let Some(parent) = self.parent {
            parent.fail();
        }
    }

    pub(crate) fn failed(&self) -> bool {
        self.failed.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;

    #[test]
    fn a_childs_failure_is_the_parents_and_not_its_siblings() {
        let store = ErrorStore::default();
        let top = store.sink();
        let (one, other) = (top.child(), top.child());
        one.at(&quote!(x), "first");
        top.at(&quote!(y), "second");
        assert!(one.failed() && top.failed() && !other.failed());
        let text = store.into_tokens().to_string();
        assert!(text.find("first") < text.find("second"), "{text}");
    }
}
