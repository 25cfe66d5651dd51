//! Changes of a scenario from outside: values put at a path, by the command line
//! or by a sweep.
//!
//! A path is the names of fields with dots between them; an element of a list
//! goes by its number: `population.ids.0`. The names below `sweep` are paths
//! themselves and count as one: `sweep.population.nodes`.

use serde_json::{Map, Value, json};

use super::condition::same;
use super::error::Fault;
use super::sweep::{overlap, zipped};

/// A path deeper than this leads nowhere in a scenario.
const DEEPEST: usize = 16;

/// What the command line changes in a scenario file.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Overrides {
    /// Another seed.
    pub seed: Option<u64>,
    /// Other values by path, in order. A swept parameter is thereby pinned to the
    /// one value, an axis of variants to the one of this name, and parameters that walk in
    /// step to the steps at which one of them has this value.
    pub set: Vec<(String, Value)>,
}

impl Overrides {
    /// Reads `path=value`. The value is JSON if it reads as JSON, and a text
    /// otherwise, so that `50ms` needs no quotes.
    ///
    /// ```
    /// # use dhtsim::scenario::Overrides;
    /// let (path, value) = Overrides::parse_set("population.nodes=16").unwrap();
    /// assert_eq!((path.as_str(), value), ("population.nodes", 16.into()));
    /// assert_eq!(Overrides::parse_set("duration=50ms").unwrap().1, "50ms");
    /// assert_eq!(Overrides::parse_set("expect[0].equals=1").unwrap().0, "expect.0.equals");
    /// assert!(Overrides::parse_set("population.nodes").is_err());
    /// ```
    ///
    /// # Errors
    /// When there is no `=`, or nothing before it.
    pub fn parse_set(text: &str) -> Result<(String, Value), String> {
        match text.split_once('=') {
            Some((path, value)) if !path.is_empty() => {
                let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
                // Elements of lists also as errors write them: `expect[0].equals`.
                Ok((path.replace('[', ".").replace(']', ""), value))
            }
            _ => Err("write path=value, such as population.nodes=64".to_owned()),
        }
    }

    /// Makes the changes.
    pub(super) fn apply(&self, scenario: &mut Value) -> Result<(), Fault> {
        if let Some(seed) = self.seed {
            set(scenario, "seed", seed.into())?;
        }
        for (path, value) in &self.set {
            let at_option = |fault: Fault| Fault { place: format!("--set {path}"), ..fault };
            if variants(scenario, path).is_some() {
                choose(scenario, path, value).map_err(at_option)?;
                continue;
            }
            varied(scenario, path).map_err(at_option)?;
            let zip =
                scenario.get("sweep").and_then(|sweep| sweep.get(path)?.get("zip")?.as_object());
            if let Some(parameter) = zip.and_then(|zip| zip.keys().next()) {
                let problem = format!("`{path}` is the label of parameters that walk in step");
                let mend = format!("set one of them: --set {parameter}=…");
                return Err(at_option(Fault::new("", problem, mend)));
            }
            if let Some(label) = zip_with(scenario, path) {
                step(scenario, &label, path, value).map_err(at_option)?;
                continue;
            }
            set(scenario, path, value.clone()).map_err(at_option)?;
            let axis = scenario.get_mut("sweep").and_then(|sweep| sweep.get_mut(path));
            if let Some(axis) = axis {
                *axis = Value::Array(vec![value.clone()]);
            }
        }
        Ok(())
    }
}

/// The variants of an axis, if it has any.
fn variants<'a>(scenario: &'a Value, label: &str) -> Option<&'a Map<String, Value>> {
    scenario.get("sweep")?.get(label)?.get("variants")?.as_object()
}

/// Keeps one variant of an axis. Its values go into the file, where later changes find
/// them.
fn choose(scenario: &mut Value, label: &str, name: &Value) -> Result<(), Fault> {
    let name = name.as_str().map_or_else(|| name.to_string(), str::to_owned);
    let known = variants(scenario, label).into_iter().flatten();
    let names: Vec<&str> = known.map(|(name, _)| name.as_str()).collect();
    let Some(chosen) = variants(scenario, label).and_then(|variants| variants.get(&name)) else {
        let mend = format!("its variants are {}", names.join(", "));
        return Err(Fault::new("", format!("`{label}` has no variant {name:?}"), mend));
    };
    for (path, value) in chosen.as_object().cloned().unwrap_or_default() {
        set(scenario, &path, value)?;
    }
    scenario["sweep"][label] = json!({"variants": {name: {}}});
    Ok(())
}

