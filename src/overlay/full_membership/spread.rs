//! The others hear of it: by broadcast, or by rumours and anti-entropy.

use super::{
    Cause, Fact, FullMembership, MembershipMessage, MembershipNode, MembershipTimer, Newcomer,
    Rumour, Spread, Standing, View,
};
use crate::sim::{Address, Context, Duration, Manner};

/// A broadcast message is sent so often before its receiver is taken for dead.
pub const BROADCAST_ATTEMPTS: u8 = 4;
/// Rounds in which a rumour is pushed, beyond the log2 N in which it could reach all if
/// nobody heard it twice.
const EXTRA_ROUNDS: u32 = 4;

impl FullMembership {
    /// Takes over what is new in a list of facts, and gives it back. Contradicts what is
    /// wrong about this node itself.
    pub(super) fn learn(
        &self,
        node: &mut MembershipNode,
        facts: &[Fact],
        context: &mut Context<'_, Self>,
    ) -> Vec<Fact> {
        if self.parameters.spread == Spread::Instant {
            return Vec::new(); // the oracle knows better than any node
        }
        let news = node.view.borrow_mut().learn(facts, &self.archive);
        if node.standing == Standing::Member && !node.version(node.server).is_member() {
            let fact = self.become_member(node);
            self.make_known(node, fact, context);
        }
        news
    }

    /// A node did not answer: it is taken for dead.
    pub(super) fn mark_down(
        &self,
        node: &mut MembershipNode,
        peer: Address,
        context: &mut Context<'_, Self>,
    ) {
        let server = self.tokens.server_of(peer);
        let version = node.version(server);
        if self.parameters.spread == Spread::Instant || !version.is_member() {
            return;
        }
        let fact = Fact { server, version: version.going() };
        if fact.version < version {
            return; // somebody has used up all versions: nobody would believe this one
        }
        self.learn(node, &[fact], context);
        self.make_known(node, fact, context);
        // If it lives, it is not going to hear it from those who take it for dead.
        self.tell(peer, &[fact], Cause::News, 0, context);
    }

    /// The node has found something out.
    pub(super) fn make_known(
        &self,
        node: &mut MembershipNode,
        fact: Fact,
        context: &mut Context<'_, Self>,
    ) {
        node.untold.retain(|rumour| rumour.fact.server != fact.server);
        match self.parameters.spread {
            Spread::Instant => {}
            Spread::Broadcast => {
                if node.untold.is_empty() {
                    context.set_timer(Duration::ZERO, MembershipTimer::Tell);
                }
                node.untold.push(Rumour { fact, rounds: 1 });
            }
            Spread::Gossip { .. } => {
                let rounds = rounds(&node.view.borrow());
                node.untold.push(Rumour { fact, rounds });
            }
        }
    }

    /// Somebody tells something.
    pub(super) fn on_news(
        &self,
        node: &mut MembershipNode,
        from: Address,
        context: &mut Context<'_, Self>,
    ) {
        let news = self.learn(node, context.received_list(), context);
        match self.parameters.spread {
            Spread::Instant => {}
            Spread::Broadcast => self.pass_on(node, from, &news, context),
            Spread::Gossip { .. } => {
                for fact in news {
                    // What the node has contradicted is no news any more.
                    if node.version(fact.server) == fact.version {
                        self.make_known(node, fact, context);
                    }
                }
            }
        }
    }

    /// Sends news to one node.
    pub(super) fn tell(
        &self,
        to: Address,
        facts: &[Fact],
        cause: Cause,
        attempt: u8,
        context: &mut Context<'_, Self>,
    ) {
        let news = MembershipMessage::News { cause, attempt };
        context.send_acknowledged(to, news, facts, self.parameters.request_timeout);
    }

    /// Whether news that was not acknowledged is worth another try.
    pub(super) fn may_be_sent_again(&self, attempt: u8) -> bool {
        self.parameters.spread == Spread::Broadcast && attempt < BROADCAST_ATTEMPTS - 1
    }

    /// Broadcast: tells all members what this node has found out.
    pub(super) fn tell_all(&self, node: &mut MembershipNode, context: &mut Context<'_, Self>) {
        let facts: Vec<Fact> = node.untold.drain(..).map(|rumour| rumour.fact).collect();
        self.broadcast(node, &facts, Cause::News, context);
    }

    /// Broadcast: tells all members something, and those who are joining through this node.
    pub(super) fn broadcast(
        &self,
        node: &mut MembershipNode,
        facts: &[Fact],
        cause: Cause,
        context: &mut Context<'_, Self>,
    ) {
        let view = node.view.borrow();
        for server in view.iter().filter(|server| *server != node.server) {
            self.tell(self.tokens.host(server), facts, cause, 0, context);
        }
        node.newcomers.retain(|newcomer| newcomer.until >= context.now());
        let is_member = |newcomer: &Newcomer| view.has(self.tokens.server_of(newcomer.address));
        for newcomer in node.newcomers.iter().filter(|newcomer| !is_member(newcomer)) {
            self.tell(newcomer.address, facts, cause, 0, context);
        }
    }

