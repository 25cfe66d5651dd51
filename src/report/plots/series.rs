//! From the points of a sweep to series: which belong together, what they are
//! called, how they look, and where they stand on the horizontal axis.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::axis::{Axis, plain_label};
use super::chart::{Entry, Sample, Stroke, Symbol};
use super::style::{self, Look};
use crate::math;
use crate::measure::in_step;
use crate::measure::summary::{Comparison, Point, Summary};
use crate::scenario::format::Condition;
use crate::scenario::is_field;

/// Points that differ in one swept parameter only, and in what walks in step with it.
pub(super) struct Series<'a> {
    /// The other swept parameters, with the values that the points share.
    pub(super) params: Map<String, Value>,
    /// What it is called; empty when the points of all series differ in nothing else.
    pub(super) name: String,
    /// How it looks.
    pub(super) look: Look,
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

    /// The system that all its points are about, if it is one.
    fn system(&self) -> Option<&str> {
        let (_, first) = self.points.first()?;
        let same = self.points.iter().all(|(_, point)| point.system == first.system);
        same.then_some(first.system.as_str())
    }
}

/// The points that conditions on swept parameters let pass.
pub(in crate::report) fn selected<'a>(
    summary: &'a Summary,
    conditions: &BTreeMap<String, Condition>,
) -> Vec<&'a Point> {
    let passes = |point: &&Point| {
        conditions.iter().all(|(name, condition)| {
            point.params.get(name).is_some_and(|value| condition.accepts(value))
        })
    };
    summary.points.iter().filter(passes).collect()
}

/// The parameter on the horizontal axis.
pub(super) fn horizontal<'a>(summary: &'a Summary, points: &[&Point]) -> Option<&'a str> {
    let differing = varying(summary, points);
    let is_number = |path: &&&str| {
        points.iter().all(|point| point.params.get(**path).is_none_or(Value::is_number))
    };
    let first = || summary.sweep.first().map(String::as_str);
    differing.iter().find(is_number).or(differing.first()).copied().or_else(first)
}

/// The swept parameters in which some points differ.
pub(super) fn varying<'a>(summary: &'a Summary, points: &[&Point]) -> Vec<&'a str> {
    let differs = |path: &&str| {
        points.windows(2).any(|pair| pair[0].params.get(*path) != pair[1].params.get(*path))
    };
    summary.sweep.iter().map(String::as_str).filter(differs).collect()
}

/// The settings that some points share although the sweep varies them.
pub(super) fn shared(summary: &Summary, points: &[&Point]) -> String {
    let Some(first) = points.first() else { return String::new() };
    let all: Vec<&Point> = summary.points.iter().collect();
    let differing = varying(summary, points);
    let shared = varying(summary, &all).into_iter().filter(|path| !differing.contains(path));
    let values = shared.filter_map(|path| Some((path.to_owned(), first.params.get(path)?.clone())));
    name_of(&values.collect(), summary)
}

/// The line below the title: the scenario, the setting of what is shown, and how many
/// points are shown if some are left out.
pub(super) fn subtitle(summary: &Summary, setting: &str, shown: usize, all: usize) -> String {
    let count = format!("{shown} of {all} points");
    let count = if shown < all && shown > 0 { count.as_str() } else { "" };
    let parts: Vec<&str> = [setting, count].into_iter().filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        return summary.scenario.clone();
    }
    format!("{}: {}", summary.scenario, parts.join("; "))
}

/// At most `most` of `count` numbers from zero on, spread evenly with the first and the
/// last among them.
pub(super) fn evenly(count: usize, most: usize) -> Vec<usize> {
    if count <= most {
        return (0..count).collect();
    }
    let steps = most.saturating_sub(1).max(1);
    (0..most).map(|step| (step * (count - 1) + steps / 2) / steps).collect()
}

/// A line of a chart that shows several quantities in several settings, by their
/// numbers: colours tell settings apart and dashes quantities, or colours quantities
/// when there is a single setting.
pub(super) fn line_of(
    quantity: usize,
    setting: Look,
    single_setting: bool,
    points: usize,
) -> (Stroke, Symbol) {
    let look = if single_setting { Look::numbered(quantity) } else { setting };
    let mut stroke = Stroke::solid(look.colour);
    if quantity > 0 && !single_setting {
        stroke.dash = Some(style::dash(quantity - 1));
    }
    (stroke, measured_symbol(look, points))
}

