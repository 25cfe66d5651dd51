//! Single trackers and clients driven by hand, then whole systems.

mod storage;

use super::*;
use crate::id::IdSpace;
use crate::oracle::Ring;
use crate::sim::{
    Bench, Effect, Envelope, HEADER_BYTES, Message, Network, Note, Observer, Record, RequestId,
    Simulation, Status, Stream,
};

const MINUTE: Duration = Duration::from_secs(60);
const REQUEST: RequestId = RequestId(7);

/// Trackers with the usual parameters and without a swarm.
pub(super) fn tracker(trackers: usize) -> Tracker {
    Tracker {
        trackers,
        numwant: 50,
        announce_interval: Duration::from_secs(30 * 60),
        expiry: Duration::from_secs(45 * 60),
        exchange: MINUTE,
        request_timeout: Duration::from_secs(15),
        swarm: None,
    }
}

pub(super) fn node(index: usize) -> Address {
    Address::new(index)
}

pub(super) fn seconds(seconds: u64) -> Time {
    Time::ZERO + Duration::from_secs(seconds)
}

/// The identifiers of nodes are numbers with distances, so that keys are owned.
pub(super) fn ids(count: usize) -> Vec<Id> {
    (0..count as u64).map(|n| key(1000 * n)).collect()
}

pub(super) fn key(number: u64) -> Id {
    IdSpace::new(32).unwrap().id(number)
}

fn value(version: u32) -> Value {
    Value { version, bytes: 1000 }
}

fn file(number: u64) -> Topic {
    Topic::File(key(number))
}

fn have(topic: Topic, version: u32) -> Item {
    Item::Have { topic, version }
}

fn client(index: usize, version: u32) -> Item {
    Item::Client { client: node(index), version }
}

fn search(hops: u32) -> Search {
    Search { request: REQUEST, key: key(5), hops }
}

/// What a node has sent, with the attached lists.
pub(super) fn sent(record: &Record<Tracker>) -> Vec<(Address, TrackerMessage, Vec<Item>)> {
    let effects = record.effects.iter();
    effects
        .filter_map(|effect| match effect {
            Effect::Send { to, message, list, .. } => {
                Some((*to, *message, record.items[list.clone()].to_vec()))
            }
            _ => None,
        })
        .collect()
}

pub(super) fn notes(record: &Record<Tracker>) -> Vec<Note> {
    let effects = record.effects.iter();
    effects
        .filter_map(|effect| match effect {
            Effect::Note(note) => Some(*note),
            _ => None,
        })
        .collect()
}

/// Lets a client announce something; gives the list of the answer.
fn announce(bench: &mut Bench<'_, Tracker>, from: usize, event: Event, list: &[Item]) -> Vec<Item> {
    let record = bench.deliver(node(from), TrackerMessage::Announce { event, tried: 0 }, list);
    let [(_, message, answer)] = &sent(&record)[..] else { panic!("one answer: {record:?}") };
    assert_eq!(*message, TrackerMessage::Announced { event, tried: 0 });
    answer.clone()
}

#[test]
fn a_tracker_names_those_who_have_a_file() {
    let (tracker, ids) = (Tracker { numwant: 3, ..tracker(1) }, ids(10));
    let mut bench = Bench::new(&tracker, node(0), &ids);
    let wants = Event::Started(Wanted::File(search(1)));
    assert_eq!(announce(&mut bench, 1, wants, &[]), []);
    for owner in 2..=6 {
        announce(&mut bench, owner, Event::Completed(None), &[have(file(5), 1)]);
    }
    let mut named = Vec::new();
    for _ in 0..50 {
        let answer = announce(&mut bench, 2, wants, &[]);
        assert_eq!(answer.len(), 3, "no more than numwant");
        named.extend(answer);
    }
    named.sort_by_key(Item::client);
    named.dedup();
    assert_eq!(named, [client(3, 1), client(4, 1), client(5, 1), client(6, 1)], "all but itself");
    announce(&mut bench, 4, Event::Completed(None), &[have(file(5), 2)]);
    assert_eq!(announce(&mut bench, 1, wants, &[])[0], client(4, 2), "the newest version first");
    announce(&mut bench, 4, Event::Stopped, &[have(Topic::Presence, 0), have(file(5), 2)]);
    assert!(announce(&mut bench, 1, wants, &[]).iter().all(|item| *item != client(4, 2)));
}

