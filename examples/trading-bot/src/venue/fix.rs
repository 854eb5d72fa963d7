//! A FIX 4.4 session.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail};
use async_trait::async_trait;
use quickfix_tokio::{
    Application, ApplicationError, Engine, MemoryStoreFactory, Message, SessionHandle, SessionId, Settings,
    TracingLogFactory, UtcTimestamp,
};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use super::{Placed, Venue};
use crate::book::{Execution, Order, State};
use crate::config;

const CL_ORD_ID: i32 = 11;
const ORDER_ID: i32 = 37;
const ORDER_QTY: i32 = 38;
const ORD_STATUS: i32 = 39;
const ORD_TYPE: i32 = 40;
const ORIG_CL_ORD_ID: i32 = 41;
const PRICE: i32 = 44;
const SIDE: i32 = 54;
const SYMBOL: i32 = 55;
const TEXT: i32 = 58;
const TRANSACT_TIME: i32 = 60;
const MASS_CANCEL_REQUEST_TYPE: i32 = 530;
const MASS_CANCEL_RESPONSE: i32 = 531;

const BUY: &str = "1";
const LIMIT: &str = "2";
const ALL_ORDERS: &str = "7";
const REJECTED: &str = "0";

pub(super) struct Fix {
    session: SessionHandle,
    ears: Arc<Ears>,
    /// Taken by whoever logs out.
    engine: Mutex<Option<Engine>>,
    patience: Duration,
    /// No two requests of a run have the same name.
    requests: AtomicU32,
}

/// What the engine tells us.
#[derive(Default)]
struct Ears {
    logged_on: watch::Sender<bool>,
    /// By the name of what was asked.
    waiting: Mutex<HashMap<String, oneshot::Sender<Message>>>,
    executions: Mutex<Vec<Execution>>,
}

#[async_trait]
impl Application for Ears {
    async fn on_logon(&self, _: &SessionId) {
        self.logged_on.send_replace(true);
    }

    async fn on_logout(&self, _: &SessionId) {
        self.logged_on.send_replace(false);
    }

    async fn from_app(&self, message: &Message, _: &SessionId) -> Result<(), ApplicationError> {
        if message.msg_type().is_ok_and(|kind| kind == "8") {
            locked(&self.executions).extend(execution(message));
        }
        let asked = text(message, CL_ORD_ID).unwrap_or_default();
        let waiting = locked(&self.waiting).remove(&asked);
        if let Some(waiting) = waiting {
            // Whoever has asked may have given up.
            let _ = waiting.send(message.clone());
        }
        Ok(())
    }
}

/// What is behind it is whole at every moment, so a panic elsewhere takes nothing from it.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn text(message: &Message, tag: i32) -> Option<String> {
    message.body.get_string(tag).ok()
}

fn status(message: &Message) -> Option<State> {
    Some(match &*text(message, ORD_STATUS)? {
        "2" => State::Filled,
        "4" => State::Canceled,
        "8" => State::Rejected,
        _ => State::Open,
    })
}

fn execution(message: &Message) -> Option<Execution> {
    // A cancellation has a name of its own beside the order's.
    let client_id = text(message, ORIG_CL_ORD_ID).or_else(|| text(message, CL_ORD_ID))?;
    Some(Execution { client_id, exchange_id: text(message, ORDER_ID), state: status(message)? })
}

impl Fix {
    pub(super) async fn log_on(config: &config::Fix) -> anyhow::Result<Self> {
        let (host, port) = config.address.rsplit_once(':').context("the venue's address is no host:port")?;
        let mut settings = String::from("[SESSION]\nConnectionType=initiator\nBeginString=FIX.4.4\n");
        writeln!(settings, "SocketConnectHost={host}\nSocketConnectPort={port}\nReconnectInterval=1")?;
        writeln!(settings, "SenderCompID={}\nTargetCompID={}", config.sender, config.target)?;
        // What a run has missed it learns from its own state file, not from the session.
        writeln!(settings, "HeartBtInt={}\nResetOnLogon=Y\nUseDataDictionary=N", config.heartbeat)?;

        let ears = Arc::new(Ears::default());
        let store = Arc::new(MemoryStoreFactory::new());
        let log = Arc::new(TracingLogFactory);
        let engine = Engine::start(&Settings::parse(&settings)?, Arc::clone(&ears) as _, store, log).await?;
        let session = engine.session("FIX.4.4", &config.sender, &config.target).context("no session")?;
        let logged_on =
            timeout(config.request_timeout, ears.logged_on.subscribe().wait_for(|on| *on)).await.is_ok();
        if !logged_on {
            engine.stop().await;
            bail!("no logon at {} within {:?}", config.address, config.request_timeout);
        }
        let patience = config.request_timeout;
        Ok(Fix { session, ears, engine: Mutex::new(Some(engine)), patience, requests: 0.into() })
    }

