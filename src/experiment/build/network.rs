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
    let latency = latency(setup, population.servers(), &mut stream("positions"));
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
        let (servers, mapping) = (population.servers(), given.mapping.0);
        let random = &mut stream("classes");
        network = network.with_access(Access::deal(servers, trackers, &classes, mapping, random));
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
