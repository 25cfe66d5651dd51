//! The oracle: the global truth about a ring, which no node ever sees.
//!
//! It knows which nodes are up and therefore who owns which key and what every
//! pointer should be. Three things come of that one knowledge: converged rings
//! start from it, answers are judged by it, and the health of a ring is measured
//! against it.
//!
//! Must not know: any overlay, or how nodes find out.

mod all_pointers;
mod ring;
mod rings;

pub use all_pointers::AllPointers;
pub use ring::Ring;
pub use rings::Rings;

use smallvec::SmallVec;

use crate::id::{Id, IdSpace};
use crate::sim::Address;

/// The right pointers of one node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pointers {
    /// The node before it; itself when it is alone.
    pub predecessor: Address,
    /// The nodes after it, at most as many as asked for; itself when it is alone.
    pub successors: Vec<Address>,
    /// The clockwise distance to the first of them; zero when the node is alone.
    pub successor_distance: Id,
    /// The distinct fingers with their clockwise distances, each from the first finger
    /// index (counted from zero) that it serves; it serves all up to the next entry's.
    pub fingers: Vec<(u32, (Address, Id))>,
}

/// The truth at a moment.
#[derive(Clone, Copy, Debug)]
pub struct Truth<'a> {
    /// The nodes that are up.
    pub ring: &'a Ring,
    /// The identifiers of all addresses.
    pub ids: &'a [Id],
    /// Where the identifiers are from.
    pub space: IdSpace,
}

impl Default for Pointers {
    /// To be filled.
    fn default() -> Pointers {
        Pointers {
            predecessor: Address::new(0),
            successors: Vec::new(),
            successor_distance: Id::ZERO,
            fingers: Vec::new(),
        }
    }
}

impl Truth<'_> {
    /// The node that owns a key.
    ///
    /// # Panics
    /// When no node is up.
    pub fn owner(&self, key: Id) -> Address {
        self.ring.owner(self.ids, key)
    }

    /// The owner of a key and the nodes that follow it, as far as they are on distinct servers:
    /// `count` of them, or as many as there are servers.
    pub fn owners_on_distinct_servers(
        &self,
        key: Id,
        count: usize,
        server_of: impl Fn(Address) -> usize,
    ) -> SmallVec<[Address; 4]> {
        if self.ring.is_empty() {
            return SmallVec::new();
        }
        let first = self.owner(key);
        let mut nodes: SmallVec<[Address; 4]> = SmallVec::from_slice(&[first]);
        let mut next = first;
        while nodes.len() < count {
            next = self.ring.next(self.ids, next);
            if next == first {
                break;
            }
            if nodes.iter().all(|node| server_of(*node) != server_of(next)) {
                nodes.push(next);
            }
        }
        nodes
    }

    /// Computes the right pointers of a node of the ring: `successors` of them, and the
    /// fingers (successors of its identifier + 2^i) if asked for. For those of all nodes see
    /// [`Truth::all_pointers`].
    pub fn right_pointers(&self, node: Address, successors: usize, fingers: bool) -> Pointers {
        let Truth { ring, ids, space } = *self;
        let id = ids[node.index()];
        let mut list = Vec::with_capacity(successors.min(ring.len()));
        let mut at = ring.next(ids, node);
        loop {
            list.push(at);
            if list.len() >= successors || list.len() + 1 >= ring.len() {
                break;
            }
            at = ring.next(ids, at);
        }
        let successor_distance = id.distance_to(ids[list[0].index()]);
        let successor = (list[0], successor_distance);
        let fingers =
            if fingers { right_fingers(ring, space, ids, id, successor) } else { Vec::new() };
        Pointers {
            predecessor: ring.previous(ids, node),
            successors: list,
            successor_distance,
            fingers,
        }
    }
}

fn right_fingers(
    ring: &Ring,
    space: IdSpace,
    ids: &[Id],
    id: Id,
    successor: (Address, Id),
) -> Vec<(u32, (Address, Id))> {
    let mut fingers = vec![(0, successor)];
    // Fingers that start no further than the last one reaches are the last one.
    let mut reach = successor.1;
    loop {
        // A finger that has gone all the way round is the node itself, and so are all later.
        let covered = space.floor_log2(reach);
        let Some(next) = covered.map(|covered| covered + 1).filter(|next| *next < space.bits())
        else {
            return fingers;
        };
        let finger = ring.owner(ids, id.plus(space.power_of_two(next)));
        reach = id.distance_to(ids[finger.index()]);
        fingers.push((next, (finger, reach)));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition, word for word.
    fn naive_finger(space: IdSpace, ids: &[Id], node: usize, index: u32) -> usize {
        let start = ids[node].plus(space.power_of_two(index));
        (0..ids.len()).min_by_key(|&n| start.distance_to(ids[n])).unwrap()
    }

    proptest! {
        #![proptest_config(crate::property::config())]

        #[test]
        fn pointers_are_as_defined(bits in 1u32..=12, seed: u64, count in 1usize..40, r in 1usize..5) {
            let space = IdSpace::new(bits).unwrap();
            let count = count.min(1 << bits);
            let mut random = crate::sim::Stream::new(seed, 0, "test");
            let population =
                crate::population::Population::draw(space, count, 1, &mut random);
            let ids = &population.ids;
            let ring = Ring::of(ids, population.addresses());
            let mut sorted: Vec<usize> = (0..count).collect();
            sorted.sort_by_key(|&n| ids[n]);
            let truth = Truth { ring: &ring, ids, space };
            let mut all = truth.all_pointers(r, true);
            let mut any_order = seed as u32;
            for (place, &node) in sorted.iter().chain(&sorted).enumerate() {
                let place = place % count;
                let right = truth.right_pointers(Address::new(node), r, true);
                prop_assert_eq!(right.predecessor.index(), sorted[(place + count - 1) % count]);
                let list: Vec<usize> = (1..=r.min(count - 1).max(1))
                    .map(|step| sorted[(place + step) % count])
                    .collect();
                prop_assert_eq!(right.successors.iter().map(|a| a.index()).collect::<Vec<_>>(), list);
                prop_assert_eq!(all.of(Address::new(node)), &right);
                if any_order.is_multiple_of(3) {
                    let other = Address::new(sorted[any_order as usize % count]);
                    prop_assert_eq!(all.of(other), &truth.right_pointers(other, r, true));
                }
                any_order = any_order.wrapping_mul(0x9e37_79b9).wrapping_add(1);
                for index in 0..bits {
                    let run = right.fingers.iter().rev().find(|(first, _)| *first <= index).unwrap();
                    prop_assert_eq!(run.1.0.index(), naive_finger(space, ids, node, index));
                }
            }
        }
    }
}
