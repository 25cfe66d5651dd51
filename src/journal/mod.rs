//! Journals: what runs gave, kept so that no run is done twice.
//!
//! A run follows from its point's scenario, its seed, the number of its repeat and the sources
//! of this program; [`RunKey`] is a digest of these. A [`Journal`] is a file of [`Tally`]s by
//! their keys that only grows, a record at a time. A process that is killed in the middle of a
//! record leaves one that is cut short: it is dropped, and everything before it counts.
//!
//! One journal stands beside the results of every scenario, so that a sweep that was
//! interrupted goes on where it was and one that grows (more repeats, more values) runs only
//! what is new; and one is what a share of a [plan](crate::shares) writes.
//!
//! Must not know: how a run is simulated, what is made of its tally, the terminal.

mod file;

use std::fmt;

use sha1::{Digest, Sha1};

pub use file::{Journal, JournalError};

use crate::measure::Tally;

/// The version of this program with a digest of its sources: results of others are others.
pub const PROGRAM: &str =
    concat!(env!("CARGO_PKG_VERSION"), " (sources ", env!("DHTSIM_SOURCES"), ")");

/// What a run follows from, as a digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunKey([u8; RunKey::BYTES]);

impl RunKey {
    const BYTES: usize = 20;

    /// The key of a repeat of the point with this digest.
    pub fn new(point: [u8; 20], repeat: u32) -> RunKey {
        let mut digest = Sha1::new();
        digest.update(PROGRAM);
        digest.update(point);
        digest.update(repeat.to_le_bytes());
        RunKey(digest.finalize().into())
    }
}

impl fmt::Debug for RunKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Where what runs gave is kept. Used from several threads at once.
pub trait Archive: Sync {
    /// What the run with this key gave, if it is here.
    fn find(&self, key: RunKey) -> Option<Tally>;

    /// Whether [`Archive::find`] would find it.
    fn has(&self, key: RunKey) -> bool;

    /// Keeps what a run gave. What cannot be kept is run again another time.
    fn keep(&self, key: RunKey, tally: &Tally);
}

/// The archive that keeps nothing.
#[derive(Clone, Copy, Debug)]
pub struct Nowhere;

impl Archive for Nowhere {
    fn find(&self, _: RunKey) -> Option<Tally> {
        None
    }

    fn has(&self, _: RunKey) -> bool {
        false
    }

    fn keep(&self, _: RunKey, _: &Tally) {}
}

#[cfg(test)]
mod tests;
