//! No port, socket or file unless asked for, and no argument in what is said.

use std::collections::HashSet;
use std::fs;

use lifecycle_tests::child::{Child, program};

/// The inodes of every internet socket that the child's network knows.
fn internet_sockets(pid: i32) -> HashSet<String> {
    ["tcp", "tcp6", "udp", "udp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(format!("/proc/{pid}/net/{table}")).ok())
        .flat_map(|table| {
            let inode = |line: &str| line.split_whitespace().nth(9).map(str::to_owned);
            table.lines().skip(1).filter_map(inode).collect::<Vec<_>>()
        })
        .collect()
}

/// What the descriptors of a process stand for.
fn open_by(process: &str) -> std::io::Result<Vec<String>> {
    let entries = fs::read_dir(format!("/proc/{process}/fd"))?;
    // One may be closed by now.
    let links = entries.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
    Ok(links.map(|target| target.to_string_lossy().into_owned()).collect())
}

#[test]
fn it_opens_nothing_that_others_could_see() {
    let child = Child::start(program(env!("CARGO_BIN_EXE_ordered"), &[]));
    child.wait_for("serving");
    let internet = internet_sockets(child.pid());
    // Whoever runs the tests may have left it a file.
    let inherited = open_by("self").unwrap();
    let open = open_by(&child.pid().to_string()).unwrap();
    assert!(!open.is_empty());
    for target in open.into_iter().filter(|target| !inherited.contains(target)) {
        let of_a_kind =
            ["pipe:", "anon_inode:", "socket:", "/dev/"].iter().any(|kind| target.starts_with(kind));
        assert!(of_a_kind, "a file is open: {target}");
        let inode = target.trim_start_matches("socket:[").trim_end_matches(']');
        assert!(!internet.contains(inode), "a port is open: {target}");
    }
    child.terminate();
}

#[test]
fn no_argument_is_said() {
    let ended = {
        let child = Child::start(program(env!("CARGO_BIN_EXE_ordered"), &[]));
        child.wait_for("serving");
        child.terminate()
    };
    // The program calls a tracked function with this, and gives its steps a resource that holds it.
    let said = ended.stderr.join("\n");
    assert!(said.contains("close_db"), "the report is there: {said}");
    assert!(!said.contains("s3cret"), "{said}");
}