/// Refuses a path that variants set: the change would be lost in them.
fn varied(scenario: &Value, path: &str) -> Result<(), Fault> {
    let sweep = scenario.get("sweep").and_then(Value::as_object);
    for label in sweep.into_iter().flat_map(Map::keys) {
        for (name, values) in variants(scenario, label).into_iter().flatten() {
            let paths = values.as_object().into_iter().flat_map(Map::keys);
            if let Some(set) = paths.into_iter().find(|set| overlap(set, path)) {
                let problem = format!("the variant {name:?} of `{label}` sets `{set}`");
                let mend = format!("choose a variant before: --set '{label}={name}'");
                return Err(Fault::new("", problem, mend));
            }
        }
    }
    Ok(())
}

/// The label of the axis whose parameters walk in step with this one.
fn zip_with(scenario: &Value, path: &str) -> Option<String> {
    let mut axes = scenario.get("sweep")?.as_object()?.iter();
    axes.find(|(_, axis)| axis.get("zip").is_some_and(|zip| zip.get(path).is_some()))
        .map(|(label, _)| label.clone())
}

/// Keeps the steps at which one of several parameters that walk in step has this value. What
/// has a single value thereafter goes into the file, too.
fn step(scenario: &mut Value, label: &str, path: &str, value: &Value) -> Result<(), Fault> {
    let parameters = zipped(&scenario["sweep"][label]);
    let own = parameters.iter().find(|(other, _)| other == path);
    let values: &[Value] = own.map_or(&[], |(_, values)| values);
    let is_kept: Vec<bool> = values.iter().map(|one| same(one, value)).collect();
    if !is_kept.contains(&true) {
        let values = values.iter().map(Value::to_string).collect::<Vec<_>>().join(", ");
        let mend = format!(
            "its values there are {values}; for another one give --set 'sweep.{label}=…', all of it"
        );
        let problem = format!("`{path}` walks in step with others in `{label}`, without {value}");
        return Err(Fault::new("", problem, mend));
    }
    for (path, values) in &parameters {
        let kept = values.iter().zip(&is_kept).filter(|(_, is_kept)| **is_kept);
        let kept: Vec<Value> = kept.map(|(value, _)| value.clone()).collect();
        if let [value] = &kept[..] {
            set(scenario, path, value.clone())?;
        }
        scenario["sweep"][label]["zip"][path] = kept.into();
    }
    Ok(())
}

