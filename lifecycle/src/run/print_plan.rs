//! `LIFECYCLE_PLAN`: the plan is printed, and nothing is started.

use std::ffi::OsString;
use std::io::{ErrorKind, Write};
use std::time::Instant;

use crate::{Plan, sys};

/// The variable that asks for it.
pub(super) const VARIABLE: &str = "LIFECYCLE_PLAN";

/// A form of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    Text,
    Json,
    Dot,
    Svg,
    Kubernetes,
    Systemd,
    Compose,
}

impl View {
    const ALL: [View; 7] =
        [View::Text, View::Json, View::Dot, View::Svg, View::Kubernetes, View::Systemd, View::Compose];

    /// What the variable's value asks for, if it is set.
    pub(super) fn asked(value: Option<OsString>) -> Result<Option<Self>, String> {
        let Some(value) = value else { return Ok(None) };
        let text = value.to_string_lossy();
        let text = text.trim();
        match Self::ALL.into_iter().find(|view| view.as_str() == text) {
            Some(view) => Ok(Some(view)),
            None => Err(format!(
                "{VARIABLE}={}: write text, json, dot, svg, k8s, systemd or compose",
                crate::render::clean(text)
            )),
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            View::Text => "text",
            View::Json => "json",
            View::Dot => "dot",
            View::Svg => "svg",
            View::Kubernetes => "k8s",
            View::Systemd => "systemd",
            View::Compose => "compose",
        }
    }

    fn render(self, plan: &Plan) -> String {
        match self {
            View::Text => plan.to_string(),
            View::Json => plan.to_json() + "\n",
            View::Dot => plan.to_dot(),
            View::Svg => plan.to_svg(),
            View::Kubernetes => plan.to_kubernetes(),
            View::Systemd => plan.to_systemd(),
            View::Compose => plan.to_compose(),
        }
    }

    /// Prints it. Returns the exit code.
    pub(super) fn print(self, plan: &Plan) -> u8 {
        let text = self.render(plan);
        let mut stdout = std::io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Ok(()) => 0,
            // Whoever read it has seen enough.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => 0,
            Err(error) => {
                let line = format!("lifecycle: the plan cannot be printed: {error}\n");
                sys::write_stderr(line.as_bytes(), Instant::now() + super::LAST_WORDS);
                1
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_has_a_name_and_all_are_named_to_who_errs() {
        assert_eq!(View::asked(None), Ok(None));
        let error = View::asked(Some("yaml".into())).unwrap_err();
        assert_eq!(error, "LIFECYCLE_PLAN=yaml: write text, json, dot, svg, k8s, systemd or compose");
        for view in View::ALL {
            assert_eq!(View::asked(Some(format!(" {} ", view.as_str()).into())), Ok(Some(view)));
            assert!(error.contains(view.as_str()), "{view:?}");
        }
        assert!(View::asked(Some("".into())).is_err());
    }
}
