//! One simulation from its start to its end: the nodes, the network, the workload
//! and the recorder put together, and driven through time.

use std::rc::Rc;

use crate::measure::summary::{MessageCount, RingHealth};
use crate::measure::{Recorder, Tally, Trace};
use crate::network::Network;
use crate::oracle::{Ring, Truth};
use crate::overlay::Overlay;
use crate::population::Population;
use crate::scenario::Setup;
use crate::sim::{Address, Operation, Purpose, Simulation, Start, Status, Stream, Time};
use crate::workload::{Joins, Keys, Lookups};

use super::build;

/// A simulation under way.
pub(super) struct Drive<'s, P: Overlay> {
    setup: &'s Setup,
    repeat: u32,
    population: &'s Population,
    simulation: Simulation<'s, P, Network, Recorder<'s>>,
    joins: Joins,
    lookups: Option<Lookups>,
    /// The nodes that are up, in the order in which they came up.
    up: Vec<Address>,
    /// Whether a node has joined or left since the ring was last checked.
    has_changed: bool,
    /// How often the ring was not right after that, though the overlay promises it.
    wrong_joins: u64,
}

impl<'s, P: Overlay> Drive<'s, P> {
    /// The simulation of a scenario's point, at its start. The initial nodes stand on a
    /// converged ring; with `all_converged` all nodes do, and none joins.
    pub(super) fn new(
        setup: &'s Setup,
        repeat: u32,
        population: &'s Population,
        protocol: P,
        all_converged: bool,
    ) -> Self {
        let stream = |purpose| Stream::new(setup.seed, repeat, purpose);
        let joins = setup.joins.as_ref().filter(|_| !all_converged);
        let initial = joins.map_or(population.servers(), |joins| joins.initial as usize);
        let times = joins.map_or_else(Vec::new, |joins| joins.times.clone());
        let up: Vec<Address> = (0..initial).flat_map(|s| population.nodes_of(s)).collect();
        let ids = &population.ids;
        let ring = Rc::new(Ring::of(ids, up.iter().copied()));
        let up: Vec<Address> = up.into_iter().filter(|at| protocol.host(*at) == *at).collect();

        let timeout = setup.lookups.as_ref().and_then(|lookups| lookups.timeout);
        let recorder = Recorder::new(ids, Rc::clone(&ring), timeout.map(|span| span.0));
        let network = build::network(setup, repeat, population.nodes());
        let parameters = protocol.clone();
        let mut simulation = Simulation::new(protocol, network, recorder, ids, stream("protocol"));
        let truth = Truth { ring: &ring, ids, space: setup.id_space };
        let mut converged = parameters.converged(truth);
        // In ring order: neighbours have nearly the same fingers, which then are in the cache.
        for node in ring.iter().filter(|token| parameters.host(*token) == *token) {
            simulation.start_with(node, converged(node), Start::Resume);
        }
        let lookups = build::lookup_plan(setup).map(|plan| {
            Lookups::new(plan, setup.id_space, population.nodes(), up.len(), stream("lookups"))
        });
        let joins = Joins::new(initial, times, stream("joins"));
        let (has_changed, wrong_joins) = (false, 0);
        Drive {
            setup,
            repeat,
            population,
            simulation,
            joins,
            lookups,
            up,
            has_changed,
            wrong_joins,
        }
    }

    /// Runs to the end and gives what came of it.
    pub(super) fn finish(mut self) -> Tally {
        let end = self.setup.duration.map_or(Time::MAX, |duration| Time::ZERO + duration);
        self.run_before(end);
        self.check_last_change();
        let (keys, handled) = (self.keys_per_server(), self.handled_per_server());
        let (messages, ring) = (self.messages(), self.ring_health());
        let simulation = self.simulation;
        Tally {
            system: simulation.protocol().system().to_owned(),
            keys,
            handled,
            messages,
            ring,
            wrong_joins: self.wrong_joins,
            collisions: self.population.collisions,
            nodes: self.population.nodes() as u64,
            events: simulation.events(),
            digest: simulation.digest(),
            end: simulation.now(),
            ..simulation.into_observer().finish(end)
        }
    }

