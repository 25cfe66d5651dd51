//! The axes of a sweep and the points of their grid.
//!
//! An axis is a parameter with its values, or a label with variants, each of which
//! sets several parameters together. Axes are counted before they are written out: a
//! sweep of ten million points costs an error, not the memory for ten million points.

use std::collections::BTreeSet;

use serde_json::{Map, Number, Value};

use crate::measure::metrics;

use super::error::Fault;
use super::format::Range;
use super::is_field;

/// The most runs (points times repeats) that a scenario may ask for.
pub const MAX_RUNS: u64 = 100_000;

/// Fields that describe the experiment as a whole and cannot differ from point to
/// point, each with the mend.
const NOT_SWEPT: [(&str, &str); 10] = [
    ("$schema", "remove it from the sweep"),
    ("name", "the points of a sweep share one name"),
    ("description", "the points of a sweep share one description"),
    ("seed", "use `repeat`, which gives every repeat other random numbers"),
    ("repeat", "give `repeat` beside the sweep; it holds for every point"),
    ("sweep", "write all axes side by side in `sweep`"),
    ("plots", "plots show all points together"),
    ("expect", "choose the points of a claim by its `where`"),
    ("files", "give every file a name of its own, and sweep the name"),
    ("published", "choose the points of published numbers by their `where`"),
];

/// Whole numbers up to here are exact as f64.
const MAX_WHOLE: f64 = 9_007_199_254_740_992.0;

/// A swept parameter and its values, or a label and its variants.
#[derive(Debug)]
pub(super) struct Axis {
    pub(super) path: String,
    values: Values,
}

impl Axis {
    /// Its values, written out.
    pub(super) fn all(&self) -> Vec<Value> {
        (0..self.values.count()).map(|position| self.values.get(position)).collect()
    }

    /// What its value of this number sets.
    fn changes(&self, position: u64) -> Vec<Change> {
        match &self.values {
            Values::Variants(variants) => variants[position as usize].changes.clone(),
            values => {
                let (place, path) = (place(&self.path), self.path.clone());
                vec![Change { place, path, value: values.get(position) }]
            }
        }
    }

    /// The paths that it sets.
    fn paths(&self) -> Vec<&str> {
        match &self.values {
            Values::Variants(variants) => variants.iter().flat_map(Variant::paths).collect(),
            _ => vec![&self.path],
        }
    }
}

/// Values that are not written out yet.
#[derive(Debug)]
enum Values {
    List(Vec<Value>),
    Whole { from: i64, step: i64, count: u64 },
    Real { from: f64, step: f64, count: u64 },
    PowersOfTwo { first_exponent: u32, count: u64 },
    Variants(Vec<Variant>),
}

/// A name and what it stands for.
#[derive(Debug)]
struct Variant {
    name: String,
    changes: Vec<Change>,
}

impl Variant {
    fn paths(&self) -> impl Iterator<Item = &str> {
        self.changes.iter().map(|change| change.path.as_str())
    }
}

/// A value that a point puts into the file.
#[derive(Clone, Debug)]
pub(super) struct Change {
    /// Where it stands in the sweep.
    pub(super) place: String,
    /// Where it goes.
    pub(super) path: String,
    pub(super) value: Value,
}

/// A point of the grid.
pub(super) struct GridPoint {
    /// The values of the axes by their path or label; of a variant, its name.
    pub(super) params: Map<String, Value>,
    /// What they set.
    pub(super) changes: Vec<Change>,
}

impl Values {
    fn count(&self) -> u64 {
        match self {
            Values::List(values) => values.len() as u64,
            Values::Variants(variants) => variants.len() as u64,
            Values::Whole { count, .. }
            | Values::Real { count, .. }
            | Values::PowersOfTwo { count, .. } => *count,
        }
    }

