//! Full membership: every node knows the whole ring and sends a request to the right node
//! in one hop.
//!
//! \[K\] D. Karger, E. Lehman, T. Leighton, R. Panigrahy, M. Levine, D. Lewin: Consistent
//! Hashing and Random Trees. STOC 1997.
//!
//! \[D\] G. `DeCandia` et al.: Dynamo: Amazon's Highly Available Key-value Store. SOSP 2007.
//!
//! \[G\] A. Demers et al.: Epidemic Algorithms for Replicated Database Maintenance. PODC 1987.
//!
//! \[W\] A. Das, I. Gupta, A. Motivala: SWIM: Scalable Weakly-consistent Infection-style
//! Process Group Membership Protocol. DSN 2002.
//!
//! A server stands on the ring with several tokens (\[K\]'s copies, \[D\]'s virtual nodes)
//! and runs one node for all of them, at its first token's address. The state machine is
//! here; `view.rs` is what a node knows, `placement.rs` who owns what by it, `lookup.rs`
//! how requests find their way, `membership.rs` how servers come and go, and `spread.rs` how
//! the others hear of it.
//!
//! # Implementation notes
//!
//! Where this departs from the papers, or settles what they leave open:
//!
//! - A server's membership is a version, odd while it is a member. The higher one wins, so
//!   views merge in any order. Who finds a server dead adds one to the version, whoever it
//!   is; a server that hears that it is dead adds one more and says so (\[W\] 4.2; the
//!   versions are \[W\]'s incarnation numbers). There is no suspicion before a death, and no
//!   asking through others: one message without an answer is enough.
//! - The accused is told, too. Those who take it for dead would not send it anything else.
//! - A leave and a death are the same fact. (\[D\] 4.8.1 has an administrator add and remove
//!   nodes, and takes all failures for temporary.)
//! - *Instant* spread is an oracle: all nodes share one view that changes the moment at which
//!   a server starts, leaves or fails. A node that does not answer is then asked again until
//!   the view drops it or [`MAX_SENT`] is reached.
//! - *Broadcast*: who joins, leaves or finds something out tells all members that it knows,
//!   in one message each. A message that is not acknowledged is sent up to four times before
//!   the receiver is taken for dead: a loss would otherwise lead to two more broadcasts
//!   (the accusation and its refutation), each with losses of its own. A death that nobody
//!   runs into is not found; nothing is sent while nothing happens.
//! - Two nodes that join by broadcast at the same moment do not know each other. So the
//!   contact of a join passes on to the newcomer what it hears during the next ten time-outs.
//!   Then the newcomer compares checksums with it, as in anti-entropy. Should the contact be
//!   gone by then, something may have been missed: the newcomer asks another member for its
//!   view, which then is its contact for as long. All ask the first one that they know, in the
//!   order of addresses, so that those who have missed each other meet there (as at \[D\]'s
//!   seeds, 4.8.2).
//! - *Gossip* is \[G\]'s rumour mongering, push, blind, with a counter (1.4): each node pushes
//!   what it has heard for ⌈log2 N⌉ + 4 rounds, to random members, whether they knew it or
//!   not. It is backed up by anti-entropy (1.3), push and pull: random members compare
//!   checksums and exchange all they know when these differ. What anti-entropy brings is not
//!   made a rumour again.
//! - A node that leaves by gossip is gone before its next round. It pushes its farewell at
//!   once, as often as it would push any rumour.
//! - A node that knows no live member any more is alone for good: no seed is known to all.
//!   That happens to one whose contact is gone before it has told anybody, in a system whose
//!   other members it knows have all gone.
//! - \[D\] 4.8.1 reconciles whole histories with a random peer every second; that is
//!   anti-entropy with that period.
//! - A join asks its contact for its view. While there is no answer it asks again, after 1,
//!   2, 4 … seconds; a contact that has not joined itself does not answer.
//! - A lookup goes to the owner that the origin knows, which answers the origin, or passes it
//!   on if it knows better. A forward whose acknowledgement is lost goes two ways from there;
//!   the first answer counts. The answer is not acknowledged: when it is lost, the lookup
//!   stays without one.
//! - Tombstones of servers that are gone are kept for ever.

