//! One simulation from its start to its end: the nodes, the network, the workload
//! and the recorder put together, and driven through time.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::id::Id;
use crate::measure::{BeforeFault, Recorder, Sample, Tally, Trace};
use crate::network::Network;
use crate::oracle::{Ring, Truth};
use crate::overlay::Overlay;
use crate::population::Population;
use crate::scenario::{Setup, format};
use crate::sim::{Address, Duration, Operation, Simulation, Start, Status, Stream, Time};
use crate::workload::{Change, Churn, Joins, Keys, Leaves, RequestStreams, Requests};

use super::build;
use super::inspect::Progress;

/// A simulation under way.
pub(super) struct Drive<'s, P: Overlay> {
    pub(super) setup: &'s Setup,
    pub(super) repeat: u32,
    pub(super) population: &'s Population,
    pub(super) simulation: Simulation<'s, P, Network, Recorder<'s>>,
    joins: Joins,
    leaves: Option<Leaves>,
    churn: Option<Churn>,
    /// How many of the faults have struck.
    faults: usize,
    lookups: Option<Requests>,
    puts: Option<Requests>,
    gets: Option<Requests>,
    /// The next key that has no value yet.
    next_new_key: usize,
    next_sample: Option<Time>,
    samples: Vec<Sample>,
    /// What had been counted when the last sample was taken.
    progress: Progress,
    /// The nodes that can be asked, in the order in which they came up.
    up: Vec<Address>,
    /// Those of them that have been asked to leave.
    leaving: BTreeSet<Address>,
    /// With churn the nodes that have not got in yet, and through whom they join.
    contacts: BTreeMap<Address, Address>,
    /// How many nodes are up, and since when; and their time before that.
    running: usize,
    running_since: Time,
    node_seconds: f64,
    /// Joins and leaves after which a pointer was wrong, and whether the last one is checked.
    wrong_joins: u64,
    is_checked: bool,
    /// What had been counted when the first fault struck.
    before_fault: Option<BeforeFault>,
    random: Stream,
    contacts_random: Stream,
}

