use std::fs;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::experiment;
use crate::scenario::{self, Overrides};

fn key(number: u8) -> RunKey {
    RunKey::new([number; 20], 0)
}

/// Tallies with everything in them, each of another run.
fn tallies() -> Vec<Tally> {
    let scenario = json!({
        "name": "x", "population": {"nodes": 12}, "duration": "60s",
        "overlay": {"chord": {"successors": 3, "stabilize": {"period": "1s"}}},
        "workload": {
            "lookups": {"interval": "1s"}, "keys": 100,
            "storage": {"keys": 10, "gets": {"interval": "5s"}, "repair": "10s"},
        },
        "measure": {"every": "10s", "warm_up": "5s"},
        "faults": [{"at": "20s", "crash": {"fraction": 0.3}}],
        "repeat": 3,
    });
    let plan = scenario::parse("x.json", &scenario.to_string(), &Overrides::default()).unwrap();
    (0..3).map(|repeat| experiment::simulate(&plan.points[0].setup, repeat)).collect()
}

#[test]
fn what_is_kept_is_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("below/it.runs");
    let tallies = tallies();
    let tally = &tallies[0];
    assert!(tally.before_fault.is_some() && tally.timeline.len() > 4, "there is much in it");
    let journal = Journal::open(&path).unwrap();
    assert_eq!(journal.find(key(0)), None);
    for (number, tally) in (0..).zip(&tallies) {
        journal.keep(key(number), tally);
        assert_eq!(journal.find(key(number)).as_ref(), Some(tally));
    }
    let journal = {
        journal.finish().unwrap();
        Journal::open(&path).unwrap()
    };
    for (number, tally) in (0..).zip(&tallies) {
        assert!(journal.has(key(number)));
        assert_eq!(journal.find(key(number)).as_ref(), Some(tally));
    }
    journal.clear().unwrap();
    assert!(!journal.has(key(0)));
    journal.finish().unwrap();
    assert_eq!(Journal::read(&path).unwrap().keys(), []);
}

#[test]
fn two_at_a_time_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("it.runs");
    let journal = Journal::open(&path).unwrap();
    let second = Journal::open(&path).unwrap_err().to_string();
    assert!(second.ends_with("wait for that one, or choose another folder with --out"), "{second}");
    Journal::read(&path).unwrap();
    drop(journal);
    Journal::open(&path).unwrap();
}

#[test]
fn runs_of_another_program_are_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("it.runs");
    for other in ["runs of dhtsim 0.0.1 (sources 123)\nwhatever", "", "something else", "\u{0}\n"] {
        fs::write(&path, other).unwrap();
        let said = Journal::read(&path).unwrap_err().to_string();
        assert!(said.contains("; use one build for all shares"), "{said}");
        let journal = Journal::open(&path).unwrap();
        journal.keep(key(1), &Tally::default());
        journal.finish().unwrap();
        assert_eq!(Journal::read(&path).unwrap().keys(), [key(1)]);
    }
}

#[test]
fn keys_tell_points_and_repeats_apart() {
    let keys = [RunKey::new([0; 20], 0), RunKey::new([0; 20], 1), RunKey::new([1; 20], 0)];
    assert!(keys[0] != keys[1] && keys[0] != keys[2] && keys[1] != keys[2]);
    assert_eq!(format!("{:?}", keys[0]).len(), 40);
}

proptest! {
    #![proptest_config(crate::property::config())]

    /// Killed in the middle of a record, or damaged at any byte: what stands before that counts,
    /// what is kept afterwards too.
    #[test]
    fn what_is_cut_short_or_damaged_is_dropped(
        sizes in prop::collection::vec(0usize..400, 1..8),
        at in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it.runs");
        let tally = |size: usize| Tally {
            keys: (0..size as u64).map(|n| n * n * 7919 % 10_007).collect(),
            ..Tally::default()
        };
        let mut ends = Vec::new();
        let journal = Journal::open(&path).unwrap();
        let begin = fs::metadata(&path).unwrap().len();
        for (number, size) in (0..).zip(&sizes) {
            journal.keep(key(number), &tally(*size));
            ends.push(fs::metadata(&path).unwrap().len());
        }
        journal.finish().unwrap();
        let mut bytes = fs::read(&path).unwrap();
        let place = begin as usize + at.index(bytes.len() - begin as usize);
        if is_cut {
            bytes.truncate(place);
        } else {
            bytes[place] ^= 0x10;
        }
        fs::write(&path, &bytes).unwrap();
        let whole = ends.iter().filter(|end| **end <= place as u64).count();
        let journal = Journal::open(&path).unwrap();
        for (number, size) in (0..).zip(&sizes) {
            let expected = (usize::from(number) < whole).then(|| tally(*size));
            prop_assert_eq!(journal.find(key(number)), expected);
        }
        journal.keep(key(99), &tally(3));
        journal.finish().unwrap();
        let journal = Journal::read(&path).unwrap();
        prop_assert_eq!(journal.find(key(99)), Some(tally(3)));
        prop_assert_eq!(journal.keys().len(), whole + 1);
    }
}