/// What a line is called: its setting, its quantity, or both where each varies.
pub(super) fn line_name(setting: &str, quantity: &str) -> String {
    match (setting.is_empty(), quantity.is_empty()) {
        (_, true) => setting.to_owned(),
        (true, _) => quantity.to_owned(),
        _ => format!("{setting}: {quantity}"),
    }
}

/// The names of quantities in a legend, as short as they stay distinct: without the
/// parts that all begin with, and nothing for a single one.
pub(super) fn short_names(names: &[&str]) -> Vec<String> {
    let [first, others @ ..] = names else { return Vec::new() };
    if others.is_empty() {
        return vec![String::new()];
    }
    let lengths = first.match_indices('.').map(|(dot, _)| dot + 1);
    let common = |length: &usize| names.iter().all(|name| name.starts_with(&first[..*length]));
    let length = lengths.take_while(common).last().unwrap_or(0);
    names.iter().map(|name| name[length..].replace(['.', '_'], " ")).collect()
}

/// The first letter in upper case.
pub(super) fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Distance between the whiskers of two series at the same place.
const ASIDE: f64 = 9.0;
/// The most that all series at the same place take.
const MOST_ASIDE: f64 = 40.0;

/// The points of a sweep over one of its parameters.
pub(super) struct Sweep<'a> {
    /// The parameter on the horizontal axis.
    pub(super) path: &'a str,
    /// The horizontal axis.
    pub(super) axis: Axis,
    /// The series, in the order of the sweep.
    pub(super) series: Vec<Series<'a>>,
}

impl<'a> Sweep<'a> {
    /// Sorts points into series: over the first swept number in which they differ, or
    /// the first parameter when there is none. None when nothing is swept.
    pub(super) fn new(summary: &'a Summary, points: &[&'a Point]) -> Option<Sweep<'a>> {
        Sweep::reaching(summary, points, &[])
    }

    /// The same with a horizontal axis that also reaches values `beyond` those of the
    /// points, if it is one of numbers.
    pub(super) fn reaching(
        summary: &'a Summary,
        points: &[&'a Point],
        beyond: &[f64],
    ) -> Option<Sweep<'a>> {
        let path = horizontal(summary, points)?;
        let values: Vec<&Value> =
            points.iter().filter_map(|point| point.params.get(path)).collect();
        let mut numbers: Vec<f64> = values.iter().filter_map(|value| value.as_f64()).collect();
        let of_numbers = numbers.len() == values.len();
        let names = if of_numbers { Vec::new() } else { distinct(summary, path, &values) };
        let place = |value: &Value| -> Option<f64> {
            if names.is_empty() {
                return value.as_f64();
            }
            let name = in_words_of(summary, path, value);
            names.iter().position(|known| *known == name).map(|place| place as f64)
        };

        let varying = varying(summary, points);
        let in_step = in_step(summary.points.iter().map(|point| &point.params), path);
        let mut series: Vec<Series<'a>> = Vec::new();
        for point in points {
            let Some(x) = point.params.get(path).and_then(place) else { continue };
            let mut params = point.params.clone();
            params.retain(|other, _| other != path && !in_step.contains(&other.as_str()));
            let number = series.iter().position(|other| other.params == params);
            let number = number.unwrap_or_else(|| {
                let name = name_among(&varying, &params, summary);
                series.push(Series { params, name, look: Look::numbered(0), points: Vec::new() });
                series.len() - 1
            });
            series[number].points.push((x, point));
        }
        for series in &mut series {
            series.points.sort_by(|(x, _), (y, _)| x.total_cmp(y));
        }
        let systems: Vec<Option<&str>> = series.iter().map(Series::system).collect();
        let looks = style::looks(&systems);
        for (series, look) in series.iter_mut().zip(looks) {
            series.look = look;
        }
        let axis = if names.is_empty() {
            numbers.extend(beyond);
            number_axis(path, &numbers)
        } else {
            Axis::of_names(axis_name(path), &names)
        };
        Some(Sweep { path, axis, series })
    }

    /// Whether a published value stands above a place that is shown.
    pub(super) fn holds(&self, comparison: &Comparison) -> bool {
        let mut places = self.series.iter().flat_map(|series| &series.points);
        comparison.against == self.path
            && !self.axis.of_names
            && places.any(|(x, _)| x.total_cmp(&comparison.at).is_eq())
    }

    /// How far to the right of its place what belongs to a series stands, in units
    /// of the plot, so that the series stand side by side; not when a line
    /// tells them apart.
    pub(super) fn aside(&self, number: usize, with_whiskers: bool) -> f64 {
        if !with_whiskers && !self.axis.of_names {
            return 0.0;
        }
        let count = self.series.len() as f64;
        (number as f64 - (count - 1.0) / 2.0) * ASIDE.min(MOST_ASIDE / count)
    }
}

