//! Resources that are provided, shared, taken, absent and dropped.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use lifecycle::{Settings, on_shutdown, on_start};
use lifecycle_tests::scene::{Loud, plays, scenario};

/// Kept by nobody: dropped by the library.
struct First(#[expect(dead_code, reason = "held for its drop")] Loud);
struct Second {
    _loud: Loud,
}
struct Third(#[expect(dead_code, reason = "held for its drop")] Loud);

impl Drop for First {
    fn drop(&mut self) {
        if plays("drop panics") {
            panic!("neither does the first");
        }
    }
}

impl Drop for Second {
    fn drop(&mut self) {
        match scenario().as_str() {
            "drop panics" => panic!("the second does not want to go"),
            "drop hangs" => loop {
                std::thread::park();
            },
            _ => {}
        }
    }
}

#[on_start]
async fn first() -> First {
    First(Loud("first"))
}

// Provided later than what it takes, so dropped sooner.
#[on_start]
async fn a_second(_: &First) -> Second {
    Second { _loud: Loud("second") }
}

#[on_start]
fn a_third(_: &Second) -> Third {
    Third(Loud("third"))
}

struct Exchange(&'static str);

#[on_start]
async fn connect() -> Result<Exchange, String> {
    match scenario().as_str() {
        "provider fails" => Err("connection refused".into()),
        _ => Ok(Exchange("fix")),
    }
}

#[on_shutdown]
async fn disconnect(exchange: &Exchange) {
    println!("disconnect {}", exchange.0);
}

#[on_shutdown]
async fn perhaps(exchange: Option<&Exchange>) {
    println!("perhaps {:?}", exchange.map(|exchange| exchange.0));
}

/// By hand, if at all.
struct Ghost(u8);

#[on_shutdown]
async fn exorcise(ghost: &Ghost) {
    println!("exorcise {}", ghost.0);
}

/// Late.
#[on_shutdown(order = -1)]
fn early() {
    match scenario().as_str() {
        "by hand, late" => println!("late: {:?}", lifecycle::provide(Ghost(2))),
        "near miss" => println!("a near one: {:?}", lifecycle::provide(Arc::new(Mutex::new(Ghost(3))))),
        _ => {}
    }
}

#[on_shutdown(last)]
async fn goodbye() {
    println!("goodbye");
}

fn setup(settings: &mut Settings) {
    if plays("drop hangs") {
        settings.grace(Duration::from_millis(1500)).reserve(Duration::from_millis(1000));
    }
    if plays("provider off") {
        settings.step::<connect>().off("no venue in this town");
    }
}

#[lifecycle::main(setup = setup)]
async fn main() {
    match scenario().as_str() {
        "by hand" | "drop panics" | "drop hangs" | "provider off" => {
            println!("provide: {:?}", lifecycle::provide(Ghost(1)));
            println!("found: {:?}", lifecycle::resource::<Ghost>().map(|ghost| ghost.0));
            let twice = lifecycle::provide(Ghost(8));
            println!("twice: {}", twice.map_or_else(|error| error.to_string(), |()| "fine".into()));
            println!("as an Arc: {}", lifecycle::provide(Arc::new(Ghost(9))).is_err());
        }
        _ => {}
    }
    let stopping = lifecycle::stopping();
    println!("serving");
    stopping.await;
}
