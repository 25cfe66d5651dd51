//! The command line from outside: what it prints where, what it refuses and in which
//! words, and with which exit code it ends.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod desk;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use assert_cmd::assert::OutputAssertExt;
use serde_json::{Value, json};

use desk::{Desk, stdout};

impl Desk {
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
        self.write("x.json", text);
        self
    }
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
        json!({"sweep": {"system": {"variants": {"a": {"population.nodes": "many"}}}}}),
        json!({
            "plots": [{"over_time": {"series": ["node"]}}],
            "measure": {"every": "1s"},
            "duration": "1min",
        }),
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

/// What `check` says of a good file but for its memory, which depends on the machine.
fn counted(check: &assert_cmd::assert::Assert) -> String {
    let said = stdout(check);
    let (runs, memory) = said.trim_end().split_once("; about ").unwrap();
    assert!(memory.ends_with(" MB of memory for the largest"), "{said}");
    runs.to_owned()
}

#[test]
fn what_does_not_fit_into_memory_is_refused_before_anything_runs() {
    let desk = Desk::new();
    // A thousand trackers that list everything take terabytes.
    desk.scenario(&json!({
        "population": {"nodes": 1_000_000},
        "overlay": {"tracker": {"trackers": 1000}},
        "workload": {"storage": {"keys": 50_000_000, "gets": {"per_node": 1000}}},
        "duration": "1000s",
    }));
    let refusal = desk.refusal(&["run", "x.json", "--quiet"], 4);
    assert!(refusal.starts_with("error: x.json: its largest run needs about "), "{refusal}");
    assert!(refusal.contains("; give fewer nodes, keys or requests, or "), "{refusal}");
    assert!(refusal.ends_with("run it all the same with --ignore-memory"), "{refusal}");
    assert!(!desk.path("results").exists());
    let check = stdout(&desk.dhtsim(&["check", "x.json"]).assert().code(0));
    assert!(check.contains(" TB of memory for the largest, but only "), "{check}");
    desk.scenario(&json!({})).dhtsim(&["run", "x.json", "--ignore-memory"]).assert().code(0);
}

#[test]
fn check_counts_the_runs() {
    let desk = Desk::new();
    desk.scenario(&json!({"sweep": {"population.nodes": {"powers_of_two": [8, 64]}}, "repeat": 5}));
    let check = desk.dhtsim(&["check", "x.json"]).assert().code(0).stderr("");
    assert_eq!(counted(&check), "x.json: good, 4 points × 5 repeats = 20 runs");
    let pinned = ["check", "x.json", "--set", "population.nodes=9", "--set", "repeat=1"];
    let check = desk.dhtsim(&pinned).assert().code(0);
    assert_eq!(counted(&check), "x.json: good, 1 point × 1 repeat = 1 run");
}

#[test]
fn a_variant_is_chosen_by_its_name() {
    let desk = Desk::new();
    let variants = json!({"small": {"population.nodes": 4}, "large": {"population.nodes": 16}});
    let plots = json!([{"metric": {"metric": "nodes", "file": "sizes"}}]);
    desk.scenario(&json!({"sweep": {"size": {"variants": variants}}, "plots": plots}));
    desk.dhtsim(&["run", "x.json"]).assert().code(0);
    let runs = fs::read_to_string(desk.path("results/small/runs.csv")).unwrap();
    let first: Vec<&str> = runs.lines().map(|row| row.split(',').next().unwrap()).collect();
    assert_eq!(first, ["size", "small", "large"]);
    assert!(desk.path("results/small/sizes.svg").exists());
    let chosen = ["check", "x.json", "--set", "size=small"];
    let check = desk.dhtsim(&chosen).assert().code(0);
    assert_eq!(counted(&check), "x.json: good, 1 point × 1 repeat = 1 run");
    let refusal = desk.refusal(&["run", "x.json", "--set", "size=huge"], 2);
    assert!(refusal.ends_with("its variants are small, large"), "{refusal}");
}

