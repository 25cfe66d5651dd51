//! The engine's contracts, seen from outside through a protocol that does what it is
//! told and keeps a diary.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::collections::VecDeque;

use dhtsim::id::{Id, IdSpace};
use dhtsim::network::{Access, Class, Latency, Network as Wires};
use dhtsim::oracle::{Ring, Truth};
use dhtsim::overlay::chord::{Chord, FixedFingers, LookupStyle, Period};
use dhtsim::sim::queue::{CalendarQueue, EventQueue, HeapQueue};
use dhtsim::sim::{
    Address, Context, Duration, Envelope, LookupId, Message, Network, Note, Observer, Operation,
    Protocol, Scheduled, Simulation, Start, Status, Stream, Time,
};

// ---- A protocol that does what it is told ------------------------------------------

/// What a node is told to do, to or with another.
#[derive(Clone, Copy, Debug)]
enum Order {
    /// Says something and expects nothing.
    Say(usize, Words),
    /// Says something and expects an acknowledgement.
    Tell(usize, Words, Duration),
    /// Asks and expects an answer; attaches addresses.
    Ask(usize, Words, Duration, &'static [usize]),
    /// Wakes itself up.
    Wake(Duration, u32),
}

use Order::{Ask, Say, Tell, Wake};

#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
enum Words {
    /// A statement.
    Word(u32),
    /// A question that the receiver answers, with the addresses that came with it.
    Question,
    /// A question that the receiver leaves without an answer.
    VainQuestion,
    /// The answer.
    Answer,
}

use Words::{Answer, Question, VainQuestion, Word};

impl Message for Words {
    type Item = Address;
}

/// What a node writes down.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Entry {
    /// From whom, what, and what was attached.
    Heard(usize, Words, Vec<usize>),
    /// The same of an answer after its time-out.
    HeardLate(usize, Words, Vec<usize>),
    /// Who did not answer, to what, and what was attached to it.
    Unreachable(usize, Words, Vec<usize>),
    Woke(u32),
}

use Entry::{Heard, HeardLate, Unreachable, Woke};

/// Lookup number *i* of the workload is order number *i*.
struct Obedient {
    orders: Vec<Order>,
}

type Diary = Vec<(Time, Entry)>;

/// A node whose timer has this number departs and says so.
const DEPART: u32 = 1_000_000;

impl Protocol for Obedient {
    type Node = Diary;
    type Message = Words;
    type Timer = u32;

    fn new_node(&self, _: Address) -> Diary {
        Diary::default()
    }

    fn on_start(&self, _: &mut Diary, _: Start, _: &mut Context<'_, Self>) {}

    fn on_message(
        &self,
        diary: &mut Diary,
        from: Address,
        words: Words,
        context: &mut Context<'_, Self>,
    ) {
        let list = context.received_list();
        let entry = if context.is_late() { HeardLate } else { Heard };
        diary.push((context.now(), entry(from.index(), words, indices(list))));
        if words == Question {
            context.reply(Answer, list);
        }
    }

    fn on_timer(&self, diary: &mut Diary, timer: u32, context: &mut Context<'_, Self>) {
        diary.push((context.now(), Woke(timer)));
        if timer == DEPART {
            context.depart();
            context.send(Address::new(B), Word(DEPART), &[]);
        }
    }

    fn on_operation(&self, _: &mut Diary, operation: Operation, context: &mut Context<'_, Self>) {
        let Operation::Lookup { lookup: LookupId(order), .. } = operation else { return };
        match self.orders[order as usize] {
            Say(to, words) => context.send(Address::new(to), words, &[]),
            Tell(to, words, timeout) => {
                context.send_acknowledged(Address::new(to), words, &[], timeout);
            }
            Ask(to, words, timeout, list) => {
                let list: Vec<Address> = list.iter().copied().map(Address::new).collect();
                context.request(Address::new(to), words, &list, timeout);
            }
            Wake(after, timer) => context.set_timer(after, timer),
        }
    }

    fn on_unreachable(
        &self,
        diary: &mut Diary,
        peer: Address,
        words: Words,
        context: &mut Context<'_, Self>,
    ) {
        let list = indices(context.received_list());
        diary.push((context.now(), Unreachable(peer.index(), words, list)));
    }

    fn on_leave(&self, _: &mut Diary, context: &mut Context<'_, Self>) {
        context.send(Address::new(B), Word(99), &[]);
        context.depart();
    }
}

fn indices(list: &[Address]) -> Vec<usize> {
    list.iter().map(|address| address.index()).collect()
}

// ---- A network that does what it is told -------------------------------------------

struct Delays {
    /// Those of the messages in the order in which they are sent, then 10 ms each.
    delays: VecDeque<Delay>,
    /// How long each node is busy with a message; those further on are with none.
    busy: Vec<Duration>,
}

impl Network for Delays {
    fn delay(&mut self, _: Time, _: Envelope) -> Option<Duration> {
        self.delays.pop_front().unwrap_or(Some(ms(10)))
    }

