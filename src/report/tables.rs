//! The results as CSV tables.
//!
//! Numbers are written as Rust displays them: the shortest text that reads back
//! as the same number. What is not a number is an empty field.

use serde_json::{Map, Value};

use super::cost_performance;
use crate::measure::metrics::{METRICS, Metric, SERIES, Series};
use crate::measure::summary::{Bins, MessageRate, Outcome, Point, Summary};
use crate::scenario::format::{CostPerformancePlot, Plot};

/// The file with a row for each run.
pub(super) const RUNS: &str = "runs.csv";
/// The file with a row for each run and metric.
pub(super) const METRICS_LONG: &str = "metrics.csv";

/// A table: a row of names above rows of fields.
pub(super) struct Table {
    names: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    fn new(params: &[String], names: &[&str]) -> Table {
        let names = names.iter().map(|name| (*name).to_owned());
        Table { names: params.iter().cloned().chain(names).collect(), rows: Vec::new() }
    }

    /// The bytes of the CSV file.
    pub(super) fn to_csv(&self) -> Result<Vec<u8>, String> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        for row in std::iter::once(&self.names).chain(&self.rows) {
            writer.write_record(row).map_err(|reason| reason.to_string())?;
        }
        writer.into_inner().map_err(|reason| reason.to_string())
    }
}

/// The tables of a scenario with the names of their files.
pub(super) fn all(outcome: &Outcome, plots: &[Plot]) -> Vec<(String, Table)> {
    let summary = &outcome.summary;
    let mut tables = vec![
        (RUNS, runs(outcome)),
        (METRICS_LONG, metrics(outcome)),
        ("hops.csv", hops(summary)),
        ("load.csv", load(summary)),
        ("messages.csv", messages(summary)),
    ];
    if summary.points.iter().any(|point| !point.timeline.seconds.is_empty()) {
        tables.push(("timeline.csv", timeline(summary)));
    }
    if !summary.published.is_empty() {
        tables.push(("published.csv", published(summary)));
    }
    if outcome.runs.iter().any(|run| !run.point.happenings.is_empty()) {
        tables.push(("happenings.csv", happenings(outcome)));
    }
    let own = tables.into_iter().map(|(name, table)| (name.to_owned(), table));
    let of_plots = plots.iter().filter_map(|plot| match plot {
        Plot::CostPerformance(of) => {
            Some((format!("{}.csv", plot.file_stem()), settings(summary, of)))
        }
        _ => None,
    });
    own.chain(of_plots).collect()
}

/// One row a point and repeat.
fn runs(outcome: &Outcome) -> Table {
    let summary = &outcome.summary;
    let mut table = Table::new(&summary.sweep, &["repeat", "seed", "digest"]);
    table.names.extend(METRICS.iter().map(|metric| metric.name.to_owned()));
    for run in &outcome.runs {
        let mut row = fields(&run.point.params, &summary.sweep);
        row.extend([run.repeat.to_string(), summary.seed.to_string(), run.point.digest.clone()]);
        row.extend(METRICS.iter().map(|metric| number((metric.get)(&run.point))));
        table.rows.push(row);
    }
    table
}

/// One row a point, repeat and metric: the same as `runs.csv`, for tools that group and filter.
/// A metric without a value has no row.
fn metrics(outcome: &Outcome) -> Table {
    let summary = &outcome.summary;
    let mut table = Table::new(&[], &["scenario"]);
    table.names.extend(summary.sweep.iter().cloned());
    table.names.extend(["repeat", "seed", "metric", "value"].map(str::to_owned));
    for run in &outcome.runs {
        let params = fields(&run.point.params, &summary.sweep);
        for (metric, value) in finite_metrics(&run.point) {
            let mut row = vec![summary.scenario.clone()];
            row.extend(params.iter().cloned());
            let (repeat, seed) = (run.repeat.to_string(), summary.seed.to_string());
            row.extend([repeat, seed, metric.name.to_owned(), number(value)]);
            table.rows.push(row);
        }
    }
    table
}

/// Lookups by their number of hops.
fn hops(summary: &Summary) -> Table {
    let mut table = Table::new(&summary.sweep, &["hops", "lookups", "share"]);
    for point in &summary.points {
        let total: u64 = point.hops.histogram.iter().sum();
        for (hops, lookups) in point.hops.histogram.iter().enumerate() {
            let mut row = fields(&point.params, &summary.sweep);
            let share = number(*lookups as f64 / total as f64);
            row.extend([hops.to_string(), lookups.to_string(), share]);
            table.rows.push(row);
        }
    }
    table
}

