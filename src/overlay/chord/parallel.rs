//! Iterative lookups whose origin asks several nodes at a time, as Kademlia does (P.
//! Maymounkov, D. Mazières: Kademlia: A Peer-to-peer Information System Based on the XOR
//! Metric. IPTPS 2002, Section 2.3).
//!
//! Every node that is asked names the closest to the target that it knows; the origin asks
//! the closest of all that it has heard of. The lookup ends with what the node says that
//! takes the target to lie between itself and its successor, once nobody nearer to the target
//! is left to ask.

use super::lookup::{Trail, note_presence};
use super::{Chord, ChordMessage, ChordNode, Query, QueryFor, Step};
use crate::id::Id;
use crate::sim::{Address, Context, LookupId};

/// A parallel lookup under way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Search {
    lookup: LookupId,
    /// As it began.
    query: Query,
    /// All nodes heard of, the closest to the target first.
    candidates: Vec<Candidate>,
    /// Who owns the target, as the closest of the nodes that said so says.
    found: Option<Found>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Candidate {
    node: Address,
    /// The clockwise distance from it to the target.
    distance: Id,
    /// Length of the chain of nodes that led to it.
    hops: u32,
    state: State,
}

/// How far the origin is with a candidate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// It has not been asked yet.
    Known,
    /// It has been asked.
    Asked,
    /// It has answered, and been asked for others than those that it named, who have failed.
    AskedAgain,
    /// It has answered.
    Answered,
    /// It has nothing to add.
    Exhausted,
    /// It does not answer.
    Failed,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Found {
    owner: Address,
    /// Who says so, how far that one is from the target, and the hops to it.
    via: Address,
    distance: Id,
    hops: u32,
}

/// What the origin does next.
enum Next {
    Ask(Candidate),
    Wait,
    Settle(Found),
    /// Everyone heard of has been asked: the origin has to name others.
    StartAgain,
}

impl Search {
    pub(super) fn lookup(&self) -> LookupId {
        self.lookup
    }

    fn add(&mut self, node: Address, distance: Id, hops: u32) {
        let place = self.candidates.partition_point(|known| known.distance < distance);
        if self.candidates.get(place).is_none_or(|known| known.node != node) {
            self.candidates.insert(place, Candidate { node, distance, hops, state: State::Known });
        }
    }

    fn candidate(&mut self, node: Address) -> Option<&mut Candidate> {
        self.candidates.iter_mut().find(|candidate| candidate.node == node)
    }

    fn failed(&self) -> Vec<Address> {
        let failed = self.candidates.iter().filter(|known| known.state == State::Failed);
        failed.map(|known| known.node).collect()
    }

    /// Decides, and puts down who is asked.
    fn next(&mut self, parallel: usize) -> Next {
        // Those further away than who has named the owner need not be asked.
        let reach = self.found.map(|found| found.distance);
        let matters = |known: &Candidate| reach.is_none_or(|reach| known.distance < reach);
        let is_asked = |known: &&Candidate| matches!(known.state, State::Asked | State::AskedAgain);
        let asked = self.candidates.iter().filter(is_asked);
        let under_way = asked.filter(|known| matters(known)).count();
        let known = self.candidates.iter_mut().filter(|known| matters(known));
        let mut known = known.filter(|known| known.state == State::Known);
        match (known.next(), self.found) {
            (Some(next), _) if under_way < parallel => {
                next.state = State::Asked;
                Next::Ask(*next)
            }
            (Some(_), _) => Next::Wait,
            (None, _) if under_way > 0 => Next::Wait,
            (None, Some(found)) => Next::Settle(found),
            // All that they named have failed: they are to name others.
            (None, None) => {
                let mut answered = self.candidates.iter_mut();
                let again = answered.find(|known| known.state == State::Answered);
                again.map_or(Next::StartAgain, |again| {
                    again.state = State::AskedAgain;
                    Next::Ask(*again)
                })
            }
        }
    }
}

impl Chord {
    /// A parallel lookup begins at its origin.
    pub(super) fn search(
        &self,
        node: &mut ChordNode,
        lookup: LookupId,
        query: Query,
        context: &mut Context<'_, Self>,
    ) {
        let search = Search { lookup, query, candidates: Vec::new(), found: None };
        node.books.begin_search(search);
        self.search_from_here(node, lookup, context);
    }

