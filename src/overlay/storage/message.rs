//! What nodes send each other about values, and how it travels beside the messages of
//! the overlay below.

use super::{ItemKey, own_lookup};
use crate::sim::{Address, HEADER_BYTES, LookupId, Message, MessageKind, RequestId, Served, Value};

/// A message of the layer, or one of the overlay below it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum StoredMessage<M> {
    /// Of the overlay below.
    Below(M),
    /// About a value.
    Storage(StorageMessage),
}

/// What is attached to a message: an item of the overlay below, or an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum StoredItem<I> {
    /// Of the overlay below.
    Below(I),
    /// A node that has a copy.
    Holder(Address),
}

/// A message about a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum StorageMessage {
    /// A get, a request: which value have you?
    Fetch {
        /// For this get.
        request: RequestId,
        /// Which item.
        item: ItemKey,
        /// Whether any copy will do. If not, only its owner answers, others say where to ask.
        any_copy: bool,
    },
    /// The answer. Attached are the nodes that may have a copy if this one has none.
    Fetched {
        /// For this get.
        request: RequestId,
        /// Which item.
        item: ItemKey,
        /// What is there.
        value: Option<Value>,
    },
    /// The answer of a node that does not own the item: ask this one.
    Elsewhere {
        /// The request.
        request: RequestId,
        /// Which item.
        item: ItemKey,
        /// Its owner, as far as the answering node knows.
        owner: Address,
    },
    /// A put, a request: keep this.
    Store {
        /// For this put.
        request: RequestId,
        /// Which item.
        item: ItemKey,
        /// Its value.
        value: Value,
    },
    /// The answer of the owner.
    Stored {
        /// The put.
        request: RequestId,
        /// Which item.
        item: ItemKey,
        /// Whether all copies are made. If not, [`StorageMessage::Copied`] follows.
        complete: bool,
    },
    /// From the owner to who put the item: as many copies are made as can be.
    Copied {
        /// The put.
        request: RequestId,
        /// Which item.
        item: ItemKey,
    },
    /// A request from the owner: be the owner from now on. Attached are those who have a
    /// copy.
    HandOver {
        /// Which item.
        item: ItemKey,
        /// Its value.
        value: Value,
        /// Why.
        why: HandOver,
    },
    /// The answer: so be it; the receiver has this version now, or a newer one.
    Taken {
        /// Which item.
        item: ItemKey,
        /// The version it has.
        version: u32,
    },
    /// The answer of a node that is leaving itself: somebody else must.
    Refused {
        /// Which item.
        item: ItemKey,
    },
    /// A request from the owner: keep a copy of this.
    Copy {
        /// Which item.
        item: ItemKey,
        /// Its value.
        value: Value,
    },
    /// A request from the owner: have you a copy of this version?
    Offer {
        /// Which item.
        item: ItemKey,
        /// The version.
        version: u32,
    },
    /// The answer to an offer: no, send it.
    Wanted {
        /// Which item.
        item: ItemKey,
    },
    /// The answer to a copy, or to an offer: I have it.
    Kept {
        /// Which item.
        item: ItemKey,
        /// The version that was sent or offered; the receiver has this one, or a newer one.
        version: u32,
    },
    /// From the owner: you need not keep a copy of this any more.
    Release {
        /// Which item.
        item: ItemKey,
    },
}

/// Why an item gets another owner.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum HandOver {
    /// The receiver has joined, or was unknown before.
    Joined,
    /// The sender leaves.
    Leaving,
}

/// Bytes of an identifier on the wire: a whole SHA-1 digest.
const ID_BYTES: u32 = 20;
/// Bytes of an address on the wire: ip and port.
const ADDRESS_BYTES: u32 = 6;
/// Bytes of what says which message this is, and of which request: a tag and a number.
const TAG_BYTES: u32 = 5;
/// Bytes of an item's name: its key, and which copy.
const ITEM_BYTES: u32 = ID_BYTES + 1;
/// Bytes of a version, and of a size.
const NUMBER_BYTES: u32 = 4;

/// The kinds of the layer. Those of the overlay below follow them.
pub(super) const KINDS: [MessageKind; 13] = [
    MessageKind::storage("fetch"),
    MessageKind::storage("fetch_answer"),
    MessageKind::storage("store"),
    MessageKind::storage("store_answer"),
    MessageKind::storage("copied"),
    MessageKind::storage("hand_over_join"),
    MessageKind::storage("hand_over_leave"),
    MessageKind::storage("hand_over_answer"),
    MessageKind::storage("copy"),
    MessageKind::storage("copy_answer"),
    MessageKind::storage("offer"),
    MessageKind::storage("offer_answer"),
    MessageKind::storage("release"),
];

impl<M: Message> Message for StoredMessage<M> {
    type Item = StoredItem<M::Item>;

    fn kinds() -> Vec<MessageKind> {
        KINDS.into_iter().chain(M::kinds()).collect()
    }

