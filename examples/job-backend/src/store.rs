//! What must not be lost: the results of jobs, and jobs that were posted but are not in the queue yet. In SQLite.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool};
use tokio::sync::watch;

#[derive(Clone)]
pub(crate) struct Store {
    db: SqlitePool,
    /// Whenever there is another result.
    changed: watch::Sender<()>,
}

const TABLES: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS results (job TEXT PRIMARY KEY, output TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS posted (id INTEGER PRIMARY KEY, instruction TEXT NOT NULL, queued BOOLEAN NOT NULL)",
];

impl Store {
    pub(crate) async fn open(file: &Path) -> sqlx::Result<Self> {
        let options = SqliteConnectOptions::new().filename(file).create_if_missing(true);
        // In this mode new rows are in a file of their own until the database is closed.
        let options = options.journal_mode(SqliteJournalMode::Wal).busy_timeout(Duration::from_secs(15));
        let db = SqlitePool::connect_with(options).await?;
        for table in TABLES {
            sqlx::query(table).execute(&db).await?;
        }
        Ok(Store { db, changed: watch::Sender::default() })
    }

    /// A job that is done twice, as one may be whose worker was killed, has one result.
    pub(crate) async fn save(&self, job: &str, output: &Value) -> sqlx::Result<()> {
        let insert = sqlx::query("INSERT OR REPLACE INTO results (job, output) VALUES (?, ?)");
        insert.bind(job).bind(output.to_string()).execute(&self.db).await?;
        self.changed.send_replace(());
        Ok(())
    }

    /// The result of a job, as JSON, once there is one.
    pub(crate) async fn output(&self, job: &str) -> sqlx::Result<Option<Value>> {
        let output: Option<String> = sqlx::query_scalar("SELECT output FROM results WHERE job = ?")
            .bind(job)
            .fetch_optional(&self.db)
            .await?;
        Ok(output.map(|output| serde_json::from_str(&output).unwrap_or(Value::String(output))))
    }

    pub(crate) async fn wait_for(&self, job: &str) -> sqlx::Result<Value> {
        let mut changed = self.changed.subscribe();
        loop {
            if let Some(output) = self.output(job).await? {
                return Ok(output);
            }
            // An error would say that there is no sender; it is in `self`.
            let _ = changed.changed().await;
        }
    }

    /// Keeps a job until it is in the queue. Returns its id.
    pub(crate) async fn post(&self, instruction: &Value) -> sqlx::Result<String> {
        let insert = sqlx::query("INSERT INTO posted (instruction, queued) VALUES (?, FALSE)");
        let id = insert.bind(instruction.to_string()).execute(&self.db).await?.last_insert_rowid();
        Ok(format!("post-{id}"))
    }

    pub(crate) async fn queued(&self, job: &str) -> sqlx::Result<()> {
        let update = sqlx::query("UPDATE posted SET queued = TRUE WHERE 'post-' || id = ?");
        update.bind(job).execute(&self.db).await.map(drop)
    }

    /// The jobs that were posted and are not in the queue.
    pub(crate) async fn not_queued(&self) -> sqlx::Result<Vec<(String, String)>> {
        let select = "SELECT 'post-' || id, instruction FROM posted WHERE NOT queued ORDER BY id";
        sqlx::query_as(select).fetch_all(&self.db).await
    }

    /// Waits for whoever uses it, and leaves one file with everything.
    pub(crate) async fn close(&self) {
        self.db.close().await;
    }
}
