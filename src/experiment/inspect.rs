//! What the oracle sees when it looks at a simulation from outside: loads, pointers and
//! values, at the end or at a sample.

use std::collections::BTreeMap;

use smallvec::SmallVec;

use crate::id::Id;
use crate::measure::summary::{MessageCount, RingHealth, Values, Waiting};
use crate::measure::{Tally, mean, metrics};
use crate::oracle::Rings;
use crate::overlay::{Overlay, Peer};
use crate::sim::{Address, Duration, Purpose, Stream, Traffic};
use crate::workload::Keys;

use super::drive::Drive;

/// Counts at the moment of a sample, of which the next sample takes the difference.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    seconds: f64,
    messages: u64,
    /// Bytes sent, acknowledgements included, in the order of [`Purpose::ALL`].
    bytes: [u64; Purpose::ALL.len()],
    lookups: Ended,
    gets: Ended,
    /// Messages that waited at each server, and how long.
    waited: Vec<(u64, Duration)>,
}

/// What the engine had counted when the warm-up ended, of which results take the difference;
/// nothing without one.
#[derive(Clone, Debug, Default)]
pub(super) struct WarmUp {
    messages: Vec<MessageCount>,
    handled: Vec<u64>,
    /// Messages that waited at each server, and how long.
    waited: Vec<(u64, Duration)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Ended {
    rightly: u64,
    wrongly: u64,
    /// Without an answer.
    not: u64,
}

impl Ended {
    /// The shares of those since an earlier moment that ended rightly, wrongly, and not.
    fn shares_since(self, earlier: Ended) -> Option<[f64; 3]> {
        let ended = [
            self.rightly - earlier.rightly,
            self.wrongly - earlier.wrongly,
            self.not - earlier.not,
        ];
        let all: u64 = ended.iter().sum();
        (all > 0).then(|| ended.map(|count| count as f64 / all as f64))
    }
}

impl<P: Overlay> Drive<'_, P> {
    /// Keys that each server would carry if the oracle placed them; each machine, where servers
    /// come and go.
    pub(super) fn keys_per_server(&self) -> Vec<u64> {
        let mut keys = vec![0; self.population.machines()];
        if self.ring().is_empty() {
            return keys;
        }
        let workload = &self.setup.workload;
        let random = Stream::new(self.setup.seed, self.repeat, "keys");
        let (truth, copies) = (self.truth(), workload.key_copies as usize);
        let server_of = |node| self.population.server_of(node);
        for key in Keys::new(self.setup.id_space, workload.keys, random) {
            for node in truth.owners_on_distinct_servers(key, copies, server_of) {
                keys[self.population.machine_of(server_of(node))] += 1;
            }
        }
        keys
    }

    /// What the engine has counted so far.
    pub(super) fn engine_counts(&self) -> WarmUp {
        let (messages, handled) = (self.sent(), self.handled_per_server());
        WarmUp { messages, handled, waited: self.waited() }
    }

    /// Messages that each server has handled since the warm-up.
    pub(super) fn counted_handled(&self) -> Vec<u64> {
        let before = self.warm_up().handled.iter().copied().chain(std::iter::repeat(0));
        self.handled_per_server()
            .into_iter()
            .zip(before)
            .map(|(all, before)| all - before)
            .collect()
    }

    /// Messages that each server has handled since the start; each machine, where servers come
    /// and go.
    pub(super) fn handled_per_server(&self) -> Vec<u64> {
        let on_machine = |machine| {
            let nodes = self.nodes_on(machine);
            nodes.map(|node| self.simulation.handled(node)).sum()
        };
        (0..self.population.machines()).map(on_machine).collect()
    }

    /// Nodes at all places of a machine.
    fn nodes_on(&self, machine: usize) -> impl Iterator<Item = Address> + use<P> {
        self.population.nodes_of(self.population.first_on(machine))
    }

