//! Path length against the first swept number. Against the number of nodes
//! it shows whether lookups take O(log N): the fitted line and the theory stand
//! beside what was measured.

use plotters::style::RGBColor;

use super::axis::Axis;
use super::chart::{Chart, Entry, Mark, Sample, Stroke};
use super::series::{Series, Sweep, measured_symbol, published, published_entry, published_symbol};
use super::style;
use crate::math;
use crate::measure::summary::{Fit, Point, Summary};

/// Series with a band and a fitted line of their own; more would hide each other.
const MOST_BANDS: usize = 3;

/// Mean hops against a swept parameter. None without one.
pub(super) fn chart(summary: &Summary) -> Option<Chart> {
    // Points without an answered lookup have no path length.
    let answered = |point: &&Point| point.hops.histogram.iter().any(|count| *count > 0);
    let points: Vec<&Point> = summary.points.iter().filter(answered).collect();
    let sweep = Sweep::new(summary, &points)?;
    let nodes_swept = sweep.path == "population.nodes" && !sweep.axis.of_names;

    let mut marks = Vec::new();
    let mut legend = Vec::new();
    let alone = sweep.series.len() == 1;
    let with_bands = sweep.series.len() <= MOST_BANDS;
    if with_bands {
        for (number, series) in sweep.series.iter().enumerate() {
            let colour = series.look.colour;
            let points = percentiles(series);
            marks.push(if sweep.axis.of_names {
                Mark::Whiskers { points, colour, aside: sweep.aside(number, true) }
            } else {
                Mark::Band { points, colour }
            });
        }
    }
    for (number, series) in sweep.series.iter().enumerate() {
        let points: Vec<(f64, f64)> =
            series.points.iter().map(|(x, point)| (*x, point.hops.mean)).collect();
        let stroke = Stroke::solid(series.look.colour);
        let symbol = measured_symbol(series.look, points.len());
        let mut samples = vec![Sample::Symbol(symbol)];
        if !sweep.axis.of_names {
            marks.push(Mark::Line { points: points.clone(), stroke });
            samples.insert(0, Sample::Line(stroke));
        }
        marks.push(Mark::Points { points, symbol, aside: sweep.aside(number, false) });
        legend.push(if alone {
            Entry::new(samples, "mean")
        } else {
            Entry::series(samples, series.name.clone())
        });
    }
    if with_bands && !sweep.series.is_empty() {
        let colour = if alone { style::Look::numbered(0).colour } else { style::FRAME };
        let sample =
            if sweep.axis.of_names { Sample::Whisker(colour) } else { Sample::Band(colour) };
        legend.push(Entry::new([sample], "1st to 99th percentile"));
    }
    if nodes_swept {
        add_growth(summary, &sweep, with_bands, &mut marks, &mut legend);
    }
    for (number, source) in
        published(summary, |comparison| comparison.metric == "hops.mean" && sweep.holds(comparison))
            .into_iter()
            .enumerate()
    {
        let symbol = published_symbol(number, source.comparisons.len());
        legend.push(published_entry(symbol, source.source, ""));
        marks.push(Mark::Points { points: source.points(), symbol, aside: 0.0 });
    }

    Some(Chart {
        title: "Path length of lookups".to_owned(),
        subtitle: summary.scenario.clone(),
        y: height_axis(&points, &marks),
        x: sweep.axis,
        marks,
        legend,
    })
}

fn percentiles(series: &Series<'_>) -> Vec<(f64, f64, f64)> {
    let ends = |(x, point): &(f64, &Point)| (*x, point.hops.p1 as f64, point.hops.p99 as f64);
    series.points.iter().map(ends).collect()
}

/// Linear from zero, or logarithmic where hops grow beyond what a linear axis
/// can show, as they do without fingers.
fn height_axis(points: &[&Point], marks: &[Mark]) -> Axis {
    let means: Vec<f64> = points.iter().map(|point| point.hops.mean).collect();
    let mut heights = means.clone();
    for mark in marks {
        match mark {
            Mark::Band { points, .. } | Mark::Whiskers { points, .. } => {
                heights.extend(points.iter().map(|point| point.2));
            }
            Mark::Line { points, .. } | Mark::Points { points, .. } => {
                heights.extend(points.iter().map(|point| point.1));
            }
            Mark::Bars { .. } | Mark::Number { .. } | Mark::Upright { .. } => {}
        }
    }
    match Axis::logarithmic_floor(&means) {
        Some(least) => Axis::logarithmic_from("hops (log scale)", least, &heights),
        None => Axis::from_zero("hops", &heights),
    }
}

