//! The scenario file as it is written: what users live with.
//!
//! Every type here is the shape of a piece of JSON and no more: unknown fields
//! are refused, defaults stand beside their fields, and the documentation
//! comments are the descriptions of the JSON Schema (`dhtsim schema`), so that
//! editors show them. Whether the values make sense together is for
//! `check` to say.
//!
//! A choice between things with parameters of their own is an object with one
//! key that names the choice: `{"uniform": {"from": "10ms", "to": "90ms"}}`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::units::Span;

/// A dhtsim scenario: what is simulated, how often, and what must come out.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Where the JSON Schema of this file stands; read by editors only.
    #[serde(rename = "$schema", default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// Name of the scenario and of its folder under `results/`: letters, digits,
    /// `-` and `_`.
    pub name: String,
    /// What the scenario shows, in a sentence or two.
    #[serde(default)]
    pub description: String,
    /// Everything random follows from this number. Another seed is another world.
    #[serde(default = "one_u64")]
    pub seed: u64,
    /// Number of bits of an identifier (m), from 1 to 160.
    #[serde(default = "all_bits")]
    #[schemars(range(min = 1, max = 160))]
    pub id_bits: u32,
    /// The servers and how they come to stand on the ring.
    pub population: Population,
    /// The system that the nodes run.
    pub overlay: Overlay,
    /// What lies between the nodes.
    #[serde(default)]
    pub network: Network,
    /// What the nodes are asked to do.
    #[serde(default)]
    pub workload: Workload,
    /// What breaks, and when.
    #[serde(default)]
    pub faults: Vec<Fault>,
    /// What is measured while the simulation runs, besides at its end.
    #[serde(default)]
    pub measure: Option<Measure>,
    /// How long to simulate. Without it the run ends when nothing is left to do,
    /// which asks for an overlay without periodic maintenance.
    #[serde(default)]
    pub duration: Option<Span>,
    /// How often to repeat every point, each time with other nodes, keys and
    /// delays. Adding repeats does not change the earlier ones.
    #[serde(default = "one_u32")]
    #[schemars(range(min = 1))]
    pub repeat: u32,
    /// Parameters to vary, by their path in this file: `{"population.nodes": [8, 16]}`.
    /// Several make a grid, the last one varying fastest. An axis of `variants` has a
    /// label instead of a path, such as `system`.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Axis>")]
    pub sweep: serde_json::Map<String, Value>,
    /// What to draw.
    #[serde(default)]
    pub plots: Vec<Plot>,
    /// Claims over the results; each is printed as held or broken.
    #[serde(default)]
    pub expect: Vec<Claim>,
    /// Published numbers to set beside the results.
    #[serde(default)]
    pub published: Vec<Published>,
}

/// The servers and how they come to stand on the ring.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Population {
    /// Number of servers. Each draws an address (ip and port) from the seed; its
    /// identifier is SHA-1 of the text `ip:port`. May be left out when `ids` is given.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub nodes: Option<u32>,
    /// Identifiers of the nodes, instead of hashed addresses: numbers, or texts in
    /// hexadecimal.
    #[serde(default)]
    pub ids: Option<Vec<ExplicitId>>,
    /// How often each server stands on the ring, every time with a port of its own.
    #[serde(default = "one_u32")]
    #[schemars(range(min = 1, max = 4096))]
    pub virtual_nodes: u32,
    /// Nodes that join while the simulation runs. Without it the ring starts
    /// converged, with every pointer right.
    #[serde(default)]
    pub joins: Option<Joins>,
    /// Servers that leave in good order while the simulation runs.
    #[serde(default)]
    pub leaves: Option<Leaves>,
}

/// An identifier given in the file: a number, or a text in hexadecimal.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum ExplicitId {
    /// A number below 2^m.
    Number(u64),
    /// Hexadecimal digits.
    Hexadecimal(String),
}

