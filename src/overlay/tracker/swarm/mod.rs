//! The swarm: peers that download one file piece by piece and share what they have.
//!
//! Here are its parameters and the state of a peer; its connections are in
//! `connections.rs`, who is unchoked in `choke.rs`, which piece is asked for and how pieces
//! travel in `transfer.rs`.

mod choke;
mod connections;
mod pieces;
#[cfg(test)]
mod tests;
mod transfer;

use std::collections::VecDeque;

use smallvec::SmallVec;

pub use pieces::Pieces;

use crate::overlay::allocated;
use crate::sim::{Address, Duration, RequestId, Time};

/// From one round of choking and unchoking to the next (BEP 3).
pub(super) const ROUND: Duration = Duration::from_secs(10);

/// The parameters of a swarm.
#[derive(Clone, PartialEq, Debug)]
pub struct Swarm {
    /// Size of the file.
    pub file_bytes: u64,
    /// Size of every piece but the last, which is what is left.
    pub piece_bytes: u32,
    /// What a peer can send, in bytes per second.
    pub upload: u64,
    /// What a peer can receive, in bytes per second.
    pub download: u64,
    /// How many peers a leecher unchokes for what they give.
    pub slots: usize,
    /// How many it unchokes besides, whatever they give.
    pub optimistic: usize,
    /// How many connections a peer opens. It takes part in twice as many, and asks for more
    /// peers when it has fewer than half.
    pub connections: usize,
    /// Which piece is asked for next.
    pub choice: PieceChoice,
    /// Mean time for which a peer that has downloaded the file shares it, exponentially
    /// distributed; for ever if `None`.
    pub seed_time: Option<Duration>,
    /// The first so many clients have the file from the start, and never leave.
    pub seeds: usize,
    /// Mean time after which a peer gives its download up and leaves, exponentially
    /// distributed; never if `None`.
    pub patience: Option<Duration>,
    /// After this time without a sign of life a peer is taken for dead.
    pub timeout: Duration,
}

/// Which piece a peer asks for next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PieceChoice {
    /// The one that the fewest of its neighbours have, after a few random first ones.
    RarestFirst,
    /// Any.
    Random,
}

impl Swarm {
    /// Number of pieces.
    pub fn pieces(&self) -> u32 {
        self.file_bytes.div_ceil(u64::from(self.piece_bytes)) as u32
    }

    /// Size of a piece.
    fn bytes_of(&self, piece: u32) -> u32 {
        let before = u64::from(piece) * u64::from(self.piece_bytes);
        (self.file_bytes - before).min(u64::from(self.piece_bytes)) as u32
    }

    /// Messages in a second by which a peer hears that a neighbour has another piece, at the
    /// most: all links are busy. Half of the connections that it may have are made.
    pub(super) fn news_per_second(&self) -> f64 {
        let bytes_per_second = self.upload.min(self.download) as f64;
        bytes_per_second / f64::from(self.piece_bytes) * self.connections as f64
    }

    /// How many peers a peer unchokes.
    fn unchoked(&self) -> usize {
        self.slots + self.optimistic
    }
}

/// The state of a peer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Peer {
    /// The pieces that it has.
    have: Pieces,
    /// Those that it has asked for.
    under_way: Pieces,
    /// How many neighbours have each piece.
    availability: Vec<u16>,
    /// Those it is connected with, by ascending address.
    neighbours: Vec<Neighbour>,
    /// The download, while it goes on.
    request: Option<RequestId>,
    /// What its uplink is busy with.
    sending: Option<(Address, u32)>,
    /// The requests that wait for its uplink.
    uploads: VecDeque<(Address, u32)>,
    /// When its downlink will have taken in all that has come.
    downlink_free: Time,
    /// Rounds of choking so far.
    rounds: u32,
    /// Number of the last message that says [`TrackerMessage::Choke`] or
    /// [`TrackerMessage::Interest`].
    ///
    /// [`TrackerMessage::Choke`]: super::TrackerMessage::Choke
    /// [`TrackerMessage::Interest`]: super::TrackerMessage::Interest
    numbers: u32,
    /// When it last asked a tracker for peers.
    asked: Time,
    /// Bytes of pieces that it has sent.
    pub uploaded: u64,
    /// Bytes of pieces that it has received.
    pub downloaded: u64,
}

