//! A chart for a page: the same drawing, but what belongs to an entry of the legend is told
//! apart, colours are classes that a style sheet can change, and the places of values are
//! known, so that a script can show them.
//!
//! This file must not know what a chart is about, nor what the page looks like.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fmt::{Display, Write};

use plotters_backend::text_anchor::HPos;
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontStyle, FontTransform,
};
use serde_json::{Value, json};

use super::chart::{Chart, Entry, Mark, Place, Sample, Stroke, Symbol};
use super::draw::{self, Failure, Part, Plane};
use super::style;
use crate::report::html::escaped;

/// A plot for a page.
pub(in crate::report) struct Live {
    /// What it shows, in a few words.
    pub(in crate::report) title: String,
    /// The line below: of which points.
    pub(in crate::report) subtitle: String,
    /// The drawing. Its groups name the entries of the legend that they belong to (`data-e`)
    /// or are (`data-l`), by their numbers.
    pub(in crate::report) svg: String,
    /// The values and where they stand.
    pub(in crate::report) values: Value,
    /// The colours that stand in it, as the classes `c` with six hexadecimal digits.
    pub(in crate::report) colours: BTreeSet<(u8, u8, u8)>,
}

/// Draws a chart for a page.
pub(super) fn figure(chart: &Chart) -> Result<Live, Failure> {
    let belongs: Vec<Vec<usize>> = chart.marks.iter().map(|mark| entries_of(mark, chart)).collect();
    let sheet = RefCell::new(Sheet::default());
    let part = Cell::new(Part::Ground);
    let pen = Pen { sheet: &sheet, part: &part, belongs: &belongs };
    let plane = draw::draw_parts(chart, pen, &|next| part.set(next))?;
    let mut sheet = sheet.into_inner();
    sheet.turn_to(Part::Ground, &belongs);
    let (width, height) = draw::size(style::SVG_SCALE);
    let title = escaped(&chart.title);
    let svg = format!(
        "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{title}\">{}</svg>",
        sheet.text
    );
    Ok(Live {
        title: chart.title.clone(),
        subtitle: chart.subtitle.clone(),
        svg,
        values: values(chart, &plane, &belongs),
        colours: sheet.colours,
    })
}

/// The entries of the legend that explain a mark, by their numbers.
fn entries_of(mark: &Mark, chart: &Chart) -> Vec<usize> {
    let explains = |entry: &Entry| {
        let has = |is_it: &dyn Fn(&Sample) -> bool| entry.samples.iter().any(is_it);
        match mark {
            Mark::Band { colour, .. } | Mark::Whiskers { colour, .. } => has(&|sample| {
                match sample {
                    // The grey one stands for those of all series.
                    Sample::Band(own) | Sample::Whisker(own) => {
                        own == colour || *own == style::FRAME
                    }
                    Sample::Symbol(symbol) => symbol.colour == *colour,
                    _ => false,
                }
            }),
            Mark::Bars { colour, .. } => {
                has(&|sample| matches!(sample, Sample::Bar(own) if own == colour))
            }
            Mark::Line { stroke, .. } => {
                has(&|sample| matches!(sample, Sample::Line(own) if is_same_line(own, stroke)))
            }
            Mark::Points { symbol, .. } => {
                has(&|sample| matches!(sample, Sample::Symbol(own) if is_same_mark(own, symbol)))
            }
            Mark::Upright { stroke, .. } => {
                has(&|sample| matches!(sample, Sample::Upright(own) if is_same_line(own, stroke)))
            }
            Mark::Number { number, .. } => {
                has(&|sample| matches!(sample, Sample::Number(own) if own == number))
            }
        }
    };
    let numbered = chart.legend.iter().enumerate();
    numbered.filter(|(_, entry)| explains(entry)).map(|(number, _)| number).collect()
}

fn is_same_line(one: &Stroke, other: &Stroke) -> bool {
    let dash = |stroke: &Stroke| stroke.dash.map(|(dash, gap)| (dash.to_bits(), gap.to_bits()));
    one.colour == other.colour && dash(one) == dash(other)
}

fn is_same_mark(one: &Symbol, other: &Symbol) -> bool {
    (one.colour, one.shape, one.open) == (other.colour, other.shape, other.open)
}

/// Values of an entry of the legend, and where they stand on the grid of the drawing.
struct Series {
    entries: Vec<usize>,
    name: String,
    points: Vec<(Place, Place)>,
}

