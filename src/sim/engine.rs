//! The loop: takes the next event, lets the node handle it, carries out what the
//! node did.
//!
//! Architecture invariant: the engine names no overlay, no network model and no
//! workload. The world outside (lookups asked, nodes joining and failing) is not in
//! the queue: whoever drives the simulation runs it up to a moment with
//! [`Simulation::run_before`] and then acts on it. So what comes from outside at a
//! moment comes before what nodes do at that moment.
//!
//! Time-outs cost nothing unless they fire. The engine sees when a request cannot be
//! answered in time (lost, its receiver down, the answer lost or slow) and only then
//! schedules [`Protocol::on_unreachable`], at the moment at which a timer set by the
//! sender would have run out. An answer that comes later still is delivered, marked as
//! [late](Context::is_late).

use std::hash::{Hash, Hasher};

use super::context::{Effect, Item, Manner, Note, Record};
use super::prefetch::prefetch;
use super::queue::{CalendarQueue, EventQueue};
use super::wire::{Answers, Expects, Parcel, Wire};
use super::{
    Address, Context, Digest, Duration, Message, MessageKind, Operation, Protocol, Purpose, Start,
    Stream, Time,
};
use crate::id::Id;

/// What lies between the nodes.
pub trait Network {
    /// How long a message takes that is sent now, or `None` if it is lost.
    fn delay(&mut self, from: Address, to: Address) -> Option<Duration>;

    /// How long a node is busy with a message before it has handled it. Messages that come
    /// meanwhile wait in a queue.
    fn service_time(&self, node: Address) -> Duration {
        let _ = node;
        Duration::ZERO
    }
}

/// Who watches. Sees everything, changes nothing.
pub trait Observer {
    /// A node said something.
    fn on_note(&mut self, now: Time, at: Address, note: Note);

    /// Whether whoever drives the simulation is to act before the next event.
    fn interrupts(&self) -> bool {
        false
    }

    /// A node is not up any more: it crashed or left.
    fn on_stop(&mut self, now: Time, node: Address) {
        let _ = (now, node);
    }
}

/// Whether a node takes part.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Status {
    /// It has not started yet.
    #[default]
    Absent,
    /// It runs.
    Up,
    /// It stopped without a word.
    Crashed,
    /// It left in good order.
    Gone,
}

/// What the queue holds: small, because a million nodes keep millions of them.
#[derive(Clone, Copy, Debug)]
enum Event<T> {
    /// A timer of this incarnation of a node runs out.
    Timer { node: Address, incarnation: u32, timer: T },
    /// A parcel arrives.
    Arrival { to: Address, parcel: u32 },
    /// A parcel that waited for this incarnation of a node to be free has been served.
    Served { node: Address, incarnation: u32, parcel: u32 },
    /// The sender of a parcel has waited long enough.
    Unreachable { sender: Address, parcel: u32 },
}

impl<T> Event<T> {
    fn node(&self) -> Address {
        match *self {
            Event::Timer { node, .. } | Event::Served { node, .. } => node,
            Event::Arrival { to, .. } => to,
            Event::Unreachable { sender, .. } => sender,
        }
    }
}

/// A place for a node: its state and what the engine keeps about it, side by side
/// because every event touches both.
#[derive(Debug)]
struct Slot<N> {
    status: Status,
    incarnation: u32,
    handled: u64,
    node: Option<N>,
}

/// The states of all nodes, for whoever sets a simulation up.
#[derive(Debug)]
pub struct Nodes<'s, N> {
    slots: &'s mut [Slot<N>],
}

impl<N> Nodes<'_, N> {
    /// The state of a node that is up.
    pub fn get(&mut self, address: Address) -> Option<&mut N> {
        self.slots[address.index()].node.as_mut()
    }
}

/// The messages that wait for a node which takes its time over each.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Waiting {
    /// When it will have handled all that has arrived.
    busy_until: Time,
    /// Messages that have gone through the queue.
    pub messages: u64,
    /// How long they waited before the node began with them, all together.
    pub total: Duration,
    /// How long the one waited that waited longest.
    pub longest: Duration,
}

/// Messages of one kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Traffic {
    /// Number sent.
    pub messages: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
}

/// How many events ahead the memory of a node is fetched: enough time for it to arrive.
const PREFETCH_NODE_AHEAD: usize = 12;
/// How many events ahead the protocol fetches what the node points at.
const PREFETCH_STATE_AHEAD: usize = 6;
/// Bytes of an acknowledgement: headers and the number of what it acknowledges.
const ACKNOWLEDGEMENT_BYTES: u64 = super::protocol::HEADER_BYTES as u64 + 4;

