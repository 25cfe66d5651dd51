//! What goes beyond the printed protocol.

use super::*;

fn refined(refinements: Refinements) -> Chord {
    Chord { refinements, ..chord(6) }
}

/// Lookups that forget who failed when they end, and whose owners have to answer.
fn forgetful() -> Refinements {
    Refinements { confirm_owner: true, remember_failures: false, ..Refinements::default() }
}

fn count(ring: &Rings<'_>, counted: Note) -> usize {
    ring.observer.0.iter().filter(|(_, note)| *note == counted).count()
}

fn notes(did: &Record<Chord>) -> Vec<Note> {
    let notes = did.effects.iter().filter_map(|effect| match effect {
        Effect::Note(note) => Some(*note),
        _ => None,
    });
    notes.collect()
}

const LOOKUP: LookupId = LookupId(7);

mod failures {
    use super::*;

    /// Node 8 knows 14, 21, 32 and 38, of which 38 is left, and is asked for key 30: 21 and
    /// 14 are before it, 32 would own it.
    #[test]
    fn several_failures_in_a_row_are_walked_down_one_by_one() {
        for lookup in STYLES {
            let chord = Chord { successors: 4, lookup, ..refined(forgetful()) };
            let ids = ids(chord.space, &SIX);
            let at = |number| place(&SIX, number);
            let mut ring = converged(chord, &ids, 10);
            for number in [14, 21, 32] {
                ring.crash(at(number));
            }
            let before = ring.node(at(8)).unwrap().clone();
            let key = ring.protocol().space.id(30);
            for _ in 0..2 {
                let (path, owner, timeouts) = look_up(&mut ring, at(8), key);
                assert_eq!((path, owner), (vec![at(8)], Some(at(38))), "{lookup:?}");
                assert_eq!(timeouts, 2, "{lookup:?}");
                assert_eq!(count(&ring, Note::OwnerTimedOut(LOOKUP)), 1, "{lookup:?}");
            }
            assert_eq!(ring.node(at(8)).unwrap(), &before, "it has learnt nothing");
        }
    }

    #[test]
    fn with_one_successor_nobody_is_left_to_ask() {
        let ids = ids(chord(6).space, &SIX);
        let at = |number| place(&SIX, number);
        let mut ring = converged(refined(forgetful()), &ids, 10);
        for number in [14, 21, 32, 42] {
            ring.crash(at(number));
        }
        let key = ring.protocol().space.id(30);
        let (_, owner, timeouts) = look_up(&mut ring, at(8), key);
        assert_eq!((owner, timeouts), (None, 2));
        assert_eq!(count(&ring, Note::NoRoute(LOOKUP)), 1);
    }

