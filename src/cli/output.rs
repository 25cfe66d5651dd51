//! Standard output and standard error.

use std::io::{self, BufWriter, ErrorKind, Stdout, Write};

/// Standard output that takes a reader who has seen enough (`dhtsim … | head`) for
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
    fn new(to: W) -> Output<W> {
        Output { to, closed: false }
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
}