/// Puts a value at a path. Objects on the way are made; a list is not made longer.
pub(super) fn set(root: &mut Value, path: &str, value: Value) -> Result<(), Fault> {
    let names: Vec<&str> = match path.strip_prefix("sweep.") {
        Some(swept) => vec!["sweep", swept],
        None => path.split('.').collect(),
    };
    let fault = |problem: String, mend: &str| Err(Fault::new(path, problem, mend));
    if names.len() > DEEPEST || names.iter().any(|name| name.is_empty()) {
        let mend = "write names with single dots between them, such as population.nodes";
        return fault("is not a path".to_owned(), mend);
    }
    let mut here = root;
    for (depth, name) in names.iter().enumerate() {
        let parent = || names[..depth].join(".");
        if here.is_null() {
            *here = Value::Object(Map::new());
        }
        here = match here {
            Value::Object(fields) => fields.entry(*name).or_insert(Value::Null),
            Value::Array(elements) => {
                let count = elements.len();
                let number = name.parse().unwrap_or(usize::MAX);
                let Some(element) = elements.get_mut(number) else {
                    let problem = format!("`{}` has no element `{name}`", parent());
                    return fault(problem, &format!("it has {count}, counted from 0"));
                };
                element
            }
            _ => {
                let problem = format!("`{}` is a value without fields", parent());
                return fault(problem, "set the value itself, or correct the path");
            }
        };
    }
    *here = value;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(path: &str, value: Value) -> Result<Value, Fault> {
        let mut root = json!({"a": 1, "list": [1, 2], "none": null, "sweep": {"a": [1, 2]}});
        set(&mut root, path, value).map(|()| root)
    }

    #[test]
    fn objects_on_the_way_are_made() {
        assert_eq!(after("b.c.d", json!(5)).unwrap()["b"], json!({"c": {"d": 5}}));
        assert_eq!(after("none.c", json!(5)).unwrap()["none"], json!({"c": 5}));
        assert_eq!(after("list.1", json!(5)).unwrap()["list"], json!([1, 5]));
        assert_eq!(after("sweep.b.c", json!([])).unwrap()["sweep"]["b.c"], json!([]));
    }

    #[test]
    fn impossible_paths_are_refused() {
        let deep = "a.".repeat(1_000_000);
        for path in ["", ".", "a.", ".a", "a.b", "list.2", "list.x", "list.-1", "list.0.x", &deep] {
            assert!(after(path, json!(1)).is_err(), "{path:.20}");
        }
    }

    #[test]
    fn setting_a_swept_parameter_pins_it() {
        let mut root = json!({"sweep": {"a.b": [1, 2]}});
        let overrides = Overrides { seed: Some(7), set: vec![("a.b".to_owned(), json!(3))] };
        overrides.apply(&mut root).unwrap();
        assert_eq!(root, json!({"sweep": {"a.b": [3]}, "seed": 7, "a": {"b": 3}}));
    }

    #[test]
    fn setting_a_parameter_of_several_in_step_keeps_its_steps() {
        let axes = json!({"size": {"zip": {"a.b": {"powers_of_two": [2, 8]}, "c": [1, 2, 2]}}});
        let after = |path: &str, value: Value| {
            let mut root = json!({"sweep": axes});
            let set = vec![(path.to_owned(), value)];
            Overrides { seed: None, set }.apply(&mut root).map(|()| root)
        };
        assert_eq!(
            after("a.b", json!(4.0)).unwrap(),
            json!({"sweep": {"size": {"zip": {"a.b": [4], "c": [2]}}}, "a": {"b": 4}, "c": 2})
        );
        assert_eq!(
            after("c", json!(2)).unwrap(),
            json!({"sweep": {"size": {"zip": {"a.b": [4, 8], "c": [2, 2]}}}})
        );
        let Fault { place, problem, mend } = after("c", json!(3)).unwrap_err();
        assert_eq!(
            format!("{place}: {problem}; {mend}"),
            "--set c: `c` walks in step with others in `size`, without 3; its values there are \
             1, 2, 2; for another one give --set 'sweep.size=…', all of it"
        );
        let Fault { place, problem, mend } = after("size", json!("small")).unwrap_err();
        assert_eq!(
            format!("{place}: {problem}; {mend}"),
            "--set size: `size` is the label of parameters that walk in step; \
             set one of them: --set a.b=…"
        );
    }

    #[test]
    fn setting_an_axis_of_variants_chooses_one() {
        let root = json!({"sweep": {"size": {"variants": {"small": {"a.b": 1, "c": 2}, "1": {}}}}});
        let after = |set: &[(&str, Value)]| {
            let set = set.iter().map(|(path, value)| ((*path).to_owned(), value.clone()));
            let mut root = root.clone();
            Overrides { seed: None, set: set.collect() }.apply(&mut root).map(|()| root)
        };
        assert_eq!(
            after(&[("size", json!("small")), ("a.b", json!(7))]).unwrap(),
            json!({"sweep": {"size": {"variants": {"small": {}}}}, "a": {"b": 7}, "c": 2})
        );
        assert_eq!(
            after(&[("size", json!(1))]).unwrap()["sweep"]["size"]["variants"],
            json!({"1": {}})
        );
        let refused = |set: &[(&str, Value)]| {
            let Fault { place, problem, mend } = after(set).unwrap_err();
            format!("{place}: {problem}; {mend}")
        };
        assert_eq!(
            refused(&[("size", json!("large"))]),
            "--set size: `size` has no variant \"large\"; its variants are small, 1"
        );
        assert_eq!(
            refused(&[("a", json!({}))]),
            "--set a: the variant \"small\" of `size` sets `a.b`; choose a variant before: --set 'size=small'"
        );
    }
}
