//! What one simulation gave, raw; and how the tallies of several repeats become the
//! results of a point.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hasher;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::LatencyHistogram;
use super::metrics::find_series;
use super::statistics::{confidence_95, gini, mean, percentile};
use super::summary::{
    Bins, Contacted, Distribution, Downloads, Failures, FaultEffects, Forwards, Gets, Happening,
    Hops, Joins, Load, Lookups, MessageCount, MessageRate, Point, Puts, Retries, RingHealth,
    RoutingEntries, Storage, Timeline, Timeouts, Values, Waiting,
};
use crate::sim::{Digest, Duration, Time};

/// A load histogram has at most this many bins.
const MAX_BINS: u64 = 1024;

/// What asks for a value and brings it, whichever system it is; the search for whom to ask
/// serves lookups.
const GET_KINDS: [&str; 3] = ["fetch", "fetch_answer", "file"];
/// What a newcomer to Chord sends for its own pointers, in contrast to those of others.
const TABLE_KINDS: [&str; 9] = [
    "join_query",
    "join_answer",
    "previous_predecessor",
    "init_finger_query",
    "init_finger_answer",
    "table_request",
    "table",
    "hint_query",
    "hint_answer",
];

/// The raw results of one simulation.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Tally {
    /// The system that ran.
    pub system: String,
    /// Lookups asked.
    pub issued: u64,
    /// Lookups answered with the owner.
    pub correct: u64,
    /// Lookups answered with another node.
    pub incorrect: u64,
    /// Lookups not answered.
    pub failures: Failures,
    /// Answered lookups by their hops.
    pub hops: Vec<u64>,
    /// Time to the answer.
    pub latency: LatencyHistogram,
    /// Time to the answer over the direct round trip, as so many milliseconds.
    pub stretch: LatencyHistogram,
    /// How often lookups came to a node other than their origin.
    pub contacted: u64,
    /// The most of one lookup.
    pub max_contacted: u64,
    /// Finished lookups by their time-outs.
    pub timeouts: Vec<u64>,
    /// The same without those of owners that were asked for a sign of life.
    pub path_timeouts: Vec<u64>,
    /// Time-outs of lookups.
    pub lookup_timeouts: u64,
    /// The most of one lookup.
    pub max_timeouts: u64,
    /// Time-outs of lookups that stood at the key's predecessor already.
    pub owner_timeouts: u64,
    /// Times that a lookup began again.
    pub retries: u64,
    /// Time-outs of lookups and maintenance.
    pub all_timeouts: u64,
    /// Times that a lookup was passed on.
    pub forwards: u64,
    /// Those that at least halved the distance to the key's predecessor.
    pub halving_forwards: u64,
    /// Keys on each server.
    pub keys: Vec<u64>,
    /// Messages handled by each server.
    pub handled: Vec<u64>,
    /// Messages sent by kind.
    pub messages: Vec<MessageCount>,
    /// What had been counted when the first fault struck, if one did.
    pub before_fault: Option<BeforeFault>,
    /// The pointers at the end.
    pub ring: RingHealth,
    /// Nodes that joined and left.
    pub joins: JoinTally,
    /// Puts and gets.
    pub storage: StorageTally,
    /// Downloads of the shared file.
    pub downloads: DownloadTally,
    /// How messages waited for busy nodes.
    pub waiting: Waiting,
    /// Requests made after the first fault.
    pub after_fault: AfterFault,
    /// For each node that was up at the end, how many others it kept track of.
    pub routing_entries: Vec<u64>,
    /// What broke, and when it was over.
    pub happenings: Vec<Happening>,
    /// What a reader must know besides.
    pub notices: Vec<String>,
    /// What was sampled.
    pub timeline: Vec<Sample>,
    /// Seconds that nodes were up, all together.
    pub node_seconds: f64,
    /// Addresses drawn anew.
    pub collisions: u64,
    /// Nodes on the ring.
    pub nodes: u64,
    /// Events processed.
    pub events: u64,
    /// The fingerprint of all of them.
    pub digest: u64,
    /// When the warm-up ended.
    pub counted_from: Time,
    /// When the run ended.
    pub end: Time,
}

/// Nodes that joined and left.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct JoinTally {
    /// Joins begun.
    pub issued: u64,
    /// Joins completed.
    pub completed: u64,
    /// Joins and leaves after which a pointer was wrong, of those that were checked.
    pub wrong: u64,
    /// Nodes asked to leave.
    pub leaves: u64,
    /// From the beginning of a join to its completion.
    pub time: LatencyHistogram,
}

