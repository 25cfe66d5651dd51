//! A calendar of two levels: epochs of a fixed length, and in the present epoch
//! buckets whose width follows the event rate.
//!
//! A push appends to an unsorted list: the bucket of its time in the present
//! epoch, or the list of its future epoch. Nothing is sorted until its bucket is
//! due, and then only the bucket's few dozen events are, in cache. An event is
//! moved at most twice after its push (from the distant map to an epoch's list,
//! and from there to a bucket), always by sequential reads. With a million nodes
//! and three million pending events this is many times faster than a heap, whose
//! every step from level to level is a cache miss; the benches keep the ratio.
//!
//! **Why the order is right.** Lists are only ever appended to, and lists of
//! earlier pushes are emptied into the next level before that level takes pushes
//! directly, so within one bucket the events of equal time stand in the order of
//! their pushes. Sorting by (time, place in the bucket) keeps it. An event pushed
//! into the bucket that is being drained (or before it: the queue may have looked
//! ahead of the simulation's clock) goes to a small heap beside it; at equal times
//! the sorted ones come first, because they were pushed earlier. A property test
//! holds all this against the plain heap.

use std::collections::BTreeMap;
use std::mem;

use super::{Entry, EventQueue, HeapQueue};
use crate::sim::Time;

/// An epoch lasts 2^27 ns, about 0.13 s: a few messages' latency.
const EPOCH_BITS: u32 = 27;
/// Epochs that have a list of their own: 137 s, more than the usual periods of
/// maintenance. What lies later waits in a map.
const NEAR_EPOCHS: usize = 1024;
/// Events that a bucket should hold: few enough to be sorted in the first-level
/// cache, many enough to spread a bucket's overhead.
const EVENTS_PER_BUCKET: usize = 64;
/// At most 2^16 buckets an epoch.
const MAX_BUCKET_BITS: u32 = 16;

/// The queue of simulations: O(1) a push, and a pop costs its share of sorting a
/// small bucket.
#[derive(Debug)]
pub struct CalendarQueue<E> {
    /// The present epoch: the one whose events stand in buckets.
    epoch: u64,
    /// The buckets of the present epoch are 2^`bucket_width_bits` ns wide.
    bucket_width_bits: u32,
    buckets: Vec<Vec<Entry<E>>>,
    /// The bucket that is being drained.
    bucket: usize,
    /// Its events as they were pushed …
    draining: Vec<Entry<E>>,
    /// … and their order: the time within the epoch above, the place in `draining`
    /// below.
    order: Vec<u64>,
    /// How many of `order` have come out.
    drained: usize,
    /// Events pushed into the bucket being drained, or before it.
    late: HeapQueue<E>,
    /// Events of the epochs up to `NEAR_EPOCHS` ahead, each at its number modulo that.
    near: Vec<Vec<Entry<E>>>,
    /// Number of events in `near`.
    near_len: usize,
    /// Events of later epochs.
    distant: BTreeMap<u64, Vec<Entry<E>>>,
    /// Emptied lists of `distant`, to be used again.
    spare: Vec<Vec<Entry<E>>>,
    /// Number of events in all.
    len: usize,
    /// Number of events pushed since the present epoch began: the estimate for the
    /// width of the next epoch's buckets.
    pushed_in_epoch: usize,
}

/// Bits of a key in `order` that hold the place in the bucket.
const PLACE_BITS: u32 = u64::BITS - EPOCH_BITS;

fn epoch_of(at: Time) -> u64 {
    at.as_nanos() >> EPOCH_BITS
}

fn within_epoch(at: Time) -> u64 {
    at.as_nanos() & ((1 << EPOCH_BITS) - 1)
}

impl<E> Default for CalendarQueue<E> {
    fn default() -> Self {
        CalendarQueue {
            epoch: 0,
            bucket_width_bits: EPOCH_BITS,
            buckets: vec![Vec::new()],
            bucket: 0,
            draining: Vec::new(),
            order: Vec::new(),
            drained: 0,
            late: HeapQueue::default(),
            near: std::iter::repeat_with(Vec::new).take(NEAR_EPOCHS).collect(),
            near_len: 0,
            distant: BTreeMap::new(),
            spare: Vec::new(),
            len: 0,
            pushed_in_epoch: 0,
        }
    }
}

