//! `dhtsim published`: measured beside published numbers, for a README.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use crate::report;

use super::{Ending, Failure};

/// Print measured beside published numbers, as a Markdown table.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  dhtsim published results/chord-hops results/chord-load
  dhtsim published results")]
pub(super) struct Published {
    /// Folders of results, each with a summary.json, or folders of such folders
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
}

impl Published {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Ending, Failure> {
        let folders = self.folders.iter().flat_map(|folder| report::folders(folder));
        // All are read before the first is shown.
        let summaries: Result<Vec<_>, _> = folders.map(|folder| report::read(&folder)).collect();
        let summaries = summaries.map_err(|error| Failure::BadInput(error.to_string()))?;
        out.write_all(report::published_table(&summaries).as_bytes())?;
        Ok(Ending::Good)
    }
}