/// Puts and gets.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct StorageTally {
    /// What came of the puts.
    pub puts: Puts,
    /// What came of the gets.
    pub gets: Gets,
    /// Time to the acknowledgement of a put.
    pub put_latency: LatencyHistogram,
    /// Time to the answer of a get.
    pub get_latency: LatencyHistogram,
    /// Hops of the answered gets, all together.
    pub get_hops: u64,
    /// Times that a request came to a node that was not the right one.
    pub misdirected: u64,
    /// The values at the end.
    pub values: Values,
}

/// Downloads of the shared file.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct DownloadTally {
    /// Begun.
    pub issued: u64,
    /// Completed.
    pub completed: u64,
    /// From the beginning to the completion.
    pub time: LatencyHistogram,
}

/// What had been counted when the first fault struck: what joins and gets cost is what they
/// cost a system that nothing has broken.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct BeforeFault {
    /// Messages sent by kind.
    pub messages: Vec<MessageCount>,
    /// Joins and leaves.
    pub joins: JoinTally,
    /// Gets asked.
    pub gets: u64,
}

/// Requests made after the first fault.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct AfterFault {
    /// Made.
    pub issued: u64,
    /// Those that were not answered, or not rightly.
    pub wrong: u64,
    /// From the fault to the last of them.
    pub outage: Duration,
}

impl AfterFault {
    pub(super) fn count_wrong(&mut self, issued: Time, fault: Option<Time>) {
        if let Some(fault) = fault.filter(|fault| issued >= *fault) {
            self.wrong += 1;
            self.outage = self.outage.max(issued.since(fault));
        }
    }
}

/// Quantities at a moment, by their names in [`SERIES`](super::metrics::SERIES).
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Sample {
    /// The moment.
    pub at: Time,
    /// The quantities; what could not be measured is left out.
    #[serde(deserialize_with = "known_series")]
    pub values: BTreeMap<&'static str, f64>,
}

/// Reads values back, whose names are those of [`SERIES`](super::metrics::SERIES).
fn known_series<'de, D>(deserializer: D) -> Result<BTreeMap<&'static str, f64>, D::Error>
where
    D: Deserializer<'de>,
{
    let values = BTreeMap::<String, f64>::deserialize(deserializer)?;
    let known = |(name, value): (String, f64)| {
        let series = find_series(&name).map(|series| (series.name, value));
        series.ok_or_else(|| D::Error::custom(format!("{name} is not the name of a series")))
    };
    values.into_iter().map(known).collect()
}

impl Tally {
    pub(super) fn count_hops(&mut self, hops: usize) {
        count(&mut self.hops, hops);
    }

    /// A lookup has ended with so many time-outs, some of them of owners asked for a sign of
    /// life.
    pub(super) fn count_timeouts(&mut self, timeouts: u32, of_owners: u32) {
        self.lookup_timeouts += u64::from(timeouts);
        self.owner_timeouts += u64::from(of_owners);
        self.max_timeouts = self.max_timeouts.max(u64::from(timeouts));
        count(&mut self.timeouts, timeouts as usize);
        count(&mut self.path_timeouts, (timeouts - of_owners) as usize);
    }

    fn mean_hops(&self) -> Option<f64> {
        let answered: u64 = self.hops.iter().sum();
        let total: u64 = self.hops.iter().zip(0..).map(|(count, hops)| count * hops).sum();
        (answered > 0).then(|| total as f64 / answered as f64)
    }

    fn mean_contacted(&self) -> Option<f64> {
        self.per_lookup(self.contacted)
    }

    fn mean_timeouts(&self) -> Option<f64> {
        self.per_lookup(self.lookup_timeouts)
    }

    fn mean_path_timeouts(&self) -> Option<f64> {
        self.per_lookup(self.lookup_timeouts - self.owner_timeouts)
    }

    fn mean_retries(&self) -> Option<f64> {
        self.per_lookup(self.retries)
    }

    fn per_lookup(&self, count: u64) -> Option<f64> {
        (self.issued > 0).then(|| count as f64 / self.issued as f64)
    }
}

fn count(counts: &mut Vec<u64>, number: usize) {
    if number >= counts.len() {
        counts.resize(number + 1, 0);
    }
    counts[number] += 1;
}

