//! What a node holds: whether it owns an item or keeps a copy, and how items get to those
//! who should have them.

use smallvec::SmallVec;

use super::message::holders;
use super::{
    HandOver, ItemKey, LOOK_AGAIN, Leaving, Placement, StorageMessage, Stored, StoredItem,
    StoredMessage, StoredNode, StoredTimer,
};
use crate::overlay::{KeyRouting, allocated, in_tree};
use crate::sim::{Address, Context, RequestId, Value};

/// An item at a node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Holding {
    value: Value,
    role: Role,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Role {
    /// It answers for the item and sees to its copies.
    Owner(Box<Duties>),
    /// It keeps a copy for the owner, who has not spoken of it for so many repairs of this
    /// node's.
    Copy { unheard_of: u8 },
}

/// After so many repairs without a word of its owner a copy is offered to it. One would not do:
/// the owner speaks of it about once in every period, at times a little late.
const UNHEARD_OF: u8 = 2;

/// What an owner keeps in mind about an item.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Duties {
    /// The others that have a copy, or are being sent one; and those that need not have it any
    /// more, until all who should have it do.
    holders: SmallVec<[Address; 3]>,
    /// Those of them that have not answered yet.
    awaited: SmallVec<[Address; 2]>,
    /// The node to which the item is being handed over.
    heir: Option<Address>,
    /// Nodes that refused it, because they are leaving themselves.
    refused: SmallVec<[Address; 1]>,
    /// The puts that wait for the copies: who put it, and the number of the put.
    puts: SmallVec<[(Address, RequestId); 1]>,
}

impl Holding {
    /// Bytes, about, of items with so many owners and other holders together.
    pub(super) fn estimated_bytes(owners: usize, others: usize) -> usize {
        let entry = in_tree(size_of::<ItemKey>() + size_of::<Holding>());
        (owners + others) * entry + owners * allocated(size_of::<Duties>())
    }

    /// An item whose owner this is, and which these others have copies of.
    pub(super) fn owned(value: Value, others: &[Address]) -> Holding {
        let duties = Duties { holders: SmallVec::from_slice(others), ..Duties::default() };
        Holding { value, role: Role::Owner(Box::new(duties)) }
    }

    /// A copy.
    pub(super) fn copy(value: Value) -> Holding {
        Holding { value, role: Role::Copy { unheard_of: 0 } }
    }

    /// The value.
    pub(super) fn value(&self) -> Value {
        self.value
    }

    fn duties(&mut self) -> Option<&mut Duties> {
        match &mut self.role {
            Role::Owner(duties) => Some(duties),
            Role::Copy { .. } => None,
        }
    }

    /// The owner of a copy has spoken of it.
    fn heard_of(&mut self) {
        if let Role::Copy { unheard_of } = &mut self.role {
            *unheard_of = 0;
        }
    }

    /// Another repair: whether the owner seems not to know of this copy.
    fn is_stray(&mut self) -> bool {
        match &mut self.role {
            Role::Owner(_) => false,
            Role::Copy { unheard_of } => {
                *unheard_of = unheard_of.saturating_add(1);
                *unheard_of > UNHEARD_OF
            }
        }
    }

    fn is_owned(&self) -> bool {
        matches!(self.role, Role::Owner(_))
    }

    /// Takes a value in if it is newer. Then an owner knows of nobody else who has it, and
    /// waits for nobody who was sent the older one.
    fn renew(&mut self, value: Value) {
        if value > self.value {
            self.value = value;
            if let Some(duties) = self.duties() {
                duties.holders.clear();
                duties.awaited.clear();
            }
        }
    }
}

impl<P: KeyRouting> Stored<P> {
    /// A get has come here.
    pub(super) fn on_fetch(
        &self,
        node: &mut StoredNode<P::Node>,
        request: RequestId,
        item: ItemKey,
        any_copy: bool,
        context: &mut Context<'_, Self>,
    ) {
        let value = node.items.get(&item).map(Holding::value);
        let owner = self.owner(node, item, context);
        let elsewhere = owner.filter(|owner| *owner != context.this());
        if let (Some(owner), true) = (elsewhere, value.is_none() || !any_copy) {
            return answer(StorageMessage::Elsewhere { request, item, owner }, context);
        }
        let others = match value {
            Some(_) => SmallVec::new(),
            // The next node has the item while it is being handed over, if nobody else.
            None => self.followers(node, item, self.storage.followers().max(1), context),
        };
        let message = StorageMessage::Fetched { request, item, value };
        let list = others.into_iter().map(StoredItem::Holder);
        context.reply(StoredMessage::Storage(message), &list.collect::<SmallVec<[_; 4]>>());
    }

