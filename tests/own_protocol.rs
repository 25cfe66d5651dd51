//! A protocol of your own: a rumour that spreads by push gossip, from the first line
//! to the measurement. Read it from the top; nothing in it is special to this folder.
//!
//! A protocol is a state machine for one node. It never sees the clock run, the network
//! or another node's memory: the engine tells it what happened, it changes its own state
//! and says through the context what it does. Three things have to be brought along:
//!
//! 1. the protocol: what a node keeps and how it reacts ([`Gossip`]);
//! 2. the network: how long a message takes, or that it is lost ([`Wire`]);
//! 3. an observer of lookups; gossip has none, so nobody watches ([`Nobody`]).
//!
//! A simulation then belongs to its seed: the same seed gives the same history, down to
//! the last event, which the digest proves.

use dhtsim::id::{Id, IdSpace};
use dhtsim::math;
use dhtsim::sim::{
    Address, Context, Duration, Envelope, Message, Network, Note, Observer, Operation, Protocol,
    Simulation, Start, Stream, Time,
};

// ---- 1. The protocol -------------------------------------------------------------

/// Push gossip: once in a round, everybody who knows the rumour tells it to somebody
/// chosen at random. What all nodes have in common goes here: the parameters.
struct Gossip {
    people: u64,
    round: Duration,
}

/// What one node keeps.
#[derive(Default)]
struct Person {
    heard: Option<Time>,
    unanswered: u32,
}

/// What nodes send each other. A single kind of message needs no more than this; see
/// [`Message`] for naming several and counting their bytes.
#[derive(Clone, Copy, Debug, Hash)]
struct Rumour;

impl Message for Rumour {
    /// What could be attached to a message; gossip attaches nothing.
    type Item = ();
}

/// What a node wakes itself up with.
#[derive(Clone, Copy, Debug, Hash)]
struct NextRound;

impl Protocol for Gossip {
    type Node = Person;
    type Message = Rumour;
    type Timer = NextRound;

    fn new_node(&self, _: Address) -> Person {
        Person::default()
    }

    /// The node that creates the system is the one that starts the rumour.
    fn on_start(&self, person: &mut Person, start: Start, context: &mut Context<'_, Self>) {
        if start == Start::Create {
            self.on_message(person, context.this(), Rumour, context);
        }
    }

    fn on_message(
        &self,
        person: &mut Person,
        _: Address,
        _: Rumour,
        context: &mut Context<'_, Self>,
    ) {
        if person.heard.is_none() {
            person.heard = Some(context.now());
            context.set_timer(self.round, NextRound);
        }
    }

    /// Randomness comes from the context, never from elsewhere: else a run could not be
    /// repeated.
    fn on_timer(&self, _: &mut Person, _: NextRound, context: &mut Context<'_, Self>) {
        let somebody = Address::new(context.random().below(self.people) as usize);
        context.send_acknowledged(somebody, Rumour, &[], self.round);
        context.set_timer(self.round, NextRound);
    }

    /// No acknowledgement came: that person is gone, or a message was lost.
    fn on_unreachable(
        &self,
        person: &mut Person,
        _: Address,
        _: Rumour,
        _: &mut Context<'_, Self>,
    ) {
        person.unanswered += 1;
    }

    /// The workload's lookups: nobody looks anything up here.
    fn on_operation(&self, _: &mut Person, _: Operation, _: &mut Context<'_, Self>) {}
}

// ---- 2. The network --------------------------------------------------------------

/// Every message takes ten milliseconds, or is lost. (`dhtsim::network::Network` has
/// more latencies to choose from.)
struct Wire {
    loss: f64,
    random: Stream,
}

impl Network for Wire {
    fn delay(&mut self, _: Time, _: Envelope) -> Option<Duration> {
        (!self.random.chance(self.loss)).then_some(Duration::from_millis(10))
    }
}

// ---- 3. The observer -------------------------------------------------------------

/// Gossip says nothing about lookups, so there is nothing to watch.
struct Nobody;

impl Observer for Nobody {
    fn on_note(&mut self, _: Time, _: Address, _: Note) {}
}

// ---- Running it ------------------------------------------------------------------

const ROUND: Duration = Duration::from_secs(1);

type Village<'i> = Simulation<'i, Gossip, Wire, Nobody>;

/// One identifier for each node. Gossip does not use them, Chord would.
fn ids(people: usize) -> Vec<Id> {
    let space = IdSpace::new(160).expect("160 bits are allowed");
    (0..people).map(|person| space.hash(format!("person {person}"))).collect()
}

/// A village in which the first person is about to tell a rumour.
fn village(ids: &[Id], loss: f64, seed: u64) -> Village<'_> {
    let gossip = Gossip { people: ids.len() as u64, round: ROUND };
    // Streams of different names are independent: one more message lost changes nobody's
    // choice of whom to tell.
    let wire = Wire { loss, random: Stream::new(seed, 0, "loss") };
    let mut village = Simulation::new(gossip, wire, Nobody, ids, Stream::new(seed, 0, "gossip"));
    for person in 0..ids.len() {
        let start = if person == 0 { Start::Create } else { Start::Resume };
        village.start(Address::new(person), start);
    }
    village
}

