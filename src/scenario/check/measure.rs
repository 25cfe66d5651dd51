//! What is measured: the warm-up, the samples, and how well a metric is to be known.

use super::super::error::Fault;
use super::super::format::{Measure, Precision, Repeat};
use super::{Checked, positive, refuse};
use crate::measure::metrics;
use crate::sim::Duration;

/// The most samples of a run.
const MAX_SAMPLES: u64 = 100_000;

/// The warm-up, if there is one, and the time from one sample to the next.
pub(super) fn measure(
    measure: Option<&Measure>,
    duration: Option<Duration>,
) -> Checked<(Option<Duration>, Option<Duration>)> {
    let Some(measure) = measure else { return Ok((None, None)) };
    // A sweep may begin with none at all.
    let warm_up = measure.warm_up.map(|span| span.0).filter(|span| *span > Duration::ZERO);
    if let Some(warm_up) = warm_up {
        self::warm_up(warm_up, duration)?;
    }
    if let Some(every) = measure.every {
        positive("measure.every", every)?;
        samples(every.0, duration)?;
    } else if measure.warm_up.is_none() {
        let mend = "give `every`, such as \"10s\", or `warm_up`, or leave it out";
        return refuse("measure", "measures nothing", mend);
    }
    Ok((warm_up, measure.every.map(|every| every.0)))
}

fn warm_up(warm_up: Duration, duration: Option<Duration>) -> Checked {
    let Some(end) = duration else {
        let problem = "is missing: a warm-up is cut off a run of known length";
        return refuse("duration", problem, "say how long to simulate, such as \"10min\"");
    };
    if warm_up >= end {
        let problem = format!("{warm_up} of {end} leave nothing to count");
        let mend = "give a shorter warm-up or a longer `duration`";
        return refuse("measure.warm_up", problem, mend);
    }
    Ok(())
}

fn samples(every: Duration, duration: Option<Duration>) -> Checked {
    let Some(end) = duration else {
        let problem = "is missing: samples are taken from the start to a known end";
        return refuse("duration", problem, "say how long to simulate, such as \"10min\"");
    };
    let samples = end.as_nanos() / every.as_nanos();
    if samples > MAX_SAMPLES {
        let problem = format!("every {every} for {end} are {samples} samples");
        return refuse("measure.every", problem, format!("take at most {MAX_SAMPLES}"));
    }
    Ok(())
}

/// When there are repeats enough, if the number alone does not say that.
pub(in crate::scenario) fn precision(repeat: &Repeat) -> Checked<Option<Precision>> {
    let Repeat::Until(precision) = repeat else { return Ok(None) };
    let Precision { metric, within, at_least, at_most } = precision;
    let refuse = |field: &str, problem: String, mend: &str| {
        Err(Fault::new(format!("repeat.{field}"), problem, mend))
    };
    match metrics::find(metric) {
        None => {
            let problem = format!("there is no metric `{metric}`");
            return refuse("metric", problem, "choose one of `dhtsim list metrics`");
        }
        Some(found) if found.is_sum => {
            let problem = format!("`{metric}` is a sum over repeats");
            return refuse("metric", problem, "choose a mean, such as hops.mean");
        }
        Some(_) => {}
    }
    if !(*within > 0.0 && *within < 1.0) {
        let problem = format!("{within} is no share of the mean");
        return refuse("within", problem, "give a number between 0 and 1: 0.01 is 1 %");
    }
    if *at_least < 2 {
        let problem = format!("{at_least} repeats have no interval");
        return refuse("at_least", problem, "give at least 2");
    }
    if at_most < at_least {
        let problem = format!("{at_most} is less than the {at_least} of `at_least`");
        return refuse("at_most", problem, "give a larger number, or a smaller `at_least`");
    }
    Ok(Some(precision.clone()))
}
