//! `dhtsim route`: the path of one lookup, hop by hop.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use crate::experiment::{self, RouteKey, RouteView};
use crate::sim::Time;

use super::columns::aligned;
use super::{Changes, Ending, Failure, figures, parse_time, show_view};

/// Show the path of one lookup, hop by hop.
///
/// The lookup stands at each node of the path in turn; the last is the one that
/// knows the owner: the key's predecessor on a Chord ring, with full membership the
/// owner itself. Without --at it is the converged ring. A sweep is left out: the values beside it count.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dhtsim route scenarios/chord-1000.json --from 0 --key song.mp3
  dhtsim route scenarios/notes-ring.json --from 1 --id 6 --json
  dhtsim route scenarios/chord-grown.json --from 10.1.2.3:4567 --key x --at 90s")]
pub(super) struct Route {
    /// Scenario file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The node that asks: its index, its address ip:port, or its identifier
    #[arg(long, value_name = "NODE")]
    from: String,
    #[command(flatten)]
    key: Key,
    /// Ask the simulated ring at this moment, such as 90s
    #[arg(long, value_name = "TIME", value_parser = parse_time, allow_hyphen_values = true)]
    at: Option<Time>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    changes: Changes,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Key {
    /// The name that is looked up; its identifier is the hash of it
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// The identifier that is looked up, in hexadecimal
    #[arg(long, value_name = "HEX")]
    id: Option<String>,
}

impl Route {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Ending, Failure> {
        let plan = self.changes.load(&self.file)?;
        // The group lets exactly one of them pass.
        let key = match (&self.key.id, &self.key.key) {
            (Some(id), _) => RouteKey::Hex(id),
            (None, key) => RouteKey::Name(key.as_deref().unwrap_or_default()),
        };
        let route = experiment::route(&plan.base, &self.from, key, self.at)
            .map_err(|error| Failure::BadInput(format!("{}: {error}", plan.file)))?;
        show_view(out, self.json.then_some(&route), || text(&route))
    }
}

fn text(route: &RouteView) -> String {
    let rows: Vec<Vec<String>> = route
        .steps
        .iter()
        .enumerate()
        .map(|(hop, step)| {
            vec![
                hop.to_string(),
                step.address.clone(),
                step.id.clone(),
                step.remaining.clone(),
                format!("{:.4} %", 100.0 * step.remaining_share),
            ]
        })
        .collect();
    let header = ["hop", "address", "id", "to the key", "of the ring"];
    let hops = figures::of(route.hops, "hop");
    format!(
        "key   {}\n\n{}\nowner {}, after {hops}\n",
        route.key,
        aligned(&header, &rows),
        route.owner
    )
}
