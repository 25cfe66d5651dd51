//! The results of two folders side by side, run by run.
//!
//! Points belong together when they agree in every parameter that both sweep. Their runs
//! belong together when they have one repeat and one seed: then both faced the same nodes,
//! keys and delays, and what is left is the difference between the systems.

use std::collections::BTreeMap;
use std::path::Path;

use super::run_table::{RunRow, RunTable, place};
use super::{ReadError, read};
use crate::measure::metrics::{METRICS, Metric};
use crate::measure::{Difference, SIGNIFICANT};

/// Two results side by side.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// What is compared.
    pub sides: [Side; 2],
    /// The parameters by which points are told apart, those of both first.
    pub params: Vec<String>,
    /// Parameters that only one side sweeps.
    pub extra: Vec<String>,
    /// How the runs were set side by side.
    pub pairing: Pairing,
    /// How many pairs of points there are.
    pub points: usize,
    /// How many runs of the first side were compared.
    pub runs: usize,
    /// How many of these have a partner with the same digest: not one event differed.
    pub same_digests: usize,
    /// A row for every pair of points and metric that has a value, in their order.
    pub rows: Vec<Row>,
}

/// One of the results that are compared.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Side {
    /// The name of its scenario.
    pub scenario: String,
    /// Its seed.
    pub seed: u64,
    /// The most repeats that a point has.
    pub repeats: usize,
}

/// How runs were set side by side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pairing {
    /// Run by run, by seed and repeat: Student's paired test.
    Paired,
    /// Their seeds differ: Welch's test of all runs of both.
    Unpaired,
}

/// A metric at a pair of points.
#[derive(Clone, Debug)]
pub struct Row {
    /// The values of [`Comparison::params`].
    pub params: Vec<String>,
    /// The metric.
    pub metric: &'static Metric,
    /// How many runs of each side have a value.
    pub runs: [usize; 2],
    /// The means and the test; without any where a side has no value.
    pub difference: Difference,
    /// What came out.
    pub word: Word,
}

/// What came of a comparison.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Word {
    /// Every value is the same.
    Same,
    /// The values differ, by more than chance would do in 19 of 20 cases.
    Differs,
    /// The values differ, but may do so by chance.
    NotSignificant,
    /// The values differ; a single run does not tell whether by chance.
    Untested,
    /// Only the first side has values.
    OnlyFirst,
    /// Only the second side has values.
    OnlySecond,
}

impl Word {
    /// The word itself.
    pub fn text(self) -> &'static str {
        match self {
            Word::Same => "same",
            Word::Differs => "differs",
            Word::NotSignificant => "not significant",
            Word::Untested => "one run",
            Word::OnlyFirst => "only in A",
            Word::OnlySecond => "only in B",
        }
    }
}

/// Why results cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// Some cannot be read.
    #[error(transparent)]
    Unreadable(#[from] ReadError),
    /// They do not fit together.
    #[error("{first} and {second}: {problem}; {mend}")]
    Apart {
        /// The first folder.
        first: String,
        /// The second one.
        second: String,
        /// What does not fit.
        problem: String,
        /// What to do.
        mend: String,
    },
}

impl Comparison {
    /// Compares the results of two folders.
    ///
    /// # Errors
    /// When they cannot be read, or have no point in common.
    pub fn of(first: &Path, second: &Path) -> Result<Comparison, CompareError> {
        let side = |folder: &Path| -> Result<(Side, RunTable), ReadError> {
            let (summary, table) = (read(folder)?, RunTable::read(folder)?);
            let repeats = table.rows.iter().map(|row| row.repeat as usize + 1).max().unwrap_or(0);
            Ok((Side { scenario: summary.scenario, seed: summary.seed, repeats }, table))
        };
        let ((one, one_table), (other, other_table)) = (side(first)?, side(second)?);
        compare([one, other], &one_table, &other_table).map_err(|(problem, mend)| {
            let name = |folder: &Path| folder.display().to_string();
            CompareError::Apart { first: name(first), second: name(second), problem, mend }
        })
    }

