//! A calendar of two levels: epochs of a fixed length, and in the present epoch
//! buckets whose width follows the event rate.
//!
//! A push appends to an unsorted list: the bucket of its time in the present
//! epoch, or the list of its future epoch. Nothing is sorted until its bucket is
//! due, and then only the bucket's few dozen events are, in cache. An event is
//! moved once after its push, from its epoch's list to a bucket, by sequential
//! reads. With a million nodes and three million pending events this is many times
//! faster than a heap, whose every step from level to level is a cache miss; the
//! benches keep the ratio.
//!
//! **Why the order is right.** Lists are only ever appended to, and lists of
//! earlier pushes are emptied into the next level before that level takes pushes
//! directly, so within one bucket the events of equal time stand in the order of
//! their pushes. Sorting by (time, place in the bucket) keeps it. An event pushed
//! into the bucket that is being drained (or before it: the queue may have looked
//! ahead of the simulation's clock) goes to a small heap beside it; at equal times
//! the sorted ones come first, because they were pushed earlier. A property test
//! holds all this against the plain heap.
//!
//! **Foresight.** While a bucket is drained, the events of the next one are named in two
//! passes, so that what they will touch can be fetched into the cache: all of them, also
//! the first ones, which with a look ahead in the sorted bucket would come as a surprise. Those
//! that came into a bucket too late for that (where a million nodes answer at one moment, that
//! is all of them) are named by a look ahead.

use std::collections::BTreeMap;
use std::mem;

use super::lists::{List, Lists, Reader};
use super::{EventQueue, HeapQueue};
use crate::sim::Time;

/// An epoch lasts 2^27 ns, about 0.13 s: a few messages' latency.
const EPOCH_BITS: u32 = 27;
/// Epochs that have a list of their own: 137 s, more than the usual periods of
/// maintenance. What lies later waits in a map.
const NEAR_EPOCHS: usize = 1024;
const NEAR_EPOCHS_U64: u64 = NEAR_EPOCHS as u64;
/// Events that a bucket should hold: few enough to be sorted in the first-level
/// cache, many enough to spread a bucket's overhead.
const EVENTS_PER_BUCKET: usize = 64;
/// How many events lie between the passes that foresee those of the next bucket: time enough
/// for what the first one has asked for to arrive.
const PASSES_APART: usize = 8;
/// So many events of a bucket that come as a surprise do not matter.
const FEW: usize = 32;
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
    buckets: Vec<List>,
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
    /// The epochs up to `NEAR_EPOCHS` ahead, each at its number modulo that.
    near: Vec<Epoch>,
    /// Number of events in `near`.
    near_len: usize,
    /// Later epochs.
    distant: BTreeMap<u64, Epoch>,
    /// What the lists of buckets and epochs hold.
    lists: Lists<Entry<E>>,
    foresight: Foresight,
    /// Number of events in all.
    len: usize,
    /// Number of events pushed since the present epoch began: the estimate for the
    /// width of the next epoch's buckets.
    pushed_in_epoch: usize,
}

/// How far the passes have come that foresee events.
#[derive(Debug)]
struct Foresight {
    /// The bucket that is drained next.
    next: usize,
    /// Where the passes are in its list.
    readers: [Reader; 2],
    /// How many of its events they have named.
    named: [usize; 2],
    /// How many events of the present bucket they had named before it was opened: those that
    /// were pushed first.
    named_before: [usize; 2],
    /// Whether it holds more than a few others.
    surprises: bool,
}

impl Foresight {
    const NONE: Foresight = Foresight {
        next: usize::MAX,
        readers: [Reader::DONE; 2],
        named: [0; 2],
        named_before: [0; 2],
        surprises: false,
    };
}

/// An event with its time within its epoch, which its list knows: 16 bytes in all for the
/// events of most simulations.
#[derive(Clone, Copy, Debug)]
struct Entry<E> {
    within: u32,
    event: E,
}

/// The events of an epoch that has not begun yet.
#[derive(Clone, Copy, Debug)]
struct Epoch {
    events: List,
    len: usize,
}

impl Epoch {
    const EMPTY: Epoch = Epoch { events: List::EMPTY, len: 0 };
}

/// Bits of a key in `order` that hold the place in the bucket.
const PLACE_BITS: u32 = u64::BITS - EPOCH_BITS;

fn place_of(key: u64) -> usize {
    (key & ((1 << PLACE_BITS) - 1)) as usize
}

fn epoch_of(at: Time) -> u64 {
    at.as_nanos() >> EPOCH_BITS
}

