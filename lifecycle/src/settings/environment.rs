//! The environment, which beats every other layer.

use std::ffi::OsString;

use super::{Limit, Origin, ReportFormat, SettingError, Settings, duration};

impl Settings {
    /// Overrides what the environment sets; `lookup` is [`std::env::var_os`] but for tests.
    ///
    /// A value that does not parse changes nothing and is returned as an error.
    pub(crate) fn read_environment(
        &mut self,
        lookup: impl Fn(&str) -> Option<OsString>,
    ) -> Vec<SettingError> {
        let before = self.layer;
        let mut errors = Vec::new();
        let mut read = |name: &'static str, settings: &mut Settings, set: fn(&mut Settings, &str) -> Set| {
            let Some(value) = lookup(name) else { return };
            settings.set_layer(Origin::Environment(name));
            let outcome = match value.to_str() {
                Some(text) => set(settings, text.trim()),
                None => Err("it is not valid UTF-8".into()),
            };
            if let Err(why) = outcome {
                errors.push(SettingError::new(format!("{name}={}: {why}", value.to_string_lossy().trim())));
            }
        };
        read("LIFECYCLE_GRACE", self, |settings, text| {
            limit(text).map(|it| {
                settings.grace(it);
            })
        });
        read("LIFECYCLE_DRAIN", self, |settings, text| {
            limit(text).map(|it| {
                settings.drain(it);
            })
        });
        read("LIFECYCLE_LAMEDUCK", self, |settings, text| {
            if text.eq_ignore_ascii_case("never") {
                return Err("only grace and drain can be never: write a duration, such as 0s or 5s".into());
            }
            duration::parse(text).map(|it| {
                settings.lameduck(it);
            })
        });
        read("LIFECYCLE_REPORT", self, |settings, text| {
            format(text).map(|it| {
                settings.report(it);
            })
        });
        // A path need not be text.
        if let Some(path) = lookup(JOURNAL) {
            self.set_layer(Origin::Environment(JOURNAL));
            self.journal(path);
        }
        self.set_layer(before);
        errors
    }
}

const JOURNAL: &str = "LIFECYCLE_JOURNAL";

type Set = Result<(), String>;

fn limit(text: &str) -> Result<Limit, String> {
    match text {
        "never" => Ok(Limit::Never),
        _ if text.eq_ignore_ascii_case("never") => Err("write never in small letters".into()),
        _ => duration::parse(text).map(Limit::Within),
    }
}

fn format(text: &str) -> Result<ReportFormat, String> {
    match text {
        "table" => Ok(ReportFormat::Table),
        "json" => Ok(ReportFormat::Json),
        "off" => Ok(ReportFormat::Off),
        _ => Err("write table, json or off".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Setting;
    use super::*;
    use std::time::Duration;

    fn read(settings: &mut Settings, variables: &[(&str, &str)]) -> Vec<String> {
        let errors = settings.read_environment(|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
        });
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn it_beats_setup_and_says_so() {
        let mut settings = Settings::default();
        settings.set_layer(Origin::Setup);
        settings.grace(Duration::from_secs(9)).report(ReportFormat::Off).cut(Duration::ZERO);
        let errors = read(
            &mut settings,
            &[
                ("LIFECYCLE_GRACE", "1m 5s"),
                ("LIFECYCLE_DRAIN", "never"),
                ("LIFECYCLE_LAMEDUCK", "3s"),
                ("LIFECYCLE_REPORT", "json"),
            ],
        );
        assert_eq!(errors, [""; 0]);
        assert_eq!(settings.grace.value, Limit::Within(Duration::from_secs(65)));
        assert_eq!(settings.grace.origin, Origin::Environment("LIFECYCLE_GRACE"));
        assert_eq!(settings.drain.value, Limit::Never);
        assert_eq!(settings.lameduck.value, Duration::from_secs(3));
        assert_eq!(settings.report.value, ReportFormat::Json);
        assert_eq!(settings.cut.origin, Origin::Setup);
        settings.drain(Duration::ZERO);
        assert_eq!(settings.drain.origin, Origin::Setup, "the layer is as it was before");
    }

    #[test]
    fn all_that_does_not_parse_is_named_at_once_and_changes_nothing() {
        let mut settings = Settings::default();
        let errors = read(
            &mut settings,
            &[
                ("LIFECYCLE_GRACE", "25"),
                ("LIFECYCLE_DRAIN", "Never"),
                ("LIFECYCLE_LAMEDUCK", "never"),
                ("LIFECYCLE_REPORT", "yaml"),
            ],
        );
        assert_eq!(
            errors,
            [
                "LIFECYCLE_GRACE=25: 25 has no unit: write 25s or 25ms",
                "LIFECYCLE_DRAIN=Never: write never in small letters",
                "LIFECYCLE_LAMEDUCK=never: only grace and drain can be never: write a duration, such as 0s or 5s",
                "LIFECYCLE_REPORT=yaml: write table, json or off",
            ]
        );
        assert_eq!(settings.grace.origin, Origin::Default);
        assert!(!settings.report.is_explicit());
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_no_text_are_an_error() {
        use std::os::unix::ffi::OsStringExt;
        let errors = Settings::default().read_environment(|name| {
            (name == "LIFECYCLE_GRACE").then(|| OsString::from_vec(vec![b'5', 0xff]))
        });
        assert_eq!(errors[0].to_string(), "LIFECYCLE_GRACE=5\u{fffd}: it is not valid UTF-8");
    }

    #[test]
    fn a_path_need_not_be_text() {
        use std::os::unix::ffi::OsStringExt;
        let path = || OsString::from_vec(vec![b'/', 0xff]);
        let mut settings = Settings::default();
        assert!(settings.read_environment(|name| (name == JOURNAL).then(path)).is_empty());
        let Setting { value, origin } = settings.journal;
        assert_eq!((value, origin), (Some(path().into()), Origin::Environment(JOURNAL)));
    }
}
