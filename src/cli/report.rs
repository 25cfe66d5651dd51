//! `dhtsim report`: results as a page to look at.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::experiment;
use crate::experiment::film::MOST_NODES;
use crate::measure::summary::Summary;
use crate::report::{self, Intervals, Shown};
use crate::scenario::format::Condition;
use crate::scenario::{self, Overrides, Plan};

use super::output::say;
use super::{Ending, Failure, parse_where};

/// Make a page to look at of results that exist.
///
/// Writes report.html into their folder: plots with values under the pointer, tables that
/// sort, and for rings of up to 300 nodes a view of the ring and its lookups, for which a
/// run is done again. The page needs no network and no other file.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dhtsim report results/notes-ring
  dhtsim report results/compare-systems --ring population.nodes=32 --ring-repeat 2
  dhtsim report results")]
pub(super) struct Report {
    /// Folders of results, or folders of such folders
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// Show the ring at the points at which a swept parameter has this value
    ///
    /// The value may be a condition as `dhtsim table --where` takes it. The first rings of up
    /// to 300 nodes among these points are shown, with a choice on the page where there are
    /// several. Without it, it is the first of all.
    #[arg(long, value_name = "PARAM=VALUE", value_parser = parse_where)]
    ring: Vec<(String, Condition)>,
    /// Show the ring in this repeat, counted from 0 as in runs.csv [default: 0]
    #[arg(long, value_name = "N")]
    ring_repeat: Option<u32>,
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
        let results = results?;
        let rings = results.iter().map(|(summary, plan, _)| self.rings(summary, plan));
        let rings = rings.collect::<Result<Vec<Rings>, Failure>>()?;
        for ((folder, (summary, plan, intervals)), rings) in folders.iter().zip(&results).zip(rings)
        {
            write_with(folder, (summary, plan, intervals), &rings, self.quiet)?;
        }
        Ok(Ending::Good)
    }

    /// The rings that are to be shown.
    fn rings(&self, summary: &Summary, plan: &Plan) -> Result<Rings, Failure> {
        let name = &summary.scenario;
        let mut rings = Rings::first(plan);
        if !self.ring.is_empty() {
            let params = summary.points.iter().map(|point| &point.params);
            let chosen = report::points_where(name, params, "--ring", &self.ring)
                .map_err(|error| Failure::BadInput(error.to_string()))?;
            let of_them = rings.filmable.iter().filter(|point| chosen.contains(point));
            rings.points = of_them.copied().take(MOST_RINGS).collect();
            if rings.points.is_empty() {
                return Err(Failure::BadInput(format!(
                    "{name}: --ring: no point with these values has a ring of up to {MOST_NODES} \
                     nodes; give others, or leave it out"
                )));
            }
        }
        if let Some(repeat) = self.ring_repeat {
            let repeats = rings.points.iter().map(|point| summary.points[*point].repeats);
            let Some(least) = repeats.min() else {
                return Err(Failure::BadInput(format!(
                    "{name}: --ring-repeat {repeat}: there is no ring of up to {MOST_NODES} nodes \
                     to be shown; leave it out"
                )));
            };
            if repeat >= least {
                return Err(Failure::BadInput(format!(
                    "{name}: --ring-repeat {repeat}: there are {least} repeats, counted from 0; \
                     give a smaller number"
                )));
            }
            rings.repeat = repeat;
        }
        Ok(rings)
    }
}

/// So many rings are on a page at most, to keep it small.
const MOST_RINGS: usize = 6;

/// The rings that a page shows.
struct Rings {
    /// The points of which it could show them.
    filmable: Vec<usize>,
    /// The points of which it does.
    points: Vec<usize>,
    repeat: u32,
}

impl Rings {
    /// The first that there is.
    fn first(plan: &Plan) -> Rings {
        let filmable = experiment::filmable(plan);
        Rings { points: filmable.iter().copied().take(1).collect(), filmable, repeat: 0 }
    }
}

/// The results in a folder, and the scenario that gave them.
fn read(folder: &Path) -> Result<(Summary, Plan, Intervals), Failure> {
    let summary = report::read(folder).map_err(|error| Failure::BadInput(error.to_string()))?;
    let path = folder.join(report::SCENARIO);
    if !path.exists() {
        return Err(Failure::BadInput(format!(
            "{}: is not there; run the scenario again, which leaves it beside its results",
            path.display()
        )));
    }
    // Results of another program's overlay are results all the same.
    let plan = scenario::load_own(&path, &Overrides::default());
    let plan = plan.map_err(|error| Failure::BadInput(error.to_string()))?;
    let planned = plan.points.iter().map(|point| &point.params);
    let measured = summary.points.iter().map(|point| &point.params);
    if plan.name != summary.scenario || measured.ne(planned) {
        let path = path.display();
        return Err(Failure::BadInput(format!(
            "{path}: not the scenario of the results beside it; run the scenario again"
        )));
    }
    let intervals = intervals(folder, &summary)?;
    Ok((summary, plan, intervals))
}

/// Writes the page of results into their folder, with the first ring that there is.
pub(super) fn write(
    folder: &Path,
    summary: &Summary,
    plan: &Plan,
    quiet: bool,
) -> Result<(), Failure> {
    let intervals = intervals(folder, summary)?;
    write_with(folder, (summary, plan, &intervals), &Rings::first(plan), quiet)
}

fn intervals(folder: &Path, summary: &Summary) -> Result<Intervals, Failure> {
    Intervals::read(folder, summary).map_err(|error| Failure::BadInput(error.to_string()))
}

fn write_with(
    folder: &Path,
    (summary, plan, intervals): (&Summary, &Plan, &Intervals),
    rings: &Rings,
    quiet: bool,
) -> Result<(), Failure> {
    let films = rings.points.iter();
    let films: Vec<_> =
        films.filter_map(|point| experiment::film(plan, *point, rings.repeat)).collect();
    let filmable = &rings.filmable;
    let shown = Shown { summary, plan, intervals, films: &films, filmable };
    let path = report::write_page(folder, shown)
        .map_err(|error| Failure::NotWritten(error.to_string()))?;
    if !quiet {
        say(&format!("{}: report written to {}", plan.name, path.display()));
    }
    Ok(())
}
