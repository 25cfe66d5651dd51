//! The axes of a sweep and the points of their grid.
//!
//! An axis is a parameter with its values, several parameters that walk in step, or a label
//! with variants, each of which sets several parameters together. Axes are counted before
//! they are written out: a sweep of ten million points costs an error, not the memory for
//! ten million points.

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
const NOT_SWEPT: [(&str, &str); 13] = [
    ("$schema", "remove it from the sweep"),
    ("extends", "sweep what differs, or write a scenario for each"),
    ("narrowed", "remove it from the sweep"),
    ("name", "the points of a sweep share one name"),
    ("description", "the points of a sweep share one description"),
    ("seed", "use `repeat`, which gives every repeat other random numbers"),
    ("repeat", "give `repeat` beside the sweep; it holds for every point"),
    ("sweep", "write all axes side by side in `sweep`"),
    ("exclude", "give `exclude` beside the sweep; it chooses among all points"),
    ("plots", "plots show all points together"),
    ("expect", "choose the points of a claim by its `where`"),
    ("files", "give every file a name of its own, and sweep the name"),
    ("published", "choose the points of published numbers by their `where`"),
];

/// Whole numbers up to here are exact as f64.
const MAX_WHOLE: f64 = 9_007_199_254_740_992.0;

/// A swept parameter: every point has a value of it.
#[derive(Debug)]
pub(super) struct Parameter {
    /// Its path; of variants, their label.
    pub(super) path: String,
    /// Where its values stand in the file.
    place: String,
    values: Values,
}

impl Parameter {
    /// Its values, written out. Where several parameters walk in step, one of them may have
    /// a value twice.
    pub(super) fn all(&self) -> Vec<Value> {
        (0..self.values.count()).map(|position| self.values.get(position)).collect()
    }

