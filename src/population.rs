//! The servers: their addresses, drawn from the seed, and the identifiers that
//! follow from them.
//!
//! Must not know: which of them are up, or what they run.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddrV4};

use crate::id::{Id, IdSpace};
use crate::sim::{Address, Stream, ask_for_huge_pages};

/// Who is who: one entry a node on the ring, by address.
///
/// A server with *v* virtual nodes has *v* entries side by side, on one ip and on
/// ports that follow each other.
#[derive(Clone, Debug)]
pub struct Population {
    /// Where the nodes are reached.
    pub sockets: Vec<SocketAddrV4>,
    /// Their identifiers.
    pub ids: Vec<Id>,
    /// Nodes on the ring for each server.
    pub virtual_nodes: usize,
    /// Servers whose address was drawn anew because an identifier was taken.
    pub collisions: u64,
    /// Where servers come one after the other to a machine: the machine of every server, and
    /// the first server of every machine.
    machines: Option<(Vec<u32>, Vec<u32>)>,
}

impl Population {
    /// Draws the addresses of `servers` servers; the identifier of a node is SHA-1 of
    /// the text `ip:port`. Two nodes never share an identifier: the later server draws
    /// again, and is counted.
    ///
    /// # Panics
    /// When there are more nodes than identifiers.
    pub fn draw(
        space: IdSpace,
        servers: usize,
        virtual_nodes: usize,
        random: &mut Stream,
    ) -> Population {
        let nodes = servers * virtual_nodes;
        assert!(space.size().is_none_or(|size| nodes as u64 <= size), "too few identifiers");
        let mut population = Population {
            sockets: Vec::with_capacity(nodes),
            ids: Vec::with_capacity(nodes),
            virtual_nodes,
            collisions: 0,
            machines: None,
        };
        ask_for_huge_pages(population.ids.spare_capacity_mut());
        for _ in 0..servers {
            population.push_server(space, random);
        }
        let in_collision = population.servers_in_collision();
        if !in_collision.is_empty() {
            population.redraw(space, in_collision, random);
        }
        population
    }

    /// Nodes with given identifiers, which must be distinct. Their addresses are drawn
    /// all the same, for people to read.
    pub fn with_ids(space: IdSpace, ids: Vec<Id>, random: &mut Stream) -> Population {
        let mut population = Population::draw(space, 0, 1, random);
        population.sockets = ids.iter().map(|_| draw_socket(1, random)).collect();
        population.ids = ids;
        population
    }

    /// The same servers on these machines, which are numbered by their first servers: for
    /// every server the number of its machine.
    ///
    /// # Panics
    /// When a machine is numbered otherwise, or a server is left out.
    pub fn on_machines(self, machine_of: Vec<u32>) -> Population {
        assert_eq!(machine_of.len(), self.servers(), "every server has a machine");
        let mut first = Vec::new();
        for (machine, server) in machine_of.iter().zip(0..) {
            assert!(*machine as usize <= first.len(), "machines are numbered one by one");
            if *machine as usize == first.len() {
                first.push(server);
            }
        }
        Population { machines: Some((machine_of, first)), ..self }
    }

    /// Number of machines: of servers, if each has its own.
    pub fn machines(&self) -> usize {
        self.machines.as_ref().map_or(self.servers(), |(_, first)| first.len())
    }

    /// The machine that a server runs on.
    pub fn machine_of(&self, server: usize) -> usize {
        self.machines.as_ref().map_or(server, |(machine_of, _)| machine_of[server] as usize)
    }

    /// The first server of a machine.
    pub fn first_on(&self, machine: usize) -> usize {
        self.machines.as_ref().map_or(machine, |(_, first)| first[machine] as usize)
    }

    /// Where servers share machines: for every node the number of the place that it shares
    /// with the nodes of the other servers there. Otherwise nothing.
    pub fn places(&self) -> Vec<u32> {
        let machine_of = self.machines.iter().flat_map(|(machine_of, _)| machine_of);
        let times = self.virtual_nodes as u32;
        machine_of.flat_map(|machine| machine * times..(machine + 1) * times).collect()
    }

