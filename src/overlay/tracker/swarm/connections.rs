//! Who a peer is connected with, and what the two know of each other.

use super::{Call, Neighbour, Peer, Pieces, ROUND, Said, Swarm};
use crate::overlay::tracker::{Tracker, TrackerMessage};
use crate::sim::{Address, Context, Duration, Manner, Time};

/// A leecher with too few neighbours asks for more no sooner than this.
const LEAST_TIME_BETWEEN_ASKING: Duration = Duration::from_secs(60);
/// After so many silent rounds a peer says that it is still there (two minutes, BEP 3).
const SILENT_ROUNDS: u64 = 12;
/// After so many rounds a peer hangs up on one from which it wants nothing and that wants
/// nothing of it (ten minutes, as libtorrent's `inactivity_timeout`). Otherwise a few peers
/// that know nobody but each other could wait for ever.
const IDLE_ROUNDS: u32 = 60;

impl Neighbour {
    fn new(address: Address, call: Call, pieces: u32, now: Time) -> Neighbour {
        Neighbour {
            address,
            have: Pieces::none(pieces),
            call,
            is_interesting: false,
            is_interested: Said::default(),
            unchoked: None,
            is_optimistic: false,
            unchokes: Said::default(),
            asked: smallvec::SmallVec::new(),
            arriving: smallvec::SmallVec::new(),
            received: [0; 2],
            heard: now,
            idle_rounds: 0,
        }
    }
}

impl Peer {
    /// Calls peers until it has as many connections as it opens.
    pub(in super::super) fn connect_to(
        &mut self,
        swarm: &Swarm,
        peers: impl Iterator<Item = Address>,
        context: &mut Context<'_, Tracker>,
    ) {
        if self.is_seed() {
            return;
        }
        let called = self.neighbours.iter().filter(|neighbour| neighbour.call != Call::Taken);
        let room = swarm.connections.saturating_sub(called.count());
        let room = room.min((2 * swarm.connections).saturating_sub(self.neighbours.len()));
        let this = context.this();
        let unknown: smallvec::SmallVec<[Address; 64]> =
            peers.filter(|peer| *peer != this && self.find(*peer).is_err()).take(room).collect();
        for peer in unknown {
            let call = Call::Made { told: self.have.count() };
            let neighbour = Neighbour::new(peer, call, self.have.capacity(), context.now());
            if let Err(place) = self.find(peer) {
                self.neighbours.insert(place, neighbour);
            }
            let manner = Manner::Request(swarm.timeout);
            context.send_as(peer, TrackerMessage::Connect, self.have.to_items(), manner);
        }
    }

    /// Whether it is time to ask a tracker for more peers; if so, it is done.
    pub(in super::super) fn asks_for_more_peers(&mut self, swarm: &Swarm, now: Time) -> bool {
        let asks = !self.is_seed()
            && 2 * self.neighbours.len() < swarm.connections
            && now.since(self.asked) >= LEAST_TIME_BETWEEN_ASKING;
        if asks {
            self.asked = now;
        }
        asks
    }

    /// A message of another peer.
    pub(in super::super) fn on_message(
        &mut self,
        swarm: &Swarm,
        from: Address,
        message: TrackerMessage,
        context: &mut Context<'_, Tracker>,
    ) {
        if message.piece().is_some_and(|piece| piece >= self.have.capacity()) {
            return; // there is no such piece
        }
        let place = match (self.find(from), message) {
            (found, TrackerMessage::Connect) => {
                return self.on_connect(swarm, found.ok(), from, context);
            }
            // It has come through the sender's uplink in any case.
            (_, TrackerMessage::Piece { piece, .. }) => {
                return self.on_piece(swarm, from, piece, context);
            }
            (Ok(place), TrackerMessage::Close) => {
                return self.drop_neighbour(swarm, place, context);
            }
            (Ok(place), _) => place,
            // What the other one takes for a connection is none.
            (Err(_), TrackerMessage::Close) => return,
            (Err(_), _) => return context.send(from, TrackerMessage::Close, &[]),
        };
        self.neighbours[place].heard = context.now();
        match message {
            TrackerMessage::Bitfield => self.on_bitfield(place, context),
            TrackerMessage::Have(piece) => {
                self.learn(place, std::iter::once(piece), context);
            }
            TrackerMessage::Interest { interested, number } => {
                self.on_interest(swarm, place, interested, number, context);
            }
            TrackerMessage::Choke { choked, sending, number } => {
                self.on_choke(swarm, place, (choked, sending), number, context);
            }
            TrackerMessage::Request { piece, .. } => self.on_request(swarm, place, piece, context),
            _ => {}
        }
        if let Ok(place) = self.find(from) {
            self.request_pieces(swarm, place, context);
            self.close_between_seeds(swarm, place, context);
        }
    }