/// What comes from outside. Of several at a moment the first of these comes first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Event {
    Sample,
    Fault,
    Leave,
    Churn,
    Join,
    Put,
    Get,
    Lookup,
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
        let initial = joins.map_or(setup.servers, |joins| joins.initial);
        let churn = build::churn(setup, repeat).filter(|_| !all_converged);
        let servers =
            churn.as_ref().map_or((0..initial).collect(), |churn| churn.initial().to_vec());
        let tokens: Vec<Address> =
            servers.into_iter().flat_map(|s| population.nodes_of(s as usize)).collect();
        let ids = &population.ids;
        let ring = Rc::new(Ring::of(ids, tokens.iter().copied()));
        let hosts = tokens.into_iter().filter(|at| protocol.host(*at) == *at);
        let hosts: Vec<Address> = hosts.collect();
        let up: Vec<Address> = hosts.iter().copied().filter(|at| protocol.has_users(*at)).collect();

        let timeout = setup.workload.lookups.as_ref().and_then(|lookups| lookups.timeout);
        // A server runs one node for all its addresses, or one for each.
        let tokens_per_node = (1..population.virtual_nodes)
            .take_while(|token| protocol.host(Address::new(*token)) != Address::new(*token))
            .count()
            + 1;
        let recorder = Recorder::new(ids, Rc::clone(&ring), timeout.map(|span| span.0))
            .with_tokens(tokens_per_node)
            .interrupting(protocol.is_told_by_oracle());
        let places = population.machines() * population.virtual_nodes;
        let network = build::network(setup, repeat, places);
        let parameters = protocol.clone();
        let ids_and_places = (&ids[..], population.places());
        let random = stream("protocol");
        let mut simulation =
            Simulation::with_places(protocol, network, recorder, ids_and_places, random);
        let truth = Truth { ring: &ring, ids, space: setup.id_space };
        let mut converged = parameters.converged(truth);
        // In ring order: neighbours have nearly the same fingers, which then are in the cache.
        for node in ring.iter().filter(|token| parameters.host(*token) == *token) {
            simulation.start_with(node, converged(node), Start::Resume);
        }
        if let Some(storage) = &setup.workload.storage {
            let keys = Keys::new(setup.id_space, u64::from(storage.keys), stream("stored keys"));
            let keys = keys.map(|key| (key, storage.value_bytes));
            let timeout = storage.timeout.map(|span| span.0);
            simulation.observer.ledger_mut().set_up(keys, storage.preloaded, timeout);
            let values: Vec<_> = simulation.observer.ledger().values().collect();
            let (protocol, mut nodes) = simulation.set_up();
            protocol.preload(values.into_iter(), truth, &mut nodes);
        }
        let requests = |plan: Option<&format::Requests>, purpose| {
            plan.map(|plan| {
                let plan = build::request_plan(plan);
                let nodes = setup.nodes() as usize / tokens_per_node;
                let random = RequestStreams::new(setup.seed, repeat, purpose);
                Requests::new(plan, nodes, tokens_per_node, up.len(), random)
            })
        };
        let storage = setup.workload.storage.as_ref();
        Drive {
            setup,
            repeat,
            population,
            simulation,
            joins: build::joins(setup, repeat, initial as usize),
            leaves: build::leaves(setup, repeat).filter(|_| !all_converged),
            churn,
            faults: if all_converged { setup.faults.len() } else { 0 },
            lookups: requests(setup.workload.lookups.as_ref(), "lookups"),
            puts: requests(storage.and_then(|storage| storage.puts.as_ref()), "puts"),
            gets: requests(storage.and_then(|storage| storage.gets.as_ref()), "gets"),
            next_new_key: storage
                .filter(|storage| storage.preloaded)
                .map_or(0, |s| s.keys as usize),
            next_sample: setup.sample_every.map(|_| Time::ZERO),
            samples: Vec::new(),
            progress: Progress::default(),
            up,
            leaving: BTreeSet::new(),
            contacts: BTreeMap::new(),
            running: hosts.len(),
            running_since: Time::ZERO,
            node_seconds: 0.0,
            wrong_joins: 0,
            is_checked: true,
            before_fault: None,
            random: stream("faults"),
            contacts_random: stream("contacts"),
        }
    }

    /// Runs to the end and gives what came of it.
    pub(super) fn finish(mut self) -> Tally {
        let end = self.setup.duration.map_or(Time::MAX, |duration| Time::ZERO + duration);
        self.run_before(end);
        if self.setup.duration.is_some() && self.next_sample == Some(end) {
            self.sample();
        }
        self.check_joins();
        self.count_running(self.simulation.now(), 0);
        let (keys, handled) = (self.keys_per_server(), self.handled_per_server());
        let (messages, ring) = (self.messages(), self.ring_health());
        let (waiting, values) = (self.waiting(&handled), self.values());
        let routing_entries = self.routing_entries();
        let simulation = self.simulation;
        let mut tally = Tally {
            system: simulation.protocol().system().to_owned(),
            keys,
            handled,
            messages,
            before_fault: self.before_fault,
            ring,
            waiting,
            routing_entries,
            timeline: self.samples,
            node_seconds: self.node_seconds,
            collisions: self.population.collisions,
            nodes: self.setup.nodes(),
            events: simulation.events(),
            digest: simulation.digest(),
            end: simulation.now(),
            ..simulation.into_observer().finish(end)
        };
        tally.joins.wrong = self.wrong_joins;
        tally.storage.values = values;
        tally
    }

    /// The next thing from outside that lies before `end`.
    fn next_event(&self, end: Time) -> Option<(Time, Event)> {
        let next = |requests: &Option<Requests>| requests.as_ref().and_then(Requests::next_time);
        let fault = self.setup.faults.get(self.faults).map(|fault| Time::ZERO + fault.at.0);
        let events = [
            (self.next_sample, Event::Sample),
            (fault, Event::Fault),
            (self.leaves.as_ref().and_then(Leaves::next_time), Event::Leave),
            (self.churn.as_ref().and_then(Churn::next_time), Event::Churn),
            (self.joins.next_time(), Event::Join),
            (next(&self.puts), Event::Put),
            (next(&self.gets), Event::Get),
            (next(&self.lookups), Event::Lookup),
        ];
        let due = events.into_iter().filter_map(|(at, event)| Some((at?, event)));
        due.filter(|(at, _)| *at < end).min_by_key(|(at, _)| *at)
    }

    /// Runs up to a moment. What comes from outside at a moment comes before what nodes
    /// do at that moment.
    pub(super) fn run_before(&mut self, end: Time) {
        while let Some((at, event)) = self.next_event(end) {
            self.simulate_before(at);
            match event {
                Event::Sample => self.sample(),
                Event::Fault => self.fault(),
                Event::Leave => self.leave(),
                Event::Churn => self.churn(),
                Event::Join => self.join(),
                Event::Put => self.put(),
                Event::Get => self.get(),
                Event::Lookup => self.look_up(),
            }
        }
        self.simulate_before(end);
    }

    /// Runs up to a moment while nothing happens from outside. An oracle tells at once who
    /// has departed.
    fn simulate_before(&mut self, end: Time) {
        while !self.simulation.run_before(end) {
            self.take_note_of_stopped();
        }
        self.take_note_of_stopped();
    }

    fn join(&mut self) {
        self.check_joins();
        if self.up.is_empty() {
            return self.joins.skip();
        }
        let join = self.joins.next(&self.up);
        self.start(join.server, Some(join.contact));
    }

    /// Starts the nodes of a server, which join through this contact; without one they found a
    /// new system.
    fn start(&mut self, server: usize, mut contact: Option<Address>) {
        let now = self.simulation.now();
        for node in self.population.nodes_of(server) {
            self.simulation.observer.node_joined(node);
        }
        for node in self.hosts_of(server) {
            self.count_running(now, 1);
            if let Some(contact) = contact {
                self.simulation.observer.join_begins(now, node);
                self.simulation.start(node, Start::Join { contact });
                if self.churn.is_some() {
                    self.contacts.insert(node, contact);
                }
            } else {
                self.simulation.start(node, Start::Create);
                contact = Some(node);
            }
            if self.simulation.protocol().has_users(node) {
                self.up.push(node);
                if self.setup.workload.downloads.is_some() {
                    let request = self.simulation.observer.issue_download(now);
                    self.simulation.operate(node, Operation::Download { request });
                }
            }
        }
        self.is_checked = false;
        self.population_changed();
    }

    /// Somebody comes or goes.
    fn churn(&mut self) {
        let Some(event) = self.churn.as_mut().and_then(Iterator::next) else { return };
        let server = event.server as usize;
        match event.change {
            Change::Join => {
                // Who was to leave this machine in good order has had time enough.
                for node in self.population.nodes_of(server) {
                    if let Some(before) = self.simulation.holder(node) {
                        self.simulation.crash(before);
                    }
                }
                self.take_note_of_stopped();
                let contact = self.contact();
                self.start(server, contact);
                self.find_new_contacts();
            }
            Change::Leave => self.ask_to_leave(server),
            Change::Crash => {
                for node in self.hosts_of(server) {
                    self.simulation.crash(node);
                }
                self.take_note_of_stopped();
            }
        }
    }

    /// A node through which others can join: any that takes part and stays, else a server that
    /// no users sit at. `None` if there is no system any more.
    fn contact(&mut self) -> Option<Address> {
        let observer = &self.simulation.observer;
        let takes_part =
            |node: &Address| !self.leaving.contains(node) && !observer.is_joining(*node);
        let candidates: Vec<Address> = self.up.iter().copied().filter(takes_part).collect();
        if candidates.is_empty() {
            let protocol = self.simulation.protocol();
            return self.ring().iter().find(|node| !protocol.has_users(*node));
        }
        Some(candidates[self.contacts_random.below(candidates.len() as u64) as usize])
    }

    /// Who joins through somebody who is gone is told of another.
    fn find_new_contacts(&mut self) {
        if self.contacts.is_empty() {
            return;
        }
        let simulation = &self.simulation;
        self.contacts.retain(|node, _| simulation.observer.is_joining(*node));
        let stranded: Vec<Address> = self
            .contacts
            .iter()
            .filter(|(_, contact)| simulation.status(**contact) != Status::Up)
            .map(|(node, _)| *node)
            .collect();
        for node in stranded {
            if let Some(contact) = self.contact() {
                self.contacts.insert(node, contact);
                self.simulation.operate(node, Operation::JoinThrough { contact });
            }
        }
    }

    fn leave(&mut self) {
        self.check_joins();
        let Some(leaves) = &mut self.leaves else { return };
        let candidates: Vec<Address> =
            self.up.iter().copied().filter(|node| !self.leaving.contains(node)).collect();
        // The last one stays, to keep what there is.
        let candidates = if candidates.len() < 2 { &[] } else { &candidates[..] };
        let Some(chosen) = leaves.next(candidates) else { return };
        self.ask_to_leave(self.population.server_of(chosen));
    }

    /// Asks the nodes of a server that are up to leave in good order.
    fn ask_to_leave(&mut self, server: usize) {
        for node in self.hosts_of(server) {
            if self.simulation.status(node) == Status::Up {
                self.simulation.observer.leave_begins();
                self.leaving.insert(node);
                self.simulation.leave(node);
            }
        }
        self.is_checked = false;
        self.take_note_of_stopped();
    }

    fn fault(&mut self) {
        let setup = self.setup;
        let fault = &setup.faults[self.faults];
        self.faults += 1;
        let now = self.simulation.now();
        if self.before_fault.is_none() {
            // Nothing is promised of joins after that.
            self.check_joins();
            let so_far = self.simulation.observer.so_far();
            self.before_fault = Some(BeforeFault {
                messages: self.messages(),
                joins: so_far.joins.clone(),
                gets: so_far.storage.gets.issued,
            });
        }
        self.simulation.observer.fault_strikes(now);
        let victims = match &fault.crash {
            format::Crash::Nodes(servers) => servers.iter().map(|s| *s as usize).collect(),
            format::Crash::Busiest(count) => self.busiest(*count as usize),
            format::Crash::Random(count) => self.any(*count as usize),
        };
        for server in victims {
            for node in self.hosts_of(server) {
                self.simulation.crash(node);
            }
        }
        self.take_note_of_stopped();
    }

    /// The servers that are up and have handled most messages; of equals the earlier.
    fn busiest(&self, count: usize) -> Vec<usize> {
        let handled = self.handled_per_server();
        let mut load: Vec<(u64, usize)> = (0..self.population.servers())
            .filter(|server| self.is_up(*server))
            .map(|server| (handled[self.population.machine_of(server)], server))
            .collect();
        load.sort_by_key(|(handled, server)| (std::cmp::Reverse(*handled), *server));
        load.into_iter().take(count).map(|(_, server)| server).collect()
    }

    /// Servers drawn from those that are up.
    fn any(&mut self, count: usize) -> Vec<usize> {
        let mut left: Vec<usize> =
            (0..self.population.servers()).filter(|server| self.is_up(*server)).collect();
        let count = count.min(left.len());
        (0..count)
            .map(|_| left.swap_remove(self.random.below(left.len() as u64) as usize))
            .collect()
    }

    fn is_up(&self, server: usize) -> bool {
        self.hosts_of(server).any(|node| self.simulation.status(node) == Status::Up)
    }

    /// The nodes that run on a server.
    fn hosts_of(&self, server: usize) -> impl Iterator<Item = Address> + use<P> {
        let protocol = self.simulation.protocol();
        let hosts = self.population.nodes_of(server).filter(|at| protocol.host(*at) == *at);
        hosts.collect::<Vec<_>>().into_iter()
    }

    fn put(&mut self) {
        let keys = self.simulation.observer.ledger().len();
        let draw = |random: &mut Stream| random.below(keys as u64) as usize;
        let Some((node, any)) = self.next_request(|drive| &mut drive.puts, draw) else { return };
        let key = if self.next_new_key < keys { self.next_new_key } else { any };
        self.next_new_key += 1;
        let simulation = &mut self.simulation;
        let (request, value) = simulation.observer.issue_put(simulation.now(), key);
        let key = simulation.observer.ledger().id(key);
        simulation.operate(node, Operation::Put { request, key, value });
    }

    fn get(&mut self) {
        let keys = self.simulation.observer.ledger().len();
        let draw = |random: &mut Stream| random.below(keys as u64) as usize;
        let Some((node, key)) = self.next_request(|drive| &mut drive.gets, draw) else { return };
        let simulation = &mut self.simulation;
        let request = simulation.observer.issue_get(simulation.now(), key);
        let key = simulation.observer.ledger().id(key);
        simulation.operate(node, Operation::Get { request, key });
    }

    fn look_up(&mut self) {
        let space = self.setup.id_space;
        let draw = |random: &mut Stream| space.from_random(std::array::from_fn(|_| random.bits()));
        let Some((node, key)) = self.next_request(|drive| &mut drive.lookups, draw) else { return };
        let simulation = &mut self.simulation;
        let lookup = simulation.observer.issue(simulation.now(), node, key);
        simulation.operate(node, Operation::Lookup { lookup, key });
    }

    /// The next request of a stream: who asks, and for what. `None` when it is the turn of a
    /// node that cannot be asked.
    fn next_request<T>(
        &mut self,
        of: impl Fn(&mut Self) -> &mut Option<Requests>,
        draw: impl FnOnce(&mut Stream) -> T,
    ) -> Option<(Address, T)> {
        let mut requests = of(self).take()?;
        let (simulation, leaving) = (&self.simulation, &self.leaving);
        let who_can_be_asked = |node| {
            simulation.holder(node).filter(|node| {
                simulation.status(*node) == Status::Up
                    && simulation.protocol().has_users(*node)
                    && !leaving.contains(node)
            })
        };
        let next = requests.next(&self.up, who_can_be_asked, draw);
        *of(self) = Some(requests);
        next.filter(|(node, _)| !self.leaving.contains(node))
    }

    fn sample(&mut self) {
        let now = self.simulation.now();
        if let Some(every) = self.setup.sample_every {
            self.next_sample = Some(now + every);
        }
        let progress = self.progress();
        let values = self.sample_values(&progress);
        self.samples.push(Sample { at: now, values });
        self.progress = progress;
    }

    /// What has been counted when the last sample was taken.
    pub(super) fn last_progress(&self) -> &Progress {
        &self.progress
    }

    /// Checks what the last join or leave has left, if its system promises anything of that.
    fn check_joins(&mut self) {
        let promises = self.simulation.protocol().is_right_after_joins();
        if promises && !self.is_checked && self.before_fault.is_none() {
            self.wrong_joins += u64::from(!self.ring_health().is_right());
        }
        self.is_checked = true;
    }

    /// Nodes that departed by themselves are not asked any more.
    fn take_note_of_stopped(&mut self) {
        let stopped = self.simulation.observer.take_stopped();
        if stopped.is_empty() {
            return;
        }
        for (at, node) in stopped {
            self.count_running(at, -1);
            self.simulation.protocol().observe_stop(node);
            self.up.retain(|other| *other != node);
            self.leaving.remove(&node);
        }
        self.population_changed();
        self.find_new_contacts();
    }

    fn population_changed(&mut self) {
        let (now, up) = (self.simulation.now(), self.up.len());
        for requests in [&mut self.lookups, &mut self.puts, &mut self.gets].into_iter().flatten() {
            requests.population_changed(now, up);
        }
        if self.simulation.protocol().is_told_by_oracle() {
            for node in &self.up {
                self.simulation.operate(*node, Operation::TakeNote);
            }
        }
    }

    fn count_running(&mut self, now: Time, change: isize) {
        let nodes = self.running as f64;
        self.node_seconds += nodes * now.since(self.running_since).as_secs_f64();
        self.running_since = now;
        self.running = self.running.saturating_add_signed(change);
    }

    /// Follows one more lookup to its end, while nothing else happens from outside.
    pub(super) fn trace(&mut self, from: Address, key: Id) -> Trace {
        let simulation = &mut self.simulation;
        let lookup = simulation.observer.issue(simulation.now(), from, key);
        simulation.observer.trace(lookup);
        simulation.operate(from, Operation::Lookup { lookup, key });
        let ended = |simulation: &Simulation<'_, P, Network, Recorder<'_>>| {
            simulation.observer.traced().is_none_or(|trace| trace.ended)
        };
        // A second at a time: periodic maintenance would never end by itself.
        let patience = simulation.now() + Duration::from_secs(24 * 3600);
        while !ended(simulation) && !simulation.is_idle() && simulation.now() < patience {
            let next = simulation.now() + Duration::from_secs(1);
            simulation.run_before(next);
        }
        simulation.observer.traced().cloned().unwrap_or_default()
    }

    /// The truth at this moment.
    pub(super) fn truth(&self) -> Truth<'_> {
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
}

#[cfg(test)]
mod tests {
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
            let outcome = crate::experiment::run(&plan, jobs, &|_, _| ());
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
            let population = super::build::population(setup, 0);
            let end = Time::ZERO + setup.duration.unwrap();
            super::build::with_protocol(
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
                lists: drive.up.len() + drive.leaving.len() + drive.contacts.len(),
            }
        }
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
}
