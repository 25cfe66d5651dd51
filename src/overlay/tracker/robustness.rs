//! Trackers, clients and the peers of a swarm endure anything.

use proptest::prelude::*;

use super::{
    Event, Item, PieceChoice, Search, Swarm, Topic, Tracker, TrackerMessage, TrackerTimer, Wanted,
};
use crate::id::IdSpace;
use crate::overlay::robustness::{
    Anything, Universe, any_of, nodes_endure, nodes_stay_small, systems_endure,
};
use crate::sim::Duration;

/// Pieces of the swarm's file. The last word of a set of them is not full.
const PIECES: u32 = 70;

fn anything(universe: &Universe) -> Anything<Tracker> {
    Anything {
        message: message(universe),
        item: item(universe),
        timer: any_of!(TrackerTimer {
            TrackerTimer::Exchange => Just(TrackerTimer::Exchange),
            TrackerTimer::Announce => Just(TrackerTimer::Announce),
            TrackerTimer::Round => Just(TrackerTimer::Round),
            TrackerTimer::Sent => Just(TrackerTimer::Sent),
            // Only pieces that there are come as far as the downlink.
            TrackerTimer::Received { .. } => (universe.address(), 0..PIECES)
                .prop_map(|(from, piece)| TrackerTimer::Received { from, piece }),
            TrackerTimer::OutOfPatience => Just(TrackerTimer::OutOfPatience),
            TrackerTimer::SeededEnough => Just(TrackerTimer::SeededEnough),
        }),
        may_leave_by: |timer| {
            matches!(timer, TrackerTimer::OutOfPatience | TrackerTimer::SeededEnough)
        },
    }
}

fn message(universe: &Universe) -> BoxedStrategy<TrackerMessage> {
    let number = || universe.number();
    let event = || event(universe);
    any_of!(TrackerMessage {
        TrackerMessage::Announce { .. } => (event(), number())
            .prop_map(|(event, tried)| TrackerMessage::Announce { event, tried }),
        TrackerMessage::Announced { .. } => (event(), number())
            .prop_map(|(event, tried)| TrackerMessage::Announced { event, tried }),
        TrackerMessage::Exchange => Just(TrackerMessage::Exchange),
        TrackerMessage::Fetch(_) => search(universe).prop_map(TrackerMessage::Fetch),
        TrackerMessage::File { .. } => (search(universe), universe.value_if_any())
            .prop_map(|(search, value)| TrackerMessage::File { search, value }),
        TrackerMessage::HandOver => Just(TrackerMessage::HandOver),
        TrackerMessage::TakenOver => Just(TrackerMessage::TakenOver),
        TrackerMessage::Connect => Just(TrackerMessage::Connect),
        TrackerMessage::Bitfield => Just(TrackerMessage::Bitfield),
        TrackerMessage::Have(_) => number().prop_map(TrackerMessage::Have),
        TrackerMessage::Interest { .. } => (any::<bool>(), number())
            .prop_map(|(interested, number)| TrackerMessage::Interest { interested, number }),
        TrackerMessage::Choke { .. } => (any::<bool>(), prop::option::of(number()), number())
            .prop_map(|(choked, sending, number)| TrackerMessage::Choke {
                choked, sending, number,
            }),
        TrackerMessage::Request { .. } => (number(), number())
            .prop_map(|(piece, bytes)| TrackerMessage::Request { piece, bytes }),
        TrackerMessage::Piece { .. } => (number(), number())
            .prop_map(|(piece, bytes)| TrackerMessage::Piece { piece, bytes }),
        TrackerMessage::KeepAlive => Just(TrackerMessage::KeepAlive),
        TrackerMessage::Close => Just(TrackerMessage::Close),
    })
}

fn event(universe: &Universe) -> BoxedStrategy<Event> {
    let wanted = any_of!(Wanted {
        Wanted::Swarm => Just(Wanted::Swarm),
        Wanted::File(_) => search(universe).prop_map(Wanted::File),
    });
    any_of!(Event {
        Event::Joined => Just(Event::Joined),
        Event::Started(_) => wanted.prop_map(Event::Started),
        Event::Completed(_) => prop::option::of(universe.request()).prop_map(Event::Completed),
        Event::Regular => Just(Event::Regular),
        Event::MorePeers => Just(Event::MorePeers),
        Event::Stopped => Just(Event::Stopped),
    })
}

fn search(universe: &Universe) -> BoxedStrategy<Search> {
    let parts = (universe.request(), universe.id(), universe.number());
    parts.prop_map(|(request, key, hops)| Search { request, key, hops }).boxed()
}

fn item(universe: &Universe) -> BoxedStrategy<Item> {
    let topic = || {
        any_of!(Topic {
            Topic::Presence => Just(Topic::Presence),
            Topic::Swarm => Just(Topic::Swarm),
            Topic::File(_) => universe.id().prop_map(Topic::File),
        })
    };
    let (client, version) = (|| universe.address(), || universe.number());
    any_of!(Item {
        Item::Have { .. } => (topic(), version())
            .prop_map(|(topic, version)| Item::Have { topic, version }),
        Item::Client { .. } => (client(), version())
            .prop_map(|(client, version)| Item::Client { client, version }),
        Item::News { .. } => (client(), topic(), prop::option::of(version()))
            .prop_map(|(client, topic, version)| Item::News { client, topic, version }),
        Item::File { .. } => (universe.id(), universe.value())
            .prop_map(|(key, value)| Item::File { key, value }),
        Item::Pieces(_) => any::<u64>().prop_map(Item::Pieces),
    })
}

/// Trackers without a swarm, and with swarms of either choice; one tracker, or three.
fn systems() -> Vec<Tracker> {
    let piece_bytes = 16 * 1024;
    let swarm = |choice| Swarm {
        file_bytes: u64::from(PIECES * piece_bytes) - 5,
        piece_bytes,
        upload: 64 * 1024,
        download: 512 * 1024,
        slots: 2,
        optimistic: 1,
        connections: 3,
        choice,
        seed_time: Some(Duration::from_secs(600)),
        seeds: 1,
        patience: Some(Duration::from_secs(3600)),
        timeout: Duration::from_secs(15),
    };
    let swarms = [None, Some(swarm(PieceChoice::RarestFirst)), Some(swarm(PieceChoice::Random))];
    let of = |trackers| {
        swarms.clone().map(|swarm| Tracker {
            trackers,
            numwant: 3,
            announce_interval: Duration::from_secs(30 * 60),
            expiry: Duration::from_secs(45 * 60),
            exchange: Duration::from_secs(60),
            request_timeout: Duration::from_secs(15),
            swarm,
        })
    };
    [1, 3].into_iter().flat_map(of).collect()
}

fn universe(is_small: bool) -> Universe {
    let space = IdSpace::new(32).unwrap();
    let ids = (0..8).map(|number| space.hash(format!("node {number}"))).collect();
    Universe { space, ids, is_small }
}

#[test]
fn trackers_and_clients_endure_anything() {
    let (universe, all) = (universe(false), systems());
    let system = |number: usize| all[number].clone();
    nodes_endure(file!(), (all.len(), system), &universe, &anything(&universe));
}

#[test]
fn trackers_and_clients_endure_a_saboteur() {
    let (universe, all) = (universe(false), systems());
    let system = |number: usize| all[number].clone();
    systems_endure(file!(), (all.len(), system), &universe, &anything(&universe));
}

#[test]
fn trackers_and_clients_do_not_grow() {
    let universe = universe(true);
    for system in systems() {
        nodes_stay_small(&system, &universe, &anything(&universe));
    }
}
