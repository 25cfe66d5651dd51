//! Sweeps that outgrow one machine: a plan of runs that many processes share.
//!
//! The runs are independent, so the engine is the one that users' clusters have: a Slurm job
//! array, or GNU parallel over ssh. A plan is a folder:
//!
//! | file | what it holds |
//! |---|---|
//! | `plan.json` | the scenarios, complete in themselves, and into how many shares they are meant to go |
//! | `runs/3-of-20.runs` | the runs of a share, a [journal](crate::journal) |
//!
//! The runs of all scenarios are numbered through; share *k* of *n* has those whose number leaves
//! the rest *k* − 1 when it is divided by *n*, so that long and short runs mix. A share is written
//! under a hidden name and renamed when it is whole. It can be repeated, killed and started twice:
//! what is there is not run again. Shares of several *n* may stand side by side.
//!
//! Must not know: which scheduler starts the processes, the terminal.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::experiment::{self, RunNumber};
use crate::journal::{Archive, Journal, JournalError, PROGRAM, RunKey};
use crate::measure::Tally;
use crate::scenario::{self, Overrides, Plan, Setup};
use crate::whole_file::write_whole;

/// The file that makes a folder a plan.
const PLAN: &str = "plan.json";
/// The folder in it for what the shares give.
const RUNS: &str = "runs";
/// How the name of a share's file ends.
const ENDING: &str = ".runs";

/// Why a plan cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub enum SharesError {
    /// The plan cannot be read.
    #[error("{path}: {reason}; give the folder of a plan, or make one with `dhtsim plan`")]
    Unreadable {
        /// Its file.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// The operating system refuses to write.
    #[error("{path}: {reason}; {mend}")]
    Refused {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        reason: io::Error,
        /// What to do.
        mend: &'static str,
    },
    /// The folder holds another plan.
    #[error("{path}: holds another plan; choose another folder, or remove it")]
    Taken {
        /// Its file.
        path: PathBuf,
    },
    /// The file is no plan.
    #[error("{path}: is not a plan: {reason}; make one with `dhtsim plan`")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: serde_json::Error,
    },
    /// It was made by another program.
    #[error(
        "{path}: was made by dhtsim {other}, this is dhtsim {PROGRAM}; plan again, or use that one"
    )]
    OfAnother {
        /// The file.
        path: PathBuf,
        /// What made it.
        other: String,
    },
    /// A scenario in it cannot be run.
    #[error(transparent)]
    Scenario(#[from] scenario::Error),
    /// What a share gave cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// What `plan.json` holds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanFile {
    program: String,
    shares: u32,
    scenarios: Vec<Value>,
}

/// Which share of how many: `3/20`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Share {
    /// Its number, from 1.
    pub number: u32,
    /// How many there are.
    pub of: u32,
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Share, String> {
        let numbers = text.split_once('/').and_then(|(number, of)| {
            Some(Share { number: number.parse().ok()?, of: of.parse().ok()? })
        });
        match numbers {
            Some(share) if (1..=share.of).contains(&share.number) => Ok(share),
            Some(Share { number, of }) if of > 0 => {
                Err(format!("there is no share {number} of {of}; give a number from 1 to {of}"))
            }
            _ => Err("write the number of the share and of how many: 3/20".to_owned()),
        }
    }
}

/// A run of any of the scenarios.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct SharedRun {
    scenario: usize,
    run: RunNumber,
}

/// A plan: its scenarios, and where what the shares give goes.
#[derive(Debug)]
pub struct Shares {
    folder: PathBuf,
    /// The scenarios.
    pub plans: Vec<Plan>,
    /// Into how many shares the runs are meant to go.
    pub count: u32,
}

/// What the shares have given so far. An archive that is only read.
#[derive(Debug)]
pub struct Given(Vec<Journal>);

/// What is left to do of a share.
#[derive(Debug)]
pub struct Work {
    /// The name of the share's file.
    name: String,
    wanted: Vec<SharedRun>,
    /// What is there of it, by the paths of its files.
    begun: Vec<(PathBuf, Journal)>,
}

impl Work {
    /// How many runs that is.
    pub fn runs(&self) -> usize {
        self.wanted.len()
    }

    /// Their points.
    pub fn setups<'s>(&'s self, shares: &'s Shares) -> impl Iterator<Item = &'s Setup> {
        self.wanted.iter().map(|run| shares.setup(*run))
    }
}

