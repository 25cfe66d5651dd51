//! The event queue: what happens when, and in which order at the same time.
//!
//! **Contract.** Events come out by time; events of the same time in the order in
//! which they were put in. [`CalendarQueue`] is what simulations use;
//! [`HeapQueue`] is its naive twin, the measure of its correctness in the tests
//! and of its speed in the benches.

mod calendar;
mod heap;
mod lists;

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

    /// Two events that are going to come out before long, if they are known at no cost: a hint
    /// for fetching what they will touch. Called once for each event that comes out. Every such
    /// event is named at most once as the first, and some time later as the second.
    fn foresee(&mut self) -> [Option<&E>; 2];

    /// Number of events inside.
    fn len(&self) -> usize;

    /// Whether nothing is inside.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
