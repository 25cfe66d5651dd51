//! The event stream of a run: it changes nothing, leaves nothing out, and a filter chooses from
//! it what it says.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod desk;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use dhtsim::experiment;
use dhtsim::measure::Tally;
use dhtsim::measure::summary::MessageCount;
use dhtsim::scenario::{self, Overrides, Setup};
use dhtsim::sim::{Duration, Time};
use dhtsim::trace::Filter;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use serde_json::{Value, json};

use desk::Desk;

/// The scenarios that `dhtsim init` writes, one for each kind of system.
fn beginnings() -> impl Iterator<Item = (String, Setup)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli/init");
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 8, "{files:?}");
    files.into_iter().map(|file| {
        let plan = scenario::load(&file, &Overrides::default()).unwrap();
        (plan.name, plan.points[0].setup.clone())
    })
}

/// A ring on which everything happens that can happen to messages.
fn eventful() -> Setup {
    setup(&json!({
        "name": "eventful",
        "population": {"nodes": 24, "churn": {
            "sessions": {"exponential": {"mean": "2min"}}, "downtimes": {"constant": "20s"},
            "graceful": 0.5,
        }},
        "overlay": {"chord": {
            "lookup": "recursive", "request_timeout": "500ms", "successors": 4,
            "stabilize": {"period": "5s"}, "fix_fingers": {"period": "10s"},
            "check_predecessor": {"period": "5s"},
        }},
        "network": {
            "latency": {"uniform": {"from": "10ms", "to": "300ms"}}, "loss": 0.05,
            "service_time": "2ms",
        },
        "workload": {
            "lookups": {"interval": "2s", "arrivals": "poisson", "timeout": "10s"},
            "storage": {
                "keys": 40, "copies": 2, "repair": "20s",
                "puts": {"interval": "20s"}, "gets": {"interval": "3s"},
            },
        },
        "faults": [{"at": "30s", "until": "50s", "freeze": {"fraction": 0.2}}],
        "duration": "2min",
    }))
}

fn setup(scenario: &Value) -> Setup {
    let plan = scenario::parse("x.json", &scenario.to_string(), &Overrides::default());
    plan.unwrap().points[0].setup.clone()
}

fn traced(setup: &Setup, filter: &Filter) -> (Tally, Vec<Value>) {
    let mut out = Vec::new();
    let (tally, written) = experiment::simulate_traced(setup, 0, filter, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len() as u64, written);
    (tally, lines)
}

fn count<'l>(lines: impl IntoIterator<Item = &'l Value>, name: &str) -> BTreeMap<&'l str, u64> {
    let mut counts = BTreeMap::new();
    for name in lines.into_iter().filter_map(|line| line[name].as_str()) {
        *counts.entry(name).or_default() += 1;
    }
    counts
}

/// The number that a count of one run is.
fn whole(count: f64) -> Option<u64> {
    (count.fract() == 0.0).then_some(count as u64)
}

/// What a node handles, each of which the engine counts as an event.
const HANDLED: [&str; 6] = ["start", "ask", "leave", "receive", "time_out", "wake"];

#[test]
fn a_trace_changes_nothing_and_leaves_nothing_out() {
    for (name, setup) in beginnings().chain([("eventful".to_owned(), eventful())]) {
        let (tally, lines) = traced(&setup, &Filter::default());
        assert_eq!(tally, experiment::simulate(&setup, 0), "{name}");

        let events = count(&lines, "event");
        let handled: u64 = HANDLED.iter().filter_map(|event| events.get(event)).sum();
        assert_eq!(handled, tally.events, "{name}: {events:?}");

        let of = |event| lines.iter().filter(move |line| line["event"] == event);
        let (sent, acknowledged) = (count(of("send"), "kind"), count(of("acknowledge"), "purpose"));
        for MessageCount { kind, messages, .. } in &tally.messages {
            let traced = match kind.strip_suffix("_acknowledgement") {
                Some(purpose) => acknowledged.get(purpose),
                None => sent.get(kind.as_str()),
            };
            // What is sent while it warms up is not counted.
            if setup.warm_up.is_none() {
                let traced = traced.copied().unwrap_or_default();
                assert_eq!(Some(traced), whole(*messages), "{name}: {kind}");
            }
        }
        // Whatever stands there can be asked for.
        let names = ["event", "kind", "purpose"].map(|field| count(&lines, field));
        let kinds = names.iter().flat_map(BTreeMap::keys).map(|name| (*name).to_owned()).collect();
        let until = Some(Time::ZERO);
        traced(&setup, &Filter { kinds, until, ..Filter::default() });
        let times = lines.iter().map(|line| line["at_ns"].as_u64().unwrap());
        assert!(times.is_sorted(), "{name}");
    }
}

