//! What lies between the nodes: latency and loss, and how long a server takes over a
//! message.
//!
//! Must not know: what the messages say, or which overlay sends them.

mod latency;

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
    /// The nodes with the first so many addresses take so long over every message.
    servers: usize,
    service_time: Duration,
}

impl Network {
    /// A network with this latency that loses messages with this probability.
    pub fn new(latency: Latency, loss: f64, latency_random: Stream, loss_random: Stream) -> Self {
        let (servers, service_time) = (0, Duration::ZERO);
        Network { latency, loss, latency_random, loss_random, servers, service_time }
    }

    /// The same, where the nodes with the first so many addresses take so long over every
    /// message.
    pub fn with_servers(self, servers: usize, service_time: Duration) -> Network {
        Network { servers, service_time, ..self }
    }
}

impl crate::sim::Network for Network {
    fn delay(&mut self, from: Address, to: Address) -> Option<Duration> {
        let delay = self.latency.draw(from, to, &mut self.latency_random);
        let lost = self.loss > 0.0 && self.loss_random.chance(self.loss);
        (!lost).then_some(delay)
    }

    fn service_time(&self, node: Address) -> Duration {
        if node.index() < self.servers { self.service_time } else { Duration::ZERO }
    }
}
