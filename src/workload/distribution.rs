//! Distributions of durations: how long nodes stay, and how long they stay away.
//!
//! Everything is drawn by inversion of the distribution function, as far as it can be
//! inverted. Durations are in nanoseconds here, as `f64`: their means need not be whole.
//!
//! Must not know: what the durations are of.

use crate::math;
use crate::sim::{Duration, Stream};

/// The distribution of a duration.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Distribution {
    /// Always the same.
    Constant {
        /// How long.
        nanos: f64,
    },
    /// Without memory: P(X > x) = exp(−x / mean).
    Exponential {
        /// The mean.
        mean_nanos: f64,
    },
    /// P(X > x) = exp(−(x / scale)^shape). With a shape below one those that have lasted long
    /// last longer still.
    Weibull {
        /// Above zero; one makes it exponential.
        shape: f64,
        /// The quantile at 1 − 1/e.
        scale_nanos: f64,
    },
    /// P(X > x) = (minimum / x)^shape from the minimum on.
    Pareto {
        /// Above zero; the mean is finite above one, the variance above two.
        shape: f64,
        /// The shortest duration.
        minimum_nanos: f64,
    },
    /// The logarithm is normally distributed.
    LogNormal {
        /// The median.
        median_nanos: f64,
        /// Standard deviation of the natural logarithm.
        sigma: f64,
    },
}

impl Distribution {
    /// The mean in nanoseconds; infinite for a Pareto distribution with a shape up to one.
    pub fn mean_nanos(&self) -> f64 {
        match *self {
            Distribution::Constant { nanos } => nanos,
            Distribution::Exponential { mean_nanos } => mean_nanos,
            Distribution::Weibull { shape, scale_nanos } => {
                scale_nanos * math::gamma(1.0 + 1.0 / shape)
            }
            Distribution::Pareto { shape, .. } if shape <= 1.0 => f64::INFINITY,
            Distribution::Pareto { shape, minimum_nanos } => minimum_nanos * shape / (shape - 1.0),
            Distribution::LogNormal { median_nanos, sigma } => {
                median_nanos * math::exp(sigma * sigma / 2.0)
            }
        }
    }

    /// The median in nanoseconds.
    pub fn median_nanos(&self) -> f64 {
        self.quantile_nanos(0.5)
    }

    /// The same distribution, stretched or shrunk in time.
    pub fn times(self, factor: f64) -> Distribution {
        match self {
            Distribution::Constant { nanos } => Distribution::Constant { nanos: nanos * factor },
            Distribution::Exponential { mean_nanos } => {
                Distribution::Exponential { mean_nanos: mean_nanos * factor }
            }
            Distribution::Weibull { shape, scale_nanos } => {
                Distribution::Weibull { shape, scale_nanos: scale_nanos * factor }
            }
            Distribution::Pareto { shape, minimum_nanos } => {
                Distribution::Pareto { shape, minimum_nanos: minimum_nanos * factor }
            }
            Distribution::LogNormal { median_nanos, sigma } => {
                Distribution::LogNormal { median_nanos: median_nanos * factor, sigma }
            }
        }
    }

    /// Draws a duration.
    pub fn draw(&self, random: &mut Stream) -> Duration {
        Duration::from_nanos_f64(match *self {
            Distribution::Constant { nanos } => nanos,
            Distribution::LogNormal { median_nanos, sigma } => {
                median_nanos * math::exp(sigma * random.normal())
            }
            _ => self.quantile_nanos(random.unit()),
        })
    }

    /// Draws what is left of a duration at a moment at which such durations have been
    /// following each other for long: the moment lies anywhere within the one that it falls
    /// into, and it falls into long ones more often (the inspection paradox). Its mean is
    /// E(X²) / 2 E(X). (Feller, An Introduction to Probability Theory and Its Applications,
    /// volume II, XI.4.)
    ///
    /// # Panics
    /// When the mean is infinite: there is no such moment then.
    pub fn draw_rest(&self, random: &mut Stream) -> Duration {
        assert!(self.mean_nanos() < f64::INFINITY, "only finite means have a stationary state");
        // In proportion to their length, durations x are drawn with density x f(x) / E(X).
        let by_length = match *self {
            Distribution::Constant { nanos } => nanos,
            // What is left is distributed as the whole is: no memory.
            Distribution::Exponential { .. } => return self.draw(random),
            // X = scale Y^(1/shape) with an exponential Y; Y^(1/shape) e^−Y is a gamma density.
            Distribution::Weibull { shape, scale_nanos } => {
                scale_nanos * math::pow(gamma(1.0 + 1.0 / shape, random), 1.0 / shape)
            }
            Distribution::Pareto { shape, minimum_nanos } => {
                let by_length = Distribution::Pareto { shape: shape - 1.0, minimum_nanos };
                by_length.quantile_nanos(random.unit())
            }
            Distribution::LogNormal { median_nanos, sigma } => {
                median_nanos * math::exp(sigma * sigma) * math::exp(sigma * random.normal())
            }
        };
        Duration::from_nanos_f64(by_length * (1.0 - random.unit()))
    }

