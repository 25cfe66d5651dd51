//! What goes wrong with a network for a while: more loss, and partitions.
//!
//! Several of a kind may be on at once. A message has to survive them all.

/// A burst of losses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LossId(u32);

/// A partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PartitionId(u32);

/// What is wrong at this moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults {
    /// Bursts and their probabilities.
    bursts: Vec<(LossId, f64)>,
    /// Partitions and the group of each server.
    partitions: Vec<(PartitionId, Vec<u8>)>,
    /// Bursts and partitions so far.
    begun: u32,
}

impl Faults {
    pub(super) fn begin_loss(&mut self, probability: f64) -> LossId {
        self.begun += 1;
        let id = LossId(self.begun);
        self.bursts.push((id, probability));
        id
    }

    pub(super) fn end_loss(&mut self, id: LossId) {
        let place = self.bursts.iter().position(|(of, _)| *of == id);
        self.bursts.remove(place.expect("a burst of losses ends once"));
    }

    pub(super) fn begin_partition(&mut self, groups: Vec<u8>) -> PartitionId {
        self.begun += 1;
        let id = PartitionId(self.begun);
        self.partitions.push((id, groups));
        id
    }

    pub(super) fn end_partition(&mut self, id: PartitionId) {
        let place = self.partitions.iter().position(|(of, _)| *of == id);
        self.partitions.remove(place.expect("a partition heals once"));
    }

    /// The probability that a message is lost which is otherwise lost with this one.
    pub(super) fn loss(&self, usual: f64) -> f64 {
        if self.bursts.is_empty() {
            // The very number, not one rounded twice.
            return usual;
        }
        let survives = |product, (_, loss): &(LossId, f64)| product * (1.0 - loss);
        1.0 - self.bursts.iter().fold(1.0 - usual, survives)
    }

    /// Whether a partition lies between two servers.
    pub(super) fn part(&self, (from, to): (usize, usize)) -> bool {
        self.partitions.iter().any(|(_, groups)| groups[from] != groups[to])
    }
}
