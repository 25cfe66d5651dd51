//! Values survive whatever comes in good order, on every overlay; and single nodes do what
//! they are told.

use proptest::prelude::*;

use super::*;
use crate::id::IdSpace;
use crate::oracle::Ring;
use crate::overlay::chord::{Chord, FingerInit, FixedFingers, JoinVersion, Period};
use crate::overlay::full_membership::{self, FullMembership, Spread};
use crate::population::Population;
use crate::sim::{Envelope, Network, Observer, RequestId, Simulation, Status, Stream, Time};

const MS: fn(u64) -> Duration = Duration::from_millis;
/// From one node to another.
const DELAY: Duration = Duration::from_millis(20);
/// All nodes that there may ever be.
const NODES: usize = 24;
/// Nodes at the start.
const INITIAL: usize = 8;
const KEYS: usize = 12;

struct Still;

impl Network for Still {
    fn delay(&mut self, _: Time, _: Envelope) -> Option<Duration> {
        Some(DELAY)
    }
}

#[derive(Default)]
struct Notes(Vec<Note>);

impl Observer for Notes {
    fn on_note(&mut self, _: Time, _: Address, note: Note) {
        self.0.push(note);
    }
}

/// A system under random orders, with the truth about its values.
struct World<'i, P: KeyRouting> {
    simulation: Simulation<'i, Stored<P>, Still, Notes>,
    ids: &'i [Id],
    keys: Vec<Id>,
    /// For each key the newest version that was acknowledged, and that was put.
    acknowledged: Vec<u32>,
    put: Vec<u32>,
    /// The requests under way: which key, which version was put or must be found.
    requests: Vec<(usize, u32)>,
    leaving: Vec<Address>,
    /// When nodes were asked to leave.
    left: Vec<Time>,
    next: usize,
    /// Joins and leaves of this system must not overlap.
    one_by_one: bool,
    /// Nobody joins or leaves any more.
    is_quiet: bool,
}

/// What is done to it.
#[derive(Clone, Copy, Debug)]
enum Step {
    Put(u8, u8),
    Get(u8, u8),
    Join,
    Leave(u8),
    Wait(u16),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (any::<u8>(), any::<u8>()).prop_map(|(node, key)| Step::Put(node, key)),
        2 => (any::<u8>(), any::<u8>()).prop_map(|(node, key)| Step::Get(node, key)),
        2 => Just(Step::Join),
        2 => any::<u8>().prop_map(Step::Leave),
        3 => (1u16..800).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 1..60)
}

impl<'i, P: KeyRouting> World<'i, P> {
    fn new(routing: P, storage: Storage, ids: &'i [Id], seed: u64, one_by_one: bool) -> Self {
        let stored = Stored::new(routing, storage);
        let parameters = stored.clone();
        let tokens = ids.len() / NODES;
        let ring = Ring::of(ids, (0..INITIAL * tokens).map(Address::new));
        let truth = Truth { ring: &ring, ids, space: storage.space };
        let random = Stream::new(seed, 0, "test");
        let mut simulation = Simulation::new(stored, Still, Notes::default(), ids, random);
        let mut converged = parameters.converged(truth, |_, _| Duration::ZERO);
        for node in (0..INITIAL).map(|server| Address::new(server * tokens)) {
            simulation.start_with(node, converged(node), Start::Resume);
        }
        let keys: Vec<Id> =
            (0..KEYS).map(|key| storage.space.hash(format!("{seed} {key}"))).collect();
        let values = keys.iter().map(|key| (*key, Value { version: 1, bytes: 100 }));
        let (protocol, mut nodes) = simulation.set_up();
        protocol.preload(values, truth, &mut nodes);
        let (acknowledged, put) = (vec![1; KEYS], vec![1; KEYS]);
        let (requests, leaving, left) = (Vec::new(), Vec::new(), Vec::new());
        let (next, is_quiet) = (INITIAL, false);
        World {
            simulation,
            ids,
            keys,
            acknowledged,
            put,
            requests,
            leaving,
            left,
            next,
            one_by_one,
            is_quiet,
        }
    }

