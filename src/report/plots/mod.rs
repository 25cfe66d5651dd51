//! The plots of a scenario.
//!
//! A plot is made in two steps: the file of its kind turns results into a
//! [`Chart`](chart::Chart), plain data in the units of its axes, and `draw` puts
//! any chart on paper, as SVG or as PNG, by the same drawing. How plots look is
//! in `style`.

use std::path::Path;

use crate::measure::summary::Summary;
use crate::scenario::format::Plot;

mod axis;
mod chart;
mod cost_performance;
mod distribution;
mod draw;
mod hops;
mod live;
mod load;
mod metric;
mod over_time;
mod series;
mod style;

use chart::Chart;
use load::Of;

pub(super) use live::Live;
pub(super) use series::{distinct_name, in_words, name_of, selected, short};

/// A plot as the text of an SVG file.
pub(super) fn svg(summary: &Summary, plot: &Plot) -> Result<String, String> {
    draw::svg(&chart_of(summary, plot))
}

/// A plot for a page, with what its script must know.
pub(super) fn live(summary: &Summary, plot: &Plot) -> Result<Live, String> {
    live::figure(&chart_of(summary, plot))
}

/// Writes a plot as a PNG file.
pub(super) fn png(summary: &Summary, plot: &Plot, path: &Path) -> Result<(), String> {
    draw::png(&chart_of(summary, plot), path)
}

/// The chart of a plot. What would stand against a swept parameter is shown as a
/// distribution when nothing is swept.
fn chart_of(summary: &Summary, plot: &Plot) -> Chart {
    let hops = || distribution::of_hops(summary);
    let load = |of| distribution::of_load(summary, of);
    match plot {
        Plot::Hops => hops::chart(summary).unwrap_or_else(hops),
        Plot::HopDistribution => hops(),
        Plot::KeysPerNode => load::chart(summary, Of::Keys).unwrap_or_else(|| load(Of::Keys)),
        Plot::KeyDistribution => load(Of::Keys),
        Plot::MessagesPerNode => {
            load::chart(summary, Of::Messages).unwrap_or_else(|| load(Of::Messages))
        }
        Plot::MessageDistribution => load(Of::Messages),
        Plot::Metric(plot) => metric::chart(summary, plot),
        Plot::OverTime(plot) => over_time::chart(summary, plot),
        Plot::CostPerformance(plot) => cost_performance::chart(summary, plot),
    }
}
