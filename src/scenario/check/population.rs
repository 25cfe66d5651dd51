//! The servers: how many, which, and when they join and leave.

use std::collections::BTreeSet;

use crate::id::{Id, IdSpace};
use crate::sim::{Duration, Time};
use crate::workload::JoinTimes;

use super::super::error::Fault;
use super::super::format::{Arrivals, ExplicitId, Joins, Leaves, Overlay, Population};
use super::super::units::Span;
use super::overlay::joins_on_chord;
use super::{Checked, JoinPlan, MAX_NODES, MAX_VIRTUAL_NODES, positive, refuse};

/// The least chance that a draw of all identifiers of a server finds them free. (Servers
/// without virtual nodes need none: they fill a ring one by one.)
const LEAST_ROOM: f64 = 1e-3;

/// The number of servers, and their identifiers where the file gives them. `traced` are in a
/// trace of churn.
pub(super) fn servers(
    population: &Population,
    traced: Option<u32>,
    space: IdSpace,
) -> Checked<(u32, Option<Vec<Id>>)> {
    let Some(given) = &population.ids else {
        return match population.nodes.or(traced) {
            Some(nodes) if traced.is_some_and(|traced| traced != nodes) => {
                let traced = traced.unwrap_or_default();
                let problem = format!("{nodes} nodes, but {traced} with those in the trace");
                refuse("population.nodes", problem, "leave it out")
            }
            Some(0) => refuse("population.nodes", "0 nodes are no system", "give at least 1"),
            Some(nodes) => Ok((nodes, None)),
            None => refuse(
                "population",
                "says neither how many nodes nor which",
                "give `nodes`, or `ids` for identifiers of your own",
            ),
        };
    };
    if given.is_empty() {
        return refuse("population.ids", "is empty", "give at least 1 identifier");
    }
    if population.virtual_nodes > 1 {
        return refuse(
            "population.virtual_nodes",
            "virtual nodes hash their own addresses and cannot have given identifiers",
            "leave out `ids` or `virtual_nodes`",
        );
    }
    if let Some(nodes) = population.nodes
        && nodes as usize != given.len()
    {
        return refuse(
            "population.nodes",
            format!("{nodes} nodes, but {} identifiers in `ids`", given.len()),
            "leave out `nodes`",
        );
    }
    if given.len() as u64 > MAX_NODES {
        let problem = format!("{} identifiers", given.len());
        return refuse("population.ids", problem, format!("give at most {MAX_NODES}"));
    }
    let mut ids = Vec::with_capacity(given.len());
    let mut seen = BTreeSet::new();
    for (position, id) in given.iter().enumerate() {
        let place = || format!("population.ids[{position}]");
        let id = match id {
            ExplicitId::Number(number) => space.checked_id(*number),
            ExplicitId::Hexadecimal(text) => space.parse_hex(text),
        };
        let id = id.map_err(|error| {
            let mend = format!("give hexadecimal digits or a number below 2^{}", space.bits());
            Fault::new(place(), error.to_string(), mend)
        })?;
        if !seen.insert(id) {
            let problem = format!("the identifier {} stands here again", space.hex(id));
            return refuse(&place(), problem, "give every node an identifier of its own");
        }
        ids.push(id);
    }
    Ok((ids.len() as u32, Some(ids)))
}

/// The number of nodes on the ring, which must have room for them.
pub(super) fn nodes(population: &Population, servers: u32, space: IdSpace) -> Checked<u64> {
    let times = population.virtual_nodes;
    if !(1..=MAX_VIRTUAL_NODES).contains(&times) {
        let problem = format!("a server cannot stand on the ring {times} times");
        let mend = format!("give 1 to {MAX_VIRTUAL_NODES}");
        return refuse("population.virtual_nodes", problem, mend);
    }
    let nodes = u64::from(servers) * u64::from(times);
    if nodes > MAX_NODES {
        let problem = match times {
            1 => format!("{nodes} nodes"),
            _ => format!("{servers} servers, {times} times each, are {nodes} nodes"),
        };
        return refuse("population.nodes", problem, format!("give at most {MAX_NODES} in all"));
    }
    match space.size() {
        Some(size) if nodes > size => refuse(
            "id_bits",
            format!("{} bits give {size} identifiers for {nodes} nodes", space.bits()),
            format!("give at least {}, or fewer nodes", (nodes - 1).ilog2() + 1),
        ),
        Some(size) if times > 1 && chance_of_room(nodes, times, size) < LEAST_ROOM => refuse(
            "id_bits",
            format!(
                "among {size} identifiers, {servers} servers hardly ever find {times} free ones each at a draw"
            ),
            "give more bits, or fewer nodes",
        ),
        _ => Ok(nodes),
    }
}

/// The chance that the last server finds all its identifiers free: it draws all of them
/// anew when one is taken.
fn chance_of_room(nodes: u64, times: u32, size: u64) -> f64 {
    let times = u64::from(times);
    let free = size - (nodes - times);
    (0..times).map(|taken| (free - taken) as f64 / size as f64).product()
}

