//! Watches one simulation: follows every request from question to answer, and has the
//! oracle judge it.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::Tally;
use super::accounts::Accounts;
use super::storage::Ledger;
use super::window::Window;
use crate::id::Id;
use crate::network::DirectDelays;
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
    /// The delays that latencies are set against, if they are to be.
    direct: Option<DirectDelays>,
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
    /// Whether it interrupts the simulation for good when a lookup goes round in circles.
    ends_with_loop: bool,
    /// How often each lookup that nobody waits for any more has been passed on since, if it may
    /// go on for ever.
    astray: BTreeMap<LookupId, u32>,
    /// Lookups that have gone round in circles.
    circling: u64,
    /// Nodes whose join has lost its contact since anybody asked.
    contactless: Vec<Address>,
    /// Nodes that stopped since anybody asked.
    stopped: Vec<(Time, Address)>,
    accounts: Accounts,
    /// The number of the next lookup.
    next_lookup: u32,
    /// The lookups that are written down, in the order in which they were asked.
    traces: Vec<(LookupId, Trace)>,
}

/// A lookup that is followed.
#[derive(Clone, Copy, Debug)]
struct Followed {
    origin: Address,
    stands_at: Address,
    /// The key's owner at the time of this version of the ring.
    owner: Address,
    ring_version: u32,
    timeouts: u32,
    forwards: u32,
    /// How often it has come to a node other than its origin.
    contacted: u32,
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
    /// Who asked.
    pub origin: Option<Address>,
    /// What was looked for.
    pub key: Id,
    /// When it was asked.
    pub asked: Time,
    /// The nodes at which it stood, its origin first.
    pub path: Vec<Address>,
    /// Times that a node did not answer, by the place in the path at which it stood then.
    pub timeouts: Vec<usize>,
    /// The answer, once there is one.
    pub owner: Option<Address>,
    /// Whether the answer was right when it came.
    pub is_right: bool,
    /// How long the answer took.
    pub took: Option<Duration>,
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
    Looped,
}

impl<'i> Recorder<'i> {
    /// A recorder over the nodes that are up at the start.
    pub fn new(ids: &'i [Id], ring: Rc<Ring>, timeout: Option<Duration>) -> Self {
        Recorder {
            ids,
            tokens_per_node: 1,
            ring,
            direct: None,
            ring_version: 0,
            timeout,
            lookups: Window::default(),
            ledger: Ledger::default(),
            downloads: Window::default(),
            joining: BTreeMap::new(),
            fault: None,
            interrupts: false,
            ends_with_loop: false,
            astray: BTreeMap::new(),
            circling: 0,
            contactless: Vec::new(),
            stopped: Vec::new(),
            accounts: Accounts::default(),
            next_lookup: 0,
            traces: Vec::new(),
        }
    }

    /// The same where each node stands on the ring with so many addresses, its own and the
    /// next ones.
    pub fn with_tokens(self, tokens_per_node: usize) -> Self {
        Recorder { tokens_per_node, ..self }
    }

    /// The same, setting the latencies of lookups against these delays.
    pub fn with_direct_delays(self, direct: DirectDelays) -> Self {
        Recorder { direct: Some(direct), ..self }
    }

    /// The same, interrupting the simulation when a node stops.
    pub fn interrupting(self, interrupts: bool) -> Self {
        Recorder { interrupts, ..self }
    }

    /// The same, interrupting the simulation when a lookup goes round in circles, as it does for
    /// ever.
    pub fn ending_with_loop(self, ends_with_loop: bool) -> Self {
        Recorder { ends_with_loop, ..self }
    }

    /// Whether a lookup has gone round in circles, and nothing else would end the simulation.
    pub fn must_end(&self) -> bool {
        self.ends_with_loop && self.circling > 0
    }

    /// How many lookups have gone round in circles.
    pub fn circling(&self) -> u64 {
        self.circling
    }

