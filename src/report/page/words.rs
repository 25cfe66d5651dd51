//! A scenario in words.

use serde_json::Value;

use super::add;
use crate::report::html::escaped;
use crate::report::plots::in_words;
use crate::scenario::Plan;

/// The parts of a scenario that say what is simulated, with what they are called.
const PARTS: [(&str, &str); 12] = [
    ("id_bits", "Bits of an identifier"),
    ("population", "Servers"),
    ("overlay", "System"),
    ("network", "Network"),
    ("workload", "Workload"),
    ("faults", "Faults"),
    ("duration", "Simulated time"),
    ("measure", "Measured"),
    ("sweep", "Varied"),
    ("exclude", "Left out of it"),
    ("repeat", "Repeats"),
    ("seed", "Seed"),
];

/// What a scenario simulates.
pub(super) fn scenario(plan: &Plan) -> String {
    let mut text = format!("<p>{}</p>\n<dl class=\"words\">\n", runs(plan));
    for (name, label) in PARTS {
        let Some(value) = plan.source.get(name).filter(|value| !is_empty(value)) else { continue };
        add(&mut text, format_args!("<dt>{label}</dt><dd>{}</dd>\n", described(value)));
    }
    text + "</dl>\n<p class=\"hint\">What is not named has its default, as <code>dhtsim schema</code> \
            and <code>dhtsim list</code> say it.</p>\n"
}

fn runs(plan: &Plan) -> String {
    let points = match plan.points.len() {
        1 => "One setting".to_owned(),
        many => format!("{many} settings"),
    };
    let repeat = match plan.repeat {
        1 => "run once".to_owned(),
        many => format!("run {many} times with other nodes, keys and delays each time"),
    };
    let each = if plan.points.len() == 1 { "" } else { "each " };
    let least = plan.points.iter().map(|point| point.setup.nodes()).min().unwrap_or(0);
    let most = plan.points.iter().map(|point| point.setup.nodes()).max().unwrap_or(0);
    let nodes = match (least == most, least) {
        (true, 1) => "one node".to_owned(),
        (true, _) => format!("{least} nodes"),
        (false, _) => format!("{least} to {most} nodes"),
    };
    format!("{points} of {nodes}, {each}{repeat}.")
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.is_empty(),
        Value::Object(parts) => parts.is_empty(),
        _ => false,
    }
}

/// A value as text, or as lists within lists where its parts have parts.
fn described(value: &Value) -> String {
    match value {
        Value::Object(parts) if parts.values().all(is_plain) => {
            let parts = parts.iter().map(|(name, value)| named(name, value));
            parts.collect::<Vec<_>>().join(", ")
        }
        Value::Object(parts) => {
            let mut list = String::new();
            for (name, value) in parts {
                add(&mut list, format_args!("<li>{}</li>", named(name, value)));
            }
            format!("<ul>{list}</ul>")
        }
        Value::Array(values) if values.iter().any(Value::is_object) => {
            let mut list = String::new();
            for value in values {
                add(&mut list, format_args!("<li>{}</li>", escaped(&in_words(value))));
            }
            format!("<ul>{list}</ul>")
        }
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(described).collect();
            values.join(", ")
        }
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        other => escaped(&in_words(other).replace('_', " ")),
    }
}

/// A part of a value by its name.
fn named(name: &str, value: &Value) -> String {
    // Paths of parameters stay as they are written.
    let name = if name.contains('.') { name.to_owned() } else { name.replace('_', " ") };
    let name = escaped(&name);
    if is_empty(value) {
        return format!("<b>{name}</b>");
    }
    let colon = match value {
        Value::Object(parts) if parts.values().all(is_plain) => ":",
        _ => "",
    };
    format!("<b>{name}</b>{colon} {}", described(value))
}

/// Whether a value has its place within a line.
fn is_plain(value: &Value) -> bool {
    match value {
        Value::Object(parts) => parts.is_empty(),
        Value::Array(values) => !values.iter().any(Value::is_object),
        _ => true,
    }
}

/// Text for people in which what stands between backquotes is code.
pub(super) fn prose(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    let mut written = String::new();
    for (number, part) in parts.iter().enumerate() {
        let part = escaped(part);
        let is_last = number + 1 == parts.len();
        match (number % 2 == 1, is_last) {
            (true, false) => add(&mut written, format_args!("<code>{part}</code>")),
            // A backquote that nothing closes stands for itself.
            (true, true) => add(&mut written, format_args!("`{part}")),
            (false, _) => written.push_str(&part),
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Overrides, parse};

    #[test]
    fn what_stands_between_backquotes_is_code() {
        assert_eq!(prose("a `b<c` d"), "a <code>b&lt;c</code> d");
        assert_eq!(prose("a `b"), "a `b");
        assert_eq!(prose("it's"), "it&#39;s");
    }

    #[test]
    fn a_scenario_is_told_in_words() {
        let text = r#"{
            "name": "x", "population": {"nodes": 8}, "overlay": {"chord": {"successors": 4}},
            "network": {"latency": {"uniform": {"from": "10ms", "to": "90ms"}}},
            "workload": {"lookups": {"per_node": 2}}, "repeat": 3,
            "sweep": {"population.nodes": [8, 16]},
            "faults": [{"at": "20s", "crash": {"random": 2}}]
        }"#;
        let plan = parse("x.json", text, &Overrides::default()).unwrap();
        insta::assert_snapshot!(scenario(&plan));
    }
}