    /// The node of a server.
    fn host(&self, server: usize) -> Address {
        Address::new(server * (self.ids.len() / NODES))
    }

    fn up(&self) -> Vec<Address> {
        let all = (0..self.next).map(|server| self.host(server));
        all.filter(|node| self.simulation.status(*node) == Status::Up).collect()
    }

    fn staying(&self) -> Vec<Address> {
        self.up().into_iter().filter(|node| !self.leaving.contains(node)).collect()
    }

    fn take(&mut self, step: Step) {
        let staying = self.staying();
        let at = |choice: u8| staying[usize::from(choice) % staying.len()];
        let request = RequestId(self.requests.len() as u32);
        match step {
            Step::Put(node, key) => {
                let key = usize::from(key) % KEYS;
                self.put[key] += 1;
                let value = Value { version: self.put[key], bytes: 100 };
                self.requests.push((key, value.version));
                let operation = Operation::Put { request, key: self.keys[key], value };
                self.simulation.operate(at(node), operation);
            }
            Step::Get(node, key) => {
                let key = usize::from(key) % KEYS;
                self.requests.push((key, self.acknowledged[key]));
                let operation = Operation::Get { request, key: self.keys[key] };
                self.simulation.operate(at(node), operation);
            }
            Step::Join if self.next < NODES => {
                let node = self.host(self.next);
                self.next += 1;
                // Through the one that never leaves.
                let contact = Address::new(0);
                self.simulation.start(node, Start::Join { contact });
                self.settle();
            }
            Step::Leave(node) if self.may_leave(at(node)) => {
                self.left.push(self.simulation.now());
                self.leaving.push(at(node));
                self.simulation.leave(at(node));
                self.settle();
            }
            Step::Join | Step::Leave(_) => {}
            Step::Wait(ms) => self.run(MS(u64::from(ms))),
        }
        self.look();
    }

    /// Whether a node may leave now: some stay, and between two rounds of stabilisation no
    /// more go than a successor list outlives.
    fn may_leave(&self, node: Address) -> bool {
        let now = self.simulation.now();
        let of_late = self.left.iter().filter(|at| now.since(**at) < Duration::from_secs(3));
        self.staying().len() > 4 && node != Address::new(0) && of_late.count() < 3
    }

    fn settle(&mut self) {
        if self.one_by_one {
            self.run(Duration::from_secs(20));
        }
    }

    /// Lets time pass, and looks at every answer and at every value.
    fn run(&mut self, time: Duration) {
        let end = self.simulation.now() + time;
        while self.simulation.now() < end {
            let next = end.min(self.simulation.now() + DELAY);
            self.simulation.run_before(next);
            self.look();
        }
    }

    fn look(&mut self) {
        for note in std::mem::take(&mut self.simulation.observer.0) {
            match note {
                Note::Stored(request) => {
                    let (key, version) = self.requests[request.0 as usize];
                    self.acknowledged[key] = self.acknowledged[key].max(version);
                }
                Note::Fetched { request, value, .. } => {
                    let (key, version) = self.requests[request.0 as usize];
                    let found = value.map_or(0, |value| value.version);
                    // While joins and leaves overlap, a get may come between two owners.
                    let is_sure = self.one_by_one || self.is_quiet;
                    assert!(!is_sure || found >= version, "key {key}: {found} for {version}");
                }
                _ => {}
            }
        }
        for (key, version) in self.keys.iter().zip(&self.acknowledged) {
            let is_there = self.up().iter().any(|node| self.version_at(*node, *key) >= *version);
            assert!(is_there, "version {version} of {key:?} is lost");
        }
    }

    fn version_at(&self, node: Address, key: Id) -> u32 {
        let node = self.simulation.node(node).unwrap();
        let versions = self.simulation.protocol().holds(node).filter(|(held, _)| *held == key);
        versions.map(|(_, value)| value.version).max().unwrap_or(0)
    }

