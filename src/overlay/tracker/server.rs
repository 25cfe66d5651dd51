//! The tracker itself: takes announcements, answers who has what, and tells the other
//! trackers.

use super::{Entry, Event, Index, Item, Topic, Tracker, TrackerMessage, TrackerTimer, Wanted};
use crate::sim::{Address, Context, Duration, Time};

/// How many clients are named to one that leaves, for it to hand its files over to.
const HEIRS: usize = 3;

/// The state of a tracker.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Server {
    /// Who has what.
    pub index: Index,
    /// What the other trackers have not been told yet.
    news: Vec<Item>,
    /// Kept for its memory.
    answer: Vec<Item>,
}

impl Tracker {
    /// A tracker starts: from now on it tells the others its news.
    pub(super) fn open(&self, context: &mut Context<'_, Self>) {
        if self.trackers > 1 {
            let first = context.random().between(Duration::ZERO, self.exchange);
            context.set_timer(first, TrackerTimer::Exchange);
        }
    }

    /// A client says what it has, or asks who has something.
    pub(super) fn on_announce(
        &self,
        server: &mut Server,
        client: Address,
        event: Event,
        tried: u32,
        context: &mut Context<'_, Self>,
    ) {
        server.index.expire(context.now());
        server.answer.clear();
        match event {
            Event::Started(Wanted::Swarm) => {
                self.take_note(server, client, Topic::Swarm, Some(0), context.now());
            }
            Event::Stopped => server.note_orphans(client, context.received_list()),
            _ => {}
        }
        for item in context.received_list() {
            if let Item::Have { topic, version } = *item {
                let version = (event != Event::Stopped).then_some(version);
                self.take_note(server, client, topic, version, context.now());
            }
        }
        let (topic, count) = match event {
            Event::Started(Wanted::Swarm) | Event::MorePeers => (Topic::Swarm, self.numwant),
            Event::Started(Wanted::File(search)) => (Topic::File(search.key), self.numwant),
            // Nothing to hand over, nobody to hand it to.
            Event::Stopped if !server.answer.is_empty() => (Topic::Presence, HEIRS),
            _ => (Topic::Presence, 0),
        };
        let clients = server.index.choose(topic, client, count, context.random());
        let named = clients
            .iter()
            .map(|entry| Item::Client { client: entry.client, version: entry.version });
        server.answer.extend(named);
        context.reply(TrackerMessage::Announced { event, tried }, &server.answer);
    }

    /// Tells the other trackers the news.
    pub(super) fn exchange(&self, server: &mut Server, context: &mut Context<'_, Self>) {
        let others = (0..self.trackers).map(Address::new).filter(|other| *other != context.this());
        if !server.news.is_empty() {
            for other in others.collect::<smallvec::SmallVec<[Address; 8]>>() {
                context.send(other, TrackerMessage::Exchange, &server.news);
            }
            server.news.clear();
        }
        context.set_timer(self.exchange, TrackerTimer::Exchange);
    }

    /// Another tracker tells its news.
    pub(super) fn on_exchange(&self, server: &mut Server, context: &mut Context<'_, Self>) {
        server.index.expire(context.now());
        for item in context.received_list() {
            if let Item::News { client, topic, version } = *item {
                self.enter(server, (client, false), topic, version, context.now());
            }
        }
    }

    /// A client of this tracker's own has something, or has it no more.
    fn take_note(
        &self,
        server: &mut Server,
        client: Address,
        topic: Topic,
        version: Option<u32>,
        now: Time,
    ) {
        self.enter(server, (client, true), topic, version, now);
        if self.trackers > 1 {
            server.news.push(Item::News { client, topic, version });
        }
    }

    fn enter(
        &self,
        server: &mut Server,
        (client, is_first_hand): (Address, bool),
        topic: Topic,
        version: Option<u32>,
        now: Time,
    ) {
        match version {
            Some(version) => {
                let expires = now + self.expiry;
                server.index.enter(topic, Entry { client, version, is_first_hand, expires });
            }
            None => server.index.remove(topic, client),
        }
    }
}

impl Server {
    /// A tracker that knows this, and has no news for the others.
    pub(super) fn knowing(index: Index) -> Server {
        Server { index, ..Server::default() }
    }

    /// Of the files of a client that leaves, names those that nobody else has in so new a
    /// version. An owner that this tracker knows of from another one may have gone.
    fn note_orphans(&mut self, client: Address, files: &[Item]) {
        let Server { index, answer, .. } = self;
        answer.extend(files.iter().filter(|item| match item {
            Item::Have { topic: topic @ Topic::File(_), version } => {
                let owners = index.list(*topic).iter();
                let mut others = owners.filter(|owner| owner.client != client);
                !others.any(|owner| owner.is_first_hand && owner.version >= *version)
            }
            _ => false,
        }));
    }
}
