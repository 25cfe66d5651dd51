//! A ring as it changes: what a reader of a report scrubs through, with the ways of lookups:
//! some that the run itself asked, and at some moments those of a few keys from every node.
//!
//! One run gives all but the latter. What is asked at a moment besides would change what comes
//! after it, so the run is done again up to there; the last moment needs no other. Nodes and
//! keys are numbered in the order in which the film first speaks of them; a frame says what has
//! changed since the one before.

use std::collections::BTreeMap;

use super::build::{self, Task};
use super::drive::Drive;
use crate::id::Id;
use crate::measure::Trace;
use crate::measure::summary::Happening;
use crate::overlay::Overlay;
use crate::population::Population;
use crate::scenario::{Plan, Setup, format};
use crate::sim::{Address, Duration, Status, Stream, Time};
use crate::workload::Keys;

/// The most nodes of a ring that can still be told apart in a circle.
pub const MOST_NODES: u64 = 300;
/// Moments at equal distances, the start not counted.
const STEPS: u64 = 40;
/// Beginnings and ends of faults that have frames of their own.
const MOST_FAULTS: usize = 30;
/// Keys whose lookups are followed.
const FOLLOWED_KEYS: u64 = 12;
/// More keys of the workload than this are not counted by their owners.
const MOST_COUNTED: u64 = 4_000_000;
/// A lookup that has no answer after so long gets none.
const PATIENCE: Duration = Duration::from_secs(60);
/// Lookups of the run that are written down after each frame, and those of them that are kept.
const WRITTEN_DOWN: u32 = 60;
const KEPT: usize = 8;
/// Events that may be simulated again to follow lookups at more moments than the last.
const MOST_EVENTS: u64 = 30_000_000;
/// Ways that all moments together may have.
const MOST_ROUTES: usize = 24_000;

/// A ring as it changes.
#[derive(Clone, PartialEq, Debug)]
pub struct Film {
    /// The point of the sweep that it shows, counted from zero.
    pub point: usize,
    /// The repeat, counted from zero.
    pub repeat: u32,
    /// The name of the system.
    pub system: &'static str,
    /// *m*.
    pub id_bits: u32,
    /// Whether the nodes keep fingers.
    pub has_fingers: bool,
    /// Whether messages wait for one another at nodes or for links: lookups that are followed at
    /// a moment are all asked at once, and slow one another then.
    pub is_crowded: bool,
    /// All nodes that are spoken of.
    pub nodes: Vec<FilmNode>,
    /// What is to be seen, by ascending time.
    pub frames: Vec<Frame>,
    /// The keys whose lookups were followed.
    pub keys: Vec<FilmKey>,
    /// The lookups of these keys from every node that took part, at the moments of some frames,
    /// by ascending frame. The last frame is one of them.
    pub asked: Vec<Asked>,
}

/// The lookups that were followed at the moment of a frame.
#[derive(Clone, PartialEq, Debug)]
pub struct Asked {
    /// The number of the frame.
    pub frame: usize,
    /// They, each by the number of its key.
    pub routes: Vec<(usize, FilmRoute)>,
}

/// Who a node is.
#[derive(Clone, PartialEq, Debug)]
pub struct FilmNode {
    /// Its ip and port.
    pub address: String,
    /// Its identifier.
    pub id: String,
    /// Where that lies on the ring, from 0 to 1.
    pub share: f64,
}

/// A key.
#[derive(Clone, PartialEq, Debug)]
pub struct FilmKey {
    /// Its identifier.
    pub id: String,
    /// Where that lies on the ring, from 0 to 1.
    pub share: f64,
}

/// What has changed since the frame before; in the first one, everything.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Frame {
    /// Seconds since the start.
    pub seconds: f64,
    /// Nodes that are new or have changed, by ascending identifier.
    pub changed: Vec<NodeState>,
    /// Nodes that are there no more.
    pub gone: Vec<usize>,
    /// What has broken and mended meanwhile.
    pub happenings: Vec<Happening>,
    /// How many lookups the run asked from here to the next frame.
    pub lookups: u64,
    /// Some of them, in their order: the first that met with trouble and the first of all.
    pub of_the_run: Vec<RunLookup>,
}