#[test]
fn check_tells_the_faults_of_all_files() {
    let desk = Desk::new();
    desk.scenario(&json!({}));
    let check = desk.dhtsim(&["check", "a.json", "x.json", "b.json"]).assert().code(2);
    assert_eq!(counted(&check), "x.json: good, 1 point × 1 repeat = 1 run");
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
    assert!(refusal.starts_with("error: x.json: cannot write the results: "), "{refusal}");
    assert!(refusal.ends_with("choose another folder with --out"), "{refusal}");
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
fn list_names_what_a_scenario_can_be_made_of() {
    let list =
        |arguments: &[&str]| stdout(&Desk::new().dhtsim(arguments).assert().code(0).stderr(""));
    let all = list(&["list"]);
    for line in [
        "chord Chord, as in Stoica et al. 2001 and 2003",
        "exponential Exponential, drawn for every message",
        "hop_distribution Share of lookups by their number of hops",
    ] {
        // However wide the column of the names is.
        let is_it = |other: &str| other.split_whitespace().eq(line.split_whitespace());
        assert!(all.lines().any(is_it), "{line} is not in\n{all}");
    }
    let metrics: Value = serde_json::from_str(&list(&["list", "metrics", "--json"])).unwrap();
    let kinds: Vec<&str> =
        metrics.as_array().unwrap().iter().map(|list| list["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["metric", "metric of a fit", "series over time"]);
    let first = &metrics[0]["things"][0];
    assert_eq!(first, &json!({"name": "servers", "unit": "servers", "about": "servers"}));
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

fn stderr(assert: &assert_cmd::assert::Assert) -> String {
    String::from_utf8(assert.get_output().stderr.clone()).unwrap()
}

/// All files under a folder with their bytes, and the folders in it.
fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut tree = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tree.extend(self::tree(&path));
            tree.insert(path, Vec::new());
        } else {
            let bytes = fs::read(&path).unwrap();
            tree.insert(path, bytes);
        }
    }
    tree
}

fn shipped(name: &str) -> String {
    format!("{}/scenarios/{name}", env!("CARGO_MANIFEST_DIR"))
}

const HOLDS: &str = "every lookup is right";
const BREAKS: &str = "lookups are answered before they are asked";

/// A claim that holds for the small scenario, and one that does not.
fn claims(holds: bool, breaks: bool) -> Value {
    let right = json!({"claim": HOLDS, "metric": "lookups.correct", "equals": 16});
    let early = json!({"claim": BREAKS, "metric": "latency_ms.mean", "at_most": -1});
    let claims = [(holds, right), (breaks, early)].into_iter();
    let claims: Vec<Value> = claims.filter(|(wanted, _)| *wanted).map(|(_, claim)| claim).collect();
    json!({ "expect": claims })
}

mod run {
    use super::*;

    #[test]
    fn ends_with_0_when_all_claims_hold() {
        let desk = Desk::new();
        let run = desk.scenario(&claims(true, false)).dhtsim(&["run", "x.json"]).assert().code(0);
        // Data to stdout, talk to stderr.
        let (data, talk) = (stdout(&run), stderr(&run));
        assert!(data.starts_with("small (seed 1)\n"), "{data}");
        let held = format!("held    {HOLDS}: lookups.correct = 16\n");
        assert!(data.contains(&held), "{data}");
        assert!(!data.contains("written"), "{data}");
        let results = Path::new("results").join("small");
        let last = format!("small: results written to {}", results.display());
        assert_eq!(talk.lines().last(), Some(&last[..]), "{talk}");
        assert!(talk.starts_with("small: 1 run\n"), "{talk}");
        let speed = talk.lines().rev().nth(1).unwrap();
        assert!(speed.starts_with("small: ") && speed.contains(" events in "), "{talk}");
        assert!(speed.contains(" events/s"), "{talk}");
        assert_eq!(
            speed.contains("; peak memory "),
            cfg!(any(target_os = "linux", target_os = "macos"))
        );
        assert!(!talk.contains(HOLDS), "{talk}");
        let summary = fs::read(desk.path("results/small/summary.json")).unwrap();
        let summary: Value = serde_json::from_slice(&summary).unwrap();
        assert_eq!(summary["expectations"][0]["held"], true);
        assert_eq!(summary["expectations"][0]["claim"], HOLDS);
    }

    #[test]
    fn ends_with_1_when_a_claim_is_broken_and_writes_the_results_all_the_same() {
        let desk = Desk::new();
        let run = desk.scenario(&claims(true, true)).dhtsim(&["run", "x.json"]).assert().code(1);
        let data = stdout(&run);
        assert!(data.contains(&format!("held    {HOLDS}")), "{data}");
        assert!(data.contains(&format!("broken  {BREAKS}")), "{data}");
        let summary = fs::read(desk.path("results/small/summary.json")).unwrap();
        let summary: Value = serde_json::from_slice(&summary).unwrap();
        assert_eq!(summary["expectations"][1]["held"], false);
    }

    #[test]
    fn ends_with_2_before_anything_runs_when_one_of_the_files_is_bad() {
        let desk = Desk::new();
        desk.scenario(&claims(true, true));
        let refusal = desk.refusal(&["run", "x.json", "missing.json"], 2);
        assert!(refusal.contains("missing.json: cannot be read"), "{refusal}");
        assert_eq!(tree(desk.folder()).len(), 1, "nothing but the scenario is there");
    }

    #[test]
    fn ends_with_3_when_results_cannot_be_written_and_leaves_nothing() {
        let desk = Desk::new();
        desk.scenario(&json!({}));
        let before = tree(desk.folder());
        // A file where a folder should be; permissions would not stop root.
        desk.refusal(&["run", "x.json", "--out", "x.json"], 3);
        desk.refusal(&["run", "x.json", "--out", "x.json/below", "--quiet"], 3);
        assert_eq!(tree(desk.folder()), before);
    }

    #[test]
    fn does_not_replace_what_are_no_results() {
        let desk = Desk::new();
        desk.scenario(&json!({}));
        fs::create_dir_all(desk.path("results/small")).unwrap();
        fs::write(desk.path("results/small/thesis.tex"), "a year of work").unwrap();
        let before = tree(desk.folder());
        let refusal = desk.refusal(&["run", "x.json"], 3);
        assert!(refusal.contains("small: holds something else than results"), "{refusal}");
        assert_eq!(tree(desk.folder()), before);
    }

    #[test]
    fn messages_wait_for_nodes_that_take_their_time() {
        let desk = Desk::new();
        let waits = |service_time: &str| {
            let lookups = json!({"lookups": {"per_node": 20, "interval": "50ms"}});
            let network = json!({ "service_time": service_time });
            desk.scenario(&json!({"network": network, "workload": lookups}));
            stdout(&desk.dhtsim(&["run", "x.json"]).assert().code(0)).contains("busiest wait ms")
        };
        assert!(waits("5ms") && !waits("0s"));
    }

    #[test]
    fn says_nothing_when_it_shall_be_quiet() {
        let desk = Desk::new();
        let quiet = ["run", "x.json", "--quiet"];
        let claims = [(claims(true, false), 0), (claims(false, true), 1)];
        for (claims, code) in claims {
            desk.scenario(&claims).dhtsim(&quiet).assert().code(code).stdout("").stderr("");
            assert!(desk.path("results/small/summary.json").is_file());
        }
    }

    /// Each takes the place of what another has just put there; the last one stays, whole.
    #[test]
    fn several_may_write_to_one_folder_at_once() {
        let desk = Desk::new();
        desk.scenario(&json!({}));
        let run = || desk.dhtsim(&["run", "x.json", "--quiet"]).assert().code(0);
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| (0..5).for_each(|_| drop(run())));
            }
        });
        let left: Vec<_> =
            fs::read_dir(desk.path("results")).unwrap().map(Result::unwrap).collect();
        assert_eq!(left.len(), 2, "nothing hidden is left but the kept runs: {left:?}");
        assert!(desk.path("results/small/summary.json").is_file());
    }

    #[test]
    fn replaces_old_results_whole() {
        let desk = Desk::new();
        desk.scenario(&json!({"plots": ["hop_distribution"]}));
        desk.dhtsim(&["run", "x.json", "--png"]).assert().code(0);
        assert!(desk.path("results/small/hop_distribution.png").is_file());
        assert!(desk.path("results/small/hop_distribution.svg").is_file());
        desk.dhtsim(&["run", "x.json", "--set", "plots=[]"]).assert().code(0);
        let names = tree(&desk.path("results")).into_keys().map(|path| {
            path.strip_prefix(desk.path("results")).unwrap().to_str().unwrap().replace('\\', "/")
        });
        let expected = [
            ".runs",
            ".runs/small.runs",
            "small",
            "small/hops.csv",
            "small/load.csv",
            "small/messages.csv",
            "small/metrics.csv",
            "small/runs.csv",
            "small/scenario.json",
            "small/summary.json",
        ];
        assert_eq!(names.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn leaves_the_old_results_when_it_is_killed() {
        let desk = Desk::new();
        desk.scenario(&json!({})).dhtsim(&["run", "x.json", "--quiet"]).assert().code(0);
        let before = tree(desk.folder());
        // Hours of work, killed when it has begun.
        let long = ["run", "x.json", "--set", "population.nodes=10000"];
        let long = [&long[..], &["--set", "workload.lookups.per_node=10000"]].concat();
        let mut child = desk.dhtsim(&long).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "small: 1 run\n");
        child.kill().unwrap();
        assert!(!child.wait().unwrap().success());
        assert_eq!(tree(desk.folder()), before);
    }

    #[test]
    fn takes_several_scenarios_and_ends_with_the_worst() {
        let desk = Desk::new();
        desk.scenario(&claims(true, false));
        let good = fs::read_to_string(desk.path("x.json")).unwrap();
        fs::write(desk.path("y.json"), good.replace("small", "other")).unwrap();
        desk.scenario(&claims(false, true));
        let run = desk.dhtsim(&["run", "x.json", "y.json", "--out", "deep/er"]).assert().code(1);
        let data = stdout(&run);
        assert!(data.find("small (seed 1)") < data.find("other (seed 1)"), "{data}");
        assert!(desk.path("deep/er/small/runs.csv").is_file());
        assert!(desk.path("deep/er/other/runs.csv").is_file());
    }

    #[test]
    fn writes_its_results_even_if_nobody_reads_what_it_prints() {
        let desk = Desk::new();
        let mut run = desk.scenario(&json!({})).dhtsim(&["run", "x.json"]);
        let mut child = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        drop(child.stderr.take());
        assert!(child.wait().unwrap().success());
        assert!(desk.path("results/small/summary.json").is_file());
    }

    #[test]
    fn refuses_ten_million_runs_at_once() {
        let desk = Desk::new();
        for changes in [
            json!({"repeat": 10_000_000}),
            json!({"sweep": {"network.loss": {"range": {"from": 0, "to": 1, "step": 1e-7}}}}),
            json!({"sweep": {
                "population.nodes": {"range": {"from": 1, "to": 4000}},
                "overlay.chord.successors": {"range": {"from": 1, "to": 50}},
            }, "repeat": 50}),
        ] {
            #[expect(clippy::disallowed_types, reason = "the time that a user waits is meant")]
            let start = std::time::Instant::now();
            desk.scenario(&changes).refusal(&["run", "x.json"], 2);
            assert!(start.elapsed().as_secs() < 2, "{changes} took {:?}", start.elapsed());
        }
        assert!(!desk.path("results").exists());
    }
}

