//! A node that receives any message in any state answers it or drops it: nodes of all
//! overlays are fed whatever their types allow, one by one by hand, and whole systems of them
//! by a saboteur among them.
//!
//! What an overlay's messages, lists and timers can be stands in the tests of the overlay,
//! by [`any_of`], in which no variant of an enumeration can be left out.

use std::fmt::Debug;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::{Union, ValueTree};
use proptest::test_runner::{Config, TestRunner};

use super::Overlay;
use crate::id::{Id, IdSpace};
use crate::oracle::{Ring, Truth};
use crate::sim::{
    Address, Bench, Context, Duration, Effect, Envelope, HEADER_BYTES, Item, LookupId, Manner,
    Message, Network, Note, Observer, Operation, Protocol, Record, RequestId, Simulation, Start,
    Stream, Time, Value,
};

/// Any of the variants of an enumeration: a pattern and what makes up such a value for each.
/// It does not compile unless the patterns cover all of them.
macro_rules! any_of {
    ($type:ty { $($variant:pat => $made_up:expr),+ $(,)? }) => {{
        let _no_variant_is_left_out = |value: $type| match value { $($variant => ()),+ };
        $crate::overlay::robustness::one_of(vec![$(
            proptest::strategy::Strategy::boxed(proptest::strategy::Strategy::prop_map(
                $made_up,
                |value: $type| {
                    assert!(matches!(value, $variant), "{value:?} is none of its variant");
                    value
                },
            ))
        ),+])
    }};
}
pub(super) use any_of;

/// One of these, each as often as the others.
pub(super) fn one_of<T: Debug + 'static>(strategies: Vec<BoxedStrategy<T>>) -> BoxedStrategy<T> {
    Union::new(strategies).boxed()
}

/// What the fields of messages are taken from.
#[derive(Clone, Debug)]
pub(super) struct Universe {
    /// The identifiers.
    pub(super) space: IdSpace,
    /// Those of the nodes.
    pub(super) ids: Vec<Id>,
    /// Whether there is little of everything, so that it comes again and again.
    pub(super) is_small: bool,
}

impl Universe {
    pub(super) fn address(&self) -> BoxedStrategy<Address> {
        (0..self.ids.len()).prop_map(Address::new).boxed()
    }

    pub(super) fn address_if_any(&self) -> BoxedStrategy<Option<Address>> {
        prop::option::of(self.address()).boxed()
    }

    /// That of a node, or any other one.
    pub(super) fn id(&self) -> BoxedStrategy<Id> {
        if self.is_small {
            return select(self.ids[..2].to_vec()).boxed();
        }
        let of_a_node = select(self.ids.clone());
        let space = self.space;
        let any = any::<[u64; 3]>().prop_map(move |words| space.from_random(words));
        prop_oneof![of_a_node, any].boxed()
    }

    /// A count, a place in a table, a size: small ones, the largest, and any.
    pub(super) fn number(&self) -> BoxedStrategy<u32> {
        if self.is_small {
            return (0u32..4).boxed();
        }
        prop_oneof![4 => 0u32..5, 2 => 0u32..200, 1 => Just(u32::MAX), 1 => any::<u32>()].boxed()
    }

    /// The same of eight bits.
    pub(super) fn byte(&self) -> BoxedStrategy<u8> {
        if self.is_small {
            return (0u8..4).boxed();
        }
        prop_oneof![4 => 0u8..5, 1 => Just(u8::MAX), 1 => any::<u8>()].boxed()
    }

    pub(super) fn request(&self) -> BoxedStrategy<RequestId> {
        self.number().prop_map(RequestId).boxed()
    }

    pub(super) fn lookup(&self) -> BoxedStrategy<LookupId> {
        self.number().prop_map(LookupId).boxed()
    }

    pub(super) fn value(&self) -> BoxedStrategy<Value> {
        let parts = (self.number(), self.number());
        parts.prop_map(|(version, bytes)| Value { version, bytes }).boxed()
    }

    /// A value, or that there is none.
    pub(super) fn value_if_any(&self) -> BoxedStrategy<Option<Value>> {
        prop::option::of(self.value()).boxed()
    }