/// A lookup that was asked in the run itself.
#[derive(Clone, PartialEq, Debug)]
pub struct RunLookup {
    /// When it was asked, in seconds since the start.
    pub seconds: f64,
    /// What was looked for.
    pub key: FilmKey,
    /// How long the answer took, if there was one.
    pub milliseconds: Option<f64>,
    /// Where it went.
    pub route: FilmRoute,
}

/// How a node stands in the system.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It takes part.
    Up,
    /// It has not got in yet.
    Joining,
    /// It has been asked to leave, and has not left yet.
    Leaving,
    /// It does nothing until it thaws.
    Frozen,
}

/// What a node knows and carries at a moment.
#[derive(Clone, PartialEq, Debug)]
pub struct NodeState {
    /// The node.
    pub node: usize,
    /// How it stands.
    pub standing: Standing,
    /// The node that it takes for the one before it.
    pub predecessor: Option<usize>,
    /// Those that it takes for the ones after it, nearest first.
    pub successors: Vec<usize>,
    /// Its fingers, as runs of neighbouring ones that are the same node: the first of each run,
    /// counted from zero, and that node.
    pub fingers: Vec<(u32, Option<usize>)>,
    /// Keys of the workload that it owns, if they were counted.
    pub keys: Option<u64>,
    /// Values that it holds, where any are stored.
    pub values: Option<u64>,
}

/// The way of one lookup.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FilmRoute {
    /// The nodes at which it stood, from the one that asked on.
    pub path: Vec<usize>,
    /// Times that a node did not answer, by the place in the path at which it stood then.
    pub timeouts: Vec<usize>,
    /// The node that it was answered with, if it was.
    pub owner: Option<usize>,
    /// Whether that was the key's owner when the answer came.
    pub is_right: bool,
    /// Whether it has ended, with or without an answer.
    pub has_ended: bool,
}

/// The points of a scenario whose nodes stand on a ring and are not too many to be shown.
pub fn filmable(plan: &Plan) -> Vec<usize> {
    let small = plan.points.iter().enumerate().filter(|(_, point)| can_be_filmed(&point.setup));
    let has_ring = |setup: &Setup| {
        let population = build::population(setup, 0);
        build::with_protocol(setup, &population, HasRing)
    };
    small.filter(|(_, point)| has_ring(&point.setup)).map(|(number, _)| number).collect()
}

/// A film of a point of a scenario, counted from zero, in one of its repeats. None if its nodes
/// stand on no ring, are too many to be shown, or run an overlay of another program.
pub fn film(plan: &Plan, point: usize, repeat: u32) -> Option<Film> {
    let setup = &plan.points.get(point)?.setup;
    if !can_be_filmed(setup) {
        return None;
    }
    let population = build::population(setup, repeat);
    let take = Take { setup, repeat, population: &population };
    let film = build::with_protocol(setup, &population, take)?;
    Some(Film { point, ..film })
}

/// Whether the nodes are not too many, and of an overlay that can be run here.
fn can_be_filmed(setup: &Setup) -> bool {
    setup.nodes() <= MOST_NODES && !matches!(setup.overlay, format::Overlay::Own(_))
}

/// Whether the nodes of a system stand on a ring.
struct HasRing;

impl Task for HasRing {
    type Output = bool;

    fn run<P: Overlay>(self, protocol: P) -> bool {
        protocol.ring().is_some()
    }
}

/// The moments of the frames. Where nothing moves, one shows all.
fn moments(setup: &Setup, repeat: u32) -> Vec<Time> {
    let moves = setup.duration.is_some()
        || setup.joins.is_some()
        || setup.leaves.is_some()
        || setup.churn.is_some()
        || !setup.faults.is_empty();
    if !moves {
        return vec![Time::ZERO];
    }
    // What ends by itself must be run once to know when.
    let end =
        setup.duration.unwrap_or_else(|| super::simulate(setup, repeat).end.since(Time::ZERO));
    let step = Duration::from_nanos(end.as_nanos() / STEPS);
    let mut moments: Vec<Time> = vec![Time::ZERO];
    for _ in 1..STEPS {
        moments.extend(moments.last().map(|last| *last + step));
    }
    // A frame is what there is before anything happens at its moment.
    let behind = Duration::from_nanos(1);
    let turns = setup.faults.iter().flat_map(|fault| [Some(fault.at), fault.until]).flatten();
    let turns = turns.take(MOST_FAULTS).map(|at| Time::ZERO + at + behind);
    moments.extend(turns.filter(|at| *at < Time::ZERO + end));
    moments.push(Time::ZERO + end);
    moments.sort_unstable();
    moments.dedup();
    moments
}

