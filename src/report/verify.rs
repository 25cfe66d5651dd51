//! Results beside those that their scenario gives today.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{fs, io};

use super::run_table::{RunTable, place};
use super::{PAGE, PARQUET, ReadError, tables};

/// Files that may be there or not: others say the same.
const OPTIONAL: [&str; 3] = [tables::METRICS_LONG, PARQUET, PAGE];

/// The most characters of a line that are shown.
const MOST_SHOWN: usize = 40;

/// How many of them stand before the place where it parts from another.
const BEFORE: usize = 12;

/// How old results compare with new ones of the same scenario.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Verification {
    /// How many runs there are, old or new.
    pub runs: usize,
    /// The runs that came out otherwise, each in words.
    pub runs_that_differ: Vec<String>,
    /// How many files were compared.
    pub files: usize,
    /// The files that came out otherwise, each in words.
    pub files_that_differ: Vec<String>,
    /// Files that only one side has, and may have alone.
    pub left_out: Vec<String>,
}

impl Verification {
    /// Whether everything came out again.
    pub fn is_same(&self) -> bool {
        self.runs_that_differ.is_empty() && self.files_that_differ.is_empty()
    }

    /// Compares the results in one folder with new ones in another: the digest of every run,
    /// then every file, byte by byte.
    ///
    /// # Errors
    /// When a file is there but cannot be read, or the runs are no table.
    pub fn of(old: &Path, new: &Path) -> Result<Verification, ReadError> {
        let mut verification = Verification::default();
        verification.compare_runs(&RunTable::read(old)?, &RunTable::read(new)?);
        verification.compare_files(old, new)?;
        Ok(verification)
    }

    fn compare_runs(&mut self, old: &RunTable, new: &RunTable) {
        let digests = |table: &RunTable| -> BTreeMap<(String, u32), String> {
            let row = table.rows.iter().map(|row| {
                let key = (place(&table.sweep, &row.params), row.repeat);
                (key, row.digest.clone())
            });
            row.collect()
        };
        let (old, new) = (digests(old), digests(new));
        let all: BTreeSet<_> = old.keys().chain(new.keys()).collect();
        self.runs = all.len();
        for key in all {
            let (was, is) = (old.get(key), new.get(key));
            if was == is {
                continue;
            }
            let (place, repeat) = key;
            let at = if place.is_empty() { String::new() } else { format!("{place}, ") };
            self.runs_that_differ.push(match (was, is) {
                (Some(was), Some(is)) => {
                    format!("{at}repeat {repeat}: its digest was {was} and is now {is}")
                }
                (Some(_), None) => format!("{at}repeat {repeat}: its scenario does not run it"),
                _ => format!("{at}repeat {repeat}: is missing"),
            });
        }
    }

    fn compare_files(&mut self, old: &Path, new: &Path) -> Result<(), ReadError> {
        let (before, after) = (names(old)?, names(new)?);
        for name in before.union(&after) {
            match (before.contains(name), after.contains(name)) {
                (true, true) => {
                    self.files += 1;
                    let (was, is) = (read(old, name)?, read(new, name)?);
                    if was != is {
                        self.files_that_differ.push(format!("{name}: {}", part(&was, &is)));
                    }
                }
                _ if OPTIONAL.contains(&name.as_str()) => self.left_out.push(name.clone()),
                (true, false) => {
                    let what = "does not come of its scenario";
                    self.files_that_differ.push(format!("{name}: {what}"));
                }
                _ => self.files_that_differ.push(format!("{name}: is missing")),
            }
        }
        Ok(())
    }
}

/// The names of the files in a folder, but hidden ones.
fn names(folder: &Path) -> Result<BTreeSet<String>, ReadError> {
    let unreadable = |reason: io::Error| ReadError::Unreadable { path: folder.to_owned(), reason };
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_file() && !name.starts_with('.') {
            names.insert(name);
        }
    }
    Ok(names)
}

