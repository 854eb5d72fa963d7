//! A bot with everything around it, on ports and in a folder of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use e2e_support::{Child, Ended, Peer, Scratch, child, free_port, python, until};
use serde_json::{Value, json};
use toml::Table;

fn counterpart(script: &str, args: &[&str]) -> Peer {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/counterparts");
    Peer::start(python(&scripts.join(script), args))
}

/// The venue, as both kinds of it answer to the test.
pub(crate) struct Scene {
    folder: Scratch,
    config: Table,
    program: &'static str,
    pub(crate) venue: Peer,
    inboxes: Peer,
}

impl Scene {
    /// With the simulated exchange.
    pub(crate) fn rest(name: &str) -> Self {
        let port = free_port().to_string();
        let venue = counterpart("exchange.py", &[&port]);
        let mut scene = Self::at(name, venue, "rest");
        scene.set("venue.address", format!("http://127.0.0.1:{port}"));
        for (key, value) in [("key", "bot"), ("secret", "bot's secret"), ("passphrase", "pass")] {
            scene.set(&format!("venue.{key}"), value);
        }
        scene
    }

    /// With QuickFIX's acceptor.
    pub(crate) fn fix(name: &str) -> Self {
        let port = free_port().to_string();
        let venue = counterpart("acceptor.py", &[&port]);
        let mut scene = Self::at(name, venue, "fix");
        scene.set("venue.address", format!("127.0.0.1:{port}"));
        for (key, value) in [("sender", "BOT"), ("target", "EXCHANGE")] {
            scene.set(&format!("venue.{key}"), value);
        }
        scene
    }

    fn at(name: &str, venue: Peer, kind: &str) -> Self {
        let (webhook, smtp) = (free_port().to_string(), free_port().to_string());
        let folder = Scratch::new(&format!("trading-bot-{name}"));
        let mut config: Table = include_str!("../../bot.toml").parse().unwrap();
        config.remove("pushgateway");
        config["venue"] = Table::new().into();
        let inboxes = counterpart("inboxes.py", &[&webhook, &smtp]);
        let program = env!("CARGO_BIN_EXE_trading-bot");
        let mut scene = Scene { folder, config, program, venue, inboxes };
        for file in ["state", "journal"] {
            let path = scene.file(file);
            scene.set(file, path.to_str().unwrap());
        }
        scene.set("venue.kind", kind);
        scene.set("venue.request_timeout", "10s");
        scene.set("strategy.interval", "20ms");
        // The machine may be busy; the tests in which something hangs say how long that may take.
        for (key, value) in [("attempt", "20s"), ("timeout", "60s"), ("backoff", "20ms")] {
            scene.set(&format!("cancel.{key}"), value);
        }
        scene.set("grace", "120s");
        scene.set("alert.webhook", format!("http://127.0.0.1:{webhook}/alert"));
        scene.set("alert.smtp", format!("127.0.0.1:{smtp}"));
        scene
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.file(name)
    }

    /// Writes a key of the configuration, `table.key`.
    pub(crate) fn set(&mut self, key: &str, value: impl Into<toml::Value>) {
        e2e_support::set(&mut self.config, key, value);
    }

    /// From now on it is the bot that was written without the library.
    pub(crate) fn by_hand(&mut self) {
        self.program = env!("CARGO_BIN_EXE_trading-bot-by-hand");
    }

    /// How many orders are to be open.
    pub(crate) fn wants(&mut self, orders: i64) {
        self.set("strategy.orders", orders);
    }

    pub(crate) fn start(&self) -> Child {
        self.start_by(&[])
    }

    /// By another program, which becomes the bot.
    pub(crate) fn start_by(&self, words: &[&str]) -> Child {
        let file = self.file("bot.toml");
        fs::write(&file, self.config.to_string()).unwrap();
        let words = [words, &[self.program]].concat();
        let mut command = child::program(words[0], &words[1..]);
        command.env("TRADING_BOT_CONFIG", file).env("RUST_BACKTRACE", "0");
        Child::start(command)
    }

    /// A run that has begun well and is ended then.
    pub(crate) fn start_and_end(&self) -> Ended {
        let bot = self.start();
        bot.wait_for(": trading");
        bot.terminate()
    }

