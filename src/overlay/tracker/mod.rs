//! Trackers and their clients: a few servers know who has which file, and the files go
//! straight from client to client, whole or, in a swarm, piece by piece.
//!
//! \[BEP 3\] B. Cohen: The BitTorrent Protocol Specification. \[BEP 12\] Multitracker
//! Metadata Extension. \[BEP 15\] UDP Tracker Protocol. <https://www.bittorrent.org/beps/>
//!
//! \[C\] B. Cohen: Incentives Build Robustness in BitTorrent. P2PEcon 2003.
//!
//! \[L\] A. Legout, G. Urvoy-Keller, P. Michiardi: Rarest First and Choke Algorithms Are
//! Enough. IMC 2006.
//!
//! \[Q\] D. Qiu, R. Srikant: Modeling and Performance Analysis of BitTorrent-Like
//! Peer-to-Peer Networks. SIGCOMM 2004.
//!
//! Before working on this folder you should read \[BEP 3\] and, for the swarm, \[L\]. The
//! tracker's side is in `server.rs` and `index.rs`, the client's in `client.rs`, the swarm in
//! `swarm/`.
//!
//! # Implementation notes
//!
//! Where this departs from the specifications, or settles what they leave open:
//!
//! - The servers with the first addresses are the trackers; every client has the list of
//!   them, begins with one by lot and turns to the next, for good, when one does not answer
//!   (\[BEP 12\] with one tier). There are no retransmissions: \[BEP 15\] waits 15·2^n
//!   seconds for the same tracker. A request that none of the list has answered fails; a
//!   regular announcement is tried again after 1, 2, 4 … times the time-out.
//! - A client announces that it is on line and all files that it has in one message, as
//!   clients of eMule publish their lists; in BitTorrent every file is announced by itself.
//!   The connection that \[BEP 15\] opens first is left out.
//! - Trackers exchange what clients have told them by messages that are neither acknowledged
//!   nor repeated: what is lost comes with the client's next announcement. A tracker that
//!   has been told something second-hand forgets it as if it had been told just then.
//! - A small file is fetched whole, so a client is on its list only once it has it; in a
//!   swarm a peer is on the list from the start. Files have versions: a tracker names
//!   the owners of the newest one, by lot, and older ones only behind them.
//! - A get whose tracker knows no owner goes on to the next tracker (as eMule's global
//!   search); when the last one of the list knows none either, there is no such file. When
//!   none of the owners named answers, the get fails.
//! - A put makes no copies, whatever `copies` says: copies are with the clients that have got
//!   the file.
//! - A client that gets a file asks the tracker even if it has the file: there may be a newer
//!   version.
//! - A client that leaves waits until its gets are done and its announcements answered,
//!   learns from the tracker which of its files nobody else has, and hands these to another
//!   client before it goes. What a tracker knows from another one only does not count: of two
//!   owners with two trackers each might rely on the other and go. If no tracker answers, or
//!   nobody else is on line, it just goes, as clients of BitTorrent and eMule always do.
//! - The swarm has one file, and is a list of the trackers of its own. Initial seeds stay for
//!   good; so that a swarm can reach the steady state of \[Q\], others leave after an
//!   exponential time.
//! - Between peers TCP is taken for granted: what depends on its order (`choke`,
//!   `interested`) is numbered instead, its set-up takes no time, and its detection of dead
//!   peers is an acknowledgement of some messages.
//! - A piece travels as a whole, takes its time on the sender's uplink, the latency, and its
//!   time on the receiver's downlink, one piece after the other on each. Pieces are served in
//!   the order of their requests; so the peers unchoked share the uplink evenly, and a
//!   piece that is being sent is sent to its end even to one that is choked meanwhile. Blocks
//!   count in the bytes only. The shares are by the piece, not by the second: pieces should
//!   take little time beside the ten seconds between two rounds of choking.
//! - There is no endgame mode, no `cancel`, and no snubbing.
//! - Optimistic unchokes come on top of the slots (they are one of the four in \[BEP 3\]).
//!   Only interested neighbours are unchoked. A slot that falls free is filled at once, by
//!   lot. Seeds unchoke as in \[L\] Section II-C.2.
//! - A peer opens at most `connections` connections and takes part in at most twice as many;
//!   a leecher with less than half asks the tracker for more peers, once a minute at most.
//!   Two peers that have wanted nothing of each other for ten minutes part.

