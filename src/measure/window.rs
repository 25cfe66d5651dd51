//! A window over numbered things that are open for a while, from the oldest that still is.

use std::collections::VecDeque;

/// The window is not tidied up while it is shorter than this.
const SHORT: usize = 1024;

/// Things by ascending number. Finished ones stay until all older ones are finished too,
/// or until they are the most of it: one that is never finished holds up nobody.
#[derive(Debug)]
pub(super) struct Window<T> {
    entries: VecDeque<Entry<T>>,
    /// How many of them are open.
    open: usize,
}

#[derive(Debug)]
struct Entry<T> {
    number: u32,
    /// `None` once it is finished.
    thing: Option<T>,
}

impl<T> Default for Window<T> {
    fn default() -> Self {
        Window { entries: VecDeque::new(), open: 0 }
    }
}

impl<T> Window<T> {
    /// Opens a thing with a number above all others.
    pub(super) fn open(&mut self, number: u32, thing: T) {
        if self.entries.len() > SHORT.max(4 * self.open) {
            self.entries.retain(|entry| entry.thing.is_some());
        }
        self.entries.push_back(Entry { number, thing: Some(thing) });
        self.open += 1;
    }

    /// Finishes the oldest open thing if it is to be.
    pub(super) fn finish_oldest_if(&mut self, is_to_be: impl Fn(&T) -> bool) -> Option<(u32, T)> {
        while let Some(entry) = self.entries.front() {
            if entry.thing.as_ref().is_some_and(|thing| !is_to_be(thing)) {
                return None;
            }
            let entry = self.entries.pop_front()?;
            if let Some(thing) = entry.thing {
                self.open -= 1;
                return Some((entry.number, thing));
            }
        }
        None
    }

    /// An open thing.
    pub(super) fn get(&mut self, number: u32) -> Option<&mut T> {
        let place = self.place(number)?;
        self.entries[place].thing.as_mut()
    }

    /// Finishes a thing; `None` when it is not open.
    pub(super) fn finish(&mut self, number: u32) -> Option<T> {
        let place = self.place(number)?;
        let thing = self.entries[place].thing.take()?;
        self.open -= 1;
        Some(thing)
    }

    fn place(&self, number: u32) -> Option<usize> {
        // Where it stands if there are no gaps behind it: they are among the oldest.
        let behind = self.entries.back()?.number.checked_sub(number)? as usize;
        let place = self.entries.len().checked_sub(behind + 1);
        match place.filter(|place| self.entries[*place].number == number) {
            None => self.entries.binary_search_by_key(&number, |entry| entry.number).ok(),
            place => place,
        }
    }

    /// Number of entries, open or not.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_forgets_what_is_finished() {
        let mut window = Window::default();
        for number in 0..1000 {
            window.open(number, number);
            assert_eq!(window.finish(number), Some(number));
            assert_eq!(window.finish(number), None);
            assert_eq!(window.finish_oldest_if(|_| false), None);
        }
        assert_eq!(window.len(), 0);
    }

    #[test]
    fn a_thing_that_is_never_finished_holds_up_no_others() {
        let mut window = Window::default();
        for number in 0..100_000 {
            window.open(number, ());
            if number % 10_000 != 0 {
                assert!(window.finish(number).is_some());
            }
        }
        assert!(window.len() <= SHORT + 1, "{}", window.len());
        assert!(window.get(30_000).is_some() && window.get(30_001).is_none());
        assert_eq!(window.finish_oldest_if(|()| true), Some((0, ())));
        assert_eq!(window.finish_oldest_if(|()| true), Some((10_000, ())));
    }
}