mod ring_and_route {
    use super::*;

    #[test]
    fn a_reader_of_a_long_ring_may_stop_after_a_line() {
        let desk = Desk::new();
        let file = shipped("chord-1000.json");
        for more in [&[][..], &["--json"]] {
            let mut ring = desk.dhtsim(&[&["ring", &file], more].concat());
            let mut child = ring.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            // Of more than a pipe holds: the command is still writing when it closes.
            let mut first = [0; 100];
            let mut output = child.stdout.take().unwrap();
            output.read_exact(&mut first).unwrap();
            drop(output);
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success());
            assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
        }
    }

    fn ring(desk: &Desk, more: &[&str]) -> Value {
        let file = shipped("chord-grown.json");
        let arguments = [&["ring", &file, "--json"], more].concat();
        let ring = desk.dhtsim(&arguments).assert().code(0).stderr("");
        serde_json::from_slice(&ring.get_output().stdout).unwrap()
    }

    #[test]
    fn trackers_have_none() {
        let desk = Desk::new();
        for name in ["tracker-load", "swarm-download"] {
            let file = shipped(&format!("{name}.json"));
            for arguments in [
                &["ring", &file][..],
                &["ring", &file, "--json", "--at", "10s"],
                &["route", &file, "--from", "5", "--key", "song.mp3"],
            ] {
                let refusal = desk.refusal(arguments, 2);
                assert!(
                    refusal.contains("stand on no ring; choose a scenario whose nodes do"),
                    "{refusal}"
                );
            }
        }
    }

    fn nodes(ring: &Value) -> usize {
        ring["nodes"].as_array().unwrap().len()
    }

    #[test]
    fn a_ring_grows_with_time_into_the_converged_one() {
        let desk = Desk::new();
        let converged = ring(&desk, &[]);
        assert_eq!(nodes(&converged), 1000);
        // Ten nodes a second.
        assert_eq!(nodes(&ring(&desk, &["--at", "0s"])), 1);
        assert!((95..=105).contains(&nodes(&ring(&desk, &["--at", "10s"]))));
        assert!((495..=505).contains(&nodes(&ring(&desk, &["--at", "50s"]))));
        // All are there, but not every pointer is right yet; half an hour later it is.
        let young = ring(&desk, &["--at", "2min"]);
        assert_eq!(nodes(&young), 1000);
        assert!(young != converged);
        let old = ring(&desk, &["--at", "30min"]);
        let pairs =
            old["nodes"].as_array().unwrap().iter().zip(converged["nodes"].as_array().unwrap());
        let wrong: Vec<&Value> =
            pairs.filter(|(old, right)| old != right).map(|(old, _)| &old["id"]).collect();
        assert!(wrong.is_empty(), "{} nodes are not as they should be: {wrong:?}", wrong.len());
    }

    #[test]
    fn a_route_is_that_of_its_moment() {
        let desk = Desk::new();
        let file = shipped("chord-grown.json");
        let ask = |more: &[&str]| {
            let arguments = [&["route", &file, "--json", "--key", "song.mp3"], more].concat();
            let route = desk.dhtsim(&arguments).assert().code(0).stderr("");
            let route: Value = serde_json::from_slice(&route.get_output().stdout).unwrap();
            route
        };
        // The first node is alone and owns everything.
        let alone = ask(&["--from", "0", "--at", "0s"]);
        assert_eq!((&alone["owner"], &alone["hops"]), (&alone["from"], &json!(0)));
        // Many owners later it is the one of the converged ring.
        let (old, right) = (ask(&["--from", "0", "--at", "30min"]), ask(&["--from", "0"]));
        assert_eq!(old, right);
        assert_ne!(old["owner"], alone["owner"]);
        let late = ["route", &file, "--key", "song.mp3", "--from", "999", "--at", "10s"];
        let refusal = desk.refusal(&late, 2);
        assert!(refusal.contains("node \"999\" is not up at that time"), "{refusal}");
    }

    /// A server runs one node for all its places; the ring and a route name the places.
    #[test]
    fn with_full_membership_a_route_leads_from_a_place_to_the_one_that_owns() {
        let desk = Desk::new();
        let full_membership = json!({"full_membership": {"spread": {"gossip": {}}}});
        let population = json!({"nodes": 4, "virtual_nodes": 3});
        desk.scenario(&json!({
            "id_bits": 16, "population": population, "overlay": full_membership, "duration": "9s",
        }));
        let see = |arguments: &[&str]| -> Value {
            let assert = desk.dhtsim(arguments).assert().code(0).stderr("");
            serde_json::from_slice(&assert.get_output().stdout).unwrap()
        };
        for moment in [&[][..], &["--at", "8s"]] {
            let ring = see(&[&["ring", "x.json", "--json"], moment].concat());
            let places = ring["nodes"].as_array().unwrap();
            assert_eq!(places.len(), 12);
            for (place, next) in places.iter().zip(places.iter().cycle().skip(1)) {
                assert_eq!(place["successors"], json!([next["id"]]));
                assert_eq!(next["predecessor"], place["id"]);
            }
            for place in places {
                // The key at a place is that place's.
                let id = place["id"].as_str().unwrap();
                let ask = ["route", "x.json", "--json", "--from", "5", "--id", id];
                let route = see(&[&ask, moment].concat());
                let from = places.iter().find(|place| place["index"] == 5).unwrap();
                let is_own = place["index"].as_u64().unwrap() / 3 == 1;
                let path = if is_own { json!([from["id"]]) } else { json!([from["id"], id]) };
                let expected = json!({
                    "key": id, "from": from["id"], "path": path, "owner": id,
                    "hops": u8::from(!is_own),
                });
                assert_eq!(route, expected);
            }
        }
        desk.scenario(
            &json!({"overlay": {"full_membership": {"placement": "modulo"}}, "workload": {}}),
        );
        for arguments in
            [&["ring", "x.json"][..], &["route", "x.json", "--from", "0", "--key", "a"]]
        {
            let refusal = desk.refusal(arguments, 2);
            assert!(refusal.contains("hash mod N stand on no ring"), "{refusal}");
        }
    }

    #[test]
    fn a_route_without_node_or_key_is_refused_in_one_line() {
        let desk = Desk::new();
        desk.scenario(&json!({"id_bits": 8}));
        let ask =
            |from, key, value| desk.refusal(&["route", "x.json", "--from", from, key, value], 2);
        assert!(ask("8", "--key", "a").contains("--from: there is no node \"8\""));
        assert!(ask("nobody", "--key", "a").contains("--from: there is no node \"nobody\""));
        assert!(ask("0", "--id", "100").contains("--id: 100 does not fit 8 bits"));
        assert!(ask("0", "--id", "xyz").contains("--id: \"xyz\" is not a hexadecimal number"));
    }

    #[test]
    fn the_text_for_people_tells_the_same_as_the_json() {
        let desk = Desk::new();
        let file = shipped("notes-ring.json");
        let text = stdout(&desk.dhtsim(&["ring", &file]).assert().code(0).stderr(""));
        assert!(text.starts_with("3 nodes on a ring of 3 bits\n"), "{text}");
        assert_eq!(text.lines().count(), 6, "a title, a header, three nodes: {text}");
        let arguments = ["route", &file, "--from", "1", "--id", "6"];
        let text = stdout(&desk.dhtsim(&arguments).assert().code(0).stderr(""));
        assert!(text.ends_with("owner 0, after 1 hop\n"), "{text}");
    }
}

