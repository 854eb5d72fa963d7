//! What a platform has to be told so that this plan fits.

use std::time::Duration;

use super::line;
use crate::plan_view::Plan;
use crate::report::StepKind;
use crate::settings::duration::spell;
use crate::settings::{Exit, signals};

/// Between the end of `grace` and the platform's SIGKILL: for the watchdog, the exit itself and whoever collects it.
const SLACK: Duration = Duration::from_secs(5);
/// For how long load balancers still send what is new to a pod that is told to end.
const PROPAGATION: Duration = Duration::from_secs(5);
const PROBE_PERIOD: u64 = 5;

/// How long the platform has to wait, and why.
struct Wait {
    /// `None`: no figure is enough.
    time: Option<Duration>,
    why: String,
}

impl Wait {
    fn of(plan: &Plan) -> Self {
        let (slack, reserve) = (spell(SLACK), plan.phases.reserve);
        match (plan.grace, plan.worst.total) {
            (Some(grace), _) => Wait {
                time: Some(grace.saturating_add(SLACK)),
                why: format!("grace is {}; {slack} more for the exit itself", spell(grace)),
            },
            (None, Some(total)) => {
                let total = total.saturating_add(reserve);
                let why = format!(
                    "grace is never, but the steps take at most {}, their reserve included; {slack} more for the exit \
                     itself",
                    spell(total)
                );
                Wait { time: Some(total.saturating_add(SLACK)), why }
            }
            (None, None) => Wait {
                time: None,
                why:
                    "neither grace nor drain has an end, so no time is long enough: give one of them a limit"
                        .into(),
            },
        }
    }
}

/// Whole seconds, not fewer.
fn seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0))
}

pub(crate) fn kubernetes(plan: &Plan) -> String {
    let wait = Wait::of(plan);
    let lameduck = plan.phases.lameduck;
    let pre_stop = if lameduck.is_zero() { PROPAGATION } else { Duration::ZERO };
    let mut yaml = format!("# {}\nspec:\n", head(plan));
    match wait.time {
        Some(time) => {
            let before = match pre_stop.is_zero() {
                true => String::new(),
                false => format!(" {} of preStop come first.", spell(pre_stop)),
            };
            yaml.push_str(&format!(
                "  # {}.{before}\n  terminationGracePeriodSeconds: {}\n",
                wait.why,
                seconds(time.saturating_add(pre_stop))
            ));
        }
        None => yaml.push_str(&format!(
            "  # {}.\n  # Kubernetes kills the pod after its default of 30 seconds.\n  terminationGracePeriodSeconds: \
             30\n",
            wait.why
        )),
    }
    yaml.push_str("  containers:\n    - name: app\n");
    if !plan.signals.contains(&signals::SIGTERM) {
        yaml.push_str(&format!(
            "      # The service ends on {}, and Kubernetes sends SIGTERM unless the image says otherwise: write\n      # \
             `STOPSIGNAL {}` into its Dockerfile.\n",
            names(plan),
            stop_signal(plan)
        ));
    }
    yaml.push_str(&format!(
        "      # Where the service answers 200 while lifecycle::is_ready() is true, and 503 otherwise.{}\n      # Not as \
         a liveness probe: a service that starts or drains is not ready, and alive.\n      readinessProbe:\n        \
         httpGet:\n          path: /ready\n          port: 8080\n        periodSeconds: {}\n        failureThreshold: \
         1\n",
        starts(plan),
        period(lameduck)
    ));
    if pre_stop.is_zero() {
        yaml.push_str(&format!(
            "      # No preStop: with lameduck = {} the service itself goes on serving while it is taken out of the\n      \
             # endpoints.\n",
            spell(lameduck)
        ));
    } else {
        yaml.push_str(&format!(
            "      # lameduck is 0s: new requests would be refused at SIGTERM, while proxies still send some. So SIGTERM \
             is\n      # held back for {}. A lameduck of {} in the service does the same without this, and on\n      # Kubernetes before 1.30 too.\n      \
             lifecycle:\n        preStop:\n          sleep:\n            seconds: {}\n",
            spell(pre_stop),
            spell(pre_stop),
            seconds(pre_stop)
        ));
    }
    yaml
}

/// Twice within `lameduck`, so that a probe sees it in time.
fn period(lameduck: Duration) -> u64 {
    match lameduck.is_zero() {
        true => PROBE_PERIOD,
        false => (lameduck.as_secs() / 2).clamp(1, PROBE_PERIOD),
    }
}

fn starts(plan: &Plan) -> String {
    let ends = plan.section(StepKind::Start).map(|step| step.ends.unwrap_or_default()).max();
    ends.map_or_else(String::new, |ends| format!(" The start may take {}.", spell(ends)))
}

