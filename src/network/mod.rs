//! What lies between the nodes: latency, access links, losses and partitions, and how long a
//! server takes over a message.
//!
//! Where a node is, and how it is connected, is a matter of its server: the virtual nodes of
//! one share both.
//!
//! Must not know: what the messages say, or which overlay sends them.

mod access;
mod faults;
pub mod latency;

pub use access::{Access, Class};
pub use faults::{DisturbanceId, Disturbances};

use std::rc::Rc;

pub use latency::Latency;

use crate::sim::{Address, Duration, Envelope, Stream, Time};

/// What lies between the places of nodes.
#[derive(Debug)]
pub struct Network {
    latency: Rc<Latency>,
    /// The delay of every message, if it is the same for all as long as nothing is wrong.
    constant_delay: Option<Duration>,
    /// Probability that a message is lost as long as nothing is wrong.
    loss: f64,
    /// Two streams, so that losing messages does not change the delays of the others.
    latency_random: Stream,
    loss_random: Stream,
    /// Within what share of itself a delay varies, and the stream by which it does.
    jitter: Option<(f64, Box<Stream>)>,
    /// How servers are connected, if not all by links without limits.
    access: Option<Box<Access>>,
    /// Nodes of each server.
    virtual_nodes: usize,
    /// How long every node is busy with a message.
    service_time: Duration,
    /// How long the nodes with the first so many addresses are, instead.
    servers: (usize, Duration),
    /// What is wrong with it at the moment.
    disturbances: Disturbances,
}

impl Network {
    /// A network with this latency that loses messages with this probability. Every node is a
    /// server of its own.
    pub fn new(latency: Latency, loss: f64, latency_random: Stream, loss_random: Stream) -> Self {
        let constant_delay = match latency {
            Latency::Constant(delay) if loss == 0.0 => Some(delay),
            _ => None,
        };
        Network {
            latency: Rc::new(latency),
            constant_delay,
            loss,
            latency_random,
            loss_random,
            jitter: None,
            access: None,
            disturbances: Disturbances::default(),
            virtual_nodes: 1,
            service_time: Duration::ZERO,
            servers: (0, Duration::ZERO),
        }
    }

    /// The same where so many nodes with addresses side by side share a server.
    pub fn with_virtual_nodes(self, virtual_nodes: usize) -> Network {
        Network { virtual_nodes, ..self }
    }

    /// The same where every delay varies, uniformly within this share of itself.
    pub fn with_jitter(self, share: f64, random: Stream) -> Network {
        Network { jitter: Some((share, Box::new(random))), constant_delay: None, ..self }
    }

    /// The same with servers that are connected like this.
    pub fn with_access(self, access: Access) -> Network {
        Network { access: Some(Box::new(access)), constant_delay: None, ..self }
    }

    /// The same with nodes that are busy so long with every message.
    pub fn with_service_time(self, service_time: Duration) -> Network {
        Network { service_time, ..self }
    }

    /// The same where the nodes with the first so many addresses are busy so long instead.
    pub fn with_servers(self, count: usize, service_time: Duration) -> Network {
        Network { servers: (count, service_time), ..self }
    }

    /// How long messages between nodes at these places can be expected to be under way when no
    /// link holds them up. Without places every node is at one of its own.
    pub fn direct_delays(&self, places: Vec<u32>) -> DirectDelays {
        DirectDelays {
            latency: Rc::clone(&self.latency),
            slow: self.access.as_ref().map_or_else(Vec::new, |access| access.slowness()).into(),
            virtual_nodes: self.virtual_nodes,
            places: places.into(),
        }
    }

    /// Whether anybody can send to everybody.
    pub fn all_are_contactable(&self) -> bool {
        self.access.as_ref().is_none_or(|access| access.all_are_contactable())
    }

    /// Whether anybody can send to this node.
    pub fn is_contactable(&self, node: Address) -> bool {
        self.access.as_ref().is_none_or(|access| access.is_contactable(self.server_of(node)))
    }

    /// What is wrong with the network at the moment.
    pub fn disturbances(&self) -> &Disturbances {
        &self.disturbances
    }

    /// The same, to begin and end it.
    pub fn disturbances_mut(&mut self) -> &mut Disturbances {
        &mut self.disturbances
    }

    /// The probability that a message is lost at the moment.
    pub fn loss(&self) -> f64 {
        self.disturbances.with_losses(self.loss)
    }

    fn server_of(&self, node: Address) -> usize {
        server_of(node, self.virtual_nodes)
    }
}

fn server_of(node: Address, virtual_nodes: usize) -> usize {
    // A division takes as long as all else about a constant delay.
    if virtual_nodes == 1 { node.index() } else { node.index() / virtual_nodes }
}

/// The delays of a network as they are expected: the mean where they are drawn for every
/// message; without losses, full links or service times. For whoever sets measured times
/// against them.
#[derive(Clone, Debug)]
pub struct DirectDelays {
    latency: Rc<Latency>,
    /// The factor of every server's slowness; none if none is slow.
    slow: Rc<[f64]>,
    virtual_nodes: usize,
    /// The place of every node; its own if this is empty.
    places: Rc<[u32]>,
}

impl DirectDelays {
    /// The expected one-way delay from one node to another.
    pub fn between(&self, from: Address, to: Address) -> Duration {
        let servers = (self.server_of(from), self.server_of(to));
        access::slowed(self.latency.mean(servers), &self.slow, servers)
    }

    fn server_of(&self, node: Address) -> usize {
        let place = self.places.get(node.index()).map_or(node.index(), |place| *place as usize);
        server_of(Address::new(place), self.virtual_nodes)
    }
}

impl crate::sim::Network for Network {
    #[inline]
    fn delay(&mut self, now: Time, envelope: Envelope) -> Option<Duration> {
        match self.constant_delay {
            // Nothing to draw, and nothing in the way.
            Some(delay) if self.disturbances.is_empty() => Some(delay),
            _ => self.delay_on_the_way(now, envelope),
        }
    }

    #[inline]
    fn service_time(&self, node: Address) -> Duration {
        let (servers, own) = self.servers;
        let usual = if node.index() < servers { own } else { self.service_time };
        match &self.access {
            Some(access) => access.service_time(self.server_of(node), usual),
            None => usual,
        }
    }
}

impl Network {
    /// The delay of a message by its way.
    fn delay_on_the_way(&mut self, now: Time, envelope: Envelope) -> Option<Duration> {
        let servers = (self.server_of(envelope.from), self.server_of(envelope.to));
        let mut delay = self.latency.draw(servers, &mut self.latency_random);
        if let Some((share, random)) = &mut self.jitter {
            delay = random.jittered(delay, *share);
        }
        let arrives = match &mut self.access {
            Some(access) => access.pass(now, envelope, servers, delay),
            None => Some(delay),
        };
        // Drawn for a message that has no way as well: what befalls one changes no other.
        let loss = self.loss();
        let is_lost = loss > 0.0 && self.loss_random.chance(loss);
        arrives.filter(|_| !is_lost && !self.disturbances.separate(envelope.from, envelope.to))
    }
}

#[cfg(test)]
mod tests;
