//! Two samples side by side: is their difference more than chance?
//!
//! Student's test where every value of one belongs to a value of the other, Welch's where
//! none does. Both lean on Student's distribution with any number of degrees of freedom,
//! which is computed here: the crates that have it call the platform's `ln` and `exp`, and
//! would give other last digits elsewhere.

use super::mean;
use super::statistics::variance;
use crate::math;

/// The probability above which a difference is taken for chance.
pub const SIGNIFICANT: f64 = 0.05;

/// The difference of two means, and how sure it is.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Difference {
    /// Mean of the first sample.
    pub first: f64,
    /// Mean of the second one.
    pub second: f64,
    /// How sure it is; not with a single value, which says nothing about chance.
    pub test: Option<Test>,
}

/// How sure a difference is.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Test {
    /// Half the width of the 95 % confidence interval of the difference.
    pub half_width: f64,
    /// The probability of a difference as large or larger if there were none, on either side.
    pub p: f64,
}

impl Difference {
    /// The second mean less the first.
    pub fn absolute(&self) -> f64 {
        self.second - self.first
    }

    /// The same as a share of the first mean; `None` of a mean of zero.
    pub fn relative(&self) -> Option<f64> {
        (self.first != 0.0).then(|| self.absolute() / self.first.abs())
    }

    /// Of values that belong together, each of the first sample to the one of the second at
    /// the same place: Student's paired test.
    ///
    /// # Panics
    /// When they are not of one length.
    pub fn paired(first: &[f64], second: &[f64]) -> Difference {
        assert_eq!(first.len(), second.len(), "pairs have two values");
        let differences: Vec<f64> = first.iter().zip(second).map(|(a, b)| b - a).collect();
        let test = (differences.len() > 1).then(|| {
            let count = differences.len() as f64;
            Test::of(mean(&differences), variance(&differences) / count, count - 1.0)
        });
        Difference { first: mean(first), second: mean(second), test }
    }

    /// Of samples that have nothing to do with one another: Welch's test.
    pub fn unpaired(first: &[f64], second: &[f64]) -> Difference {
        let means = (mean(first), mean(second));
        let test = (first.len() > 1 && second.len() > 1).then(|| {
            let error = |values: &[f64]| variance(values) / values.len() as f64;
            let (a, b) = (error(first), error(second));
            let share = |error: f64, values: &[f64]| error * error / (values.len() - 1) as f64;
            // Welch and Satterthwaite. Without any variance nothing hangs on it.
            let freedom = (a + b) * (a + b) / (share(a, first) + share(b, second));
            Test::of(means.1 - means.0, a + b, if freedom.is_finite() { freedom } else { 1.0 })
        });
        Difference { first: means.0, second: means.1, test }
    }
}

impl Test {
    /// Of a mean difference with this square of its standard error.
    fn of(difference: f64, squared_error: f64, freedom: f64) -> Test {
        let error = squared_error.sqrt();
        if error == 0.0 {
            // Every run says the same: it is sure, whatever it is.
            return Test { half_width: 0.0, p: if difference == 0.0 { 1.0 } else { 0.0 } };
        }
        let half_width = student_quantile(freedom) * error;
        Test { half_width, p: two_sided(difference / error, freedom) }
    }
}

/// The probability that Student's distribution is further from zero than `t`.
fn two_sided(t: f64, freedom: f64) -> f64 {
    // Abramowitz and Stegun 26.5.27 and 26.7.1.
    incomplete_beta(freedom / (freedom + t * t), freedom / 2.0, 0.5)
}