    /// How messages have waited, since the warm-up, for nodes that take their time.
    pub(super) fn waiting(&self, handled: &[u64]) -> Waiting {
        let mean_ms =
            |(messages, total): (u64, Duration)| total.as_millis_f64() / (messages.max(1)) as f64;
        let before = self.warm_up().waited.iter().copied();
        let before = before.chain(std::iter::repeat((0, Duration::ZERO)));
        let waited: Vec<(u64, Duration)> = self
            .waited()
            .into_iter()
            .zip(before)
            .map(|((messages, total), (earlier, of_them))| {
                (messages - earlier, Duration::from_nanos(total.as_nanos() - of_them.as_nanos()))
            })
            .collect();
        let all = waited.iter().fold((0, Duration::ZERO), |(messages, total), (more, longer)| {
            (messages + more, total + *longer)
        });
        let busiest =
            (0..handled.len()).max_by_key(|server| (handled[*server], usize::MAX - server));
        let places = (0..handled.len()).flat_map(|machine| self.nodes_on(machine));
        let longest = places.map(|node| self.simulation.waiting(node).longest);
        Waiting {
            mean_ms: mean_ms(all),
            busiest_ms: busiest.map_or(0.0, |server| mean_ms(waited[server])),
            max_ms: longest.max().unwrap_or_default().as_millis_f64(),
        }
    }

    /// Messages that waited at each server or machine, and how long.
    fn waited(&self) -> Vec<(u64, Duration)> {
        let on_machine = |machine| {
            self.nodes_on(machine).fold((0, Duration::ZERO), |(messages, total), node| {
                let waiting = self.simulation.waiting(node);
                (messages + waiting.messages, total + waiting.total)
            })
        };
        (0..self.population.machines()).map(on_machine).collect()
    }

    /// Messages sent since the warm-up, by kind.
    pub(super) fn messages(&self) -> Vec<MessageCount> {
        let mut messages = self.sent();
        for (count, before) in messages.iter_mut().zip(&self.warm_up().messages) {
            count.messages -= before.messages;
            count.bytes -= before.bytes;
        }
        messages
    }

