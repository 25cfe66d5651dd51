//! Whether what a scenario wants of its results can be had: plots, claims and
//! published numbers.
//!
//! A claim about nothing would hold for ever: a misspelt metric, a condition that
//! no point satisfies and hops without lookups are refused before anything runs.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::measure::{in_step, metrics};

use super::condition::same;
use super::error::Fault;
use super::format::{Bound, Claim, Condition, Limits, Published, Scenario};
use super::plot;
use super::sweep::Grid;
use super::{PlannedPoint, Setup};

/// The parameter over which hops are fitted.
const NODES: &str = "population.nodes";

/// Distributions that can be compared with published ones, with the name of their
/// bins and the metric that they belong to.
const DISTRIBUTIONS: [(&str, &str); 3] =
    [("hops.pdf", "hops"), ("keys_per_node.pdf", "keys"), ("messages_per_node.pdf", "messages")];

/// What must be in a scenario for there to be anything to measure.
struct Need {
    /// The first parts of the names of the metrics that need it.
    families: &'static [&'static str],
    what: &'static str,
    is_there: fn(&Setup) -> bool,
    mend: &'static str,
}

const NEEDS: [Need; 7] = [
    Need {
        families: &["hops", "lookups", "latency_ms", "stretch", "contacted", "forwards", "fit"],
        what: "lookups",
        is_there: |setup| setup.workload.lookups.is_some(),
        mend: "workload.lookups",
    },
    Need {
        families: &["keys_per_node"],
        what: "keys",
        is_there: |setup| setup.workload.keys > 0,
        mend: "workload.keys",
    },
    Need {
        families: &["joins"],
        what: "joins",
        is_there: |setup| setup.joins.is_some() || setup.leaves.is_some(),
        mend: "population.joins",
    },
    Need {
        families: &["leaves"],
        what: "leaves",
        is_there: |setup| setup.leaves.is_some(),
        mend: "population.leaves",
    },
    Need {
        families: &["gets", "puts", "storage"],
        what: "values",
        is_there: |setup| setup.workload.storage.is_some(),
        mend: "workload.storage",
    },
    Need {
        families: &["downloads", "swarm"],
        what: "downloads",
        is_there: |setup| setup.workload.downloads.is_some(),
        mend: "workload.downloads",
    },
    Need {
        families: &["after_fault"],
        what: "faults",
        is_there: |setup| !setup.faults.is_empty(),
        mend: "faults",
    },
];

/// Checks plots, claims and published numbers. `narrowed` says that the command
/// line changed parameters: then points may be missing that the file has.
pub(super) fn check(
    scenario: &Scenario,
    grid: &Grid,
    points: &[PlannedPoint],
    narrowed: bool,
) -> Result<(), Fault> {
    let known = Known::new(grid, points, scenario.repeat.most(), narrowed);
    plot::check(&known, &scenario.plots)?;
    for (position, claim) in scenario.expect.iter().enumerate() {
        known.claim(&format!("expect[{position}]"), claim)?;
    }
    for (position, published) in scenario.published.iter().enumerate() {
        known.published(&format!("published[{position}]"), published)?;
    }
    Ok(())
}

pub(super) type Checked = Result<(), Fault>;

pub(super) fn refuse(
    place: impl Into<String>,
    problem: impl Into<String>,
    mend: impl Into<String>,
) -> Checked {
    Err(Fault::new(place, problem, mend))
}

/// What can be spoken of.
pub(super) struct Known<'a> {
    points: &'a [PlannedPoint],
    repeat: u32,
    /// The swept parameters with their values.
    pub(super) swept: BTreeMap<&'a str, Vec<Value>>,
    narrowed: bool,
}