    fn service_time(&self, node: Address) -> Duration {
        self.busy.get(node.index()).copied().unwrap_or(Duration::ZERO)
    }
}

struct Nobody;

impl Observer for Nobody {
    fn on_note(&mut self, _: Time, _: Address, _: Note) {}
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn at(millis: u64) -> Time {
    Time::ZERO + ms(millis)
}

/// How long a message takes, or that it is lost.
type Delay = Option<Duration>;

const LOST: Delay = None;

// ---- A scene: three nodes, and what is in their diaries afterwards -------------------

const A: usize = 0;
const B: usize = 1;
const C: usize = 2;

static IDS: [Id; 10] = [Id::ZERO; 10];

type Play<Q = CalendarQueue<Scheduled<u32>>> = Simulation<'static, Obedient, Delays, Nobody, Q>;

/// Three nodes that are up, a list of orders to give, and the delays of what they send.
fn scene<Q: EventQueue<Scheduled<u32>>>(orders: &[Order], delays: &[Delay]) -> Play<Q> {
    busy_scene(orders, delays, &[])
}

/// The same with nodes that are busy for a while with every message.
fn busy_scene<Q: EventQueue<Scheduled<u32>>>(
    orders: &[Order],
    delays: &[Delay],
    busy: &[Duration],
) -> Play<Q> {
    let protocol = Obedient { orders: orders.to_vec() };
    let delays = Delays { delays: delays.iter().copied().collect(), busy: busy.to_vec() };
    let mut play = Simulation::new(protocol, delays, Nobody, &IDS, Stream::new(1, 0, "test"));
    for index in [A, B, C] {
        play.start(Address::new(index), Start::Create);
    }
    play
}

/// Gives an order now.
fn order<Q: EventQueue<Scheduled<u32>>>(play: &mut Play<Q>, who: usize, order: u32) {
    let lookup = Operation::Lookup { lookup: LookupId(order), key: Id::ZERO };
    play.operate(Address::new(who), lookup);
}

fn diary<Q: EventQueue<Scheduled<u32>>>(play: &Play<Q>, of: usize) -> Diary {
    play.node(Address::new(of)).unwrap().clone()
}

/// A is given one order at time zero; the diaries of A and B when all is over.
fn what_comes_of(order_to_a: Order, delays: &[Delay]) -> (Diary, Diary) {
    let mut play: Play = scene(&[order_to_a], delays);
    order(&mut play, A, 0);
    play.run_before(Time::MAX);
    (diary(&play, A), diary(&play, B))
}

mod order_of_events {
    use super::*;

    #[test]
    fn simultaneous_events_come_in_the_order_in_which_they_were_scheduled() {
        for _ in 0..2 {
            // Timers and messages, all due at 30 ms, scheduled at three different moments.
            let orders = [Wake(ms(30), 1), Say(A, Word(2)), Wake(ms(20), 3), Say(A, Word(4))];
            let mut play: Play = scene(&orders, &[Some(ms(30)), Some(ms(10))]);
            order(&mut play, A, 0);
            order(&mut play, B, 1);
            play.run_before(at(10));
            order(&mut play, A, 2);
            play.run_before(at(20));
            order(&mut play, C, 3);
            order(&mut play, A, 2);
            play.run_before(Time::MAX);
            let heard = |from, number| Heard(from, Word(number), vec![]);
            let expected = [
                (at(30), Woke(1)),
                (at(30), heard(B, 2)),
                (at(30), Woke(3)),
                (at(30), heard(C, 4)),
                (at(40), Woke(3)),
            ];
            assert_eq!(diary(&play, A), expected);
        }
    }

    #[test]
    fn a_thousand_timers_of_one_moment_keep_their_order() {
        let orders: Vec<Order> = (0..1000).map(|number| Wake(ms(5), number)).collect();
        let mut play: Play = scene(&orders, &[]);
        (0..1000).for_each(|number| order(&mut play, A, number));
        play.run_before(Time::MAX);
        let expected: Diary = (0..1000).map(|number| (at(5), Woke(number))).collect();
        assert_eq!(diary(&play, A), expected);
    }

    #[test]
    fn what_comes_from_outside_at_a_moment_comes_before_what_nodes_do_then() {
        let mut play: Play = scene(&[Wake(ms(30), 1), Wake(ms(0), 2)], &[]);
        order(&mut play, A, 0);
        play.run_before(at(30));
        assert_eq!(play.now(), at(30));
        assert_eq!(diary(&play, A), []);
        play.crash(Address::new(A));
        play.run_before(at(31));
        assert!(play.node(Address::new(A)).is_none());
        // The timer of 30 ms found nobody; a timer of no time at all still fires later.
        order(&mut play, B, 1);
        assert_eq!(diary(&play, B), []);
        play.run_before(at(32));
        assert_eq!(diary(&play, B), [(at(31), Woke(2))]);
    }
}

mod requests {
    use super::*;

    const ASK: Order = Ask(B, Question, ms(100), &[]);

    fn heard(from: usize, words: Words) -> Entry {
        Heard(from, words, vec![])
    }

    fn unreachable(words: Words) -> Entry {
        Unreachable(B, words, vec![])
    }

    #[test]
    fn an_answer_in_time_is_all_that_happens() {
        let (a, b) = what_comes_of(ASK, &[Some(ms(30)), Some(ms(40))]);
        assert_eq!(b, [(at(30), heard(A, Question))]);
        assert_eq!(a, [(at(70), heard(B, Answer))]);
    }

    #[test]
    fn an_answer_at_the_very_end_of_the_time_out_is_in_time() {
        let (a, _) = what_comes_of(ASK, &[Some(ms(30)), Some(ms(70))]);
        assert_eq!(a, [(at(100), heard(B, Answer))]);
    }

    #[test]
    fn a_late_answer_is_still_delivered_after_the_time_out() {
        let (a, _) = what_comes_of(ASK, &[Some(ms(30)), Some(ms(90))]);
        assert_eq!(a, [(at(100), unreachable(Question)), (at(120), HeardLate(B, Answer, vec![]))]);
    }

    #[test]
    fn a_question_that_takes_longer_than_the_time_out_changes_nothing_about_it() {
        let (a, b) = what_comes_of(ASK, &[Some(ms(150)), Some(ms(10))]);
        assert_eq!(b, [(at(150), heard(A, Question))]);
        assert_eq!(a, [(at(100), unreachable(Question)), (at(160), HeardLate(B, Answer, vec![]))]);
    }

    #[test]
    fn a_lost_question_times_out() {
        let (a, b) = what_comes_of(ASK, &[LOST]);
        assert_eq!((a, b), (vec![(at(100), unreachable(Question))], vec![]));
    }

    #[test]
    fn a_lost_answer_times_out() {
        let (a, b) = what_comes_of(ASK, &[Some(ms(30)), LOST]);
        assert_eq!(b, [(at(30), heard(A, Question))]);
        assert_eq!(a, [(at(100), unreachable(Question))]);
    }

