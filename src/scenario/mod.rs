//! Scenario files: from a text on disk to checked values that can be simulated.
//!
//! The way of a file through this folder: `read` makes JSON of the text,
//! `extend` puts in what it extends, and [`mod@format`] is the types of the JSON; `set` puts in what the command line changes,
//! `check` says whether the values make sense, `sweep` writes out the points
//! of the grid and `exclude` leaves some out, `expect` checks what is claimed of the results and `plot` what is
//! drawn of them. What comes out is a [`Plan`], and nothing after it asks again whether its values are
//! good. Whatever goes wrong is an [`Error`] of one line.
//!
//! Must not know: how anything is simulated.

mod check;
mod condition;
mod error;
mod exclude;
mod expect;
mod extend;
mod files;
pub mod format;
mod plot;
mod read;
mod set;
mod sweep;
mod units;

use std::path::Path;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};
use sha1::{Digest, Sha1};

use crate::workload::JoinTimes;
use error::Fault;
use files::Files;
use format::{Overlay, Scenario};
use sweep::{Change, Grid, GridPoint};

pub use check::fault::{Breakage, PlannedFault, Victims};
pub use check::{
    JoinPlan, MAX_KEYS, MAX_LOOKUPS, MAX_NODES, MAX_SUCCESSORS, MAX_VIRTUAL_NODES, Setup,
};
pub use error::Error;
pub use set::Overrides;
pub use sweep::MAX_RUNS;
pub use units::Span;

/// The most identifiers and moments of joins that all points together may list:
/// these are the parts of a point that take memory.
const MAX_LISTED: usize = 20_000_000;

/// A scenario file, checked and written out: everything that is to be run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Name of the file, for messages.
    pub file: String,
    /// Name of the scenario.
    pub name: String,
    /// What it shows.
    pub description: String,
    /// Everything random follows from this number.
    pub seed: u64,
    /// The file as it was written, with the changes of the command line.
    pub scenario: Scenario,
    /// The same as JSON, complete in itself: it carries the files that it names.
    pub source: Value,
    /// The file without its sweep.
    pub base: Setup,
    /// The swept parameters in their order: the paths, and the labels of variants, of which
    /// every point has a value.
    pub sweep: Vec<String>,
    /// The points of the sweep; a single one without parameters if there is none.
    pub points: Vec<PlannedPoint>,
    /// How often each point is run, at the most.
    pub repeat: u32,
    /// When it is run often enough, if that is not for the number alone to say.
    pub precision: Option<format::Precision>,
}

/// One point of a sweep.
#[derive(Clone, Debug)]
pub struct PlannedPoint {
    /// The swept parameters by their path, with this point's values; variants by the
    /// label of their axis, with their name.
    pub params: Map<String, Value>,
    /// The scenario with these values.
    pub setup: Setup,
    /// All that the scenario says about it, and the files that the scenario names, as a digest:
    /// two points of one digest give the same.
    pub digest: [u8; 20],
}

impl Plan {
    /// Number of runs: points times repeats, at the most.
    pub fn runs(&self) -> usize {
        self.points.len() * self.repeat as usize
    }
}

/// Reads and checks a scenario file.
///
/// # Errors
/// When the file cannot be read, or is not a scenario that can be run.
pub fn load(path: &Path, overrides: &Overrides) -> Result<Plan, Error> {
    parse(&path.display().to_string(), &text(path)?, overrides)
}

/// The text of a scenario file.
fn text(path: &Path) -> Result<String, Error> {
    let file = path.display().to_string();
    let unreadable =
        |problem: String, mend: &str| Error::new(&file, &Fault::new("", problem, mend));
    let bytes = std::fs::read(path).map_err(|error| {
        unreadable(format!("cannot be read: {error}"), "give the path of a scenario file")
    })?;
    String::from_utf8(bytes)
        .map_err(|_| unreadable("is not UTF-8 text".to_owned(), "a scenario is a JSON text"))
}

