//! `dhtsim status`: what is missing of a plan.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, value_parser};
use serde_json::json;

use crate::shares::{Shares, ranges};

use super::{Ending, Failure};

/// Say what is missing of a plan that is shared.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dhtsim status sweep
  sbatch --array=\"$(dhtsim status sweep --missing)\" sweep.sh

Exit codes:
  0  nothing is missing
  2  bad input: not a plan, or of another build
  5  runs are missing")]
pub(super) struct Status {
    /// Folder of the plan
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Number the missing shares of so many [default: those of the plan]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=100_000))]
    of: Option<u32>,
    /// Print the numbers of the missing shares only, in the form that arrays of jobs take
    #[arg(long, conflicts_with = "json")]
    missing: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Status {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Ending, Failure> {
        let shares = Shares::read(&self.folder)?;
        let given = shares.given()?;
        let of = self.of.unwrap_or(shares.count);
        let (runs, missing) = (shares.runs(), shares.missing(&given));
        let numbers = ranges(&shares.missing_shares(&given, of));
        if self.json {
            let status = json!({
                "runs": runs, "missing_runs": missing, "shares": of, "missing_shares": numbers,
            });
            writeln!(out, "{status}")?;
        } else if self.missing {
            writeln!(out, "{numbers}")?;
        } else if missing == 0 {
            writeln!(out, "{}: all {runs} runs are there", self.folder.display())?;
        } else {
            writeln!(
                out,
                "{}: {missing} of {runs} runs are missing; shares of {of}: {numbers}",
                self.folder.display()
            )?;
        }
        Ok(if missing == 0 { Ending::Good } else { Ending::RunsMissing })
    }
}
