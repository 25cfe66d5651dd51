//! Joining and leaving in the base version.

use super::*;

const STRATEGIES: [FingerInit; 3] =
    [FingerInit::Each, FingerInit::SkipCovered, FingerInit::NeighbourHints];

fn base(bits: u32, strategy: FingerInit) -> Chord {
    Chord { join: JoinVersion::Base(strategy), ..chord(bits) }
}

/// Lets a node join, and everything that follows happen.
fn join(ring: &mut Rings<'_>, joining: Address, contact: Address) {
    ring.observer.0.clear();
    ring.start(joining, Start::Join { contact });
    ring.run_before(Time::MAX);
    assert_eq!(ring.observer.0, [(joining, Note::Joined)], "the join of {joining:?} is complete");
}

fn leave(ring: &mut Rings<'_>, leaving: Address) {
    ring.leave(leaving);
    ring.run_before(Time::MAX);
    assert!(ring.node(leaving).is_none(), "{leaving:?} has left");
}

mod one_node {
    use super::*;

    /// Drives node 26 of the m = 6 ring by hand through its join by way of node 1, up to the
    /// moment at which its table is filled.
    struct Joining<'a> {
        bench: Bench<'a, Chord>,
        wait: Manner,
    }

    impl<'a> Joining<'a> {
        fn begin(chord: &'a Chord, ids: &'a [Id]) -> Joining<'a> {
            let mut bench = Bench::new(chord, at(26), ids);
            let wait = Manner::Request(chord.request_timeout);
            let did = bench.start(Start::Join { contact: at(1) });
            assert_eq!(sent(&did), [ask(chord, QueryFor::Join, 27)]);
            let query = query(chord, QueryFor::Join, 27);
            let did =
                bench.deliver(at(21), ChordMessage::Next { query, step: Step::Owner(at(32)) }, &[]);
            let place = ChordMessage::SetPredecessor { predecessor: Some(at(26)) };
            assert_eq!(sent(&did), [(at(32), place, wait)]);
            Joining { bench, wait }
        }

        /// The successor has let it in.
        fn let_in(&mut self) -> Vec<(Address, ChordMessage, Manner)> {
            let answer = ChordMessage::PreviousPredecessor { predecessor: Some(at(21)) };
            sent(&self.bench.deliver(at(32), answer, &[]))
        }

        fn found(&mut self, index: u32, owner: u64) -> Vec<(Address, ChordMessage, Manner)> {
            let purpose = QueryFor::InitFinger(index);
            let query = query(self.bench.protocol, purpose, 26 + (1 << index));
            let answer = ChordMessage::Next { query, step: Step::Owner(at(owner)) };
            sent(&self.bench.deliver(at(14), answer, &[]))
        }

        fn fingers(&self) -> [Option<u64>; 6] {
            [0, 1, 2, 3, 4, 5].map(|i| self.bench.node.fingers.get(i).map(|f| SIX[f.index()]))
        }

        /// The table is filled, and the predecessor is told of its first three fingers.
        fn assert_tells_predecessor(&self, did: &[(Address, ChordMessage, Manner)]) {
            assert_eq!(self.fingers(), [32, 32, 32, 38, 42, 1].map(Some));
            let change = Change { node: at(26), heir: None };
            let update = ChordMessage::UpdateFingers { change, fingers: (0, 3) };
            assert_eq!(did, [(at(21), update, Manner::OneWay)]);
        }
    }

    fn at(number: u64) -> Address {
        place(&SIX, number)
    }

    fn query(chord: &Chord, purpose: QueryFor, target: u64) -> Query {
        Query { purpose, origin: at(26), hops: 1, target: chord.space.id(target) }
    }

    /// The question to the contact.
    fn ask(chord: &Chord, purpose: QueryFor, target: u64) -> (Address, ChordMessage, Manner) {
        let query = query(chord, purpose, target);
        let question = ChordMessage::FindNext { query, before: None, via: at(26) };
        (at(1), question, Manner::Request(chord.request_timeout))
    }

    #[test]
    fn looks_each_finger_up() {
        let chord = base(6, FingerInit::Each);
        let ids = ids(chord.space, &SIX);
        let mut joining = Joining::begin(&chord, &ids);
        let mut did = joining.let_in();
        for (index, owner) in [(1, 32), (2, 32), (3, 38), (4, 42), (5, 1)] {
            let purpose = QueryFor::InitFinger(index);
            assert_eq!(did, [ask(&chord, purpose, 26 + (1 << index))]);
            did = joining.found(index, owner);
        }
        joining.assert_tells_predecessor(&did);
    }

    #[test]
    fn looks_only_those_up_that_the_finger_before_does_not_cover() {
        let chord = base(6, FingerInit::SkipCovered);
        let ids = ids(chord.space, &SIX);
        let mut joining = Joining::begin(&chord, &ids);
        let mut did = joining.let_in();
        for (index, owner) in [(3, 38), (4, 42), (5, 1)] {
            let purpose = QueryFor::InitFinger(index);
            assert_eq!(did, [ask(&chord, purpose, 26 + (1 << index))]);
            did = joining.found(index, owner);
        }
        joining.assert_tells_predecessor(&did);
    }

    /// Finger 5 of node 32 starts at 0 and is 1; that of node 26 starts at 58 and is 1 too,
    /// which it knows when node 1 has named 56.
    #[test]
    fn verifies_the_hints_of_its_successor() {
        let chord = base(6, FingerInit::NeighbourHints);
        let ids = ids(chord.space, &SIX);
        let mut joining = Joining::begin(&chord, &ids);
        let wait = joining.wait;
        assert_eq!(joining.let_in(), [(at(32), ChordMessage::GetTable, wait)]);
        let table = [38, 42, 48, 1].map(at);
        let mut did = sent(&joining.bench.deliver(at(32), ChordMessage::Table, &table));
        for (finger, hint, before) in [(3, 38, 32), (4, 42, 38), (5, 1, 56)] {
            let question = ChordMessage::GetPredecessor { finger };
            assert_eq!(did, [(at(hint), question, wait)]);
            let answer = ChordMessage::Predecessor { finger, predecessor: Some(at(before)) };
            did = sent(&joining.bench.deliver(at(hint), answer, &[]));
        }
        joining.assert_tells_predecessor(&did);
    }

    #[test]
    fn a_hint_that_lies_too_far_is_walked_back_from() {
        let chord = base(6, FingerInit::NeighbourHints);
        let ids = ids(chord.space, &SIX);
        let mut joining = Joining::begin(&chord, &ids);
        joining.let_in();
        joining.bench.deliver(at(32), ChordMessage::Table, &[38, 48, 1].map(at));
        let answer =
            |before| ChordMessage::Predecessor { finger: 4, predecessor: Some(at(before)) };
        let did = sent(&joining.bench.deliver(at(48), answer(42), &[]));
        let question = ChordMessage::GetPredecessor { finger: 4 };
        assert_eq!(did, [(at(42), question, joining.wait)]);
        let did = sent(&joining.bench.deliver(at(42), answer(38), &[]));
        let question = ChordMessage::GetPredecessor { finger: 5 };
        assert_eq!(did, [(at(1), question, joining.wait)]);
        assert_eq!(joining.fingers()[4], Some(42));
    }

    #[test]
    fn an_update_goes_on_to_the_predecessor_while_it_changes_something() {
        let chord = base(6, FingerInit::Each);
        let ids = ids(chord.space, &SIX);
        let ring = converged(chord.clone(), &ids, 10);
        let change = Change { node: at(26), heir: None };
        let update = ChordMessage::UpdateFingers { change, fingers: (3, 4) };
        // Finger 3 of 14 starts at 22 and was 32, that of 8 starts at 16 and stays 21.
        let mut bench = Bench::new(&chord, at(14), &ids);
        bench.node = ring.node(at(14)).unwrap().clone();
        let did = bench.deliver(at(26), update, &[]);
        assert_eq!(sent(&did), [(at(8), update, Manner::OneWay)]);
        assert_eq!(bench.node.fingers.get(3), Some(at(26)));
        let mut bench = Bench::new(&chord, at(8), &ids);
        bench.node = ring.node(at(8)).unwrap().clone();
        let did = bench.deliver(at(14), update, &[]);
        assert_eq!(sent(&did), [(at(26), ChordMessage::FingersUpdated, Manner::OneWay)]);
        assert_eq!(bench.node, *ring.node(at(8)).unwrap());
    }

    #[test]
    fn a_node_alone_leaves_without_a_word() {
        for join in [JoinVersion::Stabilized, JoinVersion::Base(FingerInit::Each)] {
            let chord = Chord { join, ..chord(6) };
            let ids = ids(chord.space, &SIX);
            let mut bench = Bench::new(&chord, at(8), &ids);
            bench.start(Start::Create);
            assert_eq!(bench.leave().effects, [Effect::Depart]);
            assert_eq!(bench.leave().effects, [], "once is enough");
        }
    }
}