    fn operation(&self) -> BoxedStrategy<Operation> {
        any_of!(Operation {
            Operation::Lookup { .. } => (self.lookup(), self.id())
                .prop_map(|(lookup, key)| Operation::Lookup { lookup, key }),
            Operation::Put { .. } => (self.request(), self.id(), self.value())
                .prop_map(|(request, key, value)| Operation::Put { request, key, value }),
            Operation::Get { .. } => (self.request(), self.id())
                .prop_map(|(request, key)| Operation::Get { request, key }),
            Operation::JoinThrough { .. } =>
                self.address().prop_map(|contact| Operation::JoinThrough { contact }),
            Operation::TakeNote => Just(Operation::TakeNote),
            Operation::Download { .. } =>
                self.request().prop_map(|request| Operation::Download { request }),
        })
    }

    fn start(&self) -> BoxedStrategy<Start> {
        any_of!(Start {
            Start::Create => Just(Start::Create),
            Start::Join { .. } => self.address().prop_map(|contact| Start::Join { contact }),
            Start::Resume => Just(Start::Resume),
        })
    }
}

/// What the nodes of a protocol can be fed with.
pub(super) struct Anything<P: Protocol> {
    pub(super) message: BoxedStrategy<P::Message>,
    pub(super) item: BoxedStrategy<Item<P>>,
    pub(super) timer: BoxedStrategy<P::Timer>,
    /// Whether a node may leave when this timer runs out, though nobody has asked it to.
    pub(super) may_leave_by: fn(&P::Timer) -> bool,
}

impl<P: Protocol> Anything<P>
where
    P::Message: 'static,
    P::Timer: 'static,
    Item<P>: 'static,
{
    /// What happens to a single node.
    fn step(&self, universe: &Universe) -> BoxedStrategy<StepOf<P>> {
        let list = || prop::collection::vec(self.item.clone(), 0..6);
        let address = universe.address();
        let message = (address.clone(), self.message.clone(), list(), any::<bool>());
        let unreachable = (address.clone(), self.message.clone(), list());
        prop_oneof![
            16 => message.prop_map(|(from, message, list, is_late)| {
                Step::Message { from, message, list, is_late }
            }),
            4 => unreachable.prop_map(|(peer, message, list)| {
                Step::Unreachable { peer, message, list }
            }),
            4 => self.timer.clone().prop_map(Step::Timer),
            3 => universe.operation().prop_map(Step::Operation),
            1 => universe.start().prop_map(Step::Start),
            1 => Just(Step::Converge),
            1 => Just(Step::Leave),
            2 => prop_oneof![0u64..100, Just(1_000), Just(30_000), Just(10_000_000)]
                .prop_map(Step::Wait),
        ]
        .boxed()
    }

    fn letter(&self, universe: &Universe) -> BoxedStrategy<LetterOf<P>> {
        let list = prop::collection::vec(self.item.clone(), 0..6);
        let manner = select(vec![
            Manner::OneWay,
            Manner::Request(Duration::from_millis(300)),
            Manner::Acknowledged(Duration::from_millis(300)),
        ]);
        let parts = (universe.address(), self.message.clone(), list, manner);
        parts.prop_map(|(to, message, list, manner)| Letter { to, message, list, manner }).boxed()
    }
}

/// Something that happens to a node.
#[derive(Clone, Debug)]
enum Step<M, I, T> {
    /// It begins a new life.
    Start(Start),
    /// The same, as one of a converged system.
    Converge,
    Message {
        from: Address,
        message: M,
        list: Vec<I>,
        is_late: bool,
    },
    Timer(T),
    Operation(Operation),
    Unreachable {
        peer: Address,
        message: M,
        list: Vec<I>,
    },
    Leave,
    /// So many milliseconds pass.
    Wait(u64),
}

type StepOf<P> = Step<<P as Protocol>::Message, Item<P>, <P as Protocol>::Timer>;

/// Something that a saboteur sends.
#[derive(Clone, Debug)]
struct Letter<M, I> {
    to: Address,
    message: M,
    list: Vec<I>,
    manner: Manner,
}

type LetterOf<P> = Letter<<P as Protocol>::Message, Item<P>>;

/// A node under test.
struct Victim<'a, P: Protocol> {
    bench: Bench<'a, P>,
    /// What it has asked, of whom.
    asked: Vec<(Address, P::Message, Vec<Item<P>>)>,
    /// Whether it may depart.
    may_leave: bool,
    /// How often it has said in this life that it takes part.
    joined: usize,
}

