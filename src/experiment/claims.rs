//! Judges what a scenario claims of its results.
//!
//! A claim holds when it holds at every point that it is about, and it must be
//! about one at least: what was never checked is broken, and so is a comparison
//! with a NaN.
//!
//! Must not know: how the results came about.

use serde_json::{Map, Value};

use crate::math;
use crate::measure::metrics;
use crate::measure::summary::{Fit, Point, Summary, Verdict};
use crate::scenario::format::{Bound, Claim, LinearBound, Log2Bound};

/// What came of each claim.
pub fn judge(claims: &[Claim], summary: &Summary) -> Vec<Verdict> {
    claims.iter().map(|claim| judge_one(claim, summary)).collect()
}

fn judge_one(claim: &Claim, summary: &Summary) -> Verdict {
    let checks: Vec<Check> = if claim.metric.starts_with("fit.") {
        let places = summary.fits.iter().map(Place::Fit);
        places.filter(|place| applies(claim, place)).map(|p| check(claim, &p)).collect()
    } else {
        let places = summary.points.iter().map(Place::Point);
        places.filter(|place| applies(claim, place)).map(|p| check(claim, &p)).collect()
    };
    let text = if claim.claim.is_empty() { sentence(claim) } else { claim.claim.clone() };
    verdict(text, checks)
}

/// One comparison of a claim at one place.
pub(super) struct Check {
    /// How far it is from breaking; below zero it is broken, and a NaN is broken
    /// most of all.
    pub(super) margin: f64,
    /// The comparison with its figures and its place.
    pub(super) figure: String,
}

impl Check {
    fn holds(&self) -> bool {
        self.margin >= 0.0
    }
}

/// All checks of a claim together, with the figure that is nearest to breaking it.
pub(super) fn verdict(claim: String, checks: Vec<Check>) -> Verdict {
    let checked = checks.len();
    let broken = checks.iter().filter(|check| !check.holds()).count();
    let rank = |check: &Check| if check.margin.is_nan() { f64::NEG_INFINITY } else { check.margin };
    let nearest = checks.into_iter().min_by(|a, b| rank(a).total_cmp(&rank(b)));
    let figure = nearest.map_or_else(|| "checked at no point".to_owned(), |check| check.figure);
    Verdict { claim, held: checked > 0 && broken == 0, figure, checked, broken }
}

/// What a claim is checked at.
enum Place<'a> {
    Point(&'a Point),
    Fit(&'a Fit),
}

impl Place<'_> {
    /// NaN for a metric that is none; scenarios are checked for that.
    fn metric(&self, name: &str) -> f64 {
        let value = match self {
            Place::Point(point) => metrics::find(name).map(|metric| (metric.get)(point)),
            Place::Fit(fit) => metrics::find_fit(name).map(|metric| (metric.get)(fit)),
        };
        value.unwrap_or(f64::NAN)
    }

    fn params(&self) -> &Map<String, Value> {
        match self {
            Place::Point(point) => &point.params,
            Place::Fit(fit) => &fit.params,
        }
    }

    fn bound(&self, bound: &Bound) -> f64 {
        match bound {
            Bound::Number(number) => *number,
            Bound::Log2(Log2Bound { log2, times, plus }) => {
                times * math::log2(self.metric(log2)) + plus
            }
            Bound::Linear(LinearBound { metric, times, plus }) => {
                times * self.metric(metric) + plus
            }
        }
    }
}

/// Whether `where` lets the place pass.
fn applies(claim: &Claim, place: &Place<'_>) -> bool {
    claim.condition.iter().all(|(name, condition)| match place.params().get(name) {
        Some(value) => condition.accepts(value),
        None => condition.accepts(&place.metric(name).into()),
    })
}

