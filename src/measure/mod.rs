//! What is measured, and how it is summed up.
//!
//! A [`Recorder`] watches one simulation and fills a [`Tally`]; the tallies of a
//! point's repeats become a [`summary::Point`], plain data that everything that
//! shows results reads.
//!
//! Must not know: overlays, scenario files, plots, threads.

mod accounts;
mod comparison;
mod histogram;
mod hull;
mod in_step;
pub mod metrics;
mod recorder;
mod statistics;
mod storage;
pub mod summary;
mod tally;
mod window;

pub use comparison::{Difference, SIGNIFICANT, Test};
pub use histogram::LatencyHistogram;
pub use hull::lower_hull;
pub use in_step::in_step;
pub use recorder::{Recorder, Trace};
pub use statistics::{confidence_95, fit_line, gini, mean, percentile};
pub use storage::Ledger;
pub use tally::{BeforeFault, Sample, Tally, summarize};
