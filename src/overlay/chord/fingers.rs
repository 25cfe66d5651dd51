//! The finger table: m entries, of which only about log2 N differ.

use smallvec::SmallVec;

use crate::id::{Id, IdSpace};
use crate::overlay::allocated;
use crate::sim::{Address, prefetch};

/// The finger table of one node.
///
/// Finger *i* (counted from zero; the papers count from one) is the first known node
/// at or after the node's identifier + 2^i. Long runs of fingers are the same node, so
/// only the runs are stored: a bit for every finger at which a run starts, and one
/// entry a run. A finger is found by counting the bits up to it.
///
/// Beside each finger stand the first bits of its distance. They settle nearly every
/// comparison, so that a step of a lookup reads no identifier of another node: at a
/// million nodes each of those is a cache miss.
///
/// **Invariant.** No finger lies nearer than its start: a node at a clockwise
/// distance below 2^i is never finger *i*. Therefore the fingers that can lie before a
/// key at distance *d* are those with 2^i < *d*, and the search starts there instead of
/// at the top of the table.
#[derive(Clone, PartialEq, Eq, Debug)]
#[repr(C)] // In this order: the starts are read first.
pub struct FingerTable {
    /// Bit *i* is set when a run starts at finger *i*; bit 0 always is.
    starts: [u64; 3],
    runs: SmallVec<[Run; INLINE_RUNS]>,
}

/// Runs that stand in the table itself, as many as the nodes of a ring of a million have: a
/// step of a lookup then follows no pointer, and ends in a page of memory that it knows.
const INLINE_RUNS: usize = 24;

/// Neighbouring fingers that are the same node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Run {
    /// The node, `None` where none is known.
    node: Option<Address>,
    /// The first 32 bits of the clockwise distance to it.
    distance: u32,
}

/// A node with its clockwise distance from the owner of the table.
pub type Finger = (Address, Id);

impl Run {
    fn of(finger: Option<Finger>) -> Run {
        match finger {
            Some((node, distance)) => Run { node: Some(node), distance: first_bits(distance) },
            None => Run { node: None, distance: 0 },
        }
    }
}

fn first_bits(distance: Id) -> u32 {
    (distance.prefix() >> 32) as u32
}

impl FingerTable {
    /// A table that knows nobody.
    pub fn empty() -> FingerTable {
        FingerTable { starts: [1, 0, 0], runs: SmallVec::from_slice(&[Run::of(None)]) }
    }

    /// The table with these runs: the first finger of each, ascending from zero, and the
    /// node that it is.
    ///
    /// # Panics
    /// When the first run does not start at finger zero.
    pub fn from_runs(runs: impl ExactSizeIterator<Item = (u32, Finger)>) -> FingerTable {
        let mut table = FingerTable { starts: [0; 3], runs: SmallVec::with_capacity(runs.len()) };
        for (first, finger) in runs {
            table.set_start(first, true);
            table.runs.push(Run::of(Some(finger)));
        }
        assert!(table.starts[0] & 1 == 1, "the first run starts at finger zero");
        table
    }

    /// Bytes outside the struct itself, about, of a table with so many runs.
    pub(super) fn estimated_bytes(runs: usize) -> usize {
        if runs <= INLINE_RUNS { 0 } else { allocated(runs * size_of::<Run>()) }
    }

    /// Finger `index`.
    pub fn get(&self, index: u32) -> Option<Address> {
        self.runs[self.run_of(index)].node
    }

    /// Whether a node is one of the fingers.
    pub(super) fn contains(&self, node: Address) -> bool {
        self.runs.iter().any(|run| run.node == Some(node))
    }

    /// Sets the fingers `from` up to but not including `to`.
    pub fn set(&mut self, from: u32, to: u32, space: IdSpace, finger: Option<Finger>) {
        if from >= to {
            return;
        }
        // The run that goes on behind the changed fingers gets a start of its own.
        if to < space.bits() && !self.is_start(to) {
            let run = self.run_of(to);
            self.runs.insert(run + 1, self.runs[run]);
            self.set_start(to, true);
        }
        let first = self.starts_before(from);
        let behind = self.starts_before(to);
        let changed = Run::of(finger);
        self.runs.drain(first..behind);
        self.runs.insert(first, changed);
        for index in from..to {
            self.set_start(index, index == from);
        }
        // Equal neighbours become one run.
        if to < space.bits() && self.runs[first + 1] == changed {
            self.runs.remove(first + 1);
            self.set_start(to, false);
        }
        if from > 0 && self.runs[first - 1] == changed {
            self.runs.remove(first);
            self.set_start(from, false);
        }
    }

