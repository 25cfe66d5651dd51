//! What breaks: whether it can, whom it strikes, and when it is over.

use std::fmt;
use std::net::Ipv4Addr;

use crate::id::{Id, IdSpace};
use crate::sim::Duration;

use super::super::error::Fault as Refusal;
use super::super::format::{Arc, Fault, Whom};
use super::super::units::Span;
use super::{Checked, refuse, share};

/// The most groups of a partition that are named.
const MAX_GROUPS: usize = 1000;

/// Something that breaks, checked.
#[derive(Clone, PartialEq, Debug)]
pub struct PlannedFault {
    /// When, since the start.
    pub at: Duration,
    /// When it is over, if it ever is.
    pub until: Option<Duration>,
    /// What it is.
    pub what: Breakage,
}

/// What breaks.
#[derive(Clone, PartialEq, Debug)]
pub enum Breakage {
    /// These crash for good.
    Crash(Victims),
    /// These crash, and join again when the fault is over.
    Restart(Victims),
    /// These handle nothing as long.
    Freeze(Victims),
    /// No message gets from one of these groups to another, or to the rest.
    Partition(Vec<Victims>),
    /// Every message is lost with this probability.
    Loss(f64),
}

/// Which servers, of those that are running.
#[derive(Clone, PartialEq, Debug)]
pub enum Victims {
    /// Those with these numbers.
    Numbers(Vec<u32>),
    /// So many that have handled most messages.
    Busiest(u32),
    /// So many, drawn by lot.
    Random(u32),
    /// This share, drawn by lot.
    Fraction(f64),
    /// Each with this probability.
    Probability(f64),
    /// All on an arc of the ring.
    Arc {
        /// Where it begins; drawn by lot if it does not say.
        from: Option<Id>,
        /// The share of the ring that it covers.
        share: f64,
    },
    /// All whose ip begins like this one.
    Prefix {
        /// The ip.
        ip: Ipv4Addr,
        /// How many of its bits matter, at most 32.
        bits: u32,
    },
    /// All.
    All,
}

impl fmt::Display for Victims {
    /// In words, for the results.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Victims::Numbers(_) => f.write_str("by number"),
            Victims::Busiest(_) => f.write_str("the busiest"),
            Victims::Random(_) => f.write_str("drawn by lot"),
            Victims::Fraction(share) => write!(f, "fraction {share}"),
            Victims::Probability(share) => write!(f, "each with probability {share}"),
            Victims::Arc { share, .. } => write!(f, "an arc of {share} of the ring"),
            Victims::Prefix { ip, bits } => write!(f, "addresses in {ip}/{bits}"),
            Victims::All => f.write_str("all"),
        }
    }
}

/// Checks all faults and brings them into the order of their times.
pub(super) fn faults(
    faults: &[Fault],
    servers: u32,
    space: IdSpace,
    duration: Option<Duration>,
) -> Checked<Vec<PlannedFault>> {
    let mut planned = Vec::with_capacity(faults.len());
    for (position, of) in faults.iter().enumerate() {
        planned.push(fault(&format!("faults[{position}]"), of, servers, space, duration)?);
    }
    planned.sort_by_key(|fault| fault.at);
    Ok(planned)
}

