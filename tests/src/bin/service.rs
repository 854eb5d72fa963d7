//! A service that ends, or does not, in the way that the scenario says.

use std::cell::Cell;
use std::fmt;
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

use lifecycle::{Rejected, Settings, on_shutdown, tracked};
use lifecycle_tests::scene::{Loud, plays, scenario, told};

/// An error that no other thread may have.
struct Broken {
    why: Rc<str>,
}

impl fmt::Debug for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Broken because {}", self.why)
    }
}

#[tracked]
async fn request() -> Result<(), Rejected> {
    println!("the request runs");
    told("finish the request").await;
    println!("the request ends");
    Ok(())
}

/// Takes all the time there is before the drain.
#[on_shutdown(order = -1, timeout = "20s")]
async fn early() {
    if plays("not reached") {
        pending::<()>().await;
    }
}

#[on_shutdown]
async fn flush() {
    println!("flush");
}

fn setup(settings: &mut Settings) {
    settings.cut(Duration::from_millis(300));
    match scenario().as_str() {
        "aware and stuck" | "aware and late" => {
            settings.drain(Duration::from_millis(200));
        }
        "not reached" => {
            settings.grace(Duration::from_millis(2500)).reserve(Duration::from_millis(2000));
        }
        "total" => {
            settings.grace(Duration::from_millis(4000)).reserve(Duration::from_millis(2000));
        }
        "blocked" => {
            settings.grace(Duration::from_millis(2500)).reserve(Duration::from_millis(500));
            settings.drain(Duration::from_millis(200));
        }
        _ => {}
    }
}

/// Not Send, and not Sync.
async fn serve() -> Result<(), Broken> {
    let held = Rc::new(Cell::new(0));
    let _held = Loud("what the service holds");
    held.set(held.get() + 1);
    tokio::task::yield_now().await;
    match scenario().as_str() {
        "stopping" => {
            let stopping = lifecycle::stopping();
            println!("serving");
            stopping.await;
            println!("the service stops");
            told("end").await;
            println!("the service ends");
        }
        "stop token" => {
            let token = lifecycle::stop_token();
            println!("serving");
            token.cancelled().await;
            println!("the service stops");
            told("end").await;
            println!("the service ends");
        }
        "drained" => {
            let request = tokio::spawn(request());
            let drained = lifecycle::drained();
            println!("serving");
            drained.await;
            println!("the service knows that the drain is over");
            let _ = request.await;
        }
        "aware and stuck" | "not reached" | "total" => {
            // Called here, awaited in a task as servers do.
            tokio::spawn(lifecycle::stopping());
            println!("serving");
            pending::<()>().await;
        }
        "aware and late" => {
            let (stopping, cut_off) = (lifecycle::stopping(), lifecycle::cut_off());
            println!("serving");
            stopping.await;
            cut_off.await;
            println!("the service was told that its time is up");
        }
        "unaware" => {
            tokio::spawn(request());
            println!("serving");
            pending::<()>().await;
        }
        "asked elsewhere" => {
            // Not by the service: it still knows nothing.
            tokio::spawn(async { lifecycle::stopping().await });
            println!("serving");
            pending::<()>().await;
        }
        "shutdown inside" => {
            tokio::spawn(request());
            told("shut down").await;
            let report = lifecycle::shutdown("main has enough").await;
            println!("main goes on with {report}");
        }
        "stopping, then the report" => {
            let stopping = lifecycle::stopping();
            println!("serving");
            stopping.await;
            let report = lifecycle::shutdown("too late to be the reason").await;
            println!("main goes on with {report}");
        }
        "ends" => {}
        "error" => return Err(Broken { why: Rc::from("the port is taken") }),
        "error while stopping" => {
            let stopping = lifecycle::stopping();
            println!("serving");
            stopping.await;
            return Err(Broken { why: Rc::from("the last flush failed") });
        }
        "panic" => panic!("no route to host"),
        "blocked" => {
            tokio::spawn(lifecycle::stopping());
            println!("serving");
            std::thread::park_timeout(Duration::from_secs(30));
        }
        other => println!("what is {other:?}?"),
    }
    println!("it was held {} time", held.get());
    Ok(())
}

#[lifecycle::main(setup = setup)]
async fn main() -> Result<(), Broken> {
    serve().await
}