    fn kind(&self) -> usize {
        match self {
            StoredMessage::Below(message) => KINDS.len() + message.kind(),
            StoredMessage::Storage(message) => message.kind(),
        }
    }

    fn wire_bytes(&self, list: &[Self::Item]) -> u32 {
        match self {
            StoredMessage::Below(message) => message.wire_bytes(&below(list)),
            StoredMessage::Storage(message) => {
                let list = ADDRESS_BYTES * list.len() as u32;
                message.body_bytes().saturating_add(HEADER_BYTES + TAG_BYTES + list)
            }
        }
    }

    fn serves(&self) -> Option<Served> {
        match self {
            StoredMessage::Below(message) => match message.serves() {
                Some(Served::Lookup(lookup)) => own_lookup::served(lookup),
                other => other,
            },
            StoredMessage::Storage(message) => message.request().map(Served::Request),
        }
    }

    fn served_by_lookup(lookup: LookupId) -> Option<Served> {
        own_lookup::served(lookup)
    }
}

/// The items of the overlay below in an attached list.
pub(super) fn below<I: Copy>(list: &[StoredItem<I>]) -> smallvec::SmallVec<[I; 32]> {
    let items = list.iter().filter_map(|item| match item {
        StoredItem::Below(item) => Some(*item),
        StoredItem::Holder(_) => None,
    });
    items.collect()
}

/// The addresses in an attached list.
pub(super) fn holders<I>(list: &[StoredItem<I>]) -> impl Iterator<Item = Address> {
    list.iter().filter_map(|item| match item {
        StoredItem::Holder(address) => Some(*address),
        StoredItem::Below(_) => None,
    })
}

impl StorageMessage {
    /// The item that the message is about.
    pub(super) fn item(&self) -> ItemKey {
        match self {
            StorageMessage::Fetch { item, .. }
            | StorageMessage::Fetched { item, .. }
            | StorageMessage::Elsewhere { item, .. }
            | StorageMessage::Store { item, .. }
            | StorageMessage::Stored { item, .. }
            | StorageMessage::Copied { item, .. }
            | StorageMessage::HandOver { item, .. }
            | StorageMessage::Taken { item, .. }
            | StorageMessage::Refused { item }
            | StorageMessage::Copy { item, .. }
            | StorageMessage::Offer { item, .. }
            | StorageMessage::Wanted { item }
            | StorageMessage::Kept { item, .. }
            | StorageMessage::Release { item } => *item,
        }
    }

    fn kind(&self) -> usize {
        match self {
            StorageMessage::Fetch { .. } => 0,
            StorageMessage::Fetched { .. } | StorageMessage::Elsewhere { .. } => 1,
            StorageMessage::Store { .. } => 2,
            StorageMessage::Stored { .. } => 3,
            StorageMessage::Copied { .. } => 4,
            StorageMessage::HandOver { why: HandOver::Joined, .. } => 5,
            StorageMessage::HandOver { why: HandOver::Leaving, .. } => 6,
            StorageMessage::Taken { .. } | StorageMessage::Refused { .. } => 7,
            StorageMessage::Copy { .. } => 8,
            StorageMessage::Kept { .. } => 9,
            StorageMessage::Offer { .. } => 10,
            StorageMessage::Wanted { .. } => 11,
            StorageMessage::Release { .. } => 12,
        }
    }

    /// The put or get that the message is sent for.
    fn request(&self) -> Option<RequestId> {
        match self {
            StorageMessage::Fetch { request, .. }
            | StorageMessage::Fetched { request, .. }
            | StorageMessage::Elsewhere { request, .. }
            | StorageMessage::Store { request, .. }
            | StorageMessage::Stored { request, .. }
            | StorageMessage::Copied { request, .. } => Some(*request),
            _ => None,
        }
    }

    /// Bytes besides headers, tag and list.
    fn body_bytes(&self) -> u32 {
        let sized = |value: Value| value.bytes.saturating_add(2 * NUMBER_BYTES);
        match self {
            StorageMessage::Fetch { .. } | StorageMessage::Release { .. } => ITEM_BYTES,
            StorageMessage::Fetched { value, .. } => value.map_or(0, sized),
            StorageMessage::Elsewhere { .. } => ADDRESS_BYTES,
            StorageMessage::Store { value, .. }
            | StorageMessage::HandOver { value, .. }
            | StorageMessage::Copy { value, .. } => sized(*value).saturating_add(ITEM_BYTES),
            StorageMessage::Taken { .. } | StorageMessage::Offer { .. } => {
                ITEM_BYTES + NUMBER_BYTES
            }
            StorageMessage::Stored { .. } => 1,
            // The number in the tag says which item is meant, and which version.
            StorageMessage::Copied { .. }
            | StorageMessage::Wanted { .. }
            | StorageMessage::Kept { .. }
            | StorageMessage::Refused { .. } => 0,
        }
    }
}
