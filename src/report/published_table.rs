//! Published numbers beside measured ones, as a table for a README.

use super::markdown::{cell, decimals_for, number, with_minus};
use crate::measure::summary::{Comparison, Summary};

/// A Markdown table of the published numbers of several scenarios, with what was
/// measured: one row a number, but one row a distribution, for the place where
/// measured and published lie furthest apart. The last column is empty where the scenario
/// states no tolerance.
pub fn published_table(summaries: &[Summary]) -> String {
    let mut table = String::from(
        "| Scenario | Source | Metric | At | Measured | Published | Difference | Within tolerance |\n\
         | :-- | :-- | :-- | :-- | --: | --: | --: | :-- |\n",
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
    let difference = measured - published;
    let share = if published == 0.0 || !difference.is_finite() {
        String::new()
    } else {
        with_minus(&format!(" ({:+.1} %)", 100.0 * difference / published))
    };
    let within = match comparison.within_tolerance {
        Some(true) => "yes",
        Some(false) => "**no**",
        None => "",
    };
    let sign = if difference.is_finite() && difference >= 0.0 { "+" } else { "" };
    format!(
        "| {} | {} | `{}` | {} | {} | {} | {sign}{}{share} | {within} |\n",
        cell(scenario),
        cell(&comparison.source),
        comparison.metric,
        cell(at),
        number(measured, decimals),
        with_minus(&published.to_string()),
        number(difference, decimals),
    )
}

/// Decimals that a number has when it is displayed.
fn decimals_of(value: f64) -> usize {
    let text = value.to_string();
    text.find('.').map_or(0, |point| text.len() - point - 1).min(6)
}
