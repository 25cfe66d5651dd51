//! Systems whose nodes come and go.

use serde_json::{Value, json};

use super::super::*;
use crate::scenario::{Overrides, parse};

fn churning(churn: &Value, overlay: &Value, duration: &str) -> crate::scenario::Plan {
    let scenario = json!({
        "name": "churn",
        "population": {"nodes": 60, "churn": churn},
        "overlay": overlay,
        "workload": {
            "lookups": {"arrivals": "poisson", "interval": "1min", "timeout": "30s"},
            "keys": 1000,
        },
        "duration": duration,
        "measure": {"every": "1min"},
    });
    parse("churn.json", &scenario.to_string(), &Overrides::default()).unwrap()
}

fn chord() -> Value {
    json!({"chord": {
        "successors": 8,
        "stabilize": {"period": "10s"},
        "fix_fingers": {"period": "30s", "fingers": "in_turn_distant"},
        "check_predecessor": {"period": "10s"},
    }})
}

fn half_hours() -> Value {
    let half_an_hour = json!({"exponential": {"mean": "30min"}});
    json!({"sessions": half_an_hour, "downtimes": half_an_hour, "rejoin": "new_id"})
}

fn simulate(plan: &crate::scenario::Plan) -> Tally {
    crate::experiment::simulate(&plan.points[0].setup, 0)
}

/// Systems under one seed face the same nodes, who are up at the same times, and the same
/// questions.
#[test]
fn systems_face_the_same_churn() {
    let ring =
        json!({"chord": {"fingers": "none", "successors": 8, "stabilize": {"period": "10s"}}});
    let gossip = json!({"full_membership": {"spread": {"gossip": {}}}});
    let broadcast = json!({"full_membership": {"spread": {"broadcast": {}}}});
    let instant = json!({"full_membership": {}});
    let of_all = [chord(), ring, gossip, broadcast, instant].map(|overlay| {
        let tally = simulate(&churning(&half_hours(), &overlay, "3h"));
        let up: Vec<f64> = tally.timeline.iter().map(|sample| sample.values["nodes"]).collect();
        // Instant joins and answered lookups are the systems' own.
        (up, tally.joins.issued, tally.issued, tally.node_seconds.to_bits(), tally.keys)
    });
    assert!(of_all[0].1 > 100, "{} joins", of_all[0].1);
    for other in &of_all[1..] {
        assert_eq!(other, &of_all[0]);
    }
}

#[test]
fn a_ring_lives_through_churn() {
    let tally = simulate(&churning(&half_hours(), &chord(), "6h"));
    let (joins, right) = (tally.joins, tally.correct as f64 / tally.issued as f64);
    // Those that crash while they join do not complete it.
    assert!(joins.completed * 20 > joins.issued * 19, "{joins:?}");
    assert!(right > 0.95, "{right} of the lookups");
}

#[test]
fn who_leaves_in_good_order_says_so() {
    let mut churn = half_hours();
    churn["graceful"] = json!(1);
    let tally = simulate(&churning(&churn, &chord(), "6h"));
    assert!(tally.joins.leaves.abs_diff(tally.joins.issued) < 60, "{:?}", tally.joins);
    let graceful = tally.correct as f64 / tally.issued as f64;
    let tally = simulate(&churning(&half_hours(), &chord(), "6h"));
    assert_eq!(tally.joins.leaves, 0);
    let crashing = tally.correct as f64 / tally.issued as f64;
    assert!(graceful > crashing, "{graceful} against {crashing}");
}

/// Everybody goes before the first comes back.
#[test]
fn who_finds_nobody_founds_a_new_system() {
    let churn = json!({
        "sessions": {"constant": "10min"}, "downtimes": {"exponential": {"mean": "20min"}}, "initial": 60,
    });
    for overlay in [chord(), json!({"full_membership": {"spread": {"gossip": {}}}})] {
        let mut churn = churn.clone();
        churn["stop"] = json!("30min");
        let tally = simulate(&churning(&churn, &overlay, "40min"));
        let up: Vec<f64> = tally.timeline.iter().map(|sample| sample.values["nodes"]).collect();
        assert!(up[11] < 10.0, "nearly all have gone: {up:?}");
        let last = tally.timeline.last().unwrap();
        assert!(last.values["nodes"] > 5.0, "{up:?}");
        assert!(last.values["lookups.success"] > 0.99, "{:?}", last.values);
    }
}