mod lookup;
mod membership;
mod message;
mod placement;
#[cfg(test)]
pub(super) mod robustness;
mod spread;
#[cfg(test)]
mod tests;
mod view;

use std::cell::RefCell;
use std::rc::Rc;

use smallvec::SmallVec;

pub use lookup::MAX_SENT;
pub use message::{Cause, MembershipMessage, Query};
pub use placement::Placement;
pub use spread::BROADCAST_ATTEMPTS;
pub use view::{Archive, Fact, Server, Version, View};

use placement::Tokens;

use crate::id::{Id, IdSpace};
use crate::oracle::Truth;
use crate::overlay::{KeyRouting, Neighbours, NodeEstimate, Overlay, RingShape, next_servers};
use crate::sim::{Address, Context, Duration, Operation, Protocol, Start, Time};

/// A system in which every node knows all members.
#[derive(Clone, Debug)]
pub struct FullMembership {
    /// The parameters.
    pub parameters: Parameters,
    tokens: Rc<Tokens>,
    archive: Rc<Archive>,
    /// The view that all nodes share when membership spreads instantly.
    shared: Rc<RefCell<View>>,
}

/// The parameters of full membership.
#[derive(Clone, PartialEq, Debug)]
pub struct Parameters {
    /// How positions are given to servers.
    pub placement: Placement,
    /// How nodes hear of the others.
    pub spread: Spread,
    /// After this time without an answer a node is taken for dead.
    pub request_timeout: Duration,
}

/// How nodes hear who is a member.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Spread {
    /// At once, by an oracle.
    Instant,
    /// Who knows tells all.
    Broadcast,
    /// By rumour mongering and anti-entropy.
    Gossip {
        /// Time from one round to the next.
        period: Duration,
        /// How many members a node pushes its rumours to in a round.
        fanout: u32,
        /// Time from one comparison of views to the next.
        anti_entropy: Duration,
    },
}

/// The state of one node: of a server.
#[derive(Clone, Debug)]
pub struct MembershipNode {
    server: Server,
    standing: Standing,
    /// Its own, but for instant spread, where it is everybody's.
    view: Rc<RefCell<View>>,
    /// What it has yet to tell: at once by broadcast, in its next rounds by gossip.
    untold: Vec<Rumour>,
    /// Broadcast: until then its contact passes on to it what it may have missed.
    settles: Time,
    /// Broadcast: who joined through this node of late.
    newcomers: Vec<Newcomer>,
    /// Through whom it goes on joining, if not through the one that it asked last.
    contact: Option<Address>,
}

/// Whether a node takes part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Standing {
    Joining,
    Member,
    Leaving,
}

/// Something that a node tells others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Rumour {
    fact: Fact,
    /// In so many more rounds.
    rounds: u32,
}

/// A node that joined through this one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Newcomer {
    address: Address,
    /// Until then it is told what is heard here.
    until: Time,
}

/// What a node wakes itself up for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum MembershipTimer {
    /// Gossip: a round.
    Gossip,
    /// Gossip: a comparison of views.
    AntiEntropy,
    /// Broadcast: everything that was found out at this moment is known now; tell it.
    Tell,
    /// The join was not answered.
    JoinAgain {
        /// Through whom.
        contact: Address,
        /// How often it was tried.
        attempt: u8,
    },
    /// Broadcast: the contact has passed on what there was to hear, if it is still there.
    Settle {
        /// Who gave this node its view, as it was known then.
        contact: Fact,
    },
}

impl FullMembership {
    /// A system of servers that have `tokens_per_server` of these identifiers each, side by
    /// side.
    pub fn new(
        parameters: Parameters,
        space: IdSpace,
        ids: &[Id],
        tokens_per_server: usize,
    ) -> FullMembership {
        let tokens = Rc::new(Tokens::new(space, ids, tokens_per_server));
        let archive = Rc::new(Archive::new(tokens.servers()));
        let shared = Rc::new(RefCell::new(archive.blank()));
        FullMembership { parameters, tokens, archive, shared }
    }

