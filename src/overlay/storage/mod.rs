//! Values on an overlay: put and get, handed over when nodes join and leave, kept in
//! several copies.
//!
//! [`Stored`] makes of any overlay whose nodes can find the owner of a key one that stores
//! values, as `DHash` stands on Chord and as Dynamo's nodes keep the keys of their tokens. It
//! calls the overlay below for lookups and for what a node knows of its neighbours, and never
//! looks into it. The requests of this node are in `requests.rs`, what it holds in
//! `holding.rs`.
//!
//! F. Dabek, M. F. Kaashoek, D. Karger, R. Morris, I. Stoica: Wide-area cooperative storage
//! with CFS. SOSP 2001, Section 6. G. `DeCandia` et al.: Dynamo: Amazon's Highly Available
//! Key-value Store. SOSP 2007, Sections 4.3 and 4.7.
//!
//! # Implementation notes
//!
//! - An item has one owner, who answers for it and sees to its copies. Copies are either on
//!   the next distinct servers clockwise (Dynamo, CFS), all seen to by the owner of the key;
//!   or at the positions k, k + F, k + 2F … (the lecture notes), where each is an item by
//!   itself with an owner of its own.
//! - A put is acknowledged when all copies are made that can be made. A get asks the owner;
//!   if that one does not answer, the next copy.
//! - Who joins gets its keys from its successor, who hands them over, one message an item, as
//!   soon as it learns of the newcomer. The old owner keeps an item until the new one has
//!   acknowledged it, so none is ever without a holder. A get that meanwhile comes to the new
//!   owner too early is told to ask the next node as well.
//! - Who leaves hands everything to its successor first, and departs when all is
//!   acknowledged. A node that is leaving itself refuses; then its own successor is waited
//!   for. A system whose nodes *all* leave at once would wait for ever: the last one departs
//!   when it knows no other.
//! - An owner whose followers change offers its items to the new ones, who say which they
//!   lack, and releases those that need not keep a copy any more as soon as the new ones have
//!   theirs. Copies at k + F, k + 2F have
//!   no neighbours that would notice a death: each owner looks the next copy's owner up and
//!   offers it the item, once in every period of `repair`. With followers it then offers
//!   them everything anew: where messages crossed with changes of the neighbours, it may be
//!   wrong about who has what.
//! - A copy whose release crosses with a change of the owner can stay behind at a node that
//!   need not keep it; or an owner dies before a newcomer that comes to own the item has been
//!   sent it. Who has a copy of which its owner has not spoken during several repairs looks the
//!   owner up and offers it the item: the owner takes it, or says that it is not needed.
//! - Of two versions the higher wins, wherever they meet.
//! - A value travels in one message, however large, under one header.

mod holding;
mod message;
mod own_lookup;
mod requests;
#[cfg(test)]
mod robustness;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::BTreeMap;

use smallvec::SmallVec;

pub use message::{HandOver, StorageMessage, StoredItem, StoredMessage};

use super::{KeyRouting, Neighbours, NodeEstimate, Overlay, Peer, RingShape};
use crate::id::{Id, IdSpace};
use crate::oracle::Truth;
use crate::sim::{
    Address, Context, Duration, Effect, LookupId, Nodes, Note, Operation, Protocol, Record, Start,
    Value,
};

use holding::Holding;
use message::below;
use requests::Requests;

/// The most copies of a value.
pub const MAX_COPIES: usize = 16;

/// An overlay with storage on top.
pub struct Stored<P: KeyRouting> {
    /// The overlay below.
    pub routing: P,
    /// How values are kept.
    pub storage: Storage,
    /// What the overlay below does; emptied after every call, kept for its memory.
    record: RefCell<Record<P>>,
}

/// How values are kept.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Storage {
    /// The identifiers.
    pub space: IdSpace,
    /// Number of copies of every value, 1 to [`MAX_COPIES`].
    pub copies: usize,
    /// Where the copies are.
    pub placement: Placement,
    /// After this time without an answer a node is taken for dead.
    pub request_timeout: Duration,
    /// How often every owner sees to its items without being asked to; never if `None`.
    pub repair: Option<Duration>,
}