/// Logarithmic when the values are at least 1, span a factor of 8, and lie nearer
/// to doubling than to adding, as numbers of nodes do.
fn number_axis(path: &str, values: &[f64]) -> Axis {
    let mut values: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    let grows = match values[..] {
        [least, .., largest] if least >= 1.0 && largest >= 8.0 * least => {
            uneven(&values.iter().copied().map(math::log2).collect::<Vec<_>>()) <= uneven(&values)
        }
        _ => false,
    };
    if grows {
        Axis::logarithmic_around(format!("{} (log scale)", axis_name(path)), &values)
    } else {
        Axis::around(axis_name(path), &values)
    }
}

/// How far values in order lie from even steps between their ends, as a share of
/// the whole.
fn uneven(values: &[f64]) -> f64 {
    let [first, .., last] = values[..] else { return 0.0 };
    let steps = (values.len() - 1) as f64;
    let away = |(step, value): (usize, &f64)| {
        ((value - first) / (last - first) - step as f64 / steps).abs()
    };
    values.iter().enumerate().map(away).sum()
}

fn distinct(summary: &Summary, path: &str, values: &[&Value]) -> Vec<String> {
    let mut names = Vec::new();
    for value in values {
        let name = in_words_of(summary, path, value);
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
        other if other.contains('.') => format!("{} ({other})", short(other)),
        other => short(other),
    }
}

/// The values of parameters in words, `nodes = 64, successors = 4`; variants by their
/// names alone.
pub(in crate::report) fn name_of(params: &Map<String, Value>, summary: &Summary) -> String {
    let mut parts = Vec::new();
    for (path, value) in params {
        if !is_field(path) {
            // The names of variants speak for themselves.
            parts.push(in_words_of(summary, path, value));
            continue;
        }
        let name = distinct_name(path, &summary.sweep);
        // Spaces that do not break: a legend wraps between parameters.
        parts.push(format!("{name}\u{a0}=\u{a0}{}", in_words_of(summary, path, value)));
    }
    parts.join(", ")
}

/// The last parts of a path, as many as tell it from the other paths of a sweep.
pub(in crate::report) fn distinct_name(path: &str, sweep: &[String]) -> String {
    let ends_alike = |end: &str| {
        let alike = |other: &&String| **other == end || other.ends_with(&format!(".{end}"));
        sweep.iter().filter(alike).count() > 1
    };
    let starts = path.rmatch_indices('.').map(|(dot, _)| dot + 1).chain([0]);
    let mut ends = starts.map(|start| &path[start..]);
    let end = ends.find(|end| !ends_alike(end)).unwrap_or(path);
    end.replace(['.', '_'], " ")
}

/// The values of some of the parameters in words.
pub(super) fn name_among(paths: &[&str], params: &Map<String, Value>, summary: &Summary) -> String {
    let mut some = params.clone();
    some.retain(|path, _| paths.contains(&path.as_str()));
    name_of(&some, summary)
}

/// The last part of a path.
pub(in crate::report) fn short(path: &str) -> String {
    path.rsplit('.').next().unwrap_or(path).replace('_', " ")
}

/// A value of a parameter as it is written on a plot. With the names of all its
/// parts when without them another value of the sweep would read the same.
fn in_words_of(summary: &Summary, path: &str, value: &Value) -> String {
    let words = in_words(value);
    let mut others = summary.points.iter().filter_map(|point| point.params.get(path));
    if value.is_object() && others.any(|other| other != value && in_words(other) == words) {
        return in_full(value);
    }
    words
}

