//! What Chord's nodes send each other.

use crate::id::Id;
use crate::sim::{Address, HEADER_BYTES, LookupId, Message, MessageKind};

/// A search for the successor of an identifier.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Query {
    /// What the answer is for.
    pub purpose: QueryFor,
    /// Who wants it.
    pub origin: Address,
    /// How often it has been passed on to come where it is asked.
    pub hops: u32,
    /// Whose successor is sought.
    pub target: Id,
}

impl Query {
    /// The query as it is asked at the next node.
    pub(super) fn passed_on(self) -> Query {
        Query { hops: self.hops.saturating_add(1), ..self }
    }

    /// The query as it was before it was passed on to a node that does not answer.
    pub(super) fn taken_back(self) -> Query {
        Query { hops: self.hops.saturating_sub(1), ..self }
    }
}

/// What the answer to a query is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum QueryFor {
    /// A lookup of the workload.
    Lookup(LookupId),
    /// The finger with this index, counted from zero.
    Finger(u32),
    /// The first successor of a joining node.
    Join,
    /// Base version: the finger with this index, of a joining node.
    InitFinger(u32),
    /// Base version: the last node that precedes the origin by 2 to this power, so not the
    /// successor of the target but its predecessor.
    UpdateFinger(u32),
}

/// Base version: what other nodes have to know of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Change {
    /// The node that joins or leaves.
    pub node: Address,
    /// Who takes its place when it leaves.
    pub heir: Option<Address>,
}

/// What a node says to a query.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Step {
    /// This node is sought: the successor of the target.
    Owner(Address),
    /// Ask this one: it lies between me and the target.
    Closer(Address),
    /// I know nobody.
    NoRoute,
}

/// A message of Chord.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum ChordMessage {
    /// Iterative lookup, a request: who is next?
    FindNext {
        /// The query.
        query: Query,
        /// Only nodes before this one: it has failed.
        before: Option<Address>,
        /// Who named the receiver. The sender's own note, not on the wire.
        via: Address,
    },
    /// The answer.
    Next {
        /// The query.
        query: Query,
        /// Who is next.
        step: Step,
    },
    /// Recursive lookup, acknowledged: pass this on. The attached list is the path of
    /// the answer, origin first, if it goes back along it.
    Find {
        /// The query.
        query: Query,
    },
    /// The answer on its way back. The attached list is the rest of the way.
    Found {
        /// The query.
        query: Query,
        /// The successor of its target; `None` if a node on the path knew nobody.
        owner: Option<Address>,
    },
    /// `stabilize`, a request: who are your predecessor and your successors?
    GetNeighbours,
    /// The answer; the successors are attached.
    Neighbours {
        /// The predecessor.
        predecessor: Option<Address>,
    },
    /// `notify`: I think I am your predecessor.
    Notify,
    /// `check_predecessor`, a request: are you there?
    Ping,
    /// The answer.
    Pong,
    /// I leave: this is my predecessor, my successors are attached.
    Leave {
        /// The predecessor.
        predecessor: Option<Address>,
    },
    /// Base version, a request to the successor: this is your predecessor from now on.
    SetPredecessor {
        /// The joining node, or the predecessor of the leaving one.
        predecessor: Option<Address>,
    },
    /// The answer: this was my predecessor until now.
    PreviousPredecessor {
        /// The predecessor.
        predecessor: Option<Address>,
    },
    /// Base version, a request: what does your finger table hold?
    GetTable,
    /// The answer; the distinct fingers are attached, nearest first.
    Table,
    /// Base version, a request: you may be this finger of mine; who is your predecessor?
    GetPredecessor {
        /// The finger.
        finger: u32,
    },
    /// The answer.
    Predecessor {
        /// The finger.
        finger: u32,
        /// The predecessor.
        predecessor: Option<Address>,
    },
    /// Base version, passed on from predecessor to predecessor: a change that may concern
    /// your fingers.
    UpdateFingers {
        /// The change.
        change: Change,
        /// The first of the fingers that it may concern, and the first behind them.
        fingers: (u32, u32),
    },
    /// Base version, to the node that joins or leaves: these fingers are right everywhere.
    FingersUpdated,
}

impl ChordMessage {
    /// The query that the message is about.
    pub fn query(&self) -> Option<&Query> {
        match self {
            ChordMessage::FindNext { query, .. }
            | ChordMessage::Next { query, .. }
            | ChordMessage::Find { query }
            | ChordMessage::Found { query, .. } => Some(query),
            _ => None,
        }
    }
}

