//! Between the nodes: sends what they say, and knows when they wait in vain.
//!
//! Time-outs cost nothing unless they fire. It is seen here when a request cannot be answered in
//! time (lost, its receiver down, the answer lost or slow), and only then
//! [`Protocol::on_unreachable`] is scheduled, at the moment at which a timer set by the sender
//! would have run out. An answer that comes later still is delivered, marked as
//! [late](super::Context::is_late).
//!
//! Must not know: the states of nodes.

use super::context::{Item, Manner};
use super::places::Places;
use super::queue::EventQueue;
use super::trace::{Trace, TraceEvent, TracedMessage};
use super::wire::{Answers, Expects, Parcel, Wire};
use super::{Address, Duration, Message, MessageKind, Protocol, Purpose, Time};

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
/// nodes share a [place](super::Simulation::with_places) it is told the place's number as an address.
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

/// Messages of one kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Traffic {
    /// Number sent.
    pub messages: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
}

/// Bytes of an acknowledgement: headers and the number of what it acknowledges.
const ACKNOWLEDGEMENT_BYTES: u32 = super::protocol::HEADER_BYTES + 4;

/// What the queue holds: small, because a million nodes keep millions of them.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event<T> {
    /// A timer of this incarnation of a node runs out.
    Timer { node: Address, incarnation: u32, timer: T },
    /// A parcel arrives.
    Arrival { to: Address, parcel: u32 },
    /// A parcel that waited for this incarnation of its receiver to be free has been served.
    Served { parcel: u32, incarnation: u32 },
    /// The sender of a parcel has waited long enough.
    Unreachable { sender: Address, parcel: u32 },
}

/// What the queue of a simulation holds, for a protocol with timers `T`.
#[derive(Clone, Copy, Debug)]
pub struct Scheduled<T>(pub(super) Event<T>);

/// The messages under way, and all else that is going to happen.
#[derive(Debug)]
pub(super) struct Transport<'t, P: Protocol, N, Q> {
    pub(super) network: N,
    pub(super) places: Places,
    pub(super) now: Time,
    pub(super) queue: Q,
    pub(super) wire: Wire<P::Message>,
    pub(super) kinds: Vec<MessageKind>,
    /// Messages sent, by kind.
    pub(super) traffic: Vec<Traffic>,
    /// Acknowledgements sent, by what they serve.
    pub(super) acknowledgements: [Traffic; Purpose::ALL.len()],
    /// Whether nodes may come to be frozen: then answers keep the requests that they answer.
    pub(super) may_freeze: bool,
    pub(super) trace: Trace<'t>,
}

