//! Single nodes driven by hand, then whole rings: the worked examples of the papers
//! and the lecture notes.

use proptest::prelude::*;

use super::*;
use crate::id::Id;
use crate::oracle::{Ring, Truth};
use crate::sim::{
    Bench, Effect, Envelope, LookupId, Manner, Network, Note, Observer, Record, Simulation, Stream,
    Time,
};

mod base;
mod refinements;

const PERIOD: Period = Period { mean: Duration::from_secs(1), jitter: 0.5 };

fn chord(bits: u32) -> Chord {
    Chord::new(IdSpace::new(bits).unwrap())
}

fn maintained(bits: u32, successors: usize) -> Chord {
    Chord {
        successors,
        stabilize: Some(PERIOD),
        fix_fingers: Some((PERIOD, FixedFingers::InTurnDistant)),
        check_predecessor: Some(PERIOD),
        ..chord(bits)
    }
}

fn node(index: usize) -> Address {
    Address::new(index)
}

/// The m = 6 ring of the papers' figures; node 26 joins later.
const SIX: [u64; 11] = [1, 8, 14, 21, 32, 38, 42, 48, 51, 56, 26];

fn ids(space: IdSpace, numbers: &[u64]) -> Vec<Id> {
    numbers.iter().map(|n| space.id(*n)).collect()
}

fn place(numbers: &[u64], number: u64) -> Address {
    node(numbers.iter().position(|n| *n == number).unwrap())
}

/// A network of one delay that can lose everything to a node, and watches nothing.
struct Still;

impl Network for Still {
    fn delay(&mut self, _: Time, _: Envelope) -> Option<Duration> {
        Some(Duration::from_millis(50))
    }
}

#[derive(Default)]
struct Notes(Vec<(Address, Note)>);

impl Observer for Notes {
    fn on_note(&mut self, _: Time, at: Address, note: Note) {
        self.0.push((at, note));
    }
}

type Rings<'i> = Simulation<'i, Chord, Still, Notes>;

/// A converged ring of the first `count` nodes.
fn converged(chord: Chord, ids: &[Id], count: usize) -> Rings<'_> {
    converged_of(chord, ids, &(0..count).map(node).collect::<Vec<_>>())
}

/// A converged ring of these nodes.
fn converged_of<'i>(chord: Chord, ids: &'i [Id], up: &[Address]) -> Rings<'i> {
    let ring = Ring::of(ids, up.iter().copied());
    let parameters = chord.clone();
    let mut simulation =
        Simulation::new(chord, Still, Notes::default(), ids, Stream::new(1, 0, "test"));
    for address in up.iter().copied() {
        let right = Truth { ring: &ring, ids, space: parameters.space }.right_pointers(
            address,
            parameters.successors,
            parameters.fingers,
        );
        simulation.start_with(address, parameters.converged_node(&right), Start::Resume);
    }
    simulation
}

/// Looks a key up and runs until there is an answer: the path, the owner, the time-outs.
fn look_up(ring: &mut Rings<'_>, from: Address, key: Id) -> (Vec<Address>, Option<Address>, usize) {
    ring.observer.0.clear();
    ring.operate(from, Operation::Lookup { lookup: LookupId(7), key });
    let end = ring.now() + Duration::from_secs(3600);
    let answer = |notes: &Notes| {
        notes.0.iter().find_map(|(_, note)| match note {
            Note::Answer { lookup: LookupId(7), owner, .. } => Some(Some(*owner)),
            Note::NoRoute(LookupId(7)) => Some(None),
            _ => None,
        })
    };
    while answer(&ring.observer).is_none() && ring.now() < end {
        let next = ring.now() + Duration::from_millis(100);
        ring.run_before(next);
    }
    let notes = &ring.observer.0;
    let mut path: Vec<Address> = Vec::new();
    for (_, note) in notes {
        if let Note::StandsAt { lookup: LookupId(7), node } = note
            && path.last() != Some(node)
        {
            path.push(*node);
        }
    }
    let timeouts = notes.iter().filter(|(_, note)| *note == Note::TimedOut(LookupId(7))).count();
    (path, answer(&ring.observer).flatten(), timeouts)
}

fn sent(record: &Record<Chord>) -> Vec<(Address, ChordMessage, Manner)> {
    let effects = record.effects.iter();
    effects
        .filter_map(|effect| match effect {
            Effect::Send { to, message, manner, .. } => Some((*to, *message, *manner)),
            _ => None,
        })
        .collect()
}

/// Every node's pointers are those that the oracle computes.
fn assert_converged(ring: &Rings<'_>, ids: &[Id], up: &[Address]) {
    let chord = ring.protocol();
    let oracle = Ring::of(ids, up.iter().copied());
    for address in up {
        let right = Truth { ring: &oracle, ids, space: chord.space }.right_pointers(
            *address,
            chord.successors,
            chord.fingers,
        );
        let mut own = ring.node(*address).unwrap().clone();
        own.next_finger = 0;
        own.contact = None;
        own.try_again_soon = false;
        own.books = Books::default();
        assert_eq!(own, chord.converged_node(&right), "node {address:?}");
    }
}

