//! What a node asks for: its puts and gets, from the search for the owner to the answer.

use smallvec::SmallVec;

use super::message::holders;
use super::{
    Found, ItemKey, Placement, StorageMessage, Stored, StoredMessage, StoredNode, own_lookup,
};
use crate::id::Id;
use crate::overlay::KeyRouting;
use crate::sim::{Address, Context, Duration, LookupId, Operation, RequestId, Time, Value};

/// How often an owner is searched for beyond one that does not answer.
const MOST_SEARCHED: u8 = 16;
/// A request that has asked this many nodes in vain is given up.
const MOST_ASKED: u32 = 12;
/// A request whose lookup has not been answered for so long is forgotten.
const PATIENCE: Duration = Duration::from_secs(120);

/// The requests of a node that are not answered yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Requests {
    open: Vec<Open>,
    puts: Vec<Put>,
    /// Number of the next search of this node's own, for a repair.
    next_repair: u32,
}

/// The search for one item.
#[derive(Clone, Debug)]
struct Open {
    item: ItemKey,
    purpose: Purpose,
    since: Time,
    /// Nodes that passed the request on or were asked.
    hops: u32,
    /// Nodes asked for the item itself.
    asked: u32,
    /// Nodes that may have a copy, nearest last.
    others: SmallVec<[Address; 4]>,
    /// A node that owns the item and does not answer: who comes behind it?
    beyond: Option<Address>,
    /// How often it has been searched for beyond that one.
    searched: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Purpose {
    Get(RequestId),
    Put(RequestId, Value),
    /// Offers this version to the item's owner; the number tells it from other repairs.
    Repair(u32, u32),
}

/// A put, of one or more copies.
#[derive(Clone, Debug)]
struct Put {
    request: RequestId,
    since: Time,
    open: usize,
    stored: usize,
}

impl Open {
    fn lookup(&self) -> LookupId {
        match self.purpose {
            Purpose::Get(request) | Purpose::Put(request, _) => {
                own_lookup::for_request(request, self.item.copy)
            }
            Purpose::Repair(number, _) => own_lookup::for_repair(number),
        }
    }

    fn is_for(&self, id: RequestId, of: ItemKey) -> bool {
        let is_it = match self.purpose {
            Purpose::Get(request) | Purpose::Put(request, _) => request == id,
            Purpose::Repair(..) => false,
        };
        is_it && self.item == of
    }
}

impl Requests {
    fn begin(&mut self, item: ItemKey, purpose: Purpose, now: Time) -> Open {
        let (hops, asked, others) = (0, 0, SmallVec::new());
        // What the overlay below never answered.
        self.open.retain(|open| now.since(open.since) < PATIENCE);
        self.puts.retain(|put| now.since(put.since) < PATIENCE);
        Open { item, purpose, since: now, hops, asked, others, beyond: None, searched: 0 }
    }

    fn take(&mut self, matches: impl Fn(&Open) -> bool) -> Option<Open> {
        let place = self.open.iter().position(matches)?;
        Some(self.open.swap_remove(place))
    }
}

impl<P: KeyRouting> Stored<P> {
    /// Puts a value, in all its copies at once.
    pub(super) fn put(
        &self,
        node: &mut StoredNode<P::Node>,
        request: RequestId,
        key: Id,
        value: Value,
        context: &mut Context<'_, Self>,
    ) {
        let items: SmallVec<[ItemKey; 4]> = self.storage.items(key).collect();
        let (since, open) = (context.now(), items.len());
        node.requests.puts.push(Put { request, since, open, stored: 0 });
        for item in items {
            let open = node.requests.begin(item, Purpose::Put(request, value), context.now());
            self.search(node, open, context);
        }
    }

    /// Gets the value of a key.
    pub(super) fn get(
        &self,
        node: &mut StoredNode<P::Node>,
        request: RequestId,
        key: Id,
        context: &mut Context<'_, Self>,
    ) {
        let item = ItemKey { key, copy: 0 };
        let open = node.requests.begin(item, Purpose::Get(request), context.now());
        self.search(node, open, context);
    }

