//! The command line: one file a subcommand, each from arguments to an exit code.
//!
//! Data goes to standard output, talk to standard error. Must not know: how
//! anything is simulated or measured; it loads, calls and shows.

mod check;
mod columns;
mod compare;
mod completions;
mod export;
mod figures;
mod init;
mod list;
mod man;
mod memory;
mod merge;
mod output;
mod plan;
mod progress;
mod published;
mod report;
mod results;
mod ring;
mod route;
mod run;
mod save;
mod schema;
mod speed;
mod status;
mod table;
mod trace;
mod verify;

use std::io::Write;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread::available_parallelism;

use clap::{Args, Parser, Subcommand};
use serde::Serialize;
use serde_json::Value;

use crate::journal::JournalError;
use crate::scenario::format::Condition;
use crate::scenario::{self, Overrides, Plan};
use crate::shares::SharesError;
use crate::sim::{Duration, Time};

use output::{Output, say};

/// A deterministic discrete-event simulator of distributed hash tables.
///
/// A scenario is a JSON file that says what to simulate, how often, and what must
/// come out. The same file and seed give the same results, byte for byte.
#[derive(Debug, Parser)]
#[command(version, after_help = AFTER_HELP, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Examples:
  dhtsim run scenarios/paper/chord-hops.json
  dhtsim run scenarios/paper/chord-hops.json --seed 7 --set population.nodes=64
  dhtsim ring scenarios/notes-ring.json
  dhtsim route scenarios/chord-1000.json --from 0 --key song.mp3
  dhtsim init chord my.json && dhtsim run my.json

Exit codes:
  0  everything went well, and every claim of the scenarios held
  1  a claim was broken, or results did not come out again
  2  bad input: a scenario or the command line
  3  results could not be written
  4  a scenario needs more memory than there is
  5  runs of a plan are missing
  130  interrupted: runs that are done are kept";

// A comment here would stand in the place of all that the command says of itself.
#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Run),
    Plan(plan::PlanRuns),
    Status(status::Status),
    Merge(merge::Merge),
    Export(export::Export),
    Check(check::Check),
    Init(init::Init),
    Verify(verify::Verify),
    Compare(compare::Compare),
    Ring(ring::Ring),
    Route(route::Route),
    List(list::List),
    /// Print the JSON Schema of scenario files, for editors
    #[command(after_help = "\
Example:
  dhtsim schema > schema.json")]
    Schema,
    Published(published::Published),
    Table(table::Table),
    Report(report::Report),
    Completions(completions::Completions),
    Man(man::Man),
}

/// Changes of a scenario from the command line.
#[derive(Debug, Args)]
struct Changes {
    /// Use another seed: another world, the same every time
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    seed: Option<u64>,
    /// Change a value of the scenario; a swept parameter keeps this value only
    ///
    /// An axis of variants keeps the one of this name: --set system=tracker. Of parameters that
    /// walk in step those steps are kept at which this one has the value.
    ///
    /// The value is JSON, or a text when it is no JSON: --set population.nodes=64
    /// --set duration=2h --set 'sweep.population.nodes=[8,16]'
    #[arg(long, value_name = "PATH=VALUE", value_parser = Overrides::parse_set)]
    set: Vec<(String, Value)>,
}

impl Changes {
    fn load(&self, file: &Path) -> Result<Plan, Failure> {
        let overrides = Overrides { seed: self.seed, set: self.set.clone() };
        scenario::load(file, &overrides).map_err(|error| Failure::BadInput(error.to_string()))
    }

    /// Loads all files, so that a bad one is known before anything runs.
    fn load_all(&self, files: &[PathBuf]) -> Result<Vec<Plan>, Failure> {
        let (good, bad): (Vec<_>, Vec<_>) =
            files.iter().map(|file| self.load(file)).partition(Result::is_ok);
        let messages: Vec<String> =
            bad.into_iter().filter_map(Result::err).map(|failure| failure.to_string()).collect();
        if messages.is_empty() {
            Ok(good.into_iter().filter_map(Result::ok).collect())
        } else {
            Err(Failure::BadInput(messages.join("\n")))
        }
    }
}

/// Why a command came to nothing.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// The user can mend it in a file or on the command line.
    #[error("{0}")]
    BadInput(String),
    /// The machine is too small.
    #[error("{0}")]
    NoMemory(String),
    /// Not all runs of a plan are done.
    #[error("{0}")]
    RunsMissing(String),
    /// The results are there, but cannot be put where they belong.
    #[error("{0}")]
    NotWritten(String),
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        Failure::NotWritten(format!(
            "standard output: cannot be written: {error}; free the disk or send it elsewhere"
        ))
    }
}

