//! Sets of pieces and choices by hand, then whole swarms.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::overlay::tracker::tests::{System, ids, node, notes, seconds, sent, start};
use crate::overlay::tracker::{
    Client, Event, Item, Tracker, TrackerMessage, TrackerNode, TrackerTimer, Wanted,
};
use crate::overlay::{self, Overlay};
use crate::sim::{Bench, Note, Operation, Record, Start, Status, Stream};

const KIB: u64 = 1024;
const NOTHING: [u32; 0] = [];

/// A file of 100 pieces; a peer takes 100 s to upload all of it.
fn swarm() -> Swarm {
    Swarm {
        file_bytes: 100 * 64 * KIB,
        piece_bytes: 64 * KIB as u32,
        upload: 64 * KIB,
        download: 512 * KIB,
        slots: 4,
        optimistic: 1,
        connections: 40,
        choice: PieceChoice::RarestFirst,
        seed_time: None,
        seeds: 1,
        patience: None,
        timeout: Duration::from_secs(15),
    }
}

fn tracker(swarm: Swarm) -> Tracker {
    Tracker { swarm: Some(swarm), ..crate::overlay::tracker::tests::tracker(1) }
}

proptest! {
    #![proptest_config(crate::property::config())]

    #[test]
    fn sets_of_pieces_are_sets(
        all in 1u32..400,
        sets in prop::array::uniform3(prop::collection::btree_set(0u32..400, 0..400)),
    ) {
        let within = |set: &BTreeSet<u32>| -> BTreeSet<u32> {
            set.iter().copied().filter(|piece| *piece < all).collect()
        };
        let plain = sets.each_ref().map(within);
        let [one, two, three] = plain.each_ref().map(|set| {
            let mut pieces = Pieces::none(all);
            for piece in set {
                assert!(pieces.insert(*piece));
            }
            pieces
        });
        prop_assert_eq!(one.count() as usize, plain[0].len());
        prop_assert!(one.iter().eq(plain[0].iter().copied()));
        let beyond: Vec<u32> =
            plain[0].iter().filter(|p| !plain[1].contains(p) && !plain[2].contains(p)).copied().collect();
        prop_assert!(one.beyond(&two, &three).eq(beyond));
        prop_assert_eq!(one.is_within(&two), plain[0].is_subset(&plain[1]));
        let items: Vec<Item> = one.to_items().collect();
        prop_assert!(Pieces::in_items(&items).eq(one.iter()));
        prop_assert_eq!(one.is_full(), plain[0].len() == all as usize);
        let mut none = one.clone();
        for piece in &plain[0] {
            none.remove(*piece);
        }
        prop_assert_eq!(none, Pieces::none(all));
    }
}

#[test]
fn the_last_piece_is_what_is_left() {
    let swarm = Swarm { file_bytes: 100, piece_bytes: 30, ..swarm() };
    assert_eq!(swarm.pieces(), 4);
    assert_eq!((0..4).map(|piece| swarm.bytes_of(piece)).collect::<Vec<_>>(), [30, 30, 30, 10]);
    assert_eq!(Swarm { file_bytes: 90, ..swarm }.pieces(), 3);
}

fn bitfield(pieces: impl IntoIterator<Item = u32>) -> Vec<Item> {
    let mut set = Pieces::none(100);
    for piece in pieces {
        assert!(set.insert(piece));
    }
    set.to_items().collect()
}

/// A leecher that is connected with the nodes that come next, who have these pieces.
fn leecher<'a>(
    tracker: &'a Tracker,
    ids: &'a [crate::id::Id],
    neighbours: &[Vec<u32>],
) -> Bench<'a, Tracker> {
    let mut bench = Bench::new(tracker, node(1), ids);
    bench.operate(Operation::Download { request: RequestId(3) });
    for (place, pieces) in neighbours.iter().enumerate() {
        bench.deliver(node(2 + place), TrackerMessage::Connect, &bitfield(pieces.iter().copied()));
    }
    bench
}

