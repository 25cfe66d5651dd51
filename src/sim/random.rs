//! Named streams of random numbers.
//!
//! A stream is a `ChaCha8` generator whose key spells out (seed, repeat, purpose).
//! Streams of different purposes are independent: drawing one more latency does
//! not change which key is looked up next, two overlays under one seed face the
//! same nodes and keys, and one more repeat leaves the earlier ones alone.
//!
//! The distributions are written here, on the generator's bare 64-bit output, so
//! that no upgrade of a crate moves a published result.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Duration;
use crate::math;

/// A stream of random numbers of its own.
#[derive(Clone, Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream of this purpose (at most 16 bytes) in this repeat under this seed.
    ///
    /// # Panics
    /// When the purpose is longer.
    pub fn new(seed: u64, repeat: u32, purpose: &str) -> Stream {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..12].copy_from_slice(&repeat.to_le_bytes());
        key[16..16 + purpose.len()].copy_from_slice(purpose.as_bytes());
        Stream(ChaCha8Rng::from_seed(key))
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A whole number below `limit`, each equally likely (Lemire 2019).
    ///
    /// # Panics
    /// When `limit` is zero.
    pub fn below(&mut self, limit: u64) -> u64 {
        assert!(limit > 0, "there is no number below zero");
        let mut product = u128::from(self.bits()) * u128::from(limit);
        if (product as u64) < limit {
            let unfair = limit.wrapping_neg() % limit;
            while (product as u64) < unfair {
                product = u128::from(self.bits()) * u128::from(limit);
            }
        }
        (product >> 64) as u64
    }

    /// A number from 0 up to but not including 1, a multiple of 2^−53.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// A duration between two, both included.
    ///
    /// # Panics
    /// When `from` is longer than `to`.
    pub fn between(&mut self, from: Duration, to: Duration) -> Duration {
        let width = to.as_nanos() - from.as_nanos();
        match width.checked_add(1) {
            Some(choices) => Duration::from_nanos(from.as_nanos() + self.below(choices)),
            None => Duration::from_nanos(self.bits()),
        }
    }

    /// An exponentially distributed duration.
    pub fn exponential(&mut self, mean: Duration) -> Duration {
        self.exponential_nanos(mean.as_nanos() as f64)
    }

    /// An exponentially distributed duration whose mean, in nanoseconds, need not be
    /// whole: the gaps of a busy Poisson process are short.
    pub fn exponential_nanos(&mut self, mean: f64) -> Duration {
        // 1 − unit lies in (0, 1]: its logarithm is finite.
        Duration::from_nanos_f64(-math::ln(1.0 - self.unit()) * mean)
    }

    /// A standard normal number (Box and Muller 1958; the second one is not kept, so
    /// that a stream has no state but its position).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * math::ln(1.0 - self.unit())).sqrt();
        radius * math::cos(std::f64::consts::TAU * self.unit())
    }

    /// A log-normally distributed duration: its logarithm has standard deviation
    /// `sigma`.
    pub fn log_normal(&mut self, median: Duration, sigma: f64) -> Duration {
        Duration::from_nanos_f64(math::exp(sigma * self.normal()) * median.as_nanos() as f64)
    }

    /// A waiting time around `period`: uniform within the share `jitter` of it, up or
    /// down.
    pub fn jittered(&mut self, period: Duration, jitter: f64) -> Duration {
        if jitter == 0.0 {
            return period;
        }
        let share = 1.0 + jitter * (2.0 * self.unit() - 1.0);
        Duration::from_nanos_f64(period.as_nanos() as f64 * share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean_and_deviation(draws: impl Iterator<Item = f64>) -> (f64, f64) {
        let values: Vec<f64> = draws.collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>();
        (mean, (variance / values.len() as f64).sqrt())
    }

    #[test]
    fn streams_are_fixed_for_ever() {
        let mut stream = Stream::new(1, 0, "latency");
        let first: [u64; 3] = std::array::from_fn(|_| stream.bits());
        assert_eq!(first, FIRST_BITS, "the same seed must give the same world in every version");
    }

    const FIRST_BITS: [u64; 3] =
        [12_069_412_574_314_081_795, 9_174_881_943_950_025_969, 11_405_516_801_660_653_669];

    #[test]
    fn streams_differ_in_seed_repeat_and_purpose() {
        let first = |seed, repeat, purpose| Stream::new(seed, repeat, purpose).bits();
        let one = first(1, 0, "latency");
        assert_ne!(one, first(2, 0, "latency"));
        assert_ne!(one, first(1, 1, "latency"));
        assert_ne!(one, first(1, 0, "loss"));
    }

    #[test]
    fn distributions_have_their_closed_form_moments() {
        const N: usize = 200_000;
        let mut stream = Stream::new(7, 0, "test");
        let millis = Duration::from_millis;
        let close = |(mean, deviation): (f64, f64), (m, d): (f64, f64)| {
            // Five standard errors of the mean, and 2 % for the deviation.
            assert!((mean - m).abs() < 5.0 * d / (N as f64).sqrt(), "mean {mean}, not {m}");
            assert!((deviation - d).abs() < 0.02 * d, "deviation {deviation}, not {d}");
        };
        let exponential = (0..N).map(|_| stream.exponential(millis(50)).as_millis_f64());
        close(mean_and_deviation(exponential), (50.0, 50.0));
        let uniform = (0..N).map(|_| stream.between(millis(10), millis(90)).as_millis_f64());
        close(mean_and_deviation(uniform), (50.0, 80.0 / 12f64.sqrt()));
        let normal = (0..N).map(|_| stream.normal());
        close(mean_and_deviation(normal), (0.0, 1.0));
        let logarithms = (0..N)
            .map(|_| math::ln(stream.log_normal(millis(80), 0.5).as_millis_f64()) - math::ln(80.0));
        close(mean_and_deviation(logarithms), (0.0, 0.5));
        let jittered = (0..N).map(|_| stream.jittered(millis(100), 0.5).as_millis_f64());
        close(mean_and_deviation(jittered), (100.0, 100.0 / 12f64.sqrt()));
        let dice = (0..N).map(|_| stream.below(6) as f64);
        close(mean_and_deviation(dice), (2.5, (35f64 / 12.0).sqrt()));
    }

    #[test]
    fn limits_are_kept() {
        let mut stream = Stream::new(7, 0, "test");
        assert!((0..100).all(|_| stream.below(1) == 0));
        assert!((0..100).all(|_| !stream.chance(0.0) && stream.chance(1.0)));
        let second = Duration::from_secs(1);
        assert_eq!(stream.between(second, second), second);
        assert_eq!(stream.jittered(second, 0.0), second);
        stream.between(Duration::ZERO, Duration::from_nanos(u64::MAX));
    }
}
