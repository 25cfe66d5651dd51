//! The memory of long churn: a day and a week of 1000 nodes that come and go, as the same and
//! as new ones. Prints the highest resident memory of each run; on Linux only.
//!
//! `cargo bench --bench churn`

#![allow(clippy::unwrap_used, reason = "a bench that cannot set itself up has failed")]
#![allow(clippy::print_stdout, reason = "that is what it is for")]

use dhtsim::experiment::simulate;
use dhtsim::scenario::{Overrides, parse};
use serde_json::json;

fn main() {
    // Cargo passes `--bench`; under `cargo test` there is nothing to measure.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    for rejoin in ["same_id", "new_id"] {
        let [day, week] = ["1d", "7d"].map(|duration| run(rejoin, duration));
        let more = (week.peak_bytes as f64 - day.peak_bytes as f64) / 1e6;
        println!("{rejoin}: {more:+.1} MB from a day to a week");
        let identities = week.joins - day.joins;
        if rejoin == "new_id" {
            println!("{rejoin}: {:.0} bytes for each newcomer", more * 1e6 / identities as f64);
        }
    }
}

struct Run {
    peak_bytes: u64,
    joins: u64,
}

fn run(rejoin: &str, duration: &str) -> Run {
    let scenario = json!({
        "name": "churn",
        "population": {"nodes": 1000, "churn": {
            "sessions": {"exponential": {"mean": "1h"}},
            "downtimes": {"exponential": {"mean": "1h"}},
            "rejoin": rejoin,
        }},
        "overlay": {"chord": {
            "successors": 10,
            "stabilize": {"period": "30s"},
            "fix_fingers": {"period": "1min", "fingers": "in_turn_distant"},
            "check_predecessor": {"period": "30s"},
        }},
        "duration": duration,
    });
    let plan = parse("churn", &scenario.to_string(), &Overrides::default()).unwrap();
    // From now on the kernel counts the peak anew.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let tally = simulate(&plan.points[0].setup, 0);
    let run = Run { peak_bytes: peak_bytes(), joins: tally.joins.issued };
    println!(
        "{rejoin}, {duration}: {} joins, {} events, {:.1} MB at most",
        run.joins,
        tally.events,
        run.peak_bytes as f64 / 1e6
    );
    run
}

/// The highest resident memory of this process.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    let kilobytes = line.split_whitespace().nth(1).unwrap();
    kilobytes.parse::<u64>().unwrap() * 1024
}
