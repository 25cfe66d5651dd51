//! How long answers take, and how long to wait for them.
//!
//! V. Jacobson, M. J. Karels: Congestion Avoidance and Control. SIGCOMM 1988, Appendix A; as
//! in RFC 6298. One estimate for all peers of a node, as each is asked too rarely to have its
//! own. The time of a request whose peer has another one of this node's open is not measured:
//! it cannot be told which of them an answer is to (P. Karn's rule).

use super::{Chord, ChordMessage, ChordNode};
use crate::sim::{Address, Context, Duration, Time};

/// What a node has measured.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Clock {
    /// The smoothed round trip; `None` before the first answer.
    smoothed: Option<Duration>,
    /// The smoothed deviation from it.
    variation: Duration,
    /// How often the time-out is doubled.
    doublings: u32,
    /// The requests that wait for an answer, oldest first.
    open: Vec<(Address, Time)>,
    /// The smoothed round trips to the peers in the tables, by address.
    peers: Vec<(Address, Duration)>,
}

/// An average moved by an eighth of the way to a new sample (RFC 6298, 2.3: alpha).
fn moved_by_an_eighth(average: Duration, sample: Duration) -> Duration {
    let (average, sample) = (average.as_nanos(), sample.as_nanos());
    Duration::from_nanos(average - average / 8 + sample / 8)
}

impl Clock {
    /// A request goes out. None is open for longer than the longest time-out: what is, has been
    /// answered with something else.
    fn asked(&mut self, peer: Address, now: Time, longest: Duration) {
        let is_over = |(_, asked): &(Address, Time)| *asked + longest < now;
        let over = self.open.iter().take_while(|open| is_over(open)).count();
        self.open.drain(..over);
        self.open.push((peer, now));
    }

    /// An answer has come in time: how long it took, if that can be told.
    fn answered(&mut self, peer: Address, now: Time) -> Option<Duration> {
        let mut of_peer = self.open.iter().filter(|(other, _)| *other == peer);
        let (first, is_only) = (of_peer.next().copied(), of_peer.next().is_none());
        self.close(peer);
        let sample = first.filter(|_| is_only).map(|(_, asked)| now.since(asked))?;
        self.measure(sample);
        Some(sample)
    }

    /// RFC 6298, 2.2 and 2.3.
    fn measure(&mut self, sample: Duration) {
        let nanos = sample.as_nanos();
        self.doublings = 0;
        match self.smoothed {
            None => {
                self.smoothed = Some(sample);
                self.variation = Duration::from_nanos(nanos / 2);
            }
            Some(smoothed) => {
                let deviation = smoothed.as_nanos().abs_diff(nanos);
                let variation = self.variation.as_nanos();
                self.variation = Duration::from_nanos(variation - variation / 4 + deviation / 4);
                self.smoothed = Some(moved_by_an_eighth(smoothed, sample));
            }
        }
    }

    /// No answer has come in time: the time-out is doubled until one does (RFC 6298, 5.5).
    fn timed_out(&mut self, peer: Address) {
        self.close(peer);
        self.doublings = self.doublings.saturating_add(1);
    }

    fn close(&mut self, peer: Address) {
        if let Some(place) = self.open.iter().position(|(other, _)| *other == peer) {
            self.open.remove(place);
        }
    }

    /// The time-out of a request that goes out now (RFC 6298, 2.3 to 2.5).
    fn timeout(&self, shortest: Duration, longest: Duration) -> Duration {
        let Some(smoothed) = self.smoothed else { return longest };
        let nanos = smoothed.as_nanos().saturating_add(self.variation.as_nanos().saturating_mul(4));
        let factor = 1u64.checked_shl(self.doublings).unwrap_or(u64::MAX);
        Duration::from_nanos(nanos.max(shortest.as_nanos()).saturating_mul(factor)).min(longest)
    }

    /// Remembers how far away a peer of the tables is.
    pub(super) fn learn(&mut self, peer: Address, sample: Duration) {
        match self.peers.binary_search_by_key(&peer, |(other, _)| *other) {
            Ok(place) => {
                let known = &mut self.peers[place].1;
                *known = moved_by_an_eighth(*known, sample);
            }
            Err(place) => self.peers.insert(place, (peer, sample)),
        }
    }

    /// Keeps some peers only, if there are more than so many.
    fn keep_within(&mut self, count: usize, is_kept: impl Fn(Address) -> bool) {
        if self.peers.len() > count {
            self.peers.retain(|(peer, _)| is_kept(*peer));
        }
    }

    /// A peer is dropped from the tables.
    pub(super) fn forget(&mut self, peer: Address) {
        if let Ok(place) = self.peers.binary_search_by_key(&peer, |(other, _)| *other) {
            self.peers.remove(place);
        }
    }

    /// How long a round trip to a peer has been measured to take.
    pub(super) fn measured(&self, peer: Address) -> Option<Duration> {
        let place = self.peers.binary_search_by_key(&peer, |(other, _)| *other).ok()?;
        Some(self.peers[place].1)
    }

    /// How long a round trip to a peer takes; one that has not been measured counts as far
    /// away as the mean.
    pub(super) fn round_trip(&self, peer: Address) -> Duration {
        self.measured(peer).or(self.smoothed).unwrap_or(Duration::ZERO)
    }
}

impl Chord {
    fn measures_round_trips(&self) -> bool {
        self.refinements.shortest_timeout.is_some() || self.followers_of_fingers() > 0
    }

    /// How long this node waits for an answer or an acknowledgement.
    pub(super) fn timeout(&self, node: &ChordNode) -> Duration {
        match (self.refinements.shortest_timeout, node.books.clock()) {
            (Some(shortest), Some(clock)) => clock.timeout(shortest, self.request_timeout),
            _ => self.request_timeout,
        }
    }

