//! Puts a chart on paper: one drawing for every format.
//!
//! The legend stands in a strip of its own at the right, so that it never covers
//! the data; what it leaves is the plane. This file must not know what a chart
//! is about.

use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::element::{Circle, PathElement, Polygon};
use plotters::prelude::{BitMapBackend, DrawingBackend, IntoDrawingArea, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    Color, FontDesc, FontFamily, FontStyle, FontTransform, RGBColor, ShapeStyle, TextStyle,
};
use std::path::Path;

use super::axis::Axis;
use super::chart::{Chart, Entry, Mark, Place, Sample, Stroke, Symbol};
use super::style::{self, Shape};
use crate::report::font;

/// Why a chart could not be drawn, in words.
pub(super) type Failure = String;

/// A chart as the text of an SVG file.
pub(super) fn svg(chart: &Chart) -> Result<String, Failure> {
    let (width, height) = size(style::SVG_SCALE);
    let mut text = String::new();
    let backend = SVGBackend::with_string(&mut text, (width, height));
    draw(chart, style::SVG_SCALE, SVG_TEXT_DROP, backend, &|_| ())?;
    // The fine grid of plotters is the inner one; outside it has the usual size.
    let inner = format!("<svg width=\"{width}\" height=\"{height}\"");
    let outer = format!("<svg width=\"{}\" height=\"{}\"", style::WIDTH, style::HEIGHT);
    Ok(text.replacen(&inner, &outer, 1))
}

/// Writes a chart as a PNG file.
pub(super) fn png(chart: &Chart, path: &Path) -> Result<(), Failure> {
    let size = size(style::PNG_SCALE);
    let backend = BitMapBackend::new(path, size);
    draw(chart, style::PNG_SCALE, PNG_TEXT_DROP, backend, &|_| ()).map(drop)
}

/// What is being drawn, for a backend that keeps things apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Part {
    /// Titles, axes and the grid.
    Ground,
    /// The mark of this number.
    Mark(usize),
    /// The entry of the legend of this number.
    Entry(usize),
}

/// Draws a chart on a backend on the grid of SVG files, which is told by `on_part` what comes
/// next; gives the plane on which its marks stand.
pub(super) fn draw_parts<'a, DB: DrawingBackend>(
    chart: &'a Chart,
    backend: DB,
    on_part: &dyn Fn(Part),
) -> Result<Plane<'a>, Failure> {
    draw(chart, style::SVG_SCALE, SVG_TEXT_DROP, backend, on_part)
}

/// The size of the grid on which so many units make one of the plot.
pub(super) fn size(scale: i32) -> (u32, u32) {
    ((style::WIDTH * scale) as u32, (style::HEIGHT * scale) as u32)
}

// plotters centres text a little too high, each backend by its own share of the
// text's size.
const SVG_TEXT_DROP: f64 = 0.05;
const PNG_TEXT_DROP: f64 = 0.17;

/// Draws a chart on any backend, `scale` of its units for one unit of the plot, and
/// text lower by a share of its size.
fn draw<'a, DB: DrawingBackend>(
    chart: &'a Chart,
    scale: i32,
    text_drop: f64,
    backend: DB,
    on_part: &dyn Fn(Part),
) -> Result<Plane<'a>, Failure> {
    font::register()?;
    let area = backend.into_drawing_area();
    area.fill(&plotters::style::WHITE).map_err(in_words)?;
    let paper = Paper { area: &area, scale: f64::from(scale), text_drop };
    let legend = Legend::fit(&paper, &chart.legend)?;
    let plane = Plane::beside(&paper, chart, &legend)?;
    plane.draw_axes(&paper)?;
    for (number, mark) in chart.marks.iter().enumerate() {
        on_part(Part::Mark(number));
        plane.draw_mark(&paper, mark)?;
    }
    on_part(Part::Ground);
    if chart.marks.is_empty() {
        let middle = plane.at(0.5, 0.5);
        let nothing = Text { colour: style::FAINT_INK, ..Text::label("nothing was measured") };
        paper.write(&nothing, middle)?;
    }
    legend.draw(&paper, plane.right + LEGEND_GAP, plane.top, on_part)?;
    on_part(Part::Ground);
    area.present().map_err(in_words)?;
    Ok(plane)
}