    fn get(&self, position: u64) -> Value {
        match self {
            Values::List(values) => values[position as usize].clone(),
            Values::Variants(variants) => variants[position as usize].name.as_str().into(),
            Values::Whole { from, step, .. } => (from + step * position.cast_signed()).into(),
            Values::Real { from, step, .. } => tidy(from + step * position as f64).into(),
            Values::PowersOfTwo { first_exponent, .. } => {
                (1u64 << (u64::from(*first_exponent) + position)).into()
            }
        }
    }
}

/// 0.3 rather than 0.30000000000000004, where twelve decimals are exact.
fn tidy(x: f64) -> f64 {
    const DECIMALS: f64 = 1e12;
    let scaled = (x * DECIMALS).round();
    if scaled.abs() < MAX_WHOLE { scaled / DECIMALS } else { x }
}

/// The grid of a sweep: all combinations of its axes.
#[derive(Debug)]
pub(super) struct Grid {
    pub(super) axes: Vec<Axis>,
    points: u64,
}

impl Grid {
    /// Reads the axes and counts the runs, without writing anything out.
    pub(super) fn new(sweep: &Map<String, Value>, repeat: u32) -> Result<Grid, Fault> {
        let mut axes: Vec<Axis> = Vec::with_capacity(sweep.len());
        for (path, values) in sweep {
            let next = Axis { path: path.clone(), values: axis(&place(path), values)? };
            check_paths(&next, &axes)?;
            axes.push(next);
        }
        if repeat == 0 {
            return Err(Fault::new("repeat", "0 repeats are no experiment", "give at least 1"));
        }
        let counts = axes.iter().map(|axis| axis.values.count());
        let points = counts.fold(1, u64::saturating_mul);
        let runs = points.saturating_mul(u64::from(repeat));
        if runs > MAX_RUNS {
            let place = if axes.is_empty() { "repeat" } else { "sweep" };
            let runs = if runs == u64::MAX { "too many".to_owned() } else { runs.to_string() };
            return Err(Fault::new(
                place,
                format!("{points} points with {repeat} repeats are {runs} runs"),
                format!("ask for at most {MAX_RUNS}: fewer values or fewer repeats"),
            ));
        }
        for axis in &axes {
            check_distinct(axis)?;
        }
        Ok(Grid { axes, points })
    }

    /// Every point, the last axis varying fastest.
    pub(super) fn points(&self) -> impl Iterator<Item = GridPoint> + '_ {
        (0..self.points).map(|number| {
            let mut rest = number;
            let mut stride = self.points;
            let mut point = GridPoint { params: Map::new(), changes: Vec::new() };
            for axis in &self.axes {
                stride /= axis.values.count();
                point.params.insert(axis.path.clone(), axis.values.get(rest / stride));
                point.changes.extend(axis.changes(rest / stride));
                rest %= stride;
            }
            point
        })
    }
}

/// Where an axis stands in the file.
pub(super) fn place(path: &str) -> String {
    format!("sweep.{path}")
}

/// Whether two paths lead to the same place, or one into what the other sets.
pub(super) fn overlap(one: &str, other: &str) -> bool {
    let within = |inner: &str, outer: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    within(one, other) || within(other, one)
}

/// An axis sets what can differ from point to point, and what no other axis sets.
fn check_paths(axis: &Axis, others: &[Axis]) -> Result<(), Fault> {
    match &axis.values {
        Values::Variants(variants) => {
            check_label(&axis.path)?;
            for change in variants.iter().flat_map(|variant| &variant.changes) {
                check_path(&change.place, &change.path, others)?;
            }
            Ok(())
        }
        _ => check_path(&place(&axis.path), &axis.path, others),
    }
}

fn check_path(place: &str, path: &str, others: &[Axis]) -> Result<(), Fault> {
    let root = path.split('.').next().unwrap_or_default();
    if let Some((name, mend)) = NOT_SWEPT.iter().find(|(name, _)| *name == root) {
        return Err(Fault::new(place, format!("`{name}` cannot be swept"), *mend));
    }
    match others.iter().find(|other| other.paths().iter().any(|set| overlap(set, path))) {
        Some(other) => Err(Fault::new(
            place,
            format!("overlaps with the axis `{}`", other.path),
            "sweep the whole or its parts, not both",
        )),
        None => Ok(()),
    }
}

