//! Whether what a scenario wants to see can be drawn, and the names of the files.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::measure::metrics;

use super::check::names_a_file;
use super::expect::{Checked, Known, near, refuse};
use super::format::{CostPerformancePlot, Curve, MetricPlot, Plot, TimePlot};

impl Plot {
    /// The name of its file, without the ending.
    pub fn file_stem(&self) -> String {
        match self {
            Plot::Hops => "hops".to_owned(),
            Plot::HopDistribution => "hop_distribution".to_owned(),
            Plot::KeysPerNode => "keys_per_node".to_owned(),
            Plot::KeyDistribution => "key_distribution".to_owned(),
            Plot::MessagesPerNode => "messages_per_node".to_owned(),
            Plot::MessageDistribution => "message_distribution".to_owned(),
            Plot::Metric(plot) => plot.file.clone().unwrap_or_else(|| {
                let per = plot.per.iter().flat_map(|per| ["_per_", per]);
                plot.names().take(1).chain(per).collect::<String>().replace('.', "_")
            }),
            Plot::OverTime(plot) => plot.file.clone().unwrap_or_else(|| {
                let first = plot.series.first().map_or("", String::as_str);
                format!("{}_over_time", first.replace('.', "_"))
            }),
            Plot::CostPerformance(plot) => plot.file.clone(),
        }
    }
}

impl MetricPlot {
    /// The names of its metrics, one or several.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.metric.iter().chain(&self.metrics).map(String::as_str)
    }
}

/// Checks all plots.
pub(super) fn check(known: &Known<'_>, plots: &[Plot]) -> Checked {
    let mut stems = BTreeSet::new();
    for (position, plot) in plots.iter().enumerate() {
        let place = format!("plots[{position}]");
        let inner = |name: &str| format!("{place}.{name}");
        match plot {
            Plot::Hops | Plot::HopDistribution => known.measured(&place, "hops")?,
            Plot::KeysPerNode | Plot::KeyDistribution => known.measured(&place, "keys_per_node")?,
            Plot::MessagesPerNode | Plot::MessageDistribution => {}
            Plot::Metric(plot) => metric_plot(known, &inner("metric"), plot)?,
            Plot::OverTime(plot) => time_plot(known, &inner("over_time"), plot)?,
            Plot::CostPerformance(plot) => {
                cost_performance(known, &inner("cost_performance"), plot)?;
            }
        }
        let stem = plot.file_stem();
        if !names_a_file(&stem) {
            let problem = format!("{stem:?} cannot name a file");
            return refuse(place, problem, "use letters, digits, `-` and `_` in `file`");
        }
        if !stems.insert(stem.clone()) {
            let problem = format!("another plot is written to {stem}.svg too");
            return refuse(place, problem, "draw it once, or give it a `file` of its own");
        }
    }
    Ok(())
}

fn metric_plot(known: &Known<'_>, place: &str, plot: &MetricPlot) -> Checked {
    let at = |field: &str| format!("{place}.{field}");
    if plot.metric.is_some() != plot.metrics.is_empty() {
        let problem = "needs one metric, or several";
        return refuse(place, problem, "give `metric` or `metrics`");
    }
    for name in plot.names() {
        let field = if plot.metric.is_some() { "metric" } else { "metrics" };
        known.metric(&at(field), name, false)?;
    }
    let units = plot.names().filter_map(metrics::find).map(|metric| metric.unit);
    one_unit(&at("metrics"), units)?;
    if let Some(per) = &plot.per {
        known.metric(&at("per"), per, false)?;
        for name in plot.names() {
            known.ratio(&at("per"), name, per)?;
        }
    }
    if known.swept.is_empty() {
        let problem = "nothing is swept to draw the metric against";
        return refuse(place, problem, "sweep a parameter, or leave the plot out");
    }
    let sweeps_a_number = known.swept.values().any(|values| values.iter().all(Value::is_number));
    if !plot.curves.is_empty() && !sweeps_a_number {
        let problem = "no swept number for curves to run over";
        return refuse(at("curves"), problem, "sweep a number, or leave the curves out");
    }
    for (position, curve) in plot.curves.iter().enumerate() {
        self::curve(&at(&format!("curves[{position}]")), curve)?;
    }
    known.swept_conditions(place, &plot.condition)
}

