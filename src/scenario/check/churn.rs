//! Servers that come and go all the time.

use std::collections::BTreeMap;

use crate::id::IdSpace;
use crate::sim::{Duration, Time};
use crate::workload::{
    Change, ChurnEvent, ChurnPlan, ChurnTrace, Distribution, Diurnal, FlashCrowd, RandomChurn,
    Rejoin,
};

use super::super::files::Files;
use super::super::format::{self, ChordJoin, Overlay, Scenario};
use super::super::units::Span;
use super::overlay::joins_on_chord;
use super::{Checked, MAX_NODES, positive, refuse, share};

/// The most comings and goings of a run.
const MAX_CHANGES: f64 = 100_000_000.0;
/// The least bits of identifiers that are drawn for newcomers: there is room for all.
const LEAST_BITS: u32 = 40;
/// The shapes to draw from. With smaller ones nearly all durations are far below their mean, and
/// the number of changes could not be told from it.
const SHAPES: std::ops::RangeInclusive<f64> = 0.2..=100.0;
/// The largest deviation of a logarithm, for the same reason.
const MAX_SIGMA: f64 = 3.0;

const PLACE: &str = "population.churn";

fn place(field: &str) -> String {
    format!("{PLACE}.{field}")
}

/// The trace that a scenario's churn is read from, if it is. It says how many servers there
/// are.
pub(super) fn trace(scenario: &Scenario, files: &Files) -> Checked<Option<ChurnTrace>> {
    let churn = scenario.population.churn.as_ref();
    let Some(name) = churn.and_then(|churn| churn.trace.as_ref()) else { return Ok(None) };
    let text = files.text(&place("trace"), name)?;
    let trackers = permanent(&scenario.overlay);
    read_trace(name, &text, trackers).map(Some)
}

/// Number of servers in a trace, trackers included.
pub(super) fn servers(trace: &ChurnTrace) -> u32 {
    let last = trace.initial.last().copied();
    let joined = trace.events.iter().map(|event| event.server);
    joined.chain(last).max().map_or(0, |last| last + 1)
}

/// Servers that never go.
fn permanent(overlay: &Overlay) -> u32 {
    match overlay {
        Overlay::Tracker(tracker) => tracker.trackers,
        Overlay::Chord(_) | Overlay::FullMembership(_) | Overlay::Own(_) => 0,
    }
}

/// Who comes and goes.
pub(super) fn churn(
    scenario: &Scenario,
    trace: Option<ChurnTrace>,
    (servers, space): (u32, IdSpace),
    duration: Option<Duration>,
) -> Checked<Option<ChurnPlan>> {
    let Some(churn) = &scenario.population.churn else { return Ok(None) };
    goes_with(scenario)?;
    let Some(end) = duration else {
        let problem = "is missing: servers come and go for ever";
        return refuse("duration", problem, "say how long to simulate, such as \"2h\"");
    };
    if let Some(trace) = trace {
        alone(churn)?;
        let no_users = trace.initial.len() as u32 == permanent(&scenario.overlay);
        let preloads = scenario.workload.storage.as_ref().is_some_and(|storage| storage.preloaded);
        if preloads && no_users {
            let problem = "nobody is up at the start to hold values";
            let mend = "give false, or a trace in which a node leaves or crashes before it joins";
            return refuse("workload.storage.preloaded", problem, mend);
        }
        return Ok(Some(ChurnPlan::Trace(trace)));
    }
    let plan = random(churn, servers, permanent(&scenario.overlay), end)?;
    let virtual_nodes = f64::from(scenario.population.virtual_nodes);
    let changes = expected_changes(&plan);
    if changes > MAX_CHANGES {
        let problem = format!("servers come and go {changes:.0} times");
        let mend = format!("give longer times, or fewer servers: at most {MAX_CHANGES}");
        return refuse(PLACE, problem, mend);
    }
    let newcomers = expected_newcomers(&plan, changes);
    if newcomers > 0.0 && space.bits() < LEAST_BITS {
        let problem = format!("{} bits may not be enough for all newcomers", space.bits());
        return refuse("id_bits", problem, format!("give at least {LEAST_BITS}"));
    }
    let nodes = (f64::from(servers) + newcomers) * virtual_nodes;
    if nodes > MAX_NODES as f64 {
        let problem = format!("with all newcomers there are {nodes:.0} nodes");
        return refuse(PLACE, problem, format!("let at most {MAX_NODES} come in all"));
    }
    Ok(Some(ChurnPlan::Random(Box::new(plan))))
}

