//! All nodes of the ring in order of their identifiers, searchable in constant time.
//!
//! Identifiers are hashes, so they are spread evenly: the ring is cut into equal
//! arcs by the first bits of the identifier, each with a short sorted list of its
//! nodes. A search goes straight to its arc. Identifiers that are not spread evenly
//! (given by hand) cost a binary search in a longer list.

use crate::id::Id;
use crate::sim::{Address, prefetch};

/// Nodes that an arc should hold on average.
const NODES_PER_ARC: usize = 8;

/// The nodes of the ring.
///
/// The methods take the table of identifiers that the addresses index: the ring keeps some of
/// their bits only.
#[derive(Clone, Debug)]
pub struct Ring {
    arcs: Vec<Vec<Member>>,
    /// The arc of an identifier is its first `arc_bits` bits.
    arc_bits: u32,
    len: usize,
}

/// A node with the 32 bits of its identifier that follow those of its arc: they settle nearly
/// every comparison, and a whole arc takes a cache line.
#[derive(Clone, Copy, Debug)]
struct Member {
    bits: u32,
    address: Address,
}

impl Ring {
    /// The ring of these nodes, whose identifiers are distinct.
    pub fn of(ids: &[Id], nodes: impl ExactSizeIterator<Item = Address>) -> Ring {
        let mut ring = Ring::with_arcs_for(nodes.len());
        ring.len = nodes.len();
        for address in nodes {
            let id = ids[address.index()];
            let arc = ring.arc_of(id);
            let member = Member { bits: ring.bits_in_arc(id), address };
            ring.arcs[arc].push(member);
        }
        for arc in &mut ring.arcs {
            arc.sort_unstable_by(|one, other| {
                let ids_in_order = || ids[one.address.index()].cmp(&ids[other.address.index()]);
                one.bits.cmp(&other.bits).then_with(ids_in_order)
            });
            arc.shrink_to_fit();
        }
        ring
    }

