//! `dhtsim run`: runs scenarios and writes their results.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, value_parser};

use crate::experiment::estimate::process_bytes;
use crate::experiment::{self, RunNumber};
use crate::journal::{Archive, Journal, JournalError, Nowhere};
use crate::measure::summary::Outcome;
use crate::scenario::{Plan, Setup};
use crate::shares::{Share, Shares};
use crate::whole_file::remove_unfinished;

use super::output::say;
use super::progress::{Progress, cost, costs};
use super::results::Results;
use super::speed::Stopwatch;
use super::trace::Trace;
use super::{Changes, Ending, Failure, figures, jobs, memory};

/// The folder, beside those of results, in which what single runs gave is kept.
const JOURNALS: &str = ".runs";

/// Run scenarios and write their results.
///
/// The results of a scenario are written to a folder of its name, whole or not at
/// all. On several threads they are the same, byte for byte.
///
/// Every run is kept in the folder `.runs` beside the results as soon as it is done. What was
/// interrupted or killed goes on where it was when it is started again; what has grown by repeats
/// or values runs only the new ones. Runs of another build are not used.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dhtsim run scenarios/paper/chord-hops.json
  dhtsim run scenarios/*.json scenarios/*/*.json --quiet
  dhtsim run my.json --seed 7 --set network.loss=0.1 --out my-results --png
  dhtsim run --plan sweep --shard 3/20
  dhtsim run my.json --trace events.jsonl --trace-lookup 17

Exit codes:
  0  every claim held
  1  a claim was broken
  2  bad input: a scenario or the command line
  3  results could not be written
  4  a scenario needs more memory than there is
  130  interrupted: what is done is kept")]
pub(super) struct Run {
    /// Scenario files
    #[arg(required_unless_present = "plan", value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    changes: Changes,
    #[command(flatten)]
    results: Results,
    /// Do a share of the runs that `dhtsim plan` has put into this folder, and keep them there
    #[arg(long, value_name = "DIR", conflicts_with_all = ["files", "seed", "set", "out", "png", "report", "fresh", "trace"])]
    plan: Option<PathBuf>,
    /// Which share of the plan, of how many: 3/20 [default: 1/1, all of it]
    // (`requires` alone does not count where files stand, which a plan excludes.)
    #[arg(long, value_name = "K/N", requires = "plan", conflicts_with = "files")]
    shard: Option<Share>,
    /// Number of threads [default: as many as the machine runs at once]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Run everything anew, even what is kept from before
    #[arg(long)]
    fresh: bool,
    /// Run even what is estimated not to fit into memory
    #[arg(long)]
    ignore_memory: bool,
    #[command(flatten)]
    trace: Trace,
}

impl Run {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Ending, Failure> {
        // Without a handler it ends as well, only without a word.
        drop(ctrlc::set_handler(on_interrupt));
        if let Some(folder) = &self.plan {
            return self.run_share(folder);
        }
        let plans = self.changes.load_all(&self.files)?;
        check_names(&plans)?;
        self.trace.check(&plans)?;
        self.check_memory(&plans)?;
        self.results.check_writable(&plans)?;
        let mut ending = Ending::Good;
        for plan in &plans {
            let outcome = self.run_one(plan)?;
            ending = ending.or(self.results.write(plan, &outcome, out)?);
        }
        Ok(ending)
    }

    fn run_one(&self, plan: &Plan) -> Result<Outcome, Failure> {
        let quiet = self.results.quiet;
        let journal = self.journal(plan)?;
        let archive: &dyn Archive = journal.as_ref().map_or(&Nowhere, |journal| journal);
        let known = experiment::runs(plan).filter(|run| archive.has(experiment::key(plan, *run)));
        let known = known.count();
        if known > 0 && !quiet {
            say(&format!("{}: {known} of {} runs are kept from before", plan.name, plan.runs()));
        }
        let stopwatch = Stopwatch::start();
        let traced_events = self.trace.write(plan, archive, quiet)?;
        let costs = costs(plan);
        let progress = Progress::of_plan(plan, &costs, quiet);
        let on_run_done = |run: RunNumber, events| progress.run_done(costs[run.point], events);
        let outcome = experiment::run(plan, jobs(self.jobs), archive, &on_run_done);
        let figures = stopwatch.figures(traced_events + progress.events());
        progress.finish();
        if !quiet && known < plan.runs() {
            say(&format!("{}: {figures}", plan.name));
        }
        if let Some(Err(error)) = journal.map(Journal::finish) {
            // The results are there all the same.
            say(&format!("warning: {error}"));
        }
        Ok(outcome)
    }

    fn run_share(&self, folder: &Path) -> Result<Ending, Failure> {
        let shares = Shares::read(folder)?;
        let share = self.shard.unwrap_or(Share { number: 1, of: 1 });
        self.check_memory(&shares.plans)?;
        let name = format!("share {} of {}", share.number, share.of);
        let work = shares.work(share)?;
        let cost = work.setups(&shares).map(cost).sum();
        let progress = Progress::new(&name, work.runs(), cost, self.results.quiet);
        let stopwatch = Stopwatch::start();
        let on_run_done = |setup: &Setup, events| progress.run_done(self::cost(setup), events);
        let done = shares.run(work, jobs(self.jobs), &on_run_done);
        let figures = stopwatch.figures(progress.events());
        progress.finish();
        let done = done?;
        if !self.results.quiet {
            say(&match done {
                0 => format!("{name}: all its runs were there"),
                runs => {
                    let (runs, folder) = (figures::of(runs, "run"), folder.display());
                    format!("{name}: {runs} kept in {folder}; {figures}")
                }
            });
        }
        Ok(Ending::Good)
    }

    fn check_memory(&self, plans: &[Plan]) -> Result<(), Failure> {
        if self.ignore_memory {
            return Ok(());
        }
        check_memory(plans, jobs(self.jobs), memory::available_bytes())
    }

    /// Where the runs of a scenario are kept; nowhere while another process keeps some there.
    fn journal(&self, plan: &Plan) -> Result<Option<Journal>, Failure> {
        let path = self.results.out.join(JOURNALS).join(format!("{}.runs", plan.name));
        let not_written = |error: JournalError| Failure::NotWritten(error.to_string());
        let journal = match Journal::open(&path) {
            Ok(journal) => journal,
            Err(JournalError::InUse { .. }) => {
                if !self.results.quiet {
                    say(&format!(
                        "{}: another dhtsim keeps its runs; this one keeps none",
                        plan.name
                    ));
                }
                return Ok(None);
            }
            Err(error) => return Err(not_written(error)),
        };
        if self.fresh {
            journal.clear().map_err(not_written)?;
        }
        Ok(Some(journal))
    }
}

/// What a user who has had enough is told, so that he knows what is left.
fn on_interrupt() {
    remove_unfinished();
    say(
        "interrupted; runs that are done are kept: start the same again, without --fresh, to go on",
    );
    std::process::exit(INTERRUPTED);
}

/// As shells tell it: 128 and the number of the signal.
const INTERRUPTED: i32 = 130;

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
pub(super) fn check_names(plans: &[Plan]) -> Result<(), Failure> {
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

#[cfg(test)]
mod tests {
    use super::*;
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
}