    /// Forgets a node wherever it stands in the table.
    pub fn forget(&mut self, node: Address, space: IdSpace) {
        while let Some(run) = self.runs.iter().position(|run| run.node == Some(node)) {
            let from = self.start_of(run);
            let to = if run + 1 < self.runs.len() { self.start_of(run + 1) } else { space.bits() };
            self.set(from, to, space, None);
        }
    }

    /// The closest preceding finger: the highest one that lies between the node itself
    /// and a point at the distance `reach` (figure 4 of the papers). A reach of zero is
    /// the whole ring.
    ///
    /// `distance_to` gives the distance of a finger; it is rarely asked.
    pub fn closest_preceding(
        &self,
        space: IdSpace,
        reach: Id,
        distance_to: impl Fn(Address) -> Id,
    ) -> Option<Address> {
        self.preceding(space, reach, distance_to).next()
    }

    /// All fingers that lie before such a point, the closest preceding one first.
    pub(super) fn preceding(
        &self,
        space: IdSpace,
        reach: Id,
        distance_to: impl Fn(Address) -> Id,
    ) -> impl Iterator<Item = Address> {
        let limit = first_bits(reach);
        let is_before = move |run: &Run, node| {
            // Between zero and the limit by their first bits; else these do not tell.
            if run.distance != 0 && run.distance != limit && reach != Id::ZERO {
                return run.distance < limit;
            }
            let distance = distance_to(node);
            distance != Id::ZERO && (distance < reach || reach == Id::ZERO)
        };
        let candidates = self.runs[..=self.first_candidate(space, reach)].iter().rev();
        candidates
            .filter_map(|run| run.node.map(|node| (run, node)))
            .filter(move |(run, node)| is_before(run, *node))
            .map(|(_, node)| node)
    }

    /// Asks for the part of the table at which the search for a point at this distance begins.
    #[inline]
    pub(super) fn prefetch(&self, space: IdSpace, reach: Id) {
        prefetch(&self.runs[self.first_candidate(space, reach)]);
    }

    /// The run of the highest finger that can lie before a point at this distance.
    #[inline]
    fn first_candidate(&self, space: IdSpace, reach: Id) -> usize {
        self.run_of(space.floor_log2(reach).unwrap_or(space.bits() - 1))
    }

    /// The nodes in the table, nearest first, each with the first finger that it is.
    pub fn runs(&self) -> impl Iterator<Item = (u32, Option<Address>)> {
        self.runs.iter().enumerate().map(|(number, run)| (self.start_of(number), run.node))
    }

    fn is_start(&self, index: u32) -> bool {
        self.starts[(index / 64) as usize] >> (index % 64) & 1 == 1
    }

    fn set_start(&mut self, index: u32, start: bool) {
        let bit = 1 << (index % 64);
        let word = &mut self.starts[(index / 64) as usize];
        *word = if start { *word | bit } else { *word & !bit };
    }

    /// Number of runs that start before finger `index`.
    fn starts_before(&self, index: u32) -> usize {
        let [low, mid, high] = self.starts;
        let below = |bits: u32| u64::MAX.checked_shr(64 - bits).unwrap_or(0);
        let count = match index {
            0..64 => (low & below(index)).count_ones(),
            64..128 => low.count_ones() + (mid & below(index - 64)).count_ones(),
            _ => {
                low.count_ones()
                    + mid.count_ones()
                    + (high & below((index - 128).min(64))).count_ones()
            }
        };
        count as usize
    }

    /// The run that finger `index` belongs to.
    ///
    /// Counted from the far end: all of the runs but the first few are there.
    #[inline]
    fn run_of(&self, index: u32) -> usize {
        let (word, bit) = ((index / 64) as usize, index % 64);
        let behind = (self.starts[word] >> bit >> 1).count_ones();
        let later: u32 = self.starts[word + 1..].iter().map(|bits| bits.count_ones()).sum();
        self.runs.len() - 1 - (behind + later) as usize
    }