impl<'a, P: Overlay> Victim<'a, P> {
    fn new(protocol: &'a P, address: Address, ids: &'a [Id]) -> Self {
        let bench = Bench::new(protocol, address, ids);
        Victim { bench, asked: Vec::new(), may_leave: false, joined: 0 }
    }

    /// A life begins.
    fn live(&mut self, node: P::Node, start: Start) -> Record<P> {
        self.bench.node = node;
        (self.may_leave, self.joined) = (false, 0);
        self.bench.start(start)
    }

    fn take(&mut self, step: &StepOf<P>, anything: &Anything<P>, space: IdSpace) {
        let bench = &mut self.bench;
        let (protocol, address, ids) = (bench.protocol, bench.address, bench.ids);
        let did = match step {
            Step::Start(start) => self.live(protocol.new_node(address), *start),
            Step::Converge => {
                let node = converged(protocol, address, ids, space);
                self.live(node, Start::Resume)
            }
            Step::Message { from, message, list, is_late: false } => {
                bench.deliver(*from, *message, list)
            }
            Step::Message { from, message, list, is_late: true } => {
                bench.deliver_late(*from, *message, list)
            }
            Step::Timer(timer) => {
                self.may_leave |= (anything.may_leave_by)(timer);
                bench.timer(*timer)
            }
            Step::Operation(operation) => bench.operate(*operation),
            Step::Unreachable { peer, message, list } => {
                bench.unreachable_with(*peer, *message, list)
            }
            Step::Leave => {
                self.may_leave = true;
                bench.leave()
            }
            Step::Wait(ms) => {
                bench.now += Duration::from_millis(*ms);
                return;
            }
        };
        let replies_wanted = usize::from(matches!(step, Step::Message { .. }));
        self.look_at(&did, replies_wanted);
    }

    /// Nobody answers what it has asked. What it asks on that account waits for the next time.
    fn time_out(&mut self) {
        for (peer, message, list) in std::mem::take(&mut self.asked) {
            let did = self.bench.unreachable_with(peer, message, &list);
            self.look_at(&did, 0);
        }
    }

    /// What a node may do at all.
    fn look_at(&mut self, did: &Record<P>, replies_wanted: usize) {
        let (mut replies, mut departs) = (0, false);
        for effect in &did.effects {
            match effect {
                Effect::Send { to, message, list, manner } => {
                    replies += usize::from(*manner == Manner::Reply);
                    assert!(to.index() < self.bench.ids.len());
                    assert!(message.kind() < P::Message::kinds().len());
                    let list = &did.items[list.clone()];
                    assert!(message.wire_bytes(list) >= HEADER_BYTES);
                    if let Manner::Request(_) | Manner::Acknowledged(_) = manner {
                        self.asked.push((*to, *message, list.to_vec()));
                    }
                }
                Effect::Note(Note::Joined) => self.joined += 1,
                Effect::Depart => departs = true,
                Effect::Timer { .. } | Effect::Note(_) => {}
            }
        }
        assert!(replies <= replies_wanted, "{replies} replies: {:?}", did.effects);
        assert!(did.effects.len() < 1_000, "a step has {} effects", did.effects.len());
        assert!(self.joined <= 1, "a node joins once in its life");
        assert!(!departs || self.may_leave, "nobody has asked it to leave");
        if departs {
            self.bench.node = self.bench.protocol.new_node(self.bench.address);
            (self.may_leave, self.joined) = (false, 0);
        }
    }
}

/// The node at an address of a converged system of all but the last.
fn converged<P: Overlay>(protocol: &P, address: Address, ids: &[Id], space: IdSpace) -> P::Node {
    let ring = Ring::of(ids, (0..ids.len() - 1).map(Address::new));
    let truth = Truth { ring: &ring, ids, space };
    let last = Address::new(ids.len() - 1);
    if protocol.host(address) == address && address != last {
        protocol.converged(truth, |_, _| Duration::ZERO)(address)
    } else {
        protocol.new_node(address)
    }
}

/// The settings of a property test that is not written with `proptest!`, with its seeds kept
/// like those of the others.
fn config(file: &'static str) -> Config {
    Config { source_file: Some(file), ..crate::property::config() }
}

