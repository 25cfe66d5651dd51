//! Which servers are members, as one node knows it; and how equal knowledge is kept once.
//!
//! A view is a table of versions by server, cut into chunks of about √N servers. Chunks
//! never change: a view that learns something takes another chunk, and the [`Archive`]
//! gives all views whose chunks say the same the same one. A node that has changed its view
//! costs one table of √N pointers; one that has not shares even that.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use crate::overlay::allocated;

/// The number of a server. On the wire it is the server's address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct Server(pub u32);

/// How often a server has come and gone, all together: odd while it is a member. What is
/// known with the higher version is the newer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Hash)]
pub struct Version(pub u32);

impl Version {
    /// Nothing has been heard of the server.
    pub const UNHEARD: Version = Version(0);
    /// A server that became a member for the first time.
    pub const FIRST: Version = Version(1);

    /// Whether the server is a member.
    pub fn is_member(self) -> bool {
        self.0 % 2 == 1
    }

    /// The version with which a server becomes a member that is known by this one: newer,
    /// even if it is still taken for a member.
    pub fn coming(self) -> Version {
        Version(self.0.saturating_add(1) | 1)
    }

    /// The version with which a member that is known by this one leaves or is found dead.
    /// All who find it dead agree on it.
    pub fn going(self) -> Version {
        Version(self.0.saturating_add(1) & !1)
    }
}

/// What is known about one server.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Fact {
    /// The server.
    pub server: Server,
    /// Whether it is a member, and how new that is.
    pub version: Version,
}

impl Fact {
    /// A number for the fact, as random as a hash; zero for having heard nothing.
    fn fingerprint(self) -> u64 {
        if self.version == Version::UNHEARD {
            return 0;
        }
        // The finaliser of SplitMix64 (Steele, Lea and Flood 2014).
        let bits = u64::from(self.server.0) << 32 | u64::from(self.version.0);
        let bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ bits >> 31
    }
}

/// Which servers are members, as one node knows it.
#[derive(Clone, Debug)]
pub struct View {
    chunks: Rc<Vec<Rc<Chunk>>>,
    /// A server's chunk is its number without this many bits; they are its place there.
    place_bits: u32,
    members: u32,
    checksum: u64,
    changes: u64,
}

/// What is known about servers whose numbers follow each other.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Chunk {
    /// The sum of the facts' fingerprints. Stands first: it settles nearly all comparisons.
    fingerprint: u64,
    members: u32,
    versions: Box<[Version]>,
}

impl Chunk {
    fn put(&mut self, place: usize, fact: Fact) {
        let old = std::mem::replace(&mut self.versions[place], fact.version);
        let forgotten = Fact { version: old, ..fact }.fingerprint();
        self.fingerprint =
            self.fingerprint.wrapping_sub(forgotten).wrapping_add(fact.fingerprint());
        self.members += u32::from(fact.version.is_member());
        self.members -= u32::from(old.is_member());
    }
}

impl View {
    /// Bytes, about, of a node's own view of so many servers that differs from those of others
    /// in a chunk.
    pub(super) fn estimated_bytes(servers: usize) -> usize {
        let place_bits = servers.max(1).ilog2().div_ceil(2);
        let table = servers.div_ceil(1 << place_bits) * size_of::<Rc<Chunk>>();
        let chunk = size_of::<Chunk>() + (size_of::<Version>() << place_bits);
        // A shared cell has two counts and a flag.
        allocated(size_of::<View>() + 24) + allocated(table + 16) + allocated(chunk + 16)
    }

    /// Whether a server is a member, and how new that is.
    pub fn version(&self, server: Server) -> Version {
        let (chunk, place) = self.place(server);
        self.chunks[chunk].versions[place]
    }

    /// Whether a server is a member.
    pub fn has(&self, server: Server) -> bool {
        self.version(server).is_member()
    }

    /// Number of members.
    pub fn members(&self) -> usize {
        self.members as usize
    }

    /// The member at a position, in the order of the servers.
    ///
    /// # Panics
    /// When there are not that many.
    pub fn member(&self, position: usize) -> Server {
        let mut rest = position;
        for (chunk, number) in self.chunks.iter().zip(0u32..) {
            let members = chunk.members as usize;
            if rest < members {
                let places = (0u32..).zip(&chunk.versions);
                let mut members = places.filter(|(_, version)| version.is_member());
                let (place, _) = members.nth(rest).expect("the members are counted");
                return Server(number << self.place_bits | place);
            }
            rest -= members;
        }
        panic!("there is no member {position} of {}", self.members);
    }

