//! A folder of its own in which the program is used from the command line.

#![allow(dead_code, reason = "every test takes what it needs")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use assert_cmd::assert::{Assert, OutputAssertExt};
use assert_cmd::cargo::cargo_bin;
use tempfile::TempDir;

/// A folder of its own, gone when it is dropped.
pub(crate) struct Desk(TempDir);

impl Desk {
    /// An empty one.
    pub(crate) fn new() -> Desk {
        Desk(TempDir::new().unwrap())
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// A command of the program in this folder, without colours but for those that it asks for.
    pub(crate) fn dhtsim(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(cargo_bin!("dhtsim"));
        command.current_dir(self.folder()).args(arguments);
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
            command.env_remove(name);
        }
        command
    }

    /// The one line on standard error of a command that ends with this code and says
    /// nothing on standard output.
    pub(crate) fn refusal(&self, arguments: &[&str], code: i32) -> String {
        let said = stderr(&self.dhtsim(arguments).assert().code(code).stdout(""));
        assert_eq!(said.lines().count(), 1, "{said}");
        said.trim_end().to_owned()
    }
}

pub(crate) fn stdout(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stdout.clone()).unwrap()
}

pub(crate) fn stderr(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stderr.clone()).unwrap()
}