/// Whether messages can wait for one another.
fn is_crowded(setup: &Setup) -> bool {
    let network = &setup.network;
    network.service_time.0 > Duration::default()
        || network.classes.values().any(|class| class.upload.is_some())
}

struct Take<'s> {
    setup: &'s Setup,
    repeat: u32,
    population: &'s Population,
}

impl Task for Take<'_> {
    type Output = Option<Film>;

    fn run<P: Overlay>(self, protocol: P) -> Option<Film> {
        let shape = protocol.ring()?;
        let Take { setup, repeat, population } = self;
        let system = protocol.system();
        let moments = moments(setup, repeat);
        let anew = || Drive::new(setup, repeat, population, protocol.clone(), false);
        let mut drive = anew();
        let mut camera = Camera::new(setup, repeat, population, shape.fingers);
        let end = moments.last().copied();
        for moment in moments {
            drive.run_before(moment);
            camera.shoot(&drive, moment, Some(moment) == end);
            drive.to_trace = WRITTEN_DOWN;
        }
        camera.keep_lookups(&mut drive);
        let last = camera.frames.len().saturating_sub(1);
        let wanted = camera.wanted(drive.simulation.events());
        let keys = camera.followed_keys();
        let mut asked = Vec::new();
        for frame in wanted {
            let mut drive = anew();
            drive.run_before(camera.moments[frame]);
            let routes = camera.follow(&mut drive, &keys, frame);
            asked.push(Asked { frame, routes });
        }
        asked.push(Asked { frame: last, routes: camera.follow(&mut drive, &keys, last) });
        let keys = keys.into_iter().map(|key| camera.key(key)).collect();
        Some(Film {
            point: 0,
            repeat,
            system,
            id_bits: setup.id_space.bits(),
            has_fingers: shape.fingers,
            is_crowded: is_crowded(setup),
            nodes: camera.nodes,
            frames: camera.frames,
            keys,
            asked,
        })
    }
}

struct Camera<'s> {
    setup: &'s Setup,
    repeat: u32,
    population: &'s Population,
    has_fingers: bool,
    /// The keys of the workload in order, unless they are too many.
    keys: Option<Vec<Id>>,
    numbers: BTreeMap<Address, usize>,
    nodes: Vec<FilmNode>,
    frames: Vec<Frame>,
    /// The moments of the frames, and who can be asked then.
    moments: Vec<Time>,
    takers: Vec<Vec<Address>>,
    /// How many lookups had been asked when each was taken.
    asked: Vec<u64>,
    /// The states of the last frame.
    seen: BTreeMap<Address, NodeState>,
    happenings: usize,
}

impl<'s> Camera<'s> {
    fn new(setup: &'s Setup, repeat: u32, population: &'s Population, has_fingers: bool) -> Self {
        let count = setup.workload.keys;
        let keys = (count > 0 && count <= MOST_COUNTED).then(|| {
            let random = Stream::new(setup.seed, repeat, "keys");
            let mut keys: Vec<Id> = Keys::new(setup.id_space, count, random).collect();
            keys.sort_unstable();
            keys
        });
        Camera {
            setup,
            repeat,
            population,
            has_fingers,
            keys,
            numbers: BTreeMap::new(),
            nodes: Vec::new(),
            frames: Vec::new(),
            moments: Vec::new(),
            takers: Vec::new(),
            asked: Vec::new(),
            seen: BTreeMap::new(),
            happenings: 0,
        }
    }

    /// The number of a node.
    fn number(&mut self, address: Address) -> usize {
        let next = self.nodes.len();
        let number = *self.numbers.entry(address).or_insert(next);
        if number == next {
            let id = self.population.ids[address.index()];
            self.nodes.push(FilmNode {
                address: self.population.sockets[address.index()].to_string(),
                id: self.setup.id_space.hex(id),
                share: id.as_share_of_ring(),
            });
        }
        number
    }