/// Nodes that join through a random node that is already there.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Joins {
    /// Number of nodes that stand on a converged ring at the start; the others join. One
    /// if neither this nor `count` is given.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub initial: Option<u32>,
    /// Number of nodes that join; the others are there at the start.
    #[serde(default)]
    pub count: Option<u32>,
    /// When the first node joins.
    #[serde(default)]
    pub start: Span,
    /// Time from one join to the next. `"0s"` lets all join at once.
    #[serde(default)]
    pub interval: Option<Span>,
    /// Whether joins come at equal distances, or as a Poisson process with `interval` as
    /// the mean; then those that the `duration` has no room for do not come.
    #[serde(default)]
    pub arrivals: Arrivals,
    /// The moments of the joins, one for each joining node, instead of `interval`.
    #[serde(default)]
    pub times: Option<Vec<Span>>,
}

/// Servers that leave in good order, drawn from those that are up.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Leaves {
    /// How many leave.
    #[schemars(range(min = 1))]
    pub count: u32,
    /// When the first one leaves.
    #[serde(default)]
    pub start: Span,
    /// Time from one to the next.
    #[serde(default = "one_second")]
    pub interval: Span,
}

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
}

/// Chord, as in Stoica et al. 2001 and 2003.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
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

/// What lies between the nodes.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// One-way delay of a message.
    #[serde(default)]
    pub latency: Latency,
    /// Probability that a message is lost, each independently. Nothing is sent twice: a
    /// node that does not answer once is taken for dead and dropped, so a ring that loses
    /// messages needs `stabilize` and `fix_fingers`, and falls apart without.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub loss: f64,
    /// How long every server is busy with each message that it handles; messages that come
    /// meanwhile wait in its queue.
    #[serde(default)]
    pub service_time: Span,
}

/// One-way delay of a message.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Latency {
    /// The same for every message.
    Constant(Span),
    /// Uniform between two durations, drawn for every message.
    Uniform(UniformLatency),
    /// Exponential, drawn for every message.
    Exponential(ExponentialLatency),
    /// Log-normal, drawn for every message.
    LogNormal(LogNormalLatency),
    /// Nodes stand at random points of a square or cube; the delay is their distance.
    Euclidean(EuclideanLatency),
}

/// Uniform delay.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UniformLatency {
    /// The shortest delay.
    pub from: Span,
    /// The longest delay.
    pub to: Span,
}

/// Exponential delay.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExponentialLatency {
    /// The mean delay.
    pub mean: Span,
}

/// Log-normal delay.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogNormalLatency {
    /// The median delay.
    pub median: Span,
    /// Standard deviation of the delay's natural logarithm.
    #[schemars(range(min = 0.0))]
    pub sigma: f64,
}

/// Delay by distance.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EuclideanLatency {
    /// 2 for a square, 3 for a cube.
    #[serde(default = "two_u32")]
    #[schemars(range(min = 2, max = 3))]
    pub dimensions: u32,
    /// Length of a side, as the delay from one end to the other.
    pub side: Span,
    /// Added to every delay.
    #[serde(default)]
    pub base: Span,
}

/// What the nodes are asked to do.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// Lookups of keys drawn uniformly from the ring.
    #[serde(default)]
    pub lookups: Option<Requests>,
    /// Number of keys placed on the ring by the oracle, to measure who carries how many;
    /// no message is sent for them.
    #[serde(default)]
    pub keys: u64,
    /// Number of copies of each of those keys, on the next distinct servers clockwise.
    #[serde(default = "one_u32")]
    #[schemars(range(min = 1, max = 16))]
    pub key_copies: u32,
    /// Values that nodes put and get.
    #[serde(default)]
    pub storage: Option<Storage>,
    /// Every node that joins downloads the file that a tracker's swarm shares.
    #[serde(default)]
    pub downloads: Option<Downloads>,
}

