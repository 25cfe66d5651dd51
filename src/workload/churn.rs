//! Churn: nodes that come and go all the time.
//!
//! Churn happens to a system and never listens to it: who comes and goes, and when, follows
//! from the scenario, the seed and the repeat alone. So two systems under one seed face the
//! same churn; and how many servers there will ever be is found out by going through it once
//! before the simulation begins.
//!
//! A *machine* is where servers run, one at a time. A server that comes back is the same one,
//! or another on the same machine; a newcomer takes a machine that somebody has left for good
//! if there is one. So there are not many more machines than servers up at a time, however
//! many servers come in a week.
//!
//! Must not know: overlays, or what the nodes do.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use super::{Distribution, Diurnal};
use crate::sim::{Duration, Stream, Time};

/// How long the machine of somebody who has gone for good stays empty at least: one who
/// leaves in good order may have something to hand over.
const EMPTY_FOR: Duration = Duration::from_secs(60);

/// Who comes and goes.
#[derive(Clone, PartialEq, Debug)]
pub enum ChurnPlan {
    /// Drawn from distributions.
    Random(Box<RandomChurn>),
    /// Written down.
    Trace(ChurnTrace),
}

/// Churn that is drawn.
#[derive(Clone, PartialEq, Debug)]
pub struct RandomChurn {
    /// Number of machines at the start, each with the server of the same number.
    pub machines: u32,
    /// The first so many never go.
    pub permanent: u32,
    /// How many are up at the start. If `None` as many as in the stationary state, in the
    /// midst of their sessions and downtimes.
    pub initial: Option<u32>,
    /// How long a server stays; if `None` until a random departure hits it.
    pub sessions: Option<Distribution>,
    /// How long it stays away; for good if `None`.
    pub downtimes: Option<Distribution>,
    /// Mean time between newcomers, a Poisson process.
    pub join_every: Option<Duration>,
    /// Mean time between departures of anyone who is up, a Poisson process.
    pub depart_every: Option<Duration>,
    /// When a departure leaves fewer than this up, another one comes at once.
    pub target: Option<u32>,
    /// Who comes back from a downtime.
    pub rejoin: Rejoin,
    /// The probability that one who goes leaves in good order, instead of crashing.
    pub graceful: f64,
    /// How the rate of those who come follows the time of day.
    pub diurnal: Option<Diurnal>,
    /// Many newcomers within a short time.
    pub flash_crowds: Vec<FlashCrowd>,
    /// Nobody comes or goes before that.
    pub start: Time,
    /// From then on nobody comes or goes any more.
    pub stop: Time,
}

/// Who comes back to a machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rejoin {
    /// The same server, with the same identifier.
    SameId,
    /// Another one.
    NewId,
}

/// Many newcomers within a short time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FlashCrowd {
    /// When the first may come.
    pub at: Time,
    /// How many come.
    pub nodes: u32,
    /// All within this time, at uniformly drawn moments.
    pub within: Duration,
}

/// Churn that was written down: every server has a machine of its own.
#[derive(Clone, PartialEq, Debug)]
pub struct ChurnTrace {
    /// The servers that are up at the start, in ascending order.
    pub initial: Arc<[u32]>,
    /// What happens, in ascending order of time.
    pub events: Arc<[ChurnEvent]>,
}

/// A server comes or goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ChurnEvent {
    /// When.
    pub at: Time,
    /// The number of the server.
    pub server: u32,
    /// The number of the machine that it runs on.
    pub machine: u32,
    /// What it does.
    pub change: Change,
}

/// What a server does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// It comes.
    Join,
    /// It leaves in good order.
    Leave,
    /// It stops without a word.
    Crash,
}

/// The churn to come.
#[derive(Debug)]
pub struct Churn(Source);

#[derive(Debug)]
enum Source {
    Random(Box<Process>),
    Trace(ChurnTrace, usize),
}

impl Churn {
    /// The churn of one repeat.
    pub fn new(plan: &ChurnPlan, seed: u64, repeat: u32) -> Churn {
        Churn(match plan {
            ChurnPlan::Random(rules) => {
                Source::Random(Box::new(Process::new(rules, Randomness::new(seed, repeat))))
            }
            ChurnPlan::Trace(trace) => Source::Trace(trace.clone(), 0),
        })
    }

