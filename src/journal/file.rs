//! A journal on the disk.
//!
//! A line that names the program, then records. A record is a head of 28 bytes, the key and
//! two numbers of 32 bits with the lowest byte first (the length of what follows, and a
//! checksum over all of the record but itself), and then the tally: in postcard's format,
//! deflated. Records are only ever appended, each by a single write.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

use super::{Archive, PROGRAM, RunKey};
use crate::measure::Tally;

/// The numbers of a record's head, behind its key.
const NUMBERS_BYTES: usize = 8;
const HEAD_BYTES: usize = RunKey::BYTES + NUMBERS_BYTES;
/// Nothing that a run gives is longer when it is deflated.
const LONGEST: u32 = 1 << 31;

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The operating system refuses.
    #[error(
        "{path}: the runs cannot be kept or read: {reason}; free the disk or choose another folder"
    )]
    Refused {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// Another process writes to it.
    #[error(
        "{path}: another dhtsim is at it; wait for that one, or choose another folder with --out"
    )]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// It was written by another program.
    #[error(
        "{path}: holds runs of dhtsim {other}, this is dhtsim {PROGRAM}; use one build for all shares"
    )]
    OfAnother {
        /// The file.
        path: PathBuf,
        /// What stands in its first line.
        other: String,
    },
}

/// A file of tallies by their keys.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    inner: Mutex<Inner>,
}

/// Where the records' tallies stand, and how long they are.
type Places = BTreeMap<RunKey, (u64, u32)>;

#[derive(Debug)]
struct Inner {
    file: File,
    places: Places,
    /// Where the next record begins.
    end: u64,
    /// Why a record could not be written: after the first such no more are.
    failure: Option<io::Error>,
}

fn header() -> String {
    format!("runs of dhtsim {PROGRAM}\n")
}

impl Journal {
    /// Opens the journal at a path to read and to go on with, or begins it. One of another
    /// program is begun anew. What follows a record that is cut short or damaged is dropped.
    ///
    /// # Errors
    /// When the file cannot be read or written, or another process has opened it so.
    pub fn open(path: &Path) -> Result<Journal, JournalError> {
        let refused = |reason| JournalError::Refused { path: path.to_owned(), reason };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(refused)?;
        }
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(path);
        let mut file = file.map_err(refused)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(JournalError::InUse { path: path.to_owned() });
            }
            // A file system without locks: whoever uses one takes care.
            Err(TryLockError::Error(reason)) if reason.kind() == ErrorKind::Unsupported => {}
            Err(TryLockError::Error(reason)) => return Err(refused(reason)),
        }
        let (places, end) = match read_header(&mut file).map_err(refused)? {
            Some(program) if program == PROGRAM => scan(&mut file).map_err(refused)?,
            _ => {
                file.set_len(0).map_err(refused)?;
                file.seek(SeekFrom::Start(0)).map_err(refused)?;
                file.write_all(header().as_bytes()).map_err(refused)?;
                (BTreeMap::new(), header().len() as u64)
            }
        };
        file.set_len(end).map_err(refused)?;
        let inner = Mutex::new(Inner { file, places, end, failure: None });
        Ok(Journal { path: path.to_owned(), inner })
    }

    /// Opens a journal to read it only.
    ///
    /// # Errors
    /// When it cannot be read, or is of another program.
    pub fn read(path: &Path) -> Result<Journal, JournalError> {
        let refused = |reason| JournalError::Refused { path: path.to_owned(), reason };
        let mut file = File::open(path).map_err(refused)?;
        let program = read_header(&mut file).map_err(refused)?;
        if program.as_deref() != Some(PROGRAM) {
            let other = program.unwrap_or_else(|| "of an unknown version".to_owned());
            return Err(JournalError::OfAnother { path: path.to_owned(), other });
        }
        let (places, end) = scan(&mut file).map_err(refused)?;
        let inner = Mutex::new(Inner { file, places, end, failure: None });
        Ok(Journal { path: path.to_owned(), inner })
    }

    /// Drops all that is in it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn clear(&self) -> Result<(), JournalError> {
        let mut inner = self.lock();
        inner.places.clear();
        inner.end = header().len() as u64;
        let cut = inner.file.set_len(inner.end);
        cut.map_err(|reason| JournalError::Refused { path: self.path.clone(), reason })
    }

    /// The runs that are in it, in the order of their keys.
    pub fn keys(&self) -> Vec<RunKey> {
        self.lock().places.keys().copied().collect()
    }

    /// Whether all that was to be kept is on its way to the disk.
    ///
    /// # Errors
    /// The first reason why something could not be written.
    pub fn finish(self) -> Result<(), JournalError> {
        let path = self.path;
        let inner = self.inner.into_inner().unwrap_or_else(PoisonError::into_inner);
        match inner.failure {
            Some(reason) => Err(JournalError::Refused { path, reason }),
            None => Ok(()),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        // Whoever panicked with the lock held left a record that was written, or not.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Archive for Journal {
    fn find(&self, key: RunKey) -> Option<Tally> {
        let mut inner = self.lock();
        let (place, len) = *inner.places.get(&key)?;
        let mut deflated = vec![0; len as usize];
        inner.file.seek(SeekFrom::Start(place)).ok()?;
        inner.file.read_exact(&mut deflated).ok()?;
        drop(inner);
        unpack(&deflated)
    }

    fn has(&self, key: RunKey) -> bool {
        self.lock().places.contains_key(&key)
    }

    fn keep(&self, key: RunKey, tally: &Tally) {
        let packed = pack(tally);
        let mut inner = self.lock();
        if inner.failure.is_some() || inner.places.contains_key(&key) {
            return;
        }
        if let Err(reason) = packed.and_then(|packed| inner.append(key, &packed)) {
            inner.failure = Some(reason);
        }
    }
}

impl Inner {
    fn append(&mut self, key: RunKey, packed: &[u8]) -> io::Result<()> {
        let len = u32::try_from(packed.len()).ok().filter(|len| *len < LONGEST);
        let len = len.ok_or_else(|| io::Error::new(ErrorKind::FileTooLarge, "a run of 2 GB"))?;
        let mut record = Vec::with_capacity(HEAD_BYTES + packed.len());
        record.extend(key.0);
        record.extend(len.to_le_bytes());
        record.extend(checksum(key, len, packed).to_le_bytes());
        record.extend(packed);
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(&record)?;
        self.places.insert(key, (self.end + HEAD_BYTES as u64, len));
        self.end += record.len() as u64;
        Ok(())
    }
}

fn pack(tally: &Tally) -> io::Result<Vec<u8>> {
    let plain = postcard::to_allocvec(tally).map_err(io::Error::other)?;
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&plain)?;
    encoder.finish()
}

