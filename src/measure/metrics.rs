//! The names under which claims, plots and published numbers speak of results.
//!
//! One line a number of [`summary::Point`](super::summary::Point): what is not in
//! this table cannot be claimed.

use super::summary::{Fit, MessageCount, Point};

/// A number that every point of a sweep has.
#[derive(Debug)]
pub struct Metric {
    /// Its name in scenario files.
    pub name: &'static str,
    /// Its unit, empty for shares and other bare numbers.
    pub unit: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Whether it is a sum over repeats, which grows with their number. All others are means
    /// or extremes of single runs.
    pub is_sum: bool,
    /// Its value at a point.
    pub get: fn(&Point) -> f64,
}

/// A number of a line fitted through several points of a sweep.
#[derive(Debug)]
pub struct FitMetric {
    /// Its name in scenario files; all begin with `fit.`.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Its value.
    pub get: fn(&Fit) -> f64,
}

/// A quantity that is sampled over simulated time.
#[derive(Debug)]
pub struct Series {
    /// Its name in scenario files and in
    /// [`Timeline::series`](super::summary::Timeline::series).
    pub name: &'static str,
    /// Its unit, empty for shares.
    pub unit: &'static str,
    /// What it is.
    pub about: &'static str,
}

/// The metric of this name.
pub fn find(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name)
}

/// The fit metric of this name.
pub fn find_fit(name: &str) -> Option<&'static FitMetric> {
    FIT_METRICS.iter().find(|metric| metric.name == name)
}

/// The series of this name.
pub fn find_series(name: &str) -> Option<&'static Series> {
    SERIES.iter().find(|series| series.name == name)
}

const fn metric(
    name: &'static str,
    unit: &'static str,
    about: &'static str,
    get: fn(&Point) -> f64,
) -> Metric {
    Metric { name, unit, about, is_sum: false, get }
}

/// A count that is summed over repeats.
const fn total(
    name: &'static str,
    unit: &'static str,
    about: &'static str,
    get: fn(&Point) -> f64,
) -> Metric {
    Metric { name, unit, about, is_sum: true, get }
}

const fn fit(name: &'static str, about: &'static str, get: fn(&Fit) -> f64) -> FitMetric {
    FitMetric { name, about, get }
}

const fn series(name: &'static str, unit: &'static str, about: &'static str) -> Series {
    Series { name, unit, about }
}

/// Sums over the kinds of messages that serve a purpose, or all.
fn sum(point: &Point, purpose: Option<&str>, of: fn(&MessageCount) -> f64) -> f64 {
    let serves = |kind: &&MessageCount| purpose.is_none_or(|purpose| kind.purpose == purpose);
    // From zero: the sum of nothing would be the zero with a sign.
    let sent = point.messages.iter().map(|kind| &kind.sent).filter(serves);
    sent.map(of).fold(0.0, |sum, one| sum + one)
}

