//! One simulation from its start to its end: the nodes, the network, the workload
//! and the recorder put together, and driven through time.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::rc::Rc;

use crate::id::Id;
use crate::measure::{BeforeFault, Recorder, Sample, Tally, Trace};
use crate::network::Network;
use crate::oracle::{Ring, Rings, Truth};
use crate::overlay::Overlay;
use crate::population::Population;
use crate::scenario::{Breakage, Setup};
use crate::sim::{Address, Duration, Operation, Simulation, Start, Status, Stream, Time};
use crate::workload::{Change, Churn, Joins, Keys, Leaves};

use super::build;
use super::faults::Faults;
use super::inspect::{Progress, WarmUp};
use super::notices::{self, Notices};
use super::requests::Asked;

/// A simulation under way.
pub(super) struct Drive<'s, P: Overlay> {
    pub(super) setup: &'s Setup,
    pub(super) repeat: u32,
    pub(super) population: &'s Population,
    pub(super) simulation: Simulation<'s, P, Network, Recorder<'s>>,
    joins: Joins,
    leaves: Option<Leaves>,
    churn: Option<Churn>,
    pub(super) faults: Faults,
    pub(super) notices: Notices,
    pub(super) asked: Asked,
    /// When the warm-up ends, while it lasts, and what had been counted then.
    warm_up_end: Option<Time>,
    warm_up: WarmUp,
    next_sample: Option<Time>,
    samples: Vec<Sample>,
    /// What had been counted when the last sample was taken.
    progress: Progress,
    /// The nodes that can be asked, in the order in which they came up.
    pub(super) up: Vec<Address>,
    /// Those of them that have been asked to leave.
    pub(super) leaving: BTreeSet<Address>,
    /// How many nodes are up, and since when; and their time before that.
    running: usize,
    running_since: Time,
    node_seconds: f64,
    /// Joins and leaves after which a pointer was wrong, and whether the last one is checked.
    wrong_joins: u64,
    is_checked: bool,
    /// What had been counted when the first fault struck.
    pub(super) before_fault: Option<BeforeFault>,
    /// Chooses through whom nodes come back, or join whose contact does not answer.
    contacts: Stream,
    /// How many of the workload's coming lookups are written down.
    pub(super) to_trace: u32,
}

/// Who has been joining for so long at the end has not got in.
const LONG_JOIN: Duration = Duration::from_secs(60);
/// How often a contact is drawn before those that let others in are sought one by one.
const DRAWS_OF_CONTACT: usize = 16;