/// Checks the text of a scenario file of this name, which stands in messages; files that the
/// scenario names, and one that it extends, are sought in its folder.
///
/// # Errors
/// When it is not a scenario that can be run.
pub fn parse(file: &str, text: &str, overrides: &Overrides) -> Result<Plan, Error> {
    let value = read::json(text).map_err(|fault| Error::new(file, &fault))?;
    from_json(file, value, overrides)
}

/// The same where the text has been read, as that of a scenario which was kept as
/// [`Plan::source`].
///
/// # Errors
/// When it is not a scenario that can be run.
pub fn from_json(file: &str, value: Value, overrides: &Overrides) -> Result<Plan, Error> {
    let plan = of_any_overlay(file, value, overrides)?;
    let is_own = |setup: &Setup| matches!(setup.overlay, Overlay::Own(_));
    if is_own(&plan.base) || plan.points.iter().any(|point| is_own(&point.setup)) {
        let problem = "is an overlay of another program, which alone can run it";
        let mend = "run it with that one, or give `chord`, `full_membership` or `tracker`";
        return Err(Error::new(file, &Fault::new("overlay.own", problem, mend)));
    }
    Ok(plan)
}

/// As [`parse`], for a program with an overlay of its own: see
/// [`run_own`](crate::experiment::run_own).
///
/// # Errors
/// When it is not a scenario that can be run.
pub fn parse_own(file: &str, text: &str, overrides: &Overrides) -> Result<Plan, Error> {
    let value = read::json(text).map_err(|fault| Error::new(file, &fault))?;
    of_any_overlay(file, value, overrides)
}

/// As [`load`], for a program with an overlay of its own.
///
/// # Errors
/// When the file cannot be read, or is not a scenario that can be run.
pub fn load_own(path: &Path, overrides: &Overrides) -> Result<Plan, Error> {
    parse_own(&path.display().to_string(), &text(path)?, overrides)
}

/// Checks a scenario with whatever overlay.
fn of_any_overlay(file: &str, value: Value, overrides: &Overrides) -> Result<Plan, Error> {
    let mut extended = extend::resolve(file, value)?;
    let mut value = extended.value.take();
    changed(&mut value, overrides).map_err(|fault| Error::new(file, &fault))?;
    let files = Files::beside(file).and_beside(extended.bases());
    checked(file, value, files).map_err(|fault| {
        let is_set = overrides.set.iter().any(|(path, _)| fault.place.starts_with(path.as_str()));
        let origin = extended.origin(&fault.place).filter(|_| !is_set);
        let fault = match origin {
            Some(base) => {
                Fault { problem: format!("{} (it comes from {base})", fault.problem), ..fault }
            }
            None => fault,
        };
        Error::new(file, &fault)
    })
}

/// Makes the changes of the command line, and says in the scenario when they are such as change
/// which points there are.
fn changed(value: &mut Value, overrides: &Overrides) -> Result<(), Fault> {
    let chosen = |value: &Value| ["sweep", "exclude"].map(|name| value.get(name).cloned());
    let points = chosen(value);
    overrides.apply(value)?;
    if value.get("extends").is_some_and(|base| !base.is_null()) {
        let mend = "write it into a scenario file";
        return Err(Fault::new("--set extends", "the base is read before", mend));
    }
    let is_narrowed = points != chosen(value);
    if let (true, Some(fields)) = (is_narrowed, value.as_object_mut()) {
        fields.insert("narrowed".to_owned(), true.into());
    }
    Ok(())
}

/// Checks a scenario and writes it out.
fn checked(file: &str, value: Value, files: Files) -> Result<Plan, Fault> {
    let scenario = read::scenario(&value)?;
    check::name(&scenario)?;
    let files = files.with(&scenario.files);
    let base = check::setup(&scenario, &files)?;
    let precision = check::measure::precision(&scenario.repeat)?;
    let Scenario { sweep, exclude, narrowed, .. } = &scenario;
    let grid = exclude::grid(sweep, exclude, scenario.repeat.most(), *narrowed)?;
    let points = points(value.clone(), &grid, &files)?;
    expect::check(&scenario, &grid, &points, *narrowed)?;
    Ok(Plan {
        file: file.to_owned(),
        name: scenario.name.clone(),
        description: scenario.description.clone(),
        seed: scenario.seed,
        repeat: scenario.repeat.most(),
        precision,
        source: complete(value, files),
        base,
        sweep: grid.parameters().map(|parameter| parameter.path.clone()).collect(),
        points,
        scenario,
    })
}

