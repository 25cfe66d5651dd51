//! The JSON Schema of scenarios: committed, in step with the program, and named by every
//! shipped scenario, so that editors complete and explain fields.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::fs;
use std::path::{Path, PathBuf};

use dhtsim::scenario;
use serde_json::Value;

/// Hidden, so that `scenarios/*.json` are the scenarios.
const FILE: &str = "scenarios/.schema.json";

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The shipped scenarios: the JSON files in and below `scenarios`.
fn scenarios() -> Vec<PathBuf> {
    let mut folders = vec![project().join("scenarios")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "json")
                && path != project().join(FILE)
            {
                files.push(path);
            }
        }
    }
    files.sort();
    assert!(files.len() >= 30, "the shipped scenarios are there: {files:?}");
    files
}

fn read(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

#[test]
fn the_committed_schema_is_that_of_the_program() {
    let committed = fs::read_to_string(project().join(FILE)).unwrap_or_default();
    let is_same = committed.replace('\r', "") == format!("{:#}\n", scenario::schema());
    assert!(is_same, "write it anew: cargo run --release -- schema > {FILE}");
}

#[test]
fn every_shipped_scenario_names_it_first_and_conforms_to_it() {
    let schema = project().join(FILE).canonicalize().unwrap();
    let validator = jsonschema::validator_for(&read(&schema)).unwrap();
    for file in scenarios() {
        let scenario = read(&file);
        let shown = file.strip_prefix(project()).unwrap().display().to_string();
        let first = scenario.as_object().unwrap().iter().next();
        let Some((field, Value::String(named))) = first.filter(|(field, _)| *field == "$schema")
        else {
            let up = "../".repeat(shown.matches(['/', '\\']).count() - 1);
            panic!("{shown}: begin it with \"$schema\": \"{up}.schema.json\", not {first:?}");
        };
        let leads = file.parent().unwrap().join(named).canonicalize();
        assert!(leads.is_ok_and(|path| path == schema), "{shown}: {field} {named} leads elsewhere");
        let errors: Vec<String> =
            validator.iter_errors(&scenario).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{shown}: {errors:?}");
    }
}
