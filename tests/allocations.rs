//! The engine allocates nothing per event once it is warm: a converged Chord ring that
//! stabilises and looks keys up runs for simulated minutes on the memory it has.
//!
//! This file is a test binary of its own because it counts what its allocator does.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use dhtsim::id::{Id, IdSpace};
use dhtsim::network::{Latency, Network};
use dhtsim::oracle::{Ring, Truth};
use dhtsim::overlay::chord::{Chord, FixedFingers, LookupStyle, Period};
use dhtsim::sim::{
    Address, Duration, LookupId, Note, Observer, Operation, Simulation, Start, Stream, Time,
};

thread_local! {
    /// Calls of the allocator by this thread: the test harness has others.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, counted.
struct Counting;

#[allow(unsafe_code, reason = "an allocator is unsafe by its trait; this one only counts")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promises are passed on as they are.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on as they are.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promises are passed on as they are.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Counts answers, in no memory.
#[derive(Default)]
struct Answers(u64);

impl Observer for Answers {
    fn on_note(&mut self, _: Time, _: Address, note: Note) {
        self.0 += u64::from(matches!(note, Note::Answer { .. }));
    }
}

const NODES: usize = 300;
/// A lookup every so often, by some node.
const EVERY: Duration = Duration::from_millis(100);
const WARM_UP: u64 = 20;
const MEASURED: u64 = 10;

/// Allocations and events in each of the measured minutes.
fn minutes(lookup: LookupStyle) -> Vec<(u64, u64)> {
    let period = |seconds| Period { mean: Duration::from_secs(seconds), jitter: 0.5 };
    let chord = Chord {
        successors: 8,
        lookup,
        stabilize: Some(period(1)),
        fix_fingers: Some((period(2), FixedFingers::InTurnDistant)),
        check_predecessor: Some(period(5)),
        ..Chord::new(IdSpace::new(160).unwrap())
    };
    let ids: Vec<Id> = (0..NODES).map(|n| chord.space.hash(format!("node {n}"))).collect();
    let stream = |purpose| Stream::new(1, 0, purpose);
    let latency = Latency::Uniform(Duration::from_millis(20), Duration::from_millis(80));
    let network = Network::new(latency, 0.0, stream("latency"), stream("loss"));
    let observer = Answers::default();
    let mut simulation: Simulation<'_, _, _, _> =
        Simulation::new(chord.clone(), network, observer, &ids, stream("protocol"));
    let ring = Ring::of(&ids, (0..NODES).map(Address::new));
    for address in (0..NODES).map(Address::new) {
        let right = Truth { ring: &ring, ids: &ids, space: chord.space }.right_pointers(
            address,
            chord.successors,
            true,
        );
        simulation.start_with(address, chord.converged_node(&right), Start::Resume);
    }

    let mut random = stream("lookups");
    let mut minutes = Vec::with_capacity((WARM_UP + MEASURED) as usize);
    let mut lookup = 0;
    for minute in 1..=WARM_UP + MEASURED {
        let before = (ALLOCATIONS.get(), simulation.events());
        let end = Time::ZERO + Duration::from_secs(60 * minute);
        while simulation.now() < end {
            let next = simulation.now() + EVERY;
            simulation.run_before(next);
            let origin = Address::new(random.below(NODES as u64) as usize);
            let key = ids[random.below(NODES as u64) as usize];
            simulation.operate(origin, Operation::Lookup { lookup: LookupId(lookup), key });
            lookup += 1;
        }
        minutes.push((ALLOCATIONS.get() - before.0, simulation.events() - before.1));
    }
    assert!(simulation.observer.0 + 100 > u64::from(lookup), "the ring answers");
    minutes
}

/// Most minutes allocate nothing at all. What is left are records: now and then more
/// events than ever fall into one bucket of the calendar, or more messages than ever are
/// under way, and a list grows once and for all. They become rarer with time and do not
/// depend on the number of events.
#[test]
fn nothing_is_allocated_for_an_event_once_the_ring_is_warm() {
    for style in [LookupStyle::Iterative, LookupStyle::Recursive, LookupStyle::SemiRecursive] {
        let all = minutes(style);
        let (_, measured) = all.split_at(WARM_UP as usize);
        let events: u64 = measured.iter().map(|(_, events)| events).sum();
        let records: u64 = measured.iter().map(|(allocations, _)| allocations).sum();
        assert!(events > 1_000_000, "{style:?}: only {events} events");
        assert!(records <= 20, "{style:?}: {records} allocations in {events} events: {all:?}");
        let quiet = measured.iter().filter(|(allocations, _)| *allocations == 0).count();
        assert!(quiet >= measured.len() / 2, "{style:?}: few minutes without any: {all:?}");
    }
}