fn in_words(error: impl std::fmt::Display) -> Failure {
    error.to_string()
}

/// A text and how it is written.
#[derive(Clone, Copy)]
struct Text<'a> {
    words: &'a str,
    size: i32,
    weight: FontStyle,
    colour: RGBColor,
    /// Which side of it stands at its place.
    side: HPos,
    upright: bool,
}

impl<'a> Text<'a> {
    /// A tick's label or a line of a legend.
    fn tick(words: &'a str) -> Text<'a> {
        Text { size: style::TEXT_SIZE, ..Text::label(words) }
    }

    /// The name of an axis.
    fn label(words: &'a str) -> Text<'a> {
        Text {
            words,
            size: style::LABEL_SIZE,
            weight: FontStyle::Normal,
            colour: style::INK,
            side: HPos::Center,
            upright: false,
        }
    }
}

/// The paper: plotters' drawing area in the units of the plot.
struct Paper<'a, DB: DrawingBackend> {
    area: &'a DrawingArea<DB, Shift>,
    scale: f64,
    text_drop: f64,
}

impl<DB: DrawingBackend> Paper<'_, DB> {
    fn to_grid(&self, (x, y): Place) -> (i32, i32) {
        ((x * self.scale).round() as i32, (y * self.scale).round() as i32)
    }