fn drawn(space: IdSpace, count: usize, seed: u64) -> Vec<Id> {
    let mut random = Stream::new(seed, 0, "addresses");
    crate::population::Population::draw(space, count, 1, &mut random).ids
}

const STYLES: [LookupStyle; 3] =
    [LookupStyle::Iterative, LookupStyle::Recursive, LookupStyle::SemiRecursive];

mod one_node {
    use super::*;

    #[test]
    fn the_first_node_is_its_own_successor_and_owns_everything() {
        let chord = chord(3);
        let ids = ids(chord.space, &[5]);
        let mut bench = Bench::new(&chord, node(0), &ids);
        bench.start(Start::Create);
        assert_eq!(*bench.node.successors, [node(0)]);
        for key in 0..8 {
            let lookup = Operation::Lookup { lookup: LookupId(1), key: chord.space.id(key) };
            let did = bench.operate(lookup);
            let answer = Note::Answer { lookup: LookupId(1), owner: node(0), hops: 0 };
            assert!(did.effects.contains(&Effect::Note(answer)), "key {key}");
        }
    }

    #[test]
    fn notify_is_believed_only_when_it_is_nearer() {
        let chord = chord(6);
        let ids = ids(chord.space, &SIX);
        let at = |number| place(&SIX, number);
        let mut bench = Bench::new(&chord, at(32), &ids);
        bench.start(Start::Join { contact: at(1) });
        for (told, believed) in [(14, 14), (8, 14), (26, 26), (21, 26)] {
            bench.deliver(at(told), ChordMessage::Notify, &[]);
            assert_eq!(bench.node.predecessor, Some(at(believed)), "told by {told}");
        }
    }

    #[test]
    fn a_joining_node_asks_its_contact_then_its_successor_before_it_adopts_it() {
        let chord = chord(6);
        let ids = ids(chord.space, &SIX);
        let at = |number| place(&SIX, number);
        let mut bench = Bench::new(&chord, at(26), &ids);
        let query =
            Query { purpose: QueryFor::Join, origin: at(26), hops: 0, target: chord.space.id(26) };
        let wait = Manner::Request(chord.request_timeout);

        let did = bench.start(Start::Join { contact: at(1) });
        let asked = query.passed_on();
        let ask = ChordMessage::FindNext { query: asked, before: None, via: at(26) };
        assert_eq!(sent(&did), [(at(1), ask, wait)]);

        let answer = ChordMessage::Next { query, step: Step::Owner(at(32)) };
        let did = bench.deliver(at(21), answer, &[]);
        assert_eq!(sent(&did), [(at(32), ChordMessage::GetNeighbours, wait)]);
        assert!(bench.node.successors.is_empty(), "not before it answers");

        let neighbours = ChordMessage::Neighbours { predecessor: Some(at(21)) };
        let did = bench.deliver(at(32), neighbours, &[at(38)]);
        assert_eq!(sent(&did), [(at(32), ChordMessage::Notify, Manner::OneWay)]);
        assert_eq!(*bench.node.successors, [at(32)]);
    }

    fn join_query(origin: Address, ids: &[Id]) -> ChordMessage {
        let target = ids[origin.index()];
        let query = Query { purpose: QueryFor::Join, origin, hops: 1, target };
        ChordMessage::FindNext { query, before: None, via: origin }
    }

    #[test]
    fn a_joining_node_asks_another_contact_when_its_own_is_gone() {
        let chord = chord(6);
        let ids = ids(chord.space, &SIX);
        let mut bench = Bench::new(&chord, node(10), &ids);
        bench.start(Start::Join { contact: node(0) });
        let lost = bench.unreachable(node(0), join_query(node(10), &ids));
        assert!(lost.effects.contains(&Effect::Note(Note::ContactLost)));
        assert!(bench.operate(Operation::JoinThrough { contact: node(5) }).effects.is_empty());
        // The timer that runs already goes on with that one.
        let did = bench.timer(ChordTimer::JoinAgain(7));
        assert_eq!(sent(&did).iter().map(|(to, ..)| *to).collect::<Vec<_>>(), [node(5)]);
        let (after, timer) = (Duration::from_secs(1), ChordTimer::JoinAgain(1));
        assert!(did.effects.contains(&Effect::Timer { after, timer }));
        let mut member = Bench::new(&chord, node(2), &ids);
        member.start(Start::Create);
        assert!(member.operate(Operation::JoinThrough { contact: node(5) }).effects.is_empty());
    }

    /// Who asks it has known it in an earlier life.
    #[test]
    fn a_joining_node_gives_no_sign_of_life() {
        let chord = chord(6);
        let ids = ids(chord.space, &SIX);
        let mut bench = Bench::new(&chord, node(3), &ids);
        bench.start(Start::Join { contact: node(0) });
        for question in [ChordMessage::Ping, ChordMessage::GetNeighbours] {
            assert!(sent(&bench.deliver(node(1), question, &[])).is_empty(), "{question:?}");
        }
        let mut member = Bench::new(&chord, node(3), &ids);
        member.start(Start::Create);
        assert_eq!(sent(&member.deliver(node(1), ChordMessage::Ping, &[])).len(), 1);
    }