    /// A node by its index, its address or its identifier in hexadecimal; what is read as one
    /// is not read as the next.
    pub fn find(&self, space: IdSpace, text: &str) -> Option<Address> {
        // An index has no leading zeros: `08` is the identifier as `dhtsim ring` shows it.
        let is_index = |index: &usize| *index < self.nodes() && index.to_string() == text;
        let by_index = text.parse::<usize>().ok().filter(is_index);
        let by_socket =
            || text.parse().ok().and_then(|at| self.sockets.iter().position(|s| *s == at));
        let digits = text.strip_prefix("0x").unwrap_or(text);
        let by_id = || {
            let id = space.parse_hex(digits).ok()?;
            self.ids.iter().position(|other| *other == id)
        };
        by_index.or_else(by_socket).or_else(by_id).map(Address::new)
    }

    /// Number of nodes on the ring.
    pub fn nodes(&self) -> usize {
        self.ids.len()
    }

    /// Number of servers.
    pub fn servers(&self) -> usize {
        self.ids.len() / self.virtual_nodes
    }

    /// The server that a node runs on.
    pub fn server_of(&self, node: Address) -> usize {
        node.index() / self.virtual_nodes
    }

    /// The nodes that run on a server.
    pub fn nodes_of(&self, server: usize) -> impl Iterator<Item = Address> + use<> {
        let first = server * self.virtual_nodes;
        (first..first + self.virtual_nodes).map(Address::new)
    }

    /// All nodes, in the order in which they were drawn.
    pub fn addresses(&self) -> impl ExactSizeIterator<Item = Address> + use<> {
        (0..self.nodes()).map(Address::new)
    }

    fn push_server(&mut self, space: IdSpace, random: &mut Stream) {
        let first = draw_socket(self.virtual_nodes, random);
        for offset in 0..self.virtual_nodes {
            let socket = SocketAddrV4::new(*first.ip(), first.port() + offset as u16);
            self.sockets.push(socket);
            self.ids.push(space.hash(socket.to_string()));
        }
    }

    fn redraw_server(&mut self, space: IdSpace, server: usize, random: &mut Stream) {
        self.push_server(space, random);
        let nodes = self.nodes() - self.virtual_nodes;
        for node in self.nodes_of(server) {
            let last = nodes + node.index() % self.virtual_nodes;
            self.sockets[node.index()] = self.sockets[last];
            self.ids[node.index()] = self.ids[last];
        }
        self.sockets.truncate(nodes);
        self.ids.truncate(nodes);
    }

    /// Draws servers anew until no node has the identifier of an earlier one.
    fn redraw(&mut self, space: IdSpace, mut in_collision: BTreeSet<usize>, random: &mut Stream) {
        let nodes = 0..self.nodes() as u32;
        let mut taken: BTreeSet<(Id, u32)> = self.ids.iter().copied().zip(nodes).collect();
        while !in_collision.is_empty() {
            self.collisions += in_collision.len() as u64;
            for &server in &in_collision {
                for node in self.nodes_of(server) {
                    taken.remove(&(self.ids[node.index()], node.index() as u32));
                }
                self.redraw_server(space, server, random);
                for node in self.nodes_of(server) {
                    taken.insert((self.ids[node.index()], node.index() as u32));
                }
            }
            // Only identifiers that have just been drawn can be taken twice.
            let drawn = in_collision.iter().flat_map(|&server| self.nodes_of(server));
            let later = drawn.flat_map(|node| {
                let id = self.ids[node.index()];
                taken.range((id, 0)..=(id, u32::MAX)).skip(1)
            });
            in_collision = later.map(|(_, node)| *node as usize / self.virtual_nodes).collect();
        }
    }

    /// The servers with a node whose identifier an earlier node has.
    fn servers_in_collision(&self) -> BTreeSet<usize> {
        let id = |node: u32| self.ids[node as usize];
        // With their first bits beside them, which settle nearly every comparison.
        let mut order: Vec<(u64, u32)> =
            self.ids.iter().zip(0..).map(|(id, node)| (id.prefix(), node)).collect();
        order.sort_unstable_by(|(prefix, node), (other_prefix, other)| {
            let by_id = || id(*node).cmp(&id(*other)).then(node.cmp(other));
            prefix.cmp(other_prefix).then_with(by_id)
        });
        let same = order.windows(2).filter(|w| w[0].0 == w[1].0 && id(w[0].1) == id(w[1].1));
        same.map(|pair| pair[1].1 as usize / self.virtual_nodes).collect()
    }
}