    /// Runs up to a moment. What comes from outside at a moment comes before what nodes
    /// do at that moment, and joins come before lookups.
    pub(super) fn run_before(&mut self, end: Time) {
        loop {
            let join = self.joins.next_time().filter(|at| *at < end);
            let lookup = self.lookups.as_ref().and_then(Lookups::next_time).filter(|at| *at < end);
            match (join, lookup) {
                (Some(join), lookup) if lookup.is_none_or(|lookup| join <= lookup) => {
                    self.simulation.run_before(join);
                    self.join();
                }
                (_, Some(lookup)) => {
                    self.simulation.run_before(lookup);
                    self.ask();
                }
                _ => return self.simulation.run_before(end),
            }
        }
    }

    /// Before a node joins or leaves, and at the end: whether the join or leave before made
    /// every pointer right, if the overlay promises it.
    fn check_last_change(&mut self) {
        if self.has_changed && self.protocol().is_right_after_joins() {
            self.wrong_joins += u64::from(!self.ring_health().is_right());
        }
        self.has_changed = false;
    }

    fn join(&mut self) {
        self.check_last_change();
        self.has_changed = true;
        let join = self.joins.next(&self.up);
        for node in self.population.nodes_of(join.server) {
            self.simulation.observer.node_joined(node);
            self.up.push(node);
            self.simulation.start(node, Start::Join { contact: join.contact });
        }
        if let Some(lookups) = &mut self.lookups {
            lookups.population_changed(self.simulation.now(), self.up.len());
        }
    }

    fn ask(&mut self) {
        let Some(lookups) = &mut self.lookups else { return };
        let simulation = &mut self.simulation;
        let is_up = |node| simulation.status(node) == Status::Up;
        if let Some((node, key)) = lookups.next(&self.up, is_up) {
            let lookup = simulation.observer.issue(simulation.now(), node, key);
            simulation.operate(node, Operation::Lookup { lookup, key });
        }
    }

    /// Follows one more lookup to its end, while nothing else happens from outside.
    pub(super) fn trace(&mut self, from: Address, key: crate::id::Id) -> Trace {
        let simulation = &mut self.simulation;
        let lookup = simulation.observer.issue(simulation.now(), from, key);
        simulation.observer.trace(lookup);
        simulation.operate(from, Operation::Lookup { lookup, key });
        let ended = |simulation: &Simulation<'_, P, Network, Recorder<'_>>| {
            simulation.observer.traced().is_none_or(|trace| trace.ended)
        };
        // A second at a time: periodic maintenance would never end by itself.
        let patience = simulation.now() + crate::sim::Duration::from_secs(24 * 3600);
        while !ended(simulation) && !simulation.is_idle() && simulation.now() < patience {
            let next = simulation.now() + crate::sim::Duration::from_secs(1);
            simulation.run_before(next);
        }
        simulation.observer.traced().cloned().unwrap_or_default()
    }

