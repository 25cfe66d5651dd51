//! dhtsim

pub mod cli;
pub mod experiment;
pub mod id;
pub mod math;
pub mod measure;
pub mod network;
pub mod oracle;
pub mod overlay;
pub mod population;
pub mod report;
pub mod scenario;
pub mod sim;
pub mod workload;
