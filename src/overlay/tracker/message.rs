//! What clients, trackers and the peers of a swarm send each other.

use crate::id::Id;
use crate::sim::{Address, HEADER_BYTES, Message, MessageKind, RequestId, Served, Value};

/// What a tracker keeps a list of clients for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum Topic {
    /// The clients that are on line.
    Presence,
    /// The peers of the swarm.
    Swarm,
    /// The clients that have this file.
    File(Id),
}

/// Why a client announces itself (the `event` of BEP 3).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Event {
    /// It has just come on line.
    Joined,
    /// It begins to fetch something and wants to know who has it.
    Started(Wanted),
    /// It has something to share: of a put, if a request waits for the answer.
    Completed(Option<RequestId>),
    /// The interval has passed (no `event` in BEP 3).
    Regular,
    /// The interval has not passed, but a peer knows too few others.
    MorePeers,
    /// It goes off line.
    Stopped,
}

/// What a client begins to fetch.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Wanted {
    /// The file of the swarm.
    Swarm,
    /// A file of its own, at once.
    File(Search),
}

/// A get on its way.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Search {
    /// Which request this is.
    pub request: RequestId,
    /// Which file.
    pub key: Id,
    /// Nodes asked so far, the receiver included.
    pub hops: u32,
}

/// A message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum TrackerMessage {
    /// A client to a tracker, a request. Attached: what the client has, by [`Item::Have`].
    Announce {
        /// Why.
        event: Event,
        /// Trackers that were asked the same before. The sender's own note.
        tried: u32,
    },
    /// The answer. Attached: clients, by [`Item::Client`]; and for one that stops the files
    /// that nobody else has, by [`Item::Have`].
    Announced {
        /// What is answered.
        event: Event,
        /// The sender's own note, sent back.
        tried: u32,
    },
    /// A tracker to another: what it has been told since it last said so, by [`Item::News`].
    Exchange,
    /// A client to another, a request: send me this file. Attached: whom to ask next, by
    /// [`Item::Client`]; the sender's own note, not on the wire.
    Fetch(Search),
    /// The answer; if the client has no such file, without a value and with the note.
    File {
        /// What is answered.
        search: Search,
        /// The file.
        value: Option<Value>,
    },
    /// A client that leaves to another, a request: take these files, attached by
    /// [`Item::File`]. Whom to ask next, by [`Item::Client`], is the sender's own note.
    HandOver,
    /// The answer: they are here.
    TakenOver,
    /// A peer to another, a request: handshake and bitfield, by [`Item::Pieces`].
    Connect,
    /// The pieces that a peer has, by [`Item::Pieces`]: the answer to [`Self::Connect`], or a
    /// later state of affairs.
    Bitfield,
    /// I have this piece now.
    Have(u32),
    /// Whether the sender wants pieces that the receiver has.
    Interest {
        /// Whether it does.
        interested: bool,
        /// Grows with every message of this kind from the same peer.
        number: u32,
    },
    /// Whether the sender answers the receiver's requests.
    Choke {
        /// Whether it does not.
        choked: bool,
        /// The piece that it is still sending, which need not be asked of others.
        sending: Option<u32>,
        /// Grows with every message of this kind from the same peer.
        number: u32,
    },
    /// Send me this piece; acknowledged.
    Request {
        /// Which one.
        piece: u32,
        /// Its size.
        bytes: u32,
    },
    /// A piece, or rather its end: the sender has taken the time to send all of it.
    /// Acknowledged.
    Piece {
        /// Which one.
        piece: u32,
        /// Its size.
        bytes: u32,
    },
    /// I am still here, are you? Acknowledged.
    KeepAlive,
    /// The sender closes the connection, or does not know of any.
    Close,
}

