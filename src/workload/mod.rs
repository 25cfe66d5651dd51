//! What happens from outside: requests made, servers joining and leaving.
//!
//! Each is a lazy stream that knows when its next item is due and draws it only
//! then, so a workload of any length takes no memory and no place in the event
//! queue.
//!
//! Must not know: overlays, or how the nodes answer.

mod churn;
mod distribution;
mod diurnal;
mod joins;
mod keys;
mod requests;

pub use churn::{
    Change, Churn, ChurnEvent, ChurnPlan, ChurnTrace, FlashCrowd, RandomChurn, Rejoin,
};
pub use distribution::Distribution;
pub use diurnal::Diurnal;
pub use joins::{Join, JoinTimes, Joins, Leaves};
pub use keys::Keys;
pub use requests::{Arrivals, RequestPlan, RequestStreams, Requests};
