//! What is asked of the nodes from outside, by their users: puts, gets and lookups.
//!
//! In a large system every request finds the memory that it touches far away. What the next
//! requests are for is known ahead, so that it is fetched while others are served.

use crate::id::Id;
use crate::overlay::Overlay;
use crate::scenario::{Setup, format};
use crate::sim::{Address, Operation, Status, Stream, Time, prefetch};
use crate::workload::{RequestStreams, Requests};

use super::build;
use super::drive::Drive;

/// The requests of a run that are to come.
#[derive(Debug)]
pub(super) struct Asked {
    lookups: Option<Box<Requests<Wanted>>>,
    puts: Option<Box<Requests<usize>>>,
    gets: Option<Box<Requests<usize>>>,
    /// The next key that has no value yet.
    next_new_key: usize,
    /// Whether there are so many nodes that what requests touch is not in the cache.
    is_large: bool,
}

/// What a lookup is for. It does not depend on who asks.
#[derive(Clone, Copy, Debug)]
enum Wanted {
    Key(Id),
    /// The key that the finger with this number of whoever asks stands on.
    OwnFinger(u32),
}

/// From so many nodes on their identifiers and the ring do not fit the second-level cache.
const LARGE: usize = 1 << 15;

/// How many lookups ahead something is fetched: each needs what the one before it has fetched.
/// All are below [`Requests::FORESEEN`].
mod ahead {
    pub(super) const NODE: usize = 15;
    pub(super) const ID: usize = 12;
    pub(super) const ARC: usize = 9;
    pub(super) const MEMBERS: usize = 6;
    pub(super) const AROUND: usize = 3;
}

impl Asked {
    /// The requests of so many nodes, whose addresses are the multiples of `stride` and so many
    /// of which are up at the start.
    pub(super) fn new(setup: &Setup, repeat: u32, nodes: usize, stride: usize, up: usize) -> Self {
        let storage = setup.workload.storage.as_ref();
        let lookups = setup.workload.lookups.as_ref();
        let puts = storage.and_then(|storage| storage.puts.as_ref());
        let gets = storage.and_then(|storage| storage.gets.as_ref());
        let preloaded = storage.filter(|storage| storage.preloaded);
        let of = |kind| (RequestStreams::new(setup.seed, repeat, kind), nodes, stride, up);
        Asked {
            lookups: requests(lookups, of("lookups")),
            puts: requests(puts, of("puts")),
            gets: requests(gets, of("gets")),
            next_new_key: preloaded.map_or(0, |storage| storage.keys as usize),
            is_large: nodes > LARGE,
        }
    }

    pub(super) fn next_lookup(&self) -> Option<Time> {
        self.lookups.as_ref()?.next_time()
    }

    pub(super) fn next_put(&self) -> Option<Time> {
        self.puts.as_ref()?.next_time()
    }

    pub(super) fn next_get(&self) -> Option<Time> {
        self.gets.as_ref()?.next_time()
    }

    /// So many nodes are up from now on.
    pub(super) fn population_changed(&mut self, now: Time, up: usize) {
        if let Some(lookups) = &mut self.lookups {
            lookups.population_changed(now, up);
        }
        for requests in [&mut self.puts, &mut self.gets].into_iter().flatten() {
            requests.population_changed(now, up);
        }
    }
}

fn requests<T>(
    plan: Option<&format::Requests>,
    (random, nodes, stride, up): (RequestStreams, usize, usize, usize),
) -> Option<Box<Requests<T>>> {
    let plan = build::request_plan(plan?);
    Some(Box::new(Requests::new(plan, nodes, stride, up, random)))
}

