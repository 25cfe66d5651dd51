//! How often each value was seen: the hops of lookups, the load of servers.

use super::axis::Axis;
use super::chart::{Chart, Entry, Mark, Sample, Stroke};
use super::load::Of;
use super::series::{
    evenly, measured_symbol, name_of, published, published_entry, published_symbol, subtitle,
};
use super::style;
use crate::measure::summary::{Bins, Comparison, Point, Summary};

/// Points shown at most.
const MOST_POINTS: usize = 6;
/// Bins shown at most: neighbours are put together until there are no more.
const MOST_BINS: u64 = 80;
/// Up to so many bins every one is marked, and none is cut off.
const FEW_BINS: u64 = 40;

/// What a distribution is about.
struct Kind {
    title: &'static str,
    /// Name of the horizontal axis.
    value: &'static str,
    /// Name of the vertical axis.
    share: &'static str,
    /// The metric of published values.
    metric: &'static str,
    /// Whether only the points that published values are compared with are shown:
    /// the curves of loads lie so close that others would hide them.
    compared_alone: bool,
}

/// Share of lookups by their number of hops.
pub(super) fn of_hops(summary: &Summary) -> Chart {
    let kind = Kind {
        title: "Distribution of path lengths",
        value: "hops of a lookup",
        share: "share of lookups in %",
        metric: "hops.pdf",
        compared_alone: false,
    };
    chart(summary, &kind, |point| Bins { width: 1, counts: point.hops.histogram.clone() })
}

/// Share of servers by their load.
pub(super) fn of_load(summary: &Summary, of: Of) -> Chart {
    let kind = match of {
        Of::Keys => Kind {
            title: "Distribution of keys over servers",
            value: "keys on a server",
            share: "share of servers in %",
            metric: "keys_per_node.pdf",
            compared_alone: true,
        },
        Of::Messages => Kind {
            title: "Distribution of messages over servers",
            value: "messages handled by a server",
            share: "share of servers in %",
            metric: "messages_per_node.pdf",
            compared_alone: true,
        },
    };
    chart(summary, &kind, |point| of.load(point).histogram.clone())
}

fn chart(summary: &Summary, kind: &Kind, bins_of: impl Fn(&Point) -> Bins) -> Chart {
    let sources = published(summary, |comparison| comparison.metric == kind.metric);
    let counted: Vec<(&Point, Bins)> = summary
        .points
        .iter()
        .map(|point| (point, bins_of(point)))
        .filter(|(_, bins)| bins.width > 0 && bins.counts.iter().any(|count| *count > 0))
        .collect();
    let compared = sources.iter().filter_map(|source| nearest(&counted, &source.comparisons));
    let mut compared: Vec<usize> = compared.collect();
    compared.sort_unstable();
    compared.dedup();
    let chosen = if kind.compared_alone && !compared.is_empty() {
        compared
    } else {
        choose(counted.len(), &compared)
    };
    let shown: Vec<&(&Point, Bins)> = chosen.into_iter().map(|number| &counted[number]).collect();

    let systems: Vec<Option<&str>> =
        shown.iter().map(|(point, _)| Some(point.system.as_str())).collect();
    let looks = style::looks(&systems);
    let window = Window::around(&shown);
    let mut marks = Vec::new();
    let mut legend = Vec::new();
    let mut heights = Vec::new();
    for ((point, bins), look) in shown.iter().zip(looks) {
        let shares = window.shares(bins);
        heights.extend(shares.iter().map(|share| share.2));
        let colour = look.colour;
        let name = name_of(&point.params, summary);
        if shown.len() == 1 {
            let name = if name.is_empty() { "measured".to_owned() } else { name };
            if !(summary.sweep.is_empty() && sources.is_empty()) {
                legend.push(Entry::new([Sample::Bar(colour)], name));
            }
            marks.push(Mark::Bars { bars: shares, colour });
            continue;
        }
        let middles = shares.iter().map(|(from, to, share)| (f64::midpoint(*from, *to), *share));
        let middles: Vec<(f64, f64)> = middles.collect();
        let stroke = Stroke::solid(colour);
        let symbol = measured_symbol(look, middles.len());
        let mut samples = vec![Sample::Line(stroke)];
        marks.push(Mark::Line { points: middles.clone(), stroke });
        // One or two bins make no line to be seen.
        if window.bins() <= FEW_BINS || middles.len() < 3 {
            samples.push(Sample::Symbol(symbol));
            marks.push(Mark::Points { points: middles, symbol, aside: 0.0 });
        }
        legend.push(Entry::new(samples, name));
    }
    for (number, source) in sources.iter().enumerate() {
        let points = window.averages(&source.points());
        heights.extend(points.iter().map(|point| point.1));
        let symbol = published_symbol(number, points.len());
        legend.push(published_entry(symbol, source.source, ""));
        marks.push(Mark::Points { points, symbol, aside: 0.0 });
    }

    let mut value = kind.value.to_owned();
    if let Some(percentile) = window.cut {
        value = format!("{value}, up to the {percentile} percentile");
    }
    let share = match window.step {
        1 => kind.share.to_owned(),
        step => format!("{} (bins of {step})", kind.share),
    };
    Chart {
        title: kind.title.to_owned(),
        subtitle: subtitle(summary, "", shown.len(), summary.points.len()),
        x: Axis::linear(value, window.from as f64 - 0.5, window.to as f64 - 0.5, true),
        y: Axis::from_zero(share, &heights),
        marks,
        legend,
    }
}

