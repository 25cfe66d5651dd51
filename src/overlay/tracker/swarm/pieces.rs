//! A set of pieces: the bitfield of BEP 3.

use smallvec::SmallVec;

use crate::overlay::allocated;
use crate::overlay::tracker::Item;

/// Words of a set that stand in it.
const INLINE_WORDS: usize = 4;

/// A set of pieces. Up to 256 of them stand in the set itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pieces {
    words: SmallVec<[u64; INLINE_WORDS]>,
    all: u32,
    len: u32,
}

impl Pieces {
    /// Bytes outside the struct itself, about, for so many pieces.
    pub(super) fn estimated_bytes(all: u32) -> usize {
        let words = all.div_ceil(u64::BITS) as usize;
        if words > INLINE_WORDS { allocated(words * size_of::<u64>()) } else { 0 }
    }

    /// None of `all` pieces.
    pub fn none(all: u32) -> Pieces {
        Pieces { words: SmallVec::from_elem(0, all.div_ceil(64) as usize), all, len: 0 }
    }

    /// All of them.
    pub fn all(all: u32) -> Pieces {
        let mut pieces = Pieces::none(all);
        for piece in 0..all {
            pieces.insert(piece);
        }
        pieces
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        self.len
    }

    /// Whether it is all there are.
    pub fn is_full(&self) -> bool {
        self.len == self.all
    }

    /// How many there could be.
    pub fn capacity(&self) -> u32 {
        self.all
    }

    /// Whether this piece is one.
    pub fn contains(&self, piece: u32) -> bool {
        self.words[piece as usize / 64] & bit(piece) != 0
    }

    /// Adds a piece; whether it was missing.
    pub fn insert(&mut self, piece: u32) -> bool {
        let is_new = !self.contains(piece);
        self.words[piece as usize / 64] |= bit(piece);
        self.len += u32::from(is_new);
        is_new
    }

    /// Takes a piece out.
    pub fn remove(&mut self, piece: u32) {
        self.len -= u32::from(self.contains(piece));
        self.words[piece as usize / 64] &= !bit(piece);
    }

    /// The pieces in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + Clone + '_ {
        ones(self.words.iter().copied())
    }

    /// The pieces that neither of two other sets has, in ascending order.
    pub fn beyond<'a>(
        &'a self,
        one: &'a Pieces,
        other: &'a Pieces,
    ) -> impl Iterator<Item = u32> + Clone + 'a {
        let others = one.words.iter().zip(&other.words);
        ones(self.words.iter().zip(others).map(|(own, (one, other))| own & !one & !other))
    }

    /// Whether another set has all of these.
    pub fn is_within(&self, other: &Pieces) -> bool {
        self.words.iter().zip(&other.words).all(|(own, other)| own & !other == 0)
    }

    /// The set as it is attached to a message.
    pub fn to_items(&self) -> impl Iterator<Item = Item> + '_ {
        self.words.iter().map(|word| Item::Pieces(*word))
    }

    /// The pieces of an attached set.
    pub fn in_items(items: &[Item]) -> impl Iterator<Item = u32> + '_ {
        ones(items.iter().map(|item| match item {
            Item::Pieces(word) => *word,
            _ => 0,
        }))
    }
}

fn bit(piece: u32) -> u64 {
    1 << (piece % 64)
}

/// The places of the ones in these words.
fn ones<W: Iterator<Item = u64> + Clone>(words: W) -> impl Iterator<Item = u32> + Clone {
    words.zip(0..).flat_map(|(word, place)| {
        let any = |rest: u64| (rest != 0).then_some(rest);
        let lowest_first = std::iter::successors(any(word), move |rest| any(rest & (rest - 1)));
        lowest_first.map(move |rest| place * 64 + rest.trailing_zeros())
    })
}
