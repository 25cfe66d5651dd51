//! A client: announces itself, puts and gets files, takes part in the swarm, leaves.

use std::collections::BTreeMap;

use super::{Event, Item, Peer, Search, Topic, Tracker, TrackerMessage, TrackerTimer, Wanted};
use crate::id::Id;
use crate::overlay::in_tree;
use crate::sim::{Address, Context, Duration, Manner, RequestId, Value};

/// How far the times between two announcements lie from the interval, as a share of it.
const ANNOUNCE_JITTER: f64 = 0.1;
/// How often a client doubles the time after which it tries all trackers again, at most.
const MOST_DOUBLINGS: u32 = 7;

/// The state of a client.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Client {
    /// The tracker that it asks first, by its place in the list of trackers.
    tracker: u32,
    /// Whether a tracker knows that it is on line.
    is_registered: bool,
    /// How often in a row no tracker at all has answered.
    silent_rounds: u32,
    /// Its files.
    pub files: BTreeMap<Id, Value>,
    /// Its part in the swarm.
    pub peer: Option<Box<Peer>>,
    /// Announcements and fetches that are not answered yet.
    open: u32,
    /// Whether it stays.
    stay: Stay,
}

/// Whether a client stays.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Stay {
    #[default]
    OnLine,
    /// It is to go, as soon as its gets are done and what it has announced is answered: an
    /// announcement that arrived after its farewell would list it again.
    Leaving,
    /// It has told a tracker that it goes.
    Stopped,
}

impl Client {
    /// Bytes of a file that it has, about: few have many of them.
    pub(super) fn estimated_file_bytes() -> usize {
        2 * in_tree(size_of::<(Id, Value)>())
    }

    /// A client that is known to the trackers.
    pub(super) fn registered(peer: Option<Box<Peer>>) -> Client {
        Client { is_registered: true, peer, ..Client::default() }
    }

    /// Keeps a file unless it has a newer version.
    pub(super) fn keep(&mut self, key: Id, value: Value) {
        let kept = self.files.entry(key).or_insert(value);
        *kept = value.max(*kept);
    }

    fn is_leaving(&self) -> bool {
        self.stay != Stay::OnLine
    }

    /// What it says that it has.
    fn haves(&self) -> impl Iterator<Item = Item> + '_ {
        let of = |topic| Item::Have { topic, version: 0 };
        let swarm = self.peer.as_ref().map(|_| of(Topic::Swarm));
        let files = self.files.iter();
        let files = files.map(|(key, value)| has_file(*key, *value));
        [of(Topic::Presence)].into_iter().chain(swarm).chain(files)
    }
}

fn has_file(key: Id, value: Value) -> Item {
    Item::Have { topic: Topic::File(key), version: value.version }
}

impl Tracker {
    /// A client comes on line.
    pub(super) fn log_in(&self, client: &mut Client, context: &mut Context<'_, Self>) {
        client.tracker = context.random().below(self.trackers as u64) as u32;
        if client.is_registered {
            // As if it had been on line for long: anywhere between two announcements.
            let next = context.random().between(Duration::ZERO, self.announce_interval);
            context.set_timer(next, TrackerTimer::Announce);
        } else {
            self.announce_all(client, Event::Joined, context);
        }
        if client.peer.is_some() {
            self.start_rounds(context);
        }
    }

    /// The interval has passed, or the time after which to try the trackers again.
    pub(super) fn announce_again(&self, client: &mut Client, context: &mut Context<'_, Self>) {
        if !client.is_leaving() {
            let event = if client.is_registered { Event::Regular } else { Event::Joined };
            self.announce_all(client, event, context);
        }
    }

    fn announce_all(&self, client: &mut Client, event: Event, context: &mut Context<'_, Self>) {
        client.open += 1;
        let message = TrackerMessage::Announce { event, tried: 0 };
        let manner = Manner::Request(self.request_timeout);
        context.send_as(Address::new(client.tracker as usize), message, client.haves(), manner);
    }

    fn announce(
        &self,
        client: &mut Client,
        event: Event,
        what: &[Item],
        context: &mut Context<'_, Self>,
    ) {
        client.open += 1;
        self.ask(Address::new(client.tracker as usize), event, 0, what, context);
    }

