//! Results are reproducible: the committed ones come out again byte for byte, whatever
//! the number of threads, and change where they should and nowhere else.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use assert_cmd::assert::OutputAssertExt;
use assert_cmd::cargo::cargo_bin;
use dhtsim::experiment;
use dhtsim::journal::Nowhere;
use dhtsim::measure::summary::Summary;
use dhtsim::report;
use dhtsim::scenario::{Overrides, Plan, load};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Scenarios that take seconds: these are run again as a whole. Of all others the first
/// point of every system is.
const SMALL: [&str; 4] = ["notes-ring", "chord-1000", "successor-only", "chord-grown"];

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files of the shipped scenarios by their names: those of the folder and of the folders
/// with the published experiments and with the large ones.
fn scenarios() -> BTreeMap<String, PathBuf> {
    let folders = ["scenarios", "scenarios/paper", "scenarios/scale"];
    let folders = folders.map(|folder| project().join(folder));
    let files = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    files
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .filter(|path| !path.file_name().unwrap().to_string_lossy().starts_with('.'))
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), path))
        .collect()
}

/// Their names, ascending.
fn shipped() -> Vec<String> {
    scenarios().into_keys().collect()
}

fn scenario(name: &str) -> PathBuf {
    scenarios().remove(name).unwrap_or_else(|| panic!("there is no scenario {name}"))
}

fn plan(name: &str) -> Plan {
    load(&scenario(name), &Overrides::default()).unwrap()
}

/// How to mend results that are not as they should be.
fn mend(name: &str) -> String {
    let file = scenario(name);
    let file = file.strip_prefix(project()).unwrap().display();
    format!("write them anew, if that is meant: cargo run --release -- run {file}")
}

fn committed(name: &str) -> Summary {
    let folder = project().join("results").join(name);
    report::read(&folder).unwrap_or_else(|error| panic!("{error}\n{}", mend(name)))
}

fn run(file: &Path, out: &Path, more: &[&str]) {
    let mut dhtsim = Command::new(cargo_bin!("dhtsim"));
    dhtsim.arg("run").arg(file).arg("--out").arg(out).args(more);
    let ended = dhtsim.assert();
    // A broken claim is the business of another test.
    let code = ended.get_output().status.code().unwrap();
    assert!(code <= 1, "exit code {code}: {}", String::from_utf8_lossy(&ended.get_output().stderr));
}

/// All files of a folder with their bytes, but for `metrics.csv`: it says what `runs.csv` says and
/// is not committed.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let Ok(entries) = fs::read_dir(folder) else { return BTreeMap::new() };
    entries
        .map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
        })
        .filter(|(name, _)| name != "metrics.csv")
        .collect()
}

/// Where two files part: the number of the first line that differs, and both lines.
fn difference(one: &[u8], other: &[u8]) -> String {
    let lines = |bytes: &[u8]| -> Vec<String> {
        String::from_utf8_lossy(bytes)
            .lines()
            .map(|line| line.chars().take(200).collect())
            .collect()
    };
    let (one, other) = (lines(one), lines(other));
    let end = "(end)".to_owned();
    let line = |of: &[String], at: usize| of.get(at).unwrap_or(&end).clone();
    let last = one.len().max(other.len());
    let first = (0..last).find(|at| line(&one, *at) != line(&other, *at)).unwrap_or(last);
    format!("line {}:\n- {}\n+ {}", first + 1, line(&one, first), line(&other, first))
}

mod shipped_scenarios {
    use super::*;