/// The scenario with the files that it names, and without what says where it stood.
fn complete(mut scenario: Value, files: Files) -> Value {
    if let Some(fields) = scenario.as_object_mut() {
        fields.shift_remove("$schema");
        fields.shift_remove("extends");
        let texts = files.into_texts();
        if !texts.is_empty() {
            let texts = texts.into_iter().map(|(name, text)| (name, (*text).into()));
            fields.insert("files".to_owned(), Value::Object(texts.collect()));
        }
    }
    scenario
}

/// Fields that are the same for all points of a sweep, and change nothing of what a run gives.
const SHARED: [&str; 9] = [
    "$schema",
    "description",
    "sweep",
    "exclude",
    "narrowed",
    "plots",
    "expect",
    "published",
    "files",
];

/// Writes out the points of the grid and checks each.
fn points(mut value: Value, grid: &Grid, files: &Files) -> Result<Vec<PlannedPoint>, Fault> {
    if let Some(fields) = value.as_object_mut() {
        // They are the same for all points, and copying them would cost.
        for shared in SHARED {
            fields.remove(shared);
        }
    }
    let mut points = Vec::new();
    let mut listed = 0;
    for point in grid.points() {
        let (setup, digest) =
            setup_at(&value, &point.changes, files).map_err(|fault| at_point(fault, &point))?;
        listed += setup.explicit_ids.as_ref().map_or(0, Vec::len);
        listed += setup.joins.as_ref().map_or(0, |joins| match &joins.times {
            JoinTimes::At(times) => times.len(),
            JoinTimes::Poisson { .. } => 0,
        });
        if listed > MAX_LISTED {
            return Err(Fault::new(
                "sweep",
                format!("its points list more than {MAX_LISTED} identifiers and joins together"),
                "give fewer points, or fewer nodes that join",
            ));
        }
        points.push(PlannedPoint { params: point.params, setup, digest });
    }
    // Only now all files are known.
    let files = files.digest();
    for point in &mut points {
        point.digest = Sha1::digest([point.digest, files].concat()).into();
    }
    Ok(points)
}

/// The checked values of a point, and a digest of what the scenario says about it.
fn setup_at(base: &Value, changes: &[Change], files: &Files) -> Result<(Setup, [u8; 20]), Fault> {
    let mut value = base.clone();
    for Change { path, value: new, .. } in changes {
        set::set(&mut value, path, new.clone())?;
    }
    let setup = check::setup(&read::scenario(&value)?, files)?;
    if let Some(fields) = value.as_object_mut() {
        // Neither changes what a run gives.
        fields.retain(|name, _| name != "name" && name != "repeat");
    }
    Ok((setup, Sha1::digest(value.to_string()).into()))
}

/// Moves a fault to the axis that caused it, if it stands in the value of one, and
/// names the point.
fn at_point(fault: Fault, point: &GridPoint) -> Fault {
    if point.params.is_empty() {
        return fault;
    }
    let cause = |change: &Change| {
        let rest = fault.place.strip_prefix(&change.path)?;
        let within = rest.is_empty() || rest.starts_with(['.', '[']);
        within.then(|| format!("{}{rest}", change.place))
    };
    let place = point.changes.iter().find_map(cause).unwrap_or_else(|| fault.place.clone());
    let params = point.params.iter().map(|(path, value)| format!("{path} = {value}"));
    let params = params.collect::<Vec<_>>().join(", ");
    Fault { place, problem: format!("{} (at the point {params})", fault.problem), ..fault }
}

/// The JSON Schema of scenario files.
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(Scenario).to_value();
    // What another scenario has need not stand in one that extends it.
    if let Some(required) = schema.get_mut("required") {
        let all = std::mem::replace(required, json!(["name"]));
        schema["if"] = json!({"required": ["extends"]});
        schema["else"] = json!({"required": all});
    }
    schema
}