impl<E: Copy> CalendarQueue<E> {
    /// Puts an event of the present epoch into its bucket.
    fn push_present(&mut self, entry: Entry<E>) {
        let bucket = (within_epoch(entry.at) >> self.bucket_width_bits) as usize;
        if bucket > self.bucket {
            self.buckets[bucket].push(entry);
        } else {
            self.late.push(entry.at, entry.event);
        }
    }

    /// The time of the next event, after moving on to the bucket that holds it; `None`
    /// if that bucket would begin at `limit` or later.
    fn next_time(&mut self, limit: Time) -> Option<Time> {
        if self.len == 0 {
            return None;
        }
        loop {
            let sorted = self.order.get(self.drained).map(|key| self.time_of(*key));
            match (sorted, self.late.next_time()) {
                (None, None) if !self.advance(limit) => return None,
                (None, None) => {}
                (Some(sorted), Some(late)) => return Some(sorted.min(late)),
                (sorted, late) => return sorted.or(late),
            }
        }
    }

    fn time_of(&self, key: u64) -> Time {
        Time::from_nanos(self.epoch << EPOCH_BITS | key >> PLACE_BITS)
    }

    /// Moves on to the next bucket that holds an event, if need be of a later epoch.
    ///
    /// Stops before `limit`, and says so by `false`: a queue that looked far ahead of
    /// the simulation's clock would have to take all pushes until then as late ones.
    fn advance(&mut self, limit: Time) -> bool {
        loop {
            let bucket_count = 1usize << (EPOCH_BITS - self.bucket_width_bits);
            let next = (self.bucket + 1..bucket_count).find(|&b| !self.buckets[b].is_empty());
            if let Some(next) = next {
                let start = self.epoch << EPOCH_BITS | (next as u64) << self.bucket_width_bits;
                if start >= limit.as_nanos() {
                    return false;
                }
                self.bucket = next;
                self.draining.clear();
                mem::swap(&mut self.draining, &mut self.buckets[next]);
                self.sort_draining();
                return true;
            }
            if !self.open_next_epoch(limit) {
                return false;
            }
            if !self.draining.is_empty() {
                self.sort_draining();
                return true;
            }
        }
    }

    fn sort_draining(&mut self) {
        self.drained = 0;
        self.order.clear();
        let keys = self.draining.iter().enumerate();
        self.order.extend(keys.map(|(place, e)| within_epoch(e.at) << PLACE_BITS | place as u64));
        // The places make the keys distinct, so an unstable sort is as good.
        self.order.sort_unstable();
    }

    /// Spreads the next epoch's events over buckets, those of its first bucket straight
    /// to `draining`; `false` if it would begin at `limit` or later.
    fn open_next_epoch(&mut self, limit: Time) -> bool {
        let next = if self.near_len > 0 {
            self.epoch + 1
        } else {
            let (first, _) = self.distant.first_key_value().expect("the queue is not empty");
            *first
        };
        if next << EPOCH_BITS >= limit.as_nanos() {
            return false;
        }
        self.epoch = next;
        // Epochs that have come near: emptied before the near lists take pushes of theirs.
        while let Some(distant) = self.distant.first_entry() {
            if *distant.key() >= self.epoch + NEAR_EPOCHS as u64 {
                break;
            }
            let slot = *distant.key() as usize % NEAR_EPOCHS;
            let entries = distant.remove();
            self.near_len += entries.len();
            debug_assert!(self.near[slot].is_empty(), "this list has had no epoch of its own yet");
            self.spare.push(mem::replace(&mut self.near[slot], entries));
        }
        let slot = self.epoch as usize % NEAR_EPOCHS;
        let mut entries = mem::take(&mut self.near[slot]);
        self.near_len -= entries.len();

        let expected = entries.len().max(self.pushed_in_epoch);
        let bucket_count = (expected / EVENTS_PER_BUCKET).max(1).next_power_of_two();
        let bucket_bits = bucket_count.ilog2().min(MAX_BUCKET_BITS);
        self.bucket_width_bits = EPOCH_BITS - bucket_bits;
        if self.buckets.len() < 1 << bucket_bits {
            self.buckets.resize_with(1 << bucket_bits, Vec::new);
        }
        self.bucket = 0;
        self.draining.clear();
        self.order.clear();
        self.drained = 0;
        self.pushed_in_epoch = 0;
        for entry in &entries {
            let bucket = (within_epoch(entry.at) >> self.bucket_width_bits) as usize;
            if bucket == 0 {
                self.draining.push(*entry);
            } else {
                self.buckets[bucket].push(*entry);
            }
        }
        entries.clear();
        self.near[slot] = entries;
        true
    }
}

