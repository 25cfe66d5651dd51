//! What the written results must be, whatever they say.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::json;

use super::*;
use crate::measure::summary::{Load, Point};

/// Every kind of plot.
fn all_plots() -> Vec<Plot> {
    let plots = json!([
        "hops",
        "hop_distribution",
        "keys_per_node",
        "key_distribution",
        "messages_per_node",
        "message_distribution",
        {"metric": {"metric": "messages.total", "curves": [
            {"label": "O(log² N)", "law": "log2_squared", "times": 2.5, "to": 1e6},
            {"label": "O(N)", "law": "linear"},
        ]}},
        {"metric": {"metrics": ["hops.p50", "hops.p99"], "per": "hops.mean", "file": "spread"}},
        {"cost_performance": {"cost": "messages.total", "performance": "hops.mean"}},
        {"over_time": {
            "series": ["lookups.success", "ring.right_fingers"],
            "marks": [{"at": "30min", "label": "a node dies"}],
            "curves": [{"label": "theory", "value": 0.9}],
        }},
    ]);
    serde_json::from_value(plots).unwrap()
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect()
}

fn names(folder: &Path) -> Vec<String> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn the_same_results_give_the_same_bytes() {
    let out = tempfile::tempdir().unwrap();
    let outcome = sample::hops();
    let written = |root: &str| {
        let folder = write(&out.path().join(root), &outcome, &all_plots(), true).unwrap();
        files(&folder)
    };
    let first = written("a");
    assert!(first == written("b"), "two writings differ");
    assert!(first == written("a"), "writing over the old results differs");
    let expected = [
        "cost_performance.csv",
        "cost_performance.png",
        "cost_performance.svg",
        "hop_distribution.png",
        "hop_distribution.svg",
        "hops.csv",
        "hops.png",
        "hops.svg",
        "key_distribution.png",
        "key_distribution.svg",
        "keys_per_node.png",
        "keys_per_node.svg",
        "load.csv",
        "lookups_success_over_time.png",
        "lookups_success_over_time.svg",
        "message_distribution.png",
        "message_distribution.svg",
        "messages.csv",
        "messages_per_node.png",
        "messages_per_node.svg",
        "messages_total.png",
        "messages_total.svg",
        "metrics.csv",
        "published.csv",
        "runs.csv",
        "scenario.json",
        "spread.png",
        "spread.svg",
        "summary.json",
    ];
    assert_eq!(first.keys().collect::<Vec<_>>(), expected);
    assert_eq!(first["summary.json"].last(), Some(&b'\n'));
    assert_eq!(names(&out.path().join("a")), ["chord-hops"], "nothing is left beside the results");
}

#[test]
fn a_summary_reads_back_as_it_was() {
    let out = tempfile::tempdir().unwrap();
    for outcome in [sample::hops(), sample::with_and_without_fingers(), sample::single()] {
        let folder = write(out.path(), &outcome, &[], false).unwrap();
        assert_eq!(read(&folder).unwrap(), outcome.summary);
    }
    let error = read(out.path()).unwrap_err().to_string();
    assert!(error.contains("summary.json: cannot read the results"), "{error}");
    fs::write(out.path().join(SUMMARY), "{}").unwrap();
    let error = read(out.path()).unwrap_err().to_string();
    assert!(error.contains("missing field `scenario`"), "{error}");
}

#[test]
fn new_results_take_the_place_of_the_old_ones_as_a_whole() {
    let out = tempfile::tempdir().unwrap();
    let outcome = sample::single();
    let folder = write(out.path(), &outcome, &all_plots(), false).unwrap();
    assert!(folder.join("hops.svg").exists());
    write(out.path(), &outcome, &[], false).unwrap();
    assert!(!folder.join("hops.svg").exists(), "a plot of the old results lingers");
    assert_eq!(names(out.path()), ["chord-1000"]);
}

