//! Watches one simulation: follows every lookup from question to answer, and has the
//! oracle judge it.

use std::collections::VecDeque;
use std::rc::Rc;

use super::Tally;
use crate::id::Id;
use crate::oracle::Ring;
use crate::sim::{Address, Duration, LookupId, Note, Observer, Time};

/// The observer of a simulation.
#[derive(Debug)]
pub struct Recorder<'i> {
    ids: &'i [Id],
    /// The nodes that are up: the truth that answers are judged by.
    ring: Rc<Ring>,
    /// How often the ring has changed: while it has not, an owner stays the owner.
    ring_version: u32,
    /// Lookups without an answer after this time have failed.
    timeout: Option<Duration>,
    /// A window over the lookups, from the oldest that is still open, by their number.
    window: VecDeque<Followed>,
    /// How many of them are open.
    open: usize,
    tally: Tally,
    trace: Option<(LookupId, Trace)>,
}

/// The window is not tidied up while it is shorter than this.
const SHORT_WINDOW: usize = 1024;

/// A lookup that is followed.
#[derive(Clone, Copy, Debug)]
struct Followed {
    number: LookupId,
    /// Finished ones stay in the window until all older ones are finished too, or until
    /// they are the most of it: a lookup that is never answered holds up nobody.
    open: bool,
    stands_at: Address,
    /// The key's owner at the time of this version of the ring.
    owner: Address,
    ring_version: u32,
    timeouts: u32,
    issued: Time,
    key: Id,
    /// The key's predecessor when it was asked, the goal of the forwards.
    goal: Id,
    /// The distance from where the lookup stands to its goal.
    remaining: Id,
}

/// Where one lookup went.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Trace {
    /// The nodes at which it stood, its origin first.
    pub path: Vec<Address>,
    /// The answer, once there is one.
    pub owner: Option<Address>,
    /// Whether it has ended, with or without an answer.
    pub ended: bool,
}

impl<'i> Recorder<'i> {
    /// A recorder over the nodes that are up at the start.
    pub fn new(ids: &'i [Id], ring: Rc<Ring>, timeout: Option<Duration>) -> Self {
        let (window, tally) = (VecDeque::new(), Tally::default());
        Recorder { ids, ring, ring_version: 0, timeout, window, open: 0, tally, trace: None }
    }

    /// The nodes that are up.
    pub fn ring(&self) -> &Ring {
        &self.ring
    }

    /// A node has come up. From now on it owns its keys, though it takes the ring a while to
    /// learn that: answers that do not know it yet are incorrect.
    pub fn node_joined(&mut self, node: Address) {
        Rc::make_mut(&mut self.ring).insert(self.ids, node);
        self.ring_version += 1;
    }

    /// A lookup of a key is about to be asked at a node; gives it its number.
    pub fn issue(&mut self, now: Time, origin: Address, key: Id) -> LookupId {
        self.slide(now);
        if self.window.len() > SHORT_WINDOW.max(4 * self.open) {
            self.window.retain(|lookup| lookup.open);
        }
        let number = LookupId(self.tally.issued as u32);
        let (predecessor, owner) = self.ring.around(self.ids, key);
        let goal = self.ids[predecessor.index()];
        self.window.push_back(Followed {
            number,
            open: true,
            stands_at: origin,
            owner,
            ring_version: self.ring_version,
            timeouts: 0,
            issued: now,
            key,
            goal,
            remaining: self.ids[origin.index()].distance_to(goal),
        });
        self.tally.issued += 1;
        self.open += 1;
        number
    }

    /// Writes down where this lookup goes from now on.
    pub fn trace(&mut self, lookup: LookupId) {
        self.trace = Some((lookup, Trace::default()));
    }

    /// What was written down.
    pub fn traced(&self) -> Option<&Trace> {
        self.trace.as_ref().map(|(_, trace)| trace)
    }

    /// Closes the books at the end of the run.
    pub fn finish(mut self, now: Time) -> Tally {
        let window = std::mem::take(&mut self.window);
        for lookup in window.iter().filter(|lookup| lookup.open) {
            self.count_finished(lookup);
            if self.is_too_late(lookup, now) {
                self.tally.failures.timed_out += 1;
            } else {
                self.tally.failures.unanswered += 1;
            }
            self.end_trace(lookup.number, None);
        }
        self.tally
    }

