//! The results of a scenario as they are written to `summary.json`: plain data,
//! read back by everything that shows results.
//!
//! Must not hold a wall-clock time, a duration of computing, a host name, or
//! anything else that changes by itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The results of a whole scenario.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Summary {
    /// Name of the scenario.
    pub scenario: String,
    /// Its description.
    pub description: String,
    /// The seed that everything follows from.
    pub seed: u64,
    /// Paths of the swept parameters, in the file's order.
    pub sweep: Vec<String>,
    /// One entry a point of the sweep, in its order.
    pub points: Vec<Point>,
    /// Growth of mean hops with the number of nodes, one entry for each setting of
    /// the other parameters.
    pub fits: Vec<Fit>,
    /// The claims of the scenario with what came of them.
    pub expectations: Vec<Verdict>,
    /// Published numbers beside the measured ones.
    pub published: Vec<Comparison>,
}

/// One point of the sweep, all its repeats together.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Point {
    /// The swept parameters by their path, with this point's values.
    pub params: Map<String, Value>,
    /// The system that ran, by the name under which plots colour it: `Chord`, `tracker` …
    pub system: String,
    /// Number of repeats.
    pub repeats: u32,
    /// Digest over the processed events of all repeats, 16 hexadecimal digits.
    pub digest: String,
    /// Number of servers.
    pub servers: u64,
    /// Number of nodes on the ring: servers times virtual nodes.
    pub nodes: u64,
    /// Addresses drawn anew because their identifier was taken, mean over repeats.
    pub id_collisions: f64,
    /// Events processed, mean over repeats.
    pub events: f64,
    /// Simulated seconds, mean over repeats.
    pub simulated_seconds: f64,
    /// Simulated seconds after the warm-up, mean over repeats. What is counted is counted in
    /// them, but for events and what faults have done.
    pub measured_seconds: f64,
    /// How often a lookup was passed on until it stood at the key's predecessor.
    pub hops: Hops,
    /// What came of the lookups, summed over repeats.
    pub lookups: Lookups,
    /// Time from asking to the answer, over the lookups that got one.
    pub latency_ms: Distribution,
    /// That time over the round trip that a message from the node that asked to the answered
    /// one and back is expected to take; without the answers that name the node itself.
    pub stretch: Distribution,
    /// Nodes that lookups came to.
    pub contacted: Contacted,
    /// Attempts to contact a node that did not answer.
    pub timeouts: Timeouts,
    /// Times that lookups began again.
    pub retries: Retries,
    /// Times that a lookup was passed on, and whether each at least halved the
    /// distance to the key's predecessor.
    pub forwards: Forwards,
    /// Keys on each server.
    pub keys_per_node: Load,
    /// Messages that each server received and handled.
    pub messages_per_node: Load,
    /// Messages sent, by kind, mean over repeats.
    pub messages: Vec<MessageRate>,
    /// How right the pointers were at the end.
    pub ring: RingHealth,
    /// Nodes that joined and left.
    pub joins: Joins,
    /// Puts and gets, and the values at the end.
    pub storage: Storage,
    /// Downloads of the shared file.
    pub downloads: Downloads,
    /// How messages waited for nodes that take their time over each.
    pub waiting: Waiting,
    /// What came of the requests that were made after the first fault.
    pub after_fault: FaultEffects,
    /// How many other nodes a node keeps track of, at the end.
    pub routing_entries: RoutingEntries,
    /// Seconds that nodes were up, all together, mean over repeats.
    pub node_seconds: f64,
    /// What broke, and when it was over, in the first repeat.
    pub happenings: Vec<Happening>,
    /// What a reader of the results must know besides, in words: that nobody was up for a
    /// while, that the ring has fallen apart …
    pub notices: Vec<String>,
    /// What was sampled while the simulation ran; empty unless the scenario asks for it.
    pub timeline: Timeline,
}

/// Something that happened to the system from outside.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Happening {
    /// Seconds since the start.
    pub seconds: f64,
    /// What it was, in words.
    pub what: String,
}