    #[test]
    fn a_question_left_without_an_answer_times_out() {
        let (a, b) = what_comes_of(Ask(B, VainQuestion, ms(100), &[]), &[Some(ms(30))]);
        assert_eq!(b, [(at(30), heard(A, VainQuestion))]);
        assert_eq!(a, [(at(100), unreachable(VainQuestion))]);
    }

    #[test]
    fn a_receiver_that_is_down_when_the_question_arrives_does_not_answer() {
        let mut play: Play = scene(&[ASK], &[Some(ms(30))]);
        order(&mut play, A, 0);
        play.run_before(at(20));
        play.crash(Address::new(B));
        play.run_before(Time::MAX);
        assert_eq!(diary(&play, A), [(at(100), unreachable(Question))]);
        assert_eq!(play.status(Address::new(B)), Status::Crashed);
    }

    #[test]
    fn a_receiver_that_crashes_after_it_answered_has_answered() {
        let mut play: Play = scene(&[ASK], &[Some(ms(30)), Some(ms(40))]);
        order(&mut play, A, 0);
        play.run_before(at(40));
        play.crash(Address::new(B));
        play.run_before(Time::MAX);
        assert_eq!(diary(&play, A), [(at(70), heard(B, Answer))]);
    }

    #[test]
    fn one_way_messages_are_lost_in_silence() {
        let (a, b) = what_comes_of(Say(B, Word(1)), &[LOST]);
        assert_eq!((a, b), (vec![], vec![]));
    }

    #[test]
    fn a_node_that_restarted_does_not_wait_for_answers_of_its_former_life() {
        let mut play: Play = scene(&[ASK], &[LOST]);
        order(&mut play, A, 0);
        play.run_before(at(50));
        play.crash(Address::new(A));
        play.start(Address::new(A), Start::Create);
        play.run_before(Time::MAX);
        assert_eq!(diary(&play, A), []);
    }

    #[test]
    fn an_answer_to_its_former_life_comes_late_to_a_node_that_restarted() {
        let mut play: Play = scene(&[ASK], &[Some(ms(30)), Some(ms(40))]);
        order(&mut play, A, 0);
        play.run_before(at(50));
        play.crash(Address::new(A));
        play.start(Address::new(A), Start::Create);
        play.run_before(Time::MAX);
        assert_eq!(diary(&play, A), [(at(70), HeardLate(B, Answer, vec![]))]);
    }
}

mod acknowledgements {
    use super::*;

    const TELL: Order = Tell(B, Word(1), ms(100));

    #[test]
    fn an_acknowledgement_in_time_leaves_no_event_and_is_counted() {
        let mut play: Play = scene(&[TELL], &[Some(ms(30)), Some(ms(70))]);
        order(&mut play, A, 0);
        play.run_before(Time::MAX);
        assert_eq!(diary(&play, B), [(at(30), Heard(A, Word(1), vec![]))]);
        assert_eq!(diary(&play, A), []);
        let [lookup, _, maintenance, _] = play.acknowledgements();
        assert_eq!((lookup.messages, maintenance.messages), (1, 0));
        assert_eq!(play.traffic()[0].messages, 1, "the acknowledgement is none of ours");
    }

    #[test]
    fn without_one_in_time_the_sender_is_told_at_the_time_out() {
        let told = [(at(100), Unreachable(B, Word(1), vec![]))];
        // Slow message, slow acknowledgement, lost acknowledgement: the word arrives.
        for delays in [
            &[Some(ms(150)), Some(ms(1))][..],
            &[Some(ms(30)), Some(ms(71))],
            &[Some(ms(30)), LOST],
        ] {
            let (a, b) = what_comes_of(TELL, delays);
            assert_eq!((&a[..], b.len()), (&told[..], 1), "{delays:?}");
        }
        // Lost message: it does not.
        let (a, b) = what_comes_of(TELL, &[LOST]);
        assert_eq!((&a[..], b.len()), (&told[..], 0));
        // Nobody there.
        let mut play: Play = scene(&[TELL], &[]);
        play.crash(Address::new(B));
        order(&mut play, A, 0);
        play.run_before(Time::MAX);
        assert_eq!(diary(&play, A), told);
    }
}

mod nodes_that_stop {
    use super::*;

    #[test]
    fn timers_of_a_crashed_node_do_not_fire_not_even_after_it_restarted() {
        let mut play: Play = scene(&[Wake(ms(100), 1), Wake(ms(100), 2)], &[]);
        order(&mut play, A, 0);
        play.run_before(at(50));
        play.crash(Address::new(A));
        assert_eq!(play.status(Address::new(A)), Status::Crashed);
        play.start(Address::new(A), Start::Create);
        order(&mut play, A, 1);
        play.run_before(Time::MAX);
        assert_eq!(diary(&play, A), [(at(150), Woke(2))]);
    }

    #[test]
    fn what_a_leaving_node_sends_still_goes_out_and_then_it_hears_nothing() {
        let mut play: Play = scene(&[Say(A, Word(1))], &[]);
        order(&mut play, C, 0);
        play.leave(Address::new(A));
        play.run_before(Time::MAX);
        assert_eq!(play.status(Address::new(A)), Status::Gone);
        assert_eq!(diary(&play, B), [(at(10), Heard(A, Word(99), vec![]))]);
        assert_eq!(play.handled(Address::new(A)), 0);
    }

    #[test]
    fn a_node_is_up_until_it_departs() {
        let ask = Ask(A, Question, ms(100), &[]);
        let mut play: Play = scene(&[Wake(ms(50), DEPART), ask], &[]);
        order(&mut play, A, 0);
        order(&mut play, B, 1);
        play.run_before(at(45));
        // On its way when the node departs: nobody is there to hear it.
        order(&mut play, B, 1);
        play.run_before(at(50));
        assert_eq!(play.status(Address::new(A)), Status::Up);
        assert_eq!(diary(&play, A), [(at(10), Heard(B, Question, vec![]))]);
        play.run_before(Time::MAX);
        assert_eq!(play.status(Address::new(A)), Status::Gone);
        assert_eq!(play.handled(Address::new(A)), 1);
        let expected = [
            (at(20), Heard(A, Answer, vec![])),
            (at(60), Heard(A, Word(DEPART), vec![])),
            (at(145), Unreachable(A, Question, vec![])),
        ];
        assert_eq!(diary(&play, B), expected);
    }

