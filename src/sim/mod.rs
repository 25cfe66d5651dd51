//! The engine: simulated time, random streams, the event queue, the [`Protocol`]
//! trait that overlays implement, and the loop that runs them.
//!
//! Must not know: any overlay, network model, workload, file or terminal.

mod address;
mod context;
mod digest;
mod engine;
mod prefetch;
mod protocol;
pub mod queue;
mod random;
mod time;
mod wire;

pub use address::Address;
pub use context::{Bench, Context, Effect, Item, Manner, Note, Record};
pub use digest::Digest;
pub use engine::{
    Envelope, Network, Nodes, Observer, Scheduled, Simulation, Sizes, Status, Traffic, Waiting,
};
pub use prefetch::prefetch;
pub use protocol::{
    HEADER_BYTES, LookupId, Message, MessageKind, Operation, Protocol, Purpose, RequestId, Start,
    Value,
};
pub use random::Stream;
pub use time::{Duration, DurationError, Time};
