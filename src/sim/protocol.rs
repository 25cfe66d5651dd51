//! What an overlay is to the engine: a pure state machine.
//!
//! A [`Protocol`] has no clock, no socket and no view of other nodes. It is told
//! what happened to one node, changes that node's state, and says through the
//! [`Context`] what the node does. The same trait carries the shipped overlays and
//! those that a user writes; `tests/own_protocol.rs` shows one in twenty lines.

use std::fmt::Debug;
use std::hash::Hash;

use super::{Address, Context};
use crate::id::Id;

/// A system of nodes that exchange messages.
///
/// `&self` is what all nodes have in common and never changes: the parameters.
pub trait Protocol: Sized {
    /// The state of one node.
    type Node;
    /// What nodes send each other.
    type Message: Message;
    /// What a node wakes itself up with.
    type Timer: Copy + Debug + Hash;

    /// The state of a node before it starts.
    fn new_node(&self, address: Address) -> Self::Node;

    /// The node starts.
    fn on_start(&self, node: &mut Self::Node, start: Start, context: &mut Context<'_, Self>);

    /// A message arrived. A request is answered here, by [`Context::reply`], or not at
    /// all.
    fn on_message(
        &self,
        node: &mut Self::Node,
        from: Address,
        message: Self::Message,
        context: &mut Context<'_, Self>,
    );

    /// A timer ran out.
    fn on_timer(&self, node: &mut Self::Node, timer: Self::Timer, context: &mut Context<'_, Self>);

    /// The node is asked to do something, by the workload.
    fn on_operation(
        &self,
        node: &mut Self::Node,
        operation: Operation,
        context: &mut Context<'_, Self>,
    );

    /// No answer to this request, or no acknowledgement of this message, came within its
    /// time-out. The peer may be dead; or a message was lost or slow, in which case the
    /// answer may still come, and is then [late](Context::is_late).
    fn on_unreachable(
        &self,
        node: &mut Self::Node,
        peer: Address,
        message: Self::Message,
        context: &mut Context<'_, Self>,
    ) {
        let _ = (node, peer, message, context);
    }

    /// The node with this identifier will handle something within the next few events, this
    /// message if it is one: asks for the memory behind its pointers, with
    /// [`prefetch`](super::prefetch). A matter of speed only; most protocols have no use for
    /// it.
    fn prefetch(&self, node: &Self::Node, id: Id, message: Option<&Self::Message>) {
        let _ = (node, id, message);
    }

    /// The node is asked to leave in good order. It stays up, and goes on handling what
    /// comes, until it says [`Context::depart`]: first it may have to hand things over.
    fn on_leave(&self, node: &mut Self::Node, context: &mut Context<'_, Self>) {
        let _ = node;
        context.depart();
    }
}

/// How a node starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Start {
    /// As the first node of a new system.
    Create,
    /// By way of a node that is already there.
    Join {
        /// That node.
        contact: Address,
    },
    /// With the state that it was given, as if it had been running for long.
    Resume,
}

/// What the workload asks of a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Operation {
    /// Find the node that owns a key, and [`Context::answer`].
    Lookup {
        /// Which lookup this is.
        lookup: LookupId,
        /// What is looked for.
        key: Id,
    },
    /// Store a value, and say so by [`Context::stored`].
    Put {
        /// Which request this is.
        request: RequestId,
        /// The value's key.
        key: Id,
        /// The value, which is all that tells it from another of this key.
        value: Value,
    },
    /// Find the value of a key, and say so by [`Context::fetched`].
    Get {
        /// Which request this is.
        request: RequestId,
        /// The value's key.
        key: Id,
    },
    /// If the node is not in yet, go on joining by way of another node: the one before did
    /// not answer.
    JoinThrough {
        /// That node.
        contact: Address,
    },
    /// Look around: an oracle among the parameters has changed what the node knows.
    TakeNote,
    /// Download the shared file piece by piece, and say so by [`Context::downloaded`].
    Download {
        /// Which request this is.
        request: RequestId,
    },
}

/// A stored value: nothing of it matters but which one it is, and its size.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct Value {
    /// Of two values of one key the one with the higher version is the newer.
    pub version: u32,
    /// Its size.
    pub bytes: u32,
}

/// The running number of a put, a get or a download in its simulation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct RequestId(pub u32);

/// The running number of a lookup in its simulation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct LookupId(pub u32);

/// What of the workload something is done for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Served {
    /// A lookup.
    Lookup(LookupId),
    /// A put, a get or a download.
    Request(RequestId),
}

/// Bytes of an IPv4 and a UDP header.
pub const HEADER_BYTES: u32 = 28;

/// What nodes send each other: small, copied, and counted by kind.
pub trait Message: Copy + Debug + Hash {
    /// What the list that is attached to a message holds: addresses, keys, pieces …
    type Item: Copy + Debug + Hash;

    /// The kinds of messages, for the statistics.
    fn kinds() -> Vec<MessageKind> {
        vec![MessageKind::lookup("message")]
    }

    /// Which of [`Message::kinds`] this is.
    fn kind(&self) -> usize {
        0
    }

    /// Bytes on the wire, headers included, with this list attached. Headers and six bytes
    /// an item (an ip and a port) only, unless a protocol says what its own body takes.
    fn wire_bytes(&self, list: &[Self::Item]) -> u32 {
        HEADER_BYTES + 6 * list.len() as u32
    }

    /// The lookup or request of the workload for which it is sent, if it is for one. Only
    /// [traces](super::Tracer) ask.
    fn serves(&self) -> Option<Served> {
        None
    }

    /// What a lookup is made for: itself, unless the nodes look up for purposes of their own.
    fn served_by_lookup(lookup: LookupId) -> Option<Served> {
        Some(Served::Lookup(lookup))
    }
}

/// A kind of message, for the statistics.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MessageKind {
    /// Its name in the results.
    pub name: &'static str,
    /// What it serves.
    pub purpose: Purpose,
}

/// What a message serves.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Purpose {
    /// The workload's lookups, and finding the place of a key to put or get.
    Lookup,
    /// A node that joins or leaves, up to the moment at which it takes part or is gone.
    Membership,
    /// Repairing, and spreading the news of the membership.
    Maintenance,
    /// Values: put, got, handed over and copied.
    Storage,
}

impl Purpose {
    /// All of them, in their order.
    pub const ALL: [Purpose; 4] =
        [Purpose::Lookup, Purpose::Membership, Purpose::Maintenance, Purpose::Storage];

    /// Its name in the results.
    pub fn name(self) -> &'static str {
        match self {
            Purpose::Lookup => "lookup",
            Purpose::Membership => "membership",
            Purpose::Maintenance => "maintenance",
            Purpose::Storage => "storage",
        }
    }
}

impl MessageKind {
    /// A kind that serves lookups.
    pub const fn lookup(name: &'static str) -> MessageKind {
        MessageKind { name, purpose: Purpose::Lookup }
    }

    /// A kind that serves a node's joining or leaving.
    pub const fn membership(name: &'static str) -> MessageKind {
        MessageKind { name, purpose: Purpose::Membership }
    }

    /// A kind that serves maintenance.
    pub const fn maintenance(name: &'static str) -> MessageKind {
        MessageKind { name, purpose: Purpose::Maintenance }
    }

    /// A kind that serves storage.
    pub const fn storage(name: &'static str) -> MessageKind {
        MessageKind { name, purpose: Purpose::Storage }
    }
}
