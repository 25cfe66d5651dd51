//! Where the nodes are.

use super::Address;

/// Where the nodes are. Most simulations give every address a place of its own, and spend
/// nothing on this. Where nodes come and go for long, a newcomer takes the place of one that
/// has gone for good, so that memory is bounded by those that are there at a time.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    /// The place of every address; its own if this is empty.
    of: Vec<u32>,
    /// Who is at each place, or was there last, if places are shared.
    holders: Vec<Option<Address>>,
}

impl Places {
    pub(super) fn new(of: Vec<u32>) -> Places {
        let count = of.iter().max().map_or(0, |last| *last as usize + 1);
        Places { of, holders: vec![None; count] }
    }

    /// Number of places of so many addresses.
    pub(super) fn count(&self, addresses: usize) -> usize {
        if self.of.is_empty() { addresses } else { self.holders.len() }
    }

    /// Who is at the place of an address, or was there last: itself if it has its own.
    pub(super) fn holder(&self, address: Address) -> Option<Address> {
        self.holders.get(self.of(address)).map_or(Some(address), |holder| *holder)
    }

    /// The number of the place of an address.
    #[inline]
    pub(super) fn of(&self, address: Address) -> usize {
        let own = address.index();
        self.of.get(own).map_or(own, |place| *place as usize)
    }

    /// The place of an address as the network calls it.
    #[inline]
    pub(super) fn name(&self, address: Address) -> Address {
        if self.of.is_empty() { address } else { Address::new(self.of(address)) }
    }

    /// Whether this is the address that is at its place, or was there last.
    #[inline]
    pub(super) fn is_held_by(&self, address: Address) -> bool {
        self.of.is_empty() || self.holders[self.of(address)] == Some(address)
    }

    pub(super) fn take(&mut self, address: Address) {
        if !self.of.is_empty() {
            let place = self.of(address);
            self.holders[place] = Some(address);
        }
    }
}
