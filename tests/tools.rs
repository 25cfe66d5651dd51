//! Working with results from the command line (`verify`, `compare`), and what makes the tool
//! one among others: completions, manual, beginnings of scenarios, colours.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod desk;

use std::fs;
use std::path::PathBuf;

use assert_cmd::assert::OutputAssertExt;
use serde_json::{Value, json};

use desk::{Desk, stdout};

impl Desk {
    /// A desk with a small sweep with everything that a results folder may hold.
    fn with_scenario() -> Desk {
        let desk = Desk::new();
        let scenario = json!({
            "$schema": "nowhere.json",
            "name": "small",
            "seed": 7,
            "population": {"nodes": 16},
            "overlay": {"chord": {"lookup": "recursive"}},
            "network": {"latency": {"exponential": {"mean": "30ms"}}},
            "workload": {"lookups": {"per_node": 5}, "keys": 100},
            "duration": "10min",
            "measure": {"every": "1min"},
            "faults": [{"at": "5min", "crash": {"random": 1}}],
            "repeat": 3,
            "sweep": {"population.nodes": [8, 16]},
            "plots": ["hops", "key_distribution"],
        });
        fs::write(desk.path("x.json"), scenario.to_string()).unwrap();
        desk
    }

    /// Runs the scenario, with results in this folder.
    fn run(&self, out: &str, more: &[&str]) {
        let run = [&["run", "x.json", "--quiet", "--out", out], more].concat();
        self.dhtsim(&run).assert().code(0);
    }

    /// What a command that ends well prints.
    fn answer(&self, arguments: &[&str]) -> String {
        stdout(&self.dhtsim(arguments).assert().code(0).stderr(""))
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(file)).unwrap();
        assert!(text.contains(from), "{from} is not in {file}");
        fs::write(self.path(file), text.replacen(from, to, 1)).unwrap();
    }
}

mod verify {
    use super::*;

    #[test]
    fn what_comes_out_again_is_the_same() {
        let desk = Desk::with_scenario();
        desk.run("results", &["--png", "--report", "--set", "workload.lookups.per_node=6"]);
        let verify = desk.dhtsim(&["verify", "results", "--jobs", "1"]).assert().code(0);
        let said = stdout(&verify);
        // The page is made of the others.
        let files = fs::read_dir(desk.path("results/small")).unwrap().count() - 1;
        let folder = PathBuf::from("results").join("small").display().to_string();
        let without = "without report.html";
        assert_eq!(said, format!("same     {folder}: 6 runs, {files} files, {without}\n"));
        assert!(files >= 12, "tables, plots and pictures");
        desk.dhtsim(&["verify", "results/small", "--quiet"]).assert().code(0).stdout("").stderr("");
        // What says the same as another table may be missing, and hidden files are nobody's.
        fs::remove_file(desk.path("results/small/metrics.csv")).unwrap();
        fs::write(desk.path("results/small/.notes"), "mine").unwrap();
        let said = stdout(&desk.dhtsim(&["verify", "results"]).assert().code(0));
        assert!(
            said.starts_with("same ") && said.ends_with(", without metrics.csv, report.html\n"),
            "{said}"
        );
    }

    #[test]
    fn what_differs_is_named() {
        let desk = Desk::with_scenario();
        desk.run("results", &[]);
        let runs = fs::read_to_string(desk.path("results/small/runs.csv")).unwrap();
        let digest = runs.lines().nth(2).unwrap().split(',').nth(3).unwrap();
        desk.edit("results/small/runs.csv", digest, "0123456789abcdef");
        desk.edit("results/small/hops.svg", "</svg>", " </svg>");
        fs::remove_file(desk.path("results/small/load.csv")).unwrap();
        let verify = desk.dhtsim(&["verify", "results", "--quiet"]).assert().code(1).stderr("");
        let said = stdout(&verify).replace(digest, "[digest]").replace('\\', "/");
        let said = said.lines().map(|line| match line.split_once("hops.svg: line ") {
            // However the plot is drawn.
            Some((before, _)) => format!("{before}hops.svg: line …"),
            None => line.to_owned(),
        });
        insta::assert_snapshot!(said.collect::<Vec<_>>().join("\n"));
    }

