//! What has been put stays, whoever joins and leaves in good order.

use proptest::prelude::*;

use super::*;

/// All nodes that there may ever be, the trackers included.
const NODES: usize = 24;
/// Nodes at the start.
const INITIAL: usize = 10;
const KEYS: usize = 12;

/// What is done to the system; nodes and keys by any number.
#[derive(Clone, Copy, Debug)]
enum Step {
    Put(u8, u8),
    Get(u8, u8),
    Join,
    Leave(u8),
    Wait(u16),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (any::<u8>(), any::<u8>()).prop_map(|(node, key)| Step::Put(node, key)),
        3 => (any::<u8>(), any::<u8>()).prop_map(|(node, key)| Step::Get(node, key)),
        2 => Just(Step::Join),
        3 => any::<u8>().prop_map(Step::Leave),
        3 => (1u16..500).prop_map(Step::Wait),
        // Announcements and expiry.
        1 => (1u16..60_000).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 1..80)
}

/// A system under random orders, with the truth about its files.
struct World<'i> {
    system: System<'i>,
    trackers: usize,
    /// For each key the newest version that was acknowledged, and that was put.
    acknowledged: [u32; KEYS],
    put: [u32; KEYS],
    /// The requests so far: which key, which version was put or must be found.
    requests: Vec<(usize, u32)>,
    /// Those that are answered.
    answered: usize,
    leaving: Vec<Address>,
    next: usize,
    /// Nothing else is under way: gets must find what they look for.
    is_quiet: bool,
}

impl<'i> World<'i> {
    fn new(tracker: &Tracker, ids: &'i [Id], seed: u64) -> World<'i> {
        World {
            system: start(tracker, ids, INITIAL, seed),
            trackers: tracker.trackers,
            acknowledged: [0; KEYS],
            put: [0; KEYS],
            requests: Vec::new(),
            answered: 0,
            leaving: Vec::new(),
            next: INITIAL,
            is_quiet: false,
        }
    }

    /// The clients that are up.
    fn up(&self) -> Vec<Address> {
        let all = (self.trackers..self.next).map(node);
        all.filter(|client| self.system.status(*client) == Status::Up).collect()
    }

    fn take(&mut self, step: Step) {
        let up = self.up();
        let staying: Vec<_> = up.iter().filter(|client| !self.leaving.contains(client)).collect();
        let at = |choice: u8| *staying[usize::from(choice) % staying.len()];
        match step {
            Step::Put(client, number) => {
                let number = usize::from(number) % KEYS;
                self.put[number] += 1;
                let (request, value) = (self.request(number, self.put[number]), self.put[number]);
                let (key, value) = (file_key(number), super::value(value));
                self.system.operate(at(client), Operation::Put { request, key, value });
            }
            Step::Get(client, number) => {
                let number = usize::from(number) % KEYS;
                self.get(at(client), number);
            }
            Step::Join if self.next < NODES => {
                self.system.start(node(self.next), Start::Join { contact: *staying[0] });
                self.next += 1;
            }
            // Some stay that the trackers know of: newcomers may be too new to inherit.
            Step::Leave(client) if staying.len() > 3 => {
                self.leaving.push(at(client));
                self.system.leave(at(client));
            }
            Step::Join | Step::Leave(_) => {}
            Step::Wait(ms) => self.run(Duration::from_millis(u64::from(ms))),
        }
        self.look();
    }

    fn request(&mut self, number: usize, version: u32) -> RequestId {
        self.requests.push((number, version));
        RequestId(self.requests.len() as u32 - 1)
    }

    fn get(&mut self, client: Address, number: usize) {
        let request = self.request(number, self.acknowledged[number]);
        self.system.operate(client, Operation::Get { request, key: file_key(number) });
    }

    /// Lets time pass, and looks at every answer and every file.
    fn run(&mut self, time: Duration) {
        let end = self.system.now() + time;
        while self.system.now() < end {
            self.system.run_before(end.min(self.system.now() + Duration::from_millis(20)));
            self.look();
        }
    }

    fn look(&mut self) {
        for (_, note) in std::mem::take(&mut self.system.observer.0) {
            match note {
                Note::Stored(request) => {
                    let (number, version) = self.requests[request.0 as usize];
                    self.acknowledged[number] = self.acknowledged[number].max(version);
                    self.answered += 1;
                }
                Note::Fetched { request, value, .. } => {
                    let (number, version) = self.requests[request.0 as usize];
                    let found = value.map_or(0, |value| value.version);
                    assert!(!self.is_quiet || found >= version, "{number}: {found} for {version}");
                    self.answered += 1;
                }
                Note::Failed(_) => {
                    assert!(!self.is_quiet);
                    self.answered += 1;
                }
                _ => {}
            }
        }
        let up = self.up();
        for (number, version) in self.acknowledged.iter().enumerate() {
            let has = |client: &Address| {
                let client = self.system.node(*client).unwrap();
                let mut files = self.system.protocol().holds(client);
                files.any(|(key, value)| key == file_key(number) && value.version >= *version)
            };
            assert!(*version == 0 || up.iter().any(has), "version {version} of {number} is lost");
        }
    }

    /// After a while without anything new everybody finds the newest version of everything.
    fn finish(&mut self) {
        self.run(Duration::from_secs(120));
        assert!(self.up().iter().all(|client| !self.leaving.contains(client)), "they are gone");
        self.is_quiet = true;
        for client in self.up() {
            for number in 0..KEYS {
                self.get(client, number);
            }
            // They tell the trackers what they have got: one after the other.
            self.run(Duration::from_secs(10));
        }
        assert_eq!(self.answered, self.requests.len(), "every request is answered");
    }
}

fn file_key(number: usize) -> Id {
    key(1000 * number as u64 + 500)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..crate::property::config() })]

    #[test]
    fn nothing_is_lost_by_joins_and_leaves(
        trackers in 1usize..4,
        seed: u64,
        all in steps(),
    ) {
        let tracker = Tracker {
            announce_interval: MINUTE,
            expiry: Duration::from_secs(90),
            exchange: Duration::from_secs(5),
            ..tracker(trackers)
        };
        let ids = ids(NODES);
        let mut world = World::new(&tracker, &ids, seed);
        for step in all {
            world.take(step);
        }
        world.finish();
    }
}
