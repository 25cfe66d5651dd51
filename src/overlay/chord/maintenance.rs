//! Joining and stabilisation: \[T\] Section IV-E, Figure 6.

use super::{Chord, ChordMessage, ChordNode, ChordTimer, Finger, FixedFingers, Query, QueryFor};
use crate::id::Id;
use crate::sim::{Address, Context, Duration};

/// Time until a join that was not answered is tried again; doubled with every try.
const JOIN_AGAIN: Duration = Duration::from_secs(1);
/// No more doubling after this many tries: every hour.
const MAX_DOUBLINGS: u8 = 12;

impl Chord {
    /// `join`: asks a node of the ring for one's successor.
    pub(super) fn join(
        &self,
        node: &mut ChordNode,
        contact: Address,
        attempt: u8,
        context: &mut Context<'_, Self>,
    ) {
        node.contact = Some(contact);
        let origin = context.this();
        let query = Query { purpose: QueryFor::Join, origin, hops: 0, target: context.this_id() };
        self.take_step(node, query, super::Step::Closer(contact), origin, context);
        let doublings = attempt.min(MAX_DOUBLINGS);
        let wait = Duration::from_nanos(JOIN_AGAIN.as_nanos() << doublings);
        context.set_timer(wait, ChordTimer::JoinAgain(attempt.saturating_add(1)));
    }

    /// The join's timer: if it has not been answered, tries again.
    pub(super) fn join_again(
        &self,
        node: &mut ChordNode,
        attempt: u8,
        context: &mut Context<'_, Self>,
    ) {
        if let (true, Some(contact)) = (node.successors.is_empty(), node.contact) {
            // A contact that answers will let it in before long.
            let attempt = if node.try_again_soon { 0 } else { attempt };
            node.try_again_soon = false;
            self.join(node, contact, attempt, context);
        }
    }

    /// The join is answered: this is the successor.
    pub(super) fn on_joined(
        &self,
        node: &mut ChordNode,
        successor: Address,
        context: &mut Context<'_, Self>,
    ) {
        if !node.successors.is_empty() {
            return; // an answer to an earlier try
        }
        if successor == context.this() {
            // The ring knows an earlier life of this node, and has to find out that it ended.
            node.try_again_soon = true;
        } else if self.ask_before_adopting {
            self.ask_for_neighbours(successor, context);
        } else {
            self.set_successor(node, successor, context);
            context.joined();
        }
    }

    /// `stabilize`: asks the successor for its predecessor.
    pub(super) fn stabilize(&self, node: &mut ChordNode, context: &mut Context<'_, Self>) {
        match node.successors.first() {
            None => {} // not joined yet
            Some(successor) if *successor == context.this() => {
                // A node that is its own successor asks itself; and notifies itself, unless a
                // predecessor has made itself known.
                let predecessor = *node.predecessor.get_or_insert(context.this());
                if predecessor != context.this() {
                    self.consider_successor(node, predecessor, context);
                }
            }
            Some(successor) => self.ask_for_neighbours(*successor, context),
        }
    }

    fn ask_for_neighbours(&self, peer: Address, context: &mut Context<'_, Self>) {
        context.request(peer, ChordMessage::GetNeighbours, &[], self.request_timeout);
    }

    /// `peer`, the successor or one who may become it, has told its neighbours.
    pub(super) fn stabilize_with(
        &self,
        node: &mut ChordNode,
        peer: Address,
        predecessor: Option<Address>,
        context: &mut Context<'_, Self>,
    ) {
        let this = context.this_id();
        let adopted = match node.successors.first() {
            Some(successor) if *successor == peer => true,
            Some(successor) => context.id(peer).is_between(this, context.id(*successor)),
            None if self.is_base() => false, // it joins in another way
            None => {
                context.joined();
                true
            }
        };
        if !adopted {
            return; // a nearer successor was found while this answer was under way
        }
        self.set_successor(node, peer, context);
        self.copy_successors(node, self.successors - 1, context);
        let nearer = predecessor
            .filter(|predecessor| context.id(*predecessor).is_between(this, context.id(peer)));
        match nearer {
            Some(nearer) => self.consider_successor(node, nearer, context),
            None => context.send(peer, ChordMessage::Notify, &[]),
        }
    }

