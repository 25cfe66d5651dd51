//! Whether the values of a scenario make sense, each by itself and together.
//!
//! What passes here can be simulated: the simulation checks nothing again. Every
//! refusal names the path of the field, the value and the mend.
//!
//! What concerns a part of the file is in the file of that name in this folder.
//!
//! Must not know: sweeps and files. It sees one setting of the parameters.

mod churn;
pub(super) mod fault;
mod matrix;
pub(super) mod measure;
mod network;
mod overlay;
mod population;
mod tracker;
mod workload;

use std::sync::Arc;

use crate::id::{Id, IdSpace};
use crate::network::latency::Matrix;
use crate::sim::Duration;

use super::error::Fault;
use super::files::Files;
use super::format::{Leaves, Network, Overlay, Scenario, Workload};
use super::units::Span;
use crate::workload::{ChurnPlan, JoinTimes};
use fault::PlannedFault;

/// The most nodes on a ring.
pub const MAX_NODES: u64 = 20_000_000;
/// The most virtual nodes of a server.
pub const MAX_VIRTUAL_NODES: u32 = 4096;
/// The longest successor list.
pub const MAX_SUCCESSORS: u32 = 64;
/// The most keys placed on a ring.
pub const MAX_KEYS: u64 = 100_000_000;
/// The most lookups of a run.
pub const MAX_LOOKUPS: u64 = 1_000_000_000;
/// The longest name of a scenario; it becomes the name of a folder.
const LONGEST_NAME: usize = 100;

/// One setting of the parameters, checked: what a simulation is built from.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Everything random follows from this number and the number of the repeat.
    pub seed: u64,
    /// The identifiers.
    pub id_space: IdSpace,
    /// Number of servers.
    pub servers: u32,
    /// How often each server stands on the ring.
    pub virtual_nodes: u32,
    /// The identifiers of the servers in the file's order, if it gives them.
    pub explicit_ids: Option<Vec<Id>>,
    /// Servers that join while the simulation runs.
    pub joins: Option<JoinPlan>,
    /// The system that the nodes run.
    pub overlay: Overlay,
    /// What lies between the nodes.
    pub network: Network,
    /// The delays, where they are given by a matrix: all points that name the same file share
    /// it.
    pub latency_matrix: Option<Arc<Matrix>>,
    /// The servers that leave, if any do.
    pub leaves: Option<Leaves>,
    /// Who comes and goes all the time.
    pub churn: Option<ChurnPlan>,
    /// What breaks, by ascending time.
    pub faults: Vec<PlannedFault>,
    /// What the nodes are asked to do.
    pub workload: Workload,
    /// How far copies at k, k + F … are apart.
    pub copy_step: Option<Id>,
    /// How long nothing is counted; without it everything is.
    pub warm_up: Option<Duration>,
    /// Time from one sample to the next.
    pub sample_every: Option<Duration>,
    /// When the simulation ends; without it, when nothing is left to do.
    pub duration: Option<Duration>,
}

/// Servers that join while the simulation runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JoinPlan {
    /// Number of servers that stand on a converged ring at the start.
    pub initial: u32,
    /// When each of the other servers joins.
    pub times: JoinTimes,
}

impl Setup {
    /// Number of nodes on the ring once all have joined.
    pub fn nodes(&self) -> u64 {
        u64::from(self.servers) * u64::from(self.virtual_nodes)
    }
}

type Checked<T = ()> = Result<T, Fault>;

fn refuse<T>(place: &str, problem: impl Into<String>, mend: impl Into<String>) -> Checked<T> {
    Err(Fault::new(place, problem, mend))
}

/// Checks what holds for the scenario as a whole.
pub(super) fn name(scenario: &Scenario) -> Checked {
    let name = &scenario.name;
    if !names_a_file(name) {
        return refuse(
            "name",
            format!("{name:?} cannot name a folder"),
            format!("use 1 to {LONGEST_NAME} letters, digits, `-` and `_`"),
        );
    }
    Ok(())
}