    /// What its value of this number sets.
    fn changes(&self, position: u64) -> Vec<Change> {
        match &self.values {
            Values::Variants(variants) => variants[position as usize].changes.clone(),
            values => {
                let (place, path) = (self.place.clone(), self.path.clone());
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

/// A parameter that is varied on its own, or several that walk in step.
#[derive(Debug)]
pub(super) struct Axis {
    /// The path of the parameter, or a label.
    name: String,
    has_label: bool,
    /// One, or those that walk in step; all have the same number of values.
    parameters: Vec<Parameter>,
}

impl Axis {
    fn count(&self) -> u64 {
        self.parameters.first().map_or(1, |first| first.values.count())
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

/// The grid of a sweep: all combinations of its axes, but for those that are left out.
#[derive(Debug)]
pub(super) struct Grid {
    axes: Vec<Axis>,
    /// All combinations.
    size: u64,
    /// The numbers of those that are left, if some are left out.
    left: Option<Vec<u64>>,
}

impl Grid {
    /// Reads the axes and counts the points, without writing anything out.
    pub(super) fn new(sweep: &Map<String, Value>) -> Result<Grid, Fault> {
        let mut axes: Vec<Axis> = Vec::with_capacity(sweep.len());
        for (name, values) in sweep {
            let next = axis(name, values)?;
            check_paths(&next, &axes)?;
            axes.push(next);
        }
        let size = axes.iter().map(Axis::count).fold(1, u64::saturating_mul);
        Ok(Grid { axes, size, left: None })
    }

    /// The same with these points only, by the numbers of their combinations.
    pub(super) fn with_only(self, left: Vec<u64>) -> Grid {
        Grid { left: Some(left), ..self }
    }

    /// How many combinations there are, those that are left out among them.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// How many points there are.
    fn count(&self) -> u64 {
        self.left.as_ref().map_or(self.size, |left| left.len() as u64)
    }

    /// Refuses more runs than there may be.
    pub(super) fn check_runs(&self, repeat: u32) -> Result<(), Fault> {
        if repeat == 0 {
            return Err(Fault::new("repeat", "0 repeats are no experiment", "give at least 1"));
        }
        let points = self.count();
        let runs = points.saturating_mul(u64::from(repeat));
        if runs <= MAX_RUNS {
            return Ok(());
        }
        let place = if self.axes.is_empty() { "repeat" } else { "sweep" };
        let runs = if runs == u64::MAX { "too many".to_owned() } else { runs.to_string() };
        Err(Fault::new(
            place,
            format!("{points} points with {repeat} repeats are {runs} runs"),
            format!("ask for at most {MAX_RUNS}: fewer values or fewer repeats"),
        ))
    }

    /// Refuses values that an axis has twice. Writes them out.
    pub(super) fn check_distinct(&self) -> Result<(), Fault> {
        self.axes.iter().try_for_each(check_distinct)
    }

    /// The swept parameters, in their order: what every point has a value of.
    pub(super) fn parameters(&self) -> impl Iterator<Item = &Parameter> {
        self.axes.iter().flat_map(|axis| &axis.parameters)
    }

    /// The swept parameters, each with the number of its axis.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (usize, &Parameter)> {
        let axes = self.axes.iter().enumerate();
        axes.flat_map(|(number, axis)| axis.parameters.iter().map(move |one| (number, one)))
    }

    /// All combinations: which value of each axis, the last one varying fastest.
    pub(super) fn combinations(&self) -> impl Iterator<Item = Vec<u64>> + '_ {
        (0..self.size).map(|number| self.positions(number))
    }

    fn positions(&self, number: u64) -> Vec<u64> {
        let mut rest = number;
        let mut stride = self.size;
        let position = |axis: &Axis| {
            stride /= axis.count();
            let position = rest / stride;
            rest %= stride;
            position
        };
        self.axes.iter().map(position).collect()
    }

    /// Every point that is not left out, the last axis varying fastest.
    pub(super) fn points(&self) -> impl Iterator<Item = GridPoint> + '_ {
        (0..self.count()).map(|number| {
            let number = self.left.as_ref().map_or(number, |left| left[number as usize]);
            let mut point = GridPoint { params: Map::new(), changes: Vec::new() };
            for (axis, position) in self.axes.iter().zip(self.positions(number)) {
                for parameter in &axis.parameters {
                    point.params.insert(parameter.path.clone(), parameter.values.get(position));
                    point.changes.extend(parameter.changes(position));
                }
            }
            point
        })
    }
}

/// The values of an axis of parameters that walk in step, by their paths: nothing for other
/// axes and for such as cannot be read.
pub(super) fn zipped(axis: &Value) -> Vec<(String, Vec<Value>)> {
    let zip = axis.get("zip").and_then(Value::as_object);
    let written = |(path, values): (&String, &Value)| {
        let values = plain("", values).ok().flatten()?;
        Some((path.clone(), (0..values.count()).map(|position| values.get(position)).collect()))
    };
    zip.into_iter().flatten().filter_map(written).collect()
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
    let others: Vec<&Parameter> = others.iter().flat_map(|other| &other.parameters).collect();
    if axis.has_label {
        check_label(&axis.name)?;
    }
    for (number, parameter) in axis.parameters.iter().enumerate() {
        let in_step = axis.parameters[..number].iter();
        let others: Vec<&Parameter> = others.iter().copied().chain(in_step).collect();
        match &parameter.values {
            Values::Variants(variants) => {
                for change in variants.iter().flat_map(|variant| &variant.changes) {
                    check_path(&change.place, &change.path, &others)?;
                }
            }
            _ => check_path(&parameter.place, &parameter.path, &others)?,
        }
    }
    Ok(())
}

fn check_path(place: &str, path: &str, others: &[&Parameter]) -> Result<(), Fault> {
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
    let mend = "call the axis by a word of its own, such as `system`";
    let problem = if label.is_empty() {
        "is no label".to_owned()
    } else if is_field(label) {
        format!("`{label}` leads to a field of the file, and such an axis sets paths of its own")
    } else if metrics::find(label).is_some() {
        format!("`{label}` is a metric")
    } else {
        return Ok(());
    };
    Err(Fault::new(place(label), problem, mend))
}

fn axis(name: &str, value: &Value) -> Result<Axis, Fault> {
    let place = place(name);
    let parameters = match only_field(value) {
        Some(("zip", value)) => zip(&format!("{place}.zip"), value)?,
        Some(("variants", value)) => {
            let values = Values::Variants(variants(&format!("{place}.variants"), value)?);
            vec![Parameter { path: name.to_owned(), place, values }]
        }
        _ => match plain(&place, value)? {
            Some(values) => vec![Parameter { path: name.to_owned(), place, values }],
            None => {
                return Err(Fault::new(
                    place,
                    "is not the values of an axis",
                    "give a list [8, 16], {\"range\": {\"from\": 0, \"to\": 1, \"step\": 0.1}}, {\"powers_of_two\": [8, 1024]}, {\"variants\": {name: {path: value}}} or {\"zip\": {path: values}}",
                ));
            }
        },
    };
    let has_label = matches!(only_field(value), Some(("zip" | "variants", _)));
    Ok(Axis { name: name.to_owned(), has_label, parameters })
}

/// The name and the value of the only field of an object.
fn only_field(value: &Value) -> Option<(&str, &Value)> {
    let fields = value.as_object().filter(|fields| fields.len() == 1)?;
    fields.iter().next().map(|(name, value)| (name.as_str(), value))
}

/// The values of a single parameter; nothing if they are written in no way that is known.
fn plain(place: &str, value: &Value) -> Result<Option<Values>, Fault> {
    match (value, only_field(value)) {
        (Value::Array(values), _) if values.is_empty() => {
            Err(Fault::new(place, "has no values", "give at least one, or remove the axis"))
        }
        (Value::Array(values), _) => Ok(Some(Values::List(values.clone()))),
        (_, Some(("range", value))) => range(&format!("{place}.range"), value).map(Some),
        (_, Some(("powers_of_two", value))) => {
            powers_of_two(&format!("{place}.powers_of_two"), value).map(Some)
        }
        _ => Ok(None),
    }
}

/// Parameters that walk in step.
fn zip(place: &str, value: &Value) -> Result<Vec<Parameter>, Fault> {
    let paths = value.as_object().filter(|paths| !paths.is_empty());
    let Some(paths) = paths else {
        return Err(Fault::new(
            place,
            "is not the values of parameters by their paths",
            "give an object, such as {\"population.nodes\": [8, 16], \"workload.keys\": [80, 160]}",
        ));
    };
    let mut parameters: Vec<Parameter> = Vec::with_capacity(paths.len());
    for (path, values) in paths {
        let place = format!("{place}.{path}");
        let Some(values) = plain(&place, values)? else {
            return Err(Fault::new(
                place,
                "is not the values of a parameter",
                "give a list [8, 16], {\"range\": {\"from\": 0, \"to\": 1, \"step\": 0.1}} or {\"powers_of_two\": [8, 1024]}",
            ));
        };
        if let Some(first) = parameters.first().filter(|one| one.values.count() != values.count()) {
            let (count, other) = (values.count(), first.values.count());
            return Err(Fault::new(
                place,
                format!("has {count} values and `{}` has {other}", first.path),
                "give parameters that walk in step the same number of values",
            ));
        }
        parameters.push(Parameter { path: path.clone(), place, values });
    }
    Ok(parameters)
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

fn variants(place: &str, value: &Value) -> Result<Vec<Variant>, Fault> {
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
    named.iter().map(|(name, value)| variant(place, name, value)).collect()
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
    for position in 0..axis.count() {
        let values = axis.parameters.iter().map(|parameter| parameter.values.get(position));
        let values: Vec<Value> = values.collect();
        if !seen.insert(values.iter().map(comparable).collect::<Vec<_>>()) {
            let values: Vec<String> = values.iter().map(Value::to_string).collect();
            let problem = match &values[..] {
                [value] => format!("has the value {value} twice"),
                values => format!("has the values {} twice", values.join(", ")),
            };
            return Err(Fault::new(place(&axis.name), problem, "give every value once"));
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
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::json;

    use super::super::exclude;
    use super::super::format::PointCondition;
    use super::*;

    fn grid(sweep: &Map<String, Value>, repeat: u32) -> Result<Grid, Fault> {
        exclude::grid(sweep, &[], repeat, false)
    }

    fn values(axis: Value) -> Result<Vec<Value>, Fault> {
        let mut sweep = Map::new();
        sweep.insert("x".to_owned(), axis);
        Ok(grid(&sweep, 1)?.points().map(|point| point.params["x"].clone()).collect())
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
    fn parameters_in_step_stand_by_their_paths() {
        let sweep = json!({
            "size": {"zip": {"a.b": {"powers_of_two": [8, 32]}, "c": [3, 3, "x"]}},
            "d": [true, false],
        });
        let grid = self::grid(sweep.as_object().unwrap(), 1).unwrap();
        let parameters: Vec<_> = grid.parameters().map(|one| one.path.as_str()).collect();
        assert_eq!(parameters, ["a.b", "c", "d"]);
        let points: Vec<GridPoint> = grid.points().collect();
        let params: Vec<_> = points.iter().map(|point| Value::from(point.params.clone())).collect();
        assert_eq!(
            Value::from(params),
            json!([
                {"a.b": 8, "c": 3, "d": true}, {"a.b": 8, "c": 3, "d": false},
                {"a.b": 16, "c": 3, "d": true}, {"a.b": 16, "c": 3, "d": false},
                {"a.b": 32, "c": "x", "d": true}, {"a.b": 32, "c": "x", "d": false},
            ])
        );
        assert_eq!(points[5].changes[0].place, "sweep.size.zip.a.b");
    }

    #[test]
    fn impossible_zips_are_refused() {
        let refused = |sweep: Value| {
            let Fault { place, problem, mend } = grid(sweep.as_object().unwrap(), 1).unwrap_err();
            format!("{place}: {problem}; {mend}")
        };
        let zip = |zip: Value| refused(json!({"size": {"zip": zip}}));
        insta::assert_snapshot!(
            [
                zip(json!({})),
                zip(json!([1, 2])),
                zip(json!({"a": [1, 2], "b": [1, 2, 3]})),
                zip(json!({"a": {"variants": {"x": {}}}})),
                zip(json!({"a": {"zip": {"b": [1]}}})),
                zip(json!({"a": []})),
                zip(json!({"a": {"range": {"from": 2, "to": 1}}})),
                zip(json!({"a": [1, 2, 1], "b": [1, 2, 1.0]})),
                zip(json!({"a": [1, 1]})),
                zip(json!({"a": [1], "a.b": [1]})),
                zip(json!({"seed": [1, 2]})),
                zip(json!({"exclude": [1, 2]})),
                refused(json!({"size": {"zip": {"a": [1]}}, "a.b": [1]})),
                refused(json!({"population": {"zip": {"a": [1]}}})),
                refused(json!({"population.nodes": {"zip": {"population.nodes": [1]}}})),
            ]
            .join("\n")
        );
    }

    #[test]
    fn the_last_axis_varies_fastest() {
        let sweep = json!({"b": [1, 2], "a": ["x", "y"]});
        let grid = self::grid(sweep.as_object().unwrap(), 1).unwrap();
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
        let grid = self::grid(sweep.as_object().unwrap(), 1).unwrap();
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
        let refused = |sweep: Value| grid(sweep.as_object().unwrap(), 1).unwrap_err().place;
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
        let fault = grid(&sweep, 1).unwrap_err();
        assert_eq!(fault.place, "sweep");
        assert!(fault.problem.ends_with("are too many runs"), "{fault:?}");
        assert!(grid(&Map::new(), 100_000).is_ok());
        assert_eq!(grid(&Map::new(), 100_001).unwrap_err().place, "repeat");
        assert_eq!(grid(&Map::new(), 0).unwrap_err().place, "repeat");
    }

    fn params(sweep: &Value, exclude: &Value) -> Result<Vec<Map<String, Value>>, Fault> {
        let exclude: Vec<BTreeMap<String, PointCondition>> =
            serde_json::from_value(exclude.clone()).unwrap();
        let grid = exclude::grid(sweep.as_object().unwrap(), &exclude, 1, false)?;
        Ok(grid.points().map(|point| point.params).collect())
    }

    #[test]
    fn what_is_left_is_counted() {
        let sweep = json!({
            "a": {"range": {"from": 1, "to": 1000}}, "b": {"range": {"from": 1, "to": 1000}},
        });
        assert!(params(&sweep, &json!([])).is_err());
        let most = json!([{"a": {"at_least": 101}}]);
        assert_eq!(params(&sweep, &most).unwrap().len(), 100_000);
        let more = json!([{"a": {"at_least": 102}}]);
        let fault = params(&sweep, &more).unwrap_err();
        assert_eq!(fault.problem, "101000 points with 1 repeats are 101000 runs");
        let large = json!({"a": {"range": {"from": 1, "to": 4000}}, "b": {"range": {"from": 1, "to": 4000}}});
        let fault = params(&large, &most).unwrap_err();
        assert!(fault.problem.starts_with("16000000 points are too many to look"), "{fault:?}");
    }

    proptest! {
        #![proptest_config(crate::property::config())]

        #[test]
        fn a_zip_of_one_parameter_is_a_plain_axis(
            values in prop::collection::btree_set(-9i64..9, 1..5), others in 1usize..4,
        ) {
            let other: Vec<usize> = (0..others).collect();
            let plain = params(&json!({"o": other, "x": values}), &json!([])).unwrap();
            let zip = params(&json!({"o": other, "l": {"zip": {"x": values}}}), &json!([]));
            prop_assert_eq!(zip.unwrap(), plain);
        }

        #[test]
        fn a_zip_is_the_pairs_of_its_values(
            pairs in prop::collection::btree_set((0u64..4, 0u64..4), 1..6),
        ) {
            let (a, b): (Vec<u64>, Vec<u64>) = pairs.iter().copied().unzip();
            let points = params(&json!({"l": {"zip": {"a": a, "b": b}}}), &json!([])).unwrap();
            let expected: Vec<Value> = pairs.iter().map(|(a, b)| json!({"a": a, "b": b})).collect();
            prop_assert_eq!(points.into_iter().collect::<Value>(), Value::from(expected));
        }

        #[test]
        fn what_is_excluded_is_what_a_filter_leaves_out(
            a in prop::collection::btree_set(0u64..9, 1..5),
            b in prop::collection::btree_set(0u64..9, 1..5),
            (times, plus) in (-2i64..3, -3i64..4),
        ) {
            let sweep = json!({"a": a, "b": b, "c": ["x", "y"]});
            let line = json!({"parameter": "b", "times": times, "plus": plus});
            let exclude = json!([
                {"a": {"at_least": line}, "c": "x"},
                {"a": {"at_least": 3, "at_most": 3}, "b": {"at_least": 1, "at_most": 2}},
            ]);
            let is_excluded = |point: &Map<String, Value>| {
                let [a, b] = ["a", "b"].map(|path| point[path].as_i64().unwrap());
                [a >= times * b + plus && point["c"] == "x", a == 3 && (b == 1 || b == 2)]
            };
            let all = params(&sweep, &json!([])).unwrap();
            let left: Vec<_> =
                all.iter().filter(|point| is_excluded(point) == [false; 2]).cloned().collect();
            match params(&sweep, &exclude) {
                Ok(points) => prop_assert_eq!(points, left),
                Err(fault) => {
                    let unused = (0..2).any(|n| !all.iter().any(|point| is_excluded(point)[n]));
                    prop_assert!(left.is_empty() || unused, "{:?}", fault);
                }
            }
        }
    }

    #[test]
    fn axes_that_say_nothing_of_a_point_are_refused() {
        for path in ["seed", "repeat", "name", "expect.0", "sweep.x"] {
            let sweep = [(path.to_owned(), json!([1, 2]))].into_iter().collect();
            assert_eq!(grid(&sweep, 1).unwrap_err().place, format!("sweep.{path}"));
        }
        let both = json!({"network.latency": [1], "network": [2]});
        let fault = grid(both.as_object().unwrap(), 1).unwrap_err();
        assert_eq!(fault.place, "sweep.network");
    }
}