#[test]
fn entries_expire_unless_they_are_announced_again() {
    let (tracker, ids) = (tracker(1), ids(4));
    let mut bench = Bench::new(&tracker, node(0), &ids);
    let wants = Event::Started(Wanted::File(search(1)));
    announce(&mut bench, 1, Event::Completed(None), &[have(file(5), 1)]);
    announce(&mut bench, 2, Event::Completed(None), &[have(file(5), 1)]);
    bench.now = seconds(30 * 60);
    announce(&mut bench, 1, Event::Regular, &[have(Topic::Presence, 0), have(file(5), 1)]);
    bench.now = seconds(45 * 60);
    assert_eq!(announce(&mut bench, 3, wants, &[]), [client(1, 1)]);
    bench.now = seconds(75 * 60);
    assert_eq!(announce(&mut bench, 3, wants, &[]), []);
}

#[test]
fn trackers_exchange_what_they_have_been_told() {
    let (tracker, ids) = (tracker(3), ids(6));
    let mut bench = Bench::new(&tracker, node(1), &ids);
    assert_eq!(bench.start(Start::Resume).effects.len(), 1, "the timer");
    assert_eq!(sent(&bench.timer(TrackerTimer::Exchange)), [], "no news, no message");
    announce(&mut bench, 4, Event::Completed(None), &[have(file(5), 1)]);
    announce(&mut bench, 4, Event::Stopped, &[have(file(5), 1)]);
    let news = |version| Item::News { client: node(4), topic: file(5), version };
    let told = sent(&bench.timer(TrackerTimer::Exchange));
    let list = vec![news(Some(1)), news(None)];
    let message = TrackerMessage::Exchange;
    assert_eq!(told, [(node(0), message, list.clone()), (node(2), message, list)]);
    assert_eq!(sent(&bench.timer(TrackerTimer::Exchange)), [], "nothing twice");
    // What it hears from others it does not pass on.
    let wants = Event::Started(Wanted::File(search(1)));
    bench.deliver(node(2), message, &[news(Some(3))]);
    assert_eq!(announce(&mut bench, 5, wants, &[]), [client(4, 3)]);
    bench.deliver(node(2), message, &[news(None)]);
    assert_eq!(announce(&mut bench, 5, wants, &[]), []);
    assert_eq!(sent(&bench.timer(TrackerTimer::Exchange)), []);
}

#[test]
fn a_client_turns_to_the_next_tracker_and_fails_behind_the_last() {
    let (tracker, ids) = (tracker(2), ids(4));
    let mut bench = Bench::new(&tracker, node(3), &ids);
    let joining = sent(&bench.start(Start::Join { contact: node(0) }));
    let (first, message, list) = joining[0].clone();
    let second = node(1 - first.index());
    assert_eq!(message, TrackerMessage::Announce { event: Event::Joined, tried: 0 });
    assert_eq!(list, [have(Topic::Presence, 0)]);
    // The bench attaches no list to what timed out; the engine does.
    let record = bench.unreachable(first, message);
    let again = TrackerMessage::Announce { event: Event::Joined, tried: 1 };
    assert_eq!(sent(&record), [(second, again, vec![])]);
    let record =
        bench.deliver(second, TrackerMessage::Announced { event: Event::Joined, tried: 1 }, &[]);
    assert_eq!(notes(&record), [Note::Joined]);
    // From now on it asks the second one first.
    let put = Operation::Put { request: REQUEST, key: key(5), value: value(1) };
    let event = Event::Completed(Some(REQUEST));
    let record = bench.operate(put);
    let message = TrackerMessage::Announce { event, tried: 0 };
    assert_eq!(sent(&record), [(second, message, vec![have(file(5), 1)])]);
    let record = bench.unreachable(second, message);
    assert_eq!(sent(&record)[0].0, first);
    let record = bench.unreachable(first, TrackerMessage::Announce { event, tried: 1 });
    assert_eq!((sent(&record), notes(&record)), (vec![], vec![Note::Failed(REQUEST)]));
    // A regular announcement is tried again later and later.
    for wait in [15, 30, 60] {
        let record =
            bench.unreachable(second, TrackerMessage::Announce { event: Event::Regular, tried: 1 });
        let timer =
            Effect::Timer { after: Duration::from_secs(wait), timer: TrackerTimer::Announce };
        assert!(record.effects.contains(&timer), "{record:?}");
    }
}

