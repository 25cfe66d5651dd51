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
mod distribution;
mod draw;
mod hops;
mod load;
mod series;
mod style;

use chart::Chart;
use load::Of;

/// The name of a plot's file, without its ending: the plot's name in a scenario.
pub(super) fn file_stem(plot: Plot) -> &'static str {
    match plot {
        Plot::Hops => "hops",
        Plot::HopDistribution => "hop_distribution",
        Plot::KeysPerNode => "keys_per_node",
        Plot::KeyDistribution => "key_distribution",
        Plot::MessagesPerNode => "messages_per_node",
        Plot::MessageDistribution => "message_distribution",
    }
}

/// A plot as the text of an SVG file.
pub(super) fn svg(summary: &Summary, plot: Plot) -> Result<String, String> {
    draw::svg(&chart_of(summary, plot))
}

/// Writes a plot as a PNG file.
pub(super) fn png(summary: &Summary, plot: Plot, path: &Path) -> Result<(), String> {
    draw::png(&chart_of(summary, plot), path)
}

/// The chart of a plot. What would stand against a swept parameter is shown as a
/// distribution when nothing is swept.
fn chart_of(summary: &Summary, plot: Plot) -> Chart {
    let against_sweep = match plot {
        Plot::Hops => hops::chart(summary),
        Plot::KeysPerNode => load::chart(summary, Of::Keys),
        Plot::MessagesPerNode => load::chart(summary, Of::Messages),
        Plot::HopDistribution | Plot::KeyDistribution | Plot::MessageDistribution => None,
    };
    against_sweep.unwrap_or_else(|| match plot {
        Plot::Hops | Plot::HopDistribution => distribution::of_hops(summary),
        Plot::KeysPerNode | Plot::KeyDistribution => distribution::of_load(summary, Of::Keys),
        Plot::MessagesPerNode | Plot::MessageDistribution => {
            distribution::of_load(summary, Of::Messages)
        }
    })
}
