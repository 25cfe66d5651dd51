//! Requests find their way: in one hop if the view of the node that asks is right.

use super::{FullMembership, MembershipMessage, MembershipNode, Query, Standing};
use crate::sim::{Address, Context, LookupId};

/// A lookup is sent so often at most, by all nodes together: stale views may name each
/// other for ever.
pub const MAX_SENT: u8 = 8;

impl FullMembership {
    /// Answers a lookup that this node owns the key of, and sends on any other.
    pub(super) fn route(
        &self,
        node: &MembershipNode,
        query: Query,
        context: &mut Context<'_, Self>,
    ) {
        let known = node.standing != Standing::Joining;
        let Some(owner) = self.owner_token(node, query.key).filter(|_| known) else {
            return answer(query, None, context);
        };
        let server = self.tokens.server_of(owner);
        if server == node.server {
            answer(query, Some(owner), context);
        } else if query.sent < MAX_SENT {
            let message = MembershipMessage::Query(query.passed_on());
            let timeout = self.parameters.request_timeout;
            context.send_acknowledged(self.tokens.host(server), message, &[], timeout);
        } else {
            answer(query, None, context);
        }
    }
}

fn answer(query: Query, owner: Option<Address>, context: &mut Context<'_, FullMembership>) {
    let Query { lookup, origin, hops, .. } = query;
    if origin == context.this() {
        conclude(lookup, owner, hops, context);
    } else {
        context.send(origin, MembershipMessage::Answer { lookup, owner, hops }, &[]);
    }
}

/// The answer has come to the origin.
pub(super) fn conclude(
    lookup: LookupId,
    owner: Option<Address>,
    hops: u8,
    context: &mut Context<'_, FullMembership>,
) {
    match owner {
        Some(owner) => context.answer(lookup, owner, u32::from(hops)),
        None => context.give_up(lookup),
    }
}