    /// Broadcast: tells those who joined through this node what they may have missed.
    fn pass_on(
        &self,
        node: &mut MembershipNode,
        from: Address,
        news: &[Fact],
        context: &mut Context<'_, Self>,
    ) {
        if news.is_empty() {
            return;
        }
        node.newcomers.retain(|newcomer| newcomer.until >= context.now());
        for newcomer in node.newcomers.iter().filter(|newcomer| newcomer.address != from) {
            self.tell(newcomer.address, news, Cause::News, 0, context);
        }
    }

    /// Gossip: a round of rumour mongering.
    pub(super) fn push_rumours(
        &self,
        node: &mut MembershipNode,
        fanout: u32,
        context: &mut Context<'_, Self>,
    ) {
        if node.untold.is_empty() {
            return;
        }
        let facts: Vec<Fact> = node.untold.iter().map(|rumour| rumour.fact).collect();
        for _ in 0..fanout {
            let Some(partner) = self.partner(node, context) else { return };
            self.tell(partner, &facts, Cause::News, 0, context);
        }
        node.untold.iter_mut().for_each(|rumour| rumour.rounds -= 1);
        node.untold.retain(|rumour| rumour.rounds > 0);
    }

    /// Gossip: pushes the last rumour of a node that leaves.
    pub(super) fn push_farewell(
        &self,
        node: &MembershipNode,
        fact: Fact,
        context: &mut Context<'_, Self>,
    ) {
        let rounds = rounds(&node.view.borrow());
        for _ in 0..rounds {
            let Some(partner) = self.partner(node, context) else { return };
            self.tell(partner, &[fact], Cause::Announcement, 0, context);
        }
    }

    /// Gossip: asks a random member whether it knows the same.
    pub(super) fn compare_with_a_partner(
        &self,
        node: &MembershipNode,
        context: &mut Context<'_, Self>,
    ) {
        if node.standing == Standing::Member
            && let Some(partner) = self.partner(node, context)
        {
            self.compare_with(node, partner, context);
        }
    }

    /// Anti-entropy: asks a member whether it knows the same.
    pub(super) fn compare_with(
        &self,
        node: &MembershipNode,
        partner: Address,
        context: &mut Context<'_, Self>,
    ) {
        let question = MembershipMessage::Digest { checksum: node.view.borrow().checksum() };
        context.request(partner, question, &[], self.parameters.request_timeout);
    }

    /// Anti-entropy: says whether this node knows the same, and what it knows if not.
    pub(super) fn compare(
        &self,
        node: &MembershipNode,
        checksum: u64,
        context: &mut Context<'_, Self>,
    ) {
        let view = node.view.borrow();
        if view.checksum() == checksum {
            context.reply(MembershipMessage::Agreement, &[]);
        } else {
            let this = context.this();
            context.send_as(this, MembershipMessage::WholeView, view.facts(), Manner::Reply);
        }
    }

    /// Anti-entropy: takes over what the partner knows, and tells it what it does not.
    pub(super) fn reconcile(
        &self,
        node: &mut MembershipNode,
        partner: Address,
        context: &mut Context<'_, Self>,
    ) {
        let theirs = context.received_list();
        self.take_over(node, partner, context);
        let missing: Vec<Fact> = node.view.borrow().beyond(theirs).collect();
        if !missing.is_empty() {
            context.send(partner, MembershipMessage::MissingFacts, &missing);
        }
    }

    /// Takes over what the partner knows. It is no rumour any more; but who is joining
    /// through this node may have missed it as well.
    pub(super) fn take_over(
        &self,
        node: &mut MembershipNode,
        partner: Address,
        context: &mut Context<'_, Self>,
    ) {
        let news = self.learn(node, context.received_list(), context);
        self.pass_on(node, partner, &news, context);
    }

    /// A random other member.
    fn partner(&self, node: &MembershipNode, context: &mut Context<'_, Self>) -> Option<Address> {
        let view = node.view.borrow();
        let others = view.members() - usize::from(view.has(node.server));
        if others == 0 {
            return None;
        }
        loop {
            let position = context.random().below(view.members() as u64) as usize;
            let server = view.member(position);
            if server != node.server {
                return Some(self.tokens.host(server));
            }
        }
    }
}

/// In how many rounds a rumour is pushed.
fn rounds(view: &View) -> u32 {
    view.members().next_power_of_two().ilog2() + EXTRA_ROUNDS
}