impl<'a> Known<'a> {
    fn new(grid: &'a Grid, points: &'a [PlannedPoint], repeat: u32, narrowed: bool) -> Known<'a> {
        Known {
            points,
            repeat,
            swept: grid.parameters().map(|one| (one.path.as_str(), one.all())).collect(),
            narrowed,
        }
    }

    fn in_step_with_nodes(&self) -> Vec<&str> {
        in_step(self.points.iter().map(|point| &point.params), NODES)
    }

    /// Whether any point is looked at while it runs.
    pub(super) fn takes_samples(&self) -> bool {
        self.points.iter().any(|point| point.setup.sample_every.is_some())
    }

    /// Refuses a metric of which no point has anything.
    pub(super) fn measured(&self, place: &str, metric: &str) -> Checked {
        let family = metric.split('.').next().unwrap_or_default();
        let missing = NEEDS.iter().find(|need| {
            need.families.contains(&family)
                && !self.points.iter().any(|point| (need.is_there)(&point.setup))
        });
        match missing {
            Some(need) => {
                let problem = format!("no {} for `{metric}`", need.what);
                refuse(place, problem, format!("give `{}`", need.mend))
            }
            None => Ok(()),
        }
    }

    fn claim(&self, place: &str, claim: &Claim) -> Checked {
        let is_fit = claim.metric.starts_with("fit.");
        if is_fit && !self.swept.contains_key(NODES) {
            let problem = format!("no fit without a sweep of {NODES}");
            let mend = format!("sweep {NODES}, or claim something of the points");
            return refuse(format!("{place}.metric"), problem, mend);
        }
        self.metric(&format!("{place}.metric"), &claim.metric, is_fit)?;
        if let Some(per) = &claim.per {
            self.metric(&format!("{place}.per"), per, is_fit)?;
            self.ratio(&format!("{place}.per"), &claim.metric, per)?;
        }
        for (name, condition) in &claim.condition {
            let place = format!("{place}.where.{name}");
            let goes_through =
                || name == NODES || self.in_step_with_nodes().contains(&name.as_str());
            if is_fit && (!self.swept.contains_key(name.as_str()) || goes_through()) {
                let problem = "a fit goes through many points";
                let mend = format!(
                    "choose fits by swept parameters other than {NODES} and what walks in step with it"
                );
                return refuse(place, problem, mend);
            }
            self.condition(&place, name, condition)?;
        }
        if !is_fit {
            self.somewhere(place, &claim.condition)?;
        }
        comparison(place, claim)?;
        let bounds = [
            ("at_least", &claim.at_least),
            ("at_most", &claim.at_most),
            ("equals", &claim.equals),
            ("of", &claim.of),
        ];
        for (name, bound) in bounds {
            if let Some(bound) = bound {
                self.bound(&format!("{place}.{name}"), bound, is_fit)?;
            }
        }
        Ok(())
    }

    pub(super) fn metric(&self, place: &str, name: &str, is_fit: bool) -> Checked {
        let found =
            if is_fit { metrics::find_fit(name).is_some() } else { metrics::find(name).is_some() };
        if found {
            return self.measured(place, name);
        }
        let problem = match (is_fit, metrics::find_fit(name)) {
            (true, _) => format!("there is no metric `{name}` of a fit"),
            (false, None) => format!("there is no metric `{name}`"),
            (false, Some(_)) => format!("`{name}` is of a fit, not of a point"),
        };
        refuse(place, problem, known_metrics(name, is_fit))
    }

    /// Refuses to divide a sum over repeats by what is of a single run, or the other way round.
    pub(super) fn ratio(&self, place: &str, name: &str, per: &str) -> Checked {
        let (Some(metric), Some(divisor)) = (metrics::find(name), metrics::find(per)) else {
            return Ok(());
        };
        if self.repeat > 1 && metric.is_sum != divisor.is_sum {
            let (sum, other) = if metric.is_sum { (name, per) } else { (per, name) };
            let problem = format!("`{sum}` is summed over the repeats and `{other}` is not");
            return refuse(place, problem, "divide what is alike, or repeat once");
        }
        Ok(())
    }

    fn bound(&self, place: &str, bound: &Bound, is_fit: bool) -> Checked {
        let (times, plus) = match bound {
            Bound::Number(number) => (*number, 0.0),
            Bound::Log2(line) => {
                self.metric(&format!("{place}.log2"), &line.log2, is_fit)?;
                (line.times, line.plus)
            }
            Bound::Linear(line) => {
                self.metric(&format!("{place}.metric"), &line.metric, is_fit)?;
                (line.times, line.plus)
            }
        };
        if !times.is_finite() || !plus.is_finite() {
            return refuse(place, "is not a finite number", "give a finite number");
        }
        Ok(())
    }

    /// A condition on a swept parameter or a metric.
    fn condition(&self, place: &str, name: &str, condition: &Condition) -> Checked {
        let swept = self.swept.get(name);
        if swept.is_none() && metrics::find(name).is_none() && !self.narrowed {
            let mend = known_metrics(name, false);
            let problem = format!("`{name}` is neither a swept parameter nor a metric");
            return refuse(place, problem, mend);
        }
        match condition {
            Condition::Limits(Limits { at_least: None, at_most: None }) => {
                return refuse(place, "sets no limit", "give `at_least`, `at_most` or both");
            }
            Condition::Limits(limits) if swept.is_some_and(|v| !v.iter().all(Value::is_number)) => {
                let limit = limits.at_least.or(limits.at_most).unwrap_or_default();
                let problem = format!("{limit} limits a parameter whose values are not numbers");
                return refuse(place, problem, "give a value or a list of values");
            }
            Condition::OneOf(values) if values.is_empty() => {
                return refuse(place, "names no value", "give at least one");
            }
            _ => {}
        }
        for value in condition.values() {
            match swept {
                Some(values) if !self.narrowed && !values.iter().any(|v| same(v, value)) => {
                    let problem = format!("the sweep gives it no value {value}");
                    return refuse(place, problem, "give values of its axis");
                }
                None if !value.is_number() => {
                    let mend =
                        "give a number, a list of numbers, or {\"at_least\": …, \"at_most\": …}";
                    return refuse(place, format!("{value} is not a number"), mend);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Conditions on swept parameters alone.
    pub(super) fn swept_conditions(
        &self,
        place: &str,
        conditions: &BTreeMap<String, Condition>,
    ) -> Checked {
        for (name, condition) in conditions {
            let place = format!("{place}.where.{name}");
            if !self.swept.contains_key(name.as_str()) {
                let problem = format!("`{name}` is not a swept parameter");
                return refuse(place, problem, "choose points by swept parameters");
            }
            self.condition(&place, name, condition)?;
        }
        self.somewhere(place, conditions)
    }

    /// Refuses conditions on swept parameters that no point satisfies: it has been left out, or
    /// never was there.
    fn somewhere(&self, place: &str, conditions: &BTreeMap<String, Condition>) -> Checked {
        let known = conditions.keys().all(|name| self.swept.contains_key(name.as_str()));
        let passes = |point: &PlannedPoint| {
            let mut conditions = conditions.iter();
            conditions.all(|(name, one)| point.params.get(name).is_some_and(|v| one.accepts(v)))
        };
        if self.narrowed || !known || self.points.iter().any(passes) {
            return Ok(());
        }
        let problem = "no point of the sweep satisfies all of it";
        refuse(format!("{place}.where"), problem, "correct a condition, or leave it out")
    }

    fn published(&self, place: &str, published: &Published) -> Checked {
        let at = |field: &str| format!("{place}.{field}");
        let bins = DISTRIBUTIONS.iter().find(|(name, _)| *name == published.metric);
        if let Some((name, bins)) = bins {
            self.measured(&at("metric"), name)?;
            if published.against != *bins {
                let problem = format!("the bins of {name} are not `{}`", published.against);
                return refuse(at("against"), problem, format!("give \"{bins}\""));
            }
        } else if published.metric.strip_suffix(".pdf").is_some() {
            let problem = format!("there is no distribution `{}`", published.metric);
            let names = DISTRIBUTIONS.map(|(name, _)| name).join(", ");
            return refuse(at("metric"), problem, format!("the distributions are {names}"));
        } else {
            self.metric(&at("metric"), &published.metric, false)?;
            let axis = self.swept.get(published.against.as_str());
            if !axis.is_some_and(|values| values.iter().all(Value::is_number)) {
                let problem = format!("`{}` is not a swept number", published.against);
                let mend = "give the path of a swept parameter, such as population.nodes";
                return refuse(at("against"), problem, mend);
            }
        }
        self.swept_conditions(place, &published.condition)?;
        if !published.divided_by.is_finite() || published.divided_by <= 0.0 {
            let problem = format!("{} divides nothing", published.divided_by);
            return refuse(at("divided_by"), problem, "give a number above 0");
        }
        if let Some(tolerance) = published.tolerance {
            for allowed in [tolerance.absolute, tolerance.relative] {
                if !allowed.is_finite() || allowed < 0.0 {
                    let problem = format!("{allowed} is not a tolerance");
                    return refuse(at("tolerance"), problem, "give a number from 0 on");
                }
            }
        }
        if published.values.is_empty() {
            return refuse(at("values"), "is empty", "give pairs of where and what");
        }
        for (position, (x, y)) in published.values.iter().enumerate() {
            let place = format!("{place}.values[{position}]");
            if !x.is_finite() || !y.is_finite() {
                return refuse(place, "is not a pair of finite numbers", "give finite numbers");
            }
            if bins.is_some() && (x.fract() != 0.0 || *x < 0.0) {
                let problem = format!("{x} is not the number of a bin");
                return refuse(place, problem, "give a whole number from 0 on");
            }
            self.published_at(&place, published, (bins.is_none()).then_some(*x))?;
        }
        Ok(())
    }

    /// A published value belongs to one point, or is left out if it promises nothing.
    fn published_at(&self, place: &str, published: &Published, x: Option<f64>) -> Checked {
        let count = self.points.iter().filter(|p| published.selects(&p.params, x)).count();
        if count > 1 {
            let mend = "choose one by `where`";
            return refuse(place, format!("{count} points of the sweep match"), mend);
        }
        if count == 0 && published.tolerance.is_some() && !self.narrowed {
            let value = x.map(|x| format!(" with {} = {x}", published.against));
            let problem = format!("the sweep has no such point{}", value.unwrap_or_default());
            return refuse(place, problem, "sweep over it, or leave out the value or `tolerance`");
        }
        Ok(())
    }
}

impl Published {
    /// Whether it speaks of the point with these parameters: `x` is the value that
    /// the parameter `against` must have, where it is a parameter.
    pub(crate) fn selects(&self, params: &serde_json::Map<String, Value>, x: Option<f64>) -> bool {
        let passes = |(name, condition): (&String, &Condition)| {
            params.get(name).is_some_and(|value| condition.accepts(value))
        };
        let stands_there =
            x.is_none_or(|x| params.get(&self.against).is_some_and(|value| same(value, &x.into())));
        stands_there && self.condition.iter().all(passes)
    }
}

/// Exactly one comparison, or the two that make a between.
fn comparison(place: &str, claim: &Claim) -> Checked {
    let limits = claim.at_least.is_some() || claim.at_most.is_some();
    let within = claim.within.is_some() || claim.of.is_some();
    let kinds = [limits, claim.equals.is_some(), within];
    match kinds.iter().filter(|given| **given).count() {
        0 => {
            return refuse(
                place,
                "compares with nothing",
                "give `at_least`, `at_most`, both of them, `equals`, or `within` with `of`",
            );
        }
        1 => {}
        _ => return refuse(place, "compares in more than one way", "write a claim for each"),
    }
    match (claim.within, &claim.of) {
        (Some(within), Some(_)) if !within.is_finite() || within < 0.0 => {
            let problem = format!("{within} is not a distance");
            refuse(format!("{place}.within"), problem, "give a number from 0 on")
        }
        (Some(_), None) => {
            refuse(format!("{place}.within"), "does not say of what", "give `of` too")
        }
        (None, Some(_)) => {
            refuse(format!("{place}.of"), "does not say how near", "give `within` too")
        }
        _ => Ok(()),
    }
}

/// The names of the same family as one that is none of them; all families otherwise.
pub(super) fn near(name: &str, names: impl Iterator<Item = &'static str> + Clone) -> String {
    let family = |name: &'static str| name.split('.').next().unwrap_or_default();
    let wanted = name.split('.').next().unwrap_or_default();
    let alike = names.clone().filter(|n| family(n) == wanted).map(str::to_owned);
    let mut list: Vec<String> = alike.collect();
    if list.is_empty() {
        let starred = |n| if family(n) == n { n.to_owned() } else { format!("{}.*", family(n)) };
        list = names.map(starred).collect();
        list.dedup();
    }
    list.join(", ")
}

/// What to say of a metric that is none.
fn known_metrics(name: &str, is_fit: bool) -> String {
    let names = if is_fit {
        metrics::FIT_METRICS.iter().map(|metric| metric.name).collect::<Vec<_>>().join(", ")
    } else {
        near(name, metrics::METRICS.iter().map(|metric| metric.name))
    };
    let all = metrics::METRICS.iter().map(|metric| metric.name);
    match alike(name, all) {
        Some(meant) if !is_fit => format!("perhaps `{meant}`; the metrics are {names}"),
        _ => format!("the metrics are {names}"),
    }
}

/// The one of some names that was probably meant by another one.
fn alike(name: &str, names: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    const LEAST: f64 = 0.75;
    let likeness =
        |other: &'static str| (strsim::normalized_damerau_levenshtein(name, other), other);
    let best = names.map(likeness).max_by(|(one, _), (other, _)| one.total_cmp(other));
    best.filter(|(likeness, _)| *likeness >= LEAST).map(|(_, meant)| meant)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Overrides, parse};
    use super::*;

    fn scenario(field: &str, value: Value) -> String {
        let mut scenario = json!({
            "name": "x",
            "population": {"nodes": 4},
            "overlay": {"chord": {}},
            "workload": {"lookups": {"per_node": 1}},
            "sweep": {"population.nodes": [4, 8], "overlay.chord.lookup": ["iterative", "recursive"]},
        });
        scenario[field] = value;
        scenario.to_string()
    }

    fn outcome(field: &str, value: Value) -> Result<(), String> {
        let text = scenario(field, value);
        parse("x", &text, &Overrides::default()).map(|_| ()).map_err(|error| error.to_string())
    }

    #[test]
    fn good_claims_pass() {
        for claim in [
            json!({"metric": "hops.mean", "at_most": {"log2": "nodes", "times": 0.5, "plus": 1}}),
            json!({"metric": "hops.p99", "per": "hops.mean", "at_least": 1, "at_most": 3}),
            json!({"metric": "lookups.correct", "equals": {"metric": "lookups.issued"}}),
            json!({"metric": "hops.mean", "within": 0.05, "of": 3, "where": {"population.nodes": 8}}),
            json!({"metric": "hops.mean", "equals": 0, "where": {"nodes": {"at_most": 1}}}),
            json!({"metric": "fit.r2", "at_least": 0.9, "where": {"overlay.chord.lookup": ["recursive"]}}),
        ] {
            outcome("expect", json!([claim])).unwrap();
        }
    }

    #[test]
    fn claims_about_nothing_are_refused() {
        let refusals: Vec<String> = [
            json!({"metric": "hops.meen", "equals": 0}),
            json!({"metric": "hopsmean", "equals": 0}),
            json!({"metric": "fit.r3", "equals": 0}),
            json!({"metric": "keys_per_node.mean", "equals": 0}),
            json!({"metric": "hops.mean"}),
            json!({"metric": "hops.mean", "equals": 0, "at_most": 1}),
            json!({"metric": "hops.mean", "within": 0.1}),
            json!({"metric": "hops.mean", "of": 0.1}),
            json!({"metric": "hops.mean", "within": -0.1, "of": 1}),
            json!({"metric": "hops.mean", "per": "fit.r2", "equals": 0}),
            json!({"metric": "hops.mean", "at_most": {"log2": "node"}}),
            json!({"metric": "hops.mean", "equals": 0, "where": {"network.loss": 0}}),
            json!({"metric": "hops.mean", "equals": 0, "where": {"population.nodes": 5}}),
            json!({"metric": "hops.mean", "equals": 0, "where": {"population.nodes": {"atleast": 5}}}),
            json!({"metric": "hops.mean", "equals": 0, "where": {"population.nodes": {}}}),
            json!({"metric": "hops.mean", "equals": 0, "where": {"overlay.chord.lookup": {"at_least": 5}}}),
            json!({"metric": "hops.mean", "equals": 0, "where": {"nodes": []}}),
            json!({"metric": "hops.mean", "equals": 0, "where": {"nodes": "many"}}),
            json!({"metric": "hops.mean", "equals": 0, "where": {"population.nodes": {"at_least": 9}}}),
            json!({"metric": "fit.r2", "equals": 1, "where": {"population.nodes": 8}}),
            json!({"metric": "fit.r2", "equals": 1, "where": {"nodes": 8}}),
        ]
        .into_iter()
        .map(|claim| outcome("expect", json!([claim])).unwrap_err())
        .collect();
        insta::assert_snapshot!(refusals.join("\n"));
    }

    #[test]
    fn what_is_summed_over_repeats_is_not_divided_by_what_is_not() {
        let claimed = |repeat: u32, metric: &str, per: &str| {
            let claim = json!([{"metric": metric, "per": per, "at_least": 0}]);
            let mut value: Value = serde_json::from_str(&scenario("expect", claim)).unwrap();
            value["repeat"] = json!(repeat);
            let plan = parse("x", &value.to_string(), &Overrides::default());
            plan.map(|_| ()).map_err(|error| (error.place, error.problem))
        };
        for (metric, per) in [("lookups.failed", "nodes"), ("messages.total", "lookups.issued")] {
            assert_eq!(claimed(1, metric, per), Ok(()));
            let (place, problem) = claimed(2, metric, per).unwrap_err();
            assert_eq!(place, "expect[0].per");
            assert!(problem.contains("` is summed over the repeats and `"), "{problem}");
        }
        assert_eq!(claimed(2, "lookups.failed", "lookups.issued"), Ok(()));
        assert_eq!(claimed(2, "messages.total", "nodes"), Ok(()));
    }

    fn published(changes: &Value) -> Result<(), String> {
        let mut entry = json!({
            "source": "a paper",
            "metric": "hops.mean",
            "against": "population.nodes",
            "where": {"overlay.chord.lookup": "iterative"},
            "values": [[4, 1.2], [8, 1.7]],
            "tolerance": {"relative": 0.05},
        });
        for (name, value) in changes.as_object().unwrap() {
            entry[name] = value.clone();
        }
        outcome("published", json!([entry]))
    }

    #[test]
    fn good_published_numbers_pass() {
        published(&json!({})).unwrap();
        published(&json!({"values": [[16, 2.0]], "tolerance": null})).unwrap();
        let point = json!({"overlay.chord.lookup": "iterative", "population.nodes": 8});
        published(&json!({"metric": "hops.pdf", "against": "hops", "where": point})).unwrap();
    }

    #[test]
    fn published_numbers_that_fit_no_point_are_refused() {
        let refusals: Vec<String> = [
            json!({"metric": "hops.meen"}),
            json!({"metric": "latency_ms.pdf"}),
            json!({"metric": "keys_per_node.pdf", "against": "keys"}),
            json!({"metric": "hops.pdf"}),
            json!({"metric": "hops.pdf", "against": "hops"}),
            json!({"against": "network.loss"}),
            json!({"against": "overlay.chord.lookup"}),
            json!({"where": {}}),
            json!({"where": {"nodes": 4}}),
            json!({"values": []}),
            json!({"values": [[16, 2.0]]}),
            json!({"divided_by": 0}),
            json!({"tolerance": {"relative": -1}}),
        ]
        .into_iter()
        .map(|changes| published(&changes).unwrap_err())
        .collect();
        insta::assert_snapshot!(refusals.join("\n"));
    }

    #[test]
    fn a_pinned_parameter_may_leave_published_numbers_without_a_point() {
        let entry = json!([{
            "source": "a paper", "metric": "hops.mean", "against": "population.nodes",
            "where": {"overlay.chord.lookup": "iterative"},
            "values": [[4, 1.2], [8, 1.7]], "tolerance": {"absolute": 1},
        }]);
        let pinned = Overrides { seed: None, set: vec![("population.nodes".to_owned(), json!(5))] };
        assert_eq!(parse("x", &scenario("published", entry), &pinned).unwrap().points.len(), 2);
    }
}
