//! The textbook queue: a binary heap ordered by time and then by a running number.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use super::EventQueue;
use crate::sim::Time;

/// A binary heap. O(log n) an operation, and at a million nodes most of those log
/// n steps miss the cache: kept as the baseline of tests and benches, and as the
/// calendar's refuge for events that come too late to be sorted in.
#[derive(Debug)]
pub struct HeapQueue<E> {
    heap: BinaryHeap<Reverse<Numbered<E>>>,
    pushed: u64,
}

#[derive(Clone, Copy, Debug)]
struct Numbered<E> {
    at: Time,
    number: u64,
    event: E,
}

impl<E> Numbered<E> {
    fn rank(&self) -> (Time, u64) {
        (self.at, self.number)
    }
}

impl<E> Ord for Numbered<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl<E> PartialOrd for Numbered<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> PartialEq for Numbered<E> {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl<E> Eq for Numbered<E> {}

impl<E> Default for HeapQueue<E> {
    fn default() -> Self {
        HeapQueue { heap: BinaryHeap::new(), pushed: 0 }
    }
}

impl<E: Copy> HeapQueue<E> {
    /// The time of the next event.
    pub(super) fn next_time(&self) -> Option<Time> {
        self.heap.peek().map(|Reverse(first)| first.at)
    }
}

impl<E: Copy> EventQueue<E> for HeapQueue<E> {
    fn push(&mut self, at: Time, event: E) {
        self.heap.push(Reverse(Numbered { at, number: self.pushed, event }));
        self.pushed += 1;
    }

    fn pop_before(&mut self, limit: Time) -> Option<(Time, E)> {
        if self.next_time()? >= limit {
            return None;
        }
        self.heap.pop().map(|Reverse(Numbered { at, event, .. })| (at, event))
    }

    fn foresee(&mut self) -> [Option<&E>; 2] {
        [None; 2]
    }

    fn len(&self) -> usize {
        self.heap.len()
    }
}