    /// A put has come here.
    pub(super) fn on_store(
        &self,
        node: &mut StoredNode<P::Node>,
        from: Address,
        request: RequestId,
        item: ItemKey,
        value: Value,
        context: &mut Context<'_, Self>,
    ) {
        let owner = self.owner(node, item, context);
        if let Some(owner) = owner.filter(|owner| *owner != context.this()) {
            return answer(StorageMessage::Elsewhere { request, item, owner }, context);
        }
        let complete = self.store(node, from, request, item, value, context);
        answer(StorageMessage::Stored { request, item, complete }, context);
    }

    /// Takes a put value in as its owner; whether all copies are made.
    pub(super) fn store(
        &self,
        node: &mut StoredNode<P::Node>,
        from: Address,
        request: RequestId,
        item: ItemKey,
        value: Value,
        context: &mut Context<'_, Self>,
    ) -> bool {
        let followers = self.followers(node, item, self.storage.followers(), context);
        let held = own(node, item, value);
        let is_news = held.value == value;
        let value = held.value;
        let Some(duties) = held.duties() else { return true };
        if is_news {
            for follower in &followers {
                send(*follower, StorageMessage::Copy { item, value }, self, context);
                if !duties.holders.contains(follower) {
                    duties.holders.push(*follower);
                }
                if !duties.awaited.contains(follower) {
                    duties.awaited.push(*follower);
                }
            }
        }
        let complete = duties.awaited.is_empty();
        if !complete && !duties.puts.contains(&(from, request)) {
            duties.puts.push((from, request));
        }
        self.see_to(node, item, context);
        complete
    }

    /// This node is to own an item from now on.
    pub(super) fn on_hand_over(
        &self,
        node: &mut StoredNode<P::Node>,
        from: Address,
        item: ItemKey,
        value: Value,
        context: &mut Context<'_, Self>,
    ) {
        if node.leaving != Leaving::Not {
            return answer(StorageMessage::Refused { item }, context);
        }
        let this = context.this();
        let held = own(node, item, value);
        let version = held.value.version;
        let mut was_on_its_way = false;
        if let Some(duties) = held.duties() {
            for holder in holders(context.received_list()).filter(|holder| *holder != this) {
                if !duties.holders.contains(&holder) {
                    duties.holders.push(holder);
                }
            }
            // Handed over anew, it stays although this node was about to hand it on: if
            // several nodes hand it around in a circle, each with a view of its own, none
            // lets go of it that has not handed it on since.
            was_on_its_way = duties.heir.take().is_some();
        }
        answer(StorageMessage::Taken { item, version }, context);
        if was_on_its_way || self.owner(node, item, context) == Some(from) {
            // Until the views agree it goes around slowly.
            Self::look_again(node, context);
        } else {
            self.see_to(node, item, context);
        }
    }

    /// The new owner has the item.
    pub(super) fn on_taken(
        &self,
        node: &mut StoredNode<P::Node>,
        from: Address,
        item: ItemKey,
        version: u32,
        context: &mut Context<'_, Self>,
    ) {
        let Some(held) = node.items.get_mut(&item) else { return };
        let current = held.value.version;
        let Some(duties) = held.duties().filter(|duties| duties.heir == Some(from)) else {
            return; // it has come back meanwhile
        };
        duties.heir = None;
        if version < current {
            // A newer value was put here while the older one was under way.
            self.see_to(node, item, context);
        } else {
            let puts = std::mem::take(&mut duties.puts);
            if self.storage.followers() > 0 {
                // Perhaps this node is to keep a copy; the new owner says if not.
                held.role = Role::Copy { unheard_of: 0 };
            } else {
                node.items.remove(&item);
            }
            self.acknowledge_puts(node, &puts, item, context);
        }
        self.leave_if_done(node, context);
    }

