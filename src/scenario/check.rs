//! Whether the values of a scenario make sense, each by itself and together.
//!
//! What passes here can be simulated: the simulation checks nothing again. Every
//! refusal names the path of the field, the value and the mend.
//!
//! Must not know: sweeps and files. It sees one setting of the parameters.

mod tracker;

use std::collections::BTreeSet;

use crate::id::{Id, IdSpace};
use crate::overlay::full_membership::BROADCAST_ATTEMPTS;
use crate::sim::{Duration, Time};

use super::error::Fault;
use super::format::{
    Arrivals, Chord, ChordJoin, CopyPlacement, Crash, ExplicitId, Fault as FaultFormat, Fingers,
    FullMembership, Joins, Latency, Leaves, Network, Overlay, Placement, Population, Requests,
    Scenario, Spaced, Spread, Storage, Workload,
};
use super::units::Span;
use crate::workload::JoinTimes;

/// The most nodes on a ring.
pub const MAX_NODES: u64 = 20_000_000;
/// The most virtual nodes of a server.
pub const MAX_VIRTUAL_NODES: u32 = 4096;
/// The longest successor list.
pub const MAX_SUCCESSORS: u32 = 64;
/// The most keys placed on a ring.
pub const MAX_KEYS: u64 = 100_000_000;
/// The most lookups of a run.
pub const MAX_LOOKUPS: u64 = 1_000_000_000;
/// The least chance that a draw of all identifiers of a server finds them free. (Servers
/// without virtual nodes need none: they fill a ring one by one.)
const LEAST_ROOM: f64 = 1e-3;
/// The most copies of a value.
const MAX_COPIES: u32 = crate::overlay::storage::MAX_COPIES as u32;
/// The most samples of a run.
const MAX_SAMPLES: u64 = 100_000;
/// The most nodes that a node gossips with in a round.
const MAX_FANOUT: u32 = 100;
/// Live servers that one broadcast may make look dead, on average. Each of them leads to two
/// more broadcasts, the accusation and the refutation: with one half they never end.
const MAX_MISTAKEN: f64 = 0.25;
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
    /// The servers that leave, if any do.
    pub leaves: Option<Leaves>,
    /// What breaks, by ascending time.
    pub faults: Vec<FaultFormat>,
    /// What the nodes are asked to do.
    pub workload: Workload,
    /// How far copies at k, k + F … are apart.
    pub copy_step: Option<Id>,
    /// Time from one sample to the next.
    pub sample_every: Option<Duration>,
    /// When the simulation ends; without it, when nothing is left to do.
    pub duration: Option<Duration>,
}

/// Servers that join while the simulation runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JoinPlan {
    /// Number of servers that stand on a converged ring at the start.
    pub initial: u32,
    /// When each of the other servers joins.
    pub times: JoinTimes,
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
    if !names_a_file(name) {
        return refuse(
            "name",
            format!("{name:?} cannot name a folder"),
            format!("use 1 to {LONGEST_NAME} letters, digits, `-` and `_`"),
        );
    }
    Ok(())
}