    /// Moves the window on over lookups that are finished, or that nobody waits for.
    fn slide(&mut self, now: Time) {
        while let Some(lookup) = self.window.front().copied() {
            if lookup.open {
                if !self.is_too_late(&lookup, now) {
                    return;
                }
                self.count_finished(&lookup);
                self.tally.failures.timed_out += 1;
                self.end_trace(lookup.number, None);
                self.open -= 1;
            }
            self.window.pop_front();
        }
    }

    fn is_too_late(&self, lookup: &Followed, now: Time) -> bool {
        self.timeout.is_some_and(|timeout| lookup.issued + timeout < now)
    }

    /// The place of an open lookup in the window.
    fn find(&self, lookup: LookupId) -> Option<usize> {
        // Where it stands if the window has no gaps, and no further back if it has.
        let first = self.window.front()?.number;
        let place = lookup.0.checked_sub(first.0)? as usize;
        let place = match self.window.get(place) {
            Some(followed) if followed.number == lookup => place,
            _ => self.window.binary_search_by_key(&lookup, |followed| followed.number).ok()?,
        };
        self.window[place].open.then_some(place)
    }

    fn stands_at(&mut self, place: usize, node: Address) {
        let lookup = &mut self.window[place];
        if lookup.stands_at == node {
            return;
        }
        let remaining = self.ids[node.index()].distance_to(lookup.goal);
        self.tally.forwards += 1;
        if remaining.is_at_most_half_of(lookup.remaining) {
            self.tally.halving_forwards += 1;
        }
        lookup.remaining = remaining;
        lookup.stands_at = node;
    }

    fn close(&mut self, place: usize, now: Time, answer: Option<(Address, u32)>) {
        let lookup = self.window[place];
        self.window[place].open = false;
        self.open -= 1;
        self.count_finished(&lookup);
        match answer {
            _ if self.is_too_late(&lookup, now) => self.tally.failures.timed_out += 1,
            None => self.tally.failures.no_route += 1,
            Some((owner, hops)) => {
                let right = if lookup.ring_version == self.ring_version {
                    lookup.owner
                } else {
                    self.ring.owner(self.ids, lookup.key)
                };
                if right == owner {
                    self.tally.correct += 1;
                } else {
                    self.tally.incorrect += 1;
                }
                self.tally.count_hops(hops as usize);
                self.tally.latency.record(now.since(lookup.issued));
            }
        }
    }

    fn count_finished(&mut self, lookup: &Followed) {
        self.tally.lookup_timeouts += u64::from(lookup.timeouts);
        self.tally.max_timeouts = self.tally.max_timeouts.max(u64::from(lookup.timeouts));
    }

    fn end_trace(&mut self, lookup: LookupId, owner: Option<Address>) {
        if let Some((traced, trace)) = &mut self.trace
            && *traced == lookup
        {
            trace.owner = owner;
            trace.ended = true;
        }
    }
}

