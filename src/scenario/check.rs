//! Whether the values of a scenario make sense, each by itself and together.
//!
//! What passes here can be simulated: the simulation checks nothing again. Every
//! refusal names the path of the field, the value and the mend.
//!
//! Must not know: sweeps and files. It sees one setting of the parameters.

use std::collections::BTreeSet;

use crate::id::{Id, IdSpace};
use crate::sim::{Duration, Time};

use super::error::Fault;
use super::format::{
    Chord, ExplicitId, Fingers, Joins, Latency, Lookups, Network, Overlay, Population, Scenario,
    Swarm, Tracker,
};
use super::units::Span;

/// The most nodes on a ring.
pub const MAX_NODES: u64 = 20_000_000;
/// The most virtual nodes of a server.
pub const MAX_VIRTUAL_NODES: u32 = 4096;
/// The longest successor list.
pub const MAX_SUCCESSORS: u32 = 64;
/// The most clients that a tracker names.
const MAX_NUMWANT: u32 = 1000;
/// The most pieces of a file.
const MAX_PIECES: u64 = 65_536;
/// The most bytes of a piece.
const MAX_PIECE_BYTES: u32 = 1 << 28;
/// The most connections that a peer opens.
const MAX_CONNECTIONS: u32 = 1000;
/// The most peers that a peer uploads to for one reason.
const MAX_SLOTS: u32 = 64;
/// The most keys placed on a ring.
pub const MAX_KEYS: u64 = 100_000_000;
/// The most lookups of a run.
pub const MAX_LOOKUPS: u64 = 1_000_000_000;
/// The least chance that a draw of all identifiers of a server finds them free. (Servers
/// without virtual nodes need none: they fill a ring one by one.)
const LEAST_ROOM: f64 = 1e-3;
/// The longest name of a scenario; it becomes the name of a folder.
const LONGEST_NAME: usize = 100;

/// One setting of the parameters, checked: what a simulation is built from.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Everything random follows from this number and the number of the repeat.
    pub seed: u64,
    /// The identifiers.
    pub id_space: IdSpace,
    /// Number of servers.
    pub servers: u32,
    /// How often each server stands on the ring.
    pub virtual_nodes: u32,
    /// The identifiers of the servers in the file's order, if it gives them.
    pub explicit_ids: Option<Vec<Id>>,
    /// Servers that join while the simulation runs.
    pub joins: Option<JoinPlan>,
    /// The system that the nodes run.
    pub overlay: Overlay,
    /// What lies between the nodes.
    pub network: Network,
    /// The lookups, if there are any.
    pub lookups: Option<Lookups>,
    /// Number of keys placed on the ring.
    pub keys: u64,
    /// When the simulation ends; without it, when nothing is left to do.
    pub duration: Option<Duration>,
}

/// Servers that join while the simulation runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JoinPlan {
    /// Number of servers that stand on a converged ring at the start.
    pub initial: u32,
    /// When each of the other servers joins, in ascending order.
    pub times: Vec<Time>,
}

impl Setup {
    /// Number of nodes on the ring once all have joined.
    pub fn nodes(&self) -> u64 {
        u64::from(self.servers) * u64::from(self.virtual_nodes)
    }
}

type Checked<T = ()> = Result<T, Fault>;

fn refuse<T>(place: &str, problem: impl Into<String>, mend: impl Into<String>) -> Checked<T> {
    Err(Fault::new(place, problem, mend))
}

/// Checks what holds for the scenario as a whole.
pub(super) fn name(scenario: &Scenario) -> Checked {
    let name = &scenario.name;
    let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || !name.chars().all(good) || name.len() > LONGEST_NAME {
        return refuse(
            "name",
            format!("{name:?} cannot name a folder"),
            format!("use 1 to {LONGEST_NAME} letters, digits, `-` and `_`"),
        );
    }
    Ok(())
}

