//! Nodes that store values endure anything.

use proptest::prelude::*;

use super::{
    HandOver, ItemKey, Placement, Storage, StorageMessage, Stored, StoredItem, StoredMessage,
    StoredTimer,
};
use crate::id::IdSpace;
use crate::overlay::chord::Chord;
use crate::overlay::full_membership::FullMembership;
use crate::overlay::robustness::{
    Anything, Universe, any_of, nodes_endure, nodes_stay_small, systems_endure,
};
use crate::overlay::{KeyRouting, chord, full_membership};
use crate::sim::{Duration, Item};

/// Anything that a node with storage on top can be fed with, given what can be below.
fn anything<P>(universe: &Universe, below: Anything<P>) -> Anything<Stored<P>>
where
    P: KeyRouting,
    P::Message: 'static,
    P::Timer: 'static,
    Item<P>: 'static,
{
    let message = any_of!(StoredMessage<P::Message> {
        StoredMessage::Below(_) => below.message.prop_map(StoredMessage::Below),
        StoredMessage::Storage(_) => message(universe).prop_map(StoredMessage::Storage),
    });
    let item = any_of!(StoredItem<Item<P>> {
        StoredItem::Below(_) => below.item.prop_map(StoredItem::Below),
        StoredItem::Holder(_) => universe.address().prop_map(StoredItem::Holder),
    });
    let timer = any_of!(StoredTimer<P::Timer> {
        StoredTimer::Below(_) => below.timer.prop_map(StoredTimer::Below),
        StoredTimer::Repair => Just(StoredTimer::Repair),
        StoredTimer::LookAgain => Just(StoredTimer::LookAgain),
    });
    Anything { message, item, timer, may_leave_by: |_| false }
}

fn message(universe: &Universe) -> BoxedStrategy<StorageMessage> {
    let item = || {
        let parts = (universe.id(), universe.byte());
        parts.prop_map(|(key, copy)| ItemKey { key, copy })
    };
    let (request, value) = (|| universe.request(), || universe.value());
    let version = || universe.number();
    let why = any_of!(HandOver {
        HandOver::Joined => Just(HandOver::Joined),
        HandOver::Leaving => Just(HandOver::Leaving),
    });
    any_of!(StorageMessage {
        StorageMessage::Fetch { .. } => (request(), item(), any::<bool>())
            .prop_map(|(request, item, any_copy)| StorageMessage::Fetch { request, item, any_copy }),
        StorageMessage::Fetched { .. } => (request(), item(), universe.value_if_any())
            .prop_map(|(request, item, value)| StorageMessage::Fetched { request, item, value }),
        StorageMessage::Elsewhere { .. } => (request(), item(), universe.address())
            .prop_map(|(request, item, owner)| StorageMessage::Elsewhere { request, item, owner }),
        StorageMessage::Store { .. } => (request(), item(), value())
            .prop_map(|(request, item, value)| StorageMessage::Store { request, item, value }),
        StorageMessage::Stored { .. } => (request(), item(), any::<bool>())
            .prop_map(|(request, item, complete)| StorageMessage::Stored {
                request, item, complete,
            }),
        StorageMessage::Copied { .. } => (request(), item())
            .prop_map(|(request, item)| StorageMessage::Copied { request, item }),
        StorageMessage::HandOver { .. } => (item(), value(), why)
            .prop_map(|(item, value, why)| StorageMessage::HandOver { item, value, why }),
        StorageMessage::Taken { .. } => (item(), version())
            .prop_map(|(item, version)| StorageMessage::Taken { item, version }),
        StorageMessage::Refused { .. } => item().prop_map(|item| StorageMessage::Refused { item }),
        StorageMessage::Copy { .. } => (item(), value())
            .prop_map(|(item, value)| StorageMessage::Copy { item, value }),
        StorageMessage::Offer { .. } => (item(), version())
            .prop_map(|(item, version)| StorageMessage::Offer { item, version }),
        StorageMessage::Wanted { .. } => item().prop_map(|item| StorageMessage::Wanted { item }),
        StorageMessage::Kept { .. } => (item(), version())
            .prop_map(|(item, version)| StorageMessage::Kept { item, version }),
        StorageMessage::Release { .. } => item().prop_map(|item| StorageMessage::Release { item }),
    })
}

