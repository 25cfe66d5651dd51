//! Servers at random points of a square or a cube.

use crate::sim::{Duration, Stream};

/// Servers at points; the delay is their distance.
#[derive(Clone, Debug)]
pub struct Euclidean {
    /// Added to every distance.
    base: Duration,
    /// The points by server; in the plane the third coordinate is zero. In nanoseconds, like
    /// the delays.
    points: Vec<[u64; 3]>,
}

impl Euclidean {
    /// Servers at points drawn uniformly from a square (2 `dimensions`) or a cube (3) with
    /// this `side`. More servers leave the first ones where they are.
    pub fn draw(
        servers: usize,
        dimensions: usize,
        side: Duration,
        base: Duration,
        random: &mut Stream,
    ) -> Euclidean {
        let mut point = || {
            let mut point = [0; 3];
            for coordinate in &mut point[..dimensions] {
                *coordinate = random.between(Duration::ZERO, side).as_nanos();
            }
            point
        };
        Euclidean { base, points: (0..servers).map(|_| point()).collect() }
    }

    /// The delay from one server to another.
    pub fn delay(&self, from: usize, to: usize) -> Duration {
        self.base + distance(self.points[from], self.points[to])
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
            let field = Euclidean::draw(2000, dimensions, side, Duration::ZERO, &mut random);
            let pairs = (0..1_999_000).map(|pair| (pair % 2000, (pair / 2000 + 1 + pair) % 2000));
            let sum: f64 = pairs.map(|(a, b)| field.delay(a, b).as_secs_f64()).sum();
            assert!((sum / 1_999_000.0 - mean).abs() < 0.01, "{dimensions}: {sum}");
        }
    }

    #[test]
    fn there_and_back_are_equally_far() {
        let mut random = Stream::new(1, 0, "test");
        let (side, base) = (Duration::from_millis(100), Duration::from_millis(5));
        let field = Euclidean::draw(10, 3, side, base, &mut random);
        assert_eq!(field.delay(3, 8), field.delay(8, 3));
        assert_eq!(field.delay(3, 3), base);
    }
}
