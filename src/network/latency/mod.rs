//! One-way delays.
//!
//! Must not know: addresses. Where nodes have a place it is that of their server.

mod euclidean;
mod matrix;
mod transit_stub;

pub use euclidean::Euclidean;
pub use matrix::{Matrix, MatrixRows};
pub use transit_stub::{Links, TransitStub};

use crate::math;
use crate::sim::{Duration, Stream};

/// How long a message takes from one node to another.
#[derive(Clone, Debug)]
pub enum Latency {
    /// Always the same.
    Constant(Duration),
    /// Uniform between the two, drawn for every message.
    Uniform(Duration, Duration),
    /// Exponential with this mean, drawn for every message.
    Exponential(Duration),
    /// Log-normal, drawn for every message.
    LogNormal {
        /// The median.
        median: Duration,
        /// Standard deviation of the natural logarithm.
        sigma: f64,
    },
    /// The distance between two points.
    Euclidean(Euclidean),
    /// The way through the hierarchy of an internet.
    TransitStub(TransitStub),
    /// As measured.
    Matrix(MatrixRows),
}

impl Latency {
    /// The delay of one message from a node of one server to a node of another.
    pub fn draw(&self, (from, to): (usize, usize), random: &mut Stream) -> Duration {
        match self {
            Latency::Constant(delay) => *delay,
            Latency::Uniform(shortest, longest) => random.between(*shortest, *longest),
            Latency::Exponential(mean) => random.exponential(*mean),
            Latency::LogNormal { median, sigma } => random.log_normal(*median, *sigma),
            Latency::Euclidean(field) => field.delay(from, to),
            Latency::TransitStub(internet) => internet.delay(from, to),
            Latency::Matrix(rows) => rows.delay(from, to),
        }
    }

    /// The delay between two servers that can be expected: the mean of what
    /// [`Latency::draw`] gives.
    pub fn mean(&self, (from, to): (usize, usize)) -> Duration {
        match self {
            Latency::Constant(delay) | Latency::Exponential(delay) => *delay,
            Latency::Uniform(shortest, longest) => {
                Duration::from_nanos(shortest.as_nanos().midpoint(longest.as_nanos()))
            }
            Latency::LogNormal { median, sigma } => {
                let ratio = math::exp(sigma * sigma / 2.0);
                Duration::from_nanos_f64(median.as_nanos() as f64 * ratio)
            }
            Latency::Euclidean(field) => field.delay(from, to),
            Latency::TransitStub(internet) => internet.delay(from, to),
            Latency::Matrix(rows) => rows.delay(from, to),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_those_of_what_is_drawn() {
        const N: u64 = 200_000;
        let ms = Duration::from_millis;
        let latencies = [
            (Latency::Constant(ms(50)), 50.0),
            (Latency::Uniform(ms(10), ms(90)), 50.0),
            (Latency::Exponential(ms(50)), 50.0),
            (Latency::LogNormal { median: ms(50), sigma: 0.5 }, 50.0 * math::exp(0.125)),
        ];
        let mut random = Stream::new(1, 0, "test");
        for (latency, mean) in latencies {
            let drawn = (0..N).map(|_| latency.draw((0, 1), &mut random).as_millis_f64());
            let drawn = drawn.sum::<f64>() / N as f64;
            // Five standard errors of the widest of them.
            assert!((drawn - mean).abs() < 5.0 * 50.0 / (N as f64).sqrt(), "{latency:?}: {drawn}");
            assert!((latency.mean((0, 1)).as_millis_f64() - mean).abs() < 1e-3, "{latency:?}");
        }
    }
}
