//! The page of results: what it is made of, and what it does in a real browser.
//!
//! The tests in the browser need `chromium`, `node` and `playwright-core` in
//! `tests/browser/` (`npm ci` there). Where one of them is missing they say that they were
//! skipped, unless `DHTSIM_TEST_ALL` is set, which says that they must be there. With
//! `DHTSIM_PICTURES` set to a folder they leave pictures there, to be looked at.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod desk;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use assert_cmd::assert::OutputAssertExt;

use desk::Desk;

/// A ring on which servers crash and come back, with text that must not become markup.
const SCENARIO: &str = r#"{
    "name": "looked-at",
    "description": "With `code`, <img src=x onerror=alert(1)> & </script><script>alert(2)</script>",
    "population": {"nodes": 24},
    "overlay": {"chord": {
        "successors": 4,
        "stabilize": {"period": "2s"},
        "fix_fingers": {"period": "2s", "fingers": "all_distant"},
        "check_predecessor": {"period": "2s"}
    }},
    "workload": {"lookups": {"arrivals": "poisson", "interval": "2s"}, "keys": 480},
    "faults": [{"at": "20s", "until": "30s", "restart": {"random": 6}}],
    "measure": {"every": "5s"},
    "duration": "60s",
    "repeat": 2,
    "sweep": {"population.nodes": [24, 12, 48]},
    "plots": [
        "hops",
        {"over_time": {"series": ["nodes"]}}
    ],
    "expect": [
        {"claim": "most are right", "metric": "lookups.correct", "at_least": 10},
        {"claim": "none is <b>wrong</b>", "metric": "lookups.correct", "at_most": 1},
        {"metric": "ring.rings", "equals": 1}
    ]
}"#;

impl Desk {
    /// A desk with that scenario.
    fn with_scenario() -> Desk {
        let desk = Desk::new();
        desk.write("x.json", SCENARIO);
        desk
    }

    /// The results with their page.
    fn run(&self) -> PathBuf {
        // One of its claims is broken.
        self.dhtsim(&["run", "x.json", "--quiet", "--report"]).assert().code(1).stderr("");
        self.path("results/looked-at")
    }
}

fn page(folder: &Path) -> String {
    fs::read_to_string(folder.join("report.html")).unwrap()
}