    /// Sends a request, and measures how long the answer takes if that is of use.
    pub(super) fn ask(
        &self,
        node: &mut ChordNode,
        to: Address,
        request: ChordMessage,
        list: &[Address],
        context: &mut Context<'_, Self>,
    ) {
        let timeout = self.timeout(node);
        if self.measures_round_trips() {
            node.books.clock_mut().asked(to, context.now(), self.request_timeout);
        }
        context.request(to, request, list, timeout);
    }

    /// A message has come: if it is the answer to a request, how long that took, as far as it
    /// can be told.
    pub(super) fn time_answer(
        &self,
        node: &mut ChordNode,
        peer: Address,
        message: ChordMessage,
        context: &Context<'_, Self>,
    ) -> Option<Duration> {
        if !self.measures_round_trips() || !message.is_answer() || context.is_late() {
            return None;
        }
        let sample = node.books.clock_mut().answered(peer, context.now())?;
        let is_in_tables = node.successors.contains(&peer)
            || node.fingers.contains(peer)
            || node.books.followers().any(|other| other == peer);
        if self.followers_of_fingers() > 0 && is_in_tables {
            node.books.clock_mut().learn(peer, sample);
            self.forget_distances(node);
        }
        Some(sample)
    }

    /// Drops the distances of nodes that are in no table any more, once they are most of them.
    fn forget_distances(&self, node: &mut ChordNode) {
        let followers: Vec<Address> = node.books.followers().collect();
        let in_tables = node.successors.len() + node.fingers.runs().count() + followers.len();
        let (successors, fingers) = (&node.successors, &node.fingers);
        node.books.clock_mut().keep_within(2 * in_tables + 16, |peer| {
            successors.contains(&peer) || fingers.contains(peer) || followers.contains(&peer)
        });
    }

    /// A request has not been answered.
    pub(super) fn time_out(&self, node: &mut ChordNode, peer: Address, request: ChordMessage) {
        if self.measures_round_trips() && !request.is_acknowledged() {
            node.books.clock_mut().timed_out(peer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORTEST: Duration = Duration::from_millis(10);
    const LONGEST: Duration = Duration::from_secs(2);

    fn at(millis: u64) -> Time {
        Time::ZERO + Duration::from_millis(millis)
    }

    fn peer(index: usize) -> Address {
        Address::new(index)
    }

    /// RFC 6298: the first sample R gives R + 4·R/2; then alpha is 1/8 and beta 1/4.
    #[test]
    fn the_time_out_is_that_of_the_rfc() {
        let mut clock = Clock::default();
        assert_eq!(clock.timeout(SHORTEST, LONGEST), LONGEST, "before the first sample");
        clock.asked(peer(1), at(0), LONGEST);
        assert_eq!(clock.answered(peer(1), at(80)), Some(Duration::from_millis(80)));
        assert_eq!(clock.timeout(SHORTEST, LONGEST), Duration::from_millis(80 + 4 * 40));
        clock.asked(peer(2), at(100), LONGEST);
        clock.answered(peer(2), at(260));
        // 80 + (160 - 80)/8 = 90; 40 + (80 - 40)/4 = 50.
        assert_eq!(clock.timeout(SHORTEST, LONGEST), Duration::from_millis(90 + 4 * 50));
        clock.asked(peer(3), at(300), LONGEST);
        clock.timed_out(peer(3));
        assert_eq!(clock.timeout(SHORTEST, LONGEST), Duration::from_millis(2 * 290));
        (0..70).for_each(|_| clock.timed_out(peer(3)));
        assert_eq!(clock.timeout(SHORTEST, LONGEST), LONGEST);
        clock.asked(peer(1), at(400), LONGEST);
        clock.answered(peer(1), at(490));
        assert!(clock.timeout(SHORTEST, LONGEST) < Duration::from_millis(290), "no doubling");
    }

    #[test]
    fn steady_answers_bring_it_down_to_the_shortest_allowed() {
        let mut clock = Clock::default();
        for turn in 0..100 {
            clock.asked(peer(1), at(1000 * turn), LONGEST);
            clock.answered(peer(1), at(1000 * turn + 5));
        }
        assert_eq!(clock.timeout(SHORTEST, LONGEST), SHORTEST);
    }

    #[test]
    fn of_two_open_requests_to_a_peer_neither_is_measured_first() {
        let mut clock = Clock::default();
        clock.asked(peer(1), at(0), LONGEST);
        clock.asked(peer(1), at(50), LONGEST);
        assert_eq!(clock.answered(peer(1), at(60)), None);
        assert_eq!(clock.answered(peer(1), at(90)), Some(Duration::from_millis(40)));
        assert_eq!(clock.answered(peer(1), at(99)), None, "nothing is open");
    }

    #[test]
    fn peers_that_were_not_measured_are_as_far_as_the_mean() {
        let mut clock = Clock::default();
        clock.asked(peer(1), at(0), LONGEST);
        let sample = clock.answered(peer(1), at(80)).unwrap();
        clock.learn(peer(1), sample);
        clock.learn(peer(2), Duration::from_millis(20));
        let trips =
            |clock: &Clock| [1, 2, 3].map(|n| clock.round_trip(peer(n)).as_nanos() / 1_000_000);
        assert_eq!(trips(&clock), [80, 20, 80]);
        clock.learn(peer(2), Duration::from_millis(100));
        clock.forget(peer(1));
        assert_eq!(trips(&clock), [80, 30, 80]);
    }
}
