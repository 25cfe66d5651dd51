//! Single nodes driven by hand, then whole systems compared with the oracle.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::spread::BROADCAST_ATTEMPTS;
use super::*;
use crate::network::{Latency, Network};
use crate::oracle::Ring;
use crate::population::Population;
use crate::sim::{
    Bench, Effect, LookupId, Manner, Message, Note, Observer, Record, Simulation, Status, Stream,
};

const TIMEOUT: Duration = Duration::from_millis(500);
const GOSSIP: Spread = Spread::Gossip {
    period: Duration::from_secs(1),
    fanout: 1,
    anti_entropy: Duration::from_secs(10),
};
const SPREADS: [Spread; 3] = [Spread::Instant, Spread::Broadcast, GOSSIP];

fn space() -> IdSpace {
    IdSpace::new(32).unwrap()
}

fn drawn(servers: usize, tokens: usize, seed: u64) -> Vec<Id> {
    Population::draw(space(), servers, tokens, &mut Stream::new(seed, 0, "addresses")).ids
}

fn parameters(spread: Spread) -> Parameters {
    Parameters { placement: Placement::Ring, spread, request_timeout: TIMEOUT }
}

fn system(spread: Spread, ids: &[Id], tokens: usize) -> FullMembership {
    FullMembership::new(parameters(spread), space(), ids, tokens)
}

fn at(index: usize) -> Address {
    Address::new(index)
}

fn fact(server: u32, version: u32) -> Fact {
    Fact { server: Server(server), version: Version(version) }
}

mod one_node {
    use super::*;

    /// Nodes at 0x10, 0x20, 0x30 and 0x40 of the first byte; the last has not joined yet.
    fn four() -> Vec<Id> {
        [0x1000_0000, 0x2000_0000, 0x3000_0000, 0x4000_0000].map(|n| space().id(n)).to_vec()
    }

