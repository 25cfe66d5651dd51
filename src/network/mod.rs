//! What lies between the nodes: latency and loss; and how long they take over a message.
//!
//! Must not know: what the messages say, or which overlay sends them.

mod latency;

pub use latency::Latency;

use crate::sim::{Address, Duration, Stream};

/// A network of independent one-way delays and independent losses, between nodes that are
/// all equally fast.
#[derive(Debug)]
pub struct Network {
    latency: Latency,
    /// Probability that a message is lost.
    loss: f64,
    /// How long a node is busy with a message.
    service_time: Duration,
    /// Two streams, so that losing messages does not change the delays of the others.
    latency_random: Stream,
    loss_random: Stream,
}

impl Network {
    /// A network with this latency that loses messages with this probability. Nodes handle
    /// messages in no time.
    pub fn new(latency: Latency, loss: f64, latency_random: Stream, loss_random: Stream) -> Self {
        let service_time = Duration::ZERO;
        Network { latency, loss, service_time, latency_random, loss_random }
    }

    /// The same where every node is busy for so long with each message that it handles.
    pub fn with_service_time(self, service_time: Duration) -> Self {
        Network { service_time, ..self }
    }
}

impl crate::sim::Network for Network {
    fn delay(&mut self, from: Address, to: Address) -> Option<Duration> {
        let delay = self.latency.draw(from, to, &mut self.latency_random);
        let lost = self.loss > 0.0 && self.loss_random.chance(self.loss);
        (!lost).then_some(delay)
    }

    fn service_time(&self, _: Address) -> Duration {
        self.service_time
    }
}
