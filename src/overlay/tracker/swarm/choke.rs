//! Whom a peer uploads to.
//!
//! \[C\] B. Cohen: Incentives Build Robustness in BitTorrent. P2PEcon 2003.
//!
//! \[L\] A. Legout, G. Urvoy-Keller, P. Michiardi: Rarest First and Choke Algorithms Are
//! Enough. IMC 2006.

use std::cmp::Reverse;

use smallvec::SmallVec;

use super::{Peer, Swarm};
use crate::overlay::tracker::{Tracker, TrackerMessage};
use crate::sim::Context;

/// Optimistic unchokes, and the slots of seeds, move on every third round (\[C\] Section 3.2,
/// \[L\] Section II-C.2).
const ROUNDS_OF_OPTIMISM: u32 = 3;

/// Places of neighbours.
type Places = SmallVec<[usize; 96]>;

impl Peer {
    /// Decides anew whom to upload to, every ten seconds.
    pub(super) fn rechoke(&mut self, swarm: &Swarm, context: &mut Context<'_, Tracker>) {
        let moves_on = self.rounds.is_multiple_of(ROUNDS_OF_OPTIMISM);
        self.rounds += 1;
        let chosen = if self.is_seed() {
            self.choose_as_seed(swarm, moves_on, context)
        } else {
            self.choose_as_leecher(swarm, moves_on, context)
        };
        // First those who lose their slots: nobody else is to step into them.
        for place in 0..self.neighbours.len() {
            if !chosen.contains(&place) {
                self.set_choked(place, true, context);
            }
            let received = &mut self.neighbours[place].received;
            *received = [0, received[0]];
        }
        for place in chosen {
            self.set_choked(place, false, context);
        }
    }

    /// The interested neighbours that gave most in the last two rounds, ties by lot, and the
    /// optimistic ones (\[C\] Section 3.2).
    fn choose_as_leecher(
        &mut self,
        swarm: &Swarm,
        moves_on: bool,
        context: &mut Context<'_, Tracker>,
    ) -> Places {
        let mut order = self.interested(context);
        order.sort_unstable_by_key(|(lot, place)| {
            let [now, before] = self.neighbours[*place].received;
            (Reverse(now + before), *lot)
        });
        let slots = swarm.slots.min(order.len());
        let (regular, others) = order.split_at_mut(slots);
        others.sort_unstable_by_key(|(lot, place)| {
            (moves_on || !self.neighbours[*place].is_optimistic, *lot)
        });
        let optimistic = &others[..swarm.optimistic.min(others.len())];
        for neighbour in &mut self.neighbours {
            neighbour.is_optimistic = false;
        }
        for (_, place) in optimistic {
            self.neighbours[*place].is_optimistic = true;
        }
        regular.iter().chain(optimistic).map(|(_, place)| *place).collect()
    }

    /// Those that were unchoked last, and in two rounds of three one drawn by lot in place of
    /// the one that has been unchoked for longest (\[L\] Section II-C.2).
    fn choose_as_seed(
        &mut self,
        swarm: &Swarm,
        moves_on: bool,
        context: &mut Context<'_, Tracker>,
    ) -> Places {
        let mut order = self.interested(context);
        order.sort_unstable_by_key(|(lot, place)| {
            let neighbour = &self.neighbours[*place];
            (Reverse(neighbour.unchoked), *lot)
        });
        let is_unchoked = |(_, place): &(u64, usize)| self.neighbours[*place].unchoked.is_some();
        let unchoked = order.partition_point(is_unchoked);
        let (unchoked, others) = order.split_at_mut(unchoked);
        others.sort_unstable_by_key(|(lot, _)| *lot);
        let stay = if moves_on { swarm.unchoked() } else { swarm.unchoked() - 1 };
        let (staying, oldest) = unchoked.split_at(stay.min(unchoked.len()));
        let all = staying.iter().chain(&*others).chain(oldest);
        all.take(swarm.unchoked()).map(|(_, place)| *place).collect()
    }

    /// The neighbours that want something, each with a lot.
    fn interested(&self, context: &mut Context<'_, Tracker>) -> SmallVec<[(u64, usize); 96]> {
        let all = self.neighbours.iter().zip(0..);
        let interested = all.filter(|(neighbour, _)| neighbour.is_interested.yes);
        interested.map(|(_, place)| (context.random().bits(), place)).collect()
    }

    /// Unchokes somebody at once where a slot is free, without waiting for the next round.
    pub(super) fn fill_slots(&mut self, swarm: &Swarm, context: &mut Context<'_, Tracker>) {
        let (mut unchoked, mut waiting) = (0, Places::new());
        for (neighbour, place) in self.neighbours.iter().zip(0..) {
            if neighbour.is_interested.yes && neighbour.unchoked.is_some() {
                unchoked += 1;
            } else if neighbour.is_interested.yes {
                waiting.push(place);
            }
        }
        while unchoked < swarm.unchoked() && !waiting.is_empty() {
            let chosen = context.random().below(waiting.len() as u64) as usize;
            self.set_choked(waiting.swap_remove(chosen), false, context);
            unchoked += 1;
        }
    }

    /// A neighbour wants something, or wants nothing any more.
    pub(super) fn on_interest(
        &mut self,
        swarm: &Swarm,
        place: usize,
        interested: bool,
        number: u32,
        context: &mut Context<'_, Tracker>,
    ) {
        if self.neighbours[place].is_interested.hear(interested, number) {
            self.fill_slots(swarm, context);
        }
    }

    /// A neighbour says whether it answers requests. Either way it has forgotten those that
    /// it was sent before, but for the piece that it is sending.
    pub(super) fn on_choke(
        &mut self,
        swarm: &Swarm,
        place: usize,
        (choked, sending): (bool, Option<u32>),
        number: u32,
        context: &mut Context<'_, Tracker>,
    ) {
        let neighbour = &mut self.neighbours[place];
        if neighbour.unchokes.hear(!choked, number) {
            let mut forgotten = std::mem::take(&mut neighbour.asked);
            neighbour.asked.extend(sending.filter(|piece| forgotten.contains(piece)));
            forgotten.retain(|piece| Some(*piece) != sending);
            self.ask_others_for(swarm, &forgotten, context);
        }
    }

    fn set_choked(&mut self, place: usize, choked: bool, context: &mut Context<'_, Tracker>) {
        let is_choked = self.neighbours[place].unchoked.is_none();
        if is_choked == choked {
            return;
        }
        let number = self.next_number();
        let neighbour = &mut self.neighbours[place];
        neighbour.unchoked = (!choked).then_some(context.now());
        let to = neighbour.address;
        if choked {
            self.uploads.retain(|(waiting, _)| *waiting != to);
        }
        let sending = self.sending.filter(|(receiver, _)| *receiver == to).map(|(_, piece)| piece);
        context.send(to, TrackerMessage::Choke { choked, sending, number }, &[]);
    }
}
