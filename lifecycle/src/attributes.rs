//! The attributes, documented where their examples are compiled.
//!
//! Durations are strings such as `"1m 30s"`, or a path to a `const Duration`. All attributes take `crate = path` too.

/// Runs a function beside the service, begins it again when it fails, and tells it to stop at its place in the shutdown.
///
/// ```
/// use lifecycle::{CancellationToken, admitting, worker};
/// use tokio::sync::{Mutex, mpsc};
///
/// struct Mails(Mutex<mpsc::Receiver<String>>);
///
/// #[worker(timeout = "10s", retry = 3)]
/// async fn send(mails: &Mails) -> std::io::Result<()> {
///     let mut mails = mails.0.lock().await;
///     // Takes none once it was told to stop, nor while the service is paused; what it has is finished.
///     while let Some(Some(mail)) = admitting().next(mails.recv()).await {
///         println!("{mail}");
///     }
///     Ok(())
/// }
///
/// /// On an OS thread of its own inside the runtime, where a future need not be `Send`.
/// #[worker(restart = never)]
/// fn poll(token: CancellationToken) {
///     let state = std::rc::Rc::new(1);
///     let work = async { token.cancelled().await; drop(state) };
///     tokio::runtime::Handle::current().block_on(work);
/// }
/// ```
///
/// It goes on a function or on a method of a [`component`], whose arguments are resources as a step's are, and which returns
/// `()` or a `Result<(), E>`. It begins once the start has ended well and the last resource that it takes is there, also if `main`
/// [provides](crate::provide) it later.
///
/// | key | | default |
/// |---|---|---|
/// | `order`, `after`, `before` | the place of its *stop*, as of a shutdown step | right after [`Requests`](crate::Requests) |
/// | `timeout` | how long it is awaited once it was told to stop | `"5s"` |
/// | `restart` | when it is begun again: `never`, `on_failure`, `always` ([`Restart`](crate::Restart)) | `on_failure` |
/// | `retry` | how often in a row before its failure ends the service | `5` |
/// | `backoff` | the pause before the first restart in a row; each further one is twice as long | `"500ms"` |
/// | `when` | whether it begins at all, asked once after the start: an expression, or a closure that takes resources | |
/// | `label` | its name as a type, where the function's own is taken, and for methods | the function's name |
#[doc(inline)]
pub use lifecycle_macros::worker;

/// Runs a function again and again while the service does; while it fails, the service is not ready.
///
/// ```
/// use lifecycle::health_check;
///
/// # struct Db;
/// # impl Db {
/// #     async fn ping(&self) -> std::io::Result<()> { Ok(()) }
/// #     async fn connect(&self) -> std::io::Result<()> { Ok(()) }
/// # }
/// #[health_check(interval = "10s", timeout = "2s", recover = reconnect)]
/// async fn db_answers(db: &Db) -> std::io::Result<()> {
///     db.ping().await
/// }
///
/// /// Takes its own resources, found by their types.
/// async fn reconnect(db: &Db) -> std::io::Result<()> {
///     db.connect().await
/// }
/// ```
///
/// It goes on a function or on a method of a [`component`], whose arguments are resources as a step's are, and which returns
/// `()` or a `Result<(), E>`. What every check says now is in [`health`](crate::health()).
///
/// | key | | default |
/// |---|---|---|
/// | `interval` | from the end of one run to the next | `"30s"` |
/// | `timeout` | how long each run of it may take, and each of `recover` | `"5s"` |
/// | `recover` | a function that may help, called when the check has failed, before it is run again | |
/// | `retry` | how many attempts to recover it has | `3` |
/// | `delay` | from the end of `recover` to the next run | `"5s"` |
/// | `when` | whether it applies, asked before each run: an expression, or a closure that takes resources | |
/// | `label` | its name as a type, where the function's own is taken, and for methods | the function's name |
#[doc(inline)]
pub use lifecycle_macros::health_check;

/// Makes the attributes of steps work on the methods of an `impl` block.
///
/// ```
/// use std::sync::Arc;
/// use lifecycle::{CancellationToken, health_check, on_shutdown, on_start, tracked, worker};
///
/// # struct Config { url: String }
/// struct Exchange { url: String }
///
/// #[lifecycle::component]
/// impl Exchange {
///     #[on_start] // what it returns is what the others have as `self`
///     async fn connect(config: &Config) -> std::io::Result<Self> {
///         Ok(Exchange { url: config.url.clone() })
///     }
///
///     #[worker]
///     async fn stream(self: Arc<Self>, token: CancellationToken) {
///         token.cancelled().await;
///     }
///
///     #[health_check(interval = "5s", recover = Self::reconnect)]
///     async fn answers(&self) -> std::io::Result<()> { Ok(()) }
///
///     async fn reconnect(&self) -> std::io::Result<()> { Ok(()) }
///
///     #[tracked]
///     async fn order(&self, item: &str) -> Result<String, lifecycle::Rejected> {
///         Ok(format!("{item} at {}", self.url))
///     }
///
///     #[on_shutdown(label = CancelOrders, retry = 2, fallback = Self::write_down)]
///     async fn cancel_orders(&self) -> std::io::Result<()> { Ok(()) }
///
///     fn write_down(&self) {}
/// }
///
/// #[on_shutdown(after = CancelOrders)]
/// fn log_out(exchange: &Exchange) {
///     println!("leaving {}", exchange.url);
/// }
/// ```
///
/// `self` is the resource of that type, by `&self` or by `self: Arc<Self>`; all other arguments are resources as well. A function
/// without `self` is a step too. [`on_start`](crate::on_start), [`on_shutdown`](crate::on_shutdown), [`worker`] and
/// [`health_check`] are known by these names, with or without a path to this crate. Without a `label` a method's step cannot be named
/// by others; it is reported as `Exchange::stream`. The `impl` cannot be generic, nor be that of a trait.
#[doc(inline)]
pub use lifecycle_macros::component;