    #[test]
    fn a_joining_node_without_an_answer_tries_again_and_waits_longer() {
        let chord = chord(6);
        let ids = ids(chord.space, &SIX);
        let mut bench = Bench::new(&chord, node(10), &ids);
        bench.start(Start::Join { contact: node(0) });
        for (attempt, seconds) in [(1, 2), (2, 4), (200, 4096)] {
            let did = bench.timer(ChordTimer::JoinAgain(attempt));
            assert_eq!(sent(&did).len(), 1);
            let timer = ChordTimer::JoinAgain(attempt + 1);
            let after = Duration::from_secs(seconds);
            assert!(did.effects.contains(&Effect::Timer { after, timer }));
        }
        // A contact that is still joining itself is asked again every second.
        let query = Query { purpose: QueryFor::Join, origin: node(10), hops: 0, target: ids[10] };
        bench.deliver(node(0), ChordMessage::Next { query, step: Step::NoRoute }, &[]);
        let did = bench.timer(ChordTimer::JoinAgain(5));
        let (after, timer) = (Duration::from_secs(1), ChordTimer::JoinAgain(1));
        assert!(did.effects.contains(&Effect::Timer { after, timer }));
    }

    #[test]
    fn stabilize_adopts_the_predecessor_of_the_successor_after_asking_it() {
        let chord = Chord { successors: 3, ..chord(6) };
        let ids = ids(chord.space, &SIX);
        let at = |number| place(&SIX, number);
        let mut bench = Bench::new(&chord, at(21), &ids);
        bench.node.successors = smallvec::smallvec![at(32), at(38), at(42)];
        let neighbours = |number| ChordMessage::Neighbours { predecessor: Some(at(number)) };

        let did = bench.timer(ChordTimer::Stabilize);
        assert_eq!(sent(&did)[0].0, at(32));
        let did = bench.deliver(at(32), neighbours(26), &[at(38), at(42), at(48)]);
        assert_eq!(sent(&did)[0].0, at(26));
        assert_eq!(*bench.node.successors, [at(32), at(38), at(42)]);
        let did = bench.deliver(at(26), neighbours(21), &[at(32), at(38), at(42)]);
        assert_eq!(sent(&did), [(at(26), ChordMessage::Notify, Manner::OneWay)]);
        assert_eq!(*bench.node.successors, [at(26), at(32), at(38)]);
        // Fingers 0 to 2 start at 22 to 25; finger 3 starts at 29, behind the new successor.
        let fingers: Vec<_> = (0..6).map(|i| bench.node.fingers.get(i)).collect();
        let new = Some(at(26));
        assert_eq!(fingers, [new, new, new, None, None, None]);
    }

    #[test]
    fn without_the_liveness_check_it_adopts_at_once() {
        let chord = Chord { ask_before_adopting: false, ..chord(6) };
        let ids = ids(chord.space, &SIX);
        let at = |number| place(&SIX, number);
        let mut bench = Bench::new(&chord, at(21), &ids);
        bench.node.successors = smallvec::smallvec![at(32)];
        let neighbours = ChordMessage::Neighbours { predecessor: Some(at(26)) };
        let did = bench.deliver(at(32), neighbours, &[at(38)]);
        assert_eq!(sent(&did), [(at(26), ChordMessage::Notify, Manner::OneWay)]);
        assert_eq!(*bench.node.successors, [at(26)]);
    }

    #[test]
    fn a_dead_successor_is_replaced_by_the_next_of_the_list() {
        let chord = Chord { successors: 3, ..chord(6) };
        let ids = ids(chord.space, &SIX);
        let at = |number| place(&SIX, number);
        let mut bench = Bench::new(&chord, at(21), &ids);
        bench.node.successors = smallvec::smallvec![at(26), at(32), at(38)];
        let did = bench.unreachable(at(26), ChordMessage::GetNeighbours);
        assert_eq!(*bench.node.successors, [at(32), at(38)]);
        let wait = Manner::Request(chord.request_timeout);
        assert_eq!(sent(&did), [(at(32), ChordMessage::GetNeighbours, wait)]);
    }

    /// The successor goes on naming the dead node until it finds out itself: to ask it
    /// again at once would be a round without end, and one more with every period.
    #[test]
    fn a_candidate_that_does_not_answer_is_passed_over() {
        let chord = Chord { successors: 3, ..chord(6) };
        let ids = ids(chord.space, &SIX);
        let at = |number| place(&SIX, number);
        let mut bench = Bench::new(&chord, at(21), &ids);
        bench.node.successors = smallvec::smallvec![at(32), at(38)];
        let neighbours = ChordMessage::Neighbours { predecessor: Some(at(26)) };
        let did = bench.deliver(at(32), neighbours, &[at(38)]);
        assert_eq!(sent(&did)[0].0, at(26));
        let did = bench.unreachable(at(26), ChordMessage::GetNeighbours);
        assert_eq!(sent(&did), [(at(32), ChordMessage::Notify, Manner::OneWay)]);
        assert_eq!(*bench.node.successors, [at(32), at(38)]);
    }