/// The names of the axes, and the values of every series.
fn values(chart: &Chart, plane: &Plane<'_>, belongs: &[Vec<usize>]) -> Value {
    let mut all: Vec<Series> = Vec::new();
    for (mark, entries) in chart.marks.iter().zip(belongs) {
        let name = entries.first().map_or("", |entry| chart.legend[*entry].text.as_str());
        let mut add = |name: String, points: Vec<(Place, Place)>| {
            let known = all.iter_mut().find(|s| s.entries == *entries && s.name == name);
            match known {
                Some(series) => series.points.extend(points),
                None => all.push(Series { entries: entries.clone(), name, points }),
            }
        };
        let at = |aside: f64, (x, y): Place| {
            let (left, top) = plane.place((x, y))?;
            Some(((left + aside, top), (x, y)))
        };
        match mark {
            Mark::Line { points, .. } => {
                add(name.to_owned(), points.iter().filter_map(|p| at(0.0, *p)).collect());
            }
            Mark::Points { points, aside, .. } => {
                add(name.to_owned(), points.iter().filter_map(|p| at(*aside, *p)).collect());
            }
            Mark::Bars { bars, .. } => {
                let tops =
                    bars.iter().map(|(from, to, height)| (f64::midpoint(*from, *to), *height));
                add(name.to_owned(), tops.filter_map(|top| at(0.0, top)).collect());
            }
            Mark::Band { points, .. } => {
                let ends = points.iter().flat_map(|(x, low, high)| [(*x, *low), (*x, *high)]);
                add(band_name(chart, entries), ends.filter_map(|end| at(0.0, end)).collect());
            }
            Mark::Whiskers { points, aside, .. } => {
                let ends = points.iter().flat_map(|(x, low, high)| [(*x, *low), (*x, *high)]);
                add(band_name(chart, entries), ends.filter_map(|end| at(*aside, end)).collect());
            }
            Mark::Upright { at, .. } => {
                const PLACES: u32 = 12;
                let Some([(x, bottom), (_, top)]) = plane.upright(*at) else { continue };
                let height = |place| bottom + (top - bottom) * f64::from(place) / f64::from(PLACES);
                let places = (0..=PLACES).map(|place| ((x, height(place)), (*at, f64::NAN)));
                add(name.to_owned(), places.collect());
            }
            Mark::Number { .. } => {}
        }
    }
    let series: Vec<Value> = all.into_iter().filter_map(as_json).collect();
    let names: Vec<&str> = chart.x.ticks.iter().map(|tick| tick.label.as_str()).collect();
    json!({
        "x": chart.x.name,
        "y": chart.y.name,
        "names": if chart.x.of_names { names } else { Vec::new() },
        "series": series,
    })
}

/// What the ends of a band are called: the series and what the band is, where both are said.
fn band_name(chart: &Chart, entries: &[usize]) -> String {
    let mut texts: Vec<&str> = Vec::new();
    for entry in entries {
        texts.push(&chart.legend[*entry].text);
    }
    texts.join(", ")
}

fn as_json(series: Series) -> Option<Value> {
    let grid = |units: f64| (units * f64::from(style::SVG_SCALE)).round() as i64;
    let mut seen = BTreeSet::new();
    let mut points = Vec::new();
    for ((left, top), (x, y)) in series.points {
        let place = (grid(left), grid(top));
        // The line of a series passes through its marks.
        if seen.insert(place) {
            points.push(json!([place.0, place.1, rounded(x), rounded(y)]));
        }
    }
    let known = !points.is_empty();
    known.then(|| json!({ "e": series.entries, "name": series.name, "points": points }))
}

/// Six figures are plenty to read; nothing for what is no number.
fn rounded(value: f64) -> Option<f64> {
    format!("{value:.5e}").parse().ok().filter(|value: &f64| value.is_finite())
}

/// What stands on the page so far.
#[derive(Default)]
struct Sheet {
    text: String,
    part: Option<Part>,
    /// A path that may go on: its attributes, and where it leads.
    path: Option<(String, String)>,
    colours: BTreeSet<(u8, u8, u8)>,
}

impl Sheet {
    /// What follows belongs to this part.
    fn turn_to(&mut self, part: Part, belongs: &[Vec<usize>]) {
        if self.part == Some(part) {
            return;
        }
        self.finish_path();
        if !matches!(self.part, None | Some(Part::Ground)) {
            self.text.push_str("</g>");
        }
        self.part = Some(part);
        match part {
            Part::Ground => {}
            Part::Mark(mark) => {
                let entries: Vec<String> = belongs[mark].iter().map(ToString::to_string).collect();
                self.add(format_args!("<g data-e=\"{}\">", entries.join(" ")));
            }
            Part::Entry(entry) => self.add(format_args!("<g data-l=\"{entry}\">")),
        }
    }

    fn add(&mut self, text: impl Display) {
        // A string takes everything.
        let _ = write!(self.text, "{text}");
    }

