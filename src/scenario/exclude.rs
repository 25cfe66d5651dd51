//! The points that a scenario leaves out of its sweep.
//!
//! An exclusion about nothing would be overlooked for ever: one that names what is not swept,
//! or that no point satisfies, is refused.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::condition::same;
use super::error::Fault;
use super::expect::{Checked, refuse};
use super::format::{ParameterLine, PointCondition, PointLimit, PointLimits};
use super::sweep::Grid;

/// The conditions under which a point is left out: all of them.
type Exclusion = BTreeMap<String, PointCondition>;

/// The most points of a grid that are looked at to leave some of them out, each counted once
/// for every exclusion.
const MAX_LOOKED_AT: u64 = 10_000_000;

/// The points of a sweep, but for those that are left out. If the sweep is `narrowed`,
/// exclusions may be about points that are no longer there.
pub(super) fn grid(
    sweep: &Map<String, Value>,
    exclude: &[Exclusion],
    repeat: u32,
    narrowed: bool,
) -> Result<Grid, Fault> {
    let grid = Grid::new(sweep)?;
    let size = grid.size();
    if exclude.is_empty() {
        grid.check_runs(repeat)?;
    } else if size.saturating_mul(exclude.len() as u64) > MAX_LOOKED_AT {
        let count = if size == u64::MAX { "too many".to_owned() } else { size.to_string() };
        return Err(Fault::new(
            "sweep",
            format!("{count} points are too many to look which of them are left out"),
            format!("give fewer values: {MAX_LOOKED_AT} points for all exclusions together"),
        ));
    }
    // Only now it is known that they can be written out.
    grid.check_distinct()?;
    if exclude.is_empty() {
        return Ok(grid);
    }
    let left = left(&grid, exclude, narrowed)?;
    let grid = grid.with_only(left);
    grid.check_runs(repeat)?;
    Ok(grid)
}

/// The numbers of the combinations of a grid that are left.
fn left(grid: &Grid, exclude: &[Exclusion], narrowed: bool) -> Result<Vec<u64>, Fault> {
    let swept = Swept::new(grid);
    for (number, exclusion) in exclude.iter().enumerate() {
        swept.check(&format!("exclude[{number}]"), exclusion, narrowed)?;
    }
    let mut left = Vec::new();
    let mut is_of_use = vec![narrowed; exclude.len()];
    for (number, positions) in (0u64..).zip(grid.combinations()) {
        let at = |path: &str| swept.at(path, &positions);
        let mut is_left = true;
        for (exclusion, is_of_use) in exclude.iter().zip(&mut is_of_use) {
            let accepts = |(path, condition): (&String, &PointCondition)| {
                at(path).is_some_and(|value| condition.accepts(value, &at))
            };
            if exclusion.iter().all(accepts) {
                (is_left, *is_of_use) = (false, true);
            }
        }
        if is_left {
            left.push(number);
        }
    }
    if let Some(number) = is_of_use.iter().position(|is_of_use| !is_of_use) {
        let mend = "correct its conditions, or remove it";
        return Err(Fault::new(format!("exclude[{number}]"), "leaves out no point", mend));
    }
    if left.is_empty() {
        let mend = "correct its conditions, or sweep more values";
        return Err(Fault::new("exclude", "leaves out every point of the sweep", mend));
    }
    Ok(left)
}

/// The swept parameters, each with the number of its axis and its values.
struct Swept<'a>(BTreeMap<&'a str, (usize, Vec<Value>)>);

