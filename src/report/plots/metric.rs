//! Any metric against the first swept number, beside calculated curves.

use super::axis::Axis;
use super::chart::{Chart, Entry, Mark, Place, Sample, Stroke};
use super::series::{
    Series, Sweep, capitalised, horizontal, line_name, line_of, measured_symbol, published,
    published_entry, published_symbol, selected, shared, short_names, subtitle,
};
use super::style;
use crate::math;
use crate::measure::metrics::{self, Metric};
use crate::measure::summary::{Point, Summary};
use crate::scenario::format::{Curve, Law, MetricPlot};

/// The metrics of a plot, one line for each of them and each setting of the parameters
/// that are not on the horizontal axis. Nothing when nothing is swept.
pub(super) fn chart(summary: &Summary, plot: &MetricPlot) -> Chart {
    let points = selected(summary, &plot.condition);
    let per = plot.per.as_deref().and_then(metrics::find);
    let shown: Vec<&Metric> = plot.names().filter_map(metrics::find).collect();
    let mut marks = Vec::new();
    let mut legend = Vec::new();
    let mut x = Axis::around("", &[]);
    if let Some(sweep) = Sweep::reaching(summary, &points, &beyond(plot, summary, &points)) {
        add_measured(&sweep, &shown, per, &mut marks, &mut legend);
        if !sweep.axis.of_names && !marks.is_empty() {
            add_curves(&sweep, &plot.curves, &mut marks, &mut legend);
            let of_metrics =
                |metric: &str| per.is_none() && shown.iter().any(|shown| shown.name == metric);
            add_published(summary, &sweep, of_metrics, &mut marks, &mut legend);
        }
        x = sweep.axis;
    }
    name_single(&mut legend);
    let name = plot.y.clone().unwrap_or_else(|| height_name(&shown, per));
    let y = Axis::of_heights(&name, plot.scale, &heights(&marks));
    Chart {
        title: plot.title.clone().unwrap_or_else(|| title(&shown, per)),
        subtitle: subtitle(summary, &shared(summary, &points), points.len(), points.len()),
        x,
        marks: if y.logarithmic { above_zero(marks) } else { marks },
        y,
        legend,
    }
}

/// Where the horizontal axis reaches beyond what was measured: the ends of curves, and
/// the powers of ten on the way, for their ticks.
fn beyond(plot: &MetricPlot, summary: &Summary, points: &[&Point]) -> Vec<f64> {
    let path = horizontal(summary, points).unwrap_or_default();
    let measured = points.iter().filter_map(|point| point.params.get(path)?.as_f64());
    let measured = measured.fold(1.0, f64::max);
    let mut beyond: Vec<f64> = plot.curves.iter().filter_map(|curve| curve.to).collect();
    let end = beyond.iter().copied().fold(0.0, f64::max);
    let powers = (1..300).map(|power| math::pow(10.0, f64::from(power)));
    beyond.extend(powers.skip_while(|at| *at < 2.0 * measured).take_while(|at| *at < end));
    beyond
}

fn add_measured(
    sweep: &Sweep<'_>,
    shown: &[&Metric],
    per: Option<&Metric>,
    marks: &mut Vec<Mark>,
    legend: &mut Vec<Entry>,
) {
    let single = sweep.series.len() == 1;
    let names: Vec<&str> = shown.iter().map(|metric| metric.name).collect();
    for (quantity, (metric, short)) in shown.iter().zip(short_names(&names)).enumerate() {
        for (number, series) in sweep.series.iter().enumerate() {
            let points = series.points.iter().map(|(x, point)| (*x, value(metric, per, point)));
            let points: Vec<Place> = points.filter(|(_, height)| height.is_finite()).collect();
            if points.is_empty() {
                continue;
            }
            let (stroke, symbol) = line_of(quantity, series.look, single, points.len());
            let mut samples = vec![Sample::Symbol(symbol)];
            if !sweep.axis.of_names {
                samples.insert(0, Sample::Line(stroke));
                marks.push(Mark::Line { points: points.clone(), stroke });
            }
            let aside = sweep.aside(number, false);
            marks.push(Mark::Points { points, symbol, aside });
            legend.push(Entry::series(samples, line_name(&series.name, &short)));
        }
    }
    if let (true, [series], [metric]) = (sweep.axis.of_names, &sweep.series[..], shown) {
        recolour(series, metric, per, marks);
    }
}

/// Shows systems in their colours also where they stand along the horizontal axis.
fn recolour(series: &Series<'_>, metric: &Metric, per: Option<&Metric>, marks: &mut Vec<Mark>) {
    let systems: Vec<Option<&str>> =
        series.points.iter().map(|(_, point)| Some(point.system.as_str())).collect();
    let Some(looks) = style::system_looks(&systems) else { return };
    marks.clear();
    for ((x, point), look) in series.points.iter().zip(looks) {
        let points = vec![(*x, value(metric, per, point))];
        marks.push(Mark::Points { points, symbol: measured_symbol(look, 1), aside: 0.0 });
    }
}

