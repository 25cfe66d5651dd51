//! How much memory a run will take and how long it will be, about, before it begins.
//!
//! What grows with the number of nodes, keys and requests is counted; the rest is a constant.
//! Sizes are those of the types, and what overlays say of themselves ([`NodeEstimate`]); what is
//! neither stands as a constant at the top of this file, fitted to processes that were measured
//! (the tests say which). A converged system in which nothing goes wrong is meant: where many
//! requests stay without an answer, or servers are overloaded, more waits than is counted here.
//!
//! [`NodeEstimate`]: crate::overlay::NodeEstimate

use std::net::SocketAddrV4;

use super::build::{self, Task};
use crate::id::Id;
use crate::overlay::{NodeEstimate, Overlay};
use crate::population::Population;
use crate::scenario::{Plan, Setup, format};
use crate::sim::{Address, Duration, Sizes, Stream, Time};
use crate::workload::{ChurnPlan, RandomChurn, Rejoin};

/// A process that simulates next to nothing.
const PROCESS: f64 = 7.0e6;
/// What a run takes however few nodes it has: tables of a fixed size, histograms.
const RUN: f64 = 0.5e6;
/// An identity in the tables of the network, of places and of who is up.
const TABLES_PER_IDENTITY: f64 = 40.0;
/// A node in the oracle's ring: 16 bytes, and its share of an arc's table and slack.
const RING_PER_NODE: f64 = 40.0;
/// The results of a server when the run ends, with what sorting them takes.
const RESULTS_PER_SERVER: f64 = 64.0;
/// What stays of them until the other repeats of the point are done.
const KEPT_PER_SERVER: f64 = 16.0;
/// A lookup, put or get that is followed until it is answered.
const FOLLOWED_REQUEST: f64 = 170.0;
/// A stored key in the ledger.
const LEDGER_PER_KEY: f64 = 48.0;
/// The last chunk of every list in the queue is not full.
const CHUNKS: f64 = 1.1;
/// A table that grows has room to spare: twice its size at the most.
const SLACK: f64 = 1.5;
/// The mean delay of a message where it is not given by a single number.
const ANY_DELAY: Duration = Duration::from_millis(100);

/// Bytes that a process takes, about, for this many runs of a scenario at a time, those that
/// take the most.
pub fn process_bytes(plan: &Plan, runs_at_a_time: usize) -> u64 {
    let mut points: Vec<f64> =
        plan.points.iter().map(|point| run_bytes(&point.setup, plan.repeat)).collect();
    points.sort_unstable_by(|one, other| other.total_cmp(one));
    let repeats = plan.repeat as usize;
    let runs = points.iter().flat_map(|bytes| std::iter::repeat_n(bytes, repeats));
    (PROCESS + runs.take(runs_at_a_time).sum::<f64>()) as u64
}

/// Events that all runs of a scenario have together, about: within a factor of a few.
pub fn events(plan: &Plan) -> f64 {
    plan.points.iter().map(|point| run_events(&point.setup)).sum::<f64>() * f64::from(plan.repeat)
}

/// Events that one run has, about: within a factor of a few.
pub fn run_events(setup: &Setup) -> f64 {
    estimate(setup, 1).events
}

/// Bytes that one run takes, about, besides those of the process.
fn run_bytes(setup: &Setup, repeats: u32) -> f64 {
    estimate(setup, repeats).bytes
}

/// What one run takes, about.
struct Estimated {
    bytes: f64,
    events: f64,
}

fn estimate(setup: &Setup, repeats: u32) -> Estimated {
    // Only parameters are asked for, not for anybody.
    let mut random = Stream::new(setup.seed, 0, "estimate");
    let nobody = Population::draw(setup.id_space, 0, setup.virtual_nodes as usize, &mut random);
    build::with_protocol(setup, &nobody, Estimate { setup, repeats })
}

struct Estimate<'s> {
    setup: &'s Setup,
    repeats: u32,
}

impl Task for Estimate<'_> {
    type Output = Estimated;

    fn run<P: Overlay>(self, protocol: P) -> Estimated {
        let setup = self.setup;
        let comers = Comers::of(setup);
        let tokens = f64::from(setup.virtual_nodes);
        let is_one_a_server = tokens > 1.0 && protocol.host(Address::new(1)) != Address::new(1);
        let (identities, places) = (comers.identities * tokens, comers.places * tokens);
        let nodes = if is_one_a_server { comers.places } else { places };
        let sizes = Sizes::of::<P>();
        let node = protocol.estimate(nodes as usize);

        let population = size_of::<Id>() + size_of::<SocketAddrV4>();
        let state = places * sizes.node as f64 + nodes * node.heap_bytes as f64;
        let known = identities * (population as f64 + TABLES_PER_IDENTITY) + places * RING_PER_NODE;
        let kept = KEPT_PER_SERVER * f64::from(self.repeats - 1);
        let results = comers.identities * (RESULTS_PER_SERVER + kept);
        let traffic = Traffic::of(setup, nodes, node);
        let parcel = (sizes.message + sizes.event) as f64;
        let open = traffic.open_requests * (FOLLOWED_REQUEST + parcel) * SLACK;
        let pending = nodes * node.timers as f64;
        let queue = pending * sizes.event as f64 * CHUNKS + traffic.under_way * parcel * SLACK;
        let keys = setup.workload.storage.as_ref().map_or(0.0, |storage| f64::from(storage.keys));
        let values =
            keys * (LEDGER_PER_KEY + node.key_bytes as f64) + traffic.gets * node.get_bytes as f64;
        // A message for upkeep is answered, and a timer has set it off.
        let duration = setup.duration.unwrap_or_default();
        let busy = node.busy_for.map_or(duration, |busy_for| busy_for.min(duration));
        let upkeep = nodes * node.messages_per_second * busy.as_secs_f64() * 2.0;
        let initial = setup.joins.as_ref().map_or(setup.servers, |joins| joins.initial);
        let joins = (comers.identities - f64::from(initial)) * tokens * node.join_messages;
        Estimated {
            bytes: RUN + state + known + results + open + queue + values,
            events: nodes + upkeep + joins + traffic.request_messages,
        }
    }
}