/// Checks one setting of the parameters.
pub(super) fn setup(scenario: &Scenario) -> Checked<Setup> {
    let Ok(id_space) = IdSpace::new(scenario.id_bits) else {
        let problem = format!("{} bits are no identifier", scenario.id_bits);
        return refuse("id_bits", problem, "give 1 to 160 bits; SHA-1 has 160");
    };
    let duration = scenario.duration.map(|span| span.0);
    if duration == Some(Duration::ZERO) {
        return refuse("duration", "0s is no time to simulate", "give more, or leave it out");
    }
    let population = &scenario.population;
    let (servers, explicit_ids) = servers(population, id_space)?;
    let nodes = nodes(population, servers, id_space)?;
    match &scenario.overlay {
        Overlay::Chord(chord) => self::chord(chord, duration)?,
        Overlay::Tracker(tracker) => self::tracker(tracker, scenario, servers, duration)?,
    }
    let joins = match &population.joins {
        Some(joins) => Some(join_plan(joins, servers, &scenario.overlay, duration)?),
        None => None,
    };
    network(&scenario.network)?;
    patience(&scenario.overlay, &scenario.network.latency)?;
    if let Some(lookups) = &scenario.workload.lookups {
        self::lookups(lookups, nodes, duration)?;
    }
    let keys = scenario.workload.keys;
    if keys > MAX_KEYS {
        return refuse("workload.keys", format!("{keys} keys"), format!("give at most {MAX_KEYS}"));
    }
    Ok(Setup {
        seed: scenario.seed,
        id_space,
        servers,
        virtual_nodes: population.virtual_nodes,
        explicit_ids,
        joins,
        overlay: scenario.overlay.clone(),
        network: scenario.network.clone(),
        lookups: scenario.workload.lookups.clone(),
        keys,
        duration,
    })
}

