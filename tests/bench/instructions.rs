//! How many instructions an event takes: counted by valgrind's callgrind, so the same whatever
//! else the machine is doing. Where valgrind is not installed it says so.
//!
//! `cargo bench --bench instructions`
//!
//! An event's share is the difference of a longer run and a shorter one, divided by the
//! difference of their events.

#![allow(clippy::unwrap_used, reason = "a bench that cannot set itself up has failed")]
#![allow(clippy::print_stdout, reason = "that is what it is for")]

use std::path::Path;
use std::process::Command;

const SCENARIOS: [(&str, [&str; 2]); 4] = [
    ("maintained-chord", ["50s", "100s"]),
    ("simgrid-chord", ["200s", "300s"]),
    ("oversim-chord", ["250s", "300s"]),
    ("p2psim-chordfinger", ["90s", "150s"]),
];

fn main() {
    // Cargo passes `--bench`; under `cargo test` there is nothing to measure.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("no valgrind here: nothing is counted");
        return;
    }
    println!("| scenario | instructions an event |");
    println!("|---|--:|");
    for (name, durations) in SCENARIOS {
        let [short, long] = durations.map(|duration| run(name, duration));
        let instructions = long.instructions - short.instructions;
        println!("| {name} | {} |", instructions / (long.events - short.events));
    }
}

struct Run {
    instructions: u64,
    events: u64,
}

fn run(name: &str, duration: &str) -> Run {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/scale/{name}.json"));
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env!("CARGO_BIN_EXE_dhtsim"))
        .arg("run")
        .arg(file)
        .args(["--set", &format!("duration={duration}")])
        .args(["--set", &format!("workload.lookups.stop={duration}")])
        .arg("--out")
        .arg(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected : ")).unwrap().1;
    let summary = folder.path().join(name).join("summary.json");
    let summary: serde_json::Value =
        serde_json::from_slice(&std::fs::read(summary).unwrap()).unwrap();
    Run {
        instructions: collected.trim().parse().unwrap(),
        events: summary["points"][0]["events"].as_f64().unwrap() as u64,
    }
}
