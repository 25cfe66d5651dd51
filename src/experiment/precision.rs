//! When a point has been repeated often enough.

use crate::measure::summary::Run;
use crate::measure::{confidence_95, mean, metrics};
use crate::scenario::Plan;
use crate::scenario::format::Precision;

use super::claims::show;

/// How many repeats there are when it is looked next whether that is enough, if there are so
/// many now. Follows from the scenario alone, so that threads do not matter.
pub(super) fn next_look(plan: &Plan, repeats: u32) -> u32 {
    let Some(precision) = &plan.precision else { return plan.repeat };
    let next = if repeats == 0 { precision.at_least } else { repeats + (repeats / 4).max(1) };
    next.min(plan.repeat)
}

/// Whether the runs of a point are enough.
pub(super) fn is_enough(plan: &Plan, runs: &[Run]) -> bool {
    runs.len() >= plan.repeat as usize || plan.precision.as_ref().is_some_and(|p| is_known(p, runs))
}

/// Whether a metric is known as well as it is to be.
fn is_known(precision: &Precision, runs: &[Run]) -> bool {
    // What is not a number is not known well.
    interval(precision, runs)
        .is_some_and(|(half_width, mean)| half_width <= precision.within * mean.abs())
}

/// Half of the 95 % interval of a metric, and its mean.
fn interval(precision: &Precision, runs: &[Run]) -> Option<(f64, f64)> {
    let metric = metrics::find(&precision.metric)?;
    let values: Vec<f64> = runs.iter().map(|run| (metric.get)(&run.point)).collect();
    Some((confidence_95(&values)?, mean(&values)))
}

/// What to say of a point whose last repeat is done, and the metric is not known as well as it
/// was to be.
pub(super) fn notice(plan: &Plan, runs: &[Run]) -> Option<String> {
    let precision = plan.precision.as_ref().filter(|precision| !is_known(precision, runs))?;
    let (metric, repeats) = (&precision.metric, runs.len());
    let asked = format!("not to the {} % that were asked for", show(100.0 * precision.within));
    Some(match interval(precision, runs) {
        Some((half_width, mean)) if half_width.is_finite() && mean != 0.0 => {
            let known = show(100.0 * half_width / mean.abs());
            format!("after {repeats} repeats {metric} is known to within {known} %, {asked}")
        }
        _ => format!("after {repeats} repeats nobody can say how well {metric} is known, {asked}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::run;
    use crate::journal::Nowhere;
    use crate::scenario::{Overrides, parse};

    fn plan(repeat: &str) -> Plan {
        let scenario = format!(
            r#"{{
                "name": "x", "population": {{"nodes": 32}}, "overlay": {{"chord": {{}}}},
                "workload": {{"lookups": {{"per_node": 3}}}}, "sweep": {{"id_bits": [16, 32]}},
                "repeat": {repeat}
            }}"#
        );
        parse("x.json", &scenario, &Overrides::default()).unwrap()
    }

    #[test]
    fn a_point_is_repeated_until_the_metric_is_known() {
        let many = r#"{"metric": "hops.mean", "within": 0.02, "at_least": 3, "at_most": 200}"#;
        let plan = plan(many);
        let outcome = run(&plan, 2, &Nowhere, &|_, _| {});
        assert_eq!(outcome, run(&plan, 1, &Nowhere, &|_, _| {}));
        for point in &outcome.summary.points {
            let within =
                |hops: &crate::measure::summary::Hops| hops.ci95.unwrap() <= 0.02 * hops.mean;
            assert!(point.repeats > 3 && point.repeats < 200, "{}", point.repeats);
            assert!(within(&point.hops));
            // At the look before it was not known yet.
            let looks = std::iter::successors(Some(3), |repeats| Some(next_look(&plan, *repeats)));
            let before = looks.take_while(|repeats| *repeats < point.repeats).last().unwrap();
            let runs: Vec<Run> = outcome
                .runs
                .iter()
                .filter(|run| run.point.params == point.params && run.repeat < before)
                .cloned()
                .collect();
            assert_eq!(runs.len(), before as usize);
            assert!(!is_enough(&plan, &runs));
        }
    }

    #[test]
    fn there_are_never_more_repeats_than_are_allowed() {
        let never = r#"{"metric": "hops.mean", "within": 0.000001, "at_most": 7}"#;
        let outcome = run(&plan(never), 2, &Nowhere, &|_, _| {});
        for point in &outcome.summary.points {
            assert_eq!(point.repeats, 7);
            let [notice] = &point.notices[..] else { panic!("{:?}", point.notices) };
            assert!(
                notice.starts_with("after 7 repeats hops.mean is known to within "),
                "{notice}"
            );
            assert!(notice.ends_with(" %, not to the 0.0001 % that were asked for"), "{notice}");
        }
        let exact = r#"{"metric": "nodes", "within": 0.5, "at_most": 7}"#;
        let outcome = run(&plan(exact), 2, &Nowhere, &|_, _| {});
        let all = &outcome.summary.points;
        assert!(all.iter().all(|point| point.repeats == 5 && point.notices.is_empty()));
    }
}
