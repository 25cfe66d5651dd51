//! Uplinks: one message after the other, in the order in which they are sent.
//!
//! Implementation notes. The queue before an uplink is as long as it has to be; a router's
//! buffer would overflow. A server that crashes takes nothing back of what waits there.

use crate::sim::{Duration, Time};

/// When the uplink of each server is free.
#[derive(Clone, Debug)]
pub(super) struct Uplinks(Vec<Time>);

impl Uplinks {
    /// Those of so many servers, all free.
    pub(super) fn new(servers: usize) -> Uplinks {
        Uplinks(vec![Time::ZERO; servers])
    }

    /// Sends something through a server's uplink that occupies it for this time; gives when
    /// it has left.
    pub(super) fn send(&mut self, now: Time, server: usize, transmission: Duration) -> Time {
        let free = &mut self.0[server];
        *free = now.max(*free) + transmission;
        *free
    }
}

/// How long bytes take at this rate, in bytes a second; a nanosecond begun counts.
pub(super) fn transmission(bytes: u32, rate: u64) -> Duration {
    // 2^32 · 10^9 fits 64 bits.
    Duration::from_nanos((u64::from(bytes) * 1_000_000_000).div_ceil(rate))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Stream;

    #[test]
    fn transmissions_are_rounded_up() {
        let nanos = |bytes, rate| transmission(bytes, rate).as_nanos();
        assert_eq!(nanos(1500, 1_500_000), 1_000_000);
        assert_eq!([nanos(1, 3_000_000_000), nanos(0, 5), nanos(10, 3)], [1, 0, 3_333_333_334]);
        assert_eq!(nanos(u32::MAX, 1), u64::from(u32::MAX) * 1_000_000_000);
    }

    #[test]
    fn what_is_sent_waits_for_what_was_sent_before() {
        let mut uplinks = Uplinks::new(2);
        let mut send = |now, server, time| {
            let (now, time) = (Time::from_nanos(now), Duration::from_nanos(time));
            uplinks.send(now, server, time).as_nanos()
        };
        assert_eq!(
            [send(0, 0, 10), send(0, 0, 5), send(12, 0, 5), send(12, 1, 5)],
            [10, 15, 20, 17]
        );
        assert_eq!([send(20, 0, 5), send(100, 0, 5)], [25, 105]);
    }

    /// Messages of one size that come as a Poisson process wait ρ / 2(1 − ρ) transmissions on
    /// average (the M/D/1 queue).
    #[test]
    fn messages_of_one_size_wait_like_those_of_an_m_d_1_queue() {
        const MESSAGES: u32 = 400_000;
        let transmission = Duration::from_millis(10);
        for load in [0.3, 0.6, 0.8] {
            let mut uplinks = Uplinks::new(1);
            let mut random = Stream::new(1, 0, "test");
            let gap = transmission.as_nanos() as f64 / load;
            let (mut now, mut waited) = (Time::ZERO, 0.0);
            for _ in 0..MESSAGES {
                now += random.exponential_nanos(gap);
                let left = uplinks.send(now, 0, transmission);
                waited += left.since(now).as_secs_f64() / transmission.as_secs_f64() - 1.0;
            }
            let (waited, expected) = (waited / f64::from(MESSAGES), load / (2.0 * (1.0 - load)));
            assert!((waited - expected).abs() < 0.03 * expected, "{load}: {waited}");
        }
    }
}