    #[test]
    fn nobody_hears_orders_before_the_start_or_after_the_end() {
        let mut play: Play = scene(&[Say(B, Word(1))], &[]);
        assert_eq!(play.status(Address::new(9)), Status::Absent);
        order(&mut play, 9, 0);
        play.crash(Address::new(A));
        order(&mut play, A, 0);
        let events = play.events();
        play.run_before(Time::MAX);
        assert_eq!((diary(&play, B), play.events()), (vec![], events));
    }
}

mod nodes_that_take_their_time {
    use super::*;

    /// Only B is busy: for 4 ms with every message.
    const BUSY: [Duration; 2] = [Duration::ZERO, ms(4)];

    fn word(number: u32) -> Entry {
        Heard(A, Word(number), vec![])
    }

    #[test]
    fn messages_are_handled_one_after_the_other_in_the_order_of_their_arrival() {
        let orders = [1, 2, 3, 4].map(|number| Say(B, Word(number)));
        // The third arrives first, the first and second together.
        let delays = [Some(ms(10)), Some(ms(10)), Some(ms(9))];
        let mut play: Play = busy_scene(&orders, &delays, &BUSY);
        (0..3).for_each(|number| order(&mut play, A, number));
        play.run_before(at(16));
        assert_eq!(play.handled(Address::new(B)), 1, "what waits is not handled yet");
        play.run_before(at(50));
        order(&mut play, A, 3);
        play.run_before(Time::MAX);
        let expected = [(13, 3), (17, 1), (21, 2), (64, 4)];
        assert_eq!(diary(&play, B), expected.map(|(millis, number)| (at(millis), word(number))));
        let waiting = play.waiting(Address::new(B));
        // 0, 3, 7 and 0 ms.
        assert_eq!((waiting.messages, waiting.total, waiting.longest), (4, ms(10), ms(7)));
        assert_eq!(play.waiting(Address::new(A)).messages, 0);
    }

    #[test]
    fn a_sender_loses_its_patience_with_a_long_queue() {
        let orders = [Ask(B, Question, ms(30), &[7]); 7];
        let mut play: Play = busy_scene(&orders, &[], &BUSY);
        (0..7).for_each(|number| order(&mut play, A, number));
        play.run_before(Time::MAX);
        // Handled at 14, 18 … 38 ms: the first two are answered in time, the last two
        // handled only after A has lost its patience.
        let of_b = |time: u64, entry: fn(usize, Words, Vec<usize>) -> Entry, words| {
            (at(time), entry(B, words, vec![7]))
        };
        let mut expected = vec![of_b(24, Heard, Answer), of_b(28, Heard, Answer)];
        expected.extend(vec![of_b(30, Unreachable, Question); 5]);
        expected.extend([32, 36, 40, 44, 48].map(|time| of_b(time, HeardLate, Answer)));
        assert_eq!(diary(&play, A), expected);
        assert_eq!(play.handled(Address::new(B)), 7);
    }

    #[test]
    fn an_acknowledgement_waits_too() {
        let orders = [Tell(B, Word(1), ms(25)); 3];
        let mut play: Play = busy_scene(&orders, &[], &BUSY);
        (0..3).for_each(|number| order(&mut play, A, number));
        play.run_before(Time::MAX);
        // Handled at 14, 18 and 22 ms, acknowledged 10 ms later.
        assert_eq!(diary(&play, A), vec![(at(25), Unreachable(B, Word(1), vec![])); 2]);
        assert_eq!(diary(&play, B), [14, 18, 22].map(|millis| (at(millis), word(1))));
    }

    #[test]
    fn a_crash_drops_what_waits_and_the_next_life_begins_with_an_empty_queue() {
        let ask = Ask(B, Question, ms(100), &[7]);
        let orders = [Say(B, Word(1)), Say(B, Word(2)), ask, Say(B, Word(3))];
        // The last one is on its way when the node crashes, and arrives at 16 ms.
        let delays = [Some(ms(10)), Some(ms(10)), Some(ms(10)), Some(ms(16))];
        let mut play: Play = busy_scene(&orders, &delays, &BUSY);
        (0..4).for_each(|number| order(&mut play, A, number));
        play.run_before(at(15));
        assert_eq!(diary(&play, B), [(at(14), word(1))]);
        play.crash(Address::new(B));
        play.start(Address::new(B), Start::Create);
        play.run_before(Time::MAX);
        assert_eq!(diary(&play, B), [(at(20), word(3))]);
        assert_eq!(diary(&play, A), [(at(100), Unreachable(B, Question, vec![7]))]);
    }

    #[test]
    fn a_queue_of_a_node_that_departs_is_dropped() {
        let ask = Ask(B, Question, ms(100), &[]);
        let mut play: Play = busy_scene(&[Wake(ms(12), DEPART), ask], &[], &BUSY);
        order(&mut play, B, 0);
        order(&mut play, A, 1);
        play.run_before(Time::MAX);
        assert_eq!(play.handled(Address::new(B)), 0);
        assert_eq!(diary(&play, A), [(at(100), Unreachable(B, Question, vec![]))]);
    }

    #[test]
    fn no_service_time_changes_nothing() {
        let digest = |busy: &[Duration]| {
            let orders = [Say(B, Word(1)), Ask(B, Question, ms(15), &[1]), Wake(ms(5), 1)];
            let mut play: Play = busy_scene(&orders, &[], busy);
            (0..3).for_each(|number| order(&mut play, A, number));
            play.run_before(Time::MAX);
            (play.digest(), play.waiting(Address::new(B)).messages)
        };
        let (plain, _) = digest(&[]);
        assert_eq!(digest(&[Duration::ZERO; 3]), (plain, 0));
        // Nobody says anything to C.
        assert_eq!(digest(&[Duration::ZERO, Duration::ZERO, ms(4)]), (plain, 0));
        let (busy, waited) = digest(&BUSY);
        assert!(busy != plain && waited == 2);
    }
}

mod freezing {
    use super::*;

