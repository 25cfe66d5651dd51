//! Metrics of results side by side, as a table for a README.

use serde_json::{Map, Value};

use super::markdown::{cell, decimals_for, number};
use super::plots::{in_words, short};
use crate::measure::metrics::Metric;
use crate::measure::summary::{Point, Summary};
use crate::scenario::format::Condition;
use crate::scenario::is_field;

/// The label under which the results of several scenarios are told apart.
const SCENARIO: &str = "scenario";

/// Which metrics a table shows, of which points, and how.
#[derive(Clone, Debug)]
pub struct MetricTable {
    /// The metrics, each with its header.
    pub metrics: Vec<(&'static Metric, String)>,
    /// Only points whose swept parameters satisfy these conditions.
    pub conditions: Vec<(String, Condition)>,
    /// The swept parameter whose values are the columns; without it metrics are.
    pub by: Option<String>,
}

/// Why a table cannot be made.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{scenarios}: {option}: {problem}; {mend}")]
pub struct TableError {
    scenarios: String,
    option: String,
    problem: String,
    mend: String,
}

impl MetricTable {
    /// The table of these results in Markdown. Parameters in which the points shown agree
    /// are left out.
    ///
    /// # Errors
    /// When a name or value is not one of the sweep, or no point is left to show.
    pub fn of(&self, summaries: &[Summary]) -> Result<String, TableError> {
        let refuse = |option: String, problem: String, mend: String| {
            let scenarios: Vec<&str> = summaries.iter().map(|s| s.scenario.as_str()).collect();
            Err(TableError { scenarios: scenarios.join(", "), option, problem, mend })
        };
        let all = places(summaries);
        let known = labels(&all);
        let by_what = |chosen| match &self.by {
            Some(by) if !known.contains(&by.as_str()) => Err(not_swept("--by", by, &known)),
            _ => Ok(chosen),
        };
        let shown = match choose("--where", &self.conditions, &all).and_then(by_what) {
            Ok(chosen) => chosen.into_iter().map(|number| all[number].clone()).collect::<Vec<_>>(),
            Err((option, problem, mend)) => return refuse(option, problem, mend),
        };
        let points: Vec<&Point> = summaries.iter().flat_map(|summary| &summary.points).collect();
        let figure_of = |place: &Place<'_>, metric: &Metric| (metric.get)(points[place.number]);
        Ok(markdown(&match &self.by {
            None => self.a_row_a_point(&shown, figure_of),
            Some(by) => self.a_column_a_value(&shown, by, figure_of),
        }))
    }