fn unpack(deflated: &[u8]) -> Option<Tally> {
    let mut plain = Vec::new();
    ZlibDecoder::new(deflated).read_to_end(&mut plain).ok()?;
    postcard::from_bytes(&plain).ok()
}

fn checksum(key: RunKey, len: u32, packed: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&key.0);
    hasher.update(&len.to_le_bytes());
    hasher.update(packed);
    hasher.finalize()
}

/// The program of a journal's first line; `None` when it does not begin as a journal does.
fn read_header(file: &mut File) -> io::Result<Option<String>> {
    const LONGEST_LINE: u64 = 200;
    let mut start = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    (&*file).take(LONGEST_LINE).read_to_end(&mut start)?;
    let line = start.split(|byte| *byte == b'\n').next().filter(|line| line.len() < start.len());
    let line = line.and_then(|line| std::str::from_utf8(line).ok());
    Ok(line.and_then(|line| line.strip_prefix("runs of dhtsim ")).map(str::to_owned))
}

/// Finds the records of a journal of this program; gives where the last whole one ends.
fn scan(file: &mut File) -> io::Result<(Places, u64)> {
    let mut places = BTreeMap::new();
    let mut end = header().len() as u64;
    let mut reader = io::BufReader::new(file);
    reader.seek(SeekFrom::Start(end))?;
    let mut packed = Vec::new();
    loop {
        let mut head = [0; HEAD_BYTES];
        if !fill(&mut reader, &mut head)? {
            break;
        }
        let (key, numbers) = head.split_at(RunKey::BYTES);
        let (Ok(key), Ok(numbers)) = (key.try_into(), <[u8; NUMBERS_BYTES]>::try_from(numbers))
        else {
            break;
        };
        let key = RunKey(key);
        let [l0, l1, l2, l3, c0, c1, c2, c3] = numbers;
        let len = u32::from_le_bytes([l0, l1, l2, l3]);
        packed.clear();
        reader.by_ref().take(u64::from(len)).read_to_end(&mut packed)?;
        let is_whole = packed.len() == len as usize;
        if !is_whole || checksum(key, len, &packed) != u32::from_le_bytes([c0, c1, c2, c3]) {
            break;
        }
        places.insert(key, (end + HEAD_BYTES as u64, len));
        end += HEAD_BYTES as u64 + u64::from(len);
    }
    Ok((places, end))
}

/// Fills the buffer; whether there was enough.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
