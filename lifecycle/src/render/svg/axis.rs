//! Times as places.

use std::time::Duration;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// Distances between two marks that a person can count in.
const STEPS: [u64; 32] = [
    1,
    2,
    5,
    10,
    20,
    50,
    100,
    200,
    500,
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    15 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    7 * DAY,
    30 * DAY,
    90 * DAY,
    365 * DAY,
];
const MOST_MARKS: u64 = 9;

/// A scale from 0 to a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    left: f64,
    width: f64,
    end: Duration,
}

impl Axis {
    /// Nothing at all still has a scale.
    pub(super) fn new(left: f64, width: f64, end: Duration) -> Self {
        Axis { left, width, end: end.max(Duration::from_millis(1)) }
    }

    pub(super) fn end(&self) -> Duration {
        self.end
    }

    pub(super) fn left(&self) -> f64 {
        self.left
    }

    pub(super) fn right(&self) -> f64 {
        self.left + self.width
    }

    /// Where a time stands; never beyond the ends.
    pub(super) fn x(&self, time: Duration) -> f64 {
        let part = time.as_secs_f64() / self.end.as_secs_f64();
        self.left + self.width * part.min(1.0)
    }

    /// From 0, at most ten or so.
    pub(super) fn marks(&self) -> Vec<Duration> {
        let end = u64::try_from(self.end.as_millis()).unwrap_or(u64::MAX);
        let longest = STEPS[STEPS.len() - 1];
        let step = STEPS.into_iter().find(|step| end / step <= MOST_MARKS);
        let step = step.unwrap_or_else(|| (end / MOST_MARKS).next_multiple_of(longest));
        (0..=end / step).map(|n| Duration::from_millis(n * step)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::duration::spell;

    fn marks(end: Duration) -> String {
        let marks = Axis::new(0.0, 100.0, end).marks();
        assert!((2..=10).contains(&marks.len()), "{end:?}: {marks:?}");
        marks.into_iter().map(spell).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn marks_are_round_and_neither_few_nor_many() {
        assert_eq!(marks(Duration::from_secs(25)), "0s 5s 10s 15s 20s 25s");
        assert_eq!(
            marks(Duration::from_millis(900)),
            "0s 100ms 200ms 300ms 400ms 500ms 600ms 700ms 800ms 900ms"
        );
        assert_eq!(marks(Duration::from_secs(100)), "0s 15s 30s 45s 1m 1m 15s 1m 30s");
        assert_eq!(marks(Duration::ZERO), "0s 1ms");
        for exponent in 0..40 {
            marks(Duration::from_millis(3u64.saturating_pow(exponent)));
        }
    }

    #[test]
    fn lengths_are_to_scale_and_stay_within() {
        let axis = Axis::new(50.0, 200.0, Duration::from_secs(10));
        assert_eq!(axis.x(Duration::ZERO), 50.0);
        assert_eq!(axis.x(Duration::from_secs(5)), 150.0);
        assert_eq!(axis.x(Duration::from_secs(11)), axis.right());
    }
}