#[test]
fn a_put_is_stored_when_the_tracker_knows() {
    let (tracker, ids) = (tracker(1), ids(4));
    let mut bench = Bench::new(&tracker, node(3), &ids);
    bench.operate(Operation::Put { request: REQUEST, key: key(5), value: value(2) });
    let event = Event::Completed(Some(REQUEST));
    let record = bench.deliver(node(0), TrackerMessage::Announced { event, tried: 0 }, &[]);
    assert_eq!(notes(&record), [Note::Stored(REQUEST)]);
    let record = bench.deliver(node(2), TrackerMessage::Fetch(search(2)), &[]);
    let answer = TrackerMessage::File { search: search(2), value: Some(value(2)) };
    assert_eq!(sent(&record)[0].1, answer);
    bench.operate(Operation::Put { request: REQUEST, key: key(5), value: value(1) });
    assert_eq!(tracker.holds(&bench.node).collect::<Vec<_>>(), [(key(5), value(2))], "older");
}

#[test]
fn a_get_asks_owner_after_owner_and_makes_one_more() {
    let (tracker, ids) = (tracker(1), ids(6));
    let mut bench = Bench::new(&tracker, node(5), &ids);
    bench.operate(Operation::Get { request: REQUEST, key: key(5) });
    let event = Event::Started(Wanted::File(search(1)));
    let owners = [client(1, 3), client(2, 3), client(3, 2)];
    let record = bench.deliver(node(0), TrackerMessage::Announced { event, tried: 0 }, &owners);
    let (to, message, others) = sent(&record).remove(0);
    assert_eq!((to, message), (node(1), TrackerMessage::Fetch(search(2))));
    assert_eq!(message.wire_bytes(&others), message.wire_bytes(&[]), "a note of its own");
    // The first one does not have it any more.
    let file = |value| TrackerMessage::File { search: search(2), value };
    let record = bench.deliver(node(1), file(None), &others);
    assert_eq!(sent(&record)[0], (node(2), TrackerMessage::Fetch(search(3)), others[1..].to_vec()));
    let found = TrackerMessage::File { search: search(3), value: Some(value(3)) };
    let record = bench.deliver(node(2), found, &[]);
    let fetched = Note::Fetched { request: REQUEST, value: Some(value(3)), hops: 3 };
    assert_eq!(notes(&record), [fetched]);
    let event = Event::Completed(None);
    let message = TrackerMessage::Announce { event, tried: 0 };
    assert_eq!(sent(&record), [(node(0), message, vec![have(self::file(5), 3)])]);
    // Nobody left to ask.
    let record = bench.deliver(node(3), file(None), &[]);
    assert_eq!(notes(&record), [Note::Failed(REQUEST)]);
}

#[test]
fn a_get_of_an_own_file_asks_for_a_newer_one() {
    let (tracker, ids) = (tracker(2), ids(6));
    let mut bench = Bench::new(&tracker, node(5), &ids);
    bench.operate(Operation::Put { request: REQUEST, key: key(5), value: value(2) });
    for _ in 0..3 {
        bench.operate(Operation::Get { request: REQUEST, key: key(5) });
    }
    let event = Event::Started(Wanted::File(search(1)));
    let answer = |tried| TrackerMessage::Announced { event, tried };
    let fetched = Note::Fetched { request: REQUEST, value: Some(value(2)), hops: 1 };
    assert_eq!(notes(&bench.deliver(node(0), answer(0), &[client(1, 1)])), [fetched]);
    assert_eq!(sent(&bench.deliver(node(0), answer(0), &[client(1, 3)]))[0].0, node(1));
    // Nobody else has it here: perhaps the next tracker knows somebody.
    let asked = sent(&bench.deliver(node(0), answer(0), &[]));
    let event = Event::Started(Wanted::File(search(2)));
    assert_eq!(asked, [(node(1), TrackerMessage::Announce { event, tried: 1 }, vec![])]);
    assert_eq!(notes(&bench.deliver(node(1), answer(1), &[])), [fetched]);
}

