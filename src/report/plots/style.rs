//! How plots look: sizes, colours and marks, in one place.
//!
//! Sizes are in the units of a plot of [`WIDTH`] × [`HEIGHT`]; the drawing
//! scales them.

use plotters::style::RGBColor;

/// Width of a plot.
pub(super) const WIDTH: i32 = 900;
/// Height of a plot.
pub(super) const HEIGHT: i32 = 560;

/// Units drawn in an SVG for one unit here. plotters rounds to whole units;
/// a finer grid keeps slopes straight.
pub(super) const SVG_SCALE: i32 = 4;
/// Pixels of a PNG for one unit here: sharp on dense screens as well.
pub(super) const PNG_SCALE: i32 = 2;

// Even sizes: plotters lifts the decimal point in odd ones.
/// Size of the title.
pub(super) const TITLE_SIZE: i32 = 26;
/// Size of the line below the title, and of the names of the axes.
pub(super) const LABEL_SIZE: i32 = 20;
/// Size of the labels of ticks and of the legend.
pub(super) const TEXT_SIZE: i32 = 18;
/// From one line of the legend to the next.
pub(super) const LINE_HEIGHT: i32 = 20;

/// Empty border around everything.
pub(super) const MARGIN: i32 = 24;
/// The most that the text of a legend may be wide before it is wrapped.
pub(super) const LEGEND_TEXT_WIDTH: i32 = 208;
/// Width of the sample beside the text of a legend.
pub(super) const SAMPLE_WIDTH: i32 = 34;

/// Titles, names and labels.
pub(super) const INK: RGBColor = RGBColor(0x26, 0x26, 0x26);
/// The line below the title.
pub(super) const FAINT_INK: RGBColor = RGBColor(0x66, 0x66, 0x66);
/// The frame and its ticks.
pub(super) const FRAME: RGBColor = RGBColor(0x8c, 0x8c, 0x8c);
/// The grid.
pub(super) const GRID: RGBColor = RGBColor(0xe4, 0xe4, 0xe4);
/// What is known from theory.
pub(super) const THEORY: RGBColor = RGBColor(0x59, 0x59, 0x59);
/// What was published.
pub(super) const PUBLISHED: RGBColor = RGBColor(0x00, 0x00, 0x00);

/// The colours of Okabe and Ito, which readers with any colour vision can tell
/// apart, without the yellow, which is too light for lines on white.
const SERIES: [RGBColor; 6] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0x56, 0xb4, 0xe9),
    RGBColor(0xe6, 0x9f, 0x00),
];

/// Shape of a mark.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shape {
    /// A circle.
    Circle,
    /// A square that stands on its side.
    Square,
    /// A triangle that points up.
    Triangle,
    /// A square that stands on its corner.
    Diamond,
    /// A triangle that points down.
    Wedge,
}

const SHAPES: [Shape; 4] = [Shape::Circle, Shape::Square, Shape::Triangle, Shape::Diamond];

/// What tells a series from others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Look {
    /// Its colour.
    pub(super) colour: RGBColor,
    /// The shape of its marks.
    pub(super) shape: Shape,
}

impl Look {
    /// Look of a series by its number. The shape also changes when the colours begin
    /// anew, so that 12 series can be told apart.
    pub(super) const fn numbered(number: usize) -> Look {
        Look {
            colour: SERIES[number % SERIES.len()],
            shape: SHAPES[(number + number / SERIES.len()) % SHAPES.len()],
        }
    }
}

/// The systems, which look the same in every plot that sets them side by side. The
/// relatives of Chord have neighbouring colours.
const SYSTEMS: [(&str, Look); 7] = [
    ("Chord", Look::numbered(0)),
    ("tracker", Look::numbered(1)),
    ("full membership", Look::numbered(2)),
    ("successor ring", Look::numbered(3)),
    ("Chord base", Look { colour: SERIES[4], shape: Shape::Wedge }),
    ("hash mod N", Look::numbered(5)),
    ("proximity Chord", Look::numbered(4)),
];

/// Looks of what is shown side by side, given the system that each is about, if it is
/// one: those of the systems when all are different ones, or else by number.
pub(super) fn looks(systems: &[Option<&str>]) -> Vec<Look> {
    system_looks(systems).unwrap_or_else(|| (0..systems.len()).map(Look::numbered).collect())
}

/// Looks of systems, if all are known and different ones and there are several.
pub(super) fn system_looks(systems: &[Option<&str>]) -> Option<Vec<Look>> {
    let looks = systems.iter().map(|system| {
        SYSTEMS.iter().find(|(name, _)| Some(*name) == *system).map(|(_, look)| *look)
    });
    let looks = looks.collect::<Option<Vec<Look>>>()?;
    let distinct = |look| looks.iter().filter(|other| *other == look).count() == 1;
    (looks.len() > 1 && looks.iter().all(distinct)).then_some(looks)
}

/// Shape of the marks of a published source by its number.
pub(super) fn published_shape(number: usize) -> Shape {
    SHAPES[number % SHAPES.len()]
}

/// Dashes and gaps that tell apart lines of the same colour.
pub(super) fn dash(number: usize) -> (f64, f64) {
    const DASHES: [(f64, f64); 4] = [(9.0, 6.0), (2.5, 4.5), (18.0, 7.0), (5.0, 11.0)];
    DASHES[number % DASHES.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems_side_by_side_look_as_they_do_elsewhere() {
        let both = looks(&[Some("tracker"), Some("Chord")]);
        assert_eq!(both, [Look::numbered(1), Look::numbered(0)]);
        for by_number in [
            &[Some("tracker")][..],
            &[Some("tracker"), Some("tracker")],
            &[Some("tracker"), None],
            &[Some("tracker"), Some("another")],
        ] {
            assert_eq!(looks(by_number)[0], Look::numbered(0), "{by_number:?}");
        }
    }
}
