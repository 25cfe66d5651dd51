//! dhtsim

pub mod experiment;
pub mod id;
pub mod math;
pub mod measure;
pub mod scenario;
pub mod sim;
