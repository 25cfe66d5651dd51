//! Results for tests: what dhtsim measures, near enough, without measuring it.

use serde_json::{Map, Value, json};

use crate::math;
use crate::measure::summary::{
    Bins, Comparison, Fit, Hops, Line, Load, MessageCount, MessageRate, Outcome, Point, Run,
    Summary, Timeline,
};

/// A value at each place, as published.
type Values = &'static [(f64, f64)];

/// Chord, Figure 10a.
const MEAN_HOPS: Values = &[
    (8.0, 1.719),
    (16.0, 2.09),
    (32.0, 2.49),
    (64.0, 2.959),
    (128.0, 3.391),
    (256.0, 3.88),
    (512.0, 4.381),
    (1024.0, 4.889),
    (2048.0, 5.36),
    (4096.0, 5.85),
    (8192.0, 6.35),
    (16384.0, 6.869),
];

/// Chord, Figure 10b.
const HOPS_PDF: Values = &[
    (1.0, 0.0033),
    (2.0, 0.018),
    (3.0, 0.0571),
    (4.0, 0.1288),
    (5.0, 0.2124),
    (6.0, 0.2254),
    (7.0, 0.1938),
    (8.0, 0.1094),
    (9.0, 0.0412),
    (10.0, 0.0092),
    (11.0, 0.0012),
    (12.0, 0.0002),
];

/// Chord, Figure 8a.
const P99_KEYS: Values = &[
    (100_000.0, 48.0),
    (200_000.0, 91.0),
    (300_000.0, 138.0),
    (400_000.0, 181.0),
    (500_000.0, 228.0),
    (600_000.0, 273.0),
    (700_000.0, 320.0),
    (800_000.0, 364.0),
    (900_000.0, 411.0),
    (1_000_000.0, 463.0),
];

/// Lookups with fingers on rings of 8 to 16384 nodes.
pub(super) fn hops() -> Outcome {
    let points: Vec<Point> = (3..15)
        .map(|power| {
            let nodes = 1 << power;
            with_load(with_hops(at(&[("population.nodes", json!(nodes))]), nodes), 100)
        })
        .collect();
    let log2 = fit_of(&points, math::log2);
    let linear = fit_of(&points, |nodes| nodes);
    let mut outcome = outcome("chord-hops", &["population.nodes"], points);
    outcome.summary.fits =
        vec![Fit { params: Map::new(), log2, linear, verdict: "O(log N)".to_owned() }];
    compare(&mut outcome, "SIGCOMM 2001, Fig. 10a", "hops.mean", "population.nodes", MEAN_HOPS);
    compare(&mut outcome, "SIGCOMM 2001, Fig. 10b", "hops.pdf", "hops", HOPS_PDF);
    outcome
}

/// A ring with fingers and one without, side by side.
pub(super) fn with_and_without_fingers() -> Outcome {
    let mut points = Vec::new();
    for power in 3..13 {
        let nodes = 1 << power;
        for fingers in ["all", "none"] {
            let params =
                [("population.nodes", json!(nodes)), ("overlay.chord.fingers", json!(fingers))];
            let point = at(&params);
            points.push(if fingers == "all" {
                with_hops(point, nodes)
            } else {
                let histogram = vec![100; nodes as usize];
                with_histogram(point, nodes, histogram)
            });
        }
    }
    let mut outcome =
        outcome("fingers-or-not", &["population.nodes", "overlay.chord.fingers"], points);
    for (fingers, verdict) in [("all", "O(log N)"), ("none", "O(N)")] {
        let mut params = Map::new();
        params.insert("overlay.chord.fingers".to_owned(), json!(fingers));
        let of = |point: &&Point| point.params["overlay.chord.fingers"] == json!(fingers);
        let points: Vec<Point> = outcome.summary.points.iter().filter(of).cloned().collect();
        outcome.summary.fits.push(Fit {
            params,
            log2: fit_of(&points, math::log2),
            linear: fit_of(&points, |nodes| nodes),
            verdict: verdict.to_owned(),
        });
    }
    outcome
}

/// Keys on 10,000 servers, 100,000 to a million of them.
pub(super) fn load() -> Outcome {
    let points: Vec<Point> = (1..=10)
        .map(|step| {
            let keys = step * 100_000;
            with_load(at(&[("workload.keys", json!(keys))]), keys / 10_000)
        })
        .collect();
    let mut outcome = outcome("chord-load", &["workload.keys"], points);
    let source = "SIGCOMM 2001, Fig. 8a";
    compare(&mut outcome, source, "keys_per_node.p99", "workload.keys", P99_KEYS);
    let pdf: Vec<(f64, f64)> =
        (0..230).map(|keys| (f64::from(keys), wobble(keys) * geometric(50.0, keys))).collect();
    compare(&mut outcome, "SIGCOMM 2001, Fig. 8b", "keys_per_node.pdf", "keys", &pdf);
    outcome
}