/// The results of the point with these swept parameters from the tallies of its
/// repeats.
///
/// # Panics
/// Without a tally.
pub fn summarize(params: Map<String, Value>, tallies: &[Tally]) -> Point {
    let first = tallies.first().expect("a point has at least one repeat");
    let average = |get: fn(&Tally) -> f64| mean(&tallies.iter().map(get).collect::<Vec<_>>());
    let sum = |get: fn(&Tally) -> u64| tallies.iter().map(get).sum::<u64>();
    let node_seconds = average(|tally| tally.node_seconds);
    Point {
        params,
        system: first.system.clone(),
        repeats: tallies.len() as u32,
        digest: digest_of(tallies),
        servers: first.keys.len() as u64,
        nodes: first.nodes,
        id_collisions: average(|tally| tally.collisions as f64),
        events: average(|tally| tally.events as f64),
        simulated_seconds: average(|tally| tally.end.since(Time::ZERO).as_secs_f64()),
        measured_seconds: average(|tally| tally.end.since(tally.counted_from).as_secs_f64()),
        hops: hops(tallies),
        lookups: lookups(tallies),
        latency_ms: distribution(tallies, |tally| &tally.latency),
        stretch: distribution(tallies, |tally| &tally.stretch),
        contacted: contacted(tallies),
        timeouts: timeouts(tallies),
        retries: Retries {
            mean: mean_and_interval(tallies.iter().map(Tally::mean_retries)).0,
            total: sum(|tally| tally.retries),
        },
        forwards: Forwards {
            total: sum(|tally| tally.forwards),
            halving: sum(|tally| tally.halving_forwards),
            not_halving: sum(|tally| tally.forwards - tally.halving_forwards),
        },
        keys_per_node: load(tallies, |tally| &tally.keys),
        messages_per_node: load(tallies, |tally| &tally.handled),
        messages: messages(tallies, node_seconds),
        ring: ring_health(tallies),
        joins: joins(tallies),
        storage: storage(tallies),
        downloads: Downloads {
            issued: sum(|tally| tally.downloads.issued),
            completed: sum(|tally| tally.downloads.completed),
            seconds: in_seconds(&distribution(tallies, |tally| &tally.downloads.time)),
        },
        waiting: waiting(tallies),
        after_fault: after_fault(tallies),
        routing_entries: RoutingEntries {
            mean: average(|tally| mean_of(&tally.routing_entries).unwrap_or(0.0)),
            max: tallies.iter().flat_map(|t| t.routing_entries.iter().copied()).max().unwrap_or(0),
        },
        node_seconds,
        happenings: first.happenings.clone(),
        notices: notices(tallies),
        timeline: timeline(tallies),
    }
}

fn mean_of(loads: &[u64]) -> Option<f64> {
    let total: u64 = loads.iter().sum();
    (!loads.is_empty()).then(|| total as f64 / loads.len() as f64)
}

/// The digest of a single run is its own; that of several is over theirs in order.
fn digest_of(tallies: &[Tally]) -> String {
    if let [tally] = tallies {
        return format!("{:016x}", tally.digest);
    }
    let mut digest = Digest::default();
    for tally in tallies {
        digest.write_u64(tally.digest);
    }
    format!("{:016x}", digest.finish())
}

/// The mean of the repeats that have a value, and its interval.
fn mean_and_interval(values: impl Iterator<Item = Option<f64>>) -> (f64, Option<f64>) {
    let values: Vec<f64> = values.flatten().collect();
    (mean(&values), confidence_95(&values))
}

fn hops(tallies: &[Tally]) -> Hops {
    let histogram = sum_of_counts(tallies, |tally| &tally.hops);
    let percentile = |percent: u64| percentile_of_counts(&histogram, percent);
    let (mean, ci95) = mean_and_interval(tallies.iter().map(Tally::mean_hops));
    let forwarded: u64 = histogram.iter().skip(1).sum();
    let forwards: u64 = histogram.iter().zip(0..).map(|(count, hops)| count * hops).sum();
    Hops {
        mean,
        ci95,
        mean_forwarded: forwards as f64 / forwarded.max(1) as f64,
        p1: percentile(1),
        p50: percentile(50),
        p99: percentile(99),
        max: histogram.len().saturating_sub(1) as u64,
        histogram,
    }
}