    /// The files that a scenario names are with the results, so they may be gone.
    #[test]
    fn a_folder_is_complete_in_itself() {
        let desk = Desk::new();
        fs::write(desk.path("trace"), "0 0 join\n0 1 join\n5 1 leave\n").unwrap();
        let scenario = json!({
            "name": "small", "duration": "9s", "overlay": {"chord": {"stabilize": {"period": "1s"}}},
            "population": {"nodes": 2, "churn": {"trace": "trace"}},
        });
        fs::write(desk.path("x.json"), scenario.to_string()).unwrap();
        desk.run("results", &[]);
        fs::rename(desk.path("results/small"), desk.path("elsewhere")).unwrap();
        fs::remove_file(desk.path("trace")).unwrap();
        fs::remove_file(desk.path("x.json")).unwrap();
        let said = stdout(&desk.dhtsim(&["verify", "elsewhere"]).assert().code(0));
        assert!(said.starts_with("same     elsewhere: 1 run, "), "{said}");
    }

    #[test]
    fn what_cannot_be_verified_is_refused_in_one_line() {
        let desk = Desk::with_scenario();
        let nowhere = desk.refusal(&["verify", "nowhere"], 2);
        assert!(nowhere.contains("cannot read the results"), "{nowhere}");
        desk.run("results", &[]);
        fs::remove_file(desk.path("results/small/runs.csv")).unwrap();
        let tableless = desk.refusal(&["verify", "results/small", "--quiet"], 2);
        assert!(tableless.contains("runs.csv: cannot read the results"), "{tableless}");
        fs::remove_file(desk.path("results/small/scenario.json")).unwrap();
        let bare = desk.refusal(&["verify", "results/small"], 2);
        assert!(bare.ends_with("is not there; run its scenario again, which writes it"), "{bare}");
    }
}

mod compare {
    use super::*;

    /// A desk with results of two settings under one seed, and of the first under another.
    fn results() -> Desk {
        let desk = Desk::with_scenario();
        desk.run("a", &[]);
        desk.run("b", &["--set", "overlay.chord.lookup=iterative"]);
        desk.run("c", &["--seed", "8"]);
        desk
    }

    fn cells(csv: &str) -> Vec<Vec<&str>> {
        csv.lines().map(|line| line.split(',').collect()).collect()
    }

    #[test]
    fn runs_of_one_seed_are_paired_and_of_two_are_not() {
        let desk = results();
        let metrics = ["--metric", "hops.mean", "--metric", "latency_ms.mean"];
        let ask = |second: &str| {
            let said = desk.answer(&[&["compare", "a/small", second], &metrics[..]].concat());
            said.replace('\\', "/")
        };
        insta::assert_snapshot!([ask("b/small"), ask("c/small")].join("\n"));
    }

    #[test]
    fn what_chance_explains_is_shown_only_when_it_is_asked_for() {
        let desk = results();
        let brief = desk.answer(&["compare", "a/small", "c/small"]);
        assert!(!brief.contains("not significant\n"), "{brief}");
        assert!(brief.ends_with("(the others are not shown: --all does)\n"), "{brief}");
        let all = desk.answer(&["compare", "a/small", "c/small", "--all"]);
        assert!(all.contains("not significant\n") && all.len() > brief.len(), "{all}");
    }

