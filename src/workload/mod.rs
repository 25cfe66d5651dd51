//! What happens from outside: lookups asked, nodes joining.
//!
//! Each is a lazy stream that knows when its next item is due and draws it only
//! then, so a workload of any length takes no memory and no place in the event
//! queue.
//!
//! Must not know: overlays, or how the nodes answer.

mod joins;
mod keys;
mod lookups;

pub use joins::{Join, Joins};
pub use keys::Keys;
pub use lookups::{Arrivals, LookupPlan, Lookups};