    /// Offers an item to its owner, whoever that is.
    pub(super) fn offer_to_owner(
        &self,
        node: &mut StoredNode<P::Node>,
        item: ItemKey,
        version: u32,
        context: &mut Context<'_, Self>,
    ) {
        let number = node.requests.next_repair;
        node.requests.next_repair = (number + 1) % own_lookup::REPAIRS;
        let open = node.requests.begin(item, Purpose::Repair(number, version), context.now());
        self.search(node, open, context);
    }

    /// Looks for the owner of an item; or for the node behind one that does not answer.
    fn search(&self, node: &mut StoredNode<P::Node>, open: Open, context: &mut Context<'_, Self>) {
        let position = match open.beyond {
            Some(failed) => context.id(failed).plus(self.storage.space.id(1)),
            None => self.storage.position(open.item),
        };
        let owner = self.know(node, context, |routing, node, context| {
            let owner = routing.owner(node, position, context);
            owner.filter(|owner| *owner == context.this() || routing.knows_all_owners())
        });
        if let Some(owner) = owner {
            self.ask(node, open, owner, context);
        } else {
            let (lookup, key) = (open.lookup(), position);
            node.requests.open.push(open);
            self.below(node, context, |routing, node, context| {
                routing.on_operation(node, Operation::Lookup { lookup, key }, context);
            });
        }
    }

    /// The overlay below has answered a lookup of this layer.
    pub(super) fn on_looked_up(
        &self,
        node: &mut StoredNode<P::Node>,
        lookup: LookupId,
        answer: Found,
        context: &mut Context<'_, Self>,
    ) {
        let Some(mut open) = node.requests.take(|open| open.lookup() == lookup) else { return };
        match answer {
            Some((owner, hops)) => {
                open.hops += hops;
                let owner = self.routing.host(owner);
                if open.beyond == Some(owner) {
                    // Nobody knows yet that it is dead.
                    self.go_on(node, open, context);
                } else {
                    self.ask(node, open, owner, context);
                }
            }
            None => self.go_on(node, open, context),
        }
    }

    /// Asks a node for an item, or to store it.
    fn ask(
        &self,
        node: &mut StoredNode<P::Node>,
        mut open: Open,
        peer: Address,
        context: &mut Context<'_, Self>,
    ) {
        let item = open.item;
        if peer == context.this() {
            return self.ask_oneself(node, open, context);
        }
        open.asked += 1;
        open.hops += 1;
        let message = match open.purpose {
            Purpose::Get(request) => {
                // The owner first; then whoever has it.
                let any_copy = open.asked > 1;
                StorageMessage::Fetch { request, item, any_copy }
            }
            Purpose::Put(request, value) => StorageMessage::Store { request, item, value },
            Purpose::Repair(_, version) => StorageMessage::Offer { item, version },
        };
        if !matches!(open.purpose, Purpose::Repair(..)) {
            node.requests.open.push(open);
        }
        let timeout = self.storage.request_timeout;
        context.request(peer, StoredMessage::Storage(message), &[], timeout);
    }

    fn ask_oneself(
        &self,
        node: &mut StoredNode<P::Node>,
        mut open: Open,
        context: &mut Context<'_, Self>,
    ) {
        let this = context.this();
        match open.purpose {
            Purpose::Get(request) => {
                if let Some(held) = node.items.get(&open.item) {
                    context.fetched(request, Some(held.value()), open.hops);
                } else {
                    open.asked += 1;
                    let count = self.storage.followers().max(1);
                    open.others = self.followers(node, open.item, count, context);
                    open.others.reverse();
                    self.go_on(node, open, context);
                }
            }
            Purpose::Put(request, value) => {
                let item = open.item;
                node.requests.open.push(open);
                if self.store(node, this, request, item, value, context) {
                    self.on_copied(node, request, item, context);
                }
            }
            Purpose::Repair(_, version) => {
                let has_it = node.items.get(&open.item);
                if has_it.is_none_or(|held| held.value().version < version) {
                    self.on_wanted(node, this, open.item, context);
                }
            }
        }
    }

