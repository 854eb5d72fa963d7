//! The queue in Redis: who works it off, and where jobs are added to it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use bullmq::options::RedisConnectionOptions;
use bullmq::worker::CancellationToken;
use bullmq::{Error, Job, Queue, QueueOptions, Worker, WorkerOptions};
use serde_json::Value;
use tokio::sync::RwLock;
use tokio::time::sleep;
use tracing::{info, warn};

use crate::config::{self, Config};
use crate::daemons::Daemons;
use crate::store::Store;

fn connection(redis: &config::Redis) -> RedisConnectionOptions {
    RedisConnectionOptions::new().url(&redis.url)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Begins to take jobs, and has the daemons do them.
pub(crate) async fn work_off(config: &Config, daemons: Arc<Daemons>, store: Store) -> Result<Worker, Error> {
    let jobs = &config.jobs;
    let options = WorkerOptions {
        connection: connection(&config.redis),
        concurrency: config.daemons.names.len(),
        lock_duration: millis(jobs.lock),
        stalled_interval: millis(jobs.lock),
        drain_delay: jobs.wait.as_secs().max(1),
        run_retry_delay: millis(jobs.retry),
        ..WorkerOptions::default()
    };
    let run = move |job: Job, late: CancellationToken| {
        let (daemons, store) = (Arc::clone(&daemons), store.clone());
        async move { run_job(&daemons, &store, &job, &late).await }
    };
    Worker::with_options(&config.redis.queue, run, options).await
}

async fn run_job(
    daemons: &Daemons,
    store: &Store,
    job: &Job,
    late: &CancellationToken,
) -> Result<Value, Error> {
    let work = async {
        let output = daemons.run(job.id(), job.data()).await?;
        store.save(job.id(), &output).await?;
        anyhow::Ok(output)
    };
    tokio::select! {
        biased;
        done = work => done.map_err(|error| Error::ProcessingError(format!("{error:#}"))),
        // With this error BullMQ puts a job back at the head of the queue, for the next worker.
        () = late.cancelled() => Err(Error::RateLimited { delay_ms: 0 }),
    }
}

/// Takes no new job, and waits for those that run. What is not done in time goes back to the queue.
pub(crate) async fn finish(worker: &Worker, jobs: &config::Jobs) -> anyhow::Result<()> {
    worker.pause();
    info!("taking no more jobs, finishing {}", worker.active_count().await);
    worker.close(millis(jobs.finish)).await?;
    // It says nothing of those that it has not waited for.
    let late = worker.active_count().await;
    if late == 0 {
        return Ok(());
    }
    worker.cancel_all_jobs().await;
    while worker.active_count().await > 0 {
        sleep(Duration::from_millis(10)).await;
    }
    bail!("{late} of the jobs took longer than {:?} and went back to the queue", jobs.finish)
}

/// Where jobs are added to the queue. Once it is closed, they are kept for the next run.
pub(crate) struct Intake {
    queue: RwLock<Option<Queue>>,
    store: Store,
}

impl Intake {
    pub(crate) async fn open(config: &config::Redis, store: Store) -> anyhow::Result<Self> {
        let options = QueueOptions::new().connection(connection(config));
        let queue = Queue::with_options(&config.queue, options).await?;
        let intake = Intake { queue: RwLock::new(Some(queue)), store };
        for (job, instruction) in intake.store.not_queued().await? {
            intake.add(&job, &serde_json::from_str(&instruction)?).await?;
            info!("{job} of an earlier run is in the queue");
        }
        Ok(intake)
    }

    /// Takes a job, whatever becomes of Redis. Returns its id.
    pub(crate) async fn post(&self, instruction: &Value) -> sqlx::Result<String> {
        let job = self.store.post(instruction).await?;
        if let Err(error) = self.add(&job, instruction).await {
            warn!("{job} is for the next run: {error:#}");
        }
        Ok(job)
    }

    /// The queue has only one job of an id, so one may be added twice.
    async fn add(&self, job: &str, instruction: &Value) -> anyhow::Result<()> {
        match &*self.queue.read().await {
            Some(queue) => queue.add("instruction", instruction).job_id(job).await?,
            None => bail!("the queue is closed"),
        };
        Ok(self.store.queued(job).await?)
    }

    /// Whether Redis answers.
    pub(crate) async fn check(&self) -> anyhow::Result<()> {
        match &*self.queue.read().await {
            Some(queue) => Ok(queue.count().await.map(drop)?),
            None => bail!("the queue is closed"),
        }
    }

    /// Its connections end with it.
    pub(crate) async fn close(&self) {
        if let Some(queue) = self.queue.write().await.take() {
            queue.close().await;
        }
    }
}
