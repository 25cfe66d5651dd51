//! Before the crate is compiled: a digest of its sources, under which the results of runs are
//! kept. Results of other sources are other results, whatever the version says.

use std::fs;
use std::path::{Path, PathBuf};

use sha1::{Digest, Sha1};

fn main() {
    let mut files = Vec::new();
    find(Path::new("src"), &mut files);
    // The versions of the crates below, too.
    files.extend(["Cargo.toml", "Cargo.lock"].map(PathBuf::from));
    files.sort();
    let mut digest = Sha1::new();
    for file in files {
        println!("cargo::rerun-if-changed={}", file.display());
        let name = file.display().to_string().replace('\\', "/");
        let text = fs::read(&file).unwrap_or_default();
        digest.update(format!("{name} {}\n", text.len()));
        digest.update(text);
    }
    let digest = digest.finalize();
    let digest = digest[..8].iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    println!("cargo::rustc-env=DHTSIM_SOURCES={digest}");
    println!("cargo::rerun-if-changed=src");
}

/// All sources in a folder and those below it.
fn find(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            find(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}