    /// The item stays here: the node that was to own it is leaving or gone.
    pub(super) fn on_refused(
        node: &mut StoredNode<P::Node>,
        from: Address,
        item: ItemKey,
        context: &mut Context<'_, Self>,
    ) {
        if let Some(duties) = node.items.get_mut(&item).and_then(Holding::duties)
            && duties.heir == Some(from)
        {
            duties.heir = None;
            if !duties.refused.contains(&from) {
                duties.refused.push(from);
            }
            Self::look_again(node, context);
        }
    }

    /// The owner sends a copy.
    pub(super) fn on_copy(
        &self,
        node: &mut StoredNode<P::Node>,
        item: ItemKey,
        value: Value,
        context: &mut Context<'_, Self>,
    ) {
        let held = node.items.entry(item).or_insert_with(|| Holding::copy(value));
        held.renew(value);
        held.heard_of();
        answer(StorageMessage::Kept { item, version: value.version }, context);
        // If this node owns it by now, the others must have it too.
        self.see_to(node, item, context);
    }

    /// The owner asks whether a copy is here; or one with a copy whether the owner has it.
    pub(super) fn on_offer(
        &self,
        node: &mut StoredNode<P::Node>,
        from: Address,
        item: ItemKey,
        version: u32,
        context: &mut Context<'_, Self>,
    ) {
        let held = node.items.get_mut(&item);
        let has_it = held.is_some_and(|held| {
            held.heard_of();
            held.value.version >= version
        });
        let message = if has_it {
            StorageMessage::Kept { item, version }
        } else {
            StorageMessage::Wanted { item }
        };
        answer(message, context);
        if let Some(duties) = node.items.get_mut(&item).and_then(Holding::duties)
            && self.storage.followers() > 0
            && duties.awaited.is_empty()
            && duties.holders.len() == self.storage.followers()
            && !duties.holders.contains(&from)
        {
            let message = StoredMessage::Storage(StorageMessage::Release { item });
            context.send(from, message, &[]);
        }
    }

    /// A node to which the item was offered lacks it.
    pub(super) fn on_wanted(
        &self,
        node: &mut StoredNode<P::Node>,
        from: Address,
        item: ItemKey,
        context: &mut Context<'_, Self>,
    ) {
        if let Some(held) = node.items.get_mut(&item) {
            let value = held.value;
            // Unless it has been released meanwhile.
            if held.duties().is_some_and(|duties| duties.holders.contains(&from)) {
                send(from, StorageMessage::Copy { item, value }, self, context);
            } else if !held.is_owned() {
                // It owns the item, and never had it: who had it before died too early.
                let message = StorageMessage::HandOver { item, value, why: HandOver::Joined };
                let list = [StoredItem::Holder(context.this())];
                let timeout = self.storage.request_timeout;
                context.request(from, StoredMessage::Storage(message), &list, timeout);
            }
        } else if let Some(value) = self.value_of_copy_before(node, item) {
            // It owns the next copy, and has lost or never had it.
            let why = HandOver::Joined;
            send(from, StorageMessage::HandOver { item, value, why }, self, context);
        }
    }

    /// The value of an item's copy before this one, if it is here.
    fn value_of_copy_before(&self, node: &StoredNode<P::Node>, item: ItemKey) -> Option<Value> {
        let copies = self.storage.copies as u8;
        let before = ItemKey { copy: (item.copy + copies - 1) % copies, ..item };
        node.items.get(&before).map(Holding::value)
    }

    /// A node has its copy of this version.
    pub(super) fn on_kept(
        &self,
        node: &mut StoredNode<P::Node>,
        from: Address,
        item: ItemKey,
        version: u32,
        context: &mut Context<'_, Self>,
    ) {
        let Some(held) = node.items.get_mut(&item) else { return };
        // It may be an older one, while the present one is still under way.
        let is_present = version >= held.value.version;
        let Some(duties) = held.duties() else { return };
        duties.awaited.retain(|awaited| *awaited != from || !is_present);
        if duties.awaited.is_empty() {
            let puts = std::mem::take(&mut duties.puts);
            let has_more_than_needed = duties.holders.len() > self.storage.followers();
            self.acknowledge_puts(node, &puts, item, context);
            if has_more_than_needed {
                self.see_to(node, item, context);
            }
        }
    }