/// Whether a text can name a file or folder on every system.
pub(super) fn names_a_file(name: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !name.is_empty() && name.chars().all(good) && name.len() <= LONGEST_NAME
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
    network(&scenario.network)?;
    match &scenario.overlay {
        Overlay::Chord(chord) => self::chord(chord, duration)?,
        Overlay::FullMembership(membership) => {
            full_membership(membership, duration)?;
            broadcast(membership, servers, scenario.network.loss)?;
            baseline(membership, &scenario.workload)?;
        }
        Overlay::Tracker(_) => {}
    }
    let joins = match &population.joins {
        Some(joins) => {
            Some(join_plan(joins, servers, population.virtual_nodes, &scenario.overlay, duration)?)
        }
        None => None,
    };
    let initial = joins.as_ref().map_or(servers, |joins| joins.initial);
    if let Overlay::Tracker(tracker) = &scenario.overlay {
        self::tracker::tracker(tracker, scenario, (initial, servers), duration)?;
    }
    let leaves = population.leaves.clone();
    if let Some(leaves) = &leaves {
        self::leaves(leaves, initial, duration)?;
    }
    let faults = faults(&scenario.faults, servers, duration)?;
    let copy_step = workload(&scenario.workload, &scenario.overlay, nodes, id_space, duration)?;
    patience(scenario)?;
    let sample_every = scenario.measure.as_ref().map(|measure| measure.every.0);
    if let Some(every) = sample_every {
        samples(every, duration)?;
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
        leaves,
        faults,
        workload: scenario.workload.clone(),
        copy_step,
        sample_every,
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

/// What Chord needs for nodes to join.
fn joins_on_chord(chord: &Chord, virtual_nodes: u32) -> Checked {
    match chord.join {
        ChordJoin::Stabilized if chord.stabilize.is_none() => refuse(
            "population.joins",
            "nobody learns of nodes that join while nobody stabilises",
            "give `overlay.chord.stabilize`, such as {\"period\": \"30s\"}, or the base version of `overlay.chord.join`",
        ),
        ChordJoin::Base(_) if virtual_nodes > 1 => refuse(
            "population.virtual_nodes",
            "the virtual nodes of a server join at once, which the base version of `overlay.chord.join` cannot",
            "leave out `population.virtual_nodes` or `overlay.chord.join`",
        ),
        _ => Ok(()),
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
    if chord.join != ChordJoin::Stabilized && chord.successors > 1 {
        let problem = format!("a list of {}, but the base version keeps one", chord.successors);
        return refuse(&place("successors"), problem, "leave out this or `overlay.chord.join`");
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
        if chord.join != ChordJoin::Stabilized {
            return refuse(
                &place(field),
                "has nothing to repair after joins of the base version, which keep every pointer right",
                "leave out this or `overlay.chord.join`",
            );
        }
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

fn full_membership(membership: &FullMembership, duration: Option<Duration>) -> Checked {
    let place = |field: &str| format!("overlay.full_membership.{field}");
    positive(&place("request_timeout"), membership.request_timeout)?;
    let Spread::Gossip(gossip) = membership.spread else { return Ok(()) };
    positive(&place("spread.gossip.period"), gossip.period)?;
    positive(&place("spread.gossip.anti_entropy"), gossip.anti_entropy)?;
    if !(1..=MAX_FANOUT).contains(&gossip.fanout) {
        let problem = format!("nobody gossips with {} nodes at a time", gossip.fanout);
        return refuse(&place("spread.gossip.fanout"), problem, format!("give 1 to {MAX_FANOUT}"));
    }
    if duration.is_none() {
        return refuse(
            "duration",
            "is missing: `spread` \"gossip\" goes on for ever",
            "say how long to simulate, such as \"10min\"",
        );
    }
    Ok(())
}

/// Refuses losses at which broadcasts lead to ever more broadcasts.
fn broadcast(membership: &FullMembership, servers: u32, loss: f64) -> Checked {
    if !matches!(membership.spread, Spread::Broadcast(_)) {
        return Ok(());
    }
    let arrives = (1.0 - loss) * (1.0 - loss);
    let unheard = (0..BROADCAST_ATTEMPTS).map(|_| 1.0 - arrives).product::<f64>();
    let mistaken = unheard * f64::from(servers);
    if mistaken > MAX_MISTAKEN {
        return refuse(
            "network.loss",
            format!(
                "{loss} makes every broadcast take {mistaken:.2} of {servers} live servers for dead, which leads to more broadcasts without end"
            ),
            "lose less, or give `overlay.full_membership.spread` as {\"gossip\": {}}",
        );
    }
    Ok(())
}

/// Refuses what asks where keys are on the ring when they are on none.
fn baseline(membership: &FullMembership, workload: &Workload) -> Checked {
    if membership.placement == Placement::Ring {
        return Ok(());
    }
    if membership.spread != Spread::Instant {
        return refuse(
            "overlay.full_membership.spread",
            "`placement` \"modulo\" gives every key another owner with every view that differs",
            "give `spread` as \"instant\", for this baseline of placement",
        );
    }
    let asked = [
        ("workload.lookups", workload.lookups.is_some(), "lookups are judged"),
        ("workload.keys", workload.keys > 0, "keys are placed"),
    ];
    match asked.into_iter().find(|(_, asked, _)| *asked) {
        Some((place, _, what)) => refuse(
            place,
            format!("{what} by the ring, which `placement` \"modulo\" does not follow"),
            "leave it out, or give `overlay.full_membership.placement` as \"ring\"",
        ),
        None => Ok(()),
    }
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

/// Refuses time-outs that every answer must miss.
fn patience(scenario: &Scenario) -> Checked {
    let network = &scenario.network;
    let shortest = match &network.latency {
        Latency::Constant(span) => span.0,
        Latency::Uniform(uniform) => uniform.from.0,
        Latency::Euclidean(euclidean) => euclidean.base.0,
        Latency::Exponential(_) | Latency::LogNormal(_) => Duration::ZERO,
    };
    let (place, timeout, service_time) = match &scenario.overlay {
        Overlay::Chord(chord) => {
            ("overlay.chord.request_timeout", chord.request_timeout, network.service_time)
        }
        Overlay::FullMembership(membership) => (
            "overlay.full_membership.request_timeout",
            membership.request_timeout,
            network.service_time,
        ),
        Overlay::Tracker(tracker) => (
            "overlay.tracker.request_timeout",
            tracker.request_timeout,
            tracker.service_time.unwrap_or(network.service_time),
        ),
    };
    // Trackers keep values by the same messages as everything else.
    let is_tracker = matches!(scenario.overlay, Overlay::Tracker(_));
    let storage = scenario.workload.storage.as_ref().filter(|_| !is_tracker);
    let of_storage = storage.map(|of| ("workload.storage.request_timeout", of.request_timeout));
    let round_trip = shortest + service_time.0 + shortest;
    for (place, timeout) in [(place, timeout)].into_iter().chain(of_storage) {
        if round_trip > timeout.0 {
            let problem = format!(
                "{} passes before any answer comes: a message and its answer take {round_trip}",
                timeout.0
            );
            return refuse(place, problem, "give a longer time-out or a faster network");
        }
    }
    Ok(())
}

fn leaves(leaves: &Leaves, initial: u32, duration: Option<Duration>) -> Checked {
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

fn faults(
    faults: &[FaultFormat],
    servers: u32,
    duration: Option<Duration>,
) -> Checked<Vec<FaultFormat>> {
    for (position, fault) in faults.iter().enumerate() {
        let place = |field: &str| format!("faults[{position}].{field}");
        if let Some(end) = duration.filter(|end| fault.at.0 >= *end) {
            let problem = format!("{} is not before the end at {end}", fault.at.0);
            return refuse(&place("at"), problem, "give an earlier time or a longer `duration`");
        }
        match &fault.crash {
            Crash::Nodes(nodes) => {
                if nodes.is_empty() {
                    return refuse(&place("crash.nodes"), "is empty", "give at least one number");
                }
                if let Some(unknown) = nodes.iter().find(|node| **node >= servers) {
                    let problem = format!("there is no server {unknown} among {servers}");
                    let mend = format!("give numbers from 0 to {}", servers - 1);
                    return refuse(&place("crash.nodes"), problem, mend);
                }
            }
            Crash::Busiest(count) | Crash::Random(count) => {
                if *count == 0 || *count >= servers {
                    let problem = format!("{count} of {servers} servers cannot crash");
                    let mend = "give at least 1, and fewer than there are";
                    return refuse(&place("crash"), problem, mend);
                }
            }
        }
    }
    let mut faults = faults.to_vec();
    faults.sort_by_key(|fault| fault.at.0);
    Ok(faults)
}

fn samples(every: Duration, duration: Option<Duration>) -> Checked {
    positive("measure.every", Span(every))?;
    let Some(end) = duration else {
        let problem = "is missing: samples are taken from the start to a known end";
        return refuse("duration", problem, "say how long to simulate, such as \"10min\"");
    };
    let samples = end.as_nanos() / every.as_nanos();
    if samples > MAX_SAMPLES {
        let problem = format!("every {every} for {end} are {samples} samples");
        return refuse("measure.every", problem, format!("take at most {MAX_SAMPLES}"));
    }
    Ok(())
}

/// Checks what the nodes are asked to do; how far copies at k, k + F … are apart.
fn workload(
    workload: &Workload,
    overlay: &Overlay,
    nodes: u64,
    space: IdSpace,
    duration: Option<Duration>,
) -> Checked<Option<Id>> {
    if let Some(lookups) = &workload.lookups {
        requests("workload.lookups", "lookups", lookups, nodes, duration)?;
    }
    let keys = workload.keys;
    if keys > MAX_KEYS {
        return refuse("workload.keys", format!("{keys} keys"), format!("give at most {MAX_KEYS}"));
    }
    copies("workload.key_copies", workload.key_copies)?;
    let is_swarm = matches!(overlay, Overlay::Tracker(tracker) if tracker.swarm.is_some());
    if workload.downloads.is_some() && !is_swarm {
        let problem = "there is no swarm to download from";
        return refuse(
            "workload.downloads",
            problem,
            "give `overlay.tracker.swarm`, or leave it out",
        );
    }
    match &workload.storage {
        Some(storage) => self::storage(storage, overlay, nodes, space, duration),
        None => Ok(None),
    }
}

fn storage(
    storage: &Storage,
    overlay: &Overlay,
    nodes: u64,
    space: IdSpace,
    duration: Option<Duration>,
) -> Checked<Option<Id>> {
    let place = |field: &str| format!("workload.storage.{field}");
    let keys = u64::from(storage.keys);
    if keys == 0 || keys > MAX_KEYS {
        let mend = format!("give 1 to {MAX_KEYS}");
        return refuse(&place("keys"), format!("{keys} keys"), mend);
    }
    copies(&place("copies"), storage.copies)?;
    positive(&place("request_timeout"), storage.request_timeout)?;
    for (field, span) in [("timeout", storage.timeout), ("repair", storage.repair)] {
        if let Some(span) = span {
            positive(&place(field), span)?;
        }
    }
    if storage.repair.is_some() && duration.is_none() {
        let problem = "is missing: `repair` goes on for ever";
        return refuse("duration", problem, "say how long to simulate, such as \"10min\"");
    }
    if let (Overlay::Chord(chord), CopyPlacement::Successors) = (overlay, &storage.placement)
        && storage.copies > chord.successors + 1
    {
        let problem = format!(
            "{} copies are more than an owner and its {} successors",
            storage.copies, chord.successors
        );
        let mend = "give a longer list in `overlay.chord.successors`, or fewer copies";
        return refuse(&place("copies"), problem, mend);
    }
    for (field, of) in [("puts", &storage.puts), ("gets", &storage.gets)] {
        let Some(of) = of else { continue };
        if of.timeout.is_some() {
            let problem = "one time-out holds for puts and gets";
            let mend = "give `workload.storage.timeout` instead";
            return refuse(&place(&format!("{field}.timeout")), problem, mend);
        }
        requests(&place(field), field, of, nodes, duration)?;
    }
    if !storage.preloaded && storage.puts.is_none() {
        let problem = "nothing is there at the start, and nobody puts anything";
        return refuse(&place("puts"), problem, "give `puts`, or leave `preloaded` out");
    }
    match &storage.placement {
        CopyPlacement::Successors => Ok(None),
        CopyPlacement::Spaced(Spaced { step: None }) => Ok(Some(even_step(space, storage.copies))),
        CopyPlacement::Spaced(Spaced { step: Some(text) }) => {
            let place = place("placement.spaced.step");
            let step = space.parse_hex(text).map_err(|error| {
                let mend = format!("give hexadecimal digits below 2^{}", space.bits());
                Fault::new(&place, error.to_string(), mend)
            })?;
            if step == Id::ZERO && storage.copies > 1 {
                let problem = "0 puts all copies into one place";
                return refuse(&place, problem, "give more, or leave it out to spread them evenly");
            }
            Ok(Some(step))
        }
    }
}

/// The distance that spreads so many copies evenly around the ring.
fn even_step(space: IdSpace, copies: u32) -> Id {
    // 2^bits through copies by long division, bit by bit; the one in front of all of them is
    // the first rest.
    let mut rest = 1;
    let mut step = Id::ZERO;
    for bit in (0..space.bits()).rev() {
        rest *= 2;
        if rest >= copies {
            rest -= copies;
            step = step.plus(space.power_of_two(bit));
        }
    }
    step
}

fn copies(place: &str, copies: u32) -> Checked {
    if !(1..=MAX_COPIES).contains(&copies) {
        return refuse(place, format!("{copies} copies"), format!("give 1 to {MAX_COPIES}"));
    }
    Ok(())
}

fn requests(
    path: &str,
    what: &str,
    requests: &Requests,
    nodes: u64,
    duration: Option<Duration>,
) -> Checked {
    let place = |field: &str| format!("{path}.{field}");
    positive(&place("interval"), requests.interval)?;
    if let Some(timeout) = requests.timeout {
        positive(&place("timeout"), timeout)?;
    }
    if let Some(stop) = requests.stop.filter(|stop| stop.0 <= requests.start.0) {
        let problem = format!("{} is not after the start at {}", stop.0, requests.start.0);
        return refuse(&place("stop"), problem, "give a later time, or leave it out");
    }
    let (start, interval) = (requests.start.0, requests.interval.0);
    if duration.is_some_and(|end| start >= end) {
        let problem = format!("{start} is not before the end of the simulation");
        return refuse(&place("start"), problem, "give an earlier start or a longer `duration`");
    }
    // What each node makes: given, or as many as the duration has room for.
    let per_node = match (requests.per_node, duration) {
        (Some(0), _) => {
            let mend = format!("give at least 1, or leave `{path}` out");
            return refuse(&place("per_node"), format!("0 {what} are no workload"), mend);
        }
        (Some(per_node), _) => u64::from(per_node),
        (None, Some(end)) => (end.as_nanos() - start.as_nanos()) / interval.as_nanos(),
        (None, None) => {
            return refuse(
                path,
                "would go on for ever",
                format!("give `per_node`, the {what} of each node, or a `duration`"),
            );
        }
    };
    if per_node.saturating_mul(nodes) > MAX_LOOKUPS {
        return refuse(
            path,
            format!("{per_node} {what} by each of {nodes} nodes"),
            format!("ask for at most {MAX_LOOKUPS} in all"),
        );
    }
    let Some(end) =
        per_node.checked_mul(interval.as_nanos()).and_then(|all| all.checked_add(start.as_nanos()))
    else {
        let problem = format!("{per_node} {what}, one every {interval}, take more than 584 years");
        return refuse(&place("interval"), problem, "give a shorter interval");
    };
    match duration {
        Some(duration) if end > duration.as_nanos() => refuse(
            &place("per_node"),
            format!(
                "{per_node} {what}, one every {interval} from {start} on, go on until {}, beyond the duration of {duration}",
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
pub(super) mod tests {
    use serde_json::{Value, json};

    use super::super::{read, set};
    use super::*;

    /// A ring that nodes join and look keys up on.
    fn ring() -> Value {
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

    /// The same with values on it, and with nodes that leave and fail.
    fn store() -> Value {
        let mut scenario = ring();
        scenario["population"]["leaves"] = json!({"count": 2, "start": "5s", "interval": "3s"});
        scenario["network"]["service_time"] = json!("1ms");
        scenario["workload"]["key_copies"] = json!(2);
        scenario["workload"]["storage"] = json!({
            "keys": 50, "copies": 3, "placement": {"spaced": {"step": "55555555"}},
            "repair": "10s", "timeout": "5s",
            "puts": {"per_node": 5}, "gets": {"interval": "2s", "arrivals": "poisson"},
        });
        scenario["faults"] = json!([
            {"at": "40s", "crash": {"busiest": 1}},
            {"at": "30s", "crash": {"nodes": [9, 0]}},
        ]);
        scenario["measure"] = json!({"every": "10s"});
        scenario
    }

    fn changed(mut value: Value, changes: &[(&str, Value)]) -> Result<Setup, String> {
        for (path, change) in changes {
            set::set(&mut value, path, change.clone()).unwrap();
        }
        checked(&value)
    }

    pub(super) fn checked(value: &Value) -> Result<Setup, String> {
        let scenario = read::scenario(value).unwrap();
        name(&scenario)
            .and_then(|()| setup(&scenario))
            .map_err(|Fault { place, problem, mend }| format!("{place}: {problem}; {mend}"))
    }

    fn with(changes: &[(&str, Value)]) -> Result<Setup, String> {
        changed(ring(), changes)
    }

    #[test]
    fn a_good_scenario_passes() {
        let setup = with(&[]).unwrap();
        assert_eq!((setup.servers, setup.nodes(), setup.workload.keys), (10, 10, 100));
        let joins = setup.joins.unwrap();
        assert_eq!(joins.initial, 4);
        let JoinTimes::At(times) = joins.times else { panic!("joins at equal distances") };
        let seconds: Vec<_> = times.iter().map(ToString::to_string).collect();
        assert_eq!(seconds, ["1s", "3s", "5s", "7s", "9s", "11s"]);
    }

    /// The same with full membership.
    fn membership(overlay: &Value) -> Vec<(&'static str, Value)> {
        let overlay = json!({"full_membership": overlay});
        vec![("overlay", overlay), ("network.loss", json!(0)), ("workload.keys", json!(0))]
    }

    #[test]
    fn full_membership_needs_no_duration_unless_it_gossips() {
        for spread in [json!("instant"), json!({"broadcast": {}})] {
            let mut changes = membership(&json!({"spread": spread}));
            changes.push(("duration", json!(null)));
            with(&changes).unwrap();
        }
        with(&membership(&json!({"spread": {"gossip": {}}}))).unwrap();
        let mut changes = membership(&json!({"placement": "modulo"}));
        changes.push(("workload.lookups", json!(null)));
        with(&changes).unwrap();
        // A loss that four attempts make up for.
        let mut changes = membership(&json!({"spread": {"broadcast": {}}}));
        changes.push(("network.loss", json!(0.1)));
        with(&changes).unwrap();
    }

    #[test]
    fn a_good_scenario_of_values_passes() {
        let setup = changed(store(), &[]).unwrap();
        let faults: Vec<_> = setup.faults.iter().map(|fault| fault.at.0.to_string()).collect();
        assert_eq!(faults, ["30s", "40s"]);
        assert_eq!(setup.copy_step, Some(setup.id_space.id(0x5555_5555)));
        assert_eq!(setup.sample_every, Some(Duration::from_secs(10)));
    }

    #[test]
    fn joins_may_be_counted_and_come_as_a_poisson_process() {
        let joins = |joins: Value| with(&[("population.joins", joins)]).unwrap().joins.unwrap();
        let counted = joins(json!({"count": 3, "interval": "1s"}));
        assert_eq!(counted, joins(json!({"initial": 7, "interval": "1s"})));
        let random =
            joins(json!({"count": 6, "start": "1s", "interval": "2s", "arrivals": "poisson"}));
        let start = Time::ZERO + Duration::from_secs(1);
        let times = JoinTimes::Poisson { start, interval: Duration::from_secs(2), count: 6 };
        assert_eq!(random, JoinPlan { initial: 4, times });
    }

    #[test]
    fn evenly_spaced_copies_come_back_to_the_key() {
        for bits in [8, 64, 127, 128, 160] {
            let space = IdSpace::new(bits).unwrap();
            for copies in 1..=MAX_COPIES {
                let step = even_step(space, copies);
                let key = space.id(123);
                let back = (0..copies).fold(key, |at, _| at.plus(step));
                let missing = back.distance_to(key);
                assert!(missing <= space.id(u64::from(copies)), "{bits} bits, {copies} copies");
            }
        }
        let space = IdSpace::new(8).unwrap();
        assert_eq!(
            [2, 3, 4, 5].map(|copies| even_step(space, copies)),
            [128, 85, 64, 51].map(|n| space.id(n))
        );
    }

    #[test]
    fn identifiers_are_read_in_both_ways() {
        let setup = with(&[("population", json!({"ids": [0, "1f", "2A"]})), ("id_bits", json!(6))])
            .unwrap();
        let space = setup.id_space;
        assert_eq!(setup.explicit_ids, Some(vec![space.id(0), space.id(31), space.id(42)]));
        assert_eq!(setup.servers, 3);
    }

    #[test]
    fn joins_of_the_base_version_come_to_an_end_by_themselves() {
        let setup = with(&[
            ("overlay.chord", json!({"join": {"base": {"fingers": "each"}}})),
            ("duration", json!(null)),
        ])
        .unwrap();
        assert_eq!(setup.joins.unwrap().initial, 4);
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
            vec![("population.joins", json!({"count": 10, "interval": "1s"}))],
            vec![("population.joins.count", json!(6))],
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
            vec![("overlay.chord.join", json!({"base": {}}))],
            vec![("overlay.chord", json!({"join": {"base": {}}, "stabilize": {"period": "1s"}}))],
            vec![
                ("overlay.chord", json!({"join": {"base": {}}})),
                ("population.virtual_nodes", json!(2)),
            ],
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
        let also = |overlay: Value, more: &[(&'static str, Value)]| {
            membership(&overlay).into_iter().chain(more.iter().cloned()).collect::<Vec<_>>()
        };
        let gossip = |gossip: Value| json!({"spread": {"gossip": gossip}});
        let of_membership = [
            also(json!({"request_timeout": "0s"}), &[]),
            also(json!({"request_timeout": "19ms"}), &[]),
            also(gossip(json!({"period": "0s"})), &[]),
            also(gossip(json!({"anti_entropy": "0s"})), &[]),
            also(gossip(json!({"fanout": 0})), &[]),
            also(gossip(json!({"fanout": 101})), &[]),
            also(gossip(json!({})), &[("duration", no())]),
            also(json!({"spread": {"broadcast": {}}}), &[("network.loss", json!(0.3))]),
            also(json!({"placement": "modulo"}), &[]),
            also(
                json!({"placement": "modulo"}),
                &[("workload.lookups", no()), ("workload.keys", json!(1))],
            ),
        ];
        let all = all.into_iter().chain(of_membership);
        let refusals: Vec<String> = all.map(|changes| with(&changes).unwrap_err()).collect();
        insta::assert_snapshot!(refusals.join("\n"));
    }

    #[test]
    fn every_refusal_of_values_leaves_and_faults_names_place_value_and_mend() {
        let no = || json!(null);
        let all: Vec<Vec<(&str, Value)>> = vec![
            vec![("population.joins.count", json!(3))],
            vec![("population.joins", json!({"count": 10, "interval": "1s"}))],
            vec![("population.joins", json!({"interval": "0s", "arrivals": "poisson"}))],
            vec![(
                "population.joins",
                json!({"start": "1min", "interval": "1s", "arrivals": "poisson"}),
            )],
            vec![(
                "population.joins",
                json!({"initial": 9, "times": ["2s"], "arrivals": "poisson"}),
            )],
            vec![("population.leaves.count", json!(0))],
            vec![("population.leaves.count", json!(4))],
            vec![("population.leaves", json!({"count": 3, "interval": "200000d"}))],
            vec![("population.leaves.interval", json!("55s"))],
            vec![("network.service_time", json!("1s"))],
            vec![("faults", json!([{"at": "1min", "crash": {"random": 1}}]))],
            vec![("faults", json!([{"at": "1s", "crash": {"nodes": []}}]))],
            vec![("faults", json!([{"at": "1s", "crash": {"nodes": [9, 10]}}]))],
            vec![("faults", json!([{"at": "1s", "crash": {"busiest": 0}}]))],
            vec![(
                "faults",
                json!([{"at": "1s", "crash": {"random": 1}}, {"at": "1s", "crash": {"random": 10}}]),
            )],
            vec![("measure.every", json!("0s"))],
            vec![("measure.every", json!("1us"))],
            vec![
                ("population.joins", no()),
                ("overlay.chord", json!({})),
                ("workload", json!({})),
                ("duration", no()),
            ],
            vec![("workload.key_copies", json!(0))],
            vec![("workload.key_copies", json!(17))],
            vec![("workload.downloads", json!({}))],
            vec![("workload.storage.keys", json!(0))],
            vec![("workload.storage.keys", json!(100_000_001))],
            vec![("workload.storage.copies", json!(17))],
            vec![("workload.storage", json!({"keys": 1, "copies": 5}))],
            vec![("workload.storage.request_timeout", json!("0s"))],
            vec![("workload.storage.request_timeout", json!("20ms"))],
            vec![("workload.storage.timeout", json!("0s"))],
            vec![("workload.storage.repair", json!("0s"))],
            vec![
                ("population.joins", no()),
                ("overlay.chord", json!({})),
                ("measure", no()),
                ("duration", no()),
            ],
            vec![("workload.storage.placement.spaced.step", json!("0"))],
            vec![("workload.storage.placement.spaced.step", json!("100000000"))],
            vec![("workload.storage.placement.spaced.step", json!("far"))],
            vec![("workload.storage", json!({"keys": 1, "preloaded": false}))],
            vec![("workload.storage.puts.per_node", json!(61))],
            vec![("workload.storage.gets.timeout", json!("1s"))],
            vec![("workload.storage.gets.interval", json!("0s"))],
            vec![("overlay.chord", json!({"join": {"base": {}}, "successors": 2}))],
            vec![("overlay.chord", json!({"join": {"base": {}}, "stabilize": {"period": "1s"}}))],
            vec![
                ("overlay.chord", json!({"join": {"base": {}}})),
                ("population.virtual_nodes", json!(2)),
            ],
        ];
        let refusals: Vec<String> =
            all.iter().map(|changes| changed(store(), changes).unwrap_err()).collect();
        insta::assert_snapshot!(refusals.join("\n"));
    }
}