    /// The duration that is longer than this share of all.
    fn quantile_nanos(&self, share: f64) -> f64 {
        // Shares lie in [0, 1): the logarithm is finite.
        let exponential = -math::ln(1.0 - share);
        match *self {
            Distribution::Constant { nanos } => nanos,
            Distribution::Exponential { mean_nanos } => mean_nanos * exponential,
            Distribution::Weibull { shape, scale_nanos } => {
                scale_nanos * math::pow(exponential, 1.0 / shape)
            }
            Distribution::Pareto { shape, minimum_nanos } => {
                minimum_nanos * math::exp(exponential / shape)
            }
            Distribution::LogNormal { median_nanos, .. } => {
                debug_assert!(share.to_bits() == 0.5f64.to_bits(), "others are not needed");
                median_nanos
            }
        }
    }
}

/// A gamma distributed number with scale one (Marsaglia and Tsang, A Simple Method for
/// Generating Gamma Variables, ACM TOMS 26(3), 2000).
///
/// # Panics
/// When the shape is below one.
fn gamma(shape: f64, random: &mut Stream) -> f64 {
    assert!(shape >= 1.0, "the method needs a shape from one on");
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let normal = random.normal();
        let root = 1.0 + c * normal;
        let uniform = 1.0 - random.unit();
        if root > 0.0 {
            let v = root * root * root;
            if math::ln(uniform) < 0.5 * normal * normal + d - d * v + d * math::ln(v) {
                return d * v;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: usize = 200_000;
    /// A second.
    const S: f64 = 1e9;

    fn all() -> [Distribution; 6] {
        [
            Distribution::Constant { nanos: 3.0 * S },
            Distribution::Exponential { mean_nanos: 2.0 * S },
            Distribution::Weibull { shape: 0.7, scale_nanos: S },
            Distribution::Weibull { shape: 2.0, scale_nanos: S },
            Distribution::Pareto { shape: 5.0, minimum_nanos: S },
            Distribution::LogNormal { median_nanos: 2.0 * S, sigma: 0.5 },
        ]
    }

    /// The n-th moment, in seconds, by its closed form.
    fn moment(distribution: &Distribution, n: f64) -> f64 {
        match *distribution {
            Distribution::Constant { nanos } => math::pow(nanos / S, n),
            Distribution::Exponential { mean_nanos } => {
                math::pow(mean_nanos / S, n) * math::gamma(1.0 + n)
            }
            Distribution::Weibull { shape, scale_nanos } => {
                math::pow(scale_nanos / S, n) * math::gamma(1.0 + n / shape)
            }
            Distribution::Pareto { shape, minimum_nanos } => {
                math::pow(minimum_nanos / S, n) * shape / (shape - n)
            }
            Distribution::LogNormal { median_nanos, sigma } => {
                math::pow(median_nanos / S, n) * math::exp(n * n * sigma * sigma / 2.0)
            }
        }
    }

    fn seconds(draw: impl Fn(&mut Stream) -> Duration) -> Vec<f64> {
        let mut random = Stream::new(1, 0, "test");
        let mut drawn: Vec<f64> = (0..DRAWS).map(|_| draw(&mut random).as_secs_f64()).collect();
        drawn.sort_by(f64::total_cmp);
        drawn
    }

    /// Mean and deviation.
    fn spread(values: &[f64]) -> (f64, f64) {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>();
        (mean, (variance / values.len() as f64).sqrt())
    }

    /// The mean of so many draws with this deviation is this, within five standard errors.
    fn assert_mean(found: f64, right: f64, deviation: f64, what: &Distribution) {
        let error = 5.0 * deviation / (DRAWS as f64).sqrt() + 1e-9;
        assert!((found - right).abs() < error, "{what:?}: {found}, not {right} ± {error}");
    }

    #[test]
    fn draws_have_the_moments_of_their_closed_forms() {
        for distribution in all() {
            let drawn = seconds(|random| distribution.draw(random));
            let (mean, deviation) = spread(&drawn);
            let (first, second) = (moment(&distribution, 1.0), moment(&distribution, 2.0));
            let right = (second - first * first).max(0.0).sqrt();
            assert_mean(mean, first, right, &distribution);
            assert!((deviation - right).abs() <= 0.03 * right, "{distribution:?}: {deviation}");
            assert!((distribution.mean_nanos() / S / first - 1.0).abs() < 1e-12);
            assert!(distribution.times(3.0).mean_nanos() / distribution.mean_nanos() - 3.0 < 1e-12);
        }
    }

    #[test]
    fn draws_have_the_quantiles_of_their_closed_forms() {
        for distribution in all() {
            let drawn = seconds(|random| distribution.draw(random));
            let median = distribution.median_nanos() / S;
            let below = drawn.iter().filter(|x| **x < median * (1.0 - 1e-9)).count();
            let at_most = drawn.iter().filter(|x| **x <= median * (1.0 + 1e-9)).count();
            // Five deviations of a binomial count.
            let error = (DRAWS / 2).abs_diff(at_most).min((DRAWS / 2).abs_diff(below));
            let is_constant = matches!(distribution, Distribution::Constant { .. });
            assert!(error < 1118 || is_constant, "{distribution:?}: {below} of {DRAWS}");
        }
        let share_above = |distribution: Distribution, limit: f64| {
            let drawn = seconds(|random| distribution.draw(random));
            drawn.iter().filter(|x| **x > limit).count() as f64 / DRAWS as f64
        };
        let weibull = Distribution::Weibull { shape: 0.5, scale_nanos: S };
        assert!((share_above(weibull, 4.0) - math::exp(-2.0)).abs() < 0.005);
        let pareto = Distribution::Pareto { shape: 1.5, minimum_nanos: S };
        assert!((share_above(pareto, 4.0) - 0.125).abs() < 0.005);
        assert!(share_above(pareto, 0.999_999) > 0.999_999);
        // The normal distribution has 15.87 % beyond one deviation.
        let log_normal = Distribution::LogNormal { median_nanos: S, sigma: 2.0 };
        assert!((share_above(log_normal, math::exp(2.0)) - 0.158_655).abs() < 0.005);
    }

    /// The moments of the rest: E(R^n) = E(X^(n+1)) / (n + 1) E(X).
    #[test]
    fn what_is_left_has_the_moments_of_renewal_theory() {
        for distribution in all() {
            let rest =
                |n: f64| moment(&distribution, n + 1.0) / (n + 1.0) / moment(&distribution, 1.0);
            let left = seconds(|random| distribution.draw_rest(random));
            let (mean, deviation) = spread(&left);
            let right = (rest(2.0) - rest(1.0) * rest(1.0)).sqrt();
            assert_mean(mean, rest(1.0), right, &distribution);
            assert!((deviation - right).abs() <= 0.05 * right, "{distribution:?}: {deviation}");
        }
    }

    #[test]
    fn heavy_tails_have_no_mean_but_a_median() {
        let pareto = Distribution::Pareto { shape: 1.0, minimum_nanos: S };
        assert_eq!(pareto.mean_nanos().to_bits(), f64::INFINITY.to_bits());
        assert!((pareto.median_nanos() / S - 2.0).abs() < 1e-12);
    }

    #[test]
    fn gamma_draws_have_their_closed_form_moments() {
        for shape in [1.0, 1.5, 3.0, 11.0] {
            let mut random = Stream::new(2, 0, "test");
            let drawn: Vec<f64> = (0..DRAWS).map(|_| gamma(shape, &mut random)).collect();
            let (mean, deviation) = spread(&drawn);
            let error = 5.0 * (shape / DRAWS as f64).sqrt();
            assert!((mean - shape).abs() < error, "{shape}: mean {mean}");
            assert!((deviation - shape.sqrt()).abs() < 0.02 * shape.sqrt(), "{shape}: {deviation}");
        }
    }
}
