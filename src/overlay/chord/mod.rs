//! Chord: nodes on a ring, each knowing its successors and a table of fingers.
//!
//! \[S\] I. Stoica, R. Morris, D. Karger, M. F. Kaashoek, H. Balakrishnan: Chord: A
//! Scalable Peer-to-peer Lookup Service for Internet Applications. SIGCOMM 2001.
//!
//! \[T\] The same with D. Liben-Nowell and F. Dabek, IEEE/ACM Transactions on
//! Networking 11(1), 2003.
//!
//! Before working on this folder you should read, at least, \[T\] Section IV. The
//! state machine is here, its lookups are in `lookup.rs`, joining and stabilisation
//! in `maintenance.rs`, the base version of joining, \[S\] Section 4.4, in `base.rs`.
//!
//! # Implementation notes
//!
//! Where this departs from the papers, or settles what they leave open:
//!
//! - Fingers are counted from 0 here, from 1 there: our finger *i* starts at *n* + 2^*i*.
//! - `find_successor` is \[T\] Figure 5: a node whose key lies in (itself, successor]
//!   answers, any other asks or passes on to the closest preceding node. A node does
//!   not ask whether it owns the key itself, so a lookup of one's own key goes around
//!   the ring, as printed.
//! - With a successor list of more than one, or without fingers, the closest preceding
//!   node is sought in the list as well (\[T\] Section IV-E.3).
//! - A contact that does not answer is dropped from the tables, and the lookup goes on
//!   with the next best one that precedes it (iterative: of the last node that answered;
//!   if that one has failed too, of the origin). When all that a node knows before the
//!   key have failed, its first successor behind the key is the answer.
//!   The answer of one that was only slow is ignored then; that of `stabilize`, however
//!   late, proves a node alive and is taken.
//! - Every node names one that comes strictly nearer to the key than itself, so a query
//!   that is passed on cannot go in circles. An iterative lookup falls back behind a node
//!   that failed after it was asked, once for every such failure.
//! - A finger lookup can come back with a node that lies beyond the asking node, if the
//!   ring does not know that node yet. The asking node knows better: such a finger is
//!   itself.
//! - All fingers that start no further than the successor *are* the successor; they are
//!   set whenever the successor is. (The papers set finger 1 only and let
//!   `fix_fingers` find out about the others.)
//! - `stabilize` asks for predecessor and successor list in one message. With
//!   `ask_before_adopting` the node asks the successor's predecessor the same before it
//!   adopts it, which proves it alive and brings its list; without, it adopts at once.
//!   If that one does not answer, the successor is notified as if it had not been named.
//! - When the successor does not answer, the next of the list takes its place and is
//!   asked at once; behind the last one comes the nearest finger, then the predecessor.
//! - In recursive lookups every forward is acknowledged by the next node's transport.
//!   The way back of the answer rides in the message instead of being state of the
//!   nodes on the path; it is not counted in the bytes. The answer itself is not
//!   acknowledged: when it is lost, or a node on its way has died, the lookup stays
//!   without one. A forward whose acknowledgement is lost goes two ways from there; the
//!   first answer counts, with the hops of its own way.
//! - A join whose answer does not come is tried again through the same contact after 1,
//!   2, 4 … seconds, or through another one if the contact itself does not answer (a node
//!   is named to it from outside, as the first one was); every second if the contact says that it is not on the ring itself
//!   yet, or names the joining node itself: then the ring still knows an earlier life of it.
//!   A joining node does not answer those who ask that one, so they take it for dead.
//! - A leaving node sends predecessor and successor one message each and is gone. The
//!   predecessor takes over its successor list.
//!
//! Off unless asked for ([`Refinements`], `refinements.rs`; what a node keeps for it stands in
//! `books.rs`):
//!
//! - With `confirm_owner` the origin of an iterative lookup, or the key's predecessor of one
//!   that was passed on, asks the owner for a sign of life. One that does not answer is a
//!   time-out of the lookup, counted apart too: \[T\] counts up to the predecessor.
//! - With `confirm_owner`, or without `remember_failures`, a lookup takes the nodes that have
//!   failed along, on the wire if it is passed on or when another node is asked, so it runs
//!   into none twice. What the sender alone needs when the answer comes rides in the messages
//!   instead of being its state, and is not counted in the bytes.
//! - Retries begin at the origin by its timer (`retry.rs`). A try still under way is not
//!   stopped; a late answer of an iterative one is ignored, any other is taken.
//! - Parallel lookups (`parallel.rs`) take the failed nodes along always. When all that a node
//!   has named have failed it is asked again, for others. When the owner does not confirm, the
//!   lookup goes on one node at a time. They are for the workload; fingers and joins ask one
//!   node at a time.
//! - Round trips (`timing.rs`) are those of requests; an acknowledgement of the transport is
//!   not timed, so where lookups are passed on only maintenance measures. Peers that are not in
//!   the tables are not remembered.
//! - A choice among the followers of a finger (`proximity.rs`) is made when the finger has been
//!   looked up: the node found names its successors, each candidate without a known distance is
//!   probed, and who answers faster than the present finger takes its place. The next hop is
//!   chosen among the closest preceding finger and what is known after it that precedes the key;
//!   the followers of a finger are asked for anew whenever it is fixed. Nodes of a ring that starts converged have
//!   measured all this before. Fingers up to the successor are not chosen: they are that one.
//! - \[T\]'s churn experiments refresh the successor and one other entry in one call of
//!   stabilisation: that is `stabilize` and `fix_fingers` at the same period.
//!
//! And of the base version:
//!
//! - Nobody is asked again. A node that fails or a message that is lost leaves the join or
//!   the departure incomplete, and overlapping ones leave wrong pointers: the paper assumes
//!   that neither happens. The successor list has one entry, as in the paper.
//! - The steps are made one after the other, as printed. *n* + 1 and the other finger starts
//!   are looked up through the contact; `find_predecessor` of `update_others` starts at *n*.
//! - With `skip_covered` a finger whose start *is* the finger before is not looked up either:
//!   the printed interval [*n*, finger) leaves that one out.
//! - Hints (\[S\] gives no details): *n* takes the distinct entries of its successor's table
//!   for its own. To verify one it asks it for its predecessor, and that one for its, until
//!   the predecessor stands before the finger's start: two questions a finger on average. A
//!   start in (predecessor, *n*] needs none, the finger is *n*.
//! - `update_others` looks for the last node before *n* − 2^*i* + 1, since the printed
//!   *n* − 2^*i* misses a node that stands exactly there. That node is told of all fingers
//!   for which it is the last one, in one message; when it is the predecessor, nobody needs
//!   to be looked for. So there are O(log N) lookups instead of m.
//! - `update_finger_table` is passed on from node to node, and the last one answers *n*. It
//!   ends where nothing changes or when it has come round to *n*, where the printed
//!   condition, an interval that is the whole ring for a node alone, would go on for ever.
//! - A leaving node gives its successor its predecessor, then has the fingers that are *n*
//!   replaced by the same walk. \[S\] leaves that out.

