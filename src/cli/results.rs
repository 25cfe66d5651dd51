//! Results on their way out: the folder of a scenario, and what is said of it on the terminal.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use crate::experiment::{self, claims::show};
use crate::measure::metrics;
use crate::measure::summary::{Fit, Outcome, Point, Summary};
use crate::report;
use crate::scenario::Plan;

use super::columns::aligned;
use super::output::{Paint, paint, say};
use super::progress::Drawing;
use super::{Ending, Failure};

/// The table of points on the terminal ends here; the files have them all.
const MOST_ROWS: usize = 50;

/// What the table shows of a point, with short names for its header. A column in
/// which nothing happened is left out.
const COLUMNS: [(&str, &str); 31] = [
    ("hops.mean", "hops"),
    ("hops.p1", "hops p1"),
    ("hops.p99", "hops p99"),
    ("latency_ms.mean", "latency ms"),
    ("lookups.correct", "correct"),
    ("lookups.incorrect", "incorrect"),
    ("lookups.failed", "failed"),
    ("timeouts.mean", "timeouts/lookup"),
    ("gets.hops.mean", "hops/get"),
    ("gets.latency_ms.mean", "get ms"),
    ("gets.correct", "gets correct"),
    ("gets.old", "gets old"),
    ("gets.missing", "gets missing"),
    ("gets.failed", "gets failed"),
    ("puts.failed", "puts failed"),
    ("storage.lost", "keys lost"),
    ("joins.messages.mean", "messages/join"),
    ("joins.keys_moved.mean", "keys moved/join"),
    ("joins.wrong", "joins wrong"),
    ("downloads.completed", "downloads"),
    ("downloads.seconds.mean", "download s"),
    ("waiting_ms.mean", "wait ms"),
    ("waiting_ms.busiest", "busiest wait ms"),
    ("after_fault.wrong_share", "wrong after fault"),
    ("after_fault.outage_seconds", "outage s"),
    ("keys_per_node.mean", "keys/server"),
    ("keys_per_node.p1", "keys p1"),
    ("keys_per_node.p99", "keys p99"),
    ("messages_per_node.mean", "messages/server"),
    ("messages_per_node.p99", "messages p99"),
    ("ring.right_successors", "right successors"),
];

/// Where results go, and as what.
#[derive(Debug, Args)]
pub(super) struct Results {
    /// Folder for the folders of results
    #[arg(long, value_name = "DIR", default_value = "results")]
    pub(super) out: PathBuf,
    /// Write plots as PNG, besides SVG
    #[arg(long)]
    png: bool,
    /// Write report.html as well, a page to look at
    #[arg(long)]
    report: bool,
    /// Show nothing but errors
    #[arg(long, short)]
    pub(super) quiet: bool,
}

impl Results {
    /// Writes the results of a scenario, and shows them.
    pub(super) fn write(
        &self,
        plan: &Plan,
        outcome: &Outcome,
        out: &mut dyn Write,
    ) -> Result<Ending, Failure> {
        let plots = &plan.scenario.plots;
        let drawing = Drawing::new(&plan.name, plots.len(), self.quiet);
        let on_plot_drawn = || drawing.plot_drawn();
        let written = report::write_telling(&self.out, outcome, plots, self.png, &on_plot_drawn);
        drawing.finish();
        let folder = written.map_err(|error| Failure::NotWritten(error.to_string()))?;
        if self.report {
            super::report::write(&folder, &outcome.summary, plan, self.quiet)?;
        }
        if !self.quiet {
            say(&format!("{}: results written to {}", plan.name, folder.display()));
            out.write_all(text(&outcome.summary).as_bytes())?;
            // Several scenarios take long: show each when it is done.
            out.flush()?;
        }
        let is_held = outcome.summary.expectations.iter().all(|verdict| verdict.held);
        Ok(if is_held { Ending::Good } else { Ending::ClaimBroken })
    }

    /// Hours of simulation are worth a look at the folders first.
    pub(super) fn check_writable(&self, plans: &[Plan]) -> Result<(), Failure> {
        plans
            .iter()
            .try_for_each(|plan| report::ensure_writable(&self.out, &plan.name))
            .map_err(|error| Failure::NotWritten(error.to_string()))
    }
}

/// The points as a table, the fits, and the verdicts.
fn text(summary: &Summary) -> String {
    let mut parts = vec![format!("{} (seed {})\n", summary.scenario, summary.seed)];
    parts.push(points(summary));
    for point in summary.points.iter().take(MOST_ROWS) {
        let place = experiment::claims::at(&point.params);
        parts.extend(point.notices.iter().map(|notice| format!("note    {notice}{place}\n")));
    }
    for fit in &summary.fits {
        parts.push(format!("{}{}\n", law(fit), experiment::claims::at(&fit.params)));
    }
    for verdict in &summary.expectations {
        let held =
            if verdict.held { paint("held  ", Paint::Good) } else { paint("broken", Paint::Bad) };
        let count = match (verdict.broken, verdict.checked) {
            (0, 0 | 1) => String::new(),
            (0, checked) => format!(" (all {checked}; nearest)"),
            (broken, checked) => format!(" ({broken} of {checked})"),
        };
        parts.push(format!("{held}  {}{count}: {}\n", verdict.claim, verdict.figure));
    }
    parts.concat() + "\n"
}