    fn font(&self, text: &Text<'_>) -> TextStyle<'static> {
        let size = f64::from(text.size) * self.scale;
        let turn = if text.upright { FontTransform::Rotate270 } else { FontTransform::None };
        let font = FontDesc::new(FontFamily::Name(font::FAMILY), size, text.weight);
        TextStyle {
            font: font.transform(turn),
            color: text.colour.to_backend_color(),
            pos: Pos::new(text.side, VPos::Center),
        }
    }

    fn width_of(&self, text: &Text<'_>) -> Result<f64, Failure> {
        let flat = Text { upright: false, ..*text };
        let size = self.area.estimate_text_size(text.words, &self.font(&flat));
        Ok(f64::from(size.map_err(in_words)?.0) / self.scale)
    }

    fn write(&self, text: &Text<'_>, (x, y): Place) -> Result<(), Failure> {
        let drop = f64::from(text.size) * self.text_drop;
        let place = if text.upright { (x + drop, y) } else { (x, y + drop) };
        let style = self.font(text);
        self.area.draw_text(text.words, &style, self.to_grid(place)).map_err(in_words)
    }

    /// Writes a text no longer than `room`: in a smaller size if need be, and cut at last.
    fn write_within(&self, text: Text<'_>, place: Place, room: f64) -> Result<(), Failure> {
        let mut text = text;
        while self.width_of(&text)? > room && text.size > style::TEXT_SIZE {
            // Even sizes only.
            text.size -= 2;
        }
        if self.width_of(&text)? <= room {
            return self.write(&text, place);
        }
        let words = cut(self, text, room)?;
        self.write(&Text { words: &words, ..text }, place)
    }

    fn stroke(&self, colour: RGBColor, width: f64) -> ShapeStyle {
        let width = (width * self.scale).round().max(1.0) as u32;
        ShapeStyle { color: colour.to_rgba(), filled: false, stroke_width: width }
    }

    /// A line through points. plotters needs two that differ.
    fn line(&self, points: &[Place], colour: RGBColor, width: f64) -> Result<(), Failure> {
        let mut points: Vec<(i32, i32)> = points.iter().map(|at| self.to_grid(*at)).collect();
        points.dedup();
        if points.len() < 2 {
            return Ok(());
        }
        let path = PathElement::new(points, self.stroke(colour, width));
        self.area.draw(&path).map_err(in_words)
    }

    /// A line that is solid or has dashes.
    fn stroke_along(&self, points: &[Place], stroke: Stroke) -> Result<(), Failure> {
        let Some((dash, gap)) = stroke.dash else {
            return self.line(points, stroke.colour, stroke.width);
        };
        for dash in dashes(points, dash, gap) {
            self.line(&dash, stroke.colour, stroke.width)?;
        }
        Ok(())
    }

    fn fill(&self, corners: &[Place], colour: RGBColor, share: f64) -> Result<(), Failure> {
        if corners.len() < 3 {
            return Ok(());
        }
        let corners: Vec<(i32, i32)> = corners.iter().map(|at| self.to_grid(*at)).collect();
        self.area.draw(&Polygon::new(corners, colour.mix(share))).map_err(in_words)
    }

    fn symbol(&self, (x, y): Place, symbol: Symbol) -> Result<(), Failure> {
        let Symbol { shape, colour, radius, open } = symbol;
        let outline = self.stroke(colour, 1.75);
        // Shapes of about the same area.
        let corners: &[Place] = match shape {
            Shape::Circle => {
                let style = if open { outline } else { colour.filled() };
                let radius = (radius * self.scale).round() as i32;
                let circle = Circle::new(self.to_grid((x, y)), radius, style);
                return self.area.draw(&circle).map_err(in_words);
            }
            Shape::Square => &[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
            Shape::Triangle => &[(0.0, -1.3), (1.2, 0.8), (-1.2, 0.8)],
            Shape::Wedge => &[(0.0, 1.3), (1.2, -0.8), (-1.2, -0.8)],
            Shape::Diamond => &[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)],
        };
        let mut corners: Vec<Place> =
            corners.iter().map(|(dx, dy)| (x + dx * radius, y + dy * radius)).collect();
        if !open {
            return self.fill(&corners, colour, 1.0);
        }
        // Round to the second corner again: that closes the first one.
        corners.extend_from_within(..2);
        self.line(&corners, colour, 1.75)
    }

    fn whisker(&self, x: f64, top: f64, bottom: f64, colour: RGBColor) -> Result<(), Failure> {
        self.line(&[(x, top), (x, bottom)], colour, 1.75)
    }

    fn whisker_end(&self, x: f64, y: f64, colour: RGBColor) -> Result<(), Failure> {
        const HALF_BAR: f64 = 4.0;
        self.line(&[(x - HALF_BAR, y), (x + HALF_BAR, y)], colour, 1.75)
    }
}

/// Cuts a line into dashes.
fn dashes(points: &[Place], dash: f64, gap: f64) -> Vec<Vec<Place>> {
    let mut dashes = Vec::new();
    let mut current: Vec<Place> = points.first().copied().into_iter().collect();
    let mut drawing = true;
    let mut left = dash;
    for pair in points.windows(2) {
        let (mut from, to) = (pair[0], pair[1]);
        loop {
            let (dx, dy) = (to.0 - from.0, to.1 - from.1);
            let length = (dx * dx + dy * dy).sqrt();
            if length <= left {
                left -= length;
                break;
            }
            from = (from.0 + dx * left / length, from.1 + dy * left / length);
            current.push(from);
            if drawing {
                dashes.push(std::mem::take(&mut current));
            }
            drawing = !drawing;
            left = if drawing { dash } else { gap };
            current = vec![from];
        }
        current.push(to);
    }
    if drawing {
        dashes.push(current);
    }
    dashes
}

/// Between the plane and the legend.
const LEGEND_GAP: f64 = 22.0;
/// Between the mark of a legend's entry and its text.
const SAMPLE_GAP: f64 = 8.0;
/// Between two entries.
const ENTRY_GAP: f64 = 7.0;
/// Above the plane: the title and the line below it.
const HEAD: f64 = 84.0;
/// Between the plane and the labels of its ticks.
const TICK_GAP: f64 = 9.0;

/// The room of a legend's line.
const LEGEND_ROOM: f64 = style::LEGEND_TEXT_WIDTH as f64;

/// The legend with its texts wrapped, and no longer than fits.
struct Legend<'a> {
    entries: Vec<Shown<'a>>,
    width: f64,
}

/// An entry of the legend as it is drawn.
struct Shown<'a> {
    /// Its number; none for the line that says how many were left out.
    number: Option<usize>,
    samples: &'a [Sample],
    lines: Vec<String>,
}

