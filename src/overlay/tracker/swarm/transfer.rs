//! Which piece a peer asks for, and how pieces travel: one after the other through the
//! sender's uplink, one after the other through the receiver's downlink.

use super::{Call, Neighbour, Peer, PieceChoice, Swarm};
use crate::overlay::tracker::{Tracker, TrackerMessage, TrackerTimer};
use crate::sim::{Address, Context, Duration, RequestId, Stream};

/// How many pieces are asked of a neighbour at once, so that its uplink need not wait for the
/// next request (BEP 3, pipelining).
const PIPELINE: usize = 2;
/// A leecher's first pieces are drawn by lot: it should soon have something that others want
/// (Cohen 2003, Section 2.4.3).
const RANDOM_FIRST_PIECES: u32 = 4;

impl Peer {
    /// Asks a neighbour for pieces as long as it may.
    pub(super) fn request_pieces(
        &mut self,
        swarm: &Swarm,
        place: usize,
        context: &mut Context<'_, Tracker>,
    ) {
        while self.neighbours[place].has_room() {
            let Some(piece) = self.choose_piece(swarm, place, context.random()) else { return };
            let neighbour = &mut self.neighbours[place];
            neighbour.asked.push(piece);
            self.under_way.insert(piece);
            let message = TrackerMessage::Request { piece, bytes: swarm.bytes_of(piece) };
            context.send_acknowledged(neighbour.address, message, &[], swarm.timeout);
        }
    }

    /// A piece that a neighbour has, and that this peer neither has nor has asked for.
    fn choose_piece(&self, swarm: &Swarm, place: usize, random: &mut Stream) -> Option<u32> {
        let on_offer = self.neighbours[place].have.beyond(&self.have, &self.under_way);
        let draw = |count: usize, random: &mut Stream| random.below(count as u64) as usize;
        if swarm.choice == PieceChoice::Random || self.have.count() < RANDOM_FIRST_PIECES {
            let count = on_offer.clone().count();
            return (count > 0).then(|| on_offer.clone().nth(draw(count, random))).flatten();
        }
        let availability = |piece: u32| self.availability[piece as usize];
        let least = on_offer.clone().map(availability).min()?;
        let rarest = on_offer.filter(|piece| availability(*piece) == least);
        let count = rarest.clone().count();
        rarest.clone().nth(draw(count, random))
    }

    /// These pieces will not come from where they were asked: others may be asked for them.
    pub(super) fn ask_others_for(
        &mut self,
        swarm: &Swarm,
        pieces: &[u32],
        context: &mut Context<'_, Tracker>,
    ) {
        for piece in pieces {
            self.under_way.remove(*piece);
        }
        if !pieces.is_empty() {
            for place in 0..self.neighbours.len() {
                self.request_pieces(swarm, place, context);
            }
        }
    }

    /// A neighbour asks for a piece. If it is choked it will soon know.
    pub(super) fn on_request(
        &mut self,
        swarm: &Swarm,
        place: usize,
        piece: u32,
        context: &mut Context<'_, Tracker>,
    ) {
        let Neighbour { address, unchoked, .. } = self.neighbours[place];
        let waits = self.uploads.contains(&(address, piece));
        if unchoked.is_some() && self.have.contains(piece) && !waits {
            self.uploads.push_back((address, piece));
            self.use_uplink(swarm, context);
        }
    }

    /// Sends the next piece if the uplink is free.
    fn use_uplink(&mut self, swarm: &Swarm, context: &mut Context<'_, Tracker>) {
        if self.sending.is_none()
            && let Some((to, piece)) = self.uploads.pop_front()
        {
            self.sending = Some((to, piece));
            let time = transmission(swarm.bytes_of(piece), swarm.upload);
            context.set_timer(time, TrackerTimer::Sent);
        }
    }

    /// A piece has left through the uplink.
    pub(in super::super) fn on_sent(&mut self, swarm: &Swarm, context: &mut Context<'_, Tracker>) {
        if let Some((to, piece)) = self.sending.take() {
            let bytes = swarm.bytes_of(piece);
            self.uploaded += u64::from(bytes);
            context.send_acknowledged(
                to,
                TrackerMessage::Piece { piece, bytes },
                &[],
                swarm.timeout,
            );
        }
        self.use_uplink(swarm, context);
    }

    /// A piece has arrived and goes through the downlink.
    pub(super) fn on_piece(
        &mut self,
        swarm: &Swarm,
        from: Address,
        piece: u32,
        context: &mut Context<'_, Tracker>,
    ) {
        if let Ok(place) = self.find(from) {
            let Neighbour { asked, arriving, .. } = &mut self.neighbours[place];
            if let Some(place) = asked.iter().position(|asked| *asked == piece) {
                arriving.push(asked.swap_remove(place));
            }
        }
        let time = transmission(swarm.bytes_of(piece), swarm.download);
        self.downlink_free = self.downlink_free.max(context.now()) + time;
        let wait = self.downlink_free.since(context.now());
        context.set_timer(wait, TrackerTimer::Received { from, piece });
    }

    /// A piece has come through the downlink. If it was the last one, the download is done.
    pub(in super::super) fn on_received(
        &mut self,
        swarm: &Swarm,
        from: Address,
        piece: u32,
        context: &mut Context<'_, Tracker>,
    ) -> Option<RequestId> {
        let bytes = u64::from(swarm.bytes_of(piece));
        self.downloaded += bytes;
        if let Ok(place) = self.find(from) {
            let neighbour = &mut self.neighbours[place];
            neighbour.received[0] += bytes;
            neighbour.arriving.retain(|arriving| *arriving != piece);
        }
        self.under_way.remove(piece);
        if self.have.insert(piece) {
            self.tell_of(piece, context);
        }
        if self.is_seed() {
            for place in (0..self.neighbours.len()).rev() {
                self.close_between_seeds(swarm, place, context);
            }
            return self.request.take();
        }
        if let Ok(place) = self.find(from) {
            self.request_pieces(swarm, place, context);
        }
        None
    }

    /// Tells all neighbours of a new piece, and those whom it has made uninteresting that
    /// they are.
    fn tell_of(&mut self, piece: u32, context: &mut Context<'_, Tracker>) {
        for place in 0..self.neighbours.len() {
            let Neighbour { address, call, is_interesting, .. } = self.neighbours[place];
            if !matches!(call, Call::Made { .. }) {
                context.send(address, TrackerMessage::Have(piece), &[]);
            }
            if is_interesting {
                self.reconsider_interest(place, context);
            }
        }
    }
}

impl Neighbour {
    /// Whether it may be asked for one more piece.
    fn has_room(&self) -> bool {
        self.unchokes.yes && self.asked.len() + self.arriving.len() < PIPELINE
    }
}

/// How long so many bytes take at so many bytes per second.
fn transmission(bytes: u32, rate: u64) -> Duration {
    Duration::from_nanos_f64(f64::from(bytes) * 1e9 / rate as f64)
}