#[test]
fn threads_do_not_matter_to_churn() {
    let mut plan = churning(&half_hours(), &chord(), "1h");
    plan.repeat = 4;
    let run = |jobs| {
        let outcome = crate::experiment::run(&plan, jobs, &crate::journal::Nowhere, &|_, _| ());
        serde_json::to_string(&outcome.summary).unwrap()
    };
    assert_eq!(run(1), run(3));
}

/// What is kept of nodes is kept for places, of which there are no more after three days
/// than after one, though three times as many nodes have been there.
#[test]
fn state_is_bounded_by_the_population() {
    let churn = json!({
        "sessions": {"exponential": {"mean": "20min"}}, "join_every": "20s", "graceful": 0.5,
    });
    let overlay = json!({"chord": {
        "fingers": "none", "successors": 8, "stabilize": {"period": "1min"},
        "check_predecessor": {"period": "1min"},
    }});
    let size = |duration: &str| {
        let mut plan = churning(&churn, &overlay, duration);
        let setup = &mut plan.points[0].setup;
        setup.workload.lookups = None;
        setup.sample_every = None;
        let population = crate::experiment::build::population(setup, 0);
        let end = Time::ZERO + setup.duration.unwrap();
        crate::experiment::build::with_protocol(
            setup,
            &population,
            Sizes { setup, population: &population, end },
        )
    };
    let (one, three) = (size("1d"), size("3d"));
    assert!(three.nodes > 2 * one.nodes && one.nodes > 3000, "{one:?} {three:?}");
    assert!(three.places < one.places + 30 && three.places < 200, "{one:?} {three:?}");
    assert!(three.lists < 200, "{three:?}");
}

#[derive(Debug)]
struct Size {
    nodes: usize,
    places: usize,
    /// Entries of the lists that the driver keeps.
    lists: usize,
}

struct Sizes<'s> {
    setup: &'s Setup,
    population: &'s Population,
    end: Time,
}

impl build::Task for Sizes<'_> {
    type Output = Size;

    fn run<P: Overlay>(self, protocol: P) -> Size {
        let mut drive = Drive::new(self.setup, 0, self.population, protocol, false);
        drive.run_before(self.end);
        Size {
            nodes: self.population.nodes(),
            places: drive.simulation.places(),
            lists: drive.up.len() + drive.leaving.len(),
        }
    }
}

/// Churn goes on while faults last: who has gone meanwhile is not brought back by their end, and
/// nobody takes a place that is taken.
#[test]
fn faults_and_churn_do_not_bring_back_each_other_s_dead() {
    for rejoin in ["same_id", "new_id"] {
        let three_minutes = json!({"exponential": {"mean": "3min"}});
        let churn = json!({
            "sessions": three_minutes, "downtimes": three_minutes, "rejoin": rejoin,
            "join_every": "1min", "graceful": 0.5,
        });
        let calm = churning(&churn, &chord(), "40min");
        let mut setup = calm.points[0].setup.clone();
        let faulty = json!({
            "name": "churn",
            "population": {"nodes": 60, "churn": churn},
            "overlay": chord(),
            "faults": [
                {"at": "5min", "until": "20min", "restart": {"fraction": 0.5}},
                {"at": "6min", "until": "15min", "freeze": {"fraction": 0.5}},
                {"at": "10min", "until": "18min", "freeze": {"fraction": 0.5}},
            ],
            "duration": "40min",
        });
        let plan = parse("churn.json", &faulty.to_string(), &Overrides::default()).unwrap();
        setup.faults.clone_from(&plan.points[0].setup.faults);
        let tally = crate::experiment::simulate(&setup, 0);
        assert_eq!(tally.correct + tally.incorrect + tally.failures.total(), tally.issued);
        let nodes = |tally: &Tally| tally.timeline.last().unwrap().values["nodes"];
        // All who were down or frozen have been replaced by churn's own since.
        let (with, without) = (nodes(&tally), nodes(&simulate(&calm)));
        assert!((with - without).abs() <= 2.0, "{rejoin}: {with} nodes, {without} without faults");
    }
}