#[test]
fn one_that_leaves_hands_over_what_nobody_else_has() {
    let (tracker, ids) = (tracker(1), ids(6));
    let mut bench = Bench::new(&tracker, node(0), &ids);
    let presence = have(Topic::Presence, 0);
    announce(&mut bench, 1, Event::Joined, &[presence, have(file(1), 1), have(file(2), 2)]);
    announce(&mut bench, 2, Event::Joined, &[presence, have(file(1), 1), have(file(2), 1)]);
    let answer =
        announce(&mut bench, 1, Event::Stopped, &[presence, have(file(1), 1), have(file(2), 2)]);
    assert_eq!(answer, [have(file(2), 2), client(2, 0)]);
    assert_eq!(
        announce(&mut bench, 2, Event::Stopped, &[presence, have(file(1), 1)]),
        [have(file(1), 1)]
    );

    let mut bench = Bench::new(&tracker, node(5), &ids);
    for number in [1, 2] {
        bench.operate(Operation::Put { request: REQUEST, key: key(number), value: value(2) });
    }
    assert_eq!(bench.leave().effects, [], "nobody has answered the puts");
    let answer = TrackerMessage::Announced { event: Event::Completed(Some(REQUEST)), tried: 0 };
    assert_eq!(sent(&bench.deliver(node(0), answer, &[])), []);
    let record = bench.deliver(node(0), answer, &[]);
    let event = Event::Stopped;
    assert_eq!(sent(&record)[0].1, TrackerMessage::Announce { event, tried: 0 });
    assert!(!record.effects.contains(&Effect::Depart));
    let answer = TrackerMessage::Announced { event, tried: 0 };
    let heirs = [have(file(2), 2), client(2, 0), client(3, 0)];
    let own = Item::File { key: key(2), value: value(2) };
    let handed = sent(&bench.deliver(node(0), answer, &heirs));
    assert_eq!(handed, [(node(2), TrackerMessage::HandOver, vec![own, client(3, 0)])]);
    assert_eq!(bench.deliver(node(2), TrackerMessage::TakenOver, &[]).effects, [Effect::Depart]);

    // It says farewell again if no heir answers; perhaps nobody has to take anything by then.
    let unanswered = bench.unreachable_with(node(2), TrackerMessage::HandOver, &[]);
    assert_eq!(sent(&unanswered)[0].0, node(0));
    assert_eq!(bench.deliver(node(0), answer, &[]).effects, [Effect::Depart]);

    let mut heir = Bench::new(&tracker, node(2), &ids);
    let taken = sent(&heir.deliver(node(5), TrackerMessage::HandOver, &[own, client(3, 0)]));
    assert_eq!(taken[0].2, [have(file(2), 2)]);
    assert_eq!(taken[1].1, TrackerMessage::TakenOver);
    assert_eq!(tracker.holds(&heir.node).collect::<Vec<_>>(), [(key(2), value(2))]);
}

#[test]
fn bytes_are_those_of_the_specification() {
    let bytes = |message: TrackerMessage, list: &[Item]| message.wire_bytes(list) - HEADER_BYTES;
    let announce = TrackerMessage::Announce { event: Event::Regular, tried: 0 };
    let answer = TrackerMessage::Announced { event: Event::Regular, tried: 0 };
    assert_eq!(bytes(announce, &[have(Topic::Swarm, 0)]), 98);
    assert_eq!(bytes(announce, &[]), 98);
    assert_eq!(bytes(answer, &[client(1, 0); 50]), 20 + 6 * 50);
    // Beside 12 bytes of TCP.
    assert_eq!(bytes(TrackerMessage::Connect, &[Item::Pieces(1)]), 12 + 68 + 5 + 8);
    assert_eq!(bytes(TrackerMessage::Have(1), &[]), 12 + 9);
    let piece = TrackerMessage::Piece { piece: 0, bytes: 1 << 18 };
    assert_eq!(bytes(piece, &[]), 12 + (1 << 18) + 16 * 13);
}