impl Observer for Recorder<'_> {
    fn on_note(&mut self, now: Time, _: Address, note: Note) {
        match note {
            Note::StandsAt { lookup, node } => {
                if let Some(place) = self.find(lookup) {
                    self.stands_at(place, node);
                    if let Some((traced, trace)) = &mut self.trace
                        && *traced == lookup
                        && trace.path.last() != Some(&node)
                    {
                        trace.path.push(node);
                    }
                }
            }
            Note::TimedOut(lookup) => {
                self.tally.all_timeouts += 1;
                if let Some(place) = self.find(lookup) {
                    self.window[place].timeouts += 1;
                }
            }
            Note::MaintenanceTimedOut => self.tally.all_timeouts += 1,
            Note::Answer { lookup, owner, hops } => {
                if let Some(place) = self.find(lookup) {
                    self.close(place, now, Some((owner, hops)));
                    self.end_trace(lookup, Some(owner));
                }
            }
            Note::NoRoute(lookup) => {
                if let Some(place) = self.find(lookup) {
                    self.close(place, now, None);
                    self.end_trace(lookup, None);
                }
            }
            Note::Joined
            | Note::Stored(_)
            | Note::Fetched { .. }
            | Note::Misdirected(_)
            | Note::Failed(_)
            | Note::Downloaded(_) => {}
        }
    }

    fn on_stop(&mut self, _: Time, node: Address) {
        if Rc::make_mut(&mut self.ring).remove(self.ids, node) {
            self.ring_version += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::IdSpace;

    const SECOND: Duration = Duration::from_secs(1);

    /// The notes' ring: nodes 0, 1 and 3 of m = 3.
    fn recorder(ids: &[Id], timeout: Option<Duration>) -> Recorder<'_> {
        Recorder::new(ids, Rc::new(Ring::of(ids, (0..3).map(Address::new))), timeout)
    }

    fn ids() -> Vec<Id> {
        let space = IdSpace::new(3).unwrap();
        [0, 1, 3].map(|n| space.id(n)).to_vec()
    }

    fn node(index: usize) -> Address {
        Address::new(index)
    }

    #[test]
    fn answers_are_judged_by_the_oracle() {
        let ids = ids();
        let space = IdSpace::new(3).unwrap();
        let mut recorder = recorder(&ids, None);
        for owner in [2, 0] {
            let lookup = recorder.issue(Time::ZERO, node(0), space.id(2));
            let note = Note::StandsAt { lookup, node: node(0) };
            recorder.on_note(Time::ZERO, node(0), note);
            let note = Note::StandsAt { lookup, node: node(1) };
            recorder.on_note(Time::ZERO, node(0), note);
            let at = Time::ZERO + SECOND;
            recorder.on_note(at, node(0), Note::Answer { lookup, owner: node(owner), hops: 1 });
            // A second answer counts for nothing.
            recorder.on_note(at, node(0), Note::Answer { lookup, owner: node(2), hops: 5 });
        }
        let tally = recorder.finish(Time::ZERO + SECOND);
        assert_eq!((tally.issued, tally.correct, tally.incorrect), (2, 1, 1));
        assert_eq!(tally.hops, [0, 2]);
        assert_eq!((tally.forwards, tally.halving_forwards), (2, 2));
        assert_eq!(tally.latency.max_ms().to_bits(), 1000f64.to_bits());
    }

    #[test]
    fn lookups_without_an_answer_fail_for_a_reason() {
        let ids = ids();
        let mut recorder = recorder(&ids, Some(SECOND));
        let at = |millis| Time::ZERO + Duration::from_millis(millis);
        let _never = recorder.issue(at(0), node(0), ids[1]);
        let late = recorder.issue(at(0), node(0), ids[1]);
        let lost = recorder.issue(at(500), node(0), ids[1]);
        recorder.on_note(at(600), node(0), Note::NoRoute(lost));
        recorder.on_note(at(1001), node(0), Note::Answer { lookup: late, owner: node(1), hops: 0 });
        let _open = recorder.issue(at(1900), node(0), ids[1]);
        let tally = recorder.finish(at(2000));
        assert_eq!(tally.failures.timed_out, 2);
        assert_eq!(tally.failures.no_route, 1);
        assert_eq!(tally.failures.unanswered, 1);
        assert_eq!(tally.issued, 4);
        assert!(tally.hops.is_empty());
    }

    #[test]
    fn the_window_forgets_what_is_finished() {
        let ids = ids();
        let mut recorder = recorder(&ids, None);
        for _ in 0..1000 {
            let lookup = recorder.issue(Time::ZERO, node(0), ids[1]);
            recorder.on_note(Time::ZERO, node(0), Note::Answer { lookup, owner: node(1), hops: 0 });
        }
        assert!(recorder.window.len() <= 1);
        assert_eq!(recorder.finish(Time::ZERO).correct, 1000);
    }

    #[test]
    fn a_lookup_that_is_never_answered_holds_up_no_others() {
        let ids = ids();
        let mut recorder = recorder(&ids, None);
        let mut forgotten = Vec::new();
        for number in 0..100_000 {
            let lookup = recorder.issue(Time::ZERO, node(0), ids[1]);
            if number % 10_000 == 0 {
                forgotten.push(lookup);
            } else {
                recorder.on_note(
                    Time::ZERO,
                    node(0),
                    Note::Answer { lookup, owner: node(1), hops: 0 },
                );
            }
        }
        assert!(recorder.window.len() <= SHORT_WINDOW + 1, "{}", recorder.window.len());
        for lookup in forgotten.iter().skip(1) {
            recorder.on_note(
                Time::ZERO,
                node(0),
                Note::Answer { lookup: *lookup, owner: node(2), hops: 0 },
            );
        }
        let tally = recorder.finish(Time::ZERO);
        assert_eq!((tally.correct, tally.incorrect, tally.failures.unanswered), (99_990, 9, 1));
    }
}
