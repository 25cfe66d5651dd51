//! What nodes are asked to do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::units::Span;
use super::{default_request_timeout, one_second, one_u32, yes};

/// What the nodes are asked to do.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// Lookups of keys: of such as are drawn uniformly from the ring, unless `keys` says otherwise.
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
    /// Which keys lookups ask for; `uniform` unless given. (Puts and gets ask for the keys that
    /// are stored.)
    #[serde(default)]
    pub keys: Option<LookupKeys>,
}

/// Which keys lookups ask for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LookupKeys {
    /// Keys drawn uniformly from the ring.
    #[default]
    Uniform,
    /// The identifier of a finger of the asking node, drawn uniformly from all fingers, as
    /// `SimGrid`'s Chord example does. The request is left out, and not counted, where that finger
    /// is not known or is the node itself. Needs an overlay with fingers.
    OwnFingers,
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

impl Default for Workload {
    /// Nothing.
    fn default() -> Workload {
        Workload { lookups: None, keys: 0, key_copies: 1, storage: None, downloads: None }
    }
}

fn kibibyte() -> u32 {
    1024
}
