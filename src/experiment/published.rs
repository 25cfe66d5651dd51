//! Sets published numbers beside the measured ones.
//!
//! Must not know: how the results came about.

use serde_json::{Map, Value};

use crate::measure::metrics;
use crate::measure::summary::{Bins, Comparison, Point, Summary, Verdict};
use crate::scenario::format::{Published, Tolerance};

use super::claims::{self, Check};

/// Every published number for which there is a point, beside the measured one.
pub fn compare(published: &[Published], summary: &Summary) -> Vec<Comparison> {
    published.iter().flat_map(|entry| pairs(entry, summary)).map(|pair| pair.comparison).collect()
}

/// What came of the published numbers that state a tolerance, one verdict each.
pub fn judge(published: &[Published], summary: &Summary) -> Vec<Verdict> {
    published.iter().filter_map(|entry| Some(judge_one(entry, entry.tolerance?, summary))).collect()
}

/// A comparison and the parameters of its point.
struct Pair<'a> {
    comparison: Comparison,
    params: &'a Map<String, Value>,
}

fn pairs<'a>(entry: &Published, summary: &'a Summary) -> Vec<Pair<'a>> {
    let is_distribution = entry.metric.strip_suffix(".pdf").is_some();
    let pair = |&(at, published): &(f64, f64)| {
        let x = (!is_distribution).then_some(at);
        let point = summary.points.iter().find(|point| entry.selects(&point.params, x))?;
        let measured = measured(&entry.metric, point, at) / entry.divided_by;
        let distance = (measured - published).abs();
        let comparison = Comparison {
            source: entry.source.clone(),
            metric: entry.metric.clone(),
            against: entry.against.clone(),
            at,
            published,
            measured,
            divided_by: entry.divided_by,
            within_tolerance: entry.tolerance.map(|t| distance <= allowance(t, published)),
        };
        Some(Pair { comparison, params: &point.params })
    };
    entry.values.iter().filter_map(pair).collect()
}

/// How far a measured value may lie from this published one.
fn allowance(tolerance: Tolerance, published: f64) -> f64 {
    tolerance.absolute.max(tolerance.relative * published.abs())
}

/// NaN for a metric that is none; scenarios are checked for that.
fn measured(metric: &str, point: &Point, at: f64) -> f64 {
    match metric {
        "hops.pdf" => {
            let total: u64 = point.hops.histogram.iter().sum();
            let count = point.hops.histogram.get(at as usize).copied().unwrap_or(0);
            count as f64 / total.max(1) as f64
        }
        "keys_per_node.pdf" => density(&point.keys_per_node.histogram, at as u64),
        "messages_per_node.pdf" => density(&point.messages_per_node.histogram, at as u64),
        name => metrics::find(name).map_or(f64::NAN, |metric| (metric.get)(point)),
    }
}

/// Share of the servers with a load of `at`: that of its bin, spread evenly over
/// the bin.
fn density(bins: &Bins, at: u64) -> f64 {
    let width = bins.width.max(1);
    let total: u64 = bins.counts.iter().sum();
    let count = bins.counts.get((at / width) as usize).copied().unwrap_or(0);
    count as f64 / total.max(1) as f64 / width as f64
}

fn judge_one(entry: &Published, tolerance: Tolerance, summary: &Summary) -> Verdict {
    let check = |Pair { comparison, params }: Pair<'_>| {
        let Comparison { metric, against, at, published, measured, .. } = comparison;
        let allowed = allowance(tolerance, published);
        let place = if params.contains_key(&against) {
            claims::at(params)
        } else {
            // The bin of a distribution.
            format!(" at {against} = {}", claims::show(at))
        };
        let figure = format!(
            "{metric} = {} for {} published (allowed ±{}){place}",
            claims::show(measured),
            claims::show(published),
            claims::show(allowed),
        );
        // In shares of what is allowed, so that large and small numbers compare.
        let distance = (measured - published).abs();
        let unit = if allowed > 0.0 { allowed } else { 1.0 };
        Check { margin: (allowed - distance) / unit, figure }
    };
    let checks = pairs(entry, summary).into_iter().map(check).collect();
    claims::verdict(format!("{} as published in {}", entry.metric, entry.source), checks)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::claims::tests::summary;
    use super::*;

    fn entry(changes: &Value) -> Published {
        let mut entry = json!({
            "source": "a paper",
            "metric": "hops.mean",
            "against": "population.nodes",
            "values": [[8, 1.72], [16, 2.1], [64, 2.96], [1024, 4.85]],
        });
        for (name, value) in changes.as_object().unwrap() {
            entry[name] = value.clone();
        }
        serde_json::from_value(entry).unwrap()
    }

    #[test]
    fn values_without_a_point_are_left_out() {
        let all = compare(&[entry(&json!({"divided_by": 2}))], &summary());
        let rows: Vec<_> = all.iter().map(|c| (c.at, c.published, c.measured)).collect();
        assert_eq!(rows, [(8.0, 1.72, 0.875), (64.0, 2.96, 1.45), (1024.0, 4.85, 2.425)]);
        assert!(all.iter().all(|c| c.within_tolerance.is_none()));
        assert!(judge(&[entry(&json!({}))], &summary()).is_empty());
    }

    #[test]
    fn the_larger_allowance_counts() {
        let tolerance = json!({"tolerance": {"absolute": 0.04, "relative": 0.021}});
        let all = compare(&[entry(&tolerance)], &summary());
        assert!(all.iter().all(|c| c.within_tolerance == Some(true)), "{all:?}");
        let verdict = judge(&[entry(&tolerance)], &summary()).remove(0);
        assert!(verdict.held && verdict.checked == 3);
        insta::assert_snapshot!(verdict.figure, @"hops.mean = 2.9 for 2.96 published (allowed ±0.06216) at population.nodes = 64, overlay.chord.lookup = iterative");
        let verdict =
            judge(&[entry(&json!({"tolerance": {"absolute": 0.04}}))], &summary()).remove(0);
        assert!(!verdict.held && verdict.broken == 1);
    }

    #[test]
    fn distributions_are_compared_by_bin() {
        let changes = json!({
            "metric": "hops.pdf", "against": "hops", "where": {"population.nodes": 64},
            "values": [[1, 0.4], [2, 0.5], [7, 0.1]], "tolerance": {"absolute": 0.05},
        });
        let all = compare(&[entry(&changes)], &summary());
        let rows: Vec<_> = all.iter().map(|c| (c.measured, c.within_tolerance)).collect();
        assert_eq!(rows, [(0.375, Some(true)), (0.5, Some(true)), (0.0, Some(false))]);
        let verdict = judge(&[entry(&changes)], &summary()).remove(0);
        assert_eq!(verdict.figure, "hops.pdf = 0 for 0.1 published (allowed ±0.05) at hops = 7");
    }

    #[test]
    fn wide_bins_are_spread_evenly() {
        let bins = Bins { width: 10, counts: vec![3, 1] };
        let shares = [9, 10, 20].map(|at| density(&bins, at).to_string());
        assert_eq!(shares, ["0.075", "0.025", "0"]);
    }
}