    /// A node that was to keep a copy does not answer.
    pub(super) fn on_copy_failed(
        &self,
        node: &mut StoredNode<P::Node>,
        peer: Address,
        item: ItemKey,
        version: u32,
        context: &mut Context<'_, Self>,
    ) {
        if let Some(duties) = node.items.get_mut(&item).and_then(Holding::duties) {
            duties.holders.retain(|holder| *holder != peer);
        }
        // It is awaited no more, and perhaps another one takes its place.
        self.see_to(node, item, context);
        self.on_kept(node, peer, item, version, context);
    }

    /// The owner needs no copy here any more.
    pub(super) fn on_release(node: &mut StoredNode<P::Node>, item: ItemKey) {
        if node.items.get(&item).is_some_and(|held| !held.is_owned()) {
            node.items.remove(&item);
        }
    }

    fn acknowledge_puts(
        &self,
        node: &mut StoredNode<P::Node>,
        puts: &[(Address, RequestId)],
        item: ItemKey,
        context: &mut Context<'_, Self>,
    ) {
        for (origin, request) in puts {
            if *origin == context.this() {
                self.on_copied(node, *request, item, context);
            } else {
                let message = StorageMessage::Copied { request: *request, item };
                context.send(*origin, StoredMessage::Storage(message), &[]);
            }
        }
    }

    /// Sees to all items, after the neighbourhood has changed.
    pub(super) fn see_to_all(
        &self,
        node: &mut StoredNode<P::Node>,
        context: &mut Context<'_, Self>,
    ) {
        let all: Vec<ItemKey> = node.items.keys().copied().collect();
        for item in all {
            self.see_to(node, item, context);
        }
    }

    /// Sees to one item: that it is with its owner, and its copies where they belong.
    pub(super) fn see_to(
        &self,
        node: &mut StoredNode<P::Node>,
        item: ItemKey,
        context: &mut Context<'_, Self>,
    ) {
        let this = context.this();
        let owner = self.owner(node, item, context);
        let refused = node.items.get_mut(&item).and_then(Holding::duties);
        let refused = refused.map_or(0, |duties| duties.refused.len());
        let count = self.storage.followers().max(1 + refused);
        let followers = self.followers(node, item, count, context);
        let Some(held) = node.items.get_mut(&item) else { return };
        let value = held.value;
        if !held.is_owned() {
            if owner != Some(this) || node.leaving != Leaving::Not {
                return;
            }
            // The owner is gone, and this node has inherited the item.
            *held = Holding::owned(value, &[]);
        }
        let Some(duties) = held.duties() else { return };
        let other_owner = owner.filter(|owner| *owner != this);
        let (heir, why) = if node.leaving == Leaving::Not {
            (other_owner, HandOver::Joined)
        } else {
            // Two that leave at once must not wait for each other.
            let others = other_owner.into_iter().chain(followers.iter().copied());
            let mut others = others.filter(|other| *other != this);
            let staying = |node: &Address| !duties.refused.contains(node);
            (others.clone().find(staying).or(others.next_back()), HandOver::Leaving)
        };
        if let Some(heir) = heir {
            if duties.heir != Some(heir) {
                duties.heir = Some(heir);
                // Who has not answered yet may not have it.
                let sure = duties.holders.iter().filter(|h| !duties.awaited.contains(h));
                let mut list: SmallVec<[StoredItem<_>; 4]> =
                    sure.map(|holder| StoredItem::Holder(*holder)).collect();
                if why == HandOver::Joined && self.storage.followers() > 0 {
                    list.push(StoredItem::Holder(this));
                }
                let message = StoredMessage::Storage(StorageMessage::HandOver { item, value, why });
                context.request(heir, message, &list, self.storage.request_timeout);
            }
            return;
        }
        duties.heir = None;
        let wanted = &followers[..followers.len().min(self.storage.followers())];
        for follower in wanted {
            if !duties.holders.contains(follower) {
                duties.holders.push(*follower);
                if !duties.awaited.contains(follower) {
                    duties.awaited.push(*follower);
                }
                let version = value.version;
                send(*follower, StorageMessage::Offer { item, version }, self, context);
            }
        }
        // With fewer followers known than wanted, an old holder may still be needed; and until
        // all who should have a copy do, it may be all that outlives this node.
        if wanted.len() == self.storage.followers() && duties.awaited.is_empty() {
            duties.holders.retain(|holder| {
                let keeps = wanted.contains(holder);
                if !keeps {
                    let message = StoredMessage::Storage(StorageMessage::Release { item });
                    context.send(*holder, message, &[]);
                }
                keeps
            });
        }
    }