/// Refuses what does not go together with churn.
fn goes_with(scenario: &Scenario) -> Checked {
    let population = &scenario.population;
    let others = [("joins", population.joins.is_some()), ("leaves", population.leaves.is_some())];
    if let Some((other, _)) = others.into_iter().find(|(_, given)| *given) {
        let mend = "leave one of them out: churn has `join_every`, `depart_every` and `initial`";
        return refuse(PLACE, format!("is given together with `population.{other}`"), mend);
    }
    if population.ids.is_some() {
        let problem = "are given, but servers that come later need identifiers too";
        return refuse("population.ids", problem, "give `nodes` instead");
    }
    match &scenario.overlay {
        Overlay::Chord(chord) => {
            if let ChordJoin::Base(_) = chord.join {
                let problem = "the base version lets one node join or leave at a time";
                return refuse(PLACE, problem, "give `overlay.chord.join` as \"stabilized\"");
            }
            joins_on_chord(chord, population.virtual_nodes)
        }
        Overlay::Tracker(tracker) if tracker.swarm.is_some() => {
            let problem = "peers of a swarm come and go by their own rules";
            refuse(PLACE, problem, "give `population.joins` and `overlay.tracker.swarm.seed_time`")
        }
        Overlay::Tracker(_) | Overlay::FullMembership(_) | Overlay::Own(_) => Ok(()),
    }
}

/// Refuses whatever is given together with a trace.
fn alone(churn: &format::Churn) -> Checked {
    let others = [
        ("sessions", churn.sessions.is_some()),
        ("downtimes", churn.downtimes.is_some()),
        ("initial", churn.initial.is_some()),
        ("join_every", churn.join_every.is_some()),
        ("depart_every", churn.depart_every.is_some()),
        ("target", churn.target.is_some()),
        ("rejoin", churn.rejoin != format::Rejoin::SameId),
        ("graceful", churn.graceful != 0.0),
        ("diurnal", churn.diurnal.is_some()),
        ("flash_crowds", !churn.flash_crowds.is_empty()),
        ("start", churn.start != Span::default()),
        ("stop", churn.stop.is_some()),
    ];
    match others.into_iter().find(|(_, given)| *given) {
        Some((field, _)) => {
            let problem = "is given together with `trace`, which says who comes and goes";
            refuse(&place(field), problem, "leave one of them out")
        }
        None => Ok(()),
    }
}