mod client;
mod index;
mod message;
#[cfg(test)]
mod robustness;
mod server;
mod swarm;
#[cfg(test)]
mod tests;

pub use client::Client;
pub use index::{Entry, Index};
pub use message::{Event, Item, Search, Topic, TrackerMessage, Wanted};
pub use server::Server;
pub use swarm::{Peer, PieceChoice, Pieces, Swarm};

use crate::id::Id;
use crate::oracle::Truth;
use crate::overlay::{self, NodeEstimate, Overlay};
use crate::sim::{Address, Context, Duration, Nodes, Operation, Protocol, Start, Time, Value};

/// The parameters of a system of trackers and clients.
#[derive(Clone, PartialEq, Debug)]
pub struct Tracker {
    /// Number of trackers: the servers with the first addresses.
    pub trackers: usize,
    /// How many clients a tracker names at most.
    pub numwant: usize,
    /// Mean time from one regular announcement of a client to the next.
    pub announce_interval: Duration,
    /// After this time without an announcement a tracker forgets a client.
    pub expiry: Duration,
    /// How often trackers tell each other their news.
    pub exchange: Duration,
    /// After this time without an answer a tracker or a client is taken for dead.
    pub request_timeout: Duration,
    /// The swarm, if there is one.
    pub swarm: Option<Swarm>,
}

/// The state of one node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TrackerNode {
    /// It is a tracker.
    Server(Box<Server>),
    /// It is a client.
    Client(Client),
}

/// What a node wakes itself up for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum TrackerTimer {
    /// Tracker: time to tell the others the news.
    Exchange,
    /// Client: time to announce itself.
    Announce,
    /// Peer: time to decide whom to upload to.
    Round,
    /// Peer: a piece has left through the uplink.
    Sent,
    /// Peer: a piece has come through the downlink.
    Received {
        /// From whom.
        from: Address,
        /// Which one.
        piece: u32,
    },
    /// Leecher: its user has lost patience.
    OutOfPatience,
    /// Seed: it has shared the file for long enough.
    SeededEnough,
}

impl Overlay for Tracker {
    fn system(&self) -> &'static str {
        if self.swarm.is_some() { "swarm" } else { "tracker" }
    }

    fn converged<'a>(
        &'a self,
        truth: Truth<'a>,
        _: impl Fn(Address, Address) -> Duration + 'a,
    ) -> impl FnMut(Address) -> TrackerNode + 'a {
        let mut clients: Vec<Address> =
            truth.ring.iter().filter(|node| !self.is_tracker(*node)).collect();
        clients.sort_unstable();
        let mut index = Index::default();
        for client in clients {
            index.enter(Topic::Presence, self.known_from_the_start(client, 0));
            if self.is_initial_seed(client) {
                index.enter(Topic::Swarm, self.known_from_the_start(client, 0));
            }
        }
        let tracker = TrackerNode::Server(Box::new(Server::knowing(index)));
        move |address| {
            if self.is_tracker(address) {
                return tracker.clone();
            }
            let swarm = self.swarm.as_ref().filter(|_| self.is_initial_seed(address));
            TrackerNode::Client(Client::registered(swarm.map(|swarm| Box::new(Peer::seed(swarm)))))
        }
    }

    fn estimate(&self, _: usize) -> NodeEstimate {
        // Every tracker knows every client, and those of them that share the file.
        let file = Client::estimated_file_bytes();
        let listed = self.trackers * Index::estimated_bytes();
        let estimate = NodeEstimate {
            heap_bytes: listed,
            // A tracker and an owner are asked.
            lookup_messages: 4.0,
            key_bytes: file + listed,
            // Who has got a file shares it.
            get_bytes: file + listed,
            ..NodeEstimate::default()
        }
        .with_timer(Some(self.announce_interval), 2.0);
        let Some(swarm) = &self.swarm else { return estimate };
        let heap_bytes = 2 * listed + Peer::estimated_bytes(swarm);
        let messages_per_second = estimate.messages_per_second + swarm.news_per_second();
        // There is news while it downloads, and it takes in at most what others send.
        let rate = swarm.upload.min(swarm.download).max(1);
        let busy_for = Some(Duration::from_secs(swarm.file_bytes / rate));
        NodeEstimate { heap_bytes, messages_per_second, busy_for, ..estimate }
            .with_timer(Some(swarm::ROUND), 2.0)
    }

    fn routing_entries(&self, node: &TrackerNode) -> usize {
        match node {
            TrackerNode::Server(server) => {
                self.trackers - 1 + server.index.list(Topic::Presence).len()
            }
            TrackerNode::Client(client) => {
                self.trackers + client.peer.as_ref().map_or(0, |peer| peer.neighbours())
            }
        }
    }

    fn has_users(&self, node: Address) -> bool {
        !self.is_tracker(node)
    }

    fn peer(&self, node: &TrackerNode) -> Option<overlay::Peer> {
        match node {
            TrackerNode::Server(_) => None,
            TrackerNode::Client(client) => client.peer.as_ref().map(|peer| {
                if peer.is_seed() { overlay::Peer::Seed } else { overlay::Peer::Leecher }
            }),
        }
    }

    fn holds<'n>(&self, node: &'n TrackerNode) -> impl Iterator<Item = (Id, Value)> + 'n {
        let files = match node {
            TrackerNode::Server(_) => None,
            TrackerNode::Client(client) => Some(&client.files),
        };
        files.into_iter().flatten().map(|(key, value)| (*key, *value))
    }

    fn preload(
        &self,
        values: impl Iterator<Item = (Id, Value)>,
        truth: Truth<'_>,
        nodes: &mut Nodes<'_, TrackerNode>,
    ) {
        for (key, value) in values {
            // Files belong to whom they belong; the ring only serves to draw the publisher.
            let mut publisher = truth.owner(key);
            while self.is_tracker(publisher) {
                publisher = truth.ring.next(truth.ids, publisher);
            }
            if let Some(TrackerNode::Client(client)) = nodes.get(publisher) {
                client.keep(key, value);
            }
            for tracker in self.tracker_addresses() {
                if let Some(TrackerNode::Server(server)) = nodes.get(tracker) {
                    let entry = self.known_from_the_start(publisher, value.version);
                    server.index.enter(Topic::File(key), entry);
                }
            }
        }
    }
}