fn read(folder: &Path, name: &str) -> Result<Vec<u8>, ReadError> {
    let path = folder.join(name);
    fs::read(&path).map_err(|reason| ReadError::Unreadable { path, reason })
}

/// Where two files part, with what stands there.
fn part(was: &[u8], is: &[u8]) -> String {
    let (Ok(was), Ok(is)) = (str::from_utf8(was), str::from_utf8(is)) else {
        return "its bytes differ".to_owned();
    };
    let (was, is): (Vec<&str>, Vec<&str>) = (was.lines().collect(), is.lines().collect());
    let line = was.iter().zip(&is).take_while(|(was, is)| was == is).count();
    let (Some(was), Some(is)) = (was.get(line), is.get(line)) else {
        return match was.len().cmp(&is.len()) {
            Ordering::Greater => format!("line {} and on are gone", line + 1),
            Ordering::Less => format!("line {} and on are new", line + 1),
            Ordering::Equal => "the ends of its lines differ".to_owned(),
        };
    };
    let column = was.chars().zip(is.chars()).take_while(|(was, is)| was == is).count();
    let first = column.saturating_sub(BEFORE);
    let shown = |line: &str| {
        let text: String = line.chars().skip(first).take(MOST_SHOWN).collect();
        let (before, after) = (first > 0, first + MOST_SHOWN < line.chars().count());
        let dots = |are: bool| if are { "…" } else { "" };
        format!("`{}{text}{}`", dots(before), dots(after))
    };
    let place = format!("line {}, column {}", line + 1, column + 1);
    format!("{place}: was {} and is now {}", shown(was), shown(is))
}

#[cfg(test)]
mod tests {
    use super::super::{sample, write};
    use super::*;

    /// Results in two folders, the second one as `change` leaves it.
    fn verification(change: impl FnOnce(&Path)) -> Verification {
        let out = tempfile::tempdir().unwrap();
        let results =
            |root: &str| write(&out.path().join(root), &sample::hops(), &[], false).unwrap();
        let (old, new) = (results("old"), results("new"));
        change(&old);
        Verification::of(&old, &new).unwrap()
    }

    fn edit(folder: &Path, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(folder.join(name)).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(folder.join(name), text.replacen(from, to, 1)).unwrap();
    }

    #[test]
    fn the_same_results_are_the_same() {
        let same = verification(|_| {});
        assert!(same.is_same(), "{same:?}");
        assert!(same.runs > 10 && same.files >= 7 && same.left_out.is_empty(), "{same:?}");
        let lean = verification(|folder| fs::remove_file(folder.join("metrics.csv")).unwrap());
        assert!(lean.is_same() && lean.left_out == ["metrics.csv"], "{lean:?}");
        assert_eq!(lean.files, same.files - 1);
    }

    #[test]
    fn every_difference_is_named() {
        let digest = sample::hops().runs[0].point.digest.clone();
        let other = verification(|folder| {
            edit(folder, "runs.csv", &digest, "0123");
            edit(folder, "hops.csv", "share", "part");
            fs::remove_file(folder.join("load.csv")).unwrap();
            fs::write(folder.join("notes.txt"), "mine").unwrap();
            fs::write(folder.join(".hidden"), "mine").unwrap();
        });
        assert!(!other.is_same());
        insta::assert_debug_snapshot!((other.runs_that_differ, other.files_that_differ));
    }

    #[test]
    fn the_place_where_files_part_is_shown() {
        let row = |end: &str| format!("name\n{}{end}", "0123456789".repeat(3));
        let said: Vec<String> = [
            (&b"a\nb\n"[..], &b"a\n"[..]),
            (b"a\n", b"a\nb\nc\n"),
            (b"a\r\n", b"a\n"),
            (b"a\xff", b"a"),
            (b"8,1.5\n", b"8,1.25\n"),
            (b"8,1\n", b"8,1,9\n"),
            (row("x,1").as_bytes(), row(&"y".repeat(99)).as_bytes()),
        ]
        .iter()
        .map(|(was, is)| part(was, is))
        .collect();
        insta::assert_snapshot!(said.join("\n"));
    }
}
