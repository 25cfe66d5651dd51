//! What is wrong with a scenario, where, and the mend: always one line.

use std::fmt;

/// Longer quotations from a file are cut, so that an error stays readable.
const LONGEST_PART: usize = 300;

/// What is wrong with a scenario file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Error {
    /// Name of the file.
    pub file: String,
    /// The place in it: the path of a field, a line and column, or nothing when it
    /// is about the file as a whole.
    pub place: String,
    /// What is wrong there.
    pub problem: String,
    /// What to write instead; empty when the problem says it all.
    pub mend: String,
}

impl Error {
    pub(super) fn new(file: &str, fault: &Fault) -> Error {
        Error {
            file: one_line(file),
            place: one_line(&fault.place),
            problem: one_line(&fault.problem),
            mend: one_line(&fault.mend),
        }
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Error { file, place, problem, mend } = self;
        write!(f, "{file}: ")?;
        if !place.is_empty() {
            write!(f, "{place}: ")?;
        }
        write!(f, "{problem}")?;
        if !mend.is_empty() {
            write!(f, "; {mend}")?;
        }
        Ok(())
    }
}

/// An [`Error`] before somebody who knows the name of the file adds it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Fault {
    pub(super) place: String,
    pub(super) problem: String,
    pub(super) mend: String,
}

impl Fault {
    pub(super) fn new(
        place: impl Into<String>,
        problem: impl Into<String>,
        mend: impl Into<String>,
    ) -> Fault {
        Fault { place: place.into(), problem: problem.into(), mend: mend.into() }
    }
}

/// Text from a file may hold anything: line breaks and control characters are
/// shown escaped, and what is long is cut.
fn one_line(text: &str) -> String {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let mut line = String::new();
    for (position, c) in text.chars().enumerate() {
        if position == LONGEST_PART {
            line.push('…');
            break;
        }
        if breaks(c) {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_whatever_it_quotes() {
        let error = Error::new("x.json", &Fault::new("a", "line\nbreak\u{2028}", "z".repeat(999)));
        let text = error.to_string();
        assert_eq!(text.lines().count(), 1);
        assert!(text.starts_with("x.json: a: line\\nbreak\\u{2028}; zzz"));
        assert!(text.ends_with('…') && text.chars().count() < 400);
    }

    #[test]
    fn empty_parts_leave_no_punctuation() {
        let error = Error::new("x.json", &Fault::new("", "is not a file", ""));
        assert_eq!(error.to_string(), "x.json: is not a file");
    }
}