    #[test]
    fn what_is_the_same_is_said_and_left_out() {
        let desk = results();
        let said = desk.answer(&["compare", "a/small", "a/small"]);
        assert!(said.contains("2 points, 6 runs, 6 with the same digest\n"), "{said}");
        assert!(said.ends_with("identical: no metric differs in any run\n"), "{said}");
        let all = desk.answer(&["compare", "a/small", "a/small", "--all"]);
        assert!(all.contains("hops.mean") && !all.contains("differs\n"), "{all}");
        let changed = desk.answer(&["compare", "a/small", "b/small", "--csv"]);
        let header = cells(&changed)[0].clone();
        assert_eq!(header[..4], ["population.nodes", "metric", "runs_a", "runs_b"]);
        assert!(cells(&changed).iter().all(|row| row.last() != Some(&"same")), "{changed}");
        let every = desk.answer(&["compare", "a/small", "b/small", "--csv", "--all"]);
        assert!(cells(&every).len() > cells(&changed).len() && cells(&changed).len() > 5);
        assert!(!every.contains("NaN") && !every.contains("inf"), "{every}");
    }

    #[test]
    fn a_single_run_tells_no_chance_from_cause() {
        let desk = Desk::with_scenario();
        desk.run("a", &["--set", "repeat=1"]);
        desk.run("b", &["--set", "repeat=1", "--set", "overlay.chord.lookup=iterative"]);
        let said = desk.answer(&["compare", "a/small", "b/small"]);
        assert!(said.contains("  one run\n") && !said.contains("differs\n"), "{said}");
        assert!(said.ends_with("give the scenarios `repeat`\n"), "{said}");
    }

    #[test]
    fn what_does_not_fit_together_is_refused_in_one_line() {
        let desk = results();
        desk.run("d", &["--set", "sweep.population.nodes=[9]"]);
        desk.run("e", &["--set", "sweep={\"overlay.chord.successors\": [1, 2]}"]);
        let refusals: Vec<String> = [
            &["a/small", "d/small"][..],
            &["a/small", "e/small"],
            &["a/small", "nowhere"],
            &["a/small", "b/small", "--metric", "hops.meen"],
        ]
        .iter()
        .map(|arguments| desk.refusal(&[&["compare"], *arguments].concat(), 2))
        .map(|said| said.replace('\\', "/").split(": No such").next().unwrap().to_owned())
        .collect();
        insta::assert_snapshot!(refusals.join("\n"));
    }
}

mod init {
    use super::*;

    fn kinds() -> Vec<String> {
        let help = Desk::new().answer(&["init", "--help"]);
        let names = help.lines().filter_map(|line| line.trim().strip_prefix("- "));
        names.filter_map(|line| Some(line.split_once(':')?.0.to_owned())).collect()
    }

    #[test]
    fn every_kind_runs_as_it_stands_and_its_claims_hold() {
        let kinds = kinds();
        assert!(kinds.len() >= 8, "{kinds:?}");
        let desk = Desk::new();
        for kind in &kinds {
            let said = desk.dhtsim(&["init", kind]).assert().code(0).stdout("");
            let said = String::from_utf8(said.get_output().stderr.clone()).unwrap();
            let file = format!("{kind}.json");
            let run = format!("; run it: dhtsim run {file}\n");
            assert!(said.starts_with(&file) && said.ends_with(&run), "{said}");
            desk.dhtsim(&["run", &file]).assert().code(0);
            let scenario = desk.path(&format!("results/{kind}/scenario.json"));
            let scenario: Value = serde_json::from_slice(&fs::read(scenario).unwrap()).unwrap();
            assert_eq!(scenario["name"], **kind);
            assert!(!scenario["plots"].as_array().unwrap().is_empty(), "{kind} draws something");
            let text = fs::read_to_string(desk.path(&file)).unwrap();
            assert!(text.matches("\n  // ").count() >= 3, "{kind} has comments");
        }
    }

