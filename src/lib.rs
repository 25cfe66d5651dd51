//! dhtsim

pub mod cli;
pub mod experiment;
pub mod id;
pub mod math;
pub mod measure;
pub mod report;
pub mod scenario;
pub mod sim;