    /// The members, in the order of the servers.
    pub fn iter(&self) -> impl Iterator<Item = Server> {
        self.facts().filter(|fact| fact.version.is_member()).map(|fact| fact.server)
    }

    /// All that is known, in the order of the servers.
    pub fn facts(&self) -> impl Iterator<Item = Fact> {
        let versions = self.chunks.iter().flat_map(|chunk| chunk.versions.iter().copied());
        let facts = (0..).zip(versions).map(|(n, version)| Fact { server: Server(n), version });
        facts.filter(|fact| fact.version != Version::UNHEARD)
    }

    /// What is known and not, or not so new, in a list of facts in the order of the servers.
    pub fn beyond(&self, list: &[Fact]) -> impl Iterator<Item = Fact> {
        let mut theirs = list.iter().peekable();
        self.facts().filter(move |own| {
            while theirs.next_if(|fact| fact.server < own.server).is_some() {}
            theirs.peek().is_none_or(|fact| fact.server > own.server || fact.version < own.version)
        })
    }

    /// A number that views have in common when they know the same, and hardly ever else.
    pub fn checksum(&self) -> u64 {
        self.checksum
    }

    /// How often something has been learnt.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// Takes over what is newer, and gives it back.
    pub fn learn(&mut self, facts: &[Fact], archive: &Archive) -> Vec<Fact> {
        let mut news = Vec::new();
        let place_bits = self.place_bits;
        let chunk_of = |fact: &Fact| fact.server.0 >> place_bits;
        for neighbours in facts.chunk_by(|a, b| chunk_of(a) == chunk_of(b)) {
            if neighbours.iter().all(|fact| fact.version <= self.version(fact.server)) {
                continue;
            }
            let (number, _) = self.place(neighbours[0].server);
            let old = &self.chunks[number];
            let mut chunk = Chunk::clone(old);
            for fact in neighbours {
                let (_, place) = self.place(fact.server);
                if fact.version > chunk.versions[place] {
                    chunk.put(place, *fact);
                    news.push(*fact);
                }
            }
            self.members = self.members + chunk.members - old.members;
            self.checksum =
                self.checksum.wrapping_add(chunk.fingerprint).wrapping_sub(old.fingerprint);
            self.changes += 1;
            Rc::make_mut(&mut self.chunks)[number] = archive.share(chunk);
        }
        news
    }

    fn place(&self, server: Server) -> (usize, usize) {
        let mask = (1 << self.place_bits) - 1;
        ((server.0 >> self.place_bits) as usize, (server.0 & mask) as usize)
    }
}

/// All chunks that there are, each once: a device to save memory, and nothing that a node
/// could learn from.
#[derive(Debug)]
pub struct Archive {
    chunks: RefCell<BTreeSet<Rc<Chunk>>>,
    /// Chunks that nobody needs any more are thrown away when there are so many.
    tidy_at: Cell<usize>,
    /// The view of a node that has heard nothing.
    blank: View,
}

/// The archive is not tidied up while it is smaller than this.
const SMALL_ARCHIVE: usize = 1024;

impl Archive {
    /// An archive for views over so many servers.
    pub fn new(servers: usize) -> Archive {
        let place_bits = servers.max(1).ilog2().div_ceil(2);
        let versions = vec![Version::UNHEARD; 1 << place_bits].into();
        let blank = Rc::new(Chunk { fingerprint: 0, members: 0, versions });
        let chunks = Rc::new(vec![blank; servers.div_ceil(1 << place_bits)]);
        let blank = View { chunks, place_bits, members: 0, checksum: 0, changes: 0 };
        Archive { chunks: RefCell::default(), tidy_at: Cell::new(SMALL_ARCHIVE), blank }
    }

    /// The view of a node that has heard nothing.
    pub fn blank(&self) -> View {
        self.blank.clone()
    }

