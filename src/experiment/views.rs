//! A ring and a lookup to look at: the answers of `dhtsim ring` and `dhtsim route`.
//!
//! Their JSON is a contract that other programs read: identifiers are lower-case
//! hexadecimal of ⌈m/4⌉ digits.

use serde::Serialize;

use super::build::{self, Task};
use super::drive::Drive;
use crate::id::{Id, IdError};
use crate::overlay::Overlay;
use crate::population::Population;
use crate::scenario::Setup;
use crate::sim::{Address, Time};

/// All nodes of a ring with their pointers, in ring order.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct RingView {
    /// *m*.
    pub id_bits: u32,
    /// The nodes by ascending identifier.
    pub nodes: Vec<RingNodeView>,
}

/// A node of a ring.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct RingNodeView {
    /// Its number in the order in which the nodes were drawn.
    pub index: usize,
    /// Its ip and port.
    pub address: String,
    /// Its identifier.
    pub id: String,
    /// The identifier of the node before it, if it knows.
    pub predecessor: Option<String>,
    /// The identifiers of the nodes after it, nearest first.
    pub successors: Vec<String>,
    /// Its m fingers; none for a node without a finger table.
    pub fingers: Vec<FingerView>,
}

/// A finger.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct FingerView {
    /// Where it starts: the node's identifier + 2^i.
    pub start: String,
    /// The node that it points at, if it knows one.
    pub node: Option<String>,
}

/// The way of one lookup.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct RouteView {
    /// The key's identifier.
    pub key: String,
    /// The identifier of the node that asked.
    pub from: String,
    /// The nodes at which the lookup stood, from the one that asked to the one that knew the
    /// answer: the key's predecessor on a Chord ring, its owner with full membership.
    pub path: Vec<String>,
    /// The node that the lookup answered with.
    pub owner: String,
    /// How often it was passed on: one less than the path is long.
    pub hops: usize,
    /// The path for people to read.
    #[serde(skip)]
    pub steps: Vec<StepView>,
}

/// A node at which a lookup stood.
#[derive(Clone, PartialEq, Debug)]
pub struct StepView {
    /// Its ip and port.
    pub address: String,
    /// Its identifier.
    pub id: String,
    /// The clockwise distance from it to the key.
    pub remaining: String,
    /// That distance as a share of the ring.
    pub remaining_share: f64,
}

/// What a route is looked up for.
#[derive(Clone, Copy, Debug)]
pub enum RouteKey<'a> {
    /// The key with this name.
    Name(&'a str),
    /// This identifier, in hexadecimal.
    Hex(&'a str),
}

/// Why there is no view.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ViewError {
    /// No such node.
    #[error(
        "--from: there is no node {0:?}; give an index, an address (ip:port) or an identifier as `dhtsim ring` lists them"
    )]
    NoNode(String),
    /// The node has not joined at that time.
    #[error("--from: node {0:?} is not up at that time; choose a later --at or another node")]
    NotUp(String),
    /// The system has no ring.
    #[error("overlay: the nodes of a {0} stand on no ring; choose a scenario whose nodes do")]
    NoRing(&'static str),
    /// Not an identifier.
    #[error("--id: {0}; give an identifier in hexadecimal as `dhtsim ring` lists them")]
    Id(#[from] IdError),
    /// The lookup was not answered.
    #[error("the lookup got no answer; its nodes have lost their way (try a later --at)")]
    NoAnswer,
}

/// The ring of a scenario: converged, or as simulated at a moment.
///
/// # Errors
/// [`ViewError::NoRing`] when its system has none.
pub fn ring(setup: &Setup, at: Option<Time>) -> Result<RingView, ViewError> {
    let population = build::population(setup, 0);
    build::with_protocol(setup, &population, ShowRing { setup, population: &population, at })
}

struct ShowRing<'s> {
    setup: &'s Setup,
    population: &'s Population,
    at: Option<Time>,
}

impl Task for ShowRing<'_> {
    type Output = Result<RingView, ViewError>;

    fn run<P: Overlay>(self, protocol: P) -> Self::Output {
        let shape = protocol.ring().ok_or_else(|| ViewError::NoRing(protocol.system()))?;
        let ShowRing { setup, population, at } = self;
        let drive = drive_to(setup, population, protocol, at);
        Ok(view_ring(setup, population, &drive, shape.fingers))
    }
}

