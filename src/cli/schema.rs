//! `dhtsim schema`: the JSON Schema of scenario files.

use std::io::Write;

use crate::scenario;

use super::{Ending, Failure};

pub(super) fn run(out: &mut dyn Write) -> Result<Ending, Failure> {
    writeln!(out, "{:#}", scenario::schema())?;
    Ok(Ending::Good)
}
