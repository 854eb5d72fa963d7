//! Every key of `#[lifecycle::main]` as a value that knows where it came from.
//!
//! Layers: the default, then the attribute, then `setup` (or the builder), then the environment; each overrides the
//! ones before it. [`Settings::check`] looks at the outcome and names every fault at once.

mod check;
mod checks;
pub(crate) mod duration;
mod environment;
pub mod signals;
mod steps;

use std::convert::identity;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

pub(crate) use check::{SettingError, TOO_LONG};
use checks::CheckOverride;
pub use checks::CheckSettings;
use steps::StepOverride;
pub use steps::StepSettings;

/// A time limit that may be absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// At most this long.
    Within(Duration),
    /// No limit.
    Never,
}

impl Limit {
    /// The limit as a duration, if there is one.
    pub fn within(self) -> Option<Duration> {
        match self {
            Limit::Within(limit) => Some(limit),
            Limit::Never => None,
        }
    }
}

impl From<Duration> for Limit {
    fn from(limit: Duration) -> Self {
        Limit::Within(limit)
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Limit::Within(limit) => f.write_str(&duration::spell(*limit)),
            Limit::Never => f.write_str("never"),
        }
    }
}

/// How a process that shut down without a fault ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Exit {
    /// With exit code 0, whatever triggered the shutdown.
    Zero,
    /// By the signal that triggered it.
    Reraise,
}

/// What a plan is whose worst case does not fit into `grace`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Budget {
    /// A warning.
    Warn,
    /// An error: nothing is started.
    Deny,
}

/// How the report is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReportFormat {
    /// An aligned table.
    Table,
    /// One line of JSON.
    Json,
    /// Not at all.
    Off,
}

/// When the service counts as ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ready {
    /// Once every start step has ended and the service waits for something.
    Auto,
    /// Once it calls `lifecycle::ready()`.
    Manual,
}

/// The runtime that is built for the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Flavor {
    /// tokio's `multi_thread`.
    MultiThread,
    /// tokio's `current_thread`.
    CurrentThread,
}

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Default,
    Attribute,
    Setup,
    Builder,
    Environment(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("the default"),
            Origin::Attribute => f.write_str("from #[lifecycle::main]"),
            Origin::Setup => f.write_str("from setup"),
            Origin::Builder => f.write_str("from the builder"),
            Origin::Environment(name) => write!(f, "from the environment, {name}"),
        }
    }
}

/// A value and where it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Setting<T> {
    pub(crate) value: T,
    pub(crate) origin: Origin,
}

impl<T> Setting<T> {
    /// Whether anyone chose it.
    pub(crate) fn is_explicit(&self) -> bool {
        self.origin != Origin::Default
    }
}

