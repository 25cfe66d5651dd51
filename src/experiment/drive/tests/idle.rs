//! Machinery that a scenario has but does not use changes nothing.

use serde_json::{Value, json};

use crate::measure::Tally;
use crate::scenario::{Overrides, parse};

fn simulate(changes: &[(&str, Value)]) -> Tally {
    let scenario = json!({
        "name": "idle",
        "population": {"nodes": 60, "joins": {"initial": 50, "start": "5s", "interval": "2s"}},
        "overlay": {"chord": {
            "successors": 4,
            "stabilize": {"period": "2s", "jitter": 0.5},
            "fix_fingers": {"period": "2s"},
            "check_predecessor": {"period": "2s"},
        }},
        "network": {"latency": {"exponential": {"mean": "30ms"}}},
        "workload": {
            "lookups": {"interval": "3s", "arrivals": "poisson", "timeout": "5s"},
            "storage": {"keys": 40, "copies": 2, "gets": {"interval": "5s", "arrivals": "poisson"}},
        },
        "faults": [],
        "duration": "1min",
    });
    let set = changes.iter().map(|(path, value)| ((*path).to_owned(), value.clone())).collect();
    let plan = parse("x.json", &scenario.to_string(), &Overrides { seed: None, set }).unwrap();
    let mut tally = crate::experiment::simulate(&plan.points[0].setup, 0);
    tally.happenings.clear();
    tally
}

/// Loss of nothing, a partition with all on one side, crashes and frosts that strike nobody,
/// classes of hosts like all others, choices among one: bit for bit the same results.
#[test]
fn what_is_not_used_changes_nothing() {
    let plain = simulate(&[]);
    assert!(plain.correct > 500 && plain.storage.gets.correct > 300 && plain.joins.completed == 10);
    let nobody = json!({"probability": 0});
    let network =
        [("network.jitter", json!(0)), ("network.classes", json!({"plain": {"share": 1}}))];
    let chord = [
        ("overlay.chord.parallel", json!(1)),
        ("overlay.chord.timeout", json!("fixed")),
        ("overlay.chord.proximity", json!({"fingers": 1, "next_hop": 1})),
    ];
    for changes in [&network[..], &chord] {
        assert!(simulate(changes) == plain, "{changes:?} change something");
    }
    // Faults that do nothing; requests made after them are counted apart, and that is all.
    let faults = json!([
        {"at": "10s", "until": "20s", "loss": 0},
        {"at": "31s", "until": "41s", "partition": {"groups": ["all"]}},
        {"at": "12s", "until": "22s", "freeze": nobody},
        {"at": "13s", "until": "23s", "restart": nobody},
        {"at": "14s", "crash": nobody},
    ]);
    let mut idle = simulate(&[("faults", faults)]);
    assert!(idle.after_fault.issued > 0);
    idle.before_fault = plain.before_fault.clone();
    idle.after_fault = plain.after_fault.clone();
    assert_eq!((idle.events, idle.digest), (plain.events, plain.digest));
    assert!(idle == plain, "faults that strike nobody change what is counted");
}