fn peer<'b>(bench: &'b mut Bench<'_, Tracker>) -> &'b mut Peer {
    let TrackerNode::Client(Client { peer: Some(peer), .. }) = &mut bench.node else {
        panic!("a peer")
    };
    peer
}

/// Hands a leecher a piece through its downlink.
fn receive(bench: &mut Bench<'_, Tracker>, from: Address, piece: u32) -> Record<Tracker> {
    bench.deliver(from, TrackerMessage::Piece { piece, bytes: 64 * KIB as u32 }, &[]);
    bench.timer(TrackerTimer::Received { from, piece })
}

fn requests(record: &Record<Tracker>) -> Vec<u32> {
    let sent = sent(record).into_iter();
    sent.filter_map(|(_, message, _)| match message {
        TrackerMessage::Request { piece, .. } => Some(piece),
        _ => None,
    })
    .collect()
}

fn unchoke(number: u32) -> TrackerMessage {
    TrackerMessage::Choke { choked: false, sending: None, number }
}

#[test]
fn a_download_begins_with_the_peers_that_the_tracker_names() {
    let (tracker, ids) = (tracker(swarm()), ids(5));
    let mut bench = Bench::new(&tracker, node(1), &ids);
    let asked = sent(&bench.operate(Operation::Download { request: RequestId(3) }));
    let event = Event::Started(Wanted::Swarm);
    assert_eq!(asked[0].1, TrackerMessage::Announce { event, tried: 0 });
    let client = |index| Item::Client { client: node(index), version: 0 };
    let answer = TrackerMessage::Announced { event, tried: 0 };
    let calls = sent(&bench.deliver(node(0), answer, &[client(2), client(3)]));
    assert_eq!(calls[0], (node(2), TrackerMessage::Connect, bitfield([])));
    assert_eq!(calls[1].0, node(3));
    let answered = sent(&bench.deliver(node(2), TrackerMessage::Bitfield, &bitfield(0..100)));
    let interested = TrackerMessage::Interest { interested: true, number: 1 };
    assert_eq!(answered, [(node(2), interested, vec![])]);
    assert_eq!(sent(&bench.deliver(node(3), TrackerMessage::Bitfield, &bitfield([]))), []);
    assert_eq!(requests(&bench.deliver(node(2), unchoke(1), &[])).len(), 2, "two at once");
    assert_eq!(tracker.peer(&bench.node), Some(overlay::Peer::Leecher));
    // A stranger is told that there is no connection.
    let told = sent(&bench.deliver(node(4), TrackerMessage::Have(7), &[]));
    assert_eq!(told, [(node(4), TrackerMessage::Close, vec![])]);
}

#[test]
fn the_rarest_pieces_come_first() {
    let (tracker, ids) = (tracker(swarm()), ids(6));
    // Everybody has pieces 0 to 49, two have 50 to 59, one has 60 and 61.
    let all = vec![(0..62).collect(), (0..60).collect(), (0..50).collect(), (0..50).collect()];
    let mut bench = leecher(&tracker, &ids, &all);
    let mut order = requests(&bench.deliver(node(2), unchoke(1), &[]));
    let mut next = 0;
    while next < order.len() {
        order.extend(requests(&receive(&mut bench, node(2), order[next])));
        next += 1;
    }
    assert_eq!(order.len(), 62);
    // Four are drawn by lot, and the two asked for while the fourth was under way.
    let rank = |piece: &u32| if *piece >= 60 { 0 } else { u32::from(*piece < 50) + 1 };
    assert!(order[5..].is_sorted_by_key(rank), "{order:?}");
    assert!(!order[..5].is_sorted_by_key(rank), "{order:?}");
    assert!(!order[5..].is_sorted(), "ties are broken by lot");
}

