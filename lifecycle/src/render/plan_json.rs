//! The plan as one line of JSON, in the shape that serde gives it and `docs/plan.schema.json` describes.

use super::json::{Json, Object};
use crate::plan_view::{
    ChainLink, Follows, LeftOut, Phases, Plan, PlanCheck, PlanStep, StepPolicy, WorstCase,
};
use crate::settings::Exit;
use crate::worker::Restart;

pub(crate) fn plan(plan: &Plan) -> String {
    let Plan { grace, phases, worst, signals, exit, steps, left_out, checks, warnings } = plan;
    let mut json = Json(String::with_capacity(512 + 320 * steps.len()));
    json.object(|o| {
        o.field("grace_ms", |j| j.maybe(*grace, Json::time));
        o.field("phases", |j| {
            let Phases { lameduck, drain, cut, reserve } = phases;
            j.object(|o| {
                o.field("lameduck_ms", |j| j.time(*lameduck));
                o.field("drain_ms", |j| j.maybe(*drain, Json::time));
                o.field("cut_ms", |j| j.time(*cut));
                o.field("reserve_ms", |j| j.time(*reserve));
            });
        });
        o.field("worst", |j| self::worst(j, worst));
        o.field("signals", |j| j.array(signals, |j, signal| j.number(signal)));
        o.field("exit", |j| {
            j.string(match exit {
                Exit::Zero => "zero",
                Exit::Reraise => "reraise",
            });
        });
        o.field("steps", |j| j.array(steps, step));
        o.field("left_out", |j| j.array(left_out, self::left_out));
        o.field("checks", |j| j.array(checks, check));
        o.field("warnings", |j| j.array(warnings, |j, warning| j.string(warning)));
    });
    json.0
}

fn worst(json: &mut Json, WorstCase { total, available, chain }: &WorstCase) {
    json.object(|o| {
        o.field("total_ms", |j| j.maybe(*total, Json::time));
        o.field("available_ms", |j| j.maybe(*available, Json::time));
        o.field("chain", |j| {
            j.array(chain, |j, ChainLink { name, cost }| {
                j.object(|o| {
                    o.field("name", |j| j.string(name));
                    o.field("cost_ms", |j| j.maybe(*cost, Json::time));
                });
            });
        });
    });
}

fn step(json: &mut Json, step: &PlanStep) {
    let PlanStep {
        id,
        name,
        module,
        kind,
        file,
        line,
        order,
        order_from,
        order_at,
        after,
        limit,
        begins,
        ends,
        critical,
        policy,
    } = step;
    json.object(|o| {
        o.field("id", |j| j.string(id));
        who(o, name, module, kind.as_str(), (file, *line));
        o.field("order", |j| j.maybe(*order, Json::number));
        o.field("order_from", |j| j.string(order_from));
        o.field("order_at", |j| j.maybe(order_at.as_deref(), Json::string));
        o.field("after", |j| j.array(after, follows));
        o.field("limit_ms", |j| j.maybe(*limit, Json::time));
        o.field("begins_ms", |j| j.maybe(*begins, Json::time));
        o.field("ends_ms", |j| j.maybe(*ends, Json::time));
        o.field("critical", |j| j.number(critical));
        o.field("policy", |j| self::policy(j, policy));
    });
}

fn policy(json: &mut Json, policy: &StepPolicy) {
    let StepPolicy { retry, attempt, backoff, fallback, conditional, compensated, restart } = policy;
    json.object(|o| {
        o.field("retry", |j| j.number(retry));
        o.field("attempt_ms", |j| j.maybe(*attempt, Json::time));
        o.field("backoff_ms", |j| j.maybe(*backoff, Json::time));
        o.field("fallback", |j| j.number(fallback));
        o.field("conditional", |j| j.number(conditional));
        o.field("compensated", |j| j.number(compensated));
        o.field("restart", |j| j.maybe(restart.map(Restart::as_str), Json::string));
    });
}

fn follows(json: &mut Json, follows: &Follows) {
    match follows {
        Follows::Step(id) => json.object(|o| o.field("step", |j| j.string(id))),
        Follows::Order { order, steps } => json.object(|o| {
            o.field("order", |j| {
                j.object(|o| {
                    o.field("order", |j| j.number(order));
                    o.field("steps", |j| j.number(steps));
                });
            });
        }),
        Follows::Ordered => json.string("ordered"),
        Follows::Report => json.string("report"),
    }
}

