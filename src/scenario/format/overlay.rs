//! The systems that nodes run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::units::Span;
use super::{default_request_timeout, one_second, one_u32, yes};

/// The system that the nodes run.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Overlay {
    /// Chord, as in Stoica et al. 2001 and 2003.
    Chord(Chord),
    /// Consistent hashing with full membership, as in Dynamo (`DeCandia` et al. 2007):
    /// every node knows all others. A server runs one node for all its virtual nodes.
    FullMembership(FullMembership),
    /// Trackers that know which client has which file, as in BitTorrent.
    Tracker(Tracker),
    /// An overlay of a program of your own, with whatever parameters it has: only that program
    /// can run it.
    Own(Map<String, Value>),
}

/// Chord, as in Stoica et al. 2001 and 2003.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own in the file")]
pub struct Chord {
    /// Length of the successor list (r), 1 to 64.
    #[serde(default = "one_u32")]
    #[schemars(range(min = 1, max = 64))]
    pub successors: u32,
    /// Whether nodes keep a finger table. Without it they know their neighbours
    /// only, and a lookup walks around the ring.
    #[serde(default)]
    pub fingers: Fingers,
    /// How nodes join and leave: `"stabilized"`, or
    /// `{"base": {"fingers": "skip_covered"}}`.
    #[serde(default)]
    pub join: ChordJoin,
    /// Who asks whom during a lookup.
    #[serde(default)]
    pub lookup: LookupStyle,
    /// How long a node waits for an answer, or for the acknowledgement of a message
    /// passed on, before it takes the other for dead. Delays with a long tail exceed it now
    /// and then, with the same consequence as a death.
    #[serde(default = "default_request_timeout")]
    pub request_timeout: Span,
    /// Period of `stabilize`; without it nodes do not stabilise.
    #[serde(default)]
    pub stabilize: Option<Period>,
    /// Period of `fix_fingers`; without it fingers are not repaired.
    #[serde(default)]
    pub fix_fingers: Option<FixFingers>,
    /// Period of `check_predecessor`; without it a dead predecessor stays.
    #[serde(default)]
    pub check_predecessor: Option<Period>,
    /// Whether a node asks a new successor for a sign of life before it adopts it.
    /// The first version of the protocol did not.
    #[serde(default = "yes")]
    pub ask_before_adopting: bool,
    /// Whether a node that gets a new predecessor tells the one before of it, as in the churn
    /// experiments of the 2003 paper.
    #[serde(default)]
    pub tell_old_predecessor: bool,
    /// Whether the node that a lookup takes for the owner of its key is asked for a sign of
    /// life: by the origin, or where the query is passed on by the key's predecessor. If it
    /// does not answer, that is one more time-out of the lookup, and the next node is the
    /// owner. Without it the owner is named unasked, and may be dead.
    #[serde(default)]
    pub confirm_owner: bool,
    /// Whether a node that does not answer a lookup is dropped from the tables of the node
    /// that asked it. With `false` only that lookup takes note of it, and the next one runs
    /// into it again.
    #[serde(default = "yes")]
    pub remember_failures: bool,
    /// Lookups without an answer begin again at their origin. Without it they do not.
    #[serde(default)]
    pub retries: Option<Retries>,
    /// How many nodes the origin of an iterative lookup asks at a time (α), 1 to 8. Each names
    /// as many of the closest that it knows.
    #[serde(default = "one_u32")]
    #[schemars(range(min = 1, max = 8))]
    pub parallel: u32,
    /// How long to wait for an answer: `"fixed"`, or `{"adaptive": {"minimum": "100ms"}}`.
    #[serde(default)]
    pub timeout: ChordTimeout,
    /// Routing by the distance in the network.
    #[serde(default)]
    pub proximity: Proximity,
}

/// Lookups without an answer begin again at their origin.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retries {
    /// How often. A lookup that is still without an answer `after` the last time has failed.
    #[serde(default = "one_u32")]
    #[schemars(range(min = 1, max = 100))]
    pub count: u32,
    /// After how long without an answer; a lookup that has found nobody to ask waits as long.
    /// What comes of an earlier try still counts: the first answer is the answer.
    pub after: Span,
}

/// How long a node waits for an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ChordTimeout {
    /// `request_timeout`, always.
    #[default]
    Fixed,
    /// By the round trips that the node has measured.
    Adaptive(AdaptiveTimeout),
}

