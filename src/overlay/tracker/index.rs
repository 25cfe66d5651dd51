//! What a tracker knows: who has what, and since when it has not said so.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::Topic;
use crate::overlay::in_tree;
use crate::sim::{Address, Stream, Time};

/// A client on a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Who.
    pub client: Address,
    /// In which version it has the list's file.
    pub version: u32,
    /// Whether the client itself has said so, and not another tracker.
    pub is_first_hand: bool,
    /// When it is forgotten unless it announces itself again.
    pub expires: Time,
}

/// The lists of a tracker.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Index {
    /// By ascending address each; none is empty.
    lists: BTreeMap<Topic, Vec<Entry>>,
    /// Every entry, by the time at which it expires.
    due: BTreeSet<(Time, Topic, Address)>,
    /// Kept for its memory.
    candidates: Vec<Entry>,
}

impl Index {
    /// Bytes of an entry, about.
    pub(super) fn estimated_bytes() -> usize {
        // A list has room to spare, and what is due stands apart.
        2 * size_of::<Entry>() + in_tree(size_of::<(Time, Topic, Address)>())
    }

    /// The clients of a list, by ascending address.
    pub fn list(&self, topic: Topic) -> &[Entry] {
        self.lists.get(&topic).map_or(&[], Vec::as_slice)
    }

    /// Enters a client, or hears from it again.
    pub(super) fn enter(&mut self, topic: Topic, entry: Entry) {
        let list = self.lists.entry(topic).or_default();
        match list.binary_search_by_key(&entry.client, |entry| entry.client) {
            Ok(place) => {
                self.due.remove(&(list[place].expires, topic, entry.client));
                list[place] = entry;
            }
            Err(place) => list.insert(place, entry),
        }
        self.due.insert((entry.expires, topic, entry.client));
    }

    /// Takes a client off a list.
    pub(super) fn remove(&mut self, topic: Topic, client: Address) {
        let Some(list) = self.lists.get_mut(&topic) else { return };
        if let Ok(place) = list.binary_search_by_key(&client, |entry| entry.client) {
            self.due.remove(&(list[place].expires, topic, client));
            list.remove(place);
            if list.is_empty() {
                self.lists.remove(&topic);
            }
        }
    }

    /// Forgets the clients that have not been heard of for too long.
    pub(super) fn expire(&mut self, now: Time) {
        while let Some((at, topic, client)) = self.due.first().copied()
            && at <= now
        {
            self.remove(topic, client);
        }
    }

    /// At most `count` clients of a list other than one, at random among those with the
    /// newest version. If these are too few, others follow, newer ones first.
    pub(super) fn choose(
        &mut self,
        topic: Topic,
        other_than: Address,
        count: usize,
        random: &mut Stream,
    ) -> &[Entry] {
        let Index { lists, candidates, .. } = self;
        let all = lists.get(&topic).map_or(&[][..], Vec::as_slice);
        let newest = all.iter().map(|entry| entry.version).max().unwrap_or(0);
        candidates.clear();
        candidates.extend(all.iter().filter(|entry| entry.client != other_than));
        if candidates.iter().any(|entry| entry.version != newest) {
            candidates.sort_unstable_by_key(|entry| (Reverse(entry.version), entry.client));
        }
        let among = candidates.partition_point(|entry| entry.version == newest);
        for place in 0..count.min(among) {
            let chosen = place + random.below((among - place) as u64) as usize;
            candidates.swap(place, chosen);
        }
        &candidates[..count.min(candidates.len())]
    }
}