    /// Takes a frame, unless nothing has changed since the one before; the end is one anyway.
    fn shoot<P: Overlay>(&mut self, drive: &Drive<'_, P>, moment: Time, is_end: bool) {
        let up: Vec<Address> = drive.ring().iter().collect();
        let mut states = BTreeMap::new();
        let mut changed = Vec::new();
        for (place, address) in up.iter().enumerate() {
            let before = up[(place + up.len() - 1) % up.len()];
            let keys = self.owned(before, *address, up.len() == 1);
            let Some(state) = self.state(drive, *address, keys) else { continue };
            if self.seen.get(address) != Some(&state) {
                changed.push(state.clone());
            }
            states.insert(*address, state);
        }
        // Who is frozen is not up, but neither is he gone.
        for (address, last) in &self.seen {
            let host = drive.protocol().host(*address);
            if !states.contains_key(address) && drive.simulation.status(host) == Status::Frozen {
                let state = NodeState { standing: Standing::Frozen, keys: Some(0), ..last.clone() };
                if *last != state {
                    changed.push(state.clone());
                }
                states.insert(*address, state);
            }
        }
        let gone = self.seen.keys().filter(|address| !states.contains_key(address));
        let gone: Vec<usize> = gone.map(|address| self.numbers[address]).collect();
        let all = drive.faults.happenings();
        let happenings = all[self.happenings..].to_vec();
        self.happenings = all.len();
        self.seen = states;
        let must_be = self.frames.is_empty() || is_end;
        if must_be || !changed.is_empty() || !gone.is_empty() || !happenings.is_empty() {
            let seconds = moment.since(Time::ZERO).as_secs_f64();
            self.frames.push(Frame { seconds, changed, gone, happenings, ..Frame::default() });
            self.moments.push(moment);
            let takes_part =
                |state: &NodeState| !matches!(state.standing, Standing::Frozen | Standing::Joining);
            let takers = self.seen.iter().filter(|(_, state)| takes_part(state));
            self.takers.push(takers.map(|(address, _)| *address).collect());
            self.asked.push(drive.simulation.observer.in_all(|tally| tally.issued));
        }
    }

    fn state<P: Overlay>(
        &mut self,
        drive: &Drive<'_, P>,
        address: Address,
        keys: Option<u64>,
    ) -> Option<NodeState> {
        let protocol = drive.protocol();
        let host = protocol.host(address);
        let node = drive.node(host)?;
        let neighbours = protocol.neighbours(node, address, &self.population.ids);
        let standing = if drive.leaving.contains(&host) {
            Standing::Leaving
        } else if drive.simulation.observer.joining_since(host).is_some() {
            Standing::Joining
        } else {
            Standing::Up
        };
        let mut fingers = Vec::new();
        if self.has_fingers {
            for (first, finger) in protocol.finger_runs(node) {
                fingers.push((first, finger.map(|finger| self.number(finger))));
            }
        }
        let stores = self.setup.workload.storage.is_some();
        Some(NodeState {
            node: self.number(address),
            standing,
            predecessor: neighbours.predecessor.map(|before| self.number(before)),
            successors: neighbours.successors.into_iter().map(|next| self.number(next)).collect(),
            fingers,
            keys,
            values: stores.then(|| protocol.holds(node).count() as u64),
        })
    }

    /// How many keys of the workload lie behind one node and up to another.
    fn owned(&self, before: Address, node: Address, is_alone: bool) -> Option<u64> {
        let keys = self.keys.as_ref()?;
        let up_to = |address: Address| {
            keys.partition_point(|key| *key <= self.population.ids[address.index()])
        };
        let (from, to) = (up_to(before), up_to(node));
        let count = if is_alone {
            keys.len()
        } else if self.population.ids[before.index()] < self.population.ids[node.index()] {
            to - from
        } else {
            keys.len() - from + to
        };
        Some(count as u64)
    }

