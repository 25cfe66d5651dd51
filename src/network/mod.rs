//! What lies between the nodes: latency, loss and partitions, and how long a server takes
//! over a message.
//!
//! Must not know: what the messages say, or which overlay sends them.

mod faults;
mod latency;

pub use faults::{DisturbanceId, Disturbances};
pub use latency::Latency;

use crate::sim::{Address, Duration, Stream};

/// A network of independent one-way delays and independent losses.
#[derive(Debug)]
pub struct Network {
    latency: Latency,
    /// Probability that a message is lost.
    loss: f64,
    /// Two streams, so that losing messages does not change the delays of the others.
    latency_random: Stream,
    loss_random: Stream,
    /// How long every node is busy with a message.
    service_time: Duration,
    /// How long the nodes with the first so many addresses are, instead.
    servers: (usize, Duration),
    /// What is wrong with it at the moment.
    disturbances: Disturbances,
}

impl Network {
    /// A network with this latency that loses messages with this probability.
    pub fn new(latency: Latency, loss: f64, latency_random: Stream, loss_random: Stream) -> Self {
        let (service_time, servers) = (Duration::ZERO, (0, Duration::ZERO));
        let disturbances = Disturbances::default();
        Network { latency, loss, latency_random, loss_random, service_time, servers, disturbances }
    }

    /// The same with nodes that are busy so long with every message.
    pub fn with_service_time(self, service_time: Duration) -> Network {
        Network { service_time, ..self }
    }

    /// The same where the nodes with the first so many addresses are busy so long instead.
    pub fn with_servers(self, count: usize, service_time: Duration) -> Network {
        Network { servers: (count, service_time), ..self }
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
}

impl crate::sim::Network for Network {
    fn delay(&mut self, from: Address, to: Address) -> Option<Duration> {
        let delay = self.latency.draw(from, to, &mut self.latency_random);
        let probability = self.loss();
        let lost = probability > 0.0 && self.loss_random.chance(probability);
        (!lost && !self.disturbances.separate(from, to)).then_some(delay)
    }

    fn service_time(&self, node: Address) -> Duration {
        let (servers, own) = self.servers;
        if node.index() < servers { own } else { self.service_time }
    }
}
