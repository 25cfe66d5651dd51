//! `dhtsim ring`: the nodes of a scenario in ring order.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use crate::experiment::{self, FingerView, RingNodeView, RingView};
use crate::sim::Time;

use super::columns::aligned;
use super::{Changes, Ending, Failure, figures, parse_time, show_view};

/// Digits of an identifier in the table, when it is longer than twice that.
const SHORT: usize = 8;

/// Show the nodes of a scenario in ring order.
///
/// Without --at it is the converged ring, with every pointer right. A sweep is left
/// out: the values beside it count.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dhtsim ring scenarios/notes-ring.json
  dhtsim ring scenarios/chord-grown.json --at 90s --json")]
pub(super) struct Ring {
    /// Scenario file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Show the simulated ring at this moment, such as 90s
    #[arg(long, value_name = "TIME", value_parser = parse_time, allow_hyphen_values = true)]
    at: Option<Time>,
    /// Print JSON, with whole identifiers and all fingers
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    changes: Changes,
}

impl Ring {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Ending, Failure> {
        let plan = self.changes.load(&self.file)?;
        let ring = experiment::ring(&plan.base, self.at)
            .map_err(|error| Failure::BadInput(format!("{}: {error}", plan.file)))?;
        show_view(out, self.json.then_some(&ring), || text(&ring))
    }
}

fn text(ring: &RingView) -> String {
    let digits = ring.id_bits.div_ceil(4) as usize;
    let cut = if digits > 2 * SHORT {
        format!(", identifiers cut to {SHORT} of {digits} digits (--json has them all)")
    } else {
        String::new()
    };
    let bits = ring.id_bits;
    let count = figures::of(ring.nodes.len(), "node");
    let title = format!("{count} on a ring of {bits} bits{cut}\n\n");
    let rows: Vec<Vec<String>> = ring.nodes.iter().map(row).collect();
    let header = ["index", "address", "id", "predecessor", "successors", "fingers"];
    title + &aligned(&header, &rows)
}

fn row(node: &RingNodeView) -> Vec<String> {
    let successors: Vec<String> = node.successors.iter().map(|id| short(id)).collect();
    vec![
        node.index.to_string(),
        node.address.clone(),
        short(&node.id),
        node.predecessor.as_deref().map_or_else(|| "–".to_owned(), short),
        successors.join(" "),
        fingers(&node.fingers),
    ]
}

/// Neighbouring fingers that point to the same node are shown together, counted
/// from one as in the paper: `1-4→2a 5→31 6→2`.
fn fingers(fingers: &[FingerView]) -> String {
    let mut parts = Vec::new();
    let mut first = 1;
    for group in fingers.chunk_by(|a, b| a.node == b.node) {
        let last = first + group.len() - 1;
        let node = group[0].node.as_deref().map_or_else(|| "–".to_owned(), short);
        parts.push(match group.len() {
            1 => format!("{first}→{node}"),
            _ => format!("{first}-{last}→{node}"),
        });
        first = last + 1;
    }
    parts.join(" ")
}

fn short(id: &str) -> String {
    if id.len() <= 2 * SHORT { id.to_owned() } else { id.chars().take(SHORT).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingers_to_one_node_are_shown_together() {
        let finger =
            |node: Option<&str>| FingerView { start: String::new(), node: node.map(str::to_owned) };
        // Node 8 of the paper's ring of six bits.
        let all = ["e", "e", "e", "15", "20", "2a"].map(|node| finger(Some(node)));
        assert_eq!(fingers(&all), "1-3→e 4→15 5→20 6→2a");
        assert_eq!(fingers(&[finger(None), finger(None)]), "1-2→–");
        assert_eq!(fingers(&[]), "");
    }

    #[test]
    fn a_ring_is_a_table() {
        let node = |index, id: &str, next: &str| RingNodeView {
            index,
            address: format!("10.0.0.{index}:400{index}"),
            id: id.to_owned(),
            predecessor: None,
            successors: vec![next.to_owned()],
            fingers: Vec::new(),
        };
        let ring = RingView { id_bits: 3, nodes: vec![node(0, "1", "3"), node(1, "3", "1")] };
        insta::assert_snapshot!(text(&ring), @r"
        2 nodes on a ring of 3 bits

        index  address        id  predecessor  successors  fingers
            0  10.0.0.0:4000   1            –           3
            1  10.0.0.1:4001   3            –           1
        ");
    }
}
