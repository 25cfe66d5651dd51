//! Joining and leaving in the base version: \[S\] Section 4.4, Figure 6.
//!
//! It makes every pointer of every node right at once, the newcomer's and the others',
//! provided that nobody fails, no message is lost and no two nodes join or leave at a time.
//!
//! What is done next stands in the answers: a lookup says for which finger it was made, a
//! hint which one it is to be, so that a node has little to remember while it joins.

use super::message::Change;
use super::{Chord, ChordMessage, ChordNode, JoinVersion, Query, QueryFor, Step, Trail};
use crate::id::Id;
use crate::sim::{Address, Context, Manner};

/// How a joining node of the base version comes by its fingers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FingerInit {
    /// Each of the m by a lookup of its own.
    Each,
    /// By a lookup those that start beyond the finger before; that one serves the others.
    SkipCovered,
    /// From the successor's table: each of its entries is verified by asking it for its
    /// predecessor.
    NeighbourHints,
}

impl Chord {
    /// Entries of the finger table; where there is none, the successor counts as the first.
    fn finger_count(&self) -> u32 {
        if self.fingers { self.space.bits() } else { 1 }
    }

    /// Whether this node joins or leaves: only then is anything from others awaited.
    fn is_changing(&self, node: &ChordNode) -> bool {
        self.is_base() && (node.contact.is_some() || node.is_leaving)
    }

    /// `join`: has the contact find the successor of *n* + 1, the first finger.
    pub(super) fn join_base(
        &self,
        node: &mut ChordNode,
        contact: Address,
        context: &mut Context<'_, Self>,
    ) {
        node.contact = Some(contact);
        self.ask_contact(node, QueryFor::Join, 0, context);
    }

    /// Has the contact look the start of a finger up: `n'.find_successor`.
    fn ask_contact(
        &self,
        node: &mut ChordNode,
        purpose: QueryFor,
        index: u32,
        context: &mut Context<'_, Self>,
    ) {
        let Some(contact) = node.contact else { return };
        let origin = context.this();
        let target = context.this_id().plus(self.space.power_of_two(index));
        let query = Query { purpose, origin, hops: 0, target };
        self.take_step(node, query, Step::Closer(contact), origin, Trail::START, context);
    }

    /// The first finger is found: takes the place before it.
    pub(super) fn on_successor_found(
        &self,
        node: &mut ChordNode,
        successor: Address,
        context: &mut Context<'_, Self>,
    ) {
        if !self.is_changing(node) {
            return; // it has joined
        }
        if successor == context.this() {
            return; // the ring still knows an earlier life of this node: somebody has failed
        }
        self.set_successor(node, successor, context);
        let place = ChordMessage::SetPredecessor { predecessor: Some(context.this()) };
        context.request(successor, place, &[], self.request_timeout);
    }

    /// The successor has let this node in, or out: it names the predecessor that it had.
    pub(super) fn on_place_taken(
        &self,
        node: &mut ChordNode,
        successor: Address,
        previous: Option<Address>,
        context: &mut Context<'_, Self>,
    ) {
        if !self.is_changing(node) {
            return; // nobody has asked
        }
        if node.is_leaving {
            return self.update_others(node, 0, context);
        }
        node.predecessor = previous;
        match self.join {
            JoinVersion::Base(FingerInit::NeighbourHints) if self.fingers => {
                context.request(successor, ChordMessage::GetTable, &[], self.request_timeout);
            }
            JoinVersion::Base(FingerInit::Each) => self.init_finger(node, 1, context),
            _ => self.init_finger(node, self.first_distant_finger(node), context),
        }
    }

    /// Comes by the finger `index`; all before it are right.
    fn init_finger(&self, node: &mut ChordNode, index: u32, context: &mut Context<'_, Self>) {
        if index >= self.finger_count() {
            self.update_others(node, 0, context);
        } else if self.join == JoinVersion::Base(FingerInit::NeighbourHints) {
            self.verify_hint(node, index, context);
        } else {
            self.ask_contact(node, QueryFor::InitFinger(index), index, context);
        }
    }

    /// The finger `index` is found, and goes on with the next one.
    pub(super) fn on_init_finger(
        &self,
        node: &mut ChordNode,
        index: u32,
        found: Address,
        context: &mut Context<'_, Self>,
    ) {
        if !self.is_changing(node) || index >= self.finger_count() {
            return; // nobody has asked
        }
        let finger = self.finger_at(index, found, context);
        let next = match self.join {
            JoinVersion::Base(FingerInit::Each) => index + 1,
            _ => self.first_finger_beyond(finger.1),
        };
        // The fingers up to the successor are that one by definition.
        if index >= self.first_distant_finger(node) {
            node.fingers.set(index, next, self.space, Some(finger));
        }
        self.init_finger(node, next, context);
    }

