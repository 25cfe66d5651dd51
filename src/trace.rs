//! The event stream of a run as lines of JSON: one line an event, written as it happens, so
//! that a trace of any length takes no memory.
//!
//! Every line has the same flat fields, those of which an event has something: what reads
//! tables reads traces. A [`Filter`] chooses the lines.
//!
//! Must not know: files, the terminal.

use std::fmt::Debug;
use std::io::{self, ErrorKind, Write};

use serde::Serialize;

use crate::id::{Id, IdSpace};
use crate::population::Population;
use crate::sim::{
    Address, Manner, MessageKind, Note, Operation, Purpose, Served, Start, Status, Time,
    TraceEvent, TracedMessage, Tracer,
};

/// The names of events.
const EVENTS: [&str; 14] = [
    "start",
    "ask",
    "leave",
    "send",
    "acknowledge",
    "receive",
    "miss",
    "time_out",
    "wake",
    "note",
    "crash",
    "depart",
    "freeze",
    "thaw",
];
/// How a node can start.
const STARTS: [&str; 3] = ["create", "join", "resume"];
/// What a node can be asked.
const OPERATIONS: [&str; 6] = ["lookup", "put", "get", "join_through", "take_note", "download"];
/// What a node can say.
const NOTES: [&str; 14] = [
    "stands_at",
    "timed_out",
    "owner_timed_out",
    "retried",
    "maintenance_timed_out",
    "answer",
    "no_route",
    "joined",
    "contact_lost",
    "stored",
    "fetched",
    "misdirected",
    "failed",
    "downloaded",
];

/// Which events are written down: those that satisfy all that it says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Filter {
    /// At one of these nodes, or with it as the other side: by index, address or identifier.
    /// Any if there are none.
    pub nodes: Vec<String>,
    /// Of one of these kinds: an event, what is asked, what is said, the kind or the purpose
    /// of a message. Any if there are none.
    pub kinds: Vec<String>,
    /// For one of these lookups, by their running number; with `requests` none at all if both
    /// are empty.
    pub lookups: Vec<u32>,
    /// For one of these puts, gets and downloads, by their running number.
    pub requests: Vec<u32>,
    /// From this moment on.
    pub from: Time,
    /// Before this moment; to the end without one.
    pub until: Option<Time>,
}

/// Why there is no trace, or only a part of it.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The scenario has no such node.
    #[error(
        "there is no node {0:?}; give an index, an address (ip:port) or an identifier as `dhtsim ring` lists them"
    )]
    NoNode(String),
    /// Nothing is called that.
    #[error("there are no events of kind {kind:?}; choose from {known}")]
    NoKind {
        /// What was asked for.
        kind: String,
        /// What there is.
        known: String,
    },
    /// It cannot be written.
    #[error("cannot be written: {0}")]
    NotWritten(ErrorKind),
}

/// A filter for the nodes of one run.
#[derive(Debug)]
struct Wanted<'f> {
    filter: &'f Filter,
    nodes: Vec<Address>,
}

/// Writes a run's events down.
#[derive(Debug)]
pub struct JsonLines<'f, W> {
    wanted: Wanted<'f>,
    population: &'f Population,
    space: IdSpace,
    out: W,
    lines: u64,
    /// Why it has stopped writing.
    failed: Option<ErrorKind>,
}

/// An event as it is written; a field that it has nothing of is left out.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "snake_case")]
struct Line {
    at_ns: u64,
    event: &'static str,
    /// The index of the node at which it happens.
    node: usize,
    /// The node on the other side.
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purpose: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lookup: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hops: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expects: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arrives_ns: Option<u64>,
    #[serde(skip_serializing_if = "is_false")]
    lost: bool,
    #[serde(skip_serializing_if = "is_false")]
    late: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    list: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_false(value: &bool) -> bool {
    !value
}

impl<'f, W: Write> JsonLines<'f, W> {
    /// Writes the events that a filter chooses to `out`, of a run with this population and
    /// these kinds of messages.
    ///
    /// # Errors
    /// When the filter names a node or a kind that there is not.
    pub fn new(
        filter: &'f Filter,
        population: &'f Population,
        space: IdSpace,
        kinds: &[MessageKind],
        out: W,
    ) -> Result<JsonLines<'f, W>, TraceError> {
        let known = EVENTS.into_iter().chain(STARTS).chain(OPERATIONS).chain(NOTES);
        let known = known.chain(Purpose::ALL.map(Purpose::name));
        let mut known: Vec<&str> = known.chain(kinds.iter().map(|kind| kind.name)).collect();
        known.sort_unstable();
        known.dedup();
        if let Some(kind) = filter.kinds.iter().find(|kind| !known.contains(&kind.as_str())) {
            return Err(TraceError::NoKind { kind: kind.clone(), known: known.join(", ") });
        }
        let node = |text: &String| {
            let found = population.find(space, text);
            found.ok_or_else(|| TraceError::NoNode(text.clone()))
        };
        let nodes = filter.nodes.iter().map(node).collect::<Result<_, _>>()?;
        let wanted = Wanted { filter, nodes };
        Ok(JsonLines { wanted, population, space, out, lines: 0, failed: None })
    }