    /// ccxt, on the bot's account.
    pub(crate) fn judge(&self) -> Judge {
        let text = |key: &str| self.config["venue"][key].as_str().unwrap().to_owned();
        let mode = self.config["mode"].as_str().unwrap();
        Judge(counterpart("judge.py", &[&text("address"), mode]))
    }

    /// From now on the venue answers no cancel, and the bot has little time for that.
    pub(crate) fn hangs(&mut self, whats: [&str; 2]) {
        for (key, value) in [("attempt", "500ms"), ("timeout", "6s")] {
            self.set(&format!("cancel.{key}"), value);
        }
        self.set("grace", "35s");
        for what in whats {
            self.fault(what, "hang");
        }
    }

    /// From now on the venue does not do `what`: `refuse` or `hang`.
    pub(crate) fn fault(&self, what: &str, how: &str) {
        self.venue.ask(&json!({"ask": "fault", "what": what, "how": how}));
    }

    /// The same, only so often.
    pub(crate) fn fault_times(&self, what: &str, how: &str, times: u32) {
        self.venue.ask(&json!({"ask": "fault", "what": what, "how": how, "times": times}));
    }

    /// The same for one order of it, by its price, and only so often.
    pub(crate) fn fault_of(&self, what: &str, price: &str, times: Option<u32>) {
        let order = json!({"ask": "fault", "what": what, "how": "refuse", "order": price, "times": times});
        self.venue.ask(&order);
    }

    /// The venue does everything again.
    pub(crate) fn mend(&self) {
        self.venue.ask(&json!({"ask": "mend"}));
    }

    /// How often the bot has called this.
    pub(crate) fn calls(&self, what: &str) -> u64 {
        self.venue.ask(&json!({"ask": "calls"}))[what].as_u64().unwrap_or(0)
    }

    /// What has arrived: `webhooks` or `mails`.
    pub(crate) fn inbox(&self, which: &str) -> Vec<Value> {
        self.inboxes.ask(&json!({"ask": which})).as_array().unwrap().clone()
    }

    /// The states of the orders in the bot's file, by their names.
    pub(crate) fn states(&self) -> BTreeMap<String, String> {
        let text = fs::read_to_string(self.file("state")).unwrap();
        let orders = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        orders.map(|order| (text(&order["client_id"]), text(&order["state"]))).collect()
    }

    /// How many orders are in this state, in the bot's file.
    pub(crate) fn count(&self, state: &str) -> usize {
        self.states().values().filter(|is| *is == state).count()
    }
}

pub(crate) struct Judge(Peer);

impl Judge {
    /// The bot's open orders, by the names that it gave them.
    pub(crate) fn open(&self) -> Vec<String> {
        let open = self.0.ask(&json!({"ask": "open"}));
        let open = open.as_array().unwrap_or_else(|| panic!("ccxt says {open}"));
        open.iter().map(|order| order.as_str().unwrap().to_owned()).collect()
    }

    /// Waits until the venue has so many open orders, and the bot knows of each of them.
    pub(crate) fn sees_open(&self, orders: usize) {
        until(&format!("{orders} open orders"), || (self.open().len() == orders).then_some(()));
    }

    /// Somebody sells.
    pub(crate) fn sell(&self, price: f64, size: f64) {
        let sold = self.0.ask(&json!({"ask": "sell", "price": price, "size": size}));
        assert!(sold.is_string(), "ccxt says {sold}");
    }
}

/// The names of a step's items: those that are good, those that failed.
pub(crate) fn items(step: &Value) -> (usize, Vec<String>) {
    let (failed, good): (Vec<&Value>, Vec<&Value>) =
        step["items"].as_array().unwrap().iter().partition(|item| item["error"].is_string());
    (good.len(), failed.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect())
}

/// A step of that kind.
pub(crate) fn step<'a>(report: &'a Value, kind: &str, name: &str) -> &'a Value {
    let mut steps = report["steps"].as_array().unwrap().iter();
    let found = steps.find(|step| step["kind"] == kind && step["name"] == name);
    found.unwrap_or_else(|| panic!("no {kind} {name}: {report:#}"))
}

/// The one line that sums it up.
pub(crate) fn summary(ended: &Ended) -> &str {
    let line = ended.stdout.iter().find_map(|line| line.split_once("orders canceled: "));
    line.unwrap_or_else(|| panic!("no summary: {:#?}", ended.stdout)).1
}