mod table {
    use super::*;

    /// A desk with the results of a sweep over two sizes and two kinds of lookup.
    fn results() -> Desk {
        let desk = Desk::new();
        let lookups = json!(["iterative", "recursive"]);
        let sweep = json!({"population.nodes": [1, 2], "overlay.chord.lookup": lookups});
        desk.scenario(&json!({"sweep": sweep}));
        desk.dhtsim(&["run", "x.json", "--quiet"]).assert().code(0);
        desk
    }

    const FOLDER: &str = "results/small";

    #[test]
    fn shows_metrics_of_results() {
        let desk = results();
        let ask = |arguments: &[&str]| {
            let all = [&["table", FOLDER][..], arguments].concat();
            stdout(&desk.dhtsim(&all).assert().code(0).stderr(""))
        };
        insta::assert_snapshot!(
            ask(&["--metric", "lookups.correct", "--metric", "nodes=on the ring"]),
            @r"
        | nodes | lookup | `lookups.correct` | on the ring |
        | --: | :-- | --: | --: |
        | 1 | iterative | 2 | 1 |
        | 1 | recursive | 2 | 1 |
        | 2 | iterative | 4 | 2 |
        | 2 | recursive | 4 | 2 |
        "
        );
        insta::assert_snapshot!(
            ask(&[
                "--where", "overlay.chord.lookup=recursive", "--by", "population.nodes",
                "--metric", "lookups.correct=right", "--metric", "storage.copies.mean=copies",
            ]),
            @r"
        | Metric | nodes = 1 | nodes = 2 |
        | :-- | --: | --: |
        | right | 2 | 4 |
        | copies | – | – |
        "
        );
    }

