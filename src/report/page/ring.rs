//! The ring of a film: a still of its last frame that anybody can read, and what the script
//! needs to show the rest.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{add, tables};
use crate::experiment::claims::show;
use crate::experiment::film::{Film, NodeState, Standing};
use crate::measure::summary::Summary;
use crate::report::html::escaped;

/// From the middle to the nodes.
const RADIUS: u32 = 270;
/// Up to so many nodes have their identifiers beside them.
const FEW: usize = 40;
/// Digits of an identifier beside its node.
const DIGITS: usize = 6;

/// The section, with the still.
pub(super) fn section(film: &Film, summary: &Summary) -> String {
    let last = last_states(film);
    let seconds = film.frames.last().map_or(0.0, |frame| frame.seconds);
    let place = summary.points.get(film.point).map(|point| tables::place(summary, point));
    let place = place.filter(|place| !place.is_empty());
    let place = place.map_or_else(String::new, |place| format!(", {}", escaped(&place)));
    let system = escaped(film.system);
    let (count, moment) = (last.len(), show(seconds));
    let still = if film.frames.len() > 1 {
        format!("These {count} are there after {moment} s.")
    } else {
        format!("They are {count}.")
    };
    format!(
        "<div id=\"ring-view\" class=\"ring\">\n<figure>{}\n\
         <figcaption>The nodes of {system}{place}, in the first repeat: clockwise by identifier, \
         zero at the top. <span id=\"ring-caption\">{still}</span></figcaption></figure>\n\
         <div id=\"ring-panel\"></div>\n</div>\n",
        self::still(film, &last)
    )
}

/// What is there at the end.
fn last_states(film: &Film) -> BTreeMap<usize, &NodeState> {
    let mut states = BTreeMap::new();
    for frame in &film.frames {
        for node in &frame.gone {
            states.remove(node);
        }
        for state in &frame.changed {
            states.insert(state.node, state);
        }
    }
    states
}

fn still(film: &Film, states: &BTreeMap<usize, &NodeState>) -> String {
    let mut drawing = format!(
        "<svg id=\"ring-drawing\" viewBox=\"-340 -340 680 680\" role=\"group\" \
         aria-label=\"The ring\"><g id=\"ring-still\"><circle class=\"orbit\" r=\"{RADIUS}\"/>"
    );
    for number in states.keys() {
        let node = &film.nodes[*number];
        let degrees = show(node.share * 360.0);
        let id = escaped(&node.id);
        let size = if states.len() <= FEW { 8 } else { 4 };
        add(
            &mut drawing,
            format_args!(
                "<g transform=\"rotate({degrees})\"><circle class=\"node\" cy=\"-{RADIUS}\" \
                 r=\"{size}\"><title>{id}, {}</title></circle>",
                escaped(&node.address)
            ),
        );
        if states.len() <= FEW {
            let name: String = id.chars().take(DIGITS).collect();
            let up = RADIUS + 18;
            let place = format!("transform=\"translate(0 -{up}) rotate(-{degrees})\" dy=\".35em\"");
            add(&mut drawing, format_args!("<text class=\"name\" {place}>{name}</text>"));
        }
        drawing.push_str("</g>");
    }
    drawing + "</g></svg>"
}

/// The film for the script: lists instead of names, −1 for nobody.
pub(super) fn data(film: &Film) -> Value {
    let number = |node: Option<usize>| node.map_or(json!(-1), |node| json!(node));
    let share = |share: f64| (share * 1e7).round() / 1e7;
    let state = |state: &NodeState| {
        let fingers = state.fingers.iter().flat_map(|(first, node)| [json!(first), number(*node)]);
        json!([
            state.node,
            match state.standing {
                Standing::Up => 0,
                Standing::Joining => 1,
                Standing::Leaving => 2,
                Standing::Frozen => 3,
            },
            number(state.predecessor),
            state.successors,
            fingers.collect::<Vec<Value>>(),
            state.keys,
            state.values,
        ])
    };
    let frames: Vec<Value> = film
        .frames
        .iter()
        .map(|frame| {
            let happenings = frame.happenings.iter().map(|what| json!([what.seconds, what.what]));
            json!([
                frame.seconds,
                frame.changed.iter().map(state).collect::<Vec<Value>>(),
                frame.gone,
                happenings.collect::<Vec<Value>>(),
            ])
        })
        .collect();
    let nodes = film.nodes.iter().map(|node| json!([node.address, node.id, share(node.share)]));
    let keys = film.keys.iter().map(|key| json!([key.id, share(key.share)]));
    let routes = film.routes.iter().map(|route| {
        let start = [json!(route.key), number(route.owner)];
        let path = route.path.iter().map(|node| json!(node));
        Value::Array(start.into_iter().chain(path).collect())
    });
    json!({
        "bits": film.id_bits,
        "fingers": film.has_fingers,
        "nodes": nodes.collect::<Vec<Value>>(),
        "frames": frames,
        "keys": keys.collect::<Vec<Value>>(),
        "routes": routes.collect::<Vec<Value>>(),
    })
}
