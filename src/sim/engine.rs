//! The loop: takes the next event, lets the node handle it, carries out what the
//! node did.
//!
//! Architecture invariant: the engine names no overlay, no network model and no
//! workload. The world outside (lookups asked, nodes joining and failing) is not in
//! the queue: whoever drives the simulation runs it up to a moment with
//! [`Simulation::run_before`] and then acts on it. So what comes from outside at a
//! moment comes before what nodes do at that moment.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use super::context::{Effect, Item, Manner, Note, Record};
use super::huge_pages::ask_for_huge_pages;
use super::places::Places;
use super::prefetch::{prefetch, prefetch_all, prefetch_start};
use super::queue::{CalendarQueue, EventQueue};
use super::trace::{TraceEvent, TracedMessage, Tracer};
use super::transport::{Event, Network, Scheduled, Traffic, Transport};
use super::wire::{Answers, Expects, Parcel};
use super::{
    Address, Context, Digest, Duration, MessageKind, Operation, Protocol, Purpose, Start, Stream,
    Time,
};
use crate::id::Id;

/// Who watches. Sees everything, changes nothing.
pub trait Observer {
    /// A node said something.
    fn on_note(&mut self, now: Time, at: Address, note: Note);

    /// Whether whoever drives the simulation is to act before the next event.
    fn interrupts(&self) -> bool {
        false
    }

    /// A node is not up any more: it crashed, left or is frozen.
    fn on_stop(&mut self, now: Time, node: Address) {
        let _ = (now, node);
    }
}

/// Whether a node takes part.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Status {
    /// It has not started yet, or another node has taken its place.
    #[default]
    Absent,
    /// It runs.
    Up,
    /// It stopped without a word.
    Crashed,
    /// It left in good order.
    Gone,
    /// It handles nothing until it is thawed.
    Frozen,
}

/// A place for a node: its state and what the engine keeps about it, side by side
/// because every event touches both. It begins with a cache line, and the node follows what the
/// engine keeps: [`prefetch_start`] fetches both.
#[derive(Debug)]
#[repr(C, align(64))]
struct Slot<N> {
    status: Status,
    incarnation: u32,
    handled: u64,
    node: Option<N>,
}

/// A node that handles nothing at the moment.
#[derive(Debug)]
struct Frozen<N, T> {
    node: N,
    /// Timers and time-outs that have run out meanwhile, in their order.
    held: Vec<Event<T>>,
}

/// The states of all nodes, for whoever sets a simulation up.
#[derive(Debug)]
pub struct Nodes<'s, N> {
    slots: &'s mut [Slot<N>],
    places: &'s Places,
}

impl<N> Nodes<'_, N> {
    /// The state of a node that is up.
    pub fn get(&mut self, address: Address) -> Option<&mut N> {
        let place = self.places.of(address);
        self.slots[place].node.as_mut().filter(|_| self.places.is_held_by(address))
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

/// A simulation of one protocol over one network, watched by one observer.
#[derive(Debug)]
pub struct Simulation<'i, P, N, O, Q = CalendarQueue<Scheduled<<P as Protocol>::Timer>>>
where
    P: Protocol,
{
    protocol: P,
    transport: Transport<'i, P, N, Q>,
    /// The observer, for whoever drives the simulation.
    pub observer: O,
    ids: &'i [Id],
    random: Stream,
    slots: Vec<Slot<P::Node>>,
    digest: Digest,
    events: u64,
    /// One entry a node, once a node has been found to take its time.
    waiting: Vec<Waiting>,
    /// The nodes that are frozen.
    frozen: BTreeMap<Address, Frozen<P::Node, P::Timer>>,
    /// Emptied after every handler; kept for its memory.
    record: Record<P>,
}

/// Bytes of what the engine keeps, for estimates of memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sizes {
    /// A node, without what its state keeps on the heap.
    pub node: usize,
    /// An event in the queue.
    pub event: usize,
    /// A message under way, without its list.
    pub message: usize,
}