/// Five systems on 8 to 1024 nodes, with what their messages cost, and over time what
/// became of their lookups when one node died.
pub(super) fn systems() -> Outcome {
    let mut points = Vec::new();
    for (name, cost) in [
        ("tracker", (|_| 2.0) as fn(f64) -> f64),
        ("full membership", |n| n),
        ("successor ring", |n| n / 2.0),
        ("Chord base", |n| 2.5 * math::log2(n) * math::log2(n)),
        ("Chord", |n| math::log2(n) + 6.0),
    ] {
        for power in 3..11 {
            let nodes = 1_u64 << power;
            let mut point = at(&[("system", json!(name)), ("population.nodes", json!(nodes))]);
            point.system = name.to_owned();
            point = with_load(with_hops(point, nodes), 20);
            point.messages[0].sent.messages = cost(nodes as f64) * (0.9 + 0.1 * wobble(power));
            let depth = (cost(1024.0) / 1100.0).min(1.0);
            point.timeline = over_time(&[("lookups.success", depth), ("ring.right_fingers", 0.3)]);
            points.push(point);
        }
    }
    let sweep = ["system", "population.nodes"];
    let mut outcome = outcome("systems", &sweep, points);
    let published = &[(16.0, 11.0), (128.0, 14.0)];
    compare(&mut outcome, "A paper of 2003, Table 1", "messages.total", sweep[1], published);
    outcome
}

/// Shares over an hour that fall at half-time, each so deep, and recover.
fn over_time(series: &[(&str, f64)]) -> Timeline {
    let seconds: Vec<f64> = (0..=120).map(|sample| f64::from(sample) * 30.0).collect();
    let series = series.iter().map(|(name, depth)| {
        let share = |seconds: &f64| {
            let since = (seconds - 1800.0) / 600.0;
            let fall = if since < 0.0 { 0.0 } else { depth * math::exp(-since) };
            // Nothing was asked in the first minutes.
            (*seconds > 240.0).then_some(1.0 - fall)
        };
        ((*name).to_owned(), seconds.iter().map(share).collect())
    });
    Timeline { series: series.collect(), seconds: seconds.clone() }
}

/// A ring of 1000 nodes, nothing swept.
pub(super) fn single() -> Outcome {
    let point = with_load(with_hops(at(&[]), 1000), 12);
    outcome("chord-1000", &[], vec![point])
}

/// A sweep of `points` numbers of nodes in `series` series.
pub(super) fn many(points: u64, series: u64) -> Outcome {
    let mut all = Vec::new();
    for nodes in (0..points).map(|step| 10 + step * 37) {
        for number in 0..series {
            let params = [
                ("population.nodes", json!(nodes)),
                ("network.latency.exponential.mean", json!(format!("{}ms", 10 + number * 5))),
            ];
            all.push(with_load(with_hops(at(&params), nodes << number.min(6)), 20 + number * 5));
        }
    }
    let sweep = ["population.nodes", "network.latency.exponential.mean"];
    outcome("many-series", &sweep, all)
}

/// A scenario of these points.
pub(super) fn outcome(scenario: &str, sweep: &[&str], points: Vec<Point>) -> Outcome {
    let runs = points.iter().map(|point| Run { repeat: 0, point: point.clone() }).collect();
    Outcome {
        scenario: json!({ "name": scenario }),
        summary: Summary {
            scenario: scenario.to_owned(),
            description: "Made for a test.".to_owned(),
            seed: 1,
            sweep: sweep.iter().map(|path| (*path).to_owned()).collect(),
            points,
            fits: Vec::new(),
            expectations: Vec::new(),
            published: Vec::new(),
        },
        runs,
    }
}

/// A point at which nothing was measured.
pub(super) fn point() -> Point {
    Point {
        params: Map::new(),
        repeats: 1,
        digest: "0123456789abcdef".to_owned(),
        servers: 1000,
        nodes: 1000,
        ..Point::default()
    }
}

/// A point with these parameters.
pub(super) fn at(params: &[(&str, Value)]) -> Point {
    let params = params.iter().map(|(path, value)| ((*path).to_owned(), value.clone()));
    Point { params: params.collect(), ..point() }
}