mod base;
mod books;
mod fingers;
mod lookup;
mod maintenance;
mod message;
mod parallel;
mod proximity;
mod refinements;
mod retry;
#[cfg(test)]
pub(super) mod robustness;
#[cfg(test)]
mod tests;
mod timing;

use std::hash::{Hash, Hasher};

use smallvec::SmallVec;

pub use base::FingerInit;
pub use fingers::{Finger, FingerTable};
pub use message::{Change, ChordMessage, Query, QueryFor, Step};
pub use refinements::{Refinements, Retries};

use books::Books;
use lookup::{Trail, note_presence};

use crate::id::{Id, IdSpace};
use crate::oracle::{Pointers, Truth};
use crate::overlay::{KeyRouting, Neighbours, NodeEstimate, Overlay, RingShape, allocated};
use crate::sim::{Address, Context, Digest, Duration, Operation, Protocol, Start};

/// The parameters of a Chord ring.
#[derive(Clone, PartialEq, Debug)]
pub struct Chord {
    /// The identifiers.
    pub space: IdSpace,
    /// Length of the successor list, *r* ≥ 1.
    pub successors: usize,
    /// Whether nodes keep fingers.
    pub fingers: bool,
    /// How nodes join and leave.
    pub join: JoinVersion,
    /// Who asks whom during a lookup.
    pub lookup: LookupStyle,
    /// After this time without an answer a node is taken for dead.
    pub request_timeout: Duration,
    /// When to stabilise; never if `None`.
    pub stabilize: Option<Period>,
    /// When to repair fingers; never if `None`.
    pub fix_fingers: Option<(Period, FixedFingers)>,
    /// When to ask the predecessor whether it lives; never if `None`.
    pub check_predecessor: Option<Period>,
    /// Whether a new successor is asked for a sign of life before it is adopted.
    pub ask_before_adopting: bool,
    /// How often a server stands on the ring: its nodes have addresses side by side.
    pub virtual_nodes: usize,
    /// What it does beyond the printed protocol.
    pub refinements: Refinements,
}

