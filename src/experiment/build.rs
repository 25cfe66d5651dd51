//! From the checked values of a scenario to the parts of a simulation.

use crate::network::{Latency, Network};
use crate::overlay::{Overlay, chord, tracker};
use crate::population::Population;
use crate::scenario::{Setup, format};
use crate::sim::{Stream, Time};
use crate::workload::{Arrivals, LookupPlan};

/// Something that is done with the protocol of a scenario, whichever it is.
pub(super) trait Task {
    /// What comes of it.
    type Output;

    /// Does it.
    fn run<P: Overlay>(self, protocol: P) -> Self::Output;
}

/// Does something with the protocol of a scenario: the only place that tells overlays apart.
pub(super) fn with_protocol<T: Task>(setup: &Setup, task: T) -> T::Output {
    match &setup.overlay {
        format::Overlay::Chord(chord) => task.run(self::chord(setup, chord)),
        format::Overlay::Tracker(tracker) => task.run(self::tracker(tracker)),
    }
}

/// The servers of one repeat.
pub(super) fn population(setup: &Setup, repeat: u32) -> Population {
    let mut random = Stream::new(setup.seed, repeat, "addresses");
    match &setup.explicit_ids {
        Some(ids) => Population::with_ids(setup.id_space, ids.clone(), &mut random),
        None => Population::draw(
            setup.id_space,
            setup.servers as usize,
            setup.virtual_nodes as usize,
            &mut random,
        ),
    }
}

/// The network of one repeat.
pub(super) fn network(setup: &Setup, repeat: u32, nodes: usize) -> Network {
    let stream = |purpose| Stream::new(setup.seed, repeat, purpose);
    let latency = match &setup.network.latency {
        format::Latency::Constant(delay) => Latency::Constant(delay.0),
        format::Latency::Uniform(uniform) => Latency::Uniform(uniform.from.0, uniform.to.0),
        format::Latency::Exponential(exponential) => Latency::Exponential(exponential.mean.0),
        format::Latency::LogNormal(normal) => {
            Latency::LogNormal { median: normal.median.0, sigma: normal.sigma }
        }
        format::Latency::Euclidean(field) => Latency::euclidean(
            nodes,
            field.dimensions as usize,
            field.side.0,
            field.base.0,
            &mut stream("positions"),
        ),
    };
    let network = Network::new(latency, setup.network.loss, stream("latency"), stream("loss"));
    match &setup.overlay {
        format::Overlay::Tracker(tracker) => {
            network.with_servers(tracker.trackers as usize, tracker.service_time.0)
        }
        format::Overlay::Chord(_) => network,
    }
}

/// The lookups of the workload, if there are any.
pub(super) fn lookup_plan(setup: &Setup) -> Option<LookupPlan> {
    setup.lookups.as_ref().map(|lookups| LookupPlan {
        arrivals: match lookups.arrivals {
            format::Arrivals::Even => Arrivals::Even,
            format::Arrivals::Poisson => Arrivals::Poisson,
        },
        per_node: lookups.per_node,
        interval: lookups.interval.0,
        start: Time::ZERO + lookups.start.0,
    })
}

/// The parameters of a Chord ring.
fn chord(setup: &Setup, chord: &format::Chord) -> chord::Chord {
    let period =
        |period: &format::Period| chord::Period { mean: period.period.0, jitter: period.jitter };
    chord::Chord {
        space: setup.id_space,
        successors: chord.successors as usize,
        fingers: chord.fingers == format::Fingers::All,
        lookup: match chord.lookup {
            format::LookupStyle::Iterative => chord::LookupStyle::Iterative,
            format::LookupStyle::Recursive => chord::LookupStyle::Recursive,
            format::LookupStyle::SemiRecursive => chord::LookupStyle::SemiRecursive,
        },
        request_timeout: chord.request_timeout.0,
        stabilize: chord.stabilize.as_ref().map(period),
        fix_fingers: chord.fix_fingers.as_ref().map(|fix| {
            let which = match fix.fingers {
                format::FixedFingers::InTurn => chord::FixedFingers::InTurn,
                format::FixedFingers::InTurnDistant => chord::FixedFingers::InTurnDistant,
                format::FixedFingers::AllDistant => chord::FixedFingers::AllDistant,
            };
            (chord::Period { mean: fix.period.0, jitter: fix.jitter }, which)
        }),
        check_predecessor: chord.check_predecessor.as_ref().map(period),
        ask_before_adopting: chord.ask_before_adopting,
    }
}

/// The parameters of trackers and their clients.
fn tracker(tracker: &format::Tracker) -> tracker::Tracker {
    tracker::Tracker {
        trackers: tracker.trackers as usize,
        numwant: tracker.numwant as usize,
        announce_interval: tracker.announce_interval.0,
        expiry: tracker.expiry.0,
        exchange: tracker.exchange.0,
        request_timeout: tracker.request_timeout.0,
        swarm: tracker.swarm.as_ref().map(|swarm| tracker::Swarm {
            file_bytes: swarm.file_bytes,
            piece_bytes: swarm.piece_bytes,
            upload: swarm.upload,
            download: swarm.download,
            slots: swarm.slots as usize,
            optimistic: swarm.optimistic as usize,
            connections: swarm.connections as usize,
            choice: match swarm.pieces {
                format::PieceChoice::RarestFirst => tracker::PieceChoice::RarestFirst,
                format::PieceChoice::Random => tracker::PieceChoice::Random,
            },
            seed_time: swarm.seed_time.map(|span| span.0),
            seeds: swarm.seeds as usize,
            patience: swarm.patience.map(|span| span.0),
            timeout: tracker.request_timeout.0,
        }),
    }
}
