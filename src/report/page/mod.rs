//! The results of a scenario as one page to look at: a file that needs nothing but itself.
//!
//! What is on the page stands in it as text and figures and reads without its script. The
//! script only brings it to life: it shows values, hides series, sorts tables and draws the
//! ring. Everything that comes from a scenario is escaped, and the page's own policy forbids
//! it to load anything.
//!
//! Must not know: how anything was simulated. It sees results, the scenario and a
//! [`Film`].

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::folder::WriteError;
use super::html::{escaped, json as script_json};
use super::plots::{self, Live};
use crate::experiment::film::Film;
use crate::measure::metrics;
use crate::measure::summary::{Summary, Verdict};
use crate::scenario::Plan;
use crate::scenario::format::{Plot, TimePlot};
use crate::whole_file::write_whole;

mod intervals;
mod ring;
mod tables;
mod words;

pub use intervals::Intervals;

/// The file of a results folder that is to be looked at.
pub const PAGE: &str = "report.html";

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// What the page may do: nothing but what stands in it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; \
                      script-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
                      form-action 'none'";

/// Plots of samples that no plot of the scenario shows are left out where they would make the
/// page longer than this.
const LONG: usize = 1_200_000;

/// What a page shows.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// The results.
    pub summary: &'a Summary,
    /// The scenario that gave them.
    pub plan: &'a Plan,
    /// How well their means are known.
    pub intervals: &'a Intervals,
    /// The rings to look at. The first one stands there without the script, too.
    pub films: &'a [Film],
    /// The points of which there could be films.
    pub filmable: &'a [usize],
}

/// Writes the page into a folder of results, and returns its path. The old page stays until
/// the new one is complete.
///
/// # Errors
/// When a plot cannot be drawn or the file cannot be written.
pub fn write_page(folder: &Path, shown: Shown<'_>) -> Result<PathBuf, WriteError> {
    let path = folder.join(PAGE);
    let failed = |reason: &dyn std::fmt::Display| WriteError::NoPage {
        path: path.clone(),
        reason: reason.to_string(),
    };
    let text = page(shown).map_err(|reason| failed(&reason))?;
    write_whole(&path, text.as_bytes()).map_err(|reason| failed(&reason))?;
    Ok(path)
}

/// The page as a text: of the same results, scenario and films always the same.
///
/// # Errors
/// Says what could not be drawn.
pub fn page(shown: Shown<'_>) -> Result<String, String> {
    let Shown { summary, plan, intervals, films, filmable } = shown;
    let mut page = Page::default();
    page.section("scenario", "Scenario", &words::scenario(plan));
    page.section("again", "Run it again", &again(summary, plan)?);
    page.section("expectations", "Expectations", &expectations(summary));
    page.section("notices", "To be known besides", &notices(summary));
    page.plots(summary, &plan.scenario.plots)?;
    page.section("faults", "What broke and mended", &tables::happenings(summary));
    page.section("ring", "The ring", &ring::section(films, filmable, summary));
    let rings: Vec<Value> = films.iter().map(|film| ring::data(film, summary)).collect();
    page.section("results", "Results", &tables::results(summary, intervals));
    page.section("growth", "Growth with the number of nodes", &tables::fits(summary));
    page.section("published", "Beside published numbers", &tables::published(summary));
    page.section("messages", "Messages", &tables::messages(summary));

    let data = json!({
        "figures": page.values,
        "rings": rings,
        "scenario": serde_json::to_string_pretty(&plan.source).map_err(|e| e.to_string())? + "\n",
        "name": summary.scenario,
    });
    let data = script_json(&data).map_err(|error| error.to_string())?;
    let name = escaped(&summary.scenario);
    let head = head(summary, &page.links);
    let colours = Live::colour_rules(&page.colours);
    Ok(format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{name} – dhtsim</title>\n<style>\n{STYLE}{colours}</style>\n</head>\n<body>\n\
         {head}<main>\n{body}</main>\n\
         <script type=\"application/json\" id=\"data\">{data}</script>\n\
         <script>\n{SCRIPT}</script>\n</body>\n</html>\n",
        body = page.body,
    ))
}

/// The page as far as it has come.
#[derive(Default)]
struct Page {
    body: String,
    links: String,
    /// What the script must know of every figure.
    values: Vec<Value>,
    colours: BTreeSet<(u8, u8, u8)>,
}

impl Page {
    /// A section, unless there is nothing in it.
    fn section(&mut self, id: &str, title: &str, content: &str) {
        if content.is_empty() {
            return;
        }
        add(&mut self.links, format_args!("<a href=\"#{id}\">{title}</a>\n"));
        add(
            &mut self.body,
            format_args!(
                "<section id=\"{id}\" aria-labelledby=\"{id}-title\">\n\
                 <h2 id=\"{id}-title\">{title}</h2>\n{content}</section>\n"
            ),
        );
    }

    /// The plots of the scenario, and those of samples that it does not show.
    fn plots(&mut self, summary: &Summary, asked: &[Plot]) -> Result<(), String> {
        let hops = [Plot::Hops];
        let has_hops = summary.points.iter().any(|point| !point.hops.histogram.is_empty());
        let asked = if asked.is_empty() && has_hops { &hops[..] } else { asked };
        let mut content = String::new();
        for plot in asked {
            let live = plots::live(summary, plot)?;
            content.push_str(&self.figure(live));
        }
        self.section("plots", "Plots", &content);

        let mut content = String::new();
        for plot in samples_besides(summary, asked) {
            let live = plots::live(summary, &plot)?;
            if self.body.len() + content.len() + live.svg.len() > LONG {
                break;
            }
            content.push_str(&self.figure(live));
        }
        if !content.is_empty() {
            content = format!(
                "<details><summary>What else was sampled, over simulated time</summary>\n\
                 {content}</details>\n"
            );
        }
        self.section("samples", "Over time", &content);
        Ok(())
    }

