//! What is drawn.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::units::Span;
use super::{Condition, one_f64};

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
    /// What each point of the sweep costs against what it performs, with the hull of the
    /// points that none beats (Li et al., INFOCOM 2005).
    CostPerformance(CostPerformancePlot),
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

/// What each point of the sweep costs against what it performs: one mark a point, and the
/// lower left hull of the points that none beats. The points are written to a CSV table of
/// the plot's name, too.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CostPerformancePlot {
    /// Name of the metric of cost, on the horizontal axis.
    #[serde(default = "bytes_rate")]
    pub cost: String,
    /// Name of the metric of performance, on the vertical axis; less of it is better.
    #[serde(default = "mean_latency")]
    pub performance: String,
    /// The swept parameter by whose values points have colours, and hulls of their own; by
    /// default the systems where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Title; by default what the metrics are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Scale of both axes; by default for each the one that shows the values best.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<Scale>,
    /// Only points at which these parameters satisfy their condition.
    #[serde(rename = "where", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub condition: BTreeMap<String, Condition>,
    /// Name of the plot's file, and of the table's, without its ending: letters, digits, `-`
    /// and `_`.
    #[serde(default = "cost_performance")]
    pub file: String,
}

fn bytes_rate() -> String {
    "total.bytes_rate".to_owned()
}

fn mean_latency() -> String {
    "latency_ms.mean".to_owned()
}

fn cost_performance() -> String {
    "cost_performance".to_owned()
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
