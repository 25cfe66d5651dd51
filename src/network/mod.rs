//! What lies between the nodes: latency and loss.
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
}

impl Network {
    /// A network with this latency that loses messages with this probability.
    pub fn new(latency: Latency, loss: f64, latency_random: Stream, loss_random: Stream) -> Self {
        Network { latency, loss, latency_random, loss_random }
    }
}

impl crate::sim::Network for Network {
    fn delay(&mut self, from: Address, to: Address) -> Option<Duration> {
        let delay = self.latency.draw(from, to, &mut self.latency_random);
        let lost = self.loss > 0.0 && self.loss_random.chance(self.loss);
        (!lost).then_some(delay)
    }
}