/// How nodes join and leave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JoinVersion {
    /// A joining node finds its successor, and stabilisation does the rest: \[T\] Section
    /// IV-E.
    Stabilized,
    /// A joining node makes all pointers right, its own and those of others, one node at a
    /// time: \[S\] Section 4.4. Needs a successor list of one.
    Base(FingerInit),
}

/// Who asks whom during a lookup.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LookupStyle {
    /// The origin asks every node in turn.
    Iterative,
    /// The query is passed on, the answer comes back along its path.
    Recursive,
    /// The query is passed on, the last node answers the origin.
    SemiRecursive,
}

/// Which fingers a round of `fix_fingers` looks up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FixedFingers {
    /// The next of all m.
    InTurn,
    /// The next of those that start beyond the successor.
    InTurnDistant,
    /// All that start beyond the successor.
    AllDistant,
}

/// Something done again and again.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Period {
    /// Mean time from one round to the next.
    pub mean: Duration,
    /// Each waiting time is uniform within this share of the mean, up or down.
    pub jitter: f64,
}

/// A successor list. A short one stands in the node itself: one cache miss less for every
/// step of a lookup.
type Successors = SmallVec<[Address; INLINE_SUCCESSORS]>;

/// How many of them stand in the node itself.
const INLINE_SUCCESSORS: usize = 4;

/// The state of one node.
///
/// What every step of a lookup reads stands at the front and so in few cache lines; `repr(C)`
/// keeps it there. The flags are among it: in what their bytes never are, an `Option` of a node
/// says that there is none.
#[derive(Clone, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct ChordNode {
    predecessor: Option<Address>,
    /// The finger that `fix_fingers` looks up next, or that a joining or leaving node of the
    /// base version has made right in other nodes next.
    next_finger: u32,
    /// Through whom the node joins.
    contact: Option<Address>,
    /// Whether the contact cannot let it in yet, and need only be asked a little later.
    try_again_soon: bool,
    /// Whether the node has been asked to leave.
    is_leaving: bool,
    /// Nearest first; the node itself when it is alone; empty until it has joined.
    successors: Successors,
    /// The clockwise distance to the first of them: every step of a lookup compares with
    /// it. Zero when the node is alone.
    successor_distance: Id,
    /// About its lookups and requests, if the parameters ask for it.
    books: Books,
    fingers: FingerTable,
}

/// What a node wakes itself up for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum ChordTimer {
    /// A round of `stabilize`.
    Stabilize,
    /// A round of `fix_fingers`.
    FixFingers,
    /// A round of `check_predecessor`.
    CheckPredecessor,
    /// The join that was tried this often has not been answered.
    JoinAgain(u8),
    /// A lookup that has no answer is to begin again.
    RetryLookups,
}

