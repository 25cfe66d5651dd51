//! What a node keeps about its own lookups and requests, where the parameters ask for it:
//! the tries of its lookups, its parallel lookups, and how long answers take.
//!
//! A node that has nothing to keep has a pointer to nothing.

use super::parallel::Search;
use super::timing::Clock;
use crate::id::Id;
use crate::overlay::allocated;
use crate::sim::{Address, Duration, LookupId, Time};

/// The books of a node.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Books(Option<Box<Pages>>);

#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Pages {
    tried: Vec<Tried>,
    searches: Vec<Search>,
    clock: Clock,
    /// The nodes that follow fingers, each after its finger.
    followers: Vec<(Address, Address)>,
}

/// A lookup that has no answer yet and may begin again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Tried {
    pub(super) lookup: LookupId,
    pub(super) target: Id,
    /// When the next try is due, or when the last one has had its time.
    pub(super) due: Time,
    /// How often it may still begin again.
    pub(super) left: u32,
    /// Tries that have not ended.
    pub(super) under_way: u32,
}

impl Books {
    /// Bytes outside the struct itself, about, of a node that keeps any and has so many entries
    /// in its tables.
    pub(super) fn estimated_bytes(entries: usize) -> usize {
        allocated(size_of::<Pages>()) + allocated(entries * size_of::<(Address, Duration)>())
    }

    fn pages(&mut self) -> &mut Pages {
        self.0.get_or_insert_default()
    }

    /// Takes note of a lookup that begins.
    pub(super) fn open(&mut self, tried: Tried) {
        self.pages().tried.push(tried);
    }

    /// A lookup is answered or given up: the first answer ends all of it.
    pub(super) fn close(&mut self, lookup: LookupId) {
        if let Some(pages) = &mut self.0 {
            pages.tried.retain(|tried| tried.lookup != lookup);
            pages.searches.retain(|search| search.lookup() != lookup);
        }
    }

    /// A try of a lookup has found nobody to ask: whether there is hope in another one. If not
    /// the lookup is closed.
    pub(super) fn waits_for_another_try(&mut self, lookup: LookupId) -> bool {
        let tried = self
            .0
            .as_mut()
            .and_then(|pages| pages.tried.iter_mut().find(|tried| tried.lookup == lookup));
        let waits = tried.is_some_and(|tried| {
            tried.under_way = tried.under_way.saturating_sub(1);
            tried.left > 0 || tried.under_way > 0
        });
        if !waits {
            self.close(lookup);
        }
        waits
    }

    /// A lookup whose next try, or whose end, is due, with that put down as done. Its search,
    /// if it is a parallel one, is over.
    pub(super) fn take_due(&mut self, now: Time, after: Duration) -> Option<Tried> {
        let pages = self.0.as_mut()?;
        let tried = pages.tried.iter_mut().find(|tried| tried.due <= now)?;
        let due = *tried;
        tried.due = now + after;
        tried.left = tried.left.saturating_sub(1);
        // A search that is over here will not report its end.
        let searches = pages.searches.len();
        pages.searches.retain(|search| search.lookup() != due.lookup);
        tried.under_way += u32::from(pages.searches.len() == searches);
        if due.left == 0 {
            self.close(due.lookup);
        }
        Some(due)
    }

    /// Takes note of a parallel lookup that begins.
    pub(super) fn begin_search(&mut self, search: Search) {
        self.pages().searches.push(search);
    }

    /// A parallel lookup that is under way.
    pub(super) fn search(&mut self, lookup: LookupId) -> Option<&mut Search> {
        self.0.as_mut()?.searches.iter_mut().find(|search| search.lookup() == lookup)
    }

    /// Takes a parallel lookup out, which has come to an end.
    pub(super) fn end_search(&mut self, lookup: LookupId) -> Option<Search> {
        let searches = &mut self.0.as_mut()?.searches;
        let place = searches.iter().position(|search| search.lookup() == lookup)?;
        Some(searches.swap_remove(place))
    }

    /// How long answers take.
    pub(super) fn clock(&self) -> Option<&Clock> {
        self.0.as_ref().map(|pages| &pages.clock)
    }

    /// The same, to take note of one.
    pub(super) fn clock_mut(&mut self) -> &mut Clock {
        &mut self.pages().clock
    }

    /// How long a round trip to a peer takes, as far as is known.
    pub(super) fn round_trip(&self, peer: Address) -> Duration {
        self.clock().map_or(Duration::ZERO, |clock| clock.round_trip(peer))
    }

    /// How long a round trip to a peer has been measured to take.
    pub(super) fn measured(&self, peer: Address) -> Option<Duration> {
        self.clock()?.measured(peer)
    }

    /// The nodes that are known to follow fingers.
    pub(super) fn followers(&self) -> impl Iterator<Item = Address> {
        self.0.iter().flat_map(|pages| pages.followers.iter().map(|(_, follower)| *follower))
    }

    /// These follow a finger. Those of nodes that are no fingers any more are dropped.
    pub(super) fn keep_followers(
        &mut self,
        of: Address,
        followers: &[Address],
        is_finger: impl Fn(Address) -> bool,
    ) {
        let kept = &mut self.pages().followers;
        kept.retain(|(finger, _)| *finger != of && is_finger(*finger));
        kept.extend(followers.iter().map(|follower| (of, *follower)));
    }

    /// A peer is dropped from the tables.
    pub(super) fn forget(&mut self, peer: Address) {
        if let Some(pages) = &mut self.0 {
            pages.followers.retain(|(finger, other)| *finger != peer && *other != peer);
            pages.clock.forget(peer);
        }
    }
}
