//! From text to JSON to the types of [`format`](super::format), with errors for
//! people.
//!
//! serde knows exactly what it expected and where; its words are for
//! programmers. This file turns them into a place, a problem and a mend.
//!
//! Must not know: what the values mean. That is for [`check`](super::check).

use std::borrow::Cow;
use std::fmt;
use std::io::Read;

use json_comments::CommentSettings;
use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value};

use super::error::Fault;
use super::format::Scenario;

/// The JSON of a scenario file, which may have comments.
pub(super) fn json(text: &str) -> Result<Value, Fault> {
    // Some editors begin a file with a byte order mark, which JSON does not know.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let Distinct(value) =
        serde_json::from_str(&without_comments(text)).map_err(|error| malformed(&error))?;
    if !value.is_object() {
        return Err(Fault::new(
            "",
            "is JSON, but not an object",
            "a scenario is an object: {\"name\": …, \"population\": …, \"overlay\": …}",
        ));
    }
    Ok(value)
}

/// The text with spaces for its comments, from `//` to the end of the line and from `/*` to
/// `*/`. Everything else keeps its line and column.
fn without_comments(text: &str) -> Cow<'_, str> {
    if !text.contains('/') {
        return Cow::Borrowed(text);
    }
    let mut blank = Vec::new();
    let read = CommentSettings::c_style().strip_comments(text.as_bytes()).read_to_end(&mut blank);
    // A slash or a comment that goes nowhere: JSON says where.
    if read.is_err() {
        return Cow::Borrowed(text);
    }
    // A comment of several lines is as many lines of nothing.
    for (blank, byte) in blank.iter_mut().zip(text.bytes()) {
        if byte == b'\n' {
            *blank = byte;
        }
    }
    String::from_utf8(blank).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// The scenario that this JSON is.
pub(super) fn scenario(value: &Value) -> Result<Scenario, Fault> {
    let scenario = serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        // A path of "." is the whole file.
        let path = if path == "." { String::new() } else { path };
        explain(path, &error.inner().to_string())
    })?;
    match list_for_object("", value, &serde_json::to_value(&scenario).unwrap_or_default()) {
        Some(place) => Err(Fault::new(place, "found a list", "give an object")),
        None => Ok(scenario),
    }
}

/// The place of the first list that was read as an object. serde takes a list for the
/// fields of a struct in their order; written back, it is an object.
fn list_for_object(place: &str, given: &Value, read: &Value) -> Option<String> {
    match (given, read) {
        (Value::Array(_), Value::Object(_)) => Some(place.to_owned()),
        (Value::Array(given), Value::Array(read)) => {
            let mut pairs = given.iter().zip(read).enumerate();
            pairs.find_map(|(i, (given, read))| {
                list_for_object(&format!("{place}[{i}]"), given, read)
            })
        }
        (Value::Object(given), Value::Object(read)) => given.iter().find_map(|(name, given)| {
            let dot = if place.is_empty() { "" } else { "." };
            list_for_object(&format!("{place}{dot}{name}"), given, read.get(name)?)
        }),
        _ => None,
    }
}

fn malformed(error: &serde_json::Error) -> Fault {
    let place = format!("line {}, column {}", error.line(), error.column());
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    let mend = match message {
        "trailing comma" => "remove the comma before the closing bracket",
        "key must be a string" => "write the name of a field between double quotes",
        "trailing characters" => "remove what stands after the closing bracket",
        "recursion limit exceeded" => "write it with fewer brackets inside each other",
        "number out of range" => "write a number that fits 64 bits",
        _ if message.ends_with(TWICE) => "remove one of the two",
        _ if message.starts_with("EOF") => {
            "the text ends too early: close what is open, or write a scenario if it is empty"
        }
        _ => "write valid JSON there",
    };
    Fault::new(place, format!("malformed JSON: {message}"), mend)
}

/// How the error about a repeated field ends.
const TWICE: &str = "stands twice in its object";

/// JSON whose objects have no field twice. The standard lets the last one win, and the
/// first would be overlooked.
struct Distinct(Value);

