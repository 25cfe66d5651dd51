//! Axes: which values they span, where their ticks stand, and where a value lies.
//!
//! Logarithmic axes are made here, not by plotters, whose own take the
//! platform's logarithm and so could differ from machine to machine.

use crate::math;
use crate::scenario::format::Scale;

/// An axis of a chart.
pub(super) struct Axis {
    /// What it measures, with the unit.
    pub(super) name: String,
    /// The ticks, in order.
    pub(super) ticks: Vec<Tick>,
    /// Whether the last tick matters most, as the largest ring of a sweep does; it
    /// keeps its label when ticks are thinned out.
    pub(super) last_matters: bool,
    /// Whether its ticks are names: there is nothing between them, so that no line
    /// may join what stands at them, and each must have its label.
    pub(super) of_names: bool,
    pub(super) logarithmic: bool,
    /// The ends, as logarithms on a logarithmic axis.
    from: f64,
    to: f64,
}

/// A tick of an axis.
pub(super) struct Tick {
    /// Where it stands.
    pub(super) at: f64,
    /// What stands beside it.
    pub(super) label: String,
}

/// More ticks than these are thinned out.
const MOST_TICKS: usize = 10;
/// So many values have a tick each.
const FEW_VALUES: usize = 6;

impl Axis {
    /// A linear axis from zero to a little above the largest value.
    pub(super) fn from_zero(name: impl Into<String>, values: &[f64]) -> Axis {
        let largest = finite(values).fold(0.0, f64::max);
        let top = if largest > 0.0 { largest * 1.05 } else { 1.0 };
        Axis::linear(name, 0.0, top, false)
    }

    /// A linear axis with some air around the values. Its ticks are the values when
    /// they are few, or else round numbers, whole ones when the values are.
    pub(super) fn around(name: impl Into<String>, values: &[f64]) -> Axis {
        let (least, largest) = ends(values);
        let air =
            if largest > least { (largest - least) * 0.04 } else { 1.0 + largest.abs() * 0.01 };
        let whole = finite(values).all(|value| value.fract() == 0.0);
        let axis = Axis::linear(name, least - air, largest + air, whole);
        let at = in_order(values);
        if at.is_empty() || at.len() > FEW_VALUES {
            return axis;
        }
        Axis { ticks: plain_ticks(at), last_matters: true, ..axis }
    }

    /// A linear axis between two values.
    pub(super) fn linear(name: impl Into<String>, from: f64, to: f64, whole: bool) -> Axis {
        let mut step = round_step((to - from) / 8.0);
        if whole {
            step = step.max(1.0);
        }
        let first = (from / step).ceil();
        let count = ((to / step).floor() - first).max(0.0) as usize + 1;
        let ticks = (0..count.min(MOST_TICKS * 4))
            .map(|number| (first + number as f64) * step)
            .collect::<Vec<f64>>();
        let long = long_beside(&ticks);
        let ticks =
            ticks.into_iter().map(|at| Tick { at, label: number_label(at, step, long) }).collect();
        Axis {
            name: name.into(),
            ticks,
            last_matters: false,
            of_names: false,
            logarithmic: false,
            from,
            to,
        }
    }

    /// A logarithmic axis with some air around the values, which must be above
    /// zero. Its ticks are the values, or powers of two when there are too many.
    pub(super) fn logarithmic_around(name: impl Into<String>, values: &[f64]) -> Axis {
        let (least, largest) = ends(values);
        let (from, to) = (math::log2(least), math::log2(largest));
        let mut at = in_order(values);
        if at.len() > MOST_TICKS * 2 {
            at = powers_of_two(from, to);
        }
        let air = ((to - from) * 0.04).max(0.1);
        Axis {
            name: name.into(),
            ticks: plain_ticks(at),
            last_matters: true,
            of_names: false,
            logarithmic: true,
            from: from - air,
            to: to + air,
        }
    }

    /// A logarithmic axis from a power of two clearly below `least`, which must be
    /// above zero, to a little above the largest value.
    pub(super) fn logarithmic_from(name: impl Into<String>, least: f64, values: &[f64]) -> Axis {
        let from = (math::log2(least) - 0.4).floor();
        let largest = finite(values).fold(least * 2.0, f64::max);
        let to = math::log2(largest) + 0.2;
        let ticks = powers_of_two(from, to);
        Axis {
            name: name.into(),
            ticks: plain_ticks(ticks),
            last_matters: true,
            of_names: false,
            logarithmic: true,
            from,
            to,
        }
    }