#[test]
fn a_failure_leaves_the_old_results() {
    let out = tempfile::tempdir().unwrap();
    let outcome = sample::single();
    let folder = write(out.path(), &outcome, &all_plots(), false).unwrap();
    let before = files(&folder);
    let failed = folder::replace(out.path(), "chord-1000", |new| {
        fs::write(new.join("half"), "written").unwrap();
        Err(WriteError::cannot_write(new, &"the disk is full"))
    });
    assert!(failed.unwrap_err().to_string().contains("the disk is full"));
    assert!(files(&folder) == before);
    assert_eq!(names(out.path()), ["chord-1000"], "no half-written results linger");
}

#[test]
fn what_is_no_results_folder_is_not_replaced() {
    let out = tempfile::tempdir().unwrap();
    let precious = out.path().join("chord-1000");
    fs::create_dir(&precious).unwrap();
    assert!(ensure_writable(out.path(), "chord-1000").is_ok(), "an empty folder may be replaced");
    fs::write(precious.join("thesis.tex"), "…").unwrap();
    for error in [
        ensure_writable(out.path(), "chord-1000").unwrap_err(),
        write(out.path(), &sample::single(), &[], false).unwrap_err(),
    ] {
        let error = error.to_string();
        assert!(error.contains("chord-1000: holds something else than results"), "{error}");
    }
    assert!(precious.join("thesis.tex").exists());
}

#[test]
fn an_unwritable_folder_is_named_before_the_simulation() {
    let out = tempfile::tempdir().unwrap();
    assert!(ensure_writable(&out.path().join("not/yet/there"), "a").is_ok());
    assert!(names(out.path()).is_empty(), "the check leaves nothing behind");
    fs::write(out.path().join("file"), "").unwrap();
    let error = ensure_writable(&out.path().join("file/results"), "a").unwrap_err().to_string();
    assert!(error.contains("file: cannot write the results"), "{error}");
    assert!(error.contains("--out") && !error.contains('\n'), "{error}");
}

#[test]
fn tables_hold_a_row_for_everything() {
    let out = tempfile::tempdir().unwrap();
    let folder = write(out.path(), &sample::with_and_without_fingers(), &[], false).unwrap();
    let table = |name: &str| String::from_utf8(fs::read(folder.join(name)).unwrap()).unwrap();
    let runs = table("runs.csv");
    let mut lines = runs.lines();
    let header = "population.nodes,overlay.chord.fingers,repeat,seed,digest,servers,";
    assert!(lines.next().unwrap().starts_with(header));
    assert!(lines.next().unwrap().starts_with("8,all,0,1,0123456789abcdef,"), "{runs}");
    assert!(table("hops.csv").contains("\n8,none,7,100,0.125\n"));
    assert!(!folder.join("published.csv").exists());

    let folder = write(out.path(), &sample::load(), &[], false).unwrap();
    let load = fs::read_to_string(folder.join("load.csv")).unwrap();
    assert!(load.starts_with("workload.keys,load,from,to,servers\n100000,keys,0,0,"));
    assert!(load.contains("\n100000,messages,400,409,500\n"));
    let published = fs::read_to_string(folder.join("published.csv")).unwrap();
    assert!(
        published
            .contains("\n\"SIGCOMM 2001, Fig. 8a\",keys_per_node.p99,workload.keys,100000,48,")
    );
}

#[test]
fn published_numbers_make_a_compact_table() {
    let table = published_table(&[sample::hops().summary, sample::load().summary]);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 2 + 12 + 1 + 10 + 1, "{table}");
    assert!(lines[2].starts_with(
        "| chord-hops | SIGCOMM 2001, Fig. 10a | `hops.mean` | nodes = 8 | 1.716 | 1.719 | −0.003 (−0.2 %) | yes |"
    ), "{table}");
    assert!(lines[14].contains("`hops.pdf` | hops = "), "{table}");
    assert!(lines[14].contains(", furthest of 12 |"), "{table}");
}

