//! A service of which a service manager is told.

use std::process::Command;

use lifecycle::{Limit, on_shutdown, on_start, tracked};
use lifecycle_tests::scene::{plays, told, told_blocking};

#[on_start(timeout = "30s")]
async fn open_db() {
    told("open").await;
    // What a child would take for its own.
    let Ok(child) = Command::new("env").output() else {
        return println!("a child sees nothing: there is no env");
    };
    for line in String::from_utf8_lossy(&child.stdout).lines() {
        if ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"].iter().any(|name| line.starts_with(name)) {
            println!("a child sees {line}");
        }
    }
}

#[tracked]
async fn order() -> Result<(), lifecycle::Rejected> {
    println!("an order is placed");
    told("filled").await;
    Ok(())
}

#[on_shutdown(timeout = "3s")]
async fn close_db() {
    told("close").await;
}

fn setup(settings: &mut lifecycle::Settings) {
    if plays("endless") {
        settings.grace(Limit::Never).drain(Limit::Never);
    }
}

#[lifecycle::main(
    setup = setup,
    flavor = "current_thread",
    ready = manual,
    grace = "25s",
    pause = SIGUSR1,
    resume = SIGUSR2
)]
async fn main() {
    told("ready").await;
    lifecycle::ready();
    if plays("wedged") {
        told("wedge").await;
        println!("wedging");
        told_blocking("never");
    }
    let _order = tokio::spawn(order());
    lifecycle::stopping().await;
}
