//! Two instances behind haproxy, restarted one after the other while hey places orders.

use std::thread;

use crate::balancer::{Balancer, Load, SERVERS};
use crate::scene::{ALL_DONE, Scene};

/// So long is an instance still serving after the signal, while haproxy asks ten times a second.
pub(crate) const LAME_DUCK: &str = "3s";

/// Restarts each of both so many times. Returns what anybody has to complain of.
pub(crate) fn roll(scene: &Scene, rounds: u64, is_reported: bool) -> Vec<String> {
    let mut instances = thread::scope(|both| {
        let starting = [(); 2].map(|()| both.spawn(|| scene.start()));
        starting.map(|instance| Some(instance.join().unwrap()))
    });
    let places = instances.each_ref().map(|instance| instance.as_ref().unwrap().place);
    let balancer = Balancer::before(scene, places);
    let load = Load::on(&balancer);
    let mut complaints = Vec::new();
    for _ in 0..rounds {
        for ((server, place), instance) in SERVERS.into_iter().zip(places).zip(&mut instances) {
            balancer.sends_more_to(server, 20);
            let ended = instance.take().unwrap().terminate();
            if is_reported {
                ended.assert(0, &ALL_DONE);
            }
            if ended.code != Some(0) {
                complaints.push(format!("an instance ended with {:?}", ended.code));
            }
            *instance = Some(scene.start_at(place));
            balancer.has_up(server);
        }
    }
    for server in SERVERS {
        balancer.sends_more_to(server, 20);
    }
    let tally = load.end();

    for (status, count) in &tally.statuses {
        if *status != 200 {
            complaints.push(format!("clients: {count} answers {status}"));
        }
    }
    complaints.extend(tally.errors.iter().map(|error| format!("clients: {error}")));
    for (of, figures) in [
        ("FRONTEND", &["ereq", "hrsp_1xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx", "hrsp_other"][..]),
        ("BACKEND", &["econ", "eresp", "wretr", "wredis", "cli_abrt", "srv_abrt"]),
    ] {
        for figure in figures {
            match balancer.figure(of, figure) {
                0 => {}
                count => complaints.push(format!("balancer: {figure} of {of} is {count}")),
            }
        }
    }
    for server in SERVERS {
        match balancer.figure(server, "chkdown") {
            seen if seen == rounds => {}
            seen => complaints.push(format!("balancer: it saw the {server} go {seen} times of {rounds}")),
        }
    }
    let answered = tally.statuses.get(&200).copied().unwrap_or(0);
    for (who, count) in
        [("the balancer", balancer.figure("FRONTEND", "hrsp_2xx")), ("the database", scene.orders())]
    {
        if count != answered {
            complaints.push(format!("{answered} were answered 200, {who} has {count}"));
        }
    }
    for instance in instances.into_iter().flatten() {
        assert_eq!(instance.terminate().code, Some(0));
    }
    match scene.abandoned_sessions() {
        0 => {}
        count => complaints.push(format!("database: {count} sessions were abandoned")),
    }
    complaints
}

#[test]
fn three_rolling_restarts_lose_nothing() {
    let mut scene = Scene::new("rolling");
    scene.set("shutdown.lameduck", LAME_DUCK);
    assert_eq!(roll(&scene, 3, true), [""; 0]);
}

/// The control: without the time in which it serves and says that it is not ready, the same checks fail.
#[test]
fn without_the_lame_duck_time_requests_are_lost_and_the_checks_notice() {
    let mut scene = Scene::new("rolling-control");
    scene.set("shutdown.lameduck", LAME_DUCK);
    scene.export("LIFECYCLE_LAMEDUCK", "0s");
    let complaints = roll(&scene, 3, true);
    for begin in ["clients: ", "balancer: hrsp_5xx of FRONTEND is "] {
        assert!(complaints.iter().any(|complaint| complaint.starts_with(begin)), "{complaints:#?}");
    }
}

/// The control: if nobody closes the database, it sees sessions that are lost.
#[test]
fn without_the_last_step_sessions_are_abandoned_and_the_checks_notice() {
    let mut scene = Scene::new("open-control");
    scene.set("shutdown.keep_open", "to see what it is good for");
    let instance = scene.start();
    assert_eq!(instance.place.place_order().unwrap().status, 200);
    assert_eq!(instance.terminate().code, Some(0));
    assert_ne!(scene.abandoned_sessions(), 0);
}
