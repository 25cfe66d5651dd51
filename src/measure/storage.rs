//! The truth about stored values: which were put, which of them a get should find, and what
//! came of every put and get.

use super::accounts::Accounts;
use super::summary::Failures;
use super::window::Window;
use crate::id::Id;
use crate::sim::{Duration, RequestId, Time, Value};

/// Which values there should be, and the puts and gets under way.
#[derive(Debug, Default)]
pub struct Ledger {
    keys: Vec<Key>,
    requests: Window<Request>,
    next: u32,
    /// Requests without an answer after this time have failed.
    timeout: Option<Duration>,
}

/// A key that values are put under.
#[derive(Clone, Copy, Debug)]
struct Key {
    id: Id,
    bytes: u32,
    /// The newest version that anybody began to put.
    issued: u32,
    /// The newest version whose put was acknowledged; zero if none was.
    acknowledged: u32,
}

#[derive(Clone, Copy, Debug)]
struct Request {
    key: u32,
    issued: Time,
    wants: Wants,
}

#[derive(Clone, Copy, Debug)]
enum Wants {
    /// To put this version.
    Put(u32),
    /// To get this version or a newer one; zero if there need be none.
    Get(u32),
}

impl Ledger {
    /// Says which keys there are, with the sizes of their values, and how long requests may
    /// take. With `preloaded` the first version of every value is there already.
    pub fn set_up(
        &mut self,
        keys: impl Iterator<Item = (Id, u32)>,
        preloaded: bool,
        timeout: Option<Duration>,
    ) {
        let version = u32::from(preloaded);
        self.keys = keys
            .map(|(id, bytes)| Key { id, bytes, issued: version, acknowledged: version })
            .collect();
        self.timeout = timeout;
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The identifier of a key.
    pub fn id(&self, key: usize) -> Id {
        self.keys[key].id
    }

    /// The keys with the newest value that a put was acknowledged for.
    pub fn values(&self) -> impl Iterator<Item = (Id, Value)> {
        let there = self.keys.iter().filter(|key| key.acknowledged > 0);
        there.map(|key| (key.id, Value { version: key.acknowledged, bytes: key.bytes }))
    }

    pub(super) fn issue_put(
        &mut self,
        now: Time,
        key: usize,
        accounts: &mut Accounts,
    ) -> (RequestId, Value) {
        let request = self.number();
        let of = &mut self.keys[key];
        of.issued += 1;
        let value = Value { version: of.issued, bytes: of.bytes };
        let wants = Wants::Put(of.issued);
        self.requests.open(request.0, Request { key: key as u32, issued: now, wants });
        accounts.now().storage.puts.issued += 1;
        (request, value)
    }

    pub(super) fn issue_get(
        &mut self,
        now: Time,
        key: usize,
        accounts: &mut Accounts,
    ) -> RequestId {
        let request = self.number();
        let wants = Wants::Get(self.keys[key].acknowledged);
        self.requests.open(request.0, Request { key: key as u32, issued: now, wants });
        accounts.now().storage.gets.issued += 1;
        request
    }

    /// The number of the next request, of whatever kind.
    pub(super) fn number(&mut self) -> RequestId {
        self.next += 1;
        RequestId(self.next - 1)
    }

    /// A put is acknowledged. However late that is, the value is there.
    pub(super) fn on_stored(&mut self, now: Time, request: RequestId, accounts: &mut Accounts) {
        let Some(request) = self.requests.finish(request.0) else { return };
        let Wants::Put(version) = request.wants else { return };
        let key = &mut self.keys[request.key as usize];
        key.acknowledged = key.acknowledged.max(version);
        let tally = accounts.of(request.issued);
        if self.is_too_late(&request, now) {
            tally.storage.puts.failures.timed_out += 1;
        } else {
            tally.storage.puts.stored += 1;
            tally.storage.put_latency.record(now.since(request.issued));
        }
    }

    /// A get is answered.
    pub(super) fn on_fetched(
        &mut self,
        now: Time,
        request: RequestId,
        value: Option<Value>,
        hops: u32,
        fault: Option<Time>,
        accounts: &mut Accounts,
    ) {
        let Some(request) = self.requests.finish(request.0) else { return };
        let Wants::Get(wanted) = request.wants else { return };
        let found = value.map_or(0, |value| value.version);
        let tally = accounts.of(request.issued);
        let gets = &mut tally.storage.gets;
        if self.is_too_late(&request, now) {
            gets.failures.timed_out += 1;
        } else {
            tally.storage.get_latency.record(now.since(request.issued));
            tally.storage.get_hops += u64::from(hops);
            if found >= wanted {
                gets.correct += 1;
                return;
            }
            if found > 0 {
                gets.old += 1;
            } else {
                gets.missing += 1;
            }
        }
        tally.after_fault.count_wrong(request.issued, fault);
    }

    /// A request is given up.
    pub(super) fn on_failed(
        &mut self,
        now: Time,
        request: RequestId,
        fault: Option<Time>,
        accounts: &mut Accounts,
    ) {
        let Some(request) = self.requests.finish(request.0) else { return };
        let failures = failures_of(&request, fault, accounts);
        if self.is_too_late(&request, now) {
            failures.timed_out += 1;
        } else {
            failures.no_route += 1;
        }
    }

    /// Closes the books.
    pub(super) fn finish(&mut self, now: Time, fault: Option<Time>, accounts: &mut Accounts) {
        while let Some((_, request)) = self.requests.finish_oldest_if(|_| true) {
            let failures = failures_of(&request, fault, accounts);
            if self.is_too_late(&request, now) {
                failures.timed_out += 1;
            } else {
                failures.unanswered += 1;
            }
        }
    }

    fn is_too_late(&self, request: &Request, now: Time) -> bool {
        self.timeout.is_some_and(|timeout| request.issued + timeout < now)
    }
}

/// Where the failure of a request is counted.
fn failures_of<'t>(
    request: &Request,
    fault: Option<Time>,
    accounts: &'t mut Accounts,
) -> &'t mut Failures {
    let tally = accounts.of(request.issued);
    match request.wants {
        Wants::Put(_) => &mut tally.storage.puts.failures,
        Wants::Get(_) => {
            tally.after_fault.count_wrong(request.issued, fault);
            &mut tally.storage.gets.failures
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::IdSpace;
    use crate::measure::summary::{Gets, Puts};

    const KEY: usize = 1;

    /// A ledger over two keys, with what it has counted.
    struct Books {
        ledger: Ledger,
        accounts: Accounts,
    }

    fn books(preloaded: bool, timeout_ms: Option<u64>) -> Books {
        let space = IdSpace::new(8).unwrap();
        let keys = [(space.id(10), 100), (space.id(20), 200)];
        let mut ledger = Ledger::default();
        ledger.set_up(keys.into_iter(), preloaded, timeout_ms.map(Duration::from_millis));
        Books { ledger, accounts: Accounts::default() }
    }

    fn at(millis: u64) -> Time {
        Time::ZERO + Duration::from_millis(millis)
    }

    impl Books {
        fn put(&mut self, issued: u64) -> RequestId {
            self.ledger.issue_put(at(issued), KEY, &mut self.accounts).0
        }

        fn stored(&mut self, now: u64, put: RequestId) {
            self.ledger.on_stored(at(now), put, &mut self.accounts);
        }

        fn get(&mut self, issued: u64) -> RequestId {
            self.ledger.issue_get(at(issued), KEY, &mut self.accounts)
        }

        /// A get is answered with this version; zero for nothing.
        fn fetched(&mut self, now: u64, get: RequestId, version: u32) {
            let value = (version > 0).then_some(Value { version, bytes: 200 });
            self.ledger.on_fetched(at(now), get, value, 2, None, &mut self.accounts);
        }

        /// The versions of the values that there should be.
        fn versions(&self) -> Vec<u32> {
            self.ledger.values().map(|(_, value)| value.version).collect()
        }

        /// Correct, old and missing.
        fn gets(&self) -> (u64, u64, u64) {
            let Gets { correct, old, missing, .. } = self.accounts.counted().storage.gets;
            (correct, old, missing)
        }
    }

    #[test]
    fn a_get_wants_what_was_acknowledged_when_it_was_asked() {
        let mut books = books(true, None);
        let put = books.put(0);
        let before = [books.get(1), books.get(1), books.get(1)];
        books.stored(2, put);
        let after = [books.get(3), books.get(3), books.get(3), books.get(3)];
        for (get, version) in before.into_iter().zip([1, 2, 0]) {
            books.fetched(4, get, version);
        }
        assert_eq!(books.gets(), (2, 0, 1));
        for (get, version) in after.into_iter().zip([2, 1, 0, 3]) {
            books.fetched(5, get, version);
        }
        assert_eq!(books.gets(), (4, 1, 2));
        assert_eq!(
            (
                books.accounts.counted().storage.gets.issued,
                books.accounts.counted().storage.get_hops
            ),
            (7, 14)
        );
    }

    #[test]
    fn nothing_is_right_where_nothing_need_be() {
        let mut books = books(false, None);
        assert!(books.versions().is_empty());
        let (empty, put) = (books.get(0), books.put(0));
        let early = [books.get(1), books.get(1)];
        books.fetched(2, empty, 0);
        books.fetched(2, early[0], 0);
        books.fetched(2, early[1], 1);
        assert_eq!(books.gets(), (3, 0, 0));
        books.stored(3, put);
        let late = books.get(4);
        books.fetched(5, late, 0);
        assert_eq!((books.gets(), books.versions()), ((3, 0, 1), vec![1]));
    }

    #[test]
    fn the_newest_acknowledged_version_counts_whatever_the_order() {
        let mut books = books(true, None);
        let puts = [books.put(0), books.put(0), books.put(0)];
        assert_eq!(books.versions(), [1, 1]);
        books.stored(1, puts[1]);
        assert_eq!(books.versions(), [1, 3]);
        books.stored(2, puts[0]);
        assert_eq!(books.versions(), [1, 3]);
        books.stored(3, puts[2]);
        assert_eq!(books.versions(), [1, 4]);
        // A second acknowledgement counts for nothing.
        books.stored(4, puts[2]);
        let puts = &books.accounts.counted().storage.puts;
        assert_eq!((puts.issued, puts.stored), (3, 3));
    }

    #[test]
    fn what_comes_too_late_has_failed_but_a_value_stored_late_is_there() {
        let mut books = books(true, Some(1000));
        let (in_time, late) = (books.put(0), books.put(1));
        books.stored(1000, in_time);
        books.stored(1002, late);
        let Puts { stored, failures, .. } = books.accounts.counted().storage.puts;
        assert_eq!((stored, failures.timed_out, failures.total()), (1, 1, 1));
        assert_eq!(books.versions(), [1, 3]);
        let (in_time, late) = (books.get(2000), books.get(2000));
        books.fetched(3000, in_time, 3);
        books.fetched(3001, late, 3);
        let gets = &books.accounts.counted().storage.gets;
        assert_eq!((gets.correct, gets.failures.timed_out, gets.failures.total()), (1, 1, 1));
        assert_eq!(books.accounts.counted().storage.get_hops, 2, "hops are of answers in time");
    }

    #[test]
    fn requests_without_an_answer_fail_for_a_reason() {
        let mut books = books(true, Some(1000));
        let gets = [books.get(0), books.get(0), books.get(0), books.get(1500)];
        let puts = [books.put(0), books.put(1500)];
        for (now, request) in [(1000, gets[0]), (1001, gets[1]), (1000, puts[0])] {
            books.ledger.on_failed(at(now), request, None, &mut books.accounts);
        }
        // Answered after it was given up.
        books.fetched(1000, gets[0], 1);
        books.stored(1000, puts[0]);
        books.ledger.finish(at(2000), None, &mut books.accounts);
        let storage = &books.accounts.counted().storage;
        assert_eq!(
            storage.gets.failures,
            Failures { no_route: 1, timed_out: 2, unanswered: 1, looped: 0 },
            "of the gets"
        );
        assert_eq!(
            storage.puts.failures,
            Failures { no_route: 1, timed_out: 0, unanswered: 1, looped: 0 },
            "of the puts"
        );
        assert_eq!((books.gets(), books.versions()), ((0, 0, 0), vec![1, 1]));
    }
}