    fn figure(&mut self, live: Live) -> String {
        let number = self.values.len();
        self.values.push(live.values);
        self.colours.extend(live.colours);
        let title = escaped(&live.title);
        let subtitle = escaped(&live.subtitle);
        format!(
            "<figure class=\"plot\" data-figure=\"{number}\">\n<div class=\"paper\">{}</div>\n\
             <figcaption>{title}<span> – {subtitle}</span></figcaption>\n</figure>\n",
            live.svg
        )
    }
}

/// Adds to a text, which takes everything.
fn add(text: &mut String, more: std::fmt::Arguments<'_>) {
    let _ = text.write_fmt(more);
}

/// Plots over time of the series that were sampled and changed, but are on no plot.
fn samples_besides(summary: &Summary, asked: &[Plot]) -> Vec<Plot> {
    let shown: BTreeSet<&str> = asked
        .iter()
        .filter_map(|plot| match plot {
            Plot::OverTime(plot) => Some(plot.series.iter().map(String::as_str)),
            _ => None,
        })
        .flatten()
        .collect();
    let varies = |name: &str| {
        let series = summary.points.iter().filter_map(|point| point.timeline.series.get(name));
        let mut values = series.flatten().flatten();
        values.next().is_some_and(|first| values.any(|value| value.total_cmp(first).is_ne()))
    };
    let names = metrics::SERIES.iter().map(|series| series.name);
    let names = names.filter(|name| !shown.contains(name) && varies(name));
    let plot = |name: &str| {
        Plot::OverTime(TimePlot { series: vec![name.to_owned()], ..TimePlot::default() })
    };
    names.map(plot).collect()
}

fn head(summary: &Summary, links: &str) -> String {
    let name = escaped(&summary.scenario);
    let about = words::prose(&summary.description);
    let verdict = verdict(&summary.expectations);
    let seed = summary.seed;
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "<header>\n<p class=\"kicker\">dhtsim {version} · seed {seed}</p>\n<h1>{name}</h1>\n\
         <p class=\"about\">{about}</p>\n{verdict}\
         <button type=\"button\" id=\"theme\" hidden>Light or dark</button>\n\
         <nav aria-label=\"On this page\">\n{links}</nav>\n\
         <noscript><p class=\"hint\">Without JavaScript this page stands still: it has all \
         figures and tables, but shows no values under the pointer and no lookups.</p>\
         </noscript>\n</header>\n"
    )
}

fn verdict(verdicts: &[Verdict]) -> String {
    let broken = verdicts.iter().filter(|verdict| !verdict.held).count();
    match (verdicts.len(), broken) {
        (0, _) => String::new(),
        (1, 0) => "<p class=\"verdict held\">✓ Its expectation held</p>\n".to_owned(),
        (all, 0) => format!("<p class=\"verdict held\">✓ All {all} expectations held</p>\n"),
        (all, broken) => {
            let word = if broken == 1 { "was" } else { "were" };
            format!(
                "<p class=\"verdict broken\">✗ {broken} of {all} expectations {word} broken</p>\n"
            )
        }
    }
}

fn again(summary: &Summary, plan: &Plan) -> Result<String, String> {
    let source = serde_json::to_string_pretty(&plan.source).map_err(|error| error.to_string())?;
    let (runs, name) = (plan.runs(), escaped(&summary.scenario));
    let runs = if runs == 1 { "its run".to_owned() } else { format!("all of its {runs} runs") };
    let digests = tables::digests(summary);
    Ok(format!(
        "<p>The file <code>scenario.json</code> beside this page is the scenario as it ran, \
         complete in itself. In that folder, this command does {runs} again and gives the same \
         results, byte for byte, in <code>again/{name}</code>:</p>\n\
         <pre id=\"command\">dhtsim run scenario.json --out again</pre>\n\
         <details><summary>scenario.json</summary>\n\
         <p><button type=\"button\" id=\"save\" hidden>Save it as a file</button></p>\n\
         <pre>{}</pre></details>\n{digests}",
        escaped(&source)
    ))
}

fn expectations(summary: &Summary) -> String {
    let mut table = tables::Table::new("What the scenario claims, and what came of it");
    table.text_column("Verdict", "");
    table.text_column("Claim", "");
    table.text_column("Nearest figure", "at the point nearest to breaking it");
    table.number_column("Points", "at which it was checked");
    table.number_column("Broken at", "points");
    for verdict in &summary.expectations {
        let held = if verdict.held { "✓ held" } else { "✗ broken" };
        table.row(if verdict.held { "held" } else { "broken" });
        table.text(held);
        table.text(&verdict.claim);
        table.text(&verdict.figure);
        table.number(verdict.checked as f64);
        table.number(verdict.broken as f64);
    }
    table.html()
}

fn notices(summary: &Summary) -> String {
    let mut list = String::new();
    for point in &summary.points {
        let place = tables::place(summary, point);
        let place = if place.is_empty() { place } else { format!(" ({place})") };
        for notice in &point.notices {
            add(&mut list, format_args!("<li>{}{}</li>\n", escaped(notice), escaped(&place)));
        }
    }
    if list.is_empty() { list } else { format!("<ul>\n{list}</ul>\n") }
}