    /// After a while without joins and leaves every value is with its right holders, and every
    /// node gets it.
    fn finish(&mut self) {
        self.run(Duration::from_secs(60));
        self.is_quiet = true;
        assert_eq!(self.staying().len(), self.up().len(), "who leaves departs in the end");
        let tokens = self.ids.len() / NODES;
        let of = |node: Address| (node.index()..node.index() + tokens).map(Address::new);
        let up: Vec<Address> = self.up().into_iter().flat_map(of).collect();
        let ring = Ring::of(self.ids, up.into_iter());
        let space = self.simulation.protocol().storage.space;
        let truth = Truth { ring: &ring, ids: self.ids, space };
        for key in 0..KEYS {
            let right = self.simulation.protocol().right_holders(self.keys[key], truth);
            let newest =
                |node: &Address| self.version_at(*node, self.keys[key]) >= self.acknowledged[key];
            assert!(right.iter().all(newest), "key {key} is new at all of {right:?}");
        }
        let asked = self.requests.len();
        for (turn, node) in self.up().into_iter().enumerate() {
            let key = turn % KEYS;
            let request = RequestId(self.requests.len() as u32);
            self.requests.push((key, self.acknowledged[key]));
            self.simulation.operate(node, Operation::Get { request, key: self.keys[key] });
        }
        let end = self.simulation.now() + Duration::from_secs(5);
        self.simulation.run_before(end);
        let answered = |note: &&Note| matches!(note, Note::Fetched { request, .. } if request.0 as usize >= asked);
        let answers = self.simulation.observer.0.iter().filter(answered).count();
        assert_eq!(answers, self.requests.len() - asked, "every get is answered");
        self.look();
    }
}

fn ids(space: IdSpace, seed: u64, tokens: usize) -> Vec<Id> {
    let mut random = Stream::new(seed, 0, "addresses");
    Population::draw(space, NODES, tokens, &mut random).ids
}

fn chord(space: IdSpace, successors: usize, fingers: bool) -> Chord {
    let period = Period { mean: Duration::from_secs(1), jitter: 0.5 };
    Chord {
        successors,
        fingers,
        request_timeout: MS(200),
        stabilize: Some(period),
        fix_fingers: fingers.then_some((period, FixedFingers::AllDistant)),
        check_predecessor: Some(period),
        ..Chord::new(space)
    }
}

fn storage(space: IdSpace, copies: usize, spaced: bool) -> Storage {
    Storage {
        space,
        copies,
        placement: if spaced {
            Placement::Spaced(space.power_of_two(space.bits() - 2))
        } else {
            Placement::Followers
        },
        request_timeout: MS(200),
        repair: Some(Duration::from_secs(10)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..crate::property::config() })]

    /// Nothing is lost by a graceful leave or by a join, however they overlap.
    #[test]
    fn nothing_is_lost_on_chord(
        seed: u64,
        copies in 1usize..=3,
        spaced: bool,
        fingers: bool,
        steps in steps(),
    ) {
        let space = IdSpace::new(32).unwrap();
        let ids = ids(space, seed, 1);
        let routing = chord(space, 6, fingers);
        let mut world = World::new(routing, storage(space, copies, spaced), &ids, seed, false);
        for step in steps {
            world.take(step);
        }
        world.finish();
    }

    /// The same on the base version, whose joins and leaves come one by one.
    #[test]
    fn nothing_is_lost_on_base_chord(
        seed: u64,
        copies in 1usize..=2,
        spaced: bool,
        init in prop::sample::select(vec![
            FingerInit::Each,
            FingerInit::SkipCovered,
            FingerInit::NeighbourHints,
        ]),
        steps in steps(),
    ) {
        let space = IdSpace::new(32).unwrap();
        let ids = ids(space, seed, 1);
        let join = JoinVersion::Base(init);
        let (stabilize, fix_fingers, check_predecessor) = (None, None, None);
        let routing = Chord {
            join, stabilize, fix_fingers, check_predecessor, ..chord(space, 1, true)
        };
        let mut world = World::new(routing, storage(space, copies, spaced), &ids, seed, true);
        for step in steps {
            world.take(step);
        }
        world.finish();
    }

    /// The same where every node knows all members.
    #[test]
    fn nothing_is_lost_with_full_membership(
        seed: u64,
        copies in 1usize..=3,
        spaced: bool,
        tokens in 1usize..=3,
        gossip: bool,
        steps in steps(),
    ) {
        let space = IdSpace::new(32).unwrap();
        let ids = ids(space, seed, tokens);
        let parameters = full_membership::Parameters {
            placement: full_membership::Placement::Ring,
            spread: if gossip {
                Spread::Gossip { period: MS(500), fanout: 1, anti_entropy: Duration::from_secs(5) }
            } else {
                Spread::Broadcast
            },
            request_timeout: MS(200),
        };
        let routing = FullMembership::new(parameters, space, &ids, tokens);
        let mut world = World::new(routing, storage(space, copies, spaced), &ids, seed, false);
        for step in steps {
            world.take(step);
        }
        world.finish();
    }
}

