//! Lookups that have no answer and begin again.

use super::books::Tried;
use super::{Chord, ChordNode, ChordTimer, LookupStyle, Query, QueryFor};
use crate::id::Id;
use crate::sim::{Context, LookupId};

impl Chord {
    /// A lookup of the workload begins.
    pub(super) fn look_up(
        &self,
        node: &mut ChordNode,
        lookup: LookupId,
        target: Id,
        context: &mut Context<'_, Self>,
    ) {
        if let Some(retries) = self.refinements.retries {
            let due = context.now() + retries.after;
            node.books.open(Tried { lookup, target, due, left: retries.count, under_way: 1 });
            context.set_timer(retries.after, ChordTimer::RetryLookups);
        }
        self.try_lookup(node, lookup, target, context);
    }

    fn try_lookup(
        &self,
        node: &mut ChordNode,
        lookup: LookupId,
        target: Id,
        context: &mut Context<'_, Self>,
    ) {
        let origin = context.this();
        context.lookup_stands_at(lookup, origin);
        let query = Query { purpose: QueryFor::Lookup(lookup), origin, hops: 0, target };
        if self.refinements.parallel > 1 && self.lookup == LookupStyle::Iterative {
            self.search(node, lookup, query, context);
        } else {
            self.find_successor(node, query, context);
        }
    }

    /// Tries again the lookups that have waited long enough, and gives up those that have been
    /// tried often enough.
    pub(super) fn retry_lookups(&self, node: &mut ChordNode, context: &mut Context<'_, Self>) {
        let Some(retries) = self.refinements.retries else { return };
        while let Some(due) = node.books.take_due(context.now(), retries.after) {
            if due.left == 0 {
                context.give_up(due.lookup);
            } else {
                context.lookup_retried(due.lookup);
                context.set_timer(retries.after, ChordTimer::RetryLookups);
                self.try_lookup(node, due.lookup, due.target, context);
            }
        }
    }
}