    /// A node lies between this one and its successor, or so the successor says.
    fn consider_successor(
        &self,
        node: &mut ChordNode,
        nearer: Address,
        context: &mut Context<'_, Self>,
    ) {
        if self.ask_before_adopting {
            self.ask_for_neighbours(nearer, context);
        } else {
            self.set_successor(node, nearer, context);
            context.send(nearer, ChordMessage::Notify, &[]);
        }
    }

    /// `peer`, who could have become the successor, did not tell its neighbours.
    ///
    /// The present successor must hear of this node all the same. To ask it again would
    /// have it name `peer` again, over and over until it finds out itself.
    pub(super) fn stabilize_without(
        &self,
        node: &ChordNode,
        peer: Address,
        context: &mut Context<'_, Self>,
    ) {
        // Without a successor this was to be the first one: the join's timer tries again.
        let successor = node.successors.first().filter(|first| **first != context.this());
        if let Some(successor) = successor
            && context.id(peer).is_between(context.this_id(), context.id(*successor))
        {
            context.send(*successor, ChordMessage::Notify, &[]);
        }
    }

    /// Puts a node in front of the successor list, and in all fingers that are the
    /// successor by definition.
    pub(super) fn set_successor(
        &self,
        node: &mut ChordNode,
        successor: Address,
        context: &Context<'_, Self>,
    ) {
        if node.successors.first() == Some(&successor) {
            return;
        }
        if node.successors.first() == Some(&context.this()) {
            node.successors.clear();
        }
        node.successors.insert(0, successor);
        node.successors.truncate(self.successors);
        self.successor_changed(node, context);
    }

    /// Sets what follows from the first successor: its distance, and the fingers that it
    /// is by definition.
    fn successor_changed(&self, node: &mut ChordNode, context: &Context<'_, Self>) {
        let Some(successor) = node.successors.first().copied() else { return };
        node.successor_distance = context.this_id().distance_to(context.id(successor));
        if self.fingers {
            let finger = Some((successor, node.successor_distance));
            node.fingers.set(0, self.first_distant_finger(node), self.space, finger);
        }
    }

    /// The first finger that starts beyond the successor; m if there is none.
    pub(super) fn first_distant_finger(&self, node: &ChordNode) -> u32 {
        self.first_finger_beyond(node.successor_distance)
    }

    /// The first finger that starts beyond a node at this distance; m if there is none, as
    /// beyond the node itself, which lies all the way round.
    pub(super) fn first_finger_beyond(&self, distance: Id) -> u32 {
        let covered = self.space.floor_log2(distance);
        covered.map_or(self.space.bits(), |covered| covered + 1)
    }

    /// Takes over `count` entries of the list of the successor, which came with the message
    /// being handled.
    fn copy_successors(&self, node: &mut ChordNode, count: usize, context: &Context<'_, Self>) {
        node.successors.truncate(1);
        let successor = node.successors[0];
        let this = context.this();
        let own = context.received_list().iter().take_while(|next| **next != this);
        // A successor that is alone still names itself.
        let others = own.filter(|next| **next != successor);
        node.successors.extend(others.take(count).copied());
    }

    /// `notify`: `peer` thinks that it is the predecessor.
    pub(super) fn on_notify(
        &self,
        node: &mut ChordNode,
        peer: Address,
        context: &Context<'_, Self>,
    ) {
        let nearer = node.predecessor.is_none_or(|predecessor| {
            context.id(peer).is_between(context.id(predecessor), context.this_id())
        });
        if nearer {
            node.predecessor = Some(peer);
        }
    }

    /// `fix_fingers`: looks fingers up.
    pub(super) fn fix_fingers(&self, node: &mut ChordNode, context: &mut Context<'_, Self>) {
        let Some((_, which)) = self.fix_fingers else { return };
        if node.successors.is_empty() {
            return; // not joined yet
        }
        let bits = self.space.bits();
        let first_distant = self.first_distant_finger(node);
        match which {
            FixedFingers::InTurn => {
                self.fix_finger(node, node.next_finger, context);
                node.next_finger = (node.next_finger + 1) % bits;
            }
            FixedFingers::InTurnDistant => {
                let next = node.next_finger.max(first_distant);
                let next = if next < bits { next } else { first_distant };
                if next < bits {
                    self.fix_finger(node, next, context);
                    node.next_finger = (next + 1) % bits;
                }
            }
            FixedFingers::AllDistant => {
                for index in first_distant..bits {
                    self.fix_finger(node, index, context);
                }
            }
        }
    }