/// What comes from outside. Of several at a moment the first of these comes first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Event {
    WarmUpEnd,
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
        let network = build::network(setup, repeat, population);
        let delays = network.direct_delays(population.places());
        let recorder = Recorder::new(ids, Rc::clone(&ring), timeout.map(|span| span.0))
            .with_tokens(tokens_per_node)
            .with_direct_delays(delays.clone())
            .interrupting(protocol.is_told_by_oracle())
            .ending_with_loop(setup.duration.is_none());
        let parameters = protocol.clone();
        let ids_and_places = (&ids[..], population.places());
        let random = stream("protocol");
        let mut simulation =
            Simulation::with_places(protocol, network, recorder, ids_and_places, random);
        let truth = Truth { ring: &ring, ids, space: setup.id_space };
        if setup.faults.iter().any(|fault| matches!(fault.what, Breakage::Freeze(_))) {
            simulation.prepare_to_freeze();
        }
        let round_trip = |one, other| delays.between(one, other) + delays.between(other, one);
        let mut converged = parameters.converged(truth, round_trip);
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
        let nodes = population.machines() * population.virtual_nodes / tokens_per_node;
        let asked = Asked::new(setup, repeat, nodes, tokens_per_node, up.len());
        let faults = Faults::new(setup, repeat);
        let faults = if all_converged { faults.none_to_come() } else { faults };
        Drive {
            setup,
            repeat,
            population,
            simulation,
            joins: build::joins(setup, repeat, initial as usize),
            leaves: build::leaves(setup, repeat).filter(|_| !all_converged),
            churn,
            faults,
            notices: Notices::default(),
            asked,
            warm_up_end: setup.warm_up.map(|span| Time::ZERO + span),
            warm_up: WarmUp::default(),
            next_sample: setup.sample_every.map(|_| Time::ZERO),
            samples: Vec::new(),
            progress: Progress::default(),
            up,
            leaving: BTreeSet::new(),
            running: hosts.len(),
            running_since: Time::ZERO,
            node_seconds: 0.0,
            wrong_joins: 0,
            is_checked: true,
            before_fault: None,
            contacts: stream("contacts"),
            to_trace: 0,
        }
    }

    /// Runs to the end and gives what came of it.
    pub(super) fn finish(mut self) -> Tally {
        let end = self.setup.duration.map_or(Time::MAX, |duration| Time::ZERO + duration);
        self.run_before(end);
        if self.setup.duration.is_some() && self.next_sample == Some(end) {
            self.sample();
        }
        let is_over = self.is_over();
        if is_over {
            self.notice_loops();
        }
        self.simulation.drop_what_was_to_come();
        self.check_joins();
        self.count_running(self.simulation.now(), 0);
        let (keys, handled) = (self.keys_per_server(), self.counted_handled());
        let rings = self.rings();
        let (messages, ring) = (self.messages(), self.ring_health(&rings));
        let (waiting, values) = (self.waiting(&handled), self.values());
        let routing_entries = self.routing_entries();
        // Where all know all, nobody goes round the ring.
        let goes_round = self.simulation.protocol().ring().is_some() && !self.all_know_all();
        let now = self.simulation.now();
        let joining = self.simulation.observer.joining_for_longer_than(LONG_JOIN, now);
        let notices = self.notices.finish(goes_round.then_some(&rings), joining);
        let end = if is_over { now } else { end };
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
            happenings: self.faults.into_happenings(),
            notices,
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
        let events = [
            (self.warm_up_end, Event::WarmUpEnd),
            (self.next_sample, Event::Sample),
            (self.faults.next_time(), Event::Fault),
            (self.leaves.as_ref().and_then(Leaves::next_time), Event::Leave),
            (self.churn.as_ref().and_then(Churn::next_time), Event::Churn),
            (self.joins.next_time(), Event::Join),
            (self.asked.next_put(), Event::Put),
            (self.asked.next_get(), Event::Get),
            (self.asked.next_lookup(), Event::Lookup),
        ];
        let mut first = None;
        for (at, event) in events {
            if let Some(at) =
                at.filter(|at| first.map_or(*at < end, |(earliest, _)| *at < earliest))
            {
                first = Some((at, event));
            }
        }
        first
    }

    /// Runs up to a moment. What comes from outside at a moment comes before what nodes
    /// do at that moment.
    pub(super) fn run_before(&mut self, end: Time) {
        while let Some((at, event)) = self.next_event(end) {
            self.simulate_before(at);
            if self.is_over() {
                return;
            }
            match event {
                Event::WarmUpEnd => self.end_warm_up(),
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
            if self.is_over() {
                return;
            }
            self.take_note_of_stopped();
            self.give_contacts();
        }
        self.take_note_of_stopped();
    }

    /// Whether the run has come to an end before its time.
    fn is_over(&self) -> bool {
        self.simulation.observer.must_end()
    }

    fn join(&mut self) {
        self.check_joins();
        // Nobody joins through a node that he cannot send to.
        let contacts = contactable(&self.simulation, &self.up);
        if contacts.is_empty() {
            self.notices.join_not_made();
            return self.joins.skip();
        }
        let join = self.joins.next(&contacts);
        self.is_checked = false;
        self.bring_up(join.server, Start::Join { contact: join.contact });
    }

    /// A server comes up, as a newcomer.
    pub(super) fn bring_up(&mut self, server: usize, mut start: Start) {
        let now = self.simulation.now();
        for node in self.population.nodes_of(server) {
            self.simulation.observer.node_joined(node);
        }
        for node in self.hosts_of(server) {
            if let Start::Join { .. } = start {
                self.simulation.observer.join_begins(now, node);
            }
            self.count_running(now, 1);
            self.simulation.start(node, start);
            if start == Start::Create {
                // The first of a server's nodes lets its others in.
                start = Start::Join { contact: node };
            }
            if self.simulation.protocol().has_users(node) {
                self.up.push(node);
                if self.setup.workload.downloads.is_some() {
                    let request = self.simulation.observer.issue_download(now);
                    self.simulation.operate(node, Operation::Download { request });
                }
            }
        }
        self.population_changed();
    }

    /// A server comes up through a node that is there, or founds a new system.
    pub(super) fn come(&mut self, server: usize) {
        let contact = self.contact();
        let start = contact.map_or(Start::Create, |contact| Start::Join { contact });
        self.bring_up(server, start);
    }

    /// Somebody comes or goes.
    fn churn(&mut self) {
        let Some(event) = self.churn.as_mut().and_then(Iterator::next) else { return };
        let server = event.server as usize;
        match event.change {
            Change::Join => {
                // Who was to leave this machine in good order has had time enough.
                let nodes = self.population.nodes_of(server);
                let before: BTreeSet<usize> = nodes
                    .filter_map(|node| self.simulation.holder(node))
                    .map(|holder| self.population.server_of(holder))
                    .collect();
                self.crash(&before);
                self.come(server);
            }
            // Who is frozen cannot say goodbye.
            Change::Leave if !self.is_frozen(server) => {
                self.faults.does_not_come_back(server);
                self.ask_to_leave(server);
            }
            Change::Leave | Change::Crash => {
                self.faults.does_not_come_back(server);
                self.crash(&BTreeSet::from([server]));
            }
        }
    }

    /// A node through which others can join: any that takes part, stays and can be sent to;
    /// where there is no such user, a server that no users sit at. `None` if there is no system
    /// any more, as far as anybody who comes can tell.
    pub(super) fn contact(&mut self) -> Option<Address> {
        let simulation = &self.simulation;
        let lets_in = |node: &Address| {
            !self.leaving.contains(node)
                && simulation.observer.joining_since(*node).is_none()
                && simulation.network().is_contactable(simulation.place(*node))
        };
        // Nearly everybody does.
        for _ in 0..DRAWS_OF_CONTACT.min(self.up.len()) {
            let any = self.up[self.contacts.below(self.up.len() as u64) as usize];
            if lets_in(&any) {
                return Some(any);
            }
        }
        let candidates: Vec<Address> = self.up.iter().copied().filter(lets_in).collect();
        if candidates.is_empty() {
            let protocol = simulation.protocol();
            return self.ring().iter().find(|node| !protocol.has_users(*node));
        }
        Some(candidates[self.contacts.below(candidates.len() as u64) as usize])
    }

    /// Gives nodes that could not join through their contact another one.
    fn give_contacts(&mut self) {
        for node in self.simulation.observer.take_contactless() {
            if let Some(contact) = self.contact() {
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

    /// The nodes that run on a server.
    pub(super) fn hosts_of(&self, server: usize) -> impl Iterator<Item = Address> + use<P> {
        let protocol = self.simulation.protocol();
        let hosts = self.population.nodes_of(server).filter(|at| protocol.host(*at) == *at);
        hosts.collect::<Vec<_>>().into_iter()
    }

    /// From here on it counts. Nothing is asked or happens otherwise for that.
    fn end_warm_up(&mut self) {
        let now = self.simulation.now();
        self.warm_up_end = None;
        self.warm_up = self.engine_counts();
        self.simulation.forget_longest_waits();
        self.simulation.observer.end_warm_up(now);
        self.count_running(now, 0);
        self.node_seconds = 0.0;
        // The last join or leave belongs to the warm-up, too.
        (self.wrong_joins, self.is_checked) = (0, true);
        if self.before_fault.is_some() {
            self.before_fault = Some(self.unbroken());
        }
    }

    /// What has been counted so far, to be kept when something breaks.
    pub(super) fn unbroken(&self) -> BeforeFault {
        let so_far = self.simulation.observer.so_far();
        BeforeFault {
            messages: self.messages(),
            joins: so_far.joins.clone(),
            gets: so_far.storage.gets.issued,
        }
    }

    /// What had been counted when the warm-up ended.
    pub(super) fn warm_up(&self) -> &WarmUp {
        &self.warm_up
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
    pub(super) fn check_joins(&mut self) {
        let promises = self.simulation.protocol().is_right_after_joins();
        if promises && !self.is_checked && self.before_fault.is_none() {
            // Whether it is one ring follows from its pointers.
            self.wrong_joins += u64::from(!self.ring_health(&Rings::default()).is_right());
        }
        self.is_checked = true;
    }

    /// Nodes that departed by themselves are not asked any more.
    pub(super) fn take_note_of_stopped(&mut self) {
        let stopped = self.simulation.observer.take_stopped();
        if stopped.is_empty() {
            return;
        }
        for (at, node) in stopped {
            self.count_running(at, -1);
            self.simulation.protocol().observe_stop(node);
            self.up.retain(|other| *other != node);
            // Who is frozen goes on leaving when it thaws.
            if self.simulation.status(node) != Status::Frozen {
                self.leaving.remove(&node);
            }
        }
        self.population_changed();
    }

    pub(super) fn population_changed(&mut self) {
        let (now, up) = (self.simulation.now(), self.up.len());
        self.asked.population_changed(now, up);
        if self.simulation.protocol().is_told_by_oracle() {
            for node in &self.up {
                self.simulation.operate(*node, Operation::TakeNote);
            }
        }
    }

    pub(super) fn count_running(&mut self, now: Time, change: isize) {
        let nodes = self.running as f64;
        self.node_seconds += nodes * now.since(self.running_since).as_secs_f64();
        self.running_since = now;
        self.running = self.running.saturating_add_signed(change);
        self.notices.population(now, self.running);
    }

    /// Says why the run has ended before its time.
    fn notice_loops(&mut self) {
        let observer = &self.simulation.observer;
        let (lookups, most) = (observer.circling(), observer.most_forwards());
        let lookups =
            if lookups == 1 { "1 lookup".to_owned() } else { format!("{lookups} lookups") };
        let now = notices::at(self.simulation.now());
        self.notices.say(format!(
            "{lookups} went round in circles (passed on more than {most} times): the run was \
             ended at {now}"
        ));
    }

    /// Follows one more lookup to its end, while nothing else happens from outside.
    pub(super) fn trace(&mut self, from: Address, key: Id) -> Trace {
        let patience = Duration::from_secs(24 * 3600);
        self.trace_all(&[(from, key)], patience).pop().unwrap_or_default()
    }

    /// Follows more lookups, all asked at this moment, to their ends or until nobody has
    /// patience any more, while nothing else happens from outside. One trace for each.
    pub(super) fn trace_all(&mut self, asked: &[(Address, Id)], patience: Duration) -> Vec<Trace> {
        let simulation = &mut self.simulation;
        for &(from, key) in asked {
            let lookup = simulation.observer.issue(simulation.now(), from, key);
            simulation.observer.trace(lookup);
            simulation.operate(from, Operation::Lookup { lookup, key });
        }
        let ended = |simulation: &Simulation<'_, P, Network, Recorder<'_>>| {
            simulation.observer.traced().all(|trace| trace.ended)
        };
        // A second at a time: periodic maintenance would never end by itself.
        let patience = simulation.now() + patience;
        while !ended(simulation) && !simulation.is_idle() && simulation.now() < patience {
            let next = simulation.now() + Duration::from_secs(1);
            simulation.run_before(next);
        }
        simulation.observer.take_traces()
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

/// Those of some nodes to whom anybody can send.
fn contactable<'u, P: Overlay>(
    simulation: &Simulation<'_, P, Network, Recorder<'_>>,
    up: &'u [Address],
) -> Cow<'u, [Address]> {
    let network = simulation.network();
    if network.all_are_contactable() {
        return Cow::Borrowed(up);
    }
    let nodes = up.iter().copied();
    nodes.filter(|node| network.is_contactable(simulation.place(*node))).collect()
}

#[cfg(test)]
mod tests;