/// The same, made once.
fn root_schema() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(schema);
    &SCHEMA
}

/// Whether a path begins at a field of the file, as the paths of swept parameters do.
/// The labels of variants do not.
pub(crate) fn is_field(path: &str) -> bool {
    let root = path.split('.').next().unwrap_or_default();
    root_schema()["properties"].get(root).is_some()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::{Index, select};

    use super::*;

    /// A scenario with everything in it.
    #[allow(clippy::too_many_lines, reason = "everything is much")]
    fn full() -> Value {
        json!({
            "$schema": "../schema.json",
            "name": "full",
            "description": "Everything.",
            "seed": 7,
            "id_bits": 64,
            "population": {
                "nodes": 64, "virtual_nodes": 1,
                "joins": {"initial": 16, "interval": "100ms", "start": "1s", "arrivals": "poisson"},
                "leaves": {"count": 5, "start": "1min", "interval": "2s"},
            },
            "overlay": {"chord": {
                "successors": 4,
                "fingers": "all",
                "lookup": "recursive",
                "join": "stabilized",
                "request_timeout": "1s",
                "ask_before_adopting": true,
                "tell_old_predecessor": true,
                "confirm_owner": true,
                "remember_failures": false,
                "retries": {"count": 2, "after": "3s"},
                "parallel": 1,
                "timeout": {"adaptive": {"minimum": "50ms"}},
                "proximity": {"next_hop": 4},
                "stabilize": {"period": "1s", "jitter": 0.5},
                "fix_fingers": {"period": "2s", "fingers": "all_distant"},
                "check_predecessor": {"period": "3s"},
            }},
            "network": {
                "latency": {"log_normal": {"median": "20ms", "sigma": 0.5}}, "loss": 0.01, "service_time": "1ms",
                "jitter": 0.1, "mapping": "3min",
                "classes": {
                    "dsl": {"share": 0.3, "upload": 125_000, "download": 2_000_000},
                    "hidden": {"share": 0.2, "contactable": false, "slow": 1.5},
                },
            },
            "workload": {
                "lookups": {
                    "interval": "2s", "arrivals": "poisson", "timeout": "10s", "keys": "own_fingers",
                },
                "keys": 1000,
                "key_copies": 3,
                "storage": {
                    "keys": 100, "value_bytes": 512, "copies": 3, "preloaded": false, "repair": "1min",
                    "placement": {"spaced": {"step": "5555555555555555"}},
                    "request_timeout": "1s", "timeout": "10s",
                    "puts": {"per_node": 10, "interval": "3s"},
                    "gets": {"interval": "5s", "arrivals": "poisson", "start": "30s"},
                },
            },
            "faults": [
                {"at": "2min", "crash": {"busiest": 1}},
                {"at": "3min", "crash": {"random": 4}},
                {"at": "4min", "crash": {"nodes": [7, 8]}},
                {"at": "4min", "crash": {"arc": {"from": "ff", "share": 0.1}}},
                {"at": "5min", "until": "6min", "restart": {"fraction": 0.2}},
                {"at": "5min", "until": "7min", "freeze": {"probability": 0.1}},
                {"at": "5min", "until": "9min", "partition": {"groups": [{"arc": {"share": 0.5}}, "all"]}},
                {"at": "6min", "partition": {"groups": [{"address_prefix": "64.0.0.0/2"}]}},
                {"at": "6min", "until": "7min", "loss": 0.3},
            ],
            "measure": {"warm_up": "1min", "every": "10s"},
            "duration": "10min",
            "repeat": 3,
            "sweep": {
                "population.nodes": {"powers_of_two": [32, 128]},
                "network.loss": {"range": {"from": 0, "to": 0.2, "step": 0.1}},
                "overlay.chord.lookup": ["iterative", "recursive"],
                "pace": {"zip": {"workload.key_copies": [3], "id_bits": {"powers_of_two": [64, 64]}}},
                "upkeep": {"variants": {
                    "lazy": {"overlay.chord.stabilize": {"period": "9s"}, "workload.keys": 10},
                    "as it is": {},
                }},
            },
            "exclude": [
                {"network.loss": {"at_least": 0.2}, "population.nodes": [32], "upkeep": "lazy",
                 "workload.key_copies": {"at_most": {"parameter": "id_bits", "times": 0.5}}},
            ],
            "narrowed": false,
            "plots": [
                "hops",
                "keys_per_node",
                {"metric": {
                    "metrics": ["hops.p50", "hops.p99"], "per": "hops.mean", "title": "Hops", "y": "ratio",
                    "scale": "log", "where": {"upkeep": "lazy"}, "file": "spread", "curves": [
                        {"label": "log N", "law": "log2", "times": 0.5, "plus": 1, "to": 1_000_000}],
                }},
                {"over_time": {
                    "series": ["ring.right_fingers"], "scale": "linear", "where": {"network.loss": 0},
                    "marks": [{"at": "5min", "label": "half-time"}],
                    "curves": [{"label": "most", "value": 0.9}],
                }},
                {"cost_performance": {
                    "cost": "maintenance.bytes_rate", "performance": "latency_ms.p99", "by": "upkeep",
                    "title": "Cost", "scale": "linear", "where": {"network.loss": 0}, "file": "cost",
                }},
            ],
            "expect": [
                {"metric": "hops.mean", "at_most": {"log2": "nodes", "times": 0.5, "plus": 1},
                 "where": {"network.loss": 0, "nodes": {"at_least": 64}}},
                {"metric": "fit.r2", "at_least": 0.9},
            ],
            "published": [
                {"source": "a paper", "metric": "hops.mean", "against": "population.nodes",
                 "where": {"network.loss": 0, "overlay.chord.lookup": "iterative", "upkeep": "lazy"},
                 "values": [[32, 2.49], [64, 2.96]], "tolerance": {"relative": 0.1}},
            ],
        })
    }

    /// The same with churn instead of joins and leaves.
    fn churning() -> Value {
        let mut scenario = full();
        scenario["population"] = json!({
            "nodes": 64,
            "churn": {
                "sessions": {"weibull": {"shape": 0.5, "mean": "1h"}},
                "downtimes": {"pareto": {"shape": 1.5, "median": "1h"}},
                "initial": 32, "join_every": "1min", "depart_every": "2min", "target": 16,
                "rejoin": "new_id", "graceful": 0.5,
                "diurnal": {"period": "24h", "amplitude": 0.5, "peak": "20h"},
                "flash_crowds": [{"at": "2min", "nodes": 50, "within": "1min"}],
                "start": "1min", "stop": "9min",
            },
        });
        scenario
    }

    fn small() -> Value {
        json!({"name": "x", "population": {"nodes": 4}, "overlay": {"chord": {}}})
    }

    fn error(value: &Value) -> String {
        parse("x.json", &value.to_string(), &Overrides::default()).unwrap_err().to_string()
    }

    #[test]
    fn a_full_scenario_becomes_a_plan() {
        let plan = parse("x.json", &full().to_string(), &Overrides::default()).unwrap();
        assert_eq!((plan.points.len(), plan.runs(), plan.seed), (34, 102, 7));
        let [.., lazy, last] = &plan.points[..] else { panic!("two points") };
        assert_eq!(
            Value::Object(last.params.clone()),
            json!({
                "population.nodes": 128, "network.loss": 0.2, "overlay.chord.lookup": "recursive",
                "workload.key_copies": 3, "id_bits": 64, "upkeep": "as it is",
            })
        );
        let sweep = last.params.keys().collect::<Vec<_>>();
        assert_eq!(plan.sweep.iter().collect::<Vec<_>>(), sweep);
        assert_eq!((lazy.setup.workload.keys, last.setup.workload.keys), (10, 1000));
        assert_eq!((last.setup.servers, last.setup.network.loss), (128, 0.2));
        assert_eq!((plan.base.servers, plan.base.network.loss), (64, 0.01));
        let plan = parse("x.json", &churning().to_string(), &Overrides::default()).unwrap();
        assert!(plan.points.iter().all(|point| point.setup.churn.is_some()));
    }

    #[test]
    fn a_scenario_without_a_sweep_is_one_point() {
        let plan = parse("x.json", &small().to_string(), &Overrides::default()).unwrap();
        assert_eq!((plan.points.len(), plan.runs(), plan.seed), (1, 1, 1));
        assert!(plan.points[0].params.is_empty());
    }

    #[test]
    fn what_lost_points_is_read_again_as_it_was_kept() {
        let mut scenario = small();
        scenario["workload"] = json!({"lookups": {"per_node": 1}});
        scenario["sweep"] = json!({"population.nodes": [4, 8]});
        let claim = json!({"metric": "hops.mean", "at_most": 9, "where": {"population.nodes": 8}});
        scenario["expect"] = json!([claim]);
        let with = |set: &str| {
            let set = vec![Overrides::parse_set(set).unwrap()];
            parse("x.json", &scenario.to_string(), &Overrides { seed: None, set })
        };
        let pinned = with("population.nodes=4").unwrap();
        assert_eq!(pinned.source["narrowed"], true);
        let kept = pinned.source.to_string();
        let again = parse("x.json", &kept, &Overrides::default()).unwrap();
        assert_eq!(again.source.to_string(), kept);
        assert_eq!(again.points[0].digest, pinned.points[0].digest);
        // What leaves the points as they are does not excuse a claim about others.
        assert!(with("duration=1h").unwrap().source.get("narrowed").is_none());
        assert!(with("expect.0.where={\"population.nodes\":5}").is_err());
    }

    #[test]
    fn the_command_line_overrides_the_file() {
        let set = ["duration=1s", "name=\"y\"", "population.nodes=8"];
        let overrides = Overrides {
            seed: Some(u64::MAX),
            set: set.map(|text| Overrides::parse_set(text).unwrap()).into(),
        };
        let plan = parse("x.json", &small().to_string(), &overrides).unwrap();
        assert_eq!((plan.name.as_str(), plan.base.servers, plan.base.seed), ("y", 8, u64::MAX));
        let wrong = Overrides { seed: None, set: vec![("name.x".to_owned(), json!(1))] };
        insta::assert_snapshot!(
            parse("x.json", &small().to_string(), &wrong).unwrap_err(),
            @"x.json: --set name.x: `name` is a value without fields; set the value itself, or correct the path"
        );
    }

    #[test]
    fn faults_of_a_sweep_name_axis_and_point() {
        let with = |sweep: Value| {
            let mut scenario = small();
            scenario["sweep"] = sweep;
            error(&scenario)
        };
        insta::assert_snapshot!(
            [
                with(json!({"population.nodez": [1, 2]})),
                with(json!({"overlay.chord.fingers.more": [1, 2]})),
                with(json!({"name.x": [1, 2]})),
                with(json!({"network.loss": [0.5, 1.5]})),
                with(json!({"population.nodes": [2, "many"]})),
                with(json!({"population": [2]})),
                with(json!({"id_bits": [4, 1], "network.loss": [0, 1]})),
                with(json!({"network.loss": {"range": {"from": 0, "to": 1, "step": 1e-7}}})),
                with(json!({"a": {"range": {"from": 1, "to": 4000}}, "b": {"range": {"from": 1, "to": 2500}}})),
                with(json!({"seed": [1, 2]})),
                with(json!({"system": {"variants": {}}})),
                with(json!({"overlay": {"variants": {"a": {}}}})),
                with(json!({"nodes": {"variants": {"a": {}}}})),
                with(json!({"system": {"variants": {"a": {"seed": 1}}}})),
                with(json!({"system": {"variants": {"a": {"overlay": {"pastry": {}}}}}})),
                with(json!({"system": {"variants": {"a": {"overlay": {"chord": {"successors": 99}}}}}})),
                with(json!({"network.loss": [0], "system": {"variants": {"a": {"network": {}}}}})),
            ]
            .join("\n")
        );
    }

    #[test]
    fn an_overlay_of_another_program_is_its_own() {
        let mut scenario = small();
        scenario["overlay"] = json!({"own": {"links": 1}});
        let refused = "x.json: overlay.own: is an overlay of another program, which alone can run it; \
                       run it with that one, or give `chord`, `full_membership` or `tracker`";
        assert_eq!(error(&scenario), refused);
        let mut swept = small();
        swept["sweep"] = json!({"overlay": [{"chord": {}}, {"own": {}}]});
        assert_eq!(error(&swept), refused);
        scenario["sweep"] = json!({"overlay.own.links": [1, {"many": true}]});
        let plan = parse_own("x.json", &scenario.to_string(), &Overrides::default()).unwrap();
        let links = plan.points.iter().map(|point| match &point.setup.overlay {
            Overlay::Own(own) => own["links"].clone(),
            other => panic!("{other:?}"),
        });
        assert_eq!(links.collect::<Vec<_>>(), [json!(1), json!({"many": true})]);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_one_line() {
        let missing = load(Path::new("no/such/file.json"), &Overrides::default()).unwrap_err();
        assert!(missing.to_string().starts_with("no/such/file.json: cannot be read: "));
        let folder = load(Path::new("src"), &Overrides::default()).unwrap_err();
        assert_eq!(folder.to_string().lines().count(), 1);
    }

    #[test]
    fn the_schema_accepts_what_is_accepted() {
        let schema = schema();
        assert_eq!(schema["properties"]["sweep"]["additionalProperties"]["$ref"], "#/$defs/Axis");
        let validator = jsonschema::validator_for(&schema).unwrap();
        for scenario in [full(), churning(), small()] {
            if let Err(error) = validator.validate(&scenario) {
                panic!("{error}");
            }
        }
        assert!(!validator.is_valid(&json!({"name": "x"})));
    }

    /// Any JSON, often of the kind that scenarios are made of.
    fn any_json() -> impl Strategy<Value = Value> {
        let words = [
            "",
            "x",
            "10ms",
            "0s",
            "1e9s",
            "584000d",
            "all",
            "none",
            "hops.mean",
            "fit.r2",
            "nodes",
            "population.nodes",
            "../..",
            "line\nbreak",
            "\u{2028}`",
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (0u64..200).prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            (-0.5..2.0).prop_map(Value::from),
            select(words.to_vec()).prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
        ];
        let words = [
            "chord",
            "range",
            "from",
            "to",
            "step",
            "powers_of_two",
            "variants",
            "zip",
            "parameter",
            "constant",
            "period",
            "at_least",
            "uniform",
            "euclidean",
            "at",
            "crash",
            "partition",
            "groups",
            "every",
            "keys",
            "spaced",
            "population.nodes",
            "network.loss",
            "x",
        ];
        leaf.prop_recursive(3, 16, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(select(words.to_vec()), inner, 0..4)
                    .prop_map(|map| map.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
            ]
        })
    }

    #[derive(Clone, Debug)]
    enum Mutation {
        Delete,
        Replace(Value),
        Insert(String, Value),
    }

    fn mutation() -> impl Strategy<Value = (Index, Mutation)> {
        let names = [
            "ids",
            "times",
            "seed",
            "joins",
            "where",
            "within",
            "of",
            "fix_fingers",
            "x",
            "variants",
            "count",
            "leaves",
            "faults",
            "measure",
            "storage",
            "downloads",
            "base",
            "churn",
            "sessions",
            "trace",
            "extends",
            "exclude",
            "zip",
            "narrowed",
        ];
        let kind = prop_oneof![
            Just(Mutation::Delete),
            any_json().prop_map(Mutation::Replace),
            (select(names.to_vec()), any_json())
                .prop_map(|(name, value)| Mutation::Insert(name.to_owned(), value)),
        ];
        (any::<Index>(), kind)
    }

    /// All places of a JSON value, as pointers.
    fn places(value: &Value, here: &str, all: &mut Vec<String>) {
        all.push(here.to_owned());
        match value {
            Value::Object(fields) => {
                for (name, field) in fields {
                    let name = name.replace('~', "~0").replace('/', "~1");
                    places(field, &format!("{here}/{name}"), all);
                }
            }
            Value::Array(elements) => {
                for (position, element) in elements.iter().enumerate() {
                    places(element, &format!("{here}/{position}"), all);
                }
            }
            _ => {}
        }
    }

    fn mutate(root: &mut Value, index: Index, mutation: Mutation) {
        let mut all = Vec::new();
        places(root, "", &mut all);
        let place = &all[index.index(all.len())];
        match mutation {
            Mutation::Delete => {
                let Some((parent, name)) = place.rsplit_once('/') else { return };
                match root.pointer_mut(parent) {
                    Some(Value::Object(fields)) => drop(fields.remove(name)),
                    Some(Value::Array(elements)) => drop(elements.pop()),
                    _ => {}
                }
            }
            Mutation::Replace(value) => *root.pointer_mut(place).unwrap() = value,
            Mutation::Insert(name, value) => match root.pointer_mut(place).unwrap() {
                Value::Object(fields) => drop(fields.insert(name, value)),
                Value::Array(elements) => elements.push(value),
                _ => {}
            },
        }
    }

    fn is_refused_in_one_line_or_accepted(text: &str) -> Result<(), TestCaseError> {
        if let Err(error) = parse("x.json", text, &Overrides::default()) {
            let error = error.to_string();
            prop_assert_eq!(error.lines().count(), 1, "{}", error);
            prop_assert!(error.starts_with("x.json: ") && error.len() > 12, "{}", error);
        }
        Ok(())
    }

    proptest! {
        #![proptest_config(crate::property::config())]

        #[test]
        fn mutated_scenarios_are_refused_in_one_line_or_accepted(
            start in select(vec![full(), churning(), small()]),
            mutations in prop::collection::vec(mutation(), 1..5),
        ) {
            let mut scenario = start;
            for (index, mutation) in mutations {
                mutate(&mut scenario, index, mutation);
            }
            is_refused_in_one_line_or_accepted(&scenario.to_string())?;
        }

        #[test]
        fn extending_twice_is_extending_once(
            base in select(vec![full(), churning(), small()]),
            changes in select(vec![full(), churning(), json!({})]),
            mutations in prop::collection::vec(mutation(), 0..5),
        ) {
            let mut changes = changes;
            for (index, mutation) in mutations {
                mutate(&mut changes, index, mutation);
            }
            prop_assume!(changes.is_object());
            let once = extend::merged(base, changes.clone());
            prop_assert_eq!(extend::merged(once.clone(), changes), once);
        }

        #[test]
        fn null_takes_out_and_nothing_changes_nothing(
            base in select(vec![full(), churning(), small()]), index in any::<Index>(),
        ) {
            prop_assert_eq!(extend::merged(base.clone(), json!({})), base.clone());
            let names: Vec<String> = base.as_object().unwrap().keys().cloned().collect();
            let name = index.get(&names);
            let mut expected = base.clone();
            expected.as_object_mut().unwrap().shift_remove(name);
            prop_assert_eq!(extend::merged(base, json!({ name: null })), expected);
        }

        #[test]
        fn mutated_texts_are_refused_in_one_line_or_accepted(
            at in any::<Index>(), drop in 0usize..20, insert in ".{0,10}",
        ) {
            let mut text: Vec<char> = full().to_string().chars().collect();
            let at = at.index(text.len());
            let end = (at + drop).min(text.len());
            text.splice(at..end, insert.chars());
            is_refused_in_one_line_or_accepted(&text.into_iter().collect::<String>())?;
        }

        #[test]
        fn changed_paths_are_refused_in_one_line_or_accepted(path in "[a-z.0-9\n]{0,12}", value in any_json()) {
            let overrides = Overrides { seed: None, set: vec![(path, value)] };
            if let Err(error) = parse("x.json", &full().to_string(), &overrides) {
                prop_assert_eq!(error.to_string().lines().count(), 1);
            }
        }
    }
}