    /// The servers that are up at the start, in ascending order; to be asked before anything
    /// has happened.
    pub fn initial(&self) -> Vec<u32> {
        match &self.0 {
            Source::Random(process) => process.servers_up(),
            Source::Trace(trace, _) => trace.initial.to_vec(),
        }
    }

    /// When the next one comes or goes.
    pub fn next_time(&self) -> Option<Time> {
        let next = match &self.0 {
            Source::Random(process) => process.due.front(),
            Source::Trace(trace, next) => trace.events.get(*next),
        };
        next.map(|event| event.at)
    }

    /// The machine of every server that comes before `end`, by the number of the server;
    /// `servers` of them are known from the beginning.
    pub fn machines(mut self, servers: u32, end: Time) -> Vec<u32> {
        let mut machines: Vec<u32> = (0..servers).collect();
        while self.next_time().is_some_and(|at| at < end) {
            let event = self.next().expect("it is due");
            if event.server as usize == machines.len() {
                machines.push(event.machine);
            }
        }
        machines
    }
}

impl Iterator for Churn {
    type Item = ChurnEvent;

    fn next(&mut self) -> Option<ChurnEvent> {
        match &mut self.0 {
            Source::Random(process) => {
                let event = process.due.pop_front();
                process.look_ahead();
                event
            }
            Source::Trace(trace, next) => {
                let event = trace.events.get(*next).copied();
                *next += 1;
                event
            }
        }
    }
}

/// A stream for each kind of draw: another distribution of sessions moves no newcomer.
#[derive(Debug)]
struct Randomness {
    initial: Stream,
    sessions: Stream,
    downtimes: Stream,
    joins: Stream,
    departures: Stream,
    manners: Stream,
    crowds: Stream,
}

impl Randomness {
    fn new(seed: u64, repeat: u32) -> Randomness {
        let stream = |purpose| Stream::new(seed, repeat, purpose);
        Randomness {
            initial: stream("churn initial"),
            sessions: stream("churn sessions"),
            downtimes: stream("churn downtimes"),
            joins: stream("churn joins"),
            departures: stream("churn departs"),
            manners: stream("churn manners"),
            crowds: stream("churn crowds"),
        }
    }
}

/// Random churn under way.
#[derive(Debug)]
struct Process {
    rules: RandomChurn,
    random: Randomness,
    machines: Vec<Machine>,
    /// Number of servers that there have been.
    servers: u32,
    /// The machines whose server is up and may go, and those whose server is down.
    up: Roll,
    down: Roll,
    /// Machines that nobody has any more or yet, and from when on they may be taken: longest
    /// first.
    vacant: VecDeque<(Time, u32)>,
    /// When sessions and downtimes end.
    ends: BTreeSet<(Time, u32)>,
    next_join: Option<Time>,
    next_departure: Option<Time>,
    /// When those of flash crowds come, the last one first.
    crowd: Vec<Time>,
    /// What is about to happen.
    due: VecDeque<ChurnEvent>,
}

#[derive(Clone, Copy, Debug)]
struct Machine {
    /// Who runs on it, or did, or is the first to do so.
    server: u32,
    /// Whether anybody has run on it, and whether its server is up.
    is_used: bool,
    is_up: bool,
    /// When its session or downtime ends.
    end: Option<Time>,
    /// Where it is in the roll of its kind.
    position: u32,
}

impl Machine {
    fn new(server: u32) -> Machine {
        Machine { server, is_used: false, is_up: false, end: None, position: 0 }
    }
}

/// Machines that are alike, in no particular order.
#[derive(Debug, Default)]
struct Roll(Vec<u32>);

impl Roll {
    fn add(&mut self, number: u32, machines: &mut [Machine]) {
        machines[number as usize].position = self.0.len() as u32;
        self.0.push(number);
    }

    fn strike(&mut self, number: u32, machines: &mut [Machine]) {
        let position = machines[number as usize].position;
        self.0.swap_remove(position as usize);
        if let Some(moved) = self.0.get(position as usize) {
            machines[*moved as usize].position = position;
        }
    }

