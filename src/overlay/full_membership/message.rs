//! What the nodes of full membership send each other.

use super::view::Fact;
use crate::id::Id;
use crate::sim::{Address, HEADER_BYTES, LookupId, Message, MessageKind, Served};

/// A lookup on its way to the key's owner.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Query {
    /// Which lookup.
    pub lookup: LookupId,
    /// Who wants the answer.
    pub origin: Address,
    /// What is looked up.
    pub key: Id,
    /// How often it has been passed on to come where it is.
    pub hops: u8,
    /// How often it has been sent, in vain or not.
    pub sent: u8,
}

impl Query {
    /// The query as it is sent to the next node.
    pub(super) fn passed_on(self) -> Query {
        Query { hops: self.hops.saturating_add(1), sent: self.sent.saturating_add(1), ..self }
    }

    /// The query as it was before it was passed on to a node that does not answer.
    pub(super) fn taken_back(self) -> Query {
        Query { hops: self.hops.saturating_sub(1), ..self }
    }
}

/// Why news is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Cause {
    /// The sender joins or leaves.
    Announcement,
    /// The sender has found out, or heard, something.
    News,
}

/// A message of full membership. Facts are attached.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum MembershipMessage {
    /// Acknowledged: you own this key, I think.
    Query(Query),
    /// The answer, to the origin.
    Answer {
        /// To this lookup.
        lookup: LookupId,
        /// The token that owns the key; `None` when the lookup was sent on too often.
        owner: Option<Address>,
        /// How often it was passed on.
        hops: u8,
    },
    /// A request: whom do you know? I want to join.
    JoinRequest {
        /// How often this was asked before.
        attempt: u8,
    },
    /// The answer: all that I know.
    JoinView,
    /// Acknowledged: these facts are new.
    News {
        /// Why they are sent.
        cause: Cause,
        /// How often they were sent before, to the same receiver.
        attempt: u8,
    },
    /// Anti-entropy, a request: do you know the same as I?
    Digest {
        /// The checksum of the sender's view.
        checksum: u64,
    },
    /// The answer: yes.
    Agreement,
    /// The answer: no; all that I know.
    WholeView,
    /// What that view lacks.
    MissingFacts,
}

/// Bytes of an identifier on the wire: a whole SHA-1 digest.
const ID_BYTES: u32 = 20;
/// Bytes of an address on the wire: ip and port.
const ADDRESS_BYTES: u32 = 6;
/// Bytes of what says which message this is, and of which request: a tag and a number.
const TAG_BYTES: u32 = 5;
/// Bytes of a fact: an address and a version.
const FACT_BYTES: u32 = ADDRESS_BYTES + 4;
/// Bytes of a checksum.
const CHECKSUM_BYTES: u32 = 8;

impl Message for MembershipMessage {
    type Item = Fact;

    fn kinds() -> Vec<MessageKind> {
        vec![
            MessageKind::lookup("lookup_query"),
            MessageKind::lookup("lookup_answer"),
            MessageKind::membership("join_request"),
            MessageKind::membership("join_view"),
            MessageKind::membership("announcement"),
            MessageKind::maintenance("news"),
            MessageKind::maintenance("digest"),
            MessageKind::maintenance("agreement"),
            MessageKind::maintenance("whole_view"),
            MessageKind::maintenance("missing_facts"),
        ]
    }

    fn kind(&self) -> usize {
        match self {
            MembershipMessage::Query(_) => 0,
            MembershipMessage::Answer { .. } => 1,
            MembershipMessage::JoinRequest { .. } => 2,
            MembershipMessage::JoinView => 3,
            MembershipMessage::News { cause: Cause::Announcement, .. } => 4,
            MembershipMessage::News { cause: Cause::News, .. } => 5,
            MembershipMessage::Digest { .. } => 6,
            MembershipMessage::Agreement => 7,
            MembershipMessage::WholeView => 8,
            MembershipMessage::MissingFacts => 9,
        }
    }

    fn wire_bytes(&self, facts: &[Fact]) -> u32 {
        let body = match self {
            MembershipMessage::Query(_) => ADDRESS_BYTES + ID_BYTES + 2,
            MembershipMessage::Answer { .. } => ADDRESS_BYTES + 1,
            MembershipMessage::Digest { .. } => CHECKSUM_BYTES,
            MembershipMessage::JoinRequest { .. }
            | MembershipMessage::JoinView
            | MembershipMessage::News { .. }
            | MembershipMessage::Agreement
            | MembershipMessage::WholeView
            | MembershipMessage::MissingFacts => 0,
        };
        HEADER_BYTES + TAG_BYTES + body + FACT_BYTES * facts.len() as u32
    }

    fn serves(&self) -> Option<Served> {
        match self {
            MembershipMessage::Query(Query { lookup, .. })
            | MembershipMessage::Answer { lookup, .. } => Self::served_by_lookup(*lookup),
            _ => None,
        }
    }
}