impl Sizes {
    /// Those of simulations of a protocol.
    pub fn of<P: Protocol>() -> Sizes {
        Sizes {
            node: size_of::<Slot<P::Node>>(),
            event: CalendarQueue::<Scheduled<P::Timer>>::ENTRY_BYTES,
            message: size_of::<Parcel<P::Message>>(),
        }
    }
}

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
        Self::with_places(protocol, network, observer, (ids, Vec::new()), random)
    }

    /// The same where addresses may share a place, of which one at a time can be up: the one
    /// that started there last. For each address this gives the number of its place, counted
    /// from zero; every address has its own if it gives none. A message to an address that
    /// is not at its place any more goes to nobody.
    ///
    /// # Panics
    /// When there are not as many places as identifiers, or none.
    pub fn with_places(
        protocol: P,
        network: N,
        observer: O,
        (ids, places): (&'i [Id], Vec<u32>),
        random: Stream,
    ) -> Self {
        assert!(places.is_empty() || places.len() == ids.len(), "every address has a place");
        let places = Places::new(places);
        let slots = places.count(ids.len());
        let absent = || Slot { status: Status::Absent, incarnation: 0, handled: 0, node: None };
        let mut slot_table = Vec::with_capacity(slots);
        ask_for_huge_pages(slot_table.spare_capacity_mut());
        slot_table.resize_with(slots, absent);
        Simulation {
            protocol,
            transport: Transport::new(network, places),
            observer,
            ids,
            random,
            slots: slot_table,
            digest: Digest::default(),
            events: 0,
            waiting: Vec::new(),
            frozen: BTreeMap::new(),
            record: Record::default(),
        }
    }

    /// The present moment.
    pub fn now(&self) -> Time {
        self.transport.now
    }

    /// The protocol's parameters.
    pub fn protocol(&self) -> &P {
        &self.protocol
    }

    /// What lies between the nodes.
    pub fn network(&self) -> &N {
        &self.transport.network
    }

    /// The same, to be changed by whoever drives the simulation: it breaks, or is mended.
    pub fn network_mut(&mut self) -> &mut N {
        &mut self.transport.network
    }

    /// Whether a node takes part.
    pub fn status(&self, address: Address) -> Status {
        if self.transport.places.is_held_by(address) {
            self.slot(address).status
        } else {
            Status::Absent
        }
    }

    /// The node that is at the place of this one, or was there last; itself where every node
    /// has a place of its own.
    pub fn holder(&self, address: Address) -> Option<Address> {
        self.transport.places.holder(address)
    }

    /// The place of a node, by the number under which the network knows it.
    pub fn place(&self, address: Address) -> Address {
        self.transport.places.name(address)
    }

    /// Number of places for nodes.
    pub fn places(&self) -> usize {
        self.slots.len()
    }

    fn slot(&self, address: Address) -> &Slot<P::Node> {
        &self.slots[self.transport.places.of(address)]
    }

    /// The state of a node that is up. For the oracle, never for another node.
    pub fn node(&self, address: Address) -> Option<&P::Node> {
        self.slot(address).node.as_ref().filter(|_| self.transport.places.is_held_by(address))
    }

    /// Messages that were received and handled at the place of a node.
    pub fn handled(&self, address: Address) -> u64 {
        self.slot(address).handled
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
        &self.transport.traffic
    }

    /// The kinds of messages of the protocol.
    pub fn kinds(&self) -> &[MessageKind] {
        &self.transport.kinds
    }

    /// Acknowledgements sent by the transport, in the order of [`Purpose::ALL`].
    pub fn acknowledgements(&self) -> [Traffic; Purpose::ALL.len()] {
        self.transport.acknowledgements
    }

    /// How long messages waited at the place of a node; all zero where nodes take no time.
    pub fn waiting(&self, address: Address) -> Waiting {
        self.waiting.get(self.transport.places.of(address)).copied().unwrap_or_default()
    }

    /// Begins anew to look for the longest wait at each node.
    pub fn forget_longest_waits(&mut self) {
        for waiting in &mut self.waiting {
            waiting.longest = Duration::ZERO;
        }
    }

    /// The protocol beside the states of its nodes, to be changed before the simulation
    /// begins.
    pub fn set_up(&mut self) -> (&P, Nodes<'_, P::Node>) {
        (&self.protocol, Nodes { slots: &mut self.slots, places: &self.transport.places })
    }

    /// Tells a tracer of everything from now on; of the nodes that are up as well.
    pub fn trace(&mut self, tracer: &'i mut (dyn Tracer + 'i)) {
        for index in 0..self.ids.len() {
            let address = Address::new(index);
            if self.status(address) == Status::Up {
                tracer.on_event(self.now(), address, &TraceEvent::Start(Start::Resume));
            }
        }
        self.transport.trace.0 = Some(tracer);
    }

    /// Ends the simulation; the observer has seen it all.
    pub fn into_observer(self) -> O {
        self.observer
    }

    /// Whether nothing is going to happen any more by itself.
    pub fn is_idle(&self) -> bool {
        self.transport.queue.is_empty()
    }

    /// Forgets all that was to come, at the end: its memory serves for the last look.
    pub fn drop_what_was_to_come(&mut self) {
        self.transport.forget_all();
    }

    /// Asks for all the memory of a node ahead of its use, as [`prefetch`] does.
    pub fn prefetch_node(&self, address: Address) {
        prefetch_all(self.slot(address));
    }

    /// Starts a node.
    ///
    /// # Panics
    /// When it is up, or another one is at its place.
    pub fn start(&mut self, address: Address, start: Start) {
        let node = self.protocol.new_node(address);
        self.start_with(address, node, start);
    }

    /// Starts a node with a state made outside.
    ///
    /// # Panics
    /// When it is up, or another one is at its place.
    pub fn start_with(&mut self, address: Address, node: P::Node, start: Start) {
        let slot = &mut self.slots[self.transport.places.of(address)];
        assert!(!matches!(slot.status, Status::Up | Status::Frozen), "a node starts once");
        self.transport.places.take(address);
        slot.status = Status::Up;
        slot.node = Some(node);
        self.act(address, start, TraceEvent::Start(start), |protocol, node, context| {
            protocol.on_start(node, start, context);
        });
    }

    /// Asks a node for an operation; a node that is not up hears nothing.
    pub fn operate(&mut self, address: Address, operation: Operation) {
        self.act(address, operation, TraceEvent::Ask(operation), |protocol, node, context| {
            protocol.on_operation(node, operation, context);
        });
    }

    /// Says that nodes are going to be frozen. Before the simulation begins: an answer under way
    /// to a node that is frozen when it arrives is lost, so the question must be known still.
    pub fn prepare_to_freeze(&mut self) {
        self.transport.may_freeze = true;
    }

    /// Freezes a node that is up: it handles nothing. Messages that arrive are lost, answers to
    /// its requests too; its timers and time-outs that run out are held.
    ///
    /// # Panics
    /// Without [`Simulation::prepare_to_freeze`].
    pub fn freeze(&mut self, address: Address) {
        assert!(self.transport.may_freeze, "freezing is prepared");
        if self.status(address) != Status::Up {
            return;
        }
        let slot = &mut self.slots[self.transport.places.of(address)];
        let Some(node) = slot.node.take() else { return };
        slot.status = Status::Frozen;
        (self.transport.now.as_nanos(), address, Status::Frozen as u8).hash(&mut self.digest);
        self.tell(address, TraceEvent::Stop(Status::Frozen));
        self.frozen.insert(address, Frozen { node, held: Vec::new() });
        self.observer.on_stop(self.transport.now, address);
    }

    /// Lets a frozen node go on with its old state. What was held runs out now, in its order.
    pub fn thaw(&mut self, address: Address) {
        let Some(Frozen { node, held }) = self.frozen.remove(&address) else { return };
        let slot = &mut self.slots[self.transport.places.of(address)];
        slot.status = Status::Up;
        slot.node = Some(node);
        (self.transport.now.as_nanos(), address, Status::Up as u8).hash(&mut self.digest);
        self.tell(address, TraceEvent::Thaw);
        for event in held {
            self.transport.schedule(self.transport.now, event);
        }
    }

    /// Stops a node without a word. What a frozen one has been holding is lost.
    pub fn crash(&mut self, address: Address) {
        self.stop(address, Status::Crashed);
    }

    /// Asks a node to leave in good order. It is up until it departs.
    pub fn leave(&mut self, address: Address) {
        self.act(address, "leave", TraceEvent::Leave, P::on_leave);
    }

    fn tell(&mut self, address: Address, event: TraceEvent<'_>) {
        self.transport.trace.tell(self.transport.now, address, || event);
    }

    fn stop(&mut self, address: Address, status: Status) {
        let place = self.transport.places.of(address);
        let slot = &mut self.slots[place];
        let runs = matches!(slot.status, Status::Up | Status::Frozen);
        if runs && self.transport.places.is_held_by(address) {
            let was_up = slot.status == Status::Up;
            slot.status = status;
            slot.incarnation += 1;
            slot.node = None;
            (self.transport.now.as_nanos(), address, status as u8).hash(&mut self.digest);
            self.tell(address, TraceEvent::Stop(status));
            if let Some(waiting) = self.waiting.get_mut(place) {
                waiting.busy_until = Time::ZERO;
            }
            if was_up {
                self.observer.on_stop(self.transport.now, address);
            } else {
                self.drop_held(address);
            }
        }
    }

    /// Forgets a frozen node, and the messages whose time-outs it held.
    fn drop_held(&mut self, address: Address) {
        for event in self.frozen.remove(&address).into_iter().flat_map(|frozen| frozen.held) {
            if let Event::Unreachable { parcel, .. } = event {
                self.transport.discard(parcel);
            }
        }
    }

    /// Whether an event of a node has to wait because the node is frozen.
    fn holds(&mut self, node: Address, event: Event<P::Timer>) -> bool {
        let is_frozen = self.slot(node).status == Status::Frozen;
        if is_frozen && let Some(frozen) = self.frozen.get_mut(&node) {
            frozen.held.push(event);
        }
        is_frozen
    }

    /// Processes all events that lie before `limit`, and sets the clock to it; or stops early,
    /// after an event at which the observer [interrupts](Observer::interrupts). Whether it came
    /// to the limit.
    pub fn run_before(&mut self, limit: Time) -> bool {
        while let Some((at, Scheduled(event))) = self.transport.queue.pop_before(limit) {
            debug_assert!(at >= self.transport.now, "time does not run backwards");
            self.transport.now = at;
            self.prefetch();
            self.process(event);
            if self.observer.interrupts() {
                return false;
            }
        }
        if limit < Time::MAX {
            self.transport.now = self.transport.now.max(limit);
        }
        true
    }

    /// Asks for memory that coming events will touch: first for the nodes and the parcels, and
    /// when they are there, for what the protocol finds in them.
    #[inline]
    fn prefetch(&mut self) {
        let [first, second] = self.transport.queue.foresee().map(Option::<&_>::copied);
        if let Some(Scheduled(coming)) = first {
            let (node, parcel) = self.touched_by(coming);
            prefetch_start(&self.slots[self.transport.places.of(node)]);
            prefetch(&self.ids[node.index()]);
            if let Some(parcel) = parcel {
                prefetch_start(parcel);
            }
        }
        if let Some(Scheduled(coming)) = second {
            let (node, parcel) = self.touched_by(coming);
            if let Some(parcel) = parcel {
                self.transport.wire.prefetch_list(parcel);
            }
            if let Some(state) = &self.slots[self.transport.places.of(node)].node {
                let id = self.ids[node.index()];
                self.protocol.prefetch(state, id, parcel.map(|parcel| &parcel.message));
            }
        }
    }

    /// The node that an event is about, and the parcel.
    #[inline]
    fn touched_by(&self, event: Event<P::Timer>) -> (Address, Option<&Parcel<P::Message>>) {
        match event {
            Event::Timer { node, .. } => (node, None),
            Event::Arrival { to, parcel } => (to, Some(self.transport.wire.parcel(parcel))),
            Event::Unreachable { sender, parcel } => {
                (sender, Some(self.transport.wire.parcel(parcel)))
            }
            Event::Served { parcel, .. } => {
                let parcel = self.transport.wire.parcel(parcel);
                (parcel.to, Some(parcel))
            }
        }
    }

    fn process(&mut self, event: Event<P::Timer>) {
        match event {
            Event::Arrival { to, parcel } => {
                let is_up = self.status(to) == Status::Up;
                let place = self.transport.places.name(to);
                let service_time = self.transport.network.service_time(place);
                if is_up && service_time != Duration::ZERO {
                    self.wait(to, parcel, service_time);
                } else {
                    self.deliver(to, parcel, is_up);
                }
            }
            Event::Timer { node, incarnation, timer } => {
                if self.slot(node).incarnation == incarnation && !self.holds(node, event) {
                    self.act(node, timer, TraceEvent::Wake(&timer), |protocol, node, context| {
                        protocol.on_timer(node, timer, context);
                    });
                }
            }
            Event::Served { parcel, incarnation } => self.deliver_served(parcel, incarnation),
            Event::Unreachable { sender, parcel } => {
                let waits = self.transport.wire.parcel(parcel).incarnation;
                if self.slot(sender).incarnation != waits || !self.holds(sender, event) {
                    self.time_out(sender, parcel);
                }
            }
        }
    }

    /// A message has waited until its receiver was free.
    #[cold]
    fn deliver_served(&mut self, parcel: u32, incarnation: u32) {
        let node = self.transport.wire.parcel(parcel).to;
        let Slot { status, incarnation: present, .. } = *self.slot(node);
        self.deliver(node, parcel, present == incarnation && status == Status::Up);
    }

    /// The sender of a parcel has waited in vain.
    #[cold]
    fn time_out(&mut self, sender: Address, parcel: u32) {
        let Parcel { to: peer, message, incarnation, list: place, .. } =
            self.transport.wire.collect(parcel);
        let list = self.transport.wire.take_list(place);
        if self.slot(sender).incarnation == incarnation {
            ("unreachable", &list).hash(&mut self.digest);
            let items = &list[..];
            let event = |kinds: &[MessageKind], _| TraceEvent::TimeOut {
                message: TracedMessage::new(kinds, &message, &items),
                peer,
            };
            self.handle(sender, (peer, message), items, None, event, |p, node, context| {
                p.on_unreachable(node, peer, message, context);
            });
        }
        self.transport.wire.put_back(place, list);
    }

    /// A message has to wait until the node has handled all that came before.
    #[cold]
    fn wait(&mut self, node: Address, parcel: u32, service_time: Duration) {
        if self.waiting.is_empty() {
            self.waiting.resize(self.slots.len(), Waiting::default());
        }
        let waiting = &mut self.waiting[self.transport.places.of(node)];
        let begin = waiting.busy_until.max(self.transport.now);
        let waited = begin.since(self.transport.now);
        waiting.busy_until = begin + service_time;
        waiting.messages += 1;
        waiting.total = waiting.total + waited;
        waiting.longest = waiting.longest.max(waited);
        let served = waiting.busy_until;
        let parcel = self.transport.unless_too_late(parcel, served);
        let incarnation = self.slot(node).incarnation;
        self.transport.schedule(served, Event::Served { parcel, incarnation });
    }

    /// A parcel is delivered to a node, which may not be there to take it.
    #[inline]
    fn deliver(&mut self, to: Address, parcel: u32, is_there: bool) {
        let parcel = &self.transport.wire.collect(parcel);
        let list = self.transport.wire.take_list(parcel.list);
        let Parcel { from, ref message, .. } = *parcel;
        let items = &list[..];
        if is_there {
            list.hash(&mut self.digest);
            let event = |kinds: &[MessageKind], is_late| TraceEvent::Receive {
                message: TracedMessage::new(kinds, message, &items),
                from,
                is_late,
            };
            let replied =
                self.handle(to, (from, message), items, Some(parcel), event, |p, node, context| {
                    p.on_message(node, from, *message, context);
                });
            match parcel.expects {
                Expects::Acknowledgement(_) => self.transport.acknowledge(parcel, &list),
                Expects::Answer(_) if !replied => self.transport.expect_nothing_from(parcel, &list),
                Expects::Answer(_) | Expects::Nothing | Expects::Receipt(_) => {}
            }
        } else {
            let Transport { trace, kinds, now, .. } = &mut self.transport;
            trace.tell(*now, to, || TraceEvent::Miss {
                message: TracedMessage::new(kinds, message, &items),
                from,
            });
            self.transport.expect_nothing_from(parcel, items);
        }
        self.transport.wire.put_back(parcel.list, list);
        if let Expects::Receipt(request) = parcel.expects {
            self.settle(request, is_there);
        }
    }

    /// An answer in time has come to the node that asked, and was handled or not: a node that
    /// is frozen misses it.
    fn settle(&mut self, request: u32, is_handled: bool) {
        let Parcel { from, incarnation, expects, .. } = *self.transport.wire.parcel(request);
        let slot = self.slot(from);
        let misses_it = !is_handled && slot.incarnation == incarnation;
        match expects.deadline().filter(|_| misses_it) {
            Some(at) => {
                let event = Event::Unreachable { sender: from, parcel: request };
                self.transport.schedule(at.max(self.transport.now), event);
            }
            None => self.transport.discard(request),
        }
    }

    /// Lets a node handle something that is neither a message nor needs an answer.
    fn act(
        &mut self,
        address: Address,
        what: impl Hash,
        event: TraceEvent<'_>,
        handler: impl FnOnce(&P, &mut P::Node, &mut Context<'_, P>),
    ) {
        self.handle(address, what, &[], None, |_, _| event, handler);
    }

    /// Lets a node handle something, with the parcel that brought it if one did, then
    /// carries out what it did. Whether it answered a request. A tracer is told of `event`, which
    /// is made of the kinds of messages and of whether it is a late answer.
    #[inline]
    fn handle<'e>(
        &mut self,
        address: Address,
        what: impl Hash,
        received: &[Item<P>],
        parcel: Option<&Parcel<P::Message>>,
        event: impl FnOnce(&[MessageKind], bool) -> TraceEvent<'e>,
        handler: impl FnOnce(&P, &mut P::Node, &mut Context<'_, P>),
    ) -> bool {
        if !self.transport.places.is_held_by(address) {
            return false;
        }
        let slot = &mut self.slots[self.transport.places.of(address)];
        let is_late = parcel.is_some_and(|parcel| match parcel.answers {
            Answers::Nothing => false,
            Answers::InTime => parcel.incarnation != slot.incarnation,
            Answers::TooLate => true,
        });
        let Some(node) = &mut slot.node else { return false };
        let incarnation = slot.incarnation;
        slot.handled += u64::from(parcel.is_some());
        self.events += 1;
        self.digest.write_u64(self.transport.now.as_nanos());
        address.hash(&mut self.digest);
        what.hash(&mut self.digest);
        let Transport { trace, kinds, now, .. } = &mut self.transport;
        trace.tell(*now, address, || event(kinds, is_late));
        let mut context = Context {
            now: self.transport.now,
            this: address,
            ids: self.ids,
            random: &mut self.random,
            received,
            is_late,
            record: &mut self.record,
        };
        handler(&self.protocol, node, &mut context);
        self.carry_out((address, incarnation), received, parcel)
    }

    fn carry_out(
        &mut self,
        (this, incarnation): (Address, u32),
        received: &[Item<P>],
        request: Option<&Parcel<P::Message>>,
    ) -> bool {
        let mut replied = false;
        let mut departs = false;
        for effect in &self.record.effects {
            match *effect {
                Effect::Send { ref message, ref list, manner: Manner::Reply, .. } => {
                    let request = request.expect("only a message can be replied to");
                    if !matches!(request.expects, Expects::Answer(_)) {
                        continue; // nobody waits for it
                    }
                    assert!(!replied, "a request is answered once");
                    replied = true;
                    let list = &self.record.items[list.clone()];
                    self.transport.send_reply(this, (request, received), message, list);
                }
                Effect::Send { to, ref message, ref list, manner } => {
                    let list = &self.record.items[list.clone()];
                    self.transport.send((this, incarnation), to, message, manner, list);
                }
                Effect::Timer { after, timer } => {
                    let event = Event::Timer { node: this, incarnation, timer };
                    self.transport.schedule(self.transport.now + after, event);
                }
                Effect::Note(note) => {
                    let event = || TraceEvent::Note { note, serves: note.serves::<P>() };
                    self.transport.trace.tell(self.transport.now, this, event);
                    self.observer.on_note(self.transport.now, this, note);
                }
                Effect::Depart => departs = true,
            }
        }
        self.record.effects.clear();
        self.record.items.clear();
        if departs {
            self.stop(this, Status::Gone);
        }
        replied
    }
}
