//! The service as a child process, its database, and what both left behind.

use std::fs;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

/// Waits for a state; one that does not come is a failure, not a slow machine.
pub(crate) async fn within<F: Future>(what: &str, state: F) -> F::Output {
    match tokio::time::timeout(Duration::from_secs(30), state).await {
        Ok(output) => output,
        Err(_) => panic!("waited 30 s for {what}"),
    }
}

/// A running service with a database of its own.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    child: Child,
    stderr: JoinHandle<String>,
    folder: TempDir,
}

impl Service {
    /// Starts it on a free port and reads from its first words which one that is.
    pub(crate) async fn start(env: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_quickstart"))
            .env("LISTEN", "127.0.0.1:0")
            .env("DATABASE", folder.path().join("orders.db"))
            .env("LIFECYCLE_REPORT", "json")
            .envs(env.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let stderr = tokio::spawn(async move {
            let mut text = String::new();
            stderr.read_to_string(&mut text).await.unwrap();
            text
        });
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = within("the service's words", async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if let Some((_, url)) = line.split_once("http://") {
                    return url.split('/').next().unwrap().parse().unwrap();
                }
            }
            panic!("the service ended without saying how to place an order");
        })
        .await;
        // Later words must not meet a closed pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Service { address, child, stderr, folder }
    }

    /// Keeps every request that writes from ending.
    pub(crate) async fn lock_database(&self) -> WriteLock {
        let mut connection = open(&self.folder.path().join("orders.db")).await.unwrap();
        sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
        WriteLock(connection)
    }

    pub(crate) async fn until_in_flight(&self, count: u64) {
        let wanted = format!("in flight: {count}\n");
        within("requests in flight", async {
            while !self.health().await.ends_with(&wanted) {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    async fn health(&self) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!("GET /health HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.address);
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    pub(crate) async fn terminate(&self) {
        let pid = self.child.id().unwrap().to_string();
        // The shell's own `kill` is there wherever a shell is.
        let killed = Command::new("sh").args(["-c", "kill -TERM \"$0\"", &pid]).status().await.unwrap();
        assert!(killed.success());
    }

    pub(crate) async fn until_it_accepts_no_connection(&self) {
        within("the listener's end", async {
            while match TcpStream::connect(self.address).await {
                Ok(_) => true,
                Err(error) => error.kind() != ErrorKind::ConnectionRefused,
            } {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    /// Waits for the process and looks at what it left.
    pub(crate) async fn ended(mut self) -> Ended {
        let status = within("the service's end", self.child.wait()).await.unwrap();
        let stderr = within("the end of stderr", self.stderr).await.unwrap();
        // Before anything opens the database: whoever closes it last would move the rows into the main file.
        let wal_exists = self.folder.path().join("orders.db-wal").exists();
        let report = stderr.lines().find_map(|line| serde_json::from_str::<Value>(line).ok());
        Ended {
            exit_code: status.code(),
            rows_in_main_file: rows_alone(&self.folder.path().join("orders.db")).await,
            rows_in_backup: rows_alone(&self.folder.path().join("orders.db.bak")).await,
            wal_exists,
            port_bound_again: TcpListener::bind(self.address).map(drop),
            report: report.unwrap_or_else(|| panic!("no report on stderr: {stderr}")),
            stderr,
        }
    }
}

/// The database's write lock, held by the test.
pub(crate) struct WriteLock(SqliteConnection);

impl WriteLock {
    /// How many orders were committed when the lock was taken.
    pub(crate) async fn orders(&mut self) -> u64 {
        count_orders(&mut self.0).await.unwrap()
    }

    /// Closing ends the transaction. At that moment the service has the database open and requests to finish, so this
    /// is not the last connection and leaves the -wal file alone.
    pub(crate) async fn release(self) {
        self.0.close().await.unwrap();
    }
}

/// What a service left behind.
pub(crate) struct Ended {
    pub(crate) exit_code: Option<i32>,
    /// Of the database's main file, copied without its companions.
    pub(crate) rows_in_main_file: Result<u64, String>,
    /// Of the copy that a step makes of that file.
    pub(crate) rows_in_backup: Result<u64, String>,
    pub(crate) wal_exists: bool,
    pub(crate) port_bound_again: io::Result<()>,
    pub(crate) stderr: String,
    /// The JSON line on stderr.
    pub(crate) report: Value,
}

/// Kind, name, outcome.
pub(crate) type Step<'a> = (&'a str, &'a str, &'a str);

impl Ended {
    /// Every step of the report, in the report's order.
    pub(crate) fn steps(&self) -> Vec<Step<'_>> {
        fn word<'a>(step: &'a Value, key: &str) -> &'a str {
            step[key].as_str().unwrap()
        }
        let steps = self.report["steps"].as_array().unwrap();
        steps.iter().map(|step| (word(step, "kind"), word(step, "name"), word(step, "outcome"))).collect()
    }
}

async fn open(file: &Path) -> sqlx::Result<SqliteConnection> {
    SqliteConnectOptions::new().filename(file).busy_timeout(Duration::from_secs(30)).connect().await
}

async fn count_orders(connection: &mut SqliteConnection) -> sqlx::Result<u64> {
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM orders").fetch_one(connection).await?;
    Ok(count.unsigned_abs())
}

/// Of a database's file, copied without its companions.
async fn rows_alone(file: &Path) -> Result<u64, String> {
    async fn rows(file: &Path) -> sqlx::Result<u64> {
        let alone = TempDir::new()?;
        let copy = alone.path().join("orders.db");
        fs::copy(file, &copy)?;
        let mut connection = open(&copy).await?;
        let count = count_orders(&mut connection).await;
        connection.close().await?;
        count
    }
    rows(file).await.map_err(|error| error.to_string())
}
