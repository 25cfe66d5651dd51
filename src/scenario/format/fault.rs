//! What breaks, when, and for how long.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::units::Span;

/// Something that breaks: exactly one of `crash`, `restart`, `freeze`, `partition` and
/// `loss`. Faults may overlap. Those of the same time strike in the order of the file, after
/// those that end at that time.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// When.
    pub at: Span,
    /// When it is over. `restart` and `freeze` need it; a `partition` or a `loss` without it
    /// lasts to the end of the run; a `crash` is for ever and has none.
    #[serde(default)]
    pub until: Option<Span>,
    /// These servers crash: they say nothing more, and their state is lost.
    #[serde(default)]
    pub crash: Option<Whom>,
    /// These servers crash, and start again at `until`: with the same addresses but without
    /// their old state, by joining through a node that is up. If nobody is up, the first of
    /// them begins a new system.
    #[serde(default)]
    pub restart: Option<Whom>,
    /// These servers handle nothing until `until`: what is sent to them is lost, their timers
    /// stand still. Then they go on with their old state, beginning with the timers and
    /// time-outs that have run out meanwhile. To the oracle they are not up as long.
    #[serde(default)]
    pub freeze: Option<Whom>,
    /// The servers fall into groups between which no message gets through.
    #[serde(default)]
    pub partition: Option<Partition>,
    /// Messages are lost with this probability, in addition to `network.loss` and to any other
    /// such fault: a message arrives if none of them loses it.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub loss: Option<f64>,
}

/// Groups of servers between which no message gets through.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    /// The groups, chosen one after the other from the servers that are in none yet. All that
    /// are chosen for none, and servers that come later, are one more group.
    pub groups: Vec<Whom>,
}

/// Which servers, of those that are running. Frozen ones are running too.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Whom {
    /// Those with these numbers, in the order in which they were drawn, from zero.
    Nodes(Vec<u32>),
    /// As many as this of those that have handled most messages so far.
    Busiest(u32),
    /// As many as this, drawn by lot.
    Random(u32),
    /// This share of them, rounded to the nearest number, drawn by lot.
    Fraction(f64),
    /// Each with this probability, whatever happens to the others.
    Probability(f64),
    /// All servers with a node on an arc of the ring.
    Arc(Arc),
    /// All servers whose ip begins with these bits, such as `"64.0.0.0/2"`. Addresses are
    /// drawn from all public ones.
    AddressPrefix(String),
    /// All of them.
    All,
}

/// An arc of the ring.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arc {
    /// The identifier where it begins, in hexadecimal; it is on the arc. Without it the arc
    /// begins at a point drawn by lot.
    #[serde(default)]
    pub from: Option<String>,
    /// The share of the ring that it covers, clockwise.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub share: f64,
}
