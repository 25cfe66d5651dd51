//! From the checked values of a scenario to the parts of a simulation.

use crate::overlay::storage::{Placement, Storage, Stored};
use crate::overlay::{KeyRouting, Overlay, chord, full_membership, tracker};
use crate::population::Population;
use crate::scenario::{Setup, format};
use crate::sim::{Stream, Time};
use crate::workload::{Arrivals, Churn, JoinTimes, Joins, Leaves, RequestPlan};

mod network;

pub(super) use network::network;

/// Something that is done with the protocol of a scenario, whichever it is.
pub(super) trait Task {
    /// What comes of it.
    type Output;

    /// Does it.
    fn run<P: Overlay>(self, protocol: P) -> Self::Output;
}

/// Does something with the protocol of a scenario, for one repeat's servers: the only place
/// that tells overlays apart.
///
/// # Panics
/// When it is an overlay of another program.
pub(super) fn with_protocol<T: Task>(setup: &Setup, servers: &Population, task: T) -> T::Output {
    match &setup.overlay {
        format::Overlay::Chord(chord) => with_storage(setup, self::chord(setup, chord), task),
        format::Overlay::FullMembership(membership) => {
            with_storage(setup, self::full_membership(setup, membership, servers), task)
        }
        format::Overlay::Tracker(tracker) => task.run(self::tracker(tracker)),
        format::Overlay::Own(_) => panic!("an overlay of one's own is run by its own program"),
    }
}

/// The servers of one repeat.
pub(super) fn population(setup: &Setup, repeat: u32) -> Population {
    let mut random = Stream::new(setup.seed, repeat, "addresses");
    if let Some(ids) = &setup.explicit_ids {
        return Population::with_ids(setup.id_space, ids.clone(), &mut random);
    }
    let mut draw = |servers: usize| {
        Population::draw(setup.id_space, servers, setup.virtual_nodes as usize, &mut random)
    };
    match (churn(setup, repeat), setup.duration) {
        (Some(churn), Some(duration)) => {
            // All that will ever come: churn does not depend on what they do then.
            let machines = churn.machines(setup.servers, Time::ZERO + duration);
            draw(machines.len()).on_machines(machines)
        }
        _ => draw(setup.servers as usize),
    }
}

/// Who comes and goes in one repeat.
pub(super) fn churn(setup: &Setup, repeat: u32) -> Option<Churn> {
    setup.churn.as_ref().map(|plan| Churn::new(plan, setup.seed, repeat))
}

/// When requests are made, and by whom.
pub(super) fn request_plan(requests: &format::Requests) -> RequestPlan {
    RequestPlan {
        arrivals: match requests.arrivals {
            format::Arrivals::Even => Arrivals::Even,
            format::Arrivals::Poisson => Arrivals::Poisson,
        },
        per_node: requests.per_node,
        interval: requests.interval.0,
        start: Time::ZERO + requests.start.0,
        stop: requests.stop.map_or(Time::MAX, |stop| Time::ZERO + stop.0),
    }
}

/// The servers that join.
pub(super) fn joins(setup: &Setup, repeat: u32, initial: usize) -> Joins {
    let plan = setup.joins.as_ref().filter(|_| initial < setup.servers as usize);
    let times = plan.map_or_else(|| JoinTimes::At(Vec::new()), |plan| plan.times.clone());
    Joins::new(initial, times, Stream::new(setup.seed, repeat, "joins"))
}

/// The servers that leave.
pub(super) fn leaves(setup: &Setup, repeat: u32) -> Option<Leaves> {
    let plan = setup.leaves.as_ref()?;
    let random = Stream::new(setup.seed, repeat, "leaves");
    Some(Leaves::new(plan.count, Time::ZERO + plan.start.0, plan.interval.0, random))
}

/// How values are kept.
fn storage(setup: &Setup, storage: &format::Storage) -> Storage {
    Storage {
        space: setup.id_space,
        copies: storage.copies as usize,
        placement: setup.copy_step.map_or(Placement::Followers, Placement::Spaced),
        request_timeout: storage.request_timeout.0,
        repair: storage.repair.map(|period| period.0),
    }
}

/// Puts storage on top of an overlay, if the scenario stores anything.
fn with_storage<P: KeyRouting, T: Task>(setup: &Setup, overlay: P, task: T) -> T::Output {
    match &setup.workload.storage {
        Some(storage) => task.run(Stored::new(overlay, self::storage(setup, storage))),
        None => task.run(overlay),
    }
}

/// The parameters of a Chord ring.
fn chord(setup: &Setup, chord: &format::Chord) -> chord::Chord {
    let period =
        |period: &format::Period| chord::Period { mean: period.period.0, jitter: period.jitter };
    chord::Chord {
        space: setup.id_space,
        successors: chord.successors as usize,
        fingers: chord.fingers == format::Fingers::All,
        join: match &chord.join {
            format::ChordJoin::Stabilized => chord::JoinVersion::Stabilized,
            format::ChordJoin::Base(base) => chord::JoinVersion::Base(match base.fingers {
                format::FingerInit::Each => chord::FingerInit::Each,
                format::FingerInit::SkipCovered => chord::FingerInit::SkipCovered,
                format::FingerInit::NeighbourHints => chord::FingerInit::NeighbourHints,
            }),
        },
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
        virtual_nodes: setup.virtual_nodes as usize,
        refinements: refinements(chord),
    }
}

/// What a Chord ring does beyond the printed protocol.
fn refinements(chord: &format::Chord) -> chord::Refinements {
    chord::Refinements {
        confirm_owner: chord.confirm_owner,
        remember_failures: chord.remember_failures,
        retries: chord
            .retries
            .map(|retries| chord::Retries { count: retries.count, after: retries.after.0 }),
        parallel: chord.parallel as usize,
        shortest_timeout: match chord.timeout {
            format::ChordTimeout::Fixed => None,
            format::ChordTimeout::Adaptive(adaptive) => Some(adaptive.minimum.0),
        },
        finger_choices: chord.proximity.fingers as usize,
        next_hop_choices: chord.proximity.next_hop as usize,
        tell_old_predecessor: chord.tell_old_predecessor,
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
