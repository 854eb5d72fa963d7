//! A service with a journal, and a step that owes something until it is done.
//!
//! What is done to the world outside goes to the file `WORLD`, a line each, so that a test can tell what a process that
//! was killed has done.
#![expect(clippy::unwrap_used, reason = "a failure is the test's failure")]

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use lifecycle::{Hook, PreviousRun, State, Worker, on_shutdown, on_start, register};
use lifecycle_tests::posix::{full_pipe, pipe, replace_open};
use lifecycle_tests::scene::{plays, scenario, told};

/// Where orders are placed.
struct Exchange {
    world: Option<File>,
}

impl Exchange {
    /// As one write, so that a kill leaves a whole line or none.
    fn log(&self, line: &str) {
        println!("{line}");
        if let Some(mut world) = self.world.as_ref() {
            world.write_all(format!("{line}\n").as_bytes()).unwrap();
        }
    }
}

#[on_start]
async fn open_exchange() -> Result<Exchange, String> {
    if plays("no exchange") {
        return Err("the venue is down".to_owned());
    }
    let world = std::env::var_os("WORLD");
    let world = world.map(|path| OpenOptions::new().append(true).create(true).open(path).unwrap());
    Ok(Exchange { world })
}

/// Follows the exchange, as the compensation does.
#[on_start(order = 7)]
async fn afterwards(_: &Exchange) {
    println!("afterwards");
    if plays("stuck at the start") {
        change_the_disk(full_pipe());
    }
}

#[on_shutdown(timeout = "2s", retry = 1, backoff = "1ms", when = wanted(), compensate = undo)]
async fn cancel(exchange: &Exchange) -> Result<(), String> {
    match scenario().as_str() {
        "cancel fails" => return Err("the venue is down".to_owned()),
        "cancel hangs" => {
            println!("cancelling");
            std::future::pending().await
        }
        _ => {}
    }
    exchange.log("cancelled");
    Ok(())
}

async fn undo(exchange: &Exchange) -> Result<(), String> {
    println!("undoing");
    match scenario().as_str() {
        "undo fails" => return Err("session unknown".to_owned()),
        "undo panics" => panic!("no session"),
        "undo hangs" => std::future::pending().await,
        "undo waits" => told("go on").await,
        _ => {}
    }
    exchange.log("undone");
    Ok(())
}

fn wanted() -> Result<(), &'static str> {
    if plays("declines") { Err("nothing was placed") } else { Ok(()) }
}

fn tell_of_the_past() {
    match lifecycle::previous_run() {
        None => println!("previous: none is known"),
        Some(PreviousRun::First) => println!("previous: first"),
        Some(PreviousRun::Clean { report }) => println!("previous: clean, exit {}", report.exit_code),
        Some(PreviousRun::Unclean(run)) => {
            let left: Vec<String> =
                run.unfinished.iter().map(|left| format!("{}={:?}", left.step, left.outcome)).collect();
            let (killed, left) = (run.killed, left.join(" "));
            println!("previous: unclean, killed {killed}, stopping {:?}, left {left}", run.stopping);
        }
        Some(other) => println!("previous: {other:?}"),
    }
    tell_of_letters();
}

fn tell_of_letters() {
    for letter in lifecycle::dead_letters() {
        let (step, attempts, person) = (letter.step, letter.attempts, letter.needs_person);
        println!("letter: {step} attempts {attempts} person {person} error {:?}", letter.error);
    }
    println!("letters told");
}

/// From here on the disk under the journal is a pipe.
fn change_the_disk((reader, writer): (File, File)) {
    let journal = std::env::var_os("LIFECYCLE_JOURNAL").unwrap();
    replace_open(journal.as_ref(), &writer);
    // To the end of the process: a pipe that nobody can read any more answers at once.
    std::mem::forget(reader);
    println!("the disk has changed");
}

mod by_attribute {
    #[lifecycle::main(grace = "20s", journal = "of main/journal")]
    pub(super) async fn main() {
        super::tell_of_the_past();
        println!("serving");
        lifecycle::stopping().await;
    }
}

fn main() -> ExitCode {
    if plays("by attribute") {
        return by_attribute::main();
    }
    register(Worker::new("jobs", |token| async move {
        println!("jobs run");
        token.cancelled().await;
    }));
    let by_hand = || {
        let hook = Hook::on_shutdown("by hand", || async {}).compensate(|| async { println!("made up for") });
        register(hook)
    };
    let early = scenario().starts_with("by hand").then(by_hand);
    let meanwhile = plays("meanwhile").then(|| {
        let register_until_it_runs = move || {
            let mut registered = 0;
            while lifecycle::state() != State::Running {
                drop(by_hand());
                registered += 1;
            }
            registered
        };
        thread::spawn(register_until_it_runs)
    });
    let breaks = || Hook::on_shutdown("breaks", || async { change_the_disk(pipe()) });
    match scenario().as_str() {
        "breaks at the end" => drop(register(breaks().last())),
        "breaks before the report" => drop(register(breaks().order(9))),
        _ => {}
    }
    if plays("wrong place") {
        register(Hook::on_start("too early", || async {}).compensate(|| async {}));
    }
    lifecycle::builder().grace(Duration::from_secs(20)).run(|| async move {
        let stopping = lifecycle::stopping();
        tell_of_the_past();
        let exchange = lifecycle::resource::<Exchange>().unwrap();
        if let Some(registration) = early.filter(|_| plays("by hand, taken back")) {
            assert!(registration.remove());
        }
        if plays("late, stuck") {
            change_the_disk(full_pipe());
        }
        let late = scenario().starts_with("late").then(by_hand);
        if let Some(registration) = late.filter(|_| plays("late, taken back")) {
            assert!(registration.remove());
        }
        exchange.log("placed");
        if let Some(meanwhile) = meanwhile {
            println!("registered meanwhile: {}", meanwhile.join().unwrap());
        }
        println!("serving");
        match scenario().as_str() {
            "stuck" => change_the_disk(full_pipe()),
            "broken" => change_the_disk(pipe()),
            _ => {}
        }
        stopping.await;
    })
}
