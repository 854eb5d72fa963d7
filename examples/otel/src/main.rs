//! An order service that is traced. Each line on stdin is an order; each order is a span, which carries its id. Spans leave
//! in batches, so the last ones of a service that ends are still here: a `last` hook sends them.
//!
//! ```sh
//! OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 cargo run --manifest-path examples/otel/Cargo.toml
//! ```

use lifecycle::{Rejected, Settings, Take, on_shutdown, on_start, tracked};
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::io::{AsyncBufReadExt, BufReader, stdin};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Where, and how often, is said by OpenTelemetry's own variables.
#[on_start]
fn open_telemetry() -> anyhow::Result<SdkTracerProvider> {
    let exporter = SpanExporter::builder().with_http().build()?;
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("orders"));
    tracing_subscriber::registry().with(layer).try_init()?;
    Ok(provider)
}

#[tracked(id = order, span)]
async fn place(order: String) -> Result<(), Rejected> {
    tracing::info!("placed");
    Ok(())
}

/// A plain function: it blocks until the collector has answered, on a thread of its own. So it works whatever state the
/// runtime is in. It is the last thing that happens, so whatever the other steps have traced is in it too.
#[on_shutdown(last, timeout = "2s")]
fn flush(Take(provider): Take<SdkTracerProvider>) -> anyhow::Result<()> {
    provider.shutdown()?;
    Ok(())
}

fn setup(settings: &mut Settings) {
    // For the test, which has to see that without it spans are lost.
    if std::env::var_os("WITHOUT_FLUSH").is_some() {
        settings.step::<flush>().off("WITHOUT_FLUSH is set");
    }
}

#[lifecycle::main(setup = setup)]
async fn main() -> anyhow::Result<()> {
    let mut orders = BufReader::new(stdin()).lines();
    let mut placed = 0;
    while let Some(order) = orders.next_line().await? {
        place(order).await?;
        placed += 1;
        println!("{placed} placed");
    }
    lifecycle::stopping().await;
    Ok(())
}
