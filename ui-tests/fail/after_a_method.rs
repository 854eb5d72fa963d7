use lifecycle::{on_shutdown, worker};

struct Pool;

#[lifecycle::component]
impl Pool {
    #[on_shutdown(before = Self::flush)]
    async fn close(&self) {}

    #[on_shutdown(label = Flush)]
    async fn flush(&self) {}
}

#[worker(after = Pool::flush)]
async fn relay() {}

#[lifecycle::group(after = [Flush, self::Pool::close])]
struct Jobs;

fn main() {}
