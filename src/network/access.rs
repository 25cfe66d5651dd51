//! How servers are connected: classes of access links, firewalls and machines.
//!
//! A server has one link, which its virtual nodes share. What it sends to itself leaves
//! neither the machine nor its place in this file's sums.
//!
//! Must not know: what lies between two links.

mod firewall;
mod link;

use crate::sim::{Duration, Envelope, Stream, Time};

use firewall::Firewall;
use link::{Uplinks, transmission};

/// What the servers of a class have in common.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Class {
    /// How many of all servers are in it, as a share.
    pub share: f64,
    /// Bytes a second that leave through the link; without it any number at once.
    pub upload: Option<u64>,
    /// Bytes a second that arrive through the link; without it any number at once.
    pub download: Option<u64>,
    /// Whether anybody can send to it. Otherwise only those to whom it has sent first.
    pub contactable: bool,
    /// The factor, at least 1, by which everything takes longer: messages on the way from and
    /// to it, and handling them.
    pub slow: f64,
}

impl Class {
    /// The class of servers that are in none.
    const NONE: Class =
        Class { share: 0.0, upload: None, download: None, contactable: true, slow: 1.0 };
}

/// How each server is connected.
#[derive(Clone, Debug)]
pub struct Access {
    /// The classes; the first is [`Class::NONE`].
    classes: Vec<Class>,
    /// The class of each server.
    of_server: Vec<u8>,
    uplinks: Uplinks,
    firewall: Firewall,
}

impl Access {
    /// Deals the classes out among the servers, except to the first `exempt` ones, which are
    /// in none. As many are in a class as its share says, up to rounding; who they are is
    /// drawn. Firewalls remember for the time `mapping` to whom their server has sent.
    ///
    /// # Panics
    /// With more than 255 classes.
    pub fn deal(
        servers: usize,
        exempt: usize,
        classes: &[Class],
        mapping: Duration,
        random: &mut Stream,
    ) -> Access {
        assert!(u8::try_from(classes.len()).is_ok(), "classes have numbers of 8 bits");
        let mut of_server = vec![0; servers];
        let dealt = &mut of_server[exempt.min(servers)..];
        let mut share = 0.0;
        let mut taken = 0;
        for (class, number) in classes.iter().zip(1..) {
            share += class.share;
            let end = ((share * dealt.len() as f64).round() as usize).min(dealt.len());
            dealt[taken..end].fill(number);
            taken = end;
        }
        for left in (1..dealt.len()).rev() {
            dealt.swap(left, random.below(left as u64 + 1) as usize);
        }
        Access {
            classes: [Class::NONE].into_iter().chain(classes.iter().copied()).collect(),
            of_server,
            uplinks: Uplinks::new(servers),
            firewall: Firewall::new(mapping),
        }
    }

    fn class(&self, server: usize) -> &Class {
        &self.classes[usize::from(self.of_server[server])]
    }

    /// How long a message is under way that is sent now and takes this time between the links;
    /// `None` if the receiver's firewall keeps it out.
    pub(super) fn pass(
        &mut self,
        now: Time,
        envelope: Envelope,
        (from, to): (usize, usize),
        between: Duration,
    ) -> Option<Duration> {
        let between = self.slowed((from, to), between);
        if from == to {
            return Some(between);
        }
        let (sender, receiver) = (*self.class(from), *self.class(to));
        let departs = match sender.upload {
            Some(rate) => self.uplinks.send(now, from, transmission(envelope.bytes, rate)),
            None => now,
        };
        if !sender.contactable {
            self.firewall.lets_out(now, departs, envelope.from, envelope.to);
        }
        let coming_in =
            receiver.download.map_or(Duration::ZERO, |rate| transmission(envelope.bytes, rate));
        let arrives = departs + between;
        let is_kept_out =
            !receiver.contactable && !self.firewall.lets_in(arrives, envelope.to, envelope.from);
        (!is_kept_out).then(|| (arrives + coming_in).since(now))
    }

    /// A delay between two servers, which is longer if they are slow.
    fn slowed(&self, servers: (usize, usize), delay: Duration) -> Duration {
        between_slow(servers, delay, |server| self.class(server).slow)
    }

    /// The factor by which everything takes longer at each server; nothing if none is slow.
    pub(super) fn slowness(&self) -> Vec<f64> {
        if self.classes.iter().all(|class| class.slow <= 1.0) {
            return Vec::new();
        }
        (0..self.of_server.len()).map(|server| self.class(server).slow).collect()
    }

    /// How long a server is busy with a message over which others take this time.
    pub(super) fn service_time(&self, server: usize, usual: Duration) -> Duration {
        times(usual, self.class(server).slow)
    }

    /// Whether anybody can send to a server.
    pub(super) fn is_contactable(&self, server: usize) -> bool {
        self.class(server).contactable
    }

    /// Whether anybody can send to every server.
    pub(super) fn all_are_contactable(&self) -> bool {
        self.classes.iter().all(|class| class.contactable)
    }
}

/// A delay between two servers, which is longer if they are slow by these factors.
pub(super) fn slowed(delay: Duration, slowness: &[f64], servers: (usize, usize)) -> Duration {
    between_slow(servers, delay, |server| slowness.get(server).copied().unwrap_or(1.0))
}

