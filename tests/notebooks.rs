//! The README's way into pandas, polars and `DuckDB` leads there: its Python runs on results.
//!
//! With `DHTSIM_PYTHON` that Python must have all three. Without it those are tried that the
//! machine's `python3` has, and it is said of the others that they were not.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use assert_cmd::assert::OutputAssertExt;
use assert_cmd::cargo::cargo_bin;
use tempfile::TempDir;

const RESULTS: &str = "## Results in pandas, polars and DuckDB";
const EVENTS: &str = "## Every event";
const LIBRARIES: [&str; 3] = ["pandas", "polars", "duckdb"];

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A section of the README.
fn section(heading: &str) -> String {
    let readme = fs::read_to_string(project().join("README.md")).unwrap().replace('\r', "");
    let (_, section) = readme.split_once(heading).expect("the README has the section");
    section.split("\n## ").next().unwrap().to_owned()
}

/// The blocks of code in a language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let opening = format!("```{language}\n");
    let blocks = text.split(&opening).skip(1);
    blocks.map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// The block that imports this library.
fn snippet(library: &str) -> String {
    let import = format!("import {library}");
    let mut found = blocks(&section(RESULTS), "python").into_iter().filter(|b| b.contains(&import));
    let snippet = found.next().unwrap_or_else(|| panic!("the README shows {library}"));
    assert!(found.next().is_none(), "one block is about {library}");
    snippet
}

/// A folder with the results that a section reads, as its commands make them.
fn results(heading: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let commands = blocks(&section(heading), "sh").concat();
    let runs = commands.lines().filter_map(|line| line.strip_prefix("cargo run --release -- "));
    for arguments in runs {
        let words = arguments.split_whitespace().map(|word| {
            let is_file = word.starts_with("scenarios/");
            if is_file { project().join(word).display().to_string() } else { word.to_owned() }
        });
        let mut dhtsim = Command::new(cargo_bin!("dhtsim"));
        dhtsim.args(words).arg("--quiet").current_dir(folder.path()).assert().code(0);
    }
    assert!(folder.path().join("results").is_dir(), "the section begins with results");
    folder
}

/// The mean of hops on the ring without fingers with 64 nodes, as far as every library shows
/// it.
fn expected(folder: &Path) -> String {
    let text = fs::read_to_string(folder.join("results/successor-only/metrics.csv")).unwrap();
    let rows = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let of_it = |row: &Vec<&str>| row[1] == "64" && row[2] == "none" && row[5] == "hops.mean";
    let values: Vec<f64> = rows.filter(of_it).map(|row| row[6].parse().unwrap()).collect();
    assert_eq!(values.len(), 5);
    let mean = format!("{:.6}", values.iter().sum::<f64>() / values.len() as f64);
    mean[..mean.find('.').unwrap() + 2].to_owned()
}

/// The Python that is to be used.
fn python() -> OsString {
    env::var_os("DHTSIM_PYTHON").unwrap_or_else(|| "python3".into())
}

/// Whether it has a library. If it was named it must.
#[allow(clippy::print_stderr, reason = "a test that is skipped says so")]
fn has(library: &str) -> bool {
    let import = Command::new(python()).args(["-c", &format!("import {library}")]).output();
    let is_there = import.is_ok_and(|output| output.status.success());
    if !is_there {
        let is_named = env::var_os("DHTSIM_PYTHON").is_some();
        assert!(!is_named, "DHTSIM_PYTHON has no {library}: pip install {library}");
        eprintln!("skipped: python3 has no {library}");
    }
    is_there
}

/// What a piece of Python prints in a folder.
fn printed(snippet: &str, folder: &Path) -> String {
    let mut run = Command::new(python());
    let run = run.args(["-c", snippet]).current_dir(folder).assert().code(0);
    String::from_utf8(run.get_output().stdout.clone()).unwrap()
}

#[test]
fn the_readme_opens_a_trace() {
    if !has("duckdb") {
        return;
    }
    let folder = results(EVENTS);
    let [snippet] = &blocks(&section(EVENTS), "python")[..] else { panic!("one block") };
    let said = printed(snippet, folder.path());
    for kind in ["lookup", "stands_at", "lookup_query", "lookup_answer", "answer"] {
        assert!(said.contains(kind), "{kind} is not there:\n{said}");
    }
}

#[test]
fn the_readme_opens_results_in_every_library() {
    let snippets = LIBRARIES.map(|library| (library, snippet(library)));
    let folder = results(RESULTS);
    let expected = expected(folder.path());
    for (library, snippet) in snippets {
        if !has(library) {
            continue;
        }
        let said = printed(&snippet, folder.path());
        assert!(said.contains(&expected), "{library} does not show {expected}:\n{said}");
    }
}
