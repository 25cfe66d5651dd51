//! `dhtsim export`: scripts by which others start the shares of a plan.

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf, absolute};

use clap::{Args, ValueEnum, value_parser};

use crate::experiment::estimate::process_bytes;
use crate::shares::{Shares, ranges};

use super::output::say;
use super::{Ending, Failure};

/// Print a script that runs the missing shares of a plan.
///
/// All machines must see the plan's folder and the program under the same paths, and run the
/// same build. Shares may be killed and started again at any time.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dhtsim export slurm sweep > sweep.sh && sbatch sweep.sh
  dhtsim export parallel sweep > sweep.sh && bash sweep.sh
  bash sweep.sh --sshlogin lab1,lab2,lab3")]
pub(super) struct Export {
    /// For whom
    target: Target,
    /// Folder of the plan
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Cut the runs into so many shares [default: as many as the plan says]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=100_000))]
    shares: Option<u32>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Target {
    /// An array of jobs for `sbatch`
    Slurm,
    /// GNU parallel, here or over ssh
    Parallel,
}

impl Export {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Ending, Failure> {
        let shares = Shares::read(&self.folder)?;
        let of = self.shares.unwrap_or(shares.count);
        let missing = shares.missing_shares(&shares.given()?, of);
        if missing.is_empty() {
            say(&format!("{}: no run is missing; `dhtsim merge` them", self.folder.display()));
        }
        // Jobs start in folders of their own.
        let here = |path: &Path| absolute(path).unwrap_or_else(|_| path.to_owned());
        let folder = quoted(&here(&self.folder).display().to_string());
        let program = env::current_exe().unwrap_or_else(|_| PathBuf::from("dhtsim"));
        let program = quoted(&program.display().to_string());
        let bytes = shares.plans.iter().map(|plan| process_bytes(plan, 1)).max().unwrap_or(0);
        let text = match self.target {
            Target::Slurm => slurm(&folder, &program, of, &missing, bytes),
            Target::Parallel => parallel(&folder, &program, of, &missing),
        };
        out.write_all(text.as_bytes())?;
        Ok(Ending::Good)
    }
}

fn slurm(folder: &str, program: &str, of: u32, missing: &[u32], bytes: u64) -> String {
    // The estimate may be too low by a factor of two.
    let megabytes = (2 * bytes).div_ceil(1 << 20).max(64);
    let array = if missing.is_empty() { "1".to_owned() } else { ranges(missing) };
    format!(
        "\
#!/bin/bash
#SBATCH --job-name=dhtsim
#SBATCH --array={array}
#SBATCH --cpus-per-task=1
#SBATCH --mem={megabytes}M
#SBATCH --requeue
#SBATCH --output=/dev/null
# The shares that are missing later: sbatch --array=\"$(dhtsim status DIR --missing)\" this-script
# Then: dhtsim merge DIR
plan={folder}
dhtsim=${{DHTSIM:-{program}}}
mkdir -p \"$plan/log\"
exec \"$dhtsim\" run --plan \"$plan\" --shard \"$SLURM_ARRAY_TASK_ID/{of}\" \\
  --jobs \"${{SLURM_CPUS_PER_TASK:-1}}\" 2> \"$plan/log/$SLURM_ARRAY_TASK_ID-of-{of}.log\"
"
    )
}

fn parallel(folder: &str, program: &str, of: u32, missing: &[u32]) -> String {
    let numbers: Vec<String> = missing.iter().map(u32::to_string).collect();
    format!(
        "\
#!/bin/bash
# Options of this script are passed on to GNU parallel, such as --sshlogin lab1,lab2 or --jobs 4.
# Then: dhtsim merge DIR
plan={folder}
dhtsim=${{DHTSIM:-{program}}}
parallel --quote --no-run-if-empty \"$@\" \\
  \"$dhtsim\" run --plan \"$plan\" --shard '{{}}/{of}' --jobs 1 --quiet <<'SHARES'
{}
SHARES
",
        numbers.join("\n")
    )
}

/// A text as a word of the shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_name_the_missing_shares() {
        insta::assert_snapshot!(slurm("'/data/my sweep'", "'dhtsim'", 20, &[1, 4, 5, 6], 30 << 20));
        insta::assert_snapshot!(parallel("'/data/my sweep'", "'dhtsim'", 20, &[1, 4, 5, 6]));
    }

    #[test]
    fn paths_are_words() {
        assert_eq!(quoted("/a b/it's"), r"'/a b/it'\''s'");
    }
}