impl Protocol for Tracker {
    type Node = TrackerNode;
    type Message = TrackerMessage;
    type Timer = TrackerTimer;

    fn new_node(&self, address: Address) -> TrackerNode {
        if self.is_tracker(address) {
            TrackerNode::Server(Box::default())
        } else {
            TrackerNode::Client(Client::default())
        }
    }

    fn on_start(&self, node: &mut TrackerNode, start: Start, context: &mut Context<'_, Self>) {
        match node {
            TrackerNode::Server(_) => {
                self.open(context);
                if let Start::Join { .. } = start {
                    context.joined();
                }
            }
            TrackerNode::Client(client) => self.log_in(client, context),
        }
    }

    fn on_message(
        &self,
        node: &mut TrackerNode,
        from: Address,
        message: TrackerMessage,
        context: &mut Context<'_, Self>,
    ) {
        // What was asked has been asked somebody else meanwhile.
        if context.is_late() {
            return;
        }
        match node {
            TrackerNode::Server(server) => match message {
                TrackerMessage::Announce { event, tried } => {
                    self.on_announce(server, from, event, tried, context);
                }
                TrackerMessage::Exchange => self.on_exchange(server, context),
                _ => {}
            },
            TrackerNode::Client(client) => {
                self.on_client_message(client, from, message, context);
                self.stop_if_answered(client, context);
            }
        }
    }

    fn on_timer(
        &self,
        node: &mut TrackerNode,
        timer: TrackerTimer,
        context: &mut Context<'_, Self>,
    ) {
        match (node, timer) {
            (TrackerNode::Server(server), _) => self.exchange(server, context),
            (TrackerNode::Client(client), timer) => self.on_client_timer(client, timer, context),
        }
    }