#[test]
fn what_a_choked_leecher_had_asked_for_is_asked_of_others() {
    let (tracker, ids) = (tracker(swarm()), ids(6));
    let mut bench = leecher(&tracker, &ids, &[vec![1, 2], vec![1, 2]]);
    let asked = requests(&bench.deliver(node(2), unchoke(1), &[]));
    assert_eq!(asked.len(), 2);
    assert_eq!(requests(&bench.deliver(node(3), unchoke(1), &[])), NOTHING, "they are under way");
    let choke = |number| TrackerMessage::Choke { choked: true, sending: Some(asked[0]), number };
    assert_eq!(requests(&bench.deliver(node(2), choke(1), &[])), NOTHING, "an older message");
    assert_eq!(requests(&bench.deliver(node(2), choke(2), &[])), [asked[1]]);
    assert_eq!(requests(&bench.deliver(node(3), TrackerMessage::Close, &[])), NOTHING);
    let asked = requests(&bench.deliver(node(2), unchoke(3), &[]));
    assert_eq!(asked.len(), 2, "its own pieces are free again");
}

/// Who is told what about choking.
fn choking(record: &Record<Tracker>) -> Vec<(usize, bool)> {
    let sent = sent(record).into_iter();
    sent.filter_map(|(to, message, _)| match message {
        TrackerMessage::Choke { choked, .. } => Some((to.index(), choked)),
        _ => None,
    })
    .collect()
}

fn unchoked(bench: &mut Bench<'_, Tracker>) -> Vec<usize> {
    let neighbours = peer(bench).neighbours.iter();
    neighbours.filter(|n| n.unchoked.is_some()).map(|n| n.address.index()).collect()
}

fn interested(number: u32) -> TrackerMessage {
    TrackerMessage::Interest { interested: true, number }
}

#[test]
fn a_leecher_unchokes_those_that_give_most() {
    let (tracker, ids) = (tracker(swarm()), ids(12));
    let mut bench = leecher(&tracker, &ids, &vec![vec![9]; 8]);
    for index in 2..10 {
        let told = choking(&bench.deliver(node(index), interested(1), &[]));
        let free = index < 2 + 5;
        assert_eq!(told, if free { vec![(index, false)] } else { vec![] }, "a free slot at once");
    }
    for (place, neighbour) in peer(&mut bench).neighbours.iter_mut().enumerate() {
        neighbour.received = [place as u64, 10];
    }
    bench.timer(TrackerTimer::Round);
    let now = unchoked(&mut bench);
    assert_eq!(now.len(), 5);
    assert!([6, 7, 8, 9].iter().all(|giver| now.contains(giver)), "{now:?}");
    let optimistic = now[0];
    // The optimistic one stays for three rounds; what is older than two does not count.
    for (round, givers) in [(1, [6, 7, 8, 9]), (2, [6, 7, 8, 9])] {
        for giver in givers {
            let place = peer(&mut bench).find(node(giver)).unwrap();
            peer(&mut bench).neighbours[place].received[0] = 5;
        }
        bench.timer(TrackerTimer::Round);
        assert!(unchoked(&mut bench).contains(&optimistic), "round {round}");
    }
    bench.timer(TrackerTimer::Round);
    bench.timer(TrackerTimer::Round);
    assert!(peer(&mut bench).neighbours.iter().all(|n| n.received == [0, 0]));
    // One that wants nothing any more makes room for another.
    let gone = unchoked(&mut bench)[0];
    let uninterested = TrackerMessage::Interest { interested: false, number: 2 };
    assert_eq!(choking(&bench.deliver(node(gone), uninterested, &[])).len(), 1);
}

#[test]
fn a_seed_lets_everybody_have_a_turn() {
    let (tracker, ids) = (tracker(swarm()), ids(12));
    let seed = Peer::seed(tracker.swarm.as_ref().unwrap());
    let mut bench = Bench::new(&tracker, node(1), &ids);
    bench.node = TrackerNode::Client(Client::registered(Some(Box::new(seed))));
    for index in 2..12 {
        bench.deliver(node(index), TrackerMessage::Connect, &bitfield([]));
        bench.deliver(node(index), interested(1), &[]);
    }
    let mut served = BTreeSet::new();
    for round in 0..60 {
        bench.now = seconds(10 * round);
        let before = unchoked(&mut bench);
        let changes = choking(&bench.timer(TrackerTimer::Round)).len();
        assert_eq!(changes, if round % 3 == 0 { 0 } else { 2 }, "one goes, one comes");
        assert_eq!(before.len(), 5);
        served.extend(before);
    }
    assert_eq!(served.len(), 10);
}