/// The numbers of at most [`MOST_POINTS`] of `count` points, spread evenly. Those that
/// published values are compared with stand in for their neighbours.
fn choose(count: usize, compared: &[usize]) -> Vec<usize> {
    let mut chosen = evenly(count, MOST_POINTS);
    for &wanted in compared {
        if chosen.contains(&wanted) {
            continue;
        }
        let inner = &mut chosen[1..MOST_POINTS - 1];
        if let Some(neighbour) = inner.iter_mut().min_by_key(|other| other.abs_diff(wanted)) {
            *neighbour = wanted;
        }
    }
    chosen
}

/// The point whose distribution the comparisons were made with: a comparison
/// does not say, but it holds what was measured.
fn nearest(counted: &[(&Point, Bins)], comparisons: &[&Comparison]) -> Option<usize> {
    let distance = |bins: &Bins| -> f64 {
        let total = bins.counts.iter().sum::<u64>() as f64;
        let differences = comparisons.iter().map(|comparison| {
            let bin = (comparison.at.max(0.0) as u64 / bins.width) as usize;
            let count = bins.counts.get(bin).copied().unwrap_or(0);
            let share = count as f64 / total / bins.width as f64;
            (share - comparison.measured).abs()
        });
        differences.sum()
    };
    let distances = counted.iter().enumerate().map(|(number, (_, bins))| (number, distance(bins)));
    distances.min_by(|one, other| one.1.total_cmp(&other.1)).map(|(number, _)| number)
}

/// The values that a plot shows.
struct Window {
    /// The first value.
    from: u64,
    /// The value after the last.
    to: u64,
    /// Values that are put together.
    step: u64,
    /// The percentile beyond which rare large values are left out.
    cut: Option<&'static str>,
}

impl Window {
    /// All values but, when they would squeeze the rest, the rarest large ones.
    fn around(shown: &[&(&Point, Bins)]) -> Window {
        let mut first = u64::MAX;
        let mut last = 0;
        let mut common = 0;
        let mut width = 1;
        // A single histogram has room for its tail.
        let (rare, percentile) = if shown.len() == 1 { (1000, "99.9th") } else { (100, "99th") };
        for (_, bins) in shown {
            let seen = |count: &u64| *count > 0;
            let start = |bin: usize| bin as u64 * bins.width;
            first = first.min(bins.counts.iter().position(seen).map_or(0, start));
            last = last.max(bins.counts.iter().rposition(seen).map_or(0, |bin| start(bin + 1)));
            common = common.max(start(most_of(&bins.counts, rare)));
            width = width.max(bins.width);
        }
        let from = if shown.is_empty() || first < last / 3 { 0 } else { first };
        let cut = last - from > FEW_BINS * width && common < last - last / 5;
        let to = if cut { common } else { last.max(from + 1) };
        // Whole bins of the widest histogram, so that none is split.
        let bins = (to - from).div_ceil(width);
        let step = bins.div_ceil(MOST_BINS).max(1) * width;
        let from = from / step * step;
        Window {
            from,
            to: from + (to - from).div_ceil(step) * step,
            step,
            cut: cut.then_some(percentile),
        }
    }

