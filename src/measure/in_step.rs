//! Swept parameters that walk in step with another one.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The parameters that differ among points but are known as soon as the one at `path` is:
/// those that a sweep zips with it. They tell no points apart that it does not, so a line over
/// it goes through all their values.
pub fn in_step<'a>(
    points: impl Iterator<Item = &'a Map<String, Value>>,
    path: &str,
) -> Vec<&'a str> {
    let points: Vec<&'a Map<String, Value>> = points.collect();
    let Some(first) = points.first() else { return Vec::new() };
    let follows = |other: &&String| {
        let mut known: BTreeMap<String, &Value> = BTreeMap::new();
        let is_function = points.iter().all(|params| {
            let (Some(x), Some(y)) = (params.get(path), params.get(*other)) else { return false };
            *known.entry(x.to_string()).or_insert(y) == y
        });
        let mut values = known.values();
        let one = values.next();
        is_function && values.any(|value| Some(value) != one)
    };
    first.keys().filter(|other| *other != path).filter(follows).map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn in_step_with_x(points: &Value) -> Vec<String> {
        let points: Vec<Map<String, Value>> = serde_json::from_value(points.clone()).unwrap();
        in_step(points.iter(), "x").into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn what_follows_from_another_is_in_step() {
        let zipped = json!([
            {"x": 1, "y": 5, "z": "a"}, {"x": 1, "y": 5, "z": "b"},
            {"x": 2, "y": 5, "z": "a"}, {"x": 2, "y": 5, "z": "b"},
            {"x": 3, "y": 6, "z": "a"}, {"x": 3, "y": 6, "z": "b"},
        ]);
        assert_eq!(in_step_with_x(&zipped), ["y"]);
    }

    #[test]
    fn a_grid_has_nothing_in_step() {
        let grid = json!([
            {"x": 1, "y": 5, "same": 1}, {"x": 1, "y": 6, "same": 1},
            {"x": 2, "y": 5, "same": 1}, {"x": 2, "y": 6, "same": 1},
        ]);
        assert!(in_step_with_x(&grid).is_empty());
        assert!(in_step_with_x(&json!([])).is_empty());
        assert!(in_step_with_x(&json!([{"y": 1}, {"y": 2}])).is_empty());
    }
}
