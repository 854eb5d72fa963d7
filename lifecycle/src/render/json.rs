//! The report as one line of JSON, in the shape that serde gives it.
//!
//! Written by hand so that `report = json` needs no dependency; a test holds it to serde's form.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use crate::health::{CheckHealth, CheckStatus};
use crate::report::{
    Attempt, CallSite, Calls, Item, Reason, Report, RunningCall, ServiceOutcome, StepReport, WorkerReport,
};

/// Milliseconds to the microsecond: finer is noise.
pub(crate) fn millis(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1e3
}

/// Milliseconds since 1970.
pub(crate) fn epoch_millis(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

pub(crate) fn report(report: &Report) -> String {
    let Report { id, reason, started_at, took, grace, exit_code, errors, service, calls, steps, unhealthy } =
        report;
    let mut json = Json(String::with_capacity(512 + 256 * steps.len()));
    json.object(|o| {
        o.field("id", |j| j.string(id));
        o.field("reason", |j| match reason {
            Reason::Signal(signal) => j.object(|o| o.field("signal", |j| j.number(signal))),
            Reason::Requested(why) => j.object(|o| o.field("requested", |j| j.string(why))),
            Reason::ServiceEnded => j.string("service_ended"),
            Reason::ServiceFailed => j.string("service_failed"),
            Reason::StartFailed => j.string("start_failed"),
            Reason::WorkerFailed { worker, error } => j.object(|o| {
                o.field("worker_failed", |j| {
                    j.object(|o| {
                        o.field("worker", |j| j.string(worker));
                        o.field("error", |j| j.string(error));
                    });
                });
            }),
            Reason::Invalid => j.string("invalid"),
        });
        o.field("started_at_ms", |j| j.number(epoch_millis(*started_at)));
        o.field("took_ms", |j| j.time(*took));
        o.field("grace_ms", |j| j.maybe(*grace, Json::time));
        o.field("exit_code", |j| j.number(exit_code));
        o.field("errors", |j| j.array(errors, |j, error| j.string(error)));
        o.field("service", |j| match service {
            ServiceOutcome::Failed { error } => {
                j.object(|o| o.field("failed", |j| j.object(|o| o.field("error", |j| j.string(error)))));
            }
            ServiceOutcome::Ended => j.string("ended"),
            ServiceOutcome::Dropped => j.string("dropped"),
            ServiceOutcome::CutOff => j.string("cut_off"),
            ServiceOutcome::NeverStarted => j.string("never_started"),
            ServiceOutcome::Abandoned => j.string("abandoned"),
        });
        o.field("calls", |j| self::calls(j, calls));
        o.field("steps", |j| j.array(steps, step));
        o.field("unhealthy", |j| j.array(unhealthy, check));
    });
    json.0
}

fn check(json: &mut Json, check: &CheckHealth) {
    let CheckHealth { name, status, error, since, attempts } = check;
    json.object(|o| {
        o.field("name", |j| j.string(name));
        o.field("status", |j| {
            j.string(match status {
                CheckStatus::Waiting => "waiting",
                CheckStatus::Healthy => "healthy",
                CheckStatus::Recovering => "recovering",
                CheckStatus::RecoveryFailed => "recovery_failed",
                CheckStatus::Skipped => "skipped",
                CheckStatus::Off => "off",
            });
        });
        o.field("error", |j| j.maybe(error.as_deref(), Json::string));
        o.field("since_ms", |j| j.number(epoch_millis(*since)));
        o.field("attempts", |j| j.number(attempts));
    });
}

fn calls(json: &mut Json, calls: &Calls) {
    let Calls { awaited, cut_off, refused, drained_in } = calls;
    json.object(|o| {
        o.field("awaited", |j| j.number(awaited));
        o.field("cut_off", |j| {
            j.array(cut_off, |j, CallSite { name, module, file, line, group, count, running }| {
                j.object(|o| {
                    o.field("name", |j| j.string(name));
                    o.field("module", |j| j.string(module));
                    o.field("file", |j| j.string(file));
                    o.field("line", |j| j.number(line));
                    o.field("group", |j| j.string(group));
                    o.field("count", |j| j.number(count));
                    o.field("running", |j| j.array(running, running_call));
                });
            });
        });
        o.field("refused", |j| j.number(refused));
        o.field("drained_in_ms", |j| j.time(*drained_in));
    });
}

fn running_call(json: &mut Json, call: &RunningCall) {
    let RunningCall { name, id, file, line, ran } = call;
    json.object(|o| {
        o.field("name", |j| j.string(name));
        o.field("id", |j| j.string(id));
        o.field("file", |j| j.string(file));
        o.field("line", |j| j.number(line));
        o.field("ran_ms", |j| j.time(*ran));
    });
}

fn step(json: &mut Json, step: &StepReport) {
    let StepReport {
        name,
        module,
        kind,
        file,
        line,
        order,
        outcome,
        error,
        attempts,
        fallback,
        began,
        waited,
        ran,
        limit,
        rescued,
        notes,
        items,
        calls,
        worker,
    } = step;
    json.object(|o| {
        o.field("name", |j| j.string(name));
        o.field("module", |j| j.string(module));
        o.field("kind", |j| j.string(kind.as_str()));
        o.field("file", |j| j.string(file));
        o.field("line", |j| j.number(line));
        o.field("order", |j| j.maybe(*order, Json::number));
        o.field("outcome", |j| j.string(outcome.as_str()));
        o.field("error", |j| j.maybe(error.as_deref(), Json::string));
        o.field("attempts", |j| j.array(attempts, attempt));
        o.field("fallback", |j| j.number(fallback));
        o.field("began_ms", |j| j.time(*began));
        o.field("waited_ms", |j| j.time(*waited));
        o.field("ran_ms", |j| j.time(*ran));
        o.field("limit_ms", |j| j.maybe(*limit, Json::time));
        o.field("rescued", |j| j.number(rescued));
        noted(o, notes, items);
        o.field("calls", |j| j.maybe(calls.as_ref(), self::calls));
        o.field("worker", |j| {
            j.maybe(worker.as_ref(), |j, WorkerReport { restarts, last_error }| {
                j.object(|o| {
                    o.field("restarts", |j| j.number(restarts));
                    o.field("last_error", |j| j.maybe(last_error.as_deref(), Json::string));
                });
            });
        });
    });
}

fn attempt(json: &mut Json, attempt: &Attempt) {
    let Attempt { outcome, error, ran, notes, items } = attempt;
    json.object(|o| {
        o.field("outcome", |j| j.string(outcome.as_str()));
        o.field("error", |j| j.maybe(error.as_deref(), Json::string));
        o.field("ran_ms", |j| j.time(*ran));
        noted(o, notes, items);
    });
}

fn noted(object: &mut Object<'_>, notes: &[(String, String)], items: &[Item]) {
    object.field("notes", |j| {
        j.array(notes, |j, (key, value)| j.array(&[key, value], |j, text| j.string(text)));
    });
    object.field("items", |j| {
        j.array(items, |j, Item { name, error }| {
            j.object(|o| {
                o.field("name", |j| j.string(name));
                o.field("error", |j| j.maybe(error.as_deref(), Json::string));
            });
        });
    });
}

/// A text as JSON has it, in one line and without anything that a terminal would act on.
#[cfg(feature = "journal")]
pub(crate) fn quoted(text: &str) -> String {
    let mut json = Json(String::with_capacity(text.len() + 2));
    json.string(text);
    json.0
}

/// Writes JSON.
pub(super) struct Json(pub(super) String);

/// An object being written.
pub(super) struct Object<'a> {
    json: &'a mut Json,
    first: bool,
}

