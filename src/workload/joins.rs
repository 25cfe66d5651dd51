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
        self.next += self.interval;
        let choice = (!candidates.is_empty()).then(|| self.random.below(candidates.len() as u64));
        choice.map(|choice| candidates[choice as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn stream() -> Stream {
        Stream::new(1, 0, "joins")
    }

    fn at(seconds: u64) -> Time {
        Time::ZERO + Duration::from_secs(seconds)
    }

    fn up(count: usize) -> Vec<Address> {
        (0..count).map(Address::new).collect()
    }

    #[test]
    fn servers_join_at_the_given_moments_through_any_that_is_up() {
        let times: Vec<Time> = (0..200).map(at).collect();
        let mut joins = Joins::new(5, JoinTimes::At(times), stream());
        let mut contacts = [0; 5];
        for number in 0..200 {
            assert_eq!(joins.next_time(), Some(at(number as u64)));
            let join = joins.next(&up(5));
            assert_eq!(join.server, 5 + number);
            contacts[join.contact.index()] += 1;
        }
        assert_eq!(joins.next_time(), None);
        assert!(contacts.iter().all(|count| (20..60).contains(count)), "{contacts:?}");
    }

    #[test]
    fn one_that_is_skipped_stays_away() {
        let mut joins = Joins::new(3, JoinTimes::At(vec![at(1), at(2)]), stream());
        joins.skip();
        assert_eq!(joins.next_time(), Some(at(2)));
        assert_eq!(joins.next(&up(1)).server, 4);
        assert_eq!(joins.next_time(), None);
        let times = JoinTimes::Poisson { start: at(0), interval: SECOND, count: 2 };
        let mut joins = Joins::new(3, times, stream());
        let first = joins.next_time();
        joins.skip();
        assert!(joins.next_time() > first);
        assert_eq!(joins.next(&up(1)).server, 4);
        assert_eq!(joins.next_time(), None);
    }

    #[test]
    fn poisson_joins_have_exponential_gaps() {
        let (start, count) = (at(100), 10_000);
        let times = JoinTimes::Poisson { start, interval: SECOND, count };
        let mut joins = Joins::new(1, times, stream());
        let mut last = start;
        let mut gaps = Vec::new();
        while let Some(next) = joins.next_time() {
            gaps.push(next.since(last).as_secs_f64());
            last = next;
            joins.next(&up(1));
        }
        assert_eq!(gaps.len(), count);
        let mean = gaps.iter().sum::<f64>() / count as f64;
        assert!((mean - 1.0).abs() < 0.04, "the mean gap is the interval: {mean}");
        let variance = gaps.iter().map(|gap| (gap - mean) * (gap - mean)).sum::<f64>();
        let variance = variance / count as f64;
        assert!((variance - 1.0).abs() < 0.1, "and so is the deviation: {variance}");
        // A gap is longer than the mean with probability 1/e.
        let longer = gaps.iter().filter(|gap| **gap > 1.0).count();
        assert!((3500..3860).contains(&longer), "{longer}");
    }

    #[test]
    fn poisson_joins_of_nobody_have_no_time() {
        let times = JoinTimes::Poisson { start: at(0), interval: SECOND, count: 0 };
        assert_eq!(Joins::new(1, times, stream()).next_time(), None);
    }

    #[test]
    fn servers_leave_at_equal_distances() {
        let mut leaves = Leaves::new(3, at(10), Duration::from_secs(5), stream());
        for seconds in [10, 15, 20] {
            assert_eq!(leaves.next_time(), Some(at(seconds)));
            // The second time nobody may leave: one leaves less.
            let candidates = if seconds == 15 { up(0) } else { up(4) };
            assert_eq!(leaves.next(&candidates).is_some(), seconds != 15);
        }
        assert_eq!(leaves.next_time(), None);
    }
}
