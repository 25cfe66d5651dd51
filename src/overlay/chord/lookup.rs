//! Finding the successor of an identifier: \[S\] Figure 4, \[T\] Figure 5.

use super::{Chord, ChordMessage, ChordNode, LookupStyle, Query, QueryFor, Step};
use crate::id::Id;
use crate::sim::{Address, Context};

impl Chord {
    /// Starts a query at the node that wants the answer.
    pub(super) fn find_successor(
        &self,
        node: &mut ChordNode,
        query: Query,
        context: &mut Context<'_, Self>,
    ) {
        let step = self.next_step(node, query, None, context);
        let this = context.this();
        self.take_step(node, query, step, this, context);
    }

    /// What this node says to a query: the heart of Chord.
    ///
    /// With `before` only nodes that precede that one are named: it has failed.
    pub(super) fn next_step(
        &self,
        node: &ChordNode,
        query: Query,
        before: Option<Address>,
        context: &Context<'_, Self>,
    ) -> Step {
        let Some(successor) = node.successors.first() else { return Step::NoRoute };
        let (this, target) = (context.this_id(), query.target);
        if before.is_none() && precedes(node, this.distance_to(target)) {
            // `find_predecessor` ends one step earlier than `find_successor`.
            let seeks_predecessor = matches!(query.purpose, QueryFor::UpdateFinger(_));
            return Step::Owner(if seeks_predecessor { context.this() } else { *successor });
        }
        let limit = before.map_or(target, |failed| context.id(failed));
        if let Some(closer) = self.closest_preceding_node(node, limit, context) {
            return Step::Closer(closer);
        }
        // Everyone known between here and the target has failed, so it is the first
        // successor behind the target who has inherited it.
        let mut behind = node.successors.iter();
        let heir = behind.find(|heir| target.is_owned_between(this, context.id(**heir)));
        heir.map_or(Step::NoRoute, |heir| Step::Owner(*heir))
    }

    /// The known node that most immediately precedes `limit`.
    fn closest_preceding_node(
        &self,
        node: &ChordNode,
        limit: Id,
        context: &Context<'_, Self>,
    ) -> Option<Address> {
        let this = context.this_id();
        let distance_to = |node| this.distance_to(context.id(node));
        let reach = this.distance_to(limit);
        let finger = node.fingers.closest_preceding(self.space, reach, distance_to);
        if self.fingers && node.successors.len() == 1 {
            return finger; // the successor is finger 0
        }
        let distance = finger.map_or(Id::ZERO, distance_to);
        // Nearest first, so the first hit from behind is the best of the list.
        let nearer = node.successors.iter().rev().find(|successor| {
            let here = distance_to(**successor);
            here > distance && (here < reach || reach == Id::ZERO)
        });
        nearer.copied().or(finger)
    }

    /// Goes on with what `via` said to a query of this node's.
    pub(super) fn take_step(
        &self,
        node: &mut ChordNode,
        query: Query,
        step: Step,
        via: Address,
        context: &mut Context<'_, Self>,
    ) {
        match step {
            Step::Owner(owner) => self.on_found(node, query, owner, context),
            Step::Closer(next) if self.lookup == LookupStyle::Iterative => {
                let query = query.passed_on();
                let question = ChordMessage::FindNext { query, before: None, via };
                context.request(next, question, &[], self.request_timeout);
            }
            Step::Closer(next) => self.forward(query, next, &[], context),
            Step::NoRoute => on_not_found(node, query, context),
        }
    }

    /// Iterative: says who is next.
    pub(super) fn answer_find_next(
        &self,
        node: &ChordNode,
        query: Query,
        before: Option<Address>,
        context: &mut Context<'_, Self>,
    ) {
        if node.successors.is_empty() && query.purpose != QueryFor::Join {
            return; // who asks knows an earlier life of this joining node, which has ended
        }
        let step = self.next_step(node, query, before, context);
        context.reply(ChordMessage::Next { query, step }, &[]);
    }

    /// Iterative: `failed`, whom `via` had named, does not answer.
    pub(super) fn ask_again(
        &self,
        node: &mut ChordNode,
        query: Query,
        failed: Address,
        via: Address,
        context: &mut Context<'_, Self>,
    ) {
        let this = context.this();
        if via == this {
            let query = Query { hops: 0, ..query };
            let step = self.next_step(node, query, Some(failed), context);
            self.take_step(node, query, step, this, context);
        } else {
            // If `via` has failed meanwhile, it is the origin's turn again.
            let query = query.taken_back();
            let question = ChordMessage::FindNext { query, before: Some(failed), via: this };
            context.request(via, question, &[], self.request_timeout);
        }
    }