impl Object<'_> {
    pub(super) fn field(&mut self, name: &str, value: impl FnOnce(&mut Json)) {
        if !std::mem::take(&mut self.first) {
            self.json.0.push(',');
        }
        self.json.string(name);
        self.json.0.push(':');
        value(self.json);
    }
}

impl Json {
    pub(super) fn object(&mut self, fields: impl FnOnce(&mut Object<'_>)) {
        self.0.push('{');
        fields(&mut Object { json: self, first: true });
        self.0.push('}');
    }

    pub(super) fn array<T>(&mut self, values: &[T], mut each: impl FnMut(&mut Self, &T)) {
        self.0.push('[');
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                self.0.push(',');
            }
            each(self, value);
        }
        self.0.push(']');
    }

    pub(super) fn maybe<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        match value {
            Some(value) => write(self, value),
            None => self.0.push_str("null"),
        }
    }

    /// A whole number or a bool.
    pub(super) fn number(&mut self, value: impl std::fmt::Display) {
        // Writing to a String does not fail; so below.
        let _ = write!(self.0, "{value}");
    }

    pub(super) fn time(&mut self, duration: Duration) {
        // `Debug` keeps the `.0` that makes it the same number as serde's f64.
        let _ = write!(self.0, "{:?}", millis(duration));
    }

    pub(super) fn string(&mut self, text: &str) {
        self.0.push('"');
        for c in text.chars() {
            match c {
                '"' => self.0.push_str("\\\""),
                '\\' => self.0.push_str("\\\\"),
                '\n' => self.0.push_str("\\n"),
                '\r' => self.0.push_str("\\r"),
                '\t' => self.0.push_str("\\t"),
                // Line separators are legal in JSON, but end a line for some readers of one report per line.
                c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                    let _ = write!(self.0, "\\u{:04x}", u32::from(c));
                }
                c => self.0.push(c),
            }
        }
        self.0.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Outcome, StepKind, example};
    use serde_json::Value;

    /// Every variant of everything, with texts that need escapes.
    fn samples() -> Vec<Report> {
        let mut samples = vec![example::clean(), example::degraded()];
        let worker_failed = Reason::WorkerFailed { worker: "jobs".into(), error: "no \"broker\"".into() };
        let reasons = [
            Reason::ServiceEnded,
            Reason::ServiceFailed,
            Reason::StartFailed,
            worker_failed,
            Reason::Invalid,
        ];
        samples.extend(reasons.map(|reason| Report { reason, grace: None, ..example::clean() }));
        use ServiceOutcome::{Abandoned, CutOff, Dropped, NeverStarted};
        samples.extend([Abandoned, CutOff, Dropped, NeverStarted].map(|service| Report {
            service,
            errors: vec!["e".into()],
            ..example::clean()
        }));
        for &outcome in Outcome::ALL {
            let mut report = example::degraded();
            report.steps[1].outcome = outcome;
            report.steps[1].kind = StepKind::Last;
            report.id =
                (0..0x30).filter_map(char::from_u32).collect::<String>() + "\u{7f}\u{2028}\u{85}é🦀\\";
            samples.push(report);
        }
        samples
    }

    #[test]
    fn it_is_one_line_that_a_parser_reads() {
        for report in samples() {
            let text = report.to_json();
            assert!(!text.chars().any(char::is_control), "{text}");
            let json: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(json["id"], *report.id);
            assert_eq!(json["took_ms"], 1250.0);
            assert_eq!(json["steps"][0]["ran_ms"], 1234.567);
            assert_eq!(json["steps"][1]["outcome"], report.steps[1].outcome.as_str());
            assert_eq!(json["started_at_ms"], 1_795_000_000_123_u64);
        }
        let json: Value = serde_json::from_str(&example::degraded().to_json()).unwrap();
        assert_eq!(json["reason"]["requested"], "deploy \"42\"");
        assert_eq!(json["steps"][1]["notes"][1][1], "\"XETRA\"\tFrankfurt");
        assert_eq!(json["steps"][1]["items"][0]["error"], Value::Null);
        assert_eq!(json["steps"][1]["fallback"], true);
        assert_eq!(json["steps"][1]["attempts"][0]["items"][1]["error"], "busy");
        assert_eq!(json["steps"][1]["attempts"][1]["outcome"], "timed out");
        assert_eq!(json["steps"][1]["attempts"][1]["ran_ms"], 500.0);
        assert_eq!(json["calls"]["cut_off"][0]["count"], 2);
        let running = &json["calls"]["cut_off"][0]["running"];
        assert_eq!((&running[0]["id"], &running[0]["ran_ms"]), (&"order=\"42\"".into(), &22_100.0.into()));
        assert_eq!((&running[1]["name"], &running[1]["line"]), (&"charge".into(), &40.into()));
        let worker = json["steps"].as_array().unwrap().iter().find(|step| step["kind"] == "worker").unwrap();
        assert_eq!(worker["worker"]["restarts"], 3);
    }

    /// As in a journal that an older build has written.
    #[cfg(feature = "serde")]
    #[test]
    fn a_report_from_before_calls_had_ids_is_read() {
        let mut json = serde_json::to_value(example::degraded()).unwrap();
        let site = json["calls"]["cut_off"][0].as_object_mut().unwrap();
        assert!(site.remove("running").is_some());
        let report: Report = serde_json::from_value(json).unwrap();
        assert_eq!((report.calls.cut_off[0].count, report.calls.cut_off[0].running.len()), (2, 0));
    }

    #[cfg(feature = "serde")]
    #[test]
    fn it_is_what_serde_writes_and_serde_reads_it_back() {
        for report in samples() {
            let ours: Value = serde_json::from_str(&report.to_json()).unwrap();
            assert_eq!(ours, serde_json::to_value(&report).unwrap());
            assert_eq!(serde_json::from_value::<Report>(ours).unwrap(), report);
        }
    }
}
