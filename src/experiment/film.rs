//! A ring as it changes: what a reader of a report scrubs through, with the ways of some
//! lookups at its end.
//!
//! One run gives all of it. Nodes and keys are numbered in the order in which the film first
//! speaks of them; a frame says what has changed since the one before.

use std::collections::BTreeMap;

use super::build::{self, Task};
use super::drive::Drive;
use crate::id::Id;
use crate::measure::Trace;
use crate::measure::summary::Happening;
use crate::overlay::Overlay;
use crate::population::Population;
use crate::scenario::{Plan, Setup};
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

/// A ring as it changes.
#[derive(Clone, PartialEq, Debug)]
pub struct Film {
    /// The point of the sweep that it shows, counted from zero, in its first repeat.
    pub point: usize,
    /// The name of the system.
    pub system: &'static str,
    /// *m*.
    pub id_bits: u32,
    /// Whether the nodes keep fingers.
    pub has_fingers: bool,
    /// All nodes that are spoken of.
    pub nodes: Vec<FilmNode>,
    /// What is to be seen, by ascending time.
    pub frames: Vec<Frame>,
    /// The keys whose lookups were followed.
    pub keys: Vec<FilmKey>,
    /// The lookups of these keys from every node that was up in the last frame.
    pub routes: Vec<FilmRoute>,
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
    /// The key.
    pub key: usize,
    /// The nodes at which it stood, from the one that asked on.
    pub path: Vec<usize>,
    /// The node that it was answered with, if it was.
    pub owner: Option<usize>,
}

/// A film of the first point of a scenario whose nodes stand on a ring and are not too many to
/// be shown, in its first repeat. None if there is no such point.
pub fn film(plan: &Plan) -> Option<Film> {
    let small = plan.points.iter().enumerate().filter(|(_, p)| p.setup.nodes() <= MOST_NODES);
    small.into_iter().find_map(|(number, point)| {
        let population = build::population(&point.setup, 0);
        let take = Take { setup: &point.setup, population: &population };
        build::with_protocol(&point.setup, &population, take)
            .map(|film| Film { point: number, ..film })
    })
}

/// The moments of the frames. Where nothing moves, one shows all.
fn moments(setup: &Setup) -> Vec<Time> {
    let moves = setup.duration.is_some()
        || setup.joins.is_some()
        || setup.leaves.is_some()
        || setup.churn.is_some()
        || !setup.faults.is_empty();
    if !moves {
        return vec![Time::ZERO];
    }
    // What ends by itself must be run once to know when.
    let end = setup.duration.unwrap_or_else(|| super::simulate(setup, 0).end.since(Time::ZERO));
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

struct Take<'s> {
    setup: &'s Setup,
    population: &'s Population,
}

impl Task for Take<'_> {
    type Output = Option<Film>;

    fn run<P: Overlay>(self, protocol: P) -> Option<Film> {
        let shape = protocol.ring()?;
        let Take { setup, population } = self;
        let system = protocol.system();
        let moments = moments(setup);
        let mut drive = Drive::new(setup, 0, population, protocol, false);
        let mut camera = Camera::new(setup, population, shape.fingers);
        let end = moments.last().copied();
        for moment in moments {
            drive.run_before(moment);
            camera.shoot(&drive, moment, Some(moment) == end);
        }
        let (keys, routes) = camera.follow(&mut drive);
        Some(Film {
            point: 0,
            system,
            id_bits: setup.id_space.bits(),
            has_fingers: shape.fingers,
            nodes: camera.nodes,
            frames: camera.frames,
            keys,
            routes,
        })
    }
}

struct Camera<'s> {
    setup: &'s Setup,
    population: &'s Population,
    has_fingers: bool,
    /// The keys of the workload in order, unless they are too many.
    keys: Option<Vec<Id>>,
    numbers: BTreeMap<Address, usize>,
    nodes: Vec<FilmNode>,
    frames: Vec<Frame>,
    /// The states of the last frame.
    seen: BTreeMap<Address, NodeState>,
    happenings: usize,
}