/// A network of random delays, in which messages overtake each other. Trackers can be slow.
pub(super) struct Uneven {
    random: Stream,
    service_time: Duration,
}

impl Network for Uneven {
    fn delay(&mut self, _: Time, _: Envelope) -> Option<Duration> {
        Some(self.random.exponential(Duration::from_millis(50)))
    }

    fn service_time(&self, node: Address) -> Duration {
        if node.index() == 0 { self.service_time } else { Duration::ZERO }
    }
}

/// Everything that nodes have said, and when.
#[derive(Default)]
pub(super) struct Notes(pub(super) Vec<(Time, Note)>);

impl Observer for Notes {
    fn on_note(&mut self, now: Time, _: Address, note: Note) {
        self.0.push((now, note));
    }
}

pub(super) type System<'i> = Simulation<'i, Tracker, Uneven, Notes>;

/// The first `up` nodes as if they had been running for long.
pub(super) fn start<'i>(tracker: &Tracker, ids: &'i [Id], up: usize, seed: u64) -> System<'i> {
    start_with(tracker, ids, up, seed, Duration::ZERO)
}

fn start_with<'i>(
    tracker: &Tracker,
    ids: &'i [Id],
    up: usize,
    seed: u64,
    service_time: Duration,
) -> System<'i> {
    let stream = |purpose| Stream::new(seed, 0, purpose);
    let ring = Ring::of(ids, (0..up).map(node));
    let network = Uneven { random: stream("latency"), service_time };
    let observer = Notes::default();
    let mut system = Simulation::new(tracker.clone(), network, observer, ids, stream("protocol"));
    let truth = Truth { ring: &ring, ids, space: IdSpace::new(32).unwrap() };
    let mut converged = tracker.converged(truth, |_, _| Duration::ZERO);
    for address in (0..up).map(node) {
        system.start_with(address, converged(address), Start::Resume);
    }
    let values = (0..up as u64).map(|n| (key(1000 * n), value(1)));
    let (protocol, mut nodes) = system.set_up();
    protocol.preload(values, truth, &mut nodes);
    system
}

/// Lets a client get a file, and gives what came of it, and when.
fn get(system: &mut System<'_>, client: usize, file: u64) -> (Note, Time) {
    system.observer.0.clear();
    system.operate(node(client), Operation::Get { request: REQUEST, key: key(file) });
    system.run_before(system.now() + MINUTE);
    let end = system
        .observer
        .0
        .iter()
        .find(|(_, note)| matches!(note, Note::Fetched { .. } | Note::Failed(_)));
    let (at, note) = *end.expect("an answer within a minute");
    (note, at)
}

#[test]
fn preloaded_files_are_found() {
    let (tracker, ids) = (tracker(2), ids(20));
    let mut system = start(&tracker, &ids, 20, 1);
    let held = |system: &System<'_>, index| {
        tracker.holds(system.node(node(index)).unwrap()).map(|(key, _)| key).collect::<Vec<_>>()
    };
    assert_eq!(held(&system, 7), [key(7000)]);
    assert_eq!(held(&system, 2), [key(0), key(1000), key(2000)], "trackers keep nothing");
    let found = Note::Fetched { request: REQUEST, value: Some(value(1)), hops: 2 };
    for file in [0, 1000, 7000, 19000] {
        assert_eq!(get(&mut system, 10, file).0, found);
    }
    assert_eq!(held(&system, 10).len(), 5);
    let missing = Note::Fetched { request: REQUEST, value: None, hops: 2 };
    assert_eq!(get(&mut system, 10, 123).0, missing, "both trackers know of none");
}