    #[test]
    fn a_late_step_is_ignored_and_a_late_neighbour_adopted() {
        let chord = chord(6);
        let ids = ids(chord.space, &SIX);
        let at = |number| place(&SIX, number);
        let mut bench = Bench::new(&chord, at(21), &ids);
        bench.node.successors = smallvec::smallvec![at(32)];
        let purpose = QueryFor::Lookup(LookupId(1));
        let query = Query { purpose, origin: at(21), hops: 0, target: chord.space.id(50) };
        for step in [Step::Closer(at(48)), Step::Owner(at(51)), Step::NoRoute] {
            let did = bench.deliver_late(at(42), ChordMessage::Next { query, step }, &[]);
            assert_eq!(did.effects, []);
        }
        let neighbours = ChordMessage::Neighbours { predecessor: Some(at(21)) };
        bench.deliver_late(at(26), neighbours, &[at(32)]);
        assert_eq!(*bench.node.successors, [at(26)]);
    }

    /// Node 42 was asked too, but its answer was lost: the lookup never stood there.
    #[test]
    fn an_iterative_lookup_stands_where_it_got_an_answer() {
        let chord = chord(6);
        let ids = ids(chord.space, &SIX);
        let at = |number| place(&SIX, number);
        let mut bench = Bench::new(&chord, at(8), &ids);
        let lookup = LookupId(1);
        let target = chord.space.id(54);
        let query = Query { purpose: QueryFor::Lookup(lookup), origin: at(8), hops: 0, target };
        let ask = ChordMessage::FindNext { query, before: None, via: at(8) };
        bench.node.successors = smallvec::smallvec![at(14)];
        assert_eq!(sent(&bench.deliver(at(21), ask, &[])).len(), 1);
        let note = |did: &Record<Chord>| {
            let notes = did.effects.iter().filter(|effect| matches!(effect, Effect::Note(_)));
            notes.cloned().collect::<Vec<_>>()
        };
        assert_eq!(note(&bench.deliver(at(21), ask, &[])), []);
        let answer = ChordMessage::Next { query, step: Step::Closer(at(51)) };
        let did = bench.deliver(at(42), answer, &[]);
        assert_eq!(note(&did), [Effect::Note(Note::StandsAt { lookup, node: at(42) })]);
    }

    #[test]
    fn a_joining_node_takes_part_once_its_successor_has_answered() {
        let chord = chord(6);
        let ids = ids(chord.space, &SIX);
        let mut bench = Bench::new(&chord, place(&SIX, 26), &ids);
        bench.start(Start::Join { contact: place(&SIX, 1) });
        assert_eq!(sent(&bench.deliver(node(2), ChordMessage::GetNeighbours, &[])), []);
        let neighbours = ChordMessage::Neighbours { predecessor: None };
        let joined = Effect::Note(Note::Joined);
        for is_first in [true, false] {
            let did = bench.deliver(place(&SIX, 32), neighbours, &[]);
            assert_eq!(did.effects.contains(&joined), is_first);
        }
        assert_eq!(sent(&bench.deliver(node(2), ChordMessage::GetNeighbours, &[])).len(), 1);
    }

    #[test]
    fn a_leaving_node_tells_its_neighbours_of_each_other() {
        let chord = Chord { successors: 3, ..chord(6) };
        let ids = ids(chord.space, &SIX);
        let at = |number| place(&SIX, number);
        let ring = converged(chord.clone(), &ids, 10);
        let mut bench = Bench::new(&chord, at(32), &ids);
        bench.node = ring.node(at(32)).unwrap().clone();
        let did = bench.leave();
        let goodbye = ChordMessage::Leave { predecessor: Some(at(21)) };
        let told = [at(38), at(21)].map(|neighbour| (neighbour, goodbye, Manner::OneWay));
        assert_eq!(sent(&did), told);
        assert_eq!(did.items[..3], [38, 42, 48].map(at));
        assert_eq!(did.effects.last(), Some(&Effect::Depart));

        let mut predecessor = Bench::new(&chord, at(21), &ids);
        predecessor.node = ring.node(at(21)).unwrap().clone();
        predecessor.deliver(at(32), goodbye, &did.items[..3]);
        assert_eq!(*predecessor.node.successors, [38, 42, 48].map(at));
        assert_eq!(predecessor.node.predecessor, Some(at(14)));
        assert_eq!(predecessor.node.fingers.get(4), Some(at(38)), "it was the leaver");
        let mut successor = Bench::new(&chord, at(38), &ids);
        successor.node = ring.node(at(38)).unwrap().clone();
        successor.deliver(at(32), goodbye, &did.items[..3]);
        assert_eq!(successor.node.predecessor, Some(at(21)));
        assert_eq!(*successor.node.successors, [42, 48, 51].map(at));
    }

    #[test]
    fn the_last_but_one_to_leave_leaves_a_ring_of_one() {
        let chord = chord(6);
        let ids = ids(chord.space, &SIX);
        let ring = converged(chord.clone(), &ids, 2);
        let mut bench = Bench::new(&chord, node(1), &ids);
        bench.node = ring.node(node(1)).unwrap().clone();
        let did = bench.leave();
        assert_eq!(sent(&did).len(), 1, "predecessor and successor are one");
        let mut last = Bench::new(&chord, node(0), &ids);
        last.node = ring.node(node(0)).unwrap().clone();
        last.deliver(node(1), sent(&did)[0].1, &did.items);
        assert_eq!(last.node, *converged(chord.clone(), &ids, 1).node(node(0)).unwrap());
    }