impl<P: Overlay> Drive<'_, P> {
    pub(super) fn put(&mut self) {
        let keys = self.simulation.observer.ledger().len();
        let draw = |random: &mut Stream| random.below(keys as u64) as usize;
        let Some((node, any)) = self.next_request(|asked| &mut asked.puts, draw) else { return };
        let new = self.asked.next_new_key;
        let key = if new < keys { new } else { any };
        self.asked.next_new_key += 1;
        let simulation = &mut self.simulation;
        let (request, value) = simulation.observer.issue_put(simulation.now(), key);
        let key = simulation.observer.ledger().id(key);
        simulation.operate(node, Operation::Put { request, key, value });
    }

    pub(super) fn get(&mut self) {
        let keys = self.simulation.observer.ledger().len();
        let draw = |random: &mut Stream| random.below(keys as u64) as usize;
        let Some((node, key)) = self.next_request(|asked| &mut asked.gets, draw) else { return };
        let simulation = &mut self.simulation;
        let request = simulation.observer.issue_get(simulation.now(), key);
        let key = simulation.observer.ledger().id(key);
        simulation.operate(node, Operation::Get { request, key });
    }

    pub(super) fn look_up(&mut self) {
        if self.asked.is_large {
            self.fetch_for_next_lookups();
        }
        let Some((node, key)) = self.draw_lookup() else { return };
        let simulation = &mut self.simulation;
        let lookup = simulation.observer.issue(simulation.now(), node, key);
        if self.to_trace > 0 {
            self.to_trace -= 1;
            simulation.observer.trace(lookup);
        }
        simulation.operate(node, Operation::Lookup { lookup, key });
    }

    /// The next lookup: who asks, and for which key. `None` if nobody asks.
    fn draw_lookup(&mut self) -> Option<(Address, Id)> {
        let space = self.setup.id_space;
        let keys = self.setup.workload.lookups.as_ref().and_then(|lookups| lookups.keys);
        let draw = |random: &mut Stream| match keys.unwrap_or_default() {
            format::LookupKeys::Uniform => {
                Wanted::Key(space.from_random(std::array::from_fn(|_| random.bits())))
            }
            format::LookupKeys::OwnFingers => {
                Wanted::OwnFinger(random.below(u64::from(space.bits())) as u32)
            }
        };
        let (node, wanted) = self.next_request(|asked| &mut asked.lookups, draw)?;
        match wanted {
            Wanted::Key(key) => Some((node, key)),
            Wanted::OwnFinger(index) => {
                let finger = self.finger(node, index).filter(|finger| *finger != node)?;
                Some((node, self.population.ids[finger.index()]))
            }
        }
    }

    fn finger(&self, node: Address, index: u32) -> Option<Address> {
        self.simulation.protocol().finger(self.simulation.node(node)?, index)
    }

    /// Asks for memory that coming lookups will touch: the node that asks, the identifier that
    /// its finger stands on, and the nodes around that on the ring.
    fn fetch_for_next_lookups(&self) {
        let Some(lookups) = &self.asked.lookups else { return };
        if let Some((Some(node), _)) = lookups.foresee(ahead::NODE) {
            self.simulation.prefetch_node(node);
        }
        if let Some((Some(node), Wanted::OwnFinger(index))) = lookups.foresee(ahead::ID)
            && let Some(finger) = self.finger(node, *index)
        {
            prefetch(&self.population.ids[finger.index()]);
        }
        let key = |ahead| match lookups.foresee(ahead)? {
            (_, Wanted::Key(key)) => Some(*key),
            (asking, Wanted::OwnFinger(index)) => {
                Some(self.population.ids[self.finger(asking?, *index)?.index()])
            }
        };
        let ring = self.ring();
        if let Some(key) = key(ahead::ARC) {
            ring.prefetch_arc(key);
        }
        if let Some(key) = key(ahead::MEMBERS) {
            ring.prefetch_members(key);
        }
        if let Some(key) = key(ahead::AROUND).filter(|_| !ring.is_empty()) {
            let (before, _) = ring.around(&self.population.ids, key);
            prefetch(&self.population.ids[before.index()]);
        }
    }

    /// The next request of a kind: who asks, and for what. `None` when it is the turn of a
    /// node that cannot be asked.
    fn next_request<T>(
        &mut self,
        of: impl Fn(&mut Asked) -> &mut Option<Box<Requests<T>>>,
        draw: impl Fn(&mut Stream) -> T,
    ) -> Option<(Address, T)> {
        let (simulation, leaving) = (&self.simulation, &self.leaving);
        let who_can_be_asked = |node| {
            simulation.holder(node).filter(|node| {
                simulation.status(*node) == Status::Up
                    && simulation.protocol().has_users(*node)
                    && !leaving.contains(node)
            })
        };
        let requests = of(&mut self.asked).as_mut()?;
        let next = requests.next(&self.up, who_can_be_asked, draw);
        if next.is_none() && self.up.iter().all(|node| self.leaving.contains(node)) {
            self.notices.request_not_made();
        }
        next.filter(|(node, _)| !self.leaving.contains(node))
    }
}