    /// A bench with the node at an index, in a system of the first three.
    fn bench<'a>(
        system: &'a FullMembership,
        index: usize,
        ids: &'a [Id],
    ) -> Bench<'a, FullMembership> {
        let ring = Ring::of(ids, (0..3).map(at));
        let mut bench = Bench::new(system, at(index), ids);
        bench.node = system
            .converged(Truth { ring: &ring, ids, space: space() }, |_, _| Duration::ZERO)(
            at(index),
        );
        bench
    }

    /// What a node sent, to whom and with which facts.
    fn sent(did: &Record<FullMembership>) -> Vec<(Address, MembershipMessage, Vec<Fact>, Manner)> {
        let effects = did.effects.iter();
        effects
            .filter_map(|effect| match effect {
                Effect::Send { to, message, list, manner } => {
                    Some((*to, *message, did.items[list.clone()].to_vec(), *manner))
                }
                _ => None,
            })
            .collect()
    }

    fn notes(did: &Record<FullMembership>) -> Vec<Note> {
        let notes = did.effects.iter().filter_map(|effect| match effect {
            Effect::Note(note) => Some(*note),
            _ => None,
        });
        notes.collect()
    }

    fn news(cause: Cause, attempt: u8) -> MembershipMessage {
        MembershipMessage::News { cause, attempt }
    }

    const LOOKUP: LookupId = LookupId(7);
    const ACKNOWLEDGED: Manner = Manner::Acknowledged(TIMEOUT);

    fn query(origin: usize, key: u64, hops: u8, sent: u8) -> Query {
        Query { lookup: LOOKUP, origin: at(origin), key: space().id(key), hops, sent }
    }

    fn look_up(bench: &mut Bench<'_, FullMembership>, key: u64) -> Record<FullMembership> {
        bench.operate(Operation::Lookup { lookup: LOOKUP, key: space().id(key) })
    }

    #[test]
    fn a_lookup_is_answered_by_the_owner_in_one_hop() {
        let ids = four();
        let system = system(Spread::Broadcast, &ids, 1);
        let mut asking = bench(&system, 0, &ids);
        let answer = |owner, hops| Note::Answer { lookup: LOOKUP, owner: at(owner), hops };
        let stands = |node| Note::StandsAt { lookup: LOOKUP, node: at(node) };

        let did = look_up(&mut asking, 0x0f00_0000);
        assert_eq!(notes(&did), [stands(0), answer(0, 0)], "its own key");

        let did = look_up(&mut asking, 0x2500_0000);
        let passed_on = MembershipMessage::Query(query(0, 0x2500_0000, 1, 1));
        assert_eq!(sent(&did), [(at(2), passed_on, vec![], ACKNOWLEDGED)]);

        let mut owner = bench(&system, 2, &ids);
        let did = owner.deliver(at(0), passed_on, &[]);
        let answered = MembershipMessage::Answer { lookup: LOOKUP, owner: Some(at(2)), hops: 1 };
        assert_eq!(notes(&did), [stands(2)]);
        assert_eq!(sent(&did), [(at(0), answered, vec![], Manner::OneWay)]);
        assert_eq!(notes(&asking.deliver(at(2), answered, &[])), [answer(2, 1)]);
    }

    #[test]
    fn a_request_that_lands_wrong_is_forwarded_and_counted() {
        let ids = four();
        let system = system(Spread::Broadcast, &ids, 1);
        let mut wrong = bench(&system, 0, &ids);
        // Server 3 has joined, which the origin has not heard yet.
        wrong.deliver(at(3), news(Cause::Announcement, 0), &[fact(3, 1)]);
        let asked = query(1, 0x3500_0000, 1, 1);
        let did = wrong.deliver(at(1), MembershipMessage::Query(asked), &[]);
        assert_eq!(notes(&did), [Note::StandsAt { lookup: LOOKUP, node: at(0) }]);
        let forwarded = MembershipMessage::Query(query(1, 0x3500_0000, 2, 2));
        assert_eq!(sent(&did), [(at(3), forwarded, vec![], ACKNOWLEDGED)]);
        // Two views that name each other come to an end.
        let asked = query(1, 0x3500_0000, MAX_SENT, MAX_SENT);
        let did = wrong.deliver(at(1), MembershipMessage::Query(asked), &[]);
        let lost = MembershipMessage::Answer { lookup: LOOKUP, owner: None, hops: MAX_SENT };
        assert_eq!(sent(&did), [(at(1), lost, vec![], Manner::OneWay)]);
    }

    #[test]
    fn an_owner_that_does_not_answer_is_marked_down_and_the_next_is_asked() {
        let ids = four();
        for spread in [Spread::Broadcast, GOSSIP] {
            let system = system(spread, &ids, 1);
            let mut bench = bench(&system, 1, &ids);
            let lookup = MembershipMessage::Query(query(1, 0x2500_0000, 1, 1));
            let did = bench.unreachable(at(2), lookup);
            assert_eq!(notes(&did), [Note::TimedOut(LOOKUP)]);
            let next = MembershipMessage::Query(query(1, 0x2500_0000, 1, 2));
            let accusation = (at(2), news(Cause::News, 0), vec![fact(2, 2)], ACKNOWLEDGED);
            assert_eq!(sent(&did), [accusation, (at(0), next, vec![], ACKNOWLEDGED)]);
            let did = bench.timer(match spread {
                Spread::Broadcast => MembershipTimer::Tell,
                _ => MembershipTimer::Gossip,
            });
            assert_eq!(sent(&did), [(at(0), news(Cause::News, 0), vec![fact(2, 2)], ACKNOWLEDGED)]);
        }
    }

    #[test]
    fn with_the_oracle_a_node_that_does_not_answer_is_asked_again() {
        let ids = four();
        let system = system(Spread::Instant, &ids, 1);
        let mut bench = bench(&system, 1, &ids);
        let mut lookup = query(1, 0x2500_0000, 1, 1);
        for attempt in 2..=MAX_SENT {
            let did = bench.unreachable(at(2), MembershipMessage::Query(lookup));
            lookup = query(1, 0x2500_0000, 1, attempt);
            let again = MembershipMessage::Query(lookup);
            assert_eq!(sent(&did), [(at(2), again, vec![], ACKNOWLEDGED)]);
        }
        let did = bench.unreachable(at(2), MembershipMessage::Query(lookup));
        assert_eq!(notes(&did), [Note::TimedOut(LOOKUP), Note::NoRoute(LOOKUP)]);
        system.observe_stop(at(2));
        let did = bench.unreachable(at(2), MembershipMessage::Query(query(1, 0x2500_0000, 1, 1)));
        assert_eq!(sent(&did)[0].0, at(0), "the oracle knows that it is gone");
    }

    #[test]
    fn a_node_that_is_wrongly_declared_dead_refutes_it() {
        let ids = four();
        for (spread, timer) in
            [(Spread::Broadcast, MembershipTimer::Tell), (GOSSIP, MembershipTimer::Gossip)]
        {
            let system = system(spread, &ids, 1);
            let mut accused = bench(&system, 2, &ids);
            let did = accused.deliver(at(0), news(Cause::News, 0), &[fact(2, 2)]);
            assert_eq!(sent(&did), []);
            assert_eq!(accused.node.version(Server(2)), Version(3));
            let told = sent(&accused.timer(timer));
            assert!(!told.is_empty());
            for (_, message, facts, _) in told {
                assert_eq!((message, facts), (news(Cause::News, 0), vec![fact(2, 3)]));
            }
            // And the accuser believes it, whatever comes first.
            let mut other = bench(&system, 0, &ids);
            other.deliver(at(2), news(Cause::News, 0), &[fact(2, 3)]);
            other.deliver(at(1), news(Cause::News, 0), &[fact(2, 2)]);
            assert_eq!(other.node.version(Server(2)), Version(3));
        }
    }

    #[test]
    fn a_join_by_broadcast_takes_the_contacts_view_and_tells_all() {
        let ids = four();
        let system = system(Spread::Broadcast, &ids, 1);
        let (mut contact, mut joining) =
            (bench(&system, 1, &ids), Bench::new(&system, at(3), &ids));
        let ask = MembershipMessage::JoinRequest { attempt: 0 };
        let did = joining.start(Start::Join { contact: at(1) });
        assert_eq!(sent(&did), [(at(1), ask, vec![], Manner::Request(TIMEOUT))]);
        let did = look_up(&mut joining, 0x2500_0000);
        assert!(notes(&did).contains(&Note::NoRoute(LOOKUP)), "it knows nobody yet");

        let [(_, view, facts, Manner::Reply)] = &sent(&contact.deliver(at(3), ask, &[]))[..] else {
            panic!("the contact answers");
        };
        assert_eq!(
            (*view, &facts[..]),
            (MembershipMessage::JoinView, &[fact(0, 1), fact(1, 1), fact(2, 1)][..])
        );
        assert_eq!(view.wire_bytes(facts), 28 + 5 + 3 * (6 + 4));
        let did = joining.deliver(at(1), *view, facts);
        assert_eq!(notes(&did), [Note::Joined]);
        let announced = |to| (at(to), news(Cause::Announcement, 0), vec![fact(3, 1)], ACKNOWLEDGED);
        assert_eq!(sent(&did), [announced(0), announced(1), announced(2)]);
        assert_eq!(system.routing_entries(&joining.node), 3);
        // The answer to an earlier question changes nothing.
        assert_eq!(sent(&joining.deliver(at(1), *view, facts)), []);
        assert_eq!(
            joining.timer(MembershipTimer::JoinAgain { contact: at(1), attempt: 1 }).effects,
            []
        );
    }

    #[test]
    fn the_contact_passes_on_what_a_newcomer_may_miss() {
        let ids = four();
        let system = system(Spread::Broadcast, &ids, 1);
        let mut contact = bench(&system, 1, &ids);
        contact.deliver(at(3), MembershipMessage::JoinRequest { attempt: 0 }, &[]);
        let left = [fact(0, 2)];
        let did = contact.deliver(at(0), news(Cause::Announcement, 0), &left);
        assert_eq!(sent(&did), [(at(3), news(Cause::News, 0), left.to_vec(), ACKNOWLEDGED)]);
        assert_eq!(sent(&contact.deliver(at(0), news(Cause::Announcement, 0), &left)), [], "once");
        // What it finds out itself as well, while the newcomer has not announced itself.
        contact.unreachable(at(2), MembershipMessage::Query(query(2, 0x2500_0000, 1, 1)));
        let told = sent(&contact.timer(MembershipTimer::Tell));
        assert_eq!(told, [(at(3), news(Cause::News, 0), vec![fact(2, 2)], ACKNOWLEDGED)]);
        contact.now = Time::ZERO + Duration::from_secs(6);
        assert_eq!(sent(&contact.deliver(at(0), news(Cause::Announcement, 0), &[fact(0, 3)])), []);
    }

    #[test]
    fn a_newcomer_settles_with_its_contact_or_another() {
        let ids = four();
        let system = system(Spread::Broadcast, &ids, 1);
        let settle = |version| MembershipTimer::Settle { contact: fact(1, version) };
        let ask = MembershipMessage::JoinRequest { attempt: 0 };
        let mut newcomer = bench(&system, 2, &ids);
        let [(to, compare @ MembershipMessage::Digest { .. }, ..)] =
            sent(&newcomer.timer(settle(1)))[..]
        else {
            panic!("the contact is still there");
        };
        assert_eq!(to, at(1));
        let did = newcomer.unreachable(to, compare);
        assert_eq!(sent(&did)[1], (at(0), ask, vec![], Manner::Request(TIMEOUT)));
        // It was gone when its answer came; or it has left and come back.
        for contact in [settle(2), settle(3)] {
            assert_eq!(sent(&newcomer.timer(contact))[0].1, ask);
        }
    }

    #[test]
    fn a_contact_that_is_joining_itself_is_asked_again() {
        let ids = four();
        let system = system(GOSSIP, &ids, 1);
        let mut contact = Bench::new(&system, at(2), &ids);
        contact.start(Start::Join { contact: at(1) });
        let ask = |attempt| MembershipMessage::JoinRequest { attempt };
        assert_eq!(contact.deliver(at(3), ask(0), &[]).effects, []);
        let mut joining = Bench::new(&system, at(3), &ids);
        for (attempt, seconds) in [(0, 1), (1, 2), (6, 64), (200, 64)] {
            let did = joining.unreachable(at(2), ask(attempt));
            let timer = MembershipTimer::JoinAgain { contact: at(2), attempt: attempt + 1 };
            let after = Duration::from_secs(seconds);
            assert!(did.effects.contains(&Effect::Timer { after, timer }));
            assert_eq!(sent(&joining.timer(timer))[0].1, ask(attempt + 1));
        }
    }

    #[test]
    fn who_comes_back_before_anybody_missed_it_is_newer_than_it_was() {
        let ids = four();
        let system = system(Spread::Broadcast, &ids, 1);
        let mut back = Bench::new(&system, at(2), &ids);
        back.start(Start::Join { contact: at(0) });
        let did = back.deliver(at(0), MembershipMessage::JoinView, &[fact(0, 1), fact(2, 1)]);
        assert_eq!(sent(&did)[0].2, [fact(2, 3)]);
    }

    #[test]
    fn a_broadcast_is_sent_four_times_before_the_other_is_dead() {
        let ids = four();
        let system = system(Spread::Broadcast, &ids, 1);
        let mut bench = bench(&system, 0, &ids);
        for attempt in 0..BROADCAST_ATTEMPTS - 1 {
            let did = bench.unreachable(at(2), news(Cause::Announcement, attempt));
            let again = news(Cause::Announcement, attempt + 1);
            assert_eq!(sent(&did)[0].1, again);
            assert!(bench.node.view.borrow().has(Server(2)));
        }
        bench.unreachable(at(2), news(Cause::Announcement, BROADCAST_ATTEMPTS - 1));
        assert!(!bench.node.view.borrow().has(Server(2)));
    }

    #[test]
    fn leaving_is_announced_once() {
        let ids = four();
        for spread in SPREADS {
            let system = system(spread, &ids, 1);
            let mut leaving = bench(&system, 0, &ids);
            let did = leaving.leave();
            assert_eq!(did.effects.last(), Some(&Effect::Depart));
            let told: BTreeSet<Address> = sent(&did).iter().map(|(to, ..)| *to).collect();
            match spread {
                Spread::Instant => assert_eq!(told.len(), 0),
                Spread::Broadcast => assert_eq!(sent(&did).len(), 2),
                // As often as any rumour among the two that stay: log2 2 + 4 times.
                Spread::Gossip { .. } => assert_eq!(sent(&did).len(), 5),
            }
            for (_, message, facts, _) in sent(&did) {
                assert_eq!((message, facts), (news(Cause::Announcement, 0), vec![fact(0, 2)]));
            }
            assert!(!leaving.node.view.borrow().has(Server(0)), "{spread:?}");
        }
    }

    #[test]
    fn a_rumour_is_pushed_for_its_rounds_and_no_longer() {
        let ids = four();
        let system = system(GOSSIP, &ids, 1);
        let mut bench = bench(&system, 0, &ids);
        bench.deliver(at(1), news(Cause::News, 0), &[fact(3, 1)]);
        for round in 0..6 {
            // Four members now.
            assert_eq!(sent(&bench.timer(MembershipTimer::Gossip)).len(), 1, "round {round}");
            bench.deliver(at(1), news(Cause::News, 0), &[fact(3, 1)]);
        }
        assert_eq!(sent(&bench.timer(MembershipTimer::Gossip)), [], "heard again, it stays cold");
    }

    #[test]
    fn anti_entropy_goes_both_ways_and_only_when_views_differ() {
        let ids = four();
        let system = system(GOSSIP, &ids, 1);
        let (mut one, mut other) = (bench(&system, 0, &ids), bench(&system, 1, &ids));
        let digest = |bench: &mut Bench<'_, FullMembership>| {
            let did = bench.timer(MembershipTimer::AntiEntropy);
            sent(&did)[0].1
        };
        let question = digest(&mut one);
        assert_eq!(sent(&other.deliver(at(0), question, &[]))[0].1, MembershipMessage::Agreement);
        one.deliver(at(2), news(Cause::News, 0), &[fact(3, 1)]);
        other.deliver(at(2), news(Cause::News, 0), &[fact(2, 2)]);
        let question = digest(&mut one);
        let (_, answer, facts, _) = sent(&other.deliver(at(0), question, &[]))[0].clone();
        assert_eq!(facts, [fact(0, 1), fact(1, 1), fact(2, 2)]);
        let (to, missing, facts, _) = sent(&one.deliver(at(1), answer, &facts))[0].clone();
        assert_eq!(
            (to, missing, &facts[..]),
            (at(1), MembershipMessage::MissingFacts, &[fact(3, 1)][..])
        );
        other.deliver(at(0), missing, &facts);
        let checksum = |bench: &Bench<'_, FullMembership>| bench.node.view.borrow().checksum();
        assert_eq!(checksum(&one), checksum(&other));
    }

    #[test]
    fn a_partner_that_does_not_answer_is_marked_down() {
        let ids = four();
        let system = system(GOSSIP, &ids, 1);
        for message in [news(Cause::News, 0), MembershipMessage::Digest { checksum: 1 }] {
            let mut bench = bench(&system, 0, &ids);
            let did = bench.unreachable(at(2), message);
            assert_eq!(notes(&did), [Note::MaintenanceTimedOut]);
            assert!(!bench.node.view.borrow().has(Server(2)));
        }
    }
}

