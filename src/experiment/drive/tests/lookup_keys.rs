//! Lookups of the nodes' own fingers.

use serde_json::{Value, json};

use crate::measure::Tally;
use crate::scenario::{Overrides, parse};

fn simulate(changes: &[(&str, Value)]) -> Tally {
    let scenario = json!({
        "name": "fingers",
        "population": {"nodes": 200},
        "overlay": {"chord": {}},
        "workload": {"lookups": {"per_node": 20, "keys": "own_fingers"}},
    });
    let set = changes.iter().map(|(path, value)| ((*path).to_owned(), value.clone())).collect();
    let plan = parse("x.json", &scenario.to_string(), &Overrides { seed: None, set }).unwrap();
    crate::experiment::simulate(&plan.points[0].setup, 0)
}

/// Most fingers of a long identifier are the successor, which a node finds without asking.
#[test]
fn keys_are_the_identifiers_of_fingers() {
    let tally = simulate(&[]);
    // Nobody is its own finger among so many.
    assert_eq!((tally.issued, tally.correct), (4000, 4000));
    let at_no_hop = tally.hops[0] as f64 / 4000.0;
    // Of 160 fingers about log2 200 = 7.6 start beyond the successor.
    assert!((0.93..0.96).contains(&at_no_hop), "{at_no_hop}");
    let uniform = simulate(&[("workload.lookups.keys", json!("uniform"))]);
    assert!(uniform.hops[0] < 1000, "{:?}", uniform.hops);
}

/// On a ring of two, the highest finger of a node can be the node itself; alone it always is.
#[test]
fn nobody_asks_for_itself() {
    let alone = simulate(&[("population.nodes", json!(1))]);
    assert_eq!(alone.issued, 0);
    let ids = json!({"ids": ["00", "10"]});
    let two = simulate(&[
        ("population", ids),
        ("id_bits", json!(8)),
        ("workload.lookups.per_node", json!(1000)),
    ]);
    // The first five of the eight fingers of 00 start at 01 to 10 and are 10, the others are 00
    // itself. All of 10's are 00.
    let expected = 1000.0 * 5.0 / 8.0 + 1000.0;
    assert!((two.issued as f64 - expected).abs() < 60.0, "{}", two.issued);
    assert_eq!(two.correct, two.issued);
}

/// A node that has joined a moment ago does not know all its fingers.
#[test]
fn fingers_that_are_not_known_are_not_asked_for() {
    let joining = [
        ("population.joins", json!({"initial": 1, "interval": "10ms", "start": "1ms"})),
        ("overlay.chord.stabilize", json!({"period": "1s"})),
        ("workload.lookups", json!({"interval": "100ms", "keys": "own_fingers"})),
        ("duration", json!("2s")),
    ];
    let tally = simulate(&joining);
    let uniform =
        simulate(&[&joining[..], &[("workload.lookups.keys", json!("uniform"))]].concat());
    assert!(0 < tally.issued && tally.issued < uniform.issued);
}