    /// Writes out what is still to be written, and says how many lines there are.
    ///
    /// # Errors
    /// When it cannot be, or could not be before.
    pub fn finish(mut self) -> Result<u64, TraceError> {
        if self.failed.is_none() {
            self.failed = self.out.flush().err().map(|error| error.kind());
        }
        self.failed.map_or(Ok(self.lines), |kind| Err(TraceError::NotWritten(kind)))
    }

    fn write(&mut self, line: &Line) {
        let written = serde_json::to_writer(&mut self.out, line).map_err(io::Error::from);
        let written = written.and_then(|()| self.out.write_all(b"\n"));
        self.lines += 1;
        self.failed = written.err().map(|error| error.kind());
    }
}

impl<W: Write> Tracer for JsonLines<'_, W> {
    fn on_event(&mut self, now: Time, node: Address, event: &TraceEvent<'_>) {
        if self.failed.is_some() || !self.wanted.is_at(now) {
            return;
        }
        let mut line = Line { at_ns: now.as_nanos(), node: node.index(), ..Line::default() };
        line.fill_in(event);
        if !self.wanted.takes(&line) {
            return;
        }
        // What has to be made for a line is made for those that are written only.
        match event {
            TraceEvent::Start(_) => {
                line.address = Some(self.population.sockets[node.index()].to_string());
                line.id = Some(self.space.hex(self.population.ids[node.index()]));
            }
            TraceEvent::Ask(
                Operation::Lookup { key, .. }
                | Operation::Put { key, .. }
                | Operation::Get { key, .. },
            ) => line.key = Some(self.space.hex(*key)),
            _ => {}
        }
        if let TraceEvent::Wake(timer) = event {
            line.timer = Some(self.describe(*timer));
        } else if let Some(message) = message_of(event) {
            line.message = Some(self.describe(message.content));
            line.list = message.list.map(|list| self.describe(list));
        }
        self.write(&line);
    }
}

impl<W> JsonLines<'_, W> {
    /// What a message or a timer is in words, with identifiers as they are everywhere else.
    fn describe(&self, what: &dyn Debug) -> String {
        const BEFORE: &str = "Id(";
        let raw = format!("{what:?}");
        let mut parts = raw.split(BEFORE);
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let id = part.split_once(')').and_then(|(id, rest)| Some((Id::from_debug(id)?, rest)));
            match id {
                Some((id, rest)) => text.extend([&self.space.hex(id), rest]),
                None => text.extend([BEFORE, part]),
            }
        }
        text
    }
}

fn message_of<'e>(event: &'e TraceEvent<'_>) -> Option<&'e TracedMessage<'e>> {
    match event {
        TraceEvent::Send { message, .. }
        | TraceEvent::Acknowledge { message, .. }
        | TraceEvent::Receive { message, .. }
        | TraceEvent::Miss { message, .. }
        | TraceEvent::TimeOut { message, .. } => Some(message),
        _ => None,
    }
}

impl Wanted<'_> {
    fn is_at(&self, now: Time) -> bool {
        self.filter.from <= now && self.filter.until.is_none_or(|until| now < until)
    }

    fn takes(&self, line: &Line) -> bool {
        let Filter { kinds, lookups, requests, .. } = self.filter;
        let is_here = |node: &Address| node.index() == line.node || Some(node.index()) == line.peer;
        let names = [Some(line.event), line.kind, line.purpose];
        let is_called = |kind: &String| names.contains(&Some(kind.as_str()));
        let serves =
            |number: Option<u32>, wanted: &[u32]| number.is_some_and(|n| wanted.contains(&n));
        (self.nodes.is_empty() || self.nodes.iter().any(is_here))
            && (kinds.is_empty() || kinds.iter().any(is_called))
            && (lookups.is_empty() && requests.is_empty()
                || serves(line.lookup, lookups)
                || serves(line.request, requests))
    }
}