/// The fitted lines and what theory says of the growth with the number of nodes.
fn add_growth(
    summary: &Summary,
    sweep: &Sweep<'_>,
    with_fits: bool,
    marks: &mut Vec<Mark>,
    legend: &mut Vec<Entry>,
) {
    let mut theories: Vec<(Theory, Vec<(f64, f64)>)> = Vec::new();
    for series in &sweep.series {
        let [(from, _), .., (to, _)] = series.points[..] else { continue };
        let nodes_per_step = series.nodes_per_step();
        let curve = |height: &dyn Fn(f64) -> f64| -> Vec<(f64, f64)> {
            let steps = sweep.axis.between(from, to);
            steps.into_iter().map(|x| (x, height(x * nodes_per_step))).collect()
        };
        let fit = summary.fits.iter().find(|fit| fit.params == series.params);
        if let (Some(fit), true) = (fit, with_fits) {
            let stroke = Stroke::dotted(darker(series.look.colour));
            let points = curve(&|nodes| fitted(fit, nodes));
            marks.push(Mark::Line { points, stroke });
            let of = if series.name.is_empty() || sweep.series.len() == 1 {
                String::new()
            } else {
                format!(" ({})", series.name)
            };
            legend.push(Entry::new([Sample::Line(stroke)], format!("fit{of}: {}", equation(fit))));
        }
        let theory = Theory::of(fit);
        let points = curve(&|nodes| theory.height(nodes));
        if !theories.iter().any(|known| known.0 == theory && known.1 == points) {
            theories.push((theory, points));
        }
    }
    if theories.len() > MOST_BANDS {
        return;
    }
    for theory in [Theory::Logarithm, Theory::Half] {
        let mut known = theories.iter().filter(|(known, _)| *known == theory).peekable();
        let stroke = theory.stroke();
        if known.peek().is_some() {
            legend.push(Entry::new([Sample::Line(stroke)], theory.text()));
        }
        for (_, points) in known {
            marks.push(Mark::Line { points: points.clone(), stroke });
        }
    }
}

/// How many hops theory expects of a ring of N nodes.
#[derive(Clone, Copy, PartialEq)]
enum Theory {
    /// ½·log2 N: every hop sets one of the bits of the distance that are not yet
    /// zero, half of them on average.
    Logarithm,
    /// ½·N: without fingers a lookup walks half the ring on average.
    Half,
}

impl Theory {
    fn of(fit: Option<&Fit>) -> Theory {
        match fit {
            Some(fit) if is_linear(fit) => Theory::Half,
            _ => Theory::Logarithm,
        }
    }

    fn height(self, nodes: f64) -> f64 {
        match self {
            Theory::Logarithm => 0.5 * math::log2(nodes),
            Theory::Half => 0.5 * nodes,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Theory::Logarithm => "theory: ½·log₂ N",
            Theory::Half => "theory: ½·N",
        }
    }

    fn stroke(self) -> Stroke {
        match self {
            Theory::Logarithm => Stroke::dashed(style::THEORY),
            Theory::Half => Stroke { dash: Some((3.0, 5.0)), ..Stroke::dashed(style::THEORY) },
        }
    }
}

fn is_linear(fit: &Fit) -> bool {
    fit.verdict == "O(N)"
}

fn fitted(fit: &Fit, nodes: f64) -> f64 {
    if is_linear(fit) {
        fit.linear.slope * nodes + fit.linear.intercept
    } else {
        fit.log2.slope * math::log2(nodes) + fit.log2.intercept
    }
}

/// A fitted line as an equation: `0.4987·log₂ N − 0.133, R² = 0.99990`.
fn equation(fit: &Fit) -> String {
    let (line, of) = if is_linear(fit) { (fit.linear, "N") } else { (fit.log2, "log₂ N") };
    let sign = if line.intercept < 0.0 { "−" } else { "+" };
    let slope = format!("{:.4}", line.slope).replace('-', "−");
    // Bound by spaces that do not break, so that it wraps before R² only.
    let equation = format!("{slope}·{of} {sign} {:.3},", line.intercept.abs());
    let rounded = format!("{:.5}", line.r2);
    let r2 = if line.r2 < 1.0 && rounded == "1.00000" {
        ">\u{a0}0.99999".to_owned()
    } else {
        format!("=\u{a0}{rounded}")
    };
    format!("{} R²\u{a0}{r2}", equation.replace(' ', "\u{a0}"))
}

/// A colour that stands out from a line of the same colour below it.
fn darker(RGBColor(red, green, blue): RGBColor) -> RGBColor {
    RGBColor(red / 2, green / 2, blue / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn the_fit_is_written_as_an_equation() {
        let fit = &sample::hops().summary.fits[0];
        let text = equation(fit).replace('\u{a0}', " ");
        assert!(text.starts_with("0.4") && text.contains("·log₂ N − 0."), "{text}");
        assert!(text.contains(", R² > 0.999"), "{text}");
    }

    #[test]
    fn theory_follows_the_verdict() {
        let texts = |summary: &Summary| -> Vec<String> {
            chart(summary).unwrap().legend.into_iter().map(|entry| entry.text).collect()
        };
        let fingers = texts(&sample::hops().summary);
        assert!(fingers.iter().any(|text| text == "theory: ½·log₂ N"), "{fingers:?}");
        let both = texts(&sample::with_and_without_fingers().summary);
        assert!(both.iter().any(|text| text == "theory: ½·log₂ N"), "{both:?}");
        assert!(both.iter().any(|text| text == "theory: ½·N"), "{both:?}");
    }
}
