//! What one simulation gave, raw; and how the tallies of several repeats become the
//! results of a point.

use std::hash::Hasher;

use serde_json::{Map, Value};

use super::LatencyHistogram;
use super::statistics::{confidence_95, gini, mean, percentile};
use super::summary::{
    Bins, Distribution, Failures, Forwards, Hops, Load, Lookups, MessageCount, Point, RingHealth,
    Timeline, Timeouts,
};
use crate::sim::{Digest, Time};

/// A load histogram has at most this many bins.
const MAX_BINS: u64 = 1024;

/// The raw results of one simulation.
#[derive(Clone, PartialEq, Debug, Default)]
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
    /// Time-outs of lookups.
    pub lookup_timeouts: u64,
    /// The most of one lookup.
    pub max_timeouts: u64,
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
    /// The pointers at the end.
    pub ring: RingHealth,
    /// Joins and leaves after which a pointer was wrong, where the overlay promises otherwise.
    pub wrong_joins: u64,
    /// Addresses drawn anew.
    pub collisions: u64,
    /// Nodes on the ring.
    pub nodes: u64,
    /// Events processed.
    pub events: u64,
    /// The fingerprint of all of them.
    pub digest: u64,
    /// When the run ended.
    pub end: Time,
}

impl Tally {
    pub(super) fn count_hops(&mut self, hops: usize) {
        if hops >= self.hops.len() {
            self.hops.resize(hops + 1, 0);
        }
        self.hops[hops] += 1;
    }

    fn mean_hops(&self) -> Option<f64> {
        let answered: u64 = self.hops.iter().sum();
        let total: u64 = self.hops.iter().zip(0..).map(|(count, hops)| count * hops).sum();
        (answered > 0).then(|| total as f64 / answered as f64)
    }

    fn mean_timeouts(&self) -> Option<f64> {
        (self.issued > 0).then(|| self.lookup_timeouts as f64 / self.issued as f64)
    }
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
        hops: hops(tallies),
        lookups: lookups(tallies),
        latency_ms: latency(tallies),
        timeouts: timeouts(tallies),
        forwards: Forwards {
            total: sum(|tally| tally.forwards),
            halving: sum(|tally| tally.halving_forwards),
            not_halving: sum(|tally| tally.forwards - tally.halving_forwards),
        },
        keys_per_node: load(tallies, |tally| &tally.keys),
        messages_per_node: load(tallies, |tally| &tally.handled),
        messages: messages(tallies),
        ring: ring_health(tallies),
        timeline: Timeline::default(),
    }
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
    let longest = tallies.iter().map(|tally| tally.hops.len()).max().unwrap_or(0);
    let count = |hops: usize| tallies.iter().filter_map(|tally| tally.hops.get(hops)).sum();
    let histogram: Vec<u64> = (0..longest).map(count).collect();
    let answered: u64 = histogram.iter().sum();
    let percentile = |percent: u64| {
        let rank = (answered * percent).div_ceil(100).max(1);
        let mut below = 0;
        let reached = histogram.iter().position(|count| {
            below += count;
            below >= rank
        });
        reached.unwrap_or(0) as u64
    };
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

fn lookups(tallies: &[Tally]) -> Lookups {
    let mut sum = Lookups::default();
    for tally in tallies {
        let failures = &tally.failures;
        sum.issued += tally.issued;
        sum.correct += tally.correct;
        sum.incorrect += tally.incorrect;
        sum.failures.no_route += failures.no_route;
        sum.failures.timed_out += failures.timed_out;
        sum.failures.unanswered += failures.unanswered;
    }
    let Failures { no_route, timed_out, unanswered } = sum.failures;
    sum.failed = no_route + timed_out + unanswered;
    sum
}

fn latency(tallies: &[Tally]) -> Distribution {
    let mut all = LatencyHistogram::default();
    for tally in tallies {
        all.merge(&tally.latency);
    }
    let (mean, ci95) = mean_and_interval(tallies.iter().map(|tally| tally.latency.mean_ms()));
    Distribution {
        mean,
        ci95,
        p1: all.percentile_ms(1),
        p50: all.percentile_ms(50),
        p99: all.percentile_ms(99),
        max: all.max_ms(),
    }
}

fn timeouts(tallies: &[Tally]) -> Timeouts {
    let (mean, ci95) = mean_and_interval(tallies.iter().map(Tally::mean_timeouts));
    Timeouts {
        mean,
        ci95,
        max: tallies.iter().map(|tally| tally.max_timeouts).max().unwrap_or(0),
        total: tallies.iter().map(|tally| tally.lookup_timeouts).sum(),
        all: tallies.iter().map(|tally| tally.all_timeouts).sum(),
    }
}

fn load(tallies: &[Tally], get: fn(&Tally) -> &Vec<u64>) -> Load {
    let mut all: Vec<u64> = tallies.iter().flat_map(|tally| get(tally).iter().copied()).collect();
    all.sort_unstable();
    let mean_of = |loads: &Vec<u64>| {
        let total: u64 = loads.iter().sum();
        (!loads.is_empty()).then(|| total as f64 / loads.len() as f64)
    };
    let (mean, ci95) = mean_and_interval(tallies.iter().map(|tally| mean_of(get(tally))));
    Load {
        mean,
        ci95,
        p1: percentile(&all, 1),
        p50: percentile(&all, 50),
        p99: percentile(&all, 99),
        max: all.last().copied().unwrap_or(0),
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

fn messages(tallies: &[Tally]) -> Vec<MessageCount> {
    let repeats = tallies.len() as f64;
    let kinds = tallies[0].messages.iter().enumerate();
    kinds
        .map(|(kind, of_kind)| MessageCount {
            messages: tallies.iter().map(|t| t.messages[kind].messages).sum::<f64>() / repeats,
            bytes: tallies.iter().map(|t| t.messages[kind].bytes).sum::<f64>() / repeats,
            ..of_kind.clone()
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
}