impl<P, N, Q> Transport<'_, P, N, Q>
where
    P: Protocol,
    N: Network,
    Q: EventQueue<Scheduled<P::Timer>>,
{
    pub(super) fn new(network: N, places: Places) -> Self {
        let kinds = P::Message::kinds();
        Transport {
            network,
            places,
            now: Time::ZERO,
            queue: Q::default(),
            wire: Wire::default(),
            traffic: vec![Traffic::default(); kinds.len()],
            kinds,
            acknowledgements: [Traffic::default(); Purpose::ALL.len()],
            may_freeze: false,
            trace: Trace::default(),
        }
    }

    /// Forgets all events and messages.
    pub(super) fn forget_all(&mut self) {
        self.queue = Q::default();
        self.wire = Wire::default();
    }

    /// Lets something happen at a moment.
    #[inline]
    pub(super) fn schedule(&mut self, at: Time, event: Event<P::Timer>) {
        self.queue.push(at, Scheduled(event));
    }

    /// Sends a message of this incarnation of a node, which is not an answer.
    #[inline]
    pub(super) fn send(
        &mut self,
        (from, incarnation): (Address, u32),
        to: Address,
        message: &P::Message,
        manner: Manner,
        list: &[Item<P>],
    ) {
        let bytes = self.count(message, list);
        let mut expects = match manner {
            Manner::Request(timeout) => Expects::Answer(self.now + timeout),
            Manner::Acknowledged(timeout) => Expects::Acknowledgement(self.now + timeout),
            Manner::OneWay | Manner::Reply => Expects::Nothing,
        };
        // Made where it is to lie: a message is not copied about.
        let parcel = |expects| Parcel {
            from,
            to,
            message: *message,
            expects,
            answers: Answers::Nothing,
            incarnation,
            list: None,
        };
        let delay = self.delay(from, to, bytes);
        self.trace.tell(self.now, from, || {
            let message = TracedMessage::new(&self.kinds, message, &list);
            let arrives = delay.map(|delay| self.now + delay);
            TraceEvent::Send { message, to, manner, arrives }
        });
        if !self.is_in_time(expects, delay) {
            // Lost, or itself slower than its sender's patience.
            self.expect_nothing_from(&parcel(expects), list);
            expects = expects.in_vain();
        }
        if let Some(delay) = delay {
            self.post(parcel(expects), list, delay);
        }
    }

    /// Sends the answer to a request.
    #[inline]
    pub(super) fn send_reply(
        &mut self,
        from: Address,
        (request, request_list): (&Parcel<P::Message>, &[Item<P>]),
        message: &P::Message,
        list: &[Item<P>],
    ) {
        let bytes = self.count(message, list);
        let to = request.from;
        let delay = self.delay(from, to, bytes);
        self.trace.tell(self.now, from, || {
            let message = TracedMessage::new(&self.kinds, message, &list);
            let arrives = delay.map(|delay| self.now + delay);
            TraceEvent::Send { message, to, manner: Manner::Reply, arrives }
        });
        let in_time = self.is_in_time(request.expects, delay);
        if !in_time {
            self.expect_nothing_from(request, request_list);
        }
        let Some(delay) = delay else { return };
        // Without a deadline the sender has been told already that no answer comes.
        let waits = in_time && request.expects.deadline().is_some();
        let answers = if waits { Answers::InTime } else { Answers::TooLate };
        let incarnation = request.incarnation;
        let expects = if self.may_freeze && waits {
            let list = self.wire.attach(request_list);
            Expects::Receipt(self.wire.post(Parcel { list, ..*request }))
        } else {
            Expects::Nothing
        };
        let message = *message;
        let parcel = Parcel { from, to, message, expects, answers, incarnation, list: None };
        self.post(parcel, list, delay);
    }

    /// The receiver's transport acknowledges a message. Nobody handles an
    /// acknowledgement, so one that comes in time is counted and leaves no event.
    pub(super) fn acknowledge(&mut self, parcel: &Parcel<P::Message>, list: &[Item<P>]) {
        let purpose = self.kinds[parcel.message.kind()].purpose;
        let traffic = &mut self.acknowledgements[purpose as usize];
        traffic.messages += 1;
        traffic.bytes += u64::from(ACKNOWLEDGEMENT_BYTES);
        let delay = self.delay(parcel.to, parcel.from, ACKNOWLEDGEMENT_BYTES);
        self.trace.tell(self.now, parcel.to, || {
            let message = TracedMessage::new(&self.kinds, &parcel.message, &list);
            let arrives = delay.map(|delay| self.now + delay);
            TraceEvent::Acknowledge { message, to: parcel.from, arrives }
        });
        if !self.is_in_time(parcel.expects, delay) {
            self.expect_nothing_from(parcel, list);
        }
    }

    /// No sign of the receiver will reach the waiting sender of this parcel in time.
    pub(super) fn expect_nothing_from(&mut self, parcel: &Parcel<P::Message>, list: &[Item<P>]) {
        if let Some(at) = parcel.expects.deadline() {
            let sender = parcel.from;
            let list = self.wire.attach(list);
            let parcel = self.wire.post(Parcel { list, ..*parcel });
            self.schedule(at, Event::Unreachable { sender, parcel });
        }
    }

    /// Whether what is sent now in connection with a parcel of which its sender expects this, and
    /// takes so long, arrives before he has lost his patience.
    #[inline]
    fn is_in_time(&self, expects: Expects, delay: Option<Duration>) -> bool {
        let deadline = expects.deadline().unwrap_or(Time::MAX);
        delay.is_some_and(|delay| self.now + delay <= deadline)
    }

    /// The number of a parcel that is handled at this moment. If its sender has lost its
    /// patience by then, it is told so when it does, and not again later.
    pub(super) fn unless_too_late(&mut self, number: u32, handled: Time) -> u32 {
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

    /// Gives back the places of a parcel and its list.
    pub(super) fn discard(&mut self, number: u32) {
        let place = self.wire.collect(number).list;
        let list = self.wire.take_list(place);
        self.wire.put_back(place, list);
    }

    /// Counts a message that is sent; gives its bytes.
    #[inline]
    fn count(&mut self, message: &P::Message, list: &[Item<P>]) -> u32 {
        let bytes = message.wire_bytes(list);
        let traffic = &mut self.traffic[message.kind()];
        traffic.messages += 1;
        traffic.bytes += u64::from(bytes);
        bytes
    }

    #[inline]
    fn delay(&mut self, from: Address, to: Address, bytes: u32) -> Option<Duration> {
        let (from, to) = (self.places.name(from), self.places.name(to));
        self.network.delay(self.now, Envelope { from, to, bytes })
    }

    #[inline]
    fn post(&mut self, mut parcel: Parcel<P::Message>, list: &[Item<P>], delay: Duration) {
        parcel.list = self.wire.attach(list);
        let to = parcel.to;
        let parcel = self.wire.post(parcel);
        self.schedule(self.now + delay, Event::Arrival { to, parcel });
    }
}