    fn ask(
        &self,
        tracker: Address,
        event: Event,
        tried: u32,
        what: &[Item],
        context: &mut Context<'_, Self>,
    ) {
        let message = TrackerMessage::Announce { event, tried };
        context.request(tracker, message, what, self.request_timeout);
    }

    /// The tracker after this one, unless all have been tried.
    fn next_tracker(&self, tracker: Address, tried: u32) -> Option<Address> {
        let is_left = (tried as usize + 1) < self.trackers;
        is_left.then(|| Address::new((tracker.index() + 1) % self.trackers))
    }

    /// A tracker answers.
    pub(super) fn on_announced(
        &self,
        client: &mut Client,
        tracker: Address,
        event: Event,
        tried: u32,
        context: &mut Context<'_, Self>,
    ) {
        if client.open == 0 {
            return; // nobody has asked
        }
        let list = context.received_list();
        client.silent_rounds = 0;
        client.open -= 1;
        match event {
            Event::Joined | Event::Regular => {
                if !client.is_registered {
                    client.is_registered = true;
                    context.joined();
                }
                let wait = context.random().jittered(self.announce_interval, ANNOUNCE_JITTER);
                context.set_timer(wait, TrackerTimer::Announce);
            }
            Event::Started(Wanted::Swarm) | Event::MorePeers => {
                self.connect_to(client, list, context);
            }
            Event::Started(Wanted::File(search)) => {
                self.on_owners(client, tracker, search, tried, context);
            }
            Event::Completed(Some(request)) => context.stored(request),
            Event::Stopped if client.stay == Stay::Stopped => {
                self.hand_over(client, list, context);
            }
            Event::Completed(None) | Event::Stopped => {}
        }
    }

    /// A tracker does not answer: the client turns to the next one for good.
    pub(super) fn on_silent_tracker(
        &self,
        client: &mut Client,
        tracker: Address,
        event: Event,
        tried: u32,
        context: &mut Context<'_, Self>,
    ) {
        if client.tracker as usize == tracker.index() {
            client.tracker = (client.tracker + 1) % self.trackers as u32;
        }
        if let Event::Joined | Event::Regular | Event::MorePeers = event {
            context.maintenance_timed_out();
        }
        if let Some(next) = self.next_tracker(tracker, tried) {
            let event = event.asked_once_more();
            return self.ask(next, event, tried + 1, context.received_list(), context);
        }
        client.open = client.open.saturating_sub(1);
        match event {
            Event::Joined | Event::Regular => {
                let patience = self.request_timeout.as_nanos() << client.silent_rounds;
                client.silent_rounds = (client.silent_rounds + 1).min(MOST_DOUBLINGS);
                context.set_timer(Duration::from_nanos(patience), TrackerTimer::Announce);
            }
            Event::Started(Wanted::File(search)) => context.fail(search.request),
            Event::Completed(Some(request)) => context.fail(request),
            // The next regular announcement makes up for it, the next round of the swarm asks
            // again.
            Event::Completed(None) | Event::MorePeers | Event::Started(Wanted::Swarm) => {}
            Event::Stopped => Self::go(client, context),
        }
    }

    /// The user puts a file.
    pub(super) fn put(
        &self,
        client: &mut Client,
        request: RequestId,
        key: Id,
        value: Value,
        context: &mut Context<'_, Self>,
    ) {
        client.keep(key, value);
        let event = Event::Completed(Some(request));
        self.announce(client, event, &[has_file(key, client.files[&key])], context);
    }

    /// The user wants a file.
    pub(super) fn get(
        &self,
        client: &mut Client,
        request: RequestId,
        key: Id,
        context: &mut Context<'_, Self>,
    ) {
        let search = Search { request, key, hops: 1 };
        self.announce(client, Event::Started(Wanted::File(search)), &[], context);
    }

    /// A tracker has said who has a file.
    fn on_owners(
        &self,
        client: &mut Client,
        tracker: Address,
        search: Search,
        tried: u32,
        context: &mut Context<'_, Self>,
    ) {
        let owners = context.received_list();
        let newest = owners.iter().find_map(|owner| match owner {
            Item::Client { version, .. } => Some(*version),
            _ => None,
        });
        let own = client.files.get(&search.key).copied();
        match (newest, own) {
            (Some(newest), Some(own)) if newest <= own.version => {
                context.fetched(search.request, Some(own), search.hops);
            }
            (Some(_), _) => self.fetch(client, search, owners, context),
            (None, _) => match self.next_tracker(tracker, tried) {
                Some(next) => {
                    let event = Event::Started(Wanted::File(search.asked_once_more()));
                    client.open += 1;
                    self.ask(next, event, tried + 1, &[], context);
                }
                None => context.fetched(search.request, own, search.hops),
            },
        }
    }