pub(crate) fn systemd(plan: &Plan) -> String {
    let wait = Wait::of(plan);
    let time = wait.time.map_or_else(|| "infinity".to_owned(), |time| seconds(time).to_string());
    let mut unit = format!("# {}\n[Service]\n# {}.\nTimeoutStopSec={time}\n", head(plan), wait.why);
    unit.push_str(&format!(
        "# Only the service gets the signal: what it has started, it ends in its own order. What is left at the end is \
         killed.\nKillMode=mixed\nKillSignal={}\n",
        stop_signal(plan)
    ));
    let unusual = unusual_ends(plan);
    if !unusual.is_empty() {
        unit.push_str(&format!(
            "# exit = reraise: the service dies by its signal, which systemd takes for a failure unless told \
             otherwise.\nSuccessExitStatus={}\n",
            unusual.join(" ")
        ));
    }
    unit.push_str(
        "# 78: the plan or a setting is invalid, and starting again does not mend that.\nRestartPreventExitStatus=78\n",
    );
    unit
}

/// The signals that it dies by and that systemd does not take for a clean end by itself.
fn unusual_ends(plan: &Plan) -> Vec<String> {
    const CLEAN: [i32; 4] = [signals::SIGHUP, signals::SIGINT, signals::SIGTERM, signals::SIGPIPE];
    let unusual = plan.signals.iter().filter(|signal| plan.exit == Exit::Reraise && !CLEAN.contains(signal));
    unusual.map(|&signal| signal_name(signal)).collect()
}

pub(crate) fn compose(plan: &Plan) -> String {
    let wait = Wait::of(plan);
    let mut yaml = format!("# {}\nservices:\n  app:\n    # {}.\n", head(plan), wait.why);
    match wait.time {
        Some(time) => yaml.push_str(&format!("    stop_grace_period: {}s\n", seconds(time))),
        None => yaml
            .push_str("    # Compose kills the container after its default.\n    stop_grace_period: 10s\n"),
    }
    yaml.push_str(&format!("    stop_signal: {}\n", stop_signal(plan)));
    yaml
}

fn head(plan: &Plan) -> String {
    line(&format!("The shutdown {}.", super::plan_text::verdict(plan)))
}

/// SIGTERM if it ends the service, or else the first that does.
fn stop_signal(plan: &Plan) -> String {
    match plan.signals.first() {
        Some(&first) if !plan.signals.contains(&signals::SIGTERM) => signal_name(first),
        _ => signal_name(signals::SIGTERM),
    }
}

fn names(plan: &Plan) -> String {
    plan.signals.iter().map(|&signal| signal_name(signal)).collect::<Vec<_>>().join(", ")
}