macro_rules! settings {
    ($($(#[$doc:meta])* $key:ident($argument:ty => $convert:expr): $value:ty = $default:expr;)*) => {
        /// How the service starts and ends: every key of `#[lifecycle::main]`, and of each step.
        ///
        /// What `setup` writes here overrides the attribute; the environment overrides both.
        ///
        /// ```
        /// use std::time::Duration;
        ///
        /// fn setup(settings: &mut lifecycle::Settings) {
        ///     settings.grace(Duration::from_secs(60)).drain(lifecycle::Limit::Never);
        /// }
        /// # setup(&mut lifecycle::Settings::default());
        /// ```
        #[derive(Clone, Debug)]
        pub struct Settings {
            $(pub(crate) $key: Setting<$value>,)*
            pub(crate) steps: Vec<StepOverride>,
            pub(crate) checks: Vec<CheckOverride>,
            /// Who is writing just now.
            layer: Origin,
        }

        impl Default for Settings {
            fn default() -> Self {
                Settings {
                    $($key: Setting { value: $default, origin: Origin::Default },)*
                    steps: Vec::new(),
                    checks: Vec::new(),
                    layer: Origin::Builder,
                }
            }
        }

        impl Settings {
            $(
                $(#[$doc])*
                pub fn $key(&mut self, $key: $argument) -> &mut Self {
                    self.$key = Setting { value: $convert($key), origin: self.layer };
                    self
                }
            )*
        }

        impl Builder {
            $(
                $(#[$doc])*
                pub fn $key(mut self, $key: $argument) -> Self {
                    self.settings.$key($key);
                    self
                }
            )*
        }
    };
}

settings! {
    /// The whole shutdown ends within this time. Default 25s.
    grace(impl Into<Limit> => Into::into): Limit = Limit::Within(Duration::from_secs(25));
    /// How long requests that run are awaited. Default 15s.
    drain(impl Into<Limit> => Into::into): Limit = Limit::Within(Duration::from_secs(15));
    /// How long requests may still run once they were told that the drain is over. Default 500ms.
    cut(Duration => identity): Duration = Duration::from_millis(500);
    /// How long the service goes on serving, but not ready any more, before anything else happens. Default 0s.
    lameduck(Duration => identity): Duration = Duration::ZERO;
    /// The end of `grace` that is kept for `last` steps and the report. Default 2s.
    reserve(Duration => identity): Duration = Duration::from_secs(2);
    /// The signals that begin the shutdown. Default SIGTERM and SIGINT; see [`signals`].
    signals(&[i32] => <[i32]>::to_vec): Vec<i32> = vec![signals::SIGTERM, signals::SIGINT];
    /// The signal that does what [`pause`](crate::pause) does. Default: none.
    pause(i32 => Some): Option<i32> = None;
    /// The signal that does what [`resume`](crate::resume) does. Default: none.
    resume(i32 => Some): Option<i32> = None;
    /// How the process ends after a shutdown without a fault. Default [`Exit::Zero`].
    exit(Exit => identity): Exit = Exit::Zero;
    /// What a worst case over `grace` is. Default [`Budget::Warn`].
    budget(Budget => identity): Budget = Budget::Warn;
    /// How the report is printed. Default [`ReportFormat::Table`].
    report(ReportFormat => identity): ReportFormat = ReportFormat::Table;
    /// When the service counts as ready. Default [`Ready::Auto`].
    ready(Ready => identity): Ready = Ready::Auto;
    /// The file in which what happens is kept for the next run: docs/JOURNAL.md has the format and what it promises. A
    /// relative path is that from the working directory. Default: none.
    journal(impl Into<PathBuf> => some_path): Option<PathBuf> = None;
    /// The runtime that is built for the service. Default [`Flavor::MultiThread`].
    flavor(Flavor => identity): Flavor = Flavor::MultiThread;
    /// The worker threads of a multi-thread runtime. Default: one per core.
    worker_threads(usize => Some): Option<usize> = None;
}

fn some_path(path: impl Into<PathBuf>) -> Option<PathBuf> {
    Some(path.into())
}

impl Settings {
    /// Says who writes from now on.
    pub(crate) fn set_layer(&mut self, layer: Origin) {
        self.layer = layer;
    }
}

/// The same lifecycle without the attribute: `lifecycle::builder().grace(…).run(f)`.
#[derive(Debug, Default)]
#[must_use = "nothing happens until `run` is called"]
pub struct Builder {
    pub(crate) settings: Settings,
}

/// Begins a lifecycle without the attribute.
///
/// It has every key of `#[lifecycle::main]`.
pub fn builder() -> Builder {
    Builder::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_remembers_who_wrote_it() {
        let mut settings = Settings::default();
        assert_eq!(settings.grace.origin, Origin::Default);
        assert!(!settings.report.is_explicit());
        settings.set_layer(Origin::Attribute);
        settings.grace(Duration::from_secs(9)).drain(Limit::Never).report(ReportFormat::Table);
        settings.set_layer(Origin::Setup);
        settings.grace(Duration::from_secs(8));
        assert_eq!(
            settings.grace,
            Setting { value: Limit::Within(Duration::from_secs(8)), origin: Origin::Setup }
        );
        assert_eq!(settings.drain, Setting { value: Limit::Never, origin: Origin::Attribute });
        assert!(settings.report.is_explicit());
        assert_eq!(settings.cut.origin, Origin::Default);
    }

    #[test]
    fn the_builder_writes_the_same_settings() {
        let built = builder()
            .grace(Duration::from_secs(1))
            .drain(Limit::Never)
            .signals(&[signals::SIGHUP])
            .worker_threads(3)
            .settings;
        assert_eq!(built.grace.value, Limit::Within(Duration::from_secs(1)));
        assert_eq!(built.drain.value, Limit::Never);
        assert_eq!(built.signals.value, [signals::SIGHUP]);
        assert_eq!(built.worker_threads, Setting { value: Some(3), origin: Origin::Builder });
    }
}