    /// Messages sent since the start, by kind.
    fn sent(&self) -> Vec<MessageCount> {
        let count = |kind: &str, purpose: Purpose, traffic: Traffic| MessageCount {
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

    /// Bytes sent since the start by what they serve, acknowledgements included.
    fn bytes_sent(&self) -> [u64; Purpose::ALL.len()] {
        let mut bytes = self.simulation.acknowledgements().map(|traffic| traffic.bytes);
        for (kind, traffic) in self.simulation.kinds().iter().zip(self.simulation.traffic()) {
            bytes[kind.purpose as usize] += traffic.bytes;
        }
        bytes
    }

    /// Compares every pointer of every node with what it should be; the rings that they form
    /// have been counted.
    pub(super) fn ring_health(&self, rings: &Rings) -> RingHealth {
        let protocol = self.simulation.protocol();
        let Some(shape) = protocol.ring() else { return RingHealth::default() };
        let (space, ids) = (self.setup.id_space, &self.population.ids);
        let truth = self.truth();
        let (mut successors, mut lists, mut predecessors) = (0, 0, 0);
        let (mut right_fingers, mut distinct) = (0, 0);
        let is_right = |first: Address, own: Address| {
            let mut candidate = first;
            for _ in 1..shape.finger_choices {
                if candidate == own {
                    return true;
                }
                candidate = truth.ring.next(ids, candidate);
            }
            candidate == own
        };
        let mut all_right = truth.all_pointers(shape.successors, shape.fingers);
        for address in self.ring().iter() {
            let Some(node) = self.node(protocol.host(address)) else { continue };
            let right = all_right.of(address);
            let own = protocol.neighbours(node, address, ids);
            successors += usize::from(own.successors.first() == right.successors.first());
            lists += usize::from(own.successors == right.successors);
            predecessors += usize::from(own.predecessor == Some(right.predecessor));
            let own_runs = protocol.finger_runs(node);
            let own_ends = own_runs.iter().skip(1).map(|(next, _)| *next).chain([space.bits()]);
            let right_ends = right.fingers.iter().skip(1).map(|(next, _)| *next);
            let mut right_runs = right.fingers.iter().zip(right_ends.chain([space.bits()]));
            let mut right_run = right_runs.next();
            for ((mut first, own), end) in own_runs.iter().copied().zip(own_ends) {
                distinct += usize::from(own.is_some());
                // The pieces of this run by what they should be.
                while let Some(((_, (finger, _)), right_end)) = right_run.filter(|_| first < end) {
                    let piece_end = end.min(right_end);
                    if own.is_some_and(|own| is_right(*finger, own)) {
                        right_fingers += (piece_end - first) as usize;
                    }
                    first = piece_end;
                    if right_end <= end {
                        right_run = right_runs.next();
                    }
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
            rings: rings.sizes.len() as f64,
            largest_share: rings.largest_share(self.ring().len().max(1)),
            appendages: rings.appendages as f64,
        }
    }

    /// The rings that the nodes form, each by its first successor that is up; none where nodes
    /// stand on no ring.
    pub(super) fn rings(&self) -> Rings {
        const ABSENT: u32 = u32::MAX;
        let protocol = self.simulation.protocol();
        if protocol.ring().is_none() {
            return Rings::default();
        }
        let ids = &self.population.ids;
        let mut number_of = vec![ABSENT; ids.len()];
        for (number, token) in (0..).zip(self.ring().iter()) {
            number_of[token.index()] = number;
        }
        let next = |token: Address| {
            let node = self.node(protocol.host(token))?;
            let successors = protocol.neighbours(node, token, ids).successors;
            let numbers = successors.into_iter().map(|successor| number_of[successor.index()]);
            numbers.into_iter().find(|number| *number != ABSENT).map(|number| number as usize)
        };
        Rings::of(&self.ring().iter().map(next).collect::<Vec<_>>())
    }

    /// Whether every node keeps a view of the whole membership.
    pub(super) fn all_know_all(&self) -> bool {
        let protocol = self.simulation.protocol();
        let first = self.nodes().next();
        first.is_some_and(|(_, node)| protocol.has_right_view(node, self.truth()).is_some())
    }

    /// The nodes that are up, each once.
    fn nodes(&self) -> impl Iterator<Item = (Address, &P::Node)> {
        let protocol = self.simulation.protocol();
        let hosts = self.ring().iter().filter(|token| protocol.host(*token) == *token);
        hosts.filter_map(|host| Some((host, self.node(host)?)))
    }

    /// How many others each node keeps track of.
    pub(super) fn routing_entries(&self) -> Vec<u64> {
        let protocol = self.simulation.protocol();
        self.nodes().map(|(_, node)| protocol.routing_entries(node) as u64).collect()
    }

    /// What has become of the values that were put.
    pub(super) fn values(&self) -> Values {
        let ledger = self.simulation.observer.ledger();
        if ledger.is_empty() {
            return Values::default();
        }
        let protocol = self.simulation.protocol();
        // The holders of each key's newest value, by key.
        let mut holders: BTreeMap<Id, (u32, Vec<Address>)> =
            ledger.values().map(|(key, value)| (key, (value.version, Vec::new()))).collect();
        for (address, node) in self.nodes() {
            for (key, value) in protocol.holds(node) {
                if let Some((version, holders)) = holders.get_mut(&key)
                    && value.version >= *version
                {
                    holders.push(address);
                }
            }
        }
        let truth = self.truth();
        let mut values = Values { put: holders.len() as u64, ..Values::default() };
        for (key, (_, holders)) in &holders {
            values.copies += holders.len() as u64;
            let right = if truth.ring.is_empty() {
                SmallVec::new()
            } else {
                protocol.right_holders(*key, truth)
            };
            // Without fixed places any holder is a right one.
            let is_at_a_right_one =
                right.is_empty() || right.iter().any(|right| holders.contains(right));
            values.lost += u64::from(holders.is_empty());
            values.unavailable += u64::from(!holders.is_empty() && !is_at_a_right_one);
        }
        values
    }

    /// What has been counted so far.
    pub(super) fn progress(&self) -> Progress {
        let in_all = |get: fn(&Tally) -> u64| self.simulation.observer.in_all(get);
        Progress {
            seconds: self.simulation.now().since(crate::sim::Time::ZERO).as_secs_f64(),
            messages: self.simulation.traffic().iter().map(|traffic| traffic.messages).sum(),
            bytes: self.bytes_sent(),
            lookups: Ended {
                rightly: in_all(|tally| tally.correct),
                wrongly: in_all(|tally| tally.incorrect),
                not: in_all(|tally| tally.failures.total()),
            },
            gets: Ended {
                rightly: in_all(|tally| tally.storage.gets.correct),
                wrongly: in_all(|tally| tally.storage.gets.old + tally.storage.gets.missing),
                not: in_all(|tally| tally.storage.gets.failures.total()),
            },
            waited: self.waited(),
        }
    }

    /// The quantities of a sample, as far as there is anything to measure.
    pub(super) fn sample_values(&self, now: &Progress) -> BTreeMap<&'static str, f64> {
        let last = self.last_progress();
        let protocol = self.simulation.protocol();
        let nodes = self.nodes().count() as f64;
        let mut values = BTreeMap::from([("nodes", nodes)]);
        if protocol.ring().is_some() {
            let ring = self.ring_health(&self.rings());
            values.insert("ring.right_successors", ring.right_successors);
            values.insert("ring.right_predecessors", ring.right_predecessors);
            values.insert("ring.right_fingers", ring.right_fingers);
            values.insert("ring.rings", ring.rings);
            values.insert("ring.largest_share", ring.largest_share);
        }
        let views: Vec<f64> = self
            .nodes()
            .filter_map(|(_, node)| protocol.has_right_view(node, self.truth()))
            .map(|is_right| f64::from(u8::from(is_right)))
            .collect();
        if !views.is_empty() {
            values.insert("views.right", mean(&views));
        }
        if let Some([success, incorrect, failed]) = now.lookups.shares_since(last.lookups) {
            values.insert("lookups.success", success);
            values.insert("lookups.incorrect", incorrect);
            values.insert("lookups.failed", failed);
        }
        if let Some([success, ..]) = now.gets.shares_since(last.gets) {
            values.insert("gets.success", success);
        }
        let stored = self.values();
        if stored.put > 0 {
            let available = stored.put - stored.lost - stored.unavailable;
            values.insert("storage.available", available as f64 / stored.put as f64);
            values.insert("storage.lost", stored.lost as f64);
            values.insert("storage.copies", stored.copies as f64 / stored.put as f64);
        }
        let peers =
            |which| self.nodes().filter(move |(_, node)| protocol.peer(node) == Some(which));
        let (leechers, seeds) = (peers(Peer::Leecher).count(), peers(Peer::Seed).count());
        if leechers + seeds > 0 {
            values.insert("swarm.leechers", leechers as f64);
            values.insert("swarm.seeds", seeds as f64);
            let completed = self.simulation.observer.in_all(|tally| tally.downloads.completed);
            values.insert("swarm.completed", completed as f64);
        }
        let seconds = now.seconds - last.seconds;
        if seconds > 0.0 {
            let rate = |now: u64, last: u64| (now - last) as f64 / seconds / nodes.max(1.0);
            values.insert("messages.sent", rate(now.messages, last.messages));
            let of = |purpose: Purpose| {
                let place = purpose as usize;
                (now.bytes[place], last.bytes[place])
            };
            let (maintenance, lookup) = (of(Purpose::Maintenance), of(Purpose::Lookup));
            values.insert("bytes.sent", rate(now.bytes.iter().sum(), last.bytes.iter().sum()));
            values.insert("bytes.maintenance", rate(maintenance.0, maintenance.1));
            values.insert("bytes.lookup", rate(lookup.0, lookup.1));
        }
        // The server for which messages waited longest since the last sample.
        let none = (0, Duration::ZERO);
        let waits = now.waited.iter().enumerate().filter_map(|(server, (messages, total))| {
            let (before, before_total) = last.waited.get(server).copied().unwrap_or(none);
            let messages = messages - before;
            let total = total.as_millis_f64() - before_total.as_millis_f64();
            (messages > 0).then(|| total / messages as f64)
        });
        if let Some(longest) = waits.reduce(f64::max) {
            values.insert("waiting_ms", longest);
        }
        debug_assert!(values.keys().all(|name| metrics::find_series(name).is_some()), "{values:?}");
        values
    }
}