impl Overlay for Chord {
    fn system(&self) -> &'static str {
        match self.join {
            _ if !self.fingers => "successor ring",
            _ if self.followers_of_fingers() > 0 => "proximity Chord",
            JoinVersion::Stabilized => "Chord",
            JoinVersion::Base(_) => "Chord base",
        }
    }

    fn converged<'a>(
        &'a self,
        truth: Truth<'a>,
        round_trip: impl Fn(Address, Address) -> Duration + 'a,
    ) -> impl FnMut(Address) -> ChordNode + 'a {
        let mut right = truth.all_pointers(self.successors, self.fingers);
        move |address| {
            let mut node = self.converged_node(right.of(address));
            self.choose_converged(&mut node, address, truth, &round_trip);
            node
        }
    }

    fn estimate(&self, nodes: usize) -> NodeEstimate {
        let log2_nodes = nodes.max(2).ilog2() as usize + 1;
        let list_bytes = if self.successors > INLINE_SUCCESSORS {
            allocated(self.successors * size_of::<Address>())
        } else {
            0
        };
        let runs = if self.fingers { log2_nodes + 1 } else { 1 };
        let refined = &self.refinements;
        let keeps_books = refined.retries.is_some()
            || refined.parallel > 1
            || refined.shortest_timeout.is_some()
            || refined.finger_choices > 1
            || refined.next_hop_choices > 1;
        let choices = refined.next_hop_choices.max(1);
        let entries = (log2_nodes + self.successors) * choices;
        let book_bytes = if keeps_books { Books::estimated_bytes(entries) } else { 0 };
        let hops = if self.fingers {
            log2_nodes as f64 / 2.0
        } else {
            nodes as f64 / 2.0 / self.successors as f64
        };
        // To the owner's predecessor, and the answer. Who asks every node in turn hears of each.
        let lookup_messages = match self.lookup {
            LookupStyle::Iterative | LookupStyle::Recursive => 2.0 * hops,
            LookupStyle::SemiRecursive => hops + 1.0,
        };
        let retries = refined.retries.map(|retries| retries.after);
        // The fingers that a newcomer looks up, and those who should point at it.
        let looked_up = match self.join {
            JoinVersion::Stabilized => 1,
            JoinVersion::Base(FingerInit::Each) => self.space.bits() as usize + log2_nodes,
            JoinVersion::Base(_) => 2 * log2_nodes,
        };
        NodeEstimate {
            heap_bytes: list_bytes + FingerTable::estimated_bytes(runs) + book_bytes,
            lookup_messages,
            join_messages: looked_up as f64 * lookup_messages,
            ..NodeEstimate::default()
        }
        .with_timer(self.stabilize.map(|period| period.mean), 3.0)
        .with_timer(self.fix_fingers.map(|(period, _)| period.mean), lookup_messages)
        .with_timer(self.check_predecessor.map(|period| period.mean), 2.0)
        .with_timer(retries, 0.0)
    }

    fn routing_entries(&self, node: &ChordNode) -> usize {
        let fingers = node.fingers.runs().filter_map(|(_, finger)| finger);
        let list = node.successors.iter().copied();
        let mut known: Vec<Address> = list.chain(fingers).chain(node.predecessor).collect();
        known.sort_unstable();
        known.dedup();
        known.len()
    }

    fn ring(&self) -> Option<RingShape> {
        Some(RingShape {
            successors: self.successors,
            fingers: self.fingers,
            finger_choices: self.refinements.finger_choices,
        })
    }

    fn neighbours(&self, node: &ChordNode, _: Address, _: &[Id]) -> Neighbours {
        Neighbours { predecessor: node.predecessor, successors: node.successors.to_vec() }
    }

    fn finger(&self, node: &ChordNode, index: u32) -> Option<Address> {
        node.fingers.get(index)
    }

    fn finger_runs(&self, node: &ChordNode) -> SmallVec<[(u32, Option<Address>); 32]> {
        node.fingers.runs().collect()
    }

    fn is_right_after_joins(&self) -> bool {
        self.is_base()
    }
}