/// Where the copies of a value are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Placement {
    /// On the next distinct servers clockwise.
    Followers,
    /// At the positions k, k + F, k + 2F …, for this F.
    Spaced(Id),
}

/// An item's name: a key, and which of its copies. With [`Placement::Followers`] all copies
/// are number zero: they are the same item.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct ItemKey {
    /// The key.
    pub key: Id,
    /// The number of the copy.
    pub copy: u8,
}

impl Storage {
    /// Where an item stands on the ring.
    pub fn position(&self, item: ItemKey) -> Id {
        match self.placement {
            Placement::Followers => item.key,
            Placement::Spaced(step) => (0..item.copy).fold(item.key, |at, _| at.plus(step)),
        }
    }

    /// The items that a key makes.
    pub fn items(&self, key: Id) -> impl Iterator<Item = ItemKey> + use<> {
        (0..self.items_of_a_key()).map(move |copy| ItemKey { key, copy })
    }

    fn items_of_a_key(&self) -> u8 {
        match self.placement {
            Placement::Followers => 1,
            Placement::Spaced(_) => self.copies as u8,
        }
    }

    /// How many others keep a copy of an item besides its owner.
    pub fn followers(&self) -> usize {
        match self.placement {
            Placement::Followers => self.copies - 1,
            Placement::Spaced(_) => 0,
        }
    }
}

/// A node with its part of the values.
#[derive(Clone, Debug)]
pub struct StoredNode<N> {
    /// Its state in the overlay below.
    pub routing: N,
    /// The neighbourhood for which its items were last seen to.
    neighbourhood: u64,
    items: BTreeMap<ItemKey, Holding>,
    requests: Requests,
    leaving: Leaving,
    /// Whether it is going to look around again.
    looks_again: bool,
}

/// What a lookup of the overlay below found: the owner and the hops to it.
type Found = Option<(Address, u32)>;

/// How far a node is with leaving.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Leaving {
    /// It is not.
    #[default]
    Not,
    /// It hands its items over.
    HandingOver,
    /// It has none any more, and leaves the overlay below.
    Routing,
}

/// What a node wakes itself up for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum StoredTimer<T> {
    /// Of the overlay below.
    Below(T),
    /// To see to its items.
    Repair,
    /// To look around again, after something could not be done at once.
    LookAgain,
}

/// What could not be done at once is tried again after this time.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

impl<P: KeyRouting> Clone for Stored<P> {
    fn clone(&self) -> Self {
        Stored::new(self.routing.clone(), self.storage)
    }
}

impl<P: KeyRouting> Stored<P> {
    /// This overlay with storage on top.
    pub fn new(routing: P, storage: Storage) -> Self {
        Stored { routing, storage, record: RefCell::default() }
    }

    fn node(routing: P::Node, neighbourhood: u64) -> StoredNode<P::Node> {
        StoredNode {
            routing,
            neighbourhood,
            items: BTreeMap::new(),
            requests: Requests::default(),
            leaving: Leaving::Not,
            looks_again: false,
        }
    }

