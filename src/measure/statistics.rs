//! The few statistics that results need, each on plain numbers.

use super::summary::Line;

/// The mean; zero of nothing.
pub fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

/// The sample variance; of two values at least.
pub(super) fn variance(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    squares / (values.len() - 1) as f64
}

/// Half the width of the 95 % confidence interval of the mean, by Student's
/// distribution; `None` for fewer than two values.
pub fn confidence_95(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let deviation = variance(values).sqrt();
    Some(student_975(values.len() - 1) * deviation / (values.len() as f64).sqrt())
}

/// The 97.5 % point of Student's distribution.
///
/// Up to 30 degrees of freedom from the usual table; above by the expansion of
/// Cornish and Fisher (Abramowitz and Stegun 26.7.5), good to five digits there.
fn student_975(freedom: usize) -> f64 {
    const TABLE: [f64; 30] = [
        12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281, 2.2010,
        2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860, 2.0796, 2.0739,
        2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484, 2.0452, 2.0423,
    ];
    TABLE.get(freedom - 1).copied().unwrap_or_else(|| {
        let n = freedom as f64;
        let z = 1.959_963_985;
        let (z3, z5) = (z * z * z, z * z * z * z * z);
        z + (z3 + z) / (4.0 * n) + (5.0 * z5 + 16.0 * z3 + 3.0 * z) / (96.0 * n * n)
    })
}

/// The percentile of ascending values by nearest rank: the smallest that at least
/// this percentage does not exceed. Zero of nothing.
pub fn percentile(ascending: &[u64], percent: usize) -> u64 {
    let rank = (ascending.len() * percent).div_ceil(100).max(1);
    ascending.get(rank - 1).copied().unwrap_or(0)
}

/// The Gini coefficient of ascending values: 0 when all are equal, near 1 when one
/// has everything. Zero when there is nothing to share.
pub fn gini(ascending: &[u64]) -> f64 {
    let total: u128 = ascending.iter().map(|value| u128::from(*value)).sum();
    if total == 0 {
        return 0.0;
    }
    let ranked = ascending.iter().zip(1u128..);
    let weighted: u128 = ranked.map(|(value, rank)| u128::from(*value) * rank).sum();
    let n = ascending.len() as f64;
    2.0 * weighted as f64 / (n * total as f64) - (n + 1.0) / n
}

/// The straight line of least squares through points; `None` with fewer than three, or
/// all above one another.
pub fn fit_line(points: &[(f64, f64)]) -> Option<Line> {
    if points.len() < 3 {
        return None;
    }
    let n = points.len() as f64;
    let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / n;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / n;
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for (x, y) in points {
        xx += (x - mean_x) * (x - mean_x);
        xy += (x - mean_x) * (y - mean_y);
        yy += (y - mean_y) * (y - mean_y);
    }
    if xx == 0.0 {
        return None;
    }
    let slope = xy / xx;
    // A level line leaves no variance to explain.
    let r2 = if yy == 0.0 { 1.0 } else { xy * xy / (xx * yy) };
    Some(Line { slope, intercept: mean_y - slope * mean_x, r2 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64, tolerance: f64) {
        assert!((a - b).abs() <= tolerance, "{a} is not {b}");
    }

    #[test]
    fn intervals_are_those_of_the_tables() {
        close(student_975(1), 12.7062, 1e-4);
        close(student_975(31), 2.0395, 1e-4);
        close(student_975(60), 2.0003, 1e-4);
        close(student_975(120), 1.9799, 1e-4);
        assert_eq!(confidence_95(&[5.0]), None);
        // Mean 3, deviation sqrt(2.5), four degrees of freedom.
        let half = confidence_95(&[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        close(half, 2.7764 * 2.5f64.sqrt() / 5f64.sqrt(), 1e-12);
    }

    #[test]
    fn percentiles_are_nearest_ranks() {
        let hundred: Vec<u64> = (1..=100).collect();
        assert_eq!([1, 50, 99, 100].map(|p| percentile(&hundred, p)), [1, 50, 99, 100]);
        assert_eq!([1, 50, 99].map(|p| percentile(&[7], p)), [7, 7, 7]);
        assert_eq!(percentile(&[1, 2, 3, 4], 50), 2);
        assert_eq!(percentile(&[], 50), 0);
    }

    #[test]
    fn gini_knows_its_extremes() {
        close(gini(&[3, 3, 3, 3]), 0.0, 1e-12);
        close(gini(&[0, 0, 0, 12]), 0.75, 1e-12); // (n − 1) / n
        close(gini(&[0, 0]), 0.0, 0.0);
        // Exponential shares have 1/2: here the quantiles of one.
        let shares: Vec<u64> = (0..10_000)
            .map(|i| (-crate::math::ln(1.0 - (f64::from(i) + 0.5) / 1e4) * 1e6) as u64)
            .collect();
        close(gini(&shares), 0.5, 1e-3);
    }

    #[test]
    fn lines_are_found() {
        let line = fit_line(&[(1.0, 3.0), (2.0, 5.0), (4.0, 9.0)]).unwrap();
        close(line.slope, 2.0, 1e-12);
        close(line.intercept, 1.0, 1e-12);
        close(line.r2, 1.0, 1e-12);
        assert_eq!(fit_line(&[(1.0, 3.0), (2.0, 5.0)]), None);
        assert_eq!(fit_line(&[(1.0, 1.0), (1.0, 2.0), (1.0, 3.0)]), None);
    }
}