/// A value in words: `exponential 50ms`, `uniform 10ms–90ms`, `euclidean 2, 150ms`.
pub(in crate::report) fn in_words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.as_f64().map_or_else(|| number.to_string(), plain_label),
        Value::Array(values) => listed(values.iter().map(in_words)),
        Value::Object(parts) => match &parts.iter().collect::<Vec<_>>()[..] {
            [(name, Value::Object(inner))] => named(name, &values_of(inner)),
            parts => listed(parts.iter().map(|(name, value)| named(name, &in_words(value)))),
        },
        Value::Null | Value::Bool(_) => value.to_string(),
    }
}

/// The values of an object's parts without their names; from one to another when
/// that is what they are.
fn values_of(parts: &Map<String, Value>) -> String {
    if let (2, Some(from), Some(to)) = (parts.len(), parts.get("from"), parts.get("to")) {
        return format!("{}\u{2013}{}", in_words(from), in_words(to));
    }
    listed(parts.iter().map(|(name, value)| match value {
        Value::Object(_) => named(name, &in_words(value)),
        _ => in_words(value),
    }))
}

/// A value with the names of all its parts.
fn in_full(value: &Value) -> String {
    match value {
        Value::Object(parts) => {
            listed(parts.iter().map(|(name, value)| named(name, &in_full(value))))
        }
        other => in_words(other),
    }
}

fn named(name: &str, value: &str) -> String {
    let name = name.replace('_', " ");
    if value.is_empty() { name } else { format!("{name} {value}") }
}

