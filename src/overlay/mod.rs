//! The systems: one folder or file each, every one a [`Protocol`].
//!
//! Must not know: files, clocks, threads, the global truth. (A converged node is
//! made from pointers that the oracle computed; the overlay does not compute them.)

pub mod chord;

use crate::oracle::Pointers;
use crate::sim::{Address, Protocol};

/// An overlay whose nodes stand on a ring: how the oracle gives a node its pointers,
/// and how it looks at those that a node has.
pub trait RingOverlay: Protocol {
    /// Length of the successor list.
    fn successor_list_len(&self) -> usize;

    /// Whether nodes keep fingers.
    fn has_fingers(&self) -> bool;

    /// A node that has these pointers.
    fn converged_node(&self, pointers: Pointers) -> Self::Node;

    /// The node before this one, if it knows.
    fn predecessor(node: &Self::Node) -> Option<Address>;

    /// The nodes after this one, nearest first.
    fn successors(node: &Self::Node) -> &[Address];

    /// Finger `index`, counted from zero.
    fn finger(node: &Self::Node, index: u32) -> Option<Address>;
}
