//! `--trace`: the events of one run, written to a file while it runs.

use std::io::BufWriter;
use std::path::PathBuf;

use clap::Args;

use crate::experiment::{self, RunNumber, claims};
use crate::journal::Archive;
use crate::report;
use crate::scenario::Plan;
use crate::scenario::format::Condition;
use crate::sim::Time;
use crate::trace::{Filter, TraceError};
use crate::whole_file::WholeFile;

use super::output::{Output, say};
use super::save::not_written;
use super::{Failure, parse_time, parse_where};

/// Which run is traced, what of it, and where to.
#[derive(Debug, Args)]
#[command(next_help_heading = "Trace")]
pub(super) struct Trace {
    /// Write the events of one run to this file, a line of JSON each
    ///
    /// Written as they happen: a trace takes no memory, but about 300 bytes an event of the
    /// disk. All results are the same.
    #[arg(id = "trace", long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Trace the first point at which a swept parameter has this value [default: the first of all]
    #[arg(long = "trace-where", requires = "trace", value_name = "PARAM=VALUE", value_parser = parse_where)]
    conditions: Vec<(String, Condition)>,
    /// Trace this repeat, counted from 0 as in runs.csv
    #[arg(long = "trace-repeat", requires = "trace", value_name = "N", default_value_t = 0)]
    repeat: u32,
    /// Only what happens at this node or between it and another: an index, an address or an identifier
    #[arg(long = "trace-node", requires = "trace", value_name = "NODE", value_delimiter = ',')]
    nodes: Vec<String>,
    /// Only events of this kind: an event, what is asked or noted, a kind of message or its purpose
    #[arg(long = "trace-kind", requires = "trace", value_name = "KIND", value_delimiter = ',')]
    kinds: Vec<String>,
    /// Only what is done for this lookup
    #[arg(
        long = "trace-lookup",
        requires = "trace",
        value_name = "N",
        value_delimiter = ',',
        allow_hyphen_values = true
    )]
    lookups: Vec<u32>,
    /// Only what is done for this put, get or download
    #[arg(
        long = "trace-request",
        requires = "trace",
        value_name = "N",
        value_delimiter = ',',
        allow_hyphen_values = true
    )]
    requests: Vec<u32>,
    /// Only from this moment on, such as 90s
    #[arg(long = "trace-from", requires = "trace", value_name = "TIME", value_parser = parse_time, allow_hyphen_values = true)]
    from: Option<Time>,
    /// Only before this moment
    #[arg(long = "trace-until", requires = "trace", value_name = "TIME", value_parser = parse_time, allow_hyphen_values = true)]
    until: Option<Time>,
}

impl Trace {
    /// A trace is of one run.
    pub(super) fn check(&self, plans: &[Plan]) -> Result<(), Failure> {
        match (&self.file, plans) {
            (None, _) => Ok(()),
            (Some(_), [plan]) => self.choose(plan).map(drop),
            (Some(_), _) => {
                let refusal = "--trace: is of one run; give one scenario at a time";
                Err(Failure::BadInput(refusal.to_owned()))
            }
        }
    }

    /// Does the run that is to be traced, if one is, and keeps what it gave. How many events it
    /// processed.
    pub(super) fn write(
        &self,
        plan: &Plan,
        archive: &dyn Archive,
        quiet: bool,
    ) -> Result<u64, Failure> {
        let Some(file) = &self.file else { return Ok(0) };
        let run = self.choose(plan)?;
        let filter = Filter {
            nodes: self.nodes.clone(),
            kinds: self.kinds.clone(),
            lookups: self.lookups.clone(),
            requests: self.requests.clone(),
            from: self.from.unwrap_or(Time::ZERO),
            until: self.until,
        };
        let whole = WholeFile::create(file).map_err(|error| not_written(file, &error))?;
        let mut out = Output::new(BufWriter::new(whole));
        let point = &plan.points[run.point];
        let done = experiment::simulate_traced(&point.setup, run.repeat, &filter, &mut out);
        let (tally, lines) = done.map_err(|error| match error {
            TraceError::NotWritten(kind) => not_written(file, &kind.into()),
            wrong => Failure::BadInput(format!("{}: --trace: {wrong}", plan.file)),
        })?;
        // All is written out, or nobody reads on.
        let (whole, _) = out.into_inner().into_parts();
        whole.finish().map_err(|error| not_written(file, &error))?;
        let key = experiment::key(plan, run);
        if !archive.has(key) {
            archive.keep(key, &tally);
        }
        if !quiet {
            let (place, file) = (claims::at(&point.params), file.display());
            let (name, repeat) = (&plan.name, run.repeat);
            say(&format!("{name}: {lines} events of repeat {repeat}{place} written to {file}"));
        }
        Ok(tally.events)
    }

    fn choose(&self, plan: &Plan) -> Result<RunNumber, Failure> {
        let repeat = self.repeat;
        if repeat >= plan.repeat {
            let problem = format!("there is no repeat {repeat}");
            let mend = format!("give one from 0 to {}", plan.repeat - 1);
            return Err(Failure::BadInput(format!(
                "{}: --trace-repeat: {problem}; {mend}",
                plan.file
            )));
        }
        let params = plan.points.iter().map(|point| &point.params);
        let chosen = report::points_where(&plan.file, params, "--trace-where", &self.conditions)
            .map_err(|error| Failure::BadInput(error.to_string()))?;
        let point = chosen.first().copied().unwrap_or(0);
        Ok(RunNumber { point, repeat })
    }
}