/// What a list attached to a message holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Item {
    /// The sender has this.
    Have {
        /// What.
        topic: Topic,
        /// In this version.
        version: u32,
    },
    /// Somebody has what was asked for.
    Client {
        /// Who.
        client: Address,
        /// In this version.
        version: u32,
    },
    /// A client has something, or has it no more.
    News {
        /// Who.
        client: Address,
        /// What.
        topic: Topic,
        /// In this version, if it has it.
        version: Option<u32>,
    },
    /// A file.
    File {
        /// Its key.
        key: Id,
        /// What is in it.
        value: Value,
    },
    /// 64 pieces, the first one in the lowest bit.
    Pieces(u64),
}

/// Bytes of a TCP header beyond those of UDP.
const TCP_BYTES: u32 = 12;
/// Bytes of an announcement over UDP (BEP 15), its first topic included.
const ANNOUNCE_BYTES: u32 = 98;
/// Bytes of the answer (BEP 15) without its clients.
const ANNOUNCED_BYTES: u32 = 20;
/// Bytes of a client: ip and port.
const CLIENT_BYTES: u32 = 6;
/// Bytes of a topic: a SHA-1 digest and a version.
const TOPIC_BYTES: u32 = 20 + 4;
/// Bytes of the handshake of two peers (BEP 3).
const HANDSHAKE_BYTES: u32 = 68;
/// Bytes of a message between peers (BEP 3) without its content: length and kind.
const PREFIX_BYTES: u32 = 4 + 1;
/// What a piece is asked for and sent in (BEP 3).
const BLOCK_BYTES: u32 = 16 * 1024;
/// Bytes of the request of a block: piece, offset and length.
const BLOCK_REQUEST_BYTES: u32 = PREFIX_BYTES + 12;
/// Bytes of a block's own heading: piece and offset.
const BLOCK_HEADING_BYTES: u32 = PREFIX_BYTES + 8;

impl Message for TrackerMessage {
    type Item = Item;

    fn kinds() -> Vec<MessageKind> {
        vec![
            MessageKind::membership("announce_joined"),
            MessageKind::membership("announce_joined_answer"),
            MessageKind::lookup("announce_started"),
            MessageKind::lookup("announce_started_answer"),
            MessageKind::storage("announce_completed"),
            MessageKind::storage("announce_completed_answer"),
            MessageKind::maintenance("announce"),
            MessageKind::maintenance("announce_answer"),
            MessageKind::membership("announce_stopped"),
            MessageKind::membership("announce_stopped_answer"),
            MessageKind::maintenance("exchange"),
            MessageKind::storage("fetch"),
            MessageKind::storage("file"),
            MessageKind::storage("hand_over"),
            MessageKind::storage("taken_over"),
            MessageKind::storage("connect"),
            MessageKind::storage("bitfield"),
            MessageKind::storage("have"),
            MessageKind::storage("interested"),
            MessageKind::storage("choke"),
            MessageKind::storage("request"),
            MessageKind::storage("piece"),
            MessageKind::storage("keep_alive"),
            MessageKind::storage("close"),
        ]
    }

    fn kind(&self) -> usize {
        let of_event = |event: &Event| match event {
            Event::Joined => 0,
            Event::Started(_) => 2,
            Event::Completed(_) => 4,
            Event::Regular | Event::MorePeers => 6,
            Event::Stopped => 8,
        };
        match self {
            TrackerMessage::Announce { event, .. } => of_event(event),
            TrackerMessage::Announced { event, .. } => of_event(event) + 1,
            TrackerMessage::Exchange => 10,
            TrackerMessage::Fetch(_) => 11,
            TrackerMessage::File { .. } => 12,
            TrackerMessage::HandOver => 13,
            TrackerMessage::TakenOver => 14,
            TrackerMessage::Connect => 15,
            TrackerMessage::Bitfield => 16,
            TrackerMessage::Have(_) => 17,
            TrackerMessage::Interest { .. } => 18,
            TrackerMessage::Choke { .. } => 19,
            TrackerMessage::Request { .. } => 20,
            TrackerMessage::Piece { .. } => 21,
            TrackerMessage::KeepAlive => 22,
            TrackerMessage::Close => 23,
        }
    }

