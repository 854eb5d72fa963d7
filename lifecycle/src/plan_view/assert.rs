//! `assert_plan!`: the plan held against a time and a committed file, in a user's own test.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::{Plan, committed, diff, plan};
use crate::settings::duration::{parse, spell};

/// The variable that lets [`assert_plan!`](crate::assert_plan!) write the file.
const BLESS: &str = "LIFECYCLE_BLESS";
const BLESS_COMMAND: &str = "LIFECYCLE_BLESS=1 cargo test";

/// Asserts, in a test of the service itself, that its plan verifies, fits a time, and is the one that was reviewed.
///
/// ```no_run
/// // In a `#[test]`:
/// lifecycle::assert_plan!(fits = "25s", file = "shutdown.plan");
/// ```
///
/// Both keys may be left out. It looks at [`plan()`](crate::plan()), and panics with all that is wrong with it.
///
/// - `fits`: the longest way through the shutdown, and the `reserve` after it, take no longer than this: a text such as
///   `"25s"`, or a `Duration`. It is what the platform gives, whatever `grace` says.
/// - `file`: a text file, by its path from the folder of the package's `Cargo.toml`. It holds the order, the edges and
///   the limits, and neither line numbers nor anything of the machine, so that a changed shutdown shows as a difference in
///   a review. `LIFECYCLE_BLESS=1 cargo test` writes it.
#[macro_export]
macro_rules! assert_plan {
    ($($key:ident = $value:expr),* $(,)?) => {
        $crate::__private::ExpectedPlan::new(::core::option_env!("CARGO_MANIFEST_DIR"))
            $(.$key($value))*
            .assert()
    };
}

/// What [`assert_plan!`](crate::assert_plan!) was told.
#[derive(Debug)]
#[must_use]
pub struct ExpectedPlan {
    folder: PathBuf,
    fits: Option<Duration>,
    file: Option<PathBuf>,
}

/// A time as [`assert_plan!`](crate::assert_plan!) takes it.
#[diagnostic::on_unimplemented(message = "write a time as \"25s\" or as a `Duration`, not as `{Self}`")]
pub trait PlanTime {
    /// The time, or what to write instead.
    #[doc(hidden)]
    fn time(self) -> Result<Duration, String>;
}

impl PlanTime for &str {
    fn time(self) -> Result<Duration, String> {
        parse(self)
    }
}

impl PlanTime for Duration {
    fn time(self) -> Result<Duration, String> {
        Ok(self)
    }
}

impl ExpectedPlan {
    /// Nothing is expected yet. `folder` is the package's.
    pub fn new(folder: Option<&str>) -> Self {
        ExpectedPlan { folder: folder.unwrap_or_default().into(), fits: None, file: None }
    }

    /// `fits = …`.
    #[track_caller]
    pub fn fits(self, time: impl PlanTime) -> Self {
        match time.time() {
            Ok(time) => ExpectedPlan { fits: Some(time), ..self },
            Err(why) => panic!("assert_plan!: fits: {why}"),
        }
    }

    /// `file = …`.
    pub fn file(self, file: impl Into<PathBuf>) -> Self {
        ExpectedPlan { file: Some(file.into()), ..self }
    }

    /// # Panics
    /// With everything that is not as expected.
    #[track_caller]
    pub fn assert(self) {
        let plan = match plan() {
            Ok(plan) => plan,
            Err(errors) => panic!("this program has no valid plan:\n{errors}"),
        };
        if let Err(wrong) = self.check(&plan, bless(std::env::var_os(BLESS))) {
            panic!("{wrong}");
        }
    }

