//! Measurement.

pub mod metrics;
pub mod summary;