impl Line {
    /// What can be filtered by, and what costs nothing.
    fn fill_in(&mut self, event: &TraceEvent<'_>) {
        match event {
            TraceEvent::Start(start) => {
                self.event = "start";
                (self.kind, self.peer) = match start {
                    Start::Create => (Some("create"), None),
                    Start::Join { contact } => (Some("join"), Some(contact.index())),
                    Start::Resume => (Some("resume"), None),
                };
            }
            TraceEvent::Ask(operation) => self.ask(operation),
            TraceEvent::Leave => self.event = "leave",
            TraceEvent::Send { message, to, manner, arrives } => {
                self.event = "send";
                self.message(message, *to);
                self.under_way(*arrives);
                self.expects = match manner {
                    Manner::OneWay | Manner::Reply => None,
                    Manner::Request(_) => Some("answer"),
                    Manner::Acknowledged(_) => Some("acknowledgement"),
                };
            }
            TraceEvent::Acknowledge { message, to, arrives } => {
                self.event = "acknowledge";
                self.message(message, *to);
                self.under_way(*arrives);
                self.bytes = None;
            }
            TraceEvent::Receive { message, from, is_late } => {
                self.event = "receive";
                self.message(message, *from);
                self.late = *is_late;
            }
            TraceEvent::Miss { message, from } => {
                self.event = "miss";
                self.message(message, *from);
            }
            TraceEvent::TimeOut { message, peer } => {
                self.event = "time_out";
                self.message(message, *peer);
            }
            TraceEvent::Wake(_) => self.event = "wake",
            TraceEvent::Note { note, serves } => {
                self.serve(*serves);
                self.note(*note);
            }
            TraceEvent::Stop(status) => {
                self.event = match status {
                    Status::Frozen => "freeze",
                    Status::Gone => "depart",
                    Status::Crashed | Status::Absent | Status::Up => "crash",
                };
            }
            TraceEvent::Thaw => self.event = "thaw",
        }
    }

    fn ask(&mut self, operation: &Operation) {
        self.event = "ask";
        let (kind, serves) = match operation {
            Operation::Lookup { lookup, .. } => ("lookup", Some(Served::Lookup(*lookup))),
            Operation::Put { request, value, .. } => {
                self.bytes = Some(value.bytes);
                ("put", Some(Served::Request(*request)))
            }
            Operation::Get { request, .. } => ("get", Some(Served::Request(*request))),
            Operation::JoinThrough { contact } => {
                self.peer = Some(contact.index());
                ("join_through", None)
            }
            Operation::TakeNote => ("take_note", None),
            Operation::Download { request } => ("download", Some(Served::Request(*request))),
        };
        self.kind = Some(kind);
        self.serve(serves);
    }

    fn note(&mut self, note: Note) {
        self.event = "note";
        self.kind = Some(match note {
            Note::StandsAt { node, .. } => {
                self.peer = Some(node.index());
                "stands_at"
            }
            Note::TimedOut(_) => "timed_out",
            Note::OwnerTimedOut(_) => "owner_timed_out",
            Note::Retried(_) => "retried",
            Note::MaintenanceTimedOut => "maintenance_timed_out",
            Note::Answer { owner, hops, .. } => {
                (self.peer, self.hops) = (Some(owner.index()), Some(hops));
                "answer"
            }
            Note::NoRoute(_) => "no_route",
            Note::Joined => "joined",
            Note::ContactLost => "contact_lost",
            Note::Stored(_) => "stored",
            Note::Fetched { value, hops, .. } => {
                (self.hops, self.bytes) = (Some(hops), value.map(|value| value.bytes));
                "fetched"
            }
            Note::Misdirected(_) => "misdirected",
            Note::Failed(_) => "failed",
            Note::Downloaded(_) => "downloaded",
        });
    }

    fn message(&mut self, message: &TracedMessage<'_>, peer: Address) {
        self.peer = Some(peer.index());
        self.kind = Some(message.kind.name);
        self.purpose = Some(message.kind.purpose.name());
        self.bytes = Some(message.bytes);
        self.serve(message.serves);
    }

    fn under_way(&mut self, arrives: Option<Time>) {
        self.arrives_ns = arrives.map(Time::as_nanos);
        self.lost = arrives.is_none();
    }

    fn serve(&mut self, serves: Option<Served>) {
        match serves {
            Some(Served::Lookup(lookup)) => self.lookup = Some(lookup.0),
            Some(Served::Request(request)) => self.request = Some(request.0),
            None => {}
        }
    }
}
