//! Reports. A stand-in: the interface that `cli` is written against.

#![allow(missing_docs, clippy::missing_errors_doc)]

use std::path::{Path, PathBuf};

use crate::measure::summary::Outcome;
use crate::scenario::format::Plot;

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct WriteError(pub String);

pub fn write(
    root: &Path,
    outcome: &Outcome,
    _: &[Plot],
    _png: bool,
) -> Result<PathBuf, WriteError> {
    Ok(root.join(&outcome.summary.scenario))
}