#[test]
fn uplink_and_downlink_take_their_time() {
    let (tracker, ids) = (tracker(swarm()), ids(12));
    let mut bench = leecher(&tracker, &ids, &[vec![], vec![]]);
    peer(&mut bench).have = Pieces::all(100);
    let timers = |record: &Record<Tracker>| -> Vec<Duration> {
        let timer = |effect: &_| match effect {
            crate::sim::Effect::Timer { after, .. } => Some(*after),
            _ => None,
        };
        record.effects.iter().filter_map(timer).collect()
    };
    let request = |piece| TrackerMessage::Request { piece, bytes: 64 * KIB as u32 };
    assert_eq!(bench.deliver(node(2), request(1), &[]).effects, [], "it is choked");
    bench.deliver(node(2), interested(1), &[]);
    let busy = bench.deliver(node(2), request(1), &[]);
    assert_eq!(timers(&busy), [Duration::from_secs(1)]);
    assert_eq!(bench.deliver(node(2), request(2), &[]).effects, [], "one after the other");
    let record = bench.timer(TrackerTimer::Sent);
    assert!(matches!(sent(&record)[0].1, TrackerMessage::Piece { piece: 1, .. }));
    assert_eq!(timers(&record), [Duration::from_secs(1)]);
    let piece = TrackerMessage::Piece { piece: 1, bytes: 64 * KIB as u32 };
    assert_eq!(timers(&bench.deliver(node(3), piece, &[])), [Duration::from_millis(125)]);
    assert_eq!(timers(&bench.deliver(node(2), piece, &[])), [Duration::from_millis(250)]);
}

fn join(system: &mut System<'_>, index: usize) {
    system.start(node(index), Start::Join { contact: node(0) });
    system.operate(node(index), Operation::Download { request: RequestId(index as u32) });
}

fn peers<'s>(system: &'s System<'_>, ids: &[crate::id::Id]) -> Vec<&'s Peer> {
    let nodes = (0..ids.len()).filter_map(|index| system.node(node(index)));
    nodes
        .filter_map(|node| match node {
            TrackerNode::Client(client) => client.peer.as_deref(),
            TrackerNode::Server(_) => None,
        })
        .collect()
}

/// The downloads that are complete, and when they were.
fn completed(system: &System<'_>) -> Vec<(usize, Time)> {
    let notes = system.observer.0.iter();
    notes
        .filter_map(|(at, note)| match note {
            Note::Downloaded(request) => Some((request.0 as usize, *at)),
            _ => None,
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..crate::property::config() })]

    /// Whatever the parameters, everybody gets the file, and no link carries more than it
    /// can.
    #[test]
    fn everybody_gets_the_file(
        seed: u64,
        leechers in 1usize..40,
        pieces in 1u64..150,
        (slots, optimistic) in (0usize..5, 1usize..3),
        // With two or three some peers can stay among themselves for days.
        connections in 6usize..12,
        download in 1u64..20,
        is_random: bool,
    ) {
        let choice = if is_random { PieceChoice::Random } else { PieceChoice::RarestFirst };
        let tracker = tracker(Swarm {
            file_bytes: pieces * 64 * KIB - 1000,
            download: download * 32 * KIB,
            slots,
            optimistic,
            connections,
            choice,
            ..swarm()
        });
        let ids = ids(2 + leechers);
        let mut system = start(&tracker, &ids, 2, seed);
        for index in 2..ids.len() {
            join(&mut system, index);
            system.run_before(system.now() + Duration::from_millis(300));
        }
        system.run_before(seconds(24 * 3600));
        let done = completed(&system);
        prop_assert_eq!(done.len(), leechers);
        let peers = peers(&system, &ids);
        prop_assert!(peers.iter().all(|peer| peer.is_seed()));
        let sum = |bytes: fn(&Peer) -> u64| peers.iter().map(|peer| bytes(peer)).sum::<u64>();
        let (up, down) = (sum(|peer| peer.uploaded), sum(|peer| peer.downloaded));
        prop_assert_eq!(up, down, "what is sent arrives");
        let file = tracker.swarm.as_ref().unwrap().file_bytes;
        prop_assert!(down >= leechers as u64 * file);
        prop_assert!(down as f64 <= 1.1 * (leechers as u64 * file) as f64, "little comes twice");
        let last = done.iter().map(|(_, at)| *at).max().unwrap().since(Time::ZERO).as_secs_f64();
        let most = peers.iter().map(|peer| peer.uploaded).max().unwrap();
        prop_assert!(most as f64 <= last * (64 * KIB) as f64 + 64.0 * 1024.0);
        for (index, at) in done {
            let time = at.since(Time::ZERO).as_secs_f64() - 0.3 * (index - 2) as f64;
            prop_assert!(time >= file as f64 / (download * 32 * KIB) as f64);
        }
    }
}