    #[test]
    fn a_node_knows_its_own_keys_and_the_servers_behind_it() {
        // Two nodes a server: 1 and 8, 14 and 21 …
        let chord = Chord { successors: 5, virtual_nodes: 2, ..chord(6) };
        let ids = ids(chord.space, &SIX);
        let at = |number| place(&SIX, number);
        let ring = converged(chord.clone(), &ids, 10);
        let mut bench = Bench::new(&chord, at(56), &ids);
        assert_eq!(bench.ask(|p, n, c| p.owner(n, ids[0], c)), None, "not joined");
        bench.node = ring.node(at(56)).unwrap().clone();
        for (key, owner) in [(51, 51), (52, 56), (56, 56), (57, 51), (30, 51)] {
            let key = chord.space.id(key);
            assert_eq!(bench.ask(|p, n, c| p.owner(n, key, c)), Some(at(owner)));
        }
        let followers = |bench: &mut Bench<'_, Chord>, count| {
            bench.ask(|p, n, c| p.followers(n, ids[0], count, c)).to_vec()
        };
        // The list is 1, 8, 14, 21, 32; 51 and 56 are one server.
        assert_eq!(followers(&mut bench, 5), [1, 14, 32].map(at));
        assert_eq!(followers(&mut bench, 2), [1, 14].map(at));
        let before = chord.neighbourhood(&bench.node);
        bench.node.next_finger += 1;
        assert_eq!(chord.neighbourhood(&bench.node), before);
        bench.unreachable(at(14), ChordMessage::Ping);
        assert_ne!(chord.neighbourhood(&bench.node), before);
        assert_eq!(followers(&mut bench, 2), [1, 21].map(at));
    }

    #[test]
    fn a_dead_predecessor_is_cleared() {
        let chord = chord(6);
        let ids = ids(chord.space, &SIX);
        let at = |number| place(&SIX, number);
        let mut bench = Bench::new(&chord, at(21), &ids);
        bench.node.predecessor = Some(at(14));
        let did = bench.timer(ChordTimer::CheckPredecessor);
        assert_eq!(sent(&did)[0].1, ChordMessage::Ping);
        bench.deliver(at(14), ChordMessage::Pong, &[]);
        assert_eq!(bench.node.predecessor, Some(at(14)));
        bench.unreachable(at(14), ChordMessage::Ping);
        assert_eq!(bench.node.predecessor, None);
    }

    #[test]
    fn fix_fingers_takes_the_fingers_in_turn() {
        for (which, targets) in [
            (FixedFingers::InTurn, vec![9, 10, 12, 16, 24, 40, 9]),
            (FixedFingers::InTurnDistant, vec![16, 24, 40, 16]),
        ] {
            let chord = Chord { fix_fingers: Some((PERIOD, which)), ..chord(6) };
            let ids = ids(chord.space, &SIX);
            let mut ring = converged(chord.clone(), &ids, 10);
            let state = ring.node(place(&SIX, 8)).unwrap().clone();
            ring.observer.0.clear();
            let mut bench = Bench::new(&chord, place(&SIX, 8), &ids);
            bench.node = state;
            let mut asked = Vec::new();
            for _ in 0..targets.len() {
                let next = match which {
                    FixedFingers::InTurnDistant => bench.node.next_finger.max(3),
                    _ => bench.node.next_finger,
                };
                let did = bench.timer(ChordTimer::FixFingers);
                asked.push(8 + (1 << next));
                // A start that the successor covers needs no message.
                let messages = usize::from(next >= 3);
                assert_eq!(sent(&did).len(), messages, "finger {next}");
            }
            assert_eq!(asked, targets);
        }
    }
}

mod worked_examples {
    use super::*;

    /// The notes' ring: nodes 0, 1 and 3, m = 3.
    #[test]
    fn the_ring_of_three() {
        let numbers = [0, 1, 3, 6];
        let chord = chord(3);
        let ids = ids(chord.space, &numbers);
        let mut ring = converged(chord, &ids, 3);
        let expected = [(0, [1, 3, 0]), (1, [3, 3, 0]), (3, [0, 0, 0])];
        for (number, fingers) in expected {
            let state = ring.node(place(&numbers, number)).unwrap();
            for (index, finger) in (0..).zip(fingers) {
                assert_eq!(state.fingers.get(index), Some(place(&numbers, finger)));
            }
        }
        for (key, owner) in [(1, 1), (2, 3), (6, 0)] {
            for from in 0..3 {
                let key = ring.protocol().space.id(key);
                let (_, found, _) = look_up(&mut ring, node(from), key);
                assert_eq!(found, Some(place(&numbers, owner)));
            }
        }
    }

