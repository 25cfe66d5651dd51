//! What lies between the nodes.

use std::sync::Arc;

use crate::network::latency::Matrix;
use crate::sim::Duration;

use super::super::files::Files;
use super::super::format::{
    Latency, MatrixLatency, Network, Overlay, Scenario, ServerClass, Spread, TransitStubLatency,
};
use super::{Checked, matrix, positive, refuse, share};

/// The most classes of servers.
const MAX_CLASSES: usize = 100;
/// The slowest servers: slower ones would take years over a message.
const SLOWEST: f64 = 1e6;
/// The most domains, nodes of a domain and stub domains of a node.
const MAX_DOMAINS: u32 = 1000;

/// Checks the network; gives the matrix of its delays, if it has one.
pub(super) fn network(network: &Network, files: &Files) -> Checked<Option<Arc<Matrix>>> {
    share("network.loss", network.loss, "a probability")?;
    share("network.jitter", network.jitter, "a share of the delay")?;
    positive("network.mapping", network.mapping)?;
    classes(network)?;
    latency(&network.latency, files)
}

fn latency(latency: &Latency, files: &Files) -> Checked<Option<Arc<Matrix>>> {
    let place = |field: &str| format!("network.latency.{field}");
    match latency {
        Latency::Uniform(uniform) if uniform.from.0 > uniform.to.0 => refuse(
            &place("uniform"),
            format!("from {} to {} is nothing", uniform.from.0, uniform.to.0),
            "give `from` the shorter duration",
        ),
        Latency::LogNormal(log_normal)
            if !log_normal.sigma.is_finite() || log_normal.sigma < 0.0 =>
        {
            let problem = format!("{} is not a standard deviation", log_normal.sigma);
            refuse(&place("log_normal.sigma"), problem, "give a number from 0 on")
        }
        Latency::Euclidean(euclidean) if !(2..=3).contains(&euclidean.dimensions) => refuse(
            &place("euclidean.dimensions"),
            format!("no space of {} dimensions here", euclidean.dimensions),
            "give 2 for a square or 3 for a cube",
        ),
        Latency::TransitStub(internet) => transit_stub(internet).map(|()| None),
        Latency::Matrix(given) => read(given, files).map(Some),
        _ => Ok(None),
    }
}

fn transit_stub(internet: &TransitStubLatency) -> Checked {
    let numbers = [
        ("transit_domains", internet.transit_domains),
        ("transit_nodes_per_domain", internet.transit_nodes_per_domain),
        ("stub_domains_per_transit_node", internet.stub_domains_per_transit_node),
    ];
    match numbers.into_iter().find(|(_, number)| !(1..=MAX_DOMAINS).contains(number)) {
        Some((field, number)) => refuse(
            &format!("network.latency.transit_stub.{field}"),
            format!("{number} of them make no internet"),
            format!("give 1 to {MAX_DOMAINS}"),
        ),
        None => Ok(()),
    }
}

fn read(given: &MatrixLatency, files: &Files) -> Checked<Arc<Matrix>> {
    let place = "network.latency.matrix.file";
    let how = format!("{:?} {:?}", given.unit, given.missing);
    files.read_as(place, &given.file, &how, |text| matrix::matrix(place, given, text))
}

fn classes(network: &Network) -> Checked {
    let classes = &network.classes;
    if classes.len() > MAX_CLASSES {
        let problem = format!("{} classes", classes.len());
        return refuse("network.classes", problem, format!("give at most {MAX_CLASSES}"));
    }
    for (name, class) in classes {
        self::class(&format!("network.classes.{name}"), class)?;
    }
    let sum: f64 = classes.values().map(|class| class.share).sum();
    // Tenths do not add up to a whole in binary.
    if sum > 1.0 + 1e-9 {
        let problem = format!("the shares add up to {sum}");
        return refuse("network.classes", problem, "give shares of at most 1 in all");
    }
    Ok(())
}

