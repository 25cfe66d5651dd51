//! What settings cost against what they perform, with the hull of those that nobody beats.

use super::axis::Axis;
use super::chart::{Chart, Entry, Mark, Place, Sample, Stroke, Symbol};
use super::metric::above_zero;
use super::series::{
    capitalised, distinct_name, in_words, measured_symbol, name_among, selected, shared, subtitle,
    varying,
};
use super::style::{self, Look};
use crate::measure::metrics::Metric;
use crate::measure::summary::{Point, Summary};
use crate::report::cost_performance::{Setting, groups, settings, shown};
use crate::scenario::format::CostPerformancePlot;

/// One mark a point of the sweep; nobody beats those on the hulls.
pub(super) fn chart(summary: &Summary, plot: &CostPerformancePlot) -> Chart {
    let points = selected(summary, &plot.condition);
    let settings = settings(summary, plot);
    let known: Vec<&Setting<'_>> =
        settings.iter().filter(|of| of.cost.is_finite() && of.performance.is_finite()).collect();
    let places: Vec<Place> = known.iter().map(|setting| setting.place()).collect();
    let (costs, performances): (Vec<f64>, Vec<f64>) = places.into_iter().unzip();
    let (cost, performance) = shown(plot).unzip();
    let x = Axis::of_heights(&axis_name(cost), plot.scale, &costs);
    let y = Axis::of_heights(&axis_name(performance), plot.scale, &performances);

    let mut marks = Vec::new();
    let mut legend = Vec::new();
    add_groups(summary, plot, &settings, &known, (&x, &y), &mut marks, &mut legend);
    add_numbers(summary, &points, &known, &mut marks, &mut legend);
    let title = plot.title.clone().unwrap_or_else(|| {
        let names = [performance, cost].map(|metric| metric.map_or("", |metric| metric.about));
        capitalised(&names.join(" against "))
    });
    Chart {
        title,
        subtitle: subtitle(summary, &shared(summary, &points), known.len(), points.len()),
        marks: if y.logarithmic { above_zero(marks) } else { marks },
        x,
        y,
        legend,
    }
}

fn add_groups(
    summary: &Summary,
    plot: &CostPerformancePlot,
    settings: &[Setting<'_>],
    known: &[&Setting<'_>],
    (x, y): (&Axis, &Axis),
    marks: &mut Vec<Mark>,
    legend: &mut Vec<Entry>,
) {
    let groups = groups(settings);
    for (group, look) in groups.iter().zip(looks(settings, &groups)) {
        let of_group = || known.iter().filter(|setting| setting.group == *group);
        let points: Vec<Place> = of_group().map(|setting| setting.place()).collect();
        if points.is_empty() {
            continue;
        }
        let hull = of_group().filter(|setting| setting.on_hull).map(|setting| setting.place());
        let stroke = Stroke::solid(look.colour);
        marks.push(Mark::Line { points: along(hull.collect(), x, y), stroke });
        let symbol: Symbol = measured_symbol(look, points.len());
        marks.push(Mark::Points { points, symbol, aside: 0.0 });
        if groups.len() > 1 {
            let samples = [Sample::Line(stroke), Sample::Symbol(symbol)];
            let by: Vec<&str> = plot.by.iter().map(String::as_str).collect();
            let first = of_group().next().filter(|_| plot.by.is_some());
            let name = first.map_or_else(
                || group.clone(),
                |setting| name_among(&by, &setting.point.params, summary),
            );
            legend.push(Entry::series(samples, format!("{name}, lower hull")));
        } else {
            legend.push(Entry::new([Sample::Symbol(symbol)], "a setting"));
            legend.push(Entry::new([Sample::Line(stroke)], "lower hull"));
        }
    }
    if groups.len() > 1 {
        let hull = known.iter().filter(|setting| setting.on_hull_of_all);
        let stroke = Stroke::theory(0);
        let points = along(hull.map(|setting| setting.place()).collect(), x, y);
        marks.push(Mark::Line { points, stroke });
        legend.push(Entry::new([Sample::Line(stroke)], "lower hull of all"));
    }
}

/// Systems in their own colours where they are what is told apart.
fn looks(settings: &[Setting<'_>], groups: &[String]) -> Vec<Look> {
    let system = |group: &String| {
        let mut of_group = settings.iter().filter(|setting| setting.group == *group);
        let first = of_group.next()?.point.system.as_str();
        of_group.all(|setting| setting.point.system == first).then_some(first)
    };
    style::looks(&groups.iter().map(system).collect::<Vec<_>>())
}

/// Numbers for the settings on the hull of all, from the cheapest on, and what they are: the
/// names of the parameters once, then their values.
fn add_numbers(
    summary: &Summary,
    points: &[&Point],
    known: &[&Setting<'_>],
    marks: &mut Vec<Mark>,
    legend: &mut Vec<Entry>,
) {
    let differing = varying(summary, points);
    let mut hull: Vec<&&Setting<'_>> =
        known.iter().filter(|setting| setting.on_hull_of_all).collect();
    hull.sort_by(|one, other| one.cost.total_cmp(&other.cost));
    if differing.is_empty() || hull.is_empty() {
        return;
    }
    let names: Vec<String> =
        differing.iter().map(|path| distinct_name(path, &summary.sweep)).collect();
    legend.push(Entry::new([], names.join(" / ")));
    let values_of = |setting: &&&Setting<'_>| -> String {
        let values = differing.iter().filter_map(|path| setting.point.params.get(*path));
        values.map(in_words).collect::<Vec<_>>().join(" / ")
    };
    // Settings at the same place have one number.
    for (number, same) in (1..).zip(hull.chunk_by(|one, other| one.place() == other.place())) {
        marks.push(Mark::Number { at: same[0].place(), number });
        let settings: Vec<String> = same.iter().map(values_of).collect();
        legend.push(Entry::series([Sample::Number(number)], settings.join(" or ")));
    }
}

/// The line through the places of a hull, from left to right: on a logarithmic axis what is
/// straight is curved.
fn along(mut hull: Vec<Place>, x: &Axis, y: &Axis) -> Vec<Place> {
    hull.sort_by(|one, other| one.0.total_cmp(&other.0));
    hull.dedup();
    if !x.logarithmic && !y.logarithmic || hull.len() < 2 {
        return hull;
    }
    let between = |pair: &[Place]| -> Vec<Place> {
        let ((left, high), (right, low)) = (pair[0], pair[1]);
        let height = |at: f64| high + (low - high) * (at - left) / (right - left);
        x.between(left, right).into_iter().map(|at| (at, height(at))).collect()
    };
    hull.windows(2).flat_map(between).collect()
}

/// What a metric is, or its name where that is too long for an axis, with its unit.
fn axis_name(metric: Option<&'static Metric>) -> String {
    const LONGEST: usize = 46;
    let Some(Metric { name, about, unit, .. }) = metric else { return String::new() };
    let what = if about.chars().count() <= LONGEST {
        (*about).to_owned()
    } else {
        name.replace(['.', '_'], " ")
    };
    if unit.is_empty() { what } else { format!("{what}, {unit}") }
}