#[test]
fn what_is_sent_arrives_when_it_is_said_to() {
    let setup = eventful();
    let (_, lines) = traced(&setup, &Filter::default());
    let end = lines.last().unwrap()["at_ns"].as_u64().unwrap();
    let way = |line: &Value, from: &str, to: &str| {
        format!("{} {} {} {}", line[from], line[to], line["kind"], line["message"])
    };
    let mut arrivals = BTreeMap::new();
    for line in lines.iter().filter(|line| line["event"] == "receive" || line["event"] == "miss") {
        arrivals.entry(way(line, "peer", "node")).or_insert(Vec::new()).push(&line["at_ns"]);
    }
    let mut lost = 0;
    let mut sent = 0;
    for line in lines.iter().filter(|line| line["event"] == "send") {
        let Some(arrives) = line["arrives_ns"].as_u64() else {
            lost += 1;
            assert_eq!(line["lost"], true);
            continue;
        };
        sent += 1;
        // It may have to wait until its receiver is free.
        let comes = |times: &Vec<&Value>| {
            times.iter().any(|at| at.as_u64().is_some_and(|at| at >= arrives))
        };
        let is_there = arrivals.get(&way(line, "node", "peer")).is_some_and(comes);
        assert!(is_there || arrives + 100_000_000 > end, "{line}");
    }
    let share = f64::from(lost) / f64::from(lost + sent);
    assert!((0.03..0.07).contains(&share), "{share}");
    let events = count(&lines, "event");
    for event in ["miss", "time_out", "crash", "depart", "freeze", "thaw", "leave", "acknowledge"] {
        assert!(events.contains_key(event), "{event}: {events:?}");
    }
}

#[test]
fn a_lookup_is_followed_from_question_to_answer() {
    let (tally, lines) = traced(&eventful(), &Filter::default());
    let notes = |kind: &'static str| lines.iter().filter(move |line| line["kind"] == kind);
    let of_lookup = |kind| notes(kind).filter(|line| line["lookup"].is_u64());
    let asked = of_lookup("lookup").filter(|line| line["event"] == "ask").count();
    assert_eq!(asked as u64, tally.issued);
    let answers = of_lookup("answer").count() as u64;
    assert!(answers >= tally.correct + tally.incorrect, "{answers}");
    // A get's own lookups are for the get, not for a lookup that nobody asked.
    let gets = notes("get").map(|line| line["request"].as_u64().unwrap());
    let gets: Vec<u64> = gets.collect();
    let for_gets = lines.iter().filter(|line| {
        line["purpose"] == "lookup" && line["request"].as_u64().is_some_and(|n| gets.contains(&n))
    });
    assert!(for_gets.count() > 100);
    let last = asked as u64;
    assert!(lines.iter().filter_map(|line| line["lookup"].as_u64()).all(|lookup| lookup < last));
}