fn between_slow(
    (from, to): (usize, usize),
    delay: Duration,
    slowness: impl Fn(usize) -> f64,
) -> Duration {
    let receiver = if from == to { 1.0 } else { slowness(to) };
    times(delay, slowness(from) * receiver)
}

fn times(duration: Duration, factor: f64) -> Duration {
    if factor <= 1.0 {
        return duration;
    }
    Duration::from_nanos_f64(duration.as_nanos() as f64 * factor)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sim::Address;

    fn share(share: f64) -> Class {
        Class { share, ..Class::NONE }
    }

    fn deal(servers: usize, exempt: usize, classes: &[Class]) -> Access {
        let mapping = Duration::from_secs(120);
        Access::deal(servers, exempt, classes, mapping, &mut Stream::new(1, 0, "classes"))
    }

    /// Of two servers that are in the one class and the other.
    fn pair(sender: Class, receiver: Class) -> Access {
        Access { classes: vec![sender, receiver], of_server: vec![0, 1], ..deal(2, 0, &[]) }
    }

    fn envelope(bytes: u32) -> Envelope {
        Envelope { from: Address::new(0), to: Address::new(1), bytes }
    }

    /// How many of some servers are in a class.
    fn count(of_server: &[u8], class: u8) -> usize {
        of_server.iter().map(|of| usize::from(*of == class)).sum()
    }

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn at(millis: u64) -> Time {
        Time::ZERO + ms(millis)
    }

    #[test]
    fn a_share_is_dealt_out_exactly() {
        let access = deal(1000, 0, &[share(0.3), share(0.25), share(0.0)]);
        assert_eq!([0, 1, 2, 3].map(|class| count(&access.of_server, class)), [450, 300, 250, 0]);
        // Who they are is drawn: were it the first ones, all of these would be in class 1.
        let first = count(&access.of_server[..300], 1);
        assert!((60..120).contains(&first), "{first}");
    }

    #[test]
    fn exempt_servers_are_in_no_class() {
        let access = deal(10, 2, &[share(0.5), share(0.5)]);
        assert_eq!(access.of_server[..2], [0, 0]);
        assert!(access.of_server[2..].iter().all(|class| *class > 0));
        assert_eq!(deal(2, 5, &[share(1.0)]).of_server, [0, 0]);
    }

    #[test]
    fn a_message_goes_through_both_links() {
        let sender = Class { upload: Some(1000), ..Class::NONE };
        let receiver = Class { download: Some(4000), ..Class::NONE };
        let mut access = pair(sender, receiver);
        // 100 bytes take 100 ms to leave and 25 ms to come in.
        let mut pass = |now| access.pass(now, envelope(100), (0, 1), ms(10)).unwrap();
        assert_eq!([at(0), at(0), at(50), at(400)].map(&mut pass), [135, 235, 285, 135].map(ms));
    }

    #[test]
    fn what_a_server_sends_to_itself_stays_inside() {
        let class = Class { upload: Some(1), contactable: false, slow: 3.0, ..Class::NONE };
        let mut access = pair(class, class);
        let pass = |access: &mut Access, servers| access.pass(at(0), envelope(100), servers, ms(2));
        assert_eq!(pass(&mut access, (0, 0)), Some(ms(6)));
        assert_eq!(pass(&mut access, (1, 1)), Some(ms(6)));
        assert_eq!(pass(&mut access, (0, 1)), None);
    }

    #[test]
    fn slow_servers_take_longer_by_their_factors() {
        let access = pair(Class { slow: 4.0, ..Class::NONE }, Class { slow: 2.5, ..Class::NONE });
        assert_eq!(access.slowed((0, 1), ms(10)), ms(100));
        assert_eq!(access.slowed((1, 0), ms(10)), ms(100));
        assert_eq!(access.slowed((1, 1), ms(10)), ms(25));
        assert_eq!(access.service_time(0, ms(2)), ms(8));
        assert_eq!(access.service_time(0, Duration::ZERO), Duration::ZERO);
    }

    proptest! {
        #![proptest_config(crate::property::config())]

        #[test]
        fn quotas_are_kept_up_to_rounding(
            servers in 0_usize..500,
            parts in prop::collection::vec(0_u32..100, 1..6),
            rest in 0_u32..100,
        ) {
            let sum = f64::from(parts.iter().sum::<u32>() + rest).max(1.0);
            let classes: Vec<Class> =
                parts.iter().map(|part| share(f64::from(*part) / sum)).collect();
            let access = deal(servers, 0, &classes);
            for (class, number) in classes.iter().zip(1..) {
                let count = count(&access.of_server, number);
                prop_assert!((count as f64 - class.share * servers as f64).abs() <= 1.0);
            }
        }

        /// Servers in a class that changes nothing are as if there were no classes.
        #[test]
        fn a_class_without_properties_changes_nothing(
            nanos: u64, now: u64, bytes: u32, from in 0_usize..4, to in 0_usize..4,
        ) {
            let (now, delay) = (Time::from_nanos(now / 2), Duration::from_nanos(nanos / 2));
            let mut access = deal(4, 0, &[share(0.5)]);
            prop_assert_eq!(access.pass(now, envelope(bytes), (from, to), delay), Some(delay));
            prop_assert_eq!(access.service_time(from, delay), delay);
        }
    }
}