/// Nodes that joined and left. Counts are sums over repeats, what one join took is the mean
/// over repeats, until something breaks.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Joins {
    /// Joins begun, those of servers that restart too.
    pub issued: u64,
    /// Joins completed.
    pub completed: u64,
    /// Joins and leaves after which a pointer of any node was wrong; checked for systems
    /// that promise there is none.
    pub wrong: u64,
    /// Nodes asked to leave.
    pub leaves: u64,
    /// Messages for joining and leaving, for each node that joined or left; keys that moved
    /// are not counted.
    pub messages: f64,
    /// Half the width of its 95 % confidence interval over repeats.
    pub messages_ci95: Option<f64>,
    /// Their bytes.
    pub bytes: f64,
    /// Those of them by which a newcomer to Chord comes by its own pointers, for each join.
    pub table_messages: f64,
    /// Keys handed over to newcomers, for each join.
    pub keys_moved: f64,
    /// Their bytes on the wire.
    pub bytes_moved: f64,
    /// Keys handed over by nodes that left, for each of them.
    pub keys_moved_by_leave: f64,
    /// From the beginning of a join to its completion.
    pub time_ms: Distribution,
}

/// Puts and gets. Counts are sums over repeats.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Storage {
    /// What came of the puts.
    pub puts: Puts,
    /// What came of the gets.
    pub gets: Gets,
    /// Nodes that passed a get on or were asked, mean over the answered ones.
    pub get_hops: f64,
    /// Messages for a get, search and answer, until something breaks, mean over repeats.
    /// Searches that lookups and puts ask for are counted too.
    pub get_messages: f64,
    /// Time to the acknowledgement of a put.
    pub put_ms: Distribution,
    /// Time to the answer of a get.
    pub get_ms: Distribution,
    /// Times that a request came to a node that was not the right one.
    pub misdirected: u64,
    /// The values at the end.
    pub values: Values,
}

/// What came of the puts.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Puts {
    /// Asked.
    pub issued: u64,
    /// Acknowledged.
    pub stored: u64,
    /// Not acknowledged.
    pub failed: u64,
    /// Why not.
    pub failures: Failures,
}

/// What came of the gets.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Gets {
    /// Asked.
    pub issued: u64,
    /// Answered with the newest value that a put had been acknowledged for when the get was
    /// asked, or a newer one; or with nothing where nothing need be.
    pub correct: u64,
    /// Answered with an older value.
    pub old: u64,
    /// Answered with nothing, though there should be a value.
    pub missing: u64,
    /// Not answered.
    pub failed: u64,
    /// Why not.
    pub failures: Failures,
}

/// The values at the end.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Values {
    /// Keys whose put was acknowledged.
    pub put: u64,
    /// Those of which no node that is up has the acknowledged value or a newer one.
    pub lost: u64,
    /// Those that are not lost, but with none of the nodes that should have them.
    pub unavailable: u64,
    /// Copies of acknowledged values, newest versions only.
    pub copies: u64,
}

/// Downloads of the shared file. Counts are sums over repeats.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Downloads {
    /// Begun.
    pub issued: u64,
    /// Completed.
    pub completed: u64,
    /// Seconds from the beginning to the completion.
    pub seconds: Distribution,
}

/// How messages waited for nodes that take their time over each, mean over repeats.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Waiting {
    /// Mean wait of a message, over all messages to nodes that take their time.
    pub mean_ms: f64,
    /// Mean wait at the node that handled most messages.
    pub busiest_ms: f64,
    /// The longest wait of all repeats.
    pub max_ms: f64,
}

/// What came of the lookups and gets that were made after the first fault. Counts are sums
/// over repeats.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct FaultEffects {
    /// Made after it.
    pub issued: u64,
    /// Those that were not answered, or not rightly.
    pub wrong: u64,
    /// Seconds from the fault to the last of them, mean over repeats.
    pub outage_seconds: f64,
}

/// How many other nodes a node keeps track of.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct RoutingEntries {
    /// Mean over nodes and repeats.
    pub mean: f64,
    /// The most.
    pub max: u64,
}

/// Quantities over simulated time, mean over repeats.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Timeline {
    /// The moments of the samples, in seconds since the start, ascending.
    pub seconds: Vec<f64>,
    /// One value a moment under the name of each quantity; null where there was
    /// nothing to measure.
    pub series: BTreeMap<String, Vec<Option<f64>>>,
}