    /// Recursive: a query has been passed on to this node.
    pub(super) fn pass_on(
        &self,
        node: &mut ChordNode,
        query: Query,
        context: &mut Context<'_, Self>,
    ) {
        note_presence(query, context.this(), context);
        let step = self.next_step(node, query, None, context);
        self.go_on(node, query, step, context.received_list(), context);
    }

    /// Recursive: `failed`, to whom the query was passed on, does not acknowledge.
    pub(super) fn pass_on_again(
        &self,
        node: &mut ChordNode,
        query: Query,
        failed: Address,
        context: &mut Context<'_, Self>,
    ) {
        let query = query.taken_back();
        let step = self.next_step(node, query, Some(failed), context);
        // The path that was attached for `failed` ends with this node.
        let path = context.received_list();
        let way_back = path.split_last().map_or(path, |(_, rest)| rest);
        self.go_on(node, query, step, way_back, context);
    }

    fn go_on(
        &self,
        node: &mut ChordNode,
        query: Query,
        step: Step,
        way_back: &[Address],
        context: &mut Context<'_, Self>,
    ) {
        match step {
            Step::Closer(next) => self.forward(query, next, way_back, context),
            Step::Owner(owner) => self.pass_back(node, query, Some(owner), way_back, context),
            Step::NoRoute => self.pass_back(node, query, None, way_back, context),
        }
    }

    fn forward(
        &self,
        query: Query,
        next: Address,
        way_back: &[Address],
        context: &mut Context<'_, Self>,
    ) {
        let message = ChordMessage::Find { query: query.passed_on() };
        if self.lookup == LookupStyle::Recursive {
            let path: smallvec::SmallVec<[Address; 32]> =
                way_back.iter().copied().chain([context.this()]).collect();
            context.send_acknowledged(next, message, &path, self.request_timeout);
        } else {
            context.send_acknowledged(next, message, &[], self.request_timeout);
        }
    }

    /// Recursive: passes the answer back, to the last node of the way or straight to the
    /// origin, unless it is for this node.
    pub(super) fn pass_back(
        &self,
        node: &mut ChordNode,
        query: Query,
        owner: Option<Address>,
        way_back: &[Address],
        context: &mut Context<'_, Self>,
    ) {
        let answer = ChordMessage::Found { query, owner };
        match (way_back.split_last(), owner) {
            (Some((to, way)), _) => context.send(*to, answer, way),
            (None, _) if query.origin != context.this() => context.send(query.origin, answer, &[]),
            (None, Some(owner)) => self.on_found(node, query, owner, context),
            (None, None) => on_not_found(node, query, context),
        }
    }

    /// The answer is here.
    fn on_found(
        &self,
        node: &mut ChordNode,
        query: Query,
        owner: Address,
        context: &mut Context<'_, Self>,
    ) {
        match query.purpose {
            QueryFor::Lookup(lookup) => context.answer(lookup, owner, query.hops),
            QueryFor::Finger(index) => self.set_finger(node, index, owner, context),
            QueryFor::Join if self.is_base() => self.on_successor_found(node, owner, context),
            QueryFor::Join => self.on_joined(node, owner, context),
            QueryFor::InitFinger(index) => self.on_init_finger(node, index, owner, context),
            QueryFor::UpdateFinger(index) => self.on_last_before(node, index, owner, context),
        }
    }
}

fn on_not_found(node: &mut ChordNode, query: Query, context: &mut Context<'_, Chord>) {
    match query.purpose {
        QueryFor::Lookup(lookup) => context.give_up(lookup),
        // The next round tries again; the base version has no answer to failures.
        QueryFor::Finger(_) | QueryFor::InitFinger(_) | QueryFor::UpdateFinger(_) => {}
        QueryFor::Join => node.try_again_soon = true, // and the join's timer
    }
}

/// Whether a point at this distance lies in (node, successor]: then the successor owns it.
fn precedes(node: &ChordNode, distance: Id) -> bool {
    let alone = node.successor_distance == Id::ZERO;
    alone || (distance != Id::ZERO && distance <= node.successor_distance)
}

/// A lookup of the workload, if this is one, has come to this node. In an iterative lookup
/// it is the origin who says so, when the node has answered: one whose answer is lost or
/// late was asked in vain.
pub(super) fn note_presence(query: Query, node: Address, context: &mut Context<'_, Chord>) {
    if let QueryFor::Lookup(lookup) = query.purpose {
        context.lookup_stands_at(lookup, node);
    }
}