    fn fix_finger(&self, node: &mut ChordNode, index: u32, context: &mut Context<'_, Self>) {
        let origin = context.this();
        let target = context.this_id().plus(self.space.power_of_two(index));
        let query = Query { purpose: QueryFor::Finger(index), origin, hops: 0, target };
        self.find_successor(node, query, context);
    }

    /// The finger's lookup is answered.
    pub(super) fn set_finger(
        &self,
        node: &mut ChordNode,
        index: u32,
        found: Address,
        context: &Context<'_, Self>,
    ) {
        // The fingers up to the successor are known better than any lookup finds them.
        if (self.first_distant_finger(node)..self.space.bits()).contains(&index) {
            let finger = self.finger_at(index, found, context);
            node.fingers.set(index, index + 1, self.space, Some(finger));
        }
    }

    /// Finger `index` when its lookup found this node.
    pub(super) fn finger_at(
        &self,
        index: u32,
        found: Address,
        context: &Context<'_, Self>,
    ) -> Finger {
        let distance = context.this_id().distance_to(context.id(found));
        // Nearer than the finger's start means beyond this node: see the notes.
        let all_the_way_round = distance < self.space.power_of_two(index);
        if all_the_way_round { (context.this(), Id::ZERO) } else { (found, distance) }
    }

    /// Leaves: tells predecessor and successor of each other (\[T\] Section IV-E.3), and is gone.
    pub(super) fn leave(&self, node: &ChordNode, context: &mut Context<'_, Self>) {
        let goodbye = ChordMessage::Leave { predecessor: node.predecessor };
        let successor = node.successors.first().copied();
        let predecessor = node.predecessor.filter(|other| Some(*other) != successor);
        for neighbour in successor.into_iter().chain(predecessor) {
            if neighbour != context.this() {
                context.send(neighbour, goodbye, &node.successors);
            }
        }
        context.depart();
    }

    /// `peer` leaves, with this predecessor and with the successors that came with the
    /// message being handled.
    pub(super) fn on_left(
        &self,
        node: &mut ChordNode,
        peer: Address,
        predecessor: Option<Address>,
        context: &Context<'_, Self>,
    ) {
        let was_predecessor = node.predecessor == Some(peer);
        if node.successors.first() == Some(&peer) {
            self.copy_successors(node, self.successors, context);
        }
        self.forget(node, peer, context);
        if was_predecessor {
            node.predecessor = predecessor;
        }
    }

    /// `check_predecessor`: asks it for a sign of life.
    pub(super) fn check_predecessor(&self, node: &ChordNode, context: &mut Context<'_, Self>) {
        if let Some(predecessor) = node.predecessor.filter(|p| *p != context.this()) {
            context.request(predecessor, ChordMessage::Ping, &[], self.request_timeout);
        }
    }

    /// Drops a node that does not answer from all tables. If it was the last successor,
    /// the nearest finger takes its place, then the predecessor; a node that knows nobody
    /// is alone.
    pub(super) fn forget(&self, node: &mut ChordNode, peer: Address, context: &Context<'_, Self>) {
        if node.predecessor == Some(peer) {
            node.predecessor = None;
        }
        node.fingers.forget(peer, self.space);
        if !node.successors.contains(&peer) {
            return;
        }
        node.successors.retain(|successor| *successor != peer);
        if node.successors.is_empty() {
            let this = context.this_id();
            let fingers = node.fingers.runs().filter_map(|(_, finger)| finger);
            let others = fingers.chain(node.predecessor).filter(|other| *other != context.this());
            let nearest = others.min_by_key(|other| this.distance_to(context.id(*other)));
            node.successors.push(nearest.unwrap_or(context.this()));
        }
        self.successor_changed(node, context);
    }
}
