//! `dhtsim published`: measured beside published numbers, for a README.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::experiment::claims::show;
use crate::measure::summary::{Comparison, Summary};

use super::{Ending, Failure};

/// Print measured beside published numbers, as a Markdown table.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  dhtsim published results/chord-hops results/chord-load")]
pub(super) struct Published {
    /// Folders of results, each with a summary.json
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
}

impl Published {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Ending, Failure> {
        // All are read before the first is shown.
        let summaries: Vec<Summary> =
            self.folders.iter().map(|folder| read(folder)).collect::<Result<_, _>>()?;
        writeln!(out, "| source | metric | at | measured | published | difference |")?;
        writeln!(out, "|---|---|---|--:|--:|--:|")?;
        for comparison in summaries.iter().flat_map(|summary| &summary.published) {
            writeln!(out, "{}", row(comparison))?;
        }
        Ok(Ending::Good)
    }
}

fn read(folder: &Path) -> Result<Summary, Failure> {
    let file = folder.join("summary.json");
    let bad = |problem: String| Failure::BadInput(format!("{}: {problem}", file.display()));
    let text = std::fs::read_to_string(&file).map_err(|error| {
        bad(format!("cannot be read: {error}; give a folder that `dhtsim run` wrote"))
    })?;
    serde_json::from_str(&text)
        .map_err(|error| bad(format!("is no summary: {error}; run its scenario again")))
}

fn row(comparison: &Comparison) -> String {
    let Comparison { source, metric, against, at, published, measured, .. } = comparison;
    let difference = if *published == 0.0 {
        format!("{:+}", measured - published)
    } else {
        format!("{:+.1} %", 100.0 * (measured / published - 1.0))
    };
    // A bar in a text would end the cell.
    let source = source.replace('|', "\\|");
    format!(
        "| {source} | `{metric}` | {against} = {} | {} | {} | {} |",
        show(*at),
        show(*measured),
        show(*published),
        difference.replace('-', "−")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_markdown() {
        let mut comparison = Comparison {
            source: "Chord, Fig. 10(a)".to_owned(),
            metric: "hops.mean".to_owned(),
            against: "population.nodes".to_owned(),
            at: 16384.0,
            published: 7.0,
            measured: 6.842,
            within_tolerance: None,
        };
        assert_eq!(
            row(&comparison),
            "| Chord, Fig. 10(a) | `hops.mean` | population.nodes = 16384 | 6.842 | 7 | −2.3 % |"
        );
        comparison.published = 0.0;
        assert!(row(&comparison).ends_with("| 0 | +6.842 |"));
    }
}
