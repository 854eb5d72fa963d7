//! A PostgreSQL server of a test's own.

use std::fs::{self, File};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lifecycle_tests::child::{self, Child, PATIENCE};
use lifecycle_tests::posix::{self, Scratch};

use crate::{free_port, until};

/// On a port and in a folder of its own. Its log has every session's beginning and end.
pub struct Postgres {
    server: Option<Child>,
    folder: Scratch,
    port: u16,
}

impl Postgres {
    /// Waits until it answers.
    pub fn start(name: &str) -> Self {
        let (folder, port) = (Scratch::new(&format!("{name}-postgres")), free_port());
        let data = folder.file("data");
        fs::create_dir(&data).unwrap();
        let mut init = command("initdb", &folder.file(""));
        init.arg("-D").arg(&data).args([
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ]);
        let done = init.output().expect("initdb runs");
        assert!(done.status.success(), "{done:#?}");

        let mut server = command("postgres", &folder.file(""));
        server.arg("-D").arg(&data).args(["-p", &port.to_string()]);
        for setting in [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "fsync=off",
            "log_connections=on",
            "log_disconnections=on",
            // At this level it tells a client that has left without a word from one that has taken its leave.
            "log_min_messages=debug1",
            "log_line_prefix=[%a] ",
        ] {
            server.args(["-c", setting]);
        }
        let log = File::create(folder.file("log")).unwrap();
        let server = Some(Child::start_with(server, Stdio::null(), log.into()));
        let postgres = Postgres { server, folder, port };
        until("PostgreSQL", || postgres.try_query("SELECT 1").ok());
        postgres
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// As services take it.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    fn psql(&self) -> Vec<String> {
        let url = self.url();
        ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", &url].map(str::to_owned).to_vec()
    }

    fn try_query(&self, sql: &str) -> Result<Vec<String>, String> {
        let done = Command::new("psql").args(self.psql()).args(["-c", sql]).output().expect("psql runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match done.status.success() {
            true => Ok(text(&done.stdout).lines().map(str::to_owned).collect()),
            false => Err(text(&done.stderr)),
        }
    }

    /// The rows of the answer, their columns divided by `|`.
    pub fn query(&self, sql: &str) -> Vec<String> {
        self.try_query(sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// How many sessions a client has, by its `application_name`, that this is true of.
    pub fn sessions(&self, client: &str, that: &str) -> usize {
        let sql =
            format!("SELECT count(*) FROM pg_stat_activity WHERE application_name = '{client}' AND {that}");
        self.query(&sql)[0].parse().unwrap()
    }

    /// Does this in a transaction that stays open: whoever needs the same rows waits.
    pub fn hold(&self, sql: &str) -> Session {
        let psql = self.psql();
        let session =
            Child::start(child::talkative("psql", &psql.iter().map(String::as_str).collect::<Vec<_>>()));
        session.say(&format!("BEGIN; {sql};"));
        session.say("\\echo done");
        session.wait_for("done");
        Session(session)
    }

    /// What the server has logged; each line begins with its client in brackets.
    pub fn log(&self) -> Vec<String> {
        posix::lines(&self.folder.file("log"))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            // It gives back its shared memory, which it could not if it were killed.
            server.signal(libc::SIGINT);
            server.wait(PATIENCE);
        }
    }
}

/// An open transaction.
pub struct Session(Child);

impl Session {
    /// Undoes it.
    pub fn roll_back(self) {
        self.0.say("ROLLBACK;");
        self.0.say("\\q");
        self.0.wait(PATIENCE);
    }
}

/// A program of the server, which does not run as root: then it is run as the user that Debian's package has made for it.
fn command(program: &str, folder: &Path) -> Command {
    let mut command = Command::new(binary(program));
    command.current_dir(folder).stdin(Stdio::null());
    if posix::is_root() {
        let users = fs::read_to_string("/etc/passwd").unwrap();
        let fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let user =
            fields.into_iter().find(|fields| fields[0] == "postgres").expect("there is a user postgres");
        let [user, group] = [user[2], user[3]].map(|id| id.parse().unwrap());
        chown(folder.join("data"), Some(user), Some(group)).unwrap();
        command.uid(user).gid(group);
    }
    command
}

/// Debian keeps them where no `PATH` leads.
fn binary(program: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let found = versions.map(|version| version.path().join("bin").join(program)).find(|path| path.exists());
    found.unwrap_or_else(|| program.into())
}