/// How many there are of each number, over all repeats.
fn sum_of_counts(tallies: &[Tally], get: fn(&Tally) -> &Vec<u64>) -> Vec<u64> {
    let longest = tallies.iter().map(|tally| get(tally).len()).max().unwrap_or(0);
    let count = |number: usize| tallies.iter().filter_map(|tally| get(tally).get(number)).sum();
    (0..longest).map(count).collect()
}

/// The smallest number that so many percent of the counted do not exceed.
fn percentile_of_counts(counts: &[u64], percent: u64) -> u64 {
    let rank = (counts.iter().sum::<u64>() * percent).div_ceil(100).max(1);
    let mut below = 0;
    let reached = counts.iter().position(|count| {
        below += count;
        below >= rank
    });
    reached.unwrap_or(0) as u64
}

fn lookups(tallies: &[Tally]) -> Lookups {
    let mut sum = Lookups::default();
    for tally in tallies {
        sum.issued += tally.issued;
        sum.correct += tally.correct;
        sum.incorrect += tally.incorrect;
        sum.failures += tally.failures;
    }
    sum.failed = sum.failures.total();
    sum
}

fn distribution(tallies: &[Tally], get: fn(&Tally) -> &LatencyHistogram) -> Distribution {
    let mut all = LatencyHistogram::default();
    for tally in tallies {
        all.merge(get(tally));
    }
    let (mean, ci95) = mean_and_interval(tallies.iter().map(|tally| get(tally).mean_ms()));
    Distribution {
        mean,
        ci95,
        p1: all.percentile_ms(1),
        p10: all.percentile_ms(10),
        p50: all.percentile_ms(50),
        p90: all.percentile_ms(90),
        p99: all.percentile_ms(99),
        max: all.max_ms(),
    }
}

fn in_seconds(ms: &Distribution) -> Distribution {
    let seconds = |ms: f64| ms / 1000.0;
    Distribution {
        mean: seconds(ms.mean),
        ci95: ms.ci95.map(seconds),
        p1: seconds(ms.p1),
        p10: seconds(ms.p10),
        p50: seconds(ms.p50),
        p90: seconds(ms.p90),
        p99: seconds(ms.p99),
        max: seconds(ms.max),
    }
}

/// Messages, and their bytes, of the kinds that a condition chooses, until something broke.
fn traffic(tally: &Tally, chosen: impl Fn(&MessageCount) -> bool) -> (f64, f64) {
    let messages = tally.before_fault.as_ref().map_or(&tally.messages, |before| &before.messages);
    let of = messages.iter().filter(|count| chosen(count));
    of.fold((0.0, 0.0), |(messages, bytes), count| (messages + count.messages, bytes + count.bytes))
}

fn joins(tallies: &[Tally]) -> Joins {
    let sum = |get: fn(&JoinTally) -> u64| tallies.iter().map(|tally| get(&tally.joins)).sum();
    let a_join = |chosen: fn(&MessageCount) -> bool, of: fn(&JoinTally) -> u64| {
        let of_run = |tally: &Tally| {
            let joins = tally.before_fault.as_ref().map_or(&tally.joins, |before| &before.joins);
            let count = of(joins);
            let (messages, bytes) = traffic(tally, chosen);
            (count > 0).then(|| (messages / count as f64, bytes / count as f64))
        };
        let runs: Vec<_> = tallies.iter().filter_map(of_run).collect();
        let messages: Vec<f64> = runs.iter().map(|(messages, _)| *messages).collect();
        let bytes: Vec<f64> = runs.iter().map(|(_, bytes)| *bytes).collect();
        (mean(&messages), confidence_95(&messages), mean(&bytes))
    };
    let (messages, messages_ci95, bytes) =
        a_join(|count| count.purpose == "membership", |joins| joins.issued + joins.leaves);
    let (keys_moved, _, bytes_moved) =
        a_join(|count| count.kind == "hand_over_join", |joins| joins.issued);
    let (table_messages, ..) =
        a_join(|count| TABLE_KINDS.contains(&count.kind.as_str()), |joins| joins.issued);
    let (keys_moved_by_leave, ..) =
        a_join(|count| count.kind == "hand_over_leave", |joins| joins.leaves);
    Joins {
        issued: sum(|joins| joins.issued),
        completed: sum(|joins| joins.completed),
        wrong: sum(|joins| joins.wrong),
        leaves: sum(|joins| joins.leaves),
        messages,
        messages_ci95,
        bytes,
        table_messages,
        keys_moved,
        bytes_moved,
        keys_moved_by_leave,
        time_ms: distribution(tallies, |tally| &tally.joins.time),
    }
}

