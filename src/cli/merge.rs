//! `dhtsim merge`: results from what the shares of a plan gave.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, value_parser};

use crate::experiment;
use crate::shares::{Shares, ranges};

use super::results::Results;
use super::{Ending, Failure, jobs};

/// Write the results of a plan whose shares are done.
///
/// They are those that `dhtsim run` would have written, byte for byte.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dhtsim merge sweep
  dhtsim merge sweep --out my-results --png

Exit codes:
  0  every claim held
  1  a claim was broken
  2  bad input: not a plan, or of another build
  3  results could not be written
  5  runs are missing")]
pub(super) struct Merge {
    /// Folder of the plan
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    #[command(flatten)]
    results: Results,
    /// Number of threads [default: as many as the machine runs at once]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
}

impl Merge {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Ending, Failure> {
        let shares = Shares::read(&self.folder)?;
        let given = shares.given()?;
        let missing = shares.missing(&given);
        if missing > 0 {
            return Err(Failure::RunsMissing(format!(
                "{}: {missing} of {} runs are missing; run the shares {} of {} first",
                self.folder.display(),
                shares.runs(),
                ranges(&shares.missing_shares(&given, shares.count)),
                shares.count
            )));
        }
        self.results.check_writable(&shares.plans)?;
        let mut ending = Ending::Good;
        for plan in &shares.plans {
            let outcome = experiment::run(plan, jobs(self.jobs), &given, &|_, _| {});
            ending = ending.or(self.results.write(plan, &outcome, out)?);
        }
        Ok(ending)
    }
}
