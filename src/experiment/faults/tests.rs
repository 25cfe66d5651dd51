//! Faults of every kind, through whole runs.

use proptest::prelude::*;
use proptest::test_runner::Config;
use serde_json::{Value, json};

use crate::measure::Tally;
use crate::scenario::{Overrides, parse};

fn run(scenario: &Value) -> Tally {
    let plan = parse("faults.json", &scenario.to_string(), &Overrides::default()).unwrap();
    crate::experiment::simulate(&plan.points[0].setup, 0)
}

/// A ring of 40 nodes that stabilises fast, with lookups.
fn ring(faults: &Value, duration: &str) -> Value {
    json!({
        "name": "faults",
        "population": {"nodes": 40},
        "overlay": {"chord": {
            "successors": 6,
            "stabilize": {"period": "1s"},
            "fix_fingers": {"period": "2s", "fingers": "all_distant"},
            "check_predecessor": {"period": "2s"},
        }},
        "workload": {"lookups": {"interval": "2s", "timeout": "4s", "arrivals": "poisson"}},
        "faults": faults,
        "duration": duration,
    })
}

fn happenings(tally: &Tally) -> Vec<String> {
    let of = tally.happenings.iter();
    of.map(|happening| format!("{} {}", happening.seconds, happening.what)).collect()
}

