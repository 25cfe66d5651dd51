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

use std::collections::BTreeMap;
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

/// What the network sees of a message: what it says is none of its business.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Envelope {
    /// Who sends it.
    pub from: Address,
    /// To whom.
    pub to: Address,
    /// Its size on the wire, headers included.
    pub bytes: u32,
}

/// What lies between the nodes. A network knows places, not who is there: where several
/// nodes share a [place](Simulation::with_places) it is told the place's number as an address.
pub trait Network {
    /// How long a message takes that is sent now, or `None` if it is lost. Asked once for every
    /// message and acknowledgement, in the order in which they are sent: time does not run
    /// backwards.
    fn delay(&mut self, now: Time, envelope: Envelope) -> Option<Duration>;

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

/// Where the nodes are. Most simulations give every address a place of its own, and spend
/// nothing on this. Where nodes come and go for long, a newcomer takes the place of one that
/// has gone for good, so that memory is bounded by those that are there at a time.
#[derive(Clone, Debug, Default)]
struct Places {
    /// The place of every address; its own if this is empty.
    of: Vec<u32>,
    /// Who is at each place, or was there last, if places are shared.
    holders: Vec<Option<Address>>,
}

impl Places {
    fn new(of: Vec<u32>) -> Places {
        let count = of.iter().max().map_or(0, |last| *last as usize + 1);
        Places { of, holders: vec![None; count] }
    }

    /// The number of the place of an address.
    #[inline]
    fn of(&self, address: Address) -> usize {
        let own = address.index();
        self.of.get(own).map_or(own, |place| *place as usize)
    }

    /// The place of an address as the network calls it.
    #[inline]
    fn name(&self, address: Address) -> Address {
        if self.of.is_empty() { address } else { Address::new(self.of(address)) }
    }

    /// Whether this is the address that is at its place, or was there last.
    #[inline]
    fn is_held_by(&self, address: Address) -> bool {
        self.of.is_empty() || self.holders[self.of(address)] == Some(address)
    }

