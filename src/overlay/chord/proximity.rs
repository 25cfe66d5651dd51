//! Routing by the distance in the network: of several nodes that would do, the nearest.
//!
//! \[T\] Section VI-F lets a node choose among a finger and the nodes that follow it, by a
//! measured distance. Here a finger may be chosen once, when it is looked up
//! (`finger_choices`: proximity neighbour selection, F. Dabek et al.: Designing a DHT for Low
//! Latency and High Throughput, NSDI 2004), or at every step of a lookup among all that a node
//! knows, for which it keeps the followers of its fingers (`next_hop_choices`: proximity route
//! selection, K. Gummadi et al.: The Impact of DHT Routing Geometry on Resilience and
//! Proximity, SIGCOMM 2003).
//!
//! A node knows a distance only by having measured a round trip.

use super::{Chord, ChordMessage, ChordNode};
use crate::oracle::Truth;
use crate::sim::{Address, Context, Duration};

impl Chord {
    /// How many of the nodes that follow a finger a node asks for.
    pub(super) fn followers_of_fingers(&self) -> usize {
        self.refinements.finger_choices.max(self.refinements.next_hop_choices) - 1
    }

    /// The lookup of finger `index` has found this node.
    pub(super) fn on_finger_found(
        &self,
        node: &mut ChordNode,
        index: u32,
        found: Address,
        context: &mut Context<'_, Self>,
    ) {
        let distant = self.first_distant_finger(node)..self.space.bits();
        let chooses = self.followers_of_fingers() > 0 && distant.contains(&index);
        if !chooses || self.finger_at(index, found, context).0 == context.this() {
            return self.set_finger(node, index, found, context);
        }
        self.ask(node, found, ChordMessage::GetFollowers { finger: index }, &[], context);
    }

    /// Names the nodes that follow this one.
    pub(super) fn answer_get_followers(
        &self,
        node: &ChordNode,
        finger: u32,
        context: &mut Context<'_, Self>,
    ) {
        let count = self.followers_of_fingers().min(node.successors.len());
        context.reply(ChordMessage::Followers { finger }, &node.successors[..count]);
    }

    /// `first`, which the lookup of the finger has found, has named those that follow it.
    pub(super) fn on_followers(
        &self,
        node: &mut ChordNode,
        finger: u32,
        first: Address,
        context: &mut Context<'_, Self>,
    ) {
        if finger >= self.space.bits() || node.successors.is_empty() {
            return;
        }
        let named = context.received_list();
        let named = &named[..named.len().min(self.followers_of_fingers())];
        let is_behind = |other: &&Address| {
            **other != first && self.finger_at(finger, **other, context).0 == **other
        };
        let followers: Vec<Address> = named.iter().filter(is_behind).copied().collect();
        let choices = self.refinements.finger_choices - 1;
        let present = node.fingers.get(finger);
        let may_stay = present.is_some_and(|present| {
            present == first || followers.iter().take(choices).any(|other| *other == present)
        });
        if !may_stay {
            self.set_finger(node, finger, first, context);
        }
        if self.refinements.next_hop_choices > 1 {
            let kept = followers.len().min(self.refinements.next_hop_choices - 1);
            let fingers = &node.fingers;
            node.books.keep_followers(first, &followers[..kept], |head| fingers.contains(head));
        }
        for candidate in std::iter::once(first).chain(followers) {
            if node.books.measured(candidate).is_none() {
                self.ask(node, candidate, ChordMessage::Probe { finger }, &[], context);
            }
        }
    }

    /// A candidate for a finger has answered, after this time if that could be told.
    pub(super) fn on_probed(
        &self,
        node: &mut ChordNode,
        finger: u32,
        candidate: Address,
        took: Option<Duration>,
        context: &Context<'_, Self>,
    ) {
        let Some(took) = took.filter(|_| finger < self.space.bits()) else { return };
        if self.refinements.finger_choices == 1 {
            return;
        }
        let present = node.fingers.get(finger).and_then(|other| node.books.measured(other));
        if present.is_none_or(|present| took < present) {
            self.set_finger(node, finger, candidate, context);
            node.books.clock_mut().learn(candidate, took);
        }
    }

    /// What a node of a converged ring has chosen and measured, where that is of use.
    pub(super) fn choose_converged(
        &self,
        node: &mut ChordNode,
        this: Address,
        truth: Truth<'_>,
        round_trip: &impl Fn(Address, Address) -> Duration,
    ) {
        if self.followers_of_fingers() == 0 {
            return;
        }
        let own = truth.ids[this.index()];
        let runs: Vec<(u32, Option<Address>)> = node.fingers.runs().collect();
        let behind = runs.iter().skip(1).map(|(start, _)| *start).chain([self.space.bits()]);
        // The first run is the successor by definition.
        for ((start, head), behind) in runs.iter().copied().zip(behind).skip(1) {
            let Some(head) = head.filter(|head| *head != this) else { continue };
            let mut candidates: Vec<Address> = vec![head];
            let mut next = truth.ring.next(truth.ids, head);
            while candidates.len() <= self.followers_of_fingers() && next != this {
                // Once around the ring, it would be nearer than the finger's start.
                candidates.push(next);
                next = truth.ring.next(truth.ids, next);
            }
            let choices = candidates.len().min(self.refinements.finger_choices);
            let nearest = candidates[..choices]
                .iter()
                .copied()
                .min_by_key(|candidate| round_trip(this, *candidate))
                .unwrap_or(head);
            let distance = own.distance_to(truth.ids[nearest.index()]);
            node.fingers.set(start, behind, self.space, Some((nearest, distance)));
            if self.refinements.next_hop_choices > 1 {
                let kept = candidates.len().min(self.refinements.next_hop_choices);
                node.books.keep_followers(head, &candidates[1..kept], |_| true);
                for follower in &candidates[..kept] {
                    node.books.clock_mut().learn(*follower, round_trip(this, *follower));
                }
            }
        }
        let fingers = node.fingers.runs().filter_map(|(_, finger)| finger);
        let known: Vec<Address> = node.successors.iter().copied().chain(fingers).collect();
        for peer in known.into_iter().filter(|peer| *peer != this) {
            if node.books.measured(peer).is_none() {
                node.books.clock_mut().learn(peer, round_trip(this, peer));
            }
        }
    }
}