    #[test]
    fn node_6_joins_the_ring_of_three() {
        let numbers = [0, 1, 3, 6];
        let chord = maintained(3, 1);
        let ids = ids(chord.space, &numbers);
        let mut ring = converged(chord, &ids, 3);
        ring.start(node(3), Start::Join { contact: node(1) });
        ring.run_before(Time::ZERO + Duration::from_secs(30));
        let fingers = |number| {
            let state = ring.node(place(&numbers, number)).unwrap();
            [0, 1, 2].map(|i| numbers[state.fingers.get(i).unwrap().index()])
        };
        assert_eq!(fingers(0), [1, 3, 6]);
        assert_eq!(fingers(1), [3, 3, 6]);
        assert_eq!(fingers(3), [6, 6, 0]);
        assert_eq!(fingers(6), [0, 0, 3]);
        let key = ring.protocol().space.id(6);
        assert_eq!(look_up(&mut ring, node(1), key).1, Some(node(3)), "key 6 has moved to node 6");
    }

    #[test]
    fn the_ring_of_ten() {
        let chord = chord(6);
        let ids = ids(chord.space, &SIX);
        let at = |number| place(&SIX, number);
        let mut ring = converged(chord, &ids, 10);
        let fingers = |number| {
            let state = ring.node(at(number)).unwrap();
            [0, 1, 2, 3, 4, 5].map(|i| SIX[state.fingers.get(i).unwrap().index()])
        };
        assert_eq!(fingers(8), [14, 14, 14, 21, 32, 42]);
        let key = ring.protocol().space.id(54);
        let (path, owner, timeouts) = look_up(&mut ring, at(8), key);
        assert_eq!(path, [at(8), at(42), at(51)]);
        assert_eq!((owner, timeouts), (Some(at(56)), 0));
        for (key, owner) in [(10, 14), (24, 32), (30, 32), (38, 38), (54, 56)] {
            let key = ring.protocol().space.id(key);
            assert_eq!(look_up(&mut ring, at(1), key).1, Some(at(owner)));
        }
    }

    #[test]
    fn node_26_joins_the_ring_of_ten_and_takes_key_24() {
        let chord = maintained(6, 1);
        let ids = ids(chord.space, &SIX);
        let at = |number| place(&SIX, number);
        let mut ring = converged(chord, &ids, 10);
        ring.start(at(26), Start::Join { contact: at(48) });
        ring.run_before(Time::ZERO + Duration::from_secs(60));
        let up: Vec<Address> = (0..11).map(node).collect();
        assert_converged(&ring, &ids, &up);
        for (key, owner) in [(24, 26), (30, 32)] {
            let key = ring.protocol().space.id(key);
            assert_eq!(look_up(&mut ring, at(56), key).1, Some(at(owner)));
        }
    }

    /// "If 14, 21 and 32 all fail at once and 8 knows only one successor, 8 answers 42 for
    /// key 30, which is wrong": once it has found out that they are dead, its nearest
    /// finger is all that it has.
    #[test]
    fn three_failures_and_one_successor_give_a_wrong_answer() {
        for (successors, answer) in [(1, 42), (4, 38)] {
            let chord = Chord { successors, ..maintained(6, successors) };
            let ids = ids(chord.space, &SIX);
            let at = |number| place(&SIX, number);
            let ring = converged(chord.clone(), &ids, 10);
            let mut bench = Bench::new(&chord, at(8), &ids);
            bench.node = ring.node(at(8)).unwrap().clone();
            let mut dead = vec![14, 21, 32];
            while let [(asked, message, _)] = sent(&bench.timer(ChordTimer::Stabilize))[..]
                && let Some(place) = dead.iter().position(|number| at(*number) == asked)
            {
                dead.remove(place);
                bench.unreachable(asked, message);
            }
            let key = chord.space.id(30);
            let did = bench.operate(Operation::Lookup { lookup: LookupId(1), key });
            let noted = Note::Answer { lookup: LookupId(1), owner: at(answer), hops: 0 };
            // With one successor finger 21 is not asked: key 30 lies before 42 already.
            assert!(did.effects.contains(&Effect::Note(noted)), "{successors}: {did:?}");
        }
    }
}

mod whole_rings {
    use super::*;

    #[test]
    fn all_lookup_styles_take_the_same_path() {
        let space = IdSpace::new(32).unwrap();
        let ids = drawn(space, 300, 1);
        let mut random = Stream::new(2, 0, "test");
        for successors in [1, 4] {
            let mut rings = STYLES.map(|lookup| {
                converged(Chord { successors, lookup, ..chord(32) }, &ids, ids.len())
            });
            for _ in 0..100 {
                let from = node(random.below(300) as usize);
                let key = space.from_random(std::array::from_fn(|_| random.bits()));
                let ways = rings.each_mut().map(|ring| look_up(ring, from, key));
                assert_eq!(ways[0], ways[1]);
                assert_eq!(ways[0], ways[2]);
            }
        }
    }