#[test]
fn crashes_stop_nobody_else() {
    let (tracker, ids) = (tracker(swarm()), ids(42));
    let mut system = start(&tracker, &ids, 2, 1);
    (2..42).for_each(|index| join(&mut system, index));
    for index in 2..22 {
        system.run_before(seconds(60 + index as u64));
        system.crash(node(index));
    }
    system.run_before(seconds(1000));
    assert_eq!(completed(&system).len(), 20);
    let connected = peers(&system, &ids).iter().map(|peer| peer.neighbours()).sum::<usize>();
    assert_eq!(connected, 0, "seeds have nothing to say to each other");
}

#[test]
fn peers_leave_when_they_have_shared_enough_or_lost_patience() {
    let mean = Some(Duration::from_secs(50));
    let (patient, ids) = (tracker(Swarm { seed_time: mean, ..swarm() }), ids(42));
    let mut system = start(&patient, &ids, 2, 1);
    (2..42).for_each(|index| join(&mut system, index));
    system.run_before(seconds(3600));
    assert_eq!(completed(&system).len(), 40);
    assert!((2..42).all(|index| system.status(node(index)) == Status::Gone));
    let Some(TrackerNode::Server(server)) = system.node(node(0)) else { panic!("a tracker") };
    assert_eq!(server.index.list(crate::overlay::tracker::Topic::Swarm).len(), 1);

    let impatient = tracker(Swarm { patience: mean, ..swarm() });
    let mut system = start(&impatient, &ids, 2, 1);
    (2..42).for_each(|index| join(&mut system, index));
    system.run_before(seconds(3600));
    let failed = system.observer.0.iter().filter(|(_, note)| matches!(note, Note::Failed(_)));
    let gone = (2..42).filter(|index| system.status(node(*index)) == Status::Gone);
    let (failed, gone) = (failed.count(), gone.count());
    assert_eq!(failed, gone);
    assert_eq!(failed + completed(&system).len(), 40);
    assert!(failed > 20, "{failed}");
}

#[test]
fn peers_that_want_nothing_of_each_other_part_after_ten_minutes() {
    let (tracker, ids) = (tracker(swarm()), ids(4));
    let mut bench = leecher(&tracker, &ids, &[vec![], vec![9]]);
    for _ in 1..60 {
        bench.timer(TrackerTimer::Round);
        assert_eq!(peer(&mut bench).neighbours(), 2);
    }
    let record = bench.timer(TrackerTimer::Round);
    assert!(sent(&record).contains(&(node(2), TrackerMessage::Close, vec![])));
    let left = peer(&mut bench).neighbours.iter().map(|neighbour| neighbour.address);
    assert_eq!(left.collect::<Vec<_>>(), [node(3)], "it has a piece to give");
}