    fn assert_reproduced(name: &str) {
        let out = TempDir::new().unwrap();
        run(&scenario(name), out.path(), &["--quiet"]);
        let old = files(&project().join("results").join(name));
        let new = files(&out.path().join(name));
        let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&old), names(&new), "files of results/{name}; {}", mend(name));
        for (file, bytes) in &new {
            let same = old[file] == *bytes;
            let place = || difference(&old[file], bytes);
            assert!(same, "results/{name}/{file} has changed in {}\n{}", place(), mend(name));
        }
    }

    #[test]
    fn notes_ring_comes_out_again() {
        assert_reproduced("notes-ring");
    }

    #[test]
    fn chord_1000_comes_out_again() {
        assert_reproduced("chord-1000");
    }

    #[test]
    fn successor_only_comes_out_again() {
        assert_reproduced("successor-only");
    }

    #[test]
    fn chord_grown_comes_out_again() {
        assert_reproduced("chord-grown");
    }

    /// Points share nothing, so some of them can be run again alone.
    #[test]
    fn the_first_point_of_every_system_comes_out_again() {
        for name in shipped().iter().filter(|name| !SMALL.contains(&name.as_str())) {
            let old = committed(name).points;
            let mut seen = BTreeSet::new();
            let mut plan = plan(name);
            let planned = std::mem::take(&mut plan.points).into_iter().zip(&old);
            let (points, old): (Vec<_>, Vec<_>) =
                planned.filter(|(_, old)| seen.insert(&old.system)).unzip();
            plan.points = points;
            let new = experiment::run(&plan, 2, &Nowhere, &|_, _| {}).summary.points;
            for (new, old) in new.iter().zip(old) {
                let same = new == old;
                let which = &old.system;
                assert!(same, "the first {which} of results/{name} has changed; {}", mend(name));
            }
        }
    }

    #[test]
    fn all_pass_the_check() {
        let files = shipped().into_iter().map(|name| scenario(&name));
        Command::new(cargo_bin!("dhtsim")).arg("check").args(files).assert().code(0).stderr("");
    }

    #[test]
    fn all_have_results_that_are_theirs() {
        for name in shipped() {
            let (plan, summary) = (plan(&name), committed(&name));
            assert_eq!((&plan.name, &summary.scenario), (&name, &name), "name, file, folder");
            assert_eq!(summary.seed, plan.seed, "{name}; {}", mend(&name));
            assert_eq!(summary.description, plan.description, "{name}; {}", mend(&name));
            let run: Vec<_> = summary.points.iter().map(|p| (&p.params, p.repeats)).collect();
            let planned: Vec<_> = plan.points.iter().map(|p| (&p.params, plan.repeat)).collect();
            assert_eq!(run, planned, "points of {name}; {}", mend(&name));
            for plot in &plan.scenario.plots {
                let file = format!("{}.svg", plot.file_stem());
                let there = files(&project().join("results").join(&name)).contains_key(&file);
                assert!(there, "results/{name}/{file} is missing; {}", mend(&name));
            }
        }
        let results: Vec<String> = {
            let folders = fs::read_dir(project().join("results")).unwrap();
            let mut names: Vec<String> =
                folders.map(|folder| folder.unwrap().file_name().into_string().unwrap()).collect();
            names.retain(|name| !name.starts_with('.'));
            names.sort_unstable();
            names
        };
        assert_eq!(results, shipped(), "folders of results/, and scenarios");
    }

    #[test]
    fn all_their_claims_hold() {
        for name in shipped() {
            let (plan, summary) = (plan(&name), committed(&name));
            let judged = summary.expectations.len();
            let claimed = plan.scenario.expect.len();
            assert!(judged >= claimed, "{name}: {judged} of {claimed} claims; {}", mend(&name));
            for verdict in &summary.expectations {
                assert!(verdict.held, "results/{name}: {}: {}", verdict.claim, verdict.figure);
                assert!(verdict.checked > 0, "results/{name}: {} is empty", verdict.claim);
            }
        }
    }

    #[test]
    fn those_listed_here_are_there() {
        assert!(SMALL.iter().all(|name| scenario(name).is_file()));
    }
}

mod a_small_sweep {
    use super::*;

    struct Desk {
        folder: TempDir,
    }

    /// A sweep with everything random in it.
    fn desk() -> Desk {
        let folder = TempDir::new().unwrap();
        let scenario = json!({
            "name": "small",
            "population": {"nodes": 32, "joins": {"initial": 4, "interval": "1s"}},
            "overlay": {"chord": {
                "successors": 4,
                "stabilize": {"period": "1s", "jitter": 0.5},
                "fix_fingers": {"period": "1s", "jitter": 0.5, "fingers": "in_turn_distant"},
                "check_predecessor": {"period": "2s", "jitter": 0.5},
            }},
            "network": {"latency": {"exponential": {"mean": "30ms"}}, "loss": 0.01},
            "workload": {
                "lookups": {"arrivals": "poisson", "interval": "2s", "timeout": "10s"},
                "keys": 500,
            },
            "duration": "2min",
            "repeat": 3,
            "sweep": {
                "population.nodes": [16, 32, 64],
                "overlay.chord.lookup": ["iterative", "recursive"],
            },
            "plots": ["hops", "hop_distribution", "keys_per_node", "messages_per_node"],
        });
        fs::write(folder.path().join("small.json"), scenario.to_string()).unwrap();
        Desk { folder }
    }

