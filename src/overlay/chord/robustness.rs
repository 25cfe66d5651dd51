//! Chord's nodes endure anything.

use proptest::prelude::*;

use super::{
    Change, Chord, ChordMessage, ChordTimer, FingerInit, FixedFingers, JoinVersion, LookupStyle,
    Period, Query, QueryFor, Refinements, Retries, Step,
};
use crate::id::IdSpace;
use crate::overlay::robustness::{
    Anything, Universe, any_of, nodes_endure, nodes_stay_small, systems_endure,
};
use crate::sim::Duration;

/// Anything that a node of a ring can be fed with.
pub(in crate::overlay) fn anything(universe: &Universe) -> Anything<Chord> {
    Anything {
        message: message(universe),
        item: universe.address(),
        timer: any_of!(ChordTimer {
            ChordTimer::Stabilize => Just(ChordTimer::Stabilize),
            ChordTimer::FixFingers => Just(ChordTimer::FixFingers),
            ChordTimer::CheckPredecessor => Just(ChordTimer::CheckPredecessor),
            ChordTimer::RetryLookups => Just(ChordTimer::RetryLookups),
            ChordTimer::JoinAgain(_) => universe.byte().prop_map(ChordTimer::JoinAgain),
        }),
        may_leave_by: |_| false,
    }
}

fn message(universe: &Universe) -> BoxedStrategy<ChordMessage> {
    let (address, if_any) = (|| universe.address(), || universe.address_if_any());
    let (query, number) = (|| query(universe), || universe.number());
    let short = || universe.byte().prop_map(u16::from);
    any_of!(ChordMessage {
        ChordMessage::FindNext { .. } => (query(), if_any(), address())
            .prop_map(|(query, before, via)| ChordMessage::FindNext { query, before, via }),
        ChordMessage::Next { .. } => (query(), step(universe))
            .prop_map(|(query, step)| ChordMessage::Next { query, step }),
        ChordMessage::Find { .. } => query().prop_map(|query| ChordMessage::Find { query }),
        ChordMessage::Found { .. } => (query(), if_any())
            .prop_map(|(query, owner)| ChordMessage::Found { query, owner }),
        ChordMessage::FindAvoiding { .. } => (query(), short())
            .prop_map(|(query, failed)| ChordMessage::FindAvoiding { query, failed }),
        ChordMessage::ConfirmOwner { .. } => (query(), address(), short())
            .prop_map(|(query, via, failed)| ChordMessage::ConfirmOwner { query, via, failed }),
        ChordMessage::OwnerConfirmed { .. } =>
            query().prop_map(|query| ChordMessage::OwnerConfirmed { query }),
        ChordMessage::FindClosest { .. } =>
            query().prop_map(|query| ChordMessage::FindClosest { query }),
        ChordMessage::Closest { .. } => (query(), step(universe))
            .prop_map(|(query, step)| ChordMessage::Closest { query, step }),
        ChordMessage::GetFollowers { .. } =>
            number().prop_map(|finger| ChordMessage::GetFollowers { finger }),
        ChordMessage::Followers { .. } =>
            number().prop_map(|finger| ChordMessage::Followers { finger }),
        ChordMessage::Probe { .. } => number().prop_map(|finger| ChordMessage::Probe { finger }),
        ChordMessage::Probed { .. } => number().prop_map(|finger| ChordMessage::Probed { finger }),
        ChordMessage::Superseded { .. } =>
            address().prop_map(|predecessor| ChordMessage::Superseded { predecessor }),
        ChordMessage::GetNeighbours => Just(ChordMessage::GetNeighbours),
        ChordMessage::Neighbours { .. } =>
            if_any().prop_map(|predecessor| ChordMessage::Neighbours { predecessor }),
        ChordMessage::Notify => Just(ChordMessage::Notify),
        ChordMessage::Ping => Just(ChordMessage::Ping),
        ChordMessage::Pong => Just(ChordMessage::Pong),
        ChordMessage::Leave { .. } =>
            if_any().prop_map(|predecessor| ChordMessage::Leave { predecessor }),
        ChordMessage::SetPredecessor { .. } =>
            if_any().prop_map(|predecessor| ChordMessage::SetPredecessor { predecessor }),
        ChordMessage::PreviousPredecessor { .. } =>
            if_any().prop_map(|predecessor| ChordMessage::PreviousPredecessor { predecessor }),
        ChordMessage::GetTable => Just(ChordMessage::GetTable),
        ChordMessage::Table => Just(ChordMessage::Table),
        ChordMessage::GetPredecessor { .. } =>
            number().prop_map(|finger| ChordMessage::GetPredecessor { finger }),
        ChordMessage::Predecessor { .. } => (number(), if_any())
            .prop_map(|(finger, predecessor)| ChordMessage::Predecessor { finger, predecessor }),
        ChordMessage::UpdateFingers { .. } => (address(), if_any(), number(), number())
            .prop_map(|(node, heir, first, behind)| ChordMessage::UpdateFingers {
                change: Change { node, heir },
                fingers: (first, behind),
            }),
        ChordMessage::FingersUpdated => Just(ChordMessage::FingersUpdated),
    })
}

