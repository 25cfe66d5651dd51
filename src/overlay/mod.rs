//! The systems: one folder or file each, every one a [`Protocol`].
//!
//! Must not know: files, clocks, threads, the global truth. (A converged node is
//! made from pointers that the oracle computed; the overlay does not compute them.)

pub mod chord;
pub mod full_membership;
#[cfg(test)]
mod robustness;
pub mod storage;
pub mod tracker;

use smallvec::SmallVec;

use crate::id::Id;
use crate::oracle::Truth;
use crate::sim::{Address, Context, Duration, Nodes, Protocol, Value};

/// What a protocol tells the experiment about itself: how a system in its converged state
/// is made, and what its nodes know, for the oracle to compare with the truth.
///
/// Nothing here is called by nodes, or while events are processed.
pub trait Overlay: Protocol + Clone {
    /// The name of the system on plots, such as `Chord`.
    fn system(&self) -> &'static str;

    /// The nodes as if the system had been running for long, with everything right: a
    /// function from the address of a node that runs to its state. `round_trip` is the time
    /// that a message and its answer can be expected to take, for systems whose nodes measure
    /// that.
    fn converged<'a>(
        &'a self,
        truth: Truth<'a>,
        round_trip: impl Fn(Address, Address) -> Duration + 'a,
    ) -> impl FnMut(Address) -> Self::Node + 'a;

    /// What a node takes, about, when so many are there and the system is converged; nothing
    /// beside its struct unless the overlay says so.
    fn estimate(&self, nodes: usize) -> NodeEstimate {
        let _ = nodes;
        NodeEstimate::default()
    }

    /// How many other nodes this one keeps track of.
    fn routing_entries(&self, node: &Self::Node) -> usize;

    /// The address of the node that runs in the place of this one. Where every virtual node
    /// is a node of its own, as on a Chord ring, that is itself; where a server runs one node
    /// for all its tokens, it is the server's first address.
    fn host(&self, token: Address) -> Address {
        token
    }

    /// Whether users sit at this node, who put, get and download. Servers have none.
    fn has_users(&self, node: Address) -> bool {
        let _ = node;
        true
    }

    /// Whether an oracle among the parameters changes what nodes know. They are told to take
    /// note after every change of who is up.
    fn is_told_by_oracle(&self) -> bool {
        false
    }

    /// What the nodes know of the ring that they stand on, if they do.
    fn ring(&self) -> Option<RingShape> {
        None
    }

    /// Whom this node takes for the neighbours of a token that it hosts.
    fn neighbours(&self, node: &Self::Node, token: Address, ids: &[Id]) -> Neighbours {
        let _ = (node, token, ids);
        Neighbours::default()
    }

    /// Finger `index`, counted from zero.
    fn finger(&self, node: &Self::Node, index: u32) -> Option<Address> {
        let _ = (node, index);
        None
    }

    /// All fingers, as runs of neighbouring ones that are the same node: the first finger of each
    /// run, from zero on, and that node.
    fn finger_runs(&self, node: &Self::Node) -> SmallVec<[(u32, Option<Address>); 32]> {
        let _ = node;
        SmallVec::new()
    }

    /// Whether every pointer of every node is right when a join or leave is complete, as long
    /// as they come one at a time: then they are held to it.
    fn is_right_after_joins(&self) -> bool {
        false
    }

    /// Where every node keeps a view of the whole membership: whether this one's is right.
    fn has_right_view(&self, node: &Self::Node, truth: Truth<'_>) -> Option<bool> {
        let _ = (node, truth);
        None
    }

    /// A node has stopped, which the others do not know. Only for systems with an oracle
    /// among their parameters, which tells them.
    fn observe_stop(&self, node: Address) {
        let _ = node;
    }

    /// A node that had stopped is up again with its old state. As above.
    fn observe_return(&self, node: Address) {
        let _ = node;
    }

    /// Whether the node takes part in a swarm, and how far it is.
    fn peer(&self, node: &Self::Node) -> Option<Peer> {
        let _ = node;
        None
    }

    /// The values that this node holds, by their keys.
    fn holds<'n>(&self, node: &'n Self::Node) -> impl Iterator<Item = (Id, Value)> + 'n {
        let _ = node;
        std::iter::empty()
    }

    /// The nodes that should hold the value of a key, its first owner first.
    fn right_holders(&self, key: Id, truth: Truth<'_>) -> SmallVec<[Address; 4]> {
        let _ = (key, truth);
        SmallVec::new()
    }

    /// Puts values where they belong, before the simulation begins.
    fn preload(
        &self,
        values: impl Iterator<Item = (Id, Value)>,
        truth: Truth<'_>,
        nodes: &mut Nodes<'_, Self::Node>,
    ) {
        let _ = (values, truth, nodes);
    }
}

