//! The right pointers of all nodes, one after the other.
//!
//! From one node of the ring to the next every finger moves on a little, never back. So each
//! finger has a cursor, and to find all pointers of all nodes is to go round the ring once with
//! all cursors, in memory that is read from front to back. [`Truth::right_pointers`], the naive
//! twin, searches for every finger anew: at a million nodes it takes five times as long.

use super::{Pointers, Truth};
use crate::id::Id;
use crate::sim::Address;

/// Computes right pointers; fast when nodes are asked for in ring order.
#[derive(Debug)]
pub struct AllPointers<'a> {
    truth: Truth<'a>,
    successors: usize,
    fingers: bool,
    /// The nodes in ring order.
    sorted: Vec<(Id, Address)>,
    /// The place in `sorted` of the node that is probably asked for next.
    next: usize,
    /// For each finger, where it was found last: a place in `sorted`, from the one behind the
    /// node on, and counted on past its end.
    cursors: Vec<usize>,
    pointers: Pointers,
}

impl<'a> Truth<'a> {
    /// The right pointers of all nodes: `successors` of them, and the fingers if asked for.
    pub fn all_pointers(self, successors: usize, fingers: bool) -> AllPointers<'a> {
        let ids = self.ids;
        AllPointers {
            truth: self,
            successors,
            fingers,
            sorted: self.ring.iter().map(|node| (ids[node.index()], node)).collect(),
            next: 0,
            cursors: vec![0; self.space.bits() as usize],
            pointers: Pointers::default(),
        }
    }
}

impl AllPointers<'_> {
    /// Those of a node.
    ///
    /// # Panics
    /// When it is not on the ring.
    pub fn of(&mut self, node: Address) -> &Pointers {
        let place = self.place_of(node);
        let nodes = self.sorted.len();
        let node_at = |place: usize| self.sorted[place % nodes];
        let id = node_at(place).0;
        let (successor_id, _) = node_at(place + 1);
        let pointers = &mut self.pointers;
        pointers.predecessor = node_at(place + nodes - 1).1;
        pointers.successor_distance = id.distance_to(successor_id);
        let known = self.successors.min(nodes - 1).max(1);
        pointers.successors.clear();
        pointers.successors.extend((1..=known).map(|step| node_at(place + step).1));
        pointers.fingers.clear();
        if !self.fingers {
            return pointers;
        }
        let space = self.truth.space;
        let mut finger = (0, (node_at(place + 1).1, pointers.successor_distance));
        loop {
            pointers.fingers.push(finger);
            // A finger that has gone all the way round is the node itself, and so are all later.
            let Some(covered) = space.floor_log2(finger.1.1) else { break };
            let index = covered + 1;
            if index >= space.bits() {
                break;
            }
            let start = space.power_of_two(index);
            // The node itself, once round the ring, is beyond every start.
            let is_beyond =
                |at: usize| at == place + nodes || id.distance_to(node_at(at).0) >= start;
            let cursor = &mut self.cursors[index as usize];
            *cursor = first_from((*cursor).max(place + 1), place + nodes, is_beyond);
            let (found_id, found) = node_at(*cursor);
            finger = (index, (found, id.distance_to(found_id)));
        }
        pointers
    }

    /// Where a node stands. The cursors are set back unless it is behind the one before.
    fn place_of(&mut self, node: Address) -> usize {
        let is_next = self.sorted.get(self.next).is_some_and(|(_, next)| *next == node);
        if !is_next || self.next == 0 {
            self.cursors.fill(0);
        }
        let place = if is_next {
            self.next
        } else {
            let id = self.truth.ids[node.index()];
            let found = self.sorted.binary_search_by_key(&id, |(id, _)| *id);
            found.expect("the node is on the ring")
        };
        self.next = (place + 1) % self.sorted.len();
        place
    }
}

/// The first place from `start` on that a condition holds for, which holds for all later ones
/// and for `last`: usually one of the first few.
fn first_from(start: usize, last: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut step) = (start, 1);
    // Nowhere before `low` it holds.
    while low < last && !holds(low) {
        let probe = (low + step).min(last);
        if holds(probe) {
            // Between the two.
            let (mut low, mut high) = (low + 1, probe);
            while low < high {
                let middle = low.midpoint(high);
                if holds(middle) {
                    high = middle;
                } else {
                    low = middle + 1;
                }
            }
            return low;
        }
        low = probe + 1;
        step *= 2;
    }
    low
}
