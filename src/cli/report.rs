//! `dhtsim report`: results as a page to look at.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::experiment;
use crate::measure::summary::Summary;
use crate::report;
use crate::scenario::{self, Overrides, Plan};

use super::output::say;
use super::{Ending, Failure};

/// Make a page to look at of results that exist.
///
/// Writes report.html into their folder: plots with values under the pointer, tables that
/// sort, and for rings of up to 300 nodes a view of the ring and its lookups, for which one
/// run is done again. The page needs no network and no other file.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dhtsim report results/notes-ring
  dhtsim report results")]
pub(super) struct Report {
    /// Folders of results, or folders of such folders
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// Show nothing but errors
    #[arg(long, short)]
    quiet: bool,
}

impl Report {
    pub(super) fn run(&self, _: &mut dyn Write) -> Result<Ending, Failure> {
        let folders: Vec<PathBuf> =
            self.folders.iter().flat_map(|folder| report::folders(folder)).collect();
        // A bad one is known before anything runs.
        let results: Result<Vec<_>, _> = folders.iter().map(|folder| read(folder)).collect();
        for (folder, (summary, plan)) in folders.iter().zip(results?) {
            write(folder, &summary, &plan, self.quiet)?;
        }
        Ok(Ending::Good)
    }
}

/// The results in a folder, and the scenario that gave them.
fn read(folder: &Path) -> Result<(Summary, Plan), Failure> {
    let summary = report::read(folder).map_err(|error| Failure::BadInput(error.to_string()))?;
    let path = folder.join(report::SCENARIO);
    if !path.exists() {
        return Err(Failure::BadInput(format!(
            "{}: is not there; run the scenario again, which leaves it beside its results",
            path.display()
        )));
    }
    let plan = scenario::load(&path, &Overrides::default());
    let plan = plan.map_err(|error| Failure::BadInput(error.to_string()))?;
    let planned = plan.points.iter().map(|point| &point.params);
    let measured = summary.points.iter().map(|point| &point.params);
    if plan.name != summary.scenario || measured.ne(planned) {
        let path = path.display();
        return Err(Failure::BadInput(format!(
            "{path}: not the scenario of the results beside it; run the scenario again"
        )));
    }
    Ok((summary, plan))
}

/// Writes the page of results into their folder.
pub(super) fn write(
    folder: &Path,
    summary: &Summary,
    plan: &Plan,
    quiet: bool,
) -> Result<(), Failure> {
    let film = experiment::film(plan);
    let path = report::write_page(folder, summary, plan, film.as_ref())
        .map_err(|error| Failure::NotWritten(error.to_string()))?;
    if !quiet {
        say(&format!("{}: report written to {}", plan.name, path.display()));
    }
    Ok(())
}