/// Hops of the lookups that were answered.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Hops {
    /// Mean over repeats of each repeat's mean.
    pub mean: f64,
    /// Half the width of the mean's 95 % confidence interval over repeats; null with
    /// a single repeat.
    pub ci95: Option<f64>,
    /// Mean over the lookups that were passed on at all, of all repeats: without those
    /// that began at the key's predecessor.
    pub mean_forwarded: f64,
    /// 1st percentile over all lookups.
    pub p1: u64,
    /// Median over all lookups.
    pub p50: u64,
    /// 99th percentile over all lookups.
    pub p99: u64,
    /// The most.
    pub max: u64,
    /// Number of lookups by hops, from zero hops on.
    pub histogram: Vec<u64>,
}

/// What came of the lookups.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Lookups {
    /// Asked.
    pub issued: u64,
    /// Answered with the node that owns the key.
    pub correct: u64,
    /// Answered with another node.
    pub incorrect: u64,
    /// Not answered.
    pub failed: u64,
    /// Why not.
    pub failures: Failures,
}

/// Why lookups, puts or gets were not answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Failures {
    /// The overlay had nobody left to ask.
    pub no_route: u64,
    /// No answer within the scenario's time-out.
    pub timed_out: u64,
    /// Still open when the run ended.
    pub unanswered: u64,
    /// Passed on more often than there are nodes: they went round in circles.
    pub looped: u64,
}

impl Failures {
    /// All of them.
    pub fn total(self) -> u64 {
        self.no_route + self.timed_out + self.unanswered + self.looped
    }
}

impl std::ops::AddAssign for Failures {
    fn add_assign(&mut self, more: Failures) {
        self.no_route += more.no_route;
        self.timed_out += more.timed_out;
        self.unanswered += more.unanswered;
        self.looped += more.looped;
    }
}

/// A quantity over lookups.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Distribution {
    /// Mean over repeats of each repeat's mean.
    pub mean: f64,
    /// Half the width of the mean's 95 % confidence interval over repeats.
    pub ci95: Option<f64>,
    /// 1st percentile.
    pub p1: f64,
    /// 10th percentile.
    pub p10: f64,
    /// Median.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 99th percentile.
    pub p99: f64,
    /// The most.
    pub max: f64,
}

/// Nodes, other than the one that asks, that a lookup was passed on to or whose answer it
/// went on with. A node that a lookup comes back to is counted again; attempts to contact a
/// node that did not answer are not.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Contacted {
    /// Mean per finished lookup.
    pub mean: f64,
    /// Half the width of the mean's 95 % confidence interval over repeats.
    pub ci95: Option<f64>,
    /// The most in one lookup.
    pub max: u64,
}

/// Attempts to contact a node that did not answer.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Timeouts {
    /// Mean per finished lookup.
    pub mean: f64,
    /// Half the width of the mean's 95 % confidence interval over repeats.
    pub ci95: Option<f64>,
    /// Mean per finished lookup until it stood at the key's predecessor: without those of
    /// asking the key's owner for a sign of life.
    pub path_mean: f64,
    /// 1st percentile.
    pub p1: u64,
    /// 99th percentile.
    pub p99: u64,
    /// 1st percentile of those until it stood at the key's predecessor.
    pub path_p1: u64,
    /// 99th percentile of those.
    pub path_p99: u64,
    /// The most in one lookup.
    pub max: u64,
    /// Those of lookups, summed over repeats.
    pub total: u64,
    /// Those of lookups and of maintenance together, summed over repeats.
    pub all: u64,
}

/// Times that lookups without an answer began again.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Retries {
    /// Mean per finished lookup.
    pub mean: f64,
    /// Summed over repeats.
    pub total: u64,
}

/// Times that a lookup was passed on.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Forwards {
    /// All.
    pub total: u64,
    /// Those after which the distance to the key's predecessor was at most half of
    /// what it was before.
    pub halving: u64,
    /// The others.
    pub not_halving: u64,
}

/// A load that each server carries.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Load {
    /// Mean over repeats of each repeat's mean.
    pub mean: f64,
    /// Half the width of the mean's 95 % confidence interval over repeats.
    pub ci95: Option<f64>,
    /// 1st percentile over the servers of all repeats.
    pub p1: u64,
    /// Median.
    pub p50: u64,
    /// 99th percentile.
    pub p99: u64,
    /// The most.
    pub max: u64,
    /// The most over the mean, mean over repeats: how much more the busiest carries.
    pub max_over_mean: f64,
    /// The mean over the most, mean over repeats: 1 when all carry the same.
    pub efficiency: f64,
    /// Gini coefficient: 0 when all carry the same, near 1 when one carries all.
    pub gini: f64,
    /// Number of servers by load, in bins, over all repeats.
    pub histogram: Bins,
}

