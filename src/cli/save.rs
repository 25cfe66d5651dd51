//! Single files, written whole or not at all.

use std::fs;
use std::io;
use std::path::Path;

use super::Failure;
use crate::whole_file::write_whole;

/// Writes a file, in the place of an old one if there is one. Its folder is made.
pub(super) fn save(file: &Path, text: &[u8]) -> Result<(), Failure> {
    write_whole(file, text).map_err(|error| not_written(file, &error))
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
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let folder = file.parent().unwrap_or(file).display();
            let problem = format!("there is no folder {folder}; make it, or choose another one");
            return Err(Failure::NotWritten(format!("{}: {problem}", file.display())));
        }
        Err(error) => return Err(not_written(file, &error)),
    }
    write_whole(file, text).map_err(|error| {
        // It is empty, and better not there.
        drop(fs::remove_file(file));
        not_written(file, &error)
    })
}

/// Not the error itself: it may name a random folder, not the one to mend.
pub(super) fn not_written(file: &Path, error: &io::Error) -> Failure {
    let (file, why) = (file.display(), error.kind());
    Failure::NotWritten(format!("{file}: cannot be written: {why}; choose another folder"))
}
