//! An exchange that speaks version 5 of OKX's REST interface.

use std::time::Duration;

use anyhow::{Context, bail};
use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::{SecondsFormat, Utc};
use futures_util::future::join_all;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Client, Method};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::Sha256;

use super::{Placed, Venue};
use crate::book::{Execution, Order, State};
use crate::config;

/// The most that the exchange takes in one batch.
const BATCH: usize = 20;
/// "The order has been filled, cancelled or does not exist."
const GONE: &str = "51400";

pub(super) struct Rest {
    client: Client,
    address: String,
    key: String,
    secret: String,
    passphrase: String,
    live: bool,
}

#[derive(Deserialize)]
struct Answer {
    code: String,
    msg: String,
    data: Vec<Value>,
}

/// One order's part of an answer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    ord_id: String,
    s_code: String,
    s_msg: String,
}

/// An order as the exchange has it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    ord_id: String,
    cl_ord_id: String,
    state: String,
}

impl Detail {
    fn state(&self) -> State {
        match &*self.state {
            "canceled" | "mmp_canceled" => State::Canceled,
            "filled" => State::Filled,
            _ => State::Open,
        }
    }
}

impl Rest {
    pub(super) fn new(config: &config::Rest, live: bool) -> anyhow::Result<Self> {
        let client = Client::builder().timeout(config.request_timeout).build()?;
        let config::Rest { address, key, secret, passphrase, .. } = config;
        let (address, key) = (address.trim_end_matches('/').to_owned(), key.clone());
        Ok(Rest { client, address, key, secret: secret.clone(), passphrase: passphrase.clone(), live })
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Answer> {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let timestamp = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes())?;
        mac.update(format!("{timestamp}{method}{path}{body}").as_bytes());
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.address))
            .header("OK-ACCESS-KEY", &self.key)
            .header("OK-ACCESS-PASSPHRASE", &self.passphrase)
            .header("OK-ACCESS-TIMESTAMP", timestamp)
            .header("OK-ACCESS-SIGN", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
            .header("Content-Type", "application/json");
        if !self.live {
            request = request.header("x-simulated-trading", "1");
        }
        let answer: Answer = request.body(body).send().await?.error_for_status()?.json().await?;
        // 1 and 2: what all, or some, of the parts have to say.
        if matches!(&*answer.code, "0" | "1" | "2") {
            Ok(answer)
        } else {
            bail!("the venue says {}: {}", answer.code, answer.msg)
        }
    }

    async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.call(Method::GET, path, None).await
    }

    /// A cancellation that was accepted takes a moment.
    async fn closed(&self, order: &Order, id: &str) -> anyhow::Result<State> {
        let path = format!("/api/v5/trade/order?instId={}&ordId={id}", order.symbol);
        loop {
            let detail: Detail = only(self.get(&path).await?)?;
            if detail.state().is_final() {
                return Ok(detail.state());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What an answer to a cancellation means for one order.
    async fn cancelled(&self, order: &Order, part: &Part) -> anyhow::Result<State> {
        match &*part.s_code {
            "0" | GONE => self.closed(order, &part.ord_id).await,
            code => bail!("the venue says {code}: {}", part.s_msg),
        }
    }
}

fn only<T: for<'de> Deserialize<'de>>(answer: Answer) -> anyhow::Result<T> {
    let part = answer.data.into_iter().next().context("the venue's answer is empty")?;
    Ok(serde_json::from_value(part)?)
}

fn named(order: &Order) -> anyhow::Result<Value> {
    let id = order.exchange_id.as_ref().context("an order without the venue's name for it")?;
    Ok(json!({"instId": order.symbol, "ordId": id}))
}

#[async_trait]
impl Venue for Rest {
    async fn place(&self, order: &Order) -> anyhow::Result<Placed> {
        let body = json!({
            "instId": order.symbol, "tdMode": "cash", "clOrdId": order.client_id, "side": "buy", "ordType": "limit",
            "px": order.price.to_string(), "sz": order.size.to_string(),
        });
        let part: Part = only(self.call(Method::POST, "/api/v5/trade/order", Some(body)).await?)?;
        Ok(match &*part.s_code {
            "0" => Placed::Accepted { exchange_id: part.ord_id },
            code => Placed::Rejected { why: format!("{code}: {}", part.s_msg) },
        })
    }

    async fn cancel(&self, order: &Order) -> anyhow::Result<State> {
        let answer = self.call(Method::POST, "/api/v5/trade/cancel-order", Some(named(order)?)).await?;
        self.cancelled(order, &only(answer)?).await
    }

    async fn cancel_all(&self, orders: &[Order]) -> anyhow::Result<Vec<anyhow::Result<State>>> {
        let mut outcomes = Vec::new();
        for batch in orders.chunks(BATCH) {
            let body = batch.iter().map(named).collect::<Result<Vec<_>, _>>()?;
            let path = "/api/v5/trade/cancel-batch-orders";
            let answer = self.call(Method::POST, path, Some(body.into())).await?;
            let parts: Vec<Part> = serde_json::from_value(answer.data.into())?;
            outcomes.extend(
                join_all(batch.iter().map(|order| async {
                    let id = order.exchange_id.as_deref().unwrap_or_default();
                    let part = parts.iter().find(|part| part.ord_id == id);
                    self.cancelled(order, part.context("the venue says nothing of this order")?).await
                }))
                .await,
            );
        }
        Ok(outcomes)
    }

    async fn executions(&self) -> anyhow::Result<Vec<Execution>> {
        let answer = self.get("/api/v5/trade/orders-history?instType=SPOT").await?;
        let details: Vec<Detail> = serde_json::from_value(answer.data.into())?;
        let execution = |detail: Detail| Execution {
            state: detail.state(),
            client_id: detail.cl_ord_id,
            exchange_id: Some(detail.ord_id),
        };
        Ok(details.into_iter().map(execution).collect())
    }

    async fn ping(&self) -> anyhow::Result<()> {
        self.get("/api/v5/public/time").await.map(drop)
    }

    /// There is no session.
    async fn log_out(&self) -> anyhow::Result<()> {
        Ok(())
    }
}