    fn any(&self, random: &mut Stream) -> Option<u32> {
        let choice = (!self.0.is_empty()).then(|| random.below(self.0.len() as u64));
        choice.map(|choice| self.0[choice as usize])
    }
}

impl Process {
    fn new(rules: &RandomChurn, random: Randomness) -> Process {
        let mut process = Process {
            machines: (0..rules.machines).map(Machine::new).collect(),
            servers: rules.machines,
            rules: rules.clone(),
            random,
            up: Roll::default(),
            down: Roll::default(),
            vacant: VecDeque::new(),
            ends: BTreeSet::new(),
            next_join: None,
            next_departure: None,
            crowd: Vec::new(),
            due: VecDeque::new(),
        };
        process.populate();
        process.schedule_join(rules.start);
        process.schedule_departure(rules.start);
        for crowd in &rules.flash_crowds {
            for _ in 0..crowd.nodes {
                let offset = process.random.crowds.between(Duration::ZERO, crowd.within);
                process.crowd.push(crowd.at + offset);
            }
        }
        process.crowd.sort_unstable_by_key(|at| std::cmp::Reverse(*at));
        process.look_ahead();
        process
    }

    /// Who is there at the start.
    fn populate(&mut self) {
        let RandomChurn { machines, permanent, initial, target, .. } = self.rules;
        let mut up: Vec<bool> = match (initial, self.share_up()) {
            (Some(initial), _) => (0..machines).map(|number| number < initial).collect(),
            (None, share) => (0..machines)
                .map(|number| number < permanent || self.random.initial.chance(share))
                .collect(),
        };
        let missing = target.map_or(0, |target| {
            (target as usize).saturating_sub(up.iter().filter(|is_up| **is_up).count())
        });
        for is_up in up.iter_mut().filter(|is_up| !**is_up).take(missing) {
            *is_up = true;
        }
        for (number, is_up) in (0..machines).zip(up) {
            let machine = &mut self.machines[number as usize];
            (machine.is_used, machine.is_up) = (is_up, is_up);
            if number < permanent {
                continue;
            }
            let (times, random) = if is_up {
                self.up.add(number, &mut self.machines);
                (self.rules.sessions, &mut self.random.sessions)
            } else if let Some(downtimes) = self.rules.downtimes {
                self.down.add(number, &mut self.machines);
                (Some(downtimes), &mut self.random.downtimes)
            } else {
                self.vacant.push_back((Time::ZERO, number));
                continue;
            };
            let rest = times.map(|times| match initial {
                Some(_) => times.draw(random),
                None => times.draw_rest(random),
            });
            self.set_end(number, rest.map(|rest| self.rules.start + rest));
        }
    }

    /// The share of the servers that are up in the stationary state.
    fn share_up(&self) -> f64 {
        match (self.rules.sessions, self.rules.downtimes) {
            (Some(sessions), Some(downtimes)) => {
                let (up, down) = (sessions.mean_nanos(), downtimes.mean_nanos());
                up / (up + down)
            }
            _ => 1.0,
        }
    }

    fn servers_up(&self) -> Vec<u32> {
        let permanent = 0..self.rules.permanent;
        let others = self.up.0.iter().map(|number| self.machines[*number as usize].server);
        let mut servers: Vec<u32> = permanent.chain(others).collect();
        servers.sort_unstable();
        servers
    }

    /// Lets time pass until somebody comes or goes, or nobody does any more.
    fn look_ahead(&mut self) {
        while self.due.is_empty() {
            let end = self.ends.first().map(|(at, _)| *at);
            let next = [end, self.next_departure, self.next_join, self.crowd.last().copied()];
            let soonest = next.into_iter().flatten().min();
            let Some(now) = soonest.filter(|now| *now < self.rules.stop) else { return };
            if end == Some(now) {
                self.on_end(now);
            } else if self.next_departure == Some(now) {
                if let Some(number) = self.up.any(&mut self.random.departures) {
                    self.go(number, now);
                }
                self.schedule_departure(now);
            } else if self.next_join == Some(now) {
                self.newcomer(now);
                self.schedule_join(now);
            } else {
                self.crowd.pop();
                self.newcomer(now);
            }
        }
    }

