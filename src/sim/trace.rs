//! The events of a simulation, one after the other, for who wants to see them all.
//!
//! A tracer sees everything and changes nothing: with one or without, the same happens. While
//! there is none, all that is left of this is a branch that is never taken.
//!
//! Must not know: what becomes of the events.

use std::fmt::{self, Debug};

use super::context::{Manner, Note};
use super::{Address, Message, MessageKind, Operation, Protocol, Served, Start, Status, Time};

/// Who is told of every event.
pub trait Tracer {
    /// Something happens at a node.
    fn on_event(&mut self, now: Time, node: Address, event: &TraceEvent<'_>);
}

/// Something that happens at a node.
#[derive(Clone, Copy, Debug)]
pub enum TraceEvent<'e> {
    /// It starts; or it is up when the trace begins.
    Start(Start),
    /// The workload asks something of it.
    Ask(Operation),
    /// It is asked to leave in good order.
    Leave,
    /// It sends a message.
    Send {
        /// The message.
        message: TracedMessage<'e>,
        /// To whom.
        to: Address,
        /// What it expects in return.
        manner: Manner,
        /// When it will arrive; `None` if it is lost.
        arrives: Option<Time>,
    },
    /// Its transport acknowledges a message.
    Acknowledge {
        /// The message.
        message: TracedMessage<'e>,
        /// To whom.
        to: Address,
        /// When the acknowledgement will arrive; `None` if it is lost.
        arrives: Option<Time>,
    },
    /// It handles a message.
    Receive {
        /// The message.
        message: TracedMessage<'e>,
        /// From whom.
        from: Address,
        /// Whether it is an answer that nobody waits for any more.
        is_late: bool,
    },
    /// A message arrives, and the node is not up.
    Miss {
        /// The message.
        message: TracedMessage<'e>,
        /// From whom.
        from: Address,
    },
    /// It has waited in vain for the answer to a message.
    TimeOut {
        /// The message.
        message: TracedMessage<'e>,
        /// Who does not answer.
        peer: Address,
    },
    /// A timer runs out.
    Wake(&'e dyn Debug),
    /// It says something of itself, or of what it serves.
    Note {
        /// What.
        note: Note,
        /// The lookup or request that this is about.
        serves: Option<Served>,
    },
    /// It crashes, leaves for good, or is frozen.
    Stop(Status),
    /// It is frozen no longer.
    Thaw,
}

/// A message as a tracer sees it.
#[derive(Clone, Copy, Debug)]
pub struct TracedMessage<'e> {
    /// Its kind.
    pub kind: MessageKind,
    /// The lookup or request of the workload for which it is sent, if it is for one.
    pub serves: Option<Served>,
    /// Its bytes on the wire, headers included.
    pub bytes: u32,
    /// What it says.
    pub content: &'e dyn Debug,
    /// What is attached to it, if anything is.
    pub list: Option<&'e dyn Debug>,
}

impl<'e> TracedMessage<'e> {
    /// A message of these kinds with its list.
    pub(super) fn new<M: Message>(
        kinds: &[MessageKind],
        message: &'e M,
        list: &'e &[M::Item],
    ) -> TracedMessage<'e> {
        TracedMessage {
            kind: kinds[message.kind()],
            serves: message.serves(),
            bytes: message.wire_bytes(list),
            content: message,
            list: (!list.is_empty()).then_some(list as &dyn Debug),
        }
    }
}

impl Note {
    /// The lookup or request that it is about, as the protocol's nodes number them.
    pub(super) fn serves<P: Protocol>(self) -> Option<Served> {
        match self {
            Note::StandsAt { lookup, .. }
            | Note::TimedOut(lookup)
            | Note::OwnerTimedOut(lookup)
            | Note::Retried(lookup)
            | Note::Answer { lookup, .. }
            | Note::NoRoute(lookup) => P::Message::served_by_lookup(lookup),
            Note::Stored(request)
            | Note::Fetched { request, .. }
            | Note::Misdirected(request)
            | Note::Failed(request)
            | Note::Downloaded(request) => Some(Served::Request(request)),
            Note::MaintenanceTimedOut | Note::Joined | Note::ContactLost => None,
        }
    }
}

/// The tracer of a simulation, if it has one.
#[derive(Default)]
pub(super) struct Trace<'t>(pub(super) Option<&'t mut (dyn Tracer + 't)>);

impl Trace<'_> {
    /// Tells the tracer of an event, which is made only if there is one.
    #[inline]
    pub(super) fn tell<'e>(
        &mut self,
        now: Time,
        node: Address,
        event: impl FnOnce() -> TraceEvent<'e>,
    ) {
        if let Some(tracer) = &mut self.0 {
            tell(&mut **tracer, now, node, event);
        }
    }
}

/// Apart, so that no event of a simulation without a tracer pays for what is made here.
#[cold]
#[inline(never)]
fn tell<'e>(
    tracer: &mut dyn Tracer,
    now: Time,
    node: Address,
    event: impl FnOnce() -> TraceEvent<'e>,
) {
    tracer.on_event(now, node, &event());
}

impl Debug for Trace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "traced" } else { "not traced" })
    }
}
