//! The journal on its disk: found, locked, read, and made ready to be written to.
//!
//! A new file is written beside the old one and renamed over it, so that at every moment the whole old or the whole
//! new one is there. The lock is a file of its own, which is never renamed: a lock on the journal would stay with
//! the old one.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::event::Event;
use super::line::{self, Contents, Numbering, Unreadable};
use super::replay::{self, Debts, History};
use super::{PreviousRun, time};
use crate::sys;

/// From this size on a journal is begun anew even after a run that was killed, whose history is then lost.
const LARGE: usize = 256 * 1024;

/// No journal comes near it: the path is of something else.
const TOO_LARGE: u64 = 64 * 1024 * 1024;

const PRIVATE: u32 = 0o600;

/// Why a journal cannot be used.
#[derive(Debug, PartialEq)]
pub(crate) struct OpenError {
    text: String,
    /// Trying again helps only after somebody has changed something.
    pub(crate) is_invalid: bool,
}

impl OpenError {
    /// The system refused what another time it may grant.
    pub(super) fn by_system(text: String) -> Self {
        OpenError { text, is_invalid: false }
    }
}

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// A journal that this process alone has, with the beginning of this run in it.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) file: File,
    pub(super) length: u64,
    pub(super) numbering: Numbering,
    pub(super) previous: PreviousRun,
    pub(super) debts: Debts,
    /// What a person should know.
    pub(super) warnings: Vec<String>,
    pub(super) lock: File,
}

/// Takes hold of the journal at `path`, and records durably that a run begins.
pub(super) fn hold(path: &Path, run: &str, now: SystemTime) -> Result<Held, OpenError> {
    if path.file_name().is_none() {
        let text = format!("the journal {path:?} names no file: write a path such as /var/lib/shop/journal");
        return Err(OpenError { text, is_invalid: true });
    }
    let place = Place { path };
    let lock = place.lock()?;
    let (mut found, mut warnings) = (None, Vec::new());
    let mut set_aside = None;
    if let Some((file, bytes)) = place.read()? {
        match line::read(&bytes) {
            Ok(contents) => found = Some((file, bytes.len(), contents)),
            Err(Unreadable::Damaged { line, what }) => {
                let aside = place.set_aside(now)?;
                warnings.push(format!(
                    "the journal {} is damaged in line {line}: {what}. It is now {}, and a new one is begun: what \
                     was owed until now is only known there",
                    path.display(),
                    aside.display()
                ));
                set_aside = Some(aside);
            }
            Err(why) => return Err(place.unreadable(&why)),
        }
    }
    let entries = found.as_ref().map_or(&[][..], |(_, _, contents)| &contents.entries);
    let History { mut previous, debts, settled_in_vain } = replay::replay(entries);
    for step in settled_in_vain {
        warnings.push(format!(
            "the journal {} says `by hand: settled {step}`, but nothing was owed for {step}",
            path.display()
        ));
    }
    if let Some((_, length, contents)) = &found {
        let torn = length - contents.sound;
        if torn > 0 {
            warnings.push(format!(
                "the journal {} ended in {torn} bytes of an unfinished record, which are left out: nobody was told \
                 that they had been written",
                path.display()
            ));
        }
    }
    if let Some(set_aside) = set_aside {
        previous = PreviousRun::Unknown { set_aside };
    }

    let mut beginning = vec![Event::RunBegun { run: run.to_owned(), pid: std::process::id() }];
    beginning.extend(debts.letters().cloned().map(Event::Owed));
    let clean = matches!(previous, PreviousRun::Clean { .. });
    let (file, length, numbering) = match found {
        Some((file, _, contents)) if !clean && can_go_on(&contents) => {
            place.go_on(file, &contents, &beginning, now)
        }
        _ => place.begin_anew(&beginning, now),
    }?;
    place.sync_folder()?;
    Ok(Held { file, length, numbering, previous, debts, warnings, lock })
}