/// How many come.
struct Comers {
    /// Servers that there will ever be.
    identities: f64,
    /// Servers that are kept at a time.
    places: f64,
}

impl Comers {
    fn of(setup: &Setup) -> Comers {
        let servers = f64::from(setup.servers);
        let random = match (&setup.churn, setup.duration) {
            (Some(ChurnPlan::Random(random)), Some(duration)) => Some((random, duration)),
            _ => None,
        };
        let Some((churn, duration)) = random else {
            return Comers { identities: servers, places: servers };
        };
        let crowds: f64 = churn.flash_crowds.iter().map(|crowd| f64::from(crowd.nodes)).sum();
        let (newcomers, returns, departures) = churn_counts(churn, duration);
        let identities = servers + crowds + newcomers + returns;
        // Newcomers take the places of those who have gone for good.
        let places = servers + crowds + (newcomers - departures).max(0.0);
        Comers { identities, places: places.min(identities) }
    }
}

/// How many newcomers come, how many come back under another name, and how many go for good.
fn churn_counts(churn: &RandomChurn, duration: Duration) -> (f64, f64, f64) {
    let end = churn.stop.min(Time::ZERO + duration);
    let seconds = end.since(churn.start.min(end)).as_secs_f64();
    let up = f64::from(churn.initial.unwrap_or(churn.machines));
    let every = |period: Option<Duration>| period.map_or(0.0, |mean| seconds / mean.as_secs_f64());
    let mean_seconds = |nanos: f64| (nanos / 1e9).max(1e-3);
    let session = churn.sessions.map_or(f64::INFINITY, |times| mean_seconds(times.mean_nanos()));
    let joins = every(churn.join_every);
    // Somebody has to be there to go.
    let departures = every(churn.depart_every).min(up + joins);
    let Some(downtimes) = churn.downtimes else {
        let ends = (f64::from(churn.machines) + joins) * (seconds / session).min(1.0);
        let gone = departures + ends;
        let replaced = if churn.target.is_some() { gone } else { 0.0 };
        return (joins + replaced, 0.0, gone);
    };
    let away = mean_seconds(downtimes.mean_nanos());
    let returns = f64::from(churn.machines) * seconds / (session + away);
    let replaced = if churn.target.is_some() { departures } else { 0.0 };
    let returns = if churn.rejoin == Rejoin::NewId { returns } else { 0.0 };
    (joins + replaced, returns, departures)
}

/// What is under way.
struct Traffic {
    /// Requests that are open at a time.
    open_requests: f64,
    /// Messages for upkeep that are under way at a time.
    under_way: f64,
    /// Values that are got in all.
    gets: f64,
    /// Messages for requests in all.
    request_messages: f64,
}

impl Traffic {
    fn of(setup: &Setup, nodes: f64, node: NodeEstimate) -> Traffic {
        let delay = mean_delay(setup).as_secs_f64();
        let storage = setup.workload.storage.as_ref();
        let lookups = setup.workload.lookups.as_ref();
        let puts = storage.and_then(|storage| storage.puts.as_ref());
        let gets_asked = storage.and_then(|storage| storage.gets.as_ref());
        // A value is asked for when its owner is found, and sent back.
        let all = [(lookups, 0.0), (puts, 2.0), (gets_asked, 2.0)];
        // How many of them a node makes in all.
        let asked_by_each = |requests: &format::Requests| {
            let most = requests.per_node.map_or(f64::INFINITY, f64::from);
            setup
                .duration
                .map_or(most, |end| most.min(end.as_secs_f64() / requests.interval.0.as_secs_f64()))
        };
        let gets = gets_asked.map_or(0.0, |requests| nodes * asked_by_each(requests));
        let (mut open_requests, mut request_messages) = (0.0, 0.0);
        for (requests, more_messages) in all {
            let Some(requests) = requests else { continue };
            let interval = requests.interval.0.as_secs_f64();
            let asked = asked_by_each(requests);
            let messages = node.lookup_messages + more_messages;
            let open = messages * delay / interval;
            // Nobody has more requests open than it makes.
            open_requests += nodes * open.min(asked);
            request_messages += nodes * asked * messages;
        }
        let under_way = nodes * node.messages_per_second * delay;
        Traffic { open_requests, under_way, gets, request_messages }
    }
}

/// How long a message takes, about.
fn mean_delay(setup: &Setup) -> Duration {
    match &setup.network.latency {
        format::Latency::Constant(span) => span.0,
        format::Latency::Uniform(uniform) => {
            Duration::from_nanos(uniform.from.0.as_nanos().midpoint(uniform.to.0.as_nanos()))
        }
        format::Latency::Exponential(exponential) => exponential.mean.0,
        format::Latency::LogNormal(log_normal) => log_normal.median.0,
        // Two points of a square or cube are half a side apart, about.
        format::Latency::Euclidean(square) => {
            square.base.0 + Duration::from_nanos(square.side.0.as_nanos() / 2)
        }
        format::Latency::TransitStub(_) | format::Latency::Matrix(_) => ANY_DELAY,
    }
}

#[cfg(test)]
mod tests;