    #[test]
    fn the_schema_is_beside_it_and_the_scenario_bears_the_name_of_its_file() {
        let desk = Desk::new();
        fs::create_dir(desk.path("own")).unwrap();
        desk.dhtsim(&["init", "chord", "own/first-try.json"]).assert().code(0);
        let text = fs::read_to_string(desk.path("own/first-try.json")).unwrap();
        assert!(text.contains("\"name\": \"first-try\""), "{text}");
        assert!(text.contains("\"$schema\": \".dhtsim/schema.json\""), "{text}");
        let schema = fs::read_to_string(desk.path("own/.dhtsim/schema.json")).unwrap();
        assert_eq!(schema, desk.answer(&["schema"]));
        // A name that a scenario cannot have is not taken.
        desk.dhtsim(&["init", "chord", "own/zwei drei.json"]).assert().code(0);
        let text = fs::read_to_string(desk.path("own/zwei drei.json")).unwrap();
        assert!(text.contains("\"name\": \"chord\""), "{text}");
    }

    #[test]
    fn nothing_is_overwritten() {
        let desk = Desk::new();
        fs::write(desk.path("chord.json"), "mine").unwrap();
        let refusal = desk.refusal(&["init", "chord"], 2);
        assert!(refusal.starts_with("error: chord.json: is there already; "), "{refusal}");
        assert_eq!(fs::read_to_string(desk.path("chord.json")).unwrap(), "mine");
        assert_eq!(fs::read_dir(desk.folder()).unwrap().count(), 1, "nothing else is there");
        let refusal = desk.refusal(&["init", "chord", "missing/chord.json"], 3);
        assert!(
            refusal.starts_with("error: missing/chord.json: there is no folder missing; "),
            "{refusal}"
        );
    }
}

#[test]
fn every_shell_gets_its_completions() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = desk.answer(&["completions", shell]);
        for word in ["verify", "compare", "ignore-memory"] {
            assert!(script.contains(word), "{shell}: {word} is not completed");
        }
    }
    desk.dhtsim(&["completions", "dosh"]).assert().code(2).stdout("");
}

#[test]
fn the_manual_has_a_page_for_every_command() {
    let desk = Desk::new();
    let said = desk.dhtsim(&["man", "--out", "share/man1"]).assert().code(0).stdout("");
    let said = String::from_utf8(said.get_output().stderr.clone()).unwrap();
    let mut pages: Vec<String> = fs::read_dir(desk.path("share/man1"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    pages.sort();
    assert!(said.ends_with(&format!(": {} pages written\n", pages.len())), "{said}");
    for page in ["dhtsim.1", "dhtsim-run.1", "dhtsim-compare.1"] {
        assert!(pages.iter().any(|name| name == page), "{page} is not among {pages:?}");
    }
    let page = desk.answer(&["man", "run"]);
    assert_eq!(page, fs::read_to_string(desk.path("share/man1/dhtsim-run.1")).unwrap());
    assert!(page.contains(".SH SYNOPSIS") && page.contains("dhtsim run my.json"), "{page}");
    assert!(desk.answer(&["man"]).contains("Exit codes:"));
    let refusal = desk.refusal(&["man", "fly"], 2);
    assert!(refusal.contains("there is no command \"fly\"; give one of run, "), "{refusal}");
}

#[test]
fn colours_are_there_only_where_they_are_wanted() {
    let desk = Desk::with_scenario();
    let claim = r#"expect=[{"metric": "nodes", "at_least": 1}]"#;
    let run = |name: &str, value: &str| {
        let mut command = desk.dhtsim(&["run", "x.json", "--set", claim]);
        stdout(&command.env(name, value).assert().code(0))
    };
    let plain = run("TERM", "xterm-256color");
    assert!(plain.contains("held    "), "{plain}");
    assert!(!plain.contains('\u{1b}'), "this is no terminal: {plain}");
    let coloured = run("CLICOLOR_FORCE", "1");
    assert!(coloured.contains("\u{1b}[32mheld  \u{1b}[0m  "), "{coloured:?}");
    let without = |text: &str| text.replace("\u{1b}[32m", "").replace("\u{1b}[0m", "");
    assert_eq!(without(&coloured), plain);
    let mut command = desk.dhtsim(&["run", "x.json", "--set", claim]);
    command.env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1");
    assert_eq!(stdout(&command.assert().code(0)), plain);
}
