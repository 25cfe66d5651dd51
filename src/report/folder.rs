//! Puts a whole folder in the place of another, so that a reader finds the old
//! one or the new one but never a mixture.

use std::fmt::Display;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::SUMMARY;

/// Why results could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A file or folder could not be written.
    #[error(
        "{path}: cannot write the results: {reason}; free it or choose another folder with --out"
    )]
    CannotWrite {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The page to look at could not be made.
    #[error(
        "{path}: cannot write the report: {reason}; make that folder writable and run \
         `dhtsim report` on it"
    )]
    NoPage {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Something that is no folder of results stands where they should go. It is
    /// left alone: results replace the whole folder.
    #[error(
        "{path}: holds something else than results and is not replaced; \
         move it away or choose another folder with --out"
    )]
    InTheWay {
        /// What stands there.
        path: PathBuf,
    },
}

impl WriteError {
    pub(super) fn cannot_write(path: &Path, reason: &dyn Display) -> WriteError {
        WriteError::CannotWrite { path: path.to_owned(), reason: reason.to_string() }
    }
}

/// Checks that the results of a scenario could be written, to say so before a
/// long simulation and not after it. Leaves nothing behind.
///
/// # Errors
///
/// As [`write`](super::write) would fail.
pub fn ensure_writable(out_root: &Path, scenario: &str) -> Result<(), WriteError> {
    refuse_to_replace_anything_else(&out_root.join(scenario))?;
    // The root may be yet to be made: then the first folder above it that is there
    // must take a new one.
    let mut nearest = out_root;
    while !nearest.exists() {
        nearest = match nearest.parent() {
            Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
            Some(parent) => parent,
            None => break,
        };
    }
    hidden_folder(nearest, scenario).map(drop)
}

/// Lets `fill` fill a new folder, then puts it at `<out_root>/<name>` in the place
/// of the one that is there, and returns it.
pub(super) fn replace(
    out_root: &Path,
    name: &str,
    fill: impl FnOnce(&Path) -> Result<(), WriteError>,
) -> Result<PathBuf, WriteError> {
    let target = out_root.join(name);
    refuse_to_replace_anything_else(&target)?;
    let on = |path: &Path| {
        let path = path.to_owned();
        move |reason: std::io::Error| WriteError::cannot_write(&path, &reason)
    };
    fs::create_dir_all(out_root).map_err(on(out_root))?;

    // On the same file system as the target, so that renaming is one step. It is
    // removed, with what is in it, however this function ends.
    let hidden = hidden_folder(out_root, name)?;
    // Inside it, because the hidden folder itself is for its owner's eyes only.
    let new = hidden.path().join("new");
    fs::create_dir(&new).map_err(on(&new))?;
    fill(&new)?;

    // Another run may put its results there between the two renamings: then these
    // replace those, and the last one stays.
    for attempt in 0..ATTEMPTS {
        let old = hidden.path().join(format!("old-{attempt}"));
        let replaces = match fs::rename(&target, &old) {
            Ok(()) => true,
            Err(reason) if reason.kind() == ErrorKind::NotFound => false,
            Err(reason) => return Err(WriteError::cannot_write(&target, &reason)),
        };
        let Err(reason) = fs::rename(&new, &target) else {
            // The new results stand; that the old ones could not be removed would show as a
            // hidden folder left behind.
            drop(hidden);
            return Ok(target);
        };
        let taken =
            matches!(reason.kind(), ErrorKind::AlreadyExists | ErrorKind::DirectoryNotEmpty);
        if taken && attempt + 1 < ATTEMPTS {
            continue;
        }
        if replaces && fs::rename(&old, &target).is_err() {
            // Better an untidy folder than lost results.
            let kept = hidden.keep();
            let reason = format!("{reason} (the old results are in {})", kept.display());
            return Err(WriteError::cannot_write(&target, &reason));
        }
        return Err(WriteError::cannot_write(&target, &reason));
    }
    unreachable!("the last attempt returns")
}

/// How often other runs may come first.
const ATTEMPTS: usize = 100;

fn hidden_folder(parent: &Path, name: &str) -> Result<tempfile::TempDir, WriteError> {
    tempfile::Builder::new().prefix(&format!(".{name}-")).tempdir_in(parent).map_err(|error| {
        // Not the error itself: it names the random folder, not the one to mend.
        WriteError::cannot_write(parent, &error.kind())
    })
}

/// Replacing a folder deletes what was in it. So it must be empty or hold results:
/// `--out .` with a scenario named `src` must not cost anybody their sources.
fn refuse_to_replace_anything_else(target: &Path) -> Result<(), WriteError> {
    // Others may be putting their results there: then it is looked again.
    for _ in 0..ATTEMPTS {
        if fs::symlink_metadata(target).is_err() || target.join(SUMMARY).is_file() {
            return Ok(());
        }
        if fs::read_dir(target).is_ok_and(|mut entries| entries.next().is_none()) {
            return Ok(());
        }
    }
    Err(WriteError::InTheWay { path: target.to_owned() })
}
