//! `dhtsim verify`: runs again what results say, and compares.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, value_parser};

use crate::experiment::{self, RunNumber};
use crate::journal::Nowhere;
use crate::report::{self, Verification};
use crate::scenario::{self, Overrides, Plan};

use super::output::{Paint, paint};
use super::progress::{Progress, costs};
use super::run::check_memory;
use super::{Ending, Failure, figures, jobs, memory};

/// The most differences of a folder that are named.
const MOST_NAMED: usize = 3;

/// Run again what results say, and compare.
///
/// A folder of results holds its scenario as it ran (scenario.json). That is run anew; then
/// the digests of all runs are compared, and every file byte by byte. What is kept of earlier
/// runs is not used. metrics.csv, which says the same as runs.csv, may be missing.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dhtsim verify results/chord-hops
  dhtsim verify results --quiet

Exit codes:
  0  everything came out again
  1  something came out otherwise
  2  bad input: a folder without results or scenario
  4  a scenario needs more memory than there is")]
pub(super) struct Verify {
    /// Folders of results, or folders of such folders
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// Number of threads [default: as many as the machine runs at once]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Run even what is estimated not to fit into memory
    #[arg(long)]
    ignore_memory: bool,
    /// Show only what came out otherwise
    #[arg(long, short)]
    quiet: bool,
}

impl Verify {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Ending, Failure> {
        let folders: Vec<PathBuf> =
            self.folders.iter().flat_map(|folder| report::folders(folder)).collect();
        let (good, bad): (Vec<_>, Vec<_>) =
            folders.iter().map(|folder| load(folder)).partition(Result::is_ok);
        let faults: Vec<String> =
            bad.into_iter().filter_map(Result::err).map(|failure| failure.to_string()).collect();
        if !faults.is_empty() {
            return Err(Failure::BadInput(faults.join("\n")));
        }
        let plans: Vec<Plan> = good.into_iter().filter_map(Result::ok).collect();
        if !self.ignore_memory {
            check_memory(&plans, jobs(self.jobs), memory::available_bytes())?;
        }
        let mut ending = Ending::Good;
        for (folder, plan) in folders.iter().zip(&plans) {
            let verification = self.verify(folder, plan)?;
            if !verification.is_same() {
                ending = Ending::Differs;
            }
            if !(self.quiet && verification.is_same()) {
                out.write_all(text(folder, &verification).as_bytes())?;
                // Several folders take long: show each when it is done.
                out.flush()?;
            }
        }
        Ok(ending)
    }

    fn verify(&self, folder: &Path, plan: &Plan) -> Result<Verification, Failure> {
        let costs = costs(plan);
        let progress = Progress::of_plan(plan, &costs, self.quiet);
        let on_run_done = |run: RunNumber, events| progress.run_done(costs[run.point], events);
        let outcome = experiment::run(plan, jobs(self.jobs), &Nowhere, &on_run_done);
        progress.finish();
        let new = tempfile::tempdir().map_err(|error| {
            let mend = "make room there, or let TMPDIR name another folder";
            Failure::NotWritten(format!("the folder for what is temporary: {error}; {mend}"))
        })?;
        let has_png = fs::read_dir(folder).is_ok_and(|mut entries| {
            entries.any(|entry| {
                entry.is_ok_and(|entry| entry.path().extension().is_some_and(|e| e == "png"))
            })
        });
        let again = report::write(new.path(), &outcome, &plan.scenario.plots, has_png)
            .map_err(|error| Failure::NotWritten(error.to_string()))?;
        Verification::of(folder, &again).map_err(|error| Failure::BadInput(error.to_string()))
    }
}

/// The scenario of a folder of results, as it ran.
fn load(folder: &Path) -> Result<Plan, Failure> {
    report::read(folder).map_err(|error| Failure::BadInput(error.to_string()))?;
    let file = folder.join(report::SCENARIO);
    if !file.is_file() {
        let mend = "run its scenario again, which writes it";
        return Err(Failure::BadInput(format!("{}: is not there; {mend}", file.display())));
    }
    scenario::load(&file, &Overrides::default())
        .map_err(|error| Failure::BadInput(error.to_string()))
}

/// One line, and one for each of the first differences.
fn text(folder: &Path, verification: &Verification) -> String {
    let Verification { runs, runs_that_differ, files, files_that_differ, left_out } = verification;
    let of = |differ: usize, all: usize, what: &str| {
        let all = figures::of(all, what);
        if differ == 0 { all } else { format!("{differ} of {all}") }
    };
    let left_out = match &left_out[..] {
        [] => String::new(),
        names => format!(", without {}", names.join(", ")),
    };
    let word = if verification.is_same() {
        paint("same   ", Paint::Good)
    } else {
        paint("differs", Paint::Bad)
    };
    let folder = folder.display();
    let mut text = format!(
        "{word}  {folder}: {}, {}{left_out}\n",
        of(runs_that_differ.len(), *runs, "run"),
        of(files_that_differ.len(), *files, "file"),
    );
    for differences in [runs_that_differ, files_that_differ] {
        let named = differences.iter().take(MOST_NAMED);
        text.extend(named.map(|difference| format!("         {difference}\n")));
        if differences.len() > MOST_NAMED {
            let more = differences.len() - MOST_NAMED;
            text.extend([format!("         … and {more} more\n")]);
        }
    }
    text
}
