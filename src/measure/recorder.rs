//! Watches one simulation: follows every request from question to answer, and has the
//! oracle judge it.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::Tally;
use super::storage::Ledger;
use super::window::Window;
use crate::id::Id;
use crate::oracle::Ring;
use crate::sim::{Address, Duration, LookupId, Note, Observer, RequestId, Time, Value};

/// The observer of a simulation.
#[derive(Debug)]
pub struct Recorder<'i> {
    ids: &'i [Id],
    /// Addresses side by side that come and go together.
    tokens_per_node: usize,
    /// The nodes that are up: the truth that answers are judged by.
    ring: Rc<Ring>,
    /// How often the ring has changed: while it has not, an owner stays the owner.
    ring_version: u32,
    /// Lookups without an answer after this time have failed.
    timeout: Option<Duration>,
    lookups: Window<Followed>,
    ledger: Ledger,
    downloads: Window<Time>,
    /// When the nodes that are joining began.
    joining: BTreeMap<Address, Time>,
    /// When the first fault struck.
    fault: Option<Time>,
    /// Whether it interrupts the simulation when a node stops.
    interrupts: bool,
    /// Nodes that stopped since anybody asked.
    stopped: Vec<(Time, Address)>,
    tally: Tally,
    trace: Option<(LookupId, Trace)>,
}

/// A lookup that is followed.
#[derive(Clone, Copy, Debug)]
struct Followed {
    stands_at: Address,
    /// The key's owner at the time of this version of the ring.
    owner: Address,
    ring_version: u32,
    timeouts: u32,
    /// Those of them after it stood at the key's predecessor.
    owner_timeouts: u32,
    retries: u32,
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

/// How a lookup ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ending {
    Answered { owner: Address, hops: u32 },
    NoRoute,
    TimedOut,
    Unanswered,
}

impl<'i> Recorder<'i> {
    /// A recorder over the nodes that are up at the start.
    pub fn new(ids: &'i [Id], ring: Rc<Ring>, timeout: Option<Duration>) -> Self {
        Recorder {
            ids,
            tokens_per_node: 1,
            ring,
            ring_version: 0,
            timeout,
            lookups: Window::default(),
            ledger: Ledger::default(),
            downloads: Window::default(),
            joining: BTreeMap::new(),
            fault: None,
            interrupts: false,
            stopped: Vec::new(),
            tally: Tally::default(),
            trace: None,
        }
    }

    /// The same where each node stands on the ring with so many addresses, its own and the
    /// next ones.
    pub fn with_tokens(self, tokens_per_node: usize) -> Self {
        Recorder { tokens_per_node, ..self }
    }

    /// The same, interrupting the simulation when a node stops.
    pub fn interrupting(self, interrupts: bool) -> Self {
        Recorder { interrupts, ..self }
    }

    /// The nodes that are up.
    pub fn ring(&self) -> &Ring {
        &self.ring
    }

    /// What has been counted so far. Requests that are open are in it as issued only.
    pub fn so_far(&self) -> &Tally {
        &self.tally
    }

    /// The truth about the stored values.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The same, to say which values there are and how long gets may take.
    pub fn ledger_mut(&mut self) -> &mut Ledger {
        &mut self.ledger
    }

    /// A node has come up. From now on it owns its keys, though it takes the ring a while to
    /// learn that: answers that do not know it yet are incorrect.
    pub fn node_joined(&mut self, node: Address) {
        Rc::make_mut(&mut self.ring).insert(self.ids, node);
        self.ring_version += 1;
    }

    /// A node begins to join.
    pub fn join_begins(&mut self, now: Time, node: Address) {
        self.tally.joins.issued += 1;
        self.joining.insert(node, now);
    }

    /// A node is asked to leave.
    pub fn leave_begins(&mut self) {
        self.tally.joins.leaves += 1;
    }

    /// Something breaks at this moment.
    pub fn fault_strikes(&mut self, now: Time) {
        self.fault.get_or_insert(now);
    }

    /// The nodes that stopped since this was asked last, and when.
    pub fn take_stopped(&mut self) -> Vec<(Time, Address)> {
        std::mem::take(&mut self.stopped)
    }

