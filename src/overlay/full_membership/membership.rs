//! Servers come and go.

use super::{
    Cause, Fact, FullMembership, MembershipMessage, MembershipNode, MembershipTimer, Newcomer,
    Spread, Standing,
};
use crate::sim::{Address, Context, Duration, Manner};

/// Time until a join that was not answered is tried again; doubled with every try.
const JOIN_AGAIN: Duration = Duration::from_secs(1);
/// No more doubling after this many tries: about every minute.
const MAX_DOUBLINGS: u8 = 6;
/// Time-outs during which the contact of a join passes news on. Others may have told theirs
/// to those that they knew before they heard of the newcomer: such news was sent within two
/// time-outs (the view and the announcement are each under way for less than one) and is
/// here within three, one more for each newcomer who lets others in.
const NEWCOMER_TIMEOUTS: u64 = 10;

impl FullMembership {
    /// The node is a member, in its own view.
    pub(super) fn become_member(&self, node: &mut MembershipNode) -> Fact {
        node.standing = Standing::Member;
        let fact = Fact { server: node.server, version: node.version(node.server).coming() };
        node.view.borrow_mut().learn(&[fact], &self.archive);
        fact
    }

    /// Asks for the contact's view.
    pub(super) fn ask_to_join(
        &self,
        contact: Address,
        attempt: u8,
        context: &mut Context<'_, Self>,
    ) {
        let question = MembershipMessage::JoinRequest { attempt };
        context.request(contact, question, &[], self.parameters.request_timeout);
    }

    /// Gives a joining node one's view.
    pub(super) fn let_in(
        &self,
        node: &mut MembershipNode,
        address: Address,
        context: &mut Context<'_, Self>,
    ) {
        if node.standing == Standing::Joining {
            return; // and it will ask again
        }
        let facts = node.view.borrow();
        context.send_as(address, MembershipMessage::JoinView, facts.facts(), Manner::Reply);
        if self.parameters.spread == Spread::Broadcast {
            // What this node has missed itself it hears only when it has settled.
            let until = node.settles.max(context.now()) + self.newcomer_time();
            // It may have asked before, and not been answered in time.
            node.newcomers.retain(|newcomer| newcomer.address != address);
            node.newcomers.push(Newcomer { address, until });
        }
    }

    /// The contact's view is here: from now on the node takes part.
    pub(super) fn join_with(
        &self,
        node: &mut MembershipNode,
        contact: Address,
        context: &mut Context<'_, Self>,
    ) {
        self.take_over(node, contact, context);
        if node.standing == Standing::Joining {
            let fact = self.become_member(node);
            match self.parameters.spread {
                Spread::Broadcast => self.broadcast(node, &[fact], Cause::Announcement, context),
                Spread::Gossip { .. } => self.make_known(node, fact, context),
                Spread::Instant => {}
            }
            context.joined();
        }
        if self.parameters.spread == Spread::Broadcast {
            let server = self.tokens.server_of(contact);
            let contact = Fact { server, version: node.version(server) };
            node.settles = context.now() + self.newcomer_time();
            context.set_timer(self.newcomer_time(), MembershipTimer::Settle { contact });
        }
    }

    /// Broadcast: sees whether the contact was there all the time and has passed on all.
    pub(super) fn settle(
        &self,
        node: &MembershipNode,
        contact: Fact,
        context: &mut Context<'_, Self>,
    ) {
        let was_there = contact.version.is_member();
        if was_there && node.version(contact.server) == contact.version {
            self.compare_with(node, self.tokens.host(contact.server), context);
        } else {
            self.ask_another(node, context);
        }
    }

    /// Broadcast: another member takes the place of a contact that is gone. It is the first in
    /// order for all: those who have missed each other meet there.
    pub(super) fn ask_another(&self, node: &MembershipNode, context: &mut Context<'_, Self>) {
        let first = node.view.borrow().iter().find(|server| *server != node.server);
        if self.parameters.spread == Spread::Broadcast
            && node.standing == Standing::Member
            && let Some(contact) = first
        {
            self.ask_to_join(self.tokens.host(contact), 0, context);
        }
    }

    /// Broadcast: how long a node is a newcomer.
    fn newcomer_time(&self) -> Duration {
        Duration::from_nanos(NEWCOMER_TIMEOUTS * self.parameters.request_timeout.as_nanos())
    }

    /// Says goodbye.
    pub(super) fn leave(&self, node: &mut MembershipNode, context: &mut Context<'_, Self>) {
        let member = node.standing == Standing::Member;
        node.standing = Standing::Leaving;
        if !member {
            return; // nobody has heard of it
        }
        let fact = Fact { server: node.server, version: node.version(node.server).going() };
        node.view.borrow_mut().learn(&[fact], &self.archive);
        match self.parameters.spread {
            Spread::Broadcast => self.broadcast(node, &[fact], Cause::Announcement, context),
            Spread::Gossip { .. } => self.push_farewell(node, fact, context),
            Spread::Instant => {}
        }
    }
}

/// The join was not answered.
pub(super) fn join_later(contact: Address, attempt: u8, context: &mut Context<'_, FullMembership>) {
    let wait = Duration::from_nanos(JOIN_AGAIN.as_nanos() << attempt.min(MAX_DOUBLINGS));
    let attempt = attempt.saturating_add(1);
    context.set_timer(wait, MembershipTimer::JoinAgain { contact, attempt });
}