    fn share(&self, chunk: Chunk) -> Rc<Chunk> {
        let mut chunks = self.chunks.borrow_mut();
        if let Some(same) = chunks.get(&chunk) {
            return Rc::clone(same);
        }
        if chunks.len() >= self.tidy_at.get() {
            chunks.retain(|chunk| Rc::strong_count(chunk) > 1);
            self.tidy_at.set(SMALL_ARCHIVE.max(2 * chunks.len()));
        }
        let chunk = Rc::new(chunk);
        chunks.insert(Rc::clone(&chunk));
        chunk
    }

    /// Number of different chunks.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.chunks.borrow().len()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn fact(server: u32, version: u32) -> Fact {
        Fact { server: Server(server), version: Version(version) }
    }

    #[test]
    fn versions_come_and_go() {
        let path = [Version::UNHEARD.coming(), Version(1).going(), Version(2).coming()];
        assert_eq!(path, [Version::FIRST, Version(2), Version(3)]);
        // One that comes back before anybody has missed it.
        assert_eq!(Version(3).coming(), Version(5));
        assert!(Version(5).is_member() && !Version(4).is_member());
    }

    #[test]
    fn equal_knowledge_is_kept_once() {
        let archive = Archive::new(100);
        let mut views = vec![archive.blank(); 50];
        for (at, view) in views.iter_mut().enumerate() {
            // All learn the same, in another order.
            let mut facts: Vec<Fact> = (0..100).map(|server| fact(server, 1)).collect();
            facts.rotate_left(at);
            for fact in facts {
                view.learn(&[fact], &archive);
            }
        }
        let chunks: BTreeSet<*const Chunk> =
            views.iter().flat_map(|view| view.chunks.iter().map(Rc::as_ptr)).collect();
        assert_eq!(chunks.len(), 13, "100 servers, 8 a chunk");
        drop(views);
        let mut last = archive.blank();
        for version in 1..5000 {
            last.learn(&[fact(0, version)], &archive);
        }
        assert!(archive.len() <= SMALL_ARCHIVE, "{} chunks", archive.len());
    }

    proptest! {
        #![proptest_config(crate::property::config())]

        #[test]
        fn agrees_with_a_plain_table(
            servers in 1u32..70,
            lists in prop::collection::vec(prop::collection::vec((any::<u32>(), 1u32..6), 0..6), 0..40),
        ) {
            let archive = Archive::new(servers as usize);
            let mut view = archive.blank();
            let mut table: BTreeMap<u32, u32> = BTreeMap::new();
            for list in lists {
                let list: Vec<Fact> = list.iter().map(|(n, v)| fact(n % servers, *v)).collect();
                let mut news = Vec::new();
                for Fact { server, version } in &list {
                    let known = table.entry(server.0).or_default();
                    if version.0 > *known {
                        *known = version.0;
                        news.push(fact(server.0, version.0));
                    }
                }
                let before = (view.clone(), view.checksum());
                prop_assert_eq!(view.learn(&list, &archive), news.clone());
                prop_assert_eq!(view.changes() > before.0.changes(), !news.is_empty());
                let facts: Vec<Fact> = table.iter().map(|(n, v)| fact(*n, *v)).collect();
                prop_assert_eq!(view.facts().collect::<Vec<_>>(), facts.clone());
                let members: Vec<Server> =
                    facts.iter().filter(|f| f.version.0 % 2 == 1).map(|f| f.server).collect();
                prop_assert_eq!(view.iter().collect::<Vec<_>>(), members.clone());
                prop_assert_eq!(view.members(), members.len());
                for (position, member) in members.iter().enumerate() {
                    prop_assert_eq!(view.member(position), *member);
                }
                let beyond: Vec<Fact> = view.beyond(&before.0.facts().collect::<Vec<_>>()).collect();
                let mut latest: Vec<Fact> =
                    news.into_iter().filter(|f| view.version(f.server) == f.version).collect();
                latest.sort_by_key(|fact| fact.server);
                prop_assert_eq!(beyond, latest);
                // The same knowledge by another way has the same checksum.
                let mut other = archive.blank();
                for fact in facts.iter().rev() {
                    other.learn(&[*fact], &archive);
                }
                prop_assert_eq!(other.checksum(), view.checksum());
                prop_assert_eq!(before.0.checksum(), before.1, "a copy stays as it was");
            }
        }
    }
}
