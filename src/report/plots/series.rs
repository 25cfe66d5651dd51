//! From the points of a sweep to series: which belong together, what they are
//! called, and where they stand on the horizontal axis.

use serde_json::{Map, Value};

use super::axis::{Axis, plain_label};
use super::chart::{Entry, Sample, Symbol};
use super::style;
use crate::measure::summary::{Comparison, Point, Summary};

/// Points that differ in the first swept parameter only.
pub(super) struct Series<'a> {
    /// The other swept parameters, with the values that the points share.
    pub(super) params: Map<String, Value>,
    /// What it is called; empty when nothing but the first parameter is swept.
    pub(super) name: String,
    /// Where its points stand, and the points, from left to right.
    pub(super) points: Vec<(f64, &'a Point)>,
}

impl Series<'_> {
    /// Nodes on the ring for each step of the horizontal axis, on an axis of
    /// servers: the number of virtual nodes.
    pub(super) fn nodes_per_step(&self) -> f64 {
        match self.points.first() {
            Some((x, point)) if *x > 0.0 => point.nodes as f64 / x,
            _ => 1.0,
        }
    }
}

/// The points of a sweep over its first parameter.
pub(super) struct Sweep<'a> {
    /// The horizontal axis.
    pub(super) axis: Axis,
    /// The series, in the order of the sweep.
    pub(super) series: Vec<Series<'a>>,
}

impl<'a> Sweep<'a> {
    /// Sorts points into series. None without a swept parameter.
    pub(super) fn new(summary: &'a Summary, points: &[&'a Point]) -> Option<Sweep<'a>> {
        let first = summary.sweep.first()?;
        let values: Vec<&Value> =
            points.iter().filter_map(|point| point.params.get(first)).collect();
        let numbers: Vec<f64> = values.iter().filter_map(|value| value.as_f64()).collect();
        let names = if numbers.len() == values.len() { Vec::new() } else { distinct(&values) };
        let place = |value: &Value| -> Option<f64> {
            if names.is_empty() {
                return value.as_f64();
            }
            let name = in_words(value);
            names.iter().position(|known| *known == name).map(|place| place as f64)
        };

        let mut series: Vec<Series<'a>> = Vec::new();
        for point in points {
            let Some(x) = point.params.get(first).and_then(place) else { continue };
            let mut params = point.params.clone();
            params.shift_remove(first);
            let number = series.iter().position(|other| other.params == params);
            let number = number.unwrap_or_else(|| {
                let name = name_of(&params, &summary.sweep);
                series.push(Series { params, name, points: Vec::new() });
                series.len() - 1
            });
            series[number].points.push((x, point));
        }
        for series in &mut series {
            series.points.sort_by(|(x, _), (y, _)| x.total_cmp(y));
        }
        let axis = if names.is_empty() {
            number_axis(first, &numbers)
        } else {
            Axis::of_names(axis_name(first), &names)
        };
        Some(Sweep { axis, series })
    }
}

/// Logarithmic when the values are at least 2, span a factor of 8, and doubling
/// them is more like how they grow than adding, as with numbers of nodes.
fn number_axis(path: &str, values: &[f64]) -> Axis {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.dedup();
    let grows = match values[..] {
        [least, .., largest] if least >= 2.0 && largest >= 8.0 * least => {
            let middle = values[values.len() / 2];
            let added = f64::midpoint(least, largest);
            let doubled = (least * largest).sqrt();
            values.len() == 2 || (middle - doubled).abs() <= (middle - added).abs()
        }
        _ => false,
    };
    if grows {
        Axis::logarithmic_around(format!("{} (log scale)", axis_name(path)), &values)
    } else {
        Axis::around(axis_name(path), &values)
    }
}

fn distinct(values: &[&Value]) -> Vec<String> {
    let mut names = Vec::new();
    for value in values {
        let name = in_words(value);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// What the axis of a swept parameter is called.
fn axis_name(path: &str) -> String {
    match path {
        "population.nodes" => "number of nodes N".to_owned(),
        "population.virtual_nodes" => "virtual nodes per server".to_owned(),
        "workload.keys" => "number of keys".to_owned(),
        other => format!("{} ({other})", short(other)),
    }
}

/// The values of parameters in words: `nodes = 64, successors = 4`.
pub(super) fn name_of(params: &Map<String, Value>, sweep: &[String]) -> String {
    let mut parts = Vec::new();
    for (path, value) in params {
        let clashes = sweep.iter().filter(|other| short(other) == short(path)).count() > 1;
        let name = if clashes { path.clone() } else { short(path) };
        // Spaces that do not break: a legend wraps between parameters.
        parts.push(format!("{name}\u{a0}=\u{a0}{}", in_words(value)));
    }
    parts.join(", ")
}

/// The last part of a path.
fn short(path: &str) -> String {
    path.rsplit('.').next().unwrap_or(path).replace('_', " ")
}

/// A value as it is written on a plot.
fn in_words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.as_f64().map_or_else(|| number.to_string(), plain_label),
        other => other.to_string(),
    }
}

/// Published values of one source, to be drawn alike.
pub(super) struct Published<'a> {
    /// Paper and figure or table.
    pub(super) source: &'a str,
    /// The comparisons, in the order of the results.
    pub(super) comparisons: Vec<&'a Comparison>,
}

impl Published<'_> {
    /// Where the published values stand.
    pub(super) fn points(&self) -> Vec<(f64, f64)> {
        self.comparisons.iter().map(|comparison| (comparison.at, comparison.published)).collect()
    }
}

/// The published values that a plot shows, by source.
pub(super) fn published(
    summary: &Summary,
    shown: impl Fn(&Comparison) -> bool,
) -> Vec<Published<'_>> {
    let mut sources: Vec<Published<'_>> = Vec::new();
    for comparison in summary.published.iter().filter(|comparison| shown(comparison)) {
        match sources.iter_mut().find(|other| other.source == comparison.source) {
            Some(known) => known.comparisons.push(comparison),
            None => sources
                .push(Published { source: &comparison.source, comparisons: vec![comparison] }),
        }
    }
    sources
}

/// The mark of a published value: an outline that leaves what was measured to be
/// seen, smaller when there are many.
pub(super) fn published_symbol(number: usize, count: usize) -> Symbol {
    Symbol {
        shape: style::published_shape(number),
        colour: style::PUBLISHED,
        radius: if count > 20 { 4.0 } else { 6.5 },
        open: true,
    }
}

/// The mark of a measured mean.
pub(super) fn measured_symbol(number: usize, points: usize) -> Symbol {
    Symbol {
        shape: style::series_shape(number),
        colour: style::series_colour(number),
        radius: if points > 30 { 2.5 } else { 4.0 },
        open: false,
    }
}

/// The entry of a published source.
pub(super) fn published_entry(symbol: Symbol, source: &str, what: &str) -> Entry {
    let text = if what.is_empty() { source.to_owned() } else { format!("{source}: {what}") };
    Entry::new([Sample::Symbol(symbol)], text)
}