#[test]
fn a_second_download_is_refused_or_done() {
    let (tracker, ids) = (tracker(swarm()), ids(3));
    let mut bench = leecher(&tracker, &ids, &[]);
    let again = Operation::Download { request: RequestId(4) };
    assert_eq!(notes(&bench.operate(again)), [Note::Failed(RequestId(4))]);
    peer(&mut bench).have = Pieces::all(100);
    assert_eq!(notes(&bench.operate(again)), [Note::Downloaded(RequestId(4))]);
}

/// Means over the second half of a run.
struct Steady {
    leechers: f64,
    seeds: f64,
    /// Seconds of a download.
    time: f64,
}

/// A swarm that peers join as a Poisson process. The initial seeds are not counted.
fn steady(tracker: &Tracker, interval: Duration, hours: u64) -> Steady {
    let end = seconds(3600 * hours);
    let half = seconds(1800 * hours);
    let mut random = Stream::new(5, 0, "arrivals");
    let gaps = std::iter::repeat_with(|| random.exponential(interval));
    let arrivals = gaps.scan(Time::ZERO, |at, gap| {
        *at += gap;
        (*at < end).then_some(*at)
    });
    let arrivals: Vec<Time> = arrivals.collect();
    let ids = ids(2 + arrivals.len());
    let mut system = start(tracker, &ids, 2, 1);
    let mut joining = arrivals.iter().zip(2..).peekable();
    let (mut leechers, mut seeds, mut samples) = (0, 0, 0);
    while system.now() < end {
        let sample = system.now() + Duration::from_secs(10);
        while let Some((at, index)) = joining.next_if(|(at, _)| **at <= sample) {
            system.run_before(*at);
            join(&mut system, index);
        }
        system.run_before(sample);
        if sample > half {
            let peers = peers(&system, &ids);
            let complete = peers.iter().filter(|peer| peer.is_seed()).count();
            leechers += peers.len() - complete;
            seeds += complete - 1;
            samples += 1;
        }
    }
    let done = completed(&system).into_iter().filter(|(_, at)| *at > half);
    let times = done.map(|(index, at)| at.since(arrivals[index - 2]).as_secs_f64());
    let times: Vec<f64> = times.collect();
    Steady {
        leechers: leechers as f64 / f64::from(samples),
        seeds: seeds as f64 / f64::from(samples),
        time: times.iter().sum::<f64>() / times.len() as f64,
    }
}

/// The steady state of Qiu and Srikant (SIGCOMM 2004), Section 3.1, with η = 1: limited by
/// the uplinks, then by the downlinks.
#[test]
fn the_steady_state_is_that_of_the_fluid_model() {
    // Upload, download and stay as a seed in seconds of a whole file; seconds between joins.
    for (upload, download, stay, interval) in
        [(1000.0, 125.0, 500.0, 10.0), (1000.0, 125.0, 250.0, 10.0), (500.0, 250.0, 500.0, 5.0)]
    {
        let swarm = swarm();
        let rate = |seconds: f64| (swarm.file_bytes as f64 / seconds) as u64;
        let tracker = tracker(Swarm {
            upload: rate(upload),
            download: rate(download),
            seed_time: Some(Duration::from_nanos_f64(stay * 1e9)),
            file_bytes: swarm.file_bytes,
            ..swarm
        });
        let time = f64::max(download, upload - stay);
        let steady = steady(&tracker, Duration::from_nanos_f64(interval * 1e9), 4);
        let name = format!("upload {upload} s, seeds stay {stay} s");
        for (what, measured, model) in [
            ("download time", steady.time, time),
            ("leechers", steady.leechers, time / interval),
            ("seeds", steady.seeds, stay / interval),
        ] {
            println!("{name}: {what} {measured:.1}, model {model:.1}");
            assert!(
                (measured / model - 1.0).abs() < 0.15,
                "{name}: {what} {measured:.1}, not {model:.1}"
            );
        }
    }
}
