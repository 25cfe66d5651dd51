//! What a server carries, keys or messages, against the first swept parameter.

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

/// Distance between the whiskers of two series at the same place.
const ASIDE: f64 = 9.0;

/// Mean and 1st to 99th percentile against the first swept parameter. None
/// without one.
pub(super) fn chart(summary: &Summary, of: Of) -> Option<Chart> {
    let counted = |point: &&Point| !of.load(point).histogram.counts.is_empty();
    let points: Vec<&Point> = summary.points.iter().filter(counted).collect();
    let sweep = Sweep::new(summary, &points)?;

    let mut marks = Vec::new();
    let mut legend = Vec::new();
    let alone = sweep.series.len() == 1;
    for (number, series) in sweep.series.iter().enumerate() {
        let colour = style::series_colour(number);
        let aside = (number as f64 - (sweep.series.len() - 1) as f64 / 2.0) * ASIDE;
        let aside = if sweep.series.len() > 4 { 0.0 } else { aside };
        let loads = || series.points.iter().map(|(x, point)| (*x, of.load(point)));
        let whiskers = loads().map(|(x, load)| (x, load.p1 as f64, load.p99 as f64)).collect();
        let means: Vec<(f64, f64)> = loads().map(|(x, load)| (x, load.mean)).collect();
        let symbol = measured_symbol(number, means.len());
        let stroke = Stroke::solid(colour);
        marks.push(Mark::Whiskers { points: whiskers, colour, aside });
        if aside == 0.0 {
            marks.push(Mark::Line { points: means.clone(), stroke });
        }
        marks.push(Mark::Points { points: means, symbol, aside });
        let mut samples = vec![Sample::Symbol(symbol)];
        if aside == 0.0 {
            samples.insert(0, Sample::Line(stroke));
        }
        legend.push(if alone {
            Entry::new(samples, "mean")
        } else {
            Entry::series(samples, series.name.clone())
        });
    }
    if !sweep.series.is_empty() {
        let colour = if alone { style::series_colour(0) } else { style::FRAME };
        legend.push(Entry::new([Sample::Whisker(colour)], "1st to 99th percentile"));
    }

    let mut shapes = 0;
    for (statistics, what) in [(&["mean"][..], "mean"), (&["p1", "p99"], "1st and 99th percentile")]
    {
        for source in published(summary, |comparison| {
            let statistic =
                comparison.metric.strip_prefix(of.metric()).and_then(|rest| rest.strip_prefix('.'));
            statistic.is_some_and(|statistic| statistics.contains(&statistic))
                && summary.sweep.first() == Some(&comparison.against)
        }) {
            let symbol = published_symbol(shapes, source.comparisons.len());
            shapes += 1;
            legend.push(published_entry(symbol, source.source, what));
            marks.push(Mark::Points { points: source.points(), symbol, aside: 0.0 });
        }
    }

    Some(Chart {
        title: match of {
            Of::Keys => "Keys per server",
            Of::Messages => "Messages handled per server",
        }
        .to_owned(),
        subtitle: summary.scenario.clone(),
        y: height_axis(of, &points, &marks),
        x: sweep.axis,
        marks,
        legend,
    })
}

fn height_axis(of: Of, points: &[&Point], marks: &[Mark]) -> Axis {
    let means: Vec<f64> = points.iter().map(|point| of.load(point).mean).collect();
    let mut heights = means.clone();
    for mark in marks {
        match mark {
            Mark::Whiskers { points, .. } => heights.extend(points.iter().map(|point| point.2)),
            Mark::Points { points, .. } => heights.extend(points.iter().map(|point| point.1)),
            Mark::Band { .. } | Mark::Bars { .. } | Mark::Line { .. } => {}
        }
    }
    let name = format!("{} per server", of.unit());
    match Axis::logarithmic_floor(&means) {
        Some(least) => Axis::logarithmic_from(format!("{name} (log scale)"), least, &heights),
        None => Axis::from_zero(name, &heights),
    }
}
