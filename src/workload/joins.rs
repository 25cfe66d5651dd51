//! Nodes that join while the simulation runs.

use crate::sim::{Address, Stream, Time};

/// The joins to come.
#[derive(Debug)]
pub struct Joins {
    /// When the server after the initial ones joins, and so on.
    times: Vec<Time>,
    initial: usize,
    joined: usize,
    random: Stream,
}

/// A server that joins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Join {
    /// The number of the server.
    pub server: usize,
    /// The node that is already there and lets it in.
    pub contact: Address,
}

impl Joins {
    /// Servers that join at these ascending times, numbered on from the initial ones.
    pub fn new(initial: usize, times: Vec<Time>, random: Stream) -> Joins {
        Joins { times, initial, joined: 0, random }
    }

    /// When the next one joins.
    pub fn next_time(&self) -> Option<Time> {
        self.times.get(self.joined).copied()
    }

    /// The next one, through a random node of those that are up.
    ///
    /// # Panics
    /// When there is none left, or no node is up.
    pub fn next(&mut self, up: &[Address]) -> Join {
        assert!(self.joined < self.times.len(), "somebody is left to join");
        let server = self.initial + self.joined;
        self.joined += 1;
        let contact = up[self.random.below(up.len() as u64) as usize];
        Join { server, contact }
    }
}
