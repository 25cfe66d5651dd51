//! One-way delays.

use crate::math;
use crate::sim::{Address, Duration, Stream};

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
    Euclidean {
        /// Added to every distance.
        base: Duration,
        /// The points of the nodes, by address; in the plane the third is zero. In
        /// nanoseconds, like the delays.
        points: Vec<[u64; 3]>,
    },
}

impl Latency {
    /// Nodes at points drawn uniformly from a square (2 `dimensions`) or a cube (3) with
    /// this `side`.
    pub fn euclidean(
        nodes: usize,
        dimensions: usize,
        side: Duration,
        base: Duration,
        random: &mut Stream,
    ) -> Latency {
        let mut point = || {
            let mut point = [0; 3];
            for coordinate in &mut point[..dimensions] {
                *coordinate = random.between(Duration::ZERO, side).as_nanos();
            }
            point
        };
        Latency::Euclidean { base, points: (0..nodes).map(|_| point()).collect() }
    }

    /// The delay of one message.
    pub fn draw(&self, from: Address, to: Address, random: &mut Stream) -> Duration {
        match self {
            Latency::Constant(delay) => *delay,
            Latency::Uniform(shortest, longest) => random.between(*shortest, *longest),
            Latency::Exponential(mean) => random.exponential(*mean),
            Latency::LogNormal { median, sigma } => random.log_normal(*median, *sigma),
            Latency::Euclidean { base, points } => {
                *base + distance(points[from.index()], points[to.index()])
            }
        }
    }

    /// The mean of the delays from one node to another.
    pub fn expected(&self, from: Address, to: Address) -> Duration {
        match self {
            Latency::Constant(delay) => *delay,
            Latency::Uniform(shortest, longest) => {
                let nanos = u64::midpoint(shortest.as_nanos(), longest.as_nanos());
                Duration::from_nanos(nanos)
            }
            Latency::Exponential(mean) => *mean,
            Latency::LogNormal { median, sigma } => {
                let factor = math::exp(sigma * sigma / 2.0);
                Duration::from_nanos_f64(median.as_nanos() as f64 * factor)
            }
            Latency::Euclidean { base, points } => {
                *base + distance(points[from.index()], points[to.index()])
            }
        }
    }
}

/// The square root is exact in IEEE 754, so this is the same everywhere.
fn distance(a: [u64; 3], b: [u64; 3]) -> Duration {
    let square = |i: usize| {
        let difference = a[i].abs_diff(b[i]) as f64;
        difference * difference
    };
    Duration::from_nanos_f64((square(0) + square(1) + square(2)).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_is_that_of_pythagoras() {
        assert_eq!(distance([0, 0, 0], [3000, 4000, 0]), Duration::from_nanos(5000));
        assert_eq!(distance([2000, 3000, 6000], [0, 0, 0]), Duration::from_nanos(7000));
    }

    /// The mean distance of two points in the unit square is 0.5214…, in the unit cube
    /// 0.6617… (Robbins' constant).
    #[test]
    fn mean_distances_are_those_of_the_square_and_the_cube() {
        for (dimensions, mean) in [(2, 0.521_405), (3, 0.661_707)] {
            let mut random = Stream::new(1, 0, "test");
            let side = Duration::from_secs(1);
            let field = Latency::euclidean(2000, dimensions, side, Duration::ZERO, &mut random);
            let pairs = (0..1_999_000).map(|pair| (pair % 2000, (pair / 2000 + 1 + pair) % 2000));
            let sum: f64 = pairs
                .map(|(a, b)| field.draw(Address::new(a), Address::new(b), &mut random))
                .map(Duration::as_secs_f64)
                .sum();
            assert!((sum / 1_999_000.0 - mean).abs() < 0.01, "{dimensions}: {sum}");
        }
    }

    #[test]
    fn the_expected_delay_is_the_mean_of_what_is_drawn() {
        let mut random = Stream::new(1, 0, "test");
        let ms = Duration::from_millis;
        let field = Latency::euclidean(3, 2, ms(100), ms(5), &mut random);
        for latency in [
            Latency::Constant(ms(50)),
            Latency::Uniform(ms(10), ms(91)),
            Latency::Exponential(ms(50)),
            Latency::LogNormal { median: ms(50), sigma: 0.5 },
            field,
        ] {
            let (from, to) = (Address::new(0), Address::new(2));
            let draws = 100_000;
            let sum: f64 =
                (0..draws).map(|_| latency.draw(from, to, &mut random).as_secs_f64()).sum();
            let expected = latency.expected(from, to).as_secs_f64();
            let mean = sum / f64::from(draws);
            assert!((mean / expected - 1.0).abs() < 0.01, "{latency:?}: {mean} {expected}");
        }
    }

    #[test]
    fn there_and_back_are_equally_far() {
        let mut random = Stream::new(1, 0, "test");
        let field = Latency::euclidean(
            10,
            3,
            Duration::from_millis(100),
            Duration::from_millis(5),
            &mut random,
        );
        let (a, b) = (Address::new(3), Address::new(8));
        assert_eq!(field.draw(a, b, &mut random), field.draw(b, a, &mut random));
        assert_eq!(field.draw(a, a, &mut random), Duration::from_millis(5));
    }
}
