//! haproxy before the instances, and hey, which asks it without a pause.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use e2e_support::signals::SIGINT;
use e2e_support::{Child, PATIENCE, child, free_port, until};

use crate::scene::{ORDER, Place, Scene, installed};

/// What it calls its servers.
pub(crate) const SERVERS: [&str; 2] = ["first", "second"];

/// A real haproxy. It tries nothing twice: what an instance gets wrong, its clients see.
pub(crate) struct Balancer {
    port: u16,
    socket: PathBuf,
    _child: Child,
}

impl Balancer {
    pub(crate) fn before(scene: &Scene, places: [Place; 2]) -> Self {
        let (port, socket, file) = (free_port(), scene.file("haproxy.sock"), scene.file("haproxy.cfg"));
        let server = |(name, place): (&str, Place)| {
            format!("    server {name} 127.0.0.1:{} check port {}\n", place.listen, place.probes)
        };
        let servers: String = SERVERS.into_iter().zip(places).map(server).collect();
        let config = format!(
            "global
    stats socket {}
defaults
    mode http
    timeout connect 10s
    timeout client 60s
    timeout server 60s
    timeout check 10s
    retries 0
frontend front
    bind 127.0.0.1:{port}
    default_backend shop
backend shop
    balance roundrobin
    option httpchk GET /ready
    default-server inter 100ms fall 1 rise 1
{servers}",
            socket.display()
        );
        fs::write(&file, config).unwrap();
        let child =
            Child::start(child::program(&installed("haproxy"), &["-db", "-f", file.to_str().unwrap()]));
        let balancer = Balancer { port, socket, _child: child };
        for server in SERVERS {
            balancer.has_up(server);
        }
        balancer
    }

    fn statistics(&self) -> Option<String> {
        let mut socket = UnixStream::connect(&self.socket).ok()?;
        socket.write_all(b"show stat\n").ok()?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    /// A figure, of a server or of `FRONTEND` or `BACKEND`, by the name that its manual has for it.
    fn look_up(&self, of: &str, figure: &str) -> Option<String> {
        let table = self.statistics()?;
        let mut lines = table.lines();
        let column = lines.next()?.trim_start_matches("# ").split(',').position(|name| name == figure)?;
        let row = lines.find(|line| line.split(',').nth(1) == Some(of))?;
        row.split(',').nth(column).map(str::to_owned)
    }

    pub(crate) fn figure(&self, of: &str, figure: &str) -> u64 {
        let value = self.look_up(of, figure).unwrap_or_else(|| panic!("haproxy has no {figure} of {of}"));
        value.parse().unwrap_or_else(|_| panic!("{figure} of {of} is {value:?}"))
    }

    /// Waits until it sends requests to this server.
    pub(crate) fn has_up(&self, server: &str) {
        let up = || self.look_up(server, "status").filter(|status| status == "UP");
        until(&format!("the balancer to see that the {server} is up"), up);
    }

    /// Waits until this server has answered so many more requests.
    pub(crate) fn sends_more_to(&self, server: &str, requests: u64) {
        let before = self.figure(server, "hrsp_2xx");
        let more = || (self.figure(server, "hrsp_2xx") >= before + requests).then_some(());
        until(&format!("requests to the {server}"), more);
    }
}

/// A real hey: clients that place orders through the balancer, each so many a second.
pub(crate) struct Load(Child);

/// What they saw.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) statuses: BTreeMap<u16, u64>,
    pub(crate) errors: Vec<String>,
}

impl Load {
    pub(crate) fn on(balancer: &Balancer) -> Self {
        let url = format!("http://127.0.0.1:{}/orders", balancer.port);
        let bounds = ["-z", "10m", "-c", "16", "-q", "15"];
        let mut command = child::program(&installed("hey"), &bounds);
        command.args(["-m", "POST", "-T", "application/json", "-d", ORDER, &url]);
        Load(Child::start(command))
    }

    /// Each client hears the answer that it waits for, and asks no more.
    pub(crate) fn end(self) -> Tally {
        self.0.signal(SIGINT);
        let ended = self.0.wait(PATIENCE);
        let mut tally = Tally::default();
        let mut part = "";
        for line in &ended.stdout {
            let line = line.trim();
            match part {
                _ if line.ends_with("distribution:") => part = line,
                "Status code distribution:" if line.starts_with('[') => {
                    let (status, count) = line[1..].split_once(']').unwrap();
                    let count = count.split_whitespace().next().unwrap();
                    tally.statuses.insert(status.parse().unwrap(), count.parse().unwrap());
                }
                "Error distribution:" if !line.is_empty() => tally.errors.push(line.to_owned()),
                _ => {}
            }
        }
        assert!(part == "Status code distribution:" || part == "Error distribution:", "{ended:#?}");
        tally
    }
}