    /// Asks the first of these owners for a file, and the others if that one fails.
    fn fetch(
        &self,
        client: &mut Client,
        search: Search,
        owners: &[Item],
        context: &mut Context<'_, Self>,
    ) {
        let place = owners.iter().position(|owner| owner.client().is_some());
        let Some((owner, others)) = place.and_then(|place| owners[place..].split_first()) else {
            return context.fail(search.request);
        };
        let owner = owner.client().expect("found above");
        let message = TrackerMessage::Fetch(search.asked_once_more());
        client.open += 1;
        context.request(owner, message, others, self.request_timeout);
    }

    /// Another client wants a file.
    pub(super) fn on_fetch(
        &self,
        client: &Client,
        search: Search,
        context: &mut Context<'_, Self>,
    ) {
        let value = client.files.get(&search.key).copied();
        let message = TrackerMessage::File { search, value };
        if value.is_some() {
            context.reply(message, &[]);
        } else {
            context.misdirected(search.request);
            context.reply(message, context.received_list());
        }
    }

    /// A file is here, or its owner does not have it any more.
    pub(super) fn on_file(
        &self,
        client: &mut Client,
        search: Search,
        value: Option<Value>,
        context: &mut Context<'_, Self>,
    ) {
        if client.open == 0 {
            return; // nobody has asked
        }
        client.open -= 1;
        let Some(value) = value else {
            return self.fetch(client, search, context.received_list(), context);
        };
        context.fetched(search.request, Some(value), search.hops);
        client.keep(search.key, value);
        self.announce(client, Event::Completed(None), &[has_file(search.key, value)], context);
    }

    /// An owner of a file does not answer.
    pub(super) fn on_silent_owner(
        &self,
        client: &mut Client,
        search: Search,
        context: &mut Context<'_, Self>,
    ) {
        client.open = client.open.saturating_sub(1);
        self.fetch(client, search, context.received_list(), context);
    }

    /// The client is to leave in good order.
    pub(super) fn log_out(&self, client: &mut Client, context: &mut Context<'_, Self>) {
        if client.stay == Stay::OnLine {
            client.stay = Stay::Leaving;
            self.stop_if_answered(client, context);
        }
    }

    /// Says farewell if it is to go and nothing keeps it any more.
    pub(super) fn stop_if_answered(&self, client: &mut Client, context: &mut Context<'_, Self>) {
        if client.stay == Stay::Leaving && client.open == 0 {
            client.stay = Stay::Stopped;
            self.announce_all(client, Event::Stopped, context);
            if let Some(peer) = client.peer.take() {
                peer.leave(context);
            }
        }
    }

    /// A tracker has said which files nobody else has, and who might take them.
    fn hand_over(&self, client: &Client, list: &[Item], context: &mut Context<'_, Self>) {
        let files = list.iter().filter_map(|item| match item {
            Item::Have { topic: Topic::File(key), .. } => {
                client.files.get(key).map(|value| Item::File { key: *key, value: *value })
            }
            Item::Client { .. } => Some(*item),
            _ => None,
        });
        let files = files.collect();
        if !self.hand_over_to_first(files, context) {
            Self::go(client, context);
        }
    }

    /// The client is gone, if it has said its farewell.
    pub(super) fn go(client: &Client, context: &mut Context<'_, Self>) {
        if client.stay == Stay::Stopped {
            context.depart();
        }
    }

    /// Hands these files over to the first of these clients, the others being for the case
    /// that it fails. Whether there is one.
    fn hand_over_to_first(&self, mut list: Vec<Item>, context: &mut Context<'_, Self>) -> bool {
        let Some(place) = list.iter().position(|item| item.client().is_some()) else {
            return false;
        };
        let heir = list.remove(place).client().expect("found above");
        context.request(heir, TrackerMessage::HandOver, &list, self.request_timeout);
        true
    }