/// The number of servers, and their identifiers where the file gives them.
fn servers(population: &Population, space: IdSpace) -> Checked<(u32, Option<Vec<Id>>)> {
    let Some(given) = &population.ids else {
        return match population.nodes {
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
fn nodes(population: &Population, servers: u32, space: IdSpace) -> Checked<u64> {
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

fn join_plan(
    joins: &Joins,
    servers: u32,
    overlay: &Overlay,
    duration: Option<Duration>,
) -> Checked<JoinPlan> {
    let place = "population.joins";
    let initial = joins.initial;
    if initial == 0 || initial > servers {
        return refuse(
            "population.joins.initial",
            format!("{initial} of {servers} nodes cannot stand on the ring at the start"),
            format!("give 1 to {servers}"),
        );
    }
    let joining = servers - initial;
    let times = match (&joins.interval, &joins.times) {
        (Some(interval), None) => regular_times(joins.start.0, interval.0, joining)?,
        (None, Some(times)) => given_times(joins.start.0, times, joining)?,
        (None, None) => {
            let mend = "give `interval`, or `times` for moments of your own";
            return refuse(place, "does not say when the nodes join", mend);
        }
        (Some(_), Some(_)) => {
            return refuse(place, "has both `interval` and `times`", "leave one of them out");
        }
    };
    if let Overlay::Chord(Chord { stabilize: None, .. }) = overlay {
        return refuse(
            place,
            "nobody learns of nodes that join while nobody stabilises",
            "give `overlay.chord.stabilize`, such as {\"period\": \"30s\"}",
        );
    }
    let Some(duration) = duration else {
        return refuse(
            "duration",
            "is missing: nodes that join and stabilise never come to an end",
            "say how long to simulate, such as \"10min\"",
        );
    };
    match times.last() {
        // What happens at the end does not happen any more.
        Some(last) if last.as_nanos() >= duration.as_nanos() => refuse(
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

fn chord(chord: &Chord, duration: Option<Duration>) -> Checked {
    let place = |field: &str| format!("overlay.chord.{field}");
    if !(1..=MAX_SUCCESSORS).contains(&chord.successors) {
        let problem = format!("a list of {} successors", chord.successors);
        return refuse(&place("successors"), problem, format!("give 1 to {MAX_SUCCESSORS}"));
    }
    positive(&place("request_timeout"), chord.request_timeout)?;
    if chord.fix_fingers.is_some() && chord.fingers == Fingers::None {
        let problem = "there are no fingers to fix with `fingers` \"none\"";
        return refuse(&place("fix_fingers"), problem, "leave one of the two out");
    }
    let rounds = [
        ("stabilize", chord.stabilize.as_ref().map(|p| (p.period, p.jitter))),
        ("fix_fingers", chord.fix_fingers.as_ref().map(|p| (p.period, p.jitter))),
        ("check_predecessor", chord.check_predecessor.as_ref().map(|p| (p.period, p.jitter))),
    ];
    for (field, round) in rounds {
        let Some((period, jitter)) = round else { continue };
        positive(&place(&format!("{field}.period")), period)?;
        share(&place(&format!("{field}.jitter")), jitter, "a share of the period")?;
        if duration.is_none() {
            return refuse(
                "duration",
                format!("is missing: `{field}` goes on for ever"),
                "say how long to simulate, such as \"10min\"",
            );
        }
    }
    Ok(())
}

/// Checks the trackers and how they go with the rest of the scenario.
fn tracker(
    tracker: &Tracker,
    scenario: &Scenario,
    servers: u32,
    duration: Option<Duration>,
) -> Checked {
    let place = |field: &str| format!("overlay.tracker.{field}");
    if scenario.population.virtual_nodes != 1 {
        let problem = "trackers and clients stand on no ring";
        return refuse("population.virtual_nodes", problem, "leave it out");
    }
    if scenario.workload.lookups.is_some() {
        let problem = "a tracker finds files, not the owners of keys";
        return refuse("workload.lookups", problem, "leave it out, or give `workload.storage`");
    }
    if duration.is_none() {
        return refuse(
            "duration",
            "is missing: clients announce themselves for ever",
            "say how long to simulate, such as \"2h\"",
        );
    }
    let seeds = tracker.swarm.as_ref().map_or(0, |swarm| swarm.seeds);
    let initial = scenario.population.joins.as_ref().map_or(servers, |joins| joins.initial);
    if tracker.trackers == 0 || tracker.trackers >= servers {
        let problem = format!("{} trackers among {servers} nodes", tracker.trackers);
        let mend = "give at least 1, and `population.nodes` for as many and the clients";
        return refuse(&place("trackers"), problem, mend);
    }
    let at_start = u64::from(tracker.trackers) + u64::from(seeds);
    if at_start > u64::from(initial) {
        return refuse(
            "population.joins.initial",
            format!(
                "among {initial} nodes at the start there are not {} trackers and {seeds} of `seeds`",
                tracker.trackers
            ),
            format!("give at least {at_start}"),
        );
    }
    if !(1..=MAX_NUMWANT).contains(&tracker.numwant) {
        let problem = format!("no tracker names {} clients", tracker.numwant);
        return refuse(&place("numwant"), problem, format!("give 1 to {MAX_NUMWANT}"));
    }
    positive(&place("announce_interval"), tracker.announce_interval)?;
    positive(&place("exchange"), tracker.exchange)?;
    positive(&place("request_timeout"), tracker.request_timeout)?;
    // Announcements lie up to a tenth beyond the interval.
    let (interval, expiry) = (tracker.announce_interval.0, tracker.expiry.0);
    if expiry.as_nanos() / 11 <= interval.as_nanos() / 10 {
        return refuse(
            &place("expiry"),
            format!("after {expiry} a client is forgotten that announces itself every {interval}"),
            "give more than 1.1 times `announce_interval`",
        );
    }
    match &tracker.swarm {
        Some(swarm) => self::swarm(swarm, &scenario.network),
        None => Ok(()),
    }
}

fn swarm(swarm: &Swarm, network: &Network) -> Checked {
    let place = |field: &str| format!("overlay.tracker.swarm.{field}");
    let sizes = [
        ("file_bytes", swarm.file_bytes),
        ("piece_bytes", u64::from(swarm.piece_bytes)),
        ("upload", swarm.upload),
        ("download", swarm.download),
        ("seeds", u64::from(swarm.seeds)),
    ];
    if let Some((field, _)) = sizes.into_iter().find(|(_, size)| *size == 0) {
        return refuse(&place(field), "with 0 nothing is ever downloaded", "give more");
    }
    let pieces = swarm.file_bytes.div_ceil(u64::from(swarm.piece_bytes));
    if pieces > MAX_PIECES {
        let problem = format!("{} bytes in such pieces are {pieces} pieces", swarm.file_bytes);
        let mend = format!("give larger ones: at most {MAX_PIECES} of them");
        return refuse(&place("piece_bytes"), problem, mend);
    }
    if swarm.piece_bytes > MAX_PIECE_BYTES {
        let problem = format!("pieces of {} bytes", swarm.piece_bytes);
        return refuse(&place("piece_bytes"), problem, format!("give at most {MAX_PIECE_BYTES}"));
    }
    if swarm.slots > MAX_SLOTS || swarm.optimistic > MAX_SLOTS {
        let field = if swarm.slots > MAX_SLOTS { "slots" } else { "optimistic" };
        let problem = "a peer that uploads to so many serves none of them";
        return refuse(&place(field), problem, format!("give at most {MAX_SLOTS}"));
    }
    if swarm.slots + swarm.optimistic == 0 {
        let problem = "without `slots` and `optimistic` nobody uploads anything";
        return refuse(&place("slots"), problem, "give at least 1 of either");
    }
    if !(1..=MAX_CONNECTIONS).contains(&swarm.connections) {
        let problem = format!("no peer opens {} connections", swarm.connections);
        return refuse(&place("connections"), problem, format!("give 1 to {MAX_CONNECTIONS}"));
    }
    for (field, time) in [("seed_time", swarm.seed_time), ("patience", swarm.patience)] {
        if let Some(time) = time {
            positive(&place(field), time)?;
        }
    }
    if network.loss > 0.0 {
        return refuse(
            "network.loss",
            "peers of a swarm talk over TCP, which sends again what is lost; that is not simulated",
            "leave it out, or leave out `overlay.tracker.swarm`",
        );
    }
    Ok(())
}

fn network(network: &Network) -> Checked {
    share("network.loss", network.loss, "a probability")?;
    let place = |field: &str| format!("network.latency.{field}");
    match &network.latency {
        Latency::Uniform(uniform) if uniform.from.0 > uniform.to.0 => refuse(
            &place("uniform"),
            format!("from {} to {} is nothing", uniform.from.0, uniform.to.0),
            "give `from` the shorter duration",
        ),
        Latency::LogNormal(log_normal)
            if !log_normal.sigma.is_finite() || log_normal.sigma < 0.0 =>
        {
            let problem = format!("{} is not a standard deviation", log_normal.sigma);
            refuse(&place("log_normal.sigma"), problem, "give a number from 0 on")
        }
        Latency::Euclidean(euclidean) if !(2..=3).contains(&euclidean.dimensions) => refuse(
            &place("euclidean.dimensions"),
            format!("no space of {} dimensions here", euclidean.dimensions),
            "give 2 for a square or 3 for a cube",
        ),
        _ => Ok(()),
    }
}

/// Refuses a time-out that every answer must miss.
fn patience(overlay: &Overlay, latency: &Latency) -> Checked {
    let (system, timeout) = match overlay {
        Overlay::Chord(chord) => ("chord", chord.request_timeout.0),
        Overlay::Tracker(tracker) => ("tracker", tracker.request_timeout.0),
    };
    let shortest = match latency {
        Latency::Constant(span) => span.0,
        Latency::Uniform(uniform) => uniform.from.0,
        Latency::Euclidean(euclidean) => euclidean.base.0,
        Latency::Exponential(_) | Latency::LogNormal(_) => Duration::ZERO,
    };
    let round_trip = shortest + shortest;
    if round_trip > timeout {
        return refuse(
            &format!("overlay.{system}.request_timeout"),
            format!(
                "{timeout} passes before any answer comes: a message and its answer take {round_trip}"
            ),
            "give a longer time-out or a shorter latency",
        );
    }
    Ok(())
}

fn lookups(lookups: &Lookups, nodes: u64, duration: Option<Duration>) -> Checked {
    let place = |field: &str| format!("workload.lookups.{field}");
    positive(&place("interval"), lookups.interval)?;
    if let Some(timeout) = lookups.timeout {
        positive(&place("timeout"), timeout)?;
    }
    let (start, interval) = (lookups.start.0, lookups.interval.0);
    if duration.is_some_and(|end| start >= end) {
        let problem = format!("{start} is not before the end of the simulation");
        return refuse(&place("start"), problem, "give an earlier start or a longer `duration`");
    }
    // What each node makes: given, or as many as the duration has room for.
    let per_node = match (lookups.per_node, duration) {
        (Some(0), _) => {
            let mend = "give at least 1, or leave `workload.lookups` out";
            return refuse(&place("per_node"), "0 lookups are no workload", mend);
        }
        (Some(per_node), _) => u64::from(per_node),
        (None, Some(end)) => (end.as_nanos() - start.as_nanos()) / interval.as_nanos(),
        (None, None) => {
            return refuse(
                "workload.lookups",
                "would go on for ever",
                "give `per_node`, the lookups of each node, or a `duration`",
            );
        }
    };
    if per_node.saturating_mul(nodes) > MAX_LOOKUPS {
        return refuse(
            "workload.lookups",
            format!("{per_node} lookups by each of {nodes} nodes"),
            format!("ask for at most {MAX_LOOKUPS} in all"),
        );
    }
    let Some(end) =
        per_node.checked_mul(interval.as_nanos()).and_then(|all| all.checked_add(start.as_nanos()))
    else {
        let problem = format!("{per_node} lookups, one every {interval}, take more than 584 years");
        return refuse(&place("interval"), problem, "give a shorter interval");
    };
    match duration {
        Some(duration) if end > duration.as_nanos() => refuse(
            &place("per_node"),
            format!(
                "{per_node} lookups, one every {interval} from {start} on, go on until {}, beyond the duration of {duration}",
                Duration::from_nanos(end)
            ),
            "give fewer, a shorter `interval`, or a longer `duration`",
        ),
        _ => Ok(()),
    }
}

fn positive(place: &str, span: Span) -> Checked {
    if span == Span::default() {
        return refuse(place, "0s would never let time pass", "give a duration above 0s");
    }
    Ok(())
}

fn share(place: &str, share: f64, what: &str) -> Checked {
    if !(0.0..=1.0).contains(&share) {
        let problem = format!("{share} is not {what}");
        return refuse(place, problem, "give a number from 0 to 1");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{read, set};
    use super::*;

    /// A scenario that uses every part of the format.
    fn rich() -> Value {
        json!({
            "name": "rich",
            "id_bits": 32,
            "population": {"nodes": 10, "joins": {"initial": 4, "start": "1s", "interval": "2s"}},
            "overlay": {"chord": {
                "successors": 3,
                "stabilize": {"period": "1s", "jitter": 0.5},
                "fix_fingers": {"period": "2s"},
                "check_predecessor": {"period": "3s"},
            }},
            "network": {"latency": {"uniform": {"from": "10ms", "to": "90ms"}}, "loss": 0.01},
            "workload": {"lookups": {"per_node": 5, "timeout": "10s"}, "keys": 100},
            "duration": "1min",
        })
    }

    fn with(changes: &[(&str, Value)]) -> Result<Setup, String> {
        let mut value = rich();
        for (path, change) in changes {
            set::set(&mut value, path, change.clone()).unwrap();
        }
        checked(&value)
    }

    fn checked(value: &Value) -> Result<Setup, String> {
        let scenario = read::scenario(value).unwrap();
        name(&scenario)
            .and_then(|()| setup(&scenario))
            .map_err(|Fault { place, problem, mend }| format!("{place}: {problem}; {mend}"))
    }

    #[test]
    fn a_good_scenario_passes() {
        let setup = with(&[]).unwrap();
        assert_eq!((setup.servers, setup.nodes(), setup.keys), (10, 10, 100));
        let joins = setup.joins.unwrap();
        assert_eq!(joins.initial, 4);
        let seconds: Vec<_> = joins.times.iter().map(ToString::to_string).collect();
        assert_eq!(seconds, ["1s", "3s", "5s", "7s", "9s", "11s"]);
    }

    #[test]
    fn identifiers_are_read_in_both_ways() {
        let setup = with(&[("population", json!({"ids": [0, "1f", "2A"]})), ("id_bits", json!(6))])
            .unwrap();
        let space = setup.id_space;
        assert_eq!(setup.explicit_ids, Some(vec![space.id(0), space.id(31), space.id(42)]));
        assert_eq!(setup.servers, 3);
    }

    /// A swarm, with everything that goes with it.
    fn swarm() -> Value {
        json!({
            "name": "swarm",
            "population": {"nodes": 10, "joins": {"initial": 3, "interval": "2s"}},
            "overlay": {"tracker": {"trackers": 2, "swarm": {
                "file_bytes": 1_000_000, "upload": 100_000, "download": 1_000_000,
                "seed_time": "1min", "patience": "10min",
            }}},
            "duration": "1h",
        })
    }

    fn swarm_with(path: &str, change: Value) -> Result<Setup, String> {
        let mut value = swarm();
        set::set(&mut value, path, change).unwrap();
        checked(&value)
    }

    #[test]
    fn a_good_swarm_passes() {
        checked(&swarm()).unwrap();
        swarm_with("overlay.tracker.swarm", json!(null)).unwrap();
        swarm_with("overlay.tracker.swarm.slots", json!(0)).unwrap();
        swarm_with("overlay.tracker.trackers", json!(1)).unwrap();
    }

    #[test]
    fn every_refusal_of_a_tracker_says_where_what_and_how_to_mend_it() {
        let all = [
            ("population.virtual_nodes", json!(2)),
            ("workload.lookups", json!({})),
            ("duration", json!(null)),
            ("overlay.tracker.trackers", json!(0)),
            ("overlay.tracker.trackers", json!(10)),
            ("population.joins.initial", json!(2)),
            ("overlay.tracker.numwant", json!(0)),
            ("overlay.tracker.numwant", json!(1001)),
            ("overlay.tracker.announce_interval", json!("0s")),
            ("overlay.tracker.exchange", json!("0s")),
            ("overlay.tracker.request_timeout", json!("0s")),
            ("overlay.tracker.request_timeout", json!("50ms")),
            ("overlay.tracker.expiry", json!("33min")),
            ("overlay.tracker.swarm.file_bytes", json!(0)),
            ("overlay.tracker.swarm.piece_bytes", json!(0)),
            ("overlay.tracker.swarm.piece_bytes", json!(15)),
            ("overlay.tracker.swarm.piece_bytes", json!(4_000_000_000u32)),
            ("overlay.tracker.swarm.upload", json!(0)),
            ("overlay.tracker.swarm.download", json!(0)),
            ("overlay.tracker.swarm.seeds", json!(0)),
            ("overlay.tracker.swarm.seeds", json!(2)),
            ("overlay.tracker.swarm.slots", json!(65)),
            ("overlay.tracker.swarm.optimistic", json!(65)),
            (
                "overlay.tracker.swarm",
                json!({"file_bytes": 1, "upload": 1, "download": 1, "slots": 0, "optimistic": 0}),
            ),
            ("overlay.tracker.swarm.connections", json!(0)),
            ("overlay.tracker.swarm.seed_time", json!("0s")),
            ("overlay.tracker.swarm.patience", json!("0s")),
            ("network.loss", json!(0.01)),
        ];
        let refusals: Vec<String> =
            all.into_iter().map(|(path, change)| swarm_with(path, change).unwrap_err()).collect();
        insta::assert_snapshot!(refusals.join("\n"));
    }

    #[test]
    fn limits_themselves_are_allowed() {
        with(&[("population", json!({"nodes": 8})), ("id_bits", json!(3))]).unwrap();
        with(&[("population", json!({"nodes": 4, "virtual_nodes": 2})), ("id_bits", json!(3))])
            .unwrap();
        with(&[("population.joins.initial", json!(10))]).unwrap();
        with(&[("network.loss", json!(1)), ("overlay.chord.stabilize.jitter", json!(1))]).unwrap();
        with(&[("population", json!({"nodes": 20_000_000})), ("workload.lookups", json!(null))])
            .unwrap();
    }

    #[test]
    fn every_refusal_names_place_value_and_mend() {
        let no = || json!(null);
        let all: Vec<Vec<(&str, Value)>> = vec![
            vec![("name", json!(""))],
            vec![("name", json!("../up"))],
            vec![("id_bits", json!(0))],
            vec![("id_bits", json!(161))],
            vec![("id_bits", json!(3))],
            vec![("duration", json!("0s"))],
            vec![("duration", no())],
            vec![("duration", no()), ("population.joins", no())],
            vec![("duration", json!("5s")), ("workload", json!({}))],
            vec![("duration", json!("11s")), ("workload", json!({}))],
            vec![("population.nodes", json!(0))],
            vec![("population.nodes", no())],
            vec![("population", json!({"nodes": 20_000_001}))],
            vec![("population", json!({"nodes": 10_000_000, "virtual_nodes": 3}))],
            vec![("population", json!({"nodes": 64, "virtual_nodes": 4})), ("id_bits", json!(8))],
            vec![("population.virtual_nodes", json!(0))],
            vec![("population.virtual_nodes", json!(4097))],
            vec![("population", json!({"ids": []}))],
            vec![("population", json!({"ids": [1, 2], "nodes": 3}))],
            vec![("population", json!({"ids": [1, 2], "virtual_nodes": 2}))],
            vec![("population", json!({"ids": [1, "2", "02"]}))],
            vec![("population", json!({"ids": [1, 4_294_967_296u64]}))],
            vec![("population", json!({"ids": ["100000000"]}))],
            vec![("population", json!({"ids": ["0y1"]}))],
            vec![("population.joins.initial", json!(0))],
            vec![("population.joins.initial", json!(11))],
            vec![("population.joins.interval", no())],
            vec![("population.joins.times", json!(["1s"]))],
            vec![("population.joins", json!({"initial": 8, "times": ["1s"]}))],
            vec![("population.joins", json!({"initial": 8, "times": ["2s", "1s"]}))],
            vec![("population.joins", json!({"initial": 9, "start": "1s", "times": ["2s"]}))],
            vec![("population.joins.interval", json!("200000d"))],
            vec![("overlay.chord.stabilize", no())],
            vec![("overlay.chord.successors", json!(0))],
            vec![("overlay.chord.successors", json!(65))],
            vec![("overlay.chord.request_timeout", json!("0s"))],
            vec![("overlay.chord.request_timeout", json!("19ms"))],
            vec![("overlay.chord.fingers", json!("none"))],
            vec![("overlay.chord.stabilize.period", json!("0ms"))],
            vec![("overlay.chord.stabilize.jitter", json!(1.01))],
            vec![("network.loss", json!(1.5))],
            vec![("network.loss", json!(-0.1))],
            vec![("network.latency.uniform.to", json!("9ms"))],
            vec![("network.latency", json!({"log_normal": {"median": "1s", "sigma": -1}}))],
            vec![("network.latency", json!({"euclidean": {"side": "1s", "dimensions": 4}}))],
            vec![("workload.lookups.interval", json!("0s"))],
            vec![("workload.lookups.timeout", json!("0s"))],
            vec![("workload.lookups.start", json!("1min"))],
            vec![("workload.lookups.per_node", json!(0))],
            vec![("workload.lookups.per_node", json!(61))],
            vec![("workload.lookups.per_node", json!(4_000_000_000u32))],
            vec![("workload.lookups.interval", json!("200000d"))],
            vec![
                ("population.joins", no()),
                ("overlay.chord", json!({})),
                ("duration", no()),
                ("workload.lookups.per_node", no()),
            ],
            vec![("workload.keys", json!(100_000_001))],
        ];
        let refusals: Vec<String> = all.iter().map(|changes| with(changes).unwrap_err()).collect();
        insta::assert_snapshot!(refusals.join("\n"));
    }
}