impl<'s> Camera<'s> {
    fn new(setup: &'s Setup, population: &'s Population, has_fingers: bool) -> Self {
        let count = setup.workload.keys;
        let keys = (count > 0 && count <= MOST_COUNTED).then(|| {
            let random = Stream::new(setup.seed, 0, "keys");
            let mut keys: Vec<Id> = Keys::new(setup.id_space, count, random).collect();
            keys.sort_unstable();
            keys
        });
        Camera {
            setup,
            population,
            has_fingers,
            keys,
            numbers: BTreeMap::new(),
            nodes: Vec::new(),
            frames: Vec::new(),
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
            self.frames.push(Frame { seconds, changed, gone, happenings });
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

    /// Follows the lookups of some keys from every node that is up.
    fn follow<P: Overlay>(&mut self, drive: &mut Drive<'_, P>) -> (Vec<FilmKey>, Vec<FilmRoute>) {
        let takes_part =
            |state: &NodeState| !matches!(state.standing, Standing::Frozen | Standing::Joining);
        let protocol = drive.protocol();
        let starts = self.seen.iter().filter(|(_, state)| takes_part(state));
        let starts: Vec<(Address, Address)> =
            starts.map(|(address, _)| (*address, protocol.host(*address))).collect();
        let (mut keys, mut routes) = (Vec::new(), Vec::new());
        for (number, key) in self.followed_keys().into_iter().enumerate() {
            let id = self.setup.id_space.hex(key);
            keys.push(FilmKey { id, share: key.as_share_of_ring() });
            let asked: Vec<(Address, Id)> = starts.iter().map(|(_, host)| (*host, key)).collect();
            let traces = drive.trace_all(&asked, PATIENCE);
            for ((start, _), trace) in starts.iter().zip(traces) {
                let path = of_tokens(trace.clone(), *start, |token| drive.protocol().host(token));
                let path = path.into_iter().map(|node| self.number(node)).collect();
                let owner = trace.owner.map(|owner| self.number(owner));
                routes.push(FilmRoute { key: number, path, owner });
            }
        }
        (keys, routes)
    }

    /// The first keys of the workload; all that there are on a ring of a few identifiers.
    fn followed_keys(&self) -> Vec<Id> {
        let space = self.setup.id_space;
        if let Some(size) = space.size().filter(|size| *size <= FOLLOWED_KEYS) {
            return (0..size).map(|number| space.id(number)).collect();
        }
        let random = Stream::new(self.setup.seed, 0, "keys");
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
        let film = film(&plan).unwrap();
        let view = ring(&plan.base, None).unwrap();
        assert_eq!((film.frames.len(), film.nodes.len()), (1, 20));
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
        assert_eq!(film.routes.len(), 12 * 20);
        for shown in film.routes.iter().step_by(17) {
            let key = &film.keys[shown.key].id;
            let from = format!("0x{}", id(shown.path[0]));
            let alone = route(&plan.base, &from, RouteKey::Hex(key), None).unwrap();
            let path: Vec<String> = shown.path.iter().map(|node| id(*node)).collect();
            assert_eq!((path, shown.owner.map(id)), (alone.path, Some(alone.owner)));
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
        let film = film(&plan).unwrap();
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
        assert!(film.routes.iter().all(|route| route.owner.is_some()));
    }

    #[test]
    fn large_rings_and_systems_without_one_are_not_shown() {
        let large = r#"{"name": "x", "population": {"nodes": 301}, "overlay": {"chord": {}}}"#;
        assert_eq!(film(&plan(large)), None);
        let tracker = r#"{
            "name": "x", "population": {"nodes": 9}, "overlay": {"tracker": {}}, "duration": "1min"
        }"#;
        assert_eq!(film(&plan(tracker)), None);
    }
}