    impl Desk {
        /// The files that come of it with these arguments.
        fn results(&self, more: &[&str]) -> BTreeMap<String, Vec<u8>> {
            let out = TempDir::new().unwrap();
            run(&self.folder.path().join("small.json"), out.path(), more);
            files(&out.path().join("small"))
        }
    }

    fn summary(files: &BTreeMap<String, Vec<u8>>) -> Value {
        serde_json::from_slice(&files["summary.json"]).unwrap()
    }

    /// The rows of runs.csv by the values of their first fields: the swept parameters and
    /// the number of the repeat.
    fn runs(files: &BTreeMap<String, Vec<u8>>) -> BTreeMap<String, String> {
        let text = String::from_utf8(files["runs.csv"].clone()).unwrap();
        let row = |line: &str| {
            let key: Vec<&str> = line.splitn(4, ',').take(3).collect();
            (key.join(","), line.to_owned())
        };
        text.lines().skip(1).map(row).collect()
    }

    #[test]
    fn gives_the_same_bytes_on_one_thread_and_on_three() {
        let desk = desk();
        let one = desk.results(&["--jobs", "1"]);
        assert!(one.len() >= 8, "tables and plots");
        // A talkative run is the same as a quiet one, and three threads take turns anew
        // every time.
        for _ in 0..3 {
            assert!(one == desk.results(&["--jobs", "3", "--quiet"]), "three threads differ");
        }
    }

    #[test]
    fn gives_another_world_under_another_seed_the_same_every_time() {
        let desk = desk();
        let [one, two] = ["1", "2"].map(|seed| desk.results(&["--seed", seed]));
        let results = |mut files: BTreeMap<_, _>| {
            // It says what was given.
            files.remove("scenario.json").unwrap();
            files
        };
        let given = results(one.clone());
        assert!(given == results(desk.results(&[])), "1 is the seed of a file that names none");
        assert!(two == desk.results(&["--seed", "2"]));
        for (point, other) in summary(&one)["points"]
            .as_array()
            .unwrap()
            .iter()
            .zip(summary(&two)["points"].as_array().unwrap())
        {
            assert_eq!(point["params"], other["params"]);
            assert_ne!(point["digest"], other["digest"]);
            assert_ne!(point["keys_per_node"], other["keys_per_node"]);
        }
    }

    #[test]
    fn keeps_its_earlier_runs_when_a_repeat_is_added() {
        let desk = desk();
        let three = runs(&desk.results(&[]));
        let four = runs(&desk.results(&["--set", "repeat=4"]));
        assert_eq!((three.len(), four.len()), (6 * 3, 6 * 4));
        for (run, row) in &three {
            assert_eq!(four[run], *row);
        }
        // And no run is like another.
        let digests = |runs: &BTreeMap<String, String>| {
            let mut digests: Vec<String> =
                runs.values().map(|row| row.split(',').nth(4).unwrap().to_owned()).collect();
            digests.sort_unstable();
            digests.dedup();
            digests.len()
        };
        assert_eq!(digests(&four), 24);
    }

    #[test]
    fn keeps_a_point_when_others_are_left_out() {
        let desk = desk();
        let all = summary(&desk.results(&[]));
        let one = summary(&desk.results(&["--set", "population.nodes=32"]));
        let of_32 = |point: &&Value| point["nodes"] == 32;
        let digests = |summary: &Value| -> Vec<Value> {
            let points = summary["points"].as_array().unwrap();
            points.iter().filter(of_32).map(|point| point["digest"].clone()).collect()
        };
        assert_eq!(digests(&all).len(), 2);
        assert_eq!(digests(&all), digests(&one));
    }

    #[test]
    fn shows_both_lookup_styles_the_same_nodes_and_keys() {
        let summary = summary(&desk().results(&[]));
        let points = summary["points"].as_array().unwrap();
        for pair in points.chunks(2) {
            assert_eq!(pair[0]["nodes"], pair[1]["nodes"]);
            assert_eq!(pair[0]["keys_per_node"], pair[1]["keys_per_node"]);
            assert_ne!(pair[0]["digest"], pair[1]["digest"], "they are not the same run");
        }
    }
}
