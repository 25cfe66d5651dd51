//! The event queue: what happens when, and in which order at the same time.
//!
//! **Contract.** Events come out by time; events of the same time in the order in
//! which they were put in. [`CalendarQueue`] is what simulations use;
//! [`HeapQueue`] is its naive twin, the measure of its correctness in the tests
//! and of its speed in the benches.

mod calendar;
mod heap;

pub use calendar::CalendarQueue;
pub use heap::HeapQueue;

use super::Time;

/// A queue of events by time, first in first out at the same time.
pub trait EventQueue<E: Copy>: Default {
    /// Puts in an event. Its time must not lie before that of the last event that
    /// came out.
    fn push(&mut self, at: Time, event: E);

    /// Takes out the next event if it lies before `limit`.
    fn pop_before(&mut self, limit: Time) -> Option<(Time, E)>;

    /// The event that will probably come out `ahead` places later, if that is known at
    /// no cost: a hint for fetching what it will touch.
    fn glance(&self, ahead: usize) -> Option<&E>;

    /// Number of events inside.
    fn len(&self) -> usize;

    /// Whether nothing is inside.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// An event with its time.
#[derive(Clone, Copy, Debug)]
struct Entry<E> {
    at: Time,
    event: E,
}
