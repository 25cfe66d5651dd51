//! The truth about stored values: which were put, which of them a get should find, and what
//! came of every put and get.

use super::Tally;
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
        tally: &mut super::tally::StorageTally,
    ) -> (RequestId, Value) {
        let number = self.number();
        let of = &mut self.keys[key];
        of.issued += 1;
        let value = Value { version: of.issued, bytes: of.bytes };
        let wants = Wants::Put(of.issued);
        self.requests.open(number, Request { key: key as u32, issued: now, wants });
        tally.puts.issued += 1;
        (RequestId(number), value)
    }

    pub(super) fn issue_get(&mut self, now: Time, key: usize, tally: &mut Tally) -> RequestId {
        let number = self.number();
        let wants = Wants::Get(self.keys[key].acknowledged);
        self.requests.open(number, Request { key: key as u32, issued: now, wants });
        tally.storage.gets.issued += 1;
        RequestId(number)
    }

    fn number(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }

    /// A put is acknowledged. However late that is, the value is there.
    pub(super) fn on_stored(&mut self, now: Time, request: RequestId, tally: &mut Tally) {
        let Some(request) = self.requests.finish(request.0) else { return };
        let Wants::Put(version) = request.wants else { return };
        let key = &mut self.keys[request.key as usize];
        key.acknowledged = key.acknowledged.max(version);
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
        tally: &mut Tally,
    ) {
        let Some(request) = self.requests.finish(request.0) else { return };
        let Wants::Get(wanted) = request.wants else { return };
        let found = value.map_or(0, |value| value.version);
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
        tally: &mut Tally,
    ) {
        let Some(request) = self.requests.finish(request.0) else { return };
        let failures = failures_of(&request, fault, tally);
        if self.is_too_late(&request, now) {
            failures.timed_out += 1;
        } else {
            failures.no_route += 1;
        }
    }

    /// Closes the books.
    pub(super) fn finish(&mut self, now: Time, fault: Option<Time>, tally: &mut Tally) {
        while let Some((_, request)) = self.requests.finish_oldest_if(|_| true) {
            let failures = failures_of(&request, fault, tally);
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
    tally: &'t mut Tally,
) -> &'t mut Failures {
    match request.wants {
        Wants::Put(_) => &mut tally.storage.puts.failures,
        Wants::Get(_) => {
            tally.after_fault.count_wrong(request.issued, fault);
            &mut tally.storage.gets.failures
        }
    }
}
