//! Finding the successor of an identifier: \[S\] Figure 4, \[T\] Figure 5.

use smallvec::SmallVec;

use super::{Chord, ChordMessage, ChordNode, LookupStyle, Query, QueryFor, Step};
use crate::id::Id;
use crate::sim::{Address, Context};

/// What goes along with a query.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Trail<'a> {
    /// The way of the answer, origin first, if it goes back along it.
    pub(super) way_back: &'a [Address],
    /// Who has not answered the query; empty unless lookups carry that along.
    pub(super) failed: &'a [Address],
}

/// A list that is long enough for most.
type List = SmallVec<[Address; 32]>;

impl<'a> Trail<'a> {
    /// The one of a query that begins.
    pub(super) const START: Trail<'static> = Trail { way_back: &[], failed: &[] };

    /// The trail in an attached list of which so many at the end have failed.
    pub(super) fn of_list(list: &'a [Address], failed: u16) -> Trail<'a> {
        let (way_back, failed) = list.split_at(list.len().saturating_sub(failed.into()));
        Trail { way_back, failed }
    }

    /// The same in an iterative lookup, which has no way back.
    fn of_failed(failed: &'a [Address]) -> Trail<'a> {
        Trail { failed, ..Trail::START }
    }

    fn failed_count(self) -> u16 {
        u16::try_from(self.failed.len()).unwrap_or(u16::MAX)
    }

    fn list(self) -> List {
        self.way_back.iter().chain(self.failed).copied().collect()
    }
}

/// The nodes of a list and another one.
fn and(list: &[Address], another: Address) -> List {
    list.iter().copied().chain([another]).collect()
}

impl Chord {
    /// Starts a query at the node that wants the answer.
    pub(super) fn find_successor(
        &self,
        node: &mut ChordNode,
        query: Query,
        context: &mut Context<'_, Self>,
    ) {
        let step = self.next_step(node, query, None, &[], context);
        let this = context.this();
        self.take_step(node, query, step, this, Trail::START, context);
    }

    /// Whether the nodes that do not answer a query are known to that query, instead of to
    /// the tables of who asked them.
    fn carries_failures(&self, query: Query) -> bool {
        let own = &self.refinements;
        matches!(query.purpose, QueryFor::Lookup(_))
            && (own.confirm_owner || !own.remember_failures)
    }

    /// What this node says to a query: the heart of Chord.
    ///
    /// With `before` only nodes that precede that one are named: it has failed. Nobody in
    /// `avoid` is named at all.
    pub(super) fn next_step(
        &self,
        node: &ChordNode,
        query: Query,
        before: Option<Address>,
        avoid: &[Address],
        context: &Context<'_, Self>,
    ) -> Step {
        if node.successors.is_empty() {
            return Step::NoRoute;
        }
        let (this, target) = (context.this_id(), query.target);
        let successor = node.successors.iter().find(|successor| !avoid.contains(successor));
        if before.is_none()
            && let Some(successor) = successor
        {
            let reach = if avoid.is_empty() {
                node.successor_distance
            } else {
                this.distance_to(context.id(*successor))
            };
            if covers(reach, this.distance_to(target)) {
                // `find_predecessor` ends one step earlier than `find_successor`.
                let seeks_predecessor = matches!(query.purpose, QueryFor::UpdateFinger(_));
                return Step::Owner(if seeks_predecessor { context.this() } else { *successor });
            }
        }
        let limit = before.map_or(target, |failed| context.id(failed));
        if let Some(closer) = self.next_hop(node, limit, avoid, context) {
            return Step::Closer(closer);
        }
        // Everyone known between here and the target has failed, so it is the first
        // successor behind the target who has inherited it.
        let mut behind = node.successors.iter().filter(|heir| !avoid.contains(heir));
        let heir = behind.find(|heir| target.is_owned_between(this, context.id(**heir)));
        heir.map_or(Step::NoRoute, |heir| Step::Owner(*heir))
    }

    /// The node before `limit` to which a query goes on from here: the one that most
    /// immediately precedes it, or the nearest in the network of several.
    fn next_hop(
        &self,
        node: &ChordNode,
        limit: Id,
        avoid: &[Address],
        context: &Context<'_, Self>,
    ) -> Option<Address> {
        match self.refinements.next_hop_choices {
            0 | 1 => self.closest_preceding_node(node, limit, avoid, context),
            choices => {
                let mut candidates =
                    self.closest_preceding_nodes(node, limit, avoid, choices, context);
                // Not those before the finger: they would give its progress away.
                if let Some(finger) = self.closest_preceding_finger(node, limit, avoid, context) {
                    let this = context.this_id();
                    let distance_to = |node| this.distance_to(context.id(node));
                    let progress = distance_to(finger);
                    candidates.retain(|candidate| distance_to(*candidate) >= progress);
                }
                nearest_in_the_network(node, &candidates)
            }
        }
    }

    /// The highest finger before `limit`.
    fn closest_preceding_finger(
        &self,
        node: &ChordNode,
        limit: Id,
        avoid: &[Address],
        context: &Context<'_, Self>,
    ) -> Option<Address> {
        let this = context.this_id();
        let distance_to = |node| this.distance_to(context.id(node));
        let reach = this.distance_to(limit);
        let mut fingers = node.fingers.preceding(self.space, reach, distance_to);
        fingers.find(|finger| !avoid.contains(finger))
    }

    /// The known node that most immediately precedes `limit`.
    fn closest_preceding_node(
        &self,
        node: &ChordNode,
        limit: Id,
        avoid: &[Address],
        context: &Context<'_, Self>,
    ) -> Option<Address> {
        let finger = self.closest_preceding_finger(node, limit, avoid, context);
        if self.fingers && node.successors.len() == 1 {
            return finger; // the successor is finger 0
        }
        let this = context.this_id();
        let distance_to = |node| this.distance_to(context.id(node));
        let reach = this.distance_to(limit);
        let distance = finger.map_or(Id::ZERO, distance_to);
        // Nearest first, so the first hit from behind is the best of the list.
        let nearer = node.successors.iter().rev().find(|successor| {
            let here = distance_to(**successor);
            here > distance && (here < reach || reach == Id::ZERO) && !avoid.contains(successor)
        });
        nearer.copied().or(finger)
    }

    /// The known nodes that precede `limit`, the most immediate first, at most `count`.
    pub(super) fn closest_preceding_nodes(
        &self,
        node: &ChordNode,
        limit: Id,
        avoid: &[Address],
        count: usize,
        context: &Context<'_, Self>,
    ) -> List {
        let this = context.this_id();
        let distance_to = |node| this.distance_to(context.id(node));
        let reach = this.distance_to(limit);
        let is_before = |distance| distance != Id::ZERO && (distance < reach || reach == Id::ZERO);
        let listed = node.successors.iter().copied().filter(|next| is_before(distance_to(*next)));
        let mut known: List = node
            .fingers
            .preceding(self.space, reach, distance_to)
            .chain(listed)
            .chain(node.books.followers().filter(|next| is_before(distance_to(*next))))
            .filter(|candidate| !avoid.contains(candidate))
            .collect();
        known.sort_unstable_by_key(|candidate| std::cmp::Reverse(distance_to(*candidate)));
        known.dedup();
        known.truncate(count);
        known
    }

    /// Goes on with what `via` said to a query of this node's.
    pub(super) fn take_step(
        &self,
        node: &mut ChordNode,
        query: Query,
        step: Step,
        via: Address,
        trail: Trail<'_>,
        context: &mut Context<'_, Self>,
    ) {
        match step {
            Step::Owner(owner) => self.settle(node, query, owner, via, trail, context),
            Step::Closer(next) if self.lookup == LookupStyle::Iterative => {
                let query = query.passed_on();
                let question = ChordMessage::FindNext { query, before: None, via };
                self.ask(node, next, question, trail.failed, context);
            }
            Step::Closer(next) => self.forward(node, query, next, trail, context),
            Step::NoRoute => self.on_not_found(node, query, context),
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
        let failed = context.received_list();
        let step = self.next_step(node, query, before, failed, context);
        context.reply(ChordMessage::Next { query, step }, failed);
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
        if self.carries_failures(query) {
            let failed = and(context.received_list(), failed);
            return self.ask_past(node, query.taken_back(), via, &failed, context);
        }
        let this = context.this();
        if via == this {
            let query = Query { hops: 0, ..query };
            let step = self.next_step(node, query, Some(failed), &[], context);
            self.take_step(node, query, step, this, Trail::START, context);
        } else {
            // If `via` has failed meanwhile, it is the origin's turn again.
            let query = query.taken_back();
            let question = ChordMessage::FindNext { query, before: Some(failed), via: this };
            self.ask(node, via, question, &[], context);
        }
    }

    /// Iterative: asks `via`, at which the query stands, for the next best one when all of
    /// these have failed. If `via` is one of them, it is the origin's turn again.
    fn ask_past(
        &self,
        node: &mut ChordNode,
        query: Query,
        via: Address,
        failed: &[Address],
        context: &mut Context<'_, Self>,
    ) {
        let this = context.this();
        if via == this || failed.contains(&via) {
            let query = Query { hops: 0, ..query };
            let step = self.next_step(node, query, None, failed, context);
            self.take_step(node, query, step, this, Trail::of_failed(failed), context);
        } else {
            let question = ChordMessage::FindNext { query, before: None, via: this };
            self.ask(node, via, question, failed, context);
        }
    }

    /// Recursive: a query has been passed on to this node, with `failed` of the attached list
    /// those that have not answered it.
    pub(super) fn pass_on(
        &self,
        node: &mut ChordNode,
        query: Query,
        failed: u16,
        context: &mut Context<'_, Self>,
    ) {
        note_presence(query, context.this(), context);
        let trail = Trail::of_list(context.received_list(), failed);
        let step = self.next_step(node, query, None, trail.failed, context);
        self.go_on(node, query, step, trail, context);
    }

    /// Recursive: `peer`, to whom the query was passed on, does not acknowledge.
    pub(super) fn pass_on_again(
        &self,
        node: &mut ChordNode,
        query: Query,
        failed: u16,
        peer: Address,
        context: &mut Context<'_, Self>,
    ) {
        let query = query.taken_back();
        let Trail { way_back: path, failed } = Trail::of_list(context.received_list(), failed);
        // The path that was attached for `peer` ends with this node.
        let way_back = path.split_last().map_or(path, |(_, rest)| rest);
        if self.carries_failures(query) {
            let failed = and(failed, peer);
            let step = self.next_step(node, query, None, &failed, context);
            self.go_on(node, query, step, Trail { way_back, failed: &failed }, context);
        } else {
            let step = self.next_step(node, query, Some(peer), &[], context);
            self.go_on(node, query, step, Trail { way_back, failed: &[] }, context);
        }
    }

    fn go_on(
        &self,
        node: &mut ChordNode,
        query: Query,
        step: Step,
        trail: Trail<'_>,
        context: &mut Context<'_, Self>,
    ) {
        match step {
            Step::Closer(next) => self.forward(node, query, next, trail, context),
            Step::Owner(owner) => self.settle(node, query, owner, context.this(), trail, context),
            Step::NoRoute => self.pass_back(node, query, None, trail.way_back, context),
        }
    }

    fn forward(
        &self,
        node: &ChordNode,
        query: Query,
        next: Address,
        trail: Trail<'_>,
        context: &mut Context<'_, Self>,
    ) {
        let query = query.passed_on();
        let failed = trail.failed_count();
        let message = match failed {
            0 => ChordMessage::Find { query },
            failed => ChordMessage::FindAvoiding { query, failed },
        };
        let timeout = self.timeout(node);
        if self.lookup == LookupStyle::Recursive {
            let path = and(trail.way_back, context.this());
            let list = Trail { way_back: &path, ..trail }.list();
            context.send_acknowledged(next, message, &list, timeout);
        } else {
            context.send_acknowledged(next, message, trail.failed, timeout);
        }
    }

    /// `via` says that `owner` is the answer: asks that one for a sign of life first, if that
    /// is done here.
    pub(super) fn settle(
        &self,
        node: &mut ChordNode,
        query: Query,
        owner: Address,
        via: Address,
        trail: Trail<'_>,
        context: &mut Context<'_, Self>,
    ) {
        let is_lookup = matches!(query.purpose, QueryFor::Lookup(_));
        if is_lookup && self.refinements.confirm_owner && owner != context.this() {
            let failed = trail.failed_count();
            let question = ChordMessage::ConfirmOwner { query, via, failed };
            self.ask(node, owner, question, &trail.list(), context);
        } else {
            self.pass_back(node, query, Some(owner), trail.way_back, context);
        }
    }

    /// Says that it is there, to one who takes it for the owner of a key.
    pub(super) fn answer_confirm_owner(
        &self,
        node: &ChordNode,
        query: Query,
        failed: u16,
        context: &mut Context<'_, Self>,
    ) {
        // A joining node owns nothing yet: who asks knows an earlier life of it.
        if !node.successors.is_empty() {
            let trail = Trail::of_list(context.received_list(), failed);
            context.reply(ChordMessage::OwnerConfirmed { query }, trail.way_back);
        }
    }

    /// `owner`, whom `via` took for the owner of the key, does not answer: the next one is it.
    pub(super) fn settle_without(
        &self,
        node: &mut ChordNode,
        query: Query,
        owner: Address,
        (via, failed): (Address, u16),
        context: &mut Context<'_, Self>,
    ) {
        let Trail { way_back, failed } = Trail::of_list(context.received_list(), failed);
        let failed = and(failed, owner);
        if self.lookup == LookupStyle::Iterative {
            self.ask_past(node, query, via, &failed, context);
        } else {
            let step = self.next_step(node, query, None, &failed, context);
            self.go_on(node, query, step, Trail { way_back, failed: &failed }, context);
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
            (None, None) => self.on_not_found(node, query, context),
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
            QueryFor::Lookup(lookup) => {
                node.books.close(lookup);
                context.answer(lookup, owner, query.hops);
            }
            QueryFor::Finger(index) => self.on_finger_found(node, index, owner, context),
            QueryFor::Join if self.is_base() => self.on_successor_found(node, owner, context),
            QueryFor::Join => self.on_joined(node, owner, context),
            QueryFor::InitFinger(index) => self.on_init_finger(node, index, owner, context),
            QueryFor::UpdateFinger(index) => self.on_last_before(node, index, owner, context),
        }
    }

    pub(super) fn on_not_found(
        &self,
        node: &mut ChordNode,
        query: Query,
        context: &mut Context<'_, Self>,
    ) {
        match query.purpose {
            QueryFor::Lookup(lookup) => {
                if !node.books.waits_for_another_try(lookup) {
                    context.give_up(lookup);
                }
            }
            // The next round tries again; the base version has no answer to failures.
            QueryFor::Finger(_) | QueryFor::InitFinger(_) | QueryFor::UpdateFinger(_) => {}
            QueryFor::Join => node.try_again_soon = true, // and the join's timer
        }
    }
}

/// Of these nodes the one whose answers take least time, as far as is known; of equals the
/// first.
fn nearest_in_the_network(node: &ChordNode, candidates: &[Address]) -> Option<Address> {
    let mut best = candidates.first().map(|first| (node.books.round_trip(*first), *first))?;
    for candidate in &candidates[1..] {
        let time = node.books.round_trip(*candidate);
        if time < best.0 {
            best = (time, *candidate);
        }
    }
    Some(best.1)
}

/// Whether a point at this distance lies in (node, successor], with the successor at the
/// distance `reach`: then the successor owns it.
fn covers(reach: Id, distance: Id) -> bool {
    let alone = reach == Id::ZERO;
    alone || (distance != Id::ZERO && distance <= reach)
}

/// A lookup of the workload, if this is one, has come to this node. In an iterative lookup
/// it is the origin who says so, when the node has answered: one whose answer is lost or
/// late was asked in vain.
pub(super) fn note_presence(query: Query, node: Address, context: &mut Context<'_, Chord>) {
    if let QueryFor::Lookup(lookup) = query.purpose {
        context.lookup_stands_at(lookup, node);
    }
}