fn class(place: &str, class: &ServerClass) -> Checked {
    share(&format!("{place}.share"), class.share, "a share of the servers")?;
    for (field, rate) in [("upload", class.upload), ("download", class.download)] {
        if rate == Some(0) {
            let problem = "with 0 bytes a second no message is ever through";
            return refuse(&format!("{place}.{field}"), problem, "give more, or leave it out");
        }
    }
    if !(1.0..=SLOWEST).contains(&class.slow) {
        let problem = format!("{} is no factor by which things take longer", class.slow);
        return refuse(&format!("{place}.slow"), problem, format!("give 1 to {SLOWEST}"));
    }
    Ok(())
}

/// Refuses networks that an overlay does not stand.
pub(super) fn suits(scenario: &Scenario) -> Checked {
    let mut classes = scenario.network.classes.iter().filter(|(_, class)| class.share > 0.0);
    match &scenario.overlay {
        Overlay::Tracker(tracker) if tracker.swarm.is_some() => {
            match classes.find(|(_, class)| class.upload.is_some() || class.download.is_some()) {
                Some((name, _)) => refuse(
                    &format!("network.classes.{name}"),
                    "peers of a swarm have links of their own, which would be there twice",
                    "give the rates in `overlay.tracker.swarm`, and none here",
                ),
                None => Ok(()),
            }
        }
        Overlay::FullMembership(membership)
            if matches!(membership.spread, Spread::Broadcast(_)) =>
        {
            match classes.find(|(_, class)| !class.contactable) {
                Some((name, _)) => refuse(
                    &format!("network.classes.{name}.contactable"),
                    "every broadcast takes servers for dead that it cannot reach, which leads to more broadcasts without end",
                    "give true, or `overlay.full_membership.spread` as {\"gossip\": {}}",
                ),
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// The shortest time that a message can take between two of so many nodes.
pub(super) fn shortest_delay(network: &Network, matrix: Option<&Matrix>, nodes: u64) -> Duration {
    let shortest = match &network.latency {
        Latency::Constant(span) => span.0,
        Latency::Uniform(uniform) => uniform.from.0,
        Latency::Euclidean(euclidean) => euclidean.base.0,
        Latency::TransitStub(internet) => internet.within_stub_domain.0,
        Latency::Matrix(_) => {
            matrix.map_or(Duration::ZERO, |matrix| matrix.shortest(nodes > matrix.rows() as u64))
        }
        Latency::Exponential(_) | Latency::LogNormal(_) => Duration::ZERO,
    };
    if network.jitter == 0.0 {
        return shortest;
    }
    Duration::from_nanos_f64(shortest.as_nanos() as f64 * (1.0 - network.jitter))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::super::{Overrides, parse, set};
    use super::super::Setup;
    use super::super::tests::checked;
    use super::*;

    /// A network with everything that goes with it.
    fn connected() -> Value {
        json!({
            "name": "connected",
            "population": {"nodes": 10},
            "overlay": {"chord": {"request_timeout": "10ms"}},
            "network": {
                "latency": {"transit_stub": {}},
                "jitter": 0.2,
                "classes": {
                    "dsl": {"share": 0.3, "upload": 125_000, "download": 2_000_000},
                    "old": {"share": 0.1, "slow": 4, "contactable": false},
                },
                "mapping": "5min",
            },
            "workload": {"lookups": {"per_node": 5}},
        })
    }

    fn with(changes: &[(&str, Value)]) -> Result<Setup, String> {
        let mut value = connected();
        for (path, change) in changes {
            set::set(&mut value, path, change.clone()).unwrap();
        }
        checked(&value)
    }

    fn cities() -> Value {
        json!({"matrix": {"file": "scenarios/data/cities-rtt-ms.tsv"}})
    }

    #[test]
    fn good_networks_pass() {
        let setup = with(&[]).unwrap();
        assert_eq!((setup.network.classes.len(), setup.latency_matrix), (2, None));
        with(&[("network.classes.dsl.share", json!(0.9))]).unwrap();
        with(&[("network.classes.old.slow", json!(1)), ("network.jitter", json!(1))]).unwrap();
        let setup =
            with(&[("network.latency", cities()), ("overlay", json!({"chord": {}}))]).unwrap();
        assert_eq!(setup.latency_matrix.unwrap().rows(), 12);
    }

    #[test]
    fn every_refusal_of_a_network_says_where_what_and_how_to_mend_it() {
        let many: Value = (0..101).map(|n| (n.to_string(), json!({"share": 0}))).collect();
        let swarm = json!({"tracker": {"request_timeout": "1s", "swarm": {
            "file_bytes": 1_000_000, "upload": 100_000, "download": 1_000_000,
        }}});
        let broadcast = json!({"full_membership": {"spread": {"broadcast": {}}}});
        let all = [
            vec![("network.jitter", json!(1.1))],
            vec![("network.jitter", json!(-0.1))],
            vec![("network.mapping", json!("0s"))],
            vec![("network.classes.dsl.share", json!(1.1))],
            vec![("network.classes.dsl.share", json!(0.91))],
            vec![("network.classes.dsl.upload", json!(0))],
            vec![("network.classes.dsl.download", json!(0))],
            vec![("network.classes.old.slow", json!(0.5))],
            vec![("network.classes.old.slow", json!(1e7))],
            vec![("network.classes", many)],
            vec![("network.latency.transit_stub.transit_domains", json!(0))],
            vec![("network.latency.transit_stub.transit_nodes_per_domain", json!(0))],
            vec![("network.latency.transit_stub.stub_domains_per_transit_node", json!(1001))],
            vec![("network.latency", json!({"matrix": {"file": "no/such/file.tsv"}}))],
            vec![("network.latency", json!({"matrix": {"file": "Cargo.toml"}}))],
            // Too little patience for the shortest way there is.
            vec![("network.latency.transit_stub.within_stub_domain", json!("6.3ms"))],
            vec![("network.latency", cities()), ("population.nodes", json!(12))],
            vec![("network.latency", json!({"constant": "6.3ms"}))],
            // What an overlay does not stand.
            vec![
                ("overlay", swarm),
                ("population", json!({"nodes": 10, "joins": {"initial": 3, "interval": "2s"}})),
                ("workload", json!({"downloads": {}})),
                ("duration", json!("1h")),
            ],
            vec![("overlay", broadcast)],
        ];
        let refusals = all.map(|changes| with(&changes).unwrap_err());
        insta::assert_snapshot!(refusals.join("\n"));
    }

    #[test]
    fn jitter_and_shared_places_ask_for_less_patience() {
        // 2 · 6.2 ms are too much, 2 · 6.2 ms · 0.8 are not.
        with(&[("network.latency", json!({"constant": "6.2ms"}))]).unwrap();
        with(&[("network.latency", json!({"constant": "6.2ms"})), ("network.jitter", json!(0))])
            .unwrap_err();
        // Thirteen servers in twelve cities: two of them are 2 ms apart.
        with(&[("network.latency", cities()), ("population.nodes", json!(13))]).unwrap();
    }

    #[test]
    fn points_share_the_matrix_that_they_name() {
        let mut scenario = connected();
        scenario["network"]["latency"] = json!({"matrix": {"file": "data/cities-rtt-ms.tsv"}});
        scenario["overlay"] = json!({"chord": {}});
        scenario["sweep"] = json!({
            "population.nodes": [10, 20],
            "unit": {"variants": {"ms": {}, "us": {"network.latency.matrix.unit": "us"}}},
        });
        let text = scenario.to_string();
        let plan = parse("scenarios/x.json", &text, &Overrides::default()).unwrap();
        let matrices: Vec<&Arc<Matrix>> =
            plan.points.iter().filter_map(|point| point.setup.latency_matrix.as_ref()).collect();
        let [small, small_us, large, large_us] = matrices[..] else { panic!("four points") };
        assert!(Arc::ptr_eq(small, large) && Arc::ptr_eq(small_us, large_us));
        assert_ne!(small, small_us);
    }
}
