//! Measurement.

pub mod summary;