mod worked_examples {
    use super::*;

    #[test]
    fn nodes_join_and_leave_the_notes_ring() {
        let numbers = [0, 1, 3, 6];
        for strategy in STRATEGIES {
            let chord = base(3, strategy);
            let ids = ids(chord.space, &numbers);
            let mut ring = converged(chord, &ids, 3);
            let fingers = |ring: &Rings<'_>, number| {
                let state = ring.node(place(&numbers, number)).unwrap();
                [0, 1, 2].map(|i| numbers[state.fingers.get(i).unwrap().index()])
            };
            join(&mut ring, node(3), node(1));
            assert_eq!(fingers(&ring, 0), [1, 3, 6]);
            assert_eq!(fingers(&ring, 1), [3, 3, 6]);
            assert_eq!(fingers(&ring, 3), [6, 6, 0]);
            assert_eq!(fingers(&ring, 6), [0, 0, 3]);
            leave(&mut ring, node(1));
            assert_eq!(fingers(&ring, 0), [3, 3, 6]);
            assert_eq!(fingers(&ring, 3), [6, 6, 0]);
            assert_eq!(fingers(&ring, 6), [0, 0, 3]);
        }
    }

    #[test]
    fn node_26_joins_the_ring_of_ten_and_leaves_it() {
        for strategy in STRATEGIES {
            let chord = base(6, strategy);
            let ids = ids(chord.space, &SIX);
            let mut ring = converged(chord, &ids, 10);
            join(&mut ring, node(10), place(&SIX, 48));
            let up: Vec<Address> = (0..11).map(node).collect();
            assert_converged(&ring, &ids, &up);
            let key = ring.protocol().space.id(24);
            assert_eq!(look_up(&mut ring, place(&SIX, 56), key).1, Some(node(10)));
            leave(&mut ring, node(10));
            assert_converged(&ring, &ids, &up[..10]);
        }
    }
}

