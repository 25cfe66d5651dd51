//! What breaks and what mends: the faults of a scenario, brought upon a simulation.
//!
//! Faults come from outside. What is drawn for them comes from streams of their own, and the
//! servers are taken in the order of their numbers: two systems under one seed that have the
//! same servers running see the same faults.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use crate::measure::summary::Happening;
use crate::network::DisturbanceId;
use crate::overlay::Overlay;
use crate::scenario::{Breakage, PlannedFault, Setup, Victims};
use crate::sim::{Address, Status, Stream, Time};

use super::drive::Drive;
use super::notices;

/// Groups of a partition whose sizes are listed.
const MOST_SIZES: usize = 8;

/// The faults of a run: those to come, and those under way.
#[derive(Debug)]
pub(super) struct Faults {
    /// What begins and ends, in the order in which it is its turn.
    agenda: Vec<Turn>,
    /// How many of them have had their turn.
    passed: usize,
    /// By their numbers.
    under_way: BTreeMap<usize, UnderWay>,
    /// Nodes that were joining when they were frozen, and when they began.
    frozen_joins: BTreeMap<Address, Time>,
    happenings: Vec<Happening>,
    /// Chooses whom faults strike.
    random: Stream,
}

/// A fault begins or is over. Of several at a moment those come first that are over.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Turn {
    at: Time,
    begins: bool,
    fault: usize,
}

/// What a fault has done that is still to be undone.
#[derive(Debug)]
enum UnderWay {
    /// These servers are down.
    Down(Vec<usize>),
    /// These servers are frozen.
    Frozen(Vec<usize>),
    /// The network is disturbed.
    Disturbance(DisturbanceId),
}

impl Faults {
    /// The faults of a scenario, in one repeat of it.
    pub(super) fn new(setup: &Setup, repeat: u32) -> Faults {
        let turns = |(fault, of): (usize, &PlannedFault)| {
            let begin = Turn { at: Time::ZERO + of.at, begins: true, fault };
            let end = of.until.map(|at| Turn { at: Time::ZERO + at, begins: false, fault });
            [Some(begin), end].into_iter().flatten()
        };
        let mut agenda: Vec<Turn> = setup.faults.iter().enumerate().flat_map(turns).collect();
        agenda.sort_unstable();
        Faults {
            agenda,
            passed: 0,
            under_way: BTreeMap::new(),
            frozen_joins: BTreeMap::new(),
            happenings: Vec::new(),
            random: Stream::new(setup.seed, repeat, "faults"),
        }
    }

    /// The same without any that is still to come.
    pub(super) fn none_to_come(self) -> Faults {
        Faults { agenda: Vec::new(), ..self }
    }

    /// When something breaks or mends next.
    pub(super) fn next_time(&self) -> Option<Time> {
        self.agenda.get(self.passed).map(|turn| turn.at)
    }

    /// A server has gone for reasons of its own: no fault that took it down brings it back.
    pub(super) fn does_not_come_back(&mut self, server: usize) {
        for under_way in self.under_way.values_mut() {
            if let UnderWay::Down(down) = under_way {
                down.retain(|other| *other != server);
            }
        }
    }

    /// What has broken and mended so far.
    pub(super) fn happenings(&self) -> &[Happening] {
        &self.happenings
    }

    /// What has broken and mended.
    pub(super) fn into_happenings(self) -> Vec<Happening> {
        self.happenings
    }
}

