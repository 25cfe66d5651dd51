//! Scenarios that extend others: the file at `extends` with the changes that this one makes.
//!
//! Objects are merged field by field, everything else is replaced, and `null` takes a field
//! out, as RFC 7386 has it. Beyond it, the JSON Schema of scenarios says where an object is a
//! choice that its one key names, such as a latency: another choice replaces it, for nobody
//! wants an object of two. What the schema leaves open, as the values of a sweep, is replaced
//! as it is.
//!
//! Must not know: what the values mean.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::error::{Error, Fault};
use super::files::regular_file;
use super::{read, root_schema};

/// The most scenarios of which each extends the next.
const LONGEST_CHAIN: usize = 16;

/// A scenario with everything that it extends.
pub(super) struct Extended {
    /// Complete in itself.
    pub(super) value: Value,
    /// The file and those that it extends, the nearest first; empty when it extends none.
    layers: Vec<Layer>,
}

/// A file, and what stands in itself.
struct Layer {
    file: String,
    own: Value,
}

impl Extended {
    /// The files that it extends, the nearest first.
    pub(super) fn bases(&self) -> impl Iterator<Item = &str> {
        self.layers.iter().skip(1).map(|layer| layer.file.as_str())
    }

    /// The file from which the value at a place is inherited, if it is.
    pub(super) fn origin(&self, place: &str) -> Option<&str> {
        let known = |layer: &&Layer| known(&layer.own, place);
        // The first of several: what stands nearer wins.
        let origin = self.layers.iter().rev().max_by_key(known)?;
        self.bases().find(|base| *base == origin.file)
    }
}

/// Puts into a scenario what it extends.
pub(super) fn resolve(file: &str, value: Value) -> Result<Extended, Error> {
    if value.get("extends").is_none_or(Value::is_null) {
        return Ok(Extended { value, layers: Vec::new() });
    }
    let mut layers = vec![Layer { file: file.to_owned(), own: value }];
    while let Some(base) = layers.last().map(|layer| base(layer, &layers)).transpose()?.flatten() {
        layers.push(base);
    }
    let mut own = layers.iter().rev().map(|layer| layer.own.clone());
    let mut value = own.next().unwrap_or_default();
    for layer in layers.iter().rev().skip(1) {
        let name = value.get("name").cloned();
        value = merged(value, layer.own.clone());
        if layer.file == file {
            check_name(layer, name.as_ref()).map_err(|fault| Error::new(file, &fault))?;
        }
    }
    if let Some(fields) = value.as_object_mut() {
        fields.shift_remove("extends");
    }
    Ok(Extended { value, layers })
}

/// A scenario with the changes of one that extends it.
pub(super) fn merged(base: Value, changes: Value) -> Value {
    Shape::of_scenarios().merged(base, changes)
}

/// The scenario that the last of several extends.
fn base(last: &Layer, layers: &[Layer]) -> Result<Option<Layer>, Error> {
    let fault = |problem: String, mend: &str| {
        Err(Error::new(&last.file, &Fault::new("extends", problem, mend)))
    };
    let path = match last.own.get("extends") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(path)) => path,
        Some(other) => {
            let mend = "give the path of a scenario, such as \"base.json\"";
            return fault(format!("{other} is not a path"), mend);
        }
    };
    let path = Path::new(&last.file).parent().unwrap_or(Path::new("")).join(path);
    let file = path.display().to_string();
    // As they are written, which is shorter than where they are.
    let chain = || {
        let written = layers.iter().filter_map(|layer| layer.own.get("extends")?.as_str());
        let first = layers.first().map(|layer| layer.file.as_str());
        first.into_iter().chain(written).collect::<Vec<_>>().join(" → ")
    };
    let same = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let place: PathBuf = same(&path);
    if layers.iter().any(|layer| same(Path::new(&layer.file)) == place) {
        return fault(format!("leads in a circle: {}", chain()), "extend another scenario");
    }
    if layers.len() == LONGEST_CHAIN {
        let problem = format!("is a chain of more than {LONGEST_CHAIN} scenarios: {}", chain());
        return fault(problem, "extend one that is nearer to the end");
    }
    let text = match regular_file(&path) {
        Ok(text) => text,
        Err(error) => {
            let mend = "give a path that starts in the folder of this file";
            return fault(format!("{file} cannot be read: {error}"), mend);
        }
    };
    let Ok(text) = String::from_utf8(text) else {
        return fault(format!("{file} is not UTF-8 text"), "a scenario is a JSON text");
    };
    let own = read::json(&text).map_err(|fault| Error::new(&file, &fault))?;
    Ok(Some(Layer { file, own }))
}