    /// Puts the lookups that were written down with the frames after which they were asked.
    fn keep_lookups<P: Overlay>(&mut self, drive: &mut Drive<'_, P>) {
        let issued = drive.simulation.observer.in_all(|tally| tally.issued);
        let mut later = issued;
        for (frame, before) in self.frames.iter_mut().zip(&self.asked).rev() {
            frame.lookups = later - before;
            later = *before;
        }
        let mut of_frames: Vec<Vec<Trace>> = vec![Vec::new(); self.frames.len()];
        for trace in drive.simulation.observer.take_traces() {
            // What is asked at a moment comes after its frame.
            let frame = self.moments.partition_point(|moment| *moment <= trace.asked);
            of_frames[frame.saturating_sub(1)].push(trace);
        }
        for (frame, traces) in of_frames.into_iter().enumerate() {
            let (trouble, calm): (Vec<Trace>, Vec<Trace>) =
                traces.into_iter().partition(|trace| !trace.is_right || !trace.timeouts.is_empty());
            // Half of them are of each kind, where there are enough of both.
            let troubled = trouble.len().min(KEPT - calm.len().min(KEPT / 2));
            let mut kept: Vec<Trace> = trouble.into_iter().take(troubled).collect();
            kept.extend(calm.into_iter().take(KEPT - troubled));
            kept.sort_by_key(|trace| trace.asked);
            let of_the_run = kept.into_iter().filter_map(|trace| {
                let origin = trace.origin?;
                Some(RunLookup {
                    seconds: trace.asked.since(Time::ZERO).as_secs_f64(),
                    key: self.key(trace.key),
                    milliseconds: trace.took.map(Duration::as_millis_f64),
                    route: self.route(drive, trace, origin),
                })
            });
            let of_the_run: Vec<RunLookup> = of_the_run.collect();
            self.frames[frame].of_the_run = of_the_run;
        }
    }

    /// The frames, but for the last, at which lookups are followed, where a run takes so many
    /// events: all if that is little work and few words, else those after a fault first.
    fn wanted(&self, events: u64) -> Vec<usize> {
        let Some((last, others)) = self.moments.split_last() else { return Vec::new() };
        let end = last.since(Time::ZERO).as_nanos().max(1);
        let mut wanted: Vec<usize> = Vec::new();
        let (mut events_left, mut routes_left) = (u128::from(MOST_EVENTS), MOST_ROUTES);
        // Every second of those that are left, and so on: the first few are spread over all.
        let mut order: Vec<usize> = (0..others.len()).collect();
        order.sort_by_key(|frame| {
            let is_broken = !self.frames[*frame].happenings.is_empty();
            (!is_broken, std::cmp::Reverse(frame.trailing_zeros()), *frame)
        });
        for frame in order {
            let since = self.moments[frame].since(Time::ZERO).as_nanos();
            let cost = u128::from(events) * u128::from(since) / u128::from(end);
            let routes = self.takers[frame].len() * FOLLOWED_KEYS as usize;
            if cost <= events_left && routes <= routes_left {
                events_left -= cost;
                routes_left -= routes;
                wanted.push(frame);
            }
        }
        wanted.sort_unstable();
        wanted
    }

    fn key(&self, key: Id) -> FilmKey {
        FilmKey { id: self.setup.id_space.hex(key), share: key.as_share_of_ring() }
    }

    /// Follows the lookups of some keys from every node that took part in a frame, at whose
    /// moment the simulation stands.
    fn follow<P: Overlay>(
        &mut self,
        drive: &mut Drive<'_, P>,
        keys: &[Id],
        frame: usize,
    ) -> Vec<(usize, FilmRoute)> {
        let Some(starts) = self.takers.get(frame).cloned() else { return Vec::new() };
        drive.to_trace = 0;
        drop(drive.simulation.observer.take_traces());
        let pairs = keys.iter().flat_map(|key| starts.iter().map(|start| (*start, *key)));
        let asked: Vec<(Address, Id)> =
            pairs.map(|(start, key)| (drive.protocol().host(start), key)).collect();
        let mut traces = drive.trace_all(&asked, PATIENCE).into_iter();
        let mut routes = Vec::new();
        for number in 0..keys.len() {
            for (start, trace) in starts.iter().zip(traces.by_ref()) {
                routes.push((number, self.route(drive, trace, *start)));
            }
        }
        routes
    }