#[test]
fn a_crashed_client_is_forgotten() {
    let (tracker, ids) = (tracker(1), ids(20));
    let mut system = start(&tracker, &ids, 20, 1);
    system.crash(node(7));
    assert_eq!(get(&mut system, 10, 7000).0, Note::Failed(REQUEST), "nobody else has it");
    system.run_before(seconds(90 * 60));
    let missing = Note::Fetched { request: REQUEST, value: None, hops: 1 };
    assert_eq!(get(&mut system, 10, 7000).0, missing);
    let Some(TrackerNode::Server(server)) = system.node(node(0)) else { panic!("a tracker") };
    assert_eq!(server.index.list(Topic::Presence).len(), 18, "all others are known still");
    assert_eq!(server.index.list(file(8000)).len(), 1);
}

#[test]
fn a_client_that_leaves_loses_nothing() {
    let (tracker, ids) = (tracker(2), ids(20));
    let mut system = start(&tracker, &ids, 20, 1);
    for client in 2..19 {
        system.leave(node(client));
        system.run_before(system.now() + MINUTE);
        assert_eq!(system.status(node(client)), Status::Gone);
    }
    let held = tracker.holds(system.node(node(19)).unwrap());
    assert_eq!(held.count(), 20, "the last one has all files");
}

#[test]
fn clients_of_a_dead_tracker_go_to_the_next() {
    let (one, three, ids) = (tracker(1), tracker(3), ids(40));
    let mut system = start(&one, &ids, 40, 1);
    system.crash(node(0));
    assert_eq!(get(&mut system, 10, 7000).0, Note::Failed(REQUEST));

    let mut system = start(&three, &ids, 40, 1);
    system.crash(node(0));
    let mut waited = [0, 0];
    for (round, behind) in waited.iter_mut().zip([5, 6]) {
        let before = system.now();
        system.observer.0.clear();
        for client in 10..40 {
            let (request, key) = (RequestId(client), key(1000 * u64::from(client - behind)));
            system.operate(node(client as usize), Operation::Get { request, key });
        }
        system.run_before(before + MINUTE);
        system.observer.0.retain(|(_, note)| *note != Note::MaintenanceTimedOut);
        for (at, note) in &system.observer.0 {
            let Note::Fetched { value: found, hops, .. } = *note else { panic!("{note:?}") };
            let waits = at.since(before) >= three.request_timeout;
            assert_eq!((found, hops), (Some(value(1)), 2 + u32::from(waits)));
            *round += usize::from(waits);
        }
        assert_eq!(system.observer.0.len(), 30);
    }
    assert!((5..=16).contains(&waited[0]), "a third of them: {waited:?} of 30");
    assert_eq!(waited[1], 0, "then they have another tracker");
}

#[test]
fn what_one_tracker_is_told_the_others_know_a_minute_later() {
    let (tracker, ids) = (tracker(3), ids(20));
    let mut system = start(&tracker, &ids, 19, 1);
    system.start(node(19), Start::Join { contact: node(4) });
    system.operate(node(19), Operation::Put { request: REQUEST, key: key(5), value: value(4) });
    system.run_before(seconds(70));
    for index in 0..3 {
        let Some(TrackerNode::Server(server)) = system.node(node(index)) else { panic!() };
        let owners: Vec<_> = server.index.list(file(5)).iter().map(|entry| entry.client).collect();
        assert_eq!(owners, [node(19)]);
        assert_eq!(server.index.list(Topic::Presence).len(), 17);
    }
}

/// M/D/1: at a load of one half a message waits half a service time on average.
#[test]
fn a_slow_tracker_lets_clients_wait() {
    let (tracker, ids) = (tracker(1), ids(200));
    let mut slow = start_with(&tracker, &ids, 200, 1, Duration::from_millis(5));
    let mut arrivals = Stream::new(1, 0, "arrivals");
    for number in 0..20_000 {
        let next = slow.now() + arrivals.exponential(Duration::from_millis(10));
        slow.run_before(next);
        let client = node(1 + arrivals.below(199) as usize);
        slow.operate(client, Operation::Get { request: RequestId(number), key: key(5) });
    }
    let waiting = slow.waiting(node(0));
    let mean = waiting.total.as_millis_f64() / waiting.messages as f64;
    assert!((mean - 2.5).abs() < 0.25, "{mean} ms");
    assert_eq!(slow.waiting(node(1)).messages, 0, "clients are quick");
}
