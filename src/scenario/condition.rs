//! Which points a claim or a published number is about, and which are left out of a sweep.

use std::fmt;

use serde_json::Value;

use super::format::{Condition, Limits, ParameterLine, PointCondition, PointLimit, PointLimits};

impl Condition {
    /// Whether a value satisfies the condition. Limits are for numbers only.
    pub fn accepts(&self, value: &Value) -> bool {
        match self {
            Condition::Limits(Limits { at_least, at_most }) => value.as_f64().is_some_and(|x| {
                at_least.is_none_or(|least| x >= least) && at_most.is_none_or(|most| x <= most)
            }),
            Condition::OneOf(values) => values.iter().any(|one| same(one, value)),
            Condition::Is(one) => same(one, value),
        }
    }

    /// The values that it names, if it is not about limits.
    pub(crate) fn values(&self) -> &[Value] {
        match self {
            Condition::Limits(_) => &[],
            Condition::OneOf(values) => values,
            Condition::Is(value) => std::slice::from_ref(value),
        }
    }
}

impl PointCondition {
    /// Whether a value satisfies the condition at a point that has those values `at` the
    /// parameters. Limits are for numbers only.
    pub(super) fn accepts<'v>(
        &self,
        value: &Value,
        at: &impl Fn(&str) -> Option<&'v Value>,
    ) -> bool {
        match self {
            PointCondition::Limits(PointLimits { at_least, at_most }) => {
                let holds = |limit: &Option<PointLimit>, compare: fn(&f64, &f64) -> bool| {
                    limit.as_ref().is_none_or(|limit| {
                        let sides = value.as_f64().zip(limit.number(at));
                        sides.is_some_and(|(value, limit)| compare(&value, &limit))
                    })
                };
                holds(at_least, f64::ge) && holds(at_most, f64::le)
            }
            PointCondition::OneOf(values) => values.iter().any(|one| same(one, value)),
            PointCondition::Is(one) => same(one, value),
        }
    }

    /// The values that it names, if it is not about limits.
    pub(super) fn values(&self) -> &[Value] {
        match self {
            PointCondition::Limits(_) => &[],
            PointCondition::OneOf(values) => values,
            PointCondition::Is(value) => std::slice::from_ref(value),
        }
    }
}

impl PointLimit {
    /// What it is at a point; nothing where its parameter is no number.
    fn number<'v>(&self, at: &impl Fn(&str) -> Option<&'v Value>) -> Option<f64> {
        match self {
            PointLimit::Number(number) => Some(*number),
            PointLimit::Linear(ParameterLine { parameter, times, plus }) => {
                Some(times * at(parameter)?.as_f64()? + plus)
            }
        }
    }
}

/// Whether two values are the same; 8 and 8.0 are one number.
#[expect(clippy::float_cmp, reason = "both were written by people: they are the same or not")]
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(x), Some(y)) => x == y,
        _ => a == b,
    }
}

impl fmt::Display for Condition {
    /// What follows the name of the metric or parameter: `≥ 128`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Condition::Limits(Limits { at_least: Some(least), at_most: Some(most) }) => {
                write!(f, "from {least} to {most}")
            }
            Condition::Limits(Limits { at_least: Some(least), at_most: None }) => {
                write!(f, "≥ {least}")
            }
            Condition::Limits(Limits { at_least: None, at_most: Some(most) }) => {
                write!(f, "≤ {most}")
            }
            Condition::Limits(Limits { at_least: None, at_most: None }) => write!(f, "is a number"),
            Condition::OneOf(values) => {
                write!(f, "in ")?;
                for (position, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if position == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
            Condition::Is(value) => write!(f, "= {value}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn conditions_accept_what_they_say() {
        let accepts = |condition: Value, value: Value| {
            serde_json::from_value::<Condition>(condition).unwrap().accepts(&value)
        };
        assert!(accepts(json!(8), json!(8.0)) && !accepts(json!(8), json!(9)));
        assert!(accepts(json!("all"), json!("all")) && !accepts(json!("8"), json!(8)));
        assert!(accepts(json!([1, 2]), json!(2)) && !accepts(json!([1, 2]), json!(3)));
        let limits = json!({"at_least": 2, "at_most": 4});
        assert!(accepts(limits.clone(), json!(2)) && accepts(limits.clone(), json!(4)));
        assert!(!accepts(limits.clone(), json!(5)) && !accepts(limits, json!("3")));
    }
}
