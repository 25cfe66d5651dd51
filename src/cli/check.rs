//! `dhtsim check`: validates without running.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use crate::experiment::estimate::process_bytes;

use super::{Changes, Ending, Failure, figures, memory};

/// Check scenarios without running them, count their runs, and estimate their memory.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dhtsim check scenarios/*.json scenarios/*/*.json
  dhtsim check my.json --set 'sweep.population.nodes=[8,16]'")]
pub(super) struct Check {
    /// Scenario files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    changes: Changes,
}

impl Check {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Ending, Failure> {
        let mut faults = Vec::new();
        for file in &self.files {
            match self.changes.load(file) {
                Ok(plan) => {
                    let points = figures::of(plan.points.len(), "point");
                    let repeats = figures::of(plan.repeat as usize, "repeat");
                    let runs = figures::of(plan.runs(), "run");
                    let bytes = process_bytes(&plan, 1);
                    let memory = figures::bytes(bytes);
                    let available = memory::available_bytes().filter(|there| *there < bytes);
                    let but = available.map_or_else(String::new, |available| {
                        format!(", but only {} are available", figures::bytes(available))
                    });
                    writeln!(
                        out,
                        "{}: good, {points} × {repeats} = {runs}; about {memory} of memory for \
                         the largest{but}",
                        plan.file
                    )?;
                }
                Err(fault) => faults.push(fault.to_string()),
            }
        }
        if faults.is_empty() {
            return Ok(Ending::Good);
        }
        out.flush()?;
        Err(Failure::BadInput(faults.join("\n")))
    }
}