/// Tables that results have whatever is drawn.
const TABLES: [&str; 6] = ["runs", "hops", "load", "messages", "timeline", "published"];

fn cost_performance(known: &Known<'_>, place: &str, plot: &CostPerformancePlot) -> Checked {
    let at = |field: &str| format!("{place}.{field}");
    known.metric(&at("cost"), &plot.cost, false)?;
    known.metric(&at("performance"), &plot.performance, false)?;
    if plot.cost == plot.performance {
        let problem = format!("`{}` is the cost, too", plot.performance);
        return refuse(at("performance"), problem, "give another metric");
    }
    if known.swept.is_empty() {
        let problem = "nothing is swept: there is a single point";
        return refuse(place, problem, "sweep a parameter, or leave the plot out");
    }
    if let Some(by) = plot.by.as_deref().filter(|by| !known.swept.contains_key(by)) {
        let problem = format!("`{by}` is not a swept parameter");
        return refuse(at("by"), problem, "give the path of one, or the label of variants");
    }
    if TABLES.contains(&plot.file.as_str()) {
        let problem = format!("another table is written to {}.csv", plot.file);
        return refuse(at("file"), problem, "give it a name of its own");
    }
    known.swept_conditions(place, &plot.condition)
}

fn curve(place: &str, curve: &Curve) -> Checked {
    if !curve.times.is_finite() || !curve.plus.is_finite() {
        return refuse(place, "is not a finite number", "give a finite number");
    }
    match curve.to {
        Some(to) if !to.is_finite() || to <= 0.0 => {
            refuse(format!("{place}.to"), format!("{to} is no end"), "give a number above 0")
        }
        _ => Ok(()),
    }
}

fn time_plot(known: &Known<'_>, place: &str, plot: &TimePlot) -> Checked {
    let at = |field: &str| format!("{place}.{field}");
    if !known.takes_samples() {
        let problem = "shows what is sampled over time, and nothing is";
        return refuse(place, problem, "give `measure`, such as {\"every\": \"10s\"}");
    }
    if plot.series.is_empty() {
        return refuse(at("series"), "is empty", "give the name of a series");
    }
    for name in &plot.series {
        if metrics::find_series(name).is_none() {
            let names = metrics::SERIES.iter().map(|series| series.name);
            let mend = format!("the series are {}", near(name, names));
            return refuse(at("series"), format!("there is no series `{name}`"), mend);
        }
    }
    let units = plot.series.iter().filter_map(|name| metrics::find_series(name));
    one_unit(&at("series"), units.map(|series| series.unit))?;
    for (position, level) in plot.curves.iter().enumerate() {
        if !level.value.is_finite() {
            let place = at(&format!("curves[{position}].value"));
            return refuse(place, "is not a finite number", "give a finite number");
        }
    }
    known.swept_conditions(place, &plot.condition)
}