/// A simulation of one protocol over one network, watched by one observer.
#[derive(Debug)]
pub struct Simulation<'i, P, N, O, Q = CalendarQueue<Scheduled<<P as Protocol>::Timer>>>
where
    P: Protocol,
{
    protocol: P,
    network: N,
    /// The observer, for whoever drives the simulation.
    pub observer: O,
    ids: &'i [Id],
    random: Stream,
    now: Time,
    queue: Q,
    wire: Wire<P::Message>,
    slots: Vec<Slot<P::Node>>,
    digest: Digest,
    events: u64,
    kinds: Vec<MessageKind>,
    traffic: Vec<Traffic>,
    acknowledgements: [Traffic; Purpose::ALL.len()],
    /// One entry a node, once a node has been found to take its time.
    waiting: Vec<Waiting>,
    /// Emptied after every handler; kept for its memory.
    record: Record<P>,
}

/// What the queue of a simulation holds, for a protocol with timers `T`.
#[derive(Clone, Copy, Debug)]
pub struct Scheduled<T>(Event<T>);

impl<'i, P, N, O, Q> Simulation<'i, P, N, O, Q>
where
    P: Protocol,
    N: Network,
    O: Observer,
    Q: EventQueue<Scheduled<P::Timer>>,
{
    /// A simulation in which nothing has happened and no node has started. There is
    /// one address for each identifier.
    pub fn new(protocol: P, network: N, observer: O, ids: &'i [Id], random: Stream) -> Self {
        let kinds = P::Message::kinds();
        let absent = || Slot { status: Status::Absent, incarnation: 0, handled: 0, node: None };
        Simulation {
            protocol,
            network,
            observer,
            ids,
            random,
            now: Time::ZERO,
            queue: Q::default(),
            wire: Wire::default(),
            slots: std::iter::repeat_with(absent).take(ids.len()).collect(),
            digest: Digest::default(),
            events: 0,
            traffic: vec![Traffic::default(); kinds.len()],
            kinds,
            acknowledgements: [Traffic::default(); Purpose::ALL.len()],
            waiting: Vec::new(),
            record: Record::default(),
        }
    }

    /// The present moment.
    pub fn now(&self) -> Time {
        self.now
    }

    /// The protocol's parameters.
    pub fn protocol(&self) -> &P {
        &self.protocol
    }

    /// Whether a node takes part.
    pub fn status(&self, address: Address) -> Status {
        self.slots[address.index()].status
    }

    /// The state of a node that is up. For the oracle, never for another node.
    pub fn node(&self, address: Address) -> Option<&P::Node> {
        self.slots[address.index()].node.as_ref()
    }

    /// Messages that a node received and handled.
    pub fn handled(&self, address: Address) -> u64 {
        self.slots[address.index()].handled
    }

    /// Number of events processed.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// The fingerprint of all events processed.
    pub fn digest(&self) -> u64 {
        self.digest.finish()
    }

    /// Messages sent, in the order of the protocol's kinds.
    pub fn traffic(&self) -> &[Traffic] {
        &self.traffic
    }

    /// The kinds of messages of the protocol.
    pub fn kinds(&self) -> &[MessageKind] {
        &self.kinds
    }

    /// Acknowledgements sent by the transport, in the order of [`Purpose::ALL`].
    pub fn acknowledgements(&self) -> [Traffic; Purpose::ALL.len()] {
        self.acknowledgements
    }

    /// How long messages waited for a node; all zero where nodes take no time.
    pub fn waiting(&self, address: Address) -> Waiting {
        self.waiting.get(address.index()).copied().unwrap_or_default()
    }

    /// The protocol beside the states of its nodes, to be changed before the simulation
    /// begins.
    pub fn set_up(&mut self) -> (&P, Nodes<'_, P::Node>) {
        (&self.protocol, Nodes { slots: &mut self.slots })
    }

    /// Ends the simulation; the observer has seen it all.
    pub fn into_observer(self) -> O {
        self.observer
    }

    /// Whether nothing is going to happen any more by itself.
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    /// Starts a node.
    ///
    /// # Panics
    /// When it is up.
    pub fn start(&mut self, address: Address, start: Start) {
        let node = self.protocol.new_node(address);
        self.start_with(address, node, start);
    }

    /// Starts a node with a state made outside.
    ///
    /// # Panics
    /// When it is up.
    pub fn start_with(&mut self, address: Address, node: P::Node, start: Start) {
        let slot = &mut self.slots[address.index()];
        assert!(slot.status != Status::Up, "a node starts once");
        slot.status = Status::Up;
        slot.node = Some(node);
        self.act(address, start, |protocol, node, context| {
            protocol.on_start(node, start, context);
        });
    }

    /// Asks a node for an operation; a node that is not up hears nothing.
    pub fn operate(&mut self, address: Address, operation: Operation) {
        self.act(address, operation, |protocol, node, context| {
            protocol.on_operation(node, operation, context);
        });
    }

    /// Stops a node without a word.
    pub fn crash(&mut self, address: Address) {
        self.stop(address, Status::Crashed);
    }

    /// Asks a node to leave in good order. It is up until it departs.
    pub fn leave(&mut self, address: Address) {
        self.act(address, "leave", P::on_leave);
    }

    fn stop(&mut self, address: Address, status: Status) {
        let slot = &mut self.slots[address.index()];
        if slot.status == Status::Up {
            slot.status = status;
            slot.incarnation += 1;
            slot.node = None;
            (self.now.as_nanos(), address, status as u8).hash(&mut self.digest);
            if let Some(waiting) = self.waiting.get_mut(address.index()) {
                waiting.busy_until = Time::ZERO;
            }
            self.observer.on_stop(self.now, address);
        }
    }

    /// Processes all events that lie before `limit`, and sets the clock to it; or stops early,
    /// after an event at which the observer [interrupts](Observer::interrupts). Whether it came
    /// to the limit.
    pub fn run_before(&mut self, limit: Time) -> bool {
        while let Some((at, Scheduled(event))) = self.queue.pop_before(limit) {
            debug_assert!(at >= self.now, "time does not run backwards");
            self.now = at;
            self.prefetch();
            self.process(event);
            if self.observer.interrupts() {
                return false;
            }
        }
        if limit < Time::MAX {
            self.now = self.now.max(limit);
        }
        true
    }

    /// Asks for memory that the coming events will touch.
    fn prefetch(&self) {
        if let Some(Scheduled(coming)) = self.queue.glance(PREFETCH_NODE_AHEAD) {
            let index = coming.node().index();
            prefetch(&self.slots[index].node);
            prefetch(&self.slots[index].status);
            prefetch(&self.ids[index]);
            if let Event::Arrival { parcel, .. } = coming {
                prefetch(self.wire.parcel(*parcel));
            }
        }
        if let Some(Scheduled(coming)) = self.queue.glance(PREFETCH_STATE_AHEAD)
            && let Some(node) = &self.slots[coming.node().index()].node
        {
            self.protocol.prefetch(node);
        }
    }

    fn process(&mut self, event: Event<P::Timer>) {
        // To whom a parcel is delivered, and whether that one is there to take it.
        let (to, parcel, is_there) = match event {
            Event::Timer { node, incarnation, timer } => {
                if self.slots[node.index()].incarnation == incarnation {
                    self.act(node, timer, |protocol, node, context| {
                        protocol.on_timer(node, timer, context);
                    });
                }
                return;
            }
            Event::Arrival { to, parcel } => {
                let is_up = self.slots[to.index()].status == Status::Up;
                let service_time = self.network.service_time(to);
                if is_up && service_time != Duration::ZERO {
                    return self.wait(to, parcel, service_time);
                }
                (to, parcel, is_up)
            }
            Event::Served { node, incarnation, parcel } => {
                (node, parcel, self.slots[node.index()].incarnation == incarnation)
            }
            Event::Unreachable { sender, parcel } => {
                let Parcel { to: peer, message, incarnation, list: place, .. } =
                    self.wire.collect(parcel);
                let list = self.wire.take_list(place);
                if self.slots[sender.index()].incarnation == incarnation {
                    ("unreachable", &list).hash(&mut self.digest);
                    self.handle(sender, (peer, message), &list, None, |p, node, context| {
                        p.on_unreachable(node, peer, message, context);
                    });
                }
                self.wire.put_back(place, list);
                return;
            }
        };
        let parcel = self.wire.collect(parcel);
        self.deliver(to, &parcel, is_there);
    }

    /// A message has to wait until the node has handled all that came before.
    fn wait(&mut self, node: Address, parcel: u32, service_time: Duration) {
        if self.waiting.is_empty() {
            self.waiting.resize(self.slots.len(), Waiting::default());
        }
        let waiting = &mut self.waiting[node.index()];
        let begin = waiting.busy_until.max(self.now);
        let waited = begin.since(self.now);
        waiting.busy_until = begin + service_time;
        waiting.messages += 1;
        waiting.total = waiting.total + waited;
        waiting.longest = waiting.longest.max(waited);
        let served = waiting.busy_until;
        let parcel = self.unless_too_late(parcel, served);
        let incarnation = self.slots[node.index()].incarnation;
        self.queue.push(served, Scheduled(Event::Served { node, incarnation, parcel }));
    }

    /// The number of a parcel that is handled at this moment. If its sender has lost its
    /// patience by then, it is told so when it does, and not again later.
    fn unless_too_late(&mut self, number: u32, handled: Time) -> u32 {
        let expects = self.wire.parcel(number).expects;
        if expects.deadline().is_none_or(|deadline| handled <= deadline) {
            return number;
        }
        let parcel = self.wire.collect(number);
        let list = self.wire.take_list(parcel.list);
        self.expect_nothing_from(&parcel, &list);
        let copy = self.wire.attach(&list);
        self.wire.put_back(parcel.list, list);
        self.wire.post(Parcel { list: copy, expects: expects.in_vain(), ..parcel })
    }

    fn deliver(&mut self, to: Address, parcel: &Parcel<P::Message>, is_there: bool) {
        let list = self.wire.take_list(parcel.list);
        if is_there {
            self.slots[to.index()].handled += 1;
            let Parcel { from, message, .. } = *parcel;
            list.hash(&mut self.digest);
            let replied =
                self.handle(to, (from, message), &list, Some(parcel), |p, node, context| {
                    p.on_message(node, from, message, context);
                });
            match parcel.expects {
                Expects::Acknowledgement(_) => self.acknowledge(parcel, &list),
                Expects::Answer(_) if !replied => self.expect_nothing_from(parcel, &list),
                Expects::Answer(_) | Expects::Nothing => {}
            }
        } else {
            self.expect_nothing_from(parcel, &list);
        }
        self.wire.put_back(parcel.list, list);
    }

    /// The receiver's transport acknowledges a message. Nobody handles an
    /// acknowledgement, so one that comes in time is counted and leaves no event.
    fn acknowledge(&mut self, parcel: &Parcel<P::Message>, list: &[Item<P>]) {
        let purpose = self.kinds[parcel.message.kind()].purpose;
        let traffic = &mut self.acknowledgements[purpose as usize];
        traffic.messages += 1;
        traffic.bytes += ACKNOWLEDGEMENT_BYTES;
        let delay = self.network.delay(parcel.to, parcel.from);
        if !self.is_in_time(parcel, delay) {
            self.expect_nothing_from(parcel, list);
        }
    }

    /// No sign of the receiver will reach the waiting sender of this parcel in time.
    fn expect_nothing_from(&mut self, parcel: &Parcel<P::Message>, list: &[Item<P>]) {
        if let Some(at) = parcel.expects.deadline() {
            let sender = parcel.from;
            let list = self.wire.attach(list);
            let parcel = self.wire.post(Parcel { list, ..*parcel });
            self.queue.push(at, Scheduled(Event::Unreachable { sender, parcel }));
        }
    }

    /// Whether what is sent now in connection with this parcel, and takes so long,
    /// arrives before its sender has lost its patience.
    fn is_in_time(&self, parcel: &Parcel<P::Message>, delay: Option<Duration>) -> bool {
        let deadline = parcel.expects.deadline().unwrap_or(Time::MAX);
        delay.is_some_and(|delay| self.now + delay <= deadline)
    }

    /// Lets a node handle something that is neither a message nor needs an answer.
    fn act(
        &mut self,
        address: Address,
        what: impl Hash,
        handler: impl FnOnce(&P, &mut P::Node, &mut Context<'_, P>),
    ) {
        self.handle(address, what, &[], None, handler);
    }

    /// Lets a node handle something, with the parcel that brought it if one did, then
    /// carries out what it did. Whether it answered a request.
    fn handle(
        &mut self,
        address: Address,
        what: impl Hash,
        received: &[Item<P>],
        parcel: Option<&Parcel<P::Message>>,
        handler: impl FnOnce(&P, &mut P::Node, &mut Context<'_, P>),
    ) -> bool {
        let slot = &mut self.slots[address.index()];
        let is_late = parcel.is_some_and(|parcel| match parcel.answers {
            Answers::Nothing => false,
            Answers::InTime => parcel.incarnation != slot.incarnation,
            Answers::TooLate => true,
        });
        let Some(node) = &mut slot.node else { return false };
        self.events += 1;
        self.digest.write_u64(self.now.as_nanos());
        address.hash(&mut self.digest);
        what.hash(&mut self.digest);
        let mut context = Context {
            now: self.now,
            this: address,
            ids: self.ids,
            random: &mut self.random,
            received,
            is_late,
            record: &mut self.record,
        };
        handler(&self.protocol, node, &mut context);
        self.carry_out(address, received, parcel)
    }

    fn carry_out(
        &mut self,
        this: Address,
        received: &[Item<P>],
        request: Option<&Parcel<P::Message>>,
    ) -> bool {
        let mut record = std::mem::take(&mut self.record);
        let incarnation = self.slots[this.index()].incarnation;
        let mut replied = false;
        let mut departs = false;
        for effect in record.effects.drain(..) {
            match effect {
                Effect::Send { to, message, list, manner } => {
                    let list = &record.items[list];
                    let asked = (manner == Manner::Reply)
                        .then(|| request.expect("only a message can be replied to"));
                    if asked.is_some_and(|parcel| !matches!(parcel.expects, Expects::Answer(_))) {
                        continue; // nobody waits for it
                    }
                    let traffic = &mut self.traffic[message.kind()];
                    traffic.messages += 1;
                    traffic.bytes += u64::from(message.wire_bytes(list));
                    if let Some(request) = asked {
                        assert!(!replied, "a request is answered once");
                        replied = true;
                        self.send_reply(this, (request, received), message, list);
                    } else {
                        let expects = match manner {
                            Manner::Request(timeout) => Expects::Answer(Some(self.now + timeout)),
                            Manner::Acknowledged(timeout) => {
                                Expects::Acknowledgement(Some(self.now + timeout))
                            }
                            Manner::OneWay | Manner::Reply => Expects::Nothing,
                        };
                        let from = this;
                        let answers = Answers::Nothing;
                        self.send(
                            Parcel { from, to, message, expects, answers, incarnation, list: None },
                            list,
                        );
                    }
                }
                Effect::Timer { after, timer } => {
                    let event = Event::Timer { node: this, incarnation, timer };
                    self.queue.push(self.now + after, Scheduled(event));
                }
                Effect::Note(note) => self.observer.on_note(self.now, this, note),
                Effect::Depart => departs = true,
            }
        }
        record.items.clear();
        self.record = record;
        if departs {
            self.stop(this, Status::Gone);
        }
        replied
    }

    fn send(&mut self, mut parcel: Parcel<P::Message>, list: &[Item<P>]) {
        let delay = self.network.delay(parcel.from, parcel.to);
        if !self.is_in_time(&parcel, delay) {
            // Lost, or itself slower than its sender's patience.
            self.expect_nothing_from(&parcel, list);
            parcel.expects = parcel.expects.in_vain();
        }
        if let Some(delay) = delay {
            self.post(parcel, list, delay);
        }
    }

    fn send_reply(
        &mut self,
        this: Address,
        (request, request_list): (&Parcel<P::Message>, &[Item<P>]),
        message: P::Message,
        list: &[Item<P>],
    ) {
        let to = request.from;
        let delay = self.network.delay(this, to);
        if !self.is_in_time(request, delay) {
            self.expect_nothing_from(request, request_list);
        }
        if let Some(delay) = delay {
            // Without a deadline the sender has been told already that no answer comes.
            let waits =
                request.expects.deadline().is_some() && self.is_in_time(request, Some(delay));
            let answers = if waits { Answers::InTime } else { Answers::TooLate };
            let (expects, incarnation) = (Expects::Nothing, request.incarnation);
            let reply =
                Parcel { from: this, to, message, expects, answers, incarnation, list: None };
            self.post(reply, list, delay);
        }
    }

    fn post(&mut self, mut parcel: Parcel<P::Message>, list: &[Item<P>], delay: Duration) {
        parcel.list = self.wire.attach(list);
        let to = parcel.to;
        let parcel = self.wire.post(parcel);
        self.queue.push(self.now + delay, Scheduled(Event::Arrival { to, parcel }));
    }
}
