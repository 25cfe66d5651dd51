//! `dhtsim run`: runs scenarios and writes their results.

use std::collections::BTreeMap;
use std::io::Write;
use std::num::NonZero;
use std::path::PathBuf;
use std::thread::available_parallelism;

use clap::{Args, value_parser};
use serde_json::Value;

use crate::experiment::estimate::process_bytes;
use crate::experiment::{self, claims::show};
use crate::journal::{Archive, Journal, JournalError};
use crate::measure::metrics;
use crate::measure::summary::{Fit, Point, Summary};
use crate::report;
use crate::scenario::Plan;

use super::columns::aligned;
use super::output::{Paint, paint, say};
use super::progress::{Drawing, Progress};
use super::speed::Stopwatch;
use super::{Changes, Ending, Failure, figures, memory};

/// The folder, beside those of results, in which what single runs gave is kept.
const JOURNALS: &str = ".runs";

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

/// Run scenarios and write their results.
///
/// The results of a scenario are written to a folder of its name, whole or not at
/// all. On several threads they are the same, byte for byte.
///
/// Every run is kept in the folder `.runs` beside the results as soon as it is done. What was
/// interrupted, even by a power cut, goes on where it was when it is started again; what has
/// grown by repeats or values runs only the new ones. Runs of another build are not used.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dhtsim run scenarios/paper/chord-hops.json
  dhtsim run scenarios/*.json scenarios/*/*.json --quiet
  dhtsim run my.json --seed 7 --set network.loss=0.1 --out my-results --png

Exit codes:
  0  every claim held
  1  a claim was broken
  2  bad input: a scenario or the command line
  3  results could not be written
  4  a scenario needs more memory than there is")]
pub(super) struct Run {
    /// Scenario files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    changes: Changes,
    /// Folder for the folders of results
    #[arg(long, value_name = "DIR", default_value = "results")]
    out: PathBuf,
    /// Number of threads [default: as many as the machine runs at once]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Write plots as PNG, besides SVG
    #[arg(long)]
    png: bool,
    /// Run everything anew, even what is kept from before
    #[arg(long)]
    fresh: bool,
    /// Run even what is estimated not to fit into memory
    #[arg(long)]
    ignore_memory: bool,
    /// Show nothing but errors
    #[arg(long, short)]
    quiet: bool,
}

impl Run {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Ending, Failure> {
        let plans = self.changes.load_all(&self.files)?;
        check_names(&plans)?;
        if !self.ignore_memory {
            check_memory(&plans, self.jobs(), memory::available_bytes())?;
        }
        self.check_writable(&plans)?;
        let mut ending = Ending::Good;
        for plan in &plans {
            let summary = self.run_one(plan)?;
            if !self.quiet {
                out.write_all(text(&summary).as_bytes())?;
                // Several scenarios take long: show each when it is done.
                out.flush()?;
            }
            if summary.expectations.iter().any(|verdict| !verdict.held) {
                ending = Ending::ClaimBroken;
            }
        }
        Ok(ending)
    }

    fn run_one(&self, plan: &Plan) -> Result<Summary, Failure> {
        let journal = self.journal(plan)?;
        let known = experiment::runs(plan).filter(|run| journal.has(experiment::key(plan, *run)));
        let known = known.count();
        if known > 0 && !self.quiet {
            say(&format!("{}: {known} of {} runs are kept from before", plan.name, plan.runs()));
        }
        let progress = Progress::new(&plan.name, plan.runs(), self.quiet);
        let stopwatch = Stopwatch::start();
        let on_run_done = |done, events| progress.run_done(done, events);
        let outcome = experiment::run(plan, self.jobs(), &journal, &on_run_done);
        let figures = stopwatch.figures(progress.events());
        progress.finish();
        if !self.quiet && known < plan.runs() {
            say(&format!("{}: {figures}", plan.name));
        }
        if let Err(error) = journal.finish() {
            // The results are there all the same.
            say(&format!("warning: {error}"));
        }
        let plots = &plan.scenario.plots;
        let drawing = Drawing::new(&plan.name, plots.len(), self.quiet);
        let on_plot_drawn = || drawing.plot_drawn();
        let written = report::write_telling(&self.out, &outcome, plots, self.png, &on_plot_drawn);
        drawing.finish();
        let folder = written.map_err(|error| Failure::NotWritten(error.to_string()))?;
        if !self.quiet {
            say(&format!("{}: results written to {}", plan.name, folder.display()));
        }
        Ok(outcome.summary)
    }

