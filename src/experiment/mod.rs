//! Experiments. A stand-in: the interfaces that `cli` is written against.

#![allow(missing_docs, clippy::needless_pass_by_value, clippy::missing_errors_doc)]

pub mod claims;
pub mod published;

use serde::Serialize;

use crate::measure::summary::{Outcome, Summary};
use crate::scenario::{Plan, Setup};
use crate::sim::Time;

pub fn run(plan: &Plan, _jobs: usize, on_run_done: &(dyn Fn(usize, u64) + Sync)) -> Outcome {
    for done in 1..=plan.runs() {
        on_run_done(done, 0);
    }
    let mut summary = Summary {
        scenario: plan.name.clone(),
        description: plan.description.clone(),
        seed: plan.seed,
        sweep: plan.scenario.sweep.keys().cloned().collect(),
        points: Vec::new(),
        fits: Vec::new(),
        expectations: Vec::new(),
        published: Vec::new(),
    };
    summary.expectations = claims::judge(&plan.scenario.expect, &summary);
    summary.expectations.extend(published::judge(&plan.scenario.published, &summary));
    summary.published = published::compare(&plan.scenario.published, &summary);
    Outcome { summary, runs: Vec::new() }
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ViewError(pub String);

#[derive(Clone, Copy, Debug)]
pub enum RouteKey<'a> {
    Name(&'a str),
    Hex(&'a str),
}

#[derive(Debug, Serialize)]
pub struct RingView {
    pub id_bits: u32,
    pub nodes: Vec<RingNodeView>,
}

#[derive(Debug, Serialize)]
pub struct RingNodeView {
    pub index: u32,
    pub address: String,
    pub id: String,
    pub predecessor: Option<String>,
    pub successors: Vec<String>,
    pub fingers: Vec<FingerView>,
}

#[derive(Debug, Serialize)]
pub struct FingerView {
    pub start: String,
    pub node: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct RouteView {
    pub key: String,
    pub from: String,
    pub path: Vec<String>,
    pub owner: String,
    pub hops: u32,
    #[serde(skip)]
    pub steps: Vec<StepView>,
}

#[derive(Debug)]
pub struct StepView {
    pub address: String,
    pub id: String,
    pub remaining_share: f64,
    pub remaining: String,
}

pub fn ring(_: &Setup, _: Option<Time>) -> Result<RingView, ViewError> {
    Err(ViewError("not here yet".to_owned()))
}

pub fn route(_: &Setup, _: &str, _: RouteKey<'_>, _: Option<Time>) -> Result<RouteView, ViewError> {
    Err(ViewError("not here yet".to_owned()))
}