    fn bins(&self) -> u64 {
        (self.to - self.from) / self.step
    }

    /// Published shares in percent, for each bin that is shown. Places that are not
    /// published count as the others of their bin.
    fn averages(&self, points: &[(f64, f64)]) -> Vec<(f64, f64)> {
        let bins = (0..self.bins()).map(|bin| {
            let from = (self.from + bin * self.step) as f64;
            let to = from + self.step as f64;
            let inside = points.iter().filter(|(at, _)| *at >= from && *at < to);
            let (count, sum) =
                inside.fold((0.0, 0.0), |(count, sum), point| (count + 1.0, sum + point.1));
            (f64::midpoint(from, to) - 0.5, sum / count * self.step as f64 * 100.0)
        });
        bins.filter(|(_, share)| share.is_finite()).collect()
    }

    /// Left and right edge of each bin that is shown, and its share in percent. Bins above the largest value are left out.
    fn shares(&self, bins: &Bins) -> Vec<(f64, f64, f64)> {
        let total = bins.counts.iter().sum::<u64>() as f64;
        let mut counts = vec![0; self.bins() as usize];
        for (bin, count) in bins.counts.iter().enumerate() {
            // The middle decides where a bin goes that does not divide the step.
            let middle = bin as u64 * bins.width + bins.width / 2;
            if middle >= self.from && middle < self.to {
                counts[((middle - self.from) / self.step) as usize] += count;
            }
        }
        let used = counts.iter().rposition(|count| *count > 0).map_or(0, |last| last + 1);
        let edge = |bin: usize| (self.from + bin as u64 * self.step) as f64 - 0.5;
        let share = |count: u64| count as f64 / total * 100.0;
        let bars = counts[..used].iter().enumerate();
        bars.map(|(bin, count)| (edge(bin), edge(bin + 1), share(*count))).collect()
    }
}

/// How many bins from the first hold all but one in `rare` of what was counted.
fn most_of(counts: &[u64], rare: u64) -> usize {
    let total: u64 = counts.iter().sum();
    let mut left = total - total / rare;
    for (bin, count) in counts.iter().enumerate() {
        left = left.saturating_sub(*count);
        if left == 0 {
            return bin + 1;
        }
    }
    counts.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_chosen_evenly_with_both_ends_and_the_compared_one() {
        assert_eq!(choose(0, &[]), [] as [usize; 0]);
        assert_eq!(choose(3, &[1]), [0, 1, 2]);
        assert_eq!(choose(12, &[]), [0, 2, 4, 7, 9, 11]);
        assert_eq!(choose(12, &[8]), [0, 2, 4, 8, 9, 11]);
        assert_eq!(choose(60, &[59]), [0, 12, 24, 35, 47, 59]);
    }

    #[test]
    fn a_plot_of_some_points_says_so() {
        use crate::report::sample;
        assert_eq!(of_hops(&sample::hops().summary).subtitle, "chord-hops: 6 of 12 points");
        let load = of_load(&sample::load().summary, Of::Keys);
        assert_eq!(load.subtitle, "chord-load: 1 of 10 points");
        assert_eq!(of_hops(&sample::single().summary).subtitle, "chord-1000");
    }

    #[test]
    fn shares_of_a_distribution_add_up() {
        let counts: Vec<u64> = (0..1000).map(|value| 1000 - value).collect();
        let point = crate::report::sample::point();
        let shown = (&point, Bins { width: 1, counts });
        let window = Window::around(&[&shown]);
        assert!(window.bins() <= MOST_BINS);
        let shares = window.shares(&shown.1);
        let sum: f64 = shares.iter().map(|(_, _, share)| share).sum();
        assert!((sum - 100.0).abs() < 0.2, "{sum}");
    }
}
