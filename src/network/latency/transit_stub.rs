//! An internet in two levels: transit domains in the middle, stub domains around them
//! (Zegura, Calvert and Bhattacharjee, How to Model an Internetwork, INFOCOM 1996; their
//! generator is GT-ITM).
//!
//! Implementation notes. GT-ITM draws random graphs within domains and a simulator looks for
//! shortest paths in them. Here every domain is a full mesh, so that the way of a pair follows
//! from where its two ends are, and its delay is a sum of at most seven links, whatever the
//! number of nodes:
//!
//! - The nodes of a stub domain are one link apart, and its gateway is one link from each.
//! - The gateway has one link to the domain's transit node. No stub domain has two, and none
//!   has a link to another stub domain.
//! - The transit nodes of a domain are one link apart. The first of them is its border: every
//!   two borders have a link.

use crate::sim::{Duration, Stream};

/// The delays of the links of each class.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Links {
    /// Between the borders of two transit domains.
    pub between_transit_domains: Duration,
    /// Between two nodes of a transit domain.
    pub within_transit_domain: Duration,
    /// From a transit node to the gateway of a stub domain.
    pub transit_to_stub: Duration,
    /// Between two nodes of a stub domain.
    pub within_stub_domain: Duration,
}

/// Servers in the stub domains of an internet.
#[derive(Clone, Debug)]
pub struct TransitStub {
    transit_nodes_per_domain: u32,
    stub_domains_per_transit_node: u32,
    links: Links,
    /// The stub domain of each server. Those of a transit node, and the transit nodes of a
    /// domain, are numbered side by side.
    stubs: Vec<u32>,
}

impl TransitStub {
    /// Servers in stub domains drawn uniformly. More servers leave the first ones where they
    /// are.
    ///
    /// # Panics
    /// When there is no stub domain, or 2^32 of them.
    pub fn draw(
        servers: usize,
        transit_domains: u32,
        transit_nodes_per_domain: u32,
        stub_domains_per_transit_node: u32,
        links: Links,
        random: &mut Stream,
    ) -> TransitStub {
        let transit_nodes = u64::from(transit_domains) * u64::from(transit_nodes_per_domain);
        let stubs = transit_nodes * u64::from(stub_domains_per_transit_node);
        assert!(u32::try_from(stubs).is_ok(), "stub domains have numbers of 32 bits");
        let stubs = (0..servers).map(|_| random.below(stubs) as u32).collect();
        TransitStub { transit_nodes_per_domain, stub_domains_per_transit_node, links, stubs }
    }

    /// The delay from one server to another.
    pub fn delay(&self, from: usize, to: usize) -> Duration {
        let Links {
            between_transit_domains,
            within_transit_domain,
            transit_to_stub,
            within_stub_domain,
        } = self.links;
        let stubs = [self.stubs[from], self.stubs[to]];
        if stubs[0] == stubs[1] {
            return within_stub_domain;
        }
        let up_and_down =
            within_stub_domain + transit_to_stub + transit_to_stub + within_stub_domain;
        let transit = stubs.map(|stub| stub / self.stub_domains_per_transit_node);
        if transit[0] == transit[1] {
            return up_and_down;
        }
        let domains = transit.map(|node| node / self.transit_nodes_per_domain);
        if domains[0] == domains[1] {
            return up_and_down + within_transit_domain;
        }
        let inland = |node: u32| !node.is_multiple_of(self.transit_nodes_per_domain);
        transit
            .into_iter()
            .filter(|node| inland(*node))
            .fold(up_and_down + between_transit_domains, |way, _| way + within_transit_domain)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LINKS: Links = Links {
        between_transit_domains: Duration::from_nanos(1000),
        within_transit_domain: Duration::from_nanos(100),
        transit_to_stub: Duration::from_nanos(10),
        within_stub_domain: Duration::from_nanos(1),
    };

    /// Servers in given stub domains: two domains of three transit nodes with four stubs each.
    fn internet(stubs: impl Into<Vec<u32>>) -> TransitStub {
        TransitStub {
            transit_nodes_per_domain: 3,
            stub_domains_per_transit_node: 4,
            links: LINKS,
            stubs: stubs.into(),
        }
    }

    #[test]
    fn every_class_of_pairs_has_the_links_of_its_way() {
        let nanos = |from, to| internet([from, to]).delay(0, 1).as_nanos();
        assert_eq!(nanos(5, 5), 1, "in one stub domain");
        assert_eq!(nanos(4, 7), 22, "at one transit node");
        assert_eq!(nanos(0, 4), 122, "in one transit domain, from the border inland");
        assert_eq!(nanos(4, 8), 122, "in one transit domain, both inland");
        assert_eq!(nanos(0, 12), 1022, "from border to border");
        assert_eq!(nanos(3, 16), 1122, "from the border to another domain inland");
        assert_eq!(nanos(11, 15), 1122, "the other way round");
        assert_eq!(nanos(11, 23), 1222, "from inland to another domain inland");
    }

    #[test]
    fn all_stub_domains_are_drawn_equally_often() {
        let mut random = Stream::new(1, 0, "test");
        let internet = TransitStub::draw(24_000, 2, 3, 4, LINKS, &mut random);
        let mut servers = [0_u32; 24];
        for stub in internet.stubs {
            servers[stub as usize] += 1;
        }
        // Five standard deviations of a binomial number.
        assert!(servers.iter().all(|servers| servers.abs_diff(1000) < 160), "{servers:?}");
    }

    proptest! {
        #![proptest_config(crate::property::config())]

        #[test]
        fn delays_are_those_of_a_metric(stubs in prop::array::uniform3(0_u32..24)) {
            let internet = internet(stubs);
            let delay = |from, to| internet.delay(from, to);
            prop_assert_eq!(delay(0, 1), delay(1, 0));
            prop_assert!(delay(0, 2) <= delay(0, 1) + delay(1, 2));
        }
    }
}
