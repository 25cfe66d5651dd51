//! Single files, written whole or not at all.

use std::fs;
use std::io;
use std::path::Path;

use super::Failure;

/// Writes a file, in the place of an old one if there is one. Its folder is made.
pub(super) fn save(file: &Path, text: &[u8]) -> Result<(), Failure> {
    replace(file, text).map_err(|error| not_written(file, &error))
}

/// Writes a file that must not be there yet.
pub(super) fn save_new(file: &Path, text: &[u8]) -> Result<(), Failure> {
    // Makes the name this one's, whoever else would have it at the same moment.
    match fs::File::create_new(file) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let mend = "give the name of a new file, or move this one away";
            return Err(Failure::BadInput(format!("{}: is there already; {mend}", file.display())));
        }
        Err(error) => return Err(not_written(file, &error)),
    }
    replace(file, text).map_err(|error| {
        // It is empty, and better not there.
        drop(fs::remove_file(file));
        not_written(file, &error)
    })
}

fn replace(file: &Path, text: &[u8]) -> io::Result<()> {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder)?;
    // In a folder of its own rather than a temporary file, which only its owner may read.
    let hidden = tempfile::Builder::new().prefix(".dhtsim-").tempdir_in(folder)?;
    let new = hidden.path().join("new");
    fs::write(&new, text)?;
    fs::rename(new, file)
}

/// Not the error itself: it may name a random folder, not the one to mend.
fn not_written(file: &Path, error: &io::Error) -> Failure {
    let (file, why) = (file.display(), error.kind());
    Failure::NotWritten(format!("{file}: cannot be written: {why}; choose another folder"))
}