fn random(
    churn: &format::Churn,
    servers: u32,
    permanent: u32,
    end: Duration,
) -> Checked<RandomChurn> {
    let stop = churn.stop.map_or(end, |stop| stop.0.min(end));
    let drawn = |field: &str, distribution: &Option<format::Distribution>| {
        distribution.as_ref().map(|given| self::distribution(&place(field), given)).transpose()
    };
    let sessions = drawn("sessions", &churn.sessions)?;
    let downtimes = drawn("downtimes", &churn.downtimes)?;
    for (field, every) in [("join_every", churn.join_every), ("depart_every", churn.depart_every)] {
        if let Some(every) = every {
            positive(&place(field), every)?;
        }
    }
    let nothing_happens = sessions.is_none()
        && churn.join_every.is_none()
        && churn.depart_every.is_none()
        && churn.flash_crowds.is_empty();
    if nothing_happens {
        let problem = "lets nobody come or go";
        let mend = "give `sessions`, `join_every`, `depart_every`, `flash_crowds` or `trace`";
        return refuse(PLACE, problem, mend);
    }
    if downtimes.is_some() && sessions.is_none() && churn.depart_every.is_none() {
        let problem = "servers stay away, but none goes";
        return refuse(&place("downtimes"), problem, "give `sessions` or `depart_every`");
    }
    if churn.rejoin == format::Rejoin::NewId && downtimes.is_none() {
        let problem = "nobody comes back without `downtimes`";
        return refuse(&place("rejoin"), problem, "give `downtimes`, or leave it out");
    }
    initial(churn, [sessions, downtimes], servers, permanent)?;
    share(&place("graceful"), churn.graceful, "a probability")?;
    if churn.start.0 >= stop {
        let problem = format!("{} is not before the end of churn at {stop}", churn.start.0);
        return refuse(&place("start"), problem, "give an earlier start, or a later end");
    }
    Ok(RandomChurn {
        machines: servers,
        permanent,
        initial: churn.initial,
        sessions,
        downtimes,
        join_every: churn.join_every.map(|every| every.0),
        depart_every: churn.depart_every.map(|every| every.0),
        target: churn.target,
        rejoin: match churn.rejoin {
            format::Rejoin::SameId => Rejoin::SameId,
            format::Rejoin::NewId => Rejoin::NewId,
        },
        graceful: churn.graceful,
        diurnal: churn.diurnal.as_ref().map(diurnal).transpose()?,
        flash_crowds: flash_crowds(churn, stop)?,
        start: Time::ZERO + churn.start.0,
        stop: Time::ZERO + stop,
    })
}

/// Checks how many are up at the start.
fn initial(
    churn: &format::Churn,
    [sessions, downtimes]: [Option<Distribution>; 2],
    servers: u32,
    permanent: u32,
) -> Checked {
    if let Some(target) = churn.target
        && !(1..=servers).contains(&target)
    {
        let problem = format!("{target} of {servers} servers cannot be kept up");
        return refuse(&place("target"), problem, format!("give 1 to {servers}"));
    }
    let Some(initial) = churn.initial else {
        let endless = |times: &Option<Distribution>| {
            times.is_some_and(|times| times.mean_nanos() == f64::INFINITY)
        };
        let both = [("sessions", sessions), ("downtimes", downtimes)];
        return match both.into_iter().find(|(_, times)| endless(times)) {
            Some((field, _)) => {
                let problem = "have an infinite mean, and so no state that lasts to start from";
                let mend = "give a Pareto `shape` above 1, or say with `initial` how many are up at the start";
                refuse(&place(field), problem, mend)
            }
            None => Ok(()),
        };
    };
    let least = churn.target.unwrap_or(1).max(permanent + 1);
    if !(least..=servers).contains(&initial) {
        let problem = format!("{initial} of {servers} servers cannot be up at the start");
        return refuse(&place("initial"), problem, format!("give {least} to {servers}"));
    }
    Ok(())
}

fn diurnal(diurnal: &format::Diurnal) -> Checked<Diurnal> {
    positive(&place("diurnal.period"), diurnal.period)?;
    share(&place("diurnal.amplitude"), diurnal.amplitude, "a share of the mean rate")?;
    Ok(Diurnal { period: diurnal.period.0, amplitude: diurnal.amplitude, peak: diurnal.peak.0 })
}

