//! `dhtsim completions`: what a shell must know to complete commands.

use std::io::Write;

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use super::{Cli, Ending, Failure};

/// Print the completions of a shell, for the file in which it looks for them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dhtsim completions bash > ~/.local/share/bash-completion/completions/dhtsim
  dhtsim completions zsh > ~/.zfunc/_dhtsim
  dhtsim completions fish > ~/.config/fish/completions/dhtsim.fish")]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Ending, Failure> {
        // To memory first: what cannot be written is an error, not a panic.
        let mut script = Vec::new();
        generate(self.shell, &mut Cli::command(), "dhtsim", &mut script);
        out.write_all(&script)?;
        Ok(Ending::Good)
    }
}