fn check(claim: &Claim, place: &Place<'_>) -> Check {
    let mut value = place.metric(&claim.metric);
    if let Some(per) = &claim.per {
        value /= place.metric(per);
    }
    let bound = |bound: &Option<Bound>| bound.as_ref().map(|bound| place.bound(bound));
    let subject = format!("{} = {}", subject(claim), show(value));
    let (margin, mut figure) = match (bound(&claim.at_least), bound(&claim.at_most)) {
        (Some(least), Some(most)) => {
            // Not `min`, which would pass over a NaN.
            let (above, below) = (value - least, most - value);
            let margin = if above < below || above.is_nan() { above } else { below };
            let is = if margin >= 0.0 { "between" } else { "not between" };
            (margin, format!("{subject}, {is} {} and {}", show(least), show(most)))
        }
        (Some(least), None) => {
            let sign = if value >= least { "≥" } else { "<" };
            (value - least, format!("{subject} {sign} {}", show(least)))
        }
        (None, Some(most)) => {
            let sign = if value <= most { "≤" } else { ">" };
            (most - value, format!("{subject} {sign} {}", show(most)))
        }
        (None, None) => {
            let target = bound(&claim.equals).or(bound(&claim.of)).unwrap_or(f64::NAN);
            let distance = (value - target).abs();
            if let Some(within) = claim.within {
                let (away, from) = (show(distance), show(target));
                (
                    within - distance,
                    format!("{subject}, {away} from {from} (allowed {})", show(within)),
                )
            } else {
                let equal = distance <= 0.0;
                let figure =
                    if equal { subject } else { format!("{subject}, not {}", show(target)) };
                (-distance, figure)
            }
        }
    };
    figure.push_str(&at(place.params()));
    Check { margin, figure }
}

/// ` at population.nodes = 16384`, or nothing where nothing is swept.
pub(crate) fn at(params: &Map<String, Value>) -> String {
    let mut text = String::new();
    for (path, value) in params {
        text.push_str(if text.is_empty() { " at " } else { ", " });
        text.push_str(path);
        text.push_str(" = ");
        match value {
            Value::String(word) => text.push_str(word),
            value => text.push_str(&value.to_string()),
        }
    }
    text
}

/// A figure with five significant digits, or more where it is a whole number.
pub(crate) fn show(x: f64) -> String {
    if !x.is_finite() || x == 0.0 || (x.fract() == 0.0 && x.abs() < 1e15) {
        // `+ 0.0` makes the zero of a negative sign a plain one.
        return format!("{}", x + 0.0);
    }
    let magnitude = math::log10(x.abs()).floor();
    if !(-6.0..15.0).contains(&magnitude) {
        return format!("{x:.4e}");
    }
    let decimals = (4.0 - magnitude).max(0.0) as usize;
    let text = format!("{x:.decimals$}");
    let text = if decimals > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    text.to_owned()
}

fn subject(claim: &Claim) -> String {
    match &claim.per {
        Some(per) => format!("{} / {per}", claim.metric),
        None => claim.metric.clone(),
    }
}

/// The claim in words, for those that have none of their own.
fn sentence(claim: &Claim) -> String {
    let bound = |bound: &Option<Bound>| bound.as_ref().map(formula);
    let comparison = match (bound(&claim.at_least), bound(&claim.at_most)) {
        (Some(least), Some(most)) => format!("between {least} and {most}"),
        (Some(least), None) => format!("≥ {least}"),
        (None, Some(most)) => format!("≤ {most}"),
        (None, None) => match (claim.within, bound(&claim.of), bound(&claim.equals)) {
            (Some(within), Some(target), _) => format!("within {within} of {target}"),
            (_, _, target) => format!("= {}", target.unwrap_or_default()),
        },
    };
    let conditions: Vec<String> =
        claim.condition.iter().map(|(name, condition)| format!("{name} {condition}")).collect();
    let joint = if conditions.is_empty() { "" } else { " where " };
    format!("{} {comparison}{joint}{}", subject(claim), conditions.join(" and "))
}