fn flash_crowds(churn: &format::Churn, stop: Duration) -> Checked<Vec<FlashCrowd>> {
    let mut crowds = Vec::with_capacity(churn.flash_crowds.len());
    for (position, crowd) in churn.flash_crowds.iter().enumerate() {
        let place = |field: &str| format!("{PLACE}.flash_crowds[{position}].{field}");
        if crowd.nodes == 0 || u64::from(crowd.nodes) > MAX_NODES {
            let problem = format!("{} nodes are no crowd", crowd.nodes);
            return refuse(&place("nodes"), problem, format!("give 1 to {MAX_NODES}"));
        }
        let last = crowd.at.0 + crowd.within.0;
        if crowd.at.0 < churn.start.0 || last >= stop {
            let problem = format!(
                "from {} to {last} is not between the start of churn at {} and its end at {stop}",
                crowd.at.0, churn.start.0
            );
            return refuse(&place("at"), problem, "give another time, or a later end");
        }
        let at = Time::ZERO + crowd.at.0;
        crowds.push(FlashCrowd { at, nodes: crowd.nodes, within: crowd.within.0 });
    }
    Ok(crowds)
}

/// The distribution that the field at `place` gives.
fn distribution(place: &str, given: &format::Distribution) -> Checked<Distribution> {
    // What is given says how far the distribution of size one is stretched.
    let second = 1e9;
    let (name, unit, by) = match given {
        format::Distribution::Constant(span) => {
            positive(&format!("{place}.constant"), *span)?;
            return Ok(Distribution::Constant { nanos: span.0.as_nanos() as f64 });
        }
        format::Distribution::Exponential(times) => {
            let unit = Distribution::Exponential { mean_nanos: second };
            ("exponential", unit, vec![("mean", times.mean), ("median", times.median)])
        }
        format::Distribution::Weibull(times) => {
            shape(&format!("{place}.weibull.shape"), times.shape)?;
            let unit = Distribution::Weibull { shape: times.shape, scale_nanos: second };
            let by = [("mean", times.mean), ("median", times.median), ("scale", times.scale)];
            ("weibull", unit, by.to_vec())
        }
        format::Distribution::Pareto(times) => {
            shape(&format!("{place}.pareto.shape"), times.shape)?;
            if times.shape <= 1.0 && times.mean.is_some() {
                let problem = format!("the mean is infinite with a shape of {}", times.shape);
                let mend = "give `median` or `minimum`, or a shape above 1";
                return refuse(&format!("{place}.pareto.mean"), problem, mend);
            }
            let unit = Distribution::Pareto { shape: times.shape, minimum_nanos: second };
            let by = [("mean", times.mean), ("median", times.median), ("minimum", times.minimum)];
            ("pareto", unit, by.to_vec())
        }
        format::Distribution::LogNormal(times) => {
            if !(0.0..=MAX_SIGMA).contains(&times.sigma) {
                let problem = format!("{} is no deviation to draw from", times.sigma);
                let mend = format!("give a number from 0 to {MAX_SIGMA}");
                return refuse(&format!("{place}.log_normal.sigma"), problem, mend);
            }
            let unit = Distribution::LogNormal { median_nanos: second, sigma: times.sigma };
            ("log_normal", unit, vec![("mean", times.mean), ("median", times.median)])
        }
    };
    let place = format!("{place}.{name}");
    let names: Vec<String> = by.iter().map(|(field, _)| format!("`{field}`")).collect();
    let mut given = by.into_iter().filter_map(|(field, span)| Some((field, span?)));
    let (Some((field, span)), None) = (given.next(), given.next()) else {
        let problem = "does not say by one quantity how long the times are";
        return refuse(&place, problem, format!("give one of {}", names.join(", ")));
    };
    positive(&format!("{place}.{field}"), span)?;
    let of_unit = match field {
        "mean" => unit.mean_nanos(),
        "median" => unit.median_nanos(),
        _ => second,
    };
    Ok(unit.times(span.0.as_nanos() as f64 / of_unit))
}

fn shape(place: &str, shape: f64) -> Checked {
    if SHAPES.contains(&shape) {
        return Ok(());
    }
    let mend = format!("give a number from {} to {}", SHAPES.start(), SHAPES.end());
    refuse(place, format!("{shape} is no shape to draw from"), mend)
}