impl<E: Copy> EventQueue<E> for CalendarQueue<E> {
    fn push(&mut self, at: Time, event: E) {
        self.len += 1;
        self.pushed_in_epoch += 1;
        let entry = Entry { at, event };
        let epoch = epoch_of(at);
        if epoch == self.epoch {
            self.push_present(entry);
        } else if epoch < self.epoch {
            self.late.push(at, event);
        } else if epoch < self.epoch + NEAR_EPOCHS as u64 {
            self.near_len += 1;
            self.near[epoch as usize % NEAR_EPOCHS].push(entry);
        } else {
            let spare = &mut self.spare;
            let list = self.distant.entry(epoch);
            list.or_insert_with(|| spare.pop().unwrap_or_default()).push(entry);
        }
    }

    fn pop_before(&mut self, limit: Time) -> Option<(Time, E)> {
        let at = self.next_time(limit).filter(|at| *at < limit)?;
        self.len -= 1;
        match self.order.get(self.drained) {
            // At equal times the sorted event is the earlier push.
            Some(key) if self.time_of(*key) == at => {
                let place = (key & ((1 << PLACE_BITS) - 1)) as usize;
                self.drained += 1;
                Some((at, self.draining[place].event))
            }
            _ => self.late.pop_before(limit),
        }
    }

    fn glance(&self, ahead: usize) -> Option<&E> {
        let key = self.order.get(self.drained + ahead)?;
        Some(&self.draining[(key & ((1 << PLACE_BITS) - 1)) as usize].event)
    }

    fn len(&self) -> usize {
        self.len
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a simulation does to its queue.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        /// Push an event this many nanoseconds after the last one that came out.
        Push(u64),
        /// Take out all events up to this many nanoseconds ahead, at most this many.
        Pop(u64, u8),
    }

    fn delay() -> impl Strategy<Value = u64> {
        prop_oneof![
            Just(0),
            Just(50_000_000), // constant latency: many events at one time
            0u64..1000,
            0u64..1 << 30,
            0u64..1 << 39, // beyond the near epochs
            Just(1 << 45),
        ]
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            3 => delay().prop_map(Step::Push),
            2 => (delay(), any::<u8>()).prop_map(|(ahead, most)| Step::Pop(ahead, most)),
        ];
        prop::collection::vec(step, 0..600)
    }

    proptest! {
        #![proptest_config(crate::property::config())]

        #[test]
        fn events_come_out_as_from_the_plain_heap(steps in steps()) {
            let mut calendar = CalendarQueue::default();
            let mut heap = HeapQueue::default();
            // The clock of a simulation: the last event, or the limit that it ran up to.
            let mut now = Time::ZERO;
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Push(delay) => {
                        let at = now + crate::sim::Duration::from_nanos(delay);
                        calendar.push(at, number);
                        heap.push(at, number);
                    }
                    Step::Pop(ahead, most) => {
                        let limit = now + crate::sim::Duration::from_nanos(ahead);
                        for _ in 0..most {
                            let expected = heap.pop_before(limit);
                            prop_assert_eq!(calendar.pop_before(limit), expected);
                            let Some((at, _)) = expected else { break };
                            now = at;
                        }
                    }
                }
                prop_assert_eq!(calendar.len(), heap.len());
            }
            while let Some(expected) = heap.pop_before(Time::MAX) {
                prop_assert_eq!(calendar.pop_before(Time::MAX), Some(expected));
            }
            prop_assert_eq!(calendar.pop_before(Time::MAX), None);
        }
    }

    #[test]
    fn many_events_in_steady_state_stay_in_order() {
        let mut calendar = CalendarQueue::default();
        let mut heap = HeapQueue::default();
        let mut random = crate::sim::Stream::new(1, 0, "queue");
        for number in 0..20_000u64 {
            let at = Time::from_nanos(random.below(20_000_000_000));
            calendar.push(at, number);
            heap.push(at, number);
        }
        for number in 20_000..400_000u64 {
            let expected = heap.pop_before(Time::MAX).unwrap();
            assert_eq!(calendar.pop_before(Time::MAX), Some(expected));
            let delay = match number % 3 {
                0 => 50_000_000,
                1 => random.below(100_000_000),
                _ => 20_000_000_000,
            };
            let at = expected.0 + crate::sim::Duration::from_nanos(delay);
            calendar.push(at, number);
            heap.push(at, number);
        }
    }
}