    /// The axis of heights on a scale, or on the one that shows them best when none is
    /// given. What is not above zero has no place on a logarithmic one.
    pub(super) fn of_heights(name: &str, scale: Option<Scale>, heights: &[f64]) -> Axis {
        let above_zero = finite(heights).filter(|height| *height > 0.0);
        let least = above_zero.fold(f64::INFINITY, f64::min);
        let logarithmic = match scale {
            Some(scale) => scale == Scale::Log && least.is_finite(),
            None => Axis::logarithmic_floor(heights).is_some(),
        };
        if !logarithmic {
            return Axis::from_zero(name, heights);
        }
        let mut axis = Axis::logarithmic_from(format!("{name} (log scale)"), least, heights);
        // Over orders of magnitude, powers of ten say more than powers of two.
        if axis.to - axis.from > math::log2(1000.0) {
            axis.from = math::log2(math::pow(10.0, (math::log10(least) - 1e-9).floor()));
            axis.ticks = plain_ticks(powers_of_ten(axis.from, axis.to));
        }
        axis
    }

    /// Where a logarithmic axis for these values should begin; none when a linear one
    /// shows them well: they stay small or lie within a factor of 16.
    pub(super) fn logarithmic_floor(values: &[f64]) -> Option<f64> {
        let above_zero = || finite(values).filter(|value| *value > 0.0);
        let least = above_zero().fold(f64::INFINITY, f64::min);
        let largest = above_zero().fold(0.0, f64::max);
        (largest > 64.0 && largest > 16.0 * least).then_some(least)
    }

    /// An axis of names: the first stands at 0, the next at 1, and so on.
    pub(super) fn of_names(name: impl Into<String>, names: &[String]) -> Axis {
        let ticks = names
            .iter()
            .enumerate()
            .map(|(at, label)| Tick { at: at as f64, label: label.clone() })
            .collect();
        let to = names.len().max(1) as f64 - 0.5;
        Axis {
            name: name.into(),
            ticks,
            last_matters: false,
            of_names: true,
            logarithmic: false,
            from: -0.5,
            to,
        }
    }

    /// Where a value lies, from 0 at the beginning of the axis to 1 at its end; a
    /// value beyond an end stands at the end. None when it is not a number.
    pub(super) fn place(&self, value: f64) -> Option<f64> {
        if !value.is_finite() {
            return None;
        }
        let value = match (self.logarithmic, value > 0.0) {
            (false, _) => value,
            (true, true) => math::log2(value),
            (true, false) => return Some(0.0),
        };
        Some(((value - self.from) / (self.to - self.from)).clamp(0.0, 1.0))
    }

    /// Whether a value lies below the axis.
    pub(super) fn ends_above(&self, value: f64) -> bool {
        let value = if self.logarithmic { math::log2(value.max(0.0)) } else { value };
        value < self.from
    }

    /// Values between two others at equal distances on the paper, both ends
    /// included: to draw a curve through.
    pub(super) fn between(&self, from: f64, to: f64) -> Vec<f64> {
        const STEPS: u32 = 64;
        if from >= to || self.logarithmic && from <= 0.0 {
            return vec![from];
        }
        let inner = (1..STEPS).map(|step| {
            let share = f64::from(step) / f64::from(STEPS);
            if self.logarithmic {
                from * math::pow(to / from, share)
            } else {
                from + (to - from) * share
            }
        });
        std::iter::once(from).chain(inner).chain(std::iter::once(to)).collect()
    }
}

/// Numbers of so many digits have their thousands apart where they stand alone.
const LONG: usize = 5;

/// A number for people: 1024, 16 384, 1 000 000, 0.25.
pub(super) fn plain_label(value: f64) -> String {
    grouped_label(value, LONG)
}

/// A number whose thousands stand apart if it has at least so many digits.
fn grouped_label(value: f64, long: usize) -> String {
    // Three times 0.1 is 0.30000000000000004, but not on a plot.
    let rounded = (value * 1e9).round() / 1e9;
    let small = value.abs() > 1e-6 && value.abs() < 1e6;
    let text = (if small { rounded } else { value }).to_string().replace('-', "\u{2212}");
    let whole = text.len() - text.find('.').map_or(0, |point| text.len() - point);
    let digits = text[..whole].chars().filter(char::is_ascii_digit).count();
    if digits < long {
        return text;
    }
    // Thousands apart, by a space that does not break.
    let mut grouped = String::new();
    let mut left = digits;
    for sign in text.chars() {
        grouped.push(sign);
        if sign.is_ascii_digit() && left > 0 {
            left -= 1;
            if left > 0 && left % 3 == 0 {
                grouped.push('\u{a0}');
            }
        }
    }
    grouped
}

/// The label of a tick, with as many decimals as the step between ticks has.
fn number_label(at: f64, step: f64, long: usize) -> String {
    let decimals = (-math::log10(step) - 1e-9).ceil().clamp(0.0, 12.0) as usize;
    let rounded: f64 = format!("{at:.decimals$}").parse().unwrap_or(at);
    if decimals == 0 || rounded == 0.0 {
        return grouped_label(rounded + 0.0, long);
    }
    format!("{at:.decimals$}").replace('-', "\u{2212}")
}

