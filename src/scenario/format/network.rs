//! What lies between the nodes.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::units::Span;
use super::{one_f64, yes};
use crate::sim::Duration;

/// What lies between the nodes.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
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
    /// How much every delay varies: uniformly within this share of itself, up or down.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub jitter: f64,
    /// Classes of servers by their names, such as
    /// `{"dsl": {"share": 0.3, "upload": 125000, "download": 2000000}}`. As many servers are
    /// in a class as its share says, up to rounding; who they are is drawn. The rest are in
    /// none and have links without limits. Trackers are in none.
    #[serde(default)]
    pub classes: BTreeMap<String, ServerClass>,
    /// How long the firewall of a server that is not `contactable` lets in answers and all
    /// else from an address to which the server has sent something. RFC 4787 asks for two
    /// minutes at least.
    #[serde(default = "two_minutes")]
    pub mapping: Span,
}

impl Default for Network {
    fn default() -> Network {
        Network {
            latency: Latency::default(),
            loss: 0.0,
            service_time: Span::default(),
            jitter: 0.0,
            classes: BTreeMap::new(),
            mapping: two_minutes(),
        }
    }
}

/// How the servers of a class are connected.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerClass {
    /// How many of all servers are in this class.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub share: f64,
    /// Bytes a second that leave through the server's link. What it sends meanwhile waits its
    /// turn. Without it everything leaves at once.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub upload: Option<u64>,
    /// Bytes a second that arrive through the server's link: so much later a message is there,
    /// but none waits for another. Without it all arrives at once.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub download: Option<u64>,
    /// Whether others can send to the server. If not, its firewall loses whatever does not come
    /// from where the server has sent something within the last `mapping`.
    #[serde(default = "yes")]
    pub contactable: bool,
    /// The factor by which everything takes longer: the latency of all messages from and to
    /// the server, and its `service_time`. With both ends slow, the product.
    #[serde(default = "one_f64")]
    #[schemars(range(min = 1.0))]
    pub slow: f64,
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
    /// Servers stand at random points of a square or cube; the delay is their distance.
    Euclidean(EuclideanLatency),
    /// Servers stand in the stub domains of an internet; the delay is that of the links
    /// between them.
    TransitStub(TransitStubLatency),
    /// Round-trip times measured between places, read from a file. The delay is half of what
    /// stands in the sender's row and the receiver's column.
    Matrix(MatrixLatency),
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

/// Delay through transit and stub domains, as the GT-ITM generator has them (Zegura, Calvert
/// and Bhattacharjee, INFOCOM 1996). Every server is one link away from the other nodes of its
/// stub domain and from its gateway, which has one link to its transit node. The nodes of a
/// transit domain are one link apart; the first of them has links to the first ones of all
/// other domains. Stub domains are drawn, each with the same probability.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TransitStubLatency {
    /// Number of transit domains.
    #[serde(default = "four_u32")]
    #[schemars(range(min = 1, max = 1000))]
    pub transit_domains: u32,
    /// Number of nodes of each transit domain.
    #[serde(default = "four_u32")]
    #[schemars(range(min = 1, max = 1000))]
    pub transit_nodes_per_domain: u32,
    /// Number of stub domains at each transit node.
    #[serde(default = "four_u32")]
    #[schemars(range(min = 1, max = 1000))]
    pub stub_domains_per_transit_node: u32,
    /// Delay of a link between two transit domains.
    #[serde(default = "hundred_milliseconds")]
    pub between_transit_domains: Span,
    /// Delay of a link between two nodes of a transit domain.
    #[serde(default = "twenty_milliseconds")]
    pub within_transit_domain: Span,
    /// Delay of a link between a transit node and a stub domain.
    #[serde(default = "five_milliseconds")]
    pub transit_to_stub: Span,
    /// Delay of a link within a stub domain.
    #[serde(default = "two_milliseconds")]
    pub within_stub_domain: Span,
}

/// Delay as measured.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MatrixLatency {
    /// The file, by its path from the scenario's folder: a square of numbers, a row a line, with
    /// white space or commas between them. Empty lines and those that begin with `#` do not
    /// count. Each server is drawn a row, and none gets one again before all are taken; two
    /// servers in one row are as far apart as the diagonal says.
    pub file: String,
    /// The unit of the round-trip times.
    #[serde(default)]
    pub unit: TimeUnit,
    /// What to do about entries that are missing: nothing between two tabs or commas, `-`,
    /// `-1`, `nan`.
    #[serde(default)]
    pub missing: MissingEntries,
}

/// The unit of the numbers in a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub enum TimeUnit {
    /// Milliseconds.
    #[default]
    #[serde(rename = "ms")]
    Milliseconds,
    /// Microseconds.
    #[serde(rename = "us")]
    Microseconds,
}

/// What to do about missing entries of a matrix.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MissingEntries {
    /// Refuse the file.
    #[default]
    Refuse,
    /// Put the median of all entries beside the diagonal there, and zero on the diagonal.
    Median,
}

impl Default for Latency {
    /// 50 ms, the mean packet delay of the `ToN` paper's churn experiments.
    fn default() -> Latency {
        Latency::Constant(Span(Duration::from_millis(50)))
    }
}

fn two_u32() -> u32 {
    2
}

fn four_u32() -> u32 {
    4
}

fn two_minutes() -> Span {
    Span(Duration::from_secs(120))
}

fn hundred_milliseconds() -> Span {
    Span(Duration::from_millis(100))
}

fn twenty_milliseconds() -> Span {
    Span(Duration::from_millis(20))
}

fn five_milliseconds() -> Span {
    Span(Duration::from_millis(5))
}

fn two_milliseconds() -> Span {
    Span(Duration::from_millis(2))
}
