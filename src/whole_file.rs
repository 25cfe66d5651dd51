//! A file that is written whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// Writes a file, in the place of an old one if there is one. Its folder is made. The error
/// names no path: the caller knows the one to mend.
pub(crate) fn write_whole(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut whole = WholeFile::create(file)?;
    whole.write_all(bytes)?;
    whole.finish()
}

/// A file that is being written, and takes its place when it is [finished](WholeFile::finish).
/// A pipe or a device is written to as it stands.
#[derive(Debug)]
pub(crate) struct WholeFile {
    file: PathBuf,
    new: File,
    /// Where the new file lies until then, which goes with this.
    hidden: Option<TempDir>,
}

impl WholeFile {
    /// Begins a file. Its folder is made.
    pub(crate) fn create(file: &Path) -> io::Result<WholeFile> {
        let is_special = fs::metadata(file).is_ok_and(|there| !there.is_file() && !there.is_dir());
        if is_special {
            let new = File::options().write(true).open(file)?;
            return Ok(WholeFile { file: file.to_owned(), new, hidden: None });
        }
        let folder = match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        fs::create_dir_all(folder)?;
        // In a folder of its own rather than a temporary file, which only its owner may read.
        let hidden = tempfile::Builder::new().prefix(".dhtsim-").tempdir_in(folder);
        // Not the error itself, which names the random folder.
        let hidden = hidden.map_err(|error| io::Error::from(error.kind()))?;
        let new = File::create(hidden.path().join(NEW))?;
        Ok(WholeFile { file: file.to_owned(), new, hidden: Some(hidden) })
    }

    /// Puts it into its place.
    pub(crate) fn finish(self) -> io::Result<()> {
        match self.hidden {
            Some(hidden) => fs::rename(hidden.path().join(NEW), &self.file),
            None => Ok(()),
        }
    }
}

/// The name of a file that is not in its place yet.
const NEW: &str = "new";

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.new.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.new.flush()
    }
}