impl KeyRouting for Chord {
    fn owner(
        &self,
        node: &ChordNode,
        position: Id,
        context: &Context<'_, Self>,
    ) -> Option<Address> {
        let this = context.this();
        let successor = node.successors.first()?;
        // A new ring's first node has no predecessor before it stabilises.
        let predecessor = node.predecessor.or_else(|| (*successor == this).then_some(this))?;
        let is_own = position.is_owned_between(context.id(predecessor), context.this_id());
        Some(if is_own { this } else { predecessor })
    }

    fn followers(
        &self,
        node: &ChordNode,
        _: Id,
        count: usize,
        context: &Context<'_, Self>,
    ) -> SmallVec<[Address; 4]> {
        let mut followers = SmallVec::<[Address; 4]>::new();
        for successor in &node.successors {
            let mut seen = followers.iter().copied().chain([context.this()]);
            if followers.len() < count
                && seen.all(|other| self.server(other) != self.server(*successor))
            {
                followers.push(*successor);
            }
        }
        followers
    }

    fn server(&self, node: Address) -> usize {
        node.index() / self.virtual_nodes
    }

    fn neighbourhood(&self, node: &ChordNode) -> u64 {
        let mut digest = Digest::default();
        (node.predecessor, &node.successors).hash(&mut digest);
        digest.finish()
    }

    fn suspect(&self, node: &mut ChordNode, peer: Address, context: &mut Context<'_, Self>) {
        self.forget(node, peer, context);
    }
}

impl Protocol for Chord {
    type Node = ChordNode;
    type Message = ChordMessage;
    type Timer = ChordTimer;

    fn new_node(&self, _: Address) -> ChordNode {
        ChordNode {
            predecessor: None,
            successors: Successors::with_capacity(self.successors),
            successor_distance: Id::ZERO,
            fingers: FingerTable::empty(),
            next_finger: 0,
            contact: None,
            try_again_soon: false,
            is_leaving: false,
            books: Books::default(),
        }
    }

    fn prefetch(&self, node: &ChordNode, id: Id, message: Option<&ChordMessage>) {
        if let Some(query) = message.and_then(ChordMessage::query) {
            node.fingers.prefetch(self.space, id.distance_to(query.target));
        }
    }

    fn on_start(&self, node: &mut ChordNode, start: Start, context: &mut Context<'_, Self>) {
        match start {
            Start::Create => {
                self.set_successor(node, context.this(), context);
                if self.is_base() {
                    node.predecessor = Some(context.this());
                }
            }
            Start::Join { contact } if self.is_base() => self.join_base(node, contact, context),
            Start::Join { contact } => self.join(node, contact, 0, context),
            Start::Resume => {}
        }
        // A node's first rounds come anywhere within the period: nodes that start
        // together do not keep step.
        for (period, timer) in self.periods() {
            let first = context.random().between(Duration::ZERO, period.mean);
            context.set_timer(first, timer);
        }
    }

