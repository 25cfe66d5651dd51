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

    /// All that there is to say at the end, with the rings that are left if there should be one,
    /// and how many nodes are still joining.
    pub(super) fn finish(mut self, rings: Option<&Rings>, joining: usize) -> Vec<String> {
        if let Some(since) = self.empty_since {
            self.say(format!("nobody is up at the end: the last one stopped at {}", at(since)));
        } else if let Some(rings) = rings {
            self.rings(rings);
        }
        match joining {
            0 => {}
            1 => self.say("1 node that joins has not got in by the end"),
            many => self.say(format!("{many} nodes that join have not got in by the end")),
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
    use serde_json::{Value, json};

    use super::super::build;
    use super::super::drive::Drive;
    use super::*;
    use crate::measure::Tally;
    use crate::oracle::Truth;
    use crate::overlay::Overlay;
    use crate::scenario::{Overrides, parse};
    use crate::sim::{Address, Context, Duration, LookupId, Message, Operation, Protocol, Start};

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
            notices.finish(Some(&Rings::default()), 1),
            [
                "nobody was up from 10 s to 20 s",
                "nobody is up at the end: the last one stopped at 40 s",
                "1 node that joins has not got in by the end",
                "2 requests were not made because nobody was up to make them",
                "1 server did not join because nobody was up to let it in",
            ]
        );
    }

    /// A system in which every lookup is passed on from node to node for ever.
    #[derive(Clone)]
    struct Carousel {
        nodes: usize,
    }

    #[derive(Clone, Copy, Debug, Hash)]
    struct Round(LookupId);

    impl Message for Round {
        type Item = ();
    }

    impl Carousel {
        fn go_on(&self, lookup: LookupId, context: &mut Context<'_, Self>) {
            let this = context.this();
            context.lookup_stands_at(lookup, this);
            let next = Address::new((this.index() + 1) % self.nodes);
            context.send(next, Round(lookup), &[]);
        }
    }

    impl Protocol for Carousel {
        type Node = ();
        type Message = Round;
        type Timer = ();

        fn new_node(&self, _: Address) {}

        fn on_start(&self, (): &mut (), _: Start, _: &mut Context<'_, Self>) {}

        fn on_message(
            &self,
            (): &mut (),
            _: Address,
            Round(lookup): Round,
            context: &mut Context<'_, Self>,
        ) {
            self.go_on(lookup, context);
        }

        fn on_timer(&self, (): &mut (), (): (), _: &mut Context<'_, Self>) {}

        fn on_operation(&self, (): &mut (), operation: Operation, context: &mut Context<'_, Self>) {
            if let Operation::Lookup { lookup, .. } = operation {
                self.go_on(lookup, context);
            }
        }
    }

    impl Overlay for Carousel {
        fn system(&self) -> &'static str {
            "carousel"
        }

        fn converged<'a>(
            &'a self,
            _: Truth<'a>,
            _: impl Fn(Address, Address) -> Duration + 'a,
        ) -> impl FnMut(Address) + 'a {
            |_| ()
        }

        fn routing_entries(&self, (): &()) -> usize {
            1
        }
    }

    fn ride(lookups: &Value, duration: &Value) -> Tally {
        let scenario = json!({
            "name": "carousel",
            "population": {"nodes": 5},
            "overlay": {"chord": {}},
            "network": {"latency": {"constant": "50ms"}},
            "workload": {"lookups": lookups},
            "duration": duration,
        });
        let plan = parse("x.json", &scenario.to_string(), &Overrides::default()).unwrap();
        let setup = &plan.points[0].setup;
        let population = build::population(setup, 0);
        Drive::new(setup, 0, &population, Carousel { nodes: 5 }, false).finish()
    }

    /// Twice five nodes and four times 160 bits are 650 forwards.
    #[test]
    fn a_lookup_that_goes_round_in_circles_ends_a_run_that_nothing_else_would_end() {
        let tally = ride(&json!({"per_node": 1}), &Value::Null);
        assert_eq!((tally.issued, tally.failures.looped, tally.failures.unanswered), (5, 1, 4));
        assert_eq!(
            tally.notices,
            ["1 lookup went round in circles (passed on more than 650 times): the run was ended \
              at 32.55 s"]
        );
        // Nobody waits for them any more, but they go on.
        let tally = ride(&json!({"per_node": 1, "timeout": "1s"}), &Value::Null);
        assert_eq!((tally.issued, tally.failures.timed_out), (5, 5));
        assert!(tally.notices[0].contains("went round in circles"), "{:?}", tally.notices);
    }

    #[test]
    fn with_a_duration_such_lookups_are_counted_and_the_run_goes_on() {
        let tally = ride(&json!({"per_node": 1}), &json!("1min"));
        assert_eq!((tally.issued, tally.failures.looped), (5, 5));
        assert_eq!(tally.end, at(60));
        assert!(tally.notices.is_empty());
    }

    #[test]
    fn one_ring_is_no_news_and_several_are() {
        let said = |sizes: &[usize]| {
            let rings = Rings { sizes: sizes.to_vec(), appendages: 0 };
            Notices::default().finish(Some(&rings), 0).concat()
        };
        assert_eq!(said(&[5]), "");
        assert_eq!(said(&[4, 1]), "the ring has fallen into 2 rings at the end (4, 1 nodes)");
        assert_eq!(
            said(&[9, 8, 7, 6, 5]),
            "the ring has fallen into 5 rings at the end (9, 8, 7, 6 … nodes)"
        );
        assert!(said(&[]).starts_with("no ring is left"));
        assert!(Notices::default().finish(None, 0).is_empty());
    }
}
