//! The tables of a page. Numbers stand at the right, with the exact value for sorting.

use serde_json::Value;

use super::{Intervals, add};
use crate::experiment::claims::show;
use crate::measure::metrics::{self, METRICS, Metric};
use crate::measure::summary::{Point, Summary};
use crate::report::html::escaped;
use crate::report::markdown::with_minus;
use crate::report::plots::{distinct_name, in_words, name_of};

/// Points of a sweep in a table.
const MOST_POINTS: usize = 400;
/// Points whose messages are listed.
const MOST_LISTED: usize = 60;

/// What the first table shows of every point, as far as it happened.
const HEADLINES: [&str; 24] = [
    "hops.mean",
    "hops.p99",
    "latency_ms.mean",
    "lookups.correct",
    "lookups.incorrect",
    "lookups.failed",
    "timeouts.mean",
    "gets.hops.mean",
    "gets.correct",
    "gets.old",
    "gets.missing",
    "gets.failed",
    "puts.failed",
    "storage.lost",
    "joins.messages.mean",
    "joins.wrong",
    "downloads.completed",
    "downloads.seconds.mean",
    "waiting_ms.mean",
    "after_fault.wrong_share",
    "after_fault.outage_seconds",
    "keys_per_node.mean",
    "messages_per_node.mean",
    "ring.right_successors",
];

/// A table under way.
pub(super) struct Table {
    caption: String,
    header: String,
    rows: String,
}

impl Table {
    pub(super) fn new(caption: &str) -> Table {
        Table { caption: escaped(caption), header: String::new(), rows: String::new() }
    }

    pub(super) fn text_column(&mut self, name: &str, about: &str) {
        self.column("text", name, about);
    }

    pub(super) fn number_column(&mut self, name: &str, about: &str) {
        self.column("number", name, about);
    }

    fn column(&mut self, kind: &str, name: &str, about: &str) {
        let (name, about) = (escaped(name), escaped(about));
        let title = if about.is_empty() { about } else { format!(" title=\"{about}\"") };
        add(
            &mut self.header,
            format_args!("<th scope=\"col\" class=\"{kind}\"{title}>{name}</th>"),
        );
    }

    /// Begins a row of this class, or of none.
    pub(super) fn row(&mut self, class: &str) {
        // The end of a row may be left out.
        if class.is_empty() {
            self.rows.push_str("\n<tr>");
        } else {
            add(&mut self.rows, format_args!("\n<tr class=\"{class}\">"));
        }
    }

    pub(super) fn text(&mut self, text: &str) {
        add(&mut self.rows, format_args!("<td>{}</td>", escaped(text)));
    }

    pub(super) fn number(&mut self, value: f64) {
        self.shown(value, &with_minus(&show(value)));
    }

    /// A mean, with half the width of its interval.
    fn mean(&mut self, value: f64, half_width: f64) {
        let (shown, half) = (with_minus(&show(value)), half(half_width));
        add(
            &mut self.rows,
            format_args!(
                "<td class=\"number\" data-value=\"{value:e}\">{} <i>± {}</i></td>",
                escaped(&shown),
                escaped(&half)
            ),
        );
    }

    fn shown(&mut self, value: f64, shown: &str) {
        if !value.is_finite() {
            self.rows.push_str("<td class=\"number\">–</td>");
            return;
        }
        let shown = escaped(shown);
        // What is shown in full need not be said twice.
        if shown == value.to_string() {
            add(&mut self.rows, format_args!("<td class=\"number\">{shown}</td>"));
        } else {
            add(
                &mut self.rows,
                format_args!("<td class=\"number\" data-value=\"{value:e}\">{shown}</td>"),
            );
        }
    }

    /// A value of a swept parameter.
    fn param(&mut self, value: Option<&Value>) {
        match value {
            Some(Value::Number(number)) => {
                let value = number.as_f64().unwrap_or(f64::NAN);
                self.shown(value, &with_minus(&show(value)));
            }
            Some(other) => self.text(&in_words(other)),
            None => self.text(""),
        }
    }

    /// The table; nothing when it has no rows.
    pub(super) fn html(self) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        format!(
            "<div class=\"wide\"><table>\n<caption>{}</caption>\n<thead><tr>{}</tr></thead>\n\
             <tbody>{}\n</tbody></table></div>\n",
            self.caption, self.header, self.rows
        )
    }
}