    /// A session or a downtime ends.
    fn on_end(&mut self, now: Time) {
        let Some((_, number)) = self.ends.pop_first() else { return };
        let machine = &mut self.machines[number as usize];
        machine.end = None;
        if machine.is_up {
            self.go(number, now);
        } else {
            self.come_back(number, now);
        }
    }

    /// The server of a machine goes.
    fn go(&mut self, number: u32, now: Time) {
        self.up.strike(number, &mut self.machines);
        self.machines[number as usize].is_up = false;
        let leaves = self.random.manners.chance(self.rules.graceful);
        self.happens(now, number, if leaves { Change::Leave } else { Change::Crash });
        let up = self.up.0.len() + self.rules.permanent as usize;
        let is_replaced = self.rules.target.is_some_and(|target| up < target as usize);
        // Not the one who has just gone.
        let substitute = is_replaced.then(|| self.down.any(&mut self.random.departures));
        if let Some(downtimes) = self.rules.downtimes {
            self.down.add(number, &mut self.machines);
            let downtime = downtimes.draw(&mut self.random.downtimes);
            self.set_end(number, Some(self.busy_after(now, downtime)));
        } else {
            self.set_end(number, None);
            self.vacant.push_back((now + EMPTY_FOR, number));
        }
        match substitute {
            Some(Some(number)) => self.come_back(number, now),
            Some(None) => self.newcomer(now),
            None => {}
        }
    }

    /// The server of a machine comes back from a downtime, or another one in its stead.
    fn come_back(&mut self, number: u32, now: Time) {
        self.down.strike(number, &mut self.machines);
        self.come(number, self.rules.rejoin == Rejoin::NewId, now);
    }

    /// Somebody comes who has never been here.
    fn newcomer(&mut self, now: Time) {
        let vacant =
            self.vacant.front().filter(|(from, _)| *from <= now).map(|(_, number)| *number);
        let number = vacant.unwrap_or(self.machines.len() as u32);
        if vacant.is_some() {
            self.vacant.pop_front();
        } else {
            let server = self.servers;
            self.servers += 1;
            self.machines.push(Machine::new(server));
        }
        self.come(number, true, now);
    }

    /// A server comes to a machine; if `new`, one that has not been there.
    fn come(&mut self, number: u32, new: bool, now: Time) {
        let machine = &mut self.machines[number as usize];
        machine.is_up = true;
        if std::mem::replace(&mut machine.is_used, true) && new {
            machine.server = self.servers;
            self.servers += 1;
        }
        self.up.add(number, &mut self.machines);
        let session = self.rules.sessions.map(|times| times.draw(&mut self.random.sessions));
        self.set_end(number, session.map(|session| now + session));
        self.happens(now, number, Change::Join);
    }

    fn happens(&mut self, at: Time, machine: u32, change: Change) {
        let server = self.machines[machine as usize].server;
        self.due.push_back(ChurnEvent { at, server, machine, change });
    }

    fn set_end(&mut self, number: u32, end: Option<Time>) {
        let before = std::mem::replace(&mut self.machines[number as usize].end, end);
        if let Some(before) = before {
            self.ends.remove(&(before, number));
        }
        if let Some(end) = end {
            self.ends.insert((end, number));
        }
    }

    fn schedule_join(&mut self, now: Time) {
        let mean = self.rules.join_every;
        let gap = mean.map(|mean| self.random.joins.exponential(mean));
        self.next_join = gap.map(|gap| self.busy_after(now, gap));
    }

    fn schedule_departure(&mut self, now: Time) {
        let mean = self.rules.depart_every;
        self.next_departure = mean.map(|mean| now + self.random.departures.exponential(mean));
    }

    /// When a time has passed that passes faster while many come.
    fn busy_after(&self, now: Time, wait: Duration) -> Time {
        match &self.rules.diurnal {
            Some(diurnal) => diurnal.after(now, wait),
            None => now + wait,
        }
    }
}
