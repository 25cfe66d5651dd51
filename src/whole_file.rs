//! A file that is written whole or not at all.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

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
    hidden: Option<Hidden>,
}

/// A hidden folder, gone when it is dropped.
#[derive(Debug)]
struct Hidden(TempDir);

/// The hidden folders that are there.
static HIDDEN: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Removes what has been begun and not finished: for a process that ends on the spot.
pub(crate) fn remove_unfinished() {
    for folder in &*HIDDEN.lock().unwrap_or_else(PoisonError::into_inner) {
        drop(fs::remove_dir_all(folder));
    }
}

impl Hidden {
    fn new(folder: &Path) -> io::Result<Hidden> {
        let mut all = HIDDEN.lock().unwrap_or_else(PoisonError::into_inner);
        // In a folder of its own rather than a temporary file, which only its owner may read.
        let hidden = tempfile::Builder::new().prefix(".dhtsim-").tempdir_in(folder);
        // Not the error itself, which names the random folder.
        let hidden = hidden.map_err(|error| io::Error::from(error.kind()))?;
        all.insert(hidden.path().to_owned());
        Ok(Hidden(hidden))
    }

    /// The file in it.
    fn file(&self) -> PathBuf {
        self.0.path().join("new")
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        HIDDEN.lock().unwrap_or_else(PoisonError::into_inner).remove(self.0.path());
    }
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
        let hidden = Hidden::new(folder)?;
        let new = File::create(hidden.file())?;
        Ok(WholeFile { file: file.to_owned(), new, hidden: Some(hidden) })
    }

    /// Puts it into its place.
    pub(crate) fn finish(self) -> io::Result<()> {
        match self.hidden {
            Some(hidden) => fs::rename(hidden.file(), &self.file),
            None => Ok(()),
        }
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.new.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.new.flush()
    }
}