impl<'a> Swept<'a> {
    fn new(grid: &'a Grid) -> Swept<'a> {
        let parameters = grid.numbered();
        let written = parameters.map(|(axis, one)| (one.path.as_str(), (axis, one.all())));
        Swept(written.collect())
    }

    fn values(&self, path: &str) -> Option<&[Value]> {
        self.0.get(path).map(|(_, values)| values.as_slice())
    }

    /// The value of a parameter where the axes are at these positions.
    fn at(&self, path: &str, positions: &[u64]) -> Option<&Value> {
        let (axis, values) = self.0.get(path)?;
        values.get(*positions.get(*axis)? as usize)
    }

    fn check(&self, place: &str, exclusion: &Exclusion, narrowed: bool) -> Checked {
        if exclusion.is_empty() {
            return refuse(place, "has no conditions", "give a swept parameter and its value");
        }
        for (path, condition) in exclusion {
            let place = format!("{place}.{path}");
            self.check_is_swept(&place, path, narrowed)?;
            match condition {
                PointCondition::Limits(limits) => self.limits(&place, path, limits, narrowed)?,
                PointCondition::OneOf(values) if values.is_empty() => {
                    return refuse(place, "names no value", "give at least one");
                }
                PointCondition::OneOf(_) | PointCondition::Is(_) => {}
            }
            for value in condition.values() {
                let known = self.values(path).unwrap_or_default();
                if !narrowed && !known.iter().any(|one| same(one, value)) {
                    let problem = format!("the sweep gives it no value {value}");
                    let mend = "give values of its axis, or {\"at_least\": …, \"at_most\": …}, \
                                each a number or {\"parameter\": path, \"times\": …, \"plus\": …}";
                    return refuse(place, problem, mend);
                }
            }
        }
        Ok(())
    }

    fn check_is_swept(&self, place: &str, path: &str, narrowed: bool) -> Checked {
        if narrowed || self.0.contains_key(path) {
            return Ok(());
        }
        let known: Vec<&str> = self.0.keys().copied().collect();
        let mend = match &known[..] {
            [] => "sweep it, or remove the exclusion".to_owned(),
            known => format!("the swept parameters are {}", known.join(", ")),
        };
        refuse(place, format!("`{path}` is not a swept parameter"), mend)
    }

    fn limits(&self, place: &str, path: &str, limits: &PointLimits, narrowed: bool) -> Checked {
        let PointLimits { at_least, at_most } = limits;
        if at_least.is_none() && at_most.is_none() {
            return refuse(place, "sets no limit", "give `at_least`, `at_most` or both");
        }
        self.numbers(place, path)?;
        for (name, limit) in [("at_least", at_least), ("at_most", at_most)] {
            let place = format!("{place}.{name}");
            match limit {
                Some(PointLimit::Linear(ParameterLine { parameter, times, plus })) => {
                    self.check_is_swept(&format!("{place}.parameter"), parameter, narrowed)?;
                    self.numbers(&format!("{place}.parameter"), parameter)?;
                    if !times.is_finite() || !plus.is_finite() {
                        return refuse(place, "is not a finite number", "give a finite number");
                    }
                }
                Some(PointLimit::Number(_)) | None => {}
            }
        }
        Ok(())
    }

    /// Refuses limits of what is no number everywhere.
    fn numbers(&self, place: &str, path: &str) -> Checked {
        let mut values = self.values(path).unwrap_or_default().iter();
        match values.find(|value| !value.is_number()) {
            Some(value) => {
                let problem = format!("`{path}` has the value {value}, which is not a number");
                refuse(place, problem, "set limits to numbers, and name other values")
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Overrides, Plan, parse};
    use super::*;

    fn plan(exclude: &Value, set: &[(&str, Value)]) -> Result<Plan, String> {
        let scenario = json!({
            "name": "x",
            "population": {"nodes": 4},
            "overlay": {"chord": {}},
            "sweep": {
                "population.nodes": [1, 2, 4],
                "overlay.chord.successors": {"powers_of_two": [1, 4]},
                "overlay.chord.lookup": ["iterative", "recursive"],
            },
            "exclude": exclude,
        });
        let set = set.iter().map(|(path, value)| ((*path).to_owned(), value.clone())).collect();
        let overrides = Overrides { seed: None, set };
        parse("x", &scenario.to_string(), &overrides).map_err(|error| error.to_string())
    }

    /// More successors than nodes.
    fn too_many() -> Value {
        let more = json!({"at_least": {"parameter": "population.nodes", "plus": 1}});
        json!([{"overlay.chord.successors": more}])
    }

    #[test]
    fn points_are_left_out_by_what_their_parameters_are_together() {
        let left = |exclude: Value| {
            let points = plan(&exclude, &[]).unwrap().points;
            let pair = |path: &str, params: &serde_json::Map<String, Value>| params[path].clone();
            let iterative =
                points.iter().filter(|p| p.params["overlay.chord.lookup"] == "iterative");
            let pairs = iterative.map(|point| {
                let nodes = pair("population.nodes", &point.params);
                json!([nodes, pair("overlay.chord.successors", &point.params)])
            });
            pairs.collect::<Value>()
        };
        assert_eq!(left(too_many()), json!([[1, 1], [2, 1], [2, 2], [4, 1], [4, 2], [4, 4]]));
        assert_eq!(
            left(json!([
                {"population.nodes": [1, 2], "overlay.chord.lookup": "iterative"},
                {"overlay.chord.successors": {"at_most": 2}, "population.nodes": 4.0},
            ])),
            json!([[4, 4]])
        );
    }

    #[test]
    fn exclusions_of_nothing_are_refused() {
        let refusals: Vec<String> = [
            json!({}),
            json!({"population.node": 1}),
            json!({"nodes": 1}),
            json!({"population.nodes": 3}),
            json!({"population.nodes": [1, 3]}),
            json!({"population.nodes": []}),
            json!({"population.nodes": {}}),
            json!({"population.nodes": {"atleast": 2}}),
            json!({"population.nodes": {"at_least": "2"}}),
            json!({"population.nodes": {"at_least": {"metric": "nodes"}}}),
            json!({"population.nodes": {"at_least": ["population.nodes"]}}),
            json!({"population.nodes": {"at_least": {"parameter": "nodes"}}}),
            json!({"population.nodes": {"at_most": {"parameter": "overlay.chord.lookup"}}}),
            json!({"overlay.chord.lookup": {"at_most": 1}}),
            json!({"population.nodes": {"at_least": 5}}),
            json!({"population.nodes": {"at_least": 1}}),
        ]
        .into_iter()
        .map(|exclusion| plan(&json!([exclusion]), &[]).unwrap_err())
        .collect();
        insta::assert_snapshot!(refusals.join("\n"));
    }

    #[test]
    fn the_command_line_may_take_away_what_is_left_out() {
        let pinned = |path: &str, value: Value| plan(&too_many(), &[(path, value)]);
        assert_eq!(pinned("population.nodes", json!(4)).unwrap().points.len(), 6);
        assert_eq!(pinned("sweep", json!({})).unwrap().points.len(), 1);
        assert_eq!(
            plan(&json!([{"population.nodes": 4}]), &[("population.nodes", json!(4))]).unwrap_err(),
            "x: exclude: leaves out every point of the sweep; \
             correct its conditions, or sweep more values"
        );
    }
}
