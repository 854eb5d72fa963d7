//! The orders and their states, in a file that survives us.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// An order as we know it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Order {
    /// The name that we gave it.
    pub(crate) client_id: String,
    /// The name that the venue gave it, once it has.
    pub(crate) exchange_id: Option<String>,
    pub(crate) symbol: String,
    pub(crate) price: Decimal,
    pub(crate) size: Decimal,
    pub(crate) state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum State {
    /// Sent, or about to be; the venue has not answered.
    New,
    Open,
    Filled,
    Canceled,
    Rejected,
}

impl State {
    pub(crate) fn is_final(self) -> bool {
        matches!(self, State::Filled | State::Canceled | State::Rejected)
    }
}

/// What the venue says has become of an order.
#[derive(Debug)]
pub(crate) struct Execution {
    pub(crate) client_id: String,
    pub(crate) exchange_id: Option<String>,
    pub(crate) state: State,
}

/// All orders. Each change is one more line of JSON in the file: of an order's lines, the last one counts.
pub(crate) struct Book {
    folder: PathBuf,
    inner: Mutex<Inner>,
}

struct Inner {
    file: File,
    orders: BTreeMap<String, Order>,
}

impl Book {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let mut orders = BTreeMap::new();
        let mut torn = false;
        match fs::read_to_string(path) {
            Ok(text) => {
                for line in text.lines() {
                    match serde_json::from_str::<Order>(line) {
                        Ok(order) => drop(orders.insert(order.client_id.clone(), order)),
                        // Whoever was killed in the middle of a line has not acted on it.
                        Err(error) => tracing::warn!("{}: {error}: {line}", path.display()),
                    }
                }
                torn = !text.is_empty() && !text.ends_with('\n');
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let mut file = File::options().append(true).create(true).open(path)?;
        if torn {
            file.write_all(b"\n")?;
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Ok(Book { folder: folder.to_owned(), inner: Mutex::new(Inner { file, orders }) })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Before an order is sent: a run that is killed knows that there may be one.
    pub(crate) fn add(&self, order: &Order) -> io::Result<()> {
        self.inner().write(order.clone())
    }

    /// Tells may come in any order: a name stays, and so does what is final.
    pub(crate) fn apply(&self, execution: Execution) -> io::Result<()> {
        self.change(&execution.client_id, |order| {
            order.exchange_id = order.exchange_id.take().or(execution.exchange_id);
            if !order.state.is_final() {
                order.state = execution.state;
            }
        })
    }

    pub(crate) fn placed(&self, client_id: &str, exchange_id: String) -> io::Result<()> {
        let (client_id, exchange_id) = (client_id.to_owned(), Some(exchange_id));
        self.apply(Execution { client_id, exchange_id, state: State::Open })
    }

    pub(crate) fn set(&self, client_id: &str, state: State) -> io::Result<()> {
        self.apply(Execution { client_id: client_id.to_owned(), exchange_id: None, state })
    }

    fn change(&self, client_id: &str, change: impl FnOnce(&mut Order)) -> io::Result<()> {
        let mut inner = self.inner();
        // Another client's, or of a time before this file.
        let Some(known) = inner.orders.get(client_id) else { return Ok(()) };
        let mut order = known.clone();
        change(&mut order);
        if order == *known { Ok(()) } else { inner.write(order) }
    }

    /// Those that may be open at the venue.
    pub(crate) fn open_orders(&self) -> Vec<Order> {
        self.inner().orders.values().filter(|order| !order.state.is_final()).cloned().collect()
    }

    /// Everything that was written is on the disk, and so is the name of the file.
    pub(crate) fn flush(&self) -> io::Result<()> {
        self.inner().file.sync_all()?;
        File::open(&self.folder)?.sync_all()
    }
}

impl Inner {
    fn write(&mut self, order: Order) -> io::Result<()> {
        let line = serde_json::to_string(&order)? + "\n";
        self.file.write_all(line.as_bytes())?;
        self.orders.insert(order.client_id.clone(), order);
        Ok(())
    }
}
