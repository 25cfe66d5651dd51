//! `runs.csv` read back: one row a run.

use std::path::Path;

use super::{ReadError, tables};

/// The runs of a results folder.
#[derive(Debug)]
pub(super) struct RunTable {
    /// The swept parameters.
    pub(super) sweep: Vec<String>,
    /// The names of the metrics.
    pub(super) metrics: Vec<String>,
    /// The runs, in the order of the table.
    pub(super) rows: Vec<RunRow>,
}

/// A run.
#[derive(Debug)]
pub(super) struct RunRow {
    /// The values of the swept parameters, as they stand there.
    pub(super) params: Vec<String>,
    pub(super) repeat: u32,
    pub(super) seed: u64,
    pub(super) digest: String,
    /// The values of the metrics, in their order. Some runs do not have all of them.
    pub(super) values: Vec<Option<f64>>,
}

/// The columns between the swept parameters and the metrics.
const FIXED: [&str; 3] = ["repeat", "seed", "digest"];

impl RunTable {
    /// Reads the table of a results folder.
    pub(super) fn read(folder: &Path) -> Result<RunTable, ReadError> {
        let path = folder.join(tables::RUNS);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(reason) => return Err(ReadError::Unreadable { path, reason }),
        };
        RunTable::parse(&bytes).map_err(|reason| ReadError::NoTable { path, reason })
    }

    fn parse(bytes: &[u8]) -> Result<RunTable, String> {
        let mut reader = csv::Reader::from_reader(bytes);
        let names: Vec<String> = reader
            .headers()
            .map_err(|error| error.to_string())?
            .iter()
            .map(str::to_owned)
            .collect();
        // No swept parameter and no label of variants is called so.
        let first = names.iter().position(|name| name == FIXED[0]).unwrap_or(names.len());
        let (sweep, rest) = names.split_at(first);
        if !rest.iter().map(String::as_str).take(FIXED.len()).eq(FIXED) {
            return Err(format!("line 1: the columns {} are not there", FIXED.join(", ")));
        }
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| error.to_string())?;
            let line = record.position().map_or(0, csv::Position::line);
            let bad = |column: usize| {
                format!("line {line}: {:?} is no value of {}", &record[column], names[column])
            };
            let value = |column: usize| match &record[column] {
                "" => Ok(None),
                text => text.parse().map(Some).map_err(|_| bad(column)),
            };
            let values: Result<Vec<_>, _> =
                (first + FIXED.len()..record.len()).map(value).collect();
            rows.push(RunRow {
                params: record.iter().take(first).map(str::to_owned).collect(),
                repeat: record[first].parse().map_err(|_| bad(first))?,
                seed: record[first + 1].parse().map_err(|_| bad(first + 1))?,
                digest: record[first + 2].to_owned(),
                values: values?,
            });
        }
        let (sweep, metrics) = (sweep.to_vec(), rest[FIXED.len()..].to_vec());
        Ok(RunTable { sweep, metrics, rows })
    }
}

/// A point in words: its swept parameters with their values.
pub(super) fn place(sweep: &[String], params: &[String]) -> String {
    let each = sweep.iter().zip(params).map(|(path, value)| format!("{path} = {value}"));
    each.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_as_it_was_written() {
        let text = "nodes,pace,repeat,seed,digest,hops.mean,stretch.mean\n\
                    8,\"slow, very\",0,7,ab,1.5,\n8,fast,1,7,cd,-0,2e9\n";
        let table = RunTable::parse(text.as_bytes()).unwrap();
        assert_eq!(table.sweep, ["nodes", "pace"]);
        assert_eq!(table.metrics, ["hops.mean", "stretch.mean"]);
        let [one, two] = &table.rows[..] else { panic!("two rows") };
        assert_eq!(one.params, ["8", "slow, very"]);
        assert_eq!((one.repeat, one.seed, &one.digest[..]), (0, 7, "ab"));
        assert_eq!(
            (&one.values[..], &two.values[..]),
            (&[Some(1.5), None][..], &[Some(0.0), Some(2e9)][..],)
        );
        assert_eq!(place(&table.sweep, &one.params), "nodes = 8, pace = slow, very");
    }

    #[test]
    fn what_is_no_table_of_runs_is_refused() {
        let refusals: Vec<String> = [
            "",
            "nodes,hops.mean\n8,1\n",
            "repeat,digest,seed\n0,ab,1\n",
            "repeat,seed,digest,hops.mean\n0,1,ab,many\n",
            "repeat,seed,digest,hops.mean\n0,1,ab,1\n-1,1,ab,1\n",
            "repeat,seed,digest,hops.mean\n0,1,ab\n",
        ]
        .iter()
        .map(|text| RunTable::parse(text.as_bytes()).unwrap_err())
        .collect();
        insta::assert_snapshot!(refusals.join("\n"));
    }
}