/// Half a width, of which two digits say enough.
fn half(width: f64) -> String {
    show(format!("{width:.1e}").parse().unwrap_or(width))
}

/// Where in the sweep a point stands, in words.
pub(super) fn place(summary: &Summary, point: &Point) -> String {
    name_of(&point.params, summary).replace('\u{a0}', " ")
}

fn param_columns(table: &mut Table, summary: &Summary) {
    for path in &summary.sweep {
        let values = || summary.points.iter().filter_map(|point| point.params.get(path));
        let name = distinct_name(path, &summary.sweep);
        if values().all(Value::is_number) {
            table.number_column(&name, path);
        } else {
            table.text_column(&name, path);
        }
    }
}

fn params(table: &mut Table, summary: &Summary, point: &Point) {
    for path in &summary.sweep {
        table.param(point.params.get(path));
    }
}

fn happened(summary: &Summary, metric: &Metric) -> bool {
    let value = |point: &Point| (metric.get)(point);
    summary.points.iter().map(value).any(|value| value.is_finite() && value != 0.0)
}

fn metrics_table(
    summary: &Summary,
    intervals: &Intervals,
    caption: &str,
    columns: &[&Metric],
) -> String {
    let mut table = Table::new(caption);
    param_columns(&mut table, summary);
    for metric in columns {
        let unit = if metric.unit.is_empty() { "" } else { ", in " };
        let name = metric.name.replace(['.', '_'], " ");
        table.number_column(&name, &format!("{}{unit}{}", metric.about, metric.unit));
    }
    for (number, point) in summary.points.iter().enumerate().take(MOST_POINTS) {
        table.row("");
        params(&mut table, summary, point);
        for metric in columns {
            let value = (metric.get)(point);
            match intervals.half_width(number, metric) {
                Some(half_width) => table.mean(value, half_width),
                None => table.number(value),
            }
        }
    }
    table.html()
}

/// The results of the points: the most important ones, then all by what they are about.
pub(super) fn results(summary: &Summary, intervals: &Intervals) -> String {
    let headlines = HEADLINES.iter().filter_map(|name| metrics::find(name));
    let headlines: Vec<&Metric> = headlines.filter(|metric| happened(summary, metric)).collect();
    let mut content = String::new();
    if !headlines.is_empty() {
        content.push_str(&metrics_table(summary, intervals, "In short", &headlines));
    }
    if intervals.any() {
        content.push_str(
            "<p class=\"hint\">± is half the width of the 95 % interval of a mean over repeats, \
             by Student’s distribution. Counts are sums over repeats, and have none.</p>\n",
        );
    }
    if summary.points.len() > MOST_POINTS {
        add(
            &mut content,
            format_args!(
                "<p class=\"hint\">The first {MOST_POINTS} of {} points; <code>runs.csv</code> has \
                 all.</p>\n",
                summary.points.len()
            ),
        );
    }
    let all: Vec<&Metric> = METRICS.iter().filter(|metric| happened(summary, metric)).collect();
    let group = |metric: &Metric| metric.name.split('.').next().unwrap_or_default().to_owned();
    let alone = |name: &str| all.iter().filter(|metric| group(metric) == name).count() == 1;
    let mut groups: Vec<(String, Vec<&Metric>)> = Vec::new();
    for metric in &all {
        let name = group(metric);
        // Those that stand alone stand together.
        let name = if alone(&name) { "general".to_owned() } else { name };
        match groups.iter_mut().find(|(known, _)| *known == name) {
            Some((_, metrics)) => metrics.push(metric),
            None => groups.push((name, vec![metric])),
        }
    }
    for (name, metrics) in groups {
        let name = name.replace('_', " ");
        let table = metrics_table(summary, intervals, &format!("All of {name}"), &metrics);
        add(
            &mut content,
            format_args!("<details><summary>{}</summary>\n{table}</details>\n", escaped(&name)),
        );
    }
    content
}

