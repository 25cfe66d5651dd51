//! Experiments: from the checked values of a scenario to its results.
//!
//! The only room that matches on the kind of overlay. Everything that a run needs is
//! made from (setup, repeat), so runs share nothing, go in parallel, and come back in
//! the order of the plan whatever the threads do.
//!
//! Must not know: the terminal, files, plots.

mod build;
pub mod claims;
mod drive;
mod fit;
pub mod published;
mod views;

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

pub use views::{
    FingerView, RingNodeView, RingView, RouteKey, RouteView, StepView, ViewError, ring, route,
};

use crate::measure::summary::{Outcome, Run, Summary};
use crate::measure::{Tally, summarize};
use crate::scenario::{Plan, Setup, format};
use drive::Drive;

/// Runs everything that a scenario asks for, on `jobs` threads. The results do not
/// depend on their number.
///
/// After every run `on_run_done` is told how many are done and how many events the
/// run processed.
///
/// # Panics
/// When the operating system gives no threads.
pub fn run(plan: &Plan, jobs: usize, on_run_done: &(dyn Fn(usize, u64) + Sync)) -> Outcome {
    let repeats = plan.repeat;
    let runs: Vec<(usize, u32)> = (0..plan.points.len())
        .flat_map(|point| (0..repeats).map(move |repeat| (point, repeat)))
        .collect();
    let done = AtomicUsize::new(0);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs).build();
    let pool = pool.expect("the operating system gives threads");
    let tallies: Vec<Tally> = pool.install(|| {
        let run_one = |(point, repeat): (usize, u32)| {
            let tally = simulate(&plan.points[point].setup, repeat);
            on_run_done(done.fetch_add(1, Ordering::Relaxed) + 1, tally.events);
            tally
        };
        runs.into_par_iter().map(run_one).collect()
    });
    sum_up(plan, &tallies)
}

/// Runs one repeat of one point.
pub fn simulate(setup: &Setup, repeat: u32) -> Tally {
    let population = build::population(setup, repeat);
    match &setup.overlay {
        format::Overlay::Chord(chord) => {
            let protocol = build::chord(setup, chord);
            Drive::new(setup, repeat, &population, protocol, false).finish()
        }
    }
}

fn sum_up(plan: &Plan, tallies: &[Tally]) -> Outcome {
    let of_points = tallies.chunks(plan.repeat as usize).zip(&plan.points);
    let mut points = Vec::new();
    let mut runs = Vec::new();
    for (tallies, planned) in of_points {
        points.push(summarize(planned.params.clone(), tallies));
        runs.extend(tallies.chunks(1).zip(0..).map(|(tally, repeat)| Run {
            repeat,
            point: summarize(planned.params.clone(), tally),
        }));
    }
    let scenario = &plan.scenario;
    let mut summary = Summary {
        scenario: scenario.name.clone(),
        description: scenario.description.clone(),
        seed: plan.seed,
        sweep: scenario.sweep.keys().cloned().collect(),
        fits: fit::hops_by_nodes(&points),
        points,
        expectations: Vec::new(),
        published: Vec::new(),
    };
    summary.published = published::compare(&scenario.published, &summary);
    summary.expectations = claims::judge(&scenario.expect, &summary);
    summary.expectations.extend(published::judge(&scenario.published, &summary));
    Outcome { summary, runs }
}