/// Values behind each other, by spaces that do not break.
fn listed(values: impl Iterator<Item = String>) -> String {
    values.collect::<Vec<_>>().join(",\u{a0}")
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
    /// What was measured is shown as it is: where it is compared after a division, the
    /// published value is multiplied.
    pub(super) fn points(&self) -> Vec<(f64, f64)> {
        let place = |of: &&Comparison| (of.at, of.published * of.divided_by);
        self.comparisons.iter().map(place).collect()
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
pub(super) fn measured_symbol(look: Look, points: usize) -> Symbol {
    Symbol {
        shape: look.shape,
        colour: look.colour,
        radius: if points > 30 { 2.5 } else { 4.0 },
        open: false,
    }
}

/// The entry of a published source.
pub(super) fn published_entry(symbol: Symbol, source: &str, what: &str) -> Entry {
    let text = if what.is_empty() { source.to_owned() } else { format!("{source}: {what}") };
    Entry::new([Sample::Symbol(symbol)], text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::report::sample;

    #[test]
    fn objects_are_written_as_people_would() {
        for (value, words) in [
            (json!({"constant": "50ms"}), "constant 50ms"),
            (json!({"exponential": {"mean": "50ms"}}), "exponential 50ms"),
            (json!({"uniform": {"from": "10ms", "to": "90ms"}}), "uniform 10ms–90ms"),
            (json!({"euclidean": {"dimensions": 2, "side": "150ms"}}), "euclidean 2, 150ms"),
            (json!({"chord": {}}), "chord"),
            (json!({"per_node": 20, "rate": [1, 2]}), "per node 20, rate 1, 2"),
            (json!({"a": {"b": {"c": true}, "d": null}}), "a b c true, null"),
            (json!("50ms"), "50ms"),
            (json!(1_000_000), "1 000 000"),
            (json!({}), ""),
        ] {
            assert_eq!(in_words(&value).replace('\u{a0}', " "), words, "{value}");
        }
    }

    #[test]
    fn values_that_differ_only_in_names_keep_them() {
        let points = [json!({"chord": {"successors": 4}}), json!({"chord": {"id_bits": 4}})];
        let points = points.into_iter().chain([json!({"chord": {"successors": 8}})]);
        let points = points.map(|value| sample::at(&[("overlay", value)])).collect();
        let summary = sample::outcome("x", &["overlay"], points).summary;
        let points: Vec<&Point> = summary.points.iter().collect();
        let sweep = Sweep::new(&summary, &points).unwrap();
        let labels: Vec<&str> = sweep.axis.ticks.iter().map(|tick| tick.label.as_str()).collect();
        assert_eq!(labels, ["chord successors 4", "chord id bits 4", "chord 8"]);
        let name = name_of(&summary.points[1].params, &summary);
        assert_eq!(name, "overlay\u{a0}=\u{a0}chord id bits 4");
    }

    #[test]
    fn what_walks_in_step_with_the_horizontal_axis_is_one_series() {
        let at = |nodes: u32, successors: u32, lookup: &str| {
            sample::at(&[
                ("population.nodes", json!(nodes)),
                ("overlay.chord.successors", json!(successors)),
                ("overlay.chord.lookup", json!(lookup)),
            ])
        };
        let points = [(8, 3), (16, 3), (32, 4)];
        let points =
            points.into_iter().flat_map(|(n, r)| [at(n, r, "iterative"), at(n, r, "recursive")]);
        let paths = ["population.nodes", "overlay.chord.successors", "overlay.chord.lookup"];
        let summary = sample::outcome("x", &paths, points.collect()).summary;
        let points: Vec<&Point> = summary.points.iter().collect();
        let sweep = Sweep::new(&summary, &points).unwrap();
        let series =
            sweep.series.iter().map(|one| (one.name.replace('\u{a0}', " "), one.points.len()));
        assert_eq!(
            series.collect::<Vec<_>>(),
            [("lookup = iterative".to_owned(), 3), ("lookup = recursive".to_owned(), 3)]
        );
    }

    #[test]
    fn quantities_are_named_by_what_differs() {
        assert_eq!(short_names(&["hops.mean"]), [""]);
        assert_eq!(short_names(&["a.b.p50", "a.b.p99"]), ["p50", "p99"]);
        assert_eq!(
            short_names(&["lookups.success", "gets.success"]),
            ["lookups success", "gets success"]
        );
        assert_eq!(short_names(&["a.total", "a.total_time"]), ["total", "total time"]);
    }

    #[test]
    fn paths_are_named_by_as_many_of_their_parts_as_differ() {
        let sweep = ["a.stabilize.period", "a.fix_fingers.period", "a.successors", "period"];
        let sweep = sweep.map(str::to_owned);
        let names = sweep.clone().map(|path| distinct_name(&path, &sweep));
        assert_eq!(names, ["stabilize period", "fix fingers period", "successors", "period"]);
    }

    #[test]
    fn variants_are_named_by_themselves() {
        let point = |system: &str, nodes: u64| {
            sample::at(&[("system", json!(system)), ("population.nodes", json!(nodes))])
        };
        let points = vec![point("tracker", 8), point("tracker", 16), point("Chord", 8)];
        let summary = sample::outcome("x", &["system", "population.nodes"], points).summary;
        let points: Vec<&Point> = summary.points.iter().collect();
        let names = |sweep: Sweep<'_>| -> Vec<String> {
            sweep.series.into_iter().map(|series| series.name).collect()
        };
        let series = |points| names(Sweep::new(&summary, points).unwrap());
        assert_eq!(series(&points), ["tracker", "Chord"]);
        assert_eq!(series(&points[..2]), [""]);
        assert_eq!(horizontal(&summary, &points), Some("population.nodes"));
        assert_eq!(horizontal(&summary, &[points[0], points[2]]), Some("system"));
        assert_eq!(horizontal(&summary, &points[..1]), Some("system"));
        assert_eq!(shared(&summary, &points[..2]), "tracker");
        assert_eq!(subtitle(&summary, "tracker", 2, 3), "x: tracker; 2 of 3 points");
    }

    #[test]
    fn values_that_double_have_a_logarithmic_axis() {
        let is_logarithmic = |values: &[f64]| {
            let axis = number_axis("population.virtual_nodes", values);
            let shown =
                if values.len() > 6 && !axis.name.contains("log") { 0 } else { values.len() };
            assert!(axis.ticks.len() >= shown, "{values:?}");
            axis.name.contains("(log scale)")
        };
        assert!(is_logarithmic(&[1.0, 2.0, 4.0, 8.0]));
        assert!(is_logarithmic(&[1.0, 2.0, 4.0, 8.0, 16.0, 32.0]));
        assert!(is_logarithmic(&[1.0, 2.0, 5.0, 10.0, 20.0]));
        assert!(is_logarithmic(&[8.0, 64.0]));
        assert!(!is_logarithmic(&[1.0, 2.0, 4.0]));
        assert!(!is_logarithmic(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]));
        assert!(!is_logarithmic(&[1.0, 5.0, 10.0, 15.0, 20.0]));
        assert!(!is_logarithmic(&[0.0, 1.0, 2.0, 4.0, 8.0]));
        assert!(!is_logarithmic(&[]));
    }
}