    /// The client that was to take the files does not answer. If it was the last one that
    /// the tracker had named, that may know others by now.
    pub(super) fn on_silent_heir(&self, client: &mut Client, context: &mut Context<'_, Self>) {
        if client.stay == Stay::Stopped
            && !self.hand_over_to_first(context.received_list().to_vec(), context)
        {
            self.announce_all(client, Event::Stopped, context);
        }
    }

    /// Another client leaves, and this one is to take its files.
    pub(super) fn on_hand_over(&self, client: &mut Client, context: &mut Context<'_, Self>) {
        if client.is_leaving() {
            return; // no answer: the next one has to take them
        }
        let mut taken = Vec::new();
        for item in context.received_list() {
            if let Item::File { key, value } = *item {
                client.keep(key, value);
                taken.push(has_file(key, client.files[&key]));
            }
        }
        self.announce(client, Event::Completed(None), &taken, context);
        context.reply(TrackerMessage::TakenOver, &[]);
    }

    /// The user wants the file of the swarm.
    pub(super) fn download(
        &self,
        client: &mut Client,
        request: RequestId,
        context: &mut Context<'_, Self>,
    ) {
        let Some(swarm) = self.swarm.as_ref().filter(|_| !client.is_leaving()) else {
            return context.fail(request);
        };
        match &client.peer {
            Some(peer) if peer.is_seed() => context.downloaded(request),
            Some(_) => context.fail(request),
            None => {
                client.peer = Some(Box::new(Peer::leecher(swarm, request, context.now())));
                self.announce(client, Event::Started(Wanted::Swarm), &[], context);
                self.start_rounds(context);
                if let Some(patience) = swarm.patience {
                    let patience = context.random().exponential(patience);
                    context.set_timer(patience, TrackerTimer::OutOfPatience);
                }
            }
        }
    }

    /// The client has all pieces, and is a seed from now on.
    pub(super) fn on_downloaded(
        &self,
        client: &mut Client,
        request: RequestId,
        context: &mut Context<'_, Self>,
    ) {
        context.downloaded(request);
        let swarm = Item::Have { topic: Topic::Swarm, version: 0 };
        self.announce(client, Event::Completed(None), &[swarm], context);
        if let Some(mean) = self.swarm.as_ref().and_then(|swarm| swarm.seed_time) {
            let stay = context.random().exponential(mean);
            context.set_timer(stay, TrackerTimer::SeededEnough);
        }
    }

    /// A download has taken longer than its user is ready to wait.
    pub(super) fn out_of_patience(&self, client: &mut Client, context: &mut Context<'_, Self>) {
        if client.peer.as_ref().is_some_and(|peer| !peer.is_seed()) {
            self.log_out(client, context);
        }
    }

    /// A round of choking and unchoking has passed.
    pub(super) fn on_round(&self, client: &mut Client, context: &mut Context<'_, Self>) {
        let (Some(swarm), Some(peer)) = (&self.swarm, client.peer.as_deref_mut()) else { return };
        peer.on_round(swarm, context);
        if peer.asks_for_more_peers(swarm, context.now()) {
            let swarm = Item::Have { topic: Topic::Swarm, version: 0 };
            self.announce(client, Event::MorePeers, &[swarm], context);
        }
        context.set_timer(super::swarm::ROUND, TrackerTimer::Round);
    }

    fn start_rounds(&self, context: &mut Context<'_, Self>) {
        let first = context.random().between(Duration::ZERO, super::swarm::ROUND);
        context.set_timer(first, TrackerTimer::Round);
    }

    /// A tracker has named peers.
    fn connect_to(&self, client: &mut Client, list: &[Item], context: &mut Context<'_, Self>) {
        if let (Some(swarm), Some(peer)) = (&self.swarm, client.peer.as_deref_mut()) {
            peer.connect_to(swarm, list.iter().filter_map(Item::client), context);
        }
    }
}

impl Event {
    /// The same, asked at one more node.
    fn asked_once_more(self) -> Event {
        match self {
            Event::Started(Wanted::File(search)) => {
                Event::Started(Wanted::File(search.asked_once_more()))
            }
            other => other,
        }
    }
}

impl Search {
    fn asked_once_more(self) -> Search {
        Search { hops: self.hops.saturating_add(1), ..self }
    }
}
