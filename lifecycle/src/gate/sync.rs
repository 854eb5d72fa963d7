//! The primitives that the gate is built on: the standard library's, or loom's, which explore every interleaving.

#[cfg(not(loom))]
pub(super) use self::plain::*;

#[cfg(not(loom))]
mod plain {
    use std::sync::PoisonError;

    pub(crate) use std::sync::MutexGuard;
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering, fence};

    pub(crate) struct Mutex<T>(std::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) const fn new(value: T) -> Self {
            Mutex(std::sync::Mutex::new(value))
        }

        /// Nothing that can panic runs under it.
        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    macro_rules! per_program {
        ($name:ident: $ty:ty = $value:expr) => {
            fn $name() -> MutexGuard<'static, $ty> {
                static VALUE: Mutex<$ty> = Mutex::new($value);
                VALUE.lock()
            }
        };
    }
    macro_rules! per_thread {
        ($name:ident: $ty:ty = $value:expr) => {
            thread_local! { static $name: $ty = const { $value } }
        };
    }
    pub(crate) use {per_program, per_thread};
}

#[cfg(loom)]
pub(super) use self::explored::*;

/// Loom's types cannot be made in a `const`, as the `static`s around the gate need: these are made at their first use.
#[cfg(loom)]
#[allow(clippy::unwrap_used, clippy::expect_used, reason = "a model fails by a panic")]
mod explored {
    use std::ops::Deref;
    use std::sync::OnceLock;

    pub(crate) use loom::sync::MutexGuard;
    pub(crate) use loom::sync::atomic::{Ordering, fence};

    macro_rules! atomics {
        ($($name:ident: $value:ty;)*) => {$(
            pub(crate) struct $name {
                initial: $value,
                made: OnceLock<loom::sync::atomic::$name>,
            }

            impl $name {
                pub(crate) const fn new(initial: $value) -> Self {
                    $name { initial, made: OnceLock::new() }
                }
            }

            impl Deref for $name {
                type Target = loom::sync::atomic::$name;

                fn deref(&self) -> &Self::Target {
                    self.made.get_or_init(|| loom::sync::atomic::$name::new(self.initial))
                }
            }
        )*};
    }
    atomics! { AtomicU32: u32; AtomicUsize: usize; AtomicBool: bool; }

    pub(crate) struct Mutex<T> {
        initial: std::sync::Mutex<Option<T>>,
        made: OnceLock<loom::sync::Mutex<T>>,
    }

    impl<T> Mutex<T> {
        pub(crate) const fn new(value: T) -> Self {
            Mutex { initial: std::sync::Mutex::new(Some(value)), made: OnceLock::new() }
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            let made = self.made.get_or_init(|| {
                let initial = self.initial.lock().unwrap().take();
                loom::sync::Mutex::new(initial.expect("taken once"))
            });
            made.lock().unwrap()
        }
    }

    /// Made anew for each interleaving by `begin`; all threads of a model run on one thread of the system.
    macro_rules! per_program {
        ($name:ident: $ty:ty = $value:expr) => {
            std::thread_local! {
                static VALUE: Cell<Option<&'static Mutex<$ty>>> = const { Cell::new(None) };
            }

            fn $name() -> MutexGuard<'static, $ty> {
                VALUE.get().expect("a model begins with `begin`").lock()
            }

            #[cfg(test)]
            pub(super) fn begin() {
                let made: &'static Mutex<$ty> = Box::leak(Box::new(Mutex::new($value)));
                drop(made.lock());
                VALUE.set(Some(made));
            }
        };
    }
    macro_rules! per_thread {
        ($name:ident: $ty:ty = $value:expr) => {
            loom::thread_local! { static $name: $ty = $value; }
        };
    }
    pub(crate) use {per_program, per_thread};
}
