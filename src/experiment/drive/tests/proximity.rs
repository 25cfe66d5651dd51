//! Rings whose nodes choose by the distance in the network.

use serde_json::{Value, json};

use crate::measure::Tally;
use crate::scenario::{Overrides, parse};

fn simulate(proximity: &Value, joins: &Value) -> Tally {
    let scenario = json!({
        "name": "proximity",
        "population": {"nodes": 200, "joins": joins},
        "overlay": {"chord": {
            "successors": 8,
            "lookup": "recursive",
            "proximity": proximity,
            "stabilize": {"period": "10s"},
            "fix_fingers": {"period": "10s", "fingers": "all_distant"},
            "check_predecessor": {"period": "10s"},
        }},
        "network": {"latency": {"euclidean": {"dimensions": 3, "side": "100ms"}}},
        "workload": {"lookups": {"interval": "5s"}},
        "measure": {"warm_up": "6min"},
        "duration": "10min",
    });
    let plan = parse("x.json", &scenario.to_string(), &Overrides::default()).unwrap();
    crate::experiment::simulate(&plan.points[0].setup, 0)
}

/// The nodes of a grown ring come to the same fingers as those of a converged one, by
/// measuring round trips, and lookups take the shorter way.
#[test]
fn chosen_fingers_and_next_hops_shorten_the_way() {
    let (converged, grown) = (Value::Null, json!({"initial": 50, "interval": "1s"}));
    let latency = |tally: &Tally| tally.latency.mean_ms().unwrap();
    let printed = latency(&simulate(&json!({}), &converged));
    for proximity in [json!({"fingers": 8}), json!({"next_hop": 8})] {
        let [of_converged, of_grown] =
            [&converged, &grown].map(|joins| simulate(&proximity, joins));
        for tally in [&of_converged, &of_grown] {
            assert!(tally.ring.right_fingers > 0.999, "{proximity}: {:?}", tally.ring);
            assert_eq!(tally.correct, tally.issued - tally.failures.unanswered, "{proximity}");
        }
        let (of_converged, of_grown) = (latency(&of_converged), latency(&of_grown));
        assert!(of_converged < 0.8 * printed, "{proximity}: {of_converged} of {printed}");
        assert!((of_grown / of_converged - 1.0).abs() < 0.03, "{of_grown} and {of_converged}");
    }
}
