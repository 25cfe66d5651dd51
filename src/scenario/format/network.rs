//! What lies between the nodes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::units::Span;

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

impl Default for Latency {
    /// 50 ms, the mean packet delay of the `ToN` paper's churn experiments.
    fn default() -> Latency {
        Latency::Constant(Span(crate::sim::Duration::from_millis(50)))
    }
}

fn two_u32() -> u32 {
    2
}