/// What broke and mended in the first repeat of every point.
pub(super) fn happenings(summary: &Summary) -> String {
    let mut table = Table::new("In the first repeat of every setting");
    param_columns(&mut table, summary);
    table.number_column("Seconds", "since the start");
    table.text_column("What", "");
    for point in summary.points.iter().take(MOST_POINTS) {
        for happening in &point.happenings {
            table.row("");
            params(&mut table, summary, point);
            table.number(happening.seconds);
            table.text(&happening.what);
        }
    }
    table.html()
}

/// The lines through mean hops.
pub(super) fn fits(summary: &Summary) -> String {
    let mut table = Table::new("Least squares of mean hops");
    table.text_column("Setting", "");
    table.text_column("Verdict", "");
    table.number_column("· log₂ N", "slope over the logarithm of the number of nodes");
    table.number_column("+", "its height at zero");
    table.number_column("r²", "share of the variance that it explains");
    table.number_column("· N", "slope over the number of nodes");
    table.number_column("+", "its height at zero");
    table.number_column("r²", "share of the variance that it explains");
    for fit in &summary.fits {
        table.row("");
        table.text(&name_of(&fit.params, summary).replace('\u{a0}', " "));
        table.text(&fit.verdict);
        for line in [fit.log2, fit.linear] {
            table.number(line.slope);
            table.number(line.intercept);
            table.number(line.r2);
        }
    }
    table.html()
}

/// Published numbers and the measured ones.
pub(super) fn published(summary: &Summary) -> String {
    let mut table = Table::new("What was published, and what was measured");
    table.text_column("Source", "");
    table.text_column("Metric", "");
    table.text_column("Against", "");
    table.number_column("At", "");
    table.number_column("Published", "");
    table.number_column("Measured", "");
    table.number_column("Difference", "measured less published");
    table.text_column("Within tolerance", "");
    for one in &summary.published {
        table.row(if one.within_tolerance == Some(false) { "broken" } else { "" });
        table.text(&one.source);
        table.text(&one.metric);
        table.text(&one.against);
        table.number(one.at);
        table.number(one.published);
        table.number(one.measured);
        table.number(one.measured - one.published);
        table.text(match one.within_tolerance {
            Some(true) => "✓ yes",
            Some(false) => "✗ no",
            None => "",
        });
    }
    table.html()
}

/// Messages by kind.
pub(super) fn messages(summary: &Summary) -> String {
    let mut table = Table::new("Messages sent in a run by kind, mean over repeats");
    param_columns(&mut table, summary);
    table.text_column("Kind", "");
    table.text_column("For", "what they serve");
    table.number_column("Messages", "");
    table.number_column("Bytes", "on the wire, headers included");
    table.number_column("Messages a node and second", "");
    table.number_column("Bytes a node and second", "");
    for point in summary.points.iter().take(MOST_LISTED) {
        for kind in &point.messages {
            table.row("");
            params(&mut table, summary, point);
            table.text(&kind.sent.kind);
            table.text(&kind.sent.purpose);
            table.number(kind.sent.messages);
            table.number(kind.sent.bytes);
            table.number(kind.messages_per_node_second);
            table.number(kind.bytes_per_node_second);
        }
    }
    let table = table.html();
    let more = summary.points.len().saturating_sub(MOST_LISTED);
    match (table.is_empty(), more) {
        (true, _) => table,
        (_, 0) => format!("<details><summary>By kind</summary>\n{table}</details>\n"),
        (_, more) => format!(
            "<details><summary>By kind</summary>\n{table}<p class=\"hint\">{more} more points are \
             in <code>messages.csv</code>.</p></details>\n"
        ),
    }
}

/// The digests over the events of every point, by which runs are compared.
pub(super) fn digests(summary: &Summary) -> String {
    let mut table = Table::new("Runs that are the same have the same digest");
    param_columns(&mut table, summary);
    table.text_column("System", "");
    table.number_column("Repeats", "");
    table.number_column("Events", "processed in a run");
    table.number_column("Simulated seconds", "");
    table.text_column("Digest", "over the events of all repeats");
    for point in summary.points.iter().take(MOST_POINTS) {
        table.row("");
        params(&mut table, summary, point);
        table.text(&point.system);
        table.number(f64::from(point.repeats));
        table.number(point.events);
        table.number(point.simulated_seconds);
        table.text(&point.digest);
    }
    format!("<details><summary>Digests</summary>\n{}</details>\n", table.html())
}
