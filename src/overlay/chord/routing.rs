//! TEMP until merge.
use std::hash::{Hash, Hasher};

use smallvec::SmallVec;

use super::{Chord, ChordNode};
use crate::id::Id;
use crate::overlay::KeyRouting;
use crate::sim::{Address, Context, Digest};

impl KeyRouting for Chord {
    fn owner(
        &self,
        node: &ChordNode,
        position: Id,
        context: &Context<'_, Self>,
    ) -> Option<Address> {
        let this = context.this();
        let successor = node.successors.first()?;
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
        let this = context.this();
        node.successors.iter().copied().filter(|s| *s != this).take(count).collect()
    }

    fn neighbourhood(&self, node: &ChordNode) -> u64 {
        let mut digest = Digest::default();
        (node.predecessor, &node.successors).hash(&mut digest);
        digest.finish()
    }

    fn suspect(&self, node: &mut ChordNode, peer: Address, context: &mut Context<'_, Self>) {
        self.forget(node, peer, context);
    }

    fn server(&self, node: Address) -> usize {
        node.index()
    }
}
