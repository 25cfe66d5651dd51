//! Nodes with full membership endure anything.

use proptest::prelude::*;

use super::{
    Cause, Fact, FullMembership, MembershipMessage, MembershipTimer, Parameters, Placement, Query,
    Server, Spread, Version,
};
use crate::id::IdSpace;
use crate::overlay::robustness::{
    Anything, Universe, any_of, nodes_endure, nodes_stay_small, systems_endure,
};
use crate::sim::Duration;

/// Tokens of every server.
pub(in crate::overlay) const TOKENS: usize = 2;

/// Anything that a node can be fed with.
pub(in crate::overlay) fn anything(universe: &Universe) -> Anything<FullMembership> {
    Anything {
        message: message(universe),
        item: fact(universe),
        timer: any_of!(MembershipTimer {
            MembershipTimer::Gossip => Just(MembershipTimer::Gossip),
            MembershipTimer::AntiEntropy => Just(MembershipTimer::AntiEntropy),
            MembershipTimer::Tell => Just(MembershipTimer::Tell),
            MembershipTimer::JoinAgain { .. } => (universe.address(), universe.byte())
                .prop_map(|(contact, attempt)| MembershipTimer::JoinAgain { contact, attempt }),
            MembershipTimer::Settle { .. } =>
                fact(universe).prop_map(|contact| MembershipTimer::Settle { contact }),
        }),
        may_leave_by: |_| false,
    }
}

fn message(universe: &Universe) -> BoxedStrategy<MembershipMessage> {
    let byte = || universe.byte();
    let cause = || {
        any_of!(Cause {
            Cause::Announcement => Just(Cause::Announcement),
            Cause::News => Just(Cause::News),
        })
    };
    let query = (universe.lookup(), universe.address(), universe.id(), byte(), byte())
        .prop_map(|(lookup, origin, key, hops, sent)| Query { lookup, origin, key, hops, sent });
    any_of!(MembershipMessage {
        MembershipMessage::Query(_) => query.prop_map(MembershipMessage::Query),
        MembershipMessage::Answer { .. } => (universe.lookup(), universe.address_if_any(), byte())
            .prop_map(|(lookup, owner, hops)| MembershipMessage::Answer { lookup, owner, hops }),
        MembershipMessage::JoinRequest { .. } =>
            byte().prop_map(|attempt| MembershipMessage::JoinRequest { attempt }),
        MembershipMessage::JoinView => Just(MembershipMessage::JoinView),
        MembershipMessage::News { .. } => (cause(), byte())
            .prop_map(|(cause, attempt)| MembershipMessage::News { cause, attempt }),
        MembershipMessage::Digest { .. } =>
            any::<u64>().prop_map(|checksum| MembershipMessage::Digest { checksum }),
        MembershipMessage::Agreement => Just(MembershipMessage::Agreement),
        MembershipMessage::WholeView => Just(MembershipMessage::WholeView),
        MembershipMessage::MissingFacts => Just(MembershipMessage::MissingFacts),
    })
}

fn fact(universe: &Universe) -> BoxedStrategy<Fact> {
    let servers = (universe.ids.len() / TOKENS) as u32;
    let parts = ((0..servers).prop_map(Server), universe.number().prop_map(Version));
    parts.prop_map(|(server, version)| Fact { server, version }).boxed()
}

/// The parameters of systems of all kinds that there are.
pub(in crate::overlay) fn systems() -> Vec<Parameters> {
    let request_timeout = Duration::from_millis(500);
    let (period, anti_entropy) = (Duration::from_secs(1), Duration::from_secs(10));
    let gossip = Spread::Gossip { period, fanout: 2, anti_entropy };
    let spreads = [Spread::Instant, Spread::Broadcast, gossip];
    let of = |placement| spreads.map(|spread| Parameters { placement, spread, request_timeout });
    [Placement::Ring, Placement::Modulo].into_iter().flat_map(of).collect()
}

fn universe(is_small: bool) -> Universe {
    let space = IdSpace::new(32).unwrap();
    let ids = (0..8 * TOKENS).map(|number| space.hash(format!("token {number}"))).collect();
    Universe { space, ids, is_small }
}

fn system(parameters: Parameters, universe: &Universe) -> FullMembership {
    FullMembership::new(parameters, universe.space, &universe.ids, TOKENS)
}

#[test]
fn nodes_with_full_membership_endure_anything() {
    let (universe, all) = (universe(false), systems());
    let system = |number: usize| system(all[number].clone(), &universe);
    nodes_endure(file!(), (all.len(), system), &universe, &anything(&universe));
}

#[test]
fn full_membership_endures_a_saboteur() {
    let (universe, all) = (universe(false), systems());
    let system = |number: usize| system(all[number].clone(), &universe);
    systems_endure(file!(), (all.len(), system), &universe, &anything(&universe));
}

#[test]
fn nodes_with_full_membership_do_not_grow() {
    let universe = universe(true);
    for parameters in systems() {
        nodes_stay_small(&system(parameters, &universe), &universe, &anything(&universe));
    }
}