impl From<SharesError> for Failure {
    fn from(error: SharesError) -> Failure {
        let is_of_the_disk = matches!(
            error,
            SharesError::Refused { .. } | SharesError::Journal(JournalError::Refused { .. })
        );
        let kind = if is_of_the_disk { Failure::NotWritten } else { Failure::BadInput };
        kind(error.to_string())
    }
}

/// How a command ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ending {
    Good,
    ClaimBroken,
    RunsMissing,
    /// Results did not come out again.
    Differs,
}

impl Ending {
    /// This one, or another one if this is good.
    fn or(self, other: Ending) -> Ending {
        if self == Ending::Good { other } else { self }
    }
}

/// How many runs go at a time: as many as are asked for, or as the machine runs at once.
fn jobs(asked: Option<u16>) -> usize {
    asked.map_or_else(|| available_parallelism().map_or(1, NonZero::get), usize::from)
}

/// Runs the command of the process's arguments.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version arrive here too, with exit code 0.
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            // Nobody is left to tell when not even this can be printed.
            drop(error.print());
            return ExitCode::from(code);
        }
    };
    match command(&cli.command) {
        Ok(Ending::Good) => ExitCode::SUCCESS,
        Ok(Ending::ClaimBroken | Ending::Differs) => ExitCode::from(1),
        Ok(Ending::RunsMissing) => ExitCode::from(5),
        Err(failure) => {
            for line in failure.to_string().lines() {
                say(&format!("error: {line}"));
            }
            match failure {
                Failure::BadInput(_) => ExitCode::from(2),
                Failure::NotWritten(_) => ExitCode::from(3),
                Failure::NoMemory(_) => ExitCode::from(4),
                Failure::RunsMissing(_) => ExitCode::from(5),
            }
        }
    }
}

fn command(command: &Command) -> Result<Ending, Failure> {
    let mut out = Output::stdout();
    let ending = match command {
        Command::Run(run) => run.run(&mut out)?,
        Command::Plan(plan) => plan.run(&mut out)?,
        Command::Status(status) => status.run(&mut out)?,
        Command::Merge(merge) => merge.run(&mut out)?,
        Command::Export(export) => export.run(&mut out)?,
        Command::Check(check) => check.run(&mut out)?,
        Command::Init(init) => init.run()?,
        Command::Verify(verify) => verify.run(&mut out)?,
        Command::Compare(compare) => compare.run(&mut out)?,
        Command::Ring(ring) => ring.run(&mut out)?,
        Command::Route(route) => route.run(&mut out)?,
        Command::List(list) => list.run(&mut out)?,
        Command::Schema => schema::run(&mut out)?,
        Command::Published(published) => published.run(&mut out)?,
        Command::Table(table) => table.run(&mut out)?,
        Command::Report(report) => report.run(&mut out)?,
        Command::Completions(completions) => completions.run(&mut out)?,
        Command::Man(man) => man.run(&mut out)?,
    };
    out.flush()?;
    Ok(ending)
}

/// Shows an answer as JSON for programs, or as text for people.
fn show_view(
    out: &mut dyn Write,
    json: Option<&impl Serialize>,
    text: impl FnOnce() -> String,
) -> Result<Ending, Failure> {
    if let Some(view) = json {
        serde_json::to_writer(&mut *out, view).map_err(std::io::Error::from)?;
        writeln!(out)?;
    } else {
        out.write_all(text().as_bytes())?;
    }
    Ok(Ending::Good)
}

/// A moment of the simulation on the command line, such as `90s`.
fn parse_time(text: &str) -> Result<Time, String> {
    let duration: Duration = text.parse().map_err(|error| format!("{error}"))?;
    Ok(Time::ZERO + duration)
}

/// A condition on a swept parameter, such as `population.nodes=64`.
fn parse_where(text: &str) -> Result<(String, Condition), String> {
    let (label, value) = Overrides::parse_set(text)?;
    let condition = serde_json::from_value(value).map_err(|_| {
        "is not a condition; give a value, a list of values, or {\"at_least\": number, \
         \"at_most\": number}"
    })?;
    Ok((label, condition))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }

    #[test]
    fn commands_say_more_in_their_long_help() {
        let all = super::Cli::command();
        for name in ["run", "ring", "route", "table", "verify", "compare", "init"] {
            let command = all.find_subcommand(name);
            assert!(command.is_some_and(|c| c.get_long_about().is_some()), "{name}");
        }
    }

    #[test]
    fn the_help_of_every_command_has_examples() {
        for command in super::Cli::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let example = format!("\n  dhtsim {}", command.get_name());
            assert!(help.starts_with("Example"), "{}: {help}", command.get_name());
            assert!(help.contains(&example), "{}: {help}", command.get_name());
            assert!(command.get_about().is_some(), "{}", command.get_name());
        }
    }
}
