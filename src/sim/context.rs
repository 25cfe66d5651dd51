//! The context of a handler: what a node may know, and what it says that it does.
//!
//! A context only records. What a handler does is a list of [`Effect`]s, which the
//! engine carries out when the handler is done; a test can drive a single node by
//! hand and read the list instead (see [`Bench`]).

use std::ops::Range;

use super::protocol::{LookupId, Message, Protocol, RequestId, Start, Value};
use super::{Address, Duration, Operation, Stream, Time};
use crate::id::Id;

/// What is attached to the messages of a protocol.
pub type Item<P> = <<P as Protocol>::Message as Message>::Item;

/// What a node may know while it handles something, and where it says what it does.
#[derive(Debug)]
pub struct Context<'a, P: Protocol> {
    pub(super) now: Time,
    pub(super) this: Address,
    pub(super) ids: &'a [Id],
    pub(super) random: &'a mut Stream,
    pub(super) received: &'a [Item<P>],
    pub(super) is_late: bool,
    pub(super) record: &'a mut Record<P>,
}

/// What a handler did.
#[derive(Debug)]
pub struct Record<P: Protocol> {
    /// In the order in which it was done.
    pub effects: Vec<Effect<P::Message, P::Timer>>,
    /// What the effects' lists are ranges of.
    pub items: Vec<Item<P>>,
}

impl<P: Protocol> Default for Record<P> {
    fn default() -> Self {
        Record { effects: Vec::new(), items: Vec::new() }
    }
}

/// Something that a node does.
#[derive(Clone, PartialEq, Debug)]
pub enum Effect<M, T> {
    /// Sends a message.
    Send {
        /// To whom.
        to: Address,
        /// What.
        message: M,
        /// The attached list.
        list: Range<usize>,
        /// What is expected in return.
        manner: Manner,
    },
    /// Wakes itself up.
    Timer {
        /// After this time.
        after: Duration,
        /// With this.
        timer: T,
    },
    /// Tells the observer something.
    Note(Note),
    /// Leaves for good: handles nothing any more.
    Depart,
}

/// What the sender of a message expects in return.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Manner {
    /// Nothing.
    OneWay,
    /// An answer within this time.
    Request(Duration),
    /// An acknowledgement by the receiver's transport within this time.
    Acknowledged(Duration),
    /// This is the answer to the request being handled, if it is one.
    Reply,
}

/// What an overlay tells about itself and the requests it serves. Not a message: nodes
/// never see it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Note {
    /// The lookup stands at a node.
    StandsAt {
        /// This lookup.
        lookup: LookupId,
        /// Where it has come to.
        node: Address,
    },
    /// A node that the lookup wanted to contact did not answer.
    TimedOut(LookupId),
    /// The node's maintenance wanted to contact a node that did not answer.
    MaintenanceTimedOut,
    /// The answer came to the node that asked.
    Answer {
        /// To this lookup.
        lookup: LookupId,
        /// The node that owns the key, as far as the overlay knows.
        owner: Address,
        /// How often the lookup was passed on until it stood at the key's predecessor.
        hops: u32,
    },
    /// There is nobody left to ask.
    NoRoute(LookupId),
    /// The node takes part from now on: its join is complete.
    Joined,
    /// The value is stored, with as many copies as could be made.
    Stored(RequestId),
    /// The value of a key is here, or it is known that there is none.
    Fetched {
        /// Which request this is.
        request: RequestId,
        /// What was found.
        value: Option<Value>,
        /// How many nodes passed the request on or had to be asked, the one with the value
        /// included; zero when the node that asked had it.
        hops: u32,
    },
    /// The request came to a node that is not the right one, and had to go on from there.
    Misdirected(RequestId),
    /// The request is given up: there is nobody left to ask.
    Failed(RequestId),
    /// The download is complete.
    Downloaded(RequestId),
}

impl<'a, P: Protocol> Context<'a, P> {
    /// The present moment.
    pub fn now(&self) -> Time {
        self.now
    }

    /// The node's own address.
    pub fn this(&self) -> Address {
        self.this
    }

    /// The identifier of an address. Any node can compute it (it is the hash of the ip
    /// and port that the address stands for); this looks it up.
    pub fn id(&self, address: Address) -> Id {
        self.ids[address.index()]
    }

    /// The node's own identifier.
    pub fn this_id(&self) -> Id {
        self.id(self.this)
    }

    /// The random numbers of the protocol.
    pub fn random(&mut self) -> &mut Stream {
        self.random
    }