    /// Lets the overlay below do something, and goes on with what came of it.
    fn below(
        &self,
        node: &mut StoredNode<P::Node>,
        context: &mut Context<'_, Self>,
        act: impl FnOnce(&P, &mut P::Node, &mut Context<'_, P>),
    ) {
        let received = below(context.received_list());
        let mut record = self.record.take();
        act(&self.routing, &mut node.routing, &mut context.within(&received, &mut record));
        let mut answers: SmallVec<[(LookupId, Found); 2]> = SmallVec::new();
        let mut departs = false;
        for effect in record.effects.drain(..) {
            match effect {
                Effect::Send { to, message, list, manner } => {
                    let list = record.items[list].iter().map(|item| StoredItem::Below(*item));
                    context.send_as(to, StoredMessage::Below(message), list, manner);
                }
                Effect::Timer { after, timer } => {
                    context.set_timer(after, StoredTimer::Below(timer));
                }
                Effect::Note(Note::Answer { lookup, owner, hops })
                    if own_lookup::is_own(lookup) =>
                {
                    answers.push((lookup, Some((owner, hops))));
                }
                Effect::Note(Note::NoRoute(lookup)) if own_lookup::is_own(lookup) => {
                    answers.push((lookup, None));
                }
                Effect::Note(other) => context.note(other),
                Effect::Depart => departs = true,
            }
        }
        record.items.clear();
        self.record.replace(record);
        for (lookup, answer) in answers {
            self.on_looked_up(node, lookup, answer, context);
        }
        let neighbourhood = self.routing.neighbourhood(&node.routing);
        if neighbourhood != node.neighbourhood {
            node.neighbourhood = neighbourhood;
            self.see_to_all(node, context);
        }
        if departs {
            context.depart();
        }
    }

    /// Asks the overlay below what it knows.
    fn know<R>(
        &self,
        node: &StoredNode<P::Node>,
        context: &mut Context<'_, Self>,
        ask: impl FnOnce(&P, &P::Node, &Context<'_, P>) -> R,
    ) -> R {
        let mut record = self.record.take();
        let answer = ask(&self.routing, &node.routing, &context.within(&[], &mut record));
        self.record.replace(record);
        answer
    }

    /// Who owns an item, as far as this node can tell by itself.
    fn owner(
        &self,
        node: &StoredNode<P::Node>,
        item: ItemKey,
        context: &mut Context<'_, Self>,
    ) -> Option<Address> {
        let position = self.storage.position(item);
        self.know(node, context, |routing, node, context| routing.owner(node, position, context))
    }

    /// The nodes behind the owner of an item, which is this node.
    fn followers(
        &self,
        node: &StoredNode<P::Node>,
        item: ItemKey,
        count: usize,
        context: &mut Context<'_, Self>,
    ) -> SmallVec<[Address; 4]> {
        let position = self.storage.position(item);
        self.know(node, context, |routing, node, context| {
            routing.followers(node, position, count, context)
        })
    }

    /// A node does not answer.
    fn suspect(
        &self,
        node: &mut StoredNode<P::Node>,
        peer: Address,
        context: &mut Context<'_, Self>,
    ) {
        self.below(node, context, |routing, node, context| routing.suspect(node, peer, context));
    }
}

impl<P: KeyRouting> Protocol for Stored<P> {
    type Node = StoredNode<P::Node>;
    type Message = StoredMessage<P::Message>;
    type Timer = StoredTimer<P::Timer>;

    fn new_node(&self, address: Address) -> Self::Node {
        let routing = self.routing.new_node(address);
        let neighbourhood = self.routing.neighbourhood(&routing);
        Self::node(routing, neighbourhood)
    }

    fn prefetch(&self, node: &Self::Node, id: Id, message: Option<&Self::Message>) {
        let below = message.and_then(|message| match message {
            StoredMessage::Below(message) => Some(message),
            StoredMessage::Storage(_) => None,
        });
        self.routing.prefetch(&node.routing, id, below);
    }

    fn on_start(&self, node: &mut Self::Node, start: Start, context: &mut Context<'_, Self>) {
        self.below(node, context, |routing, node, context| routing.on_start(node, start, context));
        if let Some(period) = self.storage.repair {
            let first = context.random().between(Duration::ZERO, period);
            context.set_timer(first, StoredTimer::Repair);
        }
    }

    fn on_message(
        &self,
        node: &mut Self::Node,
        from: Address,
        message: Self::Message,
        context: &mut Context<'_, Self>,
    ) {
        match message {
            StoredMessage::Below(message) => self.below(node, context, |routing, node, context| {
                routing.on_message(node, from, message, context);
            }),
            StoredMessage::Storage(message) => {
                self.on_storage_message(node, from, message, context);
            }
        }
    }

    fn on_timer(&self, node: &mut Self::Node, timer: Self::Timer, context: &mut Context<'_, Self>) {
        match timer {
            StoredTimer::Below(timer) => self.below(node, context, |routing, node, context| {
                routing.on_timer(node, timer, context);
            }),
            StoredTimer::Repair => {
                self.repair(node, context);
                if let Some(period) = self.storage.repair {
                    context.set_timer(period, StoredTimer::Repair);
                }
            }
            StoredTimer::LookAgain => {
                node.looks_again = false;
                self.look_around(node, context);
            }
        }
    }

    fn on_operation(
        &self,
        node: &mut Self::Node,
        operation: Operation,
        context: &mut Context<'_, Self>,
    ) {
        match operation {
            Operation::Put { request, key, value } => self.put(node, request, key, value, context),
            Operation::Get { request, key } => self.get(node, request, key, context),
            Operation::Lookup { .. }
            | Operation::Download { .. }
            | Operation::JoinThrough { .. }
            | Operation::TakeNote => {
                self.below(node, context, |routing, node, context| {
                    routing.on_operation(node, operation, context);
                });
            }
        }
    }

    fn on_unreachable(
        &self,
        node: &mut Self::Node,
        peer: Address,
        message: Self::Message,
        context: &mut Context<'_, Self>,
    ) {
        match message {
            StoredMessage::Below(message) => self.below(node, context, |routing, node, context| {
                routing.on_unreachable(node, peer, message, context);
            }),
            StoredMessage::Storage(message) => {
                context.maintenance_timed_out();
                self.suspect(node, peer, context);
                self.on_storage_unreachable(node, peer, message, context);
            }
        }
    }

    fn on_leave(&self, node: &mut Self::Node, context: &mut Context<'_, Self>) {
        if node.leaving == Leaving::Not {
            node.leaving = Leaving::HandingOver;
            self.look_around(node, context);
        }
    }
}

impl<P: KeyRouting> Stored<P> {
    fn on_storage_message(
        &self,
        node: &mut StoredNode<P::Node>,
        from: Address,
        message: StorageMessage,
        context: &mut Context<'_, Self>,
    ) {
        if message.item().copy >= self.storage.items_of_a_key() {
            return; // there is no such item
        }
        match message {
            StorageMessage::Fetch { request, item, any_copy } => {
                self.on_fetch(node, request, item, any_copy, context);
            }
            StorageMessage::Store { request, item, value } => {
                self.on_store(node, from, request, item, value, context);
            }
            StorageMessage::Fetched { .. }
            | StorageMessage::Elsewhere { .. }
            | StorageMessage::Stored { .. }
                if context.is_late() => {}
            StorageMessage::Fetched { request, item, value } => {
                self.on_fetched(node, request, item, value, context);
            }
            StorageMessage::Elsewhere { request, item, owner } => {
                self.on_elsewhere(node, request, item, owner, context);
            }
            StorageMessage::Stored { request, item, complete } => {
                if complete {
                    self.on_copied(node, request, item, context);
                }
            }
            StorageMessage::Copied { request, item } => {
                self.on_copied(node, request, item, context);
            }
            StorageMessage::HandOver { item, value, .. } => {
                self.on_hand_over(node, from, item, value, context);
            }
            StorageMessage::Taken { item, version } => {
                self.on_taken(node, from, item, version, context);
            }
            StorageMessage::Refused { item } => Self::on_refused(node, from, item, context),
            StorageMessage::Copy { item, value } => self.on_copy(node, item, value, context),
            StorageMessage::Offer { item, version } => {
                self.on_offer(node, from, item, version, context);
            }
            StorageMessage::Wanted { item } => self.on_wanted(node, from, item, context),
            StorageMessage::Kept { item, version } => {
                self.on_kept(node, from, item, version, context);
            }
            StorageMessage::Release { item } => Self::on_release(node, item),
        }
    }

    fn on_storage_unreachable(
        &self,
        node: &mut StoredNode<P::Node>,
        peer: Address,
        message: StorageMessage,
        context: &mut Context<'_, Self>,
    ) {
        match message {
            StorageMessage::Fetch { request, item, .. }
            | StorageMessage::Store { request, item, .. } => {
                self.on_no_answer(node, request, item, peer, context);
            }
            StorageMessage::HandOver { item, .. } => {
                Self::on_refused(node, peer, item, context);
                self.see_to(node, item, context);
            }
            StorageMessage::Copy { item, value: Value { version, .. } }
            | StorageMessage::Offer { item, version } => {
                self.on_copy_failed(node, peer, item, version, context);
            }
            _ => {}
        }
    }
}

impl<P: KeyRouting> Overlay for Stored<P> {
    fn system(&self) -> &'static str {
        self.routing.system()
    }

    fn converged<'a>(
        &'a self,
        truth: Truth<'a>,
        round_trip: impl Fn(Address, Address) -> Duration + 'a,
    ) -> impl FnMut(Address) -> Self::Node + 'a {
        let mut routing = self.routing.converged(truth, round_trip);
        move |address| {
            let node = routing(address);
            let neighbourhood = self.routing.neighbourhood(&node);
            Self::node(node, neighbourhood)
        }
    }

    fn estimate(&self, nodes: usize) -> NodeEstimate {
        let owners = usize::from(self.storage.items_of_a_key());
        let key_bytes = Holding::estimated_bytes(owners, owners * self.storage.followers());
        NodeEstimate { key_bytes, ..self.routing.estimate(nodes) }
            .with_timer(self.storage.repair, 2.0)
    }

    fn routing_entries(&self, node: &Self::Node) -> usize {
        self.routing.routing_entries(&node.routing)
    }

    fn host(&self, token: Address) -> Address {
        self.routing.host(token)
    }

    fn ring(&self) -> Option<RingShape> {
        self.routing.ring()
    }

    fn neighbours(&self, node: &Self::Node, token: Address, ids: &[Id]) -> Neighbours {
        self.routing.neighbours(&node.routing, token, ids)
    }

    fn finger(&self, node: &Self::Node, index: u32) -> Option<Address> {
        self.routing.finger(&node.routing, index)
    }

    fn finger_runs(&self, node: &Self::Node) -> SmallVec<[(u32, Option<Address>); 32]> {
        self.routing.finger_runs(&node.routing)
    }

    fn has_right_view(&self, node: &Self::Node, truth: Truth<'_>) -> Option<bool> {
        self.routing.has_right_view(&node.routing, truth)
    }

    fn is_told_by_oracle(&self) -> bool {
        self.routing.is_told_by_oracle()
    }

    fn observe_stop(&self, node: Address) {
        self.routing.observe_stop(node);
    }

    fn observe_return(&self, node: Address) {
        self.routing.observe_return(node);
    }

    fn is_right_after_joins(&self) -> bool {
        self.routing.is_right_after_joins()
    }

    fn has_users(&self, node: Address) -> bool {
        self.routing.has_users(node)
    }

    fn peer(&self, node: &Self::Node) -> Option<Peer> {
        self.routing.peer(&node.routing)
    }

    fn holds<'n>(&self, node: &'n Self::Node) -> impl Iterator<Item = (Id, Value)> + 'n {
        node.items.iter().map(|(item, held)| (item.key, held.value()))
    }

    fn right_holders(&self, key: Id, truth: Truth<'_>) -> SmallVec<[Address; 4]> {
        let others = self.storage.followers();
        let positions = self.storage.items(key).map(|item| self.storage.position(item));
        positions.flat_map(|at| self.routing.right_owners(at, 1 + others, truth)).collect()
    }

    fn preload(
        &self,
        values: impl Iterator<Item = (Id, Value)>,
        truth: Truth<'_>,
        nodes: &mut Nodes<'_, Self::Node>,
    ) {
        for (key, value) in values {
            for item in self.storage.items(key) {
                let position = self.storage.position(item);
                let all = 1 + self.storage.followers();
                let places = self.routing.right_owners(position, all, truth);
                for (place, address) in places.iter().enumerate() {
                    let Some(node) = nodes.get(*address) else { continue };
                    let holding = match place {
                        0 => Holding::owned(value, &places[1..]),
                        _ => Holding::copy(value),
                    };
                    node.items.insert(item, holding);
                }
            }
        }
    }
}
