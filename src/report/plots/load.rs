//! What a server carries, keys or messages, against the first swept number.

use super::axis::Axis;
use super::chart::{Chart, Entry, Mark, Sample, Stroke};
use super::series::{Sweep, measured_symbol, published, published_entry, published_symbol};
use super::style;
use crate::measure::summary::{Load, Point, Summary};

/// Which load a plot is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Of {
    /// Keys on each server.
    Keys,
    /// Messages that each server handled.
    Messages,
}

impl Of {
    /// The load at a point.
    pub(super) fn load(self, point: &Point) -> &Load {
        match self {
            Of::Keys => &point.keys_per_node,
            Of::Messages => &point.messages_per_node,
        }
    }

    /// The name of the load in the results.
    pub(super) fn metric(self) -> &'static str {
        match self {
            Of::Keys => "keys_per_node",
            Of::Messages => "messages_per_node",
        }
    }

    /// What is counted.
    pub(super) fn unit(self) -> &'static str {
        match self {
            Of::Keys => "keys",
            Of::Messages => "messages",
        }
    }
}

/// Series with whiskers of their own, side by side; of more only means are shown.
const MOST_WHISKERS: usize = 4;

/// Mean and 1st to 99th percentile against a swept parameter. None without one.
pub(super) fn chart(summary: &Summary, of: Of) -> Option<Chart> {
    let counted = |point: &&Point| !of.load(point).histogram.counts.is_empty();
    let points: Vec<&Point> = summary.points.iter().filter(counted).collect();
    let sweep = Sweep::new(summary, &points)?;

    let mut marks = Vec::new();
    let mut legend = Vec::new();
    let alone = sweep.series.len() == 1;
    let with_whiskers = (1..=MOST_WHISKERS).contains(&sweep.series.len());
    for (number, series) in sweep.series.iter().enumerate() {
        let colour = series.look.colour;
        let aside = sweep.aside(number, with_whiskers);
        let loads = || series.points.iter().map(|(x, point)| (*x, of.load(point)));
        let whiskers = loads().map(|(x, load)| (x, load.p1 as f64, load.p99 as f64)).collect();
        let means: Vec<(f64, f64)> = loads().map(|(x, load)| (x, load.mean)).collect();
        let symbol = measured_symbol(series.look, means.len());
        let stroke = Stroke::solid(colour);
        if with_whiskers {
            marks.push(Mark::Whiskers { points: whiskers, colour, aside });
        }
        let with_line = (alone || !with_whiskers) && !sweep.axis.of_names;
        if with_line {
            marks.push(Mark::Line { points: means.clone(), stroke });
        }
        marks.push(Mark::Points { points: means, symbol, aside });
        let mut samples = vec![Sample::Symbol(symbol)];
        if with_line {
            samples.insert(0, Sample::Line(stroke));
        }
        legend.push(if alone {
            Entry::new(samples, "mean")
        } else {
            Entry::series(samples, series.name.clone())
        });
    }
    if with_whiskers {
        let colour = if alone { style::Look::numbered(0).colour } else { style::FRAME };
        legend.push(Entry::new([Sample::Whisker(colour)], "1st to 99th percentile"));
    }

    add_published(summary, &sweep, of, &mut marks, &mut legend);

    Some(Chart {
        title: match of {
            Of::Keys => "Keys per server",
            Of::Messages => "Messages handled per server",
        }
        .to_owned(),
        subtitle: summary.scenario.clone(),
        y: height_axis(of, with_whiskers, &points, &marks),
        x: sweep.axis,
        marks,
        legend,
    })
}

/// Published means and percentiles, each with the shape of their source.
fn add_published(
    summary: &Summary,
    sweep: &Sweep<'_>,
    of: Of,
    marks: &mut Vec<Mark>,
    legend: &mut Vec<Entry>,
) {
    let statistic_of = |metric: &str| -> Option<usize> {
        let statistic = metric.strip_prefix(of.metric())?;
        [".mean", ".p1", ".p99"].into_iter().position(|known| known == statistic)
    };
    let sources = published(summary, |comparison| {
        statistic_of(&comparison.metric).is_some() && sweep.holds(comparison)
    });
    for (number, source) in sources.into_iter().enumerate() {
        let mut there = [false; 3];
        for comparison in &source.comparisons {
            if let Some(statistic) = statistic_of(&comparison.metric) {
                there[statistic] = true;
            }
        }
        let what = match there {
            [true, true, true] => "mean, 1st and 99th percentile",
            [false, true, true] => "1st and 99th percentile",
            [true, true, false] => "mean and 1st percentile",
            [true, false, true] => "mean and 99th percentile",
            [true, false, false] => "mean",
            [false, true, false] => "1st percentile",
            [false, false, _] => "99th percentile",
        };
        let symbol = published_symbol(number, source.comparisons.len() / 3);
        legend.push(published_entry(symbol, source.source, what));
        marks.push(Mark::Points { points: source.points(), symbol, aside: 0.0 });
    }
}

fn height_axis(of: Of, with_whiskers: bool, points: &[&Point], marks: &[Mark]) -> Axis {
    let means: Vec<f64> = points.iter().map(|point| of.load(point).mean).collect();
    let mut heights = means.clone();
    for mark in marks {
        match mark {
            Mark::Whiskers { points, .. } => heights.extend(points.iter().map(|point| point.2)),
            Mark::Points { points, .. } => heights.extend(points.iter().map(|point| point.1)),
            Mark::Band { .. }
            | Mark::Bars { .. }
            | Mark::Line { .. }
            | Mark::Number { .. }
            | Mark::Upright { .. } => {}
        }
    }
    let mean = if with_whiskers { "" } else { "mean " };
    let name = format!("{mean}{} per server", of.unit());
    match Axis::logarithmic_floor(&means) {
        Some(least) => Axis::logarithmic_from(format!("{name} (log scale)"), least, &heights),
        None => Axis::from_zero(name, &heights),
    }
}
