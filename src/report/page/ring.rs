//! The ring of a film: a still of its last frame that anybody can read, and what the script
//! needs to show the rest.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{add, tables};
use crate::experiment::claims::show;
use crate::experiment::film::{Film, FilmRoute, MOST_NODES, NodeState, Standing};
use crate::measure::summary::{Point, Summary};
use crate::report::html::escaped;

/// From the middle to the nodes.
const RADIUS: u32 = 270;
/// Up to so many nodes have their identifiers beside them.
const FEW: usize = 40;
/// Digits of an identifier beside its node.
const DIGITS: usize = 6;

/// Points whose commands are listed.
const MOST_COMMANDS: usize = 40;

/// The section, with the still of the first film; nothing where there is none.
pub(super) fn section(films: &[Film], filmable: &[usize], summary: &Summary) -> String {
    let Some(film) = films.first() else { return String::new() };
    let last = last_states(film);
    let seconds = film.frames.last().map_or(0.0, |frame| frame.seconds);
    let title = escaped(&title(film, summary));
    let (count, moment) = (last.len(), show(seconds));
    let still = if film.frames.len() > 1 {
        format!("These {count} are there after {moment} s.")
    } else {
        format!("They are {count}.")
    };
    format!(
        "<div id=\"ring-view\" class=\"ring\">\n<figure>{}\n\
         <figcaption>The nodes of <span id=\"ring-which\">{title}</span>: clockwise by \
         identifier, zero at the top. <span id=\"ring-caption\">{still}</span></figcaption>\
         </figure>\n<div id=\"ring-panel\"></div>\n</div>\n{}",
        self::still(film, &last),
        others(films, filmable, summary)
    )
}

/// Which system it is, at which point and in which repeat.
fn title(film: &Film, summary: &Summary) -> String {
    let mut title = film.system.to_owned();
    let Some(point) = summary.points.get(film.point) else { return title };
    let place = tables::place(summary, point);
    if place.split(", ").any(|part| part == title) {
        // The point says already which system it is.
        title = place;
    } else if !place.is_empty() {
        add(&mut title, format_args!(", {place}"));
    }
    if point.repeats > 1 {
        add(&mut title, format_args!(", repeat {} of 0 to {}", film.repeat, point.repeats - 1));
    }
    title
}

/// Which rings are here, which others there could be, and how to see them.
fn others(films: &[Film], filmable: &[usize], summary: &Summary) -> String {
    let is_here = |point: &&usize| films.iter().any(|film| film.point == **point);
    let more = filmable.iter().filter(|point| !is_here(point)).count();
    let repeats = films.iter().filter_map(|film| summary.points.get(film.point));
    let repeats = repeats.map(|point| point.repeats).max().unwrap_or(1);
    let mut text = match (films.len(), more, repeats) {
        (1, 0, 1) => {
            return format!(
                "<p class=\"hint\">This is the only run whose ring can be shown: that of up to \
                 {MOST_NODES} nodes.</p>\n"
            );
        }
        (1, ..) => "<p class=\"hint\">This ring is one of a single run".to_owned(),
        (here, ..) => format!("<p class=\"hint\">These are the rings of {here} runs"),
    };
    let of = if more == 1 { "point has a ring" } else { "points have rings" };
    match more {
        0 => text.push_str("; no other point has a ring that can be shown"),
        more => add(&mut text, format_args!("; {more} other {of} that can be shown")),
    }
    add(&mut text, format_args!(" (up to {MOST_NODES} nodes).</p>\n"));
    let mut commands = String::new();
    for point in filmable.iter().filter(|point| !is_here(point)).take(MOST_COMMANDS) {
        let Some(point) = summary.points.get(*point) else { continue };
        add(&mut commands, format_args!("{}\n", escaped(&command(point, summary))));
    }
    if more > MOST_COMMANDS {
        add(&mut commands, format_args!("… and {} more\n", more - MOST_COMMANDS));
    }
    let of_several = films.iter().find_map(|film| {
        let point = summary.points.get(film.point).filter(|point| point.repeats > 1)?;
        Some((command(point, summary), u32::from(film.repeat == 0)))
    });
    if let Some((command, other)) = of_several {
        add(&mut commands, format_args!("{} --ring-repeat {other}\n", escaped(&command)));
    }
    if commands.is_empty() {
        return text;
    }
    add(
        &mut text,
        format_args!(
            "<details><summary>Commands that write this page with others, given in its folder\
             </summary>\n<pre class=\"commands\">{commands}</pre></details>\n"
        ),
    );
    text
}