impl Archive for Given {
    fn find(&self, key: RunKey) -> Option<Tally> {
        self.0.iter().find_map(|journal| journal.find(key))
    }

    fn has(&self, key: RunKey) -> bool {
        self.0.iter().any(|journal| journal.has(key))
    }

    fn keep(&self, _: RunKey, _: &Tally) {}
}

impl Shares {
    /// Makes a plan of scenarios in a folder. The same plan may be there already.
    ///
    /// # Errors
    /// When another one is, or the folder cannot be written.
    pub fn make(folder: &Path, plans: &[Plan], count: u32) -> Result<(), SharesError> {
        let refused = |path: &Path| {
            let path = path.to_owned();
            move |reason| {
                let mend = "choose a folder that can be written with --out";
                SharesError::Refused { path, reason, mend }
            }
        };
        let scenarios = plans.iter().map(|plan| plan.source.clone()).collect();
        let plan = PlanFile { program: PROGRAM.to_owned(), shares: count, scenarios };
        let path = folder.join(PLAN);
        let text = serde_json::to_string_pretty(&plan).map(|text| text + "\n");
        let text = text.map_err(|reason| SharesError::Malformed { path: path.clone(), reason })?;
        match fs::read(&path) {
            Ok(there) if there == text.as_bytes() => return Ok(()),
            Ok(_) => return Err(SharesError::Taken { path }),
            Err(_) => {}
        }
        let runs = folder.join(RUNS);
        fs::create_dir_all(&runs).map_err(refused(&runs))?;
        write_whole(&path, text.as_bytes()).map_err(refused(&path))?;
        Ok(())
    }