/// What a filter says, of a line as it was written.
fn accepts(filter: &Filter, line: &Value) -> bool {
    let at = line["at_ns"].as_u64().unwrap();
    let is_one_of = |wanted: &[u32], field: &str| {
        line[field].as_u64().is_some_and(|n| wanted.iter().any(|w| u64::from(*w) == n))
    };
    let is_at = |node: &String| {
        let node = node.parse::<u64>().ok();
        line["node"].as_u64() == node || line["peer"].as_u64() == node
    };
    let is_called = |kind: &String| {
        ["event", "kind", "purpose"].iter().any(|field| line[*field].as_str() == Some(kind))
    };
    let anything = filter.lookups.is_empty() && filter.requests.is_empty();
    at >= filter.from.as_nanos()
        && filter.until.is_none_or(|until| at < until.as_nanos())
        && (filter.nodes.is_empty() || filter.nodes.iter().any(is_at))
        && (filter.kinds.is_empty() || filter.kinds.iter().any(is_called))
        && (anything
            || is_one_of(&filter.lookups, "lookup")
            || is_one_of(&filter.requests, "request"))
}

fn filter() -> impl Strategy<Value = Filter> {
    let kinds =
        ["send", "receive", "wake", "lookup", "storage", "stands_at", "neighbours", "leave"];
    let seconds = || (0u64..130).prop_map(|s| Time::ZERO + Duration::from_secs(s));
    (
        prop::collection::vec((0usize..24).prop_map(|n| n.to_string()), 0..3),
        prop::collection::vec(prop::sample::select(kinds.to_vec()).prop_map(str::to_owned), 0..3),
        prop::collection::vec(0u32..600, 0..40),
        prop::collection::vec(0u32..600, 0..40),
        seconds(),
        prop::option::of(seconds()),
    )
        .prop_map(|(nodes, kinds, lookups, requests, from, until)| Filter {
            nodes,
            kinds,
            lookups,
            requests,
            from,
            until,
        })
}

#[test]
fn a_filter_chooses_from_the_whole_trace_what_it_says() {
    let setup = eventful();
    let (_, all) = traced(&setup, &Filter::default());
    let seeds = FileFailurePersistence::Direct("tests/regressions/trace.txt");
    let config = ProptestConfig {
        cases: 40,
        failure_persistence: Some(Box::new(seeds)),
        ..ProptestConfig::default()
    };
    proptest!(config, |(filter in filter())| {
        let (_, chosen) = traced(&setup, &filter);
        let expected: Vec<&Value> = all.iter().filter(|line| accepts(&filter, line)).collect();
        prop_assert_eq!(chosen.iter().collect::<Vec<_>>(), expected);
    });
}

#[test]
fn nodes_are_named_as_everywhere() {
    let setup = eventful();
    let trace = |nodes: &[&str]| {
        let nodes = nodes.iter().map(|node| (*node).to_owned()).collect();
        traced(&setup, &Filter { nodes, ..Filter::default() }).1
    };
    let by_index = trace(&["7"]);
    let start = by_index.iter().find(|line| line["event"] == "start" && line["node"] == 7).unwrap();
    let (address, id) = (start["address"].as_str().unwrap(), start["id"].as_str().unwrap());
    assert_eq!(trace(&[address]), by_index);
    assert_eq!(trace(&[id]), by_index);
    assert_eq!(trace(&[&format!("0x{id}")]), by_index);
}

/// A desk with a small scenario.
fn desk() -> Desk {
    let desk = Desk::new();
    let scenario = json!({
        "name": "small",
        "population": {"nodes": 8},
        "overlay": {"chord": {}},
        "workload": {"lookups": {"per_node": 3}},
        "repeat": 2,
        "sweep": {"population.nodes": [8, 16]},
    });
    desk.write("x.json", &scenario.to_string());
    desk
}

fn run(desk: &Desk, arguments: &[&str]) -> Output {
    desk.dhtsim(&[&["run", "x.json"], arguments].concat()).output().unwrap()
}