/// Whether a text can name a file or folder on every system.
pub(super) fn names_a_file(name: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !name.is_empty() && name.chars().all(good) && name.len() <= LONGEST_NAME
}

/// Checks one setting of the parameters.
pub(super) fn setup(scenario: &Scenario, files: &Files) -> Checked<Setup> {
    let Ok(id_space) = IdSpace::new(scenario.id_bits) else {
        let problem = format!("{} bits are no identifier", scenario.id_bits);
        return refuse("id_bits", problem, "give 1 to 160 bits; SHA-1 has 160");
    };
    let duration = scenario.duration.map(|span| span.0);
    if duration == Some(Duration::ZERO) {
        return refuse("duration", "0s is no time to simulate", "give more, or leave it out");
    }
    let given = &scenario.population;
    let trace = churn::trace(scenario, files)?;
    let traced = trace.as_ref().map(churn::servers);
    let (servers, explicit_ids) = population::servers(given, traced, id_space)?;
    let nodes = population::nodes(given, servers, id_space)?;
    let latency_matrix = network::network(&scenario.network, files)?;
    network::suits(scenario)?;
    match &scenario.overlay {
        Overlay::Chord(chord) => overlay::chord(chord, duration)?,
        Overlay::FullMembership(membership) => {
            overlay::full_membership(membership, duration)?;
            overlay::broadcast(membership, servers, scenario.network.loss)?;
            overlay::baseline(membership, &scenario.workload)?;
        }
        Overlay::Tracker(_) | Overlay::Own(_) => {}
    }
    let joins = match &given.joins {
        Some(joins) => Some(population::join_plan(
            joins,
            servers,
            given.virtual_nodes,
            &scenario.overlay,
            duration,
        )?),
        None => None,
    };
    let churn = churn::churn(scenario, trace, (servers, id_space), duration)?;
    let initial = joins.as_ref().map_or(servers, |joins| joins.initial);
    if let Overlay::Tracker(tracker) = &scenario.overlay {
        self::tracker::tracker(tracker, scenario, (initial, servers), duration)?;
    }
    let leaves = given.leaves.clone();
    if let Some(leaves) = &leaves {
        population::leaves(leaves, initial, duration)?;
    }
    let faults = fault::faults(&scenario.faults, servers, id_space, duration)?;
    let copy_step =
        workload::workload(&scenario.workload, &scenario.overlay, nodes, id_space, duration)?;
    patience(
        scenario,
        network::shortest_delay(&scenario.network, latency_matrix.as_deref(), nodes),
    )?;
    let (warm_up, sample_every) = measure::measure(scenario.measure.as_ref(), duration)?;
    Ok(Setup {
        seed: scenario.seed,
        id_space,
        servers,
        virtual_nodes: given.virtual_nodes,
        explicit_ids,
        joins,
        overlay: scenario.overlay.clone(),
        network: scenario.network.clone(),
        latency_matrix,
        leaves,
        churn,
        faults,
        workload: scenario.workload.clone(),
        copy_step,
        warm_up,
        sample_every,
        duration,
    })
}

/// Refuses time-outs that every answer must miss when no message takes less than `shortest`.
fn patience(scenario: &Scenario, shortest: Duration) -> Checked {
    let network = &scenario.network;
    let mut service_time = network.service_time;
    let of_overlay = match &scenario.overlay {
        Overlay::Chord(chord) => Some(("overlay.chord.request_timeout", chord.request_timeout)),
        Overlay::FullMembership(membership) => {
            Some(("overlay.full_membership.request_timeout", membership.request_timeout))
        }
        Overlay::Tracker(tracker) => {
            service_time = tracker.service_time.unwrap_or(service_time);
            Some(("overlay.tracker.request_timeout", tracker.request_timeout))
        }
        // Its own affair.
        Overlay::Own(_) => None,
    };
    // Trackers keep values by the same messages as everything else.
    let is_tracker = matches!(scenario.overlay, Overlay::Tracker(_));
    let storage = scenario.workload.storage.as_ref().filter(|_| !is_tracker);
    let of_storage = storage.map(|of| ("workload.storage.request_timeout", of.request_timeout));
    let round_trip = shortest + service_time.0 + shortest;
    for (place, timeout) in of_overlay.into_iter().chain(of_storage) {
        if round_trip > timeout.0 {
            let problem = format!(
                "{} passes before any answer comes: a message and its answer take {round_trip}",
                timeout.0
            );
            return refuse(place, problem, "give a longer time-out or a faster network");
        }
    }
    Ok(())
}