/// All metrics of a point.
#[rustfmt::skip]
pub static METRICS: &[Metric] = &[
    metric("servers", "servers", "servers", |p| p.servers as f64),
    metric("nodes", "nodes", "nodes on the ring: servers times virtual nodes", |p| p.nodes as f64),
    metric("id_collisions", "addresses", "addresses drawn anew because their identifier was taken", |p| p.id_collisions),
    metric("events", "events", "events processed in a run", |p| p.events),
    metric("simulated_seconds", "s", "length of a run", |p| p.simulated_seconds),
    metric("measured_seconds", "s", "length of a run without its warm-up", |p| p.measured_seconds),

    metric("hops.mean", "hops", "mean hops of a lookup", |p| p.hops.mean),
    metric("hops.mean_forwarded", "hops", "mean hops of the lookups that were passed on at all", |p| p.hops.mean_forwarded),
    metric("hops.p1", "hops", "1st percentile of hops", |p| p.hops.p1 as f64),
    metric("hops.p50", "hops", "median of hops", |p| p.hops.p50 as f64),
    metric("hops.p99", "hops", "99th percentile of hops", |p| p.hops.p99 as f64),
    metric("hops.max", "hops", "most hops of a lookup", |p| p.hops.max as f64),

    total("lookups.issued", "lookups", "lookups asked", |p| p.lookups.issued as f64),
    total("lookups.correct", "lookups", "lookups answered with the key's owner", |p| p.lookups.correct as f64),
    total("lookups.incorrect", "lookups", "lookups answered with another node", |p| p.lookups.incorrect as f64),
    total("lookups.failed", "lookups", "lookups not answered", |p| p.lookups.failed as f64),
    total("lookups.failures.no_route", "lookups", "lookups that had nobody left to ask", |p| p.lookups.failures.no_route as f64),
    total("lookups.failures.timed_out", "lookups", "lookups without an answer in time", |p| p.lookups.failures.timed_out as f64),
    total("lookups.failures.unanswered", "lookups", "lookups still open at the end", |p| p.lookups.failures.unanswered as f64),
    total("lookups.failures.looped", "lookups", "lookups that went round in circles", |p| p.lookups.failures.looped as f64),

    metric("latency_ms.mean", "ms", "mean time to the answer", |p| p.latency_ms.mean),
    metric("latency_ms.p1", "ms", "1st percentile of the time to the answer", |p| p.latency_ms.p1),
    metric("latency_ms.p10", "ms", "10th percentile of the time to the answer", |p| p.latency_ms.p10),
    metric("latency_ms.p50", "ms", "median of the time to the answer", |p| p.latency_ms.p50),
    metric("latency_ms.p90", "ms", "90th percentile of the time to the answer", |p| p.latency_ms.p90),
    metric("latency_ms.p99", "ms", "99th percentile of the time to the answer", |p| p.latency_ms.p99),
    metric("latency_ms.max", "ms", "longest time to the answer", |p| p.latency_ms.max),

    metric("stretch.mean", "", "mean of the time to the answer over the direct round trip to the answered node", |p| p.stretch.mean),
    metric("stretch.p10", "", "10th percentile of that ratio", |p| p.stretch.p10),
    metric("stretch.p50", "", "median of that ratio", |p| p.stretch.p50),
    metric("stretch.p90", "", "90th percentile of that ratio", |p| p.stretch.p90),
    metric("stretch.p99", "", "99th percentile of that ratio", |p| p.stretch.p99),

    metric("contacted.mean", "nodes", "mean nodes that a lookup came to, besides the one that asked", |p| p.contacted.mean),
    metric("contacted.max", "nodes", "most nodes that a lookup came to", |p| p.contacted.max as f64),

    metric("timeouts.mean", "attempts", "mean attempts of a lookup to contact a node that did not answer", |p| p.timeouts.mean),
    metric("timeouts.p1", "attempts", "1st percentile of such attempts of a lookup", |p| p.timeouts.p1 as f64),
    metric("timeouts.p99", "attempts", "99th percentile of such attempts of a lookup", |p| p.timeouts.p99 as f64),
    metric("timeouts.path.mean", "attempts", "those of them until the lookup stood at the key's predecessor: all but the attempts to have the owner confirm that it lives", |p| p.timeouts.path_mean),
    metric("timeouts.path.p1", "attempts", "1st percentile of those", |p| p.timeouts.path_p1 as f64),
    metric("timeouts.path.p99", "attempts", "99th percentile of those", |p| p.timeouts.path_p99 as f64),
    metric("timeouts.max", "attempts", "most such attempts of a lookup", |p| p.timeouts.max as f64),
    total("timeouts.total", "attempts", "such attempts of all lookups", |p| p.timeouts.total as f64),
    total("timeouts.all", "attempts", "such attempts of lookups and maintenance", |p| p.timeouts.all as f64),

    metric("retries.mean", "retries", "times that a lookup without an answer began again, mean", |p| p.retries.mean),
    total("retries.total", "retries", "such times of all lookups", |p| p.retries.total as f64),

    total("forwards.total", "forwards", "times that a lookup was passed on", |p| p.forwards.total as f64),
    total("forwards.halving", "forwards", "those that at least halved the distance to the key's predecessor", |p| p.forwards.halving as f64),
    total("forwards.not_halving", "forwards", "those that did not", |p| p.forwards.not_halving as f64),

    metric("keys_per_node.mean", "keys", "mean keys of a server", |p| p.keys_per_node.mean),
    metric("keys_per_node.p1", "keys", "1st percentile of keys", |p| p.keys_per_node.p1 as f64),
    metric("keys_per_node.p50", "keys", "median of keys", |p| p.keys_per_node.p50 as f64),
    metric("keys_per_node.p99", "keys", "99th percentile of keys", |p| p.keys_per_node.p99 as f64),
    metric("keys_per_node.max", "keys", "most keys of a server", |p| p.keys_per_node.max as f64),
    metric("keys_per_node.max_over_mean", "", "most keys of a server over the mean: how much more the busiest carries", |p| p.keys_per_node.max_over_mean),
    metric("keys_per_node.efficiency", "", "mean keys of a server over the most: 1 when all carry the same", |p| p.keys_per_node.efficiency),
    metric("keys_per_node.gini", "", "Gini coefficient of keys", |p| p.keys_per_node.gini),

    metric("messages_per_node.mean", "messages", "mean messages that a server handled", |p| p.messages_per_node.mean),
    metric("messages_per_node.p1", "messages", "1st percentile of messages handled", |p| p.messages_per_node.p1 as f64),
    metric("messages_per_node.p50", "messages", "median of messages handled", |p| p.messages_per_node.p50 as f64),
    metric("messages_per_node.p99", "messages", "99th percentile of messages handled", |p| p.messages_per_node.p99 as f64),
    metric("messages_per_node.max", "messages", "most messages that a server handled", |p| p.messages_per_node.max as f64),
    metric("messages_per_node.max_over_mean", "", "most messages that a server handled over the mean: how much more the busiest carries", |p| p.messages_per_node.max_over_mean),
    metric("messages_per_node.efficiency", "", "mean messages that a server handled over the most: 1 when all carry the same", |p| p.messages_per_node.efficiency),
    metric("messages_per_node.gini", "", "Gini coefficient of messages handled", |p| p.messages_per_node.gini),

    metric("messages.total", "messages", "messages sent in a run", |p| sum(p, None, |kind| kind.messages)),
    metric("messages.lookup", "messages", "messages sent for lookups", |p| sum(p, Some("lookup"), |kind| kind.messages)),
    metric("messages.membership", "messages", "messages sent for joining and leaving", |p| sum(p, Some("membership"), |kind| kind.messages)),
    metric("messages.storage", "messages", "messages sent for values: put, got, handed over, copied", |p| sum(p, Some("storage"), |kind| kind.messages)),
    metric("messages.maintenance", "messages", "messages sent for maintenance", |p| sum(p, Some("maintenance"), |kind| kind.messages)),
    metric("bytes.total", "bytes", "bytes sent in a run", |p| sum(p, None, |kind| kind.bytes)),
    metric("bytes.lookup", "bytes", "bytes sent for lookups", |p| sum(p, Some("lookup"), |kind| kind.bytes)),
    metric("bytes.membership", "bytes", "bytes sent for joining and leaving", |p| sum(p, Some("membership"), |kind| kind.bytes)),
    metric("bytes.storage", "bytes", "bytes sent for values: put, got, handed over, copied", |p| sum(p, Some("storage"), |kind| kind.bytes)),
    metric("bytes.maintenance", "bytes", "bytes sent for maintenance", |p| sum(p, Some("maintenance"), |kind| kind.bytes)),

    metric("ring.right_successors", "", "share of nodes with the right successor at the end", |p| p.ring.right_successors),
    metric("ring.right_successor_lists", "", "share of nodes with the right successor list", |p| p.ring.right_successor_lists),
    metric("ring.right_predecessors", "", "share of nodes with the right predecessor", |p| p.ring.right_predecessors),
    metric("ring.right_fingers", "", "share of fingers that are right", |p| p.ring.right_fingers),
    metric("ring.distinct_fingers", "nodes", "distinct nodes in a finger table, mean over nodes", |p| p.ring.distinct_fingers),
    metric("ring.rings", "rings", "separate rings that the nodes form, each by its first successor that is up", |p| p.ring.rings),
    metric("ring.largest_share", "", "share of nodes that stand on the largest of these rings or come to it", |p| p.ring.largest_share),
    metric("ring.appendages", "nodes", "nodes that stand on none of these rings", |p| p.ring.appendages),

    total("joins.issued", "joins", "joins begun", |p| p.joins.issued as f64),
    total("joins.completed", "joins", "joins completed", |p| p.joins.completed as f64),
    total("joins.leaves", "nodes", "nodes asked to leave", |p| p.joins.leaves as f64),
    total("joins.wrong", "joins", "joins and leaves after which a pointer was wrong, of systems that promise there is none", |p| p.joins.wrong as f64),
    metric("joins.messages.mean", "messages", "messages for joining and leaving, for each node that joined or left", |p| p.joins.messages),
    metric("joins.bytes.mean", "bytes", "their bytes", |p| p.joins.bytes),
    metric("joins.table_messages.mean", "messages", "those of them by which a newcomer to Chord comes by its own pointers, for each join", |p| p.joins.table_messages),
    metric("joins.keys_moved.mean", "keys", "keys handed over to a newcomer", |p| p.joins.keys_moved),
    metric("joins.bytes_moved.mean", "bytes", "bytes of the keys handed over to a newcomer", |p| p.joins.bytes_moved),
    metric("leaves.keys_moved.mean", "keys", "keys handed over by a node that leaves", |p| p.joins.keys_moved_by_leave),
    metric("joins.time_ms.mean", "ms", "mean time from the beginning of a join to its completion", |p| p.joins.time_ms.mean),
    metric("joins.time_ms.p99", "ms", "99th percentile of that time", |p| p.joins.time_ms.p99),

    total("puts.issued", "puts", "puts asked", |p| p.storage.puts.issued as f64),
    total("puts.stored", "puts", "puts acknowledged", |p| p.storage.puts.stored as f64),
    total("puts.failed", "puts", "puts not acknowledged", |p| p.storage.puts.failed as f64),
    metric("puts.latency_ms.mean", "ms", "mean time to the acknowledgement of a put", |p| p.storage.put_ms.mean),
    total("gets.issued", "gets", "gets asked", |p| p.storage.gets.issued as f64),
    total("gets.correct", "gets", "gets answered with the acknowledged value or a newer one", |p| p.storage.gets.correct as f64),
    total("gets.old", "gets", "gets answered with an older value", |p| p.storage.gets.old as f64),
    total("gets.missing", "gets", "gets answered with nothing though there should be a value", |p| p.storage.gets.missing as f64),
    total("gets.failed", "gets", "gets not answered", |p| p.storage.gets.failed as f64),
    total("gets.timed_out", "gets", "gets not answered within the time-out", |p| p.storage.gets.failures.timed_out as f64),
    metric("gets.hops.mean", "hops", "nodes that passed a get on or were asked, the one with the value included", |p| p.storage.get_hops),
    metric("gets.messages.mean", "messages", "messages for a get, search and answer, until something breaks; the searches of lookups and puts count too", |p| p.storage.get_messages),
    metric("gets.latency_ms.mean", "ms", "mean time to the answer of a get", |p| p.storage.get_ms.mean),
    metric("gets.latency_ms.p99", "ms", "99th percentile of the time to the answer of a get", |p| p.storage.get_ms.p99),
    total("storage.misdirected", "requests", "times that a put or get came to a node that was not the right one", |p| p.storage.misdirected as f64),
    total("storage.keys", "keys", "keys whose put was acknowledged", |p| p.storage.values.put as f64),
    total("storage.lost", "keys", "keys of which no node that is up has the acknowledged value or a newer one", |p| p.storage.values.lost as f64),
    total("storage.unavailable", "keys", "keys that are not lost, but with none of the nodes that should have them", |p| p.storage.values.unavailable as f64),
    metric("storage.copies.mean", "copies", "copies of a value at the end", |p| p.storage.values.copies as f64 / p.storage.values.put as f64),

    total("downloads.issued", "downloads", "downloads begun", |p| p.downloads.issued as f64),
    total("downloads.completed", "downloads", "downloads completed", |p| p.downloads.completed as f64),
    metric("downloads.seconds.mean", "s", "mean time of a download", |p| p.downloads.seconds.mean),
    metric("downloads.seconds.p50", "s", "median time of a download", |p| p.downloads.seconds.p50),
    metric("downloads.seconds.p99", "s", "99th percentile of the time of a download", |p| p.downloads.seconds.p99),
    metric("downloads.seconds.max", "s", "longest time of a download", |p| p.downloads.seconds.max),

    metric("waiting_ms.mean", "ms", "mean wait of a message for nodes that take their time", |p| p.waiting.mean_ms),
    metric("waiting_ms.busiest", "ms", "mean wait of a message at the node that handled most", |p| p.waiting.busiest_ms),
    metric("waiting_ms.max", "ms", "longest wait of a message", |p| p.waiting.max_ms),

    total("after_fault.issued", "requests", "lookups and gets made after the first fault", |p| p.after_fault.issued as f64),
    total("after_fault.wrong", "requests", "those that were not answered, or not rightly", |p| p.after_fault.wrong as f64),
    metric("after_fault.wrong_share", "", "their share", |p| p.after_fault.wrong as f64 / p.after_fault.issued as f64),
    metric("after_fault.outage_seconds", "s", "time from the first fault to the last request that went wrong", |p| p.after_fault.outage_seconds),

    metric("routing_entries.mean", "nodes", "other nodes that a node keeps track of, mean", |p| p.routing_entries.mean),
    metric("routing_entries.max", "nodes", "other nodes that a node keeps track of, most", |p| p.routing_entries.max as f64),
    metric("total.messages_rate", "messages/s", "messages of all kinds that a node sends a second", |p| sum(p, None, |kind| kind.messages) / p.node_seconds),
    metric("total.bytes_rate", "bytes/s", "bytes of all kinds that a node sends a second", |p| sum(p, None, |kind| kind.bytes) / p.node_seconds),
    metric("lookup.messages_rate", "messages/s", "messages for lookups that a node sends a second", |p| sum(p, Some("lookup"), |kind| kind.messages) / p.node_seconds),
    metric("lookup.bytes_rate", "bytes/s", "bytes for lookups that a node sends a second", |p| sum(p, Some("lookup"), |kind| kind.bytes) / p.node_seconds),
    metric("membership.messages_rate", "messages/s", "messages for joining and leaving that a node sends a second", |p| sum(p, Some("membership"), |kind| kind.messages) / p.node_seconds),
    metric("membership.bytes_rate", "bytes/s", "bytes for joining and leaving that a node sends a second", |p| sum(p, Some("membership"), |kind| kind.bytes) / p.node_seconds),
    metric("maintenance.messages_rate", "messages/s", "maintenance messages that a node sends a second", |p| sum(p, Some("maintenance"), |kind| kind.messages) / p.node_seconds),
    metric("maintenance.bytes_rate", "bytes/s", "maintenance bytes that a node sends a second", |p| sum(p, Some("maintenance"), |kind| kind.bytes) / p.node_seconds),
    metric("storage.messages_rate", "messages/s", "messages for values that a node sends a second", |p| sum(p, Some("storage"), |kind| kind.messages) / p.node_seconds),
    metric("storage.bytes_rate", "bytes/s", "bytes for values that a node sends a second", |p| sum(p, Some("storage"), |kind| kind.bytes) / p.node_seconds),
];

