//! How far a scenario is: a bar on a terminal, a few plain lines elsewhere.

#![allow(clippy::disallowed_types, reason = "the terminal's lines may know the wall clock")]

use std::io::{IsTerminal, stderr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

use crate::experiment::estimate::run_events;
use crate::scenario::{Plan, Setup};

use super::figures;
use super::output::say;

/// A plain line is due when there was none for so long.
const BETWEEN_LINES: Duration = Duration::from_secs(10);
/// Nobody waits longer.
const LONGEST_SECONDS: f64 = 1e9;
/// What a run takes besides its events, in events.
const RUN_COST: f64 = 20_000.0;

/// What a run takes, about, in whatever unit: long runs are not done as soon as short ones.
pub(super) fn cost(setup: &Setup) -> f64 {
    run_events(setup) + RUN_COST
}

/// The same for every point of a scenario.
pub(super) fn costs(plan: &Plan) -> Vec<f64> {
    plan.points.iter().map(|point| cost(&point.setup)).collect()
}

/// Shows how many runs of a scenario are done, how fast that goes and how long it will take.
/// Runs on several threads report to it, in whatever order they end.
pub(super) struct Progress {
    name: String,
    runs: usize,
    /// What all take together.
    cost: f64,
    start: Instant,
    done: Mutex<Done>,
    show: Show,
}

/// What is done.
#[derive(Default)]
struct Done {
    runs: usize,
    /// What those took that were run, and what those would have that were there.
    cost: f64,
    saved_cost: f64,
    events: u64,
    last_line: Duration,
}

enum Show {
    Bar(ProgressBar),
    Lines,
    Nothing,
}

impl Progress {
    /// Begins a scenario whose points cost that much a run.
    pub(super) fn of_plan(plan: &Plan, costs: &[f64], quiet: bool) -> Progress {
        let cost = costs.iter().sum::<f64>() * f64::from(plan.repeat);
        Progress::new(&plan.name, plan.runs(), cost, quiet)
    }

    /// Begins runs of this name and number, which take that much all together.
    pub(super) fn new(name: &str, runs: usize, cost: f64, quiet: bool) -> Progress {
        let show = if quiet {
            Show::Nothing
        } else if stderr().is_terminal() {
            let bar = ProgressBar::new(cost as u64).with_prefix(name.to_owned());
            bar.set_style(style("{prefix} {wide_bar} {msg}"));
            bar.set_message(format!("0/{runs} runs"));
            Show::Bar(bar)
        } else {
            say(&format!("{name}: {}", figures::of(runs, "run")));
            Show::Lines
        };
        let (start, done) = (Instant::now(), Mutex::default());
        Progress { name: name.to_owned(), runs, cost, start, done, show }
    }

    /// Another run has ended, which is that much of the whole. One without events was there.
    pub(super) fn run_done(&self, cost: f64, events: u64) {
        let mut done = self.done();
        done.runs += 1;
        if events == 0 {
            done.saved_cost += cost;
        } else {
            done.cost += cost;
        }
        done.events += events;
        let elapsed = self.start.elapsed();
        match &self.show {
            Show::Bar(bar) => {
                bar.set_message(self.text(&done, elapsed));
                bar.set_position((done.cost + done.saved_cost) as u64);
            }
            Show::Lines if elapsed >= done.last_line + BETWEEN_LINES => {
                done.last_line = elapsed;
                say(&format!("{}: {}", self.name, self.text(&done, elapsed)));
            }
            Show::Lines | Show::Nothing => {}
        }
    }

    fn done(&self) -> MutexGuard<'_, Done> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn text(&self, done: &Done, elapsed: Duration) -> String {
        let (seconds, events) = (elapsed.as_secs_f64(), done.events as f64);
        let runs = format!("{}/{} runs", done.runs, self.runs);
        if done.cost == 0.0 || seconds == 0.0 {
            return runs;
        }
        let left = (self.cost - done.saved_cost - done.cost).max(0.0) / done.cost * seconds;
        let left = HumanDuration(Duration::from_secs_f64(left.min(LONGEST_SECONDS)));
        let (rate, events) = (figures::count(events / seconds), figures::count(events));
        format!("{runs}, {events} events, {rate} events/s, about {left} left")
    }

    /// How many events the runs that are done have processed.
    pub(super) fn events(&self) -> u64 {
        self.done().events
    }

    /// All runs have ended.
    pub(super) fn finish(&self) {
        if let Show::Bar(bar) = &self.show {
            bar.finish_and_clear();
        }
    }
}

/// Shows how many plots of a scenario are drawn.
pub(super) struct Drawing(Option<ProgressBar>);

impl Drawing {
    /// Begins with this many plots of the scenario of this name.
    pub(super) fn new(name: &str, plots: usize, quiet: bool) -> Drawing {
        if quiet || plots == 0 {
            return Drawing(None);
        }
        if !stderr().is_terminal() {
            say(&format!("{name}: drawing {}", figures::of(plots, "plot")));
            return Drawing(None);
        }
        let bar = ProgressBar::new(plots as u64).with_prefix(name.to_owned());
        bar.set_style(style("{prefix} {wide_bar} {pos}/{len} plots"));
        bar.tick();
        Drawing(Some(bar))
    }

    /// Another plot is drawn.
    pub(super) fn plot_drawn(&self) {
        if let Some(bar) = &self.0 {
            bar.inc(1);
        }
    }

    /// All are drawn, or one could not be.
    pub(super) fn finish(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// The templates are constants; a plain bar is better than no simulation.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