mod whole_systems {
    use super::*;

    #[derive(Default)]
    struct Notes(Vec<(Address, Note)>);

    impl Observer for Notes {
        fn on_note(&mut self, _: Time, at: Address, note: Note) {
            self.0.push((at, note));
        }
    }

    /// A system under way, and who takes part in it.
    struct World<'i> {
        simulation: Simulation<'i, FullMembership, Network, Notes>,
        ids: &'i [Id],
        tokens: usize,
        up: BTreeSet<usize>,
        lookups: u32,
    }

    impl<'i> World<'i> {
        /// The first `initial` servers of a system that has converged.
        fn new(
            system: FullMembership,
            ids: &'i [Id],
            tokens: usize,
            initial: usize,
            loss: f64,
        ) -> Self {
            let stream = |purpose| Stream::new(1, 0, purpose);
            let latency = Latency::Uniform(Duration::from_millis(10), Duration::from_millis(90));
            let network = Network::new(latency, loss, stream("latency"), stream("loss"));
            let notes = Notes::default();
            let clone = system.clone();
            let simulation = Simulation::new(system, network, notes, ids, stream("protocol"));
            let up = (0..initial).collect();
            let mut world = World { simulation, ids, tokens, up, lookups: 0 };
            let ring = world.oracle();
            let mut converged =
                clone.converged(Truth { ring: &ring, ids, space: space() }, |_, _| Duration::ZERO);
            for server in 0..initial {
                let host = at(server * tokens);
                world.simulation.start_with(host, converged(host), Start::Resume);
            }
            world
        }

        fn host(&self, server: usize) -> Address {
            at(server * self.tokens)
        }

        fn oracle(&self) -> Ring {
            let tokens = self.tokens;
            let up =
                self.up.iter().flat_map(|server| (server * tokens..(server + 1) * tokens).map(at));
            Ring::of(self.ids, up.collect::<Vec<_>>().into_iter())
        }

        fn run(&mut self, time: Duration) {
            let until = self.simulation.now() + time;
            self.simulation.run_before(until);
        }

        fn join(&mut self, server: usize, contact: usize) {
            let contact = self.host(contact);
            self.simulation.start(self.host(server), Start::Join { contact });
            self.up.insert(server);
        }

        fn leave(&mut self, server: usize) {
            self.simulation.leave(self.host(server));
            self.up.remove(&server);
        }

        fn crash(&mut self, server: usize) {
            self.simulation.crash(self.host(server));
            self.simulation.protocol().observe_stop(self.host(server));
            self.up.remove(&server);
        }

        fn random_up(&self, random: &mut Stream) -> usize {
            let place = random.below(self.up.len() as u64) as usize;
            *self.up.iter().nth(place).unwrap()
        }

        /// Looks a key up at a node; its answer, if one comes within ten seconds.
        fn look_up(&mut self, server: usize, key: Id) -> Option<(Address, u32)> {
            self.lookups += 1;
            let lookup = LookupId(self.lookups);
            self.simulation.observer.0.clear();
            self.simulation.operate(self.host(server), Operation::Lookup { lookup, key });
            self.run(Duration::from_secs(10));
            self.simulation.observer.0.iter().find_map(|(_, note)| match note {
                Note::Answer { lookup: answered, owner, hops } if *answered == lookup => {
                    Some((*owner, *hops))
                }
                _ => None,
            })
        }

        fn right_views(&self) -> usize {
            let ring = self.oracle();
            let truth = Truth { ring: &ring, ids: self.ids, space: space() };
            let system = self.simulation.protocol();
            let right = |server: &&usize| {
                let node = self.simulation.node(self.host(**server)).unwrap();
                system.has_right_view(node, truth).unwrap()
            };
            self.up.iter().filter(right).count()
        }

        fn assert_right(&self) {
            assert_eq!(self.right_views(), self.up.len(), "at {:?}", self.simulation.now());
            let ring = self.oracle();
            let system = self.simulation.protocol();
            for token in ring.iter() {
                let node = self.simulation.node(system.host(token)).unwrap();
                let own = system.neighbours(node, token, self.ids);
                let truth = Truth { ring: &ring, ids: self.ids, space: space() };
                let right = truth.right_pointers(token, 1, false);
                assert_eq!(own.predecessor, Some(right.predecessor));
                assert_eq!(own.successors, right.successors);
            }
        }
    }

    #[test]
    fn every_lookup_of_a_converged_system_takes_one_hop() {
        let ids = drawn(50, 4, 1);
        for spread in SPREADS {
            let mut world = World::new(system(spread, &ids, 4), &ids, 4, 50, 0.0);
            world.assert_right();
            let (ring, mut random) = (world.oracle(), Stream::new(3, 0, "test"));
            for _ in 0..100 {
                let from = world.random_up(&mut random);
                let key = space().from_random(std::array::from_fn(|_| random.bits()));
                let (owner, hops) = world.look_up(from, key).unwrap();
                assert_eq!(owner, ring.owner(&ids, key));
                assert_eq!(hops, u32::from(owner.index() / 4 != from));
            }
        }
    }

    #[test]
    fn nodes_that_join_at_the_same_moment_learn_of_each_other() {
        let ids = drawn(40, 1, 2);
        for spread in SPREADS {
            let mut world = World::new(system(spread, &ids, 1), &ids, 1, 4, 0.0);
            for server in 4..40 {
                // Some through nodes that have only just begun to join.
                world.join(server, if server % 5 == 0 { server - 1 } else { server % 4 });
                if server % 7 == 0 {
                    world.run(Duration::from_millis(60));
                }
            }
            world.run(Duration::from_secs(120));
            world.assert_right();
            let joined =
                world.simulation.observer.0.iter().filter(|(_, note)| *note == Note::Joined);
            assert_eq!(joined.count(), 36);
        }
    }

    /// Two nodes join at the same moment through contacts that are gone before they can tell
    /// them of each other.
    #[test]
    fn newcomers_whose_contacts_are_gone_ask_others() {
        let ids = drawn(12, 1, 2);
        let mut world = World::new(system(Spread::Broadcast, &ids, 1), &ids, 1, 10, 0.0);
        world.join(10, 0);
        world.join(11, 1);
        while world.simulation.observer.0.is_empty() {
            world.run(Duration::from_millis(1));
        }
        world.crash(0);
        world.crash(1);
        world.run(Duration::from_secs(4));
        assert!(world.right_views() < 10);
        world.run(Duration::from_secs(4));
        world.assert_right();
    }

    /// The accusations of a lossy network are refuted; in between views are wrong for a while.
    #[test]
    fn losses_do_not_tear_a_system_apart() {
        let ids = drawn(60, 1, 4);
        for spread in [Spread::Broadcast, GOSSIP] {
            let mut world = World::new(system(spread, &ids, 1), &ids, 1, 50, 0.02);
            for server in 50..60 {
                world.join(server, server % 50);
                world.run(Duration::from_secs(1));
            }
            world.run(Duration::from_secs(300));
            let right = world.right_views();
            match spread {
                Spread::Broadcast => assert_eq!(right, 60),
                // Every now and then somebody is accused, and it takes a while to get round.
                _ => assert!(world.up.iter().all(|server| {
                    let node = world.simulation.node(at(*server)).unwrap();
                    node.view.borrow().members() >= 55
                })),
            }
        }
    }

    /// Ten thousand views that have changed two thousand times take the memory of a few.
    #[test]
    fn views_of_many_nodes_share_what_is_equal() {
        let servers = 2000;
        let ids = drawn(servers, 1, 5);
        let mut world = World::new(system(Spread::Broadcast, &ids, 1), &ids, 1, servers - 20, 0.0);
        for server in servers - 20..servers {
            world.join(server, server % 100);
            world.run(Duration::from_millis(100));
        }
        world.run(Duration::from_secs(10));
        world.assert_right();
        let archive = &world.simulation.protocol().archive;
        // 32 chunks of 64 servers; every change makes one more chunk, not one a node.
        assert!(archive.len() < 32 + 200, "{} chunks", archive.len());
    }

    #[derive(Clone, Copy, Debug)]
    enum Change {
        Join,
        Leave,
        Crash,
    }

    fn changes() -> impl Strategy<Value = Vec<(Change, u64)>> {
        let change = prop::sample::select(vec![Change::Join, Change::Leave, Change::Crash]);
        prop::collection::vec((change, prop::sample::select(vec![0u64, 20, 100, 400, 3000])), 0..25)
    }

    proptest! {
        #![proptest_config(crate::property::config())]

        /// Servers join, leave and fail, some at the same moment; after a quiet time every
        /// view is right, and so is every lookup.
        #[test]
        fn views_become_right(
            seed: u64,
            spread in prop::sample::select(SPREADS.to_vec()),
            tokens in 1usize..4,
            initial in 2usize..20,
            changes in changes(),
        ) {
            let servers = initial + changes.len();
            let ids = drawn(servers, tokens, seed);
            let mut world = World::new(system(spread, &ids, tokens), &ids, tokens, initial, 0.0);
            let mut random = Stream::new(seed, 0, "test");
            let mut absent: Vec<usize> = (initial..servers).collect();
            let member = |world: &World<'_>, server: usize| {
                let node = world.simulation.node(world.host(server)).unwrap();
                node.standing == Standing::Member
            };
            for (change, wait) in changes {
                let somebody = world.random_up(&mut random);
                // Only a member says goodbye. The first server stays: who knew only servers that
                // are gone would be alone for good.
                let stays = somebody == 0 || !member(&world, somebody);
                match change {
                    Change::Join => {
                        let place = random.below(absent.len() as u64) as usize;
                        world.join(absent.swap_remove(place), somebody);
                    }
                    Change::Leave | Change::Crash if stays => {}
                    Change::Leave => {
                        world.leave(somebody);
                        absent.push(somebody);
                    }
                    Change::Crash => {
                        world.crash(somebody);
                        absent.push(somebody);
                    }
                }
                world.run(Duration::from_millis(wait));
            }
            // Whose contact has gone, or has left before it said so, never joins.
            world.run(Duration::from_secs(200));
            let joining: Vec<usize> = world.up.iter().copied().filter(|s| !member(&world, *s)).collect();
            for server in joining {
                world.crash(server);
            }
            // By broadcast a death is found by who runs into it: everybody asks everybody.
            let up: Vec<usize> = world.up.iter().copied().collect();
            for id in &ids {
                for server in &up {
                    let lookup = LookupId(u32::MAX);
                    world.simulation.operate(world.host(*server), Operation::Lookup { lookup, key: *id });
                }
            }
            world.run(Duration::from_secs(200));
            world.assert_right();
            let ring = world.oracle();
            for _ in 0..5 {
                let from = world.random_up(&mut random);
                let key = space().from_random(std::array::from_fn(|_| random.bits()));
                let (owner, hops) = world.look_up(from, key).unwrap();
                prop_assert_eq!(owner, ring.owner(&ids, key));
                prop_assert_eq!(hops, u32::from(owner.index() / tokens != from));
            }
        }

        /// Any message in any state is handled without a panic.
        #[test]
        fn nodes_survive_nonsense(
            steps in prop::collection::vec((0usize..9, 0usize..12, any::<u8>(), prop::collection::vec((0u32..4, 0u32..9), 0..6)), 0..60),
            spread in prop::sample::select(SPREADS.to_vec()),
            joined: bool,
        ) {
            let ids = drawn(4, 3, 1);
            let system = system(spread, &ids, 3);
            let mut bench = Bench::new(&system, at(6), &ids);
            bench.start(if joined { Start::Create } else { Start::Join { contact: at(0) } });
            for (what, peer, number, facts) in steps {
                let facts: Vec<Fact> = facts.iter().map(|(server, version)| fact(*server, *version)).collect();
                let query = Query {
                    lookup: LookupId(1), origin: at(peer), key: ids[peer], hops: number % 9, sent: number % 9,
                };
                let message = match what {
                    0 => MembershipMessage::Query(query),
                    1 => MembershipMessage::Answer { lookup: LookupId(1), owner: None, hops: number },
                    2 => MembershipMessage::JoinRequest { attempt: number },
                    3 => MembershipMessage::JoinView,
                    4 => MembershipMessage::News { cause: Cause::News, attempt: number % 4 },
                    5 => MembershipMessage::Digest { checksum: u64::from(number) },
                    6 => MembershipMessage::Agreement,
                    7 => MembershipMessage::WholeView,
                    _ => MembershipMessage::MissingFacts,
                };
                bench.deliver(at(peer), message, &facts);
                bench.unreachable(at(peer), message);
                bench.timer(MembershipTimer::Tell);
                bench.timer(MembershipTimer::Gossip);
                bench.timer(MembershipTimer::AntiEntropy);
                bench.operate(Operation::Lookup { lookup: LookupId(1), key: ids[peer] });
                if number == 77 {
                    bench.leave();
                }
            }
        }
    }

    /// The status of a node that leaves, and that nobody hears of it in vain.
    #[test]
    fn who_leaves_is_gone() {
        let ids = drawn(10, 1, 6);
        for spread in SPREADS {
            let mut world = World::new(system(spread, &ids, 1), &ids, 1, 10, 0.0);
            world.leave(3);
            assert_eq!(world.simulation.status(at(3)), Status::Gone);
            world.run(Duration::from_secs(60));
            world.assert_right();
            world.join(3, 4);
            world.run(Duration::from_secs(60));
            world.assert_right();
        }
    }
}