/// The next larger of 1, 2 and 5 times a power of ten.
fn round_step(least: f64) -> f64 {
    if !least.is_finite() || least <= 0.0 {
        return 1.0;
    }
    let power = math::pow(10.0, math::log10(least).floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= least * 0.999_999);
    factor.unwrap_or(10.0) * power
}

/// The powers of two between two logarithms: all of them, or every second,
/// third … when they are too many.
fn powers_of_two(from: f64, to: f64) -> Vec<f64> {
    let (first, last) = (from.ceil() as i32, to.floor() as i32);
    let stride = 1 + (last - first).max(0) as usize / MOST_TICKS;
    (first..=last).step_by(stride).map(|power| math::pow(2.0, f64::from(power))).collect()
}

/// The powers of ten between two logarithms to base two: all of them, or every second,
/// third … when they are too many.
fn powers_of_ten(from: f64, to: f64) -> Vec<f64> {
    let decade = math::log2(10.0);
    let (first, last) = ((from / decade - 1e-9).ceil() as i32, (to / decade).floor() as i32);
    let stride = 1 + (last - first).max(0) as usize / MOST_TICKS;
    (first..=last).step_by(stride).map(|power| math::pow(10.0, f64::from(power))).collect()
}

fn plain_ticks(at: Vec<f64>) -> Vec<Tick> {
    let long = long_beside(&at);
    at.into_iter().map(|at| Tick { at, label: grouped_label(at, long) }).collect()
}

/// How many digits a number on an axis must have for its thousands to stand apart: those of
/// all do where those of any do.
fn long_beside(all: &[f64]) -> usize {
    if all.iter().any(|value| value.abs() >= 10_000.0) { 4 } else { LONG }
}

/// The different values from the least to the largest.
fn in_order(values: &[f64]) -> Vec<f64> {
    let mut values: Vec<f64> = finite(values).collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    values
}

fn finite(values: &[f64]) -> impl Iterator<Item = f64> {
    values.iter().copied().filter(|value| value.is_finite())
}

/// The least and the largest value; 0 and 1 when there is none.
fn ends(values: &[f64]) -> (f64, f64) {
    let least = finite(values).fold(f64::INFINITY, f64::min);
    let largest = finite(values).fold(f64::NEG_INFINITY, f64::max);
    if least <= largest { (least, largest) } else { (0.0, 1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|tick| tick.label.as_str()).collect()
    }

    #[test]
    fn ticks_are_round_and_labelled_plainly() {
        assert_eq!(
            labels(&Axis::linear("", 0.0, 1.0, false)),
            ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]
        );
        assert_eq!(labels(&Axis::linear("", -1.0, 3.2, true)), ["−1", "0", "1", "2", "3"]);
        assert_eq!(
            labels(&Axis::from_zero("", &[200_000.0])),
            ["0", "50\u{a0}000", "100\u{a0}000", "150\u{a0}000", "200\u{a0}000"]
        );
        assert_eq!(labels(&Axis::from_zero("", &[9000.0])), ["0", "2000", "4000", "6000", "8000"]);
        assert_eq!(
            labels(&Axis::logarithmic_around("", &[512.0, 4096.0, 32_768.0])),
            ["512", "4\u{a0}096", "32\u{a0}768"]
        );
    }

    #[test]
    fn a_logarithmic_axis_spaces_doublings_evenly() {
        let axis = Axis::logarithmic_around("", &[8.0, 16.0, 32.0]);
        assert_eq!(labels(&axis), ["8", "16", "32"]);
        let at = |value| axis.place(value).unwrap();
        assert!((at(16.0) - at(8.0) - (at(32.0) - at(16.0))).abs() < 1e-12);
        assert_eq!(axis.place(0.0), Some(0.0));
        assert_eq!(axis.place(f64::NAN), None);
    }

    #[test]
    fn axes_of_nothing_and_of_one_value_have_a_width() {
        for values in [&[][..], &[0.0], &[f64::NAN], &[7.0], &[1e-9], &[1e18]] {
            for axis in [Axis::from_zero("", values), Axis::around("", values)] {
                assert!(axis.to > axis.from, "{values:?}");
                assert!(axis.ticks.len() < 50, "{values:?}");
            }
        }
        let axis = Axis::logarithmic_around("", &[1_000_000.0]);
        assert_eq!(axis.place(1_000_000.0), Some(0.5));
        assert_eq!(labels(&axis), ["1\u{a0}000\u{a0}000"]);
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(plain_label(1024.0), "1024");
        assert_eq!(plain_label(0.1 * 3.0), "0.3");
        assert_eq!(plain_label(16_384.0), "16\u{a0}384");
        assert_eq!(plain_label(-1_234_567.5), "−1\u{a0}234\u{a0}567.5");
    }
}