/// Values that nodes put and get.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Storage {
    /// Number of different keys.
    #[schemars(range(min = 1))]
    pub keys: u32,
    /// Bytes of a value.
    #[serde(default = "kibibyte")]
    pub value_bytes: u32,
    /// Number of copies of every value, 1 to 16.
    #[serde(default = "one_u32")]
    #[schemars(range(min = 1, max = 16))]
    pub copies: u32,
    /// Where the copies are.
    #[serde(default)]
    pub placement: CopyPlacement,
    /// Whether the first version of every value is at its place when the simulation
    /// begins. Otherwise keys without a value yet are put before others.
    #[serde(default = "yes")]
    pub preloaded: bool,
    /// How often every owner sees to the copies of its values without being asked to. With
    /// copies on successors that also happens whenever the neighbours change.
    #[serde(default)]
    pub repair: Option<Span>,
    /// How long a node waits for an answer about a value before it takes the other for dead.
    #[serde(default = "default_request_timeout")]
    pub request_timeout: Span,
    /// A put or get without an answer by then has failed. Without it each waits until the
    /// run ends.
    #[serde(default)]
    pub timeout: Option<Span>,
    /// Puts: each gives a random key a new value.
    #[serde(default)]
    pub puts: Option<Requests>,
    /// Gets, each of a random key.
    #[serde(default)]
    pub gets: Option<Requests>,
}

/// Where the copies of a value are.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum CopyPlacement {
    /// On the owner of the key and the next distinct servers clockwise (Dynamo, Chord).
    #[default]
    Successors,
    /// On the owners of k, k + F, k + 2F … for a constant F (the lecture notes).
    Spaced(Spaced),
}

/// Copies at k, k + F, k + 2F …
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spaced {
    /// F, in hexadecimal. Without it the copies are spread evenly around the ring.
    #[serde(default)]
    pub step: Option<String>,
}

/// Every node that joins downloads the shared file.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Downloads {}

/// Something that breaks.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// When.
    pub at: Span,
    /// Which servers crash: they say nothing more, and their state is lost.
    pub crash: Crash,
}

/// Which servers crash.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Crash {
    /// Those with these numbers, in the order in which they were drawn, from zero.
    Nodes(Vec<u32>),
    /// As many as this of those that have handled most messages so far.
    Busiest(u32),
    /// As many as this, drawn from those that are up.
    Random(u32),
}

/// What is measured while the simulation runs.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// Time from one sample to the next.
    pub every: Span,
}

/// Requests that nodes make.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Requests {
    /// Requests that each node makes (the total is this times the nodes). Without it
    /// they go on for the whole `duration`.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub per_node: Option<u32>,
    /// Mean time from one request of a node to its next.
    #[serde(default = "one_second")]
    pub interval: Span,
    /// How they are spread over time and nodes.
    #[serde(default)]
    pub arrivals: Arrivals,
    /// When the first may be made.
    #[serde(default)]
    pub start: Span,
    /// After this none is made any more, so that those under way can end before the
    /// `duration` does.
    #[serde(default)]
    pub stop: Option<Span>,
    /// A lookup without an answer by then has failed. Without it a lookup waits until
    /// the run ends. (For puts and gets, `storage.timeout` says it.)
    #[serde(default)]
    pub timeout: Option<Span>,
}

/// How requests are spread over time and nodes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Arrivals {
    /// The nodes take turns at equal distances in time.
    #[default]
    Even,
    /// A Poisson process, each at a random node.
    Poisson,
}

/// The values of a swept parameter, one of: a list, a range, the powers of two; or
/// variants, each of which sets several parameters together.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Axis {
    /// These values, in this order.
    List(Vec<Value>),
    /// Numbers at equal distances, both ends included.
    Range {
        /// The numbers.
        range: Range,
    },
    /// The powers of two between two numbers, both included.
    PowersOfTwo {
        /// The first and the last.
        powers_of_two: (u64, u64),
    },
    /// Settings of several parameters by name:
    /// `{"tracker": {"overlay": {"tracker": {}}, "workload.keys": 10}}`. The name is
    /// the value of the axis in results and conditions.
    Variants {
        /// For each variant the paths that it sets, with their values. A variant without
        /// any is the file as it stands.
        variants: BTreeMap<String, BTreeMap<String, Value>>,
    },
}