impl<'a> Legend<'a> {
    fn fit<DB: DrawingBackend>(
        paper: &Paper<'_, DB>,
        entries: &'a [Entry],
    ) -> Result<Legend<'a>, Failure> {
        const BELOW: f64 = 40.0;
        let room = f64::from(style::HEIGHT) - HEAD - BELOW;
        let mut wrapped = Vec::new();
        for (number, entry) in entries.iter().enumerate() {
            wrapped.push((number, entry, wrap(paper, &entry.text, LEGEND_ROOM)?));
        }
        // Leave out the last of many alike until the rest fits.
        let mut dropped = 0;
        let mut last_dropped = None;
        let height = |entries: &[(usize, &Entry, Vec<String>)]| -> f64 {
            entries.iter().map(|(_, _, lines)| height_of(lines)).sum()
        };
        let line = f64::from(style::LINE_HEIGHT) + ENTRY_GAP;
        while height(&wrapped) + if dropped > 0 { line } else { 0.0 } > room {
            let Some(last) = wrapped.iter().rposition(|(_, entry, _)| entry.one_of_many) else {
                break;
            };
            wrapped.remove(last);
            last_dropped = Some(last);
            dropped += 1;
        }
        let shown = |(number, entry, lines): (usize, &'a Entry, Vec<String>)| Shown {
            number: Some(number),
            samples: &entry.samples,
            lines,
        };
        let mut entries: Vec<Shown<'a>> = wrapped.into_iter().map(shown).collect();
        if let Some(place) = last_dropped {
            let lines = vec![format!("+ {dropped} more")];
            entries.insert(place, Shown { number: None, samples: &[], lines });
        }
        let mut text_width: f64 = 0.0;
        for line in entries.iter().flat_map(|entry| &entry.lines) {
            text_width = text_width.max(paper.width_of(&Text::tick(line))?);
        }
        let width = if entries.is_empty() {
            0.0
        } else {
            LEGEND_GAP + f64::from(style::SAMPLE_WIDTH) + SAMPLE_GAP + text_width
        };
        Ok(Legend { entries, width })
    }

    fn draw<DB: DrawingBackend>(
        &self,
        paper: &Paper<'_, DB>,
        left: f64,
        top: f64,
        on_part: &dyn Fn(Part),
    ) -> Result<(), Failure> {
        let line_height = f64::from(style::LINE_HEIGHT);
        let sample_width = f64::from(style::SAMPLE_WIDTH);
        let mut y = top + line_height / 2.0;
        for Shown { number, samples, lines } in &self.entries {
            on_part(number.map_or(Part::Ground, Part::Entry));
            for sample in *samples {
                draw_sample(paper, *sample, left, y)?;
            }
            for (number, line) in lines.iter().enumerate() {
                let place = (left + sample_width + SAMPLE_GAP, y + number as f64 * line_height);
                paper.write(&Text { side: HPos::Left, ..Text::tick(line) }, place)?;
            }
            y += height_of(lines);
        }
        Ok(())
    }
}

fn height_of(lines: &[String]) -> f64 {
    lines.len() as f64 * f64::from(style::LINE_HEIGHT) + ENTRY_GAP
}

fn draw_sample<DB: DrawingBackend>(
    paper: &Paper<'_, DB>,
    sample: Sample,
    left: f64,
    y: f64,
) -> Result<(), Failure> {
    let right = left + f64::from(style::SAMPLE_WIDTH);
    let middle = f64::midpoint(left, right);
    let block = [(left, y - 7.0), (right, y - 7.0), (right, y + 7.0), (left, y + 7.0)];
    match sample {
        Sample::Band(colour) => paper.fill(&block, colour, BAND_SHARE),
        Sample::Bar(colour) => paper.fill(&block, tint(colour), 1.0),
        Sample::Line(stroke) => paper.stroke_along(&[(left, y), (right, y)], stroke),
        Sample::Symbol(symbol) => paper.symbol((middle, y), symbol),
        Sample::Number(number) => paper.write(&Text::tick(&number.to_string()), (middle, y)),
        Sample::Upright(stroke) => {
            paper.stroke_along(&[(middle, y - 9.0), (middle, y + 9.0)], stroke)
        }
        Sample::Whisker(colour) => {
            paper.whisker(middle, y - 8.0, y + 8.0, colour)?;
            paper.whisker_end(middle, y - 8.0, colour)?;
            paper.whisker_end(middle, y + 8.0, colour)
        }
    }
}