/// How many people know the rumour.
fn knowing(village: &Village<'_>, people: usize) -> usize {
    let knows = |person: &usize| {
        village.node(Address::new(*person)).is_some_and(|person| person.heard.is_some())
    };
    (0..people).filter(knows).count()
}

/// Lets the rumour spread until everybody knows it; after how many rounds, and the digest.
fn rounds_until_all_know(people: usize, loss: f64, seed: u64) -> (u64, u64) {
    let ids = ids(people);
    let mut village = village(&ids, loss, seed);
    for round in 1..1000 {
        let next = village.now() + ROUND;
        village.run_before(next);
        if knowing(&village, people) == people {
            return (round, village.digest());
        }
    }
    panic!("the rumour has died out");
}

/// The mean over ten villages.
fn mean_rounds(people: usize, loss: f64) -> f64 {
    (1..=10).map(|seed| rounds_until_all_know(people, loss, seed).0 as f64).sum::<f64>() / 10.0
}

// ---- What comes out --------------------------------------------------------------

/// Pittel 1987: push gossip takes log2 N + ln N rounds and a constant: first the number
/// of those who know doubles, then that of those who do not know is divided by e.
#[test]
fn a_rumour_reaches_everybody_in_logarithmically_many_rounds() {
    for people in [16, 64, 256, 1024, 4096] {
        let expected = math::log2(people as f64) + math::ln(people as f64);
        let rounds = mean_rounds(people, 0.0);
        assert!((rounds - expected).abs() < 3.0, "{people} people: {rounds} rounds");
    }
}

/// Pittel again, with a rumour that gets through with probability q:
/// log2 becomes the logarithm to base 1 + q, ln is divided by q, and the constant grows.
#[test]
fn loss_slows_the_rumour_but_does_not_stop_it() {
    let people = 1024.0;
    let [all, half, tenth] = [0.0, 0.5, 0.9].map(|loss| mean_rounds(1024, loss));
    assert!(all < half && half < tenth, "{all}, {half}, {tenth} rounds");
    let expected = math::ln(people) / math::ln(1.5) + math::ln(people) / 0.5;
    assert!((half - expected).abs() < 0.2 * expected, "{half} rounds, not {expected}");
}

#[test]
fn the_same_seed_tells_the_same_story() {
    let story = |seed| rounds_until_all_know(256, 0.2, seed);
    assert_eq!(story(1), story(1));
    assert_ne!(story(1).1, story(2).1, "another seed, another digest");
}

#[test]
fn whoever_tells_a_crashed_person_notices() {
    let people = 64;
    let ids = ids(people);
    let mut village = village(&ids, 0.0, 1);
    // Every other one has gone without a word. Person 0 stays: it knows the rumour.
    for person in (1..people).step_by(2) {
        village.crash(Address::new(person));
    }
    village.run_before(Time::ZERO + Duration::from_secs(60));
    assert_eq!(knowing(&village, people), people / 2, "all who are there know it");
    // In the end everybody tells somebody every round, and half of those are not there:
    // about thirty vain attempts each in a minute, all noticed.
    for person in (0..people).step_by(2) {
        let state = village.node(Address::new(person)).expect("it is up");
        assert!((10..=50).contains(&state.unanswered), "{person}: {}", state.unanswered);
    }
    // Nobody else was taken for gone.
    let told_in_vain = (0..people).step_by(2).filter_map(|p| village.node(Address::new(p)));
    let told_in_vain: u32 = told_in_vain.map(|person| person.unanswered).sum();
    let acknowledged: u64 = village.acknowledgements().iter().map(|sent| sent.messages).sum();
    let sent: u64 = village.traffic().iter().map(|sent| sent.messages).sum();
    // What was sent within the last second is still waited for.
    let waiting = sent - acknowledged - u64::from(told_in_vain);
    assert!(waiting <= people as u64 / 2, "{sent} sent, {acknowledged} acknowledged");
}