/// Runs a function before the service; what it returns becomes a resource, found by its type.
///
/// ```
/// use lifecycle::on_start;
///
/// # #[derive(Clone)] struct Config { url: String, cached: bool }
/// # struct Exchange; struct Cache;
/// # impl Exchange { async fn connect(_: &str) -> std::io::Result<Self> { Ok(Exchange) } }
/// #[on_start(timeout = "10s", attempt = "3s", retry = 2, backoff = "200ms")]
/// async fn connect(config: &Config) -> std::io::Result<Exchange> {
///     Exchange::connect(&config.url).await
/// }
///
/// #[on_start(after = connect, when = |config: &Config| config.cached)]
/// fn warm_up() -> Cache {
///     Cache
/// }
/// ```
///
/// | key | | default |
/// |---|---|---|
/// | `order` | an `i32`: it waits for every start step of lower order | as of its edges, else `0` |
/// | `after`, `before` | other start steps, by their functions' names: a path or a list | |
/// | `timeout` | how long it may take: all attempts and the pauses between them together | `"30s"` |
/// | `attempt` | how long each attempt may take | as long as there is time |
/// | `retry` | how many more attempts it has | `0` |
/// | `backoff` | the pause before the second attempt; each further one is twice as long | `"100ms"` |
/// | `when` | whether it runs at all: an expression, or a closure that takes resources; a `bool`, or a `Result<(), why>` | |
/// | `label` | its name as a type, where the function's own is taken, and for methods | the function's name |
#[doc(inline)]
pub use lifecycle_macros::on_start;

/// Runs a function at the shutdown, after the requests have drained (with a negative `order`: before).
///
/// ```
/// use lifecycle::{Report, Take, on_shutdown};
///
/// # struct Config { flush: bool }
/// # struct Metrics; struct Db;
/// # impl Metrics {
/// #     async fn push(&self) -> std::io::Result<()> { Ok(()) }
/// #     fn write(&self) -> std::io::Result<()> { Ok(()) }
/// # }
/// # impl Db { async fn close(self) {} }
/// #[on_shutdown(timeout = "8s", attempt = "2s", retry = 2, fallback = write_to_disk, when = |config: &Config| config.flush)]
/// async fn flush(metrics: &Metrics) -> std::io::Result<()> {
///     metrics.push().await
/// }
///
/// /// Takes its own resources, found by their types.
/// fn write_to_disk(metrics: &Metrics) -> std::io::Result<()> {
///     metrics.write()
/// }
///
/// #[on_shutdown(after = flush)]
/// async fn close_db(Take(db): Take<Db>) {
///     db.close().await;
/// }
///
/// #[on_shutdown(last)]
/// fn alert(report: &Report) {
///     eprintln!("{report}");
/// }
/// ```
///
/// | key | | default |
/// |---|---|---|
/// | `order` | an `i32`: it waits for every shutdown step of lower order | as of its edges, else `0` |
/// | `after`, `before` | other shutdown steps by their functions' names, groups, [`Requests`](crate::Requests): a path or a list | |
/// | `last` | after everything else, on the reserved time | |
/// | `timeout` | how long it may take: all attempts, the pauses between them and the fallback together | `"5s"` |
/// | `attempt` | how long each attempt may take | as long as there is time; with a fallback half of it |
/// | `retry` | how many more attempts it has | `0` |
/// | `backoff` | the pause before the second attempt; each further one is twice as long | `"100ms"` |
/// | `fallback` | a function that is called once every attempt has failed | |
/// | `compensate` | a function that is owed, by the journal, for a run in which the step was not done | |
/// | `when` | whether it runs at all: an expression, or a closure that takes resources; a `bool`, or a `Result<(), why>` | |
/// | `label` | its name as a type, where the function's own is taken, and for methods | the function's name |
#[doc(inline)]
pub use lifecycle_macros::on_shutdown;

pub use lifecycle_macros::{group, main, tracked};
