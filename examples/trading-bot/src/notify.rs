//! Who is told: a webhook, a mailbox, a Pushgateway. Nothing here knows of a lifecycle.

use std::sync::LazyLock;
use std::time::Duration;

use anyhow::{Context, bail};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use prometheus::{Encoder, Registry, TextEncoder};
use reqwest::Client;
use serde_json::json;

use crate::config::Alert;

static CLIENT: LazyLock<Client> = LazyLock::new(Client::new);
const PATIENCE: Duration = Duration::from_secs(3);

/// By every way there is; one that fails keeps none of the others.
pub(crate) async fn everybody(alert: &Alert, subject: &str, text: &str) -> anyhow::Result<()> {
    match tokio::join!(webhook(alert, text), mail(alert, subject, text)) {
        (Ok(()), Ok(())) => Ok(()),
        (hook, mail) => bail!("webhook: {hook:?}, mail: {mail:?}"),
    }
}

async fn webhook(alert: &Alert, text: &str) -> anyhow::Result<()> {
    let request = CLIENT.post(&alert.webhook).json(&json!({"text": text})).timeout(PATIENCE);
    request.send().await?.error_for_status()?;
    Ok(())
}

async fn mail(alert: &Alert, subject: &str, text: &str) -> anyhow::Result<()> {
    let message = Message::builder()
        .from(alert.from.parse().with_context(|| alert.from.clone())?)
        .to(alert.to.parse().with_context(|| alert.to.clone())?)
        .subject(subject)
        .body(text.to_owned())?;
    // A mail relay near by, which knows how to reach everybody else.
    let (host, port) = alert.smtp.split_once(':').context("`smtp` is no host:port")?;
    let relay = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host).port(port.parse()?);
    relay.timeout(Some(PATIENCE)).build().send(message).await?;
    Ok(())
}

pub(crate) async fn push(gateway: &str, metrics: &Registry) -> anyhow::Result<()> {
    let mut text = Vec::new();
    TextEncoder::new().encode(&metrics.gather(), &mut text)?;
    let address = format!("{}/metrics/job/trading-bot", gateway.trim_end_matches('/'));
    CLIENT.put(address).body(text).timeout(PATIENCE).send().await?.error_for_status()?;
    Ok(())
}
