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
pub mod film;
mod fit;
mod inspect;
mod notices;
mod precision;
pub mod published;
mod requests;
mod views;

use std::io::Write;

use rayon::prelude::*;

pub use film::{film, filmable};
pub use views::{
    FingerView, RingNodeView, RingView, RouteKey, RouteView, StepView, ViewError, ring, route,
};

use crate::journal::{Archive, RunKey};
use crate::measure::summary::{Outcome, Point, Run, Summary};
use crate::measure::{Tally, summarize};
use crate::overlay::Overlay;
use crate::population::Population;
use crate::scenario::{Plan, PlannedPoint, Setup};
use crate::sim::Message;
use crate::trace::{Filter, JsonLines, TraceError};
use build::Task;
use drive::Drive;

/// One run of a plan: the number of its point and that of its repeat.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct RunNumber {
    /// The point, counted from zero.
    pub point: usize,
    /// The repeat, counted from zero.
    pub repeat: u32,
}

/// All runs of a plan: point by point, and of each point repeat by repeat.
pub fn runs(plan: &Plan) -> impl Iterator<Item = RunNumber> + '_ {
    let points = 0..plan.points.len();
    points.flat_map(|point| (0..plan.repeat).map(move |repeat| RunNumber { point, repeat }))
}

/// The key under which an archive keeps a run.
pub fn key(plan: &Plan, run: RunNumber) -> RunKey {
    RunKey::new(plan.points[run.point].digest, run.repeat)
}

/// Runs everything that a scenario asks for, on `jobs` threads. The results do not
/// depend on their number, nor on what is in the archive: what is there is not run again, and
/// what is run is kept there.
///
/// After every run `on_run_done` is told which it was and how many events the
/// run processed: none if it was there.
///
/// # Panics
/// When the operating system gives no threads, or the overlay is [`run_own`]'s.
pub fn run(
    plan: &Plan,
    jobs: usize,
    archive: &dyn Archive,
    on_run_done: &(dyn Fn(RunNumber, u64) + Sync),
) -> Outcome {
    run_all(plan, jobs, &|run| {
        let (tally, events) = run_or_find(plan, run, archive);
        on_run_done(run, events);
        tally
    })
}

/// Runs everything that a scenario asks for, on `jobs` threads, with an overlay of one's own in
/// the place of the one that it names, usually [`own`](crate::scenario::format::Overlay::Own):
/// `overlay` makes it of a point's parameters, its servers, and
/// the number of the repeat: [streams](crate::sim::Stream) of random numbers belong to it. Results and judgement are those of
/// every scenario; nothing is kept of single runs, for who could tell whether the overlay has
/// changed?
///
/// # Panics
/// When the operating system gives no threads.
pub fn run_own<P: Overlay>(
    plan: &Plan,
    jobs: usize,
    overlay: impl Fn(&Setup, &Population, u32) -> P + Sync,
) -> Outcome {
    run_all(plan, jobs, &|RunNumber { point, repeat }| {
        let setup = &plan.points[point].setup;
        let population = build::population(setup, repeat);
        let protocol = overlay(setup, &population, repeat);
        Simulate { setup, repeat, population: &population }.run(protocol)
    })
}

fn run_all(plan: &Plan, jobs: usize, run_one: &(dyn Fn(RunNumber) -> Tally + Sync)) -> Outcome {
    // A point is summed up as soon as its last repeat is done: raw results are large.
    let run_point = |(number, planned): (usize, &PlannedPoint)| {
        let single = |tally: &Tally| summarize(planned.params.clone(), std::slice::from_ref(tally));
        let (mut tallies, mut runs): (Vec<Tally>, Vec<Run>) = (Vec::new(), Vec::new());
        while !precision::is_enough(plan, &runs) {
            let done = tallies.len() as u32;
            let repeats = (done..precision::next_look(plan, done)).into_par_iter();
            let run = |repeat| run_one(RunNumber { point: number, repeat });
            tallies.par_extend(repeats.map(run));
            let new = (done..).zip(&tallies[done as usize..]);
            runs.extend(new.map(|(repeat, tally)| Run { repeat, point: single(tally) }));
        }
        let mut point = summarize(planned.params.clone(), &tallies);
        point.notices.extend(precision::notice(plan, &runs));
        (runs, point)
    };
    let (runs, points): (Vec<_>, Vec<_>) =
        on_threads(jobs, || plan.points.par_iter().enumerate().map(run_point).unzip());
    sum_up(plan, points, runs.concat())
}