fn positive(place: &str, span: Span) -> Checked {
    if span == Span::default() {
        return refuse(place, "0s would never let time pass", "give a duration above 0s");
    }
    Ok(())
}

fn share(place: &str, share: f64, what: &str) -> Checked {
    if !(0.0..=1.0).contains(&share) {
        let problem = format!("{share} is not {what}");
        return refuse(place, problem, "give a number from 0 to 1");
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::{Value, json};

    use super::super::{read, set};
    use super::workload::{MAX_COPIES, even_step};
    use super::*;
    use crate::sim::Time;

    /// A ring that nodes join and look keys up on.
    fn ring() -> Value {
        json!({
            "name": "rich",
            "id_bits": 32,
            "population": {"nodes": 10, "joins": {"initial": 4, "start": "1s", "interval": "2s"}},
            "overlay": {"chord": {
                "successors": 3,
                "stabilize": {"period": "1s", "jitter": 0.5},
                "fix_fingers": {"period": "2s"},
                "check_predecessor": {"period": "3s"},
            }},
            "network": {"latency": {"uniform": {"from": "10ms", "to": "90ms"}}, "loss": 0.01},
            "workload": {"lookups": {"per_node": 5, "timeout": "10s"}, "keys": 100},
            "duration": "1min",
        })
    }

    /// The same with values on it, and with nodes that leave and fail.
    fn store() -> Value {
        let mut scenario = ring();
        scenario["population"]["leaves"] = json!({"count": 2, "start": "5s", "interval": "3s"});
        scenario["network"]["service_time"] = json!("1ms");
        scenario["workload"]["key_copies"] = json!(2);
        scenario["workload"]["storage"] = json!({
            "keys": 50, "copies": 3, "placement": {"spaced": {"step": "55555555"}},
            "repair": "10s", "timeout": "5s",
            "puts": {"per_node": 5}, "gets": {"interval": "2s", "arrivals": "poisson"},
        });
        scenario["faults"] = json!([
            {"at": "40s", "crash": {"busiest": 1}},
            {"at": "30s", "crash": {"nodes": [9, 0]}},
        ]);
        scenario["measure"] = json!({"every": "10s"});
        scenario
    }

    fn changed(mut value: Value, changes: &[(&str, Value)]) -> Result<Setup, String> {
        for (path, change) in changes {
            set::set(&mut value, path, change.clone()).unwrap();
        }
        checked(&value)
    }

    pub(super) fn checked(value: &Value) -> Result<Setup, String> {
        let scenario = read::scenario(value).unwrap();
        name(&scenario)
            .and_then(|()| setup(&scenario, &Files::beside("x.json")))
            .map_err(|Fault { place, problem, mend }| format!("{place}: {problem}; {mend}"))
    }

    fn with(changes: &[(&str, Value)]) -> Result<Setup, String> {
        changed(ring(), changes)
    }

    #[test]
    fn a_good_scenario_passes() {
        let setup = with(&[]).unwrap();
        assert_eq!((setup.servers, setup.nodes(), setup.workload.keys), (10, 10, 100));
        let joins = setup.joins.unwrap();
        assert_eq!(joins.initial, 4);
        let JoinTimes::At(times) = joins.times else { panic!("joins at equal distances") };
        let seconds: Vec<_> = times.iter().map(ToString::to_string).collect();
        assert_eq!(seconds, ["1s", "3s", "5s", "7s", "9s", "11s"]);
    }

    /// The same with full membership.
    fn membership(overlay: &Value) -> Vec<(&'static str, Value)> {
        let overlay = json!({"full_membership": overlay});
        vec![("overlay", overlay), ("network.loss", json!(0)), ("workload.keys", json!(0))]
    }

    #[test]
    fn full_membership_needs_no_duration_unless_it_gossips() {
        for spread in [json!("instant"), json!({"broadcast": {}})] {
            let mut changes = membership(&json!({"spread": spread}));
            changes.push(("duration", json!(null)));
            with(&changes).unwrap();
        }
        with(&membership(&json!({"spread": {"gossip": {}}}))).unwrap();
        let mut changes = membership(&json!({"placement": "modulo"}));
        changes.push(("workload.lookups", json!(null)));
        with(&changes).unwrap();
        // A loss that four attempts make up for.
        let mut changes = membership(&json!({"spread": {"broadcast": {}}}));
        changes.push(("network.loss", json!(0.1)));
        with(&changes).unwrap();
    }

    #[test]
    fn a_good_scenario_of_values_passes() {
        let setup = changed(store(), &[]).unwrap();
        let faults: Vec<_> = setup.faults.iter().map(|fault| fault.at.to_string()).collect();
        assert_eq!(faults, ["30s", "40s"]);
        assert_eq!(setup.copy_step, Some(setup.id_space.id(0x5555_5555)));
        assert_eq!(setup.sample_every, Some(Duration::from_secs(10)));
    }

    #[test]
    fn a_warm_up_and_samples_may_be_asked_for_alone_or_together() {
        let measured = |measure: Value| {
            let setup = changed(store(), &[("measure", measure)]).unwrap();
            (setup.warm_up, setup.sample_every)
        };
        let (minute, second) = (Duration::from_secs(59), Duration::from_secs(1));
        let both = json!({"warm_up": "59s", "every": "1s"});
        assert_eq!(measured(both), (Some(minute), Some(second)));
        assert_eq!(measured(json!({"warm_up": "59s"})), (Some(minute), None));
        // As the first value of a sweep.
        assert_eq!(measured(json!({"warm_up": "0s"})), (None, None));
        assert_eq!(measured(json!(null)), (None, None));
    }

    #[test]
    fn joins_may_be_counted_and_come_as_a_poisson_process() {
        let joins = |joins: Value| with(&[("population.joins", joins)]).unwrap().joins.unwrap();
        let counted = joins(json!({"count": 3, "interval": "1s"}));
        assert_eq!(counted, joins(json!({"initial": 7, "interval": "1s"})));
        let random =
            joins(json!({"count": 6, "start": "1s", "interval": "2s", "arrivals": "poisson"}));
        let start = Time::ZERO + Duration::from_secs(1);
        let times = JoinTimes::Poisson { start, interval: Duration::from_secs(2), count: 6 };
        assert_eq!(random, JoinPlan { initial: 4, times });
    }

    #[test]
    fn evenly_spaced_copies_come_back_to_the_key() {
        for bits in [8, 64, 127, 128, 160] {
            let space = IdSpace::new(bits).unwrap();
            for copies in 1..=MAX_COPIES {
                let step = even_step(space, copies);
                let key = space.id(123);
                let back = (0..copies).fold(key, |at, _| at.plus(step));
                let missing = back.distance_to(key);
                assert!(missing <= space.id(u64::from(copies)), "{bits} bits, {copies} copies");
            }
        }
        let space = IdSpace::new(8).unwrap();
        assert_eq!(
            [2, 3, 4, 5].map(|copies| even_step(space, copies)),
            [128, 85, 64, 51].map(|n| space.id(n))
        );
    }

    #[test]
    fn identifiers_are_read_in_both_ways() {
        let setup = with(&[("population", json!({"ids": [0, "1f", "2A"]})), ("id_bits", json!(6))])
            .unwrap();
        let space = setup.id_space;
        assert_eq!(setup.explicit_ids, Some(vec![space.id(0), space.id(31), space.id(42)]));
        assert_eq!(setup.servers, 3);
    }

    #[test]
    fn joins_of_the_base_version_come_to_an_end_by_themselves() {
        let setup = with(&[
            ("overlay.chord", json!({"join": {"base": {"fingers": "each"}}})),
            ("duration", json!(null)),
        ])
        .unwrap();
        assert_eq!(setup.joins.unwrap().initial, 4);
    }

    #[test]
    fn limits_themselves_are_allowed() {
        with(&[("population", json!({"nodes": 8})), ("id_bits", json!(3))]).unwrap();
        with(&[("population", json!({"nodes": 4, "virtual_nodes": 2})), ("id_bits", json!(3))])
            .unwrap();
        with(&[("population.joins.initial", json!(10))]).unwrap();
        with(&[("network.loss", json!(1)), ("overlay.chord.stabilize.jitter", json!(1))]).unwrap();
        with(&[("population", json!({"nodes": 20_000_000})), ("workload.lookups", json!(null))])
            .unwrap();
    }

    /// Refused of what Chord does beyond the printed protocol.
    fn refinements_of_chord() -> Vec<Vec<(&'static str, Value)>> {
        vec![
            vec![
                ("overlay.chord", json!({"tell_old_predecessor": true})),
                ("population.joins", json!(null)),
            ],
            vec![("overlay.chord.retries", json!({"count": 0, "after": "1s"}))],
            vec![("overlay.chord.retries", json!({"count": 101, "after": "1s"}))],
            vec![("overlay.chord.retries", json!({"after": "0s"}))],
            vec![("overlay.chord.parallel", json!(0))],
            vec![("overlay.chord.parallel", json!(9))],
            vec![
                ("overlay.chord.parallel", json!(3)),
                ("overlay.chord.lookup", json!("semi_recursive")),
            ],
            vec![
                ("overlay.chord.parallel", json!(3)),
                ("overlay.chord.proximity", json!({"next_hop": 2})),
            ],
            vec![("overlay.chord.timeout", json!({"adaptive": {"minimum": "0s"}}))],
            vec![("overlay.chord.timeout", json!({"adaptive": {"minimum": "1min"}}))],
            vec![("overlay.chord.proximity.next_hop", json!(0))],
            vec![("overlay.chord.proximity", json!({"next_hop": 17}))],
        ]
    }

    #[test]
    fn every_refusal_names_place_value_and_mend() {
        let no = || json!(null);
        let all: Vec<Vec<(&str, Value)>> = vec![
            vec![("name", json!(""))],
            vec![("name", json!("../up"))],
            vec![("id_bits", json!(0))],
            vec![("id_bits", json!(161))],
            vec![("id_bits", json!(3))],
            vec![("duration", json!("0s"))],
            vec![("duration", no())],
            vec![("duration", no()), ("population.joins", no())],
            vec![("duration", json!("5s")), ("workload", json!({}))],
            vec![("duration", json!("11s")), ("workload", json!({}))],
            vec![("population.nodes", json!(0))],
            vec![("population.nodes", no())],
            vec![("population", json!({"nodes": 20_000_001}))],
            vec![("population", json!({"nodes": 10_000_000, "virtual_nodes": 3}))],
            vec![("population", json!({"nodes": 64, "virtual_nodes": 4})), ("id_bits", json!(8))],
            vec![("population.virtual_nodes", json!(0))],
            vec![("population.virtual_nodes", json!(4097))],
            vec![("population", json!({"ids": []}))],
            vec![("population", json!({"ids": [1, 2], "nodes": 3}))],
            vec![("population", json!({"ids": [1, 2], "virtual_nodes": 2}))],
            vec![("population", json!({"ids": [1, "2", "02"]}))],
            vec![("population", json!({"ids": [1, 4_294_967_296u64]}))],
            vec![("population", json!({"ids": ["100000000"]}))],
            vec![("population", json!({"ids": ["0y1"]}))],
            vec![("population.joins.initial", json!(0))],
            vec![("population.joins.initial", json!(11))],
            vec![("population.joins", json!({"count": 10, "interval": "1s"}))],
            vec![("population.joins.count", json!(6))],
            vec![("population.joins.interval", no())],
            vec![("population.joins.times", json!(["1s"]))],
            vec![("population.joins", json!({"initial": 8, "times": ["1s"]}))],
            vec![("population.joins", json!({"initial": 8, "times": ["2s", "1s"]}))],
            vec![("population.joins", json!({"initial": 9, "start": "1s", "times": ["2s"]}))],
            vec![("population.joins.interval", json!("200000d"))],
            vec![("overlay.chord.stabilize", no())],
            vec![("overlay.chord.successors", json!(0))],
            vec![("overlay.chord.successors", json!(65))],
            vec![("overlay.chord.request_timeout", json!("0s"))],
            vec![("overlay.chord.request_timeout", json!("19ms"))],
            vec![("overlay.chord.fingers", json!("none"))],
            vec![("overlay.chord.stabilize.period", json!("0ms"))],
            vec![("overlay.chord.stabilize.jitter", json!(1.01))],
            vec![("overlay.chord.join", json!({"base": {}}))],
            vec![("overlay.chord", json!({"join": {"base": {}}, "stabilize": {"period": "1s"}}))],
            vec![
                ("overlay.chord", json!({"join": {"base": {}}})),
                ("population.virtual_nodes", json!(2)),
            ],
            vec![("network.loss", json!(1.5))],
            vec![("network.loss", json!(-0.1))],
            vec![("network.latency.uniform.to", json!("9ms"))],
            vec![("network.latency", json!({"log_normal": {"median": "1s", "sigma": -1}}))],
            vec![("network.latency", json!({"euclidean": {"side": "1s", "dimensions": 4}}))],
            vec![("workload.lookups.interval", json!("0s"))],
            vec![("workload.lookups.timeout", json!("0s"))],
            vec![("workload.lookups.start", json!("1min"))],
            vec![("workload.lookups.per_node", json!(0))],
            vec![("workload.lookups.per_node", json!(61))],
            vec![
                ("population.joins", no()),
                ("overlay.chord", json!({"fingers": "none"})),
                ("workload.lookups.keys", json!("own_fingers")),
            ],
            [membership(&json!({})), vec![("workload.lookups.keys", json!("own_fingers"))]]
                .concat(),
            vec![("workload.lookups.per_node", json!(4_000_000_000u32))],
            vec![("workload.lookups.interval", json!("200000d"))],
            vec![
                ("population.joins", no()),
                ("overlay.chord", json!({})),
                ("duration", no()),
                ("workload.lookups.per_node", no()),
            ],
            vec![("workload.keys", json!(100_000_001))],
        ];
        let also = |overlay: Value, more: &[(&'static str, Value)]| {
            membership(&overlay).into_iter().chain(more.iter().cloned()).collect::<Vec<_>>()
        };
        let gossip = |gossip: Value| json!({"spread": {"gossip": gossip}});
        let of_membership = [
            also(json!({"request_timeout": "0s"}), &[]),
            also(json!({"request_timeout": "19ms"}), &[]),
            also(gossip(json!({"period": "0s"})), &[]),
            also(gossip(json!({"anti_entropy": "0s"})), &[]),
            also(gossip(json!({"fanout": 0})), &[]),
            also(gossip(json!({"fanout": 101})), &[]),
            also(gossip(json!({})), &[("duration", no())]),
            also(json!({"spread": {"broadcast": {}}}), &[("network.loss", json!(0.3))]),
            also(json!({"placement": "modulo"}), &[]),
            also(
                json!({"placement": "modulo"}),
                &[("workload.lookups", no()), ("workload.keys", json!(1))],
            ),
        ];
        let all = all.into_iter().chain(refinements_of_chord()).chain(of_membership);
        let refusals: Vec<String> = all.map(|changes| with(&changes).unwrap_err()).collect();
        insta::assert_snapshot!(refusals.join("\n"));
    }

    #[test]
    fn every_refusal_of_values_leaves_and_faults_names_place_value_and_mend() {
        let no = || json!(null);
        let all: Vec<Vec<(&str, Value)>> = vec![
            vec![("population.joins.count", json!(3))],
            vec![("population.joins", json!({"count": 10, "interval": "1s"}))],
            vec![("population.joins", json!({"interval": "0s", "arrivals": "poisson"}))],
            vec![(
                "population.joins",
                json!({"start": "1min", "interval": "1s", "arrivals": "poisson"}),
            )],
            vec![(
                "population.joins",
                json!({"initial": 9, "times": ["2s"], "arrivals": "poisson"}),
            )],
            vec![("population.leaves.count", json!(0))],
            vec![("population.leaves.count", json!(4))],
            vec![("population.leaves", json!({"count": 3, "interval": "200000d"}))],
            vec![("population.leaves.interval", json!("55s"))],
            vec![("network.service_time", json!("1s"))],
            vec![("faults", json!([{"at": "1min", "crash": {"random": 1}}]))],
            vec![("faults", json!([{"at": "1s", "crash": {"nodes": []}}]))],
            vec![("faults", json!([{"at": "1s", "crash": {"nodes": [9, 10]}}]))],
            vec![("faults", json!([{"at": "1s", "crash": {"busiest": 0}}]))],
            vec![(
                "faults",
                json!([{"at": "1s", "crash": {"random": 1}}, {"at": "1s", "crash": {"random": 10}}]),
            )],
            vec![("measure.every", json!("0s"))],
            vec![("measure.every", json!("1us"))],
            vec![("measure", json!({}))],
            vec![("measure", json!({"warm_up": "1min"}))],
            vec![
                ("population", json!({"nodes": 10})),
                ("overlay.chord", json!({})),
                ("network.service_time", json!("0s")),
                ("workload", json!({})),
                ("faults", json!([])),
                ("measure", json!({"warm_up": "1s"})),
                ("duration", no()),
            ],
            vec![
                ("population.joins", no()),
                ("overlay.chord", json!({})),
                ("workload", json!({})),
                ("duration", no()),
            ],
            vec![("workload.key_copies", json!(0))],
            vec![("workload.key_copies", json!(17))],
            vec![("workload.downloads", json!({}))],
            vec![("workload.storage.keys", json!(0))],
            vec![("workload.storage.keys", json!(100_000_001))],
            vec![("workload.storage.copies", json!(17))],
            vec![("workload.storage", json!({"keys": 1, "copies": 5}))],
            vec![("workload.storage.request_timeout", json!("0s"))],
            vec![("workload.storage.request_timeout", json!("20ms"))],
            vec![("workload.storage.timeout", json!("0s"))],
            vec![("workload.storage.repair", json!("0s"))],
            vec![
                ("population.joins", no()),
                ("overlay.chord", json!({})),
                ("measure", no()),
                ("duration", no()),
            ],
            vec![("workload.storage.placement.spaced.step", json!("0"))],
            vec![("workload.storage.placement.spaced.step", json!("100000000"))],
            vec![("workload.storage.placement.spaced.step", json!("far"))],
            vec![("workload.storage", json!({"keys": 1, "preloaded": false}))],
            vec![("workload.storage.puts.per_node", json!(61))],
            vec![("workload.storage.gets.timeout", json!("1s"))],
            vec![("workload.storage.gets.keys", json!("uniform"))],
            vec![("workload.storage.gets.interval", json!("0s"))],
            vec![("overlay.chord", json!({"join": {"base": {}}, "successors": 2}))],
            vec![("overlay.chord", json!({"join": {"base": {}}, "stabilize": {"period": "1s"}}))],
            vec![
                ("overlay.chord", json!({"join": {"base": {}}})),
                ("population.virtual_nodes", json!(2)),
            ],
        ];
        let refusals: Vec<String> =
            all.iter().map(|changes| changed(store(), changes).unwrap_err()).collect();
        insta::assert_snapshot!(refusals.join("\n"));
    }
}