fn within_epoch(at: Time) -> u32 {
    (at.as_nanos() & ((1 << EPOCH_BITS) - 1)) as u32
}

impl<E> Default for CalendarQueue<E> {
    fn default() -> Self {
        CalendarQueue {
            epoch: 0,
            bucket_width_bits: EPOCH_BITS,
            buckets: vec![List::EMPTY],
            bucket: 0,
            draining: Vec::new(),
            order: Vec::new(),
            drained: 0,
            late: HeapQueue::default(),
            near: vec![Epoch::EMPTY; NEAR_EPOCHS],
            near_len: 0,
            distant: BTreeMap::new(),
            lists: Lists::default(),
            foresight: Foresight::NONE,
            len: 0,
            pushed_in_epoch: 0,
        }
    }
}

impl<E: Copy> CalendarQueue<E> {
    /// Bytes that an event takes.
    pub const ENTRY_BYTES: usize = size_of::<Entry<E>>();

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

    #[inline]
    fn time_of(&self, key: u64) -> Time {
        Time::from_nanos(self.epoch << EPOCH_BITS | key >> PLACE_BITS)
    }

    /// Moves on to the next bucket that holds an event, if need be of a later epoch.
    ///
    /// Stops before `limit`, and says so by `false`: a queue that looked far ahead of
    /// the simulation's clock would have to take all pushes until then as late ones.
    fn advance(&mut self, limit: Time) -> bool {
        loop {
            if let Some(next) = self.next_bucket() {
                let start = self.epoch << EPOCH_BITS | (next as u64) << self.bucket_width_bits;
                if start >= limit.as_nanos() {
                    return false;
                }
                self.open_bucket(next);
                return true;
            }
            if !self.open_next_epoch(limit) {
                return false;
            }
            if !self.draining.is_empty() {
                return true;
            }
        }
    }

    /// Begins to drain a bucket.
    fn open_bucket(&mut self, bucket: usize) {
        self.bucket = bucket;
        self.draining.clear();
        let draining = &mut self.draining;
        self.lists.drain(&mut self.buckets[bucket], |_, events| draining.extend_from_slice(events));
        self.drained = 0;
        self.order.clear();
        let keys = self.draining.iter().zip(0u64..);
        self.order.extend(keys.map(|(e, place)| u64::from(e.within) << PLACE_BITS | place));
        // The places make the keys distinct, so an unstable sort is as good.
        self.order.sort_unstable();
        let before = mem::replace(&mut self.foresight, Foresight::NONE);
        if before.next == bucket {
            self.foresight.named_before = before.named;
        }
        self.foresight.surprises = self.foresight.named_before[1] + FEW < self.draining.len();
        if let Some(next) = self.next_bucket() {
            self.foresight.next = next;
            self.foresight.readers = [self.lists.reader(self.buckets[next]); 2];
        }
    }

    /// Where those events of the present bucket stand that come out before long and were not
    /// named before.
    #[cold]
    fn look_ahead(&self) -> [Option<usize>; 2] {
        let look = |distance, named_before| {
            let place = place_of(*self.order.get(self.drained + distance)?);
            (place >= named_before).then_some(place)
        };
        let [first, second] = self.foresight.named_before;
        [look(2 * PASSES_APART, first), look(PASSES_APART, second)]
    }

    /// The next bucket of this epoch that is not empty.
    fn next_bucket(&self) -> Option<usize> {
        let count = 1usize << (EPOCH_BITS - self.bucket_width_bits);
        (self.bucket + 1..count).find(|&bucket| !self.buckets[bucket].is_empty())
    }

    /// Spreads the next epoch's events over buckets and begins with the first; `false` if it
    /// would begin at `limit` or later.
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
        // Epochs that have come near: taken over before the near lists take pushes of theirs.
        while let Some(distant) = self.distant.first_entry() {
            if *distant.key() >= self.epoch + NEAR_EPOCHS_U64 {
                break;
            }
            let near = &mut self.near[*distant.key() as usize % NEAR_EPOCHS];
            debug_assert!(near.events.is_empty(), "this list has had no epoch of its own yet");
            *near = distant.remove();
            self.near_len += near.len;
        }
        let present = &mut self.near[self.epoch as usize % NEAR_EPOCHS];
        let Epoch { mut events, len } = mem::replace(present, Epoch::EMPTY);
        self.near_len -= len;

