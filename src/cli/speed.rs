//! How fast a scenario ran, and in how much memory.
//!
//! That differs from machine to machine and from run to run: it is said at the terminal and
//! stands in no result.

#![allow(clippy::disallowed_types, reason = "the terminal's figures may know the wall clock")]

use std::time::Instant;

use super::{figures, memory};

/// Takes the time of the runs of a scenario.
pub(super) struct Stopwatch {
    start: Instant,
}

impl Stopwatch {
    /// The runs begin now.
    pub(super) fn start() -> Stopwatch {
        Stopwatch { start: Instant::now() }
    }

    /// What to say now that the runs have ended: how many events they processed in all, on
    /// however many threads, and the most memory that the process has had at a time, if the
    /// operating system tells.
    pub(super) fn figures(&self, events: u64) -> String {
        text(events, self.start.elapsed().as_secs_f64(), memory::peak_bytes())
    }
}

fn text(events: u64, seconds: f64, peak_bytes: Option<u64>) -> String {
    let took = figures::seconds(seconds);
    // The clock need not have moved.
    let rate = events as f64 / seconds.max(1e-9);
    let (events, rate) = (figures::count(events as f64), figures::count(rate));
    let memory = peak_bytes.map(|peak| format!("; peak memory {}", figures::bytes(peak)));
    format!("{events} events in {took}, {rate} events/s{}", memory.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_said_in_one_line() {
        assert_eq!(
            text(85_943_210, 4.213, Some(312_000_000)),
            "85.9 M events in 4.21 s, 20.4 M events/s; peak memory 312 MB"
        );
        assert_eq!(text(0, 0.0, None), "0 events in 0 ms, 0 events/s");
    }
}