    /// Another peer calls.
    fn on_connect(
        &mut self,
        swarm: &Swarm,
        known: Option<usize>,
        from: Address,
        context: &mut Context<'_, Tracker>,
    ) {
        if let Some(place) = known
            && !matches!(self.neighbours[place].call, Call::Made { .. })
        {
            // The other one has forgotten a connection that this one still knows.
            self.drop_neighbour(swarm, place, context);
        }
        let place = self.find(from).unwrap_or_else(|place| {
            let new = Neighbour::new(from, Call::Taken, self.have.capacity(), context.now());
            self.neighbours.insert(place, new);
            place
        });
        let is_full = self.neighbours.len() > 2 * swarm.connections;
        let caller = Pieces::in_items(context.received_list()).count();
        if is_full || self.is_seed() && caller == self.have.count() as usize {
            context.reply(TrackerMessage::Close, &[]);
            return self.drop_neighbour(swarm, place, context);
        }
        context.send_as(from, TrackerMessage::Bitfield, self.have.to_items(), Manner::Reply);
        self.neighbours[place].call = Call::Taken;
        self.learn(place, Pieces::in_items(context.received_list()), context);
    }

    /// A peer says what it has: it has answered the call, or has come to have more meanwhile.
    fn on_bitfield(&mut self, place: usize, context: &mut Context<'_, Tracker>) {
        let neighbour = &mut self.neighbours[place];
        if let Call::Made { told } = neighbour.call {
            neighbour.call = Call::Answered;
            if told < self.have.count() {
                let (to, manner) = (neighbour.address, Manner::OneWay);
                context.send_as(to, TrackerMessage::Bitfield, self.have.to_items(), manner);
            }
        }
        self.learn(place, Pieces::in_items(context.received_list()), context);
    }

    /// A neighbour has these pieces.
    fn learn(
        &mut self,
        place: usize,
        pieces: impl Iterator<Item = u32>,
        context: &mut Context<'_, Tracker>,
    ) {
        let neighbour = &mut self.neighbours[place];
        let all = neighbour.have.capacity();
        for piece in pieces.filter(|piece| *piece < all) {
            if neighbour.have.insert(piece) {
                self.availability[piece as usize] += 1;
            }
        }
        self.reconsider_interest(place, context);
    }

    /// Tells a neighbour whether this peer wants what it has, if that has changed.
    pub(super) fn reconsider_interest(&mut self, place: usize, context: &mut Context<'_, Tracker>) {
        let neighbour = &self.neighbours[place];
        let interested = !neighbour.have.is_within(&self.have);
        if interested != neighbour.is_interesting {
            let number = self.next_number();
            let neighbour = &mut self.neighbours[place];
            neighbour.is_interesting = interested;
            let message = TrackerMessage::Interest { interested, number };
            context.send(neighbour.address, message, &[]);
        }
    }

    /// Two seeds have nothing to say to each other.
    pub(super) fn close_between_seeds(
        &mut self,
        swarm: &Swarm,
        place: usize,
        context: &mut Context<'_, Tracker>,
    ) {
        if self.is_seed() && self.neighbours[place].have.is_full() {
            self.hang_up(swarm, place, context);
        }
    }

    fn hang_up(&mut self, swarm: &Swarm, place: usize, context: &mut Context<'_, Tracker>) {
        context.send(self.neighbours[place].address, TrackerMessage::Close, &[]);
        self.drop_neighbour(swarm, place, context);
    }

    /// A neighbour does not acknowledge, or has not answered a call.
    pub(in super::super) fn on_silent(
        &mut self,
        swarm: &Swarm,
        peer: Address,
        context: &mut Context<'_, Tracker>,
    ) {
        if let Ok(place) = self.find(peer) {
            self.drop_neighbour(swarm, place, context);
        }
    }

    /// The connection is no more.
    fn drop_neighbour(&mut self, swarm: &Swarm, place: usize, context: &mut Context<'_, Tracker>) {
        let gone = self.neighbours.remove(place);
        for piece in gone.have.iter() {
            self.availability[piece as usize] -= 1;
        }
        self.uploads.retain(|(to, _)| *to != gone.address);
        self.fill_slots(swarm, context);
        self.ask_others_for(swarm, &gone.asked, context);
    }

    /// A round has passed: hangs up where there is nothing to say, chokes and unchokes, and
    /// breaks the silence.
    pub(in super::super) fn on_round(&mut self, swarm: &Swarm, context: &mut Context<'_, Tracker>) {
        for place in (0..self.neighbours.len()).rev() {
            let neighbour = &mut self.neighbours[place];
            let is_idle = !neighbour.is_interesting && !neighbour.is_interested.yes;
            neighbour.idle_rounds = if is_idle { neighbour.idle_rounds + 1 } else { 0 };
            if neighbour.idle_rounds == IDLE_ROUNDS {
                self.hang_up(swarm, place, context);
            }
        }
        self.rechoke(swarm, context);
        let patience = ROUND.as_nanos() * SILENT_ROUNDS;
        for neighbour in &mut self.neighbours {
            if context.now().since(neighbour.heard).as_nanos() >= patience {
                neighbour.heard = context.now();
                context.send_acknowledged(
                    neighbour.address,
                    TrackerMessage::KeepAlive,
                    &[],
                    swarm.timeout,
                );
            }
        }
    }

    /// The peer leaves the swarm.
    pub(in super::super) fn leave(self, context: &mut Context<'_, Tracker>) {
        if let Some(request) = self.request {
            context.fail(request);
        }
        for neighbour in &self.neighbours {
            context.send(neighbour.address, TrackerMessage::Close, &[]);
        }
    }
}
