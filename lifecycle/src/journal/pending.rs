//! What must not begin before its record is durable, and must not wait for ever for a disk.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::Standing;
use super::writer::NotWritten;

/// How long anything waits for the disk. A disk that is only busy answers well within it, and it is small beside what
/// a step may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// A record that somebody waits for.
#[derive(Debug)]
pub(crate) struct Pending {
    told: Arc<OnceLock<Result<(), NotWritten>>>,
    until: Instant,
    late: Arc<AtomicBool>,
}

impl Pending {
    /// For a record handed over now. While the disk is late, nobody waits for it again.
    pub(super) fn new(now: Instant, late: &Arc<AtomicBool>) -> Self {
        let patience = if late.load(Ordering::Relaxed) { Duration::ZERO } else { PATIENCE };
        Pending { told: Arc::default(), until: now + patience, late: Arc::clone(late) }
    }

    /// What is to be called with what became of the record.
    pub(super) fn teller(&self, poke: impl FnOnce() + Send + 'static) -> super::writer::Then {
        let (told, late) = (Arc::clone(&self.told), Arc::clone(&self.late));
        Box::new(move |written| {
            if written.is_ok() {
                late.store(false, Ordering::Relaxed);
            }
            // Asked once, so it is not told yet.
            let _ = told.set(written);
            poke();
        })
    }

    pub(crate) fn standing(&self, now: Instant) -> Standing {
        let why = match self.told.get() {
            Some(Ok(())) => return Standing::Durable,
            Some(Err(why)) => format!("the journal cannot be written: {why}"),
            None if now < self.until => return Standing::Wait(self.until),
            None => format!("the journal's disk has not answered within {PATIENCE:?}"),
        };
        let said = self.late.swap(true, Ordering::Relaxed);
        let why = (!said)
            .then(|| format!("{why}. Should this process be killed, the next one may not know what is owed"));
        Standing::Without(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(standing: Standing) -> String {
        match standing {
            Standing::Without(Some(why)) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn it_waits_until_it_is_told() {
        let (now, late) = (Instant::now(), Arc::default());
        let pending = Pending::new(now, &late);
        assert_eq!(pending.standing(now), Standing::Wait(now + PATIENCE));
        let poked = Arc::new(AtomicBool::new(false));
        let there = Arc::clone(&poked);
        pending.teller(move || there.store(true, Ordering::Relaxed))(Ok(()));
        assert!(poked.load(Ordering::Relaxed));
        assert_eq!(pending.standing(now + PATIENCE), Standing::Durable);
    }

    #[test]
    fn a_disk_that_does_not_answer_is_waited_for_once_and_told_once() {
        let (now, late) = (Instant::now(), Arc::default());
        let first = Pending::new(now, &late);
        let second = Pending::new(now, &late);
        let after = now + PATIENCE;
        assert!(said(first.standing(after)).contains("has not answered within 1s"));
        assert_eq!(second.standing(after), Standing::Without(None));
        let third = Pending::new(after, &late);
        assert_eq!(third.standing(after), Standing::Without(None), "nobody waits again");
        // It answers after all.
        first.teller(|| {})(Ok(()));
        let fourth = Pending::new(after, &late);
        assert_eq!(fourth.standing(after), Standing::Wait(after + PATIENCE));
        assert!(said(fourth.standing(after + PATIENCE)).contains("has not answered"), "and is late anew");
    }

    #[test]
    fn what_cannot_be_written_is_told_with_the_reason() {
        let (now, late) = (Instant::now(), Arc::default());
        let pending = Pending::new(now, &late);
        pending.teller(|| {})(Err(NotWritten("no space".into())));
        assert!(said(pending.standing(now)).starts_with("the journal cannot be written: no space"));
        assert_eq!(pending.standing(now), Standing::Without(None));
    }
}