/// A histogram with bins of equal width.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Bins {
    /// Bin *i* counts the values from *i* · `width` to (*i* + 1) · `width` − 1.
    pub width: u64,
    /// The counts, from zero on.
    pub counts: Vec<u64>,
}

/// Messages of one kind.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct MessageCount {
    /// Name of the kind.
    pub kind: String,
    /// What it serves: `lookup`, `membership`, `maintenance` or `storage`.
    pub purpose: String,
    /// Messages sent, mean over repeats.
    pub messages: f64,
    /// Their bytes on the wire, headers included, mean over repeats.
    pub bytes: f64,
}

/// Messages of one kind, altogether and for a node in a second.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct MessageRate {
    /// All that were sent.
    #[serde(flatten)]
    pub sent: MessageCount,
    /// Messages that a node sends in a second; zero where no time has passed.
    pub messages_per_node_second: f64,
    /// Their bytes.
    pub bytes_per_node_second: f64,
}

/// How right the pointers of the nodes were at the end, as shares from 0 to 1,
/// mean over repeats.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct RingHealth {
    /// Nodes whose successor is the right one.
    pub right_successors: f64,
    /// Nodes whose whole successor list is right.
    pub right_successor_lists: f64,
    /// Nodes whose predecessor is the right one.
    pub right_predecessors: f64,
    /// Fingers, of all nodes, that are the right ones; 1 without a finger table.
    pub right_fingers: f64,
    /// Distinct nodes in a finger table, mean over nodes; 0 without.
    pub distinct_fingers: f64,
    /// How many separate rings the nodes form, each by its first successor that is up: one
    /// unless the ring has fallen apart.
    pub rings: f64,
    /// Share of the nodes that stand on the largest of these rings or come to it.
    pub largest_share: f64,
    /// Nodes that stand on none of them: appendages.
    pub appendages: f64,
}

impl RingHealth {
    /// Whether every pointer of every node is right.
    pub fn is_right(&self) -> bool {
        let shares = [
            self.right_successors,
            self.right_successor_lists,
            self.right_predecessors,
            self.right_fingers,
        ];
        shares.into_iter().all(|share| share >= 1.0)
    }
}

/// How mean hops grow with the number of nodes, over the points that agree in
/// every other parameter.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Fit {
    /// The other swept parameters with the values that these points share.
    pub params: Map<String, Value>,
    /// Least squares of mean hops against log2 N.
    #[serde(flatten)]
    pub log2: Line,
    /// Least squares of mean hops against N.
    pub linear: Line,
    /// `O(log N)`, `O(N)` or `undecided`.
    pub verdict: String,
}

/// A straight line fitted by least squares.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Line {
    /// Rise by one step of the horizontal axis.
    pub slope: f64,
    /// Height at zero.
    pub intercept: f64,
    /// Share of the variance that the line explains.
    pub r2: f64,
}

/// What came of a claim.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Verdict {
    /// The claim in words.
    pub claim: String,
    /// Whether it held wherever it was checked.
    pub held: bool,
    /// The figure at the point that was nearest to breaking it, or broke it most.
    pub figure: String,
    /// At how many points it was checked.
    pub checked: usize,
    /// At how many of them it was broken.
    pub broken: usize,
}

/// One published number beside the measured one.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Comparison {
    /// Paper and figure or table.
    pub source: String,
    /// The metric.
    pub metric: String,
    /// What it was published against.
    pub against: String,
    /// Where on that axis.
    pub at: f64,
    /// What was published.
    pub published: f64,
    /// What was measured, divided by `divided_by`.
    pub measured: f64,
    /// By what the metric is divided to be compared.
    pub divided_by: f64,
    /// Whether it lies within the tolerance; null when the scenario states none.
    pub within_tolerance: Option<bool>,
}

/// One repeat of one point.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Run {
    /// Number of the repeat, from zero.
    pub repeat: u32,
    /// Its results, as a point of a single repeat.
    pub point: Point,
}

/// Everything that a scenario gives.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// The scenario as it ran, complete in itself: run again, it gives these results.
    pub scenario: Value,
    /// The results of its points.
    pub summary: Summary,
    /// The results of its runs, point by point and repeat by repeat.
    pub runs: Vec<Run>,
}