    /// The list attached to the message being handled, or to the one that was not answered.
    pub fn received_list(&self) -> &'a [Item<P>] {
        self.received
    }

    /// Whether the message being handled is an answer that nobody waits for any more: its
    /// time-out has been handled by [`Protocol::on_unreachable`], or the node has restarted
    /// since it asked. A node can tell by the requests that it has open.
    pub fn is_late(&self) -> bool {
        self.is_late
    }

    /// Sends a message and expects nothing in return.
    pub fn send(&mut self, to: Address, message: P::Message, list: &[Item<P>]) {
        self.record(to, message, list, Manner::OneWay);
    }

    /// Sends a message that the receiver's transport acknowledges. Without the
    /// acknowledgement after `timeout`, [`Protocol::on_unreachable`] is called.
    pub fn send_acknowledged(
        &mut self,
        to: Address,
        message: P::Message,
        list: &[Item<P>],
        timeout: Duration,
    ) {
        self.record(to, message, list, Manner::Acknowledged(timeout));
    }

    /// Sends a message that the receiver answers. Without the answer after `timeout`,
    /// [`Protocol::on_unreachable`] is called.
    pub fn request(
        &mut self,
        to: Address,
        message: P::Message,
        list: &[Item<P>],
        timeout: Duration,
    ) {
        self.record(to, message, list, Manner::Request(timeout));
    }

    /// Answers the message being handled. If its sender did not send it as a request, nobody
    /// waits for an answer, and nothing is sent: a node need not know, and no message of
    /// another one makes it do wrong.
    ///
    /// # Panics
    /// The engine panics when what is being handled is no message, or was answered.
    pub fn reply(&mut self, message: P::Message, list: &[Item<P>]) {
        let this = self.this;
        // The engine knows whom to: the address is not looked at.
        self.record(this, message, list, Manner::Reply);
    }

    /// Wakes the node up after a time; a node that stops before does not wake up.
    pub fn set_timer(&mut self, after: Duration, timer: P::Timer) {
        self.record.effects.push(Effect::Timer { after, timer });
    }

    /// Says that a lookup stands at a node: it began there, was passed on to it, or went on
    /// with what that node answered.
    pub fn lookup_stands_at(&mut self, lookup: LookupId, node: Address) {
        self.note(Note::StandsAt { lookup, node });
    }

    /// Says that a node that a lookup wanted to contact did not answer.
    pub fn lookup_timed_out(&mut self, lookup: LookupId) {
        self.note(Note::TimedOut(lookup));
    }

    /// Says that a node that maintenance wanted to contact did not answer.
    pub fn maintenance_timed_out(&mut self) {
        self.note(Note::MaintenanceTimedOut);
    }

    /// Gives the answer to a lookup, at the node that asked: who owns the key, and how often
    /// the lookup was passed on until it stood at the key's predecessor.
    pub fn answer(&mut self, lookup: LookupId, owner: Address, hops: u32) {
        self.note(Note::Answer { lookup, owner, hops });
    }

    /// Gives a lookup up: there is nobody left to ask.
    pub fn give_up(&mut self, lookup: LookupId) {
        self.note(Note::NoRoute(lookup));
    }

    /// Says that the node takes part from now on. Once for every join.
    pub fn joined(&mut self) {
        self.note(Note::Joined);
    }

    /// Says, at the node that asked, that a value is stored.
    pub fn stored(&mut self, request: RequestId) {
        self.note(Note::Stored(request));
    }

    /// Gives the answer to a get, at the node that asked: the value, or that there is none.
    pub fn fetched(&mut self, request: RequestId, value: Option<Value>, hops: u32) {
        self.note(Note::Fetched { request, value, hops });
    }

    /// Says that a request came to a node that is not the right one for it.
    pub fn misdirected(&mut self, request: RequestId) {
        self.note(Note::Misdirected(request));
    }

    /// Gives a put, a get or a download up.
    pub fn fail(&mut self, request: RequestId) {
        self.note(Note::Failed(request));
    }

    /// Says that a download is complete.
    pub fn downloaded(&mut self, request: RequestId) {
        self.note(Note::Downloaded(request));
    }

    /// Leaves for good, at the end of [`Protocol::on_leave`] or of what it began. What was
    /// sent still goes out.
    pub fn depart(&mut self) {
        self.record.effects.push(Effect::Depart);
    }

    /// A context in which another protocol handles something in the name of this node: how
    /// an overlay that stands on another one calls it. What that one does is put down in
    /// `record`, and done only if the caller does it.
    pub fn within<'b, Q: Protocol>(
        &'b mut self,
        received: &'b [Item<Q>],
        record: &'b mut Record<Q>,
    ) -> Context<'b, Q> {
        Context {
            now: self.now,
            this: self.this,
            ids: self.ids,
            random: self.random,
            received,
            is_late: self.is_late,
            record,
        }
    }

    /// Says something to the observer: what the methods above do.
    pub fn note(&mut self, note: Note) {
        self.record.effects.push(Effect::Note(note));
    }

    /// Sends a message in any manner: what the methods above do.
    pub fn send_as(
        &mut self,
        to: Address,
        message: P::Message,
        list: impl IntoIterator<Item = Item<P>>,
        manner: Manner,
    ) {
        let start = self.record.items.len();
        self.record.items.extend(list);
        let list = start..self.record.items.len();
        self.record.effects.push(Effect::Send { to, message, list, manner });
    }

    fn record(&mut self, to: Address, message: P::Message, list: &[Item<P>], manner: Manner) {
        self.send_as(to, message, list.iter().copied(), manner);
    }
}

