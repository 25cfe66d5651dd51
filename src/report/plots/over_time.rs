//! Quantities over simulated time.

use super::axis::Axis;
use super::chart::{Chart, Entry, Mark, Place, Sample, Stroke};
use super::metric::{heights, name_single};
use super::series::{
    capitalised, evenly, line_name, line_of, name_among, selected, shared, short_names, subtitle,
    varying,
};
use super::style;
use crate::measure::metrics;
use crate::measure::summary::{Point, Summary};
use crate::scenario::format::TimePlot;

/// Lines that can be told apart.
const MOST_LINES: usize = 12;
/// Lines with more places than this have marks at some of them only.
const MOST_MARKED: usize = 24;

/// The series of a plot, one line for each of them and each point of the sweep.
pub(super) fn chart(summary: &Summary, plot: &TimePlot) -> Chart {
    let names: Vec<&str> = plot.series.iter().map(String::as_str).collect();
    let sampled =
        |point: &&Point| names.iter().any(|name| point.timeline.series.contains_key(*name));
    let points: Vec<&Point> =
        selected(summary, &plot.condition).into_iter().filter(sampled).collect();
    let chosen = evenly(points.len(), (MOST_LINES / names.len().max(1)).max(1));
    let shown: Vec<&Point> = chosen.into_iter().map(|number| points[number]).collect();
    let ends = shown.iter().filter_map(|point| point.timeline.seconds.last().copied());
    let moments = plot.marks.iter().map(|mark| mark.at.0.as_secs_f64());
    let end = ends.chain(moments).fold(0.0, f64::max);
    let clock = Clock::for_time(end);

    let mut marks = Vec::new();
    let mut legend = Vec::new();
    add_measured(summary, &names, &shown, &clock, &mut marks, &mut legend);
    if !shown.is_empty() {
        add_happenings(plot, &shown, &clock, &mut marks, &mut legend);
        add_expected(plot, &clock, end, &mut marks, &mut legend);
    }
    name_single(&mut legend);

    let series = names.first().and_then(|name| metrics::find_series(name));
    let unit = series.map_or("", |series| series.unit);
    let about = series.map_or("", |series| series.about);
    let y = plot
        .y
        .clone()
        .unwrap_or_else(|| if unit.is_empty() { "share".to_owned() } else { unit.to_owned() });
    Chart {
        title: plot.title.clone().unwrap_or_else(|| match names.len() {
            1 => capitalised(about),
            _ => capitalised(&short_names(&names).join(", ")),
        }),
        subtitle: subtitle(summary, &shared(summary, &shown), shown.len(), points.len()),
        x: Axis::linear(
            format!("simulated time in {}", clock.unit),
            0.0,
            if end > 0.0 { end / clock.seconds } else { 1.0 },
            false,
        ),
        y: Axis::of_heights(&y, plot.scale, &heights(&marks)),
        marks,
        legend,
    }
}

fn add_measured(
    summary: &Summary,
    names: &[&str],
    shown: &[&Point],
    clock: &Clock,
    marks: &mut Vec<Mark>,
    legend: &mut Vec<Entry>,
) {
    let systems: Vec<Option<&str>> =
        shown.iter().map(|point| Some(point.system.as_str())).collect();
    let looks = style::looks(&systems);
    let differing = varying(summary, shown);
    for (quantity, (name, short)) in names.iter().zip(short_names(names)).enumerate() {
        for (point, look) in shown.iter().zip(&looks) {
            let Some(values) = point.timeline.series.get(*name) else { continue };
            let places = point.timeline.seconds.iter().map(|seconds| seconds / clock.seconds);
            let places: Vec<(f64, Option<f64>)> = places.zip(values.iter().copied()).collect();
            let runs = runs(&places);
            let points = marked(&runs);
            let (stroke, symbol) = line_of(quantity, *look, shown.len() == 1, points.len());
            marks.push(Mark::Points { points, symbol, aside: 0.0 });
            marks.extend(runs.into_iter().map(|points| Mark::Line { points, stroke }));
            let text = line_name(&name_among(&differing, &point.params, summary), &short);
            legend.push(Entry::series([Sample::Line(stroke), Sample::Symbol(symbol)], text));
        }
    }
}

/// What broke in the runs and was over, but for what the plot marks itself.
fn add_happenings(
    plot: &TimePlot,
    shown: &[&Point],
    clock: &Clock,
    marks: &mut Vec<Mark>,
    legend: &mut Vec<Entry>,
) {
    let is_marked = |seconds: f64| {
        plot.marks.iter().any(|mark| mark.at.0.as_secs_f64().total_cmp(&seconds).is_eq())
    };
    let happenings: Vec<(f64, String)> =
        moments(shown).into_iter().filter(|(seconds, _)| !is_marked(*seconds)).collect();
    for (number, (seconds, what)) in happenings.iter().enumerate() {
        let dash = Some(style::dash(plot.marks.len() + number));
        let stroke = Stroke { colour: style::FAINT_INK, width: 1.0, dash };
        marks.push(Mark::Upright { at: seconds / clock.seconds, stroke });
        let text = format!("{what} ({} {})", round(seconds / clock.seconds), clock.unit);
        legend.push(Entry::series([Sample::Upright(stroke)], text));
    }
}