/// Numbers at equal distances.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The first.
    pub from: f64,
    /// Not beyond this one.
    pub to: f64,
    /// The distance, above zero.
    #[serde(default = "one_f64")]
    pub step: f64,
}

/// What to draw.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Plot {
    /// Mean hops against the first swept number, with the band from the 1st to
    /// the 99th percentile. Against the number of nodes also the fit and ½·log2 N.
    Hops,
    /// Share of lookups by their number of hops.
    HopDistribution,
    /// Keys per server against the first swept number, mean and 1st to 99th
    /// percentile.
    KeysPerNode,
    /// Share of servers by their number of keys.
    KeyDistribution,
    /// Messages handled per server against the first swept number.
    MessagesPerNode,
    /// Share of servers by the messages that they handled.
    MessageDistribution,
    /// Any metric against the first swept number, with calculated curves.
    Metric(MetricPlot),
    /// Quantities over simulated time.
    OverTime(TimePlot),
}

/// Any metric against the first swept number, one line for each setting of the other
/// swept parameters.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetricPlot {
    /// Name of the metric.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// Names of several metrics of the same unit, instead of `metric`: a line for each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<String>,
    /// Divides the metric by this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per: Option<String>,
    /// Title; by default what the metric is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Name of the vertical axis; by default the metric's unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
    /// Scale of the vertical axis; by default the one that shows the values best.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<Scale>,
    /// Calculated curves over the horizontal axis.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub curves: Vec<Curve>,
    /// Only points at which these parameters satisfy their condition.
    #[serde(rename = "where", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub condition: BTreeMap<String, Condition>,
    /// Name of the plot's file without its ending: letters, digits, `-` and `_`. By
    /// default the metric's name with `_` for its dots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// Scale of an axis.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Equal distances are equal differences; from zero on.
    Linear,
    /// Equal distances are equal ratios.
    Log,
}

/// A calculated curve: `times` · law(x) + `plus`, where x is the value on the
/// horizontal axis.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Curve {
    /// What it is called in the legend.
    pub label: String,
    /// The law that it follows.
    pub law: Law,
    /// The factor.
    #[serde(default = "one_f64")]
    pub times: f64,
    /// The summand.
    #[serde(default)]
    pub plus: f64,
    /// Draws it, and the horizontal axis, on to this value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<f64>,
}

/// How a calculated curve grows with x.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Law {
    /// 1 everywhere.
    Constant,
    /// log2 x.
    Log2,
    /// The square of log2 x.
    Log2Squared,
    /// x.
    Linear,
}

/// Quantities over simulated time, one line for each series and point of the sweep.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimePlot {
    /// Names of the series, of the same unit: `ring.right_successors`, `nodes` …
    pub series: Vec<String>,
    /// Title; by default what the series is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Name of the vertical axis; by default the unit of the series.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
    /// Scale of the vertical axis; by default the one that shows the values best.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<Scale>,
    /// Heights that theory expects, as horizontal lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub curves: Vec<Level>,
    /// Moments to mark with a vertical line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<Moment>,
    /// Only points at which these parameters satisfy their condition.
    #[serde(rename = "where", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub condition: BTreeMap<String, Condition>,
    /// Name of the plot's file without its ending: letters, digits, `-` and `_`. By
    /// default the name of the first series with `_` for its dots, and `_over_time`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// A height that theory expects.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// What it is called in the legend.
    pub label: String,
    /// The height.
    pub value: f64,
}

/// A moment of simulated time with a name.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Moment {
    /// When it is.
    pub at: Span,
    /// What happens.
    pub label: String,
}