/// A scenario under the name of another would overwrite its results.
fn check_name(layer: &Layer, inherited: Option<&Value>) -> Result<(), Fault> {
    let mend = "give it a name of its own: its results go to the folder of that name";
    match layer.own.get("name") {
        None | Some(Value::Null) => {
            Err(Fault::new("name", "is missing in a scenario that extends another", mend))
        }
        Some(name) if Some(name) == inherited => {
            Err(Fault::new("name", format!("{name} is that of what it extends"), mend))
        }
        Some(_) => Ok(()),
    }
}

/// How much of the path to a place there is in a value, in bytes.
fn known(value: &Value, place: &str) -> usize {
    match value {
        Value::Object(fields) => {
            // Paths are names of fields below `sweep`: the longest is the right one.
            let begins = |name: &str| {
                let rest = place.strip_prefix(name);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
            };
            let field = fields.iter().filter(|(name, _)| begins(name));
            let Some((name, inner)) = field.max_by_key(|(name, _)| name.len()) else { return 0 };
            let rest = &place[name.len()..];
            let inside = rest.strip_prefix('.').unwrap_or(rest);
            name.len() + rest.len() - inside.len() + known(inner, inside)
        }
        Value::Array(elements) => {
            let index = place.strip_prefix('[').and_then(|rest| rest.split_once(']'));
            let Some((number, rest)) = index else { return 0 };
            let element = number.parse().ok().and_then(|number: usize| elements.get(number));
            let Some(element) = element else { return 0 };
            let inside = rest.strip_prefix('.').unwrap_or(rest);
            place.len() - inside.len() + known(element, inside)
        }
        _ => 0,
    }
}

/// What may stand at a place, by the schema: one of these.
struct Shape<'s> {
    root: &'s Value,
    alternatives: Vec<&'s Value>,
}

impl Shape<'static> {
    fn of_scenarios() -> Shape<'static> {
        let root = root_schema();
        Shape::new(root, vec![root])
    }
}

