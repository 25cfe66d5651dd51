//! What a reader of the results must know besides the numbers, in words: a run that ended
//! early, or in which nothing could happen, says so.

use crate::oracle::Rings;
use crate::sim::Time;

/// The sizes of rings that are listed.
const MOST_SIZES: usize = 4;

/// What there is to say of a run.
#[derive(Debug, Default)]
pub(super) struct Notices {
    said: Vec<String>,
    /// Since when nobody is up.
    empty_since: Option<Time>,
    /// Requests that nobody was there to make.
    unmade: u64,
    /// Joins that nobody was there to let in.
    unjoined: u64,
}

impl Notices {
    /// Something to say.
    pub(super) fn say(&mut self, notice: impl Into<String>) {
        self.said.push(notice.into());
    }

    /// So many nodes are up from now on.
    pub(super) fn population(&mut self, now: Time, nodes: usize) {
        if nodes == 0 {
            self.empty_since.get_or_insert(now);
        } else if let Some(since) = self.empty_since.take().filter(|since| *since < now) {
            self.say(format!("nobody was up from {} to {}", at(since), at(now)));
        }
    }

    /// A request was due, and nobody was up.
    pub(super) fn request_not_made(&mut self) {
        self.unmade += 1;
    }

    /// A server was to join, and nobody was up.
    pub(super) fn join_not_made(&mut self) {
        self.unjoined += 1;
    }

    /// All that there is to say at the end, with the rings that are left if there should be one.
    pub(super) fn finish(mut self, rings: Option<&Rings>) -> Vec<String> {
        if let Some(since) = self.empty_since {
            self.say(format!("nobody is up at the end: the last one stopped at {}", at(since)));
        } else if let Some(rings) = rings {
            self.rings(rings);
        }
        let whom = "nobody was up to";
        match self.unmade {
            0 => {}
            1 => self.say(format!("1 request was not made because {whom} make it")),
            many => self.say(format!("{many} requests were not made because {whom} make them")),
        }
        match self.unjoined {
            0 => {}
            1 => self.say(format!("1 server did not join because {whom} let it in")),
            many => self.say(format!("{many} servers did not join because {whom} let them in")),
        }
        self.said
    }

    fn rings(&mut self, rings: &Rings) {
        match &rings.sizes[..] {
            [] => self.say("no ring is left at the end: from no node do successors lead round"),
            [_] => {}
            sizes => {
                let listed: Vec<String> =
                    sizes.iter().take(MOST_SIZES).map(ToString::to_string).collect();
                let more = if sizes.len() > MOST_SIZES { " …" } else { "" };
                let (count, listed) = (sizes.len(), listed.join(", "));
                self.say(format!(
                    "the ring has fallen into {count} rings at the end ({listed}{more} nodes)"
                ));
            }
        }
    }
}

/// A moment, as it is said.
pub(super) fn at(moment: Time) -> String {
    format!("{} s", moment.since(Time::ZERO).as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Duration;

    fn at(seconds: u64) -> Time {
        Time::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn an_empty_network_is_told_with_its_times() {
        let mut notices = Notices::default();
        notices.population(at(0), 3);
        notices.population(at(10), 0);
        notices.request_not_made();
        notices.population(at(20), 1);
        // One goes and another comes at the same moment.
        notices.population(at(30), 0);
        notices.population(at(30), 1);
        notices.population(at(40), 0);
        notices.request_not_made();
        notices.join_not_made();
        assert_eq!(
            notices.finish(Some(&Rings::default())),
            [
                "nobody was up from 10 s to 20 s",
                "nobody is up at the end: the last one stopped at 40 s",
                "2 requests were not made because nobody was up to make them",
                "1 server did not join because nobody was up to let it in",
            ]
        );
    }

    #[test]
    fn one_ring_is_no_news_and_several_are() {
        let said = |sizes: &[usize]| {
            let rings = Rings { sizes: sizes.to_vec(), appendages: 0 };
            Notices::default().finish(Some(&rings)).concat()
        };
        assert_eq!(said(&[5]), "");
        assert_eq!(said(&[4, 1]), "the ring has fallen into 2 rings at the end (4, 1 nodes)");
        assert_eq!(
            said(&[9, 8, 7, 6, 5]),
            "the ring has fallen into 5 rings at the end (9, 8, 7, 6 … nodes)"
        );
        assert!(said(&[]).starts_with("no ring is left"));
        assert!(Notices::default().finish(None).is_empty());
    }
}