    fn on_message(
        &self,
        node: &mut ChordNode,
        from: Address,
        message: ChordMessage,
        context: &mut Context<'_, Self>,
    ) {
        let took = self.time_answer(node, from, message, context);
        match message {
            ChordMessage::FindNext { query, before, .. } => {
                self.answer_find_next(node, query, before, context);
            }
            // The lookup has gone on another way: it must not become two.
            ChordMessage::Next { .. }
            | ChordMessage::OwnerConfirmed { .. }
            | ChordMessage::Closest { .. }
            | ChordMessage::Followers { .. }
                if context.is_late() => {}
            ChordMessage::Next { query, step } => {
                note_presence(query, from, context);
                let trail = Trail { failed: context.received_list(), ..Trail::START };
                self.take_step(node, query, step, from, trail, context);
            }
            ChordMessage::Find { query } => self.pass_on(node, query, 0, context),
            ChordMessage::FindAvoiding { query, failed } => {
                self.pass_on(node, query, failed, context);
            }
            ChordMessage::ConfirmOwner { query, failed, .. } => {
                self.answer_confirm_owner(node, query, failed, context);
            }
            ChordMessage::OwnerConfirmed { query } => {
                self.pass_back(node, query, Some(from), context.received_list(), context);
            }
            ChordMessage::FindClosest { query } => self.answer_find_closest(node, query, context),
            ChordMessage::Closest { query, step } => {
                self.on_closest(node, from, query, step, context);
            }
            ChordMessage::Superseded { predecessor } => {
                self.on_superseded(node, from, predecessor, context);
            }
            ChordMessage::Found { query, owner } => {
                self.pass_back(node, query, owner, context.received_list(), context);
            }
            // Who asks a joining node knows an earlier life of it, which has ended.
            ChordMessage::GetNeighbours
            | ChordMessage::Ping
            | ChordMessage::GetFollowers { .. }
            | ChordMessage::Probe { .. }
                if node.successors.is_empty() => {}
            ChordMessage::GetNeighbours => {
                let predecessor = node.predecessor;
                context.reply(ChordMessage::Neighbours { predecessor }, &node.successors);
            }
            ChordMessage::GetFollowers { finger } => {
                self.answer_get_followers(node, finger, context);
            }
            ChordMessage::Followers { finger } => self.on_followers(node, finger, from, context),
            ChordMessage::Probe { finger } => {
                context.reply(ChordMessage::Probed { finger }, &[]);
            }
            ChordMessage::Probed { finger } => self.on_probed(node, finger, from, took, context),
            ChordMessage::Neighbours { predecessor } => {
                self.stabilize_with(node, from, predecessor, context);
            }
            ChordMessage::Notify => self.on_notify(node, from, context),
            ChordMessage::Ping => context.reply(ChordMessage::Pong, &[]),
            ChordMessage::Pong => {}
            ChordMessage::Leave { predecessor } => self.on_left(node, from, predecessor, context),
            ChordMessage::SetPredecessor { predecessor } => {
                let previous = std::mem::replace(&mut node.predecessor, predecessor);
                let answer = ChordMessage::PreviousPredecessor { predecessor: previous };
                context.reply(answer, &[]);
            }
            ChordMessage::PreviousPredecessor { predecessor } => {
                self.on_place_taken(node, from, predecessor, context);
            }
            ChordMessage::GetTable => self.answer_get_table(node, context),
            ChordMessage::Table => self.on_table(node, context),
            ChordMessage::GetPredecessor { finger } => {
                let predecessor = node.predecessor;
                context.reply(ChordMessage::Predecessor { finger, predecessor }, &[]);
            }
            ChordMessage::Predecessor { finger, predecessor } => {
                self.on_hint_answer(node, finger, from, predecessor, context);
            }
            ChordMessage::UpdateFingers { change, fingers } => {
                self.on_update_fingers(node, change, fingers, context);
            }
            ChordMessage::FingersUpdated => self.on_fingers_updated(node, context),
        }
    }

    fn on_leave(&self, node: &mut ChordNode, context: &mut Context<'_, Self>) {
        if std::mem::replace(&mut node.is_leaving, true) {
            return; // it is on its way
        }
        if self.is_base() {
            self.leave_base(node, context);
        } else {
            self.leave(node, context);
        }
    }

    fn on_timer(&self, node: &mut ChordNode, timer: ChordTimer, context: &mut Context<'_, Self>) {
        match timer {
            ChordTimer::Stabilize => self.stabilize(node, context),
            ChordTimer::FixFingers => self.fix_fingers(node, context),
            ChordTimer::CheckPredecessor => self.check_predecessor(node, context),
            ChordTimer::JoinAgain(attempt) => self.join_again(node, attempt, context),
            ChordTimer::RetryLookups => self.retry_lookups(node, context),
        }
        if let Some((period, _)) = self.periods().find(|(_, own)| *own == timer) {
            let wait = context.random().jittered(period.mean, period.jitter);
            context.set_timer(wait, timer);
        }
    }