    /// The truth at this moment.
    fn truth(&self) -> Truth<'_> {
        let ids = &self.population.ids;
        Truth { ring: self.ring(), ids, space: self.setup.id_space }
    }

    /// The protocol that the nodes run.
    pub(super) fn protocol(&self) -> &P {
        self.simulation.protocol()
    }

    /// The nodes that are up, by ascending identifier.
    pub(super) fn ring(&self) -> &Ring {
        self.simulation.observer.ring()
    }

    /// The state of a node.
    pub(super) fn node(&self, address: Address) -> Option<&P::Node> {
        self.simulation.node(address)
    }

    fn keys_per_server(&self) -> Vec<u64> {
        let mut keys = vec![0; self.population.servers()];
        let random = Stream::new(self.setup.seed, self.repeat, "keys");
        for key in Keys::new(self.setup.id_space, self.setup.keys, random) {
            let owner = self.ring().owner(&self.population.ids, key);
            keys[self.population.server_of(owner)] += 1;
        }
        keys
    }

    fn handled_per_server(&self) -> Vec<u64> {
        let of_server = |server| {
            let nodes = self.population.nodes_of(server);
            nodes.map(|node| self.simulation.handled(node)).sum()
        };
        (0..self.population.servers()).map(of_server).collect()
    }

    fn messages(&self) -> Vec<MessageCount> {
        let count = |kind: &str, purpose: Purpose, traffic: crate::sim::Traffic| MessageCount {
            kind: kind.to_owned(),
            purpose: purpose.name().to_owned(),
            messages: traffic.messages as f64,
            bytes: traffic.bytes as f64,
        };
        let kinds = self.simulation.kinds();
        let sent = kinds.iter().zip(self.simulation.traffic());
        let mut messages: Vec<MessageCount> =
            sent.map(|(kind, traffic)| count(kind.name, kind.purpose, *traffic)).collect();
        let acknowledgements = self.simulation.acknowledgements();
        for (purpose, traffic) in Purpose::ALL.into_iter().zip(acknowledgements) {
            if kinds.iter().any(|kind| kind.purpose == purpose) {
                let name = format!("{}_acknowledgement", purpose.name());
                messages.push(count(&name, purpose, traffic));
            }
        }
        messages
    }

    /// Compares every pointer of every node with what it should be.
    fn ring_health(&self) -> RingHealth {
        let protocol = self.simulation.protocol();
        let Some(shape) = protocol.ring() else { return RingHealth::default() };
        let (space, ids) = (self.setup.id_space, &self.population.ids);
        let truth = self.truth();
        let (mut successors, mut lists, mut predecessors) = (0, 0, 0);
        let (mut right_fingers, mut distinct) = (0, 0);
        for address in self.ring().iter() {
            let Some(node) = self.node(protocol.host(address)) else { continue };
            let right = truth.right_pointers(address, shape.successors, shape.fingers);
            let own = protocol.neighbours(node, address, ids);
            successors += usize::from(own.successors.first() == right.successors.first());
            lists += usize::from(own.successors == right.successors);
            predecessors += usize::from(own.predecessor == Some(right.predecessor));
            let mut runs = right.fingers.iter().peekable();
            let mut known = None;
            while let Some((first, (finger, _))) = runs.next() {
                let behind = runs.peek().map_or(space.bits(), |(next, _)| *next);
                for index in *first..behind {
                    let own = protocol.finger(node, index);
                    right_fingers += usize::from(own == Some(*finger));
                    distinct += usize::from(own.is_some() && own != known);
                    known = own;
                }
            }
        }
        let nodes = self.ring().len().max(1) as f64;
        let all_fingers = nodes * f64::from(space.bits());
        RingHealth {
            right_successors: successors as f64 / nodes,
            right_successor_lists: lists as f64 / nodes,
            right_predecessors: predecessors as f64 / nodes,
            right_fingers: if shape.fingers { right_fingers as f64 / all_fingers } else { 1.0 },
            distinct_fingers: distinct as f64 / nodes,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::measure::Tally;
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
            assert_eq!(one_by_one.wrong_joins, 0, "{fingers}");
            assert!(one_by_one.ring.is_right());
            // What the version must not be asked for.
            let at_once = run(&json!({"initial": 10, "interval": "0s"}), &base, &Value::Null);
            assert!(at_once.wrong_joins > 0, "{fingers}");
        }
    }

    #[test]
    fn stabilised_joins_promise_nothing() {
        let stabilized = json!({"stabilize": {"period": "10s"}});
        let tally = run(&json!({"interval": "1s"}), &stabilized, &json!("1min"));
        assert!(!tally.ring.is_right());
        assert_eq!(tally.wrong_joins, 0);
    }
}