    /// A view that has just those as members whose tokens are up.
    fn right_view(&self, truth: Truth<'_>) -> View {
        let mut servers: Vec<Server> =
            truth.ring.iter().map(|token| self.tokens.server_of(token)).collect();
        servers.sort_unstable();
        servers.dedup();
        let member = |server| Fact { server, version: Version::FIRST };
        let facts: Vec<Fact> = servers.into_iter().map(member).collect();
        let mut view = self.archive.blank();
        view.learn(&facts, &self.archive);
        view
    }

    /// Who owns a position, by its token.
    fn owner_token(&self, node: &MembershipNode, position: Id) -> Option<Address> {
        self.tokens.owner(self.parameters.placement, &node.view.borrow(), position)
    }
}

impl MembershipNode {
    fn version(&self, server: Server) -> Version {
        self.view.borrow().version(server)
    }
}

impl Overlay for FullMembership {
    fn system(&self) -> &'static str {
        match self.parameters.placement {
            Placement::Ring => "full membership",
            Placement::Modulo => "hash mod N",
        }
    }

    fn converged<'a>(
        &'a self,
        truth: Truth<'a>,
        _: impl Fn(Address, Address) -> Duration + 'a,
    ) -> impl FnMut(Address) -> MembershipNode + 'a {
        let view = self.right_view(truth);
        move |address| {
            let node = MembershipNode { standing: Standing::Member, ..self.new_node(address) };
            *node.view.borrow_mut() = view.clone();
            node
        }
    }

    fn estimate(&self, nodes: usize) -> NodeEstimate {
        let per_server = self.tokens.per_server();
        // A ring of the tokens with their identifiers, and one view, which all have in common.
        let shared = per_server * (size_of::<Id>() + 40) + size_of::<Version>();
        let estimate =
            NodeEstimate { heap_bytes: shared, lookup_messages: 2.0, ..NodeEstimate::default() };
        match self.parameters.spread {
            Spread::Instant => estimate,
            Spread::Broadcast => {
                NodeEstimate { heap_bytes: shared + View::estimated_bytes(nodes), ..estimate }
            }
            Spread::Gossip { period, anti_entropy, .. } => {
                NodeEstimate { heap_bytes: shared + View::estimated_bytes(nodes), ..estimate }
                    // Who has no rumour sends nothing; it has one now and then.
                    .with_timer(Some(period), 0.3)
                    .with_timer(Some(anti_entropy), 2.0)
            }
        }
    }

    /// The tokens of the other members.
    fn routing_entries(&self, node: &MembershipNode) -> usize {
        let view = node.view.borrow();
        let others = view.members() - usize::from(view.has(node.server));
        others * self.tokens.per_server()
    }

    fn host(&self, token: Address) -> Address {
        self.tokens.host(self.tokens.server_of(token))
    }

    fn ring(&self) -> Option<RingShape> {
        match self.parameters.placement {
            Placement::Ring => Some(RingShape { successors: 1, fingers: false, finger_choices: 1 }),
            Placement::Modulo => None,
        }
    }

    fn neighbours(&self, node: &MembershipNode, token: Address, _: &[Id]) -> Neighbours {
        let (predecessor, successor) = self.tokens.neighbours(&node.view.borrow(), token);
        Neighbours { predecessor: Some(predecessor), successors: vec![successor] }
    }

    fn has_right_view(&self, node: &MembershipNode, truth: Truth<'_>) -> Option<bool> {
        let view = node.view.borrow();
        let tokens = view.members() * self.tokens.per_server();
        let mut up = truth.ring.iter();
        Some(tokens == truth.ring.len() && up.all(|token| view.has(self.tokens.server_of(token))))
    }

    fn is_told_by_oracle(&self) -> bool {
        self.parameters.spread == Spread::Instant
    }

    fn observe_stop(&self, node: Address) {
        if self.parameters.spread == Spread::Instant {
            let server = self.tokens.server_of(node);
            let mut view = self.shared.borrow_mut();
            let version = view.version(server);
            if version.is_member() {
                view.learn(&[Fact { server, version: version.going() }], &self.archive);
            }
        }
    }

    fn observe_return(&self, node: Address) {
        if self.parameters.spread == Spread::Instant {
            let server = self.tokens.server_of(node);
            let mut view = self.shared.borrow_mut();
            let version = view.version(server);
            view.learn(&[Fact { server, version: version.coming() }], &self.archive);
        }
    }
}

