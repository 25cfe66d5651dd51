//! Replication under crashes: what is copied is copied anew, and what is lost is what all
//! copies of were on nodes that died before that.

use super::*;

/// A ring with values, and the truth about it.
struct Crashing<'i> {
    simulation: Simulation<'i, Stored<Chord>, Still, Notes>,
    ids: &'i [Id],
    keys: Vec<Id>,
    requests: u32,
}

impl<'i> Crashing<'i> {
    /// A converged ring of all of these but the last.
    fn new(ids: &'i [Id], storage: Storage, successors: usize, keys: usize) -> Self {
        let space = storage.space;
        let stored = Stored::new(chord(space, successors, true), storage);
        let parameters = stored.clone();
        let initial = (0..ids.len() - 1).map(Address::new);
        let ring = Ring::of(ids, initial.clone());
        let truth = Truth { ring: &ring, ids, space };
        let random = Stream::new(7, 0, "test");
        let mut simulation = Simulation::new(stored, Still, Notes::default(), ids, random);
        let mut converged = parameters.converged(truth, |_, _| Duration::ZERO);
        for node in initial {
            simulation.start_with(node, converged(node), Start::Resume);
        }
        let keys: Vec<Id> = (0..keys).map(|key| space.hash(format!("key {key}"))).collect();
        let values = keys.iter().map(|key| (*key, Value { version: 1, bytes: 100 }));
        let (protocol, mut nodes) = simulation.set_up();
        protocol.preload(values, truth, &mut nodes);
        Crashing { simulation, ids, keys, requests: 0 }
    }

    fn run(&mut self, seconds: u64) {
        let end = self.simulation.now() + Duration::from_secs(seconds);
        self.simulation.run_before(end);
    }

    fn up(&self) -> Vec<Address> {
        let all = (0..self.ids.len()).map(Address::new);
        all.filter(|node| self.simulation.status(*node) == Status::Up).collect()
    }

    fn right_holders(&self, key: Id) -> SmallVec<[Address; 4]> {
        let ring = Ring::of(self.ids, self.up().into_iter());
        let protocol = self.simulation.protocol();
        let truth = Truth { ring: &ring, ids: self.ids, space: protocol.storage.space };
        protocol.right_holders(key, truth)
    }

    fn holds(&self, node: Address, key: Id) -> bool {
        let node = self.simulation.node(node).unwrap();
        self.simulation.protocol().holds(node).any(|(held, _)| held == key)
    }

    /// How many of the values are nowhere; and all others are with all who should have them.
    fn lost(&self) -> usize {
        let is_lost = |key: &&Id| !self.up().iter().any(|node| self.holds(*node, **key));
        let (lost, left): (Vec<&Id>, Vec<&Id>) = self.keys.iter().partition(is_lost);
        for key in left {
            let right = self.right_holders(*key);
            assert!(right.iter().all(|node| self.holds(*node, *key)), "{key:?} at {right:?}");
        }
        lost.len()
    }

    /// Every node gets a key; how many find one.
    fn get_everywhere(&mut self) -> usize {
        self.simulation.observer.0.clear();
        for node in self.up() {
            let key = self.keys[node.index() % self.keys.len()];
            let request = RequestId(self.requests);
            self.requests += 1;
            self.simulation.operate(node, Operation::Get { request, key });
        }
        self.run(10);
        let found = |note: &&Note| matches!(note, Note::Fetched { value: Some(_), .. });
        self.simulation.observer.0.iter().filter(found).count()
    }
}

fn ids(space: IdSpace, nodes: usize, seed: u64) -> Vec<Id> {
    Population::draw(space, nodes, 1, &mut Stream::new(seed, 0, "addresses")).ids
}

fn three_copies(space: IdSpace, repair: Option<Duration>) -> Storage {
    Storage { repair, ..storage(space, 3, false) }
}

/// The neighbours notice, and nobody waits for the next repair: there is none.
#[test]
fn copies_are_restored_when_the_neighbourhood_changes() {
    let space = IdSpace::new(32).unwrap();
    let ids = ids(space, 17, 1);
    for place in 0..3 {
        let mut ring = Crashing::new(&ids, three_copies(space, None), 6, 40);
        let victim = ring.right_holders(ring.keys[0])[place];
        ring.simulation.crash(victim);
        assert!(
            ring.right_holders(ring.keys[0]).iter().any(|node| !ring.holds(*node, ring.keys[0]))
        );
        ring.run(30);
        assert_eq!(ring.lost(), 0, "after the death of holder {place}");
        assert_eq!(ring.get_everywhere(), 15);
    }
    let mut ring = Crashing::new(&ids, three_copies(space, None), 6, 40);
    ring.simulation.start(Address::new(16), Start::Join { contact: Address::new(0) });
    ring.run(30);
    assert_eq!(ring.lost(), 0, "after a join");
    let held = |ring: &Crashing<'_>| {
        let nodes = ring.up().into_iter();
        nodes.map(|node| ring.keys.iter().filter(|key| ring.holds(node, **key)).count()).sum()
    };
    let copies: usize = held(&ring);
    assert_eq!(copies, 3 * 40, "who need not have a copy is released");
    assert_eq!(ring.get_everywhere(), 17);
}

/// The share of the values all copies of which die is that of the dead to the power of the
/// number of copies; everything else is copied again.
#[test]
fn of_half_the_nodes_dead_at_once_an_eighth_of_the_values_is_lost() {
    let space = IdSpace::new(32).unwrap();
    let (nodes, keys) = (200, 1000);
    let mut lost = 0;
    for seed in 0..3 {
        let ids = ids(space, nodes + 1, seed);
        let repair = Some(Duration::from_secs(10));
        let mut ring = Crashing::new(&ids, three_copies(space, repair), 16, keys);
        let mut random = Stream::new(seed, 0, "deaths");
        let mut up = ring.up();
        for _ in 0..nodes / 2 {
            ring.simulation.crash(up.swap_remove(random.below(up.len() as u64) as usize));
        }
        ring.run(120);
        lost += ring.lost();
    }
    let share = lost as f64 / (3 * keys) as f64;
    assert!((0.08..0.18).contains(&share), "{share} are lost");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..crate::property::config() })]

    /// Never more than two servers die, and one joins, between two repairs: there is always a
    /// third copy.
    #[test]
    fn nothing_is_lost_while_fewer_die_at_a_time_than_there_are_copies(
        seed: u64,
        deaths in prop::collection::vec((any::<u8>(), any::<u8>(), 0u64..3), 1..5),
        joins_at in 0usize..5,
    ) {
        let space = IdSpace::new(32).unwrap();
        let ids = ids(space, 17, seed);
        let repair = Some(Duration::from_secs(10));
        let mut ring = Crashing::new(&ids, three_copies(space, repair), 6, 30);
        for (round, (first, second, between)) in deaths.into_iter().enumerate() {
            if round == joins_at {
                let contact = Address::new(0);
                ring.simulation.start(Address::new(16), Start::Join { contact });
                ring.run(between);
            }
            for death in [first, second] {
                // All but the one through which the newcomer joins.
                let mortal = &ring.up()[1..];
                ring.simulation.crash(mortal[usize::from(death) % mortal.len()]);
                ring.run(between);
            }
            ring.run(60);
            prop_assert_eq!(ring.lost(), 0);
        }
    }
}