        let expected = len.max(self.pushed_in_epoch);
        let bucket_count = (expected / EVENTS_PER_BUCKET).max(1).next_power_of_two();
        let bucket_bits = bucket_count.ilog2().min(MAX_BUCKET_BITS);
        self.bucket_width_bits = EPOCH_BITS - bucket_bits;
        if self.buckets.len() < 1 << bucket_bits {
            self.buckets.resize(1 << bucket_bits, List::EMPTY);
        }
        self.pushed_in_epoch = 0;
        let (buckets, width_bits) = (&mut self.buckets, self.bucket_width_bits);
        self.lists.drain(&mut events, |lists, entries| {
            for entry in entries {
                lists.push(&mut buckets[(entry.within >> width_bits) as usize], *entry);
            }
        });
        self.open_bucket(0);
        true
    }
}

impl<E: Copy> EventQueue<E> for CalendarQueue<E> {
    #[inline]
    fn push(&mut self, at: Time, event: E) {
        self.len += 1;
        self.pushed_in_epoch += 1;
        let entry = Entry { within: within_epoch(at), event };
        let epoch = epoch_of(at);
        // How far ahead; what lies before the present epoch wraps round to very far.
        match epoch.wrapping_sub(self.epoch) {
            0 => {
                let bucket = (entry.within >> self.bucket_width_bits) as usize;
                if bucket > self.bucket {
                    self.lists.push(&mut self.buckets[bucket], entry);
                } else {
                    self.late.push(at, event);
                }
            }
            1..NEAR_EPOCHS_U64 => {
                let near = &mut self.near[epoch as usize % NEAR_EPOCHS];
                self.lists.push(&mut near.events, entry);
                near.len += 1;
                self.near_len += 1;
            }
            _ if epoch < self.epoch => self.late.push(at, event),
            _ => {
                let distant = self.distant.entry(epoch).or_insert(Epoch::EMPTY);
                self.lists.push(&mut distant.events, entry);
                distant.len += 1;
            }
        }
    }

    #[inline]
    fn pop_before(&mut self, limit: Time) -> Option<(Time, E)> {
        let at = match self.order.get(self.drained) {
            // The usual case, without a look around.
            Some(key) if self.late.is_empty() => self.time_of(*key),
            _ => self.next_time(limit)?,
        };
        if at >= limit {
            return None;
        }
        self.len -= 1;
        match self.order.get(self.drained) {
            // At equal times the sorted event is the earlier push.
            Some(key) if self.time_of(*key) == at => {
                self.drained += 1;
                Some((at, self.draining[place_of(*key)].event))
            }
            _ => self.late.pop_before(limit),
        }
    }

    #[inline]
    fn foresee(&mut self) -> [Option<&E>; 2] {
        if self.foresight.surprises {
            let places = self.look_ahead();
            if places != [None; 2] {
                return places.map(|place| Some(&self.draining[place?].event));
            }
        }
        let Foresight { readers: [first, second], named, .. } = &mut self.foresight;
        let first = self.lists.read(first);
        named[0] += usize::from(first.is_some());
        let is_due = first.is_none() || named[0] > named[1] + PASSES_APART;
        let second = if is_due { self.lists.read(second) } else { None };
        named[1] += usize::from(second.is_some());
        [first.map(|entry| &entry.event), second.map(|entry| &entry.event)]
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

    /// Events that trickle, and then all at one moment, again and again.
    #[test]
    fn most_events_are_foreseen_and_none_twice_in_a_pass() {
        const WAVE: u64 = 20_000;
        let mut calendar = CalendarQueue::default();
        let mut random = crate::sim::Stream::new(1, 0, "queue");
        for number in 0..WAVE {
            calendar.push(Time::from_nanos(random.below(1_000_000_000)), number);
            calendar.push(Time::from_nanos(2_000_000_000), WAVE + number);
        }
        let mut named = [vec![0u8; 20 * WAVE as usize], vec![0u8; 20 * WAVE as usize]];
        let (mut popped, mut surprises) = (0, 0);
        while let Some((at, number)) = calendar.pop_before(Time::MAX) {
            popped += 1;
            surprises +=
                u64::from(named[0][number as usize] == 0 || named[1][number as usize] == 0);
            if number + 2 * WAVE < 20 * WAVE {
                calendar.push(at + crate::sim::Duration::from_millis(500), number + 2 * WAVE);
            }
            let [first, second] = calendar.foresee().map(Option::<&_>::copied);
            for (named, event) in named.iter_mut().zip([first, second]) {
                if let Some(event) = event {
                    named[event as usize] += 1;
                }
            }
        }
        assert!(named.iter().flatten().all(|times| *times <= 1));
        assert_eq!(popped, 20 * WAVE);
        assert!(surprises * 4 < popped, "{surprises} of {popped} came as a surprise");
    }
}
