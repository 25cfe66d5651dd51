//! Measured delays.
//!
//! Must not know: files and their formats.

use std::sync::Arc;

use crate::sim::{Duration, Stream};

/// One-way delays from every place to every other; there and back need not be equal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Matrix {
    rows: usize,
    /// Row after row.
    delays: Vec<Duration>,
}

impl Matrix {
    /// These delays, row after row. What stands on the diagonal is the delay between two
    /// servers at one place.
    ///
    /// # Panics
    /// When they are not the square of `rows`, or none.
    pub fn new(rows: usize, delays: Vec<Duration>) -> Matrix {
        assert!(rows > 0 && delays.len() == rows * rows, "a matrix is a square");
        Matrix { rows, delays }
    }

    /// Number of places.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The delay from one place to another.
    pub fn delay(&self, from: usize, to: usize) -> Duration {
        self.delays[from * self.rows + to]
    }

    /// The shortest delay between two different places, or of all if places are shared.
    pub fn shortest(&self, places_are_shared: bool) -> Duration {
        let counts = |index: &usize| places_are_shared || index / self.rows != index % self.rows;
        let delays = (0..self.delays.len()).filter(counts).map(|index| self.delays[index]);
        delays.min().unwrap_or_default()
    }
}

/// Servers at the places of a matrix.
#[derive(Clone, Debug)]
pub struct MatrixRows {
    matrix: Arc<Matrix>,
    /// The row of each server.
    rows: Vec<u32>,
}

impl MatrixRows {
    /// Servers at places drawn like cards: no place is taken again before all have been. More
    /// servers leave the first ones where they are.
    pub fn draw(matrix: Arc<Matrix>, servers: usize, random: &mut Stream) -> MatrixRows {
        let mut deck: Vec<u32> = (0..matrix.rows as u32).collect();
        let mut card = |dealt: usize| {
            let top = dealt % deck.len();
            let drawn = top + random.below((deck.len() - top) as u64) as usize;
            deck.swap(top, drawn);
            deck[top]
        };
        let rows = (0..servers).map(&mut card).collect();
        MatrixRows { matrix, rows }
    }

    /// The delay from one server to another.
    pub fn delay(&self, from: usize, to: usize) -> Duration {
        self.matrix.delay(self.rows[from] as usize, self.rows[to] as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A matrix that says where a message came from and where it went.
    fn matrix(rows: usize) -> Arc<Matrix> {
        let delays = (0..rows * rows).map(|index| Duration::from_nanos(index as u64));
        Arc::new(Matrix::new(rows, delays.collect()))
    }

    fn draw(servers: usize) -> MatrixRows {
        MatrixRows::draw(matrix(5), servers, &mut Stream::new(1, 0, "test"))
    }

    #[test]
    fn delays_go_from_row_to_column() {
        let matrix = matrix(10);
        assert_eq!(matrix.delay(3, 7), Duration::from_nanos(37));
        assert_eq!(matrix.delay(7, 3), Duration::from_nanos(73));
        let drawn = draw(5);
        let [from, to] = [drawn.rows[1], drawn.rows[4]].map(u64::from);
        assert_eq!(drawn.delay(1, 4), Duration::from_nanos(from * 5 + to));
    }

    #[test]
    fn no_row_is_taken_again_before_all_have_been() {
        let rows = draw(13).rows;
        for deal in rows.chunks(5) {
            let mut distinct = deal.to_vec();
            distinct.sort_unstable();
            distinct.dedup();
            assert_eq!(distinct.len(), deal.len(), "{rows:?}");
        }
        assert_ne!(rows[..5], rows[5..10], "shuffled anew");
        assert_eq!(rows[..3], draw(3).rows[..], "more servers leave the first ones as they are");
    }

    #[test]
    fn every_row_is_equally_likely_to_be_the_first() {
        let mut random = Stream::new(1, 0, "test");
        let mut firsts = [0_u32; 5];
        for _ in 0..5000 {
            firsts[MatrixRows::draw(matrix(5), 1, &mut random).rows[0] as usize] += 1;
        }
        // Five standard deviations of a binomial number.
        assert!(firsts.iter().all(|times| times.abs_diff(1000) < 142), "{firsts:?}");
    }

    #[test]
    fn the_shortest_delay_is_that_of_two_places_unless_they_are_shared() {
        assert_eq!(matrix(5).shortest(false), Duration::from_nanos(1));
        assert_eq!(matrix(5).shortest(true), Duration::ZERO);
        let one = Matrix::new(1, vec![Duration::from_secs(1)]);
        assert_eq!(
            (one.shortest(false), one.shortest(true)),
            (Duration::ZERO, Duration::from_secs(1))
        );
    }
}
