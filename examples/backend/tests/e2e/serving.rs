//! What it does until it is told to end.

use e2e_support::{Child, PATIENCE};

use crate::scene::{Place, Scene};

#[test]
fn an_order_is_told_to_the_clients_of_all_instances() {
    let scene = Scene::new("feed");
    let (first, second) = (scene.start(), scene.start());
    let feed = first.place.visitor("feed");
    feed.wait_for("listening");
    assert_eq!(second.place.place_order().unwrap().status, 200);
    feed.wait_for(r#"heard {"id":1,"item":"tea","quantity":2}"#);
}

#[test]
fn a_query_that_takes_too_long_is_given_up() {
    let mut scene = Scene::new("slow-query");
    scene.set("database.statement_timeout", "100ms");
    let instance = scene.start();
    let lock = scene.lock_orders();
    let answer = instance.place.place_order().unwrap();
    assert_eq!((answer.status, &*answer.text), (500, "the database has failed\n"));
    lock.roll_back();
    assert_eq!(instance.place.place_order().unwrap().status, 200);
    assert_eq!(scene.orders(), 1);
}

#[test]
fn times_that_do_not_fit_are_refused_before_anything_starts() {
    let mut scene = Scene::new("budget");
    scene.set("shutdown.drain", "99s");
    let refused = Child::start(scene.command(Place::free(), &[scene.program])).wait(PATIENCE);
    assert_eq!(refused.code, Some(78), "{refused:#?}");
    assert!(refused.stderr.iter().any(|line| line.contains("the shutdown may take ")), "{refused:#?}");
    assert_eq!(scene.count("SELECT count(*) FROM pg_tables WHERE tablename = 'orders'"), 0);
}