#[test]
fn folders_of_folders_hold_the_results_in_them() {
    let out = tempfile::tempdir().unwrap();
    let root = out.path();
    assert_eq!(folders(root), [root], "for reading to say that nothing is there");
    for group in ["b", "a", ".being-written"] {
        write(&root.join(group), &sample::single(), &[], false).unwrap();
    }
    write(root, &sample::single(), &[], false).unwrap();
    let below = ["a/chord-1000", "b/chord-1000", "chord-1000"].map(|name| root.join(name));
    assert_eq!(folders(root), below);
    assert_eq!(folders(&below[0]), below[..1]);
}

#[test]
fn settings_that_nobody_beats_lie_on_the_hull() {
    let summary = sample::systems().summary;
    let plot = json!({"cost": "messages.total", "performance": "hops.mean", "file": "cost"});
    let plots: Vec<Plot> = serde_json::from_value(json!([{"cost_performance": plot}])).unwrap();
    let out = tempfile::tempdir().unwrap();
    let folder = write(out.path(), &sample::systems(), &plots, false).unwrap();
    let table = fs::read_to_string(folder.join("cost.csv")).unwrap();
    let mut lines = table.lines();
    let header = "system,population.nodes,group,messages.total,hops.mean,on_hull,on_hull_of_all";
    assert_eq!(lines.next(), Some(header));
    assert_eq!(lines.clone().count(), summary.points.len());
    // The cheapest and fewest hops of all, and what is cheapest of a system.
    assert!(table.contains("\ntracker,8,tracker,"), "{table}");
    assert!(
        lines.clone().any(|line| line.starts_with("tracker,8,") && line.ends_with(",true,true"))
    );
    assert!(
        lines.clone().any(|line| line.starts_with("Chord,8,") && line.ends_with(",true,false"))
    );
    let svg = plots::svg(&summary, &plots[0]).unwrap();
    for word in ["Chord base, lower hull", "lower hull of all", "Mean hops of a lookup against"] {
        assert!(svg.contains(word), "{word}");
    }
    // The colour of trackers wherever they are shown.
    assert!(svg.contains("#D55E00"));
}

#[test]
fn samples_make_a_table_with_a_column_for_each_series() {
    let out = tempfile::tempdir().unwrap();
    let folder = write(out.path(), &sample::systems(), &[], false).unwrap();
    let table = fs::read_to_string(folder.join("timeline.csv")).unwrap();
    let mut lines = table.lines();
    let header = "system,population.nodes,seconds,ring.right_fingers,lookups.success";
    assert_eq!(lines.next(), Some(header));
    assert_eq!(lines.next(), Some("tracker,8,0,,"), "nothing was measured in the first minutes");
    assert!(table.contains("\ntracker,8,270,1,1\n"), "{table}");
    let folder = write(out.path(), &sample::single(), &[], false).unwrap();
    assert!(!folder.join("timeline.csv").exists());
}

/// A published value that is compared after a division stands where it would be without.
#[test]
fn published_values_stand_beside_what_was_measured() {
    let mut summary = sample::systems().summary;
    let plot = json!({"metric": {"metric": "messages.total", "where": {"system": "Chord"}}});
    let plot = serde_json::from_value(plot).unwrap();
    let plain = plots::svg(&summary, &plot).unwrap();
    for comparison in &mut summary.published {
        comparison.published /= 8.0;
        comparison.divided_by = 8.0;
    }
    assert!(plots::svg(&summary, &plot).unwrap() == plain);
}

