//! Nothing: the cases are in `fail/` and `pass/`, see `tests/ui.rs`.
