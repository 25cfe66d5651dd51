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

    /// The servers that are up at the start, in ascending order.
    pub fn initial(&self) -> &[u32] {
        match &self.0 {
            Source::Random(process) => &process.initial,
            Source::Trace(trace, _) => &trace.initial,
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
    /// The servers that are up at the start.
    initial: Vec<u32>,
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
            initial: Vec::new(),
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
        // Somebody has to be there who is not there for ever.
        let missing = missing.max(usize::from(up[permanent as usize..].iter().all(|up| !up)));
        for is_up in up.iter_mut().filter(|is_up| !**is_up).take(missing) {
            *is_up = true;
        }
        // A machine's first server has its number.
        self.initial = (0..machines).filter(|number| up[*number as usize]).collect();
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const HOUR_NANOS: f64 = 3600e9;
    const EXPONENTIAL: Distribution = Distribution::Exponential { mean_nanos: HOUR_NANOS };

    fn hours(hours: u64) -> Time {
        Time::ZERO + Duration::from_secs(3600 * hours)
    }

    /// Nobody comes or goes, for a hundred hours.
    fn quiet(machines: u32) -> RandomChurn {
        RandomChurn {
            machines,
            permanent: 0,
            initial: None,
            sessions: None,
            downtimes: None,
            join_every: None,
            depart_every: None,
            target: None,
            rejoin: Rejoin::SameId,
            graceful: 0.0,
            diurnal: None,
            flash_crowds: Vec::new(),
            start: Time::ZERO,
            stop: hours(100),
        }
    }

    fn alternating(machines: u32) -> RandomChurn {
        let (sessions, downtimes) = (Some(EXPONENTIAL), Some(EXPONENTIAL));
        RandomChurn { sessions, downtimes, ..quiet(machines) }
    }

    fn begin(rules: &RandomChurn) -> Churn {
        Churn::new(&ChurnPlan::Random(Box::new(rules.clone())), 1, 0)
    }

    fn count(events: &[ChurnEvent], change: Change) -> usize {
        events.iter().filter(|event| event.change == change).count()
    }

    /// How many are up after every event, and the mean over a hundred hours.
    fn up_over_time(churn: Churn) -> (Vec<usize>, f64) {
        let mut up = churn.initial().len();
        let (mut counts, mut node_hours, mut last) = (vec![up], 0.0, Time::ZERO);
        for event in churn {
            node_hours += up as f64 * event.at.since(last).as_secs_f64() / 3600.0;
            last = event.at;
            up = if event.change == Change::Join { up + 1 } else { up - 1 };
            counts.push(up);
        }
        node_hours += up as f64 * hours(100).since(last).as_secs_f64() / 3600.0;
        (counts, node_hours / 100.0)
    }

    #[test]
    fn the_start_is_as_the_long_run_is() {
        let sessions = Some(Distribution::Weibull { shape: 0.5, scale_nanos: HOUR_NANOS });
        let downtimes = Some(Distribution::Constant { nanos: HOUR_NANOS });
        // Means of 2 h and 1 h: two thirds are up.
        let rules = RandomChurn { sessions, downtimes, ..quiet(3000) };
        let churn = begin(&rules);
        let initial = churn.initial().len();
        assert!(initial.abs_diff(2000) < 130, "five deviations: {initial}");
        let early = begin(&rules).take_while(|event| event.at < hours(1));
        let early: Vec<ChurnEvent> = early.collect();
        // In the stationary state N / (S + D) go in an hour, and as many come.
        for change in [Change::Join, Change::Crash] {
            let events = count(&early, change);
            assert!(events.abs_diff(1000) < 160, "{change:?}: {events} in the first hour");
        }
        let (_, mean) = up_over_time(churn);
        assert!((mean - 2000.0).abs() < 20.0, "{mean}");
    }

    #[test]
    fn with_initial_all_sessions_begin_at_the_start() {
        let sessions = Some(Distribution::Constant { nanos: HOUR_NANOS });
        let rules = RandomChurn { sessions, initial: Some(7), start: hours(2), ..quiet(10) };
        let churn = begin(&rules);
        assert_eq!(churn.initial(), (0..7).collect::<Vec<u32>>());
        let events: Vec<ChurnEvent> = churn.collect();
        assert_eq!(events.len(), 7);
        assert!(events.iter().all(|event| event.at == hours(3) && event.change == Change::Crash));
    }

    #[test]
    fn sessions_and_downtimes_last_as_long_as_they_should() {
        let sessions = Some(Distribution::Constant { nanos: 3.0 * HOUR_NANOS });
        let downtimes = Some(Distribution::Constant { nanos: HOUR_NANOS });
        let rules = RandomChurn { sessions, downtimes, initial: Some(5), ..quiet(5) };
        let mut last: BTreeMap<u32, ChurnEvent> = BTreeMap::new();
        for event in begin(&rules) {
            let before = last.insert(event.server, event).map_or(Time::ZERO, |before| before.at);
            let hours = if event.change == Change::Join { 1 } else { 3 };
            assert_eq!(event.at.since(before), Duration::from_secs(3600 * hours));
            assert_eq!(event.machine, event.server);
        }
        assert_eq!(last.len(), 5);
    }

    #[test]
    fn a_target_is_kept_up_by_those_who_are_down_and_by_newcomers() {
        let target = Some(200);
        // Somebody is always down; nobody ever is.
        let from_down = RandomChurn { target, ..alternating(400) };
        let from_outside = RandomChurn { target, sessions: Some(EXPONENTIAL), ..quiet(200) };
        let depart_every = Some(Duration::from_secs(18));
        let poisson = RandomChurn { depart_every, target, ..quiet(200) };
        for (rules, most_machines) in [(from_down, 400), (from_outside, 230), (poisson, 230)] {
            let churn = begin(&rules);
            assert!(churn.initial().len() >= 200);
            let (counts, _) = up_over_time(churn);
            assert!(counts.len() > 20_000, "{} changes", counts.len());
            // For the moment between a departure and the coming of another one.
            assert!(counts.iter().all(|up| *up >= 199), "{:?}", counts.iter().min());
            assert!(counts.windows(2).all(|pair| pair[1] >= 200 || pair[0] >= 200));
            let machines = begin(&rules).machines(rules.machines, hours(100));
            let most = machines.iter().max().copied().unwrap_or_default() + 1;
            assert!(most <= most_machines, "{most} machines");
        }
    }

    #[test]
    fn who_comes_back_is_the_same_or_another() {
        let same: Vec<ChurnEvent> = begin(&alternating(50)).collect();
        let rules = RandomChurn { rejoin: Rejoin::NewId, ..alternating(50) };
        let new: Vec<ChurnEvent> = begin(&rules).collect();
        assert_eq!(same.len(), new.len());
        for (same, new) in same.iter().zip(&new) {
            let machine = |event: &ChurnEvent| (event.at, event.machine, event.change);
            assert_eq!(machine(same), machine(new), "only the names differ");
            assert_eq!(same.server, same.machine);
        }
        let mut joined: Vec<u32> =
            new.iter().filter(|e| e.change == Change::Join).map(|e| e.server).collect();
        let comings = joined.len();
        joined.sort_unstable();
        joined.dedup();
        assert_eq!(joined.len(), comings, "nobody comes twice");
        let machines = begin(&rules).machines(50, hours(100));
        let last = machines.len() as u32 - 1;
        assert_eq!(joined.last(), Some(&last));
        assert_eq!(machines[..50], (0..50).collect::<Vec<_>>()[..]);
        assert_eq!(begin(&alternating(50)).machines(50, hours(100)).len(), 50);
    }

    #[test]
    fn poisson_joins_and_departures_have_their_rates() {
        let minute = Some(Duration::from_secs(60));
        let (join_every, depart_every) = (minute, Some(Duration::from_secs(120)));
        let rules = RandomChurn { join_every, depart_every, graceful: 0.3, ..quiet(100) };
        let events: Vec<ChurnEvent> = begin(&rules).collect();
        let [joins, leaves, crashes] =
            [Change::Join, Change::Leave, Change::Crash].map(|change| count(&events, change));
        assert!(joins.abs_diff(6000) < 390, "{joins}");
        assert!((leaves + crashes).abs_diff(3000) < 275, "{leaves} + {crashes}");
        assert!(leaves.abs_diff(900) < 150, "three in ten leave: {leaves}");
    }

    #[test]
    fn joins_and_returns_follow_the_time_of_day() {
        let diurnal =
            Diurnal { period: Duration::from_secs(3600), amplitude: 0.9, peak: Duration::ZERO };
        let join_every = Some(Duration::from_secs(20));
        let quick = Some(Distribution::Exponential { mean_nanos: HOUR_NANOS / 60.0 });
        let newcomers = RandomChurn { join_every, ..quiet(1) };
        let returns = RandomChurn { sessions: quick, ..alternating(100) };
        for rules in [newcomers, returns] {
            let rules = RandomChurn { diurnal: Some(diurnal), ..rules };
            let joins = begin(&rules).filter(|event| event.change == Change::Join);
            let (mut high, mut low) = (0, 0);
            for event in joins {
                // A quarter of the period around the peak, and around the trough.
                match event.at.as_nanos() % HOUR.as_nanos() * 8 / HOUR.as_nanos() {
                    0 | 7 => high += 1,
                    3 | 4 => low += 1,
                    _ => {}
                }
            }
            // The mean of the cosine over the quarter is 0.9003: 1.81 to 0.19.
            assert!(high > 7 * low && high < 13 * low, "{high} at the peak, {low} at the trough");
        }
    }

    #[test]
    fn flash_crowds_come_in_their_window() {
        let crowd = FlashCrowd { at: hours(1), nodes: 500, within: Duration::from_secs(60) };
        let second = FlashCrowd { at: hours(2), nodes: 1, within: Duration::ZERO };
        let rules = RandomChurn { flash_crowds: vec![second, crowd], ..quiet(10) };
        let events: Vec<ChurnEvent> = begin(&rules).collect();
        assert_eq!(count(&events, Change::Join), 501);
        let seconds: Vec<f64> =
            events[..500].iter().map(|event| event.at.since(hours(1)).as_secs_f64()).collect();
        assert!(seconds.iter().all(|second| (0.0..=60.0).contains(second)));
        let mean = seconds.iter().sum::<f64>() / 500.0;
        assert!((mean - 30.0).abs() < 4.0, "{mean}");
        assert_eq!(events[500].at, hours(2));
    }

    #[test]
    fn churn_begins_and_ends_when_it_should() {
        let (start, stop) = (hours(10), hours(20));
        let join_every = Some(Duration::from_secs(60));
        let rules = RandomChurn { join_every, start, stop, ..alternating(100) };
        let events: Vec<ChurnEvent> = begin(&rules).collect();
        assert!(events.len() > 1000);
        assert!(events.iter().all(|event| (start..stop).contains(&event.at)));
        assert!(events[0].at < hours(10) + Duration::from_secs(600));
    }

    #[test]
    fn permanent_servers_never_go() {
        let depart_every = Some(Duration::from_secs(10));
        let rules = RandomChurn { permanent: 3, depart_every, ..alternating(20) };
        assert_eq!(begin(&rules).initial()[..3], [0, 1, 2]);
        assert!(begin(&rules).all(|event| event.server >= 3));
    }

    #[test]
    fn a_trace_is_followed() {
        let event =
            |hour, server, change| ChurnEvent { at: hours(hour), server, machine: server, change };
        let events =
            [event(1, 0, Change::Crash), event(2, 1, Change::Join), event(2, 0, Change::Join)];
        let trace = ChurnTrace { initial: [0].into(), events: events.into() };
        let mut churn = Churn::new(&ChurnPlan::Trace(trace), 1, 0);
        assert_eq!((churn.initial(), churn.next_time()), (&[0][..], Some(hours(1))));
        assert_eq!(churn.by_ref().collect::<Vec<_>>(), events);
        assert_eq!(churn.next_time(), None);
    }

    /// Newcomers take the machines of those who have gone: the books do not grow.
    #[test]
    fn books_are_as_large_as_the_population() {
        let join_every = Some(Duration::from_secs(36));
        let rules = RandomChurn { join_every, sessions: Some(EXPONENTIAL), ..quiet(100) };
        let size_after = |end: u64| {
            let mut churn = begin(&rules);
            while churn.next_time().is_some_and(|at| at < hours(end)) {
                churn.next();
            }
            let Source::Random(process) = churn.0 else { panic!("it is drawn") };
            assert!(process.servers > 100 * end as u32, "{} servers", process.servers);
            (process.machines.len(), process.ends.len() + process.vacant.len())
        };
        let (early, late) = (size_after(20), size_after(95));
        assert!(late.0 < early.0 + 30 && late.0 < 180, "{early:?} to {late:?} machines");
        assert!(late.1 <= late.0 && early.1 <= early.0);
    }

    fn any_distribution() -> impl Strategy<Value = Option<Distribution>> {
        let nanos = 1e11..1e14;
        prop_oneof![
            Just(None),
            nanos.clone().prop_map(|nanos| Some(Distribution::Constant { nanos })),
            nanos.clone().prop_map(|mean_nanos| Some(Distribution::Exponential { mean_nanos })),
            (0.3..3.0, nanos.clone()).prop_map(|(shape, scale_nanos)| Some(
                Distribution::Weibull { shape, scale_nanos }
            )),
            (1.1..5.0, nanos).prop_map(|(shape, minimum_nanos)| Some(Distribution::Pareto {
                shape,
                minimum_nanos
            })),
        ]
    }

    prop_compose! {
        fn any_rules()(
            machines in 1u32..40,
            permanent in 0u32..4,
            initial in prop::option::of(1u32..40),
            times in (any_distribution(), any_distribution()),
            every in (prop::option::of(10u64..10_000), prop::option::of(10u64..10_000)),
            target in prop::option::of(1u32..40),
            renewed: bool,
            graceful in 0.0..1.0,
            swing in prop::option::of((1u64..100_000, 0.0..1.0, 0u64..100_000)),
            crowd in prop::option::of((0u64..300_000, 1u32..20, 0u64..10_000)),
            window in (0u64..300_000, 0u64..300_000),
        ) -> RandomChurn {
            let seconds = Duration::from_secs;
            let start = Time::ZERO + seconds(window.0);
            RandomChurn {
                machines,
                permanent: permanent.min(machines - 1),
                initial: initial.map(|initial| initial.min(machines).max(permanent + 1).min(machines)),
                sessions: times.0,
                downtimes: times.1,
                join_every: every.0.map(seconds),
                depart_every: every.1.map(seconds),
                target: target.map(|target| target.min(machines)),
                rejoin: if renewed { Rejoin::NewId } else { Rejoin::SameId },
                graceful,
                diurnal: swing.map(|(period, amplitude, peak)| Diurnal {
                    period: seconds(period), amplitude, peak: seconds(peak),
                }),
                flash_crowds: crowd.into_iter().map(|(at, nodes, within)| FlashCrowd {
                    at: Time::ZERO + seconds(at), nodes, within: seconds(within),
                }).collect(),
                start,
                stop: start + seconds(window.1),
            }
        }
    }

    proptest! {
        #![proptest_config(crate::property::config())]

        #[test]
        fn one_server_a_machine_comes_before_it_goes(rules in any_rules()) {
            let churn = begin(&rules);
            let mut machines = begin(&rules).machines(rules.machines, rules.stop);
            let initial = churn.initial().to_vec();
            prop_assert!(initial.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(initial.len() > rules.permanent as usize);
            let mut up: BTreeMap<u32, u32> = initial.iter().map(|s| (machines[*s as usize], *s)).collect();
            let (mut last, mut known) = (Time::ZERO, rules.machines);
            let again: Vec<ChurnEvent> = begin(&rules).collect();
            for (event, again) in churn.zip(again) {
                prop_assert_eq!(event, again);
                let ChurnEvent { at, server, machine, change } = event;
                prop_assert!(last <= at && at < rules.stop);
                last = at;
                prop_assert_eq!(machines[server as usize], machine);
                if change == Change::Join {
                    prop_assert!(server <= known, "numbered one by one");
                    known = known.max(server + 1);
                    prop_assert_eq!(up.insert(machine, server), None);
                } else {
                    prop_assert_eq!(up.remove(&machine), Some(server));
                    prop_assert!(server >= rules.permanent);
                }
            }
            prop_assert_eq!(machines.len(), known as usize);
            machines.sort_unstable();
            machines.dedup();
            prop_assert_eq!(machines.last().copied(), Some(machines.len() as u32 - 1));
        }
    }
}