/// Breaks a text into lines no wider than `room`: between words where it can, then
/// at spaces that should not break, then behind a sign, and anywhere at last.
fn wrap<DB: DrawingBackend>(
    paper: &Paper<'_, DB>,
    text: &str,
    room: f64,
) -> Result<Vec<String>, Failure> {
    let fits =
        |line: &str| -> Result<bool, Failure> { Ok(paper.width_of(&Text::tick(line))? <= room) };
    let mut lines = Vec::new();
    let mut line = String::new();
    // What is still to be placed, the next one last: the gap before it, itself, and
    // how it was split off.
    let mut left: Vec<(&str, &str, usize)> = vec![("", text, 0)];
    while let Some((gap, part, level)) = left.pop() {
        let longer = if line.is_empty() { part.to_owned() } else { format!("{line}{gap}{part}") };
        if level > 0 && fits(&longer)? {
            line = longer;
            continue;
        }
        if level > 0 && fits(part)? || level == SPLITS {
            lines.push(std::mem::replace(&mut line, part.to_owned()));
            continue;
        }
        if level > 0 && !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        let mut parts = split(part, level);
        if let Some(first) = parts.first_mut() {
            first.0 = gap;
        }
        left.extend(parts.into_iter().rev().map(|(gap, part)| (gap, part, level + 1)));
    }
    lines.push(line);
    lines.retain(|line| !line.is_empty());
    Ok(lines)
}

/// Ways to split a text, from the best to the last.
const SPLITS: usize = 4;

/// The parts of a text with the gaps before them.
fn split(text: &str, way: usize) -> Vec<(&str, &str)> {
    match way {
        0 => text.split(' ').map(|part| (" ", part)).collect(),
        1 => text.split('\u{a0}').map(|part| ("\u{a0}", part)).collect(),
        2 => text.split_inclusive(['.', '-', '_', '/', '–']).map(|part| ("", part)).collect(),
        _ => text.split_inclusive(|_| true).map(|part| ("", part)).collect(),
    }
}

/// Cuts a text to no more than `room`.
fn cut<DB: DrawingBackend>(
    paper: &Paper<'_, DB>,
    text: Text<'_>,
    room: f64,
) -> Result<String, Failure> {
    let mut words = text.words.to_owned();
    let longer = |words: &str| -> Result<bool, Failure> {
        Ok(paper.width_of(&Text { words: &format!("{words}…"), ..text })? > room)
    };
    while !words.is_empty() && longer(&words)? {
        words.pop();
    }
    Ok(format!("{words}…"))
}

/// How opaque bands are.
const BAND_SHARE: f64 = 0.18;
/// How much of the colour bars have; the rest is white, to hide the grid.
const BAR_SHARE: f64 = 0.5;

fn tint(RGBColor(red, green, blue): RGBColor) -> RGBColor {
    let lighter = |part: u8| 255 - (f64::from(255 - part) * BAR_SHARE) as u8;
    RGBColor(lighter(red), lighter(green), lighter(blue))
}

/// What stands below the plane: the labels of the horizontal axis.
struct Below {
    /// Where each tick stands from 0 to 1, and the lines of its label: none when
    /// there is no room for it.
    ticks: Vec<(f64, Vec<String>)>,
    /// Whether the labels are turned.
    upright: bool,
    /// How far they reach down.
    depth: f64,
}

impl Below {
    /// The labels of an axis that is so wide.
    fn fit<DB: DrawingBackend>(
        paper: &Paper<'_, DB>,
        axis: &Axis,
        width: f64,
    ) -> Result<Below, Failure> {
        if axis.of_names {
            Below::names(paper, axis, width)
        } else {
            Below::numbers(paper, axis, width)
        }
    }

