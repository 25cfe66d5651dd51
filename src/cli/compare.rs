//! `dhtsim compare`: two results side by side.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::experiment::claims::show;
use crate::measure::metrics;
use crate::report::{Comparison, Pairing, Row, Side, Word};

use super::columns::aligned;
use super::output::{Paint, paint};
use super::{Ending, Failure, figures};

/// Set two results side by side, with differences and tests.
///
/// Points belong together when they agree in every parameter that both sweep. Under one seed
/// their runs are set side by side one by one, which shows small differences: both faced the
/// same nodes, keys and delays. Under different seeds all runs of a point are compared with
/// all of the other, by Welch's test. Metrics that are the same in all runs are left out.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dhtsim compare before/chord-hops after/chord-hops
  dhtsim compare results/a results/b --metric hops.mean --metric latency_ms.mean
  dhtsim compare results/a results/b --all --csv > differences.csv")]
pub(super) struct Compare {
    /// Folder of results A
    #[arg(value_name = "A")]
    first: PathBuf,
    /// Folder of results B
    #[arg(value_name = "B")]
    second: PathBuf,
    /// Show this metric, even where it is the same; may be given several times
    #[arg(long, value_name = "NAME")]
    metric: Vec<String>,
    /// Show all metrics, even those whose difference is not significant or that are the same
    #[arg(long, conflicts_with = "metric")]
    all: bool,
    /// Print CSV, all figures in full
    #[arg(long)]
    csv: bool,
}

impl Compare {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Ending, Failure> {
        if let Some(name) = self.metric.iter().find(|name| metrics::find(name).is_none()) {
            return Err(Failure::BadInput(format!(
                "--metric: there is no metric {name:?}; `dhtsim list metrics` names them"
            )));
        }
        let comparison = Comparison::of(&self.first, &self.second)
            .map_err(|error| Failure::BadInput(error.to_string()))?;
        if self.csv {
            let csv = comparison.to_csv(comparison.rows.iter().filter(|row| self.shows(row)));
            out.write_all(&csv.map_err(std::io::Error::from)?)?;
        } else {
            out.write_all(self.text(&comparison).as_bytes())?;
        }
        Ok(Ending::Good)
    }

    fn shows(&self, row: &Row) -> bool {
        if self.metric.is_empty() {
            self.all || row.word != Word::Same
        } else {
            self.metric.iter().any(|name| name == row.metric.name)
        }
    }

    fn text(&self, comparison: &Comparison) -> String {
        // What chance explains is counted only, unless it is asked for.
        let counted: Vec<&Row> = comparison.rows.iter().filter(|row| self.shows(row)).collect();
        let mut shown = counted.clone();
        if self.metric.is_empty() && !self.all {
            shown.retain(|row| row.word != Word::NotSignificant);
        }
        let mut text = head(comparison, [&self.first, &self.second]);
        if comparison.rows.iter().all(|row| row.word == Word::Same) {
            let word = paint("identical", Paint::Good);
            text.extend([format!("{word}: no metric differs in any run\n")]);
        }
        if !shown.is_empty() {
            text.extend([format!("\n{}\n", table(comparison, &shown))]);
        } else if !self.metric.is_empty() {
            text += "no run has a value of these metrics\n";
        }
        text + &foot(&counted, counted.len() - shown.len())
    }
}

/// What is compared, and how.
fn head(comparison: &Comparison, folders: [&Path; 2]) -> String {
    let side = |letter: &str, folder: &Path, side: &Side| {
        let Side { scenario, seed, repeats } = side;
        let repeats = figures::of(*repeats, "repeat");
        format!("{letter}  {}: {scenario}, seed {seed}, {repeats}\n", folder.display())
    };
    let [first, second] = &comparison.sides;
    let mut text = side("A", folders[0], first) + &side("B", folders[1], second);
    text += match comparison.pairing {
        Pairing::Paired => "paired by seed and repeat: Student's test of the differences\n",
        Pairing::Unpaired => "not paired, for the seeds differ: Welch's test of the means\n",
    };
    if comparison.pairing == Pairing::Paired && first.repeats != second.repeats {
        text += "repeats that only one side has are left out\n";
    }
    let extra = comparison.extra.iter();
    text.extend(extra.map(|path| {
        format!("{path} is swept on one side only: its values share the other's points\n")
    }));
    let (points, runs) =
        (figures::of(comparison.points, "point"), figures::of(comparison.runs, "run"));
    text + &format!("{points}, {runs}, {} with the same digest\n", comparison.same_digests)
}

fn table(comparison: &Comparison, rows: &[&Row]) -> String {
    // The last name of a path tells enough beside its values, unless two end alike.
    let short = |path: &String| path.rsplit('.').next().unwrap_or(path).to_owned();
    let clashes = |path: &String| {
        comparison.params.iter().filter(|other| short(other) == short(path)).count() > 1
    };
    let name = |path: &String| if clashes(path) { path.clone() } else { short(path) };
    let params: Vec<String> = comparison.params.iter().map(name).collect();
    let header = ["metric", "A", "B", "B − A", "± 95 %", "relative", "p", ""];
    let header: Vec<&str> = params.iter().map(String::as_str).chain(header).collect();
    let figure = |value: f64| if value.is_finite() { show(value) } else { "–".to_owned() };
    let row = |row: &&Row| {
        let (difference, test) = (&row.difference, row.difference.test);
        let relative = difference.relative().filter(|share| share.is_finite());
        let figures = [
            row.metric.name.to_owned(),
            figure(difference.first),
            figure(difference.second),
            figure(difference.absolute()),
            test.map_or("–".to_owned(), |test| figure(test.half_width)),
            relative.map_or("–".to_owned(), |share| format!("{:+.2} %", share * 100.0)),
            test.map_or("–".to_owned(), |test| probability(test.p)),
            word(row.word),
        ];
        row.params.iter().cloned().chain(figures).collect()
    };
    let rows: Vec<Vec<String>> = rows.iter().map(row).collect();
    aligned(&header, &rows)
}

fn probability(p: f64) -> String {
    if p < 1e-4 { "< 0.0001".to_owned() } else { format!("{p:.4}") }
}

fn word(word: Word) -> String {
    let look = match word {
        Word::Same => Paint::Good,
        Word::Differs | Word::OnlyFirst | Word::OnlySecond => Paint::Bad,
        Word::NotSignificant | Word::Untested => Paint::Dim,
    };
    paint(word.text(), look)
}

/// What to make of the words of rows, some of which are not shown.
fn foot(rows: &[&Row], hidden: usize) -> String {
    let count = |word| rows.iter().filter(|row| row.word == word).count();
    let (differ, chance) = (count(Word::Differs), count(Word::NotSignificant));
    let mut text = String::new();
    if differ + chance > 0 {
        text.extend([format!(
            "{differ} of {} differences are significant (p < 0.05); by chance 1 in 20 is\n",
            differ + chance
        )]);
    }
    if hidden > 0 {
        text += "(the others are not shown: --all does)\n";
    }
    if count(Word::Untested) > 0 {
        text += "one run on a side does not tell chance from cause: give the scenarios `repeat`\n";
    }
    text
}
