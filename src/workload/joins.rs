//! Servers that join and leave while the simulation runs.

use crate::sim::{Address, Duration, Stream, Time};

/// When servers join.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum JoinTimes {
    /// At these ascending moments.
    At(Vec<Time>),
    /// As a Poisson process.
    Poisson {
        /// From here on.
        start: Time,
        /// With this mean distance.
        interval: Duration,
        /// This many.
        count: usize,
    },
}

/// The joins to come.
#[derive(Debug)]
pub struct Joins {
    times: JoinTimes,
    /// When the next server joins.
    next: Option<Time>,
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
    /// Servers that join, numbered on from the initial ones.
    pub fn new(initial: usize, times: JoinTimes, random: Stream) -> Joins {
        let mut joins = Joins { times, next: None, initial, joined: 0, random };
        joins.schedule();
        joins
    }

    /// When the next one joins.
    pub fn next_time(&self) -> Option<Time> {
        self.next
    }

    /// The next one, through a random node of those that are up.
    ///
    /// # Panics
    /// When there is none left, or no node is up.
    pub fn next(&mut self, up: &[Address]) -> Join {
        assert!(self.next.is_some(), "somebody is left to join");
        let server = self.initial + self.joined;
        self.joined += 1;
        let contact = up[self.random.below(up.len() as u64) as usize];
        self.schedule();
        Join { server, contact }
    }

    /// Nobody is up through whom the next one could join: it stays away.
    pub fn skip(&mut self) {
        self.joined += 1;
        self.schedule();
    }

    fn schedule(&mut self) {
        self.next = match &self.times {
            JoinTimes::At(times) => times.get(self.joined).copied(),
            JoinTimes::Poisson { start, interval, count } => (self.joined < *count)
                .then(|| self.next.unwrap_or(*start) + self.random.exponential(*interval)),
        };
    }
}

/// The servers that leave in good order.
#[derive(Debug)]
pub struct Leaves {
    left: u32,
    next: Time,
    interval: Duration,
    random: Stream,
}

impl Leaves {
    /// So many leave, the first one at `start`, the others each `interval` after the one
    /// before.
    pub fn new(count: u32, start: Time, interval: Duration, random: Stream) -> Leaves {
        Leaves { left: count, next: start, interval, random }
    }

    /// When the next one leaves.
    pub fn next_time(&self) -> Option<Time> {
        (self.left > 0).then_some(self.next)
    }

    /// The next one, out of those that may leave.
    ///
    /// # Panics
    /// When there is none left.
    pub fn next(&mut self, candidates: &[Address]) -> Option<Address> {
        assert!(self.left > 0, "somebody is left to leave");
        self.left -= 1;
        self.next = self.next + self.interval;
        let choice = (!candidates.is_empty()).then(|| self.random.below(candidates.len() as u64));
        choice.map(|choice| candidates[choice as usize])
    }
}