/// Adds what lookups with fingers give on a ring of so many nodes: every finger is
/// taken with probability one half.
fn with_hops(point: Point, nodes: u64) -> Point {
    let bits = math::log2(nodes as f64).round() as u64;
    let mut count = 1.0;
    let mut histogram = Vec::new();
    for hops in 0..=bits {
        histogram.push((count * 100.0) as u64);
        count = count * (bits - hops) as f64 / (hops + 1) as f64;
    }
    with_histogram(point, nodes, histogram)
}

fn with_histogram(mut point: Point, nodes: u64, histogram: Vec<u64>) -> Point {
    let total: u64 = histogram.iter().sum();
    let sum: u64 = (0..).zip(&histogram).map(|(hops, count): (u64, _)| hops * count).sum();
    point.servers = nodes;
    point.nodes = nodes;
    point.lookups.issued = total;
    point.lookups.correct = total;
    point.hops = Hops {
        mean_forwarded: sum as f64 / total as f64,
        mean: sum as f64 / total as f64 - 0.15 + 0.02 * wobble(nodes as u32 % 97),
        ci95: None,
        p1: percentile(&histogram, 0.01),
        p50: percentile(&histogram, 0.5),
        p99: percentile(&histogram, 0.99),
        max: histogram.len() as u64 - 1,
        histogram,
    };
    point
}

/// Adds a geometric number of keys, and of messages.
fn with_load(mut point: Point, mean: u64) -> Point {
    let counts: Vec<u64> = (0..mean as u32 * 10)
        .map(|keys| (wobble(keys) * 200_000.0 * geometric(mean as f64, keys)) as u64)
        .collect();
    point.keys_per_node = Load {
        mean: mean as f64,
        ci95: Some(0.1),
        p1: percentile(&counts, 0.01),
        p50: percentile(&counts, 0.5),
        p99: percentile(&counts, 0.99),
        max: counts.len() as u64 - 1,
        gini: 0.5,
        histogram: Bins { width: 1, counts },
        ..Load::default()
    };
    let counts: Vec<u64> = (0..60)
        .map(|bin: i32| if bin < 25 { 0 } else { (500 / (1 + (bin - 40).pow(2) / 9)) as u64 })
        .collect();
    point.messages_per_node = Load {
        mean: 40.5 * mean as f64,
        ci95: None,
        p1: 27 * mean,
        p50: 40 * mean,
        p99: 57 * mean,
        max: 60 * mean - 1,
        gini: 0.1,
        histogram: Bins { width: mean, counts },
        ..Load::default()
    };
    let sent = MessageCount {
        kind: "find_successor".to_owned(),
        purpose: "lookup".to_owned(),
        messages: 12.5,
        bytes: 1000.0,
    };
    point.messages =
        vec![MessageRate { sent, messages_per_node_second: 0.25, bytes_per_node_second: 20.0 }];
    point
}

fn geometric(mean: f64, value: u32) -> f64 {
    let rest = mean / (1.0 + mean);
    (1.0 - rest) * math::pow(rest, f64::from(value))
}

/// Between 0.9 and 1.1, as if drawn.
fn wobble(number: u32) -> f64 {
    0.9 + f64::from(number.wrapping_mul(2_654_435_761) >> 16) / 65536.0 * 0.2
}

fn percentile(histogram: &[u64], share: f64) -> u64 {
    let total: u64 = histogram.iter().sum();
    let mut left = (total as f64 * share) as u64;
    for (value, count) in (0..).zip(histogram) {
        if *count > left {
            return value;
        }
        left -= count;
    }
    0
}

fn fit_of(points: &[Point], x: impl Fn(f64) -> f64) -> Line {
    let places: Vec<(f64, f64)> =
        points.iter().map(|point| (x(point.nodes as f64), point.hops.mean)).collect();
    let count = places.len() as f64;
    let mean_x = places.iter().map(|place| place.0).sum::<f64>() / count;
    let mean_y = places.iter().map(|place| place.1).sum::<f64>() / count;
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for (x, y) in places {
        xx += (x - mean_x) * (x - mean_x);
        xy += (x - mean_x) * (y - mean_y);
        yy += (y - mean_y) * (y - mean_y);
    }
    Line { slope: xy / xx, intercept: mean_y - xy / xx * mean_x, r2: xy * xy / (xx * yy) }
}

fn compare(
    outcome: &mut Outcome,
    source: &str,
    metric: &str,
    against: &str,
    values: &[(f64, f64)],
) {
    for (number, &(at, published)) in (0..).zip(values) {
        outcome.summary.published.push(Comparison {
            source: source.to_owned(),
            metric: metric.to_owned(),
            against: against.to_owned(),
            at,
            published,
            measured: published * (1.0 + 0.02 * (wobble(number) - 1.0)),
            divided_by: 1.0,
            within_tolerance: Some(true),
        });
    }
}