    /// Where the runs of a scenario are kept.
    fn journal(&self, plan: &Plan) -> Result<Journal, Failure> {
        let path = self.out.join(JOURNALS).join(format!("{}.runs", plan.name));
        let not_written = |error: JournalError| Failure::NotWritten(error.to_string());
        let journal = Journal::open(&path).map_err(not_written)?;
        if self.fresh {
            journal.clear().map_err(not_written)?;
        }
        Ok(journal)
    }

    /// How many runs go at a time.
    fn jobs(&self) -> usize {
        self.jobs.map_or_else(|| available_parallelism().map_or(1, NonZero::get), usize::from)
    }

    /// Hours of simulation are worth a look at the folders first.
    fn check_writable(&self, plans: &[Plan]) -> Result<(), Failure> {
        plans
            .iter()
            .try_for_each(|plan| report::ensure_writable(&self.out, &plan.name))
            .map_err(|error| Failure::NotWritten(error.to_string()))
    }
}

/// Refuses scenarios that take more memory than there is, if that is known: the machine would
/// end them somewhere in the midst, or everything else with them.
pub(super) fn check_memory(
    plans: &[Plan],
    jobs: usize,
    available: Option<u64>,
) -> Result<(), Failure> {
    let Some(available) = available else { return Ok(()) };
    for plan in plans {
        let at_a_time = jobs.min(plan.runs());
        let bytes = process_bytes(plan, at_a_time);
        if bytes <= available {
            continue;
        }
        let runs = match at_a_time {
            1 => "its largest run needs".to_owned(),
            more => format!("its {more} largest runs, which may go at the same time, need"),
        };
        let one = process_bytes(plan, 1);
        let mend = if at_a_time > 1 && one <= available {
            format!("give --jobs 1 (about {}) or fewer nodes", figures::bytes(one))
        } else {
            "give fewer nodes, keys or requests".to_owned()
        };
        return Err(Failure::NoMemory(format!(
            "{}: {runs} about {} of memory, but only {} are available; {mend}, or run it all the \
             same with --ignore-memory",
            plan.file,
            figures::bytes(bytes),
            figures::bytes(available)
        )));
    }
    Ok(())
}

/// Two scenarios of one name would write to one folder.
fn check_names(plans: &[Plan]) -> Result<(), Failure> {
    let mut names = BTreeMap::new();
    for plan in plans {
        if let Some(other) = names.insert(&plan.name, &plan.file) {
            return Err(Failure::BadInput(format!(
                "{}: name: {:?} is the name of {other} too; give every scenario a name of its own",
                plan.file, plan.name
            )));
        }
    }
    Ok(())
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
        let count = match verdict.broken {
            0 => String::new(),
            broken => format!(" ({broken} of {})", verdict.checked),
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
    let figure = |value: f64| if value.is_finite() { show(value) } else { "–".to_owned() };
    // The last name of a path tells enough beside its values.
    let params = summary.sweep.iter().map(|path| path.rsplit('.').next().unwrap_or(path));
    let header: Vec<&str> = params.chain(columns.iter().map(|(_, header)| *header)).collect();
    let row = |point: &Point| {
        let params = summary.sweep.iter().map(|path| match point.params.get(path) {
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => String::new(),
        });
        params.chain(columns.iter().map(|(metric, _)| figure((metric.get)(point)))).collect()
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
    use crate::measure::summary::{FaultEffects, Gets, Line};
    use crate::scenario::{self, Overrides};

    #[test]
    fn what_does_not_fit_into_memory_is_refused_with_a_way_out() {
        let scenario = r#"{
            "name": "x", "population": {"nodes": 1000000}, "overlay": {"chord": {}}, "repeat": 3
        }"#;
        let plan = scenario::parse("x.json", scenario, &Overrides::default()).unwrap();
        let (one, all) = (process_bytes(&plan, 1), process_bytes(&plan, 3));
        let plans = [plan];
        let said = |jobs, available| match check_memory(&plans, jobs, available) {
            Err(Failure::NoMemory(said)) => said,
            other => panic!("{other:?}"),
        };
        assert!(check_memory(&plans, 8, None).is_ok());
        assert!(check_memory(&plans, 8, Some(all)).is_ok());
        assert!(check_memory(&plans, 1, Some(one)).is_ok());
        let eight = said(8, Some(one));
        assert!(eight.starts_with("x.json: its 3 largest runs, which may go"), "{eight}");
        assert!(eight.contains("; give --jobs 1 (about "), "{eight}");
        let single = said(1, Some(1000));
        assert!(single.contains(" but only 1 kB are available; give fewer nodes, "), "{single}");
        assert!(said(8, Some(1000)).contains("; give fewer nodes, "));
    }

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
