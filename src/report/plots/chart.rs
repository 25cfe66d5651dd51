//! A chart as plain data: what is to be seen, in the units of its axes.
//!
//! The files of the kinds of plots make charts; [`draw`](super::draw) puts them
//! on paper. This file must know neither the results nor plotters' backends.

use plotters::style::RGBColor;

use super::axis::Axis;
use super::style::{self, Shape};

/// A place on the plane of the two axes.
pub(super) type Place = (f64, f64);

/// A chart.
pub(super) struct Chart {
    /// What is shown, in a few words.
    pub(super) title: String,
    /// The line below: the scenario.
    pub(super) subtitle: String,
    /// The horizontal axis.
    pub(super) x: Axis,
    /// The vertical axis.
    pub(super) y: Axis,
    /// Everything on the plane, from the back to the front.
    pub(super) marks: Vec<Mark>,
    /// What the marks mean.
    pub(super) legend: Vec<Entry>,
}

/// Something on the plane. Places that are not finite are left out.
pub(super) enum Mark {
    /// A shaded band between two heights.
    Band {
        /// Horizontal place, lower and upper height.
        points: Vec<(f64, f64, f64)>,
        /// Colour of the shade.
        colour: RGBColor,
    },
    /// Filled bars from the ground up, side by side.
    Bars {
        /// Left and right edge and height.
        bars: Vec<(f64, f64, f64)>,
        /// Colour of the filling.
        colour: RGBColor,
    },
    /// A line from point to point.
    Line {
        /// The points.
        points: Vec<Place>,
        /// How it is drawn.
        stroke: Stroke,
    },
    /// Marks at points.
    Points {
        /// The points.
        points: Vec<Place>,
        /// How they are drawn.
        symbol: Symbol,
        /// How far they stand to the right of their place, in units of the plot.
        aside: f64,
    },
    /// A vertical line through the whole plane.
    Upright {
        /// Horizontal place.
        at: f64,
        /// How it is drawn.
        stroke: Stroke,
    },
    /// A number beside a point, which the legend explains.
    Number {
        /// The point.
        at: Place,
        /// The number.
        number: usize,
    },
    /// Vertical lines with a bar at both ends.
    Whiskers {
        /// Horizontal place, lower and upper height.
        points: Vec<(f64, f64, f64)>,
        /// Colour of the lines.
        colour: RGBColor,
        /// How far they stand to the right of their place, in units of the plot.
        aside: f64,
    },
}

/// How a line is drawn.
#[derive(Clone, Copy)]
pub(super) struct Stroke {
    /// Its colour.
    pub(super) colour: RGBColor,
    /// Its width in units of the plot.
    pub(super) width: f64,
    /// Length of a dash and of the gap behind it; none for a solid line.
    pub(super) dash: Option<(f64, f64)>,
}

impl Stroke {
    /// The line of a series.
    pub(super) fn solid(colour: RGBColor) -> Stroke {
        Stroke { colour, width: 2.5, dash: None }
    }

    /// A line that was calculated.
    pub(super) fn dashed(colour: RGBColor) -> Stroke {
        Stroke { colour, width: 2.0, dash: Some((9.0, 6.0)) }
    }

    /// One of several lines that were calculated.
    pub(super) fn theory(number: usize) -> Stroke {
        Stroke { dash: Some(style::dash(number)), ..Stroke::dashed(style::THEORY) }
    }

    /// A line that was fitted.
    pub(super) fn dotted(colour: RGBColor) -> Stroke {
        Stroke { colour, width: 2.0, dash: Some((2.0, 4.0)) }
    }
}

/// How a mark at a point is drawn.
#[derive(Clone, Copy)]
pub(super) struct Symbol {
    /// Its shape.
    pub(super) shape: Shape,
    /// Its colour.
    pub(super) colour: RGBColor,
    /// From its middle to its edge, in units of the plot.
    pub(super) radius: f64,
    /// Whether it is only an outline.
    pub(super) open: bool,
}

/// A line of the legend.
pub(super) struct Entry {
    /// What the mark looks like, from the back to the front.
    pub(super) samples: Vec<Sample>,
    /// What it means.
    pub(super) text: String,
    /// Whether it is one of many alike, some of which may be left out when they do
    /// not fit.
    pub(super) one_of_many: bool,
}

/// The mark of a legend.
#[derive(Clone, Copy)]
pub(super) enum Sample {
    /// A shaded band.
    Band(RGBColor),
    /// A filled bar.
    Bar(RGBColor),
    /// A line.
    Line(Stroke),
    /// A mark at a point.
    Symbol(Symbol),
    /// The number that stands beside a point.
    Number(usize),
    /// A vertical line.
    Upright(Stroke),
    /// A vertical line with bars at its ends.
    Whisker(RGBColor),
}

impl Entry {
    /// An entry that must stand.
    pub(super) fn new(samples: impl Into<Vec<Sample>>, text: impl Into<String>) -> Entry {
        Entry { samples: samples.into(), text: text.into(), one_of_many: false }
    }

    /// An entry for one of many series.
    pub(super) fn series(samples: impl Into<Vec<Sample>>, text: impl Into<String>) -> Entry {
        Entry { one_of_many: true, ..Entry::new(samples, text) }
    }
}