/// Feeds single nodes, of any of so many systems, with anything in any order.
///
/// `file` is where the test stands.
pub(super) fn nodes_endure<P: Overlay>(
    file: &'static str,
    (systems, system): (usize, impl Fn(usize) -> P),
    universe: &Universe,
    anything: &Anything<P>,
) where
    P::Message: 'static,
    P::Timer: 'static,
    Item<P>: 'static,
{
    let steps = prop::collection::vec(anything.step(universe), 1..100);
    let case = (0..systems, universe.address(), steps);
    let result = TestRunner::new(config(file)).run(&case, |(which, address, steps)| {
        let system = system(which);
        let mut victim = Victim::new(&system, system.host(address), &universe.ids);
        for step in &steps {
            victim.take(step, anything, universe.space);
        }
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
}

/// Messages with which a node is flooded.
const FLOOD: usize = 10_000;

/// Floods every node of a system with messages that hold little of everything, so that it
/// soon knows all that there is to know: from then on it must not grow. As in a real system no
/// request of its own stays open for ever: those that it makes are never answered, and time out.
pub(super) fn nodes_stay_small<P: Overlay>(system: &P, universe: &Universe, anything: &Anything<P>)
where
    P::Node: Debug,
    P::Message: 'static,
    P::Timer: 'static,
    Item<P>: 'static,
{
    assert!(universe.is_small);
    let lasts = |step: &StepOf<P>| match step {
        Step::Start(_) | Step::Converge | Step::Leave => false,
        Step::Timer(timer) => !(anything.may_leave_by)(timer),
        // Patience would run out, and entries expire, before anything could pile up.
        Step::Wait(ms) => *ms < 1_000_000,
        Step::Message { .. } | Step::Operation(_) | Step::Unreachable { .. } => true,
    };
    let steps = anything.step(universe).prop_filter("the node lives on", lasts);
    let mut runner = TestRunner::deterministic();
    let hosts = (0..universe.ids.len()).map(Address::new);
    for address in hosts.filter(|address| system.host(*address) == *address) {
        let mut victim = Victim::new(system, address, &universe.ids);
        victim.take(&Step::Converge, anything, universe.space);
        // The least that is left of it in the second half: what is open at a time varies.
        let mut least_in = |steps_to_take: usize| {
            let mut least = usize::MAX;
            for number in 0..steps_to_take {
                let step = steps.new_tree(&mut runner).expect("most steps last").current();
                victim.take(&step, anything, universe.space);
                victim.time_out();
                if number >= steps_to_take / 2 && number % 50 == 0 {
                    least = least.min(format!("{:?}", victim.bench.node).len());
                }
            }
            least
        };
        // Whatever piles up is five times as much in the end.
        let (early, late) = (least_in(FLOOD / 5), least_in(FLOOD - FLOOD / 5));
        assert!(late <= 2 * early + 200, "{address:?} grows from {early} to {late} letters");
    }
}

/// A system one node of which sends letters as well.
struct Sabotaged<P: Protocol> {
    honest: P,
    saboteur: Address,
    letters: Vec<LetterOf<P>>,
}

/// What its nodes wake themselves up for.
#[derive(Clone, Copy, Debug, Hash)]
enum Alarm<T> {
    Honest(T),
    Letter(u32),
}

impl<P: Protocol> Sabotaged<P> {
    fn honestly(
        &self,
        node: &mut P::Node,
        context: &mut Context<'_, Self>,
        act: impl FnOnce(&P, &mut P::Node, &mut Context<'_, P>),
    ) {
        let mut record = Record::default();
        let received = context.received_list();
        act(&self.honest, node, &mut context.within(received, &mut record));
        for effect in record.effects {
            match effect {
                Effect::Send { to, message, list, manner } => {
                    context.send_as(to, message, record.items[list].iter().copied(), manner);
                }
                Effect::Timer { after, timer } => context.set_timer(after, Alarm::Honest(timer)),
                Effect::Note(said) => context.note(said),
                Effect::Depart => context.depart(),
            }
        }
    }
}

impl<P: Protocol> Protocol for Sabotaged<P> {
    type Node = P::Node;
    type Message = P::Message;
    type Timer = Alarm<P::Timer>;

    fn new_node(&self, address: Address) -> P::Node {
        self.honest.new_node(address)
    }

    fn on_start(&self, node: &mut P::Node, start: Start, context: &mut Context<'_, Self>) {
        self.honestly(node, context, |honest, node, context| honest.on_start(node, start, context));
        if context.this() == self.saboteur {
            for number in 0..self.letters.len() as u32 {
                context.set_timer(
                    Duration::from_millis(100 * u64::from(number)),
                    Alarm::Letter(number),
                );
            }
        }
    }

    fn on_message(
        &self,
        node: &mut P::Node,
        from: Address,
        message: P::Message,
        context: &mut Context<'_, Self>,
    ) {
        self.honestly(node, context, |honest, node, context| {
            honest.on_message(node, from, message, context);
        });
    }

    fn on_timer(
        &self,
        node: &mut P::Node,
        alarm: Alarm<P::Timer>,
        context: &mut Context<'_, Self>,
    ) {
        match alarm {
            Alarm::Honest(timer) => self.honestly(node, context, |honest, node, context| {
                honest.on_timer(node, timer, context);
            }),
            Alarm::Letter(number) => {
                let Letter { to, message, list, manner } = &self.letters[number as usize];
                context.send_as(*to, *message, list.iter().copied(), *manner);
            }
        }
    }

    fn on_operation(
        &self,
        node: &mut P::Node,
        operation: Operation,
        context: &mut Context<'_, Self>,
    ) {
        self.honestly(node, context, |honest, node, context| {
            honest.on_operation(node, operation, context);
        });
    }

    fn on_unreachable(
        &self,
        node: &mut P::Node,
        peer: Address,
        message: P::Message,
        context: &mut Context<'_, Self>,
    ) {
        self.honestly(node, context, |honest, node, context| {
            honest.on_unreachable(node, peer, message, context);
        });
    }

    fn on_leave(&self, node: &mut P::Node, context: &mut Context<'_, Self>) {
        self.honestly(node, context, P::on_leave);
    }
}

struct Still;

impl Network for Still {
    fn delay(&mut self, _: Time, _: Envelope) -> Option<Duration> {
        Some(Duration::from_millis(20))
    }
}

struct Blind;

impl Observer for Blind {
    fn on_note(&mut self, _: Time, _: Address, _: Note) {}
}

/// Has a saboteur among the nodes of a converged system send anything to anybody, while one
/// node joins and another one leaves: the system comes to no standstill, and to no end.
pub(super) fn systems_endure<P: Overlay>(
    file: &'static str,
    (systems, system): (usize, impl Fn(usize) -> P),
    universe: &Universe,
    anything: &Anything<P>,
) where
    P::Message: 'static,
    P::Timer: 'static,
    Item<P>: 'static,
{
    let letters = prop::collection::vec(anything.letter(universe), 1..50);
    let operations = prop::collection::vec((universe.address(), universe.operation()), 0..8);
    let case = (0..systems, universe.address(), letters, operations);
    let config = Config { cases: 64, ..config(file) };
    let result = TestRunner::new(config).run(&case, |(which, saboteur, letters, operations)| {
        let honest = system(which);
        let hosts: Vec<Address> =
            (0..universe.ids.len()).map(|n| honest.host(Address::new(n))).collect();
        let saboteur = honest.host(saboteur);
        let ids = &universe.ids;
        let nodes: Vec<P::Node> =
            hosts.iter().map(|host| converged(&honest, *host, ids, universe.space)).collect();
        let sabotaged = Sabotaged { honest, saboteur, letters };
        let random = Stream::new(0, 0, "sabotage");
        let mut simulation: Simulation<'_, _, _, _> =
            Simulation::new(sabotaged, Still, Blind, ids, random);
        let newcomer = *hosts.last().expect("there are nodes");
        for (host, node) in hosts.iter().zip(nodes) {
            if *host != newcomer && simulation.node(*host).is_none() {
                simulation.start_with(*host, node, Start::Resume);
            }
        }
        simulation.start(newcomer, Start::Join { contact: hosts[0] });
        for (second, (at, operation)) in (1..).zip(operations) {
            simulation.run_before(Time::ZERO + Duration::from_secs(second));
            simulation.operate(hosts[at.index()], operation);
        }
        simulation.leave(hosts[1]);
        simulation.run_before(Time::ZERO + Duration::from_secs(60));
        assert!(simulation.events() < 200_000, "{} events in a minute", simulation.events());
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
}