    /// Gives the table to a joining predecessor.
    pub(super) fn answer_get_table(&self, node: &ChordNode, context: &mut Context<'_, Self>) {
        let runs = node.fingers.runs().filter_map(|(_, finger)| finger);
        context.send_as(context.this(), ChordMessage::Table, runs, Manner::Reply);
    }

    /// The successor's table, which came with the message being handled: puts down as a hint
    /// for each finger the first of its nodes that is far enough.
    pub(super) fn on_table(&self, node: &mut ChordNode, context: &mut Context<'_, Self>) {
        if !self.is_changing(node) {
            return; // nobody has asked
        }
        let this = context.this_id();
        let first = self.first_distant_finger(node);
        let mut next = first;
        for hint in context.received_list() {
            let distance = this.distance_to(context.id(*hint));
            let beyond = self.first_finger_beyond(distance);
            if distance != Id::ZERO && beyond > next {
                node.fingers.set(next, beyond, self.space, Some((*hint, distance)));
                next = beyond;
            }
        }
        let finger = Some((context.this(), Id::ZERO));
        node.fingers.set(next, self.space.bits(), self.space, finger);
        self.init_finger(node, first, context);
    }

    /// Asks the node that is to be finger `index` for its predecessor, which may be the
    /// better one.
    fn verify_hint(&self, node: &mut ChordNode, index: u32, context: &mut Context<'_, Self>) {
        let this = context.this();
        let start = self.space.power_of_two(index);
        let predecessor = node.predecessor.unwrap_or(this);
        if context.this_id().distance_to(context.id(predecessor)) < start {
            // Nobody stands between the start and this node.
            return self.on_init_finger(node, index, this, context);
        }
        let hint = node.fingers.get(index).filter(|hint| *hint != this).unwrap_or(predecessor);
        let question = ChordMessage::GetPredecessor { finger: index };
        context.request(hint, question, &[], self.request_timeout);
    }

    /// A hint has named its predecessor: if that does not precede the finger's start, the
    /// hint is the finger.
    pub(super) fn on_hint_answer(
        &self,
        node: &mut ChordNode,
        index: u32,
        hint: Address,
        predecessor: Option<Address>,
        context: &mut Context<'_, Self>,
    ) {
        if !self.is_changing(node) || index >= self.finger_count() {
            return; // nobody has asked
        }
        let this = context.this_id();
        let distance_to = |other| this.distance_to(context.id(other));
        let better = predecessor.filter(|better| {
            let distance = distance_to(*better);
            distance >= self.space.power_of_two(index) && distance < distance_to(hint)
        });
        match better {
            Some(better) => {
                let question = ChordMessage::GetPredecessor { finger: index };
                context.request(better, question, &[], self.request_timeout);
            }
            None => self.on_init_finger(node, index, hint, context),
        }
    }

    /// `update_others`: has the fingers from `index` on of other nodes made right, which this
    /// node, coming or going, concerns.
    ///
    /// The last node before *n* − 2^*i* + 1 is the first that may be concerned. (As printed,
    /// `find_predecessor(n − 2^i)` would miss one that stands exactly there.)
    fn update_others(&self, node: &mut ChordNode, index: u32, context: &mut Context<'_, Self>) {
        if index >= self.finger_count() {
            return self.finish_change(node, context);
        }
        let (this, reach) = (context.this_id(), self.space.power_of_two(index));
        let is_before = |other| context.id(other).distance_to(this) >= reach;
        if let Some(predecessor) = node.predecessor.filter(|other| is_before(*other)) {
            return self.on_last_before(node, index, predecessor, context);
        }
        let target = reach.distance_to(this).plus(self.space.power_of_two(0));
        let (purpose, origin) = (QueryFor::UpdateFinger(index), context.this());
        self.find_successor(node, Query { purpose, origin, hops: 0, target }, context);
    }

    /// `last` is the last node that precedes this one by 2^`index`. It is the last for all
    /// higher powers up to its distance too, and is told of them in one message.
    pub(super) fn on_last_before(
        &self,
        node: &mut ChordNode,
        index: u32,
        last: Address,
        context: &mut Context<'_, Self>,
    ) {
        if !self.is_changing(node) {
            return; // nobody has asked
        }
        if last == context.this() {
            return self.finish_change(node, context); // all others stand nearer
        }
        let distance = context.id(last).distance_to(context.this_id());
        node.next_finger = self.first_finger_beyond(distance).min(self.finger_count());
        let heir = node.successors.first().copied().filter(|_| node.is_leaving);
        let change = Change { node: context.this(), heir };
        let fingers = (index, node.next_finger);
        context.send(last, ChordMessage::UpdateFingers { change, fingers }, &[]);
    }

