//! The scenario file as it is written: what users live with.
//!
//! What concerns a part of the file is in the file of that name in this folder.
//!
//! Every type here is the shape of a piece of JSON and no more: unknown fields
//! are refused, defaults stand beside their fields, and the documentation
//! comments are the descriptions of the JSON Schema (`dhtsim schema`), so that
//! editors show them. Whether the values make sense together is for
//! `check` to say.
//!
//! A choice between things with parameters of their own is an object with one
//! key that names the choice: `{"uniform": {"from": "10ms", "to": "90ms"}}`.

mod claim;
mod fault;
mod network;
mod overlay;
mod plot;
mod population;
mod sweep;
mod workload;

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;

use super::units::Span;

pub use claim::*;
pub use fault::*;
pub use network::*;
pub use overlay::*;
pub use plot::*;
pub use population::*;
pub use sweep::*;
pub use workload::*;

/// A dhtsim scenario: what is simulated, how often, and what must come out.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Where the JSON Schema of this file stands; read by editors only.
    #[serde(rename = "$schema", default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// A scenario that this one extends, by its path from this file's folder. What stands here
    /// replaces what stands there, in objects field by field; `null` takes a field out; another
    /// choice, such as another latency, replaces the whole. Files that it names may be in its
    /// folder. A scenario that extends another needs a `name` of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extends: Option<String>,
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
    /// What is left out of the results at the beginning, and what is sampled over time.
    #[serde(default)]
    pub measure: Option<Measure>,
    /// How long to simulate. Without it the run ends when nothing is left to do,
    /// which asks for an overlay without periodic maintenance.
    #[serde(default)]
    pub duration: Option<Span>,
    /// How often to repeat every point, each time with other nodes, keys and
    /// delays: a number, or until a metric is known well enough. Adding repeats does not
    /// change the earlier ones.
    #[serde(default)]
    pub repeat: Repeat,
    /// Parameters to vary, by their path in this file: `{"population.nodes": [8, 16]}`.
    /// Several make a grid, the last one varying fastest. An axis of `variants` or `zip` has a
    /// label instead of a path, such as `system`.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Axis>")]
    pub sweep: serde_json::Map<String, Value>,
    /// Points of the sweep that are left out: those at which the swept parameters satisfy all
    /// conditions of one of these. A condition is a value, a list of values, or
    /// `{"at_least": …, "at_most": …}`, where a limit may be another swept parameter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<BTreeMap<String, PointCondition>>,
    /// Whether the command line has changed which points there are: claims, plots and published
    /// numbers may be about points that are no longer there. It stands in scenarios that are
    /// kept with their results.
    #[serde(default, skip_serializing_if = "is_false")]
    pub narrowed: bool,
    /// What to draw.
    #[serde(default)]
    pub plots: Vec<Plot>,
    /// Claims over the results; each is printed as held or broken.
    #[serde(default)]
    pub expect: Vec<Claim>,
    /// Published numbers to set beside the results.
    #[serde(default)]
    pub published: Vec<Published>,
    /// The texts of files that the scenario names, by the names that it gives them: what
    /// stands here is not sought on the disk. A scenario that is kept with its results
    /// carries its files so.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
}

/// How often a point is repeated: a number, or until a metric is known well enough.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Repeat {
    /// So often.
    Count(#[schemars(range(min = 1))] u32),
    /// Until a metric is known well enough.
    Until(Precision),
}

impl Repeat {
    /// The most repeats of a point.
    pub fn most(&self) -> u32 {
        match self {
            Repeat::Count(count) => *count,
            Repeat::Until(precision) => precision.at_most,
        }
    }
}

impl Default for Repeat {
    fn default() -> Repeat {
        Repeat::Count(1)
    }
}

// By hand: serde's words for an untagged choice do not say what is wrong in it.
impl<'de> Deserialize<'de> for Repeat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Repeat, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Repeat;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a number of repeats, or {\"metric\": …, \"within\": …, \"at_most\": …}",
                )
            }

            fn visit_u64<E: de::Error>(self, count: u64) -> Result<Repeat, E> {
                let count = u32::try_from(count);
                count.map(Repeat::Count).map_err(|_| E::custom("more repeats than 4294967295"))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Repeat, A::Error> {
                let deserializer = de::value::MapAccessDeserializer::new(map);
                Precision::deserialize(deserializer).map(Repeat::Until)
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

/// When a metric is known well enough: its 95 % confidence interval over the repeats is looked
/// at after `at_least` of them, and then whenever there are a quarter more.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Precision {
    /// The metric, such as `hops.mean`.
    pub metric: String,
    /// Half the width of its interval, as a share of its mean, must not be larger: 0.01 is 1 %.
    pub within: f64,
    /// There are so many repeats in any case.
    #[serde(default = "five")]
    #[schemars(range(min = 2))]
    pub at_least: u32,
    /// There are never more.
    #[schemars(range(min = 2))]
    pub at_most: u32,
}

fn five() -> u32 {
    5
}

/// When is measured, and what besides the end.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// Time at the beginning that is left out of all results: lookups, puts, gets, downloads
    /// and joins that begin before its end, messages and bytes sent and node-seconds before it
    /// are not counted. Samples, the number of events and their digest, and what is said of
    /// the time after a fault are of the whole run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_up: Option<Span>,
    /// Time from one sample over time to the next; without it none are taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Span>,
}

fn one_u32() -> u32 {
    1
}

fn one_u64() -> u64 {
    1
}

fn one_f64() -> f64 {
    1.0
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands it a reference")]
fn is_false(value: &bool) -> bool {
    !value
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

fn default_request_timeout() -> Span {
    Span(crate::sim::Duration::from_millis(500))
}
