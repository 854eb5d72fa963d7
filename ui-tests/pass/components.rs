//! Methods as steps.
#![deny(warnings)]

use std::sync::Arc;

use lifecycle::{CancellationToken, Take, health_check, on_shutdown, on_start, worker};

struct Config {
    on: bool,
}

/// What the methods are of.
pub struct Pool<T>(T);

#[lifecycle::component]
impl Pool<u8> {
    const SIZE: u8 = { 3 };

    #[on_start]
    fn config() -> Config {
        Config { on: true }
    }

    /// What it returns is what the others have as `self`.
    #[on_start(when = |config: &Config| config.on)]
    async fn open(config: &Config) -> Result<Self, String> {
        assert!(config.on);
        Ok(Pool(Self::SIZE))
    }

    #[worker(when = |this: &Self| this.0 > 0)]
    async fn refill(self: Arc<Self>, token: CancellationToken) {
        token.cancelled().await;
    }

    /// Checked while the service runs.
    #[health_check(recover = Self::reconnect, label = PoolAnswers)]
    pub async fn answers(&self) -> Result<(), String> {
        Ok(())
    }

    async fn reconnect(&self, _: &Config) {}

    /// Of the same name as what it takes is in.
    #[on_shutdown(label = ClosePool, fallback = Self::drop_all)]
    #[allow(clippy::unused_async)]
    pub async fn close(&self, _: &config::Other) -> Result<(), String> {
        Ok(())
    }

    fn drop_all(&self) {}

    #[cfg(any())]
    #[on_shutdown]
    fn not_there(&self, _: &Nothing) {}

    #[cfg_attr(all(), cfg(any()))]
    #[on_shutdown(label = NorThis)]
    fn nor_this(&self, _: &Nothing) {}

    #[lifecycle::on_shutdown(after = ClosePool)]
    fn config_is_done<'a>(self: &'a Self, _: Option<&'a Config>) {}

    /// Counted.
    #[lifecycle::tracked]
    pub async fn get(&self) -> Result<u8, lifecycle::Rejected> {
        Ok(self.0)
    }
}

mod config {
    pub struct Other;
}

#[on_start]
fn other() -> config::Other {
    config::Other
}

trait Named: Send + Sync {
    fn name(&self) -> String;
}

#[lifecycle::component(crate = lifecycle)]
impl dyn Named {
    #[on_shutdown(after = [ClosePool])]
    async fn goodbye(&self) {
        println!("{}", self.name());
    }
}

#[on_start]
fn named() -> Arc<dyn Named> {
    struct Me;
    impl Named for Me {
        fn name(&self) -> String {
            "me".to_owned()
        }
    }
    Arc::new(Me)
}

#[on_shutdown(after = ClosePool)]
fn gone(_: Take<Pool<u8>>) {}

fn main() {
    let plan = lifecycle::plan().map_err(|errors| errors.to_string()).unwrap();
    let names: Vec<&str> = plan.steps.iter().map(|step| step.name.as_str()).collect();
    for name in ["Pool::config", "Pool::open", "Pool::refill", "ClosePool", "Pool::config_is_done", "gone"] {
        assert!(names.contains(&name), "{names:?}");
    }
    let source = include_str!("components.rs");
    for (name, method) in [("Pool::open", "fn open("), ("ClosePool", "fn close("), ("Pool::refill", "fn refill(")] {
        let line = 1 + source.lines().position(|line| line.contains(method)).unwrap();
        let step = plan.steps.iter().find(|step| step.name == name).unwrap();
        assert_eq!(step.line as usize, line, "{name}");
    }
    assert!(!names.iter().any(|name| name.contains("this") || name.contains("there")), "{names:?}");
    assert!(names.iter().any(|name| name.ends_with("goodbye")), "{names:?}");
}