/// The label of variants stands beside paths and metrics in tables and conditions, and
/// must be none of them.
fn check_label(label: &str) -> Result<(), Fault> {
    let mend = "call the axis of variants by a word of its own, such as `system`";
    let problem = if label.is_empty() {
        "is no label".to_owned()
    } else if is_field(label) {
        format!("`{label}` leads to a field of the file, and variants set paths of their own")
    } else if metrics::find(label).is_some() {
        format!("`{label}` is a metric")
    } else {
        return Ok(());
    };
    Err(Fault::new(place(label), problem, mend))
}

fn axis(place: &str, value: &Value) -> Result<Values, Fault> {
    let shape = || {
        Fault::new(
            place,
            "is not the values of an axis",
            "give a list [8, 16], {\"range\": {\"from\": 0, \"to\": 1, \"step\": 0.1}}, {\"powers_of_two\": [8, 1024]} or {\"variants\": {name: {path: value}}}",
        )
    };
    match value {
        Value::Array(values) if values.is_empty() => {
            Err(Fault::new(place, "has no values", "give at least one, or remove the axis"))
        }
        Value::Array(values) => Ok(Values::List(values.clone())),
        Value::Object(fields) if fields.len() == 1 => match fields.iter().next() {
            Some((name, value)) if name == "range" => range(&format!("{place}.range"), value),
            Some((name, value)) if name == "powers_of_two" => {
                powers_of_two(&format!("{place}.powers_of_two"), value)
            }
            Some((name, value)) if name == "variants" => {
                variants(&format!("{place}.variants"), value)
            }
            _ => Err(shape()),
        },
        _ => Err(shape()),
    }
}

fn range(place: &str, value: &Value) -> Result<Values, Fault> {
    let fault = |problem: &str, mend: &str| Err(Fault::new(place, problem, mend));
    // serde would read a list as well.
    let range = value.is_object().then(|| serde_json::from_value(value.clone()).ok()).flatten();
    let Some(Range { from, to, step }) = range else {
        return fault(
            "is not a range",
            "give {\"from\": number, \"to\": number, \"step\": number}",
        );
    };
    if from > to {
        return fault(&format!("is empty: {from} is above {to}"), "give `from` the smaller number");
    }
    if step <= 0.0 {
        return fault(&format!("has a step of {step}"), "give a step above 0");
    }
    // A last value that rounding pushed beyond the end by a hair still belongs.
    let steps = ((to - from) / step + 1e-9).floor();
    if steps >= MAX_RUNS as f64 {
        let problem = format!("has more than {MAX_RUNS} values");
        return fault(&problem, "give a larger step, or ends that are nearer to each other");
    }
    let count = steps as u64 + 1;
    let whole = |x: f64| x.fract() == 0.0 && x.abs() <= MAX_WHOLE;
    Ok(if whole(from) && whole(to) && whole(step) {
        Values::Whole { from: from as i64, step: step as i64, count }
    } else {
        Values::Real { from, step, count }
    })
}

fn powers_of_two(place: &str, value: &Value) -> Result<Values, Fault> {
    match serde_json::from_value::<(u64, u64)>(value.clone()) {
        Ok((first, last)) if first.is_power_of_two() && last.is_power_of_two() && first <= last => {
            let (first_exponent, last_exponent) = (first.ilog2(), last.ilog2());
            Ok(Values::PowersOfTwo {
                first_exponent,
                count: u64::from(last_exponent - first_exponent + 1),
            })
        }
        _ => Err(Fault::new(
            place,
            "is not the first and the last of a row of powers of two",
            "give two powers of two, the smaller one first: [8, 1024]",
        )),
    }
}

fn variants(place: &str, value: &Value) -> Result<Values, Fault> {
    let Value::Object(named) = value else {
        return Err(Fault::new(
            place,
            "is not variants by name",
            "give an object, such as {\"small\": {\"population.nodes\": 8}}",
        ));
    };
    if named.is_empty() {
        return Err(Fault::new(place, "has no variants", "give at least one, or remove the axis"));
    }
    let variants = named.iter().map(|(name, value)| variant(place, name, value));
    Ok(Values::Variants(variants.collect::<Result<_, _>>()?))
}