impl<P: Overlay> Drive<'_, P> {
    /// Something breaks or mends.
    pub(super) fn fault(&mut self) {
        let Some(turn) = self.faults.agenda.get(self.faults.passed).copied() else { return };
        self.faults.passed += 1;
        let setup = self.setup;
        let what = &setup.faults[turn.fault].what;
        if turn.begins {
            self.first_fault();
            self.begin(turn.fault, what);
        } else {
            self.end(turn.fault, what);
        }
    }

    /// Puts down what had been counted when the first fault strikes.
    fn first_fault(&mut self) {
        if self.before_fault.is_some() {
            return;
        }
        // Nothing is promised of joins after that.
        self.check_joins();
        let now = self.simulation.now();
        self.before_fault = Some(self.unbroken());
        self.simulation.observer.fault_strikes(now);
    }

    fn begin(&mut self, fault: usize, what: &Breakage) {
        match what {
            Breakage::Crash(victims) => {
                let servers = self.choose_of_all(victims);
                self.crash(&servers.iter().copied().collect());
                self.happens(format!("crash of {} ({victims})", counted(servers.len())));
            }
            Breakage::Restart(victims) => {
                let servers = self.choose_of_all(victims);
                self.crash(&servers.iter().copied().collect());
                self.happens(format!("restart: {} down ({victims})", counted(servers.len())));
                self.faults.under_way.insert(fault, UnderWay::Down(servers));
            }
            Breakage::Freeze(victims) => {
                let servers = self.choose_of_all(victims);
                for node in self.hosts_of_all(&servers) {
                    if let Some(began) = self.simulation.observer.joining_since(node) {
                        self.faults.frozen_joins.insert(node, began);
                    }
                    self.simulation.freeze(node);
                }
                self.take_note_of_stopped();
                self.happens(format!("freeze of {} ({victims})", counted(servers.len())));
                self.faults.under_way.insert(fault, UnderWay::Frozen(servers));
            }
            Breakage::Partition(groups) => self.part(fault, groups),
            Breakage::Loss(probability) => {
                let id = self.simulation.network_mut().disturbances_mut().begin_loss(*probability);
                self.faults.under_way.insert(fault, UnderWay::Disturbance(id));
                self.happens(format!("loss of {probability} begins"));
                if self.simulation.network_mut().loss() >= 1.0 {
                    let now = notices::at(self.simulation.now());
                    let until = self.setup.faults[fault].until.map(|end| Time::ZERO + end);
                    let end = until
                        .map_or_else(|| "on".to_owned(), |end| format!("to {}", notices::at(end)));
                    self.notices.say(format!("no message arrives from {now} {end}: all are lost"));
                }
            }
        }
    }

    fn end(&mut self, fault: usize, what: &Breakage) {
        match self.faults.under_way.remove(&fault) {
            Some(UnderWay::Down(servers)) => {
                let servers: Vec<usize> =
                    servers.into_iter().filter(|server| !self.is_running(*server)).collect();
                for server in &servers {
                    self.come(*server);
                }
                self.happens(format!("restart: {} up again", counted(servers.len())));
            }
            Some(UnderWay::Frozen(servers)) => self.thaw(&servers),
            Some(UnderWay::Disturbance(id)) => {
                self.simulation.network_mut().disturbances_mut().end(id);
                self.happens(match what {
                    Breakage::Loss(probability) => format!("loss of {probability} ends"),
                    _ => "partition healed".to_owned(),
                });
            }
            None => {}
        }
    }

    fn hosts_of_all<'a>(&self, servers: impl IntoIterator<Item = &'a usize>) -> Vec<Address> {
        servers.into_iter().flat_map(|server| self.hosts_of(*server)).collect()
    }

    /// Servers crash. Who is frozen will not thaw any more.
    pub(super) fn crash(&mut self, servers: &BTreeSet<usize>) {
        for node in self.hosts_of_all(servers) {
            self.simulation.crash(node);
            self.leaving.remove(&node);
            self.faults.frozen_joins.remove(&node);
        }
        for under_way in self.faults.under_way.values_mut() {
            if let UnderWay::Frozen(frozen) = under_way {
                frozen.retain(|server| !servers.contains(server));
            }
        }
        self.take_note_of_stopped();
    }

    /// Servers go on with their old state, unless another fault keeps them frozen.
    fn thaw(&mut self, servers: &[usize]) {
        let mut kept = BTreeSet::new();
        for under_way in self.faults.under_way.values() {
            if let UnderWay::Frozen(frozen) = under_way {
                kept.extend(frozen.iter().copied());
            }
        }
        let mut thawed = 0;
        let now = self.simulation.now();
        for server in servers.iter().filter(|server| !kept.contains(server)) {
            thawed += usize::from(self.is_frozen(*server));
            for node in self.hosts_of(*server) {
                if self.simulation.status(node) != Status::Frozen {
                    continue; // it had left before
                }
                self.simulation.observer.node_returns(node);
                if let Some(began) = self.faults.frozen_joins.remove(&node) {
                    self.simulation.observer.join_goes_on(node, began);
                }
                self.simulation.protocol().observe_return(node);
                self.simulation.thaw(node);
                self.count_running(now, 1);
                if self.simulation.protocol().has_users(node) {
                    self.up.push(node);
                }
            }
        }
        if thawed > 0 {
            self.population_changed();
        }
        self.happens(format!("{} thaw{}", counted(thawed), if thawed == 1 { "s" } else { "" }));
    }

    /// Parts the servers into groups and the rest.
    fn part(&mut self, fault: usize, groups: &[Victims]) {
        let mut left = self.running_servers();
        let running = left.len();
        let mut group_of = vec![groups.len() as u16; self.simulation.places()];
        let mut sizes = Vec::new();
        for (number, victims) in groups.iter().enumerate() {
            let chosen: BTreeSet<usize> =
                self.choose(victims, &left, running).into_iter().collect();
            left.retain(|server| !chosen.contains(server));
            for node in chosen.iter().flat_map(|server| self.population.nodes_of(*server)) {
                group_of[self.simulation.place(node).index()] = number as u16;
            }
            sizes.push(chosen.len());
        }
        if !left.is_empty() {
            sizes.push(left.len());
        }
        let disturbances = self.simulation.network_mut().disturbances_mut();
        let id = disturbances.begin_partition(group_of);
        self.faults.under_way.insert(fault, UnderWay::Disturbance(id));
        let largest = sizes.iter().copied().max().unwrap_or(0);
        self.happens(if sizes.len() > MOST_SIZES {
            let groups = sizes.len();
            format!("partition into {groups} groups, the largest of {}", counted(largest))
        } else {
            let listed: Vec<String> = sizes.iter().map(ToString::to_string).collect();
            format!("partition into {} servers", listed.join(" | "))
        });
        self.notice_isolation();
    }

    /// Says so if no two servers reach each other any more.
    fn notice_isolation(&mut self) {
        let servers = self.running_servers();
        let disturbances = self.simulation.network().disturbances();
        let first = |server: &usize| Address::new(server * self.population.virtual_nodes);
        let place = |server| self.simulation.place(first(server));
        let places: BTreeSet<_> =
            servers.iter().map(|server| disturbances.groups_of(place(server))).collect();
        if servers.len() > 1 && places.len() == servers.len() {
            let now = notices::at(self.simulation.now());
            let notice =
                format!("from {now} on a partition leaves no two servers that reach each other");
            self.notices.say(notice);
        }
    }

    /// Puts something into the results.
    fn happens(&mut self, what: String) {
        let seconds = self.simulation.now().since(Time::ZERO).as_secs_f64();
        self.faults.happenings.push(Happening { seconds, what });
    }

    fn choose_of_all(&mut self, victims: &Victims) -> Vec<usize> {
        let running = self.running_servers();
        self.choose(victims, &running, running.len())
    }

    /// Chooses from servers in ascending order; a share is one of `running`.
    fn choose(&mut self, victims: &Victims, among: &[usize], running: usize) -> Vec<usize> {
        match victims {
            Victims::Numbers(numbers) => {
                let mut chosen = BTreeSet::new();
                let servers = numbers.iter().map(|number| *number as usize);
                let there = servers.filter(|server| among.binary_search(server).is_ok());
                there.filter(|server| chosen.insert(*server)).collect()
            }
            Victims::Busiest(count) => self.busiest(*count as usize, among),
            Victims::Random(count) => self.any(*count as usize, among),
            Victims::Fraction(share) => self.any((share * running as f64).round() as usize, among),
            Victims::Probability(probability) => {
                let random = &mut self.faults.random;
                among.iter().copied().filter(|_| random.chance(*probability)).collect()
            }
            Victims::Arc { from, share } => {
                let random = &mut self.faults.random;
                let space = self.setup.id_space;
                let from = from
                    .unwrap_or_else(|| space.from_random(std::array::from_fn(|_| random.bits())));
                let is_on_arc = |node: Address| {
                    let distance = from.distance_to(self.population.ids[node.index()]);
                    *share >= 1.0 || distance.as_share_of_ring() < *share
                };
                let stands_there =
                    |server: &usize| self.population.nodes_of(*server).any(is_on_arc);
                among.iter().copied().filter(stands_there).collect()
            }
            Victims::Prefix { ip, bits } => {
                let begins = |server: &usize| {
                    let own = self.population.sockets[server * self.population.virtual_nodes].ip();
                    has_prefix(*own, *ip, *bits)
                };
                among.iter().copied().filter(begins).collect()
            }
            Victims::All => among.to_vec(),
        }
    }

    /// The servers that have handled most messages; of equals the earlier.
    fn busiest(&self, count: usize, among: &[usize]) -> Vec<usize> {
        let handled = self.handled_per_server();
        let mut load: Vec<(u64, usize)> = among
            .iter()
            .map(|server| (handled[self.population.machine_of(*server)], *server))
            .collect();
        load.sort_by_key(|(handled, server)| (std::cmp::Reverse(*handled), *server));
        load.into_iter().take(count).map(|(_, server)| server).collect()
    }

    /// Servers drawn by lot.
    fn any(&mut self, count: usize, among: &[usize]) -> Vec<usize> {
        let mut left = among.to_vec();
        let random = &mut self.faults.random;
        (0..count.min(left.len()))
            .map(|_| left.swap_remove(random.below(left.len() as u64) as usize))
            .collect()
    }

    /// The servers that run, frozen ones too, in ascending order.
    fn running_servers(&self) -> Vec<usize> {
        (0..self.population.servers()).filter(|server| self.is_running(*server)).collect()
    }

    pub(super) fn is_frozen(&self, server: usize) -> bool {
        self.hosts_of(server).any(|node| self.simulation.status(node) == Status::Frozen)
    }

    fn is_running(&self, server: usize) -> bool {
        let runs = |node| matches!(self.simulation.status(node), Status::Up | Status::Frozen);
        self.hosts_of(server).any(runs)
    }
}

fn counted(servers: usize) -> String {
    if servers == 1 { "1 server".to_owned() } else { format!("{servers} servers") }
}

/// Whether an ip begins with the first bits of another.
fn has_prefix(ip: Ipv4Addr, other: Ipv4Addr, bits: u32) -> bool {
    let differing = ip.to_bits() ^ other.to_bits();
    differing.leading_zeros() >= bits
}

#[cfg(test)]
mod tests;
