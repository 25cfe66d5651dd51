//! What a warm-up cuts off, and what is measured of a lookup.

use serde_json::{Value, json};

use crate::measure::Tally;
use crate::scenario::{Overrides, parse};

fn simulate(scenario: &Value) -> Tally {
    let plan = parse("x.json", &scenario.to_string(), &Overrides::default()).unwrap();
    crate::experiment::simulate(&plan.points[0].setup, 0)
}

/// A converged ring on which every node stabilises once a second, with values, joins,
/// leaves and a crash; every message takes 50 ms, and a millisecond to handle.
fn eventful(measure: &Value, seconds: u64) -> Value {
    json!({
        "name": "eventful",
        "population": {
            "nodes": 40,
            "joins": {"initial": 30, "start": "5s", "interval": "1s"},
            "leaves": {"count": 5, "start": "10s", "interval": "2s"},
        },
        "overlay": {"chord": {"stabilize": {"period": "1s"}, "fix_fingers": {"period": "2s"}}},
        "network": {"latency": {"constant": "50ms"}, "service_time": "1ms"},
        "workload": {
            "lookups": {"interval": "1s", "timeout": "5s"},
            "storage": {"keys": 50, "puts": {"interval": "5s"}, "gets": {"interval": "2s"}},
        },
        "faults": [{"at": "20s", "crash": {"busiest": 2}}],
        "measure": measure,
        "duration": format!("{seconds}s"),
    })
}

/// Whatever is cut off: what is left and what is cut off make the whole.
#[test]
fn a_warm_up_takes_off_what_a_shorter_run_counts() {
    let whole = simulate(&eventful(&json!({"every": "3s"}), 40));
    for warm_up in [7, 20, 33] {
        let measure = json!({"every": "3s", "warm_up": format!("{warm_up}s")});
        let cut = simulate(&eventful(&measure, 40));
        let before = {
            let scenario = eventful(&json!(null), 40).to_string();
            let plan = parse("x.json", &scenario, &Overrides::default()).unwrap();
            let mut setup = plan.points[0].setup.clone();
            setup.duration = Some(crate::sim::Duration::from_secs(warm_up));
            crate::experiment::simulate(&setup, 0)
        };
        // Nothing happens otherwise, and samples show all.
        assert_eq!((cut.digest, cut.events), (whole.digest, whole.events), "{warm_up}");
        assert_eq!(cut.timeline, whole.timeline);
        assert_eq!((&cut.ring, &cut.keys), (&whole.ring, &whole.keys));
        assert_eq!(cut.after_fault, whole.after_fault);
        assert_eq!(cut.storage.values, whole.storage.values);
        for ((cut, before), whole) in cut.messages.iter().zip(&before.messages).zip(&whole.messages)
        {
            let sum = (cut.messages + before.messages, cut.bytes + before.bytes);
            assert_eq!(sum, (whole.messages, whole.bytes), "{warm_up} {}", cut.kind);
        }
        for ((cut, before), whole) in cut.handled.iter().zip(&before.handled).zip(&whole.handled) {
            assert_eq!(cut + before, *whole, "{warm_up}");
        }
        assert_eq!(cut.issued + before.issued, whole.issued);
        let requests = |tally: &Tally| {
            [
                tally.storage.gets.issued,
                tally.storage.puts.issued,
                tally.joins.issued,
                tally.joins.leaves,
            ]
        };
        let sums =
            requests(&cut).into_iter().zip(requests(&before)).map(|(cut, before)| cut + before);
        assert_eq!(sums.collect::<Vec<_>>(), requests(&whole));
        let node_seconds = cut.node_seconds + before.node_seconds;
        assert!((node_seconds - whole.node_seconds).abs() < 1e-6, "{warm_up}");
        assert!(cut.waiting.max_ms <= whole.waiting.max_ms);
        assert_eq!(cut.end.since(cut.counted_from), crate::sim::Duration::from_secs(40 - warm_up));
    }
}

#[test]
fn without_a_warm_up_everything_counts() {
    let none = simulate(&eventful(&json!({"every": "3s"}), 30));
    assert_eq!(simulate(&eventful(&json!({"every": "3s", "warm_up": "0s"}), 30)), none);
    assert!(none.correct > 500 && none.contacted > 500);
}

/// The origin asks node after node: each hop is a round trip, and so is the direct way.
#[test]
fn with_constant_delays_a_lookup_is_stretched_by_its_hops() {
    let tally = simulate(&json!({
        "name": "stretch",
        "population": {"nodes": 64},
        "overlay": {"chord": {}},
        "network": {"latency": {"constant": "50ms"}},
        "workload": {"lookups": {"per_node": 20}},
    }));
    let hops: u64 = tally.hops.iter().zip(0..).map(|(count, hops)| count * hops).sum();
    assert_eq!((tally.contacted, tally.forwards), (hops, hops));
    assert_eq!(tally.max_contacted as usize, tally.hops.len() - 1);
    let longest = (tally.hops.len() - 1) as f64;
    assert_eq!(tally.latency.max_ms().to_bits(), (100.0 * longest).to_bits());
    // Answers that name the node itself are left out: the way to its own keys is long.
    let most = tally.stretch.max_ms();
    assert!(most <= longest && most >= longest - 1.0 && most.fract() == 0.0, "{most}");
    let mean = tally.stretch.mean_ms().unwrap() - tally.latency.mean_ms().unwrap() / 100.0;
    assert!(mean <= 0.0 && mean > -0.2, "{mean}");
}