    #[test]
    fn refuses_what_is_not_there_in_one_line() {
        let desk = results();
        let refusals: Vec<String> = [
            &["table", FOLDER, FOLDER, "--metric", "nodes"][..],
            &["table", FOLDER, "--metric", "hops.meen"],
            &["table", FOLDER, "--metric", "nodes", "--by", "lookup"],
            &["table", FOLDER, "--metric", "nodes", "--where", "network.loss=0"],
            &["table", FOLDER, "--metric", "nodes", "--where", "population.nodes=3"],
        ]
        .map(|arguments| desk.refusal(arguments, 2))
        .into();
        insta::assert_snapshot!(refusals.join("\n"), @r#"
        error: small: these results are given twice; leave one of the folders out
        error: --metric: there is no metric "hops.meen"; `dhtsim list metrics` names them
        error: small: --by lookup: is not swept; the swept parameters are population.nodes, overlay.chord.lookup
        error: small: --where network.loss: is not swept; the swept parameters are population.nodes, overlay.chord.lookup
        error: small: --where population.nodes: at no point is it = 3; its values are 1, 2
        "#);
        let missing = desk.refusal(&["table", "nowhere", "--metric", "nodes"], 2);
        assert!(missing.contains("summary.json: cannot read the results"), "{missing}");
        desk.dhtsim(&["table", FOLDER]).assert().code(2).stdout("");
    }
}

mod schema {
    use super::*;

