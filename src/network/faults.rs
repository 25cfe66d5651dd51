//! What disturbs a network for a while: bursts of loss, and partitions.
//!
//! Must not know: when they begin and end, or who chose the groups.

use crate::sim::Address;

/// A disturbance that has begun.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DisturbanceId(u32);

/// The disturbances at a moment. They compose: a message arrives if no burst of loss loses it
/// and no partition lies between its sender and its receiver.
#[derive(Clone, Debug, Default)]
pub struct Disturbances {
    losses: Vec<(DisturbanceId, f64)>,
    /// The group of every place.
    partitions: Vec<(DisturbanceId, Vec<u16>)>,
    begun: u32,
}

impl Disturbances {
    /// From now on messages are lost with this probability, besides all others.
    pub fn begin_loss(&mut self, probability: f64) -> DisturbanceId {
        let id = self.next_id();
        self.losses.push((id, probability));
        id
    }

    /// From now on no message gets from one group to another: the group of each address in
    /// turn. Addresses beyond them are in no group, and reach each other.
    pub fn begin_partition(&mut self, groups: Vec<u16>) -> DisturbanceId {
        let id = self.next_id();
        self.partitions.push((id, groups));
        id
    }

    /// One of them is over.
    pub fn end(&mut self, id: DisturbanceId) {
        self.losses.retain(|(other, _)| *other != id);
        self.partitions.retain(|(other, _)| *other != id);
    }

    /// Whether nothing is wrong.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.losses.is_empty() && self.partitions.is_empty()
    }

    /// The probability that a message is lost which is lost with this probability anyway.
    pub fn with_losses(&self, probability: f64) -> f64 {
        if self.losses.is_empty() {
            return probability; // to the last bit
        }
        let survives = |so_far: f64, (_, loss): &(DisturbanceId, f64)| so_far * (1.0 - loss);
        1.0 - self.losses.iter().fold(1.0 - probability, survives)
    }

    /// Whether a partition lies between two nodes.
    pub fn separate(&self, from: Address, to: Address) -> bool {
        let differ = |(_, groups): &(DisturbanceId, Vec<u16>)| {
            groups.get(from.index()) != groups.get(to.index())
        };
        self.partitions.iter().any(differ)
    }

    /// The groups that a node is in: two nodes reach each other if theirs are the same.
    pub fn groups_of(&self, node: Address) -> Vec<Option<u16>> {
        self.partitions.iter().map(|(_, groups)| groups.get(node.index()).copied()).collect()
    }

    fn next_id(&mut self) -> DisturbanceId {
        self.begun += 1;
        DisturbanceId(self.begun)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn losses_compose_and_end_one_by_one() {
        let mut disturbances = Disturbances::default();
        assert_eq!(disturbances.with_losses(0.1).to_bits(), 0.1_f64.to_bits());
        let half = disturbances.begin_loss(0.5);
        let fifth = disturbances.begin_loss(0.2);
        assert!((disturbances.with_losses(0.1) - 0.64).abs() < 1e-12);
        disturbances.end(half);
        assert!((disturbances.with_losses(0.0) - 0.2).abs() < 1e-12);
        disturbances.end(fifth);
        disturbances.end(fifth);
        assert_eq!(disturbances.with_losses(0.1).to_bits(), 0.1_f64.to_bits());
    }

    proptest! {
        #![proptest_config(crate::property::config())]

        #[test]
        fn a_message_passes_within_a_group_of_every_partition(
            all in prop::collection::vec(prop::collection::vec(0..3_u16, 8), 0..4),
            ended in 0..4_usize,
        ) {
            let mut disturbances = Disturbances::default();
            let ids: Vec<_> =
                all.iter().map(|groups| disturbances.begin_partition(groups.clone())).collect();
            let mut left = all;
            if ended < left.len() {
                disturbances.end(ids[ended]);
                left.remove(ended);
            }
            for (from, to) in (0..8).flat_map(|from| (0..8).map(move |to| (from, to))) {
                let apart = left.iter().any(|groups| groups[from] != groups[to]);
                let (from, to) = (Address::new(from), Address::new(to));
                prop_assert_eq!(disturbances.separate(from, to), apart);
                prop_assert_eq!(disturbances.groups_of(from) != disturbances.groups_of(to), apart);
            }
        }
    }
}