    /// Where a lookup went that this node, or one that stands at this place, asked.
    fn route<P: Overlay>(
        &mut self,
        drive: &Drive<'_, P>,
        trace: Trace,
        asked: Address,
    ) -> FilmRoute {
        let (timeouts, owner) = (trace.timeouts.clone(), trace.owner);
        let (is_right, has_ended) = (trace.is_right, trace.ended);
        let path = of_tokens(trace, asked, |token| drive.protocol().host(token));
        let path = path.into_iter().map(|node| self.number(node)).collect();
        let owner = owner.map(|owner| self.number(owner));
        FilmRoute { path, timeouts, owner, is_right, has_ended }
    }

    /// The first keys of the workload; all that there are on a ring of a few identifiers.
    fn followed_keys(&self) -> Vec<Id> {
        let space = self.setup.id_space;
        if let Some(size) = space.size().filter(|size| *size <= FOLLOWED_KEYS) {
            return (0..size).map(|number| space.id(number)).collect();
        }
        let random = Stream::new(self.setup.seed, self.repeat, "keys");
        let mut keys: Vec<Id> = Keys::new(space, FOLLOWED_KEYS, random).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}

/// A path by the places on the ring that matter where a server has several: the one that
/// asked and the one that owns the key.
fn of_tokens(trace: Trace, asked: Address, host: impl Fn(Address) -> Address) -> Vec<Address> {
    let mut path = trace.path;
    if let (Some(owner), Some(last)) = (trace.owner, path.last_mut())
        && *last == host(owner)
    {
        *last = owner;
    }
    match path.first_mut() {
        Some(first) => *first = asked,
        None => path.push(asked),
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::{RouteKey, ring, route};
    use crate::scenario::{Overrides, parse};

    fn plan(text: &str) -> Plan {
        parse("x.json", text, &Overrides::default()).unwrap()
    }

    #[test]
    fn a_ring_that_does_not_move_is_one_frame_and_agrees_with_the_other_views() {
        let plan = plan(
            r#"{"name": "x", "population": {"nodes": 20}, "overlay": {"chord": {"successors": 3}},
                "workload": {"keys": 500}}"#,
        );
        let film = film(&plan, 0, 0).unwrap();
        let view = ring(&plan.base, None).unwrap();
        assert_eq!((film.frames.len(), film.nodes.len(), film.is_crowded), (1, 20, false));
        let states = &film.frames[0].changed;
        assert_eq!(states.iter().filter_map(|state| state.keys).sum::<u64>(), 500);
        let id = |number: usize| film.nodes[number].id.clone();
        for (state, node) in states.iter().zip(&view.nodes) {
            assert_eq!(id(state.node), node.id);
            assert_eq!(state.predecessor.map(id), node.predecessor);
            let successors: Vec<String> = state.successors.iter().map(|n| id(*n)).collect();
            assert_eq!(successors, node.successors);
            for (first, finger) in &state.fingers {
                assert_eq!(finger.map(id), node.fingers[*first as usize].node);
            }
        }
        let [Asked { frame: 0, routes }] = &film.asked[..] else { panic!("{:?}", film.asked) };
        assert_eq!(routes.len(), 12 * 20);
        for (number, shown) in routes.iter().step_by(17) {
            let key = &film.keys[*number].id;
            let from = format!("0x{}", id(shown.path[0]));
            let alone = route(&plan.base, &from, RouteKey::Hex(key), None).unwrap();
            let path: Vec<String> = shown.path.iter().map(|node| id(*node)).collect();
            assert_eq!((path, shown.owner.map(id)), (alone.path, Some(alone.owner)));
            assert!(shown.is_right && shown.timeouts.is_empty());
        }
    }

    #[test]
    fn a_crash_and_what_comes_of_it_are_seen() {
        let plan = plan(
            r#"{"name": "x", "population": {"nodes": 16}, "duration": "60s",
                "overlay": {"chord": {"successors": 4, "stabilize": {"period": "1s"},
                                      "fix_fingers": {"period": "1s"},
                                      "check_predecessor": {"period": "1s"}}},
                "faults": [{"at": "20s", "crash": {"random": 4}}]}"#,
        );
        let film = film(&plan, 0, 0).unwrap();
        let strike = film.frames.iter().position(|frame| !frame.gone.is_empty()).unwrap();
        let frame = &film.frames[strike];
        assert_eq!(frame.gone.len(), 4);
        assert!((frame.seconds - 20.0).abs() < 1e-6, "{}", frame.seconds);
        assert!(frame.happenings[0].what.starts_with("crash of 4 servers"));
        let mended = film.frames.last().unwrap();
        assert!(film.frames.len() > strike + 1 && mended.gone.is_empty());
        // In the end nobody who is there points at anybody who is not.
        let mut last = BTreeMap::new();
        for state in film.frames.iter().flat_map(|frame| &frame.changed) {
            last.insert(state.node, state);
        }
        last.retain(|node, _| !frame.gone.contains(node));
        let pointers = last.values().flat_map(|state| &state.successors);
        assert_eq!(pointers.filter(|to| frame.gone.contains(to)).count(), 0);
        let asked_at = |frame: usize| {
            let asked = film.asked.iter().find(|asked| asked.frame == frame).unwrap();
            asked.routes.iter().map(|(_, route)| route)
        };
        assert!(asked_at(film.frames.len() - 1).all(|route| route.is_right));
        // A small ring is followed at all its moments: before the crash nobody waits for
        // anybody, right after it some do.
        assert_eq!(film.asked.len(), film.frames.len());
        assert!(asked_at(strike - 1).all(|route| route.is_right && route.timeouts.is_empty()));
        assert!(asked_at(strike).any(|route| !route.timeouts.is_empty()));
        assert!(asked_at(strike).all(|route| !frame.gone.contains(&route.path[0])));
    }

