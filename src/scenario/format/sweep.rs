//! What is varied: the axes of a sweep, and the points of their grid that are left out.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::one_f64;

/// The values of a swept parameter, one of: a list, a range, the powers of two; or
/// variants, each of which sets several parameters together; or several parameters that walk
/// in step.
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
    /// Parameters that walk in step, the first values of all together, then the second ones:
    /// `{"population.nodes": [8, 16], "overlay.chord.successors": [3, 4]}`. In results and
    /// conditions each stands by its path.
    Zip {
        /// For each path as many values as for the others.
        zip: BTreeMap<String, ZippedAxis>,
    },
}

/// The values of one of several parameters that walk in step.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum ZippedAxis {
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

/// What a swept parameter must be for a point to be left out.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum PointCondition {
    // Before `Limits`, which serde would read from a list as well.
    /// One of these values.
    OneOf(Vec<Value>),
    /// A number within limits.
    Limits(PointLimits),
    /// This value.
    Is(Value),
}

/// A number within limits, each of which may be left out.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PointLimits {
    /// Not below this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<PointLimit>,
    /// Not above this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<PointLimit>,
}

/// A limit of a swept parameter: a number, or a straight line over another one.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum PointLimit {
    /// A number.
    Number(f64),
    /// `times` · parameter + `plus`.
    Linear(ParameterLine),
}

/// `times` · parameter + `plus`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ParameterLine {
    /// The path of a swept parameter, such as `population.nodes`.
    pub parameter: String,
    /// The slope.
    #[serde(default = "one_f64")]
    pub times: f64,
    /// The intercept.
    #[serde(default)]
    pub plus: f64,
}