    /// A lookup of a key is about to be asked at a node; gives it its number.
    pub fn issue(&mut self, now: Time, origin: Address, key: Id) -> LookupId {
        self.slide(now);
        let number = LookupId(self.tally.issued as u32);
        let (predecessor, owner) = self.ring.around(self.ids, key);
        let goal = self.ids[predecessor.index()];
        let followed = Followed {
            stands_at: origin,
            owner,
            ring_version: self.ring_version,
            timeouts: 0,
            owner_timeouts: 0,
            retries: 0,
            issued: now,
            key,
            goal,
            remaining: self.ids[origin.index()].distance_to(goal),
        };
        self.lookups.open(number.0, followed);
        self.tally.issued += 1;
        self.tally.after_fault.issued += u64::from(self.fault.is_some());
        number
    }

    /// A value is about to be put, by a request with this number.
    pub fn issue_put(&mut self, now: Time, key: usize) -> (RequestId, Value) {
        self.ledger.issue_put(now, key, &mut self.tally)
    }

    /// A value is about to be asked for, by a request with this number.
    pub fn issue_get(&mut self, now: Time, key: usize) -> RequestId {
        self.tally.after_fault.issued += u64::from(self.fault.is_some());
        self.ledger.issue_get(now, key, &mut self.tally)
    }

    /// A node is about to download the shared file.
    pub fn issue_download(&mut self, now: Time) -> RequestId {
        // Of the numbers of puts and gets, so that a failed download is none of them.
        let request = self.ledger.number();
        self.tally.downloads.issued += 1;
        self.downloads.open(request.0, now);
        request
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
        while let Some((number, lookup)) = self.lookups.finish_oldest_if(|_| true) {
            let ending =
                if self.is_too_late(&lookup, now) { Ending::TimedOut } else { Ending::Unanswered };
            self.close(LookupId(number), &lookup, now, ending);
        }
        self.ledger.finish(now, self.fault, &mut self.tally);
        self.tally
    }

    /// Closes the lookups that nobody waits for any more.
    fn slide(&mut self, now: Time) {
        let timeout = self.timeout;
        let is_too_late =
            |lookup: &Followed| timeout.is_some_and(|timeout| lookup.issued + timeout < now);
        while let Some((number, lookup)) = self.lookups.finish_oldest_if(is_too_late) {
            self.close(LookupId(number), &lookup, now, Ending::TimedOut);
        }
    }

    fn is_too_late(&self, lookup: &Followed, now: Time) -> bool {
        self.timeout.is_some_and(|timeout| lookup.issued + timeout < now)
    }

    fn stands_at(&mut self, number: LookupId, node: Address) {
        let Some(lookup) = self.lookups.get(number.0) else { return };
        if lookup.stands_at != node {
            let remaining = self.ids[node.index()].distance_to(lookup.goal);
            self.tally.forwards += 1;
            if remaining.is_at_most_half_of(lookup.remaining) {
                self.tally.halving_forwards += 1;
            }
            lookup.remaining = remaining;
            lookup.stands_at = node;
        }
        if let Some((traced, trace)) = &mut self.trace
            && *traced == number
            && trace.path.last() != Some(&node)
        {
            trace.path.push(node);
        }
    }

    /// A lookup of the workload has ended, if it was open.
    fn end(&mut self, number: LookupId, now: Time, ending: Ending) {
        let Some(lookup) = self.lookups.finish(number.0) else { return };
        let ending = if self.is_too_late(&lookup, now) { Ending::TimedOut } else { ending };
        self.close(number, &lookup, now, ending);
    }

    fn close(&mut self, number: LookupId, lookup: &Followed, now: Time, ending: Ending) {
        self.tally.lookup_timeouts += u64::from(lookup.timeouts);
        self.tally.max_timeouts = self.tally.max_timeouts.max(u64::from(lookup.timeouts));
        self.tally.owner_timeouts += u64::from(lookup.owner_timeouts);
        self.tally.retries += u64::from(lookup.retries);
        let mut is_right = false;
        match ending {
            Ending::TimedOut => self.tally.failures.timed_out += 1,
            Ending::Unanswered => self.tally.failures.unanswered += 1,
            Ending::NoRoute => self.tally.failures.no_route += 1,
            Ending::Answered { owner, hops } => {
                let right = if lookup.ring_version == self.ring_version {
                    lookup.owner
                } else {
                    self.ring.owner(self.ids, lookup.key)
                };
                is_right = right == owner;
                self.tally.count_hops(hops as usize);
                self.tally.latency.record(now.since(lookup.issued));
                if is_right {
                    self.tally.correct += 1;
                } else {
                    self.tally.incorrect += 1;
                }
            }
        }
        if !is_right {
            self.tally.after_fault.count_wrong(lookup.issued, self.fault);
        }
        if let Some((traced, trace)) = &mut self.trace
            && *traced == number
        {
            trace.owner = match ending {
                Ending::Answered { owner, .. } => Some(owner),
                _ => None,
            };
            trace.ended = true;
        }
    }
}