    /// The rows as CSV, all figures in full.
    ///
    /// # Errors
    /// None in practice: it is written to memory.
    pub fn to_csv<'r>(&self, rows: impl Iterator<Item = &'r Row>) -> csv::Result<Vec<u8>> {
        const NAMES: [&str; 11] = [
            "metric",
            "runs_a",
            "runs_b",
            "mean_a",
            "mean_b",
            "difference",
            "low",
            "high",
            "relative_difference",
            "p",
            "word",
        ];
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(self.params.iter().map(String::as_str).chain(NAMES))?;
        let number = |value: Option<f64>| {
            // `+ 0.0` makes the zero of a negative sign a plain one.
            let value = value.filter(|value| value.is_finite());
            value.map(|value| (value + 0.0).to_string()).unwrap_or_default()
        };
        for row in rows {
            let Row { params, metric, runs, difference, word } = row;
            let (absolute, test) = (difference.absolute(), difference.test);
            let figures = [
                Some(difference.first),
                Some(difference.second),
                Some(absolute),
                test.map(|test| absolute - test.half_width),
                test.map(|test| absolute + test.half_width),
                difference.relative(),
                test.map(|test| test.p),
            ];
            let mut record = params.clone();
            record.push(metric.name.to_owned());
            record.extend(runs.map(|runs| runs.to_string()));
            record.extend(figures.map(number));
            record.push(word.text().to_owned());
            writer.write_record(record)?;
        }
        writer.into_inner().map_err(|error| error.into_error().into())
    }
}

/// The runs of one point.
struct PointRuns<'t> {
    params: &'t [String],
    runs: Vec<&'t RunRow>,
}

/// The points of a table in their order.
fn points(table: &RunTable) -> Vec<PointRuns<'_>> {
    let mut numbers: BTreeMap<&[String], usize> = BTreeMap::new();
    let mut points: Vec<PointRuns<'_>> = Vec::new();
    for row in &table.rows {
        let number = *numbers.entry(&row.params).or_insert(points.len());
        if number == points.len() {
            points.push(PointRuns { params: &row.params, runs: Vec::new() });
        }
        points[number].runs.push(row);
    }
    points
}

fn compare(
    sides: [Side; 2],
    first: &RunTable,
    second: &RunTable,
) -> Result<Comparison, (String, String)> {
    let is_in = |table: &RunTable, path: &String| table.sweep.contains(path);
    let shared: Vec<&String> = first.sweep.iter().filter(|path| is_in(second, path)).collect();
    let of_first: Vec<&String> = first.sweep.iter().filter(|path| !is_in(second, path)).collect();
    let of_second: Vec<&String> = second.sweep.iter().filter(|path| !is_in(first, path)).collect();
    if let ([one, ..], [other, ..]) = (&of_first[..], &of_second[..]) {
        let problem = format!("only A sweeps {one}, and only B {other}");
        let mend = "compare results that sweep the same, or one of them more than the other";
        return Err((problem, mend.to_owned()));
    }
    let names = |paths: &[&String]| paths.iter().map(|path| (*path).clone()).collect::<Vec<_>>();
    let extra = [names(&of_first), names(&of_second)].concat();
    let params = [names(&shared), extra.clone()].concat();

    let pairs = pairs(first, second, &shared);
    if pairs.is_empty() {
        let point = |table: &RunTable| match table.rows.first() {
            Some(row) => place(&table.sweep, &row.params),
            None => "nothing".to_owned(),
        };
        return Err((
            format!(
                "they have no point in common: A begins with {}, B with {}",
                point(first),
                point(second)
            ),
            "compare results whose sweeps share values".to_owned(),
        ));
    }
    let pairing = pairing(&pairs);
    let metrics: Vec<Columns> = METRICS
        .iter()
        .filter_map(|metric| {
            let column = |table: &RunTable| table.metrics.iter().position(|n| n == metric.name);
            Some(Columns { metric, first: column(first)?, second: column(second)? })
        })
        .collect();
    let mut comparison = Comparison {
        sides,
        params,
        extra,
        pairing,
        points: pairs.len(),
        runs: 0,
        same_digests: 0,
        rows: Vec::new(),
    };
    for (one, other) in &pairs {
        let value = |path: &String| {
            let of = |table: &RunTable, point: &PointRuns<'_>| {
                let column = table.sweep.iter().position(|swept| swept == path)?;
                point.params.get(column).cloned()
            };
            of(first, one).or_else(|| of(second, other)).unwrap_or_default()
        };
        let params: Vec<String> = comparison.params.iter().map(value).collect();
        let together = together(one, other);
        comparison.runs += one.runs.len();
        comparison.same_digests +=
            together.iter().filter(|(one, other)| one.digest == other.digest).count();
        let rows = metrics.iter().filter_map(|columns| {
            let (runs, difference, word) = columns.compare(pairing, one, other, &together)?;
            Some(Row { params: params.clone(), metric: columns.metric, runs, difference, word })
        });
        comparison.rows.extend(rows);
    }
    Ok(comparison)
}