/// Does some of the runs of a plan, those that the archive does not have, and keeps them there.
/// `on_run_done` as for [`run`].
///
/// # Panics
/// When the operating system gives no threads.
pub fn run_some(
    plan: &Plan,
    wanted: &[RunNumber],
    jobs: usize,
    archive: &dyn Archive,
    on_run_done: &(dyn Fn(RunNumber, u64) + Sync),
) {
    let run_one = |run: &RunNumber| {
        let (_, events) = run_or_find(plan, *run, archive);
        on_run_done(*run, events);
    };
    on_threads(jobs, || wanted.par_iter().for_each(run_one));
}

fn on_threads<T: Send>(jobs: usize, work: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs).build();
    pool.expect("the operating system gives threads").install(work)
}

/// What a run gave or gives, and how many events it processed just now.
fn run_or_find(plan: &Plan, run: RunNumber, archive: &dyn Archive) -> (Tally, u64) {
    let key = key(plan, run);
    if let Some(tally) = archive.find(key) {
        return (tally, 0);
    }
    let tally = simulate(&plan.points[run.point].setup, run.repeat);
    archive.keep(key, &tally);
    let events = tally.events;
    (tally, events)
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

/// The same, while the events that a filter chooses are written to `out` as they happen. What
/// comes of the run is the same; the number is that of the lines.
///
/// # Errors
/// When the filter names a node or a kind of event that there is not, and the run was not begun;
/// or when it was done, but not all could be written.
pub fn simulate_traced(
    setup: &Setup,
    repeat: u32,
    filter: &Filter,
    out: &mut dyn Write,
) -> Result<(Tally, u64), TraceError> {
    let population = build::population(setup, repeat);
    let task = SimulateTraced { setup, repeat, population: &population, filter, out };
    build::with_protocol(setup, &population, task)
}

struct SimulateTraced<'s> {
    setup: &'s Setup,
    repeat: u32,
    population: &'s Population,
    filter: &'s Filter,
    out: &'s mut dyn Write,
}

impl Task for SimulateTraced<'_> {
    type Output = Result<(Tally, u64), TraceError>;

    fn run<P: Overlay>(self, protocol: P) -> Self::Output {
        let SimulateTraced { setup, repeat, population, filter, out } = self;
        let (space, kinds) = (setup.id_space, P::Message::kinds());
        let mut lines = JsonLines::new(filter, population, space, &kinds, out)?;
        let mut drive = Drive::new(setup, repeat, population, protocol, false);
        drive.simulation.trace(&mut lines);
        let tally = drive.finish();
        Ok((tally, lines.finish()?))
    }
}

fn sum_up(plan: &Plan, points: Vec<Point>, runs: Vec<Run>) -> Outcome {
    let scenario = &plan.scenario;
    let mut summary = Summary {
        scenario: scenario.name.clone(),
        description: scenario.description.clone(),
        seed: plan.seed,
        sweep: plan.sweep.clone(),
        fits: fit::hops_by_nodes(&points),
        points,
        expectations: Vec::new(),
        published: Vec::new(),
    };
    summary.published = published::compare(&scenario.published, &summary);
    summary.expectations = claims::judge(&scenario.expect, &summary);
    summary.expectations.extend(published::judge(&scenario.published, &summary));
    Outcome { scenario: plan.source.clone(), summary, runs }
}
