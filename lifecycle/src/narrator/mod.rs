//! Who is told what happens, each on a thread of its own.
//!
//! A user's subscriber may block, on a full pipe for one, and so may a supervisor's socket. So nobody who must keep time
//! speaks to them: they say it here, and wait for it only as long as they can afford.

mod drains;
mod queue;
mod say;
#[cfg(feature = "terminal")]
pub(crate) mod terminal;
mod voice;

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use self::queue::{Next, Reader, Sender, Urgency, queue};
pub(crate) use self::say::Say;
use self::voice::Voice;
pub(crate) use self::voice::has_subscriber;

/// Is told everything, in order, on a thread that may block.
pub(crate) trait Listener: Send {
    /// Something has happened.
    fn hear(&mut self, say: &Say);
    /// Called after everything that was said at once, and whenever it has asked for. Returns when it wants to be called next.
    fn on_time(&mut self, now: Instant) -> Option<Instant>;
}

enum Message {
    Says(Arc<[Say]>),
    #[cfg(feature = "systemd")]
    Nudge,
    Flush(std::sync::mpsc::Sender<()>),
}

/// A handle to the threads.
#[derive(Clone)]
pub(crate) struct Narrator {
    /// `None`: in a test it speaks where it stands, since no other thread must be running.
    to: Option<Arc<[Sender<Message>]>>,
}

/// Has a listener look at the time now.
#[cfg(feature = "systemd")]
#[derive(Clone)]
pub(crate) struct Nudge(Sender<Message>);

#[cfg(feature = "systemd")]
impl Nudge {
    pub(crate) fn nudge(&self) {
        self.0.send([Message::Nudge], Urgency::Now);
    }
}

impl Narrator {
    /// Spawns the threads.
    ///
    /// # Errors
    /// The system gives no more threads.
    pub(crate) fn spawn() -> std::io::Result<Self> {
        let mut to = Vec::new();
        let mut listen = |name: &str, (to_it, messages), listener| {
            to.push(to_it);
            let builder = thread::Builder::new().name(name.to_owned());
            builder.spawn(move || listen(listener, messages)).map(drop)
        };
        listen("lifecycle-narrator", queue(), Box::new(Voice::new()) as Box<dyn Listener>)?;
        #[cfg(feature = "metrics")]
        listen("lifecycle-metrics", queue(), Box::<crate::meter::Meter>::default())?;
        #[cfg(feature = "systemd")]
        {
            let (to_it, messages) = queue();
            if let Some(notifier) = crate::systemd::notifier(Nudge(to_it.clone())) {
                listen("lifecycle-systemd", (to_it, messages), Box::new(notifier))?;
            }
        }
        Ok(Narrator { to: Some(to.into()) })
    }

    /// One without a thread.
    #[cfg(feature = "testing")]
    pub(crate) fn inline() -> Self {
        Narrator { to: None }
    }

    pub(crate) fn say(&self, what: Say) {
        self.tell([what].into());
    }

    /// The same of several. Of a thousand steps that end at once a listener is told once.
    pub(crate) fn say_all(&self, all: Vec<Say>) {
        if !all.is_empty() {
            self.tell(all.into());
        }
    }

    fn tell(&self, all: Arc<[Say]>) {
        let Some(to) = &self.to else { return all.iter().for_each(Say::emit) };
        for to in to.iter() {
            to.send([Message::Says(Arc::clone(&all))], Urgency::Words);
        }
    }

    /// Keeps the threads asleep: they would only take time from what is more urgent than words.
    pub(crate) fn hold(&self) {
        self.to.iter().flat_map(|to| to.iter()).for_each(Sender::hold);
    }

    /// Wakes them again for what is and was said.
    pub(crate) fn release(&self) {
        self.to.iter().flat_map(|to| to.iter()).for_each(Sender::release);
    }

    /// Waits until everything said so far is out, or the time is up. Returns whether it is out.
    pub(crate) fn flush(&self, within: Duration) -> bool {
        let until = Instant::now() + within;
        let (done, wait) = channel();
        let to = self.to.as_deref().unwrap_or_default();
        for to in to {
            to.send([Message::Flush(done.clone())], Urgency::Now);
        }
        let left = || until.saturating_duration_since(Instant::now());
        to.iter().all(|_| wait.recv_timeout(left()).is_ok())
    }
}

fn listen(mut listener: Box<dyn Listener>, mut messages: Reader<Message>) {
    loop {
        let due = listener.on_time(Instant::now());
        match messages.next(due) {
            Next::Message(Message::Says(all)) => all.iter().for_each(|say| listener.hear(say)),
            // Who asked may have gone.
            Next::Message(Message::Flush(done)) => drop(done.send(())),
            #[cfg(feature = "systemd")]
            Next::Message(Message::Nudge) => {}
            Next::Due => {}
            Next::Over => return,
        }
    }
}

/// A terminal that was stopped (Ctrl-S) loses lines rather than time.
pub(crate) const LINE_PATIENCE: Duration = Duration::from_millis(100);