    fn a_row_a_point(
        &self,
        shown: &[Place<'_>],
        figure_of: impl Fn(&Place<'_>, &Metric) -> f64,
    ) -> Vec<Column> {
        let mut columns = parameters(shown, &differing(shown));
        columns.extend(self.metrics.iter().map(|(metric, header)| Column {
            header: header.clone(),
            cells: shown.iter().map(|place| figure(figure_of(place, metric))).collect(),
            is_numeric: true,
        }));
        columns
    }

    fn a_column_a_value(
        &self,
        shown: &[Place<'_>],
        by: &str,
        figure_of: impl Fn(&Place<'_>, &Metric) -> f64,
    ) -> Vec<Column> {
        let mut others = differing(shown);
        others.retain(|label| *label != by);
        // A row for each setting of the other parameters and each metric.
        let mut settings: Vec<&Place<'_>> = Vec::new();
        for place in shown {
            if !settings.iter().any(|setting| setting.agrees_in(place, &others)) {
                settings.push(place);
            }
        }
        let rows: Vec<(&Place<'_>, &(&Metric, String))> = settings
            .iter()
            .flat_map(|setting| self.metrics.iter().map(|metric| (*setting, metric)))
            .collect();
        let of_rows: Vec<Place<'_>> = rows.iter().map(|(setting, _)| (*setting).clone()).collect();
        let mut columns = parameters(&of_rows, &others);
        // A single metric need not stand in every row where the parameters tell rows apart.
        if self.metrics.len() > 1 || columns.is_empty() {
            let cells = rows.iter().map(|(_, (_, header))| header.clone()).collect();
            columns.push(Column { header: "Metric".to_owned(), cells, is_numeric: false });
        }
        for value in distinct(shown.iter().filter_map(|place| place.get(by))) {
            let figure_at = |(setting, (metric, _)): &(&Place<'_>, &(&Metric, String))| {
                let mut there = shown.iter().filter(|place| place.get(by) == Some(value));
                let place = there.find(|place| place.agrees_in(setting, &others));
                figure(place.map_or(f64::NAN, |place| figure_of(place, metric)))
            };
            // The names of variants and scenarios speak for themselves.
            let words = words(value);
            let header = if is_field(by) { format!("{} = {words}", short(by)) } else { words };
            let cells = rows.iter().map(figure_at).collect();
            columns.push(Column { header, cells, is_numeric: true });
        }
        columns
    }
}

/// The numbers of those points of a scenario whose swept parameters, given for each, satisfy
/// conditions, which this option gave.
///
/// # Errors
/// When a name or value is not one of the sweep, or no point is left.
pub fn points_where<'a>(
    scenario: &str,
    params: impl Iterator<Item = &'a Map<String, Value>>,
    option: &str,
    conditions: &[(String, Condition)],
) -> Result<Vec<usize>, TableError> {
    let place = |(number, params)| Place { scenario: None, params, number };
    let all: Vec<Place<'_>> = params.enumerate().map(place).collect();
    choose(option, conditions, &all).map_err(|(option, problem, mend)| {
        let scenarios = scenario.to_owned();
        TableError { scenarios, option, problem, mend }
    })
}

/// The option, what is wrong with it, and the mend.
type Refusal = (String, String, String);

fn not_swept(option: &str, label: &str, known: &[&str]) -> Refusal {
    let mend = match known {
        [] => "leave it out: nothing is swept".to_owned(),
        known => format!("the swept parameters are {}", known.join(", ")),
    };
    (format!("{option} {label}"), "is not swept".to_owned(), mend)
}

/// The numbers of the places that satisfy all conditions.
fn choose(
    option: &str,
    conditions: &[(String, Condition)],
    all: &[Place<'_>],
) -> Result<Vec<usize>, Refusal> {
    let known = labels(all);
    let is_known = |label: &String| known.contains(&label.as_str());
    if let Some((label, _)) = conditions.iter().find(|(label, _)| !is_known(label)) {
        return Err(not_swept(option, label, &known));
    }
    for (label, condition) in conditions {
        let values = distinct(all.iter().filter_map(|place| place.get(label)));
        let is_met = |wanted: &Condition| values.iter().any(|value| wanted.accepts(value));
        let each = condition.values().iter().map(|value| Condition::Is(value.clone()));
        let each: Vec<Condition> = each.collect();
        if let Some(missed) = each.iter().chain([condition]).find(|wanted| !is_met(wanted)) {
            let values: Vec<String> = values.iter().map(ToString::to_string).collect();
            let mend = format!("its values are {}", values.join(", "));
            return Err((format!("{option} {label}"), format!("at no point is it {missed}"), mend));
        }
    }
    let passes = |place: &Place<'_>| {
        let accepts = |(label, condition): &(String, Condition)| {
            place.get(label).is_some_and(|value| condition.accepts(value))
        };
        conditions.iter().all(accepts)
    };
    let chosen: Vec<usize> = (0..all.len()).filter(|number| passes(&all[*number])).collect();
    if chosen.is_empty() {
        let problem = "no point satisfies all conditions".to_owned();
        return Err((option.to_owned(), problem, "leave one out".to_owned()));
    }
    Ok(chosen)
}

/// What tells a point apart, and the number of the point.
#[derive(Clone)]
struct Place<'a> {
    scenario: Option<Value>,
    params: &'a Map<String, Value>,
    number: usize,
}

impl Place<'_> {
    fn get(&self, label: &str) -> Option<&Value> {
        match &self.scenario {
            Some(scenario) if label == SCENARIO => Some(scenario),
            _ => self.params.get(label),
        }
    }

    fn agrees_in(&self, other: &Place<'_>, labels: &[&str]) -> bool {
        labels.iter().all(|label| self.get(label) == other.get(label))
    }
}

fn places<'s>(summaries: &'s [Summary]) -> Vec<Place<'s>> {
    let place =
        |summary: &Summary| (summaries.len() > 1).then(|| Value::String(summary.scenario.clone()));
    let of_summary =
        |summary: &'s Summary| summary.points.iter().map(move |point| (place(summary), point));
    let all = summaries.iter().flat_map(of_summary).enumerate();
    all.map(|(number, (scenario, point))| Place { scenario, params: &point.params, number })
        .collect()
}

/// What some of the points have, in the order of their sweeps.
fn labels<'a>(places: &[Place<'a>]) -> Vec<&'a str> {
    let scenario = places.iter().filter(|place| place.scenario.is_some()).map(|_| SCENARIO);
    let params = places.iter().flat_map(|place| place.params.keys().map(String::as_str));
    distinct(scenario.chain(params))
}