#[test]
fn the_page_of_existing_results_is_the_same_and_nothing_else_changes() {
    let desk = Desk::with_scenario();
    let results = desk.run();
    let first = page(&results);
    let names = || {
        let entries = fs::read_dir(&results).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = names();
    fs::remove_file(results.join("report.html")).unwrap();
    let report = ["report", "results/looked-at"];
    let said = desk.dhtsim(&report).assert().success().stdout("").get_output().stderr.clone();
    let said = String::from_utf8(said).unwrap();
    assert_eq!(said, "looked-at: report written to results/looked-at/report.html\n");
    assert!(page(&results) == first, "another page of the same results");
    assert_eq!(names(), before);
    // What it was made with is in it and gives the same page anywhere.
    let again = ["run", "scenario.json", "--out", "again", "--quiet", "--report"];
    desk.dhtsim(&again).current_dir(&results).assert().code(1);
    assert!(page(&results.join("again/looked-at")) == first, "another page of the same scenario");
}

#[test]
fn the_page_needs_nothing_but_itself() {
    let page = page(&Desk::with_scenario().run());
    assert!(page.contains("default-src 'none'"));
    for outside in ["src=\"http", "href=\"http", "url(", "@import", "<link", "<iframe", "import("] {
        assert!(!page.contains(outside), "{outside} on the page");
    }
    // Only the two scripts of the page end one.
    assert_eq!(page.matches("</script>").count(), 2);
    assert!(!page.contains("<img") && !page.contains("<b>wrong"));
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
}

#[test]
fn bad_results_are_refused_in_one_line() {
    let desk = Desk::with_scenario();
    let refusal = |arguments: &[&str]| {
        let assert = desk.dhtsim(arguments).assert().code(2).stdout("");
        String::from_utf8(assert.get_output().stderr.clone()).unwrap()
    };
    let missing = refusal(&["report", "nowhere"]);
    assert!(missing.starts_with("error: nowhere/summary.json: cannot read"), "{missing}");
    let results = desk.run();
    let scenario = results.join("scenario.json");
    let other = fs::read_to_string(&scenario).unwrap().replace("48", "96");
    fs::write(&scenario, other).unwrap();
    let other = refusal(&["report", "results/looked-at"]);
    let expected = "error: results/looked-at/scenario.json: not the scenario of the results beside \
                    it; run the scenario again\n";
    assert_eq!(other, expected);
    fs::remove_file(&scenario).unwrap();
    let gone = refusal(&["report", "results"]);
    assert!(gone.contains("scenario.json: is not there; run the scenario again"), "{gone}");
}

#[test]
fn the_ring_that_is_shown_can_be_chosen() {
    let desk = Desk::with_scenario();
    let results = desk.run();
    let title = |page: &str| {
        let (_, rest) = page.split_once("<span id=\"ring-which\">").unwrap();
        rest.split_once("</span>").unwrap().0.to_owned()
    };
    let first = page(&results);
    assert_eq!(title(&first), "Chord, nodes = 24, repeat 0 of 0 to 1");
    // It says how to see others, and what it says does what it says.
    let said = "\ndhtsim report . --ring population.nodes=12\n";
    assert!(first.replace("commands\">", "commands\">\n").contains(said));
    let report = |arguments: &[&str]| {
        let all = ["report", ".", "--quiet"].iter().chain(arguments).copied();
        let all: Vec<&str> = all.collect();
        desk.dhtsim(&all).current_dir(&results).assert().success();
        page(&results)
    };
    let other = report(&["--ring", "population.nodes=12"]);
    assert_eq!(title(&other), "Chord, nodes = 12, repeat 0 of 0 to 1");
    assert!(other.contains("dhtsim report . --ring population.nodes=24\n"));
    let repeat = report(&["--ring", "population.nodes=12", "--ring-repeat", "1"]);
    assert_eq!(title(&repeat), "Chord, nodes = 12, repeat 1 of 0 to 1");
    let still = |page: &str| {
        let (_, rest) = page.split_once("<g id=\"ring-still\">").unwrap();
        rest.split_once("</svg>").unwrap().0.to_owned()
    };
    assert_ne!(still(&repeat), still(&other));
    assert!(report(&[]) == first, "another page than the first one");
    let refusal = |arguments: &[&str]| {
        let all = ["report", "."].iter().chain(arguments).copied();
        let all: Vec<&str> = all.collect();
        let assert = desk.dhtsim(&all).current_dir(&results).assert().code(2).stdout("");
        String::from_utf8(assert.get_output().stderr.clone()).unwrap()
    };
    let refusals = [
        (
            ["--ring", "nodes=12"],
            "looked-at: --ring nodes: is not swept; the swept parameters are population.nodes",
        ),
        (
            ["--ring", "population.nodes=13"],
            "looked-at: --ring population.nodes: at no point is it = 13; its values are 24, 12, 48",
        ),
        (
            ["--ring-repeat", "2"],
            "looked-at: --ring-repeat 2: there are 2 repeats, counted from 0; give a smaller \
             number",
        ),
    ];
    for (arguments, expected) in refusals {
        assert_eq!(refusal(&arguments), format!("error: {expected}\n"));
    }
    assert!(page(&results) == first, "a refusal has changed the page");
}

#[test]
fn a_system_without_a_ring_has_a_page_without_one() {
    let desk = Desk::with_scenario();
    let scenario = r#"{
        "name": "fetch", "population": {"nodes": 5}, "overlay": {"tracker": {}}, "duration": "1min"
    }"#;
    fs::write(desk.path("y.json"), scenario).unwrap();
    desk.dhtsim(&["run", "y.json", "--quiet", "--report"]).assert().success().stderr("");
    assert!(!page(&desk.path("results/fetch")).contains("id=\"ring\""));
    let refused = "error: fetch: --ring-repeat 0: there is no ring of up to 300 nodes to be shown; \
                   leave it out\n";
    desk.dhtsim(&["report", "results", "--ring-repeat", "0"]).assert().code(2).stderr(refused);
}

/// What the tests in the browser lack, if they lack anything.
fn lacking() -> Option<&'static str> {
    let runs = |program: &str| {
        let ended = Command::new(program).arg("--version").output();
        ended.is_ok_and(|output| output.status.success())
    };
    let module = browser_folder().join("node_modules/playwright-core");
    if !runs("chromium") {
        Some("chromium")
    } else if !runs("node") {
        Some("node")
    } else if !module.is_dir() {
        Some("playwright-core (npm ci --prefix tests/browser)")
    } else {
        None
    }
}

fn browser_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser")
}

#[test]
#[allow(clippy::print_stderr, reason = "that a test was skipped must be seen")]
fn in_a_real_browser() {
    if let Some(what) = lacking() {
        assert!(env::var_os("DHTSIM_TEST_ALL").is_none(), "there is no {what}");
        eprintln!("skipped: the tests in the browser need {what}");
        return;
    }
    let results = Desk::with_scenario();
    let folder = results.run();
    // The same with several rings and the other repeat.
    let several = results.path("several.html");
    fs::copy(folder.join("report.html"), &several).unwrap();
    let rings = ["report", "results", "--ring", "population.nodes=[12, 24]", "--ring-repeat", "1"];
    results.dhtsim(&rings).assert().success();
    fs::rename(folder.join("report.html"), folder.join("several.html")).unwrap();
    fs::rename(several, folder.join("report.html")).unwrap();
    let mut command = Command::new("node");
    command.arg(browser_folder().join("report.js"));
    command.args(["report.html", "several.html"].map(|name| folder.join(name)));
    if let Some(pictures) = env::var_os("DHTSIM_PICTURES") {
        fs::create_dir_all(&pictures).unwrap();
        command.arg(pictures);
    }
    let Output { status, stdout, stderr } = command.output().unwrap();
    let said = [stdout, stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(status.success(), "{said}");
    assert!(said.contains("tests in the browser passed"), "{said}");
}