    /// The scene in which A is frozen from one moment to another.
    fn frozen(orders: &[Order], (from, to): (u64, u64)) -> Play {
        let mut play: Play = scene(orders, &[]);
        play.prepare_to_freeze();
        for (number, _) in (0..).zip(orders) {
            order(&mut play, A, number);
        }
        play.run_before(at(from));
        play.freeze(Address::new(A));
        assert_eq!(play.status(Address::new(A)), Status::Frozen);
        assert!(play.node(Address::new(A)).is_none());
        play.run_before(at(to));
        play
    }

    fn after_thawing(mut play: Play) -> Diary {
        play.thaw(Address::new(A));
        assert_eq!(play.status(Address::new(A)), Status::Up);
        play.run_before(Time::MAX);
        diary(&play, A)
    }

    #[test]
    fn timers_that_run_out_meanwhile_do_so_at_the_thaw_in_their_order() {
        let play = frozen(&[Wake(ms(20), 2), Wake(ms(10), 1), Wake(ms(50), 3)], (5, 30));
        let woken = [(at(30), Woke(1)), (at(30), Woke(2)), (at(50), Woke(3))];
        assert_eq!(after_thawing(play), woken);
    }

    #[test]
    fn what_is_sent_to_a_frozen_node_is_lost_and_its_sender_is_told() {
        let mut play: Play = scene(&[Ask(A, Question, ms(100), &[]), Say(A, Word(1))], &[]);
        play.prepare_to_freeze();
        order(&mut play, B, 0);
        order(&mut play, B, 1);
        play.freeze(Address::new(A));
        play.run_before(at(15));
        play.thaw(Address::new(A));
        play.run_before(Time::MAX);
        assert_eq!(diary(&play, A), []);
        assert_eq!(diary(&play, B), [(at(100), Unreachable(A, Question, vec![]))]);
    }

    /// The answer comes at 20 ms, the time-out is at 100 ms.
    #[test]
    fn an_answer_that_comes_meanwhile_is_missed() {
        let question = [Ask(B, Question, ms(100), &[C])];
        let missed = |at| vec![(at, Unreachable(B, Question, vec![C]))];
        assert_eq!(after_thawing(frozen(&question, (15, 40))), missed(at(100)));
        assert_eq!(after_thawing(frozen(&question, (15, 200))), missed(at(200)));
        let heard = vec![(at(20), Heard(B, Answer, vec![C]))];
        assert_eq!(after_thawing(frozen(&question, (5, 15))), heard);
    }

    #[test]
    fn a_question_that_was_lost_times_out_at_the_thaw() {
        let question = [Ask(9, Question, ms(30), &[])];
        let missed = vec![(at(50), Unreachable(9, Question, vec![]))];
        assert_eq!(after_thawing(frozen(&question, (5, 50))), missed);
    }

    #[test]
    fn what_a_frozen_node_holds_is_lost_when_it_crashes() {
        let mut play = frozen(&[Wake(ms(10), 1), Ask(B, Question, ms(15), &[C])], (5, 30));
        play.crash(Address::new(A));
        assert_eq!(play.status(Address::new(A)), Status::Crashed);
        play.thaw(Address::new(A));
        assert_eq!(play.status(Address::new(A)), Status::Crashed);
        play.start(Address::new(A), Start::Create);
        play.run_before(Time::MAX);
        assert_eq!(diary(&play, A), []);
    }

    #[test]
    fn a_queue_loses_what_would_be_served_meanwhile() {
        let busy = [ms(20), ms(0)];
        let mut play: Play = busy_scene(&[Say(A, Word(1)), Say(A, Word(2))], &[], &busy);
        play.prepare_to_freeze();
        order(&mut play, B, 0);
        order(&mut play, B, 1);
        play.run_before(at(15));
        play.freeze(Address::new(A));
        play.run_before(at(35));
        play.thaw(Address::new(A));
        play.run_before(Time::MAX);
        assert_eq!(diary(&play, A), [(at(50), Heard(B, Word(2), vec![]))]);
    }

    #[test]
    fn to_be_prepared_changes_nothing() {
        let digest = |prepare: bool| {
            let mut play: Play = scene(&[Ask(B, Question, ms(100), &[C])], &[]);
            if prepare {
                play.prepare_to_freeze();
            }
            order(&mut play, A, 0);
            play.run_before(Time::MAX);
            (play.events(), play.digest())
        };
        assert_eq!(digest(true), digest(false));
    }
}

mod attached_lists {
    use super::*;

    const LIST: &[usize] = &[3, 1, 4, 1, 5, 9, 2, 6];
    const ASK: Order = Ask(B, Question, ms(100), LIST);

    #[test]
    fn arrive_intact_and_come_back() {
        let (a, b) = what_comes_of(ASK, &[]);
        assert_eq!(b, [(at(10), Heard(A, Question, LIST.to_vec()))]);
        assert_eq!(a, [(at(20), Heard(B, Answer, LIST.to_vec()))]);
    }

    #[test]
    fn are_there_again_when_the_answer_did_not_come() {
        let told = (at(100), Unreachable(B, Question, LIST.to_vec()));
        for delays in [&[LOST][..], &[Some(ms(10)), LOST]] {
            let (a, _) = what_comes_of(ASK, delays);
            assert_eq!(a, std::slice::from_ref(&told), "{delays:?}");
        }
        for delays in [[Some(ms(10)), Some(ms(200))], [Some(ms(200)), Some(ms(10))]] {
            let late = (at(210), HeardLate(B, Answer, LIST.to_vec()));
            assert_eq!(what_comes_of(ASK, &delays).0, [told.clone(), late], "{delays:?}");
        }
    }