/// Every plot of every degenerate result must be drawn, not panicked over.
#[test]
fn degenerate_results_are_drawn() {
    let nan = Load { mean: f64::NAN, ..Load::default() };
    let no_lookups: Vec<Point> =
        [8, 16].map(|nodes| sample::at(&[("population.nodes", json!(nodes))])).into();
    let mut zero_hops = no_lookups.clone();
    for point in &mut zero_hops {
        point.hops.histogram = vec![10];
        point.keys_per_node = Load { histogram: vec_bins(&[3]), ..nan.clone() };
        point.messages_per_node = Load { histogram: vec_bins(&[0, 0, 7]), ..nan.clone() };
    }
    let mut nan_hops = zero_hops.clone();
    nan_hops[1].hops.mean = f64::NAN;
    let mut infinite = zero_hops.clone();
    infinite[0].hops.mean = f64::INFINITY;
    infinite[0].keys_per_node.p99 = u64::MAX;
    let mut one_huge = zero_hops[..1].to_vec();
    one_huge[0].params.insert("population.nodes".to_owned(), json!(1_000_000));
    one_huge[0].nodes = 1_000_000;
    let mut huge_load = zero_hops.clone();
    huge_load[0].keys_per_node.histogram =
        crate::measure::summary::Bins { width: 1 << 40, counts: vec![1; 200] };
    let mut odd_params = zero_hops.clone();
    odd_params[0].params.insert("population.nodes".to_owned(), json!(null));
    odd_params[1].params.clear();

    let swept = |points| sample::outcome("x", &["population.nodes"], points);
    let mut published_only = swept(Vec::new());
    published_only.summary.published = sample::hops().summary.published;
    let outcomes = [
        swept(Vec::new()),
        sample::outcome("x", &[], Vec::new()),
        sample::outcome("x", &[], vec![sample::point()]),
        published_only,
        swept(no_lookups),
        swept(zero_hops),
        swept(nan_hops),
        swept(infinite),
        swept(one_huge),
        swept(huge_load),
        swept(odd_params),
        sample::systems(),
        sample::many(60, 1),
        sample::many(3, 12),
        sample::many(3, 25),
        sample::outcome(&"name-".repeat(40), &[], vec![sample::point()]),
    ];
    for (number, outcome) in outcomes.iter().enumerate() {
        for plot in &all_plots() {
            let svg = plots::svg(&outcome.summary, plot).unwrap();
            assert!(svg.starts_with("<svg width=\"900\" height=\"560\""), "{number} {plot:?}");
            assert!(svg.trim_end().ends_with("</svg>"), "{number} {plot:?}");
            assert!(!svg.contains("NaN") && !svg.contains("2147483647"), "{number} {plot:?}");
        }
    }
}

/// Systems side by side keep their colours, curves reach where they are told to, and
/// moments have names.
#[test]
fn systems_are_compared_over_their_size_and_over_time() {
    let summary = sample::systems().summary;
    let svg = |plot| plots::svg(&summary, &serde_json::from_value(plot).unwrap()).unwrap();
    let curve = json!([{"label": "5/2·log² N", "law": "log2_squared", "times": 2.5, "to": 1e6}]);
    let cost = svg(json!({"metric": {"metric": "messages.total", "curves": curve}}));
    for word in ["tracker", "Chord base", "1\u{a0}000\u{a0}000", "5/2·log² N", "Table 1"] {
        assert!(cost.contains(word), "{word}");
    }
    let condition = json!({"system": ["tracker", "Chord"], "population.nodes": 1024});
    let time = json!({
        "series": ["lookups.success"], "where": condition, "title": "After a death",
        "marks": [{"at": "30min", "label": "a node dies"}],
    });
    let time = svg(json!({"over_time": time}));
    for word in ["After a death", "simulated time in min", "a node dies", "nodes\u{a0}=\u{a0}1024"]
    {
        assert!(time.contains(word), "{word}");
    }
    for (drawing, colour) in [(&cost, "#009E73"), (&cost, "#56B4E9"), (&time, "#0072B2")] {
        assert!(drawing.contains(colour), "{colour}");
    }
    assert!(!time.contains("#009E73"), "the second of two series is Chord, not number two");
}

#[test]
fn a_legend_that_does_not_fit_says_how_many_are_left_out() {
    let svg = plots::svg(&sample::many(6, 25).summary, &Plot::Hops).unwrap();
    assert!(svg.contains("+ ") && svg.contains(" more\n"), "{svg}");
    assert!(svg.contains("mean\u{a0}=\u{a0}10ms") && !svg.contains("mean\u{a0}=\u{a0}130ms"));
}

fn vec_bins(counts: &[u64]) -> crate::measure::summary::Bins {
    crate::measure::summary::Bins { width: 1, counts: counts.to_vec() }
}
