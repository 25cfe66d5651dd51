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
    /// Servers that come and go all the time, instead of `joins` and `leaves`. Needs a
    /// `duration`.
    #[serde(default)]
    pub churn: Option<Churn>,
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

/// Servers that come and go all the time, whatever the system does: systems under one seed face
/// the same churn.
///
/// `population.nodes` servers are known at the start, each on a machine of its own. Who is up
/// then stands on a converged ring. All others join through a random node that takes part; if
/// that one goes before it has let them in, they are told of another, and who finds nobody
/// founds a new system. A newcomer has an identifier of its own and takes the machine of one
/// that has gone for good, if there is any; so results by server are by machine.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Churn {
    /// How long a server stays each time.
    #[serde(default)]
    pub sessions: Option<Distribution>,
    /// How long it stays away then. Without it nobody comes back by itself.
    #[serde(default)]
    pub downtimes: Option<Distribution>,
    /// How many servers are up at the start; all sessions and downtimes begin then. Without it
    /// churn has been going on for long: with `downtimes` as many as that leaves up, otherwise
    /// all, in the midst of their sessions.
    #[serde(default)]
    pub initial: Option<u32>,
    /// Mean time between newcomers, a Poisson process.
    #[serde(default)]
    pub join_every: Option<Span>,
    /// Mean time between departures, a Poisson process: each time any server that is up goes.
    #[serde(default)]
    pub depart_every: Option<Span>,
    /// Keeps at least so many servers up: when one goes and leaves fewer, another comes at
    /// once: any that is down, or a newcomer when none is.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub target: Option<u32>,
    /// Who comes back from a downtime.
    #[serde(default)]
    pub rejoin: Rejoin,
    /// Probability that one who goes leaves in good order; the others crash.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub graceful: f64,
    /// Lets the rate at which servers come swing, as by the time of day: that of `join_every`
    /// and that of coming back. A downtime then passes as fast as the rate says.
    #[serde(default)]
    pub diurnal: Option<Diurnal>,
    /// Many newcomers within a short time.
    #[serde(default)]
    pub flash_crowds: Vec<FlashCrowd>,
    /// Nobody comes or goes before that; what would end then ends so much later.
    #[serde(default)]
    pub start: Span,
    /// From then on nobody comes or goes any more.
    #[serde(default)]
    pub stop: Option<Span>,
    /// Name of a file that says who comes and goes, instead of all the others, starting in the
    /// folder of the scenario. Each line is `time node join|leave|crash`, in the order of time: a
    /// number of seconds, or a number with a unit such as `1.5h`, from the start of the
    /// simulation; any word for the node; and whether it comes, leaves in good order or
    /// crashes. What follows a `#` is a comment. Nodes that leave or crash before they join are
    /// up from the start. Servers are numbered in the order in which the file names them;
    /// trackers are not in the file and come first.
    #[serde(default)]
    pub trace: Option<String>,
}

/// Who comes back from a downtime.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rejoin {
    /// The same server with the same identifier; it has forgotten everything else.
    #[default]
    SameId,
    /// Another server, at the same place of the network.
    NewId,
}

/// A rate that swings: 1 + amplitude · cos(2π (t − peak) / period) times its mean.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Diurnal {
    /// Time from one peak to the next.
    #[serde(default = "one_day")]
    pub period: Span,
    /// How far the rate swings, as a share of its mean.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub amplitude: f64,
    /// When the rate is highest, counted from the start of the simulation.
    #[serde(default)]
    pub peak: Span,
}

/// Many newcomers within a short time.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FlashCrowd {
    /// When the first may come.
    pub at: Span,
    /// How many come.
    #[schemars(range(min = 1))]
    pub nodes: u32,
    /// All come within this time, at uniformly drawn moments.
    #[serde(default)]
    pub within: Span,
}

/// The distribution of a duration.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Distribution {
    /// Always the same.
    Constant(Span),
    /// Exponential: without memory.
    Exponential(ExponentialTime),
    /// Weibull: with a shape below 1 those that have lasted long last longer still, as was
    /// measured of sessions.
    Weibull(WeibullTime),
    /// Pareto: P(X > x) = (minimum / x)^shape.
    Pareto(ParetoTime),
    /// Log-normal: the logarithm is normally distributed.
    LogNormal(LogNormalTime),
}

/// An exponentially distributed duration, by one of its fields.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExponentialTime {
    /// The mean.
    #[serde(default)]
    pub mean: Option<Span>,
    /// The median: ln 2 times the mean.
    #[serde(default)]
    pub median: Option<Span>,
}

/// A Weibull distributed duration, by its shape and one of the other fields.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WeibullTime {
    /// The shape; 1 is exponential.
    #[schemars(range(min = 0.2, max = 100.0))]
    pub shape: f64,
    /// The mean.
    #[serde(default)]
    pub mean: Option<Span>,
    /// The median.
    #[serde(default)]
    pub median: Option<Span>,
    /// The time that a share 1/e of all exceed.
    #[serde(default)]
    pub scale: Option<Span>,
}

/// A Pareto distributed duration, by its shape and one of the other fields.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ParetoTime {
    /// The shape. The mean is finite above 1, the variance above 2.
    #[schemars(range(min = 0.2, max = 100.0))]
    pub shape: f64,
    /// The mean.
    #[serde(default)]
    pub mean: Option<Span>,
    /// The median.
    #[serde(default)]
    pub median: Option<Span>,
    /// The shortest duration.
    #[serde(default)]
    pub minimum: Option<Span>,
}

/// A log-normally distributed duration, by its deviation and one of the other fields.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogNormalTime {
    /// Standard deviation of the natural logarithm.
    #[schemars(range(min = 0.0, max = 3.0))]
    pub sigma: f64,
    /// The mean.
    #[serde(default)]
    pub mean: Option<Span>,
    /// The median.
    #[serde(default)]
    pub median: Option<Span>,
}

fn one_day() -> Span {
    Span(crate::sim::Duration::from_secs(24 * 3600))
}