/// A time-out by measured round trips: their smoothed mean and four times their smoothed
/// deviation (Jacobson and Karels 1988, RFC 6298), doubled with every request that is not
/// answered until one is. At first, and at most, it is `request_timeout`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdaptiveTimeout {
    /// It is never shorter than this.
    pub minimum: Span,
}

/// Routing by the distance in the network, as round trips that nodes have measured (Gummadi
/// et al. 2003; Dabek et al. 2004).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Proximity {
    /// A finger is the nearest of so many nodes, the first that follow its start, 1 to 16
    /// (proximity neighbour selection). Those after the first are named by that one, so at most
    /// one more than `successors`.
    #[schemars(range(min = 1, max = 16))]
    pub fingers: u32,
    /// A lookup goes on to the nearest of so many nodes, 1 to 16: the closest finger that
    /// precedes its key, and of the nodes that follow that one those which precede the key, too
    /// (proximity route selection; the alternates of Stoica et al. 2003, Section VI-F). For
    /// that a node keeps the nodes that follow each of its fingers, as far as their successor
    /// lists go.
    #[schemars(range(min = 1, max = 16))]
    pub next_hop: u32,
}

impl Default for Proximity {
    fn default() -> Proximity {
        Proximity { fingers: 1, next_hop: 1 }
    }
}

/// How nodes join and leave.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ChordJoin {
    /// A joining node finds its successor; `stabilize` and `fix_fingers` do the rest. Nodes
    /// may join, leave and fail at any time.
    #[default]
    Stabilized,
    /// A joining or leaving node makes every pointer right at once, its own and those of
    /// others (Stoica et al. 2001, Section 4.4). It is assumed that nodes join and leave one
    /// at a time, that nobody fails and that no message is lost.
    Base(BaseJoin),
}

/// The base version of joining.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BaseJoin {
    /// How a joining node comes by its finger table.
    #[serde(default)]
    pub fingers: FingerInit,
}

/// How a joining node comes by its finger table.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FingerInit {
    /// Every finger by a lookup of its own: O(m log N) messages.
    Each,
    /// A finger that starts before the one before it ends is the same node, and is not
    /// looked up: O(log² N) messages.
    #[default]
    SkipCovered,
    /// The successor's table gives hints, which are verified: O(log N) messages.
    NeighbourHints,
}

/// Whether nodes keep a finger table.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fingers {
    /// The table of m fingers.
    #[default]
    All,
    /// Successors only: O(N) search.
    None,
}

/// Who asks whom during a lookup.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LookupStyle {
    /// The origin asks every node in turn.
    #[default]
    Iterative,
    /// The query is passed on; the answer comes back along its path.
    Recursive,
    /// The query is passed on; the last node answers the origin directly.
    SemiRecursive,
}

/// Something done again and again.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// Mean time from one round to the next.
    pub period: Span,
    /// Every waiting time is uniform within this share of the period, up or down:
    /// 0.5 waits from half of it to one and a half.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub jitter: f64,
}

/// Consistent hashing with full membership, as in Dynamo (`DeCandia` et al. 2007).
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FullMembership {
    /// How keys are given to servers.
    #[serde(default)]
    pub placement: Placement,
    /// How nodes hear of servers that come and go.
    #[serde(default)]
    pub spread: Spread,
    /// How long a node waits for an answer or an acknowledgement before it takes the
    /// other for dead (or, with `broadcast`, sends the news once more).
    #[serde(default = "default_request_timeout")]
    pub request_timeout: Span,
}

/// How keys are given to servers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Placement {
    /// Consistent hashing: to the server of the next virtual node on the ring.
    #[default]
    Ring,
    /// To server number hash mod N: the baseline that moves nearly everything when N
    /// changes. For stored values only.
    Modulo,
}

/// How nodes hear of servers that come and go.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Spread {
    /// At once and without messages, by an oracle: for studies of placement.
    #[default]
    Instant,
    /// Who joins, leaves or finds a server dead tells all others.
    Broadcast(Broadcast),
    /// Every node passes on what it hears to random others, and compares its view with
    /// theirs from time to time.
    Gossip(Gossip),
}

/// Who joins, leaves or finds a server dead tells all others.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Broadcast {}

/// Rumours, and anti-entropy behind them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gossip {
    /// Time from one round to the next.
    #[serde(default = "one_second")]
    pub period: Span,
    /// To how many random nodes a node passes on what it has heard, every round.
    #[serde(default = "one_u32")]
    #[schemars(range(min = 1, max = 100))]
    pub fanout: u32,
    /// Time from one comparison of its view with that of a random node to the next.
    #[serde(default = "ten_seconds")]
    pub anti_entropy: Span,
}

