//! Files that a scenario names: measured latencies, traces of churn.
//!
//! A relative path starts in the folder of the scenario file, so that a folder with both
//! can be moved; a scenario may also carry the texts of its files with it. Every file is read
//! once, however many points of a sweep name it.

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha1::{Digest, Sha1};

use super::error::Fault;

/// The files beside a scenario.
#[derive(Debug)]
pub(super) struct Files {
    folder: PathBuf,
    /// Those that are known already, by the names that the scenario gives them.
    texts: RefCell<BTreeMap<String, Arc<str>>>,
    /// What has been made of them, and how.
    made: RefCell<BTreeMap<(String, String), Arc<dyn Any + Send + Sync>>>,
}

impl Files {
    /// Those beside a scenario file of this name.
    pub(super) fn beside(scenario: &str) -> Files {
        let folder = Path::new(scenario).parent().unwrap_or(Path::new(""));
        Files { folder: folder.to_owned(), texts: RefCell::default(), made: RefCell::default() }
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
        let path = self.folder.join(name);
        let read = std::fs::read(&path).map_err(|error| {
            let problem = format!("{} cannot be read: {error}", path.display());
            Fault::new(place, problem, "give a path that starts in the scenario's folder")
        })?;
        let text = String::from_utf8(read).map_err(|_| {
            let problem = format!("{} is not UTF-8 text", path.display());
            Fault::new(place, problem, "give a text file")
        })?;
        let text: Arc<str> = text.into();
        self.texts.borrow_mut().insert(name.to_owned(), Arc::clone(&text));
        Ok(text)
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