/// One axis measures one thing.
fn one_unit<'a>(place: &str, mut units: impl Iterator<Item = &'a str>) -> Checked {
    let first = units.next();
    let named = |unit: &str| if unit.is_empty() { "a share".to_owned() } else { unit.to_owned() };
    match (first, units.find(|unit| Some(*unit) != first)) {
        (Some(one), Some(other)) => refuse(
            place,
            format!("{} and {} do not share an axis", named(one), named(other)),
            "draw what has the same unit in one plot",
        ),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Overrides, parse};

    fn outcome(plots: &serde_json::Value) -> Result<(), String> {
        let scenario = json!({
            "name": "x",
            "population": {"nodes": 4},
            "overlay": {"chord": {}},
            "workload": {"lookups": {"per_node": 1}},
            "measure": {"every": "10s"},
            "duration": "10min",
            "repeat": 2,
            "sweep": {
                "size": {"variants": {"small": {"id_bits": 32}, "large": {}}},
                "population.nodes": [4, 8],
            },
            "plots": plots,
        });
        parse("x", &scenario.to_string(), &Overrides::default())
            .map(|_| ())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn plots_of_everything_pass() {
        outcome(&json!([
            "hops",
            {"metric": {"metric": "hops.mean"}},
            {"metric": {"metrics": ["hops.p50", "hops.p99"], "per": "hops.mean", "scale": "log"}},
            {"metric": {"metric": "messages.total", "where": {"size": "small"}, "curves": [
                {"label": "N", "law": "linear", "times": 3, "plus": 1, "to": 1e6}]}},
            {"over_time": {"series": ["ring.right_successors", "ring.right_fingers"]}},
            {"over_time": {"series": ["nodes"], "title": "Nodes", "file": "nodes",
                "marks": [{"at": "10min", "label": "half of them die"}],
                "curves": [{"label": "half", "value": 4}]}},
            {"cost_performance": {}},
            {"cost_performance": {"cost": "messages.total", "performance": "lookups.failed",
                "by": "size", "where": {"population.nodes": 8}, "file": "cost"}},
        ]))
        .unwrap();
    }

    #[test]
    fn plots_of_nothing_are_refused() {
        let refusals: Vec<String> = [
            json!("key_distribution"),
            json!({"metric": {}}),
            json!({"metric": {"metric": "hops.mean", "metrics": ["hops.p99"]}}),
            json!({"metric": {"metric": "hops.meen"}}),
            json!({"metric": {"metric": "fit.r2"}}),
            json!({"metric": {"metrics": ["hops.p99", "latency_ms.p99"]}}),
            json!({"metric": {"metric": "hops.mean", "per": "node"}}),
            json!({"metric": {"metric": "hops.mean", "where": {"nodes": 8}}}),
            json!({"metric": {"metric": "hops.mean", "where": {"size": "huge"}}}),
            json!({"metric": {"metric": "hops.mean", "file": "../x"}}),
            json!({"metric": {"metric": "hops.mean", "file": "hops"}}),
            json!({"metric": {"metric": "hops.mean", "scale": "log2"}}),
            json!({"metric": {"metric": "hops.mean", "curves": [{"label": "N", "law": "cubic"}]}}),
            json!({"metric": {"metric": "hops.mean", "curves": [
                {"label": "N", "law": "linear", "to": 0}]}}),
            json!({"over_time": {"series": []}}),
            json!({"over_time": {"series": ["ring.right"]}}),
            json!({"over_time": {"series": ["nodes", "storage.lost"]}}),
            json!({"over_time": {"series": ["nodes"], "marks": [{"at": 10, "label": "x"}]}}),
            json!({"over_time": {"series": ["nodes"], "file": "hops"}}),
            json!({"cost_performance": {"cost": "bytes"}}),
            json!({"cost_performance": {"performance": "gets.latency_ms.mean"}}),
            json!({"cost_performance": {"performance": "total.bytes_rate"}}),
            json!({"cost_performance": {"by": "system"}}),
            json!({"cost_performance": {"where": {"nodes": 8}}}),
            json!({"cost_performance": {"file": "load"}}),
            json!({"cost_performance": {"file": "hops"}}),
            json!({"cost_performance": {"scale": "linear", "file": "../x"}}),
            json!({"metric": {"metric": "lookups.failed", "per": "nodes"}}),
            json!("metric"),
            json!({"hops": {}}),
        ]
        .into_iter()
        .map(|plot| outcome(&json!(["hops", plot])).unwrap_err())
        .collect();
        insta::assert_snapshot!(refusals.join("\n"));
    }

    #[test]
    fn a_metric_needs_a_sweep() {
        let scenario = json!({
            "name": "x",
            "population": {"nodes": 4},
            "overlay": {"chord": {}},
            "plots": [{"metric": {"metric": "messages.total"}}],
        });
        let error = parse("x", &scenario.to_string(), &Overrides::default()).unwrap_err();
        assert_eq!(error.place, "plots[0].metric");
    }
}
