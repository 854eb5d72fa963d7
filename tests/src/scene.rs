//! What the test programs share: which scenario they play, words from the test on stdin, and meeting points.

use std::future::Future;
use std::io::BufRead;
use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use tokio::sync::watch;

/// The first argument: what the program plays.
pub fn scenario() -> String {
    std::env::args().nth(1).unwrap_or_default()
}

/// Whether the program plays this one.
pub fn plays(name: &str) -> bool {
    scenario() == name
}

/// Everything that the test has said on stdin.
static WORDS: LazyLock<watch::Sender<Vec<String>>> = LazyLock::new(|| {
    thread::spawn(|| {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            WORDS.send_modify(|words| words.push(line));
        }
    });
    watch::Sender::default()
});

/// Resolves once the test has said `word`, as by [`Child::say`](crate::child::Child::say).
pub async fn told(word: &str) {
    let mut words = WORDS.subscribe();
    // An error would say that the sender is gone, and that is a static.
    let _ = words.wait_for(|words| words.iter().any(|said| said == word)).await;
}

/// The same on a thread that may block.
pub fn told_blocking(word: &str) {
    block_on(told(word));
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Drives a future on this thread, as sync code without a runtime of its own does.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// Says its name when it is dropped.
#[derive(Debug)]
pub struct Loud(pub &'static str);

impl Drop for Loud {
    fn drop(&mut self) {
        println!("{} is dropped", self.0);
    }
}

/// A point that so many must reach before any of them goes on.
pub struct Meeting {
    there: watch::Sender<usize>,
    size: usize,
}

impl Meeting {
    /// Of so many.
    pub fn of(size: usize) -> Self {
        Meeting { there: watch::Sender::default(), size }
    }

    /// Waits for the others, for as long as the caller has.
    pub async fn meet(&self) {
        self.there.send_modify(|there| *there += 1);
        let _ = self.there.subscribe().wait_for(|there| *there >= self.size).await;
    }

    /// Waits for the others long enough to be sure that they do not come. Returns whether they came after all.
    pub async fn meets_anyone(&self) -> bool {
        tokio::time::timeout(LONELY, self.meet()).await.is_ok()
    }
}

/// How long somebody waits for those who must not come.
const LONELY: Duration = Duration::from_millis(100);