    fn on_operation(
        &self,
        node: &mut TrackerNode,
        operation: Operation,
        context: &mut Context<'_, Self>,
    ) {
        match (node, operation) {
            // Nobody owns a key here.
            (_, Operation::Lookup { lookup, .. }) => context.give_up(lookup),
            (TrackerNode::Client(client), Operation::Put { request, key, value }) => {
                self.put(client, request, key, value, context);
            }
            (TrackerNode::Client(client), Operation::Get { request, key }) => {
                self.get(client, request, key, context);
            }
            (TrackerNode::Client(client), Operation::Download { request }) => {
                self.download(client, request, context);
            }
            // A tracker has no files.
            (
                TrackerNode::Server(_),
                Operation::Put { request, .. }
                | Operation::Get { request, .. }
                | Operation::Download { request },
            ) => context.fail(request),
            // Whoever logs in knows all trackers.
            (_, Operation::JoinThrough { .. } | Operation::TakeNote) => {}
        }
    }

    fn on_unreachable(
        &self,
        node: &mut TrackerNode,
        peer: Address,
        message: TrackerMessage,
        context: &mut Context<'_, Self>,
    ) {
        let TrackerNode::Client(client) = node else { return };
        match message {
            TrackerMessage::Announce { event, tried } => {
                self.on_silent_tracker(client, peer, event, tried, context);
            }
            TrackerMessage::Fetch(search) => self.on_silent_owner(client, search, context),
            TrackerMessage::HandOver => self.on_silent_heir(client, context),
            _ => {
                if let (Some(swarm), Some(own)) = (&self.swarm, client.peer.as_deref_mut()) {
                    own.on_silent(swarm, peer, context);
                }
            }
        }
        self.stop_if_answered(client, context);
    }

    fn on_leave(&self, node: &mut TrackerNode, context: &mut Context<'_, Self>) {
        match node {
            TrackerNode::Server(_) => context.depart(),
            TrackerNode::Client(client) => self.log_out(client, context),
        }
    }
}

impl Tracker {
    /// Whether a tracker stands at this address.
    pub fn is_tracker(&self, address: Address) -> bool {
        address.index() < self.trackers
    }

    /// As if the client had just told one of the trackers, and that one the others.
    fn known_from_the_start(&self, client: Address, version: u32) -> Entry {
        let (is_first_hand, expires) = (self.trackers == 1, Time::ZERO + self.expiry);
        Entry { client, version, is_first_hand, expires }
    }

    fn tracker_addresses(&self) -> impl Iterator<Item = Address> + use<> {
        (0..self.trackers).map(Address::new)
    }

    fn is_initial_seed(&self, address: Address) -> bool {
        let seeds = self.swarm.as_ref().map_or(0, |swarm| swarm.seeds);
        (self.trackers..self.trackers + seeds).contains(&address.index())
    }

    fn on_client_message(
        &self,
        client: &mut Client,
        from: Address,
        message: TrackerMessage,
        context: &mut Context<'_, Self>,
    ) {
        match message {
            TrackerMessage::Announced { event, tried } => {
                self.on_announced(client, from, event, tried, context);
            }
            TrackerMessage::Fetch(search) => self.on_fetch(client, search, context),
            TrackerMessage::File { search, value } => self.on_file(client, search, value, context),
            TrackerMessage::HandOver => self.on_hand_over(client, context),
            TrackerMessage::TakenOver => Self::go(client, context),
            message => match (&self.swarm, client.peer.as_deref_mut(), message) {
                (Some(swarm), Some(peer), message) => {
                    peer.on_message(swarm, from, message, context);
                }
                (_, None, TrackerMessage::Connect) => context.reply(TrackerMessage::Close, &[]),
                (_, _, TrackerMessage::Close) => {}
                _ => context.send(from, TrackerMessage::Close, &[]),
            },
        }
    }

    fn on_client_timer(
        &self,
        client: &mut Client,
        timer: TrackerTimer,
        context: &mut Context<'_, Self>,
    ) {
        if timer == TrackerTimer::Announce {
            return self.announce_again(client, context);
        }
        let (Some(swarm), Some(peer)) = (&self.swarm, client.peer.as_deref_mut()) else { return };
        match timer {
            TrackerTimer::Round => self.on_round(client, context),
            TrackerTimer::Sent => peer.on_sent(swarm, context),
            TrackerTimer::Received { from, piece } => {
                if let Some(request) = peer.on_received(swarm, from, piece, context) {
                    self.on_downloaded(client, request, context);
                }
            }
            TrackerTimer::OutOfPatience => self.out_of_patience(client, context),
            TrackerTimer::SeededEnough => self.log_out(client, context),
            TrackerTimer::Exchange | TrackerTimer::Announce => {}
        }
    }
}
