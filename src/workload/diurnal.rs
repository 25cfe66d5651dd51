//! Rates that follow the time of day.
//!
//! Must not know: what comes at these rates.

use std::f64::consts::TAU;

use crate::math;
use crate::sim::{Duration, Time};

/// A rate that swings around its mean: 1 + amplitude · cos(2π (t − peak) / period) times it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Diurnal {
    /// From one peak to the next; above zero.
    pub period: Duration,
    /// From 0, a constant rate, to 1, at which it falls to zero between two peaks.
    pub amplitude: f64,
    /// When the rate is highest, counted from the start of the simulation.
    pub peak: Duration,
}

impl Diurnal {
    /// When something happens that would have happened after `wait` at the mean rate. This
    /// inverts the integral of the rate: whatever process runs on the mean rate's clock, a
    /// Poisson process above all, runs at the swinging rate by the simulation's. (Çınlar,
    /// Introduction to Stochastic Processes, 1975, 4.7.)
    pub fn after(&self, now: Time, wait: Duration) -> Time {
        // The integral is never further ahead of the clock, or behind it, than half a swing
        // before and half a swing after.
        let swing = self.amplitude * self.period.as_nanos() as f64 / TAU * 2.0;
        let slack = Duration::from_nanos_f64(swing).as_nanos() + 1;
        let mut early = wait.as_nanos().saturating_sub(slack);
        let mut late = wait.as_nanos().saturating_add(slack);
        let before = self.ahead(now);
        while early < late {
            let middle = early + (late - early) / 2;
            let gained = self.ahead(now + Duration::from_nanos(middle)) - before;
            // Differences of the large numbers are exact, those of the small ones fine enough.
            let missing = i128::from(wait.as_nanos()) - i128::from(middle);
            if gained < missing as f64 {
                early = middle + 1;
            } else {
                late = middle;
            }
        }
        now + Duration::from_nanos(early)
    }

    /// How many nanoseconds the integral of the rate is ahead of the clock, up to a constant.
    fn ahead(&self, at: Time) -> f64 {
        let period = self.period.as_nanos();
        let (phase, peak) = (at.as_nanos() % period, self.peak.as_nanos() % period);
        let since_peak = if phase < peak { phase + (period - peak) } else { phase - peak };
        let angle = TAU * (since_peak as f64 / period as f64);
        self.amplitude * period as f64 / TAU * math::sin(angle)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sim::Stream;

    const HOUR: Duration = Duration::from_secs(3600);

    fn hours(n: u64) -> Duration {
        Duration::from_secs(3600 * n)
    }

    #[test]
    fn whole_periods_take_their_time() {
        let diurnal = Diurnal { period: hours(24), amplitude: 1.0, peak: hours(20) };
        for start in [0, 5, 8, 20] {
            let start = Time::ZERO + hours(start);
            let end = diurnal.after(start, hours(48));
            // At the trough the rate is zero, and the inverse as coarse as its square root.
            assert!(end.since(start).as_secs_f64() - 48.0 * 3600.0 < 2.0, "{end}");
        }
        let flat = Diurnal { amplitude: 0.0, ..diurnal };
        assert_eq!(flat.after(Time::ZERO + HOUR, HOUR), Time::ZERO + hours(2));
    }

    #[test]
    fn a_poisson_process_follows_the_hours() {
        const DAYS: u64 = 400;
        let diurnal = Diurnal { period: hours(24), amplitude: 0.5, peak: hours(20) };
        let mut random = Stream::new(1, 0, "test");
        let mut counts = [0u32; 24];
        let (mut now, end) = (Time::ZERO, Time::ZERO + hours(24 * DAYS));
        loop {
            now = diurnal.after(now, random.exponential(Duration::from_secs(120)));
            if now >= end {
                break;
            }
            counts[(now.as_nanos() / HOUR.as_nanos() % 24) as usize] += 1;
        }
        let mean = (30 * DAYS) as f64;
        for (hour, count) in (0..24).zip(counts) {
            let from = TAU * (f64::from(hour) - 20.0) / 24.0;
            let to = TAU * (f64::from(hour) - 19.0) / 24.0;
            let share = 1.0 + 0.5 * (math::sin(to) - math::sin(from)) / (to - from);
            let error = 5.0 * (mean * share).sqrt();
            assert!((f64::from(count) - mean * share).abs() < error, "hour {hour}: {count}");
        }
    }

    proptest! {
        #![proptest_config(crate::property::config())]

        #[test]
        fn the_integral_is_inverted(
            period in 1u64..1_000_000_000_000_000, peak: u64, now in 0u64..1 << 60,
            wait in 0u64..1_000_000_000_000_000, amplitude in 0.0..1.0,
        ) {
            let [period, peak, wait] = [period, peak, wait].map(Duration::from_nanos);
            let diurnal = Diurnal { period, amplitude, peak };
            let now = Time::from_nanos(now);
            let then = diurnal.after(now, wait);
            let passed = then.since(now).as_nanos() as f64 + diurnal.ahead(then) - diurnal.ahead(now);
            let allowed = 4.0 + 1e-14 * (period.as_nanos() as f64 + wait.as_nanos() as f64);
            prop_assert!((passed - wait.as_nanos() as f64).abs() <= allowed, "{} of {}", passed, wait);
            // Who waits longer is not there earlier.
            prop_assert!(diurnal.after(now, wait + Duration::from_nanos(1000)) >= then);
        }
    }
}