    #[test]
    fn lookups_of_the_run_stand_with_their_moments_and_change_nothing() {
        let plan = plan(
            r#"{"name": "x", "population": {"nodes": 16}, "duration": "60s", "repeat": 2,
                "network": {"service_time": "1ms"},
                "overlay": {"chord": {"successors": 4, "stabilize": {"period": "2s"},
                                      "fix_fingers": {"period": "2s"},
                                      "check_predecessor": {"period": "2s"}}},
                "workload": {"lookups": {"arrivals": "poisson", "interval": "2s"}},
                "faults": [{"at": "20s", "crash": {"random": 4}}]}"#,
        );
        let [first, second] = [0, 1].map(|repeat| film(&plan, 0, repeat).unwrap());
        assert_ne!(first.nodes, second.nodes);
        for (repeat, film) in [(0, first), (1, second)] {
            assert!(film.is_crowded);
            let run = crate::experiment::simulate(&plan.base, repeat);
            assert_eq!(film.frames.iter().map(|frame| frame.lookups).sum::<u64>(), run.issued);
            let mut next = film.frames.iter().map(|frame| frame.seconds).skip(1);
            for frame in &film.frames {
                let (from, to) = (frame.seconds, next.next().unwrap_or(f64::MAX));
                let kept = &frame.of_the_run;
                assert!(kept.len() as u64 <= frame.lookups && kept.len() <= KEPT);
                assert!(kept.iter().all(|one| one.seconds >= from && one.seconds < to));
                assert!(kept.is_sorted_by_key(|one| one.seconds.to_bits()));
            }
            let kept = || film.frames.iter().flat_map(|frame| &frame.of_the_run);
            // What is asked a second before the crash is answered before it.
            assert!(kept().filter(|one| one.seconds < 19.0).all(|one| one.route.is_right));
            let troubled = kept().filter(|one| !one.route.timeouts.is_empty()).count();
            assert!(troubled > 0 && troubled as u64 <= run.lookup_timeouts, "{troubled}");
        }
    }

    #[test]
    fn large_rings_and_systems_without_one_are_not_shown() {
        let large = r#"{"name": "x", "population": {"nodes": 301}, "overlay": {"chord": {}}}"#;
        assert_eq!(film(&plan(large), 0, 0), None);
        assert_eq!(filmable(&plan(large)), [0; 0]);
        let tracker = r#"{
            "name": "x", "population": {"nodes": 9}, "overlay": {"tracker": {}}, "duration": "1min"
        }"#;
        assert_eq!(film(&plan(tracker), 0, 0), None);
        assert_eq!(filmable(&plan(tracker)), [0; 0]);
        let both = r#"{"name": "x", "population": {"nodes": 8}, "overlay": {"chord": {}},
            "sweep": {"population.nodes": [301, 8, 9]}}"#;
        assert_eq!(filmable(&plan(both)), [1, 2]);
    }
}