    #[test]
    fn lookups_survive_failures_in_every_style() {
        let space = IdSpace::new(32).unwrap();
        let ids = drawn(space, 200, 3);
        for lookup in STYLES {
            let chord = Chord { lookup, successors: 16, ..chord(32) };
            let mut ring = converged(chord, &ids, ids.len());
            let mut random = Stream::new(4, 0, "test");
            let (dead, alive): (Vec<_>, Vec<_>) =
                (0..200).map(node).partition(|_| random.chance(0.3));
            for address in &dead {
                ring.crash(*address);
            }
            let oracle = Ring::of(&ids, alive.clone().into_iter());
            let (mut right, mut timeouts) = (0, 0);
            for _ in 0..200 {
                let from = alive[random.below(alive.len() as u64) as usize];
                let key = space.from_random(std::array::from_fn(|_| random.bits()));
                let (_, owner, late) = look_up(&mut ring, from, key);
                // The first successor is named without being asked, so a dead owner can
                // still be the answer; a live one must be the right one.
                let owner = owner.expect("there is always somebody left to ask");
                if ring.node(owner).is_some() {
                    assert_eq!(owner, oracle.owner(&ids, key), "{lookup:?}");
                    right += 1;
                }
                timeouts += late;
            }
            assert!(right > 100, "{lookup:?}: {right}");
            assert!(timeouts > 0);
        }
    }

    /// A lookup whose every answer comes too late asks whom it knows, one after the other.
    #[test]
    fn slow_answers_do_not_multiply_a_lookup() {
        let space = IdSpace::new(32).unwrap();
        let ids = drawn(space, 300, 1);
        let chord = Chord { request_timeout: Duration::from_millis(60), ..chord(32) };
        let mut ring = converged(chord, &ids, ids.len());
        let key = ids[ring.node(node(0)).unwrap().predecessor.unwrap().index()];
        look_up(&mut ring, node(0), key);
        ring.run_before(Time::MAX);
        let asked = ring.traffic()[0].messages;
        assert!(asked < 20, "{asked} questions");
    }

    #[test]
    fn without_fingers_a_lookup_walks_the_ring() {
        let space = IdSpace::new(16).unwrap();
        let ids = drawn(space, 40, 5);
        let mut ring = converged(Chord { fingers: false, ..chord(16) }, &ids, 40);
        let order: Vec<Address> = Ring::of(&ids, (0..40).map(node)).iter().collect();
        // The key of the node before: nearly all the way round.
        let (path, owner, _) = look_up(&mut ring, order[0], ids[order[39].index()]);
        assert_eq!(path, order[..39]);
        assert_eq!(owner, Some(order[39]));
    }

    #[test]
    fn a_ring_heals_after_failures() {
        let space = IdSpace::new(24).unwrap();
        let ids = drawn(space, 60, 6);
        let mut ring = converged(maintained(24, 8), &ids, 60);
        ring.run_before(Time::ZERO + Duration::from_secs(5));
        let (dead, alive): (Vec<_>, Vec<_>) = (0..60).map(node).partition(|a| a.index() % 3 == 0);
        for address in dead {
            ring.crash(address);
        }
        ring.run_before(Time::ZERO + Duration::from_secs(120));
        assert_converged(&ring, &ids, &alive);
    }

    #[test]
    fn a_ring_closes_behind_leavers_without_a_time_out() {
        let space = IdSpace::new(24).unwrap();
        let ids = drawn(space, 60, 7);
        for successors in [1, 4] {
            let mut ring = converged(maintained(24, successors), &ids, 60);
            let (leaving, staying): (Vec<_>, Vec<_>) =
                (0..60).map(node).partition(|address| address.index() % 3 == 0);
            for address in leaving {
                let next = ring.now() + Duration::from_secs(5);
                ring.run_before(next);
                ring.leave(address);
            }
            let settled = ring.now() + Duration::from_secs(120);
            ring.run_before(settled);
            assert_converged(&ring, &ids, &staying);
        }
    }

    /// Its predecessor still knows it, and would let it in as its own successor.
    #[test]
    fn a_node_comes_back_before_the_ring_has_missed_it() {
        let space = IdSpace::new(24).unwrap();
        let ids = drawn(space, 30, 8);
        let mut ring = converged(maintained(24, 4), &ids, 30);
        ring.run_before(Time::ZERO + Duration::from_secs(5));
        ring.crash(node(3));
        ring.start(node(3), Start::Join { contact: node(17) });
        ring.run_before(Time::ZERO + Duration::from_secs(60));
        assert!(ring.observer.0.contains(&(node(3), Note::Joined)));
        assert_converged(&ring, &ids, &(0..30).map(node).collect::<Vec<_>>());
    }