/// Bytes of an identifier on the wire: a whole SHA-1 digest.
const ID_BYTES: u32 = 20;
/// Bytes of an address on the wire: ip and port.
const ADDRESS_BYTES: u32 = 6;
/// Bytes of what says which message this is, and of which query: a tag and a number.
const TAG_BYTES: u32 = 5;
/// A query: origin, target, and its hops in two bytes.
const QUERY_BYTES: u32 = ADDRESS_BYTES + ID_BYTES + 2;

impl Message for ChordMessage {
    type Item = Address;

    fn kinds() -> Vec<MessageKind> {
        vec![
            MessageKind::lookup("lookup_query"),
            MessageKind::lookup("lookup_answer"),
            MessageKind::maintenance("finger_query"),
            MessageKind::maintenance("finger_answer"),
            MessageKind::membership("join_query"),
            MessageKind::membership("join_answer"),
            MessageKind::maintenance("get_neighbours"),
            MessageKind::maintenance("neighbours"),
            MessageKind::maintenance("notify"),
            MessageKind::maintenance("ping"),
            MessageKind::maintenance("pong"),
            MessageKind::membership("leave"),
            MessageKind::membership("set_predecessor"),
            MessageKind::membership("previous_predecessor"),
            MessageKind::membership("init_finger_query"),
            MessageKind::membership("init_finger_answer"),
            MessageKind::membership("table_request"),
            MessageKind::membership("table"),
            MessageKind::membership("hint_query"),
            MessageKind::membership("hint_answer"),
            MessageKind::membership("update_query"),
            MessageKind::membership("update_answer"),
            MessageKind::membership("update_fingers"),
            MessageKind::membership("fingers_updated"),
        ]
    }

    fn kind(&self) -> usize {
        let of_query = |query: &Query| match query.purpose {
            QueryFor::Lookup(_) => 0,
            QueryFor::Finger(_) => 2,
            QueryFor::Join => 4,
            QueryFor::InitFinger(_) => 14,
            QueryFor::UpdateFinger(_) => 20,
        };
        match self {
            ChordMessage::FindNext { query, .. } | ChordMessage::Find { query } => of_query(query),
            ChordMessage::Next { query, .. } | ChordMessage::Found { query, .. } => {
                of_query(query) + 1
            }
            ChordMessage::GetNeighbours => 6,
            ChordMessage::Neighbours { .. } => 7,
            ChordMessage::Notify => 8,
            ChordMessage::Ping => 9,
            ChordMessage::Pong => 10,
            ChordMessage::Leave { .. } => 11,
            ChordMessage::SetPredecessor { .. } => 12,
            ChordMessage::PreviousPredecessor { .. } => 13,
            ChordMessage::GetTable => 16,
            ChordMessage::Table => 17,
            ChordMessage::GetPredecessor { .. } => 18,
            ChordMessage::Predecessor { .. } => 19,
            ChordMessage::UpdateFingers { .. } => 22,
            ChordMessage::FingersUpdated => 23,
        }
    }

    fn wire_bytes(&self, list: &[Address]) -> u32 {
        let body = match self {
            ChordMessage::FindNext { before, .. } => {
                QUERY_BYTES + before.map_or(0, |_| ADDRESS_BYTES)
            }
            ChordMessage::Find { .. } => QUERY_BYTES,
            ChordMessage::Found { .. } => ADDRESS_BYTES + 2,
            ChordMessage::Neighbours { .. } | ChordMessage::Leave { .. } => {
                ADDRESS_BYTES * (1 + list.len() as u32)
            }
            ChordMessage::Next { .. }
            | ChordMessage::SetPredecessor { .. }
            | ChordMessage::PreviousPredecessor { .. }
            | ChordMessage::Predecessor { .. } => ADDRESS_BYTES,
            ChordMessage::Table => ADDRESS_BYTES * list.len() as u32,
            // The first and the last finger take a byte each.
            ChordMessage::UpdateFingers { change, .. } => {
                ADDRESS_BYTES * (1 + u32::from(change.heir.is_some())) + 2
            }
            ChordMessage::GetTable
            | ChordMessage::GetPredecessor { .. }
            | ChordMessage::FingersUpdated
            | ChordMessage::GetNeighbours
            | ChordMessage::Notify
            | ChordMessage::Ping
            | ChordMessage::Pong => 0,
        };
        HEADER_BYTES + TAG_BYTES + body
    }
}