/// The points that agree in these parameters, in the order of the first table.
fn pairs<'t>(
    first: &'t RunTable,
    second: &'t RunTable,
    shared: &[&String],
) -> Vec<(PointRuns<'t>, PointRuns<'t>)> {
    let key = |table: &RunTable, point: &PointRuns<'_>| -> Vec<String> {
        let column = |path: &&String| table.sweep.iter().position(|swept| swept == *path);
        shared.iter().filter_map(column).filter_map(|c| point.params.get(c).cloned()).collect()
    };
    let mut partners: BTreeMap<Vec<String>, Vec<PointRuns<'t>>> = BTreeMap::new();
    for point in points(second) {
        partners.entry(key(second, &point)).or_default().push(point);
    }
    let copy = |point: &PointRuns<'t>| PointRuns { params: point.params, runs: point.runs.clone() };
    let mut pairs = Vec::new();
    for point in points(first) {
        let others = partners.get(&key(first, &point));
        pairs.extend(others.into_iter().flatten().map(|other| (copy(&point), copy(other))));
    }
    pairs
}

/// The runs of two points that have one repeat.
fn together<'t>(one: &PointRuns<'t>, other: &PointRuns<'t>) -> Vec<(&'t RunRow, &'t RunRow)> {
    let others: BTreeMap<u32, &RunRow> = other.runs.iter().map(|run| (run.repeat, *run)).collect();
    one.runs.iter().filter_map(|run| Some((*run, *others.get(&run.repeat)?))).collect()
}

fn pairing(pairs: &[(PointRuns<'_>, PointRuns<'_>)]) -> Pairing {
    let is_paired = pairs.iter().all(|(one, other)| {
        let together = together(one, other);
        !together.is_empty() && together.iter().all(|(one, other)| one.seed == other.seed)
    });
    if is_paired { Pairing::Paired } else { Pairing::Unpaired }
}

/// A metric and where it stands in both tables.
struct Columns {
    metric: &'static Metric,
    first: usize,
    second: usize,
}

