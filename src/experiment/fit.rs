//! Does the number of hops grow with log N, or with N?

use serde_json::{Map, Value};

use crate::math;
use crate::measure::summary::{Fit, Point};
use crate::measure::{fit_line, in_step};

/// The path of the parameter that the fit is over.
const NODES: &str = "population.nodes";
/// A law that explains less of the variance is not named.
const EXPLAINED: f64 = 0.99;

/// Numbers of nodes with their mean hops.
type Pairs = Vec<(f64, f64)>;

/// Fits mean hops against log2 N and against N, for every setting of the other swept
/// parameters that has at least three different N. What walks in step with N is no other one.
pub(super) fn hops_by_nodes(points: &[Point]) -> Vec<Fit> {
    let mut series: Vec<(Map<String, Value>, Pairs)> = Vec::new();
    let in_step = in_step(points.iter().map(|point| &point.params), NODES);
    // Without an answered lookup there are no hops, and their mean says nothing.
    let with_hops = points.iter().filter(|point| !point.hops.histogram.is_empty());
    for point in with_hops.filter(|point| point.params.contains_key(NODES)) {
        let mut others = point.params.clone();
        others.retain(|path, _| path != NODES && !in_step.contains(&path.as_str()));
        let pair = (point.nodes as f64, point.hops.mean);
        match series.iter_mut().find(|(params, _)| *params == others) {
            Some((_, pairs)) => pairs.push(pair),
            None => series.push((others, vec![pair])),
        }
    }
    series.into_iter().filter_map(|(params, pairs)| fit(params, &pairs)).collect()
}

fn fit(params: Map<String, Value>, pairs: &[(f64, f64)]) -> Option<Fit> {
    let logarithms: Pairs = pairs.iter().map(|(n, hops)| (math::log2(*n), *hops)).collect();
    let (log2, linear) = (fit_line(&logarithms)?, fit_line(pairs)?);
    // A level or falling line is no growth, however well it fits.
    let verdict = if log2.slope > 0.0 && log2.r2 >= EXPLAINED && log2.r2 >= linear.r2 {
        "O(log N)"
    } else if linear.slope > 0.0 && linear.r2 >= EXPLAINED {
        "O(N)"
    } else {
        "undecided"
    };
    Some(Fit { params, log2, linear, verdict: verdict.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::summary::Hops;
    use crate::measure::{Tally, summarize};

    fn points(law: impl Fn(f64) -> u64) -> Vec<Point> {
        let point = |bits: u32| {
            let nodes = 1u64 << bits;
            let params = Map::from_iter([(NODES.to_owned(), Value::from(nodes))]);
            let mut hops = vec![0; law(nodes as f64) as usize + 1];
            *hops.last_mut().unwrap() = 1;
            summarize(params, &[Tally { hops, nodes, ..Tally::default() }])
        };
        (3..12).map(point).collect()
    }

    #[test]
    fn laws_are_told_apart() {
        let logarithmic = hops_by_nodes(&points(|n| (50.0 * math::log2(n)) as u64));
        assert_eq!(logarithmic[0].verdict, "O(log N)");
        assert!((logarithmic[0].log2.slope - 50.0).abs() < 1e-9);
        let linear = hops_by_nodes(&points(|n| (n / 2.0) as u64));
        assert_eq!(linear[0].verdict, "O(N)");
        assert!((linear[0].linear.slope - 0.5).abs() < 1e-9);
        let neither = hops_by_nodes(&points(|n| (n * n) as u64 % 4096));
        assert_eq!(neither[0].verdict, "undecided");
        assert!(hops_by_nodes(&points(|_| 1)[..2]).is_empty());
        assert_eq!(hops_by_nodes(&points(|_| 1))[0].verdict, "undecided");
    }

    #[test]
    fn a_law_goes_through_what_walks_in_step() {
        let mut points = points(|n| (50.0 * math::log2(n)) as u64);
        for (number, point) in points.iter_mut().enumerate() {
            point.params.insert("overlay.chord.successors".to_owned(), (number / 2).into());
            point.params.insert("network.loss".to_owned(), 0.into());
        }
        let fits = hops_by_nodes(&points);
        assert_eq!((fits.len(), fits[0].verdict.as_str()), (1, "O(log N)"));
        assert_eq!(fits[0].params.keys().collect::<Vec<_>>(), ["network.loss"]);
    }

    #[test]
    fn without_lookups_there_is_no_law() {
        let mut points = points(|_| 1);
        for point in &mut points {
            point.hops = Hops::default();
        }
        assert!(hops_by_nodes(&points).is_empty());
    }
}
