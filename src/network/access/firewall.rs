//! Address translators and firewalls: they let in only what comes from where something has
//! been sent to.
//!
//! Mappings belong to an address and port inside, filtering to an address and port outside
//! ("address and port-dependent filtering", RFC 4787, Section 5). Every message sent refreshes
//! the mapping, none received does (REQ-6). Only the newest moment is kept of each pair of
//! nodes, and pairs whose time is over are forgotten: memory is bounded by the pairs that
//! have talked within two or so of the mapping's lifetimes.
//!
//! Implementation notes. The fate of a message is known when it is sent: a mapping that opens
//! while it is under way comes too late for it.

use std::collections::BTreeMap;

use crate::sim::{Address, Duration, Time};

/// Pairs that are kept without looking whether their time is over.
const FEW: usize = 1024;

/// The firewalls of all nodes that have one.
#[derive(Clone, Debug)]
pub(super) struct Firewall {
    /// How long something may come back.
    mapping: Duration,
    /// Since when a node inside (the first) has been sending to one outside without a pause, and
    /// when it last did.
    last: BTreeMap<(Address, Address), (Time, Time)>,
    /// How many pairs there are when they are next looked through.
    sweep_at: usize,
}

impl Firewall {
    /// Firewalls that remember for so long.
    pub(super) fn new(mapping: Duration) -> Firewall {
        Firewall { mapping, last: BTreeMap::new(), sweep_at: FEW }
    }

    /// A node inside sends something that passes the firewall at the moment `at`, now or
    /// later.
    pub(super) fn lets_out(&mut self, now: Time, at: Time, inside: Address, outside: Address) {
        let mapping = self.mapping;
        self.last
            .entry((inside, outside))
            .and_modify(|(opened, last)| {
                if at > *last + mapping {
                    *opened = at;
                }
                *last = at;
            })
            .or_insert((at, at));
        if self.last.len() >= self.sweep_at {
            self.last.retain(|_, (_, last)| now <= *last + mapping);
            self.sweep_at = FEW.max(2 * self.last.len());
        }
    }

    /// Whether something passes that comes to a node inside at this moment.
    pub(super) fn lets_in(&self, at: Time, inside: Address, outside: Address) -> bool {
        let last = self.last.get(&(inside, outside));
        last.is_some_and(|(opened, last)| *opened <= at && at <= *last + self.mapping)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(index: usize) -> Address {
        Address::new(index)
    }

    fn at(secs: u64) -> Time {
        Time::ZERO + Duration::from_secs(secs)
    }

    #[test]
    fn only_those_come_in_to_whom_something_has_gone_out_of_late() {
        let mut firewall = Firewall::new(Duration::from_secs(120));
        firewall.lets_out(at(0), at(0), node(1), node(2));
        assert!(firewall.lets_in(at(120), node(1), node(2)));
        assert!(!firewall.lets_in(at(121), node(1), node(2)));
        assert!(!firewall.lets_in(at(1), node(1), node(3)));
        assert!(!firewall.lets_in(at(1), node(2), node(1)));
        firewall.lets_out(at(100), at(110), node(1), node(2));
        assert!(firewall.lets_in(at(230), node(1), node(2)));
        assert!(!firewall.lets_in(at(231), node(1), node(2)));
    }

    #[test]
    fn what_is_over_is_forgotten_and_nothing_else() {
        let mut firewall = Firewall::new(Duration::from_secs(120));
        for second in 0..100_000 {
            firewall.lets_out(at(second), at(second), node(0), node(1 + second as usize));
            assert!(firewall.last.len() <= FEW);
        }
        assert!(firewall.lets_in(at(100_000), node(0), node(1 + 99_880)));
        let mut crowd = Firewall::new(Duration::from_secs(120));
        for second in 0..10 * FEW {
            crowd.lets_out(at(0), at(0), node(0), node(1 + second));
        }
        assert_eq!(crowd.last.len(), 10 * FEW);
    }
}
