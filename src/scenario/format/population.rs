//! The servers, and when they come and go.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::units::Span;
use super::{Arrivals, one_second, one_u32};

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
