//! `dhtsim plan`: numbers the runs of scenarios, for many processes to share.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, value_parser};

use crate::experiment::estimate::{events, process_bytes};
use crate::scenario::Plan;
use crate::shares::Shares;

use super::run::check_names;
use super::{Changes, Ending, Failure, figures};

/// Plan runs for many processes to share: an array of jobs, or several machines.
///
/// The folder holds the scenarios, complete in themselves, and takes in what the shares give.
/// Then: `dhtsim export slurm DIR` or `dhtsim export parallel DIR` prints a script that runs the
/// shares, `dhtsim status DIR` says what is missing, `dhtsim merge DIR` writes the results.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dhtsim plan scenarios/paper/*.json --out sweep
  dhtsim plan my.json --set 'sweep.population.nodes=[1000,10000]' --out sweep --shares 50
  dhtsim export slurm sweep > sweep.sh && sbatch sweep.sh
  dhtsim run --plan sweep --shard 3/50
  dhtsim status sweep
  dhtsim merge sweep")]
pub(super) struct PlanRuns {
    /// Scenario files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    changes: Changes,
    /// Folder for the plan and for what its shares give
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Into how many shares the runs go [default: as many as take some minutes each]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=100_000))]
    shares: Option<u32>,
}

/// A share should take so long: much longer than a scheduler needs to start it, and short
/// enough to be done again.
const SHARE_SECONDS: f64 = 300.0;
/// What a core does, about.
const EVENTS_PER_SECOND: f64 = 2e6;
/// What a run takes however short it is.
const RUN_SECONDS: f64 = 0.02;

impl PlanRuns {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Ending, Failure> {
        let plans = self.changes.load_all(&self.files)?;
        check_names(&plans)?;
        let runs: usize = plans.iter().map(Plan::runs).sum();
        let shares = self.shares.unwrap_or_else(|| {
            let seconds = plans.iter().map(events).sum::<f64>() / EVENTS_PER_SECOND
                + runs as f64 * RUN_SECONDS;
            (seconds / SHARE_SECONDS).ceil().clamp(1.0, runs as f64) as u32
        });
        Shares::make(&self.out, &plans, shares)?;
        let memory = plans.iter().map(|plan| process_bytes(plan, 1)).max().unwrap_or(0);
        writeln!(
            out,
            "{}: {} in {}; about {} of memory for the largest run",
            self.out.display(),
            figures::of(runs, "run"),
            figures::of(shares as usize, "share"),
            figures::bytes(memory)
        )?;
        Ok(Ending::Good)
    }
}