/// One copy, and three in either place.
fn storages(space: IdSpace) -> Vec<Storage> {
    let spaced = Placement::Spaced(space.power_of_two(space.bits() - 2));
    let cases = [(1, Placement::Followers), (1, spaced), (3, Placement::Followers), (3, spaced)];
    cases
        .map(|(copies, placement)| Storage {
            space,
            copies,
            placement,
            request_timeout: Duration::from_millis(500),
            repair: Some(Duration::from_secs(10)),
        })
        .to_vec()
}

fn universe(is_small: bool) -> Universe {
    let space = IdSpace::new(32).unwrap();
    let ids = (0..8).map(|number| space.hash(format!("node {number}"))).collect();
    Universe { space, ids, is_small }
}

/// Systems of storage on every one of these.
fn on<P: KeyRouting>(routings: &[P], space: IdSpace) -> Vec<Stored<P>> {
    let on = |routing: &P| {
        storages(space).into_iter().map(|storage| (routing.clone(), storage)).collect::<Vec<_>>()
    };
    routings.iter().flat_map(on).map(|(routing, storage)| Stored::new(routing, storage)).collect()
}

fn on_rings(universe: &Universe) -> Vec<Stored<Chord>> {
    on(&chord::robustness::rings(universe.space), universe.space)
}

/// One of the systems with full membership, of which no two must share a view.
fn on_full_membership(number: usize, universe: &Universe) -> Stored<FullMembership> {
    let storages = storages(universe.space);
    let storage = storages[number % storages.len()];
    let parameters = full_membership::robustness::systems().swap_remove(number / storages.len());
    let tokens = full_membership::robustness::TOKENS;
    Stored::new(FullMembership::new(parameters, universe.space, &universe.ids, tokens), storage)
}

fn full_memberships(universe: &Universe) -> usize {
    full_membership::robustness::systems().len() * storages(universe.space).len()
}

#[test]
fn nodes_that_store_on_a_ring_endure_anything() {
    let universe = universe(false);
    let anything = anything(&universe, chord::robustness::anything(&universe));
    let systems = on_rings(&universe);
    let system = |number: usize| systems[number].clone();
    nodes_endure(file!(), (systems.len(), system), &universe, &anything);
}

#[test]
fn nodes_that_store_with_full_membership_endure_anything() {
    let universe = universe(false);
    let anything = anything(&universe, full_membership::robustness::anything(&universe));
    let system = |number: usize| on_full_membership(number, &universe);
    nodes_endure(file!(), (full_memberships(&universe), system), &universe, &anything);
}

#[test]
fn storage_on_a_ring_endures_a_saboteur() {
    let universe = universe(false);
    let anything = anything(&universe, chord::robustness::anything(&universe));
    let systems = on_rings(&universe);
    let system = |number: usize| systems[number].clone();
    systems_endure(file!(), (systems.len(), system), &universe, &anything);
}

#[test]
fn storage_with_full_membership_endures_a_saboteur() {
    let universe = universe(false);
    let anything = anything(&universe, full_membership::robustness::anything(&universe));
    let system = |number: usize| on_full_membership(number, &universe);
    systems_endure(file!(), (full_memberships(&universe), system), &universe, &anything);
}

#[test]
fn nodes_that_store_on_a_ring_do_not_grow() {
    let universe = universe(true);
    // Some of the rings that mend themselves, with copies in all places: all would take minutes.
    let mut rings = chord::robustness::rings(universe.space);
    rings.retain(|ring| ring.stabilize.is_some());
    for ring in rings.iter().step_by(7) {
        for storage in storages(universe.space) {
            let system = Stored::new(ring.clone(), storage);
            let anything = anything(&universe, chord::robustness::anything(&universe));
            nodes_stay_small(&system, &universe, &anything);
        }
    }
}