    fn take(&mut self, address: Address) {
        if !self.of.is_empty() {
            let place = self.of(address);
            self.holders[place] = Some(address);
        }
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
const ACKNOWLEDGEMENT_BYTES: u32 = super::protocol::HEADER_BYTES + 4;

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
    places: Places,
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
    /// The nodes that are frozen.
    frozen: BTreeMap<Address, Frozen<P::Node, P::Timer>>,
    /// Whether nodes may come to be frozen: then answers keep the requests that they answer.
    may_freeze: bool,
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
            event: size_of::<(Time, Scheduled<P::Timer>)>(),
            message: size_of::<Parcel<P::Message>>(),
        }
    }
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
        let slots = if places.of.is_empty() { ids.len() } else { places.holders.len() };
        let kinds = P::Message::kinds();
        let absent = || Slot { status: Status::Absent, incarnation: 0, handled: 0, node: None };
        Simulation {
            protocol,
            network,
            observer,
            ids,
            places,
            random,
            now: Time::ZERO,
            queue: Q::default(),
            wire: Wire::default(),
            slots: std::iter::repeat_with(absent).take(slots).collect(),
            digest: Digest::default(),
            events: 0,
            traffic: vec![Traffic::default(); kinds.len()],
            kinds,
            acknowledgements: [Traffic::default(); Purpose::ALL.len()],
            waiting: Vec::new(),
            frozen: BTreeMap::new(),
            may_freeze: false,
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

    /// What lies between the nodes.
    pub fn network(&self) -> &N {
        &self.network
    }

    /// The same, to be changed by whoever drives the simulation: it breaks, or is mended.
    pub fn network_mut(&mut self) -> &mut N {
        &mut self.network
    }

    /// Whether a node takes part.
    pub fn status(&self, address: Address) -> Status {
        if self.places.is_held_by(address) { self.slot(address).status } else { Status::Absent }
    }

    /// The node that is at the place of this one, or was there last; itself where every node
    /// has a place of its own.
    pub fn holder(&self, address: Address) -> Option<Address> {
        match self.places.holders.get(self.places.of(address)) {
            Some(holder) => *holder,
            None => Some(address),
        }
    }

    /// The place of a node, by the number under which the network knows it.
    pub fn place(&self, address: Address) -> Address {
        self.places.name(address)
    }

    /// Number of places for nodes.
    pub fn places(&self) -> usize {
        self.slots.len()
    }

    fn slot(&self, address: Address) -> &Slot<P::Node> {
        &self.slots[self.places.of(address)]
    }

    /// The state of a node that is up. For the oracle, never for another node.
    pub fn node(&self, address: Address) -> Option<&P::Node> {
        self.slot(address).node.as_ref().filter(|_| self.places.is_held_by(address))
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

    /// How long messages waited at the place of a node; all zero where nodes take no time.
    pub fn waiting(&self, address: Address) -> Waiting {
        self.waiting.get(self.places.of(address)).copied().unwrap_or_default()
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
        (&self.protocol, Nodes { slots: &mut self.slots, places: &self.places })
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
        let slot = &mut self.slots[self.places.of(address)];
        assert!(!matches!(slot.status, Status::Up | Status::Frozen), "a node starts once");
        self.places.take(address);
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

    /// Says that nodes are going to be frozen. Before the simulation begins: an answer under way
    /// to a node that is frozen when it arrives is lost, so the question must be known still.
    pub fn prepare_to_freeze(&mut self) {
        self.may_freeze = true;
    }

    /// Freezes a node that is up: it handles nothing. Messages that arrive are lost, answers to
    /// its requests too; its timers and time-outs that run out are held.
    ///
    /// # Panics
    /// Without [`Simulation::prepare_to_freeze`].
    pub fn freeze(&mut self, address: Address) {
        assert!(self.may_freeze, "freezing is prepared");
        if self.status(address) != Status::Up {
            return;
        }
        let slot = &mut self.slots[self.places.of(address)];
        let Some(node) = slot.node.take() else { return };
        slot.status = Status::Frozen;
        (self.now.as_nanos(), address, Status::Frozen as u8).hash(&mut self.digest);
        self.frozen.insert(address, Frozen { node, held: Vec::new() });
        self.observer.on_stop(self.now, address);
    }

    /// Lets a frozen node go on with its old state. What was held runs out now, in its order.
    pub fn thaw(&mut self, address: Address) {
        let Some(Frozen { node, held }) = self.frozen.remove(&address) else { return };
        let slot = &mut self.slots[self.places.of(address)];
        slot.status = Status::Up;
        slot.node = Some(node);
        (self.now.as_nanos(), address, Status::Up as u8).hash(&mut self.digest);
        for event in held {
            self.queue.push(self.now, Scheduled(event));
        }
    }

    /// Stops a node without a word. What a frozen one has been holding is lost.
    pub fn crash(&mut self, address: Address) {
        self.stop(address, Status::Crashed);
    }

    /// Asks a node to leave in good order. It is up until it departs.
    pub fn leave(&mut self, address: Address) {
        self.act(address, "leave", P::on_leave);
    }

    fn stop(&mut self, address: Address, status: Status) {
        let place = self.places.of(address);
        let slot = &mut self.slots[place];
        let runs = matches!(slot.status, Status::Up | Status::Frozen);
        if runs && self.places.is_held_by(address) {
            let was_up = slot.status == Status::Up;
            slot.status = status;
            slot.incarnation += 1;
            slot.node = None;
            (self.now.as_nanos(), address, status as u8).hash(&mut self.digest);
            if let Some(waiting) = self.waiting.get_mut(place) {
                waiting.busy_until = Time::ZERO;
            }
            if was_up {
                self.observer.on_stop(self.now, address);
            } else {
                self.drop_held(address);
            }
        }
    }

    /// Forgets a frozen node, and the messages whose time-outs it held.
    fn drop_held(&mut self, address: Address) {
        for event in self.frozen.remove(&address).into_iter().flat_map(|frozen| frozen.held) {
            if let Event::Unreachable { parcel, .. } = event {
                self.discard(parcel);
            }
        }
    }

    /// Gives back the places of a parcel and its list.
    fn discard(&mut self, number: u32) {
        let place = self.wire.collect(number).list;
        let list = self.wire.take_list(place);
        self.wire.put_back(place, list);
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
            let slot = self.slot(coming.node());
            prefetch(&slot.node);
            prefetch(&slot.status);
            prefetch(&self.ids[coming.node().index()]);
            if let Event::Arrival { parcel, .. } = coming {
                prefetch(self.wire.parcel(*parcel));
            }
        }
        if let Some(Scheduled(coming)) = self.queue.glance(PREFETCH_STATE_AHEAD)
            && let Some(node) = &self.slot(coming.node()).node
        {
            self.protocol.prefetch(node);
        }
    }

    fn process(&mut self, event: Event<P::Timer>) {
        // To whom a parcel is delivered, and whether that one is there to take it.
        let (to, parcel, is_there) = match event {
            Event::Timer { node, incarnation, timer } => {
                if self.slot(node).incarnation == incarnation && !self.holds(node, event) {
                    self.act(node, timer, |protocol, node, context| {
                        protocol.on_timer(node, timer, context);
                    });
                }
                return;
            }
            Event::Arrival { to, parcel } => {
                let is_up = self.status(to) == Status::Up;
                let service_time = self.network.service_time(self.places.name(to));
                if is_up && service_time != Duration::ZERO {
                    return self.wait(to, parcel, service_time);
                }
                (to, parcel, is_up)
            }
            Event::Served { node, incarnation, parcel } => {
                let Slot { status, incarnation: present, .. } = *self.slot(node);
                (node, parcel, present == incarnation && status == Status::Up)
            }
            Event::Unreachable { sender, parcel } => {
                let waits = self.wire.parcel(parcel).incarnation;
                if self.slot(sender).incarnation == waits && self.holds(sender, event) {
                    return;
                }
                let Parcel { to: peer, message, incarnation, list: place, .. } =
                    self.wire.collect(parcel);
                let list = self.wire.take_list(place);
                if self.slot(sender).incarnation == incarnation {
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
        let waiting = &mut self.waiting[self.places.of(node)];
        let begin = waiting.busy_until.max(self.now);
        let waited = begin.since(self.now);
        waiting.busy_until = begin + service_time;
        waiting.messages += 1;
        waiting.total = waiting.total + waited;
        waiting.longest = waiting.longest.max(waited);
        let served = waiting.busy_until;
        let parcel = self.unless_too_late(parcel, served);
        let incarnation = self.slot(node).incarnation;
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
            self.slots[self.places.of(to)].handled += 1;
            let Parcel { from, message, .. } = *parcel;
            list.hash(&mut self.digest);
            let replied =
                self.handle(to, (from, message), &list, Some(parcel), |p, node, context| {
                    p.on_message(node, from, message, context);
                });
            match parcel.expects {
                Expects::Acknowledgement(_) => self.acknowledge(parcel, &list),
                Expects::Answer(_) if !replied => self.expect_nothing_from(parcel, &list),
                Expects::Answer(_) | Expects::Nothing | Expects::Receipt(_) => {}
            }
        } else {
            self.expect_nothing_from(parcel, &list);
        }
        self.wire.put_back(parcel.list, list);
        if let Expects::Receipt(request) = parcel.expects {
            self.settle(request, is_there);
        }
    }

    /// An answer in time has come to the node that asked, and was handled or not: a node that
    /// is frozen misses it.
    fn settle(&mut self, request: u32, is_handled: bool) {
        let Parcel { from, incarnation, expects, .. } = *self.wire.parcel(request);
        let slot = self.slot(from);
        let misses_it = !is_handled && slot.incarnation == incarnation;
        match expects.deadline().filter(|_| misses_it) {
            Some(at) => {
                let event = Event::Unreachable { sender: from, parcel: request };
                self.queue.push(at.max(self.now), Scheduled(event));
            }
            None => self.discard(request),
        }
    }

    /// The receiver's transport acknowledges a message. Nobody handles an
    /// acknowledgement, so one that comes in time is counted and leaves no event.
    fn acknowledge(&mut self, parcel: &Parcel<P::Message>, list: &[Item<P>]) {
        let purpose = self.kinds[parcel.message.kind()].purpose;
        let traffic = &mut self.acknowledgements[purpose as usize];
        traffic.messages += 1;
        traffic.bytes += u64::from(ACKNOWLEDGEMENT_BYTES);
        let delay = self.delay(parcel.to, parcel.from, ACKNOWLEDGEMENT_BYTES);
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
        if !self.places.is_held_by(address) {
            return false;
        }
        let slot = &mut self.slots[self.places.of(address)];
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
        let incarnation = self.slot(this).incarnation;
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
                    let bytes = message.wire_bytes(list);
                    let traffic = &mut self.traffic[message.kind()];
                    traffic.messages += 1;
                    traffic.bytes += u64::from(bytes);
                    if let Some(request) = asked {
                        assert!(!replied, "a request is answered once");
                        replied = true;
                        self.send_reply(this, (request, received), message, (list, bytes));
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
                            (list, bytes),
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

    fn delay(&mut self, from: Address, to: Address, bytes: u32) -> Option<Duration> {
        let (from, to) = (self.places.name(from), self.places.name(to));
        self.network.delay(self.now, Envelope { from, to, bytes })
    }

    fn send(&mut self, mut parcel: Parcel<P::Message>, (list, bytes): (&[Item<P>], u32)) {
        let delay = self.delay(parcel.from, parcel.to, bytes);
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
        (list, bytes): (&[Item<P>], u32),
    ) {
        let to = request.from;
        let delay = self.delay(this, to, bytes);
        if !self.is_in_time(request, delay) {
            self.expect_nothing_from(request, request_list);
        }
        if let Some(delay) = delay {
            // Without a deadline the sender has been told already that no answer comes.
            let waits =
                request.expects.deadline().is_some() && self.is_in_time(request, Some(delay));
            let answers = if waits { Answers::InTime } else { Answers::TooLate };
            let incarnation = request.incarnation;
            let expects = if self.may_freeze && waits {
                let list = self.wire.attach(request_list);
                Expects::Receipt(self.wire.post(Parcel { list, ..*request }))
            } else {
                Expects::Nothing
            };
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
