//! The thread that writes, so that nobody else waits for a disk.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::sync::mpsc::Receiver;
use std::time::SystemTime;

use super::event::Event;
use super::line::Numbering;

/// What the thread is asked: to write something, to tell when all until then is durable, or both.
pub(super) struct Request {
    pub(super) event: Option<(SystemTime, Event)>,
    pub(super) then: Option<Then>,
}

/// Told on the journal's own thread, once it is durable or could not become so. It must return at once.
pub(crate) type Then = Box<dyn FnOnce(Result<(), NotWritten>) + Send>;

/// Why a record is not durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NotWritten(pub(super) String);

impl fmt::Display for NotWritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is written to.
pub(super) trait Medium {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Returns when everything appended will outlive a loss of power.
    fn sync(&mut self) -> io::Result<()>;
    fn cut(&mut self, length: u64) -> io::Result<()>;
}

impl Medium for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }
}

/// Records that are synced together, at most. Those that come while the disk is busy make the next batch.
const BATCH: usize = 256;

/// Writes what it is asked to, until nobody can ask any more.
pub(super) fn write(requests: &Receiver<Request>, mut pen: Pen<impl Medium>) {
    while let Ok(first) = requests.recv() {
        let (mut events, mut waiting) = (Vec::new(), Vec::new());
        for request in std::iter::once(first).chain(requests.try_iter().take(BATCH - 1)) {
            events.extend(request.event);
            waiting.extend(request.then);
        }
        let written = pen.write(events);
        for then in waiting {
            then(written.clone());
        }
    }
}

/// Appends batches. One that failed leaves nothing behind, and is tried again before the next: so whoever is told that
/// a record is durable knows it of all that were handed over before.
pub(super) struct Pen<M> {
    medium: M,
    /// Of what is durable.
    length: u64,
    numbering: Numbering,
    unwritten: Vec<(SystemTime, Event)>,
    /// Why nothing can be written any more.
    broken: Option<NotWritten>,
}

impl<M: Medium> Pen<M> {
    /// Goes on after so many bytes.
    pub(super) fn new(medium: M, length: u64, numbering: Numbering) -> Self {
        Pen { medium, length, numbering, unwritten: Vec::new(), broken: None }
    }

    fn write(&mut self, events: Vec<(SystemTime, Event)>) -> Result<(), NotWritten> {
        if let Some(why) = &self.broken {
            return Err(why.clone());
        }
        self.unwritten.extend(events);
        if self.unwritten.is_empty() {
            return Ok(());
        }
        let mut numbering = self.numbering.clone();
        let text = numbering.batch(self.unwritten.iter().map(|(at, event)| (*at, event)));
        if let Err(error) = self.medium.append(text.as_bytes()) {
            // A later record must not follow half of this one. A disk that is full may have room again by then.
            if let Err(worse) = self.medium.cut(self.length) {
                self.broken = Some(NotWritten(format!("{error}, and half a record stays behind: {worse}")));
            }
            return Err(NotWritten(error.to_string()));
        }
        if let Err(error) = self.medium.sync() {
            // What is on the disk now is unknown, and asking again would not tell: the system may have dropped
            // what it could not write.
            let why = NotWritten(format!("it could not be synced: {error}"));
            self.broken = Some(why.clone());
            return Err(why);
        }
        self.length += text.len() as u64;
        self.numbering = numbering;
        self.unwritten.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};
    use std::sync::{Arc, Mutex};

    use super::super::line;
    use super::super::tests::at;
    use super::*;

    /// What happened, in order.
    type Log = Arc<Mutex<Vec<String>>>;

    /// A disk that does as it is told.
    struct Disk {
        log: Log,
        content: Arc<Mutex<Vec<u8>>>,
        /// So many bytes still fit.
        room: Arc<Mutex<usize>>,
        /// A sync waits for a word.
        words: Option<Receiver<io::Result<()>>>,
    }

