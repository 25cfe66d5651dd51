//! How well the means in the tables are known: from the values of the single runs, which
//! `runs.csv` has.

use std::collections::BTreeMap;
use std::path::Path;

use crate::measure::metrics::{METRICS, Metric};
use crate::measure::summary::Summary;
use crate::measure::{confidence_95, mean};
use crate::report::run_table::{RunRow, RunTable};
use crate::report::{ReadError, tables};

/// The intervals of the means of results.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Intervals {
    /// Half their widths by metric, for every point.
    half_widths: BTreeMap<&'static str, Vec<Option<f64>>>,
}

impl Intervals {
    /// Those of the results in a folder.
    ///
    /// # Errors
    /// When there is no `runs.csv`, or it is not that of these results.
    pub fn read(folder: &Path, summary: &Summary) -> Result<Intervals, ReadError> {
        let table = RunTable::read(folder)?;
        Intervals::of(summary, &table).ok_or_else(|| ReadError::NoTable {
            path: folder.join(tables::RUNS),
            reason: "its runs are not those of the results beside it".to_owned(),
        })
    }

    fn of(summary: &Summary, table: &RunTable) -> Option<Intervals> {
        if table.sweep != summary.sweep {
            return None;
        }
        // The runs of a point stand together, and the points in their order.
        let mut rows = &table.rows[..];
        let mut of_points: Vec<&[RunRow]> = Vec::new();
        for point in &summary.points {
            let (own, others) = rows.split_at_checked(point.repeats as usize)?;
            let params = || summary.sweep.iter().map(|path| tables::field(&point.params, path));
            if !own.iter().all(|row| params().eq(row.params.iter().cloned())) {
                return None;
            }
            of_points.push(own);
            rows = others;
        }
        if !rows.is_empty() {
            return None;
        }
        let mut half_widths = BTreeMap::new();
        // A sum grows with the repeats and has no interval of a mean.
        for metric in METRICS.iter().filter(|metric| !metric.is_sum) {
            let Some(column) = table.metrics.iter().position(|name| name == metric.name) else {
                continue;
            };
            let half_width = |(point, rows): (&crate::measure::summary::Point, &&[RunRow])| {
                let values = rows.iter().filter_map(|row| row.values.get(column).copied());
                let values: Vec<f64> = values.flatten().collect();
                let half_width = confidence_95(&values)?;
                let shown = (metric.get)(point);
                let rounding = 1e-9 * shown.abs();
                // Percentiles and extremes of all runs together are no means over runs, and
                // values that differ by rounding do not differ.
                let is_mean = (shown - mean(&values)).abs() <= rounding;
                (is_mean && half_width > rounding).then_some(half_width)
            };
            let of_metric: Vec<Option<f64>> =
                summary.points.iter().zip(&of_points).map(half_width).collect();
            if of_metric.iter().any(Option::is_some) {
                half_widths.insert(metric.name, of_metric);
            }
        }
        Some(Intervals { half_widths })
    }

    /// Half the width of the 95 % interval of what a metric is at a point, if that is a mean
    /// over repeats that differ.
    pub(super) fn half_width(&self, point: usize, metric: &Metric) -> Option<f64> {
        self.half_widths.get(metric.name)?.get(point).copied().flatten()
    }

    /// Whether there is any.
    pub(super) fn any(&self) -> bool {
        !self.half_widths.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment;
    use crate::journal::Nowhere;
    use crate::measure::metrics::find;
    use crate::scenario::{Overrides, parse};

    #[test]
    fn means_have_the_intervals_that_the_results_say_and_nothing_else_has_any() {
        let text = r#"{
            "name": "x", "population": {"nodes": 8}, "overlay": {"chord": {}}, "repeat": 3,
            "workload": {"lookups": {"per_node": 5}},
            "network": {"latency": {"uniform": {"from": "5ms", "to": "90ms"}}},
            "sweep": {"population.nodes": [8, 64], "overlay.chord.successors": [2, 3]}
        }"#;
        let plan = parse("x.json", text, &Overrides::default()).unwrap();
        let outcome = experiment::run(&plan, 1, &Nowhere, &|_, _| {});
        let folder = tempfile::TempDir::new().unwrap();
        let results = crate::report::write(folder.path(), &outcome, &[], false).unwrap();
        let mut summary = outcome.summary;
        let intervals = Intervals::read(&results, &summary).unwrap();
        let half_width = |point, name| intervals.half_width(point, find(name).unwrap());
        for (number, point) in summary.points.iter().enumerate() {
            let half = half_width(number, "hops.mean").unwrap();
            assert!((half - point.hops.ci95.unwrap()).abs() <= 1e-12, "{half}");
            let half = half_width(number, "latency_ms.mean").unwrap();
            assert!((half - point.latency_ms.ci95.unwrap()).abs() <= 1e-9, "{half}");
            for none in ["lookups.correct", "nodes", "hops.max"] {
                assert_eq!(half_width(number, none), None, "{none}");
            }
        }
        assert_eq!(half_width(9, "hops.mean"), None);
        summary.points.swap(0, 3);
        let refused = Intervals::read(&results, &summary).unwrap_err().to_string();
        assert!(refused.ends_with("beside it; run the scenario again"), "{refused}");
        summary.points.swap(0, 3);
        summary.points.pop();
        assert!(Intervals::read(&results, &summary).is_err());
    }
}
