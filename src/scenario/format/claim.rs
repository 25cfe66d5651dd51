//! What must come out: claims, and published numbers.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::one_f64;

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
