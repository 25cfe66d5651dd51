//! The systems: one folder or file each, every one a [`Protocol`](crate::sim::Protocol).
//!
//! Must not know: files, clocks, threads, the oracle.

pub mod chord;
