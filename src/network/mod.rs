//! What lies between the nodes: latency and loss, and how long a server takes over a
//! message.
//!
//! Must not know: what the messages say, or which overlay sends them.

mod latency;

use std::rc::Rc;

pub use latency::Latency;

use crate::sim::{Address, Duration, Stream};

/// A network of independent one-way delays and independent losses.
#[derive(Debug)]
pub struct Network {
    latency: Rc<Latency>,
    /// Probability that a message is lost.
    loss: f64,
    /// Two streams, so that losing messages does not change the delays of the others.
    latency_random: Stream,
    loss_random: Stream,
    /// How long every node is busy with a message.
    service_time: Duration,
    /// How long the nodes with the first so many addresses are, instead.
    servers: (usize, Duration),
}

impl Network {
    /// A network with this latency that loses messages with this probability.
    pub fn new(latency: Latency, loss: f64, latency_random: Stream, loss_random: Stream) -> Self {
        let (service_time, servers) = (Duration::ZERO, (0, Duration::ZERO));
        let latency = Rc::new(latency);
        Network { latency, loss, latency_random, loss_random, service_time, servers }
    }

    /// The same with nodes that are busy so long with every message.
    pub fn with_service_time(self, service_time: Duration) -> Network {
        Network { service_time, ..self }
    }

    /// The same where the nodes with the first so many addresses are busy so long instead.
    pub fn with_servers(self, count: usize, service_time: Duration) -> Network {
        Network { servers: (count, service_time), ..self }
    }

    /// What a message is expected to take from one node to another, for whoever sets measured
    /// times against it.
    pub fn direct_delays(&self) -> DirectDelays {
        DirectDelays { latency: Rc::clone(&self.latency) }
    }
}

/// The delays of a network as they are expected: without losses, queues or service times.
#[derive(Clone, Debug)]
pub struct DirectDelays {
    latency: Rc<Latency>,
}

impl DirectDelays {
    /// The expected one-way delay.
    pub fn between(&self, from: Address, to: Address) -> Duration {
        self.latency.expected(from, to)
    }
}

impl crate::sim::Network for Network {
    fn delay(&mut self, from: Address, to: Address) -> Option<Duration> {
        let delay = self.latency.draw(from, to, &mut self.latency_random);
        let lost = self.loss > 0.0 && self.loss_random.chance(self.loss);
        (!lost).then_some(delay)
    }

    fn service_time(&self, node: Address) -> Duration {
        let (servers, own) = self.servers;
        if node.index() < servers { own } else { self.service_time }
    }
}