impl<'s> Shape<'s> {
    /// The schemas with their references followed and their choices written out.
    fn new(root: &'s Value, mut schemas: Vec<&'s Value>) -> Shape<'s> {
        let mut alternatives = Vec::new();
        while let Some(schema) = schemas.pop() {
            let reference = schema.get("$ref").and_then(Value::as_str);
            let target = reference.and_then(|path| root.pointer(path.strip_prefix('#')?));
            let choices = ["oneOf", "anyOf"].into_iter().filter_map(|name| schema.get(name));
            let mut inner: Vec<&Value> = choices.filter_map(Value::as_array).flatten().collect();
            inner.extend(target);
            if inner.is_empty() || schema.get("properties").is_some() {
                alternatives.push(schema);
            }
            schemas.extend(inner);
        }
        Shape { root, alternatives }
    }

    /// Whether anything may stand there, for all that the schema says.
    fn is_open(&self) -> bool {
        let says = |schema: &&Value| {
            ["type", "const", "enum"].iter().any(|word| schema.get(word).is_some())
        };
        !self.alternatives.iter().all(says) || self.alternatives.is_empty()
    }

    /// What may stand in a field.
    fn at(&self, name: &str) -> Shape<'s> {
        let fields = self.alternatives.iter().filter_map(|schema| field(schema, name));
        Shape::new(self.root, fields.collect())
    }

    /// Whether two objects are different choices: no alternative has fields of both.
    fn are_different(&self, one: &Map<String, Value>, other: &Map<String, Value>) -> bool {
        let objects = || self.alternatives.iter().filter(|schema| schema["type"] == "object");
        let mut named = other.iter().filter(|(_, value)| !value.is_null()).peekable();
        if objects().count() < 2 || one.is_empty() || named.peek().is_none() {
            return false;
        }
        let named: Vec<&String> = named.map(|(name, _)| name).collect();
        !objects().any(|schema| {
            named.iter().all(|name| field(schema, name).is_some())
                && one.keys().any(|name| field(schema, name).is_some())
        })
    }

    /// A value with changes.
    fn merged(&self, base: Value, changes: Value) -> Value {
        match (base, changes) {
            (Value::Object(mut base), Value::Object(changes))
                if !self.is_open() && !self.are_different(&base, &changes) =>
            {
                for (name, change) in changes {
                    let shape = self.at(&name);
                    if change.is_null() && !shape.is_open() {
                        base.shift_remove(&name);
                    } else if let Some(old) = base.get_mut(&name) {
                        *old = shape.merged(old.take(), change);
                    } else {
                        base.insert(name, shape.without_nulls(change));
                    }
                }
                Value::Object(base)
            }
            (_, changes) => self.without_nulls(changes),
        }
    }

    /// A value where there was none: there is nothing to take out. What may not be there at
    /// all is left for the reader of scenarios to refuse, even if it is `null`.
    fn without_nulls(&self, value: Value) -> Value {
        match value {
            Value::Object(fields) if !self.is_open() => {
                let kept = fields.into_iter().filter_map(|(name, value)| {
                    let shape = self.at(&name);
                    let is_kept = !value.is_null() || shape.is_open();
                    is_kept.then(|| (name, shape.without_nulls(value)))
                });
                Value::Object(kept.collect())
            }
            value => value,
        }
    }
}