/// `0.5·log2(nodes) + 1`.
fn formula(bound: &Bound) -> String {
    let (name, times, plus) = match bound {
        Bound::Number(number) => return number.to_string(),
        Bound::Log2(line) => (format!("log2({})", line.log2), line.times, line.plus),
        Bound::Linear(line) => (line.metric.clone(), line.times, line.plus),
    };
    let times = times.to_string();
    let slope = if times == "1" { name } else { format!("{times}·{name}") };
    match plus {
        plus if plus > 0.0 => format!("{slope} + {plus}"),
        plus if plus < 0.0 => format!("{slope} − {}", -plus),
        _ => slope,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;
    use crate::measure::summary::{
        Distribution, Forwards, Hops, Line, Load, Lookups, RingHealth, Timeline, Timeouts,
    };

    pub(in super::super) fn point(nodes: u64, mean: f64) -> Point {
        let params = json!({"population.nodes": nodes, "overlay.chord.lookup": "iterative"});
        Point {
            params: params.as_object().unwrap().clone(),
            repeats: 1,
            digest: String::new(),
            servers: nodes,
            nodes,
            id_collisions: 0.0,
            events: 0.0,
            simulated_seconds: 0.0,
            hops: Hops { mean, histogram: vec![1, 3, 4], ..Hops::default() },
            lookups: Lookups { issued: 10, correct: 10, ..Lookups::default() },
            latency_ms: Distribution::default(),
            timeouts: Timeouts::default(),
            forwards: Forwards::default(),
            keys_per_node: Load::default(),
            messages_per_node: Load::default(),
            messages: Vec::new(),
            ring: RingHealth::default(),
            system: String::new(),
            timeline: Timeline::default(),
        }
    }

    pub(in super::super) fn summary() -> Summary {
        let line = Line { slope: 0.5, intercept: -0.1, r2: 0.999_91 };
        Summary {
            scenario: "x".to_owned(),
            description: String::new(),
            seed: 1,
            sweep: vec!["population.nodes".to_owned(), "overlay.chord.lookup".to_owned()],
            points: vec![point(8, 1.75), point(64, 2.9), point(1024, 4.85)],
            fits: vec![Fit {
                params: Map::new(),
                log2: line,
                linear: Line { r2: f64::NAN, ..line },
                verdict: "O(log N)".to_owned(),
            }],
            expectations: Vec::new(),
            published: Vec::new(),
        }
    }

    fn judged(claim: Value) -> Verdict {
        let claim = serde_json::from_value(claim).unwrap();
        judge(&[claim], &summary()).remove(0)
    }

    #[test]
    fn verdicts_name_the_point_nearest_to_breaking() {
        let lines: Vec<String> = [
            json!({"metric": "hops.mean", "at_most": {"log2": "nodes", "times": 0.5, "plus": 1}}),
            json!({"metric": "hops.mean", "at_most": {"log2": "nodes", "times": 0.5, "plus": -0.15}}),
            json!({"metric": "hops.mean", "within": 0.2, "of": {"log2": "nodes", "times": 0.5}}),
            json!({"metric": "hops.mean", "at_least": 2, "at_most": 4}),
            json!({"metric": "hops.mean", "at_least": 2, "where": {"population.nodes": {"at_least": 64}}}),
            json!({"metric": "lookups.correct", "equals": {"metric": "lookups.issued"}}),
            json!({"metric": "nodes", "equals": {"metric": "hops.mean", "times": 2}}),
            json!({"metric": "lookups.correct", "per": "nodes", "at_least": 0.1}),
            json!({"metric": "lookups.correct", "per": "lookups.failed", "at_most": 0.1}),
            json!({"metric": "lookups.failed", "per": "lookups.failed", "equals": 0}),
            json!({"metric": "lookups.failed", "per": "lookups.failed", "at_least": 0, "at_most": 1}),
            json!({"metric": "hops.mean", "equals": 1, "where": {"nodes": 9, "overlay.chord.lookup": ["iterative"]}}),
            json!({"metric": "fit.r2", "at_least": 0.999}),
            json!({"metric": "fit.linear.r2", "at_most": 1}),
            json!({"claim": "It grows.", "metric": "fit.slope", "at_least": 0.6}),
        ]
        .into_iter()
        .map(judged)
        .map(|Verdict { claim, held, figure, checked, broken }| {
            let held = if held { "held  " } else { "broken" };
            format!("{held} {broken}/{checked}  {claim}  |  {figure}")
        })
        .collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn figures_have_five_digits() {
        let shown = [0.0, -0.0, 8.0, 16384.0, 6.842, 0.999_987_6, 123_456.7, -1.5, 1e-9, 1e300];
        assert_eq!(
            shown.map(show),
            [
                "0",
                "0",
                "8",
                "16384",
                "6.842",
                "0.99999",
                "123457",
                "-1.5",
                "1.0000e-9",
                "1.0000e300"
            ]
        );
        assert_eq!(show(f64::NAN), "NaN");
    }
}