/// The fit that the verdict is about: a line over N if hops grow with N, and over
/// log2 N otherwise.
fn law(fit: &Fit) -> String {
    let (line, over) =
        if fit.verdict == "O(N)" { (&fit.linear, "N") } else { (&fit.log2, "log2 N") };
    let sign = if line.intercept < 0.0 { '−' } else { '+' };
    let (slope, intercept) = (show(line.slope), show(line.intercept.abs()));
    format!("hops = {slope}·{over} {sign} {intercept}, r² = {}: {}", show(line.r2), fit.verdict)
}

fn points(summary: &Summary) -> String {
    let shown = &summary.points[..summary.points.len().min(MOST_ROWS)];
    let happened = |value: f64| value.is_finite() && value != 0.0;
    let columns: Vec<_> = COLUMNS
        .iter()
        .filter_map(|(name, header)| Some((metrics::find(name)?, *header)))
        .filter(|(metric, _)| shown.iter().any(|point| happened((metric.get)(point))))
        .collect();
    // Counts are sums over the repeats.
    let are_repeated = shown.iter().any(|point| point.repeats != shown[0].repeats);
    let figure = |value: f64| if value.is_finite() { show(value) } else { "–".to_owned() };
    // The last name of a path tells enough beside its values.
    let params = summary.sweep.iter().map(|path| path.rsplit('.').next().unwrap_or(path));
    let repeats = are_repeated.then_some("repeats");
    let columns_of = columns.iter().map(|(_, header)| *header);
    let header: Vec<&str> = params.chain(repeats).chain(columns_of).collect();
    let row = |point: &Point| {
        let params = summary.sweep.iter().map(|path| match point.params.get(path) {
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => String::new(),
        });
        let repeats = are_repeated.then(|| point.repeats.to_string());
        let figures = columns.iter().map(|(metric, _)| figure((metric.get)(point)));
        params.chain(repeats).chain(figures).collect()
    };
    let rows: Vec<Vec<String>> = shown.iter().map(row).collect();
    let more = match summary.points.len() - shown.len() {
        0 => String::new(),
        more => format!("… and {more} more points in runs.csv\n"),
    };
    if header.is_empty() { String::new() } else { aligned(&header, &rows) + &more }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::summary::{FaultEffects, Gets, Line, Lookups};

    #[test]
    fn every_column_is_a_metric() {
        for (name, _) in COLUMNS {
            assert!(metrics::find(name).is_some(), "{name}");
        }
    }

    #[test]
    fn columns_in_which_nothing_happened_are_left_out() {
        let point = |nodes: u64, missing, issued| {
            let mut point = Point::default();
            point.params.insert("population.nodes".to_owned(), nodes.into());
            point.storage.gets = Gets { correct: 10, missing, ..Gets::default() };
            point.after_fault = FaultEffects { issued, wrong: 1, ..FaultEffects::default() };
            point
        };
        let summary = Summary {
            scenario: "x".to_owned(),
            description: String::new(),
            seed: 1,
            sweep: vec!["population.nodes".to_owned()],
            points: vec![point(8, 0, 0), point(16, 3, 4)],
            fits: Vec::new(),
            expectations: Vec::new(),
            published: Vec::new(),
        };
        insta::assert_snapshot!(points(&summary), @r"
        nodes  gets correct  gets missing  wrong after fault
            8            10             0                  –
           16            10             3               0.25
        ");
    }

    #[test]
    fn repeats_are_shown_where_they_differ() {
        let point = |repeats| {
            let lookups = Lookups { correct: 10 * u64::from(repeats), ..Lookups::default() };
            Point { repeats, lookups, ..Point::default() }
        };
        let summary = |points| Summary {
            scenario: "x".to_owned(),
            description: String::new(),
            seed: 1,
            sweep: Vec::new(),
            points,
            fits: Vec::new(),
            expectations: Vec::new(),
            published: Vec::new(),
        };
        insta::assert_snapshot!(points(&summary(vec![point(5), point(12)])), @r"
        repeats  correct
              5       50
             12      120
        ");
        assert!(!points(&summary(vec![point(5), point(5)])).contains("repeats"));
    }

    #[test]
    fn the_line_shown_is_that_of_the_verdict() {
        let log2 = Line { slope: 36.5, intercept: -185.0, r2: 0.96 };
        let linear = Line { slope: 0.5, intercept: 0.25, r2: 1.0 };
        let fit = |verdict: &str| {
            let verdict = verdict.to_owned();
            law(&Fit { params: serde_json::Map::new(), log2, linear, verdict })
        };
        assert_eq!(fit("O(N)"), "hops = 0.5·N + 0.25, r² = 1: O(N)");
        assert_eq!(fit("O(log N)"), "hops = 36.5·log2 N − 185, r² = 0.96: O(log N)");
    }
}