/// The way of a lookup over the converged ring of a scenario, or over the one that is
/// simulated at a moment.
///
/// # Errors
/// [`ViewError`] when the system has no ring, the node or the key is unknown, or the lookup
/// gets no answer.
pub fn route(
    setup: &Setup,
    from: &str,
    key: RouteKey<'_>,
    at: Option<Time>,
) -> Result<RouteView, ViewError> {
    let key = match key {
        RouteKey::Name(name) => setup.id_space.hash(name),
        RouteKey::Hex(text) => setup.id_space.parse_hex(text)?,
    };
    let population = build::population(setup, 0);
    let task = ShowRoute { setup, population: &population, from, key, at };
    build::with_protocol(setup, &population, task)
}

struct ShowRoute<'s> {
    setup: &'s Setup,
    population: &'s Population,
    from: &'s str,
    key: Id,
    at: Option<Time>,
}

impl Task for ShowRoute<'_> {
    type Output = Result<RouteView, ViewError>;

    fn run<P: Overlay>(self, protocol: P) -> Self::Output {
        let ShowRoute { setup, population, from, key, at } = self;
        protocol.ring().ok_or_else(|| ViewError::NoRing(protocol.system()))?;
        let asked = population.find(setup.id_space, from);
        let asked = asked.ok_or_else(|| ViewError::NoNode(from.to_owned()))?;
        let origin = protocol.host(asked);
        let mut drive = drive_to(setup, population, protocol, at);
        if drive.node(origin).is_none() {
            return Err(ViewError::NotUp(from.to_owned()));
        }
        let trace = drive.trace(origin, key);
        let owner = trace.owner.ok_or(ViewError::NoAnswer)?;
        let mut path = trace.path;
        // Of the places of a server, those that matter: the one asked for and the one that owns.
        if let Some(last) = path.last_mut().filter(|last| **last == drive.protocol().host(owner)) {
            *last = owner;
        }
        path[0] = asked;
        Ok(view_route(setup, population, key, &path, owner))
    }
}

fn drive_to<'s, P: Overlay>(
    setup: &'s Setup,
    population: &'s Population,
    protocol: P,
    at: Option<Time>,
) -> Drive<'s, P> {
    let mut drive = Drive::new(setup, 0, population, protocol, at.is_none());
    if let Some(at) = at {
        drive.run_before(at);
    }
    drive
}

fn view_ring<P: Overlay>(
    setup: &Setup,
    population: &Population,
    drive: &Drive<'_, P>,
    has_fingers: bool,
) -> RingView {
    let space = setup.id_space;
    let id = |address: Address| population.ids[address.index()];
    let hex = |address: Address| space.hex(id(address));
    let protocol = drive.protocol();
    let view_node = |address: Address| {
        let node = drive.node(protocol.host(address)).expect("the nodes of the ring are up");
        let neighbours = protocol.neighbours(node, address, &population.ids);
        let finger = |index| FingerView {
            start: space.hex(id(address).plus(space.power_of_two(index))),
            node: protocol.finger(node, index).map(hex),
        };
        RingNodeView {
            index: address.index(),
            address: population.sockets[address.index()].to_string(),
            id: hex(address),
            predecessor: neighbours.predecessor.map(hex),
            successors: neighbours.successors.into_iter().map(hex).collect(),
            fingers: (0..space.bits()).filter(|_| has_fingers).map(finger).collect(),
        }
    };
    RingView { id_bits: space.bits(), nodes: drive.ring().iter().map(view_node).collect() }
}

fn view_route(
    setup: &Setup,
    population: &Population,
    key: Id,
    path: &[Address],
    owner: Address,
) -> RouteView {
    let space = setup.id_space;
    let hex = |address: Address| space.hex(population.ids[address.index()]);
    let step = |address: &Address| {
        let remaining = population.ids[address.index()].distance_to(key);
        StepView {
            address: population.sockets[address.index()].to_string(),
            id: hex(*address),
            remaining: space.hex(remaining),
            remaining_share: remaining.as_share_of_ring(),
        }
    };
    RouteView {
        key: space.hex(key),
        from: hex(path[0]),
        path: path.iter().copied().map(hex).collect(),
        owner: hex(owner),
        hops: path.len() - 1,
        steps: path.iter().map(step).collect(),
    }
}