/// All metrics of a fit.
#[rustfmt::skip]
pub static FIT_METRICS: &[FitMetric] = &[
    fit("fit.slope", "hops that a doubling of the nodes adds", |f| f.log2.slope),
    fit("fit.intercept", "height of the line over log2 N at one node", |f| f.log2.intercept),
    fit("fit.r2", "share of the variance that the line over log2 N explains", |f| f.log2.r2),
    fit("fit.linear.slope", "hops that another node adds", |f| f.linear.slope),
    fit("fit.linear.intercept", "height of the line over N at no node", |f| f.linear.intercept),
    fit("fit.linear.r2", "share of the variance that the line over N explains", |f| f.linear.r2),
];

/// All quantities over time.
#[rustfmt::skip]
pub static SERIES: &[Series] = &[
    series("nodes", "nodes", "nodes that are up"),
    series("ring.right_successors", "", "share of nodes with the right successor"),
    series("ring.right_predecessors", "", "share of nodes with the right predecessor"),
    series("ring.right_fingers", "", "share of fingers that are right"),
    series("ring.rings", "rings", "separate rings that the nodes form"),
    series("ring.largest_share", "", "share of nodes that stand on the largest ring or come to it"),
    series("views.right", "", "share of nodes whose view of the membership is the right one"),
    series("lookups.success", "", "share of the lookups that ended since the last sample which were answered rightly"),
    series("lookups.incorrect", "", "share of the lookups that ended since the last sample which were answered wrongly"),
    series("lookups.failed", "", "share of the lookups that ended since the last sample which were not answered"),
    series("gets.success", "", "share of the gets that ended since the last sample which were answered rightly"),
    series("storage.available", "", "share of the stored keys that a get would find"),
    series("storage.lost", "keys", "stored keys of which no copy is left"),
    series("storage.copies", "copies", "copies of a stored key, mean over those that were put"),
    series("swarm.leechers", "peers", "peers that still download"),
    series("swarm.seeds", "peers", "peers that have the whole file"),
    series("swarm.completed", "downloads", "downloads completed since the start"),
    series("waiting_ms", "ms", "mean wait of a message since the last sample, at the server where messages waited longest"),
    series("messages.sent", "messages", "messages sent since the last sample, a second and node"),
    series("bytes.sent", "bytes/s", "bytes sent since the last sample, a second and node"),
    series("bytes.maintenance", "bytes/s", "those of maintenance"),
    series("bytes.lookup", "bytes/s", "those of lookups"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_distinct_and_found() {
        let names: BTreeSet<_> = METRICS.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), METRICS.len());
        assert_eq!(find("hops.mean").map(|metric| metric.unit), Some("hops"));
        assert!(find("hops.meen").is_none() && find("fit.r2").is_none());
        assert!(FIT_METRICS.iter().all(|m| m.name.starts_with("fit.")));
        assert!(find_fit("fit.r2").is_some() && find_fit("hops.mean").is_none());
        let series: BTreeSet<_> = SERIES.iter().map(|series| series.name).collect();
        assert_eq!(series.len(), SERIES.len());
        assert!(find_series("nodes").is_some() && find_series("hops.mean").is_none());
    }
}
