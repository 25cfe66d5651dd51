//! The results of a scenario as files: what people, plots and other programs
//! read.
//!
//! [`write()`] makes the folder `<out>/<scenario>/` and [`read`] reads it back;
//! [`Verification`] and [`Comparison`] set the results of two folders side by side;
//! [`page()`] makes a page of them to look at, and
//! [`published_table`] sets published numbers beside measured ones for a README, and
//! [`MetricTable`] any metrics beside one another.
//!
//! Architecture invariant: the same results give the same bytes, on every
//! platform. Nothing here may know the time, the machine, or how a number came
//! about; it sees [`measure::summary`](crate::measure::summary) and no more.

use std::fs;
use std::path::{Path, PathBuf};

use crate::measure::summary::{Outcome, Summary};
use crate::scenario::format::Plot;

mod compare;
mod cost_performance;
mod folder;
mod font;
mod html;
mod markdown;
mod metric_table;
mod page;
#[cfg(feature = "parquet")]
mod parquet;
mod plots;
mod published_table;
mod run_table;
#[cfg(test)]
mod sample;
mod tables;
mod verify;

pub use compare::{CompareError, Comparison, Pairing, Row, Side, Word};
pub use folder::{WriteError, ensure_writable};
pub use metric_table::{MetricTable, TableError, points_where};
pub use page::{Intervals, PAGE, Shown, page, write_page};
pub use published_table::published_table;
pub use verify::Verification;

/// The file of a results folder that holds everything but the single runs.
pub const SUMMARY: &str = "summary.json";
/// The file of a results folder that says the same as `metrics.csv`; only programs built with
/// the feature `parquet` write it.
const PARQUET: &str = "metrics.parquet";
/// The file of a results folder that holds the scenario as it ran.
pub const SCENARIO: &str = "scenario.json";

/// Writes the results of a scenario to `<out_root>/<scenario>/` and returns that
/// folder. Plots are SVG, and PNG as well with `png`.
///
/// The old results stay until the new ones are complete, and nothing of them
/// stays afterwards: the new folder is written beside the old one under a hidden
/// name, then takes its place. Only a process killed between the two renamings
/// leaves neither under the name; the old results are then in
/// `<out_root>/.<scenario>-…/old-0`, the new ones beside them in `new`.
///
/// # Errors
///
/// Says which file or folder could not be written, and why. The old results are
/// then as they were.
pub fn write(
    out_root: &Path,
    outcome: &Outcome,
    plots: &[Plot],
    png: bool,
) -> Result<PathBuf, WriteError> {
    write_telling(out_root, outcome, plots, png, &|| {})
}

/// The same as [`write()`], and `on_plot_drawn` is told of every plot.
///
/// # Errors
/// As [`write()`].
pub fn write_telling(
    out_root: &Path,
    outcome: &Outcome,
    plots: &[Plot],
    png: bool,
    on_plot_drawn: &dyn Fn(),
) -> Result<PathBuf, WriteError> {
    folder::replace(out_root, &outcome.summary.scenario, |folder| {
        write_files(folder, outcome, plots, png, on_plot_drawn)
    })
}

fn write_files(
    folder: &Path,
    outcome: &Outcome,
    plots: &[Plot],
    png: bool,
    on_plot_drawn: &dyn Fn(),
) -> Result<(), WriteError> {
    let summary = &outcome.summary;
    let save = |name: &str, text: &[u8]| -> Result<(), WriteError> {
        let path = folder.join(name);
        fs::write(&path, text).map_err(|reason| WriteError::cannot_write(&path, &reason))
    };
    let failed = |name: &str, reason: &dyn std::fmt::Display| {
        WriteError::cannot_write(&folder.join(name), reason)
    };

    let save_json = |name: &str, json: serde_json::Result<String>| {
        let json = json.map_err(|reason| failed(name, &reason))?;
        save(name, (json + "\n").as_bytes())
    };
    save_json(SUMMARY, serde_json::to_string_pretty(summary))?;
    save_json(SCENARIO, serde_json::to_string_pretty(&outcome.scenario))?;

    for (name, table) in tables::all(outcome, plots) {
        let text = table.to_csv().map_err(|reason| failed(&name, &reason))?;
        save(&name, &text)?;
    }
    #[cfg(feature = "parquet")]
    {
        let bytes = parquet::metrics(outcome).map_err(|reason| failed(PARQUET, &reason))?;
        save(PARQUET, &bytes)?;
    }

    for plot in plots {
        let stem = plot.file_stem();
        let name = format!("{stem}.svg");
        let text = plots::svg(summary, plot).map_err(|reason| failed(&name, &reason))?;
        save(&name, text.as_bytes())?;
        if png {
            let name = format!("{stem}.png");
            plots::png(summary, plot, &folder.join(&name))
                .map_err(|reason| failed(&name, &reason))?;
        }
        on_plot_drawn();
    }
    Ok(())
}

/// Why results could not be read back.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file is not there or cannot be read.
    #[error("{path}: cannot read the results: {reason}; run the scenario first")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// The file does not hold results.
    #[error("{path}: not the results of this version of dhtsim: {reason}; run the scenario again")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: serde_json::Error,
    },
    /// The file does not hold a table of runs.
    #[error("{path}: not a table of runs: {reason}; run the scenario again")]
    NoTable {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
}

/// The folders that hold results at or below a folder, by name: itself, or else those in it
/// and in its sub-folders. Itself as well where there are none, for [`read`] to say so.
pub fn folders(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    find(root, &mut found);
    if found.is_empty() {
        found.push(root.to_owned());
    }
    found
}

fn find(folder: &Path, found: &mut Vec<PathBuf>) {
    if folder.join(SUMMARY).is_file() {
        return found.push(folder.to_owned());
    }
    let Ok(entries) = fs::read_dir(folder) else { return };
    // Not the hidden ones: results that are being written.
    let is_hidden = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with('.');
    let entries = entries.flatten().filter(|entry| !is_hidden(entry));
    let mut below: Vec<PathBuf> = entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect();
    below.sort_unstable();
    for folder in below {
        find(&folder, found);
    }
}

/// Reads the results that [`write()`] left in a folder.
///
/// # Errors
///
/// When there is no `summary.json`, or when it does not hold results.
pub fn read(folder: &Path) -> Result<Summary, ReadError> {
    let path = folder.join(SUMMARY);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(reason) => return Err(ReadError::Unreadable { path, reason }),
    };
    serde_json::from_slice(&text).map_err(|reason| ReadError::Malformed { path, reason })
}

#[cfg(test)]
mod tests;