fn variant(place: &str, name: &str, value: &Value) -> Result<Variant, Fault> {
    if name.is_empty() {
        return Err(Fault::new(place, "has a variant without a name", "name every variant"));
    }
    let place = format!("{place}.{name}");
    let Value::Object(values) = value else {
        return Err(Fault::new(
            place,
            "is not what a variant sets",
            "give an object of paths and values, such as {\"population.nodes\": 8}",
        ));
    };
    let mut variant = Variant { name: name.to_owned(), changes: Vec::new() };
    for (path, value) in values {
        let place = format!("{place}.{path}");
        if let Some(other) = variant.paths().find(|other| overlap(other, path)) {
            return Err(Fault::new(
                place,
                format!("overlaps with `{other}` of the same variant"),
                "set the whole or its parts, not both",
            ));
        }
        let (path, value) = (path.clone(), value.clone());
        variant.changes.push(Change { place, path, value });
    }
    Ok(variant)
}

fn check_distinct(axis: &Axis) -> Result<(), Fault> {
    let mut seen = BTreeSet::new();
    for value in axis.all() {
        if !seen.insert(comparable(&value)) {
            let problem = format!("has the value {value} twice");
            return Err(Fault::new(place(&axis.path), problem, "give every value once"));
        }
    }
    Ok(())
}