impl Peer {
    /// Bytes outside its client's struct, about, with all connections.
    pub(super) fn estimated_bytes(swarm: &Swarm) -> usize {
        let pieces = swarm.pieces() as usize;
        let neighbour = size_of::<Neighbour>() + Pieces::estimated_bytes(swarm.pieces());
        // Their list has room to spare.
        let neighbours = 2 * swarm.connections * neighbour * 3 / 2;
        allocated(size_of::<Peer>())
            + 2 * Pieces::estimated_bytes(swarm.pieces())
            + allocated(pieces * size_of::<u16>())
            + neighbours
    }
}

/// The other end of a connection.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Neighbour {
    address: Address,
    /// The pieces that it has, as far as it has said.
    have: Pieces,
    /// How the connection has come about.
    call: Call,
    /// Whether this peer wants what it has.
    is_interesting: bool,
    /// Whether it wants what this peer has.
    is_interested: Said,
    /// Since when this peer answers its requests, if it does.
    unchoked: Option<Time>,
    /// Whether it was unchoked whatever it gives.
    is_optimistic: bool,
    /// Whether it answers this peer's requests.
    unchokes: Said,
    /// Pieces asked of it.
    asked: SmallVec<[u32; 2]>,
    /// Pieces of it that go through the downlink.
    arriving: SmallVec<[u32; 2]>,
    /// Bytes received from it in this round and the one before.
    received: [u64; 2],
    /// When it last sent anything.
    heard: Time,
    /// For how many rounds neither has wanted anything of the other.
    idle_rounds: u32,
}

/// How a connection has come about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Call {
    /// The other peer called.
    Taken,
    /// This peer called, and has not been answered.
    Made {
        /// How many pieces it had when it called.
        told: u32,
    },
    /// This peer called.
    Answered,
}

/// What a neighbour said last of something that changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Said {
    yes: bool,
    number: u32,
}

impl Said {
    /// A message with this number says something. Whether it is news: messages overtake each
    /// other.
    fn hear(&mut self, yes: bool, number: u32) -> bool {
        let is_news = number > self.number;
        if is_news {
            *self = Said { yes, number };
        }
        is_news
    }
}

impl Peer {
    /// A peer that begins a download.
    pub(super) fn leecher(swarm: &Swarm, request: RequestId, now: Time) -> Peer {
        let none = Pieces::none(swarm.pieces());
        Peer::with(none, Some(request), now)
    }

    /// A peer that has the file.
    pub(super) fn seed(swarm: &Swarm) -> Peer {
        Peer::with(Pieces::all(swarm.pieces()), None, Time::ZERO)
    }

    fn with(have: Pieces, request: Option<RequestId>, now: Time) -> Peer {
        let pieces = have.capacity();
        Peer {
            under_way: Pieces::none(pieces),
            availability: vec![0; pieces as usize],
            neighbours: Vec::new(),
            have,
            request,
            sending: None,
            uploads: VecDeque::new(),
            downlink_free: Time::ZERO,
            rounds: 0,
            numbers: 0,
            asked: now,
            uploaded: 0,
            downloaded: 0,
        }
    }

    /// Whether it has all pieces.
    pub fn is_seed(&self) -> bool {
        self.have.is_full()
    }

    /// Number of peers that it is connected with.
    pub fn neighbours(&self) -> usize {
        self.neighbours.len()
    }

    fn find(&self, address: Address) -> Result<usize, usize> {
        self.neighbours.binary_search_by_key(&address, |neighbour| neighbour.address)
    }

    fn next_number(&mut self) -> u32 {
        self.numbers += 1;
        self.numbers
    }
}
