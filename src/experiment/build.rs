//! From the checked values of a scenario to the parts of a simulation.

use crate::network::{Latency, Network};
use crate::overlay::{Overlay, chord, full_membership};
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

/// Does something with the protocol of a scenario, for one repeat's servers: the only place
/// that tells overlays apart.
pub(super) fn with_protocol<T: Task>(setup: &Setup, servers: &Population, task: T) -> T::Output {
    match &setup.overlay {
        format::Overlay::Chord(chord) => task.run(self::chord(setup, chord)),
        format::Overlay::FullMembership(membership) => {
            task.run(self::full_membership(setup, membership, servers))
        }
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
    Network::new(latency, setup.network.loss, stream("latency"), stream("loss"))
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

/// Full membership of these servers.
fn full_membership(
    setup: &Setup,
    membership: &format::FullMembership,
    servers: &Population,
) -> full_membership::FullMembership {
    let parameters = full_membership::Parameters {
        placement: match membership.placement {
            format::Placement::Ring => full_membership::Placement::Ring,
            format::Placement::Modulo => full_membership::Placement::Modulo,
        },
        spread: match membership.spread {
            format::Spread::Instant => full_membership::Spread::Instant,
            format::Spread::Broadcast(_) => full_membership::Spread::Broadcast,
            format::Spread::Gossip(gossip) => full_membership::Spread::Gossip {
                period: gossip.period.0,
                fanout: gossip.fanout,
                anti_entropy: gossip.anti_entropy.0,
            },
        },
        request_timeout: membership.request_timeout.0,
    };
    full_membership::FullMembership::new(
        parameters,
        setup.id_space,
        &servers.ids,
        servers.virtual_nodes,
    )
}