fn lines(desk: &Desk, name: &str) -> Vec<Value> {
    let text = fs::read_to_string(desk.path(name)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_command_line_chooses_run_and_events() {
    let desk = desk();
    let output = run(
        &desk,
        &[
            "--trace",
            "new/t.jsonl",
            "--trace-where",
            "population.nodes=16",
            "--trace-repeat",
            "1",
            "--trace-kind",
            "start,answer",
            "--trace-until",
            "1h",
        ],
    );
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("small: 64 events of repeat 1 at population.nodes = 16 written to"),
        "{said}"
    );
    assert!(!said.contains("kept from before"), "{said}");
    let traced = lines(&desk, "new/t.jsonl");
    assert_eq!(count(&traced, "event"), BTreeMap::from([("start", 16), ("note", 48)]));

    // A traced run is like any other: the same results, and it is kept for the next time.
    let again = self::desk();
    assert!(run(&again, &[]).status.success());
    let runs = |desk: &Desk| fs::read(desk.path("results/small/runs.csv")).unwrap();
    assert_eq!(runs(&desk), runs(&again));
    let output = run(&desk, &["--trace", "t.jsonl", "--trace-lookup", "5"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("4 of 4 runs are kept from before"), "{said}");
    let traced = lines(&desk, "t.jsonl");
    assert!(!traced.is_empty() && traced.iter().all(|line| line["lookup"] == 5));
}

#[test]
fn what_cannot_be_traced_is_refused_in_one_line() {
    let desk = desk();
    let refused = |arguments: &[&str]| {
        let output = run(&desk, arguments);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(!desk.path("t.jsonl").exists() && !desk.path("results/small").exists());
        String::from_utf8(output.stderr).unwrap()
    };
    let other = fs::read_to_string(desk.path("x.json")).unwrap().replace("small", "other");
    desk.write("y.json", &other);
    let trace = |arguments: &[&str]| refused(&[&["--trace", "t.jsonl"], arguments].concat());
    insta::assert_snapshot!(
        [
            trace(&["--trace-node", "99"]),
            trace(&["--trace-repeat", "2"]),
            trace(&["--trace-where", "population.nodes=9"]),
            trace(&["--trace-where", "nodes=8"]),
            trace(&["--trace-kind", "wake,sleep"]),
            trace(&["y.json"]),
        ]
        .concat()
    );
    for arguments in [
        &["--trace-node", "1"][..],
        &["--trace", "t.jsonl", "--trace-from", "soon"],
        &["--trace", "t.jsonl", "--trace-lookup", "-1"],
        &["--trace", "t.jsonl", "--trace-where", "population.nodes"],
    ] {
        let said = refused(arguments);
        assert!(said.contains("--trace"), "{said}");
    }
    let output = run(&desk, &["--trace", "x.json/t.jsonl"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
}

/// What is half written when the user has had enough goes with it.
#[cfg(unix)]
#[test]
fn an_interrupted_trace_leaves_nothing() {
    let desk = desk();
    let mut command = desk.dhtsim(&["run", "x.json", "--trace", "new/t.jsonl"]);
    command.args(["--set", "workload.lookups.per_node=10000000"]);
    let process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let folder = desk.path("new");
    let there = || fs::read_dir(&folder).map_or(0, Iterator::count);
    while there() == 0 {
        std::thread::yield_now();
    }
    let pid = process.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let output = process.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert_eq!(there(), 0);
}

#[cfg(unix)]
#[test]
fn a_pipe_is_written_to_until_its_reader_has_seen_enough() {
    let desk = desk();
    let pipe = desk.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut reader = Command::new("head");
    reader.args(["-n", "1"]).arg(&pipe).stdout(Stdio::piped());
    let reader = reader.spawn().unwrap();
    let output = run(&desk, &["--trace", "pipe", "--set", "workload.lookups.per_node=500"]);
    assert!(output.status.success(), "{output:?}");
    let seen = reader.wait_with_output().unwrap().stdout;
    let seen: Value = serde_json::from_slice(&seen).unwrap();
    assert_eq!(seen["event"], "start");
    // A device that takes nothing more is an error, though, and stays what it is.
    if Path::new("/dev/full").exists() {
        let output = run(&desk, &["--trace", "/dev/full"]);
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        assert!(Path::new("/dev/full").exists());
    }
}