pub(super) fn join_plan(
    joins: &Joins,
    servers: u32,
    virtual_nodes: u32,
    overlay: &Overlay,
    duration: Option<Duration>,
) -> Checked<JoinPlan> {
    let place = "population.joins";
    let initial = match (joins.initial, joins.count) {
        (Some(_), Some(_)) => {
            let problem = "has both `initial` and `count`";
            return refuse(place, problem, "leave one of them out");
        }
        (Some(initial), None) => initial,
        (None, Some(count)) if count >= servers => {
            let problem = format!("{count} of {servers} nodes cannot join: nobody is there");
            return refuse("population.joins.count", problem, "give fewer than there are");
        }
        (None, Some(count)) => servers - count,
        (None, None) => 1,
    };
    if initial == 0 || initial > servers {
        return refuse(
            "population.joins.initial",
            format!("{initial} of {servers} nodes cannot stand on the ring at the start"),
            format!("give 1 to {servers}"),
        );
    }
    let joining = servers - initial;
    let times = match (&joins.interval, &joins.times) {
        (Some(interval), None) if joins.arrivals == Arrivals::Poisson => {
            positive("population.joins.interval", *interval)?;
            if let Some(end) = duration.filter(|end| joins.start.0 >= *end && joining > 0) {
                let problem = format!("{} is not before the end at {end}", joins.start.0);
                let mend = "give an earlier start or a longer `duration`";
                return refuse("population.joins.start", problem, mend);
            }
            let (start, interval) = (Time::ZERO + joins.start.0, interval.0);
            JoinTimes::Poisson { start, interval, count: joining as usize }
        }
        (Some(interval), None) => JoinTimes::At(regular_times(joins.start.0, interval.0, joining)?),
        (None, Some(_)) if joins.arrivals == Arrivals::Poisson => {
            let problem = "belongs to `interval`; `times` say when each node joins";
            return refuse("population.joins.arrivals", problem, "leave it out");
        }
        (None, Some(times)) => JoinTimes::At(given_times(joins.start.0, times, joining)?),
        (None, None) => {
            let mend = "give `interval`, or `times` for moments of your own";
            return refuse(place, "does not say when the nodes join", mend);
        }
        (Some(_), Some(_)) => {
            return refuse(place, "has both `interval` and `times`", "leave one of them out");
        }
    };
    if let Overlay::Chord(chord) = overlay {
        joins_on_chord(chord, virtual_nodes)?;
    }
    let last = match &times {
        JoinTimes::At(times) => times.last(),
        JoinTimes::Poisson { .. } => None,
    };
    match (last, duration) {
        // What happens at the end does not happen any more.
        (Some(last), Some(duration)) if last.as_nanos() >= duration.as_nanos() => refuse(
            place,
            format!("the last node joins at {last}, not before the end at {duration}"),
            "give a longer `duration` or earlier joins",
        ),
        _ => Ok(JoinPlan { initial, times }),
    }
}

fn regular_times(start: Duration, interval: Duration, joining: u32) -> Checked<Vec<Time>> {
    let (start, interval) = (start.as_nanos(), interval.as_nanos());
    let last = u64::from(joining.saturating_sub(1)).checked_mul(interval);
    if last.and_then(|last| last.checked_add(start)).is_none() {
        return refuse(
            "population.joins.interval",
            format!("{joining} joins at this distance end after more than 584 years"),
            "give a shorter interval",
        );
    }
    Ok((0..u64::from(joining)).map(|n| Time::from_nanos(start + n * interval)).collect())
}

fn given_times(start: Duration, times: &[Span], joining: u32) -> Checked<Vec<Time>> {
    let place = "population.joins.times";
    if start != Duration::ZERO {
        let problem = "belongs to `interval`; `times` are counted from the start of the simulation";
        return refuse("population.joins.start", problem, "leave it out");
    }
    if times.len() != joining as usize {
        return refuse(
            place,
            format!("lists {}, but {joining} nodes join (all without `initial`)", times.len()),
            "give one moment for each",
        );
    }
    if let Some(late) = times.windows(2).position(|pair| pair[0].0 > pair[1].0) {
        let place = format!("{place}[{}]", late + 1);
        let problem = format!("{} is earlier than the one before", times[late + 1].0);
        return refuse(&place, problem, "give the moments in ascending order");
    }
    Ok(times.iter().map(|span| Time::from_nanos(span.0.as_nanos())).collect())
}

pub(super) fn leaves(leaves: &Leaves, initial: u32, duration: Option<Duration>) -> Checked {
    let place = |field: &str| format!("population.leaves.{field}");
    if leaves.count == 0 || leaves.count >= initial {
        let problem = format!("{} of {initial} initial servers cannot leave", leaves.count);
        let mend = "give at least 1, and fewer than there are at the start";
        return refuse(&place("count"), problem, mend);
    }
    let (start, interval) = (leaves.start.0.as_nanos(), leaves.interval.0.as_nanos());
    let last = u64::from(leaves.count - 1).checked_mul(interval).and_then(|t| t.checked_add(start));
    match (last, duration) {
        (None, _) => refuse(
            &place("interval"),
            format!("{} leaves at this distance end after more than 584 years", leaves.count),
            "give a shorter interval",
        ),
        (Some(last), Some(end)) if last >= end.as_nanos() => refuse(
            "population.leaves",
            format!(
                "the last server leaves at {}, not before the end at {end}",
                Time::from_nanos(last)
            ),
            "give a longer `duration` or earlier leaves",
        ),
        _ => Ok(()),
    }
}