    /// Reads the plan of a folder.
    ///
    /// # Errors
    /// When there is none, or it is of another program.
    pub fn read(folder: &Path) -> Result<Shares, SharesError> {
        let path = folder.join(PLAN);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(reason) => {
                return Err(SharesError::Unreadable { path, reason });
            }
        };
        // The rest may look otherwise in another version.
        let other = serde_json::from_slice::<Value>(&text).ok().and_then(|plan| {
            let program = plan.get("program")?.as_str()?;
            (program != PROGRAM).then(|| program.to_owned())
        });
        if let Some(other) = other {
            return Err(SharesError::OfAnother { path, other });
        }
        let plan: PlanFile = match serde_json::from_slice(&text) {
            Ok(plan) => plan,
            Err(reason) => return Err(SharesError::Malformed { path, reason }),
        };
        let name = path.display().to_string();
        let unchanged = Overrides::default();
        let scenarios = plan.scenarios.into_iter();
        let plans = scenarios.map(|scenario| scenario::from_json(&name, scenario, &unchanged));
        let plans = plans.collect::<Result<Vec<Plan>, _>>()?;
        Ok(Shares { folder: folder.to_owned(), plans, count: plan.shares.max(1) })
    }

    /// How many runs there are.
    pub fn runs(&self) -> usize {
        self.plans.iter().map(Plan::runs).sum()
    }

    fn all(&self) -> impl Iterator<Item = SharedRun> + '_ {
        self.plans.iter().enumerate().flat_map(|(scenario, plan)| {
            experiment::runs(plan).map(move |run| SharedRun { scenario, run })
        })
    }

    fn of(&self, share: Share) -> impl Iterator<Item = SharedRun> + '_ {
        self.all().skip(share.number as usize - 1).step_by(share.of as usize)
    }

    fn setup(&self, SharedRun { scenario, run }: SharedRun) -> &Setup {
        &self.plans[scenario].points[run.point].setup
    }

    fn key(&self, run: SharedRun) -> RunKey {
        experiment::key(&self.plans[run.scenario], run.run)
    }

    /// What the shares that are whole have given.
    ///
    /// # Errors
    /// When a file of a share cannot be read, or is of another program.
    pub fn given(&self) -> Result<Given, SharesError> {
        self.given_by(|_| true)
    }

    /// The same of the files with names as they are wanted.
    fn given_by(&self, is_wanted: impl Fn(&str) -> bool) -> Result<Given, SharesError> {
        let is_whole = |name: &str| name.ends_with(ENDING) && !name.starts_with('.');
        let journals = self.files(|name| is_whole(name) && is_wanted(name));
        Ok(Given(journals.iter().map(|path| Journal::read(path)).collect::<Result<_, _>>()?))
    }

    /// The files in the folder of what shares give, by name.
    fn files(&self, is_wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.folder.join(RUNS)).into_iter().flatten().flatten();
        let wanted = entries.filter(|entry| is_wanted(&entry.file_name().to_string_lossy()));
        let mut paths: Vec<PathBuf> = wanted.map(|entry| entry.path()).collect();
        paths.sort_unstable();
        paths
    }

    /// How many runs are not in there.
    pub fn missing(&self, given: &Given) -> usize {
        self.all().filter(|run| !given.has(self.key(*run))).count()
    }

    /// Those of so many shares of which a run is not in there.
    pub fn missing_shares(&self, given: &Given, of: u32) -> Vec<u32> {
        let lacks = |number: &u32| {
            self.of(Share { number: *number, of }).any(|run| !given.has(self.key(run)))
        };
        (1..=of).filter(lacks).collect()
    }

    /// What is left to do of a share.
    ///
    /// # Errors
    /// When what other shares gave cannot be read, or is of another program.
    pub fn work(&self, share: Share) -> Result<Work, SharesError> {
        let cut = format!("-of-{}{ENDING}", share.of);
        let name = format!("{}{cut}", share.number);
        // The other shares of as many have none of its runs, and may be thousands.
        let others = self.given_by(|name| !name.ends_with(&cut))?;
        let mut wanted: Vec<SharedRun> =
            self.of(share).filter(|run| !others.has(self.key(*run))).collect();
        // What is there of this share: whole, damaged, or begun by others, killed or still at it.
        let begun = self.files(|file| file == name || file.starts_with(&format!(".{name}-")));
        let begun: Vec<(PathBuf, Journal)> = begun
            .into_iter()
            .filter_map(|path| Some((path.clone(), Journal::read(&path).ok()?)))
            .collect();
        let target = self.folder.join(RUNS).join(&name);
        let whole = begun.iter().find(|(path, _)| *path == target);
        if whole.is_some_and(|(_, whole)| wanted.iter().all(|run| whole.has(self.key(*run)))) {
            wanted.clear();
        }
        Ok(Work { name, wanted, begun })
    }

    /// Does that on so many threads. `on_run_done` is told of every run its point, and how many
    /// events it processed. Gives how many runs it did.
    ///
    /// # Errors
    /// When what it gives cannot be written.
    pub fn run(
        &self,
        Work { name, wanted, begun }: Work,
        jobs: usize,
        on_run_done: &(dyn Fn(&Setup, u64) + Sync),
    ) -> Result<usize, SharesError> {
        if wanted.is_empty() {
            return Ok(0);
        }
        let folder = self.folder.join(RUNS);
        let target = folder.join(&name);
        let refused = |reason| {
            let mend = "make room or let it be written, and run the share again";
            SharesError::Refused { path: target.clone(), reason, mend }
        };
        fs::create_dir_all(&folder).map_err(refused)?;
        let file = tempfile::Builder::new().prefix(&format!(".{name}-")).tempfile_in(&folder);
        let file = file.map_err(refused)?.into_temp_path();
        let journal = Journal::open(&file)?;
        for (_, begun) in &begun {
            for key in wanted.iter().map(|run| self.key(*run)) {
                if let Some(tally) = begun.find(key) {
                    journal.keep(key, &tally);
                }
            }
        }
        for (number, plan) in self.plans.iter().enumerate() {
            let runs = wanted.iter().filter(|run| run.scenario == number);
            let runs: Vec<RunNumber> = runs.map(|run| run.run).collect();
            let setup = |run| self.setup(SharedRun { scenario: number, run });
            let report = |run, events| on_run_done(setup(run), events);
            experiment::run_some(plan, &runs, jobs, &journal, &report);
        }
        journal.finish()?;
        open_to_all(&file);
        file.persist(&target).map_err(|error| refused(error.error))?;
        for (path, _) in begun.iter().filter(|(path, _)| *path != target) {
            drop(fs::remove_file(path));
        }
        Ok(wanted.len())
    }
}

/// Temporary files are for their owner's eyes only; results are not.
fn open_to_all(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        drop(fs::set_permissions(path, fs::Permissions::from_mode(0o644)));
    }
    #[cfg(not(unix))]
    let _ = path;
}

/// Numbers in the form that arrays of jobs take: `1,4,7-9`.
pub fn ranges(numbers: &[u32]) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => ranges.push((*number, *number)),
        }
    }
    let text = |(first, last): &(u32, u32)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    ranges.iter().map(text).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests;