    fn wire_bytes(&self, list: &[Item]) -> u32 {
        let sum = |items: &mut dyn Iterator<Item = &Item>| {
            items.map(Item::bytes).fold(0, u32::saturating_add)
        };
        let items = sum(&mut list.iter());
        let body = match self {
            TrackerMessage::Announce { .. } => {
                items.saturating_sub(TOPIC_BYTES).saturating_add(ANNOUNCE_BYTES)
            }
            TrackerMessage::Announced { .. } | TrackerMessage::Exchange => {
                items.saturating_add(ANNOUNCED_BYTES)
            }
            TrackerMessage::Fetch(_) => TCP_BYTES + TOPIC_BYTES,
            TrackerMessage::File { value, .. } => {
                let file = value.map_or(0, |value| value.bytes);
                file.saturating_add(TCP_BYTES + TOPIC_BYTES)
            }
            TrackerMessage::HandOver => {
                let files = sum(&mut list.iter().filter(|item| item.client().is_none()));
                files.saturating_add(TCP_BYTES + PREFIX_BYTES)
            }
            TrackerMessage::Connect => {
                items.saturating_add(TCP_BYTES + HANDSHAKE_BYTES + PREFIX_BYTES)
            }
            TrackerMessage::Bitfield => items.saturating_add(TCP_BYTES + PREFIX_BYTES),
            TrackerMessage::Have(_) => TCP_BYTES + PREFIX_BYTES + 4,
            TrackerMessage::Request { bytes, .. } => {
                TCP_BYTES + bytes.div_ceil(BLOCK_BYTES) * BLOCK_REQUEST_BYTES
            }
            TrackerMessage::Piece { bytes, .. } => {
                let headings = bytes.div_ceil(BLOCK_BYTES) * BLOCK_HEADING_BYTES;
                bytes.saturating_add(headings).saturating_add(TCP_BYTES)
            }
            TrackerMessage::KeepAlive => TCP_BYTES + 4,
            TrackerMessage::TakenOver
            | TrackerMessage::Interest { .. }
            | TrackerMessage::Choke { .. } => TCP_BYTES + PREFIX_BYTES,
            TrackerMessage::Close => TCP_BYTES,
        };
        body.saturating_add(HEADER_BYTES)
    }

    fn serves(&self) -> Option<Served> {
        let request = match self {
            TrackerMessage::Announce { event, .. } | TrackerMessage::Announced { event, .. } => {
                match event {
                    Event::Started(Wanted::File(search)) => Some(search.request),
                    Event::Completed(request) => *request,
                    _ => None,
                }
            }
            TrackerMessage::Fetch(search) | TrackerMessage::File { search, .. } => {
                Some(search.request)
            }
            _ => None,
        };
        request.map(Served::Request)
    }
}

impl TrackerMessage {
    /// The piece that the message names.
    pub(super) fn piece(&self) -> Option<u32> {
        match self {
            TrackerMessage::Have(piece)
            | TrackerMessage::Request { piece, .. }
            | TrackerMessage::Piece { piece, .. } => Some(*piece),
            _ => None,
        }
    }
}

impl Item {
    fn bytes(&self) -> u32 {
        match self {
            Item::Have { .. } => TOPIC_BYTES,
            Item::Client { .. } => CLIENT_BYTES,
            Item::News { .. } => CLIENT_BYTES + TOPIC_BYTES,
            Item::File { value, .. } => value.bytes.saturating_add(TOPIC_BYTES),
            Item::Pieces(_) => 8,
        }
    }

    /// The client that this names.
    pub(super) fn client(&self) -> Option<Address> {
        match self {
            Item::Client { client, .. } => Some(*client),
            _ => None,
        }
    }
}
