//! `dhtsim man`: the manual.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Command, CommandFactory};

use super::output::say;
use super::save::save;
use super::{Cli, Ending, Failure};

/// Print the manual, or the page of a command; or write all its pages.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dhtsim man | man -l -
  dhtsim man run > dhtsim-run.1
  dhtsim man --out ~/.local/share/man/man1")]
pub(super) struct Man {
    /// The command whose page is printed [default: dhtsim itself]
    #[arg(value_name = "COMMAND", conflicts_with = "out")]
    command: Option<String>,
    /// Write the pages of all commands to this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Man {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Ending, Failure> {
        let mut all = Cli::command().disable_help_subcommand(true);
        all.build();
        if let Some(folder) = &self.out {
            for command in std::iter::once(&all).chain(all.get_subcommands()) {
                let page = page(command);
                save(&folder.join(page.get_filename()), &rendered(&page)?)?;
            }
            let pages = all.get_subcommands().count() + 1;
            say(&format!("{}: {pages} pages written", folder.display()));
            return Ok(Ending::Good);
        }
        let command = match &self.command {
            None => &all,
            Some(name) => all.find_subcommand(name).ok_or_else(|| unknown(&all, name))?,
        };
        out.write_all(&rendered(&page(command))?)?;
        Ok(Ending::Good)
    }
}

/// The page of a command, which belongs to this program and version.
fn page(command: &Command) -> clap_mangen::Man {
    clap_mangen::Man::new(command.clone()).source(concat!("dhtsim ", env!("CARGO_PKG_VERSION")))
}

fn rendered(page: &clap_mangen::Man) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    page.render(&mut text)?;
    Ok(text)
}

fn unknown(all: &Command, name: &str) -> Failure {
    let names: Vec<&str> = all.get_subcommands().map(Command::get_name).collect();
    Failure::BadInput(format!(
        "man: there is no command {name:?}; give one of {}",
        names.join(", ")
    ))
}