    /// Half of a ring fails; with lists this long every lookup finds the live owner, in
    /// every style, whether or not failures are remembered, and however many are asked at a
    /// time.
    #[test]
    fn every_lookup_finds_the_live_owner() {
        let space = IdSpace::new(32).unwrap();
        let ids = drawn(space, 200, 3);
        let ways = STYLES.map(|style| (style, 1)).into_iter().chain([
            (LookupStyle::Iterative, 2),
            (LookupStyle::Iterative, 3),
            (LookupStyle::Iterative, 8),
        ]);
        for ((lookup, parallel), remember_failures) in
            ways.flat_map(|way| [(way, false), (way, true)])
        {
            let refinements = Refinements { remember_failures, parallel, ..forgetful() };
            let chord = Chord { lookup, successors: 20, refinements, ..chord(32) };
            let mut ring = converged(chord, &ids, ids.len());
            let mut random = Stream::new(4, 0, "test");
            let (dead, alive): (Vec<_>, Vec<_>) =
                (0..200).map(node).partition(|_| random.chance(0.5));
            for address in &dead {
                ring.crash(*address);
            }
            let tables = |ring: &Rings<'_>| {
                let node = |address: &Address| ring.node(*address).unwrap().clone();
                let without_books = |node| ChordNode { books: Books::default(), ..node };
                alive.iter().map(node).map(without_books).collect::<Vec<_>>()
            };
            let before = tables(&ring);
            let oracle = Ring::of(&ids, alive.clone().into_iter());
            let mut timeouts = 0;
            for _ in 0..100 {
                let from = alive[random.below(alive.len() as u64) as usize];
                let key = space.from_random(std::array::from_fn(|_| random.bits()));
                let (_, owner, late) = look_up(&mut ring, from, key);
                let way = (lookup, parallel, remember_failures);
                assert_eq!(owner, Some(oracle.owner(&ids, key)), "{way:?}");
                timeouts += late;
            }
            ring.run_before(Time::MAX);
            assert_eq!(before == tables(&ring), !remember_failures, "tables of {lookup:?}");
            assert!(timeouts > 50, "{lookup:?}, {parallel} at a time: {timeouts} time-outs");
        }
    }

    /// On the wire are the nodes that failed, but not what a node notes for itself.
    #[test]
    fn nodes_that_failed_take_six_bytes_each() {
        let purpose = QueryFor::Lookup(LOOKUP);
        let query = Query { purpose, origin: node(0), hops: 0, target: chord(6).space.id(1) };
        let bytes = |message: ChordMessage, list: &[Address]| {
            crate::sim::Message::wire_bytes(&message, list)
        };
        let (list, none) = ([node(1), node(2), node(3)], []);
        let find = bytes(ChordMessage::Find { query }, &list);
        assert_eq!(bytes(ChordMessage::FindAvoiding { query, failed: 2 }, &list), find + 12);
        let next = ChordMessage::FindNext { query, before: None, via: node(0) };
        assert_eq!(bytes(next, &list), bytes(next, &none) + 18);
        let confirm = ChordMessage::ConfirmOwner { query, via: node(0), failed: 2 };
        assert_eq!(bytes(confirm, &list), bytes(ChordMessage::Ping, &none));
        let closest = ChordMessage::Closest { query, step: Step::Closer(node(1)) };
        assert_eq!(bytes(closest, &list), bytes(ChordMessage::Table, &list));
    }
}

mod retries {
    use super::*;

    const AFTER: Duration = Duration::from_secs(2);

    fn bench<'a>(chord: &'a Chord, ids: &'a [Id]) -> Bench<'a, Chord> {
        let mut bench = Bench::new(chord, place(&SIX, 8), ids);
        bench.node.successors = smallvec::smallvec![place(&SIX, 14)];
        bench.node.successor_distance = chord.space.id(6);
        bench
    }

    fn chord_with_retries() -> Chord {
        let retries = Some(Retries { count: 2, after: AFTER });
        let refinements = Refinements { retries, ..Refinements::default() };
        Chord { lookup: LookupStyle::SemiRecursive, fingers: false, ..refined(refinements) }
    }

    #[test]
    fn a_lookup_without_an_answer_begins_again_as_often_as_it_may() {
        let chord = chord_with_retries();
        let ids = ids(chord.space, &SIX);
        let mut bench = bench(&chord, &ids);
        let key = chord.space.id(54);
        let asked = sent(&bench.operate(Operation::Lookup { lookup: LOOKUP, key }));
        assert_eq!(asked.len(), 1);
        assert_eq!(notes(&bench.timer(ChordTimer::RetryLookups)), [], "too early");
        for _ in 0..2 {
            bench.now += AFTER;
            let did = bench.timer(ChordTimer::RetryLookups);
            assert_eq!(notes(&did)[0], Note::Retried(LOOKUP));
            assert_eq!(sent(&did), asked);
        }
        bench.now += AFTER;
        let did = bench.timer(ChordTimer::RetryLookups);
        assert_eq!((notes(&did), sent(&did)), (vec![Note::NoRoute(LOOKUP)], vec![]));
        bench.now += AFTER;
        assert_eq!(bench.timer(ChordTimer::RetryLookups).effects, [], "it is over");
    }

    #[test]
    fn the_first_answer_ends_it() {
        let chord = chord_with_retries();
        let ids = ids(chord.space, &SIX);
        let mut bench = bench(&chord, &ids);
        let key = chord.space.id(54);
        bench.operate(Operation::Lookup { lookup: LOOKUP, key });
        bench.now += AFTER;
        bench.timer(ChordTimer::RetryLookups);
        let purpose = QueryFor::Lookup(LOOKUP);
        let query = Query { purpose, origin: place(&SIX, 8), hops: 2, target: key };
        let owner = place(&SIX, 56);
        let did =
            bench.deliver(place(&SIX, 51), ChordMessage::Found { query, owner: Some(owner) }, &[]);
        assert_eq!(notes(&did), [Note::Answer { lookup: LOOKUP, owner, hops: 2 }]);
        bench.now += AFTER;
        assert_eq!(bench.timer(ChordTimer::RetryLookups).effects, []);
    }