/// Servers by their load, from one load to another, both included.
fn load(summary: &Summary) -> Table {
    let mut table = Table::new(&summary.sweep, &["load", "from", "to", "servers"]);
    let mut add = |point: &Point, name: &str, bins: &Bins| {
        for (bin, servers) in (0_u64..).zip(&bins.counts).filter(|(_, servers)| **servers > 0) {
            let mut row = fields(&point.params, &summary.sweep);
            let (from, next) = (bin * bins.width, (bin + 1) * bins.width);
            let to = next.saturating_sub(1).to_string();
            row.extend([name.to_owned(), from.to_string(), to, servers.to_string()]);
            table.rows.push(row);
        }
    };
    for point in &summary.points {
        add(point, "keys", &point.keys_per_node.histogram);
        add(point, "messages", &point.messages_per_node.histogram);
    }
    table
}

/// Messages by kind, mean over repeats.
fn messages(summary: &Summary) -> Table {
    let names = [
        "kind",
        "purpose",
        "messages",
        "bytes",
        "messages_per_node_second",
        "bytes_per_node_second",
    ];
    let mut table = Table::new(&summary.sweep, &names);
    for point in &summary.points {
        for MessageRate { sent, messages_per_node_second, bytes_per_node_second } in &point.messages
        {
            let mut row = fields(&point.params, &summary.sweep);
            row.extend([sent.kind.clone(), sent.purpose.clone()]);
            row.extend([sent.messages, sent.bytes].map(number));
            row.extend([*messages_per_node_second, *bytes_per_node_second].map(number));
            table.rows.push(row);
        }
    }
    table
}

/// What was sampled over time, mean over repeats; one row a point and moment, and a column
/// for each series that any point has.
fn timeline(summary: &Summary) -> Table {
    let has = |series: &&Series| {
        summary.points.iter().any(|point| point.timeline.series.contains_key(series.name))
    };
    let sampled: Vec<&Series> = SERIES.iter().filter(has).collect();
    let mut table = Table::new(&summary.sweep, &["seconds"]);
    table.names.extend(sampled.iter().map(|series| series.name.to_owned()));
    for point in &summary.points {
        for (moment, seconds) in point.timeline.seconds.iter().enumerate() {
            let value = |series: &&Series| {
                let values = point.timeline.series.get(series.name)?;
                values.get(moment).copied().flatten()
            };
            let mut row = fields(&point.params, &summary.sweep);
            row.push(number(*seconds));
            row.extend(sampled.iter().map(|series| value(series).map_or_else(String::new, number)));
            table.rows.push(row);
        }
    }
    table
}

/// What broke and was over, in every repeat.
fn happenings(outcome: &Outcome) -> Table {
    let sweep = &outcome.summary.sweep;
    let mut table = Table::new(sweep, &["repeat", "seconds", "what"]);
    for run in &outcome.runs {
        for happening in &run.point.happenings {
            let mut row = fields(&run.point.params, sweep);
            let (seconds, what) = (number(happening.seconds), happening.what.clone());
            row.extend([run.repeat.to_string(), seconds, what]);
            table.rows.push(row);
        }
    }
    table
}

/// What each setting costs and performs, and whether it lies on the lower hull of its group
/// and of all.
fn settings(summary: &Summary, plot: &CostPerformancePlot) -> Table {
    let names = ["group", &plot.cost, &plot.performance, "on_hull", "on_hull_of_all"];
    let mut table = Table::new(&summary.sweep, &names);
    for setting in cost_performance::settings(summary, plot) {
        let mut row = fields(&setting.point.params, &summary.sweep);
        row.push(setting.group);
        row.extend([setting.cost, setting.performance].map(number));
        row.extend([setting.on_hull, setting.on_hull_of_all].map(|on_hull| on_hull.to_string()));
        table.rows.push(row);
    }
    table
}

/// Published numbers beside measured ones.
fn published(summary: &Summary) -> Table {
    let names = [
        "source",
        "metric",
        "against",
        "at",
        "published",
        "measured",
        "difference",
        "relative_difference",
        "within_tolerance",
    ];
    let mut table = Table::new(&[], &names);
    for comparison in &summary.published {
        let difference = comparison.measured - comparison.published;
        table.rows.push(vec![
            comparison.source.clone(),
            comparison.metric.clone(),
            comparison.against.clone(),
            number(comparison.at),
            number(comparison.published),
            number(comparison.measured),
            number(difference),
            number(difference / comparison.published),
            comparison.within_tolerance.map(|within| within.to_string()).unwrap_or_default(),
        ]);
    }
    table
}

/// The metrics that have a value.
pub(super) fn finite_metrics(point: &Point) -> impl Iterator<Item = (&'static Metric, f64)> {
    let values = METRICS.iter().map(|metric| (metric, (metric.get)(point)));
    values.filter(|(_, value)| value.is_finite())
}

/// The values of the swept parameters.
fn fields(params: &Map<String, Value>, sweep: &[String]) -> Vec<String> {
    sweep.iter().map(|path| field(params, path)).collect()
}

/// The value of a swept parameter.
pub(super) fn field(params: &Map<String, Value>, path: &str) -> String {
    match params.get(path) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn number(value: f64) -> String {
    if value.is_finite() { value.to_string() } else { String::new() }
}
