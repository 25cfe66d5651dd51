//! Files that a scenario names: measured latencies, traces of churn.
//!
//! A relative path starts in the folder of the scenario file, so that a folder with both
//! can be moved. Every file is read once, however many points of a sweep name it.

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::Fault;

/// The files beside a scenario.
#[derive(Debug)]
pub(super) struct Files {
    folder: PathBuf,
    texts: RefCell<BTreeMap<PathBuf, Arc<str>>>,
    /// What has been made of them, and how.
    made: RefCell<BTreeMap<(PathBuf, String), Arc<dyn Any + Send + Sync>>>,
}

impl Files {
    /// Those beside a scenario file of this name.
    pub(super) fn beside(scenario: &str) -> Files {
        let folder = Path::new(scenario).parent().unwrap_or(Path::new(""));
        Files { folder: folder.to_owned(), texts: RefCell::default(), made: RefCell::default() }
    }

    /// The text of a file that the field at `place` names.
    pub(super) fn text(&self, place: &str, name: &str) -> Result<Arc<str>, Fault> {
        let path = self.folder.join(name);
        if let Some(text) = self.texts.borrow().get(&path) {
            return Ok(Arc::clone(text));
        }
        let read = std::fs::read(&path).map_err(|error| {
            let problem = format!("{} cannot be read: {error}", path.display());
            Fault::new(place, problem, "give a path that starts in the scenario's folder")
        })?;
        let text = String::from_utf8(read).map_err(|_| {
            let problem = format!("{} is not UTF-8 text", path.display());
            Fault::new(place, problem, "give a text file")
        })?;
        let text: Arc<str> = text.into();
        self.texts.borrow_mut().insert(path, Arc::clone(&text));
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
        let key = (self.folder.join(name), how.to_owned());
        let known = self.made.borrow().get(&key).cloned();
        if let Some(known) = known.and_then(|known| known.downcast().ok()) {
            return Ok(known);
        }
        let new = Arc::new(make(&self.text(place, name)?)?);
        self.made.borrow_mut().insert(key, Arc::clone(&new) as Arc<dyn Any + Send + Sync>);
        Ok(new)
    }
}
