//! Estimates beside processes that were measured.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::experiment::simulate;
use crate::scenario::{Overrides, load, parse};

/// The estimate for a scenario, one run at a time.
fn estimate(scenario: &Value) -> f64 {
    let plan = parse("x.json", &scenario.to_string(), &Overrides::default()).unwrap();
    process_bytes(&plan, 1) as f64
}

/// What values are there, and who gets them.
fn stored(keys: u32, copies: u32) -> Value {
    json!({"storage": {"keys": keys, "copies": copies, "gets": {"interval": "10s"}}})
}

fn chord() -> Vec<(u32, Value)> {
    let maintained = json!({"chord": {
        "successors": 1, "lookup": "semi_recursive", "stabilize": {"period": "20s"},
        "fix_fingers": {"period": "2min"}, "check_predecessor": {"period": "2min"},
    }});
    let churn = json!({
        "sessions": {"exponential": {"mean": "1h"}}, "downtimes": {"exponential": {"mean": "1h"}},
        "rejoin": "new_id",
    });
    let every_10s = json!({"lookups": {"interval": "10s"}});
    vec![
        // Chord with maintenance and lookups.
        (
            56_056,
            json!({
                "population": {"nodes": 100_000}, "overlay": maintained, "workload": every_10s,
                "network": {"latency": {"constant": "7.8ms"}}, "duration": "40s",
            }),
        ),
        // Chord without maintenance; all look something up within a second.
        (
            74_628,
            json!({
                "population": {"nodes": 100_000}, "overlay": {"chord": {}},
                "workload": {"lookups": {"per_node": 1}},
            }),
        ),
        // The same without lookups, with and without fingers.
        (
            141_872,
            json!({
                "population": {"nodes": 300_000}, "overlay": {"chord": {}}, "duration": "1s",
            }),
        ),
        (
            141_824,
            json!({
                "population": {"nodes": 300_000}, "overlay": {"chord": {"fingers": "none"}},
                "duration": "1s",
            }),
        ),
        // Values.
        (
            329_160,
            json!({
                "population": {"nodes": 50_000}, "overlay": {"chord": {"successors": 4}},
                "workload": stored(500_000, 3), "duration": "40s",
            }),
        ),
        // Churn with a new name for every session.
        (
            19_020,
            json!({
                "population": {"nodes": 20_000, "churn": churn},
                "overlay": {"chord": {
                    "successors": 8, "stabilize": {"period": "30s"}, "fix_fingers": {"period": "30s"},
                }},
                "workload": {"lookups": {"interval": "1min"}}, "duration": "30min",
            }),
        ),
    ]
}

fn full_membership() -> Vec<(u32, Value)> {
    let gossip = json!({"full_membership": {"spread": {"gossip": {}}}});
    let every_10s = json!({"lookups": {"interval": "10s"}});
    vec![
        // Full membership: gossip among few and many, joins, and an oracle.
        (
            8_048,
            json!({
                "population": {"nodes": 2000}, "overlay": gossip, "workload": every_10s,
                "duration": "1min",
            }),
        ),
        (
            15_704,
            json!({
                "population": {"nodes": 20_000}, "overlay": gossip, "workload": every_10s,
                "duration": "1min",
            }),
        ),
        (
            28_624,
            json!({
                "population": {"nodes": 2000, "joins": {"initial": 1000, "interval": "50ms"}},
                "overlay": gossip, "workload": every_10s, "duration": "2min",
            }),
        ),
        (
            35_968,
            json!({
                "population": {"nodes": 100_000}, "overlay": {"full_membership": {}},
                "workload": every_10s, "duration": "1min",
            }),
        ),
    ]
}

fn trackers() -> Vec<(u32, Value)> {
    let swarm = json!({"tracker": {"swarm": {
        "file_bytes": 33_554_432, "upload": 131_072, "download": 1_048_576,
    }}});
    vec![
        // Values on trackers, and a swarm that fills up.
        (
            92_548,
            json!({
                "population": {"nodes": 50_000}, "overlay": {"tracker": {}},
                "workload": stored(50_000, 1), "duration": "40s",
            }),
        ),
        (
            38_756,
            json!({
                "population": {"nodes": 2002, "joins": {"initial": 2, "interval": "30ms"}},
                "overlay": swarm, "workload": {"downloads": {}}, "duration": "2min",
            }),
        ),
    ]
}

/// Beside the peaks of whole processes as `/usr/bin/time` measured them (release, Linux on
/// x86-64), in kibibytes. When nodes or events become smaller, measure again.
///
/// Views of the whole membership are shared until news makes them differ, so what those take
/// cannot be told as well.
#[test]
fn estimates_are_within_a_factor_of_what_was_measured() {
    let mut wrong = Vec::new();
    for (measured, factor) in [(chord(), 2.0), (trackers(), 2.0), (full_membership(), 4.0)] {
        for (kibibytes, mut scenario) in measured {
            scenario["name"] = json!("measured");
            let ratio = estimate(&scenario) / (f64::from(kibibytes) * 1024.0);
            let said = format!("{ratio:.2} of {kibibytes} KiB for {scenario}");
            println!("{said}");
            if !(1.0 / factor..=factor).contains(&ratio) {
                wrong.push(said);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_largest_runs_are_those_at_a_time() {
    let scenario = json!({
        "name": "sweep", "population": {"nodes": 10}, "overlay": {"chord": {}}, "repeat": 2,
        "sweep": {"population.nodes": [10, 1_000_000]},
    });
    let plan = parse("x.json", &scenario.to_string(), &Overrides::default()).unwrap();
    let [none, one, two, three, all] = [0, 1, 2, 3, 100].map(|runs| process_bytes(&plan, runs));
    assert!(one > 20 * none && (two - one).abs_diff(one - none) < 10, "{none}, {one}, {two}");
    assert!(three - two < 1_000_000 && all - two < 2_000_000, "{two}, {three}, {all}");
}

/// Beside what the scenarios that `dhtsim init` writes really process.
#[test]
fn events_are_within_a_factor_of_those_processed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli/init");
    let (mut all, mut wrong) = (0, Vec::new());
    for entry in fs::read_dir(folder).unwrap() {
        let plan = load(&entry.unwrap().path(), &Overrides::default()).unwrap();
        let setup = &plan.points[0].setup;
        let processed = simulate(setup, 0).events as f64;
        let ratio = super::estimate(setup, 1).events / processed;
        println!("{ratio:.2} of {processed} events for {}", plan.name);
        if !(1.0 / MOST_EVENTS..=MOST_EVENTS).contains(&ratio) {
            wrong.push((plan.name, ratio));
        }
        all += 1;
    }
    assert!(all >= 8 && wrong.is_empty(), "{all}, {wrong:?}");
}

/// By so much estimates of events are wrong at the most.
const MOST_EVENTS: f64 = 6.0;
