//! What a drain still waits for, told now and then: soon at first, so that one which hangs is explained while somebody
//! looks, and ever more seldom.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Say;
use crate::gate::Gate;
use crate::tracked::awaited;

/// What is over sooner is told of by its end alone.
const FIRST: Duration = Duration::from_millis(200);
const SECOND: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_secs(30);

/// The groups whose calls are awaited.
#[derive(Default)]
pub(super) struct Drains(Vec<Drain>);

struct Drain {
    id: Arc<str>,
    gate: &'static Gate,
    since: Instant,
    due: Instant,
}

impl Drains {
    pub(super) fn hear(&mut self, say: &Say, now: impl FnOnce() -> Instant) {
        match say {
            Say::Draining { id, gate, in_flight, .. } if *in_flight > 0 => {
                let now = now();
                self.0.push(Drain { id: Arc::clone(id), gate, since: now, due: now + FIRST });
            }
            Say::StepEnded { step, .. } => self.0.retain(|drain| *drain.gate.name() != **step),
            Say::Over { .. } => self.0.clear(),
            _ => {}
        }
    }

    /// What is to be said by now.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Say> {
        let due = self.0.iter_mut().filter(|drain| drain.due <= now);
        due.filter_map(|drain| {
            let after = now.saturating_duration_since(drain.since);
            drain.due = drain.since + (after * 2).max(SECOND).min(after + MOST);
            let calls = awaited(drain.gate);
            let say = Say::StillRunning { id: Arc::clone(&drain.id), group: drain.gate.name(), after, calls };
            (!matches!(&say, Say::StillRunning { calls, .. } if calls.is_empty())).then_some(say)
        })
        .collect()
    }

    /// When something is to be said next.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.iter().map(|drain| drain.due).min()
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;
    use crate::gate::Site;
    use crate::hook::Phase;
    use crate::report::Outcome;

    fn after(said: &[Say]) -> Vec<(Duration, usize)> {
        let told = |say: &Say| match say {
            Say::StillRunning { after, calls, .. } => (*after, calls[0].count),
            other => panic!("{other:?}"),
        };
        said.iter().map(told).collect()
    }

    #[test]
    fn what_still_runs_is_told_soon_and_then_ever_more_seldom() {
        let gate: &'static Gate = Box::leak(Box::new(Gate::new("Slow")));
        let site: &'static Site =
            Box::leak(Box::new(Site::new("grind", "app", "src/app.rs", 3, false).at(gate)));
        let (first, second) = (site.enter().unwrap(), site.enter().unwrap());
        let (mut drains, zero) = (Drains::default(), Instant::now());
        let draining = |in_flight| Say::Draining { id: "7".into(), gate, in_flight, limit: None };
        drains.hear(&draining(0), || zero);
        assert_eq!(drains.next(), None, "nothing is awaited");
        drains.hear(&draining(2), || zero);
        let mut told = Vec::new();
        for _ in 0..8 {
            let due = drains.next().unwrap();
            assert_eq!(after(&drains.due(due - Duration::from_millis(1))), []);
            told.extend(after(&drains.due(due)));
        }
        let seconds = [0.2, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 62.0].map(Duration::from_secs_f64);
        assert_eq!(told, seconds.map(|after| (after, 2)));

        drop(first);
        let due = drains.next().unwrap();
        assert_eq!(after(&drains.due(due))[0].1, 1, "as it is by now");
        drop(second);
        let due = drains.next().unwrap();
        assert_eq!(after(&drains.due(due)), [], "nothing runs any more");
        drains.hear(
            &Say::StepEnded {
                id: "7".into(),
                phase: Phase::Shutdown,
                step: "Slow".into(),
                outcome: Outcome::Done,
                error: None,
                ran: SECOND,
                drained_in: None,
            },
            || zero,
        );
        assert_eq!(drains.next(), None);
    }
}
