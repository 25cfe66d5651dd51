//! Requests that nodes make, whatever they ask for.

use std::collections::VecDeque;

use crate::sim::{Address, Duration, Stream, Time};

/// Which requests are made, and when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RequestPlan {
    /// How they are spread.
    pub arrivals: Arrivals,
    /// For each node this many on average; without end if `None`.
    pub per_node: Option<u32>,
    /// Mean time between two of a node.
    pub interval: Duration,
    /// When the first may be made.
    pub start: Time,
    /// From when on none is made any more.
    pub stop: Time,
}

/// How requests are spread over time and nodes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arrivals {
    /// The nodes take turns at equal distances in time.
    Even,
    /// A Poisson process, each at a random node: the same as one Poisson process a node.
    Poisson,
}

/// The requests to come, each for a `T`.
#[derive(Debug)]
pub struct Requests<T> {
    plan: RequestPlan,
    /// All nodes there will ever be.
    nodes: u64,
    /// Their addresses are the multiples of this.
    stride: usize,
    /// Number of turns taken.
    turn: u64,
    next: Option<Time>,
    /// What the next ones are for: drawn ahead, for whoever wants to foresee them.
    subjects: VecDeque<T>,
    random: RequestStreams,
}

/// Where requests are drawn from, each thing by itself: systems in which nodes come up or go at
/// other moments are asked for the same things all the same.
#[derive(Clone, Debug)]
pub struct RequestStreams {
    /// When.
    pub times: Stream,
    /// By whom.
    pub askers: Stream,
    /// For what.
    pub subjects: Stream,
}

impl RequestStreams {
    /// The streams of requests of this kind (at most 8 bytes).
    pub fn new(seed: u64, repeat: u32, kind: &str) -> RequestStreams {
        let stream = |purpose: &str| Stream::new(seed, repeat, purpose);
        RequestStreams {
            times: stream(&format!("{kind} times")),
            askers: stream(&format!("{kind} askers")),
            subjects: stream(kind),
        }
    }
}

impl<T> Requests<T> {
    /// How many requests can be foreseen, after the first has been made.
    pub const FORESEEN: usize = 16;

    /// The requests of a population of `nodes`, `up` of which are up at the start. Their
    /// addresses are the multiples of `stride`.
    pub fn new(
        plan: RequestPlan,
        nodes: usize,
        stride: usize,
        up: usize,
        random: RequestStreams,
    ) -> Self {
        let nodes = nodes as u64;
        let subjects = VecDeque::new();
        let mut requests = Requests { plan, nodes, stride, turn: 0, next: None, subjects, random };
        requests.schedule(plan.start, up);
        requests
    }

    /// When the next one is due.
    pub fn next_time(&self) -> Option<Time> {
        // One that is too late stays planned: more nodes may bring it forward.
        self.next.filter(|at| *at < self.plan.stop)
    }

    /// The next one: who asks, for what, as `draw` draws it. `None` when it is the turn of a
    /// node that is not up. Where nodes take turns, `at` says who is there to take the turn of an
    /// address.
    ///
    /// # Panics
    /// When there is none left.
    pub fn next(
        &mut self,
        up: &[Address],
        at: impl Fn(Address) -> Option<Address>,
        mut draw: impl FnMut(&mut Stream) -> T,
    ) -> Option<(Address, T)> {
        let now = self.next.expect("a request is left");
        let asking = match self.plan.arrivals {
            Arrivals::Even => at(self.whose_turn(self.turn)),
            Arrivals::Poisson => {
                let choice = (!up.is_empty()).then(|| self.random.askers.below(up.len() as u64));
                choice.map(|choice| up[choice as usize])
            }
        };
        // Drawn even if nobody asks: who is up does not change what others ask for.
        while self.subjects.len() <= Self::FORESEEN {
            self.subjects.push_back(draw(&mut self.random.subjects));
        }
        let what = self.subjects.pop_front();
        self.turn += 1;
        self.schedule(now, up.len());
        asking.zip(what)
    }

    /// The request so many after the next one: whose turn it is, where nodes take turns, and
    /// for what. A guess: others may have come up or gone by then.
    pub fn foresee(&self, after_next: usize) -> Option<(Option<Address>, &T)> {
        let takes_turns = self.plan.arrivals == Arrivals::Even;
        let asking = takes_turns.then(|| self.whose_turn(self.turn + after_next as u64));
        Some((asking, self.subjects.get(after_next)?))
    }

    fn whose_turn(&self, turn: u64) -> Address {
        Address::new((turn % self.nodes) as usize * self.stride)
    }

    /// The number of nodes that are up has changed. An exponential waiting time has no
    /// memory, so the rest of it is drawn anew at the new rate.
    pub fn population_changed(&mut self, now: Time, up: usize) {
        if self.plan.arrivals == Arrivals::Poisson && self.next.is_some() {
            self.schedule(now.max(self.plan.start), up);
        }
    }

