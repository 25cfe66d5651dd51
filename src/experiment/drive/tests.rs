//! Simulations from outside: joins, requests, warm-ups and churn.

mod churn;
mod idle;
mod lookup_keys;
mod proximity;
mod warm_up;

use serde_json::{Value, json};

use super::*;
use crate::scenario::{Overrides, parse};

fn run(joins: &Value, chord: &Value, duration: &Value) -> Tally {
    let scenario = json!({
        "name": "joins",
        "population": {"nodes": 40, "joins": joins},
        "overlay": {"chord": chord},
        "duration": duration,
    });
    let plan = parse("joins.json", &scenario.to_string(), &Overrides::default()).unwrap();
    crate::experiment::simulate(&plan.points[0].setup, 0)
}

#[test]
fn the_ring_is_checked_after_every_join_of_the_base_version() {
    for fingers in ["each", "skip_covered", "neighbour_hints"] {
        let base = json!({"join": {"base": {"fingers": fingers}}});
        let one_by_one = run(&json!({"interval": "5min"}), &base, &Value::Null);
        assert_eq!(one_by_one.joins.wrong, 0, "{fingers}");
        assert!(one_by_one.ring.is_right());
        // What the version must not be asked for.
        let at_once = run(&json!({"initial": 10, "interval": "0s"}), &base, &Value::Null);
        assert!(at_once.joins.wrong > 0, "{fingers}");
    }
}

#[test]
fn stabilised_joins_promise_nothing() {
    let stabilized = json!({"stabilize": {"period": "10s"}});
    let tally = run(&json!({"interval": "1s"}), &stabilized, &json!("1min"));
    assert!(!tally.ring.is_right());
    assert_eq!(tally.joins.wrong, 0);
}

/// Nothing else happens from outside that would give an occasion to tell it.
#[test]
fn an_oracle_tells_at_once_who_has_departed() {
    let scenario = json!({
        "name": "leaves",
        "population": {"nodes": 10, "leaves": {"count": 1, "start": "1s"}},
        "overlay": {"full_membership": {"placement": "modulo"}},
        "workload": {"storage": {"keys": 200}},
        "duration": "10s",
    });
    let plan = parse("leaves.json", &scenario.to_string(), &Overrides::default()).unwrap();
    let values = crate::experiment::simulate(&plan.points[0].setup, 0).storage.values;
    assert_eq!((values.put, values.lost, values.unavailable), (200, 0, 0));
}
