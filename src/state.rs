//! What lvsd remembers over restarts: which objects in the kernel are its own, and what was there before.
//!
//! The file is written before the kernel is, so that a crash between the two leaves nothing without an owner.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipvs::{Endpoint, ServiceId};
use nix::fcntl::{Flock, FlockArg};
use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use serde_with::{DisplayFromStr, serde_as};

use crate::desired::Desired;
use crate::kernel::{Assignment, Sysctl};
use crate::serving::{Kept, Words};

/// Time since the machine started, suspended or not: it survives a restart of the daemon, and no clock step moves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BootTime(Duration);

impl BootTime {
    /// Reads `CLOCK_BOOTTIME`.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "every kernel that has the IPVS we need has the clock")]
    pub fn now() -> Self {
        let now = clock_gettime(ClockId::CLOCK_BOOTTIME).expect("CLOCK_BOOTTIME exists since Linux 2.6.39");
        Self(now.into())
    }

    /// The instant `span` later.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span))
    }

    /// How long it is from `earlier` to `self`; zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// Everything that lvsd made in the kernel. What other releases keep beside it is passed over.
#[serde_as]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The virtual services.
    #[serde_as(as = "BTreeMap<DisplayFromStr, _>")]
    pub services: BTreeMap<ServiceId, Owned>,
    /// The addresses that were not there before.
    #[serde_as(as = "BTreeSet<DisplayFromStr>")]
    pub addresses: BTreeSet<Assignment>,
    /// The values that sysctls had before.
    #[serde_as(as = "BTreeMap<DisplayFromStr, _>")]
    pub sysctls: BTreeMap<Sysctl, bool>,
    /// What operators said. It outlives the machine's boot.
    #[serde(default)]
    pub words: Words,
}

/// A virtual service that is lvsd's.
#[serde_as]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owned {
    /// Its name in the file.
    pub name: String,
    /// How long its connections may go on when a realserver leaves.
    pub drain_timeout: Duration,
    /// Its realservers.
    #[serde_as(as = "BTreeSet<DisplayFromStr>")]
    pub realservers: BTreeSet<Endpoint>,
    /// Those that are leaving, and when they are cut.
    #[serde_as(as = "BTreeMap<DisplayFromStr, _>")]
    pub draining: BTreeMap<Endpoint, BootTime>,
}

impl State {
    /// Claims all that `desired` names, and starts to drain what it no longer names. `cut` drains nothing.
    pub fn retarget(&mut self, desired: &Desired, now: BootTime, cut: bool) {
        for (id, about) in &desired.services {
            let owned = self.services.entry(*id).or_insert_with(|| Owned {
                name: about.name.to_string(),
                drain_timeout: about.drain_timeout,
                realservers: BTreeSet::new(),
                draining: BTreeMap::new(),
            });
            owned.name = about.name.to_string();
            owned.drain_timeout = about.drain_timeout;
        }
        for (id, owned) in &mut self.services {
            let members = desired.services.get(id).map(|about| &about.members);
            if owned.draining.is_empty() && members == Some(&owned.realservers) {
                continue;
            }
            let timeout = if cut { Duration::ZERO } else { owned.drain_timeout };
            for realserver in &owned.realservers {
                if members.is_none_or(|members| !members.contains(realserver)) {
                    let end = owned.draining.entry(*realserver).or_insert_with(|| now.after(timeout));
                    *end = (*end).min(now.after(timeout));
                }
            }
            if let Some(members) = members {
                owned.draining.retain(|realserver, _| !members.contains(realserver));
                owned.realservers.extend(members);
            }
        }
    }
}

/// The directory that holds the state; whoever holds this value is the only lvsd that uses it.
#[derive(Debug)]
pub struct Store {
    directory: PathBuf,
    _lock: Flock<File>,
}

/// Why the state cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has it.
    #[error("another lvsd is running: it holds {0}")]
    Busy(PathBuf),
    /// The file system refuses.
    #[error("{attempt} {path}: {cause}", path = path.display())]
    Io {
        /// What was tried.
        attempt: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The reason.
        cause: io::Error,
    },
}

impl StoreError {
    fn io(attempt: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |cause| Self::Io { attempt, path: path.to_owned(), cause }
    }
}

/// What was found where the state should be.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// State of this boot of the machine, or of an earlier one what outlives that.
    State(State),
    /// Nothing, or state from before the machine was started.
    Nothing,
    /// A file that cannot be read; it was put aside under this name.
    Damaged(PathBuf),
}

/// The file's content: the state belongs to one boot of the machine, since the kernel's memory does.
#[derive(Serialize, Deserialize)]
struct Document {
    boot: String,
    state: State,
}