impl<'de> Deserialize<'de> for Distinct {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Distinct, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Distinct;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Distinct, E> {
                Ok(Distinct(value.into()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Distinct, E> {
                Ok(Distinct(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Distinct, E> {
                Ok(Distinct(value.into()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Distinct, E> {
                Ok(Distinct(value.into()))
            }

            fn visit_str<E>(self, value: &str) -> Result<Distinct, E> {
                Ok(Distinct(value.into()))
            }

            fn visit_unit<E>(self) -> Result<Distinct, E> {
                Ok(Distinct(Value::Null))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Distinct, A::Error> {
                let mut list = Vec::new();
                while let Some(Distinct(item)) = items.next_element()? {
                    list.push(item);
                }
                Ok(Distinct(list.into()))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut fields: A) -> Result<Distinct, A::Error> {
                let mut object = Map::new();
                while let Some((name, Distinct(value))) = fields.next_entry::<String, _>()? {
                    if object.contains_key(&name) {
                        return Err(de::Error::custom(format!("the field {name:?} {TWICE}")));
                    }
                    object.insert(name, value);
                }
                Ok(Distinct(object.into()))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

/// Turns serde's message into a sentence with a mend.
fn explain(place: String, message: &str) -> Fault {
    if let Some(rest) = message.strip_prefix("unknown field ") {
        let (name, known) = named(rest);
        let mend = match known.as_slice() {
            [] => "remove it".to_owned(),
            known => format!("the fields here are {}", known.join(", ")),
        };
        Fault::new(place, format!("there is no field `{name}`"), mend)
    } else if let Some(rest) = message.strip_prefix("unknown variant ") {
        let (name, known) = named(rest);
        let mend = format!("choose from {}", known.join(", "));
        Fault::new(place, format!("`{name}` is not a choice here"), mend)
    } else if let Some(rest) = message.strip_prefix("missing field ") {
        let (name, _) = named(rest);
        Fault::new(place, format!("the field `{name}` is missing"), "add it")
    } else if message.contains("expected newtype variant") {
        let mend = "write it as an object, such as {\"chord\": {}}";
        Fault::new(place, "the choice stands without its parameters", mend)
    } else if let Some(name) =
        message.strip_prefix("data did not match any variant of untagged enum ")
    {
        let (problem, mend) = untagged(name);
        Fault::new(place, problem, mend)
    } else if let Some((found, expected)) = message.rsplit_once(", expected ") {
        let found = found
            .strip_prefix("invalid type: ")
            .or_else(|| found.strip_prefix("invalid value: "))
            .unwrap_or(found);
        let found = found.replace("floating point", "number").replace("integer", "number");
        let found = match found.as_str() {
            "null" => "nothing (null)",
            "map" => "an object",
            "sequence" => "a list",
            found => found,
        };
        Fault::new(place, format!("found {found}"), format!("give {}", wanted(expected)))
    } else if let Some((problem, mend)) = message.rsplit_once("; ") {
        Fault::new(place, problem, mend)
    } else {
        Fault::new(place, message, "")
    }
}

/// The name between the first backticks, and the names between the others.
fn named(text: &str) -> (&str, Vec<&str>) {
    // A strange name may hold backticks itself; what serde adds begins after the
    // last "`, expected ".
    let (name, expected) = text.rsplit_once("`, expected ").unwrap_or((text, ""));
    let known = expected.split('`').skip(1).step_by(2).collect();
    (name.trim_matches('`'), known)
}

/// serde's name of a type, in words.
fn wanted(expected: &str) -> &str {
    match expected {
        "u32" => "a whole number from 0 to 4294967295",
        "u64" => "a whole number from 0 to 18446744073709551615",
        "f64" => "a number",
        "a string" => "a text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "an object",
        "unit" => "the name of the choice alone, which has no parameters",
        "a tuple of size 2" => "a pair of numbers",
        "map with a single key" | "string or map" => {
            "an object with one key, which names the choice"
        }
        _ if expected.starts_with("struct ") => "an object",
        _ => expected,
    }
}

/// What the untagged types of the format may look like.
fn untagged(name: &str) -> (&'static str, &'static str) {
    match name {
        "ExplicitId" => ("is not an identifier", "give a number, or a text of hexadecimal digits"),
        "Bound" => (
            "is not something to compare with",
            "give a number, {\"log2\": metric, \"times\": …, \"plus\": …} or {\"metric\": metric, \"times\": …, \"plus\": …}",
        ),
        _ => (
            "is not a condition",
            "give a value, a list of values, or {\"at_least\": number, \"at_most\": number}",
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fault(value: &Value) -> String {
        let Fault { place, problem, mend } = scenario(value).unwrap_err();
        format!("{place}: {problem}; {mend}")
    }

    fn valid() -> Value {
        json!({"name": "x", "population": {"nodes": 4}, "overlay": {"chord": {}}})
    }

    #[test]
    fn malformed_json_is_placed_by_line_and_column() {
        let fault = json("{\n  \"name\": \"x\",\n}").unwrap_err();
        assert_eq!(fault.place, "line 3, column 1");
        assert_eq!(fault.problem, "malformed JSON: trailing comma");
        for text in ["", "{", "[]", "nil", "{\"a\": 1e999}", &"[".repeat(10_000)] {
            assert!(json(text).is_err(), "{text:.20}");
        }
    }

    #[test]
    fn comments_are_left_out_and_move_nothing() {
        let text =
            "// ½ a word\n{ /* two\nlines */ \"a\": \"// none /* none */\", // more\n\"b\": 1 }";
        assert_eq!(json(text).unwrap(), json!({"a": "// none /* none */", "b": 1}));
        let fault = json("{ // \u{e9}\n/*\n\n*/ \"a\": nil }").unwrap_err();
        assert_eq!(fault.place, "line 4, column 10");
        // Of comments that are none, and of texts that end in a string.
        for text in ["{} /", "{} /* ", "{ # \n }", "{\"a\": \"b // c", "/"] {
            assert!(json(text).is_err(), "{text}");
        }
        assert!(json("{}// the end").is_ok());
    }

    #[test]
    fn a_field_that_stands_twice_is_refused() {
        let fault = json("{\"sweep\": [{\"seed\": 1,\n \"seed\": 2}]}").unwrap_err();
        assert!(fault.place.starts_with("line 2"), "{}", fault.place);
        assert_eq!(fault.problem, "malformed JSON: the field \"seed\" stands twice in its object");
        assert_eq!(fault.mend, "remove one of the two");
        let all = "{\"a\": [null, true, -1, 18446744073709551615, 0.5, \"b\", {}]}";
        assert_eq!(json(all).unwrap(), serde_json::from_str::<Value>(all).unwrap());
    }

    #[test]
    fn a_list_is_no_object() {
        for (path, value) in [
            ("population", json!([8])),
            ("overlay.chord", json!([])),
            ("network", json!([])),
            ("network.latency.uniform", json!(["1ms", "2ms"])),
            ("population.joins", json!([])),
            ("overlay.chord.stabilize", json!(["1s"])),
            ("expect.0", json!(["it holds", "hops.mean"])),
        ] {
            let mut scenario = valid();
            if path == "expect.0" {
                scenario["expect"] = json!([{}]);
            }
            super::super::set::set(&mut scenario, path, value).unwrap();
            let place = path.replace(".0", "[0]");
            assert_eq!(fault(&scenario), format!("{place}: found a list; give an object"));
        }
    }

    #[test]
    fn serde_is_put_into_words() {
        let with = |path: &str, value: Value| {
            let mut scenario = valid();
            super::super::set::set(&mut scenario, path, value).unwrap();
            fault(&scenario)
        };
        insta::assert_snapshot!(
            [
                with("population.nodez", json!(1)),
                with("population.nodes", json!(-1)),
                with("population.nodes", json!(8.5)),
                with("population.nodes", json!("8")),
                with("population", json!(null)),
                with("population.ids", json!([1, {}])),
                with("overlay", json!("chord")),
                with("overlay", json!("pastry")),
                with("overlay", json!({"pastry": {}})),
                with("overlay", json!({"chord": {}, "more": {}})),
                with("overlay.chord.lookup", json!("guessing")),
                with("overlay.chord.stabilize", json!({})),
                with("overlay.chord.stabilize.period", json!("50")),
                with("overlay.chord.stabilize.period", json!(50)),
                with("network.latency.constant", json!("5 parsec; or so")),
                with("network.loss", json!("much")),
                with("expect", json!([{"metric": "hops.mean", "at_most": {"log3": "nodes"}}])),
                with("plots", json!(["hops", "hoops"])),
                with("published", json!([{"values": [1]}])),
                with("name", json!(null)),
                with("x`, expected `y`", json!(null)),
            ]
            .join("\n")
        );
    }
}