    /// One of two tries has found nobody: the other may still be answered.
    #[test]
    fn a_try_that_finds_nobody_is_not_the_end() {
        let chord = chord_with_retries();
        let ids = ids(chord.space, &SIX);
        let mut bench = bench(&chord, &ids);
        let key = chord.space.id(54);
        bench.operate(Operation::Lookup { lookup: LOOKUP, key });
        let purpose = QueryFor::Lookup(LOOKUP);
        let query = Query { purpose, origin: place(&SIX, 8), hops: 2, target: key };
        let nobody = ChordMessage::Found { query, owner: None };
        assert_eq!(notes(&bench.deliver(place(&SIX, 51), nobody, &[])), []);
        for _ in 0..2 {
            bench.now += AFTER;
            bench.timer(ChordTimer::RetryLookups);
        }
        assert_eq!(notes(&bench.deliver(place(&SIX, 51), nobody, &[])), []);
        let did = bench.deliver(place(&SIX, 51), nobody, &[]);
        assert_eq!(notes(&did), [Note::NoRoute(LOOKUP)], "nothing is under way any more");
    }
}

mod parallel {
    use super::*;

    #[test]
    fn the_origin_asks_several_nodes_at_a_time() {
        let chord = refined(Refinements { parallel: 3, ..Refinements::default() });
        let ids = ids(chord.space, &SIX);
        let at = |number| place(&SIX, number);
        let ring = converged(chord.clone(), &ids, 10);
        let mut bench = Bench::new(&chord, at(8), &ids);
        bench.node = ring.node(at(8)).unwrap().clone();
        let key = chord.space.id(54);
        let did = bench.operate(Operation::Lookup { lookup: LOOKUP, key });
        let asked: Vec<Address> = sent(&did).iter().map(|(to, ..)| *to).collect();
        assert_eq!(asked, [42, 32, 21].map(at), "the closest of 14, 21, 32 and 42");
        let (_, question, _) = sent(&did)[0];
        let query = *question.query().unwrap();
        // 32 names two that it had not heard of, of which the closer one is asked.
        let closer = ChordMessage::Closest { query, step: Step::Closer(at(51)) };
        let did = bench.deliver(at(32), closer, &[at(51), at(42), at(38)]);
        assert_eq!(sent(&did)[0].0, at(51));
        let query = Query { hops: 2, ..query };
        let owner = ChordMessage::Closest { query, step: Step::Owner(at(56)) };
        let did = bench.deliver(at(51), owner, &[]);
        let answer = Note::Answer { lookup: LOOKUP, owner: at(56), hops: 2 };
        assert_eq!(notes(&did).last(), Some(&answer));
        // What comes afterwards finds the lookup closed.
        let did = bench.deliver(at(42), closer, &[at(51)]);
        assert_eq!(did.effects, []);
    }

    #[test]
    fn it_finds_what_one_at_a_time_finds() {
        let space = IdSpace::new(32).unwrap();
        let ids = drawn(space, 300, 1);
        let mut random = Stream::new(2, 0, "test");
        for successors in [1, 4] {
            let refinements = Refinements { parallel: 3, ..Refinements::default() };
            let chord = Chord { successors, refinements, ..chord(32) };
            let mut ring = converged(chord, &ids, ids.len());
            let oracle = Ring::of(&ids, (0..300).map(node));
            for _ in 0..200 {
                let from = node(random.below(300) as usize);
                let key = space.from_random(std::array::from_fn(|_| random.bits()));
                let (_, owner, timeouts) = look_up(&mut ring, from, key);
                assert_eq!((owner, timeouts), (Some(oracle.owner(&ids, key)), 0));
            }
            ring.run_before(Time::MAX);
            assert_converged(&ring, &ids, &(0..300).map(node).collect::<Vec<_>>());
        }
    }
}

mod distance {
    use super::*;