    /// `update_finger_table`: another node comes or goes. What changes something here may
    /// change something at the predecessor; when nothing changes, the rest is as it was.
    pub(super) fn on_update_fingers(
        &self,
        node: &mut ChordNode,
        change: Change,
        fingers: (u32, u32),
        context: &mut Context<'_, Self>,
    ) {
        if change.node == context.this() {
            return self.on_fingers_updated(node, context); // it has gone all the way round
        }
        let has_changed = match change.heir {
            None => self.take_in(node, change.node, fingers, context),
            Some(heir) => self.replace(node, change.node, heir, fingers, context),
        };
        match node.predecessor.filter(|predecessor| *predecessor != context.this()) {
            Some(predecessor) if has_changed => {
                context.send(predecessor, ChordMessage::UpdateFingers { change, fingers }, &[]);
            }
            _ => context.send(change.node, ChordMessage::FingersUpdated, &[]),
        }
    }

    /// Everyone concerned has been told of some fingers: goes on with the next.
    pub(super) fn on_fingers_updated(&self, node: &mut ChordNode, context: &mut Context<'_, Self>) {
        if self.is_changing(node) {
            self.update_others(node, node.next_finger, context);
        }
    }

    /// Makes a newcomer those of the fingers that it comes nearer to the start of; whether
    /// there are any.
    fn take_in(
        &self,
        node: &mut ChordNode,
        newcomer: Address,
        (first, behind): (u32, u32),
        context: &Context<'_, Self>,
    ) -> bool {
        let this = context.this_id();
        let distance = this.distance_to(context.id(newcomer));
        let behind = behind.min(self.first_finger_beyond(distance));
        // A finger that is the node itself lies a whole turn away.
        let is_nearer = |finger: Address| {
            let own = this.distance_to(context.id(finger));
            distance < own || own == Id::ZERO
        };
        // Later fingers lie no nearer, so from the first on all change.
        let first =
            (first..behind).find(|index| self.finger_of(node, *index).is_none_or(is_nearer));
        match first {
            None => return false,
            Some(0) => self.set_successor(node, newcomer, context),
            Some(first) => {
                node.fingers.set(first, behind, self.space, Some((newcomer, distance)));
            }
        }
        true
    }

    /// Makes the heir of a leaving node those of the fingers that were that node; whether
    /// there are any.
    fn replace(
        &self,
        node: &mut ChordNode,
        leaver: Address,
        heir: Address,
        (first, behind): (u32, u32),
        context: &Context<'_, Self>,
    ) -> bool {
        let behind = behind.min(self.finger_count());
        let is_leaver = |index: &u32| self.finger_of(node, *index) == Some(leaver);
        let Some(first) = (first..behind).find(is_leaver) else { return false };
        let behind = (first..behind).find(|index| !is_leaver(index)).unwrap_or(behind);
        if first == 0 {
            node.successors.clear();
            self.set_successor(node, heir, context);
        } else {
            let distance = context.this_id().distance_to(context.id(heir));
            node.fingers.set(first, behind, self.space, Some((heir, distance)));
        }
        true
    }

    /// Finger `index`; the first one is the successor, table or not.
    fn finger_of(&self, node: &ChordNode, index: u32) -> Option<Address> {
        if index == 0 { node.successors.first().copied() } else { node.fingers.get(index) }
    }

    /// `leave`: the reverse of joining. The successor is given the predecessor, then
    /// the fingers that are this node become its successor.
    pub(super) fn leave_base(&self, node: &mut ChordNode, context: &mut Context<'_, Self>) {
        let successor = node.successors.first().filter(|first| **first != context.this());
        let Some(successor) = successor else { return context.depart() };
        let place = ChordMessage::SetPredecessor { predecessor: node.predecessor };
        context.request(*successor, place, &[], self.request_timeout);
    }

    /// Every pointer of every node is right again.
    fn finish_change(&self, node: &mut ChordNode, context: &mut Context<'_, Self>) {
        node.next_finger = 0;
        let was_joining = node.contact.take().is_some();
        if node.is_leaving {
            context.depart();
        } else if was_joining {
            context.joined();
        }
    }
}