    /// Puts the nodes down that the origin itself knows.
    fn search_from_here(
        &self,
        node: &mut ChordNode,
        lookup: LookupId,
        context: &mut Context<'_, Self>,
    ) {
        let Some(search) = node.books.search(lookup) else { return };
        let (query, failed, known) = (search.query, search.failed(), search.candidates.len());
        let step = self.next_step(node, query, None, &failed, context);
        if let Step::Closer(_) = step {
            let count = self.refinements.parallel;
            let target = query.target;
            let own = self.closest_preceding_nodes(node, target, &failed, count, context);
            let Some(search) = node.books.search(lookup) else { return };
            for candidate in own {
                search.add(candidate, context.id(candidate).distance_to(target), 1);
            }
            if search.candidates.len() > known {
                return self.search_on(node, lookup, context);
            }
        }
        node.books.end_search(lookup);
        match step {
            Step::Owner(owner) => {
                let trail = Trail { failed: &failed, ..Trail::START };
                self.settle(node, query, owner, context.this(), trail, context);
            }
            Step::Closer(_) | Step::NoRoute => self.on_not_found(node, query, context),
        }
    }

    /// Asks as many as may be asked at a time, or ends the lookup.
    fn search_on(&self, node: &mut ChordNode, lookup: LookupId, context: &mut Context<'_, Self>) {
        while let Some(search) = node.books.search(lookup) {
            let query = search.query;
            match search.next(self.refinements.parallel) {
                Next::Ask(Candidate { node: next, hops, .. }) => {
                    let failed = search.failed();
                    let question = ChordMessage::FindClosest { query: Query { hops, ..query } };
                    self.ask(node, next, question, &failed, context);
                }
                Next::Wait => return,
                Next::Settle(Found { owner, via, hops, .. }) => {
                    let failed = search.failed();
                    node.books.end_search(lookup);
                    let trail = Trail { failed: &failed, ..Trail::START };
                    self.settle(node, Query { hops, ..query }, owner, via, trail, context);
                }
                Next::StartAgain => return self.search_from_here(node, lookup, context),
            }
        }
    }

    /// Names the closest nodes to the target, to the origin of a parallel lookup.
    pub(super) fn answer_find_closest(
        &self,
        node: &ChordNode,
        query: Query,
        context: &mut Context<'_, Self>,
    ) {
        if node.successors.is_empty() {
            return; // who asks knows an earlier life of this joining node, which has ended
        }
        let failed = context.received_list();
        let step = self.next_step(node, query, None, failed, context);
        let answer = ChordMessage::Closest { query, step };
        if let Step::Closer(_) = step {
            let count = self.refinements.parallel;
            let named = self.closest_preceding_nodes(node, query.target, failed, count, context);
            context.reply(answer, &named);
        } else {
            context.reply(answer, &[]);
        }
    }

    /// A node that was asked in a parallel lookup has answered.
    pub(super) fn on_closest(
        &self,
        node: &mut ChordNode,
        from: Address,
        query: Query,
        step: Step,
        context: &mut Context<'_, Self>,
    ) {
        let QueryFor::Lookup(lookup) = query.purpose else { return };
        let Some(search) = node.books.search(lookup) else { return };
        let distance = context.id(from).distance_to(query.target);
        let mut before = search.candidates.iter().take_while(|known| known.distance < distance);
        let has_answered =
            |known: &Candidate| matches!(known.state, State::Answered | State::Exhausted);
        let is_closest = !before.any(has_answered);
        let known = search.candidates.len();
        if let Step::Closer(_) = step {
            for named in context.received_list() {
                let nearer = context.id(*named).distance_to(query.target);
                if nearer < distance {
                    search.add(*named, nearer, query.hops + 1);
                }
            }
        }
        let has_named = search.candidates.len() > known;
        let Some(candidate) = search.candidate(from) else { return };
        candidate.state = match step {
            Step::Closer(_) if has_named || candidate.state == State::Asked => State::Answered,
            _ => State::Exhausted,
        };
        if let Step::Owner(owner) = step
            && search.found.is_none_or(|found| distance < found.distance)
        {
            search.found = Some(Found { owner, via: from, distance, hops: query.hops });
        }
        if is_closest {
            note_presence(query, from, context);
        }
        self.search_on(node, lookup, context);
    }

    /// A node that was asked in a parallel lookup does not answer.
    pub(super) fn search_without(
        &self,
        node: &mut ChordNode,
        query: Query,
        peer: Address,
        context: &mut Context<'_, Self>,
    ) {
        let QueryFor::Lookup(lookup) = query.purpose else { return };
        if let Some(candidate) = node.books.search(lookup).and_then(|search| search.candidate(peer))
        {
            candidate.state = State::Failed;
            self.search_on(node, lookup, context);
        }
    }
}
