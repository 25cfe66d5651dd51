//! The parts that every event or every node goes through.

#![allow(clippy::unwrap_used)]
#![allow(missing_docs)] // The macros of criterion make public functions.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use dhtsim::id::{Id, IdSpace};
use dhtsim::oracle::{Ring, Truth};
use dhtsim::overlay::chord::FingerTable;
use dhtsim::population::Population;
use dhtsim::sim::queue::{CalendarQueue, EventQueue, HeapQueue};
use dhtsim::sim::{Address, Duration, Stream, Time};

/// Every pop is followed by a push, as in a simulation: three in four events are
/// messages of one delay, one in four a timer.
fn hold<Q: EventQueue<[u32; 4]>>(criterion: &mut Criterion, name: &str, pending: usize) {
    let mut group = criterion.benchmark_group("queue");
    group.throughput(Throughput::Elements(1));
    group.bench_function(BenchmarkId::new(name, pending), |bencher| {
        let mut queue = Q::default();
        let mut random = Stream::new(1, 0, "queue");
        let period = 20_000_000_000;
        for number in 0..pending as u32 {
            queue.push(Time::from_nanos(random.below(period)), [number; 4]);
        }
        bencher.iter(|| {
            let (at, event) = queue.pop_before(Time::MAX).unwrap();
            let bits = random.bits();
            let delay =
                if bits.is_multiple_of(4) { period / 2 + bits % period } else { 50_000_000 };
            queue.push(at + Duration::from_nanos(delay), event);
        });
    });
    group.finish();
}

fn queues(criterion: &mut Criterion) {
    for pending in [30_000, 3_000_000] {
        hold::<CalendarQueue<_>>(criterion, "calendar", pending);
        hold::<HeapQueue<_>>(criterion, "binary_heap", pending);
    }
}

fn identifiers(criterion: &mut Criterion) {
    let space = IdSpace::new(160).unwrap();
    let (a, b, c) = (space.hash("a"), space.hash("b"), space.hash("c"));
    let mut group = criterion.benchmark_group("identifiers");
    group.bench_function("is_between", |bencher| {
        bencher.iter(|| black_box(a).is_between(black_box(b), black_box(c)));
    });
    group.bench_function("sha1_of_address", |bencher| {
        bencher.iter(|| space.hash(black_box("203.0.113.77:40123")));
    });
    group.finish();
}

/// The closest preceding finger, against the papers' loop over all m of them.
fn fingers(criterion: &mut Criterion) {
    let space = IdSpace::new(160).unwrap();
    let ids = Population::draw(space, 10_000, 1, &mut Stream::new(1, 0, "addresses")).ids;
    let ring = Ring::of(&ids, (0..ids.len()).map(Address::new));
    let node = Address::new(0);
    let right = Truth { ring: &ring, ids: &ids, space }.right_pointers(node, 1, true);
    let table = FingerTable::from_runs(right.fingers.into_iter());
    let plain: Vec<Option<Address>> = (0..160).map(|index| table.get(index)).collect();
    let mut random = Stream::new(1, 0, "keys");
    let keys: Vec<Id> =
        (0..1024).map(|_| space.from_random(std::array::from_fn(|_| random.bits()))).collect();
    let mut turn = 0;
    let mut next_key = || {
        turn = (turn + 1) % keys.len();
        keys[turn]
    };
    let mut group = criterion.benchmark_group("closest_preceding_finger");
    group.bench_function("runs", |bencher| {
        let distance_to = |address: Address| ids[0].distance_to(ids[address.index()]);
        bencher.iter(|| {
            let reach = ids[0].distance_to(next_key());
            table.closest_preceding(space, reach, distance_to)
        });
    });
    group.bench_function("loop_over_all", |bencher| {
        bencher.iter(|| {
            let key = next_key();
            let mut all = plain.iter().rev().flatten();
            all.find(|finger| ids[finger.index()].is_between(ids[0], key)).copied()
        });
    });
    group.finish();
}

criterion_group!(benches, queues, identifiers, fingers);
criterion_main!(benches);
