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
pub mod estimate;
mod faults;
mod fit;
mod inspect;
mod notices;
pub mod published;
mod requests;
mod views;

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

pub use views::{
    FingerView, RingNodeView, RingView, RouteKey, RouteView, StepView, ViewError, ring, route,
};

use crate::measure::summary::{Outcome, Point, Run, Summary};
use crate::measure::{Tally, summarize};
use crate::overlay::Overlay;
use crate::population::Population;
use crate::scenario::{Plan, PlannedPoint, Setup};
use build::Task;
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
    let done = AtomicUsize::new(0);
    let run_one = |setup: &Setup, repeat: u32| {
        let tally = simulate(setup, repeat);
        on_run_done(done.fetch_add(1, Ordering::Relaxed) + 1, tally.events);
        tally
    };
    // A point is summed up as soon as its last repeat is done: raw results are large.
    let run_point = |planned: &PlannedPoint| {
        let repeats = (0..plan.repeat).into_par_iter();
        let tallies: Vec<Tally> = repeats.map(|repeat| run_one(&planned.setup, repeat)).collect();
        let single = |tally| summarize(planned.params.clone(), std::slice::from_ref(tally));
        let runs =
            tallies.iter().zip(0..).map(|(tally, repeat)| Run { repeat, point: single(tally) });
        (runs.collect::<Vec<_>>(), summarize(planned.params.clone(), &tallies))
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs).build();
    let pool = pool.expect("the operating system gives threads");
    let (runs, points): (Vec<_>, Vec<_>) =
        pool.install(|| plan.points.par_iter().map(run_point).unzip());
    sum_up(plan, points, runs.concat())
}

/// Runs one repeat of one point.
pub fn simulate(setup: &Setup, repeat: u32) -> Tally {
    let population = build::population(setup, repeat);
    build::with_protocol(setup, &population, Simulate { setup, repeat, population: &population })
}

struct Simulate<'s> {
    setup: &'s Setup,
    repeat: u32,
    population: &'s Population,
}

impl Task for Simulate<'_> {
    type Output = Tally;

    fn run<P: Overlay>(self, protocol: P) -> Tally {
        Drive::new(self.setup, self.repeat, self.population, protocol, false).finish()
    }
}

fn sum_up(plan: &Plan, points: Vec<Point>, runs: Vec<Run>) -> Outcome {
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