/// What a schema of an object says of a field; nothing if there is none of this name.
fn field<'s>(schema: &'s Value, name: &str) -> Option<&'s Value> {
    let known = schema.get("properties").and_then(|fields| fields.get(name));
    known.or_else(|| {
        schema.get("additionalProperties").filter(|other| **other != Value::Bool(false))
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;
    use tempfile::TempDir;

    use super::super::{Overrides, Plan, load};
    use super::*;

    /// A folder with these files in it.
    fn folder(files: &[(&str, Value)]) -> TempDir {
        let folder = TempDir::new().unwrap();
        for (name, content) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let text = content.as_str().map_or_else(|| content.to_string(), str::to_owned);
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn plan(folder: &TempDir, file: &str, set: &[(&str, Value)]) -> Result<Plan, String> {
        let set = set.iter().map(|(path, value)| ((*path).to_owned(), value.clone())).collect();
        let overrides = Overrides { seed: None, set };
        load(&folder.path().join(file), &overrides).map_err(|error| {
            error.to_string().replace(&format!("{}/", folder.path().display()), "")
        })
    }

    fn base() -> Value {
        json!({
            "$schema": "elsewhere.json", "name": "base", "population": {"nodes": 4, "virtual_nodes": 2},
            "overlay": {"chord": {"successors": 2, "stabilize": {"period": "1s", "jitter": 0.5}}},
            "network": {"latency": {"constant": "5ms"}, "loss": 0.1},
            "faults": [{"at": "1s", "loss": 0.5}],
            "duration": "10s",
            "sweep": {
                "network.loss": {"range": {"from": 0, "to": 1, "step": 0.5}},
                "system": {"variants": {"a": {"population.virtual_nodes": 1}, "b": {}}},
            },
        })
    }

    #[test]
    fn objects_are_merged_and_choices_are_replaced() {
        let changes = json!({
            "name": "x",
            "population": {"nodes": 8, "virtual_nodes": null},
            "overlay": {"chord": {"stabilize": {"period": "2s"}}},
            "network": {"latency": {"uniform": {"from": "1ms", "to": "2ms"}}},
            "faults": [],
            "duration": null,
            "sweep": {
                "network.loss": {"powers_of_two": [1, 1]},
                "system": {"variants": {"a": {"population.virtual_nodes": null}, "c": {}}},
                "id_bits": [8, null],
            },
        });
        let mut expected = json!({
            "$schema": "elsewhere.json", "name": "x", "population": {"nodes": 8},
            "overlay": {"chord": {"successors": 2, "stabilize": {"period": "2s", "jitter": 0.5}}},
            "network": {"latency": {"uniform": {"from": "1ms", "to": "2ms"}}, "loss": 0.1},
            "faults": [],
            "sweep": {
                "network.loss": {"powers_of_two": [1, 1]},
                "system": {"variants": {"a": {"population.virtual_nodes": null}, "b": {}, "c": {}}},
                "id_bits": [8, null],
            },
        });
        assert_eq!(merged(base(), changes), expected);
        let tracker = json!({"overlay": {"tracker": {"trackers": 2, "numwant": null}}});
        expected["overlay"] = json!({"tracker": {"trackers": 2}});
        assert_eq!(merged(expected.clone(), tracker), expected);
        // Where one choice has parameters and another has none.
        let join = |join: Value| json!({"overlay": {"chord": {"join": join}}});
        let base_join = join(json!({"base": {"fingers": "each"}}));
        assert_eq!(merged(base_join.clone(), join(json!("stabilized"))), join(json!("stabilized")));
        assert_eq!(merged(base_join.clone(), join(json!({"base": {}}))), base_join);
        let repeat = |repeat: Value| json!({"repeat": repeat});
        let until = json!({"metric": "hops.mean", "within": 0.1, "at_most": 9});
        assert_eq!(merged(repeat(json!(3)), repeat(until.clone())), repeat(until.clone()));
        assert_eq!(merged(repeat(until.clone()), repeat(json!({"within": 0.1}))), repeat(until));
    }

    #[test]
    fn what_cannot_be_a_field_is_left_to_be_refused() {
        assert_eq!(merged(json!({}), json!({"nome": null}))["nome"], Value::Null);
        assert!(merged(json!({}), json!({"nome": null})).get("nome").is_some());
        let other = json!({"network": {"latency": {"unifrom": {}}}});
        assert_eq!(merged(base(), other)["network"]["latency"], json!({"unifrom": {}}));
    }

    #[test]
    fn what_extends_is_complete_in_itself() {
        let folder = folder(&[
            ("common/base.json", base()),
            ("common/middle.json", json!({"extends": "base.json", "seed": 7, "sweep": null})),
            ("x.json", json!({"name": "x", "extends": "common/middle.json", "id_bits": 64})),
        ]);
        let plan = plan(&folder, "x.json", &[("network.loss", json!(0.2))]).unwrap();
        let mut expected = base();
        for gone in ["$schema", "sweep"] {
            expected.as_object_mut().unwrap().shift_remove(gone);
        }
        expected["name"] = json!("x");
        expected["seed"] = json!(7);
        expected["id_bits"] = json!(64);
        expected["network"]["loss"] = json!(0.2);
        assert_eq!(plan.source, expected);
    }

    #[test]
    fn what_cannot_be_extended_is_refused() {
        let mut files = vec![
            ("base.json", base()),
            ("malformed.json", json!("{\n  \"name\": }")),
            ("list.json", json!([])),
            ("folder/x.json", json!({})),
            ("a.json", json!({"name": "a", "extends": "folder/../b.json"})),
            ("b.json", json!({"name": "b", "extends": "a.json"})),
            ("own.json", json!({"name": "own", "extends": "own.json"})),
            ("bad.json", json!({"extends": 5})),
        ];
        let long: Vec<String> = (0..20).map(|number| format!("{number}.json")).collect();
        for pair in long.windows(2) {
            files.push((&pair[0], json!({"name": "long", "extends": pair[1]})));
        }
        let from = |base: &str| json!({"name": "x", "extends": base});
        let tries = [
            from("folder"),
            from("malformed.json"),
            from("list.json"),
            from("a.json"),
            from("bad.json"),
            from("0.json"),
            json!({"name": "x", "extends": 5}),
            json!({"extends": "base.json"}),
            json!({"extends": "base.json", "name": null}),
            json!({"extends": "base.json", "name": "base"}),
            json!({"extends": "base.json", "name": "x", "nome": null}),
            json!({"extends": "base.json", "name": "x", "network": {"latency": {"unifrom": {}}}}),
        ];
        let mut refusals = Vec::new();
        for scenario in tries {
            files.push(("x.json", scenario));
            refusals.push(plan(&folder(&files), "x.json", &[]).unwrap_err());
            files.pop();
        }
        refusals.push(plan(&folder(&files), "own.json", &[]).unwrap_err());
        files.push(("x.json", from("missing.json")));
        let missing = plan(&folder(&files), "x.json", &[]).unwrap_err();
        assert!(missing.starts_with("x.json: extends: missing.json cannot be read: "), "{missing}");
        insta::assert_snapshot!(refusals.join("\n"));
    }

    #[cfg(unix)]
    #[test]
    fn what_has_no_end_is_not_read() {
        for device in ["/dev/zero", "/dev/tty"] {
            let folder = folder(&[("x.json", json!({"name": "x", "extends": device}))]);
            let refusal = plan(&folder, "x.json", &[]).unwrap_err();
            assert!(refusal.starts_with(&format!("x.json: extends: {device} cannot be read: ")));
        }
    }

    #[test]
    fn faults_say_from_where_they_come() {
        let mut bad = base();
        bad["network"]["loss"] = json!(5);
        bad["faults"][0]["loss"] = json!(5);
        let child = |changes: Value| {
            let mut child = json!({"name": "x", "extends": "base.json"});
            child.as_object_mut().unwrap().extend(changes.as_object().cloned().unwrap());
            folder(&[("base.json", bad.clone()), ("x.json", child)])
        };
        let good = json!({"loss": 0});
        let refused = |changes: Value, set: &[(&str, Value)]| {
            plan(&child(changes), "x.json", set).unwrap_err()
        };
        let swept = json!({"network": good, "faults": [], "sweep": {"network.loss": [0, 2]}});
        insta::assert_snapshot!(
            [
                refused(json!({}), &[]),
                refused(json!({"network": {"loss": 7}}), &[]),
                refused(json!({}), &[("network.loss", json!(7))]),
                refused(json!({"network": good}), &[]),
                refused(json!({"network": good, "faults": [{"at": "1s", "loss": 7}]}), &[]),
                refused(swept, &[]),
                refused(json!({"network": {"loss": "much"}}), &[]),
                refused(json!({}), &[("extends", json!("x.json"))]),
            ]
            .join("\n")
        );
    }

    #[test]
    fn files_are_sought_beside_all_that_are_extended() {
        let traced = |trace: &str| {
            json!({
                "name": "base", "population": {"churn": {"trace": trace}},
                "overlay": {"chord": {"stabilize": {"period": "30s"}}}, "duration": "1h",
            })
        };
        let own = json!({"name": "x", "extends": "common/base.json"});
        let trace = json!("0 0 join\n");
        let mut files =
            vec![("common/base.json", traced("t")), ("common/t", trace.clone()), ("x.json", own)];
        let found = plan(&folder(&files), "x.json", &[]).unwrap();
        assert_eq!(found.source["files"], json!({"t": trace}));
        // A copy says the same; another file of that name may or may not be meant.
        files.push(("t", trace));
        assert!(plan(&folder(&files), "x.json", &[]).is_ok());
        files.push(("t", json!("1 0 join\n")));
        insta::assert_snapshot!(
            plan(&folder(&files), "x.json", &[]).unwrap_err(),
            @"x.json: population.churn.trace: may be t or common/t, which differ (it comes from common/base.json); give one of them another name"
        );
        files.remove(1);
        files.pop();
        files.pop();
        let missing = plan(&folder(&files), "x.json", &[]).unwrap_err();
        let expected = "x.json: population.churn.trace: t cannot be read: ";
        assert!(missing.starts_with(expected), "{missing}");
    }
}