    fn validator() -> jsonschema::Validator {
        let schema = stdout(&Desk::new().dhtsim(&["schema"]).assert().code(0).stderr(""));
        jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap()
    }

    #[test]
    fn accepts_all_shipped_scenarios() {
        let validator = validator();
        let mut scenarios = 0;
        let folders = ["", "paper"].map(|folder| fs::read_dir(shipped(folder)).unwrap());
        let paths = folders.into_iter().flatten().map(|entry| entry.unwrap().path());
        let is_scenario = |path: &PathBuf| {
            let is_hidden = path.file_name().unwrap().to_string_lossy().starts_with('.');
            !is_hidden && path.extension().is_some_and(|ending| ending == "json")
        };
        for path in paths.filter(is_scenario) {
            let scenario: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            let errors: Vec<String> =
                validator.iter_errors(&scenario).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{}: {errors:?}", path.display());
            scenarios += 1;
        }
        assert!(scenarios >= 7, "only {scenarios} scenarios");
    }

    #[test]
    fn refuses_broken_ones() {
        let validator = validator();
        let good = json!({"name": "x", "population": {"nodes": 8}, "overlay": {"chord": {}}});
        assert!(validator.is_valid(&good));
        for (field, broken) in [
            ("populatoin", json!({})),
            ("population", json!({"nodes": "many"})),
            ("population", json!({"nodez": 8})),
            ("overlay", json!({"cord": {}})),
            ("overlay", json!({"chord": {"lookup": "guessing"}})),
            ("network", json!({"latency": {"constant": 50}})),
            ("plots", json!(["hopps"])),
            ("expect", json!([{"metric": 5}])),
        ] {
            let mut scenario = good.clone();
            scenario[field] = broken;
            assert!(!validator.is_valid(&scenario), "{scenario}");
        }
        let mut nameless = good.clone();
        nameless.as_object_mut().unwrap().remove("name");
        assert!(!validator.is_valid(&nameless));
    }
}