/// The command that shows the ring of a point.
fn command(point: &Point, summary: &Summary) -> String {
    let mut command = "dhtsim report .".to_owned();
    for path in &summary.sweep {
        let Some(value) = point.params.get(path) else { continue };
        let value = match value {
            // What would be read as something else than a text stands in quotes.
            Value::String(text) if serde_json::from_str::<Value>(text).is_err() => text.clone(),
            other => other.to_string(),
        };
        add(&mut command, format_args!(" --ring {}", for_a_shell(&format!("{path}={value}"))));
    }
    command
}

/// An argument as it is typed.
fn for_a_shell(argument: &str) -> String {
    let is_plain = |sign: char| sign.is_ascii_alphanumeric() || "_./=:,+-@%".contains(sign);
    if argument.chars().all(is_plain) {
        argument.to_owned()
    } else {
        format!("'{}'", argument.replace('\'', r"'\''"))
    }
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
pub(super) fn data(film: &Film, summary: &Summary) -> Value {
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
            let of_the_run = frame.of_the_run.iter().map(|one| {
                let key = json!([one.key.id, share(one.key.share)]);
                json!([one.seconds, one.milliseconds, key, route(&one.route)])
            });
            json!([
                frame.seconds,
                frame.changed.iter().map(state).collect::<Vec<Value>>(),
                frame.gone,
                happenings.collect::<Vec<Value>>(),
                frame.lookups,
                of_the_run.collect::<Vec<Value>>(),
            ])
        })
        .collect();
    let nodes = film.nodes.iter().map(|node| json!([node.address, node.id, share(node.share)]));
    let keys = film.keys.iter().map(|key| json!([key.id, share(key.share)]));
    let asked = film.asked.iter().map(|asked| {
        let routes = asked.routes.iter().map(|(key, one)| json!([key, route(one)]));
        json!([asked.frame, routes.collect::<Vec<Value>>()])
    });
    json!({
        "title": title(film, summary),
        "bits": film.id_bits,
        "fingers": film.has_fingers,
        "crowded": film.is_crowded,
        "nodes": nodes.collect::<Vec<Value>>(),
        "frames": frames,
        "keys": keys.collect::<Vec<Value>>(),
        "asked": asked.collect::<Vec<Value>>(),
    })
}

/// How it ended, with whom, its path, and where somebody did not answer if anybody did not.
fn route(route: &FilmRoute) -> Value {
    let ending = match (route.owner, route.is_right, route.has_ended) {
        (Some(_), true, _) => 0,
        (Some(_), false, _) => 1,
        (None, _, true) => 2,
        (None, _, false) => 3,
    };
    let owner = route.owner.map_or(json!(-1), |owner| json!(owner));
    if route.timeouts.is_empty() {
        json!([ending, owner, route.path])
    } else {
        json!([ending, owner, route.path, route.timeouts])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_say_what_a_shell_passes_on() {
        let path = |path: &str| path.to_owned();
        let mut point = Point::default();
        for (name, value) in [
            ("population.nodes", json!(16)),
            ("system", json!("Chord's, base")),
            ("variant", json!("16")),
        ] {
            point.params.insert(name.to_owned(), value);
        }
        let summary = Summary {
            scenario: path("x"),
            description: String::new(),
            seed: 1,
            sweep: ["population.nodes", "system", "variant"].map(path).to_vec(),
            points: Vec::new(),
            fits: Vec::new(),
            expectations: Vec::new(),
            published: Vec::new(),
        };
        assert_eq!(
            command(&point, &summary),
            r#"dhtsim report . --ring population.nodes=16 --ring 'system=Chord'\''s, base' --ring 'variant="16"'"#
        );
    }
}