/// The moments at which something happened, with what it was: what all runs shown say of it,
/// or the word with which they agree.
fn moments(shown: &[&Point]) -> Vec<(f64, String)> {
    let mut all: Vec<(f64, &str)> = shown
        .iter()
        .flat_map(|point| &point.happenings)
        .map(|happening| (happening.seconds, happening.what.as_str()))
        .collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let at_once = all.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq());
    let in_words = |of_moment: &[(f64, &str)]| {
        let mut words: Vec<&str> = Vec::new();
        for (_, what) in of_moment {
            // What is in brackets, and numbers, would not be short.
            let short = what.split(" (").next().unwrap_or(what);
            if !words.contains(&short) {
                words.push(short);
            }
        }
        let kinds = || words.iter().map(|what| what.split([' ', ':']).next().unwrap_or(what));
        if words.len() > 1 && kinds().all(|kind| Some(kind) == kinds().next()) {
            words = kinds().take(1).collect();
        }
        (of_moment[0].0, words.join(", "))
    };
    at_once.map(in_words).collect()
}

/// A time with as many decimals as a legend has room for.
fn round(time: f64) -> f64 {
    (time * 100.0).round() / 100.0
}

/// What theory expects, and when something happens.
fn add_expected(
    plot: &TimePlot,
    clock: &Clock,
    end: f64,
    marks: &mut Vec<Mark>,
    legend: &mut Vec<Entry>,
) {
    for (number, level) in plot.curves.iter().enumerate() {
        let stroke = Stroke::theory(number);
        let points = vec![(0.0, level.value), (end / clock.seconds, level.value)];
        marks.push(Mark::Line { points, stroke });
        legend.push(Entry::new([Sample::Line(stroke)], &*level.label));
    }
    for (number, moment) in plot.marks.iter().enumerate() {
        let stroke = Stroke { colour: style::INK, width: 1.5, dash: Some(style::dash(number)) };
        marks.push(Mark::Upright { at: moment.at.0.as_secs_f64() / clock.seconds, stroke });
        let text = format!("{} ({})", moment.label, moment.at.0);
        legend.push(Entry::new([Sample::Upright(stroke)], text));
    }
}

/// The unit of a time axis.
struct Clock {
    unit: &'static str,
    seconds: f64,
}

impl Clock {
    /// The unit in which so many seconds are read best.
    fn for_time(seconds: f64) -> Clock {
        match seconds {
            long if long > 3.0 * 3600.0 => Clock { unit: "h", seconds: 3600.0 },
            medium if medium > 300.0 => Clock { unit: "min", seconds: 60.0 },
            _ => Clock { unit: "s", seconds: 1.0 },
        }
    }
}

/// Stretches of neighbouring samples at which something was measured.
fn runs(places: &[(f64, Option<f64>)]) -> Vec<Vec<Place>> {
    let known = |place: &(f64, Option<f64>)| place.1.filter(|height| height.is_finite());
    places
        .chunk_by(|one, other| known(one).is_some() == known(other).is_some())
        .map(|run| run.iter().filter_map(|place| Some((place.0, known(place)?))).collect())
        .filter(|run: &Vec<Place>| !run.is_empty())
        .collect()
}

/// The places that have marks: few of many, and samples that stand alone, which no
/// line shows.
fn marked(runs: &[Vec<Place>]) -> Vec<Place> {
    let count = runs.iter().map(Vec::len).sum::<usize>();
    let stride = if count > MOST_MARKED { count.div_ceil(MOST_MARKED / 2) } else { 1 };
    let mut marked: Vec<Place> = runs.iter().flatten().step_by(stride).copied().collect();
    if stride > 1 {
        marked.extend(runs.iter().filter(|run| run.len() == 1).flatten());
    }
    marked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::summary::Happening;

    #[test]
    fn gaps_break_a_line_and_samples_alone_are_marked() {
        let places: Vec<(f64, Option<f64>)> =
            (0..100).map(|at| (f64::from(at), (at != 50 && at != 52).then_some(1.0))).collect();
        let runs = runs(&places);
        assert_eq!(runs.iter().map(Vec::len).collect::<Vec<_>>(), [50, 1, 47]);
        let marked = marked(&runs);
        assert!(marked.contains(&(51.0, 1.0)) && marked.len() < 16, "{marked:?}");
    }

    #[test]
    fn what_happens_in_several_runs_is_told_once() {
        let point = |what: &[(f64, &str)]| {
            let of = what.iter();
            let happening = |(seconds, what): &(f64, &str)| Happening {
                seconds: *seconds,
                what: (*what).to_owned(),
            };
            Point { happenings: of.map(happening).collect(), ..Point::default() }
        };
        let one = point(&[
            (60.0, "crash of 2 servers (random)"),
            (60.0, "loss of 0.1 begins"),
            (90.0, "crash of 5 servers (by number)"),
        ]);
        let other = point(&[
            (60.0, "crash of 2 servers (random)"),
            (60.0, "loss of 0.1 begins"),
            (90.0, "crash of 7 servers (by number)"),
        ]);
        let told = [(60.0, "crash of 2 servers, loss of 0.1 begins"), (90.0, "crash")];
        assert_eq!(moments(&[&one, &other]), told.map(|(at, what)| (at, what.to_owned())));
    }

    #[test]
    fn time_is_shown_in_a_fitting_unit() {
        let units = [0.0, 300.0, 301.0, 7200.0, 90_000.0].map(|end| Clock::for_time(end).unit);
        assert_eq!(units, ["s", "s", "min", "min", "h"]);
    }
}
