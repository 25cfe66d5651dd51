//! The command line from outside: what it refuses, in which words, and with which
//! exit code.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use assert_cmd::assert::OutputAssertExt;
use assert_cmd::cargo::cargo_bin;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A folder of its own, with a scenario in it.
struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new() -> Desk {
        Desk { folder: TempDir::new().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a small scenario with these fields changed.
    fn scenario(&self, changes: &Value) -> &Desk {
        let mut scenario = json!({
            "name": "small",
            "population": {"nodes": 8},
            "overlay": {"chord": {}},
            "workload": {"lookups": {"per_node": 2}},
        });
        for (name, value) in changes.as_object().unwrap() {
            scenario[name] = value.clone();
        }
        self.file(&scenario.to_string())
    }

    fn file(&self, text: &str) -> &Desk {
        fs::write(self.path("x.json"), text).unwrap();
        self
    }

    fn dhtsim(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(cargo_bin!("dhtsim"));
        command.current_dir(self.folder.path()).args(arguments);
        command
    }

    /// The one line on standard error of a command that ends with this code and says
    /// nothing on standard output.
    fn refusal(&self, arguments: &[&str], code: i32) -> String {
        let assert = self.dhtsim(arguments).assert().code(code).stdout("");
        let said = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
        assert_eq!(said.lines().count(), 1, "{said}");
        said.trim_end().to_owned()
    }
}

fn stdout(assert: &assert_cmd::assert::Assert) -> String {
    String::from_utf8(assert.get_output().stdout.clone()).unwrap()
}

#[test]
fn bad_scenarios_are_refused_in_one_line() {
    let desk = Desk::new();
    let refusals: Vec<String> = [
        json!({"populatoin": {}}),
        json!({"population": {"nodes": 0}}),
        json!({"id_bits": 2}),
        json!({"population": {"ids": ["1ff"]}, "id_bits": 8}),
        json!({"network": {"loss": 1.5}}),
        json!({"network": {"latency": {"constant": "5 parsec"}}}),
        json!({"sweep": {"population.nodez": [1, 2]}}),
        json!({"sweep": {"seed": [1, 2]}}),
        json!({"sweep": {"network.loss": {"range": {"from": 0, "to": 1, "step": 1e-7}}}}),
        json!({"repeat": 10_000_000}),
        json!({"expect": [{"metric": "hops.meen", "at_most": 5}]}),
    ]
    .iter()
    .map(|changes| desk.scenario(changes).refusal(&["run", "x.json"], 2))
    .collect();
    insta::assert_snapshot!(refusals.join("\n"));
    assert!(!desk.path("results").exists());
}

#[test]
fn files_that_are_no_scenarios_are_refused_in_one_line() {
    let desk = Desk::new();
    let refusals: Vec<String> = ["", "{\"name\": \"x\",}", "[1, 2]", "{\"name\": 5}"]
        .iter()
        .map(|text| desk.file(text).refusal(&["check", "x.json"], 2))
        .collect();
    insta::assert_snapshot!(refusals.join("\n"));
    fs::write(desk.path("x.json"), [0xff, 0xfe, 0x00]).unwrap();
    assert!(desk.refusal(&["check", "x.json"], 2).contains("is not UTF-8 text"));
    assert!(desk.refusal(&["check", "missing.json"], 2).contains("cannot be read"));
    assert!(desk.refusal(&["check", "."], 2).contains("cannot be read"));
}

#[test]
fn check_counts_the_runs() {
    let desk = Desk::new();
    desk.scenario(&json!({"sweep": {"population.nodes": {"powers_of_two": [8, 64]}}, "repeat": 5}));
    let check = desk.dhtsim(&["check", "x.json"]).assert().code(0).stderr("");
    assert_eq!(stdout(&check), "x.json: good, 4 points × 5 repeats = 20 runs\n");
    let pinned = ["check", "x.json", "--set", "population.nodes=9", "--set", "repeat=1"];
    let check = desk.dhtsim(&pinned).assert().code(0);
    assert_eq!(stdout(&check), "x.json: good, 1 point × 1 repeat = 1 run\n");
}

#[test]
fn check_tells_the_faults_of_all_files() {
    let desk = Desk::new();
    desk.scenario(&json!({}));
    let check = desk.dhtsim(&["check", "a.json", "x.json", "b.json"]).assert().code(2);
    assert_eq!(stdout(&check), "x.json: good, 1 point × 1 repeat = 1 run\n");
    let said = String::from_utf8(check.get_output().stderr.clone()).unwrap();
    assert_eq!(said.lines().count(), 2, "{said}");
}

#[test]
fn changes_that_lead_nowhere_are_refused() {
    let desk = Desk::new();
    desk.scenario(&json!({}));
    let refusals: Vec<String> = [
        "population.nodez=5",
        "name.x=5",
        "population.nodes=many",
        "a..b=1",
        "workload.keys=1e300",
    ]
    .iter()
    .map(|change| desk.refusal(&["check", "x.json", "--set", change], 2))
    .collect();
    insta::assert_snapshot!(refusals.join("\n"));
}

#[test]
fn wrong_usage_is_bad_input() {
    let desk = Desk::new();
    desk.scenario(&json!({}));
    for arguments in [
        &["fly"][..],
        &["run"],
        &["run", "x.json", "--jobs", "0"],
        &["run", "x.json", "--seed", "-1"],
        &["run", "x.json", "--set", "population.nodes"],
        &["route", "x.json", "--from", "0"],
        &["route", "x.json", "--from", "0", "--key", "a", "--id", "b"],
        &["ring", "x.json", "--at", "90"],
        &["published", "."],
    ] {
        desk.dhtsim(arguments).assert().code(2).stdout("");
    }
}

#[test]
fn help_and_version_are_answers() {
    let desk = Desk::new();
    desk.dhtsim(&["--version"]).assert().code(0).stderr("");
    for arguments in [&["--help"][..], &["run", "--help"]] {
        let help = stdout(&desk.dhtsim(arguments).assert().code(0).stderr(""));
        assert!(help.contains("Exit codes:") && help.contains("Examples:"), "{help}");
    }
}

#[test]
fn an_unwritable_folder_is_known_before_anything_runs() {
    let desk = Desk::new();
    desk.scenario(&json!({}));
    // A file where the folder should be; permissions would not stop root.
    let refusal = desk.refusal(&["run", "x.json", "--out", "x.json/results"], 3);
    assert!(refusal.starts_with("error: --out x.json/results: cannot be written to"), "{refusal}");
}

#[test]
fn scenarios_of_one_name_are_refused() {
    let desk = Desk::new();
    desk.scenario(&json!({}));
    let refusal = desk.refusal(&["run", "x.json", "x.json"], 2);
    assert!(refusal.contains("is the name of x.json too"), "{refusal}");
    assert!(!desk.path("results").exists());
}

#[test]
fn the_schema_is_json() {
    let schema = stdout(&Desk::new().dhtsim(&["schema"]).assert().code(0).stderr(""));
    let schema: Value = serde_json::from_str(&schema).unwrap();
    assert_eq!(schema["title"], "Scenario");
    assert!(jsonschema::validator_for(&schema).is_ok());
}

#[test]
fn a_reader_who_has_seen_enough_is_no_error() {
    let desk = Desk::new();
    let mut child =
        desk.dhtsim(&["schema"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Closed before the command writes, or while it does.
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}