fn add_curves(sweep: &Sweep<'_>, curves: &[Curve], marks: &mut Vec<Mark>, legend: &mut Vec<Entry>) {
    for (number, curve) in curves.iter().enumerate() {
        let stroke = Stroke::theory(number);
        legend.push(Entry::new([Sample::Line(stroke)], &*curve.label));
        marks.push(Mark::Line { points: drawn(curve, sweep), stroke });
    }
}

fn add_published(
    summary: &Summary,
    sweep: &Sweep<'_>,
    is_shown: impl Fn(&str) -> bool,
    marks: &mut Vec<Mark>,
    legend: &mut Vec<Entry>,
) {
    let sources =
        published(summary, |comparison| is_shown(&comparison.metric) && sweep.holds(comparison));
    for (number, source) in sources.iter().enumerate() {
        let symbol = published_symbol(number, source.comparisons.len());
        legend.push(published_entry(symbol, source.source, ""));
        marks.push(Mark::Points { points: source.points(), symbol, aside: 0.0 });
    }
}

/// What stands alone needs no name; a single series beside others has one.
pub(super) fn name_single(legend: &mut Vec<Entry>) {
    if legend.len() == 1 {
        legend.clear();
    }
    for entry in legend.iter_mut().filter(|entry| entry.text.is_empty()) {
        "measured".clone_into(&mut entry.text);
    }
}

fn value(metric: &Metric, per: Option<&Metric>, point: &Point) -> f64 {
    let divisor = per.map_or(1.0, |per| (per.get)(point));
    (metric.get)(point) / divisor
}

/// What has a place on a logarithmic axis.
pub(super) fn above_zero(marks: Vec<Mark>) -> Vec<Mark> {
    let keep = |points: Vec<Place>| points.into_iter().filter(|(_, y)| *y > 0.0).collect();
    let of_mark = |mark| match mark {
        Mark::Line { points, stroke } => Mark::Line { points: keep(points), stroke },
        Mark::Points { points, symbol, aside } => {
            Mark::Points { points: keep(points), symbol, aside }
        }
        other => other,
    };
    marks.into_iter().map(of_mark).collect()
}

/// The heights of all lines and marks.
pub(super) fn heights(marks: &[Mark]) -> Vec<f64> {
    let of_mark = |mark: &Mark| -> Vec<f64> {
        match mark {
            Mark::Line { points, .. } | Mark::Points { points, .. } => {
                points.iter().map(|point| point.1).collect()
            }
            Mark::Band { .. }
            | Mark::Bars { .. }
            | Mark::Number { .. }
            | Mark::Upright { .. }
            | Mark::Whiskers { .. } => Vec::new(),
        }
    };
    marks.iter().flat_map(of_mark).collect()
}

/// A curve from the first to the last measured place, or on to where it is to end.
fn drawn(curve: &Curve, sweep: &Sweep<'_>) -> Vec<Place> {
    let places = || sweep.series.iter().flat_map(|series| &series.points).map(|(x, _)| *x);
    let from = places().fold(f64::INFINITY, f64::min);
    let to = places().chain(curve.to).fold(f64::NEG_INFINITY, f64::max);
    let height = |x: f64| curve.times * law(curve.law, x) + curve.plus;
    sweep.axis.between(from, to).into_iter().map(|x| (x, height(x))).collect()
}

fn law(law: Law, x: f64) -> f64 {
    match law {
        Law::Constant => 1.0,
        Law::Log2 => math::log2(x),
        Law::Log2Squared => math::log2(x) * math::log2(x),
        Law::Linear => x,
    }
}

fn title(shown: &[&Metric], per: Option<&Metric>) -> String {
    let names: Vec<&str> = shown.iter().map(|metric| metric.about).collect();
    let names = capitalised(&names.join(", "));
    match per {
        Some(per) => format!("{names}, per {}", per.about),
        None => names,
    }
}

/// The unit; of a metric without one the last part of its name.
fn height_name(shown: &[&Metric], per: Option<&Metric>) -> String {
    let Some(first) = shown.first() else { return String::new() };
    let last = first.name.rsplit('.').next().unwrap_or_default().replace('_', " ");
    match (first.unit, per.map(|per| per.unit)) {
        ("", _) => last,
        (unit, None | Some("")) => unit.to_owned(),
        (unit, Some(per)) if unit == per => "ratio".to_owned(),
        (unit, Some(per)) => format!("{unit} / {per}"),
    }
}