impl Observer for Recorder<'_> {
    fn on_note(&mut self, now: Time, at: Address, note: Note) {
        match note {
            Note::StandsAt { lookup, node } => self.stands_at(lookup, node),
            Note::TimedOut(lookup) => {
                self.tally.all_timeouts += 1;
                if let Some(lookup) = self.lookups.get(lookup.0) {
                    lookup.timeouts += 1;
                }
            }
            Note::OwnerTimedOut(lookup) => {
                self.tally.all_timeouts += 1;
                if let Some(lookup) = self.lookups.get(lookup.0) {
                    lookup.timeouts += 1;
                    lookup.owner_timeouts += 1;
                }
            }
            Note::Retried(lookup) => {
                if let Some(lookup) = self.lookups.get(lookup.0) {
                    lookup.retries += 1;
                }
            }
            Note::MaintenanceTimedOut => self.tally.all_timeouts += 1,
            Note::Answer { lookup, owner, hops } => {
                self.end(lookup, now, Ending::Answered { owner, hops });
            }
            Note::NoRoute(lookup) => self.end(lookup, now, Ending::NoRoute),
            Note::Joined => {
                if let Some(began) = self.joining.remove(&at) {
                    self.tally.joins.completed += 1;
                    self.tally.joins.time.record(now.since(began));
                }
            }
            Note::Stored(request) => self.ledger.on_stored(now, request, &mut self.tally),
            Note::Fetched { request, value, hops } => {
                self.ledger.on_fetched(now, request, value, hops, self.fault, &mut self.tally);
            }
            Note::Misdirected(_) => self.tally.storage.misdirected += 1,
            Note::Failed(request) => {
                self.ledger.on_failed(now, request, self.fault, &mut self.tally);
            }
            Note::Downloaded(request) => {
                if let Some(began) = self.downloads.finish(request.0) {
                    self.tally.downloads.completed += 1;
                    self.tally.downloads.time.record(now.since(began));
                }
            }
        }
    }

    fn interrupts(&self) -> bool {
        self.interrupts && !self.stopped.is_empty()
    }

    fn on_stop(&mut self, now: Time, node: Address) {
        self.joining.remove(&node);
        self.stopped.push((now, node));
        let ring = Rc::make_mut(&mut self.ring);
        for token in node.index()..node.index() + self.tokens_per_node {
            ring.remove(self.ids, Address::new(token));
        }
        self.ring_version += 1;
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
    fn time_outs_of_the_owner_and_retries_are_counted_with_their_lookup() {
        let ids = ids();
        let space = IdSpace::new(3).unwrap();
        let mut recorder = recorder(&ids, None);
        let lookup = recorder.issue(Time::ZERO, node(0), space.id(2));
        let answer = Note::Answer { lookup, owner: node(2), hops: 1 };
        let owner = Note::OwnerTimedOut(lookup);
        let notes = [Note::TimedOut(lookup), owner, owner, Note::Retried(lookup), answer, owner];
        for note in notes {
            recorder.on_note(Time::ZERO + SECOND, node(0), note);
        }
        let tally = recorder.finish(Time::ZERO + SECOND);
        assert_eq!((tally.lookup_timeouts, tally.owner_timeouts, tally.retries), (3, 2, 1));
        assert_eq!((tally.all_timeouts, tally.max_timeouts), (4, 3));
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

    fn at(seconds: u64) -> Time {
        Time::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn joins_take_from_their_beginning_to_their_end() {
        let ids = ids();
        let mut recorder = recorder(&ids, None);
        recorder.join_begins(at(1), node(0));
        recorder.join_begins(at(2), node(1));
        recorder.join_begins(at(2), node(2));
        recorder.on_note(at(4), node(0), Note::Joined);
        // Neither a second time, nor after it stopped.
        recorder.on_note(at(5), node(0), Note::Joined);
        recorder.on_stop(at(5), node(1));
        recorder.on_note(at(6), node(1), Note::Joined);
        let joins = recorder.finish(at(9)).joins;
        assert_eq!((joins.issued, joins.completed), (3, 1));
        assert_eq!(joins.time.mean_ms(), Some(3000.0));
    }

    #[test]
    fn a_node_that_stops_takes_its_tokens_off_the_ring() {
        let space = IdSpace::new(3).unwrap();
        let ids = [0, 4, 1, 5].map(|n| space.id(n));
        let ring = Rc::new(Ring::of(&ids, (0..4).map(Address::new)));
        let mut recorder = Recorder::new(&ids, ring, None).with_tokens(2);
        let lookup = recorder.issue(at(0), node(0), space.id(2));
        recorder.on_stop(at(1), node(0));
        assert_eq!(recorder.ring().iter().collect::<Vec<_>>(), [node(2), node(3)]);
        assert_eq!(recorder.take_stopped(), [(at(1), node(0))]);
        assert_eq!(recorder.take_stopped(), []);
        // The owner was the token at 4; now it is the one at 5.
        recorder.on_note(at(2), node(2), Note::Answer { lookup, owner: node(3), hops: 0 });
        assert_eq!(recorder.finish(at(2)).correct, 1);
    }

    #[test]
    fn downloads_are_counted_once() {
        let ids = ids();
        let mut recorder = recorder(&ids, None);
        let (done, _never) = (recorder.issue_download(at(1)), recorder.issue_download(at(2)));
        recorder.on_note(at(6), node(0), Note::Downloaded(done));
        recorder.on_note(at(7), node(0), Note::Downloaded(done));
        // One that fails is no get, whatever else is under way.
        recorder.ledger_mut().set_up([(ids[1], 1)].into_iter(), true, None);
        let (gone, get) = (recorder.issue_download(at(7)), recorder.issue_get(at(7), 0));
        recorder.on_note(at(8), node(0), Note::Failed(gone));
        let value = Some(Value { version: 1, bytes: 1 });
        recorder.on_note(at(8), node(0), Note::Fetched { request: get, value, hops: 1 });
        let tally = recorder.finish(at(9));
        assert_eq!((tally.storage.gets.issued, tally.storage.gets.correct), (1, 1));
        let downloads = tally.downloads;
        assert_eq!((downloads.issued, downloads.completed), (3, 1));
        assert_eq!(downloads.time.mean_ms(), Some(5000.0));
    }

    #[test]
    fn what_goes_wrong_after_the_first_fault_is_counted() {
        let ids = ids();
        let mut recorder = recorder(&ids, None);
        recorder.ledger_mut().set_up([(ids[1], 1)].into_iter(), true, None);
        let answer = |recorder: &mut Recorder<'_>, seconds, request, version| {
            let value = Some(Value { version, bytes: 1 });
            recorder.on_note(at(seconds), node(0), Note::Fetched { request, value, hops: 1 });
        };
        // Made before the fault, wherever it ends.
        let before = recorder.issue_get(at(9), 0);
        recorder.fault_strikes(at(10));
        recorder.on_note(at(11), node(0), Note::Failed(before));
        let (wrong, right) = (recorder.issue_get(at(10), 0), recorder.issue_get(at(20), 0));
        recorder.on_note(at(12), node(0), Note::Failed(wrong));
        answer(&mut recorder, 21, right, 1);
        // The second fault begins no count of its own.
        recorder.fault_strikes(at(30));
        let (put, _) = recorder.issue_put(at(31), 0);
        recorder.on_note(at(32), node(0), Note::Stored(put));
        let old = recorder.issue_get(at(33), 0);
        answer(&mut recorder, 34, old, 1);
        let lookup = recorder.issue(at(40), node(0), ids[1]);
        recorder.on_note(at(41), node(0), Note::Answer { lookup, owner: node(1), hops: 1 });
        let _unanswered = recorder.issue(at(45), node(0), ids[1]);
        let _failing_put = recorder.issue_put(at(50), 0);
        let after = recorder.finish(at(60)).after_fault;
        assert_eq!((after.issued, after.wrong), (5, 3));
        assert_eq!(after.outage, Duration::from_secs(35));
    }
}
