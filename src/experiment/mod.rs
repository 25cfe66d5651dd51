//! Experiments.

pub mod claims;
pub mod published;