    /// The first finger of a run.
    fn start_of(&self, run: usize) -> u32 {
        let mut left = run as u32;
        for (word, bits) in self.starts.into_iter().enumerate() {
            if left < bits.count_ones() {
                let rest = (0..left).fold(bits, |bits, _| bits & (bits - 1));
                return 64 * word as u32 + rest.trailing_zeros();
            }
            left -= bits.count_ones();
        }
        unreachable!("there is a start for every run")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table_with(
        bits: u32,
        changes: &[(u32, u32, Option<u8>)],
    ) -> (FingerTable, Vec<Option<Address>>) {
        let space = IdSpace::new(bits).unwrap();
        let mut table = FingerTable::empty();
        let mut plain = vec![None; bits as usize];
        for &(from, to, finger) in changes {
            let (from, to) = (from % bits, to % (bits + 1));
            let finger = finger.map(|n| Address::new(n.into()));
            table.set(from, to, space, finger.map(|node| (node, Id::ZERO)));
            if from < to {
                plain[from as usize..to as usize].fill(finger);
            }
        }
        (table, plain)
    }

    fn changes() -> impl Strategy<Value = Vec<(u32, u32, Option<u8>)>> {
        prop::collection::vec((0u32..160, 0u32..=160, prop::option::of(0u8..4)), 0..30)
    }

    proptest! {
        #![proptest_config(crate::property::config())]

        #[test]
        fn agrees_with_a_plain_table(bits in 1u32..=160, changes in changes(), forgotten in 0u8..4) {
            let space = IdSpace::new(bits).unwrap();
            let (mut table, mut plain) = table_with(bits, &changes);
            let read = |table: &FingerTable| (0..bits).map(|i| table.get(i)).collect::<Vec<_>>();
            prop_assert_eq!(&read(&table), &plain);
            // As few runs as can be.
            let distinct = 1 + plain.windows(2).filter(|pair| pair[0] != pair[1]).count();
            prop_assert_eq!(table.runs().count(), distinct);
            for (start, finger) in table.runs() {
                prop_assert_eq!(plain[start as usize], finger);
            }
            let forgotten = Address::new(forgotten.into());
            table.forget(forgotten, space);
            plain.iter_mut().filter(|f| **f == Some(forgotten)).for_each(|f| *f = None);
            prop_assert_eq!(&read(&table), &plain);
        }

        /// The papers' loop over all m fingers from the top, on tables that keep the invariant.
        #[test]
        fn closest_preceding_is_that_of_the_papers(
            bits in 3u32..=8,
            this: u8,
            limit: u8,
            ids in prop::collection::vec(any::<u8>(), 1..12),
            picks in prop::collection::vec(prop::option::of(any::<prop::sample::Index>()), 8),
        ) {
            let space = IdSpace::new(bits).unwrap();
            let id = |n: u8| space.id(u64::from(n) % (1 << bits));
            let ids: Vec<Id> = ids.into_iter().map(id).collect();
            let (this, limit) = (id(this), id(limit));
            let mut table = FingerTable::empty();
            let mut plain = vec![None; bits as usize];
            for (index, pick) in (0..bits).zip(picks) {
                let node = pick.map(|pick| Address::new(pick.index(ids.len())));
                let far_enough = node.is_none_or(|node| {
                    let distance = this.distance_to(ids[node.index()]);
                    distance == Id::ZERO || space.floor_log2(distance) >= Some(index)
                });
                if far_enough {
                    let distance = |node: Address| this.distance_to(ids[node.index()]);
                    table.set(index, index + 1, space, node.map(|node| (node, distance(node))));
                    plain[index as usize] = node;
                }
            }
            let expected = plain.iter().rev().flatten().copied()
                .find(|f| ids[f.index()].is_between(this, limit));
            let distance_to = |node: Address| this.distance_to(ids[node.index()]);
            let found = table.closest_preceding(space, this.distance_to(limit), distance_to);
            prop_assert_eq!(found, expected);
        }
    }
}