/// Periodic repair of the finger table.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FixFingers {
    /// Mean time from one round to the next.
    pub period: Span,
    /// Every waiting time is uniform within this share of the period, up or down.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub jitter: f64,
    /// Which fingers a round looks up.
    #[serde(default)]
    pub fingers: FixedFingers,
}

/// Which fingers a round of `fix_fingers` looks up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FixedFingers {
    /// The next one of all m, as printed in the paper.
    #[default]
    InTurn,
    /// The next one of those that start beyond the successor; the others are the
    /// successor anyway.
    InTurnDistant,
    /// All that start beyond the successor.
    AllDistant,
}

/// Trackers that know which client has which file, as in BitTorrent. Files go from client to
/// client.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tracker {
    /// Number of trackers: the first nodes of the population. All others are clients.
    #[serde(default = "one_u32")]
    #[schemars(range(min = 1))]
    pub trackers: u32,
    /// How many clients a tracker names at most.
    #[serde(default = "default_numwant")]
    #[schemars(range(min = 1, max = 1000))]
    pub numwant: u32,
    /// Mean time from one announcement of a client to the next; every one lies within a
    /// tenth of it.
    #[serde(default = "half_an_hour")]
    pub announce_interval: Span,
    /// After this time without an announcement a tracker forgets a client.
    #[serde(default = "default_expiry")]
    pub expiry: Span,
    /// How often trackers tell each other what they have been told.
    #[serde(default = "one_minute")]
    pub exchange: Span,
    /// How long a tracker is busy with every message, instead of `network.service_time`.
    #[serde(default)]
    pub service_time: Option<Span>,
    /// How long a node waits for an answer before it takes the other for dead, and turns to
    /// the next tracker or to the next client that has the file.
    #[serde(default = "default_tracker_timeout")]
    pub request_timeout: Span,
    /// A file that clients download piece by piece. Without it there are only the small
    /// files that the workload puts and gets.
    #[serde(default)]
    pub swarm: Option<Swarm>,
}

/// A file that clients download piece by piece, sharing what they have.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Swarm {
    /// Size of the file.
    pub file_bytes: u64,
    /// Size of its pieces; the last one is what is left.
    #[serde(default = "default_piece_bytes")]
    pub piece_bytes: u32,
    /// What a peer can send, in bytes per second.
    pub upload: u64,
    /// What a peer can receive, in bytes per second.
    pub download: u64,
    /// How many peers a leecher uploads to because of what they give.
    #[serde(default = "four_u32")]
    #[schemars(range(max = 64))]
    pub slots: u32,
    /// How many it uploads to besides, drawn by lot every 30 seconds. Seeds draw all that
    /// they upload to.
    #[serde(default = "one_u32")]
    #[schemars(range(max = 64))]
    pub optimistic: u32,
    /// How many connections a peer opens; it takes part in twice as many.
    #[serde(default = "default_connections")]
    #[schemars(range(min = 1, max = 1000))]
    pub connections: u32,
    /// Which piece is asked for next.
    #[serde(default)]
    pub pieces: PieceChoice,
    /// Mean time for which a peer shares the file once it has it, exponentially distributed;
    /// then it leaves. Without it, for ever.
    #[serde(default)]
    pub seed_time: Option<Span>,
    /// How many clients have the file from the start. They stay.
    #[serde(default = "one_u32")]
    #[schemars(range(min = 1))]
    pub seeds: u32,
    /// Mean time after which a peer gives its download up and leaves, exponentially
    /// distributed. Without it, never.
    #[serde(default)]
    pub patience: Option<Span>,
}

/// Which piece a peer asks for next.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PieceChoice {
    /// The one that the fewest of its neighbours have.
    #[default]
    RarestFirst,
    /// Any.
    Random,
}

fn four_u32() -> u32 {
    4
}

fn default_numwant() -> u32 {
    50
}

fn default_connections() -> u32 {
    40
}

fn default_piece_bytes() -> u32 {
    256 * 1024
}

fn default_tracker_timeout() -> Span {
    Span(crate::sim::Duration::from_secs(15))
}

fn one_minute() -> Span {
    Span(crate::sim::Duration::from_secs(60))
}

fn half_an_hour() -> Span {
    Span(crate::sim::Duration::from_secs(30 * 60))
}

fn default_expiry() -> Span {
    Span(crate::sim::Duration::from_secs(45 * 60))
}

fn ten_seconds() -> Span {
    Span(crate::sim::Duration::from_secs(10))
}
