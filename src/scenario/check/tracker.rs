//! Trackers and their swarms.

use crate::sim::Duration;

use super::super::format::{CopyPlacement, Network, Scenario, Swarm, Tracker};
use super::{Checked, positive, refuse};

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

/// Checks the trackers and how they go with the rest of the scenario.
pub(super) fn tracker(
    tracker: &Tracker,
    scenario: &Scenario,
    (initial, servers): (u32, u32),
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
    if scenario.workload.keys > 0 {
        let problem = "files belong to clients, not to places on a ring";
        return refuse("workload.keys", problem, "leave it out, or give `workload.storage`");
    }
    if let Some(storage) = &scenario.workload.storage {
        let repairs = storage.repair.is_some().then_some("repair");
        let places = storage.placement != CopyPlacement::Successors;
        if let Some(field) = repairs.or(places.then_some("placement")) {
            let problem = "there are as many copies as clients that got the file";
            return refuse(&format!("workload.storage.{field}"), problem, "leave it out");
        }
    }
    if scenario.workload.downloads.is_some() && scenario.population.joins.is_none() {
        let problem = "nobody joins, and so nobody downloads";
        return refuse("workload.downloads", problem, "give `population.joins`");
    }
    if duration.is_none() {
        return refuse(
            "duration",
            "is missing: clients announce themselves for ever",
            "say how long to simulate, such as \"2h\"",
        );
    }
    let seeds = tracker.swarm.as_ref().map_or(0, |swarm| swarm.seeds);
    if tracker.trackers == 0 || tracker.trackers >= servers {
        let problem = format!("{} trackers among {servers} nodes", tracker.trackers);
        let mend = "give at least 1, and `population.nodes` for as many and the clients";
        return refuse(&place("trackers"), problem, mend);
    }
    let at_start = u64::from(tracker.trackers) + u64::from(seeds);
    if at_start > u64::from(initial) {
        return refuse(
            "population.joins",
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::super::set;
    use super::super::Setup;
    use super::super::tests::checked;

    /// A swarm, with everything that goes with it.
    fn swarm() -> Value {
        json!({
            "name": "swarm",
            "population": {"nodes": 10, "joins": {"initial": 3, "interval": "2s"}},
            "overlay": {"tracker": {"trackers": 2, "swarm": {
                "file_bytes": 1_000_000, "upload": 100_000, "download": 1_000_000,
                "seed_time": "1min", "patience": "10min",
            }}},
            "workload": {"downloads": {}},
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
        swarm_with("workload", json!({"storage": {"keys": 10}})).unwrap();
        swarm_with("overlay.tracker.swarm.slots", json!(0)).unwrap();
        swarm_with("overlay.tracker.trackers", json!(1)).unwrap();
    }

    #[test]
    fn every_refusal_of_a_tracker_says_where_what_and_how_to_mend_it() {
        let all = [
            ("population.virtual_nodes", json!(2)),
            ("workload.lookups", json!({})),
            ("workload.keys", json!(10)),
            ("workload.storage", json!({"keys": 10, "repair": "1min"})),
            ("workload.storage", json!({"keys": 10, "placement": {"spaced": {}}})),
            ("overlay.tracker.swarm", json!(null)),
            ("population", json!({"nodes": 10})),
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
}