/// A public unicast IPv4 address, and a port outside the well-known ones that leaves
/// room for the ports of further virtual nodes.
fn draw_socket(ports: usize, random: &mut Stream) -> SocketAddrV4 {
    let ip = loop {
        let ip = Ipv4Addr::from(random.bits() as u32);
        let [first, ..] = ip.octets();
        let reserved = first == 0 || first >= 224 || ip.is_loopback() || ip.is_link_local();
        if !reserved && !ip.is_private() {
            break ip;
        }
    };
    let choices = u64::from(u16::MAX) - 1024 + 1 - (ports as u64 - 1);
    SocketAddrV4::new(ip, 1024 + random.below(choices) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(bits: u32, servers: usize, virtual_nodes: usize) -> Population {
        let space = IdSpace::new(bits).unwrap();
        Population::draw(space, servers, virtual_nodes, &mut Stream::new(1, 0, "addresses"))
    }

    #[test]
    fn identifiers_are_hashes_of_addresses() {
        let population = draw(160, 100, 3);
        let space = IdSpace::new(160).unwrap();
        for (socket, id) in population.sockets.iter().zip(&population.ids) {
            assert_eq!(space.hash(format!("{}:{}", socket.ip(), socket.port())), *id);
        }
        let first: Vec<_> = population.nodes_of(7).map(Address::index).collect();
        assert_eq!(first, [21, 22, 23]);
        assert_eq!(population.sockets[21].ip(), population.sockets[23].ip());
        assert_eq!(population.sockets[21].port() + 2, population.sockets[23].port());
        assert_eq!(population.server_of(Address::new(23)), 7);
    }

    #[test]
    fn collisions_are_redrawn_and_counted() {
        for (bits, servers, virtual_nodes) in [(3, 8, 1), (10, 900, 1), (12, 500, 4), (0, 0, 1)] {
            let population = draw(bits.max(1), servers, virtual_nodes);
            let mut ids = population.ids.clone();
            ids.sort_unstable();
            ids.dedup();
            assert_eq!(ids.len(), servers * virtual_nodes);
            assert_eq!(population.collisions > 0, servers > 1);
        }
        // Fixed for ever, as the addresses are: a full ring of 256, in the order of redrawing.
        let (full, servers) = (draw(8, 256, 1), draw(6, 12, 4));
        let number = |bits, number| IdSpace::new(bits).unwrap().id(number);
        assert_eq!((full.collisions, full.ids[200]), (1039, number(8, 0xc6)));
        assert_eq!((servers.collisions, servers.ids[40]), (461, number(6, 0xe0 >> 2)));
        assert_eq!(draw(160, 1000, 1).collisions, 0);
    }

    /// A full ring takes as many draws as there are collisions, and no sorting for each.
    #[test]
    fn large_rings_fill_up() {
        let mut ids = draw(15, 1 << 15, 1).ids;
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 1 << 15);
    }

    #[test]
    fn servers_may_share_machines() {
        let alone = draw(160, 3, 2);
        assert_eq!((alone.machines(), alone.machine_of(2), alone.first_on(2)), (3, 2, 2));
        assert!(alone.places().is_empty());
        let shared = draw(160, 5, 2).on_machines(vec![0, 1, 0, 2, 1]);
        assert_eq!((shared.machines(), shared.servers()), (3, 5));
        assert_eq!([0, 1, 2, 3, 4].map(|server| shared.machine_of(server)), [0, 1, 0, 2, 1]);
        assert_eq!([0, 1, 2].map(|machine| shared.first_on(machine)), [0, 1, 3]);
        assert_eq!(shared.places(), [0, 1, 2, 3, 0, 1, 4, 5, 2, 3]);
    }

    #[test]
    fn more_servers_leave_the_first_ones_as_they_are() {
        assert_eq!(draw(160, 100, 1).ids[..50], draw(160, 50, 1).ids[..]);
    }
}
