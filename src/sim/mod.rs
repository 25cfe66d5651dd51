//! The engine: simulated time, random streams, the event queue, the [`Protocol`]
//! trait that overlays implement, and the loop that runs them.
//!
//! Must not know: any overlay, network model, workload, file or terminal.

mod address;
mod context;
mod digest;
mod engine;
mod huge_pages;
mod places;
mod prefetch;
mod protocol;
pub mod queue;
mod random;
mod time;
mod trace;
mod transport;
mod wire;

pub use address::Address;
pub use context::{Bench, Context, Effect, Item, Manner, Note, Record};
pub use digest::Digest;
pub use engine::{Nodes, Observer, Simulation, Sizes, Status, Waiting};
pub use huge_pages::ask_for_huge_pages;
pub use prefetch::prefetch;
pub use protocol::{
    HEADER_BYTES, LookupId, Message, MessageKind, Operation, Protocol, Purpose, RequestId, Served,
    Start, Value,
};
pub use random::Stream;
pub use time::{Duration, DurationError, Time};
pub use trace::{TraceEvent, TracedMessage, Tracer};
pub use transport::{Envelope, Network, Scheduled, Traffic};