fn storage(tallies: &[Tally]) -> Storage {
    let mut puts = Puts::default();
    let mut gets = Gets::default();
    let mut values = Values::default();
    let (mut hops, mut misdirected) = (0, 0);
    for StorageTally { puts: p, gets: g, values: v, get_hops, misdirected: m, .. } in
        tallies.iter().map(|tally| &tally.storage)
    {
        puts.issued += p.issued;
        puts.stored += p.stored;
        puts.failures += p.failures;
        gets.issued += g.issued;
        gets.correct += g.correct;
        gets.old += g.old;
        gets.missing += g.missing;
        gets.failures += g.failures;
        values.put += v.put;
        values.lost += v.lost;
        values.unavailable += v.unavailable;
        values.copies += v.copies;
        hops += get_hops;
        misdirected += m;
    }
    puts.failed = puts.failures.total();
    gets.failed = gets.failures.total();
    let answered = gets.correct + gets.old + gets.missing;
    let messages_of_get = |tally: &Tally| {
        let gets = tally.before_fault.as_ref().map_or(tally.storage.gets.issued, |b| b.gets);
        let (messages, _) = traffic(tally, |count| {
            count.purpose == "lookup" || GET_KINDS.contains(&count.kind.as_str())
        });
        (gets > 0).then(|| messages / gets as f64)
    };
    Storage {
        get_messages: mean_and_interval(tallies.iter().map(messages_of_get)).0,
        get_hops: hops as f64 / answered.max(1) as f64,
        put_ms: distribution(tallies, |tally| &tally.storage.put_latency),
        get_ms: distribution(tallies, |tally| &tally.storage.get_latency),
        puts,
        gets,
        misdirected,
        values,
    }
}

fn waiting(tallies: &[Tally]) -> Waiting {
    let average = |get: fn(&Waiting) -> f64| {
        mean(&tallies.iter().map(|tally| get(&tally.waiting)).collect::<Vec<_>>())
    };
    Waiting {
        mean_ms: average(|waiting| waiting.mean_ms),
        busiest_ms: average(|waiting| waiting.busiest_ms),
        max_ms: tallies.iter().map(|tally| tally.waiting.max_ms).fold(0.0, f64::max),
    }
}

fn after_fault(tallies: &[Tally]) -> FaultEffects {
    let sum = |get: fn(&AfterFault) -> u64| -> u64 {
        tallies.iter().map(|tally| get(&tally.after_fault)).sum()
    };
    let outages: Vec<f64> =
        tallies.iter().map(|tally| tally.after_fault.outage.as_secs_f64()).collect();
    FaultEffects {
        issued: sum(|after| after.issued),
        wrong: sum(|after| after.wrong),
        outage_seconds: mean(&outages),
    }
}

/// The notices of a single repeat as they are. Of several every one once, with in how many of
/// them it stands; those that differ in their numbers only are the same.
fn notices(tallies: &[Tally]) -> Vec<String> {
    if let [tally] = tallies {
        return tally.notices.clone();
    }
    let wording = |notice: &str| notice.replace(|c: char| c.is_ascii_digit() || c == '.', "");
    // With the first that is worded so, the repeats of all, and whether they are all alike.
    let mut distinct: Vec<(String, &str, BTreeSet<usize>, bool)> = Vec::new();
    for (repeat, tally) in tallies.iter().enumerate() {
        for notice in &tally.notices {
            let words = wording(notice);
            match distinct.iter_mut().find(|(other, ..)| *other == words) {
                Some((_, first, repeats, are_alike)) => {
                    repeats.insert(repeat);
                    *are_alike &= first == notice;
                }
                None => distinct.push((words, notice, BTreeSet::from([repeat]), true)),
            }
        }
    }
    let all = tallies.len();
    let in_words = |(_, notice, repeats, are_alike): (String, &str, BTreeSet<usize>, bool)| {
        let such_as = if are_alike { "" } else { ", such as" };
        match repeats.len() {
            every if every == all && are_alike => notice.to_owned(),
            every if every == all => format!("in all {all} repeats{such_as}: {notice}"),
            some => format!("in {some} of {all} repeats{such_as}: {notice}"),
        }
    };
    distinct.into_iter().map(in_words).collect()
}