fn fault(
    path: &str,
    fault: &Fault,
    servers: u32,
    space: IdSpace,
    duration: Option<Duration>,
) -> Checked<PlannedFault> {
    let place = |field: &str| format!("{path}.{field}");
    before_the_end(&place("at"), fault.at, duration)?;
    let until = fault.until.map(|span| span.0);
    if let Some(span) = fault.until {
        if span.0 <= fault.at.0 {
            let problem = format!("{} is not after the beginning at {}", span.0, fault.at.0);
            return refuse(&place("until"), problem, "give a later time");
        }
        before_the_end(&place("until"), span, duration)?;
    }
    let victims = |kind: &str, whom| self::victims(&place(kind), whom, servers, space);
    let mut what = Vec::new();
    if let Some(whom) = &fault.crash {
        what.push(("crash", Breakage::Crash(victims("crash", whom)?)));
    }
    if let Some(whom) = &fault.restart {
        what.push(("restart", Breakage::Restart(victims("restart", whom)?)));
    }
    if let Some(whom) = &fault.freeze {
        what.push(("freeze", Breakage::Freeze(victims("freeze", whom)?)));
    }
    if let Some(partition) = &fault.partition {
        let groups = &partition.groups;
        if groups.is_empty() || groups.len() > MAX_GROUPS {
            let problem = format!("{} groups part nobody", groups.len());
            let mend = format!("give 1 to {MAX_GROUPS}; those chosen for none are one more");
            return refuse(&place("partition.groups"), problem, mend);
        }
        let group = |(number, whom)| victims(&format!("partition.groups[{number}]"), whom);
        let groups = groups.iter().enumerate().map(group).collect::<Checked<Vec<_>>>()?;
        what.push(("partition", Breakage::Partition(groups)));
    }
    if let Some(loss) = fault.loss {
        share(&place("loss"), loss, "a probability")?;
        what.push(("loss", Breakage::Loss(loss)));
    }
    let kinds: Vec<&str> = what.iter().map(|(kind, _)| *kind).collect();
    let Some((kind, what)) = what.pop().filter(|_| kinds.len() == 1) else {
        let problem = match &kinds[..] {
            [] => "says nothing of what breaks".to_owned(),
            several => format!("says {} at once", several.join(" and ")),
        };
        let mend = "give one of crash, restart, freeze, partition, loss; and a fault of its own \
                    for each other";
        return refuse(path, problem, mend);
    };
    match (&what, until) {
        (Breakage::Crash(_), Some(until)) => {
            let problem = format!("a crash is not over at {until}");
            refuse(&place("until"), problem, "leave it out, or have them `restart` or `freeze`")
        }
        (Breakage::Restart(_) | Breakage::Freeze(_), None) => {
            let problem = format!("is missing: a {kind} comes to an end");
            refuse(&place("until"), problem, "say when, or have them `crash`")
        }
        _ => Ok(PlannedFault { at: fault.at.0, until, what }),
    }
}

fn before_the_end(place: &str, span: Span, duration: Option<Duration>) -> Checked {
    if let Some(end) = duration.filter(|end| span.0 >= *end) {
        let problem = format!("{} is not before the end at {end}", span.0);
        return refuse(place, problem, "give an earlier time or a longer `duration`");
    }
    Ok(())
}

fn victims(place: &str, whom: &Whom, servers: u32, space: IdSpace) -> Checked<Victims> {
    let field = |name: &str| format!("{place}.{name}");
    Ok(match whom {
        Whom::Nodes(numbers) => {
            if numbers.is_empty() {
                return refuse(&field("nodes"), "is empty", "give at least one number");
            }
            if let Some(unknown) = numbers.iter().find(|number| **number >= servers) {
                let problem = format!("there is no server {unknown} among {servers}");
                let mend = format!("give numbers from 0 to {}", servers - 1);
                return refuse(&field("nodes"), problem, mend);
            }
            Victims::Numbers(numbers.clone())
        }
        Whom::Busiest(count) => {
            some_of(place, *count, servers)?;
            Victims::Busiest(*count)
        }
        Whom::Random(count) => {
            some_of(place, *count, servers)?;
            Victims::Random(*count)
        }
        Whom::Fraction(fraction) => {
            share(&field("fraction"), *fraction, "a share")?;
            Victims::Fraction(*fraction)
        }
        Whom::Probability(probability) => {
            share(&field("probability"), *probability, "a probability")?;
            Victims::Probability(*probability)
        }
        Whom::Arc(Arc { from, share: covered }) => {
            share(&field("arc.share"), *covered, "a share of the ring")?;
            let parse = |text: &String| {
                space.parse_hex(text).map_err(|error| {
                    let mend = format!("give hexadecimal digits below 2^{}", space.bits());
                    Refusal::new(field("arc.from"), error.to_string(), mend)
                })
            };
            Victims::Arc { from: from.as_ref().map(parse).transpose()?, share: *covered }
        }
        Whom::AddressPrefix(text) => {
            let Some((ip, bits)) = prefix(text) else {
                let problem = format!("{text:?} is no address prefix");
                let mend = "give an ip and its first bits that matter, such as \"64.0.0.0/2\"";
                return refuse(&field("address_prefix"), problem, mend);
            };
            Victims::Prefix { ip, bits }
        }
        Whom::All => Victims::All,
    })
}