    fn finish_path(&mut self) {
        if let Some((attributes, way)) = self.path.take() {
            self.add(format_args!("<path {attributes} d=\"{way}\"/>"));
        }
    }

    /// A path with these attributes; part of the one before if that has the same.
    fn path(&mut self, attributes: String, way: &str) {
        match &mut self.path {
            Some((own, whole)) if *own == attributes => whole.push_str(way),
            _ => {
                self.finish_path();
                self.path = Some((attributes, way.to_owned()));
            }
        }
    }

    /// The attributes of something in a colour: the class `s` is drawn as a line, `f` filled.
    fn look(&mut self, class: char, colour: BackendColor) -> String {
        let (red, green, blue) = colour.rgb;
        self.colours.insert(colour.rgb);
        let mut look = format!("class=\"{class} c{red:02x}{green:02x}{blue:02x}\"");
        if colour.alpha < 1.0 {
            let _ = write!(look, " opacity=\"{}\"", colour.alpha);
        }
        look
    }
}

/// Writes what plotters draws.
struct Pen<'a> {
    sheet: &'a RefCell<Sheet>,
    part: &'a Cell<Part>,
    belongs: &'a [Vec<usize>],
}

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

impl Pen<'_> {
    fn draw(&self, with: impl FnOnce(&mut Sheet)) {
        let mut sheet = self.sheet.borrow_mut();
        sheet.turn_to(self.part.get(), self.belongs);
        with(&mut sheet);
    }
}

fn way(points: impl IntoIterator<Item = BackendCoord>) -> String {
    let mut way = String::new();
    for (number, (x, y)) in points.into_iter().enumerate() {
        let _ = write!(way, "{}{x} {y}", if number == 0 { 'M' } else { 'L' });
    }
    way
}