    /// Sees to all items without trusting that others still have what they had, and that the
    /// next copy of each is with its owner.
    pub(super) fn repair(&self, node: &mut StoredNode<P::Node>, context: &mut Context<'_, Self>) {
        for duties in node.items.values_mut().filter_map(Holding::duties) {
            let is_sure = |holder: &mut Address| duties.awaited.contains(holder);
            duties.holders.retain(is_sure);
        }
        let copies = node.items.iter_mut();
        let strays: Vec<(ItemKey, u32)> = copies
            .filter_map(|(item, held)| held.is_stray().then_some((*item, held.value.version)))
            .collect();
        self.see_to_all(node, context);
        for (item, version) in strays {
            self.offer_to_owner(node, item, version, context);
        }
        if let (Placement::Spaced(_), 2..) = (self.storage.placement, self.storage.copies) {
            let copies = self.storage.copies as u8;
            let all: Vec<(ItemKey, u32)> =
                node.items.iter().map(|(item, held)| (*item, held.value.version)).collect();
            for (item, version) in all {
                let next = ItemKey { copy: (item.copy + 1) % copies, ..item };
                self.offer_to_owner(node, next, version, context);
            }
        }
    }

    /// Sees to all items, and goes on with leaving if the node is: until nothing is left that
    /// it owns.
    pub(super) fn look_around(
        &self,
        node: &mut StoredNode<P::Node>,
        context: &mut Context<'_, Self>,
    ) {
        self.see_to_all(node, context);
        self.leave_if_done(node, context);
        if node.leaving == Leaving::HandingOver {
            Self::look_again(node, context);
        }
    }

    /// Something could not be done now: looks around again after a while.
    fn look_again(node: &mut StoredNode<P::Node>, context: &mut Context<'_, Self>) {
        if !node.looks_again {
            node.looks_again = true;
            context.set_timer(LOOK_AGAIN, StoredTimer::LookAgain);
        }
    }

    fn leave_if_done(&self, node: &mut StoredNode<P::Node>, context: &mut Context<'_, Self>) {
        if node.leaving != Leaving::HandingOver {
            return;
        }
        let left = node.items.iter().find(|(_, held)| held.is_owned()).map(|(item, _)| *item);
        let is_done = left.is_none_or(|item| self.followers(node, item, 1, context).is_empty());
        if is_done {
            node.leaving = Leaving::Routing;
            self.below(node, context, P::on_leave);
        }
    }
}

/// Makes this node the owner of an item, of which it may have a copy, and takes the value
/// in if it is newer than its own.
fn own<N>(node: &mut StoredNode<N>, item: ItemKey, value: Value) -> &mut Holding {
    let held = node.items.entry(item).or_insert_with(|| Holding::owned(value, &[]));
    held.renew(value);
    if !held.is_owned() {
        *held = Holding::owned(held.value, &[]);
    }
    held
}

/// Answers the request being handled, with nothing attached.
fn answer<P: KeyRouting>(message: StorageMessage, context: &mut Context<'_, Stored<P>>) {
    context.reply(StoredMessage::Storage(message), &[]);
}

/// Asks a node something that it answers, with nothing attached.
fn send<P: KeyRouting>(
    to: Address,
    message: StorageMessage,
    stored: &Stored<P>,
    context: &mut Context<'_, Stored<P>>,
) {
    let timeout = stored.storage.request_timeout;
    context.request(to, StoredMessage::Storage(message), &[], timeout);
}
