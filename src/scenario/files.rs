//! Files that a scenario names: measured latencies, traces of churn.
//!
//! A relative path starts in the folder of the scenario file, so that a folder with both
//! can be moved, or in that of a file which it extends; a scenario may also carry the texts of
//! its files with it. Every file is read once, however many points of a sweep name it.

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha1::{Digest, Sha1};

use super::error::Fault;

/// The files beside a scenario.
#[derive(Debug)]
pub(super) struct Files {
    /// The folder of the scenario, then those of what it extends.
    folders: Vec<PathBuf>,
    /// Those that are known already, by the names that the scenario gives them.
    texts: RefCell<BTreeMap<String, Arc<str>>>,
    /// What has been made of them, and how.
    made: RefCell<BTreeMap<(String, String), Arc<dyn Any + Send + Sync>>>,
}

impl Files {
    /// Those beside a scenario file of this name.
    pub(super) fn beside(scenario: &str) -> Files {
        let folders = vec![folder_of(scenario)];
        Files { folders, texts: RefCell::default(), made: RefCell::default() }
    }

    /// The same with those beside other scenarios, which this one extends.
    pub(super) fn and_beside<'s>(mut self, bases: impl Iterator<Item = &'s str>) -> Files {
        for folder in bases.map(folder_of) {
            if !self.folders.contains(&folder) {
                self.folders.push(folder);
            }
        }
        self
    }

    /// The same where the scenario carries some of them with it.
    pub(super) fn with(self, carried: &BTreeMap<String, String>) -> Files {
        let texts = carried.iter().map(|(name, text)| (name.clone(), text.as_str().into()));
        Files { texts: RefCell::new(texts.collect()), ..self }
    }

    /// A digest of all that have been read or were carried.
    pub(super) fn digest(&self) -> [u8; 20] {
        let mut digest = Sha1::new();
        for (name, text) in &*self.texts.borrow() {
            digest.update(format!("{name} {}\n{text}", text.len()));
        }
        digest.finalize().into()
    }

    /// All that have been read or were carried.
    pub(super) fn into_texts(self) -> BTreeMap<String, Arc<str>> {
        self.texts.into_inner()
    }

    /// The text of a file that the field at `place` names.
    pub(super) fn text(&self, place: &str, name: &str) -> Result<Arc<str>, Fault> {
        if let Some(text) = self.texts.borrow().get(name) {
            return Ok(Arc::clone(text));
        }
        let text = self.sought(name).map_err(|(problem, mend)| Fault::new(place, problem, mend))?;
        let text: Arc<str> = text.into();
        self.texts.borrow_mut().insert(name.to_owned(), Arc::clone(&text));
        Ok(text)
    }

    /// The text of a file in one of the folders. If there are several that differ, nobody can
    /// say which of them is meant. What is wrong comes with its mend.
    fn sought(&self, name: &str) -> Result<String, (String, &'static str)> {
        let mut found: Option<(PathBuf, String)> = None;
        let mut missing = None;
        for path in self.folders.iter().map(|folder| folder.join(name)) {
            let text = match regular_file(&path) {
                Ok(text) => text,
                Err(error) => {
                    missing.get_or_insert((path, error));
                    continue;
                }
            };
            let text = String::from_utf8(text).map_err(|_| {
                (format!("{} is not UTF-8 text", path.display()), "give a text file")
            })?;
            match &found {
                None => found = Some((path, text)),
                Some((other, known)) if *known != text => {
                    let (one, other) = (other.display(), path.display());
                    return Err((
                        format!("may be {one} or {other}, which differ"),
                        "give one of them another name",
                    ));
                }
                Some(_) => {}
            }
        }
        match (found, missing) {
            (Some((_, text)), _) => Ok(text),
            (None, Some((path, error))) => Err((
                format!("{} cannot be read: {error}", path.display()),
                "give a path that starts in the scenario's folder",
            )),
            (None, None) => Err(("has no folder to be in".to_owned(), "")),
        }
    }

    /// What `make` makes of the text of a file that the field at `place` names. It is made
    /// once for everybody who says the same about `how`.
    pub(super) fn read_as<T: Any + Send + Sync>(
        &self,
        place: &str,
        name: &str,
        how: &str,
        make: impl FnOnce(&str) -> Result<T, Fault>,
    ) -> Result<Arc<T>, Fault> {
        let key = (name.to_owned(), how.to_owned());
        let known = self.made.borrow().get(&key).cloned();
        if let Some(known) = known.and_then(|known| known.downcast().ok()) {
            return Ok(known);
        }
        let new = Arc::new(make(&self.text(place, name)?)?);
        self.made.borrow_mut().insert(key, Arc::clone(&new) as Arc<dyn Any + Send + Sync>);
        Ok(new)
    }
}

/// The folder in which a file is.
fn folder_of(file: &str) -> PathBuf {
    Path::new(file).parent().unwrap_or(Path::new("")).to_owned()
}

/// What is in a file, if it is one: a device or a pipe may never come to its end.
pub(super) fn regular_file(path: &Path) -> io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file"));
    }
    std::fs::read(path)
}
