//! The live view: what runs, at the foot of the terminal.
//!
//! The last rows are taken out of what scrolls (DECSTBM), as package managers do it. So whatever the service writes to
//! the same terminal scrolls above as ever, which a view that draws over its own last lines would tear apart.

mod frame;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use self::frame::{Frame, Row, Style};
use super::{LINE_PATIENCE, Say};
use crate::sys;

/// What is over sooner is told of in lines alone.
const PATIENCE: Duration = Duration::from_millis(200);
const EVERY: Duration = Duration::from_millis(100);
/// Of a smaller terminal nothing can be spared.
const LEAST_ROWS: u16 = 8;
const LEAST_COLUMNS: u16 = 24;

/// The terminal's last rows do not scroll.
static SHOWN: AtomicBool = AtomicBool::new(false);

/// Everything scrolls again, and what is below the cursor is cleared.
const RESTORE: &str = "\x1b7\x1b[r\x1b8\x1b[J";

/// What whoever ends the process at once has to write before its last words.
pub(crate) fn restore() -> &'static [u8] {
    if SHOWN.swap(false, Ordering::AcqRel) { RESTORE.as_bytes() } else { &[] }
}

/// See the module's words.
pub(super) struct View {
    style: Style,
    frame: Frame,
    /// When something began that there was nothing to be seen of before.
    since: Option<Instant>,
    due: Option<Instant>,
    /// The rows that are taken, and how large the terminal was then.
    taken: Option<Taken>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Taken {
    height: u16,
    size: (u16, u16),
}

impl View {
    /// `None` where nobody would see it, or it could not be drawn.
    pub(super) fn new() -> Option<Self> {
        let style = Style::from(|name| std::env::var_os(name))?;
        let frame = Frame::default();
        Some(View { style, frame, since: None, due: None, taken: None })
    }

    pub(super) fn hear(&mut self, say: &Say) {
        let now = Instant::now();
        match say {
            Say::Triggered { reason, deadline, .. } => {
                self.frame.shuts_down(reason, now, *deadline);
                self.since = Some(now);
            }
            Say::StepBegan { step, limit, .. } => self.frame.began(Row::new(step, now, *limit, None)),
            Say::Draining { gate, limit, .. } => {
                self.frame.began(Row::new(gate.name(), now, *limit, Some(gate)));
            }
            Say::StepEnded { step, .. } => self.frame.ended(step),
            Say::Over { .. } => {
                self.frame = Frame::default();
                self.since = None;
                self.give_back();
            }
            _ => {}
        }
        if self.frame.is_empty() && self.taken.is_none() {
            self.since = None;
        } else if !self.frame.is_empty() {
            self.since.get_or_insert(now);
        }
    }

    /// Whether it has the say of what runs now.
    pub(super) fn is_shown(&self) -> bool {
        self.taken.is_some()
    }

    pub(super) fn on_time(&mut self, now: Instant) -> Option<Instant> {
        let from = self.since? + PATIENCE;
        let due = self.due.map_or(from, |due| due.max(from));
        if now < due {
            return Some(due);
        }
        if self.frame.is_empty() {
            // The start is over.
            self.give_back();
            self.since = None;
            return None;
        }
        self.draw(now);
        self.due = Some(now + EVERY);
        self.due
    }

    fn draw(&mut self, now: Instant) {
        let size =
            sys::terminal_size().filter(|&(columns, rows)| columns >= LEAST_COLUMNS && rows >= LEAST_ROWS);
        let Some((columns, rows)) = size else { return self.give_back() };
        let before = self.taken.filter(|taken| taken.size == (columns, rows));
        // It does not shrink while it is there: that would only be restless.
        let least = before.map_or(0, |taken| taken.height);
        let lines = self.frame.lines(usize::from(columns), usize::from(rows / 3), self.style, now);
        let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).max(least);
        let mut text = String::with_capacity(1024);
        if height > least {
            take(&mut text, height, height - least, rows);
        }
        text.push_str("\x1b7");
        for row in 0..height {
            let line = lines.get(usize::from(row)).map_or("", String::as_str);
            text.push_str(&format!("\x1b[{};1H\x1b[2K{line}", rows - height + 1 + row));
        }
        text.push_str("\x1b8");
        SHOWN.store(true, Ordering::Release);
        self.taken = Some(Taken { height, size: (columns, rows) });
        // One write, so that nobody else's comes between.
        sys::write_stderr(text.as_bytes(), Instant::now() + LINE_PATIENCE);
    }

    fn give_back(&mut self) {
        if self.taken.take().is_some() {
            sys::write_stderr(restore(), Instant::now() + LINE_PATIENCE);
        }
    }
}

/// Makes room for `more` rows below the cursor, whatever its column, and has the last `height` of them not scroll.
fn take(text: &mut String, height: u16, more: u16, rows: u16) {
    (0..more).for_each(|_| text.push_str("\x1bD"));
    text.push_str(&format!("\x1b7\x1b[1;{}r\x1b8\x1b[{more}A", rows - height));
}
