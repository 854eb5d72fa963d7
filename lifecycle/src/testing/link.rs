//! What a test's process tells the one that has begun it, over a socket that is its stdin.
//!
//! Lines, each of which says what has begun or ended. The last one is the verdict: `passed`, or `failed` with the length
//! of the message that follows it. The length is there because a process that the test leaves behind may keep the socket
//! open.

use std::io::{self, BufRead, Write};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Began(String),
    Ended(String),
    Passed,
    Failed(String),
}

impl Told {
    pub(super) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        // Whatever a step is called, it is one line.
        let line = |name: &str| name.replace('\n', " ");
        match self {
            Told::Began(name) => writeln!(to, "began {}", line(name))?,
            Told::Ended(name) => writeln!(to, "ended {}", line(name))?,
            Told::Passed => writeln!(to, "passed")?,
            Told::Failed(message) => write!(to, "failed {}\n{message}", message.len())?,
        }
        to.flush()
    }

    /// The next one; `None` at the end.
    pub(super) fn read(from: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut line = String::new();
        if from.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let told = match line.trim_end_matches('\n').split_once(' ') {
            Some(("began", name)) => Told::Began(name.to_owned()),
            Some(("ended", name)) => Told::Ended(name.to_owned()),
            Some(("failed", length)) => {
                let length = length.parse().map_err(io::Error::other)?;
                let mut message = vec![0; length];
                from.read_exact(&mut message)?;
                Told::Failed(String::from_utf8_lossy(&message).into_owned())
            }
            None if line == "passed\n" => Told::Passed,
            _ => return Err(io::Error::other(format!("an unknown line: {line:?}"))),
        };
        Ok(Some(told))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let all = [
            Told::Began("close db".into()),
            Told::Ended("close db".into()),
            Told::Failed("two\nlines ü\n".into()),
            Told::Passed,
        ];
        let mut bytes = Vec::new();
        all.iter().for_each(|told| told.write(&mut bytes).unwrap());
        let mut from = bytes.as_slice();
        for told in all {
            assert_eq!(Told::read(&mut from).unwrap(), Some(told));
        }
        assert_eq!(Told::read(&mut from).unwrap(), None);
    }

    #[test]
    fn a_name_is_one_line_and_a_torn_message_an_error() {
        let mut bytes = Vec::new();
        Told::Began("a\npassed".into()).write(&mut bytes).unwrap();
        assert_eq!(bytes, b"began a passed\n");
        assert!(Told::read(&mut &b"failed 9\nshort"[..]).is_err());
        assert!(Told::read(&mut &b"hello\n"[..]).is_err());
    }
}
