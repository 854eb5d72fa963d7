//! What `#[health_check]` leaves behind in the binary, and the same thing made at run time.

use std::any::TypeId;
use std::fmt;
use std::time::Duration;

use crate::hook::{Asked, Begin, Function, Need, Signature, Use, When};
use crate::settings::TOO_LONG;
use crate::settings::duration::spell;

/// What the attribute said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CheckKeys {
    /// `interval = "…"`.
    pub interval: Option<Duration>,
    /// `timeout = "…"`.
    pub timeout: Option<Duration>,
    /// `retry = N`.
    pub retry: Option<u32>,
    /// `delay = "…"`.
    pub delay: Option<Duration>,
}

/// A health check as the macros write it down.
pub struct CheckDef {
    /// The function's name, or its label.
    pub name: &'static str,
    /// `module_path!()`.
    pub module: &'static str,
    /// `file!()`.
    pub file: &'static str,
    /// `line!()`.
    pub line: u32,
    /// `TypeId::of` the type that stands for the check.
    pub id: fn() -> TypeId,
    /// The attribute's keys.
    pub keys: CheckKeys,
    /// The function.
    pub function: Asked,
    /// `recover = path`.
    pub recover: Option<Asked>,
    /// `when = …`.
    pub when: Option<fn() -> When>,
}

/// How often a check runs and how long it may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timing {
    pub(crate) interval: Duration,
    pub(crate) timeout: Duration,
    pub(crate) retry: u32,
    pub(crate) delay: Duration,
}

impl CheckKeys {
    pub(crate) fn timing(self) -> Timing {
        Timing {
            interval: self.interval.unwrap_or(Duration::from_secs(30)),
            timeout: self.timeout.unwrap_or(Duration::from_secs(5)),
            retry: self.retry.unwrap_or(3),
            delay: self.delay.unwrap_or(Duration::from_secs(5)),
        }
    }
}

/// A check as the registry, the plan and the monitor know it.
#[derive(Clone)]
pub(crate) struct CheckSpec {
    pub(crate) name: String,
    pub(crate) module: String,
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) id: Option<TypeId>,
    pub(crate) keys: CheckKeys,
    pub(super) signature: Signature,
    /// Why the check was switched off, if it was.
    pub(crate) off: Option<String>,
    pub(super) check: Begin,
    pub(super) recover: Option<Function>,
    pub(super) when: Option<When>,
}

impl CheckSpec {
    pub(crate) fn recovers(&self) -> bool {
        self.recover.is_some()
    }

    pub(crate) fn is_conditional(&self) -> bool {
        self.when.is_some()
    }

    /// Every resource that it, its `recover` and its `when` take.
    pub(super) fn needs(&self) -> impl Iterator<Item = &Need> {
        let recover = self.recover.iter().flat_map(|recover| &recover.signature.takes);
        let when = self.when.iter().flat_map(|when| &when.signature.takes);
        self.signature.takes.iter().chain(recover).chain(when)
    }

    /// What is wrong with it, in words.
    pub(crate) fn faults(&self) -> Vec<String> {
        let who = format!("the health check `{}` ({}:{})", self.name, self.file, self.line);
        let Timing { interval, timeout, delay, .. } = self.keys.timing();
        let mut faults = Vec::new();
        if interval.is_zero() {
            faults.push(format!("{who} has interval = 0s, it would run without a pause: write \"30s\""));
        }
        if timeout.is_zero() {
            faults.push(format!("{who} has timeout = 0s, it would fail before it begins: write \"5s\""));
        }
        for (key, time) in [("interval", interval), ("timeout", timeout), ("delay", delay)] {
            if time > TOO_LONG {
                faults.push(format!("{who} has {key} = {}: too long, write a shorter one", spell(time)));
            }
        }
        faults.extend(self.needs().filter(|need| need.usage == Use::Take).map(|need| {
            let name = crate::render::type_name(need.type_name);
            format!(
                "{who} takes Take<{name}>: it runs again and again, and could have it only once. Write &{name} or \
                 Arc<{name}>"
            )
        }));
        faults
    }
}

/// What is wrong with checks that are not off.
pub(crate) fn faults<'a>(checks: impl IntoIterator<Item = &'a CheckSpec>) -> Vec<String> {
    checks.into_iter().filter(|check| check.off.is_none()).flat_map(CheckSpec::faults).collect()
}

impl From<&'static CheckDef> for CheckSpec {
    fn from(def: &'static CheckDef) -> Self {
        let Function { signature, begin } = Function::from(def.function);
        CheckSpec {
            name: def.name.to_owned(),
            module: def.module.to_owned(),
            file: def.file.to_owned(),
            line: def.line,
            id: Some((def.id)()),
            keys: def.keys,
            signature,
            off: None,
            check: begin,
            recover: def.recover.map(Function::from),
            when: def.when.map(|when| when()),
        }
    }
}

impl fmt::Debug for CheckSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckSpec")
            .field("name", &self.name)
            .field("module", &self.module)
            .field("keys", &self.keys)
            .field("off", &self.off)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Check;

    #[test]
    fn every_fault_is_named_with_what_to_write() {
        const YEARS: Duration = Duration::from_secs(20 * 365 * 86_400);
        let mut bad = Check::new("db", || async {}).interval(Duration::ZERO).timeout(YEARS).delay(YEARS).spec;
        bad.file = "src/db.rs".to_owned();
        bad.line = 7;
        bad.signature.takes.push(Need::share::<u8>());
        bad.recover = Some(Function { signature: Signature::default(), begin: bad.check.clone() });
        if let Some(recover) = &mut bad.recover {
            recover.signature.takes.push(Need::take::<String>());
        }
        let faults = bad.faults();
        let who = "the health check `db` (src/db.rs:7)";
        assert_eq!(faults.len(), 4, "{faults:#?}");
        assert!(faults.iter().all(|fault| fault.starts_with(who)), "{faults:#?}");
        assert!(faults[0].contains("interval = 0s, it would run without a pause: write"), "{faults:#?}");
        assert!(faults[1].contains("timeout = ") && faults[2].contains("delay = "), "{faults:#?}");
        assert!(faults[3].contains("takes Take<String>: it runs again and again"), "{faults:#?}");
        assert_eq!(super::faults([&bad]), faults);
        bad.off = Some("not here".to_owned());
        assert_eq!(super::faults([&bad]), [""; 0]);
    }
}
