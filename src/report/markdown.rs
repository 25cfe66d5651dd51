//! Published numbers beside measured ones, as a table for a README.

use crate::measure::summary::{Comparison, Summary};

/// A Markdown table of the published numbers of several scenarios, with what was
/// measured: one row a number, but one row a distribution, for the place where
/// measured and published lie furthest apart.
pub fn published_table(summaries: &[Summary]) -> String {
    let mut table = String::from(
        "| Scenario | Source | Metric | At | Measured | Published | Difference |\n\
         | :-- | :-- | :-- | :-- | --: | --: | --: |\n",
    );
    for summary in summaries {
        for group in groups(&summary.published) {
            if is_distribution(&group[0].metric) {
                let furthest =
                    group.iter().max_by(|one, other| distance(one).total_cmp(&distance(other)));
                let Some(furthest) = furthest else { continue };
                let at = format!("{}, furthest of {}", place(furthest), group.len());
                table.push_str(&row(&summary.scenario, furthest, &at));
            } else {
                for comparison in group {
                    table.push_str(&row(&summary.scenario, comparison, &place(comparison)));
                }
            }
        }
    }
    table
}

/// Comparisons that came from one list of published values: they stand together
/// and agree in what they are about.
fn groups(comparisons: &[Comparison]) -> impl Iterator<Item = &[Comparison]> {
    comparisons.chunk_by(|one, other| {
        one.source == other.source && one.metric == other.metric && one.against == other.against
    })
}

fn is_distribution(metric: &str) -> bool {
    metric.strip_suffix(".pdf").is_some()
}

fn distance(comparison: &Comparison) -> f64 {
    let distance = (comparison.measured - comparison.published).abs();
    // What was not measured must not win.
    if distance.is_finite() { distance } else { -1.0 }
}

fn place(comparison: &Comparison) -> String {
    let against = comparison.against.rsplit('.').next().unwrap_or_default().replace('_', " ");
    format!("{against} = {}", comparison.at)
}

fn row(scenario: &str, comparison: &Comparison, at: &str) -> String {
    let Comparison { published, measured, .. } = *comparison;
    let decimals = decimals_of(published).max(decimals_for(measured));
    let number = |value: f64, signed: bool| match value.is_finite() {
        false => "–".to_owned(),
        true if signed => format!("{value:+.decimals$}").replace('-', "−"),
        true => format!("{value:.decimals$}").replace('-', "−"),
    };
    let difference = measured - published;
    let share = if published == 0.0 || !difference.is_finite() {
        String::new()
    } else {
        format!(" ({:+.1} %)", 100.0 * difference / published).replace('-', "−")
    };
    format!(
        "| {} | {} | `{}` | {} | {} | {} | {}{share} |\n",
        cell(scenario),
        cell(&comparison.source),
        comparison.metric,
        cell(at),
        number(measured, false),
        published.to_string().replace('-', "−"),
        number(difference, true),
    )
}

/// Decimals that a number has when it is displayed.
fn decimals_of(value: f64) -> usize {
    let text = value.to_string();
    text.find('.').map_or(0, |point| text.len() - point - 1).min(6)
}

/// Decimals that a measured number deserves: about three figures, and none for a
/// count.
fn decimals_for(value: f64) -> usize {
    match value.abs() {
        whole if whole.fract() == 0.0 || whole >= 1000.0 || !whole.is_finite() => 0,
        large if large >= 100.0 => 1,
        medium if medium >= 1.0 => 2,
        small if small >= 0.1 => 3,
        _ => 4,
    }
}

/// Text that cannot end its cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}