    /// A lookup that has been passed on more often than this goes round in circles: twice over
    /// all nodes there ever are, the second time for those that did not answer, and four times
    /// the bits of an identifier for the fingers that failed.
    pub fn most_forwards(&self) -> u32 {
        let nodes = u32::try_from(self.ids.len()).unwrap_or(u32::MAX);
        nodes.saturating_mul(2).saturating_add(4 * 160)
    }

    /// The nodes that are up.
    pub fn ring(&self) -> &Ring {
        &self.ring
    }

    /// What has been counted so far, without the warm-up once that is over. Requests that are
    /// open are in it as issued only.
    pub fn so_far(&self) -> &Tally {
        self.accounts.counted()
    }

    /// What has been counted since the start, warm-up included.
    pub fn in_all(&self, get: impl Fn(&Tally) -> u64) -> u64 {
        self.accounts.in_all(get)
    }

    /// The warm-up ends: what was asked or happened before this moment is in no result.
    pub fn end_warm_up(&mut self, now: Time) {
        self.accounts.end_warm_up(now);
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

    /// A node that had stopped is up again, with its old state.
    pub fn node_returns(&mut self, node: Address) {
        for token in node.index()..node.index() + self.tokens_per_node {
            self.node_joined(Address::new(token));
        }
    }

    /// A node begins to join.
    pub fn join_begins(&mut self, now: Time, node: Address) {
        self.accounts.now().joins.issued += 1;
        self.joining.insert(node, now);
    }

    /// When a node began to join, if it does not take part yet.
    pub fn joining_since(&self, node: Address) -> Option<Time> {
        self.joining.get(&node).copied()
    }

    /// A node that had stopped while it was joining goes on with that.
    pub fn join_goes_on(&mut self, node: Address, began: Time) {
        self.joining.insert(node, began);
    }

    /// How many nodes began to join longer ago than that and do not take part yet.
    pub fn joining_for_longer_than(&self, time: Duration, now: Time) -> usize {
        self.joining.values().filter(|began| now.since(**began) > time).count()
    }

    /// A node is asked to leave.
    pub fn leave_begins(&mut self) {
        self.accounts.now().joins.leaves += 1;
    }

    /// Something breaks at this moment.
    pub fn fault_strikes(&mut self, now: Time) {
        self.fault.get_or_insert(now);
    }

    /// The nodes that stopped since this was asked last, and when.
    pub fn take_stopped(&mut self) -> Vec<(Time, Address)> {
        std::mem::take(&mut self.stopped)
    }

    /// The nodes whose join has lost its contact since this was asked last.
    pub fn take_contactless(&mut self) -> Vec<Address> {
        std::mem::take(&mut self.contactless)
    }

    /// A lookup of a key is about to be asked at a node; gives it its number.
    pub fn issue(&mut self, now: Time, origin: Address, key: Id) -> LookupId {
        self.slide(now);
        let number = LookupId(self.next_lookup);
        self.next_lookup += 1;
        let (predecessor, owner) = self.ring.around(self.ids, key);
        let goal = self.ids[predecessor.index()];
        let followed = Followed {
            origin,
            stands_at: origin,
            owner,
            ring_version: self.ring_version,
            timeouts: 0,
            forwards: 0,
            contacted: 0,
            owner_timeouts: 0,
            retries: 0,
            issued: now,
            key,
            goal,
            remaining: self.ids[origin.index()].distance_to(goal),
        };
        self.lookups.open(number.0, followed);
        let tally = self.accounts.now();
        tally.issued += 1;
        tally.after_fault.issued += u64::from(self.fault.is_some());
        number
    }

    /// A value is about to be put, by a request with this number.
    pub fn issue_put(&mut self, now: Time, key: usize) -> (RequestId, Value) {
        self.ledger.issue_put(now, key, &mut self.accounts)
    }

    /// A value is about to be asked for, by a request with this number.
    pub fn issue_get(&mut self, now: Time, key: usize) -> RequestId {
        self.accounts.now().after_fault.issued += u64::from(self.fault.is_some());
        self.ledger.issue_get(now, key, &mut self.accounts)
    }

    /// A node is about to download the shared file.
    pub fn issue_download(&mut self, now: Time) -> RequestId {
        // Of the numbers of puts and gets, so that a failed download is none of them.
        let request = self.ledger.number();
        self.accounts.now().downloads.issued += 1;
        self.downloads.open(request.0, now);
        request
    }

    /// Writes down where this lookup, which was issued last, goes from now on.
    pub fn trace(&mut self, lookup: LookupId) {
        let mut trace = Trace::default();
        if let Some(followed) = self.lookups.get(lookup.0) {
            (trace.origin, trace.key) = (Some(followed.origin), followed.key);
            trace.asked = followed.issued;
        }
        self.traces.push((lookup, trace));
    }

    /// What is being written down, in the order in which the lookups were asked.
    pub fn traced(&self) -> impl Iterator<Item = &Trace> {
        self.traces.iter().map(|(_, trace)| trace)
    }

    /// What was written down since this was asked last.
    pub fn take_traces(&mut self) -> Vec<Trace> {
        std::mem::take(&mut self.traces).into_iter().map(|(_, trace)| trace).collect()
    }

    fn trace_of(&mut self, lookup: LookupId) -> Option<&mut Trace> {
        // Outside of views there are none.
        if self.traces.is_empty() {
            return None;
        }
        let found = self.traces.binary_search_by_key(&lookup, |(number, _)| *number);
        found.ok().map(|place| &mut self.traces[place].1)
    }

    /// A node did not answer a lookup, which is written down if the lookup is.
    fn trace_timeout(&mut self, lookup: LookupId) {
        if let Some(trace) = self.trace_of(lookup).filter(|trace| !trace.ended) {
            trace.timeouts.push(trace.path.len().saturating_sub(1));
        }
    }

    /// Closes the books at the end of the run.
    pub fn finish(mut self, now: Time) -> Tally {
        while let Some((number, lookup)) = self.lookups.finish_oldest_if(|_| true) {
            let ending =
                if self.is_too_late(&lookup, now) { Ending::TimedOut } else { Ending::Unanswered };
            self.close(LookupId(number), &lookup, now, ending);
        }
        self.ledger.finish(now, self.fault, &mut self.accounts);
        self.accounts.close()
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

    /// How many times the round trip between two nodes a lookup took, as so many milliseconds;
    /// nothing for the node's own keys, or where there is no distance.
    fn stretch(&self, origin: Address, owner: Address, latency: Duration) -> Option<Duration> {
        let direct = self.direct.as_ref()?;
        // Messages to any of a server's addresses go to the node that has them all.
        let host = owner.index() - owner.index() % self.tokens_per_node;
        let owner = Address::new(host);
        if owner == origin {
            return None;
        }
        let round_trip = direct.between(origin, owner) + direct.between(owner, origin);
        let millis = u128::from(Duration::from_millis(1).as_nanos());
        let stretch = u128::from(latency.as_nanos()) * millis;
        let stretch = stretch.checked_div(u128::from(round_trip.as_nanos()))?;
        Some(Duration::from_nanos(u64::try_from(stretch).unwrap_or(u64::MAX)))
    }

    fn stands_at(&mut self, now: Time, number: LookupId, node: Address) {
        let most_forwards = self.most_forwards();
        let Some(lookup) = self.lookups.get(number.0) else { return self.goes_astray(number) };
        if lookup.stands_at != node {
            let remaining = self.ids[node.index()].distance_to(lookup.goal);
            let tally = self.accounts.of(lookup.issued);
            tally.forwards += 1;
            if remaining.is_at_most_half_of(lookup.remaining) {
                tally.halving_forwards += 1;
            }
            lookup.contacted += u32::from(node != lookup.origin);
            lookup.remaining = remaining;
            lookup.stands_at = node;
            lookup.forwards += 1;
        }
        let has_looped = lookup.forwards > most_forwards;
        if let Some(trace) = self.trace_of(number)
            && trace.path.last() != Some(&node)
        {
            trace.path.push(node);
        }
        if has_looped {
            self.circling += 1;
            self.end(number, now, Ending::Looped);
        }
    }

    /// A lookup that has ended for whoever asked is passed on all the same.
    fn goes_astray(&mut self, number: LookupId) {
        if self.ends_with_loop {
            let most_forwards = self.most_forwards();
            let forwards = self.astray.entry(number).or_default();
            *forwards += 1;
            self.circling += u64::from(*forwards == most_forwards);
        }
    }

    /// A lookup of the workload has ended, if it was open.
    fn end(&mut self, number: LookupId, now: Time, ending: Ending) {
        let Some(lookup) = self.lookups.finish(number.0) else { return };
        let ending = if self.is_too_late(&lookup, now) { Ending::TimedOut } else { ending };
        self.close(number, &lookup, now, ending);
    }

    fn close(&mut self, number: LookupId, lookup: &Followed, now: Time, ending: Ending) {
        let stretch = match ending {
            Ending::Answered { owner, .. } => {
                self.stretch(lookup.origin, owner, now.since(lookup.issued))
            }
            _ => None,
        };
        let tally = self.accounts.of(lookup.issued);
        tally.count_timeouts(lookup.timeouts, lookup.owner_timeouts);
        tally.contacted += u64::from(lookup.contacted);
        tally.max_contacted = tally.max_contacted.max(u64::from(lookup.contacted));
        tally.retries += u64::from(lookup.retries);
        let mut is_right = false;
        match ending {
            Ending::TimedOut => tally.failures.timed_out += 1,
            Ending::Unanswered => tally.failures.unanswered += 1,
            Ending::NoRoute => tally.failures.no_route += 1,
            Ending::Looped => tally.failures.looped += 1,
            Ending::Answered { owner, hops } => {
                let right = if lookup.ring_version == self.ring_version {
                    lookup.owner
                } else {
                    self.ring.owner(self.ids, lookup.key)
                };
                is_right = right == owner;
                tally.count_hops(hops as usize);
                tally.latency.record(now.since(lookup.issued));
                if let Some(stretch) = stretch {
                    tally.stretch.record(stretch);
                }
                if is_right {
                    tally.correct += 1;
                } else {
                    tally.incorrect += 1;
                }
            }
        }
        if !is_right {
            tally.after_fault.count_wrong(lookup.issued, self.fault);
        }
        if let Some(trace) = self.trace_of(number) {
            if let Ending::Answered { owner, .. } = ending {
                (trace.owner, trace.is_right) = (Some(owner), is_right);
                trace.took = Some(now.since(lookup.issued));
            }
            trace.ended = true;
        }
    }
}

impl Observer for Recorder<'_> {
    fn on_note(&mut self, now: Time, at: Address, note: Note) {
        match note {
            Note::StandsAt { lookup, node } => self.stands_at(now, lookup, node),
            Note::TimedOut(lookup) => {
                self.accounts.now().all_timeouts += 1;
                if let Some(lookup) = self.lookups.get(lookup.0) {
                    lookup.timeouts += 1;
                }
                self.trace_timeout(lookup);
            }
            Note::OwnerTimedOut(lookup) => {
                self.accounts.now().all_timeouts += 1;
                if let Some(lookup) = self.lookups.get(lookup.0) {
                    lookup.timeouts += 1;
                    lookup.owner_timeouts += 1;
                }
                self.trace_timeout(lookup);
            }
            Note::Retried(lookup) => {
                if let Some(lookup) = self.lookups.get(lookup.0) {
                    lookup.retries += 1;
                }
            }
            Note::MaintenanceTimedOut => self.accounts.now().all_timeouts += 1,
            Note::Answer { lookup, owner, hops } => {
                self.end(lookup, now, Ending::Answered { owner, hops });
            }
            Note::NoRoute(lookup) => self.end(lookup, now, Ending::NoRoute),
            Note::Joined => {
                if let Some(began) = self.joining.remove(&at) {
                    let joins = &mut self.accounts.of(began).joins;
                    joins.completed += 1;
                    joins.time.record(now.since(began));
                }
            }
            Note::ContactLost => self.contactless.push(at),
            Note::Stored(request) => self.ledger.on_stored(now, request, &mut self.accounts),
            Note::Fetched { request, value, hops } => {
                self.ledger.on_fetched(now, request, value, hops, self.fault, &mut self.accounts);
            }
            Note::Misdirected(_) => self.accounts.now().storage.misdirected += 1,
            Note::Failed(request) => {
                self.ledger.on_failed(now, request, self.fault, &mut self.accounts);
            }
            Note::Downloaded(request) => {
                if let Some(began) = self.downloads.finish(request.0) {
                    let downloads = &mut self.accounts.of(began).downloads;
                    downloads.completed += 1;
                    downloads.time.record(now.since(began));
                }
            }
        }
    }

    fn interrupts(&self) -> bool {
        (self.interrupts && !self.stopped.is_empty())
            || !self.contactless.is_empty()
            || self.must_end()
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

    #[test]
    fn what_is_asked_during_the_warm_up_is_not_counted_wherever_it_ends() {
        let (ids, space) = (ids(), IdSpace::new(3).unwrap());
        let mut recorder = recorder(&ids, Some(Duration::from_secs(30)));
        recorder.ledger_mut().set_up([(ids[1], 1)].into_iter(), true, None);
        let answer = |recorder: &mut Recorder<'_>, seconds, lookup| {
            let note = Note::StandsAt { lookup, node: node(1) };
            recorder.on_note(at(seconds), node(0), note);
            recorder.on_note(at(seconds), node(0), Note::TimedOut(lookup));
            let note = Note::Answer { lookup, owner: node(2), hops: 1 };
            recorder.on_note(at(seconds), node(0), note);
        };
        let ask = |recorder: &mut Recorder<'_>, seconds| {
            let lookup = recorder.issue(at(seconds), node(0), space.id(2));
            let (get, _) = (recorder.issue_get(at(seconds), 0), recorder.issue_put(at(seconds), 0));
            recorder.join_begins(at(seconds), node(seconds as usize));
            let download = recorder.issue_download(at(seconds));
            recorder.leave_begins();
            (lookup, get, download)
        };
        let end = |recorder: &mut Recorder<'_>, seconds, joined, (lookup, get, download)| {
            answer(recorder, seconds, lookup);
            let value = Some(Value { version: 1, bytes: 1 });
            let fetched = Note::Fetched { request: get, value, hops: 1 };
            recorder.on_note(at(seconds), node(0), fetched);
            recorder.on_note(at(seconds), node(0), Note::Downloaded(download));
            recorder.on_note(at(seconds), node(joined), Note::Joined);
        };
        let (early, across, unanswered) =
            (ask(&mut recorder, 0), ask(&mut recorder, 9), ask(&mut recorder, 9));
        end(&mut recorder, 1, 0, early);
        recorder.end_warm_up(at(10));
        let (counted, lost) = (ask(&mut recorder, 10), ask(&mut recorder, 11));
        end(&mut recorder, 12, 9, across);
        end(&mut recorder, 13, 10, counted);
        recorder.on_note(at(14), node(0), Note::NoRoute(unanswered.0));
        recorder.on_note(at(15), node(0), Note::NoRoute(lost.0));
        assert_eq!(recorder.in_all(|tally| tally.issued), 5);
        assert_eq!(recorder.in_all(|tally| tally.correct), 3);
        let tally = recorder.finish(at(20));
        assert_eq!((tally.issued, tally.correct, tally.failures.no_route), (2, 1, 1));
        assert_eq!((tally.hops, tally.forwards, tally.contacted), (vec![0, 1], 1, 1));
        assert_eq!((tally.lookup_timeouts, tally.latency.mean_ms()), (1, Some(3000.0)));
        // What happens by itself counts from then on, whatever it happens to.
        assert_eq!(tally.all_timeouts, 2);
        let Tally { joins, downloads, storage, .. } = tally;
        assert_eq!((joins.issued, joins.completed, joins.leaves), (2, 1, 2));
        assert_eq!(joins.time.mean_ms(), Some(3000.0));
        assert_eq!((downloads.issued, downloads.completed), (2, 1));
        assert_eq!((storage.gets.issued, storage.gets.correct), (2, 1));
        assert_eq!((storage.gets.failures.unanswered, storage.puts.failures.unanswered), (1, 2));
        assert_eq!(tally.counted_from, at(10));
    }

    #[test]
    fn a_warm_up_hides_nothing_of_what_a_fault_has_done() {
        let ids = ids();
        let mut recorder = recorder(&ids, None);
        recorder.fault_strikes(at(1));
        let wrong = [2, 3].map(|seconds| recorder.issue(at(seconds), node(0), ids[1]));
        recorder.end_warm_up(at(5));
        let later = recorder.issue(at(7), node(0), ids[1]);
        for lookup in [wrong[0], wrong[1], later] {
            recorder.on_note(at(8), node(0), Note::NoRoute(lookup));
        }
        let after = recorder.finish(at(9)).after_fault;
        assert_eq!((after.issued, after.wrong, after.outage), (3, 3, Duration::from_secs(6)));
    }

    #[test]
    fn stretch_is_the_latency_over_the_direct_round_trip() {
        let ids = ids();
        let network = |delay| {
            let latency = crate::network::Latency::Constant(delay);
            let stream = || crate::sim::Stream::new(1, 0, "test");
            crate::network::Network::new(latency, 0.0, stream(), stream()).direct_delays(Vec::new())
        };
        let stretch = |delay, tokens, owner| {
            let recorder = recorder(&ids, None).with_tokens(tokens);
            let mut recorder = recorder.with_direct_delays(network(delay));
            let lookup = recorder.issue(at(1), node(0), ids[1]);
            recorder.on_note(at(4), node(0), Note::Answer { lookup, owner: node(owner), hops: 1 });
            recorder.finish(at(4)).stretch.mean_ms()
        };
        // Three seconds for a round trip of one, and of two thirds.
        assert_eq!(stretch(Duration::from_millis(500), 1, 2), Some(3.0));
        assert_eq!(stretch(SECOND, 1, 2), Some(1.5));
        // An answer that names the node itself, or another of its addresses, and no distance.
        assert_eq!(stretch(SECOND, 1, 0), None);
        assert_eq!(stretch(SECOND, 2, 1), None);
        assert_eq!(stretch(SECOND, 2, 2), Some(1.5));
        assert_eq!(stretch(Duration::ZERO, 1, 2), None);
    }

    #[test]
    fn nodes_that_a_lookup_comes_to_are_contacted_but_not_its_origin() {
        let ids = ids();
        let mut recorder = recorder(&ids, None);
        let _never_answered = recorder.issue(at(0), node(0), ids[1]);
        let lookup = recorder.issue(at(0), node(0), ids[1]);
        for stands_at in [0, 1, 1, 0, 2] {
            let note = Note::StandsAt { lookup, node: node(stands_at) };
            recorder.on_note(at(1), node(0), note);
        }
        let tally = recorder.finish(at(2));
        assert_eq!((tally.contacted, tally.max_contacted, tally.forwards), (2, 2, 3));
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