    fn on_operation(
        &self,
        node: &mut ChordNode,
        operation: Operation,
        context: &mut Context<'_, Self>,
    ) {
        match operation {
            Operation::Lookup { lookup, key } => self.look_up(node, lookup, key, context),
            // Storing is for a layer above.
            Operation::Put { request, .. }
            | Operation::Get { request, .. }
            | Operation::Download { request } => context.fail(request),
            Operation::JoinThrough { contact } => Self::join_through(node, contact),
            Operation::TakeNote => {}
        }
    }

    fn on_unreachable(
        &self,
        node: &mut ChordNode,
        peer: Address,
        message: ChordMessage,
        context: &mut Context<'_, Self>,
    ) {
        let was_successor = node.successors.first() == Some(&peer);
        let lookup = message.lookup();
        self.time_out(node, peer, message);
        if lookup.is_none() || self.refinements.remember_failures {
            self.forget(node, peer, context);
        }
        match (lookup, message) {
            (Some(lookup), ChordMessage::ConfirmOwner { .. }) => context.owner_timed_out(lookup),
            (Some(lookup), _) => context.lookup_timed_out(lookup),
            (None, _) => context.maintenance_timed_out(),
        }
        if node.successors.is_empty() && node.contact == Some(peer) && !self.is_base() {
            context.contact_lost();
        }
        match message {
            ChordMessage::FindNext { query, via, .. } => {
                self.ask_again(node, query, peer, via, context);
            }
            ChordMessage::Find { query } => self.pass_on_again(node, query, 0, peer, context),
            ChordMessage::FindAvoiding { query, failed } => {
                self.pass_on_again(node, query, failed, peer, context);
            }
            ChordMessage::ConfirmOwner { query, via, failed } => {
                self.settle_without(node, query, peer, (via, failed), context);
            }
            ChordMessage::FindClosest { query } => self.search_without(node, query, peer, context),
            ChordMessage::GetNeighbours if was_successor => self.stabilize(node, context),
            ChordMessage::GetNeighbours => self.stabilize_without(node, peer, context),
            _ => {}
        }
    }
}

impl Chord {
    /// A ring with fingers and one successor, one node a server, whose iterative lookups wait
    /// half a second for an answer and whose nodes do nothing by themselves.
    pub fn new(space: IdSpace) -> Chord {
        Chord {
            space,
            successors: 1,
            fingers: true,
            join: JoinVersion::Stabilized,
            lookup: LookupStyle::Iterative,
            request_timeout: Duration::from_millis(500),
            stabilize: None,
            fix_fingers: None,
            check_predecessor: None,
            ask_before_adopting: true,
            virtual_nodes: 1,
            refinements: Refinements::default(),
        }
    }

    fn is_base(&self) -> bool {
        matches!(self.join, JoinVersion::Base(_))
    }

    /// A node that has these pointers.
    pub fn converged_node(&self, pointers: &Pointers) -> ChordNode {
        let fingers = if self.fingers {
            FingerTable::from_runs(pointers.fingers.iter().copied())
        } else {
            FingerTable::empty()
        };
        ChordNode {
            predecessor: Some(pointers.predecessor),
            successors: Successors::from_slice(&pointers.successors),
            successor_distance: pointers.successor_distance,
            fingers,
            next_finger: 0,
            contact: None,
            try_again_soon: false,
            is_leaving: false,
            books: Books::default(),
        }
    }

    /// The rounds that this ring's nodes make.
    fn periods(&self) -> impl Iterator<Item = (Period, ChordTimer)> + use<> {
        let fix_fingers = self.fix_fingers.map(|(period, _)| period);
        [
            (self.stabilize, ChordTimer::Stabilize),
            (fix_fingers, ChordTimer::FixFingers),
            (self.check_predecessor, ChordTimer::CheckPredecessor),
        ]
        .into_iter()
        .filter_map(|(period, timer)| period.map(|period| (period, timer)))
    }
}