    fn request(&self, kind: &str, name: &str, fields: &[(i32, &str)]) -> Message {
        let mut message = Message::with_type(kind);
        message.set(CL_ORD_ID, name);
        for (tag, value) in fields {
            message.set(*tag, *value);
        }
        message.set(TRANSACT_TIME, UtcTimestamp::now());
        message
    }

    fn name(&self, begin: &str) -> String {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        format!("{begin}c{number}")
    }

    /// Sends it, and waits for the answer of that name.
    async fn ask(&self, name: &str, request: Message) -> anyhow::Result<Message> {
        let (answer, answered) = oneshot::channel();
        locked(&self.ears.waiting).insert(name.to_owned(), answer);
        self.session.send(request).await?;
        match timeout(self.patience, answered).await {
            Ok(answer) => Ok(answer?),
            Err(_) => bail!("the venue has not answered within {:?}", self.patience),
        }
    }
}

#[async_trait]
impl Venue for Fix {
    async fn place(&self, order: &Order) -> anyhow::Result<Placed> {
        let (size, price) = (order.size.to_string(), order.price.to_string());
        let fields =
            [(SYMBOL, &*order.symbol), (SIDE, BUY), (ORDER_QTY, &*size), (ORD_TYPE, LIMIT), (PRICE, &*price)];
        let answer = self.ask(&order.client_id, self.request("D", &order.client_id, &fields)).await?;
        Ok(match (status(&answer), text(&answer, ORDER_ID)) {
            (Some(State::Rejected), _) => Placed::Rejected { why: text(&answer, TEXT).unwrap_or_default() },
            (_, Some(exchange_id)) => Placed::Accepted { exchange_id },
            (_, None) => bail!("the venue has accepted it without a name"),
        })
    }

    async fn cancel(&self, order: &Order) -> anyhow::Result<State> {
        let name = self.name(&order.client_id);
        let id = order.exchange_id.as_deref().unwrap_or_default();
        let fields =
            [(ORIG_CL_ORD_ID, &*order.client_id), (ORDER_ID, id), (SYMBOL, &*order.symbol), (SIDE, BUY)];
        let answer = self.ask(&name, self.request("F", &name, &fields)).await?;
        // A refusal says what the order is now: that may be closed as well.
        match status(&answer) {
            Some(state) if state.is_final() => Ok(state),
            _ => bail!("the venue says: {}", text(&answer, TEXT).unwrap_or_default()),
        }
    }

    async fn cancel_all(&self, orders: &[Order]) -> anyhow::Result<Vec<anyhow::Result<State>>> {
        let name = self.name("all");
        let answer =
            self.ask(&name, self.request("q", &name, &[(MASS_CANCEL_REQUEST_TYPE, ALL_ORDERS)])).await?;
        if text(&answer, MASS_CANCEL_RESPONSE).is_none_or(|response| response == REJECTED) {
            bail!("the venue says: {}", text(&answer, TEXT).unwrap_or_default());
        }
        let affected = |order: &Order| {
            let names = answer.body.iter().filter(|field| field.tag == ORIG_CL_ORD_ID);
            names.into_iter().any(|field| field.value == order.client_id.as_bytes())
        };
        Ok(orders
            .iter()
            .map(|order| match affected(order) {
                true => Ok(State::Canceled),
                false => bail!("it is not among those that the venue has cancelled"),
            })
            .collect())
    }

    async fn executions(&self) -> anyhow::Result<Vec<Execution>> {
        Ok(std::mem::take(&mut *locked(&self.ears.executions)))
    }

    async fn ping(&self) -> anyhow::Result<()> {
        match *self.ears.logged_on.borrow() {
            true => Ok(()),
            false => bail!("not logged on"),
        }
    }

    async fn log_out(&self) -> anyhow::Result<()> {
        let engine = locked(&self.engine).take();
        if let Some(engine) = engine {
            engine.stop().await;
        }
        Ok(())
    }
}