impl DrawingBackend for Pen<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        draw::size(style::SVG_SCALE)
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, colour: BackendColor) -> Drawn {
        self.draw(|sheet| {
            let look = sheet.look('f', colour);
            sheet.path(look, &format!("M{x} {y}h1v1h-1z"));
        });
        Ok(())
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        (left, top): BackendCoord,
        (right, bottom): BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let white = (255, 255, 255);
        if fill && style.color().rgb == white {
            return Ok(()); // the paper, which is the page's
        }
        let corners = [(left, top), (right, top), (right, bottom), (left, bottom)];
        if fill {
            self.fill_polygon(corners, style)
        } else {
            self.draw_path(corners.into_iter().chain([(left, top)]), style)
        }
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        self.draw(|sheet| {
            let look = sheet.look('s', style.color());
            let attributes = format!("{look} stroke-width=\"{}\"", style.stroke_width());
            sheet.path(attributes, &way(path));
        });
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        (x, y): BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Drawn {
        self.draw(|sheet| {
            sheet.finish_path();
            let look = sheet.look(if fill { 'f' } else { 's' }, style.color());
            let width = style.stroke_width();
            let width = if fill { String::new() } else { format!(" stroke-width=\"{width}\"") };
            sheet.add(format_args!("<circle {look}{width} cx=\"{x}\" cy=\"{y}\" r=\"{radius}\"/>"));
        });
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Drawn {
        self.draw(|sheet| {
            let look = sheet.look('f', style.color());
            let way = way(corners) + "z";
            // Where translucent ones overlap, both are seen.
            if style.color().alpha < 1.0 {
                sheet.finish_path();
            }
            sheet.path(look, &way);
        });
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        (x, y): BackendCoord,
    ) -> Drawn {
        self.draw(|sheet| {
            sheet.finish_path();
            let look = sheet.look('f', style.color());
            let anchor = match style.anchor().h_pos {
                HPos::Left => "start",
                HPos::Right => "end",
                HPos::Center => "middle",
            };
            let weight = match style.style() {
                FontStyle::Bold => " font-weight=\"bold\"",
                _ => "",
            };
            let turn = match style.transform() {
                FontTransform::Rotate270 => format!(" transform=\"rotate(270 {x} {y})\""),
                _ => String::new(),
            };
            // As plotters sizes text in SVG files.
            let size = (style.size() / 1.24).round();
            sheet.add(format_args!(
                "<text {look} x=\"{x}\" y=\"{y}\" dy=\".5ex\" text-anchor=\"{anchor}\" \
                 font-size=\"{size}\"{weight}{turn}>{}</text>",
                escaped(text)
            ));
        });
        Ok(())
    }
}

/// The colour that takes the place of one on a dark page, where it reads as well as the other
/// does on white: greys change sides, dark colours become bright and pale ones dim.
pub(in crate::report) fn on_dark((red, green, blue): (u8, u8, u8)) -> (u8, u8, u8) {
    /// The lightness of black and of white ink on a dark page.
    const ENDS: (i32, i32) = (235, 26);
    /// What is paler is a filling, not a line.
    const PALE: i32 = 125;
    let parts = [red, green, blue].map(i32::from);
    let least = parts.into_iter().min().unwrap_or(0);
    let largest = parts.into_iter().max().unwrap_or(0);
    let turned = if largest - least < 12 {
        parts.map(|part| ENDS.0 + (ENDS.1 - ENDS.0) * part / 255)
    } else {
        // The same hue: a pale one with its lightness turned round, a dark one brought half
        // the way, and what is bright already brighter, so that all stay apart.
        let shift = 255 - largest - least;
        parts.map(|part| match (least >= PALE, shift >= 0) {
            (true, _) => part + shift,
            (false, true) => part + shift / 2,
            (false, false) => part + (255 - part) * 35 / 100,
        })
    };
    let [red, green, blue] = turned.map(|part| part.clamp(0, 255) as u8);
    (red, green, blue)
}

impl Live {
    /// A rule of a style sheet for every colour of some figures, for light and dark pages.
    pub(in crate::report) fn colour_rules(colours: &BTreeSet<(u8, u8, u8)>) -> String {
        let mut rules = String::new();
        for colour in colours {
            let hex = |(red, green, blue): (u8, u8, u8)| format!("{red:02x}{green:02x}{blue:02x}");
            let (light, dark) = (hex(*colour), hex(on_dark(*colour)));
            let _ = writeln!(rules, ".c{light}{{--c:light-dark(#{light},#{dark})}}");
        }
        rules
    }
}

#[cfg(test)]
mod tests {
    use plotters::style::RGBColor;

    use super::*;
    use crate::report::sample;
    use crate::scenario::format::Plot;

    #[test]
    fn every_entry_of_a_legend_names_what_it_hides() {
        for summary in [sample::hops().summary, sample::with_and_without_fingers().summary] {
            let chart = super::super::chart_of(&summary, &Plot::Hops);
            let live = figure(&chart).unwrap();
            for entry in 0..chart.legend.len() {
                let marks = chart.marks.iter().filter(|m| entries_of(m, &chart).contains(&entry));
                assert!(marks.count() > 0, "nothing belongs to {}", chart.legend[entry].text);
                assert!(live.svg.contains(&format!("<g data-l=\"{entry}\">")), "{entry}");
            }
            assert_eq!(live.svg.matches("<g ").count(), live.svg.matches("</g>").count());
        }
    }

    #[test]
    fn values_stand_where_they_are_drawn() {
        let live = figure(&super::super::chart_of(&sample::hops().summary, &Plot::Hops)).unwrap();
        let all = live.values["series"].as_array().unwrap();
        let mean = all.iter().find(|series| series["name"] == "mean").unwrap();
        assert_eq!(mean["points"].as_array().unwrap().len(), 12);
        for point in mean["points"].as_array().unwrap() {
            let circle = format!("cx=\"{}\" cy=\"{}\"", point[0], point[1]);
            assert!(live.svg.contains(&circle), "no mark at {circle}");
        }
        assert_eq!(mean["points"][0][2], 8.0);
    }

    #[test]
    fn colours_read_well_on_a_dark_page() {
        // Lightness as people see it, in thousandths.
        let light = |(red, green, blue): (u8, u8, u8)| {
            (213 * u32::from(red) + 715 * u32::from(green) + 72 * u32::from(blue)) / 255
        };
        for number in 0..6 {
            let RGBColor(red, green, blue) = style::Look::numbered(number).colour;
            for line in [(red, green, blue), (red / 2, green / 2, blue / 2)] {
                assert!(light(on_dark(line)) > 350, "{line:?} becomes {:?}", on_dark(line));
            }
        }
        let dark = [0, 1, 2, 3, 4, 5].map(|number| {
            let RGBColor(red, green, blue) = style::Look::numbered(number).colour;
            on_dark((red, green, blue))
        });
        for (number, (red, green, blue)) in dark.into_iter().enumerate() {
            for (r, g, b) in &dark[..number] {
                let parts = [red.abs_diff(*r), green.abs_diff(*g), blue.abs_diff(*b)];
                let apart: u32 = parts.map(u32::from).into_iter().sum();
                assert!(apart > 60, "{:?} beside {:?}", (red, green, blue), (r, g, b));
            }
        }
        assert!(light(on_dark((0x26, 0x26, 0x26))) > 700);
        assert!(light(on_dark((0xe4, 0xe4, 0xe4))) < 250);
    }
}