impl Store {
    /// Where the state is when nothing says otherwise.
    pub fn default_directory() -> PathBuf {
        std::env::var_os("STATE_DIRECTORY").map_or_else(|| "/var/lib/lvsd".into(), PathBuf::from)
    }

    /// Takes hold of a directory, and creates it if need be.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(directory).map_err(StoreError::io("create", directory))?;
        let path = directory.join("lock");
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(StoreError::io("open", &path))?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => Ok(Self { directory: directory.to_owned(), _lock: lock }),
            Err((_, nix::errno::Errno::EWOULDBLOCK)) => Err(StoreError::Busy(path)),
            Err((_, errno)) => Err(StoreError::io("lock", &path)(errno.into())),
        }
    }

    /// Reads the state and puts a damaged file aside.
    pub fn load(&self) -> Result<Found, StoreError> {
        let found = peek(&self.directory)?;
        if let Found::Damaged(aside) = &found {
            let path = file_in(&self.directory);
            fs::rename(&path, aside).map_err(StoreError::io("put aside", &path))?;
        }
        Ok(found)
    }

    /// The verdicts of an earlier daemon, if they are no older than [`FRESH`].
    #[must_use]
    pub fn verdicts(&self) -> Kept {
        peek_verdicts(&self.directory)
    }

    /// Keeps verdicts for a later daemon. They are worth little: what a crash of the machine takes is no loss.
    pub fn save_verdicts(&self, kept: &Kept) -> Result<(), StoreError> {
        let path = verdicts_in(&self.directory);
        let document = Verdicts { boot: boot_id()?, at: BootTime::now(), kept: Cow::Borrowed(kept) };
        let fresh = path.with_extension("json.new");
        let text = serde_json::to_vec(&document).map_err(io::Error::from);
        text.and_then(|text| fs::write(&fresh, text))
            .and_then(|()| fs::rename(&fresh, &path))
            .map_err(StoreError::io("write", &path))
    }

    /// Replaces the state: after a crash the file holds either the old state or the new one.
    pub fn save(&self, state: &State) -> Result<(), StoreError> {
        let path = file_in(&self.directory);
        let document = Document { boot: boot_id()?, state: state.clone() };
        let text = serde_json::to_vec(&document).map_err(io::Error::from);
        text.and_then(|text| write_atomically(&path, &text)).map_err(StoreError::io("write", &path))
    }
}

/// For how long verdicts are worth something.
pub const FRESH: Duration = Duration::from_secs(60);

/// What the checks found, as it is kept.
#[derive(Serialize, Deserialize)]
struct Verdicts<'a> {
    boot: String,
    at: BootTime,
    kept: Cow<'a, Kept>,
}

/// Reads the verdicts in `directory` without taking hold of it; whatever is wrong with them, there are none.
#[must_use]
pub fn peek_verdicts(directory: &Path) -> Kept {
    let document = fs::read(verdicts_in(directory)).ok().and_then(|text| {
        let document: Verdicts<'_> = serde_json::from_slice(&text).ok()?;
        let is_fresh = document.boot == boot_id().ok()? && BootTime::now().since(document.at) <= FRESH;
        is_fresh.then(|| document.kept.into_owned())
    });
    document.unwrap_or_default()
}

fn verdicts_in(directory: &Path) -> PathBuf {
    directory.join("verdicts.json")
}

/// Reads the state in `directory` without taking hold of it.
pub fn peek(directory: &Path) -> Result<Found, StoreError> {
    let path = file_in(directory);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(StoreError::io("read", &path)(error)),
    };
    match serde_json::from_slice::<Document>(&text) {
        Ok(document) if document.boot == boot_id()? => Ok(Found::State(document.state)),
        Ok(Document { state, .. }) if state.words.is_empty() => Ok(Found::Nothing),
        Ok(Document { state: State { words, .. }, .. }) => {
            Ok(Found::State(State { words, ..State::default() }))
        }
        Err(_) => Ok(Found::Damaged(directory.join("state.json.damaged"))),
    }
}

fn file_in(directory: &Path) -> PathBuf {
    directory.join("state.json")
}

fn boot_id() -> Result<String, StoreError> {
    let path = Path::new("/proc/sys/kernel/random/boot_id");
    fs::read_to_string(path).map(|id| id.trim().to_owned()).map_err(StoreError::io("read", path))
}

/// Replaces a file: after a crash it holds either the old content or the new one.
pub(crate) fn write_atomically(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let mut file = File::create(&fresh)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}

#[cfg(test)]
mod tests;
