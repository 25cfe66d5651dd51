//! `dhtsim list`: what a scenario can be made of, one line each.
//!
//! The words are those of the JSON Schema and of the tables of metrics.

use std::io::Write;

use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::Value;

use crate::measure::metrics::{FIT_METRICS, METRICS, SERIES};
use crate::scenario;

use super::columns::aligned;
use super::{Ending, Failure, show_view};

/// List what a scenario can be made of, one line each.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dhtsim list
  dhtsim list metrics
  dhtsim list plots --json")]
pub(super) struct List {
    /// What to list; without it, everything
    #[arg(value_enum)]
    what: Option<What>,
    /// Print JSON for programs
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum What {
    /// Systems that nodes can run
    Overlays,
    /// What lies between nodes: models of the delay, access links, losses
    Networks,
    /// How nodes come and go
    Churn,
    /// What breaks, and whom it strikes
    Faults,
    /// What nodes are asked to do
    Workloads,
    /// Names in claims, plots and published numbers
    Metrics,
    /// Kinds of plots
    Plots,
}

/// Things of one kind.
#[derive(Debug, Serialize)]
struct Section {
    /// Where in a scenario they stand.
    kind: &'static str,
    things: Vec<Thing>,
}

/// Something by its name in a scenario.
#[derive(Debug, Serialize)]
struct Thing {
    name: String,
    /// Unit of a number, empty when it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'static str>,
    about: String,
}

impl List {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Ending, Failure> {
        let kinds = self.what.as_ref().map_or(What::value_variants(), std::slice::from_ref);
        let schema = scenario::schema();
        let sections: Vec<Section> = kinds.iter().flat_map(|kind| kind.sections(&schema)).collect();
        show_view(out, self.json.then_some(&sections), || {
            sections.iter().map(Section::to_text).collect::<Vec<_>>().join("\n")
        })
    }
}

impl What {
    fn sections(self, schema: &Value) -> Vec<Section> {
        match self {
            What::Overlays => vec![Section::new("overlay", choices(schema, "Overlay"))],
            What::Networks => vec![
                Section::new("network", fields(schema, "Network")),
                Section::new("network.latency", choices(schema, "Latency")),
                Section::new("a class of servers", fields(schema, "ServerClass")),
            ],
            What::Churn => vec![
                Section::new("population.churn", fields(schema, "Churn")),
                Section::new("sessions, downtimes", choices(schema, "Distribution")),
            ],
            What::Faults => vec![
                Section::new("a fault", fields(schema, "Fault")),
                Section::new("whom it strikes", choices(schema, "Whom")),
            ],
            What::Workloads => vec![Section::new("workload", fields(schema, "Workload"))],
            What::Metrics => {
                let metrics = METRICS.iter().map(|m| Thing::number(m.name, m.unit, m.about));
                let fits = FIT_METRICS.iter().map(|m| Thing::new(m.name, m.about));
                let series = SERIES.iter().map(|s| Thing::number(s.name, s.unit, s.about));
                vec![
                    Section::new("metric", metrics),
                    Section::new("metric of a fit", fits),
                    Section::new("series over time", series),
                ]
            }
            What::Plots => vec![Section::new("plots", choices(schema, "Plot"))],
        }
    }
}

impl Section {
    fn new(kind: &'static str, things: impl IntoIterator<Item = Thing>) -> Section {
        Section { kind, things: things.into_iter().collect() }
    }

    fn to_text(&self) -> String {
        let has_units = self.things.iter().any(|thing| thing.unit.is_some());
        let row = |thing: &Thing| {
            let unit = has_units.then(|| thing.unit.unwrap_or_default().to_owned());
            [thing.name.clone()].into_iter().chain(unit).chain([thing.about.clone()]).collect()
        };
        let rows: Vec<Vec<String>> = self.things.iter().map(row).collect();
        let header: &[&str] =
            if has_units { &[self.kind, "unit", "what it is"] } else { &[self.kind, "what it is"] };
        aligned(header, &rows)
    }
}

impl Thing {
    fn new(name: &str, about: &str) -> Thing {
        Thing { name: name.to_owned(), unit: None, about: about.to_owned() }
    }

    /// Something with a description of the schema, of which the first sentence tells.
    fn described(name: &str, description: &Value) -> Thing {
        let text = description.as_str().unwrap_or_default().replace('\n', " ");
        // A full stop before a capital: not that of `et al. 2001`.
        let ends = |at: &usize| text[at + 2..].starts_with(char::is_uppercase);
        let end = text.match_indices(". ").map(|(at, _)| at).find(ends);
        Thing::new(name, text[..end.unwrap_or(text.len())].trim_end_matches('.'))
    }

    fn number(name: &str, unit: &'static str, about: &str) -> Thing {
        Thing { unit: Some(unit), ..Thing::new(name, about) }
    }
}

/// The choices of an enum of the schema: names alone, or objects whose one field is the
/// name.
fn choices(schema: &Value, definition: &str) -> Vec<Thing> {
    let choices = schema["$defs"][definition]["oneOf"].as_array().into_iter().flatten();
    choices
        .filter_map(|choice| {
            let name = choice["const"].as_str().or(choice["required"][0].as_str())?;
            Some(Thing::described(name, &choice["description"]))
        })
        .collect()
}

/// The fields of an object of the schema.
fn fields(schema: &Value, definition: &str) -> Vec<Thing> {
    let fields = schema["$defs"][definition]["properties"].as_object().into_iter().flatten();
    fields.map(|(name, field)| Thing::described(name, &field["description"])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The schema changes its shape with every new kind of choice; nothing may fall
    /// through.
    #[test]
    fn everything_has_a_name_and_a_line() {
        let schema = scenario::schema();
        for kind in What::value_variants() {
            for section in kind.sections(&schema) {
                assert!(!section.things.is_empty(), "{kind:?}");
                for thing in section.things {
                    let Thing { name, about, .. } = &thing;
                    assert!(!name.is_empty() && !about.is_empty(), "{thing:?}");
                    assert!(!about.contains('\n'), "{thing:?}");
                }
            }
        }
        for definition in ["Overlay", "Latency", "Distribution", "Whom", "Plot"] {
            let all = schema["$defs"][definition]["oneOf"].as_array().map(Vec::len);
            assert_eq!(all, Some(choices(&schema, definition).len()), "{definition}");
        }
    }
}