fn signal_name(signal: i32) -> String {
    signals::name(signal).map_or_else(|| signal.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan_view::example::{self, plan};
    use crate::settings::{Limit, Settings};

    fn of(change: impl FnOnce(&mut Settings)) -> Plan {
        plan([], change)
    }

    #[test]
    fn yaml_is_yaml() {
        use yaml_rust2::{Yaml, YamlLoader};
        let load = |text: &str| {
            YamlLoader::load_from_str(text).unwrap_or_else(|error| panic!("{error}: {text}")).remove(0)
        };
        let quit = of(|settings| {
            settings.signals(&[signals::SIGQUIT]);
        });
        for (name, plan) in example::all().into_iter().chain([("quit", quit)]) {
            let pod = load(&plan.to_kubernetes());
            let spec = &pod["spec"];
            assert!(spec["terminationGracePeriodSeconds"].as_i64().is_some(), "{name}");
            let app = &spec["containers"][0];
            assert_eq!(app["name"].as_str(), Some("app"), "{name}");
            let probe = &app["readinessProbe"];
            assert_eq!(probe["httpGet"]["port"].as_i64(), Some(8080), "{name}");
            assert!(probe["periodSeconds"].as_i64().is_some_and(|period| period >= 1), "{name}");
            let sleeps = app["lifecycle"]["preStop"]["sleep"]["seconds"].as_i64();
            assert_eq!(sleeps.is_some(), plan.phases.lameduck.is_zero(), "{name}");

            let service = load(&plan.to_compose());
            let app = &service["services"]["app"];
            assert!(matches!(&app["stop_grace_period"], Yaml::String(time) if time.ends_with('s')), "{name}");
            let signal = app["stop_signal"].as_str().unwrap();
            assert!(plan.signals.iter().any(|&it| signals::name(it) == Some(signal)), "{name}: {signal}");
        }
    }

    #[test]
    fn the_unit_is_a_unit() {
        let usr = of(|settings| {
            settings.signals(&[signals::SIGUSR1]).exit(Exit::Reraise);
        });
        for (name, plan) in example::all().into_iter().chain([("usr", usr)]) {
            let unit =
                ini::Ini::load_from_str(&plan.to_systemd()).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(unit.sections().flatten().collect::<Vec<_>>(), ["Service"], "{name}");
            let service = unit.section(Some("Service")).unwrap();
            assert_eq!(service.get("KillMode"), Some("mixed"), "{name}");
            assert_eq!(service.get("RestartPreventExitStatus"), Some("78"), "{name}");
            let time = service.get("TimeoutStopSec").unwrap();
            assert!(time == "infinity" || time.parse::<u64>().is_ok(), "{name}: {time}");
            let known =
                ["TimeoutStopSec", "KillMode", "KillSignal", "SuccessExitStatus", "RestartPreventExitStatus"];
            assert!(service.iter().all(|(key, _)| known.contains(&key)), "{name}");
        }
    }

    fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
        text.lines().find_map(|line| line.trim().strip_prefix(key))
    }

    #[test]
    fn every_platform_waits_longer_than_grace() {
        let plan = of(|settings| {
            settings.grace(Duration::from_millis(61_200)).lameduck(Duration::from_secs(9));
        });
        assert_eq!(value(&plan.to_kubernetes(), "terminationGracePeriodSeconds: "), Some("67"));
        assert_eq!(value(&plan.to_systemd(), "TimeoutStopSec="), Some("67"));
        assert_eq!(value(&plan.to_compose(), "stop_grace_period: "), Some("67s"));
    }

    #[test]
    fn without_grace_the_steps_say_how_long() {
        let plan = of(|settings| {
            settings.grace(Limit::Never).lameduck(Duration::from_secs(1));
        });
        // lameduck 1s, drain 15s, cut 500ms, reserve 2s, slack 5s.
        assert_eq!(value(&plan.to_kubernetes(), "terminationGracePeriodSeconds: "), Some("24"));
        let endless = example::endless();
        assert_eq!(value(&endless.to_systemd(), "TimeoutStopSec="), Some("infinity"));
        assert!(endless.to_kubernetes().contains("no time is long enough"));
        assert!(endless.to_compose().contains("no time is long enough"));
    }

    #[test]
    fn pre_stop_is_there_only_for_want_of_a_lameduck() {
        let without = of(|_| ());
        let yaml = without.to_kubernetes();
        assert_eq!(value(&yaml, "seconds: "), Some("5"));
        assert_eq!(
            value(&yaml, "terminationGracePeriodSeconds: "),
            Some("35"),
            "25s, 5s of slack, 5s of preStop"
        );
        let with = of(|settings| {
            settings.lameduck(Duration::from_secs(6));
        });
        let yaml = with.to_kubernetes();
        assert!(!yaml.contains("preStop:\n"), "{yaml}");
        assert!(yaml.contains("No preStop: with lameduck = 6s"), "{yaml}");
        assert_eq!(value(&yaml, "periodSeconds: "), Some("3"));
        assert_eq!(value(&yaml, "terminationGracePeriodSeconds: "), Some("30"));
    }

    #[test]
    fn the_signal_is_one_that_the_service_hears() {
        let both = of(|settings| {
            settings.signals(&[signals::SIGINT, signals::SIGTERM]);
        });
        assert_eq!(value(&both.to_systemd(), "KillSignal="), Some("SIGTERM"));
        assert!(!both.to_kubernetes().contains("STOPSIGNAL"));
        let quit = of(|settings| {
            settings.signals(&[signals::SIGQUIT, signals::SIGINT]);
        });
        assert_eq!(value(&quit.to_systemd(), "KillSignal="), Some("SIGQUIT"));
        assert_eq!(value(&quit.to_compose(), "stop_signal: "), Some("SIGQUIT"));
        assert!(quit.to_kubernetes().contains("`STOPSIGNAL SIGQUIT`"));
    }

    #[test]
    fn systemd_is_told_of_an_unusual_end_only() {
        let reraise = |list: &[i32]| {
            of(|settings| {
                settings.signals(list).exit(Exit::Reraise);
            })
            .to_systemd()
        };
        assert_eq!(value(&reraise(&[signals::SIGTERM, signals::SIGINT]), "SuccessExitStatus="), None);
        assert_eq!(
            value(&reraise(&[signals::SIGTERM, signals::SIGUSR1]), "SuccessExitStatus="),
            Some("SIGUSR1")
        );
        let zero = of(|settings| {
            settings.signals(&[signals::SIGUSR1]);
        });
        assert_eq!(value(&zero.to_systemd(), "SuccessExitStatus="), None);
        assert_eq!(value(&zero.to_systemd(), "RestartPreventExitStatus="), Some("78"));
    }
}
