//! Chord, and full membership.

use crate::overlay::full_membership::BROADCAST_ATTEMPTS;
use crate::sim::Duration;

use super::super::format::{
    Chord, ChordJoin, ChordTimeout, Fingers, FullMembership, LookupStyle, Placement, Spread,
    Workload,
};
use super::{Checked, MAX_SUCCESSORS, positive, refuse, share};

/// The most times that a lookup begins again.
const MAX_RETRIES: u32 = 100;
/// The most nodes that a lookup asks at a time.
const MAX_PARALLEL: u32 = 8;
/// The most nodes among which the nearest in the network is chosen.
const MAX_CHOICES: u32 = 16;
/// The most nodes that a node gossips with in a round.
const MAX_FANOUT: u32 = 100;
/// Live servers that one broadcast may make look dead, on average. Each of them leads to two
/// more broadcasts, the accusation and the refutation: with one half they never end.
const MAX_MISTAKEN: f64 = 0.25;

pub(super) fn chord(chord: &Chord, duration: Option<Duration>) -> Checked {
    let place = |field: &str| format!("overlay.chord.{field}");
    if !(1..=MAX_SUCCESSORS).contains(&chord.successors) {
        let problem = format!("a list of {} successors", chord.successors);
        return refuse(&place("successors"), problem, format!("give 1 to {MAX_SUCCESSORS}"));
    }
    if chord.join != ChordJoin::Stabilized && chord.successors > 1 {
        let problem = format!("a list of {}, but the base version keeps one", chord.successors);
        return refuse(&place("successors"), problem, "leave out this or `overlay.chord.join`");
    }
    positive(&place("request_timeout"), chord.request_timeout)?;
    refinements(chord)?;
    if chord.fix_fingers.is_some() && chord.fingers == Fingers::None {
        let problem = "there are no fingers to fix with `fingers` \"none\"";
        return refuse(&place("fix_fingers"), problem, "leave one of the two out");
    }
    let rounds = [
        ("stabilize", chord.stabilize.as_ref().map(|p| (p.period, p.jitter))),
        ("fix_fingers", chord.fix_fingers.as_ref().map(|p| (p.period, p.jitter))),
        ("check_predecessor", chord.check_predecessor.as_ref().map(|p| (p.period, p.jitter))),
    ];
    for (field, round) in rounds {
        let Some((period, jitter)) = round else { continue };
        if chord.join != ChordJoin::Stabilized {
            return refuse(
                &place(field),
                "has nothing to repair after joins of the base version, which keep every pointer right",
                "leave out this or `overlay.chord.join`",
            );
        }
        positive(&place(&format!("{field}.period")), period)?;
        share(&place(&format!("{field}.jitter")), jitter, "a share of the period")?;
        if duration.is_none() {
            return refuse(
                "duration",
                format!("is missing: `{field}` goes on for ever"),
                "say how long to simulate, such as \"10min\"",
            );
        }
    }
    Ok(())
}

/// What Chord does beyond the printed protocol.
fn refinements(chord: &Chord) -> Checked {
    let place = |field: &str| format!("overlay.chord.{field}");
    if chord.tell_old_predecessor && chord.stabilize.is_none() {
        return refuse(
            &place("tell_old_predecessor"),
            "no node gets a new predecessor while nobody stabilises",
            "leave it out, or give `overlay.chord.stabilize`, such as {\"period\": \"30s\"}",
        );
    }
    if let Some(retries) = chord.retries {
        if !(1..=MAX_RETRIES).contains(&retries.count) {
            let problem = format!("a lookup that begins again {} times", retries.count);
            let mend = format!("give 1 to {MAX_RETRIES}, or leave `retries` out");
            return refuse(&place("retries.count"), problem, mend);
        }
        positive(&place("retries.after"), retries.after)?;
    }
    if !(1..=MAX_PARALLEL).contains(&chord.parallel) {
        let problem = format!("a lookup that asks {} nodes at a time", chord.parallel);
        return refuse(&place("parallel"), problem, format!("give 1 to {MAX_PARALLEL}"));
    }
    if chord.parallel > 1 && chord.lookup != LookupStyle::Iterative {
        return refuse(
            &place("parallel"),
            "a query that is passed on is at one node at a time",
            "leave it out, or give `lookup` as \"iterative\"",
        );
    }
    if let ChordTimeout::Adaptive(adaptive) = chord.timeout {
        positive(&place("timeout.adaptive.minimum"), adaptive.minimum)?;
        if adaptive.minimum.0 > chord.request_timeout.0 {
            return refuse(
                &place("timeout.adaptive.minimum"),
                format!("{} is longer than `request_timeout`, the longest", adaptive.minimum.0),
                format!("give at most {}", chord.request_timeout.0),
            );
        }
    }
    let choices = [("fingers", chord.proximity.fingers), ("next_hop", chord.proximity.next_hop)];
    for (field, choices) in choices {
        let place = place(&format!("proximity.{field}"));
        if !(1..=MAX_CHOICES).contains(&choices) {
            let problem = format!("a choice among {choices} nodes");
            return refuse(&place, problem, format!("give 1 to {MAX_CHOICES}"));
        }
        if choices > 1 && chord.join != ChordJoin::Stabilized {
            let problem = "the base version has no choice: it keeps every pointer right";
            return refuse(&place, problem, "leave out this or `overlay.chord.join`");
        }
    }
    if chord.proximity.fingers > 1 && chord.proximity.next_hop > 1 {
        return refuse(
            &place("proximity.next_hop"),
            "fingers are chosen by distance already",
            "leave out this or `overlay.chord.proximity.fingers`",
        );
    }
    if chord.proximity.fingers > chord.successors + 1 {
        return refuse(
            &place("proximity.fingers"),
            format!(
                "{} candidates are more than a node and its {} successors",
                chord.proximity.fingers, chord.successors
            ),
            "give a longer list in `overlay.chord.successors`, or fewer candidates",
        );
    }
    if chord.proximity.fingers > 1 && chord.fingers == Fingers::None {
        let problem = "there are no fingers to choose with `fingers` \"none\"";
        return refuse(&place("proximity.fingers"), problem, "leave one of the two out");
    }
    if chord.parallel > 1 && chord.proximity.next_hop > 1 {
        return refuse(
            &place("proximity.next_hop"),
            "a parallel lookup asks the closest nodes to the key that it has heard of",
            "leave out this or `overlay.chord.parallel`",
        );
    }
    Ok(())
}