    #[test]
    fn of_messages_under_way_together_are_not_mixed_up() {
        let orders =
            [ASK, Ask(B, Question, ms(100), &[7]), Ask(B, Question, ms(100), &[]), Say(B, Word(1))];
        let mut play: Play =
            scene(&orders, &[Some(ms(40)), Some(ms(30)), Some(ms(20)), Some(ms(10))]);
        (0..4).for_each(|number| order(&mut play, A, number));
        play.run_before(Time::MAX);
        let expected = [
            (at(10), Heard(A, Word(1), vec![])),
            (at(20), Heard(A, Question, vec![])),
            (at(30), Heard(A, Question, vec![7])),
            (at(40), Heard(A, Question, LIST.to_vec())),
        ];
        assert_eq!(diary(&play, B), expected);
    }
}

mod digest {
    use super::*;

    /// When, who, what.
    type Step = (u64, usize, Order);

    /// A name, who does what when, and the delays of the messages.
    type Story<'a> = (&'a str, &'a [Step], &'a [Delay]);

    /// The digest of a story.
    fn of(story: &[Step], delays: &[Delay]) -> u64 {
        let orders: Vec<Order> = story.iter().map(|(_, _, order)| *order).collect();
        let mut play: Play = scene(&orders, delays);
        for (number, (millis, who, _)) in (0..).zip(story) {
            play.run_before(at(*millis));
            order(&mut play, *who, number);
        }
        play.run_before(Time::MAX);
        play.digest()
    }

    #[test]
    fn is_the_same_for_the_same_story_and_another_for_every_other() {
        let (say, wake) = (Say(B, Word(1)), Wake(ms(7), 1));
        let ask = |list| Ask(B, Question, ms(100), list);
        let stories: [Story<'_>; 16] = [
            ("nothing", &[], &[]),
            ("a message", &[(0, A, say)], &[]),
            ("later", &[(1, A, say)], &[]),
            ("slower", &[(0, A, say)], &[Some(ms(11))]),
            ("a nanosecond slower", &[(0, A, say)], &[Some(Duration::from_nanos(10_000_001))]),
            ("lost", &[(0, A, say)], &[LOST]),
            ("from another", &[(0, C, say)], &[]),
            ("to another", &[(0, A, Say(C, Word(1)))], &[]),
            ("another message", &[(0, A, Say(B, Word(2)))], &[]),
            ("twice", &[(0, A, say), (0, A, say)], &[]),
            ("and a timer", &[(0, A, say), (0, A, wake)], &[]),
            ("another timer", &[(0, A, say), (0, A, Wake(ms(7), 2))], &[]),
            ("a question", &[(0, A, ask(&[]))], &[]),
            ("with a list", &[(0, A, ask(&[1, 2]))], &[]),
            ("in another order", &[(0, A, ask(&[2, 1]))], &[]),
            ("without an answer", &[(0, A, ask(&[1, 2]))], &[Some(ms(10)), LOST]),
        ];
        let digests: Vec<u64> = stories.map(|(_, story, delays)| of(story, delays)).into();
        for (one, (name, story, delays)) in digests.iter().zip(stories) {
            assert_eq!(*one, of(story, delays), "{name} again");
        }
        for (index, one) in digests.iter().enumerate() {
            for (other, digest) in digests.iter().enumerate().skip(index + 1) {
                assert_ne!(one, digest, "{} and {}", stories[index].0, stories[other].0);
            }
        }
    }

    #[test]
    fn knows_the_order_of_simultaneous_events() {
        let both = |first: usize, second: usize| {
            of(&[(0, first, Wake(ms(5), 1)), (0, second, Wake(ms(5), 1))], &[])
        };
        // The orders themselves are events; so let the timers alone change places.
        let alone = |first: u64, second: u64| {
            of(&[(0, A, Wake(ms(first), 1)), (1, B, Wake(ms(second), 1))], &[])
        };
        assert_ne!(both(A, B), both(B, A));
        assert_ne!(alone(5, 4), alone(5, 5));
    }

    #[test]
    fn knows_a_message_from_the_news_that_one_was_not_answered() {
        // At 100 ms A hears B's word, or that B did not get the same word. The orders
        // themselves are not events, their numbers are.
        let hears = of(&[(0, A, Say(B, Word(1))), (0, B, Say(A, Word(1)))], &[LOST, Some(ms(100))]);
        let waits = Tell(B, Word(1), ms(100));
        let told = of(&[(0, A, waits), (0, B, Say(A, Word(1)))], &[LOST, LOST]);
        assert_ne!(hears, told);
    }

    #[test]
    fn knows_the_list_that_comes_back_without_an_answer() {
        let lost = |list| of(&[(0, A, Ask(B, Question, ms(100), list))], &[LOST]);
        assert_ne!(lost(&[1, 2]), lost(&[2, 1]));
        assert_ne!(lost(&[1, 2]), lost(&[]));
    }

    #[test]
    fn knows_who_crashed_when() {
        let crash = |millis, who| {
            let mut play: Play = scene(&[], &[]);
            play.run_before(at(millis));
            play.crash(Address::new(who));
            play.digest()
        };
        let quiet: Play = scene(&[], &[]);
        assert_ne!(crash(0, A), quiet.digest());
        assert_ne!(crash(0, A), crash(0, B));
        assert_ne!(crash(0, A), crash(1, A));
        let mut leaving: Play = scene(&[], &[]);
        leaving.leave(Address::new(A));
        assert_ne!(crash(0, A), leaving.digest());
    }
}

mod access {
    use super::*;

    /// Nodes that are 50 ms apart; A and B are in no class.
    fn scene(orders: &[Order], class: Class) -> Simulation<'static, Obedient, Wires, Nobody> {
        let stream = |purpose| Stream::new(1, 0, purpose);
        let access = Access::deal(IDS.len(), 2, &[class], ms(2000), &mut stream("classes"));
        let latency = Latency::Constant(ms(50));
        let network =
            Wires::new(latency, 0.0, stream("latency"), stream("loss")).with_access(access);
        let protocol = Obedient { orders: orders.to_vec() };
        let mut play = Simulation::new(protocol, network, Nobody, &IDS, stream("test"));
        for index in [A, B, C] {
            play.start(Address::new(index), Start::Create);
        }
        play
    }