mod crashes;

/// Single nodes, driven by hand on the notes' ring of 0, 1 and 3.
mod by_hand {
    use super::*;
    use crate::sim::{Bench, Effect};

    fn notes_ring() -> (IdSpace, Vec<Id>) {
        let space = IdSpace::new(3).unwrap();
        (space, [0, 1, 3, 6].map(|number| space.id(number)).to_vec())
    }

    /// The node at `index` of the converged ring of 0, 1 and 3.
    fn bench<'a>(
        protocol: &'a Stored<Chord>,
        ids: &'a [Id],
        index: usize,
    ) -> Bench<'a, Stored<Chord>> {
        let ring = Ring::of(ids, (0..3).map(Address::new));
        let truth = Truth { ring: &ring, ids, space: protocol.storage.space };
        let mut bench = Bench::new(protocol, Address::new(index), ids);
        bench.node = protocol.converged(truth, |_, _| Duration::ZERO)(Address::new(index));
        bench
    }

    fn sent(record: &Record<Stored<Chord>>) -> Vec<(Address, StorageMessage)> {
        let of = |effect: &Effect<_, _>| match effect {
            Effect::Send { to, message: StoredMessage::Storage(message), .. } => {
                Some((*to, *message))
            }
            _ => None,
        };
        record.effects.iter().filter_map(of).collect()
    }

    fn notes(record: &Record<Stored<Chord>>) -> Vec<Note> {
        let of = |effect: &Effect<_, _>| match effect {
            Effect::Note(note) => Some(*note),
            _ => None,
        };
        record.effects.iter().filter_map(of).collect()
    }

    const VALUE: Value = Value { version: 7, bytes: 100 };
    const REQUEST: RequestId = RequestId(5);

    fn store(item: ItemKey) -> StoredMessage<crate::overlay::chord::ChordMessage> {
        StoredMessage::Storage(StorageMessage::Store { request: REQUEST, item, value: VALUE })
    }

    #[test]
    fn the_owner_takes_a_value_in_and_others_say_whose_it_is() {
        let (space, ids) = notes_ring();
        let protocol = Stored::new(chord(space, 1, true), storage(space, 1, false));
        let item = ItemKey { key: space.id(2), copy: 0 };
        let asking = Address::new(0);

        let mut owner = bench(&protocol, &ids, 2);
        let did = owner.deliver(asking, store(item), &[]);
        let stored = StorageMessage::Stored { request: REQUEST, item, complete: true };
        assert_eq!(sent(&did).last().unwrap().1, stored);
        assert_eq!(protocol.holds(&owner.node).collect::<Vec<_>>(), [(item.key, VALUE)]);

        // Node 1 has node 0 before it: key 2 is not its own, and not known to be anyone's.
        let mut other = bench(&protocol, &ids, 1);
        let did = other.deliver(asking, store(item), &[]);
        let elsewhere =
            StorageMessage::Elsewhere { request: REQUEST, item, owner: Address::new(0) };
        assert_eq!(sent(&did).last().unwrap().1, elsewhere);
        assert_eq!(protocol.holds(&other.node).count(), 0);
    }

    #[test]
    fn a_put_waits_for_its_copies() {
        let (space, ids) = notes_ring();
        let protocol = Stored::new(chord(space, 2, true), storage(space, 2, false));
        let item = ItemKey { key: space.id(2), copy: 0 };
        let (asking, follower) = (Address::new(1), Address::new(0));
        let mut owner = bench(&protocol, &ids, 2);
        let did = sent(&owner.deliver(asking, store(item), &[]));
        assert!(did.contains(&(follower, StorageMessage::Copy { item, value: VALUE })), "{did:?}");
        let stored = StorageMessage::Stored { request: REQUEST, item, complete: false };
        assert!(did.iter().any(|(_, message)| *message == stored), "{did:?}");
        let kept = StoredMessage::Storage(StorageMessage::Kept { item, version: 7 });
        let did = sent(&owner.deliver(follower, kept, &[]));
        assert_eq!(did, [(asking, StorageMessage::Copied { request: REQUEST, item })]);
    }

    #[test]
    fn a_put_is_not_acknowledged_by_those_who_have_an_older_version() {
        let (space, ids) = notes_ring();
        let protocol = Stored::new(chord(space, 2, true), storage(space, 2, false));
        let item = ItemKey { key: space.id(2), copy: 0 };
        let (asking, follower) = (Address::new(1), Address::new(0));
        let put = |version| {
            let (request, value) = (RequestId(version), Value { version, bytes: 100 });
            StoredMessage::Storage(StorageMessage::Store { request, item, value })
        };
        let kept = |version| StoredMessage::Storage(StorageMessage::Kept { item, version });
        let copied =
            |request| (asking, StorageMessage::Copied { request: RequestId(request), item });
        let mut owner = bench(&protocol, &ids, 2);
        owner.deliver(asking, put(7), &[]);
        owner.deliver(asking, put(8), &[]);
        assert_eq!(sent(&owner.deliver(follower, kept(7), &[])), []);
        let did = sent(&owner.deliver(follower, kept(8), &[]));
        assert_eq!(did, [copied(7), copied(8)]);
    }

    #[test]
    fn an_item_is_kept_until_its_new_owner_has_it() {
        let (space, ids) = notes_ring();
        let protocol = Stored::new(chord(space, 1, true), storage(space, 1, false));
        let item = ItemKey { key: space.id(6), copy: 0 };
        let newcomer = Address::new(3);
        let mut owner = bench(&protocol, &ids, 0);
        owner.deliver(Address::new(1), store(item), &[]);
        // Node 6 makes itself known.
        let notify = StoredMessage::Below(crate::overlay::chord::ChordMessage::Notify);
        let did = sent(&owner.deliver(newcomer, notify, &[]));
        let why = HandOver::Joined;
        assert_eq!(did, [(newcomer, StorageMessage::HandOver { item, value: VALUE, why })]);
        assert_eq!(protocol.holds(&owner.node).count(), 1, "until the newcomer has it");
        let taken = StoredMessage::Storage(StorageMessage::Taken { item, version: 7 });
        owner.deliver(newcomer, taken, &[]);
        assert_eq!(protocol.holds(&owner.node).count(), 0);
    }

    #[test]
    fn who_leaves_goes_when_all_is_handed_over() {
        let (space, ids) = notes_ring();
        let protocol = Stored::new(chord(space, 1, true), storage(space, 1, false));
        let item = ItemKey { key: space.id(1), copy: 0 };
        let heir = Address::new(2);
        let mut leaving = bench(&protocol, &ids, 1);
        leaving.deliver(Address::new(0), store(item), &[]);
        let did = leaving.leave();
        let why = HandOver::Leaving;
        assert_eq!(sent(&did), [(heir, StorageMessage::HandOver { item, value: VALUE, why })]);
        assert!(!did.effects.contains(&Effect::Depart));
        let taken = StoredMessage::Storage(StorageMessage::Taken { item, version: 7 });
        let did = leaving.deliver(heir, taken, &[]);
        assert!(did.effects.contains(&Effect::Depart));
        // Whoever wants to hand it anything meanwhile is refused.
        let why = HandOver::Joined;
        let more = StorageMessage::HandOver { item, value: VALUE, why };
        let did = sent(&leaving.deliver(heir, StoredMessage::Storage(more), &[]));
        assert!(did.iter().any(|(_, message)| *message == StorageMessage::Refused { item }));
    }

    #[test]
    fn a_get_of_ones_own_key_asks_nobody() {
        let (space, ids) = notes_ring();
        let protocol = Stored::new(chord(space, 1, true), storage(space, 1, false));
        let item = ItemKey { key: space.id(2), copy: 0 };
        let mut owner = bench(&protocol, &ids, 2);
        owner.deliver(Address::new(0), store(item), &[]);
        let did = owner.operate(Operation::Get { request: REQUEST, key: item.key });
        let found = Note::Fetched { request: REQUEST, value: Some(VALUE), hops: 0 };
        assert_eq!(notes(&did), [found]);
    }

    /// Who was released too early would be missed if the owner died before the newcomer had
    /// its copy.
    #[test]
    fn an_old_holder_is_released_when_the_new_one_has_its_copy() {
        let (space, ids) = notes_ring();
        let routing = Chord { ask_before_adopting: false, ..chord(space, 2, true) };
        let protocol = Stored::new(routing, storage(space, 2, false));
        let item = ItemKey { key: space.id(2), copy: 0 };
        let (old, newcomer) = (Address::new(0), Address::new(3));
        let mut owner = bench(&protocol, &ids, 2);
        let kept = StoredMessage::Storage(StorageMessage::Kept { item, version: 7 });
        owner.deliver(Address::new(1), store(item), &[]);
        owner.deliver(old, kept, &[]);
        // Node 6 is between this one and node 0, as node 0 says.
        let predecessor = Some(newcomer);
        let neighbours = crate::overlay::chord::ChordMessage::Neighbours { predecessor };
        let did = owner.deliver(old, StoredMessage::Below(neighbours), &[]);
        assert_eq!(sent(&did), [(newcomer, StorageMessage::Offer { item, version: 7 })]);
        let wanted = StoredMessage::Storage(StorageMessage::Wanted { item });
        let did = sent(&owner.deliver(newcomer, wanted, &[]));
        assert_eq!(did, [(newcomer, StorageMessage::Copy { item, value: VALUE })]);
        let did = sent(&owner.deliver(newcomer, kept, &[]));
        assert_eq!(did, [(old, StorageMessage::Release { item })]);
    }

    /// The owner has died before the newcomer that owns the item now had been sent it.
    #[test]
    fn a_copy_that_no_owner_speaks_of_is_offered_to_the_owner() {
        let (space, ids) = notes_ring();
        let protocol = Stored::new(chord(space, 2, true), storage(space, 2, false));
        let item = ItemKey { key: space.id(2), copy: 0 };
        let owner = Address::new(2);
        let mut holder = bench(&protocol, &ids, 0);
        let copy = StorageMessage::Copy { item, value: VALUE };
        holder.deliver(owner, StoredMessage::Storage(copy), &[]);
        let is_looked_up = |did: &Record<Stored<Chord>>| {
            let message = |effect: &Effect<_, _>| {
                matches!(effect, Effect::Send { message: StoredMessage::Below(_), .. })
            };
            did.effects.iter().any(message)
        };
        for _ in 0..2 {
            assert!(!is_looked_up(&holder.timer(StoredTimer::Repair)));
        }
        assert!(is_looked_up(&holder.timer(StoredTimer::Repair)));
        let wanted = StoredMessage::Storage(StorageMessage::Wanted { item });
        let did = sent(&holder.deliver(owner, wanted, &[]));
        let why = HandOver::Joined;
        assert_eq!(did, [(owner, StorageMessage::HandOver { item, value: VALUE, why })]);
        // As soon as an owner speaks of it again it is at peace.
        let offer = StorageMessage::Offer { item, version: 7 };
        holder.deliver(owner, StoredMessage::Storage(offer), &[]);
        assert!(!is_looked_up(&holder.timer(StoredTimer::Repair)));
    }
}
