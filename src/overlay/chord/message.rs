//! What Chord's nodes send each other.

use crate::id::Id;
use crate::sim::{Address, HEADER_BYTES, LookupId, Message, MessageKind, Served};

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
    /// Recursive lookup, as [`ChordMessage::Find`], past nodes that have not answered it.
    FindAvoiding {
        /// The query.
        query: Query,
        /// How many there are: the last ones of the attached list.
        failed: u16,
    },
    /// A request: are you there? You are the answer to this query. The attached list, as that
    /// of the message by which the query came, is the sender's own note and not on the wire.
    ConfirmOwner {
        /// The query.
        query: Query,
        /// Who named the receiver. The sender's own note, not on the wire.
        via: Address,
        /// How many nodes have not answered: the last ones of the list.
        failed: u16,
    },
    /// The answer.
    OwnerConfirmed {
        /// The query.
        query: Query,
    },
    /// Parallel lookup, a request: who are the closest to the target that you know, but for
    /// those of the attached list, which have not answered?
    FindClosest {
        /// The query.
        query: Query,
    },
    /// The answer; the nodes are attached, the closest first, when there is no owner among
    /// them.
    Closest {
        /// The query.
        query: Query,
        /// What [`ChordMessage::Next`] would say.
        step: Step,
    },
    /// A request: you have been found for this finger of mine; who follows you?
    GetFollowers {
        /// The finger.
        finger: u32,
    },
    /// The answer; the followers are attached, nearest first.
    Followers {
        /// The finger.
        finger: u32,
    },
    /// A request: how far away are you? You may become this finger of mine.
    Probe {
        /// The finger.
        finger: u32,
    },
    /// The answer.
    Probed {
        /// The finger.
        finger: u32,
    },
    /// To a predecessor that is one no longer: another node stands between us.
    Superseded {
        /// That one.
        predecessor: Address,
    },
}

impl ChordMessage {
    /// The query that the message is about.
    pub fn query(&self) -> Option<&Query> {
        match self {
            ChordMessage::FindNext { query, .. }
            | ChordMessage::Next { query, .. }
            | ChordMessage::Find { query }
            | ChordMessage::FindAvoiding { query, .. }
            | ChordMessage::ConfirmOwner { query, .. }
            | ChordMessage::OwnerConfirmed { query }
            | ChordMessage::FindClosest { query }
            | ChordMessage::Closest { query, .. }
            | ChordMessage::Found { query, .. } => Some(query),
            _ => None,
        }
    }

    /// Whether it is the answer to a request whose time is of interest.
    pub(super) fn is_answer(&self) -> bool {
        matches!(
            self,
            ChordMessage::Next { .. }
                | ChordMessage::Closest { .. }
                | ChordMessage::OwnerConfirmed { .. }
                | ChordMessage::Neighbours { .. }
                | ChordMessage::Followers { .. }
                | ChordMessage::Probed { .. }
                | ChordMessage::Pong
        )
    }

    /// Whether the receiver's transport acknowledges it, instead of an answer.
    pub(super) fn is_acknowledged(&self) -> bool {
        matches!(self, ChordMessage::Find { .. } | ChordMessage::FindAvoiding { .. })
    }

    /// The lookup of the workload that the message is about.
    pub(super) fn lookup(&self) -> Option<LookupId> {
        match self.query()?.purpose {
            QueryFor::Lookup(lookup) => Some(lookup),
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
            MessageKind::maintenance("followers_query"),
            MessageKind::maintenance("followers_answer"),
            MessageKind::maintenance("probe"),
            MessageKind::maintenance("probe_answer"),
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
            ChordMessage::FindNext { query, .. }
            | ChordMessage::Find { query }
            | ChordMessage::FindAvoiding { query, .. }
            | ChordMessage::ConfirmOwner { query, .. }
            | ChordMessage::FindClosest { query } => of_query(query),
            ChordMessage::Next { query, .. }
            | ChordMessage::Found { query, .. }
            | ChordMessage::OwnerConfirmed { query }
            | ChordMessage::Closest { query, .. } => of_query(query) + 1,
            ChordMessage::GetNeighbours => 6,
            ChordMessage::Neighbours { .. } => 7,
            ChordMessage::Notify | ChordMessage::Superseded { .. } => 8,
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
            ChordMessage::GetFollowers { .. } => 24,
            ChordMessage::Followers { .. } => 25,
            ChordMessage::Probe { .. } => 26,
            ChordMessage::Probed { .. } => 27,
        }
    }

    fn wire_bytes(&self, list: &[Address]) -> u32 {
        let body = match self {
            ChordMessage::FindNext { before, .. } => {
                QUERY_BYTES + ADDRESS_BYTES * (u32::from(before.is_some()) + list.len() as u32)
            }
            ChordMessage::Find { .. } => QUERY_BYTES,
            ChordMessage::FindAvoiding { failed, .. } => {
                QUERY_BYTES + ADDRESS_BYTES * u32::from(*failed)
            }
            ChordMessage::FindClosest { .. } => QUERY_BYTES + ADDRESS_BYTES * list.len() as u32,
            ChordMessage::Closest { step, .. } => match step {
                Step::Owner(_) => ADDRESS_BYTES,
                Step::Closer(_) | Step::NoRoute => ADDRESS_BYTES * list.len() as u32,
            },
            ChordMessage::Found { .. } => ADDRESS_BYTES + 2,
            ChordMessage::Neighbours { .. } | ChordMessage::Leave { .. } => {
                ADDRESS_BYTES * (1 + list.len() as u32)
            }
            ChordMessage::Next { .. }
            | ChordMessage::SetPredecessor { .. }
            | ChordMessage::PreviousPredecessor { .. }
            | ChordMessage::Superseded { .. }
            | ChordMessage::Predecessor { .. } => ADDRESS_BYTES,
            ChordMessage::Table | ChordMessage::Followers { .. } => {
                ADDRESS_BYTES * list.len() as u32
            }
            // The first and the last finger take a byte each.
            ChordMessage::UpdateFingers { change, .. } => {
                ADDRESS_BYTES * (1 + u32::from(change.heir.is_some())) + 2
            }
            ChordMessage::GetTable
            | ChordMessage::GetPredecessor { .. }
            | ChordMessage::FingersUpdated
            | ChordMessage::GetFollowers { .. }
            | ChordMessage::Probe { .. }
            | ChordMessage::Probed { .. }
            | ChordMessage::GetNeighbours
            | ChordMessage::Notify
            | ChordMessage::Ping
            | ChordMessage::ConfirmOwner { .. }
            | ChordMessage::OwnerConfirmed { .. }
            | ChordMessage::Pong => 0,
        };
        HEADER_BYTES + TAG_BYTES + body
    }

    fn serves(&self) -> Option<Served> {
        self.lookup().and_then(Self::served_by_lookup)
    }
}