fn can_go_on(contents: &Contents) -> bool {
    // What a person has written counts once, and may follow what is to be cut off.
    contents.sound > 0 && contents.sound < LARGE && !contents.has_lines_by_hand()
}

/// Where the journal is.
struct Place<'a> {
    path: &'a Path,
}

impl Place<'_> {
    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = OsString::from(self.path);
        name.push(suffix);
        PathBuf::from(name)
    }

    fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        }
    }

    /// Takes the lock, which is released when this process ends, however it does.
    fn lock(&self) -> Result<File, OpenError> {
        let path = self.beside(".lock");
        refuse_what_is_no_file(&path)?;
        let mut options = private();
        let lock = options.read(true).write(true).create(true).truncate(false).open(&path);
        let mut lock = lock.map_err(|error| self.cannot("open", &path, &error))?;
        // The umask may have taken even that. If the file is another's, it is good enough as it is.
        let _ = lock.set_permissions(Permissions::from_mode(PRIVATE));
        match sys::try_lock(&lock) {
            Ok(true) => {}
            Ok(false) => return Err(self.in_use(&mut lock)),
            Err(error) => return Err(self.cannot("lock", &path, &error)),
        }
        // For the error above, in the other process. Without it that is only less precise.
        let pid = format!("{}\n", std::process::id());
        let _ = lock.set_len(0).and_then(|()| lock.write_all(pid.as_bytes()));
        Ok(lock)
    }

    fn in_use(&self, lock: &mut File) -> OpenError {
        let mut holder = String::new();
        let _ = lock.take(32).read_to_string(&mut holder);
        let holder = match holder.trim().parse::<u32>() {
            Ok(pid) => format!("process {pid}, or a child that it has left behind"),
            Err(_) => "another process".to_owned(),
        };
        OpenError {
            text: format!(
                "the journal {} is in use by {holder}: wait until that has ended, or name a journal for each process \
                 (LIFECYCLE_JOURNAL)",
                self.path.display()
            ),
            is_invalid: false,
        }
    }

    /// The file and all of its bytes, if there is one.
    fn read(&self) -> Result<Option<(File, Vec<u8>)>, OpenError> {
        if !refuse_what_is_no_file(self.path)? {
            return Ok(None);
        }
        let file = private().read(true).append(true).open(self.path);
        let file = file.map_err(|error| self.cannot("open", self.path, &error))?;
        let mut bytes = Vec::new();
        (&file)
            .take(TOO_LARGE + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| self.cannot("read", self.path, &error))?;
        if bytes.len() as u64 > TOO_LARGE {
            return Err(self.unreadable(&Unreadable::Foreign));
        }
        Ok(Some((file, bytes)))
    }

    fn unreadable(&self, why: &Unreadable) -> OpenError {
        let path = self.path.display();
        let text = match why {
            Unreadable::Newer { line } => format!(
                "the journal {path} was written by a later version of lifecycle (line {line}): run that version, or \
                 move the file away and settle by hand what it says is owed"
            ),
            Unreadable::ByHand { line, text } => format!(
                "line {line} of the journal {path} is `{text}`: write `by hand: settled` and the step, as in `by hand: \
                 settled shop::orders::cancel_open_orders`"
            ),
            Unreadable::Foreign | Unreadable::Damaged { .. } => {
                format!("{path} is no journal, so it is left alone: name another path, or move the file away")
            }
        };
        OpenError { text, is_invalid: true }
    }

    /// Gives the file another name. Never that of another one: each may be all that is known of something. It keeps its
    /// own until the new one replaces it, so that a kill in between does not hide that there was something.
    fn set_aside(&self, now: SystemTime) -> Result<PathBuf, OpenError> {
        let second = &time::format(now)[..19];
        let suffix = format!(".damaged-{}Z", second.replace(':', "-"));
        let mut aside = self.beside(&suffix);
        for again in 2.. {
            if fs::symlink_metadata(&aside).is_err() {
                break;
            }
            aside = self.beside(&format!("{suffix}-{again}"));
        }
        // Not every file system has links.
        fs::hard_link(self.path, &aside)
            .or_else(|_| fs::rename(self.path, &aside))
            .map_err(|error| self.cannot("set aside", self.path, &error))?;
        Ok(aside)
    }

    /// Writes a new file beside the old one, then puts it in its place.
    fn begin_anew(&self, events: &[Event], now: SystemTime) -> Result<(File, u64, Numbering), OpenError> {
        let path = self.beside(".new");
        // Of a process that was killed at this; whoever has the lock is alone.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(self.cannot("remove", &path, &error));
            }
            Ok(()) | Err(_) => {}
        }
        let mut numbering = Numbering { next: 1 };
        let text = line::header() + &numbering.batch(events.iter().map(|event| (now, event)));
        let write = || {
            let mut file = private().append(true).create_new(true).open(&path)?;
            file.set_permissions(Permissions::from_mode(PRIVATE))?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            Ok(file)
        };
        let file = write().map_err(|error| self.cannot("write", &path, &error))?;
        fs::rename(&path, self.path).map_err(|error| self.cannot("replace", self.path, &error))?;
        Ok((file, text.len() as u64, numbering))
    }

    /// Goes on where the last run has left off.
    fn go_on(
        &self,
        mut file: File,
        contents: &Contents,
        events: &[Event],
        now: SystemTime,
    ) -> Result<(File, u64, Numbering), OpenError> {
        let mut numbering = Numbering { next: contents.next };
        let text = numbering.batch(events.iter().map(|event| (now, event)));
        let mut write = || {
            let open_to_others = file.metadata()?.permissions().mode() & 0o7777 != PRIVATE;
            if open_to_others {
                file.set_permissions(Permissions::from_mode(PRIVATE))?;
            }
            file.set_len(contents.sound as u64)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()
        };
        write().map_err(|error| self.cannot("write", self.path, &error))?;
        Ok((file, (contents.sound + text.len()) as u64, numbering))
    }

    /// Makes the names durable. Also of a file that was there: its maker may have been killed before this.
    fn sync_folder(&self) -> Result<(), OpenError> {
        match File::open(self.folder()).and_then(|folder| folder.sync_all()) {
            // Some file systems do not have it; then the names need no more.
            Err(error)
                if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) =>
            {
                Ok(())
            }
            synced => synced.map_err(|error| self.cannot("sync the folder of", self.path, &error)),
        }
    }

    fn cannot(&self, what: &str, path: &Path, error: &io::Error) -> OpenError {
        use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied, ReadOnlyFilesystem, ResourceBusy};
        let folder = self.folder().display();
        let advice = match error.kind() {
            NotFound => format!(": create the folder {folder}"),
            NotADirectory => format!(": {folder} is no folder"),
            PermissionDenied | ReadOnlyFilesystem => {
                format!(
                    ": the service must be able to create and rename files in {folder}, and to write its own"
                )
            }
            ResourceBusy => format!(": mount the folder {folder}, not the single file"),
            _ => String::new(),
        };
        OpenError {
            text: format!("the journal: cannot {what} {}: {error}{advice}", path.display()),
            is_invalid: !advice.is_empty(),
        }
    }
}

/// Opens no link, waits for no other end of a pipe, and lets nobody else read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(PRIVATE).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    options
}

/// Whether a file is there; an error if something else is.
fn refuse_what_is_no_file(path: &Path) -> Result<bool, OpenError> {
    let Ok(metadata) = fs::symlink_metadata(path) else { return Ok(false) };
    let kind = metadata.file_type();
    let what = match () {
        () if kind.is_file() => return Ok(true),
        () if kind.is_symlink() => "a symbolic link, which could be changed under us: name the file itself",
        () if kind.is_dir() => "a folder: name a file in it",
        () if kind.is_fifo() => "a pipe: name a file",
        () => "no file: name one",
    };
    Err(OpenError { text: format!("the journal {} is {what}", path.display()), is_invalid: true })
}