impl KeyRouting for FullMembership {
    fn owner(&self, node: &MembershipNode, position: Id, _: &Context<'_, Self>) -> Option<Address> {
        self.owner_token(node, position).map(|token| self.host(token))
    }

    fn followers(
        &self,
        node: &MembershipNode,
        position: Id,
        count: usize,
        _: &Context<'_, Self>,
    ) -> SmallVec<[Address; 4]> {
        let placement = self.parameters.placement;
        self.tokens.followers(placement, &node.view.borrow(), position, count)
    }

    fn knows_all_owners(&self) -> bool {
        true
    }

    fn server(&self, node: Address) -> usize {
        self.tokens.server_of(node).0 as usize
    }

    fn right_owners(&self, position: Id, count: usize, truth: Truth<'_>) -> SmallVec<[Address; 4]> {
        let placement = self.parameters.placement;
        if placement == Placement::Ring {
            return next_servers(self, position, count, truth);
        }
        let view = self.right_view(truth);
        let owner = self.tokens.owner(placement, &view, position).map(|token| self.host(token));
        let others = self.tokens.followers(placement, &view, position, count.saturating_sub(1));
        owner.into_iter().chain(others).collect()
    }

    fn neighbourhood(&self, node: &MembershipNode) -> u64 {
        node.view.borrow().changes()
    }

    fn suspect(&self, node: &mut MembershipNode, peer: Address, context: &mut Context<'_, Self>) {
        self.mark_down(node, peer, context);
    }
}

impl Protocol for FullMembership {
    type Node = MembershipNode;
    type Message = MembershipMessage;
    type Timer = MembershipTimer;

    fn new_node(&self, address: Address) -> MembershipNode {
        let view = match self.parameters.spread {
            Spread::Instant => Rc::clone(&self.shared),
            Spread::Broadcast | Spread::Gossip { .. } => {
                Rc::new(RefCell::new(self.archive.blank()))
            }
        };
        MembershipNode {
            server: self.tokens.server_of(address),
            standing: Standing::Joining,
            view,
            untold: Vec::new(),
            settles: Time::ZERO,
            newcomers: Vec::new(),
            contact: None,
        }
    }

    fn on_start(&self, node: &mut MembershipNode, start: Start, context: &mut Context<'_, Self>) {
        match (start, self.parameters.spread) {
            (Start::Resume, _) => {}
            (Start::Create, _) => {
                self.become_member(node);
            }
            (Start::Join { .. }, Spread::Instant) => {
                self.become_member(node);
                context.joined();
            }
            (Start::Join { contact }, _) => self.ask_to_join(contact, 0, context),
        }
        if let Spread::Gossip { period, anti_entropy, .. } = self.parameters.spread {
            // A node's first rounds come anywhere within the period: nodes that start
            // together do not keep step.
            for (period, timer) in
                [(period, MembershipTimer::Gossip), (anti_entropy, MembershipTimer::AntiEntropy)]
            {
                let first = context.random().between(Duration::ZERO, period);
                context.set_timer(first, timer);
            }
        }
    }