/// What Chord needs for nodes to join.
pub(super) fn joins_on_chord(chord: &Chord, virtual_nodes: u32) -> Checked {
    match chord.join {
        ChordJoin::Stabilized if chord.stabilize.is_none() => refuse(
            "population.joins",
            "nobody learns of nodes that join while nobody stabilises",
            "give `overlay.chord.stabilize`, such as {\"period\": \"30s\"}, or the base version of `overlay.chord.join`",
        ),
        ChordJoin::Base(_) if virtual_nodes > 1 => refuse(
            "population.virtual_nodes",
            "the virtual nodes of a server join at once, which the base version of `overlay.chord.join` cannot",
            "leave out `population.virtual_nodes` or `overlay.chord.join`",
        ),
        _ => Ok(()),
    }
}

pub(super) fn full_membership(membership: &FullMembership, duration: Option<Duration>) -> Checked {
    let place = |field: &str| format!("overlay.full_membership.{field}");
    positive(&place("request_timeout"), membership.request_timeout)?;
    let Spread::Gossip(gossip) = membership.spread else { return Ok(()) };
    positive(&place("spread.gossip.period"), gossip.period)?;
    positive(&place("spread.gossip.anti_entropy"), gossip.anti_entropy)?;
    if !(1..=MAX_FANOUT).contains(&gossip.fanout) {
        let problem = format!("nobody gossips with {} nodes at a time", gossip.fanout);
        return refuse(&place("spread.gossip.fanout"), problem, format!("give 1 to {MAX_FANOUT}"));
    }
    if duration.is_none() {
        return refuse(
            "duration",
            "is missing: `spread` \"gossip\" goes on for ever",
            "say how long to simulate, such as \"10min\"",
        );
    }
    Ok(())
}

/// Refuses losses at which broadcasts lead to ever more broadcasts.
pub(super) fn broadcast(membership: &FullMembership, servers: u32, loss: f64) -> Checked {
    if !matches!(membership.spread, Spread::Broadcast(_)) {
        return Ok(());
    }
    let arrives = (1.0 - loss) * (1.0 - loss);
    let unheard = (0..BROADCAST_ATTEMPTS).map(|_| 1.0 - arrives).product::<f64>();
    let mistaken = unheard * f64::from(servers);
    if mistaken > MAX_MISTAKEN {
        return refuse(
            "network.loss",
            format!(
                "{loss} makes every broadcast take {mistaken:.2} of {servers} live servers for dead, which leads to more broadcasts without end"
            ),
            "lose less, or give `overlay.full_membership.spread` as {\"gossip\": {}}",
        );
    }
    Ok(())
}

/// Refuses what asks where keys are on the ring when they are on none.
pub(super) fn baseline(membership: &FullMembership, workload: &Workload) -> Checked {
    if membership.placement == Placement::Ring {
        return Ok(());
    }
    if membership.spread != Spread::Instant {
        return refuse(
            "overlay.full_membership.spread",
            "`placement` \"modulo\" gives every key another owner with every view that differs",
            "give `spread` as \"instant\", for this baseline of placement",
        );
    }
    let asked = [
        ("workload.lookups", workload.lookups.is_some(), "lookups are judged"),
        ("workload.keys", workload.keys > 0, "keys are placed"),
    ];
    match asked.into_iter().find(|(_, asked, _)| *asked) {
        Some((place, _, what)) => refuse(
            place,
            format!("{what} by the ring, which `placement` \"modulo\" does not follow"),
            "leave it out, or give `overlay.full_membership.placement` as \"ring\"",
        ),
        None => Ok(()),
    }
}