/// The mean over the repeats of what was sampled at the same moment.
fn timeline(tallies: &[Tally]) -> Timeline {
    let moments = tallies.iter().map(|tally| tally.timeline.len()).min().unwrap_or(0);
    let mut timeline = Timeline::default();
    for moment in 0..moments {
        let samples: Vec<&Sample> = tallies.iter().map(|tally| &tally.timeline[moment]).collect();
        timeline.seconds.push(samples[0].at.since(Time::ZERO).as_secs_f64());
        for name in samples.iter().flat_map(|sample| sample.values.keys()) {
            let series = timeline.series.entry((*name).to_owned()).or_default();
            if series.len() <= moment {
                let values: Vec<f64> =
                    samples.iter().filter_map(|sample| sample.values.get(name).copied()).collect();
                series.resize(moment, None);
                series.push(Some(mean(&values)));
            }
        }
    }
    for series in timeline.series.values_mut() {
        series.resize(moments, None);
    }
    timeline
}

fn contacted(tallies: &[Tally]) -> Contacted {
    let (mean, ci95) = mean_and_interval(tallies.iter().map(Tally::mean_contacted));
    let max = tallies.iter().map(|tally| tally.max_contacted).max().unwrap_or(0);
    Contacted { mean, ci95, max }
}

fn timeouts(tallies: &[Tally]) -> Timeouts {
    let (mean, ci95) = mean_and_interval(tallies.iter().map(Tally::mean_timeouts));
    let all = sum_of_counts(tallies, |tally| &tally.timeouts);
    let on_path = sum_of_counts(tallies, |tally| &tally.path_timeouts);
    Timeouts {
        mean,
        ci95,
        p1: percentile_of_counts(&all, 1),
        p99: percentile_of_counts(&all, 99),
        path_p1: percentile_of_counts(&on_path, 1),
        path_p99: percentile_of_counts(&on_path, 99),
        path_mean: mean_and_interval(tallies.iter().map(Tally::mean_path_timeouts)).0,
        max: tallies.iter().map(|tally| tally.max_timeouts).max().unwrap_or(0),
        total: tallies.iter().map(|tally| tally.lookup_timeouts).sum(),
        all: tallies.iter().map(|tally| tally.all_timeouts).sum(),
    }
}

fn load(tallies: &[Tally], get: fn(&Tally) -> &Vec<u64>) -> Load {
    let mut all: Vec<u64> = tallies.iter().flat_map(|tally| get(tally).iter().copied()).collect();
    all.sort_unstable();
    let (mean, ci95) = mean_and_interval(tallies.iter().map(|tally| mean_of(get(tally))));
    // The mean over the repeats of most over mean, and of mean over most.
    let ratios = |ratio: fn(f64, f64) -> f64| {
        let of_run = |tally: &Tally| {
            let most = get(tally).iter().copied().max().filter(|most| *most > 0)?;
            mean_of(get(tally)).map(|mean| ratio(most as f64, mean))
        };
        mean_and_interval(tallies.iter().map(of_run)).0
    };
    Load {
        mean,
        ci95,
        p1: percentile(&all, 1),
        p50: percentile(&all, 50),
        p99: percentile(&all, 99),
        max: all.last().copied().unwrap_or(0),
        max_over_mean: ratios(|most, mean| most / mean),
        efficiency: ratios(|most, mean| mean / most),
        gini: gini(&all),
        histogram: bins(&all),
    }
}

fn bins(ascending: &[u64]) -> Bins {
    let Some(max) = ascending.last() else { return Bins { width: 1, counts: Vec::new() } };
    let width = max / MAX_BINS + 1;
    let mut counts = vec![0; (max / width) as usize + 1];
    for value in ascending {
        counts[(value / width) as usize] += 1;
    }
    Bins { width, counts }
}

fn messages(tallies: &[Tally], node_seconds: f64) -> Vec<MessageRate> {
    let repeats = tallies.len() as f64;
    let rate = |count: f64| if node_seconds > 0.0 { count / node_seconds } else { 0.0 };
    let kinds = tallies[0].messages.iter().enumerate();
    let sent = kinds.map(|(kind, of_kind)| MessageCount {
        messages: tallies.iter().map(|t| t.messages[kind].messages).sum::<f64>() / repeats,
        bytes: tallies.iter().map(|t| t.messages[kind].bytes).sum::<f64>() / repeats,
        ..of_kind.clone()
    });
    sent.map(|sent| MessageRate {
        messages_per_node_second: rate(sent.messages),
        bytes_per_node_second: rate(sent.bytes),
        sent,
    })
    .collect()
}

