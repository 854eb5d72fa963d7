//! A real Pushgateway.

use std::collections::BTreeMap;
use std::process::Command;

use crate::{Child, free_port, until};

/// What was pushed to it, a Prometheus would scrape.
pub struct Gateway {
    address: String,
    _child: Child,
}

impl Gateway {
    /// On a port of its own; waits until it answers.
    pub fn start() -> Self {
        let port = free_port();
        let mut command = Command::new("prometheus-pushgateway");
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        let gateway = Gateway { address: format!("http://127.0.0.1:{port}"), _child: Child::start(command) };
        until("the Pushgateway", || gateway.get("/-/ready"));
        gateway
    }

    /// Its URL.
    pub fn address(&self) -> &str {
        &self.address
    }

    fn get(&self, path: &str) -> Option<String> {
        ureq::get(format!("{}{path}", self.address)).call().ok()?.body_mut().read_to_string().ok()
    }

    /// The value of each metric of this job.
    pub fn metrics(&self, job: &str) -> BTreeMap<String, f64> {
        let text = self.get("/metrics").unwrap();
        let job = format!("job=\"{job}\"");
        let ours = text.lines().filter(|line| line.contains(&job));
        let pairs = ours.filter_map(|line| line.rsplit_once(' '));
        pairs.map(|(name, value)| (name.to_owned(), value.parse().unwrap())).collect()
    }
}