    #[test]
    fn the_next_hop_is_the_nearest_of_a_finger_and_its_followers() {
        let refinements = Refinements { next_hop_choices: 3, ..Refinements::default() };
        let chord = refined(refinements);
        let ids = ids(chord.space, &SIX);
        let at = |number| place(&SIX, number);
        let ring = converged(chord.clone(), &ids, 10);
        let mut bench = Bench::new(&chord, at(8), &ids);
        bench.node = ring.node(at(8)).unwrap().clone();
        let lookup = Operation::Lookup { lookup: LOOKUP, key: chord.space.id(54) };
        assert_eq!(sent(&bench.operate(lookup))[0].0, at(42), "nothing is known yet");
        bench.node.books.keep_followers(at(42), &[at(48), at(51)], |_| true);
        for (number, millis) in [(42, 90), (48, 60), (51, 20), (32, 5)] {
            let trip = Duration::from_millis(millis);
            bench.node.books.clock_mut().learn(at(number), trip);
        }
        assert_eq!(sent(&bench.operate(lookup))[0].0, at(51), "32 is nearer, but no follower");
        bench.unreachable(at(51), ChordMessage::Ping);
        assert_eq!(sent(&bench.operate(lookup))[0].0, at(48), "42 and 48 are left");
        let lookup = Operation::Lookup { lookup: LOOKUP, key: chord.space.id(45) };
        assert_eq!(sent(&bench.operate(lookup))[0].0, at(42), "48 is beyond the key");
    }

    #[test]
    fn lookups_by_distance_find_the_owner() {
        let space = IdSpace::new(32).unwrap();
        let ids = drawn(space, 100, 1);
        let mut random = Stream::new(2, 0, "test");
        let refinements = Refinements { next_hop_choices: 4, ..Refinements::default() };
        let chord = Chord { successors: 4, refinements, ..chord(32) };
        let mut ring = converged(chord, &ids, ids.len());
        let oracle = Ring::of(&ids, (0..100).map(node));
        for _ in 0..300 {
            let from = node(random.below(100) as usize);
            let key = space.from_random(std::array::from_fn(|_| random.bits()));
            assert_eq!(look_up(&mut ring, from, key).1, Some(oracle.owner(&ids, key)));
        }
    }

    /// Every round trip takes 100 ms here.
    #[test]
    fn time_outs_follow_what_was_measured() {
        let shortest_timeout = Some(Duration::from_millis(10));
        let refinements = Refinements { shortest_timeout, ..Refinements::default() };
        let space = IdSpace::new(32).unwrap();
        let ids = drawn(space, 100, 1);
        let longest = Duration::from_secs(5);
        let chord = Chord { request_timeout: longest, refinements, ..chord(32) };
        let mut ring = converged(chord, &ids, ids.len());
        let timeout = |ring: &Rings<'_>| ring.protocol().timeout(ring.node(node(0)).unwrap());
        assert_eq!(timeout(&ring), longest);
        let mut random = Stream::new(2, 0, "test");
        for _ in 0..50 {
            let key = space.from_random(std::array::from_fn(|_| random.bits()));
            look_up(&mut ring, node(0), key);
        }
        let settled = timeout(&ring);
        let bounds = [100, 110].map(Duration::from_millis);
        assert!(settled >= bounds[0] && settled < bounds[1], "{settled}");
    }
}

mod old_predecessors {
    use super::*;

    #[test]
    fn an_old_predecessor_is_told_of_the_new_one_and_asks_it() {
        let refinements = Refinements { tell_old_predecessor: true, ..Refinements::default() };
        let chord = refined(refinements);
        let ids = ids(chord.space, &SIX);
        let at = |number| place(&SIX, number);
        let mut bench = Bench::new(&chord, at(32), &ids);
        assert_eq!(sent(&bench.deliver(at(21), ChordMessage::Notify, &[])), [], "there was none");
        let did = bench.deliver(at(26), ChordMessage::Notify, &[]);
        let news = ChordMessage::Superseded { predecessor: at(26) };
        assert_eq!(sent(&did), [(at(21), news, Manner::OneWay)]);
        assert_eq!(sent(&bench.deliver(at(26), ChordMessage::Notify, &[])), [], "once");

        let mut old = Bench::new(&chord, at(21), &ids);
        old.node.successors = smallvec::smallvec![at(32)];
        let did = old.deliver(at(38), news, &[]);
        assert_eq!(sent(&did), [], "that is not its successor");
        let did = old.deliver(at(32), news, &[]);
        let wait = Manner::Request(chord.request_timeout);
        assert_eq!(sent(&did), [(at(26), ChordMessage::GetNeighbours, wait)]);
    }
}