impl Columns {
    /// Compares it at two points; `None` where neither side has a value.
    fn compare(
        &self,
        pairing: Pairing,
        one: &PointRuns<'_>,
        other: &PointRuns<'_>,
        together: &[(&RunRow, &RunRow)],
    ) -> Option<([usize; 2], Difference, Word)> {
        let values = |point: &PointRuns<'_>, column: usize| -> Vec<f64> {
            let value = |run: &&RunRow| run.values.get(column).copied().flatten();
            point.runs.iter().filter_map(value).collect()
        };
        let (mut first, mut second) = (values(one, self.first), values(other, self.second));
        let alone = |first: f64, second: f64| Difference { first, second, test: None };
        match (&first[..], &second[..]) {
            ([], []) => return None,
            (_, []) => {
                let difference = alone(crate::measure::mean(&first), f64::NAN);
                return Some(([first.len(), 0], difference, Word::OnlyFirst));
            }
            ([], _) => {
                let difference = alone(f64::NAN, crate::measure::mean(&second));
                return Some(([0, second.len()], difference, Word::OnlySecond));
            }
            _ => {}
        }
        let pairs: (Vec<f64>, Vec<f64>) = together
            .iter()
            .filter_map(|(one, other)| {
                let value = |run: &RunRow, column: usize| run.values.get(column).copied().flatten();
                Some((value(one, self.first)?, value(other, self.second)?))
            })
            .unzip();
        // Without a pair that has it on both sides, what there is stands unpaired.
        let difference = if pairing == Pairing::Paired && !pairs.0.is_empty() {
            (first, second) = pairs;
            Difference::paired(&first, &second)
        } else {
            Difference::unpaired(&first, &second)
        };
        let is_same = match pairing {
            Pairing::Paired => first == second,
            Pairing::Unpaired => {
                // Slices are compared exactly, as is meant.
                let all = |values: &[f64]| values.windows(2).all(|two| two[..1] == two[1..]);
                all(&first) && all(&second) && first[..1] == second[..1]
            }
        };
        let word = match difference.test {
            _ if is_same => Word::Same,
            None => Word::Untested,
            Some(test) if test.p < SIGNIFICANT => Word::Differs,
            Some(_) => Word::NotSignificant,
        };
        Some(([first.len(), second.len()], difference, word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table of these swept parameters and runs: their values, repeat, seed and hops.
    fn table(sweep: &[&str], runs: &[(&[&str], u32, u64, Option<f64>)]) -> RunTable {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let row = |(params, repeat, seed, hops): &(&[&str], u32, u64, Option<f64>)| RunRow {
            params: owned(params),
            repeat: *repeat,
            seed: *seed,
            digest: format!("{seed} {hops:?}"),
            values: vec![*hops],
        };
        RunTable {
            sweep: owned(sweep),
            metrics: owned(&["hops.mean"]),
            rows: runs.iter().map(row).collect(),
        }
    }

    fn side() -> Side {
        Side { scenario: "x".to_owned(), seed: 1, repeats: 3 }
    }

    fn compared(first: &RunTable, second: &RunTable) -> Comparison {
        compare([side(), side()], first, second).unwrap()
    }

    fn single(values: &[f64], seed: u64) -> RunTable {
        let runs: Vec<(&[&str], u32, u64, Option<f64>)> =
            (0..).zip(values).map(|(repeat, hops)| (&[][..], repeat, seed, Some(*hops))).collect();
        table(&[], &runs)
    }

    fn word(first: &RunTable, second: &RunTable) -> (Pairing, Word) {
        let comparison = compared(first, second);
        let [row] = &comparison.rows[..] else { panic!("one row: {comparison:?}") };
        (comparison.pairing, row.word)
    }

    #[test]
    fn one_seed_makes_pairs_and_two_do_not() {
        // Of pairs half a hop is much, between runs that vary by whole hops it is nothing.
        let (few, more) = ([1.0, 3.0, 5.0, 7.0], [1.5, 3.4, 5.6, 7.5]);
        let first = single(&few, 1);
        assert_eq!(word(&first, &single(&more, 1)), (Pairing::Paired, Word::Differs));
        assert_eq!(word(&first, &single(&more, 2)), (Pairing::Unpaired, Word::NotSignificant));
        assert_eq!(word(&first, &single(&few, 1)), (Pairing::Paired, Word::Same));
        assert_eq!(word(&first, &single(&few, 2)), (Pairing::Unpaired, Word::NotSignificant));
        let level = single(&[2.0, 2.0], 1);
        assert_eq!(word(&level, &single(&[2.0, 2.0, 2.0], 2)), (Pairing::Unpaired, Word::Same));
        assert_eq!(word(&level, &single(&[3.0, 3.0], 1)), (Pairing::Paired, Word::Differs));
        let once = single(&[2.0], 1);
        assert_eq!(word(&once, &single(&[3.0], 1)), (Pairing::Paired, Word::Untested));
        assert_eq!(word(&once, &once), (Pairing::Paired, Word::Same));
        // More repeats on one side: those of both are compared.
        let comparison = compared(&first, &single(&[1.0, 4.0], 1));
        assert_eq!(comparison.rows[0].runs, [2, 2]);
        assert_eq!((comparison.runs, comparison.same_digests), (4, 1));
    }

    #[test]
    fn points_belong_together_that_agree_in_what_both_sweep() {
        let first = table(
            &["nodes", "lookup"],
            &[
                (&["8", "iterative"], 0, 1, Some(1.0)),
                (&["8", "recursive"], 0, 1, Some(2.0)),
                (&["16", "iterative"], 0, 1, None),
                (&["32", "iterative"], 0, 1, Some(4.0)),
            ],
        );
        let second = table(
            &["nodes"],
            &[
                (&["32"], 0, 1, None),
                (&["8"], 0, 1, Some(2.0)),
                (&["16"], 0, 1, None),
                (&["64"], 0, 1, Some(9.0)),
            ],
        );
        let comparison = compared(&first, &second);
        assert_eq!(comparison.params, ["nodes", "lookup"]);
        assert_eq!(comparison.extra, ["lookup"]);
        assert_eq!(comparison.points, 4);
        let rows = |comparison: &Comparison| -> Vec<(String, Word)> {
            comparison.rows.iter().map(|row| (row.params.join(" "), row.word)).collect()
        };
        let row = |params: &str, word| (params.to_owned(), word);
        assert_eq!(
            rows(&comparison),
            [
                row("8 iterative", Word::Untested),
                row("8 recursive", Word::Same),
                row("32 iterative", Word::OnlyFirst),
            ]
        );
        // The other way round the order is that of the other one.
        assert_eq!(
            rows(&compared(&second, &first)),
            [
                row("32 iterative", Word::OnlySecond),
                row("8 iterative", Word::Untested),
                row("8 recursive", Word::Same),
            ]
        );
        let csv = comparison.to_csv(comparison.rows.iter()).unwrap();
        insta::assert_snapshot!(String::from_utf8(csv).unwrap());
    }

    #[test]
    fn results_that_have_nothing_in_common_are_refused() {
        let nodes = |nodes: &'static str| table(&["nodes"], &[(&[nodes][..], 0, 1, None)]);
        let loss = table(&["loss"], &[(&["0.1"], 0, 1, None)]);
        let refusal = |second: &RunTable| {
            let (problem, mend) = compare([side(), side()], &nodes("8"), second).unwrap_err();
            format!("{problem}; {mend}")
        };
        insta::assert_snapshot!([refusal(&nodes("9")), refusal(&loss)].join("\n"));
        assert!(compare([side(), side()], &nodes("8"), &table(&["nodes"], &[])).is_err());
    }
}
