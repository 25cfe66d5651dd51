//! Where a node is reached: a small number that stands for its ip and port.

use std::fmt;
use std::num::NonZeroU32;

/// The address of a node: an index into the tables of the simulation. The ip and
/// port that it stands for matter to people only. `Option<Address>` is as small as
/// an `Address`: four bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(NonZeroU32);

impl Address {
    /// The address of the node at this index.
    ///
    /// # Panics
    /// From `u32::MAX` on.
    pub fn new(index: usize) -> Address {
        let number = u32::try_from(index + 1).expect("fewer than 2^32 − 1 nodes");
        Address(NonZeroU32::new(number).expect("index + 1 is not zero"))
    }

    /// The index of the node.
    pub fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{}", self.index())
    }
}