/// A text that is the same for the same value: 8 and 8.0 are one number.
fn comparable(value: &Value) -> String {
    match value.as_f64() {
        Some(x) if x.fract() == 0.0 && x.abs() <= MAX_WHOLE => Number::from(x as i64).to_string(),
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn values(axis: Value) -> Result<Vec<Value>, Fault> {
        let mut sweep = Map::new();
        sweep.insert("x".to_owned(), axis);
        Ok(Grid::new(&sweep, 1)?.points().map(|point| point.params["x"].clone()).collect())
    }

    #[test]
    fn axes_are_written_out() {
        let all = |axis| Value::Array(values(axis).unwrap());
        assert_eq!(all(json!(["a", 2, null])), json!(["a", 2, null]));
        assert_eq!(all(json!({"range": {"from": 1, "to": 7, "step": 3}})), json!([1, 4, 7]));
        assert_eq!(all(json!({"range": {"from": -1, "to": 1.5}})), json!([-1.0, 0.0, 1.0]));
        assert_eq!(
            all(json!({"range": {"from": 0, "to": 0.3, "step": 0.1}})),
            json!([0.0, 0.1, 0.2, 0.3])
        );
        assert_eq!(all(json!({"powers_of_two": [8, 64]})), json!([8, 16, 32, 64]));
        assert_eq!(values(json!({"powers_of_two": [1, 1u64 << 63]})).unwrap().len(), 64);
    }

    #[test]
    fn impossible_axes_are_refused() {
        for axis in [
            json!([]),
            json!([1, 2, 1.0]),
            json!(["a", "a"]),
            json!(8),
            json!({}),
            json!({"powers_of_two": [8, 64], "range": {"from": 0, "to": 1}}),
            json!({"powers_of_two": [8, 60]}),
            json!({"powers_of_two": [64, 8]}),
            json!({"powers_of_two": [0, 8]}),
            json!({"range": {"from": 1, "to": 0}}),
            json!({"range": {"from": 0, "to": 1, "step": 0}}),
            json!({"range": {"from": 0, "to": 1, "step": -1}}),
            json!({"range": {"from": 0, "to": 1, "stop": 2}}),
            json!({"range": {"from": -1e308, "to": 1e308, "step": 1e-308}}),
            json!({"range": [0, 1]}),
            json!({"variants": {}}),
            json!({"variants": ["a"]}),
            json!({"variants": {"a": 8}}),
            json!({"variants": {"": {}}}),
            json!({"variants": {"a": {"population": {}, "population.nodes": 8}}}),
            json!({"variants": {"a": {"seed": 8}}}),
        ] {
            let text = axis.to_string();
            let fault = values(axis).expect_err(&text);
            assert!(fault.place.starts_with("sweep.x"), "{fault:?}");
        }
    }

    #[test]
    fn the_last_axis_varies_fastest() {
        let sweep = json!({"b": [1, 2], "a": ["x", "y"]});
        let grid = Grid::new(sweep.as_object().unwrap(), 1).unwrap();
        let points: Vec<_> = grid.points().map(|point| Value::Object(point.params)).collect();
        assert_eq!(
            Value::Array(points),
            json!([{"b": 1, "a": "x"}, {"b": 1, "a": "y"}, {"b": 2, "a": "x"}, {"b": 2, "a": "y"}])
        );
    }

    #[test]
    fn a_variant_sets_several_parameters_under_one_name() {
        let sweep = json!({
            "size": {"variants": {"small": {"id_bits": 8, "a.b": [1]}, "as it is": {}}},
            "c": [true],
        });
        let grid = Grid::new(sweep.as_object().unwrap(), 1).unwrap();
        let points: Vec<GridPoint> = grid.points().collect();
        let params: Vec<_> = points.iter().map(|point| Value::from(point.params.clone())).collect();
        assert_eq!(
            Value::from(params),
            json!([{"size": "small", "c": true}, {"size": "as it is", "c": true}])
        );
        let set = |point: &GridPoint| -> Vec<String> {
            point.changes.iter().map(|change| format!("{}={}", change.path, change.value)).collect()
        };
        assert_eq!(set(&points[0]), ["id_bits=8", "a.b=[1]", "c=true"]);
        assert_eq!(set(&points[1]), ["c=true"]);
        assert_eq!(points[0].changes[1].place, "sweep.size.variants.small.a.b");
    }

    #[test]
    fn variants_need_a_label_and_paths_of_their_own() {
        let refused = |sweep: Value| Grid::new(sweep.as_object().unwrap(), 1).unwrap_err().place;
        let some = json!({"variants": {"a": {"x.y": 1}}});
        for label in ["", "overlay", "population.size", "nodes", "hops.mean"] {
            assert_eq!(refused(json!({label: some})), format!("sweep.{label}"));
        }
        for other in ["x", "x.y", "x.y.z"] {
            assert_eq!(refused(json!({other: [1], "l": some})), "sweep.l.variants.a.x.y");
            assert_eq!(refused(json!({"l": some, other: [1]})), format!("sweep.{other}"));
        }
        assert_eq!(refused(json!({"l": some, "m": some})), "sweep.m.variants.a.x.y");
    }

    #[test]
    fn runs_are_counted_before_they_are_made() {
        let axis = json!({"range": {"from": 1, "to": 99_999}});
        let sweep: Map<_, _> = (0..40).map(|n| (format!("x{n}"), axis.clone())).collect();
        let fault = Grid::new(&sweep, 1).unwrap_err();
        assert_eq!(fault.place, "sweep");
        assert!(fault.problem.ends_with("are too many runs"), "{fault:?}");
        assert!(Grid::new(&Map::new(), 100_000).is_ok());
        assert_eq!(Grid::new(&Map::new(), 100_001).unwrap_err().place, "repeat");
        assert_eq!(Grid::new(&Map::new(), 0).unwrap_err().place, "repeat");
    }

    #[test]
    fn axes_that_say_nothing_of_a_point_are_refused() {
        for path in ["seed", "repeat", "name", "expect.0", "sweep.x"] {
            let sweep = [(path.to_owned(), json!([1, 2]))].into_iter().collect();
            assert_eq!(Grid::new(&sweep, 1).unwrap_err().place, format!("sweep.{path}"));
        }
        let both = json!({"network.latency": [1], "network": [2]});
        let fault = Grid::new(both.as_object().unwrap(), 1).unwrap_err();
        assert_eq!(fault.place, "sweep.network");
    }
}
