//! A histogram of latencies over many orders of magnitude, in constant memory.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::sim::Duration;

/// Each power of two is cut into 2^9 bins: none is wider than 0.2 % of its values.
const BIN_BITS: u32 = 9;
/// Bins are made a power of two at a time.
const BINS: usize = 1 << BIN_BITS;

/// Latencies by size. Each bin keeps the sum of its values besides their number, so
/// that a percentile is the mean of its bin: exact where all values of the bin are
/// the same, as they are with constant delays, and within 0.2 % otherwise.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct LatencyHistogram {
    /// The bins of each power of two, empty until a value falls there.
    octaves: Vec<Vec<Bin>>,
    count: u64,
    /// In nanoseconds.
    sum: u128,
    max: u64,
}

#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
struct Bin {
    count: u64,
    sum: u128,
}

/// Its filled bins by their numbers, and the longest latency.
impl Serialize for LatencyHistogram {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bins: Vec<(usize, Bin)> = self.filled().collect();
        (bins, self.max).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for LatencyHistogram {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (bins, max) = <(Vec<(usize, Bin)>, u64)>::deserialize(deserializer)?;
        let mut histogram = LatencyHistogram { max, ..LatencyHistogram::default() };
        for (number, bin) in bins {
            if number > bin_of(u64::MAX) {
                return Err(D::Error::custom("there is no such bin"));
            }
            *histogram.bin(number) = bin;
            histogram.count = histogram.count.saturating_add(bin.count);
            histogram.sum = histogram.sum.saturating_add(bin.sum);
        }
        Ok(histogram)
    }
}

impl LatencyHistogram {
    /// Takes in one latency.
    pub fn record(&mut self, latency: Duration) {
        let nanos = latency.as_nanos();
        let bin = self.bin(bin_of(nanos));
        bin.count += 1;
        bin.sum += u128::from(nanos);
        self.count += 1;
        self.sum += u128::from(nanos);
        self.max = self.max.max(nanos);
    }

    /// Takes in all of another's.
    pub fn merge(&mut self, other: &LatencyHistogram) {
        for (number, more) in other.filled() {
            let bin = self.bin(number);
            bin.count += more.count;
            bin.sum += more.sum;
        }
        self.count += other.count;
        self.sum += other.sum;
        self.max = self.max.max(other.max);
    }

    fn bin(&mut self, number: usize) -> &mut Bin {
        let (octave, place) = (number / BINS, number % BINS);
        if octave >= self.octaves.len() {
            self.octaves.resize(octave + 1, Vec::new());
        }
        let octave = &mut self.octaves[octave];
        if octave.is_empty() {
            octave.resize(BINS, Bin::default());
        }
        &mut octave[place]
    }

    /// The bins that hold something, ascending.
    fn filled(&self) -> impl Iterator<Item = (usize, Bin)> {
        // An octave that is empty stands for one whose bins are.
        let octaves = self.octaves.iter().enumerate();
        let bins = octaves.flat_map(|(octave, bins)| (octave * BINS..).zip(bins.iter().copied()));
        bins.filter(|(_, bin)| bin.count > 0)
    }

    /// The mean in milliseconds; `None` if there is nothing.
    pub fn mean_ms(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64 / 1e6)
    }

    /// The percentile in milliseconds, by nearest rank; zero if there is nothing.
    pub fn percentile_ms(&self, percent: u64) -> f64 {
        let rank = (self.count * percent).div_ceil(100).max(1);
        let mut below = 0;
        for (_, bin) in self.filled() {
            below += bin.count;
            if below >= rank {
                return bin.sum as f64 / bin.count as f64 / 1e6;
            }
        }
        0.0
    }

    /// The longest in milliseconds.
    pub fn max_ms(&self) -> f64 {
        self.max as f64 / 1e6
    }
}

fn bin_of(nanos: u64) -> usize {
    let shift = (u64::BITS - nanos.leading_zeros()).saturating_sub(BIN_BITS + 1);
    ((u64::from(shift) << BIN_BITS) + (nanos >> shift)) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(crate::property::config())]

        #[test]
        fn bins_ascend_and_are_narrow(a: u64, b: u64) {
            let (low, high) = (a.min(b), a.max(b));
            prop_assert!(bin_of(low) <= bin_of(high));
            if bin_of(low) == bin_of(high) {
                prop_assert!(high - low <= low >> BIN_BITS);
            }
        }

        #[test]
        fn percentiles_are_near_the_sorted_values(
            values in prop::collection::vec(0u64..1 << 40, 1..200),
            percent in 1u64..=100,
        ) {
            let mut histogram = LatencyHistogram::default();
            for nanos in &values {
                histogram.record(Duration::from_nanos(*nanos));
            }
            let mut sorted = values.clone();
            sorted.sort_unstable();
            let exact = sorted[(values.len() * percent as usize).div_ceil(100) - 1] as f64 / 1e6;
            let found = histogram.percentile_ms(percent);
            prop_assert!((found - exact).abs() <= exact * 0.002 + 1e-9, "{found} {exact}");
            let mean = values.iter().sum::<u64>() as f64 / values.len() as f64 / 1e6;
            prop_assert!((histogram.mean_ms().unwrap() - mean).abs() <= mean * 1e-9 + 1e-9);
        }
    }

    #[test]
    fn equal_values_are_exact() {
        let mut histogram = LatencyHistogram::default();
        (0..10).for_each(|_| histogram.record(Duration::from_millis(700)));
        let mut twice = histogram.clone();
        twice.merge(&histogram);
        assert_eq!(twice.percentile_ms(50).to_bits(), 700f64.to_bits());
        assert_eq!(twice.max_ms().to_bits(), 700f64.to_bits());
        assert_eq!(LatencyHistogram::default().percentile_ms(50).to_bits(), 0f64.to_bits());
        assert_eq!(LatencyHistogram::default().mean_ms(), None);
    }
}