fn query(universe: &Universe) -> BoxedStrategy<Query> {
    let purpose = any_of!(QueryFor {
        QueryFor::Lookup(_) => universe.lookup().prop_map(QueryFor::Lookup),
        QueryFor::Finger(_) => universe.number().prop_map(QueryFor::Finger),
        QueryFor::Join => Just(QueryFor::Join),
        QueryFor::InitFinger(_) => universe.number().prop_map(QueryFor::InitFinger),
        QueryFor::UpdateFinger(_) => universe.number().prop_map(QueryFor::UpdateFinger),
    });
    let parts = (purpose, universe.address(), universe.number(), universe.id());
    parts
        .prop_map(|(purpose, origin, hops, target)| Query { purpose, origin, hops, target })
        .boxed()
}

fn step(universe: &Universe) -> BoxedStrategy<Step> {
    any_of!(Step {
        Step::Owner(_) => universe.address().prop_map(Step::Owner),
        Step::Closer(_) => universe.address().prop_map(Step::Closer),
        Step::NoRoute => Just(Step::NoRoute),
    })
}

/// Rings of all kinds that there are.
pub(in crate::overlay) fn rings(space: IdSpace) -> Vec<Chord> {
    let mut rings = Vec::new();
    for lookup in [LookupStyle::Iterative, LookupStyle::Recursive, LookupStyle::SemiRecursive] {
        for fingers in [true, false] {
            for init in [FingerInit::Each, FingerInit::SkipCovered, FingerInit::NeighbourHints] {
                let join = JoinVersion::Base(init);
                rings.push(Chord { fingers, join, lookup, ..Chord::new(space) });
            }
            for successors in [1, 4] {
                for ask_before_adopting in [true, false] {
                    let ring = maintained(space, successors);
                    rings.push(Chord { fingers, lookup, ask_before_adopting, ..ring });
                }
                for refinements in refinements(lookup) {
                    let ring = maintained(space, successors);
                    rings.push(Chord { fingers, lookup, refinements, ..ring });
                }
            }
        }
    }
    rings
}

/// What is done beyond the papers, each by itself and all together.
fn refinements(lookup: LookupStyle) -> Vec<Refinements> {
    let none = Refinements::default;
    let parallel = if lookup == LookupStyle::Iterative { 3 } else { 1 };
    let retries = Some(Retries { count: 2, after: Duration::from_secs(1) });
    let shortest_timeout = Some(Duration::from_millis(50));
    vec![
        Refinements { confirm_owner: true, ..none() },
        Refinements { remember_failures: false, ..none() },
        Refinements { retries, shortest_timeout, ..none() },
        Refinements { parallel, next_hop_choices: 3, ..none() },
        Refinements { finger_choices: 3, ..none() },
        Refinements {
            confirm_owner: true,
            remember_failures: false,
            retries,
            parallel,
            shortest_timeout,
            finger_choices: 2,
            next_hop_choices: 3,
            tell_old_predecessor: true,
        },
    ]
}

fn maintained(space: IdSpace, successors: usize) -> Chord {
    let period = Period { mean: Duration::from_secs(1), jitter: 0.5 };
    let which = match successors {
        1 => FixedFingers::InTurn,
        _ => FixedFingers::AllDistant,
    };
    Chord {
        stabilize: Some(period),
        fix_fingers: Some((period, which)),
        check_predecessor: Some(period),
        successors,
        ..Chord::new(space)
    }
}

/// Eight nodes on a ring of few identifiers, or of very many.
fn universe(bits: u32, is_small: bool) -> Universe {
    let space = IdSpace::new(bits).unwrap();
    let ids = match bits {
        4 => [0, 1, 3, 4, 8, 9, 14, 15].map(|number| space.id(number)).to_vec(),
        _ => (0..8).map(|number| space.hash(format!("node {number}"))).collect(),
    };
    Universe { space, ids, is_small }
}

#[test]
fn nodes_of_rings_endure_anything() {
    for bits in [4, 160] {
        let universe = universe(bits, false);
        let rings = rings(universe.space);
        let system = |number: usize| rings[number].clone();
        nodes_endure(file!(), (rings.len(), system), &universe, &anything(&universe));
    }
}

#[test]
fn rings_endure_a_saboteur() {
    let universe = universe(160, false);
    let rings = rings(universe.space);
    let system = |number: usize| rings[number].clone();
    systems_endure(file!(), (rings.len(), system), &universe, &anything(&universe));
}

#[test]
fn nodes_of_rings_do_not_grow() {
    let universe = universe(4, true);
    for ring in rings(universe.space) {
        nodes_stay_small(&ring, &universe, &anything(&universe));
    }
}
