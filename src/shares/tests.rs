use serde_json::json;

use super::*;
use crate::scenario::{Overrides, Setup};

fn plans(sweeps: &[u32]) -> Vec<Plan> {
    let plan = |(number, nodes): (usize, &u32)| {
        let scenario = json!({
            "name": format!("s{number}"), "population": {"nodes": nodes}, "overlay": {"chord": {}},
            "workload": {"lookups": {"per_node": 1, "interval": "1s"}},
            "sweep": {"id_bits": [16, 20, 24]}, "repeat": 2,
        });
        scenario::parse("x.json", &scenario.to_string(), &Overrides::default()).unwrap()
    };
    sweeps.iter().enumerate().map(plan).collect()
}

fn share(text: &str) -> Share {
    text.parse().unwrap()
}

#[test]
fn shares_are_written_as_fractions() {
    assert_eq!(share("3/20"), Share { number: 3, of: 20 });
    let said = "3/2".parse::<Share>().unwrap_err();
    assert_eq!(said, "there is no share 3 of 2; give a number from 1 to 2");
    for bad in ["", "3", "1/0", "-1/2", "1/2/3", "a/b", "1/99999999999"] {
        let said = bad.parse::<Share>().unwrap_err();
        assert_eq!(said, "write the number of the share and of how many: 3/20");
    }
}

#[test]
fn numbers_are_written_as_ranges() {
    assert_eq!(ranges(&[]), "");
    assert_eq!(ranges(&[1, 2, 3, 5, 7, 8]), "1-3,5,7-8");
}

#[test]
fn every_run_is_in_one_share() {
    let folder = tempfile::tempdir().unwrap();
    Shares::make(folder.path(), &plans(&[4, 8, 16]), 5).unwrap();
    let shares = Shares::read(folder.path()).unwrap();
    assert_eq!((shares.count, shares.runs(), shares.plans.len()), (5, 18, 3));
    for of in [1, 2, 5, 18, 30] {
        let mut runs: Vec<SharedRun> =
            (1..=of).flat_map(|number| shares.of(Share { number, of })).collect();
        runs.sort_unstable();
        assert_eq!(runs, shares.all().collect::<Vec<_>>());
    }
}

#[test]
fn shares_come_to_what_one_process_comes_to() {
    let folder = tempfile::tempdir().unwrap();
    let plans = plans(&[4, 8]);
    Shares::make(folder.path(), &plans, 3).unwrap();
    let shares = Shares::read(folder.path()).unwrap();
    let done = |text: &str| shares.run(shares.work(share(text)).unwrap(), 2, &|_, _| {}).unwrap();
    let missing = |of| shares.missing_shares(&shares.given().unwrap(), of);
    assert_eq!(missing(3), [1, 2, 3]);
    assert_eq!(done("2/3"), 4);
    assert_eq!(done("2/3"), 0, "it is there");
    assert_eq!(missing(3), [1, 3]);
    assert_eq!(shares.missing(&shares.given().unwrap()), 8);
    // A share of another size does what is left of it.
    assert_eq!(done("1/2") + done("2/2"), 8);
    assert!(missing(3).is_empty());
    let given = shares.given().unwrap();
    for (planned, plan) in shares.plans.iter().zip(&plans) {
        let alone = experiment::run(plan, 1, &crate::journal::Nowhere, &|_, _| {});
        assert_eq!(experiment::run(planned, 1, &given, &|_, _| {}), alone);
    }
}

#[test]
fn a_damaged_share_is_done_again_and_one_that_was_begun_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    Shares::make(folder.path(), &plans(&[4, 8]), 2).unwrap();
    let shares = Shares::read(folder.path()).unwrap();
    let run = || shares.run(shares.work(share("1/2")).unwrap(), 1, &|_, _| {}).unwrap();
    assert_eq!(run(), 6);
    let file = folder.path().join("runs/1-of-2.runs");
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() - 10]).unwrap();
    assert_eq!(shares.missing(&shares.given().unwrap()), 7);
    assert!(run() > 0);
    assert_eq!(fs::read(&file).unwrap().len(), whole.len());
    // Killed before the end: the hidden file is taken over, and goes.
    let begun = folder.path().join("runs/.1-of-2.runs-abc");
    fs::rename(&file, &begun).unwrap();
    let simulated = std::sync::atomic::AtomicU64::new(0);
    let count = |_: &Setup, events| {
        simulated.fetch_add(events, std::sync::atomic::Ordering::Relaxed);
    };
    shares.run(shares.work(share("1/2")).unwrap(), 1, &count).unwrap();
    assert_eq!(simulated.into_inner(), 0, "nothing is simulated twice");
    assert!(file.is_file() && !begun.exists());
}

#[test]
fn other_plans_and_other_programs_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let said = |error: SharesError| error.to_string();
    let none = said(Shares::read(folder.path()).unwrap_err());
    assert!(none.ends_with("or make one with `dhtsim plan`"), "{none}");
    Shares::make(folder.path(), &plans(&[4]), 2).unwrap();
    Shares::make(folder.path(), &plans(&[4]), 2).unwrap();
    let other = said(Shares::make(folder.path(), &plans(&[5]), 2).unwrap_err());
    assert!(other.contains("holds another plan; choose another folder"), "{other}");
    let path = folder.path().join(PLAN);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace(PROGRAM, "0.0.1")).unwrap();
    let other = said(Shares::read(folder.path()).unwrap_err());
    assert!(other.contains("was made by dhtsim 0.0.1, this is dhtsim"), "{other}");
    fs::write(&path, "{").unwrap();
    let malformed = said(Shares::read(folder.path()).unwrap_err());
    assert!(malformed.contains("is not a plan: EOF"), "{malformed}");
}
