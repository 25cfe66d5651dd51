//! A file that is written whole or not at all.

use std::fs;
use std::io;
use std::path::Path;

/// Writes a file, in the place of an old one if there is one. Its folder is made. The error
/// names no path: the caller knows the one to mend.
pub(crate) fn write_whole(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder)?;
    // In a folder of its own rather than a temporary file, which only its owner may read.
    let hidden = tempfile::Builder::new().prefix(".dhtsim-").tempdir_in(folder);
    // Not the error itself, which names the random folder.
    let hidden = hidden.map_err(|error| io::Error::from(error.kind()))?;
    let new = hidden.path().join("new");
    fs::write(&new, bytes)?;
    fs::rename(new, file)
}
