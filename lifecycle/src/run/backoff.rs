//! How long to wait before something is tried again.
//!
//! Exponential with "equal jitter", after Marc Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015):
//! the nth wait is between half of `base * 2^(n-1)` and the whole of it, and never above a cap. The half keeps the wait
//! that somebody asked for from coming out as none, which "full jitter" allows; the other half keeps many processes
//! that failed together from coming back together.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Where `retry` is said and `backoff` is not.
pub(crate) const DEFAULT: Duration = Duration::from_millis(100);
/// No wait is longer, unless `backoff` itself is.
pub(crate) const CAP: Duration = Duration::from_secs(30);

/// The wait after so many failures, the first being 1.
pub(crate) fn pause(base: Duration, failures: u32) -> Duration {
    // std seeds its hash maps at random, differently each time; nothing here needs more than that.
    let random = RandomState::new().hash_one(failures);
    jittered(base, failures, random)
}

/// The longest that it can be.
pub(crate) fn longest(base: Duration, failures: u32) -> Duration {
    let doubled = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
    base.saturating_mul(doubled).min(CAP.max(base))
}

/// `random` is any number.
fn jittered(base: Duration, failures: u32, random: u64) -> Duration {
    let half = longest(base, failures) / 2;
    half.saturating_add(half.mul_f64(random as f64 / u64::MAX as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: Duration = Duration::from_millis(200);

    #[test]
    fn the_longest_wait_doubles_until_the_cap() {
        let longest = |failures| {
            assert_eq!(jittered(BASE, failures, u64::MAX), longest(BASE, failures));
            longest(BASE, failures).as_millis()
        };
        assert_eq!([1, 2, 3, 4].map(longest), [200, 400, 800, 1600]);
        assert_eq!([8, 9, 32, 33, u32::MAX].map(longest), [25_600, 30_000, 30_000, 30_000, 30_000]);
    }

    #[test]
    fn the_shortest_is_half_of_it_and_chance_decides_between() {
        assert_eq!(jittered(BASE, 1, 0), BASE / 2);
        assert_eq!(jittered(BASE, 3, 0), BASE * 2);
        assert_eq!(jittered(BASE, 1, u64::MAX / 2), BASE * 3 / 4);
        let waits: Vec<Duration> = (0..100).map(|_| pause(BASE, 1)).collect();
        assert!(waits.iter().all(|wait| (BASE / 2..=BASE).contains(wait)), "{waits:?}");
        let least = *waits.iter().min().unwrap();
        let most = *waits.iter().max().unwrap();
        assert!(most - least > BASE / 8, "a hundred of them are not all alike: {waits:?}");
    }

    #[test]
    fn none_is_none_and_one_above_the_cap_stays() {
        assert_eq!(pause(Duration::ZERO, 9), Duration::ZERO);
        let day = Duration::from_secs(86_400);
        assert_eq!(jittered(day, 5, u64::MAX), day);
        assert!(jittered(Duration::MAX, 5, u64::MAX) > Duration::MAX / 2);
    }
}