/// What Student's distribution is beyond, on either side, with a probability of 5 %.
fn student_quantile(freedom: f64) -> f64 {
    // With one degree of freedom it is 12.706, with more it is less.
    let (mut low, mut high) = (0.0, 13.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if two_sided(middle, freedom) > SIGNIFICANT {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// The regularised incomplete beta function, by its continued fraction (Abramowitz and
/// Stegun 26.5.8) in the form of Lentz.
#[expect(clippy::many_single_char_names, reason = "they are those of the formula")]
fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    // The fraction converges fast on this side only; the function is symmetric.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(1.0 - x, b, a);
    }
    let log_beta = math::ln_gamma(a) + math::ln_gamma(b) - math::ln_gamma(a + b);
    let front = math::exp(a * math::ln(x) + b * math::ln(1.0 - x) - log_beta) / a;
    // A numerator or denominator of zero would divide by zero next.
    let not_zero = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let (mut c, mut d) = (1.0, 1.0 / not_zero(1.0 - (a + b) * x / (a + 1.0)));
    let mut fraction = d;
    for step in 1..500 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let before = fraction;
        for coefficient in [even, odd] {
            d = 1.0 / not_zero(1.0 + coefficient * d);
            c = not_zero(1.0 + coefficient / c);
            fraction *= c * d;
        }
        if (fraction - before).abs() <= 1e-15 * fraction.abs() {
            break;
        }
    }
    (front * fraction).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(a: f64, b: f64, tolerance: f64) {
        assert!((a - b).abs() <= tolerance, "{a} is not {b}");
    }

    #[test]
    fn students_distribution_is_that_of_the_tables() {
        for (freedom, quantile) in
            [(1.0, 12.7062), (2.0, 4.3027), (9.0, 2.2622), (30.0, 2.0423), (1e5, 1.95999)]
        {
            close(student_quantile(freedom), quantile, 1e-4);
            close(two_sided(student_quantile(freedom), freedom), 0.05, 1e-12);
        }
        // With one degree of freedom it is Cauchy's: a quarter on each side of ±1.
        close(two_sided(1.0, 1.0), 0.5, 1e-14);
        // With two, 1 − t / √(2 + t²).
        close(two_sided(3.0, 2.0), 1.0 - 3.0 / 11f64.sqrt(), 1e-14);
        close(two_sided(1e9, 2.0), 1e-18, 1e-20);
        close(two_sided(0.0, 5.0), 1.0, 0.0);
    }

    /// The sleep data of Student's own paper (1908): ten patients, two drugs. R gives
    /// t = −4.0621, p = 0.002833, 0.70 to 2.46 paired; p = 0.07939, −0.205 to 3.365 by Welch.
    #[test]
    fn tests_give_what_student_and_welch_give() {
        let first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
        let second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
        let paired = Difference::paired(&first, &second);
        close(paired.absolute(), 1.58, 1e-12);
        close(paired.relative().unwrap(), 1.58 / 0.75, 1e-12);
        let test = paired.test.unwrap();
        close(test.p, 0.002_833, 5e-7);
        close(test.half_width, 2.459_885_8 - 1.58, 1e-6);
        let unpaired = Difference::unpaired(&first, &second).test.unwrap();
        close(unpaired.p, 0.079_394, 5e-7);
        close(unpaired.half_width, 3.365_483_2 - 1.58, 1e-6);
    }

    #[test]
    fn what_never_varies_is_sure() {
        for of in [Difference::paired, Difference::unpaired] {
            let same = of(&[2.0, 2.0, 2.0], &[2.0, 2.0, 2.0]);
            assert_eq!(same.test, Some(Test { half_width: 0.0, p: 1.0 }));
            let other = of(&[2.0, 2.0, 2.0], &[3.0, 3.0, 3.0]);
            assert_eq!(other.test, Some(Test { half_width: 0.0, p: 0.0 }));
            assert_eq!(of(&[2.0], &[3.0]).test, None);
        }
        assert_eq!(Difference::paired(&[0.0], &[3.0]).relative(), None);
    }

    proptest! {
        #![proptest_config(crate::property::config())]

        /// An interval keeps clear of zero exactly where the test finds a difference.
        #[test]
        fn interval_and_test_agree(
            pairs in prop::collection::vec((-1e3..1e3f64, -1e3..1e3f64), 2..40),
        ) {
            let (first, second): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
            for of in [Difference::paired, Difference::unpaired] {
                let difference = of(&first, &second);
                let test = difference.test.unwrap();
                prop_assert!((0.0..=1.0).contains(&test.p) && test.half_width >= 0.0);
                let clear = difference.absolute().abs() - test.half_width;
                // On the edge the two round their own ways.
                if clear.abs() > 1e-9 {
                    prop_assert_eq!(clear > 0.0, test.p < SIGNIFICANT, "{:?}", difference);
                }
                let turned = of(&second, &first);
                prop_assert!((turned.test.unwrap().p - test.p).abs() < 1e-9);
            }
        }
    }
}
