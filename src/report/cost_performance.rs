//! What every setting of a sweep costs and what it performs, and which settings nobody beats.

use super::plots;
use crate::measure::lower_hull;
use crate::measure::metrics::{self, Metric};
use crate::measure::summary::{Point, Summary};
use crate::scenario::format::CostPerformancePlot;

/// A point of a sweep between cost and performance.
pub(super) struct Setting<'a> {
    /// The point.
    pub(super) point: &'a Point,
    /// The value by which settings are told apart, or the system; empty where nothing tells
    /// them apart.
    pub(super) group: String,
    /// What it costs.
    pub(super) cost: f64,
    /// What it performs: less is better.
    pub(super) performance: f64,
    /// Whether it lies on the lower hull of its group.
    pub(super) on_hull: bool,
    /// Whether it lies on the lower hull of all.
    pub(super) on_hull_of_all: bool,
}

/// The metrics that a plot sets against each other: cost and performance.
pub(super) fn shown(plot: &CostPerformancePlot) -> Option<(&'static Metric, &'static Metric)> {
    Some((metrics::find(&plot.cost)?, metrics::find(&plot.performance)?))
}

/// The points that a plot shows, in the order of the sweep.
pub(super) fn settings<'a>(summary: &'a Summary, plot: &CostPerformancePlot) -> Vec<Setting<'a>> {
    let Some((cost, performance)) = shown(plot) else { return Vec::new() };
    let points = plots::selected(summary, &plot.condition);
    let several = points.windows(2).any(|pair| pair[0].system != pair[1].system);
    let group = |point: &Point| match &plot.by {
        Some(path) => point.params.get(path).map_or_else(String::new, plots::in_words),
        None if several => point.system.clone(),
        None => String::new(),
    };
    let mut settings: Vec<Setting<'a>> = points
        .into_iter()
        .map(|point| Setting {
            point,
            group: group(point),
            cost: (cost.get)(point),
            performance: (performance.get)(point),
            on_hull: false,
            on_hull_of_all: false,
        })
        .collect();
    let places: Vec<(f64, f64)> = settings.iter().map(Setting::place).collect();
    for (setting, on_hull) in settings.iter_mut().zip(lower_hull(&places)) {
        setting.on_hull_of_all = on_hull;
    }
    for group in groups(&settings) {
        let of_group = || settings.iter().enumerate().filter(|(_, of)| of.group == group);
        let numbers: Vec<usize> = of_group().map(|(number, _)| number).collect();
        let places: Vec<(f64, f64)> = numbers.iter().map(|number| places[*number]).collect();
        for (number, on_hull) in numbers.into_iter().zip(lower_hull(&places)) {
            settings[number].on_hull = on_hull;
        }
    }
    settings
}

/// The groups in the order in which they first occur.
pub(super) fn groups(settings: &[Setting<'_>]) -> Vec<String> {
    let mut groups: Vec<String> = Vec::new();
    for setting in settings {
        if !groups.contains(&setting.group) {
            groups.push(setting.group.clone());
        }
    }
    groups
}

impl Setting<'_> {
    /// Its place between cost and performance.
    pub(super) fn place(&self) -> (f64, f64) {
        (self.cost, self.performance)
    }
}