    /// Gives orders, each to somebody at some time; the diaries when all is over.
    fn diaries(given: &[(u64, usize, Order)], class: Class) -> [Diary; 3] {
        let orders: Vec<Order> = given.iter().map(|(.., order)| *order).collect();
        let mut play = scene(&orders, class);
        for ((millis, who, _), order) in given.iter().zip(0..) {
            play.run_before(at(*millis));
            let lookup = Operation::Lookup { lookup: LookupId(order), key: Id::ZERO };
            play.operate(Address::new(*who), lookup);
        }
        play.run_before(Time::MAX);
        [A, B, C].map(|who| play.node(Address::new(who)).unwrap().clone())
    }

    const ALL: Class =
        Class { share: 1.0, upload: None, download: None, contactable: true, slow: 1.0 };

    /// A firewall that forgets after two seconds to whom C has sent something.
    #[test]
    fn a_firewall_lets_in_answers_and_whom_its_node_has_sent_something() {
        let orders = [
            (0, A, Ask(C, Question, ms(500), &[])),
            (0, A, Say(C, Word(1))),
            (600, C, Ask(A, Question, ms(500), &[])),
            (1000, C, Tell(B, Word(2), ms(500))),
            (2549, A, Say(C, Word(3))),
            (2551, A, Say(C, Word(4))),
            (2600, B, Say(C, Word(5))),
            (4000, B, Tell(C, Word(6), ms(500))),
        ];
        let [a, b, c] = diaries(&orders, Class { contactable: false, ..ALL });
        assert_eq!(
            a,
            [(at(500), Unreachable(C, Question, vec![])), (at(650), Heard(C, Question, vec![]))]
        );
        assert_eq!(
            b,
            [(at(1050), Heard(C, Word(2), vec![])), (at(4500), Unreachable(C, Word(6), vec![]))]
        );
        assert_eq!(
            c,
            [
                (at(700), Heard(A, Answer, vec![])),
                (at(2599), Heard(A, Word(3), vec![])),
                (at(2650), Heard(B, Word(5), vec![])),
            ],
            "and the acknowledgement of what was told to B"
        );
    }

    /// 28 bytes of headers, six an attached address, 32 an acknowledgement.
    #[test]
    fn everything_that_a_node_sends_goes_through_its_link_in_turn() {
        let orders = [
            (0, C, Say(A, Word(1))),
            (0, C, Ask(B, VainQuestion, ms(500), &[A, B])),
            (0, C, Say(A, Word(2))),
            (1000, A, Tell(C, Word(3), ms(100 + 32))),
            (1000, A, Ask(C, Question, ms(100 + 32 + 28), &[])),
            (1000, B, Ask(C, Question, ms(100 + 32 + 28 + 27), &[])),
        ];
        let [a, b, c] = diaries(&orders, Class { upload: Some(1000), ..ALL });
        assert_eq!(
            a,
            [
                (at(78), Heard(C, Word(1), vec![])),
                (at(146), Heard(C, Word(2), vec![])),
                (at(1160), Heard(C, Answer, vec![])),
            ],
            "in time"
        );
        assert_eq!(
            b,
            [
                (at(118), Heard(C, VainQuestion, vec![A, B])),
                (at(1187), Unreachable(C, Question, vec![])),
                (at(1188), HeardLate(C, Answer, vec![])),
            ]
        );
        assert_eq!(c[0], (at(500), Unreachable(B, VainQuestion, vec![A, B])));
    }

    #[test]
    fn a_slow_node_takes_longer_over_everything() {
        let orders = [(0, A, Ask(C, Question, ms(1000), &[])), (0, A, Say(B, Word(1)))];
        let [a, b, c] = diaries(&orders, Class { slow: 4.0, ..ALL });
        assert_eq!(c, [(at(200), Heard(A, Question, vec![]))]);
        assert_eq!(a, [(at(400), Heard(C, Answer, vec![]))]);
        assert_eq!(b, [(at(50), Heard(A, Word(1), vec![]))]);
    }

    #[test]
    fn a_network_may_break_and_be_mended_while_it_is_used() {
        let orders = [Say(B, Word(1)), Say(B, Word(2)), Say(B, Word(3))];
        let mut play = scene(&orders, ALL);
        let say = |play: &mut Simulation<'static, Obedient, Wires, Nobody>, order| {
            play.run_before(at(10 * u64::from(order)));
            let lookup = Operation::Lookup { lookup: LookupId(order), key: Id::ZERO };
            play.operate(Address::new(A), lookup);
        };
        say(&mut play, 0);
        let partition = play.network_mut().disturbances_mut().begin_partition((0..10).collect());
        say(&mut play, 1);
        play.network_mut().disturbances_mut().end(partition);
        say(&mut play, 2);
        play.run_before(Time::MAX);
        let heard = [(at(50), Heard(A, Word(1), vec![])), (at(70), Heard(A, Word(3), vec![]))];
        assert_eq!(play.node(Address::new(B)).unwrap()[..], heard, "what is under way arrives");
    }
}

mod queues {
    use super::*;

    const NODES: usize = 200;