    /// Nobody clears the dead predecessor of a live node here, and rounds do not pile up.
    #[test]
    fn stabilisation_around_a_dead_node_stays_bounded() {
        let chord = Chord { check_predecessor: None, fix_fingers: None, ..maintained(6, 3) };
        let ids = ids(chord.space, &SIX);
        let mut ring = converged(chord, &ids, 10);
        ring.crash(place(&SIX, 32));
        ring.run_before(Time::ZERO + Duration::from_secs(600));
        // Nine nodes, 600 rounds each, and one candidate a round of node 21's.
        let asked = ring.traffic()[6].messages;
        assert!(asked < 10 * 630, "{asked} messages");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 40, ..crate::property::config() })]

        /// Rings of one to thirty nodes grown by overlapping joins converge to the oracle's
        /// pointers, whatever the parameters.
        #[test]
        fn grown_rings_converge(
            seed: u64,
            count in 1usize..30,
            bits in prop::sample::select(vec![5u32, 8, 32, 160]),
            successors in 1usize..6,
            ask_before_adopting: bool,
            style in 0usize..3,
            gap_ms in 0u64..3000,
        ) {
            let chord = Chord {
                ask_before_adopting,
                lookup: STYLES[style],
                fix_fingers: Some((PERIOD, FixedFingers::AllDistant)),
                ..maintained(bits, successors)
            };
            let ids = drawn(chord.space, count, seed);
            let mut random = Stream::new(seed, 0, "joins");
            let mut ring: Rings<'_> =
                Simulation::new(chord, Still, Notes::default(), &ids, Stream::new(seed, 0, "test"));
            ring.start(node(0), Start::Create);
            for joining in 1..count {
                let next = ring.now() + Duration::from_millis(random.below(gap_ms + 1));
                ring.run_before(next);
                let contact = node(random.below(joining as u64) as usize);
                ring.start(node(joining), Start::Join { contact });
            }
            let settled = ring.now() + Duration::from_secs(300);
            ring.run_before(settled);
            assert_converged(&ring, &ids, &(0..count).map(node).collect::<Vec<_>>());
        }

        /// Any message in any state is handled without a panic.
        #[test]
        fn nodes_survive_nonsense(
            steps in prop::collection::vec((0usize..24, 0usize..11, 0usize..11, 0u64..64, 0u32..6), 0..60),
            joined: bool,
            lookup in prop::sample::select(STYLES.to_vec()),
            (confirm_owner, remember_failures, parallel, next_hop_choices) in
                (any::<bool>(), any::<bool>(), 1usize..4, 1usize..4),
            is_timed: bool,
            join in prop::sample::select(vec![
                JoinVersion::Stabilized,
                JoinVersion::Base(FingerInit::Each),
                JoinVersion::Base(FingerInit::SkipCovered),
                JoinVersion::Base(FingerInit::NeighbourHints),
            ]),
        ) {
            let successors = if join == JoinVersion::Stabilized { 3 } else { 1 };
            let refinements = Refinements {
                finger_choices: next_hop_choices,
                confirm_owner,
                remember_failures,
                retries: is_timed.then_some(Retries { count: 2, after: PERIOD.mean }),
                parallel,
                shortest_timeout: is_timed.then_some(Duration::from_millis(1)),
                next_hop_choices,
                tell_old_predecessor: true,
            };
            let chord = Chord { join, lookup, refinements, ..maintained(6, successors) };
            let ids = ids(chord.space, &SIX);
            let mut bench = Bench::new(&chord, node(4), &ids);
            bench.start(if joined { Start::Create } else { Start::Join { contact: node(0) } });
            for (what, a, b, target, index) in steps {
                let (a, b) = (node(a), node(b));
                let purpose = match index {
                    0 => QueryFor::Join,
                    1 => QueryFor::Lookup(LookupId(index)),
                    2 => QueryFor::InitFinger(index),
                    3 => QueryFor::UpdateFinger(index),
                    _ => QueryFor::Finger(index),
                };
                let query = Query { purpose, origin: b, hops: index, target: chord.space.id(target) };
                let message = match what {
                    0 => ChordMessage::FindNext { query, before: Some(a), via: b },
                    1 => ChordMessage::Next { query, step: Step::Closer(a) },
                    2 => ChordMessage::Next { query, step: Step::Owner(b) },
                    3 => ChordMessage::Find { query },
                    4 => ChordMessage::Found { query, owner: Some(a).filter(|_| index != 5) },
                    5 => ChordMessage::GetNeighbours,
                    6 => ChordMessage::Neighbours { predecessor: Some(b) },
                    7 => ChordMessage::Notify,
                    8 => ChordMessage::Leave { predecessor: Some(b) },
                    9 => ChordMessage::SetPredecessor { predecessor: Some(b) },
                    10 => ChordMessage::PreviousPredecessor { predecessor: Some(b) },
                    11 => ChordMessage::GetTable,
                    12 => ChordMessage::Table,
                    13 => ChordMessage::GetPredecessor { finger: index },
                    14 => ChordMessage::Predecessor { finger: index, predecessor: Some(b) },
                    15 => ChordMessage::UpdateFingers {
                        change: Change { node: a, heir: Some(b).filter(|_| index > 2) },
                        fingers: (index, 6),
                    },
                    16 => ChordMessage::FingersUpdated,
                    17 => ChordMessage::FindAvoiding { query, failed: index as u16 },
                    18 => ChordMessage::ConfirmOwner { query, via: a, failed: index as u16 },
                    19 => ChordMessage::OwnerConfirmed { query },
                    20 => ChordMessage::FindClosest { query },
                    21 => ChordMessage::Closest { query, step: Step::Closer(b) },
                    22 => ChordMessage::Superseded { predecessor: b },
                    _ => ChordMessage::Ping,
                };
                bench.deliver(a, message, &[b]);
                bench.unreachable(b, message);
                bench.timer(ChordTimer::Stabilize);
                bench.timer(ChordTimer::FixFingers);
                bench.timer(ChordTimer::CheckPredecessor);
                bench.timer(ChordTimer::RetryLookups);
                bench.now += Duration::from_millis(300);
                bench.operate(Operation::Lookup { lookup: LookupId(1), key: query.target });
                if target == 7 {
                    bench.leave();
                }
            }
        }
    }
}
