//! Whole simulations: how fast events are processed, against the same engine on a
//! binary heap, and how fast rings are built.
//!
//! `cargo bench --bench simulation` for all, `-- '1000000'` for the large ones. The
//! figures of one run belong together: quote ratios, not nanoseconds.

#![allow(clippy::unwrap_used)]
#![allow(clippy::disallowed_types)] // A bench is there to look at the clock.
#![allow(missing_docs)] // The macros of criterion make public functions.

use std::rc::Rc;
use std::time::Instant;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use dhtsim::id::{Id, IdSpace};
use dhtsim::measure::Recorder;
use dhtsim::network::{Latency, Network};
use dhtsim::oracle::{Ring, Truth};
use dhtsim::overlay::chord::{Chord, ChordTimer, FixedFingers, LookupStyle, Period};
use dhtsim::population::Population;
use dhtsim::sim::queue::{CalendarQueue, EventQueue, HeapQueue};
use dhtsim::sim::{Duration, Operation, Scheduled, Simulation, Start, Stream, Time};
use dhtsim::workload::{Arrivals, RequestPlan, RequestStreams, Requests};

/// The published scenario of `SimGrid` and `OverSim`: stabilize every 20 s, one finger and
/// the predecessor every 120 s, a lookup every 10 s and node.
fn maintained() -> Chord {
    let period = |seconds| Period { mean: Duration::from_secs(seconds), jitter: 0.5 };
    Chord {
        lookup: LookupStyle::SemiRecursive,
        stabilize: Some(period(20)),
        fix_fingers: Some((period(120), FixedFingers::InTurn)),
        check_predecessor: Some(period(120)),
        ..Chord::new(IdSpace::new(160).unwrap())
    }
}

fn drawn(nodes: usize) -> Vec<Id> {
    let space = IdSpace::new(160).unwrap();
    Population::draw(space, nodes, 1, &mut Stream::new(1, 0, "addresses")).ids
}

type Queued<'i, Q> = Simulation<'i, Chord, Network, Recorder<'i>, Q>;

/// A converged ring with its workload, to be run on and on.
struct Run<'i, Q> {
    simulation: Queued<'i, Q>,
    lookups: Requests<Id>,
    up: Vec<dhtsim::sim::Address>,
}

impl<'i, Q: EventQueue<Scheduled<ChordTimer>>> Run<'i, Q> {
    fn new(chord: &Chord, ids: &'i [Id]) -> Self {
        let up: Vec<_> = (0..ids.len()).map(dhtsim::sim::Address::new).collect();
        let ring = Rc::new(Ring::of(ids, up.iter().copied()));
        let stream = |purpose| Stream::new(1, 0, purpose);
        let latency = Latency::Constant(Duration::from_millis(50));
        let network = Network::new(latency, 0.0, stream("latency"), stream("loss"));
        let recorder = Recorder::new(ids, Rc::clone(&ring), None);
        let mut simulation: Queued<'i, Q> =
            Simulation::new(chord.clone(), network, recorder, ids, stream("protocol"));
        let truth = Truth { ring: &ring, ids, space: chord.space };
        let mut right = truth.all_pointers(chord.successors, true);
        for address in ring.iter() {
            let node = chord.converged_node(right.of(address));
            simulation.start_with(address, node, Start::Resume);
        }
        let plan = RequestPlan {
            arrivals: Arrivals::Even,
            per_node: None,
            interval: Duration::from_secs(10),
            start: Time::ZERO,
            stop: Time::MAX,
        };
        let streams = RequestStreams::new(1, 0, "lookups");
        let lookups = Requests::new(plan, ids.len(), 1, ids.len(), streams);
        Run { simulation, lookups, up }
    }

    /// Runs on until this many more events are processed; how many it were in the end.
    fn run_on(&mut self, events: u64) -> u64 {
        let before = self.simulation.events();
        while self.simulation.events() - before < events {
            self.ask();
        }
        self.simulation.events() - before
    }

    /// Runs on to the next lookup, and asks it.
    fn ask(&mut self) {
        let at = self.lookups.next_time().unwrap();
        self.simulation.run_before(at);
        let space = self.simulation.protocol().space;
        let draw = |random: &mut Stream| space.from_random(std::array::from_fn(|_| random.bits()));
        if let Some((node, key)) = self.lookups.next(&self.up, Some, draw) {
            let lookup = self.simulation.observer.issue(at, node, key);
            self.simulation.operate(node, Operation::Lookup { lookup, key });
        }
    }
}

fn bench_events<Q: EventQueue<Scheduled<ChordTimer>>>(
    criterion: &mut Criterion,
    queue: &str,
    nodes: usize,
) {
    let mut group = criterion.benchmark_group("events");
    group.throughput(Throughput::Elements(1));
    group.sample_size(10);
    let (chord, ids) = (maintained(), drawn(nodes));
    let mut run: Run<'_, Q> = Run::new(&chord, &ids);
    // Some seconds of simulated time let the lookups under way become as many as they
    // will be.
    run.run_on(3 * nodes as u64);
    group.bench_function(BenchmarkId::new(queue, nodes), |bencher| {
        bencher.iter_custom(|events| {
            let start = Instant::now();
            let done = run.run_on(events);
            start.elapsed().mul_f64(events as f64 / done as f64)
        });
    });
    group.finish();
}

fn events(criterion: &mut Criterion) {
    for nodes in [10_000, 1_000_000] {
        bench_events::<CalendarQueue<_>>(criterion, "calendar", nodes);
        bench_events::<HeapQueue<_>>(criterion, "binary_heap", nodes);
    }
}

fn building(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("converged_ring");
    group.sample_size(10);
    for nodes in [10_000, 1_000_000] {
        group.throughput(Throughput::Elements(nodes as u64));
        group.bench_function(BenchmarkId::new("identifiers", nodes), |bencher| {
            bencher.iter(|| drawn(nodes));
        });
        let ids = drawn(nodes);
        let chord =
            Chord { stabilize: None, fix_fingers: None, check_predecessor: None, ..maintained() };
        group.bench_function(BenchmarkId::new("pointers", nodes), |bencher| {
            bencher.iter(|| Run::<CalendarQueue<_>>::new(&chord, &ids));
        });
        group.bench_function(BenchmarkId::new("pointers_and_a_lookup_each", nodes), |bencher| {
            bencher.iter(|| {
                let mut run = Run::<CalendarQueue<_>>::new(&chord, &ids);
                for _ in 0..nodes {
                    run.ask();
                }
                run.simulation.run_before(Time::MAX);
                run.simulation.events()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, events, building);
criterion_main!(benches);