    /// A Chord ring with everything that Chord does, minutes long: its digest and its
    /// number of events.
    fn ring<Q: EventQueue<Scheduled<<Chord as Protocol>::Timer>>>(
        lookup: LookupStyle,
    ) -> (u64, u64) {
        let period = |millis, jitter| Period { mean: ms(millis), jitter };
        let chord = Chord {
            successors: 8,
            lookup,
            stabilize: Some(period(1000, 0.5)),
            // In step, so that there are many simultaneous events.
            fix_fingers: Some((period(2000, 0.0), FixedFingers::AllDistant)),
            check_predecessor: Some(period(200_000, 0.5)),
            ..Chord::new(IdSpace::new(160).unwrap())
        };
        let ids: Vec<Id> = (0..NODES).map(|n| chord.space.hash(format!("node {n}"))).collect();
        let stream = |purpose| Stream::new(1, 0, purpose);
        let latency = Latency::Exponential(ms(50));
        let network = Wires::new(latency, 0.01, stream("latency"), stream("loss"));
        let mut simulation: Simulation<'_, _, _, _, Q> =
            Simulation::new(chord.clone(), network, Nobody, &ids, stream("protocol"));
        let ring = Ring::of(&ids, (0..NODES).map(Address::new));
        for address in (0..NODES).map(Address::new) {
            let right = Truth { ring: &ring, ids: &ids, space: chord.space }.right_pointers(
                address,
                chord.successors,
                true,
            );
            simulation.start_with(address, chord.converged_node(&right), Start::Resume);
        }
        let mut random = stream("lookups");
        for lookup in 0..1000 {
            simulation.run_before(Time::ZERO + ms(300 * u64::from(lookup)));
            let key = chord.space.hash(format!("key {lookup}"));
            let origin = Address::new(random.below(NODES as u64) as usize);
            simulation.operate(origin, Operation::Lookup { lookup: LookupId(lookup), key });
        }
        (simulation.digest(), simulation.events())
    }

    #[test]
    fn the_calendar_and_the_heap_give_one_history() {
        for lookup in [LookupStyle::Iterative, LookupStyle::Recursive, LookupStyle::SemiRecursive] {
            let calendar = ring::<CalendarQueue<_>>(lookup);
            assert!(calendar.1 > 100_000, "only {} events", calendar.1);
            assert_eq!(calendar, ring::<HeapQueue<_>>(lookup), "{lookup:?}");
        }
    }

    #[test]
    fn the_order_of_the_diaries_does_not_depend_on_the_queue() {
        fn diaries<Q: EventQueue<Scheduled<u32>>>() -> Vec<Diary> {
            let orders: Vec<Order> = (0..300)
                .map(|number| match number % 3 {
                    0 => Say(number as usize / 3 % 3, Word(number)),
                    1 => Wake(ms(u64::from(number % 7) * 10), number),
                    _ => Ask(B, Question, ms(20), &[1, 2]),
                })
                .collect();
            let mut play: Play<Q> = scene(&orders, &[]);
            for number in 0..300 {
                play.run_before(at(u64::from(number / 10) * 10));
                order(&mut play, number as usize % 3, number);
            }
            play.run_before(Time::MAX);
            [A, B, C].map(|who| diary(&play, who)).into()
        }
        assert_eq!(diaries::<CalendarQueue<_>>(), diaries::<HeapQueue<_>>());
    }
}

mod shared_places {
    use super::*;

    /// A has a place of its own; B and C take turns at the other one.
    fn scene(orders: &[Order], delays: &[Delay]) -> Play<CalendarQueue<Scheduled<u32>>> {
        let protocol = Obedient { orders: orders.to_vec() };
        let delays = Delays { delays: delays.iter().copied().collect(), busy: Vec::new() };
        let ids_and_places = (&IDS[..3], vec![0, 1, 1]);
        let random = Stream::new(1, 0, "test");
        let mut play = Simulation::with_places(protocol, delays, Nobody, ids_and_places, random);
        play.start(Address::new(A), Start::Create);
        play.start(Address::new(B), Start::Create);
        play
    }

    /// C takes the place of B now.
    fn change_over(play: &mut Play<CalendarQueue<Scheduled<u32>>>) {
        play.crash(Address::new(B));
        play.start(Address::new(C), Start::Create);
    }

    #[test]
    fn a_message_to_one_who_has_gone_is_not_for_its_follower() {
        let mut play =
            scene(&[Ask(B, Question, ms(100), &[]), Ask(C, Question, ms(100), &[])], &[]);
        order(&mut play, A, 0);
        change_over(&mut play);
        order(&mut play, A, 1);
        play.run_before(Time::MAX);
        let heard: Vec<usize> = diary(&play, A)
            .into_iter()
            .filter_map(|(_, entry)| match entry {
                Heard(from, Answer, _) => Some(from),
                Unreachable(..) => None,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(heard, [C]);
        assert_eq!(diary(&play, A).len(), 2);
        assert_eq!(diary(&play, C).len(), 1);
    }

    #[test]
    fn timers_and_answers_of_one_who_has_gone_are_not_for_its_follower() {
        let mut play = scene(&[Wake(ms(30), 1), Ask(A, Question, ms(500), &[])], &[]);
        order(&mut play, B, 0);
        order(&mut play, B, 1);
        change_over(&mut play);
        play.run_before(Time::MAX);
        assert_eq!(diary(&play, C), []);
        assert_eq!(diary(&play, A).len(), 1, "the question was asked");
    }

    #[test]
    fn who_has_gone_is_not_seen_at_its_place() {
        let mut play = scene(&[Say(C, Word(1))], &[]);
        let [b, c] = [B, C].map(Address::new);
        assert_eq!((play.status(b), play.status(c)), (Status::Up, Status::Absent));
        assert_eq!((play.holder(c), play.places()), (Some(b), 2));
        // To one that has not come yet.
        order(&mut play, A, 0);
        play.run_before(Time::MAX);
        assert_eq!(play.handled(b), 0);
        change_over(&mut play);
        assert_eq!((play.status(b), play.status(c)), (Status::Absent, Status::Up));
        assert!(play.node(b).is_none() && play.node(c).is_some());
        assert_eq!(play.holder(b), Some(c));
        // What is asked of it, or done to it, does not touch the other one.
        order(&mut play, B, 0);
        play.crash(b);
        assert_eq!(play.status(c), Status::Up);
        order(&mut play, A, 0);
        play.run_before(Time::MAX);
        assert_eq!((play.handled(b), play.handled(c)), (1, 1), "counted by place");
    }

    #[test]
    fn one_at_a_time_is_up_at_a_place() {
        let mut play = scene(&[], &[]);
        let start_both =
            std::panic::AssertUnwindSafe(|| play.start(Address::new(C), Start::Create));
        assert!(std::panic::catch_unwind(start_both).is_err());
    }
}
