//! Standard output and standard error.

use std::io::{self, BufWriter, ErrorKind, Stdout, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};

/// Standard output, or a pipe, that takes a reader who has seen enough (`dhtsim … | head`) for
/// no error: what is written after that goes nowhere.
pub(super) struct Output<W: Write = BufWriter<Stdout>> {
    to: W,
    closed: bool,
}

impl Output {
    /// The standard output of the process, buffered.
    pub(super) fn stdout() -> Output {
        Output::new(BufWriter::new(io::stdout()))
    }
}

impl<W: Write> Output<W> {
    pub(super) fn new(to: W) -> Output<W> {
        Output { to, closed: false }
    }

    /// What it writes to.
    pub(super) fn into_inner(self) -> W {
        self.to
    }

    fn unless_closed<T>(
        &mut self,
        otherwise: T,
        write: impl FnOnce(&mut W) -> io::Result<T>,
    ) -> io::Result<T> {
        if self.closed {
            return Ok(otherwise);
        }
        match write(&mut self.to) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(otherwise)
            }
            result => result,
        }
    }
}

impl<W: Write> Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.unless_closed(bytes.len(), |to| to.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.unless_closed((), Write::flush)
    }
}

/// Says something to the person at the terminal. A standard error that cannot be
/// written leaves nobody to tell.
pub(super) fn say(text: &str) {
    drop(writeln!(io::stderr(), "{text}"));
}

/// What a word says, for those who see colours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Paint {
    /// All is well.
    Good,
    /// Something is not as it should be.
    Bad,
    /// Nothing to look at.
    Dim,
}

/// A word in its colour where standard output shows colours: on a terminal, unless `NO_COLOR`
/// is set; elsewhere with `CLICOLOR_FORCE`. The word alone says everything.
pub(super) fn paint(word: &str, paint: Paint) -> String {
    painted(word, paint, AutoStream::choice(&io::stdout()) != ColorChoice::Never)
}

fn painted(word: &str, paint: Paint, in_colour: bool) -> String {
    if !in_colour {
        return word.to_owned();
    }
    let style = match paint {
        Paint::Good => AnsiColor::Green.on_default(),
        Paint::Bad => AnsiColor::Red.on_default().bold(),
        Paint::Dim => Style::new().dimmed(),
    };
    format!("{style}{word}{style:#}")
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Failing(ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    #[test]
    fn a_broken_pipe_is_no_error_but_a_full_disk_is() {
        let mut out = Output::new(Failing(ErrorKind::BrokenPipe));
        out.write_all(b"more than anybody reads").unwrap();
        out.flush().unwrap();
        assert!(Output::new(Failing(ErrorKind::StorageFull)).write_all(b"x").is_err());
    }
    #[test]
    fn colours_leave_the_word() {
        for paint in [Paint::Good, Paint::Bad, Paint::Dim] {
            let word = painted("held", paint, true);
            assert!(word.starts_with("\u{1b}[") && word.ends_with("\u{1b}[0m"), "{word:?}");
            assert!(word.contains("held"), "{word:?}");
            assert_eq!(painted("held", paint, false), "held");
        }
    }
}