    /// Labels of numbers, as far as they have room.
    fn numbers<DB: DrawingBackend>(
        paper: &Paper<'_, DB>,
        axis: &Axis,
        width: f64,
    ) -> Result<Below, Failure> {
        const AIR: f64 = 8.0;
        let mut labels = Vec::new();
        for tick in &axis.ticks {
            let Some(share) = axis.place(tick.at) else { continue };
            let half = paper.width_of(&Text::tick(&tick.label))? / 2.0;
            labels.push((share, half, &tick.label));
        }
        let have_room = |one: usize, other: usize| {
            let (one, other) = (&labels[one], &labels[other]);
            (one.0 - other.0).abs() * width >= one.1 + other.1 + AIR
        };
        let count = labels.len();
        let shown: Vec<usize> = if axis.last_matters {
            // Values: the ends, and from the largest on all that have room.
            let mut shown = Vec::new();
            for number in (0..count).rev().take(1).chain(0..count.min(1)).chain((0..count).rev()) {
                if shown.iter().all(|other| have_room(number, *other)) {
                    shown.push(number);
                }
            }
            shown
        } else {
            // Steps: every one, or every second, third …
            let apart = |stride: &usize| {
                (*stride..count).step_by(*stride).all(|number| have_room(number, number - stride))
            };
            let stride = (1..count).find(apart).unwrap_or(count.max(1));
            (0..count).step_by(stride).collect()
        };
        let ticks = labels.iter().enumerate().map(|(number, (share, _, label))| {
            let lines = if shown.contains(&number) { vec![(*label).clone()] } else { Vec::new() };
            (*share, lines)
        });
        Ok(Below { ticks: ticks.collect(), upright: false, depth: f64::from(style::TEXT_SIZE) })
    }

    /// A label for every name: in two lines at most, or turned when that is too
    /// narrow.
    fn names<DB: DrawingBackend>(
        paper: &Paper<'_, DB>,
        axis: &Axis,
        width: f64,
    ) -> Result<Below, Failure> {
        const AIR: f64 = 8.0;
        const MOST_LINES: usize = 2;
        /// The most that turned labels reach down.
        const DEEPEST: f64 = 170.0;
        let line_height = f64::from(style::LINE_HEIGHT);
        let apart = width / axis.ticks.len().max(1) as f64;
        let places = || axis.ticks.iter().filter_map(|tick| axis.place(tick.at));

        let mut widest_word: f64 = 0.0;
        let mut labels = Vec::new();
        for tick in &axis.ticks {
            for word in tick.label.split(' ') {
                widest_word = widest_word.max(paper.width_of(&Text::tick(word))?);
            }
            labels.push(wrap(paper, &tick.label, apart - AIR)?);
        }
        let lines = labels.iter().map(Vec::len).max().unwrap_or(0).max(1);
        if widest_word <= apart - AIR && lines <= MOST_LINES {
            let depth = f64::from(style::TEXT_SIZE) + (lines - 1) as f64 * line_height;
            return Ok(Below { ticks: places().zip(labels).collect(), upright: false, depth });
        }

        // Even turned, very many have no room.
        let stride = (line_height / apart).ceil().max(1.0) as usize;
        let most_lines = ((apart / line_height) as usize).max(1);
        let mut depth: f64 = 0.0;
        labels.clear();
        for (number, tick) in axis.ticks.iter().enumerate() {
            let mut lines = Vec::new();
            if number % stride == 0 {
                lines = wrap(paper, &tick.label, DEEPEST)?;
            }
            if lines.len() > most_lines {
                lines.truncate(most_lines);
                if let Some(last) = lines.pop() {
                    lines.push(cut(paper, Text::tick(&last), DEEPEST)?);
                }
            }
            for line in &lines {
                depth = depth.max(paper.width_of(&Text::tick(line))?);
            }
            labels.push(lines);
        }
        Ok(Below { ticks: places().zip(labels).collect(), upright: true, depth })
    }
}

/// The plane between the axes, and where it stands on the paper.
pub(super) struct Plane<'a> {
    chart: &'a Chart,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    below: Below,
}