/// About how often servers come and go.
fn expected_changes(plan: &RandomChurn) -> f64 {
    let nanos = plan.stop.since(plan.start).as_nanos() as f64;
    // In a long run only the mean counts, if there is one.
    let typical = |times: &Distribution| {
        let mean = times.mean_nanos();
        if mean < f64::INFINITY { mean } else { times.median_nanos() }
    };
    let rate = |every: Option<Duration>| every.map_or(0.0, |every| nanos / every.as_nanos() as f64);
    let crowds: f64 = plan.flash_crowds.iter().map(|crowd| f64::from(crowd.nodes)).sum();
    let joins = rate(plan.join_every) + crowds;
    // As many as could be up if none of the newcomers went.
    let servers = f64::from(plan.machines) + joins;
    let of_sessions = plan.sessions.as_ref().map_or(0.0, |sessions| {
        let away = plan.downtimes.as_ref().map_or(0.0, typical);
        let comes_back = plan.downtimes.is_some() || plan.target.is_some();
        let times = if comes_back { nanos / (typical(sessions) + away) } else { 1.0 };
        servers * times
    });
    2.0 * (of_sessions + rate(plan.depart_every) + joins)
}

/// About how many of them are newcomers at most.
fn expected_newcomers(plan: &RandomChurn, changes: f64) -> f64 {
    let replaced = plan.target.is_some();
    let renewed = plan.rejoin == Rejoin::NewId;
    let come = plan.join_every.is_some() || !plan.flash_crowds.is_empty();
    if replaced || renewed || come { changes / 2.0 } else { 0.0 }
}