    fn on_message(
        &self,
        node: &mut MembershipNode,
        from: Address,
        message: MembershipMessage,
        context: &mut Context<'_, Self>,
    ) {
        match message {
            MembershipMessage::Query(query) => {
                context.lookup_stands_at(query.lookup, context.this());
                self.route(node, query, context);
            }
            MembershipMessage::Answer { lookup, owner, hops } => {
                lookup::conclude(lookup, owner, hops, context);
            }
            MembershipMessage::JoinRequest { .. } => self.let_in(node, from, context),
            MembershipMessage::JoinView => self.join_with(node, from, context),
            MembershipMessage::News { .. } => self.on_news(node, from, context),
            MembershipMessage::Digest { checksum } => self.compare(node, checksum, context),
            MembershipMessage::Agreement => {}
            MembershipMessage::WholeView => self.reconcile(node, from, context),
            MembershipMessage::MissingFacts => self.take_over(node, from, context),
        }
    }

    fn on_timer(
        &self,
        node: &mut MembershipNode,
        timer: MembershipTimer,
        context: &mut Context<'_, Self>,
    ) {
        match (timer, self.parameters.spread) {
            (MembershipTimer::Gossip, Spread::Gossip { period, fanout, .. }) => {
                self.push_rumours(node, fanout, context);
                context.set_timer(period, timer);
            }
            (MembershipTimer::AntiEntropy, Spread::Gossip { anti_entropy, .. }) => {
                self.compare_with_a_partner(node, context);
                context.set_timer(anti_entropy, timer);
            }
            (MembershipTimer::Tell, _) => self.tell_all(node, context),
            (MembershipTimer::JoinAgain { contact, attempt }, _) => {
                // Unless the answer was only late.
                if node.standing == Standing::Joining {
                    let other = node.contact.take().map(|other| (other, 0));
                    let (contact, attempt) = other.unwrap_or((contact, attempt));
                    self.ask_to_join(contact, attempt, context);
                }
            }
            (MembershipTimer::Settle { contact }, _) => self.settle(node, contact, context),
            // Set only by nodes that gossip.
            (MembershipTimer::Gossip | MembershipTimer::AntiEntropy, _) => {}
        }
    }

    fn on_operation(
        &self,
        node: &mut MembershipNode,
        operation: Operation,
        context: &mut Context<'_, Self>,
    ) {
        match operation {
            Operation::Lookup { lookup, key } => {
                let origin = context.this();
                context.lookup_stands_at(lookup, origin);
                self.route(node, Query { lookup, origin, key, hops: 0, sent: 0 }, context);
            }
            // Storing is for a layer above.
            Operation::Put { request, .. }
            | Operation::Get { request, .. }
            | Operation::Download { request } => context.fail(request),
            Operation::JoinThrough { contact } if node.standing == Standing::Joining => {
                node.contact = Some(contact);
            }
            Operation::JoinThrough { .. } | Operation::TakeNote => {}
        }
    }

    fn on_unreachable(
        &self,
        node: &mut MembershipNode,
        peer: Address,
        message: MembershipMessage,
        context: &mut Context<'_, Self>,
    ) {
        if let MembershipMessage::Query(query) = message {
            context.lookup_timed_out(query.lookup);
            self.mark_down(node, peer, context);
            self.route(node, query.taken_back(), context);
            return;
        }
        context.maintenance_timed_out();
        match message {
            MembershipMessage::JoinRequest { attempt } if node.standing == Standing::Joining => {
                membership::join_later(peer, attempt, context);
                context.contact_lost();
            }
            MembershipMessage::News { cause, attempt } if self.may_be_sent_again(attempt) => {
                let attempt = attempt + 1;
                self.tell(peer, context.received_list(), cause, attempt, context);
            }
            MembershipMessage::JoinRequest { .. } | MembershipMessage::Digest { .. } => {
                self.mark_down(node, peer, context);
                self.ask_another(node, context);
            }
            _ => self.mark_down(node, peer, context),
        }
    }

    fn on_leave(&self, node: &mut MembershipNode, context: &mut Context<'_, Self>) {
        self.leave(node, context);
        context.depart();
    }
}