/// One node driven by hand, without an engine: for the unit tests of an overlay.
///
/// Every method calls a handler and gives back what the node did.
#[derive(Debug)]
pub struct Bench<'a, P: Protocol> {
    /// The overlay's parameters.
    pub protocol: &'a P,
    /// Where the node stands.
    pub address: Address,
    /// The node.
    pub node: P::Node,
    /// The identifiers of all addresses.
    pub ids: &'a [Id],
    /// The clock, set by hand.
    pub now: Time,
    random: Stream,
    is_late: bool,
}

impl<'a, P: Protocol> Bench<'a, P> {
    /// A node at `address`, before it starts.
    pub fn new(protocol: &'a P, address: Address, ids: &'a [Id]) -> Self {
        let random = Stream::new(0, 0, "bench");
        let node = protocol.new_node(address);
        Bench { protocol, address, node, ids, now: Time::ZERO, random, is_late: false }
    }

    /// Starts the node.
    pub fn start(&mut self, start: Start) -> Record<P> {
        self.drive(&[], |protocol, node, context| protocol.on_start(node, start, context))
    }

    /// Delivers a message with its list.
    pub fn deliver(&mut self, from: Address, message: P::Message, list: &[Item<P>]) -> Record<P> {
        self.drive(list, |protocol, node, context| {
            protocol.on_message(node, from, message, context);
        })
    }

    /// Delivers an answer after its time-out.
    pub fn deliver_late(
        &mut self,
        from: Address,
        message: P::Message,
        list: &[Item<P>],
    ) -> Record<P> {
        self.is_late = true;
        let record = self.deliver(from, message, list);
        self.is_late = false;
        record
    }

    /// Lets a timer run out.
    pub fn timer(&mut self, timer: P::Timer) -> Record<P> {
        self.drive(&[], |protocol, node, context| protocol.on_timer(node, timer, context))
    }

    /// Asks for an operation.
    pub fn operate(&mut self, operation: Operation) -> Record<P> {
        self.drive(&[], |protocol, node, context| protocol.on_operation(node, operation, context))
    }

    /// Asks the node to leave.
    pub fn leave(&mut self) -> Record<P> {
        self.drive(&[], P::on_leave)
    }

    /// Lets a request or an acknowledged message time out that had nothing attached.
    pub fn unreachable(&mut self, peer: Address, message: P::Message) -> Record<P> {
        self.unreachable_with(peer, message, &[])
    }

    /// Lets a request or an acknowledged message time out, with its list.
    pub fn unreachable_with(
        &mut self,
        peer: Address,
        message: P::Message,
        list: &[Item<P>],
    ) -> Record<P> {
        self.drive(list, |protocol, node, context| {
            protocol.on_unreachable(node, peer, message, context);
        })
    }

    /// Asks the protocol something about the node that only a handler can be told.
    pub fn ask<R>(&mut self, question: impl FnOnce(&P, &P::Node, &Context<'_, P>) -> R) -> R {
        let mut answer = None;
        self.drive(&[], |protocol, node, context| answer = Some(question(protocol, node, context)));
        answer.expect("the handler has run")
    }

    fn drive(
        &mut self,
        received: &[Item<P>],
        handler: impl FnOnce(&P, &mut P::Node, &mut Context<'_, P>),
    ) -> Record<P> {
        let mut record = Record::default();
        let mut context = Context {
            now: self.now,
            this: self.address,
            ids: self.ids,
            random: &mut self.random,
            received,
            is_late: self.is_late,
            record: &mut record,
        };
        handler(self.protocol, &mut self.node, &mut context);
        record
    }
}