#[test]
fn what_happens_is_told_in_its_order() {
    let faults = json!([
        {"at": "20s", "until": "30s", "loss": 0.3},
        {"at": "10s", "until": "20s", "partition": {"groups": [{"fraction": 0.5}]}},
        {"at": "20s", "crash": {"nodes": [3, 3, 5]}},
        {"at": "30s", "until": "35s", "freeze": {"fraction": 0.25}},
        {"at": "40s", "until": "45s", "restart": {"random": 5}},
        {"at": "50s", "crash": {"nodes": [3]}},
    ]);
    let tally = run(&ring(&faults, "1min"));
    insta::assert_snapshot!(happenings(&tally).join("\n"), @r"
    10 partition into 20 | 20 servers
    20 partition healed
    20 loss of 0.3 begins
    20 crash of 2 servers (by number)
    30 loss of 0.3 ends
    30 freeze of 10 servers (fraction 0.25)
    35 10 servers thaw
    40 restart: 5 servers down (drawn by lot)
    45 restart: 5 servers up again
    50 crash of 0 servers (by number)
    ");
    assert_eq!(tally.joins.completed, 5);
}

#[test]
fn whom_a_fault_strikes_is_what_it_says() {
    let struck = |whom: Value| {
        let scenario = ring(&json!([{"at": "1s", "crash": whom}]), "2s");
        let words = happenings(&run(&scenario)).concat();
        words.split(' ').nth(3).unwrap().parse::<usize>().unwrap()
    };
    assert_eq!(struck(json!("all")), 40);
    assert_eq!(struck(json!({"fraction": 0.26})), 10);
    assert_eq!(struck(json!({"probability": 1})), 40);
    assert_eq!(struck(json!({"probability": 0})), 0);
    assert!((10..30).contains(&struck(json!({"probability": 0.5}))));
    assert_eq!(struck(json!({"arc": {"share": 1}})), 40);
    // Every node stands on one half of the ring or on the other.
    let half = |from: &str| struck(json!({"arc": {"from": from, "share": 0.5}}));
    let (zero, middle) = ("0".to_owned(), format!("8{}", "0".repeat(39)));
    assert_eq!(half(&zero) + half(&middle), 40);
    let with = |prefix: &str| struck(json!({"address_prefix": prefix}));
    assert_eq!(with("0.0.0.0/0"), 40);
    assert_eq!(with("0.0.0.0/1") + with("128.0.0.0/1"), 40);
    assert_eq!(with("10.0.0.0/8"), 0, "no private address is drawn");
}

#[test]
fn two_systems_see_the_same_faults() {
    let faults = json!([
        {"at": "1s", "crash": {"probability": 0.3}},
        {"at": "2s", "until": "4s", "freeze": {"arc": {"share": 0.3}}},
        {"at": "3s", "until": "5s", "restart": {"probability": 0.4}},
        {"at": "6s", "partition": {"groups": [{"probability": 0.4}]}},
    ]);
    let chord = ring(&faults, "10s");
    let mut membership = chord.clone();
    membership["overlay"] = json!({"full_membership": {"spread": {"gossip": {}}}});
    assert_eq!(happenings(&run(&chord)), happenings(&run(&membership)));
}

#[test]
fn a_ring_parted_for_long_stays_two_rings() {
    let faults = json!([
        {"at": "1min", "until": "3min", "partition": {"groups": [{"fraction": 0.5}]}}
    ]);
    let tally = run(&ring(&faults, "6min"));
    assert_eq!((tally.ring.rings, tally.ring.largest_share), (2.0, 0.5));
    assert_eq!(tally.notices, ["the ring has fallen into 2 rings at the end (20, 20 nodes)"],);
    // One that lasts shorter than it takes to forget is mended.
    let faults = json!([
        {"at": "1min", "until": "61s", "partition": {"groups": [{"fraction": 0.5}]}}
    ]);
    let tally = run(&ring(&faults, "6min"));
    assert!(tally.ring.is_right());
    assert_eq!((tally.ring.rings, tally.notices.len()), (1.0, 0));
}

#[test]
fn an_empty_network_is_told_of() {
    let tally = run(&ring(&json!([{"at": "10s", "crash": "all"}]), "20s"));
    assert_eq!(tally.notices[0], "nobody is up at the end: the last one stopped at 10 s");
    assert!(
        tally.notices[1].ends_with("requests were not made because nobody was up to make them")
    );
    // The first that comes back begins a new ring, and the others join it.
    let faults = json!([{"at": "10s", "until": "12s", "restart": "all"}]);
    let tally = run(&ring(&faults, "3min"));
    assert_eq!(tally.notices[0], "nobody was up from 10 s to 12 s");
    assert_eq!(tally.joins.completed, 39);
    assert!(tally.ring.is_right(), "{:?}", tally.ring);
}

#[test]
fn frozen_nodes_come_back_with_their_old_state() {
    let faults = json!([
        {"at": "10s", "until": "40s", "freeze": {"fraction": 0.25}},
        {"at": "20s", "until": "60s", "freeze": {"fraction": 0.25}},
        {"at": "30s", "crash": {"probability": 0.2}},
    ]);
    let tally = run(&ring(&faults, "4min"));
    assert!(tally.ring.is_right(), "{:?}", tally.ring);
    assert_eq!(tally.joins.issued, 0);
}

#[test]
fn a_node_joins_through_another_one_if_its_contact_is_gone() {
    for overlay in [
        json!({"chord": {"stabilize": {"period": "1s"}, "successors": 4}}),
        json!({"chord": {"stabilize": {"period": "1s"}, "lookup": "recursive", "successors": 4}}),
        json!({"full_membership": {"spread": {"broadcast": {}}}}),
        json!({"full_membership": {"spread": {"gossip": {}}}}),
    ] {
        // All but two crash while the others' questions are under way: most contacts are gone.
        let scenario = json!({
            "name": "contacts",
            "population": {"nodes": 30, "joins": {"initial": 20, "start": "1s", "interval": "0s"}},
            "overlay": overlay,
            "network": {"latency": {"constant": "100ms"}},
            "faults": [{"at": "1050ms", "crash": {"nodes": (2..20).collect::<Vec<u32>>()}}],
            "duration": "5min",
        });
        let tally = run(&scenario);
        assert_eq!(tally.joins.completed, 10, "{overlay}");
    }
}

#[test]
fn a_partition_of_everything_and_a_loss_of_everything_are_told_of() {
    let scenario = json!({
        "name": "apart",
        "population": {"nodes": 3},
        "overlay": {"chord": {"stabilize": {"period": "1s"}}},
        "faults": [
            {"at": "1s", "until": "2s", "partition": {"groups": [{"nodes": [0]}, {"nodes": [1]}]}},
            {"at": "3s", "until": "4s", "loss": 0.5},
            {"at": "3s", "until": "4s", "loss": 1},
        ],
        "duration": "5s",
    });
    assert_eq!(
        run(&scenario).notices[..2],
        [
            "from 1 s on a partition leaves no two servers that reach each other",
            "no message arrives from 3 s to 4 s: all are lost",
        ]
    );
}

/// A fault of any kind, in a run of a minute with twelve servers.
fn any_fault() -> impl Strategy<Value = Value> {
    let whom = prop_oneof![
        prop::collection::vec(0..12_u32, 1..4).prop_map(|nodes| json!({"nodes": nodes})),
        (1..12_u32).prop_map(|count| json!({"busiest": count})),
        (1..12_u32).prop_map(|count| json!({"random": count})),
        (0.0..=1.0).prop_map(|share| json!({"fraction": share})),
        (0.0..=1.0).prop_map(|share| json!({"probability": share})),
        (0.0..=1.0).prop_map(|share| json!({"arc": {"share": share}})),
        (0..5_u32).prop_map(|bits| json!({"address_prefix": format!("99.0.0.0/{bits}")})),
        Just(json!("all")),
    ];
    let partition = prop::collection::vec(whom.clone(), 1..4);
    let kind = prop_oneof![
        whom.clone().prop_map(|whom| ("crash", whom)),
        whom.clone().prop_map(|whom| ("restart", whom)),
        whom.prop_map(|whom| ("freeze", whom)),
        partition.prop_map(|groups| ("partition", json!({"groups": groups}))),
        (0.0..=1.0).prop_map(|loss| ("loss", json!(loss))),
    ];
    (0..500_u32, 1..90_u32, kind).prop_map(|(at, length, (kind, what))| {
        let tenths = |tenths: u32| format!("{}ms", tenths * 100);
        let mut fault = json!({"at": tenths(at), kind: what});
        if kind != "crash" {
            fault["until"] = json!(tenths(at + length));
        }
        fault
    })
}

/// The systems, with what goes on in each of them.
fn any_system() -> impl Strategy<Value = Value> {
    let chord = |lookup: &str| {
        json!({"chord": {
            "lookup": lookup,
            "successors": 3,
            "stabilize": {"period": "1s"},
            "fix_fingers": {"period": "2s"},
            "check_predecessor": {"period": "2s"},
        }})
    };
    let membership = |spread: Value| json!({"full_membership": {"spread": spread}});
    prop::sample::select(vec![
        chord("iterative"),
        chord("recursive"),
        chord("semi_recursive"),
        membership(json!("instant")),
        membership(json!({"broadcast": {}})),
        membership(json!({"gossip": {}})),
        json!({"tracker": {"trackers": 2}}),
    ])
}

proptest! {
    #![proptest_config(Config { cases: 64, ..crate::property::config() })]

    /// However faults compose, a run comes to its end, what begins is over when it says, and
    /// every request is accounted for.
    #[test]
    fn nothing_is_lost_sight_of(
        faults in prop::collection::vec(any_fault(), 1..8),
        system in any_system(),
        virtual_nodes in 1..3_u32,
    ) {
        let is_tracker = system.get("tracker").is_some();
        let requests = json!({"interval": "3s", "arrivals": "poisson"});
        let mut scenario = json!({
            "name": "any",
            "population": {"nodes": 12, "joins": {"initial": 8, "start": "1s", "interval": "9s"}},
            "overlay": system,
            "workload": {"storage": {
                "keys": 20, "copies": 2, "timeout": "5s", "puts": requests, "gets": requests,
            }},
            "faults": faults,
            "duration": "1min",
        });
        if is_tracker {
            scenario["workload"]["storage"]["copies"] = json!(1);
        } else {
            scenario["population"]["virtual_nodes"] = json!(virtual_nodes);
            scenario["workload"]["lookups"] = requests;
        }
        let tally = run(&scenario);
        let ended = faults.iter().filter(|fault| fault.get("until").is_some()).count();
        prop_assert_eq!(tally.happenings.len(), faults.len() + ended);
        let lookups = tally.correct + tally.incorrect + tally.failures.total();
        prop_assert_eq!(tally.issued, lookups);
        let (gets, puts) = (&tally.storage.gets, &tally.storage.puts);
        prop_assert_eq!(gets.issued, gets.correct + gets.old + gets.missing + gets.failures.total());
        prop_assert_eq!(puts.issued, puts.stored + puts.failures.total());
        prop_assert!(tally.node_seconds <= 12.0 * f64::from(virtual_nodes) * 60.0);
        prop_assert_eq!(run(&scenario).digest, tally.digest);
    }
}