fn some_of(place: &str, count: u32, servers: u32) -> Checked {
    if count == 0 || count >= servers {
        let problem = format!("{count} of {servers} servers are not some of them");
        let mend = "give at least 1, and fewer than there are; or \"all\"";
        return refuse(place, problem, mend);
    }
    Ok(())
}

fn prefix(text: &str) -> Option<(Ipv4Addr, u32)> {
    let (ip, bits) = text.split_once('/')?;
    let bits = bits.parse().ok().filter(|bits| *bits <= 32)?;
    Some((ip.parse().ok()?, bits))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::checked;
    use super::*;

    fn planned(faults: &Value) -> Result<Vec<PlannedFault>, String> {
        let scenario = json!({
            "name": "faults",
            "id_bits": 32,
            "population": {"nodes": 10},
            "overlay": {"chord": {"stabilize": {"period": "1s"}}},
            "faults": faults,
            "duration": "1min",
        });
        checked(&scenario).map(|setup| setup.faults)
    }

    #[test]
    fn every_kind_of_fault_and_of_victim_passes() {
        let faults = planned(&json!([
            {"at": "9s", "until": "20s", "loss": 1},
            {"at": "9s", "crash": {"nodes": [9, 0]}},
            {"at": "8s", "until": "9s", "restart": {"busiest": 9}},
            {"at": "7s", "until": "59s", "freeze": {"random": 1}},
            {"at": "6s", "partition": {"groups": [
                {"fraction": 0.5}, {"probability": 1}, {"arc": {"share": 0.1}},
                {"arc": {"from": "ff", "share": 1}}, {"address_prefix": "64.0.0.0/2"}, "all",
            ]}},
        ]))
        .unwrap();
        let seconds: Vec<f64> = faults.iter().map(|fault| fault.at.as_secs_f64()).collect();
        assert_eq!(seconds, [6.0, 7.0, 8.0, 9.0, 9.0], "in the order of their times");
        assert_eq!(faults[3].what, Breakage::Loss(1.0), "then in that of the file");
        let Breakage::Partition(groups) = &faults[0].what else { panic!("{faults:?}") };
        let from = IdSpace::new(32).unwrap().id(255);
        assert_eq!(groups[3], Victims::Arc { from: Some(from), share: 1.0 });
        assert_eq!(groups[4], Victims::Prefix { ip: Ipv4Addr::new(64, 0, 0, 0), bits: 2 });
    }

    #[test]
    fn every_refusal_of_a_fault_says_where_what_and_how_to_mend_it() {
        let all = [
            json!({"at": "1s"}),
            json!({"at": "1s", "crash": "all", "loss": 0.1}),
            json!({"at": "1min", "crash": "all"}),
            json!({"at": "1s", "until": "2s", "crash": "all"}),
            json!({"at": "1s", "restart": "all"}),
            json!({"at": "1s", "freeze": "all"}),
            json!({"at": "2s", "until": "2s", "freeze": "all"}),
            json!({"at": "2s", "until": "1min", "loss": 0.5}),
            json!({"at": "1s", "loss": 1.1}),
            json!({"at": "1s", "crash": {"nodes": []}}),
            json!({"at": "1s", "crash": {"nodes": [9, 10]}}),
            json!({"at": "1s", "crash": {"busiest": 0}}),
            json!({"at": "1s", "crash": {"random": 10}}),
            json!({"at": "1s", "crash": {"fraction": -0.1}}),
            json!({"at": "1s", "crash": {"probability": 2}}),
            json!({"at": "1s", "crash": {"arc": {"share": 1.5}}}),
            json!({"at": "1s", "crash": {"arc": {"from": "100000000", "share": 0.5}}}),
            json!({"at": "1s", "crash": {"address_prefix": "64.0.0.0"}}),
            json!({"at": "1s", "crash": {"address_prefix": "64.0.0.0/33"}}),
            json!({"at": "1s", "crash": {"address_prefix": "64.0.0/8"}}),
            json!({"at": "1s", "partition": {"groups": []}}),
            json!({"at": "1s", "partition": {"groups": ["all", {"random": 0}]}}),
        ];
        let refusals: Vec<String> =
            all.iter().map(|fault| planned(&json!([fault])).unwrap_err()).collect();
        insta::assert_snapshot!(refusals.join("\n"));
    }
}