/// What a node of a converged system takes, about, for an estimate of memory.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct NodeEstimate {
    /// Bytes that it keeps outside its own struct. Its share of what nodes have in common is
    /// among them.
    pub heap_bytes: usize,
    /// Timers that it has set at a time.
    pub timers: usize,
    /// Messages that it sends and gets for its upkeep in a second.
    pub messages_per_second: f64,
    /// Messages that pass one after the other until its lookup is answered.
    pub lookup_messages: f64,
    /// Bytes that all nodes together keep for a stored key, those of its copies included.
    pub key_bytes: usize,
    /// Bytes that stay for every get of a value.
    pub get_bytes: usize,
    /// How long it is as busy as that after it has come, if not to the end.
    pub busy_for: Option<Duration>,
    /// Messages that its joining takes, its own and those of others.
    pub join_messages: f64,
}

impl NodeEstimate {
    /// The same with one more timer, set again whenever this time is over, and with so many
    /// messages every time; none if it never is.
    #[must_use]
    fn with_timer(self, period: Option<Duration>, messages: f64) -> NodeEstimate {
        let Some(period) = period else { return self };
        let messages_per_second = self.messages_per_second + messages / period.as_secs_f64();
        NodeEstimate { timers: self.timers + 1, messages_per_second, ..self }
    }
}

/// Bytes that an allocation of so many takes, about, the allocator's own included.
fn allocated(bytes: usize) -> usize {
    if bytes == 0 { 0 } else { (bytes + 8).next_multiple_of(16).max(32) }
}

/// Bytes of an entry in a B-tree, whose nodes are two thirds full, with its share of the
/// pointers.
fn in_tree(bytes: usize) -> usize {
    bytes * 3 / 2 + 4
}

/// What the nodes of a ring know of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RingShape {
    /// Length of the successor list.
    pub successors: usize,
    /// Whether nodes keep fingers.
    pub fingers: bool,
    /// How many of the nodes that follow its start may be a finger, at least 1.
    pub finger_choices: usize,
}

/// Whom a node takes for its neighbours on the ring.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Neighbours {
    /// The one before it, if it knows.
    pub predecessor: Option<Address>,
    /// Those after it, nearest first.
    pub successors: Vec<Address>,
}

/// How far a peer of a swarm is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Peer {
    /// It has not all pieces yet.
    Leecher,
    /// It has all pieces and shares them.
    Seed,
}

/// An overlay that can carry storage: its nodes know, or can look up, who is responsible
/// for a position of the ring. (The key-based routing of Dabek et al., Towards a Common API
/// for Structured Peer-to-Peer Overlays, IPTPS 2003.)
///
/// The positions of keys are looked up by [`Operation::Lookup`](crate::sim::Operation).
pub trait KeyRouting: Overlay {
    /// Who owns a position, as far as this node can tell without asking anybody. A node
    /// that owns it says itself; one that only knows its neighbours names its predecessor
    /// for what lies before its own range.
    fn owner(
        &self,
        node: &Self::Node,
        position: Id,
        context: &Context<'_, Self>,
    ) -> Option<Address>;

    /// The servers that come after the owner of a position, nearest first: where further
    /// copies belong, and who owns the position when the owner is gone. As known by the
    /// owner, which is this node; no server twice, the owner's own not at all, at most
    /// `count`, fewer if it knows fewer.
    fn followers(
        &self,
        node: &Self::Node,
        position: Id,
        count: usize,
        context: &Context<'_, Self>,
    ) -> SmallVec<[Address; 4]>;

    /// Whether every node can name the owner of every position, though its view may be
    /// stale; otherwise owners further away are looked up.
    fn knows_all_owners(&self) -> bool {
        false
    }

    /// The server that a node runs on: copies of a value are on distinct ones.
    fn server(&self, node: Address) -> usize;

    /// Who should own a position, and after it the next distinct servers clockwise: `count`
    /// nodes, or all that there are.
    fn right_owners(&self, position: Id, count: usize, truth: Truth<'_>) -> SmallVec<[Address; 4]> {
        next_servers(self, position, count, truth)
    }

    /// A number that changes whenever what [`KeyRouting::owner`] and
    /// [`KeyRouting::followers`] say may change.
    fn neighbourhood(&self, node: &Self::Node) -> u64;

    /// A node did not answer: it is no longer to be named by the above.
    fn suspect(&self, node: &mut Self::Node, peer: Address, context: &mut Context<'_, Self>);
}

/// The servers of the owner of a position and of those that follow it: `count` of their
/// nodes, or all that there are.
fn next_servers<P: KeyRouting>(
    routing: &P,
    position: Id,
    count: usize,
    truth: Truth<'_>,
) -> SmallVec<[Address; 4]> {
    let server_of = |node| routing.server(node);
    let tokens = truth.owners_on_distinct_servers(position, count, server_of);
    tokens.into_iter().map(|token| routing.host(token)).collect()
}
