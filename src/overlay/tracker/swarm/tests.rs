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
    println!(
        "{} done, {} events, last {:?}",
        simulation.observer.done.len(),
        simulation.events(),
        simulation.observer.done.last()
    );
    for (k, t) in simulation.kinds().iter().zip(simulation.traffic()) {
        println!("{} {}", k.name, t.messages);
    }
}

/// Means over the second half.
fn steady(tracker: &Tracker, interval: f64, hours: f64) -> (f64, f64, f64, f64) {
    let span = hours * 3600.0;
    let mut random = Stream::new(5, 0, "arrivals");
    let mut arrivals = Vec::new();
    let mut at = 0.0;
    loop {
        at += random.exponential(Duration::from_nanos_f64(interval * 1e9)).as_secs_f64();
        if at >= span {
            break;
        }
        arrivals.push(at);
    }
    let count = arrivals.len() + 2;
    let ids = ids(count);
    let mut simulation = start(tracker, &ids, 1);
    let mut next = 0;
    let (mut x, mut y, mut samples, mut busy) = (0.0, 0.0, 0.0, 0.0);
    let mut second = 0.0;
    while second < span {
        if next < arrivals.len() && arrivals[next] <= second {
            simulation.run_before(Time::ZERO + Duration::from_nanos_f64(arrivals[next] * 1e9));
            join(&mut simulation, next + 2);
            next += 1;
            continue;
        }
        simulation.run_before(Time::ZERO + Duration::from_nanos_f64(second * 1e9));
        if second > span / 2.0 {
            for index in 2..next + 2 {
                if let Some(TrackerNode::Client(c)) = simulation.node(node(index)) {
                    if let Some(p) = &c.peer {
                        if p.is_seed() {
                            y += 1.0
                        } else {
                            x += 1.0
                        }
                        if p.sending.is_some() {
                            busy += 1.0
                        }
                    }
                }
            }
            samples += 1.0;
        }
        second += 20.0;
    }
    let times: Vec<f64> = simulation
        .observer
        .done
        .iter()
        .map(|(r, t)| (r, t.since(Time::ZERO).as_secs_f64()))
        .map(|(r, t)| (t, t - arrivals[r.0 as usize - 2]))
        .filter(|(t, _)| *t > span / 2.0)
        .map(|(_, d)| d)
        .collect();
    (x / samples, y / samples, times.iter().sum::<f64>() / times.len() as f64, busy / (x + y))
}

#[test]
fn fluid() {
    for (pieces, mu, gamma, lambda, hours) in [
        (100u64, 100.0, 50.0, 0.5, 1.0),
        (400, 1000.0, 500.0, 0.1, 4.0),
        (200, 1000.0, 500.0, 0.1, 4.0),
        (400, 1000.0, 800.0, 0.1, 4.0),
        (400, 1000.0, 250.0, 0.1, 4.0),
    ] {
        let file = pieces * 64 * KIB;
        let upload = (file as f64 / mu) as u64;
        let s = Swarm {
            file_bytes: file,
            upload,
            download: upload * 8,
            seed_time: Some(Duration::from_nanos_f64(gamma * 1e9)),
            ..swarm()
        };
        let (x, y, t, busy) = steady(&tracker(s), 1.0 / lambda, hours);
        println!(
            "pieces {pieces} 1/mu {mu} 1/gamma {gamma}: x {x:.1} y {y:.1} T {t:.1} busy {busy:.3}  model T {} x {} y {}",
            mu - gamma,
            lambda * (mu - gamma),
            lambda * gamma
        );
    }
}