fn left_out(json: &mut Json, left_out: &LeftOut) {
    let LeftOut { name, module, kind, file, line, outcome, why } = left_out;
    json.object(|o| {
        who(o, name, module, kind.as_str(), (file, *line));
        o.field("outcome", |j| j.string(outcome.as_str()));
        o.field("why", |j| j.string(why));
    });
}

fn check(json: &mut Json, check: &PlanCheck) {
    let PlanCheck { name, module, file, line, interval, timeout, retry, delay, recovers, conditional, off } =
        check;
    json.object(|o| {
        o.field("name", |j| j.string(name));
        o.field("module", |j| j.string(module));
        o.field("file", |j| j.string(file));
        o.field("line", |j| j.number(line));
        o.field("interval_ms", |j| j.time(*interval));
        o.field("timeout_ms", |j| j.time(*timeout));
        o.field("retry", |j| j.number(retry));
        o.field("delay_ms", |j| j.time(*delay));
        o.field("recovers", |j| j.number(recovers));
        o.field("conditional", |j| j.number(conditional));
        o.field("off", |j| j.maybe(off.as_deref(), Json::string));
    });
}

fn who(o: &mut Object<'_>, name: &str, module: &str, kind: &str, (file, line): (&str, u32)) {
    o.field("name", |j| j.string(name));
    o.field("module", |j| j.string(module));
    o.field("kind", |j| j.string(kind));
    o.field("file", |j| j.string(file));
    o.field("line", |j| j.number(line));
}

#[cfg(test)]
mod tests {
    use crate::plan_view::example;
    use serde_json::Value;

    #[test]
    fn it_is_one_line_that_a_parser_reads() {
        for (name, plan) in example::all() {
            let text = plan.to_json();
            assert!(!text.chars().any(char::is_control), "{name}: {text}");
            let json: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(json["steps"].as_array().unwrap().len(), plan.steps.len());
        }
        let json: Value = serde_json::from_str(&example::small().to_json()).unwrap();
        assert_eq!(json["phases"]["drain_ms"], 15_000.0);
        let close = json["steps"].as_array().unwrap().iter().find(|step| step["id"] == "close_db").unwrap();
        assert_eq!((&close["order"], &close["order_from"]), (&Value::from(2), &Value::from("via archive")));
        assert_eq!(close["after"], serde_json::json!([{ "step": "archive" }]));
        assert_eq!(json["exit"], "zero");
    }

    /// The schema lies outside of the package, so that it can be linked to.
    const SCHEMA: &str = include_str!("../../../docs/plan.schema.json");

    fn paths(value: &Value, at: &str, paths: &mut Vec<String>) {
        match value {
            Value::Object(fields) => fields.iter().for_each(|(name, value)| {
                paths.push(format!("{at}/{name}"));
                self::paths(value, &format!("{at}/{name}"), paths);
            }),
            Value::Array(values) => values
                .iter()
                .enumerate()
                .for_each(|(index, value)| self::paths(value, &format!("{at}/{index}"), paths)),
            _ => {}
        }
    }

    #[test]
    fn the_schema_describes_it_and_nothing_else() {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let schema = jsonschema::validator_for(&schema).unwrap();
        for (name, plan) in example::all() {
            let json: Value = serde_json::from_str(&plan.to_json()).unwrap();
            let errors: Vec<String> = schema.iter_errors(&json).map(|error| error.to_string()).collect();
            assert_eq!(errors, [""; 0], "{name}");
        }
        let json: Value = serde_json::from_str(&example::hostile().to_json()).unwrap();
        let mut fields = Vec::new();
        paths(&json, "", &mut fields);
        assert!(fields.len() > 50);
        for field in fields {
            let (parent, name) = field.rsplit_once('/').unwrap();
            let mut without = json.clone();
            without.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
            assert!(!schema.is_valid(&without), "{field} may be left out");
            let mut renamed = json.clone();
            renamed.pointer_mut(parent).unwrap()["unknown"] = Value::Null;
            assert!(!schema.is_valid(&renamed), "{parent} may have any field");
            let mut wrong = json.clone();
            *wrong.pointer_mut(&field).unwrap() = serde_json::json!({ "not": ["this"] });
            assert!(!schema.is_valid(&wrong), "{field} may be anything");
        }
    }

    #[cfg(feature = "serde")]
    #[test]
    fn it_is_what_serde_writes() {
        for (name, plan) in example::all() {
            let ours: Value = serde_json::from_str(&plan.to_json()).unwrap();
            assert_eq!(ours, serde_json::to_value(&plan).unwrap(), "{name}");
        }
    }
}
