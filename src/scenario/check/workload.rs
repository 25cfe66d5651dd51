//! What happens from outside: requests, values, downloads; and what is sampled.

use crate::id::{Id, IdSpace};
use crate::sim::Duration;

use super::super::error::Fault;
use super::super::format::{
    CopyPlacement, Fingers, LookupKeys, Overlay, Requests, Spaced, Storage, Workload,
};
use super::{Checked, MAX_KEYS, MAX_LOOKUPS, positive, refuse};

/// The most copies of a value.
pub(super) const MAX_COPIES: u32 = crate::overlay::storage::MAX_COPIES as u32;

/// Checks what the nodes are asked to do; how far copies at k, k + F … are apart.
pub(super) fn workload(
    workload: &Workload,
    overlay: &Overlay,
    nodes: u64,
    space: IdSpace,
    duration: Option<Duration>,
) -> Checked<Option<Id>> {
    if let Some(lookups) = &workload.lookups {
        requests("workload.lookups", "lookups", lookups, nodes, duration)?;
        lookup_keys(lookups.keys.unwrap_or_default(), overlay)?;
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

/// Only who has fingers can ask for them.
fn lookup_keys(keys: LookupKeys, overlay: &Overlay) -> Checked {
    let place = "workload.lookups.keys";
    match (keys, overlay) {
        // Whether nodes of another program have any is known when they are asked.
        (LookupKeys::Uniform, _) | (LookupKeys::OwnFingers, Overlay::Own(_)) => Ok(()),
        (LookupKeys::OwnFingers, Overlay::Chord(chord)) if chord.fingers == Fingers::All => Ok(()),
        (LookupKeys::OwnFingers, Overlay::Chord(_)) => refuse(
            place,
            "there are no fingers to ask for with `fingers` \"none\"",
            "give \"uniform\", or leave `overlay.chord.fingers` out",
        ),
        (LookupKeys::OwnFingers, Overlay::FullMembership(_) | Overlay::Tracker(_)) => refuse(
            place,
            "nodes have no fingers to ask for but on `chord`",
            "give \"uniform\", or leave it out",
        ),
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
        if of.keys.is_some() {
            let problem = "puts and gets ask for the keys that are stored";
            return refuse(&place(&format!("{field}.keys")), problem, "leave it out");
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
pub(super) fn even_step(space: IdSpace, copies: u32) -> Id {
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
