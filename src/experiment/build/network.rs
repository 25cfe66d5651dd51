//! From the checked values of a scenario to what lies between its nodes.

use std::sync::Arc;

use crate::network::latency::{Euclidean, Links, MatrixRows, TransitStub};
use crate::network::{Access, Class, Latency, Network};
use crate::population::Population;
use crate::scenario::{Setup, format};
use crate::sim::Stream;

/// The network of one repeat. It depends on the overlay in nothing but trackers, which are
/// servers of their own kind: two systems under one seed stand in the same places.
pub(in super::super) fn network(setup: &Setup, repeat: u32, population: &Population) -> Network {
    let stream = |purpose| Stream::new(setup.seed, repeat, purpose);
    let given = &setup.network;
    let machines = population.machines();
    let latency = latency(setup, machines, &mut stream("positions"));
    let mut network = Network::new(latency, given.loss, stream("latency"), stream("loss"))
        .with_virtual_nodes(population.virtual_nodes)
        .with_service_time(given.service_time.0);
    let mut trackers = 0;
    if let format::Overlay::Tracker(tracker) = &setup.overlay {
        trackers = tracker.trackers as usize;
        let service_time = tracker.service_time.unwrap_or(given.service_time);
        network = network.with_servers(trackers, service_time.0);
    }
    if given.jitter > 0.0 {
        network = network.with_jitter(given.jitter, stream("jitter"));
    }
    if !given.classes.is_empty() {
        let classes: Vec<Class> = given.classes.values().map(class).collect();
        let (mapping, random) = (given.mapping.0, &mut stream("classes"));
        network = network.with_access(Access::deal(machines, trackers, &classes, mapping, random));
    }
    network
}

fn latency(setup: &Setup, servers: usize, positions: &mut Stream) -> Latency {
    match &setup.network.latency {
        format::Latency::Constant(delay) => Latency::Constant(delay.0),
        format::Latency::Uniform(uniform) => Latency::Uniform(uniform.from.0, uniform.to.0),
        format::Latency::Exponential(exponential) => Latency::Exponential(exponential.mean.0),
        format::Latency::LogNormal(normal) => {
            Latency::LogNormal { median: normal.median.0, sigma: normal.sigma }
        }
        format::Latency::Euclidean(field) => {
            let dimensions = field.dimensions as usize;
            let (side, base) = (field.side.0, field.base.0);
            Latency::Euclidean(Euclidean::draw(servers, dimensions, side, base, positions))
        }
        format::Latency::TransitStub(internet) => {
            let links = Links {
                between_transit_domains: internet.between_transit_domains.0,
                within_transit_domain: internet.within_transit_domain.0,
                transit_to_stub: internet.transit_to_stub.0,
                within_stub_domain: internet.within_stub_domain.0,
            };
            Latency::TransitStub(TransitStub::draw(
                servers,
                internet.transit_domains,
                internet.transit_nodes_per_domain,
                internet.stub_domains_per_transit_node,
                links,
                positions,
            ))
        }
        format::Latency::Matrix(_) => {
            let matrix = setup.latency_matrix.as_ref().expect("a checked matrix has been read");
            Latency::Matrix(MatrixRows::draw(Arc::clone(matrix), servers, positions))
        }
    }
}

fn class(class: &format::ServerClass) -> Class {
    Class {
        share: class.share,
        upload: class.upload,
        download: class.download,
        contactable: class.contactable,
        slow: class.slow,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::experiment::build::population;
    use crate::scenario::{Overrides, parse};
    use crate::sim::{Duration, Envelope, Network as _, Time};

    const SERVERS: usize = 30;

    fn scenario(latency: &Value, overlay: &Value) -> Value {
        json!({
            "name": "network",
            "population": {"nodes": SERVERS},
            "overlay": overlay,
            "network": {"latency": latency},
            "duration": "1h",
        })
    }

    fn build(scenario: &Value, repeat: u32) -> Network {
        let plan = parse("scenarios/x.json", &scenario.to_string(), &Overrides::default());
        let setup = &plan.expect("a good scenario").points[0].setup;
        network(setup, repeat, &population(setup, repeat))
    }

    /// The delays between all servers, through nodes of theirs.
    fn delays(network: &Network, virtual_nodes: usize) -> Vec<Duration> {
        let node = |server| crate::sim::Address::new(server * virtual_nodes);
        let pairs = (0..SERVERS).flat_map(|from| (0..SERVERS).map(move |to| (from, to)));
        pairs
            .map(|(from, to)| network.direct_delays(Vec::new()).between(node(from), node(to)))
            .collect()
    }

    fn places() -> [Value; 3] {
        [
            json!({"euclidean": {"side": "100ms"}}),
            json!({"transit_stub": {}}),
            json!({"matrix": {"file": "data/cities-rtt-ms.tsv"}}),
        ]
    }

    #[test]
    fn under_one_seed_all_systems_see_the_same_delays() {
        let others = [
            (json!({"full_membership": {}}), 1),
            (json!({"tracker": {"request_timeout": "1s"}}), 1),
            (json!({"chord": {"successors": 8}}), 4),
        ];
        for latency in places() {
            let chord = build(&scenario(&latency, &json!({"chord": {}})), 0);
            let delays_of_chord = delays(&chord, 1);
            for (overlay, virtual_nodes) in &others {
                let mut scenario = scenario(&latency, overlay);
                scenario["population"]["virtual_nodes"] = json!(virtual_nodes);
                let other = build(&scenario, 0);
                assert_eq!(delays(&other, *virtual_nodes), delays_of_chord, "{latency} {overlay}");
            }
            let again = build(&scenario(&latency, &json!({"chord": {}})), 1);
            assert_ne!(delays(&again, 1), delays_of_chord, "another repeat is another world");
        }
    }

    #[test]
    fn trackers_are_in_no_class() {
        let overlay = json!({"tracker": {"trackers": 3, "request_timeout": "1s"}});
        let mut scenario = scenario(&json!({"constant": "10ms"}), &overlay);
        scenario["network"]["classes"] = json!({"hidden": {"share": 1, "contactable": false}});
        let network = build(&scenario, 0);
        let open = (0..SERVERS).filter(|n| network.is_contactable(crate::sim::Address::new(*n)));
        assert!(open.eq(0..3));
    }

    #[test]
    fn what_the_file_says_is_what_the_network_does() {
        let mut scenario = scenario(&json!({"constant": "10ms"}), &json!({"chord": {}}));
        scenario["network"]["classes"] =
            json!({"all": {"share": 1, "upload": 1000, "download": 2000, "slow": 2}});
        scenario["network"]["service_time"] = json!("3ms");
        let (from, to) = (crate::sim::Address::new(0), crate::sim::Address::new(1));
        let send = |network: &mut Network| {
            network
                .delay(Time::ZERO, Envelope { from, to, bytes: 100 })
                .map(Duration::as_millis_f64)
        };
        let mut network = build(&scenario, 0);
        assert_eq!(send(&mut network), Some(100.0 + 2.0 * 2.0 * 10.0 + 50.0));
        assert_eq!(network.service_time(to), Duration::from_millis(6));
        scenario["network"]["jitter"] = json!(0.5);
        let delay = send(&mut build(&scenario, 0)).expect("nothing is lost");
        assert!((170.0..=210.0).contains(&delay) && (delay - 190.0).abs() > 1e-6, "{delay}");
    }
}