    /// `bless` writes the file.
    pub(super) fn check(&self, plan: &Plan, bless: bool) -> Result<(), String> {
        let mut wrong = Vec::new();
        wrong.extend(self.fits.and_then(|time| too_long(plan, time)));
        if let Some(file) = &self.file {
            wrong.extend(self.compare(file, &committed::text(plan), bless).err());
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n\n")) }
    }

    fn compare(&self, file: &PathBuf, now: &str, bless: bool) -> Result<(), String> {
        let path = self.folder.join(file);
        let shown = file.display();
        let read = match std::fs::read_to_string(&path) {
            // Version control may have changed the line ends.
            Ok(text) => Some(text.replace("\r\n", "\n")),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(format!("{} cannot be read: {error}", path.display())),
        };
        if read.as_deref() == Some(now) {
            return Ok(());
        }
        if bless {
            return std::fs::write(&path, now)
                .map_err(|error| format!("{} cannot be written: {error}", path.display()));
        }
        Err(match read {
            Some(then) => format!(
                "the plan is not the one in {shown} (- there, + now):\n\n{}\nIf that is meant, let `{BLESS_COMMAND}` \
                 write the file, and commit it.",
                diff::lines(&then, now)
            ),
            None => format!(
                "there is no {shown} in {}: let `{BLESS_COMMAND}` write it, and commit it. It would be:\n\n{now}",
                self.folder.display()
            ),
        })
    }
}

fn bless(value: Option<OsString>) -> bool {
    value.is_some_and(|value| !value.is_empty() && value != "0")
}

/// Why the plan does not fit, if it does not.
fn too_long(plan: &Plan, time: Duration) -> Option<String> {
    let reserve = plan.phases.reserve;
    let takes = match plan.worst.total {
        Some(total) if total.saturating_add(reserve) <= time => return None,
        Some(total) => format!(
            "may take {} and {} of reserve after it, together {}",
            spell(total),
            spell(reserve),
            spell(total.saturating_add(reserve))
        ),
        None => "may take for ever".to_owned(),
    };
    Some(format!(
        "the shutdown does not fit {}: it {takes}. The longest way is {}: lower one of these",
        spell(time),
        committed::chain(plan)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan_view::example;

    /// A folder of its own, which goes with it.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("lifecycle-plan-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Folder(path)
        }

        fn expect(&self, file: &str) -> ExpectedPlan {
            ExpectedPlan::new(self.0.to_str()).file(file)
        }

        fn write(&self, text: &str) {
            std::fs::write(self.0.join("a.plan"), text).unwrap();
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn a_plan_fits_with_its_reserve() {
        let fits = |time: &str| ExpectedPlan::new(None).fits(time).check(&example::small(), false);
        assert_eq!(fits("33s"), Ok(()));
        assert_eq!(
            fits("32s 999ms").unwrap_err(),
            "the shutdown does not fit 32s 999ms: it may take 31s and 2s of reserve after it, together 33s. The longest \
             way is lameduck 3s, then deregister 1s 500ms, then drain 15s, then cut 500ms, then cancel_open_orders 3s, \
             then disconnect 1s, then archive 2s, then close_db 5s: lower one of these"
        );
        let endless = ExpectedPlan::new(None).fits(Duration::MAX).check(&example::endless(), false);
        assert!(endless.unwrap_err().contains("may take for ever"));
    }

    #[test]
    fn the_committed_file_is_written_compared_and_not_touched() {
        let folder = Folder::new("compare");
        let small = example::small();
        let missing = folder.expect("a.plan").check(&small, false).unwrap_err();
        assert!(missing.starts_with("there is no a.plan in "), "{missing}");
        assert!(missing.contains("let `LIFECYCLE_BLESS=1 cargo test` write it"), "{missing}");
        assert!(!folder.0.join("a.plan").exists());

        folder.expect("a.plan").check(&small, true).unwrap();
        let text = std::fs::read_to_string(folder.0.join("a.plan")).unwrap();
        assert_eq!(text, committed::text(&small));
        assert_eq!(folder.expect("a.plan").check(&small, false), Ok(()));
        folder.write(&text.replace('\n', "\r\n"));
        assert_eq!(folder.expect("a.plan").check(&small, false), Ok(()));

        let was = text.replace("limit 4s", "limit 6s");
        folder.write(&was);
        let changed = folder.expect("a.plan").check(&small, false).unwrap_err();
        assert_eq!(
            changed,
            "the plan is not the one in a.plan (- there, + now):\n\n  …\n    cancel_open_orders: order 0 default, limit 3s, \
             after Requests\n    disconnect: order 0 default, limit 1s, after cancel_open_orders\n-   flush: order 0 \
             default, limit 6s, after Requests\n+   flush: order 0 default, limit 4s, after Requests\n    archive: order \
             2, limit 2s, after disconnect, flush\n    close_db: order 2 via archive, limit 5s, after archive\n\nIf that \
             is meant, let `LIFECYCLE_BLESS=1 cargo test` write the file, and commit it."
        );
        assert_eq!(std::fs::read_to_string(folder.0.join("a.plan")).unwrap(), was);
        folder.expect("a.plan").check(&small, true).unwrap();
        assert_eq!(std::fs::read_to_string(folder.0.join("a.plan")).unwrap(), text);
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let folder = Folder::new("both");
        let wrong = folder.expect("a.plan").fits("1s").check(&example::small(), false).unwrap_err();
        assert!(wrong.contains("does not fit 1s") && wrong.contains("there is no a.plan"), "{wrong}");
        // A file that was asked for is written, though the plan does not fit.
        assert!(folder.expect("a.plan").fits("1s").check(&example::small(), true).is_err());
        assert!(folder.0.join("a.plan").exists());
    }

    #[test]
    fn only_a_real_value_blesses() {
        assert!(bless(Some("1".into())));
        assert!(!bless(None) && !bless(Some("0".into())) && !bless(Some("".into())));
    }

    #[test]
    #[should_panic(expected = "assert_plan!: fits: 25 has no unit: write 25s or 25ms")]
    fn a_time_without_a_unit_is_refused() {
        drop(ExpectedPlan::new(None).fits("25"));
    }
}