    impl Medium for Disk {
        fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
            let mut room = self.room.lock().unwrap();
            let fits = bytes.len().min(*room);
            *room -= fits;
            self.content.lock().unwrap().extend_from_slice(&bytes[..fits]);
            self.log.lock().unwrap().push("append".into());
            if fits == bytes.len() { Ok(()) } else { Err(io::Error::from(io::ErrorKind::StorageFull)) }
        }
        fn sync(&mut self) -> io::Result<()> {
            let word = self.words.as_ref().map_or(Ok(()), |words| words.recv().unwrap());
            self.log.lock().unwrap().push("sync".into());
            word
        }
        fn cut(&mut self, length: u64) -> io::Result<()> {
            self.content.lock().unwrap().truncate(usize::try_from(length).unwrap());
            self.log.lock().unwrap().push("cut".into());
            Ok(())
        }
    }

    struct Scene {
        log: Log,
        content: Arc<Mutex<Vec<u8>>>,
        room: Arc<Mutex<usize>>,
        to: Sender<Request>,
    }

    impl Scene {
        fn new(room: usize, words: Option<Receiver<io::Result<()>>>) -> (Self, impl FnOnce()) {
            let (log, room) = (Log::default(), Arc::new(Mutex::new(room)));
            let header = line::header();
            let content = Arc::new(Mutex::new(header.clone().into_bytes()));
            let (to, requests) = channel();
            let disk = Disk { log: log.clone(), content: content.clone(), room: room.clone(), words };
            let (length, numbering) = (header.len() as u64, Numbering { next: 1 });
            let pen = Pen::new(disk, length, numbering);
            (Scene { log, content, room, to }, move || write(&requests, pen))
        }

        fn ask(&self, step: &str) {
            let (log, name) = (self.log.clone(), step.to_owned());
            let then: Then = Box::new(move |written| {
                let how = written.map_or_else(|why| why.to_string(), |()| "durable".into());
                log.lock().unwrap().push(format!("{name} {how}"));
            });
            let event = Event::Begun { step: step.to_owned() };
            self.to.send(Request { event: Some((at(1), event)), then: Some(then) }).unwrap();
        }

        /// Waits until all that was asked is done. Returns whether all of it is durable.
        fn flush(&self) -> bool {
            let (done, wait) = channel();
            let then: Then = Box::new(move |written| drop(done.send(written)));
            self.to.send(Request { event: None, then: Some(then) }).unwrap();
            wait.recv().unwrap().is_ok()
        }

        fn steps(&self) -> Vec<String> {
            let contents = line::read(&self.content.lock().unwrap()).unwrap();
            super::super::tests::steps(&contents)
        }

        fn log(&self) -> Vec<String> {
            self.log.lock().unwrap().clone()
        }
    }

    #[test]
    fn nobody_is_told_before_it_is_synced_and_one_sync_serves_all_that_wait() {
        let (scene, run) = Scene::new(usize::MAX, None);
        for step in ["a", "b", "c"] {
            scene.ask(step);
        }
        // Everything is asked before the thread looks.
        let thread = std::thread::spawn(run);
        assert!(scene.flush());
        assert_eq!(scene.log(), ["append", "sync", "a durable", "b durable", "c durable"]);
        assert_eq!(scene.steps(), ["a", "b", "c"]);
        scene.ask("d");
        assert!(scene.flush());
        assert_eq!(scene.log()[5..], ["append", "sync", "d durable"]);
        drop(scene);
        thread.join().unwrap();
    }

    #[test]
    fn who_asks_does_not_wait_for_a_stuck_disk() {
        let (word, words) = channel();
        let (scene, run) = Scene::new(usize::MAX, Some(words));
        let thread = std::thread::spawn(run);
        // The disk does not answer, and all of this returns.
        scene.ask("a");
        scene.ask("b");
        assert!(!scene.log().contains(&"a durable".to_owned()));
        word.send(Ok(())).unwrap();
        word.send(Ok(())).unwrap();
        assert!(scene.flush());
        let log = scene.log();
        assert!(log.contains(&"b durable".to_owned()), "{log:?}");
        drop((scene, word));
        thread.join().unwrap();
    }

    #[test]
    fn a_full_disk_is_told_and_leaves_no_half_record() {
        let (scene, run) = Scene::new(30, None);
        let thread = std::thread::spawn(run);
        scene.ask("a");
        assert!(!scene.flush(), "it is not all durable");
        assert_eq!(scene.log()[..3], ["append", "cut", "a no storage space"]);
        assert_eq!(scene.steps(), [""; 0]);
        *scene.room.lock().unwrap() = usize::MAX;
        let before = scene.log().len();
        scene.ask("b");
        assert!(scene.flush());
        assert_eq!(scene.log()[before..], ["append", "sync", "b durable"]);
        assert_eq!(scene.steps(), ["a", "b"], "what came first is durable first");
        drop(scene);
        thread.join().unwrap();
    }

    #[test]
    fn after_a_failed_sync_nothing_is_called_durable() {
        let (word, words) = channel();
        let (scene, run) = Scene::new(usize::MAX, Some(words));
        let thread = std::thread::spawn(run);
        word.send(Err(io::Error::other("the disk is gone"))).unwrap();
        // It would even say that all is well again.
        word.send(Ok(())).unwrap();
        scene.ask("a");
        assert!(!scene.flush());
        scene.ask("b");
        assert!(!scene.flush());
        let failed = |step| format!("{step} it could not be synced: the disk is gone");
        assert_eq!(scene.log(), ["append".to_owned(), "sync".to_owned(), failed("a"), failed("b")]);
        drop((scene, word));
        thread.join().unwrap();
    }
}