/// Those of them in which the points differ.
fn differing<'a>(places: &[Place<'a>]) -> Vec<&'a str> {
    let differ = |label: &&str| places.iter().any(|place| place.get(label) != places[0].get(label));
    labels(places).into_iter().filter(differ).collect()
}

fn distinct<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut distinct = Vec::new();
    for one in all {
        if !distinct.contains(&one) {
            distinct.push(one);
        }
    }
    distinct
}

struct Column {
    header: String,
    cells: Vec<String>,
    is_numeric: bool,
}

/// A column for each of these parameters.
fn parameters(places: &[Place<'_>], labels: &[&str]) -> Vec<Column> {
    let column = |label: &&str| {
        let clashes = labels.iter().filter(|other| short(other) == short(label)).count() > 1;
        let values = || places.iter().filter_map(|place| place.get(label));
        Column {
            header: if clashes { (*label).to_owned() } else { short(label) },
            cells: places.iter().map(|p| p.get(label).map_or("–".to_owned(), words)).collect(),
            is_numeric: values().all(Value::is_number),
        }
    };
    labels.iter().map(column).collect()
}

/// A value in words, with spaces that people type.
fn words(value: &Value) -> String {
    in_words(value).replace('\u{a0}', " ")
}

fn figure(value: f64) -> String {
    // `+ 0.0` makes the zero of a negative sign a plain one.
    number(value + 0.0, decimals_for(value))
}

fn markdown(columns: &[Column]) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let rows = columns.first().map_or(0, |column| column.cells.len());
    let header = line(columns.iter().map(|column| cell(&column.header)).collect());
    let alignment = |column: &Column| if column.is_numeric { "--:" } else { ":--" }.to_owned();
    let alignments = line(columns.iter().map(alignment).collect());
    let row = |row: usize| line(columns.iter().map(|column| cell(&column.cells[row])).collect());
    [header, alignments].into_iter().chain((0..rows).map(row)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::sample::{at, outcome};
    use super::*;
    use crate::measure::metrics;

    /// Two systems at two sizes; the tracker was not run at the second one.
    fn systems(scenario: &str) -> Summary {
        let point = |system: &str, nodes: u64, hops: f64, failed: u64| {
            let mut point = at(&[("population.nodes", json!(nodes)), ("system", json!(system))]);
            point.hops.mean = hops;
            point.lookups.failed = failed;
            point
        };
        let points = vec![
            point("Chord", 64, 3.0, 0),
            point("a | b", 64, 1.234_56, 12_345),
            point("Chord", 1024, 4.876_5, 0),
        ];
        outcome(scenario, &["population.nodes", "system"], points).summary
    }

    fn table(by: Option<&str>, conditions: &[(&str, Value)]) -> MetricTable {
        let metric = |(name, header): (&str, &str)| (metrics::find(name).unwrap(), header.into());
        let condition = |(label, value): &(&str, Value)| {
            ((*label).to_owned(), serde_json::from_value(value.clone()).unwrap())
        };
        MetricTable {
            metrics: [
                ("hops.mean", "hops"),
                ("lookups.failed", "failed"),
                ("after_fault.wrong_share", "wrong"),
            ]
            .map(metric)
            .into(),
            conditions: conditions.iter().map(condition).collect(),
            by: by.map(str::to_owned),
        }
    }

    #[test]
    fn a_row_is_a_point() {
        let table = table(None, &[]).of(&[systems("x")]).unwrap();
        insta::assert_snapshot!(table, @r"
        | nodes | system | hops | failed | wrong |
        | --: | :-- | --: | --: | --: |
        | 64 | Chord | 3 | 0 | – |
        | 64 | a \| b | 1.23 | 12345 | – |
        | 1024 | Chord | 4.88 | 0 | – |
        ");
    }

    #[test]
    fn columns_in_which_all_points_agree_are_left_out() {
        let table = table(None, &[("population.nodes", json!(64))]).of(&[systems("x")]).unwrap();
        insta::assert_snapshot!(table, @r"
        | system | hops | failed | wrong |
        | :-- | --: | --: | --: |
        | Chord | 3 | 0 | – |
        | a \| b | 1.23 | 12345 | – |
        ");
    }

    #[test]
    fn a_column_may_be_a_value_of_a_parameter() {
        let by_system = table(Some("system"), &[]).of(&[systems("x")]).unwrap();
        insta::assert_snapshot!(by_system, @r"
        | nodes | Metric | Chord | a \| b |
        | --: | :-- | --: | --: |
        | 64 | hops | 3 | 1.23 |
        | 64 | failed | 0 | 12345 |
        | 64 | wrong | – | – |
        | 1024 | hops | 4.88 | – |
        | 1024 | failed | 0 | – |
        | 1024 | wrong | – | – |
        ");
        let mut hops = table(Some("population.nodes"), &[]);
        hops.metrics.truncate(1);
        insta::assert_snapshot!(hops.of(&[systems("x")]).unwrap(), @r"
        | system | nodes = 64 | nodes = 1024 |
        | :-- | --: | --: |
        | Chord | 3 | 4.88 |
        | a \| b | 1.23 | – |
        ");
        hops.conditions = table(None, &[("system", json!("Chord"))]).conditions;
        insta::assert_snapshot!(hops.of(&[systems("x")]).unwrap(), @r"
        | Metric | nodes = 64 | nodes = 1024 |
        | :-- | --: | --: |
        | hops | 3 | 4.88 |
        ");
    }

    #[test]
    fn several_scenarios_are_told_apart() {
        let summaries = [systems("x"), systems("y")];
        let chord = ("system", json!("Chord"));
        let small = ("population.nodes", json!({"at_most": 100}));
        let table = table(Some("scenario"), &[chord, small]).of(&summaries).unwrap();
        insta::assert_snapshot!(table, @r"
        | Metric | x | y |
        | :-- | --: | --: |
        | hops | 3 | 3 |
        | failed | 0 | 0 |
        | wrong | – | – |
        ");
    }

    #[test]
    fn what_is_not_there_is_refused() {
        let refusals: Vec<String> = [
            table(Some("systems"), &[]),
            table(None, &[("population.node", json!(64))]),
            table(None, &[("population.nodes", json!([64, 65]))]),
            table(None, &[("population.nodes", json!({"at_least": 2000}))]),
            table(None, &[("system", json!("a | b")), ("population.nodes", json!(1024))]),
        ]
        .iter()
        .map(|table| table.of(&[systems("x")]).unwrap_err().to_string())
        .collect();
        insta::assert_snapshot!(refusals.join("\n"), @r#"
        x: --by systems: is not swept; the swept parameters are population.nodes, system
        x: --where population.node: is not swept; the swept parameters are population.nodes, system
        x: --where population.nodes: at no point is it = 65; its values are 64, 1024
        x: --where population.nodes: at no point is it ≥ 2000; its values are 64, 1024
        x: --where: no point satisfies all conditions; leave one out
        "#);
        let unswept = outcome("x", &[], vec![at(&[])]).summary;
        let refusal = table(Some("system"), &[]).of(&[unswept]).unwrap_err().to_string();
        assert_eq!(refusal, "x: --by system: is not swept; leave it out: nothing is swept");
    }
}
