//! Requests fill a queue, and a consumer outside of them works it off. `docs/GROUPS.md` shows the order of its shutdown.

use lifecycle::{Event, Rejected, Requests, Settings, Take, on_shutdown, on_start, tracked};
use lifecycle_tests::scene::{plays, told};
use tokio::sync::{Mutex, Semaphore, mpsc, watch};

/// How many jobs each order leaves.
const JOBS: usize = 10;
const ORDERS: usize = 3;

/// As many as jobs were taken.
static TAKEN: Semaphore = Semaphore::const_new(0);

struct Job(usize);

impl Job {
    async fn run(self) {
        println!("job {} is taken", self.0);
        TAKEN.add_permits(1);
        told("go on").await;
    }
}

/// What the jobs use.
struct Db;

impl Db {
    async fn close(self) {
        println!("the database is closed");
    }
}

struct Queue {
    jobs: mpsc::UnboundedSender<Job>,
    consumer: Mutex<mpsc::UnboundedReceiver<Job>>,
    /// Those that no call has finished yet.
    open: watch::Sender<usize>,
}

impl Queue {
    fn push(&self, job: Job) {
        self.open.send_modify(|open| *open += 1);
        // An error would say that the consumer is gone, and it is in the same struct.
        let _ = self.jobs.send(job);
    }

    async fn pop(&self) -> Option<Job> {
        self.consumer.lock().await.recv().await
    }

    fn done(&self) {
        self.open.send_modify(|open| *open -= 1);
    }

    async fn until_empty(&self) {
        println!("the queue has {} jobs", *self.open.borrow());
        let _ = self.open.subscribe().wait_for(|open| *open == 0).await;
    }
}

#[on_start]
fn open() -> (Db, Queue) {
    let (jobs, consumer) = mpsc::unbounded_channel();
    (Db, Queue { jobs, consumer: Mutex::new(consumer), open: watch::Sender::new(0) })
}

#[tracked(group = Jobs)] // called by the consumer, which is no part of any request
async fn run_job(job: Job) -> Result<(), Rejected> {
    job.run().await;
    Ok(())
}

#[on_shutdown(after = Requests, timeout = "20s")] // from here on nothing new comes in
async fn queue_is_empty(queue: &Queue) {
    queue.until_empty().await;
}

#[lifecycle::group(after = queue_is_empty)]
struct Jobs;

#[on_shutdown(after = Jobs)] // what the jobs use
async fn close_db(Take(db): Take<Db>) {
    db.close().await;
}

async fn consume(queue: &Queue) {
    while let Some(job) = queue.pop().await {
        let number = job.0;
        if run_job(job).await.is_err() {
            println!("job {number} is lost");
        }
        queue.done();
    }
}

/// Leaves its jobs when it is asked to end, as the last request of all.
#[tracked]
async fn order(number: usize, queue: &Queue) -> Result<(), Rejected> {
    println!("an order runs");
    lifecycle::stopping().await;
    (0..JOBS).for_each(|job| queue.push(Job(number * JOBS + job)));
    // Without the edge the group closes when the requests are over: not before it has a job.
    let _ = TAKEN.acquire().await;
    Ok(())
}

fn setup(settings: &mut Settings) {
    settings.grace(std::time::Duration::from_secs(60));
    if plays("without the edge") {
        settings.step::<Jobs>().after::<Requests>();
    }
}

#[lifecycle::main(setup = setup)]
async fn main(queue: std::sync::Arc<Queue>) {
    let stopping = lifecycle::stopping();
    let mut events = lifecycle::events();
    tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            if matches!(&event, Event::StepBegan { step } if step == "Jobs") {
                println!("Jobs closes");
            }
        }
    });
    let consumers = std::sync::Arc::clone(&queue);
    tokio::spawn(async move { consume(&consumers).await });
    for number in 0..ORDERS {
        let queue = std::sync::Arc::clone(&queue);
        tokio::spawn(async move { order(number, &queue).await });
    }
    stopping.await;
}
