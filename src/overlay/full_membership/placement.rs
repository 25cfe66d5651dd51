//! Who owns what: a function of a position and of the members that a node knows.
//!
//! The table of tokens holds all that could ever exist, sorted once for all nodes. It only
//! saves every node from sorting what it can compute by itself (a token is the hash of an
//! address): a node looks at no entry whose server is not a member in its own view.

use smallvec::SmallVec;

use super::view::{Server, View};
use crate::id::{Id, IdSpace};
use crate::oracle::Ring;
use crate::sim::Address;

/// How positions are given to servers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Placement {
    /// Consistent hashing (Karger et al., STOC 1997): to the server of the first token at or
    /// after the position.
    Ring,
    /// To the server number *position mod N*, of the N members in their order: what
    /// consistent hashing is measured against.
    Modulo,
}

/// All tokens that could ever exist, and whose they are.
#[derive(Clone, Debug)]
pub(super) struct Tokens {
    space: IdSpace,
    ids: Vec<Id>,
    ring: Ring,
    per_server: usize,
}

impl Tokens {
    /// The tokens with these identifiers, those of a server side by side.
    pub(super) fn new(space: IdSpace, ids: &[Id], per_server: usize) -> Tokens {
        let ring = Ring::of(ids, (0..ids.len()).map(Address::new));
        Tokens { space, ids: ids.to_vec(), ring, per_server }
    }

    /// Number of servers.
    pub(super) fn servers(&self) -> usize {
        self.ids.len() / self.per_server
    }

    /// Tokens of each server.
    pub(super) fn per_server(&self) -> usize {
        self.per_server
    }

    /// Whose token this is.
    pub(super) fn server_of(&self, token: Address) -> Server {
        Server((token.index() / self.per_server) as u32)
    }

    /// Where a server is reached: at its first token's address.
    pub(super) fn host(&self, server: Server) -> Address {
        Address::new(server.0 as usize * self.per_server)
    }

    /// The token that owns a position; nobody when the view has no member.
    pub(super) fn owner(&self, placement: Placement, view: &View, position: Id) -> Option<Address> {
        if view.members() == 0 {
            return None;
        }
        match placement {
            Placement::Ring => self.clockwise_from(view, position).next(),
            Placement::Modulo => Some(self.host(view.member(self.bucket(view, position)))),
        }
    }

    /// The servers after the owner's, each once.
    pub(super) fn followers(
        &self,
        placement: Placement,
        view: &View,
        position: Id,
        count: usize,
    ) -> SmallVec<[Address; 4]> {
        let mut servers: SmallVec<[Address; 4]> = SmallVec::new();
        let others = view.members().saturating_sub(1).min(count);
        if others == 0 {
            return servers;
        }
        match placement {
            Placement::Ring => {
                let mut hosts = self
                    .clockwise_from(view, position)
                    .map(|token| self.host(self.server_of(token)));
                let owner = hosts.next();
                while servers.len() < others {
                    let next = hosts.next().expect("every member has a token");
                    if Some(next) != owner && !servers.contains(&next) {
                        servers.push(next);
                    }
                }
            }
            Placement::Modulo => {
                let (first, members) = (self.bucket(view, position), view.members());
                let next = (1..=others).map(|step| view.member((first + step) % members));
                servers.extend(next.map(|server| self.host(server)));
            }
        }
        servers
    }

    /// The tokens before and after one; itself when there is no other.
    pub(super) fn neighbours(&self, view: &View, token: Address) -> (Address, Address) {
        let around = || {
            let others = self.clockwise_from(view, self.ids[token.index()]);
            others.filter(|other| *other != token)
        };
        (around().next_back().unwrap_or(token), around().next().unwrap_or(token))
    }

    /// The members' tokens, clockwise from a position.
    fn clockwise_from(
        &self,
        view: &View,
        position: Id,
    ) -> impl DoubleEndedIterator<Item = Address> {
        let all = self.ring.clockwise_from(&self.ids, position);
        all.filter(|token| view.has(self.server_of(*token)))
    }

    fn bucket(&self, view: &View, position: Id) -> usize {
        self.space.remainder(position, view.members() as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::view::{Archive, Fact, Version};
    use super::*;
    use crate::population::Population;
    use crate::sim::Stream;

    proptest! {
        #![proptest_config(crate::property::config())]

        #[test]
        fn agrees_with_a_walk_around_the_ring(
            seed: u64,
            servers in 1usize..12,
            per_server in 1usize..5,
            out in prop::collection::btree_set(0u32..12, 0..11),
            count in 0usize..5,
        ) {
            let space = IdSpace::new(12).unwrap();
            let mut random = Stream::new(seed, 0, "test");
            let ids = Population::draw(space, servers, per_server, &mut random).ids;
            let tokens = Tokens::new(space, &ids, per_server);
            let archive = Archive::new(servers);
            let mut view = archive.blank();
            let members: Vec<u32> = (0..servers as u32).filter(|n| !out.contains(n)).collect();
            for server in &members {
                view.learn(&[Fact { server: Server(*server), version: Version::FIRST }], &archive);
            }
            let key = space.from_random(std::array::from_fn(|_| random.bits()));
            let of = |token: usize| (token / per_server) as u32;
            let mut walk: Vec<usize> = (0..ids.len()).filter(|t| members.contains(&of(*t))).collect();
            walk.sort_by_key(|token| key.distance_to(ids[*token]));

            let owner = tokens.owner(Placement::Ring, &view, key);
            prop_assert_eq!(owner.map(Address::index), walk.first().copied());
            let mut distinct: Vec<u32> = Vec::new();
            for token in &walk {
                if !distinct.contains(&of(*token)) {
                    distinct.push(of(*token));
                }
            }
            let hosts = |servers: &[u32]| servers.iter().map(|n| tokens.host(Server(*n))).collect::<Vec<_>>();
            let after = &distinct[distinct.len().min(1)..distinct.len().min(1 + count)];
            prop_assert_eq!(tokens.followers(Placement::Ring, &view, key, count).to_vec(), hosts(after));
            for (place, token) in walk.iter().enumerate() {
                let at = |place: usize| Address::new(walk[place % walk.len()]);
                let around = (at(place + walk.len() - 1), at(place + 1));
                prop_assert_eq!(tokens.neighbours(&view, Address::new(*token)), around);
            }

            let digits = usize::from_str_radix(&space.hex(key), 16).unwrap();
            let bucket = |step: usize| members[(digits % members.len() + step) % members.len()];
            let owner = tokens.owner(Placement::Modulo, &view, key);
            let first = (!members.is_empty()).then(|| tokens.host(Server(bucket(0))));
            prop_assert_eq!(owner, first);
            let after: Vec<u32> =
                (1..members.len().max(1)).take(count).map(bucket).collect();
            prop_assert_eq!(tokens.followers(Placement::Modulo, &view, key, count).to_vec(), hosts(&after));
        }
    }
}
