//! How far a scenario is: a bar on a terminal, a few plain lines elsewhere.

#![allow(clippy::disallowed_types, reason = "the terminal's lines may know the wall clock")]

use std::io::{IsTerminal, stderr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::output::say;

/// A plain line is due when there was none for so long.
const BETWEEN_LINES: Duration = Duration::from_secs(10);

/// Shows how many runs of a scenario are done. Runs on several threads report to
/// it, in whatever order they end.
pub(super) struct Progress {
    name: String,
    runs: usize,
    events: AtomicU64,
    show: Show,
}

enum Show {
    Bar(ProgressBar),
    /// Since the last line.
    Lines(Mutex<Instant>),
    Nothing,
}

impl Progress {
    /// Begins a scenario of this name and number of runs.
    pub(super) fn new(name: &str, runs: usize, quiet: bool) -> Progress {
        let show = if quiet {
            Show::Nothing
        } else if stderr().is_terminal() {
            let bar = ProgressBar::new(runs as u64).with_prefix(name.to_owned());
            bar.set_style(style("{prefix} {wide_bar} {pos}/{len} runs"));
            bar.tick();
            Show::Bar(bar)
        } else {
            say(&format!("{name}: {runs} {}", if runs == 1 { "run" } else { "runs" }));
            Show::Lines(Mutex::new(Instant::now()))
        };
        Progress { name: name.to_owned(), runs, events: AtomicU64::new(0), show }
    }

    /// Another run has ended, and these many are done.
    pub(super) fn run_done(&self, done: usize, events: u64) {
        let events = self.events.fetch_add(events, Ordering::Relaxed) + events;
        let events = format!("{:.1} M", events as f64 / 1e6);
        match &self.show {
            Show::Bar(bar) => {
                if bar.position() == 0 {
                    // Until a run is done there is nothing to estimate the rest from.
                    let all = "{prefix} {wide_bar} {pos}/{len} runs, {msg} events, {eta} left";
                    bar.set_style(style(all));
                }
                bar.set_message(events);
                bar.inc(1);
            }
            Show::Lines(last) => {
                let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
                if last.elapsed() >= BETWEEN_LINES {
                    *last = Instant::now();
                    say(&format!("{}: {done}/{} runs, {events} events", self.name, self.runs));
                }
            }
            Show::Nothing => {}
        }
    }

    /// How many events the runs that are done have processed.
    pub(super) fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
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
            say(&format!("{name}: drawing {plots} {}", if plots == 1 { "plot" } else { "plots" }));
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