mod whole_rings {
    use super::*;

    /// Every node joins and leaves every ring of m = 3, those of one, two and three nodes
    /// among them, by way of every contact.
    #[test]
    fn every_ring_of_three_bits() {
        let numbers = [0, 1, 2, 3, 4, 5, 6, 7];
        for strategy in STRATEGIES {
            for fingers in [true, false] {
                let chord = Chord { fingers, ..base(3, strategy) };
                let ids = ids(chord.space, &numbers);
                for members in 1u32..256 {
                    let is_member = |address: &Address| members >> address.index() & 1 == 1;
                    let (up, absent): (Vec<Address>, Vec<Address>) =
                        (0..8).map(node).partition(is_member);
                    for contact in &up {
                        for joining in &absent {
                            let mut ring = converged_of(chord.clone(), &ids, &up);
                            join(&mut ring, *joining, *contact);
                            let all = [&up[..], &[*joining]].concat();
                            assert_converged(&ring, &ids, &all);
                        }
                        let mut ring = converged_of(chord.clone(), &ids, &up);
                        leave(&mut ring, *contact);
                        let rest: Vec<_> = up.iter().copied().filter(|a| a != contact).collect();
                        assert_converged(&ring, &ids, &rest);
                    }
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 60, ..crate::property::config() })]

        /// After every join and every leave every pointer of every node is the oracle's.
        #[test]
        fn every_pointer_is_right_after_every_join_and_leave(
            seed: u64,
            bits in prop::sample::select(vec![6u32, 8, 32, 160]),
            strategy in prop::sample::select(STRATEGIES.to_vec()),
            lookup in prop::sample::select(STYLES.to_vec()),
            fingers in prop::bool::weighted(0.9),
            steps in prop::collection::vec((any::<bool>(), any::<u64>()), 1..60),
        ) {
            let chord = Chord { fingers, lookup, ..base(bits, strategy) };
            let ids = drawn(chord.space, 50, seed);
            let mut ring: Rings<'_> =
                Simulation::new(chord, Still, Notes::default(), &ids, Stream::new(seed, 0, "test"));
            ring.start(node(0), Start::Create);
            let mut up = vec![node(0)];
            for (wants_to_join, choice) in steps {
                let chosen = choice as usize % up.len();
                if (wants_to_join || up.len() == 1) && up.len() < ids.len() {
                    let absent = (0..ids.len()).map(node).filter(|address| !up.contains(address));
                    let absent: Vec<Address> = absent.collect();
                    let joining = absent[(choice >> 32) as usize % absent.len()];
                    join(&mut ring, joining, up[chosen]);
                    up.push(joining);
                } else {
                    leave(&mut ring, up.swap_remove(chosen));
                }
                assert_converged(&ring, &ids, &up);
            }
        }
    }
}