impl<'a> Plane<'a> {
    /// The plane that the titles, the labels and the legend leave.
    fn beside<DB: DrawingBackend>(
        paper: &Paper<'_, DB>,
        chart: &'a Chart,
        legend: &Legend<'_>,
    ) -> Result<Plane<'a>, Failure> {
        let margin = f64::from(style::MARGIN);
        let label = f64::from(style::LABEL_SIZE);
        let mut widest: f64 = 0.0;
        for tick in &chart.y.ticks {
            widest = widest.max(paper.width_of(&Text::tick(&tick.label))?);
        }
        // The label of the last tick may reach beyond the plane, but not off the paper.
        let mut right = f64::from(style::WIDTH) - margin - legend.width;
        if let (Some(tick), true, false) =
            (chart.x.ticks.last(), legend.entries.is_empty(), chart.x.of_names)
        {
            let half = paper.width_of(&Text::tick(&tick.label))? / 2.0;
            right -= (half + 8.0 - margin).max(0.0);
        }
        let left = margin + label + 12.0 + widest + TICK_GAP;
        let below = Below::fit(paper, &chart.x, right - left)?;
        Ok(Plane {
            chart,
            left,
            right,
            top: HEAD,
            bottom: f64::from(style::HEIGHT) - margin - label - 10.0 - below.depth - TICK_GAP,
            below,
        })
    }

    /// A place on the paper, from shares of the plane's width and height.
    fn at(&self, x: f64, y: f64) -> Place {
        let (width, height) = (self.right - self.left, self.bottom - self.top);
        (self.left + x * width, self.bottom - y * height)
    }

    /// Where something stands on the paper, in units of the plot.
    pub(super) fn place(&self, (x, y): Place) -> Option<Place> {
        Some(self.at(self.chart.x.place(x)?, self.chart.y.place(y)?))
    }

    /// The lower and the upper end of a line through the whole plane.
    pub(super) fn upright(&self, x: f64) -> Option<[Place; 2]> {
        let share = self.chart.x.place(x)?;
        Some([self.at(share, 0.0), self.at(share, 1.0)])
    }

    fn places(&self, points: &[Place]) -> Vec<Place> {
        points.iter().filter_map(|point| self.place(*point)).collect()
    }

    fn draw_axes<DB: DrawingBackend>(&self, paper: &Paper<'_, DB>) -> Result<(), Failure> {
        let margin = f64::from(style::MARGIN);
        let title = Text {
            size: style::TITLE_SIZE,
            weight: FontStyle::Bold,
            side: HPos::Left,
            ..Text::label(&self.chart.title)
        };
        let width = f64::from(style::WIDTH) - 2.0 * margin;
        paper.write_within(title, (margin, margin + 8.0), width)?;
        let subtitle = Text {
            size: style::TEXT_SIZE,
            colour: style::FAINT_INK,
            side: HPos::Left,
            ..Text::label(&self.chart.subtitle)
        };
        paper.write(&subtitle, (margin, margin + 34.0))?;

        for tick in &self.chart.y.ticks {
            let Some(share) = self.chart.y.place(tick.at) else { continue };
            let (x, y) = self.at(0.0, share);
            paper.line(&[(x, y), (self.right, y)], style::GRID, 1.0)?;
            let label = Text { side: HPos::Right, ..Text::tick(&tick.label) };
            paper.write(&label, (x - TICK_GAP, y))?;
        }
        for (share, lines) in &self.below.ticks {
            let (x, _) = self.at(*share, 0.0);
            paper.line(&[(x, self.top), (x, self.bottom)], style::GRID, 1.0)?;
            paper.line(&[(x, self.bottom), (x, self.bottom + 5.0)], style::FRAME, 1.0)?;
            for (number, line) in lines.iter().enumerate() {
                let down = number as f64 * f64::from(style::LINE_HEIGHT);
                let label = Text::tick(line);
                if self.below.upright {
                    let first = (lines.len() - 1) as f64 * f64::from(style::LINE_HEIGHT) / 2.0;
                    let label = Text { side: HPos::Right, upright: true, ..label };
                    paper.write(&label, (x - first + down, self.bottom + TICK_GAP))?;
                } else {
                    let first = self.bottom + TICK_GAP + f64::from(style::TEXT_SIZE) / 2.0;
                    paper.write(&label, (x, first + down))?;
                }
            }
        }
        let ground = [(self.left, self.bottom), (self.right, self.bottom)];
        paper.line(&ground, style::FRAME, 1.5)?;

        let below = f64::from(style::HEIGHT) - margin - f64::from(style::LABEL_SIZE) / 2.0;
        let middle = self.at(0.5, 0.5);
        paper.write(&Text::label(&self.chart.x.name), (middle.0, below))?;
        let left = margin + f64::from(style::LABEL_SIZE) / 2.0;
        let name = Text { upright: true, ..Text::label(&self.chart.y.name) };
        // It may reach beyond the plane, but not into the title.
        let height = 2.0 * (middle.1 - HEAD + TICK_GAP);
        paper.write_within(name, (left, middle.1), height)
    }

    fn draw_mark<DB: DrawingBackend>(
        &self,
        paper: &Paper<'_, DB>,
        mark: &Mark,
    ) -> Result<(), Failure> {
        match mark {
            Mark::Band { points, colour } => {
                let known = || points.iter().filter(|(_, low, high)| (low + high).is_finite());
                let upper = known().filter_map(|&(x, _, high)| self.place((x, high)));
                let lower = known().rev().filter_map(|&(x, low, _)| self.place((x, low)));
                let corners: Vec<Place> = upper.chain(lower).collect();
                paper.fill(&corners, *colour, BAND_SHARE)
            }
            Mark::Bars { bars, colour } => self.draw_bars(paper, bars, *colour),
            Mark::Line { points, stroke } => paper.stroke_along(&self.places(points), *stroke),
            Mark::Points { points, symbol, aside } => {
                for (x, y) in self.places(points) {
                    paper.symbol((x + aside, y), *symbol)?;
                }
                Ok(())
            }
            Mark::Number { at, number } => {
                let Some((x, y)) = self.place(*at) else { return Ok(()) };
                // Down and to the left, where nothing lies below a lower left hull.
                let label = number.to_string();
                let label = Text { side: HPos::Right, ..Text::tick(&label) };
                paper.write(&label, (x - 5.0, y + 11.0))
            }
            Mark::Upright { at, stroke } => {
                let Some(ends) = self.upright(*at) else { return Ok(()) };
                paper.stroke_along(&ends, *stroke)
            }
            Mark::Whiskers { points, colour, aside } => {
                for &(x, low, high) in points {
                    let ends = (self.place((x, high)), self.place((x, low)));
                    let (Some((x, top)), Some((_, bottom))) = ends else { continue };
                    paper.whisker(x + aside, top, bottom, *colour)?;
                    paper.whisker_end(x + aside, top, *colour)?;
                    // Without an end it is seen to go on below the axis.
                    if !self.chart.y.ends_above(low) {
                        paper.whisker_end(x + aside, bottom, *colour)?;
                    }
                }
                Ok(())
            }
        }
    }

    /// Bars with a gap between them when they are wide; narrow ones are one filled
    /// outline.
    fn draw_bars<DB: DrawingBackend>(
        &self,
        paper: &Paper<'_, DB>,
        bars: &[(f64, f64, f64)],
        colour: RGBColor,
    ) -> Result<(), Failure> {
        const WIDE: f64 = 8.0;
        let corners = bars.iter().filter_map(|&(from, to, height)| {
            Some((self.place((from, height))?, self.place((to, height))?))
        });
        let corners: Vec<(Place, Place)> = corners.collect();
        if corners.iter().all(|(left, right)| right.0 - left.0 >= WIDE) {
            for &((left, top), (right, _)) in &corners {
                let (left, right) = (left + 1.0, right - 1.0);
                let corners =
                    [(left, top), (right, top), (right, self.bottom), (left, self.bottom)];
                paper.fill(&corners, tint(colour), 1.0)?;
            }
            return Ok(());
        }
        let (Some(first), Some(last)) = (corners.first(), corners.last()) else {
            return Ok(());
        };
        let ends = ((first.0.0, self.bottom), (last.1.0, self.bottom));
        let steps = corners.iter().flat_map(|&(left, right)| [left, right]);
        let steps: Vec<Place> = std::iter::once(ends.0).chain(steps).chain([ends.1]).collect();
        paper.fill(&steps, tint(colour), 1.0)?;
        paper.line(&steps, colour, 1.25)
    }
}
