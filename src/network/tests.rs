//! Networks asked for one delay after the other.

use proptest::prelude::*;

use super::latency::Euclidean;
use super::*;
use crate::sim::Network as _;

const SERVERS: usize = 10;

fn stream(purpose: &str) -> Stream {
    Stream::new(1, 0, purpose)
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn network(latency: Latency, loss: f64) -> Network {
    Network::new(latency, loss, stream("latency"), stream("loss"))
}

fn constant(loss: f64) -> Network {
    network(Latency::Constant(ms(50)), loss)
}

fn euclidean(servers: usize) -> Latency {
    Latency::Euclidean(Euclidean::draw(servers, 2, ms(100), ms(5), &mut stream("positions")))
}

/// The fate of a message of a hundred bytes at time zero.
fn send(network: &mut Network, from: usize, to: usize) -> Option<Duration> {
    let (from, to) = (Address::new(from), Address::new(to));
    network.delay(Time::ZERO, Envelope { from, to, bytes: 100 })
}

/// How many of so many messages from the first server to the second are lost.
fn lost(network: &mut Network, messages: u32) -> u32 {
    (0..messages).map(|_| u32::from(send(network, 0, 1).is_none())).sum()
}

fn class(share: f64) -> Class {
    Class { share, upload: None, download: None, contactable: true, slow: 1.0 }
}

fn access(classes: &[Class]) -> Access {
    Access::deal(SERVERS, 0, classes, ms(120_000), &mut stream("classes"))
}

#[test]
fn virtual_nodes_are_where_their_server_is() {
    let mut apart = network(euclidean(SERVERS), 0.0);
    let mut shared = network(euclidean(SERVERS), 0.0).with_virtual_nodes(4);
    for (from, to) in [(0, 1), (3, 7), (9, 2)] {
        let delay = send(&mut apart, from, to);
        assert_eq!(send(&mut shared, 4 * from, 4 * to + 3), delay);
        assert_eq!(send(&mut shared, 4 * from + 2, 4 * to), delay);
    }
    assert_eq!(send(&mut shared, 8, 11), Some(ms(5)), "on one server");
}

#[test]
fn virtual_nodes_share_the_link_of_their_server() {
    let slow = Class { upload: Some(1000), ..class(1.0) };
    let mut network = constant(0.0).with_virtual_nodes(2).with_access(access(&[slow]));
    let delays = [(0, 2), (1, 2), (2, 0), (0, 1)].map(|(from, to)| send(&mut network, from, to));
    assert_eq!(delays, [150, 250, 150, 50].map(|millis| Some(ms(millis))));
}

#[test]
fn jitter_stays_within_its_share_and_is_even() {
    const MESSAGES: u32 = 100_000;
    let mut network = constant(0.0).with_jitter(0.2, stream("jitter"));
    let delays: Vec<f64> = (0..MESSAGES)
        .map(|_| send(&mut network, 0, 1).expect("nothing is lost").as_millis_f64())
        .collect();
    assert!(delays.iter().all(|delay| (40.0..=60.0).contains(delay)));
    let mean = delays.iter().sum::<f64>() / f64::from(MESSAGES);
    let deviation = 20.0 / 12_f64.sqrt();
    assert!((mean - 50.0).abs() < 5.0 * deviation / f64::from(MESSAGES).sqrt(), "{mean}");
    let quarter = delays.iter().filter(|delay| **delay < 45.0).count() as f64;
    assert!((quarter / f64::from(MESSAGES) - 0.25).abs() < 0.01, "{quarter}");
    assert_eq!(network.direct_delays(Vec::new()).between(Address::new(0), Address::new(1)), ms(50));
}

#[test]
fn what_is_direct_is_what_a_message_takes_that_nothing_holds_up() {
    let slow = Class { slow: 3.0, ..class(0.5) };
    let mut network = network(euclidean(SERVERS), 0.0).with_access(access(&[slow]));
    for (from, to) in (0..SERVERS).flat_map(|from| (0..SERVERS).map(move |to| (from, to))) {
        let direct =
            network.direct_delays(Vec::new()).between(Address::new(from), Address::new(to));
        assert_eq!(send(&mut network, from, to), Some(direct));
    }
}

#[test]
fn bursts_of_losses_add_up_like_independent_dangers() {
    const MESSAGES: u32 = 100_000;
    let near = |lost: u32, share: f64| {
        let deviation = (share * (1.0 - share) / f64::from(MESSAGES)).sqrt();
        (f64::from(lost) / f64::from(MESSAGES) - share).abs() <= 5.0 * deviation
    };
    let mut network = constant(0.1);
    let first = network.disturbances_mut().begin_loss(0.2);
    let second = network.disturbances_mut().begin_loss(0.5);
    assert!(near(lost(&mut network, MESSAGES), 1.0 - 0.9 * 0.8 * 0.5));
    network.disturbances_mut().end(first);
    assert!(near(lost(&mut network, MESSAGES), 1.0 - 0.9 * 0.5));
    network.disturbances_mut().end(second);
    assert!(near(lost(&mut network, MESSAGES), 0.1));
    network.disturbances_mut().begin_loss(1.0);
    assert_eq!(lost(&mut network, 100), 100);
}

#[test]
fn nothing_is_drawn_for_losses_that_cannot_be() {
    let (mut calm, mut troubled) = (constant(0.0), constant(0.0));
    let none = troubled.disturbances_mut().begin_loss(0.0);
    assert_eq!(lost(&mut troubled, 100), 0);
    troubled.disturbances_mut().end(none);
    for network in [&mut calm, &mut troubled] {
        network.disturbances_mut().begin_loss(0.5);
    }
    let fates =
        |network: &mut Network| -> Vec<_> { (0..100).map(|_| send(network, 0, 1)).collect() };
    assert_eq!(fates(&mut calm), fates(&mut troubled));
}

#[test]
fn a_message_passes_if_no_partition_lies_between() {
    let mut network = constant(0.0).with_virtual_nodes(2);
    // Servers 0 and 1 against 2 and 3, then 0 and 2 against 1 and 3.
    let rows = network.disturbances_mut().begin_partition(vec![0, 0, 0, 0, 1, 1, 1, 1]);
    let passes = |network: &mut Network| {
        [1, 2, 3].map(|to| send(network, 1, 2 * to).is_some() && send(network, 2 * to, 0).is_some())
    };
    assert_eq!(passes(&mut network), [true, false, false]);
    let columns = network.disturbances_mut().begin_partition(vec![7, 7, 8, 8, 7, 7, 8, 8]);
    assert_eq!(passes(&mut network), [false, false, false]);
    assert_eq!(send(&mut network, 0, 1), Some(ms(50)), "on one server");
    network.disturbances_mut().end(rows);
    assert_eq!(passes(&mut network), [false, true, false]);
    network.disturbances_mut().end(columns);
    assert_eq!(passes(&mut network), [true, true, true]);
}

#[test]
fn the_contactable_are_those_without_a_firewall() {
    let all: Vec<Address> = (0..SERVERS).map(Address::new).collect();
    assert!(constant(0.0).all_are_contactable());
    let hidden = Class { contactable: false, ..class(0.3) };
    let mut network = constant(0.0).with_access(access(&[hidden]));
    let open: Vec<Address> =
        all.iter().copied().filter(|node| network.is_contactable(*node)).collect();
    assert!(!network.all_are_contactable());
    assert_eq!(open.len(), 7);
    for to in all {
        let from = open[usize::from(open[0] == to)];
        let arrives = send(&mut network, from.index(), to.index()).is_some();
        assert_eq!(arrives, open.contains(&to), "{to:?}");
    }
}

#[test]
fn slow_servers_are_busy_for_longer() {
    let slow = Class { slow: 4.0, ..class(1.0) };
    let access = Access::deal(SERVERS, 1, &[slow], ms(0), &mut stream("classes"));
    let network = constant(0.0).with_service_time(ms(3)).with_servers(1, ms(1)).with_access(access);
    assert_eq!([0, 1].map(|node| network.service_time(Address::new(node))), [ms(1), ms(12)]);
}

proptest! {
    #![proptest_config(crate::property::config())]

    /// Whatever happens to a message, the delays of the others stay the same.
    #[test]
    fn what_befalls_a_message_changes_no_other(
        messages in prop::collection::vec((0..SERVERS, 0..SERVERS), 1..40),
        groups in prop::collection::vec(0_u16..2, SERVERS),
        loss in 0.0..1.0,
    ) {
        let latency = || Latency::Exponential(ms(50));
        let hidden = Class { contactable: false, ..class(0.5) };
        let mut calm = network(latency(), 0.0);
        let mut troubled = network(latency(), 0.0).with_access(access(&[hidden]));
        troubled.disturbances_mut().begin_loss(loss);
        troubled.disturbances_mut().begin_partition(groups);
        for (from, to) in messages {
            let delay = send(&mut calm, from, to);
            let other = send(&mut troubled, from, to);
            prop_assert!(other.is_none() || other == delay);
        }
    }

    /// Features that are asked for but have nothing to do change no delay and draw nothing.
    #[test]
    fn a_network_with_idle_features_is_the_plain_one(
        messages in prop::collection::vec((0..SERVERS, 0..SERVERS), 1..40),
        loss in 0.0..1.0,
    ) {
        let latency = || Latency::LogNormal { median: ms(50), sigma: 0.5 };
        let mut plain = network(latency(), loss);
        let mut idle = network(latency(), loss)
            .with_jitter(0.0, stream("jitter"))
            .with_access(access(&[class(0.5)]));
        let (burst, partition) = (idle.disturbances_mut().begin_loss(0.5), idle.disturbances_mut().begin_partition(vec![0; SERVERS]));
        idle.disturbances_mut().end(burst);
        idle.disturbances_mut().end(partition);
        for (from, to) in messages {
            prop_assert_eq!(send(&mut plain, from, to), send(&mut idle, from, to));
        }
    }
}