fn ring_health(tallies: &[Tally]) -> RingHealth {
    let average = |get: fn(&RingHealth) -> f64| {
        mean(&tallies.iter().map(|tally| get(&tally.ring)).collect::<Vec<_>>())
    };
    RingHealth {
        right_successors: average(|ring| ring.right_successors),
        right_successor_lists: average(|ring| ring.right_successor_lists),
        right_predecessors: average(|ring| ring.right_predecessors),
        right_fingers: average(|ring| ring.right_fingers),
        distinct_fingers: average(|ring| ring.distinct_fingers),
        rings: average(|ring| ring.rings),
        largest_share: average(|ring| ring.largest_share),
        appendages: average(|ring| ring.appendages),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(hops: &[u64], keys: &[u64]) -> Tally {
        Tally { hops: hops.to_vec(), keys: keys.to_vec(), issued: 1, ..Tally::default() }
    }

    #[test]
    fn repeats_are_pooled_and_their_means_averaged() {
        let point =
            summarize(Map::new(), &[tally(&[0, 2, 2], &[0, 10]), tally(&[1, 0, 0, 1], &[4, 6])]);
        assert_eq!(point.hops.histogram, [1, 2, 2, 1]);
        assert_eq!((point.hops.p1, point.hops.p50, point.hops.max), (0, 1, 3));
        assert_eq!(point.hops.mean.to_bits(), 1.5f64.to_bits());
        assert_eq!(point.hops.ci95, Some(0.0));
        assert_eq!(point.keys_per_node.max, 10);
        assert_eq!(point.keys_per_node.p50, 4);
        assert_eq!(point.keys_per_node.histogram.counts, [1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1]);
        assert_eq!(point.servers, 2);
    }

    #[test]
    fn a_run_without_lookups_has_results() {
        let point = summarize(Map::new(), &[Tally::default()]);
        assert_eq!(point.hops, Hops::default());
        assert_eq!(point.lookups, Lookups::default());
        assert_eq!(point.digest, "0000000000000000");
    }

    #[test]
    fn wide_loads_get_wide_bins() {
        let bins = bins(&[0, 5, 1_000_000]);
        assert_eq!(bins.width, 977);
        assert!(bins.counts.len() <= MAX_BINS as usize);
        assert_eq!((bins.counts[0], bins.counts.iter().sum::<u64>()), (2, 3));
    }

    fn count(kind: &str, purpose: &str, messages: f64, bytes: f64) -> MessageCount {
        MessageCount { kind: kind.to_owned(), purpose: purpose.to_owned(), messages, bytes }
    }

    #[track_caller]
    fn close(value: f64, expected: f64) {
        assert!((value - expected).abs() < 1e-12, "{value} is not {expected}");
    }

    #[test]
    fn what_a_join_takes_is_averaged_over_the_repeats_that_had_any() {
        let repeat = |issued: u64, leaves: u64, [membership, joined, left]: [f64; 3]| Tally {
            joins: JoinTally { issued, completed: issued, leaves, ..JoinTally::default() },
            messages: vec![
                count("join", "membership", membership, 1.0),
                count("leave", "membership", 1.0, 1.0),
                count("hand_over_join", "storage", joined, 100.0 * joined),
                count("hand_over_leave", "storage", left, 100.0 * left),
                count("lookup_query", "lookup", 99.0, 99.0),
            ],
            ..Tally::default()
        };
        let tallies = [
            repeat(2, 0, [19.0, 6.0, 0.0]),
            repeat(1, 3, [11.0, 2.0, 12.0]),
            repeat(0, 0, [0.0; 3]),
        ];
        let joins = summarize(Map::new(), &tallies).joins;
        assert_eq!((joins.issued, joins.completed, joins.leaves), (3, 3, 3));
        // 20 messages for two joins, 12 for a join and three leaves; 12.7062 is Student's.
        close(joins.messages, 6.5);
        close(joins.messages_ci95.unwrap(), 12.7062 * 3.5);
        close(joins.keys_moved, 2.5);
        close(joins.bytes_moved, 250.0);
        close(joins.keys_moved_by_leave, 4.0);
    }

    #[test]
    fn samples_are_averaged_where_there_is_something() {
        let repeat = |samples: &[&[(&'static str, f64)]]| Tally {
            timeline: (0..)
                .zip(samples)
                .map(|(second, values)| Sample {
                    at: Time::ZERO + Duration::from_secs(second),
                    values: values.iter().copied().collect(),
                })
                .collect(),
            ..Tally::default()
        };
        let long: &[&[_]] = &[&[("a", 1.0)], &[("a", 2.0), ("c", 7.0)], &[], &[("a", 9.0)]];
        let short: &[&[_]] = &[&[("a", 3.0), ("b", 5.0)], &[("b", 6.0)], &[]];
        let timeline = summarize(Map::new(), &[repeat(long), repeat(short)]).timeline;
        assert_eq!(timeline.seconds, [0.0, 1.0, 2.0]);
        let series = |name: &str| timeline.series[name].clone();
        assert_eq!(series("a"), [Some(2.0), Some(2.0), None]);
        assert_eq!(series("b"), [Some(5.0), Some(6.0), None]);
        assert_eq!(series("c"), [None, Some(7.0), None]);
        assert_eq!(timeline.series.len(), 3);
    }

    #[test]
    fn the_most_is_set_against_the_mean_in_each_repeat() {
        let keys = [&[0, 10, 2][..], &[5, 5], &[0, 0], &[]];
        let tallies = keys.map(|keys| tally(&[], keys));
        let load = summarize(Map::new(), &tallies).keys_per_node;
        // 10 over 4 and 5 over 5; nothing where nobody carries anything.
        close(load.max_over_mean, 1.75);
        close(load.efficiency, 0.7);
        close(load.mean, 3.0);
    }

    #[test]
    fn notices_of_several_repeats_are_told_once() {
        let repeat = |notices: &[&str]| Tally {
            notices: notices.iter().map(|notice| (*notice).to_owned()).collect(),
            ..Tally::default()
        };
        let one = repeat(&["nobody is up", "2 are lost", "2 are lost"]);
        let other = repeat(&["nobody is up", "3.5 are late", "4 are lost"]);
        let single = summarize(Map::new(), std::slice::from_ref(&one)).notices;
        assert_eq!(single, one.notices);
        assert_eq!(
            summarize(Map::new(), &[one, other]).notices,
            [
                "nobody is up",
                "in all 2 repeats, such as: 2 are lost",
                "in 1 of 2 repeats: 3.5 are late",
            ]
        );
    }

    #[test]
    fn waits_and_outages_are_averaged_over_repeats() {
        let repeat = |mean_ms: f64, max_ms: f64, wrong: u64, outage: u64| Tally {
            waiting: Waiting { mean_ms, busiest_ms: 2.0 * mean_ms, max_ms },
            after_fault: AfterFault { issued: 10, wrong, outage: Duration::from_secs(outage) },
            ..Tally::default()
        };
        let point = summarize(Map::new(), &[repeat(1.0, 40.0, 2, 8), repeat(3.0, 20.0, 0, 0)]);
        assert_eq!(point.waiting, Waiting { mean_ms: 2.0, busiest_ms: 4.0, max_ms: 40.0 });
        assert_eq!((point.after_fault.issued, point.after_fault.wrong), (20, 2));
        close(point.after_fault.outage_seconds, 4.0);
    }

    #[test]
    fn puts_and_gets_are_summed_over_repeats() {
        let failures = Failures { no_route: 1, timed_out: 2, unanswered: 3, looped: 0 };
        let of_gets = |correct, old, missing, get_hops| {
            let gets = Gets { issued: 20, correct, old, missing, failures, ..Gets::default() };
            let values = Values { put: 4, lost: 1, unavailable: 0, copies: 6 };
            let storage = StorageTally { gets, get_hops, values, ..StorageTally::default() };
            Tally { storage, ..Tally::default() }
        };
        let point = summarize(Map::new(), &[of_gets(5, 2, 1, 20), of_gets(2, 0, 0, 10)]);
        let storage = point.storage;
        assert_eq!((storage.gets.issued, storage.gets.failed, storage.gets.correct), (40, 12, 7));
        close(storage.get_hops, 3.0);
        assert_eq!(storage.values, Values { put: 8, lost: 2, unavailable: 0, copies: 12 });
    }
}