mod costs {
    use super::*;

    /// Messages that a node sends and causes for its own table when it joins, and for those
    /// of others when it joins and when it leaves: the mean of some nodes that join a ring of
    /// this size one after the other, each leaving before the next.
    fn messages(nodes: usize, strategy: FingerInit) -> [f64; 3] {
        const TIMES: usize = 100;
        let chord = base(160, strategy);
        let ids = drawn(chord.space, nodes + TIMES, nodes as u64);
        let mut ring = converged(chord, &ids, nodes);
        let sent = |ring: &Rings<'_>| {
            let kinds = ring.kinds().iter().zip(ring.traffic());
            let (others, own): (Vec<_>, Vec<_>) =
                kinds.partition(|(kind, _)| kind.name.contains("update"));
            [own, others]
                .map(|kinds| kinds.iter().map(|(_, traffic)| traffic.messages).sum::<u64>())
        };
        let mut sum = [0; 3];
        for joining in nodes..nodes + TIMES {
            let before = sent(&ring);
            join(&mut ring, node(joining), node(joining % nodes));
            let joined = sent(&ring);
            leave(&mut ring, node(joining));
            let left = sent(&ring);
            sum[0] += joined[0] - before[0];
            sum[1] += joined[1] - before[1];
            sum[2] += left[1] - joined[1];
        }
        sum.map(|sum| sum as f64 / TIMES as f64)
    }

    /// \[S\] Section 4.4: O(m log N), O(log² N) and O(log N) messages for the finger table,
    /// O(log² N) for the tables of others.
    #[test]
    fn messages_grow_as_the_paper_says() {
        let mut table =
            vec!["nodes    each  skip_covered  neighbour_hints  others  leaving".to_owned()];
        for exponent in 4..=12 {
            let nodes = 1 << exponent;
            let log = f64::from(exponent);
            let [[each, ..], [skip, ..], [hints, others, leaving]] =
                STRATEGIES.map(|strategy| messages(nodes, strategy));
            table.push(format!(
                "{nodes:5}{each:8.1}{skip:14.1}{hints:17.1}{others:8.1}{leaving:9.1}"
            ));
            assert!(each <= 160.0 * (log + 3.0), "{each} messages among {nodes} nodes");
            assert!(skip <= log * (log + 5.0), "{skip} messages among {nodes} nodes");
            assert!(hints <= 5.0 * log + 8.0, "{hints} messages among {nodes} nodes");
            assert!(others <= 2.0 * log * (log + 1.0), "{others} messages among {nodes} nodes");
        }
        insta::assert_snapshot!(table.join("\n"));
    }
}