    fn schedule(&mut self, now: Time, up: usize) {
        let limit = self.plan.per_node.map(|count| u64::from(count) * self.nodes);
        let at = match self.plan.arrivals {
            Arrivals::Even => {
                // From the number of the turn, so that rounding does not add up.
                let nanos = u128::from(self.turn) * u128::from(self.plan.interval.as_nanos())
                    / u128::from(self.nodes.max(1));
                let nanos = u64::try_from(nanos).unwrap_or(u64::MAX);
                self.plan.start + Duration::from_nanos(nanos)
            }
            Arrivals::Poisson => {
                let mean = self.plan.interval.as_nanos() as f64 / up.max(1) as f64;
                now + self.random.times.exponential_nanos(mean)
            }
        };
        let is_left = limit.is_none_or(|limit| self.turn < limit);
        self.next = is_left.then_some(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(plan: RequestPlan, nodes: usize, until: Time) -> Vec<(Time, Address)> {
        let up: Vec<Address> = (0..nodes).map(Address::new).collect();
        let random = RequestStreams::new(1, 0, "lookups");
        let mut requests = Requests::new(plan, nodes, 1, nodes, random);
        let mut made = Vec::new();
        while let Some(at) = requests.next_time().filter(|at| *at < until) {
            made.push((at, requests.next(&up, Some, |_| ()).unwrap().0));
        }
        made
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn even_requests_take_turns() {
        let start = Time::ZERO + SECOND;
        let plan = RequestPlan {
            arrivals: Arrivals::Even,
            per_node: Some(2),
            interval: SECOND,
            start,
            stop: Time::MAX,
        };
        let made = all(plan, 4, Time::MAX);
        let turns: Vec<_> =
            made.iter().map(|(at, node)| (at.as_nanos() / 1_000_000, node.index())).collect();
        let expected: Vec<(u64, usize)> =
            (0..8).map(|turn| (1000 + 250 * turn as u64, turn % 4)).collect();
        assert_eq!(turns, expected);
    }

    #[test]
    fn poisson_requests_have_poisson_counts() {
        let plan = RequestPlan {
            arrivals: Arrivals::Poisson,
            per_node: None,
            interval: Duration::from_secs(10),
            start: Time::ZERO,
            stop: Time::MAX,
        };
        // 50 nodes, one lookup in ten seconds each, 2000 s: 10,000 expected, deviation 100.
        let made = all(plan, 50, Time::ZERO + Duration::from_secs(2000));
        assert!((9500..10_500).contains(&made.len()), "{}", made.len());
        let mut by_second = vec![0f64; 2000];
        for (at, _) in &made {
            by_second[(at.as_nanos() / 1_000_000_000) as usize] += 1.0;
        }
        let variance = by_second.iter().map(|count| (count - 5.0) * (count - 5.0)).sum::<f64>();
        assert!((variance / 2000.0 - 5.0).abs() < 0.8, "the variance is the mean: {variance}");
    }

    /// Whoever is up, and whenever that changes.
    #[test]
    fn systems_are_asked_for_the_same_things() {
        let plan = RequestPlan {
            arrivals: Arrivals::Poisson,
            per_node: None,
            interval: SECOND,
            start: Time::ZERO,
            stop: Time::MAX,
        };
        let asked = |up: usize, changes: usize| {
            let random = RequestStreams::new(1, 0, "gets");
            let mut requests = Requests::new(plan, 20, 1, up, random);
            let addresses: Vec<Address> = (0..up).map(Address::new).collect();
            let mut keys = Vec::new();
            for _ in 0..100 {
                for _ in 0..changes {
                    requests.population_changed(Time::ZERO, up);
                }
                let draw = |random: &mut Stream| keys.push(random.bits());
                requests.next(&addresses, Some, draw);
            }
            keys
        };
        assert_eq!(asked(20, 0), asked(3, 5));
        assert_eq!(asked(20, 0), asked(0, 1));
    }

    #[test]
    fn what_is_foreseen_comes() {
        let plan = RequestPlan {
            arrivals: Arrivals::Even,
            per_node: None,
            interval: SECOND,
            start: Time::ZERO,
            stop: Time::MAX,
        };
        let mut requests = Requests::new(plan, 5, 2, 5, RequestStreams::new(1, 0, "gets"));
        let next = |requests: &mut Requests<u64>| requests.next(&[], Some, Stream::bits);
        assert_eq!(requests.foresee(0), None, "nothing is drawn before the first");
        next(&mut requests);
        for _ in 0..20 {
            let foreseen: Vec<_> = (0..Requests::<u64>::FORESEEN)
                .map(|ahead| requests.foresee(ahead).map(|(who, what)| (who, *what)))
                .collect();
            assert_eq!(requests.foresee(Requests::<u64>::FORESEEN), None);
            for foreseen in foreseen {
                let (who, what) = next(&mut requests).unwrap();
                assert_eq!(foreseen, Some((Some(who), what)));
                assert_eq!(who.index() % 2, 0);
            }
        }
    }

    #[test]
    fn counts_are_kept() {
        let plan = RequestPlan {
            arrivals: Arrivals::Poisson,
            per_node: Some(3),
            interval: SECOND,
            start: Time::ZERO,
            stop: Time::MAX,
        };
        assert_eq!(all(plan, 7, Time::MAX).len(), 21);
        assert_eq!(all(RequestPlan { per_node: Some(0), ..plan }, 7, Time::MAX).len(), 0);
        let stop = Time::ZERO + SECOND;
        let made = all(RequestPlan { per_node: None, stop, ..plan }, 7, Time::MAX);
        assert!(!made.is_empty() && made.iter().all(|(at, _)| *at < stop));
    }
}
