//! The engine.

mod time;

pub use time::{Duration, DurationError, Time};
