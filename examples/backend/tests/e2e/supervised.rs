//! As PID 1, and under those who start and end services elsewhere.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use e2e_support::posix::{child_of, is_root, send};
use e2e_support::signals::SIGTERM;
use e2e_support::{PATIENCE, until};

use crate::scene::{ALL_DONE, Instance, Place, Scene, installed};

/// The beginning of a command for another one in a PID namespace of its own, which ends with it.
fn namespace() -> Vec<&'static str> {
    let mut words = vec!["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];
    if !is_root() {
        words.extend(["--user", "--map-root-user"]);
    }
    let tried = Command::new(words[0]).args(&words[1..]).arg("true").output().unwrap();
    assert!(
        tried.status.success(),
        "nothing can be PID 1 here, {}: run this where a PID namespace may be made (as root, or where users may make \
         namespaces of their own), or leave it out with `-- --skip as_pid_1`, which then is untested",
        String::from_utf8_lossy(&tried.stderr).trim()
    );
    words
}

/// Its id in each of the namespaces that it is in, the outermost first.
fn ids(pid: i32) -> Vec<i32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let ids = status.lines().find_map(|line| line.strip_prefix("NSpid:")).unwrap();
    ids.split_whitespace().map(|id| id.parse().unwrap()).collect()
}

/// An order waits in the database when PID 1 gets the signal, and is finished.
fn as_pid_1(name: &str, init: &[&str]) {
    let scene = Scene::new(name);
    let place = Place::free();
    let mut command = scene.command(place, &[&namespace(), init, &[scene.program]].concat());
    // The signals of a test are for PID 1, not for the one outside.
    command.process_group(0);
    let instance = Instance::of(command, place);
    let first = child_of(instance.child.pid());
    assert_eq!(ids(first).last(), Some(&1));
    let lock = scene.lock_orders();
    let order = place.ordering();
    scene.holds_up(1);
    send(first, SIGTERM);
    place.closes();
    lock.roll_back();
    assert_eq!(order.join().unwrap().unwrap().status, 200);
    instance.ended().assert(0, &ALL_DONE);
    assert_eq!((scene.orders(), scene.abandoned_sessions()), (1, 0));
}

#[test]
fn as_pid_1_it_ends_in_order() {
    as_pid_1("pid-1", &[]);
}

#[test]
fn under_tini_as_pid_1_it_ends_in_order() {
    as_pid_1("tini", &[&installed("tini"), "--"]);
}

/// A real s6-supervise, which kills what has not ended by itself in time.
struct Supervised {
    folder: PathBuf,
    end: PathBuf,
    supervisor: Instance,
}

impl Supervised {
    fn start(scene: &Scene, kill_timeout: Duration) -> Self {
        let (folder, end, place) = (scene.file("service"), scene.file("end"), Place::free());
        fs::create_dir(&folder).unwrap();
        // Told how it has ended.
        let finish = format!("echo $1 $2 >{0}.new && mv {0}.new {0}", end.display());
        for (name, text) in [("run", format!("exec {}", scene.program)), ("finish", finish)] {
            let file = folder.join(name);
            fs::write(&file, format!("#!/bin/sh\n{text}\n")).unwrap();
            fs::set_permissions(&file, Permissions::from_mode(0o755)).unwrap();
        }
        fs::write(folder.join("timeout-kill"), kill_timeout.as_millis().to_string()).unwrap();
        let command = scene.command(place, &[&installed("s6-supervise"), folder.to_str().unwrap()]);
        Supervised { folder, end, supervisor: Instance::of(command, place) }
    }

    fn place(&self) -> Place {
        self.supervisor.place
    }

    fn tell(&self, what: &str) -> bool {
        let told = Command::new(installed("s6-svc")).arg(what).arg(&self.folder).output();
        told.is_ok_and(|told| told.status.success())
    }

    /// SIGTERM, and SIGKILL when its time is up.
    fn take_down(&self) {
        assert!(self.tell("-d"), "s6-supervise hears");
    }

    /// The exit code, or 256 and the signal that killed it.
    fn end(&self) -> (u32, Option<u32>) {
        let end = until("the service's end", || fs::read_to_string(&self.end).ok());
        let mut numbers = end.split_whitespace().map(|number| number.parse().unwrap());
        let code = numbers.next().unwrap();
        (code, numbers.next().filter(|_| code == 256))
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        // A killed supervisor would leave its service behind. It may have ended already.
        let told = self.tell("-dkx");
        let over = Instant::now() + PATIENCE;
        while told && self.supervisor.child.is_running() && Instant::now() < over {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn under_s6_it_ends_by_itself() {
    let scene = Scene::new("s6");
    let supervised = Supervised::start(&scene, PATIENCE);
    let lock = scene.lock_orders();
    let order = supervised.place().ordering();
    scene.holds_up(1);
    supervised.take_down();
    supervised.place().closes();
    lock.roll_back();
    assert_eq!(order.join().unwrap().unwrap().status, 200);
    assert_eq!(supervised.end(), (0, None));
    assert_eq!((scene.orders(), scene.abandoned_sessions()), (1, 0));
}

/// Its end with an order that never ends, under a supervisor that waits so long.
fn end_with_one_that_hangs(scene: &Scene, kill_timeout: Duration) -> (u32, Option<u32>) {
    let supervised = Supervised::start(scene, kill_timeout);
    let lock = scene.lock_orders();
    let order = supervised.place().ordering();
    scene.holds_up(1);
    supervised.take_down();
    let end = supervised.end();
    assert!(order.join().unwrap().is_err());
    lock.roll_back();
    end
}

#[test]
fn under_s6_it_ends_by_itself_though_an_order_hangs() {
    let mut scene = Scene::new("s6-hang");
    for (key, value) in [("drain", "1s"), ("stop", "1s"), ("close", "1s"), ("grace", "10s")] {
        scene.set(&format!("shutdown.{key}"), value);
    }
    assert_eq!(end_with_one_that_hangs(&scene, PATIENCE), (1, None));
}

/// The control: one that takes longer than its supervisor waits is killed, and the checks notice.
#[test]
fn under_s6_one_that_takes_longer_is_killed() {
    let scene = Scene::new("s6-control");
    assert_eq!(end_with_one_that_hangs(&scene, Duration::from_secs(1)), (256, Some(9)));
}
