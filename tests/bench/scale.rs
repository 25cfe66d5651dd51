//! What an event costs on rings of a thousand to ten million nodes, what memory a node takes
//! and how long a converged ring takes to build: the README's table, and its plot
//! `tests/bench/time-per-event.svg`.
//!
//! `cargo bench --bench scale` for all (some minutes and 6 GB), `-- 1000000` for up to so many
//! nodes. On Linux only.
//!
//! An event's share is the difference of a longer run and a shorter one, divided by the
//! difference of their events: building the ring and looking at it at the end are in neither.

#![allow(clippy::unwrap_used, reason = "a bench that cannot set itself up has failed")]
#![allow(clippy::print_stdout, reason = "that is what it is for")]
#![allow(clippy::disallowed_types)] // A bench is there to look at the clock.

use std::time::{Duration, Instant};

use dhtsim::experiment::simulate;
use dhtsim::math::ln;
use dhtsim::scenario::{Overrides, parse};
use plotters::prelude::*;
use plotters::style::register_font;
use serde_json::json;

const SCENARIO: &str = include_str!("../../scenarios/scale/maintained-chord.json");
const MOST_NODES: u64 = 10_000_000;
/// Events that the longer run has more than the shorter.
const EVENTS: u64 = 20_000_000;
/// Events of a node in a second of simulated time, about.
const EVENT_RATE: f64 = 1.2;

fn main() {
    // Cargo passes `--bench`; under `cargo test` there is nothing to measure.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    let limit = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(MOST_NODES);
    println!("| nodes | ns an event | million events a second | bytes a node | built in s |");
    println!("|--:|--:|--:|--:|--:|");
    let mut points = Vec::new();
    for nodes in sizes().take_while(|nodes| *nodes <= limit) {
        let seconds = EVENTS as f64 / (nodes as f64 * EVENT_RATE);
        let built = run(nodes, 0.000_001);
        let [short, long] = [0.2 * seconds, 1.2 * seconds].map(|seconds| run(nodes, seconds));
        let time = long.time.saturating_sub(short.time).as_nanos() as f64;
        let nanos = time / (long.events - short.events) as f64;
        println!(
            "| {nodes} | {nanos:.0} | {:.1} | {:.0} | {:.2} |",
            1000.0 / nanos,
            long.peak_bytes as f64 / nodes as f64,
            built.time.as_secs_f64()
        );
        points.push((nodes as f64, nanos));
    }
    plot(&points);
}

/// Three sizes a decade.
fn sizes() -> impl Iterator<Item = u64> {
    let decades = (3..7).map(|exponent| 10u64.pow(exponent));
    decades.flat_map(|ten| [ten, 2 * ten, 5 * ten]).chain([MOST_NODES])
}

struct Run {
    time: Duration,
    events: u64,
    peak_bytes: u64,
}

fn run(nodes: u64, seconds: f64) -> Run {
    let duration = format!("{}ns", (seconds * 1e9).max(1.0) as u64);
    let set = [
        ("population.nodes".to_owned(), json!(nodes)),
        ("duration".to_owned(), json!(duration)),
        ("workload.lookups.stop".to_owned(), json!(duration)),
    ];
    let overrides = Overrides { set: set.to_vec(), ..Overrides::default() };
    let plan = parse("maintained-chord", SCENARIO, &overrides).unwrap();
    // From now on the kernel counts the peak anew.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let start = Instant::now();
    let tally = simulate(&plan.points[0].setup, 0);
    Run { time: start.elapsed(), events: tally.events, peak_bytes: peak_bytes() }
}

/// The highest resident memory of this process.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    let kilobytes = line.split_whitespace().nth(1).unwrap();
    kilobytes.parse::<u64>().unwrap() * 1024
}

fn plot(points: &[(f64, f64)]) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bench/time-per-event.svg");
    let font = include_bytes!("../../src/report/font/DejaVuSans.ttf");
    register_font("sans-serif", FontStyle::Normal, font).ok().unwrap();
    let area = SVGBackend::new(path, (720, 440)).into_drawing_area();
    area.fill(&WHITE).unwrap();
    let highest = points.iter().map(|(_, nanos)| *nanos).fold(0.0, f64::max) * 1.1;
    let mut chart = ChartBuilder::on(&area)
        .caption("Time per event of a maintained Chord ring", ("sans-serif", 20))
        .margin(16)
        .x_label_area_size(48)
        .y_label_area_size(64)
        .build_cartesian_2d((800f64..1.3e7).log_scale(), 0f64..highest)
        .unwrap();
    chart
        .configure_mesh()
        .x_desc("nodes")
        .y_desc("nanoseconds an event")
        .x_label_formatter(&|nodes| match ln(*nodes) / ln(10.0) {
            exponent if (exponent - exponent.round()).abs() < 1e-6 => format!("10^{exponent:.0}"),
            _ => String::new(),
        })
        .y_label_formatter(&|nanos| format!("{nanos:.0}"))
        .label_style(("sans-serif", 14))
        .axis_desc_style(("sans-serif", 15))
        .light_line_style(TRANSPARENT)
        .draw()
        .unwrap();
    chart.draw_series(LineSeries::new(points.iter().copied(), BLUE.stroke_width(2))).unwrap();
    let dots = points.iter().map(|point| Circle::new(*point, 4, BLUE.filled()));
    chart.draw_series(dots).unwrap();
    area.present().unwrap();
}