    fn with_arcs_for(nodes: usize) -> Ring {
        let arc_bits = (nodes / NODES_PER_ARC).max(1).ilog2();
        Ring { arcs: vec![Vec::new(); 1 << arc_bits], arc_bits, len: 0 }
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Takes a node in.
    ///
    /// # Panics
    /// When a node with its identifier is there.
    pub fn insert(&mut self, ids: &[Id], address: Address) {
        if self.len > 4 * NODES_PER_ARC * self.arcs.len() {
            let nodes: Vec<Address> = self.iter().chain([address]).collect();
            *self = Ring::of(ids, nodes.into_iter());
            return;
        }
        let id = ids[address.index()];
        let arc = self.arc_of(id);
        let place = self.place(ids, arc, id).expect_err("identifiers are distinct");
        let member = Member { bits: self.bits_in_arc(id), address };
        self.arcs[arc].insert(place, member);
        self.len += 1;
    }

    /// Takes a node out; whether it was there.
    pub fn remove(&mut self, ids: &[Id], address: Address) -> bool {
        let id = ids[address.index()];
        let arc = self.arc_of(id);
        let found = self.place(ids, arc, id);
        if let Ok(place) = found {
            self.arcs[arc].remove(place);
            self.len -= 1;
        }
        found.is_ok()
    }

    /// The node that owns a key: the first whose identifier equals the key or follows it.
    ///
    /// # Panics
    /// On an empty ring, as the others below.
    pub fn owner(&self, ids: &[Id], key: Id) -> Address {
        let (arc, place) = self.spot(ids, key);
        self.first_from(arc, place)
    }

    /// The two nodes around a key: the last before it and its owner, by a single search.
    pub fn around(&self, ids: &[Id], key: Id) -> (Address, Address) {
        let (arc, place) = self.spot(ids, key);
        (self.last_before(arc, place), self.first_from(arc, place))
    }

    /// The last node before a key, never one that stands on it (but for a node alone).
    pub fn predecessor_of(&self, ids: &[Id], key: Id) -> Address {
        let (arc, place) = self.spot(ids, key);
        self.last_before(arc, place)
    }

    /// The node after this one, which is on the ring; itself when it is alone.
    pub fn next(&self, ids: &[Id], node: Address) -> Address {
        let (arc, place) = self.spot(ids, ids[node.index()]);
        self.first_from(arc, place + 1)
    }

    /// The node before this one, which is on the ring; itself when it is alone.
    pub fn previous(&self, ids: &[Id], node: Address) -> Address {
        self.predecessor_of(ids, ids[node.index()])
    }

    /// The nodes by ascending identifier.
    pub fn iter(&self) -> impl Iterator<Item = Address> {
        self.arcs.iter().flatten().map(|member| member.address)
    }

    /// All nodes once, clockwise from a key: its owner first, the last before it last.
    pub fn clockwise_from(&self, ids: &[Id], key: Id) -> impl DoubleEndedIterator<Item = Address> {
        let (arc, place) = self.spot(ids, key);
        let (before, behind) = self.arcs[arc].split_at(place);
        let later = self.arcs[arc + 1..].iter().chain(&self.arcs[..arc]).flatten();
        behind.iter().chain(later).chain(before).map(|member| member.address)
    }

    /// Asks for the memory of the arc in which a key lies, ahead of a search for it.
    pub fn prefetch_arc(&self, key: Id) {
        prefetch(&self.arcs[self.arc_of(key)]);
    }

    /// The same for the nodes of that arc, which must have been asked for before.
    pub fn prefetch_members(&self, key: Id) {
        if let Some(first) = self.arcs[self.arc_of(key)].first() {
            prefetch(first);
        }
    }

    #[inline]
    fn arc_of(&self, id: Id) -> usize {
        id.prefix().checked_shr(u64::BITS - self.arc_bits).unwrap_or(0) as usize
    }

    /// The 32 bits behind those of the arc.
    #[inline]
    fn bits_in_arc(&self, id: Id) -> u32 {
        (id.prefix() << self.arc_bits >> 32) as u32
    }

    /// Where an identifier stands in its arc, or would.
    fn place(&self, ids: &[Id], arc: usize, id: Id) -> Result<usize, usize> {
        let bits = self.bits_in_arc(id);
        self.arcs[arc].binary_search_by(|member| {
            member.bits.cmp(&bits).then_with(|| ids[member.address.index()].cmp(&id))
        })
    }

    /// The arc of an identifier, and where in it the first node at or behind it stands.
    fn spot(&self, ids: &[Id], id: Id) -> (usize, usize) {
        let arc = self.arc_of(id);
        (arc, self.place(ids, arc, id).unwrap_or_else(|place| place))
    }

    fn first_from(&self, arc: usize, place: usize) -> Address {
        if let Some(member) = self.arcs[arc].get(place) {
            return member.address;
        }
        let mut later = self.arcs[arc + 1..].iter().chain(&self.arcs[..=arc]);
        later.find_map(|arc| arc.first()).expect("the ring is not empty").address
    }

    fn last_before(&self, arc: usize, place: usize) -> Address {
        if let Some(member) = self.arcs[arc][..place].last() {
            return member.address;
        }
        let mut earlier = self.arcs[..arc].iter().rev().chain(self.arcs[arc..].iter().rev());
        earlier.find_map(|arc| arc.last()).expect("the ring is not empty").address
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id::IdSpace;

    proptest! {
        #![proptest_config(crate::property::config())]

        #[test]
        fn agrees_with_a_sorted_list(
            bits in 3u32..=10,
            steps in prop::collection::vec((any::<bool>(), any::<u16>()), 1..300),
        ) {
            let space = IdSpace::new(bits).unwrap();
            let ids: Vec<Id> = (0..1 << bits).map(|n| space.id(n)).collect();
            let mut ring = Ring::of(&ids, [].into_iter());
            let mut list: Vec<usize> = Vec::new();
            for (join, number) in steps {
                let number = usize::from(number) % ids.len();
                match (list.binary_search(&number), join) {
                    (Err(place), true) => {
                        list.insert(place, number);
                        ring.insert(&ids, Address::new(number));
                    }
                    (Ok(place), false) => {
                        list.remove(place);
                        prop_assert!(ring.remove(&ids, Address::new(number)));
                    }
                    (found, _) => prop_assert!(
                        found.is_ok() || !ring.remove(&ids, Address::new(number))
                    ),
                }
                prop_assert_eq!(ring.iter().map(Address::index).collect::<Vec<_>>(), list.clone());
                prop_assert_eq!(ring.len(), list.len());
                if list.is_empty() {
                    continue;
                }
                let key = number ^ 1;
                let from = list.partition_point(|&n| n < key);
                let owner = list[from % list.len()];
                let before = list[(from + list.len() - 1) % list.len()];
                prop_assert_eq!(ring.owner(&ids, ids[key]).index(), owner);
                prop_assert_eq!(ring.predecessor_of(&ids, ids[key]).index(), before);
                let around = ring.around(&ids, ids[key]);
                prop_assert_eq!((around.0.index(), around.1.index()), (before, owner));
                let after = list[(list.partition_point(|&n| n <= owner)) % list.len()];
                prop_assert_eq!(ring.next(&ids, Address::new(owner)).index(), after);
                let mut round = list.clone();
                round.rotate_left(from % list.len());
                let clockwise = ring.clockwise_from(&ids, ids[key]).map(Address::index);
                prop_assert_eq!(clockwise.collect::<Vec<_>>(), round.clone());
                round.reverse();
                let back = ring.clockwise_from(&ids, ids[key]).rev().map(Address::index);
                prop_assert_eq!(back.collect::<Vec<_>>(), round);
            }
        }
    }
}
