//! Medians, and a random order.

use std::time::{SystemTime, UNIX_EPOCH};

/// The value below which this share of the samples lies. NaN of none.
pub fn percentile(samples: &[f64], share: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
}

/// Half of the samples are below it. NaN of none.
pub fn median(samples: &[f64]) -> f64 {
    percentile(samples, 0.5)
}

/// A new order for every round, so that no variant always comes after the same other one.
pub struct Shuffle(u64);

impl Shuffle {
    /// Seeded by the clock.
    pub fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Shuffle((now.as_nanos() as u64) | 1)
    }

    fn next(&mut self) -> u64 {
        // xorshift64
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Fisher and Yates.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, (self.next() % (last as u64 + 1)) as usize);
        }
    }
}
