//! `dhtsim table`: metrics of results, for a README.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use crate::measure::metrics::{self, Metric};
use crate::report::{self, MetricTable};
use crate::scenario::Overrides;
use crate::scenario::format::Condition;

use super::{Ending, Failure};

/// Print metrics of results as a Markdown table.
///
/// A row is a point of the sweep, a column a metric; parameters in which the rows agree
/// are left out. `dhtsim list metrics` has the names.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dhtsim table results/chord-hops --metric hops.mean --metric 'hops.p99=99th percentile'
  dhtsim table results/compare --where population.nodes=1024 --by system --metric hops.mean")]
pub(super) struct Table {
    /// Folders of results, each with a summary.json
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// Show this metric, under a header of your own if you give one
    #[arg(long, required = true, value_name = "NAME[=HEADER]")]
    metric: Vec<String>,
    /// Show only points at which a swept parameter has this value
    ///
    /// The value may be what a condition in a scenario may be, such as `[8, 16]` or
    /// `{"at_least": 64}`.
    #[arg(long = "where", value_name = "PARAM=VALUE", value_parser = parse_where)]
    conditions: Vec<(String, Condition)>,
    /// Let the values of this swept parameter be the columns, and metrics the rows
    #[arg(long, value_name = "PARAM")]
    by: Option<String>,
}

impl Table {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Ending, Failure> {
        let metrics: Result<Vec<_>, _> = self.metric.iter().map(|text| column(text)).collect();
        let table = MetricTable {
            metrics: metrics?,
            conditions: self.conditions.clone(),
            by: self.by.clone(),
        };
        let summaries: Result<Vec<_>, _> =
            self.folders.iter().map(|folder| report::read(folder)).collect();
        let summaries = summaries.map_err(|error| Failure::BadInput(error.to_string()))?;
        let mut names = BTreeSet::new();
        if let Some(twice) = summaries.iter().find(|summary| !names.insert(&summary.scenario)) {
            return Err(Failure::BadInput(format!(
                "{}: these results are given twice; leave one of the folders out",
                twice.scenario
            )));
        }
        let table = table.of(&summaries).map_err(|error| Failure::BadInput(error.to_string()))?;
        out.write_all(table.as_bytes())?;
        Ok(Ending::Good)
    }
}

/// A metric and its header: its name unless there is one behind an `=`.
fn column(text: &str) -> Result<(&'static Metric, String), Failure> {
    let (name, header) = text.split_once('=').unwrap_or((text, ""));
    let Some(metric) = metrics::find(name) else {
        return Err(Failure::BadInput(format!(
            "--metric: there is no metric {name:?}; `dhtsim list metrics` names them"
        )));
    };
    let header = if header.is_empty() { format!("`{name}`") } else { header.to_owned() };
    Ok((metric, header))
}

/// A condition on a swept parameter, such as `population.nodes=64`.
pub(super) fn parse_where(text: &str) -> Result<(String, Condition), String> {
    let (label, value) = Overrides::parse_set(text)?;
    let condition = serde_json::from_value(value).map_err(|_| {
        "is not a condition; give a value, a list of values, or {\"at_least\": number, \
         \"at_most\": number}"
    })?;
    Ok((label, condition))
}
