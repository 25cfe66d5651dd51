//! Scenario files.

pub mod format;
mod units;

pub use units::Span;
