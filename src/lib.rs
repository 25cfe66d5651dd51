//! dhtsim: a deterministic discrete-event simulator of peer-to-peer systems and
//! distributed hash tables.
//!
//! One thread, one queue of events, thousands to millions of virtual nodes that
//! exchange messages over a simulated network; an oracle that knows the truth and
//! judges every answer; results that are the same, byte for byte, wherever and
//! whenever a scenario is run. This page is the tour of the house.
//!
//! # The rooms
//!
//! From the foundations up; a room uses those before it and knows none after it.
//!
//! | room | what it is |
//! |---|---|
//! | [`id`] | identifiers of *m* bits, intervals and distances on the ring |
//! | [`math`] | `ln`, `exp`, `pow`: the only door to floating-point functions |
//! | [`sim`] | the engine: time, random streams, the event queue, the [`Protocol`](sim::Protocol) trait, the loop |
//! | [`population`] | the servers: their addresses and the identifiers that follow from them |
//! | [`network`] | what lies between the nodes: latency, access links, firewalls, losses and partitions |
//! | [`oracle`] | the global truth: who owns a key, what every pointer should be |
//! | [`overlay`] | the systems, one folder each: [`chord`](overlay::chord), [`full_membership`](overlay::full_membership), [`tracker`](overlay::tracker); and [`storage`](overlay::storage) on top of them |
//! | [`workload`] | what happens from outside, as lazy streams: requests, joins, churn and its distributions |
//! | [`measure`] | the recorder, histograms, summaries, the names of metrics |
//! | [`scenario`] | scenario files: from text to checked values |
//! | [`trace`] | the events of a run as lines of JSON, those that a filter chooses |
//! | [`journal`] | what runs gave, kept on the disk so that no run is done twice |
//! | [`experiment`] | builds and runs the simulations of a scenario, brings faults upon them, judges its claims; the only room that matches on the kind of overlay |
//! | [`shares`] | sweeps that many processes share: which runs each does, and what is missing |
//! | [`report`] | results as JSON, CSV, plots and a page to look at; those of two folders side by side |
//! | [`cli`] | the command line, one file a subcommand |
//!
//! # The way of an event
//!
//! [`Simulation::run_before`](sim::Simulation::run_before) takes the next event from
//! the [queue](sim::queue) and hands it to the protocol together with the state of
//! the one node that it concerns. The handler changes that state and records in its
//! [`Context`](sim::Context) what the node does: sends, requests, replies, timers,
//! and notes about lookups for the observer. Then the engine carries the effects
//! out: it asks the network how long each message takes, or whether it is lost, and
//! puts the arrivals into the queue. Notes go to the
//! [`Recorder`](measure::Recorder), which asks the [`Ring`](oracle::Ring) whether an
//! answer was right.
//!
//! # Invariants
//!
//! - The engine names no overlay; an overlay names no file, clock or thread.
//! - A node sees itself, its messages, its timers and its random stream, never
//!   another node's state. Only the oracle sees all.
//! - The overlay reports an answer; the oracle alone says whether it was right.
//! - Time is an integer. Events of the same time run in the order in which they were
//!   scheduled; what comes from outside at a time comes first.
//! - Random numbers come from named streams of (seed, repeat, purpose): two systems
//!   under one seed face the same nodes and keys, and another repeat changes no
//!   earlier one.
//! - Nothing that reaches a result depends on the order of a hash map, on threads, on
//!   addresses in memory, on the wall clock, or on the platform's `ln`, `exp`, `pow`.
//! - An address stands for one identity for ever. Where nodes come and go for long, several
//!   share a place, and what is kept of nodes is kept by place.
//! - After warm-up an event allocates nothing.
//!
//! # An overlay of your own
//!
//! Implement [`Protocol`](sim::Protocol), give it to a
//! [`Simulation`](sim::Simulation) with a [`Network`](sim::Network) and an
//! [`Observer`](sim::Observer), start nodes and run. `tests/own_protocol.rs` does it
//! in a page. To run it from scenario files implement [`Overlay`](overlay::Overlay) too,
//! which says how converged nodes are made and what the oracle may look at; to have values
//! stored on it, [`KeyRouting`](overlay::KeyRouting), by which
//! [`Stored`](overlay::storage::Stored) carries put, get, copies and handing over.
//! [`run_own`](experiment::run_own) then runs it under any scenario, from a program of your own: the
//! README has one in full. To be shipped here it is one more arm of the `match` in [`experiment`]
//! and one more variant in [`scenario::format::Overlay`].

pub mod cli;
pub mod experiment;
pub mod id;
pub mod journal;
pub mod math;
pub mod measure;
pub mod network;
pub mod oracle;
pub mod overlay;
pub mod population;
pub mod report;
pub mod scenario;
pub mod shares;
pub mod sim;
pub mod trace;
mod whole_file;
pub mod workload;

/// The Rust in the README is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(test)]
mod property {
    use proptest::test_runner::{Config, FileFailurePersistence};

    /// The settings of all property tests: seeds of failures are kept under
    /// `tests/regressions/` and tried first ever after.
    pub(crate) fn config() -> Config {
        let seeds = FileFailurePersistence::SourceParallel("tests/regressions");
        Config { failure_persistence: Some(Box::new(seeds)), ..Config::default() }
    }
}