/// A claim over the results: a metric, perhaps divided by another, and one
/// comparison. It is checked at every point of the sweep that `where` lets pass.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The claim in words.
    #[serde(default)]
    pub claim: String,
    /// Name of the metric: `hops.mean`, `lookups.failed`, `fit.r2` …
    pub metric: String,
    /// Divides the metric by this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per: Option<String>,
    /// Only points at which these metrics or parameters satisfy their condition:
    /// a value, a list of values, or `{"at_least": …, "at_most": …}`.
    #[serde(rename = "where", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub condition: BTreeMap<String, Condition>,
    /// It is not below this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Bound>,
    /// It is not above this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<Bound>,
    /// It is exactly this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equals: Option<Bound>,
    /// It differs from `of` by no more than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<f64>,
    /// What `within` is measured from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Bound>,
}

/// Which points a claim is about.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Condition {
    // Before `Limits`, which serde would read from a list as well.
    /// One of these values.
    OneOf(Vec<Value>),
    /// A number within limits.
    Limits(Limits),
    /// This value.
    Is(Value),
}

/// A number within limits, each of which may be left out.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Not below this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
    /// Not above this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,
}

/// What a metric is compared with: a number, or a straight line over another
/// metric or over its logarithm.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Bound {
    /// A number.
    Number(f64),
    /// `times` · log2(metric) + `plus`.
    Log2(Log2Bound),
    /// `times` · metric + `plus`.
    Linear(LinearBound),
}

/// `times` · log2(metric) + `plus`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Log2Bound {
    /// The metric whose logarithm to base two is taken, such as `nodes`.
    pub log2: String,
    /// The slope.
    #[serde(default = "one_f64")]
    pub times: f64,
    /// The intercept.
    #[serde(default)]
    pub plus: f64,
}

/// `times` · metric + `plus`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinearBound {
    /// The metric, such as `nodes`.
    pub metric: String,
    /// The slope.
    #[serde(default = "one_f64")]
    pub times: f64,
    /// The intercept.
    #[serde(default)]
    pub plus: f64,
}

/// Published numbers, set beside the measured ones in the results and in the
/// plots; with a tolerance they are also claims.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// Paper and figure or table.
    pub source: String,
    /// The metric that was published. A metric that ends in `.pdf` is a
    /// distribution: its values are given by bin.
    pub metric: String,
    /// What the metric was published against: the path of a swept parameter, or for a
    /// distribution the name of its bins (`hops`, `keys`).
    pub against: String,
    /// Only points at which these parameters have these values.
    #[serde(rename = "where", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub condition: BTreeMap<String, Condition>,
    /// Divides the measured metric by this number before it is compared.
    #[serde(default = "one_f64")]
    pub divided_by: f64,
    /// The published values as pairs of where and what.
    pub values: Vec<(f64, f64)>,
    /// How far measured may lie from published. The larger of the two allowances
    /// counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<Tolerance>,
}

/// How far a measured value may lie from a published one; the larger allowance
/// counts.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tolerance {
    /// In the metric's own unit.
    #[serde(default)]
    pub absolute: f64,
    /// As a share of the published value.
    #[serde(default)]
    pub relative: f64,
}

fn one_u32() -> u32 {
    1
}

fn two_u32() -> u32 {
    2
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

fn kibibyte() -> u32 {
    1024
}

fn one_u64() -> u64 {
    1
}

fn one_f64() -> f64 {
    1.0
}

fn yes() -> bool {
    true
}

fn all_bits() -> u32 {
    160
}

fn one_second() -> Span {
    Span(crate::sim::Duration::from_secs(1))
}

fn ten_seconds() -> Span {
    Span(crate::sim::Duration::from_secs(10))
}

fn default_request_timeout() -> Span {
    Span(crate::sim::Duration::from_millis(500))
}

impl Default for Workload {
    /// Nothing.
    fn default() -> Workload {
        Workload { lookups: None, keys: 0, key_copies: 1, storage: None, downloads: None }
    }
}

impl Default for Latency {
    /// 50 ms, the mean packet delay of the `ToN` paper's churn experiments.
    fn default() -> Latency {
        Latency::Constant(Span(crate::sim::Duration::from_millis(50)))
    }
}
