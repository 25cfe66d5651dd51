//! Many lists of values that share one memory.
//!
//! A list is a chain of chunks. A chunk that one list gives back is used by the next one, so
//! all lists together take the memory of what is in them, and a chunk each that is not full.
//! With a vector for each list, every one of them would keep the memory of its longest day,
//! and up to twice that: a third of all memory at a million nodes.

use crate::sim::ask_for_huge_pages;

/// Values that a chunk holds: 256 bytes of events, four cache lines.
const VALUES_PER_CHUNK: usize = 15;
/// The number of no chunk.
const NONE: u32 = u32::MAX;

/// The chunks of all lists.
#[derive(Debug)]
pub(super) struct Lists<T> {
    chunks: Vec<Chunk<T>>,
    /// The first of the chunks that are in no list; they are chained as well.
    free: u32,
}

#[derive(Clone, Copy, Debug)]
struct Chunk<T> {
    /// The first `len` of them count.
    values: [T; VALUES_PER_CHUNK],
    len: u32,
    next: u32,
}

/// One list, to be used with the [`Lists`] that it was filled from.
#[derive(Clone, Copy, Debug)]
pub(super) struct List {
    first: u32,
    last: u32,
}

impl List {
    pub(super) const EMPTY: List = List { first: NONE, last: NONE };

    pub(super) fn is_empty(self) -> bool {
        self.first == NONE
    }
}

/// How far a list has been read; it may grow meanwhile.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader {
    chunk: u32,
    /// Values of the chunk that have been read.
    read: u32,
}

impl Reader {
    /// At the end of all.
    pub(super) const DONE: Reader = Reader { chunk: NONE, read: 0 };
}

impl<T> Default for Lists<T> {
    fn default() -> Self {
        Lists { chunks: Vec::new(), free: NONE }
    }
}

impl<T: Copy> Lists<T> {
    /// Puts a value at the end of a list.
    #[inline]
    pub(super) fn push(&mut self, list: &mut List, value: T) {
        if list.last != NONE {
            let chunk = &mut self.chunks[list.last as usize];
            if let Some(place) = chunk.values.get_mut(chunk.len as usize) {
                *place = value;
                chunk.len += 1;
                return;
            }
        }
        self.push_chunk(list, value);
    }

    /// The same where a new chunk has to be taken.
    fn push_chunk(&mut self, list: &mut List, value: T) {
        let chunk = Chunk { values: [value; VALUES_PER_CHUNK], len: 1, next: NONE };
        let number = self.free;
        let number = if number == NONE {
            let number = u32::try_from(self.chunks.len()).ok().filter(|number| *number != NONE);
            if self.chunks.len() == self.chunks.capacity() {
                self.chunks.reserve(1);
                ask_for_huge_pages(self.chunks.spare_capacity_mut());
            }
            self.chunks.push(chunk);
            number.expect("fewer than 2^32 − 1 chunks")
        } else {
            let free = &mut self.chunks[number as usize];
            self.free = free.next;
            *free = chunk;
            number
        };
        if list.last == NONE {
            list.first = number;
        } else {
            self.chunks[list.last as usize].next = number;
        }
        list.last = number;
    }

    /// A reader at the start of a list, good as long as the list is not drained.
    pub(super) fn reader(&self, list: List) -> Reader {
        Reader { chunk: list.first, read: 0 }
    }

    /// The next value of a list; `None` if all that are in it now have been read.
    #[inline]
    pub(super) fn read(&self, reader: &mut Reader) -> Option<&T> {
        let mut chunk = self.chunks.get(reader.chunk as usize)?;
        if reader.read == chunk.len {
            // Only the last chunk of a list grows.
            if chunk.next == NONE {
                return None;
            }
            *reader = Reader { chunk: chunk.next, read: 0 };
            chunk = &self.chunks[reader.chunk as usize];
        }
        reader.read += 1;
        Some(&chunk.values[reader.read as usize - 1])
    }

    /// Empties a list, from its start, and hands each chunk's values out.
    pub(super) fn drain(&mut self, list: &mut List, mut take: impl FnMut(&mut Self, &[T])) {
        let mut number = std::mem::replace(list, List::EMPTY).first;
        while number != NONE {
            let Chunk { values, len, next } = self.chunks[number as usize];
            self.chunks[number as usize].next = self.free;
            self.free = number;
            number = next;
            take(self, &values[..len as usize]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(crate::property::config())]

        #[test]
        fn lists_hold_what_vectors_hold(steps in prop::collection::vec((0usize..4, 0u8..20), 0..200)) {
            let mut lists = Lists::default();
            let mut chained = [List::EMPTY; 4];
            let mut plain: [Vec<usize>; 4] = Default::default();
            for (number, (which, more)) in steps.into_iter().enumerate() {
                if more == 0 {
                    let mut drained = Vec::new();
                    lists.drain(&mut chained[which], |_, values| drained.extend_from_slice(values));
                    prop_assert_eq!(drained, std::mem::take(&mut plain[which]));
                }
                for step in 0..usize::from(more) {
                    lists.push(&mut chained[which], number + step);
                    plain[which].push(number + step);
                }
                prop_assert_eq!(chained[which].is_empty(), plain[which].is_empty());
                let mut reader = lists.reader(chained[which]);
                let read: Vec<usize> = std::iter::from_fn(|| lists.read(&mut reader).copied()).collect();
                prop_assert_eq!(&read, &plain[which]);
                lists.push(&mut chained[which], number);
                plain[which].push(number);
                let more = if read.is_empty() { None } else { lists.read(&mut reader).copied() };
                prop_assert_eq!(more, (!read.is_empty()).then_some(number), "it goes on reading");
            }
            let in_use: usize = plain.iter().map(|list| list.len().div_ceil(VALUES_PER_CHUNK)).sum();
            prop_assert!(in_use <= lists.chunks.len());
        }
    }

    #[test]
    fn chunks_are_used_again() {
        let mut lists = Lists::default();
        for _ in 0..100 {
            let mut list = List::EMPTY;
            (0..40).for_each(|value| lists.push(&mut list, value));
            lists.drain(&mut list, |_, _| {});
        }
        assert_eq!(lists.chunks.len(), 40usize.div_ceil(VALUES_PER_CHUNK));
    }
}
