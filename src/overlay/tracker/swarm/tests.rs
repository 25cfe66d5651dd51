//! Sets of pieces and choices by hand, then whole swarms.

use proptest::prelude::*;

use super::*;
use crate::id::{Id, IdSpace};
use crate::oracle::{Ring, Truth};
use crate::overlay::tracker::{Client, Item, Tracker, TrackerMessage, TrackerNode, TrackerTimer};
use crate::overlay::{self, Overlay};
use crate::sim::{
    Bench, Effect, Network, Note, Observer, Operation, Record, Simulation, Start, Stream,
};

const KIB: u64 = 1024;

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
    }
}

fn tracker(swarm: Swarm) -> Tracker {
    Tracker { swarm: Some(swarm), ..crate::overlay::tracker::tests::tracker(1) }
}

fn node(index: usize) -> Address {
    Address::new(index)
}

/// A network of random delays: messages overtake each other.
struct Uneven(Stream);

impl Network for Uneven {
    fn delay(&mut self, _: Address, _: Address) -> Option<Duration> {
        Some(self.0.exponential(Duration::from_millis(50)))
    }
}

/// What happened to downloads.
#[derive(Default)]
struct Downloads {
    done: Vec<(RequestId, Time)>,
    failed: usize,
    stopped: usize,
}

impl Observer for Downloads {
    fn on_note(&mut self, now: Time, _: Address, note: Note) {
        match note {
            Note::Downloaded(request) => self.done.push((request, now)),
            Note::Failed(_) => self.failed += 1,
            _ => {}
        }
    }

    fn on_stop(&mut self, _: Time, _: Address) {
        self.stopped += 1;
    }
}

type Swarms<'i> = Simulation<'i, Tracker, Uneven, Downloads>;

fn ids(count: usize) -> Vec<Id> {
    let space = IdSpace::new(32).unwrap();
    (0..count as u64).map(|n| space.id(n)).collect()
}

/// One tracker and the initial seeds.
fn start(tracker: &Tracker, ids: &[Id], seed: u64) -> Swarms<'static> {
    let ids: &'static [Id] = ids.to_vec().leak();
    let up = 1 + tracker.swarm.as_ref().unwrap().seeds;
    let ring = Ring::of(ids, (0..up).map(node));
    let network = Uneven(Stream::new(seed, 0, "latency"));
    let random = Stream::new(seed, 0, "protocol");
    let mut simulation =
        Simulation::new(tracker.clone(), network, Downloads::default(), ids, random);
    let truth = Truth { ring: &ring, ids, space: IdSpace::new(32).unwrap() };
    let mut converged = tracker.converged(truth);
    for address in (0..up).map(node) {
        simulation.start_with(address, converged(address), Start::Resume);
    }
    simulation
}

fn join(simulation: &mut Swarms<'_>, index: usize) {
    simulation.start(node(index), Start::Join { contact: node(0) });
    simulation.operate(node(index), Operation::Download { request: RequestId(index as u32) });
}

fn peers<'s>(simulation: &'s Swarms<'_>, count: usize) -> impl Iterator<Item = &'s Peer> + 's {
    (1..count).filter_map(|index| match simulation.node(node(index)) {
        Some(TrackerNode::Client(Client { peer, .. })) => peer.as_deref(),
        _ => None,
    })
}

#[test]
fn thousand() {
    let tracker = tracker(swarm());
    let ids = ids(1002);
    let mut simulation = start(&tracker, &ids, 1);
    for index in 2..1002 {
        simulation.run_before(Time::ZERO + Duration::from_millis(100 * index as u64));
        join(&mut simulation, index);
    }
    simulation.run_before(Time::ZERO + Duration::from_secs(3600));
    println!("{} done, {} events, last {:?}", simulation.observer.done.len(), simulation.events(), simulation.observer.done.last());
    for (k, t) in simulation.kinds().iter().zip(simulation.traffic()) { println!("{} {}", k.name, t.messages); }
}
