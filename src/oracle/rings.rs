//! How many rings there really are: where one comes to by going from node to node.
//!
//! \[Z\] P. Zave: Reasoning about Identifier Spaces: How to Make Chord Correct. IEEE
//! Transactions on Software Engineering 43(12), 2017: a node that is on no ring, but from
//! which one comes to one, is an appendage.

/// The rings that nodes form.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Rings {
    /// For each ring, how many nodes stand on it or come to it; the largest first.
    pub sizes: Vec<usize>,
    /// Nodes that stand on none.
    pub appendages: usize,
}

impl Rings {
    /// The rings of nodes that are numbered, each with the number of the next, if it knows one.
    pub fn of(next: &[Option<usize>]) -> Rings {
        /// A node from which one comes to no ring.
        const NOWHERE: usize = usize::MAX;
        let mut ring_of: Vec<Option<usize>> = vec![None; next.len()];
        // The place of a node on the way that is being walked.
        let mut place_of: Vec<Option<usize>> = vec![None; next.len()];
        let mut sizes: Vec<usize> = Vec::new();
        let mut on_rings = 0;
        for start in 0..next.len() {
            let mut way = Vec::new();
            let mut here = Some(start);
            let leads_to = loop {
                let Some(node) = here else { break NOWHERE };
                if let Some(known) = ring_of[node] {
                    break known;
                }
                if let Some(place) = place_of[node] {
                    on_rings += way.len() - place;
                    sizes.push(0);
                    break sizes.len() - 1;
                }
                place_of[node] = Some(way.len());
                way.push(node);
                here = next[node];
            };
            for node in &way {
                ring_of[*node] = Some(leads_to);
                place_of[*node] = None;
            }
            if let Some(size) = sizes.get_mut(leads_to) {
                *size += way.len();
            }
        }
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        Rings { sizes, appendages: next.len() - on_rings }
    }

    /// The share of so many nodes that stand on the largest ring or come to it.
    pub fn largest_share(&self, nodes: usize) -> f64 {
        self.sizes.first().map_or(0.0, |largest| *largest as f64 / nodes as f64)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rings_and_appendages_are_told_apart() {
        let of = |next: &[usize]| Rings::of(&next.iter().map(|n| Some(*n)).collect::<Vec<_>>());
        assert_eq!(of(&[]), Rings::default());
        assert_eq!(of(&[0]), Rings { sizes: vec![1], appendages: 0 });
        assert_eq!(of(&[1, 2, 3, 0]), Rings { sizes: vec![4], appendages: 0 });
        // Two rings, 0 1 and 2 3 4; 5 comes to the first, 6 by way of it.
        assert_eq!(of(&[1, 0, 3, 4, 2, 0, 5]), Rings { sizes: vec![4, 3], appendages: 2 });
        // Nobody comes round.
        let broken = Rings::of(&[Some(1), Some(2), None]);
        assert_eq!(broken, Rings { sizes: vec![], appendages: 3 });
        assert_eq!(broken.largest_share(3).to_bits(), 0f64.to_bits());
        assert!((of(&[1, 0, 3, 4, 2, 0, 5]).largest_share(7) - 4.0 / 7.0).abs() < 1e-12);
    }

    proptest! {
        #![proptest_config(crate::property::config())]

        /// By the definition: a node is on a ring if one comes back to it.
        #[test]
        fn rings_are_as_defined(next in prop::collection::vec(prop::option::of(0..12_usize), 12)) {
            let after = |mut node: usize, steps: usize| {
                for _ in 0..steps {
                    node = next[node]?;
                }
                Some(node)
            };
            let is_on_ring = |node: &usize| (1..=12).any(|steps| after(*node, steps) == Some(*node));
            // After 12 steps every way is on its ring, whose least node tells it from others.
            let ring_of = |node: usize| {
                let on = after(node, 12)?;
                (0..12).filter_map(|steps| after(on, steps)).min()
            };
            let rings: BTreeSet<usize> = (0..12).filter_map(ring_of).collect();
            let size = |ring: &usize| (0..12).filter(|node| ring_of(*node) == Some(*ring)).count();
            let mut sizes: Vec<usize> = rings.iter().map(size).collect();
            sizes.sort_unstable_by(|a, b| b.cmp(a));
            let appendages = 12 - (0..12).filter(is_on_ring).count();
            prop_assert_eq!(Rings::of(&next), Rings { sizes, appendages });
        }
    }
}