    /// A node says what it has.
    pub(super) fn on_fetched(
        &self,
        node: &mut StoredNode<P::Node>,
        request: RequestId,
        item: ItemKey,
        value: Option<Value>,
        context: &mut Context<'_, Self>,
    ) {
        let Some(mut open) = node.requests.take(|open| open.is_for(request, item)) else {
            return;
        };
        if value.is_some() {
            context.fetched(request, value, open.hops);
            return;
        }
        if open.others.is_empty() && open.asked <= 2 {
            open.others = holders(context.received_list()).collect();
            open.others.reverse();
        }
        self.go_on(node, open, context);
    }

    /// A node says that another one owns the item.
    pub(super) fn on_elsewhere(
        &self,
        node: &mut StoredNode<P::Node>,
        request: RequestId,
        item: ItemKey,
        owner: Address,
        context: &mut Context<'_, Self>,
    ) {
        let Some(open) = node.requests.take(|open| open.is_for(request, item)) else { return };
        context.misdirected(request);
        if open.asked < MOST_ASKED {
            self.ask(node, open, owner, context);
        } else {
            self.end(node, &open, context);
        }
    }

    /// A node that was asked does not answer.
    pub(super) fn on_no_answer(
        &self,
        node: &mut StoredNode<P::Node>,
        request: RequestId,
        item: ItemKey,
        peer: Address,
        context: &mut Context<'_, Self>,
    ) {
        let Some(mut open) = node.requests.take(|open| open.is_for(request, item)) else {
            return;
        };
        open.beyond = Some(peer);
        self.go_on(node, open, context);
    }

    /// Tries the next node that may have the item, or ends the search.
    fn go_on(
        &self,
        node: &mut StoredNode<P::Node>,
        mut open: Open,
        context: &mut Context<'_, Self>,
    ) {
        let copies = self.storage.copies as u8;
        let is_spaced = matches!(self.storage.placement, Placement::Spaced(_));
        if open.asked >= MOST_ASKED {
            self.end(node, &open, context);
        } else if let Some(other) = open.others.pop() {
            self.ask(node, open, other, context);
        } else if let (Purpose::Get(_), true, true) =
            (open.purpose, is_spaced, open.item.copy + 1 < copies)
        {
            open.item.copy += 1;
            open.beyond = None;
            open.asked = 0;
            self.search(node, open, context);
        } else if open.beyond.is_some() && open.asked < 4 && open.searched < MOST_SEARCHED {
            // Counted: a node that is not in yet is told at once that it finds nobody.
            open.searched += 1;
            self.search(node, open, context);
        } else {
            self.end(node, &open, context);
        }
    }

    /// Nobody is left to ask.
    fn end(&self, node: &mut StoredNode<P::Node>, open: &Open, context: &mut Context<'_, Self>) {
        match open.purpose {
            Purpose::Get(request) if open.beyond.is_none() && open.asked > 0 => {
                context.fetched(request, None, open.hops);
            }
            Purpose::Get(request) => context.fail(request),
            Purpose::Put(request, _) => Self::copy_done(node, request, false, context),
            Purpose::Repair(..) => {}
        }
    }

    /// All copies of an item that was put are made.
    pub(super) fn on_copied(
        &self,
        node: &mut StoredNode<P::Node>,
        request: RequestId,
        item: ItemKey,
        context: &mut Context<'_, Self>,
    ) {
        if node.requests.take(|open| open.is_for(request, item)).is_some() {
            Self::copy_done(node, request, true, context);
        }
    }

    fn copy_done(
        node: &mut StoredNode<P::Node>,
        request: RequestId,
        is_stored: bool,
        context: &mut Context<'_, Self>,
    ) {
        let puts = &mut node.requests.puts;
        let Some(place) = puts.iter().position(|put| put.request == request) else { return };
        let put = &mut puts[place];
        put.open -= 1;
        put.stored += usize::from(is_stored);
        if put.open == 0 {
            if put.stored > 0 {
                context.stored(request);
            } else {
                context.fail(request);
            }
            puts.swap_remove(place);
        }
    }
}