/// Reads a trace of churn, whose servers come after so many others.
fn read_trace(name: &str, text: &str, others: u32) -> Checked<ChurnTrace> {
    let mut servers: BTreeMap<&str, u32> = BTreeMap::new();
    let mut is_up: Vec<bool> = vec![true; others as usize];
    let mut initial: Vec<u32> = (0..others).collect();
    let mut events: Vec<ChurnEvent> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split_once('#').map_or(line, |(line, _)| line).trim();
        if line.is_empty() {
            continue;
        }
        let refuse_line = |problem: String, mend: &str| {
            refuse(&place("trace"), format!("line {number} of {name}: {problem}"), mend)
        };
        let words: Vec<&str> = line.split_whitespace().collect();
        let [at, node, change] = words[..] else {
            let shown: String = line.chars().take(40).collect();
            return refuse_line(
                format!("{shown:?} is not `time node join|leave|crash`"),
                "give these three words",
            );
        };
        let is_number = at.ends_with(|c: char| c.is_ascii_digit());
        let seconds = if is_number { format!("{at}s") } else { at.to_owned() };
        let at = match seconds.parse::<Duration>() {
            Ok(at) => Time::ZERO + at,
            Err(error) => {
                let mend = "give seconds such as 12.5, or a duration such as 1.5h";
                return refuse_line(error.to_string(), mend);
            }
        };
        let change = match change {
            "join" => Change::Join,
            "leave" => Change::Leave,
            "crash" => Change::Crash,
            other => {
                let shown: String = other.chars().take(40).collect();
                let problem = format!("{shown:?} is nothing that a node does here");
                return refuse_line(problem, "give `join`, `leave` or `crash`");
            }
        };
        if let Some(last) = events.last().filter(|last| last.at > at) {
            let problem = format!("{at} is earlier than the line before, at {}", last.at);
            return refuse_line(problem, "give the lines in the order of time");
        }
        let joins = change == Change::Join;
        let shown: String = node.chars().take(40).collect();
        let server = if let Some(known) = servers.get(node) {
            *known
        } else {
            let new = is_up.len() as u32;
            if u64::from(new) >= MAX_NODES {
                let problem = format!("{shown:?} is one server too many");
                return refuse_line(problem, &format!("name at most {MAX_NODES}"));
            }
            servers.insert(node, new);
            is_up.push(!joins);
            if !joins {
                initial.push(new);
            }
            new
        };
        let is_up = &mut is_up[server as usize];
        if *is_up == joins {
            let (problem, mend) = if joins {
                ("joins, but it is up", "let it leave or crash before")
            } else {
                ("goes, but it is not up", "let it join before")
            };
            return refuse_line(format!("{shown:?} {problem}"), mend);
        }
        *is_up = joins;
        events.push(ChurnEvent { at, server, machine: server, change });
    }
    if events.is_empty() {
        let problem = format!("{name} has no line that says who comes or goes");
        return refuse(&place("trace"), problem, "give lines `time node join|leave|crash`");
    }
    Ok(ChurnTrace { initial: initial.into(), events: events.into() })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::super::set;
    use super::super::Setup;
    use super::super::tests::checked;
    use super::*;
    use crate::scenario::error::Fault;

    /// A ring whose nodes come and go in every way at once.
    fn churning() -> Value {
        json!({
            "name": "churning",
            "population": {"nodes": 100, "churn": {
                "sessions": {"weibull": {"shape": 0.5, "mean": "1h"}},
                "downtimes": {"log_normal": {"sigma": 1.5, "median": "30min"}},
                "join_every": "1min", "depart_every": "2min",
                "target": 40, "rejoin": "new_id", "graceful": 0.25,
                "diurnal": {"period": "24h", "amplitude": 0.5, "peak": "20h"},
                "flash_crowds": [{"at": "2h", "nodes": 50, "within": "1min"}],
                "start": "10min", "stop": "9h",
            }},
            "overlay": {"chord": {
                "stabilize": {"period": "30s"}, "fix_fingers": {"period": "30s"},
            }},
            "duration": "10h",
        })
    }

    fn with(changes: &[(&str, Value)]) -> Result<Setup, String> {
        let mut value = churning();
        for (path, change) in changes {
            set::set(&mut value, path, change.clone()).unwrap();
        }
        checked(&value)
    }

    fn plan(changes: &[(&str, Value)]) -> RandomChurn {
        match with(changes).unwrap().churn {
            Some(ChurnPlan::Random(plan)) => *plan,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn churn_is_read_as_it_is_written() {
        let plan = plan(&[]);
        let hours = |hours: u64| Time::ZERO + Duration::from_secs(3600 * hours);
        assert_eq!((plan.machines, plan.permanent, plan.initial), (100, 0, None));
        assert_eq!((plan.target, plan.rejoin), (Some(40), Rejoin::NewId));
        assert_eq!((plan.start, plan.stop), (Time::ZERO + Duration::from_secs(600), hours(9)));
        assert_eq!(plan.flash_crowds[0].at, hours(2));
        // Γ(3) = 2.
        let Some(Distribution::Weibull { shape, scale_nanos }) = plan.sessions else {
            panic!("{:?}", plan.sessions)
        };
        assert!((shape - 0.5).abs() < 1e-12 && (scale_nanos / 1800e9 - 1.0).abs() < 1e-12);
        let stop_at_the_end = self::plan(&[("population.churn.stop", json!(null))]);
        assert_eq!(stop_at_the_end.stop, hours(10));
    }

    #[test]
    fn distributions_are_given_by_what_is_known_of_them() {
        let hour = 3600e9;
        let given = |sessions: Value| {
            let sessions = plan(&[("population.churn.sessions", sessions)]).sessions.unwrap();
            (sessions.mean_nanos() / hour, sessions.median_nanos() / hour)
        };
        for distribution in [
            json!({"exponential": {}}),
            json!({"weibull": {"shape": 0.7}}),
            json!({"pareto": {"shape": 1.5}}),
            json!({"log_normal": {"sigma": 1.2}}),
        ] {
            let by = |field: &str| {
                let mut distribution = distribution.clone();
                distribution.as_object_mut().unwrap().values_mut().next().unwrap()[field] =
                    json!("1h");
                given(distribution)
            };
            assert!((by("mean").0 - 1.0).abs() < 1e-9, "{distribution}");
            assert!((by("median").1 - 1.0).abs() < 1e-9, "{distribution}");
        }
        assert_eq!(given(json!({"constant": "1h"})), (1.0, 1.0));
        assert!((given(json!({"pareto": {"shape": 2, "minimum": "1h"}})).0 - 2.0).abs() < 1e-9);
        let (_, median) = given(json!({"weibull": {"shape": 1, "scale": "1h"}}));
        assert!((median - std::f64::consts::LN_2).abs() < 1e-9);
    }

    #[test]
    fn trackers_are_there_for_good() {
        let tracker = [
            ("overlay", json!({"tracker": {"trackers": 3}})),
            ("population.churn.initial", json!(50)),
        ];
        assert_eq!(plan(&tracker).permanent, 3);
    }

    #[test]
    fn every_refusal_of_churn_names_place_value_and_mend() {
        let no = || json!(null);
        let churn = |churn: Value| vec![("population.churn", churn)];
        let of = |field: &'static str, value: Value| vec![(field, value)];
        let all: Vec<Vec<(&str, Value)>> = vec![
            of("duration", no()),
            of("population.joins", json!({"interval": "1s"})),
            of("population.leaves", json!({"count": 1})),
            of("population", json!({"ids": [1, 2], "churn": {"join_every": "1s"}})),
            of("overlay.chord", json!({"join": {"base": {}}})),
            of("overlay.chord", json!({})),
            of(
                "overlay",
                json!({"tracker": {"swarm": {
                    "file_bytes": 1000, "upload": 100, "download": 100,
                }}}),
            ),
            churn(json!({})),
            churn(json!({"downtimes": {"constant": "1s"}, "join_every": "1s"})),
            churn(json!({"sessions": {"constant": "1s"}, "rejoin": "new_id"})),
            churn(json!({"sessions": {"pareto": {"shape": 1, "median": "1h"}}})),
            churn(json!({"sessions": {"constant": "1ns"}, "downtimes": {"constant": "1ns"}})),
            churn(json!({"join_every": "1ms"})),
            of("id_bits", json!(32)),
            of("population.churn.sessions", json!({"constant": "0s"})),
            of("population.churn.sessions", json!({"exponential": {}})),
            of("population.churn.sessions", json!({"exponential": {"mean": "0s"}})),
            of("population.churn.sessions", json!({"exponential": {"mean": "1s", "median": "1s"}})),
            of("population.churn.sessions", json!({"weibull": {"shape": 0.1, "mean": "1s"}})),
            of("population.churn.sessions", json!({"weibull": {"shape": 1}})),
            of("population.churn.sessions", json!({"pareto": {"shape": 1, "mean": "1h"}})),
            of("population.churn.sessions", json!({"pareto": {"shape": 0, "minimum": "1h"}})),
            of("population.churn.downtimes", json!({"log_normal": {"sigma": -1, "mean": "1h"}})),
            of("population.churn.join_every", json!("0s")),
            of("population.churn.depart_every", json!("0s")),
            of("population.churn.target", json!(0)),
            of("population.churn.target", json!(101)),
            of("population.churn.initial", json!(39)),
            of("population.churn.initial", json!(101)),
            of("population.churn.graceful", json!(1.5)),
            of("population.churn.diurnal.period", json!("0s")),
            of("population.churn.diurnal.amplitude", json!(1.1)),
            of("population.churn.flash_crowds", json!([{"at": "1h", "nodes": 0}])),
            of("population.churn.flash_crowds", json!([{"at": "1min", "nodes": 1}])),
            of("population.churn.flash_crowds", json!([{"at": "8h", "nodes": 1, "within": "2h"}])),
            of("population.churn.start", json!("9h")),
            of("population.churn.trace", json!("scenarios/data/two-hours.trace")),
            of("population.churn.trace", json!("no-such.trace")),
            vec![
                ("population.churn", json!({"trace": "scenarios/data/two-hours.trace"})),
                ("population.nodes", json!(41)),
            ],
            vec![
                (
                    "population.churn",
                    json!({"trace": "scenarios/data/two-hours.trace", "graceful": 0.5}),
                ),
                ("population.nodes", no()),
            ],
        ];
        let refusals: Vec<String> =
            all.iter().map(|changes| with(changes).expect_err(&format!("{changes:?}"))).collect();
        insta::assert_snapshot!(refusals.join("\n"));
    }

    #[test]
    fn traces_say_who_is_there_at_the_start() {
        let text =
            "# A comment.\n\n 0 a crash # and another\n1.5 b\tjoin\n1.5h a join\n2h b leave\n";
        let trace = read_trace("x", text, 0).unwrap();
        let (a, b) = (0, 1);
        let event = |millis, server, change| {
            let at = Time::ZERO + Duration::from_millis(millis);
            ChurnEvent { at, server, machine: server, change }
        };
        let events = [
            event(0, a, Change::Crash),
            event(1500, b, Change::Join),
            event(5_400_000, a, Change::Join),
            event(7_200_000, b, Change::Leave),
        ];
        assert_eq!((&trace.initial[..], &trace.events[..]), (&[a][..], &events[..]));
        assert_eq!(servers(&trace), 2);
        let behind_trackers = read_trace("x", text, 3).unwrap();
        assert_eq!(behind_trackers.initial[..], [0, 1, 2, 3]);
        assert_eq!((behind_trackers.events[1].server, servers(&behind_trackers)), (4, 5));
    }

    #[test]
    fn a_trace_says_how_many_nodes_there_are() {
        let trace = json!({"trace": "scenarios/data/two-hours.trace"});
        let mut changes = vec![("population.churn", trace), ("population.nodes", json!(null))];
        assert_eq!(with(&changes).unwrap().servers, 40);
        changes[1].1 = json!(40);
        assert_eq!(with(&changes).unwrap().servers, 40);
    }

    #[test]
    fn every_refusal_of_a_trace_names_its_line() {
        let texts = [
            "",
            "1 a",
            "1 a join now",
            "soon a join",
            "1.0000000001 a join",
            "-1 a join",
            "1 a sleep",
            "2 a join\n1 b join",
            "1 a join\n2 a join",
            "1 a crash\n2 a leave",
        ];
        let refusals = texts.map(|text| {
            let Fault { place, problem, mend } = read_trace("x.trace", text, 0).unwrap_err();
            format!("{place}: {problem}; {mend}")
        });
        insta::assert_snapshot!(refusals.join("\n"));
    }

    #[test]
    fn a_trace_in_which_nobody_is_up_at_first_holds_no_values() {
        let trace = read_trace("x", "1 a join", 0).unwrap();
        let mut value = churning();
        value["population"] = json!({"churn": {"trace": "x"}});
        value["workload"] = json!({"storage": {"keys": 1}});
        let scenario = crate::scenario::read::scenario(&value).unwrap();
        let space = IdSpace::new(160).unwrap();
        let hour = Some(Duration::from_secs(3600));
        let refusal = churn(&scenario, Some(trace), (1, space), hour).unwrap_err();
        assert_eq!(refusal.place, "workload.storage.preloaded");
    }

    #[test]
    fn mutilated_traces_are_refused_or_read() {
        use proptest::prelude::*;
        let word =
            prop::sample::select(vec!["0", "1.5", "1h", "a", "b", "join", "crash", "#", "\n", "é"]);
        proptest!(crate::property::config(), |(words in prop::collection::vec(word, 0..30))| {
            if let Err(fault) = read_trace("x", &words.join(" "), 0) {
                prop_assert_eq!(fault.problem.lines().count(), 1);
            }
        });
    }
}
